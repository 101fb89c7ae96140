"""Motion vectors and reference indices (8.4.1) but those of direct mode (_direct.pyx). Blocks are counted in units of 4
samples.

Vectors are kept modulo 2^16: sums of prediction and difference wrap, as those of conforming streams never do.
"""
from libc.stdint cimport int8_t, int16_t, int32_t
from libc.string cimport memcpy, memset

from codec._core cimport codec_assert_range
from codec.h264.macroblock._direct cimport derive_direct
from codec.h264.macroblock._neighbours cimport left_location
from codec.h264.macroblock._slice cimport (
    CACHE, MISSING_REFERENCE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SUB_4X4, SUB_8X4, SUB_8X8,
    UNAVAILABLE, UNUSED, Reference, SliceContext, set_block,
)
from codec.h264.pictures._picture cimport MB_FIELD, MB_LIST1, NO_REFERENCE, PictureData


cdef inline int median(int a, int b, int c) noexcept nogil:
    return max(min(a, b), min(max(a, b), c))


cdef int left_above(SliceContext *s, int list, int y, int16_t *mv) noexcept nogil:
    """Neighbour D of a partition at x = 0, y > 0 in MBAFF with a pair A of the other kind: the line of D may lie in
    another macroblock than the block that the cache has beside the partition."""
    cdef int mb, line, ref, b4
    left_location(s, 4 * y - 1, &mb, &line)
    b4 = 4 * (line >> 2) + 3
    ref = s.pic.refIdx[(mb * 2 + list) * 4 + (b4 >> 3 << 1) + 1]
    mv[0] = mv[1] = 0
    if ref < 0:
        return UNUSED
    mv[0] = s.pic.mv[(mb * 2 + list) * 16 + b4][0]
    mv[1] = s.pic.mv[(mb * 2 + list) * 16 + b4][1]
    if s.place.mb_field:
        mv[1] = mv[1] / 2
        return ref << 1
    mv[1] = <int16_t>(mv[1] * 2)
    return ref >> 1


cdef inline int neighbour_c(SliceContext *s, int list, int x, int y, int w, int16_t *mv) noexcept nogil:
    """mbAddrC\\mbPartIdxC\\subMbPartIdxC of 6.4.11.7, or D where C is not available: its reference index and vector."""
    cdef int entry = CACHE + x + 8 * y, c = entry + w - 8
    codec_assert_range(0, x, 4 - w)
    codec_assert_range(0, y, 3)
    # below the top row, the block above right comes later if it is right of the macroblock or in the next 8x8 block
    if (y == 0 or (x + w < 4 and not (y & 1 and x + w == 2))) and s.cache.ref[list][c] != UNAVAILABLE:
        entry = c
    elif (
        x == 0 and y > 0 and s.slice.MbaffFrameFlag and s.around.left_pair >= 0
        and (s.pic.mb[s.around.left_pair].flags & MB_FIELD != 0) != (s.place.mb_field != 0)
    ):
        return left_above(s, list, y, mv)
    else:
        entry -= 9
    mv[0] = s.cache.mv[list][entry][0]
    mv[1] = s.cache.mv[list][entry][1]
    return s.cache.ref[list][entry]


cdef void predict_vector(SliceContext *s, int list, int x, int y, int w, int ref, int16_t *mv) noexcept nogil:
    """Median prediction, 8.4.1.3.1."""
    cdef int a = CACHE + x + 8 * y - 1, b = a - 7
    cdef int ref_a = s.cache.ref[list][a], ref_b = s.cache.ref[list][b]
    cdef int16_t c[2]
    cdef int ref_c = neighbour_c(s, list, x, y, w, c)
    cdef int16_t *mv_a = s.cache.mv[list][a]
    cdef int16_t *mv_b = s.cache.mv[list][b]
    cdef int same = (ref_a == ref) + (ref_b == ref) + (ref_c == ref)
    codec_assert_range(0, ref, 31)
    if same == 1:
        if ref_a == ref:
            mv[0], mv[1] = mv_a[0], mv_a[1]
        elif ref_b == ref:
            mv[0], mv[1] = mv_b[0], mv_b[1]
        else:
            mv[0], mv[1] = c[0], c[1]
    elif ref_b == UNAVAILABLE and ref_c == UNAVAILABLE and ref_a != UNAVAILABLE:
        mv[0], mv[1] = mv_a[0], mv_a[1]
    else:
        mv[0] = <int16_t>median(mv_a[0], mv_b[0], c[0])
        mv[1] = <int16_t>median(mv_a[1], mv_b[1], c[1])


