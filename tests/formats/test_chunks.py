"""The chunks of PNG files are found as the naive walk finds them, and nothing beyond the data is read."""

import random
import struct
import zlib

import pytest
from codec.formats._png import Chunk, chunks, stream
from h264_samples import LEVELS

from codec import _core, cpu
from codec.formats.chunks import PICTURE, Header, header

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FIELDS = struct.pack(">2I5B", 3, 2, 8, 6, 0, 0, 0)
OTHER = (b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT")
AT_LEVELS = pytest.mark.parametrize("level", [_core.CPU_LADDER[level] for level in LEVELS])


def chunk(kind, content=b"", *, size=None, wrong=0):
    checksum = zlib.crc32(kind + content) ^ wrong
    return struct.pack(">I", len(content) if size is None else size) + kind + content + struct.pack(">I", checksum)


IHDR, IEND = chunk(b"IHDR", FIELDS), chunk(b"IEND")
USUAL = SIGNATURE + IHDR + chunk(b"gAMA", b"1234") + chunk(b"IDAT", b"abc") + chunk(b"IDAT", b"defg") + IEND


def walked(data, at=8):
    """[(kind, content, offset, whether the checksum is right)] up to IEND or what is not whole."""
    found = []
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if at + 12 + size > len(data):
            break
        content, stored = data[at + 8 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        found.append((kind, content, at, zlib.crc32(kind + content) == int.from_bytes(stored, "big")))
        if kind == b"IEND":
            break
        at += 12 + size
    return found


def joined(data):
    """What IDAT holds of a usual file, or None."""
    behind = walked(data, PICTURE)
    kinds = [kind for kind, *_ in behind]
    if not kinds or kinds[-1] != b"IEND" or not all(sound for *_, sound in behind) or set(OTHER) & set(kinds):
        return None
    if b"IDAT" not in kinds or set(kinds[kinds.index(b"IDAT") : -1]) != {b"IDAT"}:
        return None
    return b"".join(content for kind, content, *_ in behind if kind == b"IDAT")


def check(data):
    """`chunks` and `stream` give what the naive walk gives."""
    assert [(each.kind, each.content, each.offset, each.is_sound) for each in chunks(data)] == walked(data)
    assert all(each.size == len(each.content) for each in chunks(data))
    made = stream(data, PICTURE)
    assert (None if made is None else bytes(made)) == joined(data)
    return made


@AT_LEVELS
def test_usual_files(level):
    with cpu.force(level):
        assert check(USUAL) == b"abcdefg"
        assert check(SIGNATURE + IHDR + chunk(b"IDAT", b"abc") + IEND) == b"abc"
        assert check(SIGNATURE + IHDR + chunk(b"IDAT") + IEND + b"behind") == b""
        assert header(USUAL) == Header(3, 2, 8, 6, 0, 0, 0)


@AT_LEVELS
def test_data_that_ends_anywhere(level):
    with cpu.force(level):
        for size in range(len(USUAL)):
            assert check(USUAL[:size]) is None
            assert (header(USUAL[:size]) is None) == (size < PICTURE)


@pytest.mark.parametrize("size", range(41))
@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_data_without_chunks(size, byte):
    for data in (byte * size, (SIGNATURE + byte * size)[:size]):
        assert check(data) is None and header(data) is None


@pytest.mark.parametrize("size", [1, 4, 12, 2**31 - 1, 2**31, 2**31 + 20, 2**32 - 13, 2**32 - 12, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"IHDR", b"tEXt", b"IDAT", b"IEND"])
def test_a_size_past_the_end(size, kind):
    long = chunk(kind, size=size)
    assert check(SIGNATURE + IHDR + chunk(b"IDAT", b"abc") + long) is None
    assert header(SIGNATURE + long + IHDR) is None
    assert [each.kind for each in chunks(SIGNATURE + long)] == []
    assert [each.kind for each in chunks(SIGNATURE + IHDR + long)] == [b"IHDR"]


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_chunk_that_just_fits(spare):
    data = SIGNATURE + IHDR + chunk(b"IDAT", bytes(100), size=100 - spare)
    assert len(walked(data)) == (1 if spare < 0 else 2)
    assert check(data) is None


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [chunk(b"IDAT", b"abc")],  # no IEND
        [IEND],  # no IDAT
        [chunk(b"IDAT", b"abc"), chunk(b"tEXt", b"a\0b"), IEND],
        [chunk(b"IDAT", b"abc"), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", b"abc"), IEND],
        [chunk(b"IDAT", b"abc", wrong=1), IEND],
        [chunk(b"tEXt", b"a\0b", wrong=1 << 31), chunk(b"IDAT", b"abc"), IEND],
        [chunk(b"IDAT", b"abc"), chunk(b"IEND", wrong=1)],
        *([chunk(kind, bytes(6)), chunk(b"IDAT", b"abc"), IEND] for kind in OTHER),
    ],
)
def test_files_that_are_not_usual(parts):
    assert check(SIGNATURE + IHDR + b"".join(parts)) is None


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + chunk(b"IHDR", FIELDS, wrong=1) + IEND,
        SIGNATURE + chunk(b"IHDR", FIELDS[:-1]) + IEND,
        SIGNATURE + chunk(b"IHDR", FIELDS + b"\0") + IEND,
        SIGNATURE + chunk(b"tEXt", b"a\0b") + IHDR + IEND,
        b"\x89PNG\r\n\x1a\r" + IHDR + IEND,
    ],
)
def test_headers_that_are_not_sound(data):
    check(data)
    assert header(data) is None


@AT_LEVELS
def test_files_of_random_chunks(level):
    choose = random.Random(7)
    kinds = (b"IDAT", b"IDAT", b"IDAT", b"tEXt", b"IEND", b"PLTE")
    with cpu.force(level):
        for _ in range(300):
            parts = [
                chunk(choose.choice(kinds), choose.randbytes(choose.randrange(200)), wrong=choose.random() < 0.05)
                for _ in range(choose.randrange(6))
            ]
            data = SIGNATURE + IHDR + b"".join([*parts, IEND])
            check(data)
            check(data[: choose.randrange(len(data))])


def test_chunks_are_made_by_the_walk_alone():
    with pytest.raises(TypeError):
        _ = Chunk().content
    with pytest.raises(TypeError):
        _ = Chunk().is_sound
    for data in (bytearray(USUAL), memoryview(USUAL), None):
        with pytest.raises(TypeError):
            stream(data, PICTURE)
        with pytest.raises(TypeError):
            list(chunks(data))


@pytest.mark.parametrize("at", [len(USUAL) - 12, len(USUAL) - 11, len(USUAL), 2**31, 2**63, 2**64 - 12, 2**64 - 1])
def test_a_walk_that_begins_behind_the_data(at):
    assert stream(USUAL, at) is None
