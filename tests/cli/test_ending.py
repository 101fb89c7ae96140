"""A signal ends a command whose kernels never return, and leaves nothing; what cannot be written is one line."""

import json
import os
import select
import signal
import subprocess
import sys
import time

import crafted_h264 as crafted
import numpy as np
import pytest

from codec import jpeg
from codec.batch import CompressTask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number, code", [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_what_never_returns(endless, home, tree, jobs, number, code):
    (home / "out" / "sub").mkdir(parents=True)
    command = [sys.executable, "-c", endless(), "compress", "in", "-o", "out", "-j", str(jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            assert running.stderr.read(7) == b"working"
            running.send_signal(getattr(signal, number))
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == code and b"done" not in out and tree("out") == []
    said = "codec: interrupted; finished files are complete, the others were not written"
    assert err.decode().endswith(f"{said}: the same command goes on with them\n")


@pytest.fixture
def interrupted_at_b(monkeypatch):
    """Ctrl-C while b.png or b.jpg, the smallest and therefore the last one, is compressed."""
    do = CompressTask.__call__

    def call(self, data, job):
        if job.source.endswith(("b.png", "b.jpg")):
            raise KeyboardInterrupt
        return do(self, data, job)

    monkeypatch.setattr(CompressTask, "__call__", call)


def test_what_was_done_before_an_interruption_is_shown(run, home, interrupted_at_b):
    outcome = run("compress", "in", "-o", "out", "-j", "1")
    assert outcome.code == 130
    assert outcome.err.endswith("the others were not written: the same command goes on with them\n")
    assert outcome.statuses == {"in/a.png": "done", "in/notes.txt": "ignored", "in/sub/c.jpg": "done"}
    made = run("compress", "in", "-o", "out2", "-j", "1", "--json")
    assert made.code == 130 and made.json["interrupted"] is True
    assert made.json["total"]["done"] == 2 and len(made.json["files"]) == 3
    lines = run("compress", "in", "-o", "out3", "-j", "1", "--jsonl")
    kinds = [json.loads(line) for line in lines.text.splitlines()]
    assert [each["type"] for each in kinds] == ["run", "file", "file", "file", "total"] and kinds[-1]["interrupted"]
    assert "interrupted" not in run("compress", "in/a.png", "-o", "out4/", "--json").json
    alone = run("compress", "in/b.png", "-o", "-")
    assert alone.code == 130 and alone.out == b"" and alone.err.endswith("the others were not written\n")
    again = run("compress", "in", "-o", "out", "-j", "1", "--overwrite")
    assert again.err.endswith("the others were not written: the same command without --overwrite goes on with them\n")
    assert run("compress", "in", "-o", "out5", "-j", "1", "-n").err.endswith("the others were not written\n")


def test_an_interrupted_run_in_place_says_how_to_take_it_back(run, home, interrupted_at_b):
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    original = jpeg.encode(pixels, 97).data
    (home / "in" / "x.jpg").write_bytes(original)
    (home / "in" / "b.jpg").write_bytes(jpeg.encode(pixels[:8, :8]).data)
    outcome = run("compress", "in", "--in-place", "-j", "1", "-q", "40")
    assert outcome.code == 130 and outcome.statuses["in/x.jpg"] == "done"
    told = next(line for line in outcome.err.splitlines() if "codec undo" in line)
    assert run("undo", "--ledger", told.split()[-1]).table[0][2] == "interrupted"
    assert run(*told.split()[2:]).code == 0 and (home / "in" / "x.jpg").read_bytes() == original


def test_an_ignored_hangup_stays_ignored(endless, home):
    """As nohup starts a command."""
    ended = subprocess.run(
        [sys.executable, "-c", endless("os.kill(os.getpid(), signal.SIGHUP); os.kill(os.getpid(), signal.SIGINT)")]
        + ["compress", "in/a.png", "-o", "a.jpg"],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        timeout=60,
    )
    assert ended.returncode == 130


def test_going_on_after_an_interruption_is_a_success_that_says_what_was_there(run, home):
    assert run("compress", "in/a.png", "-o", "out/").code == 0
    outcome = run("compress", "in", "-o", "out", "--json")
    assert outcome.code == 0 and "codec: 1 file was done before; --overwrite makes it again\n" in outcome.err
    assert [row["status"] for row in outcome.json["files"]] == ["skipped", "done", "ignored", "done"]
    assert outcome.json["total"]["skipped"] == 1


def test_a_new_run_sweeps_what_a_killed_one_left(endless, run, home, tree):
    killed = endless("os.kill(os.getpid(), signal.SIGKILL)")
    (home / "out").mkdir()
    subprocess.run([sys.executable, "-c", killed, "compress", "in/a.png", "-o", "out/"], cwd=home)
    assert [name[-4:] for name in tree("out")] == [".tmp"]
    assert run("compress", "in/a.png", "-o", "out/", "-n").code == 0 and len(tree("out")) == 1
    assert run("compress", "in/a.png", "-o", "out/").code == 0 and tree("out") == ["a.jpg"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "args",
    [
        ["inspect", "--json", "in/sub/c.jpg"],
        ["metrics", "in/a.png", "in/a.png"],
        ["compress", "in", "-o", "out"],
        ["compress", "in/a.png", "-o", "-"],
        ["doctor"],
        ["--help"],
    ],
)
def test_a_full_disk_behind_stdout_is_one_line(home, args):
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([sys.executable, "-m", "codec", *args], stdout=full, stderr=subprocess.PIPE)
    lines = [line for line in ended.stderr.decode().splitlines() if "left out" not in line]
    assert ended.returncode == 1 and len(lines) == 1
    assert lines[0].endswith("cannot write to stdout: No space left on device")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_behind_a_pipe_of_frames_is_one_line(home):
    (home / "clip.264").write_bytes(crafted.clip(3).data)
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "codec", "video", "decode", "clip.264", "-o", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"codec: cannot write to stdout: No space left on device\n"


def test_a_folder_for_frames_that_cannot_be_made_is_one_line(run, home):
    (home / "clip.264").write_bytes(crafted.clip(3).data)
    outcome = run("video", "decode", "clip.264", "-o", "in/a.png/%d.png")
    assert outcome.code == 1 and outcome.err.startswith("codec: cannot create the folder in/a.png: ")


def test_a_reader_that_goes_is_no_message(home):
    """The report of `inspect` is longer than the buffer of a pipe: the write fails."""
    segments = b"\xff\xfe\0\3x" * 60000
    data = jpeg.encode(np.zeros((8, 8), np.uint8)).data
    (home / "long.jpg").write_bytes(data[:2] + segments[: 5 * 4000] + data[2:])
    command = [sys.executable, "-m", "codec", "inspect", "--json", "long.jpg"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait(60) == 1


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs a device without end")
@pytest.mark.parametrize(
    "args, source",
    [
        (["inspect"], "/dev/zero"),
        (["inspect"], "-"),
        (["compress", "-o", "a.jpg"], "/dev/zero"),
        (["compress", "-o", "a.jpg"], "-"),
        (["video", "decode", "-o", "null"], "/dev/zero"),  # from stdin it is a byte stream, refused for its contents
    ],
)
def test_a_device_without_end_is_refused_at_once(home, args, source):
    with open("/dev/zero", "rb") as zeros:
        ended = subprocess.run(
            [sys.executable, "-m", "codec", *args, source], stdin=zeros, capture_output=True, timeout=60
        )
    assert ended.returncode == 1 and b"it is a device" in ended.stderr


def test_a_disk_that_fills_while_an_output_is_written_fails_that_file_alone(home, tree):
    """A limit on the size of files stands in for the disk."""
    import resource

    ended = subprocess.run(
        [sys.executable, "-m", "codec", "compress", "in", "-o", "out", "-q", "60", "-j", "1", "--no-ledger"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (800, 800)),
        capture_output=True,
    )
    small = tree("out")
    assert ended.returncode == 1 and b"File too large" in ended.stderr
    assert small and all(name.endswith(".jpg") and os.path.getsize(home / "out" / name) <= 800 for name in small)


def test_help_says_what_exit_codes_mean(run):
    for args in (("--help",), ("compress", "--help")):
        text = " ".join(run(*args).text.split())
        assert "130" in text and "interrupted" in text


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_report_is_whole_though_the_process_was_stopped_in_front_of_a_full_pipe(unbuffered):
    """As by Ctrl-Z and `fg`. Without a buffer Python lost what the pipe had not taken."""
    script = "import click; from codec.cli.main import buffer_stdout; buffer_stdout()\nclick.echo('x' * 1_000_000)"
    command, plain = [sys.executable, "-c", script], {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=plain) as running:
        assert select.select([running.stdout], [], [], 60)[0]
        time.sleep(0.1)  # it waits for the pipe
        running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, running.pid, os.WSTOPPED | os.WNOWAIT)
        running.send_signal(signal.SIGCONT)
        assert len(running.stdout.read()) == 1_000_001
    assert running.returncode == 0


COMMAND = "import atexit, sys; from codec.cli.start import command; atexit.register(print, 'late'); command()"


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["compress", "in", "-o", "out", "--json"], 0, ""),
        (["compress", "missing.png", "-o", "out/a.jpg"], 1, "missing.png"),
        (["compress", "in"], 2, "no output is given"),
        (["--version"], 0, ""),
    ],
)
def test_the_end_at_once_has_the_exit_code_and_loses_no_text(home, args, code, told):
    done = subprocess.run([sys.executable, "-c", COMMAND, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == code and told in done.stderr and "late" not in done.stdout
    if "--json" in args:
        assert "done" in {row["status"] for row in json.loads(done.stdout)["files"]}


def test_a_fault_of_ours_ends_with_its_traceback(home):
    script = "import codec.cli.main as m, codec.cli.start; m.cli = lambda **_: 1 / 0; codec.cli.start.command()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


def test_a_signal_at_the_very_end_changes_nothing(home):
    script = (
        "import os, signal, sys; from codec.cli.start import command\n"
        "class Late:\n"
        "    def write(self, text): return len(text)\n"
        "    def flush(self): signal.raise_signal(signal.SIGTERM)\n"
        "sys.argv[1:], sys.stderr = ['--version'], Late(); command()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""


def test_a_closed_stdout_is_no_traceback(home):
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m codec --help >&-"], capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
