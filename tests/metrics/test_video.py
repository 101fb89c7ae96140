"""Clips are scored frame by frame, and only if they are aligned."""

import math

import numpy as np
import pytest

from codec import Frame
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


def test_the_worst_frames_are_the_largest_where_lower_is_better():
    values = [1.0, 2.0, 3.0, 40.0]
    pooled = pool(values, lower_is_better=True)
    assert pooled["max"] == 40 and pooled["p95"] == np.percentile(values, 95) and not {"min", "p5"} & set(pooled)
    a = [np.zeros((16, 16), np.uint8)] * 2
    b = [a[0], a[1] + np.uint8(3)]
    assert video(a, b, metrics="mse", check=False).pooled["mse"]["max"] == 9


def test_a_score_that_is_not_positive_has_no_harmonic_mean():
    assert math.isnan(pool([1.0, -0.5])["harmonic_mean"])


@pytest.mark.parametrize("shift", [1, 3, -2])
def test_a_shifted_clip_is_refused_with_its_shift(shift):
    frames = clip(20)
    a, b = (frames[:15], frames[shift : 15 + shift]) if shift > 0 else (frames[-shift : 15 - shift], frames[:15])
    with pytest.raises(ParameterError, match=f"{abs(shift)} frames {'earlier' if shift > 0 else 'later'}"):
        video(a, noisy(b), metrics="psnr")
    assert len(video(a, b, metrics="psnr", check=False).frames["psnr"]) == 15


@pytest.mark.parametrize("change, says", [
    (lambda f: f[:10] + f[9:29], "from frame 10 on .* 1 frames later: 1 frames repeated"),
    (lambda f: f[:15] + f[16:] + f[-1:], "from frame 15 on .* 1 frames earlier: 1 frames lost"),
    (lambda f: f[:8] + f[7:20] + f[21:], "from frame 8 to frame 20 .* 1 frames later"),
    (lambda f: f[:12] + f[15:] + f[-3:], "from frame 12 on .* 3 frames earlier: 3 frames lost"),
    (lambda f: f[12:] + f[:12], "12 frames earlier: drop 12 frames at the start of the reference"),
])  # fmt: skip
def test_lost_and_repeated_frames_are_found(change, says):
    frames = clip(30)
    with pytest.raises(ParameterError, match=says):
        video(frames, noisy(change(frames)), metrics="psnr")


def test_damage_and_changing_quality_are_no_shift():
    moving, still = clip(30), [clip(1)[0]] * 30
    frozen = moving[:10] + [moving[9]] * 4 + moving[14:]
    halved = [moving[i - i % 2] for i in range(30)]
    pumping = [np.clip(f + 40 * (10 <= i < 16), 0, 255).astype(np.uint8) for i, f in enumerate(noisy(still, 1))]
    for a, b in ((moving, frozen), (moving, halved), (still, pumping), (still, still), (moving, noisy(moving, 30))):
        assert len(video(a, b, metrics="psnr").frames["psnr"]) == 30


def test_a_clip_that_stands_still_first_is_shifted_as_a_whole():
    frames = clip(1) * 10 + clip(20, seed=5)
    with pytest.raises(ParameterError, match="4 frames earlier: drop 4 frames at the start of the reference"):
        video(frames[:26], noisy(frames[4:]), metrics="psnr")


def ten_bits(seed, sigma):
    rng = np.random.default_rng(seed)
    shown = [(frame.astype(int) << 2) + 1 for frame in clip(4)]
    planes = [np.clip(y + rng.normal(0, sigma, y.shape), 0, 1023).round().astype(np.uint16) for y in shown]
    flat = np.full((24, 24), 512, np.uint16)
    return [Frame((y, flat, flat), bit_depth=10, full_range=True) for y in planes]


def test_the_peak_is_that_of_the_bit_depth():
    a, b = ten_bits(1, 0), ten_bits(2, 4)
    errors = [np.mean((x.planes[0].astype(float) - y.planes[0]) ** 2) for x, y in zip(a, b)]
    expected = [10 * math.log10(1023**2 / error) for error in errors]
    luma = [[frame.planes[0] for frame in side] for side in (a, b)]
    assert video(*luma, metrics="psnr", bit_depth=10).frames["psnr"] == pytest.approx(expected, abs=0.01)
    assert video(a, b, metrics="psnr_y").frames["psnr_y"] == pytest.approx(expected, abs=0.01)
    shown = [[frame.to_rgb() for frame in side] for side in (a, b)]
    assert video(a, b, metrics="psnr").frames["psnr"].tolist() == video(*shown, metrics="psnr").frames["psnr"].tolist()
    with pytest.raises(ParameterError, match="pass bit_depth=10 for planes of 10 bits"):
        video(*luma, metrics="psnr")
    assert video(*luma, metrics="psnr", bit_depth=16).pooled["psnr"]["mean"] > 70
    with pytest.raises(ParameterError, match="does not fit bit_depth=8"):
        video(*luma, metrics="psnr", bit_depth=8)
    with pytest.raises(ParameterError, match="bit_depth must be 8 to 16"):
        video(*luma, metrics="psnr", bit_depth="10")


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
