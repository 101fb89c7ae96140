"""The ledger: what was done is known by content, and only what changed is done again."""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

import codec
from codec import batch
from codec.batch import CompressTask, Ledger, PaletteTask
from codec.batch.ledger import LEDGER_NAME, content_hash, fingerprint
from codec.errors import FileError
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

NOISE = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
FLAT = dump(np.full((64, 64, 3), (0, 40, 120), np.uint8))  # a PNG smaller than any JPEG of it
LATER = 10**9  # nanoseconds: after the time at which a young file is no longer read again


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`in` with four pictures, an hour old."""
    (tmp_path / "in").mkdir()
    for number in range(4):
        put(tmp_path / "in" / f"{number}.png", dump(NOISE[number:]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path, data):
    path.write_bytes(data)
    hour_ago = path.stat().st_mtime_ns - 3600 * 10**9
    os.utime(path, ns=(hour_ago, hour_ago))


class Counting(CompressTask):
    """Tells what it was called with."""

    calls: list = []

    def __call__(self, data, job=None):
        self.calls.append(job.source)
        return super().__call__(data, job)


def once(quality=75, inputs=("in",), **options):
    """({name: row}, names of the sources that were encoded)."""
    Counting.calls.clear()
    task = Counting(EncodeOptions(quality=quality))
    with Ledger(os.path.join("out", LEDGER_NAME)) as ledger:
        rows = batch.run(batch.plan(inputs, "out", task), task, threads=2, ledger=ledger, **options)
    return {os.path.basename(row.input): row for row in rows}, sorted(map(os.path.basename, Counting.calls))


def hashes(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if not path.name.startswith(LEDGER_NAME)
    }


def test_what_was_done_is_not_done_again(folder):
    first, made = once()
    assert len(made) == 4 and {row.status for row in first.values()} == {"done"}
    before = hashes(folder / "out")
    second, made = once()
    assert made == [] and hashes(folder / "out") == before
    assert {(row.status, row.reason) for row in second.values()} == {("skipped", "done before")}
    assert [(row.before, row.after, row.facts) for row in second.values()] == [
        (row.before, row.after, row.facts) for row in first.values()
    ]


def test_a_changed_source_and_changed_settings_are_done_again(folder):
    once()
    put(folder / "in" / "2.png", dump(NOISE[:, 5:]))
    rows, made = once()
    assert made == ["2.png"] and rows["2.png"].status == "done"
    assert (folder / "out" / "2.jpg").read_bytes() == codec.encode(NOISE[:, 5:])
    rows, made = once(quality=40)
    assert len(made) == 4 and (folder / "out" / "0.jpg").read_bytes() == codec.encode(NOISE, 40)
    assert once(quality=40)[1] == []
    assert len(once(quality=40, overwrite=True)[1]) == 4


def test_the_content_decides_where_times_or_places_changed(folder):
    once()
    for name in ("in/1.png", "out/2.jpg"):
        os.utime(name)
    assert once()[1] == []
    shutil.copytree("in", "copied"), shutil.rmtree("in"), os.rename("copied", "in")  # other inodes
    assert once()[1] == []
    os.rename("out", "moved"), shutil.copytree("moved", "out")
    assert once()[1] == []


def test_a_change_that_time_and_size_do_not_show_is_seen_in_a_young_file(folder):
    """Within the resolution of its time, a file changes without a trace."""
    flipped = dump(NOISE[::-1])
    os.utime("in/0.png")
    (folder / "in" / "0.png").write_bytes(dump(NOISE).ljust(len(flipped) + 9))
    once()
    stat = os.stat("in/0.png")
    (folder / "in" / "0.png").write_bytes(flipped.ljust(stat.st_size))
    os.utime("in/0.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert once()[1] == ["0.png"]


def test_outputs_that_others_made_or_changed_are_left_alone(folder):
    (folder / "out").mkdir()
    (folder / "out" / "0.jpg").write_bytes(b"precious")
    rows, made = once()
    assert rows["0.png"].reason == "the output exists already" and len(made) == 3
    (folder / "out" / "1.jpg").write_bytes(b"retouched")
    rows, made = once(quality=30)
    assert rows["1.png"].status == "skipped" and "changed after it was made" in rows["1.png"].reason
    assert made == ["2.png", "3.png"]
    assert (folder / "out" / "0.jpg").read_bytes() + (folder / "out" / "1.jpg").read_bytes() == b"preciousretouched"
    assert len(once(quality=30, overwrite=True)[1]) == 4


def test_an_output_that_was_deleted_is_made_again(folder):
    once()
    os.unlink("out/3.jpg")
    assert once()[1] == ["3.png"] and os.path.exists("out/3.jpg")


def test_a_copy_whose_source_is_smaller_now_leaves_with_its_record(folder):
    put(folder / "in" / "0.png", FLAT)
    rows, _ = once()
    assert rows["0.png"].status == "kept" and "0.png" in hashes(folder / "out")
    assert once()[1] == []
    put(folder / "in" / "0.png", dump(NOISE))
    once()
    assert sorted(hashes(folder / "out")) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.parametrize("quality, again", [(75, []), (40, ["0.png", "1.png", "2.png", "3.png"])])
def test_a_record_without_its_output_is_what_a_kill_leaves(folder, monkeypatch, quality, again):
    """Killed after the record and before the rename: the old output is there, or none."""
    once(quality=40)

    def killed(*args, **folders):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("codec.sources.files.os.replace", killed)
        once(quality=75)
    rows, made = once(quality=75)
    assert made and {row.status for row in rows.values()} <= {"done", "skipped"}
    assert (folder / "out" / "0.jpg").read_bytes() == codec.encode(NOISE, 75)
    assert once(quality=quality)[1] == again


def test_a_failure_is_tried_again(folder):
    (folder / "in" / "0.png").write_bytes(dump(NOISE)[:50])
    assert once()[0]["0.png"].status == "failed"
    assert once()[1] == ["0.png"]


def test_a_dry_run_records_nothing(folder):
    once(dry_run=True)
    assert len(once()[1]) == 4


def test_names_that_are_no_text(folder):
    name = os.fsdecode(b"in/\xff\xfe.png")
    try:
        shutil.copy("in/0.png", name)
    except OSError:
        pytest.skip("this file system has no such names")
    once()
    assert once()[1] == []


def test_two_runs_at_once_are_refused_and_a_closed_ledger_is_free(tmp_path):
    path = tmp_path / "a.sqlite"
    with Ledger(path):
        with pytest.raises(FileError, match="another run is using the ledger .*a.sqlite: wait until it has ended"):
            Ledger(path)
    Ledger(path).close()


def test_a_ledger_that_is_locked_for_a_moment_is_asked_for_again(tmp_path, monkeypatch):
    """As by a run that begins at the same moment, and is refused."""
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("time.sleep", lambda seconds: other.close())
    Ledger(tmp_path / "a.sqlite").close()


def test_ledgers_that_are_none(tmp_path):
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(FileError, match="is damaged, or no ledger .*: move it away; a new one"):
        Ledger(path)
    assert path.read_bytes().startswith(b"no database")
    path.unlink()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(FileError, match="has version 99, and this codec reads up to 3: update codec"):
        Ledger(path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot create the folder .*file: File exists; choose another folder"):
        Ledger(tmp_path / "file" / "a.sqlite")


def test_a_ledger_damaged_in_the_middle_fails_files_and_not_the_run(folder):
    once()
    size = os.path.getsize("out/" + LEDGER_NAME)
    with open("out/" + LEDGER_NAME, "r+b") as stream:  # every page but the first
        stream.seek(4096)
        stream.write(b"\xa5" * (size - 4096))
    try:
        rows, _ = once()
    except FileError as error:
        assert "damaged, or no ledger" in str(error)
    else:
        assert all("damaged, or no ledger" in row.error for row in rows.values())


def test_a_full_disk_under_the_ledger_fails_the_file_and_leaves_no_output(folder, monkeypatch):
    def full(self, *args):
        raise FileError("cannot use the ledger: database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", full)
        rows, _ = once()
    assert {row.status for row in rows.values()} == {"failed"} and hashes(folder / "out") == {}
    assert {row.status for row in once()[0].values()} == {"done"}


def test_settings_are_told_apart_and_limits_do_not_count():
    tasks = [
        CompressTask(),
        CompressTask(EncodeOptions(quality=80)),
        CompressTask(EncodeOptions(quality=80), strip="gps"),
        CompressTask(EncodeOptions(quant_tables=EncodeOptions(quality=80).tables("4:2:0"))),
        CompressTask(EncodeOptions(quant_tables=EncodeOptions(quality=81).tables("4:2:0"))),
        PaletteTask(),
        PaletteTask({"colors": 8}),
        PaletteTask({"colors": 8, "palette": np.zeros((8, 3), np.uint8)}),
        PaletteTask({"colors": 8, "palette": np.ones((8, 3), np.uint8)}),
    ]
    assert len({fingerprint(task) for task in tasks}) == len(tasks)
    assert fingerprint(CompressTask(limits=codec.Limits(pixels=5))) == fingerprint(CompressTask())
    assert fingerprint(PaletteTask({"dither": None, "colors": 8})) == fingerprint(
        PaletteTask({"colors": 8, "dither": None})
    )


def test_a_new_option_with_a_default_changes_no_fingerprint():
    """The ledgers of older versions stay good."""

    @dataclasses.dataclass(frozen=True)
    class Task:
        quality: int = 75

    older, other = fingerprint(Task()), fingerprint(Task(80))

    @dataclasses.dataclass(frozen=True)
    class Task:  # noqa: F811
        quality: int = 75
        sharpen: bool = False

    assert fingerprint(Task()) == older and fingerprint(Task(80)) == other
    assert fingerprint(Task(sharpen=True)) not in (older, other)


def test_contents_are_hashed_by_blake3():
    assert content_hash(b"abc").hex() == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    assert content_hash(b"abc", version=2) == hashlib.sha256(b"abc").digest()
    assert content_hash(b"abc", version=1) == hashlib.blake2b(b"abc", digest_size=32).digest()


@pytest.mark.parametrize("version", [1, 2])
def test_ledgers_of_older_versions_stay_good(tmp_path, version):
    """Their contents were hashed by BLAKE2b and SHA-256, and are compared so; their settings by BLAKE2b."""
    source, target = tmp_path / "a.png", tmp_path / "out" / "a.jpg"
    source.write_bytes(dump(NOISE))
    task, jobs = CompressTask(), batch.plan([str(source)], str(target), CompressTask())
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.execute(f"PRAGMA user_version = {version}")
    with Ledger(path) as ledger:
        (row,) = batch.run(jobs, task, ledger=ledger)
        known = ledger.find(str(target))
        assert ledger.find_all([str(target), "other.jpg"]) == {str(target): known}
    assert row.status == "done" and known.output_hash == content_hash(target.read_bytes(), version)
    for file in (source, target):
        os.utime(file, (1, 1))  # as if copied: contents decide
    with Ledger(path) as ledger:
        (row,) = batch.run(jobs, task, ledger=ledger)
        assert ledger.version == version
    assert row.status == "skipped" and row.reason == "done before"


# ---------------------------------------------------------------- where nothing may be written


@pytest.fixture
def closed(tmp_path):
    """A folder with a ledger, in which nothing may be written; root gives up the right to do so all the same."""
    folder = tmp_path / "closed"
    with Ledger(folder / "ledger.sqlite") as ledger:
        ledger.execute("INSERT INTO runs VALUES (1, 'then', NULL, 'now')")
    (folder / "ledger.sqlite").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


LOOK = """
import sys
from codec.batch import Ledger, runs
from codec.errors import FileError
with Ledger(sys.argv[1], read_only=True) as ledger:
    print([run.name for run in runs(ledger)])
