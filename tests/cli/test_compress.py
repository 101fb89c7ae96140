"""`codec compress`: output names, refusals, metadata, and messages."""

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

import codec
from codec import jpeg
from codec.cli import _report
from codec.formats import pictures, profiles
from codec.sources import files

COLUMNS = ["input", "output", "status", "before", "after", "ratio", "warnings", "error", "reason"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF_TURNED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


def is_jpeg(data):
    return data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"


# ---------------------------------------------------------------- output names


def test_one_file_to_one_file(run, home, tree):
    outcome = run("compress", "in/a.png", "-o", "a.jpg")
    assert outcome.code == 0 and outcome.err == ""
    assert is_jpeg((home / "a.jpg").read_bytes())
    assert tree("in") == ["a.png", "b.png", "notes.txt", "sub/c.jpg"]


def test_one_file_into_an_existing_folder_takes_its_name(run, home, tree):
    (home / "out").mkdir()
    assert run("compress", "in/a.png", "-o", "out").code == 0
    assert run("compress", "in/b.png", "-o", "new/").code == 0
    assert tree("out") == ["a.jpg"] and tree("new") == ["b.jpg"]


def test_a_folder_becomes_the_same_tree_of_jpeg(run, home, tree):
    assert run("compress", "in", "-o", "out/deep").code == 0
    assert tree("out") == ["deep/a.jpg", "deep/b.jpg", "deep/sub/c.jpg"]


def test_several_files_go_to_a_folder_that_is_created(run, home, tree):
    assert run("compress", "in/a.png", "in/sub/c.jpg", "-o", "out").code == 0
    assert tree("out") == ["a.jpg", "c.jpg"]


def test_an_output_folder_inside_the_input_is_not_read_again(run, home, tree):
    assert run("compress", "in", "-o", "in/small").code == 0
    assert run("compress", "in", "-o", "in/small", "--overwrite").code == 0
    assert tree("in/small") == ["a.jpg", "b.jpg", "sub/c.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_symbolic_links_below_a_folder_are_left_out(run, home, tree):
    (home / "in" / "link.png").symlink_to(home / "in" / "a.png")
    (home / "in" / "loop").symlink_to(home / "in")
    assert run("compress", "in", "-o", "out").code == 0
    assert tree("out") == ["a.jpg", "b.jpg", "sub/c.jpg"]


def test_a_folder_without_pictures_is_nothing_to_do(run, home):
    (home / "none").mkdir()
    outcome = run("compress", "none", "-o", "out")
    assert outcome.code == 0 and outcome.err == "codec: no pictures found; nothing to do\n"


@pytest.mark.parametrize("args", [("-", "-o", "-"), ("-",)])
def test_a_pipe(run, home, args):
    outcome = run("compress", *args, stdin=(home / "in" / "a.png").read_bytes())
    assert outcome.code == 0 and is_jpeg(outcome.out) and outcome.err == ""


def test_a_file_to_stdout_and_stdin_to_a_file_are_the_same_bytes(run, home):
    outcome = run("compress", "in/a.png", "-o", "-")
    assert run("compress", "-", "-o", "a.jpg", stdin=(home / "in" / "a.png").read_bytes()).code == 0
    assert outcome.out == (home / "a.jpg").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices")
def test_a_device_may_be_the_output(run, home):
    assert run("compress", "in/a.png", "-o", os.devnull).code == 0


# ---------------------------------------------------------------- refusals before anything is written


@pytest.mark.parametrize(
    "args, message",
    [
        ([], "Missing argument 'INPUTS...'"),
        (["in", "-o", "out", "--max-size", "500kB"], "for bytes there is --target size:500kB"),
        (["in/a.png", "-o", "a.jpg", "--target", "ssim:2"], "ssim is 1 at most"),
        (["in", "-o", "out", "--to", "png", "-q", "80"], "does not apply to --to png; --target size:200kB does"),
        (
            ["in/a.png"],
            "no output is given: add -o FILE for one picture, -o FOLDER for several, or -o - for stdout",
        ),
        (
            ["in/sub/c.jpg", "-o", "in/sub/c.jpg"],
            "would overwrite the input in/sub/c.jpg; choose another file or folder with -o",
        ),
        (["in/sub/c.jpg", "-o", "in/sub"], "would overwrite the input in/sub/c.jpg"),
        (["in", "-o", "in"], "would overwrite the input"),
        (["in", "-o", "in/notes.txt"], "in/notes.txt is the name of a file, and several pictures need a folder"),
        (
            ["in/a.png", "in/b.png", "-o", "new.jpg"],
            "new.jpg is the name of a file, and several pictures need a folder",
        ),
        (["in", "-o", "-"], "stdout (-) takes one picture"),
        (["-", "in/a.png", "-o", "out"], "stdin (-) is one picture; give it alone"),
        (["-", "-o", "in"], "in is a folder and stdin has no name"),
        (["in/a.png", "-o", "a.png"], "the output is a JPEG, and a.png says it is not; name it a.jpg"),
        (["in/a.png", "-o", "-", "--json"], "stdout cannot take both the picture and --json"),
        (["in/a.png", "-o", "a.jpg", "-q", "101"], "quality must be a number in 1..100, not 101.0"),
        (["in/a.png", "-o", "a.jpg", "-q", "best"], "'best' is not a valid float"),
        (["in/a.png", "-o", "a.jpg", "-q", "80", "--target", "size:1kB"], "--quality and --target exclude each other"),
        (["in/a.png", "-o", "a.jpg", "--target", "siz:1kB"], "'siz:1kB' is no target: did you mean 'size'?"),
        (["in/a.png", "-o", "a.jpg", "--target", "ssim:much"], "'ssim:much' is no target"),
        (["in/a.png", "-o", "a.jpg", "--effort", "0"], "0 is not in the range 1<=x<=9"),
        (
            ["in/a.png", "-o", "a.jpg", "--subsampling", "4:1:0"],
            "'4:1:0' is not one of 'auto', '4:4:4', '4:2:2', '4:4:0', '4:2:0'",
        ),
        (
            ["in/a.png", "-o", "a.jpg", "--background", "nocolour"],
            "unknown colour 'nocolour'; use a name such as white, or #rrggbb",
        ),
        (["in/a.png", "-o", "a.jpg", "-j", "0"], "0 is not in the range x>=1"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2_and_writes_nothing(run, home, tree, args, message):
    before = tree(".")
    outcome = run("compress", *args)
    assert outcome.code == 2 and outcome.out == b""
    assert message in outcome.err.replace("\\", "/")
    assert tree(".") == before


def test_a_pattern_that_no_shell_expanded_is_expanded(run, home):
    (home / "in" / "[1].png").write_bytes((home / "in" / "a.png").read_bytes())
    outcome = run("compress", "in/?.png", "in/[[]1].png", "-o", "out")
    assert outcome.statuses == {"in/a.png": "done", "in/b.png": "done", "in/[1].png": "done"}
    assert run("compress", "in/[1].png", "-o", "alone.jpg").code == 0  # a file that is there is no pattern
    deep = run("compress", "**/*.jpg", "-o", "out2")
    assert "in/sub/c.jpg" in deep.statuses
    nothing = run("compress", "in/*.tif", "-o", "out3")
    assert nothing.code == 2 and "no file matches 'in/*.tif'; name a folder, with --include" in nothing.err


def test_an_output_that_is_a_link_to_the_input_is_refused(run, home):
    if sys.platform == "win32":
        pytest.skip("symbolic links need rights there")
    (home / "same.jpg").symlink_to(home / "in" / "sub" / "c.jpg")
    assert run("compress", "in/sub/c.jpg", "-o", "same.jpg", "--overwrite").code == 2


def test_binary_output_on_a_terminal_is_refused(run, home, monkeypatch):
    from codec.cli import _common

    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(_common, "sys", type("fake", (), {"stdout": Terminal()}))
    outcome = run("compress", "in/a.png", "-o", "-")
    assert outcome.code == 2 and "stdout is a terminal" in outcome.err


# ---------------------------------------------------------------- reports


def test_the_table_is_one_row_per_file_in_stable_order(run, home):
    outcome = run("compress", "in", "-o", "out", "-j", "3")
    assert outcome.text.splitlines()[0] == "file\tbefore\tafter\tratio\tstatus\treason"
    names = [row[0].replace(os.sep, "/") for row in outcome.table]
    assert names == ["in/a.png", "in/b.png", "in/notes.txt", "in/sub/c.jpg"]
    assert outcome.table[2][1:] == ["", "", "", "ignored", "not a picture"]
    for name, before, after, ratio, status, _ in outcome.table[:2] + outcome.table[3:]:
        assert int(before) == os.path.getsize(name) and status == "done"
        assert float(ratio) == pytest.approx(int(before) / int(after), abs=1e-4)


def test_threads_do_not_change_a_byte(run, home):
    for threads in (1, 3):
        assert run("compress", "in", "-o", f"out{threads}", "-j", threads).code == 0
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        assert (home / "out1" / name).read_bytes() == (home / "out3" / name).read_bytes()


def test_json_is_one_object_with_a_schema(run, home):
    outcome = run("compress", "in", "-o", "out", "--json", "-q", "60")
    report = outcome.json
    assert (report["schema"], report["verb"], report["dry_run"]) == (1, "compress", False)
    assert report["settings"]["quality"] == 60
    assert [row["status"] for row in report["files"]] == ["done", "done", "ignored", "done"]
    made = [row for row in report["files"] if row["status"] == "done"]
    for row in made:
        assert set(COLUMNS) | {"width", "height", "bpp", "subsampling"} == set(row)
        assert row["after"] == os.path.getsize(row["output"])
        assert (row["width"], row["height"]) == (40, 32)
    assert report["total"]["done"] == 3 and report["total"]["ignored"] == 1
    assert report["total"]["after"] == sum(row["after"] for row in made)


def test_a_dry_run_tells_the_sizes_and_writes_nothing(run, home):
    dry = run("compress", "in", "-o", "out", "-n", "--json")
    assert dry.code == 0 and not (home / "out").exists() and dry.json["dry_run"]
    wet = run("compress", "in", "-o", "out", "--json")
    assert [row["after"] for row in dry.json["files"]] == [row["after"] for row in wet.json["files"]]
    assert "nothing was written" in run("compress", "in", "-o", "other", "-n").err


def test_an_existing_output_is_skipped_and_one_line_says_so(run, home):
    (home / "a.jpg").write_bytes(b"precious")
    outcome = run("compress", "in/a.png", "-o", "a.jpg")
    assert outcome.code == 0 and outcome.table[0][4:] == ["skipped", "the output exists already"]
    assert outcome.err == "codec: 1 file was there already; --overwrite makes it again\n"
    assert (home / "a.jpg").read_bytes() == b"precious"
    assert run("compress", "in/a.png", "-o", "a.jpg", "--overwrite").code == 0
    assert is_jpeg((home / "a.jpg").read_bytes())


def test_a_second_run_does_what_changed(run, home):
    assert run("compress", "in", "-o", "out").code == 0 and (home / "out" / ".codec-ledger.sqlite").exists()
    again = run("compress", "in", "-o", "out", "--json")
    assert again.json["total"]["skipped"] == 3 and "3 files were done before; --overwrite" in again.err
    other = run("compress", "in", "-o", "out", "-q", "40", "--json")
    assert other.json["total"]["done"] == 3 and other.json["total"]["skipped"] == 0


def test_the_ledger_is_where_it_is_asked_for(run, home, tree):
    assert run("compress", "in", "-o", "out", "--ledger", "mine.sqlite").code == 0 and (home / "mine.sqlite").exists()
    assert run("compress", "in/a.png", "-o", "a.jpg", "--ledger", "mine.sqlite").code == 0
    assert run("compress", "in", "-o", "bare", "--no-ledger").code == 0
    for folder in ("out", "bare"):
        assert not (home / folder / ".codec-ledger.sqlite").exists()
    assert run("compress", "in/a.png", "-o", "b.jpg").code == 0 and not (home / ".codec-ledger.sqlite").exists()
    (home / "mine.sqlite").write_bytes(b"text" * 1000)
    broken = run("compress", "in", "-o", "out", "--ledger", "mine.sqlite")
    assert broken.code == 1 and "move it away; a new one knows of no outputs" in broken.err
    assert "exclude each other" in run("compress", "in", "-o", "out", "--ledger", "a", "--no-ledger").err
    assert "--ledger is for files" in run("compress", "-", "--ledger", "a", stdin=b"").err


def test_patterns_choose_files(run, home):
    outcome = run("compress", "in", "-o", "out", "--include", "*.png", "--exclude", "b.*", "--exclude", "sub")
    assert outcome.statuses == {
        "in/a.png": "done",
        "in/b.png": "ignored",
        "in/notes.txt": "ignored",
        "in/sub": "ignored",
    }
    assert "excluded (3)" in outcome.err


@pytest.mark.parametrize("listed", [b"in/a.png\r\n\nin/sub/c.jpg\n", b"in/a.png\0in/sub/c.jpg"])
def test_files_come_from_a_list(run, home, tree, listed):
    assert run("compress", "--files-from", "-", "-o", "out", stdin=listed).code == 0
    assert tree("out") == ["in/a.jpg", "in/sub/c.jpg"]
    (home / "list").write_bytes(listed)
    assert run("compress", "--files-from", "list", "in/b.png", "-o", "other").code == 0
    assert tree("other") == ["in/a.jpg", "in/b.jpg", "in/sub/c.jpg"]
    assert "cannot read gone" in run("compress", "--files-from", "gone", "-o", "out").err
    (home / "list").write_bytes(b"")
    assert "name files or folders, or a list" in run("compress", "--files-from", "list", "-o", "out").err


def test_json_lines_are_one_object_per_file(run, home):
    first, *files, last = map(json.loads, run("compress", "in", "-o", "out", "--jsonl").text.splitlines())
    assert (first["type"], first["files"], first["settings"]["quality"]) == ("run", 4, 75)
    assert {row["input"].replace(os.sep, "/"): row["status"] for row in files} == {
        "in/notes.txt": "ignored",
        "in/a.png": "done",
        "in/b.png": "done",
        "in/sub/c.jpg": "done",
    }
    assert last["type"] == "total" and last["done"] == 3
    assert {each["schema"] for each in (first, *files, last)} == {1} and {row["type"] for row in files} == {"file"}
    whole = run("compress", "in", "-o", "other", "--json").json["files"]
    wanted = {row["input"]: {**row, "output": None} for row in whole}
    assert {row["input"]: {**row, "output": None} for row in files} == {
        name: {"schema": 1, "type": "file"} | row for name, row in wanted.items()
    }
    assert "--json and --jsonl exclude each other" in run("compress", "in", "-o", "out", "--json", "--jsonl").err
    assert "stdout cannot take both" in run("compress", "in/a.png", "-o", "-", "--jsonl").err


def test_one_failing_file_does_not_stop_the_others(run, home, tree):
    (home / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nonsense")
    outcome = run("compress", "in", "gone.png", "-o", "out")
    assert outcome.code == 1
    assert [row[4] for row in outcome.table] == ["done", "failed", "ignored", "done", "failed"]
    assert tree("out") == ["a.jpg", "sub/c.jpg"]
    assert "codec: 2 of 4 not done:" in outcome.err
    assert "gone.png: cannot read gone.png: No such file or directory; check the path" in outcome.err


@pytest.mark.parametrize("cause", [OSError(28, "No space left on device"), MemoryError()])
def test_a_failing_write_leaves_nothing_half_written(run, home, tree, monkeypatch, cause):
    def fail(*args):
        raise cause

    monkeypatch.setattr(files.os, "fsync", fail)
    outcome = run("compress", "in/a.png", "-o", "out/a.jpg")
    assert outcome.code == 1 and outcome.table[0][4] == "failed"
    assert tree("out") == []
    assert ("No space left on device" if isinstance(cause, OSError) else "out of memory") in outcome.err


def test_an_output_folder_that_cannot_be_made_is_a_failure_with_a_remedy(run, home):
    outcome = run("compress", "in/a.png", "-o", "in/notes.txt/a.jpg")
    assert outcome.code == 1 and "cannot create the folder" in outcome.err and "choose another" in outcome.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_device_is_a_failure(run, home):
    outcome = run("compress", "in/a.png", "-o", "/dev/full")
    assert outcome.code == 1 and "cannot write /dev/full: No space left on device" in outcome.err


def test_what_a_file_name_holds_cannot_steer_the_terminal(run, home):
    name = "evil\x1b[31m.png"
    if sys.platform == "win32":
        pytest.skip("no such names there")
    os.rename("in/a.png", name)
    (home / "bad\x1b[2J.png").write_bytes(b"nonsense")
    outcome = run("compress", name, "bad\x1b[2J.png", "-o", "out")
    assert "\x1b" not in outcome.text + outcome.err
    assert "evil\\x1b[31m.png" in outcome.text and "bad\\x1b[2J.png" in outcome.err


# ---------------------------------------------------------------- never larger


def test_a_jpeg_that_would_grow_is_copied_and_the_row_says_kept(run, home):
    small = jpeg.transcode(
        jpeg.encode(np.random.default_rng(1).integers(0, 256, (32, 40, 3), dtype=np.uint8), 10).data
    ).data
    (home / "small.jpg").write_bytes(small)
    outcome = run("compress", "small.jpg", "-o", "out.jpg", "-q", "95")
    assert outcome.code == 0 and outcome.table[0][1:] == [
        *(str(len(small)), str(len(small)), "1.0"),
        *("kept", "no smaller file was found"),
    ]
    assert (home / "out.jpg").read_bytes() == small


def test_a_jpeg_larger_than_its_source_of_another_format_is_told(run, home):
    Image.new("RGB", (64, 64), "navy").save("flat.png", optimize=True)
    outcome = run("compress", "flat.png", "-o", "flat.jpg", "-q", "100")
    assert outcome.code == 0 and float(outcome.table[0][3]) < 1
    assert "codec: warning: flat.png: the JPEG is larger than its source" in outcome.err


def a_jpeg(home, quality=80, **options):
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    data = jpeg.encode(pixels, quality, effort=1, tune="annex-k", **options).data
    (home / "source.jpg").write_bytes(data)
    return data


@pytest.mark.parametrize("quality", [95, 85, 80])
def test_a_jpeg_is_not_encoded_again_near_its_own_quality(run, home, quality):
    data = a_jpeg(home)
    outcome = run("compress", "source.jpg", "-o", "out.jpg", "-q", quality, "--json")
    made, row = (home / "out.jpg").read_bytes(), outcome.json["files"][0]
    assert outcome.code == 0 and len(made) < len(data) and np.array_equal(codec.decode(made), codec.decode(data))
    assert (
        row["lossless"]
        and f"its own quality is about 80, and encoding it again at {quality} would lose more than it saves"
        in row["warnings"][0]
    )
    assert row["warnings"][0].endswith("(--force encodes it)")


def test_a_jpeg_is_encoded_again_by_force_or_far_below_its_quality(run, home):
    data = a_jpeg(home)
    assert run("compress", "source.jpg", "-o", "out.jpg", "-q", "95", "--force").code == 0
    assert jpeg.inspect(str(home / "out.jpg"))["estimated_quality"] == 94
    assert run("compress", "source.jpg", "-o", "low.jpg", "-q", "50").err == ""
    assert len((home / "low.jpg").read_bytes()) < len(data)


def test_what_is_not_encoded_again_can_be_stripped_and_turned(run, home):
    a_jpeg(home, metadata=jpeg.Metadata(exif=EXIF_TURNED, comments=(b"secret",)))
    assert run("compress", "source.jpg", "-o", "out.jpg", "--strip").code == 0
    assert jpeg.probe(str(home / "out.jpg")).metadata.size == 0
    odd = jpeg.encode(np.zeros((9, 30), np.uint8), 80, metadata=jpeg.Metadata(exif=EXIF_TURNED)).data
    (home / "odd.jpg").write_bytes(odd)
    assert run("compress", "odd.jpg", "-o", "odd-out.jpg", "--strip").code == 0
    assert (
        pictures.orientation(jpeg.probe(str(home / "odd-out.jpg")).metadata.exif) == 6
    )  # it could not be turned without loss


def test_the_limit_of_the_command_line_is_the_one_that_counts(run, home):
    a_jpeg(home)
    assert (
        "the limit is 100: raise it with --max-pixels"
        in run("compress", "source.jpg", "-o", "out.jpg", "--max-pixels", "100").err
    )


def test_kept_does_not_bring_back_stripped_metadata(run, home):
    noise = np.random.default_rng(1).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    (home / "small.jpg").write_bytes(jpeg.encode(noise, 10, metadata=jpeg.Metadata(comments=(b"secret",))).data)
    outcome = run("compress", "small.jpg", "-o", "out.jpg", "-q", "95", "--strip")
    assert outcome.table[0][-1] == "done"
    assert b"secret" not in (home / "out.jpg").read_bytes()


def test_kept_does_not_override_the_process_that_was_asked_for(run, home):
    noise = np.random.default_rng(1).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    (home / "small.jpg").write_bytes(jpeg.encode(noise, 10, progressive=True).data)
    assert run("compress", "small.jpg", "-o", "out.jpg", "-q", "95", "--baseline").table[0][-1] == "done"
    assert codec.probe((home / "out.jpg").read_bytes()).process == "baseline"


# ---------------------------------------------------------------- options reach the encoder


def test_lower_quality_is_a_smaller_file(run, home):
    sizes = [run("compress", "in/sub/c.jpg", "-o", f"{q}.jpg", "-q", q).table[0][2] for q in (20, 60)]
    assert int(sizes[0]) < int(sizes[1])


@pytest.mark.parametrize("flag, process", [("--progressive", "progressive"), ("--baseline", "baseline")])
def test_the_process_can_be_forced(run, home, flag, process):
    assert run("compress", "in/a.png", "-o", "a.jpg", flag).code == 0
    assert codec.probe((home / "a.jpg").read_bytes()).process == process


def test_a_quality_may_be_a_fraction(run, home):
    assert run("compress", "in/a.png", "-o", "a.jpg", "-q", "74.5", "--json").json["settings"]["quality"] == 74.5
    assert (home / "a.jpg").read_bytes() == codec.encode(
        pictures.load("in/a.png").pixels, 74.5, metadata=pictures.load("in/a.png").metadata
    )
    assert run("compress", "in/a.png", "-o", "b.jpg", "--json").json["settings"]["quality"] == 75


def test_a_target_is_reached_and_told(run, home):
    report = run("compress", "in/a.png", "in/b.png", "-o", "out", "--target", "size:1kB", "--json").json
    assert report["settings"]["target"] == "size:1kB" and report["settings"]["quality"] is None
    for row in report["files"]:
        assert (
            950 < row["achieved"] == row["after"] <= 1000
            and row["target"] == "size:1kB"
            and 1 < row["quality"] < 100
            and 1 < row["encodes"] <= 12
        )
    table = run("compress", "in/a.png", "-o", "a.jpg", "--target", "psnr:30").text.splitlines()
    assert table[0].split("\t") == ["file", "before", "after", "ratio", "status", "quality", "achieved"]
    score = codec.metrics.psnr(pictures.load("in/a.png").pixels, codec.decode((home / "a.jpg").read_bytes()))
    assert float(table[1].split("\t")[-1]) == score >= 30


def test_a_target_out_of_reach_is_a_failed_row_and_writes_nothing(run, home, tree):
    before = tree(".")
    outcome = run("compress", "in/a.png", "-o", "a.jpg", "--target", "size:100B")
    assert (
        outcome.code == 1
        and "size:100B cannot be reached: " in outcome.err
        and "at quality 1 ... " in outcome.err
        and tree(".") == before
    )


def test_a_jpeg_that_can_be_that_small_without_loss_loses_nothing(run, home):
    source = (home / "in" / "sub" / "c.jpg").read_bytes()
    (row,) = run("compress", "in/sub/c.jpg", "-o", "a.jpg", "--target", f"size:{len(source)}", "--json").json["files"]
    assert row["lossless"] and row["achieved"] == row["after"] <= len(source)
    assert (codec.decode((home / "a.jpg").read_bytes()) == codec.decode(source)).all()
    (row,) = run("compress", "in/sub/c.jpg", "-o", "b.jpg", "--target", "size:1kB", "--json").json["files"]
    assert "lossless" not in row and row["after"] <= 1000
    (row,) = run("compress", "in/sub/c.jpg", "-o", "c.jpg", "--target", "psnr:60", "--force", "--json").json[
        "files"
    ] or [None]
    assert row["status"] == "failed"


def test_a_jpeg_is_not_encoded_again_for_a_score_near_its_own(run, home):
    """A lossless result reaches every score."""
    outcome = run("compress", "in/sub/c.jpg", "-o", "a.jpg", "--target", "psnr:45", "--json")
    assert outcome.json["files"][0]["lossless"] and "would lose more than it saves" in outcome.err


def test_subsampling_can_be_chosen(run, home):
    for subsampling in ("4:4:4", "4:2:0"):
        report = run("compress", "in/a.png", "-o", "a.jpg", "--overwrite", "--subsampling", subsampling, "--json").json
        assert report["files"][0]["subsampling"] == subsampling


def test_transparency_warns_and_a_background_fills_it(run, home):
    clear = np.zeros((8, 8, 4), np.uint8)
    Image.fromarray(clear).save("clear.png")
    outcome = run("compress", "clear.png", "-o", "white.jpg")
    assert outcome.code == 0 and "codec: warning: clear.png: transparent pixels were laid on white" in outcome.err
    assert (codec.decode((home / "white.jpg").read_bytes()) > 250).all()
    outcome = run("compress", "clear.png", "-o", "black.jpg", "--background", "#000000")
    assert "transparent" not in outcome.err and (codec.decode((home / "black.jpg").read_bytes()) < 5).all()


def test_a_picture_beyond_max_pixels_is_refused(run, home):
    outcome = run("compress", "in/a.png", "-o", "a.jpg", "--max-pixels", "1279")
    assert outcome.code == 1 and "40x32 is 1280 pixels" in outcome.err
    assert run("compress", "in/a.png", "-o", "a.jpg", "--max-pixels", "1280").code == 0


# ---------------------------------------------------------------- metadata


def with_metadata():
    noise = np.random.default_rng(2).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    return jpeg.Metadata(icc=bytes(range(140)), exif=EXIF_TURNED, xmp=b"<x:xmpmeta/>", comments=(b"hello",)), noise


def test_metadata_of_a_jpeg_is_kept_and_pixels_are_not_turned(run, home):
    metadata, noise = with_metadata()
    (home / "m.jpg").write_bytes(jpeg.encode(noise, 95, metadata=metadata).data)
    assert run("compress", "m.jpg", "-o", "out.jpg", "-q", "50").code == 0
    result = jpeg.decode((home / "out.jpg").read_bytes())
    assert result.pixels.shape == (16, 24, 3)
    for name in ("icc", "exif", "xmp", "comments"):
        assert getattr(result.info.metadata, name) == getattr(metadata, name)


def test_strip_drops_all_metadata_and_turns_the_pixels_upright(run, home):
    metadata, noise = with_metadata()
    metadata = replace(metadata, icc=SRGB)
    (home / "m.jpg").write_bytes(jpeg.encode(noise, 95, metadata=metadata).data)
    assert run("compress", "m.jpg", "-o", "out.jpg", "--strip", "--subsampling", "4:4:4", "-q", "95").code == 0
    result = jpeg.decode((home / "out.jpg").read_bytes())
    assert result.info.metadata.size == 0
    assert result.pixels.shape == (24, 16, 3)
    difference = result.pixels.astype(int) - np.rot90(jpeg.decode((home / "m.jpg").read_bytes()).pixels, -1)
    assert np.abs(difference).mean() < 12


@pytest.mark.parametrize("quality", [50, 98])
def test_strip_never_drops_colours_that_are_not_srgb(run, home, quality):
    """At quality 98 the JPEG is rewritten without loss, at 50 it is encoded again."""
    p3 = profiles.profile(((b"cICP", bytes((12, 13, 0, 1))),), False)
    _, noise = with_metadata()
    for icc, left in ((p3, p3), (SRGB, None)):
        source = jpeg.encode(noise, 90, metadata=jpeg.Metadata(icc=icc, comments=(b"secret",))).data
        (home / "m.jpg").write_bytes(source)
        Image.fromarray(noise).save("m.png", icc_profile=icc)
        for name in ("m.jpg", "m.png"):
            assert run("compress", name, "-o", "out.jpg", "--strip", "-q", quality, "--overwrite").code == 0
            metadata = jpeg.probe(str(home / "out.jpg")).metadata
            assert metadata.icc == left and not metadata.comments


@pytest.mark.parametrize("kinds", ["gps", "thumbnail", "gps,thumbnail"])
@pytest.mark.parametrize("quality", [50, 98])
@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_strip_by_kind(run, home, kinds, quality, kind):
    tags = Image.Exif()
    tags[0x010F], tags[0x0112] = "Maker", 6
    tags[0x8825] = {1: "N", 2: (48.0, 51.0, 29.5)}
    noise = with_metadata()[1]
    Image.fromarray(noise).save(f"m.{kind}", exif=tags, **({"quality": 95} if kind == "jpg" else {}))
    outcome = run("compress", f"m.{kind}", "-o", "out.jpg", "--strip", kinds, "-q", quality)
    assert outcome.code == 0 and outcome.table[0][4] == "done"
    with Image.open("out.jpg") as image:
        left, size = image.getexif(), image.size
    assert left[0x010F] == "Maker" and left[0x0112] == 6 and (0x8825 in left) == ("gps" not in kinds)
    assert size == (24, 16)


def test_a_copy_never_keeps_what_was_to_be_stripped(run, home, tree):
    tags = Image.Exif()
    tags[0x8825] = {1: "N", 2: (48.0, 51.0, 29.5)}
    os.mkdir("flat")
    Image.new("RGB", (64, 64), "navy").save("flat/place.png", exif=tags)
    Image.new("RGB", (64, 64), "navy").save("flat/plain.png")
    assert run("compress", "flat", "-o", "kept").code == 0 and tree("kept") == ["place.png", "plain.png"]
    assert run("compress", "flat", "-o", "out", "--strip=gps").code == 0 and tree("out") == ["place.jpg", "plain.png"]


def test_strip_needs_no_value(run, home):
    for args in (["--strip", "in/a.png", "-o", "a.jpg"], ["in/a.png", "-o", "a.jpg", "--strip"]):
        outcome = run("compress", *args, "--overwrite", "--json")
        assert outcome.code == 0 and outcome.json["settings"]["strip"] == ["all"]
    refused = run("compress", "in/a.png", "-o", "b.jpg", "--strip=exif")
    assert refused.code == 2 and "unknown kind 'exif': choose of gps, thumbnail, all" in refused.err


def test_a_mistyped_kind_is_no_input(run, home):
    for kinds in ("gsp", "gps,xmp"):
        for args in (["--strip", kinds, "in/a.png"], [f"--strip={kinds}", "in/a.png"], ["in/a.png", "--strip", kinds]):
            refused = run("compress", *args, "-o", "out/")
            assert refused.code == 2 and "choose of gps, thumbnail, all" in refused.err and not (home / "out").exists()
    (home / "gsp").write_bytes((home / "in/a.png").read_bytes())  # then it may be meant
    outcome = run("compress", "--strip", "gsp", "-o", "out/", "--json")
    assert outcome.json["settings"]["strip"] == ["all"] and outcome.json["files"][0]["input"] == "gsp"
    outcome = run("compress", "-o", "gone/", "--strip", "gone.png", "--json")  # a path that is not there is said to be
    assert outcome.code == 1 and "gone.png" in outcome.json["files"][0]["error"]
    for kinds in ("gps", "gps,thumbnail"):
        outcome = run("compress", "--strip", kinds, "in/a.png", "-o", "out/", "--overwrite", "--json")
        assert outcome.json["settings"]["strip"] == kinds.split(",")


def test_metadata_of_a_png_is_kept(run, home):
    Image.open("in/a.png").save("m.png", icc_profile=bytes(range(140)), exif=b"Exif\0\0" + EXIF_TURNED)
    assert run("compress", "m.png", "-o", "m.jpg").code == 0
    metadata = pictures.load("m.jpg").metadata
    assert metadata.icc == bytes(range(140)) and metadata.exif == EXIF_TURNED


@pytest.mark.parametrize("options", [["--strip", "-q", "30"], ["--max-size", "20"], ["--to", "png", "--force"]])
def test_what_a_jpeg_holds_behind_its_picture_is_missed_aloud(run, home, options):
    data = (home / "in" / "sub" / "c.jpg").read_bytes()
    (home / "motion.jpg").write_bytes(data + b"\0\0\0\x14ftypmp42" + bytes(500))
    outcome = run("compress", "motion.jpg", "-o", "out/", *options, "--json")
    assert outcome.code == 0 and "codec: warning: motion.jpg: 512 bytes behind the picture (a film)" in outcome.err
    assert outcome.json["files"][0]["reason"].startswith("512 bytes behind the picture (a film) are not carried over")


@pytest.mark.parametrize("verb", [("compress", "-q", "30"), ("decompress",)])
def test_application_segments_of_unknown_contents_are_missed_aloud(run, home, verb):
    noise = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    data = jpeg.encode(noise, 95).data
    segment = b"\xff\xe1\0\x0cFLIR\0\1\2\3\4\5"
    (home / "thermal.jpg").write_bytes(data[:2] + 2 * segment + data[2:])
    out = "out.jpg" if verb[0] == "compress" else "out.png"
    assert "2 of APP1 FLIR (28 bytes)" in run(verb[0], "thermal.jpg", "-o", out, *verb[1:]).err
    if verb[0] == "compress":
        assert "FLIR" not in run("compress", "thermal.jpg", "-o", "bare.jpg", "-q", "30", "--strip").err


@pytest.mark.parametrize(
    "words, said",
    [
        (["--executor", "dask"], "--scheduler ADDRESS"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--executor dask"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "-j", "2"], "exclude each other"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "--in-place"], "exclude each other"),
        (["--executor", "ray"], "ray"),
    ],
)
def test_a_cluster_has_a_scheduler_and_its_own_threads(run, home, words, said):
    outcome = run("compress", "in", *([] if "--in-place" in words else ["-o", "out"]), *words)
    assert outcome.code == 2 and said in outcome.err and not (home / "out").exists()


# ---------------------------------------------------------------- other formats, colours, budgets


@pytest.mark.parametrize("form, magic", [("png", b"\x89PNG"), ("gif", b"GIF8")])
def test_to_png_and_gif(run, home, tree, form, magic):
    outcome = run("compress", "in", "-o", "out", "--to", form)
    assert outcome.code == 0
    made = [name for name in tree("out") if name.endswith(form) and not name.startswith(".")]
    assert made and all((home / "out" / name).read_bytes().startswith(magic) for name in made)


def test_options_of_jpeg_do_not_apply_to_other_formats(run, tree):
    for words in (["-q", "50"], ["--effort", "3"], ["--baseline"], ["--background", "red"]):
        outcome = run("compress", "in", "-o", "out", "--to", "gif", *words)
        assert outcome.code == 2 and "does not apply to --to gif" in outcome.err
    outcome = run("compress", "in", "--to", "png", "--in-place")
    assert outcome.code == 2 and "--in-place does not apply to --to png" in outcome.err
    assert run("compress", "in", "-o", "out", "--budget", "1s", "--effort", "3").code == 2
    outcome = run("compress", "in", "-o", "out", "--to", "gif", "--target", "psnr:30")
    assert outcome.code == 2 and "--target psnr:30 is for other formats" in outcome.err


def test_a_budget_shows_the_effort_in_table_and_json(run, home):
    outcome = run("compress", "in/a.png", "-o", "a.jpg", "--budget", "5s")
    assert [line.split("\t")[5] for line in outcome.out.decode().splitlines()] == ["effort", "9"]
    report = json.loads(run("compress", "in/a.png", "-o", "b.jpg", "--budget", "5s", "--json").out)
    assert report["settings"]["budget"] == 5 and report["settings"]["effort"] is None
    assert report["files"][0]["effort"] == 9


def test_the_report_counts_what_became_of_the_metadata(run, home):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2] = np.random.default_rng(1).integers(0, 256, (32, 16, 3))
    icc = profiles.profile(((b"cICP", bytes([12, 13, 0, 1])),), False)
    (home / "p3.jpg").write_bytes(codec.encode(pixels, 98, metadata=jpeg.Metadata(icc=icc, comments=(b"hi",))))
    outcome = run("compress", "p3.jpg", "-o", "out/", "--srgb", "--strip", "--json")
    (found,) = [row["metadata"] for row in json.loads(outcome.out)["files"]]
    assert found["dropped"] == ["comments"] and found["converted"][0].endswith("to sRGB")
    assert json.loads(outcome.out)["total"]["metadata"]["dropped"] == {"comments": 1}
    assert "metadata dropped and converted, with the number of files: comments (1)" in outcome.err


def test_rows_that_wait_on_the_disk_are_shown_all_the_same(run, home, monkeypatch):
    (home / "in" / "broken.png").write_bytes(b"broken")
    words = ("compress", "in", "-o", "out", "--dry-run")
    usual, report = run(*words), run(*words, "--json").out
    monkeypatch.setattr(_report, "IN_MEMORY", 0)
    again = run(*words)
    assert (again.code, again.out, again.err) == (usual.code, usual.out, usual.err)
    assert run(*words, "--json").out == report
    assert usual.code == 1 and usual.err.count("broken.png") == 1


def test_a_report_has_a_line_for_each_file(run, home):
    (home / "empty").mkdir()
    for words in (["in"], ["empty"], ["in", "--strip", "--dry-run"]):
        text = run("compress", *words, "-o", "out", "--json").out.decode()
        report, lines = json.loads(text), [line.strip().rstrip(",") for line in text.splitlines()]
        assert lines.count('"files": [') + lines.count('"files": []') == 1
        assert [line for line in lines if line.startswith('{"input"')] == [json.dumps(row) for row in report["files"]]
