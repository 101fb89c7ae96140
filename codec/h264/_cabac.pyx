"""CABAC (9.3): states, the syntax elements of the macroblock layer with their contexts (9.3.3.1), and the block of levels (7.3.5.3.3)."""
from libc.stdlib cimport abs

from codec.h264._slice cimport *
from codec.h264.tables.values cimport (
    H264_TABLE_9_12_CABAC_MN, H264_TABLE_9_40_CODED_BLOCK_FLAG, H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1,
    H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_43_LAST_INC,
    H264_TABLE_9_43_SIGNIFICANT_INC,
)

cdef enum:
    # ctxIdxOffset of Table 9-34
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

    LONGEST_SUFFIX = 24     # of Exp-Golomb suffixes: more cannot be of any level or vector


# ---------------------------------------------------------------- engine and states

cdef void cabac_open(SliceContext *s, const uint8_t *data, const uint8_t *end) noexcept nogil:
    """9.3.1.2; at least 8 zero bytes follow `end`."""
    cdef Cabac *c = &s.cabac
    c.range = 510
    c.offset = 0
    c.count = -9
    c.next = data
    c.end = end
    cabac_refill(c)


cdef void cabac_init_states(SliceContext *s, int column) noexcept nogil:
    """9.3.1.1: column 0 for I and SI slices, 1 + cabac_init_idc for others."""
    cdef int i, pre, qp = min(max(s.slice_qp, 0), 51)
    for i in range(1024):
        pre = ((H264_TABLE_9_12_CABAC_MN[column][i][0] * qp) >> 4) + H264_TABLE_9_12_CABAC_MN[column][i][1]
        pre = min(max(pre, 1), 126)
        s.state[i] = <uint8_t>((63 - pre) << 1 if pre <= 63 else (pre - 64) << 1 | 1)


cdef const uint8_t *cabac_pcm(SliceContext *s) noexcept nogil:
    """Where the samples of I_PCM begin: of what the encoder flushed after the terminating bin (Figure 9-34: 7 + 3 bits) the engine has read the last
    bit already; then come zeros to a byte."""
    return s.cabac.next - (s.cabac.count >> 3)


cdef inline int decide(SliceContext *s, int ctxIdx) noexcept nogil:
    return cabac_decision(&s.cabac, &s.state[ctxIdx])


cdef int cabac_end_of_slice_flag(SliceContext *s) noexcept nogil:
    return cabac_terminate(&s.cabac)


# ---------------------------------------------------------------- macroblock layer

cdef inline int flag_inc(SliceContext *s, int flags, int wanted) noexcept nogil:
    """How many of A and B are available and have one of these flags (wanted 1) or none (wanted 0)."""
    cdef int a = s.left_mb[0], b = s.top_mb
    return ((a >= 0 and (s.pic.mb[a].flags & flags != 0) == wanted) + (b >= 0 and (s.pic.mb[b].flags & flags != 0) == wanted))


cdef int cabac_mb_skip_flag(SliceContext *s) noexcept nogil:
    return decide(s, (MB_SKIP_B if s.slice_type == SLICE_B else MB_SKIP_P) + flag_inc(s, MB_SKIP, 0))


cdef int cabac_mb_field_decoding_flag(SliceContext *s) noexcept nogil:
    cdef int a = s.left_pair, b = s.top_pair
    return decide(s, MB_FIELD_FLAG + (a >= 0 and s.pic.mb[a].flags & MB_FIELD != 0) + (b >= 0 and s.pic.mb[b].flags & MB_FIELD != 0))


cdef int intra_mb_type(SliceContext *s, int first, int base, bint in_i_slice) noexcept nogil:
    """Table 9-36: 0..25, with the contexts of an I slice or those of the suffix in P and B slices (Table 9-39)."""
    cdef int mb_type
    if not decide(s, first):
        return 0
    if cabac_terminate(&s.cabac):
        return 25
    if in_i_slice:
        mb_type = 1 + 12 * decide(s, base + 3)
        if decide(s, base + 4):
            mb_type += 4 + 4 * decide(s, base + 5)
        mb_type += 2 * decide(s, base + 6)
        return mb_type + decide(s, base + 7)
    mb_type = 1 + 12 * decide(s, base + 1)
    if decide(s, base + 2):
        mb_type += 4 + 4 * decide(s, base + 2)
    mb_type += 2 * decide(s, base + 3)
    return mb_type + decide(s, base + 3)


