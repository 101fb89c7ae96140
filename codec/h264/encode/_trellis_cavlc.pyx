"""Levels of a block that CAVLC codes, by rate and distortion: the path of least cost through what the code of a level
depends on (9.2).

Levels are coded from the highest frequency down. A coefficient becomes the nearest level, the one below, or 0. A node
is a level that is not 0, at one of the coefficients, with `left` more below it, in one of the phases of 9.2.2.1. With
`left` the zeros below it are known, and so total_zeros and run_before. coeff_token has the number of trailing ones
before they come: paths begin with each number, and keep to it. So the bits of a path are those that the block takes,
with the nC that its neighbours give.

Costs are as in _trellis.pyx, less the squared differences of a block without levels.
"""
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport abs

from codec._core cimport BitCounter, codec_assert_range
from codec.h264.encode._trellis cimport error_of, weights_of
from codec.h264.entropy._block_write cimport MANY, put_level, suffix_after, token_column
from codec.h264.entropy._kinds cimport KIND_DC_420
from codec.h264.macroblock._neighbours cimport nC_of
from codec.h264.tables.values cimport (
    H264_TABLE_9_10_RUN_BEFORE, H264_TABLE_9_5_COEFF_TOKEN, H264_TABLE_9_7_TOTAL_ZEROS, H264_TABLE_9_9A_TOTAL_ZEROS,
)

# Phases before a level: what it may be, and how it is coded.
cdef enum:
    SECOND_OF_2             # the second of two trailing ones
    SECOND_OF_3
    THIRD_OF_3
    BIG_0                   # above 1: the first after fewer than three trailing ones, with suffixLength 0
    BIG_1                   # or 1
    ANY                     # any other, with suffixLength 0; ANY + 6: with 6
    PHASES = ANY + 7

cdef enum:
    NONE = 16
    SAVED = 32              # bits that a level of 0 saves at most, but for levels that cost far more

cdef int64_t NEVER = <int64_t>1 << 60
cdef uint8_t[6] MOST = [16, 15, 16, 4, 15, 16]          # an 8x8 block is four of 16

# A coefficient whose nearest level is not 0.
cdef struct Candidate:
    int at                  # in the scan
    int negative
    int options             # levels beside 0
    int first               # the candidate that the level before is at or below: the last of `stays` before this one
    int stays               # 0 would cost more than any bits that it saves
    int stay_below          # of the candidates below
    int level[2]            # magnitudes
    int64_t cost[2][PHASES] # of each level, after each phase: distortion and bits; NEVER where it is not allowed
    uint8_t next[2][PHASES]

# The cheapest way to each node, and how it was reached.
cdef struct Paths:
    Candidate candidate[16]
    int64_t cost[16][16][PHASES]
    uint16_t way[16][16][PHASES]        # the candidate before (NONE: this is the first), 32 times the phase before the
                                        # level, 512 times its option


cdef inline int level_bits(int code, int suffixLength) noexcept nogil:
    cdef BitCounter counter
    counter.bits = 0
    put_level(&counter, code, suffixLength)
    return <int>counter.bits


cdef void set_candidate(Candidate *one, int at, int d, int nearest, int step, int weight, int64_t lambda2, int phases)\
        noexcept nogil:
    cdef int i, phase, level, suffixLength
    cdef int64_t gain, lost = 0
    one.at, one.negative, one.options = at, d < 0, min(abs(nearest), 2)
    for i in range(one.options):
        level = one.level[i] = abs(nearest) - i
        gain = error_of(abs(d), level, step, weight) - error_of(abs(d), 0, step, weight)
        lost = max(lost, -gain)
        for phase in range(BIG_0):
            one.cost[i][phase] = gain + lambda2 if level == 1 else NEVER    # trailing_ones_sign_flag
        for phase in range(BIG_0, ANY):
            suffixLength = phase - BIG_0
            one.cost[i][phase] = NEVER
            if level > 1:
                one.cost[i][phase] = gain + lambda2 * level_bits(2 * level - 4 + one.negative, suffixLength)
            one.next[i][phase] = <uint8_t>(ANY + suffix_after(suffixLength, level))
        for phase in range(ANY, phases):
            suffixLength = phase - ANY
            one.cost[i][phase] = gain + lambda2 * level_bits(2 * level - 2 + one.negative, suffixLength)
            one.next[i][phase] = <uint8_t>(ANY + suffix_after(suffixLength, level))
    one.stays = lost > SAVED * lambda2


cdef inline int zeros_bits(int kind, int total, int zeros) noexcept nogil:
    """Of total_zeros."""
    if total == MOST[kind]:
        return 0
    if kind == KIND_DC_420:
        return H264_TABLE_9_9A_TOTAL_ZEROS[total][zeros].length
    return H264_TABLE_9_7_TOTAL_ZEROS[total][zeros].length


cdef inline void offer(int64_t *cost, uint16_t *way, int to, int64_t total, int came, int phase, int option)\
        noexcept nogil:
    if total < cost[to]:
        cost[to], way[to] = total, <uint16_t>(came | phase << 5 | option << 9)


