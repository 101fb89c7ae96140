"""Decoding of slices by threads, beside the one that reads headers and knows marking, reference lists and output order.

The slices of a picture are a batch (or several, if there are very many, or results are asked for before the picture is complete), which one
thread decodes. Batches start in decoding order; one waits for what it reads of earlier pictures, row by row where those come in raster order
(PictureData.lines), and for an earlier batch of its own frame. So a batch only ever waits for batches that were started before it, and each
of these ends, whatever is wrong with its data.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ..errors import BitstreamError
from ._conceal import conceal
from ._slice_dec import Neighbours, decode_slices, finish_picture
from .output import missing_macroblocks, side_data_of, sources_of
from .references import BOTTOM, FRAME, TOP

ERRORS_KEPT = 100  # of a picture
BATCH = 128  # slices at most: each takes about 30 KB beside its data
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
    """Of one slice, or of the end of a picture."""

    def __init__(self, batch):
        self.batch, self.error = batch, None

    @property
    def done(self):
        return self.batch.done

    def result(self):
        """The error, or None; waits for it."""
        self.batch.future.result()
        return self.error


class Batch:
    """Slices of one coded picture.

    Attributes
    ----------
    slices : list of (Slice, NalUnit, Outcome)
    previous : Batch or None
        Of the same frame: decoded before.
    future : Future or None
        Of nothing but that the batch is decoded; None before it is handed to a thread.
    """

    def __init__(self, previous):
        self.slices, self.previous, self.future = [], previous, None

    @property
    def done(self):
        return self.future is not None and self.future.done()

    def add(self, prepared, nal):
        """Take in one more slice: its Outcome."""
        outcome = Outcome(self)
        self.slices.append((prepared, nal, outcome))
        return outcome

    def decode(self, neighbours, end):
        """Decode all slices, and the end of the picture if this is it."""
        if self.previous is not None:
            self.previous.future.exception()  # waits; its own outcomes tell it
            self.previous = None
        slices, self.slices = self.slices, []
        decode_slices([one for one, _, _ in slices], neighbours, end is not None and end.batches == 1)
        for one, nal, outcome in slices:
            if (error := one.error) is not None:
                outcome.error = placed(error, nal)
        if end is not None:
            end.finish()


class PictureEnd:
    """What is done when all slices of a picture are decoded: it is filtered, and what is missing is filled in.

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
    side_data : bool
    """

    def __init__(self, current, stores, last, level, outcome, tolerant, side_data):
        self.current, self.stores, self.last, self.level, self.outcome = current, stores, last, level, outcome
        self.order, self.paired = current.store.order, current.store.fields != 0
        self.tolerant, self.side_data, self.batches = tolerant, side_data, current.batches

    def finish(self):
        """Do it, in the thread that decoded the picture."""
        current, picture = self.current, self.current.store.picture
        errors = [error.error if isinstance(error, Outcome) else error for error in current.errors]
        errors = [error for error in errors if error is not None][:ERRORS_KEPT]
        missing = finish_picture(picture, PARITY[current.fields], self.level)
        if missing or errors:
            lost = missing_macroblocks(picture, current.fields, current.header.MbaffFrameFlag(current.sps))
        if missing:
            nal = current.nal
            self.outcome.error = BitstreamError(
                f"{int(lost.sum())} macroblocks of the picture are missing", layer=nal.layer("picture"), offset=nal.offset, clause="H.264 7.4.3")
            errors.append(self.outcome.error)
            self._conceal(lost)
        if errors and self.tolerant:
            told = [(getattr(error, "offset", None) or 0, str(error)) for error in errors[:ERRORS_KEPT]]
            current.store.content.add_damage(lost, told)
        if self.side_data:
            current.store.content.side_data = side_data_of(picture, current.bits)

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
        0: one for each processor.
    """

    def __init__(self, threads):
        self._threads = threads or usable_threads()
        self._pool = None
        self._running, self._spare = deque(), []  # futures; Neighbours that no thread uses

    def run(self, batch, picture, end):
        """Decode a batch into a Picture as soon as a thread is free. Waits while more than one is in line for that."""
        if self._threads == 1:
            self._run_here(batch, picture, end)
            return
        if self._pool is None:
            # Its threads end when it is not referred to any more; none refers to the decoder.
            self._pool = ThreadPoolExecutor(self._threads, "h264")
        while self._running and (len(self._running) > self._threads or self._running[0].done()):
            self._running.popleft().exception()
        picture.expect()
        try:
            batch.future = self._pool.submit(_run, batch, picture, end, self._spare)
        finally:
            if batch.future is None:
                picture.finished()
        self._running.append(batch.future)

    def _run_here(self, batch, picture, end):
        batch.future = Future()
        picture.expect()
        try:
            _run(batch, picture, end, self._spare)
        finally:
            batch.future.set_result(None)


def _run(batch, picture, end, spare):
    """Decode a batch; whatever happens, nobody waits for the picture afterwards."""
    neighbours = spare.pop() if spare else Neighbours()
    try:
        batch.decode(neighbours, end)
    finally:
        picture.finished()
    spare.append(neighbours)
