"""A folder of everything that goes wrong: the run ends with exit code 1, every file is listed with its reason, and the
pictures among them are done.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import codec
from codec import batch, errors
from codec.batch import CompressTask
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

NOISE = np.random.default_rng(8).integers(0, 256, (24, 32, 3), np.uint8)
PNG, JPEG = dump(NOISE), codec.encode(NOISE, 95)
GOOD = {"good.png": PNG, "good.jpg": JPEG, "deep/er/good.png": PNG, "no_suffix": PNG, "x" * 240 + ".png": PNG}


def png_that_claims(width, height):
    """A small PNG whose header promises this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(10**6), 9)), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# name: (content, status, a part of the reason)
BAD = {
    "truncated.png": (PNG[: len(PNG) // 2], "failed", ""),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "failed", ""),
    "header only.jpg": (JPEG[:4], "failed", ""),
    "empty.png": (b"", "failed", "is empty"),
    "zeros.jpg": (bytes(5000), "failed", ""),
    "bomb.png": (png_that_claims(60_000, 60_000), "failed", "pixels"),
    "huge.png": (png_that_claims(2**31 - 1, 2**31 - 1), "failed", "pixels"),
    "short of data.png": (png_that_claims(9000, 9000), "failed", ""),
    "zero size.png": (png_that_claims(0, 0), "failed", ""),
    "text.png": (b"no picture at all\n" * 20, "failed", "not a supported picture format"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(50), "failed", ""),  # pillow-heif is absent, or refuses it
    "photo.psd": (b"8BPS\0\1" + bytes(50), "failed", "Photoshop is not read"),
    "notes.txt": (b"text", "ignored", "not a picture"),
    ".hidden.png": (PNG, "ignored", "hidden"),
}
# A picture of another format than its name says is done all the same.
MISNAMED = {"a png.jpg": PNG, "a jpeg.png": JPEG, "picture.dat": PNG}


@pytest.fixture
def folder(tmp_path):
    files = GOOD | MISNAMED | {name: content for name, (content, _, _) in BAD.items()}
    for name, content in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "in"


def compress(folder, *words, before=()):
    """(exit code, {name: row}, stderr) of a whole process, which ends within a minute."""
    env = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(errors.__file__))}
    words = [*before, sys.executable, "-m", "codec", "compress", folder, "-o", f"{folder}.out", "--json", *words]
    ended = subprocess.run(words, capture_output=True, timeout=120, env=env)
    rows = json.loads(ended.stdout)["files"]
    return (
        ended.returncode,
        {os.path.relpath(row["input"], folder).replace(os.sep, "/"): row for row in rows},
        ended.stderr,
    )


def test_every_bad_file_has_its_reason_and_the_rest_is_done(folder):
    code, rows, said = compress(folder)
    assert code == 1 and b"Traceback" not in said
    assert set(rows) == set(GOOD) | set(MISNAMED) | set(BAD)
    for name in [*GOOD, *MISNAMED]:
        assert rows[name]["status"] in ("done", "kept"), (name, rows[name])
        assert os.path.getsize(rows[name]["output"]) == rows[name]["after"]
    for name, (_, status, reason) in BAD.items():
        told = rows[name]["error"] if status == "failed" else rows[name]["reason"]
        assert rows[name]["status"] == status and told and reason in told, (name, rows[name])
    made = {row["output"] for row in rows.values() if row["status"] in ("done", "kept")}
    found = {os.path.join(here, name) for here, _, names in os.walk(f"{folder}.out") for name in names}
    assert {path for path in found if "codec-ledger" not in path} == made


def test_the_second_run_tries_only_the_failures(folder):
    compress(folder)
    code, rows, _ = compress(folder)
    assert code == 1
    assert all(rows[name]["reason"] == "done before" for name in [*GOOD, *MISNAMED])
    assert all(rows[name]["status"] == status for name, (_, status, _) in BAD.items())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
def test_special_files_are_left_out_and_nothing_waits_for_them(folder):
    os.mkfifo(folder / "fifo.png")
    os.symlink("good.png", folder / "link.png")
    os.symlink("nowhere", folder / "dangling.png")
    os.symlink(".", folder / "loop")
    _, rows, _ = compress(folder)
    assert rows["fifo.png"]["reason"] == "FIFO"
    assert {rows[name]["reason"] for name in ("link.png", "dangling.png", "loop")} == {"symbolic link"}


def test_unreadable_files_and_folders_fail_alone(folder, as_common_user):
    (folder / "locked.png").write_bytes(PNG)
    (folder / "locked.png").chmod(0)
    (folder / "closed").mkdir(0)
    code, rows, _ = compress(folder, before=as_common_user)
    (folder / "closed").chmod(0o700)
    assert code == 1 and "check its permissions" in rows["locked.png"]["error"]
    assert "cannot read the folder" in rows["closed"]["error"]


