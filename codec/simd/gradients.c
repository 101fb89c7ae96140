/* Row kernels for the gradients of the metrics. Rows do not overlap; n values are written.
 * Contracts are in gradients.h. */
#include "gradients.h"

#include <math.h>

#include "levels.h"

/* ---------------------------------------------------------------- SSIMULACRA 2, single precision */

CODEC_BODY void codec_s2_gain_quantities_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b,
                                              ptrdiff_t n, ptrdiff_t step, float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const float d = a[i] - b[i];
        out[i] = a[i];
        out[step + i] = d;
        out[2 * step + i] = d * d;
        out[3 * step + i] = a[i] * a[i] + b[i] * b[i];
        out[4 * step + i] = b[i] * d;
    }
}
CODEC_KERNEL(codec_s2_gain_quantities, (const float *a, const float *b, ptrdiff_t n, ptrdiff_t step, float *out),
             (a, b, n, step, out))

/* d score / d v at v > 0. The cube of v / norm, not v^3 / norm^3: the latter would exceed the
 * range of single precision. */
CODEC_BODY float slope_at(float v, float one, float four, float inverse)
{
    const float u = v * inverse;
    return one + four * (u * u * u);
}

/* 1 or 0: a factor in place of a branch, so that compilers use vectors. */
CODEC_BODY float where(int condition) { return (float)condition; }

/* With m = D^2, v = Q - m, b = A - D, t = S - A^2 - b^2 + C2 and r = v / t (A, D, Q, S: the four blurred rows) the map
 * is e = m + (1 - m) r, and
 *   de/dQ = (1 - m) / t    de/dS = -r (1 - m) / t    de/dD = 2 D (1 - r) - 2 (D + b r) (1 - m) / t. */
CODEC_BODY void codec_s2_ssim_slope_body(const float *CODEC_RESTRICT blurred, const struct codec_map_slope *slope,
                                         ptrdiff_t n, ptrdiff_t step, float *CODEC_RESTRICT out)
{
    const float C2 = 0.0009f, one = slope->one, four = slope->four, inverse = slope->inverse;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float a = blurred[i], d = blurred[n + i], b = a - d, m = d * d;
        const float over = 1.0f / (blurred[3 * n + i] - a * a - b * b + C2), r = (blurred[2 * n + i] - m) * over;
        const float error = m + (1.0f - m) * r;
        const float g = slope_at(error, one, four, inverse) * where(error > 0), k = g * (1.0f - m) * over;
        out[i] = g * d * (1.0f - r) - k * (d + b * r);
        out[step + i] = k;
        out[2 * step + i] = -k * r;
    }
}
CODEC_KERNEL(codec_s2_ssim_slope, (const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
                                   ptrdiff_t step, float *out), (blurred, slope, n, step, out))

/* With e = (|b - B| - |a - A|) / (1 + |a - A|), where A and B are blurred a and b: de/db = sign(b - B) / (1 + |a - A|);
 * ringing is max(e, 0), blur max(-e, 0). */
CODEC_BODY void codec_s2_edges_slope_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b,
                                          const float *CODEC_RESTRICT blurred, const struct codec_map_slope *slope,
                                          ptrdiff_t n, float *CODEC_RESTRICT direct, float *CODEC_RESTRICT half)
{
    const struct codec_map_slope ringing = slope[0], blur = slope[1];
    for (ptrdiff_t i = 0; i < n; i++) {
        const float mean = blurred[i], from_mean = b[i] - (mean - blurred[n + i]), of_a = fabsf(a[i] - mean),
            over = 1.0f / (1.0f + of_a);
        const float e = (fabsf(from_mean) - of_a) * over;
        const float g = (slope_at(e, ringing.one, ringing.four, ringing.inverse) * where(e > 0) -
                         slope_at(-e, blur.one, blur.four, blur.inverse) * where(e < 0)) * over;
        const float signed_g = g * (where(from_mean > 0) - where(from_mean < 0));
        direct[i] = signed_g;
        half[i] += 0.5f * signed_g;
    }
}
CODEC_KERNEL(codec_s2_edges_slope,
             (const float *a, const float *b, const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
              float *direct, float *half),
             (a, b, blurred, slope, n, direct, half))

/* Scaling the errors by 1 + x multiplies the blurred D and Q by 1 + x and (1 + x)^2. With P = blur(b d), the
 * derivatives at x = 0 are dD = D, dQ = 2 Q, dS = -2 P, db = -D; so of m and v: 2 m, 2 v, of t: 2 (b D - P), of
 * r = v / t: 2 r (1 - (b D - P) / t) = 2 r change, and de = 2 m (1 - r) + 2 (1 - m) r change. */
CODEC_BODY void codec_s2_ssim_gain_body(const float *CODEC_RESTRICT blurred, const struct codec_map_slope *slope,
                                        ptrdiff_t n, float *CODEC_RESTRICT gain)
{
    const float C2 = 0.0009f, one = slope->one, four = slope->four, inverse = slope->inverse;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float a = blurred[i], d = blurred[n + i], b = a - d, m = d * d;
        const float over = 1.0f / (blurred[3 * n + i] - a * a - b * b + C2), r = (blurred[2 * n + i] - m) * over;
        const float error = m + (1.0f - m) * r, change = 1.0f - (b * d - blurred[4 * n + i]) * over;
        const float g = slope_at(error, one, four, inverse) * where(error > 0);
        gain[i] -= 2.0f * g * (m * (1.0f - r) + (1.0f - m) * r * change);
    }
}
CODEC_KERNEL(codec_s2_ssim_gain, (const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n, float *gain),
             (blurred, slope, n, gain))

