"""The command `codec`: one file per verb, loaded on demand."""

import errno
import importlib
import io
import os
import sys
import warnings

from ._later import cleandoc, number_form, postpone

postpone("inspect", cleandoc=cleandoc)  # click and dataclasses import it
postpone("gettext", gettext=str, ngettext=number_form)  # click does, and has no translations
if hasattr(os, "uname"):
    postpone("platform", system=lambda: os.uname().sysname)  # uuid does, which click imports

import click

from .. import __version__
from ..errors import CodecError
from . import _config
from ._common import Failure, say
from ._ending import Ending
from ._words import command_of, spoken

# The summaries live here so that `codec --help` loads no verb and no NumPy, and answers at once.
VERBS = {
    "compress": "Compress pictures to JPEG: files, folders or a pipe.",
    "undo": "Restore the originals that compress --in-place replaced.",
    "decompress": "Decode JPEG to PNG, PPM/PGM or TIFF.",
    "transcode": "Rewrite JPEG losslessly: optimise, rotate, crop, strip metadata.",
    "watch": "Compress what comes into a folder, until Ctrl-C.",
    "check": "Report pictures that are larger than they need be.",
    "palette": "Reduce pictures to a palette: PNG-8, animated GIF and PNG.",
    "inspect": "Show headers, tables and scans of a JPEG, with byte counts.",
    "video": "Encode, decode and inspect H.264 video.",
    "quantize": "Choose, apply and analyse quantizers of arrays, pictures, sound.",
    "metrics": "Compare pictures and clips with their originals: PSNR, SSIM, SSIMULACRA 2.",
    "rd": "Rate-distortion lab: encode at many settings, measure, compare.",
    "doctor": "Show versions, build flags, CPU level and optional packages.",
}
# They may do without NumPy, and multiply no large matrices: the threads that its OpenBLAS starts, one per CPU, would
# cost 0.1 s.
WITHOUT_BLAS = ("compress", "undo", "decompress", "transcode", "watch", "check")


class Verbs(click.Group):
    """Loads a verb when it is called, and turns a `CodecError` into a line on stderr and an exit code. Messages of the
    library are said in the words of the command (`_words`).
    """

    def list_commands(self, ctx):
        return list(VERBS)

    def get_command(self, ctx, name):
        return getattr(importlib.import_module(f"codec.cli.{name}"), name) if name in VERBS else None

    def resolve_command(self, ctx, args):
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            raise click.UsageError(
                f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""), ctx
            )
        ctx.meta["codec.words"] = list(args)
        if args:
            _config.apply(ctx, args)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx):
        ending = ctx.ensure_object(Ending)
        try:
            return super().invoke(ctx)
        except CodecError as error:
            raise Failure(spoken(str(error), command_of(self, ctx.meta["codec.words"]))) from error
        except click.UsageError as error:
            if error.ctx is not None:
                error.message = spoken(error.message, error.ctx.command)
            raise
        except KeyboardInterrupt:
            ending.say()
            ctx.exit(130)


def show_version(ctx, param, value):
    if value and not ctx.resilient_parsing:
        click.echo(f"codec {__version__}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
def cli():
    """Image and video compression: JPEG, H.264, palettes, metrics, quantizers and a rate-distortion lab.

    \b
    Examples:
      codec compress photo.png -o photo.jpg
      codec compress holiday/ -o smaller/ -q 80
      codec decompress photo.jpg -o photo.png
      codec transcode photo.jpg -o smaller.jpg
      codec inspect photo.jpg
      codec palette logo.png -o small.png --colors 64
      codec video decode clip.264 -o clip.y4m
      cat photo.png | codec compress - -q 60 > photo.jpg

    Data goes to stdout; messages, warnings and progress go to stderr.

    \b
    Exit codes:
      0    everything was done, or there was nothing to do
      1    at least one file failed; stderr lists them. A picture that was kept, or whose output exists, did not fail
      2    the command line is wrong; nothing was written
      3    codec check reports a picture
      130  interrupted (143 by SIGTERM, 129 by SIGHUP); no file is half-written, and the same command goes on
    """


def buffer_stdout():
    """Put a buffer before stdout where PYTHONUNBUFFERED took it away: there Python calls the system once for each piece
    of text, and what a full pipe has not taken when a process is stopped is lost without a word. `click.echo` flushes
    it."""
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        out = sys.stdout
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), out.encoding, out.errors, line_buffering=True)


def main():
    """Run the command line of the process; ends with SystemExit, whose code is a number."""
    warnings.showwarning = lambda message, *where: say(f"warning: {message}")
    # Pillow's warnings name no file. What is damaged, or beyond our own bound on pixels, is said with its file.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if sys.argv[1:2] and sys.argv[1] in WITHOUT_BLAS:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported, by worker processes too
        postpone("numpy")
    buffer_stdout()
    with Ending() as ending:
        try:
            try:
                cli(prog_name="codec", obj=ending)
            finally:
                if sys.stdout is not None:  # closed by the shell, as by >&-
                    sys.stdout.flush()
        except OSError as error:
            if error.filename is not None:  # not of stdout: a fault of ours
                raise
            if error.errno != errno.EPIPE:  # the reader of a pipeline may go
                say(f"cannot write to stdout: {error.strerror or error}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered goes nowhere
            sys.exit(1)
