"""QP from bits: an average bit rate in one pass, and a buffer that must not run empty.

Decisions are the same on every machine: the steps of QP are integers, and floats are added, multiplied and divided,
which IEEE 754 defines to the last bit; several are added by `math.fsum`, since `sum` depends on the version of Python.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ...errors import ParameterError
from ..stream.nal import write_byte_stream
from ..stream.slice_header import I
from .buffering import FIRST_FULLNESS, Arrival, Schedule
from .bufferplan import FINE_STEPS, raises
from .parameters import level_row
from .settings import MAX_QP, TREE_OFFSET, WORST_QP, offset_of

# Weight of a picture against the next one, and seconds of the rate that as a surplus halve what may be spent; the same
# for a pass that measures, whose QP should change little
FORGET, WINDOW_SECONDS = 0.96, 0.6
FORGET_MEASURING, WINDOW_MEASURING = 0.975, 1
MOST_FALL, MOST_RISE = 4, 10  # of QP from one interval to the next
FIRST_INTERVALS = 4  # that wait for those before them, because nothing is known about the content
FIRST_SECONDS = 0.25  # of the rate for the first picture
# Bits times step by cost, or bits by sample at a QP, that are typical of I pictures: the next intervals correct it
FIRST_RATIO, FIRST_BITS_PER_SAMPLE, FIRST_QP = 6 << 16, 1, 28
MOST_SECONDS = 0.75  # of the rate that may be spent too much
# What I pictures and others may take of what is left of it, and all of what was saved; with more they are coded again
MOST_PART_I, MOST_PART, SAVED_PART = 1 / 2, 1 / 4, 1 / 4
HEADER_BITS = 96  # about what a picture takes in which all macroblocks are skipped, whatever its step
FADE = 0.95  # from picture to picture, of the cost beside which that of the next one counts half
# The quantizer step of a QP, times 2^16, and the largest step that is nearer to it than to the next
STEPS = tuple(round(65536 * 2 ** (qp / 6)) for qp in range(WORST_QP + 1))
STEP_BOUNDS = tuple(round(65536 * 2 ** ((qp + 0.5) / 6)) for qp in range(WORST_QP))
EIGHTHS = tuple(round(65536 * 2 ** ((n + 0.5) / 48)) for n in range(8 * WORST_QP))  # the same for eighths of a QP
FORGET_PLANNED = 0.98  # weight of an interval against the next one, in what a pass takes more than the one before
MOST_CHANGE = 16  # of QP from that of the first interval: beyond, quality counts more than the last bits
# Of QP in eighths, for each picture: a step that falls at the end takes more bits than its pictures had before, because
# their references were coarser
PLANNED_FALL = 4
# Of all bits, that are thought to keep the step where a buffer forbids to spend at once what is left at the end
DAMPED = 0.02
PRIOR = 0.02  # of all pictures: what counts as known to be equal
# Of the pictures of a plan for a buffer: when no more are left, they are planned again; not so few, which would spend
# at once what is left
PLANNED_AGAIN, LAST_PLANNED = 15 / 16, 30


def qp_of_step(step):
    """The QP, 0 to 75, whose step (times 2^16) is nearest by ratio.

    >>> from codec.h264.encode.ratecontrol import STEPS, qp_of_step
    >>> [qp_of_step(STEPS[qp]) for qp in (0, 23, 51)], qp_of_step(10**10), qp_of_step(0)
    ([0, 23, 51], 75, 0)
    """
    return bisect_left(STEP_BOUNDS, step)


def eighths_of(bits, wanted):
    """By how many eighths of QP it must rise, or fall, for these bits, which are inversely proportional to the step."""
    if bits < wanted:
        return -eighths_of(wanted, bits)
    return bisect_left(EIGHTHS, 65536 * bits / max(wanted, 1))


def scale_of(cost):
    """cost^0.4, in whole numbers up to the last root: 2^(n / 20) with n = floor(8 * log2(cost))."""
    return round(65536 * 2 ** (((cost**8).bit_length() - 1) / 20))


def cost_of(planned):
    """What prediction of a picture costs in the lookahead, at least 1; 1 without a lookahead."""
    if planned.intra is None:
        return 1
    return max(planned.costs[planned.kind != I], 1)


class BitModel:
    """Predicts bits of pictures: by type, in proportion to their cost, and inversely to the step."""

    def __init__(self, offset):
        self._offset = offset  # maps Planned to its QP less that of its interval
        # By (type, whether others refer to it): bits times step by cost, of which still pictures tell little, and the
        # cost of a picture that would count as much as all before
        self._ratio = {}

    def add(self, planned, bits, qp):
        """A picture is coded."""
        kind, cost = (planned.kind, planned.reference), cost_of(planned)
        found = max(bits - HEADER_BITS, 0) * STEPS[qp] / cost
        ratio, known = self._ratio.get(kind, (found, cost))
        known = max(known * FADE, cost)
        self._ratio[kind] = ratio + (found - ratio) * cost / (cost + known), known

    def complexity(self, planned):
        """Bits times step of a picture; 0 if there was none like it."""
        return self._ratio.get((planned.kind, planned.reference), (0, 0))[0] * cost_of(planned)

    def bits(self, interval, qp):
        """Of the pictures of an interval with this QP."""
        return len(interval) * HEADER_BITS + int(
            math.fsum(
                self.complexity(one) / STEPS[min(max(round(qp + self._offset(one)), 0), WORST_QP)] for one in interval
            )
        )


class RateControl:
    """Chooses QP for a bit rate.

    Bits are taken to be inversely proportional to the step: bits times step is how complex a picture is. The average of
    the pictures so far, the newest counting most, gives the step for the rate; what was spent too much or saved changes
    it further. Pictures that cost more in the lookahead get larger steps, but not so much larger that all have the same
    bits: complexity is counted in units of cost^0.4, and the step of an interval is in proportion to it.

    Parameters
    ----------
    bitrate : float
        Bits per second.
    fps : float
    samples : int
        Luma samples of a frame.
    offset : function
        Maps `Planned` to its QP less that of its interval.
    higher : int
        What macroblocks take off the QP of a picture on average.
    measures : bool
        For a first pass.
    """

    def __init__(self, bitrate, fps, samples, offset, higher=0, measures=False):
        self._measures, self._forget = measures, FORGET_MEASURING if measures else FORGET
        self._window = WINDOW_MEASURING if measures else WINDOW_SECONDS
        self._higher, self._bitrate, self._wanted, self._samples = higher, bitrate, bitrate / fps, samples
        self._complexity = self._frames = self._spent = self._count = 0.0
        self._model, self._begun = BitModel(offset), deque()  # (QP, pictures, scale) of intervals that have not ended
        self._qp = self._scale = 0

    def add(self, interval, costs):
        """The oldest interval has ended: (bits, QP) of its pictures."""
        *_, scale = self._begun.popleft()
        for planned, (bits, qp) in zip(interval, costs):
            self._model.add(planned, bits, qp)
            self._complexity = self._complexity * self._forget + bits * STEPS[qp] / scale
            self._frames = self._frames * self._forget + 1
            self._spent += bits
            self._count += 1

    def qp(self, interval):
        """QP of the next interval."""
        # an I picture counts as the pictures before it
        if interval[0].kind != I or not self._scale:
            self._scale = scale_of(sum(map(cost_of, interval)) // len(interval))
        qp, scale = self._first(interval[0]) + self._higher, self._scale
        if self._frames:
            surplus = self._spent - self._count * self._wanted
            for other, pictures, _ in self._begun:
                surplus += self._model.bits(pictures, other) - len(pictures) * self._wanted
            over = surplus / (self._bitrate * self._window)
            change = min(1 + over, 2) if over > -0.5 else max(-0.25 / over, 0.25)  # straight, then a hyperbola
            step = self._complexity / self._frames * scale / self._wanted * change
            qp = min(max(qp_of_step(step), self._qp - MOST_FALL, 0), self._qp + MOST_RISE, WORST_QP)
        self._qp = qp
        self._begun.append((qp, interval, scale))
        return qp

    def _first(self, planned):
        """QP of the first picture, which is an I picture."""
        bits = self._bitrate * FIRST_SECONDS
        bits = max(bits, min(self._due(planned, 0), self._bitrate * MOST_SECONDS))
        if planned.intra is None:
            return qp_of_step(STEPS[FIRST_QP] * FIRST_BITS_PER_SAMPLE * self._samples / bits)
        return qp_of_step(FIRST_RATIO * cost_of(planned) / bits)

    def most(self, sent, planned):
        """Bits that the next picture should have at most: a part of what is left of the largest surplus, and of what
        was saved; or its due, within the largest surplus."""
        surplus, most = sent.bits - sent.count * self._wanted, self._bitrate * MOST_SECONDS
        saved, left = max(-surplus, 0), (most - max(surplus, 0)) * (MOST_PART_I if planned.kind == I else MOST_PART)
        bits = max(left + saved * SAVED_PART, min(self._due(planned, saved + left), most - surplus))
        return int(max(bits, self._wanted))

    def _due(self, planned, free):
        """Of bits that are free now, and of the rate of the frames that wait, what is due to an I picture: its part of
        the cost of all. Where nothing moves, it is all: nothing else has anything to code. A pass that measures, whose
        pictures are not shown, has QP nearer to one without it."""
        if planned.kind != I or planned.intra is None or self._measures:
            return 0
        later, count = planned.later
        return (free + (1 + count) * self._wanted) * cost_of(planned) / (cost_of(planned) + later)


class PlannedRate:
    """Chooses QP for a number of bits, from what an earlier pass found: one step for all pictures, with which those
    that are left fit into the bits that are left. With a buffer, steps are larger where it would run low, and planned
    again and again, for what is in it then: once it has less than planned, the next scene suffers.

    Parameters
    ----------
    plan : Plan
    buffer : BufferControl, optional
        Asks this plan from now on what pictures will take.
    """

    def __init__(self, plan, buffer=None):
        # I pictures have less than their interval, whose QP may be more than any
        self._pictures = {
            number: (max(bits - HEADER_BITS, 0), min(qp, WORST_QP)) for number, (bits, qp) in plan.pictures.items()
        }
        # what a picture takes in this pass whatever its step
        self._fixed, self._buffer = HEADER_BITS + (buffer.messages if buffer else 0), buffer
        self._bits = max(plan.bits - len(self._pictures) * self._fixed, 1)
        # bits times step of all pictures, and of those that have ended, in both passes
        self._all = sum(map(self._complexity, self._pictures))
        self._before = self._now = self._spent = 0
        self._begun, self._carry = deque(), 0  # (QP, complexity) of intervals that have not ended; eighths of a QP
        self._order, self._count = list(self._pictures), 0  # in coding order; how many have begun
        self._raises, self._needs = dict.fromkeys(self._pictures, 0), {}  # in eighths of QP
        self._plan(self._bits, buffer and buffer.fullness)
        if buffer:
            self._needs, buffer.plan = self._needed(), self

    def _plan(self, bits, fullness):
        """Plan the steps of the pictures that have not begun, for these bits, and a buffer with `fullness` bits."""
        rest = self._order[self._count :]
        if self._buffer:
            # what pictures take now may not be what the last ones take: halfway, by ratio
            part, arriving = math.sqrt(self._ratio), max(self._buffer.arriving - self._fixed, 0)
            complexities = [int(part * self._complexity(number)) for number in rest]
            self._raises.update(zip(rest, raises(complexities, int(bits), self._buffer.full, arriving, int(fullness))))
        # bits times the step that is not raised
        self._left, self._planned = max(sum(map(self._at_smallest, rest)), 1), len(rest)
        self._first = self._latest = None  # QP of the first interval of the plan and of the one before, in eighths

    def _complexity(self, number):
        """Bits times step of a picture."""
        if number not in self._pictures:
            raise ParameterError(
                f"frame {number} was not there in the first pass: passes=2 needs the same frames twice"
            )
        bits, qp = self._pictures[number]
        return bits * STEPS[qp]

    def _at_smallest(self, number):
        """Bits of a picture with its raised step, times the step that is not raised."""
        return self._complexity(number) * FINE_STEPS[0] // FINE_STEPS[self._raises[number]]

    def _needed(self):
        """What must be left in the buffer after each picture, so that those after it get what is planned."""
        floor, step = self._buffer.full // 4, max(self._left / self._bits, FINE_STEPS[0])
        found, need = {}, 0
        for number in reversed(self._pictures):
            found[number] = need
            taken = self._fixed + int(self._at_smallest(number) / step)
            need = min(max(need - self._buffer.arriving, floor) + taken, self._buffer.full)
        return found

    def need(self, planned):
        """Bits that a picture should leave in the buffer, for those after it."""
        return self._needs[planned.number]

    @property
    def _ratio(self):
        """What pictures take now, for what they took before."""
        prior = self._all * PRIOR
        return (self._now + prior) / max(self._before + prior, 1)

    def bits(self, interval, qp):
        """Of the pictures of an interval with this QP."""
        complexity = sum(self._complexity(one.number) for one in interval)
        return len(interval) * self._fixed + int(self._ratio * complexity / STEPS[qp])

    def add(self, interval, costs):
        """The oldest interval has ended: (bits, QP) of its pictures."""
        qp, complexity = self._begun.popleft()
        bits = max(sum(bits for bits, _ in costs) - len(costs) * self._fixed, 0)
        self._spent += bits
        self._before = self._before * FORGET_PLANNED + complexity
        self._now = self._now * FORGET_PLANNED + bits * STEPS[qp]

    def qp(self, interval):
        """QP of the next interval."""
        ratio = self._ratio
        expected = math.fsum(complexity / STEPS[qp] for qp, complexity in self._begun)
        spent = self._spent + ratio * expected
        bits = max(self._bits - spent, 1)
        if self._buffer and LAST_PLANNED < len(self._order) - self._count <= PLANNED_AGAIN * self._planned:
            self._plan(bits, self._buffer.left())
        step = ratio * self._left / bits
        if self._buffer and self._latest is not None:
            kept = DAMPED * self._bits
            step = (ratio * self._left + kept * FINE_STEPS[self._latest]) / (bits + kept)
        # the QP in eighths; what rounding takes off or adds is carried to the next interval
        exact = bisect_left(EIGHTHS, step)
        if self._first is None:
            self._first = self._latest = exact
        exact = max(exact, self._latest - PLANNED_FALL * len(interval))
        self._latest = min(max(exact, self._first - 8 * MOST_CHANGE), self._first + 8 * MOST_CHANGE)
        numbers = [one.number for one in interval]
        complexity = sum(map(self._complexity, numbers))
        exact = self._latest + self._carry + self._raises[numbers[0]]
        self._count += len(interval)
        self._left -= sum(map(self._at_smallest, numbers))
        qp = min(max((exact + 4) // 8, 0), WORST_QP)
        self._carry = min(max(exact - 8 * qp, -4), 4)
        self._begun.append((qp, complexity))
        return qp

    def most(self, sent, planned):
        """Bits that the next picture should have at most: the buffer alone bounds it."""
        return self._bits


@dataclass(frozen=True)
class Sent:
    """The pictures so far: how many, their bits, and the arrival of the bits."""

    count: int = 0
    bits: int = 0
    arrival: Arrival = Arrival()


class Control:
    """The bits of a sequence: QP of its intervals, and what each picture may have.

    Parameters
    ----------
    settings : Settings
    sps : SPS

    Attributes
    ----------
    bounds : bool
        Whether bits matter at all: a bit rate or a buffer.
    start : Sent
        Before the first picture.
    """

    def __init__(self, settings, sps):
        self._fps = Fraction(sps.vui.time_scale, 2 * sps.vui.num_units_in_tick)
        self._qp = settings.base_qp(self._fps)  # of the interval
        higher = round(TREE_OFFSET) if settings.tools.tree else 0
        self._top = MAX_QP + higher  # QP of an interval that is 51 on average
        self.start, self._settings, self._reorder = Sent(), settings, sps.vui.max_num_reorder_frames
        self._rate = self._schedule = self._buffer = None
        if sps.vui.nal_hrd:
            self._schedule = Schedule(sps, level_row(sps))
            messages = 8 * len(write_byte_stream((self._schedule.messages(Arrival(), False, 0),)))
            self._buffer = BufferControl(self._schedule.full, self._schedule.arriving, self.offset, self._top, messages)
        if settings.plan:
            self._rate = PlannedRate(settings.plan, self._buffer)
        elif settings.bitrate:
            samples = 256 * sps.PicSizeInMapUnits
            self._rate = RateControl(
                settings.bitrate, float(self._fps), samples, self.offset, higher, settings.measures
            )
        self.bounds = bool(self._rate or self._buffer)
        self._begun, self._intervals = 0, deque()  # how many; those that have not ended: (pictures, jobs)

    def begin(self, interval):
        """Choose the QP of `Planned` pictures that follow each other in coding order, an I or P picture first.

        From what is known of those up to two intervals before, whatever the number of threads.
        """
        if not self.bounds:
            return
        self._begun += 1
        while len(self._intervals) > (1 if self._begun > FIRST_INTERVALS else 0):
            planned, jobs = self._intervals.popleft()
            ended = [job.result() for job in jobs]
            costs = [coded.cost for coded, *_ in ended]
            if self._rate:
                self._rate.add(planned, costs)
            if self._buffer:
                self._buffer.add(planned, costs, self._schedule.room(ended[-1][1].arrival, False)[0])
        self._qp = self._rate.qp(interval) if self._rate else self._settings.base_qp(self._fps)
        if self._buffer:
            self._qp = self._buffer.limited(self._qp, interval)
        self._intervals.append((interval, []))

    def offset(self, planned):
        """QP of a picture less that of its interval."""
        return offset_of(planned, self._settings.tools.tree)

    def qp(self, planned):
        """QP of a picture of the interval, not always an integer."""
        return min(max(self._qp + self.offset(planned), 0), WORST_QP)

    def began(self, job):
        """The next picture of the interval is being coded. job: it returns (Coded, Sent)."""
        if self.bounds:
            self._intervals[-1][1].append(job)

    def messages(self, sent, planned):
        """SEI NAL units of the next picture."""
        if not self._schedule:
            return ()
        return (self._schedule.messages(sent.arrival, planned.key, planned.number + self._reorder),)

    def fit(self, code, nal, qp, sent, planned, head):
        """The next picture within its limits: (NAL unit, QP). head: bits of its other NAL units. See `fit`."""
        soft = hard = math.inf
        if self._rate:
            soft = self._rate.most(sent, planned)
        if self._buffer:
            wanted, hard = self._buffer.limits(planned, *self._schedule.room(sent.arrival, planned.key))
            soft = min(soft, wanted)
        try:
            return fit(code, nal, qp, (soft - head, hard - head), self._top)
        except TooLarge as error:
            raise ParameterError(
                f"frame {planned.number} takes {error.bits + head} bits with the highest QP, but the buffer has "
                f"{max(hard, 0)} for it: choose {self._remedy(sent, planned.key, error.bits + head)}"
            ) from None

    def _remedy(self, sent, key, bits):
        """What would make room for a picture of this many bits, if those before it did not change."""
        schedule, (fullness, largest) = self._schedule, self._schedule.room(sent.arrival, key)
        if self._settings.vbv is None or bits > largest:
            return "a higher level"
        if not sent.count or bits > schedule.full:  # the first picture leaves a buffer that is not full
            return f"a vbv_bufsize of more than {ceil(bits / (1 if sent.count else FIRST_FULLNESS))}"
        more = (bits - fullness) / (sent.count * schedule.interval)
        rate = max(ceil(schedule.BitRate + more), ceil(self._settings.vbv[0]))  # BitRate is the rate, rounded down
        return f"a vbv_maxrate of more than {rate}, or a larger vbv_bufsize"

    def after(self, sent, planned, bits):
        """`Sent` after the next picture."""
        arrival = self._schedule.after(sent.arrival, planned.key, bits) if self._schedule else sent.arrival
        return Sent(sent.count + 1, sent.bits + bits, arrival)


class BufferControl:
    """Raises QP where the buffer would run low: it predicts, and `fit` makes sure.

    Parameters
    ----------
    full : int
        Bits in the buffer at most.
    arriving : int
        Bits that arrive from one picture to the next.
    offset : function
        Maps `Planned` to its QP less that of its interval.
    top : int
        The highest QP of an interval.
    messages : int
        Bits with which each picture says when it arrives.

    Attributes
    ----------
    fullness : int
        Bits in the buffer when the oldest picture that has not ended leaves it.
    plan : PlannedRate or None
        Knows what comes, and keeps to the buffer.
    """

    def __init__(self, full, arriving, offset, top, messages):
        self._top, self.full, self.arriving, self.messages, self.plan = top, full, arriving, messages, None
        self.fullness = full * 9 // 10
        self._model = BitModel(offset)
        self._begun = deque()  # intervals that have not ended: (QP, pictures)

    def add(self, interval, costs, fullness):
        """The oldest interval has ended: (bits, QP) of its pictures; bits in the buffer when the next one leaves it."""
        self._begun.popleft()
        for planned, cost in zip(interval, costs):
            self._model.add(planned, *cost)
        self.fullness = fullness

    def left(self):
        """Bits in the buffer when the first picture of the next interval leaves it, as predicted."""
        fullness, bits = self.fullness, (self.plan or self._model).bits
        for qp, others in self._begun:
            fullness = min(fullness - bits(others, qp) + len(others) * self.arriving, self.full)
        return fullness

    def limited(self, wanted, interval):
        """The QP of an interval that begins: `wanted`, or more."""
        fullness, bits = self.left(), (self.plan or self._model).bits
        arriving = len(interval) * self.arriving
        if interval[0].kind == I:
            allowed = max(fullness * 7 // 10, arriving)
        else:  # below the floor less than what arrives, to fill it slowly; above it a part of what is above, or all
            last = interval[-1]
            floor, part = (max(self.full // 4, self.plan.need(last)), 1) if self.plan else (self.full // 2, 2)
            surplus = fullness - floor
            change = max(surplus // part, surplus * arriving // self.full)
            allowed = max(arriving + change, arriving // 4)
        qp = wanted
        while qp < self._top and bits(interval, qp) > allowed:
            qp += 1
        self._begun.append((qp, interval))
        return qp

    def limits(self, planned, fullness, largest):
        """(bits that a picture should have at most, bits that it may have): while QP can rise, it leaves a reserve to
        those after it, except for what arrives in its own time.

        fullness: bits in the buffer when it leaves; largest: what else bounds it.
        """
        reserve = self.full * 3 // 10 if planned.kind == I else min(self.full // 4, 3 * self.arriving)
        if self.plan and planned.kind != I:
            reserve = max(reserve, self.plan.need(planned) - self.arriving)
        hard = min(fullness, largest)
        return min(max(fullness - reserve, self.arriving), hard), hard


class TooLarge(Exception):
    """A picture that does not fit with the highest QP. bits: what it takes."""

    def __init__(self, bits):
        super().__init__(bits)
        self.bits = bits


def fit(code, nal, qp, limits, top):
    """A picture within the buffer, coded again with higher QP as often as it takes: (NAL unit, QP).

    Bits may fall at once, as where macroblocks are skipped from some QP on. If they fall to less than a quarter of what
    the picture should have at most, QP in between are tried.

    Parameters
    ----------
    code : callable
        Maps a QP to a NAL unit. Its last call counts: it leaves the picture that others refer to.
    nal : bytes
        The first attempt.
    qp : number
        Its QP.
    limits : (int, int)
        Bits that it should have at most, which QP below `top` sees to, and bits that it must not exceed.

    Raises
    ------
    TooLarge
    """
    soft, hard = limits
    low = qp  # the last QP with which it was too large
    while 8 * len(nal) > (soft if qp < top else hard):
        if qp == WORST_QP or hard <= 0:
            raise TooLarge(8 * len(nal if qp == WORST_QP else code(WORST_QP)))
        end, wanted = (top, soft) if qp < top else (WORST_QP, hard)
        low = qp
        qp = min(qp + max(_rise(8 * len(nal), max(wanted, 1)), 1 if qp < top else 4), end)
        nal = code(qp)
    latest = qp
    while qp - low >= 2 and qp <= top and 8 * len(nal) < soft / 4:
        latest = low + (qp - low) // 2
        other = code(latest)
        if 8 * len(other) > soft:
            low = latest
        else:
            qp, nal = latest, other
    return (nal if latest == qp else code(qp)), qp


def _rise(bits, room):
    """By how much QP must rise for so few bits, if they are inversely proportional to the step: the smallest d with
    bits <= room * 2^(d / 6)."""
    d = 0
    while d < MAX_QP and bits**6 > room**6 << d:
        d += 1
    return d
