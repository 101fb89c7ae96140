"""Direct prediction in B slices (8.4.1.2), spatial and temporal, and the picture distances that it shares with implicit
weights (8.4.2.3).

The macroblock of RefPicList1[0] that covers the same place is found by its number in storage (see _picture.pxd): in
every combination of frames, fields and MBAFF of Table 8-8 it lies in the same macroblock pair, so that only the row
within the pair and the line are to be found.
"""
from libc.stdint cimport int16_t, int32_t
from libc.stdlib cimport abs

from codec._core cimport codec_assert_range, prefetch
from codec.h264.macroblock._slice cimport (
    CACHE, MISSING_REFERENCE, PART_8X8, SUB_4X4, SUB_8X8, UNAVAILABLE, UNUSED, Reference, SliceContext, set_block,
    wait_for_lines,
)
from codec.h264.pictures._picture cimport MB_DIRECT, MB_FIELD, MB_INTRA, MB_ONE_VECTOR, PictureData

cdef enum:
    ONE_TO_ONE = 0          # vertMvScale
    FRM_TO_FLD = 1
    FLD_TO_FRM = 2
    NO_SCALING = 0x7FFF


cdef struct Colocated:
    int mb                  # number in storage
    int b4
    int scale               # vertMvScale


cdef inline int clip(int low, int high, int v) noexcept nogil:
    return low if v < low else high if v > high else v


cdef int dist_scale_factor(int current, const Reference *pic0, const Reference *pic1) noexcept nogil:
    """(8-197) to (8-202); NO_SCALING where vectors are taken as they are. |tx| is at most 2^14, |tb * tx| 2^21."""
    cdef int tb = clip(-128, 127, current - pic0.poc)
    cdef int td = clip(-128, 127, pic1.poc - pic0.poc)
    cdef int tx
    if td == 0 or pic0.long_term:
        return NO_SCALING
    tx = (16384 + abs(td / 2)) / td
    return clip(-1024, 1023, (tb * tx + 32) >> 6)


cdef int current_poc(SliceContext *s, int kind) noexcept nogil:
    """PicOrderCnt of the frame or field that macroblocks of this kind belong to (8.2.1)."""
    codec_assert_range(0, kind, 2)
    if kind:
        return s.slice.poc[kind - 1]
    if s.slice.field_pic_flag:
        return s.slice.poc[s.slice.bottom_field_flag]
    return min(s.slice.poc[0], s.slice.poc[1])


cdef void prepare_direct(SliceContext *s) noexcept nogil:
    """Once per B slice: DistScaleFactor of temporal direct mode, and implicit weights."""
    cdef int kind, i, j, factor, poc, w1
    cdef const Reference *pic0
    cdef const Reference *pic1
    for kind in range(3 if s.slice.MbaffFrameFlag else 1):
        poc = current_poc(s, kind)
        for i in range(min(s.slice.num_ref_idx_active[0] << (kind > 0), 32)):
            pic0 = &s.refs.entry[kind][0][i]
            if s.refs.entry[kind][1][0].picture != NULL and pic0.picture != NULL:
                s.slice.dist_scale[kind][i] = <int16_t>dist_scale_factor(poc, pic0, &s.refs.entry[kind][1][0])
            if s.slice.weight_mode != 2:
                continue
            for j in range(min(s.slice.num_ref_idx_active[1] << (kind > 0), 32)):
                pic1 = &s.refs.entry[kind][1][j]
                w1 = 32
                if pic0.picture != NULL and pic1.picture != NULL and not pic1.long_term:
                    factor = dist_scale_factor(poc, pic0, pic1)
                    if factor != NO_SCALING and -64 <= factor >> 2 <= 128:
                        w1 = factor >> 2
                s.refs.implicit_w1[kind][i][j] = <int16_t>w1


cdef Colocated colocated(SliceContext *s, const PictureData *col, int x, int y) noexcept nogil:
    """8.4.1.2.1 for the block (x, y), in units of 4 samples; with direct_8x8_inference_flag, for the corner of the
    macroblock nearest to it."""
    cdef Colocated c
    cdef const Reference *ref = &s.refs.entry[0][1][0]
    cdef int pair = s.place.mb - (s.place.mb_row & 1) * s.seq.mb_width
    cdef bint col_field
    cdef int top, bottom, poc
    if s.seq.direct_8x8_inference_flag:
        x, y = 3 * (x >> 1), 3 * (y >> 1)
    c.mb = s.place.mb
    c.b4 = 4 * y + x
    c.scale = ONE_TO_ONE
    if not s.place.mb_field and not col.coded_as_fields and not col.mbaff:
        return c
    col_field = col.mb[s.place.mb].flags & MB_FIELD != 0 or col.coded_as_fields
    if not s.place.mb_field:
        if col_field:
            poc = current_poc(s, 0)
            top, bottom = abs(s.slice.col_poc[0] - poc), abs(s.slice.col_poc[1] - poc)
            c.mb = pair + (0 if top < bottom else s.seq.mb_width)
            c.b4 = 4 * (2 * (s.place.mb_row & 1) + (y >> 1)) + x
            c.scale = FLD_TO_FRM
    elif col_field:
        if s.slice.field_pic_flag and col.coded_as_fields:
            c.mb = pair + (s.seq.mb_width if ref.parity == 2 else 0)
    else:
        c.mb = pair + (y >> 1) * s.seq.mb_width
        c.b4 = 4 * (2 * y & 3) + x
        c.scale = FRM_TO_FLD
    return c


