"""A second reader of one sequential scan, which begins in the middle of its data."""
from libc.stdint cimport int16_t, int64_t

from codec.jpeg._scan_read cimport ReadScan

cdef class ReadAhead:
    cdef ReadScan scan                  # one row of MCUs
    cdef Py_ssize_t total               # MCUs of the picture
    cdef object levels                  # an array
    cdef int16_t *plane[4]              # of a component, in `levels`: V rows of blocks
    cdef int64_t *begins                # owned: the bits at which the first MCUs begin, ascending
    cdef Py_ssize_t most                # how many of those are kept
    cdef Py_ssize_t ready               # MCUs that are read
    # once another reader of the scan has come to one of `begins`:
    cdef Py_ssize_t first               # the MCU of the scan that is the first one here
    cdef int missing[4]                 # what the DC of each component lacks

    cdef int open(self, const ReadScan *s) except -1
    cdef Py_ssize_t place_for(self, Py_ssize_t byte, Py_ssize_t mcu) noexcept nogil
    cdef void settle(self, Py_ssize_t begin) noexcept nogil
    cdef void clear(self, Py_ssize_t at, Py_ssize_t past) noexcept nogil
    cdef Py_ssize_t read_some(self, Py_ssize_t count) noexcept nogil
    cdef Py_ssize_t place_of(self, int64_t bit) noexcept nogil
    cdef bint is_passed(self, int64_t bit) noexcept nogil
    cdef void join(self, const ReadScan *s, Py_ssize_t mcu, Py_ssize_t place) noexcept nogil
    cdef int16_t *blocks(self, int i, int v, Py_ssize_t mcu, Py_ssize_t count) noexcept nogil
    cdef void hand_over(self, ReadScan *s) noexcept nogil
