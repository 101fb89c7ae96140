"""`codec video encode`: options, files, warnings."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import codec


def moving(count, width=36, height=20):
    """A smooth picture that scrolls."""
    wide = np.add.outer(np.arange(height) * 5, np.arange(width + 2 * count) * 3) % 256
    frames = np.stack([wide[:, 2 * i : 2 * i + width] for i in range(count)]).astype(np.uint8)
    return np.stack([frames, 255 - frames, frames // 2], axis=3)


FRAMES = moving(9)


def y4m(path, frames, fps="25:1", tag="420"):
    planes = [codec.Frame.from_rgb(frame, chroma={"420": "4:2:0", "444": "4:4:4"}[tag]).planes for frame in frames]
    height, width = frames.shape[1:3]
    head = f"YUV4MPEG2 W{width} H{height} F{fps} C{tag}\n".encode()
    path.write_bytes(head + b"".join(b"FRAME\n" + b"".join(p.tobytes() for p in one) for one in planes))
    return path


def test_command(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264"
    outcome = run("video", "encode", source, "-o", out, "--qp", 30, "--preset", "fast", "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.json
    assert (found["frames"], found["bytes"], len(found["pictures"])) == (9, out.stat().st_size, 9)
    assert out.read_bytes() == codec.encode_video(source, fps=25, qp=30, preset="fast")
    again = run("video", "encode", source, "-o", out)
    assert again.code == 1 and "--overwrite" in again.err
    assert run("video", "encode", source, "-o", out, "--overwrite", "--frames", 2).code == 0
    assert len(list(codec.decode_video(out))) == 2


def test_json_has_the_warnings_of_stderr(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", FRAMES[:1, :19], tag="444"), tmp_path / "out.h264"
    outcome = run("video", "encode", source, "-o", out, "--json")
    said = [line.removeprefix("codec: warning: in.y4m: ") for line in outcome.err.splitlines()]
    assert said == outcome.json["warnings"] and len(said) == 2 and "4:4:4 is converted to 4:2:0" in said[0]
    again = run("video", "encode", source, "-o", out, "--overwrite", "--target", "size:5kB", "--json")
    assert again.json["warnings"] == said
    assert ": 1 frame in " in run("video", "encode", source, "-o", out, "--overwrite").err


def test_json_has_the_words_of_the_command(run, tmp_path):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    with av.open(str(tmp_path / "in.mkv"), "w") as container:  # frames that last differently, and sound
        video, tone = container.add_stream("mpeg4", rate=25), container.add_stream("flac", rate=48000, layout="mono")
        video.width, video.height, video.pix_fmt = 36, 20, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        for tick in (0, 40, 300):
            frame = av.VideoFrame.from_ndarray(FRAMES[0], format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            container.mux(video.encode(frame))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux([*video.encode(None), *tone.encode(frame), *tone.encode(None)])
    outcome = run("video", "encode", tmp_path / "in.mkv", "-o", tmp_path / "a.mp4", "--fps", 10, "--json")
    assert any("--fps" in text for text in outcome.json["warnings"])
    assert not any("fps=" in text for text in outcome.json["warnings"])


def test_a_folder_is_named_with_or_without_a_slash(run, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(FRAMES[0]).save(tmp_path / "in/a.png")
    for name in (tmp_path / "in", f"{tmp_path}/in/"):
        outcome = run("video", "encode", name, "-o", tmp_path / "a.h264", "--overwrite", "--json")
        assert "warning: in: pictures have no rate" in outcome.err
        assert outcome.json["warnings"] == ["pictures have no rate: 25 per second"]


def test_buffer_and_level(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264"
    words = ("--vbv-maxrate", "100k", "--vbv-bufsize", "50k", "--level", "3")
    assert run("video", "encode", source, "-o", out, "--crf", 20, *words).code == 0
    wanted = codec.encode_video(source, fps=25, crf=20, vbv_maxrate=100_000, vbv_bufsize=50_000, level="3")
    assert out.read_bytes() == wanted
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--vbv-maxrate", "1k", "--vbv-bufsize", "1k")
    assert outcome.code == 1 and "the buffer has" in outcome.err and out.read_bytes() == wanted


def test_threads(run, tmp_path, monkeypatch):
    source, out, seen = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264", []
    write = codec.h264.write_video
    monkeypatch.setattr(
        codec.h264, "write_video", lambda *args, **more: seen.append(more["threads"]) or write(*args, **more)
    )
    for words in ((), ("--threads", 1), ("-j", 3), ("-j", 0)):
        assert run("video", "encode", source, "-o", out, "--overwrite", *words).code == 0
        assert out.read_bytes() == codec.encode_video(source, fps=25)
    assert seen == [0, 1, 3, 0]


def test_profile(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264"
    assert run("video", "encode", source, "-o", out, "--profile", "main").code == 0
    assert out.read_bytes() == codec.encode_video(source, fps=25, profile="main")
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--profile", "main", "--lossless")
    assert outcome.code == 1 and "contradict" in outcome.err


def test_targets_and_passes(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", moving(30), tag="444"), tmp_path / "out.h264"
    outcome = run("video", "encode", source, "-o", out, "--target", "size:2kB")
    assert outcome.code == 0 and out.stat().st_size <= 2000
    assert outcome.err.count("4:4:4 is converted") == 1  # although it was read several times
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--target", "ssim:0.9", "--json")
    assert max(value for _, value in outcome.json["tries"]) >= 0.9
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--target", "ssim:0.9")
    assert outcome.code == 0 and "CRF and ssim of RGB, mean over the frames: 23: 0." in outcome.err
    luma = run("video", "encode", source, "-o", out, "--overwrite", "--target", "psnr_y:30", "--json").json
    assert luma["score"] == "psnr_y of luma, mean over the frames" and luma["tries"]
    assert run("video", "encode", source, "-o", out, "--overwrite", "--bitrate", "20k", "--passes", 2).code == 0
    outcome = run("video", "encode", "-", "-o", out, "--overwrite", "--target", "size:2kB")
    assert outcome.code == 2 and "stdin comes once" in outcome.err


def test_rate_of_the_source_and_of_the_option(run, tmp_path):
    source = y4m(tmp_path / "in.y4m", FRAMES, "30000:1001")
    for words, fps in ((), Fraction(30000, 1001)), (("--fps", "12.5"), Fraction(25, 2)):
        assert run("video", "encode", source, "-o", tmp_path / "a.h264", "--overwrite", *words).code == 0
        assert codec.h264.probe(tmp_path / "a.h264").fps == fps


def test_other_chroma_is_converted_with_a_warning(run, tmp_path):
    outcome = run("video", "encode", y4m(tmp_path / "in.y4m", FRAMES, tag="444"), "-o", tmp_path / "a.h264")
    assert outcome.code == 0 and "4:4:4 is converted to 4:2:0" in outcome.err


@pytest.mark.parametrize(
    "words, message",
    [
        (("--qp", 20, "--crf", 20), "--qp, --crf, --bitrate, --target and --lossless contradict"),
        (("--bitrate", "9"), "not a number of bits from 1k to 800M"),
        (("--bitrate", "900M"), "'900M' is not a number of bits from 1k to 800M"),
        (("--bitrate", "fast"), "'fast' is not a number of bits from 1k to 800M"),
        (("--tune", "film,grain"), "'grain' is not one of 'psnr'"),
        (("--threads", "-1"), "-1 is not in the range"),
        (("--vbv-maxrate", "1M"), "--vbv-maxrate and --vbv-bufsize go together"),
        (("--vbv-maxrate", "1M", "--vbv-bufsize", "1M", "--bitrate", "2M"), "--bitrate is more than --vbv-maxrate"),
        (("--target", "size:1MB", "--qp", 20), "--target and --lossless contradict"),
        (("--target", "size:x"), "'size:x' is no target: write a size"),
        (("--target", "bpp:1"), "is no target"),
        (("--passes", 2), "--passes 2 is for --bitrate"),
        (("--psy-rd", 1, "--lossless"), "--lossless takes what bits it needs, without steps: no VBV, level, scaling"),
        (("--psy-rd", 5), "5.0 is not in the range"),
        (("--level", "9"), "level is '9'; it must be one of 1, 1b"),
        (("--preset", "fastest"), "'fastest' is not one of 'ultrafast'"),
        (("--fps", "0"), "--fps 0"),
        (("--qp", 60), "60 is not in the range"),
    ],
)
def test_wrong_options(run, tmp_path, words, message):
    outcome = run("video", "encode", y4m(tmp_path / "in.y4m", FRAMES), "-o", tmp_path / "a.h264", *words)
    assert outcome.code == 2 and message in outcome.text + outcome.err
    assert not (tmp_path / "a.h264").exists()


def test_bit_rate_option(run, tmp_path):
    source = y4m(tmp_path / "in.y4m", moving(50))
    outcome = run("video", "encode", source, "-o", tmp_path / "a.h264", "--bitrate", "20k", "--json")
    assert outcome.json["kbps"] == pytest.approx(20, rel=0.25)


@pytest.mark.parametrize("tunes", ["film,zerolatency", "zerolatency,film"])
def test_tunes_that_go_together(run, tmp_path, tunes):
    source, out = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264"
    assert run("video", "encode", source, "-o", out, "--tune", tunes).code == 0
    assert out.read_bytes() == codec.encode_video(source, fps=25, tune=tunes)
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--tune", "film,psnr")
    assert outcome.code == 1 and "go together with one of the others alone" in outcome.err


def test_scaling_matrices_come_from_a_file(run, tmp_path):
    """In the format of x264's --cqmfile: names, equals signs, numbers, comments."""
    source, out, file = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264", tmp_path / "m.cfg"
    planes = "LUMA", "CHROMAU", "CHROMAV"
    names = [f"{kind}4X4_{plane}" for kind in ("INTRA", "INTER") for plane in planes] + [
        "INTRA8X8_LUMA",
        "INTER8X8_LUMA",
    ]
    rng = np.random.default_rng(0)
    arrays = [rng.integers(8, 60, (side, side)) for side in (4,) * 6 + (8,) * 2]
    rows = lambda array: ",\n  ".join(", ".join(map(str, row)) for row in array)
    text = "".join(f"# {name} is next\n{name} =\n  {rows(array)}\n\n" for name, array in zip(names, arrays))
    file.write_text(text)
    outcome = run("video", "encode", source, "-o", out, "--qp", 30, "--scaling-matrix", file)
    assert outcome.code == 0, outcome.err
    assert out.read_bytes() == codec.encode_video(source, fps=25, qp=30, scaling_matrix=arrays)
    file.write_text(text.replace("INTER8X8_LUMA =", "INTER8X8_LUMA = 7,"))
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--scaling-matrix", file)
    assert outcome.code == 2 and "has no INTER8X8_LUMA = 64 numbers" in outcome.err
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--scaling-matrix", "cube")
    assert outcome.code == 2 and "neither flat nor jvt nor a file" in outcome.err


