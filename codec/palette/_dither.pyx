"""Dithering with a palette: error diffusion, and errors along a space-filling curve."""
from libc.math cimport sqrtf
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from codec._core cimport begin_use, end_use

from ._nearest cimport NearestColor

cdef enum:
    MARGIN = 3                  # columns on either side that errors may reach
    ROWS = 3                    # the current one and two below
    MOST_TAPS = 16
    MOST_D = 6
    MOST_SHARES = 32


cdef struct Errors:
    int n                       # taps
    int dx[MOST_TAPS]
    int dy[MOST_TAPS]
    float share[MOST_TAPS]
    float lo[MOST_D]
    float hi[MOST_D]
    float strength, limit, stay
    float *errors               # a ring of ROWS rows, with margins
    Py_ssize_t stride


cdef inline void diffuse_row(Errors *d, NearestColor palette, const int D, const float *points, const uint8_t *alone,
                             const int32_t *entries, Py_ssize_t y, Py_ssize_t width, uint8_t *painted) noexcept nogil:
    """One row, rightwards if its index is even."""
    cdef int t, i, k = palette.k
    cdef const float *z = palette.z
    cdef float x[MOST_D]
    cdef float e[MOST_D]
    cdef float *rows[ROWS]
    cdef float *here
    cdef float *target
    cdef const float *point
    cdef float squared, factor, v
    cdef Py_ssize_t step = 1 - 2 * (y & 1), column = 0 if step > 0 else width - 1, left
    cdef uint32_t key, last = 0
    for i in range(ROWS):
        rows[i] = d.errors + (y + i) % ROWS * d.stride
    for left in range(width):
        point = points + D * entries[column]
        if alone[entries[column]]:
            painted[column] = <uint8_t>(palette.key(point) & 0xFF)
            last = painted[column]
            column += step
            continue
        here = rows[0] + (column + MARGIN) * D
        for t in range(D):
            e[t] = min(max(point[t] + here[t], d.lo[t]), d.hi[t])
            x[t] = <float><int>(e[t] + 0.5)
        squared = 0
        for t in range(D):
            v = x[t] - z[t * k + last]
            squared += v * v
        if left == 0 or squared > d.stay:       # otherwise the last colour is near enough, whichever is nearest
            key = palette.key(x)
            if left == 0 or squared > (key >> 8) + d.stay:
                last = key & 0xFF
        painted[column] = <uint8_t>last
        squared = 0
        for t in range(D):
            e[t] -= z[t * k + last]
            squared += e[t] * e[t]
        factor = d.strength
        if squared > d.limit * d.limit:
            factor = factor * d.limit / sqrtf(squared)
        for t in range(D):
            e[t] *= factor
        for i in range(d.n):
            target = rows[d.dy[i]] + (column + MARGIN + step * d.dx[i]) * D
            for t in range(D):
                target[t] += e[t] * d.share[i]
        column += step
    memset(rows[0], 0, d.stride * sizeof(float))


cdef class Diffusion:
    """Error diffusion (Floyd and Steinberg, Proc. SID 17(2), 1976), every other row from right to left, over the rows
    of a picture from the top.

    Parameters
    ----------
    palette : NearestColor
    width : int
        Pixels of a row.
    taps : (n, 3) float32
        Columns ahead, rows below, share of the error.
    strength : float
        Fraction of each error that is diffused.
    limit : float
        Greatest length of a diffused error; longer ones are shortened.
    stay : float
        The last pixel's colour is kept if its squared distance exceeds the least one by at most this much.
    lo, hi : (D,) float32
        Bounds to which pixels with diffused errors are clamped, within 0..2047.
    """
    cdef NearestColor palette
    cdef Py_ssize_t width, y    # y: the next row
    cdef Errors d

    def __cinit__(self, NearestColor palette not None, Py_ssize_t width, const float[:, ::1] taps, float strength,
                  float limit, float stay, const float[::1] lo, const float[::1] hi):
        cdef int i
        assert width > 0 and taps.shape[0] <= MOST_TAPS and taps.shape[1] == 3
        assert lo.shape[0] == palette.D and hi.shape[0] == palette.D
        self.palette, self.width = palette, width
        self.d.n, self.d.strength, self.d.limit, self.d.stay = <int>taps.shape[0], strength, limit, stay
        for i in range(self.d.n):
            self.d.dx[i], self.d.dy[i], self.d.share[i] = <int>taps[i, 0], <int>taps[i, 1], taps[i, 2]
        for i in range(palette.D):
            self.d.lo[i], self.d.hi[i] = lo[i], hi[i]
        self.d.stride = (width + 2 * MARGIN) * palette.D
        self.d.errors = <float *>calloc(ROWS * self.d.stride, sizeof(float))
        if self.d.errors == NULL:
            raise MemoryError("errors of rows")

    def __dealloc__(self):
        free(self.d.errors)

    def rows(self, const float[:, ::1] points, const int32_t[::1] entries, const uint8_t[::1] alone):
        """Paint the next rows.

        Parameters
        ----------
        points : (n, D) float32
            Colours, on the lattice of the palette.
        entries : (rows * width,) int32
            Index of the colour of each pixel.
        alone : (n,) uint8
            Colours that neither receive nor diffuse errors.

        Returns
        -------
        (rows * width,) uint8
        """
        cdef Py_ssize_t height = entries.shape[0] // self.width, i
        out = np.empty(entries.shape[0], np.uint8)
        cdef uint8_t[::1] painted = out
        assert entries.shape[0] == height * self.width > 0
        assert points.shape[1] == self.palette.D and alone.shape[0] == points.shape[0]
        begin_use(&self.palette.busy)           # guards the errors too
        with nogil:
            for i in range(height):
                if self.palette.D == 3:                  # a constant, so that loops unroll
                    diffuse_row(&self.d, self.palette, 3, &points[0, 0], &alone[0], &entries[i * self.width],
                                self.y + i, self.width, &painted[i * self.width])
                else:
                    diffuse_row(&self.d, self.palette, 6, &points[0, 0], &alone[0], &entries[i * self.width],
                                self.y + i, self.width, &painted[i * self.width])
            self.y += height
        end_use(&self.palette.busy)
        return out


