"""Straight-through and learned-step gradients: naive models, and finite differences of what is smooth."""

import math
import sys

import numpy as np
import pytest

from codec import MissingPackageError, ParameterError
from codec.quantizers import dequantize, fake_quantize, lsq_gradient, quantize, torch_fake_quantize
from codec.quantizers.affine import CONVENTIONS, RANGES


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("dtype", RANGES)
def test_the_mask_is_where_codes_are_not_clipped(dtype, convention):
    low, high = RANGES[dtype]
    zero = (low + high + 1) // 2
    ends = np.array([low - 1, low - 0.5, low, high, high + 0.5, high + 1, 0], np.float32)
    x = np.concatenate(
        [ends, np.nextafter(ends, np.float32(-1e9)), np.nextafter(ends, np.float32(1e9)), [1e9, -1e9]]
    ) - np.float32(zero)
    x = (x * 0.25).astype(np.float32)
    y, mask = fake_quantize(x, 0.25, zero, dtype=dtype, convention=convention)
    assert y.tolist() == dequantize(quantize(x, 0.25, zero, dtype=dtype, convention=convention), 0.25, zero).tolist()
    inside = convention in ("torch", "torch-channel", "torch-fake-float", "ai-edge")
    for value, passes in zip(x, mask):
        v = value / np.float32(0.25) + (np.float32(zero) if inside else 0)
        code = math.copysign(math.floor(abs(v) + 0.5), v) if convention == "tflite-ref" else np.rint(v)
        assert passes == (low <= code + (0 if inside else zero) <= high), value


def test_narrow_range_and_channels():
    assert fake_quantize([-128.0, -127.4], 1.0, narrow=True)[1].tolist() == [False, True]
    x = np.array([[-200.0, 3.0], [-200.0, 3.0]])
    y, mask = fake_quantize(x, [1.0, 2.0], [0, 5], axis=0)
    assert mask.tolist() == [[False, True], [True, True]] and y.tolist() == [[-128, 3], [-200, 4]]


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_learned_step(axis):
    rng = np.random.default_rng(0)
    x, g = rng.normal(0, 60, (6, 5, 7)), rng.standard_normal((6, 5, 7))
    shape = () if axis is None else (x.shape[axis],)
    scale, zero = rng.uniform(0.3, 0.9, shape).astype(np.float32), rng.integers(-9, 9, shape)
    dx, dscale = lsq_gradient(g, x, scale, zero, axis=axis, factor=1.0)
    expected = np.zeros(shape)
    for index in np.ndindex(x.shape):
        channel = () if axis is None else index[axis]
        s, z = float(scale[channel]), int(zero[channel])
        code = round(float(np.float32(x[index]) * (np.float32(1) / scale[channel]))) + z
        inside = -128 <= code <= 127
        assert dx[index] == (np.float32(g[index]) if inside else 0)
        slope = code - z - x[index] / s if inside else (-128 if code < -128 else 127) - z
        expected[channel] += g[index] * slope
    np.testing.assert_allclose(dscale, expected, rtol=1e-6, atol=1e-6)
    share = x.size // max(1, scale.size)
    np.testing.assert_allclose(
        lsq_gradient(g, x, scale, zero, axis=axis)[1], expected / math.sqrt(share * 127), rtol=1e-6, atol=1e-8
    )


def test_the_gradient_beyond_the_range_is_that_of_the_output():
    """There y = (high - z) s, so that a finite difference gives it."""
    x, s = np.array([900.0, -900.0]), 2.0
    difference = (fake_quantize(x, s + 0.01)[0].astype(float) - fake_quantize(x, s - 0.01)[0]) / 0.02
    for i, g in enumerate(np.eye(2)):
        assert lsq_gradient(g, x, s, factor=1.0)[1] == pytest.approx(difference[i], rel=1e-4)


def test_a_step_is_learned():
    """Gradient descent on the squared error finds the best symmetric int4 step for a Gaussian: clipping at 2.474."""
    x = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    scale = 1.0
    for rate in (0.05,) * 150 + (0.01,) * 50:
        y, _ = fake_quantize(x, scale, dtype="int4", narrow=True)
        _, gradient = lsq_gradient(2 * (y - x) / x.size, x, scale, dtype="int4", narrow=True, factor=1.0)
        scale -= rate * float(gradient)
    assert 7 * scale == pytest.approx(2.474, rel=0.03)
    assert 10 * math.log10(
        1 / np.mean((fake_quantize(x, scale, dtype="int4", narrow=True)[0] - x) ** 2)
    ) == pytest.approx(18.90, abs=0.1)


def test_errors(monkeypatch):
    for call, message in [
        (lambda: fake_quantize([math.nan], 1.0), "1 NaN"), (lambda: fake_quantize([1.0], 0.0), "scale is 0.0"),
        (lambda: lsq_gradient([1.0], [1.0, 2.0], 1.0), "shape"), (lambda: lsq_gradient([1.0], [1.0], 1.0, factor=0), "factor"),
        (lambda: lsq_gradient([math.inf], [1.0], 1.0), "g has 0 NaN and 1 infinite"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPackageError, match="torch"):
        torch_fake_quantize(None, None)
