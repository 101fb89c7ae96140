"""Quantization of T.81 A.3.4 is exact division with halves away from zero; the zig-zag is that of Figure A.6."""

import numpy as np
import pytest

from codec._core import ZIGZAG, dequantize, quantize
from codec.errors import ParameterError

EVERY_COEFFICIENT = np.arange(-32768, 32768).reshape(1024, 64)


def figure_a6():
    """Natural index by zig-zag position: along the diagonals, odd ones downwards, even ones upwards."""
    order = []
    for diagonal in range(15):
        rows = range(max(0, diagonal - 7), min(7, diagonal) + 1)
        order += [8 * row + diagonal - row for row in (rows if diagonal % 2 else reversed(rows))]
    return order


def divided(coefficients, step):
    """round(c / step), halves away from zero, in integers: (2|c| + step) / (2 step) rounded down, signed as c."""
    return np.sign(coefficients) * ((2 * np.abs(coefficients) + step) // (2 * step))


def test_zigzag_is_figure_a6():
    assert ZIGZAG == figure_a6()


def test_quantize_reorders_along_the_zigzag():
    levels = quantize(np.arange(64).reshape(1, 64), np.ones(64, int), scale=1)
    assert levels[0].tolist() == figure_a6()


def test_each_step_belongs_to_its_coefficient():
    Q = np.random.default_rng(1).permutation(np.arange(1, 65))
    levels = quantize(np.full((1, 64), 5040), Q, scale=1)
    assert levels[0].tolist() == [int(divided(5040, Q[k])) for k in figure_a6()]


def check_step(step, scale):
    levels_zz = quantize(EVERY_COEFFICIENT, np.full(64, step), scale=scale)
    levels = np.empty_like(levels_zz)
    levels[:, figure_a6()] = levels_zz
    np.testing.assert_array_equal(
        levels, divided(EVERY_COEFFICIENT, step * scale), err_msg=f"step {step}, scale {scale}"
    )


@pytest.mark.parametrize("first", range(1, 256, 51))
def test_every_coefficient_by_every_8_bit_step(first):
    for step in range(first, first + 51):
        check_step(step, 8)


def test_every_coefficient_by_plain_steps():
    for step in (1, 2, 3, 7, 10, 16, 99, 255, 256, 257, 4095, 4096, 32767, 32768, 65535):
        check_step(step, 1)


def test_every_coefficient_by_16_bit_steps():
    steps = [256, 257, 511, 1023, 4095, 4096, 4097, 8191, 32767, 32768, 65534, 65535]
    for step in steps + np.random.default_rng(2).integers(256, 65536, 40).tolist():
        check_step(step, 8)


def test_halves_go_away_from_zero():
    c = np.zeros((1, 64), int)
    c[0, :6] = (19, 20, 21, -19, -20, -21)  # scale 8 x step 5: the half is at 20
    assert quantize(c, np.full(64, 5))[0][[0, 1, 5, 6, 14, 15]].tolist() == [0, 1, 1, 0, -1, -1]


def test_dequantize_is_the_product_clipped_to_16_bits():
    rng = np.random.default_rng(3)
    levels, Q = rng.integers(-2048, 2048, (500, 64)), rng.integers(1, 256, 64)
    expected = np.empty_like(levels)
    for k, nat in enumerate(figure_a6()):
        expected[:, nat] = levels[:, k] * Q[nat]
    np.testing.assert_array_equal(dequantize(levels, Q), np.clip(expected, -32768, 32767))


@pytest.mark.parametrize(
    "Q, why",
    [
        (np.zeros(64, int), "64 steps of 1..65535"),
        (np.full(64, 65536), "64 steps of 1..65535"),
        (np.ones(63, int), "64 steps of 1..65535"),
        (np.ones(64), "64 steps of 1..65535"),
    ],
)
def test_impossible_steps_are_refused(Q, why):
    with pytest.raises(ParameterError, match=why):
        quantize(np.zeros((1, 64), int), Q)


def test_an_unknown_scale_is_refused():
    with pytest.raises(ParameterError, match="scale must be 8 .* or 1, not 2"):
        quantize(np.zeros((1, 64), int), np.ones(64, int), scale=2)
