"""The reader of usual PNG files gives what Pillow gives, and leaves to it what is damaged."""

import io
import random
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from codec.formats._png import unfilter
from PIL import Image, PngImagePlugin

import codec
from codec import _core, cpu
from codec.errors import CodecError
from codec.formats import chunks, plain_png
from codec.formats.pictures import load, pixels_of
from codec.limits import Limits

RNG = np.random.default_rng(6)


def file_of(pixels, filters=None, interlace=0, level=6, extra=(), behind=()):
    """A PNG written here, row by row with the filter types `filters`; chunks before and behind IDAT."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows = pixels.reshape(height, width * channels)
    body = b"".join(
        filtered(rows, y, 0 if filters is None else filters[y % len(filters)], channels) for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, interlace)
    data = zlib.compress(body, level)
    parts = [(b"IHDR", head), *extra, (b"IDAT", data[:7]), (b"IDAT", b""), (b"IDAT", data[7:]), *behind, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def filtered(rows, y, kind, bpp):
    """A row behind its filter type, by the definition in PNG 9.2."""
    at = lambda y, x: int(rows[y, x]) if y >= 0 and x >= 0 else 0
    made = bytearray([kind])
    for x in range(rows.shape[1]):
        a, b, c = at(y, x - bpp), at(y - 1, x), at(y - 1, x - bpp)
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        made.append((at(y, x) - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(made)


@pytest.mark.parametrize("level", [_core.CPU_LADDER[level] for level in _core.BUILT_LEVELS])
@pytest.mark.parametrize("bpp", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("width", [1, 5, 15, 16, 17, 18, 37])
def test_filters_are_undone_at_any_level(level, bpp, width):
    """Vector kernels take four rows at once, whatever their filters, and the rest one by one."""
    kinds = RNG.permutation([3, 4, 0, 1, 2, 4, 4, 4, 4, 3, 3, 3, 3, 1, 1, 1, 1, 4, 2, 0, 1, 3, 4])
    rows = RNG.integers(0, 256, (len(kinds), width * bpp), np.uint8)
    data = b"".join(filtered(rows, y, kind, bpp) for y, kind in enumerate(kinds))
    with cpu.force(level):
        assert unfilter(data, *rows.shape, bpp) == rows.tobytes()
        for y in range(len(kinds)):
            damaged = bytearray(data)
            damaged[y * (1 + width * bpp)] = 5
            assert unfilter(damaged, *rows.shape, bpp) is None


def wide_png(pixels, color=2, *extra, interlace=0):
    """A PNG of 16 bits per sample, each row by another filter."""
    rows = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(len(pixels), -1)
    body = b"".join(filtered(rows, y, y % 5, 2 * pixels.shape[2]) for y in range(len(rows)))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, color, 0, 0, interlace)
    parts = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_colour_of_16_bits():
    pixels = RNG.integers(0, 65536, (12, 9, 3), np.uint16)
    data = wide_png(pixels)
    assert np.array_equal(np.asarray(plain_png.deep(data)).view(">u2"), pixels)
    found = load(data, deep=True)
    assert found.pixels.dtype == np.uint16 and np.array_equal(found.pixels, pixels) and found.warnings == ()
    shallow = load(data)
    assert np.array_equal(shallow.pixels, pixels >> 8) and "reduced to 8 bits" in shallow.warnings[0]


def test_what_is_left_to_pillow_has_8_bits():
    pixels = RNG.integers(0, 65536, (6, 5, 4), np.uint16)
    good = wide_png(pixels[..., :3])
    damaged = bytearray(good)
    damaged[-20] ^= 1
    clear = (b"tRNS", bytes(6))
    for data in (
        wide_png(pixels, 6), wide_png(pixels[..., :3], 2, clear), wide_png(pixels[..., :3], interlace=1),
        bytes(damaged), good[:-30], b"", b"GIF89a",
    ):  # fmt: skip
        assert plain_png.deep(data) is None
    assert load(wide_png(pixels, 6), alpha=True, deep=True).pixels.dtype == np.uint8


@pytest.mark.parametrize("bpp", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("first", range(5))
def test_filters_are_undone(bpp, first):
    rows = RNG.integers(0, 256, (11, 7 * bpp), np.uint8)
    data = b"".join(filtered(rows, y, (first + y) % 5, bpp) for y in range(11))
    assert unfilter(data, 11, 7 * bpp, bpp) == rows.tobytes()
    assert unfilter(b"\x05" + data[1:], 11, 7 * bpp, bpp) is None
    with pytest.raises(ValueError):
        unfilter(np.zeros(10, np.uint8), 11, 7 * bpp, bpp)


@pytest.mark.parametrize("shape", [(1, 1), (9, 14), (9, 14, 2), (9, 14, 3), (9, 14, 4), (1, 300, 3), (300, 1, 4)])
@pytest.mark.parametrize("level", [0, 9])
def test_pixels_are_those_of_pillow(shape, level):
    pixels = RNG.integers(0, 9, shape, np.uint8)
    data = file_of(pixels, range(5), level=level, extra=[(b"tEXt", b"a\0b")])
    made = plain_png.samples(data)
    assert made.format == "B" and not made.readonly and np.array_equal(made, pixels)
    assert np.array_equal(made, np.asarray(Image.open(io.BytesIO(data))))


PIXELS = RNG.integers(0, 256, (8, 8, 3), np.uint8)


def test_idat_may_be_split_anywhere():
    data = file_of(PIXELS, range(5))
    parts = [(each.kind, each.content) for each in chunks.chunks(data)]
    whole = b"".join(content for kind, content in parts if kind == b"IDAT")
    for at in range(len(whole) + 1):
        split = [parts[0], (b"IDAT", whole[:at]), (b"IDAT", whole[at:]), parts[-1]]
        assert np.array_equal(plain_png.samples(data[:8] + b"".join(chunk(*part) for part in split)), PIXELS), at


def test_more_or_fewer_rows_than_the_header_states_are_left_to_pillow():
    data = file_of(PIXELS)
    for height in (7, 9):
        head = data[16:20] + height.to_bytes(4, "big") + data[24:29]
        assert plain_png.samples(data[:8] + chunk(b"IHDR", head) + data[33:]) is None


@pytest.mark.parametrize("mode", ["P", "1", "I;16"])
def test_other_kinds_are_left_to_pillow(mode):
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "PNG")
    assert plain_png.samples(buffer.getvalue()) is None


@pytest.mark.parametrize(
    "options",
    [
        {"interlace": 1},
        {"extra": [(b"tRNS", bytes(6))]},
        {"extra": [(b"acTL", struct.pack(">II", 1, 0))]},
        {"behind": [(b"tEXt", b"a\0b")]},
        {"extra": [(b"PLTE", bytes(3))]},
    ],
)
def test_files_of_other_kinds_are_left_to_pillow(options):
    assert plain_png.samples(file_of(PIXELS, **options)) is None


def test_text_behind_the_picture_is_kept():
    """Pillow reads it with the pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(PIXELS, behind=[(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))])
    assert load(data).metadata.exif


