/* Row kernels for the metrics, each a table of variants (levels.h): [0] scalar, [1] AVX2 where
 * the architecture has it. */
#ifndef CODEC_METRICS_H
#define CODEC_METRICS_H
#include <stddef.h>
#include <stdint.h>

/* Eleven symmetric taps, w[5] in the middle: down over rows r[0..10]; across, out[x] from v[x .. x + 10]. */
extern void (*const codec_blur11_down_f32[2])(const float *const *r, const double *w, ptrdiff_t n, float *out);
extern void (*const codec_blur11_down_f64[2])(const double *const *r, const double *w, ptrdiff_t n, double *out);
extern void (*const codec_blur11_across_f32[2])(const float *v, const double *w, ptrdiff_t n, float *out);
extern void (*const codec_blur11_across_f64[2])(const double *v, const double *w, ptrdiff_t n, double *out);

/* SSIM and its contrast-structure part from the blurred rows [s | d | s^2 | d^2], `width` apart, of s = a + b - offset
 * and d = a - b; c1 = 2 C1, c2 = 2 C2; variances are multiplied by `correction` (1 for population, N/(N-1) for sample
 * variance). */
struct codec_ssim_constants { double offset, c1, c2, correction; };
extern void (*const codec_ssim_maps_f32[2])(const float *blurred, ptrdiff_t width, const struct codec_ssim_constants *k,
                                            ptrdiff_t n, float *ssim, float *cs);
extern void (*const codec_ssim_maps_f64[2])(const double *blurred, ptrdiff_t width,
                                            const struct codec_ssim_constants *k, ptrdiff_t n, double *ssim,
                                            double *cs);

/* Linear light R, G, B (rows n apart, not negative) to X, Y, B of SSIMULACRA 2, scaled and shifted to be positive. */
extern void (*const codec_linear_to_xyb[2])(const float *rgb, ptrdiff_t n, float *xyb);
extern void (*const codec_linear_to_y[2])(const float *rgb, ptrdiff_t n, float *y);

/* 2x2 means of a pair of rows, ceil(n / 2) of them; an odd last column is repeated. The rows may be the same one. */
extern void (*const codec_halve_row[2])(const float *upper, const float *lower, ptrdiff_t n, float *out);

/* What SSIMULACRA 2 blurs, for one channel of a row: [a | d | d^2 | a^2 + b^2], `step` apart, d = a - b. codec_s2_means
 * writes the first two only, which suffice for codec_s2_edges. */
extern void (*const codec_s2_quantities[2])(const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out);
extern void (*const codec_s2_means[2])(const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out);

/* Nine symmetric taps, w[0] in the middle: across, out[i] from v[i .. i + 8]; down over rows r[0..8]. */
extern void (*const codec_blur9_across[2])(const float *v, const float *w, ptrdiff_t n, float *out);
extern void (*const codec_blur9_down[2])(const float *const *r, const float *w, ptrdiff_t n, float *out);
/* Two rows of that, from r[0..9]: reading is what takes time. */
extern void (*const codec_blur9_down_two[2])(const float *const *r, const float *w, ptrdiff_t n, float *upper,
                                             float *lower);

/* SSIMULACRA 2 maps of one row. Their sums are added to sums[norm 1, 4][map ssim, ringing, blur].
 * blurred: [a | d | d^2 | a^2 + b^2], d = a - b, n apart; codec_s2_edges reads the first two. map: room
 * for n (ssim) or 2 n values. */
extern void (*const codec_s2_ssim[2])(const float *blurred, ptrdiff_t n, float *map, double *sums);
extern void (*const codec_s2_edges[2])(const float *a, const float *b, const float *blurred, ptrdiff_t n, float *map,
                                       double *sums);
#endif
