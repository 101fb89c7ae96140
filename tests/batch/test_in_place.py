"""Originals are replaced only by smaller files that show the same picture, and come back bit for bit."""

import errno
import hashlib
import os
import shutil
import stat
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import codec
from codec import batch
from codec.batch import CompressTask, InPlace, Ledger, verifying
from codec.batch.result import Result
from codec.errors import FileError, ParameterError
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions, Metadata

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
SMOOTH = (np.add.outer(np.arange(64), np.arange(80))[..., None] * (1, 2, 1) % 256).astype(np.uint8)
NOISE = np.random.default_rng(5).integers(0, 256, (24, 32, 3), np.uint8)
LARGE = codec.encode(SMOOTH, 97, effort=1)
SMALL = codec.encode(SMOOTH, 20, effort=9)
TASK = CompressTask(EncodeOptions(quality=60), carry_all=True)
HOUR_AGO = 1_700_000_000 * 10**9


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """`photos` with two large JPEGs, one that cannot become smaller, and a PNG."""
    files = {"a.jpg": LARGE, "sub/b.jpg": codec.encode(SMOOTH[::-1], 95, effort=1), "tiny.jpg": SMALL}
    for name, data in (files | {"c.png": dump(SMOOTH)}).items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o640)
        os.utime(path, ns=(HOUR_AGO, HOUR_AGO))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def test_an_interruption_between_record_and_rename_leaves_the_original_alone(photos, monkeypatch):
    def stop(*args, **folders):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "replace", stop)
        replace(inputs=["photos/a.jpg"])
    assert (photos / "a.jpg").read_bytes() == LARGE and os.stat(photos / "a.jpg").st_nlink == 1
    rows, _ = replace(inputs=["photos/a.jpg"])
    assert rows["a.jpg"].status == "done" and len(runs()) == 1


def test_no_thread_replaces_originals_after_an_interruption(photos):
    """`told` is interrupted at a row, while threads work."""
    others = threading.active_count()
    for number in range(30):
        (photos / f"{number}.jpg").write_bytes(codec.encode(np.roll(SMOOTH, number, 1), 97, effort=1))

    def told(row):
        if row.status == "done":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(threads=4, told=told)
    assert threading.active_count() == others
    replaced = sum(len(names) for _, _, names in os.walk("backup"))
    assert sum(run.files for run in runs()) == replaced
    if replaced:
        undo()
    assert (photos / "a.jpg").read_bytes() == LARGE


def replace(task=TASK, inputs=("photos",), backup="backup", **options):
    with Ledger("ledger.sqlite") as ledger:
        run = InPlace(ledger, "photos", backup)
        rows = batch.run(batch.plan_in_place(list(inputs), task), task, in_place=run, **{"threads": 2} | options)
    return {os.path.relpath(row.input, "photos").replace(os.sep, "/"): row for row in rows}, run


def undo(run="last", **options):
    with Ledger("ledger.sqlite") as ledger:
        return {os.path.basename(row.input): row for row in batch.undo(ledger, run, **options)}


def runs():
    with Ledger("ledger.sqlite") as ledger:
        return batch.runs(ledger)


