"""Jobs side by side: callables without arguments, and their results in the order of the jobs."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


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
    pool, pending = ThreadPoolExecutor(workers), deque()
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            if ahead is not None and len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
