"""See _residual.pyx."""
from codec.h264.entropy._reader cimport SliceReader

cdef void read_residual(SliceReader *d) noexcept nogil
