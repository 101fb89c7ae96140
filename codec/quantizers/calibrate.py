"""Calibration: the range that a quantizer of few bits should cover, from data that comes in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from .densities import dot, golden_section
from .histogram import Histogram, Octaves, batches, pieces
from .protocol import integer, real, refuse_unsquarable

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt

    Method = Literal["minmax", "percentile", "moving", "mse", "entropy"]

METHODS = ("minmax", "percentile", "moving", "mse", "entropy")
ENTROPY_BINS = 2048
SEARCH_BINS = 2048
TIE = 1e-3  # of the squared error: 0.004 dB
# Octaves below the step that clips nothing: a fine ladder because the error has many minima where few levels meet
# narrow data, then a coarse one for data with outliers.
LADDER = np.concatenate([np.arange(48) / 16, 3 + np.arange(37) / 4])


class Observer:
    """Watches data and recommends the range of a quantizer.

    Every method but "moving" keeps a `Histogram`, or only the least and greatest value, so that the answer is the same
    for any order and any batches, and observers of parts can be merged. Memory is bounded: 512 KiB; "percentile" takes
    8 KiB more for each octave of magnitudes.

    Parameters
    ----------
    method : str
        "minmax": the least and greatest value.
        "percentile": the central `percentile` % of the values, to 0.4 % of the end of the range or to a bin of the
        histogram, whichever is less: outliers do not blur it.
        "moving": moving averages of the minimum and the maximum of each array passed; the first one starts them. By
        definition it depends on the batches.
        "mse": the least mean squared error for an integer quantizer of `bits`, zero among its levels.
        "entropy": the least Kullback-Leibler divergence between the magnitudes and their quantized distribution, over
        2048 bins of |x| (Migacz, "8-bit Inference with TensorRT", GTC 2017). For activations, not for weights. A
        range holds at least as many bins with values as there are levels of either sign, so that data of few distinct
        values gets all of its range.
    bits : int, default 8
        Of the quantizer, 2 to 16; for "mse" and "entropy".
    symmetric : bool, default False
        Whether the range must be symmetric to zero; then "mse" assumes the codes -(2^(bits-1) - 1)..2^(bits-1) - 1, all
        2^bits otherwise.
    percentile : float, default 99.99
        Above 0, at most 100; for "percentile".
    rate : float, default 0.01
        The weight of a new batch in the average, above 0, at most 1; for "moving".

    Raises
    ------
    ParameterError
        For an unknown method or values out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import Observer
    >>> x = np.random.default_rng(0).normal(size=100_000)
    >>> observer = Observer("mse", bits=4, symmetric=True)
    >>> observer.update(x[:1000])
    >>> observer.update(iter(np.split(x[1000:], 9)))
    >>> tuple(round(end, 1) for end in observer.range())
    (-2.5, 2.5)
    """

    def __init__(
        self,
        method: Method = "minmax",
        *,
        bits: int = 8,
        symmetric: bool = False,
        percentile: float = 99.99,
        rate: float = 0.01,
    ) -> None:
        if method not in METHODS:
            raise ParameterError(f"the method of an observer is one of {', '.join(METHODS)}, not {method!r}")
        self.method, self.symmetric = method, bool(symmetric)
        self.bits = integer(bits, "bits", low=2, high=16)
        self.percentile, self.rate = real(percentile, "percentile"), real(rate, "rate")
        if not 0 < self.percentile <= 100:
            raise ParameterError(f"percentile must be above 0 and at most 100, not {percentile!r}")
        if not 0 < self.rate <= 1:
            raise ParameterError(f"rate must be above 0 and at most 1, not {rate!r}")
        self._histogram, self._octaves = Histogram(), Octaves()
        self._ends = (math.inf, -math.inf)
        self._total = 0

    def __repr__(self) -> str:
        return f"<Observer {self.method!r} of {self.total} values>"

    @property
    def total(self) -> int:
        """The number of values seen."""
        return self._total

    @property
    def histogram(self) -> Histogram | None:
        """The counts so far; None for "minmax" and "moving", which keep none."""
        return None if self.method in ("minmax", "moving") else self._histogram

    def update(self, x: npt.ArrayLike | Iterator[npt.ArrayLike]) -> None:
        """Take an array into account, or each array of an iterator.

        Parameters
        ----------
        x : array of real numbers of any shape, or iterator of such arrays
            A memory-mapped file (np.memmap) is read piece by piece.

        Raises
        ------
        ParameterError
            For an array that is empty, not real, or holds NaN or infinities: with their number and the first index.
            That array is not taken into account; those that the iterator gave before are.
        """
        for number, batch in enumerate(batches(x)):
            name = f"batch {number} of x" if isinstance(x, Iterator) else "x"
            if self.histogram is not None:
                new = Histogram()
                new.update(batch)
                self._histogram.merge(new)
                if self.method == "percentile":
                    for piece in pieces(batch, name):
                        self._octaves.update(piece)
            else:
                ends = [(float(piece.min()), float(piece.max())) for piece in pieces(batch, name)]
                self._widen(min(low for low, _ in ends), max(high for _, high in ends))
            self._total += batch.size

    def _widen(self, low, high):
        old_low, old_high = self._ends
        if self.method == "moving" and self._total:
            self._ends = old_low + self.rate * (low - old_low), old_high + self.rate * (high - old_high)
        else:
            self._ends = min(old_low, low), max(old_high, high)

    def merge(self, other: Observer) -> None:
        """Take everything into account that another observer has seen.

        Raises
        ------
        ParameterError
            If its settings differ, and for "moving", whose average depends on the order.
        """
        if not isinstance(other, Observer):
            raise ParameterError(f"an observer is merged with an observer, not with {type(other).__name__}")
        settings = [(o.method, o.bits, o.symmetric, o.percentile, o.rate) for o in (self, other)]
        if settings[0] != settings[1]:
            raise ParameterError(f"observers of different settings cannot be merged: {settings[0]} and {settings[1]}")
        if self.method == "moving":
            raise ParameterError("moving averages depend on the order of the batches: they cannot be merged")
        self._histogram.merge(other._histogram)
        self._octaves.merge(other._octaves)
        self._ends = min(self._ends[0], other._ends[0]), max(self._ends[1], other._ends[1])
        self._total += other._total

    def range(self) -> tuple[float, float]:
        """(low, high) so far.

        For constant data both are that value, except that a symmetric range reaches to both sides, and that "mse" and
        "entropy" include zero, as quantizers with a zero point do.

        Raises
        ------
        ParameterError
            Before any data; "mse" also for data whose squares leave double precision.
        """
        if not self.total:
            raise ParameterError("the observer has seen no data: call update first")
        found = {
            "minmax": lambda: self._ends,
            "moving": lambda: self._ends,
            "percentile": lambda: _percentile(self._histogram, self._octaves, self.percentile, self.symmetric),
            "mse": lambda: _least_squared(self._histogram, self.bits, self.symmetric),
            "entropy": lambda: _least_divergence(self._histogram, self.bits, self.symmetric),
        }[self.method]()
        low, high = map(float, found)
        if self.symmetric:
            end = max(abs(low), abs(high))
            return -end, end
        return low, high


# ---------------------------------------------------------------- percentile


def _percentile(histogram, octaves, percentile, symmetric):
    """The bins of the central values, as far as there are values; with `symmetric`, of the least magnitudes. Both
    histograms bound the same value: the nearer bound holds."""
    share = percentile / 100
    if symmetric:
        first, counts = histogram.magnitudes()
        end = (first + 1 + _rank(counts, share)) * histogram.width
        keys, counts = octaves.magnitudes()
        end = min(end, Octaves.upper(keys[_rank(counts, share)]))
        end = min(end, max(abs(histogram.minimum), abs(histogram.maximum)))
        return -end, end
    inner = 1 - (1 - share) / 2
    low = (histogram.first + histogram.counts.size - 1 - _rank(histogram.counts[::-1], inner)) * histogram.width
    high = (histogram.first + 1 + _rank(histogram.counts, inner)) * histogram.width
    low = max(low, -Octaves.upper(-octaves.keys[::-1][_rank(octaves.counts[::-1], inner)]))
    high = min(high, Octaves.upper(octaves.keys[_rank(octaves.counts, inner)]))
    return max(low, histogram.minimum), min(high, histogram.maximum)


def _rank(counts, share):
    """The first bin up to which at least this share of the values lies."""
    below = np.cumsum(counts)
    return int(np.searchsorted(below, min(math.ceil(share * below[-1] - 1e-9), below[-1])))


# ---------------------------------------------------------------- least mean squared error


def squared_error(histogram: Histogram, step: float, lowest: int, highest: int) -> float:
    """The sum of squared errors of rounding to the multiples `lowest`..`highest` of `step`, for values spread evenly
    within their bins.

    With u = x / step and n the level of u, the integral of (u - n)^2 from 0 to u is n / 12 + (u - n)^3 / 3: a twelfth
    for each full cell, and a cube for the rest; beyond the last level the cube goes on.
    """
    there = np.flatnonzero(histogram.counts)
    width = histogram.width / step
    u = (histogram.first + there) * width

    def integral(u):
        level = np.clip(np.rint(u), lowest, highest)
        return level / 12 + (u - level) ** 3 / 3

    return dot(integral(u + width) - integral(u), histogram.counts[there]) / width * step * step


def _least_squared(histogram, bits, symmetric):
    refuse_unsquarable(histogram.minimum, histogram.maximum, "the data")
    low, high = min(histogram.minimum, 0.0), max(histogram.maximum, 0.0)
    if histogram.counts.size == 1:
        return low, high
    # Bins beyond these add nothing to the answer; the many empty ones beside outliers cost nothing.
    while np.count_nonzero(histogram.counts) > SEARCH_BINS:
        histogram = histogram.at_most(histogram.counts.size // 2)

    if symmetric:
        highest = (1 << bits - 1) - 1
        step = _best_step(histogram, -highest, highest)[1]
        return -highest * step, highest * step
    highest = (1 << bits) - 1
    zero = start = round(-low / (high - low) * highest)
    tried = {zero: _best_step(histogram, -zero, highest - zero)}
    move = 1 << bits - 2
    while move:
        for other in (zero - move, zero + move):
            if 0 <= other <= highest and other not in tried:
                tried[other] = _best_step(histogram, -other, highest - other)
        # Levels beyond one-sided data change nothing: of equals, the range nearest the data.
        least = min(tried.values())[0] * (1 + TIE)
        best = min((z for z in tried if tried[z][0] <= least), key=lambda z: (abs(z - start), z))
        if best == zero:
            move //= 2
        zero = best
    step = tried[zero][1]
    return -zero * step, (highest - zero) * step


def _best_step(histogram, lowest, highest):
    """(error, step) of least error: the best step of a ladder, then golden-section search beside it."""
    needed = [histogram.maximum / highest] if highest else []
    needed += [histogram.minimum / lowest] if lowest else []
    ladder = max(max(needed), histogram.width) * 2.0**-LADDER
    errors = [squared_error(histogram, step, lowest, highest) for step in ladder]
    at = int(np.argmin(errors))
    between = float(ladder[min(at + 1, ladder.size - 1)]), float(ladder[max(at - 1, 0)])
    step = golden_section(lambda step: squared_error(histogram, step, lowest, highest), *between, rounds=16)
    return min((squared_error(histogram, step, lowest, highest), step), (errors[at], float(ladder[at])))


# ---------------------------------------------------------------- least divergence


def _least_divergence(histogram, bits, symmetric):
    """Magnitudes above a threshold count as the threshold. The best one is where the distribution with them diverges
    least from what `levels` levels can tell: the mean of each group of bins, over the bins of the group with values.
    The first bin takes the count of the second: zeros, of which a ReLU makes many, have a level with any threshold.
    Fewer bins with values than levels are no choice: they would be told exactly, whatever is beyond.
    """
    largest = max(abs(histogram.minimum), abs(histogram.maximum))
    first, counts = histogram.magnitudes()
    group = max(1, math.ceil((first + counts.size) / ENTROPY_BINS))
    h = np.bincount((first + np.arange(counts.size)) // group, counts).astype(np.float64)
    if h.size > 1:
        h[0] = h[1]
    levels = 1 << bits - 1
    best, least_found = h.size, math.inf
    outside = np.append(np.cumsum(h[::-1])[::-1], 0)
    fewest = int(np.searchsorted(np.cumsum(h > 0), levels)) + 1  # bins that hold as many with values as levels
    for n in range(fewest, h.size + 1 if outside[0] else 0):
        kept = h[:n]
        if outside[n] and not kept[-1]:
            continue  # what is beyond would fall where the quantized distribution has nothing
        there = kept > 0
        starts = np.arange(levels) * n // levels
        sums, filled = np.add.reduceat(kept, starts), np.add.reduceat(there.astype(np.float64), starts)
        mean = np.divide(sums, filled, out=np.zeros(levels), where=filled > 0)
        q = np.repeat(mean, np.diff(np.append(starts, n)))[there] / (outside[0] - outside[n])
        p = kept.copy()
        p[-1] += outside[n]
        p = p[there] / outside[0]
        divergence = dot(p, np.log(p / q))
        if divergence < least_found:
            best, least_found = n, divergence
    end = min(best * group * histogram.width, largest)
    low, high = max(-end, min(histogram.minimum, 0.0)), min(end, max(histogram.maximum, 0.0))
    return (-end, end) if symmetric else (low, high)
