"""What `encode_video` takes, and what it says about what it does not take."""

import io

import numpy as np
import pytest
from made_clips import moving
from PIL import Image

import codec

FRAMES = moving(20, 18, 3)


def planes(data):
    return [[plane.tolist() for plane in frame.planes] for frame in codec.decode_video(data)]


def test_all_kinds_of_sources_are_the_same(tmp_path):
    frames = [codec.Frame.from_rgb(frame) for frame in FRAMES]
    head = b"YUV4MPEG2 W20 H18 F25:1 C420\n"
    y4m = head + b"".join(b"FRAME\n" + b"".join(p.tobytes() for p in frame.planes) for frame in frames)
    path = tmp_path / "clip.y4m"
    path.write_bytes(y4m)
    wanted = codec.encode_video(FRAMES, fps=25)
    for source in (list(FRAMES), iter(FRAMES), frames, (frame for frame in frames), y4m, str(path), path):
        assert codec.encode_video(source, fps=25) == wanted


@pytest.mark.parametrize("chroma, depth, tag", [("4:2:0", 10, "420p10"), ("4:2:2", 8, "422"), ("4:4:4", 8, "444")])
def test_clips_of_more_are_converted_with_a_warning(chroma, depth, tag):
    """Frames that callers make are refused instead: they can convert them as they want."""
    dtype = np.uint8 if depth == 8 else np.dtype("<u2")
    frames = [codec.Frame.from_rgb(frame, chroma=chroma) for frame in FRAMES]
    made = [tuple(plane.astype(dtype) << depth - 8 for plane in frame.planes) for frame in frames]
    y4m = f"YUV4MPEG2 W20 H18 F25:1 C{tag}\n".encode()
    y4m += b"".join(b"FRAME\n" + b"".join(plane.tobytes() for plane in planes) for planes in made)
    video = codec.h264.encode_frames(y4m, qp=10, reconstruction=True)
    assert any("reduced to 8" in text or "converted to 4:2:0" in text for text in video.warnings)
    for picture, given in zip(sorted(video, key=lambda picture: picture.number), frames):
        apart = picture.reconstruction.planes[0].astype(int) - given.planes[0]
        assert np.abs(apart).mean() < 1
    with pytest.raises(codec.UnsupportedError, match="convert it first"):
        codec.encode_video([codec.Frame(planes, chroma, depth, "BT.601", False) for planes in made], fps=25)


def test_files_and_frames_of_pyav_are_sources(tmp_path):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    data = codec.encode_video(FRAMES, fps=25, qp=10)
    with av.open(io.BytesIO(data)) as container:
        shown = [codec.Frame(tuple(map(np.array, frame.planes)), "4:2:0") for frame in codec.decode_video(data)]
        assert codec.encode_video(container.decode(video=0), fps=25) == codec.encode_video(shown, fps=25)
    assert codec.encode_video(io.BytesIO(data), fps=25) == codec.encode_video(data, fps=25)
    rgb = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in FRAMES]
    assert codec.encode_video(rgb, fps=25) == codec.encode_video(FRAMES, fps=25)
    with pytest.raises(codec.UnsupportedError, match="reformat it"):
        codec.encode_video([av.VideoFrame(16, 16, "rgba")], fps=25)


def test_pictures_with_a_palette_are_their_colours():
    pictures = [Image.fromarray(frame) for frame in FRAMES]
    flat = [Image.new("P", (16, 16), 3)]
    flat[0].putpalette([0, 0, 0] * 3 + [255, 0, 0])
    assert codec.encode_video(pictures, fps=25) == codec.encode_video(FRAMES, fps=25)
    (frame,) = codec.decode_video(codec.encode_video(flat, fps=25, qp=4))
    assert np.abs(frame.to_rgb().astype(int) - [255, 0, 0]).max() < 6


def test_gbr_has_no_subsampled_planes():
    planes = [np.zeros(shape, np.uint8) for shape in ((16, 16), (8, 8), (8, 8))]
    with pytest.raises(codec.UnsupportedError, match="GBR in 4:2:0"):
        codec.encode_video([codec.Frame(planes, "4:2:0", 8, "GBR", True)], fps=25)


def test_gray_arrays_are_monochrome():
    (frame, *_) = codec.decode_video(codec.encode_video(FRAMES[..., 0], fps=25), monochrome="4:0:0")
    assert frame.chroma == "4:0:0" and (frame.width, frame.height) == (20, 18)


