"""Many pictures in one call: what becomes what, run on threads, told as a table or as JSON."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

import click

from ..errors import CodecError, FileError
from ._common import echo_json, printable, read_stdin, refuse_terminal, say, size, warn, write_stdout

PIPE = "-"


@dataclass(frozen=True)
class Job:
    """One picture to make. Either path may be "-": stdin or stdout."""

    source: str
    target: str


@dataclass(frozen=True)
class Result:
    """What a verb made of one picture."""

    data: bytes
    status: str = "done"
    warnings: tuple = ()
    facts: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What happened to one picture. `ratio` is before / after: more is smaller."""

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
        row = asdict(self)
        return row | row.pop("facts")


# ---------------------------------------------------------------- what becomes what


def plan(inputs, out, *, rename, suffixes, as_json=False):
    """Jobs for the inputs of a verb; refuses whatever would write over an input, or over another output, before anything is written.

    Parameters
    ----------
    inputs : tuple of str
        Files, folders (walked for `suffixes`, symbolic links left out), or "-".
    out : str or None
        A file for one input file, a folder otherwise, or "-".
    rename : callable
        Name of a source file to name of its output.
    suffixes : tuple of str
    as_json : bool
        Stdout is taken by JSON.

    Returns
    -------
    list of Job
    """
    if out is None:
        if inputs != (PIPE,):
            raise click.UsageError(
                "nothing says where to write: add -o FILE for one picture, -o FOLDER for several, or -o - for stdout"
            )
        out = PIPE
    if PIPE in inputs and len(inputs) > 1:
        raise click.UsageError("stdin (-) is one picture; give it alone")
    to_folder = os.path.isdir(out) or out.endswith(("/", os.sep))
    if len(inputs) == 1 and not os.path.isdir(inputs[0]) and not to_folder:
        jobs = [Job(inputs[0], out)]
    else:
        jobs = _plan_folder(inputs, out, rename, suffixes)
    _refuse_collisions(jobs)
    if any(job.target == PIPE for job in jobs):
        if as_json:
            raise click.UsageError("stdout cannot take both the picture and --json; name a file with -o")
        refuse_terminal()
    return jobs


def _plan_folder(inputs, out, rename, suffixes):
    if out == PIPE:
        raise click.UsageError("stdout (-) takes one picture; name a folder with -o")
    if PIPE in inputs:
        raise click.UsageError(f"{out} is a folder and stdin has no name; name a file with -o")
    if not os.path.isdir(out) and (
        os.path.exists(out) or out.lower().endswith((".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".tif", ".tiff"))
    ):
        raise click.UsageError(f"{out} is the name of a file, and several pictures need a folder; name another with -o")
    jobs = []
    for source in inputs:
        if os.path.isdir(source):
            jobs += [
                Job(
                    os.path.join(source, inner),
                    os.path.join(out, os.path.dirname(inner), rename(os.path.basename(inner))),
                )
                for inner in _walk(source, out, suffixes)
            ]
        else:
            jobs.append(Job(source, os.path.join(out, rename(os.path.basename(source)))))
    return list(dict.fromkeys(jobs))


def _walk(folder, out, suffixes):
    """Paths of the pictures below a folder, relative to it, sorted; without what was written to `out` before."""
    found, skip = [], os.path.realpath(out)
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(here, name)) != skip]
        for name in names:
            path = os.path.join(here, name)
            if name.lower().endswith(suffixes) and not os.path.islink(path):
                found.append(os.path.relpath(path, folder))
    return sorted(found)


def _refuse_collisions(jobs):
    def same(path):
        return os.path.normcase(os.path.realpath(path))

    sources = {same(job.source): job.source for job in jobs if job.source != PIPE}
    targets = {}
    for job in jobs:
        if job.target == PIPE:
            continue
        key = same(job.target)
        if key in sources:
            raise click.UsageError(
                f"the output would overwrite the input {sources[key]}; choose another file or folder with -o"
            )
        if key in targets:
            raise click.UsageError(
                f"{targets[key]} and {job.source} would both become {job.target}; compress them into two folders"
            )
        targets[key] = job.source


# ---------------------------------------------------------------- doing it


