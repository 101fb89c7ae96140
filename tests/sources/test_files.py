"""Sources of every kind are read within limits; a file is written completely or not at all."""

import io
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from array import array

import numpy as np
import pytest

from codec.errors import FileError, LimitError, ParameterError, TruncatedError
from codec.limits import Limits
from codec.sources import files
from codec.sources.files import read_bytes, read_chunks, sweep, write_atomic, writing

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and devices")
unprivileged = pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everywhere")


class Stream(io.RawIOBase):
    """A binary file object of known length that counts the bytes requested."""

    def __init__(self, length):
        self.left, self.given = length, 0

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        self.given += size
        return bytes(size)


# ---------------------------------------------------------------- reading

BUFFERS = [
    bytes,
    bytearray,
    memoryview,
    lambda data: array("B", data),
    lambda data: np.frombuffer(data, np.uint8),
    lambda data: np.repeat(np.frombuffer(data, np.uint8), 2)[::2],
]


@pytest.mark.parametrize("wrap", BUFFERS + [io.BytesIO])
def test_bytes_like_objects_and_file_objects_give_their_bytes(wrap):
    assert read_bytes(wrap(b"abc")) == b"abc"


@pytest.mark.parametrize("wrap", [str, pathlib.Path])
def test_paths_give_the_content_of_the_file(tmp_path, wrap):
    (tmp_path / "a.bin").write_bytes(b"abc")
    assert read_bytes(wrap(tmp_path / "a.bin")) == b"abc"


def test_what_was_read_cannot_change_while_it_is_decoded():
    source = bytearray(b"abc")
    data = read_bytes(source)
    source[0] = 0
    assert data == b"abc" and type(data) is bytes


def test_a_file_object_is_read_from_where_it_stands_and_left_open():
    stream = io.BytesIO(b"abcdef")
    stream.seek(2)
    assert read_bytes(stream) == b"cdef"
    assert not stream.closed


def test_a_file_longer_than_one_chunk_arrives_whole(tmp_path):
    data = bytes(range(256)) * 9000
    (tmp_path / "a.bin").write_bytes(data)
    assert read_bytes(tmp_path / "a.bin") == data
    assert read_bytes(io.BytesIO(data)) == data


@pytest.mark.parametrize("length", [1, 2, 100, 1 << 30])
def test_at_most_one_byte_more_than_the_limit_is_asked_for(length):
    stream = Stream(length)
    try:
        data = read_bytes(stream, Limits(file_bytes=100))
    except LimitError as error:
        assert length > 100 and "Limits.file_bytes" in str(error)
    else:
        assert length == len(data) <= 100
    assert stream.given <= 101


def test_a_path_that_is_too_long_names_the_file_and_the_limit(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(11))
    with pytest.raises(LimitError, match=r"a\.bin is longer than 10 bytes; raise Limits\.file_bytes"):
        read_bytes(tmp_path / "a.bin", Limits(file_bytes=10))
    assert len(read_bytes(tmp_path / "a.bin", Limits(file_bytes=11))) == 11


@pytest.mark.parametrize("source", [b"", bytearray(), memoryview(b""), io.BytesIO()])
def test_nothing_is_an_error_that_says_so(source):
    with pytest.raises(TruncatedError, match="is empty"):
        read_bytes(source)


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "zero.jpg").touch()
    with pytest.raises(TruncatedError, match=r"zero\.jpg is empty"):
        read_bytes(tmp_path / "zero.jpg")


def test_a_missing_file_says_path_cause_and_remedy(tmp_path):
    with pytest.raises(FileError, match=r"cannot read .*gone\.jpg: No such file or directory; check the path"):
        read_bytes(tmp_path / "gone.jpg")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        read_bytes(tmp_path)


def test_an_error_of_a_file_is_also_an_os_error(tmp_path):
    with pytest.raises(OSError):
        read_bytes(tmp_path / "gone.jpg")


@pytest.mark.parametrize("wrap", BUFFERS)
def test_chunks_of_bytes_like_objects(wrap):
    assert b"".join(read_chunks(wrap(b"abc"))) == b"abc"


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros(9, np.uint16), array("I", [1])])
def test_an_array_of_pixels_is_no_file(pixels):
    with pytest.raises(ParameterError, match="an array: of uint8, one dimension"):
        read_bytes(pixels)


@pytest.mark.parametrize("source", [None, 3, [1, 2], object()])
def test_other_types_are_refused_with_the_list_of_what_works(source):
    with pytest.raises(ParameterError, match="pass a path, bytes, bytearray, memoryview"):
        read_bytes(source)


