"""Indexed PNG files: Pillow reads the given picture back, and bit depth and size are the smallest of all variants."""

import io
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from codec import quantize_colors
from codec.errors import MissingPackageError, ParameterError
from codec.palette import png, png8, write_png


def given_as(indices, palette):
    return SimpleNamespace(indices=np.asarray(indices), palette=np.asarray(palette, np.uint8))


def read(data):
    """RGBA; fully transparent pixels have no colour."""
    image = Image.open(io.BytesIO(data))
    image.verify()
    image = Image.open(io.BytesIO(data))
    assert image.mode in ("P", "1")
    pixels = np.array(image.convert("RGBA"))
    return pixels * (pixels[..., 3:] > 0)


def chunks(data):
    at, found = 8, {}
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert zlib.crc32(data[at + 4 : at + 8 + size]) == struct.unpack_from(">I", data, at + 8 + size)[0]
        found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def wanted(result):
    colors = (
        result.palette
        if result.palette.shape[1] == 4
        else np.column_stack([result.palette, np.full(len(result.palette), 255, np.uint8)])
    )
    pixels = colors[result.indices]
    return pixels * (pixels[..., 3:] > 0)


@given(st.integers(1, 256), st.sampled_from([3, 4]), st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_others_read_what_was_written(count, channels, height, width, seed):
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (count, channels))
    if channels == 4:
        palette[:, 3] = rng.choice([0, 90, 255], count)
    result = given_as(rng.integers(0, count, (height, width)), palette)
    made = write_png(result)
    assert np.array_equal(read(made.data), wanted(result)) and made.size == len(made.data)
    bits, kind = chunks(made.data)[b"IHDR"][8:10]
    assert kind == 3 and bits == made.bits == min(b for b in (1, 2, 4, 8) if made.colors <= 2**b)
    assert made.colors == len(np.unique(wanted(result).reshape(-1, 4), axis=0)) == len(chunks(made.data)[b"PLTE"]) // 3


@pytest.mark.parametrize("rows_of", [png.unfiltered, png.subtracted, png.filtered])
def test_filters_are_undone_by_others(picture, rows_of):
    gray = picture(45, 70, 1) >> 2
    data = b"".join([png.SIGNATURE, png.header(70, 45, 8),
                     png.colors(np.repeat(np.arange(64, dtype=np.uint8)[:, None], 3, 1)),
                     png.chunk(b"IDAT", png.deflated(rows_of(gray))), png.chunk(b"IEND", b"")])  # fmt: skip
    assert np.array_equal(read(data)[..., 0], gray)


def test_smooth_pictures_are_filtered_and_others_are_not():
    y, x = np.mgrid[:128, :160]
    rings = (np.hypot(x - 80, y - 64) * 2.4).astype(int) + np.random.default_rng(5).integers(0, 2, y.shape)
    slope = given_as(rings, np.repeat(np.arange(256)[:, None], 3, 1))
    shuffled = np.random.default_rng(0).permutation(256)
    mixed = given_as(shuffled[slope.indices], slope.palette[np.argsort(shuffled)])
    made = write_png(mixed)
    assert np.array_equal(read(made.data), wanted(slope))
    buffer = io.BytesIO()
    image = Image.frombytes("P", (160, 128), mixed.indices.astype(np.uint8).tobytes())
    image.putpalette(mixed.palette.tobytes())
    image.save(buffer, "PNG", optimize=True)
    assert made.size < 0.7 * len(buffer.getvalue())


def test_neighbours_stand_together():
    """Colours along a line with shuffled indices: the chain recovers the line, in either direction."""
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-1, 2, (40, 60)), 1)
    walk = np.abs((walk + 20) % 58 - 29)
    places = rng.permutation(30)
    order = png8.by_neighbours(places[walk], 30)
    assert sorted(order) == list(range(30))
    number = np.argsort(order)
    steps = np.abs(np.diff(number[places[walk]].astype(int), axis=1)).mean()
    shuffled = np.abs(np.diff(places[walk].astype(int), axis=1)).mean()
    assert steps < 0.35 * shuffled


