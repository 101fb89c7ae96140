/* Inverse transforms of H.264 (8.5.12.2, 8.5.13), and the residual that bypasses them (8.5.15). A body for h264dsp.c,
 * compiled per sample size and level. Sums of hostile coefficients wrap. */

INLINE void NAME(add_block)(uint8_t *out, ptrdiff_t stride, const int32_t *r, int n, int max)
{
    for (int y = 0; y < n; y++) {
        SAMPLE *CODEC_RESTRICT dst = (SAMPLE *)(out + y * stride);
        for (int x = 0; x < n; x++) dst[x] = (SAMPLE)clip1(dst[x] + ((r[n * y + x] + 32) >> 6), max);
    }
}

/* One dimension of 8.5.12.2, over elements `step` apart. */
INLINE void NAME(transform4)(int32_t *d, int step)
{
    const int e0 = d[0] + d[2 * step], e1 = d[0] - d[2 * step], e2 = (d[step] >> 1) - d[3 * step],
        e3 = d[step] + (d[3 * step] >> 1);
    d[0] = e0 + e3;
    d[step] = e1 + e2;
    d[2 * step] = e1 - e2;
    d[3 * step] = e0 - e3;
}

KERNEL void NAME(idct4x4_add)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    for (int i = 0; i < 4; i++) NAME(transform4)(d + 4 * i, 1);
    for (int j = 0; j < 4; j++) NAME(transform4)(d + j, 4);
    NAME(add_block)(dst, stride, d, 4, MAX_OF(max));
    memset(d, 0, 16 * sizeof *d);
}

/* One dimension of 8.5.13. */
INLINE void NAME(transform8)(int32_t *d, int s)
{
    const int a0 = d[0] + d[4 * s], a2 = d[0] - d[4 * s], a4 = (d[2 * s] >> 1) - d[6 * s],
        a6 = d[2 * s] + (d[6 * s] >> 1);
    const int a1 = -d[3 * s] + d[5 * s] - d[7 * s] - (d[7 * s] >> 1), a3 = d[s] + d[7 * s] - d[3 * s] - (d[3 * s] >> 1);
    const int a5 = -d[s] + d[7 * s] + d[5 * s] + (d[5 * s] >> 1), a7 = d[3 * s] + d[5 * s] + d[s] + (d[s] >> 1);
    const int b0 = a0 + a6, b2 = a2 + a4, b4 = a2 - a4, b6 = a0 - a6;
    const int b1 = a1 + (a7 >> 2), b3 = a3 + (a5 >> 2), b5 = (a3 >> 2) - a5, b7 = a7 - (a1 >> 2);
    d[0] = b0 + b7;
    d[s] = b2 + b5;
    d[2 * s] = b4 + b3;
    d[3 * s] = b6 + b1;
    d[4 * s] = b6 - b1;
    d[5 * s] = b4 - b3;
    d[6 * s] = b2 - b5;
    d[7 * s] = b0 - b7;
}

KERNEL void NAME(idct8x8_add)(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    for (int i = 0; i < 8; i++) NAME(transform8)(d + 8 * i, 1);
    for (int j = 0; j < 8; j++) NAME(transform8)(d + j, 8);
    NAME(add_block)(dst, stride, d, 8, MAX_OF(max));
    memset(d, 0, 64 * sizeof *d);
}

/* If only d[0] is nonzero, both transforms give d[0] everywhere. */
INLINE void NAME(dc_add)(uint8_t *out, ptrdiff_t stride, int32_t *d, int n, int max)
{
    const int dc = (d[0] + 32) >> 6;
    d[0] = 0;
    for (int y = 0; y < n; y++) {
        SAMPLE *CODEC_RESTRICT dst = (SAMPLE *)(out + y * stride);
        for (int x = 0; x < n; x++) dst[x] = (SAMPLE)clip1(dst[x] + dc, max);
    }
}

KERNEL void NAME(idct4x4_dc_add)(uint8_t *dst, ptrdiff_t stride, int32_t *d,
                                 int max) { NAME(dc_add)(dst, stride, d, 4, MAX_OF(max)); }
KERNEL void NAME(idct8x8_dc_add)(uint8_t *dst, ptrdiff_t stride, int32_t *d,
                                 int max) { NAME(dc_add)(dst, stride, d, 8, MAX_OF(max)); }

/* 8.5.15 sums the residual along the direction of the prediction. */
KERNEL void NAME(bypass_add)(uint8_t *out, ptrdiff_t stride, int32_t *d, int n, int sums, int max)
{
    max = MAX_OF(max);
    for (int y = 0; y < n; y++) {
        SAMPLE *dst = (SAMPLE *)(out + y * stride);
        for (int x = 0; x < n; x++) {
            if (sums == H264_SUM_DOWN && y > 0) d[n * y + x] += d[n * (y - 1) + x];
            if (sums == H264_SUM_ACROSS && x > 0) d[n * y + x] += d[n * y + x - 1];
            dst[x] = (SAMPLE)clip1(dst[x] + d[n * y + x], max);
        }
    }
    memset(d, 0, (size_t)(n * n) * sizeof *d);
}