for path in (sys.argv[1], sys.argv[1] + ".new"):
    try:
        Ledger(path)
    except FileError as error:
        print(error)
"""


def test_a_read_only_ledger_is_looked_at_and_not_written(closed, as_common_user):
    env = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(codec.__file__))}
    words = [*as_common_user, sys.executable, "-c", LOOK, str(closed / "ledger.sqlite")]
    listed, refused, not_created = subprocess.run(words, env=env, capture_output=True, text=True).stdout.splitlines()
    assert listed == "['then']"
    assert f"{closed / 'ledger.sqlite'} is read-only; make it writable, or choose another folder" in refused
    assert f"{closed} is read-only" in not_created
    assert os.listdir(closed) == ["ledger.sqlite"]


@pytest.mark.parametrize("version", [0, 2, 7])
def test_a_database_of_something_else_is_refused_and_unchanged(tmp_path, version):
    path = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE addresses (name TEXT)")
        other.execute(f"PRAGMA user_version = {version}")
        other.commit()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(FileError, match="a database of something else|has version 7"):
            Ledger(path, read_only=read_only)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["other.sqlite"]


def test_a_folder_is_no_ledger(tmp_path):
    with pytest.raises(FileError, match="is a folder: name a file, such as .codec-ledger.sqlite in it"):
        Ledger(tmp_path)
