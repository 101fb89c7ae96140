"""CAVLC: transform coefficient levels of one block (9.2)."""
from libc.stdint cimport uint8_t, int32_t, uint32_t

from codec._core cimport BitReader, codec_assert_range, codec_bit_length, refill, skip_bits
from codec.h264.entropy._kinds cimport KINDS
from codec.h264.entropy._reader cimport FAULT_COEFF, SliceReader, note
from codec.h264.tables.values cimport (
    H264_CAVLC_COEFF_TOKEN, H264_CAVLC_COEFF_TOKEN_8, H264_CAVLC_RUN_BEFORE, H264_CAVLC_TOTAL_ZEROS,
    H264_CAVLC_TOTAL_ZEROS_LONG,
)

cdef enum:
    LONGEST_PREFIX = 25     # level_prefix: 11 + bitDepth at most (9.2.2.1); levels stay below 2^22

# By kind of block: maxNumCoeff (of each of the four blocks that an 8x8 block is sent as), binary places that scaling
# drops, and the first row of its table of total_zeros.
cdef uint8_t[KINDS] MOST = [16, 15, 16, 4, 15, 16, 16, 15, 16, 16, 16, 15, 16, 16, 8]
cdef uint8_t[KINDS] SHIFT = [0, 4, 4, 0, 4, 6, 0, 4, 4, 6, 0, 4, 4, 6, 0]
cdef uint8_t[KINDS] ZEROS_ROW = [0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]
# Table 9-5 by nC + 2: chroma DC of 4:2:2 and 4:2:0, then 0 to 16
cdef uint8_t[19] TOKENS = [5, 4, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3]
# by suffixLength: levels above this raise it (9.2.2.1)
cdef int32_t[7] RAISING = [3, 3, 6, 12, 24, 48, 0x7FFFFFFF]


cdef int cavlc_long_ue(BitReader *r) noexcept nogil:
    """ue(v) with at least 16 leading zeros."""
    cdef int zeros
    cdef uint32_t top
    refill(r)
    top = <uint32_t>(r.acc >> 32)
    if top < 1u << 7:
        return UE_INVALID
    zeros = 32 - codec_bit_length(top)
    skip_bits(r, zeros)
    return <int>take(r, zeros + 1) - 1


cdef inline int coeff_token(BitReader *r, int nC) noexcept nogil:
    """See cavlc_coeff_token; -1 for an invalid code."""
    cdef int table = TOKENS[nC + 2], zeros
    cdef uint32_t entry, top
    if table == 3:
        entry = H264_CAVLC_COEFF_TOKEN_8[r.acc >> 58]
    else:
        top = <uint32_t>(r.acc >> 32) | 1 << 15        # no code is longer than 16 bits
        zeros = 32 - codec_bit_length(top)
        entry = H264_CAVLC_COEFF_TOKEN[table][(zeros << 3) + (top << zeros >> 28) - 8]
    if entry == 0:
        return -1
    skip_bits(r, entry & 31)
    return entry >> 5


cdef inline int long_level(BitReader *r, int prefix, int suffixLength) noexcept nogil:
    """levelCode with a level_prefix of 14 or more (9.2.2.1); -1 if it is invalid."""
    cdef int size = suffixLength, code
    refill(r)
    if prefix > LONGEST_PREFIX:
        return -1
    skip_bits(r, prefix + 1)
    code = min(prefix, 15) << suffixLength
    if prefix >= 15:
        size = prefix - 3
        code += (15 if suffixLength == 0 else 0) + ((1 << size) - 4096 if prefix >= 16 else 0)
    elif suffixLength == 0:
        size = 4
    return code + <int>take(r, size)


