"""Streams as encoders and transports make them: what surrounds the pictures is damaged, padded or missing."""

import dataclasses

import crafted_h264 as crafted
import numpy as np
import pytest
from crafted_h264 import Stream, header, sps_of

import codec
from codec.h264 import Decoder
from codec.h264.stream.nal import NalUnit, write_byte_stream, write_nal
from codec.h264.stream.parameter_sets import PPS, read_pps, write_pps, write_sps
from codec.h264.stream.sei import SEIMessage, x264_build
from codec.h264.stream.slice_header import I


def same(frame, planes):
    return all(map(np.array_equal, frame.planes, planes))


def decoded(nals, **options):
    return list(codec.decode_video(write_byte_stream(nals), **options))


def until_error(nals, **options):
    """(frames, error)"""
    frames, error = [], None
    try:
        frames += codec.decode_video(write_byte_stream(nals), **options)
    except codec.CodecError as caught:
        error = caught
    return frames, error


# ---------------------------------------------------------------- x264 before build 151


def test_the_build_of_x264():
    uuid = bytes(16)
    assert x264_build(SEIMessage(5, uuid + b"x264 - core 148 r2795 aaa9aa8")) == 148
    assert x264_build(SEIMessage(5, uuid + b"x264 - core")) is None
    assert x264_build(SEIMessage(5, uuid + b"Lavc x264 - core 148")) is None
    assert x264_build(SEIMessage(4, uuid + b"x264 - core 148")) is None and x264_build(SEIMessage(5, b"")) is None


@pytest.mark.parametrize("build", [0, "148"])
def test_builds_that_do_not_exist(build):
    with pytest.raises(codec.ParameterError, match="x264_build must be a positive integer"):
        Decoder(x264_build=build)


# ---------------------------------------------------------------- parameter sets


@pytest.mark.parametrize("tail", [b"\x91", b"\xc8\x11", b"\xff\xff\xff"])
@pytest.mark.parametrize("profile_idc, flag", [(66, 0), (66, 1), (77, 1), (88, 2)])
def test_bytes_after_a_pps_without_extension(profile_idc, flag, tail):
    sps = sps_of(profile_idc=profile_idc, **{f"constraint_set{flag}_flag": 1})
    pps = write_pps(PPS(), sps)
    assert read_pps(NalUnit(pps + tail), sps) == PPS()


def test_a_main_profile_pps_without_constraint_flags_may_be_extended():
    """As in FFmpeg: some encoders write these elements with the profile_idc of Main."""
    sps = sps_of(profile_idc=77)
    pps = PPS(extended=1, transform_8x8_mode_flag=1, second_chroma_qp_index_offset=2)
    assert read_pps(NalUnit(write_pps(pps, sps)), sps) == pps


MALFORMED = write_sps(sps_of(seq_parameter_set_id=3))[:5] + b"\xff\xff\x80"


@pytest.mark.parametrize("at", [0, 2, 5])
@pytest.mark.parametrize("nal", [MALFORMED, b"\x67", b"\x67\x42", b"\x68", write_nal(8, 3, b"\x00\x00\x01")])
def test_a_malformed_parameter_set_that_nothing_uses(nal, at):
    stream = crafted.clip(6)
    stream.nals.insert(at, nal)
    for on_error in ("raise", "conceal"):
        frames = decoded(stream.nals, on_error=on_error)
        assert all(map(same, frames, stream.frames)) and len(frames) == 6 and not any(f.damage for f in frames)
    assert codec.h264.probe(stream.data).width == 32


def test_a_malformed_parameter_set_that_is_used():
    stream = crafted.clip(3)
    good = stream.nals[0]
    stream.nals[0] = good[:4] + b"\xe0"  # seq_parameter_set_id 0, and no more
    frames, error = until_error(stream.nals)
    assert not frames and "seq_parameter_set" in str(error)
    with pytest.raises(codec.BitstreamError, match="seq_parameter_set"):
        codec.h264.probe(stream.data)


def test_a_malformed_repetition_counts_when_it_is_activated():
    """By the next IDR picture. Until then, and with concealment after it, the SPS before it is used."""
    stream, more = crafted.clip(3), crafted.clip(2)
    malformed = stream.nals[0][:4] + b"\xe0"
    frames, error = until_error([*stream.nals, malformed])
    assert len(frames) == 3 and error is None
    nals = [*stream.nals[:5], malformed, *stream.nals[5:], *more.nals[2:]]
    frames, error = until_error(nals)
    assert len(frames) == 3 and "seq_parameter_set" in str(error)
    frames = decoded(nals, on_error="conceal")
    assert len(frames) == 5 and all(map(same, frames, stream.frames + more.frames)) and any(f.damage for f in frames)


# ---------------------------------------------------------------- the order of frames and errors


