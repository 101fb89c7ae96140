"""Locks and counters that threads share, and work that they share. simd/shared.h has a version for each system."""

cdef extern from "shared.h" nogil:
    int shared_load(const int *p)
    void shared_store(int *p, int v)
    void shared_add(int *p, int v)
    int shared_set(int *p)
    void shared_pause()
    void shared_sleep()
    int shared_process()
    ctypedef struct Turns:
        int free
    void turns_open(Turns *turns, int free)
    void turns_close(Turns *turns)
    void turns_lock(Turns *turns)
    void turns_unlock(Turns *turns)
    void turns_wait(Turns *turns)
    void turns_wait_ms(Turns *turns, int ms)
    void turns_wake(Turns *turns)
    void turns_take(Turns *turns)
    void turns_give(Turns *turns)

cdef class Team:
    cdef Turns turns            # the lock of everything that the threads share
    cdef int active             # helpers at work
    cdef bint over              # the work is done: helpers that begin late have nothing to do
    cdef Py_ssize_t parts, taken
    cdef int status             # of the first part that failed

    cdef void work(self) noexcept nogil
    cdef Py_ssize_t take(self) noexcept nogil
    cdef void fail(self, int status) noexcept nogil
    cdef int share(self, int threads) except -1
