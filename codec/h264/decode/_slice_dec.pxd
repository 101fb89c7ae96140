"""See _slice_dec.pyx."""
from libc.stdint cimport uint8_t, int64_t

from codec._core cimport BitReader
from codec.h264.entropy._reader cimport SliceReader
from codec.h264.macroblock._kernels cimport H264Dsp
from codec.h264.pictures._picture cimport PictureData

cdef class Slice:
    cdef SliceReader *d
    cdef void *memory
    cdef uint8_t *data      # padded
    cdef object keep        # owners of the memory that the context points to

    cdef int set_data(self, rbsp, Py_ssize_t bit, partitions) except -1
    cdef Py_ssize_t _open(self, BitReader *r, int64_t *last_bit, Py_ssize_t at, const uint8_t[::1] rbsp,
                          Py_ssize_t bit) except -1

cdef void decode_prepared(SliceReader *d) noexcept nogil
cdef void order_slices(SliceReader **slices, int count, bint whole) noexcept nogil
cdef int end_picture(PictureData *p, const H264Dsp *dsp, int parity) noexcept nogil