cdef inline int read_levels(BitReader *r, int32_t *level, int total, int ones) noexcept nogil:
    """9.2.2: highest frequency first; false if a code is invalid. Three trailing ones are written in any case."""
    cdef int i = ones, prefix, size, code
    cdef int suffixLength = 1 if total > 10 and ones < 3 else 0, more = 2 if ones < 3 else 0
    cdef int signs = <int>(r.acc >> 61)
    codec_assert_range(1, total, 16)
    codec_assert_range(0, ones, 3)
    level[0], level[1], level[2] = 1 - (signs >> 1 & 2), 1 - (signs & 2), 1 - (signs << 1 & 2)
    skip_bits(r, ones)
    while i < total:
        if r.count < 32:
            refill(r)
        prefix = 32 - codec_bit_length(<uint32_t>(r.acc >> 32) | 1)
        if prefix < 14:
            # at most 20; the 1 that ends level_prefix stays above level_suffix
            size = prefix + 1 + suffixLength
            code = ((prefix - 1) << suffixLength) + <int>(r.acc >> (64 - size))
            skip_bits(r, size)
        else:
            code = long_level(r, prefix, suffixLength)
            if code < 0:
                return 0
        code += more
        more = 0
        level[i] = (((code + 2) >> 1) ^ -(code & 1)) + (code & 1)
        suffixLength += (suffixLength == 0) + ((code + 2) >> 1 > RAISING[suffixLength])
        i += 1
    return 1


cdef inline int read_total_zeros(BitReader *r, int row) noexcept nogil:
    """total_zeros; -1 if it is no code."""
    cdef int entry = H264_CAVLC_TOTAL_ZEROS[row][r.acc >> 58]
    if entry == 0:
        if row == 1:
            entry = H264_CAVLC_TOTAL_ZEROS_LONG[r.acc >> 55 & 15]
        if entry == 0:
            return -1
    skip_bits(r, entry & 15)
    return entry >> 4


cdef inline int read_run(BitReader *r, int left) noexcept nogil:
    """run_before; more than `left` if it is invalid."""
    cdef int entry = H264_CAVLC_RUN_BEFORE[min(left, 7)][r.acc >> 61], zeros
    codec_assert_range(1, left, 15)
    if entry == 0:                                      # Table 9-10, 0001 and longer: 7 and more
        zeros = 32 - codec_bit_length(<uint32_t>(r.acc >> 32) | 1 << 16)
        entry = (zeros + 4) << 4 | (zeros + 1)
    skip_bits(r, entry & 15)
    return entry >> 4


cdef int cavlc_coeff_token(SliceReader *d, int nC) noexcept nogil:
    """TotalCoeff << 2 | TrailingOnes, 0 after a fault too; nC may be CHROMA_DC_... Leaves at least 16 bits."""
    cdef int token
    codec_assert_range(CHROMA_DC_422, nC, 16)
    if d.bits.count < 32:
        refill(&d.bits)
    token = coeff_token(&d.bits, nC)
    if token >= 0:
        return token
    note(d, FAULT_COEFF)
    return 0


cdef int cavlc_block(SliceReader *d, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind,
                     int token) noexcept nogil:
    """residual_block_cavlc( ) of 7.3.5.3.2 after its coeff_token; the number of levels, 0 after a fault.

    The level at position k of the block goes to out[scan[k]], scaled: (level * scale[scan[k]] + 2^(shift - 1)) >>
    shift, with a shift by kind and a product modulo 2^32 (see macroblock/_scaling.pyx).
    """
    cdef int32_t level[16]
    cdef BitReader r = d.bits
    cdef int total = token >> 2, most = MOST[kind], shift = SHIFT[kind], rounding = 1 << shift >> 1
    cdef int left = -1, i = 0, k, run, at
    codec_assert_range(0, kind, KINDS - 1)
    codec_assert_range(1, total, 16)
    if total <= most and read_levels(&r, level, total, token & 3):
        left = 0
        if total < most:
            if r.count < 16:
                refill(&r)
            left = read_total_zeros(&r, ZEROS_ROW[kind] + total)
    k = total - 1 + left
    if left < 0 or k >= most:
        note(d, FAULT_COEFF)
        return 0
    codec_assert_range(0, k, most - 1)
    total -= 1
    while left and i < total:
        at = scan[k]
        codec_assert_range(0, k, 15)
        codec_assert_range(0, at, 63)
        out[at] = (level[i] * scale[at] + rounding) >> shift
        i += 1
        if r.count < 16:
            refill(&r)
        run = read_run(&r, left)
        if run > left:
            note(d, FAULT_COEFF)
            return 0
        left -= run
        k -= run + 1
    while i <= total:
        at = scan[k]
        codec_assert_range(0, k, 15)
        codec_assert_range(0, at, 63)
        out[at] = (level[i] * scale[at] + rounding) >> shift
        i += 1
        k -= 1
    d.bits.pos, d.bits.acc, d.bits.count = r.pos, r.acc, r.count
    return total + 1
