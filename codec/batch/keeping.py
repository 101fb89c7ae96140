"""When the source itself is the better result, and is copied."""

from ..errors import UnsupportedError
from ..formats import profiles
from ..jpeg.strip import without
from . import contents, shaping
from .result import Result


def has_place(job):
    """Whether the job names a place for a source that stays in its own format."""
    return job is not None and job.keep_as is not None


def holds_nothing_else(data, picture, strip, limits):
    """Whether a copy would keep nothing that was to be stripped.

    Parameters
    ----------
    data : bytes
    picture : codec.formats.pictures.Picture
        Of the data.
    strip : tuple of str
        Of `codec.batch.stripping.KINDS`.
    limits : codec.Limits
    """
    if "all" not in strip:
        return not strip or without(picture.metadata, strip) is picture.metadata
    icc = picture.metadata.icc
    return not (icc and profiles.is_srgb(icc)) and contents.pixels_alone(data, picture.format, limits)


def smaller(data, picture, made, as_source=True):
    """The source, of which no smaller file was made."""
    reason = f"as {made} it would not be smaller"
    return Result(data, "kept", (), _facts(picture), reason, as_source, picture.doubts)


def original(data, info, reason):
    """A JPEG that is not touched."""
    return Result(data, "kept", (), {"width": info.width, "height": info.height, "lossless": True}, reason)


def too_little(before, after, min_gain):
    """Whether a smaller file is not smaller enough, by their bytes.

    >>> from codec.batch.keeping import too_little
    >>> too_little(100, 96, 0.05), too_little(100, 95, 0.05)
    (True, False)
    """
    return before * (1 - min_gain) < after < before


def gains_too_little(data, made, min_gain):
    """The source, since a result is hardly smaller."""
    gain = 1 - len(made.data) / len(data)
    facts = {name: made.facts[name] for name in ("width", "height")}
    return Result(data, "kept", (), facts, f"{gain:.1%} smaller, and min_gain={min_gain:g} was asked for")


def all_frames(data, picture, made, copied, max_size=None):
    """The source, of which the output would hold the first frame only.

    Raises
    ------
    UnsupportedError
        If it may not be copied, since something was to be stripped or converted.
    """
    lost = f"{picture.frames} frames or pages, of which a {made} holds the first only"
    if not copied:
        raise UnsupportedError(f"{lost}, and a copy would keep the metadata or the colours that were to go")
    facts = _facts(picture)
    if max_size and shaping.exceeds(facts["width"], facts["height"], max_size, picture.metadata.exif):
        lost = f"{lost}; max_size={'x'.join(map(str, max_size))} is not applied"
    return Result(data, "kept", (f"{lost}: it is kept as it is",), facts, lost, True, picture.doubts)


def _facts(picture):
    height, width = picture.samples.shape[:2]
    return {"width": width, "height": height, "frames": picture.frames}
