"""Partitions of inter macroblocks: the vector and reference of each by SATD and bits, and the macroblock made of
them."""
from libc.stdint cimport int16_t
from libc.string cimport memcpy, memset

from codec.h264.encode._coder cimport PAD, SRC_STRIDE, Coder, Motion, Part, RefPlanes, bits_cost
from codec.h264.encode._search cimport one_cost, refine, refine_two, search, two_cost
from codec.h264.macroblock._context cimport begin_macroblock
from codec.h264.macroblock._motion cimport predict_partition
from codec.h264.macroblock._slice cimport (
    CACHE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SUB_4X4, SUB_8X4, SUB_8X8,
    UNUSED, SliceContext, set_block, wait_for_lines,
)
from codec.h264.pictures._picture cimport MB_INTRA, PictureData

cdef enum:
    REFUSED = 1 << 28
    MV_LIMIT_X = 4 * 2048   # quarter samples, at all levels (A.3.1)

# bits of mb_type in P slices, and of four sub_mb_type, by PART_...
cdef int[4] P_TYPE_BITS = [1, 3, 3, 7]
# the same of B slices, less the prediction of each partition; and that, by direct, list 0, list 1, both
cdef int[4] B_TYPE_BITS = [0, 3, 3, 6]
cdef int B_PART_BITS[4][4]
B_PART_BITS = [[1, 3, 3, 5], [0, 1, 1, 3], [0, 1, 1, 3], [1, 3, 3, 5]]
cdef int[4] PARTS = [1, 2, 2, 4]
# bits of sub_mb_type of P more than those of SUB_8X8, and parts
cdef int[4] SUB_TYPE_BITS = [0, 1, 2, 2]
cdef int[4] SUB_PARTS = [1, 2, 2, 4]


cdef inline void geometry(int mode, int i, int *x, int *y, int *w, int *h) noexcept nogil:
    """Place and size of a partition in samples."""
    w[0] = 16 if mode == PART_16X16 or mode == PART_16X8 else 8
    h[0] = 16 if mode == PART_16X16 or mode == PART_8X16 else 8
    x[0] = 8 * (i & 1) if mode == PART_8X8 else 8 * i if mode == PART_8X16 else 0
    y[0] = 8 * (i >> 1) if mode == PART_8X8 else 8 * i if mode == PART_16X8 else 0


cdef inline int ref_bits(const Coder *c, int list, int ref) noexcept nogil:
    """Of ref_idx as te(v)"""
    cdef int active = c.s.slice.num_ref_idx_active[list], length = 1, k = ref + 1
    if active <= 2:
        return active - 1
    while k > 1:
        k >>= 1
        length += 2
    return length


cdef void begin_search(Coder *c) noexcept nogil:
    """Limits of vectors for this macroblock: within the padding, and within the level."""
    cdef SliceContext *s = &c.s
    cdef int x = 16 * s.place.mb_x, y = 16 * s.place.mb_row, room = PAD - 8
    c.mv_low[0] = max(-4 * (x + room), -MV_LIMIT_X)
    c.mv_high[0] = min(4 * (s.pic.width[0] - 16 - x + room), MV_LIMIT_X - 1)
    c.mv_low[1] = max(-4 * (y + room), -c.mv_limit_y)
    c.mv_high[1] = min(4 * (s.pic.height[0] - 16 - y + room), c.mv_limit_y - 1)


cdef int neighbours_of(Coder *c, int list, int16_t (*found)[2]) noexcept nogil:
    """Vectors of A, B and C, and from the macroblock at the same place in another picture: of the first reference in P,
    of the first of list 1 in B, which the current picture halves; and from the lookahead."""
    cdef SliceContext *s = &c.s
    cdef bint b_slice = s.slice.slice_type == SLICE_B
    cdef const PictureData *p = s.refs.entry[0][b_slice][0].picture
    cdef int[3] entries = [CACHE - 1, CACHE - 8, CACHE - 4]
    cdef int i, n = 0, k
    for i in range(3):
        if s.cache.ref[list][entries[i]] >= 0:
            found[n][0], found[n][1] = s.cache.mv[list][entries[i]][0], s.cache.mv[list][entries[i]][1]
            n += 1
    wait_for_lines(s, p, 16 * s.place.mb_row + 1)
    if p.refIdx[s.place.mb * 8] >= 0:
        for k in range(2):
            i = p.mv[s.place.mb * 32][k]
            found[n][k] = <int16_t>(i if not b_slice else -(i / 2) if list else i / 2)
        n += 1
    if c.ahead[list] != NULL:
        for k in range(2):
            found[n][k] = <int16_t>(4 * c.ahead[list][s.place.mbaddr][k])
        n += 1
    return n


