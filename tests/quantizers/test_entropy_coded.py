"""Entropy-constrained quantization: distances to the Shannon lower bound, optimality, rates that data does not allow."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import DeadZone, EntropyCoded, LloydMax, Quantizer, Uniform

N = 200000
PLACES = (np.arange(N // 2) + 0.5) / N + 0.5


def of_density(name):
    """Quantiles of a density at equal distances: its moments without sampling noise; mean 0, variance 1."""
    if name == "gaussian":
        grid = np.linspace(0, 6, 60001)
        half = np.interp(PLACES, [NormalDist().cdf(v) for v in grid], grid)
    elif name == "laplace":
        half = -np.log(2 * (1 - PLACES))
    else:
        half = PLACES - 0.5
    x = np.concatenate([-half[::-1], half])
    return x / math.sqrt(np.mean(x * x))


BOUND = {"gaussian": 1.0, "laplace": math.e / math.pi, "uniform": 6 / (math.pi * math.e)}


def gap(name, error, rate):
    """Decibels above D = k 2^-2R, Shannon's lower bound."""
    return 10 * math.log10(error / (BOUND[name] * 2 ** (-2 * rate)))


@pytest.mark.parametrize(
    "name, gaps",
    [("gaussian", (1.44, 1.53, 1.53, 1.53)), ("laplace", (0.83, 1.30, 1.47, 1.53)), ("uniform", (1.533,) * 4)],
)
def test_distance_to_the_shannon_bound(name, gaps):
    """At 1, 2, 3 and 5 bits; 10 log10(pi e / 6) = 1.533 dB at high rates."""
    x = of_density(name)
    for rate, expected in zip((1, 2, 3, 5), gaps):
        q = EntropyCoded(rate=rate).fit(x)
        assert rate - 2e-3 < q.rate <= rate
        assert gap(name, np.mean((x - q.transform(x)) ** 2), q.rate) == pytest.approx(expected, abs=0.02)
        counts = np.bincount(q.encode(x))
        np.testing.assert_allclose(q.lengths, -np.log2(counts / N), rtol=1e-12)


def entropy(codes):
    counts = np.unique(codes, return_counts=True)[1] / codes.size
    return -float(counts @ np.log2(counts))


def at_rate(make, x, rate):
    """(quantizer, entropy) of the step that has this rate."""
    low, high = 1e-3, 20.0
    for _ in range(50):
        middle = math.sqrt(low * high)
        q = make(middle)
        low, high = (middle, high) if entropy(q.encode(x)) > rate else (low, middle)
    return q, entropy(q.encode(x))


@pytest.mark.parametrize("name, centroids, kind, gaps", [
    ("gaussian", True, "uniform", (1.44, 1.53, 1.53, 1.53)), ("laplace", True, "uniform", (0.88, 1.34, 1.48, 1.53)),
    ("laplace", False, "uniform", (1.67, 1.72, 1.61, 1.54)), ("laplace", False, "dead zone", (0.83, 1.42, 1.92, 2.51)),
])  # fmt: skip
def test_distance_of_uniform_steps_to_the_shannon_bound(name, centroids, kind, gaps):
    x = of_density(name)
    for rate, expected in zip((1, 2, 3, 5), gaps):
        make = (lambda step: Uniform(16, step=step)) if kind == "uniform" else (lambda step: DeadZone(step, 1 / 3))
        q, found = at_rate(make, x, rate)
        values, codes = q.transform(x), q.encode(x).astype(np.int64)
        if centroids:
            codes -= codes.min()
            values = (np.bincount(codes, x) / np.maximum(np.bincount(codes), 1))[codes]
        assert gap(name, np.mean((x - values) ** 2), found) == pytest.approx(expected, abs=0.02)


def test_a_quarter_of_a_bit_above_the_bound():
    """Uniform steps with ideal entropy coding at 6 bits: log2(pi e / 6) / 2 = 0.2546 bit."""
    for name in ("gaussian", "laplace"):
        x = of_density(name)
        q, rate = at_rate(lambda step: Uniform(16, step=step), x, 6)
        error = np.mean((x - q.transform(x)) ** 2)
        assert rate - 0.5 * math.log2(BOUND[name] / error) == pytest.approx(0.2546, rel=0.01)


