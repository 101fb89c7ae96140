"""How many threads of a run are at work. The others wait for a turn, or for the disk."""

import contextlib
import threading
import time

from ..executors import Workers

WORTH_SECONDS = 0.001  # from this length on a wait gives the turn away: to change threads takes a tenth of it
RECENT = 4  # latest waits; three of them must be long: one long wait may be that for the interpreter's lock


class Turns:
    """A thread has a turn while the block of ``with turns:`` runs, but for the waits in it.

    More threads than these at once would gain nothing, and take the interpreter's lock from each other after every
    call to the system.

    Parameters
    ----------
    count : int
        How many threads have turns at once.
    pool : Workers, optional
        Told which of its threads have lent their turns, so that others begin if there are jobs for them.
    """

    def __init__(self, count, pool=None):
        self._free, self._pool, self._recent = threading.Semaphore(count), pool or Workers(count), {}

    def __enter__(self):
        self._free.acquire()

    def __exit__(self, kind, error, traceback):
        self._free.release()

    @contextlib.contextmanager
    def lent(self, what):
        """Give the turn to another thread during the block, if the latest waits of this name were long."""
        recent = self._recent.get(what, (0,) * RECENT)
        lends, begin = sorted(recent)[1] > WORTH_SECONDS, time.perf_counter()
        if lends:
            self._free.release()
        try:
            if lends:
                self._pool.away()
            yield
        finally:
            self._recent[what] = (*recent[1:], time.perf_counter() - begin)
            if lends:
                self._pool.back()
                self._free.acquire()
