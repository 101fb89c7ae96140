"""Levels of a block that CABAC codes, by rate and distortion: the path of least cost through the states of its context
selection (9.3.3.1.3).

Positions are visited from the highest frequency down, in the order in which levels are coded. A node is what the levels
so far leave: none, one, two or more levels of 1 alone, or one to four and more levels above 1. At each position a node
goes on with the nearest level, the one below, or 0. The probabilities are those before the block.

Costs are squared differences times 256 plus lambda2 times bits, as in _decide.pyx. A coefficient d of the forward
transform is N^2 times larger in energy than samples (N^2: the square of the norm of its basis function).
"""
from libc.stdint cimport int16_t, int64_t, uint8_t
from libc.stdlib cimport abs

from codec.h264.encode._coder cimport Coder
from codec.h264.entropy._kinds cimport KIND_DC_420
from codec.h264.entropy._writer cimport BIT, CABAC_COST
from codec.h264.tables.values cimport (
    H264_TABLE_9_40_CODED_BLOCK_FLAG, H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1,
    H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_43_LAST_INC,
    H264_TABLE_9_43_SIGNIFICANT_INC,
)

from fractions import Fraction

cdef enum:
    NODES = 8
    CODED_INC = 1           # ctxIdxInc that coded_block_flag is judged by: one neighbour has levels

# 2^16 / N^2 by raster position
cdef int weight4[16]
cdef int weight8[64]
cdef int weight_dc[16]
cdef uint8_t[6] MOST = [16, 15, 16, 4, 15, 64]
# ctxIdxInc of the first bin and of the others by node, and the node after a level of 1 and after another
cdef uint8_t[NODES] ONE_INC = [1, 2, 3, 4, 0, 0, 0, 0]
cdef uint8_t[NODES] GREATER_INC = [5, 5, 5, 5, 6, 7, 8, 9]
cdef uint8_t[NODES] AFTER_ONE = [1, 2, 3, 3, 4, 5, 6, 7]
cdef uint8_t[NODES] AFTER_GREATER = [4, 4, 4, 4, 5, 6, 7, 7]

