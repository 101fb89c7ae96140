"""`codec rd`: rows on request, otherwise a table of means, and a figure."""

import json
import sys

import numpy as np
import pytest
from clips import clip, y4m
from PIL import Image

from codec import rd
from codec.cli.rd import lab
from codec.metrics.names import METRICS


def test_rows_to_a_file_and_the_means_to_stdout(run, home):
    outcome = run(
        "rd", "sweep", "in/a.png", "in/b.png", "--quality", "40,80", "--subsampling", "4:2:0,4:4:4", "-o", "rows.jsonl"
    )
    assert outcome.code == 0 and outcome.err == ""
    rows = rd.read_points("rows.jsonl")
    assert [(row.image, row.setting["quality"]) for row in rows] == [
        (name, q) for name in ("in/a.png", "in/b.png") for _ in range(2) for q in (40, 80)
    ]
    header, *lines = [line.split("\t") for line in outcome.text.splitlines()]
    assert header == ["subsampling", "effort", "quality", "images", "bpp", "psnr", "ssim", "enc MP/s", "dec MP/s"]
    assert [line[:4] for line in lines] == [
        ["4:2:0", "5", "40", "2"],
        ["4:2:0", "5", "80", "2"],
        ["4:4:4", "5", "40", "2"],
        ["4:4:4", "5", "80", "2"],
    ]
    assert lines[0][4] == f"{rd.means(rows)[0].bpp:.3f}"


@pytest.mark.parametrize("output", [("-o", "-"), ()])
def test_rows_to_a_pipe(run, home, output):
    outcome = run("rd", "sweep", "in/a.png", "--quality", "40,80", *output)
    rows = [rd.Point.from_json(json.loads(line)) for line in outcome.text.splitlines()]
    assert [row.setting["quality"] for row in rows] == [40, 80] and outcome.err == ""


def test_quality_as_a_range_with_its_end(run, home):
    outcome = run("rd", "sweep", "in/a.png", "--quality", "20:60:20,90", "--metric", "mse")
    rows = [json.loads(line) for line in outcome.text.splitlines()]
    assert [row["setting"]["quality"] for row in rows] == [20, 40, 60, 90]
    assert all(list(row["metrics"]) == ["mse"] for row in rows)


@pytest.mark.parametrize("value", ["", "a", "50,", "90:20:5", "20:90:0", "20:90:-5", "1:2:3:4"])
def test_a_list_that_is_none(run, home, value):
    outcome = run("rd", "sweep", "in/a.png", "--quality", value)
    assert outcome.code == 2 and "is neither numbers such as 30,50,70 nor a range such as 20:95:5" in outcome.err


def test_a_folder_is_everything_below_it(run, home):
    outcome = run("rd", "sweep", "in", "--quality", "50")
    assert [json.loads(line)["image"] for line in outcome.text.splitlines()] == ["in/a.png", "in/b.png", "in/sub/c.jpg"]


def test_a_failing_picture_is_told_at_the_end(run, home):
    outcome = run("rd", "sweep", "in/notes.txt", "in/a.png", "--quality", "50", "-o", "rows.jsonl")
    assert outcome.code == 1 and len(rd.read_points("rows.jsonl")) == 1
    assert "not measured:" in outcome.err and "in/notes.txt: " in outcome.err
    failure, row = rd.read_records("rows.jsonl")
    assert failure.image == "in/notes.txt" and failure.stage == "read" and failure.codec == ""
    command = ("rd", "sweep", "in/notes.txt", "in/a.png", "--quality", "50")
    assert failure.line() in run(*command).text.splitlines()
    before = (home / "rows.jsonl").read_bytes()
    assert run(*command, "-o", "rows.jsonl").code == 1 and (home / "rows.jsonl").read_bytes() == before
    Image.new("RGB", (32, 32), "red").save("in/notes.txt", "PNG")
    outcome = run(*command, "-o", "rows.jsonl")
    assert outcome.code == 0 and outcome.err == "codec: 1 of 2 rows were there already\n"
    assert rd.outstanding(rd.read_records("rows.jsonl")) == []


