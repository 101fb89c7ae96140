"""Deringing: samples at black and white may go beyond, where the decoder's clamp hides them."""

import numpy as np
import pytest
from codec.jpeg._planes import forward

from codec._core import ZIGZAG, quantize
from codec.errors import ParameterError

Q = np.full(64, 40, np.uint16)
ROUNDS, MOST = 4, 90


def coefficients(gray, steps=None):
    dering = None if steps is None else [steps]
    return forward(np.ascontiguousarray(gray[..., None], np.uint8), "gray", [(1, 1)], dering=dering)[0]


def samples(planes):
    """The samples of the coefficients, as float, before clamping."""
    frequency, position = np.arange(8)[:, None], np.arange(8)
    basis = np.cos((2 * position + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    natural = np.empty(planes.shape)
    natural[..., ZIGZAG] = planes
    blocks = np.einsum("ux,abuv,vy->abxy", basis, natural.reshape(*planes.shape[:2], 8, 8) / 8, basis) + 128
    return blocks.transpose(0, 2, 1, 3).reshape(8 * planes.shape[0], 8 * planes.shape[1])


def naive(block, steps):
    """The projections in sequence, in floating point except for the quantization. `block`: (8, 8) samples."""
    frequency, position = np.arange(8)[:, None], np.arange(8)
    basis = np.cos((2 * position + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    x = block.astype(float) - 128
    beyond = np.zeros((8, 8))
    rounding = np.full((8, 8), 104 / 256)
    rounding[0, 0] = 0.5
    steps = steps.reshape(8, 8).astype(float)
    for _ in range(ROUNDS):
        c = basis @ (x + beyond) @ basis.T
        rebuilt = basis.T @ (np.sign(c) * np.floor(abs(c) / steps + rounding) * steps) @ basis
        out = np.clip(np.round(rebuilt - x), -MOST, MOST)
        beyond = np.where((block == 255) & (out > 0) | (block == 0) & (out < 0), out, 0)
    return x + beyond + 128


def letters(seed=0, size=64, paper=255, ink=0):
    """Smooth strokes on paper."""
    y, x = np.mgrid[:size, :size]
    rng = np.random.default_rng(seed)
    field = sum(np.cos((x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) * 0.5 + rng.uniform(0, 6)) for _ in range(6))
    return np.clip(paper + (ink - paper) * (field * 2 - 1), min(paper, ink), max(paper, ink)).round().astype(np.uint8)


def as_decoded(planes, steps):
    levels = quantize(forward_order(planes), steps).reshape(planes.shape)
    restored = (levels.astype(np.int32) * steps[np.asarray(ZIGZAG)] * 8).astype(float)
    return np.clip(samples(restored).round(), 0, 255)


def forward_order(planes):
    natural = np.empty_like(planes)
    natural[..., ZIGZAG] = planes
    return natural.reshape(-1, 64)


@pytest.mark.parametrize("paper, ink", [(255, 0), (0, 255), (255, 120), (60, 0)])
def test_blocks_are_those_of_the_projections(paper, ink):
    picture = letters(1, 64, paper, ink)
    found = samples(coefficients(picture, Q))
    corners = [(y, x) for y in range(0, 64, 8) for x in range(0, 64, 8)]
    errors = [abs(found[y : y + 8, x : x + 8] - naive(picture[y : y + 8, x : x + 8], Q)).max() for y, x in corners]
    assert np.mean(np.array(errors) < 1.5) > 0.8  # a level at the edge of the dead zone may round either way
    assert abs(found - picture).max() > 10


def test_samples_inside_the_range_stay_and_others_go_outwards():
    for seed in range(3):
        picture = letters(seed)
        change = samples(coefficients(picture, Q)) - picture
        assert abs(change[(picture > 0) & (picture < 255)]).max() < 1
        assert change[picture == 255].min() > -1 and change[picture == 0].max() < 1
        assert abs(change).max() < MOST + 1


def test_less_is_wrong_after_quantization():
    for seed in range(3):
        picture = letters(seed)
        plain, deringed = (as_decoded(coefficients(picture, steps), Q) for steps in (None, Q))
        assert ((deringed - picture) ** 2).mean() < 0.9 * ((plain - picture) ** 2).mean()


@pytest.mark.parametrize(
    "picture",
    [np.full((16, 16), v, np.uint8) for v in (0, 255, 128)]
    + [np.random.default_rng(0).integers(1, 255, (40, 40)).astype(np.uint8)],
)
def test_nothing_changes_without_samples_at_a_limit_or_with_nothing_else(picture):
    np.testing.assert_array_equal(coefficients(picture, Q), coefficients(picture))


@pytest.mark.parametrize("step", [1, 2, 16, 255, 65535])
def test_extremes_keep_to_the_range_of_levels(step):
    rng = np.random.default_rng(step)
    extremes = rng.integers(0, 2, (64, 64)) * 255
    checkers = np.indices((64, 64)).sum(0) % 2 * 255
    waves = np.where(
        samples(np.eye(64, dtype=np.int16).reshape(8, 8, 64) * 4000) > 128, 255, 0
    )  # the signs of every basis function
    for picture in (extremes, checkers, waves, 255 - waves):
        planes = coefficients(picture, np.full(64, step, np.uint16))
        plain = coefficients(picture)
        changed = (planes != plain).any(-1)
        assert abs(planes[changed].astype(int)).max(initial=0) <= 8 * 1023
        change = samples(planes) - picture
        assert change[picture == 255].min() > -1.5 and change[picture == 0].max() < 1.5


@pytest.mark.parametrize("height, width", [(1, 1), (1, 9), (7, 8), (17, 3)])
def test_every_size_and_sampling(height, width):
    rng = np.random.default_rng(0)
    picture = rng.choice(np.uint8([0, 90, 255]), (height, width, 3))
    for factors in ((1, 1), (2, 1), (1, 2), (2, 2)):
        sampling = [factors, (1, 1), (1, 1)]
        plain, deringed = (forward(picture, "ycbcr", sampling, dering=steps) for steps in (None, [Q] * 3))
        assert [p.shape for p in plain] == [p.shape for p in deringed]
        if factors != (1, 1):
            for c in (1, 2):
                np.testing.assert_array_equal(plain[c], deringed[c])
        levels = forward(picture, "ycbcr", sampling, [Q] * 3, dering=[Q] * 3)
        for c in range(3):
            np.testing.assert_array_equal(
                levels[c].reshape(-1, 64), quantize(forward_order(deringed[c]), Q).reshape(-1, 64)
            )


def test_as_many_tables_as_components():
    with pytest.raises(ParameterError, match="sampling factors and steps for each"):
        forward(np.zeros((8, 8, 3), np.uint8), "ycbcr", [(1, 1)] * 3, dering=[Q])
    with pytest.raises(ParameterError, match="64 steps"):
        forward(np.zeros((8, 8, 1), np.uint8), "gray", [(1, 1)], dering=[Q[:63]])
