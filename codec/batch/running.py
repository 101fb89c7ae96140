"""Doing the jobs: threads, and a row for every file that was met, failures included."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from ..executors import Workers, in_order
from ..sources.files import PIPE, sweep, sync_folder
from . import memory
from .turns import Turns
from .worker import Worker
from .workers import KillableWorkers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .inplace import InPlace
    from .ledger import Ledger
    from .planning import Job
    from .rows import Row

WAITING = 14  # threads that may be begun beyond those that have turns, while others wait for a slow disk (`turns`)
AHEAD = 64  # jobs per thread that may be done before their turn
TOGETHER = 4096  # jobs of small folders that are planned, ordered by size, and kept in memory together


def run(
    jobs: list[Job],
    task: Any,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    keep_dates: bool = False,
    timeout: float | None = None,
    progress: Callable[[int, int], object] | None = None,
    told: Callable[[Row], object] | None = None,
    ledger: Ledger | None = None,
    in_place: InPlace | None = None,
) -> list[Row]:
    """Do every job; a failure is a row like any other.

    Temporary files that killed processes left in the folders of the outputs are deleted first.

    Parameters
    ----------
    jobs : list of Job
    task : callable
        ``task(data, job) -> Result``: bytes of the source to bytes of the target. Called from several threads.
    threads : int, optional
        Default: as many as there are CPUs. While a disk is slow, others work in place of those that wait for it. Large
        pictures wait for each other where memory is short.
    overwrite : bool
        Replace outputs that exist. Without it their rows are "skipped".
    dry_run : bool
        Do the work and write nothing.
    keep_dates : bool
        Give each output the times and permissions of its source. Without it a new output has the usual permissions,
        without those for group and others that its source has not.
    timeout : float, optional
        Seconds for each file. The work is then done in other processes, one per thread, which are killed if it takes
        longer: that file fails.
    progress : callable, optional
        Called as ``progress(done, total)`` after every job.
    told : callable, optional
        Called with every row as soon as it and those of larger files are known: not in the order of `jobs`. After
        Ctrl-C, with those of all files that were done.
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
    options: dict[str, Any] = {"threads": threads, "timeout": timeout, "ledger": ledger, "in_place": in_place}
    options |= {"overwrite": overwrite, "dry_run": dry_run, "keep_dates": keep_dates}
    options["told"] = counted(told, progress, len(jobs))
    return [row for rows in run_by_folder([jobs], task, **options) for row in rows]


def counted(told, progress, total):
    """A function that passes each row to `told`, and the number of rows so far to `progress`. Both may be None."""
    done = 0

    def known(row):
        nonlocal done
        done += 1
        if told is not None:
            told(row)
        if progress is not None:
            progress(done, total)

    return known


def run_by_folder(
    folders: Iterable[list[Job]],
    task: Any,
    *,
    threads: int | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    keep_dates: bool = False,
    timeout: float | None = None,
    told: Callable[[Row], object] | None = None,
    ledger: Ledger | None = None,
    in_place: InPlace | None = None,
) -> Iterator[list[Row]]:
    """Do jobs list by list, of which any number may come: only those at work, and their rows, are in memory.

    Parameters
    ----------
    folders : iterable of lists of Job
        Such as `plan_by_folder` gives. Short lists are joined.
    task, **options
        As for `run`.

    Yields
    ------
    list of Row
        In the order of the jobs.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from codec import batch
    >>> task = batch.CompressTask()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "a.txt").write_text("text")
    ...     folders = batch.plan_by_folder([folder], folder + "-smaller", task)
    ...     [[row.status for row in rows] for rows in batch.run_by_folder(folders, task)]
    [['ignored']]
    """
    threads = threads or os.cpu_count() or 1
    ledger = in_place.ledger if in_place else ledger
    call = task if timeout is None else KillableWorkers(task, timeout)
    worker = Worker(task, call, memory.room(), overwrite, dry_run, keep_dates, ledger, in_place)
    try:
        for jobs in joined(folders):
            if any(job.source == job.target != PIPE for job in jobs) and not (in_place or dry_run):
                raise ParameterError(
                    "jobs replace their sources, and nothing would keep these: pass in_place=InPlace(...)"
                )
            outputs = set() if dry_run else _folders(job.target for job in jobs)
            for folder in outputs:
                sweep(folder)
            rows = _all_rows(jobs, worker, threads, told or (lambda row: None))
            for folder in outputs & _folders(row.output for row in rows if row.status in ("done", "kept")):
                sync_folder(folder or os.curdir)
            yield rows
    except KeyboardInterrupt:
        if in_place:
            in_place.finish("interrupted")
        raise
    finally:
        if timeout is not None:
            call.close()
    if in_place:
        in_place.finish()


def _folders(paths):
    return {os.path.dirname(path) for path in paths if path not in (None, PIPE)}


def joined(folders):
    """The jobs of small folders together: the largest of them come first."""
    together = []
    for jobs in folders:
        together += jobs
        if len(together) >= TOGETHER:
            yield together
            together = []
    if together:
        yield together


def _all_rows(jobs, worker, threads, told):
    """The rows of the jobs, in their order; what needs no work first, then the largest files."""
    worker.begin(jobs)
    rows, todo = [], []
    for place, job in enumerate(jobs):
        rows.append(worker.without_work(job))
        if rows[-1] is None:
            todo.append(place)
        else:
            told(rows[-1])
    todo.sort(key=lambda place: -_size(jobs[place].source))
    pool = 1
    if threads > 1 and len(todo) > 1:
        pool = Workers(min(threads, len(todo)), min(threads + WAITING, len(todo)))
        worker.turns = Turns(threads, pool)

    def do(place):
        rows[place] = worker.row(jobs[place])

    def begun():
        for count, place in enumerate(todo):
            if count == threads:  # these are at work now, and read their files without the interpreter's lock
                worker.load()
            yield partial(do, place)

    untold = dict.fromkeys(todo)
    try:
        for place, _ in zip(todo, in_order(begun(), pool, (threads + WAITING) * AHEAD)):
            del untold[place]
            told(rows[place])
    except KeyboardInterrupt:
        if pool != 1:
            pool.halt()  # where `told` was interrupted, threads are at work
        for place in untold:
            if rows[place] is not None:
                told(rows[place])
        raise
    return rows


def _size(path):
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):  # stdin, or gone
        return 0
