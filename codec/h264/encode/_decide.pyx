"""The mode decision of one macroblock.

Modes are compared by SATD with lambda times estimated bits. With Tools.rd those near the best are coded in place, and
compared by squared differences with lambda2 times the bits that the writer counts.
"""
from libc.stdint cimport int8_t, int16_t, int64_t
from libc.stdlib cimport abs
from libc.string cimport memcpy, memset

from codec._core cimport BitCounter
from codec.h264.encode._coder cimport (
    CB, CR, MB_SAMPLES, SRC_STRIDE, Coder, Part, Trial, bits_cost, copy_block, detail_of, load_samples,
    save_samples,
)
from codec.h264.encode._inter cimport (
    apply_parts, begin_search, divide_parts, part_satd, search_parts, search_whole, settle_parts,
)
from codec.h264.encode._intra cimport (
    choose_16x16, choose_chroma, choose_nxn, code_16x16, code_intra_chroma, recode_nxn,
)
from codec.h264.encode._lossless cimport inter_difference
from codec.h264.encode._quantize cimport code_chroma, code_luma, vanishes
from codec.h264.entropy._mb_write cimport write_macroblock, write_skip_flag
from codec.h264.entropy._writer cimport BIT, put_ue
from codec.h264.macroblock._context cimport begin_macroblock, may_have_8x8_transform
from codec.h264.macroblock._direct cimport derive_direct, set_whole_direct
from codec.h264.macroblock._inter cimport predict_inter
from codec.h264.macroblock._motion cimport derive_p_skip
from codec.h264.macroblock._neighbours cimport fill_motion, fill_nnz, set_intra_availability
from codec.h264.macroblock._slice cimport (
    CACHE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SLICE_I, Macroblock, SliceContext,
)
from codec.h264.macroblock._transform cimport add_residual
from codec.h264.pictures._picture cimport MB_DIRECT, MB_INTRA, MB_INTRA16, MB_PCM, MB_SKIP, MB_TRANSFORM8

cdef enum:
    REFUSED = 1 << 28
    MOST_BITS = 3200        # of a macroblock (A.3.1): 128 more than its samples
    PCM_BITS = 16           # of an I_PCM macroblock beside its samples, and of starting CABAC again
    PCM_QP = 18             # from which no macroblock comes near
    HEAD = 3 * 256 * 4      # bytes of Macroblock.coef, which no trial leaves anything in

cdef int64_t UNKNOWN = <int64_t>1 << 62                 # the cost before a trial
cdef int[4] PARTS = [1, 2, 2, 4]
cdef int8_t AROUND[8][2]
AROUND = [[0, -1], [-1, 0], [1, 0], [0, 1], [-1, -1], [1, -1], [-1, 1], [1, 1]]


# ---------------------------------------------------------------- trials

cdef inline void keep(Coder *c, int64_t cost, int skip) noexcept nogil:
    """What is in place is the best so far."""
    cdef Trial *t = &c.best
    cdef SliceContext *s = &c.s
    t.cost, t.skip = cost, skip
    memcpy(<char *>&t.mb + HEAD, <char *>&s.mb + HEAD, sizeof(Macroblock) - HEAD)
    if not skip:
        t.levels = c.levels
    memcpy(t.ref, s.cache.ref, sizeof(t.ref))
    memcpy(t.mv, s.cache.mv, sizeof(t.mv))
    save_samples(c, t.samples)


cdef inline void restore(Coder *c) noexcept nogil:
    """Put the best in place."""
    cdef Trial *t = &c.best
    cdef SliceContext *s = &c.s
    memcpy(<char *>&s.mb + HEAD, <char *>&t.mb + HEAD, sizeof(Macroblock) - HEAD)
    if not t.skip:
        c.levels = t.levels
    memcpy(s.cache.ref, t.ref, sizeof(t.ref))
    memcpy(s.cache.mv, t.mv, sizeof(t.mv))
    load_samples(c, t.samples)