cdef inline int implicit_weight(Coder *c, int ref0, int ref1) noexcept nogil:
    """w1 of 8.4.2.3.1"""
    return c.s.refs.implicit_w1[0][ref0][ref1] if c.s.slice.weight_mode == 2 else 32


cdef void choose_lists(Coder *c, Part *part, int mode, int x, int y, int w, int h, const Motion *best0,
                       const Motion *best1, const int *bits) noexcept nogil:
    """Make the partition of B of the better of both lists, or of both together; bits: of its type, by prediction."""
    cdef Motion m0 = best0[0], m1 = best1[0]
    cdef int w1 = implicit_weight(c, m0.ref, m1.ref)
    cdef RefPlanes *r0 = &c.refs[0][m0.ref]
    cdef RefPlanes *r1 = &c.refs[1][m1.ref]
    part.pred, part.cost, part.m[0] = 1, m0.cost + bits_cost(c, bits[1]), m0
    if m1.cost + bits_cost(c, bits[2]) < part.cost:
        part.pred, part.cost, part.m[1] = 2, m1.cost + bits_cost(c, bits[2]), m1
    m0.cost = two_cost(c, r0, r1, x, y, w, h, &m0, &m1, w1)
    if c.tools.rd and m0.cost + bits_cost(c, bits[3]) + m0.bits + m1.bits < part.cost + part.cost // 4:
        refine_two(c, r0, r1, x, y, w, h, &m0, &m1, w1, (2 if mode == PART_16X16 else 1) << (c.tools.refine > 0))
    m0.cost += bits_cost(c, bits[3]) + m0.bits + m1.bits
    if m0.cost < part.cost:
        part.pred, part.cost, part.m[0], part.m[1] = 3, m0.cost, m0, m1


cdef void search_whole(Coder *c) noexcept nogil:
    """16x16, in all references of the lists."""
    cdef SliceContext *s = &c.s
    cdef int16_t found[8][2]
    cdef int list, ref, n
    cdef Motion *m
    cdef Part *part = &c.parts[PART_16X16][0]
    s.mb.part = PART_16X16
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        c.best_ref[list] = 0
        n = neighbours_of(c, list, found)
        for ref in range(s.slice.num_ref_idx_active[list]):
            m = &c.whole[list][ref]
            m.ref, m.bits = ref, bits_cost(c, ref_bits(c, list, ref))
            predict_partition(s, list, 0, 0, 4, ref, m.mvp)
            search(c, &c.refs[list][ref], 0, 0, 16, 16, m, found, n)
            if m.cost < c.whole[list][c.best_ref[list]].cost:
                c.best_ref[list] = ref
    if s.slice.slice_type == SLICE_B:
        choose_lists(c, part, PART_16X16, 0, 0, 16, 16, &c.whole[0][c.best_ref[0]], &c.whole[1][c.best_ref[1]],
                     B_PART_BITS[PART_16X16])
        c.part_cost[PART_16X16] = part.cost
        return
    part.pred, part.m[0] = 1, c.whole[0][c.best_ref[0]]
    part.cost = part.m[0].cost
    c.part_cost[PART_16X16] = part.cost + bits_cost(c, P_TYPE_BITS[PART_16X16])


