"""See _planes.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport RefPlanes
from codec.h264.encode._kernels cimport H264Enc
from codec.h264.pictures._picture cimport PictureData

cdef class Interpolated:
    cdef uint8_t *memory
    cdef Py_ssize_t size, stride
    cdef int width, height
    cdef RefPlanes planes

    cdef void fill(self, const PictureData *p, const H264Enc *enc) noexcept nogil
