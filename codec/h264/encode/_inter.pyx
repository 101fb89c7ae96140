"""Partitions of inter macroblocks: the vector and reference of each by SATD and bits, and the macroblock made of
them."""
from libc.stdint cimport int16_t
from libc.string cimport memset

from codec.h264.encode._coder cimport PAD, Coder, Motion, Part, bits_cost
from codec.h264.encode._search cimport search
from codec.h264.macroblock._context cimport begin_macroblock
from codec.h264.macroblock._motion cimport predict_partition
from codec.h264.macroblock._slice cimport (
    CACHE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SUB_8X8, UNUSED, SliceContext, set_block,
)
from codec.h264.pictures._picture cimport PictureData

cdef enum:
    REFUSED = 1 << 28

# bits of mb_type in P slices, and of four sub_mb_type, by PART_...
cdef int[4] P_TYPE_BITS = [1, 3, 3, 7]
cdef int[4] PARTS = [1, 2, 2, 4]


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
    c.mv_low[0], c.mv_high[0] = -4 * (x + room), 4 * (s.pic.width[0] - 16 - x + room)
    c.mv_low[1] = max(-4 * (y + room), -c.mv_limit_y)
    c.mv_high[1] = min(4 * (s.pic.height[0] - 16 - y + room), c.mv_limit_y - 1)


cdef int neighbours_of(Coder *c, int list, int16_t (*found)[2]) noexcept nogil:
    """Vectors of A, B and C, and of the macroblock at the same place in the first reference."""
    cdef SliceContext *s = &c.s
    cdef const PictureData *p = s.refs.entry[0][list][0].picture
    cdef int[3] entries = [CACHE - 1, CACHE - 8, CACHE - 4]
    cdef int i, n = 0
    for i in range(3):
        if s.cache.ref[list][entries[i]] >= 0:
            found[n][0], found[n][1] = s.cache.mv[list][entries[i]][0], s.cache.mv[list][entries[i]][1]
            n += 1
    if p.refIdx[s.place.mb * 8] >= 0:
        found[n][0], found[n][1] = p.mv[s.place.mb * 32][0], p.mv[s.place.mb * 32][1]
        n += 1
    return n


cdef void search_whole(Coder *c) noexcept nogil:
    """16x16, in all references of the lists."""
    cdef SliceContext *s = &c.s
    cdef int16_t found[8][2]
    cdef int list, ref, n
    cdef Motion *m
    cdef Part *part = &c.parts[PART_16X16][0]
    s.mb.part = PART_16X16
    part.cost = REFUSED
    for list in range(2 if s.slice.slice_type == SLICE_B else 1):
        c.best_ref[list] = 0
        for ref in range(s.slice.num_ref_idx_active[list]):
            m = &c.whole[list][ref]
            m.ref, m.bits = ref, bits_cost(c, ref_bits(c, list, ref))
            predict_partition(s, list, 0, 0, 4, ref, m.mvp)
            n = neighbours_of(c, list, found)
            search(c, &c.refs[list][ref], 0, 0, 16, 16, m, found, n)
            if m.cost < c.whole[list][c.best_ref[list]].cost:
                c.best_ref[list] = ref
    part.pred, part.m[0] = 1, c.whole[0][c.best_ref[0]]
    part.cost = part.m[0].cost
    c.part_cost[PART_16X16] = part.cost + bits_cost(c, P_TYPE_BITS[PART_16X16])


