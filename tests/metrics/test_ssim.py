"""SSIM as published in 2004: equal to a direct implementation of the paper for any dtype, size and layout."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from properties import examples

from codec.errors import ParameterError
from codec.metrics import ssim, wang2004

SINGLE = 1e-7  # largest effect on a mean of single precision, in which integer samples are scored


def naive_ssim_map(a, b, data_range):
    """The formulas of the paper, one window at a time: every moment is a weighted sum over an 11 x 11 patch."""
    yy, xx = np.mgrid[-5:6, -5:6]
    w = np.exp(-(xx**2 + yy**2) / (2 * 1.5**2))
    w /= w.sum()
    patches = [np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (11, 11)) for x in (a, b)]
    mu_a, mu_b = (np.einsum("yxij,ij->yx", p, w) for p in patches)
    da, db = patches[0] - mu_a[..., None, None], patches[1] - mu_b[..., None, None]
    var_a, var_b, cov = (np.einsum("yxij,yxij,ij->yx", p, q, w) for p, q in ((da, da), (db, db), (da, db)))
    C1, C2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return (2 * mu_a * mu_b + C1) * (2 * cov + C2) / ((mu_a**2 + mu_b**2 + C1) * (var_a + var_b + C2))


def naive_ssim(a, b, data_range):
    if a.ndim == 2:
        return naive_ssim_map(a, b, data_range).mean()
    return np.mean([naive_ssim_map(a[..., c], b[..., c], data_range).mean() for c in range(a.shape[2])])


def noisy_pair(dtype, shape, seed=1):
    """A smooth picture with edges, and the same picture with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    clean = 0.5 + 0.3 * np.sin(x / 7 + y / 11) + 0.2 * ((x // 9 + y // 6) % 2)
    if len(shape) == 3:
        clean = clean[..., None] * rng.uniform(0.5, 1, shape[2])
    noisy = np.clip(clean + rng.normal(0, 0.08, shape), 0, 1)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    return (clean.clip(0, 1) * top).astype(dtype), (noisy * top).astype(dtype), top


# 11: one window; 128 columns fill a strip of the kernel, 129 and 247 start the next ones.
@pytest.mark.parametrize(
    "shape",
    [
        (11, 11),
        (11, 40),
        (40, 11),
        (33, 17),
        (20, 128),
        (20, 129),
        (13, 247),
        (40, 300),
        (37, 53, 3),
        (15, 16, 4),
        (12, 12, 1),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_equals_a_plain_reading_of_the_paper(dtype, shape):
    a, b, data_range = noisy_pair(dtype, shape)
    assert ssim(a, b, data_range=data_range) == pytest.approx(
        naive_ssim(a, b, data_range), abs=1e-12 if np.dtype(dtype).kind == "f" else SINGLE
    )


@pytest.mark.parametrize("left, right", [(0, 255), (0, 1), (254, 255), (128, 128)])
def test_flat_pictures_have_only_a_luminance_term(left, right):
    a, b = np.full((30, 30), left, np.uint8), np.full((30, 30), right, np.uint8)
    C1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * left * right + C1) / (left**2 + right**2 + C1), abs=SINGLE)


def test_a_small_signal_on_a_large_offset_keeps_its_digits():
    """Variance as E[x^2] - E[x]^2 loses digits when the mean is large; the sum-and-difference form loses few."""
    a, b, _ = noisy_pair(np.float64, (40, 40))
    a, b = 1000 + a, 1000 + b
    assert ssim(a, b, data_range=1.0) == pytest.approx(naive_ssim(a, b, 1.0), abs=1e-7)


def test_the_preset_says_what_is_computed():
    assert (wang2004.taps, wang2004.sigma, wang2004.K1, wang2004.K2) == (11, 1.5, 0.01, 0.03)
    assert wang2004.weights.sum() == pytest.approx(1, abs=1e-15)
    assert wang2004.weights[5] == pytest.approx(0.26601172486, abs=1e-10)


@given(data=st.data())
@examples(50)
def test_symmetric_bounded_and_one_for_equal(data):
    shape = data.draw(st.tuples(st.integers(11, 30), st.integers(11, 30)))
    if data.draw(st.booleans()):
        a, b = (data.draw(hnp.arrays(np.uint8, shape)) for _ in range(2))
        data_range = 255
    else:
        a, b = (data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1))) for _ in range(2))
        data_range = 1.0
    value = ssim(a, b, data_range=data_range)
    assert value == ssim(b, a, data_range=data_range)
    assert -1 <= value <= 1
    assert ssim(a, a, data_range=data_range) == 1.0


