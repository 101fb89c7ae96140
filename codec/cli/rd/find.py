"""`codec rd find`."""

import os

import click

from ...signatures import JPEG_SUFFIXES
from .. import _options as options
from .._common import echo_json, refuse_terminal, warn
from .lab import cells

# Suffixes for the formats of `codec.signatures` that codecs write; the first is proposed.
SUFFIXES = {
    "JPEG": JPEG_SUFFIXES,
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "JPEG XL": (".jxl",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx"),
}


@click.command()
@click.argument("image", metavar="IMAGE")
@click.option("--target", required=True, metavar="METRIC:VALUE", help="ssim:0.98, psnr:38, ssimulacra2:70, ...")
@click.option(
    "-c",
    "--codec",
    default="jpeg",
    show_default=True,
    metavar="NAME[:SETTINGS]",
    help="As for sweep, with single values.",
)
@click.option(
    "--frames", type=click.IntRange(1), metavar="N", help="Use only the first N frames of a video.  [default: all]"
)
@click.option("-o", "--output", metavar="FILE", help="Write the encoded picture; - for stdout.")
@options.as_json()
def find(image, target, codec, frames, output, as_json):
    """Find the lowest quality, or the highest crf, that reaches a target. Scores are measured on the final bytes.

    With the codec jpeg the result is the file that codec compress --target makes, without metadata.

    \b
    Examples:
      codec rd find photo.png --target ssim:0.98
      codec rd find photo.png --target ssimulacra2:70 --codec mozjpeg:subsampling=4:4:4 -o photo.jpg
      codec rd find clip.y4m --target psnr_y:38 --codec x264:preset=slow --frames 60
    """
    from ... import rd as lab
    from ... import registry
    from ...errors import ParameterError
    from ...rd.content import decode, fetch
    from ...sources.files import write_atomic, write_stdout
    from ...targets import parse_score

    if output == "-":
        refuse_terminal()
        if as_json:
            raise click.UsageError("--json and -o - both want stdout; name a file with -o")
    try:
        metric = parse_score(target).measure
        chosen, values = registry.parse(codec)
        for name, several in values.items():
            if len(several) > 1:
                raise ParameterError(f"{codec!r}: a search takes one value of {name}, not {len(several)}")
        if chosen.dial in values:
            raise ParameterError(f"{chosen.dial} is what the search is for: leave it out of {codec!r}")
        setting = chosen.setting(**{name: several[0] for name, several in values.items()})
        if chosen.media == "video" and output:
            raise ParameterError("-o writes pictures; video packets have no container here")
        if chosen.media == "image" and frames:
            raise ParameterError(f"--frames is for videos, and {chosen.name} takes pictures")
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    if output and output != "-":
        chosen.require()
        check_suffix(output, chosen, setting)
    content = decode(image, *fetch(image), chosen.media, frames)
    for message in content.warnings:
        warn(image, message)
    found = lab.find(content.pixels, target, codec=chosen, **{name: several[0] for name, several in values.items()})
    if output == "-":
        write_stdout(found.data)
        return
    if output:
        write_atomic(output, found.data)
    trials = [{chosen.dial: trial.quality, "bytes": trial.bytes, metric: trial.score} for trial in found.trials]
    rate = {"bpp": found.bpp} if chosen.media == "image" else {"kbit/s": found.rate["bitrate"]}
    answer = {"codec": found.codec, **found.setting, "bytes": found.rate["bytes"], **rate, metric: found.score}
    if as_json:
        echo_json("rd find", image=image, target=target, found=answer, trials=trials)
    else:
        cells([{**answer, "encodes": len(trials)}])


def check_suffix(output, codec, setting):
    """A usage error if the name of a file says another format than that of the codec, which a small picture tells."""
    import numpy as np

    from ...signatures import HEAD_BYTES, format_of

    kind = format_of(codec.run_encode(np.full((16, 16), 128, np.uint8), setting)[:HEAD_BYTES])
    stem, suffix = os.path.splitext(output)
    known = SUFFIXES.get(kind)
    if known and suffix.lower() not in known:
        raise click.UsageError(f"{codec.name} writes {kind}, and {output} does not say so; name it {stem}{known[0]}")
