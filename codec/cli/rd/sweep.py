"""`codec rd sweep`."""

import shlex
import sys

import click

from .. import _options as options
from .._common import say
from .._progress import progress
from .._words import spoken
from .lab import inputs, keep_failures, numbers, reasons, store, table


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...")
@click.option(
    "-c",
    "--codec",
    "codecs",
    multiple=True,
    default=["jpeg"],
    show_default=True,
    metavar="NAME[:SETTINGS]",
    help="May be repeated; all for pictures or all for videos. With its own settings: effort=1/9,quality=20:95:5.",
)
@click.option(
    "-q",
    "--quality",
    callback=numbers,
    metavar="LIST",
    help="30,50,74.5, first:last or first:last:step.  [default: 30:90:10]",
)
@click.option(
    "--crf",
    callback=numbers,
    metavar="LIST",
    help="As --quality, for video codecs; higher is worse.  [default: 22:37:5]",
)
@click.option(
    "--frames", type=click.IntRange(1), metavar="N", help="Use only the first N frames of each video.  [default: all]"
)
@click.option(
    "--subsampling",
    metavar="LIST",
    help="Comma-separated, of auto, 4:4:4, 4:2:2, 4:4:0, 4:2:0.  [default: that of the codec]",
)
@click.option(
    "--effort",
    callback=numbers,
    metavar="LIST",
    help="As --quality, for codecs with this setting.  [default: that of the codec]",
)
@options.metrics()
@click.option(
    "-o", "--output", metavar="FILE", help="Rows as JSON lines; - for stdout.  [default: - unless stdout is a terminal]"
)
@click.option(
    "--plot",
    "figure",
    metavar="FILE",
    help="Draw the rows: .png, .svg or .pdf. Needs matplotlib: pip install codec[lab].",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Parallel encoders; more than one disturbs the measured times.",
)
@click.option(
    "--memory/--no-memory",
    default=True,
    show_default=True,
    help="Measure peak memory in one more encode each; only with -j 1.",
)
def sweep(images, codecs, quality, crf, frames, subsampling, effort, metrics, output, figure, jobs, memory):
    """Encode pictures or videos with several codecs at all combinations of settings, decode them, and measure.

    IMAGES are files, or folders, searched recursively; for video codecs .y4m files, or anything that FFmpeg reads (pip
    install codec[video]). There is one row per picture, codec and setting. A table of means per setting goes to stdout
    unless the rows do. Existing rows in FILE are not measured again if the codec still makes the same bytes: repeat the
    command to resume an interrupted sweep. Failures are recorded with the rows and reported on stderr; the sweep
    continues, and the exit code is 1. The same command tries them again.

    \b
    Examples:
      codec rd sweep photos/ --codec jpeg --codec mozjpeg --quality 20:95:5 -o rows.jsonl
      codec rd sweep a.png b.png --codec jpeg:effort=1/9 --codec webp --metric psnr,ssimulacra2
      codec rd sweep clips/ --codec x264:preset=fast/slow --codec svt-av1 --crf 20:44:6 --frames 60 -o rows.jsonl
    """
    from ... import rd as lab
    from ... import registry
    from ...errors import ParameterError
    from ...rd.plot import figure_kind

    output = output or (None if sys.stdout.isatty() else "-")
    with progress("sweep") as tell:
        try:
            if figure:
                figure_kind(figure)
            file = lab.RowFile(output) if output not in (None, "-") else None
            rows = lab.sweep(
                inputs(images, registry.parse(codecs[0])[0].media),
                codecs=codecs,
                quality=quality,
                crf=crf,
                frames=frames,
                subsampling=subsampling.split(",") if subsampling else None,
                effort=effort,
                metrics=metrics,
                workers=jobs,
                memory=memory,
                progress=tell,
                failed=keep_failures(file, output),
                done=file.points if file else (),
                command=shlex.join(["codec", *sys.argv[1:]]),
            )
        except ParameterError as error:
            raise click.UsageError(str(error)) from error
        points = store(rows, file, output)
    problems = file.problems if file else []
    for message in [*rows.warnings, *([file.repaired] if file and file.repaired else []), *problems]:
        say(f"warning: {spoken(message, click.get_current_context().command)}")
    if rows.outdated:
        say(f"{len(rows.outdated)} rows there were by another version or build of their codec, and were measured again")
    if rows.reused:
        say(f"{len(rows.reused)} of {rows.total} rows were there already")
    if rows.failures:
        say("\n".join(["not measured:", *(f"  {reason}" for reason in reasons(rows.failures))]))
    if output != "-" and points:
        table(points)
    if figure and points:
        lab.plot(points, figure, metrics=metrics)
    if rows.failures or problems:
        click.get_current_context().exit(1)
