"""See _quantize.pyx."""
from libc.stdint cimport uint8_t, uint16_t

from codec.h264.encode._coder cimport Coder

# By QP (of the component), raster order; tables of 4x4 blocks hold four in a row. bias: [intra, inter, nearest].
cdef struct QuantizerTables:
    uint16_t scale4[52][64]
    uint16_t scale8[52][64]
    uint16_t scale_dc[52][16]
    uint16_t bias4[3][52][64]
    uint16_t bias8[3][52][64]
    uint16_t bias_dc[3][52][16]

cdef QuantizerTables *quantizer() noexcept nogil
cdef int code_4x4(Coder *c, int k, uint8_t *dst, int intra) noexcept nogil
cdef int code_8x8(Coder *c, int b8, int intra) noexcept nogil
cdef void code_luma(Coder *c, bint eight) noexcept nogil
cdef void code_luma_16x16(Coder *c) noexcept nogil
cdef void code_chroma(Coder *c) noexcept nogil
cdef bint vanishes(Coder *c) noexcept nogil
