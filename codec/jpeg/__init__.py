"""Standard JPEG: T.81 (ISO/IEC 10918-1), JFIF (T.871), Adobe's colour marker.

A pixel's way out: encode -> pipeline -> _planes.forward -> _scan_write.encode_scan -> markers; and back: markers ->
_stream_read.decode_pixels, or _scan_read.decode_scan -> _stream_read.pixels_of_levels, -> decode. Arithmetic coded
scans go through _arith_write and _arith_read, lossless ones through lossless, _lossless_write and _lossless_read.
"""

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from . import multipicture as multipicture
    from .coefficients import Coefficients, read_coefficients, write_coefficients
    from .decoder import Damage, DecodedImage, decode, probe
    from .encoder import EncodedImage, encode
    from .guard import QualityEstimate, estimate_quality, worse_generation
    from .info import ImageInfo
    from .inspector import inspect
    from .lossless import LosslessImage, encode_lossless
    from .metadata import Metadata
    from .params import EncodeOptions, QuantTables
    from .planes import decode_planes
    from .rdoq import TrellisQuantizer
    from .requantizer import requantize
    from .transcoder import Transcoded, transcode

__all__ = [
    "Coefficients",
    "Damage",
    "DecodedImage",
    "EncodeOptions",
    "EncodedImage",
    "ImageInfo",
    "LosslessImage",
    "Metadata",
    "QualityEstimate",
    "QuantTables",
    "Transcoded",
    "TrellisQuantizer",
    "decode",
    "decode_planes",
    "encode",
    "encode_lossless",
    "estimate_quality",
    "inspect",
    "probe",
    "read_coefficients",
    "requantize",
    "transcode",
    "worse_generation",
    "write_coefficients",
]

# name -> its module, which loads on first use
_MODULES = {
    **dict.fromkeys(("Coefficients", "read_coefficients", "write_coefficients"), "coefficients"),
    **dict.fromkeys(("Damage", "DecodedImage", "decode", "probe"), "decoder"),
    **dict.fromkeys(("EncodedImage", "encode"), "encoder"),
    **dict.fromkeys(("QualityEstimate", "estimate_quality", "worse_generation"), "guard"),
    "ImageInfo": "info",
    "inspect": "inspector",
    **dict.fromkeys(("LosslessImage", "encode_lossless"), "lossless"),
    "Metadata": "metadata",
    "multipicture": None,
    **dict.fromkeys(("EncodeOptions", "QuantTables"), "params"),
    "decode_planes": "planes",
    "TrellisQuantizer": "rdoq",
    "requantize": "requantizer",
    **dict.fromkeys(("Transcoded", "transcode"), "transcoder"),
}

__getattr__, __dir__ = lazy(__name__, _MODULES)