def test_files_with_failures_are_read_by_every_verb(run, home):
    command = (
        "rd",
        "sweep",
        "in/notes.txt",
        "in/a.png",
        "-c",
        "jpeg:effort=1/9",
        "--quality",
        "20:80:20",
        "--metric",
        "psnr",
    )
    assert run(*command, "-o", "rows.jsonl").code == 1
    for verb in (
        ("bd", "--metric", "psnr"),
        ("hull", "--metric", "psnr"),
        ("plot", "--metric", "psnr", "-o", "rd.svg"),
        ("report", "-o", "rd.html"),
    ):
        outcome = run("rd", verb[0], "rows.jsonl", *verb[1:])
        assert outcome.code == 0 and "warning: not measured: in/notes.txt: " in outcome.err, outcome.err
    assert "in/notes.txt: " in (home / "rd.html").read_text()


def test_one_line_tells_what_failed_at_many_settings(run, home):
    Image.new("L", (5, 5)).save("in/tiny.png")
    outcome = run("rd", "sweep", "in/tiny.png", "in/a.png", "--quality", "20:90:10")
    assert outcome.code == 1 and len(outcome.text.splitlines()) == 16
    assert (
        outcome.err.count("tiny.png") == 1
        and "in/tiny.png at 8 settings: the row has no ssim: SSIM needs at least 11 x 11" in outcome.err
    )


def test_settings_that_the_encoder_refuses_are_usage_errors(run, home):
    for options in (("--subsampling", "4:2:9"), ("--quality", "1000"), ("--effort", "0"), ("--metric", "vmaf")):
        outcome = run("rd", "sweep", "in/a.png", *options, "-o", "rows.jsonl")
        assert outcome.code == 2 and not (home / "rows.jsonl").exists()


def test_an_interrupt_tells_where_the_rows_are(run, home, monkeypatch):
    measured = []

    def interrupted(a, b):
        measured.append(0)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return 1.0

    monkeypatch.setitem(METRICS, "mse", interrupted)
    outcome = run("rd", "sweep", "in/a.png", "--metric", "mse", "-o", "rows.jsonl")
    assert (
        outcome.code == 130
        and "2 of 7 done; their rows are in rows.jsonl: the same command resumes from there" in outcome.err
    )
    assert len(rd.read_points("rows.jsonl")) == 2


def test_figures_of_a_sweep_and_of_its_rows(run, home):
    pytest.importorskip("matplotlib")
    assert run("rd", "sweep", "in/a.png", "--quality", "40,80", "-o", "rows.jsonl", "--plot", "one.svg").code == 0
    assert run("rd", "plot", "rows.jsonl", "-o", "two.svg").code == 0
    assert (home / "one.svg").read_bytes() == (home / "two.svg").read_bytes()


def test_a_figure_that_cannot_be_drawn_is_told_before_the_sweep(run, home, monkeypatch):
    pytest.importorskip("matplotlib")
    outcome = run("rd", "sweep", "in/a.png", "--plot", "rd.gif", "-o", "rows.jsonl")
    assert outcome.code == 2 and ".png, .svg, .pdf" in outcome.err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = run("rd", "sweep", "in/a.png", "--plot", "rd.png", "-o", "rows.jsonl")
    assert outcome.code == 1 and "pip install codec[lab]" in outcome.err
    assert not (home / "rows.jsonl").exists()


SWEEP = (
    "rd",
    "sweep",
    "in/a.png",
    "in/b.png",
    "-c",
    "jpeg",
    "-c",
    "libjpeg-turbo",
    "-q",
    "20,40,60,80",
    "-o",
    "rows.jsonl",
)


@pytest.fixture
def swept(run, home):
    assert run(*SWEEP).code == 0
    return home / "rows.jsonl"


def test_the_table_of_several_codecs(run, home):
    outcome = run(*SWEEP)
    assert outcome.text.splitlines()[0].split("\t")[:7] == [
        "codec",
        "subsampling",
        "progressive",
        "effort",
        "quality",
        "images",
        "bpp",
    ]
    assert [line[:6] for line in outcome.table][::4] == [
        ["jpeg", "auto", "-", "5", "20", "2"],
        ["libjpeg-turbo", "4:2:0", "True", "-", "20", "2"],
    ]


def test_the_same_command_again_measures_nothing(run, swept):
    before = swept.read_bytes()
    outcome = run(*SWEEP)
    assert outcome.code == 0 and "16 of 16 rows were there already" in outcome.err and len(outcome.table) == 8
    assert swept.read_bytes() == before


