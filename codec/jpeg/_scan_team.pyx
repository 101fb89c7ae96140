"""Progressive scans, read side by side and band by band, on their way to pixels.

A scan follows those before it that share components, so that a band goes through all of its scans, the inverse
transform and colour conversion while it is in the cache. No more levels than those of some bands are in memory.
"""
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from codec._core cimport OK
from codec._stop cimport stopped
from codec._team cimport turns_lock, turns_unlock, turns_wake
from codec.jpeg._planes cimport ceil_div
from codec.jpeg._scan_read cimport PreparedScan, ReadScan, read_mcu_row
from codec.jpeg._stream_read cimport END, IS_READ, READ_MORE, WAIT, BandTeam, Part, describe, run


cdef class ScanTeam(BandTeam):
    """`begun` counts bands that all scans have read."""

    def __dealloc__(self):
        free(self.scans)
        free(self.masks)

    cdef int expect(self, Py_ssize_t scans) except -1:
        """Make room for as many scans, which `add` takes."""
        self.ring = True
        self.scans = <Progress *>calloc(max(<Py_ssize_t>1, scans), sizeof(Progress))
        if self.scans == NULL:
            raise MemoryError
        return 0

    cdef void add(self, ReadScan *scan, const int *component) noexcept:
        """The next scan of the file, and the components of the frame that it has; the caller keeps it."""
        cdef Progress *p = &self.scans[self.count]
        cdef int i
        p.scan = scan
        for i in range(scan.Ns):
            p.component[i] = component[i]
            p.components |= 1 << component[i]
        self.count += 1

    cdef int allocate(self) except -1:
        cdef Py_ssize_t size = 0
        cdef Part *p
        cdef int i
        BandTeam.allocate(self)
        for i in range(self.parts_read):
            p = &self.part[i]
            size += self.slots * self.band * p.V * p.wide
        self.masks = <uint64_t *>calloc(size, sizeof(uint64_t))
        if self.masks == NULL:
            raise MemoryError
        size = 0
        for i in range(self.parts_read):
            p = &self.part[i]
            self.present[i] = self.masks + size
            size += self.slots * self.band * p.V * p.wide
        return 0

    cdef uint64_t *masks_of(self, int i, Py_ssize_t band) noexcept nogil:
        return self.present[i] + band % self.slots * self.band * self.part[i].V * self.part[i].wide

    cdef void clear(self, Py_ssize_t band) noexcept nogil:
        cdef int i
        BandTeam.clear(self, band)
        for i in range(self.parts_read):
            memset(self.masks_of(i, band), 0, self.band * self.part[i].V * self.part[i].wide * sizeof(uint64_t))

    cdef bint can_go_on(self, Py_ssize_t which) noexcept nogil:
        """Whether the next band of a scan has room, and has been read by all scans before it that share components."""
        cdef Progress *p = &self.scans[which]
        cdef Py_ssize_t other
        if p.at_work or p.band == self.bands or p.band >= self.slots and p.band - self.slots + 2 > self.composed:
            return False
        for other in range(which):
            if self.scans[other].components & p.components and self.scans[other].band <= p.band:
                return False
        return True

    cdef bint is_read(self, Py_ssize_t band) noexcept nogil:
        cdef Py_ssize_t which
        for which in range(self.count):
            if self.scans[which].band <= band:
                return False
        return True

    cdef int next_task(self, Py_ssize_t *band) noexcept nogil:
        """What is nearest to the pixels: the last of the scans that can go on, while their band is in the cache."""
        cdef Py_ssize_t which
        cdef int task
        if self.status or self.composed == self.bands:
            return END
        task = self.next_of_read(band)
        if task != WAIT:
            return task
        for which in range(self.count - 1, -1, -1):
            if self.can_go_on(which):
                self.chosen = which
                return READ_MORE
        return WAIT

    cdef void read_more(self) noexcept nogil:
        """Read a band of the chosen scan. The caller holds the lock, and gets it back."""
        cdef Progress *p = &self.scans[self.chosen]
        cdef int status
        p.at_work = True
        turns_unlock(&self.turns)
        status = -1 if stopped() else self.read_scan(p)
        turns_lock(&self.turns)
        p.at_work = False
        p.band += 1
        if status:
            self.status = status
        if self.is_read(self.begun):
            self.done[self.begun % self.slots] = IS_READ
            self.begun += 1
        if self.several:
            turns_wake(&self.turns)

    cdef int read_scan(self, Progress *p) noexcept nogil:
        """The next band of a scan."""
        cdef ReadScan *s = p.scan
        cdef Py_ssize_t rows = self.band, end = self.mcus_high, first, my
        cdef int i, status = OK
        if s.Ns == 1:                   # its rows are those of blocks (A.2.2)
            rows *= self.part[p.component[0]].V
            end *= self.part[p.component[0]].V
            if s.Ss and not s.arithmetic:
                s.component[0].present = self.masks_of(p.component[0], p.band)
        for i in range(s.Ns):
            s.component[i].level_nat = self.levels_of(p.component[i], p.band)
        my = first = p.band * rows
        while my < min(first + rows, end, s.mcus_high) and status == OK:
            status = read_mcu_row(s, my, first)
            my += 1
        return status

    cdef void read_from_the_top(self) noexcept:
        """Later scans need the rows above the window of the earlier ones."""
        cdef Py_ssize_t above = self.top * self.rows
        cdef int i
        self.mcus_high += self.top
        self.top, self.first_row, self.height = 0, above, self.height + above
        self.past_row = self.height
        for i in range(self.components):
            self.upsamplers[i].height = ceil_div(self.height * self.upsamplers[i].V, self.Vmax)


def pixels_of_scans(scans, planes_shape, Q, color, sampling, height, width, *, int precision=8, int threads=1, out=None,
                    window=None):
    """The pixels of a progressive picture.

    Parameters
    ----------
    scans : list of (PreparedScan without planes, indices of its components in the frame)
        In the order of the file.
    planes_shape : (blocks_high, blocks_wide) of each component
    Q, color, sampling, height, width, precision, threads, out, window : see `decode_pixels`

    Returns
    -------
    As `compose`; None if a scan is damaged
    """
    cdef ScanTeam team = ScanTeam()
    cdef PreparedScan prepared
    cdef int component[4]
    cdef int i
    team.expect(len(scans))
    for prepared, indices in scans:
        for i in range(prepared.scan.Ns):
            component[i] = indices[i]
        team.add(prepared.scan, component)
    describe(team, planes_shape, Q, color, sampling, height, width, precision, window)
    team.read_from_the_top()
    pixels = run(team, threads, out)
    return None if team.status else pixels
