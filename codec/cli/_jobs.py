"""Many pictures in one call: a task of `codec.batch` over the inputs, shown as a table or as JSON."""

import contextlib
import os
import shlex
import sys
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import click

from .. import __version__
from ..errors import ParameterError
from ._common import echo_line, echo_listed, printable, refuse_terminal, say, size, warn
from ._progress import progress
from ._words import spoken

PIPE = "-"
STATUSES = ("done", "kept", "skipped", "ignored", "failed")
# Of mallopt (malloc.h of glibc): which free memory goes back to the system, what is never kept, how many heaps.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
TRIM_BYTES, MMAP_BYTES = 1 << 26, 1 << 24


class Stream:
    """What is shown while a run goes on: the bytes saved, beside the progress bar, and with --jsonl a line per file."""

    def __init__(self, tell, as_lines, command):
        self.tell, self.as_lines, self.command, self.saved = tell, as_lines, command, 0

    def row(self, row):
        """A row that is known now."""
        self.saved += (row.before or 0) - (row.after or 0) if row.status in ("done", "kept") else 0
        if self.as_lines:
            echo_line("file", **in_words(row, self.command).to_json())

    def progress(self, done, total):
        """So many of the files are done."""
        self.tell(done, total, f"{size(self.saved)} saved" if self.saved > 0 else "")


def perform(
    verb,
    task,
    inputs,
    output,
    *,
    jobs,
    overwrite,
    as_json,
    settings,
    dry_run=False,
    keep_dates=False,
    as_lines=False,
    ledger=False,
    select=None,
    scheduler=None,
    **run,
):
    """Run a verb over its inputs, from the plan to the exit code.

    Parameters
    ----------
    ledger : False, None or str
        False: none. None: in the output folder, if there is one. A path.
    select : dict, optional
        Options of `codec.batch.plan`.
    scheduler : str, optional
        Address of a scheduler of Dask, whose workers do the jobs.
    run : dict
        Further options of `codec.batch.run`.
    """
    todo = jobs_for(inputs, output, task, as_json or as_lines, **select or {})
    place = ledger_path(inputs, output, ledger) if any(job.status is None for job in todo) else None
    shown = {"as_json": as_json, "as_lines": as_lines, "dry_run": dry_run, "settings": settings}
    options = {"threads": jobs, "overwrite": overwrite, "keep_dates": keep_dates, **run}
    with _opened(place, dry_run) as book:
        rows = _rows(verb, todo, task, shown, scheduler=scheduler, ledger=book, **options)
    report(verb, rows, **shown)


def perform_in_place(
    verb, task, inputs, *, jobs, overwrite, as_json, as_lines, settings, dry_run, ledger, backup, select, **run
):
    """`perform`, where the results replace their sources.

    Parameters
    ----------
    ledger : None or str
        None: in the folder of the inputs. A path.
    backup : False, None or str
        False: none. None: in the folder of the inputs. A folder.
    """
    from .. import batch
    from ..batch.inplace import BACKUP
    from ..batch.plan import common_folder

    try:
        todo, root = batch.plan_in_place(inputs, task, **select), common_folder(inputs)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    place = ledger or os.path.join(root, batch.LEDGER_NAME)
    shown = {"as_json": as_json, "as_lines": as_lines, "dry_run": dry_run, "settings": settings}
    with _opened(place if any(job.status is None for job in todo) else None, dry_run) as book:
        kept = None if backup is False else backup or os.path.join(root, BACKUP)
        replacing = batch.InPlace(book, root, kept) if book and not dry_run else None
        options = {"threads": jobs, "overwrite": overwrite, "in_place": replacing, **run}
        rows = _rows(verb, todo, task, shown, ledger=book, **options)
    replaced = sum(row.status == "done" for row in rows)
    told = {"run": replacing.run, "backup": replacing.folder, "ledger": place} if replacing and replaced else {}
    if told and replacing.folder:
        command = f"codec undo {replacing.run} --ledger {shlex.quote(place)}"
        say(f"run {replacing.run}: the originals are in {replacing.folder}; restore them with\n  {command}")
    report(verb, rows, **shown, **told)


