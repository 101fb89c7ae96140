"""Clips: the samples of the file are read exactly, and converted to colours by its matrix and range."""

import dataclasses
import io
from fractions import Fraction

import numpy as np
import pytest
from clips import clip, equal, y4m
from hypothesis import given
from hypothesis import strategies as st

from codec import Limits
from codec.color import MATRICES
from codec.errors import (
    BitstreamError,
    CodecError,
    LimitError,
    MissingPackageError,
    ParameterError,
    TruncatedError,
    UnsupportedError,
)
from codec.frame import Video
from codec.sources import clips
from codec.sources.planar import format_of


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
@pytest.mark.parametrize("chroma", ["4:0:0", "4:2:0", "4:2:2", "4:4:4"])
def test_y4m_of_every_chroma_and_depth(chroma, depth):
    made = clip(3, 17, 23, chroma, depth)
    assert equal(clips.load(y4m(made)), made)


@pytest.mark.parametrize("tag", ["420", "420jpeg", "420mpeg2", "420paldv"])
def test_sitings_of_chroma_are_one_format(tag):
    assert equal(clips.load(y4m(clip(2), tag)), clip(2))


def test_y4m_without_colour_is_420_and_other_tags_are_passed_over():
    data = y4m(clip(2)).replace(b" C420", b"").replace(b"FRAME\n", b"FRAME Ip XANYTHING\n")
    assert equal(clips.load(data), clip(2))
    assert clips.load(y4m(clip(2), more=" XCOLORRANGE=FULL")).full_range
    assert clips.load(y4m(clip(1, 720, 16))).matrix == "BT.709" and clips.load(y4m(clip(1, 719, 16))).matrix == "BT.601"
    (message,) = clips.load(y4m(clip(2)).replace(b" Ip", b" It")).warnings
    assert "interlaced" in message


def test_fewer_frames_and_fractions_of_a_rate(tmp_path):
    path = tmp_path / "clip.y4m"
    path.write_bytes(y4m(clip(5, fps=Fraction(30000, 1001))))
    made = clips.load(path, frames=3)
    assert len(made.frames) == 3 and made.fps == Fraction(30000, 1001) and len(clips.load(path, frames=9).frames) == 5


HEAD = b"YUV4MPEG2 W4 H2 F25:1 C420\n"
FRAME = b"FRAME\n" + bytes(12)


@pytest.mark.parametrize(
    "data, error, says",
    [
        (b"YUV4MPEG2 W4" + bytes(2000), BitstreamError, "no end of line"),
        (HEAD, BitstreamError, "there are no frames"),
        (HEAD + FRAME[:-1], TruncatedError, "the data ends in frame 0, which takes 12 bytes"),
        (HEAD + FRAME + b"FRAMF\n" + bytes(12), BitstreamError, "at byte 45: no FRAME line before frame 1"),
        (HEAD + FRAME + b"x", BitstreamError, "no FRAME line before frame 1"),
        (HEAD.replace(b"W4", b"W0") + FRAME, BitstreamError, "W must be a positive number, not '0'"),
        (HEAD.replace(b"H2", b"") + FRAME, BitstreamError, "H must be a positive number, not ''"),
        (HEAD.replace(b"W4", b"W-4") + FRAME, BitstreamError, "W must be"),
        (
            HEAD.replace(b"25:1", b"0:0") + FRAME,
            BitstreamError,
            "F must be a frame rate such as 30:1, not '0:0': a bit rate needs one",
        ),
        (HEAD.replace(b"C420", b"C411") + FRAME, UnsupportedError, "YUV4MPEG2 with C411 is not supported: use C420"),
        (HEAD.replace(b"W4", b"W999999999").replace(b"H2", b"H999999999"), LimitError, "Limits.pixels"),
        (
            HEAD.replace(b"C420", b"C420p10") + b"FRAME\n" + b"\xff" * 24,
            BitstreamError,
            "a sample of 65535 does not fit 10 bits",
        ),
    ],
)
def test_y4m_that_is_none(data, error, says):
    with pytest.raises(error, match=says):
        clips.load(data)


@given(data=st.data())
def test_damaged_y4m_is_an_error_or_a_clip(data):
    whole = bytearray(y4m(clip(2, 8, 8)))
    for _ in range(3):
        whole[data.draw(st.integers(9, 60))] = data.draw(st.integers(0, 255))
    try:
        assert clips.load(bytes(whole), limits=Limits(pixels=1 << 20)).frames
    except CodecError:
        pass


def test_other_formats_need_pyav(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingPackageError, match=r"pip install codec\[video\]"):
        clips.load(b"anything")


