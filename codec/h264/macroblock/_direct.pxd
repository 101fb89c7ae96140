"""See _direct.pyx."""
from codec.h264.macroblock._slice cimport SliceContext

cdef void prepare_direct(SliceContext *s) noexcept nogil
cdef int derive_direct(SliceContext *s) noexcept nogil
cdef void set_whole_direct(SliceContext *s) noexcept nogil
