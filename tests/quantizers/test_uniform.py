"""Uniform and dead-zone quantizers."""

import math
from fractions import Fraction

import numpy as np
import pytest

from codec import ParameterError, _core
from codec.quantizers import DeadZone, Quantizer, Uniform, analyse


@pytest.mark.parametrize("kind", ["mid-tread", "mid-rise"])
@pytest.mark.parametrize("how", [{"step": 0.25}, {"low": -1.0, "high": 3.0}, {"low": 5.0, "high": 5.5}])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 255, 256, 257])
def test_codes_are_cells_between_thresholds(kind, how, count):
    """As searchsorted from the left: cells (t[i - 1], t[i]]."""
    q = Uniform(levels=count, kind=kind, **how)
    low, high = q.code_range
    assert len(q.levels) == count == high - low + 1 and len(q.thresholds) == count - 1
    np.testing.assert_allclose(q.thresholds, (q.levels[1:] + q.levels[:-1]) / 2, atol=1e-14)
    x = np.concatenate([q.levels, np.random.default_rng(0).uniform(q.levels[0] - 2, q.levels[-1] + 2, 999)])
    if "step" in how:  # thresholds are exact
        x = np.concatenate([x, q.thresholds, np.nextafter(q.thresholds, 99), np.nextafter(q.thresholds, -99)])
    codes = q.encode(x)
    np.testing.assert_array_equal(codes, np.searchsorted(q.thresholds, x, "left") + low)
    np.testing.assert_array_equal(q.transform(x), q.levels[codes.astype(int) - low])
    np.testing.assert_array_equal(q.encode(x.astype(np.float32)), q.encode(x.astype(np.float32).astype(np.float64)))
    assert codes.dtype == np.result_type(q.encode([0])) and q.bits == max(1, math.ceil(math.log2(count)))
    assert Quantizer.from_json(q.to_json()) == q


def test_where_the_levels_are():
    assert Uniform(2, step=1).levels.tolist() == [-2, -1, 0, 1]
    assert Uniform(2, step=1, kind="mid-rise").levels.tolist() == [-1.5, -0.5, 0.5, 1.5]
    assert Uniform(levels=5, low=0, high=1).levels.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert Uniform(levels=4, low=0, high=1, kind="mid-rise").levels.tolist() == [0.125, 0.375, 0.625, 0.875]


def test_fit_takes_the_extremes():
    x = np.array([[3.0, -1.0], [0.0, 2.0]], np.float32)
    q = Uniform(levels=5).fit(x)
    assert q.levels.tolist() == [-1, 0, 1, 2, 3] and q.transform(x).tolist() == x.tolist()
    again = Quantizer.from_json(q.to_json())
    assert again.levels.tolist() == q.levels.tolist()
    for kind in ("mid-tread", "mid-rise"):
        constant = Uniform(3, kind=kind).fit([7.0, 7.0])
        assert constant.transform([7.0]).tolist() == [7.0] and constant.step == 1
    assert Uniform(2, step=1).fit(x).step == 1


@pytest.mark.parametrize("bits", range(1, 13))
def test_a_bit_is_6_02_decibels(bits):
    """Uniform density: error variance step^2 / 12, so the ratio is 4^bits."""
    x = np.linspace(-1, 1, 1 << 20, endpoint=False) + 2.0**-20
    q = Uniform(bits, kind="mid-rise", low=-1, high=1)
    ratio = np.mean(x**2) / np.mean((x - q.transform(x)) ** 2)
    assert ratio == pytest.approx(4.0**bits, rel=1e-3 if bits < 9 else 1e-2)
    assert 10 * math.log10(ratio) == pytest.approx(6.0206 * bits, rel=0.01)


@pytest.mark.parametrize("keywords, message", [
    ({}, "either bits or levels"), ({"bits": 2, "levels": 4}, "either"), ({"bits": 0}, "bits must be within 1..24"),
    ({"bits": 25}, "within"), ({"levels": 0}, "levels"), ({"bits": 2.0}, "integer"), ({"bits": 2, "kind": "flat"}, "kind"),
    ({"bits": 2, "low": 1}, "both low and high"), ({"bits": 2, "low": 1, "high": 1}, "greater than 1"),
    ({"bits": 2, "low": 1, "high": 2, "step": 1}, "both low and high, or step"), ({"bits": 2, "step": 0}, "greater than 0"),
    ({"bits": 2, "step": math.nan}, "finite"),
])  # fmt: skip
def test_settings_are_checked(keywords, message):
    with pytest.raises(ParameterError, match=message):
        Uniform(**keywords)


