"""Levels to samples of another size: an inverse transform of 1 to 16 points in each direction for blocks of 8.

With c(x, u) = sqrt(2) cos((2x + 1) u pi / 2N), c(x, 0) = 1, and N samples a block:

    N = 1, 2, 4     means of the 8-point transform's samples: sums of 8/N neighbours of c for N = 8
    any other N     the N-point transform of the lowest frequencies, N at most (the others lie beyond its samples)

as libjpeg-turbo scales, with the same fixed point: constants of CONST_BITS, columns first, PASS1_BITS kept between.
Where N is 1, 2, 4 or 8 all sums are the same, so that the samples are; elsewhere they differ by one at most.
"""
from libc.math cimport M_PI, cos, sqrt
from libc.stdint cimport int16_t, int32_t, uint16_t, uint32_t, uint8_t
from libc.string cimport memset

import numpy as np

from codec._core cimport JPEG_REDUCED_MOST, JpegDsp, JpegReduced, Sample, jpeg_dsp
from ..cpu import level_index
from ..errors import ParameterError

cdef enum:
    CONST_BITS = 13


cdef double cosine(int x, int u, int points) noexcept nogil:
    return sqrt(2) * cos((2 * x + 1) * u * M_PI / (2 * points)) if u else 1


cdef void set_transform(JpegReduced *t, int size, int precision) noexcept nogil:
    cdef int together = 8 // size if size == 1 or size == 2 or size == 4 else 1
    cdef int halvings = 3 if together == 8 else together >> 1   # log2 of how many samples a sum has
    cdef int pass1_bits = 2 if precision == 8 else 1            # 12-bit samples need the room
    cdef int x, u, i
    cdef int32_t factor
    cdef double c
    memset(t, 0, sizeof(JpegReduced))
    t.size = size
    t.first, t.second = CONST_BITS - pass1_bits + halvings, CONST_BITS + pass1_bits + 3 + halvings
    for x in range(size):
        for u in range(8 if together > 1 else min(8, size)):
            c = 0
            for i in range(together):
                c += cosine(together * x + i, u, 8 if together > 1 else size)
            factor = <int32_t>(c * (1 << CONST_BITS) + (0.5 if c > 0 else -0.5))
            t.rows[8 * x + u] = t.columns[JPEG_REDUCED_MOST * u + x] = factor
            if factor < 1 << 15:
                factor = <int32_t>(<uint32_t>(factor & 0xFFFF) << 16 * (u & 1))
                t.row_pairs[x][u >> 1] |= factor
                t.column_pairs[u >> 1][x] |= factor


cdef void transform_plane(const int16_t[:, :, ::1] levels, const uint16_t *Q_nat, int size, int precision, int level,
                          Sample *out) noexcept nogil:
    cdef Py_ssize_t high = levels.shape[0], wide = levels.shape[1], by
    cdef JpegReduced t
    set_transform(&t, size, precision)
    for by in range(high):
        transform_row(jpeg_dsp(level), &t, &levels[by, 0, 0], 64, wide, Q_nat, precision, out, size * wide)
        out += size * size * wide


def samples_of(const int16_t[:, :, ::1] levels, const uint16_t[::1] Q, int size, int precision):
    """Samples of a component, `size` by `size` for each block.

    Parameters
    ----------
    levels : int16 (blocks_high, blocks_wide, 64), natural order
    Q : (64,) uint16 steps, natural order
    size : 1..16; 8 is the accurate integer transform of `decode`
    precision : 8 or 12 bits

    Returns
    -------
    (size * blocks_high, size * blocks_wide) uint8, or uint16 for 12 bits

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._reduced import samples_of
    >>> levels = np.zeros((1, 2, 64), np.int16)
    >>> levels[0, 1, 0] = 4
    >>> samples_of(levels, np.full(64, 16, np.uint16), 1, 8).tolist()
    [[128, 136]]
    """
    cdef uint8_t[:, ::1] out8
    cdef uint16_t[:, ::1] out16
    cdef int level = level_index()
    if (levels.shape[0] < 1 or levels.shape[1] < 1 or levels.shape[2] != 64 or Q.shape[0] != 64
            or not 1 <= size <= JPEG_REDUCED_MOST or precision not in (8, 12)):
        raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64), a quantization table 64 steps, and "
                             "a block 1 to 16 samples on a side")
    out = np.empty((size * levels.shape[0], size * levels.shape[1]), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = out
        with nogil:
            transform_plane(levels, &Q[0], size, precision, level, &out8[0, 0])
    else:
        out16 = out
        with nogil:
            transform_plane(levels, &Q[0], size, precision, level, &out16[0, 0])
    return out
