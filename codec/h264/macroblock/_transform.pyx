"""The residual, added to the prediction: inverse transforms (8.5.12.2, 8.5.13) and lossless macroblocks (8.5.15).

The kernels sum d in 32 bits: a row of 4x4 or 8x8 grows by 2 or 3 bits, a column by as many, so that the 22 bits and
sign of a conforming stream (8.5.12.1) stay below 2^28. Larger sums of a damaged stream wrap, and are clipped to
samples.
"""
from libc.stdint cimport uint8_t, int32_t, uint64_t

from codec._core cimport codec_assert_range
from codec.h264.macroblock._kernels cimport H264_SUM_NONE
from codec.h264.macroblock._slice cimport SliceContext
from codec.h264.macroblock._switching cimport switch_chroma, switch_luma_block
from codec.h264.pictures._picture cimport MB_BYPASS
from codec.h264.tables.values cimport H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y


cdef inline int block_of(int x, int y, int columns) noexcept nogil:
    """Number of the 4x4 block (x, y): luma4x4BlkIdx of four columns, raster order of two (chroma)."""
    return x + 2 * y if columns == 2 else (x & 1) | (y & 1) << 1 | (x >> 1) << 2 | (y >> 1) << 3


cdef void gather_bypass(SliceContext *s, int c, int w, int h, int direction) noexcept nogil:
    """Sum up the residual of w x h blocks down (direction 0) or across (1) the whole macroblock.

    nW x nH of 8.5.15 is the prediction's size, that of the macroblock for Intra_16x16 and chroma: each block carries on
    from the last line or column of its neighbour. At most 16 levels are summed.
    """
    cdef int bx, by, i
    cdef int32_t *r
    cdef int32_t *n
    codec_assert_range(0, direction, 1)
    codec_assert_range(2, w, 4)
    codec_assert_range(2, h, 4)
    for by in range(h):
        for bx in range(w):
            r = &s.mb.coef[256 * c + 16 * block_of(bx, by, w)]
            if direction == 0 and by:
                n = &s.mb.coef[256 * c + 16 * block_of(bx, by - 1, w)]
                for i in range(4):
                    r[i] += n[12 + i]
            elif direction == 1 and bx:
                n = &s.mb.coef[256 * c + 16 * block_of(bx - 1, by, w)]
                for i in range(4):
                    r[4 * i] += n[4 * i + 3]
            for i in range(16):
                if direction == 0 and i >= 4:
                    r[i] += r[i - 4]
                elif direction == 1 and i & 3:
                    r[i] += r[i - 1]
    s.mb.coded[c] = 0xFFFFFFFF


cdef void add_luma(SliceContext *s, int c) noexcept nogil:
    """Add the residual of a component that is coded like luma."""
    cdef int k, max = max_of(s, c), shift = s.seq.pixel_shift
    cdef Py_ssize_t stride = s.place.stride[c]
    cdef uint8_t *dst
    cdef uint64_t coded = s.mb.coded[c]
    codec_assert_range(0, c, 2)
    if coded == 0:
        return
    for k in range(16):
        if not coded >> k & 1:                          # an 8x8 block has the bit of its first 4x4 block
            continue
        dst = s.place.dst[c] + H264_CLAUSE_6_4_3_BLOCK_Y[k] * stride + (H264_CLAUSE_6_4_3_BLOCK_X[k] << shift)
        add_luma_block(s, dst, stride, c, k, H264_SUM_NONE, max)


cdef void add_chroma(SliceContext *s) noexcept nogil:
    """Add the residual of chroma of 4:2:0 or 4:2:2."""
    cdef int c, i
    cdef Py_ssize_t stride
    cdef uint8_t *dst
    codec_assert_range(1, s.seq.ChromaArrayType, 2)
    for c in range(1, 3):
        stride = s.place.stride[c]
        if s.mb.coded[c] == 0:
            continue
        for i in range(s.seq.chroma_height >> 1):
            if not s.mb.coded[c] >> i & 1:
                continue
            dst = s.place.dst[c] + 4 * (i >> 1) * stride + (4 * (i & 1) << s.seq.pixel_shift)
            if s.mb.flags & MB_BYPASS:
                s.seq.dsp.bypass_add(dst, stride, &s.mb.coef[256 * c + 16 * i], 4, H264_SUM_NONE, s.seq.max_sample[1])
            else:
                add_4x4(s, dst, stride, c, i, s.seq.max_sample[1])


cdef void add_residual(SliceContext *s) noexcept nogil:
    """Add the residual of an inter macroblock."""
    cdef int c, k
    cdef uint8_t *dst
    if s.slice.switching:
        for k in range(16):
            dst = s.place.dst[0] + H264_CLAUSE_6_4_3_BLOCK_Y[k] * s.place.stride[0] + H264_CLAUSE_6_4_3_BLOCK_X[k]
            switch_luma_block(s, dst, &s.mb.coef[16 * k])
        switch_chroma(s)
        return
    for c in range(3 if s.seq.ChromaArrayType == 3 else 1):
        add_luma(s, c)
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        add_chroma(s)
