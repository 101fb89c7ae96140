"""The arithmetic decoding engine (9.3.1.2, 9.3.3.2), for loops that keep its registers in a local variable."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from codec.h264._slice cimport Cabac, SliceContext

cdef extern from "bits.h" nogil:
    int codec_bit_length(uint32_t v)
    uint64_t codec_load_be64(const uint8_t *p)

from codec.h264.tables.values cimport H264_CABAC_LPS, H264_CABAC_NEXT

cdef enum:
    SCALE = 48              # binary places of Cabac.offset: 9 + 48 < 64 even after a shift by 7

cdef inline void cabac_refill(Cabac *c) noexcept nogil:
    """At least 41 bits below the nine of the offset. Past the end zeros are read."""
    if c.next < c.end:
        c.offset |= codec_load_be64(c.next) >> (64 - SCALE + c.count)
        c.next += (SCALE - c.count) >> 3
        c.count += (SCALE - c.count) & ~7
    else:
        c.next += (SCALE - c.count) >> 3
        c.count += (SCALE - c.count) & ~7

cdef inline int cabac_decision(Cabac *c, uint8_t *state) noexcept nogil:
    """DecodeDecision (Figure 9-27), without a branch on its outcome: `other` is all ones where the bin is not valMPS."""
    cdef uint32_t s = state[0]
    cdef uint32_t lps = H264_CABAC_LPS[(c.range >> 6) & 3][s]
    cdef uint32_t range = c.range - lps
    cdef uint64_t scaled = <uint64_t>range << SCALE
    cdef uint64_t other = <uint64_t>(<int64_t>(scaled - 1 - c.offset) >> 63)    # both are below 2^58
    cdef int shift
    c.offset -= scaled & other
    range += (lps - range) & <uint32_t>other
    s ^= <uint32_t>other
    state[0] = H264_CABAC_NEXT[s & 255]
    shift = 9 - codec_bit_length(range)
    c.range = range << shift
    c.offset <<= shift
    c.count -= shift
    if c.count < 0:
        cabac_refill(c)
    return s & 1

cdef inline int cabac_bypass_mask(Cabac *c) noexcept nogil:
    """DecodeBypass (Figure 9-30): 0, or -1 for a bin of 1."""
    cdef uint64_t scaled = <uint64_t>c.range << SCALE
    cdef int64_t one
    c.offset <<= 1
    c.count -= 1
    if c.count < 0:
        cabac_refill(c)
    one = <int64_t>(scaled - 1 - c.offset) >> 63
    c.offset -= scaled & <uint64_t>one
    return <int>one

cdef inline int cabac_bypass(Cabac *c) noexcept nogil:
    return -cabac_bypass_mask(c)

cdef inline int cabac_terminate(Cabac *c) noexcept nogil:
    """DecodeTerminate (Figure 9-31)."""
    cdef uint64_t scaled
    cdef int shift
    c.range -= 2
    scaled = <uint64_t>c.range << SCALE
    if c.offset >= scaled:
        return 1
    shift = 1 - <int>(c.range >> 8)
    c.range <<= shift
    c.offset <<= shift
    c.count -= shift
    if c.count < 0:
        cabac_refill(c)
    return 0

cdef inline int coded_block_flag_inc(SliceContext *s, int component, int entry) noexcept nogil:
    """ctxIdxInc of a block that has one place in the cache."""
    return s.nnz_cache[component][entry - 1] + 2 * s.nnz_cache[component][entry - 8]

cdef void cabac_open(SliceContext *s, const uint8_t *data, const uint8_t *end) noexcept nogil
cdef void cabac_init_states(SliceContext *s, int column) noexcept nogil
cdef const uint8_t *cabac_pcm(SliceContext *s) noexcept nogil
cdef int cabac_mb_skip_flag(SliceContext *s) noexcept nogil
cdef int cabac_mb_field_decoding_flag(SliceContext *s) noexcept nogil
cdef int cabac_end_of_slice_flag(SliceContext *s) noexcept nogil
cdef int cabac_mb_type(SliceContext *s) noexcept nogil
cdef int cabac_sub_mb_type(SliceContext *s) noexcept nogil
cdef int cabac_ref_idx(SliceContext *s, int list, int b8) noexcept nogil
cdef int cabac_mvd(SliceContext *s, int list, int entry, int component) noexcept nogil
cdef int cabac_intra_mode(SliceContext *s) noexcept nogil
cdef int cabac_intra_chroma_pred_mode(SliceContext *s) noexcept nogil
cdef int cabac_coded_block_pattern(SliceContext *s) noexcept nogil
cdef int cabac_mb_qp_delta(SliceContext *s) noexcept nogil
cdef int cabac_transform_size_8x8_flag(SliceContext *s) noexcept nogil
cdef int cabac_block(SliceContext *s, int32_t *out, const uint8_t *scan, const int32_t *scale, int shift, int cat, int inc, int most) noexcept nogil
