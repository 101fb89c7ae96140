"""Colour by the standards: luma weights, RGB <-> YCbCr, sample ranges, the sRGB transfer function."""

import numpy as np

# (kr, kb): the weights of red and blue in luma, H.273 Table 4 (H.264 Table E-5); BT.2020 with non-constant luminance.
MATRICES = {
    "BT.601": (0.299, 0.114),
    "BT.709": (0.2126, 0.0722),
    "BT.2020": (0.2627, 0.0593),
    "FCC": (0.3, 0.11),
    "SMPTE 240M": (0.212, 0.087),
}
# Not weighted sums: the planes are G, B and R; or Y = (R + 2G + B) / 4 with two differences.
OTHER_MATRICES = ("GBR", "YCgCo")
# matrix_coefficients of H.273 Table 4 (H.264 Table E-5).
H273_MATRICES = {
    0: "GBR", 1: "BT.709", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 8: "YCgCo", 9: "BT.2020", 10: "BT.2020",
}  # fmt: skip
HD_ROWS = 720  # the height from which BT.709 is assumed

# Limited range (BT.601, BT.709): black, and the steps of luma and chroma, in 8-bit samples.
LIMITED_BLACK, LIMITED_LUMA, LIMITED_CHROMA = 16, 219, 224

# Y, Cb and Cr (centred on 0) as weights of R, G and B, to the digits that T.871 clause 7 and studies of BT.709 print.
# Scores are computed with these rounded figures; full precision would change their last digits.
YCBCR = {
    "BT.601": ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)),
    "BT.709": ((0.2126, 0.7152, 0.0722), (-0.114572, -0.385428, 0.5), (0.5, -0.454153, -0.045847)),
}
# Luma weights of BT.601 in 1/1000, which are exact.
LUMA_1000 = (299, 587, 114)


def default_matrix(height):
    """Matrix of a picture that does not name one: BT.709 from 720 rows on, BT.601 below."""
    return "BT.709" if height >= HD_ROWS else "BT.601"


def levels(depth, full_range):
    """(black, luma span, chroma span): the samples that 0 and the distances 0..1 and -1/2..1/2 map to."""
    unit = 1 << (depth - 8)
    if full_range:
        return 0, 256 * unit - 1, 256 * unit - 1
    return LIMITED_BLACK * unit, LIMITED_LUMA * unit, LIMITED_CHROMA * unit


def minus_luma(cb, cr, matrix):
    """R - Y, G - Y and B - Y from Cb and Cr (centred on 0), float32; YCgCo takes Cg and Co."""
    if matrix == "YCgCo":
        return cr - cb, cb, -cb - cr
    # R - Y = 2 (1 - kr) Cr, B - Y = 2 (1 - kb) Cb, and Y = kr R + kg G + kb B gives G.
    kr, kb = MATRICES[matrix]
    red, blue = cr * np.float32(2 * (1 - kr)), cb * np.float32(2 * (1 - kb))
    green = red * np.float32(-kr / (1 - kr - kb)) + blue * np.float32(-kb / (1 - kr - kb))
    return red, green, blue


def from_rgb(r, g, b, matrix):
    """Y, Cb and Cr (centred on 0) of float32 R, G and B: the inverse of `minus_luma`."""
    kr, kb = MATRICES[matrix]
    y = r * np.float32(kr) + g * np.float32(1 - kr - kb) + b * np.float32(kb)
    return y, (b - y) / np.float32(2 * (1 - kb)), (r - y) / np.float32(2 * (1 - kr))


def luma(rgb):
    """Y of T.871, unrounded float64, of (..., 3) RGB."""
    return rgb @ np.array(YCBCR["BT.601"][0])


def linear_light(v):
    """Linear light of sRGB values, 0..1 (IEC 61966-2-1). Values below 0 stay on the linear part."""
    return np.where(v <= 0.04045, v / 12.92, ((np.maximum(v, 0) + 0.055) / 1.055) ** 2.4)


def linear_light_slope(v):
    """Derivative of `linear_light`, for v >= 0."""
    return np.where(v <= 0.04045, 1 / 12.92, 2.4 / 1.055 * ((v + 0.055) / 1.055) ** 1.4)
