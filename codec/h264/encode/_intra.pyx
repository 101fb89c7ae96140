"""Intra prediction modes by SATD and the bits of the mode, and the reconstruction of intra macroblocks.

Modes are tried in the picture, with the decoder's kernels. Blocks of Intra_4x4 and Intra_8x8 are predicted from those
before, so each is coded before the next is tried.
"""
from libc.stdint cimport int8_t, int64_t, uint8_t
from libc.string cimport memcpy

from codec._core cimport BitCounter
from codec.h264.encode._coder cimport CB, CR, SRC_STRIDE, Coder, bits_cost, copy_block
from codec.h264.encode._lossless cimport chroma_difference, intra_difference, keep_16x16, keep_block
from codec.h264.encode._quantize cimport code_4x4, code_8x8, code_chroma, code_luma_16x16
from codec.h264.entropy._block_write cimport write_cabac_block, write_cavlc_block
from codec.h264.entropy._mb_write cimport write_8x8, write_intra_mode
from codec.h264.entropy._writer cimport BIT
from codec.h264.macroblock._intra cimport MODE_NEEDS, available_to
from codec.h264.macroblock._kernels cimport H264_LEFT, H264_TOP, H264_TOPLEFT
from codec.h264.macroblock._neighbours cimport fill_modes, nC_of, set_nnz_8x8
from codec.h264.macroblock._slice cimport CACHE, SliceContext
from codec.h264.macroblock._transform cimport add_chroma, add_luma, add_luma_block
from codec.h264.pictures._picture cimport MB_INTRA, MB_INTRA16, MB_INTRA_NXN, MB_TRANSFORM8
from codec.h264.tables.values cimport H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y

cdef enum:
    REFUSED = 1 << 28

# neighbours that the modes of Table 8-4 and, by another order, of Table 7-16 need; where a slice begins in a row, the
# corner may be missing beside the others
cdef uint8_t[4] NEEDS_16X16 = [H264_TOP, H264_LEFT, 0, H264_TOP | H264_LEFT | H264_TOPLEFT]
cdef uint8_t[4] NEEDS_CHROMA = [0, H264_LEFT, H264_TOP, H264_TOP | H264_LEFT | H264_TOPLEFT]
cdef uint8_t[9] CORNER = [0, 0, 0, 0, H264_TOPLEFT, H264_TOPLEFT, H264_TOPLEFT, 0, 0]     # beside MODE_NEEDS
cdef uint8_t[4] UE_BITS = [1, 3, 3, 5]


cdef int choose_chroma(Coder *c) noexcept nogil:
    """Set intra_chroma_pred_mode; its cost."""
    cdef SliceContext *s = &c.s
    cdef int mode, cost, best = REFUSED, avail = s.around.intra_avail
    for mode in range(4):
        if NEEDS_CHROMA[mode] & ~avail:
            continue
        s.seq.dsp.intra_chroma[mode](s.place.dst[1], s.place.stride[1], avail, 255)
        s.seq.dsp.intra_chroma[mode](s.place.dst[2], s.place.stride[2], avail, 255)
        cost = bits_cost(c, UE_BITS[mode])
        if c.lossless:
            cost += chroma_difference(c, mode)
        else:
            cost += (c.enc.satd[1](c.src + CB, SRC_STRIDE, s.place.dst[1], s.place.stride[1], 8)
                     + c.enc.satd[1](c.src + CR, SRC_STRIDE, s.place.dst[2], s.place.stride[2], 8))
        if cost < best:
            best = cost
            s.mb.intra_chroma_pred_mode = mode
    return best


cdef int choose_16x16(Coder *c) noexcept nogil:
    """Set intra16_mode; its cost."""
    cdef SliceContext *s = &c.s
    cdef int i, mode, cost, best = REFUSED, avail = s.around.intra_avail
    for mode in range(4):
        if NEEDS_16X16[mode] & ~avail:
            continue
        for i in range(c.planes):
            s.seq.dsp.intra16x16[mode](s.place.dst[i], s.place.stride[i], avail, 255)
        cost = bits_cost(c, UE_BITS[mode])
        if c.lossless:
            cost += intra_difference(c, c.src, s.place.dst[0], 16, mode)
        else:
            cost += c.enc.satd[0](c.src, SRC_STRIDE, s.place.dst[0], s.place.stride[0], 16)
        if cost < best:
            best = cost
            s.mb.intra16_mode = mode
    return best


cdef inline int predicted_mode(SliceContext *s, int entry) noexcept nogil:
    """predIntra4x4PredMode (8.3.1.1)"""
    cdef int a = s.cache.mode[entry - 1], b = s.cache.mode[entry - 8]
    return 2 if a < 0 or b < 0 else min(a, b)


