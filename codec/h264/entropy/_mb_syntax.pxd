"""See _mb_syntax.pyx."""
from codec.h264.macroblock._slice cimport *

cdef void read_macroblock(SliceContext *s) noexcept nogil
cdef void begin_macroblock(SliceContext *s) noexcept nogil
cdef void set_chroma_qp(SliceContext *s) noexcept nogil
cdef void set_whole_direct(SliceContext *s) noexcept nogil