def test_data_is_checked():
    q = Uniform(2, step=1)
    for bad, message in (([], "empty"), ([1, math.nan], "1 NaN .* index 1"), (["a"], "real numbers"), ([1j], "real")):
        with pytest.raises(ParameterError, match=message):
            q.encode(bad)
    for bad in ([2], [-3], [0.5]):
        with pytest.raises(ParameterError, match="codes must be"):
            q.decode(bad)
    with pytest.raises(ParameterError, match="must be fitted first"):
        Uniform(2).encode([1])
    for text in (
        "{}",
        "[]",
        "x",
        q.to_json().replace("uniform", "unknown"),
        q.to_json().replace('"version": 1', '"version": 2'),
    ):
        with pytest.raises(ParameterError):
            Quantizer.from_json(text)
    record = Uniform(2).fit([0, 1]).to_json()
    with pytest.raises(ParameterError, match="step must be"):
        Quantizer.from_json(record.replace('"step": 0.333', '"step": -0.333'))


# ---------------------------------------------------------------- dead zone


@pytest.mark.parametrize("offset", [0, 1 / 6, 0.25, 1 / 3, 104 / 256, 0.5])
def test_dead_zone_in_exact_arithmetic(offset):
    q = DeadZone(0.375, offset)
    x = np.concatenate([np.arange(-400, 401) / 64, [1e9, -1e9]])
    exact = [abs(Fraction(v)) / Fraction(3, 8) + Fraction(offset).limit_denominator(1000) for v in x]
    expected = np.copysign([min(math.floor(v), 32767) for v in exact], x)
    tie = np.array([v.denominator == 1 for v in exact])
    keep = ~tie if offset in (1 / 6, 1 / 3) else slice(None)  # as doubles these are not thirds and sixths
    codes = q.encode(x)
    np.testing.assert_array_equal(codes[keep], expected[keep])
    np.testing.assert_array_equal(q.decode(codes), codes * 0.375)
    assert q.thresholds[32767] == (1 - offset) * 0.375 and len(q.levels) == 65535 and q.step == 0.375
    assert Quantizer.from_json(q.to_json()) == q and q.fit(x) is q


def test_blocks_go_through_the_kernel_of_the_encoder():
    """With the encoder's own offset: the levels of the file that it writes."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    blocks = pixels.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(-1, 8, 8).astype(int) - 128
    Q = np.arange(1, 65)
    coefficients = _core.fdct(blocks.reshape(-1, 64))  # times 8
    shipped = _core.quantize(coefficients, Q, ac_rounding=104)[:, np.argsort(_core.ZIGZAG)]
    q = DeadZone(8 * Q, 104 / 256)
    np.testing.assert_array_equal(q.encode(coefficients), shipped)
    rounding = np.full(64, 104 / 256)
    rounding[0] = 0.5
    by_hand = np.floor(np.abs(coefficients) / (8.0 * Q) + rounding) * np.sign(coefficients)
    assert np.mean(by_hand != shipped) < 0.01  # the kernel rounds offset * step down to an integer
    np.testing.assert_array_equal(q.decode(shipped), shipped * (8 * Q))
    assert Quantizer.from_json(q.to_json()) == q and q.step is None


def test_dead_zone_is_checked():
    for arguments, message in (((0,), "greater than 0"), ((1, 0.6), "within 0..1/2"), ((1, -0.1), "within"), (([1] * 63,), "64"),
                               (([0] * 64,), "64 integers"), (([1.5] * 64,), "64 integers"), (([1] * 64, 1 / 3), "1/256")):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            DeadZone(*arguments)
    q = DeadZone([1] * 64, 0.25)
    for call in (
        lambda: q.levels,
        lambda: q.thresholds,
        lambda: q.decode([1]),
        lambda: q.encode(np.zeros((2, 63), int)),
    ):
        with pytest.raises(ParameterError):
            call()
    with pytest.raises(ParameterError, match="ac_rounding"):
        _core.quantize(np.zeros((1, 64), np.int16), [1] * 64, ac_rounding=129)


@pytest.mark.parametrize("kind", ["mid-tread", "mid-rise"])
@pytest.mark.parametrize("levels", [2, 3, 256, 1000])
@pytest.mark.parametrize("low, high", [(-1, 1), (-0.3, 0.7), (1e6, 1e6 + 1), (0, 1e-300), (-3.7e200, 1e200)])
def test_a_value_on_a_threshold_is_in_the_cell_below(kind, levels, low, high):
    q = Uniform(levels=levels, kind=kind, low=low, high=high)
    t = q.thresholds
    assert np.array_equal(q.encode(t), np.arange(levels - 1)) and (np.diff(t) > 0).all()
    middle = q.levels[:-1] + q.step / 2
    assert np.abs(t - middle).max() <= 8 * np.spacing(max(abs(low), abs(high)))


@pytest.mark.parametrize("bits", [1, 4, 12])
@pytest.mark.parametrize("seed", range(5))
def test_the_ends_of_a_range_are_not_clipped(bits, seed):
    x = np.random.default_rng(seed).laplace(size=1000)
    q = Uniform(bits, kind="mid-rise").fit(x)
    assert analyse(x, q).clipped == 0
    beyond = np.array([x.min() - q.step / 100, x.max() + q.step / 100])
    report = analyse(beyond, q)
    assert (report.clipped_low, report.clipped_high) == (1, 1)
