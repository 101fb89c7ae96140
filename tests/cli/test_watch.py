"""`codec watch`, as a process of its own: a real folder, and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

import codec


@pytest.fixture
def watching(home):
    pytest.importorskip("watchfiles")
    started = []

    def watching(*words):
        command = [sys.executable, "-m", "codec", "watch", "in", "-o", "out", "--settle", "0.1", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield watching
    for process in started:
        process.kill()
        process.communicate()


def rows_of(process, count):
    return [json.loads(process.stdout.readline()) for _ in range(count)]


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process there")
def test_files_that_come_are_compressed_until_ctrl_c(watching, home, picture):
    process = watching("--json", "-q", "60", "--strip", "gps")
    found = {row["input"]: row["status"] for row in rows_of(process, 4)}
    assert found == {"in/a.png": "done", "in/b.png": "done", "in/sub/c.jpg": "done", "in/notes.txt": "ignored"}
    Image.fromarray(picture(32, 40)).save(home / "in" / "new.png")
    (row,) = rows_of(process, 1)
    assert (row["schema"], row["verb"], row["input"], row["status"]) == (1, "watch", "in/new.png", "done")
    assert (home / "out" / "new.jpg").read_bytes() == codec.encode(picture(32, 40), quality=60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and out == "" and "Traceback" not in err and "interrupted" in err
    assert not [path for path in (home / "out").rglob("*") if path.suffix == ".tmp"]
    again = watching("--json", "-q", "60", "--strip", "gps")
    assert {row["status"] for row in rows_of(again, 5)} == {"skipped", "ignored"}


def test_the_table_is_told_row_by_row(watching, home):
    process = watching()
    assert process.stdout.readline().split("\t")[0] == "file"
    assert process.stdout.readline().split("\t")[0].startswith("in/")


@pytest.mark.parametrize(
    "words, said",
    [
        (["in"], "--output"),
        (["-o", "out"], "Missing argument 'IN': name the folder to watch"),
        (["absent", "-o", "out"], "does not exist"),
        (["in", "-o", "out", "-q", "50", "--target", "psnr:40"], "exclude each other"),
        (["in", "-o", "out", "--overwrite"], "No such option"),
    ],
)
def test_wrong_command_lines(run, home, words, said):
    outcome = run("watch", *words)
    assert outcome.code == 2 and said in outcome.err


def test_without_watchfiles_it_says_what_to_install(run, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    outcome = run("watch", "in", "-o", "out")
    assert outcome.code == 1 and "codec[watch]" in outcome.err


def test_options_are_those_of_compress(run):
    ours, theirs = run("watch", "--help").text, run("compress", "--help").text
    for option in ("--quality", "--target", "--effort", "--strip", "--background", "--keep-dates", "--ledger"):
        assert option in ours and option in theirs
