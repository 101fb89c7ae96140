"""Stages of the encoder's decisions against exhaustive ones: levels by trellis, motion search, planes of references."""

import itertools
import math

import numpy as np
import pytest
from codec.h264.pictures._picture import Picture

from codec.h264.encode import _kernels, _stages
from codec.h264.encode.settings import DIAMOND, HEXAGON, THOROUGH, Tools, lambda2_of

# ---------------------------------------------------------------- levels by trellis

# Tables 9-34 and 9-40: ctxIdx of the first bin, by ctxBlockCat
CODED_BLOCK_FLAG = [85 + n for n in (0, 4, 8, 12, 16)]
SIGNIFICANT = [105 + n for n in (0, 15, 29, 44, 47)] + [402]
LAST = [166 + n for n in (0, 15, 29, 44, 47)] + [417]
LEVEL = [227 + n for n in (0, 10, 20, 30, 39)] + [426]
LENGTHS = [16, 15, 16, 4, 15, 64]
V4 = [(10, 16, 13), (11, 18, 14), (13, 20, 16), (14, 23, 18), (16, 25, 20), (18, 29, 23)]  # (8-314)

V8 = [
    (20, 18, 32, 19, 25, 24), (22, 19, 35, 21, 28, 26), (26, 23, 42, 24, 33, 31),
    (28, 25, 45, 26, 35, 33), (32, 28, 51, 30, 40, 38), (36, 32, 58, 34, 46, 43),
]  # (8-318)  # fmt: skip


def bin_bits(state, value):
    """-log2 of the probability that Table 9-44 approximates; bit 0 of the state: valMPS."""
    lps = 0.5 * (0.01875 / 0.5) ** ((state >> 1) / 63)
    return -math.log2(1 - lps if value == state & 1 else lps)


def block_bits(levels, kind, states):
    """residual_block_cabac( ) with the states before the block, written literally (7.3.5.3.3, 9.3.3.1.3)."""
    bits, n = 0.0, len(levels)
    put = lambda ctx, value: bin_bits(states[ctx], value)
    coded = [k for k in range(n) if levels[k]]
    if kind != 5:
        bits += put(CODED_BLOCK_FLAG[kind] + 1, int(bool(coded)))
    if not coded:
        return bits
    for k in range(min(coded[-1] + 1, n - 1)):
        inc = min(k, 2) if kind == 3 else k
        bits += put(SIGNIFICANT[kind] + inc, int(levels[k] != 0))
        if levels[k]:
            bits += put(LAST[kind] + inc, int(k == coded[-1]))
    ones = greater = 0
    for k in reversed(coded):
        rest, first = abs(levels[k]) - 1, LEVEL[kind] + (0 if greater else min(4, 1 + ones))
        more = LEVEL[kind] + 5 + min(4 - (kind == 3), greater)
        bits += put(first, int(rest > 0)) + 1
        if rest:
            bits += sum(put(more, 1) for _ in range(min(rest, 14) - 1))
            bits += put(more, 0) if rest < 14 else 2 * int(math.log2(rest - 14 + 1)) + 1
        ones, greater = ones + (rest == 0), greater + (rest > 0)
    return bits


