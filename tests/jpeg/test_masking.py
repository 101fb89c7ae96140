"""The masking field: a weight per block for errors."""

import numpy as np
import pytest
from codec.jpeg._masking import activity_weights, subsampled_weights

from codec.errors import ParameterError

ONE = 4096


def naive(luma, alpha, H):
    E = (luma[..., 1:].astype(float) ** 2).sum(-1) / 64 / 63
    log = np.log2(E + H)
    return np.clip(ONE * 2 ** (-alpha * (log - log.mean())), 64, 65535)


@pytest.mark.parametrize("alpha", [0, 0.25, 0.5, 1, 2])
@pytest.mark.parametrize("H", [1, 30, 65536])
def test_factors_are_those_of_the_formula(alpha, H):
    rng = np.random.default_rng(1)
    luma = (rng.normal(size=(9, 13, 64)) * 2 ** rng.uniform(0, 11, (9, 13, 1))).clip(-8192, 8192).astype(np.int16)
    factors = activity_weights(luma, alpha=alpha, H=H)
    assert factors.dtype == np.uint16 and factors.shape == (9, 13)
    expected = naive(luma, alpha, H)
    assert (abs(factors - expected) <= expected * (alpha + 1) * 0.004 + 1).all()  # two logarithms with 8 fraction bits
    inside = (factors > 64) & (factors < 65535)
    if inside.all():
        assert abs(np.log2(factors / ONE).mean()) < 0.01


def test_pictures_that_are_alike_everywhere_have_factors_of_one():
    for value in (-32768, -8192, 0, 1, 8191):
        assert (activity_weights(np.full((3, 2, 64), value, np.int16), alpha=2, H=1) == ONE).all()


@pytest.mark.parametrize("high", [1, 3, 16, 33])
def test_threads_find_the_same_factors(high):
    luma = np.random.default_rng(2).integers(-900, 900, (high, 5, 64)).astype(np.int16)
    expected = activity_weights(luma, alpha=0.5, H=50)
    for threads in (2, 3, 8):
        assert np.array_equal(activity_weights(luma, alpha=0.5, H=50, threads=threads), expected)


def test_dc_does_not_count():
    luma = np.zeros((2, 2, 64), np.int16)
    luma[0, 0, 0] = 8000
    assert (activity_weights(luma, alpha=1, H=30) == ONE).all()


def test_factors_keep_to_their_range():
    luma = np.zeros((1, 100, 64), np.int16)
    luma[0, 0] = 8192
    factors = activity_weights(luma, alpha=2, H=1)[0]
    assert factors[0] == 64 and (factors[1:] > ONE).all()
    assert activity_weights(luma[:, ::-1].copy(), alpha=2, H=1)[0, -1] == 64
    luma[0, :99] = 8192
    luma[0, 99] = 0
    assert activity_weights(luma, alpha=2, H=1)[0, 99] == 65535


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (5, 3), (4, 6)])
@pytest.mark.parametrize("halves", [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_subsampled_components_take_the_mean_of_what_they_cover(shape, halves):
    factors = np.random.default_rng(0).integers(64, 65536, shape).astype(np.uint16)
    small = [-(-n // half) for n, half in zip(shape, halves)]
    mapped = subsampled_weights(factors, small)
    assert mapped.dtype == np.uint16 and list(mapped.shape) == small
    padded = np.pad(factors, [(0, m * half - n) for n, m, half in zip(shape, small, halves)], mode="edge").astype(float)
    mean = padded.reshape(small[0], halves[0], small[1], halves[1]).mean((1, 3))
    assert abs(mapped - mean).max() <= 1


@pytest.mark.parametrize(
    "bad",
    [
        {"alpha": -0.1, "H": 30},
        {"alpha": 2.1, "H": 30},
        {"alpha": float("nan"), "H": 30},
        {"alpha": 1, "H": 0},
        {"alpha": 1, "H": 65537},
    ],
)
def test_parameters_out_of_range_are_refused(bad):
    with pytest.raises(ParameterError, match="alpha must be within 0..2"):
        activity_weights(np.zeros((1, 1, 64), np.int16), **bad)


@pytest.mark.parametrize("shape", [(0, 1, 64), (1, 0, 64), (1, 1, 63)])
def test_what_is_no_plane_is_refused(shape):
    with pytest.raises(ParameterError, match="blocks_high"):
        activity_weights(np.zeros(shape, np.int16), alpha=1, H=30)


def test_a_component_of_another_size_is_refused():
    with pytest.raises(ParameterError, match="cannot cover"):
        subsampled_weights(np.full((4, 4), ONE, np.uint16), (4, 1))
