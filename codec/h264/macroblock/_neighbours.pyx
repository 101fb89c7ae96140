"""Neighbouring macroblocks and blocks: clauses 6.4.9 to 6.4.12.

In MBAFF, locations left of a macroblock (Table 6-4, xN < 0, yN 0..maxH - 1) are where they are in the picture, whatever
the kinds of the two pairs: line yN of a macroblock is line `16 * bottom + yN` of its pair in a frame pair and `2 * yN +
bottom` in a field pair, and the same line of pair A leads back to a macroblock and a line. Above, the table's rules are
followed.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t
from libc.string cimport memcpy, memset

from codec._core cimport codec_assert_range, prefetch_to_write
from codec.h264.macroblock._kernels cimport H264_LEFT, H264_TOP, H264_TOPLEFT, H264_TOPRIGHT
from codec.h264.macroblock._slice cimport (
    CACHE, SLICE_B, SLICE_I, UNAVAILABLE, UNUSED, Neighbours, Place, SliceContext, context_of,
)
from codec.h264.pictures._picture cimport MB_FIELD, MB_INTRA, MB_PCM, MB_SI, MB_TRANSFORM8, PictureData


cdef void place(SliceContext *s) noexcept nogil:
    """Where the current macroblock's samples are; mb_x, mb_row and mb_field are set."""
    cdef PictureData *p = s.pic
    cdef Place *at = &s.place
    cdef int c, plane, line
    codec_assert_range(0, at.mb_x, p.mb_width - 1)
    codec_assert_range(0, at.mb_row, p.mb_height - 1)
    codec_assert_range(0, at.mb_field, 1)
    at.mb = at.mb_row * s.seq.mb_width + at.mb_x
    at.kind = 1 + (at.mb_row & 1) if s.slice.MbaffFrameFlag and at.mb_field else 0
    at.luma_y = 16 * (at.mb_row >> 1) if at.mb_field else 16 * at.mb_row
    for c in range(3 if s.seq.ChromaArrayType else 1):
        plane = c if c else s.slice.colour_plane
        at.stride[c] = p.stride[plane] << at.mb_field
        line = s.seq.mb_lines[c] * (at.mb_row & ~at.mb_field) + (at.mb_row & at.mb_field)
        at.dst[c] = p.plane[plane] + line * p.stride[plane] + at.mb_x * s.seq.mb_bytes[c]


cdef inline bint in_slice(SliceContext *s, int mb) noexcept nogil:
    codec_assert_range(0, mb, s.pic.mb_count - 1)
    return s.pic.mb[mb].slice == s.slice.index


cdef inline bint is_field(SliceContext *s, int mb) noexcept nogil:
    codec_assert_range(0, mb, s.pic.mb_count - 1)
    return s.pic.mb[mb].flags & MB_FIELD != 0


cdef void left_location(SliceContext *s, int yN, int *mb, int *y) noexcept nogil:
    """MBAFF with pair A available: the macroblock, and the line in it, left of line yN (Table 6-4)."""
    cdef int bottom = s.place.mb_row & 1
    cdef int line = 2 * yN + bottom if s.place.mb_field else 16 * bottom + yN
    codec_assert_range(0, yN, 15)
    if is_field(s, s.around.left_pair):
        mb[0] = s.around.left_pair + s.seq.mb_width * (line & 1)
        y[0] = line >> 1
    else:
        mb[0] = s.around.left_pair + s.seq.mb_width * (line >> 4)
        y[0] = line & 15


cdef inline int above_in_pair(SliceContext *s, int pair) noexcept nogil:
    """The macroblock of a pair above that borders on the current one, which is at the top of its pair or in a field."""
    if s.place.mb_field and not s.place.mb_row & 1 and is_field(s, pair):
        return pair
    return pair + s.seq.mb_width


cdef void locate_mbaff(SliceContext *s) noexcept nogil:
    """Neighbours in MBAFF frames (6.4.12.2)."""
    cdef Neighbours *n = &s.around
    cdef int w = s.seq.mb_width, x = s.place.mb_x, i, line
    cdef int pair = (s.place.mb_row & ~1) * w + x
    cdef int above = pair - 2 * w
    cdef bint bottom_frame = s.place.mb_row & 1 and not s.place.mb_field
    n.left_pair = pair - 1 if x and in_slice(s, pair - 1) else -1
    n.top_pair = above if above >= 0 and in_slice(s, above) else -1
    n.top_mb = n.topright_mb = n.topleft_mb = -1
    n.topleft_row = 3
    if bottom_frame:
        n.top_mb = pair
        if n.left_pair >= 0:
            if is_field(s, n.left_pair):                # line 15 of the pair: line 7 of its bottom field
                n.topleft_mb = n.left_pair + w
                n.topleft_row = 1
            else:
                n.topleft_mb = n.left_pair
    elif above >= 0:
        if n.top_pair >= 0:
            n.top_mb = above_in_pair(s, above)
        if x and in_slice(s, above - 1):
            n.topleft_mb = above_in_pair(s, above - 1)
        if x + 1 < w and in_slice(s, above + 1):
            n.topright_mb = above_in_pair(s, above + 1)
    for i in range(4):
        n.left_mb[i] = -1
        n.left_row[i] = i
        if n.left_pair >= 0:
            left_location(s, 4 * i, &n.left_mb[i], &line)
            n.left_row[i] = line >> 2


