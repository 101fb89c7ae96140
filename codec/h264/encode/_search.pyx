"""Motion search of one block in one reference: full samples by SAD, then half and quarter samples by SATD, each with
the bits of the vector.

Vectors are limited to Coder.mv_low .. mv_high, at least 8 samples inside of the padding: a step of a pattern beyond the
limit may be read, and is then refused.

Lines of a reference that another thread makes are awaited when a vector leads there, so that no result depends on how
far it is.
"""
from libc.stdint cimport int8_t, int16_t, uint8_t, uint16_t
from libc.stdlib cimport abs

import math

from codec._core cimport codec_assert_range
from codec._team cimport shared_load
from codec.h264.encode._coder cimport ALL_LINES, SRC_STRIDE, Coder, Motion, RefPlanes, copy_block
from codec.h264.encode._planes cimport fill_planes
from codec.h264.macroblock._slice cimport wait_for_lines
from codec.h264.pictures._picture cimport PictureData

cdef enum:
    REFUSED = 1 << 28
    HALF_LAG = 3            # lines that half samples are behind luma (fill_planes)
    NEAR = 3                # samples around the best vector in which a thorough search tries all

# The two planes whose mean is a quarter sample, by mvx & 3 | (mvy & 3) << 2: plane, and samples right and down.
cdef struct Quarter:
    uint8_t plane[2]
    uint8_t right[2]
    uint8_t down[2]

cdef Quarter QUARTER[16]
cdef int8_t HEXAGON[8][2]
HEXAGON = [[-1, -2], [-2, 0], [-1, 2], [1, 2], [2, 0], [1, -2], [-1, -2], [-2, 0]]
cdef int8_t SQUARE[8][2]
SQUARE = [[-1, 0], [1, 0], [0, -1], [0, 1], [-1, -1], [1, -1], [-1, 1], [1, 1]]
cdef int8_t RING[16][2]                                 # of an uneven multi-hexagon
RING = [[-4, 2], [-4, 1], [-4, 0], [-4, -1], [-4, -2], [4, -2], [4, -1], [4, 0], [4, 1], [4, 2], [2, 3], [0, 4],
        [-2, 3], [-2, -3], [0, -4], [2, -3]]

cdef int8_t ROW[4][2]
ROW = [[0, 0], [1, 0], [2, 0], [3, 0]]

cdef void make_tables():
    cdef int i, k, value
    G, b, h, j = (0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)
    G_right, h_right, G_down, b_down = (0, 1, 0), (2, 1, 0), (0, 0, 1), (1, 0, 1)
    pairs = [
        (G, G), (G, b), (b, b), (b, G_right), (G, h), (b, h), (b, j), (b, h_right),
        (h, h), (h, j), (j, j), (j, h_right), (h, G_down), (h, b_down), (j, b_down), (h_right, b_down),
    ]
    for i, pair in enumerate(pairs):
        for k in range(2):
            QUARTER[i].plane[k], QUARTER[i].right[k], QUARTER[i].down[k] = pair[k]
    for i in range(MOST_VECTOR_BITS):
        value = round(256 * (2 * math.log2(i + 1) + 1.718)) if i else 184
        VECTOR_BITS[i] = <uint16_t>value

make_tables()


cdef inline int vector_cost(Coder *c, const Motion *m, int x, int y) noexcept nogil:
    """Lambda times bits: at most 2^15 * 2^15 / 2^16."""
    codec_assert_range(0, abs(x - m.mvp[0]), MOST_VECTOR_BITS - 1)
    codec_assert_range(0, abs(y - m.mvp[1]), MOST_VECTOR_BITS - 1)
    return c.lambda256 * (VECTOR_BITS[abs(x - m.mvp[0])] + VECTOR_BITS[abs(y - m.mvp[1])]) >> 16


cdef inline int width_of(int w) noexcept nogil:
    """Index of the kernels."""
    return 0 if w == 16 else 1 if w == 8 else 2


