"""residual( ) of 7.3.5.3 with the scaling of 8.5.6 to 8.5.12: transform coefficients of a macroblock, ready for the inverse transforms.

A transform block that has levels sets its bit in s.coded, and one more 16 places higher unless its DC is all there is. Chroma blocks of 4:2:0
and 4:2:2 are numbered in raster order, two to a row.
"""
from libc.string cimport memcpy, memset

from codec.h264.entropy._cabac cimport cabac_block, cabac_coded_block_flag
from codec.h264.entropy._cavlc cimport cavlc_block, cavlc_coeff_token
from codec.h264.macroblock._neighbours cimport fill_nnz
from codec.h264.macroblock._slice cimport *
from codec.h264.tables.values cimport H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8

cdef uint8_t[16] B4 = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
# entry of the cache by luma4x4BlkIdx, less CACHE
cdef uint8_t[16] ENTRY = [0, 1, 8, 9, 2, 3, 10, 11, 16, 17, 24, 25, 18, 19, 26, 27]
# raster index (two columns) of each chroma DC level: (8-328) and (8-329)
cdef uint8_t[4] DC_2X2 = [0, 1, 2, 3]
cdef uint8_t[8] DC_2X4 = [0, 2, 1, 4, 6, 3, 5, 7]
# ctxBlockCat of Intra16x16 DC, Intra16x16 AC, 4x4, 8x8 by component (Table 9-42)
cdef uint8_t CAT[3][4]
CAT = [[0, 1, 2, 5], [6, 7, 8, 9], [10, 11, 12, 13]]
# scaling that leaves levels as they are: of DC, and of blocks with s.raw_levels, whose sums are shifted by 4 and 6
cdef int32_t RAW_DC[16]
cdef int32_t RAW_4X4[16]
cdef int32_t RAW_8X8[64]
# every fourth coefficient of the 8x8 scans: what CAVLC sends as four blocks (7.3.5.3.2)
cdef uint8_t SCAN_8X8_CAVLC[2][4][16]

cdef void make_tables() noexcept:
    cdef int field, part, k
    for field in range(2):
        for part in range(4):
            for k in range(16):
                SCAN_8X8_CAVLC[field][part][k] = H264_TABLE_8_14_SCAN_8X8[field][4 * k + part]
    for k in range(16):
        RAW_DC[k], RAW_4X4[k] = 1, 16
    for k in range(64):
        RAW_8X8[k] = 64

make_tables()


cdef inline int nC_of(const uint8_t *cache) noexcept nogil:
    """9.2.1: mean of A and B, or the one that is available (the other counts 64)."""
    cdef int sum = cache[-1] + cache[-8]
    return (sum + 1) >> 1 if sum < 64 else sum & 31


cdef inline int read_block(SliceContext *s, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind, uint8_t *cache) noexcept nogil:
    """A block that has one place in the cache."""
    cdef int n = 0, token
    if not s.entropy_coding_mode_flag:
        token = cavlc_coeff_token(s, nC_of(cache))
        if token:
            n = cavlc_block(s, out, scan, scale, kind, token)
        cache[0] = <uint8_t>n
    else:
        if cabac_coded_block_flag(s, kind, cache[-1] + 2 * cache[-8]):
            n = cabac_block(s, out, scan, scale, kind)
        cache[0] = n > 0
    return n


cdef inline void set_nnz_8x8(uint8_t *cache, int n) noexcept nogil:
    cache[0] = cache[1] = cache[8] = cache[9] = <uint8_t>n


cdef inline int dc_inc(SliceContext *s, int bit) noexcept nogil:
    """ctxIdxInc of coded_block_flag for a DC block: bit `bit` of dc_flag of A and B."""
    cdef int missing = s.flags & MB_INTRA
    cdef int a = context_of(s, s.left_mb[0]).dc_flag >> bit & 1 if s.left_mb[0] >= 0 else missing
    cdef int b = context_of(s, s.top_mb).dc_flag >> bit & 1 if s.top_mb >= 0 else missing
    return a + 2 * b


cdef inline uint64_t mark(int n, bint is_dc) noexcept nogil:
    """Bits of s.coded, for block 0, of one with n levels; is_dc: if it is one, it is the DC."""
    return 0 if n == 0 else 1 if n == 1 and is_dc else 0x10001


