"""Files that a thread reads and inflates while the modules that encode them load: a run finds its first ones done.

Loading takes the interpreter's lock, so that other processors have nothing to do; reading and inflating do without it.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

from .chunks import Inflated, filtered_bytes, inflated

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOM_BYTES = 1 << 26  # of files and their rows


class Ahead:
    """PNG files among the inputs and directly in them, the largest first, as a run does them.

    Parameters
    ----------
    inputs : iterable of str
        Files and folders.

    Examples
    --------
    >>> from codec.formats.ahead import Ahead
    >>> ahead = Ahead(["samples"])
    >>> ahead.stop()
    >>> ahead.take("samples/absent.png") is None
    True
    """

    def __init__(self, inputs: Iterable[str]) -> None:
        self._found: dict[str, tuple[os.stat_result, bytes]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._read, args=(tuple(inputs),), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End with the file that is being read."""
        self._stopped = True
        self._thread.join()

    def take(self, path: str) -> tuple[os.stat_result, bytes] | None:
        """What was read of a file, once, and its os.stat_result from before."""
        return self._found.pop(path, None)

    def _read(self, inputs):
        left = ROOM_BYTES
        for _, path in sorted(_sized(inputs), key=lambda each: -each[0]):
            found = _read_one(path, left)
            if self._stopped:
                return
            if found is not None:
                self._found[path] = found
                left -= len(found[1]) + len(found[1].filtered)


def _sized(inputs):
    """(bytes, path) of the files."""
    for path in inputs:
        try:
            if not os.path.isdir(path):
                listed = [path]
            else:
                with os.scandir(path) as entries:
                    listed = sorted(each.path for each in entries if not each.name.startswith("."))
            for each in listed:
                if each.lower().endswith(".png"):
                    yield os.lstat(each).st_size, each
        except (OSError, ValueError):  # the run says it
            continue


def _read_one(path, left):
    """(os.stat_result, Inflated), or None where it is no usual file, or too large for what is left."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > left:
            return None
        with open(path, "rb", buffering=0) as stream:
            data = stream.read(found.st_size)
    except (OSError, ValueError):
        return None
    if len(data) != found.st_size or not 0 < filtered_bytes(data) <= left - len(data):
        return None
    filtered = inflated(data)
    if filtered is None:
        return None
    read = Inflated(data)
    read.filtered = filtered
    return found, read
