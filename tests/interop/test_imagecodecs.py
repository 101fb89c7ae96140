"""Our files in libjpeg-turbo and its files in ours, through imagecodecs; 12 bits too."""
import imagecodecs
import numpy as np
import pytest

import codec

SIZES = [(1, 1), (3, 2), (9, 7), (16, 16), (17, 33), (60, 81)]


def turbo(data):
    return imagecodecs.jpeg8_decode(data)


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize(
    "color, channels, subsampling",
    [("gray", 1, "auto"), ("rgb", 3, "auto"), *(("ycbcr", 3, s) for s in ("4:4:4", "4:2:2", "4:4:0", "4:2:0"))],
)
def test_turbo_shows_the_same_pixels(color, channels, subsampling, progressive, picture):
    for height, width in SIZES:
        data = codec.encode(picture(height, width, channels), 80, color=color, subsampling=subsampling, progressive=progressive)
        np.testing.assert_array_equal(np.squeeze(turbo(data)), np.squeeze(codec.decode(data)), err_msg=f"{height}x{width}")


@pytest.mark.parametrize("color", ["cmyk", "ycck"])
def test_turbo_shows_the_samples_of_cmyk(color, picture):
    """It leaves Adobe's inversion to the caller."""
    data = codec.encode(picture(30, 40, 4), 80, color=color)
    np.testing.assert_array_equal(255 - turbo(data), codec.decode(data))


@pytest.mark.parametrize("steps", [1, 255, 256, 1000, 30000])
def test_turbo_reads_our_wide_tables(steps, picture):
    Q = np.linspace(1, steps, 64).astype(int)
    for progressive in (False, True):
        data = codec.encode(picture(40, 40), quant_tables=codec.jpeg.QuantTables(Q), progressive=progressive)
        np.testing.assert_array_equal(turbo(data), codec.decode(data))


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "411", "440"])
def test_we_show_what_turbo_shows(subsampling, picture):
    for height, width in SIZES:
        for quality in (20, 75, 98):
            data = imagecodecs.jpeg8_encode(picture(height, width), level=quality, subsampling=subsampling)
            np.testing.assert_array_equal(codec.decode(data), turbo(data), err_msg=f"{height}x{width}")
            assert codec.probe(data).subsampling == ":".join(subsampling)


@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits(channels, picture):
    image = picture(45, 52, channels).astype(np.uint16) * 16 + picture(45, 52, channels, seed=1) % 16
    for quality in (50, 90, 100):
        data = imagecodecs.jpeg8_encode(image, level=quality, bitspersample=12)
        pixels = codec.decode(data)
        assert pixels.dtype == np.uint16 and pixels.max() > 255
        np.testing.assert_array_equal(pixels, turbo(data))


def test_long_pictures(picture):
    """65500 is as far as libjpeg goes."""
    for shape in ((1, 65500), (65500, 1)):
        data = codec.encode(picture(*shape), 60)
        np.testing.assert_array_equal(turbo(data), codec.decode(data))
