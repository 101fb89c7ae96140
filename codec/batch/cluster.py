"""The jobs of a plan on a Dask cluster: sent as paths, done by workers that see the same files, settled here.

A worker makes the output and parks it, complete, under a temporary name in its folder. The caller records it in the
ledger and gives it its name. So each job ends once: what a worker made and could not report, because it was killed, is
a temporary file that nobody names, and is swept; the scheduler gives its job to another worker.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import CodecError, FileError, MissingPackageError, ParameterError
from ..sources import folders, remote
from ..sources.files import PIPE, sweep, sync_folder
from . import resume
from .ledger import VERSION, Known, content_hash, fingerprint, settled_key, stat_key, stat_of
from .rows import Row, read_source, remove_former, skipped, write_target
from .running import counted, joined
from .worker import TOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Client, Future

    from .ledger import Ledger
    from .planning import Job

AHEAD = 4  # groups that the scheduler has for each thread of the workers: their queues never run dry
# A group takes some seconds at most, since all of it is done again when its worker dies.
GROUP_JOBS, GROUP_BYTES = 32, 16 << 20
LAST = 2  # groups that would take what is left, for each thread: they become smaller, so that all threads end together
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Parked:
    """What a worker made of a job.

    Attributes
    ----------
    row : Row
        With absolute paths; the output has its final name.
    path : str or None
        Where the output waits for its name; None if there is nothing to name.
    source_stat : str or None
    source_hash, output_hash : bytes
        As the ledger has them.
    """

    row: Row
    path: str | None = None
    source_stat: str | None = None
    source_hash: bytes = b""
    output_hash: bytes = b""


def run(
    jobs: list[Job],
    task: Any,
    scheduler: str | Client,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    keep_dates: bool = False,
    progress: Callable[[int, int], object] | None = None,
    told: Callable[[Row], object] | None = None,
    ledger: Ledger | None = None,
) -> list[Row]:
    """Do every job on a cluster; a failure is a row like any other.

    Workers need this version of the package, and the sources and outputs under the same paths. A job whose worker dies
    goes to another one; after `distributed.scheduler.allowed-failures` deaths it fails.

    Parameters
    ----------
    jobs : list of Job
        Of `plan`; not of `plan_in_place`, and not stdin or stdout.
    task : a task of `codec.batch`
    scheduler : str or distributed.Client
        Address of the scheduler, such as "tcp://host:8786".
    overwrite, dry_run, keep_dates, progress, told, ledger
        As for `codec.batch.run`. Only the caller opens the ledger.

    Returns
    -------
    list of Row
        In the order of `jobs`; the same as `codec.batch.run` gives.

    Raises
    ------
    MissingPackageError
        Without distributed (extra `cluster`).
    FileError
        The scheduler cannot be reached, has no workers, or is lost; what is done stays, and the same call goes on.
    ParameterError
        Jobs that cannot be sent.
    """
    options: dict[str, Any] = {"overwrite": overwrite, "dry_run": dry_run, "keep_dates": keep_dates}
    options |= {"told": counted(told, progress, len(jobs)), "ledger": ledger}
    return [row for rows in run_by_folder([jobs], task, scheduler, **options) for row in rows]


def run_by_folder(
    folders: Iterable[list[Job]],
    task: Any,
    scheduler: str | Client,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    keep_dates: bool = False,
    told: Callable[[Row], object] | None = None,
    ledger: Ledger | None = None,
) -> Iterator[list[Row]]:
    """`run` for jobs that come list by list, as `codec.batch.run_by_folder`: only those at work, and their rows, are in
    memory. A list ends before the next one is begun; its last groups are small, so that all threads end together.

    Yields
    ------
    list of Row
        In the order of the jobs.
    """
    foreman = _Foreman(task, overwrite, dry_run, keep_dates, ledger)
    with contextlib.ExitStack() as held:
        connected = functools.cache(lambda: held.enter_context(_connected(scheduler)))
        for jobs in joined(folders):
            yield _rows(jobs, foreman, connected, told or (lambda row: None))


def _rows(jobs, foreman, connected, told):
    """The rows of the jobs, in their order. `connected()` is the client."""
    if any(PIPE in (job.source, job.target) or (job.target and job.source == job.target) for job in jobs):
        raise ParameterError("workers neither share stdin and stdout nor replace files in place: name a folder")
    if any(remote.is_url(job.target) for job in jobs):
        raise ParameterError("workers give outputs their names by renaming, which URLs do not have: name a folder")
    outputs = set() if foreman.dry_run else {os.path.dirname(job.target) for job in jobs if job.target is not None}
    for folder in outputs:
        sweep(folder)
    rows: dict[int, Row] = {}
    todo = []
    for number, job in enumerate(jobs):
        row, seen = foreman.decided(job)
        if row is None:
            todo.append((number, job, seen))
        else:
            rows[number] = row
            told(row)
    todo.sort(key=lambda found: -_size(found[1].source))  # a large one at the end would keep all waiting
    try:
        for number, row in _done(connected, foreman, todo):
            rows[number] = row
            told(row)
    finally:
        for folder in outputs:
            sweep(folder)
            sync_folder(folder or os.curdir)
    return [rows[number] for number in range(len(jobs))]


def _done(connected, foreman, todo) -> Iterator[tuple[int, Row]]:
    """Number and row of each job, as they end."""
    if not todo:
        return
    client = connected()
    from distributed import as_completed

    waiting: dict[Any, Any] = {}
    try:
        threads = max(1, sum(client.nthreads().values()))
        left, ended = _groups(todo, LAST * threads), as_completed()
        for _ in range(AHEAD * threads):
            _send(client, foreman, left, waiting, ended)
        for future in ended:
            _, group = waiting.pop(future.key)
            for (number, job, seen), parked in zip(group, _parked(future, group)):
                yield number, foreman.settled(job, seen, parked)
            _send(client, foreman, left, waiting, ended)
    finally:
        client.cancel([future for future, _ in waiting.values()])


def _size(path):
    found = stat_of(path)
    return found.st_size if found else 0


def _groups(todo, share):
    """The jobs in groups that are sent as one, each of a `share`th of the jobs that are left at most."""
    at = 0
    while at < len(todo):
        end, size = at, 0
        most = max(1, min(GROUP_JOBS, (len(todo) - at) // share))
        while end < min(at + most, len(todo)) and size < GROUP_BYTES:
            size += _size(todo[end][1].source)
            end += 1
        yield todo[at:end]
        at = end


def _send(client, foreman, left, waiting, ended):
    group = next(left, None)
    if group is None:
        return
    key = f"codec-{secrets.token_hex(8)}"
    jobs = [_absolute(job) for _, job, _ in group]
    hashes = foreman.ledger.version if foreman.ledger else VERSION
    asked = jobs, foreman.task, foreman.dry_run, foreman.keep_dates, __version__, hashes
    future = client.submit(make, *asked, key=key)
    waiting[key] = future, group
    ended.add(future)


def _absolute(job):
    """The job with paths that do not depend on the current folder, which workers do not share."""
    keep_as, top = (path if path is None else os.path.abspath(path) for path in (job.keep_as, job.top))
    source = job.source if remote.is_url(job.source) else os.path.abspath(job.source)
    return job._replace(source=source, target=os.path.abspath(job.target), keep_as=keep_as, top=top)


@contextlib.contextmanager
def _connected(scheduler):
    """The client of a scheduler, closed at the end unless it is the caller's."""
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingPackageError("a cluster needs distributed: pip install 'codec[cluster]'") from error
    try:
        client = scheduler if isinstance(scheduler, Client) else Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot reach the scheduler {scheduler}: {error}; check its address") from error
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise FileError(f"the scheduler {scheduler} has no workers; start some: dask worker ADDRESS") from error
        yield client
    finally:
        if client is not scheduler:
            client.close()