cdef void search_list(Coder *c, int list, int mode, int i, Motion *best) noexcept nogil:
    """The best vector of one partition in one list, in the references that did well for the whole macroblock."""
    cdef SliceContext *s = &c.s
    cdef int16_t found[8][2]
    cdef int x, y, w, h, n, k, ref, b8
    cdef Motion m
    cdef const Part *eighth
    geometry(mode, i, &x, &y, &w, &h)
    best.cost = REFUSED
    for ref in range(s.slice.num_ref_idx_active[list]):
        if ref != c.best_ref[list] and not (c.tools.mixed_refs and ref == 0):
            continue
        m.ref, m.bits = ref, bits_cost(c, ref_bits(c, list, ref))
        predict_partition(s, list, x >> 2, y >> 2, w >> 2, ref, m.mvp)
        found[0][0], found[0][1] = c.whole[list][ref].mv[0], c.whole[list][ref].mv[1]
        n = 1
        if mode != PART_8X8:
            for k in range(2):
                b8 = 2 * i + k if mode == PART_16X8 else i + 2 * k
                eighth = &c.parts[PART_8X8][b8]
                if eighth.pred >> list & 1 and eighth.m[list].ref == ref:
                    found[n][0], found[n][1] = eighth.m[list].mv[0], eighth.m[list].mv[1]
                    n += 1
        search(c, &c.refs[list][ref], x, y, w, h, &m, found, n)
        if m.cost < best.cost:
            best[0] = m


cdef void search_part(Coder *c, int mode, int i) noexcept nogil:
    """One partition; its neighbours are in the caches, and so is it afterwards."""
    cdef SliceContext *s = &c.s
    cdef int x, y, w, h, cost
    cdef Motion best[2]
    cdef Part *part = &c.parts[mode][i]
    geometry(mode, i, &x, &y, &w, &h)
    search_list(c, 0, mode, i, &best[0])
    if s.slice.slice_type == SLICE_B:
        search_list(c, 1, mode, i, &best[1])
        choose_lists(c, part, mode, x, y, w, h, &best[0], &best[1], B_PART_BITS[mode])
        part.sub = SUB_8X8
        if mode == PART_8X8 and c.direct_cost < REFUSED:
            cost = (c.enc.satd[1](c.src + SRC_STRIDE * y + x, SRC_STRIDE, c.direct + SRC_STRIDE * y + x, SRC_STRIDE, 8)
                    + bits_cost(c, B_PART_BITS[PART_8X8][0]))
            if cost <= part.cost:
                part.pred, part.cost = 0, cost
    else:
        part.pred, part.cost, part.m[0] = 1, best[0].cost, best[0]
        part.sub = SUB_8X8
    place_part(c, part, x, y, w, h)


cdef inline bint sub_block(int sub, int i, int *w, int *h) noexcept nogil:
    """Whether a part begins at 4x4 block i of an 8x8 block; its size in samples."""
    w[0] = 4 if sub & 2 else 8
    h[0] = 4 if sub == SUB_8X4 or sub == SUB_4X4 else 8
    return not (w[0] == 8 and i & 1) and not (h[0] == 8 and i & 2)


cdef int search_sub(Coder *c, const Part *whole, int x, int y, int sub, int16_t (*mv)[2]) noexcept nogil:
    """Vectors of the parts of an 8x8 block of P, from that of the whole one and in its reference; their cost. They are
    in the caches afterwards."""
    cdef SliceContext *s = &c.s
    cdef int16_t found[1][2]
    cdef int i, w, h, bx, by, ref = whole.m[0].ref, cost = whole.m[0].bits + bits_cost(c, SUB_TYPE_BITS[sub])
    cdef Motion m
    found[0][0], found[0][1] = whole.m[0].mv[0], whole.m[0].mv[1]
    for i in range(4):
        if not sub_block(sub, i, &w, &h):
            continue
        bx, by = x + 4 * (i & 1), y + 2 * (i & 2)
        m.ref, m.bits = ref, 0
        predict_partition(s, 0, bx >> 2, by >> 2, w >> 2, ref, m.mvp)
        search(c, &c.refs[0][ref], bx, by, w, h, &m, found, 1)
        set_block(s, 0, bx >> 2, by >> 2, w >> 2, h >> 2, ref, m.mv[0], m.mv[1])
        mv[i][0], mv[i][1] = m.mv[0], m.mv[1]
        cost += m.cost
    return cost


