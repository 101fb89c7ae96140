"""The masking field: a weight per block for errors."""

import numpy as np
import pytest
from codec.jpeg._masking import subsampled_weights
from codec.jpeg._planes import forward

from codec.errors import ParameterError
from codec.jpeg import _masking

ONE = 4096


def activity_weights(luma, *, alpha, H):
    return _masking.activity_weights(_masking.luma_logarithms(luma, H), alpha=alpha)


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


@pytest.mark.parametrize("color, channels", [("gray", 1), ("ycbcr", 3)])
@pytest.mark.parametrize("H, V", [(1, 1), (2, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("height, width", [(1, 1), (9, 40), (300, 33)])
def test_the_transform_finds_the_activity_on_its_way(color, channels, H, V, height, width):
    image = np.random.default_rng(2).integers(0, 256, (height, width, channels)).astype(np.uint8)
    sampling = [(H, V), (1, 1), (1, 1)][:channels]
    for threads in (1, 2, 3):
        found = np.full((-(-height // 8), -(-width // 8)), -1, np.int32)
        planes = forward(image, color, sampling, activity=(30, found), threads=threads)
        assert np.array_equal(found, _masking.luma_logarithms(planes[0], 30))
    with pytest.raises(ParameterError, match="one entry per block"):
        forward(image, color, sampling, activity=(30, np.empty((99, 1), np.int32)))
    with pytest.raises(ParameterError, match="H must be within"):
        forward(image, color, sampling, activity=(0, found))


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
    with pytest.raises(ParameterError, match="must be within"):
        activity_weights(np.zeros((1, 1, 64), np.int16), **bad)


@pytest.mark.parametrize("shape", [(0, 1, 64), (1, 0, 64), (1, 1, 63)])
def test_what_is_no_plane_is_refused(shape):
    with pytest.raises(ParameterError, match="blocks_high"):
        activity_weights(np.zeros(shape, np.int16), alpha=1, H=30)
    if 0 in shape:
        with pytest.raises(ParameterError, match="at least one block"):
            _masking.activity_weights(np.zeros(shape[:2], np.int32), alpha=1)


def test_a_component_of_another_size_is_refused():
    with pytest.raises(ParameterError, match="cannot cover"):
        subsampled_weights(np.full((4, 4), ONE, np.uint16), (4, 1))
