"""Lloyd-Max quantizers: levels of least squared error for data, or for a density (Lloyd, IEEE Trans. Inform. Theory
28(2), 1982; Max, IRE Trans. Inform. Theory 6(1), 1960).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array
from .protocol import choice, integer, real_values
from .thresholds import MOST_LEVELS, ThresholdQuantizer

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

DENSITIES = ("gaussian", "laplace", "uniform")
MOST_ROUNDS = 10000
FEW_VALUES = 1024  # distinct ones, and
MOST_EXACT = 300_000_000  # levels times their square: then the optimum is found by dynamic programming
MOST_MAGNITUDE, MOST_SINGLE = 1e140, 1e38
LEAST_GAIN = 1e-9  # of the squared error, in a round
START_CELLS = 4  # for each level: cells of equal weight that estimate the density


class LloydMax(ThresholdQuantizer):
    """Levels at the means of their cells, thresholds midway between levels.

    Parameters
    ----------
    levels : int
        1..65536. Data with no more distinct values gets one level for each of these.
    density : "gaussian", "laplace" or "uniform", optional
        Levels of least squared error for this density, scaled to the mean and the deviation of the data (for "uniform",
        to its extremes); before `fit`, for mean 0 and variance 1. Without a density the levels are those of least
        squared error for the data itself: a local optimum, from a start that follows the density's cube root (Panter
        and Dite, Proc. IRE 39(1), 1951), which is asymptotically optimal.

    Examples
    --------
    >>> from codec.quantizers import LloydMax
    >>> LloydMax(4, density="gaussian").levels.round(3).tolist()
    [-1.51, -0.453, 0.453, 1.51]
    >>> q = LloydMax(2).fit([0, 1, 10, 11])
    >>> q.levels.tolist(), q.thresholds.tolist(), q.encode([3, 5.5, 7]).tolist()
    ([0.5, 10.5], [5.5], [0, 0, 1])
    """

    name = "lloyd-max"

    def __init__(self, levels: int, *, density: Literal["gaussian", "laplace", "uniform"] | None = None) -> None:
        self._count = integer(levels, "levels", low=1, high=MOST_LEVELS)
        self._density = density
        if density is not None:
            choice(density, DENSITIES, "density")
            self._set(*density_quantizer(density, self._count))

    def fit(self, x: npt.ArrayLike, *, weights: npt.ArrayLike | None = None) -> Self:
        """Thresholds and levels for the data.

        Parameters
        ----------
        x : array of real numbers, any shape
            At least one value, all finite. Sorted copies of it are made.
        weights : array like `x`, optional
            How often each value counts, such as the counts of a histogram: at least 0, not all 0.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
        """
        values, mass = weighted(x, weights)
        if self._density is None:
            self._set(*SortedData(values, mass).lloyd_max(self._count))
            return self
        if self._density == "uniform":
            used = values if mass is None else values[mass > 0]
            low, high = float(used.min()), float(used.max())
            mean, deviation = (low + high) / 2, (high - low) / math.sqrt(12)
        else:
            mean = float(np.average(values, weights=mass))
            deviation = math.sqrt(float(np.average(np.square(values - mean, dtype=np.float64), weights=mass)))
        thresholds, levels = density_quantizer(self._density, self._count)
        self._set(mean + deviation * thresholds, mean + deviation * levels)
        return self

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor."""
        return {"levels": self._count, "density": self._density}


def weighted(x, weights):
    """Values and weights (None: all 1) as flat arrays, checked."""
    values = real_values(x).reshape(-1)
    span = max(abs(float(values.min())), abs(float(values.max())))
    if span > MOST_MAGNITUDE:
        raise ParameterError(f"x reaches {span:g}, of which the square is beyond double precision: scale it down")
    if span > MOST_SINGLE:
        values = values.astype(np.float64)  # differences may be beyond single precision
    if weights is None:
        return values, None
    mass = as_array(weights, "weights")
    if mass.shape != np.shape(x):
        raise ParameterError(f"weights must have the shape of x, {np.shape(x)}, not {mass.shape}")
    mass = real_values(mass, "weights").astype(np.float64).reshape(-1)
    if mass.min() < 0 or mass.max() == 0:
        raise ParameterError("weights must be at least 0, and not all 0")
    return values, mass


