"""Doing the jobs: threads, and a row for every file that was met, failures included."""

import contextlib
import filecmp
import os
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from ..errors import CodecError, FileError, ParameterError
from ..executors import in_order
from ..formats import pictures
from ..sources.files import PIPE, read_bytes, read_stdin, sweep, write_atomic, write_stdout
from . import generation, memory, resume
from .ledger import Known, content_hash, fingerprint, settled_key, stat_key, stat_of

THERE = "the output exists already"
TOLD = ("before", "after", "ratio", "facts")  # what the ledger keeps of a row


@dataclass(frozen=True)
class Row:
    """What happened to one file.

    Attributes
    ----------
    input : str
    output : str or None
        Where the result is; None if there is none, and never will be.
    status : str
        "done"; "kept": the source is the better result and was copied; "skipped": the output exists; "ignored": left
        out by a rule, such as hidden files; "failed".
    before, after : int or None
        Bytes.
    ratio : float or None
        before / after: more is smaller.
    warnings : tuple of str
    error : str or None
        Why it failed.
    reason : str or None
        Why it was kept, skipped or ignored.
    facts : dict
        What the task tells about it; JSON types.
    """

    input: str
    output: str | None
    status: str
    before: int | None = None
    after: int | None = None
    ratio: float | None = None
    warnings: tuple = ()
    error: str | None = None
    reason: str | None = None
    facts: dict = field(default_factory=dict)

    def to_json(self):
        """A flat dict of JSON types."""
        row = asdict(self)
        return row | row.pop("facts")


def run(
    jobs,
    task,
    *,
    threads=None,
    overwrite=False,
    dry_run=False,
    keep_dates=False,
    progress=None,
    ledger=None,
    in_place=None,
):
    """Do every job; a failure is a row like any other.

    Temporary files that killed processes left in the folders of the outputs are deleted first.

    Parameters
    ----------
    jobs : list of Job
    task : callable
        ``task(data, job) -> Result``: bytes of the source to bytes of the target. Called from several threads.
    threads : int, optional
        Default: one per CPU. Large pictures wait for each other where memory is short.
    overwrite : bool
        Replace outputs that exist. Without it their rows are "skipped".
    dry_run : bool
        Do the work and write nothing.
    keep_dates : bool
        Give each output the times and permissions of its source. Without it a new output has the usual permissions,
        without those for group and others that its source has not.
    progress : callable, optional
        Called as ``progress(done, total)`` after every job.
    ledger : Ledger, optional
        What it knows to be made from the same source with the same settings is "skipped", and what it knows to be ours
        but outdated is made again. Each output is recorded before it is renamed to its name.
    in_place : InPlace, optional
        Needed for the jobs of `plan_in_place`, unless it is a dry run: a result that is smaller and proves to show the
        same picture (`task.verify`) replaces its source. Its ledger is used.

    Returns
    -------
    list of Row
        In the order of `jobs`.
    """
    if not dry_run:
        for folder in {os.path.dirname(job.target) for job in jobs if job.target not in (None, PIPE)}:
            sweep(folder)
    if any(job.source == job.target != PIPE for job in jobs) and not (in_place or dry_run):
        raise ParameterError("jobs replace their sources, and nothing would keep these: pass in_place=InPlace(...)")
    ledger = in_place.ledger if in_place else ledger
    worker = _Worker(task, memory.room(), overwrite, dry_run, keep_dates, ledger, in_place)
    rows, calls = [], (partial(worker.row, job) for job in jobs)
    for row in in_order(calls, min(threads or os.cpu_count() or 1, len(jobs) or 1)):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(jobs))
    if in_place:
        in_place.finish()
    return rows


class _Worker:
    """What the jobs of a run share."""

    def __init__(self, task, room, overwrite, dry_run, keep_dates, ledger, in_place):
        self.task, self.room, self.ledger, self.in_place = task, room, ledger, in_place
        self.overwrite, self.dry_run, self.keep_dates = overwrite, dry_run, keep_dates
        self.settings = ledger and fingerprint(task)

    def row(self, job):
        """Do a job."""
        if job.status:
            told = {"error" if job.status == "failed" else "reason": job.reason}
            return Row(job.source, job.target, job.status, **told)
        replaces = job.source == job.target != PIPE
        if self.ledger is None:
            return self._replaced(job) if replaces else self._made(job)
        try:
            seen = resume.look(job, self.ledger, self.settings)
        except CodecError as error:
            return Row(job.source, job.target, "failed", error=str(error))
        if replaces and (self.overwrite or seen.verdict != resume.DONE_BEFORE):  # other content is another original
            return self._replaced(job)
        if seen.verdict and not self.overwrite:
            return Row(job.source, seen.output, "skipped", reason=seen.verdict, **seen.row)
        return self._made(job, seen)

    def _replaced(self, job):
        """Do a job whose source is its target."""
        try:
            found = os.stat(job.source)
            data = read_source(job.source)
            with self.room.taken(pictures.pixels_of(data) * self.task.bytes_per_pixel):
                made = self.task(data, job)
                smaller = made.status == "done" and len(made.data) < len(data)
                problem = self.task.verify(data, made) if smaller else None
            if problem:
                raise FileError(f"the new file is not used, and the original stays: {problem}")
            row = _row_in_place(job.source, data, made, smaller)
            told = {name: getattr(row, name) for name in TOLD}
            if self.dry_run:
                return row
            if smaller:
                self.in_place.replace(job.source, found, data, made, self.settings, told)
            else:
                same, stat = content_hash(data), stat_key(found)
                known = Known(self.settings, settled_key(found), same, job.source, stat, same, None, told)
                self.ledger.record(job.source, known, job.source)
            return row
        except OSError as error:
            return Row(job.source, job.target, "failed", error=str(error))
        except (CodecError, MemoryError) as error:
            return Row(job.source, job.target, "failed", error=str(error) or "out of memory")

    def _made(self, job, seen=None):
        read = {}

        def work():
            found = stat_of(job.source)
            data = read_source(job.source)
            if seen is not None:
                read.update(stat=found and settled_key(found), hash=content_hash(data))
            with self.room.taken(pictures.pixels_of(data) * self.task.bytes_per_pixel):
                return len(data), self.task(data, job)

        def record(row, made):
            told = {name: getattr(row, name) for name in TOLD}
            known = Known(self.settings, read["stat"], read["hash"], row.output, None, b"", seen.content, told)
            known = replace(known, output_hash=content_hash(made.data))

            def before_rename(path):
                complete = replace(known, output_stat=stat_key(os.stat(path)))
                self.ledger.record(job.target, complete, job.source)

            return before_rename

        row = row_of(
            job.source,
            job.target,
            work,
            keep_as=job.keep_as,
            overwrite=self.overwrite,
            dry_run=self.dry_run,
            keep_dates=self.keep_dates,
            ours=seen and seen.output,
            record=None if seen is None else record,
        )
        if seen and seen.output and not self.dry_run and row.status in ("done", "kept"):
            _remove_former(seen.output, row)
        return row


