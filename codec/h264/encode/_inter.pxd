"""See _inter.pyx."""
from codec.h264.encode._coder cimport Coder
from codec.h264.macroblock._slice cimport SliceContext

cdef void begin_search(Coder *c) noexcept nogil
cdef void search_whole(Coder *c) noexcept nogil
cdef void search_parts(Coder *c, int mode) noexcept nogil
cdef void divide_parts(Coder *c) noexcept nogil
cdef void settle_parts(Coder *c, int mode) noexcept nogil
cdef int part_satd(Coder *c, int mode, int i) noexcept nogil
cdef void apply_parts(Coder *c, int mode) noexcept nogil
cdef void set_differences(Coder *c) noexcept nogil
cdef int vectors_of(const SliceContext *s) noexcept nogil