@pytest.mark.parametrize("lam", [0.5, 0.1, 0.01])
def test_no_small_change_is_cheaper(lam):
    x = np.random.default_rng(0).laplace(size=20000)
    q = EntropyCoded(lam=lam).fit(x)

    def cost(thresholds):
        cell = np.searchsorted(thresholds, x, "left")
        counts = np.bincount(cell, minlength=len(thresholds) + 1)
        means = np.bincount(cell, x, len(counts)) / np.maximum(counts, 1)
        return np.mean((x - means[cell]) ** 2) + lam * entropy(cell)

    least = cost(q.thresholds)
    rng = np.random.default_rng(1)
    for _ in range(60):
        changed = np.sort(q.thresholds + rng.normal(0, 0.05, len(q.thresholds)))
        assert cost(changed) >= least * (1 - 1e-4)
    without = np.delete(q.thresholds, len(q.thresholds) // 2)
    assert cost(without) > least


def test_no_worse_than_uniform_or_lloyd_max_at_their_rate():
    x = np.random.default_rng(2).gamma(0.7, 1, 30000)
    for other in (Uniform(16, step=0.3), LloydMax(6).fit(x)):
        rate, error = entropy(other.encode(x)), np.mean((x - other.transform(x)) ** 2)
        q = EntropyCoded(rate=rate).fit(x)
        assert np.mean((x - q.transform(x)) ** 2) <= error and q.rate <= rate


def test_rates_that_the_data_does_not_allow():
    x = np.repeat([1.0, 2.0, 3.0, 10.0], 25)
    exact = EntropyCoded(rate=2).fit(x)
    assert exact.rate == 2 and exact.transform(x).tolist() == x.tolist()
    assert EntropyCoded(rate=9).fit(x).levels.tolist() == [1, 2, 3, 10]
    some = EntropyCoded(rate=1.2).fit(x)
    assert 0 < some.rate <= 1.2
    nothing = EntropyCoded(rate=0).fit(x)
    assert nothing.levels.tolist() == [4] and nothing.rate == 0
    assert EntropyCoded(rate=3).fit([5.0, 5.0]).levels.tolist() == [5]
    assert EntropyCoded(lam=1e9).fit(x).levels.tolist() == [4]
    assert EntropyCoded(lam=1e-9).fit(x).levels.tolist() == [1, 2, 3, 10]


def test_weights_records_and_errors():
    x = np.round(np.random.default_rng(0).standard_normal(5000) * 9)
    values, counts = np.unique(x, return_counts=True)
    q, weighted = EntropyCoded(lam=3.0).fit(x), EntropyCoded(lam=3.0).fit(values, weights=counts)
    np.testing.assert_allclose(weighted.levels, q.levels)
    again = Quantizer.from_json(q.to_json())
    assert again == q and again.rate == q.rate and again.encode(x).tolist() == q.encode(x).tolist()
    assert Quantizer.from_json(EntropyCoded(rate=2).to_json()) == EntropyCoded(rate=2)
    for text in (q.to_json().replace('"lengths": [', '"lengths": [1, '), q.to_json().replace('"lengths"', '"bits"')):
        with pytest.raises(ParameterError):
            Quantizer.from_json(text)
    for call, message in [
        (lambda: EntropyCoded(), "either rate or lam"), (lambda: EntropyCoded(1, 1), "either"), (lambda: EntropyCoded(17), "0..16"),
        (lambda: EntropyCoded(lam=0), "lam"), (lambda: EntropyCoded(rate=1).encode([1]), "must be fitted"),
        (lambda: EntropyCoded(rate=1).fit([math.nan]), "1 NaN"), (lambda: EntropyCoded(rate=1).fit([]), "empty"),
        (lambda: EntropyCoded(lam=1e-30).fit(np.arange(70000) / 7), "more than 65536 levels"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
