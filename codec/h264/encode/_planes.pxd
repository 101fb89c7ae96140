"""See _planes.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport Filled, RefPlanes
from codec.h264.encode._kernels cimport H264Enc
from codec.h264.pictures._picture cimport PictureData

# In C, where compilers make vectors of it.
cdef extern from *:
    """
    /* Weighted prediction of samples (8-274) with log2_weight_denom 6: DENOM of weights.py. */
    static void weigh_samples(uint8_t *out, const uint8_t *in, Py_ssize_t count, int weight, int offset) {
        for (Py_ssize_t i = 0; i < count; i++) {
            int16_t value = (int16_t)(((int16_t)(in[i] * weight) + 32) >> 6);      /* 16 bits: 255 * 127 + 32 < 2^15 */
            value = (int16_t)(value + offset);
            out[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    """
    void weigh_samples(uint8_t *out, const uint8_t *samples, Py_ssize_t count, int weight, int offset) nogil

cdef void begin_planes(Filled *f) noexcept nogil
cdef void fill_planes(const RefPlanes *r, Filled *f, const PictureData *p, int lines,
                      const H264Enc *enc) noexcept nogil

cdef class Interpolated:
    cdef uint8_t *memory
    cdef Py_ssize_t size
    cdef RefPlanes planes
    cdef Filled filled
