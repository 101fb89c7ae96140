"""See _inter.pyx."""
from codec.h264.encode._coder cimport Coder

cdef void begin_search(Coder *c) noexcept nogil
cdef void search_whole(Coder *c) noexcept nogil
cdef void search_parts(Coder *c, int mode) noexcept nogil
cdef void apply_parts(Coder *c, int mode) noexcept nogil
cdef void set_differences(Coder *c) noexcept nogil
