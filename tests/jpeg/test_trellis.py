"""Rate-distortion optimised levels: the cheapest of all choices, compared with an exhaustive search."""

import itertools
import math

import numpy as np
import pytest
from codec.jpeg._trellis import Rates, optimise, optimise_dc, statistics

from codec.errors import ParameterError
from codec.jpeg.levels import optimised_levels

SYMBOLS = [0x00, 0xF0, *(run << 4 | size for run in range(16) for size in range(1, 11))]
STEPS = np.full(64, 10, np.uint16)


def coefficients(values, blocks=(1, 1)):
    """int16 planes of coefficients times 8, whose blocks hold {position: coefficient} in zig-zag order."""
    planes = np.zeros((*blocks, 64), np.int16)
    for k, value in values.items():
        planes[..., k] = round(8 * value)
    return planes


def bits_of(counts):
    """-log2 of the share of every AC symbol; unseen symbols count as one half."""
    doubled = {symbol: 2 * int(counts[symbol]) + 1 for symbol in SYMBOLS}
    total = sum(doubled.values())
    return {symbol: math.log2(total / count) for symbol, count in doubled.items()}


def block_cost(levels, wanted, bits, weight):
    """Bits of a block's AC levels as F.1.2.2 codes them, and its error in steps."""
    cost, run, last = 0.0, 0, max([k for k in range(1, 64) if levels[k]], default=0)
    for k in range(1, last + 1):
        if levels[k] == 0:
            run += 1
            continue
        size = int(abs(levels[k])).bit_length()
        cost += (run >> 4) * bits[0xF0] + bits[(run & 15) << 4 | size] + size
        run = 0
    cost += bits[0] if last < 63 else 0
    return cost + weight * sum((wanted[k] - levels[k]) ** 2 for k in range(1, 64))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("weight", [0.5, 4, 20])
def test_no_other_choice_costs_less(seed, weight):
    rng = np.random.default_rng(seed)
    counts = np.zeros(256, np.uint32)
    counts[SYMBOLS] = rng.random(len(SYMBOLS)) ** 6 * 1000
    where = sorted(rng.choice(np.arange(1, 64), 6, replace=False))
    wanted = np.zeros(64)
    wanted[where] = rng.uniform(-5, 5, 6)
    planes = coefficients({k: 10 * wanted[k] for k in where})
    wanted = planes[0, 0] / 80
    levels, counted = optimise(planes, STEPS, Rates(counts), weight)
    bits, choices = bits_of(counts), []
    for k in where:
        nearest = int(abs(wanted[k]) + 0.5)
        below = (1 << max(nearest.bit_length() - 1, 0)) - 1
        choices.append({0, nearest, below})
    trials = []
    for combination in itertools.product(*choices):
        trial = np.zeros(64, int)
        trial[where] = np.sign(wanted[where]) * combination
        trials.append(block_cost(trial, wanted, bits, weight))
    assert block_cost(levels[0, 0], wanted, bits, weight) <= min(trials) + 0.05  # logarithms have 8 fraction bits
    assert counted.sum() == (levels[0, 0, 1:] != 0).sum() + counted[0xF0] + counted[0]


def difference_bits(levels):
    """Costs of DC difference categories, from the differences along the rows of blocks."""
    counts = np.ones(17)
    for size in np.abs(np.diff(levels, axis=1)).ravel().tolist():
        counts[int(size).bit_length()] += 2
    return np.log2(counts.sum() / counts) + np.arange(17)


@pytest.mark.parametrize("H, V", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("seed", range(6))
def test_dc_levels_follow_the_cheapest_path(seed, H, V):
    rng = np.random.default_rng(seed)
    high, wide, weight = 3, 3, rng.uniform(0.2, 8)
    planes = np.zeros((high, wide, 64), np.int16)
    planes[..., 0] = rng.integers(-300, 300, (high, wide))
    x = planes[..., 0] / 80
    levels = np.zeros_like(planes)
    levels[..., 0] = nearest = np.sign(x) * np.floor(np.abs(x) + 0.5)
    bits = difference_bits(nearest)
    optimise_dc(planes, STEPS, levels, weight, H, V)
    order = [
        (my + v, mx + h) for my in range(0, high, V) for mx in range(0, wide, H) for v in range(V) for h in range(H)
    ]
    order = [(by, bx) for by, bx in order if by < high and bx < wide]

    def cost(path):
        rate = sum(bits[int(abs(a - b)).bit_length()] for a, b in zip(path, [0, *path]))
        return rate + weight * sum((x[at] - level) ** 2 for at, level in zip(order, path))

    best = min(cost(path) for path in itertools.product(*[(math.floor(x[at]), math.floor(x[at]) + 1) for at in order]))
    assert cost([int(levels[at][0]) for at in order]) <= best + 0.05


def test_a_dear_error_keeps_the_nearest_levels_and_a_cheap_one_none():
    rng = np.random.default_rng(0)
    planes = rng.integers(-1000, 1000, (4, 5, 64)).astype(np.int16) * 2 + 1  # none halfway between two levels
    nearest = np.trunc(planes / 80 + np.sign(planes) * 0.5)
    assert np.array_equal(optimised_levels([planes], [STEPS], [[0]], [1e6])[0], nearest)
    assert not optimised_levels([planes], [STEPS], [[0]], [1e-6])[0][..., 1:].any()


def test_a_block_with_a_larger_factor_keeps_more():
    planes = np.tile(coefficients({1: 7, 5: 6, 20: 6.5}), (1, 2, 1))
    levels, _ = optimise(planes, STEPS, Rates(statistics(planes, STEPS)), 4, np.array([[64, 65535]], np.uint16))
    assert not levels[0, 0, 1:].any() and (levels[0, 1, 1:] != 0).sum() == 3


def test_shapes_are_checked():
    planes = np.zeros((2, 2, 64), np.int16)
    rates = Rates(np.zeros(256, np.uint32))
    with pytest.raises(ParameterError, match="256 integers"):
        Rates([1, 2, 3])
    with pytest.raises(ParameterError, match="blocks_high, blocks_wide, 64"):
        optimise(planes[..., :32].copy(), STEPS, rates, 1)
    with pytest.raises(ParameterError, match="one entry per block"):
        optimise(planes, STEPS, rates, 1, np.ones((3, 2), np.uint16))
    with pytest.raises(ParameterError, match="same shape"):
        optimise_dc(planes, STEPS, np.zeros((2, 3, 64), np.int16), 1, 1, 1)
