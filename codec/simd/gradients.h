/* Row kernels for the gradients of the metrics, each a table of variants (levels.h): [0] scalar, [1] AVX2 where
 * the architecture has it. */
#ifndef CODEC_GRADIENTS_H
#define CODEC_GRADIENTS_H
#include <stddef.h>

/* Derivative of the score with respect to a map's value v > 0: one + four (v inverse)^3, through the mean and
 * through the 4-norm of the map. */
struct codec_map_slope { float one, four, inverse; };

/* [a | d | d^2 | a^2 + b^2 | b d], `step` apart, d = a - b. */
extern void (*const codec_s2_gain_quantities[2])(const float *a, const float *b, ptrdiff_t n, ptrdiff_t step,
                                                 float *out);

/* Derivatives of the score through the map ssim, `step` apart: half of that with respect to the blurred d, then those
 * with respect to the blurred d^2 and a^2 + b^2. blurred: [a | d | d^2 | a^2 + b^2], n apart. */
extern void (*const codec_s2_ssim_slope[2])(const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
                                            ptrdiff_t step, float *out);

/* The derivative through the maps ringing (slope[0]) and blur (slope[1]) with respect to b itself, not blurred. Half of
 * it is added to `half`, the first row that codec_s2_ssim_slope writes: the maps depend on b - blurred b, and blurred b
 * = blurred a - blurred d. */
extern void (*const codec_s2_edges_slope[2])(const float *a, const float *b, const float *blurred,
                                             const struct codec_map_slope *slope, ptrdiff_t n, float *direct,
                                             float *half);

/* What smaller errors would gain: minus the derivative of the score by t, where all errors are scaled by 1 + t, through
 * the map ssim, and through ringing (slope[0]) and blur (slope[1]); added to `gain`, where the value of the map is.
 * blurred: [a | d | d^2 | a^2 + b^2 | b d], n apart, of which the second reads two rows. */
extern void (*const codec_s2_ssim_gain[2])(const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
                                           float *gain);
extern void (*const codec_s2_edges_gain[2])(const float *a, const float *b, const float *blurred,
                                            const struct codec_map_slope *slope, ptrdiff_t n, float *gain);

/* The derivative with respect to b: direct plus the part through the blurs. blurred: the three rows of
 * codec_s2_ssim_slope after the blur, n apart; codec_s2_gather_edges reads the first only. */
extern void (*const codec_s2_gather[2])(const float *a, const float *b, const float *direct, const float *blurred,
                                        ptrdiff_t n, float *out);
extern void (*const codec_s2_gather_edges[2])(const float *direct, const float *blurred, ptrdiff_t n, float *out);

/* Converts derivatives with respect to X, Y, B (`slope`, rows n apart) at `xyb` to derivatives with
 * respect to linear R, G, B. */
extern void (*const codec_xyb_to_linear_slope[2])(const float *xyb, const float *slope, ptrdiff_t n, float *out);

/* The adjoint of codec_halve_row: adds part v[i] to out[2 i] and out[2 i + 1]; twice that to the last of an odd n. */
extern void (*const codec_add_doubled[2])(const float *v, float part, ptrdiff_t n, float *out);
#endif
