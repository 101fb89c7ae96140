"""From entropy-coded data, or levels, to pixels, a band of MCU rows at a time.

A band is read, inverse-transformed, and composed with the last row of the band above; then its memory takes another
one, so that one thread works in the cache. Several threads do different bands at the same time: only reading must be
in order, and not even that where restart intervals begin with bands. The pixels and errors are those of one thread.

Where there are no restart intervals, threads can also read in several places at the same time. A second one begins in
the middle of the data, and it turns out later which MCUs it has read (`ReadAhead`). Of more than two (`PartTeam`) one
passes over the data in front, for the position and the DC of the places where the others begin.

Of a part of a picture (`Window` of view.py) the MCUs above are read for their DC, from the last restart interval on
that begins a row of MCUs; those below only where damage is to be reported.
"""
from libc.stdint cimport int16_t, int64_t, uint16_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport E_MEMORY, NAT_OF_ZZ, OK, JpegDsp, JpegReduced, Sample, jpeg_dsp
from codec._team cimport Team, turns_lock, turns_unlock, turns_wait, turns_wake
from codec.jpeg._planes cimport Upsampler, ceil_div, compose_some, composing_room, describe_upsamplers
from codec.jpeg._read_ahead cimport ReadAhead
from codec.jpeg._reduced cimport set_transform, transform_row
from codec.jpeg._scan_read cimport PreparedScan, ReadScan, begin_interval, idct_row, read_mcu_row
from codec.jpeg._segments cimport ZEROS, Segments, whole_intervals
from ..cpu import level_index
from ..errors import ParameterError
from ._planes import TRANSFORMS
from ._segments import find_segments


cdef enum:
    AT_A_TIME = 256         # MCUs that are read ahead before others hear of them
    BAND_PIXELS = 1 << 15   # at least, among several threads, which wait for each other 0.1 ms at most


