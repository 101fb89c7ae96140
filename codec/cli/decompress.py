"""`codec decompress`: JPEG to a lossless format."""

import os

import click

from ._jobs import Result, plan, report, run

SUFFIXES = {"png": ".png", "ppm": ".ppm", "tiff": ".tif"}
CARRIED = {"PNG": ("icc", "exif", "xmp"), "TIFF": ("icc", "xmp"), "PPM": ()}


def format_for(target, to):
    from ..errors import ParameterError
    from ..formats.pictures import format_of

    if to or target == "-" or not os.path.splitext(target)[1]:
        return (to or "png").upper()
    try:
        return format_of(target)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error


def decompress_one(data, kind, *, conceal, limits):
    from .. import jpeg
    from ..formats import pictures

    decoded = jpeg.decode(data, on_error="conceal" if conceal else "raise", limits=limits)
    metadata, info = decoded.info.metadata, decoded.info
    warnings = [*decoded.warnings, *decoded.doubts]
    if decoded.damage:
        warnings.append(decoded.damage.report)
    lost = [
        name.upper() for name in ("icc", "exif", "xmp", "iptc") if getattr(metadata, name) and name not in CARRIED[kind]
    ]
    if lost:
        warnings.append(f"{kind} does not carry its {', '.join(lost)} metadata here")
    facts = {
        "width": info.width,
        "height": info.height,
        "precision": info.precision,
        "color": info.color,
        "damaged": bool(decoded.damage),
    }
    return Result(
        pictures.dump(decoded.pixels, kind, metadata=metadata, precision=info.precision), "done", warnings, facts
    )


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option("-o", "--output", metavar="OUT", help="File for one picture, folder for several (created), - for stdout.")
@click.option(
    "-f",
    "--format",
    "to",
    type=click.Choice(list(SUFFIXES)),
    help="What to write.  [default: by the suffix of OUT, else png]",
)
@click.option(
    "--conceal", is_flag=True, help="Decode damaged files as far as they go, and tell on stderr what is lost."
)
@click.option("--max-pixels", type=click.IntRange(1), metavar="N", help="Refuse larger pictures.  [default: 178956970]")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Pictures at a time.  [default: one per CPU]")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist; otherwise they are skipped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the table.")
def decompress(inputs, output, to, conceal, max_pixels, jobs, overwrite, as_json):
    """Decode JPEG files to PNG, PPM/PGM or TIFF.

    INPUTS are JPEG files, folders (with everything below, as the same tree in OUT), or - for stdin. PNG keeps the ICC profile,
    EXIF and XMP, TIFF the ICC profile and XMP, PPM nothing. Pixels are not turned: the EXIF orientation is kept where EXIF is. CMYK
    needs TIFF.

    A damaged file fails, and nothing is written for it. With --conceal the lost part is filled in and described on stderr, and
    the exit code is 0.

    \b
    Examples:
      codec decompress photo.jpg -o photo.png
      codec decompress photos/ -o decoded/ --format ppm
      codec decompress broken.jpg -o saved.png --conceal
      codec decompress photo.jpg -o - | other-program
    """
    from ..formats.pictures import JPEG_SUFFIXES
    from ..limits import DEFAULT_LIMITS, Limits

    def rename(name):
        return os.path.splitext(name)[0] + SUFFIXES[to or "png"]

    todo = plan(inputs, output, as_json=as_json, rename=rename, suffixes=JPEG_SUFFIXES)
    kinds = {job: format_for(job.target, to) for job in todo}
    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    rows = run(
        todo,
        lambda data, job: decompress_one(data, kinds[job], conceal=conceal, limits=limits),
        threads=jobs,
        overwrite=overwrite,
    )
    report("decompress", rows, as_json=as_json, settings={"format": to, "conceal": conceal})
