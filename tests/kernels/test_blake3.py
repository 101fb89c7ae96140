"""BLAKE3 equals the words of its paper, on every level of instructions, however its bytes are cut."""

import random
import struct

import pytest
from codec.batch._blake3 import PIECE_BYTES, Blake3
from h264_samples import LEVELS

from codec import _core, cpu

AT_LEVELS = pytest.mark.parametrize("level", [_core.CPU_LADDER[level] for level in LEVELS])
DATA = bytes(i % 251 for i in range(PIECE_BYTES + 5000))
# By the program of its authors: of the first bytes of DATA
KNOWN = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    102400: "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
    PIECE_BYTES: "74cb441fd087764ca9c3694da742ebe30cbeb3060a17009ca81825c7a8d10343",
    len(DATA): "3679bba23c226038f5163ba1288059f6b0b79674bfadf31c452007648b1e92be",
}
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
COLUMNS_AND_DIAGONALS = [
    *((k, 4 + k, 8 + k, 12 + k) for k in range(4)),
    *((k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4) for k in range(4)),
]
START, END, PARENT, ROOT = 1, 2, 4, 8


def compressed(h, block, counter, flags):
    m = struct.unpack("<16I", block.ljust(64, b"\0"))
    v = [*h, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, len(block), flags]
    for _ in range(7):
        for k, (a, b, c, d) in enumerate(COLUMNS_AND_DIAGONALS):
            for word, right_d, right_b in ((m[2 * k], 16, 12), (m[2 * k + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                v[d] = rotated(v[d] ^ v[a], right_d)
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                v[b] = rotated(v[b] ^ v[c], right_b)
        m = [m[place] for place in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def rotated(v, right):
    return (v >> right | v << (32 - right)) & 0xFFFFFFFF


def naive(data, chunk=0, root=ROOT):
    """The hash; the left side of a tree is full, and has more than half of its chunks."""
    if len(data) > 1024:
        left = 1024 << ((len(data) - 1) // 1024).bit_length() - 1
        pair = naive(data[:left], chunk, 0) + naive(data[left:], chunk + left // 1024, 0)
        return struct.pack("<8I", *compressed(IV, pair, 0, PARENT | root))
    h, places = IV, range(0, max(len(data), 1), 64)
    for at in places:
        ends = END | root if at == places[-1] else 0
        h = compressed(h, data[at : at + 64], chunk, (START if at == 0 else 0) | ends)
    return struct.pack("<8I", *h)


def hashed(*parts):
    made = Blake3()
    for part in parts:
        made.update(part)
    return made.digest()


@pytest.mark.skipif(LEVELS == (0,), reason="no vector instructions here, or they are switched off")
def test_a_variant_exists_where_the_machine_has_vectors():
    with cpu.force(_core.CPU_LADDER[LEVELS[-1]]):
        assert cpu.kernels()["blake3"] == _core.CPU_LADDER[LEVELS[-1]]


@pytest.mark.parametrize("size", KNOWN)
@AT_LEVELS
def test_known_hashes(size, level):
    with cpu.force(level):
        assert hashed(DATA[:size]).hex() == KNOWN[size]


@AT_LEVELS
def test_any_number_of_bytes(level):
    rng = random.Random(3)
    sizes = [2, 63, 64, 65, 127, 1023, 2048, 2049, 8191, 8192, 8193, 16384, 17 * 1024, 31 * 1024 + 7, 33_000]
    with cpu.force(level):
        for size in sizes:
            data = rng.randbytes(size)
            assert hashed(data) == naive(data), size


@AT_LEVELS
@pytest.mark.parametrize("step", [777_777, PIECE_BYTES, 2 * PIECE_BYTES])
def test_pieces_count_on_where_they_were_cut(level, step):
    with cpu.force(level):
        for size in (PIECE_BYTES, len(DATA)):
            parts = (DATA[at : min(at + step, size)] for at in range(0, size, step))
            assert hashed(*parts).hex() == KNOWN[size]


def test_it_goes_on_behind_a_digest():
    made = Blake3()
    made.update(DATA[:PIECE_BYTES])
    assert made.digest().hex() == KNOWN[PIECE_BYTES]
    made.update(DATA[PIECE_BYTES:])
    assert made.digest().hex() == made.digest().hex() == KNOWN[len(DATA)]
