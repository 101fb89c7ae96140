"""Targets: the quality at which a file is no larger, or scores no lower, than requested; measured on the bytes
returned."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Optional

from ..errors import ParameterError
from ..limits import Limits
from ..quality import QUALITY_PARTS, as_quality
from ..targets import RATES, middle, narrow, parse_target
from ._chroma import auto_subsampling, is_clear
from .decoder import decode

MOST_ENCODES = 12
MOST_MORE = 6  # encodes with a second subsampling
ENOUGH = 200  # a search ends once it can gain no more than a 200th of the bytes, 0.5 %

# Qualities to try, from START up or down, until both sides of the answer are known.
RUNGS = (1, 10, 30, 50, 75, 90, 97, 100)
FIRST, LAST = RUNGS[0] * QUALITY_PARTS, RUNGS[-1] * QUALITY_PARTS
START = 75
NEAREST = 2 * QUALITY_PARTS  # of a rung to what is known

# Metrics that make sense for four inks: they compare channel by channel.
OF_INKS = ("psnr", "mse", "ssim", "ms_ssim")


@dataclass(frozen=True)
class Reached:
    """The result of a search: the file, its quality, its value of the target's measure, and the encodes, in order, as
    (quality, bytes, bytes or score). subsampling: that of the file, if it was searched for."""

    data: bytes
    quality: float
    achieved: float
    trials: tuple
    subsampling: Optional[str] = None

    @property
    def encodes(self):
        """The number of encodes."""
        return len(self.trials)


def reach(target, pixels, encode, has_choice=False):
    """The quality, on a grid of 1/64, that reaches a target.

    Files grow and scores rise with the quality, so each passes the target once. Where they are not quite monotonic, the
    result still holds: the returned file was measured.

    Parameters
    ----------
    target : str
        See `codec.targets.parse_target`.
    pixels : (H, W, channels) uint8
    encode : callable
        Quality to the bytes of a file.
    has_choice : bool, default False
        Whether `encode` also takes subsampling="4:2:0" or "4:4:4" in place of what "auto" gives, which is left to where
        the picture is clearly a photograph: others get the better of both.

    Returns
    -------
    Reached
        For a size or bpp, the largest file within it, to 0.5 % where such a file exists. For a score, the smallest file
        that reaches it, to 0.5 %.

    Raises
    ------
    ParameterError
        If no quality reaches the target (the message has the range), or the metric is not defined for the picture.
    """
    if has_choice and not is_clear(pixels):
        return _reach_with_either(target, pixels, encode)
    search = _Search(parse_target(target), pixels, encode)
    search.run()
    return search.reached()


def _reach_with_either(target, pixels, encode):
    """`reach` with "4:2:0" or "4:4:4": the smaller file that reaches a score, or the better one of those within a size.

    Both are searched, the second one from where the first has arrived, and only while it may win.
    """
    names = ("4:2:0", "4:4:4") if auto_subsampling(pixels, START) == "4:2:0" else ("4:4:4", "4:2:0")
    first, second = (_Search(parse_target(target), pixels, partial(encode, subsampling=name)) for name in names)
    first.run()
    if first.best is not None:
        second.follow(first)
    second.run()
    if first.best is None and second.best is None:
        widest = "4:2:0" if first.target.is_rate else "4:4:4"  # its range
        (first if names[0] == widest else second).refuse()
    best, name = (second, names[1]) if second.beats(first) else (first, names[0])
    return replace(best.reached(), trials=first.tried() + second.tried(), subsampling=name)


@dataclass(frozen=True)
class _Trial:
    """One encode: its bytes, and the value compared with the target: bytes or a score."""

    size: int
    value: float


class _Search:
    """The callbacks of `narrow`. Integers are qualities in 1/64; "over" means above the bytes, or at or above the
    score."""

    def __init__(self, target, pixels, encode):
        self.target, self.pixels, self.encode = target, pixels, encode
        self.trials = {}
        self.start, self.most_encodes = START * QUALITY_PARTS, MOST_ENCODES
        self.rival = math.inf  # bytes of another file that reaches the score
        self.best = self.at = None  # the last file that reaches the target, at the end of the bracket
        self.width = math.inf  # width of the last bracket that was interpolated
        area = pixels.shape[0] * pixels.shape[1]
        self.most_bytes = {"size": target.value, "bpp": math.floor(target.value * area / 8)}.get(
            target.measure, math.inf
        )
        if not target.is_rate:
            self.metric, self.falling = _metric(target, pixels.shape[2])

    def run(self):
        narrow(FIRST - 1, LAST + 1, self.over, self.guess, self.enough)

    def follow(self, other):
        """Begin where another search has arrived, and end once its file is smaller."""
        self.start, self.most_encodes = other.at, MOST_MORE
        if not self.target.is_rate:
            self.rival = len(other.best)

    def over(self, at):
        data = self.encode(at / QUALITY_PARTS)
        value = len(data) if self.target.is_rate else float(self.metric(*_compared(self.pixels, data)))
        trial = self.trials[at] = _Trial(len(data), value)
        if self.target.is_rate:
            over = trial.size > self.most_bytes
        else:
            over = trial.value <= self.target.value if self.falling else trial.value >= self.target.value
        if over != self.target.is_rate:
            self.best, self.at = data, at
        return over

    def guess(self, low, high):
        """The next rung until both sides are measured; then slightly beyond the point where a line between them meets
        the target.

        The overshoot, toward the farther end, is the tolerance: it pulls that end in too, where a line alone would
        approach the target from one side only. A step that leaves more than two thirds of the bracket is followed by a
        bisection. Over 4 photographs x 22 targets this takes 7.6 encodes on average and 12 at most; the line alone,
        kept an eighth away from the ends, 8.3 and 13.
        """
        if not self.trials:
            return self.start
        if low not in self.trials:
            return max(
                (rung * QUALITY_PARTS for rung in RUNGS if rung * QUALITY_PARTS <= high - NEAREST), default=FIRST
            )
        if high not in self.trials:
            return min((rung * QUALITY_PARTS for rung in RUNGS if rung * QUALITY_PARTS >= low + NEAREST), default=LAST)
        width, before, self.width = high - low, self.width, high - low
        if 3 * width > 2 * before:
            return middle(low, high)
        below, above = self.trials[low], self.trials[high]
        aim = self.most_bytes * (1 - 0.5 / ENOUGH) if self.target.is_rate else self.target.value
        on_line = width * (aim - below.value) / (above.value - below.value)
        beyond = min(width / 8, width * (below.size / ENOUGH) / max(1, above.size - below.size))
        on_line += max(1, beyond) if 2 * on_line < width else -max(1, beyond)
        return min(high - 1, max(low + 1, low + int(on_line)))

    def enough(self, low, high):
        if len(self.trials) >= self.most_encodes:
            return True
        if low in self.trials and self.trials[low].size >= self.rival:
            return True
        if low not in self.trials or high not in self.trials:
            return False
        smaller = self.trials[low].size
        return min(self.trials[high].size, self.most_bytes) - smaller <= smaller / ENOUGH

    def beats(self, other):
        """Whether the file is the smaller one, or within a size the better one."""
        if self.best is None or other.best is None:
            return other.best is None
        if not self.target.is_rate:
            return len(self.best) < len(other.best)
        from ..metrics import psnr, ssimulacra2

        height, width, channels = self.pixels.shape
        score = ssimulacra2 if channels == 3 and min(height, width) >= 8 else psnr
        return score(*_compared(self.pixels, self.best)) > score(*_compared(self.pixels, other.best))

    def reached(self):
        """The Reached of the bracket's end."""
        if self.best is None:
            self.refuse()
        return Reached(self.best, as_quality(self.at / QUALITY_PARTS), self.achieved(self.at), self.tried())

    def tried(self):
        """The trials of a Reached."""
        return tuple((as_quality(at / QUALITY_PARTS), one.size, one.value) for at, one in self.trials.items())

    def refuse(self):
        """The ParameterError of a target that no quality reaches."""
        for end in {FIRST, LAST} - self.trials.keys():
            self.over(end)
        ends = [f"{self.said(end)} at quality {end // QUALITY_PARTS}" for end in (FIRST, LAST)]
        raise ParameterError(f"{self.target} cannot be reached: {' ... '.join(ends)}")

    def achieved(self, at):
        """The value of the measure at a quality, in the target's unit."""
        value = self.trials[at].value
        return 8 * value / (self.pixels.shape[0] * self.pixels.shape[1]) if self.target.measure == "bpp" else value

    def said(self, at):
        """`achieved` as text for a message."""
        value = self.achieved(at)
        if self.target.measure != "size":
            return f"{value:.4g}"
        return f"{value / 1000:.3g} kB" if value >= 1000 else f"{value} bytes"


def _compared(pixels, data):
    """What metrics compare: the pixels and those of a file."""
    height, width, channels = pixels.shape
    decoded = decode(data, limits=Limits(pixels=height * width, metadata_bytes=len(data))).pixels
    return (pixels if channels > 1 else pixels[:, :, 0]), decoded


def _metric(target, channels):
    """The metric of a target, and whether smaller is better."""
    from ..metrics.names import SMALLER_IS_BETTER, by_name  # only a search for a score needs them

    if channels == 4 and target.measure not in OF_INKS:
        raise ParameterError(
            f"{target} is no target for CMYK: {target.measure} is defined for gray and RGB pictures; "
            f"CMYK has {', '.join((*OF_INKS, *RATES))}"
        )
    return by_name(target.measure), target.measure in SMALLER_IS_BETTER
