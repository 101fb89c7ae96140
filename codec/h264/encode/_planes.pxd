"""See _planes.pyx."""
from libc.stdint cimport uint8_t

from codec.h264.encode._coder cimport RefPlanes
from codec.h264.encode._kernels cimport H264Enc
from codec.h264.pictures._picture cimport PictureData

cdef class Interpolated:
    cdef uint8_t *memory
    cdef Py_ssize_t size, stride
    cdef int width, height
    cdef int lines, halves  # made so far: lines of luma, and the line after the last one of half samples
    cdef RefPlanes planes

    cdef void advance(self, const PictureData *p, int lines, const H264Enc *enc) noexcept nogil
