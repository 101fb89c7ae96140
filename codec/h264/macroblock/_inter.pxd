"""See _inter.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.macroblock._slice cimport SliceContext

cdef enum:
    EDGE_STRIDE = 64        # bytes: 21 samples of 16 bits need 42
    EDGE_BYTES = 64 * 24
    SECOND_STRIDE = 32
    SECOND_BYTES = 32 * 16 * 3

cdef int predict_inter(SliceContext *s) noexcept nogil
cdef void pad_block(uint8_t *out, const uint8_t *plane, Py_ssize_t stride, int x, int y, int w, int h, int width,
                    int height, int shift) noexcept nogil
