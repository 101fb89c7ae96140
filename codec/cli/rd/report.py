"""`codec rd report`."""

import os

import click

from .. import _options as options
from .._common import say, size
from .._progress import progress
from .lab import known_family, known_metrics, read_rows, reasons, split_name


def _rates(ctx, param, value):
    try:
        return None if value is None else [float(rate) for rate in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of rates such as 0.5,1") from error


@click.command()
@options.rows
@click.option("-o", "--output", required=True, metavar="FILE", help="The page to write, .html.")
@options.row_metrics("Metrics to show, the first one first, of those in the rows.", default="all")
@click.option("--anchor", metavar="FAMILY", help="Initial reference for BD-rate.  [default: the first in the rows]")
@click.option(
    "--at",
    callback=_rates,
    metavar="RATE,...",
    help="Rates at which pictures (bits per pixel) or clips (kbit/s) are shown.  [default: two inside the curves]",
)
@click.option(
    "--images", multiple=True, metavar="PATH", help="File or folder with originals that have moved. May be repeated."
)
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=6,
    show_default=True,
    metavar="N",
    help="Largest number of worst and best pictures or clips to show.",
)
@click.option(
    "--crop", type=click.IntRange(16, 1024), default=256, show_default=True, metavar="PX", help="Side of the crops."
)
@click.option(
    "--max-mb",
    type=click.FloatRange(0, 1000),
    default=8,
    show_default=True,
    metavar="MB",
    help="Size limit of the page; crops are left out to meet it.",
)
@click.option("--title", help="Title of the page.")
def report(rows, output, metrics, anchor, at, images, pictures, crop, max_mb, title):
    """Write one self-contained HTML page about the rows of a sweep.

    It shows curves, BD-rate against any family with intervals, the worst and best pictures side by side with slider,
    flicker, error and bit maps, and the origin of the rows. Clips are shown frame by frame: bits, types, quantizers,
    PSNR, and the macroblocks of H.264. The page is self-contained. Pictures and clips are encoded again from the
    originals: keep them, or name their folder with --images.

    \b
    Examples:
      codec rd report rows.jsonl -o report.html
      codec rd report ours.jsonl theirs.jsonl --anchor mozjpeg --metric ssimulacra2,ssim -o report.html
    """
    from ... import rd as lab
    from ...errors import ParameterError

    if os.path.splitext(output)[1].lower() not in (".html", ".htm"):
        raise click.UsageError(f"{output}: the report is HTML; name it .html")
    points, failures, problems = read_rows(rows)
    metrics, anchor = known_metrics(points, metrics), known_family(points, anchor)
    try:
        with progress("Encoding again") as tick:
            page = lab.report(
                points,
                output,
                metrics=metrics,
                anchor=anchor,
                at=at,
                images=images,
                pictures=pictures,
                crop=crop,
                max_bytes=round(max_mb * 1e6),
                failures=[*reasons(failures), *problems],
                progress=tick,
                title=title
                or f"Rate and distortion: {', '.join(os.path.basename(split_name(path)[1]) for path in rows)}",
            )
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    say(f"{output}: {size(len(page))}, {len(points)} rows")
    if problems:
        click.get_current_context().exit(1)
