"""Folders as people have them: every file met, with what it is or why it is left out."""

import os
import stat
from typing import NamedTuple

from ..errors import CodecError
from ..signatures import HEAD_BYTES, UNREAD, format_of
from ..sources import remote
from ..sources.files import special_kind
from .naming import folded
from .selection import ALL, EXCLUDED

# What a file may be recognized as although its suffix says something else. Others share their signature with files that
# are no pictures to us: camera raw files begin like TIFF.
UNMISTAKABLE = ("JPEG", "PNG", "GIF", "WEBP", "HEIF")
OUTPUT = "output folder"
HERE = "./"


class Found(NamedTuple):
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
    is_unread : bool
        It is "failed" since no picture of its format is read.
    """

    path: str
    status: str | None = None
    reason: str | None = None
    by_content: bool = False
    is_unread: bool = False


def walk(folder, output, task, selection=ALL):
    """Every file below a folder, sorted; hidden folders, links and `output` itself are listed and not entered.

    Parameters
    ----------
    folder : str
        A path, or a URL.
    output : str or None
        None: there is no output folder.
    task : a task of `codec.batch`
        Its `suffixes` and `formats` tell what it takes.
    selection : Selection

    Returns
    -------
    list of Found
    """
    if remote.is_url(folder):
        try:
            return [_remote(folder, path, task, selection) for path in remote.listed(folder)]
        except CodecError as error:
            return [_unlisted(error)]
    met = (found for each in walk_together([folder], output, task, selection) for _, found in each)
    return sorted(met, key=lambda found: found.path)


def walk_together(tops, output, task, selection=ALL):
    """What is in the tree that several folders become as one, folder by folder.

    Folders below different ones of `tops` are one if they have the same path, also if it differs by case, or by the way
    in which accents are written: on some disks their outputs would have the same names.

    Parameters
    ----------
    tops : sequence of str
        Paths.
    output, task, selection
        As for `walk`.

    Yields
    ------
    list of (str, Found)
        The one of `tops`, and what was found there, sorted by path; a folder before those in it.
    """
    output, waiting = output and os.path.realpath(output), [[(top, "") for top in tops]]
    while waiting:
        met, inner = [], {}
        for top, path in waiting.pop():
            files, folders = _listed(top, path, output, task, selection)
            met += [(top, found) for found in files]
            for each in folders:
                inner.setdefault(folded(each), []).append((top, each))
        yield met
        waiting += [inner[path] for path in sorted(inner, reverse=True)]


def walk_remote(tops, task, selection=ALL):
    """`walk_together` for URLs. Their names are all in memory, and what is known of them only folder by folder.

    Parameters
    ----------
    tops : sequence of str
    task, selection
        As for `walk`.

    Yields
    ------
    list of (str, Found)
    """
    waiting: dict = {}
    for top in tops:
        try:
            names = remote.listed(top)
        except CodecError as error:
            yield [(top, _unlisted(error))]
            continue
        for path in names:
            waiting.setdefault(folded(os.path.dirname(path.removeprefix(HERE))), []).append((top, path))
    for folder in sorted(waiting, key=lambda path: path.split("/")):
        yield [(top, _remote(top, path, task, selection)) for top, path in waiting.pop(folder)]


def _unlisted(error):
    return Found(os.curdir, "failed", f"cannot read the folder: {error}")


def _listed(top, inner, output, task, selection):
    """(what is in a folder, paths of folders in it that are to be entered), each sorted."""
    try:
        with os.scandir(os.path.join(top, inner)) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        return [Found(inner or os.curdir, "failed", f"cannot read the folder: {error.strerror}")], []
    files, folders, below = [], [], os.path.join(inner, "") if inner else ""
    for entry in entries:
        path = below + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if selection.leaves_out(path, is_folder):
            files.append(Found(path, "ignored", EXCLUDED))
        elif not is_folder:
            files.append(_file(entry, path, task))
        elif entry.name.startswith("."):
            files.append(Found(path, "ignored", "hidden"))
        elif output and os.path.realpath(entry.path) == output:
            files.append(Found(path, "ignored", OUTPUT))
        else:
            folders.append(path)
    return files, folders


def _remote(url, path, task, selection):
    """An object below a URL: there are no links, and folders are parts of names, which may begin with "./" in a tar."""
    parts = path.removeprefix(HERE).split("/")
    above = ("/".join(parts[: count + 1]) for count in range(len(parts) - 1))
    if any(selection.leaves_out(each, True) for each in above) or selection.leaves_out("/".join(parts)):
        return Found(path, "ignored", EXCLUDED)
    if any(part.startswith(".") for part in parts):
        return Found(path, "ignored", "hidden")
    return _regular(remote.join(url, path), path, task)


def _file(entry, path, task):
    if entry.name.startswith("."):
        return Found(path, "ignored", "hidden")
    if entry.is_symlink():
        return Found(path, "ignored", "symbolic link")
    if not entry.is_file():
        return Found(path, "ignored", special_kind(entry.stat().st_mode) or "not a file")
    return _regular(entry.path, path, task)


def _regular(place, path, task):
    suffix = os.path.splitext(path)[1].lower()
    if suffix in task.suffixes:
        return Found(path)
    is_jpeg_only = task.formats == ("JPEG",)
    kind = UNREAD.get(suffix) or (None if suffix and is_jpeg_only else _kind(place))
    if isinstance(kind, OSError):
        return Found(path, "failed", f"cannot read it: {kind.strerror or kind}")
    if kind in task.formats and (not suffix or kind in UNMISTAKABLE):
        return Found(path, by_content=True)
    if is_jpeg_only:
        return Found(path, "ignored", "not a JPEG")
    if kind and kind not in task.formats:
        why = f"{kind} is not read: convert it to PNG, TIFF or JPEG first, with a photo or drawing program"
        return Found(path, "failed", why, is_unread=True)
    return Found(path, "ignored", "not a picture")


def _kind(path):
    """The format of a file by its first bytes, or the error that kept them."""
    try:
        if remote.is_url(path):
            return format_of(remote.head(path, HEAD_BYTES))
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