cdef void intra16_dc(SliceContext *s, int c, const int32_t *scale) noexcept nogil:
    """Intra16x16DCLevel, 8.5.10: transform and scaling; each DC to its block."""
    cdef int32_t dc[16]
    cdef int32_t a, b, e, d
    cdef int n = 0, token, i, k
    cdef const uint8_t *scan = H264_TABLE_8_13_SCAN_4X4[s.mb_field]
    memset(dc, 0, sizeof(dc))
    if not s.entropy_coding_mode_flag:
        token = cavlc_coeff_token(s, nC_of(&s.nnz_cache[c][CACHE]))
        if token:
            n = cavlc_block(s, dc, scan, RAW_DC, CAT[c][0], token)
    elif cabac_coded_block_flag(s, CAT[c][0], dc_inc(s, c)):
        n = cabac_block(s, dc, scan, RAW_DC, CAT[c][0])
    if n == 0:
        return
    s.dc_coded |= 1ull << c
    if not s.raw_levels:
        for i in range(4):                              # rows, then columns, of (8-320)
            a, b = dc[4 * i] + dc[4 * i + 1], dc[4 * i] - dc[4 * i + 1]
            e, d = dc[4 * i + 2] + dc[4 * i + 3], dc[4 * i + 2] - dc[4 * i + 3]
            dc[4 * i], dc[4 * i + 1], dc[4 * i + 2], dc[4 * i + 3] = a + e, a - e, b - d, b + d
        for i in range(4):
            a, b = dc[i] + dc[4 + i], dc[i] - dc[4 + i]
            e, d = dc[8 + i] + dc[12 + i], dc[8 + i] - dc[12 + i]
            dc[i], dc[4 + i], dc[8 + i], dc[12 + i] = a + e, a - e, b - d, b + d
        for i in range(16):
            dc[i] = (dc[i] * scale[0] + 32) >> 6
    for k in range(16):
        s.coef[256 * c + 16 * k] = dc[B4[k]]
        if dc[B4[k]]:
            s.coded[c] |= 1ull << k


cdef int read_8x8(SliceContext *s, int c, int b8, const int32_t *scale, uint8_t *cache) noexcept nogil:
    """Number of levels of one 8x8 transform block."""
    cdef int32_t *out = &s.coef[256 * c + 64 * b8]
    cdef int n = 0, part
    if not s.entropy_coding_mode_flag:
        for part in range(4):
            n += read_block(s, out, SCAN_8X8_CAVLC[s.mb_field][part], scale, CAT[c][3], cache + ENTRY[part])
        return n
    if s.ChromaArrayType != 3 or cabac_coded_block_flag(s, CAT[c][3], cache[-1] + 2 * cache[-8]):
        n = cabac_block(s, out, H264_TABLE_8_14_SCAN_8X8[s.mb_field], scale, CAT[c][3])
    set_nnz_8x8(cache, n > 0)
    return n


cdef void read_luma(SliceContext *s, int c, int qp) noexcept nogil:
    """residual_luma() for the component c, with QP' of its own."""
    cdef int inter = 0 if s.flags & MB_INTRA else 1, intra16 = s.flags & MB_INTRA16 != 0, k, n, b8, kind = CAT[c][1 if intra16 else 2]
    cdef int list = c + s.colour_plane
    cdef const uint8_t *scan = H264_TABLE_8_13_SCAN_4X4[s.mb_field] + intra16
    cdef const int32_t *scale4 = &RAW_4X4[0] if s.raw_levels else s.scale4[list + 3 * inter] + 16 * qp
    cdef const int32_t *scale8 = &RAW_8X8[0] if s.raw_levels else s.scale8[2 * list + inter] + 64 * qp
    cdef int32_t *out
    cdef uint8_t *cache
    if intra16:
        intra16_dc(s, c, scale4)
    for b8 in range(4):
        cache = &s.nnz_cache[c][CACHE] + ENTRY[4 * b8]
        out = &s.coef[256 * c + 64 * b8]
        if not s.cbp >> b8 & 1:
            set_nnz_8x8(cache, 0)
        elif s.flags & MB_TRANSFORM8:
            n = read_8x8(s, c, b8, scale8, cache)
            s.coded[c] |= mark(n, out[0] != 0) << (4 * b8)
        else:
            for k in range(4):
                n = read_block(s, out + 16 * k, scan, scale4, kind, cache + ENTRY[k])
                if n:
                    s.coded[c] |= mark(n, out[16 * k] != 0 and not intra16) << (4 * b8 + k)
        if s.fault:
            return


