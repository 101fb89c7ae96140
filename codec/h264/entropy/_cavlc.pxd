"""Exp-Golomb codes (9.1) and the block of CAVLC (9.2)."""
from libc.stdint cimport int32_t, uint8_t, uint32_t, int64_t

from codec._core cimport BitReader, refill, skip_bits
from codec.h264.macroblock._slice cimport FAULT_END, SliceContext, note

cdef extern from "bits.h" nogil:
    int codec_bit_length(uint32_t v)

cdef enum:
    UE_INVALID = 0xFFFFFF   # more than 24 leading zeros: larger than anything the macroblock layer may hold

cdef inline int64_t bit_position(BitReader *r) noexcept nogil:
    return <int64_t>r.pos * 8 - r.count

cdef inline uint32_t take(BitReader *r, int n) noexcept nogil:
    """n bits, 1 to 32, of those that a refill has brought."""
    cdef uint32_t v = <uint32_t>(r.acc >> (64 - n))
    skip_bits(r, n)
    return v

cdef inline int read_u1(SliceContext *s) noexcept nogil:
    """One bit; three more are there for `take`."""
    if s.bits.count < 4:
        refill(&s.bits)
    return <int>take(&s.bits, 1)

cdef int cavlc_long_ue(SliceContext *s) noexcept nogil

cdef inline int read_ue(SliceContext *s) noexcept nogil:
    """ue(v); UE_INVALID for a code that is too long for any element of the macroblock layer."""
    cdef int length
    cdef BitReader *r = &s.bits
    cdef uint32_t top
    if r.count < 32:
        refill(r)
    top = <uint32_t>(r.acc >> 32)
    if top < 1u << 16:
        return cavlc_long_ue(s)
    length = 65 - 2 * codec_bit_length(top)
    skip_bits(r, length)
    return <int>(top >> (32 - length)) - 1

cdef inline int read_se(SliceContext *s) noexcept nogil:
    """se(v), Table 9-3."""
    cdef int k = read_ue(s)
    return (k + 1) >> 1 if k & 1 else -(k >> 1)

cdef inline int read_te(SliceContext *s, int largest) noexcept nogil:
    """te(v) with the range 0..largest."""
    if largest == 1:
        return 1 - read_u1(s)
    return read_ue(s)

cdef int cavlc_coeff_token(SliceContext *s, int nC) noexcept nogil
cdef int cavlc_block(SliceContext *s, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind, int token) noexcept nogil
