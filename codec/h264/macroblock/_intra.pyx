"""Samples of intra macroblocks (8.3) and the residual (8.5.12 to 8.5.15)."""
from codec.h264.macroblock._slice cimport *
from codec.h264.macroblock._switching cimport switch_chroma, switch_luma_block

cdef uint8_t[16] BLOCK_X = [0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3]
cdef uint8_t[16] BLOCK_Y = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]

cdef enum:
    # blocks whose neighbours above right come later, as bits of luma4x4BlkIdx; block 5 and those of the top row look at other macroblocks
    NO_TOPRIGHT = 1 << 3 | 1 << 7 | 1 << 11 | 1 << 13 | 1 << 15


# ---------------------------------------------------------------- lossless

cdef void gather_bypass(SliceContext *s, int c, int w, int h, int direction) noexcept nogil:
    """Intra_16x16 and chroma accumulate over the whole of the prediction (nW x nH of 8.5.15 is the macroblock's): block by block, each carried on
    from the last line or column of its neighbour."""
    cdef int bx, by, i, k, kn
    cdef int32_t *r
    cdef int32_t *n
    for by in range(h):
        for bx in range(w):
            k = bx + w * by if w == 2 else luma_block(bx, by)
            r = &s.coef[256 * c + 16 * k]
            if direction == 0 and by:
                kn = bx + w * (by - 1) if w == 2 else luma_block(bx, by - 1)
                n = &s.coef[256 * c + 16 * kn]
                for i in range(4):
                    r[i] += n[12 + i]
            elif direction == 1 and bx:
                kn = bx - 1 + w * by if w == 2 else luma_block(bx - 1, by)
                n = &s.coef[256 * c + 16 * kn]
                for i in range(4):
                    r[4 * i] += n[4 * i + 3]
            for i in range(16):
                if direction == 0 and i >= 4:
                    r[i] += r[i - 4]
                elif direction == 1 and i & 3:
                    r[i] += r[i - 1]
    s.coded[c] = 0xFFFFFFFF


cdef inline int luma_block(int x, int y) noexcept nogil:
    """luma4x4BlkIdx"""
    return (x & 1) | (y & 1) << 1 | (x >> 1) << 2 | (y >> 1) << 3


# ---------------------------------------------------------------- blocks

cdef inline void add_4x4(SliceContext *s, uint8_t *dst, Py_ssize_t stride, int c, int block, int max) noexcept nogil:
    if s.coded[c] >> (16 + block) & 1:
        s.dsp.idct4x4_add(dst, stride, &s.coef[256 * c + 16 * block], max)
    else:
        s.dsp.idct4x4_dc_add(dst, stride, &s.coef[256 * c + 16 * block], max)


cdef inline int max_of(SliceContext *s, int c) noexcept nogil:
    return s.max_sample[c > 0]


cdef void add_luma(SliceContext *s, int c) noexcept nogil:
    """The residual of all blocks of a component that is coded like luma."""
    cdef int k, max = max_of(s, c)
    cdef Py_ssize_t stride = s.stride[c]
    cdef uint8_t *dst
    cdef uint64_t coded = s.coded[c]
    if coded == 0:
        return
    for k in range(16):
        if not coded >> k & 1:                          # an 8x8 block has the bit of its first 4x4 block
            continue
        dst = s.dst[c] + 4 * BLOCK_Y[k] * stride + (4 * BLOCK_X[k] << s.pixel_shift)
        if s.flags & MB_BYPASS:
            s.dsp.bypass_add(dst, stride, &s.coef[256 * c + 16 * k], 8 if s.flags & MB_TRANSFORM8 else 4, H264_SUM_NONE, max)
        elif not s.flags & MB_TRANSFORM8:
            add_4x4(s, dst, stride, c, k, max)
        elif coded >> (16 + k) & 1:
            s.dsp.idct8x8_add(dst, stride, &s.coef[256 * c + 16 * k], max)
        else:
            s.dsp.idct8x8_dc_add(dst, stride, &s.coef[256 * c + 16 * k], max)


cdef void add_chroma(SliceContext *s) noexcept nogil:
    """4:2:0 and 4:2:2"""
    cdef int c, i
    cdef Py_ssize_t stride
    cdef uint8_t *dst
    for c in range(1, 3):
        stride = s.stride[c]
        if s.coded[c] == 0:
            continue
        for i in range(s.chroma_height >> 1):
            if not s.coded[c] >> i & 1:
                continue
            dst = s.dst[c] + 4 * (i >> 1) * stride + (4 * (i & 1) << s.pixel_shift)
            if s.flags & MB_BYPASS:
                s.dsp.bypass_add(dst, stride, &s.coef[256 * c + 16 * i], 4, H264_SUM_NONE, s.max_sample[1])
            else:
                add_4x4(s, dst, stride, c, i, s.max_sample[1])


