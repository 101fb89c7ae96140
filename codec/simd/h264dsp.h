/* Sample-domain kernels of H.264, one table per bit depth and instruction-set level.
 *
 * Samples are uint8_t at bit depth 8 and uint16_t above; pointers are uint8_t * for both, strides are in BYTES, widths and heights in samples.
 * `max` is (1 << BitDepth) - 1; the kernels for 8 bits may ignore it. Every vector kernel equals its scalar body bit for bit, on hostile
 * coefficients too: sums wrap as int32 (the build has -fwrapv).
 *
 * Field rows of a frame are addressed by doubling the stride: no kernel knows of fields. */
#ifndef CODEC_H264DSP_H
#define CODEC_H264DSP_H

#include <stddef.h>
#include <stdint.h>

/* Directions from which intra prediction may read (6.4.11): which neighbouring samples are available. With MBAFF and constrained_intra_pred_flag
 * the left column of a field macroblock may be available beside its upper or its lower half alone, which only DC prediction of chroma makes use
 * of: then H264_LEFT is not set. */
enum { H264_LEFT = 1, H264_TOP = 2, H264_TOPRIGHT = 4, H264_TOPLEFT = 8, H264_LEFT_UPPER = 16, H264_LEFT_LOWER = 32 };

/* 8.4.2.2.1 luma interpolation. src points at the full-sample position of the block's first sample; rows and columns -2..+3 around the block
 * are readable where the fraction needs them. Index: xFrac + 4 * yFrac. w and h are 16, 8 or 4 (any combination of a partition).
 * put writes; avg writes (dst + value + 1) >> 1, which is default bi-prediction (8-273). */
typedef void (*h264_luma_fn)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h, int max);

/* 8.4.2.2.2 chroma interpolation of Cb and Cr: xFrac and yFrac in eighths (4:2:2 doubles its vertical quarter, see Table 8-9), w and h 8, 4 or 2
 * (h to 16). Of each row w + 1 samples, and 16 bytes, from src on are readable. */
typedef void (*h264_chroma_fn)(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac);

/* 8.4.2.3.2 explicit and implicit weights, in place. offset is in units of the bit depth already (o << (BitDepth - 8)).
 * weight: 8-274, 8-275. biweight: dst is the list 0 prediction, src that of list 1; offset is (o0 + o1 + 1) >> 1 (8-276). w: 16, 8, 4 or 2. */
typedef void (*h264_weight_fn)(uint8_t *dst, ptrdiff_t stride, int w, int h, int logWD, int weight, int offset, int max);
typedef void (*h264_biweight_fn)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w, int h, int logWD, int w0, int w1, int offset, int max);

/* 8.3 intra prediction, in place from the neighbours in the picture. `available` is a set of H264_LEFT...; for chroma and 16x16 too.
 * A mode whose required neighbours are missing is an error of the caller (checked where the mode is parsed). */
typedef void (*h264_intra_fn)(uint8_t *dst, ptrdiff_t stride, int available, int max);

/* 8.5.12, 8.5.13 inverse transforms of scaled coefficients d, rounded by (x + 32) >> 6, added to dst and clipped. `d` is row-major
 * (d[4 * row + column], d[8 * row + column]) and is zeroed afterwards. The _dc forms expect d[0] alone to be nonzero. */
typedef void (*h264_idct_fn)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max);

/* 8.5.15 lossless bypass: the n x n residual d (n: 4, 8 or 16, row-major) is added without a transform, with horizontal or vertical intra prediction
 * after summing it along the direction of the prediction (nW and nH of that clause are n). d is zeroed afterwards. */
enum { H264_SUM_NONE = 0, H264_SUM_DOWN = 1, H264_SUM_ACROSS = 2 };
typedef void (*h264_bypass_fn)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int n, int sums, int max);

/* Deblocking of one edge (8.7.2). luma: `length` lines, bS[4], each for length / 4 of them; pix is q0 of the first line. Vertical edges (`_v`) filter
 * across columns, horizontal ones (`_h`) across rows. Chroma: `length` lines in all, each bS for length / 4 of them (4:2:0: 8; 4:2:2 vertical
 * edges: 16; chroma of 4:4:4 uses luma's). alpha and beta are scaled to the bit depth already (8-459); tc0[i] likewise (for bS 1..3; -1 where
 * bS is 0: that segment is left alone). The _intra forms are bS 4 on all of the edge. */
typedef void (*h264_deblock_luma_fn)(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max);
typedef void (*h264_deblock_intra_fn)(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max);

typedef struct {
    h264_luma_fn put_luma[16], avg_luma[16];
    h264_chroma_fn put_chroma, avg_chroma;
    h264_weight_fn weight;
    h264_biweight_fn biweight;
    h264_intra_fn intra4x4[9];        /* Intra4x4PredMode, Table 8-2: DC reads `available`; top right is repeated from top where it is missing */
    h264_intra_fn intra8x8[9];        /* Intra8x8PredMode, Table 8-3, with the reference sample filter of 8.3.2.2.1 */
    h264_intra_fn intra16x16[4];      /* Table 8-4 */
    h264_intra_fn intra_chroma[2][4]; /* [0]: 8x8 (4:2:0), [1]: 8 wide, 16 high (4:2:2); Table 7-16 */
    h264_bypass_fn bypass_add;
    h264_idct_fn idct4x4_add, idct4x4_dc_add, idct8x8_add, idct8x8_dc_add;
    h264_deblock_luma_fn deblock_luma_v, deblock_luma_h, deblock_chroma_v, deblock_chroma_h; /* length: 16, 8 or 4 */
    h264_deblock_intra_fn deblock_luma_intra_v, deblock_luma_intra_h, deblock_chroma_intra_v, deblock_chroma_intra_h;
} H264Dsp;

/* The table for a bit depth of 8 (deep = 0) or 9 to 14 (deep = 1), with the kernels that a level may use: 0 scalar, 1 AVX2. */
const H264Dsp *codec_h264_dsp(int deep, int level);

#endif
