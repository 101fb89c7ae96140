"""From pixels to entropy-coded data, a row of MCUs at a time: for encodes that need no second look at the levels.

A row of samples and levels fits the cache, as the bits of a strip of rows do, so that the picture passes through memory
once. Threads code strips side by side. The bits of a strip are appended to those of the strips above, so that the bytes
do not depend on the number of threads.
"""
from cpython.object cimport PyObject
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from codec._core cimport (
    E_MEMORY, JPEG_BLOCK_BYTES, OK, BitWriter, append, close_writer, end_segment, open_writer,
)
from codec._stop cimport stopped
from codec._team cimport Team, turns_lock, turns_unlock
from codec.jpeg._planes cimport (
    Forward, ForwardComponent, Pixels, close_forward, describe_forward, forward_row, open_forward, set_image,
)
from codec.jpeg._scan_write cimport RowWriter, Tables, check_written, describe_rows, put_mcu_row
from codec.jpeg._segments cimport whole_intervals
from ..errors import ParameterError


cdef extern from "Python.h":
    PyObject *PyBytes_FromStringAndSize(const char *bytes, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    char *PyBytes_AS_STRING(PyObject *bytes)
    void Py_XDECREF(PyObject *object)

cdef enum:
    STRIPS = 32             # for each thread, where there are as many rows
    LAST_ROWS = 4           # strips of a single row for each thread, so that threads end together
    LEAST_MCUS = 512        # of a strip: one MCU of it is coded twice
    MCU_BLOCKS = 10         # at most (B.2.3)
    APPENDED = 1 << 14      # bytes: what `append` and an MCU want besides those of a strip, should all be FF

cdef struct Strip:
    BitWriter writer        # owned once it is begun
    bint done
    int16_t first_zz[MCU_BLOCKS * 64]   # levels of the first MCU, which the strip does not code, by component and row
    int high[4]             # block rows of it
    int pred[4]             # DC predictions after the strip


cdef void rows_here(Forward *f, RowWriter *r, Py_ssize_t my) noexcept nogil:
    """Levels of row `my` of MCUs, for `r` to code."""
    cdef int i
    forward_row(f, my)
    for i in range(f.channels):
        r.rows[i].high = <int>min(<Py_ssize_t>r.rows[i].V, f.components[i].high - my * r.rows[i].V)


cdef void keep_first_mcu(const RowWriter *r, Strip *s) noexcept nogil:
    cdef int16_t *out = s.first_zz
    cdef Py_ssize_t size
    cdef int i, v
    for i in range(r.Ns):
        s.high[i] = r.rows[i].high
        size = min(<Py_ssize_t>r.rows[i].H, r.rows[i].wide) * 64
        for v in range(r.rows[i].V):
            memcpy(out, r.rows[i].level_zz + v * r.rows[i].wide * 64, size * sizeof(int16_t))
            out += size


cdef class StreamTeam(Team):
    """The strips of a scan. A strip that begins inside a restart interval leaves its first MCU, whose DC differences
    need the levels of the strip above, to `join`."""
    cdef Forward f              # described, not open
    cdef RowWriter r            # described, and copied by threads whenever they begin
    cdef RowWriter joint        # of the whole scan; its writer writes to `file`
    cdef PyObject *file         # bytes; owned, and nobody else's
    cdef bytes before           # what the file begins with
    cdef Strip *strips
    cdef Py_ssize_t room                # bytes that a strip's writer begins with
    cdef Py_ssize_t mcus_high, unit     # strips begin at multiples of `unit` rows
    cdef Py_ssize_t even, last          # these units are spread over strips, then each is one
    cdef Py_ssize_t joined, reused      # strips; writers of joined ones serve again, in order
    cdef bint joining

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.strips != NULL:
            for i in range(self.parts):
                close_writer(&self.strips[i].writer)
            free(self.strips)
        close_writer(&self.r.writer)
        Py_XDECREF(self.file)

    cdef void spread(self, Py_ssize_t mcus_wide, int threads) noexcept nogil:
        """Decide on strips."""
        cdef Py_ssize_t units = (self.mcus_high + self.unit - 1) // self.unit
        self.last = min(LAST_ROWS * threads, units // 4) if threads > 1 else 0
        self.even = units - self.last
        self.parts = self.last + max(<Py_ssize_t>1, min(STRIPS * threads, self.even,
                                                        mcus_wide * self.mcus_high // LEAST_MCUS))

    cdef Py_ssize_t first_row(self, Py_ssize_t strip) noexcept nogil:
        """Of a strip; most of them are spread evenly."""
        cdef Py_ssize_t left = self.parts - strip
        cdef Py_ssize_t unit = (self.even * strip // (self.parts - self.last) if left > self.last
                                else self.even + self.last - left)
        return min(unit * self.unit, self.mcus_high)

    cdef int code(self, Py_ssize_t strip, Forward *f, RowWriter *r) noexcept nogil:
        """Code a strip by the writer of `r`."""
        cdef Strip *s = &self.strips[strip]
        cdef Py_ssize_t my = self.first_row(strip), past = self.first_row(strip + 1), mx = 0
        cdef int i
        for i in range(r.Ns):
            r.rows[i].pred = 0
        rows_here(f, r, my)
        if strip and not r.restart_interval:
            keep_first_mcu(r, s)
            if self.put_first_mcu(r, s):                # for the predictions after it
                return E_MEMORY
            r.writer.next, r.writer.acc, r.writer.count = r.writer.start, 0, 0
            mx = 1
        while True:
            if put_mcu_row(r, my, mx):
                return E_MEMORY
            if stopped():
                return -1
            my += 1
            mx = 0
            if my >= past:
                break
            rows_here(f, r, my)
        for i in range(r.Ns):
            s.pred[i] = r.rows[i].pred
        return OK

    cdef int put_first_mcu(self, RowWriter *r, Strip *s) noexcept nogil:
        """Code the first MCU of a strip after the predictions of `r`, which keeps its rows."""
        cdef const int16_t *levels = s.first_zz
        cdef const int16_t *level_zz[4]
        cdef Py_ssize_t wide[4]
        cdef Py_ssize_t mcus_wide = r.mcus_wide
        cdef int i, status
        r.mcus_wide = 1
        for i in range(r.Ns):
            level_zz[i], wide[i] = r.rows[i].level_zz, r.rows[i].wide
            r.rows[i].level_zz, r.rows[i].high = levels, s.high[i]
            r.rows[i].wide = min(<Py_ssize_t>r.rows[i].H, wide[i])
            levels += r.rows[i].V * r.rows[i].wide * 64
        status = put_mcu_row(r, 0, 0)
        r.mcus_wide = mcus_wide
        for i in range(r.Ns):
            r.rows[i].level_zz, r.rows[i].wide = level_zz[i], wide[i]
        return status

    cdef int join(self, Py_ssize_t strip) noexcept nogil:
        """Append a strip to those above it."""
        cdef Strip *s = &self.strips[strip]
        cdef BitWriter *w = &self.joint.writer
        cdef int status = self.make_room(2 * (s.writer.next - s.writer.start) + APPENDED), i
        if status:
            return status
        if self.r.restart_interval:                     # it begins with a marker
            status = end_segment(&s.writer)
            if status == OK:
                memcpy(w.next, s.writer.start, s.writer.next - s.writer.start)
                w.next += s.writer.next - s.writer.start
                w.segment = w.next - w.start
        else:
            status = (self.put_first_mcu(&self.joint, s) if strip else OK) or append(w, &s.writer)
        for i in range(self.r.Ns):
            self.joint.rows[i].pred = s.pred[i]
        if s.writer.status:
            w.status = s.writer.status
        return status

    cdef int open_strip(self, BitWriter *w) noexcept nogil:
        """A writer for a strip: that of a joined one, or a new one."""
        cdef BitWriter *joined = NULL
        turns_lock(&self.turns)
        if self.reused < self.joined:
            joined = &self.strips[self.reused].writer
            w[0] = joined[0]
            memset(joined, 0, sizeof(BitWriter))
            self.reused += 1
        turns_unlock(&self.turns)
        if joined == NULL:
            return open_writer(w, self.room)
        w.next, w.acc, w.count, w.segment = w.start, 0, 0, 0
        return OK

    cdef int make_room(self, Py_ssize_t size) noexcept nogil:
        """Room for `size` more bytes in the file; the first strip tells about how long it will be."""
        cdef BitWriter *w = &self.joint.writer
        cdef const BitWriter *first = &self.strips[0].writer
        if w.end - w.next >= size:
            return OK
        with gil:
            if self.joined == 0:
                return self.open_file(size + min(self.f.width * self.f.height, (first.next - first.start) * 9
                                                 * self.mcus_high // (8 * self.first_row(1))))
            return self.resize_file(w.next - w.start, max(size, (w.next - w.start) // 2))

    cdef int open_file(self, Py_ssize_t room) noexcept:
        """Begin with `before`."""
        cdef Py_ssize_t used = len(self.before)
        try:
            self.file = PyBytes_FromStringAndSize(NULL, used + room)
        except MemoryError:
            return E_MEMORY
        memcpy(PyBytes_AS_STRING(self.file), <const char *>self.before, used)
        self.joint.writer.segment = used
        return self.resize_file(used, room)

    cdef int resize_file(self, Py_ssize_t used, Py_ssize_t room) noexcept:
        """Let the joint writer go on after `used` bytes, with room for more."""
        cdef BitWriter *w = &self.joint.writer
        w.start = w.next = w.end = NULL
        try:
            _PyBytes_Resize(&self.file, used + room)
        except MemoryError:
            return E_MEMORY
        w.start = <uint8_t *>PyBytes_AS_STRING(self.file)
        w.next = w.start + used
        w.end = w.next + room
        w.lent = True
        return OK

    cdef bytes finish(self, bytes after):
        """The file, to be called once."""
        cdef BitWriter *w = &self.joint.writer
        cdef PyObject *file
        cdef bytes whole
        if self.status == OK:
            self.status = self.make_room(len(after) + APPENDED) or end_segment(w) or w.status
        check_written(self.status)
        memcpy(w.next, <const char *>after, len(after))
        _PyBytes_Resize(&self.file, w.next - w.start + len(after))
        file = self.file
        self.file = NULL
        whole = <bytes>file
        Py_XDECREF(file)
        return whole

    cdef void join_done(self) noexcept nogil:
        """Append the strips that have all strips above them, unless another thread does, or the work has failed: then
        the file may be lost. The caller holds the lock."""
        cdef int status = OK
        if self.joining or self.status:
            return
        self.joining = True
        while self.joined < self.parts and self.strips[self.joined].done and status == OK:
            turns_unlock(&self.turns)
            status = self.join(self.joined)
            turns_lock(&self.turns)
            self.joined += 1
        self.joining = False
        if status:
            self.status = status

    cdef void work(self) noexcept nogil:
        cdef Forward f = self.f
        cdef RowWriter *r = <RowWriter *>malloc(sizeof(RowWriter))
        cdef int16_t *levels = NULL
        cdef Py_ssize_t strip = 0
        cdef int status = open_forward(&f)
        if r != NULL and status == OK:
            memcpy(r, &self.r, sizeof(RowWriter))
            levels = open_levels(&f, r)
        if levels == NULL:
            self.fail(E_MEMORY)
        else:
            while status == OK:
                strip = self.take()
                if strip < 0:
                    break
                status = self.open_strip(&r.writer) or self.code(strip, &f, r)
                turns_lock(&self.turns)
                self.strips[strip].writer = r.writer
                self.strips[strip].done = status == OK
                self.join_done()
                turns_unlock(&self.turns)
            if status:
                self.fail(status)
        free(levels)
        free(r)
        close_forward(&f)


cdef int16_t *open_levels(Forward *f, RowWriter *r) noexcept nogil:
    """Room for the levels of a row of MCUs, between `f` and `r`; owned by the caller. NULL: no memory."""
    cdef Py_ssize_t size = 0
    cdef int16_t *levels
    cdef int i
    for i in range(f.channels):
        size += f.components[i].V * f.components[i].wide * 64
    levels = <int16_t *>malloc(size * sizeof(int16_t))
    if levels != NULL:
        size = 0
        for i in range(f.channels):
            f.components[i].out_zz = levels + size
            r.rows[i].level_zz = f.components[i].out_zz
            size += f.components[i].V * f.components[i].wide * 64
    return levels


cdef class PixelWriter:
    """Writes pictures of one setting, what they have in common made once.

    Parameters
    ----------
    color, sampling, Q, chroma, dead_zone, dering
        As `forward` takes them, Q always.
    tables : Tables, prepared
    destinations : (Td, Ta) for each component
    restart_interval : MCUs, 0 for none
    """
    cdef Forward f              # without a picture
    cdef int Td[4]
    cdef int Ta[4]
    cdef Tables tables
    cdef Py_ssize_t restart_interval

    def __init__(self, color, sampling, Q, Tables tables, destinations, *, chroma="box", dead_zone=False, dering=None,
                 Py_ssize_t restart_interval=0):
        cdef int i
        if tables.codes == NULL:
            raise ParameterError("tables are prepared first")
        self.tables, self.restart_interval = tables, restart_interval
        describe_forward(&self.f, color, sampling, Q, chroma, dead_zone, dering)
        for i in range(self.f.channels):
            self.Td[i], self.Ta[i] = destinations[i]

    def data(self, image, int threads=1, bytes before=b"", bytes after=b""):
        """The data of a sequential scan of all components: the bytes that `forward` and `encode_scan` would make.

        Parameters
        ----------
        image : (H, W, components) uint8
        threads : at least 1
            With a restart interval, as many as there are strips that end where an interval does.
        before, after : bytes
            What surrounds the data in the result.

        Returns
        -------
        bytes
        """
        cdef StreamTeam team = StreamTeam()
        cdef Forward *f = &team.f
        cdef RowWriter *r = &team.r
        cdef ForwardComponent *c
        cdef Py_ssize_t mcus_wide
        cdef Pixels pixels = Pixels(image)
        cdef int i
        f[0] = self.f
        set_image(f, pixels)
        mcus_wide = (f.width + 8 * f.Hmax - 1) // (8 * f.Hmax)
        describe_rows(r, f.dsp, f.channels, mcus_wide, self.restart_interval)
        for i in range(f.channels):
            c = &f.components[i]
            r.rows[i].wide, r.rows[i].H, r.rows[i].V = c.wide, c.H, c.V
            r.rows[i].dc, r.rows[i].ac = &self.tables.codes[self.Td[i]], &self.tables.codes[4 + self.Ta[i]]
        team.mcus_high = (f.height + 8 * f.Vmax - 1) // (8 * f.Vmax)
        team.unit = whole_intervals(mcus_wide, self.restart_interval)
        team.spread(mcus_wide, threads)
        team.strips = <Strip *>calloc(team.parts, sizeof(Strip))
        if team.strips == NULL:
            raise MemoryError
        team.room = MCU_BLOCKS * JPEG_BLOCK_BYTES * mcus_wide + f.width * f.height // (2 * team.parts)
        team.joint = r[0]
        team.before = before
        team.share(threads)
        return team.finish(after)