def test_damage_is_never_read_as_pixels():
    """Each byte of the file matters, but for the length of IEND's nothing."""
    data = file_of(PIXELS, range(5))
    for at in range(8, len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x11
        assert plain_png.samples(bytes(damaged)) is None, at
    assert all(plain_png.samples(data[:size]) is None for size in range(len(data)))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pictures_are_the_same_by_either_reader(mode, monkeypatch):
    image = Image.fromarray(RNG.integers(0, 256, (20, 30, 4), np.uint8), "RGBA").convert(mode)
    about, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    about.add_itxt("XML:com.adobe.xmp", "<x/>")
    image.save(buffer, "PNG", pnginfo=about, dpi=(300, 300), icc_profile=b"x" * 200)
    mine = load(buffer.getvalue(), alpha=True)
    monkeypatch.setattr(plain_png, "density", lambda data: None)
    monkeypatch.setattr(plain_png, "samples", lambda data: None)
    theirs = load(buffer.getvalue(), alpha=True)
    assert np.array_equal(mine.pixels, theirs.pixels) and mine.metadata == theirs.metadata
    assert (mine.alpha is None) == (theirs.alpha is None) == (mode in ("L", "RGB"))
    assert mine.alpha is None or np.array_equal(mine.alpha, theirs.alpha)
    assert mine.pixels.flags.c_contiguous and mine.warnings == theirs.warnings


GAMMA_3 = (b"gAMA", (33333).to_bytes(4, "big"))
EXIF_AS_TEXT = b"Raw profile type exif\0\nexif\n14\n" + (b"II*\0\x08" + bytes(9)).hex().encode()


@pytest.mark.parametrize(
    ("chunks", "described"),
    [
        ([], True),
        ([(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))], True),
        ([(b"pHYs", struct.pack(">IIB", 3, 2, 0))], True),
        ([(b"pHYs", struct.pack(">IIB", 2**32 - 1, 1, 1))], True),
        ([(b"tEXt", b"Comment\0a"), GAMMA_3, (b"tIME", bytes([7, 234, 1, 1, 1, 1, 1]))], True),
        ([(b"tEXt", EXIF_AS_TEXT)], False),
        ([(b"tEXt", b"XML:com.adobe.xmp\0<x/>")], False),
        ([(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")], False),
        ([(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0")], False),
        ([(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 200))], False),
        ([(b"prVt", b"a")], False),
    ],
)
def test_what_a_file_says_beside_its_pixels_is_the_same_by_either_reader(chunks, described, monkeypatch):
    """Files without a profile, EXIF or XMP need no Pillow."""
    data = file_of(PIXELS, extra=chunks)
    assert (plain_png.density(data) is not None) == described
    mine = load(data)
    monkeypatch.setattr(plain_png, "density", lambda data: None)
    monkeypatch.setattr(plain_png, "samples", lambda data: None)
    theirs = load(data)
    assert np.array_equal(mine.pixels, theirs.pixels)
    assert replace(mine, samples=None) == replace(theirs, samples=None)


def by_either_reader(data, monkeypatch):
    """What `load` gives or raises, with this reader and without it."""
    found = []
    for mine in (True, False):
        with monkeypatch.context() as patch:
            if not mine:
                patch.setattr(plain_png, "density", lambda data: None)
                patch.setattr(plain_png, "samples", lambda data: None)
            try:
                made = load(data, alpha=True, limits=Limits(pixels=1000))
                arrays = {
                    name: each if each is None else each.tolist()
                    for name, each in (("samples", made.samples), ("alpha", made.alpha))
                }
                found.append(replace(made, **arrays))
            except CodecError as error:
                # Beyond the limit, each reader names its own.
                found.append(
                    (type(error), "" if "exceeds limit" in str(error) or "allows" in str(error) else str(error))
                )
    return found


def header_of(width, height):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


@pytest.mark.parametrize(
    "first",
    [
        [(b"gAMA", (45455).to_bytes(4, "big")), header_of(8, 8)],  # Pillow reads it; no size is where IHDR's would be
        [(b"tEXt", header_of(9, 9)[1]), header_of(8, 8)],
        [header_of(4, 16), header_of(8, 8)],
        [header_of(8, 8), header_of(4, 16)],
        [header_of(2**31, 2**31), header_of(8, 8)],
        *([header_of(8, 8), (kind, content)] for kind, content in [
            (b"gAMA", bytes(3)), (b"cHRM", bytes(31)), (b"cHRM", bytes(33)), (b"sRGB", b""), (b"pHYs", bytes(8)),
            (b"gAMA", bytes(5)), (b"IHDR", b""), (b"CRIT", b"a"), (b"tIME", b""), (b"sBIT", b""), (b"cICP", b"\1"),
        ]),
    ],
)  # fmt: skip
def test_what_is_irregular_is_left_to_pillow(first, monkeypatch):
    data = file_of(PIXELS)
    data = data[:8] + b"".join(chunk(*part) for part in first) + data[33:]
    mine, theirs = by_either_reader(data, monkeypatch)
    assert mine == theirs


def test_a_header_with_a_wrong_checksum_has_no_size(monkeypatch):
    data = bytearray(file_of(PIXELS))
    data[16] = 0x7F
    mine, theirs = by_either_reader(bytes(data), monkeypatch)
    assert mine == theirs and chunks.header(bytes(data)) is None


def mutated(data, choose):
    """A file with bytes changed, cut off or added, or with chunks changed, twice, missing or in another order."""
    kind = choose.randrange(6)
    if kind == 0:
        return data[: choose.randrange(len(data))]
    if kind == 1:
        made = bytearray(data + bytes(3))
        made[choose.randrange(len(data))] = choose.randrange(256)
        return bytes(made)
    parts = [(each.kind, each.content) for each in chunks.chunks(data)]
    at = choose.randrange(len(parts))
    if kind == 2 and parts[at][1]:
        content = bytearray(parts[at][1])
        content[choose.randrange(len(content))] = choose.randrange(256)
        parts[at] = parts[at][0], bytes(content)
    elif kind == 3:
        parts.insert(at, choose.choice(parts))
    elif kind == 4:
        parts.pop(at)
    else:
        choose.shuffle(parts)
    return data[:8] + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 2), (5, 4, 3), (5, 4, 4)])
def test_mutated_files_give_the_same_by_either_reader(shape, monkeypatch):
    choose = random.Random(repr(shape))
    whole = file_of(
        RNG.integers(0, 256, shape, np.uint8), range(5), extra=[GAMMA_3, (b"pHYs", struct.pack(">IIB", 3, 2, 1))]
    )
    for number in range(150):
        data = mutated(whole, choose)
        mine, theirs = by_either_reader(data, monkeypatch)
        assert mine == theirs, (number, data)


def test_a_header_of_png_within_another_file_says_nothing():
    """The memory of a batch is shared out by it."""
    inner = struct.pack(">4s2I5B", b"IHDR", 1, 1, 8, 2, 0, 0, 0)
    comment = b"\0\0\0\r" + inner + struct.pack(">I", zlib.crc32(inner))
    picture = codec.encode(np.zeros((40, 50, 3), np.uint8))
    data = picture[:2] + b"\xff\xfe" + struct.pack(">H", 4 + len(comment)) + b"xx" + comment + picture[2:]
    assert data[8:16] == file_of(np.zeros((1, 1), np.uint8))[8:16]
    assert chunks.header(data) is None and pixels_of(data) == 2000
