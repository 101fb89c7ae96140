"""Colours of pictures and their counts: exact or, if there are too many colours, in bins that keep
the sums of their members.

A table with open addressing holds packed colours. When it exceeds `most` colours, one more low bit of every channel is
ignored from then on and entries that become equal are added up. Sums stay exact, and so does the mean of every bin.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

import numpy as np

from codec._core cimport begin_use, end_use
from codec._stop cimport raise_stopped, stopped

cdef enum:
    FIRST_TABLE_BITS = 12
    BETWEEN = 1 << 14           # pixels from one look for signals to the next


cdef inline uint32_t packed(const uint8_t *p, int channels) noexcept nogil:
    """Pack a pixel into one word. Transparent pixels have no colour."""
    if channels == 1:
        return p[0]
    if channels == 3:
        return p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16
    return 0 if p[3] == 0 else p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16 | <uint32_t>p[3] << 24


cdef class Histogram:
    """Counts per colour over any number of pictures.

    Parameters
    ----------
    channels : int
        1, 3 or 4.
    most : int
        Number of distinct colours before channels lose a bit.
    """
    cdef readonly int channels, ignored_bits
    cdef readonly Py_ssize_t n
    cdef Py_ssize_t most
    cdef int table_bits
    cdef int busy               # a call is at work: see begin_use
    cdef int32_t *table         # slot -> entry + 1, 0: free
    cdef uint32_t *color        # (most + 1,) packed, without the ignored bits
    cdef int64_t *count         # (most + 1,) numbers of pixels
    cdef int64_t *weight        # (most + 1,)
    # (most + 1, channels), once bits are ignored: weight times sample, with four channels also times alpha
    cdef int64_t *sums

    def __cinit__(self, int channels, Py_ssize_t most):
        assert channels in (1, 3, 4) and 1 <= most < 1 << 28
        self.channels, self.most, self.n, self.ignored_bits, self.table_bits = channels, most, 0, 0, FIRST_TABLE_BITS
        self.table = <int32_t *>calloc(1 << FIRST_TABLE_BITS, sizeof(int32_t))
        self.color = <uint32_t *>malloc((most + 1) * sizeof(uint32_t))
        self.count = <int64_t *>malloc((most + 1) * sizeof(int64_t))
        self.weight = <int64_t *>malloc((most + 1) * sizeof(int64_t))
        self.sums = <int64_t *>malloc((most + 1) * channels * sizeof(int64_t))
        if self.table == NULL or self.color == NULL or self.count == NULL or self.weight == NULL or self.sums == NULL:
            raise MemoryError("histogram")

    def __dealloc__(self):
        free(self.table)
        free(self.color)
        free(self.count)
        free(self.weight)
        free(self.sums)

    @property
    def exact(self):
        """Whether every entry is a single colour."""
        return self.ignored_bits == 0

    # ------------------------------------------------------------ table

    cdef inline uint32_t slot_of(self, uint32_t color) noexcept nogil:
        """The slot of a colour, present or not. Fibonacci hashing (Knuth, TAOCP 6.4): the top bits of the product with
        2^32 over the golden ratio."""
        cdef uint32_t mask = (<uint32_t>1 << self.table_bits) - 1
        cdef uint32_t slot = (color * <uint32_t>2654435769) >> (32 - self.table_bits)
        while self.table[slot] and self.color[self.table[slot] - 1] != color:
            slot = (slot + 1) & mask
        return slot

    cdef inline Py_ssize_t entry_of(self, uint32_t color) noexcept nogil:
        """Entry of a colour, created empty if there was none; -1 if out of memory."""
        cdef uint32_t slot = self.slot_of(color)
        cdef Py_ssize_t entry = self.table[slot] - 1
        if entry >= 0:
            return entry
        if 3 * self.n >= 1 << self.table_bits:
            if self.rehash(self.table_bits + 1) != 0:
                return -1
            slot = self.slot_of(color)
        entry = self.n
        self.n += 1
        self.table[slot] = <int32_t>(entry + 1)
        self.color[entry] = color
        self.count[entry] = self.weight[entry] = 0
        return entry

    cdef int rehash(self, int bits) noexcept nogil:
        cdef int32_t *table = <int32_t *>calloc(<size_t>1 << bits, sizeof(int32_t))
        cdef Py_ssize_t i
        if table == NULL:
            return -1
        free(self.table)
        self.table, self.table_bits = table, bits
        for i in range(self.n):
            self.table[self.slot_of(self.color[i])] = <int32_t>(i + 1)
        return 0

    cdef uint32_t kept_bits(self) noexcept nogil:
        return <uint32_t>0x01010101 * ((<uint32_t>0xFF << self.ignored_bits) & 0xFF)

    cdef inline void add_to_sums(self, int64_t *sums, uint32_t color, int64_t weight) noexcept nogil:
        cdef int c
        if self.channels == 4:
            weight *= color >> 24
            sums[3] += weight
        for c in range(min(self.channels, 3)):
            sums[c] += weight * (color >> (8 * c) & 0xFF)

    cdef void coarsen(self) noexcept nogil:
        """Ignore one more bit and add up entries that become equal. Entries move to the front in order, never past one
        that is still to be read."""
        cdef Py_ssize_t entries = self.n, i, entry
        cdef int64_t count, weight
        cdef int64_t sums[4]
        cdef int c
        cdef bint first = self.ignored_bits == 0
        self.ignored_bits += 1
        memset(self.table, 0, (<size_t>1 << self.table_bits) * sizeof(int32_t))
        self.n = 0
        for i in range(entries):
            count, weight = self.count[i], self.weight[i]
            memset(sums, 0, sizeof(sums))
            if first:
                self.add_to_sums(sums, self.color[i], weight)
            else:
                for c in range(self.channels):
                    sums[c] = self.sums[self.channels * i + c]
            entry = self.entry_of(self.color[i] & self.kept_bits())  # cannot fail: no more entries than before
            if self.count[entry] == 0:
                memset(self.sums + self.channels * entry, 0, self.channels * sizeof(int64_t))
            self.count[entry] += count
            self.weight[entry] += weight
            for c in range(self.channels):
                self.sums[self.channels * entry + c] += sums[c]

    # ------------------------------------------------------------ counting

    cdef int add_pixels(self, const uint8_t *p, const uint8_t *importance, Py_ssize_t n,
                        int32_t *entries) noexcept nogil:
        cdef Py_ssize_t i, entry = -1
        cdef uint32_t color, last = 0, kept = self.kept_bits()
        cdef int64_t w = 1
        for i in range(n):
            if i % BETWEEN == 0 and stopped():
                return 0
            color = packed(p, self.channels)
            p += self.channels
            if entry < 0 or color != last:
                entry = self.entry_of(color & kept)
                if entry < 0:
                    return -1
                last = color
                if self.ignored_bits and self.count[entry] == 0:
                    memset(self.sums + self.channels * entry, 0, self.channels * sizeof(int64_t))
            if importance != NULL:
                w = importance[i]
            self.count[entry] += 1
            self.weight[entry] += w
            if entries != NULL:
                entries[i] = <int32_t>entry
            if self.ignored_bits:
                self.add_to_sums(self.sums + self.channels * entry, color, w)
            while self.n > self.most:
                self.coarsen()
                kept, entry = self.kept_bits(), -1
        return 0

    def add(self, const uint8_t[:, ::1] pixels, const uint8_t[::1] importance=None):
        """Count the (n, channels) pixels of a picture, weighted by importance (default: 1 each).

        Returns
        -------
        (n,) int32
            The entry of each pixel, valid while the histogram is exact.
        """
        cdef Py_ssize_t n = pixels.shape[0]
        assert n > 0 and pixels.shape[1] == self.channels and (importance is None or importance.shape[0] == n)
        made = np.empty(n, np.int32)
        cdef int32_t[::1] entries = made
        cdef const uint8_t *often = NULL
        cdef int status
        if importance is not None:
            often = &importance[0]
        begin_use(&self.busy)
        with nogil:
            status = self.add_pixels(&pixels[0, 0], often, n, &entries[0])
        end_use(&self.busy)
        raise_stopped()
        if status != 0:
            raise MemoryError("histogram")
        return made

    # ------------------------------------------------------------ results

    def entries(self):
        """Counts (n,), weights (n,), and sums (n, channels) of weight times sample (times alpha): int64, in the order
        of first appearance."""
        counts, weights = np.empty(self.n, np.int64), np.empty(self.n, np.int64)
        sums = np.zeros((self.n, self.channels), np.int64)
        cdef int64_t[::1] count = counts
        cdef int64_t[::1] weight = weights
        cdef int64_t[:, ::1] sum = sums
        cdef Py_ssize_t i
        cdef int c
        begin_use(&self.busy)
        with nogil:
            for i in range(count.shape[0]):
                count[i], weight[i] = self.count[i], self.weight[i]
                if self.ignored_bits == 0:
                    self.add_to_sums(&sum[i, 0], self.color[i], self.weight[i])
                else:
                    for c in range(self.channels):
                        sum[i, c] = self.sums[self.channels * i + c]
        end_use(&self.busy)
        return counts, weights, sums

    def colors(self):
        """(n, channels) uint8: the colour of each entry, without the ignored bits."""
        made = np.empty((self.n, self.channels), np.uint8)
        cdef uint8_t[:, ::1] color = made
        cdef Py_ssize_t i
        cdef int c
        begin_use(&self.busy)
        with nogil:
            for i in range(color.shape[0]):
                for c in range(self.channels):
                    color[i, c] = <uint8_t>(self.color[i] >> (8 * c))
        end_use(&self.busy)
        return made
