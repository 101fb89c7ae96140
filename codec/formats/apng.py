"""Read the structure of animated PNG files (PNG, third edition: 4.9, 5.3, 11.3.6).

Pillow shows a default image that is not part of the animation as its first frame.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING

from ..errors import BitstreamError, TruncatedError
from ..palette import png
from .chunks import chunks
from .composition import CLEAR, KEEP, RESTORE, Cell, Moving, no_frames, restarts

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from ..limits import Limits

DISPOSALS = {0: KEEP, 1: CLEAR, 2: RESTORE}
SIZES = {b"IHDR": 13, b"acTL": 8, b"fcTL": 26}


def count(data: bytes) -> int:
    """Frames of a PNG that acTL, before IDAT, makes an animation; 0 for others."""
    for chunk in chunks(data):
        if chunk.kind == b"acTL" and chunk.size == 8:
            return int.from_bytes(chunk.content[:4], "big")
        if chunk.kind == b"IDAT":
            break
    return 0


def still(data: bytes) -> bytes:
    """The PNG without the chunks of its animation: its IDAT alone."""
    parts, begin = [], 0
    for chunk in chunks(data):
        if chunk.kind in (b"acTL", b"fcTL", b"fdAT"):
            parts.append(data[begin : chunk.offset])
            begin = chunk.offset + 12 + chunk.size
    return b"".join([*parts, data[begin:]]) if begin else data


def read(data: bytes, limits: Limits, decode: Callable[[bytes], npt.NDArray[np.uint8]]) -> Moving:
    """The structure of an animated PNG; its pictures are decoded when frames are asked for.

    Parameters
    ----------
    data : bytes
    limits : codec.Limits
    decode : callable
        From a PNG of one picture to (H, W, 4) uint8.

    Raises
    ------
    BitstreamError, LimitError
    """
    head, kept, frames, ended = b"", [], [], False
    announced = plays = number = 0
    for chunk in chunks(data):
        if (chunk.kind == b"IHDR") == bool(head):
            raise BitstreamError("IHDR is not first, or not alone", layer="APNG", offset=chunk.offset)
        if chunk.kind in (b"IHDR", b"acTL", b"fcTL", b"fdAT", b"PLTE", b"tRNS"):
            _check(chunk)
        if chunk.kind == b"IHDR":
            head = chunk.content
            limits.check_pixels(*struct.unpack_from(">II", head))
        elif chunk.kind in (b"PLTE", b"tRNS"):
            kept.append(png.chunk(chunk.kind, chunk.content))
        elif chunk.kind == b"acTL":
            announced, plays = struct.unpack(">II", chunk.content)
        elif chunk.kind in (b"fcTL", b"fdAT"):
            if len(chunk.content) < 4 or int.from_bytes(chunk.content[:4], "big") != number:
                raise BitstreamError("sequence numbers do not count up", layer="APNG", offset=chunk.offset)
            number += 1
            if chunk.kind == b"fcTL":
                frames.append((_control(chunk, head), []))
            elif not frames:
                raise BitstreamError("fdAT without fcTL", layer="APNG", offset=chunk.offset)
            else:
                frames[-1][1].append(chunk.content[4:])
        elif chunk.kind == b"IDAT" and frames:
            _check(chunk)
            frames[-1][1].append(chunk.content)
        ended = ended or chunk.kind == b"IEND"
    if not ended:
        raise TruncatedError("the data ends before IEND", layer="APNG", offset=len(data))
    if not frames:
        raise no_frames("APNG", len(data))
    cells = [_cell(control, parts, head, b"".join(kept), decode) for control, parts in frames]
    warnings = [] if announced == len(cells) else [f"acTL announces {announced} frames and there are {len(cells)}"]
    width, height = struct.unpack_from(">II", head)
    return Moving(width, height, cells, restarts(plays), warnings)


def _check(chunk):
    if not chunk.is_sound:
        raise BitstreamError(f"the CRC of {chunk.kind.decode()} is wrong", layer="APNG", offset=chunk.offset)
    if chunk.size != SIZES.get(chunk.kind, chunk.size):
        raise BitstreamError(f"{chunk.kind.decode()} has the wrong length", layer="APNG", offset=chunk.offset)


def _control(chunk, head):
    """The fields of fcTL after the sequence number."""
    control = struct.unpack_from(">IIIIHHBB", chunk.content, 4)
    wide, high, x, y, _, _, dispose, blend = control
    width, height = struct.unpack_from(">II", head)
    if not wide or not high or x + wide > width or y + high > height:
        raise BitstreamError("a frame reaches beyond the picture", layer="APNG", offset=chunk.offset)
    if dispose not in DISPOSALS or blend > 1:
        raise BitstreamError("unknown disposal or blending", layer="APNG", offset=chunk.offset)
    return control


def _cell(control, parts, head, colors, decode):
    wide, high, x, y, numerator, denominator, dispose, blend = control
    header = png.chunk(b"IHDR", struct.pack(">II", wide, high) + head[8:])

    def read():
        if not parts:
            raise BitstreamError("a frame has no data", layer="APNG")
        return decode(png.SIGNATURE + header + colors + png.chunk(b"IDAT", b"".join(parts)) + png.chunk(b"IEND", b""))

    # A denominator of 0 means hundredths (11.3.6.2).
    seconds = Fraction(numerator, denominator or 100)
    return Cell(x, y, wide, high, read, seconds, DISPOSALS[dispose], bool(blend))
