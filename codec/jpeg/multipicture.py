"""The bytes after EOI: further pictures with their index (MPF, CIPA DC-007), HDR gain maps, motion photos.

Most are found by their distance from the end of the file, or by adding up sizes, and stay valid unchanged. Only the
index counts from its own position, so it is rewritten when the picture before it changes its size.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace

from ..errors import BitstreamError
from . import markers
from ._segments import find_segments
from .metadata import APP0, APP1, APP2, MPF, TIFF_HEADERS, XMP

ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"  # ISO 21496-1, Annex C.2: the gain map's metadata in APP2
MP_ENTRY, MP_ENTRY_BYTES = 0xB002, 16  # DC-007 5.2.3.3: attributes, size, offset (4 bytes each), two dependent entries

# XMP that announces a part of the trailer: the gain map of Ultra HDR, the film of a motion photo.
# Patterns, compiled when they are used.
ANNOUNCED = rb'hdrgm:Version\s*=\s*(?:"[^"]*"|\'[^\']*\')'
MOTION = rb'G?Camera:(?:MotionPhoto|MicroVideo)\s*=\s*["\']1'
# All that XMP says about them, as attributes and as elements. Linear, as `strip.XMP_GPS`.
DESCRIBING = rb"(?:hdrgm:|G?Camera:(?:MotionPhoto|MicroVideo))[\w.-]*"
DESCRIBED = rb"""\s%b\s*=\s*(?:"[^"]*"|'[^']*')|<(%b)(?:\s[^<>]*)?(?:/>|>[^<]*</\1\s*>)""" % (DESCRIBING, DESCRIBING)
FURTHER, GAIN_MAP, FILM = "further pictures", "an HDR gain map", "a film"
INDEX_LEFT_OUT = "the multi-picture index was left out: the file holds none of its further pictures"
DIRECTORIES = (b"Container:Directory", b"GContainer:Directory")  # of the parts of the file: Ultra HDR, motion photos


def is_index(code, payload):
    """Whether a segment describes only pictures in the trailer."""
    return code == APP2 and payload.startswith((MPF, ISO_GAIN_MAP))


def announces_trailer(code, payload):
    """Whether an XMP segment tells readers to look for a gain map or film in the trailer."""
    return (
        code == APP1 and payload.startswith(XMP) and bool(re.search(ANNOUNCED, payload) or re.search(MOTION, payload))
    )


def silenced(xmp):
    """An XMP packet, or a segment with one, with blanks in place of all that it says about gain maps and films."""
    xmp = re.sub(DESCRIBED, lambda match: b" " * len(match[0]), xmp)
    for name in DIRECTORIES:
        begin, closing = xmp.find(b"<" + name), b"</" + name + b">"
        end = xmp.rfind(closing) + len(closing)
        if 0 <= begin < end - len(closing):
            xmp = xmp[:begin] + b" " * (end - begin) + xmp[end:]
    return xmp


@dataclass(frozen=True)
class Behind:
    """What follows a picture, and the segments in it that describe this.

    Attributes
    ----------
    segments : tuple of (marker code, bytes)
        The index, and the metadata of a gain map.
    trailer : bytes
    distance : int or None
        Bytes from the TIFF header of the index to the trailer.
    contents : tuple of str
        What it is by the words of the file: of `FURTHER`, `GAIN_MAP`, `FILM`.
    damage : str or None
        Why the index cannot be moved to a picture of another size.
    """

    segments: tuple
    trailer: bytes = field(repr=False)
    distance: int | None
    contents: tuple
    damage: str | None

    @property
    def size(self):
        """Bytes that it takes in a file."""
        return len(self.trailer) + sum(4 + len(payload) for _, payload in self.segments)


def behind(data, limits):
    """`Behind` of a JPEG; None where nothing, or only padding, follows its picture.

    Raises
    ------
    BitstreamError, TruncatedError, LimitError
        As `codec.jpeg.inspect`.
    """
    segments, announced, distance, end, index = [], set(), None, None, None
    reader = markers.SegmentReader(data, markers.Warnings(), limits)
    for segment in reader:
        code, payload = segment.marker, data[segment.start : segment.end]
        if code == markers.SOS:
            _, reader.at = find_segments(data, segment.end)
        elif code == markers.EOI:
            end = segment.end
        elif is_index(code, payload):
            segments.append((code, payload))
            announced.add(FURTHER if payload.startswith(MPF) else GAIN_MAP)
            if index is None and payload.startswith(MPF):
                index = segment.start
        elif code == APP1 and payload.startswith(XMP):
            announced |= {GAIN_MAP} if re.search(ANNOUNCED, payload) else set()
            announced |= {FILM} if re.search(MOTION, payload) else set()
    trailer = bytes(data[end:]) if end is not None else b""
    if not trailer.strip(b"\0\xff"):
        return None
    if index is not None:
        distance = end - index - len(MPF)
    if trailer[4:8] == b"ftyp":  # ISO/IEC 14496-12, 4.3
        announced.add(FILM)
    found = Behind(tuple(segments), trailer, distance, tuple(sorted(announced)), None)
    try:
        joined(b"\xff\xd8\xff\xd9", found)
    except BitstreamError as error:
        return replace(found, damage=error.reason.partition(";")[0])
    beyond = any(position > len(trailer) for _, position in places(found))
    return replace(found, damage="a picture begins behind the end of the file") if beyond else found


