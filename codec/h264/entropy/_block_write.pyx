"""Blocks of levels: residual_block_cavlc( ) and residual_block_cabac( ) of 7.3.5.3, the reverse of _cavlc.pyx and
_cabac.pyx, for frame macroblocks of all formats but 4:2:2."""
from libc.stdint cimport uint8_t, int16_t, uint32_t
from libc.stdlib cimport abs

from codec._core cimport codec_assert_range, codec_bit_length, codec_nonzero_mask
from codec.h264.entropy._kinds cimport KIND_DC_420
from codec.h264.entropy._writer cimport Bins, Bits, put, put_bin, put_bypass
from codec.h264.tables.values cimport (
    H264_TABLE_9_10_RUN_BEFORE, H264_TABLE_9_40_CODED_BLOCK_FLAG, H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1,
    H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_43_LAST_INC,
    H264_TABLE_9_43_SIGNIFICANT_INC, H264_TABLE_9_5_COEFF_TOKEN, H264_TABLE_9_7_TOTAL_ZEROS,
    H264_TABLE_9_9A_TOTAL_ZEROS, H264Vlc,
)

# maxNumCoeff by ctxBlockCat 0 to 13 (Table 9-42); CAVLC sends an 8x8 block as four of 16
cdef uint8_t[14] MOST = [16, 15, 16, 4, 15, 64, 16, 15, 16, 64, 16, 15, 16, 64]
cdef uint8_t[5] NEXT_ONE = [0, 2, 3, 4, 4]              # see _cabac.pyx


# ---------------------------------------------------------------- CAVLC (9.2)

cdef inline void put_vlc(Bits sink, const H264Vlc *code) noexcept nogil:
    codec_assert_range(1, code.length, 16)
    put(sink, code.code, code.length)


cdef int write_cavlc_block(Bits sink, const int16_t *level, int kind, int nC) noexcept nogil:
    """A block of at most 16 levels in scan order, of 16 in memory; nC -1: chroma DC. TotalCoeff."""
    cdef int at[16]
    cdef int total = 0, ones = 0, k, i, magnitude, code, suffixLength, left, most = 16 if kind == 5 else MOST[kind]
    cdef uint32_t signs = 0, present = <uint32_t>codec_nonzero_mask(level, 0, most - 1)
    codec_assert_range(0, kind, 5)
    codec_assert_range(-1, nC, 16)
    while present:                                      # highest frequency first
        at[total] = codec_bit_length(present) - 1
        present ^= <uint32_t>1 << at[total]
        total += 1
    while ones < total and ones < 3 and abs(level[at[ones]]) == 1:
        signs = signs << 1 | (level[at[ones]] < 0)
        ones += 1
    put_vlc(sink, &H264_TABLE_9_5_COEFF_TOKEN[token_column(nC)][ones][total])
    if total == 0:
        return 0
    if ones:
        put(sink, signs, ones)
    suffixLength = 1 if total > MANY and ones < 3 else 0
    for i in range(ones, total):
        magnitude = abs(level[at[i]])
        code = 2 * magnitude - 2 + (level[at[i]] < 0)
        put_level(sink, code - 2 if i == ones and ones < 3 else code, suffixLength)
        suffixLength = suffix_after(suffixLength, magnitude)
    left = at[0] + 1 - total                            # total_zeros
    if total < most:
        if kind == KIND_DC_420:
            put_vlc(sink, &H264_TABLE_9_9A_TOTAL_ZEROS[total][left])
        else:
            put_vlc(sink, &H264_TABLE_9_7_TOTAL_ZEROS[total][left])
    for i in range(total - 1):
        if left == 0:
            break
        k = at[i] - at[i + 1] - 1                       # run_before
        put_vlc(sink, &H264_TABLE_9_10_RUN_BEFORE[min(left, 7)][k])
        left -= k
    return total


# ---------------------------------------------------------------- CABAC (9.3)

cdef inline void put_escape(Bins sink, int value) noexcept nogil:
    """Exp-Golomb suffix of order 0 (9.3.2.3)."""
    cdef int k = 0
    while value >= 1 << k:
        put_bypass(sink, 1)
        value -= 1 << k
        k += 1
    put_bypass(sink, 0)
    while k:
        k -= 1
        put_bypass(sink, value >> k & 1)


cdef int write_cabac_block(Bins sink, const int16_t *level, int kind, int ctxIdxInc, int flagged) noexcept nogil:
    """A block of levels in scan order, with its coded_block_flag unless it has none (flagged 0: it has levels). Whether
    it has levels."""
    cdef uint8_t position[64]
    cdef int most = MOST[kind] - 1, n = 0, i, k, last, magnitude, one = 1, greater = 4
    cdef int significant_ctx = H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG[0][kind]
    cdef int last_ctx = H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG[0][kind]
    cdef int levels_ctx = H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1[kind]
    cdef int most_greater = 8 if kind == KIND_DC_420 else 9
    cdef int inc, last_inc
    codec_assert_range(0, kind, 13)
    last = most
    while last >= 0 and level[last] == 0:
        last -= 1
    if flagged:
        put_bin(sink, H264_TABLE_9_40_CODED_BLOCK_FLAG[kind] + ctxIdxInc, last >= 0)
    if last < 0:
        return 0
    for i in range(min(last + 1, most)):
        inc = last_inc = min(i, 2) if kind == KIND_DC_420 else i
        if most == 63:
            inc, last_inc = H264_TABLE_9_43_SIGNIFICANT_INC[0][i], H264_TABLE_9_43_LAST_INC[i]
        if level[i]:
            position[n] = <uint8_t>i
            n += 1
            put_bin(sink, significant_ctx + inc, 1)
            put_bin(sink, last_ctx + last_inc, i == last)
        else:
            put_bin(sink, significant_ctx + inc, 0)
    if last == most:
        position[n] = <uint8_t>last
        n += 1
    while n:
        n -= 1
        magnitude = abs(level[position[n]])
        if magnitude == 1:
            put_bin(sink, levels_ctx + one, 0)
            one = NEXT_ONE[one]
        else:
            put_bin(sink, levels_ctx + one, 1)
            one = 0
            greater = min(greater + 1, most_greater)
            for k in range(min(magnitude, 15) - 2):
                put_bin(sink, levels_ctx + greater, 1)
            if magnitude < 15:
                put_bin(sink, levels_ctx + greater, 0)
            else:
                put_escape(sink, magnitude - 15)
        put_bypass(sink, level[position[n]] < 0)
    return 1
