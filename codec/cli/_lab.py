"""What `codec rd` is made of: lists of settings, folders, a bar, a table."""
import contextlib
import pathlib
import sys

import click

from ._common import say

COLUMNS = {
    "images": "{:d}",
    "bpp": "{:.3f}",
    "psnr": "{:.2f}",
    "ssim": "{:.4f}",
    "mse": "{:.2f}",
    "enc MP/s": "{:.1f}",
    "dec MP/s": "{:.1f}",
}


def numbers(ctx, param, value):
    """Integers of "30,50,70" and "20:95:5" (first, last, step; the last is included when a step hits it)."""
    try:
        return [number for part in value.split(",") for number in _range(*map(int, part.split(":")))]
    except (TypeError, ValueError) as error:
        raise click.BadParameter(
            f"{value!r} is neither numbers such as 30,50,70 nor a range such as 20:95:5 (first, last, step)"
        ) from error


def _range(first, last=None, step=1):
    found = range(first, (first if last is None else last) + 1, step)
    if step < 1 or not found:
        raise ValueError("empty")
    return found


def expand(images):
    """Files as they are; folders as the pictures below them, sorted."""
    from ..pictures import READABLE_SUFFIXES

    for image in images:
        if pathlib.Path(image).is_dir():
            below = sorted(pathlib.Path(image).rglob("*"))
            yield from (
                str(path) for path in below if path.suffix.lower() in READABLE_SUFFIXES and path.is_file() and not path.is_symlink()
            )
        else:
            yield image


@contextlib.contextmanager
def progress():
    """A callback for a bar on stderr; nothing when that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sweep")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def table(means):
    cells = [
        {
            **mean.setting,
            "images": mean.images,
            "bpp": mean.bpp,
            **mean.metrics,
            "enc MP/s": mean.encode_mpixels_per_second,
            "dec MP/s": mean.decode_mpixels_per_second,
        }
        for mean in means
    ]
    rows = [[COLUMNS.get(name, "{}").format(value) for name, value in row.items()] for row in cells]
    if not sys.stdout.isatty():
        click.echo("\n".join("\t".join(row) for row in [list(cells[0]), *rows]))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(*cells[0], box=None, header_style="bold")
    for column in shown.columns:
        column.justify = "right"
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)


def reasons(failures):
    """One line per picture and reason, however many settings it failed at."""
    counts = {}
    for failure in failures:
        counts.setdefault((failure.image, str(failure.error)), []).append(failure)
    for group in counts.values():
        yield str(group[0]) if len(group) == 1 else f"{group[0].image} at {len(group)} settings: {group[0].error}"


def store(rows, output):
    """The rows as a list, after they went to a file, to stdout ("-") or nowhere (None)."""
    from ..rd import write_points

    if output not in (None, "-"):
        try:
            return write_points(output, rows)
        except KeyboardInterrupt:
            say(f"{rows.done} of {rows.total} measured; their rows are in {output}.part")
            raise
    points = []
    for point in rows:
        if output == "-":
            click.echo(point.line())
        points.append(point)
    return points
