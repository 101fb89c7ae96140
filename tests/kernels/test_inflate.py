"""The inflater gives what zlib gives, refuses what zlib refuses, and writes nowhere else."""

import random
import zlib

import numpy as np
import pytest
from codec.formats._png import inflate, read
from h264_samples import LEVELS

from codec import _core, cpu

STRATEGIES = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]
GUARD = 64


def contents(size):
    """Of kinds that give streams with few and many literals, near and far matches, and codes longer than the table."""
    rng = np.random.default_rng(size)
    yield rng.integers(0, 256, size, np.uint8)
    yield rng.geometric(0.2, size).astype(np.uint8)
    yield (rng.laplace(0, 6, size).astype(np.int64) & 255).astype(np.uint8)
    yield np.resize(rng.integers(0, 256, 1 + size % 37, np.uint8), size)
    yield np.where(rng.random(size) < 0.01, rng.integers(0, 256, size), np.resize(np.arange(3), size)).astype(np.uint8)
    yield np.minimum(rng.pareto(0.7, size), 255).astype(np.uint8)


def compressed(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, window=15, memory=8):
    packer = zlib.compressobj(level, zlib.DEFLATED, window, memory, strategy)
    return packer.compress(data) + packer.flush()


def inflated(stream, size, level, step=1):
    """What `inflate` makes of it, or None; bytes around the output stay as they are."""
    room = bytearray(b"\xa5" * (size + 2 * GUARD))
    with cpu.force(_core.CPU_LADDER[level]):
        sound = inflate(stream, memoryview(room)[GUARD : GUARD + size], step)
    assert room[:GUARD] == room[GUARD + size :] == b"\xa5" * GUARD
    return bytes(room[GUARD : GUARD + size]) if sound else None


def verdict(stream, size):
    """What zlib makes of it."""
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(stream, size + 1)
    except zlib.error:
        return None
    return found if reader.eof and len(found) == size else None


@pytest.mark.skipif(LEVELS == (0,), reason="no vector instructions here, or they are switched off")
def test_a_variant_exists_where_the_machine_has_vectors():
    with cpu.force(_core.CPU_LADDER[LEVELS[-1]]):
        assert cpu.kernels()["inflate"] == _core.CPU_LADDER[LEVELS[-1]]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_streams_of_zlib(level, strategy):
    for size in (*range(1, 40), 255, 256, 257, 299, 300, 301, 511, 1000, 4099):
        for data in contents(size):
            data = data.tobytes()
            for effort in (0, 1, 4, 6, 9) if size > 38 else (6,):
                assert inflated(compressed(data, effort, strategy), size, level) == data, (size, effort)


@pytest.mark.parametrize("level", LEVELS)
def test_long_streams(level):
    """Several blocks, and matches from as far as 32 kB."""
    for number, data in enumerate(contents(150_001)):
        data = data.tobytes()
        for window in (9 + number, 15):
            for memory in (1, 9):
                assert inflated(compressed(data, 6, window=window, memory=memory), len(data), level) == data
    for data in contents(70_000):
        twice = data[:32_768].tobytes() * 2 + data.tobytes()
        assert inflated(compressed(twice, 9), len(twice), level) == twice


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED])
def test_every_truncation_is_refused(level, strategy):
    for data in contents(400):
        stream = compressed(data.tobytes(), 6, strategy)
        assert all(inflated(stream[:end], 400, level) is None for end in range(len(stream)))
        assert inflated(stream + b"more", 400, level) == data.tobytes()


@pytest.mark.parametrize("level", LEVELS)
def test_another_size_is_refused(level):
    for data in contents(1000):
        stream = compressed(data.tobytes())
        assert all(inflated(stream, size, level) is None for size in (*range(1, 1000, 37), 998, 999, 1001, 1002, 5000))


@pytest.mark.parametrize("level", LEVELS)
def test_damaged_streams_are_judged_as_by_zlib(level):
    choose = random.Random(5)
    sound = 0
    for size in (3, 50, 700, 3000):
        for data in contents(size):
            for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED):
                stream = compressed(data.tobytes(), 9, strategy)
                for _ in range(25):
                    damaged = bytearray(stream)
                    for _ in range(choose.choice((1, 1, 2))):
                        at = choose.randrange(min(len(stream), choose.choice((3, 90, len(stream)))))
                        damaged[at] ^= 1 << choose.randrange(8)
                    found = inflated(damaged, size, level)
                    assert found == verdict(damaged, size), (size, strategy, bytes(damaged))
                    sound += found is not None
    assert sound < 60