cdef inline int64_t distortion(Coder *c) noexcept nogil:
    """Squared differences of the macroblock in place, those of chroma with their weight."""
    cdef SliceContext *s = &c.s
    cdef int i
    cdef int64_t chroma, sum = c.enc.ssd[0](c.src, SRC_STRIDE, s.place.dst[0], s.place.stride[0], 16)
    for i in range(1, c.planes):
        sum += c.enc.ssd[0](c.src + 256 * i, SRC_STRIDE, s.place.dst[i], s.place.stride[i], 16)
    if s.seq.ChromaArrayType == 1:
        chroma = c.enc.ssd[1](c.src + CB, SRC_STRIDE, s.place.dst[1], s.place.stride[1], 8)
        chroma += c.enc.ssd[1](c.src + CR, SRC_STRIDE, s.place.dst[2], s.place.stride[2], 8)
        sum += chroma * c.chroma_weight >> 8
    return sum


cdef inline int64_t lost_detail(Coder *c) noexcept nogil:
    """By how much the detail of the 8x8 blocks of luma in place differs from that of the source, times lambda of SATD
    and Tools.psy_rd and 256: what the eye misses, or sees too much, where squared differences are equal."""
    cdef int i, sum = 0
    cdef Py_ssize_t stride = c.s.place.stride[0]
    for i in range(4):
        sum += abs(c.detail[i] - detail_of(c, c.s.place.dst[0] + 8 * (i >> 1) * stride + 8 * (i & 1), stride))
    return <int64_t>c.lambda256 * c.tools.psy_rd * sum >> 8


cdef int64_t bits_in_place(Coder *c, int skip) noexcept nogil:
    """What the macroblock in place would take, in 1/256 bit."""
    cdef SliceContext *s = &c.s
    cdef BitCounter counter
    if s.seq.entropy_coding_mode_flag:
        memcpy(c.trial.state, c.cabac.state, c.states)
        c.trial.cost = 0
        if s.slice.slice_type != SLICE_I:
            write_skip_flag(&c.trial, s, skip)
        if not skip:
            write_macroblock(&c.trial, s, &c.levels, c.last_qp_delta)
        return c.trial.cost
    counter.bits = 1
    if not skip:
        counter.bits = 0
        if s.slice.slice_type != SLICE_I:
            put_ue(&counter, c.skip_run)
        write_macroblock(&counter, s, &c.levels, c.last_qp_delta)
    return counter.bits * BIT


cdef inline void leave(Coder *c, int skip) noexcept nogil:
    """What is in place is the best, and nothing is tried any more."""
    c.best.skip, c.placed = skip, 1


cdef void judge(Coder *c, int skip) noexcept nogil:
    """Compare the macroblock in place with the best so far; without Tools.rd, SATD has chosen it already."""
    cdef int64_t cost
    if c.tools.rd == 0:
        keep(c, 0, skip)
        return
    cost = distortion(c) << 8
    if c.tools.psy_rd:
        cost += lost_detail(c)
    if cost < c.best.cost and not (c.lossless and cost):
        cost += c.lambda2 * bits_in_place(c, skip) >> 8
        if cost < c.best.cost:
            keep(c, cost, skip)


# ---------------------------------------------------------------- inter

cdef void code_residual(Coder *c, bint eight) noexcept nogil:
    """Code the residual of the inter macroblock whose prediction is in Coder.pred and in place."""
    cdef SliceContext *s = &c.s
    s.mb.flags &= ~MB_TRANSFORM8
    if eight:
        s.mb.flags |= MB_TRANSFORM8
    s.mb.cbp = 0
    code_luma(c, eight)
    if s.seq.ChromaArrayType == 1:
        code_chroma(c)
    if not s.mb.cbp & 15:
        s.mb.flags &= ~MB_TRANSFORM8
    add_residual(s)


cdef void judge_prediction(Coder *c) noexcept nogil:
    """Judge the prediction in place without a residual."""
    cdef SliceContext *s = &c.s
    cdef int i
    s.mb.flags &= ~MB_TRANSFORM8
    s.mb.cbp = 0
    for i in range(3):
        s.mb.coded[i] = 0
        c.levels.any[i] = 0
    judge(c, 0)


cdef void predict_parts(Coder *c, int mode) noexcept nogil:
    """The macroblock of the partitions of a mode, predicted in place and in Coder.pred."""
    apply_parts(c, mode)
    predict_inter(&c.s)
    c.s.mb.part = mode                                  # predict_inter merges equal partitions
    save_samples(c, c.pred)