def _parked(future: Future, group: list[Any]) -> list[Parked]:
    """What became of jobs that were sent."""
    if future.status == "finished":
        return future.result()
    if future.status == "error":
        error = future.exception()
        said = f"its workers failed: {type(error).__name__}: {error}"
        return [Parked(Row(job.source, job.target, "failed", error=said)) for _, job, _ in group]
    raise FileError(
        "the connection to the scheduler is lost; finished files are complete, and the same command goes on"
    )


def make(
    jobs: list[Job], task: Any, dry_run: bool, keep_dates: bool, version: str, hashes: int = VERSION
) -> list[Parked]:
    """Do jobs, on a worker: read each source, make its output, park it beside its target.

    Parameters
    ----------
    version : str
        That of the caller, which must be that of the worker: outputs are the same whoever makes them.
    hashes : int
        The version of the ledger: it decides by which function contents are hashed.

    Returns
    -------
    list of Parked
        With rows that say "failed" for what cannot be done.
    """
    return [_made(job, task, dry_run, keep_dates, version, hashes) for job in jobs]


def _made(job, task, dry_run, keep_dates, version, hashes):
    try:
        if version != __version__:
            raise ParameterError(f"a worker has codec {__version__}, and the caller {version}: install one version")
        found = stat_of(job.source)
        data = read_source(job.source)
        made = task(data, job)
        path = job.keep_as if made.as_source else job.target
        before, after = len(data), len(made.data)
        ratio = round(before / after, 4)
        row = Row(job.source, path, made.status, before, after, ratio, made.warnings, None, made.reason, made.facts)
        parked = None if dry_run or _same(job.source, path) else _parking(path)
        if parked:
            write_target(parked, made.data, job.source, keep_dates, top=job.top)
    except (CodecError, MemoryError) as error:
        return Parked(Row(job.source, job.target, "failed", error=str(error) or "out of memory"))
    source, output = (content_hash(each, hashes) for each in (data, made.data))
    return Parked(row, parked, found and settled_key(found), source, output)


