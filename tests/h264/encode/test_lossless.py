"""Lossless coding: decoders show exactly the frames that were given."""

import numpy as np
import pytest
from made_clips import CONTENT, by_ffmpeg, encoded, moving

import codec
from codec.h264.encode.settings import PRESETS, TUNES
from codec.h264.stream.nal import split_byte_stream
from codec.h264.stream.parameter_sets import read_sps

KINDS = ("RGB", "4:4:4", "4:2:0", "4:0:0")


def frames_of(kind, rgb):
    if kind == "RGB":
        return list(rgb)
    if kind == "4:0:0":
        return [np.ascontiguousarray(frame[..., 0]) for frame in rgb]
    return [codec.Frame.from_rgb(frame, chroma=kind) for frame in rgb]


def planes_of(frame):
    """As they are coded: G, B and R of an array."""
    if isinstance(frame, codec.Frame):
        return frame.planes
    return (frame,) if frame.ndim == 2 else tuple(frame[..., i] for i in (1, 2, 0))


def assert_lossless(data, frames):
    """In our decoder and in FFmpeg; an odd column or row of 4:2:0 is shown twice."""
    wanted = [planes_of(frame) for frame in frames]
    for shown in ([frame.planes for frame in codec.decode_video(data, monochrome="4:0:0")], by_ffmpeg(data)):
        assert len(shown) == len(wanted)
        for number, (one, found) in enumerate(zip(wanted, shown)):
            for a, b in zip(one, found, strict=False):
                np.testing.assert_array_equal(b[: a.shape[0], : a.shape[1]], a, err_msg=f"frame {number}")


@pytest.mark.parametrize("preset", ["ultrafast", "superfast", "medium", "slow"])
@pytest.mark.parametrize("content", CONTENT)
@pytest.mark.parametrize("kind", KINDS)
def test_decoders_show_what_was_given(kind, content, preset):
    """CAVLC and CABAC; all types of pictures and macroblocks, I_PCM among them."""
    frames = frames_of(kind, CONTENT[content](50, 38, 4))
    data, _, pictures = encoded(frames, qp=None, preset=preset, lossless=True)
    assert_lossless(data, frames)
    assert {picture.qp for picture in pictures} == {0}


