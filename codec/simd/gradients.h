/* Row kernels of the gradients of the metrics, a table of variants each (levels.h): [0] scalar, [1] AVX2 where the
 * machine kind has it. */
#ifndef CODEC_GRADIENTS_H
#define CODEC_GRADIENTS_H
#include <stddef.h>

/* What the score gains per unit of a map's value v > 0: one + four (v inverse)^3, the share of its mean and that of its
 * 4-norm. */
struct codec_map_slope { float one, four, inverse; };

/* [a | d | d^2 | a^2 + b^2], `step` apart, of one channel of a row: what SSIMULACRA 2 blurs. d = a - b. `edges` needs
 * the first two only. */
extern void (*const codec_s2_quantities[2])(const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out);
extern void (*const codec_s2_means[2])(const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out);

/* Half of the derivative of the score with respect to the blurred d, and those with respect to the blurred d^2 and a^2
 * + b^2, `step` apart, by the map ssim. blurred: [a | d | d^2 | a^2 + b^2], n apart. */
extern void (*const codec_s2_ssim_slope[2])(const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
                                            ptrdiff_t step, float *out);

/* The derivative with respect to b, where b is not blurred, by the maps ringing (slope[0]) and blur (slope[1]); half of
 * it is added to `half`, the first row that codec_s2_ssim_slope writes (b - blurred b has the same derivative, with the
 * other sign, by blurred b = blurred a - blurred d). */
extern void (*const codec_s2_edges_slope[2])(const float *a, const float *b, const float *blurred,
                                             const struct codec_map_slope *slope, ptrdiff_t n, float *direct,
                                             float *half);

/* The derivative with respect to b: direct plus what comes back through the blurs; `blurred`: the three rows of
 * codec_s2_ssim_slope, blurred, n apart; `edges` has the first one only. */
extern void (*const codec_s2_gather[2])(const float *a, const float *b, const float *direct, const float *blurred,
                                        ptrdiff_t n, float *out);
extern void (*const codec_s2_gather_edges[2])(const float *direct, const float *blurred, ptrdiff_t n, float *out);

/* Derivatives with respect to X, Y, B (`slope`, rows n apart) at `xyb` to those with respect to linear R, G, B. */
extern void (*const codec_xyb_to_linear_slope[2])(const float *xyb, const float *slope, ptrdiff_t n, float *out);
#endif
