"""Syntax elements (7.2, 9.1), parameter sets, slice headers and SEI messages."""

import dataclasses

import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st
from properties import examples

import codec
from codec.h264.stream import parameter_sets, sei, slice_header
from codec.h264.stream.nal import IDR, NalUnit, escape, split_byte_stream, write_nal
from codec.h264.stream.parameter_sets import (
    PPS,
    SPS,
    ParameterSets,
    read_pps,
    read_sps,
    read_sps_extension,
    write_pps,
    write_sps,
    write_sps_extension,
)
from codec.h264.stream.syntax import Reader, Writer
from codec.h264.stream.vui import VUI

thorough = examples(60)


def bits(text):
    """A reader over bits written as text with spaces."""
    text = text.replace(" ", "")
    return Reader(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"), "test")


# ---------------------------------------------------------------- elements

# Tables 9-2 and 9-3: bit string, codeNum, signed value.
EXP_GOLOMB = [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("00101", 4, -2),
              ("00110", 5, 3), ("00111", 6, -3),
              ("0001000", 7, 4), ("0001001", 8, -4), ("0001010", 9, 5)]  # fmt: skip


@pytest.mark.parametrize("text, codeNum, signed", EXP_GOLOMB)
def test_exponential_golomb_codes_of_the_tables(text, codeNum, signed):
    assert bits(text).ue({}, "x", 100, "") == codeNum and bits(text).se({}, "x", -50, 50, "") == signed
    for code, value in (("ue", codeNum), ("se", signed)):
        c = Writer()
        c.ue({"x": value}, "x", 100, "") if code == "ue" else c.se({"x": value}, "x", -50, 50, "")
        assert "".join(f"{byte:08b}" for byte in c.head())[: c.count] == text


elements = st.lists(
    st.one_of(
        st.tuples(st.just("ue"), st.integers(0, (1 << 32) - 2)), st.tuples(st.just("se"), strategies.int32),
        st.integers(1, 64).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, (1 << n) - 1))),
    ), max_size=30,
)  # fmt: skip


@given(elements)
def test_what_is_written_is_read(some):
    def code(c):
        for i, (kind, value) in enumerate(some):
            s = {} if c.reading else {"x": value}
            if kind == "ue":
                yield c.ue(s, "x", (1 << 32) - 2, "")
            elif kind == "se":
                yield c.se(s, "x", -(1 << 31), (1 << 31) - 1, "")
            else:
                yield c.u(s, "x", kind, "")

    writer = Writer()
    list(code(writer))
    writer.rbsp_trailing_bits()
    reader = Reader(writer.rbsp(), "test")
    assert list(code(reader)) == [value for _, value in some] and not reader.more_rbsp_data()


def test_reading_past_the_end_names_what_is_missing():
    with pytest.raises(codec.TruncatedError, match=r"test at byte 1: the data ends in name \(clause\)"):
        bits("11111111").u({}, "name", 9, "clause")
    with pytest.raises(codec.TruncatedError, match="ends in name"):
        bits("00000000").ue({}, "name", 9, "clause")
    with pytest.raises(codec.TruncatedError, match="ends in name"):
        bits("00000001").ue({}, "name", 9, "clause")


def test_values_out_of_range_are_refused_in_both_directions():
    with pytest.raises(codec.BitstreamError, match=r"name is 3; it must be 0 to 2 \(clause\)"):
        bits("00100").ue({}, "name", 2, "clause")
    with pytest.raises(codec.BitstreamError, match="more than 31 leading zeros"):
        bits("0" * 32 + "1" + "0" * 40).ue({}, "name", 2, "clause")
    with pytest.raises(codec.ParameterError, match=r"name is 3; it must be 0 to 2 \(clause\)"):
        Writer().ue({"name": 3}, "name", 2, "clause")


def test_more_rbsp_data_ends_at_the_last_one():
    for text, more in (("1", False), ("10000000 00000000", False), ("11", True), ("01", True), ("00000000", False)):
        assert bits(text).more_rbsp_data() is more, text


# ---------------------------------------------------------------- parameter sets


