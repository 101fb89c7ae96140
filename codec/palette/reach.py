"""Find the settings of an animation that reach a size, in about one pass over all frames.

Sizes are estimated from a sample: strips of rows of every frame, painted like a small animation with one palette. Its
time is that of the frames, so what stays and what flickers is the same. The sample chooses the number of colours and
the lossiness; a pass over whole frames is then steered to the size, frame by frame. What everything takes is counted
(`lzw_paint`), and nothing is begun that would exceed a multiple of the plain run, except the smallest file. A pass that
would miss the size is given up, and what its frames took corrects the estimates before the settings are chosen again.
"""

import math
from bisect import bisect
from dataclasses import replace
from functools import partial

from ..errors import ParameterError
from .canvas import LOSSY_MAX, LOSSY_ONE

COLORS_LEAST = 8  # the fewest that a size target may use
# Shares of the target: a pass aims at AIM, and one that ends below ENOUGH or above the target may be followed by
# another. ALMOST: what a pass may not exceed by its estimate, or the lossiness rises as far as it takes.
ENOUGH, AIM, ALMOST = 0.92, 0.985, 0.993
# The lossiness of samples. With more than GREATEST, fewer colours are tried instead: they take less time, and the
# SSIMULACRA 2 of files of one size is much the same (13 clips).
NODES, GREATEST = (10, 20, 40, 80, 155, 200), 80
# Strips cost more for each pixel, since their code tables are young: measured on 12 clips, from 10 to 80.
STRIPS_COST = 1.04
# Whole frames take more work than strips say: 0.95 to 2.6 times on 29 clips, median 1.35. LOSSY_WORK: the most that is
# believed of a pass with great lossiness, where whole frames take more than in the plain run.
STRIPS_WORK, LOSSY_WORK = 1.1, 1.3
HALVED = 0.75  # half as many colours take about this share of the bytes
# Slopes of sizes over the lossiness, in logarithms: where one is known; below all that are known; above them, as a part
# of the slope there.
SLOPE, STEEPEST, FLATTEST, FLATTER = 0.5, 1.5, 0.15, 0.3
BUDGET = 2.8  # what a search may take, in plain runs; the rest of 3 is for what is not counted
SAMPLE_WORK = 1.5  # by which factor a sample may take more than the plain one
DEAREST = 3  # by which factor a pass may take more or less than its sample says
OWN = 1.3  # passes for which looking for the palettes of single frames leaves the work
AGAIN = 1.1  # by which factor a lossiness is raised that is asked for again
RESTARTS = 3  # passes whose first frames ask for other settings
OPENING = 2  # the fewest frames that say something about the others
JUDGEMENTS = 32  # in a pass, about
SWAY = 1.4  # by which factor the lossiness of later frames may differ from that of the first, if the size allows it
# A pass is given up where it would exceed the size by more than MISSED, and UNSURE divided by the painted frames.
MISSED, UNSURE = 1.02, 0.4
HOPE = 0.7  # share of what the other frames are thought to take that is believed in any case
DEVIATIONS = 1.5  # of what all later frames take, that a pass keeps back
FEW = 16  # frames of which the first, always painted whole, counts as the others
# Frames that the estimate before a pass weighs: DOUBT, or all divided by DOUBTED; weight of a frame against the next.
DOUBT, DOUBTED, FORGET = 8, 3, 0.95
TAIL, REPAINTS = 6, 4  # part of the frames that is painted again to fill the size; how often
NEAR = 0.8, 1.1  # shares of the size that are filled so rather than by another pass
STEEP = 4  # by which factor its lossiness may fall at once
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
    """Coded bytes of the frames of a sample by lossiness, for one number of colours."""

    def __init__(self, sample, colors):
        self._sample, self._colors = sample, colors
        self.known, self._work, self._rest, self.tables = {}, {}, 0, 0
        self.large, self.small = -1, LOSSY_MAX + 1

    def paint(self, lossy, most_work):
        """Paint the sample with a lossiness; `most_work` of looking for the palettes of single frames."""
        self._sample.tables(self._colors, most_work)
        before = self._sample.work
        made = self._sample.paint(self._colors, lossy)
        self.known[lossy], self._rest = self._sample.sizes(self._colors, lossy), self._sample.rest(made)
        self._work[lossy] = self._sample.work - before
        return made

    @property
    def rest(self):
        """Bytes of the file that are not coded pixels; `tables` are those of palettes that the sample does not have."""
        return self._rest + self.tables

    def enclose(self, used, large):
        """A pass with these lossinesses was too large, or else too small."""
        if large:
            self.large = max(self.large, min(used))
        else:
            self.small = min(self.small, max(used))

    def _around(self, lossy):
        """The samples on both sides of a lossiness, or the nearest two of one side."""
        nodes = sorted(node for node in self.known if node)
        if lossy in self.known or not nodes:
            return lossy, lossy
        at = min(max(bisect(nodes, lossy), 1), max(len(nodes) - 1, 1))
        return nodes[at - 1], nodes[min(at, len(nodes) - 1)]

    def sizes(self, lossy):
        """Estimated bytes of each frame; between two samples, and beyond them, by a power of the lossiness."""
        low, high = self._around(lossy)
        if lossy in self.known:
            return self.known[lossy]
        if low < lossy < high:
            part = math.log(lossy / low) / math.log(high / low)
            return [one ** (1 - part) * other**part for one, other in zip(self.known[low], self.known[high])]
        slope = SLOPE
        if low < high:
            slope = math.log(sum(self.known[low]) / sum(self.known[high])) / math.log(high / low)
            slope = FLATTER * max(slope, 0) if lossy > high else min(max(slope, FLATTEST), STEEPEST)
        edge = low if lossy < low else high
        factor = (lossy / edge) ** -slope
        return [factor * one for one in self.known[edge]]

    def work(self, lossy):
        """Estimated work of painting the sample."""
        low, high = self._around(lossy)
        part = min(max(math.log(lossy / low) / math.log(high / low), 0), 1) if low < high else 0
        return self._work[low] ** (1 - part) * self._work[high] ** part


