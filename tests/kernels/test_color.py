"""Colour conversion of T.871 clause 7 over all colours, and the CMYK kinds."""

import numpy as np
import pytest
from codec.jpeg._planes import compose, forward

from codec._pixel import rgb_to_ycc, ycc_to_rgb
from codec.errors import ParameterError

ONES = np.ones(64, np.uint16)


def fix(x):
    return round(x * 65536)


def every_pair():
    """(65536, 3) int64 whose last two channels take all pairs of values; the caller sets the first."""
    pixels = np.empty((65536, 3), np.int64)
    pixels[:, 1], pixels[:, 2] = np.divmod(np.arange(65536), 256)
    return pixels


@pytest.mark.parametrize("first", range(0, 256, 32))
def test_every_rgb_colour(first):
    """16-bit fixed point, rounded to nearest (chroma halves down, or 255.5 would become 256), so within 1
    of the real-valued result."""
    pixels = every_pair()
    for red in range(first, first + 32):
        pixels[:, 0] = red
        R, G, B = pixels.T
        got = rgb_to_ycc(pixels.astype(np.uint8)[None])[0].T.astype(np.int64)
        half, centre = 1 << 15, (128 << 16) + (1 << 15) - 1
        np.testing.assert_array_equal(got[0], (fix(0.299) * R + fix(0.587) * G + fix(0.114) * B + half) >> 16)
        np.testing.assert_array_equal(got[1], (-fix(0.168736) * R - fix(0.331264) * G + fix(0.5) * B + centre) >> 16)
        np.testing.assert_array_equal(got[2], (fix(0.5) * R - fix(0.418688) * G - fix(0.081312) * B + centre) >> 16)
        y = 0.299 * R + 0.587 * G + 0.114 * B
        assert np.abs(got - [y, (B - y) / 1.772 + 128, (R - y) / 1.402 + 128]).max() < 0.505


@pytest.mark.parametrize("first", range(0, 256, 32))
def test_every_ycc_colour(first):
    pixels = every_pair()
    for y in range(first, first + 32):
        pixels[:, 0] = y
        cb, cr = pixels[:, 1] - 128, pixels[:, 2] - 128
        got = ycc_to_rgb(pixels.astype(np.uint8)[None])[0].T.astype(np.int64)
        half = 1 << 15
        np.testing.assert_array_equal(got[0], (y + ((fix(1.402) * cr + half) >> 16)).clip(0, 255))
        np.testing.assert_array_equal(got[1], (y + ((half - fix(0.34414) * cb - fix(0.71414) * cr) >> 16)).clip(0, 255))
        np.testing.assert_array_equal(got[2], (y + ((fix(1.772) * cb + half) >> 16)).clip(0, 255))
        exact = np.array([y + 1.402 * cr, y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587, y + 1.772 * cb]).clip(
            0, 255
        )
        assert np.abs(got - exact).max() < 0.505


@pytest.mark.parametrize(
    "rgb, ycc",
    [
        ((0, 0, 0), (0, 128, 128)),
        ((255, 255, 255), (255, 128, 128)),
        ((255, 0, 0), (76, 85, 255)),
        ((0, 255, 0), (150, 44, 21)),
        ((0, 0, 255), (29, 255, 107)),
        ((255, 255, 0), (226, 0, 149)),
        ((0, 255, 255), (179, 171, 0)),
        ((255, 0, 255), (105, 212, 235)),
    ],
)
def test_the_corners_of_the_cube(rgb, ycc):
    assert rgb_to_ycc(np.uint8([[rgb]]))[0, 0].tolist() == list(ycc)


def test_grays_stay_gray_both_ways():
    gray = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    ycc = rgb_to_ycc(gray)
    assert (ycc[0, :, 0] == np.arange(256)).all() and (ycc[0, :, 1:] == 128).all()
    np.testing.assert_array_equal(ycc_to_rgb(ycc), gray)


@pytest.mark.parametrize("width", [1, 2, 63, 64, 65, 127, 128, 129, 200])
def test_every_pixel_of_a_row_is_converted_alike(width):
    """Rows are converted in runs; no run may be skipped or write to its neighbour."""
    pixels = np.random.default_rng(width).integers(0, 256, (3, width, 3), dtype=np.uint8)
    for convert in (rgb_to_ycc, ycc_to_rgb):
        one_by_one = [[convert(pixels[y : y + 1, x : x + 1])[0, 0] for x in range(width)] for y in range(3)]
        np.testing.assert_array_equal(convert(pixels), one_by_one)


def test_no_pixels_are_no_trouble():
    assert (
        rgb_to_ycc(np.empty((0, 5, 3), np.uint8)).shape == ycc_to_rgb(np.empty((0, 5, 3), np.uint8)).shape == (0, 5, 3)
    )


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3), np.uint16)]
)
def test_other_shapes_and_types_are_refused(pixels):
    for convert in (rgb_to_ycc, ycc_to_rgb):
        with pytest.raises(ParameterError, match=r"uint8 of shape \(H, W, 3\)"):
            convert(pixels)


# ---------------------------------------------------------------- components of each kind of picture


def components_of(pixel, color):
    """The samples that code a flat picture of this colour, from its DC levels at step 1 (8 times the sample)."""
    planes = forward(
        np.broadcast_to(np.uint8(pixel), (8, 8, len(pixel))).copy(), color, [(1, 1)] * len(pixel), [ONES] * len(pixel)
    )
    return [int(plane[0, 0, 0]) // 8 + 128 for plane in planes]


def pixel_of(samples, color, precision=8):
    dtype = np.uint8 if precision == 8 else np.uint16
    planes = [np.full((8, 8), s, dtype) for s in samples]
    return compose(planes, color, [(1, 1)] * len(samples), 3, 5, precision)[2, 4].tolist()


@pytest.mark.parametrize(
    "color, pixel, samples",
    [
        ("gray", (200,), (200,)),
        ("rgb", (1, 2, 3), (1, 2, 3)),
        ("ycbcr", (255, 0, 0), (76, 85, 255)),
        ("cmyk", (0, 10, 128, 255), (255, 245, 127, 0)),  # Adobe: 255 is no ink
        ("ycck", (255, 0, 0, 40), (76, 85, 255, 215)),  # CMY taken as RGB, K inverted
    ],
)
def test_components_of_each_kind(color, pixel, samples):
    assert components_of(pixel, color) == list(samples)


@pytest.mark.parametrize(
    "color, samples, pixel",
    [
        ("rgb", (1, 2, 3), [1, 2, 3]),
        ("ycbcr", (76, 85, 255), [254, 0, 0]),
        ("cmyk", (255, 245, 127, 0), [0, 10, 128, 255]),
        ("ycck", (76, 85, 255, 215), [254, 0, 0, 40]),
    ],
)
def test_pixels_of_each_kind(color, samples, pixel):
    assert pixel_of(samples, color) == pixel


def test_twelve_bit_colour_follows_the_same_formula():
    samples = np.random.default_rng(1).integers(0, 4096, (200, 3))
    for y, cb, cr in samples.tolist() + [[4095, 4095, 4095], [0, 0, 0], [4095, 0, 4095]]:
        exact = (y + 1.402 * (cr - 2048), y - 0.344136 * (cb - 2048) - 0.714136 * (cr - 2048), y + 1.772 * (cb - 2048))
        assert np.abs(np.array(pixel_of((y, cb, cr), "ycbcr", 12)) - np.clip(exact, 0, 4095)).max() < 0.52


def test_twelve_bit_cmyk_is_inverted_at_4095():
    assert pixel_of((0, 1, 4094, 4095), "cmyk", 12) == [4095, 4094, 1, 0]
