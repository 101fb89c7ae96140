"""Find the settings of an animation that reach a size, in few passes over all frames.

Sizes at different settings are estimated from a sample: strips of rows of every frame, painted like a small animation.
Its time is that of the frames, so what stays and what flickers is the same. The first frames, painted whole, calibrate
the estimate, and so does each pass over all frames; near the setting of that pass it is within about 1 %.
"""

import math
from dataclasses import replace
from functools import partial

from ..errors import ParameterError
from .canvas import LOSSY_MAX, LOSSY_ONE

COLORS_LEAST = 8  # the fewest that a size target may use
ENOUGH, AIM = 0.98, 0.99  # a search ends within 2 % of the size; passes aim at the middle
NEAR = 0.95  # what two passes may end with
# Strips cost more for each pixel, since their code tables are young: measured on three clips, at a lossiness of 20.
STRIPS_COST = 1.18
UNSURE = 1.6  # by how much an estimate that nothing has calibrated may be too large
OPENING, OPENING_SHARE = 4, 8  # frames that calibrate an estimate: an eighth of them, at least 4
HALVED = 0.7  # half as many colours take more than this share of the bytes
BRACKET = 1.1  # sizes of neighbouring samples between which sizes are interpolated
STRIP, SHARE = 8, 8  # rows of a strip, and how many strips there are for each in the sample
SAMPLED_ROWS, SAMPLED_PIXELS = 16, 8192  # the least in a frame of the sample
LADDER = (LOSSY_ONE, 3 * LOSSY_ONE)


