"""What became of the metadata of a picture, by kind: for the row of its file."""

import io
from dataclasses import replace

from .. import jpeg
from ..formats import pictures
from ..formats.chunks import chunks
from ..jpeg.strip import without
from . import contents

KINDS = ("icc", "exif", "xmp", "iptc", "photoshop", "comments")
INNER = ("gps", "thumbnail")  # parts of the Exif and XMP data
XMP_KEYWORD = b"XML:com.adobe.xmp"
# Texts by which old programs store Exif and XMP in a PNG; Pillow reads the first.
RAW_PROFILES = (b"Raw profile type exif",)
BMP_COLORS, BMP_PROFILE = slice(70, 74), b"DEBM"  # bV5CSType, PROFILE_EMBEDDED of the BITMAPV5HEADER
TIFF_IPTC, TIFF_PHOTOSHOP = 33723, 34377


def changes(before, after, *, lost=(), converted=(), changed=()):
    """{"kept" | "changed" | "dropped" | "converted": kinds}, without empty lists.

    Parameters
    ----------
    before, after : codec.jpeg.Metadata
        Of the source, and of the output.
    lost : sequence of str
        Kinds that the source holds and `Metadata` does not, such as the texts of a PNG.
    converted : sequence of str
        What was converted, in words. An ICC profile is then not "dropped".
    changed : sequence of str
        Kinds that `before` does not have as the source has them.

    Examples
    --------
    >>> from codec.batch.describing import changes
    >>> from codec.jpeg import Metadata
    >>> changes(Metadata(xmp=b"<x/>", comments=(b"hello",)), Metadata(xmp=b"<x/>"))
    {'kept': ['xmp'], 'dropped': ['comments']}
    """
    found = {"kept": [], "changed": [], "dropped": list(lost), "converted": list(converted)}
    held, left = _kinds(before), _kinds(after)
    for kind in KINDS:
        if held[kind] and not (kind == "icc" and converted and held[kind] != left[kind]):
            fate = _fate(held[kind], left[kind])
            found["changed" if fate == "kept" and kind in changed else fate].append(kind)
    for kind in INNER:
        if _holds(before, kind):
            found["kept" if _holds(after, kind) else "dropped"].append(kind)
    return {fate: kinds for fate, kinds in found.items() if kinds}


def _kinds(metadata):
    return {kind: getattr(metadata, kind) for kind in KINDS} | {"xmp": metadata.xmp or metadata.xmp_extension}


def _fate(held, left):
    return "kept" if held == left else "changed" if left else "dropped"


def _holds(metadata, kind):
    return bool(metadata.exif or metadata.xmp) and without(metadata, (kind,)) is not metadata


def told(made, before, limits, *, lost=(), converted=(), changed=()):
    """A result whose facts say what became of the metadata of its source; the output is a JPEG, or the source.

    Parameters
    ----------
    made : Result
    before : codec.jpeg.Metadata
    limits : codec.Limits
    lost, converted, changed : sequence of str
        As for `changes`.

    Returns
    -------
    Result
    """
    if made.as_source or not any(_kinds(before).values()):  # what is not there cannot change
        after = before
    else:
        after = jpeg.probe(made.data, limits=limits).metadata
    of_new = {} if made.as_source else {"lost": lost, "converted": converted, "changed": changed}
    found = changes(before, after, **of_new)
    if made.as_source and lost:
        found["kept"] = [*found.get("kept", ()), *lost]
    return replace(made, facts=made.facts | {"metadata": found}) if found else made


def not_read(data, format):
    """Kinds of metadata that a picture holds, and that are not read: "text" of a PNG, "comments" of a GIF or PPM,
    "iptc" and "photoshop" of a TIFF, "icc" of a BMP, "iptc", "text" and "comments" of a JPEG 2000 file.

    Parameters
    ----------
    data : bytes
    format : str
        `codec.formats.pictures.Picture.format`.

    Returns
    -------
    tuple of str
    """
    if format == "PNG":
        texts = (chunk.content for chunk in chunks(data) if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"))
        keywords = {text.partition(b"\0")[0] for text in texts}
        return ("text",) if keywords - {XMP_KEYWORD, *RAW_PROFILES} else ()
    if format == "JPEG2000":
        from ..formats.boxes import described  # few need it

        found = described(data)
        return tuple(kind for kind in ("iptc", "text", "comments") if kind in found)
    if format == "PPM":
        return ("comments",) if contents.has_comments(data) else ()
    if format == "BMP":
        return ("icc",) if data[BMP_COLORS] == BMP_PROFILE else ()
    if format not in ("GIF", "TIFF"):
        return ()
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[format]) as image:
            if format == "GIF":
                return ("comments",) if image.info.get("comment") else ()
            tags = {TIFF_IPTC: "iptc", TIFF_PHOTOSHOP: "photoshop"}
            return tuple(kind for tag, kind in tags.items() if tag in image.tag_v2)
    except (Image.DecompressionBombError, *pictures.MALFORMED):
        return ()
