"""CAVLC: transform coefficient levels of one block (9.2)."""
from libc.stdlib cimport abs

from codec._core cimport BitReader, refill, skip_bits
from codec.h264._slice cimport *
from codec.h264.tables.values cimport (
    H264_CAVLC_COEFF_TOKEN, H264_CAVLC_COEFF_TOKEN_8, H264_CAVLC_RUN_BEFORE, H264_CAVLC_TOTAL_ZEROS, H264_CAVLC_TOTAL_ZEROS_2X2,
    H264_CAVLC_TOTAL_ZEROS_2X4,
)

cdef enum:
    LONGEST_PREFIX = 25     # level_prefix: 11 + bitDepth at most (9.2.2.1)


cdef inline int by_zeros(BitReader *r, const uint16_t *table) noexcept nogil:
    """One code of a table made by tables/generate.py, or -1."""
    cdef uint32_t top = <uint32_t>(r.acc >> 32) | 1 << 12
    cdef int zeros = min(32 - codec_bit_length(top), 15)       # the code words of zeros alone have a few of them
    cdef uint32_t entry
    entry = table[zeros << 3 | (top << zeros >> 28 & 7)]
    if entry == 0:
        return -1
    skip_bits(r, entry & 31)
    return entry >> 5


cdef inline int coeff_token(BitReader *r, int nC) noexcept nogil:
    """TotalCoeff << 2 | TrailingOnes; nC -1 and -2 for chroma DC of 4:2:0 and 4:2:2."""
    cdef uint32_t entry
    if nC >= 8:
        entry = H264_CAVLC_COEFF_TOKEN_8[r.acc >> 58]
        skip_bits(r, 6)
        return entry >> 5 if entry else -1
    return by_zeros(r, H264_CAVLC_COEFF_TOKEN[3 - nC if nC < 0 else 0 if nC < 2 else 1 if nC < 4 else 2])


cdef inline int read_levels(BitReader *r, int32_t *level, int total, int ones) noexcept nogil:
    """9.2.2: highest frequency first. False where a code cannot be."""
    cdef int i, prefix, size, code, suffixLength = 1 if total > 10 and ones < 3 else 0
    cdef uint32_t top
    refill(r)
    for i in range(ones):
        level[i] = 1 - 2 * <int>take(r, 1)
    for i in range(ones, total):
        refill(r)
        top = <uint32_t>(r.acc >> 32)
        prefix = 32 - codec_bit_length(top | 1)
        if prefix > LONGEST_PREFIX:
            return 0
        skip_bits(r, prefix + 1)
        size = suffixLength
        code = min(prefix, 15) << suffixLength
        if prefix >= 15:
            size = prefix - 3
            code += (15 if suffixLength == 0 else 0) + ((1 << size) - 4096 if prefix >= 16 else 0)
        elif prefix == 14 and suffixLength == 0:
            size = 4
        if size:
            code += <int>take(r, size)
        if i == ones and ones < 3:
            code += 2
        level[i] = (-code - 1) >> 1 if code & 1 else (code + 2) >> 1
        if suffixLength == 0:
            suffixLength = 1
        if suffixLength < 6 and abs(level[i]) > 3 << (suffixLength - 1):
            suffixLength += 1
    return 1


cdef inline int read_total_zeros(BitReader *r, int total, int most) noexcept nogil:
    if total == most:
        return 0
    refill(r)
    if most == 4:
        return by_zeros(r, H264_CAVLC_TOTAL_ZEROS_2X2[total])
    if most == 8:
        return by_zeros(r, H264_CAVLC_TOTAL_ZEROS_2X4[total])
    return by_zeros(r, H264_CAVLC_TOTAL_ZEROS[total])


cdef int cavlc_block(SliceContext *s, int32_t *out, const uint8_t *scan, const int32_t *scale, int shift, int nC, int most) noexcept nogil:
    """residual_block_cavlc() of 7.3.5.3.2: the number of levels, 0 after a fault.

    The level at position k of `most` goes to out[scan[k]], scaled: (level * scale[scan[k]] + 2^(shift - 1)) >> shift; as it is if scale is NULL.
    """
    cdef int32_t level[16]
    cdef BitReader r = s.bits
    cdef int token, total, left, k, i, run, rounding = 1 << shift >> 1
    refill(&r)
    token = coeff_token(&r, nC)
    total = token >> 2
    if token <= 0 or total > most:
        if token != 0:
            note(s, FAULT_COEFF)
        s.bits = r
        return 0
    left = -1
    if read_levels(&r, level, total, token & 3):
        left = read_total_zeros(&r, total, most)
    k = total - 1 + left
    if left < 0 or k >= most:
        note(s, FAULT_COEFF)
        return 0
    for i in range(total):
        if scale == NULL:
            out[scan[k]] = level[i]
        else:
            out[scan[k]] = (level[i] * scale[scan[k]] + rounding) >> shift
        if i == total - 1:
            break
        k -= 1
        if left > 0:
            if r.count < 16:
                refill(&r)
            run = by_zeros(&r, H264_CAVLC_RUN_BEFORE[min(left, 7)])
            if run < 0 or run > left:
                note(s, FAULT_COEFF)
                break
            left -= run
            k -= run
    s.bits = r
    return total
