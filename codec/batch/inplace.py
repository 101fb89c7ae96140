"""Replacing originals: verified, backed up, and recorded first, so that `undo` restores them bit for bit.

The order for one file: the new content is complete under a temporary name, with the mode, owner, times and extended
attributes of the original; the ledger records both hashes; the original gets a second name in the backup folder (a
hard link; a copy where there are none); the temporary file takes its name. A process that is killed leaves the original
or the new content under the name, never less, and `recover` removes what the record promised and the rename did not.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING

from ..errors import FileError
from ..sources.files import sync_folder, write_atomic
from .ledger import Known, content_hash, settled_key, stat_key, stat_of

if TYPE_CHECKING:
    from .ledger import Ledger

BACKUP = ".codec-backup"
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


class InPlace:
    """One run that replaces originals. Recovers what a killed run left.

    Parameters
    ----------
    ledger : Ledger
    root : str
        The folder below which all files are.
    backup : str or None
        The folder of the backups, in which this run has a folder of its own; None: originals are not kept.

    Attributes
    ----------
    run : str
        Its name, for `undo`: the time in UTC, and four random hexadecimal digits.
    folder : str or None
        Where the originals of this run are.
    """

    def __init__(self, ledger: Ledger, root: str, backup: str | None) -> None:
        self.ledger, self.root = ledger, os.path.abspath(root)
        self.run = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + os.urandom(2).hex()
        self.folder = backup and os.path.join(os.path.abspath(backup), self.run)
        recover(ledger)
        place = self._name(self.folder) if self.folder else None
        ledger.execute("INSERT INTO runs (run, backup) VALUES (?, ?)", self.run, place)
        backups = ledger.execute("SELECT backup FROM runs WHERE backup IS NOT NULL")
        self._backups = [os.path.realpath(ledger.path_of(name)) for (name,) in backups]

    def _name(self, path):
        """A path in the folder of the backups as the ledger stores it: one elsewhere is not moved with the files."""
        return self.ledger.name(path) if path.startswith(os.path.join(self.root, "")) else os.fsencode(path)

    def holds(self, path: str) -> bool:
        """Whether a path is below the backup folder of a run."""
        path = os.path.realpath(path)
        return any(path.startswith(os.path.join(folder, "")) for folder in self._backups)

    def finish(self, how: str | None = None) -> None:
        """Record that the run ended: how, or else when. A run that replaced nothing is forgotten."""
        if self.folder:
            remove_empty(self.folder)
        ended = how or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self.ledger.transaction() as execute:
            execute("UPDATE runs SET ended = ? WHERE run = ?", ended, self.run)
            execute("DELETE FROM runs WHERE run NOT IN (SELECT run FROM replaced)")

    def replace(self, path, found, data, made, settings, row):
        """Put a result in the place of its original.

        Parameters
        ----------
        path : str
        found : os.stat_result
            Of the original, before it was read.
        data : bytes
            The original.
        made : Result
        settings : bytes
            `fingerprint` of the task.
        row : dict
            For the record.

        Raises
        ------
        FileError
            If it cannot be written, its owner cannot be kept, or it changed since it was read. It is unchanged.
        """
        old, new = (content_hash(each, self.ledger.version) for each in (data, made.data))

        backup = self.folder and os.path.join(self.folder, os.path.relpath(os.path.abspath(path), self.root))

        def before_rename(temporary):
            make_alike(temporary, path, found)
            now = stat_of(path)
            if now is None or stat_key(now) != stat_key(found):
                raise FileError(f"{path} was changed while it was compressed: it is left alone; run again")
            complete = os.stat(temporary)
            known = Known(settings, settled_key(complete), new, path, stat_key(complete), new, old, row)
            promise = (
                self.run,
                self.ledger.name(path),
                self._name(backup) if backup else None,
                old,
                stat_key(found),
                new,
            )
            with self.ledger.transaction() as execute:
                execute(*self.ledger.statement(path, known, path))
                execute("INSERT OR REPLACE INTO replaced VALUES (?, ?, ?, ?, ?, ?)", *promise)
            if backup:
                back_up(path, backup, data, found)

        try:
            write_atomic(path, made.data, like=found, keep_dates=True, before_rename=before_rename, synced=False)
        except BaseException:
            _break_promise(self.ledger, self.run, self.ledger.name(path), stat_key(found))
            raise


def _break_promise(ledger, run, path, old_stat):
    """Forget that a run was about to replace a file, with its backup, unless it did."""
    now = stat_of(ledger.path_of(path))
    if now is None or stat_key(now) != old_stat:
        return
    for (backup,) in ledger.execute("SELECT backup FROM replaced WHERE run = ? AND path = ?", run, path):
        if backup is not None:
            with contextlib.suppress(OSError):
                os.unlink(ledger.path_of(backup))
        with ledger.transaction() as execute:
            execute("DELETE FROM replaced WHERE run = ? AND path = ?", run, path)
            execute("DELETE FROM files WHERE target = ?", path)


def make_alike(path, original, found):
    """Give a file the mode, owner, times and extended attributes of another, and flush it again."""
    try:
        if hasattr(os, "chown") and (os.stat(path).st_uid, os.stat(path).st_gid) != (found.st_uid, found.st_gid):
            os.chown(path, found.st_uid, found.st_gid)
        import shutil  # with all of Python's archive formats

        shutil.copystat(original, path)
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise FileError(f"cannot give the new {original} its owner and attributes: {error.strerror}") from error


def back_up(path, backup, data, found):
    """Give the file at `path` the name `backup` as well; a copy where the file system has no hard links."""
    try:
        os.makedirs(os.path.dirname(backup), exist_ok=True)
        try:
            os.link(path, backup, follow_symlinks=False)
            sync_folder(os.path.dirname(backup))
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            write_atomic(backup, data, before_rename=lambda temporary: make_alike(temporary, path, found))
    except FileError:
        raise
    except OSError as error:
        raise FileError(
            f"cannot back up {path} to {backup}: {error.strerror}; choose another folder with backup=FOLDER"
        ) from error


def recover(ledger):
    """Forget what killed runs were about to replace and did not, with its backup."""
    unfinished = ledger.execute(
        "SELECT run, path, old_stat FROM replaced JOIN runs USING (run) WHERE ended IS NULL ORDER BY run, path"
    )
    for each in unfinished:
        _break_promise(ledger, *each)
    for (folder,) in ledger.execute("SELECT backup FROM runs WHERE ended IS NULL AND backup IS NOT NULL"):
        remove_empty(ledger.path_of(folder))
    ledger.execute("UPDATE runs SET ended = 'killed' WHERE ended IS NULL")
    ledger.execute("DELETE FROM runs WHERE run NOT IN (SELECT run FROM replaced)")


def remove_empty(folder):
    """Delete a folder of backups, and its parent, if nothing is left in them."""
    with contextlib.suppress(OSError):
        if not any(names for _, _, names in os.walk(folder)):
            import shutil

            shutil.rmtree(folder)
        os.rmdir(os.path.dirname(folder))
