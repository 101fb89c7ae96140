"""Runs that replaced originals, and how to take one back."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CodecError, FileError, ParameterError
from ..sources.files import read_bytes, sync_folder, write_atomic
from .inplace import make_alike, remove_empty
from .ledger import hash_of
from .rows import Row

if TYPE_CHECKING:
    from .ledger import Ledger


@dataclass(frozen=True)
class Run:
    """A run that replaced originals.

    Attributes
    ----------
    name : str
        For `undo`. It begins with its time in UTC.
    files : int
        How many originals it replaced, without those that were restored.
    backup : str or None
        The folder that holds them; None: they were not kept.
    ended : str
        Time in UTC; "interrupted", by Ctrl-C; or "killed".
    """

    name: str
    files: int
    backup: str | None
    ended: str


def runs(ledger: Ledger) -> list[Run]:
    """Every run of a ledger that replaced originals, the oldest first.

    Returns
    -------
    list of Run
    """
    found = ledger.execute(
        "SELECT run, count(path), runs.backup, coalesce(ended, 'killed') FROM runs LEFT JOIN replaced USING (run) "
        "GROUP BY number ORDER BY number"
    )
    return [Run(name, files, backup and ledger.path_of(backup), ended) for name, files, backup, ended in found]


def undo(ledger: Ledger, run: str, *, dry_run: bool = False) -> list[Row]:
    """Restore the originals that a run replaced, bit for bit, with their times and permissions.

    What was changed after the run is left alone, and its original stays in the backup folder.

    Parameters
    ----------
    ledger : Ledger
    run : str
        A name of `runs`, or "last".
    dry_run : bool
        Check and write nothing.

    Returns
    -------
    list of Row
        "done": restored; "skipped": the original is there; "failed".

    Raises
    ------
    ParameterError
        If there is no such run.
    """
    known = runs(ledger)
    if run == "last" and known:
        run = known[-1].name
    if run not in [each.name for each in known]:
        listed = ", ".join(each.name for each in known) or "none"
        raise ParameterError(f"the ledger {ledger.path} has no run {run!r} that replaced originals: there are {listed}")
    replaced = ledger.execute("SELECT path, backup, old_hash, new_hash FROM replaced WHERE run = ? ORDER BY path", run)
    later = dict(
        ledger.execute(
            "SELECT path, run FROM replaced JOIN runs USING (run) "
            "WHERE number > (SELECT number FROM runs WHERE run = ?) ORDER BY number",
            run,
        )
    )
    rows = []
    for path, backup, old_hash, new_hash in replaced:
        place, original = ledger.path_of(path), backup and ledger.path_of(backup)
        row = _restored(place, original, old_hash, new_hash, later.get(path), ledger.version, dry_run)
        rows.append(row)
        if row.status != "failed" and not dry_run:
            with ledger.transaction() as execute:
                execute("DELETE FROM replaced WHERE run = ? AND path = ?", run, path)
                execute("DELETE FROM files WHERE target = ?", path)
    if not dry_run and all(row.status != "failed" for row in rows):
        folder = next(each.backup for each in known if each.name == run)
        if folder:
            remove_empty(folder)
        ledger.execute("DELETE FROM runs WHERE run = ?", run)
    return rows


def _restored(path, backup, old_hash, new_hash, later, version, dry_run):
    now = hash_of(path, version)
    if now == old_hash:
        if backup and not dry_run:
            with contextlib.suppress(OSError):
                os.unlink(backup)
        return Row(path, path, "skipped", reason="the original is there")
    if backup is None:
        return Row(path, path, "failed", error="its original was not kept")
    if now != new_hash and later is not None:
        return Row(path, path, "failed", error=f"the run {later} replaced it again: undo that one first")
    kept = hash_of(backup, version) == old_hash
    if now != new_hash and os.path.lexists(path):
        where = f"its original is {backup}" if kept else f"its backup {backup} is gone or damaged"
        return Row(path, path, "failed", error=f"it was changed after the run and is left alone; {where}")
    if not kept:
        return Row(path, path, "failed", error=f"its backup {backup} is gone or damaged; the file is left alone")
    before = os.path.getsize(path) if now else None
    after = os.path.getsize(backup)
    if not dry_run:
        try:
            _put_back(backup, path)
        except CodecError as error:
            return Row(path, path, "failed", error=str(error))
    return Row(path, path, "done", before, after, before and round(before / after, 4))


def _put_back(backup, path):
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        os.replace(backup, path)
        sync_folder(os.path.dirname(path))
    except OSError:  # another disk
        try:
            found = os.stat(backup)
        except OSError as error:
            raise FileError(f"cannot read {backup}: {error.strerror}") from error
        write_atomic(path, read_bytes(backup), before_rename=lambda new: make_alike(new, backup, found))
        with contextlib.suppress(OSError):
            os.unlink(backup)
