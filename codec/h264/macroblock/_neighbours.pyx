"""Neighbouring macroblocks and blocks: clauses 6.4.9 to 6.4.12.

Whatever the kinds of the two macroblock pairs of MBAFF are, locations left of a macroblock (Table 6-4, xN < 0, yN 0..maxH - 1) are simply
where they are in the picture: line yN of a macroblock is line `16 * bottom + yN` of its pair in a frame pair and `2 * yN + bottom` in a field
pair, and the same line of the pair A is found back the same way. Above, the rule is the table's.
"""
from libc.string cimport memcpy, memset

from codec.h264.macroblock._slice cimport *


cdef void place(SliceContext *s) noexcept nogil:
    """Where the current macroblock's samples are; mb_x, mb_row and mb_field are set."""
    cdef PictureData *p = s.pic
    cdef int c, plane, line
    s.mb = s.mb_row * s.mb_width + s.mb_x
    s.kind = 1 + (s.mb_row & 1) if s.MbaffFrameFlag and s.mb_field else 0
    s.luma_y = 16 * (s.mb_row >> 1) if s.mb_field else 16 * s.mb_row
    for c in range(3 if s.ChromaArrayType else 1):
        plane = c if c else s.colour_plane
        s.stride[c] = p.stride[plane] << s.mb_field
        line = s.mb_lines[c] * (s.mb_row & ~1) + (s.mb_row & 1) if s.mb_field else s.mb_lines[c] * s.mb_row
        s.dst[c] = p.plane[plane] + line * p.stride[plane] + s.mb_x * s.mb_bytes[c]


cdef inline bint in_slice(SliceContext *s, int mb) noexcept nogil:
    return s.pic.mb[mb].slice == s.slice_index


cdef inline bint is_field(SliceContext *s, int mb) noexcept nogil:
    return s.pic.mb[mb].flags & MB_FIELD != 0


cdef void left_location(SliceContext *s, int yN, int *mb, int *y) noexcept nogil:
    """MBAFF, pair A available, yN 0..15: the macroblock and the line in it that is left of line yN (Table 6-4)."""
    cdef int bottom = s.mb_row & 1
    cdef int line = 2 * yN + bottom if s.mb_field else 16 * bottom + yN
    if is_field(s, s.left_pair):
        mb[0] = s.left_pair + s.mb_width * (line & 1)
        y[0] = line >> 1
    else:
        mb[0] = s.left_pair + s.mb_width * (line >> 4)
        y[0] = line & 15


cdef inline int above_in_pair(SliceContext *s, int pair) noexcept nogil:
    """The macroblock of a pair above that the current one, at the top of its pair or in a field, borders on."""
    if s.mb_field and not s.mb_row & 1 and is_field(s, pair):
        return pair
    return pair + s.mb_width


cdef void locate_mbaff(SliceContext *s) noexcept nogil:
    cdef int w = s.mb_width, x = s.mb_x, i, line
    cdef int pair = (s.mb_row & ~1) * w + x
    cdef int above = pair - 2 * w
    cdef bint bottom_frame = s.mb_row & 1 and not s.mb_field
    s.left_pair = pair - 1 if x and in_slice(s, pair - 1) else -1
    s.top_pair = above if above >= 0 and in_slice(s, above) else -1
    s.top_mb = s.topright_mb = s.topleft_mb = -1
    s.topleft_row = 3
    if bottom_frame:
        s.top_mb = pair
        if s.left_pair >= 0:
            if is_field(s, s.left_pair):                # line 15 of the pair: line 7 of its bottom field
                s.topleft_mb = s.left_pair + w
                s.topleft_row = 1
            else:
                s.topleft_mb = s.left_pair
    elif above >= 0:
        if s.top_pair >= 0:
            s.top_mb = above_in_pair(s, above)
        if x and in_slice(s, above - 1):
            s.topleft_mb = above_in_pair(s, above - 1)
        if x + 1 < w and in_slice(s, above + 1):
            s.topright_mb = above_in_pair(s, above + 1)
    for i in range(4):
        s.left_mb[i] = -1
        s.left_row[i] = i
        if s.left_pair >= 0:
            left_location(s, 4 * i, &s.left_mb[i], &line)
            s.left_row[i] = line >> 2


cdef void locate_frame(SliceContext *s) noexcept nogil:
    """Without MBAFF."""
    cdef int above = s.mb - (s.mb_width << s.field_pic_flag), left = s.mb - 1, x = s.mb_x, i
    if x == 0 or not in_slice(s, left):
        left = -1
    for i in range(4):
        s.left_mb[i] = left
        s.left_row[i] = i
    s.left_pair = left
    s.top_mb = s.topright_mb = s.topleft_mb = -1
    s.topleft_row = 3
    if above >= 0:
        if in_slice(s, above):
            s.top_mb = above
        if x and in_slice(s, above - 1):
            s.topleft_mb = above - 1
        if x + 1 < s.mb_width and in_slice(s, above + 1):
            s.topright_mb = above + 1
    s.top_pair = s.top_mb