def test_options_of_the_stream(run, tmp_path):
    source, out = y4m(tmp_path / "in.y4m", FRAMES), tmp_path / "out.h264"
    settings = ["--slices", 2, "--aud", "--open-gop", "--keyint", 4, "--psy-rd", 0.5, "--no-settings"]
    outcome = run("video", "encode", source, "-o", out, "--qp", 30, *settings)
    assert outcome.code == 0, outcome.err
    more = {"slices": 2, "aud": True, "open_gop": True, "keyint": 4, "psy_rd": 0.5, "settings_sei": False}
    assert out.read_bytes() == codec.encode_video(source, fps=25, qp=30, **more)
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--slices", 3)
    assert outcome.code == 1 and "slices is 3, but the pictures have 2 rows of macroblocks" in outcome.err
    outcome = run("video", "encode", source, "-o", out, "--overwrite", "--psy-rd", 1, "--preset", "faster")
    assert outcome.code == 1 and "--psy-rd 1 needs a preset that" in outcome.err
    assert "--preset faster does not" in outcome.err


def test_lossless(run, tmp_path):
    """4:4:4 is not converted; pictures stay RGB."""
    source, out = y4m(tmp_path / "in.y4m", FRAMES, tag="444"), tmp_path / "out.h264"
    outcome = run("video", "encode", source, "-o", out, "--lossless")
    assert outcome.code == 0 and "converted" not in outcome.err, outcome.err
    for rgb, frame in zip(FRAMES, codec.decode_video(out), strict=True):
        given = codec.Frame.from_rgb(rgb, chroma="4:4:4")
        assert all(np.array_equal(a, b) for a, b in zip(given.planes, frame.planes, strict=True))
    for i, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(tmp_path / f"f{i}.png")
    outcome = run("video", "encode", tmp_path / "f%d.png", "-o", out, "--overwrite", "--lossless")
    assert outcome.code == 0, outcome.err
    for given, frame in zip(FRAMES, codec.decode_video(out), strict=True):
        np.testing.assert_array_equal(frame.to_rgb(), given)
    for wrong in (["--crf", 20], ["--level", "4"], ["--scaling-matrix", "jvt"]):
        assert run("video", "encode", source, "-o", out, "--overwrite", "--lossless", *wrong).code == 2
