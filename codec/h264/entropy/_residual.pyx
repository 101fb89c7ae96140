"""residual( ) of 7.3.5.3: levels of a macroblock, scaled as they are read (macroblock/_scaling.pyx), for the inverse
transforms.

A transform block that has levels sets its bit in Macroblock.coded, and one more 16 places higher unless its DC is all
there is. Chroma blocks of 4:2:0 and 4:2:2 are numbered in raster order, two to a row.
"""
from libc.stdint cimport uint8_t, int32_t, uint64_t
from libc.string cimport memset

from codec._core cimport codec_assert_range
from codec.h264.entropy._cabac cimport cabac_block, cabac_coded_block_flag
from codec.h264.entropy._cavlc cimport CHROMA_DC_420, CHROMA_DC_422, cavlc_block, cavlc_coeff_token
from codec.h264.entropy._kinds cimport KIND_AC_CHROMA, KIND_DC_420, KIND_DC_422
from codec.h264.entropy._reader cimport SliceReader
from codec.h264.macroblock._neighbours cimport dc_inc, fill_nnz, flag_inc_of, nC_of, set_nnz_8x8
from codec.h264.macroblock._scaling cimport choose_scaling, put_chroma_dc, put_luma_dc, scale_4x4, scale_8x8
from codec.h264.macroblock._slice cimport CACHE, SliceContext
from codec.h264.pictures._picture cimport MB_INTRA16, MB_TRANSFORM8
from codec.h264.tables.values cimport H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8

# entry of the cache by luma4x4BlkIdx, less CACHE
cdef uint8_t[16] ENTRY = [0, 1, 8, 9, 2, 3, 10, 11, 16, 17, 24, 25, 18, 19, 26, 27]
# raster index (two columns) of each chroma DC level: (8-328) and (8-329)
cdef uint8_t[4] DC_2X2 = [0, 1, 2, 3]
cdef uint8_t[8] DC_2X4 = [0, 2, 1, 4, 6, 3, 5, 7]
# ctxBlockCat of Intra16x16 DC, Intra16x16 AC, 4x4, 8x8 by component (Table 9-42)
cdef uint8_t CAT[3][4]
CAT = [[0, 1, 2, 5], [6, 7, 8, 9], [10, 11, 12, 13]]
# of DC levels, which are scaled after their transform
cdef int32_t RAW_DC[16]
# every fourth coefficient of the 8x8 scans: CAVLC sends an 8x8 block as four (7.3.5.3.2)
cdef uint8_t SCAN_8X8_CAVLC[2][4][16]

cdef void make_tables() noexcept:
    cdef int field, part, k
    for field in range(2):
        for part in range(4):
            for k in range(16):
                SCAN_8X8_CAVLC[field][part][k] = H264_TABLE_8_14_SCAN_8X8[field][4 * k + part]
    for k in range(16):
        RAW_DC[k] = 1

make_tables()


cdef inline int read_block(SliceReader *d, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind,
                           uint8_t *cache) noexcept nogil:
    """Read a block that has one place in the cache; the number of its levels."""
    cdef int n = 0, token
    if not d.s.seq.entropy_coding_mode_flag:
        token = cavlc_coeff_token(d, nC_of(cache))
        if token:
            n = cavlc_block(d, out, scan, scale, kind, token)
        cache[0] = <uint8_t>n
    else:
        if cabac_coded_block_flag(d, kind, flag_inc_of(cache)):
            n = cabac_block(d, out, scan, scale, kind)
        cache[0] = n > 0
    return n


cdef inline int read_dc(SliceReader *d, int c, int32_t *dc, const uint8_t *scan, int kind, int nC) noexcept nogil:
    """Read the DC levels of a component; the number of them."""
    cdef int n = 0, token
    if not d.s.seq.entropy_coding_mode_flag:
        token = cavlc_coeff_token(d, nC)
        if token:
            n = cavlc_block(d, dc, scan, RAW_DC, kind, token)
    elif cabac_coded_block_flag(d, kind, dc_inc(&d.s, c)):
        n = cabac_block(d, dc, scan, RAW_DC, kind)
    if n:
        d.s.mb.dc_coded |= 1ull << c
    return n


cdef inline uint64_t mark(int n, bint has_dc) noexcept nogil:
    """Bits in Macroblock.coded, for block 0, of a block with n levels."""
    return 0 if n == 0 else 1 if n == 1 and has_dc else 0x10001