@dataclass(frozen=True)
class Moments:
    """Of cells of sorted data: weights, means, and the sum of squared errors about the means."""

    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]

    def newton(self, levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """Levels after a step of Newton's method on level = mean, or None if cells are empty or levels would cross. The
        density at a threshold is that of the two cells around it."""
        if len(levels) < 2 or not (self.weights.min() > 0 and np.diff(levels).min() > 0):
            return None
        density = (self.weights[:-1] + self.weights[1:]) / (2 * np.diff(levels))
        between = middle(levels)
        below, above = np.zeros(len(levels)), np.zeros(len(levels))
        below[1:] = density * (self.means[1:] - between) / self.weights[1:]
        above[:-1] = density * (between - self.means[:-1]) / self.weights[:-1]
        made = levels - newton_step(below, above, levels - self.means)
        return made if np.isfinite(made).all() and (np.diff(made) > 0).all() else None


class SortedData:
    """Sorted values with prefix sums, so that the moments of any cell cost two look-ups.

    Values are centred on their mean, which keeps the sums of squares accurate.
    """

    def __init__(self, values: npt.NDArray[Any], weights: npt.NDArray[np.float64] | None = None) -> None:
        self.before: Any = None
        self._changes: Any = None
        if weights is None:
            self.values = np.sort(values)
        else:
            order = np.argsort(values, kind="stable")
            order = order[weights[order] > 0]
            self.values = values[order]
            self.before = np.concatenate([[0.0], np.cumsum(weights[order])])
        n = len(self.values)
        mass = None if weights is None else np.diff(self.before)
        mean = np.mean(self.values, dtype=np.float64) if mass is None else np.average(self.values, weights=mass)
        self.centre = float(self.values.dtype.type(mean))
        apart = self.values - self.values.dtype.type(mean)
        self.sums, self.squares = np.zeros(n + 1), np.zeros(n + 1)
        np.cumsum(apart if mass is None else apart * mass, dtype=np.float64, out=self.sums[1:])
        wide = np.square(apart, dtype=np.float64)
        np.cumsum(wide if mass is None else wide * mass, out=self.squares[1:])

    def ends(self, thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Index of the first value beyond each threshold, with 0 and n around them: cells include their upper end."""
        if self.values.dtype == np.float32:  # a comparison in double precision would convert all the data
            single = thresholds.astype(np.float32)
            thresholds = np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)
        inside = np.searchsorted(self.values, thresholds, "right")
        return np.concatenate([[0], inside, [len(self.values)]])

    def moments(self, ends: npt.NDArray[np.intp]) -> Moments:
        """Of the cells between consecutive ends. Empty cells have NaN means."""
        weights = np.diff(ends).astype(np.float64) if self.before is None else np.diff(self.before[ends])
        sums = np.diff(self.sums[ends])
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / weights
        error = np.diff(self.squares[ends]) - np.where(weights > 0, sums * means, 0)
        return Moments(weights, means + self.centre, np.maximum(error, 0))

    def distinct(self, most: int) -> npt.NDArray[Any] | None:
        """The distinct values if there are at most `most`, else None."""
        if self._changes is None:
            self._changes = np.flatnonzero(self.values[1:] != self.values[:-1]) + 1
        return self.values[np.concatenate([[0], self._changes])] if len(self._changes) < most else None

    def start(self, count: int) -> npt.NDArray[np.float64]:
        """Levels whose density follows the cube root of the data's: a cell of weight m and width w, of a density m / w,
        gets a share of (m / w)^(1/3) w of the levels."""
        last, parts = len(self.values) - 1, max(START_CELLS * count, 64)
        tail = np.exp2(-np.arange(1.0, 60)) / parts  # the cells at the ends are halved again and again
        shares = np.concatenate([[0], tail[::-1], np.arange(1, parts) / parts, 1 - tail, [1]])
        if self.before is None:
            cut = np.unique((shares * last).round().astype(np.intp))
            mass = np.diff(cut).astype(np.float64)
        else:
            found = np.searchsorted(self.before, shares * self.before[-1])
            cut = np.unique(np.concatenate([[0], np.minimum(found, last), [last]]))
            mass = np.diff(self.before[cut])
        borders = self.values[cut].astype(np.float64)
        share = np.concatenate([[0.0], np.cumsum(np.cbrt(mass * np.diff(borders) ** 2))])
        return np.interp((np.arange(count) + 0.5) / count * share[-1], share, borders)

    def lloyd_max(self, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(thresholds, levels) of `count` levels, fewer if there are no more distinct values."""
        few = self.distinct(count)
        if few is not None:
            levels = few.astype(np.float64)
            return middle(levels), levels
        some = self.distinct(FEW_VALUES)
        if some is not None and count * len(some) ** 2 <= MOST_EXACT:
            return self.exact(some, count)
        levels, best, tried = self.start(count), math.inf, False
        for _ in range(MOST_ROUNDS):
            ends = self.ends(middle(levels))
            found = self.moments(ends)
            error = float(found.error.sum())
            if error < best * (1 - LEAST_GAIN):
                best, means = error, self._refilled(found, ends)
                levels = found.newton(levels)
                tried = levels is not None
                levels = means if levels is None else levels
            elif tried:  # Newton's step did not help: Lloyd's, which cannot increase the error
                levels, tried = means, False
            else:
                break
        return middle(means), means

    def exact(self, values: npt.NDArray[Any], count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(thresholds, levels) of the least squared error of all, by dynamic programming over the distinct `values`
        (Bruce, "Optimum quantization", MIT RLE report 429, 1965): after c rounds least[j] is the error of the first j
        values in c cells.
        """
        ends = np.searchsorted(self.values, values, "right")
        ends = np.concatenate([[0], ends])
        weights = ends.astype(np.float64) if self.before is None else self.before[ends]
        of = [p[None, :] - p[:, None] for p in (weights, self.sums[ends], self.squares[ends])]
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(of[0] > 0, of[2] - of[1] ** 2 / of[0], np.inf)  # of a cell from value i to value j - 1
        least, begins = error[0], []
        for _ in range(count - 1):
            total = least[:, None] + error
            begins.append(total.argmin(0))
            least = total.min(0)
        cuts = [len(values)]
        for begin in reversed(begins):
            cuts.append(int(begin[cuts[-1]]))
        levels = self.moments(ends[np.array([0, *reversed(cuts)])]).means
        return middle(levels), levels

    def _refilled(self, found, ends):
        """Means as levels; a level without data moves to the upper end of the cell with the largest error."""
        empty = np.flatnonzero(found.weights == 0)
        levels = found.means
        if not len(empty):
            return levels
        worst = np.argsort(-found.error, kind="stable")[: len(empty)]
        levels = levels.copy()
        levels[empty] = self.values[ends[worst + 1] - 1]
        return np.sort(levels)


def middle(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Midway between neighbours."""
    return levels[:-1] + np.diff(levels) / 2


# ---------------------------------------------------------------- densities of mean 0 and variance 1

_erfc = np.vectorize(math.erfc, otypes=[float])


def _gaussian(a, b):
    """(weight, mean) of cells from a to b, 0 <= a < b, and the density at both ends."""
    ends = np.stack([a, b])
    density = np.exp(-np.square(ends) / 2) / math.sqrt(2 * math.pi)
    beyond = _erfc(ends / math.sqrt(2)) / 2
    weight = beyond[0] - beyond[1]
    return weight, (density[0] - density[1]) / weight, density


def _laplace(a, b):
    rate = math.sqrt(2)
    density = np.exp(-rate * np.stack([a, b])) * (rate / 2)
    width = b - a
    weight = density[0] / rate * -np.expm1(-rate * width)
    with np.errstate(over="ignore", invalid="ignore"):
        late = np.where(rate * width < 700, width / np.expm1(rate * width), 0)
    return weight, a + 1 / rate - late, density


def _probit(p):
    """The Gaussian quantile of 1/2 <= p < 1, by Newton's method on the tail."""
    x = np.sqrt(np.maximum(0, -2 * np.log(2 * (1 - p)))) * 0.8
    for _ in range(60):
        x = np.maximum(x + (_erfc(x / math.sqrt(2)) / 2 - (1 - p)) / np.exp(-x * x / 2) * math.sqrt(2 * math.pi), x / 2)
    return x


def density_quantizer(density: str, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(thresholds, levels) of least squared error for a density of mean 0 and variance 1.

    Newton's method on y = mean of its cell, for the positive half: each mean depends on the neighbours only, so a step
    solves a tridiagonal system. It starts from quantiles of the density's cube root.
    """
    if density == "uniform":
        edges = np.linspace(-math.sqrt(3), math.sqrt(3), count + 1)
        return edges[1:-1], middle(edges)
    half = count // 2
    if not half:
        return np.zeros(0), np.zeros(1)
    odd = count % 2
    p = 0.5 + (np.arange(half) + 0.5 + odd / 2) / count
    if density == "gaussian":
        cell, y = _gaussian, math.sqrt(3) * _probit(p)
    else:
        cell, y = _laplace, -3 / math.sqrt(2) * np.log(2 * (1 - p))
    for _ in range(100):
        step = _half_step(cell, y, odd)
        shrinks = float((np.diff(step, prepend=0) / np.diff(y, prepend=0)).max())
        step *= min(1.0, 0.5 / shrinks) if shrinks > 0 else 1.0  # neighbours stay in order
        y = y - step
        if np.abs(step).max() < 1e-14 * y[-1]:
            break
    positive = np.concatenate([[y[0] / 2] if odd else [], middle(y)])
    thresholds = np.concatenate([-positive[::-1], [] if odd else [0.0], positive])
    return thresholds, np.concatenate([-y[::-1], [0.0] * odd, y])


def _half_step(cell, y, odd):
    """Newton's step for the positive half. The middle level of an odd number stays at 0."""
    a = np.concatenate([[y[0] / 2 if odd else 0.0], middle(y)])
    b = np.concatenate([middle(y), [40.0 + 3 * y[-1]]])
    weight, mean, density = cell(a, b)
    below, above = density[0] * (mean - a) / weight, density[1] * (b - mean) / weight
    above[-1] = 0
    if not odd:
        below[0] = 0
    return newton_step(below, above, y - mean)


def newton_step(
    below: npt.NDArray[np.float64], above: npt.NDArray[np.float64], residual: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """J^-1 residual for residual = y - mean. `below` and `above` are the derivatives of a mean by the thresholds under
    and over it, f(a) (mean - a) / weight and f(b) (b - mean) / weight; a threshold moves by half of what either
    neighbour does, so that J is tridiagonal."""
    main, right = (1 - (below + above) / 2).tolist(), residual.tolist()
    lower, upper = (-below / 2).tolist(), (-above / 2).tolist()
    for i in range(1, len(main)):
        factor = lower[i] / main[i - 1] if main[i - 1] else 0.0
        main[i] -= factor * upper[i - 1]
        right[i] -= factor * right[i - 1]
    for i in range(len(main) - 1, -1, -1):
        follows = upper[i] * right[i + 1] if i + 1 < len(main) else 0.0
        right[i] = (right[i] - follows) / main[i] if main[i] else 0.0
    return np.array(right)
