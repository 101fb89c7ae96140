"""The threads of an encoder: they code pictures, and find the costs of those that wait.

No more threads are at work than may compute, that of the caller among them: it does jobs where it would wait for one. A
thread that sleeps and wakes for each picture would take longer for it than a small picture takes.
"""

from __future__ import annotations

import os
import sys
import weakref
from _thread import start_new_thread
from collections import deque
from threading import RLock, get_ident

from ..._stop import Halted, halt, halted, release
from ..._team import Bell
from ...errors import ParameterError

FIRST, WAITS, NEVER = 0, 2, 4  # ranks of jobs, and what adds to them that a job would wait for lines of others
PATIENCE = 100  # milliseconds after which a thread that waits asks whether it is for nothing


class Job:
    """Work, and what it returned.

    Parameters
    ----------
    work : function
        For a picture, one that prepares it: it takes the Job, and returns (the work, Jobs that begin before it does).
    needs : Jobs that end before it begins
    reference : bool
        Others may follow it.
    jobs : Jobs, optional
        Whose it is; without, `run` is called by who made it.
    """

    def __init__(self, work, needs=(), reference=False, jobs=None):
        self._work, self._jobs, self.needs, self.follows, self.reference = work, jobs, needs, (), reference
        self.begun = self.ended = False
        self._found = self._error = None

    def prepare(self):
        """Prepare a picture. What that raises is kept too, and the picture is the next one to begin."""
        self._work, self.follows = self._kept(self._work, self) or (None, ())

    def rank(self):
        """When it is its turn, FIRST to NEVER: NEVER while one that it follows has not begun."""
        rank = FIRST if self.reference or self._error is not None else FIRST + 1
        for job in self.follows:
            if not job.ended:
                if not job.begun:
                    return NEVER
                rank |= WAITS
        return rank

    def run(self):
        """Do the work in this thread. What it raises is kept for `result`, or what one raised that it needs."""
        if self._error is None:
            self._found = self._kept(self._with_needs)
        self.ended, self._work, self.needs, self.follows = True, None, (), ()

    def _with_needs(self):
        for job in self.needs:
            job.result()
        return self._work()

    def _kept(self, work, *arguments):
        """What work returns. What it raises is kept."""
        try:
            return work(*arguments)
        except BaseException as error:
            self._error = error

    def result(self):
        """What the work returned, once it has ended, or raised. The caller, who gives out the jobs, does others
        meanwhile."""
        if not self.ended:
            self._jobs.help(self)
        return self._outcome()

    def followed(self):
        """The same for a job that follows this one."""
        if not self.ended:
            self._jobs.wait(self)
        return self._outcome()

    def _outcome(self):
        if self._error is not None:
            raise self._error
        return self._found


def done(work, *needs):
    """The Job of a call that this thread makes at once; needs: Jobs, ended too."""
    job = Job(work)
    job.run()
    job.result()
    return job