@pytest.mark.parametrize("name", [b"\xff\xfe\x80.png", b"new\nline.png", b"esc\x1b[31m.png", " spaced .png".encode()])
@pytest.mark.skipif(sys.platform == "win32", reason="names of Linux")
def test_names_that_are_no_text(folder, name):
    try:
        (folder / os.fsdecode(name)).write_bytes(PNG)
    except OSError:
        pytest.skip("this file system has no such names")
    _, rows, said = compress(folder)
    assert rows[os.fsdecode(name)]["status"] == "done" and b"\x1b" not in said
    assert os.path.exists(os.path.join(os.fsencode(f"{folder}.out"), name[:-4] + b".jpg"))


def test_a_name_too_long_for_its_output_fails_alone(folder):
    """`a.png` beside `a.jpg` becomes `a.png.jpg`, four bytes more than a name may have."""
    longest = "y" * 251
    (folder / f"{longest}.png").write_bytes(PNG)
    (folder / f"{longest}.jpg").write_bytes(JPEG)
    _, rows, _ = compress(folder)
    assert "choose a shorter name" in rows[f"{longest}.png"]["error"]
    assert rows[f"{longest}.jpg"]["status"] in ("done", "kept")


# ---------------------------------------------------------------- what is hostile around the files


def pictures_of(home, count=6):
    """{name: content}, written below home / "in"."""
    (home / "in").mkdir()
    files = {f"{number}.png": dump(np.roll(NOISE, number, 0)) for number in range(count)}
    for name, data in files.items():
        (home / "in" / name).write_bytes(data)
    return files


def test_files_that_vanish_fail_alone(tmp_path):
    pictures_of(tmp_path)
    jobs = batch.plan([str(tmp_path / "in")], str(tmp_path / "out"), CompressTask())
    (tmp_path / "in" / "2.png").unlink()
    (tmp_path / "in" / "3.png").unlink()
    (tmp_path / "in" / "3.png").mkdir()
    rows = {os.path.basename(row.input): row for row in batch.run(jobs, CompressTask())}
    assert "check the path" in rows["2.png"].error and "name a file, not a folder" in rows["3.png"].error
    assert [rows[f"{number}.png"].status for number in (0, 1, 4, 5)] == ["done"] * 4


class Meddling(CompressTask):
    """Somebody writes to the source while it is compressed."""

    def __call__(self, data, job=None):
        made = super().__call__(data, job)
        with open(job.source, "wb") as stream:
            stream.write(dump(NOISE[::-1]))
        return made


@pytest.mark.parametrize("where", ["out", "in"])
def test_files_that_change_are_made_again_or_left_alone(tmp_path, where):
    """An output is made of what was read, and the next run sees the change; a replaced original must be what was
    read.
    """
    (tmp_path / "in").mkdir()
    path, changed = tmp_path / "in" / "a.jpg", dump(NOISE[::-1])
    path.write_bytes(codec.encode(NOISE, 97))
    with batch.Ledger(tmp_path / "ledger") as ledger:
        if where == "in":
            jobs, inside = batch.plan_in_place([str(path)], CompressTask()), batch.InPlace(ledger, tmp_path, None)
            (row,) = batch.run(jobs, Meddling(), in_place=inside)
            assert row.status == "failed" and "changed" in row.error and path.read_bytes() == changed
            return
        jobs = batch.plan([str(path)], str(tmp_path / "out") + "/", CompressTask())
        (first,) = batch.run(jobs, Meddling(), ledger=ledger)
        (second,) = batch.run(jobs, CompressTask(), ledger=ledger)
    assert (first.status, second.status) == ("done", "done") and path.read_bytes() == changed
    assert np.array_equal(codec.read(second.output), codec.decode(CompressTask()(changed).data))


def test_files_where_folders_must_be(folder):
    out = folder.parent / f"{folder.name}.out"
    out.mkdir()
    (out / "deep").write_bytes(b"a file")
    (out / "good.jpg").mkdir()
    code, rows, _ = compress(folder)
    assert code == 1 and (out / "deep").read_bytes() == b"a file"
    assert "cannot create the folder" in rows["deep/er/good.png"]["error"]
    assert "name a file, not a folder" in rows["good.jpg"]["error"] and rows["good.png"]["status"] == "done"


def test_read_only_outputs_fail_alone(folder, as_common_user):
    out = folder.parent / f"{folder.name}.out"
    (out / "deep" / "er").mkdir(parents=True)
    (out / "deep" / "er").chmod(0o555)
    code, rows, _ = compress(folder, before=as_common_user)
    (out / "deep" / "er").chmod(0o755)
    assert code == 1 and "check its permissions" in rows["deep/er/good.png"]["error"]
    assert rows["good.png"]["status"] == "done"


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="folders are opened for reading")
def test_outputs_go_to_folders_that_may_be_written_and_not_read(folder, as_common_user):
    out = folder.parent / f"{folder.name}.out"
    (out / "deep").mkdir(parents=True)
    (out / "deep").chmod(0o300)
    _, rows, _ = compress(folder, before=as_common_user)
    assert rows["deep/er/good.png"]["status"] == "done"


