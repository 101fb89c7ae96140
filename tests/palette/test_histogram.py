"""Counts of colours: exact for few colours, bins with exact sums beyond that."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from codec.palette._histogram import Histogram


def naive(pixels, importance):
    keys = pixels.copy()
    if pixels.shape[1] == 4:
        keys[keys[:, 3] == 0] = 0
    table = {}
    for key, w in zip(map(tuple, keys.tolist()), importance):
        table.setdefault(key, [0, 0])
        table[key][0] += 1
        table[key][1] += int(w)
    return table


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_counts(channels, weighted):
    rng = np.random.default_rng(channels)
    pixels = rng.integers(0, 7, (5000, channels)).astype(np.uint8) * 36
    importance = rng.integers(0, 256, 5000).astype(np.uint8) if weighted else np.ones(5000, np.uint8)
    histogram = Histogram(channels, 5000)
    entries = histogram.add(pixels, importance if weighted else None)
    counts, weights, sums = histogram.entries()
    colors = histogram.colors()
    expected = naive(pixels, importance)
    assert histogram.exact and histogram.n == len(expected)
    assert {tuple(c): [int(n), int(w)] for c, n, w in zip(colors.tolist(), counts, weights)} == expected
    kept = pixels * (pixels[:, 3:] > 0) if channels == 4 else pixels
    assert (colors[entries] == kept).all()
    alpha = colors[:, 3:].astype(int) if channels == 4 else 1
    assert (sums[:, :3] == weights[:, None] * alpha * colors[:, :3]).all()


@given(st.integers(1, 60), st.sampled_from([1, 3, 4]), st.integers(0, 99))
@examples(40)
def test_bins_keep_sums(most, channels, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (400, channels)).astype(np.uint8)
    importance = rng.integers(0, 9, 400).astype(np.uint8)
    histogram = Histogram(channels, most)
    for part in range(4):  # several pictures count as one
        histogram.add(pixels[100 * part : 100 * part + 100], importance[100 * part : 100 * part + 100])
    counts, weights, sums = histogram.entries()
    assert histogram.n <= most and counts.sum() == 400 and weights.sum() == importance.sum()
    w, alpha = importance.astype(int), pixels[:, 3].astype(int) if channels == 4 else 1
    expected = (w * alpha * pixels[:, :3].T.astype(int)).sum(1)
    assert (sums[:, :3].sum(0) == expected).all()
    assert len(np.unique(histogram.colors(), axis=0)) == histogram.n
    assert (histogram.colors().astype(int) % (1 << histogram.ignored_bits) == 0).all()


def test_bins_are_as_fine_as_the_bound_allows():
    pixels = np.stack(np.meshgrid(*[np.arange(0, 256, 8)] * 3), -1).reshape(-1, 3).astype(np.uint8)
    for most, bits in ((32768, 0), (32767, 4), (4096, 4), (4095, 5)):
        histogram = Histogram(3, most)
        histogram.add(pixels)
        assert histogram.ignored_bits == bits
