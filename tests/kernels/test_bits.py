"""Bits to bytes and back: bit order, byte stuffing and padding of T.81 F.1.2.3."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec._core import pack_bits, unpack_bits
from codec.errors import ParameterError

FIELDS = st.lists(st.integers(0, 32).flatmap(lambda n: st.tuples(st.integers(0, 2**n - 1), st.just(n))), max_size=200)
READABLE = st.lists(
    st.integers(1, 16).flatmap(lambda n: st.tuples(st.integers(0, 2**n - 1) | st.just(2**n - 1), st.just(n))),
    max_size=200,
)


def as_text(fields):
    return "".join(f"{value:0{n}b}" if n else "" for value, n in fields)


def stuffed(bits):
    """The bytes of F.1.2.3 for a string of zeros and ones."""
    bits += "1" * (-len(bits) % 8)
    return b"".join(
        b"\xff\0" if byte == 255 else bytes((byte,))
        for byte in (int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    )


@given(FIELDS)
def test_written_bytes_are_the_fields_in_order_stuffed_and_padded(fields):
    assert pack_bits([v for v, n in fields], [n for v, n in fields]) == stuffed(as_text(fields))


@given(READABLE)
def test_the_reader_gives_back_what_was_written(fields):
    values, lengths = [v for v, n in fields], [n for v, n in fields]
    assert unpack_bits(pack_bits(values, lengths), lengths).tolist() == values


@pytest.mark.parametrize("count", range(1, 70))
@pytest.mark.parametrize("n", [1, 7, 8, 9, 15, 16])
def test_ones_alone_are_stuffed_at_every_alignment(count, n):
    fields = [((1 << n) - 1, n)] * count
    data = pack_bits([v for v, _ in fields], [n] * count)
    assert data == b"\xff\0" * -(-count * n // 8)
    assert unpack_bits(data, [n] * count).tolist() == [(1 << n) - 1] * count


def test_nothing_written_is_nothing():
    assert pack_bits([], []) == b"" and unpack_bits(b"", []).size == 0


def test_fields_of_no_bits_leave_no_trace():
    assert pack_bits([0, 5, 0, 0], [0, 3, 0, 5]) == b"\xa0"


def test_a_full_byte_takes_no_padding():
    assert pack_bits([0x12, 0x34], [8, 8]) == b"\x12\x34"


def test_zeros_follow_the_end_of_the_data():
    assert unpack_bits(b"\xab", [8, 16, 16, 16, 16, 16, 16, 16]).tolist() == [0xAB] + [0] * 7


def test_a_long_stream_outgrows_the_first_buffer():
    values = np.random.default_rng(1).integers(0, 1 << 16, 50_000)
    assert unpack_bits(pack_bits(values, np.full(50_000, 16)), np.full(50_000, 16)).tolist() == values.tolist()


@pytest.mark.parametrize("values, lengths", [([1], [0]), ([4], [2]), ([1, 2], [8]), ([0], [33]), ([1 << 31], [31])])
def test_values_that_do_not_fit_are_refused(values, lengths):
    with pytest.raises(ParameterError, match="lengths in 0..32 that hold the values"):
        pack_bits(values, lengths)


@pytest.mark.parametrize("lengths", [[0], [17], [8, 0]])
def test_the_reader_reads_1_to_16_bits_at_a_time(lengths):
    with pytest.raises(ParameterError, match="lengths must be in 1..16"):
        unpack_bits(b"abc", lengths)