cdef void try_inter(Coder *c, int mode) noexcept nogil:
    """Judge a mode with each transform."""
    predict_parts(c, mode)
    try_residual(c)


cdef inline bint varies_smoothly(Coder *c) noexcept nogil:
    """Whether the residual of luma, from the prediction in Coder.pred, is more compact under the larger transform."""
    return (c.enc.sa8d[0](c.src, SRC_STRIDE, c.pred, SRC_STRIDE, 16)
            <= c.enc.satd[0](c.src, SRC_STRIDE, c.pred, SRC_STRIDE, 16))


cdef void try_residual(Coder *c) noexcept nogil:
    """Judge the prediction in place and in Coder.pred with each transform. Without Tools.rd SATD has chosen it: code it
    with the one under which the residual is more compact, and leave it. With the best modes alone, the transform of the
    best so far is kept."""
    cdef bint larger = c.s.seq.transform_8x8_mode_flag and may_have_8x8_transform(&c.s)
    cdef bint kept = c.tools.rd == 1 and c.best.cost < UNKNOWN and not c.best.skip and c.best.mb.cbp & 15
    if c.tools.rd == 0:
        code_residual(c, larger and varies_smoothly(c))
        leave(c, 0)
        return
    larger = larger and c.tools.transform8
    judge_prediction(c)
    if not (kept and larger and c.best.mb.flags & MB_TRANSFORM8):
        code_residual(c, False)
        judge(c, 0)
        if kept:
            return
    if larger:
        load_samples(c, c.pred)
        code_residual(c, True)
        if kept or c.s.mb.flags & MB_TRANSFORM8:
            judge(c, 0)


cdef inline bint good_as_skipped(Coder *c) noexcept nogil:
    """Whether nothing else need be tried, of a skipped macroblock in place whose residual vanishes. Below the dead zone
    the error may still be that of a wrong vector, which later pictures would repeat."""
    cdef int64_t cost = distortion(c) << 8
    if c.tools.psy_rd:
        cost += lost_detail(c)
    return cost <= c.tools.early_skip * c.lambda2


cdef void try_whole(Coder *c, int limit) noexcept nogil:
    """Judge 16x16 if its SATD and bits are below a limit."""
    begin_search(c)
    search_whole(c)
    if c.tools.last_steps:
        settle_parts(c, PART_16X16)
    if c.part_cost[PART_16X16] < limit:
        try_inter(c, PART_16X16)


cdef bint try_direct(Coder *c) noexcept nogil:
    """B_Skip and B_Direct_16x16; whether the residual vanishes, so that nothing more need be tried."""
    cdef SliceContext *s = &c.s
    cdef bint vanished
    begin_macroblock(s)
    set_whole_direct(s)
    if derive_direct(s):                                # RefPicList0 lacks a picture that temporal prediction needs
        c.direct_cost = REFUSED
        return False
    memcpy(c.direct_ref, s.cache.ref, sizeof(c.direct_ref))
    memcpy(c.direct_mv, s.cache.mv, sizeof(c.direct_mv))
    predict_inter(s)
    s.mb.part = PART_8X8                                # as of direct macroblocks: predict_inter merges equal blocks
    save_samples(c, c.direct)
    memcpy(c.pred, c.direct, MB_SAMPLES)
    vanished = c.tools.early_skip and vanishes(c)
    if vanished and good_as_skipped(c):
        s.mb.flags |= MB_SKIP
        leave(c, 1)
        return True
    c.direct_cost = (c.enc.satd[0](c.src, SRC_STRIDE, s.place.dst[0], s.place.stride[0], 16)
                     + bits_cost(c, 1))
    if c.tools.rd or vanished:
        s.mb.flags |= MB_SKIP
        judge(c, 1)
        s.mb.flags &= ~MB_SKIP
    if vanished:
        try_whole(c, c.direct_cost)
    elif c.tools.rd:
        try_residual(c)
    return vanished


cdef void repeat_direct(Coder *c) noexcept nogil:
    """Code B_Direct_16x16 once more in place."""
    cdef SliceContext *s = &c.s
    begin_macroblock(s)
    set_whole_direct(s)
    derive_direct(s)
    predict_inter(s)
    s.mb.part = PART_8X8
    save_samples(c, c.pred)
    try_residual(c)


