"""PSNR-HVS-M, CIEDE2000 and PSNR by planes, against direct implementations of their definitions."""

import json
import math
import os
import pathlib

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.metrics import ciede2000, psnr, psnr_hvs_m, psnr_y, psnr_ycbcr, ssim_y
from codec.metrics.perceptual import CSF, DCT, MASK, delta_e_2000, lab

DATA = pathlib.Path(os.environ.get("CODEC_TEST_DATA", pathlib.Path(__file__).parents[3] / "shared/data"))


@pytest.fixture
def pictures():
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:75, :101]
    a = np.stack([x * 2 % 256, y * 3 % 256, (x + y) % 256], -1).astype(np.uint8)
    return a, np.clip(a + rng.integers(-9, 10, a.shape), 0, 255).astype(np.uint8)


def scatter(block):
    return np.var(block, ddof=1) * block.size


def masking(block, coefficients):
    energy = sum(coefficients[k, l] ** 2 * MASK[k, l] for k in range(8) for l in range(8) if k or l)
    whole = scatter(block)
    parts = sum(scatter(block[i : i + 4, j : j + 4]) for i in (0, 4) for j in (0, 4))
    return math.sqrt(energy * (parts / whole if whole else 0)) / 32


def naive_psnr_hvs_m(a, b):
    """Block by block and coefficient by coefficient, as in the papers."""
    total = pixels = 0
    for y in range(0, a.shape[0] - 7, 8):
        for x in range(0, a.shape[1] - 7, 8):
            blocks = a[y : y + 8, x : x + 8], b[y : y + 8, x : x + 8]
            ca, cb = (DCT @ block @ DCT.T for block in blocks)
            mask = max(masking(blocks[0], ca), masking(blocks[1], cb))
            for k in range(8):
                for l in range(8):
                    u = abs(ca[k, l] - cb[k, l])
                    if k or l:
                        u = 0 if u < mask / MASK[k, l] else u - mask / MASK[k, l]
                    total += (u * CSF[k, l]) ** 2
            pixels += 64
    return 10 * math.log10(255**2 / (total / pixels))


def test_psnr_hvs_m_is_its_definition(pictures):
    a, b = (p[..., 0] for p in pictures)
    assert psnr_hvs_m(a, b) == pytest.approx(naive_psnr_hvs_m(a.astype(float), b.astype(float)), abs=1e-9)


def test_psnr_hvs_m_of_colour_is_that_of_luma(pictures):
    a, b = (p @ np.array([0.299, 0.587, 0.114]) for p in pictures)
    assert psnr_hvs_m(*pictures) == pytest.approx(psnr_hvs_m(a, b, data_range=255), abs=1e-9)


def test_the_masking_table_is_that_of_annex_k():
    k1_first_row = np.array([16, 11, 10, 16, 24, 40, 51, 61])
    assert np.abs(MASK[0] - (10 / k1_first_row) ** 2).max() < 1e-6


def test_equal_pictures(pictures):
    a, _ = pictures
    assert psnr_hvs_m(a, a) == math.inf and ciede2000(a, a) == 0 and psnr_ycbcr(a, a)["6:1:1"] == math.inf


def test_ciede2000_gives_the_published_pairs():
    path = DATA / "tables/misc.json"
    if not path.exists():
        pytest.skip(f"34 pairs of Sharma, Wu and Dalal: {path} is missing")
    pairs = np.array(json.loads(path.read_text())["CIEDE2000"]["test pairs [L1,a1,b1,L2,a2,b2,dE]"])
    assert len(pairs) == 34
    assert np.abs(delta_e_2000(pairs[:, :3], pairs[:, 3:6]) - pairs[:, 6]).max() < 1e-4
    assert np.abs(delta_e_2000(pairs[:, 3:6], pairs[:, :3]) - pairs[:, 6]).max() < 1e-4


def test_lab_of_black_white_and_gray():
    assert np.abs(lab(np.array([[0.0, 0, 0], [1, 1, 1]])) - [[0, 0, 0], [100, 0, 0]]).max() < 1e-9
    assert np.abs(lab(np.full(3, 0.5))[1:]).max() < 1e-9


def test_ciede2000_is_a_mean_over_pixels_and_gray_is_gray(pictures):
    a, b = pictures
    assert ciede2000(a, b) == pytest.approx(delta_e_2000(lab(a / 255), lab(b / 255)).mean(), abs=1e-9)
    assert ciede2000(a[..., 0], b[..., 0]) == pytest.approx(
        ciede2000(*(np.repeat(p[..., :1], 3, 2) for p in pictures)), abs=1e-9
    )


def test_psnr_by_planes(pictures):
    a, b = pictures
    values = psnr_ycbcr(a, b)
    difference = a.astype(float) - b
    y = difference @ [0.299, 0.587, 0.114]
    assert values["Y"] == pytest.approx(10 * math.log10(255**2 / (y**2).mean()), abs=1e-9)
    cb = (difference[..., 2] - y) / 1.772
    assert values["Cb"] == pytest.approx(10 * math.log10(255**2 / (cb**2).mean()), abs=1e-4)
    assert values["6:1:1"] == pytest.approx((6 * values["Y"] + values["Cb"] + values["Cr"]) / 8)
    assert psnr_y(a, b) == values["Y"] and psnr_y(a[..., 0], b[..., 0]) == psnr(a[..., 0], b[..., 0])


@pytest.mark.parametrize("metric", [psnr_hvs_m, ciede2000, psnr_ycbcr])
def test_what_cannot_be_compared_is_refused(metric, pictures):
    a, b = pictures
    with pytest.raises(ParameterError, match="shape"):
        metric(a, b[1:])
    with pytest.raises(ParameterError, match="data_range is required"):
        metric(a / 255, b / 255)
    bad = a / 255
    bad[3, 4, 1] = np.nan
    with pytest.raises(ParameterError, match=r"\[3, 4, 1\] is nan"):
        metric(bad, b / 255, data_range=1.0)
    with pytest.raises(ParameterError, match="RGB"):
        metric(np.zeros((16, 16, 4), np.uint8), np.zeros((16, 16, 4), np.uint8))


@pytest.mark.parametrize("metric", [psnr_y, ssim_y])
def test_luma_of_rgba_is_refused(metric):
    """Alpha would count as a colour."""
    with pytest.raises(ParameterError, match="drop alpha"):
        metric(np.zeros((16, 16, 4), np.uint8), np.zeros((16, 16, 4), np.uint8))
    assert metric(np.zeros((16, 16, 1), np.uint8), np.zeros((16, 16, 1), np.uint8)) in (1, np.inf)