def test_text_mode_is_refused_with_the_remedy():
    with pytest.raises(ParameterError, match="open it in binary mode"):
        read_bytes(io.StringIO("abc"))


def test_a_path_with_a_zero_byte_is_a_parameter_error():
    with pytest.raises(ParameterError, match="no path"):
        read_bytes("a\0b")


def test_a_stream_without_data_yet_is_an_error_not_an_empty_file():
    class Waiting(io.RawIOBase):
        def read(self, size=-1):
            return None

    with pytest.raises(FileError, match="non-blocking"):
        read_bytes(Waiting())


def test_a_stream_may_give_a_kind_of_bytes():
    class Message(bytes):
        pass

    class Messages(io.BytesIO):
        def read(self, size=-1):
            return Message(super().read(size))

    assert type(read_bytes(Messages(b"abc"))) is bytes


def test_a_stream_that_fails_is_named():
    class Broken(io.RawIOBase):
        name = "socket 7"

        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(FileError, match="cannot read socket 7: Input/output error"):
        read_bytes(Broken())


@posix
@pytest.mark.parametrize("read", [read_bytes, lambda path: list(read_chunks(path))])
def test_devices_and_sockets_are_refused_before_a_byte_is_read(read):
    with pytest.raises(FileError, match="cannot read /dev/zero: it is a device; name a file"):
        read("/dev/zero")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.join(folder, "s"))
        with pytest.raises(FileError, match="it is a socket"):
            read(os.path.join(folder, "s"))


@posix
def test_a_pipe_that_a_shell_passes_as_a_path_is_read():
    done = subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -c 'import sys; from codec.sources.files import read_bytes; "
         "print(read_bytes(sys.argv[1]))' <(printf abc)"],
        capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(files.__file__)))},
    )  # fmt: skip
    assert done.stdout == "b'abc'\n", done.stderr


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("wrap", [str, pathlib.Path])
@pytest.mark.parametrize("data", [b"new", bytearray(b"new"), memoryview(b"new")])
def test_the_file_has_the_data_and_nothing_else_is_left(tmp_path, wrap, data):
    write_atomic(wrap(tmp_path / "a.bin"), data)
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_the_mode_of_an_existing_file_is_kept(tmp_path, mode):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    target.chmod(mode)
    write_atomic(target, b"new")
    assert stat.S_IMODE(target.stat().st_mode) == mode and target.read_bytes() == b"new"


@posix
def test_a_new_file_obeys_the_umask(tmp_path):
    previous = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a.bin", b"new")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


@posix
def test_a_symbolic_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(tmp_path / "real" / "a.bin")
    write_atomic(tmp_path / "link.bin", b"new")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real" / "a.bin").read_bytes() == b"new"


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_that_is_not_followed_is_replaced_itself(tmp_path, there):
    if there:
        (tmp_path / "real.bin").write_bytes(b"old")
        (tmp_path / "real.bin").chmod(0o600)
    (tmp_path / "link.bin").symlink_to(tmp_path / "real.bin")
    write_atomic(tmp_path / "link.bin", b"new", follow=False)
    assert not (tmp_path / "link.bin").is_symlink() and (tmp_path / "link.bin").read_bytes() == b"new"
    assert (tmp_path / "real.bin").exists() == there and (not there or (tmp_path / "real.bin").read_bytes() == b"old")


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no /dev/shm")
def test_a_link_in_shared_memory_is_none_of_the_system():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        real, link = os.path.join(folder, "real"), os.path.join(folder, "link")
        write_atomic(real, b"old")
        os.symlink(real, link)
        write_atomic(link, b"new", follow=False)
        assert read_bytes(real) == b"old" and read_bytes(link) == b"new" and not os.path.islink(link)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere /dev/fd holds no links")
def test_a_link_of_the_system_is_followed_in_any_case(tmp_path):
    with open(tmp_path / "real.bin", "wb") as stream:
        write_atomic(f"/dev/fd/{stream.fileno()}", b"new", follow=False)
    assert (tmp_path / "real.bin").read_bytes() == b"new"


@posix
def test_a_device_is_written_and_not_replaced():
    write_atomic("/dev/null", b"new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("cause", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_after_a_failure_the_old_file_is_whole_and_the_temporary_one_gone(tmp_path, monkeypatch, failing, cause):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def fail(*args, **kwargs):
        raise cause

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(FileError if isinstance(cause, OSError) else type(cause)) as caught:
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]
    if isinstance(cause, OSError):
        assert (
            str(caught.value)
            == f"cannot write {target}: No space left on device; free some space or choose another disk"
        )


