"""`codec transcode`: JPEG to JPEG without loss."""

import re

import click

from . import _options as options
from ._jobs import perform


def check_crop(ctx, param, value):
    """Parse WxH+X+Y to (x, y, width, height)."""
    match = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", value or "")
    if value and not match:
        raise click.BadParameter(f"{value!r} is not WxH+X+Y, for example 640x480+16+32")
    width, height, x, y = map(int, match.groups()) if match else (0, 0, 0, 0)
    return (x, y, width, height) if match else None


def check_metadata(ctx, param, value):
    """Parse all, none, or kinds separated by commas."""
    from ..jpeg.transcoder import KINDS

    kinds = tuple(value.split(","))
    if kinds in (("all",), ("none",)):
        return value
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is not one of all, none, {', '.join(KINDS)}")
    return kinds


@click.command()
@options.inputs
@options.output()
@click.option("--progressive/--baseline", default=None, help="Force the process.  [default: whichever is smaller]")
@click.option("--arithmetic", is_flag=True, help="Arithmetic coding: smaller, but no browser supports it.")
@click.option("--auto-rotate", is_flag=True, help="Turn upright by the EXIF orientation, and set the tag to 1.")
@click.option("--rotate", type=click.Choice(["0", "90", "180", "270"]), default="0", help="Degrees clockwise.")
@click.option("--flip", type=options.Known("jpeg.geometry:FLIPS"), help="Mirror, after --rotate.")
@click.option(
    "--crop",
    metavar="WxH+X+Y",
    callback=check_crop,
    help="Crop the turned picture; X and Y are rounded down to the MCU grid.",
)
@click.option(
    "--edge",
    type=options.Known("jpeg.geometry:EDGES"),
    default="perfect",
    show_default=True,
    help="Partial MCUs that would move to the wrong side: refuse, cut off, or leave in place.",
)
@click.option("--grayscale", is_flag=True, help="Keep only the luminance.")
@click.option(
    "--metadata",
    default="all",
    show_default=True,
    metavar="KINDS",
    callback=check_metadata,
    help="What to keep: all, none, or of icc,exif,xmp,iptc,comments,other.",
)
@click.option(
    "--trailer",
    type=click.Choice(["keep", "drop"]),
    default="keep",
    show_default=True,
    help="Data after the picture: gain maps, further pictures, motion photos.",
)
@click.option(
    "--restart",
    "restart_interval",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="MCUs between restart markers.",
)
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Read each output again and compare all coefficients.",
)
@click.option("--conceal", is_flag=True, help="Write what can be recovered from damaged files instead of failing.")
@options.max_pixels
@options.jobs
@options.overwrite
@options.keep_dates
@options.dry_run
@options.as_json_not_table
def transcode(inputs, output, rotate, conceal, limits, jobs, overwrite, keep_dates, dry_run, as_json, **settings):
    """Rewrite JPEG files without loss: smaller, rotated, cropped, gray, with less metadata.

    INPUTS are JPEG files, folders (searched recursively, recreated as the same tree in OUT), or - for stdin. Works on
    coefficients, not on pixels, so there is no generation loss; --verify, on by default, checks this for every file.
    Inputs are never overwritten.

    Without options files become smaller and the picture stays the same; a file that would not become smaller is copied:
    status "kept". A file that cannot be turned without loss fails (--edge), as does one whose gain map or motion photo
    would no longer fit (--trailer): nothing is written for it, exit code 1. Metadata is kept unless --metadata changes
    that; thumbnails are dropped if the shape changes. Every file met in a folder has a row: see codec compress --help.

    \b
    Examples:
      codec transcode photo.jpg -o smaller.jpg
      codec transcode holiday/ -o upright/ --auto-rotate --edge trim
      codec transcode photo.jpg -o part.jpg --crop 640x480+128+64
      codec transcode web/ -o public/ --metadata icc --json > report.json
      cat photo.jpg | codec transcode - --rotate 90 > turned.jpg
    """
    from ..batch import TranscodeTask

    settings["rotate"] = int(rotate)
    perform(
        "transcode",
        TranscodeTask(settings | {"on_error": "conceal" if conceal else "raise"}, limits),
        inputs,
        output,
        jobs=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
        keep_dates=keep_dates,
        as_json=as_json,
        settings=settings | {"conceal": conceal, "keep_dates": keep_dates},
    )
