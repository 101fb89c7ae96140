"""Colours of pictures and how often they occur: exactly, or, where there are too many, in bins that keep the sum of their members.

A table with open addressing holds packed colours. When it has more than `most` of them, one more low bit of every channel is ignored from
then on and the entries that become alike are added up: sums stay exact, and so the mean of every bin.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

import numpy as np


cdef inline uint32_t slot_of(uint32_t color, int bits) noexcept nogil:
    """Fibonacci hashing (Knuth, TAOCP 6.4): the top bits of the product with 2^32 over the golden ratio."""
    return (color * <uint32_t>2654435769) >> (32 - bits)


cdef class Histogram:
    """Counts by colour, over any number of pictures.

    Parameters
    ----------
    channels : int
        1, 3 or 4.
    most : int
        How many colours are kept apart before channels lose a bit.
    """
    cdef readonly int channels, ignored_bits
    cdef readonly Py_ssize_t n
    cdef Py_ssize_t most
    cdef int table_bits
    cdef int32_t *table         # slot -> entry + 1, 0: free
    cdef uint32_t *color        # (most + 1,) packed, without the ignored bits
    cdef int64_t *count         # (most + 1,) of pixels
    cdef int64_t *weight        # (most + 1,)
    cdef int64_t *sums          # (most + 1, channels): weight times sample; of four channels, weight times alpha, and that times R, G, B

    def __cinit__(self, int channels, Py_ssize_t most):
        assert channels in (1, 3, 4) and 1 <= most < 1 << 28
        self.channels, self.most, self.n, self.ignored_bits = channels, most, 0, 0
        self.table_bits = 2
        while <Py_ssize_t>1 << self.table_bits < 2 * most:
            self.table_bits += 1
        self.table = <int32_t *>calloc(<size_t>1 << self.table_bits, sizeof(int32_t))
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

    cdef inline int32_t find(self, uint32_t color) noexcept nogil:
        """Entry of a colour; a new one, of nothing, where there is none."""
        cdef uint32_t mask = (<uint32_t>1 << self.table_bits) - 1, slot = slot_of(color, self.table_bits)
        cdef int32_t entry
        while True:
            entry = self.table[slot] - 1
            if entry < 0:
                break
            if self.color[entry] == color:
                return entry
            slot = (slot + 1) & mask
        entry = <int32_t>self.n
        self.n += 1
        self.table[slot] = entry + 1
        self.color[entry] = color
        self.count[entry] = self.weight[entry] = 0
        for slot in range(<uint32_t>self.channels):
            self.sums[self.channels * entry + slot] = 0
        return entry

    cdef uint32_t kept_bits(self) noexcept nogil:
        return <uint32_t>0x01010101 * ((<uint32_t>0xFF << self.ignored_bits) & 0xFF)

    cdef void coarsen(self) noexcept nogil:
        """Ignore one more bit, and add up what becomes alike. Entries move to the front in order, never past one that is still to be read."""
        cdef Py_ssize_t entries = self.n, i
        cdef int32_t entry
        cdef int64_t count, weight
        cdef int64_t sums[4]
        cdef int c
        self.ignored_bits += 1
        memset(self.table, 0, (<size_t>1 << self.table_bits) * sizeof(int32_t))
        self.n = 0
        for i in range(entries):
            count, weight = self.count[i], self.weight[i]
            for c in range(self.channels):
                sums[c] = self.sums[self.channels * i + c]
            entry = self.find(self.color[i] & self.kept_bits())
            self.count[entry] += count
            self.weight[entry] += weight
            for c in range(self.channels):
                self.sums[self.channels * entry + c] += sums[c]

    cdef void add_pixels(self, const uint8_t *p, const uint8_t *importance, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t i, run
        cdef int c, channels = self.channels
        cdef uint32_t color, kept = self.kept_bits()
        cdef int32_t entry
        cdef int64_t w
        for i in range(n):
            color = p[0]
            if channels >= 3:
                color = p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16
            if channels == 4:
                color = 0 if p[3] == 0 else color | <uint32_t>p[3] << 24          # what is transparent has no colour
            entry = self.find(color & kept)
            w = importance[i] if importance != NULL else 1
            self.count[entry] += 1
            self.weight[entry] += w
            if channels == 4:
                w *= color >> 24
                self.sums[4 * entry + 3] += w
            for c in range(min(channels, 3)):
                self.sums[channels * entry + c] += w * (color >> (8 * c) & 0xFF)
            while self.n > self.most:
                self.coarsen()
                kept = self.kept_bits()
            p += channels

    def add(self, const uint8_t[:, ::1] pixels, const uint8_t[::1] importance=None):
        """Count the (n, channels) pixels of a picture, each as often as its importance says (default: once)."""
        assert pixels.shape[1] == self.channels
        assert importance is None or importance.shape[0] == pixels.shape[0]
        if pixels.shape[0] == 0:
            return
        cdef const uint8_t *often = NULL
        if importance is not None:
            often = &importance[0]
        with nogil:
            self.add_pixels(&pixels[0, 0], often, pixels.shape[0])

    def entries(self):
        """Counts (n,) int64, weights (n,) int64, and sums (n, channels) int64 of weight times sample (times alpha), in the order of first appearance."""
        counts, weights, sums = np.empty(self.n, np.int64), np.empty(self.n, np.int64), np.empty((self.n, self.channels), np.int64)
        cdef int64_t[::1] count = counts
        cdef int64_t[::1] weight = weights
        cdef int64_t[:, ::1] sum = sums
        cdef Py_ssize_t i
        cdef int c
        for i in range(self.n):
            count[i], weight[i] = self.count[i], self.weight[i]
            for c in range(self.channels):
                sum[i, c] = self.sums[self.channels * i + c]
        return counts, weights, sums

    def colors(self):
        """(n, channels) uint8: the colour of each entry, without the ignored bits."""
        made = np.empty((self.n, self.channels), np.uint8)
        cdef uint8_t[:, ::1] color = made
        cdef Py_ssize_t i
        cdef int c
        for i in range(self.n):
            for c in range(self.channels):
                color[i, c] = <uint8_t>(self.color[i] >> (8 * c))
        return made

    def paint(self, const uint8_t[:, ::1] pixels, const uint8_t[::1] values, uint8_t[::1] out):
        """out = the value that belongs to the entry of each pixel; every pixel must have been counted."""
        cdef Py_ssize_t i, n = pixels.shape[0]
        cdef uint32_t color, last = 0, kept = self.kept_bits()
        cdef uint8_t value = 0
        cdef const uint8_t *p
        assert pixels.shape[1] == self.channels and values.shape[0] == self.n and out.shape[0] == n
        with nogil:
            for i in range(n):
                p = &pixels[i, 0]
                color = p[0]
                if self.channels >= 3:
                    color = p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16
                if self.channels == 4:
                    color = 0 if p[3] == 0 else color | <uint32_t>p[3] << 24
                if i == 0 or color != last:
                    value = values[self.find(color & kept)]
                    last = color
                out[i] = value
