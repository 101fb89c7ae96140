"""Parameter sets and headers that the encoder writes, read back; the level that it chooses."""

from fractions import Fraction

import numpy as np
import pytest
from made_clips import encoded, moving

import codec
from codec.h264.encode.parameters import LEVELS, level_of, rate_of, sequence_of, vector_limits
from codec.h264.encode.settings import PRESETS, settings_of, tools_of
from codec.h264.stream.nal import split_byte_stream
from codec.h264.stream.parameter_sets import ParameterSets, read_pps, read_sps, write_pps, write_sps
from codec.h264.stream.slice_header import read_slice_header


def sets_of(width, height, fps=Fraction(25), preset="medium", qp=26, bitrate=None, more={}, **fields):
    frame = codec.Frame.from_rgb(np.zeros((height, width, 3), np.uint8), **fields)
    return sequence_of(frame, fps, settings_of(None, None, bitrate, preset, None, 250, 1, **more), qp)


@pytest.mark.parametrize("preset", PRESETS)
def test_parameter_sets_read_back(preset):
    for size in ((1, 1), (16, 16), (176, 144), (35, 1081)):
        sps, pps = sets_of(*size, preset=preset, full_range=True, matrix="BT.2020")
        nal = split_byte_stream(b"\0\0\1" + write_sps(sps))[0]
        assert read_sps(nal) == sps and (sps.width, sps.height) == tuple(n + n % 2 for n in size)
        assert read_pps(split_byte_stream(b"\0\0\1" + write_pps(pps, sps))[0], sps) == pps


def test_vui_says_colours_and_rate():
    sps, _ = sets_of(64, 64, Fraction(30000, 1001), matrix="BT.709", full_range=True)
    vui = sps.vui
    assert (vui.matrix_coefficients, vui.video_full_range_flag) == (1, 1)
    assert Fraction(vui.time_scale, 2 * vui.num_units_in_tick) == Fraction(30000, 1001)


@pytest.mark.parametrize("matrix", ["BT.601", "BT.709", "BT.2020", "FCC", "SMPTE 240M"])
def test_colours_survive_the_stream(matrix):
    frame = codec.Frame.from_rgb(moving(16, 16, 1)[0], matrix=matrix, full_range=True)
    (found,) = codec.decode_video(codec.encode_video([frame], fps=25))
    assert (found.matrix, found.full_range) == (matrix, True)


def test_odd_sizes_are_cropped_exactly():
    """4:2:0 crops by two luma samples: an odd column or row is shown, as a copy of the one beside it."""
    data, _, _ = encoded(moving(33, 17, 1))
    (frame,) = codec.decode_video(data)
    assert (frame.width, frame.height) == (34, 18)


@pytest.mark.parametrize("size, odd", [((33, 17), True), ((34, 17), True), ((34, 18), False)])
def test_a_warning_says_that_odd_sizes_are_shown_larger(size, odd):
    frames = moving(*size, 1)
    found = codec.h264.encode_frames(frames, fps=25).warnings
    assert len(found) == odd and all("shown as 34x18" in text for text in found)
    gray = codec.h264.encode_frames(frames[..., 0], fps=25)
    assert gray.warnings == () and codec.h264.encode_frames(frames, fps=25, lossless=True).warnings == ()


def test_an_odd_column_of_chroma_is_that_of_its_pixels():
    """The last column of odd RGB has chroma of its own pixels alone, and the picture ends with it."""
    frames = np.zeros((1, 16, 17, 3), np.uint8)
    frames[:, :, 16] = 255, 0, 0
    (frame,) = codec.decode_video(encoded(frames, qp=4)[0])
    shown = frame.to_rgb().astype(int)
    assert np.abs(shown[:, 16:] - (255, 0, 0)).max() < 12 and np.abs(shown[:, :15]).max() < 12


