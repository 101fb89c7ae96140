"""MS-SSIM and the named presets of SSIM, against plain float64 versions."""
import numpy as np
import pytest

from codec import cpu
from codec.errors import ParameterError
from codec.metrics import ms_ssim, ssim, ssim_map

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:187, :213]
    a = np.clip(120 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7) + rng.normal(0, 4, x.shape), 0, 255)
    b = np.clip(a + rng.normal(0, 12, a.shape), 0, 255)
    return a.round().astype(np.uint8), b.round().astype(np.uint8)


def valid_blur(p):
    x = np.arange(11) - 5
    w = np.exp(-x * x / 4.5)
    w /= w.sum()
    for axis in (0, 1):
        p = np.apply_along_axis(np.convolve, axis, p, w, "valid")
    return p


def parts(a, b, L=255):
    """Mean SSIM and mean contrast-structure by the formulas of 2004."""
    ma, mb = valid_blur(a), valid_blur(b)
    va, vb, cov = valid_blur(a * a) - ma * ma, valid_blur(b * b) - mb * mb, valid_blur(a * b) - ma * mb
    C1, C2 = (0.01 * L) ** 2, (0.03 * L) ** 2
    cs = (2 * cov + C2) / (va + vb + C2)
    return ((2 * ma * mb + C1) / (ma**2 + mb**2 + C1) * cs).mean(), cs.mean()


def naive_ms_ssim(a, b):
    a, b, product = a.astype(float), b.astype(float), 1.0
    for scale, weight in enumerate(WEIGHTS):
        whole, cs = parts(a, b)
        product *= max(0, whole if scale == 4 else cs) ** weight
        a, b = (np.pad(p, ((0, p.shape[0] & 1), (0, p.shape[1] & 1)), mode="edge") for p in (a, b))
        a, b = ((p[::2, ::2] + p[::2, 1::2] + p[1::2, ::2] + p[1::2, 1::2]) / 4 for p in (a, b))
    return product


def test_ms_ssim_is_its_definition(pictures):
    assert ms_ssim(*pictures) == pytest.approx(naive_ms_ssim(*pictures), abs=1e-9)


@pytest.mark.parametrize("dtype, top", [(np.uint16, 65535), (np.float32, 1.0), (np.float64, 1.0)])
def test_ms_ssim_of_other_dtypes(pictures, dtype, top):
    a, b = ((p / 255 * top).astype(dtype) if top == 1 else p.astype(dtype) * 257 for p in pictures)
    assert ms_ssim(a, b, data_range=top) == pytest.approx(ms_ssim(*pictures), abs=1e-6)


def test_ms_ssim_needs_a_window_on_its_coarsest_scale():
    assert ms_ssim(np.zeros((161, 161), np.uint8), np.zeros((161, 161), np.uint8)) == 1
    with pytest.raises(ParameterError, match="at least 161 x 161"):
        ms_ssim(np.zeros((160, 400), np.uint8), np.zeros((160, 400), np.uint8))


def test_ms_ssim_of_opposites_is_not_negative(pictures):
    a, _ = pictures
    assert ms_ssim(a, 255 - a) == 0


def test_ms_ssim_of_colour_is_the_mean_of_channels(pictures):
    a, b = pictures
    pair = np.dstack([a, b, a]), np.dstack([b, a, a])
    assert ms_ssim(*pair) == pytest.approx((2 * ms_ssim(a, b) + 1) / 3, abs=1e-12)


def test_preset_skimage_is_what_scikit_image_computes_by_default(pictures):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    a, b = pictures
    assert ssim(a, b, preset="skimage") == pytest.approx(metrics.structural_similarity(a, b), abs=1e-12)
    color = np.dstack([a, b, a]), np.dstack([b, b, a])
    assert ssim(*color, preset="skimage") == pytest.approx(metrics.structural_similarity(*color, channel_axis=-1), abs=1e-12)


def test_an_unknown_preset_is_refused(pictures):
    with pytest.raises(ParameterError, match="preset must be one of 'wang2004', 'skimage'"):
        ssim(*pictures, preset="matlab")


@pytest.mark.parametrize("preset, taps", [("wang2004", 11), ("skimage", 7)])
def test_the_mean_of_the_map_is_the_score(pictures, preset, taps):
    a, b = pictures
    scores = ssim_map(a, b, preset=preset)
    assert scores.shape == (a.shape[0] - taps + 1, a.shape[1] - taps + 1)
    assert scores.mean() == pytest.approx(ssim(a, b, preset=preset), abs=1e-12)
    color = ssim_map(np.dstack([a, b, a]), np.dstack([b, b, a]), preset=preset)
    assert color.shape == (*scores.shape, 3) and np.array_equal(color[..., 0], scores) and (color[..., 1:] == 1).all()


@pytest.mark.parametrize("metric", [ssim, ms_ssim, ssim_map])
def test_every_cpu_level_gives_the_same_bits(metric, pictures):
    with cpu.force("scalar"):
        scalar = metric(*pictures)
    assert np.array_equal(metric(*pictures), scalar)
