"""Samples of intra macroblocks (8.3), with the residual of each block before the next is predicted from it."""
from libc.stdint cimport uint8_t

from codec._core cimport codec_assert_range
from codec.h264.macroblock._kernels cimport (
    H264_LEFT, H264_LEFT_LOWER, H264_LEFT_UPPER, H264_SUM_ACROSS, H264_SUM_DOWN, H264_SUM_NONE, H264_TOP,
)
from codec.h264.macroblock._slice cimport SliceContext
from codec.h264.macroblock._switching cimport switch_chroma, switch_luma_block
from codec.h264.macroblock._transform cimport add_chroma, add_luma, add_luma_block, gather_bypass, max_of
from codec.h264.pictures._picture cimport MB_BYPASS, MB_INTRA_NXN, MB_PCM, MB_SI, MB_TRANSFORM8
from codec.h264.tables.values cimport H264_CLAUSE_6_4_3_BLOCK_X, H264_CLAUSE_6_4_3_BLOCK_Y

# Samples that Intra4x4PredMode and Intra8x8PredMode read (8.3.1.2.1 to 9); top right is replaced where missing. The
# corner is not checked: it is in the picture where left and top are, and some encoders use it where
# constrained_intra_pred_flag forbids it.
cdef uint8_t[9] MODE_NEEDS = [
    H264_TOP, H264_LEFT, 0, H264_TOP, H264_LEFT | H264_TOP, H264_LEFT | H264_TOP, H264_LEFT | H264_TOP, H264_TOP,
    H264_LEFT,
]


cdef inline int sums_of(int mode) noexcept nogil:
    """Direction in which 8.5.15 accumulates the residual: vertical and horizontal prediction alone."""
    return H264_SUM_DOWN if mode == 0 else H264_SUM_ACROSS if mode == 1 else H264_SUM_NONE


cdef void intra_nxn(SliceContext *s, int c) noexcept nogil:
    """Intra_4x4 and Intra_8x8 of one component."""
    cdef int k, x, y, mode, avail, max = max_of(s, c)
    cdef bint eight = s.mb.flags & MB_TRANSFORM8 != 0
    cdef Py_ssize_t stride = s.place.stride[c]
    cdef uint8_t *dst
    for k in range(16):
        if eight and k & 3:
            continue
        x, y = H264_CLAUSE_6_4_3_BLOCK_X[k] >> 2, H264_CLAUSE_6_4_3_BLOCK_Y[k] >> 2
        mode = s.mb.intra_mode[4 * y + x]
        codec_assert_range(0, mode, 8)
        avail = available_to(s, k, x, y, eight)
        dst = s.place.dst[c] + 4 * y * stride + (4 * x << s.seq.pixel_shift)
        if eight:
            s.seq.dsp.intra8x8[mode](dst, stride, avail, max)
        else:
            s.seq.dsp.intra4x4[mode](dst, stride, avail, max)
        if s.mb.flags & MB_SI:
            switch_luma_block(s, dst, &s.mb.coef[256 * c + 16 * k])
        elif s.mb.coded[c] >> k & 1:
            add_luma_block(s, dst, stride, c, k, sums_of(mode), max)


cdef void intra_chroma(SliceContext *s) noexcept nogil:
    """Chroma of 4:2:0 and 4:2:2: the whole of it is predicted before its residual."""
    cdef int c, mode = s.mb.intra_chroma_pred_mode, avail = s.around.intra_avail
    codec_assert_range(1, s.seq.ChromaArrayType, 2)
    codec_assert_range(0, mode, 3)
    if s.around.left_half_avail == 1:
        avail |= H264_LEFT_UPPER
    elif s.around.left_half_avail == 2:
        avail |= H264_LEFT_LOWER
    for c in range(1, 3):
        s.seq.dsp.intra_chroma[4 * (s.seq.ChromaArrayType - 1) + mode](
            s.place.dst[c], s.place.stride[c], avail, s.seq.max_sample[1]
        )
        if s.mb.flags & MB_BYPASS and s.mb.coded[c] and (mode == 1 or mode == 2):
            gather_bypass(s, c, 2, s.seq.chroma_height >> 2, 2 - mode)
    if s.mb.flags & MB_SI:
        switch_chroma(s)
    else:
        add_chroma(s)


cdef void reconstruct_intra(SliceContext *s) noexcept nogil:
    """Predict an intra macroblock and add its residual. The samples of I_PCM are in their place already."""
    cdef int c, mode = s.mb.intra16_mode
    if s.mb.flags & MB_PCM:
        return
    for c in range(3 if s.seq.ChromaArrayType == 3 else 1):
        if s.mb.flags & MB_INTRA_NXN:
            intra_nxn(s, c)
        else:
            codec_assert_range(0, mode, 3)
            s.seq.dsp.intra16x16[mode](s.place.dst[c], s.place.stride[c], s.around.intra_avail, max_of(s, c))
            if s.mb.flags & MB_BYPASS and s.mb.coded[c] and mode < 2:
                gather_bypass(s, c, 4, 4, mode)
            add_luma(s, c)
    if s.seq.ChromaArrayType == 1 or s.seq.ChromaArrayType == 2:
        intra_chroma(s)
