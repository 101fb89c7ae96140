"""See _neighbours.pyx."""
from codec.h264.macroblock._slice cimport *

cdef void enter(SliceContext *s) noexcept nogil
cdef void left_location(SliceContext *s, int yN, int *mb, int *y) noexcept nogil
cdef void set_intra_availability(SliceContext *s) noexcept nogil
cdef void fill_modes(SliceContext *s) noexcept nogil
cdef void fill_nnz(SliceContext *s) noexcept nogil
cdef void fill_corners(SliceContext *s) noexcept nogil
cdef void fill_motion(SliceContext *s) noexcept nogil
cdef void fill_mvd(SliceContext *s, int list, int step) noexcept nogil
cdef void fill_direct(SliceContext *s) noexcept nogil
