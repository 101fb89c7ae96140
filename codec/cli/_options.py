"""Options and arguments shared by several verbs."""

import functools
import os
import sys

import click

from ..errors import FileError, ParameterError, TruncatedError
from ..limits import DEFAULT_LIMITS, Limits
from ..quality import as_quality
from ._names import NAMES

DEFAULT_METRICS = "psnr,ssim"


class Known(click.Choice):
    """A choice among names that a module of the library lists (`_names`).

    Parameters
    ----------
    where : str
        "module:name" below `codec`.
    first : tuple of str
        Names that precede those of the library.
    """

    def __init__(self, where, first=()):
        super().__init__((*first, *NAMES[where]))


class KnownList(Known):
    """Some of these names, with commas between them."""

    def convert(self, value, param, ctx):
        return ",".join(super(KnownList, self).convert(one, param, ctx) for one in value.split(","))


class OptionalValues(click.Command):
    """A command with options whose value may be left out: "--strip IN -o OUT" is "--strip=all IN -o OUT".

    `may_follow` maps such an option to (the value where there is none, a function that tells whether an argument is a
    value).
    """

    may_follow = {}

    def parse_args(self, ctx, args):
        given, ends = [], args.index("--") if "--" in args else len(args)
        for at, (arg, following) in enumerate(zip(args, [*args[1:], ""])):
            default, is_value = self.may_follow.get(arg, (None, None))
            given.append(f"{arg}={default}" if default and at < ends and not is_value(following) else arg)
        return super().parse_args(ctx, given)


def may_be_input(text):
    """Whether an argument after an option whose value may be left out is an input, or another option, rather than a
    value: "IN", "a.png", "dir/x", "s3://x", "-o". What is neither there nor looks like a path is a value, so that a
    mistyped one is an error instead of a missing file.
    """
    return not text or text.startswith("-") or bool({".", "/", os.sep} & set(text)) or os.path.lexists(text)


def checked(parse):
    """Make a callback from a library function: its ParameterErrors become usage errors, and None stays None."""

    def callback(ctx, param, value):
        try:
            return None if value is None else parse(value)
        except ParameterError as error:
            raise click.BadParameter(str(error)) from error

    return callback


def _target(value):
    from ..targets import parse_target

    return parse_target(value).text


def _color(value):
    from ..formats.pictures import parse_color

    return parse_color(value)


def _names(value):
    return list(dict.fromkeys(name.strip() for name in value.split(",")))


def _metric_names(value):
    from ..metrics.names import METRICS, by_name

    names = _names(value)
    if names == ["all"]:
        return list(METRICS)
    for name in names:
        by_name(name)
    return names


def _limits(ctx, param, value):
    return Limits(pixels=value) if value else DEFAULT_LIMITS


