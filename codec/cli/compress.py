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
    help="Force the process.  [default: as the effort has it, 4 to 9 progressive]",
)
@click.option(
    "--tune",
    type=options.Known("jpeg.params:TUNES"),
    default="ssimulacra2",
    show_default=True,
    help="The measure that sizes are won for; the last two are plain tables.",
)
@click.option(
    "--strip", is_flag=True, help="Drop EXIF, XMP, IPTC, comments and the ICC profile; pixels are turned upright."
)
@options.color(
    "--background",
    help="Behind transparent pixels: a name or #rrggbb.  [default: white]",
)
@click.option("--force", is_flag=True, help="Encode a JPEG again even where that costs more quality than it saves.")
@options.max_pixels
@options.jobs
@options.overwrite
@options.dry_run
@options.as_json_not_table
def compress(inputs, output, limits, jobs, overwrite, dry_run, as_json, background, strip, force, **encoding):
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
    from ..batch import CompressTask
    from ..jpeg import EncodeOptions

    if encoding["quality"] is not None and encoding["target"]:
        raise click.UsageError(
            "--quality and --target exclude each other: a target is what the quality is searched for"
        )
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