cdef inline bint allowed(const Coder *c, int x, int y) noexcept nogil:
    """Whether the vector, in quarter samples, is within the limits."""
    return c.mv_low[0] <= x <= c.mv_high[0] and c.mv_low[1] <= y <= c.mv_high[1]


cdef void await_lines(Coder *c, RefPlanes *r, int lines) noexcept nogil:
    """Wait for the first lines of the planes, without those below the picture."""
    cdef const PictureData *p = r.picture
    cdef int final
    lines = min(max(lines, 1) + HALF_LAG, p.height[0])      # those above the picture repeat the first
    wait_for_lines(&c.s, p, lines)
    final = p.height[0] if shared_load(&p.pending) <= 0 else shared_load(&p.lines)
    if c.chain:
        final = min(final, (lines + 15) & ~15)          # no more than are read soon, from the cache
        fill_planes(r, &c.filled, p, final, c.enc)
    r.ready = ALL_LINES if final == p.height[0] else final - HALF_LAG


cdef inline void need_lines(Coder *c, RefPlanes *r, int lines) noexcept nogil:
    if lines > r.ready:
        await_lines(c, r, lines)


cdef const uint8_t *predicted(Coder *c, RefPlanes *r, int x, int y, int w, int h, int mvx, int mvy, int scratch,
                              Py_ssize_t *stride) noexcept nogil:
    """Luma of the w x h block at (x, y) of the macroblock: in a plane, or in Coder.block[scratch]."""
    cdef const Quarter *q = &QUARTER[(mvx & 3) | (mvy & 3) << 2]
    cdef Py_ssize_t at = (16 * c.s.place.mb_row + y + (mvy >> 2)) * r.stride + 16 * c.s.place.mb_x + x + (mvx >> 2)
    cdef const uint8_t *a = r.plane[q.plane[0]] + at + q.down[0] * r.stride + q.right[0]
    need_lines(c, r, 16 * c.s.place.mb_row + y + h + (mvy >> 2) + 1)
    if not (mvx | mvy) & 1:
        stride[0] = r.stride
        return a
    stride[0] = SRC_STRIDE
    c.enc.average(c.block[scratch], SRC_STRIDE, a, r.stride,
                  r.plane[q.plane[1]] + at + q.down[1] * r.stride + q.right[1], r.stride, w, h)
    return c.block[scratch]


# ---------------------------------------------------------------- full samples

cdef struct Walk:
    const uint8_t *src
    const uint8_t *ref      # where the vector (0, 0) leads
    Py_ssize_t stride
    RefPlanes *r
    int bottom              # the line below the block
    int width, h
    int x, y, cost          # the best so far, in full samples


cdef void step4(Coder *c, Walk *k, const Motion *m, const int8_t (*pattern)[2], int x, int y, int *index,
                int first) noexcept nogil:
    """Try four steps from (x, y); index: of the pattern's best, if one is better."""
    cdef const uint8_t *at[4]
    cdef int sad[4]
    cdef int i, vx, vy, cost
    need_lines(c, k.r, k.bottom + y + 2)                # patterns reach 2 lines further
    for i in range(4):
        at[i] = k.ref + (y + pattern[i][1]) * k.stride + x + pattern[i][0]
    c.enc.sad4[k.width](sad, k.src, SRC_STRIDE, at, k.stride, k.h)
    for i in range(4):
        vx, vy = x + pattern[i][0], y + pattern[i][1]
        if sad[i] < k.cost and allowed(c, 4 * vx, 4 * vy):
            cost = sad[i] + vector_cost(c, m, 4 * vx, 4 * vy)
            if cost < k.cost:
                k.cost, k.x, k.y = cost, vx, vy
                index[0] = first + i


