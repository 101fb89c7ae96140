"""Doing the jobs: threads, and a row for every file that was met, failures included."""

import filecmp
import os
from dataclasses import asdict, dataclass, field
from functools import partial

from ..errors import CodecError, FileError
from ..executors import in_order
from ..formats import pictures
from ..sources.files import PIPE, read_bytes, read_stdin, sweep, write_atomic, write_stdout
from . import memory

THERE = "the output exists already"


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


def run(jobs, task, *, threads=None, overwrite=False, dry_run=False, keep_dates=False, progress=None):
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

    Returns
    -------
    list of Row
        In the order of `jobs`.
    """
    if not dry_run:
        for folder in {os.path.dirname(job.target) for job in jobs if job.target not in (None, PIPE)}:
            sweep(folder)
    shared = memory.room()
    rows, calls = [], (partial(_do, job, task, shared, overwrite, dry_run, keep_dates) for job in jobs)
    for row in in_order(calls, min(threads or os.cpu_count() or 1, len(jobs) or 1)):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(jobs))
    return rows


def _do(job, task, shared, overwrite, dry_run, keep_dates):
    if job.status:
        told = {"error" if job.status == "failed" else "reason": job.reason}
        return Row(job.source, job.target, job.status, **told)

    def work():
        data = read_source(job.source)
        with shared.taken(pictures.pixels_of(data) * task.bytes_per_pixel):
            return len(data), task(data, job)

    return row_of(
        job.source,
        job.target,
        work,
        keep_as=job.keep_as,
        overwrite=overwrite,
        dry_run=dry_run,
        keep_dates=keep_dates,
    )


def row_of(source, target, work, *, keep_as=None, overwrite=False, dry_run=False, keep_dates=False):
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

    Returns
    -------
    Row
    """
    there = None if overwrite else _there(source, target, keep_as)
    if there:
        old = _is_older(there, source)
        warnings = ("the output that exists is older than its source",) if old else ()
        return Row(source, there, "skipped", warnings=warnings, reason=THERE)
    try:
        before, made = work()
        path = keep_as if made.as_source else target
        if not dry_run and not (made.as_source and _is_same_file(source, path)):
            if made.as_source and os.path.lexists(path) and not overwrite:
                raise FileError(f"it is kept as it is, and {path} exists and holds something else")
            write_target(path, made.data, source, keep_dates)
    except (CodecError, MemoryError) as error:
        return Row(source, target, "failed", error=str(error) or "out of memory")
    after, warnings = len(made.data), tuple(made.warnings)
    ratio = round(before / after, 4)
    return Row(source, path, made.status, before, after, ratio, warnings, None, made.reason, made.facts)


def _there(source, target, keep_as):
    """The path of an output that was made before, or None."""
    if target == PIPE:
        return None
    if os.path.isfile(target):
        return target
    if keep_as is None or _is_same_file(source, keep_as):
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


def write_target(target, data, source=PIPE, keep_dates=False):
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
    write_atomic(target, data, like=like, keep_dates=keep_dates and like is not None)
