"""Histograms of streams: bounded memory, and one answer however the data is cut into batches.

The bins are the intervals [i w, (i + 1) w) of a width w = 2^e, at most `BINS` of them from the least value to the
greatest. When values arrive that do not fit, w doubles: bin i becomes bin floor(i / 2), so that no count is ever split.
The width is the smallest power of two for which all values so far fit, a function of the least and the greatest value
alone. Hence the histogram of a set of values depends neither on their order nor on the batches, and the sum of two
histograms is the histogram of all their values, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError
from .protocol import real_values, refuse_inexact

if TYPE_CHECKING:
    import numpy.typing as npt

# At least half of the bins lie between the least and the greatest value.
BINS = 1 << 16
PIECE = 1 << 18  # values that are converted at a time
LEAST_EXPONENT = -1022


def batches(x: npt.ArrayLike | Iterator[npt.ArrayLike], name: str = "x") -> Iterator[npt.NDArray[Any]]:
    """The arrays of an iterator, or `x` itself as the only one.

    Raises
    ------
    ParameterError
        For an iterator without arrays, and where `real_values` does.
    """
    if not isinstance(x, Iterator):
        yield real_values(x, name, finite=False) if not _is_large(x) else x  # type: ignore[misc]
        return
    number = -1
    for number, batch in enumerate(x):
        yield from batches(batch if not isinstance(batch, Iterator) else list(batch), f"batch {number} of {name}")
    if number < 0:
        raise ParameterError(f"{name} is an iterator without arrays")


def _is_large(x):
    """Arrays whose conversion as a whole would cost more than `pieces` does: memory-mapped files above all."""
    large = isinstance(x, np.ndarray) and x.dtype.kind in "fiub" and x.size > PIECE
    return large and not isinstance(x, np.ma.MaskedArray)


def pieces(batch: npt.NDArray[Any], name: str = "x") -> Iterator[npt.NDArray[np.float64]]:
    """The values of an array in order, as float64 arrays of at most `PIECE`; a memory-mapped file is read as it goes.

    Raises
    ------
    ParameterError
        For NaN and infinite values: with their number and the index of the first in the flattened array.
    """
    flat = batch.reshape(-1) if batch.flags.c_contiguous else batch.flat
    for start in range(0, batch.size, PIECE):
        piece = np.asarray(flat[start : start + PIECE])
        refuse_inexact(piece, name)
        piece = piece.astype(np.float64, copy=False)
        if not (math.isfinite(float(piece.min())) and math.isfinite(float(piece.max()))):
            first = start + int((~np.isfinite(piece)).argmax())
            nans, infinite = _nonfinite(flat, batch.size)
            raise ParameterError(
                f"{name} has {nans} NaN and {infinite} infinite values, the first at index {first} of the flattened "
                "array: remove or replace them"
            )
        yield piece


def _nonfinite(flat, size):
    parts = [np.asarray(flat[start : start + PIECE]) for start in range(0, size, PIECE)]
    return sum(int(np.isnan(part).sum()) for part in parts), sum(int(np.isinf(part).sum()) for part in parts)


class Histogram:
    """Counts of values in bins of a power of two.

    Attributes
    ----------
    minimum, maximum : float
        Exact. inf and -inf without values.
    total : int
        The number of values.
    exponent : int
        The width of the bins is 2^exponent.
    first : int
        The lower edge of the first bin is first * width.
    counts : int64 array
        Of the bins from the one of the minimum to the one of the maximum.

    Examples
    --------
    >>> from codec.quantizers.histogram import Histogram
    >>> one = Histogram([0, 1, 2, 300])
    >>> other = Histogram([0, 1])
    >>> other.merge(Histogram([300]))
    >>> other.update([2])
    >>> one == other, one.width, one.total
    (True, 0.0078125, 4)
    """

    def __init__(self, x: npt.ArrayLike | Iterator[npt.ArrayLike] | None = None) -> None:
        self.minimum, self.maximum, self.total = math.inf, -math.inf, 0
        self.exponent, self.first = LEAST_EXPONENT, 0
        self.counts = np.zeros(0, np.int64)
        if x is not None:
            self.update(x)

    def update(self, x: npt.ArrayLike | Iterator[npt.ArrayLike]) -> None:
        """Count the values of an array, or of each array of an iterator.

        Raises
        ------
        ParameterError
            For data that is empty, not real or not finite; the array with it is not counted, those before it are.
        """
        for number, batch in enumerate(batches(x)):
            new = Histogram()
            for piece in pieces(batch, f"batch {number} of x" if isinstance(x, Iterator) else "x"):
                new._count(piece)
            self.merge(new)

    def _count(self, piece):
        low, high = float(piece.min()), float(piece.max())
        self._widen(low, high, piece.size)
        # Exact: a product with a power of two, then below 2^53.
        index = np.floor(piece * math.ldexp(1.0, -self.exponent)).astype(np.int64)
        if self.exponent > 0 and low < 0:
            index[(index == 0) & (piece < 0)] = -1  # products that underflow to -0
        index -= self.first
        self.counts += np.bincount(index, minlength=self.counts.size)

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        if not other.total:
            return
        self._widen(other.minimum, other.maximum, other.total)
        first, counts = _coarser(other.first, other.counts, self.exponent - other.exponent)
        at = first - self.first
        self.counts[at : at + counts.size] += counts

    def _widen(self, low, high, count):
        """Make room for values from low to high."""
        low, high = min(low, self.minimum), max(high, self.maximum)
        exponent = _exponent(low, high)
        old_first, old = _coarser(self.first, self.counts, exponent - self.exponent)
        first, last = (_bin(value, exponent) for value in (low, high))
        counts = np.zeros(last - first + 1, np.int64)
        if self.total:
            counts[old_first - first : old_first - first + old.size] = old
        self.minimum, self.maximum, self.total = low, high, self.total + count
        self.exponent, self.first, self.counts = exponent, first, counts

    @property
    def width(self) -> float:
        """The width of a bin."""
        return math.ldexp(1.0, self.exponent)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """(bins + 1,) float64: the borders of the bins."""
        return (self.first + np.arange(self.counts.size + 1, dtype=np.float64)) * self.width

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """(bins,) float64: the middle of each bin, moved between the minimum and the maximum."""
        middles = (self.first + 0.5 + np.arange(self.counts.size, dtype=np.float64)) * self.width
        return np.clip(middles, self.minimum, self.maximum)

    def magnitudes(self) -> tuple[int, npt.NDArray[np.int64]]:
        """(first, counts) of the histogram of |x| with the same width: bin i < 0 holds the magnitudes of -i - 1."""
        last = self.first + self.counts.size - 1
        if self.first >= 0:
            return self.first, self.counts.copy()
        if last < 0:
            return -last - 1, self.counts[::-1].copy()
        counts = np.zeros(max(last + 1, -self.first), np.int64)
        counts[: last + 1] = self.counts[-self.first :]
        counts[: -self.first] += self.counts[: -self.first][::-1]
        return 0, counts

    def at_most(self, bins: int) -> Histogram:
        """The same counts in at most `bins` bins, the power of two that fits: for figures and searches."""
        doublings = 0
        while (self.first + self.counts.size - 1 >> doublings) - (self.first >> doublings) >= bins:
            doublings += 1
        return self.coarser(doublings)

    def coarser(self, doublings: int) -> Histogram:
        """The same counts in bins that are 2^doublings as wide."""
        new = Histogram()
        new.minimum, new.maximum, new.total = self.minimum, self.maximum, self.total
        new.first, new.counts = _coarser(self.first, self.counts, doublings)
        new.exponent = self.exponent + doublings
        return new

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        mine, theirs = ((h.exponent, h.first, h.minimum, h.maximum, h.total) for h in (self, other))
        return mine == theirs and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Histogram: {self.total} values in {self.counts.size} bins of 2^{self.exponent}>"


class Octaves:
    """Counts of values in 256 bins for each octave of magnitudes: as fine near zero as far from it.

    Attributes
    ----------
    keys : int64 array, ascending
        Of the bins with values: 0 for zero, positive for positive values, and their negatives.
    counts : int64 array
    """

    SHIFT = 52 - 8  # of the bits of a float64: exponent and 8 bits of the mantissa are left, in the order of magnitudes

    def __init__(self) -> None:
        self.keys, self.counts = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def update(self, values: npt.NDArray[np.float64]) -> None:
        """Count finite values."""
        keys = (np.abs(values).view(np.int64) >> self.SHIFT) + 1
        keys *= np.sign(values).astype(np.int64)
        first = int(keys.min())
        counts = np.bincount(keys - first)  # at most 1.1 million: quicker than to sort
        there = np.flatnonzero(counts)
        self._add(first + there, counts[there])

    def merge(self, other: Octaves) -> None:
        """Add the counts of another one."""
        self._add(other.keys, other.counts)

    def magnitudes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(keys, counts) of |x|."""
        return _summed(np.abs(self.keys), self.counts)

    def _add(self, keys, counts):
        self.keys, self.counts = _summed(np.concatenate([self.keys, keys]), np.concatenate([self.counts, counts]))

    @classmethod
    def upper(cls, key: int) -> float:
        """The upper end of a bin."""
        edge = float((np.array([abs(int(key)) - (key < 0)], np.int64) << cls.SHIFT).view(np.float64)[0]) if key else 0.0
        return edge if key > 0 else -edge