cdef void derive_p_skip(SliceContext *s) noexcept nogil:
    """Motion of P_Skip (8.4.1.1): zero if A or B is missing or still, else predicted."""
    cdef int a = CACHE - 1, b = CACHE - 8
    cdef int16_t mv[2]
    cdef int16_t *mv_a = s.cache.mv[0][a]
    cdef int16_t *mv_b = s.cache.mv[0][b]
    mv[0] = mv[1] = 0
    if not (
        s.cache.ref[0][a] == UNAVAILABLE
        or s.cache.ref[0][b] == UNAVAILABLE
        or (s.cache.ref[0][a] == 0 and not (mv_a[0] | mv_a[1]))
        or (s.cache.ref[0][b] == 0 and not (mv_b[0] | mv_b[1]))
    ):
        predict_vector(s, 0, 0, 0, 4, 0, mv)
    set_block(s, 0, 0, 0, 4, 4, 0, mv[0], mv[1])


cdef inline void finish_vector(SliceContext *s, int list, int x, int y, int w, int h, int ref,
                               int16_t *mv) noexcept nogil:
    """mvLX = mvpLX + mvdLX, modulo 2^16."""
    cdef int16_t *mvd = s.mb.mvd[list][4 * y + x]
    codec_assert_range(0, ref, 31)
    set_block(s, list, x, y, w, h, ref, mv[0] + mvd[0], mv[1] + mvd[1])


cdef inline void predict_half(SliceContext *s, int list, int x, int y, int ref, int16_t *mv) noexcept nogil:
    """Directional prediction (8.4.1.3) of the 16x8 or 8x16 partition at block (x, y)."""
    cdef bint wide = s.mb.part == PART_16X8
    cdef int entry = CACHE + x + 8 * y, ref_n
    if x:
        ref_n = neighbour_c(s, list, 2, 0, 2, mv)
    else:
        entry = entry - 8 if wide and not y else entry - 1
        ref_n = s.cache.ref[list][entry]
        mv[0], mv[1] = s.cache.mv[list][entry][0], s.cache.mv[list][entry][1]
    if ref_n != ref:
        predict_vector(s, list, x, y, 4 if wide else 2, ref, mv)


cdef void derive_two(SliceContext *s, int list) noexcept nogil:
    """16x8 and 8x16."""
    cdef int part, x, y, b8, ref
    cdef int16_t mv[2]
    cdef bint wide = s.mb.part == PART_16X8
    for part in range(2):
        x, y = (0, 2 * part) if wide else (2 * part, 0)
        b8 = y + (x >> 1)
        if not s.mb.pred_flag[b8] >> list & 1:
            set_block(s, list, x, y, 4 if wide else 2, 2 if wide else 4, UNUSED, 0, 0)
            continue
        ref = s.mb.ref_idx[list][b8]
        predict_half(s, list, x, y, ref, mv)
        finish_vector(s, list, x, y, 4 if wide else 2, 2 if wide else 4, ref, mv)


cdef void derive_sub(SliceContext *s, int list, int b8) noexcept nogil:
    """One 8x8 block and its sub-macroblock partitions."""
    cdef int sub = s.mb.sub_part[b8], x0 = 2 * (b8 & 1), y0 = b8 & 2, x, y
    cdef int w = 1 if sub & 2 else 2                    # SUB_4X8, SUB_4X4
    cdef int h = 1 if sub == SUB_8X4 or sub == SUB_4X4 else 2
    cdef int ref = s.mb.ref_idx[list][b8]
    cdef int16_t mv[2]
    codec_assert_range(0, b8, 3)
    codec_assert_range(SUB_8X8, sub, SUB_4X4)
    if not s.mb.pred_flag[b8] >> list & 1:
        set_block(s, list, x0, y0, 2, 2, UNUSED, 0, 0)
        return
    y = y0
    while y < y0 + 2:
        x = x0
        while x < x0 + 2:
            predict_vector(s, list, x, y, w, ref, mv)
            finish_vector(s, list, x, y, w, h, ref, mv)
            x += w
        y += h


