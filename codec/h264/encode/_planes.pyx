"""Luma of a reference picture for motion search: padded, with its half samples (8.4.2.2.1)."""
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from codec.h264.encode._coder cimport PAD

cdef enum:
    TAPS = 3                # samples that the filters reach


cdef class Interpolated:
    """Four planes of one size, made for a width and height in whole macroblocks, filled for each reference."""

    def __cinit__(self, int width, int height):
        cdef int i
        self.width, self.height = width, height
        self.stride = (width + 2 * PAD + 63) & ~63
        self.size = self.stride * (height + 2 * PAD)
        # sums of a line follow the planes; vector kernels may load 64 bytes further
        self.memory = <uint8_t *>calloc(4 * self.size + 2 * (self.stride + 64) + 128, 1)
        if not self.memory:
            raise MemoryError("no memory for reference planes")
        for i in range(4):
            self.planes.plane[i] = self.memory + 64 + i * self.size + PAD * self.stride + PAD
        self.planes.stride = self.stride

    def __dealloc__(self):
        free(self.memory)

    def begin(self):
        """Make them those of a new picture: nothing filled."""
        self.lines, self.halves = 0, TAPS - PAD

    cdef void advance(self, const PictureData *p, int lines, const H264Enc *enc) noexcept nogil:
        """Fill them as far as the first lines of decoded luma allow, which are final: half samples up to TAPS lines
        before the last; all, with the padding, if lines is the height."""
        cdef uint8_t *plane[4]
        cdef uint8_t *line
        cdef int16_t *work = <int16_t *>(self.memory + 64 + 4 * self.size)
        cdef Py_ssize_t at
        cdef int y, i, first = TAPS - PAD, count = self.width + 2 * PAD - 2 * TAPS
        for i in range(4):
            plane[i] = <uint8_t *>self.planes.plane[i]
        for y in range(self.lines, lines):
            line = plane[0] + y * self.stride
            memcpy(line, p.plane[0] + y * p.stride[0], self.width)
            memset(line - PAD, line[0], PAD)
            memset(line + self.width, line[self.width - 1], PAD)
        if self.lines == 0:
            for y in range(1, PAD + 1):
                memcpy(plane[0] - PAD - y * self.stride, plane[0] - PAD, self.width + 2 * PAD)
        if lines == self.height:
            line = plane[0] + (self.height - 1) * self.stride - PAD
            for y in range(1, PAD + 1):
                memcpy(line + y * self.stride, line, self.width + 2 * PAD)
        self.lines = lines
        lines += PAD - TAPS if lines == self.height else -TAPS
        for y in range(self.halves, lines):
            at = y * self.stride + first
            enc.half_samples(plane[1] + at, plane[2] + at, plane[3] + at, plane[0] + at, self.stride, count, work)
        self.halves = max(self.halves, lines)

    def weighted(self, int weight, int offset):
        """The planes of the samples with a weight."""
        cdef Interpolated made = Interpolated(self.width, self.height)
        with nogil:
            weigh_samples(made.memory + 64, self.memory + 64, 4 * self.size, weight, offset)
        return made
