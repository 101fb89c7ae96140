"""The arithmetic decoding engine (9.3.1.2, 9.3.3.2), for loops that keep its registers in a local variable."""
from libc.stdint cimport uint8_t, int32_t, uint32_t, int64_t, uint64_t

from codec._core cimport codec_assert, codec_load_be64
from codec.h264.entropy._reader cimport Cabac, SliceReader
from codec.h264.tables.values cimport H264_CABAC_LPS, H264_CABAC_NEXT

cdef extern from "bits.h" nogil:
    int codec_bit_length64(uint64_t v)


# A subinterval is taken from the top of the range. If it fits above the offset, range and room shrink by it (the bin is
# that of the lower subinterval); if not, it becomes the range, and the room stays. Nothing is shifted until bits run
# short: a decision takes 6 bits at most and a bypass bin 1, so that two decisions and a bypass bin follow one refill,
# which leaves 16.
#
# For any data 2^8 <= range < 2^63: a refill brings it to 63 bits at most, and the bins between two refills take 13 of
# 16 bits. 0 <= room < range where the data opens with a codIOffset below 510 (9.3.1.2): a room below 0 is restored at
# once. Another codIOffset, which only a damaged stream has, gives arbitrary bins: no bin changes the range but as
# stated.

cdef inline int cabac_ahead(const Cabac *c) noexcept nogil:
    """How many bits of the data are read ahead."""
    codec_assert(c.range >= 256)
    return codec_bit_length64(c.range) - 9

cdef inline void cabac_refill(Cabac *c) noexcept nogil:
    """At least 16 bits ahead afterwards. Past the end zeros are read."""
    cdef int n
    cdef uint64_t inverted = <uint64_t>-1
    if c.range < 1 << 24:
        n = (54 - cabac_ahead(c)) & ~7                  # 63 bits in all
        if c.next < c.end:
            inverted = ~codec_load_be64(c.next)
        c.next += n >> 3
        c.range <<= n
        c.room = c.room << n | inverted >> (64 - n)

cdef inline int cabac_decision_of_two(Cabac *c, uint8_t *state) noexcept nogil:
    """DecodeDecision (Figure 9-27) without a branch on its outcome, and without a refill: `other` is all ones where the
    bin is not valMPS."""
    cdef uint32_t s = state[0]
    cdef int ahead = cabac_ahead(c)
    cdef uint64_t lps = <uint64_t>H264_CABAC_LPS[(c.range >> ahead >> 6) & 3][s] << ahead
    cdef uint64_t rest = c.range - lps
    cdef uint64_t left = c.room - lps
    cdef uint64_t other = <uint64_t>(<int64_t>left >> 63)
    c.room = left + (lps & other)
    c.range = lps if other else rest
    s ^= <uint32_t>other
    state[0] = H264_CABAC_NEXT[s & 255]
    return s & 1

cdef inline int cabac_decision(Cabac *c, uint8_t *state) noexcept nogil:
    cdef int bin = cabac_decision_of_two(c, state)
    cabac_refill(c)
    return bin

cdef inline int cabac_bypass_mask(Cabac *c) noexcept nogil:
    """DecodeBypass (Figure 9-30): 0, or -1 for a bin of 1. No refill."""
    cdef uint64_t half = c.range >> 1
    cdef uint64_t left = c.room - half
    cdef uint64_t one = <uint64_t>(<int64_t>left >> 63)
    c.range = half
    c.room = left + (half & one)
    return <int>one

cdef inline int cabac_bypass(Cabac *c) noexcept nogil:
    cdef int bin = -cabac_bypass_mask(c)
    cabac_refill(c)
    return bin

cdef inline int cabac_terminate(Cabac *c) noexcept nogil:
    """DecodeTerminate (Figure 9-31)."""
    cdef uint64_t two = 2ull << cabac_ahead(c)
    if c.room < two:
        return 1
    c.room -= two
    c.range -= two
    cabac_refill(c)
    return 0

cdef void cabac_open(SliceReader *d, const uint8_t *data, const uint8_t *end) noexcept nogil
cdef void cabac_init_states(SliceReader *d, int column) noexcept nogil
cdef const uint8_t *cabac_pcm(SliceReader *d) noexcept nogil
cdef int cabac_decide(SliceReader *d, int ctxIdx) noexcept nogil
cdef int cabac_end_of_slice_flag(SliceReader *d) noexcept nogil
cdef void cabac_mvd(SliceReader *d, int list, int entry, int *mvd) noexcept nogil
cdef int cabac_coded_block_flag(SliceReader *d, int kind, int ctxIdxInc) noexcept nogil
cdef int cabac_block(SliceReader *d, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind) noexcept nogil
