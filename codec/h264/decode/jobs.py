"""Decoding of slices by threads, beside the one that reads headers and knows marking, reference lists and output order.

The slices of a picture are a batch (or several, if there are very many, or results are asked for before the picture is complete), which one
thread decodes: `_crew` has the threads. Batches start in decoding order; one waits for what it reads of earlier pictures, row by row where those
come in raster order (PictureData.lines), and for an earlier batch of its own frame.
"""

import contextlib
import os
import threading
import weakref
from collections import deque

import numpy as np

from ...errors import BitstreamError
from ..pictures.references import BOTTOM, FRAME, TOP
from ._conceal import conceal
from ._crew import Crew
from .output import missing_macroblocks, sources_of

ERRORS_KEPT = 100  # of a picture
BATCH = 128  # slices at most: each takes about 40 KB beside its data
MOST_THREADS = 16  # that are taken without being asked for: every picture in flight takes memory
PARITY = {FRAME: 0, TOP: 1, BOTTOM: 2}  # as the slice decoder counts


def usable_threads():
    """As many as there are processors for this process."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, MOST_THREADS)


def placed(error, nal):
    """An error with an offset in the RBSP of a NAL unit, as one with the offset in the stream."""
    offset = nal.place(error.offset) if error.offset is not None else nal.offset
    return type(error)(error.reason, layer=nal.layer(error.layer or "slice_data"), offset=offset, clause=error.clause)


class Outcome:
    """Of one slice, or of the end of a picture.

    Parameters
    ----------
    batch : Batch
    prepared, nal : Slice and NalUnit, optional
        The slice; without them `error` is set by whoever finds one.
    """

    def __init__(self, batch, prepared=None, nal=None):
        self.batch, self._prepared, self._nal, self._error = batch, prepared, nal, None

    @property
    def error(self):
        """What was wrong, or None; only when the slice is decoded."""
        if self._prepared is not None:
            prepared, self._prepared = self._prepared, None
            if (error := prepared.error) is not None:
                self._error = placed(error, self._nal)
        return self._error

    @error.setter
    def error(self, error):
        self._error = error


class PictureEnd:
    """What is done with a picture that slices or macroblocks are missing of.

    Parameters
    ----------
    current : _CodedPicture
    stores, last
        What is lost may be taken from: see `sources_of`.
    level : int
        Of the kernels.
    outcome : Outcome
        Is told if macroblocks are missing.
    tolerant : bool
        Errors are told by the frame's `damage`.
    """

    def __init__(self, current, stores, last, level, outcome, tolerant):
        self.current, self.stores, self.last, self.level, self.outcome = current, stores, last, level, outcome
        self.order, self.paired, self.tolerant = current.store.order, current.store.fields != 0, tolerant

    def mend(self, missing):
        """Do it, in the thread that decoded the picture."""
        current, picture = self.current, self.current.store.picture
        errors = [error.error if isinstance(error, Outcome) else error for error in current.errors]
        errors = [error for error in errors if error is not None][:ERRORS_KEPT]
        lost = missing_macroblocks(picture, current.fields, current.header.MbaffFrameFlag(current.sps))
        if missing:
            nal = current.nal
            self.outcome.error = BitstreamError(
                f"{int(lost.sum())} macroblocks of the picture are missing",
                layer=nal.layer("picture"),
                offset=nal.offset,
                clause="H.264 7.4.3",
            )
            errors.append(self.outcome.error)
            self._conceal(lost)
        if errors and self.tolerant:
            told = [(getattr(error, "offset", None) or 0, str(error)) for error in errors[:ERRORS_KEPT]]
            current.store.content.add_damage(lost, told)

    def _conceal(self, lost):
        current = self.current
        key = current.store.content.key
        sources = sources_of(self.order, key, self.stores, self.last)
        for picture, _ in sources:
            picture.wait()
        order = sources[0][1] + 2 if key and sources else self.order  # the next frame after what was shown
        rows = slice(None) if current.fields == FRAME else slice(int(current.fields == BOTTOM), None, 2)
        lost = np.ascontiguousarray(lost[rows], np.uint8)
        conceal(current.store.picture, lost, PARITY[current.fields], order, sources, self.paired, self.level)


class Workers:
    """Threads that decode batches, in the order in which they are given; with one, the caller's own.

    Parameters
    ----------
    threads : int
        That decode at a time; 0: one for each processor.
    """

    def __init__(self, threads):
        self._count = threads or usable_threads()
        self._most = self._count + (self._count + 1) // 2  # batches at work: about a third waits for others
        self._crew, self._threads, self._running = Crew(self._count), [], deque()
        weakref.finalize(self, self._crew.close, self._running)  # the threads refer to the crew alone

    def run(self, batch, wait=False):
        """Decode a batch as soon as a thread is free. Waits while more than one is in line for that; `wait`: until it is decoded."""
        if self._count == 1:
            self._crew.run_here(batch)
            return
        self._crew.wait(self._most)
        # One that takes long does not stop the others, but not without end: what came after it is kept until it is done.
        while self._running and (len(self._running) > 2 * self._most or self._running[0].done):
            self._crew.join(self._running[0])
            self._running.popleft()  # only now: what a thread is at must outlast an interrupt
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
        with contextlib.suppress(RuntimeError):  # the system allows no more: those that there are will do
            thread.start()
            self._threads.append(thread)

    def join(self, batch):
        """Wait for a batch; raises what went wrong in its thread, of what is no error of the data."""
        self._crew.join(batch)
        batch.result()
