"""Average bit rate in one pass: the QP of each interval of pictures from the bits of those before."""

from __future__ import annotations

import math

FORGET = 0.7  # weight of an interval against the next one
WINDOW_SECONDS = 1  # a surplus of this much of the rate halves what may be spent
MOST_STEP = 4  # of QP from one interval to the next
FIRST_BITS_PER_SAMPLE, FIRST_QP = 0.1, 28  # typical of film; the first intervals correct it


def step_of(qp):
    """The quantizer step, relative to that of QP 12."""
    return 2 ** ((qp - 12) / 6)


class RateControl:
    """Chooses QP for a bit rate.

    Bits are taken to be inversely proportional to the step: bits times step is how complex a picture is. The average of
    the intervals so far, the newest counting most, gives the step for the rate; what was spent too much or saved
    changes it further. Only intervals are seen that end two before the one that begins, whatever the number of threads.

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
        ratio = self._wanted / samples / FIRST_BITS_PER_SAMPLE
        self._qp = min(max(round(FIRST_QP - 6 * math.log2(ratio)), 0), 51)

    def add(self, pictures):
        """The pictures of an interval are coded: (bits, QP) of each."""
        if not pictures:
            return
        spent = sum(bits * step_of(qp) for bits, qp in pictures)
        self._complexity = self._complexity * FORGET + spent
        self._frames = self._frames * FORGET + len(pictures)
        self._spent += sum(bits for bits, _ in pictures)
        self._count += len(pictures)

    def qp(self):
        """QP of the P picture of the next interval."""
        if self._frames:
            surplus = (self._spent - self._count * self._wanted) / self._window
            step = self._complexity / self._frames / self._wanted * min(max(1 + surplus, 0.5), 2)
            qp = round(12 + 6 * math.log2(step))
            self._qp = min(max(qp, self._qp - MOST_STEP, 0), self._qp + MOST_STEP, 51)
        return self._qp
