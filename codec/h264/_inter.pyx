"""Samples of inter prediction (8.4.2): which blocks from where, padding at the borders of reference pictures, weights."""
from libc.string cimport memcpy

from codec.h264._slice cimport *


cdef inline void wait_for_block(SliceContext *s, const Reference *ref, const int16_t *mv, int y, int h) noexcept nogil:
    """Until the reference is decoded as far down as the block at line y of the macroblock reaches: 3 lines more for the six taps (8.4.2.2.1),
    which is not less than what chroma asks for."""
    cdef int lines = s.luma_y + y + (mv[1] >> 2) + h + 3
    if ref.picture != s.pic:            # of this picture the first field, which is decoded
        wait_for_lines(ref.picture, min(max(lines, 1), s.pic.height[0] >> (ref.parity != 0)) << (ref.parity != 0))


cdef void pad_block(uint8_t *out, const uint8_t *plane, Py_ssize_t stride, int x, int y, int w, int h, int width, int height, int shift) noexcept nogil:
    """w x h samples at (x, y), coordinates clamped into the plane (8-239, 8-240); `shift`: log2 of bytes per sample."""
    cdef int left = min(max(-x, 0), w), right, row, i
    cdef const uint8_t *line
    cdef int middle
    right = min(max(x + w - width, 0), w)
    middle = w - left - right
    for row in range(h):
        line = plane + min(max(y + row, 0), height - 1) * stride
        if middle > 0:
            memcpy(out + (left << shift), line + ((x + left) << shift), middle << shift)
        if shift:
            for i in range(left):
                (<uint16_t *>out)[i] = (<const uint16_t *>line)[0]
            for i in range(w - right, w):
                (<uint16_t *>out)[i] = (<const uint16_t *>line)[width - 1]
        else:
            for i in range(left):
                out[i] = line[0]
            for i in range(w - right, w):
                out[i] = line[width - 1]
        out += EDGE_STRIDE


cdef inline void luma_block(SliceContext *s, const Reference *ref, int c, uint8_t *dst, Py_ssize_t stride, const int16_t *mv, int x, int y, int w,
                            int h, bint average) noexcept nogil:
    """8.4.2.2.1 for the block at (x, y) of the macroblock, of component c."""
    cdef int fraction = (mv[0] & 3) | (mv[1] & 3) << 2
    cdef int px = 16 * s.mb_x + x + (mv[0] >> 2), py = s.luma_y + y + (mv[1] >> 2)
    cdef int left = 2 if mv[0] & 3 else 0, above = 2 if mv[1] & 3 else 0
    cdef int width = s.pic.width[0], height = s.pic.height[0] >> (ref.parity != 0)
    cdef Py_ssize_t src_stride = s.pic.stride[c] << (ref.parity != 0)
    cdef const uint8_t *src
    cdef int rows, columns
    columns, rows = w + (5 if left else 0), h + (5 if above else 0)
    if px < left or py < above or px - left + columns > width or py - above + rows > height:
        pad_block(s.edge, ref.plane[c], src_stride, px - left, py - above, columns, rows, width, height, s.pixel_shift)
        src = s.edge + above * EDGE_STRIDE + (left << s.pixel_shift)
        src_stride = EDGE_STRIDE
    else:
        src = ref.plane[c] + py * src_stride + (px << s.pixel_shift)
    if average:
        s.dsp.avg_luma[fraction](dst, stride, src, src_stride, w, h, s.max_sample[c > 0])
    else:
        s.dsp.put_luma[fraction](dst, stride, src, src_stride, w, h, s.max_sample[c > 0])


cdef inline void chroma_block(SliceContext *s, const Reference *ref, int c, uint8_t *dst, Py_ssize_t stride, const int16_t *mv, int x, int y, int w,
                              int h, bint average) noexcept nogil:
    """8.4.2.2.2 for 4:2:0 and 4:2:2; x, y, w, h in chroma samples."""
    cdef int mvy = mv[1], xFrac = mv[0] & 7, yFrac, px, py
    cdef int tall = s.ChromaArrayType == 2
    cdef int width = s.pic.width[1], height = s.pic.height[1] >> (ref.parity != 0), columns, rows
    cdef Py_ssize_t src_stride = s.pic.stride[c] << (ref.parity != 0)
    cdef const uint8_t *src
    px = 8 * s.mb_x + x + (mv[0] >> 3)
    if tall:
        yFrac = (mvy & 3) << 1
        py = s.luma_y + y + (mvy >> 2)
    else:
        if ref.parity:                                  # Table 8-9: fields of different parity lie a quarter of a chroma sample apart
            mvy += 2 * ((s.mb_row & 1) - (ref.parity - 1))
        yFrac = mvy & 7
        py = (s.luma_y >> 1) + y + (mvy >> 3)
    columns, rows = w + (xFrac != 0), h + (yFrac != 0)
    if px < 0 or py < 0 or px + columns > width or py + rows > height:
        pad_block(s.edge, ref.plane[c], src_stride, px, py, w + 1, h + 1, width, height, s.pixel_shift)
        src = s.edge
        src_stride = EDGE_STRIDE
    else:
        src = ref.plane[c] + py * src_stride + (px << s.pixel_shift)
    if average:
        s.dsp.avg_chroma(dst, stride, src, src_stride, w, h, xFrac, yFrac)
    else:
        s.dsp.put_chroma(dst, stride, src, src_stride, w, h, xFrac, yFrac)


