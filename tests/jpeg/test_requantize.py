"""Requantization of existing levels: unbiased, and no worse than decoding and encoding again."""

from dataclasses import replace

import numpy as np
import pytest

import codec
from codec.jpeg import QuantTables, read_coefficients, requantize, write_coefficients
from codec.jpeg.requantizer import PARTS, _shrinkage


def smooth_noise(size=96, seed=0):
    noise = np.random.default_rng(seed).normal(0, 40, (size // 8 + 1, size // 8 + 1)).repeat(8, 0).repeat(8, 1)
    kernel = np.ones(9) / 9
    for axis in (0, 1):
        noise = np.apply_along_axis(np.convolve, axis, noise, kernel, "same")
    fine = np.random.default_rng(seed + 1).normal(0, 5, (size, size))
    return (128 + noise[:size, :size] + fine).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("a", [0.3, 1.0, 2.5])
def test_the_shrinkage_is_that_of_a_laplace_law(a):
    """Compared with a sample: the mean of the values rounded to each level, in fractions of a step."""
    values = np.random.default_rng(3).laplace(0, 1 / a, 400000)
    levels = np.round(values).astype(np.int16)
    present = levels != 0
    below = (np.abs(levels) - np.abs(values))[present].mean()
    assert abs(_shrinkage(levels) / PARTS - below) < 0.02


@pytest.mark.parametrize(
    "levels, low, high",
    [
        (np.zeros(64, np.int16), PARTS // 2, PARTS // 2),
        (np.array([0, 1, 0, -1], np.int16), 1, PARTS // 2),
        (np.full(99, 16383, np.int16), 0, 0),
    ],
)
def test_the_shrinkage_of_odd_levels(levels, low, high):
    assert low <= _shrinkage(levels) <= high


def test_steps_that_stay_keep_their_levels():
    source = read_coefficients(
        codec.encode(np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8), quality=70, tune="annex-k")
    )
    assert requantize(source, 70).same_levels(source)


def test_levels_are_the_nearest_to_the_coefficients_but_for_the_shrinkage():
    source = read_coefficients(codec.encode(smooth_noise(), quality=92))
    made = requantize(source, 60)
    values = source.levels[0] * source.matrices[0].astype(int)
    error = made.levels[0] * made.matrices[0].astype(int) - values
    assert (2 * abs(error) <= made.matrices[0] + source.matrices[0].astype(int)).all()
    assert (2 * abs(error[..., 0, 0]) <= made.matrices[0][0, 0]).all()  # DC is not shrunk towards zero
    assert not made.levels[0][source.levels[0] == 0].any()


def test_finer_steps_hold_the_same_picture():
    data = codec.encode(smooth_noise(), quality=50)
    finer = codec.decode(write_coefficients(requantize(data, 100)))
    assert codec.metrics.psnr(codec.decode(data), finer) > 35


@pytest.mark.parametrize("before, after", [(95, 75), (85, 60), (75, 50)])
def test_it_is_no_worse_than_by_way_of_pixels(before, after):
    image = smooth_noise()
    plain = dict(tune="annex-k", effort=3)
    data = codec.encode(image, quality=before, **plain)
    by_levels = write_coefficients(requantize(data, after))
    by_pixels = codec.encode(codec.decode(data), quality=after, progressive=True, **plain)
    assert len(by_levels) <= 1.01 * len(by_pixels)
    assert (
        codec.metrics.psnr(image, codec.decode(by_levels)) >= codec.metrics.psnr(image, codec.decode(by_pixels)) - 0.05
    )


def test_tables_go_to_their_components():
    source = read_coefficients(
        codec.encode(np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8), quality=90)
    )
    made = requantize(source, quant_tables=QuantTables([20] * 64, [30] * 64, [40] * 64))
    assert [int(m[0, 0]) for m in made.matrices] == [20, 30, 40]
    rgb = requantize(
        codec.encode(np.zeros((8, 8, 3), np.uint8), color="rgb"), quant_tables=QuantTables([20] * 64, [30] * 64)
    )
    assert [int(m[0, 0]) for m in rgb.matrices] == [20, 20, 20]


def test_extremes_stay_in_range():
    source = read_coefficients(codec.encode(np.zeros((8, 8), np.uint8)))
    coarse = replace(
        source, levels=(np.full_like(source.levels[0], -16384),), matrices=(np.full((8, 8), 65535, np.uint16),)
    )
    assert (requantize(coarse, 100).levels[0] == -16384).all()


@pytest.mark.parametrize(
    "options", [{}, {"quality": 50, "quant_tables": QuantTables.ijg(5)}, {"quality": 0}, {"quant_tables": [1] * 64}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(codec.ParameterError):
        requantize(codec.encode(np.zeros((8, 8), np.uint8)), **options)