def rows_of_sample(height, width):
    """Numbers of the rows in the sample; all of a small picture."""
    share = max(1, min(SHARE, height // SAMPLED_ROWS, height * width // SAMPLED_PIXELS))
    return [row for row in range(height) if row // STRIP % share == share // 2]


class Bar:
    """One progress from 0 to the end of the search, whose number of passes is not known before.

    Calls ``progress(done, total)`` with a total of `PASSES` times the frames; `done` never falls, and reaches the total
    only by `finish`.
    """

    PASSES = 3

    def __init__(self, progress, frames):
        self._progress, self._total, self._done, self._told = progress, self.PASSES * frames, 0.0, 0

    def step(self, share=1.0):
        """One frame more, or a share of one."""
        self._done += share
        self._tell(min(int(self._done), self._total - 1))

    def finish(self):
        """The search has ended."""
        self._tell(self._total)

    def _tell(self, done):
        if self._progress is not None and done > self._told:
            self._told = done
            self._progress(done, self._total)


class Curve:
    """Estimated sizes by lossiness, for one number of colours.

    Attributes
    ----------
    scale : float
        Coded bytes of the frames for each of the sample.
    calibrated : bool
        Whether a pass over whole frames has set the scale.
    """

    def __init__(self, sample, colors, scale, calibrated):
        self.scale, self.calibrated = scale, calibrated
        self._sample, self._colors, self._coded, self._rest = sample, colors, {}, None

    def coded(self, lossy):
        """Coded bytes of the sample."""
        if lossy not in self._coded:
            made = self._sample.paint(self._colors, lossy)
            self._coded[lossy] = self._sample.coded(self._colors, lossy)
            self._rest = made.size - self._coded[lossy] if self._rest is None else self._rest
        return self._coded[lossy]

    def size(self, lossy):
        """Estimated bytes of the file."""
        coded = self.coded(lossy)
        return self._rest + self.scale * coded

    def calibrate(self, made, coded):
        """Take the scale from a pass over whole frames, and its coded bytes."""
        self.scale, self.calibrated = coded / self.coded(made.lossy), True
        self._rest = made.size - coded

    def calibrate_by_opening(self, plan, lossy):
        """Take the scale from the first frames."""
        count = max(OPENING, len(plan.pictures) // OPENING_SHARE)
        if not self.calibrated and count < len(plan.pictures):
            coded = [one.opening(self._colors, lossy, count) for one in (plan, self._sample)]
            self.scale = coded[0] / max(coded[1], 1) or self.scale
        self.calibrated = True

    def least(self, bytes):
        """The least lossiness whose estimated size is within `bytes`; LOSSY_MAX + 1 if there is none."""
        if self.size(LOSSY_ONE) <= bytes and self.size(0) <= bytes:
            return 0
        low = 0
        for high in (*LADDER, LOSSY_MAX):
            if self.size(high) <= bytes:
                break
            low = high
        else:
            return LOSSY_MAX + 1
        # 0 is no neighbour of 1: it is painted without any tolerance, often in fewer bytes.
        low = max(low, 1)
        while high - low > 1 and self.size(low) > BRACKET * self.size(high):
            at = self._between(low, high, bytes)
            low, high = (low, at) if self.size(at) <= bytes else (at, high)
        return low if self.size(low) <= bytes else self._between(low, high, bytes) if high - low > 1 else high

    def _between(self, low, high, bytes):
        """Interpolate: sizes are near a power of the lossiness."""
        large, small = self.size(low), self.size(high)
        share = 0.5 if large <= small else math.log(large / bytes) / math.log(large / small)
        return min(max(math.ceil(low * (high / low) ** share), low + 1), high - 1)


def reach(plan, target, colors, progress=None):
    """The least lossiness whose file is within the target; if there is none, the same with half as many colours,
    repeatedly.

    Parameters
    ----------
    plan : a plan of `animator`
        With ``paint(colors, lossy)``, ``opening(colors, lossy, count)``, ``coded(colors, lossy)``, ``sample()``,
        `has_lossy`, `passes` and `step`.
    target : codec.targets.Target
    colors : int
    progress : callable, optional

    Raises
    ------
    ParameterError
        If the fewest colours at the greatest lossiness are still too large.
    """
    sample, scale = plan.sample()
    bar = Bar(progress, len(plan.pictures))
    plan.step, sample.step = bar.step, partial(bar.step, 1 / scale)
    calibrated = sample is plan
    scale /= 1 if calibrated else STRIPS_COST
    while True:
        curve = Curve(sample, colors, scale, calibrated)
        best, least = _within(plan, curve, target.value, colors, last=colors <= COLORS_LEAST)
        scale, calibrated = curve.scale, curve.calibrated
        if best is not None:
            bar.finish()
            return replace(best, target=str(target), passes=plan.passes)
        if colors <= COLORS_LEAST:
            raise ParameterError(
                f"{target} cannot be reached: lossy={LOSSY_MAX} with {colors} colours gives {least} bytes; use smaller "
                "or fewer frames"
            )
        halvings = 2 if curve.size(LOSSY_MAX) * HALVED > target.value else 1
        colors = max(COLORS_LEAST, -(-colors // 2**halvings))


def _within(plan, curve, bytes, colors, last):
    """The file for this number of colours, or None, and the bytes of the smallest that was tried."""
    low, high, best, count, smallest = -1, LOSSY_MAX + 1, None, 0, None
    while high - low > 1:
        aim = (AIM - 0.01 * count) * bytes
        lossy = curve.least(aim) if plan.has_lossy else LOSSY_MAX
        if not curve.calibrated and not _hopeless(curve, lossy, UNSURE * bytes):
            curve.calibrate_by_opening(plan, min(lossy, LOSSY_MAX))
            lossy = curve.least(aim) if plan.has_lossy else LOSSY_MAX
        if best is None and not last and _hopeless(curve, lossy, bytes):
            break
        lossy = min(max(lossy, low + 1), high - 1)
        made, count = plan.paint(colors, lossy), count + 1
        smallest = min(smallest or made.size, made.size)
        if made.size <= bytes:
            best, high = made, lossy
            if made.size >= (ENOUGH if count == 1 else NEAR) * bytes or not plan.has_lossy:
                break
        else:
            low = lossy
        if best is not None and count >= Bar.PASSES:
            break
        curve.calibrate(made, plan.coded(colors, lossy))
    return best, smallest


def _hopeless(curve, lossy, bytes):
    """Whether even the greatest lossiness is estimated to be too large."""
    return lossy >= LOSSY_MAX and curve.size(LOSSY_MAX) > bytes
