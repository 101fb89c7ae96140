"""Boxes of ISO base media files (ISO/IEC 14496-12 4.2), which HEIF and AVIF are, and of JPEG 2000 (T.800 annex I)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
PROFILES = (b"\2", b"\3")  # methods of colr that hold an ICC profile: restricted (T.800 I.5.3.3), any (T.801 M.11.7.3)
# The first 16 bytes of uuid boxes: Exif (JPEG 2000 files of digital cameras), XMP part 3 (1.1.4), IPTC.
UUIDS = {
    b"JpgTiffExif->JP2": "exif",
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "xmp",
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): "iptc",
}
SOT, SOD, EOC, COM = 0xFF90, 0xFF93, 0xFFD9, 0xFF64  # T.800 table A.2


class Box(NamedTuple):
    """A box: its type, and where its content is; it ends behind the data where that was cut."""

    kind: bytes
    begin: int
    end: int


def boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes one after the other, up to one that is none.

    >>> from codec.formats.boxes import boxes
    >>> list(boxes(b"\\0\\0\\0\\x09mdat1"))
    [Box(kind=b'mdat', begin=8, end=9)]
    """
    at, end = begin, len(data) if end is None else end
    while at + 8 <= end:
        (size, kind), head = struct.unpack_from(">I4s", data, at), 8
        if size == 1 and at + 16 <= end:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:  # to the end
            size = end - at
        if size < head:
            return
        yield Box(kind, at + head, at + size)
        at += size


def described(data: bytes) -> dict[str, bytes]:
    """What a JPEG 2000 file says besides its pixels: contents by kind, "icc", "exif", "xmp", "iptc", "text" (of XML)
    and "comments".
    """
    found: dict[str, bytes] = {}
    if not data.startswith(JP2):
        return _commented(data)
    for box in boxes(data):
        if box.kind == b"uuid" and data[box.begin : box.begin + 16] in UUIDS:
            found.setdefault(UUIDS[data[box.begin : box.begin + 16]], data[box.begin + 16 : box.end])
        elif box.kind == b"xml ":
            found.setdefault("text", data[box.begin : box.end])
        elif box.kind == b"jp2c":
            found |= _commented(data[box.begin : box.end])
        for inner in boxes(data, box.begin, min(box.end, len(data))) if box.kind == b"jp2h" else ():
            if inner.kind == b"colr" and data[inner.begin : inner.begin + 1] in PROFILES:
                found.setdefault("icc", data[inner.begin + 3 : inner.end])
    return found


def _commented(stream):
    comment = next((content for code, content in segments(stream) if code == COM), None)
    return {} if comment is None else {"comments": comment}


def segments(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of the segments of a codestream, those of all tile-parts among them, and EOC; nothing beyond
    one that is damaged (T.800 A.2 to A.4).
    """
    at, part, size = 2, 0, 0
    while at + 2 <= len(stream):
        code = int.from_bytes(stream[at : at + 2], "big")
        if code == EOC:
            yield code, stream[at + 2 :]
            return
        if code == SOD:
            end = part + size if size else len(stream) - 2  # 0: up to EOC
            if end <= at:
                return
            at = end
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        content = stream[at + 4 : at + 2 + length]
        if length < 2 or code < 0xFF00:
            return
        yield code, content
        if code == SOT and len(content) == 8:
            part, size = at, int.from_bytes(content[2:6], "big")
        at += 2 + length