cdef inline void prefetch_places(SliceContext *s) noexcept nogil:
    """Where macroblocks further right will be stored. A line of the cache holds luma of four macroblocks and chroma of eight, so each asks for a share
    of the lines."""
    cdef int i
    for i in range(4):
        prefetch_to_write(s.dst[0] + (4 * (s.mb_x & 3) + i) * s.stride[0] + 64)
    if s.ChromaArrayType:
        prefetch_to_write(s.dst[1] + (s.mb_x & 7) * s.stride[1] + 64)
        prefetch_to_write(s.dst[2] + (s.mb_x & 7) * s.stride[1] + 64)
    prefetch_to_write(&s.pic.mv[(s.mb + 4) * 32])
    prefetch_to_write(&s.pic.mv[(s.mb + 4) * 32 + 16])
    prefetch_to_write(&s.pic.ref_id[(s.mb + 6) * 8])
    prefetch_to_write(&s.pic.mb[s.mb + 8])


cdef void step_right(SliceContext *s) noexcept nogil:
    """From the macroblock to the left, which is of the slice: place and neighbours without MBAFF."""
    cdef int above = s.mb + 1 - (s.mb_width << s.field_pic_flag), c, i
    for c in range(3 if s.ChromaArrayType else 1):
        s.dst[c] += s.mb_bytes[c]
    for i in range(4):
        s.left_mb[i] = s.mb
    s.left_pair = s.mb
    s.mb += 1
    prefetch_places(s)
    s.topleft_mb = s.top_mb
    s.top_mb = s.top_pair = s.topright_mb
    s.topright_mb = above + 1 if above >= 0 and s.mb_x + 1 < s.mb_width and in_slice(s, above + 1) else -1


cdef void enter(SliceContext *s) noexcept nogil:
    """The current macroblock is at mb_x, mb_row, and of the kind mb_field: where its samples are, and its neighbours (6.4.12): what is available is in
    the same slice and already decoded."""
    if s.mb_x and s.mb_row * s.mb_width + s.mb_x == s.mb + 1 and not s.MbaffFrameFlag:
        step_right(s)
    else:
        place(s)
        if s.MbaffFrameFlag:
            locate_mbaff(s)
        else:
            locate_frame(s)
    s.avail = ((H264_LEFT if s.left_mb[0] >= 0 else 0) | (H264_TOP if s.top_mb >= 0 else 0)
               | (H264_TOPRIGHT if s.topright_mb >= 0 else 0) | (H264_TOPLEFT if s.topleft_mb >= 0 else 0))


cdef inline bint not_intra(SliceContext *s, int mb) noexcept nogil:
    """Inter, or SI beside another type: not for constrained intra prediction."""
    return mb >= 0 and (not s.pic.mb[mb].flags & MB_INTRA or s.pic.mb[mb].flags & ~s.flags & MB_SI)


cdef void set_intra_availability(SliceContext *s) noexcept nogil:
    """8.3.1.2 and its like: with constrained_intra_pred_flag samples of inter macroblocks are not available."""
    s.intra_avail = s.avail
    s.left_half_avail = 3 if s.avail & H264_LEFT else 0
    if not s.constrained_intra_pred_flag or (s.slice_type == SLICE_I and not s.si_slice):
        return
    if not_intra(s, s.top_mb):
        s.intra_avail &= ~H264_TOP
    if not_intra(s, s.topright_mb):
        s.intra_avail &= ~H264_TOPRIGHT
    if not_intra(s, s.topleft_mb):
        s.intra_avail &= ~H264_TOPLEFT
    if s.left_mb[0] < 0:
        return
    if not s.MbaffFrameFlag or is_field(s, s.left_pair) == (s.mb_field != 0):
        if not_intra(s, s.left_mb[0]):
            s.left_half_avail = 0
    elif s.mb_field:                                    # upper half beside the top macroblock of a frame pair, lower half beside the other
        if not_intra(s, s.left_pair):
            s.left_half_avail &= 2
        if not_intra(s, s.left_pair + s.mb_width):
            s.left_half_avail &= 1
    elif not_intra(s, s.left_pair) or not_intra(s, s.left_pair + s.mb_width):
        s.left_half_avail = 0                           # lines of both fields beside every block
    if s.left_half_avail != 3:
        s.intra_avail &= ~H264_LEFT


cdef inline bint has_mode(SliceContext *s, int mb) noexcept nogil:
    """8.3.1.1: not dcPredModePredictedFlag."""
    return mb >= 0 and (not s.constrained_intra_pred_flag or s.pic.mb[mb].flags & MB_INTRA)


