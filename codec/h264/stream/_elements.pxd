"""The class of `_elements.pyx` that other modules take the bits from."""
from codec._core cimport BitWriter
from libc.stdint cimport uint64_t

cdef class ElementWriter:
    cdef readonly object layer
    cdef BitWriter out
    cdef int put_code(self, uint64_t value, int n) except -1
    cdef int put_codeNum(self, uint64_t codeNum) except -1
    cdef checked(self, dict s, name, low, high, clause)
