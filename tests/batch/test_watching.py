"""A folder that is watched (codec/batch/watching.py): by a clock of the test, and by the system."""

import os
import time

import pytest
from PIL import Image

import codec
from codec import batch
from codec.batch.watching import Watcher, watch


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in", tmp_path / "out"


@pytest.fixture
def watcher(folders):
    source, target = folders
    with batch.Ledger(target / "ledger") as ledger:
        yield Watcher(str(source), str(target), batch.CompressTask(), ledger, settle=2.0)


def put(path, pixels):
    Image.fromarray(pixels).save(path)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def told(rows):
    return [(os.path.basename(row.input), row.output and os.path.basename(row.output), row.status) for row in rows]


def test_a_file_is_done_when_it_has_settled(folders, watcher, picture):
    source, target = folders
    put(source / "a.png", picture(32, 40))
    assert watcher.look(10.0) == [] and watcher.is_waiting
    assert watcher.look(11.9) == []
    assert told(watcher.look(12.0)) == [("a.png", "a.jpg", "done")] and not watcher.is_waiting
    assert codec.probe(target / "a.jpg").width == 40
    assert watcher.look(99.0) == []


def test_rows_are_told_as_they_are_done(folders, picture):
    source, target = folders
    put(source / "a.png", picture(64, 40))
    put(source / "b.png", picture(32, 20))
    there = []

    def tell(row):
        there.append((os.path.basename(row.output), os.path.exists(target / "b.jpg")))

    with batch.Ledger(target / "ledger") as ledger:
        watcher = Watcher(str(source), str(target), batch.CompressTask(), ledger, settle=0, threads=1, told=tell)
        assert len(watcher.look(0)) == 2
    assert there == [("a.jpg", False), ("b.jpg", True)]


def test_a_file_that_grows_is_waited_for(folders, watcher, picture):
    source, _ = folders
    put(source / "b.png", picture(32, 40))
    data = (source / "b.png").read_bytes()
    for now, size in ((0, 100), (1, 300), (2, 500), (3, len(data))):
        (source / "a.png").write_bytes(data[:size])
        rows = watcher.look(now)
        assert told(rows) == ([("b.png", "b.jpg", "done")] if now == 2 else [])
    assert watcher.look(4.9) == [] and told(watcher.look(5.0)) == [("a.png", "a.jpg", "done")]


def test_a_change_replaces_the_output(folders, watcher, picture):
    source, target = folders
    put(source / "a.png", picture(32, 40))
    watcher.look(0), watcher.look(2)
    put(source / "a.png", picture(48, 56))
    watcher.look(3)
    assert told(watcher.look(5)) == [("a.png", "a.jpg", "done")]
    assert codec.probe(target / "a.jpg").width == 56


def test_what_was_done_before_a_restart_is_skipped(folders, picture):
    source, target = folders
    put(source / "a.png", picture(32, 40))
    for status in ("done", "skipped"):
        with batch.Ledger(target / "ledger") as ledger:
            first = Watcher(str(source), str(target), batch.CompressTask(), ledger, settle=0)
            assert told(first.look(0)) == [("a.png", "a.jpg", status)]


def test_a_later_file_may_take_a_name(folders, watcher, picture):
    """a.png became a.jpg; when an a.jpg comes, a.png becomes a.png.jpg: nothing is lost, whatever came first."""
    source, target = folders
    put(source / "a.png", picture(32, 40))
    watcher.look(0), watcher.look(2)
    put(source / "a.jpg", picture(48, 56))
    watcher.look(3)
    assert sorted(told(watcher.look(5))) == [("a.jpg", "a.jpg", "done"), ("a.png", "a.png.jpg", "done")]
    assert (codec.probe(target / "a.jpg").width, codec.probe(target / "a.png.jpg").width) == (56, 40)


def test_failures_and_what_is_left_out_are_told_once(folders, watcher):
    source, _ = folders
    (source / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    (source / "notes.txt").write_text("no picture")
    assert told(watcher.look(0)) == [("notes.txt", None, "ignored")]
    assert told(watcher.look(2)) == [("broken.jpg", "broken.jpg", "failed")]
    assert watcher.look(9) == []


def test_deleted_files_keep_their_output_and_may_come_back(folders, watcher, picture):
    source, target = folders
    put(source / "a.png", picture(32, 40))
    watcher.look(0), watcher.look(2)
    data = (source / "a.png").read_bytes()
    (source / "a.png").unlink()
    assert watcher.look(3) == [] and (target / "a.jpg").exists()
    (source / "a.png").write_bytes(data)
    watcher.look(4)
    assert told(watcher.look(6)) == [("a.png", "a.jpg", "skipped")]


def test_there_must_be_a_folder(tmp_path):
    with pytest.raises(codec.ParameterError, match="is no folder"):
        Watcher(str(tmp_path / "absent"), str(tmp_path), batch.CompressTask(), None)
    with pytest.raises(codec.ParameterError, match="name another one"):
        Watcher(str(tmp_path), str(tmp_path), batch.CompressTask(), None)


def test_the_system_tells_what_comes(folders, picture):
    """With watchfiles: a file that is there, one that comes, one into a new folder."""
    pytest.importorskip("watchfiles")
    source, target = folders
    put(source / "a.png", picture(32, 40))
    with batch.Ledger(target / "ledger") as ledger:
        rows = watch(Watcher(str(source), str(target), batch.CompressTask(), ledger, settle=0.1))
        assert told([next(rows)]) == [("a.png", "a.jpg", "done")]
        put(source / "b.png", picture(32, 40))
        assert told([next(rows)]) == [("b.png", "b.jpg", "done")]
        (source / "new").mkdir()
        time.sleep(0.2)
        put(source / "new" / "c.png", picture(32, 40))
        assert told([next(rows)]) == [("c.png", "c.jpg", "done")]
        rows.close()
    assert (target / "new" / "c.jpg").exists()


def test_the_output_may_be_above_what_is_watched(tmp_path, picture):
    pytest.importorskip("watchfiles")
    (tmp_path / "in").mkdir()
    put(tmp_path / "in" / "a.png", picture(32, 40))
    with batch.Ledger(tmp_path / "ledger") as ledger:
        rows = watch(Watcher(str(tmp_path / "in"), str(tmp_path), batch.CompressTask(), ledger, settle=0.1))
        assert told([next(rows)]) == [("a.png", "a.jpg", "done")]
        put(tmp_path / "in" / "b.png", picture(32, 40))
        assert told([next(rows)]) == [("b.png", "b.jpg", "done")]
        rows.close()
