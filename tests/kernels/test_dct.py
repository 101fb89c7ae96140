"""FDCT and IDCT of T.81 A.3.3 against the formula in double precision, and the IEEE 1180-1990 statistics."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from codec.jpeg._scan_read import idct_plane

from codec._core import dequantize, fdct, idct
from codec.errors import ParameterError

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "dct_accuracy.py"
ONES = np.ones(64, np.uint16)


def _load():
    spec = importlib.util.spec_from_file_location("dct_accuracy", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


accuracy = _load()


def formula(u, v, x, y):
    """One term of the double sum of A.3.3 without its sample or coefficient."""
    C = lambda k: np.sqrt(0.5) if k == 0 else 1.0
    return C(u) * C(v) / 4 * np.cos((2 * x + 1) * u * np.pi / 16) * np.cos((2 * y + 1) * v * np.pi / 16)


# BASIS[8v + u, 8y + x]: coefficients = BASIS @ samples, samples = BASIS.T @ coefficients.
BASIS = np.array([[formula(u, v, x, y) for y in range(8) for x in range(8)] for v in range(8) for u in range(8)])


def blocks(seed, low, high, count=2000):
    return np.random.default_rng(seed).integers(low, high, (count, 64), endpoint=True)


def test_the_formula_is_orthonormal():
    np.testing.assert_allclose(BASIS @ BASIS.T, np.eye(64), atol=1e-14)


@pytest.mark.parametrize("low, high", [(-128, 127), (-1, 1)])
def test_fdct_is_eight_times_the_formula_within_two(low, high):
    x = blocks(1, low, high)
    assert np.abs(fdct(x) - 8 * x @ BASIS.T).max() < 2


@pytest.mark.parametrize("value", [-128, -127, -1, 0, 1, 127])
def test_fdct_of_a_flat_block_is_its_dc_exactly(value):
    expected = np.zeros(64, int)
    expected[0] = 64 * value
    np.testing.assert_array_equal(fdct(np.full((1, 64), value))[0], expected)


@pytest.mark.parametrize("positive, negative", [(127, -128), (-128, 127)])
def test_fdct_does_not_overflow_where_a_coefficient_is_largest(positive, negative):
    """Coefficient (v, u) is largest for samples with the signs of its basis function."""
    x = np.where(BASIS > 0, positive, negative)
    assert np.abs(fdct(x) - 8 * x @ BASIS.T).max() < 2


@pytest.mark.parametrize("seed", range(4))
def test_fdct_does_not_overflow_anywhere_between(seed):
    """Samples of two values only, rows and columns of random signs: intermediate sums are largest among these."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.choice([-1, 1], (5000, 8, 1)), rng.choice([-1, 1], (5000, 1, 8))
    x = np.where(rows * columns > 0, 127, -128).reshape(-1, 64)
    assert np.abs(fdct(x) - 8 * x @ BASIS.T).max() < 2


def test_idct_of_every_basis_function_is_the_formula():
    for amplitude in (-1024, -100, 100, 1023):
        assert np.abs(idct(amplitude * np.eye(64, dtype=int)) - amplitude * BASIS).max() < 0.6


def test_idct_of_whole_coefficients_is_the_formula_within_one():
    coefficients = np.rint(blocks(2, -128, 127) @ BASIS.T).astype(int)
    assert np.abs(idct(coefficients) - np.rint(coefficients @ BASIS)).max() <= 1


def test_idct_undoes_fdct():
    x = blocks(3, -128, 127)
    assert np.abs(idct(np.rint(fdct(x) / 8).astype(int)) - x).max() <= 2


def test_zero_gives_zero():
    assert not idct(np.zeros((1, 64), int)).any() and not fdct(np.zeros((1, 64), int)).any()


@pytest.mark.parametrize("transform, low, high", [(fdct, -128, 127), (idct, -32768, 32767)])
def test_what_is_out_of_range_is_refused(transform, low, high):
    transform(np.array([[low] * 32 + [high] * 32]))
    for value in (low - 1, high + 1):
        with pytest.raises(ParameterError, match=f"must lie in {low}..{high}"):
            transform(np.full((1, 64), value))
    with pytest.raises(ParameterError, match=r"shape \(N, 64\)"):
        transform(np.zeros((8, 8), int))
    with pytest.raises(ParameterError, match=r"shape \(N, 64\)"):
        transform(np.zeros((1, 64)))


# ---------------------------------------------------------------- decoder paths: few coefficients, 12 bits


def samples_of(levels_nat, precision=8):
    """The decoder's samples for (N, 64) levels in natural order, steps of 1."""
    plane = np.ascontiguousarray(levels_nat, np.int16).reshape(1, -1, 64)
    rows = idct_plane(plane, ONES, precision)
    return rows.reshape(8, -1, 8).transpose(1, 0, 2).reshape(-1, 64).astype(int)


