"""`codec rd`: rows where they are asked for, a table of means otherwise, and a figure."""
import json
import sys

import pytest
from PIL import Image

from codec import rd
from codec.metrics.names import METRICS


def test_rows_to_a_file_and_the_means_to_stdout(run, home):
    outcome = run("rd", "sweep", "in/a.png", "in/b.png", "--quality", "40,80", "--subsampling", "4:2:0,4:4:4", "-o", "rows.jsonl")
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


def test_one_line_tells_what_failed_at_many_settings(run, home):
    Image.new("L", (5, 5)).save("in/tiny.png")
    outcome = run("rd", "sweep", "in/tiny.png", "in/a.png", "--quality", "20:90:10")
    assert outcome.code == 1 and len(outcome.text.splitlines()) == 8
    assert outcome.err.count("tiny.png") == 1 and "in/tiny.png at 8 settings: SSIM needs at least 11 x 11 pixels" in outcome.err


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
    assert outcome.code == 130 and "2 of 7 measured; their rows are in rows.jsonl.part" in outcome.err
    assert len(rd.read_points("rows.jsonl.part")) == 2 and not (home / "rows.jsonl").exists()


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
