"""Read frames from pictures, animated pictures (GIF, APNG, WebP) or clips, and write them as animations."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BitstreamError, CodecError, LimitError, ParameterError
from ..limits import checked_limits
from ..palette import animate as paint
from ..palette import png, timing
from ..palette.animator import DEFAULT_FPS, format_of
from ..sources import clips
from ..sources.files import read_bytes
from . import apng, gif, pictures, profiles
from .composition import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from typing_extensions import Unpack

    from .._types import AnimateKeywords, AnimationFormat, Path, Rate, Source
    from ..limits import Limits
    from ..palette import Animation


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames and their durations.

    Attributes
    ----------
    pictures : list of (H, W[, 3 or 4]) uint8
    seconds : list of fractions.Fraction
    warnings : tuple of str
    loops : int or None
        How often the animation plays: 0 forever, None once.
    """

    pictures: list[npt.NDArray[np.uint8]]
    seconds: list[Fraction]
    warnings: tuple[str, ...] = ()
    loops: int | None = 0


def load(
    sources: Source | Sequence[Source],
    *,
    fps: Rate | None = None,
    fps_max: int | None = None,
    limits: Limits | None = None,
) -> Frames:
    """Read frames.

    Parameters
    ----------
    sources : a path, bytes or binary file object, or a list of them
        One clip or animated picture, or pictures of one size.
    fps : number, fractions.Fraction or str, optional
        Frames per second. A clip keeps its duration: frames are dropped or repeated. Pictures follow each other at this
        rate. Default: the times of the clip or of the animated picture, or 25.
    fps_max : int, optional
        Limit for clips: faster clips keep only every second frame, or fewer, with a warning.
    limits : codec.Limits, optional

    Returns
    -------
    Frames

    Raises
    ------
    CodecError
        If a source cannot be read; the message names the picture.
    """
    limits = checked_limits(limits)
    rate = None if fps is None else timing.as_fraction(fps, "fps")
    sources = list(sources) if isinstance(sources, (list, tuple)) else [sources]
    if not sources:
        raise ParameterError("there are no frames: an animation needs at least one")
    if len(sources) > 1:
        return _stills(sources, rate, limits)
    data = read_bytes(sources[0], limits)
    if data.startswith(clips.SIGNATURE) or not _is_picture(data):
        return _clip(data, rate, fps_max, limits)
    return _moving(data, rate, limits) or _stills([data], rate, limits)


def _is_picture(data):
    """Whether this package or Pillow reads it as a picture. Everything else goes to FFmpeg, which reads some pictures
    too.
    """
    from PIL import Image, UnidentifiedImageError

    if data.startswith((b"\xff\xd8", *gif.SIGNATURES, png.SIGNATURE)):
        return True
    Image.init()
    try:
        with Image.open(io.BytesIO(data), formats=[name for name in pictures.READABLE if name in Image.OPEN]):
            return True
    except UnidentifiedImageError:
        return False
    except (Image.DecompressionBombError, *pictures.MALFORMED):
        return True  # `pictures.load` reports the error


def _stills(sources, rate, limits):
    found, warnings, seconds = [], [], 1 / (rate or Fraction(DEFAULT_FPS))
    for number, source in enumerate(sources):
        name = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else f"frame {number}"
        try:
            picture = pictures.load(source, alpha=True, limits=limits)
            pixels = pictures.seen(picture)
        except CodecError as error:
            raise type(error)(f"{name}: {error}") from error
        lost = [pictures.unsaid(profiles.names(picture.color_chunks))] if picture.color_chunks else []
        warnings += [f"{name}: {warning}" for warning in (*picture.warnings, *lost)]
        if found and pixels.shape[:2] != found[0].shape[:2]:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (pixels.shape, found[0].shape)]
            raise ParameterError(
                f"{name} is {sizes[0]}, and the frames before it are {sizes[1]}: scale them to one size first"
            )
        found.append(pixels)
    return Frames(found, [seconds] * len(found), tuple(warnings))