def test_a_block_of_dc_alone_takes_a_shortcut_to_the_same_samples():
    levels = np.zeros((4096, 64), int)
    levels[:, 0] = np.arange(-2048, 2048)
    np.testing.assert_array_equal(samples_of(levels), np.clip(idct(levels) + 128, 0, 255))


def test_a_block_of_low_frequencies_takes_a_shortcut_to_the_same_samples():
    low = np.zeros((8, 8), bool)
    low[:4, :4] = True
    levels = blocks(4, -300, 300) * low.reshape(64)
    np.testing.assert_array_equal(samples_of(levels), np.clip(idct(levels) + 128, 0, 255))


@pytest.mark.parametrize("position", range(1, 64))
def test_one_coefficient_anywhere_spoils_no_shortcut(position):
    levels = np.zeros((3, 64), int)
    levels[:, 0], levels[:, position] = 80, (1, -90, 400)
    np.testing.assert_array_equal(samples_of(levels), np.clip(idct(levels) + 128, 0, 255))


@pytest.mark.parametrize("step", [1, 16, 99, 255, 256, 500, 724, 1000, 1450, 2047, 2048, 3000])
def test_16_bit_arithmetic_is_enough_for_every_picture(step):
    """The decoder's 8-bit path multiplies 16-bit values, which no flat or maximum-contrast picture may overflow."""
    rng = np.random.default_rng(step)
    rough = [
        np.where(BASIS > 0, 127, -128),
        np.where(BASIS > 0, -128, 127),
        rng.choice([-128, 127], (4000, 64)),
        rng.integers(-128, 128, (2000, 64)),
        np.where(rng.choice([-1, 1], (4000, 8, 1)) * rng.choice([-1, 1], (4000, 1, 8)) > 0, 127, -128).reshape(-1, 64),
        rng.integers(-128, 128, (100, 1)).repeat(64, 1),
    ]
    coefficients = step * np.rint(np.concatenate(rough) @ BASIS.T / step).astype(int)
    np.testing.assert_array_equal(samples_of(coefficients), np.clip(idct(coefficients) + 128, 0, 255))


def test_twelve_bit_samples_are_the_formula_within_one():
    """One fraction bit between the passes instead of two: about four times the mean square error of 8-bit samples."""
    x = blocks(5, -2048, 2047)
    coefficients = np.rint(x @ BASIS.T).astype(int)
    reference = np.clip(np.rint(coefficients @ BASIS) + 2048, 0, 4095)
    error = samples_of(coefficients, 12) - reference
    assert np.abs(error).max() <= 1 and (error**2).mean() < 0.06 and abs(error.mean()) < 0.0015


def test_hostile_coefficients_give_samples_in_range():
    levels = blocks(6, -32768, 32767, 200)
    assert 0 <= samples_of(levels).min() and samples_of(levels).max() <= 255
    assert 0 <= samples_of(levels, 12).min() and samples_of(levels, 12).max() <= 4095


def test_dequantize_multiplies_and_reorders():
    levels = np.arange(64).reshape(1, 64) - 32
    Q = np.arange(1, 65)
    zigzag_of_last_row = [35, 36, 48, 49, 57, 58, 62, 63]  # Figure A.6, bottom row
    assert dequantize(levels, Q)[0, 56:].tolist() == [(k - 32) * q for k, q in zip(zigzag_of_last_row, range(57, 65))]
    assert dequantize(np.full((1, 64), 32767), np.full(64, 65535)).max() == 32767


# ---------------------------------------------------------------- IEEE 1180-1990


def test_the_generator_is_that_of_the_standard():
    x, expected = 1, []
    for _ in range(1000):
        x = (x * 1103515245 + 12345) & 0xFFFFFFFF
        expected.append(int((x & 0x7FFFFFFE) / 0x7FFFFFFF * 512) - 256)
    assert accuracy.ieee_1180_random(-256, 255, 1000).tolist() == expected


def test_the_measure_finds_a_biased_transform():
    """Rounding down instead of to nearest exceeds the bounds: the statistics can fail."""
    biased = lambda coefficients: np.floor(coefficients @ BASIS).astype(int)
    assert not accuracy.idct_errors(biased, -256, 255, blocks=500).meets_ieee_1180


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("low, high", accuracy.RANGES)
def test_idct_meets_ieee_1180(low, high, sign):
    errors = accuracy.idct_errors(idct, low, high, sign)
    assert errors.peak <= 1
    assert errors.sample_mse <= 0.06
    assert errors.mse <= 0.02
    assert errors.sample_mean <= 0.015
    assert errors.mean <= 0.0015


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("low, high", accuracy.FDCT_RANGES)
def test_fdct_errs_by_a_fifth_of_a_coefficient_at_most(low, high, sign):
    errors = accuracy.fdct_errors(fdct, low, high, sign)
    assert errors.peak < 0.2 and errors.mse < 0.002 and errors.mean < 0.0035
