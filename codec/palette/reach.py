"""Find the settings of an animation that reach a size, in few passes over all frames.

Sizes at different settings are estimated from a sample: strips of rows of every frame, painted like a small animation.
Its time is that of the frames, so what stays and what flickers is the same. What a pass over whole frames has painted
is compared with the sample: a pass that would miss the size is steered by some lossiness, or given up early where that
is not enough.
"""

import math
from dataclasses import replace
from functools import partial
from operator import mul

from ..errors import ParameterError
from .canvas import LOSSY_MAX, LOSSY_ONE

COLORS_LEAST = 8  # the fewest that a size target may use
# Shares of the target. A search ends with a file of at least ENOUGH, and aims between that and the target.
ENOUGH, AIM = 0.95, 0.985
# The least share that ends a search, by the number of whole passes: in noisy pictures sizes do not fall steadily.
LATE = {3: 0.93, 4: 0.9, 5: 0}
# Strips cost more for each pixel, since their code tables are young: measured on three clips, at a lossiness of 20.
STRIPS_COST = 1.18
UNSURE = 1.6  # by how much an estimate that nothing has calibrated may be too large
OPENING = 4  # the fewest frames that say something about the others
EIGHTHS = range(1, 8)  # after each of them the rest of a pass is estimated again
SWAY = 1.25  # by which factor the lossiness of later frames may differ from that of the first ones
# How far off the target, as a share, a steered pass may be after an eighth; one that is further off is given up.
GIVE_UP = {1: 0.06, 4: 0.04, 6: 0.015}
# A number of colours is given up where even the greatest lossiness is estimated to exceed the size by more: by what an
# opening says, and later by what is above.
FIRST_DOUBT = 0.25
UNSCALED = 0.03  # for the opening of a pass that nothing came before
HALVED = 0.7  # half as many colours take more than this share of the bytes
BRACKET = 1.1  # sizes of neighbouring samples between which sizes are interpolated
CLOSE = 1.05  # or from one of which, and the slope at it, they are extrapolated
TRIES = 4  # samples between two passes
# When as many frames were painted as this many passes take, samples included, the first file that fits is taken, and
# a place is aimed at that fits more surely.
LATEST, SURER = 2.0, 0.95
DOUBT = 8  # frames that must be painted until half of what they say of the others is believed
SMOOTH = 4  # frames on each side that share a scale: those of few bytes say little
STEEPEST, FLATTEST, SLOPE = 1.5, 0.15, 0.5  # of sizes over the lossiness, in logarithms; the last where one is known
TRY_EXACT, SURE = 14, 0.95  # below this lossiness 0 may fit too; its pass takes twice the time
STRIP, SHARE = 8, 8  # rows of a strip, and how many strips there are for each in the sample
SAMPLED_ROWS, SAMPLED_PIXELS = 16, 8192  # the least in a frame of the sample


