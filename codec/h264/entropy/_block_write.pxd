"""See _block_write.pyx."""
from libc.stdint cimport int16_t

from codec.h264.entropy._writer cimport Bins, Bits

cdef int write_cavlc_block(Bits sink, const int16_t *level, int kind, int nC) noexcept nogil
cdef int write_cabac_block(Bins sink, const int16_t *level, int kind, int ctxIdxInc, int flagged) noexcept nogil
