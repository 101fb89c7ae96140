"""`codec decompress`: JPEG to lossless formats, complete or, on request, as far as the data goes."""

import io
import os

import numpy as np
import pytest
from PIL import Image

import codec
from codec import jpeg
from codec.formats import pictures


@pytest.fixture
def source(home):
    return (home / "in" / "sub" / "c.jpg").read_bytes()


@pytest.mark.parametrize(
    "name, magic", [("c.png", b"\x89PNG"), ("c.ppm", b"P6\n"), ("c.tif", b"II*\0"), ("c", b"\x89PNG")]
)
def test_the_suffix_chooses_the_format_and_png_is_the_default(run, home, source, name, magic):
    assert run("decompress", "in/sub/c.jpg", "-o", name).code == 0
    assert (home / name).read_bytes().startswith(magic)
    np.testing.assert_array_equal(pictures.load(name).pixels, codec.decode(source))


def test_a_pipe_carries_png(run, home, source):
    outcome = run("decompress", "-", "-o", "-", stdin=source)
    assert outcome.code == 0
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(outcome.out))), codec.decode(source))


def test_a_pipe_may_carry_ppm(run, home, source):
    assert run("decompress", "-", "--format", "ppm", stdin=source).out.startswith(b"P6\n40 32\n255\n")


def test_a_gray_jpeg_is_a_pgm(run, home):
    (home / "g.jpg").write_bytes(jpeg.encode(np.full((8, 9), 7, np.uint8)).data)
    assert run("decompress", "g.jpg", "-o", "g.pgm").code == 0
    assert (home / "g.pgm").read_bytes().startswith(b"P5\n9 8\n255\n")


def test_a_folder_becomes_the_same_tree(run, home, tree, source):
    assert run("decompress", "in", "-o", "out").code == 0
    assert run("decompress", "in", "-o", "out", "-f", "tiff").code == 0
    assert tree("out") == ["sub/c.png", "sub/c.tif"]


def test_json_is_one_object_with_a_schema(run, home):
    report = run("decompress", "in/sub/c.jpg", "-o", "c.png", "--json").json
    assert (report["schema"], report["verb"], report["settings"]) == (
        1,
        "decompress",
        {"format": None, "conceal": False},
    )
    (row,) = report["files"]
    assert row["status"] == "done" and row["after"] == os.path.getsize("c.png")
    assert (row["width"], row["height"], row["precision"], row["color"], row["damaged"]) == (40, 32, 8, "ycbcr", False)


@pytest.mark.parametrize(
    "args, message",
    [
        (["in/sub/c.jpg"], "no output is given"),
        (["in/sub/c.jpg", "-o", "c.bmp"], "no lossless format for the suffix '.bmp'; use one of .png, .ppm, .pgm"),
        (["in/sub/c.jpg", "-o", "in/sub/c.jpg"], "the output would overwrite the input"),
        (["in/sub/c.jpg", "-o", "c.png", "--concel"], "Did you mean --conceal"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2_and_writes_nothing(run, home, tree, args, message):
    before = tree(".")
    outcome = run("decompress", *args)
    assert outcome.code == 2 and message in outcome.err.replace("'--conceal'", "--conceal")
    assert tree(".") == before


def test_an_existing_output_is_skipped(run, home):
    (home / "c.png").write_bytes(b"precious")
    there = run("decompress", "in/sub/c.jpg", "-o", "c.png")
    assert there.code == 0 and "1 file was there already" in there.err
    assert (home / "c.png").read_bytes() == b"precious"


def test_a_damaged_file_fails_and_writes_nothing(run, home, source):
    (home / "bad.jpg").write_bytes(source[: len(source) * 2 // 3])
    outcome = run("decompress", "bad.jpg", "-o", "bad.png")
    assert outcome.code == 1 and "bad.jpg" in outcome.err
    assert not (home / "bad.png").exists()


def test_with_conceal_it_is_saved_as_far_as_it_goes_and_the_loss_is_told(run, home, source):
    (home / "bad.jpg").write_bytes(source[: len(source) * 2 // 3])
    outcome = run("decompress", "bad.jpg", "-o", "bad.png", "--conceal", "--json")
    assert outcome.code == 0 and outcome.json["files"][0]["damaged"] is True
    assert "codec: warning: bad.jpg: " in outcome.err
    top = pictures.load("bad.png").pixels[:8]
    np.testing.assert_array_equal(top, codec.decode(source)[:8])


@pytest.mark.parametrize("data", [b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8"])
def test_what_is_no_jpeg_fails(run, home, data):
    (home / "x.jpg").write_bytes(data)
    assert run("decompress", "x.jpg", "-o", "x.png").code == 1


def test_png_keeps_metadata_and_other_formats_say_what_they_lose(run, home):
    metadata = jpeg.Metadata(icc=bytes(range(140)), exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>")
    (home / "m.jpg").write_bytes(jpeg.encode(np.zeros((8, 8, 3), np.uint8), metadata=metadata).data)
    outcome = run("decompress", "m.jpg", "-o", "m.png")
    assert outcome.err == "" and pictures.load("m.png").metadata == metadata
    assert "PPM does not carry its ICC, EXIF, XMP metadata here" in run("decompress", "m.jpg", "-o", "m.ppm").err
    assert "TIFF does not carry its EXIF metadata here" in run("decompress", "m.jpg", "-o", "m.tif").err


def test_cmyk_needs_tiff_and_the_message_says_so(run, home):
    (home / "k.jpg").write_bytes(jpeg.encode(np.full((8, 8, 4), 50, np.uint8), color="cmyk").data)
    outcome = run("decompress", "k.jpg", "-o", "k.png")
    assert outcome.code == 1 and "PNG has no CMYK; write TIFF (.tif)" in outcome.err
    assert run("decompress", "k.jpg", "-o", "k.tif").code == 0
    with Image.open("k.tif") as image:
        assert image.mode == "CMYK"


def test_a_picture_beyond_max_pixels_is_refused(run, home):
    outcome = run("decompress", "in/sub/c.jpg", "-o", "c.png", "--max-pixels", "1279")
    assert outcome.code == 1 and "--max-pixels" in outcome.err
