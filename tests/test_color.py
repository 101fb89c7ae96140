"""`codec.color`: printed figures follow from the weights, and the other places that hold them agree."""

import re
from pathlib import Path

import numpy as np
import pytest

import codec
from codec import color
from codec.color import LUMA_1000, MATRICES, YCBCR

PACKAGE = Path(codec.__file__).parent


def exact(matrix):
    """Rows Y, Cb, Cr from (kr, kb): Cb = (B - Y) / 2(1 - kb), Cr = (R - Y) / 2(1 - kr)."""
    kr, kb = MATRICES[matrix]
    y = np.array([kr, 1 - kr - kb, kb])
    return np.array([y, (np.eye(3)[2] - y) / (2 * (1 - kb)), (np.eye(3)[0] - y) / (2 * (1 - kr))])


@pytest.mark.parametrize("matrix", YCBCR)
def test_printed_coefficients_are_the_exact_ones_rounded(matrix):
    assert np.abs(np.array(YCBCR[matrix]) - exact(matrix)).max() <= 0.5000001e-6


def test_thousandths_are_the_weights_of_bt601():
    assert [n / 1000 for n in LUMA_1000] == list(YCBCR["BT.601"][0]) and sum(LUMA_1000) == 1000


@pytest.mark.parametrize("matrix", MATRICES)
def test_from_rgb_and_minus_luma_are_inverse(matrix):
    rgb = np.random.default_rng(1).random((3, 50), np.float32)
    y, cb, cr = color.from_rgb(*rgb, matrix)
    np.testing.assert_allclose(np.stack([y, cb, cr]), exact(matrix) @ rgb, atol=1e-6)
    np.testing.assert_allclose(y + np.stack(color.minus_luma(cb, cr, matrix)), rgb, atol=1e-6)


def test_fixed_point_constants_of_the_pixel_kernels():
    """FIX(x) = round(x * 2^16) of the coefficients of T.871 to five decimals, as other JPEG libraries round them."""
    constants = dict(re.findall(r"^    (\w+) = (\d+), +/\*", (PACKAGE / "simd/jpeg_color.h").read_text(), re.M))
    (y_r, y_g, y_b), (cb_r, cb_g, _), (_, cr_g, cr_b) = exact("BT.601")
    kr, kb = MATRICES["BT.601"]
    wanted = {
        "Y_R": y_r, "Y_G": y_g, "Y_B": y_b, "CB_R": -cb_r, "CB_G": -cb_g, "CR_G": -cr_g, "CR_B": -cr_b,
        "R_CR": 2 * (1 - kr), "G_CB": 2 * kb * (1 - kb) / y_g, "G_CR": 2 * kr * (1 - kr) / y_g, "B_CB": 2 * (1 - kb),
    }  # fmt: skip
    assert {name: int(constants[name]) for name in wanted} == {
        name: round(round(value, 5) * 65536) for name, value in wanted.items()
    }


def test_matrices_of_h273_are_known():
    assert set(color.H273_MATRICES.values()) == {*MATRICES, *color.OTHER_MATRICES}


def test_levels():
    assert color.levels(8, False) == (16, 219, 224) and color.levels(10, False) == (64, 876, 896)
    assert color.levels(8, True) == (0, 255, 255) and color.levels(16, True) == (0, 65535, 65535)


def test_the_slope_of_linear_light():
    v, step = np.linspace(0.001, 1, 300), 1e-6
    v = v[np.abs(v - 0.04045) > 1e-4]
    rise = (color.linear_light(v + step) - color.linear_light(v - step)) / (2 * step)
    np.testing.assert_allclose(color.linear_light_slope(v), rise, rtol=1e-6)
