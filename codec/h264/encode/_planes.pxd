"""See _planes.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport Filled, RefPlanes
from codec.h264.encode._kernels cimport H264Enc
from codec.h264.pictures._picture cimport PictureData

# In C, where compilers make vectors of it.
cdef extern from *:
    """
    /* Weighted prediction of samples (8-274) with log2_weight_denom 6: DENOM of weights.py. Words hold all: 255 * 127
     * + 32 < 2^15. */
    static void weigh_samples(uint8_t *out, const uint8_t *in, Py_ssize_t count, int weight, int offset) {
        const uint16_t factor = (uint16_t)weight;
        const int16_t more = (int16_t)offset;
        for (Py_ssize_t i = 0; i < count; i++) {
            const uint16_t product = (uint16_t)((uint16_t)(in[i] * factor) + 32u);
            int16_t value = (int16_t)((int16_t)(product >> 6) + more);
            value = value < 0 ? 0 : value;
            value = value > 255 ? 255 : value;
            out[i] = (uint8_t)value;
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
