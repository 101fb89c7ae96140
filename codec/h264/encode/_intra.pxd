"""See _intra.pyx."""
from codec.h264.encode._coder cimport Coder

cdef int choose_chroma(Coder *c) noexcept nogil
cdef int choose_16x16(Coder *c) noexcept nogil
cdef void recode_nxn(Coder *c, bint eight) noexcept nogil
cdef int choose_nxn(Coder *c, bint eight, int limit) noexcept nogil
cdef void code_16x16(Coder *c) noexcept nogil
cdef void code_intra_chroma(Coder *c) noexcept nogil
