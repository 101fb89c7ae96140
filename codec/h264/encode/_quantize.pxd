"""See _quantize.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport Coder

cdef int code_4x4(Coder *c, int k, uint8_t *dst, int intra) noexcept nogil
cdef int code_8x8(Coder *c, int b8, int intra) noexcept nogil
cdef void code_luma(Coder *c, bint eight) noexcept nogil
cdef void code_luma_16x16(Coder *c) noexcept nogil
cdef void code_chroma(Coder *c) noexcept nogil
cdef bint vanishes(Coder *c) noexcept nogil
