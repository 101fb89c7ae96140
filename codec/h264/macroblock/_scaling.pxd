"""See _scaling.pyx."""
from libc.stdint cimport int32_t

from codec.h264.macroblock._slice cimport SliceContext

cdef enum:
    QPS = 91                # qP up to 51 + 36, and 3 more for chroma DC of 4:2:2

cdef class Scaling:
    cdef int32_t *scale4    # [list][qP][16]
    cdef int32_t *scale8    # [list][qP][64]
    cdef readonly object lists

cdef void choose_scaling(SliceContext *s) noexcept nogil
cdef const int32_t *scale_4x4(SliceContext *s, int c) noexcept nogil
cdef const int32_t *scale_8x8(SliceContext *s, int c) noexcept nogil
cdef void put_luma_dc(SliceContext *s, int c, int32_t *dc) noexcept nogil
cdef void put_chroma_dc(SliceContext *s, int c, int32_t *dc) noexcept nogil