def test_transparent_entries_come_first():
    palette = np.full((200, 4), 255)
    palette[:, 0] = np.arange(200)
    palette[[60, 170], 3] = 0, 128
    parts = chunks(write_png(given_as(np.arange(200).reshape(10, 20), palette)).data)
    assert parts[b"tRNS"] == bytes([0, 128])
    palette[:, 3] = 255
    assert b"tRNS" not in chunks(write_png(given_as(np.arange(200).reshape(10, 20), palette)).data)


def test_profile_and_density():
    result = given_as([[0, 1]], [[0, 0, 0], [255, 255, 255]])
    icc = b"\0" * 16 + b"RGB " + b"profile" * 20
    image = Image.open(io.BytesIO(write_png(result, icc=icc, density=(1, 300, 150)).data))
    assert image.info["icc_profile"] == icc and [round(v) for v in image.info["dpi"]] == [300, 150]
    assert chunks(write_png(result, density=(2, 10, 20)).data)[b"pHYs"] == struct.pack(">IIB", 1000, 2000, 1)
    assert set(chunks(write_png(result, density=(0, 1, 1)).data)) == {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


def test_pixels_are_quantized_on_the_way(picture, tmp_path):
    image = picture(40, 50)
    made = write_png(image, tmp_path / "a.png", colors=20, dither=None)
    assert (tmp_path / "a.png").read_bytes() == made.data and made.colors <= 20 and made.bits == 8
    result = quantize_colors(image, 20, dither=None)
    assert np.array_equal(read(made.data), wanted(result)) and write_png(result).data == made.data


def test_oxipng_is_a_last_pass(picture):
    pytest.importorskip("oxipng", reason="pip install codec[png]")
    result = quantize_colors(picture(60, 70), 64)
    made = write_png(result, oxipng=True)
    assert np.array_equal(read(made.data), wanted(result)) and made.size <= write_png(result).size


def test_oxipng_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "oxipng", None)
    with pytest.raises(MissingPackageError, match=r"codec\[png\]"):
        write_png(given_as([[0]], [[0, 0, 0]]), oxipng=True)


@pytest.mark.parametrize("indices, palette, says", [
    ([[0, 3]], [[0, 0, 0]] * 3, "do not fit"), ([[-1]], [[0, 0, 0]], "do not fit"),
    (np.zeros((0, 3), int), [[0, 0, 0]], "indices"), ([0], [[0, 0, 0]], "indices"),
    ([[0.5]], [[0, 0, 0]], "indices"), ([[0]], [[0, 0]], "palette"), ([[0]], np.zeros((257, 3)), "palette"),
    ([[0]], np.zeros((0, 3)), "palette"),
])  # fmt: skip
def test_what_is_no_picture_of_a_palette(tmp_path, indices, palette, says):
    with pytest.raises(ParameterError, match=says):
        write_png(given_as(indices, palette), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_quantization_that_is_done(picture):
    for options in ({"colors": 2}, {"dither": None}, {"target": "size:1kB"}):
        with pytest.raises(ParameterError, match="already quantized"):
            write_png(quantize_colors(picture(8, 8), 4), **options)


def test_a_size_is_reached_with_as_many_colours_as_there_is_room_for(picture):
    image = picture(48, 64)
    free = write_png(image, dither=None)
    made = write_png(image, dither=None, target=f"size:{free.size // 2}")
    assert made.size <= free.size // 2 < write_png(image, dither=None, colors=made.colors + 1).size and made.colors > 4
    assert write_png(image, dither=None, target=f"size:{free.size}").data == free.data
    with pytest.raises(ParameterError, match="cannot be reached: one colour"):
        write_png(image, target="size:10")


def test_a_score_is_reached(picture):
    image = picture(48, 64)
    made = write_png(image, target="psnr:24", space="srgb", dither=None)
    assert (
        made.colors < 256
        and made.achieved == pytest.approx(10 * np.log10(255**2 / made.result.mse))
        and made.achieved >= 24
    )