cdef int b_mb_type(SliceContext *s) noexcept nogil:
    """Table 9-37 for B slices; 23 and more: intra."""
    cdef int a = s.left_mb[0], b = s.top_mb, bits
    cdef int inc = (a >= 0 and not s.mbs[a].mb_type_direct) + (b >= 0 and not s.mbs[b].mb_type_direct)
    if not decide(s, MB_TYPE_B_ + inc):
        return 0
    if not decide(s, MB_TYPE_B_ + 3):
        return 1 + decide(s, MB_TYPE_B_ + 5)
    bits = decide(s, MB_TYPE_B_ + 4) << 3
    bits |= decide(s, MB_TYPE_B_ + 5) << 2
    bits |= decide(s, MB_TYPE_B_ + 5) << 1
    bits |= decide(s, MB_TYPE_B_ + 5)
    if bits < 8:
        return bits + 3
    if bits == 13:
        return 23 + intra_mb_type(s, 32, 32, 0)
    if bits == 14:
        return 11
    if bits == 15:
        return 22
    return (bits << 1 | decide(s, MB_TYPE_B_ + 5)) - 4


cdef int cabac_mb_type(SliceContext *s) noexcept nogil:
    """mb_type as ue(v) would have it."""
    cdef int a = s.left_mb[0], b = s.top_mb
    if s.slice_type == SLICE_I:
        return intra_mb_type(s, MB_TYPE_I_ + flag_inc(s, MB_INTRA_NXN, 0), MB_TYPE_I_, 1)
    if s.slice_type == SLICE_B:
        return b_mb_type(s)
    if decide(s, MB_TYPE_P_):
        return 5 + intra_mb_type(s, 17, 17, 0)
    if not decide(s, MB_TYPE_P_ + 1):
        return 3 * decide(s, MB_TYPE_P_ + 2)            # 16x16, or 8x8
    return 2 - decide(s, MB_TYPE_P_ + 3)                # 8x16, or 16x8


cdef int cabac_sub_mb_type(SliceContext *s) noexcept nogil:
    """Table 9-38"""
    cdef int sub
    if s.slice_type != SLICE_B:
        if decide(s, SUB_MB_TYPE_P):
            return 0
        if not decide(s, SUB_MB_TYPE_P + 1):
            return 1
        return 3 - decide(s, SUB_MB_TYPE_P + 2)
    if not decide(s, SUB_MB_TYPE_B):
        return 0
    if not decide(s, SUB_MB_TYPE_B + 1):
        return 1 + decide(s, SUB_MB_TYPE_B + 3)
    sub = 3
    if decide(s, SUB_MB_TYPE_B + 2):
        if decide(s, SUB_MB_TYPE_B + 3):
            return 11 + decide(s, SUB_MB_TYPE_B + 3)
        sub = 7
    sub += 2 * decide(s, SUB_MB_TYPE_B + 3)
    return sub + decide(s, SUB_MB_TYPE_B + 3)


cdef int cabac_ref_idx(SliceContext *s, int list, int b8) noexcept nogil:
    """9.3.3.1.1.6; the reference indices of earlier partitions are in the cache, 0 where they are direct."""
    cdef int entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2), ref = 0
    cdef int inc = ((s.ref_cache[list][entry - 1] > 0 and not s.direct_cache[entry - 1])
                    + 2 * (s.ref_cache[list][entry - 8] > 0 and not s.direct_cache[entry - 8]))
    while decide(s, REF_IDX + inc):
        ref += 1
        if ref >= 32:
            note(s, FAULT_REF_IDX)
            return 0
        inc = 4 if inc < 4 else 5
    return ref


