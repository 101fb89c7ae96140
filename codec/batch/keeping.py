"""When the source itself is the better result, and is copied."""

from ..errors import UnsupportedError
from ..jpeg.strip import without
from .result import Result


def has_place(job):
    """Whether the job names a place for a source that stays in its own format."""
    return job is not None and job.keep_as is not None


def holds_nothing_else(metadata, strip):
    """Whether a copy would keep nothing that was to be stripped. Of "all" only a new file can be sure."""
    return not strip or (strip is not True and "all" not in strip and without(metadata, strip) is metadata)


def smaller(data, picture, made, as_source=True):
    """The source, of which no smaller file was made."""
    return Result(data, "kept", (), _facts(picture), f"as {made} it would not be smaller", as_source)


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


def all_frames(data, picture, made, copied):
    """The source, of which the output would hold the first frame only.

    Raises
    ------
    UnsupportedError
        If it may not be copied, since something was to be stripped or converted.
    """
    lost = f"{picture.frames} frames or pages, of which a {made} holds the first only"
    if not copied:
        raise UnsupportedError(f"{lost}, and a copy would keep the metadata or the colours that were to go")
    return Result(data, "kept", (f"{lost}: it is kept as it is",), _facts(picture), lost, True)


def _facts(picture):
    height, width = picture.samples.shape[:2]
    return {"width": width, "height": height, "frames": picture.frames}