def reach(plan, target, colors, progress=None):
    """The file of the most colours, and with them of the least lossiness, that is within the target.

    Parameters
    ----------
    plan : a plan of `animator`
        With ``sample()``, ``paint(colors, lossy, steer)``, ``repaint(colors, lossy, begun)``, ``sizes(colors, lossy)``,
        ``tables(colors, most_work)``, ``choosing(colors)``, ``rest(made)``, `pictures`, `has_lossy`, `passes`, `used`,
        `tail`, `work` and `step`.
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
    smallest : int or str, or None
        Bytes of the smallest file once it is painted; the text "about N" where its painting was given up.
    """

    def __init__(self, plan, bytes, colors, bar):
        self.plan, self.bytes, self.best, self.smallest = plan, bytes, None, None
        self.sample, scale, self.work = plan.sample()
        plan.step, self.sample.step = bar.step, partial(bar.step, 1 / self.work)
        strips = scale > 1 and plan.has_lossy
        scale /= STRIPS_COST if strips else 1
        self.ladder = [colors]
        while self.ladder[-1] > COLORS_LEAST:
            self.ladder.append(max(COLORS_LEAST, -(-self.ladder[-1] // 2)))
        self._curves, self._at, self._restarts, self._missed, self._tried = {}, 0, 0, False, set()
        self._ended = None  # the last file with what its pass began with, unless a pass was given up since
        self._dear = STRIPS_WORK if strips else 1  # work of a pass for what its sample says
        self._scale, self._scales = scale, [scale] * len(plan.pictures)  # bytes of each frame for each of the sample

    @property
    def colors(self):
        return self.ladder[self._at]

    @property
    def curve(self):
        if self._at not in self._curves:
            self._curves[self._at] = Curve(self.sample, self.colors)
        return self._curves[self._at]

    @property
    def last(self):
        """Whether no fewer colours may follow."""
        return self._at == len(self.ladder) - 1

    @property
    def greatest(self):
        """The lossiness above which fewer colours are tried."""
        return GREATEST if self.plan.has_lossy else LOSSY_MAX

    @property
    def most(self):
        """The greatest lossiness to begin with."""
        return LOSSY_MAX if self.last else self.greatest

    def run(self):
        plain = LOSSY_ONE if self.plan.has_lossy else LOSSY_MAX
        self._paint = self.plain = math.inf
        self._sampled(plain)
        self._paint = self.work * self.curve.work(plain)
        self._palettes = self._spent() - self.curve.work(plain)
        self.plain = self._palettes + self._dear * self._paint  # estimated work of the plain run
        while not self._filled():
            lossy = self._next()
            if lossy is None or self._filled():
                break
            self._painted(lossy)
        if not self._filled() and self._ended:
            self._fill(*self._ended)

    def _next(self):
        """The lossiness of the next pass, and go to its colours; None if there is none."""
        if self.best is None and self.smallest is not None:
            return None
        if self._choose():
            lossy = self._lossy()
            if (self._at, lossy) in self._tried and self.best is None:
                lossy = min(math.ceil(lossy * AGAIN), self.most)
            both = self._pass(lossy) + self._pass(LOSSY_MAX)
            if self.last and self.best is None and (self._missed or not self._affordable(both)):
                return LOSSY_MAX
            if self._affordable(self._pass(lossy)) and (self._at, lossy) not in self._tried:
                self._tried.add((self._at, lossy))
                return lossy
        if self.best is not None:
            return None
        self._at = len(self.ladder) - 1
        self._sampled(LOSSY_MAX)  # what can be reached is found, whatever that takes
        return LOSSY_MAX if self.best is None and self.smallest is None else None

    def _filled(self):
        """Whether the best file fills the size, or has no loss."""
        return self.best is not None and (self.best.size >= ENOUGH * self.bytes or self.best.lossy == 0)

    # ------------------------------------------------------------ work

    def _spent(self):
        """Work up to now."""
        return self.plan.work + (self.sample.work if self.sample is not self.plan else 0)

    def _affordable(self, work):
        """Whether so much more work is within the budget."""
        return self._spent() + work <= BUDGET * self.plain

    def _pass(self, lossy=None):
        """Estimated work of a pass over all frames with these colours; of the plain one if no lossiness is given."""
        return self._dear * (self._paint if lossy is None else self.work * self.curve.work(lossy))

    def _own(self):
        """The most work of looking for palettes of single frames."""
        return max(BUDGET * self.plain - self._spent() - OWN * self._paint, 0) if self._at else math.inf

    def _learn_work(self, count, lossy):
        """Compare the work of `count` frames with that of the sample; the others are thought to take what they were."""
        expected = self.work * self.curve.work(lossy)
        done, part = self.plan.work - self._begun, count / len(self.plan.pictures)
        self._dear = min(max(done / max(expected, 1) + (1 - part) * self._before, 1 / DEAREST), DEAREST)
        dear = self._dear if lossy <= self.greatest else min(self._dear, LOSSY_WORK)
        self.plain = self._palettes + dear * self._paint

    # ------------------------------------------------------------ what the sample says

    def _sampled(self, lossy):
        """The size that the sample says."""
        if lossy not in self.curve.known:
            made = self.curve.paint(lossy, self._own())
            if self.sample is self.plan:
                self._ended = made, lossy, self._at
                self._consider(made, lossy)
        return self._size(lossy)

    def _sizes(self, lossy):
        """Estimated coded bytes of each frame."""
        return [scale * one for scale, one in zip(self._scales, self.curve.sizes(lossy))]

    def _size(self, lossy):
        """Estimated bytes of the file."""
        return self.curve.rest + sum(self._sizes(lossy))

    def _least(self, bytes, most, after=0):
        """The least lossiness whose estimated coded bytes of the frames from number `after` on are within `bytes`, or
        the greatest.
        """
        if 0 in self.curve.known and sum(self._sizes(0)[after:]) <= bytes:
            return 0
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            over = sum(self._sizes(middle)[after:]) > bytes
            low, high = (middle, high) if over else (low, middle)
        return high

    def _leaves_a_pass(self):
        """Whether another sample and a pass are affordable."""
        sample = self.plan.choosing(self.colors) + self._paint / self.work
        return self._affordable(SAMPLE_WORK * sample + self._pass())

    def _fits(self):
        """Whether these colours reach the size, by the sample; None if another is not affordable."""
        if self.curve.small - self.curve.large <= 1 or self.curve.large >= self.most:
            return False
        for lossy in sorted({self.greatest, self.most, *self.curve.known}):
            if lossy not in self.curve.known and not self._leaves_a_pass():
                return None
            if self._sampled(lossy) <= AIM * self.bytes:
                return True
        return False

    def _choose(self):
        """Go to the most colours that fit, by the sample; returns whether there are any."""
        low, high, self._at = -1, len(self.ladder), 0
        while high - low > 1:
            fits = self._fits()
            if fits is None:
                break
            low, high = (low, self._at) if fits else (self._at, high)
            steps = math.log(AIM * self.bytes / self._size(self.greatest)) / math.log(HALVED)
            if fits and steps > 0:  # only by the greatest lossiness, which more colours do not use
                break
            self._at = min(max(self._at + int(steps), low + 1), high - 1)
        self._at = min(high, len(self.ladder) - 1)
        return high < len(self.ladder)

    def _lossy(self):
        """The least lossiness that fits."""
        if not self.plan.has_lossy:
            return LOSSY_MAX
        if self.sample is not self.plan:
            before = self.plan.work
            self.curve.tables = self.plan.tables(self.colors, self._own())
            if self._at == 0:
                self._palettes += self.plan.work - before
                self.plain += self.plan.work - before
        lossless = self._at == 0 and self.curve.large < 0 and self._size(LOSSY_ONE) <= AIM * self.bytes
        if lossless and self._sampled(0) <= AIM * self.bytes:
            return 0
        self._enclose()
        lossy = self._least(AIM * self.bytes - self.curve.rest, self.most)
        low, high = self.curve.large, self.curve.small
        if not low < lossy < high and low > 0 and high <= self.most:
            lossy = round((low * high) ** 0.5)
        lossy = min(max(lossy, low + 1), high - 1)
        if lossy == 0:
            self._sampled(0)  # of which other samples say nothing
        return lossy

    def _enclose(self):
        """Paint samples between those that are too large and those that are not."""
        while self._leaves_a_pass():
            sizes = {lossy: self._size(lossy) for lossy in self.curve.known if lossy}
            large = max((lossy for lossy, size in sizes.items() if size > AIM * self.bytes), default=0)
            small = min((lossy for lossy, size in sizes.items() if size <= AIM * self.bytes), default=self.most + 1)
            between = [node for node in NODES if large < node < small]
            if not between:
                return
            self._sampled(between[0] if large else between[-1])

    # ------------------------------------------------------------ whole frames

    def _painted(self, lossy):
        """A pass over whole frames, which may be given up."""
        self._begun, self._before, self._ratio, self._ended = self.plan.work, self._dear, None, None
        smallest = self.last and lossy == LOSSY_MAX
        steer = None if not self.plan.has_lossy else self._hope if smallest else self._steer
        made = self.plan.paint(self.colors, lossy, steer)
        if made is None:
            return
        self._consider(made, lossy)
        self._learn(self.plan.used, self.plan.sizes(self.colors, lossy))
        self.curve.enclose(self.plan.used, made.size > self.bytes)
        self._missed |= self.last and made.size > self.bytes
        self._ended = made, lossy, self._at
        if NEAR[0] * self.bytes <= made.size <= NEAR[1] * self.bytes:
            self._fill(*self._ended)

    def _consider(self, made, begun):
        """Keep the larger of the files within the size; note the smallest that there is."""
        if self.last and begun == LOSSY_MAX:
            self.smallest = made.size
        if made.size <= self.bytes and (self.best is None or made.size > self.best.size):
            self.best = made

    def _fill(self, made, begun, at):
        """Paint the last frames of the last file again where it is too large or fills little."""
        plan, tail, self._at = self.plan, self.plan.tail, at
        if tail is None:
            return
        share = 1 - tail / len(plan.pictures)
        least, most = 0, LOSSY_MAX + 1  # lossiness that gives too much, too little
        for _ in range(REPAINTS):
            if ENOUGH * self.bytes <= made.size <= self.bytes or not self._affordable(share * self._pass(begun)):
                break
            if made.size > self.bytes:
                least = max(least, min(plan.used[tail:]))
            else:
                most = min(most, max(plan.used[tail:]))
            if least and most <= LOSSY_MAX:
                lossy = round((least * most) ** 0.5)
            else:
                sizes = sum(plan.sizes(self.colors, begun)[tail:])
                ratio = sizes / max(sum(self._sizes(lossy)[at] for at, lossy in enumerate(plan.used[tail:], tail)), 1)
                room = (AIM * self.bytes - made.size + sizes) / max(ratio, 1e-9)
                lossy = min(max(self._least(room, LOSSY_MAX, tail), least + 1, most // STEEP), most - 1)
            if not least < lossy < most:
                break
            made = plan.repaint(self.colors, lossy, begun)
            self._consider(made, begun)

    def _hope(self, used, sizes):
        """Go on with the smallest file while it may be within the size."""
        expected = [self._scale * one for one in self.curve.sizes(LOSSY_MAX)]
        done, rest = sum(sizes), sum(expected[len(sizes) :])
        rest *= min(sum(sizes[1:]) / max(sum(expected[1 : len(sizes)]), 1), 1)  # strips may say too much
        if done + HOPE * rest + self.curve.rest <= self.bytes:
            return LOSSY_MAX
        self.smallest = f"about {done + rest + self.curve.rest:.0f}"
        return None

    def _steer(self, used, sizes):
        """The lossiness of the next frames; None to give the pass up."""
        count, frames, begun = len(sizes), len(self.plan.pictures), used[0]
        self._follow(used, sizes)
        done = sum(sizes) + self.curve.rest
        safe = self.bytes - DEVIATIONS * self._deviation * (frames - count) ** 0.5
        room, almost = min(AIM * self.bytes, safe), min(ALMOST * self.bytes, safe)

        def needed(bytes):
            return self._least((bytes - done) / self._ratio, LOSSY_MAX, count)

        def total(lossy):
            return done + self._ratio * sum(self._sizes(lossy)[count:])

        low, high = math.ceil(begun / SWAY), min(math.floor(begun * SWAY), LOSSY_MAX)
        large = almost < total(high) and not total(LOSSY_MAX) <= almost < total(self.most)
        small = total(low) < ENOUGH * self.bytes and not self._at == begun == 0
        early = count <= max(OPENING, frames // 6) <= frames / 3 and self._restarts < RESTARTS
        if (large or small) and early and self._affordable(self._pass()):
            self._restarts += 1
            return self._give_up(used, sizes, large)
        most = self.most if 2 * count <= frames and self._affordable(self._pass()) else LOSSY_MAX
        if total(most) > (MISSED + UNSURE / count) * self.bytes:
            self._missed |= self.last
            return self._give_up(used, sizes, True)
        low = max(min(low, needed(ENOUGH * self.bytes)), math.ceil(low / SWAY))
        return max(low, min(needed(room), max(high, needed(almost))))

    def _give_up(self, used, sizes, large):
        """End a pass that would be too large, or else too small; the next one begins with what it taught."""
        self._learn(used, sizes)
        self.curve.enclose(used, large)

    def _follow(self, used, sizes):
        """Compare the frames painted since the last comparison with the sample: later frames weigh more."""
        expected = self._sizes(used[-1])
        if self._ratio is None:
            doubt = min(DOUBT, len(expected) / DOUBTED)
            self._actual = self._expected = doubt * sum(expected[1:]) / max(len(expected) - 1, 1)
            self._squares, self._judged = [], int(len(expected) > FEW)
        else:
            pairs = zip(sizes[self._judged :], expected[self._judged :])
            self._squares += [(size - self._ratio * one) ** 2 for size, one in pairs]
        self._deviation = (sum(self._squares) / max(len(self._squares), 1)) ** 0.5
        kept = FORGET ** (len(sizes) - self._judged)
        self._actual = kept * self._actual + sum(sizes[self._judged :])
        self._expected = kept * self._expected + sum(expected[self._judged : len(sizes)])
        self._ratio, self._judged = self._actual / max(self._expected, 1), len(sizes)
        self._learn_work(len(sizes), used[0])

    def _learn(self, used, sizes):
        """Take the scales of the frames from those that were painted: of the first from its own bytes, of the others
        from those of all others, since strips say little of single frames.
        """
        found = {lossy: self._sizes(lossy) for lossy in set(used)}
        expected = [found[lossy][number] for number, lossy in enumerate(used)]
        own = sum(sizes[1:]) / max(sum(expected[1:]), 1) if len(sizes) > 1 else 1
        ratios = [sizes[0] / max(expected[0], 1), *[own] * (len(sizes) - 1)]
        ratios += [self._ratio or 1] * (len(self._scales) - len(sizes))
        self._scales = [ratio * scale for ratio, scale in zip(ratios, self._scales)]
