"""Jobs side by side: callables without arguments, and their results in the order of the jobs."""

import operator
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from threading import get_ident

from ._stop import Halted, halt, halted, release
from .errors import CodecError, ParameterError

# Small items go to a worker together: handing one over costs as much as decoding 64x64 pixels.
GROUP_ITEMS = 16
GROUP_BYTES = 1 << 16
HALT_SECONDS = 0.1  # how soon a thread that waits for another learns that nobody waits for itself


def processors():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads):
    """The number of threads that an option asks for: 0 for one per processor.

    Examples
    --------
    >>> from codec.executors import checked_threads
    >>> checked_threads(3), checked_threads(0) >= 1
    (3, True)
    """
    try:
        count = -1 if isinstance(threads, bool) else operator.index(threads)
    except TypeError:
        count = -1
    if count < 0:
        raise ParameterError(f"threads is {threads!r}; it must be 0 (all processors) or a number of threads")
    return count or processors()


def useful_threads(threads, pixels):
    """Of the threads that an option asks for, those with enough work for the 0.1 ms that a thread costs to start."""
    return max(1, min(checked_threads(threads), pixels >> 16))


class Workers(ThreadPoolExecutor):
    """Threads whose jobs end soon, whatever they compute, once nobody wants their results."""

    def __init__(self, count):
        super().__init__(count, initializer=self._begin)
        self._idents = []

    def _begin(self):
        self._idents.append(get_ident())

    def halt(self):
        """Drop the jobs that have not begun, and end those that have; returns when all threads have ended."""
        halt(self._idents)
        try:
            self.shutdown(cancel_futures=True)
        finally:
            release(self._idents)


def _awaited(future):
    """The result of a future. In a thread that is halted meanwhile, `Halted`."""
    while True:
        try:
            return future.result(HALT_SECONDS)
        except FutureTimeout:
            if future.done():
                return future.result()
            if halted():
                raise Halted from None


def in_order(jobs, workers=1, ahead=None):
    """Yield the results of the jobs, in their order, whatever finishes first.

    Parameters
    ----------
    jobs : iterable of callables
        Taken from the iterable as workers need them. What a job raises is raised here, and the jobs that have not begun
        are dropped.
    workers : int
        Threads. With one, each job runs in the caller's thread when its result is asked for.
    ahead : int, optional
        At most this many jobs are taken before the first of their results is: bounds what is in memory. Default: all.

    Examples
    --------
    >>> from codec.executors import in_order
    >>> list(in_order([lambda: 1, lambda: 2], workers=2))
    [1, 2]
    """
    if workers == 1:
        for job in jobs:
            if halted():
                raise Halted
            yield job()
        return
    pool, pending = Workers(workers), deque()
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            if ahead is not None and len(pending) >= ahead:
                yield _awaited(pending.popleft())
        while pending:
            yield _awaited(pending.popleft())
    except GeneratorExit:  # perhaps of the garbage collector, in a thread of the pool, which cannot wait for itself
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.halt()
        raise
    pool.shutdown()


def _groups(items, size_of):
    group, size = [], 0
    for item in items:
        group.append(item)
        size += size_of(item)
        if len(group) == GROUP_ITEMS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _outcome(function, item):
    try:
        return function(item)
    except CodecError as error:
        return error


def outcomes(function, items, size_of, workers):
    """Yield function(item) for every item, in order; or the CodecError that it raised.

    Parameters
    ----------
    function : callable
    items : iterable
        Taken as workers need them, at most 2 workers + 1 groups ahead of the first result not yet taken.
    size_of : callable
        Bytes of an item: those of small items go to a worker together.
    workers : int
        Threads. With one, items are taken one by one, in the caller's thread.

    Examples
    --------
    >>> from codec.executors import outcomes
    >>> list(outcomes(abs, [-1, 2], lambda item: 1, workers=2))
    [1, 2]
    """
    if workers == 1:
        for item in items:
            yield _outcome(function, item)
        return
    together = lambda group: [_outcome(function, item) for item in group]
    jobs = (partial(together, group) for group in _groups(items, size_of))
    for group in in_order(jobs, workers, 2 * workers):
        yield from group
