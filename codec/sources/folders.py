"""Folders that stay open while a file is written in them: a symbolic link that takes their place leads nowhere."""

import contextlib
import errno
import os
import stat

from ..errors import FileError

LINKED = "the folder {} is a symbolic link, which is not followed; remove it, or choose another output"
# Windows has none of these calls.
HAS_HANDLES = {os.open, os.mkdir, os.rename, os.stat, os.unlink, os.access} <= os.supports_dir_fd
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)  # O_PATH needs no permission to list it
INNER = FOLDER | getattr(os, "O_NOFOLLOW", 0)


@contextlib.contextmanager
def opened(folder, top):
    """The descriptor of a folder, created if it is not there; None where the system opens no files by descriptors.

    Parameters
    ----------
    folder : str
        `top`, or below it.
    top : str or None
        Below it no symbolic link is followed. None: all are followed, and there is no descriptor.

    Raises
    ------
    FileError
        If a folder is a link or a file, or cannot be created.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec.sources.folders import opened
    >>> with tempfile.TemporaryDirectory() as top, opened(os.path.join(top, "a", "b"), top):
    ...     os.listdir(top)
    ['a']
    """
    if top is None or not HAS_HANDLES:
        _create(folder)
        yield None
        return
    _create(top)
    parts = [part for part in folder[len(top) :].split(os.sep) if part]
    handle = _entered(top or os.curdir, None, top)
    try:
        for count, part in enumerate(parts, 1):
            outer, handle = handle, None
            try:
                handle = _entered(part, outer, os.path.join(top, *parts[:count]))
            finally:
                os.close(outer)
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _create(folder):
    try:
        if not os.path.isdir(folder or os.curdir):
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from error


def _entered(name, outer, path):
    """The descriptor of the folder `path`, which is called `name` in the one of the descriptor `outer`."""
    flags = FOLDER if outer is None else INNER
    try:
        try:
            return os.open(name, flags, dir_fd=outer)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=outer)
            return os.open(name, flags, dir_fd=outer)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(name, outer):
            raise FileError(LINKED.format(path)) from error
        raise _refused(path, error) from error


def _is_link(name, outer):
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=outer, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _refused(folder, error):
    return FileError(f"cannot create the folder {folder}: {error.strerror}; choose another folder")
