"""`codec watch`: compress what comes into a folder."""

import json
import os
from functools import partial

import click

from .. import __version__
from . import _options as options
from ._common import SCHEMA, printable, refuse_both, say, warn
from ._words import spoken
from .compress import _Compress
from .compress import compress as compress_verb

# Options of codec compress that mean the same here.
SHARED = (
    "quality", "target", "effort", "subsampling", "progressive", "tune", "strip", "background", "max_size", "srgb",
    "budget", "limits", "jobs", "keep_dates", "ledger",
)  # fmt: skip


class _Watch(_Compress):
    """Options of its own, then those that it shares."""

    def __init__(self, *args, params, **kwargs):
        shared = [param for param in compress_verb.params if param.name in SHARED]
        super().__init__(*args, params=[*params, *shared], **kwargs)


def _named(ctx, param, value):
    if value is None and not ctx.resilient_parsing:
        raise click.UsageError("Missing argument 'IN': name the folder to watch, and with -o the one for the outputs")
    return value


@click.command(cls=_Watch)
@click.argument("folder", metavar="IN", type=click.Path(exists=True, file_okay=False), required=False, callback=_named)
@click.option("-o", "--output", metavar="OUT", required=True, help="Folder, created; may lie in IN.")
@click.option(
    "--settle",
    type=click.FloatRange(0, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="A file is done when it has not changed for so long.",
)
@options.as_json("A JSON object for each file on stdout, one a line, instead of the table.")
def watch(
    folder,
    output,
    settle,
    as_json,
    limits,
    jobs,
    keep_dates,
    ledger,
    background,
    strip,
    max_size,
    srgb,
    budget,
    quality,
    target,
    **encoding,
):
    """Compress what is in the folder IN, and what comes into it, until Ctrl-C.

    Needs watchfiles: pip install 'codec[watch]'. New and changed files are compressed to the same tree in OUT, as by
    codec compress, with its options, statuses and ledger: what was done before is not done again, also after a
    restart. Files that are still being written are waited for. If a file is deleted, its output stays.

    A row for each file goes to stdout as it is done. On network disks set WATCHFILES_FORCE_POLLING=1: the system does
    not report what other machines change.

    \b
    Examples:
      codec watch incoming/ -o web/ -q 80
      codec watch incoming/ -o web/ --target ssimulacra2:80 --settle 5
      codec watch incoming/ -o web/ --json >> done.jsonl

    Exit codes: 2 wrong command line; 130 interrupted (143 by SIGTERM); 1 it cannot go on.
    """
    from .. import batch
    from ..batch.ledger import LEDGER_NAME
    from ..batch.watching import Watcher
    from ..batch.watching import watch as rows_of
    from ..jpeg import EncodeOptions

    if quality is not None and target:
        raise click.UsageError("--quality and --target exclude each other: a target searches for the quality")
    asked = EncodeOptions(quality=quality, target=target, **encoding)
    refuse_both("budget", "effort")
    look = {"background": background, "strip": strip or (), "max_size": max_size, "srgb": srgb}
    task = batch.CompressTask(asked, **look, budget=budget, limits=limits)
    with batch.Ledger(ledger or os.path.join(output, LEDGER_NAME)) as book:
        told = partial(_show, as_json=as_json)
        watcher = Watcher(folder, output, task, book, settle=settle, threads=jobs, keep_dates=keep_dates, told=told)
        say(f"watching {folder}; Ctrl-C ends it")
        if not as_json:
            _tell("file", "before", "after", "ratio", "status", "reason")
        for _ in rows_of(watcher):
            pass


def _show(row, as_json):
    command = click.get_current_context().command
    reason = row.error or row.reason
    reason = reason and spoken(reason, command)
    for message in row.warnings:
        warn(row.input, spoken(message, command))
    if row.status == "failed":
        say(f"{row.input}: {reason}")
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "verb": "watch", "codec": __version__, **row.to_json()}))
    else:
        _tell(row.input, row.before, row.after, row.ratio, row.status, reason)


def _tell(*cells):
    click.echo("\t".join("" if cell is None else printable(cell) for cell in cells))