def _same(one, other):
    return os.path.exists(other) and not os.path.islink(other) and os.path.samefile(one, other)


def _parking(path):
    """A temporary name (`codec.sources.files.TEMPORARY`) in the folder of a path."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:32]}.codec-{secrets.token_hex(8)}.tmp")


class _Foreman:
    """What happens here: before a job is sent, and after it was done."""

    def __init__(self, task, overwrite, dry_run, keep_dates, ledger):
        self.task, self.ledger = task, ledger
        self.overwrite, self.dry_run, self.keep_dates = overwrite, dry_run, keep_dates
        self.settings = ledger and fingerprint(task, ledger.version)

    def decided(self, job):
        """(row, None) of a job that needs no work, or (None, what the ledger has seen)."""
        if job.status:
            told = {"error" if job.status == "failed" else "reason": job.reason}
            return Row(job.source, job.target, job.status, **told), None
        seen = None
        if self.ledger is not None:
            try:
                seen = resume.look(job, self.ledger.find(job.target), self.ledger, self.settings)
            except CodecError as error:
                return Row(job.source, job.target, "failed", error=str(error)), None
            if seen.verdict and not self.overwrite:
                return Row(job.source, seen.output, "skipped", reason=seen.verdict, **seen.row), None
        row = None if self.overwrite else skipped(job.source, job.target, job.keep_as, seen and seen.replaceable)
        return row, seen

    def settled(self, job, seen, parked):
        """The row of a job after its output was recorded and named."""
        as_kept = job.keep_as is not None and parked.row.output == os.path.abspath(job.keep_as)
        row = replace(parked.row, input=job.source, output=job.keep_as if as_kept else job.target)
        if row.status == "failed" or self.dry_run:
            return row
        try:
            self._named(job, seen, replace(parked, row=row))
        except (CodecError, OSError) as error:
            return Row(job.source, job.target, "failed", error=str(error))
        if seen and seen.removable:
            remove_former(seen.removable, row)
        return row

    def _named(self, job, seen, parked):
        target = parked.row.output
        ours = seen and seen.replaceable
        there = os.path.lexists(target) and parked.path is not None
        if there and not self.overwrite and (ours is None or os.path.abspath(ours) != os.path.abspath(target)):
            os.unlink(parked.path)
            raise FileError(f"{target} came while it was made, and holds something else")
        path = parked.path or target
        if there and not os.path.islink(target):
            os.chmod(path, os.stat(target).st_mode & 0o777)
        if self.ledger is not None:
            told = {name: getattr(parked.row, name) for name in TOLD}
            known = Known(
                self.settings, parked.source_stat, parked.source_hash, target, stat_key(os.stat(path)),
                parked.output_hash, seen.content, told,
            )  # fmt: skip
            self.ledger.record(job.target, known, job.source)
        if parked.path is not None:
            with folders.opened(os.path.dirname(target), job.top) as folder:
                names = parked.path, target
                names = names if folder is None else map(os.path.basename, names)
                os.replace(*names, src_dir_fd=folder, dst_dir_fd=folder)
