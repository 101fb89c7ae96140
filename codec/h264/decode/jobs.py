"""Decoding of slices by threads. Headers, marking, reference lists and output order stay with the caller.

The slices of a picture are one batch, or several if there are more than BATCH of them or a result is needed before the
picture is complete. One thread decodes a batch; `_crew` has the threads. Batches start in decoding order. A batch waits
for the rows it reads of earlier pictures, one by one where those are decoded in raster order (PictureData.lines), and
for an earlier batch of its own frame.

Ownership. A batch has one owner at a time, and its owner alone may touch its slices and write the picture:

1. The sequence, from `Batch()` to `Workers.run`: it adds prepared slices, and says whether the picture ends with them.
   A prepared slice holds copies of all that later marking may change (order counts, long-term flags), and keeps the
   pictures of its reference lists alive.
2. The thread, from `Workers.run` until `batch.done`: it writes samples, motion and macroblock data of the picture, then
   calls `PictureEnd.mend` if anything is wrong. `mend` also owns the CodedPicture, which the sequence dropped, and the
   `damage` of the frame. Others may read `batch.done`; decoding threads may read the rows of the picture that
   PictureData.lines says are complete. `_running` keeps the batch alive, because the queue of the crew has bare
   pointers.
   With separate colour planes a thread also selects the plane in its reference pictures, so that these have two owners:
   the sequence waits for each such batch.
3. Whoever joins it, once it is done: outcomes and the picture are read-only from then on, except for the missing field
   of an unpaired field, which the sequence fills when it stores the frame.

FrameStores stay with the sequence. Of its own frame, `mend` reads `picture` and `content`, and has a copy of everything
that marking changes. Of earlier frames it reads `picture` and `order`, which are final.
"""

import contextlib
import os
import threading
import weakref
from collections import deque

from ._crew import Crew

BATCH = 128  # slices at most: each takes about 40 KB beside its data
MOST_THREADS = 16  # by default: every picture in flight takes memory


def usable_threads():
    """One for each processor that this process may use, MOST_THREADS at most."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, MOST_THREADS)


class Workers:
    """Threads that decode batches in the order given; with one thread, the caller decodes.

    Parameters
    ----------
    threads : int
        How many decode at a time; 0: one for each processor.
    """

    def __init__(self, threads):
        self._count = threads or usable_threads()
        self._most = self._count + (self._count + 1) // 2  # batches at work: about a third waits for others
        self._crew, self._threads, self._running = Crew(self._count), [], deque()
        weakref.finalize(self, self._crew.close, self._running)  # the threads refer to the crew alone

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
            self._running.popleft()  # after the join: an interrupt must not free a batch that a thread is decoding
        if len(self._threads) < min(self._most, len(self._running) + 1):
            self._start_thread()
        if not self._threads:
            self._crew.run_here(batch)
            return
        self._running.append(batch)
        self._crew.put(batch)
        if wait:
            self._crew.join(batch)

    def _start_thread(self):
        thread = threading.Thread(target=self._crew.work, name="h264", daemon=True)
        with contextlib.suppress(RuntimeError):  # the system allows no more threads: use those that started
            thread.start()
            self._threads.append(thread)

    def join(self, batch):
        """Wait for a batch; raise the exception of its thread, if one ended it that is not an error in the data."""
        self._crew.join(batch)
        batch.result()
