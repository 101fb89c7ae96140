"""Read frames from pictures, animated pictures (GIF, APNG, WebP) or clips, and write them as animations."""

from __future__ import annotations

import contextlib
import io
import os
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, chain
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BitstreamError, CodecError, LimitError, ParameterError
from ..frame import Video
from ..limits import checked_limits
from ..palette import animate as paint
from ..palette import png, timing
from ..palette.animator import format_of
from ..pixels import eight_bits
from ..sources import clips, y4m
from ..sources.files import write_atomic
from . import apng, gif, pictures, profiles, sequence
from .composition import restarts, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from typing_extensions import Unpack

    from .._types import AnimateKeywords, AnimationFormat, FrameSource, Path, Rate
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
        How often the animation restarts: 0 forever, None never.
    meaning : codec.formats.profiles.Meaning
        What the samples mean, if that is not sRGB.
    source : bytes
        The GIF or PNG that all frames are of; b"" for others.
    intact : bool
        Whether `source` is not damaged.
    """

    pictures: list[npt.NDArray[np.uint8]]
    seconds: list[Fraction]
    warnings: tuple[str, ...] = ()
    loops: int | None = 0
    meaning: profiles.Meaning = profiles.SRGB
    source: bytes = field(default=b"", repr=False)
    intact: bool = False

    def warned(self, warning: str) -> Frames:
        """With one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def __repr__(self) -> str:
        height, width = self.pictures[0].shape[:2]
        return f"Frames({len(self.pictures)} of {width}x{height}, {float(sum(self.seconds)):g} s)"


