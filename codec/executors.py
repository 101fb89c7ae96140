"""Jobs side by side: callables without arguments, and their results in the order of the jobs."""

import operator
import os
from collections import deque
from functools import partial
from threading import Lock, RLock, Thread, current_thread, get_ident

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


class Future:
    """What a job will give that another thread does."""

    def __init__(self, job):
        self._job, self._value, self._error = job, None, None
        self._ended = Lock()
        self._ended.acquire()

    def run(self):
        """Do the job, in the thread that calls this."""
        job, self._job = self._job, None
        try:
            self._value = job()
        except BaseException as error:
            self._error = error
        self._ended.release()
        self = None  # the error holds this frame

    def drop(self):
        """The job will not be done: who waits for it gets `Halted`."""
        self._job, self._error = None, Halted()
        self._ended.release()

    def done(self):
        """Whether the job has ended, or was dropped."""
        return not self._ended.locked()

    def result(self):
        """What the job returned, or raised, once it has ended. In a thread that is halted meanwhile, `Halted`. For one
        thread, once."""
        while not self._ended.acquire(timeout=HALT_SECONDS):
            if halted():
                raise Halted
        self._ended.release()
        if self._error is None:
            return self._value
        try:
            raise self._error
        finally:
            self = None  # the error holds this frame


class Workers:
    """Threads whose jobs end soon, whatever they compute, once nobody wants their results. A thread ends when no job is
    left, and begins when one comes.

    Those of `concurrent.futures` cannot become more, and take 4 ms to load.

    Parameters
    ----------
    count : int
        Threads, without those that are `away`.
    most : int, optional
        Threads, with those that are `away`. Default: `count`.
    """

    def __init__(self, count, most=None):
        self._count, self._most, self._away = count, max(count, most or count), 0
        self._todo, self._threads = deque(), set()
        self._lock = RLock()  # while it is held, the garbage collector may run, and with it `leave`

    def submit(self, job):
        """The Future of a callable without arguments. Jobs begin in the order in which they come."""
        future = Future(job)
        with self._lock:
            self._todo.append(future)
            self._begin()
        return future

    def away(self):
        """Say that a thread needs no processor until `back`: another may do its share, also of jobs that come later."""
        with self._lock:
            self._away += 1
            if self._todo:
                self._begin()

    def back(self):
        """Say that a thread that was `away` goes on."""
        with self._lock:
            self._away -= 1

    def _begin(self):
        if len(self._threads) < min(self._count + self._away, self._most):
            thread = Thread(target=self._work, daemon=False)
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads: others do the jobs
                self._threads.discard(thread)
                if not self._threads:
                    raise

    def _work(self):
        """Do jobs until there are none."""
        while True:
            with self._lock:
                if not self._todo:
                    self._threads.discard(current_thread())
                    release([get_ident()])  # the system gives the number to other threads
                    return
                future = self._todo.popleft()
            future.run()
            future = None  # its result may be large

    def _begun(self):
        with self._lock:
            return [thread for thread in self._threads if thread.ident]  # not those whose start was interrupted

    def join(self):
        """Returns when all jobs have ended."""
        for thread in self._begun():
            thread.join()

    def leave(self):
        """Drop the jobs that have not begun. The threads end after those that have."""
        with self._lock:
            while self._todo:
                self._todo.popleft().drop()

    def halt(self):
        """Drop the jobs that have not begun, and end those that have; returns when all threads have ended."""
        with self._lock:
            self.leave()
            halt([thread.ident for thread in self._begun()])
        self.join()


def in_order(jobs, workers=1, ahead=None):
    """Yield the results of the jobs, in their order, whatever finishes first.

    Parameters
    ----------
    jobs : iterable of callables
        Taken from the iterable as workers need them. What a job raises is raised here, and the jobs that have not begun
        are dropped.
    workers : int or Workers
        Threads. With 1, each job runs in the caller's thread when its result is asked for. Workers do no more jobs
        afterwards.
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
    pool, pending = workers if isinstance(workers, Workers) else Workers(workers), deque()
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            if ahead is not None and len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except GeneratorExit:  # perhaps of the garbage collector, in a thread of the pool, which cannot wait for itself
        pool.leave()
        raise
    except BaseException:
        pool.halt()
        raise
    pool.join()


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
