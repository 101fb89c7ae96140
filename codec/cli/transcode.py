"""`codec transcode`: JPEG to JPEG without loss."""

import re

import click

from ._jobs import Result, plan, report, run


def check_crop(ctx, param, value):
    """(x, y, width, height) of WxH+X+Y."""
    match = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", value or "")
    if value and not match:
        raise click.BadParameter(f"{value!r} is not WxH+X+Y, for example 640x480+16+32")
    width, height, x, y = map(int, match.groups()) if match else (0, 0, 0, 0)
    return (x, y, width, height) if match else None


def check_metadata(ctx, param, value):
    """all, none, or kinds separated by commas."""
    from ..jpeg.transcode import KINDS

    kinds = tuple(value.split(","))
    if kinds in (("all",), ("none",)):
        return value
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of all, none, {', '.join(KINDS)}")
    return kinds


def transcode_one(data, *, conceal, **options):
    from .. import jpeg

    made = jpeg.transcode(data, on_error="conceal" if conceal else "raise", **options)
    facts = {
        "width": made.width,
        "height": made.height,
        "process": made.process,
        "done": list(made.done),
        "verified": made.verified,
    }
    return Result(made.data, "kept" if made.kept else "done", made.warnings, facts)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option("-o", "--output", metavar="OUT", help="File for one picture, folder for several (created), - for stdout.")
@click.option("--progressive/--baseline", default=None, help="Force the process.  [default: what is smaller]")
@click.option("--arithmetic", is_flag=True, help="Arithmetic coding: smaller, but no browser shows it.")
@click.option("--auto-rotate", is_flag=True, help="Turn upright as the EXIF orientation says, and set the tag to 1.")
@click.option("--rotate", type=click.Choice(["0", "90", "180", "270"]), default="0", help="Degrees clockwise.")
@click.option(
    "--flip", type=click.Choice(["horizontal", "vertical", "transpose", "transverse"]), help="Mirror, after --rotate."
)
@click.option(
    "--crop",
    metavar="WxH+X+Y",
    callback=check_crop,
    help="Cut out a part of the turned picture; X and Y go back to the grid of MCUs.",
)
@click.option(
    "--edge",
    type=click.Choice(["perfect", "trim", "keep"]),
    default="perfect",
    show_default=True,
    help="Partial MCUs that a turn puts on the wrong side: refuse, cut off, leave in place.",
)
@click.option("--grayscale", is_flag=True, help="Keep the luminance alone.")
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
    help="Gain maps, further pictures and films behind the picture.",
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
    help="Read every output again and compare all coefficients.",
)
@click.option("--conceal", is_flag=True, help="Write what is left of damaged files, instead of failing.")
@click.option("--max-pixels", type=click.IntRange(1), metavar="N", help="Refuse larger pictures.  [default: 178956970]")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Pictures at a time.  [default: one per CPU]")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist; otherwise they are skipped.")
@click.option("-n", "--dry-run", is_flag=True, help="Do the work and tell the sizes, but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the table.")
def transcode(inputs, output, rotate, max_pixels, jobs, overwrite, dry_run, as_json, **options):
    """Rewrite JPEG files without loss: smaller, turned, cut, gray, with less metadata.

    INPUTS are JPEG files, folders (with everything below, as the same tree in OUT), or - for stdin. Works on coefficients, never on
    pixels: no generation is lost, and --verify, on by default, proves it for every file. Inputs are never overwritten.

    Without options, files become smaller and stay the same picture; one that would not is copied: status "kept". A file that
    cannot be turned without loss fails (--edge), and so does one whose gain map or film would no longer fit (--trailer): exit code 1,
    nothing is written for it. Metadata is kept unless --metadata says otherwise; thumbnails are dropped where the shape changes.

    \b
    Examples:
      codec transcode photo.jpg -o smaller.jpg
      codec transcode holiday/ -o upright/ --auto-rotate --edge trim
      codec transcode photo.jpg -o part.jpg --crop 640x480+128+64
      codec transcode web/ -o public/ --metadata icc --json > report.json
      cat photo.jpg | codec transcode - --rotate 90 > turned.jpg
    """
    from ..formats.pictures import JPEG_SUFFIXES
    from ..limits import DEFAULT_LIMITS, Limits

    settings = options | {"rotate": int(rotate)}
    todo = plan(inputs, output, as_json=as_json, rename=str, suffixes=JPEG_SUFFIXES)
    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    rows = run(
        todo,
        lambda data, job: transcode_one(data, limits=limits, **settings),
        threads=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    report("transcode", rows, as_json=as_json, dry_run=dry_run, settings=settings)
