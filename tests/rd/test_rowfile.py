"""The file of a sweep: wherever the sweep was killed, complete rows are kept and the others are measured again."""

import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec import rd
from codec.errors import FileError
from codec.rd import RowFile


def lines(point, count=4):
    return [(point(f"{i}.png").line() + "\n").encode() for i in range(count)]


def test_a_new_file_and_a_second_look(tmp_path, point):
    path = tmp_path / "rows.jsonl"
    file = RowFile(path)
    assert file.points == [] and not path.exists()
    with file:
        for i in range(3):
            file.append(point(f"{i}.png"))
            assert [row.image for row in rd.read_points(path)] == [f"{k}.png" for k in range(i + 1)]
    again = RowFile(path)
    assert (
        [row.image for row in again.points] == ["0.png", "1.png", "2.png"]
        and again.problems == []
        and again.repaired == ""
    )
    with again:
        again.append(point("3.png"))
    assert len(rd.read_points(path)) == 4


@given(data=st.data())
def test_cut_at_any_byte_the_whole_rows_stay(data, point, tmp_path_factory):
    whole = lines(point)
    content = b"".join(whole)
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.mktemp("cut") / "rows.jsonl"
    path.write_bytes(content[:cut])
    kept = content[:cut].count(b"\n")
    file = RowFile(path)
    assert len(file.points) == kept and bool(file.repaired) == (content[:cut] != b"".join(whole[:kept]))
    assert path.read_bytes() == content[:cut]
    with file:
        file.append(point("new.png"))
    assert [row.image for row in rd.read_points(path)] == [*(f"{i}.png" for i in range(kept)), "new.png"]


def test_a_line_in_the_middle_that_is_no_row_stays(tmp_path, point):
    path = tmp_path / "rows.jsonl"
    one, two, *_ = lines(point)
    path.write_bytes(one + b"\xff\xfe nonsense\n" + two)
    file = RowFile(path)
    assert len(file.points) == 2 and "rows.jsonl:2: not a row of a sweep" in file.problems[0]
    with file:
        pass
    assert path.read_bytes() == one + b"\xff\xfe nonsense\n" + two


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(99), b"a,b,c\n1,2,3\n", b"[1, 2]\n", b"no newline"])
def test_what_is_not_a_file_of_rows_is_not_touched(tmp_path, content):
    path = tmp_path / "precious"
    path.write_bytes(content)
    with pytest.raises(
        FileError, match="precious exists and holds no rows of a sweep; it was not changed: name another file"
    ):
        RowFile(path)
    assert path.read_bytes() == content


def test_failures_are_kept_once_until_they_are_superseded(tmp_path, point):
    failure = rd.Failure("0.png", "decode", "odd", codec="jpeg", setting=point().setting)
    path = tmp_path / "rows.jsonl"
    with RowFile(path) as file:
        file.append(failure)
    again = RowFile(path)
    assert again.points == [] and again.failures == [failure] and again.problems == []
    with again:
        again.append(failure)
        assert path.read_bytes().count(b"\n") == 1
        again.append(point("0.png"))
    assert again.failures == [] and RowFile(path).failures == [] and path.read_bytes().count(b"\n") == 2


def test_folders_are_no_files(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        RowFile(tmp_path)
    with pytest.raises(FileError, match="cannot write"):
        RowFile(tmp_path / "none" / "rows.jsonl").__enter__()


def test_one_sweep_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    with RowFile(tmp_path / "rows.jsonl"):
        with pytest.raises(FileError, match="is being written by another sweep"):
            RowFile(tmp_path / "rows.jsonl").__enter__()
    with RowFile(tmp_path / "rows.jsonl"):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_kill_nine_in_the_middle_of_a_sweep(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for i in range(3):
        image.effect_noise((256, 256), 20 + i).save(tmp_path / f"{i}.png")
    path = tmp_path / "rows.jsonl"
    command = [
        sys.executable,
        "-m",
        "codec",
        "rd",
        "sweep",
        tmp_path,
        "-q",
        "2:100:2",
        "--metric",
        "psnr,ssim",
        "-o",
        path,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= 5):
        time.sleep(0.002)
    process.kill()
    process.wait()
    before = RowFile(path).points
    assert 5 <= len(before) < 150
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(before)} of 150 rows were there already" in done.stderr
    after = rd.read_points(path)
    assert len(after) == 150 and after[: len(before)] == before
    assert len({(row.image, row.setting["quality"]) for row in after}) == 150
