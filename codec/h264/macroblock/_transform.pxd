"""See _transform.pyx: one block is inline, for loops over predicted blocks."""
from libc.stdint cimport uint8_t, int32_t

from codec._core cimport codec_assert_range
from codec.h264.macroblock._slice cimport SliceContext
from codec.h264.pictures._picture cimport MB_BYPASS, MB_TRANSFORM8

cdef inline int max_of(SliceContext *s, int c) noexcept nogil:
    """Largest sample of a component."""
    return s.seq.max_sample[c > 0]

cdef inline void add_4x4(SliceContext *s, uint8_t *dst, Py_ssize_t stride, int c, int block, int max) noexcept nogil:
    codec_assert_range(0, block, 15)
    if s.mb.coded[c] >> (16 + block) & 1:
        s.seq.dsp.idct4x4_add(dst, stride, &s.mb.coef[256 * c + 16 * block], max)
    else:
        s.seq.dsp.idct4x4_dc_add(dst, stride, &s.mb.coef[256 * c + 16 * block], max)

cdef inline void add_luma_block(SliceContext *s, uint8_t *dst, Py_ssize_t stride, int c, int block, int sums,
                                int max) noexcept nogil:
    """Add the residual of one transform block that has levels; `sums`: H264_SUM_... of 8.5.15 with
    TransformBypassModeFlag."""
    codec_assert_range(0, block, 15)
    cdef int32_t *d = &s.mb.coef[256 * c + 16 * block]
    cdef bint eight = s.mb.flags & MB_TRANSFORM8 != 0
    if s.mb.flags & MB_BYPASS:
        s.seq.dsp.bypass_add(dst, stride, d, 8 if eight else 4, sums, max)
    elif not eight:
        add_4x4(s, dst, stride, c, block, max)
    elif s.mb.coded[c] >> (16 + block) & 1:
        s.seq.dsp.idct8x8_add(dst, stride, d, max)
    else:
        s.seq.dsp.idct8x8_dc_add(dst, stride, d, max)

cdef void gather_bypass(SliceContext *s, int c, int w, int h, int direction) noexcept nogil
cdef void add_luma(SliceContext *s, int c) noexcept nogil
cdef void add_chroma(SliceContext *s) noexcept nogil
cdef void add_residual(SliceContext *s) noexcept nogil
