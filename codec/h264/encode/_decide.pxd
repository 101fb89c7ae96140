"""See _decide.pyx."""
from codec.h264.encode._coder cimport Coder

cdef void decide(Coder *c) noexcept nogil
