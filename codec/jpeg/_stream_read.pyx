"""From entropy-coded data, or levels, to pixels, a band of MCU rows at a time.

A band is read, inverse-transformed, and composed with the last row of the band above; then its memory takes another
one, so that one thread works in the cache. Several threads do different bands at the same time: only reading must be
in order, and not even that where restart intervals begin with bands. The pixels and errors are those of one thread.
"""
from libc.stdint cimport int16_t, int64_t, uint16_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport E_MEMORY, OK, JpegDsp, Sample, jpeg_dsp
from codec._team cimport Team, turns_lock, turns_unlock, turns_wait, turns_wake
from codec.jpeg._planes cimport Upsampler, compose_some, composing_room, describe_upsamplers
from codec.jpeg._scan_read cimport PreparedScan, ReadScan, idct_row, read_mcu_row
from codec.jpeg._segments cimport ZEROS, Segments, whole_intervals
from ..cpu import level_index
from ..errors import ParameterError
from ._planes import TRANSFORMS
from ._segments import find_segments


cdef enum:
    BAND_PIXELS = 1 << 15   # at least, among several threads, which wait for each other 0.1 ms at most
    # what is to be done with a band
    READ, CONVERT, COMPOSE, WAIT, END
    # what has been done with it
    BUSY = 0
    IS_READ, IS_CONVERTED, IS_COMPOSED
    BEING_COMPOSED          # its samples may serve the band below as well

cdef struct Part:           # a component
    Py_ssize_t wide, high   # blocks
    int V                   # block rows in a row of MCUs
    const uint16_t *Q_nat
    int16_t *level_nat      # of the whole picture, or of `slots` bands; those are clear before they are read
    uint8_t *samples        # of `slots` bands


