"""One histogram for any order and any batches; counts against np.histogram."""

import math
import random
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codec.errors import ParameterError
from codec.quantizers.histogram import BINS, Histogram

FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=40)
NEAR = st.lists(st.integers(-1000, 1000).map(lambda i: 1000 + i / 7), min_size=1, max_size=40)


@example([-5e-324, 1e300], random.Random(0))
@given(st.one_of(FINITE, NEAR), st.randoms(use_true_random=False))
def test_any_batches_give_one_histogram(values, chance):
    whole = Histogram(values)
    shuffled = chance.sample(values, len(values))
    parts = Histogram()
    while shuffled:
        cut = chance.randint(1, len(shuffled))
        part = Histogram(shuffled[:cut])
        if chance.random() < 0.5:
            parts.merge(part)
        else:
            part.merge(parts)
            parts = part
        del shuffled[:cut]
    assert parts == whole


@given(st.one_of(FINITE, NEAR))
def test_every_value_is_counted_in_its_bin(values):
    h = Histogram(values)
    assert h.total == h.counts.sum() == len(values) and h.counts.size <= BINS
    assert (h.minimum, h.maximum) == (min(values), max(values))
    assert h.counts[0] and h.counts[-1]
    expected = [Fraction(value) // Fraction(2) ** h.exponent - h.first for value in values]
    assert np.array_equal(np.bincount(expected, minlength=h.counts.size), h.counts)


def test_at_least_half_of_the_bins_are_used():
    for scale in (1e-300, 1e-3, 1, 1e300):
        for offset in (0, 1000):
            x = (np.random.default_rng(0).random(1000) + offset) * scale
            assert BINS / 2 <= Histogram(x).counts.size <= BINS


def test_counts_against_numpy():
    x = np.random.default_rng(1).normal(size=(300, 400)).astype(np.float32)
    h = Histogram(x.T)  # not contiguous
    assert np.array_equal(np.histogram(x, h.edges)[0], h.counts)
    coarse = h.at_most(100)
    assert 50 <= coarse.counts.size <= 100
    assert np.array_equal(np.histogram(x, coarse.edges)[0], coarse.counts)


@pytest.mark.parametrize("offset", [0, 3, -3, 20])
def test_magnitudes(offset):
    x = np.random.default_rng(1).normal(offset, 1, 5000)
    h = Histogram(x)
    first, counts = h.magnitudes()
    edges = (first + np.arange(counts.size + 1)) * h.width
    assert np.array_equal(np.histogram(np.abs(x), edges)[0], counts)


def test_a_file_larger_than_the_memory_of_a_piece(tmp_path):
    mapped = np.memmap(tmp_path / "x.bin", np.float32, "w+", shape=(1 << 22,))
    mapped[:] = np.random.default_rng(0).normal(size=mapped.size)
    mapped.flush()
    tracemalloc.start()
    h = Histogram(np.memmap(tmp_path / "x.bin", np.float32, "r"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert h.total == 1 << 22 and peak < 12e6  # 16.8 MB are in the file, 33.6 MB as float64


def test_bad_values_name_number_and_place():
    x = np.zeros(500_000)
    x[400_000], x[[7, 499_999]] = math.inf, math.nan
    h = Histogram([1.0])
    with pytest.raises(ParameterError, match="2 NaN and 1 infinite values, the first at index 7 "):
        h.update(x)
    assert h == Histogram([1.0])
    with pytest.raises(ParameterError, match="batch 1 of x has 1 NaN and 0 infinite"):
        h.update(iter([[2.0], [math.nan]]))
    assert h == Histogram([1.0, 2.0])  # the batch before is counted, as documented
    for nothing in ([], iter([]), iter([[]]), ["a"], [1j]):
        with pytest.raises(ParameterError):
            h.update(nothing)
