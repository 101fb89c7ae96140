"""`codec rd`: rate against distortion at many settings."""

import click

from .codecs import codecs
from .compare import bd, hull
from .find import find
from .plot import plot
from .report import report
from .sweep import sweep
from .train import train_matrix


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
