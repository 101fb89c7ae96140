"""Levels to samples of another size: an inverse transform of 1 to 16 points in each direction for blocks of 8.

With c(x, u) = sqrt(2) cos((2x + 1) u pi / 2N), c(x, 0) = 1, and N samples a block:

    N = 1, 2, 4     means of the 8-point transform's samples: sums of 8/N neighbours of c for N = 8
    any other N     the N-point transform of the lowest frequencies, N at most (the others lie beyond its samples)

as libjpeg-turbo scales, with the same fixed point: constants of CONST_BITS, columns first, PASS1_BITS kept between.
Where N is 1, 2, 4 or 8 all sums are the same, so that the samples are; elsewhere they differ by one at most.
"""
from libc.math cimport M_PI, cos, sqrt
from libc.stdint cimport int16_t, int32_t, uint16_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from codec._core cimport E_MEMORY, OK, JpegDsp, Sample, codec_variant, jpeg_dsp
from codec.jpeg._scan_read cimport idct_row
from .._core import BUILT_LEVELS
from ..cpu import level_index, register
from ..errors import ParameterError

cdef extern from "reduced.h" nogil:
    enum: REDUCED_MOST
    ctypedef struct ReducedTransform:
        int size, first, second
        int32_t rows[REDUCED_MOST * 8]
        int32_t columns[8 * REDUCED_MOST]
    void (*codec_reduced_idct[2])(const ReducedTransform *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                  Py_ssize_t n, int32_t *out, Py_ssize_t stride)

KERNELS = ("reduced_idct",)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    CONST_BITS = 13


cdef double cosine(int x, int u, int points) noexcept nogil:
    return sqrt(2) * cos((2 * x + 1) * u * M_PI / (2 * points)) if u else 1


cdef void set_transform(ReducedTransform *t, int size, int precision) noexcept nogil:
    cdef int together = 8 // size if size == 1 or size == 2 or size == 4 else 1
    cdef int halvings = 3 if together == 8 else together >> 1   # log2 of how many samples a sum has
    cdef int pass1_bits = 2 if precision == 8 else 1            # 12-bit samples need the room
    cdef int x, u, i
    cdef double c
    memset(t, 0, sizeof(ReducedTransform))
    t.size = size
    t.first, t.second = CONST_BITS - pass1_bits + halvings, CONST_BITS + pass1_bits + 3 + halvings
    for x in range(size):
        for u in range(8 if together > 1 else min(8, size)):
            c = 0
            for i in range(together):
                c += cosine(together * x + i, u, 8 if together > 1 else size)
            t.rows[8 * x + u] = <int32_t>(c * (1 << CONST_BITS) + (0.5 if c > 0 else -0.5))
            t.columns[REDUCED_MOST * u + x] = t.rows[8 * x + u]


cdef int transform_plane(const int16_t[:, :, ::1] levels, const uint16_t *Q_nat, int size, int precision, int level,
                         Sample *out) noexcept nogil:
    cdef Py_ssize_t high = levels.shape[0], wide = levels.shape[1], by, i
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int32_t top = (1 << precision) - 1, middle = 1 << (precision - 1), sample
    cdef ReducedTransform t
    cdef int32_t *row = <int32_t *>malloc(size * size * wide * sizeof(int32_t))
    if row == NULL:
        return E_MEMORY
    set_transform(&t, size, precision)
    for by in range(high):
        if size == 8:
            idct_row(dsp, &levels[by, 0, 0], wide, Q_nat, precision, out, 8 * wide)
        else:
            codec_reduced_idct[codec_variant(level)](&t, &levels[by, 0, 0], Q_nat, wide, row, size * wide)
            for i in range(size * size * wide):
                sample = row[i] + middle
                sample = sample if sample > 0 else 0
                out[i] = <Sample>(sample if sample < top else top)
        out += size * size * wide
    free(row)
    return OK


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
    cdef int level = level_index(), status
    if (levels.shape[0] < 1 or levels.shape[1] < 1 or levels.shape[2] != 64 or Q.shape[0] != 64
            or not 1 <= size <= REDUCED_MOST or precision not in (8, 12)):
        raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64), a quantization table 64 steps, and "
                             "a block 1 to 16 samples on a side")
    out = np.empty((size * levels.shape[0], size * levels.shape[1]), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = out
        with nogil:
            status = transform_plane(levels, &Q[0], size, precision, level, &out8[0, 0])
    else:
        out16 = out
        with nogil:
            status = transform_plane(levels, &Q[0], size, precision, level, &out16[0, 0])
    if status:
        raise MemoryError
    return out
