"""A folder of everything that goes wrong: the run ends with exit code 1, every file is listed with its reason, and the
pictures among them are done.
"""

import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import codec
from codec import errors
from codec.formats.pictures import dump

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
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(50), "failed", "HEIC is not read"),
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


def compress(folder, *words):
    """(exit code, {name: row}, stderr) of a whole process, which ends within a minute."""
    env = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(errors.__file__))}
    words = [sys.executable, "-m", "codec", "compress", folder, "-o", f"{folder}.out", "--json", *words]
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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_fail_alone(folder):
    (folder / "locked.png").write_bytes(PNG)
    (folder / "locked.png").chmod(0)
    (folder / "closed").mkdir(0)
    code, rows, _ = compress(folder)
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
