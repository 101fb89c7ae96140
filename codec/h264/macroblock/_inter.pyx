"""Samples of inter prediction (8.4.2): blocks and their references, padding at the borders of reference pictures,
weights.

A block is named by its entry in the motion caches and its size in luma samples. Vectors of 16 bits in quarter samples
reach 8192 samples beyond pictures of at most 16880: positions fit in 16 bits, and pad_block clamps them. The six-tap
kernels sum samples of 8 to 14 bits: one pass is within -10 and 42 times the largest sample (20 bits and sign), two
passes are within -840 and 1864 times (25 bits and sign).
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t
from libc.string cimport memcpy

from codec._core cimport codec_assert, codec_assert_range
from codec.h264.macroblock._slice cimport (
    CACHE, MISSING_REFERENCE, PART_16X16, PART_16X8, PART_8X16, PART_8X8, SLICE_B, SUB_4X8, SUB_8X4, SUB_8X8,
    UNUSED, Reference, SliceContext, Weight, wait_for_lines,
)
from codec.h264.pictures._picture cimport MB_8X8_MOTION, MB_LIST1, MB_ONE_VECTOR

cdef enum:
    PUT = 0                 # how a block reaches its destination
    AVERAGE = 1             # with what is there: default bi-prediction (8-273)
    ASIDE = 2               # into SliceContext.second

    SECOND_PLANE = SECOND_STRIDE * 16


cdef void pad_block(uint8_t *out, const uint8_t *plane, Py_ssize_t stride, int x, int y, int w, int h, int width,
                    int height, int shift) noexcept nogil:
    """w x h samples at (x, y), coordinates clamped into the plane (8-239, 8-240); `shift`: log2 of bytes per sample."""
    cdef int left = min(max(-x, 0), w), right, row, i
    cdef const uint8_t *line
    cdef int middle
    codec_assert_range(1, w << shift, EDGE_STRIDE)
    codec_assert_range(1, h, EDGE_BYTES // EDGE_STRIDE)
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


cdef inline bint leaves(int at, int size, int limit) noexcept nogil:
    """Whether some of at .. at + size - 1 is outside 0 .. limit - 1."""
    return at < 0 or at + size > limit


cdef inline void luma_block(SliceContext *s, const Reference *ref, int c, uint8_t *dst, Py_ssize_t stride, int fraction,
                            int px, int py, int w, int h, bint inside, bint average) noexcept nogil:
    """8.4.2.2.1 for a block of component c at the full sample (px, py); inside: all that the taps reach is."""
    cdef int left, above, columns, rows, width, height
    cdef Py_ssize_t src_stride = ref.stride[0]
    cdef const uint8_t *src = ref.plane[c] + py * src_stride + (px << s.seq.pixel_shift)
    codec_assert_range(0, fraction, 15)
    codec_assert_range(4, w, 16)
    codec_assert_range(4, h, 16)
    if not inside:
        left, above = 2 if fraction & 3 else 0, 2 if fraction >> 2 else 0
        columns, rows = w + (5 if left else 0), h + (5 if above else 0)
        width, height = s.pic.width[0], ref.height[0]
        if leaves(px - left, columns, width) or leaves(py - above, rows, height):
            pad_block(s.work.edge, ref.plane[c], src_stride, px - left, py - above, columns, rows, width, height,
                      s.seq.pixel_shift)
            src = s.work.edge + above * EDGE_STRIDE + (left << s.seq.pixel_shift)
            src_stride = EDGE_STRIDE
    if average:
        s.seq.dsp.avg_luma[fraction](dst, stride, src, src_stride, w, h, s.seq.max_sample[c > 0])
    else:
        s.seq.dsp.put_luma[fraction](dst, stride, src, src_stride, w, h, s.seq.max_sample[c > 0])


cdef inline void chroma_blocks(SliceContext *s, const Reference *ref, uint8_t **dst, Py_ssize_t stride, int xFrac,
                               int yFrac, int px, int py, int w, int h, bint inside, bint average) noexcept nogil:
    """8.4.2.2.2 for Cb and Cr of 4:2:0 and 4:2:2, in chroma samples."""
    cdef int c
    cdef Py_ssize_t src_stride = ref.stride[1], at = py * src_stride + (px << s.seq.pixel_shift)
    cdef const uint8_t *src[2]
    codec_assert_range(0, xFrac, 7)
    codec_assert_range(0, yFrac, 7)
    codec_assert_range(2, w, 8)
    src[0], src[1] = ref.plane[1] + at, ref.plane[2] + at
    if not inside and (leaves(px, w + (xFrac != 0), s.pic.width[1]) or leaves(py, h + (yFrac != 0), ref.height[1])):
        src[0], src[1] = s.work.edge, s.work.edge + EDGE_STRIDE // 2
        for c in range(2):
            pad_block(<uint8_t *>src[c], ref.plane[1 + c], src_stride, px, py, w + 1, h + 1, s.pic.width[1],
                      ref.height[1], s.seq.pixel_shift)
        src_stride = EDGE_STRIDE
    if average:
        s.seq.dsp.avg_chroma(dst, stride, src, src_stride, w, h, xFrac, yFrac)
    else:
        s.seq.dsp.put_chroma(dst, stride, src, src_stride, w, h, xFrac, yFrac)


cdef inline Py_ssize_t place_of(SliceContext *s, int c, int x, int y) noexcept nogil:
    """Bytes from the first sample of the macroblock in component c to the one at (x, y) of luma."""
    if c and s.seq.ChromaArrayType != 3:
        x >>= 1
        y = y >> 1 if s.seq.ChromaArrayType == 1 else y
    return y * s.place.stride[c] + (x << s.seq.pixel_shift)


cdef inline int x_of(int entry) noexcept nogil:
    return 4 * (entry - CACHE & 7)


cdef inline int y_of(int entry) noexcept nogil:
    return 4 * (entry - CACHE >> 3)


cdef void predict_from(SliceContext *s, int list, int entry, int w, int h, int how) noexcept nogil:
    """All components of the block, from its reference in this list."""
    cdef const Reference *ref = &s.refs.entry[s.place.kind][list][s.cache.ref[list][entry]]
    cdef int mvx = s.cache.mv[list][entry][0], mvy = s.cache.mv[list][entry][1]
    cdef int x = x_of(entry), y = y_of(entry)
    cdef int px = 16 * s.place.mb_x + x + (mvx >> 2), py = s.place.luma_y + y + (mvy >> 2), c
    cdef int fraction = (mvx & 3) | (mvy & 3) << 2
    cdef uint8_t *dst[2]
    cdef Py_ssize_t stride, at
    cdef bint average = how == AVERAGE
    codec_assert_range(0, list, 1)
    codec_assert_range(CACHE, entry, CACHE + 27)
    codec_assert_range(0, s.place.kind, 2)
    codec_assert(ref.picture != NULL)
    # 2 samples before and 3 after, for the six taps (8.4.2.2.1); chroma stays within these
    cdef bint inside = (px - 2 | py - 2 | s.pic.width[0] - 3 - w - px | ref.height[0] - 3 - h - py) >= 0
    if ref.picture != s.pic:            # the first field of this picture is decoded
        wait_for_lines(s, ref.picture, min(max(py + h + 3, 1), ref.height[0]) << ref.field)
    if how == ASIDE:
        dst[0], stride = s.work.second, SECOND_STRIDE
    else:
        dst[0], stride = s.place.dst[0] + place_of(s, 0, x, y), s.place.stride[0]
    luma_block(s, ref, s.slice.colour_plane, dst[0], stride, fraction, px, py, w, h, inside, average)
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        if how == ASIDE:
            dst[0], dst[1] = s.work.second + SECOND_PLANE, s.work.second + 2 * SECOND_PLANE
        else:
            at, stride = place_of(s, 1, x, y), s.place.stride[1]
            dst[0], dst[1] = s.place.dst[1] + at, s.place.dst[2] + at
        px = 8 * s.place.mb_x + (x >> 1) + (mvx >> 3)
        if s.seq.ChromaArrayType == 1:
            mvy += ref.chroma_shift
            py = (s.place.luma_y + y >> 1) + (mvy >> 3)
            chroma_blocks(s, ref, dst, stride, mvx & 7, mvy & 7, px, py, w >> 1, h >> 1, inside, average)
        else:
            chroma_blocks(s, ref, dst, stride, mvx & 7, (mvy & 3) << 1, px, py, w >> 1, h, inside, average)
    elif s.seq.ChromaArrayType == 3:
        for c in range(1, 3):
            dst[0] = s.work.second + c * SECOND_PLANE if how == ASIDE else s.place.dst[c] + place_of(s, c, x, y)
            luma_block(s, ref, c, dst[0], stride, fraction, px, py, w, h, inside, average)


cdef void weigh_one(SliceContext *s, int entry, int w, int h, const Weight *weight) noexcept nogil:
    """(8-274), (8-275): samples of 14 bits times weights of 8 bits."""
    cdef int c, logWD
    cdef uint8_t *dst
    for c in range(3 if s.seq.ChromaArrayType else 1):
        if c == 1 and s.seq.ChromaArrayType != 3:
            w, h = w >> 1, h >> 1 if s.seq.ChromaArrayType == 1 else h
        logWD = s.slice.chroma_log2_weight_denom if c else s.slice.luma_log2_weight_denom
        codec_assert_range(0, logWD, 7)
        codec_assert_range(-128, weight.weight[c], 128)
        dst = s.place.dst[c] + place_of(s, c, x_of(entry), y_of(entry))
        s.seq.dsp.weight(dst, s.place.stride[c], w, h, logWD, weight.weight[c], weight.offset[c],
                         s.seq.max_sample[c > 0])


cdef void weigh_two(SliceContext *s, int entry, int w, int h, int implicit, const Weight *weight0,
                    const Weight *weight1) noexcept nogil:
    """(8-276): list 0 is in place, list 1 aside; implicit: w1 of 8.4.2.3.1 with weight_mode 2."""
    cdef int c, logWD, w0, w1, offset
    cdef uint8_t *dst
    codec_assert_range(-64, implicit, 128)
    for c in range(3 if s.seq.ChromaArrayType else 1):
        if c == 1 and s.seq.ChromaArrayType != 3:
            w, h = w >> 1, h >> 1 if s.seq.ChromaArrayType == 1 else h
        if s.slice.weight_mode == 2:
            logWD, w0, w1, offset = 5, 64 - implicit, implicit, 0
        else:
            logWD = s.slice.chroma_log2_weight_denom if c else s.slice.luma_log2_weight_denom
            w0, w1, offset = weight0.weight[c], weight1.weight[c], (weight0.offset[c] + weight1.offset[c] + 1) >> 1
        codec_assert_range(0, logWD, 7)
        dst = s.place.dst[c] + place_of(s, c, x_of(entry), y_of(entry))
        s.seq.dsp.biweight(dst, s.place.stride[c], s.work.second + c * SECOND_PLANE, SECOND_STRIDE, w, h, logWD, w0, w1,
                           offset, s.seq.max_sample[c > 0])


cdef int predict_two(SliceContext *s, int entry, int w, int h) noexcept nogil:
    """Bi-prediction; 0 or MISSING_REFERENCE."""
    cdef int ref0 = s.cache.ref[0][entry], ref1 = s.cache.ref[1][entry], w1 = 32
    cdef const Weight *weight0 = &s.refs.weights[0][ref0 >> (s.place.kind > 0)]
    cdef const Weight *weight1 = &s.refs.weights[1][ref1 >> (s.place.kind > 0)]
    cdef bint plain = s.slice.weight_mode == 0
    codec_assert_range(0, ref0, 31)
    codec_assert_range(0, ref1, 31)
    if s.slice.weight_mode == 2:
        w1 = s.refs.implicit_w1[s.place.kind][ref0][ref1]
        plain = w1 == 32
    elif s.slice.weight_mode == 1:
        plain = not (weight0.flag or weight1.flag)
    # direct prediction may lead to a missing picture
    if s.refs.entry[s.place.kind][0][ref0].picture == NULL or s.refs.entry[s.place.kind][1][ref1].picture == NULL:
        return MISSING_REFERENCE
    predict_from(s, 0, entry, w, h, PUT)
    predict_from(s, 1, entry, w, h, AVERAGE if plain else ASIDE)
    if not plain:
        weigh_two(s, entry, w, h, w1, weight0, weight1)
    return 0


cdef int predict_block(SliceContext *s, int entry, int w, int h) noexcept nogil:
    """A block with one vector and reference index for each list; 0 or MISSING_REFERENCE."""
    cdef int list = 0, ref = s.cache.ref[0][entry]
    cdef const Weight *weight
    codec_assert_range(UNUSED, ref, 31)
    codec_assert_range(UNUSED, s.cache.ref[1][entry], 31)
    if s.cache.ref[1][entry] >= 0:
        if ref >= 0:
            return predict_two(s, entry, w, h)
        list, ref = 1, s.cache.ref[1][entry]
    elif ref < 0:
        return 0
    if s.refs.entry[s.place.kind][list][ref].picture == NULL:
        return MISSING_REFERENCE
    predict_from(s, list, entry, w, h, PUT)
    if s.slice.weight_mode == 1:
        weight = &s.refs.weights[list][ref >> (s.place.kind > 0)]
        if weight.flag:
            weigh_one(s, entry, w, h, weight)
    return 0


cdef inline bint same_vector(const int16_t *a, const int16_t *b) noexcept nogil:
    return a[0] == b[0] and a[1] == b[1]


cdef inline bint same_motion(SliceContext *s, int a, int b) noexcept nogil:
    """Whether two blocks have equal references and vectors."""
    return (s.cache.ref[0][a] == s.cache.ref[0][b] and s.cache.ref[1][a] == s.cache.ref[1][b]
            and same_vector(s.cache.mv[0][a], s.cache.mv[0][b])
            and (s.cache.ref[1][a] < 0 or same_vector(s.cache.mv[1][a], s.cache.mv[1][b])))


cdef void classify(SliceContext *s) noexcept nogil:
    """Merge blocks to which direct prediction gave equal vectors; MB_ONE_VECTOR, MB_8X8_MOTION and MB_LIST1."""
    cdef int b8, entry, first = CACHE
    cdef const int8_t *ref = &s.cache.ref[1][first]
    if s.slice.slice_type == SLICE_B and (ref[0] & ref[2] & ref[16] & ref[18]) >= 0:
        s.mb.flags |= MB_LIST1
    if s.mb.part != PART_8X8:
        s.mb.flags |= MB_ONE_VECTOR | MB_8X8_MOTION if s.mb.part == PART_16X16 else MB_8X8_MOTION
        return
    for b8 in range(4):
        if s.mb.direct[b8] and s.mb.sub_part[b8] != SUB_8X8:
            entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2)
            if (
                same_motion(s, entry, entry + 1)
                and same_motion(s, entry, entry + 8)
                and same_motion(s, entry, entry + 9)
            ):
                s.mb.sub_part[b8] = SUB_8X8
    if (s.mb.sub_part[0] | s.mb.sub_part[1] | s.mb.sub_part[2] | s.mb.sub_part[3]) == SUB_8X8:
        s.mb.flags |= MB_8X8_MOTION
        if same_motion(s, first, first + 2) and same_motion(s, first, first + 16) and same_motion(s, first, first + 18):
            s.mb.flags |= MB_ONE_VECTOR
            s.mb.part = PART_16X16


cdef int predict_inter(SliceContext *s) noexcept nogil:
    """The whole macroblock from the motion caches; 0 or MISSING_REFERENCE."""
    cdef int b8, entry, missing = 0
    classify(s)
    if s.mb.part == PART_16X16:
        return predict_block(s, CACHE, 16, 16)
    if s.mb.part == PART_16X8:
        return predict_block(s, CACHE, 16, 8) | predict_block(s, CACHE + 16, 16, 8)
    if s.mb.part == PART_8X16:
        return predict_block(s, CACHE, 8, 16) | predict_block(s, CACHE + 2, 8, 16)
    for b8 in range(4):
        entry = CACHE + 2 * (b8 & 1) + 8 * (b8 & 2)
        if s.mb.sub_part[b8] == SUB_8X8:
            missing |= predict_block(s, entry, 8, 8)
        elif s.mb.sub_part[b8] == SUB_8X4:
            missing |= predict_block(s, entry, 8, 4) | predict_block(s, entry + 8, 8, 4)
        elif s.mb.sub_part[b8] == SUB_4X8:
            missing |= predict_block(s, entry, 4, 8) | predict_block(s, entry + 1, 4, 8)
        else:
            missing |= predict_block(s, entry, 4, 4) | predict_block(s, entry + 1, 4, 4)
            missing |= predict_block(s, entry + 8, 4, 4) | predict_block(s, entry + 9, 4, 4)
    return missing
