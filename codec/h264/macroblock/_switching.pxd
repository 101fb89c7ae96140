"""See _switching.pyx."""
from libc.stdint cimport uint8_t, int32_t

from codec.h264.macroblock._slice cimport SliceContext

cdef void switch_luma_block(SliceContext *s, uint8_t *dst, int32_t *levels) noexcept nogil
cdef void switch_chroma(SliceContext *s) noexcept nogil
