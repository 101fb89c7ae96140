"""Whether a new JPEG may take the place of its original: decoded again, by this package and by another decoder."""

import io
from dataclasses import replace

import numpy as np

from .. import jpeg
from ..errors import CodecError
from ..formats import pictures
from ..signatures import format_of
from . import coloring, shaping

CELL = 8
# Of the means of 8x8 cells in 0..255. At quality 1 the step of a mean is 255 / 8 = 32 per component, an error of
# 32 / sqrt(12) = 9 RMS in luma; a picture whose decoding went wrong differs by 50 and more.
MOST_RMS = 20.0
DESCRIPTIONS = ("icc", "exif", "xmp", "iptc", "photoshop", "comments")


def problem(data, made, strip, limits, max_size=None, srgb=False):
    """Why the picture of a result is not that of its source, or None.

    Parameters
    ----------
    data : bytes
        The source.
    made : Result
    strip : tuple of str
        Kinds of metadata that were to be dropped.
    limits : codec.Limits
    max_size : (width, height), optional
        The frame into which the result was scaled down.
    srgb : bool
        The result was to be converted to sRGB.

    Returns
    -------
    str or None
    """
    if not data.startswith(b"\xff\xd8"):
        return f"the source is a {format_of(data[:32]) or 'file of another format'}, whatever its name says"
    try:
        before, after = (jpeg.decode(each, limits=limits) for each in (data, made.data))
    except CodecError as error:
        return f"decoding it again fails: {error}"
    if not strip:
        lost = [
            name.upper()
            for name in DESCRIPTIONS
            if not (srgb and name == "icc")
            and getattr(before.info.metadata, name)
            and not getattr(after.info.metadata, name)
        ]
        if lost:
            return f"its {', '.join(lost)} is not there"
    if not _same_behind(data, made.data, limits):
        return "what follows the picture is not there"
    if srgb and before.info.metadata.icc != after.info.metadata.icc:
        picture = pictures.Picture(before.pixels, before.info.metadata, "JPEG")
        before = replace(before, pixels=coloring.to_srgb(picture)[0].pixels)
    if max_size and before.pixels.shape[:2] not in (after.pixels.shape[:2], after.pixels.shape[1::-1]):
        before = replace(before, pixels=shaping.fit(before.pixels, before.info.metadata, max_size)[0])
    first, second = (
        pictures.upright(each.pixels, pictures.orientation(each.info.metadata.exif)) for each in (before, after)
    )
    if _luma(first).shape != _luma(second).shape:
        return f"its size is {_size(second)}, and the source's {_size(first)}"
    if _difference(first, second) > MOST_RMS:
        return "it looks different"
    return _other_opinion(made.data, after.pixels)


def _same_behind(data, made, limits):
    """Whether the same bytes follow both pictures, and an index names the same further pictures."""
    before, after = (jpeg.multipicture.behind(each, limits) for each in (data, made))
    if before is None:
        return True
    if after is None or before.trailer != after.trailer or before.damage or after.damage:
        return False
    return jpeg.multipicture.places(before) == jpeg.multipicture.places(after)


def _other_opinion(data, pixels):
    """What libjpeg-turbo, inside Pillow, finds wrong with a JPEG."""
    from PIL import Image

    if pixels.dtype != np.uint8:
        return None  # Pillow reads 8 bits
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            other = np.asarray(image)
    except (Image.DecompressionBombError, *pictures.MALFORMED) as error:
        return f"another decoder cannot read it: {error}"
    if other.shape[:2] != pixels.shape[:2]:
        return "another decoder finds another size"
    same_channels = other.shape == pixels.shape and (other.ndim == 2 or other.shape[2] == 3)
    return "another decoder sees another picture" if same_channels and _difference(other, pixels) > MOST_RMS else None


def _size(pixels):
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def _luma(pixels):
    """One plane; its weights matter little, since both pictures have the same."""
    return pixels if pixels.ndim == 2 else pixels.mean(axis=2, dtype=np.float32)


def _difference(first, second):
    """Root mean square difference of the means of 8x8 cells, on a scale of 0 to 255."""
    peak = 65535 if first.dtype == np.uint16 else 255
    first, second = _luma(first), _luma(second)
    height, width = first.shape
    rows, columns = np.arange(0, height, CELL), np.arange(0, width, CELL)
    difference = np.subtract(first, second, dtype=np.float32)
    sums = np.add.reduceat(np.add.reduceat(difference, rows, axis=0), columns, axis=1)
    areas = np.minimum(CELL, height - rows)[:, None] * np.minimum(CELL, width - columns)
    # Cells at the edges count by the part of them that is there.
    return float(np.sqrt(np.sum(sums**2 / areas) / (height * width))) * 255 / peak
