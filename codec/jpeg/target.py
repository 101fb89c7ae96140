"""Targets: the quality at which a file is no larger, or scores no lower, than asked for; measured on the bytes that are given out."""

import math
from dataclasses import dataclass

from ..errors import ParameterError
from ..limits import Limits
from ..targets import RATES, middle, narrow, parse_target
from .decode import decode
from .params import as_quality
from .tables import QUALITY_PARTS

MOST_ENCODES = 12
ENOUGH = 200  # a search ends once what it could still gain is a 200th of the bytes, 0.5 %

# Qualities to try before both sides of the answer are known, from START up or down.
RUNGS = (1, 10, 30, 50, 75, 90, 97, 100)
START = 75

# Of these a picture of four inks has a score that means something: they compare channel by channel.
OF_INKS = ("psnr", "mse", "ssim", "ms_ssim")


@dataclass(frozen=True)
class Reached:
    """The answer of a search: the file, its quality, what the target's measure is of it, and how many encodes it took."""

    data: bytes
    quality: float
    achieved: float
    encodes: int


def reach(target, pixels, encode):
    """The quality, on a grid of 1/64, that reaches a target.

    Files grow and scores rise with the quality, so there is one place where either passes the target; where they do so only nearly, the
    answer holds all the same, since what is given out was measured.

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
        Of a size or bpp, the largest file that is not larger: within 0.5 % where there is such a file. Of a score, the smallest file that
        has it: within 0.5 % of the smallest, likewise.

    Raises
    ------
    ParameterError
        If no quality reaches the target: the message has the range. Or if the metric is not defined for such a picture.
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
    return Reached(search.best, as_quality(at / QUALITY_PARTS), search.achieved(at), len(search.trials))


@dataclass(frozen=True)
class _Trial:
    """One encode: its bytes, and what is compared with the target: bytes, or a score."""

    size: int
    value: float


class _Search:
    """What `narrow` asks. Integers are qualities in 1/64; "over" is larger than the bytes, or no worse than the score, that was asked for."""

    def __init__(self, target, pixels, encode):
        self.target, self.pixels, self.encode = target, pixels, encode
        self.trials = {}
        self.best = None  # the last file that reaches the target: the one that the bracket has closed on
        self.width = math.inf  # of the last bracket that a line was drawn through
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
        """The next rung until both sides are measured; from then on a bit beyond where a straight line between them meets the target.

        Beyond it by what is enough, on the side of the farther end, so that this end comes near too: a line alone would creep up on the
        target from one side. A step that leaves more than two thirds of the bracket is followed by one that halves it. Over 4 photographs x
        22 targets that took 7.6 encodes on average and 12 at most; the line alone, kept an eighth away from the ends, 8.3 and 13.
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
        """The value of the measure there, in the target's unit."""
        value = self.trials[at].value
        return 8 * value / (self.pixels.shape[0] * self.pixels.shape[1]) if self.target.measure == "bpp" else value

    def said(self, at):
        """The same for a message."""
        value = self.achieved(at)
        if self.target.measure != "size":
            return f"{value:.4g}"
        return f"{value / 1000:.3g} kB" if value >= 1000 else f"{value} bytes"


def _metric(target, channels):
    """The metric of a target, and whether less of it is better."""
    from ..metrics.names import SMALLER_IS_BETTER, by_name  # only a search for a score needs them

    if channels == 4 and target.measure not in OF_INKS:
        raise ParameterError(
            f"{target} is no target for CMYK: {target.measure} is of gray and RGB pictures; there are {', '.join((*OF_INKS, *RATES))}"
        )
    return by_name(target.measure), target.measure in SMALLER_IS_BETTER
