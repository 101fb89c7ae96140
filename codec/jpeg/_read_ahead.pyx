"""Reading a sequential scan in the middle of its data, before it is known which MCU that is.

Huffman codes find back to the beginnings of symbols, and the order of the components in an MCU does too, as bits read
by tables of another component soon make no sense: mostly within some MCUs (S. Klein and Y. Wiseman, Parallel Huffman
decoding with applications to JPEG files, The Computer Journal 46(5), 2003). Whether a reader has found back is known
when another one, from the beginning of the scan, comes to a bit at which an MCU began here: from there on both would
read the same. Two things are missing until then: the number of the MCU, so MCUs are stored as one long row; and the DC
predictions, a difference that is the same for all blocks of a component.
"""
from libc.stdint cimport int16_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec.jpeg._scan_read cimport ReadComponent, ReadScan, read_undamaged


cdef enum:
    STORE_BYTES = 1 << 22   # of levels: they stay in a cache
    LEAST_ROWS = 16         # of MCUs, in the store and to be read at all
    SETTLED = 32            # MCUs without damage after which a reader is taken to have found back
    TRIES = 256             # bytes at which it begins, at most
    ROWS_KNOWN = 16         # rows of MCUs, as many as the beginnings that are kept: where another reader may join

# Of the MCUs to be read by two, those that are left to the reader in front, who makes pixels of them too: reading takes
# about 0.6 of the time.
cdef double OF_FRONT = 0.4


cdef class ReadAhead:

    def __dealloc__(self):
        free(self.begins)

    cdef int open(self, const ReadScan *s) except -1:
        """For a scan that is Huffman coded, sequential, and one interval, which is open."""
        cdef Py_ssize_t mcus, blocks = 0
        cdef int16_t[::1] levels
        cdef int i
        for i in range(s.Ns):
            blocks += s.component[i].H * s.component[i].V
        self.total = s.mcus_wide * s.mcus_high
        mcus = max(LEAST_ROWS * s.mcus_wide, STORE_BYTES // (blocks * 64 * <Py_ssize_t>sizeof(int16_t)))
        mcus = min(mcus, self.total)
        memcpy(&self.scan, s, sizeof(ReadScan))
        self.scan.mcus_wide, self.scan.mcus_high = mcus, 1
        self.most = min(ROWS_KNOWN * s.mcus_wide, mcus)
        self.begins = <int64_t *>malloc(self.most * sizeof(int64_t))
        if self.begins == NULL:
            raise MemoryError
        self.levels = levels = np.empty(mcus * blocks * 64, np.int16)
        blocks = 0
        for i in range(s.Ns):
            self.plane[i] = self.scan.component[i].level_nat = &levels[mcus * blocks * 64]
            self.scan.component[i].wide, self.scan.component[i].high = mcus * s.component[i].H, s.component[i].V
            blocks += s.component[i].H * s.component[i].V
        return 0

    cdef Py_ssize_t place_for(self, Py_ssize_t byte, Py_ssize_t mcu) noexcept nogil:
        """The byte at which to begin if another reader is at `byte`, the beginning of `mcu`; -1: too little is left."""
        cdef Py_ssize_t left = self.total - mcu
        cdef double front = min(OF_FRONT * left, OF_FRONT / (1 - OF_FRONT) * self.scan.mcus_wide)
        if left < self.most or byte >= self.scan.reader.bits.size:
            return -1
        return byte + <Py_ssize_t>(front * (self.scan.reader.bits.size - byte) / left)

    cdef void settle(self, Py_ssize_t begin) noexcept nogil:
        """Find back to the beginning of an MCU, probably, from byte `begin` on."""
        cdef Py_ssize_t tries, done
        cdef int i
        for tries in range(TRIES):
            self.scan.reader.bits.pos, self.scan.reader.bits.acc, self.scan.reader.bits.count = begin + tries, 0, 0
            self.clear(0, min(<Py_ssize_t>SETTLED, self.scan.mcus_wide))
            self.scan.left = SETTLED
            done = read_undamaged(&self.scan, 0, 0, 0)
            for i in range(self.scan.Ns):
                self.scan.component[i].pred = 0
            if done == SETTLED:
                return
        self.scan.reader.bits.pos = self.scan.reader.bits.size

    cdef void clear(self, Py_ssize_t at, Py_ssize_t past) noexcept nogil:
        """The blocks of MCUs `at` to `past` - 1."""
        cdef ReadComponent *c
        cdef int i, v
        for i in range(self.scan.Ns):
            c = &self.scan.component[i]
            for v in range(c.V):
                memset(self.plane[i] + (v * c.wide + at * c.H) * 64, 0, (past - at) * c.H * 64 * sizeof(int16_t))

    cdef Py_ssize_t read_some(self, Py_ssize_t count) noexcept nogil:
        """Read up to `count` MCUs more, which `ready` does not count yet; returns how many. None: at damage, at the end
        of the data, and when there is no room."""
        cdef Py_ssize_t at = self.ready, past = min(self.ready + count, self.scan.mcus_wide), done = 1
        self.clear(at, past)
        while at < min(past, self.most) and done:
            self.begins[at] = self.scan.reader.bits.pos * 8 - self.scan.reader.bits.count
            self.scan.left = 1
            done = read_undamaged(&self.scan, 0, 0, at)
            at += done
        if at < past and done:
            self.scan.left = past - at
            at += read_undamaged(&self.scan, 0, 0, at)
        return at - self.ready

    cdef Py_ssize_t place_of(self, int64_t bit) noexcept nogil:
        """Which of the MCUs here begins at a bit; -1: none."""
        cdef Py_ssize_t low = 0, known = min(self.most, self.ready), high = known, middle
        while low < high:
            middle = (low + high) // 2
            if self.begins[middle] < bit:
                low = middle + 1
            else:
                high = middle
        return low if low < known and self.begins[low] == bit else -1

    cdef bint is_passed(self, int64_t bit) noexcept nogil:
        """Whether a reader at a bit comes to none of `begins` any more."""
        return self.ready > 0 and self.begins[min(self.most, self.ready) - 1] < bit

    cdef void join(self, const ReadScan *s, Py_ssize_t mcu, Py_ssize_t place) noexcept nogil:
        """`s` is about to read the MCU that is the one at `place` here."""
        cdef const ReadScan *own = &self.scan
        cdef int i
        self.first = mcu - place
        for i in range(s.Ns):
            self.missing[i] = s.component[i].pred
            if place:
                self.missing[i] -= (self.blocks(i, own.component[i].V - 1, mcu, 0) - 64)[0]

    cdef int16_t *blocks(self, int i, int v, Py_ssize_t mcu, Py_ssize_t count) noexcept nogil:
        """From an MCU of the scan on, row v of the blocks in an MCU of component i. `count` of them get the DC that
        they lack."""
        cdef int16_t *found = (self.plane[i]
                               + (v * self.scan.component[i].wide + (mcu - self.first) * self.scan.component[i].H) * 64)
        cdef Py_ssize_t bx
        for bx in range(count):
            found[64 * bx] = <int16_t>(found[64 * bx] + self.missing[i])
        return found

    cdef void hand_over(self, ReadScan *s) noexcept nogil:
        """Let `s` go on where this reader has stopped."""
        cdef int i
        s.reader.bits = self.scan.reader.bits
        s.left = self.total - self.first - self.ready
        for i in range(s.Ns):
            s.component[i].pred = self.scan.component[i].pred + self.missing[i]
