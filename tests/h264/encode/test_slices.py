"""Pictures of several slices: nothing is predicted across them, and they are filtered as one picture."""

import numpy as np
import pytest
from made_clips import CONTENT, assert_decodes_to, encoded, moving

import codec
from codec.h264.encode.parameters import level_of
from codec.h264.stream.nal import START_CODE, split_byte_stream


def slices_of(picture):
    """The slice NAL units of an access unit, as bytes."""
    return [nal.data for nal in split_byte_stream(picture.data) if nal.nal_unit_type in (1, 5)]


@pytest.mark.parametrize("preset", ["ultrafast", "superfast", "medium", "slow"])
@pytest.mark.parametrize("slices", [2, 3, 5])
def test_reconstruction_is_what_decoders_show(preset, slices):
    frames = moving(50, 80, 6)
    data, planes, pictures = encoded(frames, preset=preset, qp=26, slices=slices, threads=2)
    assert all(len(slices_of(one)) == slices for one in pictures)
    assert_decodes_to(data, planes, 50, 80)


@pytest.mark.parametrize("content", CONTENT)
@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_every_row_may_be_a_slice(content, preset):
    """Runs of skipped macroblocks, I_PCM and QP end with each slice."""
    frames = CONTENT[content](34, 64, 5)
    data, planes, pictures = encoded(frames, preset=preset, qp=12, slices=4)
    assert_decodes_to(data, planes, 34, 64)
    crf, planes, _ = encoded(frames, preset=preset, crf=25, slices=4)
    assert_decodes_to(crf, planes, 34, 64)


