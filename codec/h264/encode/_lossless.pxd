"""See _lossless.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport Coder

cdef int intra_difference(const Coder *c, const uint8_t *src, const uint8_t *dst, int n, int mode) noexcept nogil
cdef int inter_difference(const Coder *c) noexcept nogil
cdef int chroma_difference(const Coder *c, int mode) noexcept nogil
cdef void keep_block(Coder *c, int k, int x, int y, int mode, bint eight) noexcept nogil
cdef void keep_16x16(Coder *c) noexcept nogil
cdef void keep_luma(Coder *c, bint eight) noexcept nogil
cdef void keep_chroma(Coder *c) noexcept nogil
cdef bint nothing_left(const Coder *c) noexcept nogil
