"""Filtering of one edge of H.264 against 8.7.2.2 to 8.7.2.4, line by line."""
from itertools import product

import numpy as np
import pytest

from codec.h264 import _kernels
from h264_samples import DEPTHS, LEVELS, dtype_of, pictures, same_outside


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
            return [(p[2] + 2 * p[1] + 2 * p[0] + 2 * q[0] + q[1] + 4) >> 3, (p[2] + p[1] + p[0] + q[0] + 2) >> 2,
                    (2 * p[3] + 3 * p[2] + p[1] + p[0] + q[0] + 4) >> 3, p[3]]
        return [(2 * p[1] + p[0] + q[1] + 2) >> 2, *p[1:]]

    return strong(p, q, ap), strong(q, p, aq)


def filtered(picture, y, x, kind, length, alpha, beta, tc0, top):
    """The picture after filtering a vertical edge before column x."""
    out, reach = picture.copy(), 4 if kind == "luma" else 2
    for i in range(length):
        row = picture[y + i]
        p, q = filter_line(row[x - reach:x][::-1], row[x:x + reach], alpha, beta, None if tc0 is None else tc0[i * 4 // length], kind == "chroma", top)
        out[y + i, x - reach:x], out[y + i, x:x + reach] = p[::-1], q
    return out


def edges(rng, height, width, x, bit_depth):
    """What deblocking is for: two nearly flat sides with a step between them, of any size, at any brightness."""
    scale = 1 << (bit_depth - 8)
    for _ in range(3):
        noise = rng.integers(-1, 2, (height, width)) * rng.integers(0, 7, (height, 1)) * scale
        step = (np.arange(width) >= x) * rng.integers(-30, 31, (height, 1)) * scale
        picture = rng.integers(0, 256, (height, 1)) * scale + rng.integers(0, scale + 1) + noise + step
        yield np.clip(picture, 0, (1 << bit_depth) - 1).astype(dtype_of(bit_depth))


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("length", [4, 8, 16])
@pytest.mark.parametrize("kind", ["luma", "chroma"])
def test_an_edge(kind, length, bit_depth):
    rng = np.random.default_rng([length, bit_depth])
    top, scale = (1 << bit_depth) - 1, 1 << (bit_depth - 8)
    changed = 0
    for turn in range(25):
        for picture in (*pictures(rng, 19, 12, bit_depth), *edges(rng, 19, 12, 5, bit_depth)):
            alpha, beta = int(rng.integers(0, 256)) * scale, int(rng.integers(0, 19)) * scale
            tc0 = None if turn % 3 == 0 else (rng.integers(-1, 26, 4) * scale).clip(-1).tolist()
            expected = filtered(picture, 2, 5, kind, length, alpha, beta, tc0, top)
            changed += not np.array_equal(expected, picture)
            for level, vertical in product(LEVELS, (True, False)):
                out = picture.copy() if vertical else np.ascontiguousarray(picture.T)
                y, x = (2, 5) if vertical else (5, 2)
                _kernels.deblock(out, y, x, kind, vertical, length, alpha, beta, tc0, top, level)
                np.testing.assert_array_equal(out if vertical else out.T, expected, err_msg=f"level {level}, vertical {vertical}")
    assert changed > 60


def test_thresholds_are_exclusive():
    """A difference that equals alpha or beta is an edge of the picture."""
    row = np.uint8([[10, 10, 10, 10, 14, 14, 14, 14]] * 8)
    for level in LEVELS:
        for alpha, is_filtered in ((4, False), (5, True)):
            out = np.pad(row, ((0, 0), (1, 1)))
            _kernels.deblock(out, 0, 5, "luma", True, 8, alpha, 1, [1] * 4, 255, level)
            assert (not np.array_equal(out[:, 1:-1], row)) == is_filtered
            assert same_outside(out, np.pad(row, ((0, 0), (1, 1))), slice(None), slice(2, -2))
