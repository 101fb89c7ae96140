"""One piece of work, shared by the thread of the caller and helpers that end with the call.

Threads are started for each call: they cost 0.1 ms, survive no fork, and nobody must stop them.
"""
from _thread import start_new_thread

from codec._stop cimport raise_stopped, stopped

cdef enum:
    POLLS = 1000            # about 50 us: to wake a thread that sleeps takes longer than most helpers still need


cdef class Team:
    """A subclass has the state of the work, and `work`, which takes part after part of it until none is left.

    An exception of a signal handler ends the work as a part that fails does (`_stop`), and is raised when the last
    helper has ended. Helpers refer to the team, which owns what they write to.
    """

    def __cinit__(self):
        turns_open(&self.turns, 0)

    def __dealloc__(self):
        turns_close(&self.turns)

    cdef void work(self) noexcept nogil:
        pass

    cdef Py_ssize_t take(self) noexcept nogil:
        """The number of a part that nobody has; -1 when all are taken, or one failed."""
        cdef Py_ssize_t part = -1
        if stopped():
            self.fail(-1)
        turns_lock(&self.turns)
        if self.taken < self.parts and self.status == 0:
            part = self.taken
            self.taken += 1
        turns_unlock(&self.turns)
        return part

    cdef void fail(self, int status) noexcept nogil:
        """End the work with a status that is not 0; the first one counts."""
        turns_lock(&self.turns)
        if self.status == 0:
            self.status = status
        turns_wake(&self.turns)
        turns_unlock(&self.turns)

    def help(self):
        """The body of a helper's thread."""
        with nogil:
            turns_lock(&self.turns)
            if not self.over:
                self.active += 1
                turns_unlock(&self.turns)
                self.work()
                turns_lock(&self.turns)
                self.active -= 1
                turns_wake(&self.turns)
            turns_unlock(&self.turns)

    cdef int share(self, int threads) except -1:
        """Do the work with `threads` threads, that of the caller included, or fewer if the system starts no more."""
        cdef int i
        for i in range(min(threads, self.parts) - 1):
            try:
                start_new_thread(self.help, ())
            except (RuntimeError, MemoryError):
                break
        with nogil:
            self.work()
            turns_lock(&self.turns)
            self.over = True
            for i in range(POLLS):
                if not self.active:
                    break
                turns_unlock(&self.turns)
                shared_pause()
                turns_lock(&self.turns)
            while self.active:
                turns_wait(&self.turns)
            turns_unlock(&self.turns)
        return raise_stopped()


cdef class Jobs(Team):
    """Callables, and what they return."""
    cdef list jobs, results
    cdef Py_ssize_t failed      # the first job that raised
    cdef object error           # what it raised, or None

    cdef void work(self) noexcept nogil:
        cdef Py_ssize_t job = self.take()
        while job >= 0:
            with gil:
                self.run(job)
            job = self.take()

    cdef void run(self, Py_ssize_t job) noexcept:
        try:
            self.results[job] = self.jobs[job]()
        except BaseException as error:      # of the job, and raised by `results_of`
            if self.error is None or job < self.failed:
                self.failed, self.error = job, error
            self.fail(-1)


def results_of(jobs, int threads=1):
    """What the jobs return, in their order. They begin in it, and the thread of the caller takes part: so it sleeps
    once at most, which `executors.in_order` does for every result.

    Parameters
    ----------
    jobs : callables without arguments
        What the first one to fail raises is raised here, once no job is at work; those that have not begun are dropped.
    threads : at least 1

    Examples
    --------
    >>> from codec._team import results_of
    >>> results_of([lambda: 1, lambda: 2], threads=2)
    [1, 2]
    """
    cdef Jobs team
    if threads == 1:
        return [job() for job in jobs]
    team = Jobs()
    team.jobs = list(jobs)
    team.parts = len(team.jobs)
    team.results = [None] * team.parts
    try:
        team.share(threads)
        if team.error is not None:
            raise team.error
        return team.results
    finally:
        team.jobs = team.results = None     # a helper that begins late keeps no more than the team


cdef class Bell:
    """What threads that wait for work of others listen to. Exceptions of signal handlers, which Python raises between
    any two steps of its main thread, leave no lock of it behind, as they do with `threading.Condition`.

    Examples
    --------
    >>> from codec._team import Bell
    >>> bell = Bell()
    >>> before = bell.rings
    >>> bell.wait(before, 1)
    False
    >>> bell.ring()
    >>> bell.wait(before, 1)
    True
    """
    cdef Turns turns
    cdef int count

    def __cinit__(self):
        turns_open(&self.turns, 0)

    def __dealloc__(self):
        turns_close(&self.turns)

    @property
    def rings(self):
        """A number that each ring changes."""
        return shared_load(&self.count)

    def ring(self):
        """Wake all threads that wait."""
        turns_lock(&self.turns)     # with the interpreter's lock: who holds this one waits for nothing
        shared_store(&self.count, (self.count + 1) & 0x3FFFFFFF)
        turns_wake(&self.turns)
        turns_unlock(&self.turns)

    def wait(self, int rings, int ms):
        """Wait for a ring after `rings` was read, `ms` milliseconds at most. Returns whether there was one."""
        cdef bint rung
        with nogil:
            turns_lock(&self.turns)
            if self.count == rings:
                turns_wait_ms(&self.turns, ms)
            rung = self.count != rings
            turns_unlock(&self.turns)
        return rung
