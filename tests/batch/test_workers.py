"""A file that takes too long, or takes its process with it, fails alone."""

import multiprocessing
import os
import threading

import pytest

from codec import batch
from codec._stop import Halted, halt, release
from codec.batch import Job
from codec.batch.workers import KillableWorkers

# A task in a module that a child process can import.
TASK = """
import os, time
from codec.batch.result import Result
from codec.errors import UnsupportedError

class Acting:
    suffixes, formats, bytes_per_pixel = (".png",), ("PNG",), 1

    def __call__(self, data, job):
        if data == b"sleep":
            time.sleep(1000)
        if data == b"die":
            os._exit(9)
        if data == b"refuse":
            raise UnsupportedError("it is refused")
        return Result(data + b" in " + str(os.getpid()).encode())
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Rows of files with the given contents."""
    (tmp_path / "acting_task.py").write_text(TASK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    from acting_task import Acting

    def run(contents, timeout, threads=2):
        for number, content in enumerate(contents):
            (tmp_path / f"{number}.png").write_bytes(content)
        jobs = [Job(f"{number}.png", f"out/{number}") for number in range(len(contents))]
        return batch.run(jobs, Acting(), threads=threads, timeout=timeout)

    return run


@pytest.mark.parametrize("threads", [1, 2])
def test_one_bad_file_fails_alone(run, threads):
    rows = run([b"a", b"sleep", b"b", b"die", b"refuse", b"c"], 5, threads)
    assert [row.status for row in rows] == ["done", "failed", "done", "failed", "failed", "done"]
    assert rows[1].error == "it was not done within 5 seconds: give it more with timeout=SECONDS"
    assert "its process ended (exit code 9)" in rows[3].error and rows[4].error == "it is refused"
    assert multiprocessing.active_children() == []


def test_processes_are_used_again_and_are_not_this_one(run):
    rows = run([b"a"] * 8, 60)
    made = {open_(row.output).rpartition(b" ")[2] for row in rows}
    assert len(made) <= 2 and str(os.getpid()).encode() not in made


def test_nobody_waits_for_a_process_after_an_interruption(run):
    """A process may take as long as its file has, and the threads that wait for one must end."""
    from acting_task import Acting

    workers, ended = KillableWorkers(Acting(), 900), []

    def wait():
        try:
            workers(b"sleep", None)
        except Halted:
            ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    halt([thread.ident])
    try:
        thread.join(60)
    finally:
        release([thread.ident])
    assert ended == [True] and multiprocessing.active_children() == []


def open_(path):
    with open(path, "rb") as stream:
        return stream.read()
