"""The residual of lossless macroblocks (TransformBypassModeFlag 1): differences of samples in place of the levels of
coefficients. The samples of the picture become those of the source.

In intra macroblocks that are predicted down or across, differences are those between neighbouring lines or columns of
the residual (8.5.15): each sample is predicted from the one beside it. They run through blocks of Intra_4x4 and
Intra_8x8, and through the whole macroblock for Intra_16x16 and chroma. Differences are -510 to 510.

In 4:4:4 all components are coded like luma, with its modes.
"""
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport abs
from libc.string cimport memcmp

from codec.h264.encode._coder cimport CB, SRC_STRIDE, Coder, copy_block, offset_of
from codec.h264.macroblock._slice cimport SliceContext
from codec.h264.pictures._picture cimport MB_INTRA
from codec.h264.tables.values cimport (
    H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y, H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8,
)

cdef enum:
    NONE = 0                # direction of the sums of 8.5.15
    DOWN = 1
    ACROSS = 2
    STRIDE = 16             # of differences


cdef inline int direction_of(int mode) noexcept nogil:
    """Of Intra4x4PredMode, Intra8x8PredMode and Intra16x16PredMode."""
    return DOWN if mode == 0 else ACROSS if mode == 1 else NONE


cdef inline int chroma_direction(int mode) noexcept nogil:
    """Of intra_chroma_pred_mode."""
    return ACROSS if mode == 1 else DOWN if mode == 2 else NONE


cdef void subtract(int16_t *d, const uint8_t *src, const uint8_t *pred, Py_ssize_t stride, int n,
                   int direction) noexcept nogil:
    """n x n differences between the source and its prediction, or between neighbours of these."""
    cdef int x, y
    for y in range(n):
        for x in range(n):
            d[STRIDE * y + x] = <int16_t>(src[SRC_STRIDE * y + x] - pred[stride * y + x])
    if direction == DOWN:
        for y in range(n - 1, 0, -1):
            for x in range(n):
                d[STRIDE * y + x] -= d[STRIDE * (y - 1) + x]
    elif direction == ACROSS:
        for y in range(n):
            for x in range(n - 1, 0, -1):
                d[STRIDE * y + x] -= d[STRIDE * y + x - 1]


cdef inline int scan_4x4(int16_t *out, const int16_t *d, int first) noexcept nogil:
    """Levels of a block from `first` on in the order of the scan; how many are not 0."""
    cdef int k, at, count = 0
    for k in range(first, 16):
        at = H264_TABLE_8_13_SCAN_4X4[0][k]
        out[k] = d[STRIDE * (at >> 2) + (at & 3)]
        count += out[k] != 0
    return count


cdef inline int scan_8x8(int16_t *out, const int16_t *d) noexcept nogil:
    cdef int k, at, count = 0
    for k in range(64):
        at = H264_TABLE_8_14_SCAN_8X8[0][k]
        out[k] = d[STRIDE * (at >> 3) + (at & 7)]
        count += out[k] != 0
    return count


# ---------------------------------------------------------------- costs of modes

cdef int sum_of(const uint8_t *src, const uint8_t *pred, Py_ssize_t stride, int n, int direction) noexcept nogil:
    """Twice the sum of the magnitudes of differences, which compares with SATD."""
    cdef int16_t d[256]
    cdef int x, y, sum = 0
    subtract(d, src, pred, stride, n, direction)
    for y in range(n):
        for x in range(n):
            sum += abs(d[STRIDE * y + x])
    return 2 * sum


cdef int intra_difference(const Coder *c, const uint8_t *src, const uint8_t *dst, int n, int mode) noexcept nogil:
    """What a mode leaves of n x n samples that are predicted at dst in luma, and at the same place in others that are
    coded like luma."""
    cdef int i, sum = 0
    for i in range(c.planes):
        sum += sum_of(src + 256 * i, c.s.place.dst[i] + (dst - c.s.place.dst[0]), c.s.place.stride[0], n,
                      direction_of(mode))
    return sum


cdef int inter_difference(const Coder *c) noexcept nogil:
    """What the prediction in Coder.pred leaves of all components that are coded like luma."""
    cdef int i, sum = 0
    for i in range(c.planes):
        sum += sum_of(c.src + 256 * i, c.pred + 256 * i, SRC_STRIDE, 16, NONE)
    return sum


cdef int chroma_difference(const Coder *c, int mode) noexcept nogil:
    """The same of the 8x8 samples of both chroma components."""
    cdef int i, sum = 0
    for i in range(1, 3):
        sum += sum_of(c.src + offset_of(c, i), c.s.place.dst[i], c.s.place.stride[i], 8, chroma_direction(mode))
    return sum


# ---------------------------------------------------------------- levels

cdef void keep_levels(Coder *c, int component, int k, const int16_t *d, bint eight) noexcept nogil:
    """Levels of block k."""
    cdef int16_t *out = &c.levels.ac[component][16 * k]
    cdef int n = scan_8x8(out, d) if eight else scan_4x4(out, d, 0)
    c.levels.any[component] &= ~((15u if eight else 1u) << k)
    if n:
        c.levels.any[component] |= 1u << k


