"""Steps of pictures for a number of bits and a buffer, where it is known what each picture takes.

One step for all pictures is the even quality that a plan wants. Where the buffer would run low with it, the pictures
since the buffer was last full share a larger step, the smallest that avoids it; what they save goes to all others.
"""

from bisect import bisect_left

from .settings import WORST_QP

# Quantizer steps of QP in eighths, times 2^16
FINE_STEPS = tuple(round(65536 * 2 ** (n / 48)) for n in range(8 * WORST_QP + 1))
TOP = len(FINE_STEPS) - 1
LEAST = 3 / 8  # of the buffer, that a plan leaves in it


def raises(complexities, bits, full, arriving, first):
    """By how many eighths of QP the step of each picture is above the smallest.

    Parameters
    ----------
    complexities : list of int
        Bits times step (times 2^16) of the pictures, in coding order.
    bits : int
        What they may have together.
    full, arriving, first : int
        Bits: of a full buffer, that arrive from one picture to the next, in the buffer when the first picture leaves.

    >>> from codec.h264.encode.bufferplan import raises
    >>> steps = raises([1 << 30] * 4 + [1 << 32] * 4, 150_000, full=40_000, arriving=10_000, first=36_000)
    >>> steps[0] < steps[-1]
    True
    """
    smallest = bisect_left(range(TOP), True, key=lambda at: _total(complexities, at, full, arriving, first) <= bits)
    return [step - smallest for step in _steps(complexities, smallest, full, arriving, first)]


def _total(complexities, smallest, full, arriving, first):
    """Bits of all pictures."""
    steps = _steps(complexities, smallest, full, arriving, first)
    return sum(one // FINE_STEPS[step] for one, step in zip(complexities, steps))


def _steps(complexities, smallest, full, arriving, fullness):
    """Steps of the pictures, in eighths of QP: `smallest`, or as much more as the buffer takes."""
    steps = []
    while len(steps) < len(complexities):
        step, count = _stretch(complexities, len(steps), smallest, full, arriving, fullness)
        taken = sum(complexities[len(steps) : len(steps) + count])
        fullness = min(fullness + count * arriving - taken / FINE_STEPS[step], full)
        steps += [step] * count
    return steps


def _stretch(complexities, begin, smallest, full, arriving, fullness):
    """(step, number of pictures) of those from `begin` on that share a step, like a string pulled taut between an empty
    and a full buffer: it bends where the buffer is lowest, for a smaller step, or where it is full, for a larger one.
    """
    low, low_end = smallest, len(complexities) - begin  # the step that the buffer takes up to here
    high, high_end = TOP, 0  # the step that fills the buffer up to here: with a larger one, bits would be lost
    taken = 0
    for number in range(1, len(complexities) - begin + 1):
        taken += complexities[begin + number - 1]
        most = fullness + (number - 1) * arriving - LEAST * full
        if taken > most * FINE_STEPS[low - 1 if low > smallest else low] and low < TOP:
            need = bisect_left(FINE_STEPS, taken / most, hi=TOP) if most > 0 else TOP
            if need > high:
                return high, high_end
            low, low_end = need, number
        least = fullness + number * arriving - full
        if taken <= least * FINE_STEPS[low]:
            return low, number if low == smallest else low_end
        if taken <= least * FINE_STEPS[high]:
            high, high_end = bisect_left(FINE_STEPS, taken / least, hi=TOP), number
    return low, low_end
