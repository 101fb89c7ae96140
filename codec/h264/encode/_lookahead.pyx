"""Costs of a frame before it is coded, from luma of half the width and height: of intra prediction, of prediction from
another frame, and from two.

A macroblock is a block of 8x8 samples here. Vectors are in half samples of these, which are samples of the frame: a
half sample is the mean of four samples of the frame as any other, so there are four planes of means, shifted by one.
All costs are SATD plus estimated bits; they are integers, the same on every machine.
"""
cimport cython
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport abs, calloc, free
from libc.string cimport memcpy, memset

from codec._core cimport codec_bit_length
from codec.h264.encode._adaptive cimport floored
from codec.h264.encode._coder cimport NOTHING
from codec.h264.encode._kernels cimport H264Enc, h264_enc
from codec.h264.encode._planes cimport weigh_samples
from codec.h264.macroblock._intra cimport MODE_NEEDS
from codec.h264.macroblock._kernels cimport (
    H264_LEFT, H264_TOP, H264_TOPLEFT, H264_TOPRIGHT, H264Dsp, h264_dsp,
)

import numpy as np

from ... import cpu
from ...errors import ParameterError

cdef enum:
    ROOM = 32               # samples around the planes
    REACH = 20              # that a block may lie outside of the picture
    MOST_STEPS = 16         # of whole samples
    HALF_STEPS = 2
    STILL = 64              # a SAD of one a sample: no other vector is tried
    FAR = 256               # a SAD of four a sample: longer steps are tried
    LOST = 640              # ten a sample: one block in LATTICE tries vectors up to LEAP straight across and down
    LATTICE = 16
    LEAP = 128
    INTRA_BITS = 5          # what intra, inter and two predictions cost beside SATD
    INTER_BITS = 4
    TWO_BITS = 8
    REFUSED = 1 << 28
    # Percent of neighbours in a row: as many are equal, and as many differ by a step, in text and windows. Those of
    # cameras are equal in 4 to 26, of text in 82 to 94, which differs in 6 to 18; a fade to black has no steps.
    DRAWN_EQUAL = 60
    DRAWN_STEPS = 2

cdef int DIAMOND[4][2]
DIAMOND = [[1, 0], [-1, 0], [0, 1], [0, -1]]


cdef inline int bits_of(int d) noexcept nogil:
    """Of se(v), less 1."""
    return 2 * codec_bit_length(2 * <uint32_t>abs(d) + 1) - 2


cdef inline int median(int a, int b, int c) noexcept nogil:
    return max(min(a, b), min(max(a, b), c))


# In C, where compilers make vectors of it.
cdef extern from *:
    """
    /* Neighbours in a line that are equal, and those that differ by 24 at least. */
    static void count_neighbours(const uint8_t *line, Py_ssize_t count, int64_t *equal, int64_t *steps) {
        uint32_t same = 0, apart = 0;
        for (Py_ssize_t x = 1; x < count; x++) {
            int d = line[x] - line[x - 1];
            same += d == 0;
            apart += d >= 24 || d <= -24;
        }
        *equal += same;
        *steps += apart;
    }
    /* A line has 8440 samples at most (Table A-1). */
    static uint32_t sum_of_line(const uint8_t *line, Py_ssize_t count) {
        uint32_t sum = 0;
        for (Py_ssize_t x = 0; x < count; x++) sum += line[x];
        return sum;
    }
    """
    void count_neighbours(const uint8_t *line, Py_ssize_t count, int64_t *equal, int64_t *steps) nogil
    uint32_t sum_of_line(const uint8_t *line, Py_ssize_t count) nogil

# Where a block is, and what a vector of it is measured by.
cdef struct Block:
    const uint8_t *src
    Py_ssize_t at           # of the block in a plane
    int low[2]              # range of vectors in half samples
    int high[2]
    int mvp[2]
    int mv[2]               # the best, and its cost
    int cost


