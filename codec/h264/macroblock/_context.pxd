"""See _context.pyx."""
from codec.h264.macroblock._slice cimport SliceContext

cdef void begin_macroblock(SliceContext *s) noexcept nogil
cdef void set_chroma_qp(SliceContext *s) noexcept nogil
cdef void store_context(SliceContext *s) noexcept nogil
cdef void store_skipped_context(SliceContext *s) noexcept nogil
