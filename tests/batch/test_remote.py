"""Batches whose sources and outputs are behind URLs: the same rows and bytes as on a disk."""

import tarfile
import zipfile

import numpy as np
import pytest

fsspec = pytest.importorskip("fsspec")

import codec
from codec import batch
from codec.batch import CompressTask, Ledger
from codec.errors import ParameterError
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions
from codec.sources import remote

PIXELS = np.random.default_rng(2).integers(0, 256, (24, 40, 3), np.uint8)
PNG, JPEG = dump(PIXELS), codec.encode(PIXELS, 95)
FILES = {
    "a.png": PNG, "sub/b.jpg": JPEG, "sub/no_suffix": PNG, "notes.txt": b"text", ".hidden/c.png": PNG, "thumbs/d.png": PNG,
    "bad.png": PNG[:100], "both.png": PNG, "both.jpg": JPEG,
}  # fmt: skip
TASK = CompressTask(EncodeOptions(quality=40))


@pytest.fixture
def store():
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name, data in FILES.items():
        system.pipe_file(f"/in/{name}", data)
    yield system
    system.store.clear()


@pytest.fixture
def disk(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(tmp_path / "in")


def told(rows, source, output):
    """{name of a source: (status, name of its output, bytes after)}; hidden folders count as one."""
    inside = lambda url, path: path and path[len(url) :].lstrip("/")
    found = {inside(source, row.input): (row.status, inside(output, row.output), row.after) for row in rows}
    return {name: what for name, what in found.items() if not name.startswith((".hidden", "thumbs"))}


def run(source, output, **options):
    select = batch.Selection(exclude=("thumbs",))
    return batch.run(batch.plan([source], output, TASK, selection=select), TASK, **options)


def test_a_store_is_a_folder(store, disk, tmp_path):
    wanted = run(disk, str(tmp_path / "out"))
    made = run("memory://in", "memory://out")
    assert told(made, "memory://in", "memory://out") == told(wanted, disk, str(tmp_path / "out"))
    written = {path[len("/out/") :]: store.cat_file(path) for path in store.find("/out")}
    paths = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    there = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in paths}
    assert written == there and len(written) == 5
    reasons = {row.input: row.reason for row in made if row.status == "ignored"}
    assert reasons["memory://in/.hidden/c.png"] == "hidden" and reasons["memory://in/thumbs/d.png"] == "excluded"


@pytest.mark.parametrize(
    "name, mode", [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("A.TBZ2", "w:bz2"), ("a.txz", "w:xz")]
)
def test_a_tar_of_a_folder_is_that_folder(disk, tmp_path, name, mode):
    """Its names begin with "./", as `tar -C in .` writes them; nothing leaves the output by ".."."""
    (tmp_path / "evil.png").write_bytes(PNG)
    with tarfile.open(tmp_path / name, mode) as made:
        made.add(disk, ".")
        made.add(tmp_path / "evil.png", "../evil.png")
    wanted = told(run(disk, str(tmp_path / "out")), disk, str(tmp_path / "out"))
    url, output = f"tar://::{tmp_path / name}", str(tmp_path / "out2")
    rows = {row.input: row for row in run(url, output)}
    evil = rows.pop(f"tar://../evil.png::{tmp_path / name}")
    assert (evil.status, evil.reason) == ("ignored", "hidden")
    shown = {each.removeprefix("tar://./").partition("::")[0]: row for each, row in rows.items()}
    assert {
        name: (row.status, row.output and row.output[len(output) + 1 :], row.after)
        for name, row in shown.items()
        if not name.startswith((".hidden", "thumbs"))
    } == wanted


@pytest.mark.parametrize("output", ["zip://::new.zip", "zip:///new.zip", "https://example.org/out/"])
def test_outputs_where_nothing_is_written_are_refused_before_the_run(disk, output):
    with pytest.raises(batch.OutputError, match="only read; name a folder or a bucket"):
        batch.plan([disk], output, TASK)


def test_one_object_to_another_and_to_a_file(store, tmp_path):
    for output in ("memory://one.jpg", str(tmp_path / "one.jpg"), str(tmp_path / "new") + "/"):
        (row,) = batch.run(batch.plan(["memory://in/a.png"], output, TASK), TASK)
        assert row.status == "done" and row.after == len(TASK(PNG).data)
    assert store.cat_file("/one.jpg") == (tmp_path / "new" / "a.jpg").read_bytes() == TASK(PNG).data


