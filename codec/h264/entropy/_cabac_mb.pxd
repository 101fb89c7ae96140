"""See _cabac_mb.pyx."""
from codec.h264.macroblock._slice cimport *

cdef int cabac_mb_skip_flag(SliceContext *s) noexcept nogil
cdef int cabac_mb_field_decoding_flag(SliceContext *s) noexcept nogil
cdef int cabac_mb_type(SliceContext *s) noexcept nogil
cdef int cabac_sub_mb_type(SliceContext *s) noexcept nogil
cdef int cabac_ref_idx(SliceContext *s, int list, int b8) noexcept nogil
cdef int cabac_intra_mode(SliceContext *s) noexcept nogil
cdef int cabac_intra_chroma_pred_mode(SliceContext *s) noexcept nogil
cdef int cabac_coded_block_pattern(SliceContext *s) noexcept nogil
cdef int cabac_mb_qp_delta(SliceContext *s) noexcept nogil
cdef int cabac_transform_size_8x8_flag(SliceContext *s) noexcept nogil
