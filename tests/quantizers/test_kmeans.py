"""k-means: exact assignment for any order of moves, and errors as low as those of many rounds from many starts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from codec import _core, cpu
from codec.errors import ParameterError
from codec.quantizers._kmeans import PointTree, cheapest_merges
from codec.quantizers.kmeans import MOST_COORDINATE, cluster, nearest, variance_cut


def blobs(n, D, seed=0, top=2000):
    rng = np.random.default_rng([n, D, seed])
    middle = rng.integers(0, top, (max(1, n // 40), D))
    return np.clip(middle[rng.integers(0, len(middle), n)] + rng.normal(0, 40, (n, D)).astype(int), 0, top).astype(
        np.float32
    )


def naive_assign(points, weights, centres):
    squared = np.square(points[:, None].astype(np.int64) - centres[None].astype(np.int64)).sum(2)
    labels = squared.argmin(1)  # the first of equals
    sums = np.zeros((len(centres), 1 + 2 * points.shape[1]))
    for label, point, w in zip(labels, points.astype(np.float64), weights):
        sums[label] += np.concatenate([[w], w * point, w * point * point])
    return labels, sums


@pytest.mark.parametrize("level", _core.BUILT_LEVELS)
@pytest.mark.parametrize(
    "n, D, k", [(1, 3, 1), (31, 3, 5), (32, 1, 4), (33, 6, 40), (500, 3, 17), (700, 4, 64), (300, 16, 30)]
)
def test_assignment_is_that_of_comparing_everything(level, n, D, k):
    if level > cpu.level_index():
        pytest.skip("this machine does not have the level")
    top = 2000 if D <= 3 else 1000
    points, rng = blobs(n, D, top=top), np.random.default_rng(n)
    weights = rng.integers(0, 50, n).astype(np.float64)
    tree = PointTree(points, weights, level)
    centres = rng.integers(0, top, (k, D)).astype(np.float32)
    for moved in (k, 1, 0, k // 2, 2, k, 1):  # unvisited nodes must still be right
        chosen = rng.permutation(k)[:moved]
        centres[chosen] = rng.integers(0, top, (len(chosen), D))
        if k > 2:
            centres[-1] = centres[0]  # and a duplicate, which gets no points
        sums = tree.assign(centres)
        labels, expected = naive_assign(points, weights, centres)
        assert (tree.labels() == labels).all()
        assert (sums == expected).all()


@given(st.integers(1, 200), st.integers(1, 12), st.integers(0, 1000))
@examples(60)
def test_ties_go_to_the_first_on_a_coarse_lattice(n, k, seed):
    rng = np.random.default_rng(seed)
    points, tree = rng.integers(0, 4, (n, 3)).astype(np.float32), None
    tree = PointTree(points, np.ones(n), cpu.level_index())
    centres = rng.integers(0, 4, (k, 3)).astype(np.float32)
    for _ in range(6):
        tree.assign(centres)
        assert (tree.labels() == naive_assign(points, np.ones(n), centres)[0]).all()
        centres[rng.integers(0, k)] = rng.integers(0, 4, 3)


def test_levels_agree_bit_for_bit():
    points, weights = blobs(3000, 3), np.random.default_rng(0).integers(1, 9, 3000)
    with cpu.force("scalar"):
        one = cluster(points, 40, weights=weights)
    two = cluster(points, 40, weights=weights)
    assert (one.centres == two.centres).all() and (one.labels == two.labels).all() and one.error == two.error


def test_the_error_is_that_of_the_result():
    points, weights = blobs(2000, 3), np.random.default_rng(1).integers(0, 9, 2000).astype(float)
    found = cluster(points, 30, weights=weights)
    squared = np.square(points.astype(np.float64) - found.centres[found.labels]).sum(1)
    assert found.error == (squared * weights).sum()
    assert (found.weights == np.bincount(found.labels, weights, len(found.centres))).all()


def naive_kmeans(points, k, seed):
    """Lloyd's algorithm in floating point from random points, until it converges."""
    rng = np.random.default_rng(seed)
    centres = points[rng.permutation(len(points))[:k]].astype(np.float64)
    for _ in range(100):
        labels = np.square(points[:, None] - centres[None]).sum(2).argmin(1)
        centres = np.stack([points[labels == i].mean(0) if (labels == i).any() else centres[i] for i in range(k)])
    return np.square(points - centres[labels]).sum()


