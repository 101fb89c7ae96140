"""Side data: the encoder says of its pictures what a decoder reads from the stream; drawings of it."""

from itertools import islice

import numpy as np
import pytest

import codec
from codec.h264 import MB_TYPES, mb_types, overlay
from codec.h264.xray import partitions


def clip(count=9, width=96, height=80):
    """Texture that moves, a block that moves otherwise, and a picture of noise."""
    rng = np.random.default_rng(4)
    wide = np.kron(rng.integers(0, 256, (height // 4 + 20, width // 4 + 20)), np.ones((4, 4)))
    wide = sum(np.roll(wide, shift, 1) for shift in range(4)) / 4
    frames = np.stack([wide[i : i + height, 2 * i : 2 * i + width] for i in range(count)])
    for i in range(count):
        frames[i, 20:50, 3 * i + 10 : 3 * i + 40] = rng.integers(0, 256, (30, 30)) if i == 5 else wide[40:70, 5:35]
    return frames.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium", "slower"])
@pytest.mark.parametrize("qp", [10, 34])
def test_the_encoder_says_what_the_decoder_reads(preset, qp):
    video = codec.h264.encode_frames(clip(), fps=25, qp=qp, preset=preset, keyint=8, side_data=True)
    decoded = list(codec.decode_video(video.data, side_data=True))
    for picture in video:
        ours, theirs = picture.side_data, decoded[picture.number].side_data
        assert set(ours) == set(theirs)
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=f"{name} of frame {picture.number}")


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_bits_of_macroblocks_add_up_to_the_slice(preset):
    for picture in codec.h264.encode_frames(clip(), fps=25, qp=24, preset=preset, side_data=True):
        bits, slice_bits = picture.side_data["bits"], int(picture.side_data["slice_bits"][0])
        assert bits.min() >= 0
        assert 0 <= slice_bits - int(bits.sum()) < 120 + slice_bits // 100  # header, end, emulation prevention


def test_what_costs_bits():
    frames = np.full((3, 64, 64), 90, np.uint8)
    frames[1:, 16:32, 32:48] = np.random.default_rng(1).integers(0, 256, (16, 16))
    picture = next(
        one for one in codec.h264.encode_frames(frames, fps=25, preset="ultrafast", side_data=True) if one.number
    )
    share = picture.side_data["bits"] / picture.side_data["bits"].sum()
    assert share[1, 2] > 0.9 and MB_TYPES[mb_types(picture.side_data)[0, 0]] == "P_Skip"


@pytest.mark.parametrize(
    "name", ["BA1_Sony_D", "CABAST3_Sony_E", "CI1_FT_B", "CVPCMNL1_SVA_C", "CVSEFDFT3_Sony_E", "HCAMFF1_HHI_B"]
)
def test_data_of_streams_of_others(streams, name):
    """Frames, fields, pairs, I_PCM: every macroblock has a type, and bits that add up to those of the slices."""
    for frame in islice(codec.decode_video(streams[name][1], side_data=True), 6):
        side = frame.side_data
        assert (mb_types(side) > 0).all() and side["part"].max() <= 3 and side["sub_part"].max() <= 4
        total = int(side["slice_bits"].sum())
        assert side["bits"].min() >= 0
        assert 0 <= total - int(side["bits"].sum()) < 300 * len(side["slice_bits"]) + total // 50


def test_partitions_cover_the_picture_once_and_vectors_point_at_their_reference():
    video = codec.h264.encode_frames(clip(), fps=25, qp=20, preset="slower", side_data=True)
    seen = set()
    for picture in video:
        cover = np.zeros((80, 96), int)
        for x, y, width, height, vectors in partitions(picture.side_data):
            cover[y : y + height, x : x + width] += 1
            seen.add((width, height))
            assert len(vectors) <= 2 and (picture.type == "B" or all(one[0] == 0 for one in vectors))
        assert (cover == 1).all()
    assert {(16, 16), (16, 8), (8, 16), (8, 8)} <= seen


def test_the_overlay_marks_types_and_vectors():
    frames = list(codec.decode_video(codec.encode_video(clip(), fps=25, qp=24), side_data=True))
    first = overlay(frames[0], "type", scale=3)
    assert first.shape == (240, 288, 3) and first.dtype == np.uint8
    assert (first[..., 0].astype(int) > first[..., 2]).mean() > 0.9  # intra is red
    for show in ("bits", "qp", "mv", ("type", "mv")):
        shown = overlay(frames[4], show, scale=1)
        assert shown.shape == (80, 96, 3)
        if show == "mv":
            assert (shown == 255).all(2).any()


@pytest.mark.parametrize(
    "frame, options, words",
    [
        (None, {}, "no side data"),
        (0, {"show": "modes"}, "'modes' cannot be shown; there are type, bits"),
        (0, {"scale": 0}, "scale is 0"),
    ],
)
def test_wrong_calls(frame, options, words):
    (found,) = codec.decode_video(codec.encode_video(clip(1), fps=25), side_data=frame is not None)
    with pytest.raises(codec.ParameterError, match=words):
        overlay(found, **options)


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_samples_without_compression(preset):
    """I_PCM: 3072 bits of samples in 4:2:0, and the alignment."""
    noise = np.random.default_rng(2).integers(0, 256, (2, 48, 48, 3)).astype(np.uint8)
    video = codec.h264.encode_frames(noise, fps=25, qp=0, preset=preset, side_data=True)
    decoded = list(codec.decode_video(video.data, side_data=True))
    for picture in video:
        types, theirs = mb_types(picture.side_data), decoded[picture.number].side_data
        pcm = picture.side_data["bits"][types == MB_TYPES.index("I_PCM")]
        assert pcm.size and 3072 <= pcm.min() and pcm.max() < 3072 + 60
        assert np.array_equal(picture.side_data["bits"], theirs["bits"])
