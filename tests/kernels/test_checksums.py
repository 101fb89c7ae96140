"""CRC-32 is that of zlib, of any bytes at any address, in one piece and in many."""

import random
import zlib

import numpy as np
import pytest
from codec.formats._png import crc32
from h264_samples import LEVELS

from codec import _core, cpu

MOST = 1100
DATA = np.random.default_rng(32).integers(0, 256, MOST + 64, np.uint8).tobytes()
AT_LEVELS = pytest.mark.parametrize("level", [_core.CPU_LADDER[level] for level in LEVELS])


@pytest.mark.skipif(LEVELS == (0,), reason="no vector instructions here, or they are switched off")
def test_a_variant_exists_where_the_machine_has_vectors():
    with cpu.force(_core.CPU_LADDER[LEVELS[-1]]):
        assert cpu.kernels()["crc32"] == _core.CPU_LADDER[LEVELS[-1]]


def naive(data, value):
    """Bit by bit (PNG annex D)."""
    value ^= 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@AT_LEVELS
def test_the_definition(level):
    with cpu.force(level):
        assert crc32(b"123456789") == 0xCBF43926
        for size in (0, 1, 9, 63, 64, 65, 131, 300):
            assert crc32(DATA[:size], 0x12345678) == naive(DATA[:size], 0x12345678)


@AT_LEVELS
def test_all_lengths(level):
    with cpu.force(level):
        for size in range(MOST + 1):
            for value in (0, 0xFFFFFFFF, 0x80000000 + size):
                assert crc32(DATA[size % 64 :][:size], value) == zlib.crc32(DATA[size % 64 :][:size], value), size


@AT_LEVELS
def test_each_bit_alone(level):
    """The sum is linear: what is wrong is wrong for a bit alone."""
    with cpu.force(level):
        for size in (64, 96, 150):
            for bit in range(8 * size):
                data = (1 << bit).to_bytes(size, "little")
                assert crc32(data) == zlib.crc32(data), (size, bit)


@AT_LEVELS
def test_all_alignments(level):
    view = memoryview(DATA)
    with cpu.force(level):
        for at in range(64):
            for size in (1, 15, 64, 255, 1024):
                assert crc32(view[at : at + size]) == zlib.crc32(view[at : at + size]), (at, size)


@AT_LEVELS
def test_nothing_outside_of_the_bytes_counts(level):
    with cpu.force(level):
        for size in (0, 1, 16, 63, 64, 79, 80, 200, 1000):
            for guard in (b"\x00", b"\xa5"):
                room = bytearray(guard * (size + 128))
                room[64 : 64 + size] = DATA[:size]
                assert crc32(memoryview(room)[64 : 64 + size]) == zlib.crc32(DATA[:size])


@AT_LEVELS
def test_pieces_give_the_sum_of_the_whole(level):
    choose = random.Random(level)
    with cpu.force(level):
        for _ in range(300):
            size = choose.randrange(MOST)
            cuts = sorted(choose.randrange(size + 1) for _ in range(choose.randrange(5)))
            value = 0
            for begin, end in zip([0, *cuts], [*cuts, size]):
                value = crc32(DATA[begin:end], value)
            assert value == zlib.crc32(DATA[:size]), cuts