def state(folder):
    """{name: (content, mode, mtime, owner)} of every file below."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            about = path.stat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(folder).as_posix()] = (digest, about.st_mode, about.st_mtime_ns, about.st_uid)
    return found


def test_only_smaller_files_replace_their_originals_and_keep_time_and_mode(photos):
    before = state(photos)
    rows, run = replace()
    assert {name: row.status for name, row in rows.items()} == {
        "a.jpg": "done",
        "sub/b.jpg": "done",
        "tiny.jpg": "kept",
        "c.png": "ignored",
    }
    assert rows["c.png"].reason == "would become a .jpg file"
    after = state(photos)
    assert {name for name in before if before[name] != after[name]} == {"a.jpg", "sub/b.jpg"}
    assert [entry[1:] for entry in after.values()] == [entry[1:] for entry in before.values()]
    assert (photos / "a.jpg").read_bytes() == codec.encode(codec.decode(LARGE), 60)
    assert rows["a.jpg"].after == (photos / "a.jpg").stat().st_size < len(LARGE)
    assert (photos.parent / "backup" / run.run / "a.jpg").read_bytes() == LARGE


def test_undo_restores_every_original_bit_for_bit(photos):
    before = state(photos)
    _, run = replace()
    assert [(each.name, each.files, each.backup) for each in runs()] == [(run.run, 2, run.folder)]
    checked = undo(dry_run=True)
    assert {row.status for row in checked.values()} == {"done"} and state(photos) != before
    assert {row.status for row in undo().values()} == {"done"}
    assert state(photos) == before and runs() == [] and not os.path.exists("backup")
    assert replace()[0]["a.jpg"].status == "done"  # nothing of the undone run is taken for done


def test_a_second_run_finds_its_own_files_done(photos):
    replace()
    before = state(photos)
    rows, _ = replace()
    assert {row.reason for row in rows.values()} == {"done before", "would become a .jpg file"}
    assert state(photos) == before and len(runs()) == 1
    (photos / "a.jpg").write_bytes(codec.encode(SMOOTH[:, ::-1], 99, effort=1))
    assert replace()[0]["a.jpg"].status == "done"


def test_two_runs_are_undone_in_reverse_order(photos):
    before = state(photos)
    _, first = replace()
    replace(CompressTask(EncodeOptions(quality=15)))
    early = undo(first.run)
    assert "replaced it again" in early["a.jpg"].error and len(runs()) == 2
    undo()
    undo(first.run)
    assert state(photos) == before


def test_what_changed_after_the_run_is_left_alone(photos):
    _, run = replace()
    (photos / "a.jpg").write_bytes(b"edited")
    os.unlink(photos / "sub" / "b.jpg")
    rows = undo()
    assert rows["a.jpg"].status == "failed" and run.folder in rows["a.jpg"].error
    assert rows["b.jpg"].status == "done" and (photos / "sub" / "b.jpg").exists()
    assert (photos / "a.jpg").read_bytes() == b"edited"
    assert (photos.parent / "backup" / run.run / "a.jpg").read_bytes() == LARGE
    (photos / "a.jpg").write_bytes(LARGE)
    assert undo()["a.jpg"].reason == "the original is there" and runs() == []


@pytest.mark.parametrize("backup", ["photos/backup", "elsewhere"])
def test_a_folder_that_was_moved_finds_its_backups(photos, backup):
    with Ledger("photos/ledger.sqlite") as ledger:
        run = InPlace(ledger, "photos", backup)
        batch.run(batch.plan_in_place(["photos"], TASK), TASK, in_place=run)
    os.makedirs("deep/er")
    os.rename("photos", "deep/er/moved")
    with Ledger("deep/er/moved/ledger.sqlite") as ledger:
        assert {row.status for row in batch.undo(ledger, "last")} == {"done"}
    with open("deep/er/moved/a.jpg", "rb") as restored:
        assert restored.read() == LARGE


def test_an_edited_file_whose_backup_is_gone_is_said_to_have_none(photos):
    _, run = replace()
    (photos / "a.jpg").write_bytes(b"edited")
    shutil.rmtree(run.folder)
    rows = undo()
    assert "was changed after the run" in rows["a.jpg"].error and "is gone or damaged" in rows["a.jpg"].error


def test_a_damaged_backup_is_not_put_back(photos):
    _, run = replace()
    with open(os.path.join(run.folder, "a.jpg"), "ab") as stream:
        stream.write(b"!")
    now = (photos / "a.jpg").read_bytes()
    assert "gone or damaged" in undo()["a.jpg"].error and (photos / "a.jpg").read_bytes() == now


def test_runs_without_backup_say_that_they_cannot_be_undone(photos):
    replace(backup=None)
    assert not os.path.exists("backup") and runs()[0].backup is None
    assert undo()["a.jpg"].error == "its original was not kept"


def test_an_unknown_run_is_an_error_that_names_those_there_are(photos):
    _, run = replace()
    with pytest.raises(ParameterError, match=f"no run 'x' that replaced originals: there are {run.run}"):
        undo("x")


def test_a_dry_run_changes_nothing(photos):
    before = state(photos.parent)
    rows = batch.run(batch.plan_in_place(["photos"], TASK), TASK, dry_run=True)
    assert [row.status for row in rows] == ["done", "ignored", "kept", "done"] and state(photos.parent) == before
    with pytest.raises(ParameterError, match=r"nothing would keep these: pass in_place=InPlace\(...\)"):
        batch.run(batch.plan_in_place(["photos"], TASK), TASK)


# ---------------------------------------------------------------- what is not replaced


@pytest.mark.parametrize(
    "moment", ["codec.batch.inplace.make_alike", "codec.batch.inplace.back_up", "codec.sources.files.os.replace"]
)
@pytest.mark.parametrize("error", [FileError("disk full"), SystemExit()])
def test_a_failure_or_a_kill_at_any_step_leaves_the_original(photos, monkeypatch, moment, error):
    """SystemExit stands in for a kill: nothing of ours catches it, and what was recorded stays so."""
    before = state(photos)

    def fail(*args, **folders):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(moment, fail)
        if isinstance(error, FileError):
            assert replace()[0]["a.jpg"].error == "disk full"
        else:
            with pytest.raises(SystemExit):
                replace()
    assert state(photos) == before
    rows, run = replace()
    assert rows["a.jpg"].status == "done" and len(runs()) == 1 and os.listdir("backup") == [run.run]
    undo()
    assert state(photos) == before


def test_an_original_that_changes_meanwhile_is_left_alone(photos, monkeypatch):
    verify = CompressTask.verify

    def slow(self, data, made):
        (photos / "a.jpg").write_bytes(b"edited meanwhile")
        return verify(self, data, made)

    monkeypatch.setattr(CompressTask, "verify", slow)
    rows, run = replace(inputs=["photos/a.jpg"])
    assert "changed while it was compressed" in rows["a.jpg"].error
    assert (photos / "a.jpg").read_bytes() == b"edited meanwhile" and not os.path.exists(run.folder)


@posix
def test_links_are_left_out(photos):
    os.link(photos / "a.jpg", photos / "hard.jpg")
    os.symlink("a.jpg", photos / "soft.jpg")
    rows, _ = replace(inputs=["photos", "photos/soft.jpg"])
    assert rows["a.jpg"].reason == rows["hard.jpg"].reason == "has several names (hard links)"
    assert rows["soft.jpg"].reason == "symbolic link" and os.path.islink(photos / "soft.jpg")


def test_a_file_named_twice_is_done_once(photos):
    rows = batch.plan_in_place(["photos", "photos/a.jpg", "photos/sub/../a.jpg"], TASK)
    assert len(rows) == 4
    assert batch.plan_in_place(["photos", "photos/sub"], TASK) == batch.plan_in_place(["photos"], TASK)


def test_folders_are_listed_when_their_turn_comes(photos):
    folders = batch.plan_in_place_by_folder(["photos"], TASK)
    first = next(folders)
    assert {os.path.dirname(job.source) for job in first} == {"photos"}
    shutil.copy(photos / "a.jpg", photos / "sub" / "late.jpg")
    assert "late.jpg" in {os.path.basename(job.source) for job in next(folders)}
    (whole,) = batch.plan_in_place_by_folder(["photos", "photos/sub"], TASK)
    assert sorted(whole, key=str) == sorted(batch.plan_in_place(["photos"], TASK), key=str)


def test_backups_that_a_run_makes_inside_of_a_folder_are_not_met_by_it(photos):
    backup = str(photos / "zz-kept")
    with batch.Ledger(photos / "ledger.sqlite") as ledger:
        run = batch.InPlace(ledger, str(photos), backup)
        folders = batch.plan_in_place_by_folder(["photos"], TASK, backup=backup)
        rows = [row for rows in batch.run_by_folder(folders, TASK, in_place=run) for row in rows]
    assert os.listdir(backup) == [run.run]
    assert not [row.input for row in rows if run.run in row.input]
    again = batch.plan_in_place(["photos"], TASK)
    assert [job for job in again if run.run in job.source]  # they are visible; `InPlace.holds` spares them
    apart = [job for jobs in batch.plan_in_place_by_folder(["photos"], TASK, backup=backup) for job in jobs]
    assert [job.reason for job in apart if job.source == os.path.join("photos", "zz-kept")] == ["folder of the backups"]


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM])
def test_where_there_are_no_hard_links_the_original_is_copied(photos, monkeypatch, code):
    before = state(photos)

    def refuse(*args, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("codec.batch.inplace.os.link", refuse)
    _, run = replace()
    copy = os.stat(os.path.join(run.folder, "a.jpg"))
    assert copy.st_mtime_ns == HOUR_AGO and (sys.platform == "win32" or stat.S_IMODE(copy.st_mode) == 0o640)
    replacing = os.replace

    def other_disk(source, target, **folders):
        if "backup" in source:
            raise OSError(errno.EXDEV, "another disk")
        replacing(source, target, **folders)

    monkeypatch.setattr(os, "replace", other_disk)
    undo()
    assert state(photos) == before


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes here")
def test_extended_attributes_stay(photos):
    try:
        os.setxattr(photos / "a.jpg", "user.rating", b"5")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    replace()
    assert os.getxattr(photos / "a.jpg", "user.rating") == b"5"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(photos):
    os.chown(photos / "a.jpg", 1234, 2345)
    replace()
    found = os.stat(photos / "a.jpg")
    assert (found.st_uid, found.st_gid) == (1234, 2345)


@pytest.mark.parametrize("gain, status", [(0.0, "done"), (0.99, "kept")])
def test_files_that_would_gain_too_little_are_kept(photos, gain, status):
    before = state(photos)
    rows, _ = replace(CompressTask(EncodeOptions(quality=60), min_gain=gain))
    assert rows["a.jpg"].status == status and (state(photos) == before) == (status == "kept")
    if status == "kept":
        assert "% smaller, and min_gain=0.99 was asked for" in rows["a.jpg"].reason
        assert rows["a.jpg"].after == len(LARGE)


def test_a_jpeg_with_unknown_segments_is_rewritten_without_loss(photos):
    """Encoding it again would lose them."""
    (photos / "a.jpg").write_bytes(LARGE[:2] + b"\xff\xe1\0\x0cFLIR\0\1\2\3\4\5" + LARGE[2:])
    rows, _ = replace(inputs=["photos/a.jpg"])
    assert rows["a.jpg"].facts["lossless"] and "1 of APP1 FLIR" in rows["a.jpg"].warnings[0]
    made = (photos / "a.jpg").read_bytes()
    assert np.array_equal(codec.decode(made), codec.decode(LARGE)) and b"FLIR" in made


def test_a_png_with_the_name_of_a_jpeg_is_not_replaced(photos):
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    (photos / "a.jpg").write_bytes(dump(noise))
    rows, _ = replace(inputs=["photos/a.jpg"])
    assert "the source is a PNG, whatever its name says" in rows["a.jpg"].error
    assert (photos / "a.jpg").read_bytes() == dump(noise)


# ---------------------------------------------------------------- verification


@pytest.mark.parametrize(
    "made, says",
    [
        (LARGE[:-400], "decoding it again fails"),
        (codec.encode(SMOOTH[:-8], 60), "its size is 80x56, and the source's 80x64"),
        (codec.encode(np.zeros_like(SMOOTH), 60), "looks different"),
        (codec.encode(255 - SMOOTH, 60), "looks different"),
    ],
)
def test_wrong_pictures_are_found(made, says):
    assert says in verifying.problem(LARGE, Result(made), (), codec.Limits())


def test_lost_metadata_is_found_unless_it_was_to_go():
    source = codec.encode(SMOOTH, 90, metadata=Metadata(comments=(b"by me",), icc=b"x" * 128))
    made = Result(codec.encode(SMOOTH, 60))
    assert "its ICC, COMMENTS is not there" in verifying.problem(source, made, (), codec.Limits())
    assert verifying.problem(source, made, ("all",), codec.Limits()) is None


@pytest.mark.parametrize("quality", [1, 5, 30])
@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (64, 80)])
def test_the_coarsest_pictures_pass(quality, shape):
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    for pixels in (noise, noise[..., 0], np.zeros_like(noise), np.resize(SMOOTH, (*shape, 3))):
        source = codec.encode(pixels, 100)
        made = Result(codec.encode(codec.decode(source), quality))
        assert verifying.problem(source, made, (), codec.Limits()) is None


def test_a_picture_turned_upright_is_the_same_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = codec.encode(SMOOTH, 90, metadata=Metadata(exif=exif.tobytes()))
    made = CompressTask(EncodeOptions(quality=60), strip="all")(source)
    assert made.facts["width"] == 64
    assert verifying.problem(source, made, ("all",), codec.Limits()) is None


# ---------------------------------------------------------------- originals that other runs could take for outputs


def into(folder, output, task=TASK):
    with Ledger("ledger.sqlite") as ledger:
        return batch.run(batch.plan([folder], output, task), task, threads=1, ledger=ledger)


def test_what_was_looked_at_in_place_is_no_output_of_other_files(photos, tmp_path):
    replace()  # tiny.jpg is kept, a.jpg replaced; both have records
    before = {name: (photos / name).read_bytes() for name in ("a.jpg", "tiny.jpg")}
    for name in before:
        (tmp_path / "others").mkdir(exist_ok=True)
        (tmp_path / "others" / name).write_bytes(codec.encode(SMOOTH[:, ::-1], 97, effort=1))
    rows = into("others", "photos")
    assert {row.status for row in rows} == {"skipped"}
    assert {name: (photos / name).read_bytes() for name in before} == before
    assert undo()["a.jpg"].status == "done" and (photos / "a.jpg").read_bytes() == LARGE


def test_a_file_that_is_kept_where_it_stands_is_never_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    frames = [Image.fromarray(SMOOTH), Image.fromarray(SMOOTH[::-1])]
    frames[0].save(tmp_path / "p" / "an.gif", save_all=True, append_images=frames[1:])
    kept = (tmp_path / "p" / "an.gif").read_bytes()
    assert [row.status for row in into("p", "p")] == ["kept"]
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "an.png").write_bytes(dump(NOISE))
    assert [row.status for row in into("o", "p")] == ["done"]
    assert (tmp_path / "p" / "an.gif").read_bytes() == kept and (tmp_path / "p" / "an.jpg").exists()


def test_outputs_of_one_folder_are_not_replaced_by_those_of_another(tmp_path, monkeypatch):
    """The originals of the first may be gone."""
    monkeypatch.chdir(tmp_path)
    for folder, picture in (("may", NOISE), ("june", NOISE[::-1])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_bytes(dump(picture))
    assert [row.status for row in into("may", "out")] == ["done"]
    made = (tmp_path / "out" / "1.jpg").read_bytes()
    (row,) = into("june", "out")
    assert row.status == "skipped" and (tmp_path / "out" / "1.jpg").read_bytes() == made


def test_backups_are_not_compressed(photos):
    _, first = replace(backup="photos/bak")
    saved = {path: path.read_bytes() for path in (photos / "bak").rglob("*.jpg")}
    assert saved
    rows, _ = replace(CompressTask(EncodeOptions(quality=30), carry_all=True), backup=None)
    assert {path: path.read_bytes() for path in saved} == saved
    assert [row.reason for name, row in rows.items() if name.startswith("bak/")] == ["the backup of a run"] * len(saved)
