"""Residual of P macroblocks in SP slices and of SI macroblocks (8.6), for 4:2:0 of 8 bits.

The prediction is transformed too, and the samples are the inverse transform of a sum quantized with QSY: another
prediction with other levels can give the same sum, and so the same samples. Macroblock.coef holds levels, not scaled.

Sums are formed in 64 bits. Coefficients of a prediction of 8 bits are at most 36 * 255, those of chroma DC 64 * 255;
levels of a damaged stream have up to 27 bits, LevelScale * A << qP / 6 is below 2^18, and LevelScale2 below 2^14.
scaled_by_qs keeps the low 32 bits, as all scaling.
"""
from libc.stdint cimport uint8_t, int32_t, int64_t
from libc.string cimport memset

from codec._core cimport codec_assert, codec_assert_range
from codec.h264.macroblock._slice cimport SWITCH_NONE, SWITCH_SECONDARY, SliceContext
from codec.h264.tables.values cimport H264_EQUATION_8_315_NORM_ADJUST_4X4

# LevelScale2 of 8.6.1 by m and class of the position: both indices even, both odd, others
cdef int[6][3] LEVEL_SCALE_2 = [
    [13107, 5243, 8066], [11916, 4660, 7490], [10082, 4194, 6554],
    [9362, 3647, 5825], [8192, 3355, 5243], [7282, 2893, 4559],
]
cdef uint8_t[16] POSITION_CLASS = [0, 2, 0, 2, 2, 1, 2, 1, 0, 2, 0, 2, 2, 1, 2, 1]
cdef int[3] A = [16, 25, 20]


cdef void forward_4x4(const uint8_t *pred, Py_ssize_t stride, int32_t *c) noexcept nogil:
    """Transform of the prediction (8.6.1): rows, then columns."""
    cdef int i
    cdef int32_t a, b, d, e
    for i in range(4):
        a, b = pred[0] + pred[3], pred[1] + pred[2]
        d, e = pred[0] - pred[3], pred[1] - pred[2]
        c[4 * i], c[4 * i + 1], c[4 * i + 2], c[4 * i + 3] = a + b, 2 * d + e, a - b, d - 2 * e
        pred += stride
    for i in range(4):
        a, b = c[i] + c[12 + i], c[4 + i] + c[8 + i]
        d, e = c[i] - c[12 + i], c[4 + i] - c[8 + i]
        c[i], c[4 + i], c[8 + i], c[12 + i] = a + b, 2 * d + e, a - b, d - 2 * e


cdef inline int64_t quantized(int64_t c, int at, int qs, int more) noexcept nogil:
    """Level of c at QS; `more`: 1 for chroma DC, whose second transform doubles it."""
    cdef int shift = 15 + more + qs // 6
    cdef int64_t magnitude = c if c >= 0 else -c
    cdef int64_t level = (magnitude * LEVEL_SCALE_2[qs % 6][POSITION_CLASS[at]] + (1 << (shift - 1))) >> shift
    codec_assert_range(0, qs, 51)
    codec_assert_range(0, at, 15)
    return level if c >= 0 else -level


cdef inline int64_t switched(SliceContext *s, int64_t level, int32_t pred, int at, int qp, int qs,
                             int more) noexcept nogil:
    """Level of the sum of a coded level and a coefficient of the prediction."""
    cdef int64_t scaled
    codec_assert_range(0, qp, 51)
    if s.slice.switching == SWITCH_SECONDARY:
        return level + quantized(pred, at, qs, more)
    scaled = level * (H264_EQUATION_8_315_NORM_ADJUST_4X4[qp % 6][at] * A[POSITION_CLASS[at]] << (qp // 6))
    return quantized(pred + (scaled >> (6 - more)), at, qs, more)


cdef inline int32_t scaled_by_qs(int64_t level, int at, int qs) noexcept nogil:
    """8.5.12.1 with a flat matrix."""
    return <int32_t>(level * (H264_EQUATION_8_315_NORM_ADJUST_4X4[qs % 6][at] << (qs // 6)))


cdef inline void put_4x4(SliceContext *s, uint8_t *dst, Py_ssize_t stride, int32_t *d) noexcept nogil:
    """The inverse transform alone: the prediction is in the coefficients."""
    cdef int y
    for y in range(4):
        memset(dst + y * stride, 0, 4)
    s.seq.dsp.idct4x4_add(dst, stride, d, 255)


cdef void switch_luma_block(SliceContext *s, uint8_t *dst, int32_t *levels) noexcept nogil:
    """8.6.1 and 8.6.2, luma: dst holds the prediction of a 4x4 block, then its samples; the levels are zeroed."""
    cdef int32_t pred[16]
    cdef int i
    codec_assert(s.slice.switching != SWITCH_NONE)
    forward_4x4(dst, s.place.stride[0], pred)
    for i in range(16):
        levels[i] = scaled_by_qs(switched(s, levels[i], pred[i], i, s.mb.qp, s.slice.qs, 0), i, s.slice.qs)
    put_4x4(s, dst, s.place.stride[0], levels)


cdef void switch_chroma_dc(SliceContext *s, int qp, int qs, int32_t *coef, int32_t *pred) noexcept nogil:
    """DC of the four blocks of a component: levels at 0, 16, 32, 48 of coef become coefficients d (8.5.11)."""
    cdef int32_t a = pred[0] + pred[16], b = pred[0] - pred[16], c = pred[32] + pred[48], d = pred[32] - pred[48]
    cdef int32_t dc[4]
    cdef int64_t f[4]
    cdef int i
    dc[0], dc[1], dc[2], dc[3] = a + c, b + d, a - c, b - d
    for i in range(4):
        f[i] = switched(s, coef[16 * i], dc[i], 0, qp, qs, 1)
    coef[0] = scaled_by_qs(f[0] + f[1] + f[2] + f[3], 0, qs) >> 1
    coef[16] = scaled_by_qs(f[0] - f[1] + f[2] - f[3], 0, qs) >> 1
    coef[32] = scaled_by_qs(f[0] + f[1] - f[2] - f[3], 0, qs) >> 1
    coef[48] = scaled_by_qs(f[0] - f[1] - f[2] + f[3], 0, qs) >> 1


cdef void switch_chroma(SliceContext *s) noexcept nogil:
    """8.6.1 and 8.6.2, both chroma components of a macroblock."""
    cdef int32_t pred[64]
    cdef int32_t *coef
    cdef int c, i, k, qp, qs
    cdef Py_ssize_t stride
    for c in range(1, 3):
        coef, stride, qp, qs = &s.mb.coef[256 * c], s.place.stride[c], s.mb.qp_c[c - 1], s.slice.qs_c[c - 1]
        for k in range(4):
            forward_4x4(s.place.dst[c] + 4 * (k >> 1) * stride + 4 * (k & 1), stride, &pred[16 * k])
            for i in range(1, 16):
                coef[16 * k + i] = scaled_by_qs(switched(s, coef[16 * k + i], pred[16 * k + i], i, qp, qs, 0), i, qs)
        switch_chroma_dc(s, qp, qs, coef, pred)
        for k in range(4):
            put_4x4(s, s.place.dst[c] + 4 * (k >> 1) * stride + 4 * (k & 1), stride, &coef[16 * k])
