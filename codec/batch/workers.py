"""Processes that can be killed: a task that takes too long, or takes its process with it, fails one file alone."""

import contextlib
import signal
import threading
import time

from .._stop import Halted, halted
from ..errors import CodecError, LimitError
from ..executors import HALT_SECONDS

START_SECONDS = 120


class KillableWorkers:
    """Calls a task in processes of its own, within a time for each call.

    Parameters
    ----------
    task : callable
        ``task(data, job) -> Result``; it pickles.
    seconds : float
        For each call. A process that exceeds it is killed.
    """

    def __init__(self, task, seconds):
        self.task, self.seconds = task, seconds
        self._idle, self._lock = [], threading.Lock()

    def __call__(self, data, job):
        """The result of the task, from any thread.

        Raises
        ------
        LimitError
            If it took too long.
        CodecError
            What the task raised, or that its process ended.
        """
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        process, pipe = worker or _started(self.task)
        try:
            pipe.send((data, job))
            ends = time.monotonic() + self.seconds
            while not pipe.poll(max(0, min(HALT_SECONDS, ends - time.monotonic()))):
                if halted():  # Ctrl-C: nobody waits for the result
                    raise Halted
                if time.monotonic() >= ends:
                    most = f"{self.seconds:g} seconds"
                    raise LimitError(f"it was not done within {most}: give it more with timeout=SECONDS")
            made, error = pipe.recv()
        except (EOFError, OSError) as gone:
            process.join(1)
            code = process.exitcode
            _end(process, pipe)
            raise CodecError(f"its process ended (exit code {code}); out of memory, perhaps") from gone
        except BaseException:
            _end(process, pipe)
            raise
        with self._lock:
            self._idle.append((process, pipe))
        if error is not None:
            raise CodecError(error)
        return made

    def close(self):
        """End the processes."""
        with self._lock:
            workers, self._idle = self._idle, []
        for worker in workers:
            _end(*worker)


def _started(task):
    import multiprocessing  # few need it

    # "spawn": a fork of a process with threads may hang
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, task), daemon=True)
    process.start()
    theirs.close()
    if not pipe.poll(START_SECONDS):
        _end(process, pipe)
        raise CodecError(f"a process did not start within {START_SECONDS} seconds")
    pipe.recv()
    return process, pipe


def _end(process, pipe):
    process.kill()
    process.join()
    process.close()
    pipe.close()


def _serve(pipe, task):
    """The life of a worker; it ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the parent decides
    with contextlib.suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            data, job = pipe.recv()
            try:
                answer = task(data, job), None
            except (CodecError, MemoryError) as error:
                answer = None, str(error) or "out of memory"
            pipe.send(answer)
