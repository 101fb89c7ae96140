"""Rate-distortion optimised levels: the cheapest of all choices, compared with an exhaustive search."""

import itertools
import math

import numpy as np
import pytest
from codec.jpeg._trellis import Rates, optimise, optimise_dc, statistics, symbol_counts

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


def against_all_choices(seed, weight):
    """The cost of a block with six coefficients and any statistics, and that of the cheapest of all choices."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(256, np.uint32)
    counts[SYMBOLS] = rng.random(len(SYMBOLS)) ** 6 * 1000
    where = sorted(rng.choice(np.arange(1, 64), 6, replace=False))
    wanted = np.zeros(64)
    wanted[where] = rng.uniform(-5, 5, 6)
    planes = coefficients({k: 10 * wanted[k] for k in where})
    wanted = planes[0, 0] / 80
    bits, choices = bits_of(counts), []
    for k in where:
        nearest = int(abs(wanted[k]) + 0.5)
        choices.append({0, nearest, (1 << max(nearest.bit_length() - 1, 0)) - 1})
    trials = []
    for combination in itertools.product(*choices):
        trial = np.zeros(64, int)
        trial[where] = np.sign(wanted[where]) * combination
        trials.append(block_cost(trial, wanted, bits, weight))
    return block_cost(optimise(planes, STEPS, Rates(counts), weight)[0, 0], wanted, bits, weight), min(trials)


@pytest.mark.parametrize("weight", [0.5, 4, 20])
def test_two_paths_find_the_cheapest_of_all_choices_but_for_few(weight):
    excess = [100 * (cost / best - 1) for cost, best in (against_all_choices(seed, weight) for seed in range(24))]
    assert np.mean(excess) < 0.7 and np.mean(np.array(excess) > 0.1) < 0.2  # percent; logarithms have 8 fraction bits


def test_symbols_are_those_that_a_scan_codes():
    levels = np.zeros((1, 3, 64), np.int16)
    levels[0, 0, [0, 1, 20, 63]] = 9, -3, 1, 700  # (0, 2), ZRL and (2, 1), two ZRL and (10, 10): no EOB
    levels[0, 1, 5] = -1
    counts = symbol_counts(levels)
    found = {symbol: int(counts[symbol]) for symbol in np.flatnonzero(counts)}
    assert found == {0x02: 1, 0xF0: 3, 0x21: 1, 0xAA: 1, 0x41: 1, 0x00: 2}


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
    dc = rng.integers(-300, 300, (high, wide)).astype(np.int16)
    x = dc / 80
    bits = difference_bits(np.sign(x) * np.floor(np.abs(x) + 0.5))
    levels = optimise_dc(dc, STEPS, weight, H, V)
    order = [
        (my + v, mx + h) for my in range(0, high, V) for mx in range(0, wide, H) for v in range(V) for h in range(H)
    ]
    order = [(by, bx) for by, bx in order if by < high and bx < wide]

    def cost(path):
        rate = sum(bits[int(abs(a - b)).bit_length()] for a, b in zip(path, [0, *path]))
        return rate + weight * sum((x[at] - level) ** 2 for at, level in zip(order, path))

    best = min(cost(path) for path in itertools.product(*[(math.floor(x[at]), math.floor(x[at]) + 1) for at in order]))
    assert cost([int(levels[at]) for at in order]) <= best + 0.05


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10, 255, 4095, 65535])
def test_dear_dc_levels_are_the_nearest(step):
    dc = np.arange(-32768, 32768).astype(np.int16).reshape(256, 256)
    Q = np.full(64, step, np.uint16)
    twice = 2 * np.abs(dc.astype(int)) + 8 * step  # halves go away from zero
    nearest = optimise_dc(dc, Q, 1e6, 1, 1)
    halfway = twice % (16 * step) == 0  # as dear as the level below
    assert np.array_equal(nearest[~halfway], (np.sign(dc.astype(int)) * (twice // (16 * step)))[~halfway])


def test_a_dear_error_keeps_the_nearest_levels_and_a_cheap_one_none():
    rng = np.random.default_rng(0)
    planes = rng.integers(-1000, 1000, (4, 5, 64)).astype(np.int16) * 2 + 1  # none halfway between two levels
    nearest = np.trunc(planes / 80 + np.sign(planes) * 0.5)
    assert np.array_equal(optimised_levels([planes], [STEPS], [[0]], [1e6])[0], nearest)
    assert not optimised_levels([planes], [STEPS], [[0]], [1e-6])[0][..., 1:].any()


def test_a_block_with_a_larger_factor_keeps_more():
    planes = np.tile(coefficients({1: 7, 5: 6, 20: 6.5}), (1, 2, 1))
    levels = optimise(planes, STEPS, Rates(statistics(planes, STEPS)), 4, np.array([[64, 65535]], np.uint16))
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
    with pytest.raises(ParameterError, match="one level per block"):
        optimise(planes, STEPS, rates, 1, dc=np.zeros((2, 3), np.int16))
    with pytest.raises(ParameterError, match="64 steps"):
        optimise_dc(planes[..., 0].copy(), STEPS[:32], 1, 1, 1)


def test_levels_may_replace_the_coefficients():
    planes = np.random.default_rng(5).integers(-2000, 2000, (3, 70, 64)).astype(np.int16)
    rates, dc = Rates(statistics(planes, STEPS)), np.arange(210, dtype=np.int16).reshape(3, 70)
    apart = optimise(planes.copy(), STEPS, rates, 4, dc=dc)
    assert np.array_equal(optimise(planes, STEPS, rates, 4, dc=dc, levels=planes), apart)
    assert np.array_equal(planes[..., 0], dc)