def _summed(keys, counts):
    """The distinct keys, ascending, and the sum of the counts of each."""
    keys, at = np.unique(keys, return_inverse=True)
    sums = np.zeros(keys.size, np.int64)
    np.add.at(sums, at, counts)
    return keys, sums


def _bin(value, exponent):
    place = math.ldexp(value, -exponent)
    return math.floor(place) if place or value >= 0 else -1  # it underflows to -0


def _exponent(low, high):
    """The smallest e for which low..high takes at most `BINS` bins of 2^e, and bin numbers are exact: below 2^53."""
    largest, half_span = max(abs(low), abs(high)), high / 2 - low / 2
    exponent = LEAST_EXPONENT
    if largest:
        exponent = max(exponent, math.frexp(largest)[1] - 53)
    if half_span:
        exponent = max(exponent, math.frexp(half_span / BINS)[1] - 2)
    while _bin(high, exponent) - _bin(low, exponent) >= BINS:
        exponent += 1
    return exponent


def _coarser(first, counts, doublings):
    """`first` and `counts` of bins that are 2^doublings as wide."""
    if not doublings or not counts.size:
        return first, counts
    doublings = min(doublings, 62)
    index = (first + np.arange(counts.size, dtype=np.int64)) >> doublings
    low = int(index[0])
    new = np.zeros(int(index[-1]) - low + 1, np.int64)
    np.add.at(new, index - low, counts)
    return low, new
