/* AVX2 kernels of H.264 for samples of 8 bits: the same results as the bodies of h264dsp.c, to the last bit. Contracts are in h264dsp.h. */
#ifndef CODEC_H264_AVX2_H
#define CODEC_H264_AVX2_H

#include "../h264dsp.h"

#define H264_AVX2_LUMA(xFrac, yFrac)                                                                                                              \
    void codec_h264_put_luma_##xFrac##yFrac##_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h, int max); \
    void codec_h264_avg_luma_##xFrac##yFrac##_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h, int max);
#define H264_AVX2_EACH_LUMA(F) \
    F(0, 0) F(1, 0) F(2, 0) F(3, 0) F(0, 1) F(1, 1) F(2, 1) F(3, 1) F(0, 2) F(1, 2) F(2, 2) F(3, 2) F(0, 3) F(1, 3) F(2, 3) F(3, 3)
H264_AVX2_EACH_LUMA(H264_AVX2_LUMA)
#undef H264_AVX2_LUMA

void codec_h264_put_chroma_avx2(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac);
void codec_h264_avg_chroma_avx2(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac);
void codec_h264_weight_avx2(uint8_t *dst, ptrdiff_t stride, int w, int h, int logWD, int weight, int offset, int max);
void codec_h264_biweight_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h, int logWD, int w0, int w1, int offset, int max);

void codec_h264_intra4x4_3_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);
void codec_h264_intra4x4_4_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);
void codec_h264_intra4x4_5_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);
void codec_h264_intra4x4_6_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);
void codec_h264_intra4x4_7_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);
void codec_h264_intra4x4_8_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max);

void codec_h264_idct4x4_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);
void codec_h264_idct8x8_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);
void codec_h264_idct4x4_dc_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);
void codec_h264_idct8x8_dc_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);

void codec_h264_deblock_luma_v_avx2(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2], int max);
void codec_h264_deblock_luma_h_avx2(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2], int max);
void codec_h264_deblock_chroma_v_avx2(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2][2], int max);
void codec_h264_deblock_chroma_h_avx2(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2][2], int max);
void codec_h264_deblock_strengths_avx2(uint32_t bS[2][4], const int16_t *mv, const int32_t *ref_id, const int mb[3], uint32_t coefficients,
                                       int lists, int limit_y);

#endif
