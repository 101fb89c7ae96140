"""CABAC (9.3): states, and the elements with most of the bins: motion vector differences (9.3.3.1.1.7) and blocks of
levels (7.3.5.3.3)."""
from libc.stdint cimport int16_t, uint8_t, uint16_t, int32_t

from codec._core cimport codec_assert_range, codec_load_be64
from codec.h264.entropy._kinds cimport KINDS, KIND_DC_420, KIND_DC_422
from codec.h264.entropy._reader cimport FAULT_COEFF, FAULT_MVD, Cabac, SliceReader, note
from codec.h264.macroblock._slice cimport CACHE, SliceContext
from codec.h264.tables.values cimport (
    H264_TABLE_9_12_CABAC_MN, H264_TABLE_9_40_CODED_BLOCK_FLAG, H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1,
    H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG, H264_TABLE_9_43_LAST_INC,
    H264_TABLE_9_43_SIGNIFICANT_INC,
)

cdef enum:
    MVD_X = 40              # ctxIdxOffset of Table 9-34
    LONGEST_SUFFIX = 24     # of Exp-Golomb suffixes: no level or vector needs more; values stay below 2^26


# ---------------------------------------------------------------- engine and states

cdef void cabac_open(SliceReader *d, const uint8_t *data, const uint8_t *end) noexcept nogil:
    """9.3.1.2; at least 8 zero bytes follow `end`."""
    cdef Cabac *c = &d.cabac
    c.range = 510ull << 47
    c.room = c.range - 1 - (codec_load_be64(data) >> 8)
    c.next = data + 7
    c.end = end


cdef void cabac_init_states(SliceReader *d, int column) noexcept nogil:
    """9.3.1.1: column 0 for I and SI slices, 1 + cabac_init_idc for others."""
    cdef SliceContext *s = &d.s
    cdef int i
    cdef int16_t pre, qp = <int16_t>min(max(s.slice.SliceQPY, 0), 51)       # products fit 16 bits: |m| is below 128
    for i in range(1024):
        pre = <int16_t>(<int16_t>(H264_TABLE_9_12_CABAC_MN[column][i][0] * qp) >> 4)
        pre = min(max(<int16_t>(pre + H264_TABLE_9_12_CABAC_MN[column][i][1]), <int16_t>1), <int16_t>126)
        # (63 - pre) << 1 up to 63, (pre - 64) << 1 | 1 from there on: 126 - 2 pre, of which the second negates all bits
        d.state[i] = <uint8_t>(126 - 2 * pre ^ (63 - pre >> 15))


cdef const uint8_t *cabac_pcm(SliceReader *d) noexcept nogil:
    """Where the samples of I_PCM begin. The encoder flushes 7 + 3 bits after the terminating bin (Figure 9-34), of
    which the engine has read the last; zeros up to a byte follow."""
    return d.cabac.next - (cabac_ahead(&d.cabac) >> 3)


cdef int cabac_decide(SliceReader *d, int ctxIdx) noexcept nogil:
    codec_assert_range(0, ctxIdx, 1023)
    return cabac_decision(&d.cabac, &d.state[ctxIdx])


cdef int cabac_end_of_slice_flag(SliceReader *d) noexcept nogil:
    return cabac_terminate(&d.cabac)


# ---------------------------------------------------------------- vectors

cdef void cabac_mvd(SliceReader *d, int list, int entry, int *mvd) noexcept nogil:
    """Both components of mvd_l0 or mvd_l1 (9.3.2.3, 9.3.3.1.1.7): UEG3 with uCoff 9."""
    cdef SliceContext *s = &d.s
    cdef Cabac c = d.cabac
    cdef uint8_t *state
    cdef int component, total, value, k, inc
    codec_assert_range(0, list, 1)
    codec_assert_range(CACHE, entry, CACHE + 27)
    for component in range(2):
        state = &d.state[MVD_X + 7 * component]
        total = s.cache.mvd[list][entry - 1][component] + s.cache.mvd[list][entry - 8][component]
        inc = (total > 2) + (total > 32)
        value = 0
        while value < 9 and cabac_decision(&c, &state[inc]):
            value += 1
            inc = min(value + 2, 6)
        if value == 9:
            k = 3
            while cabac_bypass(&c):
                value += 1 << k
                k += 1
                if k > LONGEST_SUFFIX:
                    note(d, FAULT_MVD)
                    break
            while k:
                k -= 1
                value += cabac_bypass(&c) << k
        if value and cabac_bypass(&c):
            value = -value
        mvd[component] = value
    d.cabac = c


# ---------------------------------------------------------------- levels

# What residual_block_cabac( ) depends on, by kind of block.
cdef struct BlockKind:
    uint16_t coded_block_flag, significant[2], last[2], levels      # first ctxIdx; [0] frame, [1] field
    uint8_t most                        # maxNumCoeff
    uint8_t shift                       # of scaling: see cavlc_block
    uint8_t most_greater                # largest ctxIdxInc for levels greater than 1
    const uint8_t *significant_inc[2]   # ctxIdxInc by levelListIdx
    const uint8_t *last_inc