cdef inline void component_block(SliceContext *s, const Reference *ref, int c, uint8_t *dst, Py_ssize_t stride, const int16_t *mv, int x, int y, int w,
                                 int h, bint average) noexcept nogil:
    if c == 0:
        luma_block(s, ref, s.colour_plane, dst, stride, mv, x, y, w, h, average)
    elif s.ChromaArrayType == 3:
        luma_block(s, ref, c, dst, stride, mv, x, y, w, h, average)
    elif s.ChromaArrayType == 2:
        chroma_block(s, ref, c, dst, stride, mv, x >> 1, y, w >> 1, h, average)
    else:
        chroma_block(s, ref, c, dst, stride, mv, x >> 1, y >> 1, w >> 1, h >> 1, average)


cdef void weigh_one(SliceContext *s, int c, uint8_t *dst, int w, int h, const Weight *weight) noexcept nogil:
    """(8-274), (8-275)"""
    cdef int logWD = s.chroma_log2_weight_denom if c else s.luma_log2_weight_denom
    s.dsp.weight(dst, s.stride[c], w, h, logWD, weight.weight[c], weight.offset[c], s.max_sample[c > 0])


cdef inline uint8_t *sample(SliceContext *s, int c, int x, int y) noexcept nogil:
    """(x, y) of luma in component c of the macroblock."""
    if c and s.ChromaArrayType != 3:
        x >>= 1
        y = y >> 1 if s.ChromaArrayType == 1 else y
    return s.dst[c] + y * s.stride[c] + (x << s.pixel_shift)


cdef void predict_two(SliceContext *s, int x, int y, int w, int h, int entry) noexcept nogil:
    """Bi-prediction."""
    cdef int ref0 = s.ref_cache[0][entry], ref1 = s.ref_cache[1][entry], c, cw, ch, w1
    cdef const Reference *r0 = &s.refs[s.kind][0][ref0]
    cdef const Reference *r1 = &s.refs[s.kind][1][ref1]
    cdef const Weight *weight0 = &s.weights[0][ref0 >> (s.kind > 0)]
    cdef const Weight *weight1 = &s.weights[1][ref1 >> (s.kind > 0)]
    cdef uint8_t *dst
    cdef uint8_t *other
    cdef bint plain = s.weight_mode == 0
    if r0.picture == NULL or r1.picture == NULL:        # direct prediction may lead to a picture that is missing
        note(s, FAULT_REFERENCE)
        return
    wait_for_block(s, r0, s.mv_cache[0][entry], y, h)
    wait_for_block(s, r1, s.mv_cache[1][entry], y, h)
    w1 = 32
    if s.weight_mode == 2:
        w1 = s.implicit_w1[s.kind][ref0][ref1]
        plain = w1 == 32
    elif s.weight_mode == 1:
        plain = not (weight0.flag or weight1.flag)
    for c in range(3 if s.ChromaArrayType else 1):
        dst = sample(s, c, x, y)
        component_block(s, r0, c, dst, s.stride[c], s.mv_cache[0][entry], x, y, w, h, 0)
        if plain:
            component_block(s, r1, c, dst, s.stride[c], s.mv_cache[1][entry], x, y, w, h, 1)
            continue
        other = s.second
        component_block(s, r1, c, other, SECOND_STRIDE, s.mv_cache[1][entry], x, y, w, h, 0)
        cw = w >> 1 if c and s.ChromaArrayType != 3 else w
        ch = h >> 1 if c and s.ChromaArrayType == 1 else h
        if s.weight_mode == 2:
            s.dsp.biweight(dst, s.stride[c], other, SECOND_STRIDE, cw, ch, 5, 64 - w1, w1, 0, s.max_sample[c > 0])
        else:
            s.dsp.biweight(dst, s.stride[c], other, SECOND_STRIDE, cw, ch, s.chroma_log2_weight_denom if c else s.luma_log2_weight_denom,
                           weight0.weight[c], weight1.weight[c], (weight0.offset[c] + weight1.offset[c] + 1) >> 1, s.max_sample[c > 0])


