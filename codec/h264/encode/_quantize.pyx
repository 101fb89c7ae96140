"""The residual between Coder.src and Coder.pred: forward transform, quantization, levels in scan order, and the scaled
coefficients of Macroblock.coef that the inverse transforms of the decoder take. Sets coded_block_pattern.

A coefficient is quantized as sign(d) (|d| + bias) scale / 2^16, with the reciprocal steps of _scales.pyx. The bias is a
fraction of a step: 1/3 for intra, 1/6 for inter macroblocks, where zeros are cheaper; 1/2, for the nearest level, where
_trellis.pyx (CABAC) or _trellis_cavlc.pyx chooses among it and lower ones. The latter counts the levels of each block
in the cache of the entropy coder, where later blocks find nC.
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from codec._core cimport codec_lowest_bit, codec_nonzero_mask
from codec.h264.encode._coder cimport CB, CR, SRC_STRIDE, Coder, QuantizerTables
from codec.h264.encode._lossless cimport keep_chroma, keep_luma, nothing_left
from codec.h264.encode._trellis cimport trellis
from codec.h264.encode._trellis_cavlc cimport trellis_cavlc
from codec.h264.entropy._kinds cimport KIND_AC_CHROMA, KIND_DC_420
from codec.h264.macroblock._neighbours cimport set_nnz_8x8
from codec.h264.macroblock._scaling cimport put_chroma_dc, put_luma_dc, scale_4x4, scale_8x8
from codec.h264.macroblock._slice cimport CACHE, SliceContext
from codec.h264.pictures._picture cimport MB_INTRA
from codec.h264.tables.values cimport (
    H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y, H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8,
)

cdef enum:
    # Levels of 1 that cost more than they give: a block is dropped below these scores (see worth).
    DROP_8X8 = 4
    DROP_LUMA = 6
    DROP_SKIP = 2
    DROP_CHROMA = 7
    NEVER = 99              # the score of a level above 1

cdef uint8_t[4] DC_SCAN = [0, 1, 2, 3]
# score of a level of 1 by the run of zeros before it
cdef uint8_t[16] RUN_SCORE = [3, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
cdef uint8_t[64] RUN_SCORE_8X8 = [3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0] + [0] * 39


# ---------------------------------------------------------------- blocks

cdef inline int scan_levels(int16_t *out, const int16_t *level, const uint8_t *scan, int first, int n) noexcept nogil:
    """Levels of raster order into scan order from `first` on; whether any is not 0."""
    cdef int k
    if not codec_nonzero_mask(level, first, n - 1):     # in both orders the first one comes first
        memset(out + first, 0, 2 * (n - first))
        return 0
    for k in range(first, n):
        out[k] = level[scan[k]]
    return 1


cdef inline int rule_of(const Coder *c, int intra) noexcept nogil:
    """Index of the bias."""
    return 2 if c.use_trellis else 1 - intra


cdef inline int list_of(int component, int intra) noexcept nogil:
    """Index of the 4x4 scaling list of a component (Table 7-2)."""
    return component + (0 if intra else 3)


cdef inline uint8_t *total_of(Coder *c, int component, int k) noexcept nogil:
    """The entry of a luma block, or of a block of chroma 4:2:0, in the cache."""
    return &c.s.cache.nnz[component][CACHE + (H264_CLAUSE_6_4_3_BLOCK_X[k] >> 2) + 2 * H264_CLAUSE_6_4_3_BLOCK_Y[k]]


cdef inline int choose_levels(const Coder *c, int16_t *out, const int16_t *level, const int16_t *d, const uint8_t *scan,
                              int first, int n, int kind, const int *steps, int intra, uint8_t *total) noexcept nogil:
    """Levels of a block in scan order, from those of quantize; whether any is not 0. total: see trellis_cavlc."""
    cdef int64_t lambda2 = c.lambda_trellis[kind == KIND_DC_420 or kind == KIND_AC_CHROMA][intra]
    if not c.use_trellis:
        return scan_levels(out, level, scan, first, n)
    if c.s.seq.entropy_coding_mode_flag:
        return trellis(c, out + first, level, d, scan, first, kind, steps, lambda2)
    return trellis_cavlc(out + first, level, d, scan, first, kind, steps, lambda2, total)


cdef inline int worth(const Coder *c, const int16_t *level, int first, int n, const uint8_t *scores) noexcept nogil:
    """What the levels in scan order from `first` on are worth: see RUN_SCORE. Those that a trellis leaves have been
    weighed against their bits."""
    cdef uint64_t mask = codec_nonzero_mask(level, first, n - 1)
    cdef int k, after = first, score = 0
    if c.use_trellis:
        return NEVER
    while mask:
        k = codec_lowest_bit(mask)
        if level[k] > 1 or level[k] < -1:
            return NEVER
        score += scores[k - after]
        after = k + 1
        mask &= mask - 1
    return score


cdef inline uint64_t scale_block(int32_t *coef, const int16_t *level, const uint8_t *scan, const int32_t *scale,
                                 int first, int n, int shift) noexcept nogil:
    """8.5.12.1 and 8.5.13.1, as the reader's cavlc_block does it. The bits of Macroblock.coded, as `mark` of
    _residual.pyx."""
    cdef uint64_t mask = codec_nonzero_mask(level, first, n - 1), left = mask
    cdef int k, at, rounding = 1 << shift >> 1
    while left:
        k = codec_lowest_bit(left)
        at = scan[k]
        coef[at] = (level[k] * scale[at] + rounding) >> shift
        left &= left - 1
    return 0 if mask == 0 else 1 if mask == 1 else 0x10001


cdef int code_4x4(Coder *c, int k, uint8_t *dst, int intra) noexcept nogil:
    """Block k of luma, predicted in the picture at dst: levels and scaled coefficients; whether it has levels."""
    cdef SliceContext *s = &c.s
    cdef int16_t level[16]
    cdef int16_t *out = &c.levels.ac[0][16 * k]
    cdef int x = H264_CLAUSE_6_4_3_BLOCK_X[k], y = H264_CLAUSE_6_4_3_BLOCK_Y[k], qp = s.mb.qp, n = 0
    cdef int list = list_of(0, intra)
    cdef const QuantizerTables *q = c.quant
    s.mb.coded[0] &= ~(0x10001ull << k)
    c.levels.any[0] &= ~(1u << k)
    c.enc.forward_one(c.d[0], c.src + SRC_STRIDE * y + x, SRC_STRIDE, dst, s.place.stride[0])
    if c.enc.quantize(level, c.d[0], q.scale4[list][qp], q.bias4[list][rule_of(c, intra)][qp], 16):
        n = choose_levels(c, out, level, c.d[0], H264_TABLE_8_13_SCAN_4X4[0], 0, 16, 2, q.step4[list][qp], intra,
                          total_of(c, 0, k))
    else:
        total_of(c, 0, k)[0] = 0
    if n:
        s.mb.coded[0] |= scale_block(&s.mb.coef[16 * k], out, H264_TABLE_8_13_SCAN_4X4[0], scale_4x4(s, 0), 0, 16,
                                     4) << k
        c.levels.any[0] |= 1u << k
    else:
        memset(out, 0, 32)
    return n


cdef int code_8x8(Coder *c, int b8, int intra) noexcept nogil:
    """8x8 block of luma from Coder.pred: whether it has levels."""
    cdef SliceContext *s = &c.s
    cdef int16_t level[64]
    cdef int16_t *out = &c.levels.ac[0][64 * b8]
    cdef int at = 8 * (b8 & 1) + 8 * SRC_STRIDE * (b8 >> 1), qp = s.mb.qp, n = 0
    cdef const QuantizerTables *q = c.quant
    s.mb.coded[0] &= ~(0x10001ull << (4 * b8))
    c.levels.any[0] &= ~(15u << (4 * b8))
    c.enc.forward8x8(c.d[0] + 64 * b8, c.src + at, SRC_STRIDE, c.pred + at, SRC_STRIDE)
    if c.enc.quantize(level, c.d[0] + 64 * b8, q.scale8[1 - intra][qp], q.bias8[1 - intra][rule_of(c, intra)][qp],
                      64):
        n = choose_levels(c, out, level, c.d[0] + 64 * b8, H264_TABLE_8_14_SCAN_8X8[0], 0, 64, 5,
                          q.step8[1 - intra][qp], intra, total_of(c, 0, 4 * b8))
        if not intra and worth(c, out, 0, 64, RUN_SCORE_8X8) < DROP_8X8:
            n = 0
    if n:
        s.mb.coded[0] |= scale_block(&s.mb.coef[64 * b8], out, H264_TABLE_8_14_SCAN_8X8[0], scale_8x8(s, 0), 0, 64,
                                     6) << (4 * b8)
        c.levels.any[0] |= 1u << (4 * b8)
    else:
        memset(out, 0, 128)
        set_nnz_8x8(total_of(c, 0, 4 * b8), 0)
    return n


# ---------------------------------------------------------------- luma of inter macroblocks

cdef inline int quantize_quarter(Coder *c, int b8, int *score) noexcept nogil:
    """Four 4x4 blocks of an 8x8 block; their levels, any, and score. Whether any is not 0."""
    cdef int16_t level[64]
    cdef int16_t *out = &c.levels.ac[0][64 * b8]
    cdef int at = 8 * (b8 & 1) + 8 * SRC_STRIDE * (b8 >> 1), qp = c.s.mb.qp, k, n, list = list_of(0, 0)
    cdef const QuantizerTables *q = c.quant
    score[0] = 0
    c.enc.forward4x4(c.d[0] + 64 * b8, c.src + at, SRC_STRIDE, c.pred + at, SRC_STRIDE)
    if not c.enc.quantize(level, c.d[0] + 64 * b8, q.scale4[list][qp], q.bias4[list][rule_of(c, 0)][qp], 64):
        memset(out, 0, 128)
        set_nnz_8x8(total_of(c, 0, 4 * b8), 0)
        return 0
    for k in range(4):
        n = choose_levels(c, out + 16 * k, level + 16 * k, c.d[0] + 64 * b8 + 16 * k, H264_TABLE_8_13_SCAN_4X4[0], 0,
                          16, 2, q.step4[list][qp], 0, total_of(c, 0, 4 * b8 + k))
        if n:
            c.levels.any[0] |= 1u << (4 * b8 + k)
            score[0] += worth(c, out + 16 * k, 0, 16, RUN_SCORE)
    return 1


cdef void code_luma(Coder *c, bint eight) noexcept nogil:
    """Luma of an inter macroblock with one of the transforms. Sets the luma bits of coded_block_pattern."""
    cdef SliceContext *s = &c.s
    cdef int b8, k, score, total = 0
    if c.lossless:
        keep_luma(c, eight)
        return
    s.mb.cbp &= ~15
    s.mb.coded[0] = 0
    c.levels.any[0] = 0
    for b8 in range(4):
        if eight:
            if code_8x8(c, b8, 0):
                s.mb.cbp |= 1 << b8
            continue
        if quantize_quarter(c, b8, &score):
            if score < DROP_8X8:
                memset(&c.levels.ac[0][64 * b8], 0, 128)
                c.levels.any[0] &= ~(15u << (4 * b8))
                set_nnz_8x8(total_of(c, 0, 4 * b8), 0)
            else:
                s.mb.cbp |= 1 << b8
                total += score
    if eight:
        return
    if total < DROP_LUMA:
        memset(c.levels.ac[0], 0, 512)
        c.levels.any[0] = 0
        s.mb.cbp &= ~15
        return
    for k in range(16):
        if c.levels.any[0] >> k & 1:
            s.mb.coded[0] |= scale_block(&s.mb.coef[16 * k], &c.levels.ac[0][16 * k], H264_TABLE_8_13_SCAN_4X4[0],
                                         scale_4x4(s, 0), 0, 16, 4) << k


# ---------------------------------------------------------------- Intra_16x16 and chroma

cdef void code_dc_16x16(Coder *c) noexcept nogil:
    """Intra16x16DCLevel: the 4x4 Hadamard transform of the DC coefficients, halved."""
    cdef SliceContext *s = &c.s
    cdef int16_t m[16]
    cdef int16_t level[16]
    cdef int32_t t[16]
    cdef int i, k, a, b, e, f, qp = s.mb.qp, list = list_of(0, 1)
    cdef const QuantizerTables *q = c.quant
    for k in range(16):
        t[H264_CLAUSE_6_4_3_BLOCK_Y[k] + (H264_CLAUSE_6_4_3_BLOCK_X[k] >> 2)] = c.d[0][16 * k]
    for i in range(4):
        a, b = t[4 * i] + t[4 * i + 1], t[4 * i] - t[4 * i + 1]
        e, f = t[4 * i + 2] + t[4 * i + 3], t[4 * i + 2] - t[4 * i + 3]
        t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3] = a + e, a - e, b - f, b + f
    for i in range(4):
        a, b, e, f = t[i] + t[4 + i], t[i] - t[4 + i], t[8 + i] + t[12 + i], t[8 + i] - t[12 + i]
        m[i], m[4 + i] = <int16_t>((a + e + 1) >> 1), <int16_t>((a - e + 1) >> 1)
        m[8 + i], m[12 + i] = <int16_t>((b - f + 1) >> 1), <int16_t>((b + f + 1) >> 1)
    if c.enc.quantize(level, m, q.scale_dc[list][qp], q.bias_dc[list][rule_of(c, 1)][qp], 16) and choose_levels(
        c, c.levels.dc[0], level, m, H264_TABLE_8_13_SCAN_4X4[0], 0, 16, 0, q.step_dc[list][qp], 1, total_of(c, 0, 0)
    ):
        c.levels.any[0] |= 1u << 16
        for i in range(16):
            t[H264_TABLE_8_13_SCAN_4X4[0][i]] = c.levels.dc[0][i]
        put_luma_dc(s, 0, t)
    else:
        memset(c.levels.dc[0], 0, 32)


cdef void code_luma_16x16(Coder *c) noexcept nogil:
    """Luma of an Intra_16x16 macroblock from Coder.pred; coded_block_pattern is all or nothing."""
    cdef SliceContext *s = &c.s
    cdef int16_t level[64]
    cdef int b8, k, n, at, qp = s.mb.qp, score = 0, list = list_of(0, 1)
    cdef const QuantizerTables *q = c.quant
    cdef int16_t *out
    s.mb.cbp &= ~15
    s.mb.coded[0] = 0
    c.levels.any[0] = 0
    for b8 in range(4):
        at = 8 * (b8 & 1) + 8 * SRC_STRIDE * (b8 >> 1)
        c.enc.forward4x4(c.d[0] + 64 * b8, c.src + at, SRC_STRIDE, c.pred + at, SRC_STRIDE)
    code_dc_16x16(c)
    for b8 in range(4):
        for k in range(4 * b8, 4 * b8 + 4):
            c.d[0][16 * k] = 0
        c.enc.quantize(level, c.d[0] + 64 * b8, q.scale4[list][qp], q.bias4[list][rule_of(c, 1)][qp], 64)
        for k in range(4):
            out = &c.levels.ac[0][64 * b8 + 16 * k]
            out[0] = 0
            n = choose_levels(c, out, level + 16 * k, c.d[0] + 64 * b8 + 16 * k, H264_TABLE_8_13_SCAN_4X4[0], 1, 16, 1,
                              q.step4[list][qp], 1, total_of(c, 0, 4 * b8 + k))
            if n:
                c.levels.any[0] |= 1u << (4 * b8 + k)
                score += worth(c, out, 1, 16, RUN_SCORE)
    if score < DROP_LUMA:
        memset(c.levels.ac[0], 0, 512)
        c.levels.any[0] &= ~0xFFFFu
        return
    s.mb.cbp |= 15
    for k in range(16):
        if c.levels.any[0] >> k & 1:
            scale_block(&s.mb.coef[16 * k], &c.levels.ac[0][16 * k], H264_TABLE_8_13_SCAN_4X4[0], scale_4x4(s, 0), 1,
                        16, 4)
            s.mb.coded[0] |= 0x10001ull << k


cdef int code_chroma_ac(Coder *c, int component, int intra) noexcept nogil:
    """ChromaACLevel; whether any is not 0. Coefficients are in Coder.d, their DC taken out."""
    cdef SliceContext *s = &c.s
    cdef int16_t level[64]
    cdef int16_t *out = c.levels.ac[component]
    cdef int k, score = 0, qp = s.mb.qp_c[component - 1], list = list_of(component, intra)
    cdef const QuantizerTables *q = c.quant
    c.levels.any[component] &= ~15u
    if not c.enc.quantize(level, c.d[component], q.scale4[list][qp], q.bias4[list][rule_of(c, intra)][qp], 64):
        memset(out, 0, 128)
        return 0
    for k in range(4):
        out[16 * k] = 0
        if choose_levels(c, out + 16 * k, level + 16 * k, c.d[component] + 16 * k, H264_TABLE_8_13_SCAN_4X4[0], 1, 16,
                         4, q.step4[list][qp], intra, total_of(c, component, k)):
            c.levels.any[component] |= 1u << k
            score += worth(c, out + 16 * k, 1, 16, RUN_SCORE)
    if score < DROP_CHROMA:
        memset(out, 0, 128)
        c.levels.any[component] &= ~15u
        return 0
    for k in range(4):
        if c.levels.any[component] >> k & 1:
            scale_block(&s.mb.coef[256 * component + 16 * k], out + 16 * k, H264_TABLE_8_13_SCAN_4X4[0],
                        scale_4x4(s, component), 1, 16, 4)
            s.mb.coded[component] |= 0x10001ull << k
    return 1


cdef void code_chroma_dc(Coder *c, int component, int intra) noexcept nogil:
    """ChromaDCLevel: the 2x2 Hadamard transform of the DC coefficients, which it takes out of Coder.d."""
    cdef SliceContext *s = &c.s
    cdef int16_t m[16]
    cdef int16_t level[16]
    cdef int32_t dc[4]
    cdef int16_t *d = c.d[component]
    cdef int i, qp = s.mb.qp_c[component - 1], list = list_of(component, intra)
    cdef const QuantizerTables *q = c.quant
    memset(m, 0, sizeof(m))
    m[0], m[1] = d[0] + d[16] + d[32] + d[48], d[0] - d[16] + d[32] - d[48]
    m[2], m[3] = d[0] + d[16] - d[32] - d[48], d[0] - d[16] - d[32] + d[48]
    d[0] = d[16] = d[32] = d[48] = 0
    c.levels.any[component] = 0
    s.mb.coded[component] = 0
    if not (
        c.enc.quantize(level, m, q.scale_dc[list][qp], q.bias_dc[list][rule_of(c, intra)][qp], 16)
        and choose_levels(c, c.levels.dc[component], level, m, DC_SCAN, 0, 4, KIND_DC_420, q.step_dc[list][qp], intra,
                          NULL)
    ):
        memset(c.levels.dc[component], 0, 8)
        return
    c.levels.any[component] = 1u << 16
    for i in range(4):
        dc[i] = c.levels.dc[component][i]
    put_chroma_dc(s, component, dc)


cdef void code_chroma(Coder *c) noexcept nogil:
    """Cb and Cr from Coder.pred, 4:2:0. Sets the chroma bits of coded_block_pattern."""
    cdef SliceContext *s = &c.s
    cdef int component, at, intra = s.mb.flags & MB_INTRA, ac = 0, dc = 0
    if c.lossless:
        keep_chroma(c)
        return
    for component in range(1, 3):
        at = CB if component == 1 else CR
        c.enc.forward4x4(c.d[component], c.src + at, SRC_STRIDE, c.pred + at, SRC_STRIDE)
        code_chroma_dc(c, component, intra)
        dc |= c.levels.any[component] >> 16
        ac |= code_chroma_ac(c, component, intra)
    s.mb.cbp = (s.mb.cbp & 15) | (32 if ac else 16 if dc else 0)


cdef bint vanishes(Coder *c) noexcept nogil:
    """Whether all levels of an inter macroblock with the prediction in Coder.pred are dropped; only this is known
    afterwards: no coefficient is left in Macroblock.coef."""
    cdef int b8, score, total = 0, component, at, qp, list
    cdef const QuantizerTables *q = c.quant
    cdef int16_t level[64]
    cdef int16_t m[16]
    cdef int16_t *d
    if c.lossless:
        return nothing_left(c)
    for b8 in range(4):
        if quantize_quarter(c, b8, &score):
            total += score
            if total >= DROP_SKIP:
                return False
    for component in range(1, 3 if c.s.seq.ChromaArrayType else 1):
        at = CB if component == 1 else CR
        d, qp, list = c.d[component], c.s.mb.qp_c[component - 1], list_of(component, 0)
        c.enc.forward4x4(d, c.src + at, SRC_STRIDE, c.pred + at, SRC_STRIDE)
        memset(m, 0, sizeof(m))
        m[0], m[1] = d[0] + d[16] + d[32] + d[48], d[0] - d[16] + d[32] - d[48]
        m[2], m[3] = d[0] + d[16] - d[32] - d[48], d[0] - d[16] - d[32] + d[48]
        if c.enc.quantize(level, m, q.scale_dc[list][qp], q.bias_dc[list][1][qp], 16):
            return False
        d[0] = d[16] = d[32] = d[48] = 0
        if c.enc.quantize(level, d, q.scale4[list][qp], q.bias4[list][1][qp], 64):
            return False
    return True
