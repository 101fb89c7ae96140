"""Read bytes from any kind of source within limits; write files completely or not at all."""

import contextlib
import errno
import io
import os
import re
import stat
import sys
from typing import Optional, Set, Tuple

try:
    import fcntl
except ImportError:  # Windows, which refuses to delete a file that is open
    fcntl = None  # type: ignore[assignment]

from ..errors import CodecError, FileError, LimitError, ParameterError, TruncatedError
from ..limits import checked_limits

CHUNK_BYTES = 1 << 20
PIPE = "-"  # the name of stdin and stdout where a command takes paths

REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose another folder",
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or choose another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "close some files",
}


def _file_error(verb, path, error):
    remedy = REMEDIES.get(error.errno)
    return FileError(
        f"cannot {verb} {os.fsdecode(path)}: {error.strerror or error}" + (f"; {remedy}" if remedy else "")
    )


def _is_path(source):
    return isinstance(source, (str, os.PathLike))


def _too_long(name, limits):
    return LimitError(f"{name} is longer than {limits.file_bytes} bytes; raise Limits.file_bytes if you trust it")


def _chunks(stream, name, limits, first_read):
    """Yield the chunks of a stream; raise beyond the limit."""
    left, size = limits.file_bytes + 1, first_read
    while left:
        chunk = stream.read(min(size, left))
        if chunk is None:
            raise FileError(
                f"cannot read {name}: it is non-blocking and has no data yet; read it yourself and pass the bytes"
            )
        if not isinstance(chunk, bytes):
            raise ParameterError(f"{name} gives {type(chunk).__name__}, not bytes; open it in binary mode")
        if not chunk:
            return
        yield chunk
        left -= len(chunk)
        size = CHUNK_BYTES
    raise _too_long(name, limits)


def _read_stream(stream, name, limits, first_read):
    return b"".join(_chunks(stream, name, limits, first_read))


def _refuse_special(path):
    """Raise FileError for what has no end, or nothing to read, and need not be opened to know it."""
    mode = os.stat(path).st_mode
    kind = special_kind(mode)
    if kind and not stat.S_ISFIFO(mode):
        raise FileError(f"cannot read {os.fsdecode(path)}: it is a {kind}; name a file, or give the data to stdin (-)")


def special_kind(mode):
    """What a mode says that is neither a file, a folder nor a link: "FIFO", "socket" or "device"; else None."""
    if stat.S_ISFIFO(mode):
        return "FIFO"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else None


