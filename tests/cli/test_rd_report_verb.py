"""`codec rd report`: rows in, one page out."""

import json
import re

import pytest

from codec import rd


def data_of(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text("ascii"))[1])


@pytest.fixture
def rows(run, home):
    outcome = run(
        "rd",
        "sweep",
        "in/a.png",
        "in/b.png",
        "--quality",
        "20:80:20",
        "--subsampling",
        "4:2:0,4:4:4",
        "-o",
        "rows.jsonl",
    )
    assert outcome.code == 0
    return home / "rows.jsonl"


def test_a_page_with_its_crops(run, home, rows):
    outcome = run("rd", "report", "rows.jsonl", "-o", "report.html")
    assert outcome.code == 0 and outcome.text == "" and "report.html" in outcome.err and "16 rows" in outcome.err
    data = data_of(home / "report.html")
    assert data["title"] == "Rate and distortion: rows.jsonl" and len(data["rows"]) == 16
    assert all(entry["original"] for entry in data["show"]["entries"])
    assert data["origins"][0]["command"] == rd.read_points("rows.jsonl")[0].command.strip()


def test_what_is_shown_can_be_chosen(run, home, rows):
    options = (
        "--metric",
        "ssim",
        "--anchor",
        "4:4:4",
        "--at",
        "4,8",
        "--pictures",
        "1",
        "--crop",
        "16",
        "--title",
        "T & T",
    )
    assert run("rd", "report", "rows.jsonl", "-o", "report.html", *options).code == 0
    data = data_of(home / "report.html")
    assert [metric["name"] for metric in data["metrics"]] == ["ssim"] and data["families"][data["anchor"]] == "4:4:4"
    assert (
        data["show"]["rates"] == [4, 8]
        and len(data["show"]["entries"]) == 1
        and data["show"]["entries"][0]["crop"][2:] == [16, 16]
    )
    assert data["title"] == "T & T" and "<title>T &amp; T</title>" in (home / "report.html").read_text()


def test_originals_that_moved(run, home, rows):
    (home / "in").rename(home / "moved")
    assert run("rd", "report", "rows.jsonl", "-o", "report.html").code == 0
    assert not any(entry["original"] for entry in data_of(home / "report.html")["show"]["entries"])
    assert run("rd", "report", "rows.jsonl", "-o", "report.html", "--images", "moved").code == 0
    assert all(entry["original"] for entry in data_of(home / "report.html")["show"]["entries"])


def test_a_corrupt_line_is_told_and_the_others_are_shown(run, home, rows):
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join([*lines[:3], "{\n", *lines[3:]]))
    outcome = run("rd", "report", "rows.jsonl", "-o", "report.html")
    assert outcome.code == 1 and "rows.jsonl:4: not a row" in outcome.err
    data = data_of(home / "report.html")
    assert len(data["rows"]) == 16 and "rows.jsonl:4: not a row" in data["failures"][0]


def test_failures_are_shown_as_text(run, home, rows):
    hostile = "</script><img src=x onerror=alert(1)>"
    failure = rd.Failure(hostile, "encode", hostile, codec=hostile, setting={hostile: hostile})
    rows.write_text(rows.read_text() + failure.line() + "\n")
    assert run("rd", "report", "rows.jsonl", "-o", "report.html").code == 0
    assert data_of(home / "report.html")["failures"] == [f"{hostile} at {hostile}, {hostile} {hostile}: {hostile}"]
    assert hostile not in (home / "report.html").read_text()


@pytest.mark.parametrize(
    "options, says",
    [
        (("--metric", "vmaf"), "no row has the metric 'vmaf'"),
        (("--anchor", "webp"), "no family is called 'webp'"),
        (("--at", "much"), "not a list of rates such as 0.5,1"),
        (("--at", "0"), "must be bits per pixel, or kbit/s of clips, positive"),
        (("--images", "nowhere"), "there is no nowhere"),
        (("--crop", "4"), "4 is not in the range"),
    ],
)
def test_wrong_options_are_usage_errors(run, home, rows, options, says):
    outcome = run("rd", "report", "rows.jsonl", "-o", "report.html", *options)
    assert outcome.code == 2 and says in outcome.err and not (home / "report.html").exists()


def test_no_rows(run, home):
    (home / "rows.jsonl").write_text("")
    outcome = run("rd", "report", "rows.jsonl", "-o", "report.html")
    assert outcome.code == 1 and "no rows" in outcome.err and not (home / "report.html").exists()


def test_a_place_that_cannot_be_written(run, home, rows):
    outcome = run("rd", "report", "rows.jsonl", "-o", "nowhere/report.html")
    assert outcome.code == 1 and "cannot write nowhere/report.html" in outcome.err
