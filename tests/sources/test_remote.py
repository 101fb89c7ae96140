"""Files behind URLs: `memory://` stands for a store of objects, a zip archive for chained URLs."""

import zipfile

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