# ---------------------------------------------------------------- Riemersma

cdef inline void hilbert(Py_ssize_t side, Py_ssize_t d, Py_ssize_t *along, Py_ssize_t *across) noexcept nogil:
    """Point d of Hilbert's curve through a square whose side is a power of two, from one corner to an adjacent one."""
    cdef Py_ssize_t s = 1, turn_along, turn_across, t = d, x = 0, y = 0, swap
    while s < side:
        turn_along = 1 & (t // 2)
        turn_across = 1 & (t ^ turn_along)
        if turn_across == 0:
            if turn_along == 1:
                x, y = s - 1 - x, s - 1 - y
            swap = x
            x = y
            y = swap
        x += s * turn_along
        y += s * turn_across
        t //= 4
        s *= 2
    along[0], across[0] = x, y


def curve(Py_ssize_t height, Py_ssize_t width, Py_ssize_t first, Py_ssize_t count):
    """The pixels of a stretch of a space-filling curve: points first .. first + count - 1, without those outside of
    the picture. Hilbert curves run through squares as wide as the shorter side, one after another along the longer
    side, so that the curve has at most six times as many points as there are pixels.

    Returns
    -------
    (n,) intp
        Positions in the picture, row by row; or None after the end of the curve.
    """
    cdef Py_ssize_t longer = max(height, width), shorter = min(height, width), side = 1, d, along, across, n = 0, last
    while side < shorter:
        side *= 2
    last = min(first + count, (longer + side - 1) // side * side * side)
    if first >= last:
        return None
    out = np.empty(last - first, np.intp)
    cdef Py_ssize_t[::1] positions = out
    with nogil:
        for d in range(first, last):
            hilbert(side, d % (side * side), &along, &across)
            along += d // (side * side) * side
            if along < longer and across < shorter:
                positions[n] = across * width + along if width == longer else along * width + across
                n += 1
    return out[:n]


cdef class Riemersma:
    """Diffusion of the errors of the last pixels along a curve, recent ones weighted most (Riemersma, "A Balanced
    Dithering Technique", C/C++ Users Journal 16(12), 1998).

    Parameters
    ----------
    palette, strength, lo, hi
        As for `Diffusion`.
    shares : (n,) float32
        Weights of the errors of the last pixel, the one before it, ...; at most MOST_SHARES.
    """
    cdef NearestColor palette
    cdef int n, last
    cdef float strength
    cdef float shares[MOST_SHARES]
    cdef float errors[MOST_SHARES][MOST_D]
    cdef float lo[MOST_D]
    cdef float hi[MOST_D]

    def __cinit__(self, NearestColor palette not None, const float[::1] shares, float strength, const float[::1] lo,
                  const float[::1] hi):
        cdef int i
        assert 0 < shares.shape[0] <= MOST_SHARES and lo.shape[0] == palette.D and hi.shape[0] == palette.D
        self.palette, self.n, self.strength = palette, <int>shares.shape[0], strength
        for i in range(self.n):
            self.shares[i] = shares[i]
        for i in range(palette.D):
            self.lo[i], self.hi[i] = lo[i], hi[i]

    def along(self, const float[:, ::1] points, const int32_t[::1] entries, const uint8_t[::1] alone):
        """Paint the next pixels of the curve; arguments and result as for `Diffusion.rows`."""
        out = np.empty(entries.shape[0], np.uint8)
        cdef uint8_t[::1] painted = out
        assert entries.shape[0] > 0 and points.shape[1] == self.palette.D and alone.shape[0] == points.shape[0]
        begin_use(&self.palette.busy)           # guards the errors too
        with nogil:
            self.paint(&points[0, 0], &entries[0], &alone[0], entries.shape[0], &painted[0])
        end_use(&self.palette.busy)
        return out

    cdef void paint(self, const float *points, const int32_t *entries, const uint8_t *alone, Py_ssize_t count,
                    uint8_t *painted) noexcept nogil:
        cdef int D = self.palette.D, t, i
        cdef float x[MOST_D]
        cdef float v
        cdef const float *point
        cdef uint32_t index
        cdef Py_ssize_t at
        for at in range(count):
            point = points + D * entries[at]
            if alone[entries[at]]:
                painted[at] = <uint8_t>(self.palette.key(point) & 0xFF)
                continue
            for t in range(D):
                v = 0
                for i in range(self.n):
                    v += self.errors[(self.last + i) % self.n][t] * self.shares[i]
                v = point[t] + self.strength * v
                x[t] = min(max(v, self.lo[t]), self.hi[t])
            self.last = (self.last + self.n - 1) % self.n
            for t in range(D):
                self.errors[self.last][t] = x[t]
                x[t] = <float><int>(x[t] + 0.5)
            index = self.palette.key(x) & 0xFF
            painted[at] = <uint8_t>index
            for t in range(D):
                self.errors[self.last][t] -= self.palette.z[t * self.palette.k + index]
