"""Write frames as GIF or APNG."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from ..frame import Frame, Video
from ..pixels import as_array, eight_bits, is_picture
from ..sources.files import write_atomic
from ..targets import parse_target
from . import apng, gif, png, reach, soft
from .canvas import LOSSY_MAX, LOSSY_ONE, Canvas, Loss, Measured
from .quantize import own_pixels
from .scenes import Palettes
from .spaces import SPACES
from .timing import durations, gif_delays

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from .._types import AnimationFormat, PaletteSpace, Path, Progress, Rate

FORMATS = ("gif", "apng")
SUFFIXES: dict[str, AnimationFormat] = {".gif": "gif", ".apng": "apng", ".png": "apng"}
COLORS_MAX = 255  # plus one index for unchanged pixels
HEAD_BYTES = 40  # about, of a file besides its palette and frames
GUESSED_WORK = 12  # for a pixel, before anything is painted
KEPT_BYTES = 1 << 28  # of facts about frames that a search keeps from pass to pass
MEASURED_BYTES = 11  # of them for each pixel: points, weights, distances
# Measured on three clips: about 20 points of SSIMULACRA 2 below what colours and lossiness give on average.
FAR_BELOW = 3
LEAST_ERROR, LEAST_SOFT_ERROR = 100, 4  # errors that nobody sees: in lattice units and levels, squared
# Work for a pixel and for a frame besides that of `lzw_paint`. A unit is about 16 ns on the machine where all were
# measured.
PIXEL_WORK, FRAME_WORK = 6, 30000
MEASURING_WORK = 3  # for a pixel that is measured
FIT_WORK = 10  # for a pixel, of a palette with partial transparency
OPAQUE = 128  # alpha from which a pixel is opaque; GIF has no partial transparency


@dataclass(frozen=True)
class Animation:
    """An animated picture.

    Attributes
    ----------
    data : bytes
        The file.
    format : str
        "gif" or "apng".
    width, height, frames : int
    seconds : fractions.Fraction
        Duration of one loop, as the file states it.
    colors : int
        Entries of the largest palette, without the index for unchanged pixels.
    palettes : int
    lossy : int
        As given, or as found for `target`: the greatest of all frames, which may differ by a quarter from the first.
    target : str or None
    passes : int
        How many times all frames were painted.
    warnings : tuple of str
    kept : bool
        `data` is the source of `codec.animate`, unchanged, since the result would be larger. `colors` and `palettes`
        are those of the result.
    below : tuple of int
        Numbers of the frames that are far below the quality that was asked for: their mean squared error is more than
        `FAR_BELOW` times what `colors` and `lossy` allow, with a target the defaults of `lossy`.
    """

    data: bytes = field(repr=False)
    format: str
    width: int
    height: int
    frames: int
    seconds: Fraction
    colors: int
    palettes: int
    lossy: int
    target: str | None = None
    passes: int = 1
    warnings: tuple[str, ...] = ()
    kept: bool = False
    below: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    def warned(self, warnings: Iterable[str]) -> Animation:
        """A copy with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))


