"""See _trellis.pyx."""
from libc.stdint cimport int16_t, int64_t, uint8_t

from codec.h264.encode._coder cimport Coder

cdef int trellis(const Coder *c, int16_t *out, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int first,
                 int kind, const int *steps, int64_t lambda2) noexcept nogil
