"""Dither: the generator written with Python's integers, moments of the error, splits of the data."""

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import Affine, DeadZone, Dithered, FixedPoint, LloydMax, Quantizer, Uniform

MASK = (1 << 64) - 1


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def unit(seed, k):
    return (mix((mix(seed) + k * 0x9E3779B97F4A7C15) & MASK) >> 11) / 2**53


@pytest.mark.parametrize("seed", [0, 1, 12345678901234567890])
def test_the_noise_is_documented(seed):
    q = Uniform(8, step=0.5)
    for start in (0, 7, 2**40):
        first = [unit(seed, 2 * i + 1) for i in range(start, start + 5)]
        second = [unit(seed, 2 * i + 2) for i in range(start, start + 5)]
        triangular = [(a + b - 1) * 0.5 for a, b in zip(first, second)]
        assert Dithered(q, "tpdf", seed=seed).noise(5, start=start).tolist() == triangular
        for kind in ("subtractive", "stochastic"):
            assert Dithered(q, kind, seed=seed).noise(5, start=start).tolist() == [(a - 0.5) * 0.5 for a in first]


def test_the_first_outputs_are_those_of_splitmix64():
    """With the state mix(seed); 0xE220A8397B1DCDAF is the published first output for the state 0."""
    assert mix(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF and mix(0) == 0
    assert unit(0, 1) == (0xE220A8397B1DCDAF >> 11) / 2**53


@pytest.mark.parametrize("kind, variance", [("subtractive", 1), ("stochastic", 2), ("tpdf", 3)])
def test_moments_of_the_error(kind, variance):
    """In units of step^2 / 12. Subtractive and triangular dither make the variance independent of the value; stochastic
    rounding does not, but has no bias either. Standard errors are below 0.002 and 0.01."""
    n, step = 200000, 0.25
    q = Dithered(Uniform(12, step=step), kind, seed=5)
    found = []
    for value in (0.0, 0.06, 0.125, 0.2):
        x = np.full(n, value)
        error = q.transform(x) - x
        assert abs(error.mean()) < 0.01 * step
        found.append(np.mean(error**2) / (step**2 / 12))
    if kind == "stochastic":
        expected = [12 * (v / step) * (1 - v / step) for v in (0, 0.06, 0.125, 0.2)]
        assert found == pytest.approx(expected, abs=0.04)
        x = np.linspace(-1, 1, n)
        assert np.mean((q.transform(x) - x) ** 2) / (step**2 / 12) == pytest.approx(variance, rel=0.02)
    else:
        assert found == pytest.approx([variance] * 4, rel=0.02)


def test_dither_turns_distortion_into_noise():
    """A sine of less than a step: plain rounding loses it, dither keeps it, without harmonics."""
    n = 1 << 15
    x = 0.4 * np.sin(2 * np.pi * 101 * np.arange(n) / n)
    q = Uniform(8, step=1.0)
    assert not q.transform(x).any()
    spectrum = np.abs(np.fft.rfft(Dithered(q, "tpdf").transform(x))) / (n / 2)
    assert spectrum[101] == pytest.approx(0.4, rel=0.1) and spectrum[303] < 0.03


@pytest.mark.parametrize("kind", ["tpdf", "subtractive", "stochastic"])
def test_any_split_gives_the_same_codes(kind):
    x = np.random.default_rng(0).standard_normal((7, 13000)).astype(np.float32)
    for inner in (Uniform(8, step=0.1), Affine(scale=0.05, zero_point=3), FixedPoint(3, 4), DeadZone(0.1, 0.5)):
        q = Dithered(inner, kind, seed=9)
        whole = q.encode(x)
        cut = [q.encode(row, start=13000 * i) for i, row in enumerate(x)]
        np.testing.assert_array_equal(whole, np.stack(cut))
        values = q.decode(whole)
        np.testing.assert_array_equal(values[2], q.decode(whole[2], start=26000))
        assert np.abs(values - x).mean() < 0.2 and values.shape == x.shape
        again = Quantizer.from_json(q.to_json())
        assert again == q and (again.encode(x) == whole).all() and again.quantizer == inner


def test_golden_codes():
    """Bytes that every machine gives."""
    x = np.arange(16) / 8
    assert Dithered(Uniform(4, step=1.0), "tpdf", seed=3).encode(x).tolist() == GOLDEN["tpdf"]
    assert Dithered(Uniform(4, step=1.0), "stochastic", seed=3).encode(x).tolist() == GOLDEN["stochastic"]


GOLDEN = {
    "tpdf": [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 2],
    "stochastic": [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 2],
}


def test_errors():
    q = Uniform(4)
    for call, message in [
        (lambda: Dithered(LloydMax(4).fit([1, 2, 3])).encode([1]), "equal steps"), (lambda: Dithered("x"), "must be a Quantizer"),
        (lambda: Dithered(Dithered(q)), "must be a Quantizer"), (lambda: Dithered(q, "rpdf"), "kind must be"),
        (lambda: Dithered(q, seed=-1), "seed"), (lambda: Dithered(q).encode([1]), "must be fitted"),
        (lambda: Dithered(Uniform(4, step=1)).encode([np.nan]), "1 NaN"), (lambda: Dithered(q).encode([1], start=-1), "start"),
        (lambda: Quantizer.from_json('{"quantizer": "dithered", "version": 1, "settings": {}, "fitted": {}}'), "record"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
    assert Dithered(q).fit([0.0, 15.0]).step == 1
