"""Scaling matrices: what the stream says of them, and what they do to the residual."""

import numpy as np
import pytest
from made_clips import assert_decodes_to, encoded, moving

import codec
from codec.h264.encode.matrices import KINDS, lists_of
from codec.h264.stream.nal import split_byte_stream
from codec.h264.stream.parameter_sets import DEFAULT_LISTS, FLAT_LISTS, coded_lists, read_sps, resolved_lists

SIDES = (4,) * 6 + (8,) * 2
FIGURE_6_8 = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15]  # raster positions, in the order of zig-zag


def made(seed, low=6, high=80):
    rng = np.random.default_rng(seed)
    found = [rng.integers(low, high, (side, side)) for side in SIDES]
    found[0][0, 0] = min(found[0][0, 0], 20)  # above it FFmpeg's code for x86 rounds DC of Intra_16x16 otherwise
    return found


def sps_of(data):
    return next(read_sps(nal) for nal in split_byte_stream(data) if nal.nal_unit_type == 7)


def coded_bytes(matrix):
    return len(encoded(moving(16, 16, 1), scaling_matrix=matrix, settings_sei=False)[0])


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium", "slow"])
@pytest.mark.parametrize("matrix", ["jvt", "made"])
@pytest.mark.parametrize("qp", [0, 20, 45])
def test_reconstruction_is_what_decoders_show(preset, matrix, qp):
    matrix = matrix if matrix == "jvt" else made(qp, 1, 256)  # all weights
    frames = moving(50, 38, 5)
    data, planes, pictures = encoded(frames, preset=preset, qp=qp, scaling_matrix=matrix)
    assert_decodes_to(data, planes, 50, 38)


def test_the_stream_has_the_lists_in_zig_zag_order():
    arrays = made(1)
    found = sps_of(encoded(moving(16, 16, 1), scaling_matrix=arrays)[0]).scaling_lists
    for one, array in zip(found[:6], arrays):
        assert list(one) == [int(array.flat[at]) for at in FIGURE_6_8]
    down = np.arange(64).reshape(8, 8).T + 1  # 8x8 begins to the right, then down to the left
    lists = lists_of([np.full((4, 4), 16)] * 6 + [down] * 2)
    assert lists[6][:6] == (1, 9, 2, 3, 10, 17) and lists[6][-1] == 64


def test_lists_are_coded_as_short_as_the_fall_back_rules_allow():
    """7.4.2.1.1: the default lists take one flag each; a list that repeats the one before too."""
    flat, jvt, same = coded_bytes("flat"), coded_bytes("jvt"), made(2)
    assert jvt - flat <= 3
    same[1] = same[2] = same[0]
    same[4] = same[5] = same[3]
    assert coded_bytes(same) < coded_bytes(made(2)) - 40
    rng = np.random.default_rng(0)
    for _ in range(50):
        lists = list(lists_of(made(int(rng.integers(1000)))))
        for i in range(8):
            change = rng.integers(4)
            lists[i] = {0: DEFAULT_LISTS[i], 1: FLAT_LISTS[i], 2: lists[i - 1] if i % 3 and i < 6 else lists[i]}.get(
                int(change), lists[i]
            )
        lists = (*lists[:8], lists[6], lists[7], lists[6], lists[7])
        assert resolved_lists(coded_lists(lists, DEFAULT_LISTS, 8), DEFAULT_LISTS) == lists


def test_a_matrix_makes_the_profile_high():
    assert sps_of(encoded(moving(16, 16, 1), preset="ultrafast")[0]).profile_idc == 66
    assert sps_of(encoded(moving(16, 16, 1), preset="ultrafast", scaling_matrix="jvt")[0]).profile_idc == 100


def test_flat_weights_are_no_matrix():
    frames, flat = moving(32, 32, 3), [np.full((side, side), 16) for side in SIDES]
    made = [encoded(frames, scaling_matrix=one, settings_sei=False)[0] for one in (flat, "flat")]
    assert made[0] == made[1]


def test_weights_say_which_frequencies_are_kept():
    """With heavy weights on all but the lowest frequencies, only those are left of a still texture."""
    rng = np.random.default_rng(0)
    gray = np.clip(rng.normal(128, 20, (1, 64, 64)), 0, 255).astype(np.uint8)
    low = [np.where(np.add.outer(np.arange(side), np.arange(side)) < side // 2, 16, 255) for side in SIDES]
    detail = []
    for matrix in ("flat", low):
        _, planes, _ = encoded(gray, qp=24, scaling_matrix=matrix)
        spectrum = np.abs(np.fft.fft2(planes[0][0].astype(float) - 128))
        detail.append(spectrum[24:40, 24:40].sum() / spectrum[:8, :8].sum())
    assert detail[1] < detail[0] / 2


@pytest.mark.parametrize(
    "matrix, words",
    [
        ("cube", "scaling_matrix is 'cube'; it must be flat, jvt or eight arrays"),
        (None, "must be flat, jvt or eight arrays: intra Y 4x4, intra Cb 4x4"),
        (made(0)[:6], "eight arrays"),
        ([*made(0)[:7], np.ones((4, 4), int)], r"inter Y 8x8 has shape \(4, 4\)"),
        ([np.zeros((4, 4), int), *made(0)[1:]], "intra Y 4x4 has 0 to 0; weights are 1 to 255"),
        ([np.full((4, 4), 16.5), *made(0)[1:]], r"intra Y 4x4 has shape \(4, 4\) and type float64"),
    ],
)
def test_wrong_matrices(matrix, words):
    with pytest.raises(codec.ParameterError, match=words):
        encoded(moving(16, 16, 1), scaling_matrix=matrix)


def test_kinds_are_named_in_the_order_of_table_7_2():
    assert (KINDS[0], KINDS[5], KINDS[6], KINDS[7]) == ("intra Y 4x4", "inter Cr 4x4", "intra Y 8x8", "inter Y 8x8")
