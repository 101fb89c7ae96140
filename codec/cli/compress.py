"""`codec compress`: pictures of any format to JPEG."""

import click

from . import _options as options
from ._jobs import perform


@click.command()
@options.inputs
@options.output()
@options.quality(help="1 is smallest, 100 is best; fractions down to 1/64.  [default: 75]")
@options.target(
    "--target",
    help="In place of --quality: size:200kB or bpp:1.0 at most; psnr:40, ssim:0.98, ssimulacra2:85 at least.",
)
@click.option(
    "--effort",
    type=click.IntRange(1, 9),
    default=5,
    show_default=True,
    help="1 is fastest, 9 searches longest.",
)
@click.option(
    "--subsampling",
    type=options.Known("jpeg.params:SUBSAMPLING", ("auto",)),
    default="auto",
    show_default=True,
    help="Resolution of the colour components.",
)
@click.option(
    "--progressive/--baseline",
    default=None,
    help="Force the process.  [default: progressive from effort 4 on]",
)
@click.option(
    "--tune",
    type=options.Known("jpeg.params:TUNES"),
    default="ssimulacra2",
    show_default=True,
    help="The metric to optimise for; the last two are plain tables.",
)
@click.option(
    "--strip", is_flag=True, help="Drop EXIF, XMP, IPTC, comments and the ICC profile; turn the pixels upright."
)
@options.color(
    "--background",
    help="Colour behind transparent pixels: a name or #rrggbb.  [default: white]",
)
@click.option("--force", is_flag=True, help="Encode a JPEG again even if that loses more quality than it saves bytes.")
@options.max_pixels
@options.jobs
@options.overwrite
@options.dry_run
@options.as_json_not_table
def compress(inputs, output, limits, jobs, overwrite, dry_run, as_json, background, strip, force, **encoding):
    """Compress pictures to JPEG.

    INPUTS are JPEG, PNG, TIFF, WebP, GIF, BMP, PPM, AVIF, JPEG 2000 or QOI files, folders (searched recursively,
    recreated as the same tree in OUT), or - for stdin. Inputs are never overwritten. Metadata is kept, including the
    orientation tag; pixels are not turned.

    A JPEG whose quality is already near or below the one asked for is not encoded again, since that would lose more
    than it saves: it is rewritten without loss, as by codec transcode (--force encodes it). A JPEG that would not
    become smaller is copied: status "kept". An existing output is left alone without --overwrite: status "skipped",
    exit code 1. The ratio is before / after.

    With --target, the quality is searched for each picture and measured on the final bytes: the best file within the
    size (kB is 1000 bytes, KiB 1024), or the smallest with the score. If no quality reaches it, nothing is written and
    the possible range is reported. A JPEG that meets a size without loss is rewritten without loss.

    \b
    Examples:
      codec compress photo.png -o photo.jpg
      codec compress holiday/ -o smaller/ -q 80 --json > report.json
      codec compress photo.png -o upload.jpg --target size:200kB
      codec compress logo.png -o logo.jpg --background '#f0f0f0' --subsampling 4:4:4
      codec compress *.tif -o web/ --strip -j 4
      cat photo.png | codec compress - -q 60 > photo.jpg
    """
    from ..batch import CompressTask
    from ..jpeg import EncodeOptions

    if encoding["quality"] is not None and encoding["target"]:
        raise click.UsageError("--quality and --target exclude each other: a target searches for the quality")
    asked = EncodeOptions(**encoding)
    perform(
        "compress",
        CompressTask(asked, background=background, strip=strip, force=force, limits=limits),
        inputs,
        output,
        jobs=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
        as_json=as_json,
        settings=encoding | {"quality": asked.quality, "strip": strip, "background": background, "force": force},
    )