cdef void visit(Paths *p, int j, int left, int kind, int column, int64_t lambda2, int phases) noexcept nogil:
    """The nodes of candidate j with `left` levels below it."""
    cdef Candidate *one = &p.candidate[j]
    cdef int64_t before[PHASES]
    cdef uint8_t came[PHASES]
    cdef int64_t run
    cdef const int64_t *row
    cdef int64_t *cost = p.cost[j][left]
    cdef uint16_t *way = p.way[j][left]
    cdef int at_one = one.options - 1, lowest = SECOND_OF_2 if one.level[at_one] == 1 else BIG_0
    cdef int i, k, phase, bits, zeros, big = BIG_1 if left + 1 > MANY else BIG_0
    for phase in range(phases):
        cost[phase] = before[phase] = NEVER
    if one.first == 0 and not (j and p.candidate[0].stays):     # the first level of all
        bits = zeros_bits(kind, left + 1, one.at - left)
        before[big] = lambda2 * (bits + H264_TABLE_9_5_COEFF_TOKEN[column][0][left + 1].length)
        came[big] = NONE
        if lowest == SECOND_OF_2:
            for i in range(1, min(left, 2) + 2):                # trailing ones
                run = lambda2 * (bits + H264_TABLE_9_5_COEFF_TOKEN[column][i][left + 1].length)
                offer(cost, way, big if i == 1 else SECOND_OF_2 if i == 2 else SECOND_OF_3,
                      run + one.cost[at_one][SECOND_OF_2], NONE, SECOND_OF_2, at_one)
    for k in range(one.first, j):
        zeros = p.candidate[k].at - left - 1
        run = 0
        if zeros:
            run = lambda2 * H264_TABLE_9_10_RUN_BEFORE[min(zeros, 7)][p.candidate[k].at - one.at - 1].length
        row = p.cost[k][left + 1]
        for phase in range(lowest, phases):
            if row[phase] + run < before[phase]:
                before[phase] = row[phase] + run
                came[phase] = <uint8_t>k
    for phase in range(lowest, phases):
        if before[phase] >= NEVER // 2:
            continue
        if phase < BIG_0:                                       # trailing ones
            i = THIRD_OF_3 if phase == SECOND_OF_3 else ANY
            if phase == SECOND_OF_2:
                i = BIG_1 if left + 2 > MANY else BIG_0
            offer(cost, way, i, before[phase] + one.cost[at_one][phase], came[phase], phase, at_one)
            continue
        for i in range(one.options):
            offer(cost, way, one.next[i][phase], before[phase] + one.cost[i][phase], came[phase], phase, i)


cdef int set_candidates(Paths *p, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int stride, int kind,
                        const int *steps, int64_t lambda2, int phases) noexcept nogil:
    """The candidates of a block; how many there are."""
    cdef const int *weights = weights_of(kind)
    cdef int k = MOST[kind], n = 0, j, at
    while k:
        k -= 1
        at = scan[stride * k]
        if nearest[at]:
            set_candidate(&p.candidate[n], k, d[at], nearest[at], steps[at], weights[at], lambda2, phases)
            n += 1
    p.candidate[0].first = p.candidate[n - 1].stay_below = 0
    for j in range(1, n):
        p.candidate[j].first = j - 1 if p.candidate[j - 1].stays else p.candidate[j - 1].first
    for j in range(n - 2, -1, -1):
        p.candidate[j].stay_below = p.candidate[j + 1].stay_below + p.candidate[j + 1].stays
    return n


cdef int choose(int16_t *out, int stride, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int kind,
                const int *steps, int64_t lambda2, int nC) noexcept nogil:
    """A block of at most 16, in every stride-th place of `out` and `scan`."""
    cdef Paths p
    cdef int k, j, n, left, phase, phases = ANY + 2, column = token_column(nC), best = NONE, ended = 0, way
    cdef int largest = 0, total = 0
    cdef int64_t least
    codec_assert_range(-1, nC, 16)
    for k in range(MOST[kind]):
        out[stride * k] = 0
        largest = max(largest, abs(nearest[scan[stride * k]]))
    if largest == 0:
        return 0
    while phases < PHASES and largest > 3 << (phases - ANY - 2):        # suffixLength that levels lead to
        phases += 1
    n = set_candidates(&p, nearest, d, scan, stride, kind, steps, lambda2, phases)
    for j in range(n):
        for left in range(p.candidate[j].stay_below, n - j):
            visit(&p, j, left, kind, column, lambda2, phases)
    least = lambda2 * H264_TABLE_9_5_COEFF_TOKEN[column][0][0].length
    for j in range(n):
        if p.candidate[j].stay_below:
            continue
        for phase in range(BIG_0, phases):
            if p.cost[j][0][phase] < least:
                least, best, ended = p.cost[j][0][phase], j, phase
    left = 0
    while best < NONE:
        way = p.way[best][left][ended]
        k = p.candidate[best].level[way >> 9]
        out[stride * p.candidate[best].at] = <int16_t>(-k if p.candidate[best].negative else k)
        total += 1
        best, ended = way & 31, way >> 5 & 15
        left += 1
    return total


cdef int trellis_cavlc(int16_t *out, const int16_t *nearest, const int16_t *d, const uint8_t *scan, int first, int kind,
                       const int *steps, int64_t lambda2, uint8_t *total_coeff) noexcept nogil:
    """As `trellis` of _trellis.pyx. total_coeff: the entry of the block in SliceContext.cache.nnz, whose neighbours
    give nC (9.2.1), and which receives the number of levels unless it is of another block (kind 0); NULL: chroma DC."""
    cdef int i, n, nC = -1 if total_coeff == NULL else nC_of(total_coeff), count = 0
    cdef uint8_t *entry
    if kind == 5:
        for i in range(4):                              # every fourth level (7.3.5.3.2)
            entry = total_coeff + (i & 1) + 8 * (i >> 1)
            n = choose(out + i, 4, nearest, d, scan + i, kind, steps, lambda2, nC_of(entry))
            entry[0] = <uint8_t>n
            count += n
        return count
    count = choose(out, 1, nearest, d, scan + first, kind, steps, lambda2, nC)
    if kind and total_coeff != NULL:
        total_coeff[0] = <uint8_t>count
    return count