class Bits:
    """Writes a stream, the first bit lowest (RFC 1951, 3.1.1)."""

    def __init__(self):
        self.value, self.count = 0, 0

    def put(self, value, bits):
        self.value |= value << self.count
        self.count += bits
        return self

    def stream(self, data=b""):
        body = self.value.to_bytes((self.count + 7) // 8, "little")
        return b"\x78\x9c" + body + zlib.adler32(data).to_bytes(4, "big")


ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


def dynamic(litlen, dist, of_lengths=None, hlit=None, hdist=None):
    """The header of a last block with codes of these lengths, each written as a code of four bits by default."""
    of_lengths = of_lengths or dict.fromkeys(range(16), 4)
    codes, code = {}, 0
    for bits in range(1, 8):
        for symbol in sorted(of_lengths):
            if of_lengths[symbol] == bits:
                codes[symbol] = int(f"{code:0{bits}b}"[::-1], 2), bits
                code += 1
        code <<= 1
    made = Bits().put(1, 1).put(2, 2)
    made.put(len(litlen) - 257 if hlit is None else hlit, 5).put(len(dist) - 1 if hdist is None else hdist, 5)
    made.put(19 - 4, 4)
    for symbol in ORDER:
        made.put(of_lengths.get(symbol, 0), 3)
    for length in (*litlen, *dist):
        made.put(*codes[length])
    return made


ONE_AND_END = [0] * 65 + [1] + [0] * 190 + [1]  # the literal A is 0, the end 1
AND_LENGTH_3 = [0] * 65 + [1] + [0] * 190 + [2, 2]  # the end is 01, read from the first bit 10; the length 11


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (dynamic(ONE_AND_END, [0]).put(0, 1).put(1, 1), b"A"),  # no distances at all
        (dynamic(ONE_AND_END, [1]).put(0, 1).put(1, 1), b"A"),  # an incomplete code of one
        (dynamic(AND_LENGTH_3, [1]).put(0, 1).put(3, 2).put(0, 1).put(1, 2), b"AAAA"),
        (dynamic(AND_LENGTH_3, [1]).put(0, 1).put(3, 2).put(1, 1).put(1, 2), None),  # a distance without a code
        (dynamic(AND_LENGTH_3, [0]).put(0, 1).put(3, 2).put(0, 1).put(1, 2), None),
        (dynamic(AND_LENGTH_3, [0, 1]).put(0, 1).put(3, 2).put(0, 1).put(1, 2), None),  # before the first byte
        (dynamic(ONE_AND_END, [2]).put(0, 1).put(1, 1), None),  # incomplete
        (dynamic(ONE_AND_END, [1, 1, 1]).put(0, 1).put(1, 1), None),  # over-subscribed
        (dynamic([0] * 65 + [2] + [0] * 190 + [1], [1]).put(1, 2).put(0, 1), None),  # incomplete
        (dynamic([1] * 3 + [0] * 253 + [1], [1]).put(0, 1), None),
        (dynamic([0] * 65 + [1] + [0] * 191, [1]).put(0, 1), None),  # no end
        (dynamic(ONE_AND_END + [0] * 30, [1]).put(0, 1).put(1, 1), None),  # HLIT 287
        (dynamic(ONE_AND_END, [1] + [0] * 30).put(0, 1).put(1, 1), None),  # HDIST 31
        (dynamic(ONE_AND_END, [0], {0: 2, 1: 2}).put(0, 1).put(1, 1), None),  # lengths with an incomplete code
        (dynamic([], [], dict.fromkeys((16, 17), 1), 0, 0).put(0, 1), None),  # repeats what was not
        (
            dynamic([], [], dict.fromkeys((18, 1), 1), 0, 0).put(1 + (127 << 1), 8).put(1 + (127 << 1), 8),
            None,
        ),  # too many
        (Bits().put(1, 1).put(3, 2), None),  # block type 3
        (Bits().put(1, 1).put(1, 2).put(0b10001110, 8).put(0, 7), b"A"),  # fixed: 65 is 01110001, the end 0000000
    ],
)
def test_crafted_streams_are_judged_as_by_zlib(stream, data, level):
    stream = stream.stream(data or b"AAAA")
    for size in (1, 4):
        assert inflated(stream, size, level) == verdict(stream, size) == (data if data and len(data) == size else None)


