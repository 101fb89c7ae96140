"""`contents` of what is made of boxes: JPEG 2000, AVIF and HEIF."""

from ..formats.boxes import COM, EOC, JP2, boxes, segments

JP2_BOXES = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
JP2_INNER = {b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef", b"res "}  # T.800 I.5.3
# ISO/IEC 23008-12 and the AVIF specification: boxes, those in meta, properties without udes, coded pictures.
HEIF_BOXES = {b"ftyp", b"meta", b"mdat"}
HEIF_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat"}
HEIF_PROPERTIES = frozenset(
    b"ispe pixi av1C hvcC colr irot imir clap pasp auxC a1op a1lx lsel clli mdcv cclv amve".split()
)
HEIF_ITEMS, HEIF_NAMES = {b"av01", b"hvc1", b"grid", b"iden"}, {b"\0", b"Color\0", b"Alpha\0"}  # those of libavif


def jpeg2000(data):
    """Whether a JPEG 2000 file, or codestream, holds nothing but pixels."""
    if not data.startswith(JP2):
        return _codestream(data)
    end = 0
    for box in boxes(data):
        if box.kind not in JP2_BOXES or box.end > len(data):
            return False
        if box.kind == b"jp2h" and not _holds_only(data, box, JP2_INNER):
            return False
        if box.kind == b"jp2c" and not _codestream(data[box.begin : box.end]):
            return False
        end = box.end
    return end == len(data)


def _codestream(stream):
    """Without comments (OpenJPEG writes one), and with nothing behind its end."""
    found = list(segments(stream))
    return bool(found) and found[-1] == (EOC, b"") and all(code != COM for code, _ in found)


def _holds_only(data, outer, kinds, skipped=0):
    """Whether a box holds boxes of these kinds alone, behind some bytes of its own."""
    end = outer.begin + skipped
    for box in boxes(data, end, outer.end):
        if box.kind not in kinds:
            return False
        end = box.end
    return end == outer.end


def heif(data):
    """Whether an AVIF or HEIF picture holds nothing but pixels, by its boxes, items and properties; bytes that no item
    points to are not looked for."""
    end = 0
    for box in boxes(data):
        if box.kind not in HEIF_BOXES or (box.kind == b"meta" and not _meta(data, box)):
            return False
        end = box.end
    return end == len(data)


def _meta(data, meta):
    if not _holds_only(data, meta, HEIF_META, 4):
        return False
    for box in boxes(data, meta.begin + 4, meta.end):
        content = data[box.begin : box.end]
        if box.kind == b"hdlr" and content[8:] != b"pict" + bytes(13):
            return False
        if box.kind == b"iinf" and not _items(data, box):
            return False
        if box.kind == b"iprp":
            inner = list(boxes(data, box.begin, box.end))
            if not all(_holds_only(data, each, HEIF_PROPERTIES) for each in inner if each.kind == b"ipco"):
                return False
    return True


def _items(data, iinf):
    """Whether all items are coded pictures, without names of their own (ISO/IEC 14496-12 8.11.6)."""
    head = 8 if data[iinf.begin] else 6
    if not _holds_only(data, iinf, {b"infe"}, head):
        return False
    for item in boxes(data, iinf.begin + head, iinf.end):
        content = data[item.begin : item.end]
        at = {2: 8, 3: 10}.get(content[0])
        if at is None or content[at : at + 4] not in HEIF_ITEMS or content[at + 4 :] not in HEIF_NAMES:
            return False
    return True