def _paths(ctx, param, incomplete):
    """Let the shell complete file names."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _expanded(ctx, param, value):
    """The inputs. What is not there and has *, ? or [ stands for what it matches, as where no shell expands it."""
    found = []
    for source in value:
        if "://" in source or not set("*?[") & set(source) or os.path.lexists(source):
            found.append(source)
            continue
        from glob import glob

        matched = sorted(glob(source, recursive=True))
        if not matched:
            raise click.UsageError(f"no file matches {source!r}; name a folder, with --include for some of its files")
        found += matched
    return tuple(found)


def _needed(ctx, param, value):
    """The inputs, of which there must be one."""
    if not value and not ctx.resilient_parsing:
        raise click.UsageError(f"Missing argument '{param.metavar}': name files or folders")
    return _expanded(ctx, param, value)


_inputs = functools.partial(click.argument, "inputs", nargs=-1, metavar="INPUTS...", shell_complete=_paths)
inputs_or_list = _inputs(callback=_expanded)
inputs = _inputs(callback=_needed)
rows = click.argument("rows", nargs=-1, required=True, metavar="ROWS...", shell_complete=_paths)


def output(what="picture"):
    """-o of a verb with one input or many."""
    text = f"File for one {what}, folder for several (created), - for stdout."
    return click.option("-o", "--output", metavar="OUT", help=text, shell_complete=_paths)


quality = functools.partial(click.option, "-q", "--quality", type=float, callback=checked(as_quality), metavar="N")
color = functools.partial(click.option, metavar="COLOR", callback=checked(_color))
target = functools.partial(click.option, metavar="WHAT:VALUE", callback=checked(_target))


def metrics(help="Comma-separated.", name="metrics"):
    """--metric, a list of names, or "all"."""
    return click.option(
        "--metric",
        name,
        default=DEFAULT_METRICS,
        show_default=True,
        callback=checked(_metric_names),
        metavar="NAMES",
        help=help,
    )


def row_metrics(help, default=DEFAULT_METRICS):
    """--metric of rows, which may have metrics of other programs: a list of names, "all", or None."""
    return click.option(
        "--metric",
        "metrics",
        default=default,
        show_default=True,
        callback=checked(_names),
        metavar="NAMES",
        help=help,
    )


max_pixels = click.option(
    "--max-pixels",
    "limits",
    type=click.IntRange(1),
    callback=_limits,
    metavar="N",
    help=f"Refuse larger pictures.  [default: {DEFAULT_LIMITS.pixels}]",
)
jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Pictures at a time.  [default: enough for all CPUs]"
)
timeout = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up on a file after this time; the others go on.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace outputs that exist; otherwise they are skipped.")
keep_dates = click.option(
    "--keep-dates", is_flag=True, help="Give each output the times and the permissions of its source."
)
dry_run = click.option("-n", "--dry-run", is_flag=True, help="Do the work and show the sizes, but write nothing.")


ledger = click.option(
    "--ledger",
    metavar="PATH",
    help="SQLite file that remembers what was made of what.  [default: .codec-ledger.sqlite in the output folder]",
)
no_ledger = click.option("--no-ledger", is_flag=True, help="Remember nothing; every output that exists is skipped.")


in_place = click.option(
    "--in-place", is_flag=True, help="Replace the inputs by smaller files of the same name; codec undo restores them."
)
backup = click.option(
    "--backup",
    metavar="FOLDER",
    help="Where --in-place keeps the originals.  [default: .codec-backup in the folder of the inputs]",
)
no_backup = click.option("--no-backup", is_flag=True, help="Keep no originals; nothing can be undone.")


class Percentage(click.ParamType):
    """A part as "5%" or 0.05, in 0 to below 1."""

    name = "percentage"

    def convert(self, value, param, ctx):
        """The part as a float."""
        text = str(value)
        try:
            part = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            part = -1
        if not 0 <= part < 1:
            self.fail(f"{text!r} is no part of a file: write it as 5% or 0.05, below 100%", param, ctx)
        return part


min_gain = click.option(
    "--min-gain",
    type=Percentage(),
    default=0.0,
    metavar="N%",
    help="Keep files that would not be smaller by at least this.  [default: 0%]",
)

executor = click.option(
    "--executor",
    type=click.Choice(["threads", "dask"]),
    default="threads",
    show_default=True,
    help="Who does the work: this process, or the workers of --scheduler (extra cluster).",
)
scheduler = click.option(
    "--scheduler", metavar="ADDRESS", help="Of Dask, tcp://HOST:PORT; its workers must see the same files."
)


include = click.option(
    "--include",
    multiple=True,
    metavar="GLOB",
    help="Below folders, only files that match, as *.jpg does A.JPG; may be repeated. With / the path is compared, not "
    "the name.",
)
exclude = click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Below folders, no files or folders that match; may be repeated."
)
as_lines = click.option(
    "--jsonl", "as_lines", is_flag=True, help="A JSON object per line on stdout, as soon as each file is done."
)


def _listed(ctx, param, value):
    if value is None:
        return ()
    text = sys.stdin.buffer.read() if value == "-" else _read(value)
    names = text.split(b"\0" if b"\0" in text else b"\n")
    return tuple(os.fsdecode(name.removesuffix(b"\r")) for name in names if name.strip())


def _read(path):
    from ..sources.files import read_bytes

    try:
        return read_bytes(path)
    except FileError as error:
        raise click.BadParameter(str(error)) from error
    except TruncatedError:
        return b""


def _frame(value):
    from ..batch.shaping import as_size

    if value.lower().endswith("b"):
        raise ParameterError(f"{value!r} is in bytes, and this is in pixels; for bytes there is --target size:{value}")
    return as_size(value)


max_size = click.option(
    "--max-size",
    metavar="WxH",
    callback=checked(_frame),
    help="Scale larger pictures down until they fit, by a Lanczos filter in linear light; 1600 is 1600x1600.",
)
srgb = click.option("--srgb", is_flag=True, help="Convert other colours to sRGB, which needs no profile.")


def _seconds(value):
    from ..batch.budget import as_seconds

    return as_seconds(value)


budget = click.option(
    "--budget",
    metavar="TIME",
    callback=checked(_seconds),
    help="In place of --effort: the highest effort that is counted with this time for the picture, 5s or 500ms. By a "
    "fixed table, so that every machine makes the same file.",
)
files_from = click.option(
    "--files-from",
    callback=_listed,
    metavar="FILE",
    help="Also the files that are listed there, one in a line, or with a zero byte between them; - is stdin. Relative "
    "paths keep their folders below OUT.",
)


def as_json(help="One JSON object on stdout."):
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help=help)


as_json_not_table = as_json("One JSON object on stdout instead of the table.")
