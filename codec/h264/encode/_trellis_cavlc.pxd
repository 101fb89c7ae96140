"""See _trellis_cavlc.pyx."""
from libc.stdint cimport int16_t, int64_t, uint8_t

cdef int trellis_cavlc(int16_t *out, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int first, int kind,
                       const int *steps, int64_t lambda2, uint8_t *total_coeff) noexcept nogil
