"""The nearest entry of a palette, for other loops."""
from libc.stdint cimport int32_t, uint32_t


cdef class NearestColor:
    cdef readonly int k, D
    cdef int variant
    cdef float *z               # (D, k): coordinates of the palette
    cdef float *all_            # the list of all entries, (D + 1, padded)
    cdef int padded
    cdef int32_t *cell          # start of the list of each cell in `lists`; -1: not made yet
    cdef int side[3]
    cdef float *lists
    cdef Py_ssize_t used, room
    cdef int status
    cdef int busy               # a call makes lists: see begin_use
    cdef uint32_t key(self, const float *x) noexcept nogil
    cdef Py_ssize_t make_list(self, const int *at) noexcept nogil