cdef int cabac_mvd(SliceContext *s, int list, int entry, int component) noexcept nogil:
    """9.3.2.3, 9.3.3.1.1.7: UEG3 with uCoff 9."""
    cdef Cabac c = s.cabac
    cdef uint8_t *state = &s.state[MVD_X + 7 * component]
    cdef int total = s.mvd_cache[list][entry - 1][component] + s.mvd_cache[list][entry - 8][component]
    cdef int mvd = 0, k = 3, inc = 0 if total < 3 else 1 if total <= 32 else 2
    while mvd < 9 and cabac_decision(&c, &state[inc]):
        mvd += 1
        inc = min(mvd + 2, 6)
    if mvd == 9:
        while cabac_bypass(&c):
            mvd += 1 << k
            k += 1
            if k > LONGEST_SUFFIX:
                note(s, FAULT_MVD)
                break
        while k:
            k -= 1
            mvd += cabac_bypass(&c) << k
    if mvd and cabac_bypass(&c):
        mvd = -mvd
    s.cabac = c
    return mvd


cdef int cabac_intra_mode(SliceContext *s) noexcept nogil:
    """prev_intra4x4_pred_mode_flag: -1, or rem_intra4x4_pred_mode."""
    cdef int mode
    if decide(s, PREV_INTRA_MODE):
        return -1
    mode = decide(s, PREV_INTRA_MODE + 1)
    mode |= decide(s, PREV_INTRA_MODE + 1) << 1
    return mode | decide(s, PREV_INTRA_MODE + 1) << 2


cdef int cabac_intra_chroma_pred_mode(SliceContext *s) noexcept nogil:
    cdef int a = s.left_mb[0], b = s.top_mb
    cdef int inc = (a >= 0 and s.mbs[a].intra_chroma_pred_mode != 0) + (b >= 0 and s.mbs[b].intra_chroma_pred_mode != 0)
    if not decide(s, INTRA_CHROMA + inc):
        return 0
    if not decide(s, INTRA_CHROMA + 3):
        return 1
    return 2 + decide(s, INTRA_CHROMA + 3)


cdef inline int luma_bit_unset(SliceContext *s, int mb, int b8) noexcept nogil:
    return mb >= 0 and not s.mbs[mb].cbp >> b8 & 1


cdef int cabac_coded_block_pattern(SliceContext *s) noexcept nogil:
    """9.3.3.1.1.4"""
    cdef Cabac c = s.cabac
    cdef uint8_t *state = &s.state[CBP_LUMA]
    cdef int cbp, a, b
    cdef int top = s.mbs[s.top_mb].cbp if s.top_mb >= 0 else 0x0F
    a = luma_bit_unset(s, s.left_mb[0], (s.left_row[0] & 2) + 1)
    cbp = cabac_decision(&c, &state[a + (2 - (top >> 1 & 2))])
    cbp |= cabac_decision(&c, &state[1 - cbp + (2 - (top >> 2 & 2))]) << 1
    a = luma_bit_unset(s, s.left_mb[2], (s.left_row[2] & 2) + 1)
    b = cabac_decision(&c, &state[a + (2 - (cbp << 1 & 2))])
    cbp |= b << 2
    cbp |= cabac_decision(&c, &state[1 - b + (2 - (cbp & 2))]) << 3
    if s.ChromaArrayType == 1 or s.ChromaArrayType == 2:
        a = s.mbs[s.left_mb[0]].cbp >> 4 if s.left_mb[0] >= 0 else 0
        b = top >> 4
        if cabac_decision(&c, &s.state[CBP_CHROMA + (a != 0) + 2 * (b != 0)]):
            cbp |= 16 << cabac_decision(&c, &s.state[CBP_CHROMA + 4 + (a == 2) + 2 * (b == 2)])
    s.cabac = c
    return cbp


cdef int cabac_mb_qp_delta(SliceContext *s) noexcept nogil:
    """9.3.3.1.1.5, mapped as se(v)."""
    cdef int k = 0, inc = s.mb_qp_delta != 0
    while decide(s, MB_QP_DELTA + inc):
        k += 1
        inc = 2 if k == 1 else 3
        if k > 200:
            note(s, FAULT_QP_DELTA)
            return 0
    return (k + 1) >> 1 if k & 1 else -(k >> 1)


cdef int cabac_transform_size_8x8_flag(SliceContext *s) noexcept nogil:
    return decide(s, TRANSFORM8 + flag_inc(s, MB_TRANSFORM8, 1))


# ---------------------------------------------------------------- levels

