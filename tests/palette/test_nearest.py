"""The nearest colour: exact, the first of equals, at every CPU level; and lattices that match their formulas."""

import numpy as np
import pytest

from codec import _core, cpu
from codec.palette._nearest import NearestColor
from codec.palette.spaces import SPACES, coordinates


@pytest.mark.parametrize("level", _core.BUILT_LEVELS)
@pytest.mark.parametrize("D, k", [(3, 1), (3, 2), (3, 7), (3, 8), (3, 100), (3, 256), (6, 1), (6, 33), (6, 256)])
def test_nearest_is_that_of_comparing_everything(level, D, k):
    if level > cpu.level_index():
        pytest.skip("this machine does not have the level")
    rng = np.random.default_rng(k)
    top = 2047 if D == 3 else 1600
    palette = rng.integers(0, top + 1, (k, D)).astype(np.float32)
    palette[k // 2] = palette[0]  # a duplicate is never used
    points = np.concatenate(
        [rng.integers(0, top + 1, (4000, D)), palette, np.zeros((1, D)), np.full((1, D), top)]
    ).astype(np.float32)
    squared = np.square(points[:, None].astype(np.int64) - palette[None].astype(np.int64)).sum(2)
    index, distance = NearestColor(palette, level).find(points)
    assert (index == squared.argmin(1)).all() and (distance == squared.min(1)).all()


def test_ties_on_a_coarse_lattice():
    rng = np.random.default_rng(0)
    palette = (rng.integers(0, 5, (60, 3)) * 200).astype(np.float32)
    points = (rng.integers(0, 9, (3000, 3)) * 100).astype(np.float32)
    squared = np.square(points[:, None] - palette[None]).sum(2)
    assert (NearestColor(palette, cpu.level_index()).find(points)[0] == squared.argmin(1)).all()


def all_corners():
    rng = np.random.default_rng(1)
    cube = np.stack(np.meshgrid(*[[0, 1, 2, 127, 254, 255]] * 3), -1).reshape(-1, 3)
    return np.concatenate([cube, rng.integers(0, 256, (3000, 3))]).astype(np.uint8)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_coordinates_keep_the_contract_of_the_kernels(space, channels):
    colors = all_corners()[:, : min(channels, 3)]
    if channels == 4:
        colors = np.concatenate(
            [colors, np.random.default_rng(2).choice([0, 1, 100, 255], (len(colors), 1))], 1
        ).astype(np.uint8)
    points = coordinates(colors, space)
    assert points.shape == (len(colors), 6 if channels == 4 else 3) and points.dtype == np.float32
    assert (points == np.floor(points)).all() and points.min() >= 0 and points.max() <= 2047
    assert np.square(np.ptp(points, axis=0)).sum() < 1 << 24


def test_oklab_is_ottosson_s():
    """By definition, in double precision. Tolerance: half a unit for rounding, a hundredth for single precision."""
    colors = all_corners()
    v = colors / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(
        linear
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    lab = lms @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    expected = lab * [2047, 0.8 * 2048, 2048] + [0, 0.24 * 0.8 * 2048, 0.32 * 2048]
    assert (
        abs(coordinates(colors, "oklab") - expected).max() < 0.51 + 0.25
    )  # the darkest colours start at 1e-12 of light, not at 0


def test_ycbcr_is_bt_601():
    colors = all_corners()
    r, g, b = colors.T.astype(float)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    expected = 8 * np.stack([y, (b - y) / 1.772 + 127.5, (r - y) / 1.402 + 127.5], 1)
    assert abs(coordinates(colors, "ycbcr") - expected).max() <= 1


@pytest.mark.parametrize("space", SPACES)
def test_levels_agree(space):
    colors = all_corners()
    with cpu.force("scalar"):
        scalar = coordinates(colors, space)
    assert (coordinates(colors, space) == scalar).all()


def test_alpha_is_black_and_white_grounds():
    transparent = coordinates(np.array([[255, 0, 0, 0], [0, 9, 99, 0]], np.uint8), "srgb")
    assert (transparent[0] == transparent[1]).all() and transparent[0].tolist() == [0, 0, 0, 1530, 1530, 1530]
    opaque = coordinates(np.array([[10, 20, 30, 255]], np.uint8), "srgb")[0]
    assert opaque.tolist() == [60, 120, 180] * 2