@pytest.mark.parametrize("seeds", ["boxes", "plus-plus"])
def test_it_beats_lloyd_from_ten_starts(seeds):
    points = blobs(600, 3, seed=3)
    best = min(naive_kmeans(points, 24, seed) for seed in range(10))
    assert cluster(points, 24, seeds=seeds, seed=1).error <= 1.005 * best


def test_few_points_for_many_centres():
    """The tree then has hardly any leaves; every centre must still be used."""
    points = np.random.default_rng(0).permutation(2000)[:300, None].astype(np.float32)
    found = cluster(points, 100)
    assert len(found.centres) == 100 and (found.weights > 0).all()


def test_as_many_centres_as_points_cost_nothing():
    points = blobs(50, 3)
    assert cluster(np.unique(points, axis=0), 50).error == 0


def test_seeds_decide_and_repeat():
    points = blobs(900, 3)
    one, same = (cluster(points, 20, seeds="plus-plus", seed=5) for _ in range(2))
    assert (one.centres == same.centres).all()
    assert (cluster(points, 20, seeds="plus-plus", seed=6).centres != one.centres).any()


def test_weights_are_repetitions():
    points = blobs(200, 3)
    often = np.random.default_rng(2).integers(1, 5, 200)
    assert cluster(points, 10, weights=often).error == pytest.approx(
        cluster(points.repeat(often, 0), 10).error, rel=0.02
    )


def test_cheapest_merges_are_ward_s():
    rng = np.random.default_rng(0)
    centres, weights = rng.integers(0, 99, (12, 3)).astype(float), rng.integers(1, 20, 12).astype(float)
    partner, cost = cheapest_merges(centres, weights)
    table = np.square(centres[:, None] - centres).sum(2) * weights[:, None] * weights / (weights[:, None] + weights)
    np.fill_diagonal(table, np.inf)
    assert cost == pytest.approx(table.min(1)) and (table[np.arange(12), partner] == pytest.approx(table.min(1)))


@pytest.mark.parametrize("all_axes", [False, True])
def test_a_cut_is_the_best_one(all_axes):
    """Two boxes of points on a line, compared with trying every threshold."""
    rng = np.random.default_rng(4)
    points = np.zeros((60, 3), np.float32)
    points[:, 1] = rng.integers(0, 300, 60)
    weights = rng.integers(1, 9, 60).astype(float)
    labels = variance_cut(points, weights, 2, all_axes)

    def error(mask):
        return sum(
            (w * (x - np.average(x, weights=w)) ** 2).sum()
            for x, w in ((points[m, 1], weights[m]) for m in (mask, ~mask))
        )

    best = min(error(points[:, 1] < t) for t in np.unique(points[:, 1])[1:])
    assert error(labels == 0) == pytest.approx(best)


def test_boxes_are_numbered_without_gaps_and_end_when_nothing_is_left_to_cut():
    points = np.repeat(np.array([[0, 0, 0], [9, 9, 9], [9, 0, 0]], np.float32), 5, 0)
    labels = variance_cut(points, np.ones(15), 8)
    assert sorted(set(labels)) == [0, 1, 2]


def test_nearest_is_the_first_of_equals():
    assert nearest(np.array([[5, 0], [9, 0]]), np.array([[4, 0], [6, 0], [9, 0], [9, 0]])).tolist() == [0, 2]


@pytest.mark.parametrize(
    "points, k, weights, what",
    [
        (np.zeros((0, 3)), 1, None, "shape"),
        (np.zeros((4, 65)), 1, None, "shape"),
        (np.zeros(4), 1, None, "shape"),
        (np.full((2, 1), MOST_COORDINATE + 1), 1, None, "within 0..2047"),
        (np.full((2, 1), -1), 1, None, "within"),
        (np.full((2, 1), 0.5), 1, None, "integers"),
        (np.full((2, 1), np.nan), 1, None, "integers"),
        (np.stack([np.zeros(16), np.full(16, 2000)]), 1, None, "squared distance"),
        (np.ones((2, 1)), 0, None, "positive"),
        (np.ones((2, 1)), 1, [1], "weights"),
        (np.ones((2, 1)), 1, [0, 0], "weights"),
        (np.ones((2, 1)), 1, [1, -1], "weights"),
        (np.ones((2, 1)), 1, [1, 0.5], "weights"),
        (np.ones((2, 1)), 1, [1, np.nan], "weights"),
    ],
)
def test_bad_input_is_refused(points, k, weights, what):
    with pytest.raises(ParameterError, match=what):
        cluster(points, k, weights=weights)
