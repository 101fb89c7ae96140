"""See _trellis.pyx."""
from libc.stdint cimport int16_t, int64_t, uint8_t

from codec.h264.encode._coder cimport Coder

cdef const int *weights_of(int kind) noexcept nogil

cdef inline int64_t error_of(int magnitude, int level, int step, int weight) noexcept nogil:
    """Squared difference times 256: of 4 fractional bits, which the square doubles."""
    cdef int64_t e = ((magnitude << 8) - level * step) >> 4
    return e * e * weight >> 16

cdef int trellis(const Coder *c, int16_t *out, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int first,
                 int kind, const int *steps, int64_t lambda2) noexcept nogil