cdef void locate_frame(SliceContext *s) noexcept nogil:
    """Neighbours in frames without MBAFF, and in fields (6.4.12.1)."""
    cdef Neighbours *n = &s.around
    cdef int above = s.place.mb - (s.seq.mb_width << s.slice.field_pic_flag), left = s.place.mb - 1, x = s.place.mb_x, i
    if x == 0 or not in_slice(s, left):
        left = -1
    for i in range(4):
        n.left_mb[i] = left
        n.left_row[i] = i
    n.left_pair = left
    n.top_mb = n.topright_mb = n.topleft_mb = -1
    n.topleft_row = 3
    if above >= 0:
        if in_slice(s, above):
            n.top_mb = above
        if x and in_slice(s, above - 1):
            n.topleft_mb = above - 1
        if x + 1 < s.seq.mb_width and in_slice(s, above + 1):
            n.topright_mb = above + 1
    n.top_pair = n.top_mb


cdef inline void prefetch_places(SliceContext *s) noexcept nogil:
    """Where macroblocks further right will be stored. A cache line holds luma of four macroblocks and chroma of eight,
    so each prefetches a share of the lines. Addresses may lie past the arrays: prefetching one is no access."""
    cdef Place *at = &s.place
    cdef int i
    for i in range(4):
        prefetch_to_write(at.dst[0] + (4 * (at.mb_x & 3) + i) * at.stride[0] + 64)
    if s.seq.ChromaArrayType:
        prefetch_to_write(at.dst[1] + (at.mb_x & 7) * at.stride[1] + 64)
        prefetch_to_write(at.dst[2] + (at.mb_x & 7) * at.stride[1] + 64)
    prefetch_to_write(&s.pic.mv[(at.mb + 4) * 32])
    prefetch_to_write(&s.pic.mv[(at.mb + 4) * 32 + 16])
    prefetch_to_write(&s.pic.ref_id[(at.mb + 6) * 8])
    prefetch_to_write(&s.pic.mb[at.mb + 8])


cdef void step_right(SliceContext *s) noexcept nogil:
    """Place and neighbours without MBAFF, from those of the macroblock to the left, which is in the slice."""
    cdef Neighbours *n = &s.around
    cdef int above = s.place.mb + 1 - (s.seq.mb_width << s.slice.field_pic_flag), c, i
    for c in range(3 if s.seq.ChromaArrayType else 1):
        s.place.dst[c] += s.seq.mb_bytes[c]
    for i in range(4):
        n.left_mb[i] = s.place.mb
    n.left_pair = s.place.mb
    s.place.mb += 1
    prefetch_places(s)
    n.topleft_mb = n.top_mb
    n.top_mb = n.top_pair = n.topright_mb
    n.topright_mb = above + 1 if above >= 0 and s.place.mb_x + 1 < s.seq.mb_width and in_slice(s, above + 1) else -1


cdef void enter(SliceContext *s) noexcept nogil:
    """Go to the macroblock at mb_x, mb_row of the kind mb_field: its samples, and its neighbours (6.4.12). Available is
    what is in the same slice and already coded."""
    cdef Neighbours *n = &s.around
    if (
        s.place.mb_x
        and s.place.mb_row * s.seq.mb_width + s.place.mb_x == s.place.mb + 1
        and not s.slice.MbaffFrameFlag
    ):
        step_right(s)
    else:
        place(s)
        if s.slice.MbaffFrameFlag:
            locate_mbaff(s)
        else:
            locate_frame(s)
    codec_assert_range(0, s.place.mb, s.pic.mb_count - 1)
    n.avail = ((H264_LEFT if n.left_mb[0] >= 0 else 0) | (H264_TOP if n.top_mb >= 0 else 0)
               | (H264_TOPRIGHT if n.topright_mb >= 0 else 0) | (H264_TOPLEFT if n.topleft_mb >= 0 else 0))