def test_a_killed_sweep_goes_on_where_it_was(run, swept):
    lines = swept.read_bytes().splitlines(keepends=True)
    swept.write_bytes(b"".join(lines[:7]) + lines[7][:100])
    outcome = run(*SWEEP)
    assert outcome.code == 0 and "7 of 16 rows were there already" in outcome.err
    assert "rows.jsonl:8: the last line is incomplete" in outcome.err
    assert swept.read_bytes().splitlines(keepends=True)[:7] == lines[:7] and len(rd.read_points(swept)) == 16


def test_a_line_that_is_no_row_is_told_and_its_row_measured_again(run, swept):
    lines = swept.read_bytes().splitlines(keepends=True)
    swept.write_bytes(b"".join([*lines[:3], b"garbage\n", *lines[4:]]))
    outcome = run(*SWEEP)
    assert outcome.code == 1 and "rows.jsonl:4: not a row of a sweep" in outcome.err and "15 of 16 rows" in outcome.err
    problems = []
    assert len(rd.read_points(swept, problems=problems)) == 16 and len(problems) == 1
    for verb in (("bd",), ("hull",), ("plot", "-o", "rd.svg")):
        outcome = run("rd", *verb, "rows.jsonl")
        assert outcome.code == 1 and "rows.jsonl:4: not a row" in outcome.err


def test_a_file_that_holds_something_else_is_not_touched(run, home):
    before = (home / "in" / "a.png").read_bytes()
    outcome = run("rd", "sweep", "in/b.png", "-o", "in/a.png")
    assert outcome.code == 1 and "in/a.png exists and holds no rows of a sweep; it was not changed" in outcome.err
    assert (home / "in" / "a.png").read_bytes() == before


def test_bd_rate_as_a_table_and_as_json(run, swept):
    outcome = run("rd", "bd", "rows.jsonl", "--anchor", "libjpeg-turbo", "--metric", "psnr,ssim")
    assert outcome.code == 0 and outcome.text.splitlines()[0].split("\t")[:4] == [
        "family",
        "anchor",
        "metric",
        "BD-rate %",
    ]
    assert [line[:3] for line in outcome.table] == [
        ["jpeg, automatic subsampling", "libjpeg-turbo, 4:2:0", "psnr"],
        ["jpeg, automatic subsampling", "libjpeg-turbo, 4:2:0", "ssim"],
    ]
    found = run("rd", "bd", "rows.jsonl", "--anchor", "libjpeg-turbo", "--metric", "psnr", "--json").json["results"]
    expected = rd.compare(rd.read_points("rows.jsonl"), "psnr", "libjpeg-turbo")["jpeg, automatic subsampling"]
    assert (
        found[0]["mean"] == expected.mean
        and found[0]["images"]["in/a.png"]["value"] == expected.images["in/a.png"].value
    )
    assert [f"{expected.mean:+.2f}", "-", "-", f"{expected.median:+.2f}"] == outcome.table[0][3:7]
    lines = run("rd", "bd", "rows.jsonl", "--anchor", "jpeg", "--per-image", "--metric", "psnr").table
    assert [line[3] for line in lines] == ["in/a.png", "in/b.png"]
    assert run("rd", "bd", "rows.jsonl", "--quality", "--metric", "psnr").text.split("\t")[3] == "BD-quality"


def test_bd_rate_that_cannot_be_given_says_why(run, home):
    run("rd", "sweep", "in/a.png", "-c", "jpeg", "-c", "libjpeg-turbo", "-q", "40,80", "-o", "few.jsonl")
    outcome = run("rd", "bd", "few.jsonl", "--metric", "psnr")
    assert outcome.code == 1 and outcome.table[0][3] == "-"
    assert (
        "no number: libjpeg-turbo, 4:2:0, psnr, in/a.png: the reference has 2 points, and a delta needs at least 4"
        in outcome.err
    )
    assert "did you mean 'libjpeg-turbo, 4:2:0'" in run("rd", "bd", "few.jsonl", "--anchor", "libjpeg-trubo").err


def test_hull(run, swept):
    outcome = run("rd", "hull", "rows.jsonl", "--metric", "psnr")
    assert outcome.code == 0 and outcome.table[0][-1].endswith("/2")
    assert len(run("rd", "hull", "rows.jsonl", "--metric", "psnr", "--json").json["hull"]) == len(outcome.table)


