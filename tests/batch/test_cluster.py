"""Batches on a cluster (codec/batch/cluster.py): a real scheduler, two worker processes, and one of them killed."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import codec
from codec import batch
from codec.batch import cluster
from codec.sources.files import TEMPORARY


@pytest.fixture
def started():
    """started("module", ...): a process that ends with the test."""
    processes = []

    def started(*words):
        env = os.environ | {"PYTHONPATH": str(Path(codec.__file__).parents[1])}
        process = subprocess.Popen([sys.executable, "-m", *words], env=env, stderr=subprocess.DEVNULL)
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def dask(started, tmp_path):
    """(address, the two workers)."""
    pytest.importorskip("distributed")
    where, local = tmp_path / "scheduler.json", ["--host", "127.0.0.1", "--no-dashboard"]
    started("distributed.cli.dask_scheduler", *local, "--port", "0", "--scheduler-file", str(where))
    words = ["distributed.cli.dask_worker", "--scheduler-file", str(where), *local, "--nthreads", "1", "--no-nanny"]
    workers = [started(*words, "--local-directory", str(tmp_path / f"worker{n}")) for n in range(2)]
    while not (where.exists() and where.stat().st_size):
        time.sleep(0.05)
    return json.loads(where.read_text())["address"], workers


@pytest.fixture
def folder(tmp_path, picture):
    """folder(count): so many pictures, below tmp_path / "in"."""

    def folder(count, height=48, width=64):
        (tmp_path / "in").mkdir()
        for number in range(count):
            Image.fromarray(picture(height, width, 3, number)).save(tmp_path / "in" / f"{number:03}.png")
        return tmp_path

    return folder


def archived(home):
    """The pictures in an archive, as a URL."""
    with zipfile.ZipFile(home / "in.zip", "w") as archive:
        for path in sorted((home / "in").iterdir()):
            archive.write(path, path.name)
    return f"zip://::{home / 'in.zip'}"


def jobs_to(home, name, task):
    return batch.plan([str(home / "in")], str(home / name) + "/", task)


def contents(folder):
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if "ledger" not in name}


# ---------------------------------------------------------------- with a cluster


def test_a_cluster_does_what_threads_do(dask, folder):
    """Rows and bytes, also of failures and of sources that are the better result."""
    home, task = folder(12), batch.CompressTask()
    (home / "in" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    (home / "in" / "notes.txt").write_text("no picture")
    Image.new("P", (8, 8)).save(home / "in" / "tiny.png")
    seen = []
    with batch.Ledger(home / "there" / "ledger") as ledger:
        options = {"ledger": ledger, "progress": lambda done, total: seen.append((done, total))}
        there = cluster.run(jobs_to(home, "there", task), task, dask[0], **options)
        again = cluster.run(jobs_to(home, "there", task), task, dask[0], ledger=ledger)
    here = batch.run(jobs_to(home, "here", task), task)
    renamed = [json.loads(json.dumps(row.to_json()).replace("/there/", "/here/")) for row in there]
    assert renamed == [json.loads(json.dumps(row.to_json())) for row in here]
    assert contents(home / "there") == contents(home / "here") and "tiny.png" in contents(home / "there")
    assert {row.status for row in here} == {"done", "kept", "failed", "ignored"} and seen[-1] == (15, 15)
    assert {row.reason for row in again if row.status == "skipped"} == {"done before"}
    assert [row.status for row in again].count("failed") == 1


def test_workers_read_urls(dask, folder):
    pytest.importorskip("fsspec")
    home, task = folder(4), batch.CompressTask()
    rows = cluster.run(batch.plan([archived(home)], str(home / "there") + "/", task), task, dask[0])
    batch.run(jobs_to(home, "here", task), task)
    assert {row.status for row in rows} == {"done"} and contents(home / "there") == contents(home / "here")
    with pytest.raises(codec.errors.ParameterError, match="name a folder"):
        cluster.run(batch.plan([archived(home)], "memory://there/", task), task, dask[0])


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(dask, folder):
    home, task = folder(48, 200, 300), batch.CompressTask(codec.jpeg.EncodeOptions(effort=8))
    address, workers = dask
    killed = []

    def kill(done, total):
        if done >= 6 and not killed:
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    with batch.Ledger(home / "there" / "ledger") as ledger:
        rows = cluster.run(jobs_to(home, "there", task), task, address, ledger=ledger, progress=kill)
        known = ledger.execute("SELECT output FROM files")
    assert killed and workers[0].wait() == -signal.SIGKILL
    assert [row.status for row in rows] == ["done"] * 48
    assert sorted(row.output for row in rows) == sorted({row.output for row in rows})
    found = contents(home / "there")
    assert len(found) == len(known) == 48 and not [name for name in found if TEMPORARY.fullmatch(name)]
    batch.run(jobs_to(home, "here", task), task)
    assert found == contents(home / "here")


def test_lists_come_one_after_the_other(dask, folder, monkeypatch):
    home, task = folder(9), batch.CompressTask()
    monkeypatch.setattr(batch.running, "TOGETHER", 4)
    jobs = jobs_to(home, "out", task)
    taken = []

    def lists():
        for at in range(0, 9, 2):
            taken.append(at)
            yield jobs[at : at + 2]

    found = cluster.run_by_folder(lists(), task, dask[0])
    first = next(found)
    assert [row.input for row in first] == [job.source for job in jobs[:4]] and taken == [0, 2]
    assert [len(rows) for rows in found] == [4, 1] and len(contents(home / "out")) == 9


def test_a_changed_source_is_made_again(dask, folder, picture):
    home, task = folder(3), batch.CompressTask()
    for width, statuses in ((64, ["done"] * 3), (80, ["done", "skipped", "skipped"])):
        Image.fromarray(picture(48, width)).save(home / "in" / "000.png")
        with batch.Ledger(home / "out" / "ledger") as ledger:
            rows = cluster.run(jobs_to(home, "out", task), task, dask[0], ledger=ledger)
        assert [row.status for row in rows] == statuses
        assert codec.probe(home / "out" / "000.jpg").width == width


def test_a_dry_run_writes_nothing(dask, folder):
    home, task = folder(2), batch.CompressTask()
    rows = cluster.run(jobs_to(home, "out", task), task, dask[0], dry_run=True)
    assert [row.status for row in rows] == ["done"] * 2 and not (home / "out").exists()


def test_the_command(dask, folder, monkeypatch):
    from click.testing import CliRunner

    from codec.cli.main import cli

    home = folder(3)
    monkeypatch.chdir(home)
    words = ["compress", "in", "-o", "out", "--executor", "dask", "--scheduler", dask[0], "--json"]
    for status in ("done", "skipped"):
        result = CliRunner().invoke(cli, words)
        assert [row["status"] for row in json.loads(result.stdout)["files"]] == [status] * 3


# ---------------------------------------------------------------- without


def test_nowhere_to_connect_to(folder):
    pytest.importorskip("distributed")
    home, task = folder(1), batch.CompressTask()
    with pytest.raises(codec.FileError, match="check its address"):
        cluster.run(jobs_to(home, "out", task), task, "nonsense://host")


def test_jobs_that_cannot_be_sent():
    task = batch.CompressTask()
    for job in (batch.Job("-", "a.jpg"), batch.Job("a.png", "-"), batch.Job("a.jpg", "a.jpg")):
        with pytest.raises(codec.ParameterError, match="name a folder"):
            cluster.run([job], task, "tcp://127.0.0.1:1")


def test_nothing_to_do_needs_no_cluster():
    left_out = batch.Job("notes.txt", None, None, "ignored", "not a picture")
    (row,) = cluster.run([left_out], batch.CompressTask(), "tcp://127.0.0.1:1")
    assert (row.status, row.reason) == ("ignored", "not a picture")


def test_workers_of_another_version_are_refused(folder):
    home, task = folder(1), batch.CompressTask()
    (parked,) = cluster.make(jobs_to(home, "out", task), task, False, False, "0.0.0")
    assert parked.row.status == "failed" and "install one version" in parked.row.error and parked.path is None


def test_what_is_parked_is_named_once_and_replaces_nothing_foreign(folder):
    home, task = folder(1), batch.CompressTask()
    (job,) = jobs_to(home, "out", task)
    first, second = (cluster.make([job], task, False, False, codec.__version__)[0] for _ in range(2))
    assert TEMPORARY.fullmatch(os.path.basename(first.path)) and not os.path.exists(job.target)
    foreman = cluster._Foreman(task, False, False, False, None)
    assert foreman.settled(job, None, first).status == "done"
    late = foreman.settled(job, None, second)
    assert late.status == "failed" and "holds something else" in late.error
    assert os.listdir(home / "out") == ["000.jpg"]


def test_permissions_of_an_output_that_is_replaced_stay(folder):
    home, task = folder(1), batch.CompressTask()
    (job,) = jobs_to(home, "out", task)
    (home / "out").mkdir()
    (home / "out" / "000.jpg").write_bytes(b"old")
    (home / "out" / "000.jpg").chmod(0o640)
    (parked,) = cluster.make([job], task, False, False, codec.__version__)
    cluster._Foreman(task, True, False, False, None).settled(job, None, parked)
    assert (home / "out" / "000.jpg").stat().st_mode & 0o777 == 0o640
    assert codec.probe(job.target).width == 64


@pytest.mark.parametrize(
    "count, size, share, expected",
    [(100, 10, 8, 12), (10_000, 10, 8, 32), (5, 10, 8, 1), (100, cluster.GROUP_BYTES, 8, 1)],
)
def test_groups_are_small_at_the_end_so_that_workers_end_together(count, size, share, expected, tmp_path):
    path = tmp_path / "a.png"
    with open(path, "wb") as stream:
        stream.truncate(size)
    todo = [(number, batch.Job(str(path), "out"), None) for number in range(count)]
    groups = list(cluster._groups(todo, share))
    sizes = list(map(len, groups))
    assert sizes[0] == expected and [found for group in groups for found in group] == todo
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 1