cdef void step1(Coder *c, Walk *k, const Motion *m, int vx, int vy) noexcept nogil:
    """Try one vector."""
    cdef int cost
    if allowed(c, 4 * vx, 4 * vy):
        need_lines(c, k.r, k.bottom + vy)
        cost = (c.enc.sad[k.width](k.src, SRC_STRIDE, k.ref + vy * k.stride + vx, k.stride, k.h)
                + vector_cost(c, m, 4 * vx, 4 * vy))
        if cost < k.cost:
            k.cost, k.x, k.y = cost, vx, vy


cdef void hexagons(Coder *c, Walk *k, const Motion *m, int steps) noexcept nogil:
    """Hexagons of radius 2; each step tries the three points that the one before did not."""
    cdef int index = -1, i, x = k.x, y = k.y, side
    step4(c, k, m, HEXAGON + 1, x, y, &index, 1)
    for i in range(5, 7):
        step1(c, k, m, x + HEXAGON[i][0], y + HEXAGON[i][1])
        if k.x == x + HEXAGON[i][0] and k.y == y + HEXAGON[i][1]:
            index = i
    while index >= 0 and steps > 0:
        steps -= 1
        x, y, side = k.x, k.y, index
        index = -1
        for i in range(side - 1, side + 2):
            step1(c, k, m, x + HEXAGON[i][0], y + HEXAGON[i][1])
            if (k.x != x or k.y != y) and k.x == x + HEXAGON[i][0] and k.y == y + HEXAGON[i][1]:
                index = i
        if index == 0:
            index = 6
        elif index == 7:
            index = 1


cdef void diamonds(Coder *c, Walk *k, const Motion *m, int steps) noexcept nogil:
    cdef int index
    while steps > 0:
        steps -= 1
        index = -1
        step4(c, k, m, SQUARE, k.x, k.y, &index, 0)
        if index < 0:
            return


