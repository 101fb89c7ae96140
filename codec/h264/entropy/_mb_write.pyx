"""The macroblock layer (7.3.5) and its residual to any sink: the reverse of _mb_syntax.pyx, _cabac_mb.pyx and
_residual.pyx, for frame macroblocks of all formats but 4:2:2.

Macroblock, its Levels and the motion caches say what to write. The caches of the entropy coder (nnz, mvd, direct) are
filled on the way, as the readers fill them, so that store_context finds them.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint64_t
from libc.stdlib cimport abs
from libc.string cimport memcpy

from codec._core cimport BitWriter, codec_assert_range, put_bits
from codec.h264.entropy._cabac_mb cimport (
    MB_TYPE_I_, MB_SKIP_P, MB_TYPE_P_, SUB_MB_TYPE_P, MB_SKIP_B, MB_TYPE_B_, SUB_MB_TYPE_B, MVD_X, REF_IDX,
    MB_QP_DELTA, INTRA_CHROMA, PREV_INTRA_MODE, CBP_LUMA, CBP_CHROMA, TRANSFORM8,
)
from codec.h264.entropy._block_write cimport write_cabac_block, write_cavlc_block
from codec.h264.entropy._kinds cimport KIND_AC_CHROMA, KIND_DC_420
from codec.h264.entropy._writer cimport (
    Bins, CabacWriter, Levels, Sink, cabac_close, cabac_start, put, put_bin, put_bypass, put_se, put_te, put_terminate,
    put_ue,
)
from codec.h264.macroblock._context cimport may_have_8x8_transform
from codec.h264.macroblock._neighbours cimport (
    dc_inc, fill_direct_flags, fill_modes, fill_mvd, fill_nnz, flag_inc_of, nC_of, set_mvd, set_nnz_8x8,
)
from codec.h264.macroblock._slice cimport (
    CACHE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SLICE_I, SLICE_P, SUB_4X4, SUB_8X4, SliceContext,
    context_of,
)
from codec.h264.pictures._picture cimport (
    MB_DIRECT, MB_INTRA, MB_INTRA16, MB_INTRA_NXN, MB_PCM, MB_SKIP, MB_TRANSFORM8,
)
from codec.h264.tables.values cimport H264_TABLE_7_14_MB_TYPE_B, H264_TABLE_9_4_CBP, H264_TABLE_9_4_CBP_LUMA

cdef uint8_t[16] B4 = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
# ctxBlockCat of Intra16x16 DC, Intra16x16 AC, 4x4, 8x8 by component (Table 9-42); CAVLC has one for all
cdef uint8_t CAT[3][4]
CAT = [[0, 1, 2, 5], [6, 7, 8, 9], [10, 11, 12, 13]]
cdef uint8_t[16] ENTRY = [0, 1, 8, 9, 2, 3, 10, 11, 16, 17, 24, 25, 18, 19, 26, 27]
# codeNum of coded_block_pattern: [chroma coded][inter][coded_block_pattern]
cdef uint8_t CBP_CODE[2][2][48]
# mb_type of B slices by [PART_16X16, PART_16X8, PART_8X16][prediction of the first, of the last partition]
cdef uint8_t B_TYPE[3][4][4]

cdef void make_tables() noexcept:
    cdef int inter, code, mb_type, part
    for inter in range(2):
        for code in range(48):
            CBP_CODE[1][inter][H264_TABLE_9_4_CBP[inter][code]] = <uint8_t>code
        for code in range(16):
            CBP_CODE[0][inter][H264_TABLE_9_4_CBP_LUMA[inter][code]] = <uint8_t>code
    for mb_type in range(1, 22):
        row = H264_TABLE_7_14_MB_TYPE_B[mb_type]
        part = PART_16X16 if row.NumMbPart == 1 else PART_16X8 if row.MbPartWidth == 16 else PART_8X16
        B_TYPE[part][row.PredMode[0]][row.PredMode[row.NumMbPart - 1]] = <uint8_t>mb_type

make_tables()


cdef inline int flag_inc(SliceContext *s, int flags, int wanted) noexcept nogil:
    """See _cabac_mb.pyx."""
    cdef int a = s.around.left_mb[0], b = s.around.top_mb
    return (
        (a >= 0 and (s.pic.mb[a].flags & flags != 0) == wanted)
        + (b >= 0 and (s.pic.mb[b].flags & flags != 0) == wanted)
    )


# ---------------------------------------------------------------- mb_type

cdef void write_skip_flag(Bins sink, SliceContext *s, int skip) noexcept nogil:
    """mb_skip_flag"""
    put_bin(sink, (MB_SKIP_B if s.slice.slice_type == SLICE_B else MB_SKIP_P) + flag_inc(s, MB_SKIP, 0), skip)


cdef inline int intra_type(SliceContext *s) noexcept nogil:
    """mb_type of Table 7-11"""
    if s.mb.flags & MB_INTRA_NXN:
        return 0
    if s.mb.flags & MB_PCM:
        return 25
    return 1 + s.mb.intra16_mode + 4 * (s.mb.cbp >> 4) + (12 if s.mb.cbp & 15 else 0)


cdef void put_intra_type(Bins sink, SliceContext *s, int first, int base, int in_i_slice) noexcept nogil:
    """Table 9-36"""
    cdef int chroma = s.mb.cbp >> 4, mode = s.mb.intra16_mode
    put_bin(sink, first, 0 if s.mb.flags & MB_INTRA_NXN else 1)
    if s.mb.flags & MB_INTRA_NXN:
        return
    put_terminate(sink, 1 if s.mb.flags & MB_PCM else 0)
    if s.mb.flags & MB_PCM:
        return
    put_bin(sink, base + (3 if in_i_slice else 1), 1 if s.mb.cbp & 15 else 0)
    put_bin(sink, base + (4 if in_i_slice else 2), chroma != 0)
    if chroma:
        put_bin(sink, base + (5 if in_i_slice else 2), chroma == 2)
    put_bin(sink, base + (6 if in_i_slice else 3), mode >> 1)
    put_bin(sink, base + (7 if in_i_slice else 3), mode & 1)


cdef void put_b_type(Bins sink, SliceContext *s, int mb_type) noexcept nogil:
    """Table 9-37 for B slices; 23: the prefix of intra types."""
    cdef int a = s.around.left_mb[0], b = s.around.top_mb, bits, k
    cdef int inc = (a >= 0 and not context_of(s, a).mb_type_direct) + (b >= 0 and not context_of(s, b).mb_type_direct)
    put_bin(sink, MB_TYPE_B_ + inc, mb_type != 0)
    if mb_type == 0:
        return
    put_bin(sink, MB_TYPE_B_ + 3, mb_type > 2)
    if mb_type <= 2:
        put_bin(sink, MB_TYPE_B_ + 5, mb_type - 1)
        return
    bits = mb_type - 3
    if mb_type == 23:
        bits = 13
    elif mb_type == 11:
        bits = 14
    elif mb_type == 22:
        bits = 15
    elif mb_type > 11:
        bits = (mb_type + 4) >> 1
    for k in range(4):
        put_bin(sink, MB_TYPE_B_ + (5 if k else 4), bits >> (3 - k) & 1)
    if 12 <= mb_type <= 21:
        put_bin(sink, MB_TYPE_B_ + 5, (mb_type + 4) & 1)


cdef inline int inter_type(SliceContext *s) noexcept nogil:
    """mb_type of Tables 7-13 and 7-14"""
    if s.slice.slice_type == SLICE_P:
        return s.mb.part
    if s.mb.flags & MB_DIRECT:
        return 0
    if s.mb.part == PART_8X8:
        return 22
    return B_TYPE[s.mb.part][s.mb.pred_flag[0]][s.mb.pred_flag[3]]


cdef void write_type(Sink sink, SliceContext *s) noexcept nogil:
    """mb_type"""
    cdef int intra = s.mb.flags & MB_INTRA, mb_type = intra_type(s) if intra else inter_type(s)
    if Sink in Bins:
        if s.slice.slice_type == SLICE_I:
            put_intra_type(sink, s, MB_TYPE_I_ + flag_inc(s, MB_INTRA_NXN, 0), MB_TYPE_I_, 1)
        elif s.slice.slice_type == SLICE_B:
            put_b_type(sink, s, 23 if intra else mb_type)
            if intra:
                put_intra_type(sink, s, 32, 32, 0)
        else:
            put_bin(sink, MB_TYPE_P_, intra)
            if intra:
                put_intra_type(sink, s, 17, 17, 0)
            elif mb_type == PART_16X16 or mb_type == PART_8X8:
                put_bin(sink, MB_TYPE_P_ + 1, 0)
                put_bin(sink, MB_TYPE_P_ + 2, mb_type == PART_8X8)
            else:
                put_bin(sink, MB_TYPE_P_ + 1, 1)
                put_bin(sink, MB_TYPE_P_ + 3, mb_type == PART_16X8)
    else:
        if intra:
            mb_type += 0 if s.slice.slice_type == SLICE_I else 5 if s.slice.slice_type == SLICE_P else 23
        put_ue(sink, mb_type)


# ---------------------------------------------------------------- intra

cdef void write_intra_modes(Sink sink, SliceContext *s) noexcept nogil:
    """prev_intra4x4_pred_mode_flag ... (8.3.1.1, 8.3.2.1)"""
    cdef int i, b4, a, b, mode, predicted, entry, step = 4 if s.mb.flags & MB_TRANSFORM8 else 1
    fill_modes(s)
    i = 0
    while i < 16:
        b4 = B4[i]
        entry = CACHE + (b4 & 3) + 8 * (b4 >> 2)
        a, b = s.cache.mode[entry - 1], s.cache.mode[entry - 8]
        predicted = 2 if a < 0 or b < 0 else min(a, b)
        mode = s.mb.intra_mode[b4]
        s.cache.mode[entry] = <int8_t>mode
        if step == 4:
            s.cache.mode[entry + 1] = s.cache.mode[entry + 8] = s.cache.mode[entry + 9] = <int8_t>mode
        write_intra_mode(sink, mode, predicted)
        i += step


cdef void write_intra_mode(Sink sink, int mode, int predicted) noexcept nogil:
    """One prediction mode, from that of the neighbours."""
    cdef int rem = mode - (mode > predicted)
    if Sink in Bins:
        put_bin(sink, PREV_INTRA_MODE, mode == predicted)
        if mode != predicted:
            put_bin(sink, PREV_INTRA_MODE + 1, rem & 1)
            put_bin(sink, PREV_INTRA_MODE + 1, rem >> 1 & 1)
            put_bin(sink, PREV_INTRA_MODE + 1, rem >> 2)
    elif mode == predicted:
        put(sink, 1, 1)
    else:
        put(sink, rem, 4)


cdef void write_chroma_mode(Sink sink, SliceContext *s) noexcept nogil:
    """intra_chroma_pred_mode"""
    cdef int a = s.around.left_mb[0], b = s.around.top_mb, inc, mode = s.mb.intra_chroma_pred_mode
    if Sink in Bins:
        inc = (
            (a >= 0 and context_of(s, a).intra_chroma_pred_mode != 0)
            + (b >= 0 and context_of(s, b).intra_chroma_pred_mode != 0)
        )
        put_bin(sink, INTRA_CHROMA + inc, mode > 0)
        if mode > 0:
            put_bin(sink, INTRA_CHROMA + 3, mode > 1)
        if mode > 1:
            put_bin(sink, INTRA_CHROMA + 3, mode > 2)
    else:
        put_ue(sink, mode)


cdef void write_transform_size(Sink sink, SliceContext *s) noexcept nogil:
    """transform_size_8x8_flag"""
    cdef int flag = s.mb.flags & MB_TRANSFORM8 != 0
    if Sink in Bins:
        put_bin(sink, TRANSFORM8 + flag_inc(s, MB_TRANSFORM8, 1), flag)
    else:
        put(sink, flag, 1)


# ---------------------------------------------------------------- inter

cdef void write_ref(Sink sink, SliceContext *s, int list, int b8) noexcept nogil:
    """ref_idx_l0 or ref_idx_l1 of the partition that begins at this 8x8 block (9.3.3.1.1.6)."""
    cdef int entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2), ref = s.cache.ref[list][entry], inc
    cdef int most = s.slice.num_ref_idx_active[list] - 1
    codec_assert_range(0, ref, most)
    if most == 0:
        return
    if Sink in Bins:
        inc = ((s.cache.ref[list][entry - 1] > 0 and not s.cache.direct[entry - 1])
               + 2 * (s.cache.ref[list][entry - 8] > 0 and not s.cache.direct[entry - 8]))
        while ref:
            put_bin(sink, REF_IDX + inc, 1)
            inc = 4 if inc < 4 else 5
            ref -= 1
        put_bin(sink, REF_IDX + inc, 0)
    else:
        put_te(sink, ref, most)


cdef void put_mvd(Bins sink, SliceContext *s, int list, int entry, int component, int value) noexcept nogil:
    """UEG3 with uCoff 9 (9.3.2.3, 9.3.3.1.1.7)"""
    cdef int total = s.cache.mvd[list][entry - 1][component] + s.cache.mvd[list][entry - 8][component]
    cdef int first = MVD_X + 7 * component, inc = (total > 2) + (total > 32), magnitude = abs(value), k = 3
    for k in range(min(magnitude, 9)):
        put_bin(sink, first + inc, 1)
        inc = min(k + 3, 6)
    if magnitude < 9:
        put_bin(sink, first + inc, 0)
    else:
        magnitude -= 9
        k = 3
        while magnitude >= 1 << k:
            put_bypass(sink, 1)
            magnitude -= 1 << k
            k += 1
        put_bypass(sink, 0)
        while k:
            k -= 1
            put_bypass(sink, magnitude >> k & 1)
    if value:
        put_bypass(sink, value < 0)


cdef void write_mvd(Sink sink, SliceContext *s, int list, int x, int y, int w, int h) noexcept nogil:
    """mvd_l0 or mvd_l1 of a partition of w x h blocks"""
    cdef const int16_t *mvd = s.mb.mvd[list][4 * y + x]
    if Sink in Bins:
        put_mvd(sink, s, list, CACHE + x + 8 * y, 0, mvd[0])
        put_mvd(sink, s, list, CACHE + x + 8 * y, 1, mvd[1])
        set_mvd(s, list, x, y, w, h, min(abs(mvd[0]), 127), min(abs(mvd[1]), 127))
    else:
        put_se(sink, mvd[0])
        put_se(sink, mvd[1])


cdef void write_partitions(Sink sink, SliceContext *s) noexcept nogil:
    """mb_pred( ) of 16x16, 16x8, 8x16"""
    cdef int list, part, x, y, w = 4, h = 4, count = 1, step = 1, lists = 2 if s.slice.slice_type == SLICE_B else 1
    if s.mb.part == PART_16X8:
        h, count, step = 2, 2, 2
    elif s.mb.part == PART_8X16:
        w, count = 2, 2
    if Sink in Bins:
        fill_direct_flags(s)
    for list in range(lists):
        for part in range(count):
            if s.mb.pred_flag[3 * part] >> list & 1:
                write_ref(sink, s, list, part * step)
    for list in range(lists):
        if Sink in Bins:
            if (s.mb.pred_flag[0] | s.mb.pred_flag[3]) >> list & 1:
                fill_mvd(s, list, h)
        x = y = 0
        for part in range(count):
            if s.mb.pred_flag[3 * part] >> list & 1:
                write_mvd(sink, s, list, x, y, w, h)
            elif Sink in Bins:
                set_mvd(s, list, x, y, w, h, 0, 0)
            x, y = w & 2, h & 2


cdef void write_sub_types(Sink sink, SliceContext *s) noexcept nogil:
    """sub_mb_type: all of P slices, the 8x8 ones and direct of B slices (Table 9-38)"""
    cdef int b8, sub
    for b8 in range(4):
        if s.slice.slice_type == SLICE_P:
            sub = s.mb.sub_part[b8]                     # SUB_8X8, SUB_8X4, SUB_4X8, SUB_4X4, as Table 7-17
            if Sink in Bins:
                put_bin(sink, SUB_MB_TYPE_P, sub == 0)
                if sub:
                    put_bin(sink, SUB_MB_TYPE_P + 1, sub > 1)
                if sub > 1:
                    put_bin(sink, SUB_MB_TYPE_P + 2, sub == 2)
            else:
                put_ue(sink, sub)
            continue
        sub = 0 if s.mb.direct[b8] else s.mb.pred_flag[b8]      # 1, 2, 3: 8x8 from list 0, list 1, both
        if Sink in Bins:
            put_bin(sink, SUB_MB_TYPE_B, sub > 0)
            if sub:
                put_bin(sink, SUB_MB_TYPE_B + 1, sub == 3)
            if sub == 3:
                put_bin(sink, SUB_MB_TYPE_B + 2, 0)
                put_bin(sink, SUB_MB_TYPE_B + 3, 0)
                put_bin(sink, SUB_MB_TYPE_B + 3, 0)
            elif sub:
                put_bin(sink, SUB_MB_TYPE_B + 3, sub - 1)
        else:
            put_ue(sink, sub)


cdef void write_sub_partitions(Sink sink, SliceContext *s) noexcept nogil:
    """sub_mb_pred( )"""
    cdef int list, b8, i, w, h, x0, y0, lists = 2 if s.slice.slice_type == SLICE_B else 1
    write_sub_types(sink, s)
    if Sink in Bins:
        fill_direct_flags(s)
    for list in range(lists):
        for b8 in range(4):
            if not s.mb.direct[b8] and s.mb.pred_flag[b8] >> list & 1:
                write_ref(sink, s, list, b8)
    for list in range(lists):
        if Sink in Bins:
            fill_mvd(s, list, 1)
        for b8 in range(4):
            x0, y0 = 2 * (b8 & 1), b8 & 2
            if s.mb.direct[b8] or not s.mb.pred_flag[b8] >> list & 1:
                if Sink in Bins:
                    set_mvd(s, list, x0, y0, 2, 2, 0, 0)
                continue
            w = 1 if s.mb.sub_part[b8] & 2 else 2
            h = 1 if s.mb.sub_part[b8] == SUB_8X4 or s.mb.sub_part[b8] == SUB_4X4 else 2
            for i in range(4):
                if not ((w == 2 and i & 1) or (h == 2 and i >> 1)):
                    write_mvd(sink, s, list, x0 + (i & 1), y0 + (i >> 1), w, h)


# ---------------------------------------------------------------- coded_block_pattern, mb_qp_delta

cdef inline int luma_bit_unset(SliceContext *s, int mb, int b8) noexcept nogil:
    return mb >= 0 and not context_of(s, mb).cbp >> b8 & 1


cdef void write_cbp(Sink sink, SliceContext *s) noexcept nogil:
    """coded_block_pattern (9.1.2, 9.3.3.1.1.4)"""
    cdef int a, b, cbp = s.mb.cbp, left = s.around.left_mb[0]
    cdef int top = context_of(s, s.around.top_mb).cbp if s.around.top_mb >= 0 else 0x0F
    if Sink in Bins:
        put_bin(sink, CBP_LUMA + luma_bit_unset(s, left, 1) + (2 - (top >> 1 & 2)), cbp & 1)
        put_bin(sink, CBP_LUMA + 1 - (cbp & 1) + (2 - (top >> 2 & 2)), cbp >> 1 & 1)
        put_bin(sink, CBP_LUMA + luma_bit_unset(s, left, 3) + (2 - (cbp << 1 & 2)), cbp >> 2 & 1)
        put_bin(sink, CBP_LUMA + 1 - (cbp >> 2 & 1) + (2 - (cbp & 2)), cbp >> 3 & 1)
        if s.seq.ChromaArrayType == 1:
            a, b = context_of(s, left).cbp >> 4 if left >= 0 else 0, top >> 4
            put_bin(sink, CBP_CHROMA + (a != 0) + 2 * (b != 0), cbp >> 4 != 0)
            if cbp >> 4:
                put_bin(sink, CBP_CHROMA + 4 + (a == 2) + 2 * (b == 2), cbp >> 5)
    else:
        put_ue(sink, CBP_CODE[s.seq.ChromaArrayType == 1][0 if s.mb.flags & MB_INTRA else 1][cbp])


cdef void write_qp_delta(Sink sink, SliceContext *s, int before) noexcept nogil:
    """mb_qp_delta: Macroblock.mb_qp_delta, after that of the macroblock before"""
    cdef int delta = s.mb.mb_qp_delta, k, inc = before != 0
    if Sink in Bins:
        k = 2 * delta - 1 if delta > 0 else -2 * delta
        while k:
            put_bin(sink, MB_QP_DELTA + inc, 1)
            inc = 2 if inc < 2 else 3
            k -= 1
        put_bin(sink, MB_QP_DELTA + inc, 0)
    else:
        put_se(sink, delta)


# ---------------------------------------------------------------- residual

cdef inline int write_block(Sink sink, const int16_t *level, int kind, uint8_t *cache) noexcept nogil:
    """A block that has one place in the cache."""
    if Sink in Bins:
        cache[0] = <uint8_t>write_cabac_block(sink, level, kind, flag_inc_of(cache), 1)
    else:
        cache[0] = <uint8_t>write_cavlc_block(sink, level, kind, nC_of(cache))
    return cache[0]


cdef void write_8x8(Sink sink, SliceContext *s, const int16_t *level, int component, uint8_t *cache) noexcept nogil:
    """An 8x8 block that has levels (CAVLC, 4:4:4: or has none), in its 64 places of the scan."""
    cdef int16_t quarter[16]
    cdef int part, k
    if Sink in Bins:
        if s.seq.ChromaArrayType == 3:
            k = write_cabac_block(sink, level, CAT[component][3], flag_inc_of(cache), 1)
            set_nnz_8x8(cache, k)
        else:
            write_cabac_block(sink, level, 5, 0, 0)
            set_nnz_8x8(cache, 1)
    else:
        for part in range(4):
            for k in range(16):
                quarter[k] = level[4 * k + part]
            write_block(sink, quarter, 2, cache + ENTRY[part])


cdef void write_luma(Sink sink, SliceContext *s, const Levels *levels, int component) noexcept nogil:
    """residual_luma( ) of a component"""
    cdef int intra16 = s.mb.flags & MB_INTRA16 != 0, b8, k, n
    cdef uint8_t *cache = &s.cache.nnz[component][CACHE]
    cdef const int16_t *level
    cdef int kind = 1 if intra16 else 2
    if Sink in Bins:
        kind = CAT[component][kind]
    if intra16:
        if Sink in Bins:
            n = write_cabac_block(sink, levels.dc[component], CAT[component][0], dc_inc(s, component), 1)
        else:
            n = write_cavlc_block(sink, levels.dc[component], 0, nC_of(cache))
        s.mb.dc_coded |= <uint64_t>(n > 0) << component
    for b8 in range(4):
        cache = &s.cache.nnz[component][CACHE] + ENTRY[4 * b8]
        level = &levels.ac[component][64 * b8]
        if not s.mb.cbp >> b8 & 1:
            set_nnz_8x8(cache, 0)
        elif s.mb.flags & MB_TRANSFORM8:
            write_8x8(sink, s, level, component, cache)
        else:
            for k in range(4):
                write_block(sink, level + 16 * k + intra16, kind, cache + ENTRY[k])


cdef void write_chroma(Sink sink, SliceContext *s, const Levels *levels) noexcept nogil:
    cdef int c, i, n
    for c in range(1, 3):
        if Sink in Bins:
            n = write_cabac_block(sink, levels.dc[c], KIND_DC_420, dc_inc(s, c), 1)
        else:
            n = write_cavlc_block(sink, levels.dc[c], KIND_DC_420, -1)
        if n:
            s.mb.dc_coded |= 1ull << c
    if s.mb.cbp >> 4 != 2:
        return
    for c in range(1, 3):
        for i in range(4):
            write_block(sink, &levels.ac[c][16 * i + 1], KIND_AC_CHROMA,
                        &s.cache.nnz[c][CACHE + (i & 1) + 8 * (i >> 1)])


cdef void write_residual(Sink sink, SliceContext *s, const Levels *levels) noexcept nogil:
    """residual( ) of a macroblock with coded_block_pattern or Intra_16x16"""
    fill_nnz(s)
    write_luma(sink, s, levels, 0)
    if s.seq.ChromaArrayType == 3:
        write_luma(sink, s, levels, 1)
        write_luma(sink, s, levels, 2)
    elif s.mb.cbp >> 4:
        write_chroma(sink, s, levels)


# ---------------------------------------------------------------- the macroblock

cdef void write_macroblock(Sink sink, SliceContext *s, const Levels *levels, int before) noexcept nogil:
    """macroblock_layer( ) of a macroblock that is not skipped. before: mb_qp_delta of the one before it."""
    codec_assert_range(0, s.mb.cbp, 0x2F)
    s.mb.dc_coded = 0
    write_type(sink, s)
    if s.mb.flags & MB_PCM:                             # write_pcm follows
        return
    if s.mb.flags & MB_INTRA_NXN:
        if s.seq.transform_8x8_mode_flag:
            write_transform_size(sink, s)
        write_intra_modes(sink, s)
    if s.mb.flags & MB_INTRA:
        if s.seq.ChromaArrayType == 1:
            write_chroma_mode(sink, s)
    elif s.mb.part == PART_8X8:
        if not s.mb.flags & MB_DIRECT:
            write_sub_partitions(sink, s)
    else:
        write_partitions(sink, s)
    if not s.mb.flags & MB_INTRA16:
        write_cbp(sink, s)
        if s.mb.cbp & 15 and s.seq.transform_8x8_mode_flag and not s.mb.flags & MB_INTRA and may_have_8x8_transform(s):
            write_transform_size(sink, s)
    if s.mb.cbp == 0 and not s.mb.flags & MB_INTRA16:
        return
    write_qp_delta(sink, s, before)
    write_residual(sink, s, levels)


cdef void write_pcm(BitWriter *out, CabacWriter *cabac, SliceContext *s) noexcept nogil:
    """pcm_alignment_zero_bit and the samples of an I_PCM macroblock, which are in the picture. cabac: NULL with
    CAVLC."""
    cdef int c, y, size
    if cabac != NULL:
        cabac_close(cabac)
    elif out.count:
        put_bits(out, 0, 8 - out.count)
    for c in range(3 if s.seq.ChromaArrayType else 1):
        size = s.seq.chroma_width if c else 16
        for y in range(size):
            memcpy(out.next, s.place.dst[c] + y * s.place.stride[c], size)
            out.next += size
    out.acc = 0                                         # nothing is pending
    if cabac != NULL:
        cabac_start(cabac, out)
