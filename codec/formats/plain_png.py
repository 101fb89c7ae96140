"""Pixels of the PNG files that are usual: 8 bits per sample, not interlaced, one picture. Others are left to Pillow."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from ..palette import png
from . import apng
from ._png import unfilter

try:  # inflates in half of zlib's time, checksums in a tenth; there are no wheels for some processors
    from isal import isal_zlib
except ImportError:
    isal_zlib = zlib  # type: ignore[misc]

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type (PNG 11.2.1)
# Chunks that change what is seen, or how many pictures there are.
OTHER = (b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT")
# Chunks that hold neither a profile nor EXIF nor XMP (11.3).
UNDESCRIPTIVE = (
    *(b"IHDR", b"IEND", b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI"),
    *(b"pHYs", b"sBIT", b"bKGD", b"hIST", b"sPLT", b"tIME", b"tEXt"),
)
TOLD_AS_TEXT = (b"Raw profile type ", b"XML:")  # keywords of ImageMagick and of XMP (11.3.3.2)


def pixels(data: bytes) -> npt.NDArray[np.uint8] | None:
    """The samples as stored: gray, gray and alpha, RGB or RGBA.

    Takes half of Pillow's time. Every checksum is compared.

    Parameters
    ----------
    data : bytes
        A PNG whose size is within the caller's limits.

    Returns
    -------
    (H, W) or (H, W, channels) uint8, or None
        None: the file is of another kind, or anything is wrong with it. Pillow then reads it, or says what is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.formats import plain_png
    >>> from codec.formats.pictures import dump
    >>> plain_png.pixels(dump(np.array([[1, 2, 3]], np.uint8)))
    array([[1, 2, 3]], dtype=uint8)
    """
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    usual = len(data) > 33 and data[24] == 8 and data[25] in CHANNELS and data[26:29] == bytes(3)
    stream = _stream(data) if usual and width and height else None
    if stream is None:
        return None
    channels = CHANNELS[data[25]]
    filtered = _inflated(stream, height * (1 + width * channels))
    if filtered is None:
        return None
    samples = unfilter(filtered, height, width * channels, channels)
    if samples is None or channels == 1:
        return samples
    return samples.reshape(height, width, channels)


def density(data: bytes) -> tuple[int | None, int | None] | None:
    """Pixels per metre across and down, (None, None) where pHYs (11.3.4.3) states none. None for a file that Pillow is
    to describe, since a chunk before IDAT may hold a profile, EXIF or XMP.

    >>> import struct
    >>> from codec.formats import plain_png
    >>> from codec.palette.png import SIGNATURE, chunk
    >>> plain_png.density(SIGNATURE + chunk(b"pHYs", struct.pack(">IIB", 3937, 3937, 1)) + chunk(b"IEND", b""))
    (3937, 3937)
    """
    found: tuple[int | None, int | None] = None, None
    for chunk in apng.chunks(data):
        if chunk.kind == b"IDAT":  # `pixels` takes no file with text behind it
            break
        if chunk.kind not in UNDESCRIPTIVE or (chunk.kind == b"tEXt" and chunk.content.startswith(TOLD_AS_TEXT)):
            return None
        if chunk.kind == b"pHYs":
            if chunk.size != 9:
                return None
            across, down, unit = struct.unpack(">IIB", chunk.content)
            found = (across, down) if unit == 1 else found
    return found


def _stream(data):
    """The zlib stream (RFC 1950) of all IDAT chunks; None if the file is of another kind."""
    view, at, parts, ended = memoryview(data), len(png.SIGNATURE), [], False
    while not ended:
        size, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        content, at = view[at + 8 : at + 8 + size], at + 12 + size
        checksum = int.from_bytes(view[at - 4 : at], "big")
        if at > len(data) or kind in OTHER or isal_zlib.crc32(content, isal_zlib.crc32(kind)) != checksum:
            return None
        if kind == b"IDAT":
            parts.append(content)
        ended = kind == b"IEND"
        if parts and not ended and kind != b"IDAT":  # text or Exif behind the picture, which Pillow reads with it
            return None
    return (parts[0] if len(parts) == 1 else b"".join(parts)) if parts else None


def _inflated(stream, size):
    """The bytes of a zlib stream; None if it is damaged, or has more or fewer than `size`."""
    reader = isal_zlib.decompressobj()
    try:
        found = reader.decompress(stream, size + 1)
    except (isal_zlib.error, zlib.error):
        return None
    return found if reader.eof and len(found) == size else None
