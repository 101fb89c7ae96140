"""`codec rd plot`."""

import click

from .. import _options as options
from .lab import known_family, known_metrics, read_rows


@click.command()
@options.rows
@click.option("-o", "--output", required=True, metavar="FILE", help=".png, .svg or .pdf.")
@click.option(
    "--kind",
    type=click.Choice(["curves", "speed"]),
    default="curves",
    show_default=True,
    help="speed: MP/s over BD-rate, with the Pareto front.",
)
@options.row_metrics("One panel each, of those in the rows, or all.")
@click.option("--anchor", metavar="FAMILY", help="For speed: reference for BD-rate.  [default: the first]")
@click.option(
    "--of",
    type=click.Choice(["encode", "decode"]),
    default="encode",
    show_default=True,
    help="For speed: which direction.",
)
@click.option("--title", help="Title above the panels.")
def plot(rows, output, kind, metrics, anchor, of, title):
    """Draw the rows of sweeps.

    curves: one thick curve of means per family of settings, one thin curve per picture. speed: one point per family,
    and a line through those that no other family beats in both speed and size; uses the first metric.

    \b
    Examples:
      codec rd plot rows.jsonl -o rd.svg --metric ssim --title "JPEG, 12 photographs"
      codec rd plot rows.jsonl -o speed.svg --kind speed --anchor libjpeg-turbo --metric ssimulacra2
    """
    from ... import rd as lab
    from ...errors import ParameterError
    from ...rd.plot import figure_kind

    try:
        figure_kind(output)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    points, _, problems = read_rows(rows)
    metrics = known_metrics(points, metrics)
    if kind == "curves":
        lab.plot(points, output, metrics=metrics, title=title)
    else:
        anchor = known_family(points, anchor)
        speeds = lab.speeds(points, metrics[0], anchor, of=of)
        lab.plot_speed(
            speeds, output, metric=metrics[0], anchor=anchor, of=of, title=title, caption=lab.origins(points)
        )
    if problems:
        click.get_current_context().exit(1)