def _row_in_place(source, data, made, smaller):
    """The row of a result that replaces its source if it is smaller."""
    before, after = len(data), len(made.data) if smaller else len(data)
    status, reason = ("done", made.reason) if smaller else ("kept", made.reason or generation.NOT_SMALLER)
    return Row(source, source, status, before, after, round(before / after, 4), made.warnings, None, reason, made.facts)


def row_of(
    source,
    target,
    work,
    *,
    keep_as=None,
    overwrite=False,
    dry_run=False,
    keep_dates=False,
    ours=None,
    record=None,
):
    """The row of one output, whatever it is made of.

    Parameters
    ----------
    source, target : str
        For the row. The target is written.
    work : callable
        ``work() -> (bytes before, Result)``; not called if the target exists and may not be replaced.
    keep_as : str, optional
        Written in place of the target if the result is the source.
    overwrite, dry_run, keep_dates : bool
        As for `run`.
    ours : str, optional
        A path that may be replaced in any case.
    record : callable, optional
        ``record(row, Result)`` gives the `before_rename` of `write_atomic`.

    Returns
    -------
    Row
    """
    there = None if overwrite else _there(source, target, keep_as, ours)
    if there:
        old = _is_older(there, source)
        warnings = ("the output that exists is older than its source",) if old else ()
        return Row(source, there, "skipped", warnings=warnings, reason=THERE)
    try:
        before, made = work()
        path = keep_as if made.as_source else target
        after, warnings = len(made.data), tuple(made.warnings)
        ratio = round(before / after, 4)
        row = Row(source, path, made.status, before, after, ratio, warnings, None, made.reason, made.facts)
        if dry_run:
            return row
        before_rename = record and record(row, made)
        if made.as_source and _is_same_file(source, path):
            if record:
                before_rename(path)
            return row
        if made.as_source and os.path.lexists(path) and not overwrite and not _is(path, ours):
            raise FileError(f"it is kept as it is, and {path} exists and holds something else")
        write_target(path, made.data, source, keep_dates, before_rename)
    except (CodecError, MemoryError) as error:
        return Row(source, target, "failed", error=str(error) or "out of memory")
    return row


def _is(path, other):
    return other is not None and os.path.abspath(path) == os.path.abspath(other)


def _remove_former(output, row):
    """Delete an output of ours whose successor has another name: a copy of the source, which is smaller now."""
    if not _is(row.output, output) and not _is_same_file(row.input, output):
        with contextlib.suppress(OSError):
            os.unlink(output)


def _there(source, target, keep_as, ours):
    """The path of an output that exists and is not `ours`, or None."""
    if target == PIPE:
        return None
    if os.path.isfile(target) and not _is(target, ours):
        return target
    if keep_as is None or _is(keep_as, ours) or _is_same_file(source, keep_as):
        return None
    try:
        return keep_as if os.path.isfile(keep_as) and filecmp.cmp(source, keep_as, shallow=False) else None
    except OSError:
        return None  # reading the source tells


def _is_same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_older(output, source):
    try:
        return source != PIPE and os.stat(output).st_mtime_ns < os.stat(source).st_mtime_ns
    except OSError:
        return False


def read_source(source):
    """Bytes of a path, or of stdin for "-"."""
    return read_stdin() if source == PIPE else read_bytes(source)


def write_target(target, data, source=PIPE, keep_dates=False, before_rename=None):
    """Bytes made of a source to a path, whose folder is created, or to stdout for "-"."""
    if target == PIPE:
        write_stdout(data)
        return
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot create the folder {folder}: {error.strerror}; choose another folder") from error
    try:
        like = None if source == PIPE else os.stat(source)
    except OSError:  # several frames, or gone
        like = None
    keep_dates = keep_dates and like is not None
    write_atomic(target, data, like=like, keep_dates=keep_dates, before_rename=before_rename)
