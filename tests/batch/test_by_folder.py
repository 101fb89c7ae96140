"""Plans and runs folder by folder: what `plan` and `run` give, with the memory of a few folders."""

import os
import sys

import numpy as np
import pytest

from codec import batch
from codec.batch import CompressTask, naming
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

PNG = dump(np.random.default_rng(4).integers(0, 256, (16, 16, 3), np.uint8))
TASK = CompressTask(EncodeOptions(effort=1))
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and names")


@pytest.fixture
def put(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def put(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(PNG)

    return put


def named(lists):
    return [[(job.source, job.target) for job in jobs] for jobs in lists]


def test_a_list_for_each_folder(put):
    put("in/b.png", "in/a.png", "in/sub/c.png", "in/sub/deep/d.png", "in/.hidden/e.png")
    (top, sub, deep) = batch.plan_by_folder(["in"], "out", TASK)
    assert named([top, sub, deep]) == [
        [("in/.hidden", None), ("in/a.png", "out/a.jpg"), ("in/b.png", "out/b.jpg")],
        [("in/sub/c.png", "out/sub/c.jpg")],
        [("in/sub/deep/d.png", "out/sub/deep/d.jpg")],
    ]
    assert batch.plan(["in"], "out", TASK) == top + sub + deep


@posix
def test_folders_that_some_disks_take_for_one_are_planned_together(put, monkeypatch):
    monkeypatch.setattr(naming, "folds", lambda folder: True)
    put("in/Sub/a.png", "other/sub/a.bmp", "in/caf\u00e9/b.png", "other/cafe\u0301/b.bmp")
    lists = named(batch.plan_by_folder(["in", "other"], "out", TASK))
    assert lists == [
        [("in/caf\u00e9/b.png", "out/caf\u00e9/b.png.jpg"), ("other/cafe\u0301/b.bmp", "out/cafe\u0301/b.bmp.jpg")],
        [("in/Sub/a.png", "out/Sub/a.png.jpg"), ("other/sub/a.bmp", "out/sub/a.bmp.jpg")],
    ]


def test_folders_are_listed_when_their_turn_comes(put):
    put("in/a.png", "in/sub/b.png")
    lists = batch.plan_by_folder(["in"], "out", TASK)
    next(lists)
    put("in/sub/late.png")
    assert [job.source for job in next(lists)] == ["in/sub/b.png", "in/sub/late.png"]


@pytest.mark.parametrize("inputs, output", [(["in/sub"], "in"), (["in"], "in"), (["in", "in/sub"], "in/sub")])
def test_inputs_in_the_output_are_planned_as_a_whole(put, inputs, output):
    """An output could overwrite an input of any folder: nothing may be written before all are known."""
    put("in/a.png", "in/sub/b.png", "in/sub/deep/c.png")
    assert len(list(batch.plan_by_folder(inputs, output, TASK))) == 1


def test_an_input_of_another_folder_is_not_overwritten(put):
    put("in/sub/sub/a.png", "in/sub/a.jpg")  # in/sub/sub/a.png becomes in/sub/a.jpg
    with pytest.raises(batch.OutputError, match="overwrite the input in.sub.a.jpg"):
        batch.plan_by_folder(["in/sub"], "in", TASK)


@posix
@pytest.mark.parametrize("link, to", [("out/sub", "../in/other"), ("out/sub/a.jpg", "../../in/other/a.jpg")])
def test_no_link_in_the_output_leads_to_an_input_that_is_overwritten(put, link, to):
    put("in/sub/a.png", "in/other/a.jpg")
    os.makedirs(os.path.dirname(link))
    os.symlink(to, link)
    rows = {row.input: row for row in batch.run(batch.plan(["in"], "out", TASK), TASK, overwrite=True)}
    assert rows["in/sub/a.png"].status == ("failed" if link == "out/sub" else "done")
    with open("in/other/a.jpg", "rb") as kept:
        assert kept.read() == PNG


@posix
def test_a_linked_folder_below_the_output_is_not_entered(put):
    put("in/a.png", "in/sub/deep/b.png", "else/where/c.jpg")
    os.mkdir("out")
    os.symlink("../else", "out/sub")
    before = sorted(os.walk("else"))
    rows = {row.input: row for row in batch.run(batch.plan(["in"], "out", TASK), TASK, overwrite=True)}
    assert rows["in/a.png"].status == "done" and rows["in/sub/deep/b.png"].status == "failed"
    assert "the folder out/sub is a symbolic link, which is not followed" in rows["in/sub/deep/b.png"].error
    assert sorted(os.walk("else")) == before
    os.symlink("out", "named")  # the output itself may be a link
    assert batch.run(batch.plan(["in/a.png"], "named", TASK), TASK, overwrite=True)[0].status == "done"
    named = batch.run(batch.plan(["in/sub/deep/b.png"], "named", TASK, keep_paths=True), TASK)  # named/in/sub/deep
    assert named[0].status == "done"


def swap(folder, to):
    """What somebody else does meanwhile: a folder is moved, and a link takes its place."""
    os.rename(folder, "moved")
    os.symlink(to, folder)


@posix
@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("folder", ["out/sub", "out/sub/deep"])
def test_a_folder_that_becomes_a_link_before_the_file_is_written_takes_it_nowhere(put, monkeypatch, folder, is_there):
    put("in/sub/deep/a.png", "else/deep/b.png", "out/sub/deep/a.jpg" if is_there else "out/sub/deep/b.jpg")
    do = CompressTask.__call__

    def call(self, data, job):
        swap(folder, os.path.abspath("else"))
        return do(self, data, job)

    monkeypatch.setattr(CompressTask, "__call__", call)
    (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK, overwrite=True)
    assert row.status == "failed" and f"the folder {folder} is a symbolic link, which is not followed" in row.error
    assert [names for _, _, names in sorted(os.walk("else"))] == [[], ["b.png"]]


@posix
def test_a_folder_that_becomes_a_link_while_the_file_is_written_takes_it_nowhere(put, monkeypatch):
    put("in/sub/a.png", "else/b.png")
    record = batch.Ledger.record
    monkeypatch.setattr(batch.Ledger, "record", lambda *known: (record(*known), swap("out/sub", "../else")))
    with batch.Ledger("ledger.sqlite") as ledger:
        (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK, ledger=ledger)
    assert row.status == "done" and os.listdir("else") == ["b.png"] and os.listdir("moved") == ["a.jpg"]


@posix
def test_a_folder_that_is_moved_while_the_file_is_written_fails_it(put, monkeypatch):
    put("in/sub/a.png", "else/b.png")
    sync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (sync(handle), os.path.islink("out/sub") or swap("out/sub", "../else"))
    )
    with batch.Ledger("ledger.sqlite") as ledger:
        (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK, ledger=ledger)
    assert row.status == "failed" and "out/sub was moved while out/sub/a.jpg was written" in row.error
    assert os.listdir("else") == ["b.png"] and os.listdir("moved") == []


@posix
def test_a_pipe_in_the_place_of_an_output_is_not_waited_for(put):
    put("in/a.png")
    os.mkdir("out")
    os.mkfifo("out/a.jpg")
    (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK)
    assert row.status == "failed" and "a FIFO is there" in row.error


@posix
@pytest.mark.parametrize("to", ["../precious.jpg", "nowhere.jpg"])
@pytest.mark.parametrize("single", [False, True])
def test_a_link_is_an_output_that_exists_and_is_replaced_itself(put, to, single):
    put("in/a.png", "precious.jpg")
    os.mkdir("out")
    os.symlink(to, "out/a.jpg")
    asked = (["in/a.png"], "out/a.jpg") if single else (["in"], "out")
    (row,) = batch.run(batch.plan(*asked, TASK), TASK)
    assert row.status == "skipped" and row.reason == "the output exists already" and os.readlink("out/a.jpg") == to
    (row,) = batch.run(batch.plan(*asked, TASK), TASK, overwrite=True)
    assert row.status == "done" and not os.path.islink("out/a.jpg") and os.path.getsize("out/a.jpg") == row.after
    with open("precious.jpg", "rb") as kept:
        assert kept.read() == PNG
    assert os.listdir("out") == ["a.jpg"]


@posix
def test_a_link_to_a_pipe_is_an_output_that_exists(put):
    put("in/a.png")
    os.mkdir("out")
    os.mkfifo("pipe")
    os.symlink("../pipe", "out/a.jpg")
    assert [row.status for row in batch.run(batch.plan(["in"], "out", TASK), TASK)] == ["skipped"]
    (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK, overwrite=True)
    assert row.status == "done" and os.path.isfile("out/a.jpg") and not os.path.islink("out/a.jpg")


def test_an_output_that_was_edited_is_not_removed_where_its_successor_has_another_name(put):
    put("in/a.png")
    with open("in/a.png", "wb") as stream:
        stream.write(dump(np.zeros((8, 8, 3), np.uint8)))  # smaller than a JPEG
    forced = CompressTask(EncodeOptions(quality=50), force=True)
    with batch.Ledger("out/ledger.sqlite") as ledger:
        (row,) = batch.run(batch.plan(["in"], "out", TASK), TASK, ledger=ledger)
        assert (row.status, row.output) == ("kept", "out/a.png")
        with open("out/a.png", "ab") as stream:
            stream.write(b"edited")
        (row,) = batch.run(batch.plan(["in"], "out", forced), forced, ledger=ledger, overwrite=True)
    assert (row.status, row.output) == ("done", "out/a.jpg") and os.path.exists("out/a.png")


def test_what_a_folder_leaves_out_may_be_named(put):
    put("in/a.png", "in/b.png")
    jobs = batch.plan(["in", "in/a.png"], "out", TASK, selection=batch.Selection(exclude=("a.png",)))
    assert {job.source: job.status for job in jobs} == {"in/a.png": None, "in/b.png": None}


@posix
def test_a_link_in_the_place_of_an_output_of_ours_is_left_alone(put, tmp_path):
    put("in/a.png")
    with batch.Ledger("out/ledger.sqlite") as ledger:
        batch.run(batch.plan(["in"], "out", TASK), TASK, ledger=ledger)
        os.rename("out/a.jpg", "moved.jpg")
        os.symlink("../moved.jpg", "out/a.jpg")
        other = CompressTask(EncodeOptions(quality=30))
        (row,) = batch.run(batch.plan(["in"], "out", other), other, ledger=ledger)
    assert row.status == "skipped" and os.path.islink("out/a.jpg")


@pytest.mark.parametrize("inputs", [["in"], ["in/a.png", "in/a.jpg", "in/a.png.jpg"]])
def test_a_name_that_needs_no_change_wins(put, inputs):
    put("in/a.jpg", "in/a.png", "in/a.png.jpg")
    jobs = {job.source: job for job in batch.plan(inputs, "out", TASK)}
    assert jobs["in/a.jpg"].target == "out/a.jpg" and jobs["in/a.png.jpg"].target == "out/a.png.jpg"
    assert jobs["in/a.png"].status == "failed" and "in/a.png.jpg becomes out/a.png.jpg" in jobs["in/a.png"].reason


@pytest.mark.parametrize(
    "inputs",
    [
        ["in/a.png", "./in/a.png", os.path.join("{here}", "in/a.png")],
        ["in", "in/a.png"],
        ["in", "./in", "in/sub"],
        ["in/a.png", "in"],
    ],
)
def test_a_file_that_is_named_twice_is_one(put, tmp_path, inputs):
    put("in/a.png", "in/sub/b.png")
    jobs = batch.plan([source.format(here=tmp_path) for source in inputs], "out", TASK)
    expected = ["out/a.jpg", "out/sub/b.jpg"] if "in" in inputs else ["out/a.jpg"]
    assert sorted(job.target for job in jobs) == expected and not any(job.status for job in jobs)


@posix
def test_hard_links_are_several_files(put):
    put("in/a.png")
    os.link("in/a.png", "in/b.png")
    assert [job.target for job in batch.plan(["in/a.png", "in/b.png"], "out", TASK)] == ["out/a.jpg", "out/b.jpg"]


def test_lists_are_taken_as_they_are_done(put, monkeypatch):
    put(*(f"in/{folder}/{name}.png" for folder in range(4) for name in range(3)))
    monkeypatch.setattr(sys.modules["codec.batch.running"], "TOGETHER", 5)
    taken = []

    def lists():
        for jobs in batch.plan_by_folder(["in"], "out", TASK):
            taken.append(len(jobs))
            yield jobs

    runs = batch.run_by_folder(lists(), TASK, threads=2)
    first = next(runs)
    assert [row.output for row in first] == [f"out/{folder}/{name}.jpg" for folder in "01" for name in "012"]
    assert taken == [3, 3] and not os.path.exists("out/2")
    assert [row.status for rows in runs for row in rows] == ["done"] * 6


def test_rows_by_folder_are_those_of_one_list(put, tmp_path):
    put("in/a.png", "in/sub/b.png", "in/sub/c.txt")
    (rows,) = batch.run_by_folder(batch.plan_by_folder(["in"], "out", TASK), TASK)
    assert rows == batch.run(batch.plan(["in"], "out", TASK), TASK, overwrite=True)


def test_a_ledger_that_cannot_be_read_fails_every_file_of_a_list(put, tmp_path):
    put("in/a.png", "in/b.png")
    with batch.Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("DROP TABLE files")
        rows = batch.run(batch.plan(["in"], "out", TASK), TASK, ledger=ledger)
    assert {row.status for row in rows} == {"failed"} and "no such table" in rows[0].error
