"""See _intra.pyx."""
from codec.h264.macroblock._slice cimport SliceContext

cdef void reconstruct_intra(SliceContext *s) noexcept nogil
