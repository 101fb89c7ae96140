"""Files behind URLs: `memory://` stands for a store of objects, a zip archive for chained URLs."""

import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

fsspec = pytest.importorskip("fsspec")

from codec import Limits
from codec.errors import FileError, LimitError, MissingPackageError, TruncatedError
from codec.sources import remote


@pytest.fixture
def store():
    """The name of an empty folder of the store."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield "memory://home"
    system.store.clear()


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as stream:
        for name, data in {"top.bin": b"one", "in/deep/b.bin": b"two"}.items():
            stream.writestr(name, data)
    return str(tmp_path / "a.zip")


def test_what_is_written_is_read(store):
    url = remote.join(store, "sub", "a.bin")
    assert url == "memory://home/sub/a.bin" and remote.stat(url) is None
    remote.write(url, b"hello")
    assert remote.read(url) == b"hello" and remote.head(url, 2) == b"he"
    assert remote.listed(store) == ["sub/a.bin"] and remote.is_folder(store) and not remote.is_folder(url)
    assert fsspec.open(url).open().read() == b"hello"


def test_a_stat_tells_a_change(store):
    url = remote.join(store, "a.bin")
    remote.write(url, b"hello")
    before = remote.stat(url)
    assert before.st_size == 5 and remote.stat(url) == before
    remote.write(url, b"world")
    assert remote.stat(url) != before


def test_files_in_an_archive(archive):
    url = f"zip://::{archive}"
    assert remote.listed(url) == ["in/deep/b.bin", "top.bin"] and remote.is_folder(url)
    inner = remote.join(url, "in/deep/b.bin")
    assert inner == f"zip://in/deep/b.bin::{archive}" and remote.read(inner) == b"two"
    assert remote.listed(f"zip://in::{archive}") == ["deep/b.bin"]
    with pytest.raises(FileError, match="only read"):
        remote.write(remote.join(url, "new.bin"), b"")


def test_an_archive_that_changed_is_opened_again(archive):
    assert len(remote.listed(f"zip://::{archive}")) == 2
    with zipfile.ZipFile(archive, "a") as stream:
        stream.writestr("later.bin", b"three")
    assert remote.read(f"zip://later.bin::{archive}") == b"three"


@pytest.mark.parametrize(
    "url, error, says",
    [
        ("memory://nothing/a.bin", FileError, "nothing of this name"),
        ("nonsense://a.bin", FileError, "nonsense"),
        ("zip://a.bin::no such.zip", FileError, "nothing of this name"),
    ],
)
def test_errors_name_the_url(store, url, error, says):
    with pytest.raises(error, match=says) as caught:
        remote.read(url)
    assert url in str(caught.value)


def test_a_damaged_archive_is_an_error_of_the_file(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 no archive")
    with pytest.raises(FileError, match="a.zip"):
        remote.listed(f"zip://::{tmp_path / 'a.zip'}")


def test_limits_and_empty_objects(store):
    url = remote.join(store, "a.bin")
    remote.write(url, bytes(2000))
    with pytest.raises(LimitError, match="longer than 1000"):
        remote.read(url, Limits(file_bytes=1000))
    remote.write(url, b"")
    with pytest.raises(TruncatedError, match="empty"):
        remote.read(url)


def test_a_file_system_that_is_not_installed_names_its_package():
    from fsspec.registry import known_implementations as known

    absent = next((name for name, how in known.items() if name in ("gs", "s3", "adl") and _absent(how["class"])), None)
    if absent is None:
        pytest.skip("all of them are installed")
    with pytest.raises(MissingPackageError, match="codec\\[remote\\]"):
        remote.read(f"{absent}://bucket/a.png")


def _absent(where):
    import importlib.util

    return importlib.util.find_spec(where.split(".")[0]) is None


def test_threads_read_the_members_that_they_ask_for(tmp_path):
    """Members of a tar share one open file."""
    contents = {f"{i}.bin": bytes([i]) * 50_000 for i in range(24)}
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for name, data in contents.items():
            (tmp_path / name).write_bytes(data)
            made.add(tmp_path / name, name)
    urls = [f"tar://{name}::{tmp_path / 'a.tar'}" for name in contents] * 4
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(remote.read, urls)) == list(contents.values()) * 4


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("prefix", ["", "file://"])
def test_what_an_archive_holds_now_is_read(tmp_path, kind, prefix):
    path = tmp_path / f"a.{kind}"
    for number, data in enumerate((b"one", b"twotwo")):
        (tmp_path / "a.txt").write_bytes(data)
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as made:
                made.write(tmp_path / "a.txt", "a.txt")
        else:
            with tarfile.open(path, "w") as made:
                made.add(tmp_path / "a.txt", "a.txt")
        os.utime(path, (number, number))
        assert remote.read(f"{kind}://a.txt::{prefix}{path}") == data


@pytest.mark.parametrize("url", ["reference://x", "generic://a", "dir://x"])
def test_urls_that_do_not_say_all(url):
    with pytest.raises(FileError, match="does not say all"):
        remote.read(url)
