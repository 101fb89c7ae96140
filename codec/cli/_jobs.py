"""Many pictures in one call: a task of `codec.batch` over the inputs."""

import contextlib
import os
from itertools import chain

import click

from .. import __version__
from ..errors import ParameterError
from ._common import echo_line, refuse_terminal, say, size
from ._ending import GOES_ON, WITHOUT_OVERWRITE, Ending
from ._progress import progress
from ._report import PIPE, Rows, in_words, show

TRIM_BYTES, MMAP_BYTES = 1 << 26, 1 << 24  # free memory that goes back to the system, pieces that always do
MOST_HEAPS = 1 << 16  # of any number of threads


class Stream:
    """What is shown while a run goes on: the bytes saved, beside the progress bar, and with --jsonl a line per file."""

    def __init__(self, tell, total, as_lines, command):
        self.tell, self.total, self.as_lines, self.command = tell, total, as_lines, command
        self.done = self.saved = 0
        self.latest = []  # rows that no list has yet

    def row(self, row):
        """A row that is known now."""
        self.latest.append(row)
        self.done += 1
        self.saved += (row.before or 0) - (row.after or 0) if row.status in ("done", "kept") else 0
        if self.as_lines:
            echo_line("file", **in_words(row, self.command).to_json())
        if self.tell:
            self.tell(self.done, self.total, f"{size(self.saved)} saved" if self.saved > 0 else "")


class Planned:
    """The jobs of a run, a folder after the other.

    Parameters
    ----------
    again : callable
        Gives the iterator of lists of jobs; called a second time where their number is asked for and there are many.
    """

    def __init__(self, again):
        self._again, self._left, self._first = again, again(), []
        for jobs in self._left:
            self._first.append(jobs)
            if any(job.status is None for job in jobs):
                break
        self._first += [jobs for jobs in [next(self._left, None)] if jobs is not None]
        known = [job for jobs in self._first for job in jobs]
        self.has_work = any(job.status is None for job in known)
        self.are_several = len(known) > 1
        self.are_piped = any(job.target == PIPE for job in known)

    def __iter__(self):
        return chain(self._first, self._left)

    def count(self):
        """How many jobs there are."""
        return sum(map(len, self._again()))


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
    place = ledger_path(inputs, output, ledger) if todo.has_work else None
    shown = {"as_json": as_json, "as_lines": as_lines, "dry_run": dry_run, "settings": settings}
    options = {"threads": jobs, "overwrite": overwrite, "keep_dates": keep_dates, **run}
    with _opened(place, dry_run) as book:
        rows = _rows(verb, todo, task, shown, scheduler=scheduler, ledger=book, **options)
    show(verb, rows, **shown)


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
    from ..batch.planning import common_folder

    try:
        root = common_folder(inputs)
        kept = None if backup is False else backup or os.path.join(root, BACKUP)
        todo = Planned(lambda: batch.plan_in_place_by_folder(inputs, task, backup=kept, **select))
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    place = ledger or os.path.join(root, batch.LEDGER_NAME)
    shown = {"as_json": as_json, "as_lines": as_lines, "dry_run": dry_run, "settings": settings}
    with _opened(place if todo.has_work else None, dry_run) as book:
        replacing = batch.InPlace(book, root, kept) if book and not dry_run else None
        options = {"threads": jobs, "overwrite": overwrite, "in_place": replacing, **run}
        rows = _rows(verb, todo, task, shown, ledger=book, **options)
    replaced = rows.statuses["done"]
    told = {"run": replacing.run, "backup": replacing.folder, "ledger": place} if replacing and replaced else {}
    if told and replacing.folder:
        import shlex

        command = f"codec undo {replacing.run} --ledger {shlex.quote(place)}"
        say(f"run {replacing.run}: the originals are in {replacing.folder}; restore them with\n  {command}")
    show(verb, rows, **shown, **told)


def keep_pages(heaps):
    """Let the memory of a picture serve the next one, where there is glibc: whether there is.

    It gives memory of a megabyte back to the system and takes it again page by page, a tenth of the time of a fast
    encode, and has a heap for each thread, also of those that wait for the disk. Larger pieces than MMAP_BYTES still go
    back. This is for a process of ours: a library leaves the memory of its caller alone.
    """
    from .._core import keep_memory

    return keep_memory(TRIM_BYTES, MMAP_BYTES, min(heaps, MOST_HEAPS))


def _rows(verb, todo, task, shown, **options):
    """Run the jobs, shown as they are done. After Ctrl-C, the rows of what was done."""
    context = click.get_current_context()
    rows, ending = Rows(context), context.find_object(Ending)
    if todo.are_several and not shown["dry_run"]:
        ending.remedy = WITHOUT_OVERWRITE if options["overwrite"] else GOES_ON
    with progress("files") if todo.are_several else contextlib.nullcontext() as tell:
        stream = Stream(tell, todo.count() if tell or shown["as_lines"] else None, shown["as_lines"], context.command)
        if shown["as_lines"]:
            about = {"codec": __version__, "dry_run": shown["dry_run"], "settings": shown["settings"]}
            echo_line("run", verb=verb, files=stream.total, **about)
        options |= {"dry_run": shown["dry_run"], "told": stream.row}
        try:
            for each in _lists(todo, task, **options):
                rows.add(each)
                stream.latest.clear()
        except KeyboardInterrupt as stopped:
            ending.is_unwound = True
            rows.add(sorted(stream.latest, key=lambda row: row.input))
            if not (rows.count or shown["as_json"] or shown["as_lines"]):
                raise
            rows.stopped = stopped
    return rows


def _lists(todo, task, scheduler=None, **options):
    """The rows of the jobs, list by list."""
    from .. import batch

    if scheduler:
        from ..batch import cluster

        del options["threads"], options["timeout"]
        yield from cluster.run_by_folder(todo, task, scheduler, **options)
        return
    if todo.are_several:
        keep_pages(options["threads"] or os.cpu_count() or 1)
    yield from batch.run_by_folder(todo, task, **options)


def _opened(place, dry_run):
    """The ledger at a place; a dry run creates none."""
    from .. import batch

    return batch.Ledger(place) if place and not (dry_run and not os.path.exists(place)) else contextlib.nullcontext()


def ledger_path(inputs, output, ledger):
    """Where the ledger of a run is, or None."""
    from ..batch import LEDGER_NAME
    from ..batch.planning import is_folder
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
        todo = Planned(lambda: batch.plan_by_folder(inputs, output, task, **select))
    except batch.OutputError as error:
        raise click.UsageError(f"{error} with -o") from error
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    if todo.are_piped:
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
