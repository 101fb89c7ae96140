"""`codec palette`: pictures of few colours as PNG-8, and animations."""

import click

from . import _options as options
from ._animate import animate
from ._jobs import perform
from ._sheet import sheet


def _palette(value):
    """Parse a name, or colours separated by commas."""
    from ..palette.fixed import as_palette

    return as_palette(value.split(",") if "#" in value else value)


class Loops(click.IntRange):
    """0 to 65535, or "once"."""

    name = "loops"

    def __init__(self):
        super().__init__(0, 65535)

    def convert(self, value, param, ctx):
        return value if value == "once" else super().convert(value, param, ctx)


@click.command()
@options.inputs
@options.output("picture or animation")
@click.option(
    "-c",
    "--colors",
    type=click.IntRange(1, 256),
    default=256,
    show_default=True,
    metavar="N",
    help="Largest number of colours.",
)
@options.target(
    "--target",
    help=(
        "size:100kB: as many colours as fit. psnr:40, ssimulacra2:85: the fewest that reach it. Animations: size:500kB."
    ),
)
@options.target(
    "--floor",
    help="A score that is accepted if --target cannot be reached.",
)
@click.option(
    "--palette",
    "fixed",
    metavar="NAME|COLORS",
    callback=options.checked(_palette),
    help="Use these colours: web-safe, ega, gray, gray-16, black-white, or '#rrggbb,#rrggbb,...'.",
)
@click.option(
    "--space",
    type=options.Known("palette.spaces:SPACES"),
    default="oklab",
    show_default=True,
    help="Colour space of the error: oklab for the eye, srgb for PSNR.",
)
@click.option(
    "--method",
    type=options.Known("palette.choose:METHODS"),
    default="kmeans",
    show_default=True,
    help="How colours are chosen.",
)
@click.option(
    "--dither",
    type=options.Known("palette.dither:DITHERS", ("none",)),
    default="floyd-steinberg",
    show_default=True,
    help="How errors are spread; animations support the first two.",
)
@click.option(
    "--dither-strength",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="0..1.  [default: depends on the number of colours]",
)
@click.option("--strip", is_flag=True, help="Drop the ICC profile too.")
@click.option("--oxipng", is_flag=True, help="Recompress with oxipng (pip install codec[png]).")
@click.option(
    "--animate",
    "animated",
    is_flag=True,
    help="Make one GIF or APNG: INPUTS are its frames, an animation, or a clip.",
)
@click.option("--fps", metavar="N", help="Frames per second, also 30000/1001.  [default: the clip's; 25 for pictures]")
@click.option(
    "--lossy",
    type=click.IntRange(0, 200),
    metavar="N",
    help="Loss in an animation: 0 none, 40 visible.  [default: 20]",
)
@click.option(
    "--loops",
    type=Loops(),
    metavar="N|once",
    help="How often an animation restarts (N + 1 plays); 0: forever.  [default: as the source, 0 for pictures and "
    "clips]",
)
@click.option(
    "--width",
    type=click.IntRange(1),
    metavar="N",
    help="Scale an animation down to this width (Lanczos filter); the aspect ratio stays.",
)
@click.option(
    "--sheet",
    "sheet_path",
    metavar="FILE.png",
    help="Write a comparison of methods on one picture instead, with sizes and scores.",
)
@options.max_pixels
@options.jobs
@options.overwrite
@options.dry_run
@options.as_json_not_table
def palette(
    inputs,
    output,
    fixed,
    animated,
    fps,
    lossy,
    loops,
    width,
    sheet_path,
    limits,
    jobs,
    overwrite,
    dry_run,
    as_json,
    strip,
    **choices,
):
    """Reduce pictures to a palette: PNG-8, or animated GIF and PNG.

    INPUTS are pictures of any format that codec compress reads, folders (searched recursively, recreated as the same
    tree in OUT), or - for stdin. Inputs are never overwritten. Transparency is kept and the picture is turned
    upright. The ICC profile, the density, and gAMA, cHRM and cICP of a PNG are kept, other metadata is dropped.
    Pictures with no more colours than asked for are stored exactly.

    With --animate, INPUTS become one .gif or .apng (.png): frames of one size in the order given (those of a folder in
    natural order, f2 before f10; hidden files, folders and other files are named and left out), one animated picture,
    the pages of one TIFF, or a clip, whose duration stays the same at any --fps. GIF has at most 50 frames per second
    and no partial transparency. Colour profiles are kept in .apng and converted to sRGB for .gif. An animation that
    would grow in its own format is kept as it is, unless --fps, --width, --colors, --loops or --strip ask for a change.

    \b
    Examples:
      codec palette logo.png -o small.png --colors 64 --dither blue-noise
      codec palette icons/ -o small/ --json > report.json
      codec palette photo.jpg -o photo.png --target ssimulacra2:80
      codec palette --animate frames/*.png -o out.gif --fps 25
      codec palette --animate clip.mp4 -o out.gif --target size:500kB
      codec palette photo.jpg --sheet methods.png
      cat photo.jpg | codec palette - > photo.png
    """
    from ..batch import PaletteTask

    if choices["dither"] == "none" and choices["dither_strength"] is not None:
        raise click.UsageError("--dither-strength needs a --dither: none spreads no error")
    shared = {"as_json": as_json, "overwrite": overwrite, "dry_run": dry_run, "limits": limits}
    moving = {"fps": fps, "lossy": lossy, "loops": loops, "width": width}
    if animated:
        animate(inputs, output, fixed=fixed, strip=strip, **moving, **shared, **choices)
        return
    stray = [name for name, value in moving.items() if value is not None]
    if stray:
        raise click.UsageError(f"--{stray[0]} is for animations: add --animate")
    if sheet_path:
        sheet(inputs, sheet_path, colors=choices["colors"], **shared)
        return
    if choices["floor"] is None:
        del choices["floor"]
    if choices["dither"] == "none":
        choices["dither"] = None
    choices["palette"] = None if fixed is None else fixed.tolist()
    perform(
        "palette",
        PaletteTask(choices, strip, limits),
        inputs,
        output,
        jobs=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
        as_json=as_json,
        settings=choices | {"strip": strip},
    )
