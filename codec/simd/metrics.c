/* Row kernels for the metrics. Rows do not overlap; n values are written. Contracts are in metrics.h. */
#include "metrics.h"

#include <math.h>
#include <string.h>

#include "cube_root.h"
#include "levels.h"
#if CODEC_HAS_AVX2
#include "x86/avx2.h"
#endif

/* ---------------------------------------------------------------- SSIM (Wang et al. 2004), once in each precision */

#define REAL float
#define NAME(name) name##_f32
#define BODY(name) name##_f32_body
#include "ssim_rows.h"
#undef REAL
#undef NAME
#undef BODY
#define REAL double
#define NAME(name) name##_f64
#define BODY(name) name##_f64_body
#include "ssim_rows.h"

/* ---------------------------------------------------------------- SSIMULACRA 2, single precision */

CODEC_BODY void codec_linear_to_xyb_body(const float *CODEC_RESTRICT rgb, ptrdiff_t n, float *CODEC_RESTRICT xyb)
{
    /* Rows L, M, S; columns R, G, B; then the bias and its cube root, in single precision as in the
     * reference. Neither light nor a coefficient is negative, so every sum is at least the bias and the
     * reference's clamp at 0 has no effect. */
    const float bias = 0.0037930732552754493f, root = 0.15595420054924858f;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float R = rgb[i], G = rgb[n + i], B = rgb[2 * n + i];
        const float l = cube_root(0.3f * R + 0.622f * G + 0.078f * B + bias) - root;
        const float m = cube_root(0.23f * R + 0.692f * G + 0.078f * B + bias) - root;
        const float s = cube_root(0.2434226892454782f * R + 0.2047674442449682f * G + 0.5518098665095535f * B + bias)
            - root;
        xyb[i] = 7.0f * (l - m) + 0.42f;
        xyb[n + i] = 0.5f * (l + m) + 0.01f;
        xyb[2 * n + i] = s - 0.5f * (l + m) + 0.55f;
    }
}
CODEC_KERNEL(codec_linear_to_xyb, (const float *rgb, ptrdiff_t n, float *xyb), (rgb, n, xyb))

CODEC_BODY void codec_linear_to_y_body(const float *CODEC_RESTRICT rgb, ptrdiff_t n, float *CODEC_RESTRICT y)
{
    const float bias = 0.0037930732552754493f, root = 0.15595420054924858f;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float R = rgb[i], G = rgb[n + i], B = rgb[2 * n + i];
        const float l = cube_root(0.3f * R + 0.622f * G + 0.078f * B + bias) - root;
        const float m = cube_root(0.23f * R + 0.692f * G + 0.078f * B + bias) - root;
        y[i] = 0.5f * (l + m) + 0.01f;
    }
}
CODEC_KERNEL(codec_linear_to_y, (const float *rgb, ptrdiff_t n, float *y), (rgb, n, y))

CODEC_BODY void codec_halve_row_body(const float *CODEC_RESTRICT upper, const float *CODEC_RESTRICT lower, ptrdiff_t n,
                                     float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n / 2; i++)
        out[i] = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) * 0.25f;
    if (n & 1) out[n / 2] = (upper[n - 1] + lower[n - 1]) * 0.5f;
}
CODEC_KERNEL(codec_halve_row, (const float *upper, const float *lower, ptrdiff_t n, float *out), (upper, lower, n, out))

CODEC_BODY void codec_s2_means_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b, ptrdiff_t n,
                                    ptrdiff_t step, float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        out[i] = a[i];
        out[step + i] = a[i] - b[i];
    }
}
CODEC_KERNEL(codec_s2_means, (const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out),
             (a, b, n, step, out))

CODEC_BODY void codec_s2_quantities_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b, ptrdiff_t n,
                                         ptrdiff_t step, float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const float d = a[i] - b[i];
        out[i] = a[i];
        out[step + i] = d;
        out[2 * step + i] = d * d;
        out[3 * step + i] = a[i] * a[i] + b[i] * b[i];
    }
}
CODEC_KERNEL(codec_s2_quantities, (const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out),
             (a, b, n, step, out))

CODEC_BODY void codec_blur9_across_body(const float *CODEC_RESTRICT v, const float *w, ptrdiff_t n,
                                        float *CODEC_RESTRICT out)
{
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4];
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = w0 * v[i + 4] + w1 * (v[i + 3] + v[i + 5]) + w2 * (v[i + 2] + v[i + 6]) + w3 * (v[i + 1] + v[i + 7])
            + w4 * (v[i] + v[i + 8]);
}
CODEC_KERNEL(codec_blur9_across, (const float *v, const float *w, ptrdiff_t n, float *out), (v, w, n, out))

CODEC_BODY void codec_blur9_down_body(const float *const *r, const float *w, ptrdiff_t n, float *CODEC_RESTRICT out)
{
    const float *r0 = r[0], *r1 = r[1], *r2 = r[2], *r3 = r[3], *r4 = r[4], *r5 = r[5], *r6 = r[6], *r7 = r[7],
        *r8 = r[8];
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4];
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = w0 * r4[i] + w1 * (r3[i] + r5[i]) + w2 * (r2[i] + r6[i]) + w3 * (r1[i] + r7[i]) + w4 * (r0[i] + r8[i]);
}
CODEC_KERNEL(codec_blur9_down, (const float *const *r, const float *w, ptrdiff_t n, float *out), (r, w, n, out))

