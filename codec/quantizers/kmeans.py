"""Weighted k-means: seeding, Lloyd's rounds, and split-and-merge rounds that escape local optima."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ..pixels import as_array
from ._kmeans import MOST_COORDINATE, MOST_DIMENSIONS, MOST_SQUARED_DISTANCE, PointTree, cheapest_merges, variance_cut

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt

__all__ = [
    "MOST_COORDINATE",
    "MOST_DIMENSIONS",
    "MOST_SQUARED_DISTANCE",
    "Clusters",
    "cluster",
    "nearest",
    "variance_cut",
]

POINTS_PER_CENTRE = 64  # two leaves; with fewer points the tree nodes are too coarse for seeds
MOST_WEIGHT = 2.0**53  # sums of weights are exact below
FIRST_MOVED = 8  # the first split-and-merge round moves 1/8 of the centres


@dataclass(frozen=True)
class Clusters:
    """The result of `cluster`.

    Attributes
    ----------
    centres : (k, D) float32
        Rounded means. At most as many as asked for.
    labels : (n,) int32
        The nearest centre of each point; the first one on ties.
    weights : (k,) float64
        Total weight of the points of each centre.
    error : float
        Sum over the points of weight times squared distance to the centre.
    """

    centres: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int32] = field(repr=False)
    weights: npt.NDArray[np.float64] = field(repr=False)
    error: float

    def __repr__(self) -> str:
        return f"Clusters({len(self.centres)} centres of {len(self.labels)} points, error={self.error:g})"


def plus_plus(points, weights, k, rng):
    """k-means++ (Arthur and Vassilvitskii, SODA 2007): each seed is drawn with probability proportional to weight times
    squared distance.
    """
    chosen = np.empty(k, np.intp)
    nearest = np.full(len(points), np.inf)
    for i in range(k):
        chance = np.cumsum(weights if i == 0 else weights * nearest)
        if chance[-1] == 0:
            return points[chosen[:i]]
        chosen[i] = min(
            np.searchsorted(chance, rng.integers(0, 1 << 53) / (1 << 53) * chance[-1], "right"), len(points) - 1
        )
        nearest = np.minimum(nearest, np.square(points - points[chosen[i]], dtype=np.float64).sum(1))
    return points[chosen]


def means_of(points, weights, labels, k):
    """Weighted means of the points with each label 0..k-1, rounded."""
    mass = np.bincount(labels, weights, k)
    return _rounded(
        np.stack([np.bincount(labels, weights * column, k) for column in points.T.astype(np.float64)], 1), mass
    )


def _rounded(sums, mass):
    return np.floor(sums / np.maximum(mass, 1)[:, None] + 0.5).astype(np.float32)


def nearest(points: npt.ArrayLike, centres: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The nearest of (k, D) centres for each of (n, D) points, (n,) int32; the first one on ties. Ranges as for
    `cluster`.
    """
    points, _ = _checked(points, None, 1)
    centres = as_array(centres, "centres", np.float32)
    if centres.ndim != 2 or not len(centres) or centres.shape[1] != points.shape[1]:
        raise ParameterError(f"centres must have the shape (k, {points.shape[1]}) like the points, not {centres.shape}")
    if not (centres.min() >= 0 and centres.max() <= MOST_COORDINATE):  # NaN fails
        raise ParameterError(f"centres must be within 0..{MOST_COORDINATE}")
    tree = PointTree(points, np.ones(len(points)), cpu.level_index())
    tree.assign(np.ascontiguousarray(centres, np.float32))
    return tree.labels()


