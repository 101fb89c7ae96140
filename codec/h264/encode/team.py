"""The threads of an encoder: they code pictures, and find the costs of those that wait."""

from __future__ import annotations

from concurrent.futures import Future

from ...executors import Workers
from ._slice_enc import Threads


def done(work, *needs):
    """The finished Future of a call in this thread; needs: Futures that the call waits for, finished too."""
    future = Future()
    future.set_result(work())
    return future


class Team:
    """At most `threads` of them compute at a time. With one, the caller does all.

    Work begins in the order given, and waits for earlier work alone: that which waits holds a thread, so there are more
    threads than compute.

    Parameters
    ----------
    threads : int

    Attributes
    ----------
    turns : Threads
    count : int
        Pictures that are worked on at once.
    """

    def __init__(self, threads):
        self.turns, self.count = Threads(threads), threads + (threads + 1) // 2 if threads > 1 else 1
        self._coders = Workers(self.count) if threads > 1 else None
        self._looking = Workers(3 * threads) if threads > 1 else None

    def code(self, work):
        """The Future of the coding of a picture, which takes turns itself."""
        return self._coders.submit(work) if self._coders else done(work)

    def look(self, work, *needs):
        """The Future of work on frames that wait, after the Futures that it needs."""
        if self._looking is None:
            return done(work)

        def taking_turns():
            for future in needs:
                future.result()
            with self.turns:
                return work()

        return self._looking.submit(taking_turns)

    def close(self):
        """End the threads; what is not done yet will not be."""
        for threads in filter(None, (self._looking, self._coders)):
            threads.halt()