def animate(
    frames: Iterable[npt.ArrayLike] | Video,
    path: Path | None = None,
    *,
    fps: Rate | None = None,
    seconds: Rate | Sequence[Rate] | None = None,
    format: AnimationFormat | None = None,
    colors: int = 256,
    lossy: int = LOSSY_ONE,
    target: str | None = None,
    space: PaletteSpace = "oklab",
    dither_strength: float = 0.6,
    shared: bool = False,
    loops: int | None = 0,
    comment: str | bytes = "",
    icc: bytes | None = None,
    color_chunks: Sequence[tuple[bytes, bytes]] = (),
    progress: Progress | None = None,
) -> Animation:
    """Write frames as an animated GIF or PNG, completely or not at all.

    Parameters
    ----------
    frames : iterable of uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, or codec.frame.Video
        All of one size; one picture alone is one frame. Pillow images too. Frames are copied as they come, so a
        generator may fill the same array again. Alpha from 128 on is opaque in a GIF, with a warning; APNG keeps it.
    path : str or os.PathLike, optional
        Where to write; without it the bytes are only returned.
    fps : number, fractions.Fraction or str, optional
        Frames per second; default 25, or the rate of the video. GIF counts in 1/100 s: every frame starts within half a
        tick of its time and errors do not accumulate. GIF rates above 50 are refused, since browsers slow them down to
        10. APNG holds fractions.
    seconds : number or list of numbers, optional
        In place of `fps`: the duration of all frames, or of each.
    format : {"gif", "apng"}, optional
        Default: by the suffix of `path`; "gif" without a path.
    colors : int
        Largest number of colours per palette, 2..256 (default 256). One index is reserved for unchanged pixels, so 256
        means 255.
    lossy : int
        0..200, default 20. 0: no error beyond the palette and its dithering. 20: pixels of quiet areas may deviate by
        the palette's error again, those of busy areas by more, where phrases of the code table repeat or pixels can
        stay. Pictures with at most `colors` colours stay exact. No effect on an APNG with partial transparency.
    target : str, optional
        "size:500kB": search for the least `lossy` that reaches it, and reduce the colours if none does.
    space : {"oklab", "srgb", "linear", "ycbcr"}
        Where distances are measured.
    dither_strength : float
        Part of the error that is diffused, 0..1, default 0.6. Only changed pixels are dithered, so that still areas
        stay still.
    shared : bool
        One palette for all frames. Otherwise scenes or frames get their own where that is worth its bytes. APNG always
        shares one.
    loops : int or None
        How often it restarts: 0 (default) forever, None never.
    comment : str
    icc : bytes, optional
        RGB profile to embed in an APNG. GIF has none: convert the frames to sRGB.
    color_chunks : sequence of (type, content), optional
        Chunks of an APNG before PLTE: gAMA, cHRM or cICP of the source.
    progress : callable, optional
        Called as ``progress(done, total)`` after every frame. With a target the total is an estimate of the frames that
        are painted; `done` never falls and ends at the total.

    Returns
    -------
    Animation

    Raises
    ------
    ParameterError
        If an argument is wrong, or no lossiness and number of colours reach the target. Nothing is written.
    FileError

    Notes
    -----
    The file holds only the rectangles that change. Colours, phrases and unchanged pixels are chosen together: see
    `codec.palette._lzw`. Frames are cleared (disposal 2) where opaque pixels become transparent.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.palette import animate
    >>> made = animate([np.full((4, 6), 80 * i, np.uint8) for i in range(3)], fps=30)
    >>> made.format, made.frames, made.seconds, made.data[:6]
    ('gif', 3, Fraction(1, 10), b'GIF89a')
    """
    format = format_of(path, format)
    _check(colors, lossy, space, dither_strength, target, loops)
    if format == "gif" and (icc or color_chunks):
        raise ParameterError("a GIF carries no colour profile: convert the frames to sRGB, or write an .apng")
    if isinstance(frames, Video):
        fps = frames.fps if fps is None and seconds is None else fps
        frames = map(eight_bits, frames.pictures())
    profiled: list[int] = []
    pictures, opaque, alphas = as_frames(frames, profiled)
    lengths = durations(len(pictures), fps, seconds)
    strength, shared = round(dither_strength * 256), shared or format == "apng"
    partial = any(alpha is not None for alpha in alphas)
    kind = _SoftPlan if partial and format == "apng" else _Plan
    about = _comment(comment), png.described(icc, None, color_chunks)
    asked = min(colors, COLORS_MAX), LOSSY_ONE if target else lossy
    plan = kind(format, pictures, opaque, alphas, lengths, space, strength, shared, loops, *about, asked)
    if target:
        made = reach.reach(plan, parse_target(target), asked[0], progress)
    else:
        plan.step = _counted(progress, len(pictures))
        made = plan.paint(*asked)
    if made.below:
        made = made.warned([_poor(made, asked)])
    if partial and format == "gif":
        made = made.warned([f"a GIF has no partial transparency: alpha from {OPAQUE} on became opaque; .apng keeps it"])
    if profiled and not icc:
        made = made.warned([f"the ICC profiles of {len(profiled)} images were dropped: codec.animate uses them"])
    if path is not None:
        write_atomic(path, made.data)
    return made


