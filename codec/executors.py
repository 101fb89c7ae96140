"""Jobs side by side: callables without arguments, and their results in the order of the jobs."""

import operator
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from .errors import CodecError, ParameterError

# Small items go to a worker together: handing one over costs as much as decoding 64x64 pixels.
GROUP_ITEMS = 16
GROUP_BYTES = 1 << 16


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
            yield job()
        return
    pool, pending, wait = ThreadPoolExecutor(workers), deque(), True
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            if ahead is not None and len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except GeneratorExit:  # perhaps of the garbage collector, in a thread of the pool, which cannot wait for itself
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


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
