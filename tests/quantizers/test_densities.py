"""Densities against SciPy, and Shannon's bound against its closed forms."""

import math
from dataclasses import fields

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.quantizers import densities
from codec.quantizers.densities import (
    Gaussian,
    GeneralizedGaussian,
    Laplacian,
    UniformDensity,
    fit_density,
    shannon_bound,
    upper_gamma,
)

stats = pytest.importorskip("scipy.stats")
special = pytest.importorskip("scipy.special")

PAIRS = [
    (Gaussian(1, 2), stats.norm(1, 2)),
    (Laplacian(-1, 0.5), stats.laplace(-1, 0.5)),
    (UniformDensity(-1, 3), stats.uniform(-1, 4)),
    *[(GeneralizedGaussian(1, 2, b), stats.gennorm(b, 1, 2)) for b in (0.3, 0.7, 1.5, 5, 20)],
]
each_pair = pytest.mark.parametrize("ours, theirs", PAIRS, ids=[str(ours) for ours, _ in PAIRS])


def keys(density):
    return [field.name for field in fields(density)]


@pytest.mark.parametrize("a", [1 / 30, 0.1, 0.5, 1, 2, 5, 10])
def test_upper_gamma(a):
    t = np.concatenate([[0, math.inf], np.logspace(-30, 2.8, 200)])
    expected = special.gammaincc(a, t)
    assert np.allclose(upper_gamma(a, t), expected, rtol=1e-12, atol=1e-300)


@each_pair
def test_pdf_cdf_and_quantile(ours, theirs):
    x = np.linspace(-30, 30, 601)
    assert np.allclose(ours.pdf(x), theirs.pdf(x), rtol=1e-12, atol=0)
    assert np.allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-12, atol=1e-15)
    tails = np.logspace(-12, np.log10(0.499), 30)
    p = np.concatenate([[0], tails, [0.5], 1 - tails, [1]])
    assert np.allclose(ours.quantile(p), theirs.ppf(p), rtol=1e-11, atol=1e-12)


@each_pair
def test_moments_and_entropy(ours, theirs):
    assert ours.mean == pytest.approx(theirs.mean(), abs=1e-12)
    assert ours.variance == pytest.approx(theirs.var(), rel=1e-12)
    assert ours.entropy == pytest.approx(theirs.entropy() / math.log(2), rel=1e-12)


@each_pair
def test_a_fit_is_more_likely_than_its_neighbours(ours, theirs):
    """Maximum likelihood literally: no parameter can be changed for the better."""
    x = theirs.rvs(5000, random_state=np.random.default_rng(3))
    best = type(ours).fit(x)
    likelihood = best.log_likelihood(x)
    sharp = getattr(best, "shape", 2) < 1  # the location is the median then, as documented
    assert sharp or likelihood >= theirs.logpdf(x).sum() - 1e-6
    record = {key: getattr(best, key) for key in keys(best)}
    kind = UniformDensity if isinstance(ours, UniformDensity) else GeneralizedGaussian
    for key in ["low", "high"] if kind is UniformDensity else ["location", "scale"] + ["shape"] * (kind is type(ours)):
        for change in (-1e-3, 1e-3):
            if key == "location" and sharp:
                continue
            other = kind(**record | {key: record[key] + change})
            assert other.log_likelihood(x) <= likelihood + 1e-6, (key, change)


def test_counts_are_repetitions():
    x, counts = np.array([-2.0, 0, 1, 5]), [3, 4, 2, 1]
    for kind in densities.DENSITIES.values():
        one, other = kind.fit(x, counts), kind.fit(np.repeat(x, counts))
        for key in keys(one):
            assert getattr(one, key) == pytest.approx(getattr(other, key), rel=1e-6, abs=1e-9), kind


@pytest.mark.parametrize("shape, name", [(2, "gaussian"), (1, "laplacian"), (0.5, "generalized-gaussian")])
def test_the_best_kind_is_found(shape, name):
    x = stats.gennorm(shape, 2, 3).rvs(20_000, random_state=np.random.default_rng(1))
    assert fit_density(x).name == name
    assert fit_density(np.random.default_rng(1).random(20_000)).name == "uniform"


def test_shannon_bound_in_closed_form():
    """k s^2 2^(-2R): k = 1, e / pi, 6 / (pi e)."""
    for density, k in (
        (Gaussian(3, 2), 1),
        (Laplacian(0, 2), math.e / math.pi),
        (UniformDensity(0, 5), 6 / math.pi / math.e),
    ):
        for rate in (0, 1, 2.5, 8):
            assert shannon_bound(density, rate) == pytest.approx(k * density.variance * 4**-rate, rel=1e-12)


def test_shannon_bound_of_data():
    x = np.random.default_rng(2).normal(5, 3, 100_000)
    assert shannon_bound(x, 4) == pytest.approx(9 * 4**-4, rel=0.02)


@pytest.mark.parametrize("x", [[], [3.0, 3.0], [1.0, math.nan], [1.0, math.inf], ["a"], [1j]])
def test_data_without_a_density_is_refused(x):
    for kind in densities.DENSITIES.values():
        with pytest.raises(ParameterError):
            kind.fit(x)
    with pytest.raises(ParameterError):
        shannon_bound(x, 1)


def test_wrong_parameters_are_refused():
    for make in (
        lambda: Gaussian(0, 0),
        lambda: Laplacian(math.nan, 1),
        lambda: GeneralizedGaussian(0, 1, 0.01),
        lambda: UniformDensity(1, 1),
        lambda: Gaussian().quantile(1.5),
        lambda: Gaussian().quantile(math.nan),
        lambda: shannon_bound(Gaussian(), -1),
        lambda: shannon_bound(Gaussian(), math.nan),
        lambda: Gaussian.fit([1, 2], [1]),
        lambda: Gaussian.fit([1, 2], [0, 0]),
        lambda: Gaussian.fit([1, 2], [-1, 2]),
    ):
        with pytest.raises(ParameterError):
            make()