cdef void make_tables():
    energy8 = [Fraction(8), Fraction(289, 32), Fraction(5), Fraction(289, 32)] * 2
    for i in range(64):
        weight8[i] = round(65536 / (energy8[i // 8] * energy8[i % 8]))
    for i in range(16):
        weight_dc[i] = 65536 // 64      # 16 of the 4x4 transform, times 16 / 4 of the halved 4x4 Hadamard, or 4 of 2x2
        weight4[i] = round(Fraction(65536, (10 if i // 4 & 1 else 4) * (10 if i & 1 else 4)))

make_tables()


cdef const int *weights_of(int kind) noexcept nogil:
    """For error_of, of a block of ctxBlockCat 0 to 5."""
    if kind == 5:
        return weight8
    if kind == 0 or kind == 3:
        return weight_dc
    return weight4


cdef inline int bin_cost(const Coder *c, int ctxIdx, int bin) noexcept nogil:
    return CABAC_COST[c.cabac.state[ctxIdx] ^ bin]


cdef inline int escape_bits(int value) noexcept nogil:
    """Of an Exp-Golomb suffix of order 0."""
    cdef int k = 0, n = 1
    while value >= 1 << k:
        value -= 1 << k
        k += 1
        n += 2
    return n


cdef inline int level_cost(const Coder *c, int ctx, int node, int level) noexcept nogil:
    """Of coeff_abs_level_minus1 and the sign."""
    cdef int greater = ctx + GREATER_INC[node], cost
    if level == 1:
        return bin_cost(c, ctx + ONE_INC[node], 0) + BIT
    cost = bin_cost(c, ctx + ONE_INC[node], 1) + BIT + (min(level, 15) - 2) * bin_cost(c, greater, 1)
    if level < 15:
        return cost + bin_cost(c, greater, 0)
    return cost + escape_bits(level - 15) * BIT


# What the search remembers: the cost of each node, and how it was reached at each position.
cdef struct Paths:
    int64_t cost[NODES]
    int16_t level[64][NODES]
    uint8_t came[64][NODES]


cdef inline void offer(Paths *p, int64_t *cost, int k, int node, int came, int64_t total, int level) noexcept nogil:
    if total < cost[node]:
        cost[node] = total
        p.level[k][node] = <int16_t>level
        p.came[k][node] = <uint8_t>came


cdef void visit(const Coder *c, Paths *p, int k, int n, int kind, int magnitude, int nearest, int step, int weight,
                int64_t lambda2) noexcept nogil:
    """All nodes at position k of n."""
    cdef int64_t next[NODES]
    cdef int64_t error[3]
    cdef int inc = k, last_inc = k, node, i, level, bits, zero = 0, one = 0, more = 0, final = 0
    cdef int ctx = H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1[kind]
    if kind == KIND_DC_420:
        inc = last_inc = min(k, 2)
    elif kind == 5 and k < n - 1:
        inc, last_inc = H264_TABLE_9_43_SIGNIFICANT_INC[0][k], H264_TABLE_9_43_LAST_INC[k]
    if k < n - 1:
        inc += H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG[0][kind]
        last_inc += H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG[0][kind]
        zero, one = bin_cost(c, inc, 0), bin_cost(c, inc, 1)
        final, more = one + bin_cost(c, last_inc, 1), one + bin_cost(c, last_inc, 0)
    if nearest == 0:                                    # the same error on all paths: it decides nothing
        for node in range(NODES):
            p.level[k][node], p.came[k][node] = 0, <uint8_t>node
            p.cost[node] += lambda2 * zero >> 8 if node else 0
        return
    error[0] = error_of(magnitude, 0, step, weight)
    for i in range(1, min(nearest, 2) + 1):
        error[i] = error_of(magnitude, nearest - i + 1, step, weight)
    for node in range(NODES):
        next[node] = <int64_t>1 << 60
    for node in range(NODES):
        if p.cost[node] >= <int64_t>1 << 60:
            continue
        offer(p, next, k, node, node, p.cost[node] + error[0] + (lambda2 * zero >> 8 if node else 0), 0)
        for i in range(1, min(nearest, 2) + 1):
            level = nearest - i + 1
            bits = level_cost(c, ctx, node, level) + (more if node else final)
            offer(p, next, k, AFTER_ONE[node] if level == 1 else AFTER_GREATER[node], node,
                  p.cost[node] + error[i] + (lambda2 * bits >> 8), level)
    for node in range(NODES):
        p.cost[node] = next[node]


cdef int trellis(const Coder *c, int16_t *out, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int first,
                 int kind, const int *steps, int64_t lambda2) noexcept nogil:
    """Levels of a block in scan order, out[0] being that of scan[first], from coefficients in raster order and their
    nearest levels; the number of those that are not 0. kind: ctxBlockCat 0 to 5; steps: in 1/256, in raster order."""
    cdef Paths p
    cdef int n = MOST[kind], k, top = n, at, node, best = 0, count = 0
    cdef const int *weights = weights_of(kind)
    cdef int64_t least
    while top and nearest[scan[first + top - 1]] == 0:
        top -= 1
        out[top] = 0
    if top == 0:
        return 0
    for node in range(NODES):
        p.cost[node] = 0 if node == 0 else <int64_t>1 << 60
    k = top
    while k:
        k -= 1
        at = scan[first + k]
        visit(c, &p, k, n, kind, abs(d[at]), abs(nearest[at]), steps[at], weights[at], lambda2)
    least = p.cost[0]
    if kind != 5:
        k = H264_TABLE_9_40_CODED_BLOCK_FLAG[kind] + CODED_INC
        least += lambda2 * (bin_cost(c, k, 0) - bin_cost(c, k, 1)) >> 8
    for node in range(1, NODES):
        if p.cost[node] < least:
            least, best = p.cost[node], node
    for k in range(top):
        at = p.level[k][best]
        out[k] = <int16_t>(-at if d[scan[first + k]] < 0 else at)
        count += at != 0
        best = p.came[k][best]
    return count
