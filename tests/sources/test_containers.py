"""Containers as they occur: each gives the frames that FFmpeg shows, with the times and colours of the container."""

import io
import os
import threading
from fractions import Fraction
from types import SimpleNamespace

import crafted_h264 as crafted
import numpy as np
import pytest

import codec
from codec.h264.stream.nal import split_sample, write_byte_stream
from codec.sources import clips
from codec.sources.containers import Timing, looks_like_byte_stream, timing, video_stream
from codec.sources.planar import planes_of

av = pytest.importorskip("av", reason="PyAV is not installed: containers are not read")
TICK = Fraction(1, 90000)


def muxed(stream, format="mp4", first=0, ticks=None, options=None):
    """A container with one picture per packet, at `ticks`, or 25 in a second from number `first` on."""
    target = io.BytesIO()
    with av.open(target, "w", format=format, options=options or {}) as out:
        with av.open(io.BytesIO(stream.data), format="h264") as source:
            track = out.add_stream_from_template(source.streams.video[0])
            packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
            for i, packet in enumerate(packets):
                packet.time_base, packet.stream = TICK, track
                packet.pts = packet.dts = ticks[i] if ticks else 3600 * (first + i)
                out.mux(packet)
    return target.getvalue()


def access_units(stream):
    with av.open(io.BytesIO(stream.data), format="h264") as source:
        return [bytes(packet) for packet in source.demux(source.streams.video[0]) if packet.size]


def shown_by_ffmpeg(data):
    with av.open(io.BytesIO(data)) as container:
        stream = next(stream for stream in container.streams.video if stream.codec_context.name == "h264")
        return [(planes_of(frame), frame.pts * stream.time_base) for frame in container.decode(stream)]


def same(frames, wanted):
    return len(frames) == len(wanted) and all(
        np.array_equal(a, b) for frame, planes in zip(frames, wanted) for a, b in zip(frame.planes, planes)
    )


def as_ffmpeg(source, data=None):
    """Decode and compare with FFmpeg, frame by frame; the frames."""
    frames, wanted = list(codec.decode_video(source)), shown_by_ffmpeg(data or source)
    assert same(frames, [planes for planes, _ in wanted])
    assert [frame.timestamp for frame in frames] == [seconds for _, seconds in wanted]
    assert not any(frame.damage for frame in frames)
    return frames


@pytest.mark.parametrize("format, options", [
    ("nut", None), ("mpegts", None), ("mpegts", {"mpegts_m2ts_mode": "1"}), ("asf", None), ("flv", None), ("mov", None), ("vob", None),
    ("mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
])  # fmt: skip
def test_what_is_no_byte_stream_goes_to_the_demuxer(format, options):
    data = muxed(crafted.clip(6), format, options=options)
    if format == "vob":  # PES packets without times of their own
        assert same(list(codec.decode_video(data)), crafted.clip(6).frames)
        return
    as_ffmpeg(data)
    for mode in ("conceal", "skip"):
        assert len(list(codec.decode_video(io.BytesIO(data), on_error=mode))) == 6
    assert codec.h264.probe(data).width == 32


def test_an_mp4_that_begins_with_styp():
    fragments = muxed(crafted.clip(6), options={"movflags": "frag_keyframe+empty_moov+default_base_moof"})
    as_ffmpeg(b"\0\0\0\x10stypmsdh\0\0\0\0" + fragments)


def test_ivf():
    head = b"DKIF\0\0\x20\0H264" + b"\x20\0\x20\0" + (30).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(8)
    data = head
    for number, sample in enumerate(access_units(crafted.clip(4))):
        data += len(sample).to_bytes(4, "little") + number.to_bytes(8, "little") + sample
    as_ffmpeg(data)


def test_what_is_neither_says_so(monkeypatch):
    with pytest.raises(codec.BitstreamError, match="no start code.*no container that FFmpeg recognises"):
        list(codec.decode_video(b"what is this?" * 9))
    with pytest.raises(codec.BitstreamError, match="at byte"):  # forbidden_zero_bit
        list(codec.decode_video(b"\0\0\1\xe5" + crafted.clip(1).data))
    with pytest.raises(codec.UnsupportedError, match="mpeg2video"):
        list(codec.decode_video(other_codec("mpeg2video", "vob")))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(codec.BitstreamError, match=r"pip install codec\[video\]"):
        list(codec.decode_video(b"what is this?" * 9))


def other_codec(encoder, format):
    target = io.BytesIO()
    with av.open(target, "w", format=format) as out:
        stream = out.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            out.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8)).reformat(format="yuv420p"))
            )
        out.mux(stream.encode())
    return target.getvalue()


@pytest.mark.parametrize("head, is_one", [
    (b"\0\0\1\x67", True), (b"\0\0\0\1\x09\xf0", True), (b"\0" * 9 + b"\1\x67", True), (b"\0\0\1\xba\x44", False), (b"\0\0\1\xb3", False),
    (b"\0\0\0\x18ftyp", False), (b"\0\0\0\1\x40\1\x0c", False), (b"\0\0\1\xe7", True), (b"\0\0", False),
])  # fmt: skip
def test_the_head_of_a_byte_stream(head, is_one):
    assert looks_like_byte_stream(head) is is_one


@pytest.mark.parametrize("mode", ["raise", "conceal", "skip"])
@pytest.mark.parametrize("data", [b"", bytes(5000), b"\0\0\1\x09\xf0", crafted.clip(1).data[:20]])
def test_nothing_out_is_an_error_in_every_mode(data, mode):
    for source in (data, [data[:3], data[3:]], io.BytesIO(data)):
        with pytest.raises(codec.BitstreamError):
            list(codec.decode_video(source, on_error=mode))