@cython.internal
cdef class Prediction:
    """Of a frame at half its size from another one.

    Attributes
    ----------
    vectors : (h * w, 2) int16
        In half samples.
    costs : (h * w,) int32
        Of these.
    total : int
        Of all costs.
    best : ((h * w,) int32, int)
        The least cost of each macroblock, this one or that of intra prediction, and the sum of these.
    """
    cdef HalfFrame other
    cdef readonly object vectors, costs, total, best


cdef class HalfFrame:
    """Luma of a frame at half its size.

    Attributes
    ----------
    width, height : int
        In macroblocks.
    intra : (h * w,) int32
        The cost of each macroblock, the least of the modes of Intra_8x8, from samples of the frame.
    total : int
        Of all these costs.
    moments : (int, int, int)
        Sums of the samples, and of their squares; and how many there are.
    drawn : bool
        Much of the luma of the frame is flat, between steps: text and windows, which no camera saw.
    """
    cdef uint8_t *memory
    cdef uint8_t *plane[4]  # sample (0, 0), by shift: bit 0 to the right, bit 1 down
    cdef Py_ssize_t stride, size
    cdef const H264Enc *enc
    cdef const H264Dsp *dsp
    cdef readonly int width, height
    cdef readonly object intra, total, moments, drawn

    def __cinit__(self, int width, int height):
        cdef int i, level = cpu.level_index()
        cdef Py_ssize_t size
        self.width, self.height = width, height
        self.enc, self.dsp = h264_enc(level), h264_dsp(False, level)
        self.stride = (8 * self.width + 2 * ROOM + 63) & ~63
        size = self.stride * (8 * self.height + 2 * ROOM)
        self.memory = <uint8_t *>calloc(4 * size + 64, 1)
        if not self.memory:
            raise MemoryError("no memory for a frame of the lookahead")
        self.size = 4 * size
        for i in range(4):
            self.plane[i] = self.memory + i * size + ROOM * self.stride + ROOM

    def __dealloc__(self):
        free(self.memory)

    cdef void _halve(self, int i, const uint8_t *luma, Py_ssize_t columns, Py_ssize_t rows) noexcept nogil:
        """Plane i: means of 2x2 samples, its edges repeated as those of the frame are."""
        cdef Py_ssize_t y, w = 8 * self.width, h = 8 * self.height, shift = i & 1, whole = (columns - shift) >> 1
        cdef const uint8_t *a
        cdef const uint8_t *b
        cdef uint8_t *line
        for y in range(h):
            a = luma + min(2 * y + (i >> 1), rows - 1) * columns
            b = luma + min(2 * y + (i >> 1) + 1, rows - 1) * columns
            line = self.plane[i] + y * self.stride
            self.enc.halve(line, a + shift, b + shift, whole)
            memset(line + whole, (a[columns - 1] + b[columns - 1] + 1) >> 1, w - whole)
            memset(line - ROOM, line[0], ROOM)
            memset(line + w, line[w - 1], ROOM)
        for y in range(1, ROOM + 1):
            memcpy(self.plane[i] - ROOM - y * self.stride, self.plane[i] - ROOM, w + 2 * ROOM)
            line = self.plane[i] + (h - 1) * self.stride - ROOM
            memcpy(line + y * self.stride, line, w + 2 * ROOM)

    def fill(self, const uint8_t[:, ::1] luma):
        """Make it that of luma, whose last row and column are repeated up to whole macroblocks, and once more; and find
        what the frame tells alone."""
        cdef int i, x, y
        cdef int64_t sum = 0, square = 0, total = 0, equal = 0, steps = 0
        cdef int64_t neighbours = ((luma.shape[0] + 1) >> 1) * (luma.shape[1] - 1)     # every second row tells
        if (luma.shape[0] + 15) >> 4 != self.height or (luma.shape[1] + 15) >> 4 != self.width:
            raise ParameterError("luma of as many macroblocks")
        self.intra = np.empty(self.width * self.height, np.int32)
        cdef int32_t[::1] out = self.intra
        cdef const uint8_t *src
        with nogil:                                     # once: it takes as long to have the lock again as all of this
            for i in range(4):
                self._halve(i, &luma[0, 0], luma.shape[1], luma.shape[0])
            for y in range(self.height):
                for x in range(self.width):
                    out[y * self.width + x] = self._intra(x, y)
                    total += out[y * self.width + x]
                    src = self.plane[0] + 8 * y * self.stride + 8 * x
                    sum += self._sum(src, self.stride)
                    square += self.enc.ssd[1](src, self.stride, NOTHING, 0, 8)
            for y in range(0, luma.shape[0], 2):
                count_neighbours(&luma[y, 0], luma.shape[1], &equal, &steps)
        self.total = total
        self.moments = sum, square, 64 * self.width * self.height
        self.drawn = 100 * equal > DRAWN_EQUAL * neighbours and 100 * steps > DRAWN_STEPS * neighbours

    cdef inline int _sum(self, const uint8_t *block, Py_ssize_t stride) noexcept nogil:
        """Of the samples of a block."""
        return self.enc.sad[1](block, stride, NOTHING, 0, 8)

    # ---------------------------------------------------------------- intra

    cdef int _intra(self, int x, int y) noexcept nogil:
        cdef uint8_t around[9 * 32]
        cdef uint8_t *dst = around + 32 + 8
        cdef const uint8_t *src = self.plane[0] + 8 * y * self.stride + 8 * x
        cdef int mode, i, best = REFUSED
        cdef int avail = (H264_LEFT if x else 0) | (H264_TOP if y else 0)
        if x and y:
            avail |= H264_TOPLEFT
        if y and x < self.width - 1:
            avail |= H264_TOPRIGHT
        memcpy(around, src - self.stride - 8, 32)
        for i in range(8):
            dst[32 * i - 1] = src[i * self.stride - 1]
        for mode in range(9):
            if not MODE_NEEDS[mode] & ~avail:
                self.dsp.intra8x8[mode](dst, 32, avail, 255)
                best = min(best, self.enc.satd[1](src, self.stride, dst, 32, 8))
        return best + INTRA_BITS

    # ---------------------------------------------------------------- inter

    def inter(self, HalfFrame other not None, guess, int numerator, int denominator, weights=None):
        """Search the frame in another, after `fill` of both.

        Parameters
        ----------
        other : HalfFrame
        guess : (h * w, 2) int16, or None
            Vectors that, times numerator / denominator, are tried too; without, these two do not matter.
        weights : Weights, optional
            Those of the samples of the other frame.

        Returns
        -------
        Prediction
        """
        cdef int n = self.width * self.height, weight = 0, offset = 0, i
        cdef int64_t total = 0, least = 0
        cdef HalfFrame source = None
        cdef Prediction made = Prediction()
        made.other, made.vectors, made.costs, best = other, np.empty((n, 2), np.int16), np.empty(n, np.int32), \
            np.empty(n, np.int32)
        cdef int16_t[:, ::1] mv = made.vectors
        cdef int32_t[::1] out = made.costs
        cdef int32_t[::1] low = best
        cdef const int32_t[::1] intra = self.intra
        cdef const int16_t[:, ::1] first
        cdef const int16_t *found = NULL
        self._check(made)
        if guess is not None:
            first = guess
            if first.shape[0] != n or first.shape[1] != 2:
                raise ParameterError("a vector for each macroblock")
            found = &first[0, 0]
        if weights is not None:
            source, other = other, HalfFrame(self.width, self.height)
            weight, offset = weights.weight, weights.offset
        with nogil:
            if source is not None:
                weigh_samples(other.memory, source.memory, self.size, weight, offset)
            self._inter(other, &mv[0, 0], &out[0], found, numerator, denominator)
            for i in range(n):
                low[i] = min(out[i], intra[i])
                total += out[i]
                least += low[i]
        made.total, made.best = total, (best, least)
        return made

    cdef void _inter(self, HalfFrame other, int16_t *mv, int32_t *out, const int16_t *guess, int numerator,
                     int denominator) noexcept nogil:
        cdef int x, y, i, k, w = self.width, n
        cdef int tried[5][2]
        cdef int16_t far[2]                             # the latest leap
        cdef Block b
        far[0] = far[1] = 0
        for y in range(self.height):
            for x in range(w):
                i = y * w + x
                n = 0
                if x:
                    n = self._add(tried, n, mv + 2 * (i - 1), 1, 1)
                for k in range(2):                      # above, above to the right
                    if y > 0 and x + k < w:
                        n = self._add(tried, n, mv + 2 * (i - w + k), 1, 1)
                b.mvp[0] = b.mvp[1] = 0
                for k in range(2):
                    b.mvp[k] = (median(tried[0][k], tried[1][k], tried[2][k]) if n == 3 else tried[0][k] if n else 0)
                if guess != NULL:
                    n = self._add(tried, n, guess + 2 * i, numerator, denominator)
                if far[0] or far[1]:
                    n = self._add(tried, n, far, 1, 1)
                b.at = 8 * y * self.stride + 8 * x
                b.src = self.plane[0] + b.at
                b.low[0], b.high[0] = -2 * (8 * x + REACH), 2 * (8 * (w - 1 - x) + REACH)
                b.low[1], b.high[1] = -2 * (8 * y + REACH), 2 * (8 * (self.height - 1 - y) + REACH)
                self._search(other, &b, tried, n)
                if b.cost > LOST and (x + 5 * y) % LATTICE == 0 and self._leap(other, &b):
                    far[0], far[1] = <int16_t>b.mv[0], <int16_t>b.mv[1]
                mv[2 * i], mv[2 * i + 1] = <int16_t>b.mv[0], <int16_t>b.mv[1]
                out[i] = b.cost + INTER_BITS

    cdef int _add(self, int (*tried)[2], int n, const int16_t *mv, int numerator, int denominator) noexcept nogil:
        tried[n][0], tried[n][1] = mv[0] * numerator / denominator, mv[1] * numerator / denominator
        return n + 1

    cdef inline int _sad(self, HalfFrame other, Block *b, int x, int y) noexcept nogil:
        """Of a vector of whole samples, with its bits."""
        return (self.enc.sad[1](b.src, self.stride, other.plane[0] + b.at + (y >> 1) * self.stride + (x >> 1),
                                self.stride, 8) + bits_of(x - b.mvp[0]) + bits_of(y - b.mvp[1]))

    cdef inline int _satd(self, HalfFrame other, Block *b, int x, int y) noexcept nogil:
        return (self.enc.satd[1](b.src, self.stride, self._at(other, b.at, x, y), self.stride, 8)
                + bits_of(x - b.mvp[0]) + bits_of(y - b.mvp[1]))

    cdef inline const uint8_t *_at(self, HalfFrame other, Py_ssize_t at, int x, int y) noexcept nogil:
        """Where a vector leads from a block."""
        return other.plane[(x & 1) | (y & 1) << 1] + at + (y >> 1) * self.stride + (x >> 1)

    cdef void _search(self, HalfFrame other, Block *b, const int (*tried)[2], int n) noexcept nogil:
        """Diamonds of samples by SAD from the best of zero and what is tried, then of half samples by SATD."""
        cdef int i, x, y, cost, step, size
        cdef bint wide = False
        b.mv[0] = b.mv[1] = 0
        b.cost = self._sad(other, b, 0, 0)
        for i in range(n):
            x = min(max(tried[i][0] & ~1, b.low[0]), b.high[0])
            y = min(max(tried[i][1] & ~1, b.low[1]), b.high[1])
            if (x or y) and (x != b.mv[0] or y != b.mv[1]):
                cost = self._sad(other, b, x, y)
                if cost < b.cost:
                    b.cost, b.mv[0], b.mv[1] = cost, x, y
        size = 2 if b.cost > STILL else 0
        for step in range(MOST_STEPS):
            if size == 0 or self._diamond(other, b, size):
                continue
            # four, two and one sample where one sample leads nowhere, as in text that scrolls
            size = size >> 1 if size > 2 else 8 if b.cost > FAR and not wide else 0
            wide = wide or size == 8
        b.cost = self._satd(other, b, b.mv[0], b.mv[1])
        for step in range(HALF_STEPS):
            if not self._diamond(other, b, 1):
                break

    cdef bint _leap(self, HalfFrame other, Block *b) noexcept nogil:
        """Try vectors straight across and down, as of pages that slide or scroll; whether one fits."""
        cdef const uint8_t *at[4]
        cdef int sads[4]
        cdef int d, k, i, first, last, least = FAR
        cdef bint found = False
        for k in range(2):
            first, last = max(b.low[k], -LEAP), min(b.high[k], LEAP)
            while first <= last:
                for i in range(4):
                    d = min(first + i, last)
                    at[i] = self._at(other, b.at, 0 if k else d, d if k else 0)
                self.enc.sad4[1](sads, b.src, self.stride, at, self.stride, 8)
                for i in range(4):
                    if sads[i] < least:
                        d = min(first + i, last)
                        least, b.mv[k], b.mv[1 - k], found = sads[i], d, 0, True
                first += 4
        if found:
            b.cost = self._satd(other, b, b.mv[0], b.mv[1])
        return found

    cdef bint _diamond(self, HalfFrame other, Block *b, int size) noexcept nogil:
        """Try the four vectors around the best; size: in half samples. Whether one is better."""
        cdef const uint8_t *at[4]
        cdef int costs[4]
        cdef int k, cost, x, y, at_x = b.mv[0], at_y = b.mv[1]
        cdef bint moved = False
        for k in range(4):                              # those beyond the range too, which ROOM holds
            at[k] = self._at(other, b.at, at_x + size * DIAMOND[k][0], at_y + size * DIAMOND[k][1])
        (self.enc.satd4[1] if size == 1 else self.enc.sad4[1])(costs, b.src, self.stride, at, self.stride, 8)
        for k in range(4):
            x, y = at_x + size * DIAMOND[k][0], at_y + size * DIAMOND[k][1]
            if costs[k] < b.cost and b.low[0] <= x <= b.high[0] and b.low[1] <= y <= b.high[1]:
                cost = costs[k] + bits_of(x - b.mvp[0]) + bits_of(y - b.mvp[1])
                if cost < b.cost:
                    b.cost, b.mv[0], b.mv[1], moved = cost, x, y, True
        return moved

    # ---------------------------------------------------------------- two predictions

    cdef int _check(self, Prediction made) except -1:
        if made.other.width != self.width or made.other.height != self.height:
            raise ParameterError("frames of one size")
        return 0

    cdef inline void _mean(self, uint8_t *mean, Py_ssize_t at, Prediction first, const int16_t *mv0, Prediction second,
                           const int16_t *mv1) noexcept nogil:
        """The mean of 8x8 samples that two vectors lead to."""
        self.enc.average(mean, 8, self._at(first.other, at, mv0[0], mv0[1]), self.stride,
                         self._at(second.other, at, mv1[0], mv1[1]), self.stride, 8, 8)

    def two(self, Prediction first not None, Prediction second not None, known=None):
        """The least cost of each macroblock, of the mean of two predictions and of what is known, (h * w,) int32, and
        the sum of these. known: of intra prediction and either prediction by default."""
        cdef int n = self.width * self.height, x, y, i
        cdef Py_ssize_t at
        cdef int64_t sum = 0
        cdef uint8_t mean[64]
        cdef const int16_t[:, ::1] mv0 = first.vectors
        cdef const int16_t[:, ::1] mv1 = second.vectors
        cdef const int32_t[::1] a = self.intra if known is None else known
        cdef const int32_t[::1] b = first.costs if known is None else known
        cdef const int32_t[::1] c = second.costs if known is None else known
        self._check(first)
        self._check(second)
        if a.shape[0] != n:
            raise ParameterError("a cost for each macroblock")
        made = np.empty(n, np.int32)
        cdef int32_t[::1] out = made
        with nogil:
            for y in range(self.height):
                for x in range(self.width):
                    i, at = y * self.width + x, 8 * y * self.stride + 8 * x
                    self._mean(mean, at, first, &mv0[i, 0], second, &mv1[i, 0])
                    out[i] = self.enc.satd[1](self.plane[0] + at, self.stride, mean, 8, 8) + TWO_BITS
                    out[i] = min(min(out[i], a[i]), min(b[i], c[i]))
                    sum += out[i]
        return made, sum

    def smooth(self, Prediction first not None, Prediction second not None):
        """(a, b): sums of absolute differences from the mean of two predictions, a of the sums of blocks of 8x8 samples
        and b of samples. Their signs are by chance in noise, so that a is an eighth of b. They are equal in a block
        that is brighter."""
        cdef int x, y, i
        cdef Py_ssize_t at
        cdef uint8_t mean[64]
        cdef const uint8_t *src
        cdef const int16_t[:, ::1] mv0 = first.vectors
        cdef const int16_t[:, ::1] mv1 = second.vectors
        cdef int64_t of_blocks = 0, of_samples = 0
        self._check(first)
        self._check(second)
        with nogil:
            for y in range(self.height):
                for x in range(self.width):
                    i, at = y * self.width + x, 8 * y * self.stride + 8 * x
                    self._mean(mean, at, first, &mv0[i, 0], second, &mv1[i, 0])
                    src = self.plane[0] + at
                    of_samples += self.enc.sad[1](src, self.stride, mean, 8, 8)
                    of_blocks += abs(self._sum(src, self.stride) - self._sum(mean, 8))
        return of_blocks, of_samples


