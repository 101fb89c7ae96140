"""The exact nearest entry of a palette; ties go to the first.

Space is divided into a lattice of cells. The first point in a cell creates the list of the entries that are nearest to
some point of the cell (`codec_keep`), a few out of 256. Later points are compared with the list, eight entries at a
time. Points of more than three coordinates are compared with the whole palette.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

import numpy as np

from codec._core cimport begin_use, codec_variant, end_use
from codec._stop cimport raise_stopped, stopped
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "colors.h" nogil:
    void (*codec_keep[2])(const float *lo, const float *hi, int D, const float *z, Py_ssize_t stride, int m,
                          const float *pivot, int32_t *keep)
    void (*codec_nearest_listed[2])(const float *x, int D, const float *list, Py_ssize_t n, uint32_t *key)

KERNELS = ("keep", "nearest_listed")
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    CELL_BITS = 6               # cells of 64 units
    CELLS = 2048 >> CELL_BITS
    MOST = 256
    BETWEEN = 1 << 14           # points from one look for signals to the next


cdef class NearestColor:
    """Nearest entries of a palette of k colours at integer coordinates (k, D) float32, D = 3 or 6, within 0..2047."""

    def __cinit__(self, const float[:, ::1] palette, int level):
        cdef Py_ssize_t i, cells
        cdef int t
        self.k, self.D, self.variant = <int>palette.shape[0], <int>palette.shape[1], codec_variant(level)
        assert 1 <= self.k <= MOST and self.D in (3, 6)
        self.padded = (self.k + 7) & ~7
        self.z = <float *>calloc(self.D * self.k + 8, sizeof(float))
        self.all_ = <float *>malloc((self.D + 1) * self.padded * sizeof(float))
        cells = CELLS * CELLS * CELLS if self.D == 3 else 0
        self.cell = <int32_t *>malloc(max(cells, 1) * sizeof(int32_t))
        if self.z == NULL or self.all_ == NULL or self.cell == NULL:
            raise MemoryError("nearest colours")
        memset(self.cell, 0xFF, cells * sizeof(int32_t))
        for i in range(self.padded):
            for t in range(self.D):
                self.all_[t * self.padded + i] = palette[min(i, self.k - 1), t]
            self.all_[self.D * self.padded + i] = <float>min(i, self.k - 1)
        for i in range(self.k):
            for t in range(self.D):
                self.z[t * self.k + i] = palette[i, t]

    def __dealloc__(self):
        free(self.z)
        free(self.all_)
        free(self.cell)
        free(self.lists)

    cdef Py_ssize_t make_list(self, const int *at) noexcept nogil:
        """Append the candidates of a cell to `lists`: their number, then rows. Returns the
        position, or -1 if out of memory."""
        cdef float lo[3]
        cdef float hi[3]
        cdef float middle[3]
        cdef float pivot[3]
        cdef int32_t keep[MOST + 8]
        cdef uint32_t key
        cdef int t, c, n = 0, padded, last = 0
        cdef float *list
        cdef Py_ssize_t room
        for t in range(3):
            lo[t] = <float>(at[t] << CELL_BITS)
            hi[t] = lo[t] + ((1 << CELL_BITS) - 1)
            middle[t] = lo[t] + (1 << (CELL_BITS - 1))
        codec_nearest_listed[self.variant](middle, 3, self.all_, self.padded, &key)
        for t in range(3):
            pivot[t] = self.z[t * self.k + (key & 0xFF)]
        codec_keep[self.variant](lo, hi, 3, self.z, self.k, self.k, pivot, keep)
        for c in range(self.k):
            n += keep[c]
        padded = (n + 7) & ~7
        if self.used + 1 + 4 * padded > self.room:
            room = 2 * self.room + 4 * (MOST + 8)
            list = <float *>realloc(self.lists, room * sizeof(float))
            if list == NULL:
                self.status = -1
                return -1
            self.lists, self.room = list, room
        list = self.lists + self.used
        list[0] = <float>padded
        list += 1
        n = 0
        for c in range(self.k):
            if keep[c]:
                for t in range(3):
                    list[t * padded + n] = self.z[t * self.k + c]
                list[3 * padded + n] = <float>c
                n += 1
                last = c
        while n < padded:
            for t in range(3):
                list[t * padded + n] = self.z[t * self.k + last]
            list[3 * padded + n] = <float>last
            n += 1
        self.used += 1 + 4 * padded
        return self.used - 1 - 4 * padded

    cdef uint32_t key(self, const float *x) noexcept nogil:
        """Squared distance << 8 | index of the entry nearest to x, whose coordinates are integers in 0..2047."""
        cdef uint32_t key
        cdef int at[3]
        cdef int32_t *cell
        if self.D != 3:
            codec_nearest_listed[self.variant](x, self.D, self.all_, self.padded, &key)
            return key
        at[0], at[1], at[2] = <int>x[0] >> CELL_BITS, <int>x[1] >> CELL_BITS, <int>x[2] >> CELL_BITS
        cell = self.cell + (at[0] * CELLS + at[1]) * CELLS + at[2]
        if cell[0] < 0:
            cell[0] = <int32_t>self.make_list(at)
            if cell[0] < 0:
                codec_nearest_listed[self.variant](x, 3, self.all_, self.padded, &key)
                return key
        codec_nearest_listed[self.variant](x, 3, self.lists + cell[0] + 1, <Py_ssize_t>self.lists[cell[0]], &key)
        return key

    def palette(self):
        """(k, D) float32: coordinates of the entries."""
        made = np.empty((self.k, self.D), np.float32)
        cdef float[:, ::1] out = made
        cdef int c, t
        for c in range(self.k):
            for t in range(self.D):
                out[c, t] = self.z[t * self.k + c]
        return made

    def find(self, const float[:, ::1] points):
        """Index (n,) uint8 and squared distance (n,) uint32 of the entry nearest to each of (n, D) points."""
        index, squared = np.empty(points.shape[0], np.uint8), np.empty(points.shape[0], np.uint32)
        cdef uint8_t[::1] i_out = index
        cdef uint32_t[::1] d_out = squared
        cdef Py_ssize_t i
        cdef uint32_t key
        assert points.shape[1] == self.D
        begin_use(&self.busy)
        with nogil:
            for i in range(points.shape[0]):
                if i % BETWEEN == 0 and stopped():
                    break
                key = self.key(&points[i, 0])
                i_out[i] = <uint8_t>(key & 0xFF)
                d_out[i] = key >> 8
        end_use(&self.busy)
        raise_stopped()
        return index, squared