def judged(frames):
    """How many frames of a pass were painted when it is judged, and which eighth of it that is."""
    return {max(OPENING, frames * part // 8): part for part in reversed(EIGHTHS) if frames > OPENING}


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
        self._frames = frames

    @property
    def late(self):
        """Whether the search has taken its time."""
        return self._done >= LATEST * self._frames

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
    scales : list of float
        Coded bytes of each frame for each of the sample.
    calibrated : bool
        Whether whole frames have set the scales.
    past : list of int
        Coded bytes of the frames that a pass has painted already: sizes are then those of going on from there.
    """

    def __init__(self, sample, colors, scales, calibrated, first):
        self.scales, self.calibrated = scales, calibrated
        self._sample, self._colors, self._sizes, self._rest = sample, colors, {}, None
        self._first, self.past = first, []

    def sizes(self, lossy):
        """Coded bytes of each frame of the sample."""
        if lossy not in self._sizes:
            made = self._sample.paint(self._colors, lossy)
            self._sizes[lossy] = self._sample.sizes(self._colors, lossy)
            self._rest = made.size - sum(self._sizes[lossy]) if self._rest is None else self._rest
        return self._sizes[lossy]

    def size(self, lossy):
        """Estimated bytes of the file."""
        sizes, count = self.sizes(lossy), len(self.past)
        return self._rest + sum(self.past) + sum(map(mul, sizes[count:], self.scales[count:]))

    def calibrate(self, used, sizes):
        """Take the scales from whole frames, all or the first ones: their lossiness and coded bytes. The scales of the
        others change as these do.
        """
        sample, count = [self.sizes(lossy)[i] for i, lossy in enumerate(used)], len(sizes)
        expected = list(map(mul, sample, self.scales))
        # The first frame of all is painted whole, others where they change: it says nothing about them.
        change = sum(sizes[1:]) / (sum(expected[1:]) or 1) or 1
        scales = [sizes[0] / max(sample[0], 1)]
        for i in range(1, count):
            near = slice(max(1, i - SMOOTH), min(count, i + SMOOTH + 1))
            scales.append(sum(sizes[near]) / (sum(sample[near]) or 1))
        smoothed = sum(map(mul, sample, scales))
        scales = [scale * sum(sizes) / (smoothed or 1) for scale in scales]
        # A few frames say little about all, but more than nothing does.
        change **= count / (count + DOUBT) if self.calibrated else 1
        self.scales = scales + [change * scale for scale in self.scales[count:]]
        self.calibrated = True

    def least(self, bytes):
        """The least lossiness whose estimated size is within `bytes`; LOSSY_MAX + 1 if there is none."""
        known = {lossy: self.size(lossy) for lossy in self._sizes if lossy} or {self._first: self.size(self._first)}
        sides = []
        while True:
            large = max((lossy for lossy, size in known.items() if size > bytes), default=0)
            small = min((lossy for lossy, size in known.items() if size <= bytes and lossy > large), default=None)
            if large >= LOSSY_MAX:
                return LOSSY_MAX + 1
            near, slope = self._slope(known, large, small, bytes)
            at = near * (known[near] / bytes) ** (1 / slope)
            if large and small and sides[-2:] in ([0, 0], [1, 1]):  # one end stays: sizes fall by steps
                at = math.sqrt(large * small)
            at = max(min(max(math.ceil(at), large + 1), (small or LOSSY_MAX + 1) - 1), 1)
            # 0 is no neighbour of 1: it is painted without any tolerance, often in fewer bytes.
            if small and at <= TRY_EXACT and self.size(0) <= SURE * bytes:
                return 0
            if small in (large + 1, 1):
                return small
            close = (
                large
                and small
                and known[large] <= BRACKET * known[small]
                or len(known) > 1
                and (1 / CLOSE < known[near] / bytes < CLOSE and at < LOSSY_MAX)
            )
            if close or (len(sides) >= TRIES and large and small):
                return at
            known[at] = self.size(at)
            sides.append(known[at] > bytes)

    @staticmethod
    def _slope(known, large, small, bytes):
        """The setting whose size is nearest, and by which power of the lossiness sizes fall there."""
        near = min((one for one in (large, small) if one), key=lambda one: abs(math.log(known[one] / bytes)))
        if large and small:
            other = large + small - near
        else:
            other = min((one for one in known if one != near), key=lambda one: abs(one - near), default=near)
        if other == near:
            return near, SLOPE
        slope = -math.log(known[near] / known[other]) / math.log(near / other)
        return near, min(max(slope, FLATTEST), STEEPEST)


def reach(plan, target, colors, progress=None):
    """The least lossiness whose file is within the target; if there is none, the same with half as many colours,
    repeatedly.

    Parameters
    ----------
    plan : a plan of `animator`
        With ``paint(colors, lossy, steer)``, ``sizes(colors, lossy)``, ``sample()``, `has_lossy`, `passes`, `used` and
        `step`.
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
    scales = [scale / (1 if calibrated else STRIPS_COST)] * len(plan.pictures)
    first = LOSSY_ONE
    while True:
        curve = Curve(sample, colors, scales, calibrated, first)
        search = _Search(plan, curve, target.value, colors, bar, sample is not plan)
        search.run()
        scales, calibrated = curve.scales, curve.calibrated
        if search.best is not None:
            bar.finish()
            return replace(search.best, target=str(target), passes=plan.passes)
        if search.last:
            raise ParameterError(
                f"{target} cannot be reached: lossy={LOSSY_MAX} with {colors} colours gives {search.smallest} bytes; "
                "use smaller or fewer frames"
            )
        halvings = 2 if curve.size(LOSSY_MAX) * HALVED > target.value else 1
        colors, first = max(COLORS_LEAST, -(-colors // 2**halvings)), LOSSY_MAX


class _Search:
    """The search with one number of colours.

    Attributes
    ----------
    best : Animation or None
        The file.
    smallest : int or None
        Bytes of the smallest file that was made.
    last : bool
        Whether no fewer colours may follow.
    """

    def __init__(self, plan, curve, bytes, colors, bar, judges):
        self.plan, self.curve, self.bytes, self.colors, self.bar = plan, curve, bytes, colors, bar
        self.judges = judges
        self.last, self.best, self.smallest = colors <= COLORS_LEAST, None, None
        self.doubt = FIRST_DOUBT  # by how much estimates may be off
        self.passes, self.given_up, self.low, self.high = 0, 0, -1, LOSSY_MAX + 1

    def run(self):
        while self.high - self.low > 1:
            lossy = self._next()
            if self._hopeless(lossy):
                return
            made = self.plan.paint(self.colors, lossy, self._steer if self.judges else None)
            self.curve.past = []
            if made is None:
                self.given_up += 1
                continue
            self.passes += 1
            self.smallest = min(self.smallest or made.size, made.size)
            typical = round(sum(self.plan.used) / len(self.plan.used))
            if made.size <= self.bytes:
                self.high = min(self.high, typical)
                if self.best is None or made.size > self.best.size:
                    self.best = made
                if made.size >= ENOUGH * self.bytes or not self.plan.has_lossy:
                    return
            else:
                self.low = max(self.low, typical)
            enough = 0 if self.bar.late else LATE.get(self.passes, 2)
            if self.best is not None and self.best.size >= enough * self.bytes:
                return
            self.curve.calibrate(self.plan.used, self.plan.sizes(self.colors, lossy))

    def _next(self):
        """The lossiness to try."""
        if not self.plan.has_lossy:
            return LOSSY_MAX
        # Near the end sizes fall by less than the sample says.
        if self.passes and self.best is None and self.curve.size(LOSSY_MAX) > ENOUGH * self.bytes:
            return LOSSY_MAX
        aim = SURER if self.bar.late else AIM
        return min(max(self.curve.least(aim * self.bytes), self.low + 1), self.high - 1)

    def _hopeless(self, lossy):
        """Whether even the greatest lossiness is estimated to be too large."""
        within = self.bytes * (1 + self.doubt if self.curve.calibrated else UNSURE)
        return lossy == LOSSY_MAX and self.best is None and not self.last and self.curve.size(lossy) > within

    def _steer(self, used, sizes):
        """The lossiness of the next frames; None if the size will be missed, and another pass need not."""
        begun, scaled, part = used[0], self.curve.calibrated, judged(len(self.plan.pictures))[len(sizes)]
        self.curve.calibrate(used, sizes)
        lossy, least = used[-1], min(self.curve.least(AIM * self.bytes), LOSSY_MAX)
        if part > 1:
            self.doubt = min(self.doubt, GIVE_UP.get(part, 1))
        if part > 1 and begun and self.plan.has_lossy:
            self.curve.past = sizes
            least = min(self.curve.least(AIM * self.bytes), LOSSY_MAX)
            lossy = min(max(least, math.ceil(begun / SWAY)), math.floor(begun * SWAY))
        share, off = self.curve.size(lossy) / self.bytes, GIVE_UP.get(part) if scaled else UNSCALED
        self.curve.past = []
        if off is None or self.given_up > len(GIVE_UP):
            return lossy
        if share > 1 + off and (self._hopeless(LOSSY_MAX) or least > lossy and self._next() > begun):
            return None
        small = share < ENOUGH - 2 * off and least < lossy and self._next() < begun
        return None if small and not self.bar.late else lossy
