"""`codec metrics`: compare pictures and clips with their originals."""

import math
import os
from dataclasses import dataclass, field

import click

from . import _options as options
from ._common import Failure, echo_json, say, warn
from ._names import METRICS
from ._pairs import PIPE, pairs

WORST = ("min", "max")  # of the frames of a clip


@dataclass
class Compared:
    """A pair and its scores. `scores` and `missing` (reasons) have names of metrics as keys."""

    reference: str
    distorted: str
    width: int = 0
    height: int = 0
    frames: int | None = None
    scores: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)
    pooled: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    error: str | None = None

    def to_json(self, names):
        """A dict of JSON types; a metric that could not be computed is null."""
        size = {"width": self.width, "height": self.height}
        content = {"reference": self.reference, "distorted": self.distorted, **(size if self.width else {})}
        if self.frames is not None:
            content |= {"frames": self.frames, "pooled": {name: _written(ways) for name, ways in self.pooled.items()}}
        scores = _written({name: self.scores.get(name) for name in names})
        return {**content, "metrics": scores, "missing": self.missing, "warnings": self.warnings, "error": self.error}


def _written(values):
    return {name: str(value) if value is not None and math.isinf(value) else value for name, value in values.items()}


def _is_clip(name, data):
    from ..sources import clips, y4m

    return data.startswith(y4m.SIGNATURE) or os.path.splitext(name)[1].lower() in clips.READABLE_SUFFIXES


def load(name):
    """A `codec.frame.Video`, or a picture as `formats.pictures` reads it with alpha; and its warnings."""
    from ..formats import pictures
    from ..sources import clips
    from ..sources.files import read_bytes, read_stdin

    data = read_stdin() if name == PIPE else read_bytes(name)
    if _is_clip(name, data):
        clip = clips.load(data)
        return clip, list(clip.warnings)
    picture = pictures.load(data, alpha=True, deep=True)
    notes = list(picture.warnings)
    if picture.alpha is not None:
        notes.append("transparent pixels were laid on white; transparency itself is not scored")
    return (picture, data), notes


def _samples(picture, data):
    """Pixels without alpha, and deeper ones over the whole range of 16 bits, as metrics expect."""
    import numpy as np

    from .. import probe
    from ..formats import pictures
    from ..frame import spread

    if picture.alpha is not None:
        picture = pictures.load(data, background="white")
    pixels = picture.pixels
    return spread(pixels, probe(data).precision) if pixels.dtype == np.uint16 and picture.format == "JPEG" else pixels


def _colours(picture):
    """What the samples mean: "sRGB" for sRGB and for no statement, else the profile or what PNG chunks say."""
    from ..formats import pictures, profiles

    icc = pictures.profiled(picture).metadata.icc
    if icc:
        return "sRGB" if b"sRGB" in icc or "sRGB".encode("utf-16-be") in icc else icc
    return profiles.names(picture.color_chunks) or "sRGB"


def _differences(one, other):
    """Warnings about what the two pictures say of their pixels and metrics do not see."""
    from ..jpeg.exif import upright_orientation

    colours = [_colours(picture) for picture in (one, other)]
    if colours[0] != colours[1]:
        named = ["an ICC profile" if isinstance(colour, bytes) else colour for colour in colours]
        if named[0] == named[1]:
            named = ["one ICC profile", "another"]
        yield (
            f"the colours differ in meaning: the original has {named[0]}, the result {named[1]}; samples were compared "
            "as stored, so the scores do not tell what is seen"
        )
    turned = [upright_orientation(picture.metadata.exif) for picture in (one, other)]
    if turned[0] != turned[1]:
        yield f"EXIF orientations differ ({turned[0]} and {turned[1]}); pixels were compared as stored"
    if not _same_alpha(one.alpha, other.alpha):
        yield "the transparency of the two differs"


def _same_alpha(one, other):
    import numpy as np

    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _both(one, other):
    """Arrays of two pictures that can be compared, and warnings about what was converted."""
    import numpy as np

    notes, (a, b) = [], (_samples(*one), _samples(*other))
    if {a.ndim, b.ndim} == {2, 3} and 4 not in (*a.shape[2:], *b.shape[2:]):
        a, b = (x if x.ndim == 3 else np.dstack([x] * 3) for x in (a, b))
        notes.append(f"the {'original' if one[0].pixels.ndim == 2 else 'result'} is gray and was compared as RGB")
    if a.dtype != b.dtype:
        a, b = (x if x.dtype == np.uint16 else x.astype(np.uint16) * 257 for x in (a, b))
        notes.append("one picture has more than 8 bits per sample, the other 8; both were compared at 16 bits")
    return a, b, notes


def compared(reference, distorted, names):
    """The `Compared` of two files; CodecErrors become its `error`."""
    from ..errors import CodecError
    from ..frame import Video
    from ..rd.content import score

    found = Compared(reference, distorted)
    try:
        (a, of_a), (b, of_b) = load(reference), load(distorted)
        found.warnings += [
            f"{name}: {text}" for name, notes in ((reference, of_a), (distorted, of_b)) for text in notes
        ]
        if isinstance(a, Video) != isinstance(b, Video):
            raise Failure(f"{reference if isinstance(a, Video) else distorted} is a clip and the other a picture")
        if isinstance(a, Video):
            found.frames, found.width, found.height = len(a.frames), a.width, a.height
            if a.rotation != b.rotation:
                found.warnings.append(f"rotations differ ({a.rotation} and {b.rotation} degrees)")
        else:
            found.warnings += _differences(a[0], b[0])
            a, b, notes = _both(a, b)
            found.warnings += notes
            found.height, found.width = a.shape[:2]
        found.scores, found.missing, found.pooled = score(names, a, b)
    except (CodecError, Failure) as error:
        found.error = str(error)
    else:
        if not found.scores:  # not for lack of size, but because nothing can be compared
            found.error = "; ".join(dict.fromkeys(found.missing.values()))
    return found