def load(
    sources: FrameSource | Iterable[FrameSource] | Video,
    *,
    fps: Rate | None = None,
    fps_max: int | None = None,
    limits: Limits | None = None,
    width: int | None = None,
    carry: bool = False,
) -> Frames:
    """Read frames.

    Parameters
    ----------
    sources : a path, bytes, binary file object, array, Pillow image, or an iterable of them, or a codec.frame.Video
        One clip or animated picture, the pages of one TIFF, or pictures; pages and pictures of one size. The pictures
        of a folder follow each other in natural order: f2 before f10. Generators are read one item at a time: they may
        fill one array again.
    fps : number, fractions.Fraction or str, optional
        Frames per second. A clip keeps its duration: frames are dropped or repeated. Pictures follow each other at this
        rate. Default: the times of the clip or of the animated picture, or 25.
    fps_max : int, optional
        Limit for clips: faster clips keep only every second frame, or fewer, with a warning.
    limits : codec.Limits, optional
    width : int, optional
        Scale the frames down to this width (Pillow's Lanczos filter, alpha premultiplied); the aspect ratio stays.
    carry : bool
        Keep samples of other colours than sRGB, and tell their `meaning`, if it is one for all frames and an APNG can
        carry it. Otherwise they are converted, with a warning.

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
    scale = _Scale(width)
    if isinstance(sources, Video):
        return _clip(sources, rate, fps_max, scale)
    warnings: list[str] = []
    first, others = sequence.begin(sources, limits, warnings)
    second = next(others, None)
    if second is None and first.data is not None:
        data = first.data
        if data.startswith(y4m.SIGNATURE) or not _is_picture(data):
            found = _clip(clips.load(data, limits=limits), rate, fps_max, scale)
        else:
            found = _moving(data, rate, limits, scale, carry) or _stills(first.pages(), rate, limits, scale, carry)
    else:
        found = _stills(chain([first] if second is None else [first, second], others), rate, limits, scale, carry)
    return replace(found, warnings=(*warnings, *found.warnings)) if warnings else found


class _Scale:
    """Scales pictures down to a width."""

    def __init__(self, width):
        if width is not None and (isinstance(width, bool) or not isinstance(width, (int, np.integer)) or width < 1):
            raise ParameterError(f"a width is a positive integer, not {width!r}")
        self.width = width

    def __call__(self, pixels):
        if self.width is None or pixels.shape[1] == self.width:
            return pixels
        from PIL import Image

        height, width = pixels.shape[:2]
        if width < self.width:
            raise ParameterError(
                f"a width of {self.width} is more than the {width} pixels of the frames, which are only scaled down: "
                f"choose at most {width}"
            )
        size = (int(self.width), max(1, (2 * height * int(self.width) + width) // (2 * width)))
        return np.array(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.LANCZOS))


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


def _stills(items, rate, limits, scale, carry):
    found, meanings, warnings, seconds = [], [], [], 1 / (rate or Fraction(timing.DEFAULT_FPS))
    for item in items:
        seen = sequence.seen(item, limits)
        pixels = scale(seen.pixels)
        warnings += seen.warnings
        if found and pixels.shape[:2] != found[0].shape[:2]:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (pixels.shape, found[0].shape)]
            raise ParameterError(
                f"{item.name} is {sizes[0]}, and the frames before it are {sizes[1]}: scale them to one size first"
            )
        found.append(pixels)
        if item.page is not None:
            clips.check_frames_bytes(len(found) * pixels.nbytes)
        meanings.append(seen.meaning)
    meaning = _one_meaning(found, meanings, carry, warnings)
    return Frames(found, [seconds] * len(found), tuple(warnings), meaning=meaning)


def _one_meaning(found, meanings, carry, warnings):
    """What all samples mean. Where that is not one meaning that an APNG can carry, they are converted in place."""
    first = meanings[0]
    fits = first.icc is None or first.icc[16:20] == b"RGB "  # frames become RGB
    if carry and fits and set(meanings) == {first}:
        return first
    convert, lost, converted = profiles.ToSrgb(), Counter(), Counter()
    for number, (pixels, meant) in enumerate(zip(found, meanings)):
        if meant == profiles.SRGB or (not meant.chunks and profiles.is_srgb(meant.icc)):
            continue
        made = convert(pixels, meant)
        (lost if made is None else converted)[meant.words] += 1
        found[number] = pixels if made is None else made
    of = f"of {len(found)} frames"
    warnings += [f"{count} {of} were converted to sRGB from their {words}" for words, count in converted.items()]
    warnings += [f"{count} {of}: {words} dropped, they are shown as sRGB" for words, count in lost.items()]
    return profiles.SRGB


def _moving(data, rate, limits, scale, carry):
    """Frames of an animated picture, or None if it has only one."""
    warnings = []
    if data.startswith(gif.SIGNATURES):
        moving = gif.read(data, limits)
        if len(moving.cells) < 2:
            return None
        cells, frames, meaning = gif.timed(moving.cells), moving.frames(), profiles.Meaning(moving.icc)
    elif data.startswith(png.SIGNATURE) and apng.count(data):

        def decoded(still):
            picture = pictures.load(still, alpha=True, limits=limits)
            warnings.extend(warning for warning in picture.warnings if warning not in warnings)
            return pictures.rgba(picture)

        moving, meaning = apng.read(data, limits, decoded), profiles.meaning(data)
        cells, frames = moving.cells, moving.frames()
    else:
        return _webp(data, rate, limits, scale, carry)
    clips.check_frames_bytes(len(cells) * moving.width * moving.height * 4)
    found = [scale(pixels) for pixels in frames]
    meaning = _one_meaning(found, [meaning] * len(found), carry, warnings)
    warnings += moving.warnings
    seconds = [1 / rate] * len(cells) if rate else seconds_of([cell.seconds for cell in cells], warnings)
    return Frames(found, seconds, tuple(warnings), moving.loops, meaning, data, not moving.warnings)


def _webp(data, rate, limits, scale, carry):
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
            found.append(scale(np.asarray(image.convert("RGBA"))))
            seconds.append(Fraction(image.info.get("duration", 0)) / 1000)
    except CodecError:
        raise
    except pictures.MALFORMED as error:
        raise BitstreamError(str(error) or type(error).__name__, layer="WEBP data") from error
    meant = profiles.Meaning(image.info.get("icc_profile") or None)
    meaning = _one_meaning(found, [meant] * count, carry, warnings)
    loops = restarts(image.info.get("loop", 0))
    seconds = [1 / rate] * count if rate else seconds_of(seconds, warnings)
    return Frames(found, seconds, tuple(warnings), loops, meaning)


def _clip(video, rate, fps_max, scale):
    """Frames of a clip, upright; at `rate`, or at their own times as far as `fps_max` allows."""
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
    shown = {
        place: scale(np.ascontiguousarray(np.rot90(pixels, turns)))
        for place, pixels in enumerate(map(eight_bits, video.pictures()))
        if place in kept
    }
    return Frames([shown[place] for place in places], seconds, tuple(warnings))


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
    sources: FrameSource | Iterable[FrameSource] | Video,
    path: Path | None = None,
    *,
    fps: Rate | None = None,
    limits: Limits | None = None,
    format: AnimationFormat | None = None,
    seconds: Rate | Sequence[Rate] | None = None,
    width: int | None = None,
    strip: bool = False,
    **options: Unpack[AnimateKeywords],
) -> Animation:
    """Write pictures, an animated picture or a clip as an animated GIF or PNG, completely or not at all.

    An animated GIF or PNG that would grow in its own format is kept as it is (`Animation.kept`), unless an option asks
    for a change.

    Parameters
    ----------
    sources : a path, bytes, binary file object, array, Pillow image, or an iterable of them, or a codec.frame.Video
        Arrays are (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8. A path may be that of a folder of pictures. See
        `codec.formats.animation.load`.
    path : str or os.PathLike, optional
    fps : number, fractions.Fraction or str, optional
    limits : codec.Limits, optional
    format : {"gif", "apng"}, optional
    seconds : number or list of numbers, optional
        In place of `fps`: the duration of all frames, or of each.
    width : int, optional
        Scale the frames down to this width (Lanczos filter); the aspect ratio stays. Frames are never scaled up.
    strip : bool
        Do not carry colour profiles in an APNG: convert to sRGB, as for a GIF.
    **options
        Passed to `codec.palette.animate`: colors, lossy, target, loops, ... `loops` defaults to how often an animated
        picture restarts, and to 0, forever, for others; `icc` and `color_chunks` to what the sources state.

    Returns
    -------
    codec.palette.Animation

    Raises
    ------
    CodecError
        If anything fails; nothing is written then.

    Examples
    --------
    >>> import codec, numpy as np
    >>> codec.animate((np.full((4, 6), 80 * i, np.uint8) for i in range(3)), fps=10).seconds
    Fraction(3, 10)
    """
    format = format_of(path, format)
    known = {**(paint.__kwdefaults__ or {}), **(animate.__kwdefaults__ or {})}
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ParameterError(f"unknown option {unknown[0]!r} for animations (options: {', '.join(known)})")
    _refuse_source(sources, path)
    fps_max = timing.GIF_FPS_MAX if format == "gif" else None
    carry = format == "apng" and not strip
    frames = load(sources, fps=fps, fps_max=fps_max, limits=limits, width=width, carry=carry)
    source, loops, count = frames.source, frames.loops, len(frames.pictures)
    played = sum(frames.seconds, Fraction(0))
    if seconds is not None:
        frames = replace(frames, seconds=timing.durations(count, fps, seconds))
    elif format == "gif" and fps is None:
        frames = _slow_enough(frames)
    if format == "gif" and (loops or 0) > timing.GIF_LOOPS_MAX and "loops" not in options:
        frames = frames.warned(f"a GIF restarts {timing.GIF_LOOPS_MAX} times at most; the source does {loops} times")
        loops = timing.GIF_LOOPS_MAX
    changed = fps is not None or seconds is not None or width is not None or strip or _asks_for_change(options, loops)
    icc, chunks = frames.meaning
    settings: AnimateKeywords = {"loops": loops, "icc": icc, "color_chunks": chunks, **options}
    made = paint(_given_away(frames.pictures), seconds=frames.seconds, format=format, **settings)
    warnings = frames.warnings
    if source.startswith(gif.SIGNATURES if format == "gif" else png.SIGNATURE) and made.size > len(source):
        if frames.intact and not changed:
            made, warnings = (
                replace(made, data=source, frames=count, seconds=played, lossy=0, kept=True, warnings=()),
                (),
            )
        else:
            larger = f"the animation is larger than its source ({made.size} bytes, was {len(source)}): keep that"
            warnings = (*warnings, larger)
    if path is not None:
        write_atomic(path, made.data)
    return made.warned(warnings)


def _refuse_source(sources, path):
    """Raise ParameterError if the output is one of the files that are read."""
    listed = sources if isinstance(sources, (list, tuple)) else [sources]
    for source in listed:
        if path is not None and isinstance(source, (str, os.PathLike)):
            with contextlib.suppress(OSError):
                if os.path.samefile(source, path):
                    raise ParameterError(
                        f"{os.fsdecode(path)}: the animation would overwrite the file that it is made of"
                    )


def _asks_for_change(options, loops):
    """Whether options make an animation another one than its source, not only a smaller one."""
    added = any(options.get(name) for name in ("comment", "icc", "color_chunks"))
    return added or options.get("colors", 256) < 256 or options.get("loops", loops) != loops


def _given_away(frames):
    """The frames, each forgotten once it is taken: they are held once, not twice."""
    frames.reverse()
    while frames:
        yield frames.pop()


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
    return replace(frames, pictures=[frames.pictures[i] for i in places], seconds=seconds).warned(warning)