cdef inline int significance(Cabac *c, uint8_t *significant, uint8_t *last, int most, uint8_t *position) noexcept nogil:
    """significant_coeff_flag and last_significant_coeff_flag, ctxIdxInc = levelListIdx: number of positions."""
    cdef int i = 0, n = 0
    while i < most - 1:
        if cabac_decision(c, &significant[i]):
            position[n] = <uint8_t>i
            n += 1
            if cabac_decision(c, &last[i]):
                return n
        i += 1
    position[n] = <uint8_t>i
    return n + 1


cdef inline int significance_dc(Cabac *c, uint8_t *significant, uint8_t *last, int most, uint8_t *position) noexcept nogil:
    """The same for chroma DC: ctxIdxInc = Min(levelListIdx / NumC8x8, 2)."""
    cdef int i = 0, n = 0, inc
    while i < most - 1:
        inc = min(i // (most >> 2), 2)
        if cabac_decision(c, &significant[inc]):
            position[n] = <uint8_t>i
            n += 1
            if cabac_decision(c, &last[inc]):
                return n
        i += 1
    position[n] = <uint8_t>i
    return n + 1


cdef inline int significance_8x8(Cabac *c, uint8_t *significant, uint8_t *last, const uint8_t *table, uint8_t *position) noexcept nogil:
    """The same for 8x8 blocks: Table 9-43."""
    cdef int i = 0, n = 0
    while i < 63:
        if cabac_decision(c, &significant[table[i]]):
            position[n] = <uint8_t>i
            n += 1
            if cabac_decision(c, &last[H264_TABLE_9_43_LAST_INC[i]]):
                return n
        i += 1
    position[n] = <uint8_t>i
    return n + 1


cdef inline int escape(Cabac *c) noexcept nogil:
    """Exp-Golomb suffix of order 0; -1 where it is too long."""
    cdef int k = 0, value = 0
    while cabac_bypass(c):
        value += 1 << k
        k += 1
        if k > LONGEST_SUFFIX:
            return -1
    while k:
        k -= 1
        value += cabac_bypass(c) << k
    return value


cdef int cabac_block(SliceContext *s, int32_t *out, const uint8_t *scan, const int32_t *scale, int shift, int cat, int inc, int most) noexcept nogil:
    """residual_block_cabac(): number of levels. `inc` is that of coded_block_flag, -1 where it is inferred to be 1. Scaling: see cavlc_block."""
    cdef uint8_t position[64]
    cdef Cabac c = s.cabac
    cdef uint8_t *abs_state
    cdef uint8_t *significant
    cdef uint8_t *last
    cdef int n, i, level, value, equal1 = 1, greater1 = 0, rounding = 1 << shift >> 1, most_greater = 3 if cat == 3 else 4
    if inc >= 0 and not cabac_decision(&c, &s.state[H264_TABLE_9_40_CODED_BLOCK_FLAG[cat] + inc]):
        s.cabac = c
        return 0
    significant = &s.state[H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG[s.mb_field][cat]]
    last = &s.state[H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG[s.mb_field][cat]]
    abs_state = &s.state[H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1[cat]]
    if most == 64:
        n = significance_8x8(&c, significant, last, H264_TABLE_9_43_SIGNIFICANT_INC[s.mb_field], position)
    elif cat == 3:
        n = significance_dc(&c, significant, last, most, position)
    else:
        n = significance(&c, significant, last, most, position)
    i = n - 1
    while i >= 0:
        # coeff_abs_level_minus1, 9.3.3.1.3: contexts by how many levels of 1, and of more, came before
        level = 1
        if cabac_decision(&c, &abs_state[equal1 if greater1 == 0 else 0]):
            level = 2
            greater1 += 1
            while level < 15 and cabac_decision(&c, &abs_state[4 + min(greater1, most_greater + 1)]):
                level += 1
            if level == 15:
                value = escape(&c)
                if value < 0:
                    note(s, FAULT_COEFF)
                    break
                level += value
        elif equal1 < 4:
            equal1 += 1
        value = cabac_bypass_mask(&c)
        level = (level ^ value) - value
        value = scan[position[i]]
        out[value] = level if scale == NULL else (level * scale[value] + rounding) >> shift
        i -= 1
    s.cabac = c
    return n