class MetricsCommand(click.Command):
    """Lists the metrics below its options."""

    def format_options(self, ctx, formatter):
        super().format_options(ctx, formatter)
        with formatter.section("Metrics (all of them: --metric all)"):
            formatter.write_dl(
                [
                    (name, f"{summary}; {unit + ', ' if unit else ''}{'lower' if lower else 'higher'} is better")
                    for name, (summary, unit, lower) in METRICS.items()
                ]
            )  # fmt: skip


@click.command(cls=MetricsCommand)
@click.argument("reference", metavar="A")
@click.argument("distorted", metavar="B")
@options.metrics("Comma-separated, or all.", "names")
@options.as_json("One JSON object on stdout instead of lines.")
def metrics(reference, distorted, names, as_json):
    """Measure the difference between B and its original A: two pictures, two clips, or many pairs.

    Pictures may have any format that codec compress reads, clips any that codec rd sweep reads; one may be - for stdin.
    They must have the same size. Two folders, or two quoted patterns, are matched by name without suffix; what has no
    partner is listed, and the exit code is 1. Folders are read as by codec compress: pictures are also recognized by
    their contents; hidden files, links and other kinds of file are listed with the reason and left out; pictures of a
    format that is not read are listed too, and the exit code is 1.

    Pixels are compared as stored, regardless of orientation and colour profiles; a warning says where these differ, and
    where samples were converted. R, G and B have equal weight. A metric that a picture is too small for is shown as "-"
    with the reason. Scores of clips are means over the frames, which must be aligned; the worst frame follows.

    \b
    Examples:
      codec metrics photo.png photo.jpg
      codec metrics photo.png photo.jpg --metric all --json
      codec metrics originals/ smaller/ --metric ssimulacra2
      codec metrics 'originals/*.png' 'smaller/*.jpg'
      codec metrics clip.y4m decoded.mp4 --metric psnr_y,ssim_y
      codec compress photo.png -o - | codec metrics photo.png -
    """
    if reference == distorted == PIPE:
        raise click.UsageError("stdin (-) is one picture; name a file for the other")
    todo = pairs(reference, distorted)
    command = click.get_current_context().command
    rows = [_said(compared(a, b, names), command) for a, b in todo.found]
    if as_json:
        _as_json(rows, todo, names)
    elif todo.several:
        _table(rows, names)
    else:
        _lines(rows[0], names)
    _tell(rows, todo, as_json)


def _said(row, command):
    """The row with messages in the words of the command."""
    from ._words import spoken

    row.error = row.error and spoken(row.error, command)
    row.missing = {name: spoken(reason, command) for name, reason in row.missing.items()}
    return row


def _means(rows, names):
    """{name: mean over the rows that have it}"""
    lists = {name: [row.scores[name] for row in rows if name in row.scores] for name in names}
    return {name: sum(values) / len(values) for name, values in lists.items() if values}


def _as_json(rows, todo, names):
    from ..metrics.names import facts

    variants = {name: facts(name).variant for name in names if facts(name).variant}
    if todo.several:
        left_out = {
            side: [{"path": found.path, "status": found.status, "reason": found.reason} for found in files]
            for side, files in todo.left_out.items()
        }
        content = {"pairs": [row.to_json(names) for row in rows], "unpaired": todo.unpaired, "left_out": left_out}
        echo_json("metrics", **content, mean=_written(_means(rows, names)), variants=variants)
    else:
        echo_json("metrics", **rows[0].to_json(names), variants=variants)


def _lines(row, names):
    """One line per metric: name, value, unit, and the worst frame of a clip."""
    from ..metrics.names import facts

    for name in names if row.error is None else ():
        if name in row.missing:
            click.echo(f"{name}\t-\t{row.missing[name]}")
            continue
        worst = [f"worst frame {row.pooled[name][way]:.6g}" for way in WORST if way in row.pooled.get(name, ())]
        click.echo("\t".join(filter(None, [name, f"{row.scores[name]:.6g}", facts(name).unit, *worst])))


def _table(rows, names):
    from .rd.lab import cells

    lines = [
        {"original": row.reference, "result": row.distorted, **{n: row.scores.get(n) for n in names}} for row in rows
    ]
    if rows:
        means = _means(rows, names)
        cells([*lines, {"original": f"mean of {len(rows)}", "result": "", **{n: means.get(n) for n in names}}])


def _tell(rows, todo, as_json):
    """Warnings, failures, files left out and names without partners on stderr; exit code 1 if a picture or clip was
    not compared.
    """
    for row in rows:
        for message in row.warnings:
            say(f"warning: {message}")
        if todo.several:
            for name, reason in row.missing.items() if row.error is None else ():
                warn(row.reference, f"no {name}: {reason}")
    problems = [row.error if not todo.several else f"{row.reference}: {row.error}" for row in rows if row.error]
    problems += [f"no partner: {name}" for side in todo.unpaired.values() for name in side]
    left_out = [found for side in todo.left_out.values() for found in side]
    problems += [f"{found.path}: {found.reason}" for found in left_out if found.status == "failed"]
    for found in left_out:
        if found.status == "ignored":
            say(f"left out: {found.path}: {found.reason}")
    if problems:
        say("\n".join(problems))
        click.get_current_context().exit(1)
