"""Find the settings of an animation that reach a size, in about one pass over all frames.

Sizes are estimated from a sample: strips of rows of every frame, painted like a small animation with one palette. Its
time is that of the frames, so what stays and what flickers is the same. The sample chooses the number of colours and
the lossiness; a pass over whole frames is then steered to the size, frame by frame. What everything takes is counted
(`lzw_paint`), and nothing is tried once more that would exceed a multiple of one plain pass.
"""

import math
from bisect import bisect
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import islice

from ..errors import ParameterError
from .canvas import LOSSY_MAX, LOSSY_ONE

COLORS_LEAST = 8  # the fewest that a size target may use
# Shares of the target: a pass aims at AIM, and one that ends below ENOUGH or above the target may be followed by
# another. SURE: aimed at where there is no other number to correct by.
# ALMOST: what a pass may not exceed by its estimate, or the lossiness rises as far as it takes.
ENOUGH, AIM, SURE, ALMOST = 0.92, 0.985, 0.95, 0.993
# The lossiness of samples. With more than GREATEST, fewer colours are tried instead: they take less time, and the
# SSIMULACRA 2 of files of one size is much the same (13 clips).
NODES, GREATEST = (10, 20, 40, 80, 155, 200), 80
# Strips cost more for each pixel, since their code tables are young: measured on 12 clips, from 10 to 80.
STRIPS_COST = 1.04
BUDGET = 2.8  # what a search may take, in plain runs; the rest of 3 is for what is not counted
SAMPLE_WORK = 1.5  # by which factor a sample may take more than the plain one
LEAST_PASS, DEAREST = 0.6, 3  # a pass is not thought to take less, in plain runs; nor more, for what the sample says
OWN = 1.3  # passes for which looking for the palettes of single frames leaves the work
DEVIATIONS = 1.5  # of what all later frames take, that a pass keeps back
TAIL, REPAINTS = 6, 4  # part of the frames that is painted again to fill the size; how often
NEAR = 0.8, 1.1  # shares of the size that are filled so rather than by another pass
STEEP = 4  # by which factor its lossiness may fall at once
RESTART_AIMS = (0.985, 0.95, 0.92)  # of passes whose first frames ask for another lossiness
TRIES = 5  # passes with one number of colours, those given up included
OPENING = 2  # the fewest frames that say something about the others
JUDGEMENTS = 32  # in a pass, about
SWAY = 1.4  # by which factor the lossiness of later frames may differ from that of the first, if the size allows it
# A pass is given up where even the greatest lossiness would exceed the size by more than MISSED, and UNSURE divided by
# the frames that were painted.
MISSED, UNSURE = 1.02, 0.4
FEW = 16  # frames of which the first, always painted whole, counts as the others
DOUBT, FORGET = 8, 0.95  # frames that the estimate before a pass weighs; weight of a frame against that of the next
HALVED = 0.75  # half as many colours take about this share of the bytes
SLOPE, STEEPEST, FLATTEST = 0.5, 1.5, 0.15  # of sizes over the lossiness, in logarithms; the first where one is known
STRIP, SHARE = 8, 8  # rows of a strip, and how many strips there are for each in the sample
SAMPLED_ROWS, SAMPLED_PIXELS = 16, 2560  # the least in a frame of the sample
BLOCK, SAMPLED_FRAMES = 6, 12  # frames that follow each other in a sample; the least of them


