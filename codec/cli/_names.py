"""Names of the library that options take, so that help loads neither the library nor NumPy; a test compares them with
their origin.
"""

# "module:name" below `codec` -> the names, in the library's order
NAMES = {
    "formats.pictures:SUFFIXES": ("png", "ppm", "tiff"),
    "h264.encode.parameters:PROFILES": ("baseline", "main", "high"),
    "h264.encode.settings:PRESETS": (
        "ultrafast",
        "superfast",
        "veryfast",
        "faster",
        "fast",
        "medium",
        "slow",
        "slower",
        "veryslow",
        "placebo",
    ),
    "h264.encode.settings:TUNES": ("psnr", "ssim", "film", "animation", "screen", "zerolatency", "fastdecode"),
    "jpeg.geometry:EDGES": ("perfect", "trim", "keep"),
    "jpeg.geometry:FLIPS": ("horizontal", "vertical", "transpose", "transverse"),
    "jpeg.params:SUBSAMPLING": ("4:4:4", "4:2:2", "4:4:0", "4:2:0"),
    "jpeg.params:TUNES": ("ssimulacra2", "ssim", "psnr", "flat", "annex-k"),
    "palette.choose:METHODS": ("kmeans", "median-cut", "wu", "heckbert", "octree"),
    "palette.dither:DITHERS": (
        "floyd-steinberg",
        "jarvis-judice-ninke",
        "stucki",
        "atkinson",
        "sierra",
        "bayer",
        "blue-noise",
        "riemersma",
    ),
    "palette.spaces:SPACES": ("oklab", "srgb", "linear", "ycbcr"),
    "quantizers.recommendation:METHODS": (
        "uniform",
        "rounding",
        "uniform-mid-rise",
        "uniform-clipped",
        "affine",
        "affine-symmetric",
        "dead-zone",
        "mu-law",
        "g711-mu",
        "g711-a",
        "float8",
        "lloyd-max-gaussian",
        "lloyd-max-laplace",
        "power-law",
        "entropy-coded",
        "lloyd-max",
    ),
    "rd.interpolation:METHODS": ("pchip", "akima", "cubic"),
    "rd.train:JUDGES": ("ssimulacra2", "ssim", "psnr"),
    "rd.train:SUBSAMPLINGS": ("4:2:0", "4:4:4"),
}

# Metrics: what they measure, unit, whether lower is better
METRICS = {
    "psnr": ("mean squared error in dB, infinite for equal pictures", "dB", False),
    "psnr_y": ("PSNR of the luma alone", "dB", False),
    "ssim": ("structural similarity, 11 x 11 Gaussian window, mean over the channels", "", False),
    "ssim_y": ("SSIM of the luma alone", "", False),
    "ms_ssim": ("SSIM at five scales", "", False),
    "ssimulacra2": (
        "perceptual: 90 is hard to tell apart, 70 is high quality, 100 is equal; means little below 64 x 64 pixels",
        "",
        False,
    ),
    "psnr_hvs_m": ("PSNR weighted by contrast sensitivity and masking", "dB", False),
    "ciede2000": ("mean colour difference in CIELAB", "", True),
    "mse": ("mean squared error of all samples", "", True),
}
