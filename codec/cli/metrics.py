"""`codec metrics`: compare a picture with its original."""

import math

import click

from ..sources.files import PIPE, read_stdin
from . import _options as options
from ._common import echo_json, warn


def load(name):
    from ..formats import pictures

    picture = pictures.load(read_stdin() if name == PIPE else name)
    for message in picture.warnings:
        warn(name, message)
    return picture.pixels


@click.command()
@click.argument("reference", metavar="A")
@click.argument("distorted", metavar="B")
@options.metrics("Comma-separated, such as psnr,ssim,ssimulacra2,mse.", "names")
@options.as_json("One JSON object on stdout instead of lines.")
def metrics(reference, distorted, names, as_json):
    """Measure the difference between picture B and its original A.

    Both may have any format that `codec compress` reads; one may be - for stdin. They must have the same size and
    channels. Pixels are compared as stored, regardless of orientation and colour profiles. R, G and B have equal
    weight.

    psnr: dB over all samples, inf for equal pictures. ssim: Wang et al. 2004, 11 x 11 Gaussian window, mean over the
    channels. mse: mean squared error.

    \b
    Examples:
      codec metrics photo.png photo.jpg
      codec metrics photo.png photo.jpg --metric ssim --json
      codec compress photo.png -o - | codec metrics photo.png -
    """
    from ..metrics.names import by_name, facts

    if reference == distorted == PIPE:
        raise click.UsageError("stdin (-) is one picture; name a file for the other")
    a, b = load(reference), load(distorted)
    values = {name: float(by_name(name)(a, b)) for name in names}
    if as_json:
        shown = {name: str(value) if math.isinf(value) else value for name, value in values.items()}
        echo_json(
            "metrics",
            reference=reference,
            distorted=distorted,
            width=a.shape[1],
            height=a.shape[0],
            metrics=shown,
            variants={name: facts(name).variant for name in names if facts(name).variant},
        )
        return
    for name, value in values.items():
        click.echo("\t".join(filter(None, [name, f"{value:.6g}", facts(name).unit])))
