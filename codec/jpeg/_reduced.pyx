"""Levels to samples of another size: an inverse transform of 1 to 16 points in each direction for blocks of 8.

With c(x, u) = sqrt(2) cos((2x + 1) u pi / 2N), c(x, 0) = 1, and N samples a block:

    N = 1, 2, 4     means of the 8-point transform's samples: sums of 8/N neighbours of c for N = 8
    any other N     the N-point transform of the lowest frequencies, N at most (the others lie beyond its samples)

as libjpeg-turbo scales, with the same fixed point: constants of CONST_BITS, columns first, PASS1_BITS kept between.
Where N is 1, 2, 4 or 8 all sums are the same, so that the samples are; elsewhere they differ by one at most.
"""
from libc.math cimport M_PI, cos, sqrt
from libc.stdint cimport int16_t, int32_t, uint16_t, uint8_t
from libc.string cimport memset

import numpy as np

from codec._core cimport JpegDsp, Sample, codec_nonzero_mask, jpeg_dsp
from codec.jpeg._scan_read cimport idct_row
from ..cpu import level_index
from ..errors import ParameterError

cdef enum:
    CONST_BITS = 13
    MOST = 16                   # samples of a block in a direction

cdef struct Transform:
    int size                    # N
    int pass1_bits, halvings    # halvings: log2 of how many samples a sum has
    int32_t rows[MOST * 8]      # c by sample and frequency, for columns
    int32_t columns[8 * MOST]   # and transposed


cdef double cosine(int x, int u, int points) noexcept nogil:
    return sqrt(2) * cos((2 * x + 1) * u * M_PI / (2 * points)) if u else 1


cdef void set_transform(Transform *t, int size, int precision) noexcept nogil:
    cdef int together = 8 // size if size == 1 or size == 2 or size == 4 else 1
    cdef int x, u, i
    cdef double c
    memset(t, 0, sizeof(Transform))
    t.size, t.pass1_bits = size, 2 if precision == 8 else 1     # 12-bit samples need the room
    t.halvings = 3 if together == 8 else together >> 1
    for x in range(size):
        for u in range(8 if together > 1 else min(8, size)):
            c = 0
            for i in range(together):
                c += cosine(together * x + i, u, 8 if together > 1 else size)
            t.rows[8 * x + u] = t.columns[MOST * u + x] = <int32_t>(c * (1 << CONST_BITS) + (0.5 if c > 0 else -0.5))


cdef inline int32_t descale(int32_t v, int bits) noexcept nogil:
    return (v + (1 << (bits - 1))) >> bits


cdef void transform_block(const Transform *t, const int16_t *level_nat, const uint16_t *Q_nat, int precision,
                          Sample *out, Py_ssize_t stride) noexcept nogil:
    cdef int32_t coef[64]
    cdef int32_t between[8]
    cdef int32_t sums[MOST]
    cdef int32_t sample, top = (1 << precision) - 1, middle = 1 << (precision - 1)
    cdef int first = CONST_BITS - t.pass1_bits + t.halvings, second = CONST_BITS + t.pass1_bits + 3 + t.halvings
    cdef int x, y, u, v
    if codec_nonzero_mask(level_nat, 1, 63) == 0:       # both passes reduce to one rounding of DC
        sample = max(0, min(top, descale(<int32_t>level_nat[0] * Q_nat[0], 3) + middle))
        for y in range(t.size):
            for x in range(t.size):
                out[x] = <Sample>sample
            out += stride
        return
    for u in range(64):
        coef[u] = <int32_t>level_nat[u] * Q_nat[u]
    for y in range(t.size):
        for v in range(8):
            between[v] = 0
        for u in range(8):
            for v in range(8):
                between[v] += t.rows[8 * y + u] * coef[8 * u + v]
        for x in range(MOST):
            sums[x] = 0
        for v in range(8):
            between[v] = descale(between[v], first)
            for x in range(MOST):
                sums[x] += t.columns[MOST * v + x] * between[v]
        for x in range(t.size):
            out[x] = <Sample>max(0, min(top, descale(sums[x], second) + middle))
        out += stride


cdef void transform_plane(const int16_t[:, :, ::1] levels, const uint16_t *Q_nat, int size, int precision,
                          const JpegDsp *dsp, Sample *out) noexcept nogil:
    cdef Py_ssize_t high = levels.shape[0], wide = levels.shape[1], by, bx
    cdef Transform t
    set_transform(&t, size, precision)
    for by in range(high):
        if size == 8:
            idct_row(dsp, &levels[by, 0, 0], wide, Q_nat, precision, out, 8 * wide)
        else:
            for bx in range(wide):
                transform_block(&t, &levels[by, bx, 0], Q_nat, precision, out + size * bx, size * wide)
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
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    if (levels.shape[0] < 1 or levels.shape[1] < 1 or levels.shape[2] != 64 or Q.shape[0] != 64
            or not 1 <= size <= MOST or precision not in (8, 12)):
        raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64), a quantization table 64 steps, and a "
                             "block 1 to 16 samples on a side")
    out = np.empty((size * levels.shape[0], size * levels.shape[1]), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = out
        with nogil:
            transform_plane(levels, &Q[0], size, precision, dsp, &out8[0, 0])
    else:
        out16 = out
        with nogil:
            transform_plane(levels, &Q[0], size, precision, dsp, &out16[0, 0])
    return out
