"""See _cabac_mb.pyx."""
from codec.h264.entropy._reader cimport SliceReader

cdef enum:
    # ctxIdxOffset of Table 9-34, for reading and writing
    MB_TYPE_I_ = 3
    MB_SKIP_P = 11
    MB_TYPE_P_ = 14
    SUB_MB_TYPE_P = 21
    MB_SKIP_B = 24
    MB_TYPE_B_ = 27
    SUB_MB_TYPE_B = 36
    MVD_X = 40
    REF_IDX = 54
    MB_QP_DELTA = 60
    INTRA_CHROMA = 64
    PREV_INTRA_MODE = 68
    MB_FIELD_FLAG = 70
    CBP_LUMA = 73
    CBP_CHROMA = 77
    TRANSFORM8 = 399

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
