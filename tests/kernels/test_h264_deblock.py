"""Filtering of the edges of a macroblock of H.264 against 8.7.2.1 to 8.7.2.4, line by line and block by block."""

import ctypes
import mmap
import sys
from itertools import product

import numpy as np
import pytest
from h264_samples import DEPTHS, LEVELS, dtype_of, pictures, same_outside

from codec.h264.macroblock import _kernels

LIBC = ctypes.CDLL(None) if sys.platform != "win32" else None


def clip3(low, high, v):
    return min(max(v, low), high)


def filter_line(p, q, alpha, beta, tc0, chroma, top):
    """New (p, q) of one line, p[0] and q[0] beside the edge; tc0 None: bS is 4; -1: bS is 0."""
    p, q = [int(v) for v in p], [int(v) for v in q]
    if tc0 == -1 or not (abs(p[0] - q[0]) < alpha and abs(p[1] - p[0]) < beta and abs(q[1] - q[0]) < beta):
        return p, q
    ap, aq = (abs(p[2] - p[0]), abs(q[2] - q[0])) if not chroma else (beta, beta)
    if tc0 is not None:
        tC = tc0 + 1 if chroma else tc0 + (ap < beta) + (aq < beta)
        delta = clip3(-tC, tC, (((q[0] - p[0]) << 2) + (p[1] - q[1]) + 4) >> 3)
        new_p, new_q = p.copy(), q.copy()
        new_p[0], new_q[0] = clip3(0, top, p[0] + delta), clip3(0, top, q[0] - delta)
        if not chroma and ap < beta:
            new_p[1] = p[1] + clip3(-tc0, tc0, (p[2] + ((p[0] + q[0] + 1) >> 1) - (p[1] << 1)) >> 1)
        if not chroma and aq < beta:
            new_q[1] = q[1] + clip3(-tc0, tc0, (q[2] + ((p[0] + q[0] + 1) >> 1) - (q[1] << 1)) >> 1)
        return new_p, new_q

    def strong(p, q, ap):
        if not chroma and ap < beta and abs(p[0] - q[0]) < (alpha >> 2) + 2:
            return [
                (p[2] + 2 * p[1] + 2 * p[0] + 2 * q[0] + q[1] + 4) >> 3,
                (p[2] + p[1] + p[0] + q[0] + 2) >> 2,
                (2 * p[3] + 3 * p[2] + p[1] + p[0] + q[0] + 4) >> 3,
                p[3],
            ]
        return [(2 * p[1] + p[0] + q[1] + 2) >> 2, *p[1:]]

    return strong(p, q, ap), strong(q, p, aq)


