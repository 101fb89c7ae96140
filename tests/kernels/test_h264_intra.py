"""Intra prediction samples of H.264 against 8.3 sample by sample: p[x, y] are the neighbours, None if unavailable."""

from itertools import product

import numpy as np
import pytest
from h264_samples import DEPTHS, LEVELS, pictures, same_outside

from codec.h264.macroblock import _kernels

LEFT, TOP, TOPRIGHT, TOPLEFT, LEFT_UPPER, LEFT_LOWER = 1, 2, 4, 8, 16, 32
NEEDS = {
    0: TOP,
    1: LEFT,
    2: 0,
    3: TOP,
    4: LEFT | TOP | TOPLEFT,
    5: LEFT | TOP | TOPLEFT,
    6: LEFT | TOP | TOPLEFT,
    7: TOP,
    8: LEFT,
}


def neighbours(picture, y0, x0, w, h, available):
    """{(x, y): sample} of what is available; where the row above ends, its last sample is repeated."""
    p = {}
    if available & LEFT:
        p |= {(-1, y): int(picture[y0 + y, x0 - 1]) for y in range(h)}
    if available & TOPLEFT:
        p[-1, -1] = int(picture[y0 - 1, x0 - 1])
    if available & TOP:
        p |= {(x, -1): int(picture[y0 - 1, x0 + x]) for x in range(w)}
        p |= {(x, -1): int(picture[y0 - 1, x0 + (x if available & TOPRIGHT else w - 1)]) for x in range(w, 2 * w)}
    return p


def filtered(p):
    """8.3.2.2.1."""
    f = {}
    for x in range(16):
        if (0, -1) in p:
            before, after = p.get((x - 1, -1), p[x, -1]), p.get((x + 1, -1), p[x, -1])
            f[x, -1] = (before + 2 * p[x, -1] + after + 2) >> 2
    for y in range(8):
        if (-1, 0) in p:
            before, after = p.get((-1, y - 1), p[-1, y]), p.get((-1, y + 1), p[-1, y])
            f[-1, y] = (before + 2 * p[-1, y] + after + 2) >> 2
    if (-1, -1) in p:
        f[-1, -1] = (p.get((0, -1), p[-1, -1]) + 2 * p[-1, -1] + p.get((-1, 0), p[-1, -1]) + 2) >> 2
    return f


