"""Doing the jobs: threads, and a row for every output, failures included."""

import os
from dataclasses import asdict, dataclass, field
from functools import partial

from ..errors import CodecError, FileError
from ..executors import in_order
from ..sources.files import PIPE, read_bytes, read_stdin, write_atomic, write_stdout


@dataclass(frozen=True)
class Row:
    """What happened to one picture.

    Attributes
    ----------
    input, output : str
    status : str
        "done"; "kept": the source is as small already and was copied; "skipped": the output exists; "failed".
    before, after : int or None
        Bytes.
    ratio : float or None
        before / after: more is smaller.
    warnings : tuple of str
    error : str or None
        Why there is no output.
    facts : dict
        What the task tells about it; JSON types.
    """

    input: str
    output: str
    status: str
    before: int | None = None
    after: int | None = None
    ratio: float | None = None
    warnings: tuple = ()
    error: str | None = None
    facts: dict = field(default_factory=dict)

    def to_json(self):
        """A flat dict of JSON types."""
        row = asdict(self)
        return row | row.pop("facts")


def run(jobs, task, *, threads=None, overwrite=False, dry_run=False, progress=None):
    """Do every job; a failure is a row like any other.

    Parameters
    ----------
    jobs : list of Job
    task : callable
        ``task(data, job) -> Result``: bytes of the source to bytes of the target. Called from several threads.
    threads : int, optional
        Default: one per CPU.
    overwrite : bool
        Replace outputs that exist. Without it their rows are "skipped".
    dry_run : bool
        Do the work and write nothing.
    progress : callable, optional
        Called as ``progress(done, total)`` after every job.

    Returns
    -------
    list of Row
        In the order of `jobs`.
    """
    rows, calls = [], (partial(_do, job, task, overwrite, dry_run) for job in jobs)
    for row in in_order(calls, min(threads or os.cpu_count() or 1, len(jobs) or 1)):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(jobs))
    return rows


def _do(job, task, overwrite, dry_run):
    def work():
        data = read_source(job.source)
        return len(data), task(data, job)

    return row_of(job.source, job.target, work, overwrite=overwrite, dry_run=dry_run)


def row_of(source, target, work, *, overwrite=False, dry_run=False):
    """The row of one output, whatever it is made of.

    Parameters
    ----------
    source, target : str
        For the row. The target is written.
    work : callable
        ``work() -> (bytes before, Result)``; not called if the target exists and may not be replaced.
    overwrite, dry_run : bool
        As for `run`.

    Returns
    -------
    Row
    """
    if target != PIPE and os.path.isfile(target) and not overwrite:
        return Row(source, target, "skipped", error="the output exists already")
    try:
        before, made = work()
        if not dry_run:
            write_target(target, made.data)
    except (CodecError, MemoryError) as error:
        return Row(source, target, "failed", error=str(error) or "out of memory")
    after, warnings = len(made.data), tuple(made.warnings)
    return Row(source, target, made.status, before, after, round(before / after, 4), warnings, None, made.facts)


def read_source(source):
    """Bytes of a path, or of stdin for "-"."""
    return read_stdin() if source == PIPE else read_bytes(source)


def write_target(target, data):
    """Bytes to a path, whose folder is created, or to stdout for "-"."""
    if target == PIPE:
        write_stdout(data)
        return
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot create the folder {folder}: {error.strerror}; choose another folder") from error
    write_atomic(target, data)