CODEC_BODY void codec_blur9_down_two_body(const float *const *r, const float *w, ptrdiff_t n,
                                          float *CODEC_RESTRICT upper, float *CODEC_RESTRICT lower)
{
    const float *r0 = r[0], *r1 = r[1], *r2 = r[2], *r3 = r[3], *r4 = r[4], *r5 = r[5], *r6 = r[6], *r7 = r[7],
        *r8 = r[8], *r9 = r[9];
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4];
    for (ptrdiff_t i = 0; i < n; i++) {
        const float v1 = r1[i], v2 = r2[i], v3 = r3[i], v4 = r4[i], v5 = r5[i], v6 = r6[i], v7 = r7[i], v8 = r8[i];
        upper[i] = w0 * v4 + w1 * (v3 + v5) + w2 * (v2 + v6) + w3 * (v1 + v7) + w4 * (r0[i] + v8);
        lower[i] = w0 * v5 + w1 * (v4 + v6) + w2 * (v3 + v7) + w3 * (v2 + v8) + w4 * (v1 + r9[i]);
    }
}
CODEC_KERNEL(codec_blur9_down_two, (const float *const *r, const float *w, ptrdiff_t n, float *upper, float *lower),
             (r, w, n, upper, lower))

/* Sums of v and of v^4: eight single-precision lanes over at most 128 values, then added up in
 * double, in a fixed order. */
typedef void add_groups_fn(const float *v, ptrdiff_t groups, float *sum1, float *sum4);

CODEC_BODY void add_groups_scalar(const float *v, ptrdiff_t groups, float *sum1, float *sum4)
{
    for (ptrdiff_t i = 0; i < groups; i++)
        for (int j = 0; j < 8; j++) {
            const float x = v[8 * i + j], square = x * x;
            sum1[j] += x;
            sum4[j] += square * square;
        }
}

#if CODEC_HAS_AVX2
/* Left to itself, GCC 12 makes vectors of eight groups, and transposes them. */
INLINE void add_groups_avx2(const float *v, ptrdiff_t groups, float *sum1, float *sum4)
{
    __m256 one = _mm256_setzero_ps(), four = _mm256_setzero_ps();
    for (ptrdiff_t i = 0; i < groups; i++) {
        const __m256 x = _mm256_loadu_ps(v + 8 * i), square = _mm256_mul_ps(x, x);
        one = _mm256_add_ps(one, x);
        four = _mm256_add_ps(four, _mm256_mul_ps(square, square));
    }
    _mm256_storeu_ps(sum1, one);
    _mm256_storeu_ps(sum4, four);
}
#else
#define add_groups_avx2 add_groups_scalar
#endif

CODEC_BODY void add_norms(const float *v, ptrdiff_t n, double *one, double *four, add_groups_fn *add_groups)
{
    ptrdiff_t start = 0;
    while (start + 8 <= n) {
        float sum1[8] = {0}, sum4[8] = {0};
        const ptrdiff_t groups = (n - start) / 8 < 16 ? (n - start) / 8 : 16;
        add_groups(v + start, groups, sum1, sum4);
        for (int j = 0; j < 8; j++) {
            *one += sum1[j];
            *four += sum4[j];
        }
        start += groups * 8;
    }
    for (; start < n; start++) {
        const float square = v[start] * v[start];
        *one += v[start];
        *four += square * square;
    }
}

CODEC_BODY void codec_s2_ssim_body(const float *CODEC_RESTRICT blurred, ptrdiff_t n, float *CODEC_RESTRICT map,
                                   double *sums, add_groups_fn *add_groups)
{
    const float C2 = 0.0009f;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float a = blurred[i], d = blurred[n + i], b = a - d, m = d * d, v = blurred[2 * n + i] - m;
        const float error = m + (1.0f - m) * v / (blurred[3 * n + i] - a * a - b * b + C2);
        map[i] = error > 0 ? error : 0;
    }
    add_norms(map, n, sums, sums + 3, add_groups);
}

CODEC_BODY void codec_s2_edges_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b,
                                    const float *CODEC_RESTRICT blurred, ptrdiff_t n, float *CODEC_RESTRICT map,
                                    double *sums, add_groups_fn *add_groups)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const float mean = blurred[i], of_a = fabsf(a[i] - mean), of_b = fabsf(b[i] - (mean - blurred[n + i])),
            e = (of_b - of_a) / (1.0f + of_a), less = -e;
        map[i] = e > 0 ? e : 0;
        map[n + i] = less > 0 ? less : 0;
    }
    add_norms(map, n, sums + 1, sums + 4, add_groups);
    add_norms(map + n, n, sums + 2, sums + 5, add_groups);
}

#define SSIM_PARAMETERS (const float *blurred, ptrdiff_t n, float *map, double *sums)
#define EDGES_PARAMETERS                                                                                               \
    (const float *a, const float *b, const float *blurred, ptrdiff_t n, float *map, double *sums)
static void codec_s2_ssim_scalar SSIM_PARAMETERS { codec_s2_ssim_body(blurred, n, map, sums, add_groups_scalar); }
static void codec_s2_edges_scalar EDGES_PARAMETERS
{
    codec_s2_edges_body(a, b, blurred, n, map, sums, add_groups_scalar);
}
#if CODEC_HAS_AVX2
AVX2 static void codec_s2_ssim_avx2 SSIM_PARAMETERS { codec_s2_ssim_body(blurred, n, map, sums, add_groups_avx2); }
AVX2 static void codec_s2_edges_avx2 EDGES_PARAMETERS
{
    codec_s2_edges_body(a, b, blurred, n, map, sums, add_groups_avx2);
}
#else
#define codec_s2_ssim_avx2 codec_s2_ssim_scalar
#define codec_s2_edges_avx2 codec_s2_edges_scalar
#endif
void (*const codec_s2_ssim[2]) SSIM_PARAMETERS = {codec_s2_ssim_scalar, codec_s2_ssim_avx2};
void (*const codec_s2_edges[2]) EDGES_PARAMETERS = {codec_s2_edges_scalar, codec_s2_edges_avx2};
