"""`codec transcode`: lossless, over many files, and never modifying an original."""

import numpy as np
import pytest
from PIL import Image

import codec
from codec import jpeg
from codec.jpeg.exif import orientation_alone

pytestmark = pytest.mark.usefixtures("home")


def with_orientation(data, orientation):
    return data[:20] + jpeg.markers.write_segment(*orientation_alone(orientation)) + data[20:]


@pytest.fixture
def photo(home):
    """photo.jpg, 64x48, 4:4:4, baseline."""
    rng = np.random.default_rng(5)
    data = codec.encode(
        rng.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1), effort=1, subsampling="4:4:4"
    )
    (home / "photo.jpg").write_bytes(data)
    return data


def test_a_file_becomes_smaller_and_stays_the_same_picture(run, home, photo):
    outcome = run("transcode", "photo.jpg", "-o", "small.jpg")
    made = (home / "small.jpg").read_bytes()
    assert (
        outcome.code == 0
        and outcome.err == ""
        and len(made) < len(photo)
        and np.array_equal(codec.decode(made), codec.decode(photo))
    )
    assert (home / "photo.jpg").read_bytes() == photo


def test_a_folder_becomes_the_same_tree_of_jpeg(run, home, tree, photo):
    (home / "in" / "photo.JPG").write_bytes(photo)
    outcome = run("transcode", "in", "-o", "out", "--json")
    assert outcome.code == 0 and tree("out") == ["photo.JPG", "sub/c.jpg"]  # a.png, b.png are left out
    left_out, rows = (
        [row for row in outcome.json["files"] if (row["status"] == "ignored") is i] for i in (True, False)
    )
    assert {row["reason"] for row in left_out} == {"not a JPEG"} and len(left_out) == 3 and len(rows) == 2
    assert outcome.json["verb"] == "transcode" and all(
        row["verified"] and row["after"] <= row["before"] for row in rows
    )
    assert rows[0]["done"] and outcome.json["settings"]["rotate"] == 0


def test_what_cannot_become_smaller_is_kept(run, home, photo):
    run("transcode", "photo.jpg", "-o", "small.jpg")
    outcome = run("transcode", "small.jpg", "-o", "again.jpg", "--json")
    assert (
        outcome.json["files"][0]["status"] == "kept"
        and (home / "again.jpg").read_bytes() == (home / "small.jpg").read_bytes()
    )


@pytest.mark.parametrize(
    "args, size",
    [
        (["--rotate", "90"], (48, 64)),
        (["--flip", "transpose"], (48, 64)),
        (["--crop", "16x8+8+16"], (16, 8)),
        (["--rotate", "270", "--crop", "16x8+8+16"], (16, 8)),
    ],
)
def test_shapes(run, home, photo, args, size):
    assert run("transcode", "photo.jpg", "-o", "made.jpg", *args).code == 0
    info = codec.probe(str(home / "made.jpg"))
    assert (info.width, info.height) == size


def test_options_reach_the_picture(run, home, photo):
    options = [
        "--baseline",
        "--grayscale",
        "--restart",
        "2",
        "--metadata",
        "none",
        "--trailer",
        "drop",
        "--edge",
        "trim",
        "--no-verify",
    ]
    outcome = run("transcode", "photo.jpg", "-o", "made.jpg", "--json", *options)
    report = jpeg.inspect(str(home / "made.jpg"))
    assert (report["process"], report["color"], report["restart_interval"]) == (
        "baseline",
        "gray",
        2,
    ) and not outcome.json["files"][0]["verified"]


def test_auto_rotate(run, home, photo):
    (home / "turned.jpg").write_bytes(with_orientation(photo, 6))
    outcome = run("transcode", "turned.jpg", "-o", "made.jpg", "--auto-rotate", "--json")
    assert outcome.json["files"][0]["done"][0] == "turned upright (EXIF orientation 6)"
    with Image.open(home / "made.jpg") as image:
        assert image.size == (48, 64) and image.getexif()[0x0112] == 1


def test_a_pipe(run, home, photo):
    outcome = run("transcode", "-", "--rotate", "180", stdin=photo)
    assert outcome.code == 0 and codec.probe(outcome.out).width == 64


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize(
    "change, args, words",
    [
        (lambda d: d[:-60], [], "ends early"),
        (lambda d: b"no picture", [], "not a JPEG"),
        (lambda d: d, ["--crop", "16x8+60+0"], "not inside the picture"),
        (lambda d: d + b"gain map", ["--rotate", "90"], "--trailer drop"),
        (lambda d: codec.encode(np.zeros((8, 9), np.uint8)), ["--rotate", "180"], "--edge trim"),
    ],
    ids=["truncated", "junk", "crop", "trailer", "edge"],
)
def test_what_fails_writes_nothing_and_the_others_are_done(run, home, tree, photo, change, args, words):
    (home / "many").mkdir()
    (home / "many" / "bad.jpg").write_bytes(change(photo))
    (home / "many" / "good.jpg").write_bytes(codec.encode(np.zeros((96, 96), np.uint8)))
    outcome = run("transcode", "many", "-o", "out", *args)
    assert outcome.code == 1 and words in outcome.err and tree("out") == ["good.jpg"]


def test_damage_is_written_on_request(run, home, photo):
    (home / "bad.jpg").write_bytes(photo[:-60])
    outcome = run("transcode", "bad.jpg", "-o", "saved.jpg", "--conceal")
    assert outcome.code == 0 and "MCUs lost" in outcome.err and codec.probe(str(home / "saved.jpg")).width == 64


@pytest.mark.parametrize(
    "args, words",
    [
        (["--crop", "16x8"], "WxH+X+Y"),
        (["--metadata", "icc,exiv"], "'exiv' is not one of"),
        (["--rotate", "45"], "45"),
        (["--edge", "cut"], "cut"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(run, home, photo, tree, args, words):
    outcome = run("transcode", "photo.jpg", "-o", "out/", *args)
    assert outcome.code == 2 and words in outcome.err and not (home / "out").exists()


def test_an_original_is_never_overwritten(run, home, photo):
    assert run("transcode", "photo.jpg", "-o", "photo.jpg", "--overwrite").code == 2
    (home / "there.jpg").write_bytes(b"mine")
    outcome = run("transcode", "photo.jpg", "-o", "there.jpg")
    assert outcome.statuses == {"photo.jpg": "skipped"} and "there already; --overwrite" in outcome.err
    assert (home / "there.jpg").read_bytes() == b"mine"
    assert (
        run("transcode", "photo.jpg", "-o", "there.jpg", "--overwrite").code == 0
        and (home / "photo.jpg").read_bytes() == photo
    )


def test_a_dry_run_writes_nothing(run, home, photo):
    outcome = run("transcode", "photo.jpg", "-o", "made.jpg", "--dry-run")
    assert outcome.code == 0 and not (home / "made.jpg").exists() and outcome.table[0][4] == "done"
