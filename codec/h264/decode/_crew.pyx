"""Threads that decode batches of slices in the order they were put in line, without the interpreter's lock.

A batch waits for the lines it reads from other pictures, and for the earlier batch of its own frame: always for batches
put in line before it. There are more threads than may compute at a time: while one waits, another has its turn. No
Python runs here for an intact picture; a damaged one is repaired by a Python function.
"""
from libc.stdlib cimport free, realloc

from codec._team cimport (
    Turns, shared_add, shared_load, shared_process, shared_set, shared_store, turns_close, turns_give, turns_lock,
    turns_open, turns_take, turns_unlock, turns_wait, turns_wake,
)
from codec.h264.decode._slice_dec cimport Slice, decode_prepared, end_picture, order_slices
from codec.h264.entropy._reader cimport FAULT_MEMORY, SliceReader
from codec.h264.macroblock._kernels cimport H264Dsp, h264_dsp
from codec.h264.macroblock._slice cimport MbContext, context_room
from codec.h264.pictures._picture cimport Picture, PictureData

from threading import get_ident

from ...errors import CodecError, ParameterError


cdef struct Job:
    SliceReader **slices
    int count, room
    PictureData *picture
    const H264Dsp *dsp
    int whole               # it has all slices of the picture
    int ends, parity        # the picture ends with it; frame or field (see end_picture)
    int known               # the picture must be repaired, whatever is found here
    int missing             # macroblocks
    int done                # shared_...
    Job *previous           # of the same frame
    Job *next               # in line
    void *batch


cdef class Batch:
    """Slices of one coded picture, decoded by one thread.

    Open, taken, done: see `jobs`. What only an open batch allows raises ParameterError once it is taken, whatever the
    caller believes.

    Parameters
    ----------
    picture : Picture
    previous : Batch or None
        Of the same frame.
    """

    cdef Job job
    cdef list slices
    cdef Picture picture
    cdef Batch previous
    cdef object repair, failure
    cdef int taken              # shared_...

    def __cinit__(self, Picture picture, Batch previous):
        self.slices, self.picture, self.previous = [], picture, previous
        self.job.picture = &picture.data
        self.job.batch = <void *>self
        if previous is not None and not previous.done:
            self.job.previous = &previous.job

    def __dealloc__(self):
        free(self.job.slices)

    def __len__(self):
        return self.job.count

    cdef int check_open(self) except -1:
        if shared_load(&self.taken):
            raise ParameterError("a thread has these slices already: an exception interrupted the decoder")
        return 0

    cdef int take(self, running) except -1:
        """Leave the sequence, and join `running` if there is one. All or nothing: no other Python can run here."""
        if self.previous is not None and not shared_load(&self.previous.taken):
            raise ParameterError("no thread has the slices before these: an exception interrupted the decoder")
        if shared_set(&self.taken):
            self.check_open()
        if running is not None:
            running.append(self)
        shared_add(&self.job.picture.pending, 1)
        return 0

    def add(self, Slice prepared not None):
        """Add a slice."""
        cdef SliceReader **grown
        self.check_open()
        if self.job.count == self.job.room:
            grown = <SliceReader **>realloc(self.job.slices, (2 * self.job.room + 4) * sizeof(SliceReader *))
            if not grown:
                raise MemoryError("no memory for slices")
            self.job.slices, self.job.room = grown, 2 * self.job.room + 4
        self.slices.append(prepared)
        self.job.slices[self.job.count] = prepared.d
        self.job.count += 1

    def end(self, int parity, int level, repair, *, bint whole, bint known):
        """End the picture with this batch: the frame (parity 0), top field (1) or bottom field (2).

        The thread that decodes it calls `repair(missing)` if slices have faults, macroblocks are missing, or damage is
        already known; whole: the batch has all slices of the picture.
        """
        self.check_open()
        self.job.ends, self.job.parity, self.job.dsp = 1, parity, h264_dsp(self.picture.data.pixel_shift, level)
        self.job.whole, self.job.known = whole, known
        self.repair = repair

    @property
    def done(self):
        return shared_load(&self.job.done) != 0

    def result(self):
        """Raise what `repair` raised; call it only when the batch is done."""
        if self.failure is not None:
            raise self.failure

    cdef void settle(self) noexcept:
        """Release what only decoding needed. A failure in the first field is one of the frame."""
        cdef Batch before = self.previous
        while before is not None and self.failure is None:
            self.failure, before = before.failure, before.previous
        self.slices, self.repair, self.previous = [], None, None
        self.job.previous = NULL


