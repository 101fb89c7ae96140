"""From entropy-coded data, or levels, to pixels, a band of MCU rows at a time.

A band is read, inverse-transformed, and composed with the last row of the band above; then its memory takes another
one, so that one thread works in the cache. Several threads do different bands at the same time: only reading must be
in order, and not even that where restart intervals begin with bands. The pixels and errors are those of one thread.

Where there are no restart intervals, threads also read in several places at the same time, each a piece of the data,
and it turns out later which MCUs those are (`PieceTeam`).

Of a part of a picture (`Window` of view.py) the MCUs above are read for their DC, from the last restart interval on
that begins a row of MCUs; those below only where damage is to be reported.
"""
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int16_t, int64_t, uint16_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport (
    E_MEMORY, NAT_OF_ZZ, OK, BitReader, JpegDsp, JpegReduced, Sample, jpeg_dsp, open_reader,
)
from codec._stop cimport stopped
from codec._team cimport (
    Team, Turns, turns_close, turns_lock, turns_open, turns_unlock, turns_wait, turns_wake,
)
from codec.jpeg._planes cimport Upsampler, ceil_div, compose_some, composing_room, describe_upsamplers
from codec.jpeg._read_ahead cimport (
    DROPPED, GUESSED, JOINED, KNOWN, Piece, begin_piece, bit_of, blocks_of, join, note_some, open_piece, piece_bytes,
    place_of, read_one, read_some, settle, use_up, will_tell,
)
from codec.jpeg._reduced cimport set_transform, transform_row
from codec.jpeg._scan_read cimport PreparedScan, ReadScan, idct_row, read_mcu_row, take_pairs
from codec.jpeg._segments cimport ZEROS, Segments, open_only_segment, unstuff_part, whole_intervals
from ..cpu import level_index
from ..errors import ParameterError
from ._planes import TRANSFORMS


cdef enum:
    BAND_PIXELS = 1 << 15   # at least, among several threads, which wait for each other 0.1 ms at most
    ALONE_PIXELS = 1 << 12  # for one thread: to begin with a band takes time; 24 kB of levels stay in the cache


