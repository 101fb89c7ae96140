"""Image and video compression: JPEG and H.264 encoders and decoders, palettes, metrics, rate-distortion laboratory.

    data = codec.encode(image, quality=75)          (H, W[, 3]) uint8 array -> bytes of a standard JPEG
    image = codec.decode(data)                      bytes, path or file object -> array
    codec.probe(data)                               the header only
    for frame in codec.decode_video("clip.264"): frame.planes, frame.to_rgb()
    data = codec.encode_video(frames, fps=25, qp=28)

Names load on first use, so `import codec` costs next to nothing.
"""

from ._lazy import lazy

__version__ = "0.1.0"

# name -> module that defines it; None: the name is itself a module
_PUBLIC = {
    **dict.fromkeys(("encode", "decode", "encode_many", "decode_many", "probe", "read", "write"), "api"),
    **dict.fromkeys(
        (
            "CodecError",
            "BitstreamError",
            "TruncatedError",
            "UnsupportedError",
            "LimitError",
            "ParameterError",
            "FileError",
            "MissingPackageError",
            "DamageWarning",
            "PeerError",
        ),
        "errors",
    ),
    "decode_planes": "jpeg.planes",
    "Limits": "limits",
    "animate": "formats.animation",
    **dict.fromkeys(("quantize_colors", "PaletteQuantizer"), "palette"),
    "Frame": "frame",
    "decode_video": "h264.decode.video",
    **dict.fromkeys(("encode_video", "write_video"), "h264.encode.video"),
    **dict.fromkeys(("jpeg", "h264", "metrics", "palette", "quantizers", "rd", "cpu", "registry"), None),
}
__all__ = ["__version__", *_PUBLIC]

__getattr__, __dir__ = lazy(__name__, _PUBLIC)
