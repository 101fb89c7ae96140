"""The coded picture buffer of the hypothetical reference decoder (Annex C): how many bits each picture may have, and
the messages that tell a decoder when to take it (D.1.2, D.1.3).

Bits arrive at the bit rate of the schedule, but never so early that the buffer overflows; a picture leaves the buffer
at its removal time, complete. Times are exact fractions of seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ..stream.sei import (
    BUFFERING_PERIOD,
    PIC_TIMING,
    BufferingPeriod,
    InitialDelay,
    PicTiming,
    write_payload,
    write_sei,
)

CLOCK = 90000  # units of initial_cpb_removal_delay in a second
FIRST_FULLNESS = Fraction(9, 10)  # of the buffer, when the first picture leaves it
FIRST_FRACTION = Fraction(1, 172)  # fR of A.3.1 for frames


@dataclass(frozen=True)
class Arrival:
    """How far the bits of a stream have come. number: of the next picture in coding order; end: t_af of the one before
    (C-6), in seconds; period: number of the latest picture with a buffering period message."""

    number: int = 0
    end: Fraction = Fraction(0)
    period: int = 0


class Schedule:
    """The delivery schedule of a sequence.

    Parameters
    ----------
    sps : SPS
        With one schedule of variable rate in its HRD, and the frame rate.
    row : dict
        Of the level (Table A-1).
    """

    def __init__(self, sps, row):
        self._vui, hrd = sps.vui, sps.vui.nal_hrd
        (schedule,) = hrd.schedules
        self.BitRate = schedule.bit_rate_value_minus1 + 1 << 6 + hrd.bit_rate_scale  # (E-37)
        self.CpbSize = schedule.cpb_size_value_minus1 + 1 << 4 + hrd.cpb_size_scale  # (E-38)
        self.interval = Fraction(2 * self._vui.num_units_in_tick, self._vui.time_scale)  # between pictures
        # initial_cpb_removal_delay plus its offset, the same throughout: bits arrive no earlier than this before
        # their picture leaves
        self._whole = min(max(CLOCK * self.CpbSize // self.BitRate, 1), (1 << 32) - 1)
        self.full = self._whole * self.BitRate // CLOCK  # bits in the buffer at most
        self.arriving = int(self.BitRate * self.interval)  # bits, from one picture to the next
        self._first = ceil(self._whole * FIRST_FULLNESS)
        # MinCR (A.3.1): bits of the first picture and of others
        rate = Fraction(384 * 8, row["MinCR"])
        mbs = sps.PicWidthInMbs * sps.FrameHeightInMbs
        self._largest = (
            int(rate * max(mbs, FIRST_FRACTION * row["MaxMBPS"])),
            int(rate * row["MaxMBPS"] * self.interval),
        )

    def removal(self, number):
        """t_r (C-8) of a picture in coding order."""
        return Fraction(self._first, CLOCK) + number * self.interval

    def delay(self, arrival):
        """initial_cpb_removal_delay if the next picture begins a buffering period: no more than has arrived (C-17)."""
        if not arrival.number:
            return self._first
        return min(int(CLOCK * (self.removal(arrival.number) - arrival.end)), self._whole)

    def _begin(self, arrival, key):
        """t_ai of the next picture (C-2, C-3)."""
        ahead = self.delay(arrival) if key else self._whole
        return max(arrival.end, self.removal(arrival.number) - Fraction(ahead, CLOCK), Fraction(0))

    def room(self, arrival, key):
        """(bits in the buffer when the next picture leaves it, bits that it must not exceed for MinCR of A.3.1)."""
        seconds = self.removal(arrival.number) - self._begin(arrival, key)
        return int(seconds * self.BitRate), self._largest[arrival.number > 0]

    def after(self, arrival, key, bits):
        """The `Arrival` after a picture of this many bits."""
        end = self._begin(arrival, key) + Fraction(bits, self.BitRate)
        return Arrival(arrival.number + 1, end, arrival.number if key else arrival.period)

    def messages(self, arrival, key, shown):
        """The SEI NAL unit of the next picture. shown: pictures between the output of the first one and of this one,
        plus max_num_reorder_frames."""
        found = []
        if key:
            delay = self.delay(arrival)
            period = BufferingPeriod(0, nal=(InitialDelay(delay, self._whole - delay),))
            found.append((BUFFERING_PERIOD, write_payload(period, self._vui)))
        timing = PicTiming(2 * (arrival.number - arrival.period), 2 * (shown - arrival.number))  # ticks: half pictures
        found.append((PIC_TIMING, write_payload(timing, self._vui)))
        return write_sei(found)
