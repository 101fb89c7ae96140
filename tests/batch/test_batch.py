"""Plans, tasks and rows without the command line: what a ledger, a cluster or a notebook uses."""

import os
import pickle
import threading

import numpy as np
import pytest

import codec
from codec import batch
from codec.batch import CompressTask, DecompressTask, Job, OutputError, PaletteTask, TranscodeTask
from codec.errors import ParameterError
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

PIXELS = np.random.default_rng(2).integers(0, 256, (24, 40, 3), np.uint8) // 16 * 16
PNG, JPEG = dump(PIXELS), codec.encode(PIXELS, 95, subsampling="4:4:4")
TASKS = {
    "compress": (CompressTask(EncodeOptions(quality=40), strip=True, limits=codec.Limits(pixels=10**6)), PNG),
    "again": (CompressTask(EncodeOptions(quality=98)), JPEG),
    "target": (CompressTask(EncodeOptions(target="size:2kB"), background="#102030"), PNG),
    "transcode": (TranscodeTask({"rotate": 90, "edge": "trim"}), JPEG),
    "decompress": (DecompressTask("ppm", conceal=True), JPEG),
    "palette": (PaletteTask({"colors": 8, "dither": None, "palette": None}), PNG),
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name, data in {"a.png": PNG, "sub/b.jpg": JPEG, "notes.txt": b"text"}.items():
        (tmp_path / "in" / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("task, data", TASKS.values(), ids=TASKS)
def test_tasks_jobs_and_results_pickle(task, data):
    job = Job("a.png", "out/a.ppm")
    same_task, same_job = pickle.loads(pickle.dumps((task, job)))
    assert same_task == task and same_job == job
    made = task(data, job)
    assert same_task(data, same_job) == made == pickle.loads(pickle.dumps(made))
    assert made.data and isinstance(made.warnings, tuple)


def test_a_task_gives_what_the_library_gives():
    assert TASKS["compress"][0](PNG).data == codec.encode(PIXELS, 40)
    assert TASKS["transcode"][0](JPEG).data == codec.jpeg.transcode(JPEG, rotate=90, edge="trim").data
    assert TASKS["decompress"][0](JPEG, Job("-", "-")).data == dump(codec.decode(JPEG), "PPM")
    assert len(TASKS["target"][0](PNG).data) <= 2000


def test_a_jpeg_is_encoded_again_only_where_that_helps_or_is_forced():
    untouched = TASKS["again"][0](JPEG)
    assert untouched.facts["lossless"] and "rewritten without loss" in untouched.warnings[0]
    assert np.array_equal(codec.decode(untouched.data), codec.decode(JPEG))
    assert "lossless" not in CompressTask(EncodeOptions(quality=98), force=True)(JPEG).facts
    assert "lossless" not in CompressTask(EncodeOptions(quality=30))(JPEG).facts


@pytest.mark.parametrize(
    "make", [lambda: TranscodeTask({"turn": 90}), lambda: PaletteTask({"colours": 3}), lambda: DecompressTask("webp")]
)
def test_wrong_options_are_refused_at_once(make):
    with pytest.raises(ParameterError, match="there are|choose one of"):
        make()


def test_a_folder_becomes_the_same_tree(tree):
    jobs = batch.plan(["in"], "out", CompressTask())
    assert jobs == [
        Job(*(os.path.join(*parts) for parts in (("in", "a.png"), ("out", "a.jpg"), ("out", "a.png"))), top="out"),
        Job(os.path.join("in", "notes.txt"), None, None, "ignored", "not a picture"),
        Job(*(os.path.join(folder, "sub", "b.jpg") for folder in ("in", "out", "out")), top="out"),
    ]
    told = []
    rows = batch.run(jobs, CompressTask(), threads=2, progress=lambda done, total: told.append((done, total)))
    assert [row.status for row in rows] == ["done", "ignored", "done"] and told == [(1, 3), (2, 3), (3, 3)]
    assert rows == pickle.loads(pickle.dumps(rows)) and rows[0].to_json()["width"] == 40
    assert (tree / "out" / "a.jpg").read_bytes() == codec.encode(PIXELS, 75)
    again = batch.run(jobs, CompressTask())
    assert [row.status for row in again] == ["skipped", "ignored", "skipped"]
    assert again[0].reason == "the output exists already" and again[0].error is None
    dry = batch.run(jobs, CompressTask(), overwrite=True, dry_run=True)
    assert [row.status for row in dry] == ["done", "ignored", "done"]


@pytest.mark.parametrize(
    "inputs, output, task, error, says",
    [
        (["in/a.png"], "in/a.png", PaletteTask(), OutputError, "would overwrite the input in/a.png; choose another"),
        (["in"], "-", CompressTask(), OutputError, "takes one picture; name a folder"),
        (["-"], "in", CompressTask(), OutputError, "stdin has no name; name a file"),
        (["in"], "all.jpg", CompressTask(), OutputError, "several pictures need a folder; name another"),
        (["-", "in/a.png"], "out", CompressTask(), ParameterError, "give it alone"),
        (["in/a.png"], "a.png", CompressTask(), ParameterError, "name it a.jpg"),
        (["in/a.png"], "a.gif", PaletteTask(), ParameterError, "name it a.png"),
        (["in/sub/b.jpg"], "b.webp", DecompressTask(), ParameterError, "no lossless format"),
    ],
)
def test_plans_that_cannot_be(tree, inputs, output, task, error, says):
    with pytest.raises(ParameterError, match=says) as raised:
        batch.plan(inputs, output, task)
    assert type(raised.value) is error and "-o" not in str(raised.value)


def test_after_an_interruption_every_row_that_is_done_is_told(tree):
    """Also those whose turn has not come: they wait for the first one."""
    others = threading.Semaphore(0)

    class Stopped(CompressTask):
        def __call__(self, data, job):
            if job.source.endswith("a.png"):
                others.acquire(timeout=20)
                others.acquire(timeout=20)
                raise KeyboardInterrupt
            made = super().__call__(data, job)
            others.release()
            return made

    (tree / "in" / "a.png").write_bytes(PNG + bytes(5000))  # the largest is the first
    (tree / "in" / "sub" / "c.png").write_bytes(PNG)
    told, task = [], Stopped()
    with pytest.raises(KeyboardInterrupt):
        batch.run(batch.plan(["in"], "out", task), task, threads=2, told=told.append)
    done = sorted(os.path.basename(row.output) for row in told if row.status == "done")
    assert done == ["b.jpg", "c.jpg"] == sorted(os.listdir("out/sub"))


def test_a_failure_is_a_row(tree):
    (tree / "in" / "broken.png").write_bytes(PNG[:40])
    jobs = batch.plan(["in"], "out", CompressTask())
    rows = batch.run(jobs, CompressTask(), threads=1)
    assert [row.status for row in rows] == ["done", "failed", "ignored", "done"]
    assert rows[1].error and rows[1].after is None


class Loading(CompressTask):
    """Knows which threads loaded it."""

    loaded: list = []

    def load(self):
        self.loaded.append(threading.current_thread())
        super().load()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_task_is_loaded_once_by_the_thread_that_waits(tree, threads):
    for name in "bcd":
        (tree / "in" / f"{name}.png").write_bytes(PNG)
    Loading.loaded.clear()
    task = Loading(EncodeOptions(quality=40))
    batch.run(batch.plan(["in"], "out", task), task, threads=threads)
    assert Loading.loaded == [threading.current_thread()]


def test_a_task_of_other_processes_is_not_loaded_here(tree):
    (tree / "in" / "b.png").write_bytes(PNG)
    Loading.loaded.clear()
    batch.run(batch.plan(["in"], "out", Loading()), Loading(), threads=1, timeout=60)
    assert not Loading.loaded
