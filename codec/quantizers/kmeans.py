"""Weighted k-means: seeds, Lloyd's rounds, and rounds of splitting and merging that leave its local optima."""
from dataclasses import dataclass

import numpy as np

from .. import cpu
from ._kmeans import MOST_COORDINATE, MOST_SQUARED_DISTANCE, PointTree, cheapest_merges, variance_cut

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

    def __init__(self, points, weights):
        self.points, self.weights = points, weights
        self.tree = PointTree(points, weights, cpu.has("avx2"))

    def from_tree(self, k):
        """Means of boxes."""
        made = self.tree.seeds(k)
        return _rounded(made[:, 1:1 + self.points.shape[1]], made[:, 0])

    def start(self, centres):
        self.centres = centres
        self.assign()

    def assign(self):
        made = self.tree.assign(self.centres)
        D = self.points.shape[1]
        self.mass, self.sums, self.squares = made[:, 0], made[:, 1:1 + D], made[:, 1 + D:]
        self.error = float((self.squares - 2 * self.centres * self.sums + np.square(self.centres, dtype=np.float64) * self.mass[:, None]).sum())

    def move(self):
        """One of Lloyd's rounds; a centre that nothing is nearest to goes where the error is worst."""
        centres = _rounded(self.sums, self.mass)
        empty = np.flatnonzero(self.mass == 0)
        if len(empty):
            distance = np.square(self.points - self.centres[self.tree.labels()]).sum(1)
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
        return self.centres, self.mass, self.sums, self.squares, self.error

    def restore(self, state):
        self.centres, self.mass, self.sums, self.squares, self.error = state

    def split_and_merge(self, n):
        """Give n centres from where they are missed least to where they help most: merge the cheapest pairs, split the worst clusters."""
        centres = _rounded(self.sums, self.mass).astype(np.float64)
        mass = np.ascontiguousarray(self.mass)
        variance = np.maximum(self.squares - np.square(self.sums) / np.maximum(mass, 1)[:, None], 0)
        worst = np.argsort(-variance.max(1), kind="stable")[:n]
        used = np.zeros(len(centres), bool)
        used[worst] = True
        partner, cost = cheapest_merges(centres, mass)
        order = np.argsort(cost, kind="stable")
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


def cluster(points, k, *, weights=None, seeds="tree", rounds=10, tries=16, tolerance=3e-4, seed=0):
    """Cluster."""
    points = np.ascontiguousarray(points, np.float32)
    weights = np.ones(len(points)) if weights is None else np.ascontiguousarray(weights, np.float64)
    search = _Search(points, weights)
    search.start(search.from_tree(k) if seeds == "tree" else plus_plus(points, weights, k, np.random.default_rng(seed)))
    search.settle(1, 0)
    n = max(1, len(search.centres) // 8)
    for _ in range(tries if len(search.centres) >= 4 else 0):
        before = search.state()
        search.split_and_merge(n)
        search.settle(2, 0)
        if search.error >= before[-1]:
            search.restore(before)
            if n == 1:
                break
            n //= 2
    search.settle(rounds, tolerance)
    search.assign()
    return Clusters(search.centres, search.tree.labels(), search.mass, search.error)