class Jobs:
    """Those that have not begun, and the threads that do them. These hold it rather than the `Team`, and end with it.

    Parameters
    ----------
    owner : object
        While it lives, there may be further jobs.
    looks : int, default 1
        Jobs that look ahead at once, while there are pictures to code.
    in_order : bool, default False
        No picture is prepared while one that was prepared may begin: mostly, each refers to the one before.
    """

    def __init__(self, owner, looks=1, in_order=False):
        # While the lock is held, pictures are prepared, so that the garbage collector may run, and with it `end`.
        self._owner, self._lock, self._bell, self._over = weakref.ref(owner), RLock(), Bell(), False
        self.looking, self.coming, self.coding = deque(), deque(), deque()  # coming: pictures that are not prepared
        self._looks, self._at_look = looks, []
        self._enough = NEVER - 1 if in_order else FIRST  # rank of a picture for which no further ones are prepared
        self._threads, self._process = set(), os.getpid()  # identifiers of those that serve and are awake

    def check(self):
        """In a child of the process that they belong to, the threads are not there."""
        if os.getpid() != self._process:
            raise ParameterError(
                "this process was forked, and the threads of the encoder were not: make another encoder"
            )

    def add(self, jobs, job):
        """jobs: `looking` or `coming`"""
        with self._lock:
            jobs.append(job)
        self._bell.ring()

    def end(self):
        """Begin no more, and return when no thread is at work; those that sleep end when they wake up. One of them, in
        which the garbage collector found that the encoder is not used, does not wait for itself. Once Python ends,
        a thread that asks for the interpreter's lock stops for good with all that it holds, this lock perhaps."""
        if os.getpid() != self._process or sys.is_finalizing():
            return
        with self._lock:
            self._over = True
            halt(self._threads)
        self._bell.ring()
        if get_ident() not in self._threads:
            self._until(lambda: not self._threads)

    def serve(self):
        """Do jobs until the end: the body of a helper."""
        with self._lock:
            if self._over:
                return
            self._threads.add(get_ident())
        while not self._over and self._owner() is not None:
            rings, job = self._bell.rings, self._begin()
            if job is not None:
                self._run(job)
                job = None  # and what it found, while this thread waits
            else:
                self._threads.remove(get_ident())
                self._bell.wait(rings, PATIENCE)
                self._threads.add(get_ident())  # before it looks whether it is over
        with self._lock:
            release([get_ident()])  # the system gives it to another thread
            self._threads.remove(get_ident())
        self._bell.ring()

    def help(self, wanted):
        """Do jobs until one has ended, in the thread that adds them. What one raises is raised at once."""
        while not wanted.ended:
            self.check()
            rings, job = self._bell.rings, self._begin()
            if job is not None:
                self._run(job)
                job.result()
            elif self._over or halted():
                raise Halted
            elif not wanted.ended:
                self._bell.wait(rings, PATIENCE)

    def wait(self, wanted):
        """Return once a job has ended, which has begun."""
        self._until(lambda: wanted.ended or self._over)
        if not wanted.ended:
            raise Halted

    def _until(self, happened):
        while not happened():
            rings = self._bell.rings
            if not happened():
                self._bell.wait(rings, PATIENCE)

    def _begin(self):
        """A job that may begin, which is taken, or None. Those that look ahead come first: until types are settled
        there are no others. They hold the interpreter's lock for long, so where as many look as may, a picture whose
        references are complete comes before; after both, one that waits for lines of its references. Of pictures, one
        that others refer to comes first."""
        with self._lock:
            if self._over:
                return None
            self._at_look = [job for job in self._at_look if not job.ended]
            look = self._look()
            if look is not None and len(self._at_look) < self._looks:
                return self._taken(self.looking, look)
            picture, rank = self._picture()
            if self._over:
                return None
            if look is not None and rank >= WAITS:
                return self._taken(self.looking, look)
            return None if rank == NEVER else self._taken(self.coding, picture)

    def _look(self):
        """The first job that looks ahead and may begin, or None."""
        for job in self.looking:
            for other in job.needs:
                if not other.ended:
                    break
            else:
                return job

    def _picture(self):
        """(the picture that may begin first or None, its rank). Pictures are prepared in order, by the thread that asks
        for one: so all threads share that work. No more are prepared than may come before the first that is ready."""
        picture, rank, last = None, NEVER, FIRST
        for job in self.coding:
            last = job.rank()
            if last < rank:
                picture, rank = job, last
        while self.coming and rank > self._enough and last < NEVER:
            job = self.coming.popleft()
            job.prepare()
            self.coding.append(job)
            last = job.rank()
            if last < rank:
                picture, rank = job, last
        return picture, rank

    def _taken(self, jobs, job):
        jobs.remove(job)
        job.begun = True
        if jobs is self.looking:
            self._at_look.append(job)
        return job

    def _run(self, job):
        job.run()
        self._bell.ring()


class Team:
    """The thread that gives out jobs, and helpers, `threads` together. With one, it does each job at once.

    Of jobs that have begun, the first waits for none, and the others for those before them: so all end.

    Parameters
    ----------
    threads : int
    in_order : bool, default False
        See `Jobs`.
    """

    def __init__(self, threads, in_order=False):
        jobs = Jobs(self, max(threads // 2, 1), in_order)
        self._jobs, self._alone, self._missing = jobs, threads == 1, threads - 1

    def code(self, prepare, reference):
        """The Job of the coding of a picture. prepare: it takes the Job, and returns (the work, Jobs of pictures for
        whose lines it may wait); one is called after the other, in any thread. reference: whether others may follow
        it."""
        job = Job(prepare, (), reference, self._jobs)
        if self._alone:
            job.prepare()
        return self._added(self._jobs.coming, job)

    def look(self, work, *needs):
        """The Job of work on frames that wait, after Jobs that it needs."""
        return self._added(self._jobs.looking, Job(work, needs, jobs=self._jobs))

    def _added(self, jobs, job):
        if self._alone:
            job.run()
            job.result()
            return job
        self._jobs.check()
        self._jobs.add(jobs, job)
        if self._missing:
            try:
                start_new_thread(self._jobs.serve, ())
                self._missing -= 1
            except (RuntimeError, MemoryError):  # the system starts no more threads: this one helps itself
                self._missing = 0
        return job

    def close(self):
        """End the threads; what is not done yet will not be."""
        self._jobs.end()
