"""Exp-Golomb codes (9.1) and the block of CAVLC (9.2)."""
from libc.stdint cimport uint8_t, int32_t, uint32_t, int64_t

from codec._core cimport BitReader, codec_assert_range, codec_bit_length, refill, skip_bits
from codec.h264.entropy._reader cimport SliceReader

cdef enum:
    CHROMA_DC_420 = -1      # nC of chroma DC (9.2.1)
    CHROMA_DC_422 = -2
    UE_INVALID = 0xFFFFFF   # more than 24 leading zeros: larger than anything the macroblock layer may hold

cdef inline int64_t bit_position(BitReader *r) noexcept nogil:
    return <int64_t>r.pos * 8 - r.count

cdef inline uint32_t take(BitReader *r, int n) noexcept nogil:
    """n bits, 1 to 32, which a refill has brought."""
    cdef uint32_t v = <uint32_t>(r.acc >> (64 - n))
    codec_assert_range(1, n, 32)
    skip_bits(r, n)
    return v

cdef inline int read_u1(BitReader *r) noexcept nogil:
    """One bit; three more are ready for `take`."""
    if r.count < 4:
        refill(r)
    return <int>take(r, 1)

cdef int cavlc_long_ue(BitReader *r) noexcept nogil

cdef inline int read_ue(BitReader *r) noexcept nogil:
    """ue(v), at most 2^25 - 2; UE_INVALID for a code too long for any element of the macroblock layer."""
    cdef int length
    cdef uint32_t top
    if r.count < 32:
        refill(r)
    top = <uint32_t>(r.acc >> 32)
    if top < 1u << 16:
        return cavlc_long_ue(r)
    length = 65 - 2 * codec_bit_length(top)
    skip_bits(r, length)
    return <int>(top >> (32 - length)) - 1

cdef inline int read_se(BitReader *r) noexcept nogil:
    """se(v), Table 9-3."""
    cdef int k = read_ue(r)
    return (k + 1) >> 1 if k & 1 else -(k >> 1)

cdef inline int read_te(BitReader *r, int largest) noexcept nogil:
    """te(v) with the range 0..largest; may be larger where it is coded as ue(v)."""
    if largest == 1:
        return 1 - read_u1(r)
    return read_ue(r)

cdef int cavlc_coeff_token(SliceReader *d, int nC) noexcept nogil
cdef int cavlc_block(SliceReader *d, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind,
                     int token) noexcept nogil