def _read_path(path, limits):
    name = os.fsdecode(path)
    try:
        _refuse_special(path)
        with open(path, "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > limits.file_bytes:
                raise _too_long(name, limits)
            return _read_stream(stream, name, limits, size or CHUNK_BYTES)
    except CodecError:
        raise
    except OSError as error:
        raise _file_error("read", path, error) from error
    except ValueError as error:
        raise ParameterError(f"{name!r} is no path: {error}") from error


def _held(source):
    """The bytes of an object in memory; None if it is none. An array of pixels is no file: it has more dimensions, or
    larger items."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    try:
        view = memoryview(source)
    except TypeError:
        return None
    return view.tobytes() if view.ndim == 1 and view.itemsize == 1 else None


def read_bytes(source, limits=None):
    """All bytes of a source, as an immutable object.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview, or binary file object
        `str` is always a path and `bytes` is always data, as other buffers of bytes are: arrays of uint8 of one
        dimension, `array.array("B")`. A file object is read from its current position to its end,
        and left open.
    limits : codec.Limits, optional
        At most ``limits.file_bytes + 1`` bytes are read from a path or file object.

    Returns
    -------
    bytes

    Raises
    ------
    FileError
        If a path or file object cannot be read, or a path is that of a device or socket.
    LimitError
        If it holds more than ``limits.file_bytes``.
    TruncatedError
        If it is empty.
    ParameterError
        If `source` is of another type, or a file object in text mode.

    Examples
    --------
    >>> from codec.sources.files import read_bytes
    >>> read_bytes(bytearray(b"abc"))
    b'abc'
    """
    limits = checked_limits(limits)
    if isinstance(source, bytes):
        data, name = bytes(source), "the input"
    elif _is_path(source):
        data, name = _read_path(source, limits), os.fsdecode(source)
    elif callable(getattr(source, "read", None)):
        name = str(getattr(source, "name", "the file object"))
        try:
            data = _read_stream(source, name, limits, CHUNK_BYTES)
        except CodecError:
            raise
        except OSError as error:
            raise _file_error("read", name, error) from error
    else:
        data, name = _held(source), "the input"
        if data is None:
            raise ParameterError(
                f"the source is a {type(source).__name__}; pass a path, bytes, bytearray, memoryview or another buffer "
                "of bytes (an array: of uint8, one dimension), or a file object opened in binary mode"
            )
    if not data:
        raise TruncatedError(f"{name} is empty", layer="file", offset=0)
    return data


def read_chunks(source, limits=None):
    """Yield the bytes of a source in chunks, without holding all of it in memory.

    As `read_bytes`, but also takes an iterable of bytes.

    Examples
    --------
    >>> from codec.sources.files import read_chunks
    >>> list(read_chunks([b"ab", b"c"]))
    [b'ab', b'c']
    """
    limits = checked_limits(limits)
    if _is_path(source):
        name = os.fsdecode(source)
        try:
            _refuse_special(source)
            with open(source, "rb", buffering=0) as stream:
                yield from _chunks(stream, name, limits, CHUNK_BYTES)
        except CodecError:
            raise
        except OSError as error:
            raise _file_error("read", source, error) from error
    elif callable(getattr(source, "read", None)):
        name = str(getattr(source, "name", "the file object"))
        try:
            yield from _chunks(source, name, limits, CHUNK_BYTES)
        except CodecError:
            raise
        except OSError as error:
            raise _file_error("read", name, error) from error
    elif (held := _held(source)) is not None:
        yield held
    elif hasattr(source, "__iter__"):
        for chunk in source:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise ParameterError(f"the source gives a {type(chunk).__name__}, not bytes")
            yield bytes(chunk)
    else:
        raise ParameterError(
            f"the source is a {type(source).__name__}; pass a path, bytes, a binary file object, or an iterable "
            "of bytes"
        )


def sync_folder(folder):
    """Make the rename survive a power cut. Windows and some network disks cannot; the data itself is safe there too."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _existing_mode(path, folder=None, follow=True):
    """Mode of what is at `path`, or None if there is nothing."""
    try:
        return os.stat(path, dir_fd=folder, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return None


# Links to what a shell opened, as /dev/stdout, which are nobody's files
SYSTEM_LINKS = ("/dev/fd/", "/dev/std", "/proc/")


def is_own_link(path):
    """Whether a path is a symbolic link that somebody made."""
    return os.path.islink(path) and not path.startswith(SYSTEM_LINKS)


# The name of a temporary file, which no other program gives. Its writer holds a lock on it (flock) as long as it lives:
# an unlocked one was left behind by a process that was killed.
TEMPORARY = re.compile(r"\..{1,32}\.codec-[0-9a-f]{16}\.tmp", re.DOTALL)

# The temporary files of this process, each with the descriptor of its folder or None, for `remove_unfinished`: a
# process that ends at once does not unwind its threads.
_unfinished: Set[Tuple[str, Optional[int]]] = set()


def remove_unfinished():
    """Delete the temporary files of this process, before it ends without unwinding. What was renamed stays."""
    for path, folder in tuple(_unfinished):
        with contextlib.suppress(OSError):
            os.unlink(path, dir_fd=folder)


def sweep(folder):
    """Delete the temporary files that killed processes left in a folder; those being written are locked, and stay.

    Only regular files of this user with a name of `TEMPORARY` are deleted.

    Returns
    -------
    int
        How many.
    """
    swept = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder or "."):
            if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                swept += _sweep_one(entry.path)
    return swept


def _sweep_one(path):
    if fcntl is None:
        with contextlib.suppress(OSError):
            os.unlink(path)
            return True
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except OSError:  # it is being written, or this file system has no locks
        return False
    finally:
        os.close(handle)
    return True


def _create_locked(path, permissions, folder):
    """Handle of a new file that `sweep` leaves alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        handle = os.open(path, flags, permissions, dir_fd=folder)
        if fcntl is None:
            return handle
        with contextlib.suppress(OSError):  # a file system without locks, where `sweep` gets none either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _existing_mode(path, folder, follow=False) is not None:
            return handle
        os.close(handle)  # a sweep came before the lock


@contextlib.contextmanager
def _replacing(path, mode, like, keep_dates, before_rename, synced, folder):
    above, name = os.path.split(path)
    # 32 characters of the name keep the temporary name below the 255 bytes that file systems allow.
    complete = os.path.join(above, f".{name[:32]}.codec-{os.urandom(8).hex()}.tmp")
    temporary, final = (each if folder is None else os.path.basename(each) for each in (complete, path))
    if keep_dates:
        mode = like.st_mode
    most = 0o666 if like is None else like.st_mode & 0o666 | 0o600
    _unfinished.add((temporary, folder))
    try:
        handle = _create_locked(temporary, most if mode is None else 0o600, folder)
        with open(handle, "wb", io.DEFAULT_BUFFER_SIZE) as stream:  # without asking whether it is a terminal
            if mode is not None:
                os.chmod(temporary, mode & 0o777, dir_fd=folder)
            yield stream
            stream.flush()
            if keep_dates:
                os.utime(temporary, ns=(like.st_atime_ns, like.st_mtime_ns), dir_fd=folder)
            os.fsync(handle)
            if before_rename is not None:
                before_rename(complete)
        os.replace(temporary, final, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        _unfinished.discard((temporary, folder))
    if synced:
        sync_folder(above or os.curdir)


@contextlib.contextmanager
def writing(path, *, like=None, keep_dates=False, before_rename=None, synced=True, follow=True, folder=None):
    """A binary stream whose content becomes the file `path` if the block ends without an error: `write_atomic` in
    pieces, with its arguments.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec.sources.files import writing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with writing(os.path.join(folder, "a.bin")) as stream:
    ...         stream.write(b"abc"), os.listdir(folder)[0].endswith(".tmp")
    ...     os.listdir(folder)
    (3, True)
    ['a.bin']
    """
    if not _is_path(path):
        raise ParameterError(f"the path is a {type(path).__name__}; pass a str or os.PathLike")
    target = os.fsdecode(path)
    try:
        if folder is None:
            kept = is_own_link(target) and not follow
            if (os.path.islink(target) and not kept) or not os.path.basename(target):
                target = os.path.realpath(target)
            entry = target
        else:
            entry = os.path.basename(target)
            kept = stat.S_ISLNK(_existing_mode(entry, folder, follow=False) or 0)
        mode = _existing_mode(entry, folder)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if kept:
            mode = None  # what it leads to stays: a file takes the place of the link
        if mode is not None and not os.access(entry, os.W_OK, dir_fd=folder):
            raise PermissionError(errno.EACCES, "it is read-only")
        replaceable = mode is None or stat.S_ISREG(mode)
        if folder is not None and not replaceable:
            raise OSError(errno.EEXIST, f"a {special_kind(mode)} is there; remove it, or choose another output")
        options = mode, like, keep_dates, before_rename, synced, folder
        replacing = _replacing(target, *options) if replaceable else open(target, "wb")
        with replacing as stream:
            yield stream
    except CodecError:
        raise
    except OSError as error:
        raise _file_error("write", path, error) from error


def write_atomic(path, data, *, like=None, keep_dates=False, before_rename=None, synced=True, follow=True, folder=None):
    """Write a file completely or not at all: a reader sees the old content or the new, never a part.

    The data goes to a temporary file in the same folder, is flushed to the disk, and is renamed in one step. On any
    failure, including an interrupt, the temporary file is removed and an existing file is unchanged. A symbolic link
    stays a link: its target is replaced. The permissions of an existing file are kept. Devices and pipes cannot be
    replaced and are written directly.

    Parameters
    ----------
    path : str or os.PathLike
        Its folder must exist.
    data : bytes-like
    like : os.stat_result, optional
        Of the file that `data` was made from: a new file can be read and written by nobody who could not do so there.
    keep_dates : bool
        Give the file the times and the permissions of `like`.
    before_rename : callable, optional
        Called with the path of the temporary file when it is complete: the size, times and inode that it has now are
        those that the file will have. If it raises, nothing is replaced. Not called for devices and pipes.
    synced : bool
        Flush the folder too, so that the new name survives a power cut. A run does so once for all files of a folder.
    follow : bool
        False: a symbolic link to anything but a folder is replaced itself, and what it leads to is unchanged.
    folder : int, optional
        Descriptor of the folder of `path` (`folders.opened`): it is not looked up again, links are not followed, and
        what is neither a file nor a link is not written to.

    Raises
    ------
    FileError
        If the file cannot be written; the message has the path, the cause and the remedy.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec.sources.files import write_atomic
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(os.path.join(folder, "a.bin"), b"abc")
    ...     os.listdir(folder)
    ['a.bin']
    """
    options = {"keep_dates": keep_dates, "before_rename": before_rename, "synced": synced, "follow": follow}
    with writing(path, like=like, folder=folder, **options) as stream:
        stream.write(data)


def write_stream(stream, data):
    """All of the data to a binary file object.

    Raises
    ------
    FileError
        If it cannot be written.
    ParameterError
        If it is in text mode.
    """
    name = str(getattr(stream, "name", "the file object"))
    try:
        stream.write(data)
    except TypeError:
        raise ParameterError(f"{name} takes text, not bytes; open it in binary mode") from None
    except (OSError, ValueError) as error:  # ValueError: closed
        raise FileError(f"cannot write {name}: {getattr(error, 'strerror', None) or error}") from error


def read_stdin(limits=None):
    """All bytes of stdin, as `read_bytes`."""
    try:
        is_device = stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode) and not sys.stdin.isatty()
    except (OSError, ValueError):  # stdin is no file of the system
        is_device = False
    if is_device:
        raise FileError("cannot read stdin: it is a device; give it a file or a pipe")
    return read_bytes(sys.stdin.buffer, limits)


def write_stdout(data):
    """All of the data to stdout.

    Raises
    ------
    BrokenPipeError
        If the reader is gone: the end of a pipeline, not an error of ours.
    FileError
        If it cannot be written for another reason.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):  # what is left in the buffer goes nowhere, and is no second error at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise FileError(f"cannot write to stdout: {error.strerror or error}") from error
