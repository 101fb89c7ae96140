"""Colours converted to sRGB, which every program shows right."""

import io
from dataclasses import replace

import numpy as np

from ..formats import pictures, profiles
from ..jpeg.exif import TIFF_HEADERS, UNCALIBRATED, ExifNumbers


def differs(metadata, color_chunks=()):
    """Whether samples mean other colours than sRGB."""
    return bool(color_chunks) or bool(metadata.icc and not profiles.is_srgb(metadata.icc))


def is_for_others(icc):
    """Whether a profile is for gray samples or inks, which a palette of RGB colours cannot have."""
    return bool(icc) and icc[16:20] != b"RGB "


def flagged(made, color, metadata, color_chunks=()):
    """A result that was to be sRGB, with a warning where nothing states what the colours of its source are: inks have
    no standard colours, and cameras mark what is not sRGB in Exif alone (DC-008 4.6.5).

    Parameters
    ----------
    made : codec.batch.result.Result
    color : str
        "cmyk", "ycck" or another name of `codec.jpeg.Info.color`.
    metadata : codec.jpeg.Metadata
        Of the source.
    color_chunks : tuple
        `codec.formats.pictures.Picture.color_chunks`.
    """
    exif = metadata.exif or b""
    if metadata.icc or color_chunks:
        return made
    if color in ("cmyk", "ycck"):
        why = "it is CMYK without an ICC profile, which would say what its inks look like"
    elif exif[:4] in TIFF_HEADERS and ExifNumbers(exif).color_space == UNCALIBRATED:
        why = "its Exif says that they are not sRGB, and no ICC profile says which they are"
    else:
        return made
    return replace(made, warnings=(*made.warnings, f"its colours could not be converted to sRGB: {why}"))


def to_srgb(picture):
    """Convert a picture to sRGB by LittleCMS, relative colorimetric; CMYK becomes RGB, and gray stays gray.

    Parameters
    ----------
    picture : codec.formats.pictures.Picture

    Returns
    -------
    picture : codec.formats.pictures.Picture
        Without a profile, which sRGB does not need. Where the colours cannot be converted, it is the same, with a
        warning.
    converted : tuple of str
        "Display P3 to sRGB", or nothing.
    """
    if not differs(picture.metadata, picture.color_chunks):
        return picture, ()
    picture = pictures.profiled(picture)
    icc = picture.metadata.icc
    if icc is None:  # chunks that no profile describes; the warning is there
        return picture, ()
    pixels, why = _converted(picture.pixels, icc)
    if pixels is None:
        warning = f"its colours were not converted to sRGB: {why}; its profile is kept"
        return replace(picture, warnings=(*picture.warnings, warning)), ()
    metadata = replace(picture.metadata, icc=None, exif=_as_srgb(picture.metadata.exif))
    return replace(picture, samples=pixels, metadata=metadata), (f"{_name(icc)} to sRGB",)


def described(picture):
    """What `pictures.profiled` converts: ("gAMA, cHRM to ICC",), or nothing."""
    chunks = picture.color_chunks
    done = chunks and pictures.profiled(picture).metadata.icc
    return (f"{profiles.names(chunks)} to ICC",) if done else ()


def _converted(pixels, icc):
    """(pixels, None), or (None, why not)."""
    from PIL import Image

    if pixels.dtype != np.uint8:
        return None, "its samples have more than 8 bits"
    mode = "L" if pixels.ndim == 2 else "RGB" if pixels.shape[2] == 3 else "CMYK"
    convert = profiles.transform(icc, mode)
    if convert is None:
        return None, "its ICC profile is damaged, or made for other samples"
    image = Image.frombytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes())
    made = np.array(convert(image))
    return (np.ascontiguousarray(made[..., 1]) if mode == "L" and _is_gray(made) else made), None


def _is_gray(pixels):
    return bool((pixels.min(axis=2) == pixels.max(axis=2)).all())


def _name(icc):
    from PIL import ImageCms

    try:
        named = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        named = ""
    return named or "its profile"


def _as_srgb(exif):
    """Exif whose ColorSpace, where it is stated, says sRGB (DC-008 4.6.5)."""
    if not exif or exif[:4] not in TIFF_HEADERS:
        return exif
    block = ExifNumbers(exif)
    block.set_srgb()
    return bytes(block.tiff)
