"""Gradients of the metrics against differences of double-precision models."""

import numpy as np
import pytest

from codec import cpu
from codec.errors import ParameterError
from codec.metrics import ssimulacra2, ssimulacra2_gradient
from codec.metrics.gradients import estimated_gains

from .test_ssimulacra2 import model, scene


def pair(height, width, gray=False, seed=3):
    a = scene(height, width)
    b = np.clip(a + np.random.default_rng(seed).integers(-12, 13, a.shape), 0, 255).astype(np.uint8)
    return (a[..., 0], b[..., 0]) if gray else (a, b)


def in_colour(p):
    return np.repeat(p[..., None], 3, 2) if p.ndim == 2 else p


def rise(a, b, direction, step=1e-3):
    """The model's change per unit of `direction` at b."""
    a, b, direction = (in_colour(p).astype(float) for p in (a, b, direction))
    return (model(a, b + step * direction) - model(a, b - step * direction)) / (2 * step)


@pytest.mark.parametrize("gray", [False, True])
def test_every_sample_of_a_small_picture(gray):
    a, b = pair(9, 11, gray)
    _, gradient = ssimulacra2_gradient(a, b)
    expected = np.empty(b.shape)
    for at in np.ndindex(b.shape):
        unit = np.zeros(b.shape)
        unit[at] = 1
        expected[at] = rise(a, b, unit)
    assert gradient.dtype == np.float32 and gradient.shape == b.shape
    assert np.abs(gradient - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("size", [(8, 8), (40, 33), (57, 90), (113, 121), (130, 116)])
def test_directions_in_which_all_scales_take_part(size):
    a, b = pair(*size)
    _, gradient = ssimulacra2_gradient(a, b)
    rng = np.random.default_rng(5)
    noise = rng.normal(size=b.shape)
    for direction in (noise, np.sign(gradient), a.astype(float) - b, np.ones(b.shape), np.cumsum(noise, 0)):
        reach = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
        assert float((gradient * direction).sum()) == pytest.approx(
            rise(a, b, direction / np.abs(direction).max()) * np.abs(direction).max(), abs=1e-4 * reach
        )


def test_a_step_along_it_improves_the_score_by_as_much_as_it_says():
    a, b = pair(64, 72)
    score, gradient = ssimulacra2_gradient(a, b)
    step = np.where(np.abs(gradient) > np.quantile(np.abs(gradient), 0.99), np.sign(gradient), 0)
    moved = np.clip(b + step, 0, 255).astype(np.uint8)
    promised = float((gradient * (moved - b.astype(float))).sum())
    assert 0.5 * promised < ssimulacra2(a, moved) - score < promised * 1.5


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("size", [(8, 9), (40, 33), (128, 127)])
def test_score_and_every_cpu_level(size, gray):
    a, b = pair(*size, gray)
    score, gradient = ssimulacra2_gradient(a, b)
    assert score == ssimulacra2(a, b)
    with cpu.force("scalar"):
        scalar_score, scalar = ssimulacra2_gradient(a, b)
    assert scalar_score == score and scalar.tobytes() == gradient.tobytes()


def test_gray_is_the_sum_over_equal_channels_and_strides_do_not_matter():
    a, b = pair(40, 50, gray=True)
    _, gray = ssimulacra2_gradient(a, b)
    _, colour = ssimulacra2_gradient(in_colour(a), in_colour(b))
    assert gray == pytest.approx(colour.sum(2), abs=1e-6 * float(np.abs(gray).max()))
    a, b = pair(80, 100)
    _, strided = ssimulacra2_gradient(a[::2, ::-2], b[::2, ::-2])
    assert strided.tobytes() == ssimulacra2_gradient(a[::2, ::-2].copy(), b[::2, ::-2].copy())[1].tobytes()


def test_pictures_without_a_direction_have_the_gradient_0():
    a, _ = pair(48, 40)
    score, gradient = ssimulacra2_gradient(a, a)
    assert score == 100 and not gradient.any()


def test_extreme_pictures_have_finite_gradients():
    black, white = np.zeros((24, 24, 3), np.uint8), np.full((24, 24, 3), 255, np.uint8)
    almost = black.copy()
    almost[11, 12, 1] = 1
    for a, b in ((black, white), (white, black), (black, almost), (white, white - almost)):
        score, gradient = ssimulacra2_gradient(a, b)
        assert score == ssimulacra2(a, b) and np.isfinite(gradient).all()
    assert gradient.any()


def test_refusals_name_the_remedy():
    with pytest.raises(ParameterError, match="sides of at least 8"):
        ssimulacra2_gradient(np.zeros((7, 9), np.uint8), np.zeros((7, 9), np.uint8))
    with pytest.raises(ParameterError, match="uint8 gray"):
        ssimulacra2_gradient(np.zeros((9, 9)), np.zeros((9, 9)))
    with pytest.raises(ParameterError, match="uint8 gray"):
        ssimulacra2_gradient(np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 4), np.uint8))


def smooth_noise(rng, height, width):
    """A picture of blotches of several sizes, and a coarser copy of it."""
    picture = np.full((height, width, 3), 128.0)
    for size in (2, 8, 32):
        cells = rng.normal(0, 20, (height // size + 1, width // size + 1, 3))
        picture += np.kron(cells, np.ones((size, size, 1)))[:height, :width]
    picture = picture.clip(0, 255).astype(np.uint8)
    return picture, picture // 24 * 24 + 12


def of_blocks(values):
    """Sums over blocks of 8x8."""
    padded = np.pad(values, [(0, -n % 8) for n in values.shape])
    return padded.reshape(padded.shape[0] // 8, 8, -1, 8).sum((1, 3))


@pytest.mark.parametrize("size, least", [((384, 384), 0.99), ((400, 450), 0.85), ((130, 117), 0.97)])
def test_estimated_gains_are_those_of_the_gradient(size, least):
    """To first order: slopes times errors, summed over blocks. A gain may count in the block beside, so compare sums of
    3x3 blocks. Above 384x384 the norms are those of a sample."""
    a, b = smooth_noise(np.random.default_rng(1), *size)
    _, gradient = ssimulacra2_gradient(a, b)
    exact = of_blocks(-(gradient * (b.astype(float) - a)).sum(2))
    gains = estimated_gains(a, b) / 2**32
    around = lambda blocks: sum(
        np.pad(blocks, 1)[y:, x:][: len(blocks), : blocks.shape[1]] for y in range(3) for x in range(3)
    )
    assert gains.shape == exact.shape
    assert np.corrcoef(around(gains).ravel(), around(exact).ravel())[0, 1] > least


def test_no_errors_have_no_gains():
    a, _ = smooth_noise(np.random.default_rng(1), 41, 30)
    assert not estimated_gains(a, a).any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("height, width", [(8, 9), (41, 30), (300, 17), (600, 41)])
def test_threads_and_vectors_find_the_same_gains(height, width, channels):
    a, b = (np.ascontiguousarray(p[..., :channels]) for p in smooth_noise(np.random.default_rng(3), height, width))
    expected = estimated_gains(a, b)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(estimated_gains(a, b, threads), expected)
    with cpu.force("scalar"):
        np.testing.assert_array_equal(estimated_gains(a, b), expected)