def format_of(path: Path | None, format: AnimationFormat | None = None) -> AnimationFormat:
    """ "gif" or "apng": `format` if given, else by the suffix of the path.

    >>> from codec.palette.animator import format_of
    >>> format_of("a.png"), format_of(None)
    ('apng', 'gif')
    """
    if format is None:
        if path is None:
            return "gif"
        suffix = os.path.splitext(os.fsdecode(path))[1].lower()
        if suffix not in SUFFIXES:
            raise ParameterError(
                f"{os.fsdecode(path)}: no animation has the suffix {suffix!r}; use {', '.join(SUFFIXES)}, or pass "
                "format="
            )
        return SUFFIXES[suffix]
    if format not in FORMATS:
        raise ParameterError(f"format is {format!r}; choose one of {', '.join(FORMATS)}")
    return format


def _check(colors, lossy, space, dither_strength, target, loops):
    for name, value, least, most in (("colors", colors, 2, 256), ("lossy", lossy, 0, LOSSY_MAX)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
            raise ParameterError(f"{name} must be an integer within {least}..{most}, not {value!r}")
    if space not in SPACES:
        raise ParameterError(f"unknown space {space!r}; there are {', '.join(SPACES)}")
    if not isinstance(dither_strength, (int, float)) or not 0 <= dither_strength <= 1:
        raise ParameterError(f"dither_strength must be within 0..1, not {dither_strength!r}")
    if loops is not None and (not isinstance(loops, (int, np.integer)) or isinstance(loops, bool) or loops < 0):
        raise ParameterError(f"loops must be an integer, 0 for ever, or None for never, not {loops!r}")
    if target and parse_target(target).measure != "size":
        raise ParameterError(f"{target!r}: animations take size targets only, such as size:500kB")


def _comment(comment):
    try:
        return comment.encode("latin-1") if isinstance(comment, str) else bytes(comment)
    except (UnicodeEncodeError, TypeError) as error:
        raise ParameterError("a comment is a str of ISO 8859-1") from error


def as_frames(frames, profiled):
    """RGB pictures, their masks of opaque pixels, None where all are, and their alpha, None where none is partial; all
    in memory of their own, since a generator may fill the same array again. Appends to `profiled` the numbers of Pillow
    images with an ICC profile.
    """
    pictures, opaque, alphas = [], [], []
    for number, frame in enumerate(_listed(frames)):
        if hasattr(frame, "getbands") and frame.info.get("icc_profile"):
            profiled.append(number)
        pixels = frame_pixels(frame, number)
        alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
        mask = None if alpha is None else alpha >= OPAQUE
        alphas.append(alpha.copy() if alpha is not None and (alpha % 255).any() else None)
        pixels = np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else np.ascontiguousarray(pixels[..., :3])
        if pictures and pixels.shape != pictures[0].shape:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (pixels.shape, pictures[0].shape)]
            raise ParameterError(f"frame {number} is {sizes[0]}, and the frames before it are {sizes[1]}")
        pictures.append(pixels)
        opaque.append(None if mask is None or mask.all() else mask)
    if not pictures:
        raise ParameterError("there are no frames: an animation needs at least one")
    if max(pictures[0].shape[:2]) > gif.SIDE_MAX:
        raise ParameterError(
            f"an animation has sides of 1 to {gif.SIDE_MAX} pixels, not {pictures[0].shape[1]}x{pictures[0].shape[0]}"
        )
    return pictures, opaque, alphas


def _listed(frames):
    """Something to iterate over: one picture is one frame."""
    if hasattr(frames, "getbands") or (isinstance(frames, np.ndarray) and is_picture(frames)):
        return [frames]
    if not isinstance(frames, Iterable):
        raise ParameterError(f"frames must be an iterable of arrays, not {type(frames).__name__}")
    return frames


