"""Weighted k-means: seeds, Lloyd's rounds, and rounds of splitting and merging that leave its local optima."""
from dataclasses import dataclass

import numpy as np

from .. import cpu
from ._kmeans import MOST_COORDINATE, MOST_SQUARED_DISTANCE, PointTree, variance_cut

__all__ = ["MOST_COORDINATE", "MOST_SQUARED_DISTANCE", "Clusters", "cluster"]


@dataclass(frozen=True)
class Clusters:
    """What `cluster` returns.

    Attributes
    ----------
    centres : (k, D) float32
        Integers: the means, rounded. At most as many as asked for.
    labels : (n,) int32
        The nearest centre of each point; of equal ones the first.
    weights : (k,) float64
        Of the points of each centre.
    error : float
        Sum over the points of weight times squared distance to their centre.
    """

    centres: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    error: float


def plus_plus(points, weights, k, rng):
    """k-means++ (Arthur and Vassilvitskii, SODA 2007): each seed is drawn with probability proportional to weight times squared distance."""
    chosen = np.empty(k, np.intp)
    nearest = np.full(len(points), np.inf)
    for i in range(k):
        chance = np.cumsum(weights if i == 0 else weights * nearest)
        if chance[-1] == 0:
            return points[chosen[:i]]
        chosen[i] = min(np.searchsorted(chance, rng.integers(0, 1 << 53) / (1 << 53) * chance[-1], "right"), len(points) - 1)
        nearest = np.minimum(nearest, np.square(points - points[chosen[i]], dtype=np.float64).sum(1))
    return points[chosen]


def means_of(points, weights, labels, k):
    """Weighted means of the points with each label 0..k-1, rounded."""
    mass = np.bincount(labels, weights, k)
    return _rounded(np.stack([np.bincount(labels, weights * column, k) for column in points.T.astype(np.float64)], 1), mass)


def _rounded(sums, mass):
    return np.floor(sums / np.maximum(mass, 1)[:, None] + 0.5).astype(np.float32)


class _Search:
    """One clustering on its way: the tree, the best centres so far and what they cost."""

    def __init__(self, points, weights, centres):
        self.points, self.weights = points, weights
        self.tree = PointTree(points, weights, cpu.has("avx2"))
        self.centres = centres
        self.assign()

    def assign(self):
        self.mass, self.sums, self.squares, self.errors = self.tree.assign(self.centres)
        self.error = float(self.errors.sum())

    def move(self):
        """One of Lloyd's rounds; a centre that nothing is nearest to goes where the error is worst."""
        centres = _rounded(self.sums, self.mass)
        empty = np.flatnonzero(self.mass == 0)
        if len(empty):
            _, distance = self.tree.labels()
            far = np.argsort(-(self.weights * distance), kind="stable")[:len(empty)]
            centres[empty[:len(far)]] = self.points[far]
        self.centres = centres
        self.assign()

    def settle(self, rounds, tolerance):
        """Rounds until they gain less than `tolerance` of the error."""
        for _ in range(rounds):
            before = self.error
            self.move()
            if self.error >= before * (1 - tolerance):
                return

    def state(self):
        return self.centres, self.mass, self.sums, self.squares, self.errors, self.error

    def restore(self, state):
        self.centres, self.mass, self.sums, self.squares, self.errors, self.error = state

    def split_and_merge(self, n):
        """Give n centres from where they are missed least to where they help most: merge the cheapest pairs, split the worst clusters."""
        centres = _rounded(self.sums, self.mass).astype(np.float64)
        mass = self.mass
        squared = np.square(centres).sum(1)
        cost = np.maximum(squared[:, None] + squared - 2 * centres @ centres.T, 0)
        cost *= mass[:, None] * mass / np.maximum(mass[:, None] + mass, 1)
        np.fill_diagonal(cost, np.inf)
        variance = np.maximum(self.squares - np.square(self.sums) / np.maximum(mass, 1)[:, None], 0)
        worst = np.argsort(-variance.max(1), kind="stable")[:n]
        used = np.zeros(len(centres), bool)
        used[worst] = True
        partner = cost.argmin(1)
        order = np.argsort(cost[np.arange(len(cost)), partner], kind="stable")
        merged = self.centres.copy()
        free = []
        for i in order:
            j = partner[i]
            if len(free) == n:
                break
            if used[i] or used[j]:
                continue
            used[i] = used[j] = True
            merged[i] = _rounded((self.sums[i] + self.sums[j])[None], (mass[i] + mass[j])[None])[0]
            free.append(j)
        for i, j in zip(worst, free):
            axis = variance[i].argmax()
            step = 0.8 * np.sqrt(variance[i, axis] / max(mass[i], 1))
            merged[i] = merged[j] = centres[i]
            merged[i, axis] = max(np.floor(centres[i, axis] - step + 0.5), 0)
            merged[j, axis] = min(np.floor(centres[i, axis] + step + 0.5), MOST_COORDINATE)
        self.centres = merged
        self.assign()
        return len(free)


def cluster(points, k, *, weights=None, seeds="variance", rounds=10, swaps=12, tolerance=1e-3, rng=None):
    """Cluster."""
    points = np.ascontiguousarray(points, np.float32)
    weights = np.ones(len(points)) if weights is None else np.ascontiguousarray(weights, np.float64)
    if isinstance(seeds, str):
        if seeds == "variance":
            labels = variance_cut(points, weights, k)
            centres = means_of(points, weights, labels, labels.max() + 1)
        else:
            centres = plus_plus(points, weights, k, rng)
    else:
        centres = np.ascontiguousarray(seeds, np.float32)
    search = _Search(points, weights, centres)
    search.settle(rounds, tolerance)
    n = max(1, len(centres) // 16)
    for _ in range(swaps):
        before = search.state()
        if len(centres) < 4:
            break
        search.split_and_merge(n)
        search.settle(2, 0)
        if search.error >= before[-1]:
            search.restore(before)
            if n == 1:
                break
            n = n // 2
    if swaps:
        search.settle(rounds, tolerance)
    search.assign()
    labels, _ = search.tree.labels()
    return Clusters(search.centres, labels, search.mass, search.error)