@posix
def test_a_folder_that_cannot_be_synced_does_not_undo_a_finished_file(tmp_path, monkeypatch):
    sync = os.fsync

    def only_files(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    write_atomic(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_a_missing_folder_says_path_cause_and_remedy(tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*a\.bin: No such file or directory; check the path"):
        write_atomic(tmp_path / "gone" / "a.bin", b"new")


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileError, match="name a file, not a folder"):
        write_atomic(tmp_path / "a", b"new")


@posix
@unprivileged
def test_a_read_only_file_is_refused_although_its_folder_would_allow_it(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    (tmp_path / "a.bin").chmod(0o444)
    with pytest.raises(FileError, match="it is read-only; check its permissions"):
        write_atomic(tmp_path / "a.bin", b"new")


def test_a_long_name_fits_the_file_system(tmp_path):
    name = "n" * 250 + ".jpg"
    write_atomic(tmp_path / name, b"new")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("path", [None, 3, b"a.bin"])
def test_only_a_path_can_be_written(path):
    with pytest.raises(ParameterError, match="pass a str or os.PathLike"):
        write_atomic(path, b"new")


@posix
@pytest.mark.parametrize(
    "source, umask, right", [(0o600, 0o022, 0o600), (0o640, 0o022, 0o640), (0o666, 0o022, 0o644), (0o444, 0, 0o644)]
)
def test_a_new_file_is_open_to_nobody_who_could_not_read_its_source(tmp_path, source, umask, right):
    (tmp_path / "source").touch()
    (tmp_path / "source").chmod(source)
    previous = os.umask(umask)
    try:
        write_atomic(tmp_path / "a.bin", b"new", like=os.stat(tmp_path / "source"))
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == right


@posix
@pytest.mark.parametrize("old", [None, 0o644])
def test_dates_and_permissions_of_a_source_are_kept_on_request(tmp_path, old):
    (tmp_path / "source").touch()
    (tmp_path / "source").chmod(0o464)
    os.utime(tmp_path / "source", ns=(10**18 + 7, 10**18 + 9))
    if old:
        (tmp_path / "a.bin").touch(old)
    write_atomic(tmp_path / "a.bin", b"new", like=os.stat(tmp_path / "source"), keep_dates=True)
    made = (tmp_path / "a.bin").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_mtime_ns) == (0o464, 10**18 + 9)


KILLED = """
import os, signal, sys
from codec.sources.files import writing
with writing(sys.argv[1]) as stream:
    stream.write(b"part")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    path = os.path.dirname(os.path.dirname(os.path.dirname(files.__file__)))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "a.bin")], env={**os.environ, "PYTHONPATH": path}
    )
    assert killed.returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert left.endswith(".tmp")
    names = [".a.bin.0123456789abcdef.tmp", "a.codec-0123456789abcdef.tmp", ".a.codec-0123.tmp", "a.tmp"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".link.codec-0123456789abcdef.tmp").symlink_to(tmp_path / "a.tmp")
    (tmp_path / ".dir.codec-0123456789abcdef.tmp").mkdir()
    with writing(tmp_path / "b.bin") as stream:
        stream.write(b"whole")
        assert sweep(tmp_path) == 1 and sweep(tmp_path) == 0
        assert not (tmp_path / left).exists()
    assert sorted(os.listdir(tmp_path)) == sorted(
        [*names, ".link.codec-0123456789abcdef.tmp", ".dir.codec-0123456789abcdef.tmp", "b.bin"]
    )
    assert (tmp_path / "b.bin").read_bytes() == b"whole"


@posix
def test_a_sweep_between_creation_and_lock_costs_nothing(tmp_path, monkeypatch):
    lock, swept = files.fcntl.flock, []

    def late(handle, kind):
        if not swept:
            swept.append(None)
            swept.append(sweep(tmp_path))
        lock(handle, kind)

    monkeypatch.setattr(files.fcntl, "flock", late)
    write_atomic(tmp_path / "a.bin", b"new")
    assert swept == [None, 1] and os.listdir(tmp_path) == ["a.bin"]


def test_a_missing_folder_has_nothing_to_sweep(tmp_path):
    assert sweep(tmp_path / "gone") == 0