cdef bint try_p_skip(Coder *c) noexcept nogil:
    """P_Skip in place; whether its residual vanishes, so that nothing more need be tried."""
    cdef SliceContext *s = &c.s
    cdef bint vanished = False
    begin_macroblock(s)
    s.mb.part = PART_16X16
    derive_p_skip(s)
    c.skip_mv[0], c.skip_mv[1] = s.cache.mv[0][CACHE][0], s.cache.mv[0][CACHE][1]
    s.mb.flags |= MB_SKIP
    s.mb.pred_flag[0] = s.mb.pred_flag[1] = s.mb.pred_flag[2] = s.mb.pred_flag[3] = 1
    predict_inter(s)
    if c.tools.early_skip:
        save_samples(c, c.pred)
        vanished = vanishes(c)
        if vanished and good_as_skipped(c):
            leave(c, 1)
            return True
    if c.tools.rd or vanished:
        judge(c, 1)
    if vanished:
        try_whole(c, c.enc.satd[0](c.src, SRC_STRIDE, c.pred, SRC_STRIDE, 16) + bits_cost(c, 1))
    return vanished


cdef int search_modes(Coder *c, int divided) noexcept nogil:
    """Partitions of P or B, smaller than the macroblock if `divided`; the lowest cost."""
    cdef int best
    begin_search(c)
    search_whole(c)
    best = c.part_cost[PART_16X16]
    c.part_cost[PART_16X8] = c.part_cost[PART_8X16] = c.part_cost[PART_8X8] = REFUSED
    if divided:
        search_parts(c, PART_8X8)
        if c.tools.partitions & 16 and c.s.slice.slice_type != SLICE_B and c.part_cost[PART_8X8] < best + best // 16:
            divide_parts(c)
        if c.part_cost[PART_8X8] < best + best // 16:
            search_parts(c, PART_16X8)
            search_parts(c, PART_8X16)
        best = min(min(best, c.part_cost[PART_8X8]), min(c.part_cost[PART_16X8], c.part_cost[PART_8X16]))
    return best


cdef bint refine_vector(Coder *c, int mode, int i, int list, bint eight) noexcept nogil:
    """Judge the vectors around that of a partition whose SATD is not much worse; whether one of them is better."""
    cdef Part *part = &c.parts[mode][i]
    cdef int x = part.m[list].mv[0], y = part.m[list].mv[1], k, satd = part_satd(c, mode, i), limit = satd + (satd >> 4)
    cdef int bx = x, by = y
    cdef int64_t before = c.best.cost, least = before
    for k in range(8):
        part.m[list].mv[0], part.m[list].mv[1] = <int16_t>(x + AROUND[k][0]), <int16_t>(y + AROUND[k][1])
        if part_satd(c, mode, i) > limit:
            continue
        predict_parts(c, mode)
        judge_prediction(c)
        code_residual(c, eight)
        judge(c, 0)
        if c.best.cost < least:
            least, bx, by = c.best.cost, part.m[list].mv[0], part.m[list].mv[1]
    part.m[list].mv[0], part.m[list].mv[1] = <int16_t>bx, <int16_t>by
    return least < before


cdef void refine_vectors(Coder *c) noexcept nogil:
    """Vectors of the best mode by distortion and bits, a quarter sample at a time."""
    cdef int mode = c.best.mb.part, i, list, rounds
    cdef bint eight = c.best.mb.flags & MB_TRANSFORM8 != 0
    if c.best.skip or c.best.mb.flags & (MB_INTRA | MB_DIRECT):
        return
    for i in range(PARTS[mode]):
        for list in range(2):
            rounds = c.tools.refine if c.parts[mode][i].pred >> list & 1 and not c.parts[mode][i].sub else 0
            while rounds and refine_vector(c, mode, i, list, eight):
                rounds -= 1


# ---------------------------------------------------------------- intra

cdef int try_nxn(Coder *c, bint eight, int limit, int chroma_mode) noexcept nogil:
    """Judge Intra_4x4 or Intra_8x8, unless it costs more than the limit; its cost."""
    cdef int cost
    begin_macroblock(&c.s)
    c.s.mb.intra_chroma_pred_mode = chroma_mode
    cost = choose_nxn(c, eight, limit)
    if cost <= limit:
        code_intra_chroma(c)
        judge(c, 0)
    return cost