cdef void repair(Job *job) noexcept with gil:
    cdef Batch batch = <Batch>job.batch
    try:
        batch.repair(job.missing)
    except BaseException as error:                      # for result(); the thread goes on
        batch.failure = error


cdef class Crew:
    """The line of batches, and the threads at work on it.

    Parameters
    ----------
    turns : int
        Threads that may compute at a time.
    running : deque
        Batches in line or at work: `put` adds them, since the line has bare pointers; the caller removes those done.
    """

    cdef Turns turns
    cdef object running
    cdef int process            # in which `put` was called: threads do not survive a fork
    cdef Job *first
    cdef Job *last
    cdef int at_work, unfinished
    cdef bint closed
    cdef set threads            # idents of those at work

    def __cinit__(self, int turns, running):
        turns_open(&self.turns, turns)
        self.threads, self.running, self.process = set(), running, -1

    def __dealloc__(self):
        if not self.forked():           # closing waits for threads that wait; in a fork there are none to wake
            turns_close(&self.turns)

    cdef bint forked(self) noexcept:
        """Whether this process is a fork of the one with the threads. The lock may be held for ever here, and batches
        may never be done: touch neither."""
        return self.process >= 0 and self.process != shared_process()

    cdef void run(self, Job *job, MbContext **mbs, int *room) noexcept nogil:
        """Decode a batch; whatever happens, its picture is no longer pending."""
        cdef PictureData *p = job.picture
        cdef SliceReader *d
        cdef int i, wanted
        cdef MbContext *grown
        if job.previous != NULL and not shared_load(&job.previous.done):
            turns_lock(&self.turns)
            turns_give(&self.turns)
            while not shared_load(&job.previous.done):
                turns_wait(&self.turns)
            turns_take(&self.turns)
            turns_unlock(&self.turns)
        order_slices(job.slices, job.count, job.whole)
        for i in range(job.count):
            d, wanted = job.slices[i], context_room(&job.slices[i].s)
            if wanted > room[0]:
                grown = <MbContext *>realloc(mbs[0], wanted * sizeof(MbContext))
                if grown != NULL:
                    mbs[0], room[0] = grown, wanted
            d.s.work.mbs, d.s.work.mbs_mask, d.s.work.turns = mbs[0], wanted - 1, &self.turns
            if wanted > room[0]:
                d.fault = FAULT_MEMORY
            else:
                decode_prepared(d)
            p.faults += d.fault != 0
        if job.ends:
            job.missing = end_picture(p, job.dsp, job.parity)
            if job.missing or p.faults or job.known:
                turns_lock(&self.turns)
                turns_give(&self.turns)                 # it may wait for another picture
                turns_unlock(&self.turns)
                repair(job)
                turns_lock(&self.turns)
                turns_take(&self.turns)
                turns_unlock(&self.turns)
            p.faults = 0
        shared_add(&p.pending, -1)

    def run_here(self, Batch batch not None):
        """Decode the batch in the calling thread; raise what `repair` raised."""
        cdef MbContext *mbs = NULL
        cdef int room = 0
        batch.take(None)
        with nogil:
            self.run(&batch.job, &mbs, &room)
            free(mbs)
        shared_store(&batch.job.done, 1)
        batch.settle()
        batch.result()

    def put(self, Batch batch not None):
        """Put the batch in line, and add it to `running`."""
        batch.take(self.running)
        self.process = shared_process()
        with nogil:
            turns_lock(&self.turns)
            if self.first == NULL:
                self.first = &batch.job
            else:
                self.last.next = &batch.job
            self.last = &batch.job
            self.unfinished += 1
            turns_wake(&self.turns)
            turns_unlock(&self.turns)

    def wait(self, int most):
        """Wait until at most this many batches are unfinished."""
        with nogil:
            turns_lock(&self.turns)
            while self.unfinished > most:
                turns_wait(&self.turns)
            turns_unlock(&self.turns)

    def join(self, Batch batch not None):
        """Wait until the batch is done."""
        with nogil:
            if not shared_load(&batch.job.done):
                turns_lock(&self.turns)
                while not shared_load(&batch.job.done):
                    turns_wait(&self.turns)
                turns_unlock(&self.turns)
        batch.settle()

    def work(self):
        """Decode batches until `close`; the body of each thread."""
        cdef MbContext *mbs = NULL
        cdef int room = 0
        cdef Job *job
        self.threads.add(get_ident())
        with nogil:
            turns_lock(&self.turns)
            while True:
                while not self.closed and (self.first == NULL or self.turns.free == 0):
                    turns_wait(&self.turns)
                if self.closed:
                    break
                job = self.first
                self.first = job.next
                self.turns.free -= 1
                self.at_work += 1
                turns_unlock(&self.turns)
                self.run(job, &mbs, &room)
                turns_lock(&self.turns)
                self.at_work -= 1
                self.unfinished -= 1
                shared_store(&job.done, 1)
                turns_give(&self.turns)
            turns_unlock(&self.turns)
            free(mbs)
        self.threads.discard(get_ident())

    def close(self):
        """Let the threads end: batches at work are decoded, those in line are not. Empties `running`.

        A garbage collection may call this in one of the threads while it repairs a picture that others await: the call
        does not wait then, and the crew keeps `running` until the last thread has ended.
        """
        cdef bint own = get_ident() in self.threads
        cdef Job *job
        if self.forked():
            return
        with nogil:
            turns_lock(&self.turns)
            self.closed = True
            while self.first != NULL:
                job = self.first
                self.first = job.next
                shared_add(&job.picture.pending, -1)
                shared_store(&job.done, 1)
                self.unfinished -= 1
            turns_wake(&self.turns)
            while self.at_work and not own:
                turns_wait(&self.turns)
            turns_unlock(&self.turns)
        if not own:
            self.running.clear()


