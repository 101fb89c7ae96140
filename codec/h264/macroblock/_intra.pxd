"""See _recon.pyx."""
from codec.h264.macroblock._slice cimport *

cdef void reconstruct_intra(SliceContext *s) noexcept nogil
cdef void add_residual(SliceContext *s) noexcept nogil