cdef class BandTeam(Team):
    """The bands of one picture."""
    cdef ReadScan *scan         # NULL: all levels are there
    cdef const JpegDsp *dsp
    cdef Part part[4]
    cdef Upsampler upsamplers[4]
    cdef int components, transform, precision, Hmax, Vmax
    cdef Py_ssize_t height, width
    cdef uint8_t *pixels
    cdef void *memory           # owned
    cdef int *done              # owned, by slot
    cdef Py_ssize_t mcus_high, rows         # of MCUs; rows of pixels of each
    cdef Py_ssize_t band, bands, slots      # MCU rows of a band; bands; bands in memory
    cdef Py_ssize_t begun, composed         # bands that reading began with; the first ones that are composed
    cdef bint several, any_order, reading

    def __dealloc__(self):
        free(self.memory)
        free(self.done)

    cdef int allocate(self) except -1:
        """Decide on bands and make room."""
        cdef Py_ssize_t size = 0, levels, samples
        cdef uint8_t *at
        cdef int i
        self.bands = (self.mcus_high + self.band - 1) // self.band
        self.slots = min(self.slots, self.bands)
        for i in range(self.components):
            size += self.slots * self.band * self.part[i].V * self.part[i].wide
        self.memory = at = <uint8_t *>calloc(size * 64, self.precision // 9 + 3)
        self.done = <int *>calloc(self.slots, sizeof(int))
        if self.memory == NULL or self.done == NULL:
            raise MemoryError
        for i in range(self.components):
            levels = self.slots * self.band * self.part[i].V * self.part[i].wide * 64
            if self.scan != NULL:
                self.part[i].level_nat = <int16_t *>at
                at += 2 * levels
            self.part[i].samples = at
            at += levels * (self.precision // 9 + 1)
            self.upsamplers[i].ring = self.slots * self.band * self.part[i].V * 8
        return 0

    # ------------------------------------------------------------ what to do next

    cdef bint can_read(self) noexcept nogil:
        """Rows of a band are needed until the band below is composed."""
        return (self.begun < self.bands and not (self.reading and not self.any_order)
                and (self.begun < self.slots or self.begun - self.slots + 2 <= self.composed))

    cdef int next_task(self, Py_ssize_t *band) noexcept nogil:
        """READ, CONVERT or COMPOSE a band; WAIT for another thread; END. The caller holds the lock.

        Several threads read ahead, as others wait for what is read; one takes each band while it is in the cache.
        """
        cdef Py_ssize_t b
        if self.status or self.composed == self.bands:
            return END
        if self.several and not self.any_order and self.can_read():
            band[0] = self.begun
            return READ
        for b in range(self.composed, self.begun):
            band[0] = b
            if self.done[b % self.slots] == IS_CONVERTED and (
                    b == 0 or self.done[(b - 1) % self.slots] >= IS_CONVERTED):
                return COMPOSE
        for b in range(self.composed, self.begun):
            band[0] = b
            if self.done[b % self.slots] == IS_READ:
                return CONVERT
        band[0] = self.begun
        return READ if self.can_read() else WAIT

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
        if status:
            self.status = status
        while (task == COMPOSE and self.composed < self.begun
               and self.done[self.composed % self.slots] == IS_COMPOSED):
            self.composed += 1
        if self.several:
            turns_wake(&self.turns)

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
        cdef Py_ssize_t my, first = band * self.band, size
        cdef int i
        if s == NULL:
            return OK
        if self.any_order:
            s.segments.next = s.segments.interval = first * s.mcus_wide // s.restart_interval
            s.left = 0
            if s.segments.plain == NULL:
                s.segments.plain = <uint8_t *>malloc(s.segments.longest + ZEROS)
                if s.segments.plain == NULL:
                    return E_MEMORY
        for i in range(self.components):
            size = self.band * self.part[i].V * self.part[i].wide * 64
            s.component[i].level_nat = self.part[i].level_nat + band % self.slots * size
        for my in range(first, min(first + self.band, self.mcus_high)):
            if read_mcu_row(s, my, first):
                return s.segments.status
        return OK

    cdef void convert(self, Py_ssize_t band) noexcept nogil:
        if self.precision == 8:
            convert_band(self, band, <uint8_t *>NULL)
        else:
            convert_band(self, band, <uint16_t *>NULL)

    cdef void compose(self, Py_ssize_t band, void *room) noexcept nogil:
        """All rows of pixels down to the last but one, whose chroma lies between this band and the next."""
        cdef Py_ssize_t rows = self.band * self.rows, first = band * rows - 1, past = (band + 1) * rows - 1
        first = max(first, <Py_ssize_t>0)
        past = self.height if band == self.bands - 1 else min(past, self.height)
        if self.precision == 8:
            compose_band(self, first, past, room, <uint8_t *>self.pixels)
        else:
            compose_band(self, first, past, room, <uint16_t *>self.pixels)


cdef void convert_band(BandTeam t, Py_ssize_t band, Sample *which) noexcept nogil:
    """Levels to samples. Clears the levels for the band that is read next: reading is what others wait for."""
    cdef int16_t *level_nat
    cdef Sample *out
    cdef Part *p
    cdef Py_ssize_t v, rows, first
    cdef int i
    for i in range(t.components):
        p = &t.part[i]
        rows, first = t.band * p.V, band * t.band * p.V
        level_nat = p.level_nat + (first if t.scan == NULL else band % t.slots * rows) * p.wide * 64
        out = <Sample *>p.samples + band % t.slots * rows * p.wide * 64
        for v in range(min(rows, p.high - first)):
            idct_row(t.dsp, level_nat + v * p.wide * 64, p.wide, p.Q_nat, t.precision, out + v * p.wide * 64,
                     8 * p.wide)
        if t.scan != NULL:
            memset(level_nat, 0, rows * p.wide * 64 * sizeof(int16_t))


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


cdef int describe(BandTeam team, planes_shape, Q, color, sampling, Py_ssize_t height, Py_ssize_t width,
                  int precision) except -1:
    """Check what belongs to the picture, and take it; the caller keeps the steps."""
    cdef const uint16_t[::1] steps
    cdef int i
    team.components, team.transform, team.precision = len(Q), TRANSFORMS[color], precision
    team.height, team.width = height, width
    if len(Q) != len(sampling) or len(planes_shape) != len(sampling):
        raise ParameterError(f"{len(planes_shape)} components with {len(Q)} quantization tables and {len(sampling)} "
                             "sampling factors")
    describe_upsamplers(team.upsamplers, &team.Hmax, &team.Vmax, color, sampling, height, width)
    for i in range(team.components):
        steps = Q[i]
        if steps.shape[0] != 64:
            raise ParameterError("a quantization table has 64 steps")
        team.part[i].Q_nat = &steps[0]
        team.part[i].high, team.part[i].wide = planes_shape[i]
        team.part[i].V = sampling[i][1] if team.components > 1 else 1
        team.upsamplers[i].stride = 8 * team.part[i].wide
    team.rows = 8 * team.Vmax if team.components > 1 else 8
    team.mcus_high = (height + team.rows - 1) // team.rows
    return 0


cdef object run(BandTeam team, int threads, out):
    """Share the work, return the pixels."""
    cdef ReadScan *s = team.scan
    cdef uint8_t[::1] bytes_of
    cdef Py_ssize_t unit
    team.dsp = jpeg_dsp(level_index())
    team.several = threads > 1
    team.slots, team.band = 2, 1
    if team.several:
        team.slots, team.band = 2 * threads + 1, 1 + BAND_PIXELS // (team.rows * team.width)
        # the statistics of arithmetic coding belong to one reader
        if s != NULL and s.restart_interval and not s.conceal and not s.arithmetic and in_sequence(s):
            unit = whole_intervals(s.mcus_wide, s.restart_interval)
            if unit * threads <= team.mcus_high:
                team.any_order = True
                team.band = (team.band + unit - 1) // unit * unit
    team.parts = threads
    team.allocate()
    shape = (team.height, team.width, team.components)[:2 if team.components == 1 else 3]
    pixels = np.empty(shape, np.uint8 if team.precision == 8 else np.uint16) if out is None else out
    if out is not None and (pixels.shape != shape or pixels.itemsize != (1 if team.precision == 8 else 2)
                            or not pixels.flags.c_contiguous):
        raise ParameterError("out has another shape or dtype than the picture")
    bytes_of = pixels.reshape(-1).view(np.uint8)
    team.pixels = &bytes_of[0]
    team.share(threads)
    if team.status == E_MEMORY:
        raise MemoryError
    return pixels


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
        cdef BandTeam team = BandTeam(), model = self.model
        cdef PreparedScan own
        found, end = find_segments(data, begin)
        # a block takes a DC and an AC code (`Decoder.check_size`)
        if (end + 2 > data.shape[0] or data[end + 1] != 0xD9
                or 8 * (end - begin - 2 * (found.shape[0] - 1)) < 2 * self.blocks):
            return None
        own = self.prepared.again(data, found)
        team.scan = own.scan
        team.part, team.upsamplers = model.part, model.upsamplers
        team.components, team.transform, team.precision = model.components, model.transform, model.precision
        team.Hmax, team.Vmax, team.height, team.width = model.Hmax, model.Vmax, model.height, model.width
        team.mcus_high, team.rows = model.mcus_high, model.rows
        pixels = run(team, threads, None)
        return None if own.scan.segments.status else pixels


def decode_pixels(PreparedScan prepared, Q, color, sampling, height, width, *, int precision=8, int threads=1,
                  out=None):
    """The pixels of a sequential picture of one scan.

    Parameters
    ----------
    prepared : PreparedScan, without planes
    Q : a (64,) uint16 array for each component, natural order
    color, sampling, height, width, precision : as `compose` takes them
    threads : at least 1
    out : None, or the array to fill, C-contiguous

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
    describe(team, shapes, Q, color, sampling, height, width, precision)
    return run(team, threads, out), prepared.error()


def pixels_of_levels(planes, Q, color, sampling, height, width, *, int precision=8, int threads=1, out=None):
    """The pixels of levels.

    Parameters
    ----------
    planes : int16 arrays (blocks_high, blocks_wide, 64) in natural order
    Q, color, sampling, height, width, precision, threads, out : see `decode_pixels`

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
    describe(team, [each.shape[:2] for each in planes], Q, color, sampling, height, width, precision)
    return run(team, threads, out)
