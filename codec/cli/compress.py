"""`codec compress`: pictures of any format to JPEG."""

import os

import click

from ._common import check_color, check_quality, check_target
from ._generation import after_encoding, before_encoding, not_carried
from ._jobs import Result, plan, report, run


def jpeg_name(name):
    from ..formats.pictures import JPEG_SUFFIXES

    stem, suffix = os.path.splitext(name)
    return name if suffix.lower() in JPEG_SUFFIXES else stem + ".jpg"


def check_name(job):
    from ..formats.pictures import JPEG_SUFFIXES, READABLE_SUFFIXES

    suffix = os.path.splitext(job.target)[1].lower()
    if suffix in READABLE_SUFFIXES and suffix not in JPEG_SUFFIXES:
        raise click.UsageError(
            f"the output is a JPEG, and {job.target} says it is not; name it {os.path.splitext(job.target)[0]}.jpg"
        )


def compress_one(data, *, background, strip, limits, force, **options):
    from .. import jpeg
    from ..formats import pictures

    asked, again = jpeg.EncodeOptions(**options), data.startswith(b"\xff\xd8") and not force
    untouched = again and before_encoding(data, asked, strip, limits)
    if untouched:
        return untouched
    picture = pictures.load(data, background=background, limits=limits)
    pixels, metadata = picture.pixels, picture.metadata
    if strip:
        pixels, metadata = pictures.strip(pixels, metadata)
    color = "ycck" if pixels.ndim == 3 and pixels.shape[2] == 4 else "auto"
    encoded = jpeg.encode(pixels, metadata=metadata, color=color, **options)
    untouched = again and after_encoding(data, encoded, asked, strip, limits)
    if untouched:
        return untouched
    facts = {
        "width": encoded.width,
        "height": encoded.height,
        "bpp": round(encoded.bpp, 4),
        "subsampling": encoded.subsampling,
    }
    if encoded.target:
        facts |= {
            "quality": encoded.quality,
            "target": encoded.target,
            "achieved": encoded.achieved,
            "encodes": encoded.encodes,
        }
    warnings = [*picture.warnings, *encoded.warnings]
    if picture.format == "JPEG":
        warnings += not_carried(data, picture.metadata)
    elif len(encoded.data) > len(data):
        warnings.append("the JPEG is larger than its source; flat graphics and tiny pictures do better as PNG")
    return Result(encoded.data, "done", warnings, facts)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option("-o", "--output", metavar="OUT", help="File for one picture, folder for several (created), - for stdout.")
@click.option(
    "-q",
    "--quality",
    type=float,
    callback=check_quality,
    metavar="N",
    help="1 is smallest, 100 is best; fractions down to 1/64.  [default: 75]",
)
@click.option(
    "--target",
    metavar="WHAT:VALUE",
    callback=check_target,
    help="In place of --quality: size:200kB or bpp:1.0 at most; psnr:40, ssim:0.98, ssimulacra2:85 at least.",
)
@click.option(
    "--effort", type=click.IntRange(1, 9), default=5, show_default=True, help="1 is fastest, 9 searches longest."
)
@click.option(
    "--subsampling",
    type=click.Choice(["auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0"]),
    default="auto",
    show_default=True,
    help="Resolution of the colour components.",
)
@click.option(
    "--progressive/--baseline",
    default=None,
    help="Force the process.  [default: as the effort has it, 4 to 9 progressive]",
)
@click.option(
    "--tune",
    type=click.Choice(["ssimulacra2", "ssim", "psnr", "flat", "annex-k"]),
    default="ssimulacra2",
    show_default=True,
    help="The measure that sizes are won for; the last two are plain tables.",
)
@click.option(
    "--strip", is_flag=True, help="Drop EXIF, XMP, IPTC, comments and the ICC profile; pixels are turned upright."
)
@click.option(
    "--background",
    metavar="COLOR",
    callback=check_color,
    help="Behind transparent pixels: a name or #rrggbb.  [default: white]",
)
@click.option("--force", is_flag=True, help="Encode a JPEG again even where that costs more quality than it saves.")
@click.option("--max-pixels", type=click.IntRange(1), metavar="N", help="Refuse larger pictures.  [default: 178956970]")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Pictures at a time.  [default: one per CPU]")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist; otherwise they are skipped.")
@click.option("-n", "--dry-run", is_flag=True, help="Do the work and tell the sizes, but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the table.")
def compress(inputs, output, max_pixels, jobs, overwrite, dry_run, as_json, **options):
    """Compress pictures to JPEG.

    INPUTS are JPEG, PNG, TIFF, WebP, GIF, BMP, PPM, AVIF, JPEG 2000 or QOI files, folders (with everything below, as the same tree
    in OUT), or - for stdin. Inputs are never overwritten. Metadata is kept, and so is the orientation tag with the pixels it
    belongs to.

    A JPEG whose own quality is near the one asked for, or below it, is not encoded again (--force does), for that loses
    more than it saves: it is rewritten without loss, as by codec transcode. One that would not become smaller is copied
    as it is: status "kept". An output that exists is left alone without
    --overwrite: status "skipped", exit code 1. The ratio is before / after.

    With --target, each picture gets the quality that reaches it, measured on the final bytes: a file as large as allowed (kB is 1000
    bytes, KiB 1024), or the smallest that scores as high. Where no quality does, nothing is written and the range is told. A JPEG
    that can be that small without loss loses nothing.

    \b
    Examples:
      codec compress photo.png -o photo.jpg
      codec compress holiday/ -o smaller/ -q 80 --json > report.json
      codec compress photo.png -o upload.jpg --target size:200kB
      codec compress logo.png -o logo.jpg --background '#f0f0f0' --subsampling 4:4:4
      codec compress *.tif -o web/ --strip -j 4
      cat photo.png | codec compress - -q 60 > photo.jpg
    """
    from ..formats.pictures import READABLE_SUFFIXES
    from ..limits import DEFAULT_LIMITS, Limits

    if options["quality"] is not None and options["target"]:
        raise click.UsageError(
            "--quality and --target exclude each other: a target is what the quality is searched for"
        )
    if not options["target"]:
        options["quality"] = options["quality"] or 75
    todo = plan(inputs, output, as_json=as_json, rename=jpeg_name, suffixes=READABLE_SUFFIXES)
    for job in todo:
        check_name(job)
    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    rows = run(
        todo,
        lambda data, job: compress_one(data, limits=limits, **options),
        threads=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    report("compress", rows, as_json=as_json, dry_run=dry_run, settings=options)