def run(jobs, work, *, threads=None, overwrite=False, dry_run=False):
    """Do every job; a failure is a row like any other.

    Parameters
    ----------
    jobs : list of Job
    work : callable
        Bytes of the source and its Job to Result. Called from several threads.
    threads : int, optional
        One per CPU unless said.
    overwrite, dry_run : bool

    Returns
    -------
    list of Row
        In the order of `jobs`, whatever finished first.
    """
    threads = min(threads or os.cpu_count() or 1, len(jobs) or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        futures = [pool.submit(_do, job, work, overwrite, dry_run) for job in jobs]
        return [future.result() for future in _with_progress(futures)]
    finally:
        pool.shutdown(cancel_futures=True)


def _with_progress(futures):
    if len(futures) < 2 or not sys.stderr.isatty():
        return futures
    from rich.console import Console
    from rich.progress import track

    return track(futures, description="", console=Console(stderr=True), transient=True)


def _do(job, work, overwrite, dry_run):
    if os.path.isfile(job.target) and not overwrite and job.target != PIPE:
        return Row(job.source, job.target, "skipped", error="the output exists already; --overwrite replaces it")
    try:
        data = read_source(job.source)
        result = work(data, job)
        if not dry_run:
            write_target(job.target, result.data)
    except (CodecError, MemoryError) as error:
        return Row(job.source, job.target, "failed", error=str(error) or "out of memory")
    before, after = len(data), len(result.data)
    return Row(
        job.source,
        job.target,
        result.status,
        before,
        after,
        round(before / after, 4),
        tuple(result.warnings),
        None,
        result.facts,
    )


def read_source(source):
    from ..sources.files import read_bytes

    return read_stdin() if source == PIPE else read_bytes(source)


def write_target(target, data):
    from ..sources.files import write_atomic

    if target == PIPE:
        write_stdout(data)
        return
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot create the folder {folder}: {error.strerror}; choose another with -o") from error
    write_atomic(target, data)


# ---------------------------------------------------------------- telling it


def report(verb, rows, *, as_json=False, dry_run=False, settings=None):
    """Warnings and failures on stderr, rows on stdout (unless a picture went there), exit code 1 when a row failed or was skipped."""
    for row in rows:
        for message in row.warnings:
            warn(row.input, message)
    if as_json:
        echo_json(
            verb, dry_run=dry_run, settings=settings or {}, files=[row.to_json() for row in rows], total=_total(rows)
        )
    elif not any(row.output == PIPE for row in rows):
        _table(rows)
        if dry_run:
            say("dry run: nothing was written")
    unfinished = [row for row in rows if row.error]
    if unfinished:
        lines = [f"{row.input}: {row.error}" for row in unfinished]
        say(
            lines[0]
            if len(rows) == 1
            else "\n".join([f"{len(lines)} of {len(rows)} not done:", *(f"  {line}" for line in lines)])
        )
        click.get_current_context().exit(1)
    if not rows:
        say("no pictures found; nothing to do")


def _total(rows):
    before, after = (sum(getattr(row, name) or 0 for row in rows) for name in ("before", "after"))
    counts = {status: sum(row.status == status for row in rows) for status in ("done", "kept", "skipped", "failed")}
    return {"before": before, "after": after, "ratio": round(before / after, 4) if after else None, **counts}


def _table(rows):
    searched = ("quality", "achieved") if any("target" in row.facts for row in rows) else ()
    if not sys.stdout.isatty():
        click.echo("\t".join(["file", "before", "after", "ratio", "status", *searched]))
        for row in rows:
            cells = (row.input, row.before, row.after, row.ratio, row.status, *map(row.facts.get, searched))
            click.echo("\t".join("" if cell is None else printable(cell) for cell in cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    total = _total(rows)
    table = Table(box=None, show_footer=len(rows) > 1, footer_style="bold")
    table.add_column("file", footer=f"{len(rows)} files", overflow="fold")
    for name in ("before", "after"):
        table.add_column(name, footer=size(total[name]), justify="right")
    table.add_column("ratio", footer=f"{total['ratio']:.2f}" if total["ratio"] else "", justify="right")
    table.add_column("status")
    for name in searched:
        table.add_column(name, justify="right")
    for row in rows:
        sizes = [size(value) if value is not None else "" for value in (row.before, row.after)]
        table.add_row(
            Text(printable(row.input)),
            *sizes,
            f"{row.ratio:.2f}" if row.ratio else "",
            row.status,
            *(f"{row.facts[name]:.6g}" if name in row.facts else "" for name in searched),
        )
    Console().print(table)
