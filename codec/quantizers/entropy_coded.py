"""Entropy-constrained scalar quantization: least squared error for a rate after ideal entropy coding (Chou, Lookabaugh
and Gray, IEEE Trans. Acoust. Speech Signal Process. 37(1), 1989).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError
from .lloyd_max import SortedData, weighted
from .protocol import real
from .thresholds import MOST_LEVELS, ThresholdQuantizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

MOST_RATE = 16.0
MOST_ROUNDS = 300
FEW_VALUES = 1024  # at most: also start from a cell for each distinct value
LEAST_GAIN = 1e-8  # of the cost, in a round
RATE_TOLERANCE = 1e-5  # bits
DEAD_ZONES = (0.0, 0.5, 0.55, 0.6, 0.66)  # half-widths of the middle cell to start from, in steps; 0: a threshold there


class EntropyCoded(ThresholdQuantizer):
    """Thresholds and levels of least (squared error + lam bits), where a code counts -log2 of its share of the data.

    Parameters
    ----------
    rate : float, optional
        Bits per value, 0..16: lam is found such that the entropy of the codes is this. Data that allows only some
        rates, such as a few distinct values, gets the largest one that is not above.
    lam : float, optional
        Instead of `rate`: what a bit may cost in squared error, > 0. For small steps S the optimum has lam = S^2 ln 2 /
        6.

    Notes
    -----
    A local optimum: descent from uniform thresholds with several dead zones, the best of which wins. Levels are the
    means of their cells. For Laplacian data this gives the uniform thresholds with a dead zone of Sullivan (IEEE Trans.
    Inform. Theory 42(5), 1996). At high rates the rate is 0.254 bit above the Shannon bound.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import EntropyCoded
    >>> x = np.random.default_rng(0).laplace(size=100000)
    >>> q = EntropyCoded(rate=1).fit(x)
    >>> round(q.rate, 2), round(float(np.mean((x - q.transform(x)) ** 2) / np.mean(x ** 2)), 2)
    (1.0, 0.26)
    """

    name = "entropy-coded"

    def __init__(self, rate: float | None = None, lam: float | None = None) -> None:
        if (rate is None) == (lam is None):
            raise ParameterError("give either rate or lam")
        self._target = None if rate is None else real(rate, "rate")
        if self._target is not None and not 0 <= self._target <= MOST_RATE:
            raise ParameterError(f"rate must be within 0..{MOST_RATE:g} bits, not {rate}")
        self._lam = None if lam is None else real(lam, "lam", above=0)
        self._lengths = np.zeros(0)

    def fit(self, x: npt.ArrayLike, *, weights: npt.ArrayLike | None = None) -> Self:
        """Thresholds, levels and code lengths for the data; `weights` as for `LloydMax.fit`."""
        values, mass = weighted(x, weights)
        data = SortedData(values, mass)
        found = _descend(data, self._lam) if self._lam is not None else _for_rate(data, self._target)
        self._set(found.thresholds, found.levels)
        self._lengths = found.lengths
        return self

    @property
    def rate(self) -> float:
        """Entropy of the codes of the data that `fit` saw, in bits per value."""
        return float(np.sum(self.lengths * np.exp2(-self.lengths)))

    @property
    def lengths(self) -> npt.NDArray[np.float64]:
        """(n,) float64: ideal code lengths in bits, -log2 of the share of each code."""
        self._require(self._levels is not None)
        return self._lengths.copy()

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"rate": self._target, "lam": self._lam}

    def fitted(self) -> dict[str, Any]:
        """Thresholds, levels and code lengths."""
        return {**super().fitted(), "lengths": self._lengths.tolist()} if self._levels is not None else {}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """Thresholds, levels and code lengths."""
        if fitted:
            thresholds, levels, lengths = self._members(fitted, "thresholds", "levels", "lengths")
            self._set(thresholds, levels)
            try:
                self._lengths = np.array(lengths, np.float64)
            except (ValueError, TypeError) as error:
                raise ParameterError(f"lengths must be a list of numbers: {error}") from None
            if self._lengths.shape != self.levels.shape or not (self._lengths >= 0).all():
                raise ParameterError("lengths must be numbers of at least 0, one for each level")


class _Solution:
    """Cells of sorted data, without empty ones."""

    def __init__(self, data, thresholds, lam):
        ends = data.ends(thresholds)
        found = data.moments(ends)
        kept = found.weights > 0
        weights = found.weights[kept]
        total = weights.sum()
        self.levels = found.means[kept]
        self.lengths = np.log2(total / weights) + 0.0
        self.error = float(found.error[kept].sum() / total)
        self.rate = float(weights @ self.lengths / total)
        self.cost = self.error + lam * self.rate
        # empty cells merge with the one above
        self.thresholds = thresholds[np.flatnonzero(kept)[:-1]] if len(thresholds) else thresholds

    def next_thresholds(self, lam):
        """Where two neighbours cost the same: (x - y)^2 + lam bits. Levels that are best nowhere leave."""
        kept = []
        borders = []
        levels, lengths = self.levels.tolist(), self.lengths.tolist()
        for i, (y, bits) in enumerate(zip(levels, lengths)):
            while kept:
                j = kept[-1]
                border = (
                    (y + levels[j]) / 2 + lam * (bits - lengths[j]) / (2 * (y - levels[j]))
                    if y > levels[j]
                    else -math.inf
                )
                if not borders or border > borders[-1]:
                    break
                kept.pop()
                borders.pop()
            if kept:
                if border == -math.inf:
                    continue
                borders.append(border)
            kept.append(i)
        return np.array(borders)


def _descend(data, lam):
    """The best solution for lam that the starts lead to."""
    step = math.sqrt(6 * lam / math.log(2))
    fine = (data.values[-1] - data.values[0]) / step >= MOST_LEVELS - 3
    few = data.distinct(MOST_LEVELS if fine else FEW_VALUES)
    low, high = float(data.values[0]), float(data.values[-1])
    starts = [] if few is None else [few[:-1].astype(np.float64)]
    if not fine:
        starts += [_uniform(data.centre, low, high, step, half) for half in DEAD_ZONES]
    if not starts:
        raise ParameterError(
            f"lam {lam:g} asks for more than {MOST_LEVELS} levels of this data: raise it, or lower rate"
        )
    best = None
    for thresholds in starts:
        solution = _Solution(data, thresholds, lam)
        for _ in range(MOST_ROUNDS):
            following = _Solution(data, solution.next_thresholds(lam), lam)
            if following.cost >= solution.cost * (1 - LEAST_GAIN):
                break
            solution = following
        if best is None or solution.cost < best.cost:
            best = solution
    return best


def _uniform(centre, low, high, step, half):
    above = np.arange(centre + half * step, high, step)
    below = np.arange(centre - half * step, low, -step)
    return np.unique(np.concatenate([below[::-1], above]))


def _for_rate(data, rate):
    """The solution with the largest rate that is at most the target, by a search of log lam."""
    few = data.distinct(MOST_LEVELS)
    if few is not None:
        every = _Solution(data, few[:-1].astype(np.float64), 0.0)
        if every.rate <= rate:
            return every
    variance = max(float(data.squares[-1]) / max(len(data.values), 1), 1e-300)
    best = _Solution(data, np.zeros(0), 0.0)
    if rate == 0:
        return best
    high = math.log(4 * variance)  # a rate of 0
    low = high - 2 * math.log(2) * (rate + 4)
    guess = high - 2 * math.log(2) * (rate + 0.7)
    for trial in range(60):
        if not low < guess < high or trial % 4 == 3:
            guess = (low + high) / 2
        try:
            found = _descend(data, math.exp(guess))
        except ParameterError:  # more levels than there may be
            low = guess
            continue
        if found.rate > rate:
            low = guess
        else:
            high = guess
            best = found if found.rate >= best.rate else best
        if rate - best.rate < RATE_TOLERANCE or high - low < 1e-9:
            break
        guess += 2 * math.log(2) * (found.rate - rate + RATE_TOLERANCE / 2)  # as at high rates
    return best
