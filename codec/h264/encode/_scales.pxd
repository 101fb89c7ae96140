"""See _scales.pyx."""
from codec.h264.encode._coder cimport QuantizerTables

cdef class Scales:
    cdef QuantizerTables *tables
    cdef readonly int least_qp
    cdef int _fill_4x4(self, int k, rows) except -1
    cdef int _fill_8x8(self, int k, rows) except -1
