"""Reports against plain NumPy on the whole array, however it is cut."""

import json
import math
import tracemalloc

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.quantizers import analyse
from codec.quantizers.densities import Gaussian, Laplacian, UniformDensity, shannon_bound
from codec.quantizers.histogram import PIECE
from codec.quantizers.protocol import Quantizer, real_values


class Rounding(Quantizer):
    """Multiples of a step between two codes; nothing is fitted."""

    name = "test-rounding"

    def __init__(self, step, low=-(10**5), high=10**5):
        self._settings = {"step": step, "low": low, "high": high}
        self.code_step, self.low, self.high = step, low, high

    def encode(self, x):
        return np.clip(np.rint(real_values(x) / self.code_step), self.low, self.high).astype(np.int32)

    def decode(self, codes):
        return np.asarray(codes) * float(self.code_step)

    code_range = property(lambda self: (self.low, self.high))
    levels = property(lambda self: np.arange(self.low, self.high + 1) * float(self.code_step))

    def settings(self):
        return self._settings


X = np.random.default_rng(7).normal(3, 2, 100_000)


def test_numbers_against_numpy():
    q = Rounding(0.5, -8, 15)
    r = analyse(X, q)
    codes = np.clip(np.rint(X / 0.5), -8, 15)
    error = codes * 0.5 - X
    shares = np.unique(codes, return_counts=True)[1] / X.size
    assert (r.count, r.minimum, r.maximum) == (X.size, X.min(), X.max())
    assert (r.mean, r.deviation) == pytest.approx((X.mean(), X.std()), rel=1e-12)
    assert (r.mse, r.max_error) == pytest.approx((np.mean(error**2), np.abs(error).max()), rel=1e-12)
    assert r.mean_error == pytest.approx(error.mean(), rel=1e-9)
    assert r.sqnr == pytest.approx(10 * np.log10(np.mean(X**2) / np.mean(error**2)), rel=1e-12)
    assert r.entropy == pytest.approx(-(shares * np.log2(shares)).sum(), rel=1e-12)
    assert (r.bits, r.levels_used) == (5, np.unique(codes).size)
    assert (r.clipped_low, r.clipped_high) == ((X < -4.25).sum(), (X > 7.75).sum()) and r.clipped_high > 100
    assert r.error_correlation == pytest.approx(np.corrcoef(error, X)[0, 1], rel=1e-9)
    assert r.dynamic_range == pytest.approx(20 * np.log10(np.abs(X).max() / np.abs(X).min()))
    assert r.data.total == r.error.total == X.size and r.data.counts.size <= 512
    assert r.density.name == "gaussian"


def test_autocorrelation_and_whiteness():
    white = analyse(X, Rounding(0.01))
    e = np.rint(X / 0.01) * 0.01 - X
    e = e - e.mean()
    expected = [np.mean(e[k:] * e[:-k]) / np.mean(e**2) for k in range(1, 17)]
    assert np.allclose(white.error_autocorrelation, expected, atol=1e-5)
    assert white.whiteness > 0.01
    slow = np.sin(np.arange(50_000) / 3000)
    patterned = analyse(slow, Rounding(0.5))
    assert patterned.error_autocorrelation.min() > 0.9 and patterned.whiteness < 1e-6


@pytest.mark.parametrize("cut", ["pieces", "batches"])
def test_one_report_for_any_batches(cut):
    x = np.random.default_rng(1).laplace(size=2 * PIECE + 1234)
    q = Rounding(0.25, -30, 30)
    parts = analyse(iter(np.array_split(x, 7)) if cut == "batches" else x[::1].reshape(2, -1).T, q)
    whole = analyse(x if cut == "batches" else x.reshape(2, -1).T.copy(), q)
    for name, value in whole.as_dict().items():
        assert isinstance(value, str) or parts.as_dict()[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    assert parts.data == whole.data and parts.error == whole.error


def test_memory_stays_bounded(tmp_path):
    mapped = np.memmap(tmp_path / "x.bin", np.float32, "w+", shape=(1 << 22,))
    mapped[:] = 1
    mapped[::3] = 2
    mapped.flush()
    tracemalloc.start()
    report = analyse(np.memmap(tmp_path / "x.bin", np.float32, "r"), Rounding(1.0, 0, 3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.mse == 0 and peak < 24e6  # as float64 the file takes 34 MB


@pytest.mark.parametrize(
    "density, draw",
    [
        (Gaussian(), lambda rng: rng.normal(size=400_000)),
        (Laplacian(), lambda rng: rng.laplace(size=400_000)),
        (UniformDensity(-1, 1), lambda rng: rng.uniform(-1, 1, 400_000)),
    ],
)
def test_entropy_coded_rounding_is_1_53_db_above_the_bound(density, draw):
    x = draw(np.random.default_rng(3))
    r = analyse(x, Rounding(0.02))
    assert r.density.name == density.name
    assert r.gap == pytest.approx(10 * math.log10(math.pi * math.e / 6), abs=0.06)
    assert r.bound == pytest.approx(shannon_bound(density, r.entropy), rel=0.02)


def test_constant_data_and_no_error():
    r = analyse(np.full(100, 3.0), Rounding(1.0))
    assert (r.mse, r.sqnr, r.entropy, r.density, r.bound, r.gap) == (0, math.inf, 0, None, None, None)
    assert r.as_dict()["sqnr"] == "inf" and json.dumps(r.as_dict(), allow_nan=False)
    zero = analyse(np.zeros(100), Rounding(1.0))
    assert math.isnan(zero.sqnr) and zero.as_dict()["sqnr"] is None and zero.dynamic_range == 0
    assert analyse([0.4], Rounding(1.0)).mse == pytest.approx(0.16)


@pytest.mark.parametrize("x", [[], [math.nan, 1], [1, math.inf], iter([]), ["a"]])
def test_bad_data_is_refused(x):
    with pytest.raises(ParameterError):
        analyse(x, Rounding(1.0))
    with pytest.raises(ParameterError, match="quantizer"):
        analyse([1.0], 8)