def test_an_inverted_picture_is_negatively_similar():
    a, _, _ = noisy_pair(np.uint8, (64, 64))
    assert -1 <= ssim(a, 255 - a) < 0


def test_more_noise_is_less_similar():
    a, _, _ = noisy_pair(np.float64, (64, 64))
    noise = np.random.default_rng(3).normal(0, 1, a.shape)
    scores = [ssim(a, a + s * noise, data_range=1.0) for s in (0, 0.01, 0.03, 0.1)]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1


def test_layout_changes_no_bit():
    a, b, _ = noisy_pair(np.uint8, (90, 300, 3))
    crop = (slice(None, None, -1), slice(2, 290, 2), slice(None, None, -1))
    expected = ssim(a[crop].copy(), b[crop].copy())
    a.setflags(write=False)
    assert ssim(a[crop], b[crop]) == ssim(np.asfortranarray(a[crop]), b[crop]) == expected
    assert ssim(a[..., 0], b[..., 0]) == ssim(a[..., 0].copy(), b[..., 0].copy())
    wide = a.astype(np.uint16)
    assert ssim(wide.astype(">u2"), b.astype(np.uint16), data_range=255) == ssim(
        wide, b.astype(np.uint16), data_range=255
    )


def test_every_dtype_gives_the_same_figure_for_the_same_samples():
    a, b, _ = noisy_pair(np.uint8, (50, 60))
    single, *double = (
        ssim(a.astype(t), b.astype(t), data_range=255) for t in (np.uint8, np.uint16, np.float32, np.float64)
    )
    assert len(set(double)) == 1  # 65535 is far beyond that data range: uint16 is scored in double precision here
    assert single == pytest.approx(double[0], abs=SINGLE)


def test_threads_do_not_disturb_each_other():
    a, b, _ = noisy_pair(np.uint8, (80, 200))
    expected, seen = ssim(a, b), []
    threads = [threading.Thread(target=lambda: seen.extend(ssim(a, b) for _ in range(20))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert seen == [expected] * 80


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_agrees_with_scikit_image(dtype):
    """scikit-image truncates its Gaussian at 3.5 sigma, which for 1.5 is the same 11 taps, but pads the picture and
    lets windows cross its border in the full map; cropped by 5, only the windows of the paper remain. (The mean that it
    returns is cropped by 5 as well.)"""
    metrics = pytest.importorskip("skimage.metrics")
    a, b, data_range = noisy_pair(dtype, (64, 90))
    mean, full = metrics.structural_similarity(
        a, b, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert ssim(a, b, data_range=data_range) == pytest.approx(full[5:-5, 5:-5].mean(), abs=SINGLE)
    assert ssim(a, b, data_range=data_range) == pytest.approx(mean, abs=SINGLE)


def test_colour_agrees_with_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    a, b, _ = noisy_pair(np.uint8, (40, 50, 3))
    theirs = metrics.structural_similarity(
        a, b, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(a, b) == pytest.approx(theirs, abs=SINGLE)


@pytest.mark.parametrize("shape", [(10, 40), (40, 10), (1, 1), (3, 64, 64)])
def test_pictures_below_one_window_are_refused(shape):
    with pytest.raises(
        ParameterError,
        match=r"SSIM needs at least 11 x 11 pixels, and shape .* is \d+ wide and \d+ high: "
        "use psnr, or put channels last",
    ):
        ssim(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("at", [(0, 0), (29, 149), (15, 118)])
def test_samples_that_are_not_finite_are_pointed_at(value, at):
    a, b, _ = noisy_pair(np.float64, (30, 150))
    a[at] = value
    with pytest.raises(ParameterError, match=rf"a\[{at[0]}, {at[1]}\] is {value}: replace or mask"):
        ssim(a, b, data_range=1.0)


def test_floats_need_a_data_range_and_the_error_tells_it():
    a, b, _ = noisy_pair(np.float32, (20, 20))
    with pytest.raises(ParameterError, match="data_range is required for float32"):
        ssim(a, b)


def test_shapes_and_types_must_match():
    a = np.zeros((20, 20), np.uint8)
    with pytest.raises(ParameterError, match="a has shape"):
        ssim(a, a[:19])
    with pytest.raises(ParameterError, match="convert one"):
        ssim(a, a.astype(float))
