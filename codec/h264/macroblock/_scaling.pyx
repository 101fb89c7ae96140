"""Scaling of transform coefficient levels, and the transforms of DC: 8.5.6 to 8.5.12.1.

LevelScale * level is formed modulo 2^32 (the build has -fwrapv). 8.5.12.1 bounds the scaled coefficients of a
conforming stream to 7 + bitDepth bits and a sign, 22 at most, which leaves room for every sum of the transforms; those
of a damaged stream wrap, and the samples are clipped in any case.
"""
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from functools import lru_cache

from codec._core cimport codec_assert_range
from codec.h264.macroblock._slice cimport SliceContext
from codec.h264.pictures._picture cimport MB_BYPASS, MB_INTRA, MB_SI
from codec.h264.tables.values cimport (
    H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y, H264_EQUATION_8_315_NORM_ADJUST_4X4,
    H264_EQUATION_8_318_NORM_ADJUST_8X8, H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8,
)

# scaling that leaves levels as they are: sums of 4x4 blocks are shifted by 4, those of 8x8 blocks by 6 (see
# cavlc_block)
cdef int32_t RAW_4X4[16]
cdef int32_t RAW_8X8[64]

cdef void make_tables() noexcept:
    cdef int k
    for k in range(16):
        RAW_4X4[k] = 16
    for k in range(64):
        RAW_8X8[k] = 64

make_tables()


