"""The macroblock layer (7.3.5) without its residual, for both entropy coders, with the checks of 7.4.5.

Syntax elements go into SliceContext.mb. Every value is in the range that later stages rely on, or a fault is noted.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int64_t
from libc.stdlib cimport abs
from libc.string cimport memset

from codec._core cimport BitReader, codec_assert_range, refill
from codec.h264.entropy._cabac cimport cabac_mvd, cabac_open, cabac_pcm
from codec.h264.entropy._cabac_mb cimport (
    cabac_coded_block_pattern, cabac_intra_chroma_pred_mode, cabac_intra_mode, cabac_mb_qp_delta, cabac_mb_type,
    cabac_ref_idx, cabac_sub_mb_type, cabac_transform_size_8x8_flag,
)
from codec.h264.entropy._cavlc cimport bit_position, read_se, read_te, read_u1, read_ue, take
from codec.h264.entropy._reader cimport (
    FAULT_CBP, FAULT_END, FAULT_INTRA, FAULT_MB_TYPE, FAULT_MVD, FAULT_PARTITION_B, FAULT_PARTITION_C,
    FAULT_QP_DELTA, FAULT_REFERENCE, FAULT_REF_IDX, FAULT_SUB_MB_TYPE, SliceReader, note,
)
from codec.h264.entropy._residual cimport read_residual
from codec.h264.macroblock._context cimport begin_macroblock, may_have_8x8_transform, set_chroma_qp
from codec.h264.macroblock._direct cimport set_whole_direct
from codec.h264.macroblock._intra cimport MODE_NEEDS
from codec.h264.macroblock._kernels cimport H264_LEFT, H264_TOP
from codec.h264.macroblock._neighbours cimport (
    fill_corners, fill_direct_flags, fill_modes, fill_motion, fill_mvd, set_intra_availability, set_mvd,
)
from codec.h264.macroblock._slice cimport (
    CACHE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SLICE_I, SLICE_P, SUB_4X4, SUB_8X4, SUB_8X8, UNUSED,
    SliceContext,
)
from codec.h264.pictures._picture cimport MB_INTRA, MB_INTRA16, MB_INTRA_NXN, MB_PCM, MB_SI, MB_TRANSFORM8
from codec.h264.tables.values cimport (
    H264_DIRECT, H264_TABLE_7_11_MB_TYPE_I, H264_TABLE_7_13_MB_TYPE_P, H264_TABLE_7_14_MB_TYPE_B,
    H264_TABLE_7_17_SUB_MB_TYPE_P, H264_TABLE_7_18_SUB_MB_TYPE_B, H264_TABLE_9_4_CBP, H264_TABLE_9_4_CBP_LUMA,
    H264Intra16x16Type, H264MbType, H264SubMbType,
)

# 4x4 blocks in raster order by luma4x4BlkIdx (6.4.3)
cdef uint8_t[16] B4 = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]


# ---------------------------------------------------------------- partitions

cdef void exchange(SliceReader *d, int k) noexcept nogil:
    """Let `bits` read partition B (k 0) or C (k 1), or A again."""
    codec_assert_range(0, k, 1)
    d.bits, d.partition[k].bits = d.partition[k].bits, d.bits
    d.last_bit, d.partition[k].last_bit = d.partition[k].last_bit, d.last_bit


cdef void read_partition(SliceReader *d, int k, void (*read)(SliceReader *) noexcept nogil) noexcept nogil:
    """Call `read` for elements of category 3 (k 0) or 4 (k 1), from their own partition if there are partitions."""
    cdef SliceContext *s = &d.s
    if not s.slice.partitioned:
        read(d)
        return
    if not d.partition[k].present:
        note(d, FAULT_PARTITION_C if k else FAULT_PARTITION_B)
        return
    exchange(d, k)
    read(d)
    if bit_position(&d.bits) > d.last_bit:
        note(d, FAULT_END)
    exchange(d, k)


# ---------------------------------------------------------------- I_PCM

cdef void read_pcm(SliceReader *d) noexcept nogil:
    """pcm_sample_luma, pcm_sample_chroma: straight into the picture."""
    cdef SliceContext *s = &d.s
    cdef BitReader r
    cdef const uint8_t *start
    cdef const uint8_t *end = d.bits.data + d.bits.size
    cdef int64_t bits = 256 * s.seq.bit_depth[0]
    cdef int planes = 3 if s.seq.ChromaArrayType else 1
    cdef int c, x, y, w = 16, h = 16, depth = s.seq.bit_depth[0]
    cdef uint8_t *row
    if planes == 3:
        bits += 2 * s.seq.chroma_width * s.seq.chroma_height * s.seq.bit_depth[1]
    start = cabac_pcm(d) if s.seq.entropy_coding_mode_flag else d.bits.data + ((bit_position(&d.bits) + 7) >> 3)
    if start > end or (end - start) * 8 < bits:
        note(d, FAULT_END)
        return
    r = d.bits
    r.data = start
    r.size = end - start
    r.pos = r.count = 0
    r.acc = 0
    for c in range(planes):
        if c:
            w, h, depth = s.seq.chroma_width, s.seq.chroma_height, s.seq.bit_depth[1]
        for y in range(h):
            row = s.place.dst[c] + y * s.place.stride[c]
            for x in range(w):
                if r.count < 16:
                    refill(&r)
                if s.seq.pixel_shift:
                    (<uint16_t *>row)[x] = <uint16_t>take(&r, depth)
                else:
                    row[x] = <uint8_t>take(&r, 8)
    start += bits >> 3
    if s.seq.entropy_coding_mode_flag:
        cabac_open(d, start, end)
    else:
        d.bits.pos = start - d.bits.data
        d.bits.count = 0
        d.bits.acc = 0


# ---------------------------------------------------------------- intra

cdef inline int blocks_without_left(SliceContext *s) noexcept nogil:
    """Blocks of the left column whose left samples are not available: bit b4."""
    return (0 if s.around.left_half_avail & 1 else 0x0011) | (0 if s.around.left_half_avail & 2 else 0x1100)


cdef void read_intra_modes(SliceReader *d) noexcept nogil:
    """prev_intra4x4_pred_mode_flag ..., and their derivation (8.3.1.1, 8.3.2.1)."""
    cdef SliceContext *s = &d.s
    cdef int i, b4, rem, a, b, mode, entry, missing, step = 4 if s.mb.flags & MB_TRANSFORM8 else 1
    cdef int no_left = blocks_without_left(s), no_top = 0 if s.around.intra_avail & H264_TOP else 0x000F
    fill_modes(s)
    i = 0
    while i < 16:
        b4 = B4[i]
        entry = CACHE + (b4 & 3) + 8 * (b4 >> 2)
        a, b = s.cache.mode[entry - 1], s.cache.mode[entry - 8]
        mode = 2 if a < 0 or b < 0 else min(a, b)
        if s.seq.entropy_coding_mode_flag:
            rem = cabac_intra_mode(d)
        else:
            rem = -1 if read_u1(&d.bits) else <int>take(&d.bits, 3)
        if rem >= 0:
            mode = rem + (rem >= mode)
        missing = (no_left >> b4 & 1) * H264_LEFT | (no_top >> b4 & 1) * H264_TOP
        codec_assert_range(0, mode, 8)
        if MODE_NEEDS[mode] & missing:
            note(d, FAULT_INTRA)
            mode = 2
        s.cache.mode[entry] = s.mb.intra_mode[b4] = <int8_t>mode
        if step == 4:
            s.cache.mode[entry + 1] = s.cache.mode[entry + 8] = s.cache.mode[entry + 9] = <int8_t>mode
            s.mb.intra_mode[b4 + 1] = s.mb.intra_mode[b4 + 4] = s.mb.intra_mode[b4 + 5] = <int8_t>mode
        i += step


cdef void read_intra_chroma_mode(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int mode = cabac_intra_chroma_pred_mode(d) if s.seq.entropy_coding_mode_flag else read_ue(&d.bits)
    cdef int needed = 0 if mode == 0 else H264_LEFT if mode == 1 else H264_TOP if mode == 2 else H264_LEFT | H264_TOP
    if mode > 3 or s.around.intra_avail & needed != needed:
        note(d, FAULT_INTRA)
        mode = 0
    s.mb.intra_chroma_pred_mode = mode


cdef void check_intra16_mode(SliceReader *d) noexcept nogil:
    """Table 8-4: vertical, horizontal, DC, plane."""
    cdef SliceContext *s = &d.s
    cdef int mode = s.mb.intra16_mode
    cdef int needed = H264_TOP if mode == 0 else H264_LEFT if mode == 1 else 0 if mode == 2 else H264_LEFT | H264_TOP
    if s.around.intra_avail & needed != needed:
        note(d, FAULT_INTRA)
        s.mb.intra16_mode = 2


cdef inline void read_transform_size(SliceReader *d) noexcept nogil:
    """transform_size_8x8_flag"""
    if cabac_transform_size_8x8_flag(d) if d.s.seq.entropy_coding_mode_flag else read_u1(&d.bits):
        d.s.mb.flags |= MB_TRANSFORM8


cdef int read_intra(SliceReader *d, int mb_type) noexcept nogil:
    """An intra macroblock up to coded_block_pattern; false if nothing follows (I_PCM, or a fault)."""
    cdef SliceContext *s = &d.s
    cdef const H264Intra16x16Type *row
    if mb_type > 25:
        note(d, FAULT_MB_TYPE)
        return 0
    s.mb.flags |= MB_INTRA
    if mb_type == 25:
        s.mb.flags |= MB_PCM
        read_partition(d, 0, read_pcm)
        return 0
    set_intra_availability(s)
    if mb_type == 0:
        s.mb.flags |= MB_INTRA_NXN
        if s.seq.transform_8x8_mode_flag:
            read_transform_size(d)
        read_intra_modes(d)
    else:
        s.mb.flags |= MB_INTRA16
        row = &H264_TABLE_7_11_MB_TYPE_I[mb_type]
        s.mb.intra16_mode = row.Intra16x16PredMode
        check_intra16_mode(d)
        s.mb.cbp = row.CodedBlockPatternLuma | row.CodedBlockPatternChroma << 4
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        read_intra_chroma_mode(d)
    if (s.seq.ChromaArrayType == 0 or s.seq.ChromaArrayType == 3) and s.mb.cbp >> 4:
        note(d, FAULT_MB_TYPE)
    return d.fault == 0


# ---------------------------------------------------------------- inter

cdef int read_one_ref(SliceReader *d, int list, int b8, int most) noexcept nogil:
    """ref_idx_l0 or ref_idx_l1 of one partition: 0 to most, which is at most 31."""
    cdef SliceContext *s = &d.s
    cdef int ref = 0
    codec_assert_range(0, most, 31)
    codec_assert_range(0, b8, 3)
    if most > 0:
        ref = cabac_ref_idx(d, list, b8) if s.seq.entropy_coding_mode_flag else read_te(&d.bits, most)
    if ref > most:
        note(d, FAULT_REF_IDX)
        return 0
    if s.refs.entry[s.place.kind][list][ref].picture == NULL:
        note(d, FAULT_REFERENCE)
    return ref


cdef inline void set_ref(SliceContext *s, int list, int b8, int wide, int ref) noexcept nogil:
    """Put ref_idx of a partition into the cache, for the next context; wide: its 8x8 blocks, width | height << 2."""
    cdef int8_t *cache = &s.cache.ref[list][CACHE + 2 * (b8 & 1) + 8 * (b8 & 2)]
    cdef int row
    for row in range(2 * (wide >> 2)):
        memset(cache + 8 * row, ref, 2 * (wide & 3))


cdef void read_references(SliceReader *d, int partitions, int step, int wide) noexcept nogil:
    """ref_idx_l0, ref_idx_l1 of all partitions, into ref_idx and the cache; step: 8x8 blocks from one partition to the
    next; wide: see set_ref."""
    cdef SliceContext *s = &d.s
    cdef int list, part, b8, ref, most
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        most = (s.slice.num_ref_idx_active[list] << (s.place.kind > 0)) - 1
        for part in range(partitions):
            b8 = part * step
            if s.mb.direct[b8]:
                ref = 0                                 # 9.3.3.1.1.6: predicted in direct mode does not count
            elif s.mb.pred_flag[b8] >> list & 1:
                ref = read_one_ref(d, list, b8, most)
            else:
                ref = UNUSED
            s.mb.ref_idx[list][b8] = <int8_t>ref
            if s.seq.entropy_coding_mode_flag and partitions > 1:
                set_ref(s, list, b8, wide, ref)


cdef void read_mvd(SliceReader *d, int list, int x, int y, int w, int h) noexcept nogil:
    """mvd_l0 or mvd_l1 of one partition of w x h blocks."""
    cdef SliceContext *s = &d.s
    cdef int16_t *mvd = s.mb.mvd[list][4 * y + x]
    cdef int mvdx, mvdy, pair[2]
    codec_assert_range(0, list, 1)
    codec_assert_range(0, x, 4 - w)
    codec_assert_range(0, y, 4 - h)
    if s.seq.entropy_coding_mode_flag:
        cabac_mvd(d, list, CACHE + x + 8 * y, pair)
        mvdx, mvdy = pair[0], pair[1]
        set_mvd(s, list, x, y, w, h, min(abs(mvdx), 127), min(abs(mvdy), 127))
    else:
        mvdx = read_se(&d.bits)
        mvdy = read_se(&d.bits)
    if abs(mvdx) > 32767 or abs(mvdy) > 32767:
        note(d, FAULT_MVD)
        mvdx = mvdy = 0
    mvd[0] = <int16_t>mvdx
    mvd[1] = <int16_t>mvdy


cdef void read_partitions(SliceReader *d, const H264MbType *row) noexcept nogil:
    """mb_pred( ) of 16x16, 16x8, 8x16."""
    cdef SliceContext *s = &d.s
    cdef int list, part, x, y, w = 4, h = 4, i
    s.mb.part = PART_16X16 if row.NumMbPart == 1 else PART_16X8 if row.MbPartWidth == 16 else PART_8X16
    s.mb.pred_flag[0], s.mb.pred_flag[3] = row.PredMode[0], row.PredMode[row.NumMbPart - 1]
    s.mb.pred_flag[1] = s.mb.pred_flag[3 if s.mb.part == PART_8X16 else 0]
    s.mb.pred_flag[2] = s.mb.pred_flag[3 if s.mb.part == PART_16X8 else 0]
    if s.mb.part == PART_8X16:
        w = 2
    elif s.mb.part == PART_16X8:
        h = 2
    for i in range(4):
        s.mb.sub_part[i] = SUB_8X8
    if s.seq.entropy_coding_mode_flag:
        fill_direct_flags(s)
    read_references(d, row.NumMbPart, 2 if s.mb.part == PART_16X8 else 1, w >> 1 | h << 1)
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if s.seq.entropy_coding_mode_flag and (s.mb.pred_flag[0] | s.mb.pred_flag[3]) >> list & 1:
            fill_mvd(s, list, h)
        x = y = 0
        for part in range(row.NumMbPart):
            if s.mb.pred_flag[3 * part] >> list & 1:
                read_mvd(d, list, x, y, w, h)
            elif s.seq.entropy_coding_mode_flag:
                set_mvd(s, list, x, y, w, h, 0, 0)
            x, y = w & 2, h & 2


cdef void read_sub_types(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int b8, sub, most = 12 if s.slice.slice_type == SLICE_B else 3
    cdef const H264SubMbType *row
    for b8 in range(4):
        sub = cabac_sub_mb_type(d) if s.seq.entropy_coding_mode_flag else read_ue(&d.bits)
        if sub > most:
            note(d, FAULT_SUB_MB_TYPE)
            sub = 1
        row = &H264_TABLE_7_18_SUB_MB_TYPE_B[sub] if most == 12 else &H264_TABLE_7_17_SUB_MB_TYPE_P[sub]
        s.mb.direct[b8] = row.SubMbPredMode == H264_DIRECT
        s.mb.pred_flag[b8] = 0 if s.mb.direct[b8] else row.SubMbPredMode
        # SUB_8X8, SUB_8X4, SUB_4X8, SUB_4X4
        s.mb.sub_part[b8] = 2 * (row.SubMbPartWidth == 4) + (row.SubMbPartHeight == 4)


cdef void read_sub_partitions(SliceReader *d, bint ref0) noexcept nogil:
    """sub_mb_pred( ); ref0: P_8x8ref0."""
    cdef SliceContext *s = &d.s
    cdef int list, b8, i, w, h, x0, y0
    s.mb.part = PART_8X8
    read_sub_types(d)
    if s.seq.entropy_coding_mode_flag:
        fill_direct_flags(s)
    if ref0:
        for b8 in range(4):
            s.mb.ref_idx[0][b8] = 0
        if s.refs.entry[s.place.kind][0][0].picture == NULL:
            note(d, FAULT_REFERENCE)
    else:
        read_references(d, 4, 1, 1 | 1 << 2)
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if s.seq.entropy_coding_mode_flag:
            fill_mvd(s, list, 1)
        for b8 in range(4):
            x0, y0 = 2 * (b8 & 1), b8 & 2
            if s.mb.direct[b8] or not s.mb.pred_flag[b8] >> list & 1:
                if s.seq.entropy_coding_mode_flag:
                    set_mvd(s, list, x0, y0, 2, 2, 0, 0)
                continue
            w = 1 if s.mb.sub_part[b8] & 2 else 2
            h = 1 if s.mb.sub_part[b8] == SUB_8X4 or s.mb.sub_part[b8] == SUB_4X4 else 2
            for i in range(4):
                if not ((w == 2 and i & 1) or (h == 2 and i >> 1)):
                    read_mvd(d, list, x0 + (i & 1), y0 + (i >> 1), w, h)


cdef void read_inter(SliceReader *d, int mb_type) noexcept nogil:
    cdef SliceContext *s = &d.s
    if s.slice.slice_type == SLICE_B and mb_type == 0:
        if s.slice.direct_spatial_mv_pred_flag:
            fill_corners(s)
        set_whole_direct(s)
        return
    fill_motion(s)
    if s.slice.slice_type == SLICE_B:
        if mb_type == 22:
            read_sub_partitions(d, 0)
        else:
            read_partitions(d, &H264_TABLE_7_14_MB_TYPE_B[mb_type])
    elif mb_type >= 3:
        read_sub_partitions(d, mb_type == 4)
    else:
        read_partitions(d, &H264_TABLE_7_13_MB_TYPE_P[mb_type])


# ---------------------------------------------------------------- the rest

cdef void read_cbp(SliceReader *d) noexcept nogil:
    cdef SliceContext *s = &d.s
    cdef int code, inter = 0 if s.mb.flags & MB_INTRA else 1
    if s.seq.entropy_coding_mode_flag:
        s.mb.cbp = cabac_coded_block_pattern(d)
        return
    code = read_ue(&d.bits)
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        if code > 47:
            note(d, FAULT_CBP)
        else:
            s.mb.cbp = H264_TABLE_9_4_CBP[inter][code]
    elif code > 15:
        note(d, FAULT_CBP)
    else:
        s.mb.cbp = H264_TABLE_9_4_CBP_LUMA[inter][code]


cdef void read_qp_delta(SliceReader *d) noexcept nogil:
    """mb_qp_delta and (7-37)"""
    cdef SliceContext *s = &d.s
    cdef int off = s.seq.QpBdOffset[0]
    cdef int delta = cabac_mb_qp_delta(d) if s.seq.entropy_coding_mode_flag else read_se(&d.bits)
    if delta < -(26 + off // 2) or delta > 25 + off // 2:
        note(d, FAULT_QP_DELTA)
        return
    s.mb.mb_qp_delta = delta
    if delta:
        # the dividend is at least -off - (26 + off / 2) + 52 + 2 * off > 0
        s.mb.qp = (s.mb.qp + delta + 52 + 2 * off) % (52 + off) - off
        set_chroma_qp(s)


cdef void read_macroblock(SliceReader *d) noexcept nogil:
    """macroblock_layer( ) of a macroblock that is not skipped; enter( ) was called."""
    cdef SliceContext *s = &d.s
    cdef int mb_type, first_intra
    begin_macroblock(s)
    mb_type = cabac_mb_type(d) if s.seq.entropy_coding_mode_flag else read_ue(&d.bits)
    if s.slice.si_slice:                                      # Table 7-12: SI, and those of Table 7-11 after it
        if mb_type == 0:
            s.mb.flags |= MB_SI
        else:
            mb_type -= 1
    first_intra = 0 if s.slice.slice_type == SLICE_I else 5 if s.slice.slice_type == SLICE_P else 23
    if mb_type >= first_intra:
        if not read_intra(d, mb_type - first_intra):
            s.mb.mb_qp_delta = 0
            return
    else:
        read_inter(d, mb_type)
        if d.fault:
            return
    if not s.mb.flags & MB_INTRA16:
        read_cbp(d)
        if s.mb.cbp & 15 and s.seq.transform_8x8_mode_flag and not s.mb.flags & MB_INTRA and may_have_8x8_transform(s):
            read_transform_size(d)
    if s.mb.cbp == 0 and not s.mb.flags & MB_INTRA16:
        s.mb.mb_qp_delta = 0
        return
    read_qp_delta(d)
    if d.fault == 0:
        read_partition(d, 0 if s.mb.flags & MB_INTRA else 1, read_residual)