@pytest.mark.parametrize(
    "size, fps, frames, name",
    [
        ((11, 9), 15, 1, "1"),  # QCIF: 1485 macroblocks a second
        ((11, 9), 30, 1, "1.1"),
        ((22, 18), 30, 1, "1.3"),  # CIF
        ((45, 36), 25, 4, "3"),
        ((120, 68), 30, 4, "4"),
        ((120, 68), 60, 4, "4.2"),
        ((256, 1), 1, 1, "3.2"),  # sqrt(8 MaxFS) bounds each side: 8 * 8192 = 256^2 is level 4
        ((1000, 200), 60, 16, None),
    ],
)
def test_level(size, fps, frames, name):
    if size == (256, 1):
        name = "4"
    assert level_of(*size, fps, frames) == name


@pytest.mark.parametrize(
    "rate, bufsize, factor, name",
    [
        (64 * 1500, 0, 1500, "1"),
        (64 * 1500 + 1, 0, 1500, "1.1"),
        (192 * 1200 + 1, 0, 1200, "1.2"),  # cpbBrNalFactor of Table A-2 below High
        (0, 4000 * 1500, 1500, "2.1"),
        (0, 4000 * 1500 + 1, 1500, "3"),
        (800_000 * 1500 + 1, 0, 1500, None),
    ],
)
def test_level_of_rate_and_buffer(rate, bufsize, factor, name):
    assert level_of(4, 3, 25, 1, bitrate=rate, bufsize=bufsize, factor=factor) == name


@pytest.mark.parametrize(
    "change, level_idc",
    [
        ({"bitrate": 5_000_000}, 21),
        ({"more": {"vbv_maxrate": 40_000, "vbv_bufsize": 2_000_000}}, 13),
        ({"bitrate": 1_000_000, "more": {"vbv_maxrate": 30_000_000, "vbv_bufsize": 2_000_000}}, 32),
        ({"more": {"level": "4.2"}}, 42),
    ],
)
def test_the_stream_says_the_level_of_its_rate(change, level_idc):
    assert sets_of(64, 48, **change)[0].level_idc == level_idc


@pytest.mark.parametrize(
    "size, fps, level, medium, slow",
    [
        ((1920, 1080), 25, "4", 3, 3),
        ((1920, 1080), 30, "4.1", 3, 3),
        ((1920, 1080), 60, "4.2", 3, 3),
        ((1280, 720), 30, "3.1", 4, 4),
        ((720, 576), 25, "3", 4, 4),
        ((720, 480), 30, "3", 4, 5),
        ((3840, 2160), 30, "5.1", 4, 4),
        ((176, 144), 15, "1", 3, 3),
        ((176, 144), 15, "1b", 3, 3),
    ],
)
def test_references_fall_to_what_the_level_allows(size, fps, level, medium, slow):
    """MaxDpbMbs of Table A-1, of which one picture waits for its time of output."""
    for preset, references in (("medium", medium), ("slow", slow)):
        sps, _ = sets_of(*size, Fraction(fps), preset=preset, more={"level": level})
        assert (sps.level_name, sps.max_num_ref_frames) == (level, references)
        assert sps.vui.max_dec_frame_buffering == references + 1 <= sps.MaxDpbFrames
        assert vector_limits(sps)[0] == 4 * LEVELS[level]["MaxVmvR"]
        assert read_sps(split_byte_stream(b"\0\0\1" + write_sps(sps))[0]) == sps


def test_a_buffer_does_not_raise_the_level():
    """1920x1080 has four pictures in that of level 4."""
    vbv = {"vbv_maxrate": 10e6, "vbv_bufsize": 10e6}
    for more, references in (({}, 4), (vbv, 3)):
        sps, _ = sets_of(1920, 1080, more=more)
        assert (sps.level_name, sps.max_num_ref_frames, sps.vui.max_dec_frame_buffering) == ("4", references, 4)


@pytest.mark.parametrize(
    "level, name", [("4.0", "4"), (4, "4"), (4.0, "4"), (np.float32(4.5) - 0.5, "4"), (4.1, "4.1")]
)
def test_levels_as_people_write_them(level, name):
    settings = settings_of(qp=26, level=level)
    assert settings.level == name and ("level" not in settings_of(qp=26).words) and f"level={name}" in settings.words