cdef class Scaling:
    """LevelScale4x4 and LevelScale8x8 of 8.5.9 for some scaling lists, shifted by qP / 6; never changed.

    Weights are at most 255, normAdjust 36 and qP / 6 15: entries are below 2^29.
    """

    def __cinit__(self, lists):
        cdef int k, qp, i, at, weight
        self.lists = lists
        self.scale4 = <int32_t *>malloc(6 * QPS * 16 * sizeof(int32_t))
        self.scale8 = <int32_t *>malloc(6 * QPS * 64 * sizeof(int32_t))
        if not (self.scale4 and self.scale8):
            raise MemoryError("no memory for scaling tables")
        for k in range(6):
            for i in range(16):
                at, weight = H264_TABLE_8_13_SCAN_4X4[0][i], lists[k][i]
                for qp in range(QPS):
                    self.scale4[(k * QPS + qp) * 16 + at] = (
                        (weight * H264_EQUATION_8_315_NORM_ADJUST_4X4[qp % 6][at]) << (qp // 6)
                    )
            for i in range(64):
                at, weight = H264_TABLE_8_14_SCAN_8X8[0][i], lists[6 + k][i]
                for qp in range(QPS):
                    self.scale8[(k * QPS + qp) * 64 + at] = (
                        (weight * H264_EQUATION_8_318_NORM_ADJUST_8X8[qp % 6][at]) << (qp // 6)
                    )

    def __dealloc__(self):
        free(self.scale4)
        free(self.scale8)


# Most streams have the same lists, and a table takes as long to make as a small picture to decode.
scaling_of = lru_cache(maxsize=4)(Scaling)


cdef void choose_scaling(SliceContext *s) noexcept nogil:
    """TransformBypassModeFlag (7.4.2.1.1), and whether coef takes levels; flags, qp and switching are set."""
    if s.seq.qpprime_y_zero_transform_bypass_flag and s.mb.qp + s.seq.QpBdOffset[0] == 0:
        s.mb.flags |= MB_BYPASS
    s.mb.raw_levels = s.mb.flags & (MB_BYPASS | MB_SI) or (s.slice.switching and not s.mb.flags & MB_INTRA)


cdef inline int qp_of(SliceContext *s, int c) noexcept nogil:
    """qP of a component: QP'Y or QP'C."""
    cdef int qp = s.mb.qp_c[c - 1] + s.seq.QpBdOffset[1] if c else s.mb.qp + s.seq.QpBdOffset[0]
    codec_assert_range(0, c, 2)
    codec_assert_range(0, qp, QPS - 4)
    return qp


cdef inline int list_of(SliceContext *s, int c) noexcept nogil:
    """Index of the scaling list of a component into SequenceParams.scale4."""
    return c + s.slice.colour_plane + (0 if s.mb.flags & MB_INTRA else 3)


cdef const int32_t *scale_4x4(SliceContext *s, int c) noexcept nogil:
    """LevelScale4x4 of a component, in raster order."""
    if s.mb.raw_levels:
        return RAW_4X4
    codec_assert_range(0, list_of(s, c), 5)
    return s.seq.scale4[list_of(s, c)] + 16 * qp_of(s, c)


cdef const int32_t *scale_8x8(SliceContext *s, int c) noexcept nogil:
    """LevelScale8x8 of a component, in raster order."""
    if s.mb.raw_levels:
        return RAW_8X8
    codec_assert_range(0, c + s.slice.colour_plane, 2)
    return s.seq.scale8[2 * (c + s.slice.colour_plane) + (0 if s.mb.flags & MB_INTRA else 1)] + 64 * qp_of(s, c)


cdef inline void put_dc(SliceContext *s, int c, int block, int32_t d) noexcept nogil:
    codec_assert_range(0, block, 15)
    s.mb.coef[256 * c + 16 * block] = d
    if d:
        s.mb.coded[c] |= 1ull << block


cdef void put_luma_dc(SliceContext *s, int c, int32_t *dc) noexcept nogil:
    """Intra16x16DCLevel, 8.5.10: transform and scaling of the matrix, each DC to its block. Levels of 16 bits would
    need 20 after the transform."""
    cdef int32_t a, b, e, d, scale
    cdef int i, k
    if not s.mb.raw_levels:
        scale = scale_4x4(s, c)[0]
        for i in range(4):                              # rows, then columns, of (8-320)
            a, b = dc[4 * i] + dc[4 * i + 1], dc[4 * i] - dc[4 * i + 1]
            e, d = dc[4 * i + 2] + dc[4 * i + 3], dc[4 * i + 2] - dc[4 * i + 3]
            dc[4 * i], dc[4 * i + 1], dc[4 * i + 2], dc[4 * i + 3] = a + e, a - e, b - d, b + d
        for i in range(4):
            a, b = dc[i] + dc[4 + i], dc[i] - dc[4 + i]
            e, d = dc[8 + i] + dc[12 + i], dc[8 + i] - dc[12 + i]
            dc[i], dc[4 + i], dc[8 + i], dc[12 + i] = a + e, a - e, b - d, b + d
        for i in range(16):
            dc[i] = (dc[i] * scale + 32) >> 6
    for k in range(16):
        put_dc(s, c, k, dc[H264_CLAUSE_6_4_3_BLOCK_Y[k] + (H264_CLAUSE_6_4_3_BLOCK_X[k] >> 2)])


cdef void put_chroma_dc(SliceContext *s, int c, int32_t *dc) noexcept nogil:
    """ChromaDCLevel of 4:2:0 (2 x 2) or 4:2:2 (2 columns, 4 rows), 8.5.11, likewise."""
    cdef int32_t f[8]
    cdef int32_t a, b, e, d, scale
    cdef int i, count = 4 if s.seq.ChromaArrayType == 1 else 8
    codec_assert_range(1, c, 2)
    codec_assert_range(1, s.seq.ChromaArrayType, 2)
    if not s.mb.raw_levels:
        for i in range(0, count, 2):                    # rows of (8-328), (8-330)
            a, b = dc[i], dc[i + 1]
            dc[i], dc[i + 1] = a + b, a - b
        if count == 4:
            scale = scale_4x4(s, c)[0]
            for i in range(2):
                a, b = dc[i], dc[2 + i]
                dc[i] = ((a + b) * scale) >> 5
                dc[2 + i] = ((a - b) * scale) >> 5
        else:
            scale = scale_4x4(s, c)[16 * 3]             # QP'c,dc = QP'c + 3
            for i in range(2):
                a, b = dc[i] + dc[2 + i], dc[i] - dc[2 + i]
                e, d = dc[4 + i] + dc[6 + i], dc[4 + i] - dc[6 + i]
                f[i], f[2 + i], f[4 + i], f[6 + i] = a + e, a - e, b - d, b + d
            for i in range(8):
                dc[i] = (f[i] * scale + 32) >> 6
    for i in range(count):
        put_dc(s, c, i, dc[i])
