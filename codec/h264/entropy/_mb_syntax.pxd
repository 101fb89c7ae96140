"""See _mb_syntax.pyx."""
from codec.h264.entropy._reader cimport SliceReader

cdef void read_macroblock(SliceReader *d) noexcept nogil
