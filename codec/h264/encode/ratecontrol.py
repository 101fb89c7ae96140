"""QP from bits: an average bit rate in one pass, and a buffer that must not run empty.

Decisions are the same on every machine: the steps of QP are integers, and floats are added, multiplied and divided,
which IEEE 754 defines to the last bit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from ...errors import ParameterError
from .settings import MAX_QP, WORST_QP

FORGET = 0.975  # weight of a picture against the next one
WINDOW_SECONDS = 1  # a surplus of this much of the rate halves what may be spent
MOST_FALL, MOST_RISE = 4, 10  # of QP from one interval to the next
FIRST_INTERVALS = 4  # that wait for those before them, because nothing is known about the content
MOST_SECONDS = 0.5  # of the rate for one picture, which is coded again with higher QP otherwise
FIRST_BITS_PER_SAMPLE, FIRST_QP = 0.1, 28  # typical of film; the first intervals correct it
# The quantizer step of a QP, times 2^16, and the largest step that is nearer to it than to the next
STEPS = tuple(round(65536 * 2 ** (qp / 6)) for qp in range(WORST_QP + 1))
STEP_BOUNDS = tuple(round(65536 * 2 ** ((qp + 0.5) / 6)) for qp in range(WORST_QP))


def qp_of_step(step):
    """The QP, 0 to 75, whose step (times 2^16) is nearest by ratio.

    >>> from codec.h264.encode.ratecontrol import STEPS, qp_of_step
    >>> [qp_of_step(STEPS[qp]) for qp in (0, 23, 51)], qp_of_step(10**10), qp_of_step(0)
    ([0, 23, 51], 75, 0)
    """
    return bisect_left(STEP_BOUNDS, step)


class RateControl:
    """Chooses QP for a bit rate.

    Bits are taken to be inversely proportional to the step: bits times step is how complex a picture is. The average of
    the intervals so far, the newest counting most, gives the step for the rate; what was spent too much or saved
    changes it further. Only intervals are seen that end two before the one that begins, whatever the number of threads.

    most : int
        Bits that a picture should have at most.

    Parameters
    ----------
    bitrate : float
        Bits per second.
    fps : float
    samples : int
        Luma samples of a frame.
    """

    def __init__(self, bitrate, fps, samples):
        self._wanted, self._window = bitrate / fps, bitrate * WINDOW_SECONDS
        self._complexity = self._frames = self._spent = self._count = 0.0
        self.most = int(bitrate * MOST_SECONDS)
        self._qp = qp_of_step(STEPS[FIRST_QP] * FIRST_BITS_PER_SAMPLE * samples / self._wanted)

    def add(self, pictures):
        """The pictures of an interval are coded: (bits, QP) of each."""
        if not pictures:
            return
        for bits, qp in pictures:
            self._complexity = self._complexity * FORGET + bits * STEPS[qp]
            self._frames = self._frames * FORGET + 1
        self._spent += sum(bits for bits, _ in pictures)
        self._count += len(pictures)

    def qp(self):
        """QP of the P picture of the next interval."""
        if self._frames:
            surplus = (self._spent - self._count * self._wanted) / self._window
            step = self._complexity / self._frames / self._wanted * min(max(1 + surplus, 0.5), 2)
            self._qp = min(max(qp_of_step(step), self._qp - MOST_FALL, 0), self._qp + MOST_RISE, WORST_QP)
        return self._qp


class BufferControl:
    """Raises QP where the buffer would run low: it predicts, and `fit` makes sure.

    Parameters
    ----------
    full : int
        Bits in the buffer at most.
    arriving : int
        Bits that arrive from one picture to the next.
    """

    def __init__(self, full, arriving):
        self._full, self._arriving = full, arriving
        self._fullness = full * 9 // 10  # when the first picture of `_begun` leaves the buffer
        self._complexity = {}  # by kind: bits times step of a picture
        self._begun = deque()  # intervals that have not ended: (QP, kinds)

    def add(self, pictures, fullness):
        """The oldest interval has ended: (bits, QP) of its pictures; bits in the buffer when the next one leaves it."""
        _, kinds = self._begun.popleft()
        for kind, (bits, qp) in zip(kinds, pictures):
            found = bits * STEPS[qp]
            self._complexity[kind] = (self._complexity.get(kind, found) + found) / 2
        self._fullness = fullness

    def limited(self, wanted, kinds):
        """The QP of an interval that begins: `wanted`, or more. kinds: (type, QP less that of the interval) of each
        picture."""
        fullness = self._fullness
        for qp, others in self._begun:
            fullness = min(fullness - self._predicted(qp, others) + len(others) * self._arriving, self._full)
        arriving = len(kinds) * self._arriving
        if kinds[0][0] == "I":
            allowed = max(fullness * 7 // 10, arriving)
        else:  # half of what is above the middle of the buffer; below it, less than what arrives, to fill it slowly
            surplus = fullness - self._full // 2
            change = max(surplus // 2, surplus * arriving // self._full)
            allowed = max(arriving + change, arriving // 4)
        qp = wanted
        while qp < MAX_QP and self._predicted(qp, kinds) > allowed:
            qp += 1
        self._begun.append((qp, kinds))
        return qp

    def _predicted(self, qp, kinds):
        bits = (self._complexity.get(kind, 0) / STEPS[min(max(qp + kind[1], 0), WORST_QP)] for kind in kinds)
        return int(sum(bits))

    def limits(self, kind, fullness, largest):
        """(bits that a picture of this type should have at most, bits that it may have): while QP can rise, it leaves a
        reserve to those after it, except for what arrives in its own time.

        fullness: bits in the buffer when it leaves; largest: what else bounds it.
        """
        reserve = self._full * 3 // 10 if kind == "I" else min(self._full // 4, 3 * self._arriving)
        hard = min(fullness, largest)
        return min(max(fullness - reserve, self._arriving), hard), hard


def fit(code, nal, qp, limits, number):
    """A picture within the buffer, coded again with higher QP as often as it takes: (NAL unit, QP).

    Parameters
    ----------
    code : callable
        Maps a QP to a NAL unit.
    nal : bytes
        The first attempt.
    qp : int
        Its QP.
    limits : (int, int)
        Bits that it should have at most, which QP below 51 sees to, and bits that it must not exceed.
    number : int
        Of its frame.
    """
    soft, hard = limits
    while 8 * len(nal) > (soft if qp < MAX_QP else hard):
        if qp == WORST_QP or hard <= 0:
            raise ParameterError(
                f"frame {number} takes {8 * len(nal)} bits with the highest QP, but the buffer has {max(hard, 0)} for "
                "it: choose a higher rate or a larger buffer for VBV, or a higher level"
            )
        end, wanted = (MAX_QP, soft) if qp < MAX_QP else (WORST_QP, hard)
        qp = min(qp + max(_rise(8 * len(nal), max(wanted, 1)), 1 if qp < MAX_QP else 4), end)
        nal = code(qp)
    return nal, qp


def _rise(bits, room):
    """By how much QP must rise for so few bits, if they are inversely proportional to the step: the smallest d with
    bits <= room * 2^(d / 6)."""
    d = 0
    while d < MAX_QP and bits**6 > room**6 << d:
        d += 1
    return d
