"""Pixels of the PNG files that are usual: 8 bits per sample, not interlaced, one picture; and of those in colour of 16
bits. Others are left to Pillow.
"""

from __future__ import annotations

import struct
from itertools import islice

from ._png import read
from .chunks import CHANNELS, chunks, compressed, header

# Chunks behind IHDR that hold neither a profile nor EXIF nor XMP (11.3), and the sizes of those that Pillow reads.
UNDESCRIPTIVE = {
    **{b"IEND": 0, b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"pHYs": 9},
    **dict.fromkeys((b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST", b"sPLT", b"tIME", b"tEXt")),
}
TOLD_AS_TEXT = (b"Raw profile type ", b"XML:")  # keywords of ImageMagick and of XMP (11.3.3.2)


def samples(data: bytes) -> memoryview | None:
    """The samples as stored: gray, gray and alpha, RGB or RGBA.

    Takes half of Pillow's time, and does without NumPy. Every checksum is compared.

    Parameters
    ----------
    data : bytes
        A PNG whose size is within the caller's limits.

    Returns
    -------
    memoryview, (H, W) or (H, W, channels) uint8, writable, or None
        None: the file is of another kind, or anything is wrong with it. Pillow then reads it, or says what is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.formats import plain_png
    >>> from codec.formats.pictures import dump
    >>> plain_png.samples(dump(np.array([[1, 2, 3]], np.uint8))).tolist()
    [[1, 2, 3]]
    """
    head = header(data)
    if head is None:
        return None
    stream = compressed(data, head)
    if stream is None:
        return None
    channels = CHANNELS[head.color]
    stored = read(stream, head.height, head.width * channels, channels)
    if stored is None:
        return None
    return memoryview(stored).cast("B", (head.height, head.width) + (channels,) * (channels > 1))


def deep(data: bytes) -> memoryview | None:
    """The samples of a usual PNG in colour of 16 bits, of which Pillow gives 8.

    Parameters
    ----------
    data : bytes
        As for `samples`; or a file of another format.

    Returns
    -------
    memoryview, (H, W, 6) uint8, or None
        R, G and B, the high byte of each first. None as for `samples`.
    """
    head = header(data)
    if head is None or head.color != 2:
        return None
    stream = compressed(data, head, 16)
    stored = None if stream is None else read(stream, head.height, head.width * 6, 6)
    return None if stored is None else memoryview(stored).cast("B", (head.height, head.width, 6))


def density(data: bytes) -> tuple[int | None, int | None] | None:
    """Pixels per metre across and down, (None, None) where pHYs (11.3.4.3) states none. None for a file that Pillow is
    to describe, since a chunk before IDAT may hold a profile, EXIF or XMP.

    >>> import struct
    >>> from codec.formats import plain_png
    >>> from codec.palette.png import SIGNATURE, chunk
    >>> chunks = chunk(b"IHDR", bytes(13)), chunk(b"pHYs", struct.pack(">IIB", 3937, 3937, 1)), chunk(b"IEND", b"")
    >>> plain_png.density(SIGNATURE + b"".join(chunks))
    (3937, 3937)
    """
    found: tuple[int | None, int | None] = None, None
    for chunk in islice(chunks(data), 1, None):
        if chunk.kind == b"IDAT":  # `samples` takes no file with text behind it
            break
        if chunk.kind not in UNDESCRIPTIVE or UNDESCRIPTIVE[chunk.kind] not in (None, chunk.size):
            return None
        if chunk.kind == b"tEXt" and chunk.content.startswith(TOLD_AS_TEXT):
            return None
        if chunk.kind == b"pHYs":
            across, down, unit = struct.unpack(">IIB", chunk.content)
            found = (across, down) if unit == 1 else found
    return found
