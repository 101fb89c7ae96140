"""See _context.pyx."""
from codec.h264.macroblock._slice cimport PART_8X8, SUB_8X8, SliceContext

cdef void begin_macroblock(SliceContext *s) noexcept nogil
cdef void set_chroma_qp(SliceContext *s) noexcept nogil
cdef void store_context(SliceContext *s) noexcept nogil
cdef void store_skipped_context(SliceContext *s) noexcept nogil

cdef inline bint may_have_8x8_transform(SliceContext *s) noexcept nogil:
    """Whether an inter macroblock may have transform_size_8x8_flag (7.3.5)."""
    cdef int b8
    if s.mb.part != PART_8X8:
        return 1
    for b8 in range(4):
        if (not s.seq.direct_8x8_inference_flag) if s.mb.direct[b8] else s.mb.sub_part[b8] != SUB_8X8:
            return 0
    return 1
