"""Pictures painted with a palette: errors handed on to neighbours, or compared with a mask."""
from libc.math cimport sqrtf
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from ._nearest cimport NearestColor

cdef enum:
    MARGIN = 3                  # columns on either side that errors may be handed to
    ROWS = 3                    # the current one and two below
    MOST_TAPS = 16


def diffuse(const float[:, ::1] points, const int32_t[::1] entries, Py_ssize_t height, Py_ssize_t width, NearestColor palette, const float[:, ::1] taps,
            const float[::1] strength, float limit, const float[::1] lo, const float[::1] hi):
    """Error diffusion (Floyd and Steinberg, Proc. SID 17(2), 1976), every other row from right to left.

    Parameters
    ----------
    points : (n, D) float32
        The colours of the picture, on the lattice of the palette.
    entries : (height * width,) int32
        Which of them each pixel has.
    taps : (n, 3) float32
        Columns ahead, rows below, share of the error.
    strength : (height * width,) or (1,) float32
        How much of each pixel's error is handed on.
    limit : float
        Longest error that is handed on; a longer one is shortened.
    lo, hi : (D,) float32
        Where pixels with the errors of others are clamped to, within 0..2047.

    Returns
    -------
    (height * width,) uint8
    """
    cdef int D = palette.D, t, i, n = <int>taps.shape[0], dx[MOST_TAPS], dy[MOST_TAPS]
    cdef float share[MOST_TAPS]
    cdef float x[6]
    cdef float want[6]
    cdef float e[6]
    cdef float squared, factor, v
    cdef Py_ssize_t y, column, step, at, left, stride = (width + 2 * MARGIN) * D
    cdef bint mapped = strength.shape[0] > 1
    cdef float *rows[ROWS]
    cdef float *here
    cdef float *target
    cdef uint32_t index
    out = np.empty(height * width, np.uint8)
    cdef uint8_t[::1] painted = out
    assert entries.shape[0] == height * width and points.shape[1] == D and n <= MOST_TAPS and lo.shape[0] == D and hi.shape[0] == D
    assert not mapped or strength.shape[0] == height * width
    cdef float *errors = <float *>calloc(ROWS * stride, sizeof(float))
    if errors == NULL:
        raise MemoryError("errors of rows")
    for i in range(n):
        dx[i], dy[i], share[i] = <int>taps[i, 0], <int>taps[i, 1], taps[i, 2]
    with nogil:
        for y in range(height):
            for i in range(ROWS):
                rows[i] = errors + (y + i) % ROWS * stride
            step = 1 if y % 2 == 0 else -1
            column = 0 if step > 0 else width - 1
            for left in range(width):
                at = y * width + column
                here = rows[0] + (column + MARGIN) * D
                for t in range(D):
                    v = points[entries[at], t] + here[t]
                    v = min(max(v, lo[t]), hi[t])
                    want[t] = v
                    x[t] = <float><int>(v + 0.5)
                index = palette.key(x) & 0xFF
                painted[at] = <uint8_t>index
                squared = 0
                for t in range(D):
                    e[t] = want[t] - palette.z[t * palette.k + index]
                    squared += e[t] * e[t]
                factor = strength[at] if mapped else strength[0]
                if squared > limit * limit:
                    factor = factor * limit / sqrtf(squared)
                for t in range(D):
                    e[t] *= factor
                for i in range(n):
                    target = rows[dy[i]] + (column + MARGIN + step * dx[i]) * D
                    for t in range(D):
                        target[t] += e[t] * share[i]
                column += step
            memset(rows[0], 0, stride * sizeof(float))
        free(errors)
    return out
