"""Chunks of PNG files, and what IDAT holds."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..signatures import PNG
from ._png import chunks, stream

PICTURE = 33  # where chunks begin behind the signature and IHDR
FIELDS = struct.Struct(">2I5B")  # of IHDR
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type (PNG 11.2.1)


def compressed(data: bytes, head: Header, bits: int = 8) -> bytes | memoryview | None:
    """The zlib stream (RFC 1950) of a usual PNG: `bits` per sample, not interlaced, one picture. Every checksum of a
    chunk is compared.

    Parameters
    ----------
    data : bytes
    head : Header
        `header` of the data.
    bits : 8 or 16

    Returns
    -------
    bytes-like or None
        None: the file is of another kind, or a chunk is wrong.
    """
    if head.bits != bits or head.color not in CHANNELS or any(head[4:]) or not head.width or not head.height:
        return None
    return stream(data, PICTURE)


class Header(NamedTuple):
    """What IHDR states (PNG 11.2.1)."""

    width: int
    height: int
    bits: int
    color: int
    compression: int
    filter: int
    interlace: int


def header(data: bytes) -> Header | None:
    """The IHDR with which a PNG begins; None where another chunk is first, or the checksum is wrong.

    >>> import struct
    >>> from codec.formats.chunks import PNG, header
    >>> from codec.palette.png import chunk
    >>> header(PNG + chunk(b"IHDR", struct.pack(">2I5B", 3, 2, 8, 6, 0, 0, 0)))
    Header(width=3, height=2, bits=8, color=6, compression=0, filter=0, interlace=0)
    """
    first = next(chunks(data), None) if data.startswith(PNG) else None
    if first is None or first.kind != b"IHDR" or first.size != FIELDS.size or not first.is_sound:
        return None
    return Header(*FIELDS.unpack_from(data, PICTURE - FIELDS.size - 4))
