"""`codec video`: decode to files, pipes and digests; inspect."""

import hashlib
import io
from fractions import Fraction

import crafted_h264 as crafted
import numpy as np
import pytest
from PIL import Image

import codec
from codec.h264.stream.vui import VUI
from codec.sources import clips as videos


@pytest.fixture
def clip(home):
    """clip.264 in the working folder: six frames of 32x32 at 30 frames per second; in lost.264 a slice of
    the third frame is missing."""
    timing = VUI(timing_info_present_flag=1, num_units_in_tick=1, time_scale=60)
    stream = crafted.clip(6, sps=crafted.sps_of(vui_parameters_present_flag=1, vui=timing))
    (home / "clip.264").write_bytes(stream.data)
    planes = [b"".join(plane.tobytes() for plane in frame) for frame in stream.frames]
    del stream.nals[6]
    (home / "lost.264").write_bytes(stream.data)
    return planes


def md5(planes):
    return hashlib.md5(b"".join(planes)).hexdigest()


def test_yuv4mpeg2_holds_the_planes_and_the_frame_rate(run, home, clip):
    outcome = run("video", "decode", "clip.264", "-o", "clip.y4m")
    assert outcome.code == 0 and "6 frames" in outcome.err
    found = videos.load(home / "clip.y4m")
    assert [b"".join(plane.tobytes() for plane in planes) for planes in found.frames] == clip and found.fps == 30
    assert run("video", "decode", "clip.264", "-o", "other.y4m", "--fps", "24000/1001").code == 0
    assert (home / "other.y4m").read_bytes().startswith(b"YUV4MPEG2 W32 H32 F24000:1001 Ip ")


def test_raw_planes(run, home, clip):
    assert run("video", "decode", "clip.264", "-o", "clip.yuv").code == 0
    assert (home / "clip.yuv").read_bytes() == b"".join(clip)


def test_pictures(run, home, clip, tree):
    assert run("video", "decode", "clip.264", "-o", "frames/%03d.png").code == 0
    assert tree("frames") == [f"{i:03d}.png" for i in range(6)]
    frame = next(codec.decode_video(home / "clip.264"))
    np.testing.assert_array_equal(np.asarray(Image.open("frames/000.png")), frame.to_rgb())


def test_a_digest_and_its_verification(run, clip):
    assert run("video", "decode", "clip.264", "-o", "md5").text == md5(clip) + "\n"
    assert run("video", "decode", "clip.264", "-o", "md5", "--frames", "1:3").text == md5(clip[1:3]) + "\n"
    assert run("video", "decode", "clip.264", "-o", "md5", "--frames", "4").text == md5(clip[4:5]) + "\n"
    assert run("video", "decode", "clip.264", "-o", "null", "--verify", md5(clip).upper()).code == 0
    wrong = run("video", "decode", "clip.264", "-o", "null", "--verify", "0" * 32)
    assert wrong.code == 1 and f"the MD5 of 6 frames is {md5(clip)}" in wrong.err


def test_pipes(run, home, clip):
    outcome = run("video", "decode", "-", "-o", "-", stdin=(home / "clip.264").read_bytes())
    assert outcome.code == 0 and len(videos.load(io.BytesIO(outcome.out)).frames) == 6


def test_json(run, clip):
    report = run("video", "decode", "clip.264", "-o", "null", "--json").json
    assert (report["verb"], report["frames"], report["damaged"], report["md5"]) == ("video decode", 6, 0, md5(clip))


def test_damage_fails_and_leaves_nothing_or_is_concealed(run, home, clip, tree):
    before = tree(home)
    outcome = run("video", "decode", "lost.264", "-o", "lost.y4m")
    assert (
        outcome.code == 1
        and "2 macroblocks of the picture are missing (H.264 7.4.3)" in outcome.err
        and tree(home) == before
    )
    outcome = run("video", "decode", "lost.264", "-o", "lost.y4m", "--on-error", "conceal")
    assert outcome.code == 0 and "warning: frame 2" in outcome.err and "2 damaged" in outcome.err  # frame 3 copies it
    assert len(videos.load(home / "lost.y4m").frames) == 6
    assert run("video", "decode", "lost.264", "-o", "null", "--on-error", "skip", "--json").json["frames"] == 4


def test_a_range_beyond_the_video_writes_nothing(run, home, clip, tree):
    before = tree(home)
    for output in ("clip.y4m", "md5", "%d.png"):
        outcome = run("video", "decode", "clip.264", "-o", output, "--frames", "6:8")
        assert outcome.code == 1 and "begins at frame 6, and the video has only 6 frames" in outcome.err
    (home / "empty.264").write_bytes(b"")
    assert run("video", "decode", "empty.264", "-o", "clip.y4m").code == 1
    assert tree(home) == sorted([*before, "empty.264"])


def header_of(run, *args, **more):
    outcome = run("video", "decode", *args, "-o", "-", **more)
    assert outcome.code == 0, outcome.err
    return outcome.out.split(b"\n")[0].decode(), outcome.err


