"""Rows: their contents, round trips through a file, and means over comparable rows only."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import FileError, ParameterError
from codec.rd import Failure, Point, averageable, means, outstanding, read_points, read_records, write_points


def test_a_file_gives_back_what_was_written(tmp_path, point):
    rows = [point(), point("b é\n.png", 90), point("c.png", metrics={"psnr": math.inf, "ssim": 1.0})]
    assert write_points(tmp_path / "rows.jsonl", rows) == rows
    assert read_points(tmp_path / "rows.jsonl") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_row_is_one_line_of_strict_json(tmp_path, point):
    write_points(tmp_path / "rows.jsonl", [point(metrics={"psnr": math.inf})])

    def refuse(constant):
        raise AssertionError(constant)

    (line,) = (tmp_path / "rows.jsonl").read_text().splitlines()
    row = json.loads(line, parse_constant=refuse)
    assert row["schema"] == 3 and row["metrics"] == {"psnr": "inf"} and row["setting"]["quality"] == 75


@given(value=st.floats(allow_nan=False), name=st.text())
def test_every_value_and_name_survives(value, name, point):
    row = point(name, metrics={"psnr": value})
    assert Point.from_json(json.loads(row.line())) == row


def test_rows_of_the_first_schema_are_read(point):
    row = point().to_json() | {"schema": 1}
    for name in ("peak_memory", "missing", "versions", "command"):
        del row[name]
    assert Point.from_json(row) == point()


FAILED = Failure(
    "a.png",
    "encode",
    "out of memory <b>",
    "0" * 64,
    "jpeg",
    "0.1.0",
    {"subsampling": "4:2:0", "effort": 5, "quality": 75},
)


def test_failures_stand_beside_the_rows(tmp_path, point):
    unread = Failure("b\ud8ff.png", "read", "no such file")
    (tmp_path / "rows.jsonl").write_text("".join(record.line() + "\n" for record in (FAILED, point("c.png"), unread)))
    assert read_records(tmp_path / "rows.jsonl") == [FAILED, point("c.png"), unread]
    assert read_points(tmp_path / "rows.jsonl") == [point("c.png")]
    assert json.loads(FAILED.line())["kind"] == "failure" and str(FAILED).startswith(
        "a.png at jpeg, subsampling 4:2:0, effort 5, quality 75: "
    )


def test_a_later_record_about_the_same_thing_supersedes_a_failure(point):
    unread = Failure("a.png", "read", "no such file")
    again = dataclasses.replace(FAILED, reason="another", codec_version="0.2.0")
    assert outstanding([FAILED, point("a.png", 80), point("b.png")]) == [FAILED]
    assert outstanding([FAILED, point("a.png", codec_version="0.2.0")]) == []
    assert outstanding([point("a.png"), FAILED]) == [FAILED] and outstanding([FAILED, again]) == [again]
    assert outstanding([unread, FAILED]) == [FAILED] and outstanding([FAILED, unread]) == [FAILED, unread]
    assert outstanding([unread, point("a.png", 80)]) == []


@pytest.mark.parametrize(
    "change, says",
    [
        ({"stage": "lunch"}, "stage must be one of read, encode, decode, score, not 'lunch'"),
        ({"kind": "picnic"}, "kind 'picnic', and there are rows and failures"),
        ({"reason": 5}, "reason must be str, not 5"),
        ({"setting": []}, "setting must be"),
        ({"more": 1}, "more is unknown"),
        ({"schema": 4}, "schema 4"),
    ],
)
def test_lines_that_are_no_failures(tmp_path, change, says):
    (tmp_path / "rows.jsonl").write_text(json.dumps(FAILED.to_json() | change) + "\n")
    with pytest.raises(FileError, match=says):
        read_records(tmp_path / "rows.jsonl")


def test_lines_that_are_no_rows_may_be_collected(tmp_path, point):
    path = tmp_path / "rows.jsonl"
    path.write_text(point("a.png").line() + "\n{nonsense\n" + point("b.png").line() + "\n")
    with pytest.raises(FileError, match=r"rows.jsonl:2: not a row of a sweep"):
        read_points(path)
    problems = []
    assert [row.image for row in read_points(path, problems=problems)] == ["a.png", "b.png"]
    assert (
        len(problems) == 1
        and "rows.jsonl:2: not a row of a sweep" in problems[0]
        and "delete the line, or sweep again" in problems[0]
    )


def test_a_file_name_that_is_no_text_survives(point):
    row = point(b"\xff.png".decode("utf-8", "surrogateescape"))
    assert Point.from_json(json.loads(row.line())) == row


@pytest.mark.parametrize(
    "line, says",
    [
        (b"{", "Expecting property name"),
        (b"", "Expecting value"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[1]", "a row is a JSON object, not list"),
        (b'{"schema": 9}', "schema 9, and this version reads 1"),
    ],
)
def test_a_corrupt_line_is_named_by_file_and_number(tmp_path, line, says, point):
    path = tmp_path / "rows.jsonl"
    good = point().line().encode()
    path.write_bytes(b"\n".join([good, line, good, b""]))
    with pytest.raises(
        FileError, match=rf"rows\.jsonl:2: not a row of a sweep: .*{says}.*; delete the line, or sweep again"
    ):
        read_points(path)


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"bytes": "50"}, "bytes must be int, not '50'"),
        ({"width": True}, "width must be int, not True"),
        ({"psnr": 3}, "psnr is unknown"),
        ({"metrics": {"psnr": "good"}}, "metrics must map names to numbers"),
        ({"bpp": ...}, "bpp is missing"),
    ],
)
def test_a_row_has_exactly_its_keys_and_types(changes, says, point):
    row = {key: value for key, value in {**point().to_json(), **changes}.items() if value is not ...}
    with pytest.raises(ParameterError, match=says):
        Point.from_json(row)


def test_a_line_that_a_killed_writer_left_is_corrupt(tmp_path, point):
    (tmp_path / "rows.jsonl").write_text(point().line() + "\n" + point().line()[:-30])
    with pytest.raises(FileError, match=r"rows\.jsonl:2: not a row"):
        read_points(tmp_path / "rows.jsonl")


def test_a_missing_file_is_a_file_error(tmp_path):
    with pytest.raises(FileError, match="cannot read .*none.jsonl: No such file"):
        read_points(tmp_path / "none.jsonl")


def test_an_unwritable_place_is_a_file_error(tmp_path, point):
    with pytest.raises(FileError, match="cannot write .*rows.jsonl: No such file or directory; check the folder"):
        write_points(tmp_path / "nowhere" / "rows.jsonl", [point()])


def test_an_interrupted_sweep_leaves_its_rows_beside_the_old_file(tmp_path, point):
    path = tmp_path / "rows.jsonl"
    write_points(path, [point("old.png")])

    def interrupted():
        yield point("new.png")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_points(path, interrupted())
    assert [row.image for row in read_points(path)] == ["old.png"]
    assert [row.image for row in read_points(tmp_path / "rows.jsonl.part")] == ["new.png"]


def test_means_are_per_setting_in_order_of_appearance(point):
    rows = [
        point("a", 50, bpp=1.0),
        point("a", 90, bpp=3.0),
        point("b", 50, bpp=2.0, metrics={"psnr": 40.0, "ssim": 0.8}),
        point("b", 90, bpp=5.0),
    ]
    low, high = means(rows)
    assert (low.setting["quality"], high.setting["quality"]) == (50, 90)
    assert (low.images, low.bpp, low.metrics["psnr"], high.bpp) == (2, 1.5, 35.0, 4.0)
    assert low.metrics["ssim"] == pytest.approx(0.85)
    assert low.encode_mpixels_per_second == pytest.approx(2 * 200 / 1e6 / 1.0)


def test_a_picture_that_lacks_a_setting_is_left_out_of_every_mean(point):
    rows = [point("a", 50, bpp=1.0), point("b", 50, bpp=9.0), point("a", 90, bpp=3.0)]
    assert [(mean.images, mean.bpp) for mean in means(rows)] == [(1, 1.0), (1, 3.0)]


def test_a_metric_that_some_row_lacks_is_left_out(point):
    rows = [point("a", 50), point("a", 90, metrics={"psnr": 1.0})]
    assert [list(mean.metrics) for mean in means(rows)] == [["psnr"], ["psnr"]]


def test_of_repeated_measurements_the_last_counts(point):
    (mean,) = means([point(bpp=1.0), point(bpp=2.0)])
    assert (mean.images, mean.bpp) == (1, 2.0)


def test_means_over_different_pictures_are_refused(point):
    with pytest.raises(ParameterError, match="no picture has a row at every setting.*sweep the same pictures"):
        means([point("a", 50), point("b", 90)])


def test_values_of_settings_may_be_lists(point):
    rows = [point("a", setting={"quality": q, "tables": [q, q]}) for q in (50, 90)]
    assert [mean.setting["tables"] for mean in means(rows)] == [[50, 50], [90, 90]]
    assert averageable(rows, "psnr") == (rows, [])


def test_no_rows_have_no_means():
    assert means([]) == []


@pytest.mark.parametrize(
    "scores, left_out",
    [
        ({"a": (30, 40), "flat": (math.inf, math.inf)}, ["flat"]),
        ({"a": (30, 40), "b": (30, math.inf)}, ["b"]),
        ({"a": (30, math.inf), "b": (31, math.inf)}, []),  # a lossless setting: the others have means
        ({"a": (30, 40), "none": ()}, []),
        ({"a": (30, math.inf), "b": (math.inf, 40)}, ["b", "a"]),
    ],
)
def test_pictures_with_infinite_values_where_others_have_finite_ones_have_no_part_in_means(point, scores, left_out):
    rows = [
        point(name, quality, metrics={"psnr": float(score)})
        for name, pair in scores.items()
        for quality, score in zip((50, 90), pair)
    ]
    rows.append(point("none", 50, metrics={"ssim": 0.5}))
    kept, names = averageable(rows, "psnr")
    assert names == left_out
    assert kept == [row for row in rows if row.image not in (*left_out, "none")]