cdef void try_intra(Coder *c, int inter) noexcept nogil:
    """Judge the intra modes that are not much worse than inter prediction (its cost by SATD); without Tools.rd, those
    that are better than what is there."""
    cdef SliceContext *s = &c.s
    cdef int cost, chroma_mode = 0, limit, slack = 4 if c.tools.rd else 0
    begin_macroblock(s)
    set_intra_availability(s)
    s.mb.flags = MB_INTRA
    cost = choose_16x16(c) + bits_cost(c, 2 if slack else 6)
    limit = inter + (inter // slack if slack else 0) if inter < REFUSED else REFUSED
    if cost > limit and not c.tools.partitions & 12:
        return
    if s.seq.ChromaArrayType == 1:
        choose_chroma(c)
        chroma_mode = s.mb.intra_chroma_pred_mode
    if cost <= limit:
        code_16x16(c)
        code_intra_chroma(c)
        judge(c, 0)
    limit = min(limit, cost + cost // slack if slack else cost)
    if c.tools.partitions & 4:
        cost = try_nxn(c, False, limit, chroma_mode)
        if not slack:
            limit = min(limit, cost)
    if c.tools.partitions & 8 and s.seq.transform_8x8_mode_flag:
        try_nxn(c, True, limit, chroma_mode)


# ---------------------------------------------------------------- the macroblock

cdef void choose_by_satd(Coder *c, int best) noexcept nogil:
    """Without Tools.rd: code the mode of least SATD and bits; best: the cost of the best partitions."""
    cdef SliceContext *s = &c.s
    cdef int mode, intra
    begin_macroblock(s)
    set_intra_availability(s)
    s.mb.flags = MB_INTRA
    intra = choose_16x16(c) + bits_cost(c, 6)
    for mode in range(4):
        if c.part_cost[mode] == best:
            break
    if c.tools.last_steps and not (s.slice.slice_type == SLICE_B and c.direct_cost <= best - best // 8):
        settle_parts(c, mode)
        best = c.part_cost[mode]
    if s.slice.slice_type == SLICE_B and c.direct_cost <= best:
        repeat_direct(c)
        best = c.direct_cost
    else:
        try_inter(c, mode)
    if c.lossless:                                      # as the intra modes are judged
        best = inter_difference(c)
    if intra < best + best // 8:
        keep(c, 0, 0)
        c.placed = 0
        try_intra(c, best)


cdef void decide_inter(Coder *c) noexcept nogil:
    cdef int best, mode, limit
    cdef bint b_slice = c.s.slice.slice_type == SLICE_B
    fill_motion(&c.s)
    if try_direct(c) if b_slice else try_p_skip(c):
        return
    best = search_modes(c, c.tools.partitions & (2 if b_slice else 1))
    if c.tools.rd == 0:
        choose_by_satd(c, best)
        return
    limit = best + (best // 4 if c.tools.rd == 1 else best // 2)
    for mode in range(4):
        if c.part_cost[mode] <= limit:
            try_inter(c, mode)
    try_intra(c, REFUSED if c.lossless else best)
    if c.tools.refine:
        refine_vectors(c)


cdef void recode(Coder *c) noexcept nogil:
    """Code the macroblock in place once more, with its modes: the levels of the final choice by trellis. What is left
    without levels may have become a skipped macroblock."""
    cdef SliceContext *s = &c.s
    cdef int part = s.mb.part
    cdef bint eight = s.mb.flags & MB_TRANSFORM8 != 0
    if s.mb.flags & MB_INTRA:
        if s.mb.flags & MB_INTRA16:
            code_16x16(c)
        else:
            recode_nxn(c, eight)
        code_intra_chroma(c)
        return
    if s.mb.cbp == 0:
        return
    predict_inter(s)
    s.mb.part = part
    save_samples(c, c.pred)
    code_residual(c, eight)
    skip_if_empty(c)


cdef void skip_if_empty(Coder *c) noexcept nogil:
    """Make the macroblock in place a skipped one if it has no residual and the motion of those."""
    cdef SliceContext *s = &c.s
    if s.mb.cbp:
        return
    if s.slice.slice_type == SLICE_B:
        c.best.skip = s.mb.flags & MB_DIRECT != 0
    else:
        c.best.skip = (s.mb.part == PART_16X16 and s.cache.ref[0][CACHE] == 0
                       and s.cache.mv[0][CACHE][0] == c.skip_mv[0] and s.cache.mv[0][CACHE][1] == c.skip_mv[1])
    if c.best.skip:
        s.mb.flags |= MB_SKIP


cdef inline void drop_luma(Coder *c, int b8) noexcept nogil:
    """Replace an 8x8 block in place by its prediction in Coder.pred."""
    cdef SliceContext *s = &c.s
    cdef int x = 8 * (b8 & 1), y = 8 * (b8 >> 1)
    copy_block(s.place.dst[0] + y * s.place.stride[0] + x, s.place.stride[0], c.pred + SRC_STRIDE * y + x, SRC_STRIDE,
               8, 8)
    memset(&c.levels.ac[0][64 * b8], 0, 64 * sizeof(c.levels.ac[0][0]))
    c.levels.any[0] &= ~(15u << (4 * b8))
    s.mb.coded[0] &= ~(0xF000Full << (4 * b8))
    s.mb.cbp &= ~(1 << b8)
    if not s.mb.cbp & 15:
        s.mb.flags &= ~MB_TRANSFORM8


cdef inline void drop_chroma(Coder *c) noexcept nogil:
    """The same of both chroma components."""
    cdef SliceContext *s = &c.s
    copy_block(s.place.dst[1], s.place.stride[1], c.pred + CB, SRC_STRIDE, 8, 8)
    copy_block(s.place.dst[2], s.place.stride[2], c.pred + CR, SRC_STRIDE, 8, 8)
    s.mb.coded[1] = s.mb.coded[2] = 0
    c.levels.any[1] = c.levels.any[2] = 0
    s.mb.cbp &= 15


cdef void drop_blocks(Coder *c) noexcept nogil:
    """Without the residual of each 8x8 block of luma, and of chroma, the best inter macroblock may cost less."""
    cdef SliceContext *s = &c.s
    cdef int part = s.mb.part, b8, coded = s.mb.cbp
    cdef int64_t before
    predict_inter(s)
    s.mb.part = part
    save_samples(c, c.pred)
    restore(c)
    for b8 in range(5):
        if not coded >> b8 & (1 if b8 < 4 else 3):
            continue
        before = c.best.cost
        if b8 < 4:
            drop_luma(c, b8)
        else:
            drop_chroma(c)
        judge(c, 0)
        if c.best.cost == before:
            restore(c)
    skip_if_empty(c)


cdef void use_samples(Coder *c) noexcept nogil:
    """I_PCM"""
    cdef SliceContext *s = &c.s
    begin_macroblock(s)
    s.mb.flags |= MB_INTRA | MB_PCM
    load_samples(c, c.src)


cdef void decide(Coder *c) noexcept nogil:
    """Choose and reconstruct the macroblock at Coder.s.place."""
    cdef SliceContext *s = &c.s
    cdef int most = MOST_BITS
    if c.lossless:
        most = 8 * (256 + 2 * s.seq.chroma_width * s.seq.chroma_height) + PCM_BITS
    if (c.tools.trellis or c.tools.refine) and not s.seq.entropy_coding_mode_flag:
        s.mb.cbp = 32                                   # of all components
        fill_nnz(s)
    c.best.cost, c.placed = UNKNOWN, 0
    if s.slice.slice_type == SLICE_I:
        try_intra(c, REFUSED)
    else:
        decide_inter(c)
    if not c.placed:
        restore(c)
    if c.tools.trellis == 1 and not c.best.skip:
        c.use_trellis = 1
        recode(c)
        c.use_trellis = 0
        if c.tools.rd:
            c.best.cost = UNKNOWN
            judge(c, c.best.skip)
    if c.tools.rd and not c.lossless and not c.best.skip and not s.mb.flags & MB_INTRA and s.mb.cbp:
        drop_blocks(c)
    if s.mb.qp < PCM_QP and not c.best.skip and bits_in_place(c, 0) > most * BIT:
        use_samples(c)