cdef void predict_block(SliceContext *s, int x, int y, int w, int h) noexcept nogil:
    """The block at (x, y), in samples, which has one vector and reference index of each list."""
    cdef int entry = CACHE + (x >> 2) + 8 * (y >> 2), list, c, ref
    cdef const Reference *r
    cdef const Weight *weight
    cdef uint8_t *dst
    if s.ref_cache[0][entry] >= 0 and s.ref_cache[1][entry] >= 0:
        predict_two(s, x, y, w, h, entry)
        return
    list = 0 if s.ref_cache[0][entry] >= 0 else 1
    ref = s.ref_cache[list][entry]
    if ref < 0:
        return
    r = &s.refs[s.kind][list][ref]
    weight = &s.weights[list][ref >> (s.kind > 0)]
    if r.picture == NULL:
        note(s, FAULT_REFERENCE)
        return
    wait_for_block(s, r, s.mv_cache[list][entry], y, h)
    for c in range(3 if s.ChromaArrayType else 1):
        dst = sample(s, c, x, y)
        component_block(s, r, c, dst, s.stride[c], s.mv_cache[list][entry], x, y, w, h, 0)
        if s.weight_mode == 1 and weight.flag:
            weigh_one(s, c, dst, w >> 1 if c and s.ChromaArrayType != 3 else w, h >> 1 if c and s.ChromaArrayType == 1 else h, weight)


cdef inline bint same_motion(SliceContext *s, int a, int b) noexcept nogil:
    """Whether two entries of the caches have equal references and vectors."""
    return (s.ref_cache[0][a] == s.ref_cache[0][b] and s.ref_cache[1][a] == s.ref_cache[1][b]
            and (<int32_t *>s.mv_cache[0][a])[0] == (<int32_t *>s.mv_cache[0][b])[0]
            and (s.ref_cache[1][a] < 0 or (<int32_t *>s.mv_cache[1][a])[0] == (<int32_t *>s.mv_cache[1][b])[0]))


cdef void classify(SliceContext *s) noexcept nogil:
    """Larger blocks where direct prediction gave equal vectors; MB_ONE_VECTOR, MB_8X8_MOTION and MB_LIST1."""
    cdef int b8, entry, first
    if s.slice_type == SLICE_B:
        for b8 in range(4):
            if s.ref_cache[1][CACHE + 2 * (b8 & 1) + 8 * (b8 & 2)] >= 0:
                s.flags |= MB_LIST1
    if s.part != PART_8X8:
        s.flags |= MB_ONE_VECTOR | MB_8X8_MOTION if s.part == PART_16X16 else MB_8X8_MOTION
        return
    for b8 in range(4):
        if s.direct[b8] and s.sub_part[b8] != SUB_8X8:
            entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2)
            if same_motion(s, entry, entry + 1) and same_motion(s, entry, entry + 8) and same_motion(s, entry, entry + 9):
                s.sub_part[b8] = SUB_8X8
    if s.sub_part[0] == SUB_8X8 and s.sub_part[1] == SUB_8X8 and s.sub_part[2] == SUB_8X8 and s.sub_part[3] == SUB_8X8:
        s.flags |= MB_8X8_MOTION
        first = CACHE
        if same_motion(s, first, first + 2) and same_motion(s, first, first + 16) and same_motion(s, first, first + 18):
            s.flags |= MB_ONE_VECTOR
            s.part = PART_16X16


cdef void predict_inter(SliceContext *s) noexcept nogil:
    """The whole macroblock from ref_cache and mv_cache."""
    cdef int b8, x, y
    classify(s)
    if s.part == PART_16X16:
        predict_block(s, 0, 0, 16, 16)
    elif s.part == PART_16X8:
        predict_block(s, 0, 0, 16, 8)
        predict_block(s, 0, 8, 16, 8)
    elif s.part == PART_8X16:
        predict_block(s, 0, 0, 8, 16)
        predict_block(s, 8, 0, 8, 16)
    else:
        for b8 in range(4):
            x, y = 8 * (b8 & 1), 8 * (b8 >> 1)
            if s.sub_part[b8] == SUB_8X8:
                predict_block(s, x, y, 8, 8)
            elif s.sub_part[b8] == SUB_8X4:
                predict_block(s, x, y, 8, 4)
                predict_block(s, x, y + 4, 8, 4)
            elif s.sub_part[b8] == SUB_4X8:
                predict_block(s, x, y, 4, 8)
                predict_block(s, x + 4, y, 4, 8)
            else:
                predict_block(s, x, y, 4, 4)
                predict_block(s, x + 4, y, 4, 4)
                predict_block(s, x, y + 4, 4, 4)
                predict_block(s, x + 4, y + 4, 4, 4)
