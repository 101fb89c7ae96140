"""CABAC: the other syntax elements of the macroblock layer, with their contexts (9.3.3.1).

They call cabac_decide of another module, which no compiler inlines: most of their bins come once per macroblock, and
copies of the engine would crowd the instruction cache.
"""
from codec.h264.entropy._cabac cimport cabac_decide, cabac_terminate
from codec.h264.entropy._reader cimport FAULT_QP_DELTA, FAULT_REF_IDX, SliceReader, note
from codec.h264.macroblock._slice cimport CACHE, SLICE_B, SLICE_I, SliceContext, context_of
from codec.h264.pictures._picture cimport MB_FIELD, MB_INTRA_NXN, MB_SKIP, MB_TRANSFORM8


cdef inline int flag_inc(SliceContext *s, int flags, int wanted) noexcept nogil:
    """How many of A and B are available and have one of these flags (wanted 1) or none of them (wanted 0)."""
    cdef int a = s.around.left_mb[0], b = s.around.top_mb
    return (
        (a >= 0 and (s.pic.mb[a].flags & flags != 0) == wanted)
        + (b >= 0 and (s.pic.mb[b].flags & flags != 0) == wanted)
    )


cdef int cabac_mb_skip_flag(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    return cabac_decide(d, (MB_SKIP_B if s.slice.slice_type == SLICE_B else MB_SKIP_P) + flag_inc(s, MB_SKIP, 0))


cdef int cabac_mb_field_decoding_flag(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int a = s.around.left_pair, b = s.around.top_pair
    cdef int inc = (a >= 0 and s.pic.mb[a].flags & MB_FIELD != 0) + (b >= 0 and s.pic.mb[b].flags & MB_FIELD != 0)
    return cabac_decide(d, MB_FIELD_FLAG + inc)


cdef int intra_mb_type(SliceReader *d, int first, int base, bint in_i_slice) noexcept nogil:
    """Table 9-36: 0..25, with the contexts of an I slice or those of the suffix in P and B slices (Table 9-39)."""
    cdef int mb_type
    if not cabac_decide(d, first):
        return 0
    if cabac_terminate(&d.cabac):
        return 25
    if in_i_slice:
        mb_type = 1 + 12 * cabac_decide(d, base + 3)
        if cabac_decide(d, base + 4):
            mb_type += 4 + 4 * cabac_decide(d, base + 5)
        mb_type += 2 * cabac_decide(d, base + 6)
        return mb_type + cabac_decide(d, base + 7)
    mb_type = 1 + 12 * cabac_decide(d, base + 1)
    if cabac_decide(d, base + 2):
        mb_type += 4 + 4 * cabac_decide(d, base + 2)
    mb_type += 2 * cabac_decide(d, base + 3)
    return mb_type + cabac_decide(d, base + 3)


cdef int b_mb_type(SliceReader *d) noexcept nogil:
    """Table 9-37 for B slices; 23 and more: intra."""
    cdef SliceContext *s = &d.s
    cdef int a = s.around.left_mb[0], b = s.around.top_mb, bits
    cdef int inc = (a >= 0 and not context_of(s, a).mb_type_direct) + (b >= 0 and not context_of(s, b).mb_type_direct)
    if not cabac_decide(d, MB_TYPE_B_ + inc):
        return 0
    if not cabac_decide(d, MB_TYPE_B_ + 3):
        return 1 + cabac_decide(d, MB_TYPE_B_ + 5)
    bits = cabac_decide(d, MB_TYPE_B_ + 4) << 3
    bits |= cabac_decide(d, MB_TYPE_B_ + 5) << 2
    bits |= cabac_decide(d, MB_TYPE_B_ + 5) << 1
    bits |= cabac_decide(d, MB_TYPE_B_ + 5)
    if bits < 8:
        return bits + 3
    if bits == 13:
        return 23 + intra_mb_type(d, 32, 32, 0)
    if bits == 14:
        return 11
    if bits == 15:
        return 22
    return (bits << 1 | cabac_decide(d, MB_TYPE_B_ + 5)) - 4


cdef int cabac_mb_type(SliceReader *d) noexcept nogil:
    """mb_type, as ue(v) codes it."""
    cdef SliceContext *s = &d.s
    cdef int a = s.around.left_mb[0], b = s.around.top_mb
    if s.slice.slice_type == SLICE_I:
        return intra_mb_type(d, MB_TYPE_I_ + flag_inc(s, MB_INTRA_NXN, 0), MB_TYPE_I_, 1)
    if s.slice.slice_type == SLICE_B:
        return b_mb_type(d)
    if cabac_decide(d, MB_TYPE_P_):
        return 5 + intra_mb_type(d, 17, 17, 0)
    if not cabac_decide(d, MB_TYPE_P_ + 1):
        return 3 * cabac_decide(d, MB_TYPE_P_ + 2)            # 16x16, or 8x8
    return 2 - cabac_decide(d, MB_TYPE_P_ + 3)                # 8x16, or 16x8


cdef int cabac_sub_mb_type(SliceReader *d) noexcept nogil:
    """Table 9-38"""
    cdef SliceContext *s = &d.s
    cdef int sub
    if s.slice.slice_type != SLICE_B:
        if cabac_decide(d, SUB_MB_TYPE_P):
            return 0
        if not cabac_decide(d, SUB_MB_TYPE_P + 1):
            return 1
        return 3 - cabac_decide(d, SUB_MB_TYPE_P + 2)
    if not cabac_decide(d, SUB_MB_TYPE_B):
        return 0
    if not cabac_decide(d, SUB_MB_TYPE_B + 1):
        return 1 + cabac_decide(d, SUB_MB_TYPE_B + 3)
    sub = 3
    if cabac_decide(d, SUB_MB_TYPE_B + 2):
        if cabac_decide(d, SUB_MB_TYPE_B + 3):
            return 11 + cabac_decide(d, SUB_MB_TYPE_B + 3)
        sub = 7
    sub += 2 * cabac_decide(d, SUB_MB_TYPE_B + 3)
    return sub + cabac_decide(d, SUB_MB_TYPE_B + 3)


cdef int cabac_ref_idx(SliceReader *d, int list, int b8) noexcept nogil:
    """9.3.3.1.1.6; the cache has the reference indices of earlier partitions, 0 for direct ones. At most 31."""
    cdef SliceContext *s = &d.s
    cdef int entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2), ref = 0
    cdef int inc = ((s.cache.ref[list][entry - 1] > 0 and not s.cache.direct[entry - 1])
                    + 2 * (s.cache.ref[list][entry - 8] > 0 and not s.cache.direct[entry - 8]))
    while cabac_decide(d, REF_IDX + inc):
        ref += 1
        if ref >= 32:
            note(d, FAULT_REF_IDX)
            return 0
        inc = 4 if inc < 4 else 5
    return ref


cdef int cabac_intra_mode(SliceReader *d) noexcept nogil:
    """prev_intra4x4_pred_mode_flag (-1), or rem_intra4x4_pred_mode."""
    cdef int mode
    if cabac_decide(d, PREV_INTRA_MODE):
        return -1
    mode = cabac_decide(d, PREV_INTRA_MODE + 1)
    mode |= cabac_decide(d, PREV_INTRA_MODE + 1) << 1
    return mode | cabac_decide(d, PREV_INTRA_MODE + 1) << 2


cdef int cabac_intra_chroma_pred_mode(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int a = s.around.left_mb[0], b = s.around.top_mb
    cdef int inc = (
        (a >= 0 and context_of(s, a).intra_chroma_pred_mode != 0)
        + (b >= 0 and context_of(s, b).intra_chroma_pred_mode != 0)
    )
    if not cabac_decide(d, INTRA_CHROMA + inc):
        return 0
    if not cabac_decide(d, INTRA_CHROMA + 3):
        return 1
    return 2 + cabac_decide(d, INTRA_CHROMA + 3)


cdef inline int luma_bit_unset(SliceContext *s, int mb, int b8) noexcept nogil:
    return mb >= 0 and not context_of(s, mb).cbp >> b8 & 1


cdef int cabac_coded_block_pattern(SliceReader *d) noexcept nogil:
    """9.3.3.1.1.4"""
    cdef SliceContext *s = &d.s
    cdef int cbp, a, b
    cdef int top = context_of(s, s.around.top_mb).cbp if s.around.top_mb >= 0 else 0x0F
    a = luma_bit_unset(s, s.around.left_mb[0], (s.around.left_row[0] & 2) + 1)
    cbp = cabac_decide(d, CBP_LUMA + a + (2 - (top >> 1 & 2)))
    cbp |= cabac_decide(d, CBP_LUMA + 1 - cbp + (2 - (top >> 2 & 2))) << 1
    a = luma_bit_unset(s, s.around.left_mb[2], (s.around.left_row[2] & 2) + 1)
    b = cabac_decide(d, CBP_LUMA + a + (2 - (cbp << 1 & 2)))
    cbp |= b << 2
    cbp |= cabac_decide(d, CBP_LUMA + 1 - b + (2 - (cbp & 2))) << 3
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        a = context_of(s, s.around.left_mb[0]).cbp >> 4 if s.around.left_mb[0] >= 0 else 0
        b = top >> 4
        if cabac_decide(d, CBP_CHROMA + (a != 0) + 2 * (b != 0)):
            cbp |= 16 << cabac_decide(d, CBP_CHROMA + 4 + (a == 2) + 2 * (b == 2))
    return cbp


cdef int cabac_mb_qp_delta(SliceReader *d) noexcept nogil:
    """9.3.3.1.1.5, mapped as se(v)."""
    cdef SliceContext *s = &d.s
    cdef int k = 0, inc = s.mb.mb_qp_delta != 0
    while cabac_decide(d, MB_QP_DELTA + inc):
        k += 1
        inc = 2 if k == 1 else 3
        if k > 200:
            note(d, FAULT_QP_DELTA)
            return 0
    return (k + 1) >> 1 if k & 1 else -(k >> 1)


cdef int cabac_transform_size_8x8_flag(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    return cabac_decide(d, TRANSFORM8 + flag_inc(s, MB_TRANSFORM8, 1))