cdef inline bint not_intra(SliceContext *s, int mb) noexcept nogil:
    """An inter macroblock, or SI beside another type: constrained intra prediction must not use it."""
    return mb >= 0 and (not s.pic.mb[mb].flags & MB_INTRA or s.pic.mb[mb].flags & ~s.mb.flags & MB_SI)


cdef void set_intra_availability(SliceContext *s) noexcept nogil:
    """8.3.1.2, 8.3.2.2, 8.3.3, 8.3.4: constrained_intra_pred_flag makes samples of inter macroblocks unavailable."""
    s.around.intra_avail = s.around.avail
    s.around.left_half_avail = 3 if s.around.avail & H264_LEFT else 0
    if not s.seq.constrained_intra_pred_flag or (s.slice.slice_type == SLICE_I and not s.slice.si_slice):
        return
    if not_intra(s, s.around.top_mb):
        s.around.intra_avail &= ~H264_TOP
    if not_intra(s, s.around.topright_mb):
        s.around.intra_avail &= ~H264_TOPRIGHT
    if not_intra(s, s.around.topleft_mb):
        s.around.intra_avail &= ~H264_TOPLEFT
    if s.around.left_mb[0] < 0:
        return
    if not s.slice.MbaffFrameFlag or is_field(s, s.around.left_pair) == (s.place.mb_field != 0):
        if not_intra(s, s.around.left_mb[0]):
            s.around.left_half_avail = 0
    # upper half beside the top macroblock of a frame pair, lower half beside the bottom one
    elif s.place.mb_field:
        if not_intra(s, s.around.left_pair):
            s.around.left_half_avail &= 2
        if not_intra(s, s.around.left_pair + s.seq.mb_width):
            s.around.left_half_avail &= 1
    elif not_intra(s, s.around.left_pair) or not_intra(s, s.around.left_pair + s.seq.mb_width):
        s.around.left_half_avail = 0    # lines of both fields beside every block
    if s.around.left_half_avail != 3:
        s.around.intra_avail &= ~H264_LEFT


cdef inline bint has_mode(SliceContext *s, int mb) noexcept nogil:
    """Whether dcPredModePredictedFlag (8.3.1.1) is 0 for this neighbour."""
    return mb >= 0 and (not s.seq.constrained_intra_pred_flag or s.pic.mb[mb].flags & MB_INTRA)


cdef void fill_modes(SliceContext *s) noexcept nogil:
    """intraMxMPredModeN of the neighbours; -1 with dcPredModePredictedFlag."""
    cdef int i, mb
    if has_mode(s, s.around.top_mb):
        memcpy(&s.cache.mode[CACHE - 8], context_of(s, s.around.top_mb).mode_bottom, 4)
    else:
        memset(&s.cache.mode[CACHE - 8], <uint8_t>-1, 4)
    for i in range(4):
        mb = s.around.left_mb[i]
        s.cache.mode[CACHE - 1 + 8 * i] = context_of(s, mb).mode_right[s.around.left_row[i]] if has_mode(s, mb) else -1


cdef inline bint inter_at(SliceContext *s, int mb) noexcept nogil:
    return mb >= 0 and not s.pic.mb[mb].flags & MB_INTRA


cdef void forget_inter_nnz(SliceContext *s) noexcept nogil:
    """9.2.1: with data partitions and constrained_intra_pred_flag, an intra macroblock counts inter neighbours as 0:
    their partition may be lost."""
    cdef int c, i
    for c in range(3 if s.seq.ChromaArrayType else 1):
        if inter_at(s, s.around.top_mb):
            memset(&s.cache.nnz[c][CACHE - 8], 0, 4)
        for i in range(4):
            if inter_at(s, s.around.left_mb[i]):
                s.cache.nnz[c][CACHE - 1 + (8 * i if c == 0 else 4 * (i & 2))] = 0


cdef inline void fill_nnz_of(SliceContext *s, int c, int rows, uint8_t missing) noexcept nogil:
    """Neighbours of the blocks of one component; rows: of blocks, in the macroblock."""
    cdef uint8_t *cache = &s.cache.nnz[c][CACHE]
    cdef int i, mb, row
    codec_assert_range(0, c, 2)
    if s.around.top_mb < 0:
        memset(cache - 8, missing, 4)
    else:
        memcpy(cache - 8, context_of(s, s.around.top_mb).nnz_bottom[c], 4)
    for i in range(rows):
        mb, row = s.around.left_mb[i], s.around.left_row[i]
        if rows == 2:                                   # 8 lines of chroma: row i is beside luma rows 2 * i, 2 * i + 1
            mb, row = s.around.left_mb[2 * i], s.around.left_row[2 * i] >> 1
        cache[8 * i - 1] = missing if mb < 0 else context_of(s, mb).nnz_right[c][row]


