"""Chunks of PNG files, and what IDAT holds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ..signatures import PNG
from ._png import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = 33  # where chunks begin behind the signature and IHDR
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type (PNG 11.2.1)
# Chunks behind IHDR that change what is seen, or how many pictures there are.
OTHER = (b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT")


class Chunk(NamedTuple):
    """A chunk at its place in the file."""

    kind: bytes
    file: bytes
    offset: int
    size: int

    @property
    def content(self) -> bytes:
        """A copy: IDAT may have megabytes."""
        return self.file[self.offset + 8 : self.offset + 8 + self.size]


def chunks(data: bytes) -> Iterator[Chunk]:
    """Chunks up to IEND; ends without an error where the data ends or a chunk does not fit."""
    at = len(PNG)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            return
        yield Chunk(kind, data, at, size)
        if kind == b"IEND":
            return
        at += 12 + size


def compressed(data: bytes, head: Header) -> bytes | memoryview | None:
    """The zlib stream (RFC 1950) of a usual PNG: 8 bits per sample, not interlaced, one picture. Every checksum of a
    chunk is compared.

    Parameters
    ----------
    data : bytes
    head : Header
        `header` of the data.

    Returns
    -------
    bytes-like or None
        None: the file is of another kind, or a chunk is wrong.
    """
    if head.bits != 8 or head.color not in CHANNELS or any(head[4:]) or not head.width or not head.height:
        return None
    return _stream(data)


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
    if not data.startswith(PNG) or data[len(PNG) : 16] != b"\0\0\0\rIHDR" or len(data) < PICTURE:
        return None
    sound = crc32(data[12 : PICTURE - 4]) == int.from_bytes(data[PICTURE - 4 : PICTURE], "big")
    return Header(*struct.unpack_from(">2I5B", data, 16)) if sound else None


def _stream(data):
    """All IDAT chunks behind a sound IHDR; None if the file is of another kind."""
    view, at, parts, ended = memoryview(data), PICTURE, [], False
    while not ended:
        size, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        content, at = view[at + 8 : at + 8 + size], at + 12 + size
        checksum = int.from_bytes(view[at - 4 : at], "big")
        if at > len(data) or kind in OTHER or crc32(content, crc32(kind)) != checksum:
            return None
        if kind == b"IDAT":
            parts.append(content)
        ended = kind == b"IEND"
        if parts and not ended and kind != b"IDAT":  # text or Exif behind the picture, which Pillow reads with it
            return None
    return (parts[0] if len(parts) == 1 else b"".join(parts)) if parts else None
