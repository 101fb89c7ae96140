"""Take the place and the thumbnails out of metadata, and leave the rest as it is.

In files, nothing behind a multi-picture index changes its length: the index counts bytes from there.
"""

import re
import struct
from dataclasses import replace

from .exif import ExifNumbers, is_exif
from .metadata import (
    APP0,
    APP1,
    APP2,
    APP13,
    EXIF,
    JFIF,
    JFXX,
    MPF,
    PHOTOSHOP,
    TIFF_HEADERS,
    XMP,
    XMP_EXTENSION,
    digest_of,
)

# Properties of the exif namespace that begin with GPS (XMP part 2, 2.3), as attributes and as elements. Linear in the
# length of the packet: no part of it can run over the next "<" or quote.
XMP_GPS = (  # compiled when it is used
    rb"""\s(?:[\w.-]+:)?GPS\w+\s*=\s*(?:"[^"]*"|'[^']*')|<((?:[\w.-]+:)?GPS\w+)(?:\s[^<>]*)?(?:/>|>[^<]*</\1\s*>)"""
)
XMP_THUMBNAILS = (b"<xmp:Thumbnails", b"</xmp:Thumbnails>")
THUMBNAIL_RESOURCES = (0x0409, 0x040C)  # Photoshop file formats, image resource IDs


def without(metadata, kinds):
    """Metadata without some kinds of contents.

    Parameters
    ----------
    metadata : codec.jpeg.Metadata
    kinds : collection of "gps" and "thumbnail"

    Returns
    -------
    codec.jpeg.Metadata
        The same object where there is nothing to take out.
    """
    changed = {}
    if metadata.exif and metadata.exif[:4] in TIFF_HEADERS:
        changed["exif"] = _exif(metadata.exif, kinds)
    for name in ("xmp", "xmp_extension"):
        if getattr(metadata, name):
            changed[name] = _xmp(getattr(metadata, name), kinds)
    if metadata.photoshop and "thumbnail" in kinds:
        changed["photoshop"] = _photoshop(metadata.photoshop)
    changed = {name: value for name, value in changed.items() if value != getattr(metadata, name)}
    if "xmp_extension" in changed:  # the packet before it names it by its digest (XMP part 3, 1.1.3.1)
        old, new = (digest_of(extension) for extension in (metadata.xmp_extension, changed["xmp_extension"]))
        changed["xmp"] = changed.get("xmp", metadata.xmp or b"").replace(old, new)
    return replace(metadata, **changed) if changed else metadata


def _exif(tiff, kinds):
    block = ExifNumbers(tiff)
    if "gps" in kinds:
        block.erase_gps()
        block = ExifNumbers(block.tiff)
    if "thumbnail" in kinds:
        block.erase_thumbnail()
    return bytes(block.tiff)


def _xmp(packet, kinds):
    """The packet with blanks in place of what goes."""
    if "gps" in kinds:
        packet = re.sub(XMP_GPS, lambda found: b" " * len(found[0]), packet)
    if "thumbnail" in kinds:
        opening, closing = XMP_THUMBNAILS
        begin, end = packet.find(opening), packet.rfind(closing)
        if 0 <= begin < end:
            end += len(closing)
            packet = packet[:begin] + b" " * (end - begin) + packet[end:]
    return packet


def _photoshop(blocks):
    """Image resource blocks without thumbnails; what follows a damaged block is kept."""
    kept, at = b"", 0
    while blocks[at : at + 4] == b"8BIM" and at + 7 < len(blocks):
        name = blocks[at + 6] + 2 & ~1  # a Pascal string, padded to an even length
        if at + 6 + name + 4 > len(blocks):
            break
        (size,) = struct.unpack_from(">I", blocks, at + 6 + name)
        end = at + 6 + name + 4 + size + (size & 1)
        if struct.unpack_from(">H", blocks, at + 4)[0] not in THUMBNAIL_RESOURCES:
            kept += blocks[at:end]
        at = end
    return kept + blocks[at:]


def strip_file(data, kinds, *, limits=None):
    """A JPEG without some kinds of contents; everything else byte for byte.

    Parameters
    ----------
    data : bytes
    kinds : collection of "gps" and "thumbnail"
    limits : codec.Limits, optional

    Returns
    -------
    bytes
        `data` itself where there is nothing to take out.
    """
    from .inspector import inspect  # few need it

    parts, at, indexed = [], 0, False
    for segment in inspect(data, limits=limits)["segments"]:
        code = data[segment["offset"] + 1]
        begin, end = segment["offset"] + 4, segment["offset"] + segment["length"]
        if code not in (APP0, APP1, APP2, APP13) or begin > end or end > len(data):
            continue
        payload = data[begin:end]
        indexed |= code == APP2 and payload.startswith(MPF)
        new = _segment(code, payload, kinds)
        if new == payload:
            continue
        if indexed:
            new = new.ljust(len(payload), b"\0")
        head = data[begin - 4 : begin - 2] + struct.pack(">H", len(new) + 2) if new else b""
        parts += [data[at : begin - 4], head, new]
        at = end
    return b"".join([*parts, data[at:]]) if parts else data


def _segment(code, payload, kinds):
    """The payload without what goes; b"" for nothing."""
    if is_exif(code, payload):
        return EXIF + _exif(payload[len(EXIF) :], kinds)
    if code == APP1 and payload.startswith(XMP):
        return _xmp(payload, kinds)
    if code == APP1 and payload.startswith(XMP_EXTENSION):
        start = len(XMP_EXTENSION) + 40  # behind digest, length and offset (XMP part 3, 1.1.3.1)
        return payload[:start] + _xmp(payload[start:], kinds)
    if "thumbnail" not in kinds:
        return payload
    if code == APP0 and payload.startswith(JFXX):
        return b""
    if code == APP0 and payload.startswith(JFIF) and len(payload) > 14:
        return payload[:12] + bytes(2)
    if code == APP13 and payload.startswith(PHOTOSHOP):
        return PHOTOSHOP + _photoshop(payload[len(PHOTOSHOP) :])
    return payload
