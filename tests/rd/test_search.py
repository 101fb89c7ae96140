"""A search terminates, measures its result, and never returns one that misses the target."""

import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import codec
from codec import rd, registry
from codec.errors import FileError, ParameterError
from codec.formats import pictures
from codec.metrics.names import METRICS

SAMPLES = pathlib.Path(__file__).parents[2] / "samples"

PIXELS = np.random.default_rng(5).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def scripted(scores):
    """A codec whose picture at quality q has scores[q - 1] by the metric "scripted"."""
    return registry.Codec(
        "scripted",
        lambda pixels, quality: bytes([quality]),
        lambda data: np.full_like(PIXELS, data[0]),
        {"quality": registry.Number(1, 1, len(scores))},
    )


@pytest.fixture
def score(monkeypatch):
    return lambda scores: monkeypatch.setitem(METRICS, "mse", lambda a, b: scores[int(b[0, 0, 0]) - 1])


@given(scores=st.lists(st.integers(0, 50), min_size=1, max_size=100), wanted=st.integers(0, 50), falling=st.booleans())
def test_any_curve_ends_with_what_reaches_the_target_or_says_the_range(scores, wanted, falling):
    scores, metric = sorted(scores, reverse=falling), "mse" if falling else "psnr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METRICS, metric, lambda a, b: scores[int(b[0, 0, 0]) - 1])
        reaches = (lambda value: value <= wanted) if falling else (lambda value: value >= wanted)
        if not reaches(scores[-1]):
            with pytest.raises(
                ParameterError,
                match=rf"cannot reach {metric} {wanted} .* reaches {scores[0]} \(quality 1\) to {scores[-1]} \(quality",
            ):
                rd.find(PIXELS, f"{metric}:{wanted}", codec=scripted(scores))
            return
        found = rd.find(PIXELS, f"{metric}:{wanted}", codec=scripted(scores))
    quality = found.setting["quality"]
    assert reaches(found.score) and found.score == scores[quality - 1] and found.data == bytes([quality])
    assert quality == 1 or not reaches(scores[quality - 2])
    assert len(found.trials) <= 9 and len({trial.quality for trial in found.trials}) >= len(found.trials) - 1


@given(scores=st.lists(st.integers(0, 50), min_size=2, max_size=100), wanted=st.integers(0, 50))
def test_a_curve_that_is_not_monotonic_still_gives_what_reaches_the_target(scores, wanted):
    scores[-1] = 60
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METRICS, "psnr", lambda a, b: scores[int(b[0, 0, 0]) - 1])
        found = rd.find(PIXELS, f"psnr:{wanted}", codec=scripted(scores))
    assert found.score >= wanted and len(found.trials) <= 9
    assert found.setting["quality"] == 1 or scores[found.setting["quality"] - 2] < wanted


def test_the_score_is_of_the_bytes(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(PIXELS).save(tmp_path / "a.png")
    found = rd.find(tmp_path / "a.png", "psnr:30", effort=3, subsampling="4:4:4")
    assert found.score == codec.metrics.psnr(PIXELS, codec.decode(found.data)) >= 30
    assert found.data == codec.encode(PIXELS, **found.setting) and found.bpp == 8 * len(found.data) / 576
    less = codec.encode(PIXELS, **{**found.setting, "quality": found.setting["quality"] - 1})
    assert codec.metrics.psnr(PIXELS, codec.decode(less)) < 30


@pytest.mark.parametrize("target", ["psnr:34", "ssimulacra2:70", "mse:60"])
@pytest.mark.parametrize("name", ["coffee.png", "camera.png"])
def test_ours_is_the_file_of_a_target_of_the_encoder(target, name):
    pixels = np.ascontiguousarray(pictures.load(SAMPLES / name).pixels[:200, :300])
    found, encoded = rd.find(pixels, target), codec.jpeg.encode(pixels, target=target)
    assert found.data == encoded.data and found.setting["quality"] == encoded.quality
    assert found.score == encoded.achieved and len(found.trials) == encoded.encodes
    at = next(trial for trial in found.trials if trial.quality == encoded.quality)
    assert (at.bytes, at.score) == (len(found.data), found.score)


def test_wrong_questions(tmp_path):
    for target in ("ssim", "ssim:", "ssim:high", "ssim:inf", ":3", 7):
        with pytest.raises(ParameterError):
            rd.find(PIXELS, target)
    with pytest.raises(ParameterError, match="quality is what the search is for"):
        rd.find(PIXELS, "psnr:30", quality=5)
    with pytest.raises(ParameterError, match="jpeg has no parameter 'speed'"):
        rd.find(PIXELS, "psnr:30", speed=5)
    with pytest.raises(FileError, match="none.png"):
        rd.find(tmp_path / "none.png", "psnr:30")
    lossless = registry.Codec("lossless", bytes, None, {})
    with pytest.raises(ParameterError, match="lossless has no quality to search for"):
        rd.find(PIXELS, "psnr:30", codec=lossless)
