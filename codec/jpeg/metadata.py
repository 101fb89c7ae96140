"""Metadata: ICC, Exif, XMP, IPTC and comments, byte for byte, in any number of application segments.

Layouts: JFIF T.871; Exif (CIPA DC-008) 4.7.2; XMP specification part 3, 1.1.3; ICC.1 Annex B.4; Photoshop file formats,
image resource blocks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from ..errors import ParameterError

APP0, APP1, APP2, APP11, APP13, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE
SEGMENT_MAX = 65533  # a length field counts itself

JFIF = b"JFIF\0"
JFXX = b"JFXX\0"  # thumbnails of JFIF, T.871 10.2
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
ICC = b"ICC_PROFILE\0"
MPF = b"MPF\0"
PHOTOSHOP = b"Photoshop 3.0\0"
ADOBE = b"Adobe"
IPTC_RESOURCE = 0x0404
TIFF_HEADERS = (b"II*\0", b"MM\0*")

# The packet before an extended XMP that holds everything: only the reference to it.
XMP_STUB = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" '
    b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"/></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True)
class Metadata:
    """Profiles and descriptions of a picture, as raw bytes.

    Parameters
    ----------
    icc : ICC profile, at most 16 707 345 bytes (255 segments)
    exif : Exif data, beginning with its TIFF header ("II*\\0" or "MM\\0*"); beyond 65 527 bytes it continues in further
        segments
    xmp : XMP packet (UTF-8 XML); beyond 65 504 bytes it is written as extended XMP
    xmp_extension : an extended XMP that `xmp` itself refers to
    iptc : IPTC-IIM records (the data of Photoshop resource 0x0404)
    photoshop : other Photoshop image resource blocks, with their "8BIM" headers
    comments : tuple of bytes, each at most 65 533
    density : (unit, x, y) of JFIF: unit 0 for an aspect ratio, 1 for dots per inch, 2 for dots per cm; None to write
        (0, 1, 1). CMYK and RGB have no JFIF: dots are written as Exif, where `exif` is None

    Examples
    --------
    >>> from codec.jpeg import Metadata
    >>> Metadata(comments=(b"hello",)).size
    5
    """

    icc: Optional[bytes] = None
    exif: Optional[bytes] = None
    xmp: Optional[bytes] = None
    xmp_extension: Optional[bytes] = None
    iptc: Optional[bytes] = None
    photoshop: Optional[bytes] = None
    comments: Tuple[bytes, ...] = ()
    density: Optional[Tuple[int, int, int]] = None

    def __post_init__(self) -> None:
        for name in ("icc", "exif", "xmp", "xmp_extension", "iptc", "photoshop"):
            value = getattr(self, name)
            if value is not None:
                if not isinstance(value, (bytes, bytearray, memoryview)):
                    raise ParameterError(f"{name} must be bytes, not {type(value).__name__}")
                object.__setattr__(self, name, bytes(value))
        if self.exif and self.exif.startswith(EXIF):
            object.__setattr__(self, "exif", self.exif[len(EXIF) :])
        if not isinstance(self.comments, (tuple, list)) or not all(
            isinstance(c, (bytes, bytearray, memoryview)) for c in self.comments
        ):
            raise ParameterError("comments must be a tuple of bytes: comments=(b'...',)")
        object.__setattr__(self, "comments", tuple(bytes(c) for c in self.comments))
        for comment in self.comments:
            if len(comment) > SEGMENT_MAX:
                raise ParameterError(
                    f"a comment of {len(comment)} bytes does not fit a COM segment of {SEGMENT_MAX} (T.81 B.2.4.5)"
                )
        if self.icc and len(self.icc) > 255 * (SEGMENT_MAX - 14):
            raise ParameterError(
                f"an ICC profile of {len(self.icc)} bytes does not fit 255 segments of {SEGMENT_MAX - 14} (ICC.1 B.4)"
            )
        if self.density is not None:
            if (
                not isinstance(self.density, (tuple, list))
                or len(self.density) != 3
                or not all(isinstance(v, (int, np.integer)) for v in self.density)
            ):
                raise ParameterError(f"density must be three integers (unit, x, y), not {self.density!r} (T.871 10.1)")
            unit, x, y = map(int, self.density)
            object.__setattr__(self, "density", (unit, x, y))
            if unit not in (0, 1, 2) or not (1 <= x <= 65535 and 1 <= y <= 65535):
                raise ParameterError(
                    f"density must be (0, 1 or 2; 1..65535; 1..65535), not {self.density!r} (T.871 10.1)"
                )

    def __repr__(self) -> str:
        """Python while it is short, else the sizes: a profile may have megabytes."""
        if self.size <= 100:
            return f"Metadata({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
        parts = [f"{name}={len(value)} bytes" for name, value in vars(self).items() if isinstance(value, bytes)]
        parts += [f"{len(self.comments)} comments"] * bool(self.comments)
        return f"Metadata({', '.join(parts + [f'density={self.density}'] * (self.density is not None))})"

    @property
    def size(self) -> int:
        """Bytes of all fields."""
        return sum(
            len(v) for v in (self.icc, self.exif, self.xmp, self.xmp_extension, self.iptc, self.photoshop) if v
        ) + sum(map(len, self.comments))

    def without_profiles(self) -> Metadata:
        """Only the density: what remains when metadata is stripped."""
        return Metadata(density=self.density)


# ---------------------------------------------------------------- writing


def _chunks(data, size):
    return [data[i : i + size] for i in range(0, len(data), size)]


def _exif_segments(exif):
    """One segment; longer data continues in segments without a TIFF header, which tells them from a second Exif."""
    start, room = 0, SEGMENT_MAX - len(EXIF)
    while start < len(exif):
        end = start + room
        while end < len(exif) and exif[end : end + 4] in TIFF_HEADERS:
            end -= 1
        yield APP1, EXIF + exif[start:end]
        start = end


def digest_of(extension):
    """The GUID of an extended XMP: its MD5 in hexadecimal digits (XMP part 3, 1.1.3.1)."""
    from hashlib import md5  # OpenSSL takes 2 ms to load, and few pictures have one

    return md5(extension, usedforsecurity=False).hexdigest().upper().encode()


def _xmp_extension_segments(data):
    guid = digest_of(data)
    step = SEGMENT_MAX - len(XMP_EXTENSION) - 40
    for offset in range(0, len(data), step):
        yield APP1, XMP_EXTENSION + guid + struct.pack(">II", len(data), offset) + data[offset : offset + step]


def _xmp_segments(metadata):
    xmp, extension = metadata.xmp, metadata.xmp_extension
    if xmp and len(xmp) > SEGMENT_MAX - len(XMP):
        if extension:
            raise ParameterError(
                f"an XMP packet with an extension cannot be split further: {len(xmp)} bytes, and the longest is "
                f"{SEGMENT_MAX - len(XMP)}"
            )
        xmp, extension = XMP_STUB % digest_of(xmp), xmp
    if xmp:
        yield APP1, XMP + xmp
    if extension:
        yield from _xmp_extension_segments(extension)


def metadata_segments(metadata):
    """(marker code, payload) of every segment, in the order that readers expect."""
    segments = []
    if metadata.exif:
        segments += _exif_segments(metadata.exif)
    segments += _xmp_segments(metadata)
    if metadata.icc:
        chunks = _chunks(metadata.icc, SEGMENT_MAX - 14)
        segments += [(APP2, ICC + bytes((i, len(chunks))) + chunk) for i, chunk in enumerate(chunks, 1)]
    blocks = metadata.photoshop or b""
    if metadata.iptc:
        blocks += (
            b"8BIM"
            + struct.pack(">HHI", IPTC_RESOURCE, 0, len(metadata.iptc))
            + metadata.iptc
            + bytes(len(metadata.iptc) & 1)
        )
    segments += [(APP13, PHOTOSHOP + chunk) for chunk in _chunks(blocks, SEGMENT_MAX - len(PHOTOSHOP))]
    segments += [(COM, comment) for comment in metadata.comments]
    return segments


# ---------------------------------------------------------------- reading


def _join_icc(chunks, warnings):
    """ICC chunks in the order of their numbers; an incomplete profile is dropped with a warning (ICC.1 B.4)."""
    numbers = {}
    for chunk in chunks:
        if len(chunk) >= 2:
            numbers.setdefault(chunk[0], chunk)
    count = next(iter(numbers.values()))[1] if numbers else 0
    if not numbers or sorted(numbers) != list(range(1, count + 1)):
        warnings.append(
            f"the ICC profile is incomplete: chunks {sorted(numbers)} of {count} (ICC.1 B.4); it was left out"
        )
        return None
    return b"".join(numbers[i][2:] for i in sorted(numbers))


def _join_exif(parts, warnings):
    exif, more = parts[0], 1
    while (
        more < len(parts)
        and not parts[more].startswith(TIFF_HEADERS)
        and len(parts[more - 1]) >= SEGMENT_MAX - len(EXIF) - 4
    ):
        exif += parts[more]
        more += 1
    if more < len(parts):
        warnings.append(f"{len(parts) - more} more Exif segments after the first were left out")
    return exif


def _assemble(parts):
    """Bytes from (total size, offset, chunk); the first states the size. Memory never exceeds the sum of the chunks."""
    size = parts[0][0]
    if size > sum(len(chunk) for _, _, chunk in parts):
        return b""
    data = bytearray(size)
    for _, offset, chunk in parts:
        if offset + len(chunk) <= size:
            data[offset : offset + len(chunk)] = chunk
    return data


def _join_xmp(packets, extensions, warnings):
    """(xmp, xmp_extension): the extension whose GUID the packet names, from its parts in any order."""
    xmp = packets[0] if packets else None
    whole = {}
    for part in extensions:
        if len(part) >= 40:
            whole.setdefault(part[:32], []).append((*struct.unpack(">II", part[32:40]), part[40:]))
    for guid, parts in whole.items():
        data = _assemble(parts)
        if digest_of(data) != guid.upper():
            warnings.append("an extended XMP is incomplete and was left out")
        elif xmp == XMP_STUB % guid.upper():
            return bytes(data), None
        elif xmp and guid in xmp:
            return xmp, bytes(data)
    return xmp, None


def _split_resources(blocks):
    """(iptc, other resources): Photoshop resource 0x0404, and the bytes of all others; (None, blocks) if they cannot be
    parsed."""
    begin = end_of_iptc = at = 0
    iptc = None
    while at + 12 <= len(blocks):
        if blocks[at : at + 4] != b"8BIM":
            return None, blocks
        name = 1 + blocks[at + 6]
        size_at = at + 6 + name + (name & 1)
        if size_at + 4 > len(blocks):
            return None, blocks
        (size,) = struct.unpack_from(">I", blocks, size_at)
        end = size_at + 4 + size
        if end > len(blocks):
            return None, blocks
        if blocks[at + 4 : at + 6] == b"\x04\x04" and iptc is None:
            iptc, begin, end_of_iptc = blocks[size_at + 4 : end], at, end + (size & 1)
        at = end + (size & 1)
    return iptc, (blocks[:begin] + blocks[end_of_iptc:]) or None


def read_metadata(segments, warnings):
    """Metadata from (marker code, payload) pairs; damaged parts are left out with a warning, never an error."""

    def payloads(code, signature):
        return [p[len(signature) :] for marker, p in segments if marker == code and p.startswith(signature)]

    icc, exif, blocks = payloads(APP2, ICC), payloads(APP1, EXIF), payloads(APP13, PHOTOSHOP)
    xmp, xmp_extension = _join_xmp(payloads(APP1, XMP), payloads(APP1, XMP_EXTENSION), warnings)
    iptc, photoshop = _split_resources(b"".join(blocks)) if blocks else (None, None)
    density = None
    for payload in payloads(APP0, JFIF)[:1]:
        if len(payload) >= 7:
            unit, x, y = struct.unpack_from(">BHH", payload, 2)
            density = (unit, x, y) if unit in (0, 1, 2) and x and y else None
    return Metadata(
        icc=_join_icc(icc, warnings) if icc else None,
        exif=_join_exif(exif, warnings) if exif else None,
        xmp=xmp,
        xmp_extension=xmp_extension,
        iptc=iptc,
        photoshop=photoshop,
        comments=tuple(p for marker, p in segments if marker == COM),
        density=density,
    )
