"""Folders as people have them: every file met, with what it is or why it is left out."""

import os
import stat
from dataclasses import dataclass

from ..formats.signatures import HEAD_BYTES, UNREAD, format_of
from ..sources.files import special_kind
from .selection import ALL, EXCLUDED

# What a file may be recognized as although its suffix says something else. Others share their signature with files that
# are no pictures to us: camera raw files begin like TIFF.
UNMISTAKABLE = ("JPEG", "PNG", "GIF", "WEBP")


@dataclass(frozen=True)
class Found:
    """A file or folder below a folder.

    Attributes
    ----------
    path : str
        Relative to the folder.
    status : "ignored", "failed" or None
        None: a picture for the task.
    reason : str or None
        Why it is left out.
    by_content : bool
        Its first bytes say that it is a picture, not its name.
    """

    path: str
    status: str | None = None
    reason: str | None = None
    by_content: bool = False


def walk(folder, output, task, selection=ALL):
    """Every file below a folder, sorted; hidden folders, links and `output` itself are listed and not entered.

    Parameters
    ----------
    folder : str
    output : str or None
        None: there is no output folder.
    task : a task of `codec.batch`
        Its `suffixes` and `formats` tell what it takes.
    selection : Selection

    Returns
    -------
    list of Found
    """
    found = _below(folder, "", output and os.path.realpath(output), task, selection)
    return sorted(found, key=lambda found: found.path)


def _below(top, inner, output, task, selection):
    folders = [inner]
    while folders:
        inner = folders.pop()
        here = os.path.join(top, inner)
        try:
            with os.scandir(here) as listed:
                entries = list(listed)
        except OSError as error:
            yield Found(inner or os.curdir, "failed", f"cannot read the folder: {error.strerror}")
            continue
        for entry in entries:
            path = os.path.join(inner, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if selection.leaves_out(path, is_folder):
                yield Found(path, "ignored", EXCLUDED)
            elif not is_folder:
                yield _file(entry, path, task)
            elif entry.name.startswith("."):
                yield Found(path, "ignored", "hidden")
            elif output and os.path.realpath(entry.path) == output:
                yield Found(path, "ignored", "output folder")
            else:
                folders.append(path)


def _file(entry, path, task):
    if entry.name.startswith("."):
        return Found(path, "ignored", "hidden")
    if entry.is_symlink():
        return Found(path, "ignored", "symbolic link")
    suffix = os.path.splitext(entry.name)[1].lower()
    if not entry.is_file():
        return Found(path, "ignored", special_kind(entry.stat().st_mode) or "not a file")
    if suffix in task.suffixes:
        return Found(path)
    is_jpeg_only = task.formats == ("JPEG",)
    kind = UNREAD.get(suffix) or (None if suffix and is_jpeg_only else _kind(entry.path))
    if isinstance(kind, OSError):
        return Found(path, "failed", f"cannot read it: {kind.strerror}")
    if kind in task.formats and (not suffix or kind in UNMISTAKABLE):
        return Found(path, by_content=True)
    if is_jpeg_only:
        return Found(path, "ignored", "not a JPEG")
    if kind and kind not in task.formats:
        return Found(path, "failed", f"{kind} is not read: convert it to PNG, TIFF or JPEG first")
    return Found(path, "ignored", "not a picture")


def _kind(path):
    """The format of a file by its first bytes, or the error that kept them."""
    try:
        with open(path, "rb", buffering=0) as stream:
            return format_of(stream.read(HEAD_BYTES))
    except OSError as error:
        return error


def special(path):
    """What is wrong with a path that is named as an input, before it is opened, or None.

    A FIFO would be waited for. Pipes that a shell passes as paths, <(...), have a writer.
    """
    if path.startswith(("/dev/fd/", "/proc/", "/dev/stdin")):
        return None
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None  # reading it tells
    return "it is a FIFO: give what comes from it to stdin (-)" if stat.S_ISFIFO(mode) else None
