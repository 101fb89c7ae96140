"""`codec palette`: pictures of few colours as PNG-8, and animations."""

import os

import click

from ._animate import animate
from ._common import check_target
from ._jobs import Result, plan, report, run
from ._sheet import sheet

DITHERS = [
    "none",
    "floyd-steinberg",
    "jarvis-judice-ninke",
    "stucki",
    "atkinson",
    "sierra",
    "bayer",
    "blue-noise",
    "riemersma",
]


def png_name(name):
    return os.path.splitext(name)[0] + ".png"


def check_palette(ctx, param, value):
    """A name, or colours separated by commas."""
    from ..errors import ParameterError
    from ..palette.fixed import as_palette

    try:
        return value and as_palette(value.split(",") if "#" in value else value)
    except ParameterError as error:
        raise click.BadParameter(str(error)) from error


def palette_one(data, *, strip, limits, **options):
    from ..formats import pictures
    from ..palette import write_png

    picture = pictures.load(data, alpha=True, limits=limits)
    icc, warnings = None if strip else picture.metadata.icc, list(picture.warnings)
    if icc and icc[16:20] != b"RGB ":
        icc = None
        warnings.append("its ICC profile is not of RGB, as colours of a palette are, and was dropped")
    density = pictures.strip(picture.pixels, picture.metadata)[1].density
    made = write_png(pictures.seen(picture), icc=icc, density=density, **options)
    if made.size > len(data):
        warnings.append("the PNG is larger than its source: fewer colours or no dithering make it smaller")
    facts = {
        "width": made.width,
        "height": made.height,
        "colors": made.colors,
        "bits": made.bits,
        "mse": round(made.result.mse, 4),
    }
    if options["target"]:
        facts |= {"target": options["target"], "achieved": made.achieved}
    return Result(made.data, "done", warnings, facts)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="File for one picture or animation, folder for several (created), - for stdout.",
)
@click.option(
    "-c", "--colors", type=click.IntRange(1, 256), default=256, show_default=True, metavar="N", help="At most so many."
)
@click.option(
    "--target",
    metavar="WHAT:VALUE",
    callback=check_target,
    help="size:100kB: as many colours as fit. psnr:40, ssimulacra2:85: as few as reach it. Animations: size:500kB.",
)
@click.option(
    "--floor",
    metavar="WHAT:VALUE",
    callback=check_target,
    help="A score that is still accepted where --target is not reached.",
)
@click.option(
    "--palette",
    "fixed",
    metavar="NAME|COLORS",
    callback=check_palette,
    help="These colours: web-safe, ega, gray, gray-16, black-white, or '#rrggbb,#rrggbb,...'.",
)
@click.option(
    "--space",
    type=click.Choice(["oklab", "srgb", "linear", "ycbcr"]),
    default="oklab",
    show_default=True,
    help="Where differences are measured: oklab as the eye has it, srgb for PSNR.",
)
@click.option(
    "--method",
    type=click.Choice(["kmeans", "median-cut", "wu", "heckbert", "octree"]),
    default="kmeans",
    show_default=True,
    help="How colours are chosen.",
)
@click.option(
    "--dither",
    type=click.Choice(DITHERS),
    default="floyd-steinberg",
    show_default=True,
    help="How errors are spread; animations take the first two.",
)
@click.option(
    "--dither-strength",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="0..1.  [default: as the number of colours has it]",
)
@click.option("--strip", is_flag=True, help="Drop the ICC profile too.")
@click.option("--oxipng", is_flag=True, help="Let oxipng try once more (pip install codec[png]).")
@click.option(
    "--animate",
    "animated",
    is_flag=True,
    help="INPUTS are the frames of one GIF or APNG: pictures, an animation, or a clip.",
)
@click.option("--fps", metavar="N", help="Frames per second, also 30000/1001.  [default: the clip's; 25 for pictures]")
@click.option(
    "--lossy", type=click.IntRange(0, 200), metavar="N", help="Of an animation: 0 none, 40 visible.  [default: 20]"
)
@click.option(
    "--loops", type=click.IntRange(0, 65535), metavar="N", help="How often it starts again.  [default: 0, for ever]"
)
@click.option(
    "--sheet",
    "sheet_path",
    metavar="FILE.png",
    help="Instead: methods side by side, with sizes and scores, of one picture.",
)
@click.option("--max-pixels", type=click.IntRange(1), metavar="N", help="Refuse larger pictures.  [default: 178956970]")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Pictures at a time.  [default: one per CPU]")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist; otherwise they are skipped.")
@click.option("-n", "--dry-run", is_flag=True, help="Do the work and tell the sizes, but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of the table.")
def palette(
    inputs,
    output,
    fixed,
    animated,
    fps,
    lossy,
    loops,
    sheet_path,
    max_pixels,
    jobs,
    overwrite,
    dry_run,
    as_json,
    **options,
):
    """Reduce pictures to a palette: PNG-8, or animated GIF and PNG.

    INPUTS are pictures of any format that codec compress reads, folders (with everything below, as the same tree in OUT), or - for stdin.
    Inputs are never overwritten. Transparency is kept, the picture is turned upright; the ICC profile and the density are kept, other
    metadata is not. Pictures that have no more colours than asked for stay exactly as they are.

    With --animate, INPUTS become one .gif or .apng (.png), in the order given, a folder in that of its names: frames of one size, one
    animated picture, or a clip, which takes as long as it took whatever --fps says. GIF has 50 frames per second at most.

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
    from ..formats.pictures import READABLE_SUFFIXES
    from ..limits import DEFAULT_LIMITS, Limits

    limits = Limits(pixels=max_pixels) if max_pixels else DEFAULT_LIMITS
    shared = {"as_json": as_json, "overwrite": overwrite, "dry_run": dry_run, "limits": limits}
    if animated:
        animate(inputs, output, fixed=fixed, fps=fps, lossy=lossy, loops=loops, **shared, **options)
        return
    stray = [name for name, value in (("--fps", fps), ("--lossy", lossy), ("--loops", loops)) if value is not None]
    if stray:
        raise click.UsageError(f"{stray[0]} is of animations: add --animate")
    if sheet_path:
        sheet(inputs, sheet_path, colors=options["colors"], **shared)
        return
    if options["floor"] is None:
        del options["floor"]
    options |= {"dither": None if options["dither"] == "none" else options["dither"], "palette": fixed}
    todo = plan(inputs, output, as_json=as_json, rename=png_name, suffixes=READABLE_SUFFIXES)
    for job in todo:
        if job.target != "-" and os.path.splitext(job.target)[1].lower() != ".png":
            raise click.UsageError(
                f"the output is a PNG, and {job.target} does not say so; name it {png_name(job.target)}"
            )
    rows = run(
        todo,
        lambda data, job: palette_one(data, limits=limits, **options),
        threads=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    report(
        "palette",
        rows,
        as_json=as_json,
        dry_run=dry_run,
        settings=options | {"palette": None if fixed is None else fixed.tolist()},
    )