cdef void chroma_dc(SliceContext *s, int c) noexcept nogil:
    """ChromaDCLevel, 8.5.11."""
    cdef int32_t dc[8]
    cdef int32_t f[8]
    cdef int n = 0, token, i, count = 4 if s.ChromaArrayType == 1 else 8
    cdef int kind = KIND_DC_420 if count == 4 else KIND_DC_422
    cdef const uint8_t *scan = &DC_2X2[0] if count == 4 else &DC_2X4[0]
    cdef int32_t scale, a, b, e, d
    cdef int list = c + (0 if s.flags & MB_INTRA else 3), qp = s.qp_c[c - 1] + s.QpBdOffset[1]
    memset(dc, 0, sizeof(dc))
    if not s.entropy_coding_mode_flag:
        token = cavlc_coeff_token(s, -1 if count == 4 else -2)
        if token:
            n = cavlc_block(s, dc, scan, RAW_DC, kind, token)
    elif cabac_coded_block_flag(s, kind, dc_inc(s, c)):
        n = cabac_block(s, dc, scan, RAW_DC, kind)
    if n == 0:
        return
    s.dc_coded |= 1ull << c
    if not s.raw_levels:
        for i in range(0, count, 2):
            a, b = dc[i], dc[i + 1]
            dc[i], dc[i + 1] = a + b, a - b
        if count == 4:
            scale = s.scale4[list][16 * qp]
            for i in range(2):
                a, b = dc[i], dc[2 + i]
                dc[i] = ((a + b) * scale) >> 5
                dc[2 + i] = ((a - b) * scale) >> 5
        else:
            scale = s.scale4[list][16 * (qp + 3)]       # QP'c,dc
            for i in range(2):
                a, b = dc[i] + dc[2 + i], dc[i] - dc[2 + i]
                e, d = dc[4 + i] + dc[6 + i], dc[4 + i] - dc[6 + i]
                f[i], f[2 + i], f[4 + i], f[6 + i] = a + e, a - e, b - d, b + d
            for i in range(8):
                dc[i] = (f[i] * scale + 32) >> 6
    for i in range(count):
        s.coef[256 * c + 16 * i] = dc[i]
        if dc[i]:
            s.coded[c] |= 1ull << i


cdef void read_chroma(SliceContext *s) noexcept nogil:
    """Chroma of 4:2:0 and 4:2:2."""
    cdef int c, i, n, count = 4 if s.ChromaArrayType == 1 else 8
    cdef const uint8_t *scan = H264_TABLE_8_13_SCAN_4X4[s.mb_field]
    cdef const int32_t *scale
    for c in range(1, 3):
        chroma_dc(s, c)
    for c in range(1, 3):
        scale = &RAW_4X4[0] if s.raw_levels else s.scale4[c + (0 if s.flags & MB_INTRA else 3)] + 16 * (s.qp_c[c - 1] + s.QpBdOffset[1])
        for i in range(count):
            if s.cbp >> 4 == 2 and s.fault == 0:
                n = read_block(s, &s.coef[256 * c + 16 * i], scan + 1, scale, KIND_AC_CHROMA, &s.nnz_cache[c][CACHE + (i & 1) + 8 * (i >> 1)])
                s.coded[c] |= mark(n, False) << i


cdef inline bint has_no_8x8(SliceContext *s, int mb) noexcept nogil:
    return mb >= 0 and not s.pic.mb[mb].flags & (MB_TRANSFORM8 | MB_PCM)


cdef void hide_4x4(SliceContext *s) noexcept nogil:
    """coded_block_flag of 8x8 blocks (4:4:4 alone codes it): neighbours with another transform have no transBlockN, and count 0 (9.3.3.1.1.9)."""
    cdef int c, i
    for c in range(3):
        for i in range(4):
            if has_no_8x8(s, s.left_mb[i]):
                s.nnz_cache[c][CACHE - 1 + 8 * i] = 0
            if has_no_8x8(s, s.top_mb):
                s.nnz_cache[c][CACHE - 8 + i] = 0


cdef void read_residual(SliceContext *s) noexcept nogil:
    cdef int c
    if s.qpprime_y_zero_transform_bypass_flag and s.qp + s.QpBdOffset[0] == 0:
        s.flags |= MB_BYPASS
    s.raw_levels = s.flags & (MB_BYPASS | MB_SI) or (s.switching and not s.flags & MB_INTRA)
    fill_nnz(s)
    if s.ChromaArrayType == 3 and s.flags & MB_TRANSFORM8 and s.entropy_coding_mode_flag:
        hide_4x4(s)
    read_luma(s, 0, s.qp + s.QpBdOffset[0])
    if s.ChromaArrayType == 1 or s.ChromaArrayType == 2:
        if s.cbp >> 4:
            read_chroma(s)
    elif s.ChromaArrayType == 3:
        for c in range(1, 3):
            if s.fault == 0:
                read_luma(s, c, s.qp_c[c - 1] + s.QpBdOffset[1])


# ---------------------------------------------------------------- what neighbours will ask for

cdef inline int nonzero_mask(SliceContext *s) noexcept nogil:
    """MbInfo.nonzero of an inter macroblock."""
    cdef int mask = <int>s.coded[0] & 0xFFFF
    if s.flags & MB_TRANSFORM8:
        mask = (mask & 0x1111) * 15
    return (mask & 0xC3C3) | (mask & 0x0C0C) << 2 | (mask & 0x3030) >> 2      # B4 of each bit: from zig-zag to raster order


