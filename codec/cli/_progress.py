"""A progress bar on stderr."""

import contextlib
import sys


@contextlib.contextmanager
def progress(label, unit=""):
    """A callback ``(done, total, note="")`` that updates a progress bar; None if stderr is not a terminal.

    unit: of what is done, to show how many pass in a second, such as "fps". A total of None is unknown.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task):
            return Text(f"{task.finished_speed or task.speed or 0:.1f} {unit}")

    columns = (
        TextColumn(label),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        *([Speed()] if unit else []),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, note="")
        yield lambda done, total, note="": bar.update(task, completed=done, total=total, note=note)
