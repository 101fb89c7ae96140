"""Pillow images where arrays are taken: their colours, or an error with the remedy; never indices or another space as RGB."""

import numpy as np
import pytest
from PIL import Image

import codec
from codec import metrics
from codec.errors import ParameterError
from codec.palette import animate, write_png


@pytest.fixture
def image(picture):
    return Image.fromarray(picture(24, 40))


def moded(image, mode):
    if mode == "PA":
        return image.quantize(20).convert("PA")
    if mode in ("La", "RGBa"):
        return image.convert(mode.upper()).convert(mode)
    if mode == "LAB":
        return Image.frombytes("LAB", image.size, image.tobytes())
    if mode.startswith("I;16"):
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.quantize(20) if mode == "P" else image.convert(mode)


@pytest.mark.parametrize("mode", ["1", "P", "YCbCr", "HSV", "RGBX"])
def test_colours_of_images_without_alpha(image, mode):
    given = moded(image, mode)
    shown = np.asarray(given.convert("L" if mode == "1" else "RGB"))
    assert codec.encode(given, 90) == codec.encode(shown, 90)
    assert np.array_equal(codec.quantize_colors(given, 30).indices, codec.quantize_colors(shown, 30).indices)
    assert metrics.psnr(given, shown) == float("inf")
    assert animate([given] * 2).data == animate([shown] * 2).data
    assert metrics.ssim_map(given, shown).shape == metrics.ssim_map(shown, shown).shape


def test_two_palettes_of_one_picture_are_compared_by_colour(image):
    first = image.quantize(20)
    other = first.remap_palette(list(range(19, -1, -1)))
    assert metrics.psnr(first, other) == float("inf")
    assert metrics.psnr(first, image) == metrics.psnr(np.asarray(first.convert("RGB")), np.asarray(image))


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA", "La", "RGBa"])
def test_alpha_is_kept_or_refused(image, mode):
    given = moded(image, mode)
    with pytest.raises(ParameterError, match=r"convert\('RGB'\)"):
        codec.encode(given)
    shown = np.asarray(
        given.convert("RGBA") if mode not in ("La", "RGBa") else given.convert(mode.upper()).convert("RGBA")
    )
    assert np.array_equal(codec.quantize_colors(given, 30).image(), codec.quantize_colors(shown, 30).image())
    assert metrics.psnr(given, shown) == float("inf")


def test_a_palette_with_a_transparent_entry(image):
    given = image.quantize(20)
    given.info["transparency"] = 3
    with pytest.raises(ParameterError, match=r"convert\('RGB'\)"):
        codec.encode(given)
    clear = np.asarray(given) == 3
    made = codec.quantize_colors(given, 64)
    assert np.array_equal(made.image()[..., 3] == 0, clear) and write_png(given).bits == 8


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "I;16", "I", "F"])
def test_other_modes_are_refused_with_the_remedy(image, mode):
    given = moded(image, mode)
    calls = (
        [codec.quantize_colors]
        + [codec.encode] * (mode != "CMYK")
        + [lambda one: metrics.psnr(one, one)] * (mode in ("CMYK", "LAB"))
    )
    for call in calls:
        with pytest.raises(ParameterError, match=r"convert\('RGB'\)"):
            call(given)


def test_inks_are_encoded_as_inks(image):
    given = image.convert("CMYK")
    assert codec.encode(given, 90, color="cmyk") == codec.encode(np.asarray(given), 90, color="cmyk")
    with pytest.raises(ParameterError, match="4 channels"):
        codec.encode(given)


def test_samples_of_sixteen_bits_are_compared_as_such(image):
    given = moded(image, "I;16")
    assert metrics.psnr(given, np.asarray(given)) == float("inf")


def test_one_image_is_fitted(image):
    assert np.array_equal(
        codec.PaletteQuantizer(16).fit(image).palette_, codec.PaletteQuantizer(16).fit(np.asarray(image)).palette_
    )


def test_masked_values_are_refused():
    """The mask was dropped: what is behind it counted."""
    masked = np.ma.masked_array(np.zeros((16, 16), np.uint8), np.eye(16, dtype=bool))
    for call in (
        lambda: codec.encode(masked),
        lambda: metrics.psnr(masked, np.zeros((16, 16), np.uint8)),
        lambda: codec.quantizers.Uniform(4).fit(masked),
        lambda: codec.quantizers.recommend(np.ma.masked_greater(np.arange(1e6), 9), bits=2),
    ):
        with pytest.raises(ParameterError, match=r"masked values: pass \w+.compressed\(\), .*filled"):
            call()
    whole = np.ma.masked_array(np.zeros((16, 16), np.uint8))
    assert codec.encode(whole) == codec.encode(whole.data)