@pytest.mark.parametrize("case", range(8))
def test_random_settings(case):
    rng = np.random.default_rng(case)
    width, height, count = (int(n) for n in (rng.integers(1, 90), rng.integers(1, 70), rng.integers(1, 12)))
    rgb = CONTENT[str(rng.choice(list(CONTENT)))](width, height, count, seed=case)
    frames = frames_of(KINDS[case % 4], rgb)
    settings = {
        "preset": str(rng.choice(list(PRESETS))), "tune": [None, *TUNES][int(rng.integers(len(TUNES) + 1))],
        "keyint": int(rng.integers(1, 12)), "threads": int(rng.integers(1, 4)), "open_gop": bool(rng.integers(2)),
        "slices": int(rng.integers(1, 1 + -(-height // 16))),
        "slice_max_bytes": [None, int(rng.integers(1500, 4000))][int(rng.integers(2))],
    }  # fmt: skip
    data, _, _ = encoded(frames, qp=None, lossless=True, **settings)
    assert_lossless(data, frames)


def test_rgb_and_gray_come_back_as_arrays():
    for frames in (CONTENT["noise"](33, 21, 3), CONTENT["noise"](33, 21, 3)[..., 0]):
        decoded = list(codec.decode_video(codec.encode_video(frames, fps=25, lossless=True), monochrome="4:0:0"))
        for given, frame in zip(frames, decoded, strict=True):
            np.testing.assert_array_equal(frame.to_rgb(), given)
    rgb = codec.decode_video(codec.encode_video(moving(33, 21, 1), fps=25, lossless=True))
    assert [(frame.matrix, frame.full_range, frame.chroma, frame.width) for frame in rgb] == [
        ("GBR", True, "4:4:4", 33)
    ]


def lines(axis):
    """Noise that repeats along one axis but for a slow drift: neighbouring differences are small one way alone."""
    rng = np.random.default_rng(2)
    profile, drift = rng.integers(60, 190, 64), np.arange(64)
    picture = np.add.outer(profile, drift) if axis else np.add.outer(drift, profile)
    return picture.astype(np.uint8)[None]


@pytest.mark.parametrize("axis, mode", [(0, 0), (1, 1)])
@pytest.mark.parametrize("preset", ["superfast", "medium"])
def test_samples_are_predicted_from_those_beside_them(preset, axis, mode):
    """8.3.5.1: down a column or across a row all differences are 1, so that most of a block is one level repeated."""
    frames = lines(axis)
    video = codec.h264.encode_frames(frames, fps=25, preset=preset, lossless=True, side_data=True)
    assert_lossless(video.data, list(frames))
    assert len(video.data) < 64 * 64 / 2.5  # without it the residual of a block is a ramp


def test_size_is_that_of_the_entropy_at_most():
    """Noise costs what its samples cost: I_PCM macroblocks."""
    noise = CONTENT["noise"](64, 64, 2)
    data = codec.encode_video(noise, fps=25, lossless=True)
    assert len(data) < noise.size * 1.01 + 200


def test_profile_and_parameter_sets():
    for kind, chroma_format_idc in zip(KINDS, (3, 3, 1, 0)):
        data, _, _ = encoded(frames_of(kind, moving(35, 19, 1)), qp=None, lossless=True)
        sps = next(read_sps(nal) for nal in split_byte_stream(data) if nal.nal_unit_type == 7)
        assert (sps.profile_name, sps.chroma_format_idc) == ("High 4:4:4 Predictive", chroma_format_idc)
        assert sps.qpprime_y_zero_transform_bypass_flag == 1
        assert (sps.width, sps.height) == ((36, 20) if kind == "4:2:0" else (35, 19))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_side_data_are_those_of_the_decoder(kind, preset):
    frames = frames_of(kind, moving(48, 48, 4))
    video = codec.h264.encode_frames(frames, fps=25, preset=preset, lossless=True, side_data=True, metrics="psnr")
    decoded = list(codec.decode_video(video.data, side_data=True))
    for picture in video:
        for name, found in picture.side_data.items():
            np.testing.assert_array_equal(found, decoded[picture.number].side_data[name], err_msg=name)
    assert set(video.psnr) == {np.inf}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"qp": 0}, "qp and lossless contradict"),
        ({"crf": 20}, "crf and lossless contradict"),
        ({"bitrate": 90000}, "bitrate and lossless contradict"),
        ({"target": "ssim:0.9"}, "target and lossless contradict"),
        ({"vbv_maxrate": 90000, "vbv_bufsize": 90000}, "vbv_maxrate and vbv_bufsize and lossless contradict"),
        ({"level": "4"}, "level and lossless contradict"),
        ({"scaling_matrix": "jvt"}, "lossless and scaling_matrix contradict"),
        ({"slice_max_bytes": 1400}, "slice_max_bytes is 1400; one macroblock may take 1500"),
    ],
)
def test_contradictions(change, words):
    with pytest.raises(codec.ParameterError, match=words):
        codec.encode_video(moving(16, 16, 1), fps=25, lossless=True, **change)


@pytest.mark.parametrize("chroma, depth", [("4:2:2", 8), ("4:2:0", 10)])
def test_other_formats_are_refused(chroma, depth):
    frame = codec.Frame.from_rgb(moving(16, 16, 1)[0], chroma=chroma)
    if depth > 8:
        frame = codec.Frame(tuple(plane.astype(np.uint16) << 2 for plane in frame.planes), chroma, depth)
    with pytest.raises(codec.UnsupportedError, match=f"frame 0 has {chroma} and {depth} bits; without loss"):
        codec.encode_video([frame], fps=25, lossless=True)


def test_rgb_clips_stay_rgb(tmp_path):
    """Also those that were coded without loss before: FFmpeg decodes them as planes of G, B, R."""
    pytest.importorskip("av")
    frames = list(moving(64, 48, 3))
    codec.write_video(tmp_path / "a.mkv", frames, fps=25, lossless=True)
    codec.write_video(tmp_path / "b.mkv", tmp_path / "a.mkv", lossless=True)
    shown = [frame.to_rgb() for frame in codec.decode_video(tmp_path / "b.mkv")]
    assert all(np.array_equal(one, other) for one, other in zip(shown, frames)) and len(shown) == 3


def test_clips_that_would_be_converted_are_refused():
    av = pytest.importorskip("av")
    from codec.errors import UnsupportedError
    from codec.sources.planar import read_frame

    for format in ("bgra", "gbrp10le", "yuva420p"):
        frame = av.VideoFrame.from_ndarray(moving(64, 48, 1)[0], format="rgb24").reformat(format=format)
        with pytest.raises(UnsupportedError, match="would be converted, which loses something"):
            read_frame(frame, "ffv1", exact=True)