cdef void search_part(Coder *c, int mode, int i) noexcept nogil:
    """One partition, in the references that did well for the whole macroblock; its neighbours are in the caches."""
    cdef SliceContext *s = &c.s
    cdef int16_t found[8][2]
    cdef int x, y, w, h, n, k, ref, b8
    cdef Motion m
    cdef Part *part = &c.parts[mode][i]
    geometry(mode, i, &x, &y, &w, &h)
    part.cost = REFUSED
    for ref in range(s.slice.num_ref_idx_active[0]):
        if ref != c.best_ref[0] and not (c.tools.mixed_refs and ref == 0):
            continue
        m.ref, m.bits = ref, bits_cost(c, ref_bits(c, 0, ref))
        predict_partition(s, 0, x >> 2, y >> 2, w >> 2, ref, m.mvp)
        found[0][0], found[0][1] = c.whole[0][ref].mv[0], c.whole[0][ref].mv[1]
        n = 1
        if mode != PART_8X8:
            for k in range(2):
                b8 = 2 * i + k if mode == PART_16X8 else i + 2 * k
                if c.parts[PART_8X8][b8].m[0].ref == ref:
                    found[n][0], found[n][1] = c.parts[PART_8X8][b8].m[0].mv[0], c.parts[PART_8X8][b8].m[0].mv[1]
                    n += 1
        search(c, &c.refs[0][ref], x, y, w, h, &m, found, n)
        if m.cost < part.cost:
            part.cost, part.pred, part.m[0] = m.cost, 1, m
    set_block(s, 0, x >> 2, y >> 2, w >> 2, h >> 2, part.m[0].ref, part.m[0].mv[0], part.m[0].mv[1])


cdef void search_parts(Coder *c, int mode) noexcept nogil:
    """All partitions of a mode that divides the macroblock."""
    cdef int i
    c.s.mb.part = mode
    c.part_cost[mode] = bits_cost(c, P_TYPE_BITS[mode])
    for i in range(PARTS[mode]):
        search_part(c, mode, i)
        c.part_cost[mode] += c.parts[mode][i].cost


cdef void set_differences(Coder *c) noexcept nogil:
    """mvd of all partitions, from the vectors in the caches."""
    cdef SliceContext *s = &c.s
    cdef int i, list, x, y, w, h, mode = s.mb.part, entry, b8
    cdef int16_t mvp[2]
    cdef int16_t *mvd
    for i in range(PARTS[mode]):
        geometry(mode, i, &x, &y, &w, &h)
        b8 = (y >> 3) * 2 + (x >> 3)
        if s.mb.direct[b8]:
            continue
        entry = CACHE + (x >> 2) + 2 * y
        for list in range(2):
            if s.mb.pred_flag[b8] >> list & 1:
                predict_partition(s, list, x >> 2, y >> 2, w >> 2, s.cache.ref[list][entry], mvp)
                mvd = s.mb.mvd[list][y + (x >> 2)]
                mvd[0] = <int16_t>(s.cache.mv[list][entry][0] - mvp[0])
                mvd[1] = <int16_t>(s.cache.mv[list][entry][1] - mvp[1])


cdef void apply_parts(Coder *c, int mode) noexcept nogil:
    """Make the macroblock of the partitions that were found for a mode."""
    cdef SliceContext *s = &c.s
    cdef int i, list, x, y, w, h
    cdef Part *part
    begin_macroblock(s)
    s.mb.part = mode
    memset(s.mb.sub_part, SUB_8X8, sizeof(s.mb.sub_part))
    for i in range(PARTS[mode]):
        geometry(mode, i, &x, &y, &w, &h)
        part = &c.parts[mode][i]
        for list in range(2 if s.slice.slice_type == SLICE_B else 1):
            if part.pred >> list & 1:
                set_block(s, list, x >> 2, y >> 2, w >> 2, h >> 2, part.m[list].ref, part.m[list].mv[0],
                          part.m[list].mv[1])
            else:
                set_block(s, list, x >> 2, y >> 2, w >> 2, h >> 2, UNUSED, 0, 0)
        s.mb.pred_flag[(y >> 3) * 2 + (x >> 3)] = part.pred
        if w == 16:
            s.mb.pred_flag[(y >> 3) * 2 + 1] = part.pred
        if h == 16:
            s.mb.pred_flag[2 + (x >> 3)] = part.pred
            if w == 16:
                s.mb.pred_flag[3] = part.pred
    set_differences(c)
