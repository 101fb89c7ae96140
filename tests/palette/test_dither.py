"""Dithering: means are kept, errors stay bounded, masks have a blue spectrum, and only palette colours are used."""

import numpy as np
import pytest
from codec.palette._dither import Diffusion

import codec
from codec import cpu
from codec.palette import blue_noise
from codec.palette._nearest import NearestColor
from codec.palette.dither import DITHERS, KERNELS, bayer_mask

BLACK_WHITE = np.array([[0, 0, 0], [255, 255, 255]])


@pytest.mark.parametrize("dither", DITHERS)
@pytest.mark.parametrize("level", [64, 100, 128, 191])
def test_a_flat_gray_keeps_its_mean(dither, level):
    gray = np.full((64, 64, 3), level, np.uint8)
    result = codec.quantize_colors(gray, palette="black-white", space="srgb", dither=dither, dither_strength=1)
    share = 0.75 if dither == "atkinson" else 1  # share of the error that is diffused
    expected = level if share == 1 else None
    mean = result.image()[8:-8, 8:-8].mean()
    assert expected is None and 0 < mean < 255 or abs(mean - level) < 10


@pytest.mark.parametrize("dither", DITHERS)
def test_strength_0_is_no_dithering(dither, slope):
    plain = codec.quantize_colors(slope, 16, dither=None)
    assert (codec.quantize_colors(slope, 16, dither=dither, dither_strength=0).indices == plain.indices).all()


@pytest.mark.parametrize("dither", DITHERS)
def test_blurred_dithering_is_nearer_than_none(dither, slope):
    def blurred(image):
        sums = np.cumsum(np.cumsum(image.astype(float), 0), 1)
        return (sums[8:, 8:] - sums[:-8, 8:] - sums[8:, :-8] + sums[:-8, :-8]) / 64

    plain, dithered = (
        codec.quantize_colors(slope, 8, dither=d, dither_strength=0.9, space="srgb").image() for d in (None, dither)
    )
    assert (
        np.square(blurred(dithered) - blurred(slope)).mean() < 0.7 * np.square(blurred(plain) - blurred(slope)).mean()
    )


def naive_diffuse(points, height, width, palette, taps, strength, limit, stay):
    """The definition, pixel by pixel, in single precision."""
    out = np.zeros((height, width), int)
    errors = np.zeros((height + 3, width + 6, points.shape[1]), np.float32)
    last = 0
    for y in range(height):
        step = 1 if y % 2 == 0 else -1
        for i in range(width):
            x = i if step > 0 else width - 1 - i
            e = np.clip(points[y * width + x] + errors[y, x + 3], 0, 2047).astype(np.float32)
            squared = np.square(np.floor(e + np.float32(0.5)) - palette).sum(1)
            best = squared.argmin()
            last = last if i and squared[last] <= squared[best] + stay else best
            out[y, x] = last
            e = e - palette[last]
            length = np.float32(0)
            for v in e:
                length += v * v
            factor = np.float32(strength)
            if length > limit * limit:
                factor = np.float32(factor * limit / np.sqrt(length))
            e = e * factor
            for dx, dy, share in taps:
                errors[y + dy, x + 3 + step * dx] += e * np.float32(share)
    return out


@pytest.mark.parametrize("dither", KERNELS)
@pytest.mark.parametrize("D, limit, stay", [(3, 1e6, 0), (3, 60, 900), (6, 100, 400)])
def test_diffusion_is_its_definition(dither, D, limit, stay):
    rng = np.random.default_rng(D)
    points = rng.integers(0, 900, (19 * 13, D)).astype(np.float32)
    palette = rng.integers(0, 900, (6, D)).astype(np.float32)
    taps, alone = np.array(KERNELS[dither], np.float32), np.zeros(len(points), np.uint8)
    lo, hi = np.zeros(D, np.float32), np.full(D, 2047, np.float32)
    entries = np.arange(len(points), dtype=np.int32)
    diffusion = Diffusion(NearestColor(palette, cpu.level_index()), 13, taps, 0.75, limit, stay, lo, hi)
    cut = 13 * 8
    painted = np.concatenate(
        [diffusion.rows(points, entries[:cut], alone), diffusion.rows(points, entries[cut:], alone)]
    )
    assert (
        painted.reshape(19, 13)
        == naive_diffuse(points, 19, 13, palette, KERNELS[dither], 0.75, np.float32(limit), stay)
    ).all()


def test_shares_add_up():
    for name, taps in KERNELS.items():
        assert sum(share for _, _, share in taps) == pytest.approx(0.75 if name == "atkinson" else 1)
        assert all(dy > 0 or dx > 0 for dx, dy, _ in taps), "errors go to pixels that are still to come"


@pytest.mark.parametrize("dither", [*KERNELS, "riemersma"])
def test_errors_do_not_run_away(dither):
    """Grays cannot mix red: the error never vanishes, but must not grow; adjacent black stays black."""
    image = np.zeros((48, 96, 3), np.uint8)
    image[:, :48] = [255, 0, 0]
    shown = codec.quantize_colors(image, palette="gray-16", dither=dither, dither_strength=1).image()
    assert (shown[:, 64:] == 0).all()


@pytest.mark.parametrize("dither", DITHERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 65), (65, 3), (33, 34)])
def test_every_shape_is_painted_whole(dither, shape, picture):
    image = picture(*shape, 3)
    result = codec.quantize_colors(image, 4, dither=dither)
    assert result.indices.shape == shape and result.indices.max() < len(result.palette)


def test_a_long_line_is_quick():
    """The Hilbert curve runs through squares as wide as the picture is high."""
    image = np.random.default_rng(0).integers(0, 256, (1, 60000, 3)).astype(np.uint8)
    assert codec.quantize_colors(image, 8, dither="riemersma").indices.shape == (1, 60000)


def test_no_specks_in_flat_areas(slope):
    """A flat area close to a palette colour is painted with one entry; the gradient around it is dithered."""
    image = slope.copy()
    image[20:60, 20:70] = [90, 120, 60]
    result = codec.quantize_colors(image, 32)
    assert len(np.unique(result.indices[21:59, 21:69])) == 1
    assert (codec.quantize_colors(image, 32, dither=None).indices != result.indices).mean() > 0.1


def test_bayer_ranks():
    assert (bayer_mask(2) * 4 - 0.5).tolist() == [[0, 2], [3, 1]]
    assert sorted((bayer_mask(8) * 64 - 0.5).reshape(-1).tolist()) == list(range(64))


def test_the_mask_is_what_its_generator_makes():
    assert ((blue_noise.mask() * 4096 - 0.5).astype(int) == blue_noise.void_and_cluster()).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_mask_is_blue_at_every_threshold(share):
    pattern = blue_noise.mask() < share
    assert abs(pattern.mean() - share) < 1e-3
    power = abs(np.fft.fft2(pattern - pattern.mean())) ** 2
    f = np.minimum(np.arange(64), 64 - np.arange(64))
    radius = np.hypot(*np.meshgrid(f, f))
    assert power[(radius > 0) & (radius < 8)].mean() < 0.1 * power[radius > 16].mean()