cdef class Gate:
    """Lets one call at a time into a decoder, and none after a call that was interrupted.

    Every call leaves the decoder whole, or with an error in the data or a limit, after which it goes on. Any other
    exception (of a signal handler, MemoryError) may have stopped it anywhere: frames may be lost, pictures half
    registered. The gate stays shut then.

    No Python runs between `call` and its function: no exception of a signal handler can pass unnoticed.
    """

    cdef Crew crew
    cdef int entered            # shared_...
    cdef str cause              # the exception that interrupted a call

    def __cinit__(self, Crew crew not None):
        self.crew = crew

    cdef int enter(self) except -1:
        if self.crew.forked():
            raise ParameterError("the threads of the decoder are in the process that this one was forked from; make a "
                                 "decoder in each process")
        if self.crew.closed:
            raise ParameterError("the threads of the decoder have ended, as the interpreter is about to")
        if shared_set(&self.entered):
            raise ParameterError("another call is at work in the decoder; use it in one thread at a time")
        if self.cause is not None:
            shared_store(&self.entered, 0)
            raise ParameterError(f"the decoder was interrupted by {self.cause} while it was at work; make a new one")
        return 0

    def call(self, function, *arguments):
        """What the function returns or raises.

        Raises
        ------
        ParameterError
            Another call is at work, or was interrupted, or this process is a fork without the threads.
        """
        self.enter()
        try:
            found = function(*arguments)
        except BaseException as error:
            # Errors in the data are never a ParameterError: that is a batch, or a call within this one, out of order.
            if isinstance(error, ParameterError) or not isinstance(error, (CodecError, StopIteration)):
                self.cause = type(error).__name__
            shared_store(&self.entered, 0)
            raise
        shared_store(&self.entered, 0)
        return found

    def each(self, frames):
        """The items of an iterator: the decoder is entered for each, and free between them."""
        return Gated(self, frames)


cdef class Gated:
    """See `Gate.each`. Compiled: an item that `call` returned reaches the caller."""

    cdef Gate gate
    cdef object frames

    def __cinit__(self, Gate gate, frames):
        self.gate, self.frames = gate, frames

    def __iter__(self):
        return self

    def __next__(self):
        return self.gate.call(next, self.frames)

    def close(self):
        """Yield no more, as `close` of a generator."""
        self.frames = iter(())
