"""How many threads of a run are at work. The others wait for a turn, or for the disk."""

import contextlib
import threading
import time

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
    another : callable
        Called where a turn is lent and no thread waits for it: begins a thread, if there is a job for it.
    """

    def __init__(self, count, another=lambda: None):
        self._free, self._another, self._recent = threading.Semaphore(count), another, {}
        self._counting, self._waiting = threading.Lock(), 0

    def _count(self, change):
        with self._counting:
            self._waiting += change

    def __enter__(self):
        if not self._free.acquire(blocking=False):
            self._count(1)
            try:
                self._free.acquire()
            finally:
                self._count(-1)

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
            if lends and not self._waiting:
                self._another()
            yield
        finally:
            self._recent[what] = (*recent[1:], time.perf_counter() - begin)
            if lends:
                self.__enter__()
