"""`codec inspect`: the headers of a JPEG by their standard names, and where its bytes went."""

import click

from . import _options as options
from ._common import echo_json, printable, size, warn

BAR = 40


def section(title, lines):
    lines = list(lines)
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}".rstrip())


def columns(rows):
    """Format rows of cells as lines, numbers right-aligned; text is untrusted."""
    rows = [[(printable(cell), isinstance(cell, int)) for cell in row] for row in rows]
    widths = [max(len(row[i][0]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return (
        "  ".join(text.rjust(w) if number else text.ljust(w) for (text, number), w in zip(row, widths, strict=True))
        for row in rows
    )


def summary(report):
    facts = [f"{report['width']}x{report['height']}", f"{report['precision']}-bit"]
    facts += [report[name] for name in ("process", "color", "subsampling")]
    if report["estimated_quality"] is not None:
        facts.append(
            f"quality {'' if report['estimated_quality_exact'] else 'about '}{report['estimated_quality']} (IJG)"
        )
    if report["restart_interval"]:
        facts.append(f"restart every {report['restart_interval']} MCUs")
    return ", ".join(printable(fact) for fact in facts if fact)


def show(report):
    click.echo(f"{summary(report)}, {size(report['bytes']['total'])}")
    section(
        "Segments",
        columns(
            [("offset", "marker", "length", "what")]
            + [(s["offset"], s["marker"], s["length"], s["what"]) for s in report["segments"]]
        ),
    )
    section(
        "Components",
        columns([("C", "H", "V", "Tq")] + [(c["C"], c["H"], c["V"], c["Tq"]) for c in report["components"]]),
    )
    for Tq, table in report["quant_tables"].items():
        section(f"Quantization table Tq={Tq}, row by row", ("".join(f"{q:>5}" for q in row) for row in table))
    section(
        "Huffman tables",
        columns(
            [("class", "id", "codes", "BITS")]
            + [
                (t["class"], t["id"], len(t["HUFFVAL"]), " ".join(map(str, t["BITS"])))
                for t in report["huffman_tables"]
            ]
        ),
    )
    section(
        "Scans",
        columns(
            [("offset", "components", "Ss", "Se", "Ah", "Al", "bytes")]
            + [
                (s["offset"], ",".join(map(str, s["components"])), s["Ss"], s["Se"], s["Ah"], s["Al"], s["bytes"])
                for s in report["scans"]
            ]
        ),
    )
    section(
        "Metadata (bytes; density as unit, x, y)",
        columns(
            [
                (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
                for name, value in report["metadata"].items()
            ]
        ),
    )
    parts = {name: count for name, count in report["bytes"].items() if name != "total" and count}
    total = report["bytes"]["total"]
    section(
        "Where the bytes went",
        columns(
            [
                (name, count, f"{100 * count / total:5.1f} %", "#" * round(BAR * count / total))
                for name, count in parts.items()
            ]
        ),
    )


@click.command()
@click.argument("file", metavar="FILE")
@options.as_json()
def inspect(file, as_json):
    """Show headers, tables and scans of a JPEG, and where its bytes went.

    Names are those of ITU-T T.81: SOF0, DQT, Ss, Se, Ah, Al, Tq. FILE is a path, or - for stdin. Nothing is decoded.
    Text from the file is shown with control characters escaped. A truncated file is shown as far as it goes, and the
    exit code is 1.

    \b
    Examples:
      codec inspect photo.jpg
      codec inspect photo.jpg --json
      curl -s https://example.org/photo.jpg | codec inspect -
    """
    from .. import jpeg
    from ..sources.files import read_bytes, read_stdin

    report = jpeg.inspect(read_stdin() if file == "-" else read_bytes(file))
    for message in report["warnings"]:
        warn(file, message)
    if as_json:
        echo_json("inspect", file=file, **report)
    else:
        show(report)
    if not report["complete"]:
        click.get_current_context().exit(1)
