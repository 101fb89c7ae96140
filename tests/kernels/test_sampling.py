"""Chroma down- and upsampling against definitions over single samples, at every size from 1 to 33."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from codec.jpeg._planes import compose, forward

from codec._core import ZIGZAG, fdct
from codec._pixel import rgb_to_ycc
from codec.errors import ParameterError

ONES = np.ones(64, np.uint16)
RATIOS = {"4:2:2": (2, 1), "4:4:0": (1, 2), "4:2:0": (2, 2)}
SIZES = (
    [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3), (3, 3)]
    + [(n, 34 - n) for n in range(1, 34)]
    + [(n, n) for n in range(4, 34, 3)]
)


# ---------------------------------------------------------------- down


def to_multiple(plane, high, wide):
    """The plane with its last row and column repeated up to whole multiples."""
    return np.pad(plane, ((0, -plane.shape[0] % high), (0, -plane.shape[1] % wide)), mode="edge")


def downsampled(plane, h, v):
    """Mean over h x v samples; halves (of four samples, quarters) down in even columns, up in odd; 1 x 2: always up."""
    high, wide = plane.shape[0] // v, plane.shape[1] // h
    sums = plane.astype(int).reshape(high, v, wide, h).sum((1, 3))
    if (h, v) == (1, 2):
        return (sums + 1) // 2
    odd = np.arange(wide) % 2
    return (sums + odd) // 2 if v == 1 else np.where(odd, (sums + 2) // 4, (sums + 1) // 4)


@pytest.mark.parametrize("ratio", RATIOS)
def test_downsampling(ratio, picture):
    """The chroma levels of a colour picture equal those of a gray picture of the means."""
    h, v = RATIOS[ratio]
    for height, width in SIZES:
        pixels = picture(height, width, 3, seed=1)
        planes = forward(pixels, "ycbcr", [(h, v), (1, 1), (1, 1)], [ONES] * 3)
        ycc = rgb_to_ycc(pixels)
        for c in (1, 2):
            small = downsampled(to_multiple(ycc[..., c], 8 * v, 8 * h), h, v)
            high, wide = planes[c].shape[:2]
            assert (high, wide) == (ceil(ceil(height / v) / 8), ceil(ceil(width / h) / 8))
            expected = forward(
                np.ascontiguousarray(small[: 8 * high, : 8 * wide, None], np.uint8), "gray", [(1, 1)], [ONES]
            )[0]
            np.testing.assert_array_equal(planes[c], expected, err_msg=f"{height}x{width}, component {c}")


def test_no_brightness_drifts():
    """Over an even number of columns the rounding of halves cancels out."""
    columns = np.tile(np.uint8([100, 101]), (16, 16))
    assert downsampled(columns, 2, 1).mean() == downsampled(columns, 2, 2).mean() == 100.5


def pair_means(plane):
    """64 times the least-squares means of row pairs: 43, -14, 4, -1 from the pair outwards, edges repeated."""
    padded = np.pad(plane.astype(int), ((6, 6), (0, 0)), mode="edge")
    first = 6 + np.arange(0, plane.shape[0], 2)
    return sum(
        weight * (padded[first - 2 * n] + padded[first + 1 + 2 * n]) for n, weight in enumerate((43, -14, 4, -1))
    )


def least_squares(plane, h, v):
    """In sixteenths."""
    sums = pair_means(plane) if v == 2 else plane.astype(int) * 64
    return ((sums + 2) // 4 if h == 1 else (pair_means(sums.T).T + 128) // 256).clip(0, 255 * 16)


def fdct_plane(samples):
    blocks = samples.reshape(samples.shape[0] // 8, 8, -1, 8).transpose(0, 2, 1, 3)
    return fdct(blocks.reshape(-1, 64)).reshape(*blocks.shape[:2], 64)[..., ZIGZAG].astype(int)


@pytest.mark.parametrize("ratio", RATIOS)
def test_least_squares_downsampling(ratio, picture):
    h, v = RATIOS[ratio]
    for height, width in SIZES:
        pixels = picture(height, width, 3, seed=2)
        planes = forward(pixels, "ycbcr", [(h, v), (1, 1), (1, 1)], chroma="least-squares")
        ycc = rgb_to_ycc(pixels)
        for c in (1, 2):
            high, wide = planes[c].shape[:2]
            small = least_squares(to_multiple(ycc[..., c], 8 * v, 8 * h), h, v)[: 8 * high, : 8 * wide]
            expected = fdct_plane(small // 16 - 128) + (fdct_plane(small % 16) + 8) // 16
            np.testing.assert_array_equal(planes[c], expected, err_msg=f"{height}x{width}, component {c}")


@pytest.mark.parametrize("ratio", RATIOS)
def test_least_squares_downsampling_comes_nearest_once_upsampled(ratio, picture):
    h, v = RATIOS[ratio]
    plane = picture(96, 80, 3, seed=3)[..., 0].astype(int)

    def error(small):
        rebuilt = upsample_plane(small, 1, 1, h, v, 96, 80)
        return ((rebuilt.astype(int) - plane) ** 2).mean()

    ours = (least_squares(plane, h, v) + 8) // 16
    assert error(ours) < 0.95 * error(downsampled(plane, h, v))
    rng = np.random.default_rng(0)
    nearest = error(ours)
    for _ in range(20):  # no neighbour is much nearer
        moved = ours + rng.integers(-2, 3, (96 // v, 80 // h))
        assert error(moved.clip(0, 255)) > 0.99 * nearest


# ---------------------------------------------------------------- up


def upsample_plane(plane, H, V, Hmax, Vmax, height, width, precision=8):
    """A component of H x V beside one of Hmax x Vmax, as upsampled by the decoder (colour "rgb": no conversion)."""
    dtype = np.uint8 if precision == 8 else np.uint16
    full = np.zeros((-(-height // 8) * 8, -(-width // 8) * 8), dtype)
    small = np.zeros((-(-plane.shape[0] // 8) * 8, -(-plane.shape[1] // 8) * 8), dtype)
    small[...] = 77  # filling beyond the component: must not be seen
    small[: plane.shape[0], : plane.shape[1]] = plane
    return compose([full, small, full], "rgb", [(Hmax, Vmax), (H, V), (Hmax, Vmax)], height, width, precision)[..., 1]


def taps(position, ratio, count):
    """Linear interpolation between centres: [(index, weight)] of output `position`; edge samples are repeated."""
    if ratio == 1:
        return [(position, Fraction(1))]
    near, beside = position // 2, position // 2 + (1 if position % 2 else -1)
    return [(near, Fraction(3, 4)), (min(max(beside, 0), count - 1), Fraction(1, 4))]


def interpolated(plane, h, v, height, width):
    """Triangle filter. Halves of the exact value: rounded down and up in turn along the axis that is interpolated.

    For 2x1 and 1x2 even positions round down; for 2x2 even columns round up.
    """
    high, wide = plane.shape
    out = np.empty((height, width), int)
    for y in range(height):
        for x in range(width):
            exact = sum(wy * wx * int(plane[j, i]) for j, wy in taps(y, v, high) for i, wx in taps(x, h, wide))
            turn = x % 2 == 0 if (h, v) == (2, 2) else (x if v == 1 else y) % 2 == 1
            out[y, x] = floor(exact + Fraction(1, 2)) if turn else ceil(exact - Fraction(1, 2))
    return out


def repeated(plane, H, V, Hmax, Vmax, height, width):
    return np.array([[plane[y * V // Vmax, x * H // Hmax] for x in range(width)] for y in range(height)])


@pytest.mark.parametrize("precision", [8, 12])
@pytest.mark.parametrize("ratio", RATIOS)
def test_upsampling_by_two_is_the_triangle_filter(ratio, precision):
    """Components of one or two columns are repeated horizontally instead, as in every libjpeg."""
    h, v = RATIOS[ratio]
    rng = np.random.default_rng(7)
    for height, width in SIZES:
        plane = rng.integers(0, 1 << precision, (ceil(height / v), ceil(width / h)))
        got = upsample_plane(plane, 1, 1, h, v, height, width, precision)
        if h == 2 and plane.shape[1] <= 2:
            expected = repeated(plane, 1, 1, h, v, height, width)
        else:
            expected = interpolated(plane, h, v, height, width)
        np.testing.assert_array_equal(got, expected, err_msg=f"{height}x{width}")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 254, 255])
@pytest.mark.parametrize("ratio", RATIOS)
def test_a_flat_plane_stays_flat(ratio, value):
    h, v = RATIOS[ratio]
    assert (upsample_plane(np.full((ceil(17 / v), ceil(21 / h)), value), 1, 1, h, v, 17, 21) == value).all()


@pytest.mark.parametrize(
    "factors",
    [
        (1, 1, 4, 1),
        (1, 1, 3, 1),
        (2, 1, 3, 1),
        (1, 2, 1, 3),
        (3, 1, 4, 2),
        (1, 1, 4, 4),
        (1, 3, 2, 4),
        (2, 1, 2, 3),
        (1, 1, 2, 4),
    ],
)
def test_other_ratios_are_repeated(factors):
    H, V, Hmax, Vmax = factors
    rng = np.random.default_rng(8)
    for height, width in ((1, 1), (5, 3), (17, 33), (33, 17)):
        plane = rng.integers(0, 256, (ceil(height * V / Vmax), ceil(width * H / Hmax)))
        got = upsample_plane(plane, H, V, Hmax, Vmax, height, width)
        np.testing.assert_array_equal(got, repeated(plane, H, V, Hmax, Vmax, height, width))


def test_a_plane_that_is_too_small_is_refused():
    small, full = np.zeros((8, 8), np.uint8), np.zeros((16, 16), np.uint8)
    with pytest.raises(ParameterError, match="smaller than the picture"):
        compose([full, small, small], "rgb", [(1, 1)] * 3, 9, 9, 8)