cdef void fill_modes(SliceContext *s) noexcept nogil:
    """intraMxMPredModeN around; -1 with dcPredModePredictedFlag."""
    cdef int i, mb
    if has_mode(s, s.top_mb):
        memcpy(&s.mode_cache[CACHE - 8], context_of(s, s.top_mb).mode_bottom, 4)
    else:
        memset(&s.mode_cache[CACHE - 8], <uint8_t>-1, 4)
    for i in range(4):
        mb = s.left_mb[i]
        s.mode_cache[CACHE - 1 + 8 * i] = context_of(s, mb).mode_right[s.left_row[i]] if has_mode(s, mb) else -1


cdef inline bint inter_at(SliceContext *s, int mb) noexcept nogil:
    return mb >= 0 and not s.pic.mb[mb].flags & MB_INTRA


cdef void forget_inter_nnz(SliceContext *s) noexcept nogil:
    """9.2.1: with data partitions and constrained_intra_pred_flag intra macroblocks count nothing in inter ones, whose partition may be lost."""
    cdef int c, i
    for c in range(3 if s.ChromaArrayType else 1):
        if inter_at(s, s.top_mb):
            memset(&s.nnz_cache[c][CACHE - 8], 0, 4)
        for i in range(4):
            if inter_at(s, s.left_mb[i]):
                s.nnz_cache[c][CACHE - 1 + (8 * i if c == 0 else 4 * (i & 2))] = 0


cdef inline void fill_nnz_of(SliceContext *s, int c, int rows, uint8_t missing) noexcept nogil:
    """Around the blocks of one component; rows: those of 4 samples that beside four rows of luma there are."""
    cdef uint8_t *cache = &s.nnz_cache[c][CACHE]
    cdef int i, mb, row
    if s.top_mb < 0:
        memset(cache - 8, missing, 4)
    else:
        memcpy(cache - 8, context_of(s, s.top_mb).nnz_bottom[c], 4)
    for i in range(rows):
        mb, row = s.left_mb[i], s.left_row[i]
        if rows == 2:                                   # 8 lines of chroma: those of row i are beside luma rows 2 * i, 2 * i + 1
            mb, row = s.left_mb[2 * i], s.left_row[2 * i] >> 1
        cache[8 * i - 1] = missing if mb < 0 else context_of(s, mb).nnz_right[c][row]


cdef void fill_nnz(SliceContext *s) noexcept nogil:
    """total_coeff or coded_block_flag of the blocks around. Not available: 64 for CAVLC (see nC); what 9.3.3.1.1.9 infers for CABAC."""
    cdef uint8_t missing = 64 if not s.entropy_coding_mode_flag else 1 if s.flags & MB_INTRA else 0
    cdef int c
    fill_nnz_of(s, 0, 4, missing)
    if s.ChromaArrayType == 3 or s.cbp >> 4 == 2:
        for c in range(1, 3):
            fill_nnz_of(s, c, 2 if s.ChromaArrayType == 1 else 4, missing)
    if s.partitioned and s.constrained_intra_pred_flag and s.flags & MB_INTRA:
        forget_inter_nnz(s)


cdef inline void take_motion(SliceContext *s, int list, int entry, int mb, int b4) noexcept nogil:
    """Vector and index of block b4 of a macroblock, as 8.4.1.3.2 compares them with those of the current one."""
    cdef int8_t ref
    cdef const int16_t *mv
    if mb < 0:
        s.ref_cache[list][entry] = UNAVAILABLE
        s.mv_cache[list][entry][0] = s.mv_cache[list][entry][1] = 0
        return
    ref = s.pic.refIdx[(mb * 2 + list) * 4 + (b4 >> 3 << 1) + (b4 >> 1 & 1)]
    mv = s.pic.mv[(mb * 2 + list) * 16 + b4]
    if ref < 0:
        s.ref_cache[list][entry] = UNUSED
        s.mv_cache[list][entry][0] = s.mv_cache[list][entry][1] = 0
        return
    s.mv_cache[list][entry][0] = mv[0]
    s.mv_cache[list][entry][1] = mv[1]
    if s.MbaffFrameFlag and is_field(s, mb) != (s.mb_field != 0):
        if s.mb_field:
            ref = <int8_t>(ref * 2)
            s.mv_cache[list][entry][1] = mv[1] / 2
        else:
            ref >>= 1
            s.mv_cache[list][entry][1] = <int16_t>(mv[1] * 2)
    s.ref_cache[list][entry] = ref


