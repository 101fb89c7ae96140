"""See _direct.pyx."""
from codec.h264.macroblock._slice cimport *

cdef void prepare_direct(SliceContext *s) noexcept nogil
cdef void derive_direct(SliceContext *s) noexcept nogil