def muxed(data, ticks, format="mp4"):
    av = pytest.importorskip("av", reason="PyAV is not installed: containers are not read")
    target = io.BytesIO()
    with av.open(target, "w", format=format) as out, av.open(io.BytesIO(data), format="h264") as source:
        track = out.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
        for packet, tick in zip(packets, ticks, strict=True):
            packet.time_base, packet.stream, packet.pts, packet.dts = Fraction(1, 1000), track, tick, tick
            packet.duration = 100
            out.mux(packet)
    return target.getvalue()


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_the_rate_is_that_of_the_container(run, home, clip, format):
    data = (home / "clip.264").read_bytes()  # 30 frames per second by its VUI
    (home / "even.bin").write_bytes(muxed(data, range(0, 300, 50), format))
    (home / "uneven.bin").write_bytes(muxed(data, [0, 100, 200, 1200, 1300, 1400], format))
    assert " F20:1 " in header_of(run, "even.bin")[0]
    head, err = header_of(run, "uneven.bin")
    rate = Fraction(*map(int, head.split(" F")[1].split(" ")[0].split(":")))
    assert abs(rate - 4) < 0.3 and "100 to 1000 ms" in err
    assert " F25:2 " in header_of(run, "uneven.bin", "--fps", "12.5")[0]
    assert run("video", "decode", "even.bin", "-o", "-", "--fps", "fast").code == 2
    assert run("video", "decode", "even.bin", "-o", "-", "--fps", "1/0").code == 2


def test_fields_and_sample_aspect_ratio(run, home):
    shape = VUI(aspect_ratio_info_present_flag=1, aspect_ratio_idc=255, sar_width=12, sar_height=11)
    sps = crafted.sps_of(2, 4, frame_mbs_only_flag=0, vui_parameters_present_flag=1, vui=shape)
    for first, tag in ((0, "t"), (1, "b")):
        stream, planes = crafted.Stream(sps), crafted.samples(sps, 1)
        for parity in (first, 1 - first):
            head = crafted.header(0, int(parity != first), parity == first, field_pic_flag=1, bottom_field_flag=parity)
            field = [plane[parity::2] for plane in planes]
            stream.nals.append(crafted.slice_of(head, sps, stream.pps, field, list(range(4))))
        (home / "fields.264").write_bytes(stream.data)
        assert f" I{tag} A12:11 " in header_of(run, "fields.264")[0]
        assert f" I{tag} A12:11 " in header_of(run, "-", stdin=stream.data)[0]


def test_rgb_is_not_written_as_luma_and_chroma(run, home, tree):
    vui = VUI(
        video_signal_type_present_flag=1,
        video_full_range_flag=1,
        colour_description_present_flag=1,
        matrix_coefficients=0,
    )
    sps = crafted.sps_of(profile_idc=244, chroma_format_idc=3, vui_parameters_present_flag=1, vui=vui)
    stream = crafted.clip(2, sps=sps)
    (home / "rgb.264").write_bytes(stream.data)
    outcome = run("video", "decode", "rgb.264", "-o", "rgb.y4m")
    assert outcome.code == 1 and "G B R" in outcome.err and "rgb.y4m" not in tree(home)
    assert run("video", "decode", "rgb.264", "-o", "%d.png").code == 0
    np.testing.assert_array_equal(np.asarray(Image.open("0.png")), np.dstack([stream.frames[0][i] for i in (2, 0, 1)]))


def test_outputs_that_exist_are_kept(run, home, clip):
    (home / "clip.yuv").write_bytes(b"mine")
    outcome = run("video", "decode", "clip.264", "-o", "clip.yuv")
    assert outcome.code == 1 and "--overwrite" in outcome.err and (home / "clip.yuv").read_bytes() == b"mine"
    assert run("video", "decode", "clip.264", "-o", "clip.yuv", "--overwrite").code == 0


@pytest.mark.parametrize("args, says", [
    (["-o", "one.png"], "%04d.png"), (["-o", "clip.mkv"], "write .y4m, .yuv"),
    (["-o", "null", "--frames", "x"], "not of the form"),
    (["-o", "null", "--frames", "3:3"], "contains no frames"), ([], "Missing option"),
])  # fmt: skip
def test_what_cannot_be_meant(run, clip, args, says):
    outcome = run("video", "decode", "clip.264", *args)
    assert outcome.code == 2 and says in outcome.err


def test_limits_and_missing_files(run, clip):
    assert "the limit is 100" in run("video", "decode", "clip.264", "-o", "null", "--max-pixels", "100").err
    assert "cannot read none.264" in run("video", "decode", "none.264", "-o", "null").err