class _Search:
    """A clustering in progress: the tree, the current centres and their error."""

    def __init__(self, points, weights):
        self.points, self.weights = points, weights
        self.tree = PointTree(points, weights, cpu.level_index())

    def from_boxes(self, k):
        """Means of k boxes: nodes of the tree, or boxes cut for the purpose if the tree has too few leaves."""
        if len(self.points) >= POINTS_PER_CENTRE * k:
            made = self.tree.seeds(k)
            return _rounded(made[:, 1 : 1 + self.points.shape[1]], made[:, 0])
        labels = variance_cut(self.points, self.weights, k)
        return means_of(self.points, self.weights, labels, labels.max() + 1)

    def start(self, centres):
        self.centres = centres
        self.assign()

    def assign(self):
        made = self.tree.assign(self.centres)
        D = self.points.shape[1]
        self.mass, self.sums, self.squares = made[:, 0], made[:, 1 : 1 + D], made[:, 1 + D :]
        self.error = float(
            (
                self.squares
                - 2 * self.centres * self.sums
                + np.square(self.centres, dtype=np.float64) * self.mass[:, None]
            ).sum()
        )

    def move(self):
        """One of Lloyd's rounds. Centres without points move to where the error is largest."""
        centres = _rounded(self.sums, self.mass)
        empty = np.flatnonzero(self.mass == 0)
        if len(empty):
            distance = np.square(self.points - self.centres[self.tree.labels()]).sum(1)
            far = np.argsort(-(self.weights * distance), kind="stable")[: len(empty)]
            centres[empty[: len(far)]] = self.points[far]
        self.centres = centres
        self.assign()

    def settle(self, rounds, tolerance):
        """Run rounds until one gains less than `tolerance` of the error."""
        for _ in range(rounds):
            before = self.error
            self.move()
            if self.error >= before * (1 - tolerance):
                return

    def state(self):
        return self.centres, self.mass, self.sums, self.squares, self.error

    def restore(self, state):
        self.centres, self.mass, self.sums, self.squares, self.error = state

    def split_and_merge(self, n):
        """Move n centres to where they help most: merge the cheapest pairs, split the worst clusters."""
        centres = _rounded(self.sums, self.mass).astype(np.float64)
        mass = np.ascontiguousarray(self.mass)
        variance = np.maximum(self.squares - np.square(self.sums) / np.maximum(mass, 1)[:, None], 0)
        worst = np.argsort(-variance.max(1), kind="stable")[:n]
        partner, cost = cheapest_merges(centres, mass)
        kept, freed = self._disjoint(np.argsort(cost, kind="stable"), partner, worst)
        merged = self.centres.copy()
        merged[kept] = _rounded(self.sums[kept] + self.sums[freed], mass[kept] + mass[freed])
        worst = worst[: len(freed)]
        axis = variance[worst].argmax(1)
        step = 0.8 * np.sqrt(variance[worst, axis] / np.maximum(mass[worst], 1))
        merged[worst] = merged[freed] = centres[worst]
        merged[worst, axis] = np.maximum(np.floor(centres[worst, axis] - step + 0.5), 0)
        merged[freed, axis] = np.minimum(np.floor(centres[worst, axis] + step + 0.5), MOST_COORDINATE)
        self.centres = merged
        self.assign()

    @staticmethod
    def _disjoint(order, partner, taken):
        """The first len(taken) pairs (i, partner[i]) in that order that share no member with each other or with
        `taken`.
        """
        used, kept, freed = set(taken.tolist()), [], []
        for i, j in zip(order.tolist(), partner[order].tolist()):
            if len(freed) == len(taken):
                break
            if i not in used and j not in used:
                used |= {i, j}
                kept.append(i)
                freed.append(j)
        return kept, freed