@pytest.mark.parametrize("level", LEVELS)
def test_headers(level):
    """RFC 1950, 2.2."""
    body = compressed(b"abc")[2:]
    for first in range(256):
        for second in range(256):
            if (first & 15 == 8 or second < 8) and (256 * first + second) % 31 in (0, 1):
                stream = bytes((first, second)) + body
                assert inflated(stream, 3, level) == verdict(stream, 3), (first, second)


@pytest.mark.parametrize("level", LEVELS)
def test_stored_blocks(level):
    data = bytes(range(256)) * 300
    stream = compressed(data, 0)
    assert inflated(stream, len(data), level) == data
    for at in range(2, 9):
        damaged = bytearray(stream)
        damaged[at] ^= 1
        assert inflated(damaged, len(data), level) == verdict(damaged, len(data))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("step", [1, 1000, 40_001, 140_000, 600_000])
def test_bands_of_any_size(level, step):
    """Matches and stored blocks go on from band to band."""
    for data in contents(500_003):
        for strategy, effort in ((zlib.Z_DEFAULT_STRATEGY, 1), (zlib.Z_RLE, 6), (zlib.Z_DEFAULT_STRATEGY, 0)):
            stream = compressed(data.tobytes(), effort, strategy)
            assert inflated(stream, data.size, level, step) == data.tobytes()
            assert inflated(stream, data.size - 1, level, step) is None
            assert inflated(stream, data.size + 1, level, step) is None


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("rows", "row_bytes"), [(1, 3), (2, 300_000), (700, 600), (5, 60_000), (100_000, 3)])
def test_rows_of_many_bands(level, rows, row_bytes):
    """The filter Up: sums down the columns."""
    data = np.random.default_rng(rows).integers(0, 3, (rows, row_bytes), np.uint8)
    stream = compressed(np.insert(data, 0, 2, 1).tobytes(), 1)
    with cpu.force(_core.CPU_LADDER[level]):
        assert read(stream, rows, row_bytes, 3) == np.cumsum(data, 0, np.uint8).tobytes()
        wrong = np.insert(data, 0, 2, 1)
        wrong[-1, 0] = 5
        assert read(compressed(wrong.tobytes(), 1), rows, row_bytes, 3) is None


def test_sizes_are_checked():
    out = bytearray(3)
    assert not inflate(b"", out) and not inflate(compressed(b"abc"), bytearray())
    assert inflate(compressed(b"abc"), out) and out == b"abc"
    assert read(b"", 1, 1, 1) is None
    for sizes in ((0, 3, 3), (1, 0, 3), (1, 3, 0), (1, 5, 5), (1, 4, 3)):
        with pytest.raises(ValueError):
            read(compressed(b"abc"), *sizes)
    with pytest.raises(ValueError):
        inflate(compressed(b"abc"), out, 0)


def bytes_of(bits):
    return int(bits[::-1], 2).to_bytes(-(-len(bits) // 8), "little")


@pytest.mark.parametrize("level", LEVELS)
def test_blocks_of_fixed_codes_around_one_of_its_own(level):
    """Many are empty: 10 bits. They are not worth tables of their own."""
    empty, text = "0100000000" * 20_000, "110" + "".join(f"{0x30 + byte:08b}" for byte in b"abc") + "0" * 7
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    middle = packer.compress(bytes(range(200)) * 3 + b"skewed" * 50) + packer.flush(zlib.Z_FULL_FLUSH)
    for body in (
        bytes_of(empty + text),
        bytes_of(empty + "000") + b"\0\0\xff\xff" + middle + bytes_of(empty + text),
    ):
        expected = zlib.decompress(body, -15)
        stream = b"\x78\x9c" + body + zlib.adler32(expected).to_bytes(4, "big")
        assert inflated(stream, len(expected), level) == expected


@pytest.mark.parametrize(
    ("rows", "row_bytes"), [(2**31 - 1, 4 * (2**31 - 1)), (2**31, 2**32), (2**62, 4), (100_000, 400_000)]
)
def test_sizes_that_no_stream_of_this_length_fills(rows, row_bytes):
    """Refused before memory is taken."""
    assert read(compressed(bytes(1000)), rows, row_bytes, 4) is None
