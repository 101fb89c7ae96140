"""`codec rd train-matrix`."""

import json

import click

from .. import _options as options
from .._common import say, warn
from .lab import inputs, numbers


@click.command("train-matrix")
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURES...")
@click.option(
    "--tune",
    default="ssimulacra2",
    show_default=True,
    type=options.Known("rd.train:JUDGES"),
    help="Metric to learn for.",
)
@click.option("--subsampling", default="4:2:0", show_default=True, type=options.Known("rd.train:SUBSAMPLINGS"))
@click.option(
    "--quality",
    default="15,30,50,70,85,93",
    show_default=True,
    callback=numbers,
    metavar="LIST",
    help="Qualities to learn tables for.",
)
@click.option(
    "--rounds", default=6, show_default=True, type=click.IntRange(1), help="Rounds of 64 or 128 encodes per picture."
)
@click.option(
    "--crop",
    type=click.IntRange(16),
    metavar="N",
    help="Learn from the middle N x N samples of every picture.  [default: all]",
)
@click.option(
    "--start",
    default="learned",
    show_default=True,
    type=click.Choice(["learned", "annex-k"]),
    help="Tables to start from.",
)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "-j",
    "--jobs",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Threads; they do not change the result.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="JSON: the package's tables with the new ones inserted; an existing file is extended.",
)
@click.option(
    "--log",
    metavar="FILE",
    help="Append a JSON row per quality: settings, pictures and results.",
)
def train_matrix(pictures, tune, subsampling, quality, rounds, crop, start, seed, jobs, output, log):
    """Learn quantization matrices from pictures, with the encoder in the loop, that make files of equal score smallest.

    \b
    Examples:
      codec rd train-matrix photos/*.png -o matrices.json
      codec rd train-matrix photos/*.png --tune psnr --quality 50 --crop 320 -o matrices.json --log training.jsonl
    """
    from importlib import resources
    from pathlib import Path

    from ... import __version__
    from ...errors import ParameterError
    from ...quality import as_quality
    from ...rd import train as trainer
    from ...rd.content import decode, fetch
    from ...sources.files import write_atomic

    try:
        for q in quality:
            as_quality(q)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    contents, hashes = [], {}
    for name in inputs(pictures, "image"):
        content = decode(name, *fetch(name), "image")
        for message in content.warnings:
            warn(name, message)
        contents.append(middle(name, content.pixels, crop))
        hashes[Path(name).name] = content.sha256
    target = Path(output)
    text = (
        target.read_text("ascii")
        if target.exists()
        else resources.files("codec.jpeg").joinpath("matrices.json").read_text("ascii")
    )
    entries = json.loads(text)
    for q in quality:
        begin = trainer.learned_start(tune, subsampling, q) if start == "learned" else None
        found = trainer.train(
            contents,
            tune,
            quality=q,
            subsampling=subsampling,
            start=begin,
            rounds=rounds,
            seed=seed,
            jobs=jobs,
            progress=say,
        )
        entries = trainer.with_result(entries, tune, subsampling, q, found)
        write_atomic(output, trainer.as_json(entries).encode("ascii"))
        if log:
            row = {"tune": tune, "subsampling": subsampling, "quality": q, "start": start,
                   "rounds": [round(r, 3) for r in found.rounds], "crop": crop, "seed": seed, "version": __version__,
                   "pictures": hashes}  # fmt: skip
            with open(log, "a", encoding="ascii") as rows:
                rows.write(json.dumps(row) + "\n")


def middle(name, pixels, crop):
    """Crop the middle of a picture, as RGB."""
    import numpy as np

    from ...errors import ParameterError

    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        kind = "gray" if pixels.ndim == 2 else f"of {pixels.dtype} samples"
        raise ParameterError(f"{name} is {kind}, and matrices are learned from 8-bit colour pictures: leave it out")
    top, left = (max(0, (side - crop) // 2) if crop else 0 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + (crop or len(pixels)), left : left + (crop or pixels.shape[1]), :3])