def cluster(
    points: npt.ArrayLike,
    k: int,
    *,
    weights: npt.ArrayLike | None = None,
    seeds: Literal["boxes", "plus-plus"] = "boxes",
    rounds: int = 10,
    tries: int = 7,
    tolerance: float = 3e-4,
    seed: int = 0,
) -> Clusters:
    """Find centres of (nearly) least weighted squared error.

    One of Lloyd's rounds is followed by split-and-merge rounds: centres are merged where they are missed least and
    split where they help most. After two of Lloyd's rounds the result is kept if the error is lower; otherwise the next
    round moves fewer centres. Lloyd's rounds finish the search. (Fraenti, Kaukoranta, Nevalainen, "On the splitting
    method for vector quantization codebook generation", Opt. Eng. 36(11), 1997, combine the two steps in the same way.)

    Parameters
    ----------
    points : (n, D) float32
        Integers in 0..MOST_COORDINATE, D <= MOST_DIMENSIONS, with no squared distance above MOST_SQUARED_DISTANCE.
    k : int
        The largest number of centres.
    weights : (n,) optional
        Integers >= 0, their sum times the largest squared coordinate below 2^53. Default: 1.
    seeds : str
        "boxes": means of boxes, made by halving the worst one repeatedly; "plus-plus": k-means++, drawn with `seed`.
    rounds : int
        The largest number of Lloyd's rounds at the end.
    tries : int
        The largest number of split-and-merge rounds.
    tolerance : float
        Stop when a round gains less than this fraction of the error.
    seed : int

    Returns
    -------
    Clusters

    Raises
    ------
    ParameterError
        If the points or weights are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers.kmeans import cluster
    >>> found = cluster(np.array([[1, 1], [3, 1], [90, 90], [92, 90]]), 2)
    >>> found.centres.tolist(), found.labels.tolist(), found.error
    ([[2.0, 1.0], [91.0, 90.0]], [0, 0, 1, 1], 4.0)
    """
    points, weights = _checked(points, weights, k)
    if not isinstance(seeds, str) or seeds not in ("boxes", "plus-plus"):
        raise ParameterError(f"seeds must be 'boxes' or 'plus-plus', not {seeds!r}")
    for name, value in (("rounds", rounds), ("tries", tries), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise ParameterError(f"{name} must be an integer that is not negative, not {value!r}")
    if not isinstance(tolerance, (int, float, np.number)) or not tolerance >= 0:
        raise ParameterError(f"tolerance must be a number that is not negative, not {tolerance!r}")
    search = _Search(points, weights)
    search.start(
        search.from_boxes(k) if seeds == "boxes" else plus_plus(points, weights, k, np.random.default_rng(seed))
    )
    search.settle(1, 0)
    moved = max(1, len(search.centres) // FIRST_MOVED)
    for _ in range(tries if len(search.centres) >= 4 else 0):
        before = search.state()
        search.split_and_merge(moved)
        search.settle(2, 0)
        if search.error >= before[-1]:
            search.restore(before)
            if moved == 1:
                break
            moved //= 2
    search.settle(rounds, tolerance)
    search.assign()
    return Clusters(search.centres, search.tree.labels(), search.mass, search.error)


def _checked(points, weights, k):
    points = np.ascontiguousarray(as_array(points, "points", np.float32))
    if points.ndim != 2 or not len(points) or not 1 <= points.shape[1] <= MOST_DIMENSIONS:
        raise ParameterError(
            f"points must have the shape (n, D) with D within 1..{MOST_DIMENSIONS}, not {points.shape}"
        )
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ParameterError(f"the number of centres must be a positive integer, not {k!r}")
    lo, hi = points.min(0), points.max(0)
    if not (lo.min() >= 0 and hi.max() <= MOST_COORDINATE and (points == np.floor(points)).all()):  # NaN fails
        raise ParameterError(f"points must be integers within 0..{MOST_COORDINATE}")
    if np.square(hi - lo, dtype=np.float64).sum() > MOST_SQUARED_DISTANCE:
        raise ParameterError(f"points must be within a squared distance of {MOST_SQUARED_DISTANCE}: scale them down")
    if weights is None:
        return points, np.ones(len(points))
    weights = np.ascontiguousarray(as_array(weights, "weights", np.float64))
    if weights.shape != (len(points),) or not (
        weights.min() >= 0 and 0 < weights.sum() < MOST_WEIGHT and (weights == np.floor(weights)).all()
    ):
        raise ParameterError(
            f"weights must be {len(points)} non-negative integers, not all zero, with a sum below 2^53"
        )
    return points, weights
