"""NAL units from byte streams and samples, and back (7.3.1, Annex B)."""

import re

import pytest
from codec.h264.stream._start_codes import find_zeros
from hypothesis import given
from hypothesis import strategies as st

import codec
from codec.h264.stream import nal as nals

payloads = st.lists(st.sampled_from((0, 0, 0, 1, 2, 3, 4, 255)), max_size=40).map(bytes)
zeros_and_ones = st.tuples(payloads, st.sampled_from((b"\x80", b"\1", b"\x80\0\0", b"\x80\0\0\0\0"))).map(b"".join)


def remove_byte_by_byte(payload):
    """7.3.1 literally: at 0, 0, 3 keep two bytes and skip the third."""
    out, i = bytearray(), 0
    while i < len(payload):
        if payload[i : i + 3] == b"\0\0\3":
            out += payload[i : i + 2]
            i += 3
        else:
            out.append(payload[i])
            i += 1
    return bytes(out)


@given(payloads)
def test_emulation_prevention_is_removed_from_the_left(payload):
    assert nals.unescape(payload) == remove_byte_by_byte(payload)


@given(zeros_and_ones)
def test_emulation_prevention_hides_every_start_code_and_is_removed_again(rbsp):
    escaped = nals.escape(rbsp)
    assert not re.search(rb"\0\0[\0-\2]", escaped) and not escaped.endswith(b"\0")
    assert nals.unescape(escaped) == rbsp


@given(
    st.lists(st.sampled_from((bytes(1), bytes(2), b"\1", b"\3", b"\x01\x80\xff" * 5)), max_size=40).map(b"".join),
    st.integers(0, 3),
    st.integers(-2, 70),
)
def test_two_zeros_and_a_byte_are_found_where_they_begin(data, last, start):
    assert find_zeros(data, last, start) == data.find(bytes([0, 0, last]), max(start, 0))


nal_units = st.lists(st.tuples(st.integers(1, 31), zeros_and_ones), max_size=6).map(
    lambda some: [nals.write_nal(kind, 1, rbsp) for kind, rbsp in some]
)


@given(nal_units, st.lists(st.integers(0, 7), min_size=1), st.integers(0, 3))
def test_chunks_of_any_size_give_the_same_nal_units(units, sizes, zeros):
    data = b"".join(b"\0" * (i % (zeros + 1)) + b"\0\0\1" + unit + b"\0" * zeros for i, unit in enumerate(units))
    stream, found, at = nals.ByteStream(), [], 0
    for i in range(2 * len(data) + 2):
        found += stream.feed(data[at : at + sizes[i % len(sizes)]])
        at += sizes[i % len(sizes)]
    found += stream.feed(data[at:]) + stream.flush()
    assert [nal.data for nal in found] == units
    assert [nal.index for nal in found] == list(range(len(units)))
    assert all(
        data[nal.offset : nal.offset + len(nal.data)] == nal.data and data[nal.offset - 3 : nal.offset] == b"\0\0\1"
        for nal in found
    )


@given(zeros_and_ones)
def test_the_place_of_an_rbsp_byte_is_its_offset_in_the_stream(rbsp):
    nal = nals.NalUnit(nals.write_nal(7, 3, rbsp), offset=100)
    assert nal.rbsp == rbsp
    for i, byte in enumerate(rbsp):
        assert nal.data[nal.place(i) - 100] == byte


def test_data_without_a_start_code_is_refused_or_skipped():
    with pytest.raises(codec.BitstreamError, match="B.1.1"):
        nals.split_byte_stream(b"RIFF\0\0\0\0AVI ")
    with pytest.raises(codec.BitstreamError, match="B.1.1"):
        nals.split_byte_stream(b"\1\0\0\1\x09")
    assert [nal.data for nal in nals.split_byte_stream(b"garbage\0\0\1\x09", strict=False)] == [b"\x09"]
    assert nals.split_byte_stream(b"") == nals.split_byte_stream(b"\0\0\0") == []


def test_a_nal_unit_without_end_is_bounded():
    limits = codec.Limits(nal_bytes=1000)
    stream = nals.ByteStream(limits)
    stream.feed(b"\0\0\1")
    with pytest.raises(codec.LimitError, match="nal_bytes"):
        for _ in range(20):
            stream.feed(b"\x41" * 100)
    with pytest.raises(codec.LimitError, match="nal_bytes"):
        nals.split_byte_stream(b"\0\0\1" + b"\x41" * 1001 + b"\0\0\1\x09", limits)


@given(nal_units, st.integers(1, 4))
def test_samples_are_split_by_their_lengths(units, length_bytes):
    sample = b"".join(len(unit).to_bytes(length_bytes, "big") + unit for unit in units)
    found = list(nals.split_sample(sample, length_bytes, offset=7, index=3))
    assert [nal.data for nal in found] == units and [nal.index for nal in found] == [3 + i for i in range(len(units))]
    assert all(sample[nal.offset - 7 :].startswith(nal.data) for nal in found)


def test_a_sample_that_ends_in_a_nal_unit_is_truncated():
    with pytest.raises(codec.TruncatedError, match="14496-15") as caught:
        list(nals.split_sample(b"\0\0\0\2\x09", 4, offset=50))
    assert caught.value.offset == 54


def test_avcc_is_read_as_it_is_written():
    sets = [b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c\x80", b"\x68\xee"]
    record = nals.read_avcc(nals.write_avcc(sets, 2))
    assert record.parameter_sets == tuple(sets) and record.length_bytes == 2
    assert (record.AVCProfileIndication, record.profile_compatibility, record.AVCLevelIndication) == (0x64, 0, 0x1F)


def test_every_truncation_of_avcc_is_an_error_or_shorter():
    data = nals.write_avcc([b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c\x80"])
    for end in range(len(data)):
        with pytest.raises(codec.BitstreamError, match="14496-15"):
            nals.read_avcc(data[:end])