def test_inspect_shows_the_names_of_the_standard(run, clip):
    outcome = run("video", "inspect", "clip.264")
    assert outcome.code == 0 and outcome.text.startswith("32x32, H.264 Main, level 3.1, 4:2:0, 8-bit, 30 fps")
    for part in (
        "log2_max_frame_num_minus4=0",
        "vui.time_scale=60",
        "deblocking_filter_control_present_flag=1",
        "IPIPIP",
        "PicOrderCnt",
        "6 frames",
    ):
        assert part in outcome.text


def test_inspect_as_json(run, clip):
    report = run("video", "inspect", "clip.264", "--json").json
    assert report["schema"] == 1 and len(report["nal_units"]) == 11 and report["display_order"] == "IPIPIP"


def test_inspect_tells_of_damage_on_stderr(run, home, clip):
    (home / "cut.264").write_bytes((home / "clip.264").read_bytes()[:40] + b"\0\0\1\x41")
    outcome = run("video", "inspect", "cut.264")
    assert outcome.code == 1 and "the data ends in first_mb_in_slice" in outcome.err


def test_inspect_says_that_a_stream_is_cut(run, home, clip):
    data = (home / "clip.264").read_bytes()
    assert run("video", "inspect", "clip.264", "--json").json["complete"] is True
    (home / "cut.264").write_bytes(data[:-20])
    outcome = run("video", "inspect", "cut.264")
    assert (
        outcome.code == 1 and "macroblocks of the last picture are missing" in outcome.err and "frames" in outcome.text
    )
    assert run("video", "inspect", "cut.264", "--json").json["complete"] is False
    stream = crafted.clip(1)
    del stream.nals[2:]
    (home / "sets.264").write_bytes(stream.data)
    outcome = run("video", "inspect", "sets.264")
    assert outcome.code == 1 and "there is no picture" in outcome.err


def test_inspect_says_that_a_container_is_cut(run, home, data_folder):
    pytest.importorskip("av")
    whole = (data_folder / "faults" / "rotated_90.mp4").read_bytes()
    (home / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    outcome = run("video", "inspect", "cut.mp4")
    assert outcome.code == 1 and "the file is truncated: its box 'mdat' has 7361 bytes" in outcome.err
    (home / "whole.mp4").write_bytes(whole)
    assert run("video", "inspect", "whole.mp4").code == 0
    nut = (data_folder / "faults" / "a.nut").read_bytes()
    (home / "cut.nut").write_bytes(nut[: len(nut) * 2 // 3])
    assert run("video", "inspect", "cut.nut").code == 1  # an OSError of PyAV escaped


def test_damage_that_travels_is_told(run, home, clip):
    """Frames predicted from a lost IDR picture: flagged in the table and in --json, or left out."""
    stream = crafted.clip(6)
    del stream.nals[2:4]
    (home / "joined.264").write_bytes(stream.data)
    outcome = run("video", "decode", "joined.264", "-o", "null")
    assert outcome.code == 0 and "5 frames" in outcome.err and "1 damaged" in outcome.err
    assert "warning: frame 0: " in outcome.err and "predicted from missing or damaged pictures" in outcome.err
    assert run("video", "decode", "joined.264", "-o", "null", "--json").json["damaged"] == 1
    report = run("video", "decode", "joined.264", "-o", "null", "--json", "--on-error", "skip").json
    assert (report["frames"], report["damaged"]) == (4, 0)


def test_zeros_are_an_error(run, home):
    (home / "zeros.264").write_bytes(bytes(5000))
    outcome = run("video", "decode", "zeros.264", "-o", "zeros.y4m")
    assert outcome.code == 1 and "no picture can be decoded" in outcome.err
    assert not (home / "zeros.y4m").exists()


def test_the_build_of_x264_is_an_option(run, clip):
    assert run("video", "decode", "clip.264", "-o", "md5", "--x264-build", "148").text == md5(clip) + "\n"


def test_overlay_of_a_frame_and_of_a_clip(run, home, clip):
    outcome = run(
        "video", "inspect", "clip.264", "--overlay", "types.png", "--frame", 3, "--show", "type", "--scale", 2
    )
    assert outcome.code == 0, outcome.err
    frames = list(codec.decode_video(home / "clip.264", side_data=True))
    assert np.array_equal(np.asarray(Image.open(home / "types.png")), codec.h264.overlay(frames[3], "type"))
    assert run("video", "inspect", "clip.264", "--overlay", "all.h264", "--show", "mv", "--scale", 1).code == 0
    shown = list(codec.decode_video(home / "all.h264"))
    assert (
        len(shown) == 6
        and (shown[0].width, shown[0].height) == (32, 32)
        and codec.h264.probe(home / "all.h264").fps == 30
    )
    again = run("video", "inspect", "clip.264", "--overlay", "types.png")
    assert again.code == 1 and "--overwrite" in again.err
    assert "has no frame 6" in run("video", "inspect", "clip.264", "--overlay", "x.png", "--frame", 6).err
    assert run("video", "inspect", "clip.264", "--overlay", "x.h264", "--frame", 6).code == 2
