"""The rows of a command: counted as they come, kept on the disk, and shown at the end as a table or as JSON."""

import sys
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from itertools import islice

import click

from ._common import TOGETHER, echo_line, echo_listed, printable, say, size, warn
from ._words import spoken

PIPE = "-"
STATUSES = ("done", "kept", "skipped", "ignored", "failed")
IN_MEMORY = 10_000  # rows; those before them wait in a temporary file


class Rows:
    """Rows that may be more than memory holds, with what all of them have in common.

    Iterating gives them in the words of the command, as often as it is asked for. `stopped` is the KeyboardInterrupt
    after which there were no more, or None.
    """

    def __init__(self, context):
        self.command, self.count, self.before, self.after = context.command, 0, 0, 0
        self.statuses, self.skipped, self.ignored, self.metadata = Counter(), Counter(), Counter(), {}
        self.has_warnings = self.has_reasons = self.has_targets = self.has_efforts = self.are_piped = False
        self.stopped = None
        self._context, self._file, self._filed, self._last = context, None, 0, []

    def add(self, rows):
        """More rows."""
        for row in rows:
            row = in_words(row, self.command)
            self._count(row)
            self._last.append(row)
        if len(self._last) > IN_MEMORY:
            self._put()

    def _put(self):
        """The rows in memory to the disk."""
        if self._file is None:
            import tempfile  # few need it

            self._file = self._context.with_resource(tempfile.TemporaryFile())
        import pickle

        pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
        self._filed, self._last = self._filed + 1, []

    def _count(self, row):
        self.count += 1
        self.before += row.before or 0
        self.after += row.after or 0
        self.statuses[row.status] += 1
        if row.status in ("skipped", "ignored"):
            getattr(self, row.status)[row.reason] += 1
        elif row.status in ("done", "kept"):
            for fate, kinds in row.facts.get("metadata", {}).items():
                self.metadata.setdefault(fate, Counter()).update(kinds)
        self.has_warnings |= bool(row.warnings)
        self.has_reasons |= bool(row.error or row.reason)
        self.has_targets |= "target" in row.facts
        self.has_efforts |= "effort" in row.facts
        self.are_piped |= row.output == PIPE

    def __iter__(self):
        if self._file is not None:
            import pickle

            self._file.seek(0)
            for _ in range(self._filed):
                yield from pickle.load(self._file)  # what `_put` wrote, to a file without a name
        yield from self._last

    def total(self):
        """The sums, for JSON."""
        ratio = round(self.before / self.after, 4) if self.after else None
        counts = {status: self.statuses[status] for status in STATUSES}
        metadata = {"metadata": self.metadata} if self.metadata else {}
        return {"before": self.before, "after": self.after, "ratio": ratio, **counts} | metadata


def in_words(row, command):
    """A row whose messages are in the words of the command: itself where they are."""
    error, reason = _said(row.error, command), _said(row.reason, command)
    warnings = tuple(_said(message, command) for message in row.warnings)
    if (error, reason, warnings) == (row.error, row.reason, row.warnings):
        return row
    return replace(row, error=error, reason=reason, warnings=warnings)


@lru_cache(1024)
def _said(message, command):
    return message and spoken(message, command)


def report(verb, rows, **shown):
    """Show a list of rows."""
    found = Rows(click.get_current_context())
    found.add(rows)
    show(verb, found, **shown)


def show(verb, rows, *, as_json=False, as_lines=False, dry_run=False, settings=None, **more):
    """`Rows` on stdout (unless a picture went there); warnings, what was there or left out, and failures on stderr.

    The exit code is 1 if a row failed. If the run was interrupted, that is raised at the end.
    """
    if rows.stopped:
        more["interrupted"] = True
    if rows.has_warnings:
        for row in rows:
            for message in row.warnings:
                warn(row.input, message)
    if as_lines:
        echo_line("total", **rows.total(), **more)
    elif as_json:
        about = {"dry_run": dry_run, "settings": settings or {}}
        echo_listed(verb, about, "files", (row.to_json() for row in rows), {"total": rows.total(), **more})
    elif not rows.are_piped:
        _table(rows)
        if dry_run:
            say("dry run: nothing was written")
    _say_left_out(rows.ignored)
    _say_metadata(rows.metadata)
    for reason, count in rows.skipped.items():
        what = {"done before": "done before", "the output exists already": "there already"}.get(
            reason, f"left alone, since {reason}"
        )
        say(f"{_files(count)} {what}; --overwrite makes {'it' if count == 1 else 'them'} again")
    met, failed = rows.count - rows.statuses["ignored"], rows.statuses["failed"]
    if met > 1 and failed:
        say(f"{failed} of {met} not done:")
    for row in rows if failed else ():
        if row.status == "failed":
            say(f"{'  ' if met > 1 else ''}{row.input}: {row.error}")
    if rows.stopped:
        raise rows.stopped
    if failed:
        click.get_current_context().exit(1)
    if not met:
        say("no pictures found; nothing to do")


def _files(count):
    return f"{count} file was" if count == 1 else f"{count} files were"


def _say_left_out(reasons):
    if reasons:
        listed = ", ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
        say(f"{_files(sum(reasons.values()))} left out: {listed}")


def _say_metadata(metadata):
    """What changed; kinds that were kept need no word."""
    found = {fate: kinds for fate, kinds in metadata.items() if fate in ("dropped", "converted")}
    if found:
        parts = (f"{kind} ({count})" for kinds in found.values() for kind, count in sorted(kinds.items()))
        titles = " and ".join(found)
        say(f"metadata {titles}, with the number of files: {', '.join(parts)}")


def _line(row, searched, explained):
    cells = [row.input, row.before, row.after, row.ratio, row.status, *map(row.facts.get, searched)]
    cells += [row.error or row.reason] * len(explained)
    return "\t".join("" if cell is None else printable(cell) for cell in cells)


def _table(rows):
    searched = (*(("effort",) if rows.has_efforts else ()), *(("quality", "achieved") if rows.has_targets else ()))
    explained = ("reason",) if rows.has_reasons else ()
    if not sys.stdout.isatty():
        click.echo("\t".join(["file", "before", "after", "ratio", "status", *searched, *explained]))
        lines = (_line(row, searched, explained) for row in rows)
        while some := "\n".join(islice(lines, TOGETHER)):
            click.echo(some)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    total = rows.total()
    table = Table(box=None, show_footer=rows.count > 1, footer_style="bold")
    table.add_column("file", footer=f"{rows.count} files", overflow="fold")
    for name in ("before", "after"):
        table.add_column(name, footer=size(total[name]), justify="right")
    table.add_column("ratio", footer=f"{total['ratio']:.2f}" if total["ratio"] else "", justify="right")
    table.add_column("status")
    for name in searched:
        table.add_column(name, justify="right")
    for name in explained:
        table.add_column(name, overflow="fold")
    for row in rows:
        sizes = [size(value) if value is not None else "" for value in (row.before, row.after)]
        table.add_row(
            Text(printable(row.input)),
            *sizes,
            f"{row.ratio:.2f}" if row.ratio else "",
            row.status,
            *(f"{row.facts[name]:.6g}" if name in row.facts else "" for name in searched),
            *[Text(printable(row.error or row.reason or ""))] * len(explained),
        )
    Console().print(table)
