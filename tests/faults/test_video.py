"""Rows V1 to V19 of the list of faults: each given clip, and the right value; FFmpeg through PyAV where it knows it."""

import itertools
from pathlib import Path

import clips
import crafted_h264 as crafted
import numpy as np
import pytest
from clips import samples
from PIL import Image, ImageSequence

import codec
from codec.h264 import Decoder

pytestmark = pytest.mark.usefixtures("inside")


def flags(frames):
    return [bool(frame.damage) for frame in frames]


@pytest.mark.parametrize("name, count, flagged", [("join_at_P.h264", 40, 16), ("first_IDR_lost.h264", 47, 23)])
def test_v1_streams_without_their_start(given, name, count, flagged):
    """Pictures predicted from references that never came are flagged, or left out on request."""
    for on_error in ("raise", "conceal"):
        assert flags(codec.decode_video(given(name), on_error=on_error)) == [True] * flagged + [False] * (
            count - flagged
        )
    assert flags(codec.decode_video(given(name), on_error="skip")) == [False] * (count - flagged)


def test_v2_444_with_8x8_transforms_of_old_x264(given, by_ffmpeg):
    """The build is read from the SEI message, or given."""
    path = given("imageio-binaries_cockatoo_first12.h264")
    right = by_ffmpeg(path)
    assert len(right) == 12 and list(map(samples, codec.decode_video(path))) == right
    unsigned = path.read_bytes().replace(b"x264 - core 1", b"y264 - core 1")
    with pytest.raises(codec.BitstreamError):
        list(codec.decode_video(unsigned))
    assert list(map(samples, codec.decode_video(unsigned, x264_build=148))) == right


CONTAINERS = {
    "V3": [("torchcodec_discard_first_keyframe.mp4", 25)],
    "V4": [("avchd.m2ts", 30), ("a.nut", 30), ("webrtc.ivf", 12)],
    "V5": [("androidx_sample_sef_slow_motion.mp4", 63)],
    "V8": [("fate_extradata-reload-multi-stsd.mp4", 4)],
    "V9": [("start_codes_in_avcc.mp4", 30), ("samples_padded_with_a_zero.mp4", 30)],
    "V10": [("cover_first.mp4", 30)],
}


@pytest.mark.parametrize("row, name, count", [(row, *file) for row, files in CONTAINERS.items() for file in files])
def test_containers(given, by_ffmpeg, row, name, count):
    """Frame by frame as FFmpeg, unflagged, at times that rise; FFmpeg scales the frames of V8 to one size."""
    frames = list(codec.decode_video(given(name)))
    assert len(frames) == count and not any(flags(frames))
    assert row == "V8" or list(map(samples, frames)) == by_ffmpeg(given(name))
    times = [frame.timestamp for frame in frames]
    assert all(a < b for a, b in itertools.pairwise(times)) and (row != "V3" or times[0] == 0)


def test_v4_a_program_stream(given, run):
    """Its PES packets have few times: the frames are those of FFmpeg."""
    assert len(list(codec.decode_video(given("ps.mpg")))) == 30
    assert run("video", "decode", given("ps.mpg"), "-o", "null").code == 0


def test_v5_nothing_in_is_an_error(run):
    Path("empty.h264").touch()
    ended = run("video", "decode", "empty.h264", "-o", "o.y4m")
    assert ended.code == 1 and ended.err.count("\n") == 1 and not Path("o.y4m").exists()
    for on_error in ("raise", "conceal", "skip"):
        with pytest.raises(codec.CodecError):
            list(codec.decode_video("empty.h264", on_error=on_error))


@pytest.mark.parametrize("name, rate, note", [("30_fps_without_vui.mp4", b"F30:1", False), ("vfr.mp4", b"F4:1", True)])
def test_v6_the_rate_of_the_container(given, run, name, rate, note):
    ended = run("video", "decode", given(name), "-o", "-")
    assert ended.code == 0 and rate in ended.out.split(b"\n")[0].split() and ("one rate" in ended.err) == note


def test_v7_frames_of_different_length(given, run):
    assert run("palette", "--animate", given("vfr.mp4"), "-o", "o.gif").code == 0
    with Image.open("o.gif") as image:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [100, 100, 1000, 100, 100, 100]
    assert run("rd", "sweep", given("vfr.mp4"), "-o", "rd", "-e", "codec-h264", "--crf", "30").code in (0, 2)


def test_v11_rotated_clips_are_upright(given, run):
    path = given("rotated_90.mp4")
    right = np.rot90(next(codec.decode_video(path)).to_rgb(), 3)
    assert run("video", "decode", path, "-o", "%d.png", "--frames", "0").code == 0
    np.testing.assert_array_equal(np.asarray(Image.open("0.png")), right)
    assert run("palette", "--animate", path, "-o", "o.gif").code == 0
    with Image.open("o.gif") as image:
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - right).mean() < 12
    assert "270 degrees" in run("video", "decode", path, "-o", "o.y4m").err


