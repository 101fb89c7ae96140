"""Frames of FFmpeg: their samples as they are, RGB with the matrix that the clip is said to have, alpha on white."""

import io
from fractions import Fraction

import numpy as np
import pytest

from codec.sources import clips
from codec.sources.streaming import stream

av = pytest.importorskip("av")
RED, GREEN = (200, 30, 40), (20, 180, 60)


def halves(height, *, alpha=None):
    pixels = np.empty((height, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = RED, GREEN
    return pixels if alpha is None else np.dstack([pixels, np.broadcast_to(alpha, (height, 64)).astype(np.uint8)])


def container(pixels, format, *, encoder="ffv1", count=2):
    """A clip of equal frames; the array is reordered where its own format is another one."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        video = output.add_stream(encoder, rate=25)
        video.height, video.width = pixels.shape[:2]
        video.pix_fmt = format
        given = {2: "gray", 3: "rgb24", 4: "rgba"}[2 if pixels.ndim == 2 else pixels.shape[2]]
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(pixels, format=given).reformat(format=format)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return file.getvalue()


def first_of(data):
    """(the first frame by `clips.load`, warnings), the same as by `stream`."""
    clip, opened = clips.load(data), stream(data)
    frame = next(opened.frames)
    opened.close()
    assert all(np.array_equal(one, other) for one, other in zip(frame.planes, clip.frames[0]))
    assert (frame.matrix, frame.full_range) == (clip.matrix, clip.full_range)
    assert opened.warnings == clip.warnings
    return next(clip.pictures()), clip.warnings


@pytest.mark.parametrize("format", ["bgr0", "gbrp10le"])
@pytest.mark.parametrize("height", [64, 720])
def test_rgb_keeps_its_colours_at_every_size(format, height):
    """A clip of 720 rows and more has BT.709, into which its RGB must be converted too."""
    shown, warnings = first_of(container(halves(height), format))
    assert np.abs(shown.astype(int) - halves(height)).max() <= 2
    assert warnings == (f"its format {format} was converted to 8-bit 4:4:4",)


@pytest.mark.parametrize(("format", "apart"), [("bgra", 1), ("yuva444p", 4)])
def test_transparent_pixels_are_laid_on_white(format, apart):
    alpha = np.repeat([0, 128, 255], [16, 16, 32])
    shown, warnings = first_of(container(halves(64, alpha=alpha), format))
    red, green = np.array(RED), np.array(GREEN)
    wanted = [np.full(3, 255), np.round(red * 128 / 255 + 127), green]
    assert np.abs(shown[0, [4, 20, 50]].astype(int) - wanted).max() <= apart
    assert "its alpha is left out: transparent pixels, if it has any, are laid on white" in warnings


def test_opaque_frames_with_alpha_keep_their_samples():
    plain = clips.load(container(halves(64), "yuv420p"))
    found = clips.load(container(halves(64, alpha=255), "yuva420p"))
    assert found.chroma == "4:2:0"
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(found.frames[0], plain.frames[0]))


@pytest.mark.parametrize(
    ("format", "chroma", "depth"),
    [("nv12", "4:2:0", 8), ("uyvy422", "4:2:2", 8), ("p010le", "4:2:0", 10), ("yuv422p10le", "4:2:2", 10)],
)
def test_other_orders_of_the_same_samples_are_no_conversion(format, chroma, depth):
    from codec.sources.planar import read_frame

    frame = av.VideoFrame.from_ndarray(halves(64), format="rgb24").reformat(format=format)
    planes, kind, warnings = read_frame(frame, "rawvideo")
    assert (kind.chroma, kind.depth, warnings) == (chroma, depth, [])
    packed = np.frombuffer(frame.planes[0], np.uint16 if format == "p010le" else np.uint8)
    if format in ("nv12", "p010le"):
        luma = packed.reshape(64, -1)[:, :64]
        assert np.array_equal(planes[0], luma >> 6 if depth == 10 else luma)
    elif format == "uyvy422":
        assert np.array_equal(planes[0], packed.reshape(64, -1)[:, 1:128:2])


def test_gray_without_a_range_is_shown_as_ffmpeg_shows_it():
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    shown, warnings = first_of(container(ramp, "gray"))
    assert np.array_equal(shown, ramp) and warnings == ()


@pytest.mark.parametrize("number, name", [(4, "FCC"), (7, "SMPTE 240M"), (8, "YCgCo"), (10, "BT.601"), (14, "BT.601")])
def test_matrices_are_read_or_said_to_be_guessed(number, name):
    """A matrix that is not known changes colours."""
    from codec.sources.planar import read_frame

    frame = av.VideoFrame.from_ndarray(halves(64), format="rgb24").reformat(format="yuv420p")
    frame.colorspace = number
    _, kind, warnings = read_frame(frame, "rawvideo")
    assert kind.matrix == name and bool(warnings) == (number in (10, 14))
    assert all(f"matrix_coefficients {number}" in text for text in warnings)
