"""Ctrl-C within a kernel: signal handlers run, and work that nobody waits for ends, though no Python runs in between.

A kernel that may take long asks `stopped` after each row, or as much as takes at most a few milliseconds. Once that is
true, it returns as soon as it can, in a state that may be freed and is not used further; its caller, which holds the
interpreter's lock again, calls `raise_stopped`. It is asked without the lock, and with no lock of ours held.

Python runs signal handlers in its main thread only. The main thread ends kernels of other threads by `halt`; the
helpers of a `Team` end with the thread that called it.
"""
from threading import get_ident

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <windows.h>
    #define CODEC_OWN __declspec(thread)
    static long long codec_ms(void) { return (long long)GetTickCount64(); }
    #else
    #include <time.h>
    #define CODEC_OWN __thread
    static long long codec_ms(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    }
    #endif
    static CODEC_OWN long long codec_asked;     /* when the interpreter was asked last */
    static CODEC_OWN int codec_stopping;        /* an exception is set that `raise_stopped` raises */
    static int codec_stopped_already(void) { return codec_stopping; }
    static void codec_set_stopping(int value) { codec_stopping = value; }
    static int codec_due(void) {
        long long now = codec_ms();
        if (now - codec_asked < 50) return 0;
        codec_asked = now;
        return 1;
    }
    """
    int codec_due() nogil
    int codec_stopped_already() nogil
    void codec_set_stopping(int value) nogil

cdef extern from "Python.h":
    int run_handlers "PyErr_CheckSignals"()
    void set_none "PyErr_SetNone"(object kind)


class Halted(KeyboardInterrupt):
    """The call that this work was for has ended."""


_halted = set()                 # identifiers of threads


def halt(threads):
    """End the kernels of other threads, now and until `release`: they raise `Halted`."""
    _halted.update(threads)


def release(threads):
    """Take `halt` back."""
    _halted.difference_update(threads)


def halted():
    """Whether the calling thread is to end what it does."""
    return get_ident() in _halted


cdef bint ask() noexcept:
    """Run the signal handlers that are due. The exception stays set."""
    if run_handlers() != 0:
        return True
    if _halted and get_ident() in _halted:
        set_none(Halted)
        return True
    return False


cdef bint stopped() noexcept nogil:
    """Whether an exception is set; asks the interpreter every 50 ms."""
    if codec_stopped_already():
        return True
    if codec_due():
        with gil:
            if ask():
                codec_set_stopping(1)
                return True
    return False


cdef int raise_stopped() except -1:
    """Raise the exception for which `stopped` was true in this thread."""
    if codec_stopped_already():
        codec_set_stopping(0)
        return -1
    return 0