cdef void keep_block(Coder *c, int k, int x, int y, int mode, bint eight) noexcept nogil:
    """Block k of Intra_4x4 or Intra_8x8, predicted in place."""
    cdef SliceContext *s = &c.s
    cdef int16_t d[128]
    cdef int i, n = 8 if eight else 4
    cdef Py_ssize_t stride = s.place.stride[0], at = y * stride + x
    cdef const uint8_t *src
    for i in range(c.planes):
        src = c.src + offset_of(c, i) + SRC_STRIDE * y + x
        subtract(d, src, s.place.dst[i] + at, stride, n, direction_of(mode))
        keep_levels(c, i, k, d, eight)
        copy_block(s.place.dst[i] + at, stride, src, SRC_STRIDE, n, n)


cdef void keep_luma(Coder *c, bint eight) noexcept nogil:
    """Luma of an inter macroblock from Coder.pred. Sets the luma bits of coded_block_pattern."""
    cdef SliceContext *s = &c.s
    cdef int16_t d[256]
    cdef int i, k, at, b8
    s.mb.cbp &= ~15
    for i in range(c.planes):
        at = offset_of(c, i)
        subtract(d, c.src + at, c.pred + at, SRC_STRIDE, 16, NONE)
        for k in range(16):
            if not (eight and k & 3):
                at = STRIDE * H264_CLAUSE_6_4_3_BLOCK_Y[k] + H264_CLAUSE_6_4_3_BLOCK_X[k]
                keep_levels(c, i, k, d + at, eight)
        for b8 in range(4):
            if c.levels.any[i] >> (4 * b8) & 15:
                s.mb.cbp |= 1 << b8
        s.mb.coded[i] = 0
        copy_block(s.place.dst[i], s.place.stride[i], c.src + offset_of(c, i), SRC_STRIDE, 16, 16)


cdef void keep_16x16(Coder *c) noexcept nogil:
    """Intra_16x16, predicted in place; coded_block_pattern is all or nothing."""
    cdef SliceContext *s = &c.s
    cdef int16_t d[256]
    cdef int i, k, at
    s.mb.cbp &= ~15
    for i in range(c.planes):
        subtract(d, c.src + offset_of(c, i), s.place.dst[i], s.place.stride[i], 16, direction_of(s.mb.intra16_mode))
        c.levels.any[i] = s.mb.coded[i] = 0
        for k in range(16):
            at = STRIDE * H264_CLAUSE_6_4_3_BLOCK_Y[k] + H264_CLAUSE_6_4_3_BLOCK_X[k]
            if scan_4x4(&c.levels.ac[i][16 * k], d + at, 1):
                c.levels.any[i] |= 1u << k
                s.mb.cbp |= 15
        for k in range(16):
            at = H264_TABLE_8_13_SCAN_4X4[0][k]
            c.levels.dc[i][k] = d[4 * STRIDE * (at >> 2) + 4 * (at & 3)]
            if c.levels.dc[i][k]:
                c.levels.any[i] |= 1u << 16
        copy_block(s.place.dst[i], s.place.stride[i], c.src + offset_of(c, i), SRC_STRIDE, 16, 16)


cdef void keep_chroma(Coder *c) noexcept nogil:
    """Cb and Cr of 4:2:0 from Coder.pred. Sets the chroma bits of coded_block_pattern."""
    cdef SliceContext *s = &c.s
    cdef int16_t d[128]
    cdef int i, k, at, ac = 0, dc = 0, direction = NONE
    if s.mb.flags & MB_INTRA:
        direction = chroma_direction(s.mb.intra_chroma_pred_mode)
    for i in range(1, 3):
        at = offset_of(c, i)
        subtract(d, c.src + at, c.pred + at, SRC_STRIDE, 8, direction)
        c.levels.any[i] = s.mb.coded[i] = 0
        for k in range(4):
            at = 4 * STRIDE * (k >> 1) + 4 * (k & 1)
            if scan_4x4(&c.levels.ac[i][16 * k], d + at, 1):
                c.levels.any[i] |= 1u << k
                ac = 1
            c.levels.dc[i][k] = d[at]
            if d[at]:
                c.levels.any[i] |= 1u << 16
                dc = 1
        copy_block(s.place.dst[i], s.place.stride[i], c.src + offset_of(c, i), SRC_STRIDE, 8, 8)
    s.mb.cbp = (s.mb.cbp & 15) | (32 if ac else 16 if dc else 0)


cdef bint nothing_left(const Coder *c) noexcept nogil:
    """Whether the prediction in Coder.pred is the source."""
    cdef int chroma = c.s.seq.ChromaArrayType
    return memcmp(c.src, c.pred, 256 if chroma == 0 else CB + 128 if chroma == 1 else 768) == 0
