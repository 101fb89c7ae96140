"""Inter prediction samples of H.264 against single samples computed literally by 8.4.2.2."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from h264_samples import DEPTHS, LEVELS, dtype_of, pictures, same_outside

from codec.h264.macroblock import _kernels

TAPS = (1, -5, 20, 20, -5, 1)


def luma_sample(p, y, x, xFrac, yFrac, top):
    """The sample at (x + xFrac / 4, y + yFrac / 4) of the plane p (a function of whole positions)."""

    def clip(v):
        return min(max(v, 0), top)

    def b1(x, y):
        return sum(t * p(x + i, y) for i, t in zip(range(-2, 4), TAPS))

    def h1(x, y):
        return sum(t * p(x, y + i) for i, t in zip(range(-2, 4), TAPS))

    def half(x2, y2):
        """A sample at half-sample position (x2 / 2, y2 / 2)."""
        x, y = x2 // 2, y2 // 2
        if x2 % 2 and y2 % 2:
            return clip((sum(t * b1(x, y + i) for i, t in zip(range(-2, 4), TAPS)) + 512) >> 10)
        if x2 % 2:
            return clip((b1(x, y) + 16) >> 5)
        if y2 % 2:
            return clip((h1(x, y) + 16) >> 5)
        return p(x, y)

    x4, y4 = 4 * x + xFrac, 4 * y + yFrac
    if xFrac % 2 == 0 and yFrac % 2 == 0:
        return half(x4 // 2, y4 // 2)
    if xFrac % 2 and yFrac % 2:
        # Diagonals never use the centre j: they join the half sample on a row with the half sample on a column.
        column, row = (x4 + 1) // 2 if xFrac == 3 else (x4 - 1) // 2, (y4 + 1) // 2 if yFrac == 3 else (y4 - 1) // 2
        on_row, on_column = half(2 * x + 1, row), half(column, 2 * y + 1)
        return (on_row + on_column + 1) >> 1
    if xFrac % 2:
        return (half((x4 - 1) // 2, y4 // 2) + half((x4 + 1) // 2, y4 // 2) + 1) >> 1
    return (half(x4 // 2, (y4 - 1) // 2) + half(x4 // 2, (y4 + 1) // 2) + 1) >> 1


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("position", range(16))
def test_luma(position, bit_depth):
    rng = np.random.default_rng([position, bit_depth])
    top = (1 << bit_depth) - 1
    for picture in pictures(rng, 16, 17, bit_depth):
        expected = np.array(
            [
                [
                    luma_sample(lambda x, y: int(picture[y, x]), 4 + y, 5 + x, position % 4, position // 4, top)
                    for x in range(4)
                ]
                for y in range(8)
            ]
        )
        for level in LEVELS:
            out = np.zeros((8, 4), picture.dtype)
            _kernels.luma(out, picture, 4, 5, 4, 8, position % 4, position // 4, False, top, level)
            np.testing.assert_array_equal(out, expected)
            first = rng.integers(0, top + 1, (8, 4)).astype(picture.dtype)
            out = first.copy()
            _kernels.luma(out, picture, 4, 5, 4, 8, position % 4, position // 4, True, top, level)
            np.testing.assert_array_equal(out, (first.astype(int) + expected + 1) >> 1)


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_chroma_is_bilinear_in_eighths(bit_depth):
    rng = np.random.default_rng(bit_depth)
    for xFrac in range(8):
        for yFrac in range(8):
            for picture in pictures(rng, 9, 18, bit_depth):
                fx, fy = Fraction(xFrac, 8), Fraction(yFrac, 8)
                planes = np.stack([picture, picture[::-1]])
                expected = [
                    [
                        [
                            floor(
                                (1 - fx) * (1 - fy) * p[y, x]
                                + fx * (1 - fy) * p[y, x + 1]
                                + (1 - fx) * fy * p[y + 1, x]
                                + fx * fy * p[y + 1, x + 1]
                                + Fraction(1, 2)
                            )
                            for x in range(2, 4)
                        ]
                        for y in range(3, 7)
                    ]
                    for p in planes.astype(int)
                ]
                for level in LEVELS:
                    out = np.zeros((2, 4, 2), picture.dtype)
                    _kernels.chroma(out, planes, 3, 2, 2, 4, xFrac, yFrac, False, level)
                    np.testing.assert_array_equal(out, expected)
                    _kernels.chroma(out, planes, 3, 2, 2, 4, xFrac, yFrac, True, level)
                    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_weights(bit_depth):
    rng = np.random.default_rng(bit_depth)
    top = (1 << bit_depth) - 1
    for logWD in range(8):
        for w0, w1, offset in (
            (-128, -128, -128),
            (127, 127, 127),
            (0, 64, 3),
            (128, -64, 0),
            *rng.integers(-128, 128, (6, 3)).tolist(),
        ):
            offset <<= bit_depth - 8
            for picture in pictures(rng, 4, 16, bit_depth):
                other = rng.integers(0, top + 1, (4, 16)).astype(picture.dtype)
                p0, p1 = picture.astype(int), other.astype(int)
                one = (p0 * w0 + (1 << logWD >> 1) >> logWD if logWD else p0 * w0) + offset
                two = ((p0 * w0 + p1 * w1 + (1 << logWD)) >> (logWD + 1)) + offset
                for level in LEVELS:
                    for w in (2, 4, 8, 16):
                        out = picture.copy()
                        _kernels.weight(out, w, 4, logWD, w0, offset, top, level)
                        np.testing.assert_array_equal(out[:, :w], np.clip(one, 0, top)[:, :w])
                        assert same_outside(out, picture, slice(None), slice(w))
                        out = picture.copy()
                        _kernels.biweight(out, other, w, 4, logWD, w0, w1, offset, top, level)
                        np.testing.assert_array_equal(out[:, :w], np.clip(two, 0, top)[:, :w])
                        assert same_outside(out, picture, slice(None), slice(w))


def test_only_the_block_is_written():
    picture = np.random.default_rng(1).integers(0, 256, (32, 32)).astype(dtype_of(8))
    for level in LEVELS:
        for w in (4, 8, 16):
            for h in (4, 8, 16):
                for position in range(16):
                    before = np.full((h + 1, w + 9), 77, np.uint8)
                    out = before.copy()
                    _kernels.luma(out, picture, 5, 6, w, h, position % 4, position // 4, False, 255, level)
                    assert same_outside(out, before, slice(h), slice(w))