cdef void divide(Coder *c, Part *part, int x, int y) noexcept nogil:
    """Divide the 8x8 block at (x, y) if its parts cost less; 8x4 and 4x8 are tried if 4x4 comes near."""
    cdef int16_t mv[4][2]
    cdef int sub, cost, near = part.cost + (part.cost >> 4)
    for sub in range(SUB_4X4, SUB_8X8, -1):
        if SUB_PARTS[sub] - 1 > c.vectors_left:
            continue
        cost = search_sub(c, part, x, y, sub, mv)
        if cost < part.cost:
            part.cost, part.sub = cost, sub
            memcpy(part.sub_mv, mv, sizeof(mv))
        if sub == SUB_4X4 and cost >= near:
            break
    c.vectors_left -= SUB_PARTS[part.sub] - 1


cdef void place_sub(Coder *c, const Part *part, int x, int y) noexcept nogil:
    """The vectors of a divided 8x8 block into the caches."""
    cdef int i, w, h
    for i in range(4):
        if sub_block(part.sub, i, &w, &h):
            set_block(&c.s, 0, (x >> 2) + (i & 1), (y >> 2) + (i >> 1), w >> 2, h >> 2, part.m[0].ref,
                      part.sub_mv[i][0], part.sub_mv[i][1])


cdef void place_part(Coder *c, const Part *part, int x, int y, int w, int h) noexcept nogil:
    """The partition's motion into the caches."""
    cdef SliceContext *s = &c.s
    cdef int list, entry = CACHE + (x >> 2) + 2 * y, row
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        if part.pred == 0:
            for row in range(2):
                memcpy(&s.cache.ref[list][entry + 8 * row], &c.direct_ref[list][entry + 8 * row], 2)
                memcpy(s.cache.mv[list][entry + 8 * row], c.direct_mv[list][entry + 8 * row], 8)
        elif part.sub:
            place_sub(c, part, x, y)
        elif part.pred >> list & 1:
            set_block(s, list, x >> 2, y >> 2, w >> 2, h >> 2, part.m[list].ref, part.m[list].mv[0],
                      part.m[list].mv[1])
        else:
            set_block(s, list, x >> 2, y >> 2, w >> 2, h >> 2, UNUSED, 0, 0)


cdef void search_parts(Coder *c, int mode) noexcept nogil:
    """All partitions of a mode that divides the macroblock."""
    cdef int i
    c.s.mb.part = mode
    c.part_cost[mode] = bits_cost(c, B_TYPE_BITS[mode] if c.s.slice.slice_type == SLICE_B else P_TYPE_BITS[mode])
    for i in range(PARTS[mode]):
        search_part(c, mode, i)
        c.part_cost[mode] += c.parts[mode][i].cost


cdef void settle_parts(Coder *c, int mode) noexcept nogil:
    """Refine the vectors of the partitions of a mode by quarter samples, which their search left out."""
    cdef int i, x, y, w, h, before
    cdef Part *part
    cdef Motion *m
    for i in range(PARTS[mode]):
        part = &c.parts[mode][i]
        if part.pred == 0:
            continue
        geometry(mode, i, &x, &y, &w, &h)
        if part.pred == 3:
            m = &part.m[0]
            before = m.cost = part_satd(c, mode, i)
            refine_two(c, &c.refs[0][m.ref], &c.refs[1][part.m[1].ref], x, y, w, h, m, &part.m[1],
                       implicit_weight(c, m.ref, part.m[1].ref), 1)
        else:
            m = &part.m[part.pred >> 1]
            before = m.cost
            m.cost -= m.bits                            # which refine leaves out
            refine(c, &c.refs[part.pred >> 1][m.ref], x, y, w, h, m, 0, c.tools.last_steps)
            m.cost += m.bits
        part.cost += m.cost - before
        c.part_cost[mode] += m.cost - before


cdef void divide_parts(Coder *c) noexcept nogil:
    """Divide the 8x8 blocks of P that search_parts found, where that costs less."""
    cdef int i, x, y, w, h
    cdef Part *part
    c.vectors_left = c.most_vectors - max(c.vectors_before, 4) - 4      # the next macroblock may have 4
    for i in range(4):
        part = &c.parts[PART_8X8][i]
        geometry(PART_8X8, i, &x, &y, &w, &h)
        c.part_cost[PART_8X8] -= part.cost
        divide(c, part, x, y)
        c.part_cost[PART_8X8] += part.cost
        place_part(c, part, x, y, w, h)


