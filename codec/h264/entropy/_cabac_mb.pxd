"""See _cabac_mb.pyx."""
from codec.h264.entropy._reader cimport SliceReader

cdef int cabac_mb_skip_flag(SliceReader *d) noexcept nogil
cdef int cabac_mb_field_decoding_flag(SliceReader *d) noexcept nogil
cdef int cabac_mb_type(SliceReader *d) noexcept nogil
cdef int cabac_sub_mb_type(SliceReader *d) noexcept nogil
cdef int cabac_ref_idx(SliceReader *d, int list, int b8) noexcept nogil
cdef int cabac_intra_mode(SliceReader *d) noexcept nogil
cdef int cabac_intra_chroma_pred_mode(SliceReader *d) noexcept nogil
cdef int cabac_coded_block_pattern(SliceReader *d) noexcept nogil
cdef int cabac_mb_qp_delta(SliceReader *d) noexcept nogil
cdef int cabac_transform_size_8x8_flag(SliceReader *d) noexcept nogil
