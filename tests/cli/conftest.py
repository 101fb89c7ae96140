"""A folder of small pictures, and a program whose pictures never end."""

import os

import numpy as np
import pytest
from PIL import Image

from codec import errors


@pytest.fixture(autouse=True)
def same_package(monkeypatch):
    """Child processes of a test import the same package as the test."""
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(errors.__file__)))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working folder with `in/a.png`, `in/b.png`, `in/sub/c.jpg`, `in/notes.txt`."""
    rng = np.random.default_rng(11)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    noise = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "in" / "a.png")
    Image.fromarray(noise[:, :, 0]).save(tmp_path / "in" / "b.png")
    Image.fromarray(noise).save(tmp_path / "in" / "sub" / "c.jpg", quality=95, subsampling=0)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# A stand-in for a kernel: it waits for ever in C, without the GIL, and signals do not end the wait.
ENDLESS = """
import ctypes, os, signal, sys
from codec.batch import CompressTask
from codec.sources.files import writing

libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.pthread_mutex_lock(mutex)

def endless(self, data, job):
    with writing(job.target + ".part") as stream:
        stream.write(data)
        {begun}
        libc.pthread_mutex_lock(mutex)

CompressTask.__call__ = endless
from codec.cli.main import main
main()
"""


@pytest.fixture
def endless():
    """A program: the command whose pictures never end, after the statement `begun` for each."""

    def endless(begun="os.write(2, b'working')"):
        return ENDLESS.format(begun=begun)

    return endless


@pytest.fixture
def tree():
    """Every file below a folder but the ledger, relative and sorted; none may be half-written."""

    def tree(folder):
        found = ((here, name) for here, _, names in os.walk(folder) for name in names)
        paths = (os.path.join(here, name) for here, name in found if not name.startswith(".codec-ledger.sqlite"))
        return sorted(os.path.relpath(path, folder).replace(os.sep, "/") for path in paths)

    return tree
