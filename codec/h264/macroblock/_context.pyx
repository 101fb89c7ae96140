"""What a macroblock starts from, and what it leaves for later ones in MbContext and MbInfo."""
from libc.stdint cimport int8_t, uint8_t, uint16_t
from libc.string cimport memcpy, memset

from codec._core cimport codec_assert_range
from codec.h264.macroblock._slice cimport CACHE, SLICE_B, SLICE_I, MbContext, SliceContext, context_of
from codec.h264.pictures._picture cimport (
    MB_DIRECT, MB_FIELD, MB_INTRA, MB_INTRA_NXN, MB_PCM, MB_SWITCHING, MB_TRANSFORM8, MbInfo,
)


cdef void begin_macroblock(SliceContext *s) noexcept nogil:
    """Reset the syntax elements that not every macroblock sets."""
    s.mb.flags = (MB_FIELD if s.place.mb_field else 0) | (MB_SWITCHING if s.slice.switching else 0)
    s.mb.cbp = 0
    s.mb.dc_coded = 0
    s.mb.coded[0] = s.mb.coded[1] = s.mb.coded[2] = 0
    s.mb.intra_chroma_pred_mode = 0
    memset(s.mb.direct, 0, sizeof(s.mb.direct))


cdef void set_chroma_qp(SliceContext *s) noexcept nogil:
    """QPC of both components from QPY (8.5.8)."""
    codec_assert_range(-s.seq.QpBdOffset[0], s.mb.qp, 51)
    s.mb.qp_c[0] = s.seq.qpc_table[0][s.mb.qp + 64]
    s.mb.qp_c[1] = s.seq.qpc_table[1][s.mb.qp + 64]


cdef inline int nonzero_mask(SliceContext *s) noexcept nogil:
    """MbInfo.nonzero of an inter macroblock."""
    cdef int mask = <int>s.mb.coded[0] & 0xFFFF
    if s.mb.flags & MB_TRANSFORM8:
        mask = (mask & 0x1111) * 15
    return (mask & 0xC3C3) | (mask & 0x0C0C) << 2 | (mask & 0x3030) >> 2      # from zig-zag to raster order


cdef inline void store_nnz(SliceContext *s, MbContext *m) noexcept nogil:
    """total_coeff or coded_block_flag of the blocks that later macroblocks border on."""
    cdef int c, y
    cdef const uint8_t *cache
    if s.mb.flags & MB_PCM:
        memset(m.nnz_bottom, 1 if s.seq.entropy_coding_mode_flag else 16, sizeof(m.nnz_bottom))
        memset(m.nnz_right, 1 if s.seq.entropy_coding_mode_flag else 16, sizeof(m.nnz_right))
        return
    memset(m.nnz_bottom, 0, sizeof(m.nnz_bottom))
    memset(m.nnz_right, 0, sizeof(m.nnz_right))
    if s.mb.cbp & 15:
        for c in range(3 if s.seq.ChromaArrayType == 3 else 1):
            cache = &s.cache.nnz[c][CACHE]
            memcpy(m.nnz_bottom[c], cache + 24, 4)
            for y in range(4):
                m.nnz_right[c][y] = cache[3 + 8 * y]
    if s.mb.cbp >> 4 == 2:
        for c in range(1, 3):
            cache = &s.cache.nnz[c][CACHE]
            memcpy(m.nnz_bottom[c], cache + (8 if s.seq.ChromaArrayType == 1 else 24), 2)
            for y in range(2 if s.seq.ChromaArrayType == 1 else 4):
                m.nnz_right[c][y] = cache[1 + 8 * y]


cdef inline void store_modes(SliceContext *s, MbContext *m) noexcept nogil:
    """Intra4x4PredMode and Intra8x8PredMode of these blocks."""
    cdef int y
    if not s.mb.flags & MB_INTRA_NXN:
        memset(m.mode_bottom, 2, 4)
        memset(m.mode_right, 2, 4)
        return
    memcpy(m.mode_bottom, &s.mb.intra_mode[12], 4)
    for y in range(4):
        m.mode_right[y] = s.mb.intra_mode[4 * y + 3]


cdef inline void store_mvd(SliceContext *s, MbContext *m) noexcept nogil:
    """|mvd| and direct flags of these blocks, for CABAC."""
    cdef int list, y
    cdef uint8_t (*cache)[2]
    if s.slice.slice_type == SLICE_B:
        for y in range(4):
            m.direct[y] = <uint8_t>s.mb.direct[y]
    if s.mb.flags & (MB_INTRA | MB_DIRECT):
        memset(m.mvd_bottom, 0, sizeof(m.mvd_bottom))
        memset(m.mvd_right, 0, sizeof(m.mvd_right))
        return
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        cache = &s.cache.mvd[list][CACHE]
        memcpy(m.mvd_bottom[list], cache + 24, 8)
        for y in range(4):
            memcpy(m.mvd_right[list][y], cache[3 + 8 * y], 2)


cdef void store_context(SliceContext *s) noexcept nogil:
    """Keep what later macroblocks and deblocking ask for."""
    cdef MbContext *m = context_of(s, s.place.mb)
    cdef MbInfo *info = &s.pic.mb[s.place.mb]
    codec_assert_range(0, s.mb.cbp, 0x2F)
    codec_assert_range(-s.seq.QpBdOffset[0], s.mb.qp, 51)
    store_nnz(s, m)
    store_modes(s, m)
    if s.seq.entropy_coding_mode_flag and s.slice.slice_type != SLICE_I:
        store_mvd(s, m)
    m.dc_flag = 7 if s.mb.flags & MB_PCM else <uint8_t>s.mb.dc_coded
    m.cbp = 0x2F if s.mb.flags & MB_PCM else <uint8_t>s.mb.cbp
    m.intra_chroma_pred_mode = <uint8_t>s.mb.intra_chroma_pred_mode
    m.mb_type_direct = s.mb.flags & MB_DIRECT != 0
    info.nonzero = <uint16_t>(0 if s.mb.flags & MB_INTRA else nonzero_mask(s))
    info.flags = <uint16_t>s.mb.flags
    info.qp = <int8_t>(0 if s.mb.flags & MB_PCM else s.mb.qp)
    info.qpc[0] = s.seq.qpc_table[0][info.qp + 64]
    info.qpc[1] = s.seq.qpc_table[1][info.qp + 64]
    info.slice = s.slice.index


cdef void store_skipped_context(SliceContext *s) noexcept nogil:
    """The same for P_Skip and B_Skip: all zero."""
    cdef MbContext *m = context_of(s, s.place.mb)
    cdef MbInfo *info = &s.pic.mb[s.place.mb]
    memset(m, 0, sizeof(MbContext))
    memset(m.mode_bottom, 2, 4)
    memset(m.mode_right, 2, 4)
    if s.mb.flags & MB_DIRECT:
        memset(m.direct, 1, 4)
        m.mb_type_direct = 1
    info.nonzero = 0
    info.flags = <uint16_t>s.mb.flags
    info.qp = <int8_t>s.mb.qp
    info.qpc[0] = <int8_t>s.mb.qp_c[0]
    info.qpc[1] = <int8_t>s.mb.qp_c[1]
    info.slice = s.slice.index
