"""Standard JPEG: T.81 (ISO/IEC 10918-1), JFIF (T.871), Adobe's colour marker.

A pixel's way out: encode -> _planes.forward -> _scan.encode_scan -> markers; and back: markers -> _scan.decode_scan -> _planes.compose -> decode.
"""
from .encode import EncodedImage, encode
from .metadata import Metadata
from .params import EncodeOptions, QuantTables

__all__ = ["EncodeOptions", "EncodedImage", "Metadata", "QuantTables", "encode"]
