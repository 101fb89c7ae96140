"""See _mb_write.pyx."""
from libc.stdint cimport int16_t, uint8_t

from codec._core cimport BitWriter
from codec.h264.entropy._writer cimport Bins, CabacWriter, Levels, Sink
from codec.h264.macroblock._slice cimport SliceContext

cdef void write_skip_flag(Bins sink, SliceContext *s, int skip) noexcept nogil
cdef void write_macroblock(Sink sink, SliceContext *s, const Levels *levels, int before) noexcept nogil
cdef void write_intra_mode(Sink sink, int mode, int predicted) noexcept nogil
cdef void write_8x8(Sink sink, SliceContext *s, const int16_t *level, int component, uint8_t *cache) noexcept nogil
cdef void write_residual(Sink sink, SliceContext *s, const Levels *levels) noexcept nogil
cdef void write_pcm(BitWriter *out, CabacWriter *cabac, SliceContext *s) noexcept nogil
