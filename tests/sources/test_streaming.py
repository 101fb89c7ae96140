"""Clips frame by frame: the frames of `clips.load`, and times that are kept or refused."""

import io
from fractions import Fraction

import numpy as np
import pytest
from clips import clip, y4m

from codec.errors import BitstreamError, ParameterError, TruncatedError
from codec.sources import clips
from codec.sources.streaming import stream

av = pytest.importorskip("av", reason="PyAV is not installed: clips other than .y4m are not read")


def stored(ticks, time_base=Fraction(1, 1000), format="matroska", *, encoder="ffv1", rate=None, audio=False, more=()):
    """A clip of flat frames, number n with luma 10 (n mod 25), at these times; with a tone of a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as container:
        video = container.add_stream(encoder, rate=rate or 25)
        video.width, video.height, video.pix_fmt, video.time_base = 32, 16, "yuv420p", time_base
        video.codec_context.time_base = time_base
        video.codec_context.max_b_frames = 0
        tone = container.add_stream("flac" if format == "matroska" else "aac", rate=48000) if audio else None
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32), 10 * (number % 25), np.uint8), format="yuv420p")
            frame.pts, frame.time_base = tick, time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio:
            wave = (9000 * np.sin(np.arange(48000) / 20)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    return buffer.getvalue()


def opened(data, tmp_path, **options):
    path = tmp_path / "clip.bin"
    path.write_bytes(data)
    return stream(path, **options)


@pytest.mark.parametrize("chroma, depth", [("4:0:0", 8), ("4:2:0", 8), ("4:2:2", 10), ("4:4:4", 16)])
def test_frames_are_those_that_load_gives(tmp_path, chroma, depth):
    data = y4m(clip(3, 17, 23, chroma, depth))
    whole = clips.load(data)
    for source in (data, io.BytesIO(data), None):
        found = stream(source) if source else opened(data, tmp_path)
        assert found.fps == whole.fps and found.times is None
        for frame, planes in zip(found.frames, whole.frames, strict=True):
            assert (frame.chroma, frame.bit_depth, frame.matrix) == (whole.chroma, whole.depth, whole.matrix)
            assert all(np.array_equal(a, b) for a, b in zip(frame.planes, planes))


def test_what_the_header_of_y4m_says():
    data = y4m(clip(2)).replace(b" Ip A1:1", b" It A10:11 XCOLORRANGE=FULL")
    found = stream(data)
    assert found.sample_aspect_ratio == (10, 11) and "interlaced" in found.warnings[0]
    assert next(found.frames).full_range


def test_a_cut_clip_gives_its_whole_frames_first():
    found = stream(y4m(clip(3))[:-1])
    assert next(found.frames) and next(found.frames)
    with pytest.raises(TruncatedError, match="ends in frame 2"):
        next(found.frames)


def test_even_times_rounded_to_milliseconds_are_a_rate(tmp_path):
    for rate in Fraction(30), Fraction(30000, 1001), Fraction(24000, 1001):
        found = opened(stored([round(1000 * i / rate) for i in range(12)], rate=rate), tmp_path)
        assert (found.fps, found.times, found.count) == (rate, None, 12)
        assert len(list(found.frames)) == 12


def test_uneven_times_are_kept(tmp_path):
    ticks = [0, 40, 80, 1000, 1010, 1500]
    found = opened(stored(ticks), tmp_path)
    assert [found.times[i] for i in range(6)] == [Fraction(tick, 1000) for tick in ticks]
    assert found.times.shown.startswith("10 to 920 ms")
    assert [int(frame.planes[0][0, 0]) // 10 for frame in found.frames] == list(range(6))


def test_a_missing_frame_is_no_even_rate(tmp_path):
    assert opened(stored([0, 40, 80, 160, 200, 240]), tmp_path).times is not None


def test_a_tick_of_one_frame_is_no_rounding(tmp_path):
    """AVI, and MP4 whose time scale is the frame rate: a frame that is missing is not spread over the others."""
    ticks = [number for number in range(50) if number != 10]
    found = opened(stored(ticks, Fraction(1, 25), "mov", encoder="mpeg4"), tmp_path)
    assert [found.times[i] * 25 for i in range(49)] == ticks
    even = opened(stored(range(50), Fraction(1, 25), "mov", encoder="mpeg4"), tmp_path)
    assert (even.fps, even.times) == (25, None)


def test_a_file_that_was_cut_off_says_so(tmp_path):
    data = stored([40 * number for number in range(50)])
    assert opened(data, tmp_path).warnings == ()
    (message,) = opened(data[: len(data) // 2], tmp_path).warnings
    assert "and states 2.00 s: the rest may be missing" in message


def test_a_rate_that_is_given_holds(tmp_path):
    data = stored([0, 40, 80, 1000, 1010, 1500], audio=True)
    found = opened(data, tmp_path, fps=Fraction(25))
    assert found.fps == 25 and found.times is None and found.audio is None and len(list(found.frames)) == 6
    assert ["shown for" in found.warnings[0], "audio is left out" in found.warnings[1]] == [True, True]


def test_the_first_frames_of_a_clip(tmp_path):
    found = opened(stored([0, 40, 80, 120]), tmp_path, frames=3)
    assert found.cut and found.count == 3 and len(list(found.frames)) == 3


def test_a_frame_that_cannot_be_decoded_does_not_shift_the_others(tmp_path):
    data = stored([40 * i for i in range(12)], Fraction(1, 1000), "mp4", encoder="mpeg4")
    place = data.index(b"mdat") + 4
    sizes = [packet.size for packet in av.open(io.BytesIO(data)).demux(video=0)]
    at = place + sum(sizes[:5])
    broken = data[:at] + bytes(sizes[5]) + data[at + sizes[5] :]
    with pytest.raises(BitstreamError):
        list(opened(broken, tmp_path).frames)


def test_a_file_without_video(tmp_path):
    with pytest.raises((BitstreamError, ParameterError)):
        opened(b"no clip at all" * 99, tmp_path)


def test_a_byte_stream_has_a_rate_with_a_warning(tmp_path):
    import codec

    data = codec.encode_video(np.zeros((3, 16, 32), np.uint8), fps=30)
    (message,) = opened(data, tmp_path).warnings
    assert "a byte stream has no times" in message
    given = opened(data, tmp_path, fps=Fraction(30))
    assert given.warnings == () and len(list(given.frames)) == 3
