"""The buffer of the decoder never runs empty, whatever the content; the streams say so themselves (Annex C)."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from leaky_bucket import access_units, least_fullness
from made_clips import assert_decodes_to, encoded, flat, moving, noise, text

import codec
from codec.h264.encode import settings
from codec.h264.encode.ratecontrol import STEPS, fit
from codec.h264.stream.nal import NalUnit
from codec.h264.stream.parameter_sets import SPS
from codec.h264.stream.sei import BufferingPeriod, InitialDelay, read_sei, write_payload, write_sei
from codec.h264.stream.vui import HRD, VUI, SchedSel


def still(width, height, count, seed=0):
    return np.repeat(moving(width, height, 1, seed), count, axis=0)


@pytest.mark.parametrize("vbv", [(100_000, 100_000), (100_000, 20_000), (50_000, 12_000)])
@pytest.mark.parametrize("preset", ["ultrafast", "superfast", "medium"])
@pytest.mark.parametrize("content", [moving, noise, text, flat, still])
def test_the_buffer_never_runs_empty(content, preset, vbv):
    data, _, pictures = encoded(content(64, 48, 60), preset=preset, qp=20, keyint=25, vbv=vbv)
    assert least_fullness(data) >= 0
    assert [unit.key for unit in access_units(data)[1]] == [one.key for one in pictures]


def test_hard_scenes_in_easy_ones_with_a_bit_rate():
    frames = np.concatenate([still(64, 48, 40), noise(64, 48, 20), moving(64, 48, 40)])
    data, planes, _ = encoded(frames, bitrate=80_000, vbv=(100_000, 30_000), fps="30000/1001", keyint=33)
    assert least_fullness(data) >= 0
    assert_decodes_to(data, planes, 64, 48)  # pictures that were coded again, too


def test_where_the_buffer_has_room_nothing_changes():
    frames = moving(64, 48, 12)
    _, planes, free = encoded(frames, qp=30)
    data, bounded, pictures = encoded(frames, qp=30, vbv=(800_000, 800_000))
    assert [one.qp for one in pictures] == [one.qp for one in free]
    assert all(np.array_equal(a, b) for one, other in zip(planes, bounded) for a, b in zip(one, other))
    assert least_fullness(data) > 600_000


def test_the_bytes_do_not_depend_on_threads():
    frames = np.concatenate([moving(64, 48, 20), noise(64, 48, 20)])
    made = {encoded(frames, qp=20, keyint=15, vbv=(60_000, 20_000), threads=threads)[0] for threads in (1, 2, 5)}
    assert len(made) == 1


def test_a_level_bounds_the_rate_even_without_vbv():
    """Level 1 allows 96000 bits per second and 262500 bits."""
    frames = noise(64, 48, 120)
    free, _, _ = encoded(frames, preset="superfast", qp=30)
    data, _, _ = encoded(frames, preset="superfast", qp=30, level="1")
    assert len(free) * 8 * 25 / 120 > 200_000 and len(data) * 8 < 262_500 + 96_000 * 120 / 25
    sps, _ = access_units(data)
    (schedule,) = sps.vui.nal_hrd.schedules
    assert (schedule.bit_rate_value_minus1 + 1) * 64 == 96_000 and sps.level_idc == 10
    assert least_fullness(data) >= 0


@pytest.mark.parametrize(
    "size, level, references, more",
    [
        ((176, 144), "1", 3, {"preset": "medium"}),
        ((176, 144), "1b", 3, {"preset": "slow", "tune": "animation"}),
        ((176, 144), "1", 3, {"preset": "superfast", "keyint": 12, "slices": 2}),
        ((320, 240), 1.1, 2, {"preset": "veryfast"}),  # room for two: no B picture refers to another
        ((352, 288), "1.1", 2, {"preset": "medium"}),
    ],
)
def test_references_and_pictures_that_wait_fit_into_the_level(monkeypatch, size, level, references, more):
    """Pictures have their references, and their time of output, with what the level leaves."""
    tools = settings.PRESETS[more["preset"]]
    monkeypatch.setitem(settings.PRESETS, more["preset"], replace(tools, b_adapt=0))
    frames = moving(*size, 25)
    data, planes, pictures = encoded(frames, crf=32, fps=5 if references == 2 else 15, level=level, **more)
    assert_decodes_to(data, planes, *size)
    if "slices" not in more:
        assert least_fullness(data) >= 0
        sps, units = access_units(data)
        assert any(unit.dropped for unit in units) == (references == 3)
        assert (sps.level_name, sps.max_num_ref_frames) == (str(level), references)
        assert sps.vui.max_dec_frame_buffering <= sps.MaxDpbFrames
    assert sum(one.type == "B" for one in pictures) > 10


def test_open_gops_with_few_references():
    frames = moving(176, 144, 30)
    data, planes, pictures = encoded(frames, crf=34, fps=15, level="1", keyint=8, open_gop=True)
    assert_decodes_to(data, planes, 176, 144)
    assert sum(one.key for one in pictures) == 4


def test_no_picture_exceeds_the_least_compression_of_its_level():
    """A.3.1: 384 * MaxMBPS * time / MinCR bytes; a buffer alone would allow more."""
    data, _, _ = encoded(noise(176, 144, 2), fps=15, qp=0, vbv=(90_000, 250_000), keyint=1)
    _, units = access_units(data)
    assert units[0].bits <= 8 * 384 * 99 / 2 and least_fullness(data) >= 0


def test_what_cannot_fit_is_an_error():
    with pytest.raises(codec.ParameterError, match="frame 1 takes .* the buffer"):
        codec.encode_video(noise(64, 48, 2), fps=25, vbv_maxrate=1000, vbv_bufsize=1000, settings_sei=False)


@pytest.mark.parametrize(
    "vbv, words", [((60_000, 1000), "vbv_bufsize of more than"), ((1000, 20_000), "vbv_maxrate of more than")]
)
def test_what_cannot_fit_says_what_would_do(vbv, words):
    def failed(vbv):
        """The number of the frame, and the value that is named."""
        with pytest.raises(codec.ParameterError, match=words) as found:
            encoded(noise(96, 80, 20), preset="ultrafast", qp=20, vbv=vbv)
        return [int(one) for one in re.search(r"frame (\d+) takes .* more than (\d+)", str(found.value)).groups()]

    number, value = failed(vbv)
    assert value >= vbv["maxrate" not in words]
    more = (max(vbv[0], 2 * value), vbv[1]) if "maxrate" in words else (vbv[0], 2 * value)
    try:
        assert failed(more)[0] >= number  # pictures before it take more then
    except pytest.fail.Exception:
        pass  # all frames fit


def test_a_file_that_cannot_fit_is_absent(tmp_path):
    with pytest.raises(codec.ParameterError):
        codec.write_video(tmp_path / "a.h264", noise(64, 48, 2), fps=25, vbv_maxrate=1000, vbv_bufsize=1000)
    assert list(tmp_path.iterdir()) == []


def test_fit_raises_qp_until_it_fits():
    tried = []

    def code(qp):
        tried.append(qp)
        return bytes(10**9 // STEPS[qp])

    nal, qp = fit(code, code(20), 20, (4000, 5000), 51)
    assert 8 * len(nal) <= 4000 and 8 * len(bytes(10**9 // STEPS[qp - 1])) > 4000 and len(tried) <= 3
    tried.clear()
    nal, qp = fit(code, code(20), 20, (10, 200), 51)
    assert max(tried) > 51 and 10 < 8 * len(nal) <= 200  # below QP 51 the first limit counts, above it the second


def test_fit_tries_qp_in_between_where_bits_fall_at_once():
    """The last attempt is the one that counts: its picture is the reference of others."""
    tried = []

    def code(qp):
        tried.append(qp)
        return bytes(5000 - 100 * qp if qp < 33 else 10)

    nal, qp = fit(code, code(10), 10, (16000, 10**9), 51)  # 2000 bytes with QP 30
    assert qp in (30, 31, 32) and 8 * len(nal) <= 16000 and tried[-1] == qp and len(tried) <= 8
    assert fit(code, code(10), 10, (14000, 10**9), 51) == (bytes(10), 33) and tried[-1] == 33


@pytest.mark.parametrize("cliff", [13.2, 13.9, 30.1])
def test_fit_ends_with_any_qp(cliff):
    """QP of crf are not integers."""
    nal, qp = fit(lambda qp: bytes(3000 if qp < cliff else 10), bytes(3000), 10.4, (16000, 10**9), 56)
    assert len(nal) == 10 and cliff <= qp < cliff + 2


def test_ffmpeg_reads_streams_with_a_buffer():
    av = pytest.importorskip("av")
    data, _, _ = encoded(moving(48, 32, 9), vbv=(100_000, 100_000))
    with av.open(io.BytesIO(data), format="h264") as container:
        assert len(list(container.decode(video=0))) == 9


def test_buffering_periods_are_read_as_they_were_written():
    hrd = HRD(1, 0, 0, (SchedSel(0, 0, 0), SchedSel(1, 1, 0)), initial_cpb_removal_delay_length_minus1=20)
    vui = VUI(nal_hrd_parameters_present_flag=1, nal_hrd=hrd, vcl_hrd_parameters_present_flag=1, vcl_hrd=hrd)
    sps = SPS(77, 30, 3, 3, seq_parameter_set_id=3, vui_parameters_present_flag=1, vui=vui)
    delays = tuple(InitialDelay(1 + i, 2 * i) for i in range(2))
    content = BufferingPeriod(3, nal=delays, vcl=delays[::-1])
    nal = NalUnit(write_sei([(0, write_payload(content, vui))]))
    assert [one.content for one in read_sei(nal, sps)] == [content]
    other = SPS(77, 30, 3, 3, seq_parameter_set_id=1, vui_parameters_present_flag=1, vui=vui)
    assert [one.content for one in read_sei(nal, other)] == [
        None
    ]  # it belongs to another SPS: field lengths are unknown