def keep_memory(heaps):
    """Let the memory of a picture serve the next one, where there is glibc: whether there is.

    It gives memory of a megabyte back to the system and takes it again page by page, a tenth of the time of a fast
    encode, and has a heap for each thread, also of those that wait for the disk. Larger pieces than MMAP_BYTES still go
    back. This is for a process of ours: a library leaves the memory of its caller alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    wanted = ((M_TRIM_THRESHOLD, TRIM_BYTES), (M_MMAP_THRESHOLD, MMAP_BYTES), (M_ARENA_MAX, heaps))
    return all([mallopt(*one) for one in wanted])


def _rows(verb, todo, task, shown, scheduler=None, **options):
    """Run the jobs, shown as they are done."""
    from .. import batch

    with progress("files") if len(todo) > 1 else contextlib.nullcontext() as tell:
        stream = Stream(tell, shown["as_lines"], click.get_current_context().command)
        if shown["as_lines"]:
            about = {"codec": __version__, "dry_run": shown["dry_run"], "settings": shown["settings"]}
            echo_line("run", verb=verb, files=len(todo), **about)
        options |= {"dry_run": shown["dry_run"], "progress": tell and stream.progress, "told": stream.row}
        if scheduler:
            from ..batch import cluster

            del options["threads"], options["timeout"]
            return cluster.run(todo, task, scheduler, **options)
        if len(todo) > 1:
            keep_memory(options["threads"] or os.cpu_count() or 1)
        return batch.run(todo, task, **options)


def _opened(place, dry_run):
    """The ledger at a place; a dry run creates none."""
    from .. import batch

    return batch.Ledger(place) if place and not (dry_run and not os.path.exists(place)) else contextlib.nullcontext()


def ledger_path(inputs, output, ledger):
    """Where the ledger of a run is, or None."""
    from ..batch import LEDGER_NAME
    from ..batch.plan import is_folder
    from ..sources import remote

    if ledger is False:
        return None
    if output is None or PIPE in (output, *inputs):
        if ledger:
            raise click.UsageError("--ledger is for files: stdin and stdout have nothing to come back to")
        return None
    if ledger or remote.is_url(output):
        return ledger
    return os.path.join(output, LEDGER_NAME) if is_folder(inputs, output) else None


def jobs_for(inputs, output, task, as_json, **select):
    """Plan the jobs; errors are usage errors."""
    from .. import batch

    output = output_or_pipe(inputs, output, "FILE for one picture, -o FOLDER for several")
    try:
        todo = batch.plan(inputs, output, task, **select)
    except batch.OutputError as error:
        raise click.UsageError(f"{error} with -o") from error
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    if any(job.target == PIPE for job in todo):
        claim_stdout(as_json, "picture")
    return todo


def output_or_pipe(inputs, output, choices):
    """The output; stdout if there is none and the input is stdin."""
    if output is None and tuple(inputs) != (PIPE,):
        raise click.UsageError(f"no output is given: add -o {choices}, or -o - for stdout")
    return output or PIPE


def claim_stdout(as_json, what):
    """Refuse stdout for the output if JSON goes there or it is a terminal."""
    if as_json:
        raise click.UsageError(f"stdout cannot take both the {what} and --json; name a file with -o")
    refuse_terminal()


def in_words(row, command):
    """A row whose messages are in the words of the command: itself where they are."""
    error, reason = _said(row.error, command), _said(row.reason, command)
    warnings = tuple(_said(message, command) for message in row.warnings)
    if (error, reason, warnings) == (row.error, row.reason, row.warnings):
        return row
    return replace(row, error=error, reason=reason, warnings=warnings)


def report(verb, rows, *, as_json=False, as_lines=False, dry_run=False, settings=None, **more):
    """Rows on stdout (unless a picture went there); warnings, what was there or left out, and failures on stderr; exit
    code 1 if a row failed.
    """
    command = click.get_current_context().command
    rows = [in_words(row, command) for row in rows]
    for row in rows:
        for message in row.warnings:
            warn(row.input, message)
    if as_lines:
        echo_line("total", **_total(rows), **more)
    elif as_json:
        about = {"dry_run": dry_run, "settings": settings or {}}
        files = (row.to_json() for row in rows)
        echo_listed(verb, about, "files", files, {"total": _total(rows), **more})
    elif not any(row.output == PIPE for row in rows):
        _table(rows)
        if dry_run:
            say("dry run: nothing was written")
    met = [row for row in rows if row.status != "ignored"]
    _say_left_out(rows)
    _say_metadata(rows)
    for reason, count in Counter(row.reason for row in rows if row.status == "skipped").items():
        what = {"done before": "done before", "the output exists already": "there already"}.get(
            reason, f"left alone, since {reason}"
        )
        say(f"{_files(count)} {what}; --overwrite makes {'it' if count == 1 else 'them'} again")
    failed = [f"{row.input}: {row.error}" for row in rows if row.status == "failed"]
    if failed:
        several = [f"{len(failed)} of {len(met)} not done:", *(f"  {line}" for line in failed)]
        say(failed[0] if len(met) == 1 else "\n".join(several))
        click.get_current_context().exit(1)
    if not met:
        say("no pictures found; nothing to do")


def _files(count):
    return f"{count} file was" if count == 1 else f"{count} files were"


def _say_left_out(rows):
    reasons = Counter(row.reason for row in rows if row.status == "ignored")
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        say(f"{_files(sum(reasons.values()))} left out: {listed}")


def _metadata(rows):
    """{fate: {kind: number of files}}: see `codec.batch.describing.changes`."""
    found = {}
    for row in rows:
        for fate, kinds in row.facts.get("metadata", {}).items() if row.status in ("done", "kept") else ():
            found.setdefault(fate, Counter()).update(kinds)
    return found


def _say_metadata(rows):
    """What changed; kinds that were kept need no word."""
    found = {fate: kinds for fate, kinds in _metadata(rows).items() if fate in ("dropped", "converted")}
    if found:
        parts = (f"{kind} in {count}" for kinds in found.values() for kind, count in sorted(kinds.items()))
        titles = " and ".join(found)
        say(f"metadata {titles}, in files: {', '.join(parts)}")


@lru_cache(1024)
def _said(message, command):
    return message and spoken(message, command)


def _total(rows):
    before, after = (sum(getattr(row, name) or 0 for row in rows) for name in ("before", "after"))
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    ratio = round(before / after, 4) if after else None
    metadata = _metadata(rows)
    return {"before": before, "after": after, "ratio": ratio, **counts} | ({"metadata": metadata} if metadata else {})


def _table(rows):
    chosen = ("effort",) if any("effort" in row.facts for row in rows) else ()
    searched = (*chosen, *(("quality", "achieved") if any("target" in row.facts for row in rows) else ()))
    reasons = [row.error or row.reason for row in rows]
    explained = ("reason",) if any(reasons) else ()
    if not sys.stdout.isatty():
        click.echo("\t".join(["file", "before", "after", "ratio", "status", *searched, *explained]))
        for row, reason in zip(rows, reasons):
            cells = [row.input, row.before, row.after, row.ratio, row.status, *map(row.facts.get, searched)]
            cells += [reason] * len(explained)
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
    for name in explained:
        table.add_column(name, overflow="fold")
    for row, reason in zip(rows, reasons):
        sizes = [size(value) if value is not None else "" for value in (row.before, row.after)]
        table.add_row(
            Text(printable(row.input)),
            *sizes,
            f"{row.ratio:.2f}" if row.ratio else "",
            row.status,
            *(f"{row.facts[name]:.6g}" if name in row.facts else "" for name in searched),
            *[Text(printable(reason or ""))] * len(explained),
        )
    Console().print(table)