def _moving(data, rate, limits):
    """Frames of an animated picture, or None if it has only one."""
    warnings = []
    if data.startswith(gif.SIGNATURES):
        moving = gif.read(data, limits)
        if len(moving.cells) < 2:
            return None
        cells, frames = gif.timed(moving.cells), moving.frames()
        clips.check_frames_bytes(len(cells) * moving.width * moving.height * 4)
    elif data.startswith(png.SIGNATURE) and apng.count(data):

        def decoded(still):
            picture = pictures.load(still, alpha=True, limits=limits)
            warnings.extend(warning for warning in picture.warnings if warning not in warnings)
            return pictures.rgba(picture)

        moving, lost = apng.read(data, limits, decoded), profiles.color_chunks(data)
        if lost:
            warnings.append(pictures.unsaid(profiles.names(lost)))
        cells, frames = moving.cells, moving.frames()
        clips.check_frames_bytes(len(cells) * moving.width * moving.height * 4)
    else:
        return _webp(data, rate, limits)
    found = list(frames)
    warnings += moving.warnings
    seconds = [1 / rate] * len(cells) if rate else seconds_of([cell.seconds for cell in cells], warnings)
    return Frames(found, seconds, tuple(warnings), moving.loops)


def _webp(data, rate, limits):
    """Frames of an animated WebP as libwebp composes them, or None if it is none, or has only one."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=["WEBP"])
    except Image.DecompressionBombError as error:
        raise LimitError(f"{error}; this limit is Pillow's, PIL.Image.MAX_IMAGE_PIXELS") from error
    except pictures.MALFORMED:
        return None
    limits.check_pixels(*image.size)
    found, seconds, warnings = [], [], []
    try:
        count = getattr(image, "n_frames", 1)
        if count < 2:
            return None
        clips.check_frames_bytes(count * image.width * image.height * 4)
        for number in range(count):
            image.seek(number)
            found.append(np.asarray(image.convert("RGBA")))
            seconds.append(Fraction(image.info.get("duration", 0)) / 1000)
    except CodecError:
        raise
    except pictures.MALFORMED as error:
        raise BitstreamError(str(error) or type(error).__name__, layer="WEBP data") from error
    plays = image.info.get("loop", 0)
    seconds = [1 / rate] * count if rate else seconds_of(seconds, warnings)
    return Frames(found, seconds, tuple(warnings), None if plays == 1 else plays)


def _clip(data, rate, fps_max, limits):
    """Frames of a clip, upright; at `rate`, or at their own times as far as `fps_max` allows."""
    video = clips.load(data, limits=limits)
    count = len(video.frames)
    warnings = [] if rate is None and video.seconds else list(video.warnings)
    if rate is None and video.seconds:
        places, seconds = _own_times(video.seconds, fps_max)
        if len(places) < count:
            warnings.append(
                f"{count - len(places)} of {count} frames are left out: this format has at most {fps_max} per second"
            )
    else:
        if rate is None:
            rate = video.fps / (-(-video.fps // fps_max) if fps_max else 1)
            if rate != video.fps:
                had, took = float(video.fps), float(rate)
                warnings.append(
                    f"the clip has {had:g} frames per second and this format at most {fps_max}: reduced to {took:g}"
                )
        starts = list(accumulate(video.seconds or [1 / video.fps] * count, initial=Fraction(0)))
        wanted = max(1, round(starts[-1] * rate))
        places = [min(count - 1, bisect_right(starts, number / rate) - 1) for number in range(wanted)]
        seconds = [1 / rate] * wanted
    kept, turns = set(places), video.rotation // 90
    shown = {place: np.rot90(pixels, turns) for place, pixels in enumerate(video.pictures()) if place in kept}
    return Frames([np.ascontiguousarray(shown[place]) for place in places], seconds, tuple(warnings))


def _own_times(durations, fps_max):
    """(places, durations) of the frames to keep: each for at least 1 / fps_max s, and at the end of its own time."""
    places, seconds = [], []
    for place, duration in enumerate(durations):
        if places and fps_max and seconds[-1] * fps_max < 1:
            seconds[-1] += duration
            continue
        places.append(place)
        seconds.append(duration)
    if len(places) > 1 and fps_max and seconds[-1] * fps_max < 1:
        places.pop()
        seconds[-2:] = [sum(seconds[-2:])]
    return places, seconds


def animate(
    sources: Source | Sequence[Source],
    path: Path | None = None,
    *,
    fps: Rate | None = None,
    limits: Limits | None = None,
    format: AnimationFormat | None = None,
    seconds: Rate | Sequence[Rate] | None = None,
    **options: Unpack[AnimateKeywords],
) -> Animation:
    """Write pictures, an animated picture or a clip as an animated GIF or PNG, completely or not at all.

    Parameters
    ----------
    sources : a path, bytes or binary file object, or a list of them
        See `codec.formats.animation.load`. For arrays and `codec.frame.Video` use `codec.palette.animate`.
    path : str or os.PathLike, optional
    fps : number, fractions.Fraction or str, optional
    limits : codec.Limits, optional
    format : {"gif", "apng"}, optional
    seconds : number or list of numbers, optional
        In place of `fps`: the duration of all frames, or of each.
    **options
        Passed to `codec.palette.animate`: colors, lossy, target, loops, ... `loops` defaults to how often an animated
        picture plays, and to 0, forever, for others.

    Returns
    -------
    codec.palette.Animation

    Raises
    ------
    CodecError
        If anything fails; nothing is written then.

    Examples
    --------
    >>> import codec
    >>> stills = [b"P5 2 1 255\\n" + bytes(pair) for pair in ([0, 9], [9, 0])]
    >>> codec.animate(stills, fps=10).seconds
    Fraction(1, 5)
    """
    format = format_of(path, format)
    limits = checked_limits(limits)
    given: list[Any] = list(sources) if isinstance(sources, (list, tuple)) else [sources]
    single = read_bytes(given[0], limits) if len(given) == 1 else b""
    frames = load(
        [single] if single else given, fps=fps, fps_max=timing.GIF_FPS_MAX if format == "gif" else None, limits=limits
    )
    if seconds is not None:
        frames = replace(frames, seconds=timing.durations(len(frames.pictures), DEFAULT_FPS, seconds))
    elif format == "gif" and fps is None:
        frames = _slow_enough(frames)
    loops = frames.loops
    if format == "apng" and loops:  # APNG counts plays, `loops` counts restarts there
        loops = loops - 1 or None
    made = paint(frames.pictures, path, seconds=frames.seconds, format=format, **{"loops": loops} | options)
    warnings = list(frames.warnings)
    same = single.startswith(gif.SIGNATURES if format == "gif" else png.SIGNATURE)
    if same and len(frames.pictures) > 1 and made.size > len(single):
        warnings.append(f"the animation is larger than its source ({made.size} bytes, was {len(single)}): keep that")
    return made.warned(warnings)


def _slow_enough(frames):
    """The frames that begin at least as long after each other as GIF viewers believe; the duration stays."""
    places = timing.spaced(frames.seconds, Fraction(1, timing.GIF_FPS_MAX))
    if len(places) == len(frames.seconds):
        return frames
    ends = [*places[1:], len(frames.seconds)]
    seconds = [sum(frames.seconds[begin:end]) for begin, end in zip(places, ends)]
    warning = (
        f"a GIF has {timing.GIF_FPS_MAX} frames per second at most: {len(frames.seconds) - len(places)} of "
        f"{len(frames.seconds)} frames were dropped, the duration is the same; an .apng keeps them"
    )
    return replace(
        frames, pictures=[frames.pictures[i] for i in places], seconds=seconds, warnings=(*frames.warnings, warning)
    )
