"""`codec check`: pictures that are larger than they need be."""

import os
import shlex
import sys
from collections import Counter

import click

from . import _options as options
from ._common import echo_json, printable, say, size
from ._progress import progress
from ._words import spoken

FOUND = 3  # exit code
COLUMNS = ("file", "size", "smaller", "waste", "status", "command")


def _share(value):
    from ..batch.check import parse_share

    return parse_share(value)


def _size(value):
    from ..batch.check import parse_size

    return parse_size(value)


@click.command()
@options.inputs
@click.option(
    "--max-waste",
    default="10%",
    show_default=True,
    metavar="SHARE",
    callback=options.checked(_share),
    help="Report files of which more than this share is saved by rewriting them without loss.",
)
@click.option(
    "--max-size",
    metavar="SIZE",
    callback=options.checked(_size),
    help="Report files of more bytes: 500kB, 1.5MiB.  [default: no limit]",
)
@options.max_pixels
@options.jobs
@options.as_json("One JSON object with every file on stdout, instead of the table of those that are reported.")
def check(inputs, max_waste, max_size, limits, jobs, as_json):
    """Report pictures that are larger than they need be, and the command that fixes each. Nothing is written.

    INPUTS are files, or folders (searched recursively). The waste of a file is what the same picture with the same
    metadata takes less: a JPEG is rewritten without loss, as by codec transcode, a PNG of at most 256 colours as by
    codec palette. Of other files only the size is checked. Files over --max-size are rewritten without loss where that
    is enough, else by codec compress --target.

    For continuous integration, and as a hook of pre-commit (id: codec-check, see .pre-commit-hooks.yaml).

    \b
    Examples:
      codec check static/
      codec check static/ --max-waste 5% --max-size 500kB
      codec check $(git diff --cached --name-only --diff-filter=AM -- '*.jpg' '*.png')
      codec check photos/ --json > report.json

    A JPEG is fixed in place, as by codec compress --in-place, which codec undo takes back; a PNG or GIF by a new file
    that takes its name. A new file of another format (a.smaller.jpg of a.png) is beside the old one, which stays.

    Exit codes: 0 all are as small; 1 at least one could not be read, whatever else is reported; 2 wrong command line;
    3 all could be read, and at least one is reported; 130 interrupted.
    """
    from ..batch.check import check as find

    with progress("files") as bar:
        rows = find(inputs, max_waste=max_waste, max_size=max_size, threads=jobs, limits=limits, progress=bar)
    shown = [(row, _command(row, max_size)) for row in rows]
    counts = Counter(row.status for row in rows)
    if as_json:
        files = [row.to_json() | {"command": command} for row, command in shown]
        settings = {"max_waste": max_waste, "max_size": max_size}
        echo_json("check", settings=settings, files=files, total=_total(rows, counts))
    else:
        _table([(row, command) for row, command in shown if row.status in ("wasteful", "too large")])
    _summary(rows, counts)
    if counts["failed"] or counts["wasteful"] or counts["too large"]:
        click.get_current_context().exit(1 if counts["failed"] else FOUND)


def _command(row, max_size):
    """The command that fixes a file, to paste into a shell."""
    if row.verb is None:
        return None
    stem, suffix = os.path.splitext(row.input)
    lossless = row.smaller is not None and (max_size is None or row.smaller <= max_size)
    target = ["--target", f"size:{max_size}"]
    if _is_replaced(row):
        how = ["-q", "100"] if row.verb == "transcode" else target  # at 100 a JPEG is rewritten without loss
        return shlex.join(["codec", "compress", _path(row.input), "--in-place", *how])
    suffix = {"compress": ".jpg", "palette": ".png"}.get(row.verb, suffix)
    verb = {"animate": ["palette", "--animate"]}.get(row.verb, [row.verb])
    extra = [] if row.verb == "transcode" else target
    if row.verb == "palette" and lossless:
        extra = ["--dither", "none"]
    old, new = _path(row.input), _path(f"{stem}.smaller{suffix}")
    made = shlex.join(["codec", *verb, old, "-o", new, *extra])
    # An output that exists would be skipped; a link would be replaced, and not what it leads to
    takes_name = os.path.splitext(old)[1] == suffix and not os.path.lexists(new) and not os.path.islink(row.input)
    return f"{made} && {shlex.join(['mv', new, old])}" if takes_name else made


def _path(path):
    return os.path.join(".", path) if path.startswith("-") else path


def _is_replaced(row):
    """Whether a file is a JPEG that codec compress --in-place takes: no link, and by its name."""
    from ..signatures import JPEG_SUFFIXES

    named = os.path.splitext(row.input)[1].lower() in JPEG_SUFFIXES
    is_jpeg = named and row.verb in ("transcode", "compress") and row.smaller is not None
    return is_jpeg and not os.path.islink(row.input) and os.stat(row.input).st_nlink == 1


def _total(rows, counts):
    measured = [row for row in rows if row.smaller is not None]
    saved = sum(row.size - row.smaller for row in measured)
    statuses = ("ok", "wasteful", "too large", "ignored", "failed")
    return {"size": sum(row.size or 0 for row in rows), "saved": saved, **{name: counts[name] for name in statuses}}


def _table(rows):
    if not rows:
        return
    if not sys.stdout.isatty():
        click.echo("\t".join(COLUMNS))
        for row, command in rows:
            cells = (row.input, row.size, row.smaller, row.waste, row.status, command)
            click.echo("\t".join("" if cell is None else printable(cell) for cell in cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for name in COLUMNS:
        table.add_column(name, overflow="fold", justify="right" if name in ("size", "smaller", "waste") else "left")
    for row, command in rows:
        smaller = "" if row.smaller is None else size(row.smaller)
        waste = "" if row.waste is None else f"{row.waste:.1%}"
        table.add_row(Text(printable(row.input)), size(row.size), smaller, waste, row.status, Text(printable(command)))
    Console().print(table)


def _summary(rows, counts):
    """What was checked and found, on stderr."""
    for row in rows:
        if row.status == "failed":
            say(f"{row.input}: {spoken(row.error, click.get_current_context().command)}")
    met = len(rows) - counts["ignored"]
    if not met:
        say("no pictures found; nothing to check")
        return
    found = [f"{counts[name]} {name}" for name in ("wasteful", "too large", "failed") if counts[name]]
    unmeasured = sum(row.status == "ok" and row.smaller is None for row in rows)
    notes = [f"{unmeasured} by {'its' if unmeasured == 1 else 'their'} size only"] if unmeasured else []
    notes += [f"{counts['ignored']} left out"] if counts["ignored"] else []
    said = f"{met} picture{'' if met == 1 else 's'} checked" + (f" ({', '.join(notes)})" if notes else "")
    say(f"{said}: {', '.join(found) or 'none larger than need be'}")