def frame_pixels(frame, number):
    """(H, W, 1, 3 or 4) uint8 in memory of its own; frames and Pillow images of more bits are scaled."""
    if isinstance(frame, (str, bytes, os.PathLike)) or callable(getattr(frame, "read", None)):
        raise ParameterError(
            f"frame {number} is a {type(frame).__name__}, and this takes pixels: codec.animate reads files and bytes"
        )
    try:
        pixels = frame.to_rgb() if isinstance(frame, Frame) else as_array(frame, "it")
        ranged = isinstance(frame, Frame) or hasattr(frame, "getbands")  # 16 bits over 0..65535
        return own_pixels(eight_bits(pixels) if ranged else pixels)
    except ParameterError as error:
        raise ParameterError(f"frame {number}: {error}") from None


@dataclass
class _Plan:
    """What stays the same from pass to pass.

    Attributes
    ----------
    has_lossy : bool
        Whether the lossiness makes a difference.
    passes : int
        How many times all frames were painted.
    used : list of int
        The lossiness of each frame in the last pass.
    step : callable
        Called after every frame.
    tail : int or None
        From which frame on `repaint` paints, in a search.
    """

    format: str
    pictures: list
    opaque: list
    alphas: list
    lengths: list
    space: str
    strength: int
    shared: bool
    loops: int | None
    comment: bytes
    described: bytes  # chunks of an APNG about its colours
    asked: tuple[int, int]  # colours and lossiness, for the quality that is expected

    has_lossy = True

    def __post_init__(self):
        self.delays = gif_delays(self.lengths) if self.format == "gif" else None
        self.passes, self.step, self.used, self._painting = 0, _nothing, [], 0
        self.sources = Palettes(self.pictures, self.opaque, self.space, shared=self.shared)
        self._chosen, self._quantizers, self._measured, self._coded = {}, {}, {}, {}
        self._keep, self._last, self.stands_for, self.tail = False, [], None, None

    def sample(self):
        """A plan for strips of rows and blocks of frames, with the palettes of all, and two factors: the pixels of a
        frame for each in its strips, and the work of a pass for that of the sample.
        """
        height, width, _ = self.pictures[0].shape
        rows = reach.rows_of_sample(height, width)
        frames = reach.frames_of_sample(len(self.pictures), height // len(rows))
        self._keep = len(self.pictures) * height * width * MEASURED_BYTES <= KEPT_BYTES
        self.tail = reach.tail(len(self.pictures)) if self.has_lossy else None
        if len(rows) == height and len(frames) == len(self.pictures):
            return self, 1.0, 1.0

        def of(planes):
            return [None if planes[number] is None else planes[number][rows] for number in frames]

        lengths = [self.lengths[number] for number in frames]
        planes = {"pictures": of(self.pictures), "opaque": of(self.opaque), "alphas": of(self.alphas)}
        strips = replace(self, **planes, lengths=lengths)
        strips._keep, strips.sources, strips.stands_for = True, self.sources.of_all(), (frames, len(self.pictures))
        rows_share, pixel = height / len(rows), PIXEL_WORK + GUESSED_WORK
        area = FRAME_WORK + pixel * height * width, FRAME_WORK + pixel * len(rows) * width
        return strips, rows_share, area[0] * len(self.pictures) / (area[1] * len(frames))

    @property
    def work(self):
        """What painting and choosing palettes have taken, in the unit of `lzw_paint`."""
        return self._painting + self.sources.work

    def sizes(self, colors, lossy):
        """Coded bytes of each frame of the file that was painted so, without the tables and blocks around them: of all
        frames of which these are a sample.
        """
        coded = self._coded[colors, lossy]
        return coded if self.stands_for is None else reach.spread(coded, *self.stands_for)

    def rest(self, made):
        """Bytes of the file that are not coded pixels, if it had all frames of which these are a sample."""
        rest = made.size - sum(self._last)
        if self.stands_for is None:
            return rest
        frames, count = self.stands_for
        head = min(HEAD_BYTES + 3 * made.colors, rest)
        return head + (rest - head) * count // len(frames)

    def palettes(self, colors, most_work=math.inf):
        """The palette of each frame, as `Palettes.of_frames`."""
        if colors not in self._chosen:
            self._chosen[colors] = self.sources.of_frames(colors, most_work)
        return self._chosen[colors]

    def tables(self, colors, most_work):
        """Bytes of the palettes that frames have for themselves."""
        chosen = self.palettes(colors, most_work)
        own = [one for one in chosen if one is not chosen[0]]
        return sum(3 << gif.code_size(len(one.entries) + 1) for one in own) if self.format == "gif" else 0

    def choosing(self, colors):
        """What a palette for all frames will take."""
        return self.sources.whole_work(colors)

    def _pixels(self):
        """Pixels of a frame."""
        height, width, _ = self.pictures[0].shape
        return height * width

    def paint(self, colors, lossy, steer=None):
        """One pass over all frames.

        Parameters
        ----------
        steer : callable, optional
            Called after some of the frames, those of `reach.judged`, with the lossiness and the coded bytes of each so
            far. It returns the lossiness to go on with, or None to give the pass up.

        Returns
        -------
        Animation, or None if it was given up
        """
        made = self._painted(colors, lossy, steer)
        self.passes += made is not None
        return made

    def repaint(self, colors, lossy, begun):
        """The last file with its last frames, from number `tail` on, painted again with a lossiness; `begun` is the one
        that the pass began with.
        """
        canvas, shown, errors = self._end
        self._lossy, self.used = lossy, self.used[: self.tail]
        shown, errors = shown[: self.tail], errors[: self.tail]
        for one, error in self._frames(colors, self.tail, canvas.copy()):
            shown.append(one)
            errors.append(error)
            self.used.append(lossy)
            self.step()
        return self._finished(colors, begun, shown, errors)

    def _size(self):
        """(width, height)."""
        return self.pictures[0].shape[1::-1]

    def _frames(self, colors, begin=0, canvas=None):
        """Yield what shows each frame from number `begin` on, painted over a canvas, and its mean squared error: a
        Painted of a GIF or a Piece of an APNG.
        """
        chosen, error = self.palettes(colors), self.sources.whole(colors)[1]
        width, height = self._size()
        canvas, everything = canvas or Canvas(height, width), np.ones((height, width), bool)
        masks = [everything if mask is None else mask for mask in self.opaque]
        for i in range(begin, len(masks)):
            if i == self.tail:
                self._end = (canvas.copy(), [], [])
            pixels, mask = self.pictures[i], masks[i]
            following = masks[i + 1] if i + 1 < len(masks) else None
            measured, loss = self._measure(i, chosen[i].space), Loss(self._lossy, error, self.strength)
            made = canvas.paint(pixels, mask, chosen[i], loss, whole=i == 0, opaque_next=following, measured=measured)
            self._painting += made.work + PIXEL_WORK * self._pixels() + FRAME_WORK
            yield apng.piece_of(made) if self.format == "apng" else made, made.error

    def _painted(self, colors, lossy, steer):
        shown, errors, judged = [], [], reach.judged(len(self.pictures)) if steer else ()
        self.used, self._lossy = [], lossy
        for one, error in self._frames(colors):
            shown.append(one)
            errors.append(error)
            self.used.append(self._lossy)
            self.step()
            if len(shown) in judged:
                self._lossy = steer(self.used, self._sizes(shown, colors))
                if self._lossy is None:
                    return None
        return self._finished(colors, lossy, shown, errors)

    def _finished(self, colors, lossy, shown, errors):
        """The file; `lossy` is what the pass began with."""
        self._coded[colors, lossy] = self._last = self._sizes(shown, colors)
        if self.tail is not None:
            self._end = (self._end[0], shown, errors)
        data, shape = self._assemble(shown, colors), (*self._size(), len(shown), self._seconds())
        return Animation(data, self.format, *shape, *self._used(colors), max(self.used), below=self._below(errors))

    def _sizes(self, shown, colors):
        """Coded bytes of frames."""
        if self.format == "gif":
            return [len(one.codes) for one in shown]
        bits = apng.depth_of(shown, self._palette(colors))
        return [len(one.deflated(bits)) for one in shown]

    def _used(self, colors):
        """Entries of the largest palette, and the number of palettes."""
        used = {id(one): len(one.entries) for one in self.palettes(colors)}
        return max(used.values()), len(used)

    def _palette(self, colors):
        """The palette of an APNG."""
        return apng.palette_of(self.palettes(colors)[0])

    def _below(self, errors):
        """Numbers of the frames whose error is far above that of the asked palette, and as much again by `Loss`."""
        colors, lossy = self.asked
        expected = self.sources.whole(colors)[1] * (1 + lossy**2 / LOSSY_ONE**2)
        return _far_above(errors, max(expected, LEAST_ERROR))

    def _measure(self, number, space):
        """What is known about a frame; kept where another pass may follow."""
        found = self._measured.get((number, space))
        if found is None:
            found = Measured(self.pictures[number], space)
            self._painting += MEASURING_WORK * self._pixels()
        if self._keep:
            self._measured[number, space] = found
        return found

    def _assemble(self, shown, colors):
        if self.format == "apng":
            about = {"loops": self.loops, "comment": self.comment, "described": self.described}
            return apng.assemble(*self._size(), shown, self._palette(colors), self.lengths, **about)
        first = shown[0].colors
        cells = []
        for frame, delay in zip(shown, self.delays):
            own = None if frame.colors is first else _with_transparent(frame.colors)
            high, wide = frame.indices.shape
            size = gif.code_size(len(frame.colors.entries) + 1)
            # Pillow and others clear to transparency only after a frame that has a transparent index.
            transparent = frame.colors.transparent if frame.disposal == gif.CLEAR else frame.transparent
            cells.append(
                gif.Cell(frame.x, frame.y, wide, high, frame.codes, size, delay, frame.disposal, transparent, own)
            )
        return gif.assemble(
            *self._size(), cells, palette=_with_transparent(first), loops=self.loops, comment=self.comment
        )

    def _seconds(self):
        return Fraction(sum(self.delays), 100) if self.delays else sum(self.lengths)


class _SoftPlan(_Plan):
    """The same for an APNG with partial transparency, where only the number of colours makes a difference."""

    has_lossy = False

    def __post_init__(self):
        super().__post_init__()
        self.frames = [soft.rgba(*frame) for frame in zip(self.pictures, self.opaque, self.alphas)]
        self.expected = {}  # the mean error of the frames, or of the sample, with as many colours as asked

    def sample(self):
        strips, *factors = super().sample()
        strips.expected = self.expected
        return strips, *factors

    def tables(self, colors, most_work):
        self._fitted(colors)
        return 0

    def choosing(self, colors):
        return 0 if colors in self._quantizers else FIT_WORK * len(self.frames) * self._pixels()

    def _fitted(self, colors):
        if colors not in self._quantizers:
            self._painting += self.choosing(colors)
            self._quantizers[colors] = soft.fitted(self.frames, colors, self.space, self.strength / 256)
        return self._quantizers[colors]

    def _frames(self, colors):
        for one in soft.paint(self.frames, *self._fitted(colors)):
            self._painting += PIXEL_WORK * self._pixels() + FRAME_WORK
            yield one

    def _palette(self, colors):
        return self._fitted(colors)[1]

    def _used(self, colors):
        return len(self._palette(colors)), 1

    def _below(self, errors):
        return _far_above(errors, self.expected.setdefault(self.asked, max(float(np.mean(errors)), LEAST_SOFT_ERROR)))


def _far_above(errors, expected):
    return tuple(number for number, error in enumerate(errors) if error > FAR_BELOW * expected)


def _poor(made, asked):
    """The warning about frames far below the quality that was asked for."""
    which = f"{len(made.below)} of {made.frames} frames (the first is {made.below[0]})"
    remedy = "allow more bytes, or fewer or smaller frames" if made.target else "they differ too much for one palette"
    return f"{which} are far below the quality of {asked[0]} colours and a lossiness of {asked[1]}: {remedy}"


def _nothing():
    """No progress is shown."""


def _counted(progress, total):
    """A callback that counts its calls."""
    if progress is None:
        return _nothing
    count = itertools.count(1)
    return lambda: progress(next(count), total)


def _with_transparent(colors):
    return np.concatenate([colors.entries, np.zeros((1, 3), np.uint8)])
