"""Which names a disk takes for one."""

import os
import sys
import unicodedata
from itertools import islice

from ..sources import remote

# Object stores compare names byte by byte. What is behind other URLs (a file server, a folder here) is not known.
EXACT = ("s3://", "s3a://", "gs://", "gcs://", "az://", "abfs://", "abfss://", "memory://")
PROBED = 64  # entries of a folder in which a name with letters is looked for


def folded(path):
    """A path as file systems compare it that ignore case, and the way in which accents are written.

    >>> from codec.batch.naming import folded
    >>> folded("A.JPG") == folded("a.jpg"), folded("caf\u00e9") == folded("cafe\u0301")
    (True, True)
    """
    return unicodedata.normalize("NFC", path).casefold()


def folds(folder):
    """Whether two names in a folder may be one although they differ in case or in how accents are written.

    Nothing is written: an entry of the folder, or the folder itself, is looked up under its name in the other case.
    Where nothing tells, it is True, which loses no file. macOS composes accents also where it keeps case.

    Parameters
    ----------
    folder : str
        A path or URL. A path that is not there yet has the disk of the first folder above it that is.
    """
    if remote.is_url(folder):
        return not folder.startswith(EXACT)
    if os.name == "nt" or sys.platform == "darwin":
        return True
    here = os.path.realpath(folder)
    while not os.path.isdir(here) and os.path.dirname(here) != here:
        here = os.path.dirname(here)
    for path in _entries(here):
        parent, name = os.path.split(path)
        if name.swapcase() != name and os.path.lexists(path):
            return _is_same(path, os.path.join(parent, name.swapcase()))
    return True


def _entries(folder):
    """Paths on the disk of a folder: some of what is in it, itself, and the folders above."""
    try:
        with os.scandir(folder) as listed:
            yield from [entry.path for entry in islice(listed, PROBED)]
        device = os.stat(folder).st_dev
        while os.path.dirname(folder) != folder and os.stat(os.path.dirname(folder)).st_dev == device:
            yield folder
            folder = os.path.dirname(folder)
    except OSError:
        return


def _is_same(path, other):
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False