cdef void add_residual(SliceContext *s) noexcept nogil:
    """Of an inter macroblock."""
    cdef int c, k
    if s.switching:
        for k in range(16):
            switch_luma_block(s, s.dst[0] + 4 * BLOCK_Y[k] * s.stride[0] + 4 * BLOCK_X[k], &s.coef[16 * k])
        switch_chroma(s)
        return
    for c in range(3 if s.ChromaArrayType == 3 else 1):
        add_luma(s, c)
    if s.ChromaArrayType == 1 or s.ChromaArrayType == 2:
        add_chroma(s)


# ---------------------------------------------------------------- intra

cdef inline int left_of(SliceContext *s, int y) noexcept nogil:
    return H264_LEFT if s.left_half_avail >> (y >> 1) & 1 else 0


cdef inline int available_to(SliceContext *s, int k, int x, int y, bint eight) noexcept nogil:
    """Neighbours of the 4x4 (or 8x8) block k at block (x, y)."""
    cdef int avail = left_of(s, y) if x == 0 else H264_LEFT
    cdef int right = x + (2 if eight else 1)
    if y == 0:
        avail |= s.intra_avail & H264_TOP
        if right == 4:
            avail |= s.intra_avail & H264_TOPRIGHT
        elif s.intra_avail & H264_TOP:
            avail |= H264_TOPRIGHT
        if x:
            avail |= H264_TOPLEFT if s.intra_avail & H264_TOP else 0
        else:
            avail |= s.intra_avail & H264_TOPLEFT
        return avail
    avail |= H264_TOP
    if eight:
        if x == 0:
            avail |= H264_TOPRIGHT
    elif not NO_TOPRIGHT >> k & 1 and right < 4:
        avail |= H264_TOPRIGHT
    if x or left_of(s, y - 1):
        avail |= H264_TOPLEFT
    return avail


cdef void intra_nxn(SliceContext *s, int c) noexcept nogil:
    cdef int k, x, y, mode, avail, max = max_of(s, c)
    cdef bint eight = s.flags & MB_TRANSFORM8 != 0
    cdef Py_ssize_t stride = s.stride[c]
    cdef uint8_t *dst
    cdef int32_t *d
    for k in range(16):
        if eight and k & 3:
            continue
        x, y = BLOCK_X[k], BLOCK_Y[k]
        mode = s.intra_mode[4 * y + x]
        avail = available_to(s, k, x, y, eight)
        dst = s.dst[c] + 4 * y * stride + (4 * x << s.pixel_shift)
        d = &s.coef[256 * c + 16 * k]
        if eight:
            s.dsp.intra8x8[mode](dst, stride, avail, max)
        else:
            s.dsp.intra4x4[mode](dst, stride, avail, max)
        if s.flags & MB_SI:
            switch_luma_block(s, dst, d)
            continue
        if not s.coded[c] >> k & 1:
            continue
        if s.flags & MB_BYPASS:
            s.dsp.bypass_add(dst, stride, d, 8 if eight else 4, H264_SUM_DOWN if mode == 0 else H264_SUM_ACROSS if mode == 1 else H264_SUM_NONE, max)
        elif not eight:
            add_4x4(s, dst, stride, c, k, max)
        elif s.coded[c] >> (16 + k) & 1:
            s.dsp.idct8x8_add(dst, stride, d, max)
        else:
            s.dsp.idct8x8_dc_add(dst, stride, d, max)


cdef void intra_chroma(SliceContext *s) noexcept nogil:
    cdef int c, mode = s.intra_chroma_pred_mode, avail = s.intra_avail
    if s.left_half_avail == 1:
        avail |= H264_LEFT_UPPER
    elif s.left_half_avail == 2:
        avail |= H264_LEFT_LOWER
    for c in range(1, 3):
        s.dsp.intra_chroma[4 * (s.ChromaArrayType - 1) + mode](s.dst[c], s.stride[c], avail, s.max_sample[1])
        if s.flags & MB_BYPASS and s.coded[c] and (mode == 1 or mode == 2):
            gather_bypass(s, c, 2, s.chroma_height >> 2, 2 - mode)
    if s.flags & MB_SI:
        switch_chroma(s)
    else:
        add_chroma(s)


cdef void reconstruct_intra(SliceContext *s) noexcept nogil:
    cdef int c
    if s.flags & MB_PCM:
        return
    for c in range(3 if s.ChromaArrayType == 3 else 1):
        if s.flags & MB_INTRA_NXN:
            intra_nxn(s, c)
        else:
            s.dsp.intra16x16[s.intra16_mode](s.dst[c], s.stride[c], s.intra_avail, max_of(s, c))
            if s.flags & MB_BYPASS and s.coded[c] and s.intra16_mode < 2:
                gather_bypass(s, c, 4, 4, s.intra16_mode)
            add_luma(s, c)
    if s.ChromaArrayType == 1 or s.ChromaArrayType == 2:
        intra_chroma(s)