# ---------------------------------------------------------------- what is found, compared


def total(const uint8_t[:, ::1] plane):
    """The sum of all samples."""
    cdef int64_t sum = 0
    cdef Py_ssize_t y
    for y in range(plane.shape[0]):
        sum += sum_of_line(&plane[y, 0], plane.shape[1])
    return sum


def direct_distances(const int16_t[:, ::1] mv0, const int16_t[:, ::1] mv1, const int16_t[:, ::1] col, int width,
                     int numerator, int denominator, int most):
    """How far the vectors of temporal (8.4.1.2.3) and of spatial direct prediction (8.4.1.2.2) are from those that were
    found: sums of absolute differences, of each macroblock at most `most`.

    mv0, mv1: (N, 2) vectors to the references before and after; col: those of the colocated picture, or None without
    any; width: macroblocks in a row; numerator, denominator: what part of the way before it is (denominator > 0).
    """
    cdef Py_ssize_t n = mv0.shape[0], i
    cdef const int16_t *found[2]
    cdef const int16_t *mv
    cdef int x, y, k, list, scaled, temporal, spatial, left, above, right
    cdef int64_t sums[2]
    if not n == mv1.shape[0] or not mv0.shape[1] == mv1.shape[1] == 2 or n % width or (
            col is not None and not (col.shape[0] == n and col.shape[1] == 2)):
        raise ParameterError("a vector for each macroblock of each list")
    found[0], found[1] = &mv0[0, 0], &mv1[0, 0]
    sums[0] = sums[1] = 0
    for i in range(n):
        x, y = <int>(i % width), <int>(i // width)
        temporal = spatial = 0
        for k in range(2):
            scaled = 0
            if col is not None:
                scaled = <int>floored(2 * <int64_t>col[i, k] * numerator + denominator, 2 * denominator)
            temporal += abs(mv0[i, k] - scaled) + abs(mv1[i, k] - scaled + (0 if col is None else col[i, k]))
            for list in range(2):
                mv = found[list] + 2 * i + k
                left = mv[-2] if x else 0
                above = mv[-2 * width] if y else 0
                right = mv[-2 * width + 2] if y and x < width - 1 else 0
                spatial += abs(mv[0] - median(left, above, right))
        sums[0] += min(temporal, most)
        sums[1] += min(spatial, most)
    return sums[0], sums[1]
