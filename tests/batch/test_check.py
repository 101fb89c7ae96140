"""Pictures larger than they need be (codec/batch/check.py)."""

import numpy as np
import pytest
from PIL import Image

import codec
from codec.batch.check import check, parse_share, parse_size


@pytest.fixture
def folder(tmp_path, picture):
    """Each kind of file that is met."""
    noise = picture(64, 96)
    Image.fromarray(noise).save(tmp_path / "wasteful.jpg", quality=90, optimize=False)
    codec.jpeg.transcode(tmp_path / "wasteful.jpg")
    (tmp_path / "tight.jpg").write_bytes(codec.jpeg.transcode(tmp_path / "wasteful.jpg").data)
    flat = np.zeros((64, 96, 3), np.uint8)
    flat[16:32, 16:64] = (200, 30, 30)
    Image.fromarray(flat).save(tmp_path / "flat.png", compress_level=0)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    Image.fromarray(noise).save(tmp_path / "photo.webp", lossless=True)
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "tight.jpg").read_bytes()[:300])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.jpg").write_bytes(b"")
    return tmp_path


def by_name(rows):
    return {row.input.rsplit("/", 1)[1]: row for row in rows}


def test_every_file_has_a_row_and_a_verdict(folder):
    found = by_name(check([str(folder)], max_waste=0.05))
    assert {name: row.status for name, row in found.items()} == {
        ".hidden.jpg": "ignored",
        "broken.jpg": "failed",
        "flat.png": "wasteful",
        "notes.txt": "ignored",
        "photo.png": "ok",
        "photo.webp": "ok",
        "tight.jpg": "ok",
        "wasteful.jpg": "wasteful",
    }
    assert "only its size was checked" in found["photo.png"].reason and "WEBP" in found["photo.webp"].reason
    assert found["broken.jpg"].error and found["notes.txt"].reason == "not a picture"


def test_the_waste_is_what_the_named_command_saves(folder):
    found = by_name(check([str(folder)], max_waste=0.05))
    jpeg, png = found["wasteful.jpg"], found["flat.png"]
    assert (jpeg.verb, jpeg.smaller) == ("transcode", codec.jpeg.transcode(jpeg.input).after)
    assert jpeg.waste == pytest.approx(1 - jpeg.smaller / jpeg.size, abs=1e-4)
    exact = codec.palette.write_png(np.asarray(Image.open(png.input)), dither=None)
    assert (png.verb, png.smaller, exact.result.mse) == ("palette", exact.size, 0)


@pytest.mark.parametrize("max_waste, status", [(0.0, "wasteful"), (0.99, "ok"), (None, "ok")])
def test_the_share_is_the_limit(folder, max_waste, status):
    (row,) = check([str(folder / "wasteful.jpg")], max_waste=max_waste)
    assert row.status == status and (row.waste is None) == (max_waste is None)


def test_a_size_is_met_without_loss_where_that_is_enough(folder):
    path = str(folder / "wasteful.jpg")
    (measured,) = check([path])
    limits = {measured.size: (None, "ok"), measured.smaller: ("transcode", "too large")}
    limits[measured.smaller - 1] = ("compress", "too large")
    for max_size, (verb, status) in limits.items():
        (row,) = check([path], max_waste=0.99, max_size=max_size)
        assert (row.verb, row.status) == (verb, status), max_size
    (row,) = check([str(folder / "photo.png")], max_size=100)
    assert (row.verb, row.status, row.waste) == ("compress", "too large", None)


def test_formats_that_are_not_read_have_nothing_to_check(tmp_path):
    (tmp_path / "favicon.ico").write_bytes(b"")
    (found,) = check([str(tmp_path)])
    assert found.status == "ignored" and "ICO is not read" in found.reason


def test_nothing_is_written_and_order_does_not_depend_on_threads(folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    rows = check([str(folder)], threads=1)
    assert rows == check([str(folder)], threads=4)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    twice = check([str(folder), str(folder / "tight.jpg")])
    assert [row.input for row in twice] == [row.input for row in rows]


def test_lossless_jpeg_is_not_measured(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(codec.jpeg.encode_lossless(np.zeros((8, 8), np.uint8)).data)
    (row,) = check([str(path)])
    assert row.status == "ok" and row.waste is None and "Annex H" in row.reason


@pytest.mark.parametrize("text", ["10", "0.1", "-3%", "101%", "a%", None])
def test_shares_end_in_percent(text):
    with pytest.raises(codec.ParameterError, match="write 10%"):
        parse_share(text)


@pytest.mark.parametrize("text", ["", "ten", "-5kB", "0"])
def test_sizes_have_the_units_of_targets(text):
    with pytest.raises(codec.ParameterError, match="write 500kB"):
        parse_size(text)