def nxn(p, n, mode, x, y, top):
    """One predicted sample of Intra_4x4 (8.3.1.2) or, from filtered neighbours, Intra_8x8 (8.3.2.2)."""

    def two(*at):
        return (p[at[0]] + p[at[1]] + 1) >> 1

    def three(*at):
        return (p[at[0]] + 2 * p[at[1]] + p[at[2]] + 2) >> 2

    def above(x):
        return x, -1

    def left(y):
        return -1, y

    if mode == 0:
        return p[above(x)]
    if mode == 1:
        return p[left(y)]
    if mode == 2:
        both = [p[above(i)] for i in range(n) if (0, -1) in p] + [p[left(i)] for i in range(n) if (-1, 0) in p]
        return (sum(both) + len(both) // 2) // len(both) if both else (top + 1) // 2
    if mode == 3:
        if x == y == n - 1:
            return (p[above(2 * n - 2)] + 3 * p[above(2 * n - 1)] + 2) >> 2
        return three(above(x + y), above(x + y + 1), above(x + y + 2))
    if mode == 4:
        if x > y:
            return three(above(x - y - 2), above(x - y - 1), above(x - y))
        if x < y:
            return three(left(y - x - 2), left(y - x - 1), left(y - x))
        return three(above(0), (-1, -1), left(0))
    if mode == 5:
        z = 2 * x - y
        if z >= 0 and z % 2 == 0:
            return two(above(x - (y >> 1) - 1), above(x - (y >> 1)))
        if z >= 0:
            return three(above(x - (y >> 1) - 2), above(x - (y >> 1) - 1), above(x - (y >> 1)))
        if z == -1:
            return three(left(0), (-1, -1), above(0))
        return three(left(y - 2 * x - 1), left(y - 2 * x - 2), left(y - 2 * x - 3))
    if mode == 6:
        z = 2 * y - x
        if z >= 0 and z % 2 == 0:
            return two(left(y - (x >> 1) - 1), left(y - (x >> 1)))
        if z >= 0:
            return three(left(y - (x >> 1) - 2), left(y - (x >> 1) - 1), left(y - (x >> 1)))
        if z == -1:
            return three(left(0), (-1, -1), above(0))
        return three(above(x - 2 * y - 1), above(x - 2 * y - 2), above(x - 2 * y - 3))
    if mode == 7:
        if y % 2 == 0:
            return two(above(x + (y >> 1)), above(x + (y >> 1) + 1))
        return three(above(x + (y >> 1)), above(x + (y >> 1) + 1), above(x + (y >> 1) + 2))
    z = x + 2 * y
    if z > 2 * n - 3:
        return p[left(n - 1)]
    if z == 2 * n - 3:
        return (p[left(n - 2)] + 3 * p[left(n - 1)] + 2) >> 2
    if z % 2 == 0:
        return two(left(y + (x >> 1)), left(y + (x >> 1) + 1))
    return three(left(y + (x >> 1)), left(y + (x >> 1) + 1), left(y + (x >> 1) + 2))


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("mode", range(9))
@pytest.mark.parametrize("n", [4, 8])
def test_blocks_of_4x4_and_8x8(n, mode, bit_depth):
    rng = np.random.default_rng([n, mode, bit_depth])
    top = (1 << bit_depth) - 1
    for available in range(16):
        if available & NEEDS[mode] != NEEDS[mode] or available & TOPRIGHT and not available & TOP:
            continue
        for picture in pictures(rng, n + 3, 2 * n + 3, bit_depth):
            p = neighbours(picture, 2, 2, n, n, available)
            if n == 8:
                p = filtered(p)
            expected = [[nxn(p, n, mode, x, y, top) for x in range(n)] for y in range(n)]
            for level in LEVELS:
                out = picture.copy()
                _kernels.intra(out, 2, 2, f"{n}x{n}", mode, available, top, level)
                np.testing.assert_array_equal(
                    out[2 : 2 + n, 2 : 2 + n], expected, err_msg=f"available {available}, level {level}"
                )
                assert same_outside(out, picture, slice(2, 2 + n), slice(2, 2 + n))


def plane(p, w, h, top):
    """8.3.3.4; 8.3.4.4 with xCF = 4 (w == 16), yCF = 4 (h == 16)."""
    H = sum((i + 1) * (p[w // 2 + i, -1] - p[w // 2 - 2 - i, -1]) for i in range(w // 2))
    V = sum((i + 1) * (p[-1, h // 2 + i] - p[-1, h // 2 - 2 - i]) for i in range(h // 2))
    a = 16 * (p[-1, h - 1] + p[w - 1, -1])
    b = ((5 if w == 16 else 34) * H + 32) >> 6
    c = ((5 if h == 16 else 34) * V + 32) >> 6
    return [
        [min(max((a + b * (x - w // 2 + 1) + c * (y - h // 2 + 1) + 16) >> 5, 0), top) for x in range(w)]
        for y in range(h)
    ]


def mean(samples, top):
    return (sum(samples) + len(samples) // 2) // len(samples) if samples else (top + 1) // 2


def chroma_dc(p, h, top):
    """8.3.4.1 to 8.3.4.3."""
    expected = np.zeros((h, 8), int)
    for yO, xO in product(range(0, h, 4), (0, 4)):
        above = [p[xO + i, -1] for i in range(4) if (0, -1) in p]
        left = [p[-1, yO + i] for i in range(4) if (-1, yO) in p]
        if (xO, yO) == (0, 0) or xO > 0 and yO > 0:
            used = above + left
        elif yO == 0:
            used = above or left
        else:
            used = left or above
        expected[yO : yO + 4, xO : xO + 4] = mean(used, top)
    return expected


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("kind, w, h", [("16x16", 16, 16), ("chroma8", 8, 8), ("chroma16", 8, 16)])
def test_whole_macroblocks(kind, w, h, bit_depth):
    rng = np.random.default_rng([w, h, bit_depth])
    top = (1 << bit_depth) - 1
    dc, horizontal, vertical = (2, 1, 0) if kind == "16x16" else (0, 1, 2)
    for available in (0, LEFT, TOP, LEFT | TOP, LEFT | TOP | TOPLEFT):
        for picture in pictures(rng, h + 3, w + 4, bit_depth, 3):
            p = neighbours(picture, 2, 2, w, h, available)
            used = [v for (x, y), v in p.items() if x < w and (x, y) != (-1, -1)]
            wanted = {dc: chroma_dc(p, h, top) if w == 8 else np.full((h, w), mean(used, top))}
            if available & LEFT:
                wanted[horizontal] = [[p[-1, y]] * w for y in range(h)]
            if available & TOP:
                wanted[vertical] = [[p[x, -1] for x in range(w)]] * h
            if available & TOPLEFT:
                wanted[3] = plane(p, w, h, top)
            for (mode, expected), level in product(wanted.items(), LEVELS):
                out = picture.copy()
                _kernels.intra(out, 2, 2, kind, mode, available, top, level)
                np.testing.assert_array_equal(
                    out[2 : 2 + h, 2 : 2 + w], expected, err_msg=f"mode {mode}, available {available}, level {level}"
                )
                assert same_outside(out, picture, slice(2, 2 + h), slice(2, 2 + w))


@pytest.mark.parametrize("h", [8, 16])
@pytest.mark.parametrize("half", [LEFT_UPPER, LEFT_LOWER])
def test_half_a_left_column(half, h):
    """Next to an intra and an inter macroblock of a frame pair, with constrained_intra_pred_flag."""
    for picture in pictures(np.random.default_rng(h), h + 3, 12, 8):
        for available in (0, TOP):
            p = neighbours(picture, 2, 2, 8, h, available)
            rows = range(h // 2) if half == LEFT_UPPER else range(h // 2, h)
            p |= {(-1, y): int(picture[2 + y, 1]) for y in rows}
            for level in LEVELS:
                out = picture.copy()
                _kernels.intra(out, 2, 2, f"chroma{h}", 0, available | half, 255, level)
                np.testing.assert_array_equal(out[2 : 2 + h, 2:10], chroma_dc(p, h, 255))
