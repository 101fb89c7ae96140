"""Whether a file holds nothing but pixels and what they need, so that a copy keeps nothing that was to be stripped.

Only what is known to be harmless counts: chunks, tags and bytes that are not known here are taken for descriptions, and
so is what lies outside of the structure. The colour profile is judged elsewhere.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from .. import jpeg
from ..formats import boxes
from ..formats.chunks import chunks
from ..jpeg import multipicture

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
PNM_HEADER = re.compile(rb"(P[14])\s+(\d+)\s+(\d+)\s|(P[2356])\s+(\d+)\s+(\d+)\s+(\d+)\s")
PNM_TEXT, PNM_DIGITS = (b"P1", b"P2", b"P3"), re.compile(rb"[\d\s]*")
JP2_BOXES = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
JP2_INNER = {b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef", b"res "}  # T.800 I.5.3
# ISO/IEC 23008-12 and the AVIF specification: boxes, those in meta, properties without udes, coded pictures.
HEIF_BOXES = {b"ftyp", b"meta", b"mdat"}
HEIF_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat"}
HEIF_PROPERTIES = frozenset(
    b"ispe pixi av1C hvcC colr irot imir clap pasp auxC a1op a1lx lsel clli mdcv cclv amve".split()
)
HEIF_ITEMS, HEIF_NAMES = {b"av01", b"hvc1", b"grid", b"iden"}, {b"\0", b"Color\0", b"Alpha\0"}  # those of libavif
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
        "JPEG2000": _jpeg2000,
        "AVIF": _heif,
        "HEIF": _heif,
    }
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
    return known and multipicture.behind(data, limits) is None


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
    return b"#" in data if data[:2] in PNM_TEXT else PNM_HEADER.match(data) is None


def _pnm(data):
    header = PNM_HEADER.match(data)
    if header is None or has_comments(data):
        return False
    if data[:2] in PNM_TEXT:
        return PNM_DIGITS.fullmatch(data, header.end()) is not None
    width, height = (int(header[1 + at] or header[4 + at]) for at in (1, 2))
    if data[:2] == b"P4":
        size = (width + 7) // 8 * height
    else:
        size = width * height * (3 if data[:2] == b"P6" else 1) * (2 if int(header[7]) > 255 else 1)
    return header.end() + size == len(data)


def _jpeg2000(data):
    if not data.startswith(boxes.JP2):
        return _codestream(data)
    end = 0
    for box in boxes.boxes(data):
        if box.kind not in JP2_BOXES or box.end > len(data):
            return False
        if box.kind == b"jp2h" and not _holds_only(data, box, JP2_INNER):
            return False
        if box.kind == b"jp2c" and not _codestream(data[box.begin : box.end]):
            return False
        end = box.end
    return end == len(data)


def _codestream(stream):
    """Without comments, which all encoders write, and with nothing behind its end."""
    found = list(boxes.segments(stream))
    return bool(found) and found[-1] == (boxes.EOC, b"") and all(code != boxes.COM for code, _ in found)


def _holds_only(data, outer, kinds, skipped=0):
    """Whether a box holds boxes of these kinds alone, behind some bytes of its own."""
    end = outer.begin + skipped
    for box in boxes.boxes(data, end, outer.end):
        if box.kind not in kinds:
            return False
        end = box.end
    return end == outer.end


def _heif(data):
    """Boxes, items and properties; bytes that no item points to are not looked for."""
    end = 0
    for box in boxes.boxes(data):
        if box.kind not in HEIF_BOXES or (box.kind == b"meta" and not _meta(data, box)):
            return False
        end = box.end
    return end == len(data)


def _meta(data, meta):
    if not _holds_only(data, meta, HEIF_META, 4):
        return False
    for box in boxes.boxes(data, meta.begin + 4, meta.end):
        content = data[box.begin : box.end]
        if box.kind == b"hdlr" and content[8:] != b"pict" + bytes(13):
            return False
        if box.kind == b"iinf" and not _items(data, box):
            return False
        if box.kind == b"iprp":
            inner = list(boxes.boxes(data, box.begin, box.end))
            if not all(_holds_only(data, each, HEIF_PROPERTIES) for each in inner if each.kind == b"ipco"):
                return False
    return True


def _items(data, iinf):
    """Whether all items are coded pictures, without names of their own (ISO/IEC 14496-12 8.11.6)."""
    head = 8 if data[iinf.begin] else 6
    if not _holds_only(data, iinf, {b"infe"}, head):
        return False
    for item in boxes.boxes(data, iinf.begin + head, iinf.end):
        content = data[item.begin : item.end]
        at = {2: 8, 3: 10}.get(content[0])
        if at is None or content[at : at + 4] not in HEIF_ITEMS or content[at + 4 :] not in HEIF_NAMES:
            return False
    return True
