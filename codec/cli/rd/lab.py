"""Shared by the verbs of `codec rd`: lists of settings, folders of inputs, tables, files of rows."""

import os
import pathlib
import sys
from dataclasses import replace

import click

from .._common import printable, say

FORMATS = {
    "bpp": ".3f",
    "kbit/s": ".1f",
    "share": ".2f",
}


def numbers(ctx, param, value):
    """Parse "30,50,70" or "20:95:5" (first, last, step, by default 1; the last is included if a step hits it)."""
    from ...registry import numbers as parsed

    if value is None:
        return None
    try:
        return parsed(value)
    except (TypeError, ValueError) as error:
        raise click.BadParameter(
            f"{value!r} is neither numbers such as 30,50,70 nor a range such as 20:95:5 (first, last, "
            "step; without it 1)"
        ) from error


def expand(images, media):
    """Yield files unchanged, and for folders the pictures, or videos, below them, sorted."""
    from ...formats import pictures
    from ...sources import clips

    suffixes = (pictures if media == "image" else clips).READABLE_SUFFIXES
    for image in images:
        if pathlib.Path(image).is_dir():
            below = sorted(pathlib.Path(image).rglob("*"))
            yield from (
                str(path)
                for path in below
                if path.suffix.lower() in suffixes and path.is_file() and not path.is_symlink()
            )
        else:
            yield image


def inputs(images, media):
    """The files of `expand`; a usage error that says what is there instead, if there are none."""
    found = list(expand(images, media))
    if found:
        return found
    other = "video" if media == "image" else "image"
    count, nouns = len(list(expand(images, other))), {"image": "picture", "video": "video"}
    instead = f" ({count} {nouns[other]}{'' if count == 1 else 's'})" if count else ""
    raise click.UsageError(f"{', '.join(images)}: no {nouns[media]}s there{instead}")


def labels(means, points):
    """Codec and settings, quality last; with the version if the rows have several versions of the codec."""
    versions = {}
    for point in points:
        versions.setdefault(point.codec, set()).add(point.codec_version)
    return [
        {
            "codec": f"{mean.codec} ({mean.codec_version})" if len(versions[mean.codec]) > 1 else mean.codec,
            **mean.setting,
        }
        for mean in means
    ]


def rate(mean):
    """The rate under the name of its unit."""
    from ...rd.points import RATES

    return {RATES[mean.media][0]: mean.rate}


def table(points):
    """Print means per codec and setting, over the pictures that have every row and metric; the codec is omitted if
    there is only one.
    """
    from ...errors import ParameterError
    from ...rd.points import averageable, means, some_of

    partial = {point.picture for point in points if point.missing}
    points = [point for point in points if point.picture not in partial] or points
    for metric in dict.fromkeys(name for point in points for name in point.metrics):
        finite, lossless = averageable(points, metric)
        if finite and lossless:
            say(f"the means are without {some_of(lossless)}, which some settings keep without error by {metric}")
            kept = {point.picture for point in finite}
            points = [point for point in points if point.picture in kept]
    try:
        found = means(points)
    except ParameterError as error:
        say(f"no table of means: {error}")
        return
    several = len({mean.codec for mean in found}) > 1
    lines = []
    for mean in found:
        speeds = {"enc MP/s": mean.encode_mpixels_per_second, "dec MP/s": mean.decode_mpixels_per_second}
        codec = {"codec": mean.codec} if several else {}
        lines.append({**codec, **mean.setting, f"{mean.media}s": mean.images, **rate(mean), **mean.metrics, **speeds})
    cells(lines)


def cells(lines, formats=FORMATS):
    """Print dicts as a table with the union of their keys as columns; tab-separated if stdout is not a terminal.

    formats : dict
        Of numbers, by column.
    """
    names = _union(lines)
    rows = [[_cell(name, line.get(name), formats) for name in names] for line in lines]
    if not sys.stdout.isatty():
        click.echo("\n".join("\t".join(row) for row in [names, *rows]))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*names, box=None, header_style="bold")
    for name, column in zip(names, shown.columns):
        column.justify = "left" if any(isinstance(line.get(name), str) for line in lines) else "right"
    for row in rows:
        shown.add_row(*map(Text, row))
    Console().print(shown)


