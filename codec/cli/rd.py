"""`codec rd`: rate against distortion at many settings."""
import sys

import click

from ._common import say
from ._lab import expand, numbers, progress, reasons, store, table
from ._report import report
from .metrics import check_metrics


@click.group()
def rd():
    """Rate-distortion laboratory: encode at many settings, measure, draw.

    \b
    Examples:
      codec rd sweep photos/ --quality 20:95:5 -o rows.jsonl
      codec rd plot rows.jsonl -o rd.svg
      codec rd report rows.jsonl -o report.html
    """


rd.add_command(report)


@rd.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...")
@click.option(
    "-q", "--quality", default="30:90:10", show_default=True, callback=numbers, metavar="LIST", help="30,50,70 or first:last:step."
)
@click.option(
    "--subsampling", default="auto", show_default=True, metavar="LIST", help="Comma-separated, of auto, 4:4:4, 4:2:2, 4:4:0, 4:2:0."
)
@click.option("--effort", default="5", show_default=True, callback=numbers, metavar="LIST", help="1 to 9, as --quality.")
@click.option(
    "--metric", "metrics", default="psnr,ssim", show_default=True, callback=check_metrics, metavar="NAMES", help="Of psnr, ssim, mse."
)
@click.option("-o", "--output", metavar="FILE", help="Rows as JSON lines; - for stdout.  [default: - unless stdout is a terminal]")
@click.option("--plot", "figure", metavar="FILE", help="Draw the rows: .png, .svg or .pdf. Needs matplotlib: pip install codec[lab].")
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Encoders side by side; more blur the times."
)
def sweep(images, quality, subsampling, effort, metrics, output, figure, jobs):
    """Encode pictures at all combinations of settings, decode, compare.

    IMAGES are files, or folders with everything below. One row per picture and setting; a table of the means per setting goes to stdout
    unless the rows do. A picture that fails is told on stderr, the others go on, and the exit code is 1.

    \b
    Examples:
      codec rd sweep photos/ --quality 20:95:5 -o rows.jsonl --plot rd.png
      codec rd sweep a.png b.png --subsampling 4:2:0,4:4:4 --effort 1,9
    """
    from .. import rd as lab
    from ..errors import ParameterError
    from ..rd.plot import figure_kind

    output = output or (None if sys.stdout.isatty() else "-")
    with progress() as tell:
        try:
            if figure:
                figure_kind(figure)
            rows = lab.sweep(
                expand(images),
                quality=quality,
                subsampling=subsampling.split(","),
                effort=effort,
                metrics=metrics,
                workers=jobs,
                progress=tell,
            )
        except ParameterError as error:
            raise click.UsageError(str(error)) from error
        points = store(rows, output)
    for message in rows.warnings:
        say(f"warning: {message}")
    if rows.failures:
        say("\n".join(["not measured:", *(f"  {reason}" for reason in reasons(rows.failures))]))
    if output != "-" and points:
        table(lab.means(points))
    if figure and points:
        lab.plot(points, figure, metrics=metrics)
    if rows.failures:
        click.get_current_context().exit(1)


@rd.command()
@click.argument("rows", metavar="ROWS")
@click.option("-o", "--output", required=True, metavar="FILE", help=".png, .svg or .pdf.")
@click.option(
    "--metric", "metrics", default="psnr,ssim", show_default=True, callback=check_metrics, metavar="NAMES", help="One panel each."
)
@click.option("--title", help="Above the panels.")
def plot(rows, output, metrics, title):
    """Draw the rows that a sweep wrote: one curve of means per family of settings, one thin curve per picture.

    \b
    Examples:
      codec rd plot rows.jsonl -o rd.svg --metric ssim --title "JPEG, 12 photographs"
    """
    from .. import rd as lab

    lab.plot(lab.read_points(rows), output, metrics=metrics, title=title)