def test_an_archive_is_a_folder_to_read(disk, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    rows = run(f"zip://::{tmp_path / 'in.zip'}", str(tmp_path / "out"))
    wanted = run(disk, str(tmp_path / "wanted"))
    done = lambda rows: sorted((row.status, row.after) for row in rows if row.status not in ("ignored",))
    assert done(rows) == done(wanted)
    (row,) = [row for row in rows if row.status == "failed"]
    assert row.input == f"zip://bad.png::{tmp_path / 'in.zip'}"


def test_urls_are_planned_folder_by_folder_as_a_disk_is(store, disk, tmp_path, monkeypatch):
    def planned(source):
        lists = batch.plan_by_folder([source], str(tmp_path / "out"), TASK)
        inside = len(source.rstrip("/")) + 1
        found = [
            [(job.source[inside:], job.target and job.target[len(str(tmp_path)) :]) for job in each] for each in lists
        ]
        return [[job for job in jobs if not job[0].startswith(".hidden")] for jobs in found]

    wanted = planned(disk)
    assert [jobs for jobs in planned("memory://in") if jobs] == wanted and len(wanted) == 3
    heads = []
    head = remote.head
    monkeypatch.setattr(remote, "head", lambda url, count: (heads.append(url), head(url, count))[1])
    lists = batch.plan_by_folder(["memory://in"], "memory://out", TASK)
    next(lists)
    assert heads == ["memory://in/notes.txt"]  # those of other folders are looked at in their turn


@pytest.mark.parametrize(
    "inputs, output, count",
    [
        (["memory://in"], "memory://out", 4),
        (["memory://in"], "memory://in/sub", 1),
        (["memory://in/sub"], "memory://in", 1),
        (["memory://in", "memory://in/sub"], "memory://out", 1),
        (["memory://in/sub", "memory://in/thumbs"], "memory://out", 1),  # both have names at the top: one folder
        (["memory://in/sub", "memory://in/a.png"], "memory://out", 1),
    ],
)
def test_urls_that_are_apart_come_in_lists(store, inputs, output, count):
    assert len(list(batch.plan_by_folder(inputs, output, TASK))) == count


def test_two_urls_with_one_name_make_two_outputs(store):
    store.pipe_file("/more/a.bmp", PNG)
    jobs = batch.plan(["memory://in", "memory://more"], "memory://out", TASK)
    assert {job.target for job in jobs if "/a." in job.source} == {"memory://out/a.png.jpg", "memory://out/a.bmp.jpg"}


def test_archives_in_archives_are_apart_by_the_archive(disk, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    url = "::" + str(tmp_path / "in.zip")
    assert len(list(batch.plan_by_folder(["zip://" + url], str(tmp_path / "out"), TASK))) == 4
    jobs = batch.plan(["zip://" + url, "zip://sub" + url], str(tmp_path / "out"), TASK)
    assert len([job for job in jobs if "b.jpg" in job.source]) == 1


def test_what_is_there_is_skipped_and_overwritten_on_request(store):
    run("memory://in", "memory://out")
    again = run("memory://in", "memory://out")
    assert {row.status for row in again} == {"skipped", "ignored", "failed"}
    assert {row.status for row in run("memory://in", "memory://out", overwrite=True)} >= {"done"}


def test_a_ledger_knows_objects_by_what_they_hold(store, tmp_path):
    with Ledger(tmp_path / "ledger") as ledger:
        for _ in range(2):
            rows = run("memory://in", "memory://out", ledger=ledger)
        assert {row.reason for row in rows if row.status == "skipped"} == {"done before"}
        other = dump(PIXELS[:16])
        store.pipe_file("/in/a.png", other)
        rows = {row.input: row for row in run("memory://in", "memory://out", ledger=ledger)}
        assert rows["memory://in/a.png"].status == "done" and store.cat_file("/out/a.jpg") == TASK(other).data
        assert rows["memory://in/sub/b.jpg"].reason == "done before"
        store.pipe_file("/out/a.jpg", b"of somebody else")
        rows = {row.input: row for row in run("memory://in", "memory://out", ledger=ledger)}
        assert rows["memory://in/a.png"].reason == "the output was changed after it was made"


def test_an_output_never_overwrites_an_input(store):
    with pytest.raises(batch.OutputError, match="would overwrite the input"):
        batch.plan(["memory://in"], "memory://in", TASK)
    store.pipe_file("/in/b.jpg", JPEG)
    with pytest.raises(batch.OutputError, match="would overwrite the input memory://in/sub/b.jpg"):
        batch.plan_by_folder(["memory://in"], "memory://in/sub", TASK)
    with pytest.raises(ParameterError, match="not replaced in place"):
        batch.plan_in_place(["memory://in"], TASK)


def test_a_folder_that_cannot_be_listed_fails_alone(store, disk, tmp_path):
    with open(tmp_path / "bad.zip", "wb") as stream:
        stream.write(b"no archive")
    jobs = batch.plan(["memory://in", f"zip://in::{tmp_path / 'bad.zip'}"], "memory://out", TASK)
    rows = {row.input: row for row in batch.run(jobs, TASK)}
    assert rows["memory://in/a.png"].status == "done"
    assert [row.error for row in rows.values() if "bad.zip" in row.input and row.status == "failed"]


def test_a_store_that_fails_fails_its_files(store, monkeypatch):
    jobs = batch.plan(["memory://in"], "memory://out", TASK)

    def full(path, data):
        raise OSError("the bucket is full")

    monkeypatch.setattr(type(store), "pipe_file", lambda self, path, data, **more: full(path, data))
    rows = batch.run(jobs, TASK)
    assert all(row.status in ("failed", "ignored") for row in rows)
    assert any("cannot write memory://out/a.jpg: the bucket is full" in (row.error or "") for row in rows)
    assert remote.listed("memory://in")