def _union(lines):
    """All keys, in an order that follows each line: a key added by a later line is placed as in that line."""
    names = []
    for line in lines:
        at = 0
        for name in line:
            if name in names:
                at = names.index(name) + 1
            else:
                names.insert(at, name)
                at += 1
    return names


def _cell(name, value, formats=FORMATS):
    if value is None:
        return "-"
    if isinstance(value, str | bool):
        return printable(value)
    return format(value, _format(name, value, formats))


def _format(name, value, formats):
    from ...metrics.names import FACTS

    if name in FACTS:
        return f".{FACTS[name].decimals}f"
    if name.endswith(" MP/s"):
        return ".1f" if value >= 1 else ".2g"
    return formats.get(name, ".6g" if isinstance(value, float) else "")


def reasons(failures):
    """One line per picture and reason, with the number of settings."""
    groups = {}
    for failure in failures:
        groups.setdefault((failure.image, failure.reason), []).append(failure)
    for group in groups.values():
        yield str(group[0]) if len(group) == 1 else f"{group[0].image} at {len(group)} settings: {group[0].reason}"


def read_rows(paths):
    """(rows, outstanding failures, messages about malformed lines) of files. Failures and messages also go to stderr;
    the rows are used.

    NAME=FILE prefixes the versions in its rows with NAME, which makes them separate families.
    """
    from ...errors import FileError
    from ...rd import Point, outstanding, read_records

    records, problems = [], []
    for path in paths:
        name, path = split_name(path)
        found = read_records(path, problems=problems)
        records += (
            [replace(record, codec_version=f"{name}, {record.codec_version}") for record in found] if name else found
        )
    points, failures = [record for record in records if isinstance(record, Point)], outstanding(records)
    for message in [*problems, *(f"not measured: {reason}" for reason in reasons(failures))]:
        say(f"warning: {message}")
    if not points:
        raise FileError(f"{', '.join(paths)}: no rows; make some with `codec rd sweep -o {paths[0]}`")
    return points, failures, problems


def known_metrics(points, names):
    """The names, or those of the rows for "all"; a usage error if no row has one of them."""
    there = list(dict.fromkeys(name for point in points for name in point.metrics))
    if names == ["all"]:
        return there
    for name in names:
        if name not in there:
            raise click.UsageError(f"no row has the metric {name!r}: there are {', '.join(there) or 'none'}")
    return names


def known_family(points, name):
    """The family that the option --anchor denotes, or the first; a usage error if there is none or several."""
    from ...errors import ParameterError
    from ...rd.points import families, pick_family

    groups = families(points)
    try:
        return next(iter(groups)) if name is None else pick_family(groups, name)
    except ParameterError as error:
        raise click.UsageError(str(error)) from error


def split_name(path):
    """("before", "rows.jsonl") of "before=rows.jsonl"; ("", path) for a plain path, for one with "=" after a folder,
    and for an existing file.
    """
    name, sign, rest = path.partition("=")
    return (
        (name, rest)
        if sign and name and rest and not {"/", os.sep} & set(name) and not os.path.exists(path)
        else ("", path)
    )


def keep_failures(file, output):
    """A callback for failures of a sweep, which are kept with its rows."""
    if file is not None:
        return file.append
    return (lambda failure: click.echo(failure.line())) if output == "-" else None


def store(rows, file, output):
    """Write new rows to a file, to stdout ("-") or nowhere (None); return all rows, reused ones first."""
    if file is not None:
        with file:
            try:
                points = [file.append(row) for row in rows]
                return [*rows.reused, *points]
            except KeyboardInterrupt:
                say(
                    f"{rows.done} of {rows.total} done; their rows are in {file.path}: the same command resumes "
                    "from there"
                )
                raise
    points = []
    for point in rows:
        if output == "-":
            click.echo(point.line())
        points.append(point)
    return points
