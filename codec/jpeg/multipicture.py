"""The bytes after EOI: further pictures with their index (MPF, CIPA DC-007), HDR gain maps, motion photos.

Most are found by their distance from the end of the file, or by adding up sizes, and stay valid unchanged. Only the
index counts from its own position, so it is rewritten when the picture before it changes its size.
"""

import re
import struct

from ..errors import BitstreamError
from . import markers
from .metadata import APP1, APP2, MPF, TIFF_HEADERS, XMP

ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"  # ISO 21496-1, Annex C.2: the gain map's metadata in APP2
MP_ENTRY, MP_ENTRY_BYTES = 0xB002, 16  # DC-007 5.2.3.3: attributes, size, offset (4 bytes each), two dependent entries

# XMP that announces a part of the trailer: the gain map of Ultra HDR, the film of a motion photo.
# Patterns, compiled when they are used.
ANNOUNCED = rb'hdrgm:Version\s*=\s*(?:"[^"]*"|\'[^\']*\')'
MOTION = rb'((?:GCamera|Camera):(?:MotionPhoto|MicroVideo)\s*=\s*["\'])1'


def is_index(code, payload):
    """Whether a segment describes only pictures in the trailer."""
    return code == APP2 and payload.startswith((MPF, ISO_GAIN_MAP))


def announces_trailer(code, payload):
    """Whether an XMP segment tells readers to look for a gain map or film in the trailer."""
    return (
        code == APP1 and payload.startswith(XMP) and bool(re.search(ANNOUNCED, payload) or re.search(MOTION, payload))
    )


def silenced(payload):
    """An XMP segment of the same length that announces neither gain map nor film."""
    return re.sub(MOTION, rb"\g<1>0", re.sub(ANNOUNCED, lambda match: b" " * len(match[0]), payload))


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
