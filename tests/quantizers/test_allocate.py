"""Allocations against exhaustive search and the conditions of the optimum."""

import itertools
import math

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.quantizers import allocate_bits, allocate_measured


@pytest.mark.parametrize("budget", [0, 0.1, 1, 7.3, 40])
def test_reverse_water_filling(budget):
    """Equal errors where there are bits, no bits below the water, and the whole budget is spent."""
    variances = np.random.default_rng(1).lognormal(0, 3, 20)
    found = allocate_bits(variances, budget)
    assert found.bits.sum() == pytest.approx(budget, abs=1e-9)
    assert np.allclose(found.distortions, variances * 4.0**-found.bits, rtol=1e-9)
    assert np.allclose(found.distortions[found.bits > 0], found.level, rtol=1e-9)
    assert (variances[found.bits == 0] <= found.level * (1 + 1e-12)).all()


def test_no_other_real_allocation_is_better():
    rng = np.random.default_rng(2)
    variances = np.array([9.0, 4, 1, 0.2, 0])
    best = allocate_bits(variances, 4).distortions.sum()
    others = rng.dirichlet(np.full(5, 0.7), 20_000) * 4
    assert best <= (variances * 4.0**-others).sum(1).min() + 1e-12


@pytest.mark.parametrize("budget", range(9))
@pytest.mark.parametrize("most", [None, 3])
def test_greedy_is_the_best_of_all_integers(budget, most):
    variances = np.array([50.0, 7, 3, 0.5])
    found = allocate_bits(variances, budget, "greedy", most=most)
    every = [b for b in itertools.product(range((most or budget) + 1), repeat=4) if sum(b) == budget]
    assert found.bits.sum() == budget and found.bits.dtype == np.int64
    assert found.distortions.sum() == pytest.approx(min((variances * 4.0 ** -np.array(b)).sum() for b in every))


def test_greedy_follows_water_filling_at_high_rate():
    variances = np.random.default_rng(3).lognormal(0, 2, 64)
    fine, whole = allocate_bits(variances, 640), allocate_bits(variances, 640, "greedy")
    assert np.abs(fine.bits - whole.bits).max() < 1.01


def test_components_without_variance_get_nothing():
    assert allocate_bits([0, 5, 0], 3).bits.tolist() == [0, 3, 0]
    assert allocate_bits([0, 5, 0], 3, "greedy").bits.tolist() == [0, 3, 0]
    assert allocate_bits([0, 0], 0).bits.tolist() == [0, 0]
    assert allocate_bits([1e-300, 1e300], 4, "greedy").bits.tolist() == [0, 4]


@pytest.mark.parametrize("unit", [1, 0.37, 5000])
def test_measured_choices_are_the_best_of_all(unit):
    """With whole sizes exactly; otherwise for a budget that is less by a 8192nd part for each component at most."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        errors, sizes = rng.exponential(1, (4, 4)), rng.integers(1, 30, (4, 4)) * float(unit)
        budget = float(rng.integers(sizes.min(1).sum() / unit, sizes.max(1).sum() / unit)) * unit
        chosen = allocate_measured(errors, sizes, budget)
        rows = np.arange(4)
        assert sizes[rows, chosen].sum() <= budget * (1 + 1e-9)
        slack = 0 if unit == 1 else 4 * budget / 8192
        fitting = [c for c in itertools.product(range(4), repeat=4) if sizes[rows, list(c)].sum() <= budget - slack]
        if fitting:
            assert errors[rows, chosen].sum() <= min(errors[rows, list(c)].sum() for c in fitting) + 1e-12


def test_measured_choices_reach_the_ends():
    errors, sizes = [[4, 2, 1], [8, 4, 2]], [[1, 2, 3], [1, 2, 3]]
    assert allocate_measured(errors, sizes, 2).tolist() == [0, 0]
    assert allocate_measured(errors, sizes, 3).tolist() == [0, 1]
    assert allocate_measured(errors, sizes, 99).tolist() == [2, 2]
    assert allocate_measured([[1, 1, 5]], [[4, 2, 1]], 9).tolist() == [1]  # the smaller one of equals


def test_bad_arguments_are_refused():
    for variances, budget, keywords in (
        ([], 1, {}),
        ([-1], 1, {}),
        ([math.nan], 1, {}),
        ([[1]], 1, {}),
        ([1], -1, {}),
        ([1], math.inf, {}),
        ([1], "8", {}),
        ([1], True, {}),
        ([0, 0], 1, {}),
        ([1], 1.5, {"method": "greedy"}),
        ([1], 1, {"method": "fair"}),
        ([1], 1, {"most": 3}),
        ([1, 0], 4, {"method": "greedy", "most": 3}),
        ([1], 1, {"method": "greedy", "most": 0}),
    ):
        with pytest.raises(ParameterError):
            allocate_bits(variances, budget, **keywords)
    for errors, sizes in (([[1, 2]], [[1]]), ([[1]], [[0]]), ([[-1]], [[1]]), ([1], [1])):
        with pytest.raises(ParameterError):
            allocate_measured(errors, sizes, 10)
    with pytest.raises(ParameterError, match="cannot be met"):
        allocate_measured([[1, 0]], [[4, 8]], 3)
    for budget in ("a", math.nan, True):
        with pytest.raises(ParameterError, match="budget must be"):
            allocate_measured([[1, 0]], [[4, 8]], budget)
    assert allocate_bits([1, 2], 2, "greedy", most=np.int64(3)).bits.sum() == 2
