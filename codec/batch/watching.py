"""A folder whose files come and change: each is done once it has settled."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..errors import MissingPackageError, ParameterError
from .ledger import stat_key, stat_of
from .planning import plan
from .rows import Row
from .running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .ledger import Ledger

SETTLE_SECONDS = 1.0


class Watcher:
    """What was done of a folder, and what is to be done.

    A file has settled when its size, time and inode were the same for `settle` seconds. The whole folder is planned
    each time, so that outputs have the names that `codec.batch.plan` gives them, also where a later file takes a name.

    Parameters
    ----------
    folder, output : str
        Folders; `output` may lie in `folder`, and is then not watched.
    task : a task of `codec.batch`
    ledger : Ledger
        It knows which outputs are to be replaced; what it knows to be done is not done again.
    settle : float
        Seconds.
    threads, keep_dates, told
        As for `codec.batch.run`.

    Raises
    ------
    ParameterError
        If there is no such folder.
    """

    def __init__(
        self,
        folder: str,
        output: str,
        task: Any,
        ledger: Ledger,
        *,
        settle: float = SETTLE_SECONDS,
        threads: int | None = None,
        keep_dates: bool = False,
        told: Callable[[Row], object] | None = None,
    ) -> None:
        if not os.path.isdir(folder):
            raise ParameterError(f"{folder} is no folder; name one to watch")
        if os.path.realpath(folder) == os.path.realpath(output):
            raise ParameterError(f"the output folder is the one that is watched, {folder}: name another one")
        self.folder, self.output, self.task, self.settle = folder, os.path.join(output, ""), task, settle
        self._options: dict[str, Any] = {"threads": threads, "keep_dates": keep_dates, "ledger": ledger, "told": told}
        self._done: dict[str, Any] = {}  # source: what it was when it was done
        self._waiting: dict[str, tuple[Any, float]] = {}  # source: what it is, and since when

    @property
    def is_waiting(self) -> bool:
        """Whether files have not settled yet."""
        return bool(self._waiting)

    def look(self, now: float) -> list[Row]:
        """Do what has settled.

        Parameters
        ----------
        now : float
            Seconds of a clock that only rises.

        Returns
        -------
        list of Row
            New rows: each state of a file has one, failures included.
        """
        todo, met = [], set()
        for job in plan([self.folder], self.output, self.task):
            met.add(job.source)
            found = stat_of(job.source)
            state = (found and stat_key(found), job.target, job.status, job.reason)
            if self._done.get(job.source) == state:
                self._waiting.pop(job.source, None)
            elif job.status == "ignored" or self._has_settled(job.source, state, now):
                self._done[job.source] = state
                todo.append(job)
        for known in (self._done, self._waiting):
            for gone in known.keys() - met:
                del known[gone]
        return run(todo, self.task, **self._options)

    def _has_settled(self, source, state, now):
        before, since = self._waiting.get(source, (None, now))
        if before != state:
            since = now
        if now - since >= self.settle:
            self._waiting.pop(source, None)
            return True
        self._waiting[source] = state, since
        return False


def watch(watcher: Watcher) -> Iterator[Row]:
    """Rows of a watcher, for ever: of what is there, then of what comes.

    Parameters
    ----------
    watcher : Watcher

    Yields
    ------
    Row

    Raises
    ------
    MissingPackageError
        If watchfiles is not installed.
    KeyboardInterrupt
        At Ctrl-C.
    """
    try:
        from watchfiles import watch as changes
    except ImportError as error:
        raise MissingPackageError("watching needs watchfiles: pip install 'codec[watch]'") from error
    inside, top = os.path.realpath(watcher.output), os.path.realpath(watcher.folder)
    nested = inside != top and os.path.commonpath([inside, top]) == top  # its files are not those that come

    def outside(change, path):
        return not (nested and os.path.commonpath([inside, os.path.realpath(path)]) == inside)

    # The system says when to look; while files settle, so does the time. The first time comes when the watch stands.
    wait, begun = max(50, round(500 * watcher.settle)), False
    for changed in changes(
        watcher.folder, watch_filter=outside, rust_timeout=wait, yield_on_timeout=True, debounce=wait
    ):
        if changed or watcher.is_waiting or not begun:
            begun = True
            yield from watcher.look(time.monotonic())
