"""Pictures of many colours are assigned band by band: the same result as from a table of their colours, in memory that
does not grow with the number of colours.
"""

import tracemalloc

import numpy as np
import pytest

import codec
from codec.palette._nearest import NearestColor
from codec.palette.assign import Stream, Table, opaque
from codec.palette.dither import DITHERS, paint
from codec.palette.histogram import MOST_COLORS_APART
from codec.palette.importance import HALVING_CONTRAST, contrast_importance
from codec.palette.spaces import coordinates
from codec.pixels import BAND_PIXELS


def noise(height, width, channels):
    return np.random.default_rng(channels).integers(0, 256, (height, width, channels)).astype(np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", [(3, BAND_PIXELS), (BAND_PIXELS, 3), (400, 401)])
def test_a_stream_is_painted_as_a_table(shape, channels):
    pixels = noise(*shape, channels)
    colors, entries = np.unique(pixels.reshape(-1, channels), axis=0, return_inverse=True)
    palette = np.concatenate([noise(16, 1, channels)[:, 0], colors[:2]])
    nearest = NearestColor(coordinates(palette, "srgb"), 0)
    pictures = (
        Table(colors, entries.reshape(-1).astype(np.int32), shape, channels, "srgb"),
        Stream(pixels, channels, "srgb"),
    )
    (one, squared), (other, same) = (picture.nearest(nearest, palette) for picture in pictures)
    assert squared == same and (one == other).all()
    for dither in DITHERS:
        one, other = (paint(picture, nearest, dither, 0.7, 100, 400) for picture in pictures)
        assert (one == other).all(), dither


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, BAND_PIXELS), (700, 300)])
@pytest.mark.parametrize("channels", [1, 3])
def test_contrast_is_its_definition(shape, channels):
    pixels = noise(*shape, channels)
    luma = (pixels.astype(int) @ [299, 587, 114] + 500) // 1000 if channels == 3 else pixels[..., 0].astype(int)
    height, width = shape
    rows, columns = np.arange(-1, height + 1).clip(0, height - 1), np.arange(-1, width + 1).clip(0, width - 1)
    wide = luma[rows][:, columns]
    bend = abs(2 * luma - wide[1:-1, :-2] - wide[1:-1, 2:]) + abs(2 * luma - wide[:-2, 1:-1] - wide[2:, 1:-1])
    total = sum(
        bend[(np.arange(height) + dy).clip(0, height - 1)][:, (np.arange(width) + dx).clip(0, width - 1)]
        for dy in range(-2, 3)
        for dx in range(-2, 3)
    )
    weight = 255 * 25 * HALVING_CONTRAST // (25 * HALVING_CONTRAST + total)
    assert (contrast_importance(pixels) == np.maximum(weight, 1)).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_the_error_is_the_mean_of_its_map(channels):
    result = codec.quantize_colors(noise(300, 300, channels), 16)
    assert result.mse == pytest.approx(result.error_map().mean(), rel=1e-12)


@pytest.mark.parametrize("dither", [None, "floyd-steinberg", "bayer", "riemersma"])
@pytest.mark.parametrize("channels", [3, 4])
def test_memory_is_bounded_by_the_picture(dither, channels):
    pixels = noise(1500, 2000, channels)
    assert len(np.unique(opaque(pixels)[..., :3].reshape(-1, 3), axis=0)) > MOST_COLORS_APART
    codec.quantize_colors(pixels[:64, :64], 256, dither=dither)  # load what is loaded once
    tracemalloc.start()
    try:
        result = codec.quantize_colors(pixels, 256, dither=dither, importance="contrast")
        assert result.mse > 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * pixels.shape[0] * pixels.shape[1]
