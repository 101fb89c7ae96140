"""Options offer what the library knows, no less and no more."""

import click
import pytest

from codec.cli._options import Known
from codec.cli.main import cli
from codec.jpeg.params import EFFORTS, SUBSAMPLING, TUNES
from codec.jpeg.transcoder import KINDS
from codec.palette.canvas import LOSSY_MAX
from codec.palette.dither import DITHERS
from codec.palette.fixed import MOST_COLORS


def option(verb, name):
    command = cli
    for word in verb.split():
        command = command.get_command(click.Context(command), word)
    return next(param for param in command.params if param.name == name)


@pytest.mark.parametrize(
    "verb, name, names",
    [
        ("compress", "subsampling", ("auto", *SUBSAMPLING)),
        ("compress", "tune", TUNES),
        ("transcode", "flip", ("horizontal", "vertical", "transpose", "transverse")),
        ("palette", "dither", ("none", *DITHERS)),
        ("rd train-matrix", "tune", ("ssimulacra2", "ssim", "psnr")),
        ("rd bd", "method", ("pchip", "akima", "cubic")),
        ("decompress", "to", ("png", "ppm", "tiff")),
    ],
)
def test_choices_are_those_of_the_library(verb, name, names):
    kind = option(verb, name).type
    assert isinstance(kind, Known) and tuple(kind.choices) == tuple(names)


@pytest.mark.parametrize(
    "verb, name, low, high",
    [
        ("compress", "effort", min(EFFORTS), max(EFFORTS)),
        ("palette", "colors", 1, MOST_COLORS),
        ("palette", "lossy", 0, LOSSY_MAX),
    ],
)
def test_ranges_are_those_of_the_library(verb, name, low, high):
    assert (option(verb, name).type.min, option(verb, name).type.max) == (low, high)


def test_lists_in_help_texts():
    assert ",".join(KINDS) in option("transcode", "metadata").help
    assert ", ".join(["auto", *SUBSAMPLING]) in option("rd sweep", "subsampling").help
