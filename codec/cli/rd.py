"""`codec rd`: rate against distortion at many settings."""

import click

from ._rd_codecs import codecs
from ._rd_compare import bd, hull
from ._rd_find import find
from ._rd_plot import plot
from ._rd_report import report
from ._rd_sweep import sweep
from ._rd_train import train_matrix


@click.group()
def rd():
    """Rate-distortion laboratory: encode at many settings, measure, compare, draw.

    \b
    Examples:
      codec rd sweep photos/ --codec jpeg --codec mozjpeg --quality 20:95:5 -o rows.jsonl
      codec rd bd rows.jsonl --anchor jpeg
      codec rd plot rows.jsonl -o rd.svg
      codec rd report rows.jsonl -o report.html
      codec rd find photo.png --target ssim:0.98
    """


for verb in (sweep, bd, hull, find, plot, report, codecs, train_matrix):
    rd.add_command(verb)
