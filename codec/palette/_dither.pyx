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


def diffuse(const float[:, ::1] points, const int32_t[::1] entries, Py_ssize_t height, Py_ssize_t width,
            NearestColor palette, const float[:, ::1] taps, float strength, const uint8_t[::1] alone, float limit,
            float stay, const float[::1] lo, const float[::1] hi):
    """Error diffusion (Floyd and Steinberg, Proc. SID 17(2), 1976), every other row from right to left.

    Parameters
    ----------
    points : (n, D) float32
        The colours of the picture, on the lattice of the palette.
    entries : (height * width,) int32
        Index of the colour of each pixel.
    taps : (n, 3) float32
        Columns ahead, rows below, share of the error.
    strength : float
        Fraction of each error that is diffused.
    alone : (n,) uint8
        Colours that neither receive nor diffuse errors.
    limit : float
        Greatest length of a diffused error; longer ones are shortened.
    stay : float
        The last pixel's colour is kept if its squared distance exceeds the least one by at most this much.
    lo, hi : (D,) float32
        Bounds to which pixels with diffused errors are clamped, within 0..2047.

    Returns
    -------
    (height * width,) uint8
    """
    cdef Diffusion d
    cdef int i
    out = np.empty(height * width, np.uint8)
    cdef uint8_t[::1] painted = out
    assert entries.shape[0] == height * width > 0 and points.shape[1] == palette.D and alone.shape[0] == points.shape[0]
    assert taps.shape[0] <= MOST_TAPS and taps.shape[1] == 3 and lo.shape[0] == palette.D and hi.shape[0] == palette.D
    d.n, d.strength, d.limit, d.stay = <int>taps.shape[0], strength, limit, stay
    for i in range(d.n):
        d.dx[i], d.dy[i], d.share[i] = <int>taps[i, 0], <int>taps[i, 1], taps[i, 2]
    for i in range(palette.D):
        d.lo[i], d.hi[i] = lo[i], hi[i]
    d.stride = (width + 2 * MARGIN) * palette.D
    begin_use(&palette.busy)
    d.errors = <float *>calloc(ROWS * d.stride, sizeof(float))
    if d.errors == NULL:
        end_use(&palette.busy)
        raise MemoryError("errors of rows")
    with nogil:
        for i in range(<int>height):
            if palette.D == 3:                  # a constant, so that loops unroll
                diffuse_row(&d, palette, 3, &points[0, 0], &alone[0], &entries[i * width], i, width,
                            &painted[i * width])
            else:
                diffuse_row(&d, palette, 6, &points[0, 0], &alone[0], &entries[i * width], i, width,
                            &painted[i * width])
        free(d.errors)
    end_use(&palette.busy)
    return out


cdef struct Diffusion:
    int n                       # taps
    int dx[MOST_TAPS]
    int dy[MOST_TAPS]
    float share[MOST_TAPS]
    float lo[MOST_D]
    float hi[MOST_D]
    float strength, limit, stay
    float *errors               # a ring of ROWS rows, with margins
    Py_ssize_t stride


cdef inline void diffuse_row(Diffusion *d, NearestColor palette, const int D, const float *points, const uint8_t *alone,
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


def riemersma(const float[:, ::1] points, const int32_t[::1] entries, Py_ssize_t height, Py_ssize_t width,
              NearestColor palette, const float[::1] shares, float strength, const uint8_t[::1] alone,
              const float[::1] lo, const float[::1] hi):
    """Diffusion of the errors of the last pixels along a space-filling curve, recent ones weighted most (Riemersma, "A
    Balanced Dithering Technique", C/C++ Users Journal 16(12), 1998).

    Hilbert curves run through squares as wide as the shorter side, one after another along the longer side, so that at
    most six times as many points are visited as there are pixels.

    Parameters
    ----------
    points, entries, height, width, palette, alone, lo, hi
        As for `diffuse`.
    shares : (n,) float32
        Weights of the errors of the last pixel, the one before it, ...; at most MOST_SHARES.

    Returns
    -------
    (height * width,) uint8
    """
    cdef Py_ssize_t longer = max(height, width), shorter = min(height, width), side = 1, square, d, along, across, at
    cdef int D = palette.D, n = <int>shares.shape[0], t, i, last = 0
    cdef float x[MOST_D]
    cdef float errors[MOST_SHARES][MOST_D]
    cdef float v
    cdef uint32_t index
    out = np.empty(height * width, np.uint8)
    cdef uint8_t[::1] painted = out
    assert entries.shape[0] == height * width and points.shape[1] == D and 0 < n <= MOST_SHARES
    assert alone.shape[0] == points.shape[0] and lo.shape[0] == D and hi.shape[0] == D
    memset(errors, 0, sizeof(errors))
    while side < shorter:
        side *= 2
    begin_use(&palette.busy)
    with nogil:
        for square in range((longer + side - 1) // side):
            for d in range(side * side):
                hilbert(side, d, &along, &across)
                along += square * side
                if along >= longer or across >= shorter:
                    continue
                at = across * width + along if width == longer else along * width + across
                if alone[entries[at]]:
                    painted[at] = <uint8_t>(palette.key(&points[entries[at], 0]) & 0xFF)
                    continue
                for t in range(D):
                    v = 0
                    for i in range(n):
                        v += errors[(last + i) % n][t] * shares[i]
                    v = points[entries[at], t] + strength * v
                    x[t] = min(max(v, lo[t]), hi[t])
                last = (last + n - 1) % n
                for t in range(D):
                    errors[last][t] = x[t]
                    x[t] = <float><int>(x[t] + 0.5)
                index = palette.key(x) & 0xFF
                painted[at] = <uint8_t>index
                for t in range(D):
                    errors[last][t] -= palette.z[t * palette.k + index]
    end_use(&palette.busy)
    return out
