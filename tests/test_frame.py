"""`Frame`: planes and colours of one picture."""

import numpy as np
import pytest

import codec
from codec.color import MATRICES
from codec.frame import as_shown, plane_shapes


def rgb(height, width, seed=1):
    """Smooth in both directions, so that subsampled chroma loses little."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(40 + 5 * x + 2 * y + 30 * c + seed) % 256 for c in range(3)], 2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
def test_rgb_comes_back(matrix, full_range, chroma):
    pixels = np.broadcast_to(np.uint8([200, 90, 30]), (6, 8, 3)) if chroma != "4:4:4" else rgb(9, 7)
    frame = codec.Frame.from_rgb(pixels, chroma=chroma, matrix=matrix, full_range=full_range)
    assert frame.chroma == chroma and [plane.shape for plane in frame.planes] == plane_shapes(*pixels.shape[:2], chroma)
    assert np.abs(frame.to_rgb().astype(int) - pixels).max() <= 3


def test_the_matrix_is_that_of_the_size_unless_said():
    assert codec.Frame.from_rgb(np.zeros((719, 2, 3), np.uint8)).matrix == "BT.601"
    assert codec.Frame.from_rgb(np.zeros((720, 2, 3), np.uint8)).matrix == "BT.709"


def test_chroma_is_the_mean_of_the_pixels_that_share_it_odd_sides_included():
    pixels = np.zeros((3, 3, 3), np.uint8)
    pixels[:2, :2] = [[[255, 0, 0], [0, 0, 255]], [[0, 255, 0], [255, 255, 255]]]
    one = codec.Frame.from_rgb(pixels, chroma="4:4:4").planes
    few = codec.Frame.from_rgb(pixels).planes
    for full, part in zip(one[1:], few[1:]):
        assert part.shape == (2, 2) and abs(int(part[0, 0]) - full[:2, :2].mean()) <= 1 and part[1, 1] == full[2, 2]


def test_gray_pictures():
    gray = np.arange(60, dtype=np.uint8).reshape(6, 10)
    frame = codec.Frame.from_rgb(gray, chroma="4:0:0")
    assert len(frame.planes) == 1 and np.abs(frame.to_rgb().astype(int) - gray).max() <= 1
    frame = codec.Frame.from_rgb(gray)
    assert (frame.planes[1] == 128).all() and np.abs(frame.to_rgb()[..., 1].astype(int) - gray).max() <= 1


def test_planes_of_yuv420():
    data = bytes(range(15)) + bytes(range(100, 112))
    frame = codec.Frame.from_yuv420(data, 5, 3)
    assert [plane.shape for plane in frame.planes] == [(3, 5), (2, 3), (2, 3)] and b"".join(
        plane.tobytes() for plane in frame.planes
    ) == data
    assert (frame.width, frame.height, frame.bit_depth) == (5, 3, 8)
    with pytest.raises(codec.ParameterError, match="27 bytes are no 4:2:0 frame of 6x3"):
        codec.Frame.from_yuv420(data, 6, 3)


def test_planes_that_are_green_blue_and_red():
    g, b, r = (np.full((2, 2), value, np.uint8) for value in (10, 20, 30))
    assert codec.Frame((g, b, r), "4:4:4", matrix="GBR", full_range=True).to_rgb()[0, 0].tolist() == [30, 10, 20]


def test_luma_and_two_differences():
    """YCgCo, H.273 (25) to (31): Y = (R + 2G + B) / 4, Cg = G / 2 - (R + B) / 4, Co = (R - B) / 2."""
    red, green, blue = 200, 100, 40
    planes = (red + 2 * green + blue) / 4, green / 2 - (red + blue) / 4 + 128, (red - blue) / 2 + 128
    frame = codec.Frame(
        tuple(np.full((2, 2), round(value), np.uint8) for value in planes), "4:4:4", matrix="YCgCo", full_range=True
    )
    assert np.abs(frame.to_rgb()[0, 0].astype(int) - [red, green, blue]).max() <= 1


def test_deep_samples_are_spread_over_16_bits():
    planes = tuple(np.full((2, 2), value, np.uint16) for value in (940, 512, 512))
    assert (codec.Frame(planes, "4:4:4", 10).to_rgb() == 65535).all()
    assert as_shown((np.array([[64]], np.uint16),), "4:0:0", 10, "BT.709", False).tolist() == [[0]]


@pytest.mark.parametrize("planes, fields, says", [
    (((4, 4), (2, 2), (2, 2)), {"chroma": "4:2:2"}, "has planes"),
    (((4, 4), (2, 2), (2, 2)), {"bit_depth": 10}, "not .* of uint16"),
    (((4, 4),), {"chroma": "4:1:1"}, "chroma 4:1:1"), (((4, 4),), {"chroma": "4:0:0", "matrix": "RGB"}, "matrix RGB"),
])  # fmt: skip
def test_frames_that_are_none(planes, fields, says):
    with pytest.raises(codec.ParameterError, match=says):
        codec.Frame(tuple(np.zeros(shape, np.uint8) for shape in planes), **fields)


def test_pictures_that_are_none():
    for wrong in (np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(codec.ParameterError, match="a picture is"):
            codec.Frame.from_rgb(wrong)
    with pytest.raises(codec.ParameterError, match="matrix one of"):
        codec.Frame.from_rgb(np.zeros((4, 4, 3), np.uint8), matrix="GBR")