def joined(picture, found):
    """A JPEG with what followed another one: the segments behind those of Exif and XMP (CIPA DC-007 5.2.1), the bytes
    behind its end.

    Parameters
    ----------
    picture : bytes
        A JPEG that nothing follows.
    found : Behind

    Raises
    ------
    BitstreamError
        If the index is damaged.
    """
    at, size = 2, len(picture) + found.size - len(found.trailer)
    while picture[at] == 0xFF and picture[at + 1] in (APP0, APP1):
        at += 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
    parts, place, moved = [picture[:at]], at, found.distance is None
    for code, payload in found.segments:
        if not moved and payload.startswith(MPF):
            moved = True
            payload = moved_index(payload, found.distance, size - place - 4 - len(MPF), size)
        parts.append(markers.write_segment(code, payload))
        place += 4 + len(payload)
    return b"".join([*parts, picture[at:], found.trailer])


def alone(data, limits):
    """A JPEG that `behind` has read, without what follows its picture, and without the segments and XMP that say so."""
    parts, reader = [data[:2]], markers.SegmentReader(data, markers.Warnings(), limits)
    for segment in reader:
        code, end = segment.marker, segment.end
        if code == markers.SOS:
            _, end = find_segments(data, end)
            reader.at = end
        payload = data[segment.start : segment.end]
        if is_index(code, payload):
            continue
        if code == APP1 and payload.startswith(XMP):
            parts += [data[segment.offset : segment.start], silenced(payload)]
        else:
            parts.append(data[segment.offset : end])
    return b"".join(parts)


def index_distance(data, end, limits):
    """Bytes from the TIFF header of the MPF segment to `end`, where the picture ends; None without such a segment."""
    for segment in markers.SegmentReader(data, markers.Warnings(), limits, errors=[]):
        if segment.marker == markers.SOS:
            break
        if segment.marker == APP2 and data[segment.start : segment.end].startswith(MPF):
            return end - segment.start - len(MPF)
    return None


def _error(reason):
    return BitstreamError(
        f"{reason}; trailer='drop' leaves the further pictures out", layer="MPF", clause="CIPA DC-007 5.2.3"
    )


def _entries(tiff, order):
    """(position, count) of the entries of an index."""
    (ifd,) = struct.unpack_from(order + "I", tiff, 4)
    (fields,) = struct.unpack_from(order + "H", tiff, ifd)
    for at in range(ifd + 2, ifd + 2 + 12 * fields, 12):
        tag, _, size, position = struct.unpack_from(order + "HHII", tiff, at)
        if tag == MP_ENTRY:
            if size % MP_ENTRY_BYTES or position + size > len(tiff):
                raise _error("the index leads out of its segment")
            return position, size // MP_ENTRY_BYTES
    raise _error("the index has no entries")


def _order(tiff):
    order = {TIFF_HEADERS[0]: "<", TIFF_HEADERS[1]: ">"}.get(bytes(tiff[:4]))
    if order is None:
        raise _error("the index has no TIFF header")
    return order


def _positions(tiff, order):
    """Where each entry of an index stands."""
    try:
        first, count = _entries(tiff, order)
    except struct.error:
        raise _error("the index leads out of its segment") from None
    return range(first, first + MP_ENTRY_BYTES * count, MP_ENTRY_BYTES)


def missing_pictures(payload, distance, trailer_bytes):
    """How many pictures of an index end beyond the trailer, which begins `distance` bytes from its TIFF header."""
    tiff = payload[len(MPF) :]
    order, missing = _order(tiff), 0
    for at in _positions(tiff, order):
        length, offset = struct.unpack_from(order + "II", tiff, at + 4)
        missing += offset > 0 and offset + length > distance + trailer_bytes
    return missing


def places(found):
    """(bytes, position in the trailer) of each further picture that the index of a `Behind` names; it is not damaged.

    Thousands may overlap: whoever reads them must not copy all at once.
    """
    if found.distance is None:
        return []
    tiff = next(payload for _, payload in found.segments if payload.startswith(MPF))[len(MPF) :]
    order = _order(tiff)
    entries = (struct.unpack_from(order + "II", tiff, at + 4) for at in _positions(tiff, order))
    return [(size, offset - found.distance) for size, offset in entries if offset]


def moved_index(payload, old_distance, distance, size):
    """The MPF segment for a picture whose size has changed.

    Parameters
    ----------
    payload : the segment as it was
    old_distance, distance : bytes from its TIFF header to the trailer, before and now
    size : bytes of the picture now, SOI to EOI

    Raises
    ------
    BitstreamError
        If an entry names bytes before the trailer, whose new position is unknown.
    """
    tiff = bytearray(payload[len(MPF) :])
    order = _order(tiff)
    for i, at in enumerate(_positions(tiff, order)):
        (offset,) = struct.unpack_from(order + "I", tiff, at + 8)
        if offset == 0:  # the picture that holds the index
            struct.pack_into(order + "I", tiff, at + 4, size)
        elif not old_distance <= offset <= 0xFFFFFFFF + old_distance - distance:
            raise _error(f"picture {i + 1} is not after the first one")
        else:
            struct.pack_into(order + "I", tiff, at + 8, offset - old_distance + distance)
    return MPF + bytes(tiff)
