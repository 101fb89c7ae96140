"""`codec inspect`: the structure of a file as text and as JSON, safe to print."""

import numpy as np
import pytest

from codec import jpeg


@pytest.fixture
def report(home):
    return jpeg.inspect((home / "in" / "sub" / "c.jpg").read_bytes())


def test_headers_have_their_standard_names(run, home, report):
    outcome = run("inspect", "in/sub/c.jpg")
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.text.startswith("40x32, 8-bit, baseline, ycbcr, 4:4:4, quality 95 (IJG), ")
    for title in (
        "Segments",
        "Components",
        "Quantization table Tq=0",
        "Huffman tables",
        "Scans",
        "Where the bytes went",
    ):
        assert f"\n{title}" in outcome.text
    for header in ("C  H  V  Tq", "Ss  Se  Ah  Al", "class  id  codes  BITS"):
        assert header in outcome.text
    for segment in report["segments"]:
        assert segment["marker"] in outcome.text


def test_quantization_tables_are_grids_of_eight_by_eight(run, home, report):
    lines = run("inspect", "in/sub/c.jpg").text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Quantization table Tq=0"))
    grid = [[int(q) for q in line.split()] for line in lines[start + 1 : start + 9]]
    assert grid == [list(row) for row in next(iter(report["quant_tables"].values()))]


def test_the_bytes_of_all_parts_add_up_to_the_file(run, home):
    (home / "tail.jpg").write_bytes((home / "in" / "sub" / "c.jpg").read_bytes() + bytes(100))
    found = run("inspect", "tail.jpg", "--json").json["bytes"]
    assert found.pop("total") == sum(found.values()) == (home / "tail.jpg").stat().st_size
    assert found["other"] == 100


def test_json_is_the_report_of_the_library_with_a_schema(run, home, report):
    found = run("inspect", "in/sub/c.jpg", "--json").json
    assert (found.pop("schema"), found.pop("verb"), found.pop("file")) == (1, "inspect", "in/sub/c.jpg")
    found.pop("codec")
    assert found == report


def test_a_truncated_file_is_shown_and_said(run, home):
    data = (home / "in/sub/c.jpg").read_bytes()
    assert run("inspect", "in/sub/c.jpg", "--json").json["complete"] is True
    (home / "cut.jpg").write_bytes(data[: len(data) * 2 // 3])
    outcome = run("inspect", "cut.jpg")
    assert outcome.code == 1 and "the file is truncated" in outcome.err and "\nScans" in outcome.text
    outcome = run("inspect", "cut.jpg", "--json")
    assert outcome.code == 1 and outcome.json["complete"] is False


def test_a_pipe(run, home):
    piped = run("inspect", "-", stdin=(home / "in" / "sub" / "c.jpg").read_bytes())
    assert piped.text == run("inspect", "in/sub/c.jpg").text


@pytest.mark.parametrize(
    "args, code, message",
    [([], 2, "Missing argument 'FILE'"), (["gone.jpg"], 1, "cannot read gone.jpg"), (["in/a.png"], 1, "codec: ")],
)
def test_failures(run, home, args, code, message):
    outcome = run("inspect", *args)
    assert outcome.code == code and message in outcome.err and outcome.out == b""


def test_text_of_the_file_cannot_steer_the_terminal(run, home):
    evil = b"\x1b]0;owned\x07[bold red]x[/]\r\n\x9b2J"
    data = jpeg.encode(np.zeros((8, 8), np.uint8), metadata=jpeg.Metadata(comments=(evil,), xmp=evil)).data
    (home / "evil.jpg").write_bytes(data)
    outcome = run("inspect", "evil.jpg")
    assert outcome.code == 0
    assert all(c.isprintable() or c == "\n" for c in outcome.text)