cdef class BandTeam(Team):
    """The bands of one picture."""

    def __dealloc__(self):
        free(self.memory)
        free(self.done)
        free(self.reduced)

    cdef int allocate(self) except -1:
        """Decide on bands and make room."""
        cdef Py_ssize_t size = 0, rows
        cdef uint8_t *at
        cdef Part *p
        cdef int i
        self.bands = (self.mcus_high + self.band - 1) // self.band
        self.slots = min(self.slots, self.bands)
        rows = self.slots * self.band
        for i in range(self.parts_read):
            p = &self.part[i]
            size += rows * p.V * (p.wide * p.unit * self.ring * <Py_ssize_t>sizeof(int16_t)
                                  + p.taken * p.size * p.size * (self.precision // 9 + 1))
            self.widest = max(self.widest, p.wide * 64)
        if self.zigzag:
            size += self.slots * self.widest * <Py_ssize_t>sizeof(int16_t)
        self.memory = at = <uint8_t *>calloc(size, 1)
        self.done = <int *>calloc(self.slots, sizeof(int))
        if self.memory == NULL or self.done == NULL:
            raise MemoryError
        if self.ring:
            for i in range(self.parts_read):
                p = &self.part[i]
                p.level_nat = <int16_t *>at
                at += rows * p.V * p.wide * p.unit * sizeof(int16_t)
        if self.zigzag:
            self.natural = <int16_t *>at
            at += self.slots * self.widest * sizeof(int16_t)
        for i in range(self.components):
            p = &self.part[i]
            p.samples = at
            at += rows * p.V * p.taken * p.size * p.size * (self.precision // 9 + 1)
            self.upsamplers[i].ring = rows * p.V * p.size
        return 0

    # ------------------------------------------------------------ what to do next

    cdef bint can_read(self) noexcept nogil:
        """Rows of a band are needed until the band below is composed."""
        return (self.begun < self.bands and not (self.reading and not self.any_order)
                and (self.begun < self.slots or self.begun - self.slots + 2 <= self.composed))

    cdef int next_task(self, Py_ssize_t *band) noexcept nogil:
        """READ, CONVERT or COMPOSE a band; READ_MORE (of subclasses); WAIT for another thread; END. The caller holds
        the lock.

        Several threads read ahead, as others wait for what is read; one takes each band while it is in the cache.
        """
        cdef int task
        if self.status or self.composed == self.bands:
            return END
        if self.several and not self.any_order and self.can_read():
            band[0] = self.begun
            return READ
        task = self.next_of_read(band)
        if task != WAIT:
            return task
        band[0] = self.begun
        return READ if self.can_read() else WAIT

    cdef int next_of_read(self, Py_ssize_t *band) noexcept nogil:
        """COMPOSE or CONVERT a band that is read; WAIT: there is none."""
        cdef Py_ssize_t b
        for b in range(self.composed, self.begun):
            band[0] = b
            if self.done[b % self.slots] == IS_CONVERTED and (
                    b == 0 or self.done[(b - 1) % self.slots] >= IS_CONVERTED):
                return COMPOSE
        for b in range(self.composed, self.begun):
            band[0] = b
            if self.done[b % self.slots] == IS_READ:
                return CONVERT
        return WAIT

    cdef void work(self) noexcept nogil:
        cdef void *room = malloc(composing_room(self.width, self.Hmax, self.precision))
        cdef ReadScan *reader = self.open_reader()
        if room == NULL or (reader == NULL and self.scan != NULL):
            self.fail(E_MEMORY)
        elif self.several or self.scan == NULL:
            self.do_tasks(reader, room)
        else:
            self.do_in_order(room)
        self.close_reader(reader)
        free(room)

    cdef void do_tasks(self, ReadScan *reader, void *room) noexcept nogil:
        """Until none is left."""
        cdef Py_ssize_t band = 0
        cdef int task, done, status = OK
        turns_lock(&self.turns)
        while True:
            task = self.next_task(&band)
            if task == END:
                break
            if task == WAIT:
                turns_wait(&self.turns)
                continue
            if task == READ_MORE:
                self.read_more()
                continue
            done = BUSY
            if task == READ:
                self.begun += 1
                self.reading = True
            self.done[band % self.slots] = BEING_COMPOSED if task == COMPOSE else BUSY
            turns_unlock(&self.turns)
            if task == READ:
                status, done = -1 if stopped() else self.read_band(reader, band), IS_READ
            elif task == CONVERT:
                self.convert(band)
                done = IS_CONVERTED
            else:
                self.compose(band, room)
                done = IS_COMPOSED
            turns_lock(&self.turns)
            self.finish_band(task, band, done, status)
        turns_unlock(&self.turns)

    cdef void do_in_order(self, void *room) noexcept nogil:
        """What one thread does with a scan that it reads itself: small pictures notice tasks and locks."""
        cdef Py_ssize_t band
        for band in range(self.bands):
            self.status = -1 if stopped() else self.read_band(self.scan, band)
            if self.status:
                return
            self.convert(band)
            self.compose(band, room)

    cdef void finish_band(self, int task, Py_ssize_t band, int done, int status) noexcept nogil:
        self.done[band % self.slots] = done
        if task == READ:
            self.reading = False
        if status:
            self.status = status
        while (task == COMPOSE and self.composed < self.begun
               and self.done[self.composed % self.slots] == IS_COMPOSED):
            self.composed += 1
        if self.several:
            turns_wake(&self.turns)

    cdef void read_more(self) noexcept nogil:
        pass

    # ------------------------------------------------------------ doing it

    cdef ReadScan *open_reader(self) noexcept nogil:
        """What a thread reads by: one for all, or its own."""
        cdef ReadScan *own
        if not self.any_order:
            return self.scan
        own = <ReadScan *>malloc(sizeof(ReadScan))
        if own != NULL:
            memcpy(own, self.scan, sizeof(ReadScan))
            own.segments.plain = NULL
        return own

    cdef void close_reader(self, ReadScan *own) noexcept nogil:
        """The first error of the scan counts, as if one thread had read it."""
        cdef Segments *all
        if own == NULL or own == self.scan:
            return
        all = &self.scan.segments
        turns_lock(&self.turns)
        if own.segments.status and (all.status == OK or own.segments.mcu < all.mcu):
            all.status, all.offset_bytes, all.mcu = own.segments.status, own.segments.offset_bytes, own.segments.mcu
        turns_unlock(&self.turns)
        free(own.segments.plain)
        free(own)

    cdef int read_band(self, ReadScan *s, Py_ssize_t band) noexcept nogil:
        cdef Py_ssize_t my, first = self.top + band * self.band
        cdef int i
        if s == NULL:
            return OK
        if self.any_order:
            begin_at(s, self.top + band * self.band)
            if s.segments.plain == NULL:
                s.segments.plain = <uint8_t *>malloc(s.segments.longest + ZEROS)
                if s.segments.plain == NULL:
                    return E_MEMORY
        elif band == 0 and self.pass_rows(s, self.lead, self.top):
            return s.segments.status
        for i in range(self.parts_read):
            s.component[i].level_nat = self.levels_of(i, band)
        for my in range(first, min(first + self.band, self.top + self.mcus_high)):
            if read_mcu_row(s, my, first):
                return s.segments.status
        return OK

    cdef int16_t *levels_of(self, int i, Py_ssize_t band) noexcept nogil:
        """The first row of blocks of a band."""
        cdef Part *p = &self.part[i]
        cdef Py_ssize_t row = band % self.slots * self.band if self.ring else self.top + band * self.band
        return p.level_nat + row * p.V * p.wide * p.unit

    cdef int pass_rows(self, ReadScan *s, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
        """Read rows of the scan that have no pixels in the window. Their DC needs the memory of the first band."""
        cdef Py_ssize_t my = first
        cdef int i, status = OK
        for i in range(self.parts_read):
            s.component[i].level_nat, s.component[i].only_dc = self.part[i].level_nat, True
        while my < past and status == OK:
            status = read_mcu_row(s, my, my)
            my += 1
        for i in range(self.parts_read):
            s.component[i].only_dc = self.part[i].unit == 1
            if first < past:
                memset(self.part[i].level_nat, 0, self.part[i].V * self.part[i].wide * sizeof(int16_t))
        return status

    cdef void convert(self, Py_ssize_t band) noexcept nogil:
        if self.precision == 8:
            convert_band(self, band, <uint8_t *>NULL)
        else:
            convert_band(self, band, <uint16_t *>NULL)
        if self.ring and band + self.slots < self.bands:
            self.clear(band)

    cdef void clear(self, Py_ssize_t band) noexcept nogil:
        """Clear the levels of a band for the one that is read next: reading is what others wait for."""
        cdef Part *p
        cdef int i
        for i in range(self.parts_read):
            p = &self.part[i]
            if p.unit == 64:
                memset(self.levels_of(i, band), 0, self.band * p.V * p.wide * 64 * sizeof(int16_t))

    cdef void compose(self, Py_ssize_t band, void *room) noexcept nogil:
        """All rows of pixels down to the last but one, whose chroma lies between this band and the next."""
        cdef Py_ssize_t rows = self.band * self.rows, first = band * rows - 1, past = (band + 1) * rows - 1
        first = max(first, <Py_ssize_t>0)
        past = self.height if band == self.bands - 1 else min(past, self.height)
        first, past = max(first, self.first_row), min(past, self.past_row)
        if self.precision == 8:
            compose_band(self, first, past, room, <uint8_t *>self.pixels)
        else:
            compose_band(self, first, past, room, <uint16_t *>self.pixels)


cdef void natural_order(const int16_t *zz, Py_ssize_t blocks, int16_t *nat) noexcept nogil:
    cdef Py_ssize_t block
    cdef int k
    for block in range(blocks):
        for k in range(64):
            nat[NAT_OF_ZZ[k]] = zz[k]
        zz += 64
        nat += 64


cdef void convert_band(BandTeam t, Py_ssize_t band, Sample *which) noexcept nogil:
    """Levels to samples."""
    cdef int16_t *level_nat
    cdef const int16_t *row
    cdef int16_t *natural
    cdef Sample *out
    cdef Part *p
    cdef Py_ssize_t v, rows, stride
    cdef int i
    for i in range(t.components):
        p = &t.part[i]
        level_nat = t.levels_of(i, band)
        rows = min(t.band, t.mcus_high - band * t.band) * p.V
        rows = min(rows, p.high - (t.top + band * t.band) * p.V)
        stride = p.taken * p.size
        out = <Sample *>p.samples + band % t.slots * t.band * p.V * p.size * stride
        for v in range(rows):
            row = level_nat + (v * p.wide + p.left) * p.unit
            if t.zigzag:
                natural = t.natural + band % t.slots * t.widest
                natural_order(row, p.taken, natural)
                row = natural
            if p.size == 8:
                idct_row(t.dsp, row, p.taken, p.Q_nat, t.precision, out, stride)
            else:
                transform_row(t.dsp, &t.reduced[i], row, p.unit, p.taken, p.Q_nat, t.precision, out, stride)
            out += p.size * stride


cdef void compose_band(BandTeam t, Py_ssize_t first, Py_ssize_t past, void *room, Sample *pixels) noexcept nogil:
    cdef const Sample *planes[4]
    cdef int i
    for i in range(t.components):
        planes[i] = <const Sample *>t.part[i].samples
    compose_some(t.dsp, planes, t.upsamplers, t.components, t.transform, t.precision, t.Hmax, t.Vmax, first, past,
                 t.width, room, pixels)


cdef bint in_sequence(const ReadScan *s) noexcept nogil:
    """Whether each restart interval has its segment, with the markers that E.2.4 expects."""
    cdef const Segments *g = &s.segments
    cdef Py_ssize_t i
    if g.count != (s.mcus_wide * s.mcus_high + s.restart_interval - 1) // s.restart_interval:
        return False
    for i in range(1, g.count):
        if g.found[3 * i + 2] != (i - 1 & 7):
            return False
    return True


cdef void begin_at(ReadScan *s, Py_ssize_t my) noexcept nogil:
    """Go to a row of MCUs with which a restart interval begins."""
    if s.restart_interval:
        s.segments.next = s.segments.interval = my * s.mcus_wide // s.restart_interval
    s.left = 0


cdef int describe(BandTeam team, planes_shape, Q, color, sampling, Py_ssize_t height, Py_ssize_t width,
                  int precision, window=None) except -1:
    """Check what belongs to the picture, and take it; the caller keeps the steps. `planes_shape`: blocks of each
    component that is read."""
    cdef const uint16_t[::1] steps
    cdef Part *p
    cdef int i, Vmax = max([V for H, V in sampling]) if len(sampling) > 1 else 1
    team.parts_read, team.precision, team.dsp = len(Q), precision, jpeg_dsp(level_index())
    if len(Q) != len(sampling) or len(planes_shape) != len(sampling):
        raise ParameterError(f"{len(planes_shape)} components with {len(Q)} quantization tables and {len(sampling)} "
                             "sampling factors")
    for i in range(team.parts_read):
        p = &team.part[i]
        steps = Q[i]
        if steps.shape[0] != 64:
            raise ParameterError("a quantization table has 64 steps")
        p.Q_nat = &steps[0]
        p.high, p.wide = planes_shape[i]
        p.V = sampling[i][1] if team.parts_read > 1 else 1
        p.left, p.taken, p.unit, p.size = 0, p.wide, 64, 8
    team.rows, team.top = 8 * Vmax, 0
    if window is not None:
        take_window(team, window)
        height, width = window.height, window.width
        color, sampling = window.color, window.sampling
    team.components, team.height, team.width, team.transform = len(sampling), height, width, TRANSFORMS[color]
    describe_upsamplers(team.upsamplers, &team.Hmax, &team.Vmax, color, sampling, height, width)
    for i in range(team.components):
        team.upsamplers[i].stride = team.part[i].size * team.part[i].taken
        team.upsamplers[i].repeats = window is not None and window.eighths == 1
    team.mcus_high = (height + team.rows - 1) // team.rows
    team.first_row, team.past_row = 0, height
    return 0


cdef int take_window(BandTeam team, window) except -1:
    """What of each component is needed."""
    cdef Part *p
    cdef int i
    team.rows, team.top = team.rows * window.eighths // 8, window.top
    team.reduced = <JpegReduced *>calloc(4, sizeof(JpegReduced))
    if team.reduced == NULL:
        raise MemoryError
    for i in range(team.parts_read):
        p = &team.part[i]
        p.size = window.sizes[i]
        p.left, p.taken = window.columns[i]
        p.taken = min(p.taken, p.wide - p.left)
        if p.size:
            set_transform(&team.reduced[i], p.size, team.precision)
        if p.size < 2 and team.scan != NULL:
            p.unit = 1
    return 0


cdef int plan(BandTeam team, int threads) except -1:
    """How to share the work: bands, their order, and where reading begins."""
    cdef ReadScan *s = team.scan
    cdef Py_ssize_t unit
    cdef bint ordered
    cdef int i
    team.several = threads > 1
    team.slots, team.ring = 2, team.ring or s != NULL
    team.band = max(<Py_ssize_t>1, ALONE_PIXELS // (team.rows * team.width))
    if team.several:
        team.slots, team.band = 2 * threads + 1, 1 + BAND_PIXELS // (team.rows * team.width)
    team.lead = team.top if s == NULL else 0
    if s == NULL:
        return 0
    for i in range(team.parts_read):
        s.component[i].only_dc = team.part[i].unit == 1
    ordered = s.restart_interval > 0 and not s.conceal and in_sequence(s)
    if ordered and (team.several or team.top):
        unit = whole_intervals(s.mcus_wide, s.restart_interval)
        team.lead = team.top // unit * unit
        # the statistics of arithmetic coding belong to one reader
        if team.several and not s.arithmetic and unit * threads <= team.mcus_high and team.lead == team.top:
            team.any_order = True
            team.band = (team.band + unit - 1) // unit * unit
    begin_at(s, team.lead)
    return 0


cdef object run(BandTeam team, int threads, out):
    """Share the work, return the pixels. The caller keeps team.scan."""
    cdef Py_buffer bytes_of
    plan(team, threads)
    shape = (team.past_row - team.first_row, team.width, team.components)[:2 if team.components == 1 else 3]
    pixels = np.empty(shape, np.uint8 if team.precision == 8 else np.uint16) if out is None else out
    if out is not None and (pixels.shape != shape or pixels.itemsize != (1 if team.precision == 8 else 2)
                            or not pixels.flags.c_contiguous):
        raise ParameterError("out has another shape or dtype than the picture")
    PyObject_GetBuffer(pixels, &bytes_of, PyBUF_WRITABLE)
    try:
        team.pixels = <uint8_t *>bytes_of.buf - team.first_row * team.width * team.components * bytes_of.itemsize
        fill(team, threads)
    finally:
        PyBuffer_Release(&bytes_of)
    return pixels


cdef int fill(BandTeam team, int threads) except -1:
    """Make the pixels."""
    cdef ReadScan *s = team.scan
    if pieces_of(team, threads):
        team = PieceTeam(team, threads, pieces_of(team, threads))
    else:
        team.parts = threads
        team.allocate()
    team.share(threads)
    if team.status == E_MEMORY:
        raise MemoryError
    if s != NULL and s.conceal:
        with nogil:
            team.pass_rows(s, team.top + team.mcus_high, s.mcus_high)
    return 0


# ================================================================ pieces

cdef enum:
    PIECE_BYTES = 1 << 19       # of levels, on average: they stay in the cache of a processor
    LEAST_PIECE = 128           # MCUs: some are read twice
    CUTS = 4                    # of the last piece for each thread, so that threads end together
    AT_A_TIME = 64              # MCUs that are cleared, and then read
    FEW = 16                    # as many near the end of a piece
    ALONE = 3                   # see `meet`


cdef Py_ssize_t pieces_of(BandTeam team, int threads) noexcept nogil:
    """The number of pieces in which several threads read a scan; 0: it is read in order."""
    cdef const ReadScan *s = team.scan
    cdef Py_ssize_t total, most
    if (s == NULL or threads == 1 or s.arithmetic or s.conceal or s.restart_interval or team.reduced != NULL
            or s.segments.count != 1):
        return 0
    total = s.mcus_wide * s.mcus_high
    most = max(min(PIECE_BYTES // piece_bytes(s, 1), total // (4 * threads)), <Py_ssize_t>LEAST_PIECE)
    return total // most if total >= 2 * threads * LEAST_PIECE else 0


cdef void copy_description(BandTeam team, BandTeam model) noexcept:
    """What `describe` found out about whole pictures."""
    team.part, team.upsamplers = model.part, model.upsamplers
    team.parts_read, team.components = model.parts_read, model.components
    team.transform, team.precision, team.Hmax, team.Vmax = model.transform, model.precision, model.Hmax, model.Vmax
    team.height, team.width, team.mcus_high, team.rows = model.height, model.width, model.mcus_high, model.rows
    team.first_row, team.past_row = model.first_row, model.past_row


cdef class PieceTeam(BandTeam):
    """A picture of one restart interval.

    A thread takes the next piece of the data, reads it into memory of its own, and waits until the piece before ends at
    a bit where an MCU began here: then it is known what has been read, and samples are made of it while it is in the
    cache. Who comes to a piece that nobody has taken goes on with it. Who completes a row of MCUs makes its pixels.
    """
    cdef Py_ssize_t total       # MCUs
    cdef Py_ssize_t whole, cuts     # pieces of full length, which come first; parts into which the others are cut
    cdef Piece *piece           # owned, by thread
    cdef int16_t *levels        # owned, of all of those
    cdef Piece **reader         # owned, by number of the piece; NULL: nobody has taken it
    cdef Py_ssize_t opened      # threads
    cdef Py_ssize_t *begin_of   # owned: the bytes, without stuffing, at which pieces begin, and where the last one ends
    cdef Turns supplying        # the lock of these three
    cdef Py_ssize_t supplied    # pieces of which that is known: their data is without stuffing
    cdef Py_ssize_t used        # where the data of the next one begins
    cdef Py_ssize_t size        # bytes of the data
    cdef Py_ssize_t *converted  # owned, by slot: MCUs whose samples are there

    def __dealloc__(self):
        free(self.piece)
        free(self.levels)
        free(self.reader)
        free(self.converted)
        free(self.begin_of)
        turns_close(&self.supplying)

    def __cinit__(self, *arguments):
        turns_open(&self.supplying, 0)

    def __init__(self, BandTeam whole, int threads, Py_ssize_t pieces):
        cdef ReadScan *s = whole.scan
        cdef Py_ssize_t room, size
        cdef int i
        copy_description(self, whole)
        self.scan, self.dsp, self.pixels = s, whole.dsp, whole.pixels
        self.band, self.several, self.total = 1, True, s.mcus_wide * s.mcus_high
        self.whole, self.cuts = pieces - threads, max(1, min(<Py_ssize_t>CUTS, self.total // pieces // LEAST_PIECE))
        self.parts = self.whole + threads * self.cuts
        room = 2 * (self.total // pieces + 1)
        size = piece_bytes(s, room)
        self.slots = threads * (self.total // pieces // s.mcus_wide + 2)
        self.allocate()
        self.piece = <Piece *>malloc(threads * sizeof(Piece))
        self.levels = <int16_t *>malloc(threads * size)
        self.reader = <Piece **>calloc(self.parts, sizeof(Piece *))
        self.converted = <Py_ssize_t *>calloc(self.slots, sizeof(Py_ssize_t))
        self.begin_of = <Py_ssize_t *>calloc(self.parts + 1, sizeof(Py_ssize_t))
        if (self.piece == NULL or self.levels == NULL or self.reader == NULL or self.converted == NULL
                or self.begin_of == NULL):
            raise MemoryError
        open_only_segment(&s.segments)
        open_reader(&s.reader.bits, s.segments.plain, 0)
        self.used, self.size = s.segments.found[0], s.segments.found[1] - s.segments.found[0]
        for i in range(threads):
            open_piece(&self.piece[i], s, self.levels + i * size // <Py_ssize_t>sizeof(int16_t), room)

    # ------------------------------------------------------------ who reads what

    cdef void work(self) noexcept nogil:
        cdef void *room = malloc(composing_room(self.width, self.Hmax, self.precision))
        cdef Piece *p
        turns_lock(&self.turns)
        p = &self.piece[self.opened]
        self.opened += 1
        turns_unlock(&self.turns)
        if room == NULL:
            self.fail(E_MEMORY)
        while self.take_piece(p):
            if p.state == GUESSED:
                self.guess(p)
            if p.state == JOINED:
                self.finish(p, room)
        free(room)

    cdef double share_before(self, Py_ssize_t piece) noexcept nogil:
        """The part of the data that is before a piece."""
        cdef Py_ssize_t whole = min(piece, self.whole)
        return (whole * self.cuts + piece - whole) / <double>(self.whole * self.cuts + self.parts - self.whole)

    cdef void supply(self, Piece *p) noexcept nogil:
        """Let `p` have data without stuffing: up to the end of the piece behind, and for an MCU at least.

        Readers load up to ZEROS bytes from behind `size`, where another thread may be at work: these are kept back.
        What was loaded from behind the former `size` is forgotten, as it may not have been there.
        """
        cdef BitReader *bits = &p.scan.reader.bits
        cdef Segments *all = &self.scan.segments
        cdef Py_ssize_t past, end
        turns_lock(&self.supplying)
        end = self.begin_of[self.supplied]
        while self.supplied < self.parts and (self.supplied <= p.following or end < bits.pos + 2 * ZEROS):
            self.supplied += 1
            past = all.found[0] + <Py_ssize_t>(self.size * self.share_before(self.supplied))
            end += unstuff_part(all, &self.used, past, all.plain + end)
            self.begin_of[self.supplied] = end
        bits.size = end if self.supplied == self.parts else max(end - ZEROS, <Py_ssize_t>0)
        turns_unlock(&self.supplying)
        bits.pos -= bits.count >> 3
        bits.count &= 7
        bits.acc &= ~((<uint64_t>-1) >> bits.count)

    cdef bint take_piece(self, Piece *p) noexcept nogil:
        """The next one that nobody has. The first one begins where the scan does."""
        cdef BitReader *bits = &p.scan.reader.bits
        cdef bint taken
        if stopped():
            self.fail(-1)
        turns_lock(&self.turns)
        taken = self.taken < self.parts and self.status == OK
        if taken:
            begin_piece(p, self.taken, GUESSED if self.taken else JOINED)
            self.reader[self.taken] = p
            self.taken += 1
        turns_unlock(&self.turns)
        if taken:
            bits.pos = bits.acc = bits.count = 0
            self.supply(p)                          # then it is known where the piece begins
            bits.pos = self.begin_of[p.following - 1]
            self.supply(p)
        return taken

    cdef bint go_on(self, Piece *p) noexcept nogil:
        """Take the piece to which `p` has come, if nobody has. False: the work has failed."""
        cdef bint well
        turns_lock(&self.turns)
        well = self.status == OK
        if self.taken == p.following < self.parts and self.is_at_end(p):
            self.taken += 1
            p.following += 1
        turns_unlock(&self.turns)
        return well

    cdef bint is_at_end(self, const Piece *p) noexcept nogil:
        return bit_of(p) >> 3 >= self.begin_of[p.following]

    cdef void guess(self, Piece *p) noexcept nogil:
        """Read a piece, and wait for the one before."""
        settle(p, self.begin_of[p.following - 1])
        self.tell(p, p.ready == 0)
        if p.ready:
            note_some(p, min(<Py_ssize_t>KNOWN, p.room))
            self.tell(p, True)
            if p.ready < p.most and not self.is_at_end(p):
                self.read_on(p)
        turns_lock(&self.turns)
        while p.state == GUESSED and not self.status:
            turns_wait(&self.turns)
        turns_unlock(&self.turns)

    cdef void tell(self, Piece *p, bint noted) noexcept nogil:
        """Let others know where MCUs begin."""
        turns_lock(&self.turns)
        p.known, p.noted = p.ready, noted
        turns_wake(&self.turns)
        turns_unlock(&self.turns)

    cdef Py_ssize_t read_on(self, Piece *p) noexcept nogil:
        """Read up to the piece behind, as long as there is room and no damage; at its beginning, an MCU. Returns how
        many."""
        cdef Py_ssize_t begin = p.ready, left, some = 1, done = read_some(p, 1)
        while done == some and not self.is_at_end(p):
            left = self.begin_of[p.following] - <Py_ssize_t>(bit_of(p) >> 3)
            some = <Py_ssize_t>(0.5 * left * self.total / self.size)        # half of these bytes, probably
            some = min(max(some, <Py_ssize_t>FEW), <Py_ssize_t>AT_A_TIME, p.most - p.ready)
            done = read_some(p, some) if some > 0 else -1
        return p.ready - begin

    cdef void finish(self, Piece *p, void *room) noexcept nogil:
        """A piece that is joined, and those behind that nobody has taken."""
        cdef bint ended = False
        while not ended:
            if stopped():
                self.fail(-1)
            p.most = min(p.room, self.total - p.first)
            ended = self.read_up(p)
            self.make_samples(p, room)
            use_up(p)
            ended = ended or not self.go_on(p)

    cdef bint read_up(self, Piece *p) noexcept nogil:
        """Read on until the piece behind has the same MCU. Whether nothing is left for `p` to read; else there is no
        more room, or nobody has that piece."""
        cdef int met
        while p.ready < p.most:
            self.supply(p)
            met = self.meet(p) if p.following < self.parts and self.is_at_end(p) else GUESSED
            if met == JOINED or met == ALONE:
                return met == JOINED
            if met == GUESSED and self.read_on(p) == 0 and read_one(p):
                self.note(&p.scan.segments)
                return True
        if p.first + p.ready < self.total:
            return False
        self.drop_others(p)
        return True

    cdef int meet(self, Piece *p) noexcept nogil:
        """At the end of a piece. JOINED: the one behind goes on from here, or the work has failed; GUESSED: maybe an
        MCU later; DROPPED: never, and the end is that of the next one; ALONE: nobody has it."""
        cdef Piece *other = NULL
        cdef int64_t bit = bit_of(p)
        cdef Py_ssize_t place
        cdef int met = ALONE
        turns_lock(&self.turns)
        if self.taken > p.following:
            other = self.reader[p.following]
            while will_tell(other, bit) and not self.status:
                turns_wait(&self.turns)
        if self.status:
            met = JOINED
        elif other != NULL:
            place = place_of(other, bit)
            met = JOINED if place >= 0 else (GUESSED if place == -1 else DROPPED)
            if met == JOINED:
                join(other, p, place)
            elif met == DROPPED:
                p.following += 1
            if met != GUESSED:
                other.state = met
                turns_wake(&self.turns)
        turns_unlock(&self.turns)
        return met

    cdef void drop_others(self, Piece *p) noexcept nogil:
        """All MCUs are read: what is behind `p` is none."""
        turns_lock(&self.turns)
        while p.following < self.parts:
            if self.reader[p.following] != NULL:
                self.reader[p.following].state = DROPPED
            p.following += 1
        self.taken = self.parts
        turns_wake(&self.turns)
        turns_unlock(&self.turns)

    cdef void note(self, const Segments *found) noexcept nogil:
        """The first error: all MCUs before it have been read."""
        cdef Segments *all = &self.scan.segments
        turns_lock(&self.turns)
        all.status, all.offset_bytes, all.mcu = found.status, found.offset_bytes, found.mcu
        turns_unlock(&self.turns)
        self.fail(found.status)

    # ------------------------------------------------------------ from levels to pixels

    cdef void make_samples(self, Piece *p, void *room) noexcept nogil:
        """And the pixels of the rows that this completes."""
        cdef Py_ssize_t wide = self.scan.mcus_wide, at = p.first + p.valid, past = min(p.first + p.ready, self.total)
        cdef Py_ssize_t my, end
        while at < past and self.has_room_for(at // wide):
            my = at // wide
            end = min(past, (my + 1) * wide)
            if self.precision == 8:
                convert_part(self, p, my, at - p.first, end - p.first, <uint8_t *>NULL)
            else:
                convert_part(self, p, my, at - p.first, end - p.first, <uint16_t *>NULL)
            turns_lock(&self.turns)
            self.converted[my % self.slots] += end - at
            if self.converted[my % self.slots] == wide:
                self.done[my % self.slots] = IS_CONVERTED
                self.compose_row(my, room)
                self.compose_row(my + 1, room)
            turns_unlock(&self.turns)
            at = end

    cdef bint has_room_for(self, Py_ssize_t my) noexcept nogil:
        """Wait until a row of samples takes the place of an earlier one; False if the work has failed."""
        cdef bint has
        turns_lock(&self.turns)
        while my - self.slots + 2 > self.composed and my >= self.slots and not self.status:
            turns_wait(&self.turns)
        has = self.status == 0
        turns_unlock(&self.turns)
        return has

    cdef void compose_row(self, Py_ssize_t my, void *room) noexcept nogil:
        """If its samples are there, and those of the row above. The caller holds the lock, and gets it back."""
        if (my == self.bands or self.done[my % self.slots] != IS_CONVERTED
                or my > 0 and self.done[(my - 1) % self.slots] < IS_CONVERTED):
            return
        self.done[my % self.slots] = BEING_COMPOSED
        turns_unlock(&self.turns)
        self.compose(my, room)
        turns_lock(&self.turns)
        self.done[my % self.slots] = IS_COMPOSED
        while self.composed < self.bands and self.done[self.composed % self.slots] == IS_COMPOSED:
            self.composed += 1
            if self.composed > 1:                   # nobody needs the row above any more
                self.done[(self.composed - 2) % self.slots] = BUSY
                self.converted[(self.composed - 2) % self.slots] = 0
        turns_wake(&self.turns)


cdef void convert_part(BandTeam t, Piece *p, Py_ssize_t my, Py_ssize_t at, Py_ssize_t past,
                       Sample *which) noexcept nogil:
    """MCUs `at` to `past` - 1 of a piece, which are in row `my`, to samples."""
    cdef Py_ssize_t mx = p.first + at - my * t.scan.mcus_wide, blocks, stride, v
    cdef int16_t *level_nat
    cdef Sample *out
    cdef Part *part
    cdef int i, H
    for i in range(t.components):
        part, H = &t.part[i], p.scan.component[i].H
        stride = 8 * part.wide
        blocks = min((past - at) * H, part.wide - mx * H)
        out = <Sample *>part.samples + my % t.slots * part.V * 8 * stride + 8 * mx * H
        for v in range(min(<Py_ssize_t>part.V, part.high - my * part.V)):
            level_nat = blocks_of(p, i, v, at, past)
            idct_row(t.dsp, level_nat, blocks, part.Q_nat, t.precision, out, stride)
            out += 8 * stride


# ================================================================ entry points

def decode_pixels(PreparedScan prepared, Q, color, sampling, height, width, *, int precision=8, int threads=1,
                  out=None, window=None):
    """The pixels of a sequential picture of one scan.

    Parameters
    ----------
    prepared : PreparedScan, without planes
    Q : a (64,) uint16 array for each component, natural order
    color, sampling, height, width, precision : as `compose` takes them
    threads : at least 1
    out : None, or the array to fill, C-contiguous
    window : `Window` of view.py, or None for the whole picture

    Returns
    -------
    (pixels, error) : as of `compose`, and the `BitstreamError` of the first damage, for the caller to raise, unless the
        scan has a map of lost MCUs
    """
    cdef BandTeam team = BandTeam()
    cdef ReadScan *s = prepared.scan
    cdef int i
    team.scan = s
    shapes = [(s.component[i].high, s.component[i].wide) for i in range(s.Ns)]
    if window is not None:
        prepared.prepare_skimming()
    if take_pairs(s):
        raise MemoryError
    describe(team, shapes, Q, color, sampling, height, width, precision, window)
    return run(team, threads, out), prepared.error()


def pixels_of_levels(planes, Q, color, sampling, height, width, *, int precision=8, int threads=1, out=None,
                     window=None, bint zigzag=False):
    """The pixels of levels.

    Parameters
    ----------
    planes : int16 arrays (blocks_high, blocks_wide, 64) in natural order
    Q, color, sampling, height, width, precision, threads, out, window : see `decode_pixels`
    zigzag : whether the planes are in that order, as encoders have them; without a window

    Returns
    -------
    As `compose`
    """
    cdef BandTeam team = BandTeam()
    cdef const int16_t[:, :, ::1] plane
    cdef int i
    for i in range(len(planes)):
        plane = planes[i]
        if plane.shape[2] != 64:
            raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64)")
        team.part[i].level_nat = <int16_t *>&plane[0, 0, 0]
    team.zigzag = zigzag
    describe(team, [each.shape[:2] for each in planes], Q, color, sampling, height, width, precision, window)
    return run(team, threads, out)