cdef inline bint has_no_8x8(SliceContext *s, int mb) noexcept nogil:
    return mb >= 0 and not s.pic.mb[mb].flags & (MB_TRANSFORM8 | MB_PCM)


cdef void hide_4x4(SliceContext *s) noexcept nogil:
    """coded_block_flag of 8x8 blocks, which 4:4:4 alone codes: neighbours with the other transform have no transBlockN
    and count as 0 (9.3.3.1.1.9). x264 before build 151 took them for macroblocks that are not available, which count as
    1 in intra macroblocks."""
    cdef int c, i
    cdef uint8_t flag = s.seq.x264_before_151 and s.mb.flags & MB_INTRA
    for c in range(3):
        for i in range(4):
            if has_no_8x8(s, s.around.left_mb[i]):
                s.cache.nnz[c][CACHE - 1 + 8 * i] = flag
            if has_no_8x8(s, s.around.top_mb):
                s.cache.nnz[c][CACHE - 8 + i] = flag


cdef void fill_nnz(SliceContext *s) noexcept nogil:
    """total_coeff or coded_block_flag of the neighbouring blocks. Not available: 64 for CAVLC (see nC_of), for CABAC
    what 9.3.3.1.1.9 infers."""
    cdef uint8_t missing = 64 if not s.seq.entropy_coding_mode_flag else 1 if s.mb.flags & MB_INTRA else 0
    cdef int c
    fill_nnz_of(s, 0, 4, missing)
    if s.seq.ChromaArrayType == 3 or s.mb.cbp >> 4 == 2:
        for c in range(1, 3):
            fill_nnz_of(s, c, 2 if s.seq.ChromaArrayType == 1 else 4, missing)
    if s.slice.partitioned and s.seq.constrained_intra_pred_flag and s.mb.flags & MB_INTRA:
        forget_inter_nnz(s)
    if s.seq.ChromaArrayType == 3 and s.mb.flags & MB_TRANSFORM8 and s.seq.entropy_coding_mode_flag:
        hide_4x4(s)


cdef inline void take_motion(SliceContext *s, int list, int entry, int mb, int b4) noexcept nogil:
    """Vector and index of block b4 of a macroblock, in units of the current macroblock (8.4.1.3.2).

    Indices of frames are at most 15, and of fields 31. A vertical vector of a frame macroblock that is no multiple of 2
    is halved towards zero; a doubled one wraps modulo 2^16 (a conforming one is at most 512 lines).
    """
    cdef int8_t ref
    cdef const int16_t *mv
    codec_assert_range(0, b4, 15)
    if mb < 0:
        s.cache.ref[list][entry] = UNAVAILABLE
        s.cache.mv[list][entry][0] = s.cache.mv[list][entry][1] = 0
        return
    ref = s.pic.refIdx[(mb * 2 + list) * 4 + (b4 >> 3 << 1) + (b4 >> 1 & 1)]
    mv = s.pic.mv[(mb * 2 + list) * 16 + b4]
    if ref < 0:
        s.cache.ref[list][entry] = UNUSED
        s.cache.mv[list][entry][0] = s.cache.mv[list][entry][1] = 0
        return
    s.cache.mv[list][entry][0] = mv[0]
    s.cache.mv[list][entry][1] = mv[1]
    if s.slice.MbaffFrameFlag and is_field(s, mb) != (s.place.mb_field != 0):
        if s.place.mb_field:
            ref = <int8_t>(ref * 2)
            s.cache.mv[list][entry][1] = mv[1] / 2
        else:
            ref >>= 1
            s.cache.mv[list][entry][1] = <int16_t>(mv[1] * 2)
    codec_assert_range(0, ref, 31)
    s.cache.ref[list][entry] = ref


cdef inline void copy_motion(SliceContext *s, int list, int entry, int mb, int b4) noexcept nogil:
    """take_motion without MBAFF: unused blocks are stored with index -1 and vector 0 (see _picture.pxd)."""
    codec_assert_range(0, b4, 15)
    if mb < 0:
        s.cache.ref[list][entry] = UNAVAILABLE
        memset(s.cache.mv[list][entry], 0, 4)
    else:
        s.cache.ref[list][entry] = s.pic.refIdx[(mb * 2 + list) * 4 + (b4 >> 3 << 1) + (b4 >> 1 & 1)]
        memcpy(s.cache.mv[list][entry], s.pic.mv[(mb * 2 + list) * 16 + b4], 4)


