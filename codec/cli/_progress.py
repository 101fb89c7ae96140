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


class Passes:
    """A callback ``(done)`` for work that goes over its frames several times: one bar that moves on.

    Parameters
    ----------
    bar : callable
        As `progress` gives it.
    count : int or None
        Frames; None: not known.
    passes : int
        As many as are likely. With more, the bar waits just before its end.
    """

    def __init__(self, bar, count, passes):
        self._bar, self._total = bar, count and count * passes
        self._before, self._latest, self._pass, self._several = 0, 0, 1, passes > 1

    def __call__(self, done):
        """done: frames of this pass. A number that does not rise begins the next pass."""
        if done <= self._latest:
            self._before, self._pass = self._before + self._latest, self._pass + 1
        self._latest, reached = done, self._before + done
        if self._total and self._several:
            reached = min(reached, self._total - 1)
        self._bar(reached, self._total, f"pass {self._pass}" if self._several else "")