cdef inline void store_nnz(SliceContext *s, MbContext *m) noexcept nogil:
    cdef int c, y
    cdef const uint8_t *cache
    if s.flags & MB_PCM:
        memset(m.nnz_bottom, 1 if s.entropy_coding_mode_flag else 16, sizeof(m.nnz_bottom))
        memset(m.nnz_right, 1 if s.entropy_coding_mode_flag else 16, sizeof(m.nnz_right))
        return
    memset(m.nnz_bottom, 0, sizeof(m.nnz_bottom))
    memset(m.nnz_right, 0, sizeof(m.nnz_right))
    if s.cbp & 15:
        for c in range(3 if s.ChromaArrayType == 3 else 1):
            cache = &s.nnz_cache[c][CACHE]
            memcpy(m.nnz_bottom[c], cache + 24, 4)
            for y in range(4):
                m.nnz_right[c][y] = cache[3 + 8 * y]
    if s.cbp >> 4 == 2:
        for c in range(1, 3):
            cache = &s.nnz_cache[c][CACHE]
            memcpy(m.nnz_bottom[c], cache + (8 if s.ChromaArrayType == 1 else 24), 2)
            for y in range(2 if s.ChromaArrayType == 1 else 4):
                m.nnz_right[c][y] = cache[1 + 8 * y]


cdef inline void store_modes(SliceContext *s, MbContext *m) noexcept nogil:
    cdef int y
    if not s.flags & MB_INTRA_NXN:
        memset(m.mode_bottom, 2, 4)
        memset(m.mode_right, 2, 4)
        return
    memcpy(m.mode_bottom, &s.intra_mode[12], 4)
    for y in range(4):
        m.mode_right[y] = s.intra_mode[4 * y + 3]


cdef inline void store_mvd(SliceContext *s, MbContext *m) noexcept nogil:
    """mvd and direct flags, for CABAC."""
    cdef int list, y
    cdef uint8_t (*cache)[2]
    if s.slice_type == SLICE_B:
        for y in range(4):
            m.direct[y] = <uint8_t>s.direct[y]
    if s.flags & (MB_INTRA | MB_DIRECT):
        memset(m.mvd_bottom, 0, sizeof(m.mvd_bottom))
        memset(m.mvd_right, 0, sizeof(m.mvd_right))
        return
    for list in range(2 if s.slice_type == SLICE_B else 1):
        cache = &s.mvd_cache[list][CACHE]
        memcpy(m.mvd_bottom[list], cache + 24, 8)
        for y in range(4):
            memcpy(m.mvd_right[list][y], cache[3 + 8 * y], 2)


cdef void store_context(SliceContext *s) noexcept nogil:
    """What the macroblock leaves for later ones in MbContext and MbInfo."""
    cdef MbContext *m = context_of(s, s.mb)
    cdef MbInfo *info = &s.pic.mb[s.mb]
    store_nnz(s, m)
    store_modes(s, m)
    if s.entropy_coding_mode_flag and s.slice_type != SLICE_I:
        store_mvd(s, m)
    m.dc_flag = 7 if s.flags & MB_PCM else <uint8_t>s.dc_coded
    m.cbp = 0x2F if s.flags & MB_PCM else <uint8_t>s.cbp
    m.intra_chroma_pred_mode = <uint8_t>s.intra_chroma_pred_mode
    m.mb_type_direct = s.flags & MB_DIRECT != 0
    info.nonzero = <uint16_t>(0 if s.flags & MB_INTRA else nonzero_mask(s))
    info.flags = <uint16_t>s.flags
    info.qp = <int8_t>(0 if s.flags & MB_PCM else s.qp)
    info.qpc[0] = s.qpc_table[0][info.qp + 64]
    info.qpc[1] = s.qpc_table[1][info.qp + 64]
    info.slice = s.slice_index


cdef void store_skipped_context(SliceContext *s) noexcept nogil:
    """The same for P_Skip and B_Skip: all zero."""
    cdef MbContext *m = context_of(s, s.mb)
    cdef MbInfo *info = &s.pic.mb[s.mb]
    memset(m, 0, sizeof(MbContext))
    memset(m.mode_bottom, 2, 4)
    memset(m.mode_right, 2, 4)
    if s.flags & MB_DIRECT:
        memset(m.direct, 1, 4)
        m.mb_type_direct = 1
    info.nonzero = 0
    info.flags = <uint16_t>s.flags
    info.qp = <int8_t>s.qp
    info.qpc[0] = <int8_t>s.qp_c[0]
    info.qpc[1] = <int8_t>s.qp_c[1]
    info.slice = s.slice_index