def test_v12_bytes_behind_a_pps(given):
    whole, padded = (
        list(map(samples, codec.decode_video(given(f"pps_{name}.h264"))))
        for name in ("baseline_whole", "with_tail_valid")
    )
    assert len(whole) == 30 and whole == padded


def test_v13_what_yuv4mpeg2_cannot_hold(given, run):
    ended = run("video", "decode", given("rgb.mkv"), "-o", "o.y4m")
    assert ended.code == 1 and "G B R" in ended.err and not Path("o.y4m").exists()
    ended = run("video", "decode", given("interlaced_tff_sar_12_11.h264"), "-o", "-")
    assert {b"It", b"A12:11"} <= set(ended.out.split(b"\n")[0].split())


def test_v14_colours_and_size_of_the_container(given):
    frames = list(codec.decode_video(given("colr_bt709_full_no_vui.mp4")))
    assert {(frame.matrix, frame.full_range) for frame in frames} == {("BT.709", True)}
    frames = list(codec.decode_video(given("container_says_64x56.mp4")))
    assert {(frame.width, frame.height) for frame in frames} == {(64, 56)}


def test_v15_the_peak_of_ten_bits():
    """-20 log10(sigma / 1023) for an error of sigma = 4.91: the peak is that of the bit depth, given or the Frame's."""
    rng = np.random.default_rng(1)
    a = rng.integers(100, 900, (2, 64, 64)).astype(np.uint16)
    b = (a + rng.normal(0, 4.91, a.shape)).round().astype(np.uint16)
    scores = codec.metrics.video(list(a), list(b), metrics="psnr", bit_depth=10)
    assert scores.pooled["psnr"]["mean"] == pytest.approx(46.37, abs=0.1)
    with pytest.raises(codec.ParameterError, match="bit_depth=10"):
        codec.metrics.video(list(a), list(b), metrics="psnr")


def test_v16_a_container_of_3_gib_is_not_read_whole(given, tmp_path):
    """The media data has a hole of that size, and the index is behind it."""
    data = given("30_fps_without_vui.mp4").read_bytes()
    at = data.index(b"moov") - 4
    path = tmp_path / "big.mp4"
    with open(path, "wb") as stream:
        stream.write(data[:at] + b"\0\0\0\1free" + (3 << 30).to_bytes(8, "big"))
        stream.seek(at + (3 << 30))
        stream.write(data[at:])
    assert samples(next(codec.decode_video(path))) == samples(next(codec.decode_video(data)))


def test_v17_low_delay_gives_each_picture_at_once(given):
    data = given("p_only_no_vui.h264").read_bytes()
    decoder = Decoder(low_delay=True)
    starts = [at for at in range(len(data) - 3) if data[at : at + 3] == b"\0\0\1" and data[at + 3] & 31 in (1, 5)]
    ends = [*starts[1:], len(data)]
    assert [len(decoder.feed(data[a:b], complete=True)) for a, b in itertools.pairwise([0, *ends])] == [1] * len(starts)


def test_v18_pictures_before_a_truncated_sample_come_out(given):
    """The index of the file is moved to its front, as a player of a download finds it."""
    av = pytest.importorskip("av")
    with av.open(str(given("30_fps_without_vui.mp4"))) as source:
        with av.open("front.mp4", "w", options={"movflags": "faststart"}) as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    whole, frames = Path("front.mp4").read_bytes(), []
    cut = whole[: whole.index(b"mdat") + 3000]
    with pytest.raises(codec.BitstreamError):
        for frame in codec.decode_video(cut):
            frames.append(samples(frame))
    assert 5 < len(frames) < 30 and frames == list(map(samples, codec.decode_video(whole)))[: len(frames)]


def test_v18_a_malformed_sps_that_nothing_uses():
    stream = crafted.clip(6)
    stream.nals.insert(5, b"\x67\x42")
    assert flags(codec.decode_video(stream.data)) == [False] * 6


SHIFTED = [
    (lambda f: f[:15] + f[16:] + f[-1:], "from frame 15 on .* 1 frames lost"),
    (lambda f: f[:10] + f[9:29], "from frame 10 on .* 1 frames repeated"),
    (lambda f: f[12:] + f[:12], "drop 12 frames at the start of the reference"),
]


@pytest.mark.parametrize("change, words", SHIFTED, ids=["lost", "repeated", "shifted"])
def test_v19_clips_that_are_not_aligned_are_refused_with_the_frame(change, words):
    frames = [planes[0] for planes in clips.clip(30).frames]
    with pytest.raises(codec.ParameterError, match=words):
        codec.metrics.video(frames, change(frames), metrics="psnr")
