"""Our files in libjpeg-turbo and its files in ours, through imagecodecs; 12 bits too."""

import numpy as np
import pytest

import codec

imagecodecs = pytest.importorskip("imagecodecs")

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
        data = codec.encode(
            picture(height, width, channels), 80, color=color, subsampling=subsampling, progressive=progressive
        )
        np.testing.assert_array_equal(
            np.squeeze(turbo(data)), np.squeeze(codec.decode(data)), err_msg=f"{height}x{width}"
        )


@pytest.mark.parametrize("color", ["cmyk", "ycck"])
def test_turbo_shows_the_samples_of_cmyk(color, picture):
    """imagecodecs leaves Adobe's inversion to the caller."""
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
    """The maximum of libjpeg is 65500."""
    for shape in ((1, 65500), (65500, 1)):
        data = codec.encode(picture(*shape), 60)
        np.testing.assert_array_equal(turbo(data), codec.decode(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_turbo_reads_our_arithmetic_coding(progressive, picture):
    for height, width in SIZES:
        for channels, options in [
            (1, {}),
            (3, {}),
            (3, dict(subsampling="4:4:4", quality=97)),
            (3, dict(restart_interval=2)),
        ]:
            data = codec.encode(
                picture(height, width, channels), progressive=progressive, coding="arithmetic", **options
            )
            np.testing.assert_array_equal(
                np.squeeze(turbo(data)), np.squeeze(codec.decode(data)), err_msg=f"{height}x{width} {options}"
            )


@pytest.mark.parametrize("bits", [2, 7, 8, 9, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_both_ways(bits, channels, picture):
    """libjpeg-turbo 3 reads ours, restarts and point transforms included; we read its files."""
    for height, width in SIZES:
        wide = picture(height, width, channels).astype(np.uint16) * 257 + picture(height, width, channels, seed=1) % 101
        image = (wide >> 16 - bits).astype(np.uint8 if bits <= 8 else np.uint16)
        for predictor in range(1, 8):
            for options in ({}, dict(restart_rows=2), dict(point_transform=1)):
                data = codec.jpeg.encode_lossless(image, bits=bits, predictor=predictor, **options).data
                np.testing.assert_array_equal(np.squeeze(turbo(data)), np.squeeze(codec.decode(data)))
            theirs = imagecodecs.jpeg8_encode(image, lossless=True, predictor=predictor, bitspersample=bits)
            np.testing.assert_array_equal(np.squeeze(codec.decode(theirs)), np.squeeze(image))


def test_another_lossless_decoder_reads_ours(picture):
    for channels in (1, 3):
        image = picture(31, 40, channels)
        np.testing.assert_array_equal(imagecodecs.jpegsof3_decode(codec.jpeg.encode_lossless(image).data), image)