def test_speed_figure(run, swept):
    pytest.importorskip("matplotlib")
    assert run("rd", "plot", "rows.jsonl", "--kind", "speed", "--metric", "psnr", "-o", "speed.svg").code == 0
    assert (swept.parent / "speed.svg").read_bytes().startswith(b"<?xml")


def test_a_lossless_picture_is_left_out_of_the_means_and_named(run, home):
    Image.new("L", (64, 64), 128).save("in/flat.png")
    command = ("rd", "sweep", "in/a.png", "in/flat.png", "-q", "30,60,90", "--metric", "psnr")
    outcome = run(*command, "-o", "rows.jsonl")
    assert "the means are without in/flat.png, which some settings keep without error by psnr" in outcome.err
    alone = rd.means([row for row in rd.read_points("rows.jsonl") if row.image == "in/a.png"])
    assert [line[4] for line in outcome.table] == [f"{mean.bpp:.3f}" for mean in alone]
    outcome = run("rd", "hull", "rows.jsonl", "--metric", "psnr")
    assert outcome.code == 0 and "without in/flat.png" in outcome.err
    assert [line[5] for line in outcome.table] == [f"{mean.metrics['psnr']:.2f}" for mean in rd.hull(alone, "psnr")]


def test_a_wrong_command_line_has_the_exit_code_of_one(run, swept, home):
    for wrong, says in (
        (("plot", "rows.jsonl", "-o", "x.txt"), ".png, .svg, .pdf"),
        (("plot", "rows.jsonl", "-o", "x.png", "--metric", "ssmi"), "there are psnr, ssim"),
        (("bd", "rows.jsonl", "--anchor", "foo"), "no family is called 'foo'"),
        (("bd", "rows.jsonl", "--metric", "vmaf"), "no row has the metric 'vmaf'"),
        (("hull", "rows.jsonl", "--metric", "foo"), "no row has the metric 'foo'"),
        (("report", "rows.jsonl", "-o", "x.txt"), "x.txt: the report is HTML"),
    ):
        outcome = run("rd", *wrong)
        assert outcome.code == 2 and says in outcome.err, outcome.err
    assert not (home / "x.txt").exists()


def test_metrics_of_other_programs_are_compared_and_drawn(run, swept):
    pytest.importorskip("matplotlib")
    foreign = lambda row: {"vmaf": 10 * row.metrics["psnr"], "ssim[skimage]": row.metrics["ssim"]}
    rd.write_points(
        "other.jsonl", [rd.Point(**{**vars(row), "metrics": foreign(row)}) for row in rd.read_points("rows.jsonl")]
    )
    for names in ("vmaf,ssim[skimage]", "all"):
        outcome = run("rd", "bd", "other.jsonl", "--metric", names)
        assert outcome.code == 0 and [line[2] for line in outcome.table] == ["vmaf", "ssim[skimage]"]
        assert run("rd", "plot", "other.jsonl", "--metric", names, "-o", "rd.svg").code == 0


def test_find_measures_what_it_writes(run, home):
    Image.fromarray(np.arange(64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64)).save("ramp.png")
    outcome = run("rd", "find", "ramp.png", "--target", "psnr:35", "-c", "jpeg:effort=2", "-o", "ramp.jpg", "--json")
    assert outcome.code == 0
    found = outcome.json["found"]
    assert found["bytes"] == (home / "ramp.jpg").stat().st_size and found["psnr"] >= 35 and found["effort"] == 2
    assert run("metrics", "ramp.png", "ramp.jpg", "--metric", "psnr").text.split("\t")[1] == f"{found['psnr']:.6g}"


def test_find_and_compress_make_the_same_file(run, home):
    for picture in ("in/a.png", "in/b.png"):
        found = run("rd", "find", picture, "--target", "ssim:0.93", "-o", "found.jpg", "--json").json["found"]
        made = run("compress", picture, "-o", "made.jpg", "--target", "ssim:0.93", "--overwrite", "--json").json[
            "files"
        ]
        assert (home / "found.jpg").read_bytes() == (home / "made.jpg").read_bytes()
        assert (found["quality"], found["bytes"], found["ssim"]) == (
            made[0]["quality"], made[0]["after"], made[0]["achieved"],
        )  # fmt: skip


