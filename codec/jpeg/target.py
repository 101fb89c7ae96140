"""Targets: the quality at which a file is no larger, or scores no lower, than requested; measured on the bytes
returned."""

import math
from dataclasses import dataclass

from ..errors import ParameterError
from ..limits import Limits
from ..quality import QUALITY_PARTS, as_quality
from ..targets import RATES, middle, narrow, parse_target
from .decoder import decode

MOST_ENCODES = 12
ENOUGH = 200  # a search ends once it can gain no more than a 200th of the bytes, 0.5 %

# Qualities to try, from START up or down, until both sides of the answer are known.
RUNGS = (1, 10, 30, 50, 75, 90, 97, 100)
START = 75

# Metrics that make sense for four inks: they compare channel by channel.
OF_INKS = ("psnr", "mse", "ssim", "ms_ssim")


@dataclass(frozen=True)
class Reached:
    """The result of a search: the file, its quality, its value of the target's measure, and the encodes, in order, as
    (quality, bytes, bytes or score)."""

    data: bytes
    quality: float
    achieved: float
    trials: tuple

    @property
    def encodes(self):
        """The number of encodes."""
        return len(self.trials)


def reach(target, pixels, encode):
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
    search = _Search(parse_target(target), pixels, encode)
    first, last = RUNGS[0] * QUALITY_PARTS, RUNGS[-1] * QUALITY_PARTS
    bracket = narrow(first - 1, last + 1, search.over, search.guess, search.enough)
    if search.best is None:
        for end in {first, last} - search.trials.keys():
            search.over(end)
        at_ends = [f"{search.said(end)} at quality {end // QUALITY_PARTS}" for end in (first, last)]
        raise ParameterError(f"{target} cannot be reached: {' ... '.join(at_ends)}")
    at = bracket[0] if search.target.is_rate else bracket[1]
    trials = tuple((as_quality(q / QUALITY_PARTS), one.size, one.value) for q, one in search.trials.items())
    return Reached(search.best, as_quality(at / QUALITY_PARTS), search.achieved(at), trials)


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
        self.best = None  # the last file that reaches the target: the end of the bracket
        self.width = math.inf  # width of the last bracket that was interpolated
        area = pixels.shape[0] * pixels.shape[1]
        self.most_bytes = {"size": target.value, "bpp": math.floor(target.value * area / 8)}.get(
            target.measure, math.inf
        )
        if not target.is_rate:
            self.metric, self.falling = _metric(target, pixels.shape[2])

    def over(self, at):
        data = self.encode(at / QUALITY_PARTS)
        trial = self.trials[at] = _Trial(len(data), len(data) if self.target.is_rate else self.score(data))
        if self.target.is_rate:
            over = trial.size > self.most_bytes
        else:
            over = trial.value <= self.target.value if self.falling else trial.value >= self.target.value
        if over != self.target.is_rate:
            self.best = data
        return over

    def score(self, data):
        height, width, channels = self.pixels.shape
        decoded = decode(data, limits=Limits(pixels=height * width, metadata_bytes=len(data))).pixels
        return float(self.metric(self.pixels if channels > 1 else self.pixels[:, :, 0], decoded))

    def guess(self, low, high):
        """The next rung until both sides are measured; then slightly beyond the point where a line between them meets
        the target.

        The overshoot, toward the farther end, is the tolerance: it pulls that end in too, where a line alone would
        approach the target from one side only. A step that leaves more than two thirds of the bracket is followed by a
        bisection. Over 4 photographs x 22 targets this takes 7.6 encodes on average and 12 at most; the line alone,
        kept an eighth away from the ends, 8.3 and 13.
        """
        if not self.trials:
            return START * QUALITY_PARTS
        if low not in self.trials:
            return max(rung for rung in RUNGS if rung * QUALITY_PARTS < high) * QUALITY_PARTS
        if high not in self.trials:
            return min(rung for rung in RUNGS if rung * QUALITY_PARTS > low) * QUALITY_PARTS
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
        if len(self.trials) >= MOST_ENCODES:
            return True
        if low not in self.trials or high not in self.trials:
            return False
        smaller = self.trials[low].size
        return min(self.trials[high].size, self.most_bytes) - smaller <= smaller / ENOUGH

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


def _metric(target, channels):
    """The metric of a target, and whether smaller is better."""
    from ..metrics.names import SMALLER_IS_BETTER, by_name  # only a search for a score needs them

    if channels == 4 and target.measure not in OF_INKS:
        raise ParameterError(
            f"{target} is no target for CMYK: {target.measure} is defined for gray and RGB pictures; "
            f"CMYK has {', '.join((*OF_INKS, *RATES))}"
        )
    return by_name(target.measure), target.measure in SMALLER_IS_BETTER
