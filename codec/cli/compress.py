"""`codec compress`: pictures of any format to JPEG."""
import os

import click

from ._common import check_color
from ._jobs import Result, plan, report, run


def jpeg_name(name):
    from ..pictures import JPEG_SUFFIXES

    stem, suffix = os.path.splitext(name)
    return name if suffix.lower() in JPEG_SUFFIXES else stem + ".jpg"


def check_name(job):
    from ..pictures import JPEG_SUFFIXES, READABLE_SUFFIXES

    suffix = os.path.splitext(job.target)[1].lower()
    if suffix in READABLE_SUFFIXES and suffix not in JPEG_SUFFIXES:
        raise click.UsageError(f"the output is a JPEG, and {job.target} says it is not; name it {os.path.splitext(job.target)[0]}.jpg")


def not_carried(data, metadata):
    """What a source JPEG holds beyond one picture and its metadata; a re-encoded file has none of it."""
    from .. import jpeg

    parts = jpeg.inspect(data)
    if parts["multi_picture"]:
        yield "an index of further pictures (MPF) is not carried over"
    if metadata.xmp and b"hdrgm:" in metadata.xmp:
        yield "its HDR gain map is not carried over: the picture will look like its SDR version"
    if parts["bytes"]["other"]:
        yield f"{parts['bytes']['other']} bytes behind the picture (a gain map, preview or motion photo) are not carried over"


def compress_one(data, *, background, strip, limits, **options):
    from .. import jpeg, pictures

    picture = pictures.load(data, background=background, limits=limits)
    pixels, metadata = picture.pixels, picture.metadata
    if strip:
        pixels, metadata = pictures.strip(pixels, metadata)
    color = "ycck" if pixels.ndim == 3 and pixels.shape[2] == 4 else "auto"
    encoded = jpeg.encode(pixels, metadata=metadata, color=color, **options)
    facts = {"width": encoded.width, "height": encoded.height, "bpp": round(encoded.bpp, 4), "subsampling": encoded.subsampling}
    warnings = [*picture.warnings, *encoded.warnings]
    if picture.format == "JPEG":
        if len(encoded.data) >= len(data) and may_keep(data, picture.metadata, strip, options["progressive"]):
            return Result(data, "kept", picture.warnings, facts)
        warnings += not_carried(data, picture.metadata)
    elif len(encoded.data) > len(data):
        warnings.append("the JPEG is larger than its source; flat graphics and tiny pictures do better as PNG")
    return Result(encoded.data, "done", warnings, facts)


def may_keep(data, metadata, strip, progressive):
    """Whether a source JPEG is an answer too: it must not bring back metadata, nor be of the process that was ruled out."""
    from .. import probe

    if strip and metadata.size:
        return False
    return progressive is None or progressive == (probe(data).process == "progressive")


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option("-o", "--output", metavar="OUT", help="File for one picture, folder for several (created), - for stdout.")
@click.option("-q", "--quality", type=click.IntRange(1, 100), default=75, show_default=True, help="1 is smallest, 100 is best.")
@click.option("--effort", type=click.IntRange(1, 9), default=5, show_default=True, help="1 is fastest, 9 searches longest.")
@click.option("--subsampling", type=click.Choice(["auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0"]), default="auto", show_default=True,
              help="Resolution of the colour components.")
@click.option("--progressive/--baseline", default=None, help="Force the process.  [default: progressive from effort 5 on]")
@click.option("--strip", is_flag=True, help="Drop EXIF, XMP, IPTC, comments and the ICC profile; pixels are turned upright.")
@click.option("--background", metavar="COLOR", callback=check_color, help="Behind transparent pixels: a name or #rrggbb.  [default: white]")
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

    A JPEG that would not become smaller is copied as it is: status "kept". An output that exists is left alone without
    --overwrite: status "skipped", exit code 1. The ratio is before / after.

    \b
    Examples:
      codec compress photo.png -o photo.jpg
      codec compress holiday/ -o smaller/ -q 80 --json > report.json
      codec compress logo.png -o logo.jpg --background '#f0f0f0' --subsampling 4:4:4
      codec compress *.tif -o web/ --strip -j 4
      cat photo.png | codec compress - -q 60 > photo.jpg
    """
    from ..limits import DEFAULT_LIMITS, Limits
    from ..pictures import READABLE_SUFFIXES

    todo = plan(inputs, output, as_json=as_json, rename=jpeg_name, suffixes=READABLE_SUFFIXES)
    for job in todo:
        check_name(job)
    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    rows = run(todo, lambda data, job: compress_one(data, limits=limits, **options), threads=jobs, overwrite=overwrite, dry_run=dry_run)
    report("compress", rows, as_json=as_json, dry_run=dry_run, settings=options)