FULL = """
import hashlib, json, os, subprocess, sys
home, source, *words = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", home], check=True)
def run(*words):
    made = subprocess.run([sys.executable, "-m", "codec", "compress", *words, "--json"], capture_output=True)
    return made.returncode, json.loads(made.stdout)["files"]
def names():
    return sorted(os.path.join(here, name) for here, _, names in os.walk(home) for name in names)
small = run(source, "-o", os.path.join(home, "out"), "-q", "90")
first = names()
hashes = {os.path.basename(path): hashlib.sha256(open(path, "rb").read()).hexdigest() for path in first}
subprocess.run(["mount", "-o", "remount,size=8m", home], check=True)
large = run(source, "-o", os.path.join(home, "out"), "-q", "90")
print(json.dumps([small, hashes, large, names()]))
"""


def test_a_full_disk_fails_what_does_not_fit_and_goes_on_with_room(tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no file system of its own can be mounted here")
    files = pictures_of(tmp_path, 60)
    (tmp_path / "disk").mkdir()
    env = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(errors.__file__))}
    words = ["unshare", "-rm", sys.executable, "-c", FULL, str(tmp_path / "disk"), str(tmp_path / "in")]
    ended = subprocess.run(words, capture_output=True, env=env, timeout=120)
    if not ended.stdout:
        pytest.skip(f"no file system of its own can be mounted here: {ended.stderr.decode()[-200:]}")
    (code, rows), hashes, (then, later), names = json.loads(ended.stdout)
    wanted = CompressTask(EncodeOptions(quality=90))
    failed = [row for row in rows if row["status"] == "failed"]
    assert code == 1 and 0 < len(failed) < 60 and len(rows) == 60
    assert all("free some space" in row["error"] for row in failed)
    for row in rows:
        name = os.path.basename(row["output"])
        if row["status"] == "done":
            made = wanted(files[os.path.basename(row["input"])]).data
            assert hashes[name] == hashlib.sha256(made).hexdigest()
    assert then == 0 and {row["status"] for row in later} == {"done", "skipped"}
    assert sum(name.endswith(".jpg") for name in names) == 60 and not any(name.endswith(".tmp") for name in names)


def test_names_that_differ_by_case_or_accents_lose_nothing(folder):
    """Both are there where the disk has both names; where it has one, one fails."""
    try:
        for name in ("Photo.png", "photo.png", "\u00e9.png", "e\u0301.png"):
            (folder / name).write_bytes(PNG)
        if not {"Photo.png", "photo.png", "\u00e9.png", "e\u0301.png"} <= set(os.listdir(folder)):
            pytest.skip("this file system has one name for each pair")
    except OSError:
        pytest.skip("this file system has no such names")
    _, rows, _ = compress(folder)
    made = {rows[name]["output"] for name in ("Photo.png", "photo.png", "\u00e9.png", "e\u0301.png")}
    assert len(made) == 4 and all(os.path.exists(name) for name in made)


def test_two_runs_at_once_on_one_folder(folder):
    """One does the work; the other is refused before it begins, or finds all of it done."""
    env = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(errors.__file__))}
    words = [sys.executable, "-m", "codec", "compress", str(folder), "-o", f"{folder}.out", "--json"]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) for _ in range(2)]
    ended = [(*each.communicate(timeout=120), each.returncode) for each in runs]
    refused = [said for out, said, _ in ended if not out]
    assert len(refused) < 2 and all(b"another run is using the ledger" in said for said in refused)
    reports = [{row["input"]: row for row in json.loads(out)["files"]} for out, _, _ in ended if out]
    for name in [*GOOD, *MISNAMED]:
        statuses = [report[str(folder / name)]["status"] for report in reports]
        assert statuses.count("done") + statuses.count("kept") == 1
    assert not [name for _, _, names in os.walk(f"{folder}.out") for name in names if name.endswith(".tmp")]


def test_files_of_the_fuzzer_are_all_accounted_for(tmp_path, seeds):
    """Damaged in one byte each."""
    folder, rng = tmp_path / "in", np.random.default_rng(9)
    folder.mkdir()
    names = set()
    for number, data in enumerate(list(seeds.values() if isinstance(seeds, dict) else seeds)[:40]):
        damaged = bytearray(data)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        (folder / f"{number}.jpg").write_bytes(damaged)
        names.add(f"{number}.jpg")
    code, rows, said = compress(folder)
    assert code in (0, 1) and set(rows) == names and b"Traceback" not in said
    assert all(row["error"] if row["status"] == "failed" else row["after"] for row in rows.values())