cdef inline int colocated_motion(const PictureData *col, const Colocated *c, int16_t *mvCol,
                                 int32_t *ref_id) noexcept nogil:
    """refIdxCol; -1 for intra."""
    cdef int b8 = (c.b4 >> 3 << 1) + (c.b4 >> 1 & 1)
    cdef int list = 0 if col.refIdx[c.mb * 8 + b8] >= 0 else 1
    cdef int ref = col.refIdx[(c.mb * 2 + list) * 4 + b8]
    mvCol[0] = mvCol[1] = 0
    if ref >= 0:
        mvCol[0] = col.mv[(c.mb * 2 + list) * 16 + c.b4][0]
        mvCol[1] = col.mv[(c.mb * 2 + list) * 16 + c.b4][1]
        ref_id[0] = col.ref_id[(c.mb * 2 + list) * 4 + b8]
    return ref


cdef int map_to_list0(SliceContext *s, int32_t ref_id, int scale) noexcept nogil:
    """8.4.1.2.3: the lowest refIdxL0 of the picture that the colocated block refers to; -1 if the list lacks it."""
    cdef int i
    cdef int32_t wanted = ref_id
    if scale == FRM_TO_FLD:                             # its field with the parity of the current field or macroblock
        wanted = (ref_id & ~3) + 1 + (s.place.mb_row & 1)
    elif scale == FLD_TO_FRM:
        wanted = ref_id & ~3
    for i in range(s.slice.num_ref_idx_active[0] << (s.place.kind > 0)):
        if s.refs.entry[s.place.kind][0][i].id == wanted:
            return i
    return -1


cdef int temporal_block(SliceContext *s, const PictureData *col, int x, int y, int size) noexcept nogil:
    """8.4.1.2.3 for size x size blocks at (x, y); 0 or MISSING_REFERENCE."""
    cdef int16_t mvCol[2]
    cdef int32_t ref_id
    cdef Colocated c = colocated(s, col, x, y)
    cdef int refIdxCol = colocated_motion(col, &c, mvCol, &ref_id)
    cdef int ref = map_to_list0(s, ref_id, c.scale) if refIdxCol >= 0 else 0
    cdef int factor, mvx = mvCol[0], mvy = mvCol[1]
    if ref < 0:
        return MISSING_REFERENCE
    factor = s.slice.dist_scale[s.place.kind][ref]
    codec_assert_range(0, c.mb, col.mb_count - 1)
    codec_assert_range(0, c.b4, 15)
    codec_assert_range(0, ref, 31)
    if c.scale == FRM_TO_FLD:
        mvy = mvy / 2
    elif c.scale == FLD_TO_FRM:
        mvy = 2 * mvy
    if factor == NO_SCALING:
        set_block(s, 0, x, y, size, size, ref, mvx, mvy)
        set_block(s, 1, x, y, size, size, 0, 0, 0)
    else:
        # |factor| is at most 1024 and |mv| 2^16: products are below 2^27; the vectors wrap modulo 2^16
        set_block(s, 0, x, y, size, size, ref, (factor * mvx + 128) >> 8, (factor * mvy + 128) >> 8)
        set_block(s, 1, x, y, size, size, 0, ((factor * mvx + 128) >> 8) - mvx, ((factor * mvy + 128) >> 8) - mvy)
    return 0


cdef inline int min_positive(int a, int b) noexcept nogil:
    """MinPositive (8-185)"""
    return min(a, b) if a >= 0 and b >= 0 else max(a, b)


cdef int spatial_references(SliceContext *s, int *refs, int16_t *mvp) noexcept nogil:
    """Reference indices and predicted vectors of the whole macroblock (8.4.1.2.2); true for
    directZeroPredictionFlag."""
    cdef int list, a, b, c
    for list in range(2):
        a, b = s.cache.ref[list][CACHE - 1], s.cache.ref[list][CACHE - 8]
        c = s.cache.ref[list][CACHE - 4]
        if c == UNAVAILABLE:
            c = s.cache.ref[list][CACHE - 9]
        refs[list] = min_positive(a, min_positive(b, c))
        mvp[2 * list] = mvp[2 * list + 1] = 0
        if refs[list] >= 0:
            spatial_median(s, list, refs[list], mvp + 2 * list)
    if refs[0] < 0 and refs[1] < 0:
        refs[0] = refs[1] = 0
        return 1
    refs[0], refs[1] = max(refs[0], UNUSED), max(refs[1], UNUSED)
    return 0


