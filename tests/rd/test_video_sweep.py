"""Videos in the laboratory: the same rows, curves and searches, in kbit/s and pooled scores,
never mixed with pictures."""

import math
import re
import zlib
from fractions import Fraction

import numpy as np
import pytest
from clips import clip, equal, y4m

from codec import metrics, rd, registry
from codec.errors import ParameterError, PeerError
from codec.registry import Codec, Number
from codec.registry.videos import VIDEO_PEERS, present

CRF = {"preset": Number(3, 0, 5), "crf": Number(4, 0, 16)}
ALL = {codec.name: codec for codec in present()}


def codec_at(of, name="coarse", change=None):
    """A codec for this test and one clip: samples in steps of 1 + 2 crf, packed; the first
    byte of a packet is the crf."""

    def encode(video, *, preset, crf):
        return [
            bytes([crf]) + zlib.compress(b"".join((plane // (1 + 2 * crf)).tobytes() for plane in planes), 1 + preset)
            for planes in video.frames
        ]

    def decode(packets):
        frames = []
        for packet, planes in zip(packets, of.frames):
            crf, steps = packet[0], np.frombuffer(zlib.decompress(packet[1:]), np.uint8).astype(int)
            samples = (steps * (1 + 2 * crf) + crf).clip(0, 255).astype(np.uint8)
            parts = np.split(samples, np.cumsum([plane.size for plane in planes])[:-1])
            frames.append([part.reshape(plane.shape) for part, plane in zip(parts, planes)])
        return change(frames) if change else frames

    return Codec(name, encode, decode, CRF, version=lambda: "1", media="video")


@pytest.fixture
def moving(tmp_path):
    path = tmp_path / "moving.y4m"
    path.write_bytes(y4m(clip(6, fps=Fraction(30000, 1001))))
    return path


def test_a_row_of_a_clip(moving):
    made = clip(6)
    (row,) = rd.sweep(moving, codecs=codec_at(made), crf=4, metrics=("psnr", "ssim", "psnr_y", "ssim_y"))
    packets = codec_at(made).encode(made, preset=3, crf=4)
    assert (row.media, row.frames, row.width, row.height, row.fps) == ("video", 6, 64, 48, pytest.approx(29.97003))
    assert row.bytes == sum(map(len, packets)) and row.bpp == 8 * row.bytes / (64 * 48 * 6)
    assert row.bitrate == pytest.approx(8 * row.bytes / (6 / (30000 / 1001)) / 1000) and row.rate == row.bitrate
    decoded = codec_at(made).run_decode(packets, made)
    shown = metrics.video(made.pictures(), decoded.pictures(), metrics=("psnr", "ssim")).pooled
    luma = metrics.video(made.luma(), decoded.luma(), metrics=("psnr", "ssim")).pooled
    assert row.metrics == {
        "psnr": shown["psnr"]["mean"],
        "ssim": shown["ssim"]["mean"],
        "psnr_y": luma["psnr"]["mean"],
        "ssim_y": luma["ssim"]["mean"],
    }
    assert list(row.metrics) == ["psnr", "ssim", "psnr_y", "ssim_y"]
    assert {"mean": row.metrics["psnr"], **row.pooled["psnr"]} == shown["psnr"] and row.encode_seconds > 0
    assert rd.Point.from_json(row.to_json()) == row


def test_lossless_clips_survive_the_file(tmp_path, moving):
    rows = rd.write_points(tmp_path / "rows.jsonl", rd.sweep(moving, codecs=codec_at(clip(6)), crf=0))
    assert rows[0].metrics == {"psnr": math.inf, "ssim": 1.0} and rows[0].pooled["psnr"]["p5"] == math.inf
    assert rd.read_points(tmp_path / "rows.jsonl") == rows


def test_crf_is_the_dial_and_frames_are_part_of_what_was_measured(moving):
    first = list(rd.sweep(moving, codecs=codec_at(clip(6)), frames=4, metrics="psnr", crf=(2, 8)))
    assert [row.setting for row in first] == [{"preset": 3, "crf": 2}, {"preset": 3, "crf": 8}] and first[
        0
    ].bitrate > first[1].bitrate
    again = rd.sweep(moving, codecs=codec_at(clip(6)), frames=4, metrics="psnr", crf=(2, 8), done=first)
    assert list(again) == [] and again.reused == first
    more = list(rd.sweep(moving, codecs=codec_at(clip(6)), metrics="psnr", crf=(2, 8), done=first))
    assert [row.frames for row in more] == [6, 6] and len({row.picture for row in [*first, *more]}) == 2
    assert list(rd.families(first)) == ["coarse, preset 3"] and rd.family(first[0]) == rd.family(first[1])
    defaults = list(
        rd.sweep(
            moving,
            codecs=Codec("plain", lambda video, crf: b"x", lambda data: [], {"crf": Number(23, 0, 51)}, media="video"),
            metrics="psnr",
        )
    )
    assert defaults == []  # crf 22 to 37 were tried, and failed


def test_bd_rate_plot_and_report_are_about_kbit_per_second(moving, tmp_path):
    pytest.importorskip("matplotlib")
    both = (codec_at(clip(6)), codec_at(clip(6), "twin"))
    rows = list(rd.sweep(moving, codecs=both, crf=(1, 2, 4, 8, 12), metrics=("psnr_y", "ssim_y")))
    found = rd.compare(rows, "psnr_y", "coarse")["twin"]
    assert found.mean == pytest.approx(0) and list(found.images) == [f"{moving} (6 frames)"]
    panel = rd.plot(rows, metrics="psnr_y").axes[0]
    assert panel.get_xlabel() == "kbit/s" and sorted(panel.lines[0].get_xdata()) == sorted(
        {row.bitrate for row in rows}
    )
    page = rd.report(rows, tmp_path / "report.html")
    assert '"rate":["kbit/s","kbit/s"]' in page and '"noun":"video"' in page and '"dial":"crf"' in page
    (mean, *_) = rd.means(rows)
    assert (mean.media, mean.rate) == ("video", mean.bitrate)


def test_videos_and_pictures_are_not_mixed(moving, point):
    with pytest.raises(ParameterError, match="jpeg takes pictures and coarse videos: sweep them one after the other"):
        rd.sweep(moving, codecs=("jpeg", codec_at(clip(6))))
    with pytest.raises(ParameterError, match="frames is for videos, and jpeg takes pictures"):
        rd.sweep(moving, frames=3)
    mixed = [point(), point(media="video", fps=25.0, bitrate=100.0, frames=6)]
    for draw in (
        rd.means,
        lambda rows: rd.compare(rows, "psnr", "jpeg"),
        lambda rows: rd.hull(rows, "psnr"),
        rd.report,
    ):
        with pytest.raises(
            ParameterError, match="some rows are of pictures and some of videos, .* keep them in two files"
        ):
            draw(mixed)


@pytest.mark.parametrize(
    "change, stage, says",
    [
        (lambda frames: frames[:-1], "decode", "coarse gave back 5 frames, and the video has 6: not comparable"),
        (
            lambda frames: [planes[:1] for planes in frames],
            "decode",
            "coarse returned something other than the video: frame 0 has planes",
        ),
        (
            lambda frames: [frames[0], *frames[:-1]],
            "score",
            "the distorted clip shows the same pictures 1 frames later",
        ),
        (lambda frames: 1 / 0, "decode", "coarse failed at decoding: ZeroDivisionError"),
    ],
)
def test_clips_that_do_not_lie_on_top_of_each_other_have_no_row(moving, change, stage, says):
    sweep = rd.sweep(moving, codecs=codec_at(clip(6), change=change), crf=1)
    assert list(sweep) == [] and sweep.failures[0].stage == stage and says in sweep.failures[0].reason


def test_alignment_is_checked_by_whichever_metric_there_is(moving):
    late = codec_at(clip(6), change=lambda frames: [frames[0], *frames[:-1]])
    for names in ("psnr_y", "psnr", ("ms_ssim", "psnr_y"), ("psnr_y", "psnr")):
        sweep = rd.sweep(moving, codecs=late, crf=1, metrics=names)
        assert list(sweep) == [] and "1 frames later" in sweep.failures[0].reason


def test_a_metric_that_a_frame_is_too_small_for_is_missing(moving):
    (row,) = rd.sweep(moving, codecs=codec_at(clip(6)), crf=1, metrics=("ms_ssim", "psnr"))
    assert list(row.metrics) == ["psnr"] and "at least 161 x 161" in row.missing["ms_ssim"]


def test_a_file_that_is_no_clip_is_a_failure(tmp_path, moving):
    (tmp_path / "broken.y4m").write_bytes(y4m(clip(2))[:-5])
    sweep = rd.sweep([tmp_path / "broken.y4m", moving], codecs=codec_at(clip(6)), crf=(1, 2))
    assert (
        len(list(sweep)) == 2
        and sweep.failures[0].stage == "read"
        and "the data ends in frame 1" in sweep.failures[0].reason
    )


def test_the_highest_crf_that_reaches_a_target(moving):
    peer = codec_at(clip(6))
    found = rd.find(moving, "psnr_y:33", codec=peer)
    scores = {
        row.setting["crf"]: row.metrics["psnr_y"]
        for row in rd.sweep(moving, codecs=peer, crf=range(17), metrics="psnr_y")
    }
    assert (
        found.setting["crf"] == max(crf for crf, value in scores.items() if value >= 33)
        and found.score == scores[found.setting["crf"]]
    )
    assert found.rate["bitrate"] > 0 and isinstance(found.data, list) and len(found.trials) <= 7
    with pytest.raises(ParameterError, match=r"coarse cannot reach mse -1 of this video: .* \(crf 16\) to 0 \(crf 0\)"):
        rd.find(clip(6), "mse:-1", codec=peer)
    with pytest.raises(ParameterError, match="coarse takes videos: give it one"):
        rd.find(np.zeros((16, 16), np.uint8), "ssim:0.9", codec=peer)


@pytest.mark.parametrize("name", [peer[0] for peer in VIDEO_PEERS])
def test_every_video_codec_that_is_here_does_what_it_promises(name):
    if name not in ALL:
        pytest.skip(f"PyAV is not installed or has no encoder for {name}")
    peer, made = registry.by_name(name), clip(10, 96, 128)
    sizes, scores = [], []
    for crf in (50, 35, 20):
        setting = peer.setting(crf=crf)
        packets = peer.run_encode(made, setting)
        decoded = peer.run_decode(packets, made)
        sizes.append(sum(map(len, packets)))
        scores.append(metrics.video(made.luma(), decoded.luma(), metrics="psnr").pooled["psnr"]["mean"])
        assert packets == peer.run_encode(made, setting)
    assert sizes == sorted(sizes) and scores == sorted(scores) and scores[-1] > 33
    assert any(character.isdigit() for character in peer.version()) and peer.dial == "crf"
    assert not re.search(b"x26[45]|options:", b"".join(packets)), (
        "rates are without what encoders write about themselves"
    )


@pytest.mark.parametrize(
    "name, chroma, depth",
    [("x264", "4:2:0", 10), ("x264", "4:4:4", 8), ("x265", "4:2:2", 10), ("svt-av1", "4:2:0", 10)],
)
def test_more_chroma_and_more_bits(name, chroma, depth):
    if name not in ALL:
        pytest.skip(f"PyAV is not installed or has no encoder for {name}")
    peer, made = registry.by_name(name), clip(4, 96, 128, chroma, depth)
    decoded = peer.run_decode(peer.run_encode(made, peer.setting(crf=15)), made)
    assert (decoded.depth, decoded.chroma) == (depth, chroma) and not equal(made, decoded)
    assert metrics.video(made.pictures(), decoded.pictures(), metrics="psnr").pooled["psnr"]["mean"] > 30


def test_formats_that_an_encoder_lacks_are_refused_by_name():
    if "svt-av1" not in ALL:
        pytest.skip("PyAV is not installed or has no encoder for svt-av1")
    peer, made = registry.by_name("svt-av1"), clip(2, chroma="4:4:4")
    with pytest.raises(
        (PeerError, NotImplementedError), match="libsvtav1 takes yuv420p, .* and the clip is yuv444p: convert it first"
    ):
        peer.run_encode(made, peer.setting())


def test_our_encoder_is_a_video_codec():
    ours, made = registry.by_name("h264"), clip(5)
    sizes = [len(ours.run_encode(made, ours.setting(crf=crf, preset="veryfast"))) for crf in (20, 30, 40)]
    assert sizes == sorted(sizes, reverse=True) and ours.dial == "crf"
    decoded = ours.run_decode(ours.run_encode(made, ours.setting(crf=12)), made)
    assert metrics.video(made.pictures(), decoded.pictures(), metrics="psnr").pooled["psnr"]["mean"] > 35
    with pytest.raises((PeerError, NotImplementedError), match="even sizes, and the clip is 33x18"):
        ours.run_encode(clip(2, 18, 33), ours.setting())


def test_without_pyav_there_are_no_video_codecs_of_others(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    assert present() == [] and "x264" not in registry.codecs()
    with pytest.raises(ParameterError, match="unknown codec 'x264'"):
        registry.by_name("x264")
