"""See _mb_write.pyx."""
from codec.h264.entropy._writer cimport Bins, Levels, Sink
from codec.h264.macroblock._slice cimport SliceContext

cdef void write_skip_flag(Bins sink, SliceContext *s, int skip) noexcept nogil
cdef void write_macroblock(Sink sink, SliceContext *s, const Levels *levels, int before) noexcept nogil
cdef void write_residual(Sink sink, SliceContext *s, const Levels *levels) noexcept nogil
