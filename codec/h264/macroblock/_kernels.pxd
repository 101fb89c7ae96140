"""The sample-domain kernels of H.264 for compiled code: contracts are in codec/simd/h264dsp.h."""
from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint32_t

cdef extern from "h264dsp.h" nogil:
    enum:
        H264_LEFT
        H264_TOP
        H264_TOPRIGHT
        H264_TOPLEFT
        H264_LEFT_UPPER
        H264_LEFT_LOWER
        H264_SUM_NONE
        H264_SUM_DOWN
        H264_SUM_ACROSS

    ctypedef void (*h264_luma_fn)(uint8_t *dst, Py_ssize_t dst_stride, const uint8_t *src, Py_ssize_t src_stride,
                                  int w, int h, int max) noexcept nogil
    ctypedef void (*h264_chroma_fn)(uint8_t **dst, Py_ssize_t dst_stride, const uint8_t **src, Py_ssize_t src_stride,
                                    int w, int h, int xFrac, int yFrac) noexcept nogil
    ctypedef void (*h264_weight_fn)(uint8_t *dst, Py_ssize_t stride, int w, int h, int logWD, int weight, int offset,
                                    int max) noexcept nogil
    ctypedef void (*h264_biweight_fn)(uint8_t *dst, Py_ssize_t dst_stride, const uint8_t *src, Py_ssize_t src_stride,
                                      int w, int h, int logWD, int w0, int w1, int offset, int max) noexcept nogil
    ctypedef void (*h264_intra_fn)(uint8_t *dst, Py_ssize_t stride, int available, int max) noexcept nogil
    ctypedef void (*h264_idct_fn)(uint8_t *dst, Py_ssize_t stride, int32_t *d, int max) noexcept nogil
    ctypedef void (*h264_bypass_fn)(uint8_t *dst, Py_ssize_t stride, int32_t *d, int n, int sums,
                                    int max) noexcept nogil
    ctypedef struct H264Threshold:
        int8_t tC0[4]
        uint8_t alpha
        uint8_t beta
        uint8_t unused[2]

    ctypedef void (*h264_deblock_luma_fn)(uint8_t *pix, Py_ssize_t stride, const uint32_t *bS, const H264Threshold *t,
                                          int max) noexcept nogil
    ctypedef void (*h264_deblock_chroma_fn)(uint8_t *cb, uint8_t *cr, Py_ssize_t stride, const uint32_t *bS,
                                            const H264Threshold (*t)[2], int max) noexcept nogil
    ctypedef void (*h264_deblock_strengths_fn)(uint32_t (*bS)[4], const int16_t *mv, const int32_t *ref_id,
                                               const int *mb, uint32_t coefficients, int lists,
                                               int limit_y) noexcept nogil
    ctypedef void (*h264_deblock_half_fn)(uint8_t *pix, Py_ssize_t stride, int lines, uint32_t bS,
                                          const H264Threshold *t, int chroma, int max) noexcept nogil

    ctypedef struct H264Dsp:
        h264_luma_fn put_luma[16]
        h264_luma_fn avg_luma[16]
        h264_chroma_fn put_chroma
        h264_chroma_fn avg_chroma
        h264_weight_fn weight
        h264_biweight_fn biweight
        h264_intra_fn intra4x4[9]
        h264_intra_fn intra8x8[9]
        h264_intra_fn intra16x16[4]
        h264_intra_fn intra_chroma[8]
        h264_bypass_fn bypass_add
        h264_idct_fn idct4x4_add
        h264_idct_fn idct4x4_dc_add
        h264_idct_fn idct8x8_add
        h264_idct_fn idct8x8_dc_add
        h264_deblock_luma_fn deblock_luma_v
        h264_deblock_luma_fn deblock_luma_h
        h264_deblock_chroma_fn deblock_chroma_v
        h264_deblock_chroma_fn deblock_chroma_h
        h264_deblock_strengths_fn deblock_strengths
        h264_deblock_half_fn deblock_half_v

# The table for 8-bit (deep 0) or deeper (deep 1) samples at a level of codec.cpu.level_index. Linked only into
# codec.h264.macroblock._kernels.
cdef const H264Dsp *h264_dsp(bint deep, int level) noexcept nogil
