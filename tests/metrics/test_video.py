"""Clips are scored frame by frame, and only if they are aligned."""

import math

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.metrics import psnr, video
from codec.metrics.video import _AS_709, pool


def clip(frames=12, size=48, color=False, seed=2):
    """A moving pattern with a cut, so that neighbouring frames differ."""
    rng = np.random.default_rng(seed)
    texture = rng.integers(0, 256, (size * 2, size * 2, 3)).astype(float)
    for axis in (0, 1):
        for _ in range(4):
            texture = (texture + np.roll(texture, 1, axis) + np.roll(texture, -1, axis)) / 3
    texture = np.clip((texture - texture.mean()) * 3 + 128, 0, 255)
    shown = [texture[3 * t % size : 3 * t % size + size, 5 * t % size : 5 * t % size + size] for t in range(frames)]
    return [(f if color else f[..., 1]).round().astype(np.uint8) for f in shown]


def noisy(frames, sigma=3, seed=4):
    rng = np.random.default_rng(seed)
    return [np.clip(f + rng.normal(0, sigma, f.shape), 0, 255).round().astype(np.uint8) for f in frames]


def test_scores_are_those_of_the_frames_and_pooling_is_by_definition():
    a = clip()
    b = noisy(a)
    scores = video(iter(a), iter(b), metrics=["psnr"])
    expected = [psnr(x, y) for x, y in zip(a, b)]
    assert scores.frames["psnr"].tolist() == expected
    assert scores.pooled["psnr"]["mean"] == pytest.approx(np.mean(expected))
    assert scores.pooled["psnr"]["harmonic_mean"] == pytest.approx(1 / np.mean(1 / np.array(expected)))
    assert scores.pooled["psnr"]["min"] == min(expected) and scores.pooled["psnr"]["p5"] == pytest.approx(
        np.percentile(expected, 5)
    )


def test_equal_clips_are_infinite_in_decibels_and_one_in_ssim():
    scores = video(clip(), clip())
    assert (
        scores.pooled["psnr"]["mean"]
        == scores.pooled["psnr"]["harmonic_mean"]
        == scores.pooled["psnr"]["p1"]
        == math.inf
    )
    assert set(scores.frames["ssim"]) == {1.0}


def test_a_score_that_is_not_positive_has_no_harmonic_mean():
    assert math.isnan(pool([1.0, -0.5])["harmonic_mean"])


@pytest.mark.parametrize("shift", [1, 3, -2])
def test_a_shifted_clip_is_refused_with_its_shift(shift):
    frames = clip(20)
    a, b = (frames[:15], frames[shift : 15 + shift]) if shift > 0 else (frames[-shift : 15 - shift], frames[:15])
    with pytest.raises(ParameterError, match=f"{abs(shift)} frames {'earlier' if shift > 0 else 'later'}"):
        video(a, noisy(b), metrics="psnr")
    assert len(video(a, b, metrics="psnr", check=False).frames["psnr"]) == 15


def test_clips_of_different_length_are_refused():
    with pytest.raises(ParameterError, match="distorted clip ends after 11 frames"):
        video(clip(12), clip(12)[:11])
    with pytest.raises(ParameterError, match="nothing to compare"):
        video([], [])


@pytest.mark.parametrize(
    "convert, words", [(lambda f: f * 219 / 255 + 16, "limited range"), (lambda f: (f - 16) * 255 / 219, "full range")]
)
def test_a_mismatch_of_range_is_refused(convert, words):
    a = [np.clip(f, 30, 220) for f in clip()]
    b = [np.clip(convert(f.astype(float)), 0, 255).round().astype(np.uint8) for f in a]
    with pytest.raises(ParameterError, match=words):
        video(a, b)


def test_a_mismatch_of_matrix_is_refused():
    a = [f // 2 + 60 for f in clip(color=True)]
    b = [np.clip(f @ _AS_709.T, 0, 255).round().astype(np.uint8) for f in a]
    with pytest.raises(ParameterError, match="BT.709 where BT.601 is right"):
        video(a, b, metrics="psnr")


def test_compression_alone_passes_the_checks():
    import codec

    a = clip(color=True)
    assert video(a, [codec.decode(codec.encode(f, 10)) for f in a], metrics="psnr").pooled["psnr"]["mean"] > 15


def test_an_error_names_the_frame():
    a = clip()
    with pytest.raises(ParameterError, match="frame 3: .*shape"):
        video(a, a[:3] + [a[3][1:]] + a[4:])
