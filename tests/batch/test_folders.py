"""Folders as people have them: nothing met is left unsaid, no name is taken twice, nothing becomes larger."""

import io
import os
import pickle
import shutil
import socket
import stat
import sys

import numpy as np
import pytest
from PIL import Image

import codec
from codec import batch, jpeg
from codec.batch import CompressTask, Job, PaletteTask, TranscodeTask, naming
from codec.errors import UnsupportedError
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")

NOISE = np.random.default_rng(4).integers(0, 256, (48, 64, 3), np.uint8)
PNG, JPEG = dump(NOISE), codec.encode(NOISE, 90)
FLAT = dump(np.full((64, 64, 3), (0, 40, 120), np.uint8))  # 200 bytes, less than the header of a JPEG


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)

    return tmp_path / "in"


def put(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def rows_of(task=CompressTask(), inputs=("in",), **options):
    rows = batch.run(batch.plan(list(inputs), "out", task), task, threads=1, **options)
    return {os.path.relpath(row.input, "in").replace(os.sep, "/"): row for row in rows}


def targets(jobs):
    return {
        os.path.relpath(job.source, "in").replace(os.sep, "/"): job.target
        and os.path.relpath(job.target, "out").replace(os.sep, "/")
        for job in jobs
    }


# ---------------------------------------------------------------- names


@pytest.fixture
def folding(monkeypatch):
    """A disk that ignores case, as those of Windows and macOS."""
    monkeypatch.setattr(naming, "folds", lambda folder: True)


def keeps_case(folder):
    (folder / "Probe").write_bytes(b"")
    found = not (folder / "pROBE").exists()
    (folder / "Probe").unlink()
    return found


@posix
def test_case_counts_where_the_disk_keeps_it(folder):
    if not keeps_case(folder):
        pytest.skip("this disk ignores case")
    put(folder, dict.fromkeys(("A.JPG", "a.jpg", "B.png", "b.png"), JPEG))
    rows = rows_of(CompressTask(EncodeOptions(quality=30)))
    assert {row.status for row in rows.values()} == {"done"}
    assert sorted(os.listdir("out")) == ["A.JPG", "B.jpg", "a.jpg", "b.jpg"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="not asked there")
def test_the_disk_is_asked_without_writing(tmp_path, monkeypatch):
    ignores_case = not keeps_case(tmp_path)
    for folder in (tmp_path, tmp_path / "not/there/yet"):
        assert naming.folds(str(folder)) == ignores_case
    (tmp_path / "File").write_bytes(b"")
    monkeypatch.setattr(
        naming, "_is_same", lambda path, other: (path, other) == (f"{tmp_path}/File", f"{tmp_path}/fILE")
    )
    assert naming.folds(str(tmp_path))
    assert os.listdir(tmp_path) == ["File"]


def test_object_stores_keep_case_and_other_urls_may_not():
    assert [naming.folds(url) for url in ("s3://a/b", "memory://b", "file:///a/b")] == [False, False, True]


@pytest.mark.parametrize(
    "names, right",
    [
        (("photo.avif", "photo.bmp"), ("photo.avif.jpg", "photo.bmp.jpg")),
        (("a.jpg", "a.png"), ("a.jpg", "a.png.jpg")),
        (("a.JPG", "a.png"), ("a.JPG", "a.png.jpg")),
        (("A.png", "a.bmp", "b.png"), ("A.png.jpg", "a.bmp.jpg", "b.jpg")),
        (("a.gif", "a.jpg", "sub/a.png"), ("a.gif.jpg", "a.jpg", "sub/a.jpg")),
        (("caf\u00e9.png", "cafe\u0301.bmp"), ("caf\u00e9.png.jpg", "cafe\u0301.bmp.jpg")),
    ],
)
def test_names_that_become_one_keep_their_suffix(folder, folding, names, right):
    put(folder, dict.fromkeys(names, PNG))
    made = batch.plan(["in"], "out", CompressTask())
    assert targets(made) == dict(zip(names, right))
    assert made == pickle.loads(pickle.dumps(made))


@posix
@pytest.mark.parametrize("names, fails", [(("A.jpg", "a.jpg"), "a.jpg"), (("a.jpg", "a.png", "a.png.jpg"), "a.png")])
def test_where_that_does_not_help_one_fails_alone(folder, folding, names, fails):
    put(folder, dict.fromkeys(names, JPEG))
    rows = rows_of(CompressTask(EncodeOptions(quality=30)))
    assert {name for name, row in rows.items() if row.status == "failed"} == {fails}
    assert "which is the same name; rename this one, or use another folder" in rows[fails].error
    assert len([name for name in os.listdir("out")]) == len(names) - 1


def test_files_of_two_folders_with_one_name(folder):
    put(folder, {"a.png": PNG, "sub/a.png": PNG, "sub/a.bmp": PNG})
    rows = rows_of(inputs=["in/a.png", "in/sub/a.png", "in/sub/a.bmp"])
    assert [row.status for row in rows.values()] == ["done", "failed", "done"]
    assert sorted(os.listdir("out")) == ["a.bmp.jpg", "a.png.jpg"]
    assert "in/a.png becomes" in rows["sub/a.png"].error.replace(os.sep, "/")


def test_a_source_is_never_kept_under_the_name_of_another(folder):
    """in/a.png stays as it is, and other/a.png is an input too: with --overwrite it would be lost."""
    put(folder, {"a.png": FLAT})
    os.mkdir("out")
    shutil.copy("in/a.png", "out/b.png")
    put(folder.parent / "out", {"a.png": PNG})
    jobs = batch.plan(["in/a.png", "out/a.png"], "out", CompressTask())
    assert [job.keep_as for job in jobs if job.source == "in/a.png"] == [None]


# ---------------------------------------------------------------- what is met


@posix
def test_everything_that_is_met_has_a_row_with_its_reason(folder):
    top = folder
    put(
        top,
        {
            "good.png": PNG,
            "IMG_0001": JPEG,
            "scan.thumb": JPEG,
            "notes": b"Dear Sir",
            "film.mov": b"\0\0\0\x14ftypqt  " + bytes(20),
            "phone.HEIC": b"\0\0\0\x18ftypheic" + bytes(20),
            "noname": b"\0\0\0\x18ftypheic" + bytes(20),
            "layers.PSD": b"8BPS\0\1" + bytes(20),
            "nosuffix": b"8BPS\0\1" + bytes(20),
            "camera.cr2": b"II*\0\x10\0\0\0CR" + bytes(20),
            "tiff_like.xyz": b"II*\0" + bytes(40),
            ".hidden.png": PNG,
            "._AppleDouble.jpg": b"\0\5\x16\7",
            ".git/config.png": PNG,
            "empty.jpg": b"",
            "cut.png": PNG[:60],
            "sub/deep/x.png": PNG,
        },
    )
    (top / "link.png").symlink_to(top / "good.png")
    (top / "loop").symlink_to(top)
    os.mkfifo(top / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(top / "s"))
        rows = rows_of()
    assert {name: (row.status, row.reason) for name, row in rows.items() if row.status != "failed"} == {
        "good.png": ("done", None),
        "IMG_0001": ("done", None),
        "scan.thumb": ("done", None),
        "sub/deep/x.png": ("done", None),
        "notes": ("ignored", "not a picture"),
        "film.mov": ("ignored", "not a picture"),
        "tiff_like.xyz": ("ignored", "not a picture"),
        ".hidden.png": ("ignored", "hidden"),
        "._AppleDouble.jpg": ("ignored", "hidden"),
        ".git": ("ignored", "hidden"),
        "link.png": ("ignored", "symbolic link"),
        "loop": ("ignored", "symbolic link"),
        "pipe.png": ("ignored", "FIFO"),
        "s": ("ignored", "socket"),
    }
    failed = {name: row.error for name, row in rows.items() if row.status == "failed"}
    assert (
        failed["layers.PSD"]
        == failed["nosuffix"]
        == ("Photoshop is not read: convert it to PNG, TIFF or JPEG first, with a photo or drawing program")
    )
    assert failed["camera.cr2"].startswith("camera raw is not read") and "is empty" in failed["empty.jpg"]
    assert set(failed) == {*("phone.HEIC", "noname", "layers.PSD", "nosuffix", "camera.cr2", "empty.jpg", "cut.png")}
    assert sorted(os.listdir("out")) == ["IMG_0001.jpg", "good.jpg", "scan.thumb.jpg", "sub"]


@pytest.mark.parametrize("suffix", "ico pcx sgi dds svg icns pam pfm eps jxr".split())
def test_pictures_of_formats_that_are_not_read_fail(folder, suffix):
    put(folder, {f"a.{suffix}": b"a picture", "b.png": PNG})
    rows = rows_of()
    assert rows[f"a.{suffix}"].status == "failed" and "is not read: convert it" in rows[f"a.{suffix}"].error
    assert rows["b.png"].status == "done"


@pytest.mark.parametrize(
    "suffix, format", [("dib", "BMP"), ("jpx", "JPEG2000"), ("j2c", "JPEG2000"), ("jpc", "JPEG2000")]
)
def test_suffixes_of_formats_that_are_read(folder, suffix, format):
    made = io.BytesIO()
    Image.new("RGB", (16, 16)).save(made, format)
    put(folder, {f"a.{suffix}": made.getvalue()})
    assert rows_of()[f"a.{suffix}"].status in ("done", "kept")


def test_the_output_folder_below_the_input_is_one_row(folder):
    put(folder, {"a.png": PNG, "out/old.jpg": JPEG})
    rows = batch.plan(["in"], os.path.join("in", "out"), CompressTask())
    assert [(job.source.replace(os.sep, "/"), job.reason) for job in rows] == [
        ("in/a.png", None),
        ("in/out", "output folder"),
    ]


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_what_may_not_be_read_fails_alone(folder):
    put(folder, {"a.png": PNG, "closed/b.png": PNG, "c.png": PNG, "d": JPEG})
    for name in ("closed", "c.png", "d"):
        os.chmod(os.path.join("in", name), 0)
    rows = rows_of()
    os.chmod("in/closed", 0o700)
    assert {name: row.status for name, row in rows.items()} == {
        "a.png": "done", "closed": "failed", "c.png": "failed", "d": "failed"
    }  # fmt: skip


@posix
def test_a_fifo_that_is_named_fails_and_is_not_waited_for(folder):
    assert not os.listdir(folder)
    os.mkfifo("in/p.png")
    for inputs, output in ((["in/p.png"], "a.jpg"), (["in/p.png"], "out/")):
        (job,) = batch.plan(inputs, output, CompressTask())
        assert (job.status, job.reason) == ("failed", "it is a FIFO: give what comes from it to stdin (-)")


@posix
def test_names_that_are_not_utf_8_are_names(folder):
    put(folder, {"a.png": PNG})
    os.rename(b"in/a.png", b"in/\xff\xfe.png")
    (row,) = rows_of().values()
    assert row.status == "done" and os.listdir(b"out") == [b"\xff\xfe.jpg"]


def test_a_task_for_jpegs_takes_those_without_a_suffix_too(folder):
    put(folder, {"IMG_1": JPEG, "a.png": PNG, "b.jpg": JPEG, "c.heic": b""})
    rows = rows_of(TranscodeTask())
    assert {name: row.status for name, row in rows.items() if row.status == "ignored"} == dict.fromkeys(
        ("a.png", "c.heic"), "ignored"
    )
    assert sorted(os.listdir("out")) == ["IMG_1", "b.jpg"]


# ---------------------------------------------------------------- again


def test_the_same_run_again_skips_everything_and_writes_nothing(folder):
    put(folder, {"a.png": PNG, "flat.png": FLAT, "b.jpg": JPEG})
    first = rows_of(CompressTask(EncodeOptions(quality=95)))
    before = {name: os.stat(os.path.join("out", name)).st_mtime_ns for name in os.listdir("out")}
    again = rows_of(CompressTask(EncodeOptions(quality=95)))
    assert {row.status for row in again.values()} == {"skipped"}
    assert {name: row.output for name, row in again.items()} == {name: row.output for name, row in first.items()}
    assert before == {name: os.stat(os.path.join("out", name)).st_mtime_ns for name in os.listdir("out")}


def test_an_output_older_than_its_source_is_told(folder):
    put(folder, {"a.png": PNG})
    rows_of()
    assert not rows_of()["a.png"].warnings
    os.utime("out/a.jpg", (1, 1))
    assert rows_of()["a.png"].warnings == ("the output that exists is older than its source",)


def test_a_foreign_file_is_not_taken_for_a_kept_source(folder):
    put(folder, {"flat.png": FLAT})
    os.mkdir("out")
    put(folder.parent / "out", {"flat.png": b"mine"})
    row = rows_of()["flat.png"]
    assert row.status == "failed" and "flat.png exists and holds something else" in row.error
    with open("out/flat.png", "rb") as stream:
        assert stream.read() == b"mine"


# ---------------------------------------------------------------- never larger, never fewer frames


@pytest.mark.parametrize("kind", ["png", "webp", "avif", "bmp", "gif"])
def test_what_would_become_larger_is_kept_under_its_own_name(folder, kind):
    path = folder / f"flat.{kind}"
    side = 96 if kind == "avif" else 8
    Image.fromarray(np.full((side, side, 3), (0, 40, 120), np.uint8)).save(path)
    row = rows_of()[path.name]
    assert (row.status, row.before, row.after) == ("kept", path.stat().st_size, path.stat().st_size)
    assert row.output == os.path.join("out", path.name) and row.reason == "as JPEG it would not be smaller"
    assert (
        os.listdir("out") == [path.name] and (path.parent.parent / "out" / path.name).read_bytes() == path.read_bytes()
    )


def test_what_is_kept_where_it_is_stays_there(folder):
    put(folder, {"flat.png": FLAT})
    task = CompressTask()
    for overwrite in (False, True):
        (row,) = batch.run(batch.plan(["in/flat.png"], "in", task), task, overwrite=overwrite)
        assert row.status == "kept" and row.output.replace(os.sep, "/") == "in/flat.png"
        assert os.listdir("in") == ["flat.png"] and (folder / "flat.png").read_bytes() == FLAT


def test_a_jpeg_is_written_where_it_is_forced_named_or_must_hold_less(folder):
    put(folder, {"flat.png": FLAT})
    assert "larger than its source" in rows_of(CompressTask(force=True))["flat.png"].warnings[0]
    (row,) = batch.run(batch.plan(["in/flat.png"], "named.jpg", CompressTask()), CompressTask())
    assert row.status == "done" and row.after > row.before and "larger than its source" in row.warnings[0]
    assert rows_of(CompressTask(strip="all"), overwrite=True)["flat.png"].status == "kept"
    put(folder, {"flat.png": FLAT + b"behind IEND"})
    row = rows_of(CompressTask(strip="all"), overwrite=True)["flat.png"]
    assert row.status == "done" and row.output.endswith("flat.jpg")


@pytest.mark.parametrize("task", [CompressTask(), PaletteTask()])
@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tiff"])
def test_of_several_frames_none_is_lost(folder, task, kind):
    frames = [Image.fromarray(np.roll(NOISE, 5 * i, 0)) for i in range(3)]
    path = folder / f"a.{kind}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    row = rows_of(task)[path.name]
    assert (
        row.status == "kept" and row.to_json()["frames"] == 3 and row.reason.startswith("3 frames or pages, of which")
    )
    assert "it is kept as it is" in row.warnings[0]
    assert (path.parent.parent / "out" / path.name).read_bytes() == path.read_bytes()
    (named,) = batch.run([Job(str(path), "one" + task.rename("a.x")[1:])], task)
    assert named.status == "done" and any("only the first is used" in warning for warning in named.warnings)


def test_several_frames_that_cannot_be_copied_are_refused(folder):
    path = folder / "a.gif"
    Image.fromarray(NOISE).save(path, save_all=True, append_images=[Image.fromarray(NOISE[::-1])], comment=b"hello")
    with pytest.raises(UnsupportedError, match="2 frames or pages, of which a JPEG holds the first only, and a copy"):
        CompressTask(strip="all")(path.read_bytes(), Job("a.gif", "a.jpg", "out/a.gif"))
    assert CompressTask(force=True)(path.read_bytes(), Job("a.gif", "a.jpg", "out/a.gif")).status == "done"


def test_an_exact_palette_is_no_reason_for_a_larger_png(folder):
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    path = folder / "gray.png"
    Image.fromarray(gray).save(path, optimize=True)
    row = rows_of(PaletteTask())["gray.png"]
    assert (row.status, row.after) == ("kept", path.stat().st_size) and "PNG-8" in row.reason


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:0", "4:4:4"])
def test_a_forced_subsampling_does_not_fail_gray_pictures(folder, subsampling):
    put(folder, {"gray.png": dump(NOISE[:, :, 0]), "gray.jpg": codec.encode(NOISE[:, :, 0], 95), "color.png": PNG})
    rows = rows_of(CompressTask(EncodeOptions(quality=40, subsampling=subsampling)))
    assert [row.status for row in rows.values()] == ["done"] * 3
    assert rows["color.png"].to_json()["subsampling"] == subsampling


# ---------------------------------------------------------------- dates and permissions


@posix
def test_dates_and_permissions(folder):
    put(folder, {"a.png": PNG, "flat.png": FLAT, "b.jpg": JPEG})
    for name in os.listdir("in"):
        os.chmod(os.path.join("in", name), 0o600)
        os.utime(os.path.join("in", name), (10**9, 10**9))
    for made in (rows_of(), rows_of(overwrite=True, keep_dates=True)):
        assert len(made) == 3
        for row in made.values():
            assert stat.S_IMODE(os.stat(row.output).st_mode) == 0o600
    assert {os.stat(row.output).st_mtime for row in made.values()} == {10**9}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("side", [8, 48])
def test_arithmetic_coding_does_not_become_larger(picture, progressive, side):
    pixels = picture(side, side)
    data = jpeg.transcode(codec.encode(pixels, 75), arithmetic=True, progressive=progressive).data
    for task in (CompressTask(EncodeOptions(quality=90)), CompressTask(EncodeOptions(quality=90), strip="all")):
        made = task(data, Job("a.jpg", "out/a.jpg", "out/a.jpg"))
        assert len(made.data) <= len(data) and "arithmetic" in codec.probe(made.data).process
        assert np.array_equal(codec.decode(made.data), codec.decode(data))
    described = jpeg.transcode(
        codec.encode(pixels, 75, metadata=jpeg.Metadata(xmp=b"<x/>" * 500)), arithmetic=True
    ).data
    made = CompressTask(EncodeOptions(quality=90), strip="all")(described)
    assert len(made.data) < len(described) and "arithmetic" not in codec.probe(made.data).process


def test_transcode_says_that_huffman_coding_is_larger():
    data = jpeg.transcode(codec.encode(NOISE, 75), arithmetic=True).data
    made = TranscodeTask()(data)
    assert (
        len(made.data) > len(data) and made.reason.startswith("larger than its source") and made.reason in made.warnings
    )
    assert TranscodeTask({"arithmetic": True})(data).reason in (None, "no smaller file was found")