def remuxed(made, format="matroska", encoder="ffv1", pix_fmt=None, **fields):
    av = pytest.importorskip("av", reason="PyAV is not installed: clips other than .y4m are not read")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as container:
        stream = container.add_stream(encoder, rate=made.fps)
        stream.width, stream.height, stream.pix_fmt = made.width, made.height, pix_fmt or format_of(made)
        for name, value in fields.items():
            setattr(stream.codec_context, name, value)
        for planes in made.frames:
            frame = av.VideoFrame(made.width, made.height, format_of(made))
            for plane, target in zip(planes, frame.planes):
                rows = np.frombuffer(target, plane.dtype).reshape(-1, target.line_size // plane.itemsize)
                rows[: plane.shape[0], : plane.shape[1]] = plane
            container.mux(stream.encode(frame.reformat(format=pix_fmt) if pix_fmt else frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "chroma, depth", [("4:0:0", 8), ("4:2:0", 8), ("4:2:2", 8), ("4:4:4", 8), ("4:2:0", 10), ("4:4:4", 16)]
)
def test_clips_through_pyav(chroma, depth):
    made = clip(3, 18, 26, chroma, depth)
    assert equal(clips.load(remuxed(made, color_range=1)), made)
    assert len(clips.load(remuxed(made), frames=2).frames) == 2


def test_matrix_and_range_through_pyav():
    made = dataclasses.replace(clip(2), matrix="BT.709", full_range=True)
    assert equal(clips.load(remuxed(made, colorspace=1, color_range=2)), made)


def test_formats_without_planes_are_converted_with_a_warning():
    made = clip(2, chroma="4:4:4")
    made = dataclasses.replace(
        made, frames=tuple((y, np.full_like(y, 128), np.full_like(y, 128)) for y, _, _ in made.frames)
    )
    found = clips.load(remuxed(made, pix_fmt="bgr0"))
    assert found.chroma == "4:4:4" and found.warnings == ("its format bgr0 was converted to 8-bit 4:4:4",)
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(made.frames[0], found.frames[0])) < 3


def test_what_no_clip_is():
    pytest.importorskip("av", reason="PyAV is not installed")
    with pytest.raises(BitstreamError, match="FFmpeg cannot read this clip"):
        clips.load(b"no video at all, but text" * 10)
    with pytest.raises(LimitError, match="Limits.pixels"):
        clips.load(remuxed(clip(2)), limits=Limits(pixels=100))


def test_frames_that_take_too_much_memory(monkeypatch):
    monkeypatch.setattr(clips, "FRAMES_BYTES", 3000)
    with pytest.raises(LimitError, match="read fewer of them"):
        clips.load(remuxed(clip(2)))


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 10])
def test_colours_are_those_that_were_meant(matrix, full, depth):
    """From RGB to Y'CbCr by the definition of H.273, in exact arithmetic, and back by `Video.pictures`."""
    rng = np.random.default_rng(1)
    rgb = rng.random((6, 10, 3))
    kr, kb = MATRICES[matrix]
    y = kr * rgb[..., 0] + (1 - kr - kb) * rgb[..., 1] + kb * rgb[..., 2]
    cb, cr = (rgb[..., 2] - y) / (2 * (1 - kb)), (rgb[..., 0] - y) / (2 * (1 - kr))
    unit, top = 1 << (depth - 8), (1 << depth) - 1
    coded = (
        [top * y, top * cb + 128 * unit, top * cr + 128 * unit]
        if full
        else [unit * (219 * y + 16), *(unit * (224 * c + 128) for c in (cb, cr))]
    )
    planes = tuple(plane.round().clip(0, top).astype(np.uint8 if depth == 8 else np.uint16) for plane in coded)
    (shown,) = Video((planes,), "4:4:4", Fraction(1), depth, matrix, full).pictures()
    assert shown.dtype == planes[0].dtype
    assert (
        np.abs(shown / (255 if depth == 8 else 65535) - rgb).max() < 2.2 / 255 / unit
    )  # half a level of luma, of chroma times at most 1.88 x 255 / 224, and of the result


def test_chroma_is_repeated_and_cut_at_odd_sides():
    planes = np.full((3, 5), 128, np.uint8), np.array([[100, 128, 200]] * 2, np.uint8), np.full((2, 3), 128, np.uint8)
    (shown,) = Video((planes,), "4:2:0", Fraction(1)).pictures()
    assert (
        shown.shape == (3, 5, 3)
        and (shown[:, 0] == shown[:, 1]).all()
        and (shown[:, 2] == shown[:, 3]).all()
        and shown[0, 4, 2] > shown[0, 3, 2]
    )


def test_luma_and_gray():
    made = clip(2, chroma="4:0:0")
    assert [np.array_equal(a, b[0]) for a, b in zip(made.luma(), made.frames)] == [True, True]
    deep = Video(((np.array([[0, 512, 1023]], np.uint16),),), "4:0:0", Fraction(1), 10)
    assert next(deep.luma()).tolist() == [[0, 32800, 65535]]
    assert next(Video(((np.array([[16, 235]], np.uint8),),), "4:0:0", Fraction(1)).pictures()).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"frames": ()}, "a video without frames"),
        ({"chroma": "4:2:2"}, "frame 0 has planes"),
        ({"depth": 10}, "of uint8, not .* of uint16"),
        ({"fps": Fraction(0)}, "0 frames per second"),
        ({"matrix": "SMPTE"}, "matrix SMPTE"),
        ({"depth": 7}, "7 bits"),
    ],
)
def test_videos_that_are_none(change, says):
    with pytest.raises(ParameterError, match=says):
        dataclasses.replace(clip(2), **change)