def test_a_sequence_parameter_set_bit_by_bit():
    """By hand from 7.3.2.1.1: Main profile, level 3, 720x576 with fields, order count type 0."""
    text = (
        "01001101 01000000 00011110"  # profile_idc 77, constraint_set1_flag, level_idc 30
        # seq_parameter_set_id 0, log2_max_frame_num_minus4 4, pic_order_cnt_type 0, log2_max_pic_order_cnt_lsb_minus4 2
        "1 00101 1 011"
        "00101 0"  # max_num_ref_frames 4, gaps_in_frame_num_value_allowed_flag
        "00000101101 000010010"  # pic_width_in_mbs_minus1 44, pic_height_in_map_units_minus1 17
        "0 1 1 0 0"  # frame_mbs_only_flag, mb_adaptive_frame_field_flag, direct_8x8_inference_flag, cropping, VUI
        "1"
    ).replace(" ", "")  # fmt: skip
    rbsp = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
    sps = read_sps(NalUnit(b"\x67" + escape(rbsp)))
    assert sps == SPS(
        77, 30, 44, 17, constraint_set1_flag=1, log2_max_frame_num_minus4=4, log2_max_pic_order_cnt_lsb_minus4=2,
        max_num_ref_frames=4,
        frame_mbs_only_flag=0, mb_adaptive_frame_field_flag=1,
    )  # fmt: skip
    assert (sps.width, sps.height, sps.MaxFrameNum, sps.MaxPicOrderCntLsb, sps.profile_name, sps.level_name) == (
        720,
        576,
        256,
        64,
        "Main",
        "3",
    )
    assert sps.MaxDpbFrames == 5 and write_sps(sps) == b"\x67" + escape(rbsp)


@thorough
@given(strategies.spss())
def test_sequence_parameter_sets_are_read_as_they_were_written(sps):
    assert read_sps(NalUnit(write_sps(sps))) == sps


@thorough
@given(strategies.extensions())
def test_extensions_are_read_as_they_were_written(extension):
    assert read_sps_extension(NalUnit(write_sps_extension(extension))) == extension


@thorough
@given(strategies.spss(max_mbs=20).flatmap(lambda sps: st.tuples(st.just(sps), strategies.ppss(sps))))
def test_picture_parameter_sets_are_read_as_they_were_written(both):
    sps, pps = both
    assert read_pps(NalUnit(write_pps(pps, sps)), sps) == pps


with_slice = strategies.spss(max_mbs=20).flatmap(
    lambda sps: strategies.ppss(sps).flatmap(
        lambda pps: st.tuples(st.just(sps), st.just(pps), strategies.slice_headers(sps, pps))
    )
)


@thorough
@given(with_slice)
def test_slice_headers_are_read_as_they_were_written(all_three):
    sps, pps, header = all_three
    c = slice_header.write_slice_header(header, sps, pps)
    end = c.count
    c.rbsp_trailing_bits()
    nal = NalUnit(write_nal(header.nal_unit_type, header.nal_ref_idc, c.rbsp()))
    assert slice_header.read_slice_header(nal, lambda number, error: (sps, pps)) == (header, sps, pps, end)