def test_level_1b_of_older_profiles_is_level_1_1_with_a_flag():
    """A.3.1, A.3.2"""
    for preset, level_idc, flag in (("ultrafast", 11, 1), ("medium", 9, 0)):
        sps, _ = sets_of(176, 144, Fraction(15), preset=preset, more={"level": "1b"})
        assert (sps.level_idc, sps.constraint_set3_flag, sps.level_name) == (level_idc, flag, "1b")


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"more": {"level": "3"}},
            "level is '3', but 1280x720 at 25 frames per second needs '3.1' .*: give that, or less of width and height, "
            "frames per second$",
        ),
        ({"bitrate": 30e6, "more": {"level": "3.1"}}, r"3e\+07 bits per second needs '3.2' .*of bits per second$"),
        ({"more": {"level": True}}, "level is True; it must be one of 1, 1b, 1.1"),
        ({"more": {"level": 41}}, "level is 41; it must be one of"),
        ({"more": {"level": b"4"}}, "level is b'4'"),
        ({"more": {"level": "7"}}, "level is '7'; it must be one of 1, 1b, 1.1"),
        ({"more": {"vbv_maxrate": 1e6}}, "vbv_maxrate without vbv_bufsize bounds nothing: give both"),
        ({"more": {"vbv_bufsize": 1e6}}, "vbv_bufsize without vbv_maxrate bounds nothing: give both"),
        (
            {"more": {"vbv_maxrate": 10, "vbv_bufsize": 1e6}},
            "vbv_maxrate is 10; it must be a number of bits per second",
        ),
        ({"bitrate": 2e6, "more": {"vbv_maxrate": 1e6, "vbv_bufsize": 1e6}}, "bitrate is 2e.06, more than vbv_maxrate"),
    ],
)
def test_impossible_levels_and_buffers(change, words):
    with pytest.raises(codec.ParameterError, match=words):
        sets_of(1280, 720, **change)


def test_profile_follows_from_the_tools():
    assert sets_of(64, 64, preset="ultrafast")[0].profile_name == "Constrained Baseline"
    assert sets_of(64, 64, preset="medium")[0].profile_name == "High"
    # levels of CAVLC may need an escape that Baseline does not have
    assert sets_of(64, 64, preset="ultrafast", qp=11)[0].profile_name == "High"


def test_vectors_stay_within_the_level():
    assert vector_limits(sets_of(16, 16, Fraction(1), preset="ultrafast")[0]) == (4 * 64, 64)


@pytest.mark.parametrize(
    "fps, rate",
    [
        (25, Fraction(25)),
        (29.97002997002997, Fraction(30000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates(fps, rate):
    assert rate_of(fps) == rate


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_slice_headers_read_back(preset):
    data, _, pictures = encoded(moving(32, 32, 6), preset=preset, qp=30, keyint=4)
    sets, found = ParameterSets(), []
    for nal in split_byte_stream(data):
        if nal.nal_unit_type in (7, 8):
            sets.add(nal)
        elif nal.nal_unit_type in (1, 5):
            header, sps, pps, _ = read_slice_header(nal, sets.find)
            found.append((header.name, header.IdrPicFlag == 1, header.SliceQPY(pps)))
    assert found == [(one.type, one.key, one.qp) for one in pictures]


def test_tunes_go_together_and_uses_leave_out():
    film, screen = tools_of("medium", "film,zerolatency"), tools_of("medium", "fastdecode,screen,zerolatency")
    assert film == tools_of("medium", "zerolatency,film") and (film.deblock, film.lookahead, film.b_frames) == (
        -1,
        0,
        0,
    )
    assert (screen.deblock, screen.cabac, screen.lookahead, screen.aq) == (None, 0, 0, 0)
    assert tools_of("ultrafast", "animation,fastdecode").b_frames == 0