def filtered(picture, y, x, lines, bS, threshold, chroma, bit_depth):
    """The picture after filtering a vertical edge before column x: bS by part, threshold (alpha, beta, tC0
    of bS 1, 2, 3) for 8 bits."""
    out, reach, scale = picture.copy(), 2 if chroma else 4, 1 << (bit_depth - 8)
    alpha, beta, *tC0 = (v * scale for v in threshold)
    for i in range(lines):
        row, strength = picture[y + i], bS[i * 4 // lines]
        p, q = filter_line(
            row[x - reach : x][::-1],
            row[x : x + reach],
            alpha,
            beta,
            (-1, *tC0, None)[strength],
            chroma,
            (1 << bit_depth) - 1,
        )
        out[y + i, x - reach : x], out[y + i, x : x + reach] = p[::-1], q
    return out


def blocks(rng, height, width, x, bit_depth):
    """Typical input of deblocking: nearly flat blocks with steps between them, of any size, at any brightness."""
    scale = 1 << (bit_depth - 8)
    for limit in (2, 6, 30):
        noise = rng.integers(-1, 2, (height, width)) * rng.integers(0, 7, (height, 1))
        steps = rng.integers(-limit, limit + 1, (height, 8))[:, (np.arange(width) - x) // 4 % 8]
        picture = (rng.integers(0, 256, (height, 1)) + noise + steps) * scale + rng.integers(0, scale)
        yield np.clip(picture, 0, (1 << bit_depth) - 1).astype(dtype_of(bit_depth))


def strengths(rng):
    """bS[edge][part]: few edges or many, and 4 on edge 0 now and then."""
    bS = rng.integers(0, 4, (4, 4)) * rng.integers(0, 2, (4, 4)) * rng.integers(0, 2, (4, 1))
    if rng.integers(0, 2):
        bS[[1, 3]] = 0
    if rng.integers(0, 3) == 0:
        bS[0] = 4
    return bS


def numbers(bS):
    return np.uint32(bS @ (1 << np.arange(0, 32, 8)))


def threshold(rng):
    return (
        int(rng.choice([0, 4, 40, 255, rng.integers(0, 256)])),
        int(rng.choice([0, 2, 9, rng.integers(0, 19)])),
        *np.sort(rng.integers(0, 26, 3)).tolist(),
    )


def turned(picture, vertical):
    return picture.copy() if vertical else np.ascontiguousarray(picture.T)


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_luma_of_a_macroblock(bit_depth):
    rng, changed = np.random.default_rng(bit_depth), 0
    for _ in range(40):
        for picture in (*pictures(rng, 19, 24, bit_depth), *blocks(rng, 19, 24, 5, bit_depth)):
            bS, thresholds = strengths(rng), [threshold(rng), threshold(rng)]
            expected = picture
            for e in range(4):
                expected = filtered(expected, 2, 5 + 4 * e, 16, bS[e], thresholds[e > 0], False, bit_depth)
            changed += not np.array_equal(expected, picture)
            for level, vertical in product(LEVELS, (True, False)):
                out = turned(picture, vertical)
                y, x = (2, 5) if vertical else (5, 2)
                _kernels.deblock_luma(out, y, x, vertical, numbers(bS), thresholds, (1 << bit_depth) - 1, level)
                np.testing.assert_array_equal(
                    turned(out, vertical), expected, err_msg=f"level {level}, vertical {vertical}, bS {bS}"
                )
    assert changed > 60


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_chroma_of_a_macroblock(bit_depth):
    rng, changed = np.random.default_rng(bit_depth), 0
    for _ in range(40):
        planes = [[*pictures(rng, 11, 14, bit_depth), *blocks(rng, 11, 14, 3, bit_depth)] for _ in range(2)]
        for pair in zip(*planes):
            bS, thresholds = strengths(rng), [[threshold(rng), threshold(rng)] for _ in range(2)]
            expected = list(pair)
            for e, plane in product(range(2), range(2)):
                expected[plane] = filtered(
                    expected[plane], 2, 3 + 4 * e, 8, bS[2 * e], thresholds[plane][e], True, bit_depth
                )
            changed += not all(map(np.array_equal, expected, pair))
            for level, vertical in product(LEVELS, (True, False)):
                out = [turned(plane, vertical) for plane in pair]
                y, x = (2, 3) if vertical else (3, 2)
                _kernels.deblock_chroma(*out, y, x, vertical, numbers(bS), thresholds, (1 << bit_depth) - 1, level)
                for plane, wanted in zip(out, expected):
                    np.testing.assert_array_equal(
                        turned(plane, vertical), wanted, err_msg=f"level {level}, vertical {vertical}, bS {bS}"
                    )
    assert changed > 60


@pytest.mark.skipif(sys.platform == "win32", reason="protects memory by mprotect")
@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_nothing_lies_above_the_first_row(bit_depth):
    """Where bS of horizontal edge 0 is 0, the rows above it are not touched: they are unmapped memory here."""
    rng, top = np.random.default_rng(bit_depth), (1 << bit_depth) - 1
    other = list(blocks(rng, 16, 32, 0, bit_depth))[1]
    limits = [(40, 9, 1, 1, 1)] * 2
    with mmap.mmap(-1, 2 * mmap.PAGESIZE) as memory:
        samples = np.frombuffer(memory, other.dtype, other.size, mmap.PAGESIZE).reshape(other.shape)
        first_page = ctypes.c_void_p(samples.ctypes.data - mmap.PAGESIZE)
        assert LIBC.mprotect(first_page, mmap.PAGESIZE, 0) == 0
        samples[...] = other
        for bS in (np.uint32([0, 0, 0x01010101, 0]), np.uint32([0] + [0x01010101] * 3)):
            for level in LEVELS:
                _kernels.deblock_luma(samples, 0, 8, False, bS, limits, top, level)
                _kernels.deblock_chroma(samples, other, 0, 8, False, bS, [limits] * 2, top, level)
                _kernels.deblock_chroma(other, samples, 0, 8, False, bS, [limits] * 2, top, level)
        assert LIBC.mprotect(first_page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE) == 0
        del samples


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("chroma", [False, True])
@pytest.mark.parametrize("lines", [4, 8])
def test_half_an_edge(lines, chroma, bit_depth):
    rng = np.random.default_rng([lines, bit_depth])
    for _ in range(25):
        for picture in (*pictures(rng, 10, 12, bit_depth), *blocks(rng, 10, 12, 5, bit_depth)):
            bS, limits = strengths(rng)[0], threshold(rng)
            expected = filtered(picture, 1, 5, lines, bS, limits, chroma, bit_depth)
            for level in LEVELS:
                out = picture.copy()
                _kernels.deblock_half(out, 1, 5, lines, int(numbers(bS)), limits, chroma, (1 << bit_depth) - 1, level)
                np.testing.assert_array_equal(out, expected)


def test_thresholds_are_exclusive():
    """A difference equal to alpha or beta counts as an edge of the picture."""
    row = np.uint8([[10] * 5 + [14] * 17] * 16)
    bS = np.uint32([0x01010101, 0, 0, 0])
    for level in LEVELS:
        for alpha, beta, is_filtered in ((4, 1, False), (5, 1, True), (5, 0, False), (0, 1, False)):
            out = row.copy()
            _kernels.deblock_luma(out, 0, 5, True, bS, [(alpha, beta, 1, 1, 1)] * 2, 255, level)
            assert (not np.array_equal(out, row)) == is_filtered
            assert same_outside(out, row, slice(None), slice(3, 7))


def motion_differs(p, q, limit_y):
    """p, q: [(reference, x, y)] of the lists that a block uses."""

    def far(a, b):
        return a[0] != b[0] or abs(a[1] - b[1]) >= 4 or abs(a[2] - b[2]) >= limit_y

    if len(p) != len(q):
        return True
    return all(any(far(a, b) for a, b in zip(p, order)) for order in (q, q[::-1]))


def motion(rng, lists):
    """Vectors and references of three macroblocks, close to each other, or anywhere in int16."""
    mv = rng.integers(-2, 3, (3, 2, 16, 2))
    far = rng.random(mv.shape) < 0.1
    mv[far] += rng.choice([-32766, -5, 4, 32765], far.sum())
    ref_id = rng.integers(1, rng.integers(2, 4), (3, 2, 4))
    if lists == 1:
        unused = np.zeros((3, 2, 4), bool)
        unused[:, 1] = True
    else:  # a block may lack one list, not both
        unused = rng.random((3, 1, 4)) < 0.3
        unused = unused & (np.arange(2)[:, None] == rng.integers(0, 2, (3, 1, 4)))
    ref_id[unused] = -1
    b = np.arange(16)
    mv[unused[:, :, b // 8 * 2 + b % 4 // 2]] = 0
    return mv.astype(np.int16), ref_id.astype(np.int32)


@pytest.mark.parametrize("lists", [1, 2])
def test_strengths(lists):
    rng, seen = np.random.default_rng(lists), set()
    for turn in range(150):
        mv, ref_id = motion(rng, lists)
        coefficients = int(rng.integers(0, 1 << 32) & rng.integers(0, 1 << 32)) * (turn % 3 > 0)
        limit_y = int(rng.choice([2, 4]))

        def uses(mb, b):
            b8 = b // 8 * 2 + b % 4 // 2
            return [(int(ref_id[mb, i, b8]), *mv[mb, i, b].tolist()) for i in range(2) if ref_id[mb, i, b8] >= 0]

        expected = np.zeros((2, 4, 4), int)
        for direction, edge, part in np.ndindex(2, 4, 4):
            b_q = edge + 4 * part if direction == 0 else 4 * edge + part
            step = (1, 4)[direction]
            p = uses(0, b_q - step) if edge else uses(1 + direction, b_q + 3 * step)
            two = coefficients >> (16 * direction + b_q) & 1
            expected[direction, edge, part] = 2 if two else motion_differs(p, uses(0, b_q), limit_y)
        seen |= set(expected.ravel().tolist())
        for level, deep in product(LEVELS, (False, True)):
            found = _kernels.deblock_strengths(mv, ref_id, (0, 1, 2), coefficients, lists, limit_y, level, deep)
            np.testing.assert_array_equal(found, [[numbers(bS) for bS in edges] for edges in expected])
    assert seen == {0, 1, 2}