cdef inline void predict_block(SliceContext *s, Py_ssize_t at, int mode, int avail, bint eight,
                               int planes) noexcept nogil:
    """A block in all components that are coded like luma."""
    cdef int i
    for i in range(planes):
        if eight:
            s.seq.dsp.intra8x8[mode](s.place.dst[i] + at, s.place.stride[i], avail, 255)
        else:
            s.seq.dsp.intra4x4[mode](s.place.dst[i] + at, s.place.stride[i], avail, 255)


cdef int choose_block(Coder *c, uint8_t *dst, const uint8_t *src, int avail, int predicted, bint eight,
                      int *best_mode) noexcept nogil:
    """The best mode of one block; the picture keeps some prediction. Costs of all modes are in Coder.mode_cost."""
    cdef SliceContext *s = &c.s
    cdef Py_ssize_t stride = s.place.stride[0]
    cdef int mode, cost, best = REFUSED
    for mode in range(9):
        c.mode_cost[mode] = REFUSED
        if (MODE_NEEDS[mode] | CORNER[mode]) & ~avail:
            continue
        cost = bits_cost(c, 1 if mode == predicted else 4)
        if c.lossless:
            predict_block(s, dst - s.place.dst[0], mode, avail, eight, c.planes)
            cost += intra_difference(c, src, dst, 8 if eight else 4, mode)
        elif eight:
            s.seq.dsp.intra8x8[mode](dst, stride, avail, 255)
            cost += c.enc.sa8d[1](src, SRC_STRIDE, dst, stride, 8)
        else:
            s.seq.dsp.intra4x4[mode](dst, stride, avail, 255)
            cost += c.enc.satd[2](src, SRC_STRIDE, dst, stride, 4)
        c.mode_cost[mode] = cost
        if cost < best:
            best, best_mode[0] = cost, mode
    return best


cdef inline void begin_nxn(Coder *c, bint eight) noexcept nogil:
    cdef SliceContext *s = &c.s
    s.mb.flags = MB_INTRA | MB_INTRA_NXN | (MB_TRANSFORM8 if eight else 0)
    cdef int i
    s.mb.cbp = 0
    for i in range(c.planes):
        s.mb.coded[i] = 0
        c.levels.any[i] = 0


cdef inline void set_luma_cbp(Coder *c) noexcept nogil:
    cdef int b8, i
    for i in range(c.planes):
        for b8 in range(4):
            if c.levels.any[i] >> (4 * b8) & 15:
                c.s.mb.cbp |= 1 << b8


cdef void code_block(Coder *c, int k, int x, int y, int mode, int avail, bint eight) noexcept nogil:
    """Predict and reconstruct block k at the sample (x, y)."""
    cdef SliceContext *s = &c.s
    cdef Py_ssize_t stride = s.place.stride[0]
    cdef uint8_t *dst = s.place.dst[0] + y * stride + x
    cdef int n
    if c.lossless:
        predict_block(s, y * stride + x, mode, avail, eight, c.planes)
        keep_block(c, k, x, y, mode, eight)
        return
    if eight:
        s.seq.dsp.intra8x8[mode](dst, stride, avail, 255)
        copy_block(c.pred + SRC_STRIDE * y + x, SRC_STRIDE, dst, stride, 8, 8)
        n = code_8x8(c, k >> 2, 1)
    else:
        s.seq.dsp.intra4x4[mode](dst, stride, avail, 255)
        n = code_4x4(c, k, dst, 1)
    if n:
        add_luma_block(s, dst, stride, 0, k, 0, 255)


cdef void recode_nxn(Coder *c, bint eight) noexcept nogil:
    """Code luma of Intra_4x4 or Intra_8x8 with the modes of Macroblock.intra_mode."""
    cdef SliceContext *s = &c.s
    cdef int k = 0, x, y
    begin_nxn(c, eight)
    while k < 16:
        x, y = H264_CLAUSE_6_4_3_BLOCK_X[k], H264_CLAUSE_6_4_3_BLOCK_Y[k]
        code_block(c, k, x, y, s.mb.intra_mode[y + (x >> 2)], available_to(s, k, x >> 2, y >> 2, eight), eight)
        k += 4 if eight else 1
    set_luma_cbp(c)


