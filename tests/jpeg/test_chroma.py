"""The estimated loss by 4:2:0, and the decision based on it."""

from math import ceil

import numpy as np
import pytest
from codec.jpeg._chroma import auto_subsampling, subsampling_damage

import codec
from codec import cpu
from codec._pixel import rgb_to_ycc
from codec.errors import ParameterError
from codec.jpeg import QuantTables


def naive(image):
    """The definition, over the whole picture at once, restricted to every fourth strip and to outstanding ones."""
    height, width = image.shape[:2]
    strips = ceil(height / 16)
    bottom = 16 * strips + 16
    padded = np.pad(image, ((8, bottom - height), (0, -width % 16), (0, 0)), mode="edge")
    Y, Cb, Cr = np.moveaxis(rgb_to_ycc(np.ascontiguousarray(padded)).astype(int), 2, 0)
    D = np.zeros_like(Y)
    for plane in (Cb, Cr):
        D += (plane - upsampled(downsampled(plane))) ** 2
    regular = set(range(min(strips - 1, 2), strips, 4))
    contrasts = [contrast(image, 16 * strip) for strip in range(strips)]
    typical = np.mean([contrasts[strip] for strip in regular])
    outstanding = {strip for strip in range(strips) if contrasts[strip] > 8 * typical} - regular
    means = np.zeros(2)
    for chosen, weight in ((regular, strips - len(outstanding)), (outstanding, len(outstanding))):
        ratios, flat = [], []
        for y in (16 * strip + 8 + half for strip in sorted(chosen) for half in (0, 8)):
            for x in range(0, padded.shape[1], 8):
                block = slice(y, y + 8), slice(x, x + 8)
                ratios.append((D[block].mean() / (Y[block].var() + 30)) ** 2)
                flat.append(Y[block].min() == Y[block].max() not in (0, 255))
        if chosen:
            means += np.array([np.mean(ratios), np.mean(flat)]) * weight / strips
    return means[0] ** 0.25, means[1]


def contrast(image, first):
    """Squares of the colour contrast of cells of 16 pixels, added up."""
    height, width = image.shape[:2]
    chroma = -np.diff(image.astype(int), axis=2)
    total = 0
    for y in range(first, min(first + 16, height), 8):
        below = y + 3 if y + 3 < height else y
        for x in range(0, width, 16):
            if 3 * x + 48 + 5 <= 3 * width:
                cell = slice(x, x + 16), slice(0, 2)
                across = chroma[y, x : x + 16] - chroma[y, x + 1 : x + 17]
                down = chroma[y][cell] - chroma[below][cell]
                total += int((across**2).sum() + (down**2).sum()) ** 2
    return total


