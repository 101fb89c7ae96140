"""Luma of a reference picture for motion search: padded, with its half samples (8.4.2.2.1)."""
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from codec.h264.encode._coder cimport PAD, Filled, RefPlanes

cdef enum:
    TAPS = 3                # samples that the filters reach


cdef void begin_planes(Filled *f) noexcept nogil:
    """Make them those of a new picture: nothing filled."""
    f.lines, f.halves = 0, TAPS - PAD


cdef void fill_planes(const RefPlanes *r, Filled *f, const PictureData *p, int lines,
                      const H264Enc *enc) noexcept nogil:
    """Fill them as far as the first lines of decoded luma allow, which are final: half samples up to TAPS lines
    before the last; all, with the padding, if lines is the height."""
    cdef uint8_t *line
    cdef Py_ssize_t at
    cdef int y, first = TAPS - PAD, count = r.width + 2 * PAD - 2 * TAPS
    for y in range(f.lines, lines):
        line = r.plane[0] + y * r.stride
        memcpy(line, p.plane[0] + y * p.stride[0], r.width)
        memset(line - PAD, line[0], PAD)
        memset(line + r.width, line[r.width - 1], PAD)
    if f.lines == 0:
        for y in range(1, PAD + 1):
            memcpy(r.plane[0] - PAD - y * r.stride, r.plane[0] - PAD, r.width + 2 * PAD)
    if lines == r.height:
        line = r.plane[0] + (r.height - 1) * r.stride - PAD
        for y in range(1, PAD + 1):
            memcpy(line + y * r.stride, line, r.width + 2 * PAD)
    f.lines = lines
    lines += PAD - TAPS if lines == r.height else -TAPS
    for y in range(f.halves, lines):
        at = y * r.stride + first
        enc.half_samples(r.plane[1] + at, r.plane[2] + at, r.plane[3] + at, r.plane[0] + at, r.stride, count, r.sums)
    f.halves = max(f.halves, lines)


cdef class Interpolated:
    """Four planes of one size, made for a width and height in whole macroblocks, filled for each reference."""

    def __cinit__(self, int width, int height):
        cdef RefPlanes *r = &self.planes
        cdef int i
        r.width, r.height = width, height
        r.stride = (width + 2 * PAD + 63) & ~63
        self.size = r.stride * (height + 2 * PAD)
        # sums of a line follow the planes; vector kernels may load 64 bytes further
        self.memory = <uint8_t *>calloc(4 * self.size + 2 * (r.stride + 64) + 128, 1)
        if not self.memory:
            raise MemoryError("no memory for reference planes")
        for i in range(4):
            r.plane[i] = self.memory + 64 + i * self.size + PAD * r.stride + PAD
        r.sums = <int16_t *>(self.memory + 64 + 4 * self.size)

    def __dealloc__(self):
        free(self.memory)

    def begin(self):
        """Make them those of a new picture: nothing filled."""
        begin_planes(&self.filled)

    def weighted(self, int weight, int offset):
        """The planes of the samples with a weight."""
        cdef Interpolated made = Interpolated(self.planes.width, self.planes.height)
        with nogil:
            weigh_samples(made.memory + 64, self.memory + 64, 4 * self.size, weight, offset)
        return made