def test_samples_outside_the_edit_list_are_decoded_and_not_shown():
    data = muxed(crafted.clip(8), first=-3)
    frames = as_ffmpeg(data)
    assert len(frames) == 5 and frames[0].timestamp == 0


def test_a_cover_picture_is_not_the_video():
    none, cover, thumbnail = 0, av.stream.Disposition.attached_pic, av.stream.Disposition.timed_thumbnails
    for kinds, right in (([cover, none], 1), ([thumbnail, cover, none, none], 2), ([none, cover], 0), ([cover], 0)):
        streams = [SimpleNamespace(disposition=av.stream.Disposition(kind)) for kind in kinds]
        container = SimpleNamespace(streams=SimpleNamespace(video=streams))
        assert video_stream(container) is streams[right]


def prefixed(nals, size=4):
    return b"".join(len(nal).to_bytes(size, "big") + nal for nal in nals)


NALS = [b"\x09\xf0", b"\x67abc", b"\x65" + bytes(range(1, 255)) * 2]


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0\0", b"\0" * 9])
def test_zeros_after_the_last_nal_unit_are_padding(size, tail):
    nals = [nal[:200] for nal in NALS]
    found = list(split_sample(prefixed(nals, size) + tail, size, offset=5, index=2))
    assert [nal.data for nal in found] == nals and [nal.index for nal in found] == [2, 3, 4]
    assert found[1].offset == 5 + 2 * size + 2


def test_start_codes_in_samples():
    whole, part = write_byte_stream(NALS), prefixed([NALS[0] + b"\0\0\0\1" + NALS[1], NALS[2]])
    for sample in (whole, part):
        found = list(split_sample(sample, 4, offset=100, index=7))
        assert [nal.data for nal in found] == NALS and [nal.index for nal in found] == [7, 8, 9]
        assert all(sample[nal.offset - 100 :].startswith(nal.data) for nal in found)
    # A NAL unit of one byte and one of 256 to 511 bytes have lengths that look like start codes.
    for nals in ([b"\x0a", NALS[1]], [NALS[2]]):
        assert [nal.data for nal in split_sample(prefixed(nals), 4)] == nals
    with pytest.raises(codec.TruncatedError):
        list(split_sample(prefixed([NALS[2]])[:-1], 4))


def test_colours_and_size_of_the_container():
    stream = crafted.clip(3)
    data = muxed(stream)
    assert as_ffmpeg(data)[0].matrix == "BT.601"
    at = data.rindex(b"avc1") + 4 + 24  # width and height of VisualSampleEntry (ISO/IEC 14496-12 12.1.3)
    assert data[at : at + 4] == b"\0\x20\0\x20"
    smaller = data[:at] + b"\0\x1c\0\x14" + data[at + 4 :]
    assert as_ffmpeg(smaller)[0].planes[1].shape == (10, 14)
    other = data[:at] + b"\0\x0c\0\x14" + data[at + 4 :]  # more than a macroblock less: not meant
    assert as_ffmpeg(other)[0].planes[0].shape == (32, 32)
    info = codec.h264.probe(smaller)
    assert (info.width, info.height) == (28, 20)


def test_a_container_at_a_path_is_not_read_whole(tmp_path):
    """A sparse file of 3 GiB: the media data has a hole, the index is at the end."""
    data = muxed(crafted.clip(4))
    path = tmp_path / "big.mp4"
    at = data.index(b"moov") - 4
    assert data.index(b"mdat") < at
    with open(path, "wb") as stream:
        stream.write(data[:at])
        stream.write(b"\0\0\0\1free" + (3 << 30).to_bytes(8, "big"))
        stream.seek(at + (3 << 30))
        stream.write(data[at:])
    assert same(list(codec.decode_video(path)), crafted.clip(4).frames)


MS = Fraction(1, 1000)


@pytest.mark.parametrize("times, last, stated, fps", [
    ([0, 33, 67, 100, 133], 33, (Fraction(30000, 1001), 30), 30),  # rounded to a millisecond
    ([0, 33, 67, 100, 133, 167, 200, 234], 33, (Fraction(30000, 1001),), Fraction(30000, 1001)),
    ([0, 50, 100, 150], 50, (30, 30), 20),  # the container is wrong
    ([0, 40], 40, (None, None), 25),
    ([0, 0, 40], 40, (25,), 25), ([0, None], 0, (25,), 25), ([], 0, (None,), None), ([7], 40, (None, 24), 24),
])  # fmt: skip
def test_the_rate_of_even_times(times, last, stated, fps):
    found = timing([time if time is None else time * MS for time in times], last * MS, *stated)
    assert found == Timing(fps)


def test_uneven_times_have_their_mean_as_the_rate():
    found = timing([time * MS for time in (0, 100, 200, 1200, 1300, 1400)], 100 * MS, 1000)
    assert found.fps == 4 and [1000 * second for second in found.seconds] == [100, 100, 1000, 100, 100, 100]
    assert timing([Fraction(0), Fraction(1), Fraction(4)], 0, 25).seconds == (1, 3, 2)


def test_a_playlist_opens_no_other_file(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(muxed(crafted.clip(2)))
    for text in ("ffconcat version 1.0\nfile clip.mp4\n", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n"):
        path = tmp_path / "list.ffconcat"
        path.write_text(text)
        with pytest.raises(codec.CodecError):
            list(codec.decode_video(path))
        with pytest.raises(codec.CodecError):
            clips.load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_container_from_a_named_pipe(tmp_path):
    path, data = tmp_path / "pipe", muxed(crafted.clip(3))
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    writer.start()
    assert same(list(codec.decode_video(path)), crafted.clip(3).frames)
    writer.join(10)
