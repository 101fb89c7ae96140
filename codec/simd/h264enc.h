/* Kernels that only the H.264 encoder needs: differences between blocks, half-sample planes, forward transforms,
 * quantization. 8-bit samples; strides are in bytes; heights are multiples of 4. Every vector kernel equals its scalar
 * body bit for bit. */
#ifndef CODEC_H264ENC_H
#define CODEC_H264ENC_H

#include <stddef.h>
#include <stdint.h>

#include "levels.h"

/* A difference between two blocks. Index of the arrays: 0, 1, 2 for widths of 16, 8, 4.
 *   sad    sum of |a - b|
 *   satd   sum of the magnitudes of the 4x4 Hadamard transforms of a - b, halved (the rounding of each 4x4 block is
 *          exact: the sum of its magnitudes is even)
 *   ssd    sum of (a - b)^2; at most 256 * 255^2 < 2^24
 *   sa8d   sum of the magnitudes of the 8x8 Hadamard transforms, divided by 4 and rounded: in the units of satd;
 *          widths of 16 and 8, heights that are multiples of 8 */
typedef int (*h264_difference_fn)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h);

/* sad4, satd4: the difference of a from four blocks b[0] ... b[3] of one stride. */
typedef void (*h264_four_fn)(int sums[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                             ptrdiff_t b_stride, int h);

/* dst = (a + b + 1) >> 1, w (16, 8 or 4) x h samples: a quarter sample of 8.4.2.2.1 from its two neighbours. */
typedef void (*h264_average_fn)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *a, ptrdiff_t a_stride,
                                const uint8_t *b, ptrdiff_t b_stride, int w, int h);

/* One line of the half-sample planes of 8.4.2.2.1 (b, h and j of Figure 8-4) for w samples of src, at least 16; samples
 * -2 ... w + 2 of lines -2 ... +3 exist. work: w + 5 sums. */
typedef void (*h264_half_samples_fn)(uint8_t *b, uint8_t *h, uint8_t *j, const uint8_t *src, ptrdiff_t stride, int w,
                                     int16_t *work);

/* out[x] = (a[2 x] + a[2 x + 1] + b[2 x] + b[2 x + 1] + 2) >> 2 for x < count: a line at half the width and height. */
typedef void (*h264_halve_fn)(uint8_t *out, const uint8_t *a, const uint8_t *b, ptrdiff_t count);

/* Forward transforms of an 8x8 block of src - prediction: four 4x4 blocks in raster order of the blocks, or one 8x8
 * block; forward_one: one 4x4 block alone. Coefficients in raster order; magnitudes at most 36 * 255 and 64 * 255. */
typedef void (*h264_forward_fn)(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                                ptrdiff_t pred_stride);

/* level = sign(d) * ((|d| + bias) * scale >> 16) for n (a multiple of 16) coefficients; whether any is not 0. */
typedef int (*h264_quantize_fn)(int16_t *level, const int16_t *d, const uint16_t *scale, const uint16_t *bias, int n);

#define H264_8X8_WIDTHS(F, name) F(name##_16), F(name##_8)
#define H264_WIDTHS(F, name) H264_8X8_WIDTHS(F, name), F(name##_4)

/* All members, once; see H264_DSP_MEMBERS. Cython's declarations are in codec/h264/encode/_kernels.pxd. */
#define H264_ENC_MEMBERS(ONE, MANY)                             \
    MANY(h264_difference_fn, sad, [3], H264_WIDTHS)             \
    MANY(h264_difference_fn, satd, [3], H264_WIDTHS)            \
    MANY(h264_difference_fn, ssd, [3], H264_WIDTHS)             \
    MANY(h264_difference_fn, sa8d, [2], H264_8X8_WIDTHS)        \
    MANY(h264_four_fn, sad4, [3], H264_WIDTHS)                  \
    MANY(h264_four_fn, satd4, [3], H264_WIDTHS)                 \
    ONE(h264_average_fn, average)                               \
    ONE(h264_half_samples_fn, half_samples)                     \
    ONE(h264_halve_fn, halve)                                   \
    ONE(h264_forward_fn, forward_one)                           \
    ONE(h264_forward_fn, forward4x4)                            \
    ONE(h264_forward_fn, forward8x8)                            \
    ONE(h264_quantize_fn, quantize)

#define H264_ONE(type, name) type name;
#define H264_MANY(type, name, dimensions, functions) type name dimensions;
typedef struct {
    H264_ENC_MEMBERS(H264_ONE, H264_MANY)
} H264Enc;
#undef H264_ONE
#undef H264_MANY

/* The table with the kernels that are allowed at a CPU level (cpu.h), and its members by name. */
const H264Enc *codec_h264_enc(int level);
extern const struct codec_member codec_h264_enc_members[];

#endif
