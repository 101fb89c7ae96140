"""Which metadata a compressed picture does without: the place, the thumbnails, or everything but its colours."""

from dataclasses import replace

from .. import jpeg
from ..errors import ParameterError
from ..formats import pictures, profiles
from ..jpeg.strip import strip_file, without

KINDS = ("gps", "thumbnail", "all")


def kinds(asked):
    """A tuple of `KINDS` from True, False, a name or a collection of names."""
    if isinstance(asked, bool):
        return ("all",) if asked else ()
    names = (asked,) if isinstance(asked, str) else tuple(asked or ())
    for name in names:
        if name not in KINDS:
            raise ParameterError(f"unknown kind {name!r}: choose of {', '.join(KINDS)}")
    return tuple(name for name in KINDS if name in names)


def of_file(data, strip, limits):
    """A JPEG without coordinates or thumbnails, the rest byte for byte."""
    return strip_file(data, strip, limits=limits) if strip and "all" not in strip else data


def of_picture(pixels, metadata, strip):
    """(pixels, metadata) that are left."""
    if "all" not in strip:
        return pixels, without(metadata, strip) if strip else metadata
    pixels, rest = pictures.strip(pixels, metadata)
    return pixels, replace(rest, icc=_colors(metadata.icc))


def of_transcode(data, limits):
    """Options of `codec.jpeg.transcode` that leave everything out but the colours."""
    icc = _colors(jpeg.probe(data, limits=limits).metadata.icc)
    return {"metadata": ("icc",) if icc else "none", "trailer": "drop"}


def _colors(icc):
    """The profile, without which the pixels would mean other colours; None where they would not."""
    return None if icc and profiles.is_srgb(icc) else icc


def lost_colors(icc, chunks=()):
    """A warning, if any, where a profile or the colour chunks of a PNG are dropped by request."""
    if icc and not profiles.is_srgb(icc):
        yield pictures.unsaid("ICC profile")
    elif chunks:
        yield pictures.unsaid(profiles.names(chunks))