cdef int derive_motion(SliceContext *s) noexcept nogil:
    """All partitions of an inter macroblock that is not skipped, from ref_idx and mvd; 0 or MISSING_REFERENCE."""
    cdef int list, b8
    cdef int16_t mv[2]
    if s.mb.direct[0] | s.mb.direct[1] | s.mb.direct[2] | s.mb.direct[3]:
        if derive_direct(s):
            return MISSING_REFERENCE
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if s.mb.part == PART_16X16:
            if s.mb.direct[0]:
                return 0
            if not s.mb.pred_flag[0] >> list & 1:
                set_block(s, list, 0, 0, 4, 4, UNUSED, 0, 0)
                continue
            predict_vector(s, list, 0, 0, 4, s.mb.ref_idx[list][0], mv)
            finish_vector(s, list, 0, 0, 4, 4, s.mb.ref_idx[list][0], mv)
        elif s.mb.part != PART_8X8:
            derive_two(s, list)
        else:
            for b8 in range(4):
                if not s.mb.direct[b8]:
                    derive_sub(s, list, b8)
    return 0


cdef void predict_partition(SliceContext *s, int list, int x, int y, int w, int ref, int16_t *mv) noexcept nogil:
    """mvpLX of the partition at block (x, y), w blocks wide, of a macroblock with Macroblock.part. Its neighbours are
    in the caches; what the caches have of later partitions does not matter."""
    if s.mb.part == PART_16X8 or s.mb.part == PART_8X16:
        predict_half(s, list, x, y, ref, mv)
    else:
        predict_vector(s, list, x, y, w, ref, mv)


cdef inline void store_references(SliceContext *s, int list, int8_t *refIdx, int32_t *ref_id) noexcept nogil:
    """Reference indices and the pictures they stand for, by b8."""
    cdef const Reference *refs = s.refs.entry[s.place.kind][list]
    cdef const int8_t *cache = &s.cache.ref[list][CACHE]
    cdef int b8, ref
    for b8 in range(4):
        ref = cache[2 * (b8 & 1) + 8 * (b8 & 2)]
        refIdx[b8] = <int8_t>ref
        codec_assert_range(UNUSED, ref, 47)
        ref_id[b8] = refs[ref].id if ref >= 0 else NO_REFERENCE


cdef void store_motion(SliceContext *s) noexcept nogil:
    """Motion of an inter macroblock, from the caches into the picture."""
    cdef PictureData *p = s.pic
    cdef int y
    cdef int16_t (*mv)[2]
    cdef int8_t *refIdx = &p.refIdx[s.place.mb * 8]
    cdef int32_t *ref_id = &p.ref_id[s.place.mb * 8]
    codec_assert_range(0, s.place.mb, p.mb_count - 1)
    mv = p.mv + s.place.mb * 32
    for y in range(4):
        memcpy(mv[4 * y], s.cache.mv[0][CACHE + 8 * y], 16)
    store_references(s, 0, refIdx, ref_id)
    if s.mb.flags & MB_LIST1:
        for y in range(4):
            memcpy(mv[16 + 4 * y], s.cache.mv[1][CACHE + 8 * y], 16)
        store_references(s, 1, refIdx + 4, ref_id + 4)
    else:
        memset(mv[16], 0, 64)
        memset(refIdx + 4, 0xFF, 4)
        memset(ref_id + 4, 0xFF, 16)


cdef void store_intra_motion(SliceContext *s) noexcept nogil:
    """No motion: index -1 and vector 0."""
    memset(s.pic.mv[s.place.mb * 32], 0, 128)
    memset(&s.pic.refIdx[s.place.mb * 8], 0xFF, 8)
    memset(&s.pic.ref_id[s.place.mb * 8], 0xFF, 32)