cdef int64_t judge_block(Coder *c, int k, int x, int y, int mode, int predicted, int avail, bint eight) noexcept nogil:
    """Reconstruct the block with a mode: its squared differences times 256, and lambda2 times its bits. With CABAC
    those of coded_block_flag are of a block with one neighbour that has levels."""
    cdef SliceContext *s = &c.s
    cdef const uint8_t *dst = s.place.dst[0] + y * s.place.stride[0] + x
    cdef const uint8_t *src = c.src + SRC_STRIDE * y + x
    cdef uint8_t *total = &s.cache.nnz[0][CACHE + (x >> 2) + 2 * y]
    cdef BitCounter counter
    code_block(c, k, x, y, mode, avail, eight)
    c.trial.cost = 0
    if s.seq.entropy_coding_mode_flag:
        memcpy(c.trial.state, c.cabac.state, c.states)
        write_intra_mode(&c.trial, mode, predicted)
        if not eight or c.levels.any[0] >> k & 1:
            write_cabac_block(&c.trial, &c.levels.ac[0][16 * k], 5 if eight else 2, 1, not eight)
    else:
        counter.bits = 0
        write_intra_mode(&counter, mode, predicted)
        if not eight:
            total[0] = <uint8_t>write_cavlc_block(&counter, &c.levels.ac[0][16 * k], 2, nC_of(total))
        elif c.levels.any[0] >> k & 1:
            write_8x8(&counter, s, &c.levels.ac[0][16 * k], 0, total)
        else:
            set_nnz_8x8(total, 0)
        c.trial.cost = counter.bits * BIT
    return (<int64_t>c.enc.ssd[1 if eight else 2](src, SRC_STRIDE, dst, s.place.stride[0], 8 if eight else 4) << 8) + (
        c.lambda2 * c.trial.cost >> 8)


cdef int refine_mode(Coder *c, int k, int x, int y, int best, int predicted, int avail, bint eight) noexcept nogil:
    """The mode of least distortion and bits among those whose SATD is not much above that of the best."""
    cdef int mode, limit = c.mode_cost[best] + (c.mode_cost[best] >> 2), chosen = best
    cdef int64_t cost, least = -1
    for mode in range(9):
        if c.mode_cost[mode] > limit:
            continue
        cost = judge_block(c, k, x, y, mode, predicted, avail, eight)
        if least < 0 or cost < least:
            least, chosen = cost, mode
    return chosen


cdef int choose_nxn(Coder *c, bint eight, int limit) noexcept nogil:
    """Choose the modes of Intra_4x4 or Intra_8x8, and code luma with them; the cost, or more than the limit as soon as
    it is exceeded. Sets flags and the luma bits of coded_block_pattern."""
    cdef SliceContext *s = &c.s
    cdef Py_ssize_t stride = s.place.stride[0]
    cdef int k, x, y, mode = 2, avail, entry, i, cost = 0, step = 4 if eight else 1
    cdef uint8_t *dst
    begin_nxn(c, eight)
    fill_modes(s)
    k = 0
    while k < 16:
        x, y = H264_CLAUSE_6_4_3_BLOCK_X[k], H264_CLAUSE_6_4_3_BLOCK_Y[k]
        entry = CACHE + (x >> 2) + 8 * (y >> 2)
        dst = s.place.dst[0] + y * stride + x
        avail = available_to(s, k, x >> 2, y >> 2, eight)
        cost += choose_block(c, dst, c.src + SRC_STRIDE * y + x, avail, predicted_mode(s, entry), eight, &mode)
        if cost > limit:
            return cost
        if c.tools.refine:
            mode = refine_mode(c, k, x, y, mode, predicted_mode(s, entry), avail, eight)
        for i in range(step):
            s.mb.intra_mode[y + (x >> 2) + (i & 1) + 4 * (i >> 1)] = <int8_t>mode
            s.cache.mode[entry + (i & 1) + 8 * (i >> 1)] = <int8_t>mode
        code_block(c, k, x, y, mode, avail, eight)
        k += step
    set_luma_cbp(c)
    return cost


cdef void code_16x16(Coder *c) noexcept nogil:
    """Reconstruct luma of Intra_16x16 with intra16_mode."""
    cdef SliceContext *s = &c.s
    s.mb.flags = MB_INTRA | MB_INTRA16
    cdef int i
    for i in range(c.planes):
        s.seq.dsp.intra16x16[s.mb.intra16_mode](s.place.dst[i], s.place.stride[i], s.around.intra_avail, 255)
    if c.lossless:
        keep_16x16(c)
        return
    copy_block(c.pred, SRC_STRIDE, s.place.dst[0], s.place.stride[0], 16, 16)
    code_luma_16x16(c)
    add_luma(s, 0)


cdef void code_intra_chroma(Coder *c) noexcept nogil:
    """Reconstruct chroma with intra_chroma_pred_mode."""
    cdef SliceContext *s = &c.s
    cdef int i, mode = s.mb.intra_chroma_pred_mode
    if s.seq.ChromaArrayType != 1:
        return
    for i in range(1, 3):
        s.seq.dsp.intra_chroma[mode](s.place.dst[i], s.place.stride[i], s.around.intra_avail, 255)
        copy_block(c.pred + (CB if i == 1 else CR), SRC_STRIDE, s.place.dst[i], s.place.stride[i], 8, 8)
    code_chroma(c)
    add_chroma(s)
