"""`codec undo`: the originals that `--in-place` replaced, put back."""

import click

from . import _options as options
from ._common import echo_json, say
from ._report import report


@click.command()
@click.argument("run", required=False)
@click.option(
    "--ledger",
    default=".codec-ledger.sqlite",
    show_default=True,
    metavar="PATH",
    help="The ledger of the run: in the folder that was compressed.",
)
@options.dry_run
@options.as_json_not_table
def undo(run, ledger, dry_run, as_json):
    """Restore the originals that a run with --in-place replaced.

    RUN is the name that the run printed, or "last". Without it the runs are listed, oldest first; names begin with
    their time in UTC.

    Every original is compared by its hash with what the ledger recorded, and comes back bit for bit, with its times,
    permissions and owner. A file that was changed after the run is left alone and listed; its original stays where it
    is. Of several runs undo the last first.

    \b
    Examples:
      codec undo --ledger photos/.codec-ledger.sqlite
      codec undo last --ledger photos/.codec-ledger.sqlite
      codec undo 20261128-211500-3f2a

    Exit codes: 0 all restored; 1 at least one file failed; 2 wrong command line.
    """
    import os

    from .. import batch
    from ..errors import ParameterError

    if run is not None and os.path.isdir(run):
        there = os.path.join(run, batch.LEDGER_NAME)
        raise click.UsageError(f"{run} is a folder, and RUN is the name of a run: --ledger {there} lists those there")
    if not os.path.exists(ledger):
        raise click.UsageError(f"there is no ledger {ledger}: name that of the run with --ledger")
    with batch.Ledger(ledger, read_only=run is None) as book:
        if run is None:
            _list(batch.runs(book), as_json)
            return
        try:
            rows = batch.undo(book, run, dry_run=dry_run)
        except ParameterError as error:
            raise click.UsageError(str(error)) from error
    report("undo", rows, as_json=as_json, dry_run=dry_run, settings={"run": run, "ledger": ledger})


def _list(runs, as_json):
    if as_json:
        echo_json("undo", runs=[vars(run) for run in runs])
        return
    click.echo("run\tfiles\tended\tbackup")
    for run in runs:
        click.echo(f"{run.name}\t{run.files}\t{run.ended}\t{run.backup or 'none: the originals were not kept'}")
    if not runs:
        say("no run of this ledger replaced originals")