cdef void read_intra16_dc(SliceReader *d, int c) noexcept nogil:
    """Intra16x16DCLevel"""
    cdef int32_t dc[16]
    memset(dc, 0, sizeof(dc))
    if read_dc(d, c, dc, H264_TABLE_8_13_SCAN_4X4[d.s.place.mb_field], CAT[c][0], nC_of(&d.s.cache.nnz[c][CACHE])):
        put_luma_dc(&d.s, c, dc)


cdef int read_8x8(SliceReader *d, int c, int b8, const int32_t *scale, uint8_t *cache) noexcept nogil:
    """Read one 8x8 transform block; the number of its levels."""
    cdef SliceContext *s = &d.s
    cdef int32_t *out = &s.mb.coef[256 * c + 64 * b8]
    cdef int n = 0, part
    if not s.seq.entropy_coding_mode_flag:
        for part in range(4):
            n += read_block(d, out, SCAN_8X8_CAVLC[s.place.mb_field][part], scale, CAT[c][3], cache + ENTRY[part])
        return n
    if s.seq.ChromaArrayType != 3 or cabac_coded_block_flag(d, CAT[c][3], flag_inc_of(cache)):
        n = cabac_block(d, out, H264_TABLE_8_14_SCAN_8X8[s.place.mb_field], scale, CAT[c][3])
    set_nnz_8x8(cache, n > 0)
    return n


cdef void read_luma(SliceReader *d, int c) noexcept nogil:
    """residual_luma( ) of the component c."""
    cdef SliceContext *s = &d.s
    cdef int intra16 = s.mb.flags & MB_INTRA16 != 0, kind = CAT[c][1 if intra16 else 2], k, n, b8
    cdef bint eight = s.mb.flags & MB_TRANSFORM8 != 0
    cdef const uint8_t *scan = H264_TABLE_8_13_SCAN_4X4[s.place.mb_field] + intra16
    cdef const int32_t *scale = scale_8x8(s, c) if eight else scale_4x4(s, c)
    cdef int32_t *out
    cdef uint8_t *cache
    codec_assert_range(0, c, 2)
    codec_assert_range(0, s.mb.cbp, 0x2F)
    codec_assert_range(0, s.place.mb_field, 1)
    if intra16:
        read_intra16_dc(d, c)
    for b8 in range(4):
        cache = &s.cache.nnz[c][CACHE] + ENTRY[4 * b8]
        out = &s.mb.coef[256 * c + 64 * b8]
        if not s.mb.cbp >> b8 & 1:
            set_nnz_8x8(cache, 0)
        elif eight:
            n = read_8x8(d, c, b8, scale, cache)
            s.mb.coded[c] |= mark(n, out[0] != 0) << (4 * b8)
        else:
            for k in range(4):
                n = read_block(d, out + 16 * k, scan, scale, kind, cache + ENTRY[k])
                if n:
                    s.mb.coded[c] |= mark(n, out[16 * k] != 0 and not intra16) << (4 * b8 + k)
        if d.fault:
            return


cdef void read_chroma_dc(SliceReader *d, int c) noexcept nogil:
    """ChromaDCLevel"""
    cdef int32_t dc[8]
    cdef int n
    memset(dc, 0, sizeof(dc))
    if d.s.seq.ChromaArrayType == 1:
        n = read_dc(d, c, dc, DC_2X2, KIND_DC_420, CHROMA_DC_420)
    else:
        n = read_dc(d, c, dc, DC_2X4, KIND_DC_422, CHROMA_DC_422)
    if n:
        put_chroma_dc(&d.s, c, dc)


cdef void read_chroma(SliceReader *d) noexcept nogil:
    """Chroma of 4:2:0 and 4:2:2."""
    cdef SliceContext *s = &d.s
    cdef int c, i, n, count = 4 if s.seq.ChromaArrayType == 1 else 8
    cdef const uint8_t *scan = H264_TABLE_8_13_SCAN_4X4[s.place.mb_field] + 1
    cdef const int32_t *scale
    for c in range(1, 3):
        read_chroma_dc(d, c)
    if s.mb.cbp >> 4 != 2:
        return
    for c in range(1, 3):
        scale = scale_4x4(s, c)
        for i in range(count):
            if d.fault == 0:
                n = read_block(d, &s.mb.coef[256 * c + 16 * i], scan, scale, KIND_AC_CHROMA,
                               &s.cache.nnz[c][CACHE + (i & 1) + 8 * (i >> 1)])
                s.mb.coded[c] |= mark(n, False) << i


cdef void read_residual(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int c
    choose_scaling(s)
    fill_nnz(s)
    read_luma(d, 0)
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        if s.mb.cbp >> 4:
            read_chroma(d)
    elif s.seq.ChromaArrayType == 3:
        for c in range(1, 3):
            if d.fault == 0:
                read_luma(d, c)
