"""Standard JPEG: T.81 (ISO/IEC 10918-1), JFIF (T.871), Adobe's colour marker.

A pixel's way out: encode -> _planes.forward -> _scan_write.encode_scan -> markers; and back: markers -> _scan_read.decode_scan -> _planes.compose -> decode.
"""
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

__all__ = [
    "Coefficients", "Damage", "DecodedImage", "EncodeOptions", "EncodedImage", "ImageInfo", "Metadata", "QualityEstimate",
    "QuantTables", "Transcoded", "decode", "encode", "estimate_quality", "inspect", "probe", "read_coefficients", "requantize",
    "transcode", "worse_generation", "write_coefficients",
]
