"""Standard JPEG: T.81 (ISO/IEC 10918-1), JFIF (T.871), Adobe's colour marker.

A pixel's way out: encode -> _planes.forward -> _scan_write.encode_scan -> markers; and back: markers ->
_stream_read.decode_pixels, or _scan_read.decode_scan -> _stream_read.pixels_of_levels, -> decode. Arithmetic coded
scans go through _arith_write and _arith_read, lossless ones through lossless, _lossless_write and _lossless_read.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .coefficients import Coefficients, read_coefficients, write_coefficients
from .decode import Damage, DecodedImage, decode, probe
from .encode import EncodedImage, encode
from .guard import QualityEstimate, estimate_quality, worse_generation
from .info import ImageInfo
from .inspect import inspect
from .metadata import Metadata
from .params import EncodeOptions, QuantTables
from .requantize import requantize
from .transcode import Transcoded, transcode

if TYPE_CHECKING:
    from .lossless import LosslessImage, encode_lossless
    from .planes import decode_planes
    from .rdoq import TrellisQuantizer

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

# name -> its module, which few need and which loads on first use
_LATER = {
    **dict.fromkeys(("LosslessImage", "encode_lossless"), "lossless"),
    "decode_planes": "planes",
    "TrellisQuantizer": "rdoq",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'codec.jpeg' has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"codec.jpeg.{_LATER[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
