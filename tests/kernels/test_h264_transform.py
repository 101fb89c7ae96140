"""Inverse transforms of H.264 against their definition as matrices, in floating point and in whole numbers."""

import numpy as np
import pytest
from h264_samples import DEPTHS, LEVELS, dtype_of, same_outside

from codec.h264.macroblock import _kernels

# A column is the contribution of a coefficient of 1 to the samples (8.5.12.2, 8.5.13), before halves and
# quarters are rounded down.
FOUR = np.array([[1, 1, 1, 0.5], [1, 0.5, -1, -1], [1, -0.5, -1, 1], [1, -1, 1, -0.5]])
COS8 = np.array([12, 10, 6, 3]) / 8


def matrix8():
    """The even part is the 4-point matrix; the odd part has 12, 10, 6, 3 eighths in the order and with the
    signs of a cosine transform."""
    m = np.zeros((8, 8))
    for x in range(8):
        for u in range(8):
            angle = np.cos((2 * x + 1) * u * np.pi / 16)
            if u % 2:
                sizes = np.abs(np.cos((2 * np.arange(4) + 1) * np.pi / 16))  # descending
                m[x, u] = np.sign(angle) * COS8[np.argmin(np.abs(sizes - abs(angle)))]
            elif u % 4 == 0:
                m[x, u] = np.sign(angle)
            else:
                m[x, u] = np.sign(angle) * (1 if abs(angle) > 0.7 else 0.5)
    return m


MATRIX = {4: FOUR, 8: matrix8()}


def blocks(rng, n, bit_depth):
    """Coefficients: sparse, dense, a single one, and the largest that a conforming stream may have."""
    reach = 1 << (7 + bit_depth)
    for _ in range(10):
        yield rng.integers(-200, 200, (n, n)) * (rng.random((n, n)) < 0.2)
        yield rng.integers(-reach // 8, reach // 8, (n, n)) // n
    for i in range(n):
        for j in range(n):
            d = np.zeros((n, n), int)
            d[i, j] = rng.integers(-reach, reach)
            yield d


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("n", [4, 8])
def test_inverse_transform_is_near_its_matrix(n, bit_depth):
    """Shifts round down: each of the two passes errs by less than 2 (4x4) or 4 (8x8) of 64, before scaling."""
    rng = np.random.default_rng([n, bit_depth])
    top = (1 << bit_depth) - 1
    for d in blocks(rng, n, bit_depth):
        picture = rng.integers(0, top + 1, (n + 2, n + 3)).astype(dtype_of(bit_depth))
        exact = picture[1:-1, 1 : n + 1] + MATRIX[n] @ d @ MATRIX[n].T / 64
        for level in LEVELS:
            out, coefficients = picture.copy(), np.ascontiguousarray(d, np.int32)
            _kernels.idct_add(out, 1, 1, coefficients, False, top, level)
            assert np.abs(out[1:-1, 1 : n + 1] - np.clip(exact, 0, top)).max() <= (0.75 if n == 4 else 1)
            assert same_outside(out, picture, slice(1, n + 1), slice(1, n + 1)) and not coefficients.any()


def butterfly4(v):
    e, f, g, h = v[0] + v[2], v[0] - v[2], (v[1] >> 1) - v[3], v[1] + (v[3] >> 1)
    return [e + h, f + g, f - g, e - h]


def butterfly8(v):
    a = [
        v[0] + v[4],
        -v[3] + v[5] - v[7] - (v[7] >> 1),
        v[0] - v[4],
        v[1] + v[7] - v[3] - (v[3] >> 1),
        (v[2] >> 1) - v[6],
        -v[1] + v[7] + v[5] + (v[5] >> 1),
        v[2] + (v[6] >> 1),
        v[3] + v[5] + v[1] + (v[1] >> 1),
    ]
    even = [a[0] + a[6], a[2] + a[4], a[2] - a[4], a[0] - a[6]]
    odd = [a[1] + (a[7] >> 2), a[3] + (a[5] >> 2), (a[3] >> 2) - a[5], a[7] - (a[1] >> 2)]
    return [
        even[0] + odd[3],
        even[1] + odd[2],
        even[2] + odd[1],
        even[3] + odd[0],
        even[3] - odd[0],
        even[2] - odd[1],
        even[1] - odd[2],
        even[0] - odd[3],
    ]


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("n, butterfly", [(4, butterfly4), (8, butterfly8)])
def test_inverse_transform_rounds_as_the_equations_say(n, butterfly, bit_depth):
    rng = np.random.default_rng([n, bit_depth])
    top = (1 << bit_depth) - 1
    for d in blocks(rng, n, bit_depth):
        picture = rng.integers(0, top + 1, (n, n)).astype(dtype_of(bit_depth))
        rows = np.array([butterfly(row) for row in d.tolist()])
        r = np.array([butterfly(column) for column in rows.T.tolist()]).T
        expected = np.clip(picture + ((r + 32) >> 6), 0, top)
        for level in LEVELS:
            out = picture.copy()
            _kernels.idct_add(out, 0, 0, np.ascontiguousarray(d, np.int32), False, top, level)
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("n", [4, 8])
def test_one_coefficient_alone(n, bit_depth):
    rng = np.random.default_rng([n, bit_depth])
    top = (1 << bit_depth) - 1
    for dc in (0, 31, 32, -32, -33, 64 * top, -64 * top, *rng.integers(-99999, 99999, 20)):
        picture = rng.integers(0, top + 1, (n, n + 1)).astype(dtype_of(bit_depth))
        whole, fast = picture.copy(), picture.copy()
        d = np.zeros((n, n), np.int32)
        d[0, 0] = dc
        _kernels.idct_add(whole, 0, 0, d.copy(), False, top, 0)
        for level in LEVELS:
            fast = picture.copy()
            _kernels.idct_add(fast, 0, 0, d.copy(), True, top, level)
            np.testing.assert_array_equal(fast, whole)


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("n", [4, 8, 16])
def test_bypass(n, bit_depth):
    rng = np.random.default_rng([n, bit_depth])
    top = (1 << bit_depth) - 1
    picture = rng.integers(0, top + 1, (n + 2, n + 2)).astype(dtype_of(bit_depth))
    r = rng.integers(-top // 4, top // 4, (n, n)).astype(np.int32)
    for sums, residual in ((0, r), (1, r.cumsum(0)), (2, r.cumsum(1))):
        for level in LEVELS:
            out, d = picture.copy(), r.copy()
            _kernels.bypass_add(out, 1, 1, d, sums, top, level)
            np.testing.assert_array_equal(out[1:-1, 1:-1], np.clip(picture[1:-1, 1:-1] + residual.astype(int), 0, top))
            assert same_outside(out, picture, slice(1, -1), slice(1, -1)) and not d.any()
