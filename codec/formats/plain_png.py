"""Pixels of the PNG files that are usual: 8 bits per sample, not interlaced, one picture. Others are left to Pillow."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from ..palette import png
from ._png import unfilter

try:  # inflates in half of zlib's time; there are no wheels for some processors
    from isal import isal_zlib
except ImportError:
    isal_zlib = zlib  # type: ignore[misc]

if TYPE_CHECKING:
    import numpy.typing as npt

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type (PNG 11.2.1)
# Chunks that change what is seen, or how many pictures there are.
OTHER = (b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT")


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


def _stream(data):
    """The zlib stream (RFC 1950) of all IDAT chunks; None if the file is of another kind."""
    view, at, parts, ended = memoryview(data), len(png.SIGNATURE), [], False
    while not ended:
        size, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        content, at = view[at + 8 : at + 8 + size], at + 12 + size
        checksum = int.from_bytes(view[at - 4 : at], "big")
        if at > len(data) or kind in OTHER or zlib.crc32(content, zlib.crc32(kind)) != checksum:
            return None
        if kind == b"IDAT":
            parts.append(content)
        ended = kind == b"IEND"
        if parts and not ended and kind != b"IDAT":  # text or Exif behind the picture, which Pillow reads with it
            return None
    return b"".join(parts) if parts else None


def _inflated(stream, size):
    """The bytes of a zlib stream, in memory that may change; None if it is damaged, or has more or fewer."""
    reader = isal_zlib.decompressobj()
    try:
        found = reader.decompress(stream, size + 1)
    except (isal_zlib.error, zlib.error):
        return None
    return np.frombuffer(bytearray(found), np.uint8) if reader.eof and len(found) == size else None
