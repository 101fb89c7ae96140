"""`codec palette --animate`."""

import os
from functools import partial

import click

from ..errors import CodecError
from ._jobs import claim_stdout, output_or_pipe
from ._progress import progress
from ._report import PIPE, report


def animate(
    inputs,
    output,
    *,
    fixed,
    fps,
    lossy,
    loops,
    width,
    as_json,
    overwrite,
    dry_run,
    limits,
    oxipng,
    strip,
    method,
    floor,
    dither,
    **options,
):
    from ..batch import row_of
    from ..palette.animator import format_of
    from ..sources.files import sweep

    output = output_or_pipe(inputs, output, "FILE.gif, -o FILE.apng")
    if lossy is not None and options["target"]:
        raise click.UsageError("--lossy and --target exclude each other: a target searches for the lossiness")
    if oxipng or floor or fixed is not None or method != "kmeans" or dither not in ("none", "floyd-steinberg"):
        raise click.UsageError(
            "animations support --dither floyd-steinberg or none, and no --method, --palette, --floor or --oxipng"
        )
    try:
        form = format_of(None if output == PIPE else output)
    except CodecError as error:
        raise click.UsageError(str(error)) from error
    sources, notes = _frames(inputs, output)
    if output == PIPE:
        claim_stdout(as_json, "animation")
    strength = 0.0 if dither == "none" else options.pop("dither_strength")
    settings = options | {"dither_strength": strength, "fps": fps, "lossy": lossy, "loops": loops}
    settings |= {"width": width, "strip": strip}
    given = {name: value for name, value in settings.items() if value is not None}
    if loops == "once":
        given["loops"] = None
    name = inputs[0] if len(inputs) == 1 else f"{len(sources)} frames"
    if output != PIPE and not dry_run:
        sweep(os.path.dirname(output))
    work = partial(_animated, sources, notes, form, limits, given)
    row = row_of(name, output, work, overwrite=overwrite, dry_run=dry_run)
    report("palette", [row], as_json=as_json, dry_run=dry_run, settings=settings)


def _frames(inputs, output):
    """Files in the order given, those of a folder in natural order, and warnings about what a folder holds besides; the
    output may not be among them.
    """
    from ..formats.sequence import folder, left_out

    if PIPE in inputs and len(inputs) > 1:
        raise click.UsageError("stdin (-) is one animation or clip; give it alone")
    sources, notes = [], _order(inputs)
    for name in inputs:
        found, others = folder(name) if os.path.isdir(name) else ([name], [])
        sources += found
        notes += left_out(name, others)
    if not sources:
        raise click.UsageError("; ".join(["no pictures found; there is nothing to animate", *notes]))
    if output != PIPE and os.path.realpath(output) in map(os.path.realpath, sources):
        raise click.UsageError(f"the output would overwrite the input {output}; choose another file with -o")
    return sources, notes


def _order(inputs):
    """A warning where a shell has put f10 before f2."""
    from ..formats.sequence import natural

    wanted = sorted(inputs, key=natural)
    if list(inputs) == wanted or list(inputs) != sorted(inputs):
        return []
    at = next(at for at, (one, other) in enumerate(zip(inputs, wanted)) if one != other)
    return [f"frames follow in the order given, {inputs[at]} before {wanted[at]}: name their folder for natural order"]


def _animated(sources, notes, form, limits, given):
    from ..batch import Result
    from ..formats.animation import animate as make
    from ..sources.files import read_stdin

    if sources == [PIPE]:
        sources = [read_stdin(limits)]
    with progress("frames") as bar:
        made = make(sources, format=form, limits=limits, progress=bar, **given)
    before = sum(len(source) if isinstance(source, bytes) else os.path.getsize(source) for source in sources)
    facts = {
        "format": made.format,
        "width": made.width,
        "height": made.height,
        "frames": made.frames,
        "seconds": float(made.seconds),
        "colors": made.colors,
        "palettes": made.palettes,
        "lossy": made.lossy,
        "below": list(made.below),
    }
    if made.target:
        facts |= {"target": made.target, "achieved": made.size}
    return before, Result(made.data, "kept" if made.kept else "done", (*notes, *made.warnings), facts)