cdef void spatial_median(SliceContext *s, int list, int ref, int16_t *mv) noexcept nogil:
    """8.4.1.3.1 for the whole macroblock; some neighbour has this ref."""
    cdef int c = CACHE - 4 if s.cache.ref[list][CACHE - 4] != UNAVAILABLE else CACHE - 9
    cdef int entries[3]
    cdef int i, same = 0, found = 0
    cdef int16_t (*m)[2]
    m = s.cache.mv[list]
    entries[0], entries[1], entries[2] = CACHE - 1, CACHE - 8, c
    for i in range(3):
        if s.cache.ref[list][entries[i]] == ref:
            same += 1
            found = entries[i]
    if same == 1:
        mv[0], mv[1] = m[found][0], m[found][1]
        return
    for i in range(2):
        mv[i] = max(min(m[CACHE - 1][i], m[CACHE - 8][i]), min(max(m[CACHE - 1][i], m[CACHE - 8][i]), m[c][i]))


cdef void derive_spatial(SliceContext *s, const PictureData *col, bint whole) noexcept nogil:
    """8.4.1.2.2; whole: one colocated vector stands for all blocks."""
    cdef int refs[2]
    cdef int16_t mvp[2][2]
    cdef int16_t mvCol[2]
    cdef int32_t ref_id
    cdef int size = 2 if s.seq.direct_8x8_inference_flag else 1
    cdef int b8, i, x, y, list
    cdef bint zero = spatial_references(s, refs, mvp[0])
    cdef bint still, short_term = not s.refs.entry[s.place.kind][1][0].long_term
    cdef Colocated c
    # colZeroFlag only matters where it would zero a vector that is not zero yet
    cdef bint matters = not zero and short_term and ((refs[0] == 0 and (mvp[0][0] | mvp[0][1]) != 0)
                                                     or (refs[1] == 0 and (mvp[1][0] | mvp[1][1]) != 0))
    if whole:
        size = 4
    for b8 in range(4):
        if not s.mb.direct[b8]:
            continue
        s.mb.pred_flag[b8] = (refs[0] >= 0) | (refs[1] >= 0) << 1
        if not matters:
            for list in range(2):
                set_block(s, list, 2 * (b8 & 1), b8 & 2, 2, 2, refs[list], mvp[list][0], mvp[list][1])
            continue
        if size == 4 and b8:
            continue
        for i in range(4 if size == 1 else 1):
            x, y = 2 * (b8 & 1) + (i & 1), (b8 & 2) + (i >> 1)
            c = colocated(s, col, x, y)
            still = colocated_motion(col, &c, mvCol, &ref_id) == 0 and -1 <= mvCol[0] <= 1 and -1 <= mvCol[1] <= 1
            for list in range(2):
                if still and refs[list] == 0:
                    set_block(s, list, x, y, size, size, 0, 0, 0)
                else:
                    set_block(s, list, x, y, size, size, refs[list], mvp[list][0], mvp[list][1])


cdef void set_whole_direct(SliceContext *s) noexcept nogil:
    """All of the macroblock is direct: B_Skip, B_Direct_16x16."""
    cdef int i
    s.mb.flags |= MB_DIRECT
    s.mb.part = PART_8X8
    for i in range(4):
        s.mb.direct[i] = 1
        s.mb.sub_part[i] = SUB_8X8 if s.seq.direct_8x8_inference_flag else SUB_4X4


cdef int derive_direct(SliceContext *s) noexcept nogil:
    """Vectors and references of the 8x8 blocks with Macroblock.direct, into the caches; 0 or MISSING_REFERENCE."""
    cdef const PictureData *col = s.refs.entry[0][1][0].picture
    cdef int b8, i, missing = 0
    cdef bint fields                                    # either picture has some
    cdef bint whole                                     # the colocated macroblock has one vector for all blocks
    if col == NULL or col.mb_count != s.pic.mb_count or col.mb_width != s.seq.mb_width:
        return MISSING_REFERENCE
    fields = s.place.mb_field or col.mbaff or col.coded_as_fields
    if col != s.pic:
        wait_for_lines(s, col, 16 * (s.place.mb_row | 1 if fields else s.place.mb_row) + 1)
    prefetch(&col.mv[(s.place.mb + 4) * 32])
    prefetch(&col.ref_id[(s.place.mb + 4) * 8])
    prefetch(&col.refIdx[(s.place.mb + 8) * 8])
    prefetch(&col.mb[s.place.mb + 6])
    whole = (
        s.mb.direct[0] & s.mb.direct[1] & s.mb.direct[2] & s.mb.direct[3]
        and not fields
        and col.mb[s.place.mb].flags & (MB_ONE_VECTOR | MB_INTRA) != 0
    )
    if s.slice.direct_spatial_mv_pred_flag:
        derive_spatial(s, col, whole)
        return 0
    if whole:
        for b8 in range(4):
            s.mb.pred_flag[b8] = 3
        return temporal_block(s, col, 0, 0, 4)
    for b8 in range(4):
        if s.mb.direct[b8]:
            s.mb.pred_flag[b8] = 3
            if s.seq.direct_8x8_inference_flag:
                missing |= temporal_block(s, col, 2 * (b8 & 1), b8 & 2, 2)
            else:
                for i in range(4):
                    missing |= temporal_block(s, col, 2 * (b8 & 1) + (i & 1), (b8 & 2) + (i >> 1), 1)
    return missing