cdef class BandTeam(Team):
    """The bands of one picture."""

    def __dealloc__(self):
        free(self.memory)
        free(self.done)
        free(self.from_ahead)
        free(self.reduced)

    cdef int allocate(self) except -1:
        """Decide on bands and make room."""
        cdef Py_ssize_t size = 0, rows
        cdef uint8_t *at
        cdef Part *p
        cdef int i
        self.bands = (self.mcus_high + self.band - 1) // self.band
        self.slots, self.joined = min(self.slots, self.bands), self.bands
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
        self.from_ahead = <bint *>calloc(self.slots, sizeof(bint))
        if self.memory == NULL or self.done == NULL or self.from_ahead == NULL:
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
                and (self.begun < self.slots or self.begun - self.slots + 2 <= self.composed)
                and (self.begun < self.joined or not self.reading_ahead or self.is_ahead(self.begun)))

    cdef bint is_ahead(self, Py_ssize_t band) noexcept nogil:
        """Whether the levels of a band have been read ahead. The caller holds the lock."""
        return (band >= self.joined and min(band * self.band + self.band, self.mcus_high) * self.scan.mcus_wide
                <= self.ahead.first + self.ahead.ready)

    cdef int next_task(self, Py_ssize_t *band) noexcept nogil:
        """READ, CONVERT or COMPOSE a band; READ_MORE; WAIT for another thread; END. The caller holds the lock.

        Several threads read ahead, as others wait for what is read; one takes each band while it is in the cache.
        """
        cdef int task
        if self.status or self.composed == self.bands:
            return END
        if self.several and not self.any_order and self.can_read():
            band[0] = self.begun
            return READ
        if self.can_read_ahead():
            return READ_MORE
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
        cdef Py_ssize_t band = 0
        cdef int task, done, status = OK
        if room == NULL or (reader == NULL and self.scan != NULL):
            self.fail(E_MEMORY)
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
                status, done = self.read_band(reader, band), IS_READ
            elif task == CONVERT:
                self.convert(band)
                done = IS_CONVERTED
            else:
                self.compose(band, room)
                done = IS_COMPOSED
            turns_lock(&self.turns)
            self.finish_band(task, band, done, status)
        turns_unlock(&self.turns)
        self.close_reader(reader)
        free(room)

    cdef void finish_band(self, int task, Py_ssize_t band, int done, int status) noexcept nogil:
        self.done[band % self.slots] = done
        if task == READ:
            self.reading = False
            self.try_to_join(band)
        if status:
            self.status = status
        while (task == COMPOSE and self.composed < self.begun
               and self.done[self.composed % self.slots] == IS_COMPOSED):
            self.composed += 1
        if self.several:
            turns_wake(&self.turns)

    cdef void work_of(self, Py_ssize_t which) noexcept nogil:
        """The work of the part that is `which` places behind."""
        if which:
            self.following.work_of(which - 1)
        else:
            self.work()

    # ------------------------------------------------------------ reading ahead

    cdef int open_ahead(self) except -1:
        """Let a second thread read in front of the first one."""
        cdef ReadScan *s = self.scan
        with nogil:
            begin_interval(s, 0)
        self.ahead = ReadAhead()
        self.ahead.open(s)
        self.begin_ahead = self.ahead.place_for(0, 0)
        return 0

    cdef bint can_read_ahead(self) noexcept nogil:
        """While another thread reads, and all levels of the store have been used."""
        return (self.ahead is not None and self.reading and not self.reading_ahead and self.joined == self.bands
                and self.composed >= self.kept and self.begin_ahead >= 0)

    cdef void read_more(self) noexcept nogil:
        """Read ahead until there is no more, or no use for it. The caller holds the lock, and gets it back."""
        cdef Py_ssize_t some = (1 + AT_A_TIME // self.scan.mcus_wide) * self.scan.mcus_wide, done = 1
        cdef Py_ssize_t begin = self.begin_ahead
        self.reading_ahead, self.ahead.ready, self.begin_ahead = True, 0, -1
        turns_unlock(&self.turns)
        self.ahead.settle(begin)
        while done:
            done = self.ahead.read_some(some)
            turns_lock(&self.turns)
            self.ahead.ready += done
            # one in front who has passed by says where to begin anew
            if done == 0 or self.status or self.composed == self.bands or self.begin_ahead >= 0:
                self.reading_ahead, done = False, 0
            turns_wake(&self.turns)
            if done:
                turns_unlock(&self.turns)

    cdef void try_to_join(self, Py_ssize_t band) noexcept nogil:
        """After `scan` has read a band. The caller holds the lock."""
        cdef ReadScan *s = self.scan
        cdef Py_ssize_t place, mcu
        cdef int64_t bit
        if self.ahead is None or self.joined < self.bands or band + 1 == self.bands:
            return
        mcu, bit = (band + 1) * self.band * s.mcus_wide, s.reader.bits.pos * 8 - s.reader.bits.count
        place = self.ahead.place_of(bit) if self.begin_ahead < 0 else -1
        if place >= 0:
            self.ahead.join(s, mcu, place)
            self.joined = band + 1
        elif self.begin_ahead >= 0 or self.ahead.is_passed(bit) or not (self.ahead.ready or self.reading_ahead):
            self.begin_ahead = self.ahead.place_for(bit >> 3, mcu)

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
        if self.ahead is not None and self.takes_over(s, band):
            return OK
        return self.read_rows(s, band)

    cdef int read_rows(self, ReadScan *s, Py_ssize_t band) noexcept nogil:
        """What is left of a band."""
        cdef Py_ssize_t my, begin, first = self.top + band * self.band, mcu = first * s.mcus_wide
        cdef int i
        if self.ahead is not None:
            mcu = self.ahead.total - s.left
        for i in range(self.parts_read):
            s.component[i].level_nat = self.levels_of(i, band)
        for my in range(first, min(first + self.band, self.top + self.mcus_high)):
            begin = max(mcu - my * s.mcus_wide, <Py_ssize_t>0)
            if begin < s.mcus_wide and read_mcu_row(s, my, first, begin):
                return s.segments.status
        return OK

    cdef bint takes_over(self, ReadScan *s, Py_ssize_t band) noexcept nogil:
        """Take the levels of a band that have been read ahead. Whether they are all: if not, `s` goes on from there."""
        cdef Py_ssize_t my, past = (band + 1) * self.band, have
        cdef bint complete, joined
        turns_lock(&self.turns)
        joined, complete = band >= self.joined, self.is_ahead(band)
        self.from_ahead[band % self.slots] = complete
        have = self.ahead.first + self.ahead.ready
        turns_unlock(&self.turns)
        if not joined or complete:
            return complete
        for my in range(band * self.band, min(past, self.mcus_high)):
            self.copy_row(band, my, min(have - my * s.mcus_wide, s.mcus_wide))
        self.ahead.hand_over(s)
        turns_lock(&self.turns)
        self.joined, self.kept, self.ahead.ready = self.bands, band, 0
        turns_unlock(&self.turns)
        return False

    cdef void copy_row(self, Py_ssize_t band, Py_ssize_t my, Py_ssize_t mcus) noexcept nogil:
        """The first MCUs of row `my`, of which only a part has been read ahead."""
        cdef Py_ssize_t count
        cdef Part *p
        cdef int i, v
        for i in range(self.parts_read if mcus > 0 else 0):
            p = &self.part[i]
            count = min(mcus * self.scan.component[i].H, p.wide)
            for v in range(p.V):
                memcpy(self.levels_of(i, band) + ((my - band * self.band) * p.V + v) * p.wide * 64,
                       self.ahead.blocks(i, v, my * self.scan.mcus_wide, count), count * 64 * sizeof(int16_t))

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
        if self.ring and not self.from_ahead[band % self.slots]:
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
    cdef bint ahead = t.from_ahead[band % t.slots]
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
            if ahead:
                row = t.ahead.blocks(i, v % p.V, (band * t.band + v // p.V) * t.scan.mcus_wide, p.wide)
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
    team.parts_read, team.precision = len(Q), precision
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
    team.slots, team.band, team.ring = 2, 1, team.ring or s != NULL
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


cdef object run(BandTeam team, PreparedScan prepared, int threads, out):
    """Share the work, return the pixels. `prepared` owns team.scan, if there is one."""
    cdef ReadScan *s = team.scan
    cdef uint8_t[::1] bytes_of
    team.dsp = jpeg_dsp(level_index())
    plan(team, threads)
    shape = (team.past_row - team.first_row, team.width, team.components)[:2 if team.components == 1 else 3]
    pixels = np.empty(shape, np.uint8 if team.precision == 8 else np.uint16) if out is None else out
    if out is not None and (pixels.shape != shape or pixels.itemsize != (1 if team.precision == 8 else 2)
                            or not pixels.flags.c_contiguous):
        raise ParameterError("out has another shape or dtype than the picture")
    bytes_of = pixels.reshape(-1).view(np.uint8)
    team.pixels = &bytes_of[0] - team.first_row * team.width * team.components * (1 if team.precision == 8 else 2)
    if reads_in_several_places(team, threads):
        if threads > 2 and team.mcus_high >= PART_ROWS * min(threads, MOST_PARTS):
            prepared.prepare_skimming()
            PartTeam(team, threads).run(threads)
            return pixels
        team.open_ahead()
    team.parts = threads
    team.allocate()
    team.share(threads)
    if team.status == E_MEMORY:
        raise MemoryError
    if s != NULL and s.conceal:
        with nogil:
            team.pass_rows(s, team.top + team.mcus_high, s.mcus_high)
    return pixels


# ================================================================ parts

cdef enum:
    MOST_PARTS = 16
    PART_ROWS = 8               # of MCUs, on average, at least: parts read two more than they make

cdef double PASSING = 0.4       # time to pass over MCUs, as a part of that for their pixels: 0.36 to 0.44


cdef bint reads_in_several_places(BandTeam team, int threads) noexcept nogil:
    cdef const ReadScan *s = team.scan
    return (s != NULL and threads > 1 and not (s.arithmetic or s.conceal or s.restart_interval)
            and team.reduced == NULL and s.segments.count == 1 and team.mcus_high >= 2 * PART_ROWS)


cdef void copy_description(BandTeam team, BandTeam model) noexcept:
    """What `describe` found out about whole pictures."""
    team.part, team.upsamplers = model.part, model.upsamplers
    team.parts_read, team.components = model.parts_read, model.components
    team.transform, team.precision, team.Hmax, team.Vmax = model.transform, model.precision, model.Hmax, model.Vmax
    team.height, team.width, team.mcus_high, team.rows = model.height, model.width, model.mcus_high, model.rows
    team.first_row, team.past_row = model.first_row, model.past_row


cdef class PartTeam(Team):
    """A whole picture of one restart interval, one part for each thread.

    One thread passes over the data, which takes PASSING = s for all of it, and takes the last part; part k, of length
    T - s x(k), begins when it gets there. If all end at the same time, x(k + 1) = x(k) (1 - s) + T from x(0) = 0 to
    x(n) = 1, so x(k) = (1 - (1 - s)^k) / (1 - (1 - s)^n). Who ends early helps others with what is read already.
    """
    cdef ReadScan *scan         # of the one who passes over
    cdef ReadScan *own          # owned, by part
    cdef int16_t *dc            # owned: of a row of MCUs
    cdef BandTeam first         # the others follow it
    cdef Py_ssize_t top[MOST_PARTS]
    cdef Py_ssize_t known       # parts whose reader is ready
    cdef bint given_up          # the others will never be

    def __init__(self, BandTeam whole, int threads):
        cdef BandTeam team
        cdef Py_ssize_t n = min(threads, MOST_PARTS), k, begin, end, size = 0
        cdef double left = 1 - PASSING
        cdef int i
        self.parts, self.scan, self.first = n, whole.scan, None
        for i in range(whole.parts_read):
            size += whole.part[i].V * whole.part[i].wide
        self.own = <ReadScan *>malloc(n * sizeof(ReadScan))
        self.dc = <int16_t *>malloc(size * sizeof(int16_t))
        if self.own == NULL or self.dc == NULL:
            raise MemoryError
        end = whole.mcus_high
        for k in range(n - 1, -1, -1):
            begin = <Py_ssize_t>(whole.mcus_high * (1 - left ** k) / (1 - left ** n))
            team = part_of(whole, begin, end)
            team.scan, team.following, self.first = &self.own[k], self.first, team
            self.top[k] = team.top
            team.allocate()
            end = begin

    def __dealloc__(self):
        free(self.own)
        free(self.dc)

    cdef void work(self) noexcept nogil:
        """The first to come takes the last part, as nobody else can begin without it."""
        cdef Py_ssize_t turn = self.take()
        cdef bint is_known
        while turn >= 0:
            if turn == 0:
                self.pass_over()
            turn = (turn if turn else self.parts) - 1
            turns_lock(&self.turns)
            while self.known <= turn and not self.given_up:
                turns_wait(&self.turns)
            is_known = turn < self.known
            turns_unlock(&self.turns)
            if is_known:
                self.first.work_of(turn)
            turn = self.take()
        turns_lock(&self.turns)
        turn = self.known
        turns_unlock(&self.turns)
        while turn > 0:                 # help
            turn -= 1
            self.first.work_of(turn)

    cdef void pass_over(self) noexcept nogil:
        """Read up to the last part, and leave a reader where each part begins."""
        cdef ReadScan *s = self.scan
        cdef int16_t *dc = self.dc
        cdef Py_ssize_t my = 0, k
        cdef int i, status
        for i in range(s.Ns):
            s.component[i].level_nat = dc
            dc += s.component[i].V * s.component[i].wide
        begin_interval(s, 0)
        status = s.segments.status
        for k in range(self.parts):
            while my < self.top[k] and status == OK:
                for i in range(s.Ns):
                    s.component[i].only_dc = True
                status = read_mcu_row(s, my, my)
                my += 1
            for i in range(s.Ns):
                s.component[i].only_dc = False
            memcpy(&self.own[k], s, sizeof(ReadScan))
            turns_lock(&self.turns)
            if status:
                self.given_up = True
            else:
                self.known += 1
            turns_wake(&self.turns)
            turns_unlock(&self.turns)
            if status:
                break

    cdef int run(self, int threads) except -1:
        """The first error in the order of MCUs goes to the scan, as if one thread had read it."""
        cdef Segments *all = &self.scan.segments
        cdef Segments *found
        cdef Py_ssize_t k
        cdef BandTeam team = self.first
        self.share(threads)
        for k in range(self.known):
            found = &self.own[k].segments
            if team.status == E_MEMORY:
                raise MemoryError
            if found.status and (all.status == OK or found.mcu < all.mcu):
                all.status, all.offset_bytes, all.mcu = found.status, found.offset_bytes, found.mcu
            team = team.following
        return 0


cdef BandTeam part_of(BandTeam whole, Py_ssize_t begin, Py_ssize_t end):
    """For MCU rows `begin` to `end` - 1 of the pixels; upsampling needs one more on either side."""
    cdef BandTeam team = BandTeam()
    cdef Py_ssize_t rows = whole.rows, size = whole.width * whole.components * (1 if whole.precision == 8 else 2)
    cdef int i
    copy_description(team, whole)
    team.dsp, team.band, team.slots, team.several, team.ring = whole.dsp, whole.band, whole.slots, True, True
    team.top = team.lead = max(begin - 1, <Py_ssize_t>0)
    team.mcus_high = min(end + 1, whole.mcus_high) - team.top
    team.height = min(whole.height - team.top * rows, team.mcus_high * rows)
    team.first_row, team.past_row = (begin - team.top) * rows, min((end - team.top) * rows, team.height)
    team.pixels = whole.pixels + team.top * rows * size
    for i in range(team.components):
        team.upsamplers[i].height = ceil_div(team.height * team.upsamplers[i].V, team.Vmax)
    return team


# ================================================================ entry points

cdef class PlainPicture:
    """A Huffman coded sequential picture of one scan, described once for all that begin alike: small ones take less
    time to decode than to describe.

    Parameters
    ----------
    prepared : PreparedScan, without planes; its data does not matter
    Q, color, sampling, height, width, precision : as `decode_pixels` takes them
    """
    cdef PreparedScan prepared
    cdef BandTeam model
    cdef object Q
    cdef Py_ssize_t blocks

    def __init__(self, PreparedScan prepared, Q, color, sampling, height, width, precision):
        cdef ReadScan *s = prepared.scan
        cdef int i
        self.prepared, self.Q, self.model = prepared, Q, BandTeam()
        describe(self.model, [(s.component[i].high, s.component[i].wide) for i in range(s.Ns)], Q, color, sampling,
                 height, width, precision)
        for i in range(s.Ns):
            self.blocks += s.component[i].high * s.component[i].wide

    def decode(self, const uint8_t[::1] data, Py_ssize_t begin, int threads=1):
        """The pixels of the scan that begins at data[begin]; None if it does not fill the picture without damage, or if
        anything but EOI follows it."""
        cdef const int64_t[:, ::1] found
        cdef Py_ssize_t end
        cdef BandTeam team = BandTeam()
        cdef PreparedScan own
        found, end = find_segments(data, begin)
        # a block takes a DC and an AC code (`Decoder.check_size`)
        if (end + 2 > data.shape[0] or data[end + 1] != 0xD9
                or 8 * (end - begin - 2 * (found.shape[0] - 1)) < 2 * self.blocks):
            return None
        own = self.prepared.again(data, found)
        team.scan = own.scan
        copy_description(team, self.model)
        pixels = run(team, own, threads, None)
        return None if own.scan.segments.status else pixels


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
    describe(team, shapes, Q, color, sampling, height, width, precision, window)
    return run(team, prepared, threads, out), prepared.error()


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
    return run(team, None, threads, out)