cdef inline void copy_motion(SliceContext *s, int list, int entry, int mb, int b4) noexcept nogil:
    """take_motion without MBAFF: what does not use the list is stored as index -1 and vector 0 (see _picture.pxd)."""
    if mb < 0:
        s.ref_cache[list][entry] = UNAVAILABLE
        memset(s.mv_cache[list][entry], 0, 4)
    else:
        s.ref_cache[list][entry] = s.pic.refIdx[(mb * 2 + list) * 4 + (b4 >> 3 << 1) + (b4 >> 1 & 1)]
        memcpy(s.mv_cache[list][entry], s.pic.mv[(mb * 2 + list) * 16 + b4], 4)


cdef void fill_corners(SliceContext *s) noexcept nogil:
    """Neighbours A, B, C and D of the whole macroblock alone."""
    cdef int list
    for list in range(2 if s.slice_type == SLICE_B else 1):
        if s.MbaffFrameFlag:
            take_motion(s, list, CACHE - 8, s.top_mb, 12)
            take_motion(s, list, CACHE - 1, s.left_mb[0], 4 * s.left_row[0] + 3)
            take_motion(s, list, CACHE - 9, s.topleft_mb, 4 * s.topleft_row + 3)
            take_motion(s, list, CACHE - 4, s.topright_mb, 12)
        else:
            copy_motion(s, list, CACHE - 8, s.top_mb, 12)
            copy_motion(s, list, CACHE - 1, s.left_mb[0], 3)
            copy_motion(s, list, CACHE - 9, s.topleft_mb, 15)
            copy_motion(s, list, CACHE - 4, s.topright_mb, 12)


cdef void fill_motion(SliceContext *s) noexcept nogil:
    cdef int list, i
    cdef const int8_t *refs
    cdef int8_t *cache
    fill_corners(s)
    for list in range(2 if s.slice_type == SLICE_B else 1):
        if s.MbaffFrameFlag:
            for i in range(1, 4):
                take_motion(s, list, CACHE - 8 + i, s.top_mb, 12 + i)
                take_motion(s, list, CACHE - 1 + 8 * i, s.left_mb[i], 4 * s.left_row[i] + 3)
            continue
        cache = &s.ref_cache[list][CACHE - 8]
        if s.top_mb >= 0:
            refs = &s.pic.refIdx[(s.top_mb * 2 + list) * 4]
            cache[0] = cache[1] = refs[2]
            cache[2] = cache[3] = refs[3]
            memcpy(s.mv_cache[list][CACHE - 8], s.pic.mv[(s.top_mb * 2 + list) * 16 + 12], 16)
        else:
            memset(cache, <uint8_t>UNAVAILABLE, 4)
            memset(s.mv_cache[list][CACHE - 8], 0, 16)
        for i in range(1, 4):
            copy_motion(s, list, CACHE - 1 + 8 * i, s.left_mb[0], 4 * i + 3)


cdef inline void take_mvd(SliceContext *s, int mb, const uint8_t *from_, uint8_t *mvd) noexcept nogil:
    """|mvd| of a neighbour for 9.3.3.1.1.7: compIdx 1 in units of the current macroblock."""
    mvd[0], mvd[1] = from_[0], from_[1]
    if s.MbaffFrameFlag and is_field(s, mb) != (s.mb_field != 0):
        mvd[1] = mvd[1] >> 1 if s.mb_field else <uint8_t>min(2 * mvd[1], 127)


cdef void fill_mvd(SliceContext *s, int list, int step) noexcept nogil:
    """mvd around, for CABAC; beside every step-th row of blocks alone."""
    cdef int i, mb
    cdef uint8_t (*cache)[2]
    cache = &s.mvd_cache[list][CACHE]
    if s.top_mb < 0:
        memset(cache - 8, 0, 8)
    elif not s.MbaffFrameFlag:
        memcpy(cache - 8, context_of(s, s.top_mb).mvd_bottom[list], 8)
    else:
        for i in range(4):
            take_mvd(s, s.top_mb, context_of(s, s.top_mb).mvd_bottom[list][i], cache[i - 8])
    i = 0
    while i < 4:
        mb = s.left_mb[i]
        if mb < 0:
            memset(cache[8 * i - 1], 0, 2)
        else:
            take_mvd(s, mb, context_of(s, mb).mvd_right[list][s.left_row[i]], cache[8 * i - 1])
        i += step


cdef void fill_direct(SliceContext *s) noexcept nogil:
    """Direct flags around, for the contexts of reference indices."""
    cdef int i, mb
    for i in range(4):
        mb = s.left_mb[i]
        s.direct_cache[CACHE - 8 + i] = context_of(s, s.top_mb).direct[2 + (i >> 1)] if s.top_mb >= 0 else 0
        s.direct_cache[CACHE - 1 + 8 * i] = context_of(s, mb).direct[(s.left_row[i] & 2) + 1] if mb >= 0 else 0