def step_and_energy(kind, qp, k):
    """The quantizer step of a coefficient of the forward transform, and how much larger its energy is than samples'."""
    if kind == 5:
        y, x = sorted((k // 8 % 4, k % 8 % 4))
        v = {(0, 0): 0, (1, 1): 1, (1, 3): 1, (3, 3): 1, (2, 2): 2, (0, 1): 3, (0, 3): 3, (0, 2): 4}.get((y, x), 5)
        energy = [8, 289 / 32, 5, 289 / 32][y] * [8, 289 / 32, 5, 289 / 32][x]
        return V8[qp % 6][v] * energy * 2 ** (qp // 6) / 256, energy
    if kind in (0, 3):
        return V4[qp % 6][0] * 2 ** (qp // 6) / 2, 64
    odd = (k // 4 % 2) + (k % 2)
    v, n, energy = [(0, 16, 16), (2, 20, 40), (1, 25, 100)][odd]
    return V4[qp % 6][v] * n * 2 ** (qp // 6) / 64, energy


def cost_of(levels, d, kind, qp, lambda2, bits):
    """Squared differences, and lambda2 times the bits of the levels."""
    error = 0
    for k, (level, value) in enumerate(zip(levels, d)):
        step, energy = step_and_energy(kind, qp, k)
        error += (abs(int(value)) - abs(int(level)) * step) ** 2 / energy
    return error + lambda2 / 256 * bits([int(level) for level in levels])


def blocks_of(kind, qp, rng):
    """Coefficients with few levels that are not 0, and the nearest levels."""
    n = LENGTHS[kind]
    steps = np.array([step_and_energy(kind, qp, k)[0] for k in range(n)])
    d = rng.laplace(0, 0.25, n) * steps
    chosen = rng.choice(n, 5 if n > 5 else 4, replace=False)
    d[chosen] += rng.choice([0.7, 1.2, 1.5, 2.4, 17], len(chosen)) * steps[chosen] * rng.choice([-1, 1], len(chosen))
    d = np.rint(d).astype(np.int16)
    nearest = (np.sign(d) * np.floor(np.abs(d) / steps + 0.5)).astype(np.int16)
    keep = np.flatnonzero(nearest)
    d[keep[7:]] = nearest[keep[7:]] = 0
    return d, nearest


def assert_costs_least(found, d, nearest, kind, qp, bits):
    lambda2 = lambda2_of(qp, 1)
    choices = [sorted({0, int(n), int(n - np.sign(n))}) for n in nearest]
    least = min(cost_of(levels, d, kind, qp, lambda2, bits) for levels in itertools.product(*choices))
    assert cost_of(found, d, kind, qp, lambda2, bits) <= least * 1.0001 + 1
    assert all(level in choice for level, choice in zip(found, choices))
    assert least <= cost_of(nearest, d, kind, qp, lambda2, bits)


@pytest.mark.parametrize("kind", range(5))
def test_no_levels_cost_less_than_those_of_the_trellis(kind):
    """With CABAC, of all that each level may become: the nearest one, the one below, or 0."""
    rng = np.random.default_rng(kind)
    for case in range(12):
        qp = int(rng.integers(16, 44))
        states = rng.integers(0, 126, 460).astype(np.uint8)
        d, nearest = blocks_of(kind, qp, rng)
        found = _stages.trellis_levels(d, nearest, kind, qp, lambda2_of(qp, 1), states=states)
        assert_costs_least(found, d, nearest, kind, qp, lambda levels: block_bits(levels, kind, states))


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("nC", [0, 3, 6, 11])
def test_no_levels_cost_less_than_those_of_the_trellis_with_cavlc(kind, nC):
    """Of the same ones, by the bits that the writer of the stream counts."""
    rng = np.random.default_rng(16 * kind + nC)
    for case in range(6):
        qp = int(rng.integers(16, 44))
        d, nearest = blocks_of(kind, qp, rng)
        found = _stages.trellis_levels(d, nearest, kind, qp, lambda2_of(qp, 1), nC=nC)
        bits = lambda levels: _stages.cavlc_bits(np.array(levels, np.int16), kind, -1 if kind == 3 else nC)
        assert_costs_least(found, d, nearest, kind, qp, bits)


@pytest.mark.parametrize("kind", [0, 1, 2, 5])
@pytest.mark.parametrize("qp", [4, 22, 40])
def test_no_single_change_of_the_levels_of_full_blocks_costs_less_with_cavlc(kind, qp):
    """Too many for all of them: neither plain rounding nor another value of one level. An 8x8 block is four, of every
    fourth level, each of which gives those after it an nC (9.2.1)."""
    rng = np.random.default_rng(qp)
    n, lambda2 = LENGTHS[kind], lambda2_of(qp, 1)
    steps = np.array([step_and_energy(kind, qp, k)[0] for k in range(n)])
    d = np.rint(rng.laplace(0, 3, n) * steps).astype(np.int16)
    nearest = (np.sign(d) * np.floor(np.abs(d) / steps + 0.5)).astype(np.int16)
    assert (np.abs(nearest) > 6).any() and (nearest != 0).mean() > 0.4
    found = _stages.trellis_levels(d, nearest, kind, qp, lambda2, nC=4)
    nCs, quarter = [4], kind
    if kind == 5:
        counts = [int((found[i::4] != 0).sum()) for i in range(3)]
        nCs, quarter = [4, (counts[0] + 4 + 1) // 2, (counts[0] + 4 + 1) // 2, (counts[1] + counts[2] + 1) // 2], 2
    bits = lambda levels: sum(
        _stages.cavlc_bits(np.array(levels[i :: len(nCs)], np.int16), quarter, nC) for i, nC in enumerate(nCs)
    )
    cost = lambda levels: cost_of(levels, d, kind, qp, lambda2, bits)
    least = cost(found) * 0.9999 - 1
    assert least <= cost(nearest) and not np.array_equal(found, nearest)
    for k in np.flatnonzero(nearest):
        for level in {0, nearest[k], nearest[k] - np.sign(nearest[k])}:
            changed = found.copy()
            changed[k] = level
            assert least <= cost(changed), (k, level)


def test_without_lambda_the_trellis_keeps_the_nearest_levels():
    rng = np.random.default_rng(9)
    d, nearest = blocks_of(2, 30, rng)
    assert np.array_equal(_stages.trellis_levels(d, nearest, 2, 30, 0, states=np.zeros(460, np.uint8)), nearest)


@pytest.mark.parametrize("kind", range(6))
def test_decisions_count_the_bits_that_are_written(kind):
    rng = np.random.default_rng(kind)
    levels = np.rint(rng.laplace(0, 0.9, (300, LENGTHS[kind]))).astype(np.int16)
    levels[:, 0] = abs(levels[:, 0]) + 1  # blocks without coded_block_flag have a level
    counted, written = _stages.block_bits(levels, kind, rng.integers(0, 126, 460).astype(np.uint8))
    assert written > 1000
    assert abs(counted - written) < 0.01 * written + 24


# ---------------------------------------------------------------- planes of references


def picture_of(luma):
    picture = Picture(luma.shape[1] // 16, luma.shape[0] // 16, 0)
    np.asarray(picture.planes()[0])[:] = luma
    return picture


def texture(height, width, seed):
    """Smooth enough that a vector's error grows with its distance from the true one."""
    rng = np.random.default_rng(seed)
    wide = rng.normal(0, 1, (height, width))
    for axis in (0, 1):
        for _ in range(3):
            wide = sum(np.roll(wide, shift, axis) for shift in range(-6, 7))
    return np.clip(128 + 50 * wide / wide.std(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("steps", [(80,), (13, 29, 45, 61, 80), (1, 2, 80)])
def test_planes_do_not_depend_on_the_lines_that_come_at_a_time(steps):
    luma = texture(80, 48, 1)
    planes = _stages.reference_planes(picture_of(luma), steps)
    wide = np.pad(luma, 48, "edge")
    assert np.array_equal(planes[0], wide)
    for y in range(3, wide.shape[0] - 3):
        b, h, j = _kernels.half_samples(np.ascontiguousarray(wide[y - 2 : y + 4]), 0)
        for plane, line in zip(planes[1:], (b, h, j)):
            assert np.array_equal(plane[y, 3:-3], line[1 : -0 or None][: plane.shape[1] - 6]), y


# ---------------------------------------------------------------- motion search

SEARCHES = {
    DIAMOND: Tools(search=DIAMOND, range=16),
    HEXAGON: Tools(search=HEXAGON),
    THOROUGH: Tools(search=THOROUGH, quarter_steps=4),
}


def at_vector(planes, x, y, mv):
    """The 16x16 block that a vector in full or half samples leads to; planes have 48 samples of padding."""
    plane = planes[{(0, 0): 0, (2, 0): 1, (0, 2): 2, (2, 2): 3}[mv[0] & 3, mv[1] & 3]]
    top, left = 48 + y + (mv[1] >> 2), 48 + x + (mv[0] >> 2)
    return np.ascontiguousarray(plane[top : top + 16, left : left + 16])


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("mv", [(0, 0), (8, -12), (-22, 6), (34, 18), (2, -30)])
def test_search_finds_what_an_exhaustive_one_finds(search, mv):
    """Full and half samples around the predicted vector (0, 0): no vector there costs less."""
    luma = texture(96, 96, 5)
    picture = picture_of(luma)
    planes = _stages.reference_planes(picture, (96,))
    block = at_vector(planes, 32, 32, mv)
    found, cost = _stages.search_vector(block, picture, 2, 2, (0, 0), SEARCHES[search], 256)
    bits = lambda v: sum(2 * math.log2(abs(n) + 1) + 1.718 if n else 0.718 for n in v)
    satd = lambda v: _kernels.difference("satd", block, at_vector(planes, 32, 32, v), 0)
    near = range(-40, 41, 2)
    least = min((satd(v) + bits(v), v) for v in itertools.product(near, near))
    assert found == mv == least[1]
    assert abs(cost - least[0]) <= 1


def test_vectors_stay_within_the_padding():
    luma = texture(32, 32, 2)
    picture = picture_of(luma)
    for mvp in ((-4000, -4000), (4000, 4000), (0, 4000)):
        found, _ = _stages.search_vector(luma[:16, :16].copy(), picture, 0, 0, mvp, SEARCHES[HEXAGON], 256)
        assert all(-160 <= n <= 4 * 16 + 160 for n in found)