def rows_of_sample(height, width):
    """Numbers of the rows in the sample; all of a small picture."""
    share = max(1, min(SHARE, height // SAMPLED_ROWS, height * width // SAMPLED_PIXELS))
    return [row for row in range(height) if row // STRIP % share == share // 2]


def frames_of_sample(count, rows_share):
    """Numbers of the frames in the sample, where strips of rows alone would leave much: blocks, each with the frame
    before it, so that its frames are painted over what they are painted over in the file.
    """
    times = max(1, min(SHARE // rows_share, count // SAMPLED_FRAMES))
    return [at for at in range(count) if at % (BLOCK * times) < BLOCK or times > 1 and (at + 1) % (BLOCK * times) == 0]


def spread(coded, frames, count):
    """Coded bytes of `count` frames, from those of the sampled `frames`: means of the blocks around the others."""
    present = set(frames)
    known = {at: size for at, size in zip(frames, coded) if at == 0 or at - 1 in present}  # not those before blocks
    members = list(known)

    def near(at):
        after = bisect(members, at)
        around = members[max(after - BLOCK, 1) : after + BLOCK] or members
        return sum(known[other] for other in around) / len(around)

    return [known[at] if at in known else near(at) for at in range(count)]


def judged(frames):
    """After how many frames of a pass the lossiness of the next is chosen."""
    parts = {frames * part // JUDGEMENTS for part in range(1, JUDGEMENTS)} | {frames - 2, frames - 1}
    return {max(OPENING, part) for part in parts} - {frames}


def tail(frames):
    """The first of `frames` frames that is painted again to fill the size; None if all would be."""
    return frames - max(2, frames // TAIL) if frames > OPENING + 1 else None


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
    scales : list of float
        Coded bytes of each frame for each of the sample.
    tables : int
        Bytes of palettes that the sample does not have.
    """

    def __init__(self, sample, colors, scales, seen, own):
        self.scales, self.tables, self._rest = scales, 0, 0
        self._sample, self._colors, self._seen, self._own = sample, colors, seen, own
        self._known, self._work, self._units = {}, {}, None

    @property
    def rest(self):
        """Bytes of the file that are not coded pixels."""
        return self._rest + self.tables

    def sampled(self, lossy):
        """Estimated bytes of the file at a lossiness, which is painted if it was not."""
        if lossy not in self._known:
            self._sample.tables(self._colors, self._own)
            before = self._sample.work
            made = self._sample.paint(self._colors, lossy)
            self._known[lossy] = self._sample.sizes(self._colors, lossy)
            self._work[lossy] = self._sample.work - before
            self._rest = self._sample.rest(made)
            if self._seen is not None:
                self._seen(made)
        return self.size(lossy)

    def lent(self, share):
        """A curve for fewer colours without a sample of its own: thought to have a share of these sizes."""
        made = copy(self)
        made._known = {lossy: [share * size for size in sizes] for lossy, sizes in self._known.items()}
        made._units, made.tables = None, 0
        return made

    def knows(self, lossy):
        """Whether the sample was painted with a lossiness."""
        return lossy in self._known

    def _mixed(self, lossy):
        """The samples on both sides of a lossiness, and the weight of the second in logarithms."""
        nodes = sorted(node for node in self._known if node)
        if lossy in self._known or not nodes:
            return lossy, lossy, 0
        at = min(max(bisect(nodes, lossy), 1), max(len(nodes) - 1, 1))
        low, high = nodes[at - 1], nodes[min(at, len(nodes) - 1)]
        return low, high, math.log(lossy / low) / math.log(high / low) if high > low else 0

    def sizes(self, lossy):
        """Estimated coded bytes of each frame."""
        found = self._by_strips(lossy)
        if self._units is None:
            return found
        return [unit * shape for unit, shape in zip(self._units, self._shapes(found))]

    def _by_strips(self, lossy):
        """The same from the sample alone. Beyond its lossiness sizes change by a power of the lossiness."""
        low, high, part = self._mixed(lossy)
        if low == high:
            factor = (lossy / low) ** -SLOPE if lossy != low else 1
        else:
            slope = math.log(sum(self._known[low]) / sum(self._known[high])) / math.log(high / low)
            factor = 1
            if not 0 <= part <= 1:
                edge, part = (low, 0) if part < 0 else (high, 1)
                factor = (lossy / edge) ** -min(max(slope, FLATTEST if edge == low else 0), STEEPEST)
        pairs = zip(self._known[low], self._known[high], self.scales)
        return [scale * factor * one ** (1 - part) * other**part for one, other, scale in pairs]

    def size(self, lossy):
        """Estimated bytes of the file."""
        return self.rest + sum(self.sizes(lossy))

    def work(self, lossy):
        """Estimated work of a pass, for that of the sample."""
        low, high, part = self._mixed(lossy)
        part = min(max(part, 0), 1)
        return self._work[low] ** (1 - part) * self._work[high] ** part

    def enclose(self, bytes, most, affordable):
        """Paint samples until some are larger than `bytes` and others are not, there are no more, or another is not
        ``affordable(work)``.
        """
        while affordable(max(self._work.values())):
            large = [lossy for lossy in self._known if lossy and self.size(lossy) > bytes]
            small = [lossy for lossy in self._known if lossy and self.size(lossy) <= bytes]
            nodes = [node for node in NODES if node <= most]
            between = [node for node in nodes if max(large, default=0) < node < min(small, default=most + 1)]
            if not between:
                return
            self.sampled(between[-1] if not large else between[0])

    def least(self, bytes, most, after=0):
        """The least lossiness whose estimated size, that of the frames from number `after` on, is within `bytes`;
        None if `most` is not enough.
        """

        def size(lossy):
            return sum(islice(self.sizes(lossy), after, None))

        if size(most) > bytes:
            return None
        if 0 in self._known and size(0) <= bytes:
            return 0
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if size(middle) > bytes else (low, middle)
        return high

    def calibrate(self, used, sizes, bytes):
        """Take the sizes of all frames from whole ones: their lossiness and coded bytes, and their file."""
        self._rest, self.tables = bytes - sum(sizes), 0
        found = {lossy: self._by_strips(lossy) for lossy in set(used)}
        expected = [found[lossy][number] for number, lossy in enumerate(used)]
        later = max(sum(sizes[1:]), 1) / max(sum(expected[1:]), 1)
        self.scales = [later * scale for scale in self.scales]
        self.scales[0] *= sizes[0] / max(expected[0], 1) / later
        shapes = {lossy: self._shapes(self._by_strips(lossy)) for lossy in found}
        self._units = [size / max(shapes[lossy][number], 1) for number, (size, lossy) in enumerate(zip(sizes, used))]

    @staticmethod
    def _shapes(sizes):
        """What the sizes of frames are thought to follow: of the first its own, of the others those of all others,
        since strips say little of single frames.
        """
        return [sizes[0], *[sum(sizes[1:])] * (len(sizes) - 1)]


def reach(plan, target, colors, progress=None):
    """The file of the most colours, and with them of the least lossiness, that is within the target.

    Parameters
    ----------
    plan : a plan of `animator`
        With ``paint(colors, lossy, steer)``, ``sizes(colors, lossy)``, ``tables(colors)``, ``sample()``, `has_lossy`,
        `passes`, `used`, `work` and `step`.
    target : codec.targets.Target
    colors : int
    progress : callable, optional

    Raises
    ------
    ParameterError
        If the fewest colours at the greatest lossiness are still too large.
    """
    bar = Bar(progress, len(plan.pictures))
    search = _Search(plan, target.value, colors, bar)
    search.run()
    if search.best is None:
        raise ParameterError(
            f"{target} cannot be reached: lossy={LOSSY_MAX} with {search.colors} colours gives {search.smallest} "
            "bytes; use smaller or fewer frames"
        )
    bar.finish()
    return replace(search.best, target=str(target), passes=plan.passes)


class _Search:
    """The search for the settings.

    Attributes
    ----------
    colors : int
        The number of colours that is tried.
    best : Animation or None
        The largest file within the size.
    smallest : int or None
        Bytes of the smallest file that was made.
    """

    def __init__(self, plan, bytes, colors, bar):
        self.plan, self.bytes, self.best, self.smallest = plan, bytes, None, None
        self.sample, scale, self.work = plan.sample()
        plan.step, self.sample.step = bar.step, partial(bar.step, 1 / self.work)
        scale /= STRIPS_COST if scale > 1 and plan.has_lossy else 1
        self.ladder = [colors]
        while self.ladder[-1] > COLORS_LEAST:
            self.ladder.append(max(COLORS_LEAST, -(-self.ladder[-1] // 2)))
        self._curves, self._at, self._dear, self._smallest, self._blind = {}, 0, 1, None, False
        self._scales = [scale] * len(plan.pictures)

    @property
    def colors(self):
        return self.ladder[self._at]

    @property
    def last(self):
        """Whether no fewer colours may follow."""
        return self._at == len(self.ladder) - 1

    @property
    def most(self):
        """The greatest lossiness of these colours."""
        return LOSSY_MAX if self.last or not self.plan.has_lossy else GREATEST

    @property
    def curve(self):
        if self._at not in self._curves:
            seen = self._consider if self.sample is self.plan else None
            self._curves[self._at] = Curve(self.sample, self.colors, self._scales, seen, self._own())
        return self._curves[self._at]

    def run(self):
        plain = LOSSY_ONE if self.plan.has_lossy else LOSSY_MAX
        self._plain_fits = self.curve.sampled(plain) <= AIM * self.bytes
        palettes = self._spent() - self.curve.work(plain)
        self._paint = self.work * self.curve.work(plain)
        self.plain = palettes + self._paint
        while True:
            self._choose()
            if self._reached(self._lossy()):
                return
            if self.last or not self._affordable(LEAST_PASS * self._paint):
                break
            self._at = min(self._at + 1 + (not self._affordable(2 * self._pass())), len(self.ladder) - 1)
        if self.best is None:
            self._at = len(self.ladder) - 1
            self._surely()

    def _own(self):
        """The most work of looking for palettes of single frames."""
        return max(BUDGET * self.plain - self._spent() - OWN * self._paint, 0) if self._at else math.inf

    def _spent(self):
        """Work up to now."""
        return self.plan.work + (self.sample.work if self.sample is not self.plan else 0)

    def _affordable(self, work):
        """Whether so much more work is within the budget."""
        return self._spent() + work <= BUDGET * self.plain

    def _pass(self, lossy=None):
        """Estimated work of a pass over all frames with these colours; of any lossiness if that is None."""
        known = self._at in self._curves and lossy is not None
        found = self._dear * self.work * self.curve.work(lossy) if known else self._paint
        return max(found, LEAST_PASS * self._paint)

    def _leaves_a_pass(self, work):
        """Whether a sample of about so much work and a pass are affordable."""
        return self._affordable(SAMPLE_WORK * work + self._pass())

    def _sampled(self, lossy):
        """The size that the sample says, or None where it and a pass are not affordable."""
        if self._at in self._curves and self.curve.knows(lossy):
            return self.curve.sampled(lossy)
        affordable = self._leaves_a_pass(self.plan.choosing(self.colors) + self._paint / self.work)
        return self.curve.sampled(lossy) if affordable else None

    def _choose(self):
        """Go to the most colours that fit, by their sample, or by that of more where another is not affordable."""
        jumped = 0
        while True:
            fits = self._fits()
            if fits is None:
                self._borrow()
                return
            if fits or self.last:
                break
            jumped = min(max(1, int(self._steps(self.curve))), 2, len(self.ladder) - 1 - self._at)
            self._at += jumped
        if jumped > 1 and self.curve.size(min(self.most, GREATEST)) < HALVED * AIM * self.bytes:
            self._at -= 1
            self._at += not self._fits()

    def _steps(self, curve):
        """How often the colours of a curve are halved until the size is reached, about."""
        return math.log(AIM * self.bytes / curve.size(self.most)) / math.log(HALVED)

    def _borrow(self):
        """Go to the most colours that fit by the sample of more."""
        self._blind, begun = True, max(self._curves)
        curve = self._curves[begun]
        steps = max(math.ceil(self._steps(curve)), int(begun < self._at))
        self._at = min(begun + steps, len(self.ladder) - 1)
        if self._at not in self._curves:
            self._curves[self._at] = curve.lent(HALVED**steps)

    def _fits(self):
        """Whether the size can be reached with these colours, by the sample; None if another is not affordable."""
        room = AIM * self.bytes
        if self._at == 0 and self._plain_fits:
            return True
        for lossy in sorted({min(self.most, GREATEST), self.most}):
            size = self._sampled(lossy)
            if size is None or size <= room:
                return size and True
        return False

    def _lossy(self):
        """The lossiness to begin with."""
        if not self.plan.has_lossy:
            return LOSSY_MAX
        curve, asked = self.curve, self._at == 0
        if self.sample is not self.plan:
            before = self.plan.work
            curve.tables = self.plan.tables(self.colors, self._own())
            self.plain += asked * (self.plan.work - before)
        if asked and self._plain_fits and curve.sampled(0) <= SURE * self.bytes:
            return 0
        if not self._blind:
            curve.enclose(AIM * self.bytes, self.most, self._leaves_a_pass)
        found = curve.least(AIM * self.bytes - curve.rest, self.most)
        return self.most if found is None else found

    def _consider(self, made):
        """Keep the larger of the files within the size."""
        self.smallest = min(self.smallest or made.size, made.size)
        if made.size <= self.bytes and (self.best is None or made.size > self.best.size):
            self.best = made

    def _surely(self):
        """The smallest file there is, unless it was made."""
        if self._smallest is None:
            self._smallest = self.plan.paint(self.colors, LOSSY_MAX)
            self._consider(self._smallest)
            if self._at in self._curves:
                self._fill(self._smallest, LOSSY_MAX)

    def _reached(self, lossy):
        """Paint whole frames with these colours; returns whether a file was made."""
        self._restarts, missed = 0, False
        for _ in range(TRIES):
            made = self._painted(lossy)
            if made is None and self._again is None:
                return False
            if made is None:
                lossy = self._again if self._affordable(LEAST_PASS * self._paint) else LOSSY_MAX
                continue
            self._consider(made)
            made = self._fill(made, lossy)
            if self.best is not None and (
                self.best.size >= ENOUGH * self.bytes or not self._affordable(self._pass(lossy))
            ):
                return True
            if not self.plan.has_lossy or min(self.plan.used) == LOSSY_MAX:
                break
            self.curve.calibrate(self.plan.used, self.plan.sizes(self.colors, lossy), made.size)
            self._scales = self.curve.scales
            aim = SURE if made.size > self.bytes else AIM
            lossy = self.curve.least(aim * self.bytes - self.curve.rest, self.most)
            if self.last and self.best is None and (lossy is None or missed or not self._affordable(2 * self._pass())):
                lossy = LOSSY_MAX
            if lossy is None or not (self.last or self._affordable(self._pass(lossy))):
                break
            missed = self.best is None
        return self.best is not None

    def _fill(self, made, begun):
        """Paint the last frames again where the file is too large or fills little; returns the last that was made."""
        plan, curve, tail = self.plan, self.curve, self.plan.tail
        share = 1 - (tail or 0) / len(plan.pictures)
        least, most = 0, LOSSY_MAX + 1  # lossiness that gives too much, too little
        near = NEAR[0] * self.bytes <= made.size <= NEAR[1] * self.bytes
        if not near and self._affordable(self._pass(begun)) or tail is None:
            return made
        for _ in range(REPAINTS):
            if ENOUGH * self.bytes <= made.size <= self.bytes or not self._affordable(share * self._pass(begun)):
                break
            used, sizes = plan.used[tail:], plan.sizes(self.colors, begun)
            if made.size > self.bytes:
                least = max(least, min(used))
            else:
                most = min(most, max(used))
            expected = sum(curve.sizes(lossy)[number] for number, lossy in enumerate(used, tail))
            ratio = sum(sizes[tail:]) / max(expected, 1)
            found = curve.least((AIM * self.bytes - made.size + sum(sizes[tail:])) / max(ratio, 1e-9), LOSSY_MAX, tail)
            if least and most <= LOSSY_MAX:
                lossy = round((least * most) ** 0.5)
            else:
                lossy = min(max(LOSSY_MAX if found is None else found, least + 1, most // STEEP), most - 1)
            if not least < lossy < most:
                break
            made = plan.repaint(self.colors, lossy, begun)
            self._consider(made)
        return made

    def _painted(self, lossy):
        """A pass over whole frames, or None if it was given up."""
        self._ratio = self._judged = None
        self._again, self._begun = None, self.plan.work
        steered = self.plan.has_lossy and lossy < LOSSY_MAX
        made = self.plan.paint(self.colors, lossy, self._steer if steered else None)
        if self.last and lossy == LOSSY_MAX:
            self._smallest = made
        if made is not None and self._at in self._curves:
            self._learn_work(made.frames, lossy)
        return made

    def _learn_work(self, count, lossy):
        """Compare the work of a pass with that of the sample."""
        estimated = self.work * self.curve.work(lossy) * count / len(self.plan.pictures)
        self._dear = min(max((self.plan.work - self._begun) / max(estimated, 1), 1 / DEAREST), DEAREST)

    def _steer(self, used, sizes):
        """The lossiness of the next frames; None to begin again, by `_again`."""
        count, frames, begun = len(sizes), len(self.plan.pictures), used[0]
        self._learn(used, sizes)
        self._learn_work(count, begun)
        done, curve = sum(sizes) + self.curve.rest, self.curve
        safe = self.bytes - DEVIATIONS * self._deviation * (frames - count) ** 0.5
        room, almost = min(AIM * self.bytes, safe), min(ALMOST * self.bytes, safe)

        def needed(bytes):
            found = curve.least((bytes - done) / self._ratio, LOSSY_MAX, count)
            return LOSSY_MAX if found is None else found

        def total(lossy):
            return done + self._ratio * sum(curve.sizes(lossy)[count:])

        low, high = math.ceil(begun / SWAY), math.floor(begun * SWAY)
        fits = total(min(high, LOSSY_MAX)) <= almost
        if not (fits and total(low) >= ENOUGH * self.bytes) and self._may_restart(count):
            better = self._better(min(room, RESTART_AIMS[self._restarts] * self.bytes))
            if better is not None and better != begun:
                self._restarts += 1
                return self._begin_again(better)
        most = (MISSED + UNSURE / count) * self.bytes
        if 2 * count <= frames and total(self.most) > most and self._affordable(self._fewer()):
            return self._begin_again(LOSSY_MAX if self.last else None)
        if total(LOSSY_MAX) > most and self.best is None:  # whatever that takes: going on gives nothing
            return self._begin_again(LOSSY_MAX if self.last else None)
        low = max(min(low, needed(ENOUGH * self.bytes)), math.ceil(low / SWAY))
        return max(low, min(needed(room), max(high, needed(almost))))

    def _may_restart(self, count):
        """Whether so few frames were painted that a pass may begin with another lossiness."""
        early = count <= max(OPENING, len(self.plan.pictures) // 6)
        return early and self._restarts < len(RESTART_AIMS) and self._affordable(self._pass())

    def _better(self, room):
        """The lossiness for `room` bytes by what was learned; None if the greatest is not enough."""
        before, self.curve.scales = self.curve.scales, self._rescaled()
        found = self.curve.least(room - self.curve.rest, self.most)
        self.curve.scales = before
        return found

    def _rescaled(self):
        """Scales of the frames by what was learned in this pass: of those that were painted by their own ratio."""
        used, sizes = self._seen
        expected = [self.curve.sizes(lossy)[number] for number, lossy in enumerate(used)]
        own = sum(sizes[1:]) / max(sum(expected[1:]), 1)
        ratios = [own] * len(sizes) + [self._ratio] * (len(self.curve.scales) - len(sizes))
        ratios[0] = sizes[0] / max(expected[0], 1)
        return [ratio * scale for ratio, scale in zip(ratios, self.curve.scales)]

    def _fewer(self):
        """Estimated work of what follows where these colours are given up: at last, only the smallest file."""
        if self.last:
            return self._pass()
        return self.plan.choosing(self.ladder[self._at + 1]) + self._pass()

    def _begin_again(self, lossy):
        """Give up a pass; the next one begins with a lossiness, or with fewer colours if that is None."""
        self._again = lossy
        self.curve.scales = self._scales = self._rescaled()

    def _learn(self, used, sizes):
        """Compare the frames painted since the last comparison with the sample: later frames weigh more."""
        self._seen = used, sizes
        begin, self._judged = self._judged or int(len(self.plan.pictures) > FEW), len(sizes)
        expected = self.curve.sizes(used[-1])
        if self._ratio is None:
            self._actual = self._expected = DOUBT * sum(expected[1:]) / max(len(expected) - 1, 1)
            self._squares = []
        part = sum(expected[begin : len(sizes)])
        if self._ratio is not None:
            pairs = zip(sizes[begin:], expected[begin:])
            self._squares += [(size - self._ratio * one) ** 2 for size, one in pairs]
        self._deviation = (sum(self._squares) / max(len(self._squares), 1)) ** 0.5
        kept = FORGET ** (len(sizes) - begin)
        self._actual = kept * self._actual + sum(sizes[begin:])
        self._expected = kept * self._expected + part
        self._ratio = self._actual / max(self._expected, 1)