def test_a_target_out_of_reach_and_wrong_ones(run, home):
    outcome = run("rd", "find", "in/a.png", "--target", "psnr:90")
    assert outcome.code == 1 and "psnr:90 cannot be reached: " in outcome.err and "at quality 100" in outcome.err
    outcome = run("rd", "find", "in/a.png", "--target", "psnr:90", "-c", "webp")
    assert outcome.code == 1 and "webp cannot reach psnr 90 of this picture: it reaches" in outcome.err
    for target, says in (
        ("ssim", "write METRIC:VALUE"),
        ("sim:0.9", "did you mean 'ssim'"),
        ("ssim:nan", "write METRIC:VALUE"),
    ):
        outcome = run("rd", "find", "in/a.png", "--target", target)
        assert outcome.code == 2 and says in outcome.err
    assert (
        "a search takes one value of effort, not 2"
        in run("rd", "find", "in/a.png", "--target", "ssim:0.9", "-c", "jpeg:effort=1/2").err
    )


def test_find_writes_no_file_that_says_another_format(run, home):
    for codec, name, says in (
        ("jpeg", "f.png", "jpeg writes JPEG, and f.png does not say so; name it f.jpg"),
        ("webp", "f.jpg", "webp writes WEBP, and f.jpg does not say so; name it f.webp"),
        ("webp:quality=50", "f.webp", "quality is what the search is for"),
    ):
        outcome = run("rd", "find", "in/a.png", "--target", "psnr:20", "-c", codec, "-o", name)
        assert outcome.code == 2 and says in outcome.err and not (home / name).exists()


def test_what_is_not_there_is_said(run, home):
    (home / "empty").mkdir()
    for folder, codec, says in (
        ("in", "h264", "in: no videos there (3 pictures)"),
        ("empty", "jpeg", "empty: no pictures there\n"),
    ):
        outcome = run("rd", "sweep", folder, "-c", codec)
        assert outcome.code == 2 and says in outcome.err


def test_a_slow_encoder_has_a_speed(run, swept):
    rows = [rd.Point(**{**vars(row), "encode_seconds": 0.03}) for row in rd.read_points(swept)]
    assert lab._cell("enc MP/s", rd.means(rows)[0].encode_mpixels_per_second) == "0.043"
    assert lab._cell("enc MP/s", 17.26) == "17.3"


def test_a_warning_names_no_option_that_the_command_lacks(run, home):
    Image.new("RGBA", (16, 16), (9, 9, 9, 99)).save("clear.png")
    for command in (("sweep", "clear.png", "-q", "50"), ("find", "clear.png", "--target", "psnr:30")):
        outcome = run("rd", *command, "--metric", "psnr") if command[0] == "sweep" else run("rd", *command)
        assert "clear.png: transparent pixels were laid on white\n" in outcome.err


def test_an_unknown_codec_lists_the_known_ones(run, home):
    outcome = run("rd", "sweep", "in/a.png", "--codec", "mozjpg")
    assert (
        outcome.code == 2
        and "unknown codec 'mozjpg': did you mean 'mozjpeg'? there are jpeg, libjpeg-turbo," in outcome.err
    )