cdef void multi_hexagons(Coder *c, Walk *k, const Motion *m) noexcept nogil:
    """A cross, then rings of 16 points at multiples of a quarter of the range."""
    cdef int x = k.x, y = k.y, i, radius = 1, scale, range_ = c.tools.range
    while radius < range_:
        step1(c, k, m, x + radius, y)
        step1(c, k, m, x - radius, y)
        if radius < range_ // 2:
            step1(c, k, m, x, y + radius)
            step1(c, k, m, x, y - radius)
        radius += 2
    x, y = k.x, k.y
    for scale in range(1, range_ // 4 + 1):
        for i in range(16):
            step1(c, k, m, x + scale * RING[i][0], y + scale * RING[i][1])


cdef void all_near(Coder *c, Walk *k, const Motion *m) noexcept nogil:
    """Every vector at most NEAR samples from the best; one more to the right, since four are tried at a time."""
    cdef int left = k.x - NEAR, top = k.y - NEAR, x, y, index
    for y in range(top, top + 2 * NEAR + 1):
        for x in range(left, left + 2 * NEAR + 2, 4):
            step4(c, k, m, ROW, x, y, &index, 0)


# ---------------------------------------------------------------- parts of a sample

cdef int one_cost(Coder *c, RefPlanes *r, int x, int y, int w, int h, const Motion *m, int mvx,
                  int mvy) noexcept nogil:
    """SATD of the prediction with a vector, and lambda times its bits."""
    cdef Py_ssize_t stride
    cdef const uint8_t *block
    if not allowed(c, mvx, mvy):
        return REFUSED
    block = predicted(c, r, x, y, w, h, mvx, mvy, 0, &stride)
    return (c.enc.satd[width_of(w)](c.src + SRC_STRIDE * y + x, SRC_STRIDE, block, stride, h)
            + vector_cost(c, m, mvx, mvy))


cdef void four_costs(Coder *c, RefPlanes *r, int x, int y, int w, int h, const Motion *m, int size,
                     int *costs) noexcept nogil:
    """one_cost of the vectors around m.mv, in the order of SQUARE; size: in quarter samples."""
    cdef const uint8_t *block[4]
    cdef const uint8_t *at
    cdef const Quarter *q
    cdef Py_ssize_t stride = r.stride, first = (16 * c.s.place.mb_row + y) * r.stride + 16 * c.s.place.mb_x + x
    cdef int i, vx, vy
    cdef bint quarters = size == 1 or (m.mv[0] | m.mv[1]) & 1
    need_lines(c, r, 16 * c.s.place.mb_row + y + h + ((m.mv[1] + size) >> 2) + 1)
    for i in range(4):
        vx, vy = m.mv[0] + size * SQUARE[i][0], m.mv[1] + size * SQUARE[i][1]
        q = &QUARTER[(vx & 3) | (vy & 3) << 2]
        at = r.plane[q.plane[0]] + first + ((vy >> 2) + q.down[0]) * r.stride + (vx >> 2) + q.right[0]
        block[i] = at
        if quarters:
            block[i] = c.around[i]
            c.enc.average(c.around[i], SRC_STRIDE, at, r.stride,
                          r.plane[q.plane[1]] + first + ((vy >> 2) + q.down[1]) * r.stride + (vx >> 2) + q.right[1],
                          r.stride, w, h)
    if quarters:
        stride = SRC_STRIDE
    c.enc.satd4[width_of(w)](costs, c.src + SRC_STRIDE * y + x, SRC_STRIDE, block, stride, h)
    for i in range(4):
        vx, vy = m.mv[0] + size * SQUARE[i][0], m.mv[1] + size * SQUARE[i][1]
        costs[i] = costs[i] + vector_cost(c, m, vx, vy) if allowed(c, vx, vy) else REFUSED


cdef void refine(Coder *c, RefPlanes *r, int x, int y, int w, int h, Motion *m, int half_steps,
                 int quarter_steps) noexcept nogil:
    """Diamonds of half samples, then of quarter samples, from m.mv; m.cost is its cost by SATD."""
    cdef int step, i, size, best
    cdef int costs[4]
    for step in range(half_steps + quarter_steps):
        size, best = 2 if step < half_steps else 1, -1
        four_costs(c, r, x, y, w, h, m, size, costs)
        for i in range(4):
            if costs[i] < m.cost:
                m.cost, best = costs[i], i
        if best >= 0:
            m.mv[0] = <int16_t>(m.mv[0] + size * SQUARE[best][0])
            m.mv[1] = <int16_t>(m.mv[1] + size * SQUARE[best][1])
        elif step >= half_steps:
            return


cdef inline int clamp(int low, int v, int high) noexcept nogil:
    return low if v < low else high if v > high else v


cdef void search(Coder *c, RefPlanes *r, int x, int y, int w, int h, Motion *m,
                 const int16_t (*candidates)[2], int count) noexcept nogil:
    """Find m.mv for the block at (x, y) of the macroblock, near m.mvp or a candidate (quarter samples). m.cost is SATD
    with lambda times the bits of the vector, plus m.bits."""
    cdef Walk k
    cdef int i, index, fx, fy, cost, px = clamp(c.mv_low[0], m.mvp[0], c.mv_high[0])
    cdef int py = clamp(c.mv_low[1], m.mvp[1], c.mv_high[1])
    k.src, k.width, k.h, k.stride, k.cost = c.src + SRC_STRIDE * y + x, width_of(w), h, r.stride, REFUSED
    k.ref = r.plane[0] + (16 * c.s.place.mb_row + y) * r.stride + 16 * c.s.place.mb_x + x
    k.r, k.bottom = r, 16 * c.s.place.mb_row + y + h
    step1(c, &k, m, clamp((c.mv_low[0] + 3) >> 2, (px + 2) >> 2, c.mv_high[0] >> 2),
          clamp((c.mv_low[1] + 3) >> 2, (py + 2) >> 2, c.mv_high[1] >> 2))
    for i in range(count):
        fx, fy = (candidates[i][0] + 2) >> 2, (candidates[i][1] + 2) >> 2
        if fx != k.x or fy != k.y:
            step1(c, &k, m, fx, fy)
    step1(c, &k, m, 0, 0)
    if c.tools.search == 0 or (c.tools.search == 1 and w + h < 32):      # parts begin at the vector of the whole
        diamonds(c, &k, m, c.tools.range)
    else:
        if c.tools.search == 2:
            if w == 16:
                multi_hexagons(c, &k, m)
            all_near(c, &k, m)
        hexagons(c, &k, m, c.tools.range // 2)
        fx, fy = k.x, k.y
        step4(c, &k, m, SQUARE, fx, fy, &index, 0)
        step4(c, &k, m, SQUARE + 4, fx, fy, &index, 0)
    m.mv[0], m.mv[1] = <int16_t>(4 * k.x), <int16_t>(4 * k.y)
    m.cost = one_cost(c, r, x, y, w, h, m, m.mv[0], m.mv[1])
    if (px | py) & 3:
        cost = one_cost(c, r, x, y, w, h, m, px, py)
        if cost < m.cost:
            m.cost, m.mv[0], m.mv[1] = cost, <int16_t>px, <int16_t>py
    refine(c, r, x, y, w, h, m, c.tools.half_steps, c.tools.quarter_steps)
    m.cost += m.bits


# ---------------------------------------------------------------- bi-prediction

cdef int two_cost(Coder *c, RefPlanes *r0, RefPlanes *r1, int x, int y, int w, int h, const Motion *m0,
                  const Motion *m1, int w1) noexcept nogil:
    """SATD of the prediction from both vectors, with the bits of both; w1: the implicit weight (8.4.2.3.1), 32 for the
    mean."""
    cdef Py_ssize_t stride0, stride1
    cdef const uint8_t *a
    cdef const uint8_t *b
    cdef uint8_t *out = c.block[2]
    if not (allowed(c, m0.mv[0], m0.mv[1]) and allowed(c, m1.mv[0], m1.mv[1])):
        return REFUSED
    a = predicted(c, r0, x, y, w, h, m0.mv[0], m0.mv[1], 0, &stride0)
    b = predicted(c, r1, x, y, w, h, m1.mv[0], m1.mv[1], 1, &stride1)
    if w1 == 32:
        c.enc.average(out, SRC_STRIDE, a, stride0, b, stride1, w, h)
    else:
        copy_block(out, SRC_STRIDE, a, stride0, w, h)
        c.s.seq.dsp.biweight(out, SRC_STRIDE, b, stride1, w, h, 5, 64 - w1, w1, 0, 255)
    return (c.enc.satd[width_of(w)](c.src + SRC_STRIDE * y + x, SRC_STRIDE, out, SRC_STRIDE, h)
            + vector_cost(c, m0, m0.mv[0], m0.mv[1]) + vector_cost(c, m1, m1.mv[0], m1.mv[1]))


cdef void refine_two(Coder *c, RefPlanes *r0, RefPlanes *r1, int x, int y, int w, int h, Motion *m0,
                     Motion *m1, int w1, int rounds) noexcept nogil:
    """Steps of a quarter sample of one vector, then of the other; m0.cost is two_cost, and stays so."""
    cdef int i, which, cx, cy, cost, best
    cdef bint moved = True
    cdef Motion *m
    while rounds > 0 and moved:
        rounds -= 1
        moved = False
        for which in range(2):
            m = m1 if which else m0
            cx, cy, best = m.mv[0], m.mv[1], -1
            for i in range(4):
                m.mv[0], m.mv[1] = <int16_t>(cx + SQUARE[i][0]), <int16_t>(cy + SQUARE[i][1])
                cost = two_cost(c, r0, r1, x, y, w, h, m0, m1, w1)
                if cost < m0.cost:
                    m0.cost, best, moved = cost, i, True
            m.mv[0], m.mv[1] = <int16_t>cx, <int16_t>cy
            if best >= 0:
                m.mv[0], m.mv[1] = <int16_t>(cx + SQUARE[best][0]), <int16_t>(cy + SQUARE[best][1])