def test_one_frame_is_a_video():
    assert len(planes(codec.encode_video(FRAMES[:1], fps=1))) == 1


def test_crf_is_accepted():
    assert len(planes(codec.encode_video(FRAMES, fps=25, crf=23.5))) == 3


def test_numbers_of_numpy_are_numbers():
    for plain, scalar in (
        ({"fps": 25, "qp": 30, "keyint": 2}, {"fps": np.int64(25), "qp": np.uint8(30), "keyint": np.int32(2)}),
        ({"fps": 12.5, "crf": 30.5}, {"fps": np.float32(12.5), "crf": np.float32(30.5)}),
        (
            {"fps": 25, "bitrate": 90000, "vbv_maxrate": 120000, "vbv_bufsize": 90000.0},
            {"fps": 25, "bitrate": np.int32(90000), "vbv_maxrate": np.int32(120000), "vbv_bufsize": np.float64(90000)},
        ),
    ):
        assert codec.encode_video(FRAMES, **plain) == codec.encode_video(FRAMES, **scalar)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"fps": 0}, "fps is 0"),
        ({"fps": -1}, "fps is -1"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"fps": "x"}, "fps is 'x'"),
        ({"fps": None}, "fps is None"),
        ({"fps": True}, "fps is True"),
        ({"crf": np.bool_(True)}, "crf is "),
        ({"qp": 20, "crf": 23}, "contradict"),
        ({"qp": 52}, "qp is 52"),
        ({"qp": -1}, "qp is -1"),
        ({"qp": 20.5}, "integer"),
        ({"crf": 60}, "crf is 60"),
        ({"preset": "fastest"}, "preset is 'fastest'; it must be one of ultrafast"),
        ({"tune": "grain"}, "tune is 'grain'; it must be one of"),
        ({"tune": "film,grain"}, "tune is 'grain'; it must be one of"),
        ({"tune": ""}, "tune is ''; it must be one of"),
        ({"tune": "zerolatency,film,psnr"}, "zerolatency and fastdecode go together with one of the others alone"),
        ({"bitrate": "800k"}, "bitrate is '800k'; it must be a number of bits per second, 1000 to 800000000: 800000$"),
        ({"bitrate": "fast"}, "bitrate is 'fast'; it must be a number of bits per second, 1000 to 800000000$"),
        ({"vbv_maxrate": "2.5M", "vbv_bufsize": "1M"}, "vbv_maxrate is '2.5M'; .* 800000000: 2500000$"),
        ({"keyint": 0}, "keyint is 0"),
        ({"threads": -1}, "threads is -1"),
    ],
)
def test_wrong_options(change, words):
    with pytest.raises(codec.ParameterError, match=words.replace("(", r"\(")):
        codec.encode_video(FRAMES, **{"fps": 25, **change})


@pytest.mark.parametrize(
    "frames, words",
    [
        ([], "no frames"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no frames"),
        (np.zeros((8, 8), np.uint8), r"\(N, H, W, 3\)"),
        (FRAMES[0], r"shape \(18, 20, 3\) is one RGB frame, .* pass \[array\] for one frame"),
        ([FRAMES[0], FRAMES[1, :16]], "frame 1 is 20x16 .* frame 0 20x18"),
        ([FRAMES[0], FRAMES[1, :, :, 0]], "frame 1 is 20x18 4:0:0"),
        ([FRAMES[0], FRAMES[1].astype(np.float32)], "frame 1 has shape .* float32"),
        ([FRAMES[0], FRAMES[1].astype(np.uint16)], "frame 1 has shape .* uint16"),
        ([np.zeros((0, 8, 3), np.uint8)], "frame 0 has shape"),
        (7, "int"),
        ([codec.Frame.from_rgb(FRAMES[0], chroma="4:4:4")], "frame 0 has 4:4:4"),
    ],
)
def test_wrong_frames(frames, words):
    with pytest.raises(codec.CodecError, match=words):
        codec.encode_video(frames, fps=25)


def test_an_error_of_the_source_passes():
    def frames():
        yield FRAMES[0]
        raise KeyError("camera")

    with pytest.raises(KeyError, match="camera"):
        codec.encode_video(frames(), fps=25)


def test_too_large_for_any_level():
    frame = codec.Frame((np.zeros((16, 16 * 1100), np.uint8),), chroma="4:0:0")
    with pytest.raises(codec.CodecError, match="level 6.2"):
        codec.encode_video([frame], fps=25)
