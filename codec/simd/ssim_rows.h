/* Row kernels of SSIM for one precision, given by REAL, NAME and BODY. metrics.c includes this file once per precision;
 * contracts are in metrics.h. */

CODEC_BODY void BODY(codec_blur11_down)(const REAL *const *r, const double *w, ptrdiff_t n, REAL *CODEC_RESTRICT out)
{
    const REAL *r0 = r[0], *r1 = r[1], *r2 = r[2], *r3 = r[3], *r4 = r[4], *r5 = r[5], *r6 = r[6], *r7 = r[7],
        *r8 = r[8], *r9 = r[9], *r10 = r[10];
    const REAL w0 = (REAL)w[0], w1 = (REAL)w[1], w2 = (REAL)w[2], w3 = (REAL)w[3], w4 = (REAL)w[4], w5 = (REAL)w[5];
    for (ptrdiff_t x = 0; x < n; x++)
        out[x] = w0 * (r0[x] + r10[x]) + w1 * (r1[x] + r9[x]) + w2 * (r2[x] + r8[x]) + w3 * (r3[x] + r7[x])
            + w4 * (r4[x] + r6[x]) + w5 * r5[x];
}
CODEC_KERNEL(NAME(codec_blur11_down), (const REAL *const *r, const double *w, ptrdiff_t n, REAL *out), (r, w, n, out))

CODEC_BODY void BODY(codec_blur11_across)(const REAL *CODEC_RESTRICT v, const double *w, ptrdiff_t n,
                                          REAL *CODEC_RESTRICT out)
{
    const REAL w0 = (REAL)w[0], w1 = (REAL)w[1], w2 = (REAL)w[2], w3 = (REAL)w[3], w4 = (REAL)w[4], w5 = (REAL)w[5];
    for (ptrdiff_t x = 0; x < n; x++)
        out[x] = w0 * (v[x] + v[x + 10]) + w1 * (v[x + 1] + v[x + 9]) + w2 * (v[x + 2] + v[x + 8])
            + w3 * (v[x + 3] + v[x + 7]) + w4 * (v[x + 4] + v[x + 6]) + w5 * v[x + 5];
}
CODEC_KERNEL(NAME(codec_blur11_across), (const REAL *v, const double *w, ptrdiff_t n, REAL *out), (v, w, n, out))

CODEC_BODY void BODY(codec_ssim_maps)(const REAL *CODEC_RESTRICT blurred, ptrdiff_t width,
                                      const struct codec_ssim_constants *k, ptrdiff_t n, REAL *CODEC_RESTRICT ssim,
                                      REAL *CODEC_RESTRICT cs)
{
    const REAL offset = (REAL)k->offset, c1 = (REAL)k->c1, c2 = (REAL)k->c2, correction = (REAL)k->correction;
    for (ptrdiff_t x = 0; x < n; x++) {
        const REAL ms = blurred[x], md = blurred[width + x];
        REAL vs = blurred[2 * width + x] - ms * ms, vd = blurred[3 * width + x] - md * md;
        /* A variance that rounding made negative counts as 0, so that |cs| <= 1. Written so that NaN propagates. */
        vs = (0 > vs ? 0 : vs) * correction;
        vd = (0 > vd ? 0 : vd) * correction;
        const REAL s2 = (ms + offset) * (ms + offset), d2 = md * md, structure = (vs - vd + c2) / (vs + vd + c2);
        cs[x] = structure;
        ssim[x] = (s2 - d2 + c1) / (s2 + d2 + c1) * structure;
    }
}
CODEC_KERNEL(NAME(codec_ssim_maps), (const REAL *blurred, ptrdiff_t width, const struct codec_ssim_constants *k,
                                     ptrdiff_t n, REAL *ssim, REAL *cs), (blurred, width, k, n, ssim, cs))