cdef BlockKind BLOCK[KINDS]
cdef uint8_t LIST_INDEX[16]                             # ctxIdxInc = levelListIdx
cdef uint8_t[3] DC_420_INC = [0, 1, 2]                  # Min(levelListIdx / NumC8x8, 2)
cdef uint8_t[7] DC_422_INC = [0, 0, 1, 1, 2, 2, 2]
cdef uint8_t[5] NEXT_ONE = [0, 2, 3, 4, 4]              # ctxIdxInc of the first bin of a level, after a level of 1

cdef void make_kinds() noexcept:
    cdef int i, cat, field
    cdef BlockKind *kind
    for i in range(16):
        LIST_INDEX[i] = <uint8_t>i
    for i in range(KINDS):
        kind = &BLOCK[i]
        cat = 3 if i == KIND_DC_422 else i
        kind.coded_block_flag = H264_TABLE_9_40_CODED_BLOCK_FLAG[cat]
        kind.levels = H264_TABLE_9_40_COEFF_ABS_LEVEL_MINUS1[cat]
        kind.most_greater = 8 if cat == 3 else 9
        kind.last_inc = LIST_INDEX
        if i == KIND_DC_422:
            kind.most, kind.shift, kind.last_inc = 8, 0, DC_422_INC
        elif i == KIND_DC_420:
            kind.most, kind.shift, kind.last_inc = 4, 0, DC_420_INC
        elif i == 5 or i == 9 or i == 13:
            kind.most, kind.shift, kind.last_inc = 64, 6, H264_TABLE_9_43_LAST_INC
        elif i == 0 or i == 6 or i == 10:
            kind.most, kind.shift = 16, 0
        else:
            kind.most, kind.shift = 16 if i == 2 or i == 8 or i == 12 else 15, 4
        for field in range(2):
            kind.significant[field] = H264_TABLE_9_40_SIGNIFICANT_COEFF_FLAG[field][cat]
            kind.last[field] = H264_TABLE_9_40_LAST_SIGNIFICANT_COEFF_FLAG[field][cat]
            kind.significant_inc[field] = kind.last_inc
            if kind.most == 64:
                kind.significant_inc[field] = H264_TABLE_9_43_SIGNIFICANT_INC[field]

make_kinds()


cdef int cabac_coded_block_flag(SliceReader *d, int kind, int ctxIdxInc) noexcept nogil:
    codec_assert_range(0, kind, KINDS - 1)
    codec_assert_range(0, ctxIdxInc, 3)
    return cabac_decide(d, BLOCK[kind].coded_block_flag + ctxIdxInc)


cdef inline int escape(Cabac *c) noexcept nogil:
    """Exp-Golomb suffix of order 0; -1 if it is too long."""
    cdef int k = 0, value = 0
    while cabac_bypass(c):
        value += 1 << k
        k += 1
        if k > LONGEST_SUFFIX:
            return -1
    while k:
        k -= 1
        value += cabac_bypass(c) << k
    return value


cdef int cabac_block(SliceReader *d, int32_t *out, const uint8_t *scan, const int32_t *scale, int kind) noexcept nogil:
    """residual_block_cabac( ) after its coded_block_flag; the number of levels. Scaling: see cavlc_block."""
    cdef SliceContext *s = &d.s
    cdef uint8_t position[64]
    cdef const BlockKind *k = &BLOCK[kind]
    cdef Cabac c = d.cabac
    cdef uint8_t *state = &d.state[k.significant[s.place.mb_field]]
    cdef uint8_t *last = &d.state[k.last[s.place.mb_field]]
    cdef const uint8_t *inc = k.significant_inc[s.place.mb_field]
    cdef const uint8_t *last_inc = k.last_inc
    cdef int n = 0, i = 0, level, value, one = 1, greater = 4
    cdef int most = k.most - 1, shift = k.shift, rounding = 1 << shift >> 1
    codec_assert_range(0, kind, KINDS - 1)
    codec_assert_range(0, s.place.mb_field, 1)
    while i < most:                                     # significant_coeff_flag, last_significant_coeff_flag
        cabac_refill(&c)
        if cabac_decision_of_two(&c, &state[inc[i]]):
            position[n] = <uint8_t>i
            n += 1
            if cabac_decision_of_two(&c, &last[last_inc[i]]):
                break
        i += 1
    if i == most:
        position[n] = <uint8_t>i
        n += 1
    codec_assert_range(1, n, k.most)
    i = n
    state = &d.state[k.levels]
    while i:
        # coeff_abs_level_minus1 (9.3.3.1.3): contexts by how many levels of 1, and above 1, came before
        i -= 1
        cabac_refill(&c)
        if not cabac_decision_of_two(&c, &state[one]):
            level = 1
            one = NEXT_ONE[one]
        else:
            level = 2
            one = 0
            greater = min(greater + 1, k.most_greater)
            while level < 15 and cabac_decision(&c, &state[greater]):
                level += 1
            if level == 15:
                value = escape(&c)
                if value < 0:
                    note(d, FAULT_COEFF)
                    break
                level += value
        value = cabac_bypass_mask(&c)
        level = (level ^ value) - value
        value = scan[position[i]]
        codec_assert_range(0, value, 63)
        out[value] = (level * scale[value] + rounding) >> shift
    cabac_refill(&c)
    d.cabac = c
    return n
