"""See _residual.pyx."""
from codec.h264.macroblock._slice cimport *

cdef void read_residual(SliceContext *s) noexcept nogil
cdef void store_context(SliceContext *s) noexcept nogil
cdef void store_skipped_context(SliceContext *s) noexcept nogil