/* b - B changes by -(d - D). */
CODEC_BODY void codec_s2_edges_gain_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b,
                                         const float *CODEC_RESTRICT blurred, const struct codec_map_slope *slope,
                                         ptrdiff_t n, float *CODEC_RESTRICT gain)
{
    const struct codec_map_slope ringing = slope[0], blur = slope[1];
    for (ptrdiff_t i = 0; i < n; i++) {
        const float mean = blurred[i], d = blurred[n + i], from_mean = b[i] - (mean - d), of_a = fabsf(a[i] - mean),
            over = 1.0f / (1.0f + of_a);
        const float e = (fabsf(from_mean) - of_a) * over;
        const float g = (slope_at(e, ringing.one, ringing.four, ringing.inverse) * where(e > 0) -
                         slope_at(-e, blur.one, blur.four, blur.inverse) * where(e < 0)) * over;
        gain[i] += g * (where(from_mean > 0) - where(from_mean < 0)) * (a[i] - b[i] - d);
    }
}
CODEC_KERNEL(codec_s2_edges_gain,
             (const float *a, const float *b, const float *blurred, const struct codec_map_slope *slope, ptrdiff_t n,
              float *gain),
             (a, b, blurred, slope, n, gain))

/* The blur is symmetric and takes samples outside as 0, so it is its own adjoint. If 2 h, q and s are the derivatives
 * with respect to the blurred d = a - b, d^2 and a^2 + b^2, the derivative with respect to b is
 * direct - blur(2 h) - 2 d blur(q) + 2 b blur(s). */
CODEC_BODY void codec_s2_gather_body(const float *CODEC_RESTRICT a, const float *CODEC_RESTRICT b,
                                     const float *CODEC_RESTRICT direct, const float *CODEC_RESTRICT blurred,
                                     ptrdiff_t n, float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = direct[i] + 2.0f * (b[i] * blurred[2 * n + i] - (a[i] - b[i]) * blurred[n + i] - blurred[i]);
}
CODEC_KERNEL(codec_s2_gather, (const float *a, const float *b, const float *direct, const float *blurred, ptrdiff_t n,
                               float *out), (a, b, direct, blurred, n, out))

CODEC_BODY void codec_s2_gather_edges_body(const float *CODEC_RESTRICT direct, const float *CODEC_RESTRICT blurred,
                                           ptrdiff_t n, float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = direct[i] - 2.0f * blurred[i];
}
CODEC_KERNEL(codec_s2_gather_edges, (const float *direct, const float *blurred, ptrdiff_t n, float *out),
             (direct, blurred, n, out))

/* A cube root c of light has the derivative 1 / (3 c^2). The three roots are recovered from X = 7 (l - m) + 0.42,
 * Y = (l + m) / 2 + 0.01, B = s - (l + m) / 2 + 0.55, where l, m and s are the roots minus that of the bias. */
CODEC_BODY void codec_xyb_to_linear_slope_body(const float *CODEC_RESTRICT xyb, const float *CODEC_RESTRICT slope,
                                               ptrdiff_t n, float *CODEC_RESTRICT out)
{
    const float root = 0.15595420054924858f, third = 1.0f / 3.0f;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float x = (xyb[i] - 0.42f) * (1.0f / 14.0f), y = xyb[n + i] - 0.01f, l = y + x + root, m = y - x + root,
            s = xyb[2 * n + i] - 0.55f + y + root;
        const float of_x = 7.0f * slope[i], of_b = slope[2 * n + i], of_y = 0.5f * (slope[n + i] - of_b);
        const float of_l = (of_y + of_x) * third / (l * l), of_m = (of_y - of_x) * third / (m * m),
            of_s = of_b * third / (s * s);
        out[i] = 0.3f * of_l + 0.23f * of_m + 0.2434226892454782f * of_s;
        out[n + i] = 0.622f * of_l + 0.692f * of_m + 0.2047674442449682f * of_s;
        out[2 * n + i] = 0.078f * of_l + 0.078f * of_m + 0.5518098665095535f * of_s;
    }
}
CODEC_KERNEL(codec_xyb_to_linear_slope, (const float *xyb, const float *slope, ptrdiff_t n, float *out),
             (xyb, slope, n, out))

CODEC_BODY void codec_add_doubled_body(const float *CODEC_RESTRICT v, float part, ptrdiff_t n,
                                       float *CODEC_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < n / 2; i++) {
        out[2 * i] += part * v[i];
        out[2 * i + 1] += part * v[i];
    }
    if (n & 1) out[n - 1] += 2 * part * v[n / 2];
}
CODEC_KERNEL(codec_add_doubled, (const float *v, float part, ptrdiff_t n, float *out), (v, part, n, out))
