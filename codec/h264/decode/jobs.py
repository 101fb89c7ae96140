"""Decoding of slices by threads. Headers, marking, reference lists and output order stay with the caller.

The slices of a picture are one batch, or several if there are more than BATCH of them or a result is needed before the
picture is complete. One thread decodes a batch; `_crew` has the threads. Batches start in decoding order. A batch waits
for the rows it reads of earlier pictures, one by one where those are decoded in raster order (PictureData.lines), and
for an earlier batch of its own frame.

Ownership. A batch has one owner at a time, and its owner alone may touch its slices and write the picture:

    state   owner                      left by
    open    the sequence               Batch.take, in Crew.put or Crew.run_here
    taken   a thread, first in line    Crew.work stores `done`; or Crew.close, if no thread has begun
    done    whoever holds it           (last)

1. Open. The sequence adds prepared slices, and says whether the picture ends with them. A prepared slice holds copies
   of all that later marking may change (order counts, long-term flags), and keeps the pictures of its reference lists
   alive.
2. Taken. The thread writes samples, motion and macroblock data, then calls `PictureEnd.repair` if anything
   is wrong. `repair` also owns the CodedPicture, which the sequence dropped, and the `damage` of the frame. Others may
   read `batch.done`; decoding threads may read the rows of the picture that PictureData.lines says are complete.
   `_running` keeps the batch alive, because the line has bare pointers.
   With separate colour planes a thread also selects the plane in its reference pictures, so that these have two owners:
   the sequence waits for each such batch.
3. Done. Outcomes and the picture are read-only, except for the missing field of an unpaired field, which the sequence
   fills when it stores the frame.

Interruptions. An exception of a signal handler can arrive between any two lines of Python, so each transition is one
call of compiled code: `take` checks the state, adds the batch to `_running`, counts it as pending and puts it in line,
or does nothing of it. A batch that is not open cannot be changed or taken again, and none is taken before the batch it
waits for; thus memory is safe whatever the sequence believes. Whether the sequence is right is for the `Gate`, with
these states of the decoder:

    state        entered by                                          left by
    idle         the end of a call, a frame given out                a call
    at work      a call                                              its end; an exception
    interrupted  an exception but an error in the data or a limit    (last)

A call ends in ParameterError, and changes nothing, if the decoder is at work (another thread, a signal handler, a
finalizer), was interrupted, or has its threads in another process (fork). Neither `_start_thread` nor the wait in `run`
changes a batch: interrupted there, the batch stays open or taken.

FrameStores stay with the sequence. Of its own frame, `repair` reads `picture` and `content`, and copies everything
that marking changes. Of earlier frames it reads `picture` and `order`, which are final.
"""

import weakref
from _thread import start_new_thread
from collections import deque

from ...executors import processors
from ._crew import Crew, Gate

BATCH = 128  # slices at most: each takes about 40 KB beside its data
NO_THREAD = "can't start new thread"  # CPython, when the system allows no more
MOST_THREADS = 16  # by default: every picture in flight takes memory


def usable_threads():
    """One for each processor that this process may use, MOST_THREADS at most."""
    return min(processors(), MOST_THREADS)


class Workers:
    """Threads that decode batches in the order given; with one thread, the caller decodes.

    Parameters
    ----------
    threads : int
        How many decode at a time; 0: one for each processor.

    Attributes
    ----------
    gate : Gate
        Every call into the decoder goes through it.
    """

    def __init__(self, threads):
        self._count = threads or usable_threads()
        self._most = self._count + (self._count + 1) // 2  # batches at work: about a third waits for others
        self._threads, self._running = 0, deque()
        self._crew = Crew(self._count, self._running)
        self.gate = Gate(self._crew)  # of the decoder that these threads work for
        weakref.finalize(self, self._crew.close)  # the threads refer to the crew alone

    def run(self, batch, wait=False):
        """Take over a batch, which is decoded as soon as a thread is free; `wait`: return when it is decoded.

        Blocks while more than one batch has no thread yet.
        """
        if self._count == 1:
            self._crew.run_here(batch)
            return
        self._crew.wait(self._most)
        # A slow batch does not stop those after it, but they stay in the deque until it is done: bound its length.
        while self._running and (len(self._running) > 2 * self._most or self._running[0].done):
            self._crew.join(self._running[0])
            self._running.popleft()  # after the join: a batch in line must be in `_running`
        if self._threads < min(self._most, len(self._running) + 1):
            self._start_thread()
        if not self._threads:
            self._crew.run_here(batch)
            return
        self._crew.put(batch)
        if wait:
            self._crew.join(batch)

    def _start_thread(self):
        """Not by `threading`: an exception of a signal handler in Thread.start breaks its register of threads."""
        try:
            start_new_thread(self._crew.work, ())
        except RuntimeError as error:
            if NO_THREAD not in str(error):  # of a signal handler
                raise
            return  # use those that started
        self._threads += 1

    def join(self, batch):
        """Wait for a batch; raise the exception of its thread, if one ended it that is not an error in the data."""
        self._crew.join(batch)
        batch.result()