cdef void fill_corners(SliceContext *s) noexcept nogil:
    """Motion of the neighbours A, B, C and D of the whole macroblock."""
    cdef int list
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if s.slice.MbaffFrameFlag:
            take_motion(s, list, CACHE - 8, s.around.top_mb, 12)
            take_motion(s, list, CACHE - 1, s.around.left_mb[0], 4 * s.around.left_row[0] + 3)
            take_motion(s, list, CACHE - 9, s.around.topleft_mb, 4 * s.around.topleft_row + 3)
            take_motion(s, list, CACHE - 4, s.around.topright_mb, 12)
        else:
            copy_motion(s, list, CACHE - 8, s.around.top_mb, 12)
            copy_motion(s, list, CACHE - 1, s.around.left_mb[0], 3)
            copy_motion(s, list, CACHE - 9, s.around.topleft_mb, 15)
            copy_motion(s, list, CACHE - 4, s.around.topright_mb, 12)


cdef void fill_motion(SliceContext *s) noexcept nogil:
    """Motion of all neighbouring blocks."""
    cdef int list, i
    cdef const int8_t *refs
    cdef int8_t *cache
    fill_corners(s)
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if s.slice.MbaffFrameFlag:
            for i in range(1, 4):
                take_motion(s, list, CACHE - 8 + i, s.around.top_mb, 12 + i)
                take_motion(s, list, CACHE - 1 + 8 * i, s.around.left_mb[i], 4 * s.around.left_row[i] + 3)
            continue
        cache = &s.cache.ref[list][CACHE - 8]
        if s.around.top_mb >= 0:
            refs = &s.pic.refIdx[(s.around.top_mb * 2 + list) * 4]
            cache[0] = cache[1] = refs[2]
            cache[2] = cache[3] = refs[3]
            memcpy(s.cache.mv[list][CACHE - 8], s.pic.mv[(s.around.top_mb * 2 + list) * 16 + 12], 16)
        else:
            memset(cache, <uint8_t>UNAVAILABLE, 4)
            memset(s.cache.mv[list][CACHE - 8], 0, 16)
        for i in range(1, 4):
            copy_motion(s, list, CACHE - 1 + 8 * i, s.around.left_mb[0], 4 * i + 3)


cdef inline void take_mvd(SliceContext *s, int mb, const uint8_t *from_, uint8_t *mvd) noexcept nogil:
    """|mvd| of a neighbour (9.3.3.1.1.7): compIdx 1 in units of the current macroblock, at most 127 as it is stored."""
    mvd[0], mvd[1] = from_[0], from_[1]
    if s.slice.MbaffFrameFlag and is_field(s, mb) != (s.place.mb_field != 0):
        mvd[1] = mvd[1] >> 1 if s.place.mb_field else <uint8_t>min(2 * mvd[1], 127)


cdef void fill_mvd(SliceContext *s, int list, int step) noexcept nogil:
    """|mvd| of the neighbours, for CABAC; on the left beside every step-th row of blocks."""
    cdef int i, mb
    cdef uint8_t (*cache)[2]
    codec_assert_range(0, list, 1)
    codec_assert_range(1, step, 4)
    cache = &s.cache.mvd[list][CACHE]
    if s.around.top_mb < 0:
        memset(cache - 8, 0, 8)
    elif not s.slice.MbaffFrameFlag:
        memcpy(cache - 8, context_of(s, s.around.top_mb).mvd_bottom[list], 8)
    else:
        for i in range(4):
            take_mvd(s, s.around.top_mb, context_of(s, s.around.top_mb).mvd_bottom[list][i], cache[i - 8])
    i = 0
    while i < 4:
        mb = s.around.left_mb[i]
        if mb < 0:
            memset(cache[8 * i - 1], 0, 2)
        else:
            take_mvd(s, mb, context_of(s, mb).mvd_right[list][s.around.left_row[i]], cache[8 * i - 1])
        i += step


cdef void fill_direct(SliceContext *s) noexcept nogil:
    """Direct flags of the neighbours, for the contexts of reference indices."""
    cdef int i, mb
    cdef int top = s.around.top_mb
    for i in range(4):
        mb = s.around.left_mb[i]
        s.cache.direct[CACHE - 8 + i] = context_of(s, top).direct[2 + (i >> 1)] if top >= 0 else 0
        s.cache.direct[CACHE - 1 + 8 * i] = context_of(s, mb).direct[(s.around.left_row[i] & 2) + 1] if mb >= 0 else 0