def test_every_header_of_the_suites_is_written_again_bit_for_bit(streams):
    """Parameter sets and slice headers from many encoders."""
    for vector, (row, path) in streams.items():
        if path.stat().st_size > 400_000:
            continue
        sets, slices = ParameterSets(), 0
        for nal in split_byte_stream(path.read_bytes()):
            if nal.nal_unit_type == 7:
                sps = read_sps(nal)
                sets.add(nal)
                assert write_sps(sps)[1:] == nal.data[1:], vector
            elif nal.nal_unit_type == 8:
                sets.add(nal)
                number, sps_number = parameter_sets.pps_ids(nal)
                sps = sets.sps(sps_number)
                assert sps is None or write_pps(sets.find(number, None)[1], sps)[1:] == nal.data[1:], vector
            elif nal.nal_unit_type in (1, IDR) and slices < 20:
                slices += 1
                header, sps, pps, end = slice_header.read_slice_header(nal, sets.find)
                c = slice_header.write_slice_header(header, sps, pps)
                written, read = (
                    int.from_bytes(one[: (end + 7) // 8], "big") >> -end % 8 for one in (c.head(), nal.rbsp)
                )
                assert c.count == end and written == read, vector


def test_missing_and_impossible_elements_of_a_slice_header_are_named():
    sps, pps = SPS(77, 30, 3, 3), PPS()
    sets = ParameterSets()
    header = slice_header.SliceHeader(1, 1, 0, slice_header.I, 0, 0)

    def read(header, kind=1):
        c = slice_header.write_slice_header(header, sps, pps)
        c.rbsp_trailing_bits()
        return slice_header.read_slice_header(NalUnit(write_nal(kind, header.nal_ref_idc, c.rbsp()), 40, 7), sets.find)

    with pytest.raises(
        codec.BitstreamError,
        match=r"NAL unit 7, slice_header at byte 4\d: there is no picture parameter set 0 \(H.264 7.4.1.2.1\)",
    ):
        read(header)
    sets.add(NalUnit(write_pps(pps, sps)))
    with pytest.raises(
        codec.BitstreamError, match="no sequence parameter set 0, to which picture parameter set 0 refers"
    ):
        read(header)
    sets.add(NalUnit(write_sps(sps)))
    assert read(header)[0] == header
    with pytest.raises(codec.BitstreamError, match="7.4.1"):
        read(dataclasses.replace(header, nal_unit_type=5, nal_ref_idc=0), 5)
    small, sps = sps, SPS(77, 30, 9, 9)
    sets.add(NalUnit(write_sps(small)))
    with pytest.raises(codec.BitstreamError, match="first_mb_in_slice is 99; the picture has 16 macroblocks"):
        read(dataclasses.replace(header, first_mb_in_slice=99))


def test_parameter_sets_repeated_unchanged_stay_the_same_objects():
    sets, sps = ParameterSets(), SPS(77, 30, 3, 3)
    for nal in (write_sps(sps), write_pps(PPS(), sps)):
        sets.add(NalUnit(nal))
    first = sets.find(0, None)
    for nal in (write_sps(sps), write_pps(PPS(), sps)):
        sets.add(NalUnit(nal))
    assert all(a is b for a, b in zip(first, sets.find(0, None)))
    sets.add(NalUnit(write_pps(PPS(weighted_pred_flag=1), sps)))
    assert sets.find(0, None)[0] is first[0] and sets.find(0, None)[1].weighted_pred_flag
    sets.add(NalUnit(write_sps(dataclasses.replace(sps, level_idc=40))))
    assert sets.find(0, None)[0].level_idc == 40


@thorough
@given(strategies.spss(max_mbs=20).flatmap(lambda sps: st.tuples(st.just(sps), strategies.ppss(sps))), st.data())
def test_every_truncation_of_a_parameter_set_is_an_error_of_ours(both, data):
    sps, pps = both
    for nal, read in ((write_sps(sps), read_sps), (write_pps(pps, sps), lambda nal: read_pps(nal, sps))):
        end = data.draw(st.integers(1, len(nal) - 1))
        try:
            read(NalUnit(nal[:end], 1000, 5))
        except codec.BitstreamError as error:
            assert error.clause.startswith("H.264") and 1000 < error.offset <= 1000 + end and "NAL unit 5" in str(error)


# ---------------------------------------------------------------- scaling lists


@given(st.lists(st.integers(1, 255), min_size=1, max_size=64), st.sampled_from((16, 64)))
def test_scaling_lists_come_back_from_their_differences(values, size):
    values = tuple((values + values[-1:] * size)[:size])
    coded = parameter_sets.delta_scale_of(values)
    assert parameter_sets.list_of(coded, size) == values and all(-128 <= delta <= 127 for delta in coded)


def test_fall_back_rules_of_table_7_2():
    defaults = parameter_sets.DEFAULT_LISTS
    one = parameter_sets.delta_scale_of((7,) * 16)
    sps = SPS(
        100,
        30,
        3,
        3,
        seq_scaling_matrix_present_flag=1,
        seq_scaling_list=(None, one, None, (-8,), None, None, None, None),
    )
    lists = sps.scaling_lists
    assert (
        lists[0] == defaults[0] and lists[1] == lists[2] == (7,) * 16
    )  # rule A: the default for Y, the previous list for the others
    assert lists[3] == lists[4] == lists[5] == defaults[3] and lists[6:] == defaults[6:]
    assert PPS().scaling_lists(sps) is lists
    two = parameter_sets.delta_scale_of((9,) * 16)
    pps = PPS(extended=1, pic_scaling_matrix_present_flag=1, pic_scaling_list=(None, None, two, None, None, None))
    mine = pps.scaling_lists(sps)
    assert (
        mine[0] == mine[1] == lists[0] and mine[2] == (9,) * 16 and mine[3:] == lists[3:]
    )  # rule B: the list of the SPS for Y
    assert pps.scaling_lists(SPS(100, 30, 3, 3))[0] == defaults[0]  # rule A if the SPS has no matrix
    assert SPS(100, 30, 3, 3).scaling_lists == ((16,) * 16,) * 6 + ((16,) * 64,) * 6


# ---------------------------------------------------------------- SEI

vuis_with_timing = strategies.vuis().flatmap(lambda vui: st.tuples(st.just(vui), strategies.pic_timings(vui)))


@thorough
@given(vuis_with_timing, strategies.recovery_points, st.binary(max_size=600), st.integers(20, 1000))
@example((VUI(), sei.PicTiming()), sei.RecoveryPoint(0, 0, 0, 0), b"", 128)
def test_sei_messages_are_read_as_they_were_written(timing, recovery, payload, kind):
    vui, content = timing
    sps = SPS(77, 30, 3, 3, vui_parameters_present_flag=1, vui=vui)
    messages = [
        (sei.PIC_TIMING, sei.write_payload(content, vui)),
        (sei.RECOVERY_POINT, sei.write_payload(recovery)),
        (kind, payload),
    ]
    found = list(sei.read_sei(NalUnit(sei.write_sei(messages)), sps))
    assert [(one.payloadType, one.payload) for one in found] == messages
    assert [one.content for one in found] == [content, recovery, None]


def test_a_payload_that_is_longer_than_its_nal_unit_is_an_error():
    with pytest.raises(codec.BitstreamError, match="7.3.2.3.1") as caught:
        list(sei.read_sei(NalUnit(b"\x06\x05\x10abc\x80", 10)))
    assert caught.value.offset == 17


def test_messages_before_a_damaged_one_are_read():
    messages = sei.read_sei(NalUnit(b"\x06\x05\x01a\x05\x10abc\x80"))
    assert next(messages).payload == b"a"
    with pytest.raises(codec.BitstreamError, match="7.3.2.3.1"):
        next(messages)


FIRST, LAST = (5, b"first"), (4, b"\x80")
TYPE_128 = [
    [(128, b"")],
    [(128, b"payload")],
    [(128, b""), LAST],
    [(128, b"\x80"), LAST],
    [FIRST, (128, b""), LAST],
    [FIRST, (128, b"\0\0"), LAST],
    [FIRST, (128, b"")],
    [FIRST, (128, b"\x80\0")],
    [(128, b"")] * 3,
    [FIRST, (255 + 128, b"\x80" * 300), (0, b"")],
]


@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
@pytest.mark.parametrize("messages", TYPE_128)
def test_a_message_may_begin_with_the_byte_of_the_trailing_bits(messages, zeros):
    """7.2: the trailing bits are the last byte that is not zero, wherever else 0x80 stands."""
    nal = NalUnit(sei.write_sei(messages) + b"\0" * zeros)
    assert [(one.payloadType, one.payload) for one in sei.read_sei(nal)] == messages


@pytest.mark.parametrize(
    "rbsp, messages",
    [
        ("", []),
        ("00", []),
        ("80", []),
        ("8000", []),
        ("800080", [(128, b"")]),
        ("80008000", [(128, b"")]),
        ("80018080", [(128, b"\x80")]),
        ("000080", [(0, b"")]),
        # Without trailing bits.
        ("050161", [(5, b"a")]),
        ("050180", [(5, b"\x80")]),
        ("05020100", [(5, b"\1\0")]),
    ],
)
def test_sei_messages_byte_by_byte(rbsp, messages):
    found = list(sei.read_sei(NalUnit(b"\x06" + bytes.fromhex(rbsp))))
    assert [(one.payloadType, one.payload) for one in found] == messages


@pytest.mark.parametrize("rbsp", ["01", "0580", "8080", "80ff80", "ff80", "ffff", "05018055", "050161ff80", "80aa8000"])
def test_a_damaged_sei_nal_unit_is_an_error(rbsp):
    with pytest.raises(codec.BitstreamError, match="7.3.2.3.1"):
        list(sei.read_sei(NalUnit(b"\x06" + bytes.fromhex(rbsp))))


@given(st.binary(max_size=40))
@example(b"\x80" * 3)
def test_any_bytes_are_sei_messages_or_an_error_of_ours(rbsp):
    try:
        found = list(sei.read_sei(NalUnit(b"\x06" + rbsp)))
    except codec.BitstreamError:
        return
    assert sum(len(one.payload) + 2 for one in found) <= len(rbsp)