@pytest.mark.parametrize("threads", [1, 2])
def test_frames_that_are_complete_come_before_an_error(threads):
    """They wait in the decoded picture buffer when the error is met."""
    stream = crafted.clip(6)
    del stream.nals[-2]  # a slice of picture 4
    frames, error = until_error(stream.nals, threads=threads)
    assert all(map(same, frames, stream.frames)) and len(frames) == 4
    assert "2 macroblocks of the picture are missing" in str(error)


@pytest.mark.parametrize("on_error", ["raise", "conceal", "skip"])
def test_the_last_picture_is_not_lost_silently(on_error):
    stream = crafted.clip(3)
    aud = b"\x09\xf0"
    nals = [*stream.nals[:-2], aud, stream.nals[-1][:1] + b"\x00\x00\x00\x10"]
    frames, error = until_error(nals, on_error=on_error)
    assert all(map(same, frames[:2], stream.frames))
    if on_error == "raise":
        assert len(frames) == 2 and "slice_header" in str(error)
    elif on_error == "conceal":
        assert len(frames) == 3 and frames[2].damage.fraction == 1 and "slice_header" in frames[2].damage.errors[0]
        assert same(frames[2], stream.frames[1])
    else:
        assert len(frames) == 2


NOTHING = [bytes(5000), b"\0\0\1\x09\xf0", write_byte_stream(Stream().nals), b""]


@pytest.mark.parametrize("data", NOTHING)
@pytest.mark.parametrize("on_error", ["raise", "conceal", "skip"])
def test_data_without_a_picture_is_an_error(data, on_error):
    with pytest.raises(codec.BitstreamError, match="no picture can be decoded|the input is empty"):
        list(codec.decode_video(data, on_error=on_error))


# ---------------------------------------------------------------- low delay


def one_by_one(stream, orders, **options):
    """How many frames come out after each picture; `orders`: pic_order_cnt_lsb of pictures in decoding order."""
    for i, lsb in enumerate(orders):
        stream.intra(header(i % 16, lsb, idr=not i))
    decoder, found = Decoder(**options), []
    for nals in [stream.nals[:3], *([nal] for nal in stream.nals[3:])]:
        found.append([frame.poc for frame in decoder.feed(write_byte_stream(nals), complete=True)])
    return found, [frame.poc for frame in decoder.flush()]


def test_low_delay_without_a_guarantee():
    """Each frame comes out after its own picture, where the order counts leave no gap."""
    found, rest = one_by_one(Stream(), range(0, 12, 2), low_delay=True)
    assert found == [[0], [2], [4], [6], [8], [10]] and rest == []
    found, rest = one_by_one(Stream(), range(0, 12, 2))
    assert found == [[]] * 6 and rest == [0, 2, 4, 6, 8, 10]


def test_low_delay_does_not_change_the_order():
    found, rest = one_by_one(Stream(), (0, 8, 4, 2, 6, 16, 12), low_delay=True)
    assert found == [[0], [], [], [2, 4], [6, 8], [], []] and rest == [12, 16]


def test_low_delay_with_order_counts_that_rise_by_one():
    found, rest = one_by_one(Stream(), (0, 1, 2, 5, 4, 3, 6), low_delay=True)
    assert found == [[0], [1], [2], [], [], [3, 4, 5], [6]] and rest == []


def test_low_delay_of_a_joined_stream_keeps_the_order():
    stream = Stream()
    for i, lsb in enumerate((8, 4, 2, 6, 10)):
        stream.intra(header(i, lsb))
    assert [frame.poc for frame in decoded(stream.nals, low_delay=True)] == [2, 4, 6, 8, 10]


def test_low_delay_after_another_idr_picture():
    stream = Stream()
    for i, lsb in enumerate((0, 2, 4)):
        stream.intra(header(i, lsb, idr=not i))
    stream.intra(dataclasses.replace(header(0, 0, idr=True, kind=I), idr_pic_id=1))
    decoder = Decoder(low_delay=True)
    counts = [len(decoder.feed(write_byte_stream([nal]), complete=True)) for nal in stream.nals]
    assert counts == [0, 0, 1, 1, 1, 1]


def test_a_truncated_mp4(tmp_path):
    """All pictures before the truncated sample come out, and then the error, or a repetition with damage."""
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    rng = np.random.default_rng(1)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        try:
            stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        except ValueError:
            pytest.skip("PyAV has no x264")
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(30):
            planes = rng.integers(0, 256, (96, 64)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode(None))
    data = path.read_bytes()[:-5]
    frames = []
    with pytest.raises(codec.BitstreamError, match="does not fit its sample"):
        for frame in codec.decode_video(data):
            frames.append(frame)
    assert len(frames) == 29 and not any(frame.damage for frame in frames)
    concealed = list(codec.decode_video(data, on_error="conceal"))
    assert len(concealed) == 30 and [bool(frame.damage) for frame in concealed].count(True) == 1
    assert len(list(codec.decode_video(data, on_error="skip"))) == 29