cdef int vectors_of(const SliceContext *s) noexcept nogil:
    """How many vectors a macroblock of P has."""
    if s.mb.flags & MB_INTRA:
        return 0
    if s.mb.part != PART_8X8:
        return PARTS[s.mb.part]
    return (SUB_PARTS[s.mb.sub_part[0]] + SUB_PARTS[s.mb.sub_part[1]] + SUB_PARTS[s.mb.sub_part[2]]
            + SUB_PARTS[s.mb.sub_part[3]])


cdef void set_difference(SliceContext *s, int list, int x, int y, int w) noexcept nogil:
    """mvd of the partition at block (x, y), w blocks wide."""
    cdef int16_t mvp[2]
    cdef int entry = CACHE + x + 8 * y
    cdef int16_t *mvd = s.mb.mvd[list][4 * y + x]
    predict_partition(s, list, x, y, w, s.cache.ref[list][entry], mvp)
    mvd[0] = <int16_t>(s.cache.mv[list][entry][0] - mvp[0])
    mvd[1] = <int16_t>(s.cache.mv[list][entry][1] - mvp[1])


cdef void set_sub_differences(SliceContext *s, int b8) noexcept nogil:
    """mvd of a divided 8x8 block of P."""
    cdef int i, w, h
    for i in range(4):
        if sub_block(s.mb.sub_part[b8], i, &w, &h):
            set_difference(s, 0, 2 * (b8 & 1) + (i & 1), (b8 & 2) + (i >> 1), w >> 2)


cdef void set_differences(Coder *c) noexcept nogil:
    """mvd of all partitions, from the vectors in the caches."""
    cdef SliceContext *s = &c.s
    cdef int i, list, x, y, w, h, mode = s.mb.part, b8
    for i in range(PARTS[mode]):
        geometry(mode, i, &x, &y, &w, &h)
        b8 = (y >> 3) * 2 + (x >> 3)
        if s.mb.direct[b8]:
            continue
        if mode == PART_8X8 and s.mb.sub_part[b8]:
            set_sub_differences(s, b8)
            continue
        for list in range(2):
            if s.mb.pred_flag[b8] >> list & 1:
                set_difference(s, list, x >> 2, y >> 2, w >> 2)


cdef int part_satd(Coder *c, int mode, int i) noexcept nogil:
    """SATD of a partition with the vectors that it has, and lambda times the bits of their differences."""
    cdef int x, y, w, h
    cdef const Part *part = &c.parts[mode][i]
    cdef const Motion *m0 = &part.m[0]
    cdef const Motion *m1 = &part.m[1]
    geometry(mode, i, &x, &y, &w, &h)
    if part.pred == 3:
        return two_cost(c, &c.refs[0][m0.ref], &c.refs[1][m1.ref], x, y, w, h, m0, m1,
                        implicit_weight(c, m0.ref, m1.ref))
    m0 = m0 if part.pred == 1 else m1
    return one_cost(c, &c.refs[part.pred >> 1][m0.ref], x, y, w, h, m0, m0.mv[0], m0.mv[1])


cdef void apply_parts(Coder *c, int mode) noexcept nogil:
    """Make the macroblock of the partitions that were found for a mode."""
    cdef SliceContext *s = &c.s
    cdef int i, x, y, w, h
    cdef const Part *part
    begin_macroblock(s)
    s.mb.part = mode
    memset(s.mb.sub_part, SUB_8X8, sizeof(s.mb.sub_part))
    for i in range(PARTS[mode]):
        geometry(mode, i, &x, &y, &w, &h)
        part = &c.parts[mode][i]
        place_part(c, part, x, y, w, h)
        if mode == PART_8X8:
            s.mb.sub_part[i] = part.sub
        s.mb.direct[(y >> 3) * 2 + (x >> 3)] = part.pred == 0
        s.mb.pred_flag[(y >> 3) * 2 + (x >> 3)] = part.pred
        if w == 16:
            s.mb.pred_flag[(y >> 3) * 2 + 1] = part.pred
        if h == 16:
            s.mb.pred_flag[2 + (x >> 3)] = part.pred
            if w == 16:
                s.mb.pred_flag[3] = part.pred
    set_differences(c)
