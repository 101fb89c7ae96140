"""Whether a file holds nothing but pixels and what they need, so that a copy keeps nothing that was to be stripped.

Only what is known to be harmless counts: chunks, tags and bytes that are not known here are taken for descriptions, and
so is what lies outside of the structure. The colour profile is judged elsewhere.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from .. import jpeg
from ..formats.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..limits import Limits

# PNG (third edition) 5.6, without tEXt, zTXt, iTXt, eXIf and tIME.
PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
PNG_OWN = 12  # length, type and checksum of a chunk
GIF_CONTROL, GIF_APPLICATION = 0xF9, 0xFF
GIF_CONTROL_BLOCKS = [4]  # bytes of its sub-blocks: GIF89a 23
GIF_LOOPS, GIF_PROFILE = (b"NETSCAPE2.0", b"ANIMEXTS1.0"), b"ICCRGBG1012"
GIF_LOOPS_BLOCKS = [11, 3], [11, 5], [11, 3, 5]  # the name; how often; how many bytes to read before the beginning
WEBP_CHUNKS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
WEBP_FRAME_HEADER = 16  # of an ANMF chunk, before chunks of its own
# TIFF 6.0: layout, compression, colours, resolution, page number; orientation; Adobe's JPEG tables, ICC.1 B.3.
TIFF_TAGS = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284),
        *(290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 338, 339, 340, 341),
        *(347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 34675),
    )
)
# Headers of PNM (netpbm: pbm, pgm, ppm) without comments: kind, width, height and, but for bitmaps, the largest sample.
PNM_HEADER = rb"(P[14])\s+(\d+)\s+(\d+)\s|(P[2356])\s+(\d+)\s+(\d+)\s+(\d+)\s"
PNM_TEXT, PNM_DIGITS = (b"P1", b"P2", b"P3"), rb"[\d\s]*"
JPEG_SEGMENTS = ("JFIF", "ICC profile", "Adobe colour")
JFIF_BYTES = 18  # without a thumbnail (T.871 10.1)
QOI_END = bytes(7) + b"\1"  # QOI 1.0, "end marker"


def pixels_alone(data: bytes, format: str, limits: Limits) -> bool:
    """Whether a picture that could be read holds nothing but pixels.

    Parameters
    ----------
    data : bytes
    format : str
        `codec.formats.pictures.Picture.format`. Of formats that are not judged here the answer is no.
    limits : codec.Limits

    Examples
    --------
    >>> from codec import Limits
    >>> from codec.batch.contents import pixels_alone
    >>> plain = b"GIF89a" + bytes(7) + b","  + bytes(9) + b"\\2\\2\\4\\1\\0"
    >>> pixels_alone(plain + b";", "GIF", Limits()), pixels_alone(plain + b"!\\xfe\\2Hi\\0;", "GIF", Limits())
    (True, False)
    """
    judges: dict[str, Callable[[bytes], bool]] = {
        "JPEG": lambda data: _jpeg(data, limits),
        "PNG": _png,
        "GIF": _gif,
        "WEBP": lambda data: _webp(data, limits),
        "TIFF": _tiff,
        "BMP": lambda data: 0 <= len(data) - int.from_bytes(data[2:6], "little") < 4,
        "QOI": lambda data: data.endswith(QOI_END),
        "PPM": _pnm,
    }
    if format in ("JPEG2000", "AVIF", "HEIF"):
        from . import boxed  # few need it

        judges[format] = boxed.jpeg2000 if format == "JPEG2000" else boxed.heif
    try:
        return format in judges and judges[format](data)
    except (IndexError, struct.error):  # it ends too early
        return False


def _jpeg(data, limits):
    segments = jpeg.inspect(data, limits=limits)["segments"]
    about = [each for each in segments if each["marker"].startswith("APP") or each["marker"] == "COM"]
    known = all(
        each["what"] in JPEG_SEGMENTS and (each["what"] != "JFIF" or each["length"] == JFIF_BYTES) for each in about
    )
    return known and jpeg.multipicture.behind(data, limits) is None


def _png(data):
    end = 0
    for chunk in chunks(data):
        if chunk.kind not in PNG_CHUNKS:
            return False
        end = chunk.offset + PNG_OWN + chunk.size
    return end == len(data)


def _gif(data):
    """GIF89a 18 to 26."""

    def blocks(at):
        """(bytes of each sub-block, where they end): 15, 16."""
        sizes = []
        while data[at]:
            sizes.append(data[at])
            at += 1 + data[at]
        return sizes, at + 1

    def table(flags):
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    at = 13 + table(data[10])
    while data[at] != ord(";"):
        if data[at] == ord("!"):
            (sizes, end), label, name = blocks(at + 2), data[at + 1], data[at + 3 : at + 14]
            control = label == GIF_CONTROL and sizes == GIF_CONTROL_BLOCKS
            loops = label == GIF_APPLICATION and name in GIF_LOOPS and sizes in GIF_LOOPS_BLOCKS
            if not (control or loops or (label == GIF_APPLICATION and name == GIF_PROFILE and sizes[0] == len(name))):
                return False
            at = end
        elif data[at] == ord(","):
            _, at = blocks(at + 11 + table(data[at + 9]))  # descriptor, table, code size
        elif data[at]:
            return False
        else:
            at += 1  # a stray zero byte
    return at + 1 == len(data)


def _webp(data, limits):
    """RIFF chunks, padded to even lengths, and those inside of frames; of more than the limit of segments no."""
    (size,) = struct.unpack_from("<I", data, 4)
    spans, left = [(12, len(data))], limits.segments
    while spans:
        at, end = spans.pop()
        while at < end:
            kind, length = struct.unpack_from("<4sI", data, at)
            left -= 1
            if kind not in WEBP_CHUNKS or at + 8 + length > end or left < 0:
                return False
            if kind == b"ANMF":
                spans.append((at + 8 + WEBP_FRAME_HEADER, at + 8 + length))
            at += 8 + length + (length & 1)
    return 8 + size == len(data)


def _tiff(data):
    """The tags of all pages; bytes that no tag points to are not looked for."""
    order = "<" if data[:2] == b"II" else ">"
    version, at = struct.unpack_from(order + "HI", data, 2)
    most = len(data) // 12  # tags, if none is read twice
    while version == 42 and at and most >= 0:  # BigTIFF has 43
        (count,) = struct.unpack_from(order + "H", data, at)
        most -= max(1, count)
        tags = (struct.unpack_from(order + "H", data, at + 2 + 12 * number)[0] for number in range(count))
        if not TIFF_TAGS.issuperset(tags):
            return False
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    return version == 42 and not at


def has_comments(data: bytes) -> bool:
    """Whether a PNM picture has comments."""
    return b"#" in data if data[:2] in PNM_TEXT else re.match(PNM_HEADER, data) is None


def _pnm(data):
    header = re.match(PNM_HEADER, data)
    if header is None or has_comments(data):
        return False
    if data[:2] in PNM_TEXT:
        return re.fullmatch(PNM_DIGITS, data[header.end() :]) is not None
    width, height = (int(header[1 + at] or header[4 + at]) for at in (1, 2))
    if data[:2] == b"P4":
        size = (width + 7) // 8 * height
    else:
        size = width * height * (3 if data[:2] == b"P6" else 1) * (2 if int(header[7]) > 255 else 1)
    return header.end() + size == len(data)
