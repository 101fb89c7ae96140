"""Companding: the laws as MATLAB's compand defines them, inverses, and the rounding of AAC encoders."""

import math

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import Compander, Quantizer, analyse


@pytest.mark.parametrize("peak", [1.0, 4.0, 32768.0])
@pytest.mark.parametrize("law, parameter", [("mu", 255), ("mu", 100), ("a", 87.6), ("a", 1.5)])
def test_the_laws(law, parameter, peak):
    """MATLAB, compand: V ln(1 + mu |x| / V) / ln(1 + mu); A |x| / (1 + ln A), V (1 + ln(A |x| / V)) / (1 + ln A)."""
    q = Compander(law, parameter=parameter, peak=peak)
    x = np.linspace(-peak, peak, 1001)
    for value, found in zip(x, q.compress(x)):
        size = abs(value)
        if law == "mu":
            expected = peak * math.log(1 + parameter * size / peak) / math.log(1 + parameter)
        elif size <= peak / parameter:
            expected = parameter * size / (1 + math.log(parameter))
        else:
            expected = peak * (1 + math.log(parameter * size / peak)) / (1 + math.log(parameter))
        assert found == pytest.approx(math.copysign(expected, value), rel=1e-12, abs=1e-300)
    np.testing.assert_allclose(q.expand(q.compress(x)), x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("law", ["mu", "a"])
@pytest.mark.parametrize("bits", [1, 2, 8, 12])
def test_equal_cells_of_the_compressed_range(law, bits):
    q = Compander(law, bits=bits, peak=2.0)
    t, y = q.thresholds, q.levels
    assert len(y) == 1 << bits and (np.diff(y) > 0).all() and (np.sign(y[: len(y) // 2]) == -1).all()
    np.testing.assert_allclose(y, -y[::-1])
    np.testing.assert_allclose(np.diff(q.compress(y)), 4 / (1 << bits), rtol=1e-9)
    x = np.random.default_rng(0).uniform(-2.2, 2.2, 2000)
    np.testing.assert_array_equal(q.encode(x), np.searchsorted(t, x, "left") - (1 << bits) // 2)
    np.testing.assert_array_equal(q.encode(y), np.arange(-(1 << bits) // 2, (1 << bits) // 2))


def test_small_signals_keep_their_ratio():
    """What companding is for: 8 bits of mu-law hold 36 dB over 40 dB of levels, where uniform steps lose 40."""
    x = np.random.default_rng(0).standard_normal(50000)
    ratios = []
    for size in (0.2, 0.02, 0.002):
        q = Compander("mu", peak=1)
        ratios.append(10 * np.log10(np.mean((size * x) ** 2) / np.mean((q.transform(size * x) - size * x) ** 2)))
    assert max(ratios[:2]) - min(ratios[:2]) < 4 and ratios[2] > 20


def test_power_law_as_an_aac_encoder():
    """trunc(|x|^0.75 + 0.4054) in single precision (ISO/IEC 14496-3 leaves the rounding to the encoder)."""
    x = np.concatenate([np.linspace(-50, 50, 3001), [8000.0, 1e6, -1e9]])
    f = np.float32
    expected = []
    for value in x:
        a = f(abs(value))
        expected.append(math.copysign(min(8191, int(np.sqrt(a * np.sqrt(a)) + f(0.4054))), value))
    q = Compander("power")
    assert q.encode(x).tolist() == expected and q.code_range == (-8191, 8191)
    codes = np.arange(-8191, 8192)
    np.testing.assert_allclose(q.decode(codes), np.sign(codes) * np.abs(codes) ** (4 / 3), rtol=1e-14)
    np.testing.assert_array_equal(q.encode(q.levels), codes)
    apart = np.abs(x[:, None] - q.thresholds[None]).min(1) > 1e-4
    np.testing.assert_array_equal(q.encode(x)[apart], (np.searchsorted(q.thresholds, x) - 8191)[apart])
    assert q.thresholds[8191] == pytest.approx(0.5, abs=1e-4)  # 1 - 2^-0.75 puts the first border midway
    scaled = Compander("power", step=8)
    assert (scaled.encode(x[apart]) == q.encode(x[apart] / 8)).mean() > 0.999
    cube = Compander("power", parameter=0.5, offset=0.5)
    assert cube.encode([4.0, -9.1, 2.0]).tolist() == [2, -3, 1] and cube.decode([3, -2]).tolist() == [9, -4]


def test_fit_records_and_errors():
    x = [-3.0, 1.0]
    q = Compander("a").fit(x)
    again = Quantizer.from_json(q.to_json())
    assert again == q and again.levels.max() < 3 and again.encode(x).tolist() == q.encode(x).tolist()
    assert Compander("mu").fit([0.0]).encode([0.5]).tolist() == Compander("mu", peak=1.0).encode([0.5]).tolist()
    assert Quantizer.from_json(Compander("power", step=3).to_json()) == Compander("power", step=3)
    assert Compander("mu", peak=2).fit(x).to_json() == Compander("mu", peak=2).to_json()
    for call, message in [
        (lambda: Compander("b"), "law must be"), (lambda: Compander("a", parameter=0.5), "at least 1"),
        (lambda: Compander("power", parameter=2), "at most 1"), (lambda: Compander("mu", parameter=0), "greater than 0"),
        (lambda: Compander("mu", bits=0), "bits"), (lambda: Compander("mu", peak=-1), "peak"),
        (lambda: Compander("power", offset=2), "offset"), (lambda: Compander("mu").encode([1]), "must be fitted"),
        (lambda: q.encode([math.inf]), "1 infinite"), (lambda: q.encode([]), "empty"), (lambda: q.decode([128]), "within -128..127"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()


@pytest.mark.parametrize("step", [5e-324, 1e-45, 1e-30, 3e-7, 1.0, 3000.0, 1e30, 1e40, 1e300])
def test_power_law_of_any_step(step):
    """The step leaves single precision: codes were 0, or not numbers."""
    x = np.array([0, 0.3, 1, -2, 50, -1e5, 1e6]) * step
    expected = np.copysign(np.minimum(np.trunc(np.abs(x / step) ** 0.75 + 0.4054), 8191), x)
    assert Compander("power", step=step).encode(x).tolist() == expected.tolist()
    assert Compander("power", step=step).encode([1.7e308])[0] == 8191


@pytest.mark.parametrize("exponent", [-40, -4, 4, 8, 40])
def test_powers_of_16_change_no_digit(exponent):
    x = np.random.default_rng(0).laplace(size=20_000) * 100
    codes = Compander("power", step=1.3).encode(x)
    assert np.array_equal(Compander("power", step=1.3 * 2.0**exponent).encode(x * 2.0**exponent), codes)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_the_peak_is_not_clipped(law):
    x = np.random.default_rng(0).laplace(size=1000)
    q = Compander(law).fit(x)
    assert analyse(x, q).clipped == 0 and analyse(2 * x, q).clipped > 0
    assert analyse(np.full(9, 2.5), Compander(law).fit([2.5])).clipped == 0