def test_the_codecs_are_listed_with_what_is_missing(run, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjpegli", None)
    lines = {line[0]: line[1:] for line in run("rd", "codecs").table}
    assert lines["jpeg"][:2] == ["pictures", "subsampling=auto effort=5 quality=75"]
    assert lines["jpegli"][2] == "jpegli needs pyjpegli, which is not installed: pip install pyjpegli"
    installed = {entry["codec"]: entry["installed"] for entry in run("rd", "codecs", "--json").json["codecs"]}
    assert installed["jpeg"] is True and installed["jpegli"] is False


def test_two_files_of_one_codec_are_compared_by_the_names_given_to_them(run, swept, home):
    rows = rd.read_points(swept)
    rd.write_points(
        "new.jsonl",
        [rd.Point(**{**vars(row), "bytes": row.bytes // 2, "bpp": row.bpp / 2}) for row in rows if row.codec == "jpeg"],
    )
    table = run(
        "rd", "bd", "before=rows.jsonl", "after=new.jsonl", "--anchor", "jpeg (before", "--metric", "psnr"
    ).table
    assert (
        [line[0].split(" (")[0] for line in table] == ["libjpeg-turbo, 4:2:0", "jpeg"]
        and "after, " in table[1][0]
        and table[1][3] == "-50.00"
    )
    assert any(
        "(after, " in line[0]
        for line in run("rd", "hull", "before=rows.jsonl", "after=new.jsonl", "--metric", "psnr").table
    )
    assert run("rd", "report", "before=rows.jsonl", "after=new.jsonl", "-o", "rd.html").code == 0
    assert "rows.jsonl, new.jsonl" in (home / "rd.html").read_text()
    swept.rename("a=b.jsonl")
    assert run("rd", "hull", "a=b.jsonl").code == 0


def test_a_build_is_the_anchor_of_each_of_its_families(run, swept, home):
    rows = rd.read_points(swept)
    halved = [rd.Point(**{**vars(row), "bytes": row.bytes // 2, "bpp": row.bpp / 2}) for row in rows]
    rd.write_points("new.jsonl", halved)
    outcome = run("rd", "bd", "a=rows.jsonl", "b=new.jsonl", "--anchor", "a", "--metric", "psnr")
    assert outcome.code == 0 and [(line[0].replace("(b, ", "(a, "), line[3]) for line in outcome.table] == [
        (line[1], "-50.00") for line in outcome.table
    ]
    assert [line[1].partition(" ")[0] for line in outcome.table] == ["jpeg", "libjpeg-turbo"]
    rd.write_points("new.jsonl", [row for row in halved if row.codec == "jpeg"])
    outcome = run("rd", "bd", "a=rows.jsonl", "b=new.jsonl", "--anchor", "a", "--metric", "psnr")
    assert len(outcome.table) == 1 and "nothing to compare with libjpeg-turbo" in outcome.err
    outcome = run("rd", "bd", "a=rows.jsonl", "b=rows.jsonl", "--anchor", "(a", "--metric", "psnr")
    assert outcome.code == 2 and "'(a' is part of the names of several families" in outcome.err


def test_videos_from_the_command_line(run, home):
    pytest.importorskip("av", reason="PyAV is not installed: no video codec is there")
    pytest.importorskip("matplotlib")
    (home / "clips").mkdir()
    for name in ("a", "b"):
        (home / "clips" / f"{name}.y4m").write_bytes(y4m(clip(8, 48 if name == "a" else 64, 64)))
    command = (
        "rd",
        "sweep",
        "clips",
        "-c",
        "x264",
        "-c",
        "vp9:preset=6",
        "--crf",
        "15:45:10",
        "--frames",
        "4",
        "--metric",
        "psnr_y,ssim_y",
    )
    outcome = run(*command, "-o", "rows.jsonl")
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.text.splitlines()[0].split("\t") == [
        "codec",
        "preset",
        "crf",
        "videos",
        "kbit/s",
        "psnr_y",
        "ssim_y",
        "enc MP/s",
        "dec MP/s",
    ]
    rows = rd.read_points("rows.jsonl")
    assert len(rows) == 16 and {(row.media, row.frames) for row in rows} == {("video", 4)}
    assert "16 of 16 rows were there already" in run(*command, "-o", "rows.jsonl").err
    table = run("rd", "bd", "rows.jsonl", "--anchor", "x264", "--metric", "psnr_y").table
    assert [line[0] for line in table] == ["vp9"] and table[0][7] == "2/2"
    assert "kbit/s" in run("rd", "hull", "rows.jsonl", "--metric", "ssim_y").text
    assert run("rd", "plot", "rows.jsonl", "-o", "rd.svg", "--metric", "psnr_y").code == 0
    assert run("rd", "report", "rows.jsonl", "-o", "rd.html").code == 0
    outcome = run("rd", "find", "clips/a.y4m", "--target", "psnr_y:35", "--codec", "x264", "--frames", "4")
    assert outcome.code == 0 and outcome.text.splitlines()[0].split("\t")[:5] == [
        "codec",
        "preset",
        "crf",
        "bytes",
        "kbit/s",
    ]
    for wrong, says in (
        (("sweep", "clips", "-c", "x264", "-c", "jpeg"), "x264 takes videos and jpeg pictures"),
        (("sweep", "clips/a.y4m", "--frames", "2"), "frames is for videos"),
        (("find", "in/a.png", "--target", "psnr:30", "--frames", "2"), "--frames is for videos"),
        (("find", "clips/a.y4m", "--target", "psnr:30", "-c", "x264", "-o", "a.264"), "have no container"),
    ):
        outcome = run("rd", *wrong)
        assert outcome.code == 2 and says in outcome.err, outcome.err