def downsampled(plane):
    def pairs(p):
        padded = np.pad(p, ((6, 6), (0, 0)), mode="edge")
        first = 6 + np.arange(0, p.shape[0], 2)
        return sum(
            weight * (padded[first - 2 * n] + padded[first + 1 + 2 * n]) for n, weight in enumerate((43, -14, 4, -1))
        )

    return (((pairs(pairs(plane).T).T + 128) // 256).clip(0, 255 * 16) + 8) // 16


def upsampled(small):
    rows = np.pad(small, ((1, 1), (0, 0)), mode="edge")
    sums = np.empty((2 * small.shape[0], small.shape[1]), int)
    sums[0::2], sums[1::2] = 3 * rows[1:-1] + rows[:-2], 3 * rows[1:-1] + rows[2:]
    columns = np.pad(sums, ((0, 0), (1, 1)), mode="edge")
    out = np.empty((sums.shape[0], 2 * sums.shape[1]), int)
    out[:, 0::2], out[:, 1::2] = (3 * sums + columns[:, :-2] + 8) // 16, (3 * sums + columns[:, 2:] + 7) // 16
    return out


@pytest.mark.parametrize(
    "height, width", [(1, 1), (1, 40), (40, 1), (8, 8), (15, 17), (16, 16), (33, 50), (49, 16), (100, 70), (130, 33)]
)
def test_damage_is_that_of_the_definition(height, width, picture):
    pixels = picture(height, width, 3)
    assert subsampling_damage(pixels) == pytest.approx(naive(pixels), rel=1e-9)
    assert subsampling_damage(pixels, errors=False) == (0, subsampling_damage(pixels)[1])


@pytest.mark.parametrize("channels", [3, 4])
def test_every_level_finds_the_same(channels, picture):
    for width in (1, 12, 17, 18, 33, 34, 200):
        pixels = picture(150, width, channels)
        pixels[40:52] ^= 255
        with cpu.force("scalar"):
            expected = subsampling_damage(pixels)
        assert subsampling_damage(pixels) == expected


@pytest.mark.parametrize("y", range(0, 200, 7))
def test_no_row_hides_coloured_text(y):
    """A banner of coloured text costs the same wherever it stands."""
    pixels = np.full((240, 320, 3), 245, np.uint8)
    letters = np.random.default_rng(1).random((8, 150)) < 0.4
    pixels[y : y + 12] = (20, 40, 200)
    pixels[y + 2 : y + 10, 10:310] = np.where(letters.repeat(2, 1)[..., None], (250, 40, 40), (20, 40, 200))
    assert auto_subsampling(pixels, 90) == "4:4:4"
    assert subsampling_damage(pixels) == pytest.approx(naive(pixels), rel=1e-9)


def test_gray_pictures_have_none():
    gray = np.random.default_rng(0).integers(0, 256, (60, 60, 1)).astype(np.uint8).repeat(3, 2)
    assert subsampling_damage(gray) == (0, 0)
    assert auto_subsampling(gray, 97) == "4:2:0"


def test_a_fourth_channel_is_left_aside(picture):
    pixels = picture(40, 40, 4)
    assert subsampling_damage(pixels) == subsampling_damage(np.ascontiguousarray(pixels[..., :3]))


def test_extremes():
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 2, (64, 48, 3)).astype(np.uint8) * 255
        assert 0 < subsampling_damage(noise)[0] < 1000


def test_flat_blocks_are_counted_but_for_black_and_white():
    picture = np.full((64, 64, 3), 255, np.uint8)
    assert subsampling_damage(picture) == (0, 0)
    picture[:, :16] = 200
    assert subsampling_damage(picture) == (pytest.approx(0, abs=0.2), 0.25)
    assert subsampling_damage(picture, errors=False) == (0, 0.25)


def coloured_text():
    pixels = np.full((128, 128, 3), 250, np.uint8)
    pixels[:, :, 1] = np.where(np.arange(128)[:, None] // 2 % 8, 250, 0)
    return pixels


def slopes():
    y, x = np.mgrid[:128, :128]
    return np.stack([x + y, 2 * y, 255 - x], -1).astype(np.uint8)


def test_decisions_follow_the_picture_and_the_quality():
    text = [auto_subsampling(coloured_text(), q) for q in range(1, 101)]
    assert text[:33] == ["4:2:0"] * 33 and text[33:] == ["4:4:4"] * 67
    faint = coloured_text() // 6 + 200
    paler = [auto_subsampling(faint, q) for q in range(1, 101)]
    assert paler[:85] == ["4:2:0"] * 85 and paler[85:] == ["4:4:4"] * 15
    smooth = [auto_subsampling(slopes(), q) for q in range(1, 101)]
    assert smooth[:96] == ["4:2:0"] * 96 and smooth[97:] == ["4:4:4"] * 3


def test_saturated_graphics_keep_their_chrominance_at_low_qualities():
    rng = np.random.default_rng(4)
    pixels = np.full((128, 128, 3), (0, 0, 255), np.uint8)
    letters = rng.random((40, 56)).repeat(2, 0).repeat(2, 1)[..., None] < 0.3
    pixels[8:88, 8:120] = np.where(letters, (255, 0, 0), pixels[8:88, 8:120])
    assert {auto_subsampling(pixels, q) for q in range(20, 101)} == {"4:4:4"}
    noisy = np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8) // 2 + 60
    assert {auto_subsampling(noisy, q) for q in range(1, 90)} == {"4:2:0"}  # no pixels are alike, as in photographs


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (4, 4, 1)])
def test_what_has_no_chrominance_is_refused(shape):
    with pytest.raises(ParameterError, match="chrominance"):
        subsampling_damage(np.zeros(shape, np.uint8))


def test_given_tables_decide_and_not_the_quality_beside_them():
    lines = np.full((64, 64, 3), 230, np.uint8)
    lines[::16, :, 0] = 0
    for q, chosen in ((90, "4:4:4"), (30, "4:2:0")):
        for other in (None, 20, 95):
            made = codec.jpeg.encode(lines, other, quant_tables=QuantTables.ijg(q))
            assert made.subsampling == chosen == codec.jpeg.encode(lines, q).subsampling
