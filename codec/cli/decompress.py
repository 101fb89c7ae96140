"""`codec decompress`: JPEG to a lossless format."""

import click

from . import _options as options
from ._jobs import perform


@click.command()
@options.inputs
@options.output()
@click.option(
    "-f",
    "--format",
    "to",
    type=options.Known("formats.pictures:SUFFIXES"),
    help="Output format.  [default: by the suffix of OUT, else png]",
)
@click.option(
    "--conceal", is_flag=True, help="Decode damaged files as far as possible, and report on stderr what is lost."
)
@options.max_pixels
@options.jobs
@options.overwrite
@options.as_json_not_table
def decompress(inputs, output, to, conceal, limits, jobs, overwrite, as_json):
    """Decode JPEG files to PNG, PPM/PGM or TIFF.

    INPUTS are JPEG files, folders (searched recursively, recreated as the same tree in OUT), or - for stdin. PNG keeps
    the ICC profile, EXIF and XMP, TIFF the ICC profile and XMP, PPM nothing. Pixels are not turned; the orientation tag
    is kept with EXIF. CMYK needs TIFF.

    A damaged file fails, and nothing is written for it. With --conceal the lost part is concealed and described on
    stderr, and the exit code is 0.

    \b
    Examples:
      codec decompress photo.jpg -o photo.png
      codec decompress photos/ -o decoded/ --format ppm
      codec decompress broken.jpg -o saved.png --conceal
      codec decompress photo.jpg -o - | other-program
    """
    from ..batch import DecompressTask

    perform(
        "decompress",
        DecompressTask(to, conceal, limits),
        inputs,
        output,
        jobs=jobs,
        overwrite=overwrite,
        as_json=as_json,
        settings={"format": to, "conceal": conceal},
    )