def test_rows_are_shared_out_evenly():
    data, _, _ = encoded(moving(32, 112, 2), slices=3)
    for frame in codec.decode_video(data, side_data=True):
        assert frame.side_data["slice"][:, 0].tolist() == [0, 0, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_side_data_are_those_of_the_decoder(preset):
    video = codec.h264.encode_frames(moving(48, 64, 5), fps=25, qp=24, preset=preset, slices=3, side_data=True)
    decoded = list(codec.decode_video(video.data, side_data=True))
    for picture in video:
        for name, found in picture.side_data.items():
            np.testing.assert_array_equal(found, decoded[picture.number].side_data[name], err_msg=name)


def test_the_same_bytes_for_any_number_of_threads():
    frames = moving(48, 96, 9)
    settings = {"slices": 4, "bitrate": 200_000, "vbv": (220_000, 100_000), "keyint": 5}
    data, planes, _ = encoded(frames, **settings)
    assert_decodes_to(data, planes, 48, 96)
    assert all(encoded(frames, threads=threads, **settings)[0] == data for threads in (2, 4))


def test_pictures_that_are_coded_again_have_slices_too():
    frames = CONTENT["noise"](64, 64, 6)
    data, planes, pictures = encoded(frames, qp=10, vbv=(600_000, 60_000), slices=4)
    assert_decodes_to(data, planes, 64, 64)
    assert max(one.qp for one in pictures) > 15


def test_a_slice_that_is_lost_leaves_the_others():
    data, planes, pictures = encoded(moving(48, 96, 1), slices=3, tune="fastdecode")
    (first,) = pictures
    lost = slices_of(first)[1]
    (frame,) = codec.decode_video(data.replace(START_CODE + lost, b""), on_error="conceal")
    shown = planes[0][0]
    np.testing.assert_array_equal(frame.planes[0][:32], shown[:32])
    np.testing.assert_array_equal(frame.planes[0][64:], shown[64:])


def test_edges_between_slices_are_filtered():
    """disable_deblocking_filter_idc is 0, not 2: a smooth ramp has no line where a slice begins."""
    ramp = np.add.outer(np.arange(64) * 2, np.zeros(64)).astype(np.uint8)[None]
    _, planes, _ = encoded(ramp, qp=40, slices=4, preset="ultrafast")
    steps = np.abs(np.diff(planes[0][0].astype(int), axis=0)).max(axis=1)
    assert steps[[15, 31, 47]].max() <= 8


def test_level_allows_the_slices():
    """SliceRate (Table A-4): level 3.1 has 60 macroblocks a slice at its full rate."""
    assert level_of(45, 36, 25, 4, slices=36) == "3"
    assert level_of(20, 60, 90, 1, slices=20) == "3.1"
    assert level_of(20, 60, 90, 1, slices=21) == "3.2"


@pytest.mark.parametrize(
    "slices, words", [(0, "slices is 0"), (1.5, "slices is 1.5"), (4, "slices is 4, but the pictures have 3 rows")]
)
def test_impossible_numbers(slices, words):
    with pytest.raises(codec.ParameterError, match=words):
        encoded(moving(32, 40, 1), slices=slices)


# ---------------------------------------------------------------- slices of a size


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slow"])
@pytest.mark.parametrize("content", CONTENT)
@pytest.mark.parametrize("slices", [1, 3])
def test_no_slice_is_longer_than_asked_for(preset, content, slices):
    """Slices begin and end within rows; none but the last of each part could take a macroblock more."""
    frames = CONTENT[content](82, 64, 4)
    data, planes, pictures = encoded(frames, preset=preset, qp=8, slices=slices, slice_max_bytes=1000, threads=2)
    assert_decodes_to(data, planes, 82, 64)
    sizes = [[len(one) for one in slices_of(picture)] for picture in pictures]
    assert max(map(max, sizes)) <= 1000
    if content == "noise":
        assert all(len(one) > 6 for one in sizes) and np.mean([size for one in sizes for size in one]) > 550


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_zeros_that_need_emulation_prevention_count(preset):
    """Samples of I_PCM that are 0 take three bytes for two (7.4.1)."""
    rng = np.random.default_rng(0)
    frames = (rng.integers(0, 2, (2, 64, 96, 3)) * rng.integers(0, 256, (2, 64, 96, 3))).astype(np.uint8)
    frames[:, :, ::4] = 0
    given = [codec.Frame.from_rgb(one, full_range=True) for one in frames]
    data, planes, pictures = encoded(given, preset=preset, qp=0, slice_max_bytes=1000)
    assert_decodes_to(data, planes, 96, 64)
    assert max(len(one) for picture in pictures for one in slices_of(picture)) <= 1000


def test_sizes_hold_when_pictures_are_coded_again_and_for_any_threads():
    frames = CONTENT["noise"](64, 64, 6)
    settings = {"qp": 10, "vbv": (600_000, 60_000), "slice_max_bytes": 1200, "keyint": 4}
    data, planes, pictures = encoded(frames, **settings)
    assert_decodes_to(data, planes, 64, 64)
    assert max(len(one) for picture in pictures for one in slices_of(picture)) <= 1200
    assert encoded(frames, threads=3, **settings)[0] == data


def test_side_data_with_slices_of_a_size():
    video = codec.h264.encode_frames(
        moving(80, 64, 4), fps=25, qp=4, preset="medium", slice_max_bytes=1000, side_data=True
    )
    decoded = list(codec.decode_video(video.data, side_data=True))
    assert max(frame.side_data["slice"].max() for frame in decoded) > 2
    for picture in video:
        for name, found in picture.side_data.items():
            np.testing.assert_array_equal(found, decoded[picture.number].side_data[name], err_msg=name)


def test_a_level_that_allows_fewer_slices_is_an_error():
    """Noise at 2000 frames a second: level 3 and above bound slices by the second."""
    with pytest.raises(codec.ParameterError, match=r"frame 0 takes \d+ slices, and level .* allows \d+"):
        encoded(CONTENT["noise"](160, 160, 1), qp=0, fps=1000, slice_max_bytes=1000)


@pytest.mark.parametrize("size", [0, 999, 1000.5, True])
def test_impossible_sizes(size):
    with pytest.raises(codec.ParameterError, match="slice_max_bytes is"):
        encoded(moving(32, 40, 1), slice_max_bytes=size)


@pytest.mark.parametrize("preset", ["medium", "slow"])
@pytest.mark.parametrize("seed", [0, 2, 4])
def test_modes_that_read_the_corner_need_it(preset, seed):
    """Where a slice begins within a row, the macroblock below its first one has neighbours above and to the left, but
    no corner between them: diagonal modes (8.3.2.2.6 to 8) and plane prediction are not allowed there. A diagonal
    texture in 8x8 blocks, which a matrix makes cheap; FFmpeg would predict it otherwise."""
    rng = np.random.default_rng(seed)
    profile, place = np.repeat(rng.integers(20, 230, 200), 2), np.subtract.outer(np.arange(96), np.arange(96)) + 96
    frames = np.clip(profile[place][None, ..., None] + rng.integers(-12, 13, (2, 96, 96, 3)), 0, 255).astype(np.uint8)
    matrix = [np.full((4, 4), 200) for _ in range(6)] + [np.full((8, 8), 100)] * 2
    matrix[0][0, 0] = 20
    limit = 1100 + 37 * seed
    data, planes, _ = encoded(frames, preset=preset, qp=12, slice_max_bytes=limit, keyint=1, scaling_matrix=matrix)
    assert_decodes_to(data, planes, 96, 96)
