"""mse and psnr: exact for integers, explicit about the range of floats, with clear refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from properties import examples

from codec.errors import ParameterError
from codec.metrics import mse, psnr

INTEGERS = (np.uint8, np.uint16)
FLOATS = (np.float32, np.float64)


def naive_mse(a, b):
    return np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)


def pair(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    if dtype in INTEGERS:
        return tuple(rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True) for _ in range(2))
    return tuple(rng.random(shape).astype(dtype) for _ in range(2))


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 70000), (7, 9), (33, 17, 3), (20, 30, 4), (700, 411)])
def test_mse_is_the_mean_of_squares(dtype, shape):
    a, b = pair(dtype, shape)
    assert mse(a, b) == pytest.approx(naive_mse(a, b), rel=1e-13)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_sums_are_exact_at_the_extremes(dtype):
    """2^18 + 1 differences of full scale: the sum passes 2^32, where 32-bit accumulators would wrap."""
    top = np.iinfo(dtype).max
    a, b = np.zeros((1, 2**18 + 1), dtype), np.full((1, 2**18 + 1), top, dtype)
    assert mse(a, b) == mse(b, a) == float(top) ** 2
    b[0, -1] -= 1
    assert mse(a, b) == (2**18 * top**2 + (top - 1) ** 2) / (2**18 + 1)


def test_psnr_of_one_step_of_8_bits():
    a = np.zeros((4, 4), np.uint8)
    assert psnr(a, a + 1) == pytest.approx(20 * math.log10(255), abs=1e-12)


def test_the_range_of_integers_is_that_of_their_type():
    for dtype in INTEGERS:
        a, b = pair(dtype, (16, 16))
        assert psnr(a, b) == psnr(a, b, data_range=np.iinfo(dtype).max)


def test_ten_bit_samples_in_uint16_may_say_so():
    a = np.zeros((4, 4), np.uint16)
    assert psnr(a, a + 1, data_range=1023) == pytest.approx(20 * math.log10(1023))


def test_scaling_pictures_and_range_alike_changes_nothing():
    a, b = pair(np.uint8, (31, 18, 3))
    assert psnr(a / 255, b / 255, data_range=1.0) == pytest.approx(psnr(a, b), abs=1e-9)


def test_equal_pictures_have_infinite_psnr():
    a, _ = pair(np.float64, (5, 5))
    assert mse(a, a) == 0 and psnr(a, a, data_range=1) == math.inf


def test_layout_changes_no_bit():
    """A float sum depends on its order; bands of rows keep that order whatever the strides."""
    a, b = pair(np.float64, (600, 500, 3))
    crop = (slice(None, None, -1), slice(3, 480, 2), slice(0, 2))
    assert not a[crop].flags.c_contiguous
    assert mse(a[crop], b[crop]) == mse(a[crop].copy(), b[crop].copy()) == mse(np.asfortranarray(a[crop]), b[crop])


def test_read_only_byte_swapped_and_unaligned_input():
    a, b = pair(np.uint16, (9, 11))
    expected = mse(a, b)
    a.setflags(write=False)
    assert mse(a, b) == expected
    assert mse(a.astype(">u2"), b) == expected
    raw = bytearray(b"\0" + a.tobytes())
    assert mse(np.frombuffer(raw, np.uint16, offset=1).reshape(a.shape), b) == expected


@given(data=st.data())
@examples(60)
def test_symmetric_non_negative_and_zero_only_for_equal(data):
    dtype = data.draw(st.sampled_from(INTEGERS))
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=40))
    a, b = (data.draw(hnp.arrays(dtype, shape)) for _ in range(2))
    assert mse(a, b) == mse(b, a) >= 0
    assert (mse(a, b) == 0) == np.array_equal(a, b) == (psnr(a, b) == math.inf)
    assert psnr(a, b) >= 0
    exact = sum((int(x) - int(y)) ** 2 for x, y in zip(a.flat, b.flat))
    assert mse(a, b) == exact / a.size


def test_agrees_with_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pair(np.uint8, (64, 48, 3))
    assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a, b), abs=1e-10)
    a, b = pair(np.float32, (64, 48))
    assert psnr(a, b, data_range=1) == pytest.approx(
        metrics.peak_signal_noise_ratio(a.astype(float), b.astype(float), data_range=1), abs=1e-10
    )


@pytest.mark.parametrize(
    "a, b, says",
    [
        (
            np.zeros((4, 4), np.uint8),
            np.zeros((4, 5), np.uint8),
            r"a has shape \(4, 4\) and b has shape \(4, 5\): crop or convert one",
        ),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint16), "a is uint8 and b is uint16: convert one"),
        (
            np.zeros((4, 4), np.int64),
            np.zeros((4, 4), np.int64),
            "a is int64; metrics take uint8, uint16, float32, float64",
        ),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), bool), "b is bool; metrics take"),
        (
            np.zeros(4, np.uint8),
            np.zeros(4, np.uint8),
            r"a has shape \(4,\); metrics take one picture, \(height, width\)",
        ),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8), r"shape \(0, 4\) has no pixels"),
    ],
)
def test_what_is_refused(a, b, says):
    with pytest.raises(ParameterError, match=says):
        mse(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_pointed_at(value):
    a, b = pair(np.float32, (6, 7, 3))
    b[2, 5, 1] = value
    with pytest.raises(ParameterError, match=rf"b\[2, 5, 1\] is {value}: replace or mask the 1 non-finite samples"):
        mse(a, b)


def test_squares_beyond_float64_are_an_error_not_inf():
    with pytest.raises(ParameterError, match="overflow float64"):
        mse(np.full((2, 2), 1e200), np.zeros((2, 2)))


def test_floats_need_a_data_range_and_the_error_tells_it():
    a, b = pair(np.float32, (5, 5))
    with pytest.raises(
        ParameterError, match=r"data_range is required for float32: .*data_range=1.0 for 0..1 or data_range=255"
    ):
        psnr(a, b)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_a_range_that_the_values_contradict_is_refused(dtype):
    a, b = np.zeros((4, 4), dtype), np.full((4, 4), 200, dtype)
    with pytest.raises(ParameterError, match="data_range=1, but the values span 0(.0)? to 200(.0)?: .*data_range=255"):
        psnr(a, b, data_range=1)
    with pytest.raises(ParameterError, match="span 0"):
        psnr(b, a, data_range=1)


def test_overshoot_of_a_decoder_is_no_contradiction():
    a = np.linspace(-0.1, 1.2, 16).reshape(4, 4)
    assert math.isfinite(psnr(a, a * 0.9, data_range=1.0))


@pytest.mark.parametrize("data_range", [0, -1, math.nan, math.inf, "255", True, [255]])
def test_a_data_range_is_a_positive_number(data_range):
    a, b = pair(np.uint8, (5, 5))
    with pytest.raises(ParameterError, match="data_range must be a positive number"):
        psnr(a, b, data_range=data_range)
