/* Intra prediction samples of H.264 (8.3). A body for h264dsp.c, compiled per sample size and level. */

#define EDGE_OF(e, buffer, n) SAMPLE buffer[4 * (n) + 2], *const e = buffer + 2 * (n) /* e[-2n .. 2n + 1] */
#define MEAN2(a, b) (((a) + (b) + 1) >> 1)
#define MEAN3(e) (((e)[-1] + 2 * (e)[0] + (e)[1] + 2) >> 2) /* the centre counts twice */

/* The neighbouring samples on one line, up the left column, through the corner and along the row above: e[-1 - k] =
 * p[-1, k], e[0] = p[-1, -1], e[1 + k] = p[k, -1], k = 0..n-1 to the left and 0..2n-1 above. Past both ends the last
 * sample is repeated, so that the special cases for the last samples in 8.3.1.2.4 and 8.3.1.2.9 (8.3.2.2.5, 8.3.2.2.10)
 * follow from the general rule. Unavailable samples are not read and are 0. */
INLINE void NAME(gather_edge)(const SAMPLE *dst, ptrdiff_t s, int n, int available, SAMPLE *e)
{
    for (int k = -2 * n; k <= 2 * n + 1; k++) e[k] = 0;
    if (available & H264_LEFT) {
        for (int k = 0; k < n; k++) e[-1 - k] = dst[k * s - 1];
        for (int k = n; k < 2 * n; k++) e[-1 - k] = dst[(n - 1) * s - 1];
    }
    if (available & H264_TOPLEFT) e[0] = dst[-s - 1];
    if (available & H264_TOP) {
        for (int k = 0; k < n; k++) e[1 + k] = dst[k - s];
        for (int k = n; k < 2 * n; k++) e[1 + k] = available & H264_TOPRIGHT ? dst[k - s] : dst[n - 1 - s];
        e[2 * n + 1] = e[2 * n];
    }
}

/* 8.3.2.2.1: the reference samples of 8x8 blocks are smoothed; the sample itself replaces a missing
 * neighbour along the line. */
INLINE void NAME(smooth_edge)(SAMPLE *e, int available)
{
    SAMPLE from[34], *const f = from + 16;
    const int corner = available & H264_TOPLEFT, left = available & H264_LEFT, top = available & H264_TOP;
    for (int k = -16; k <= 17; k++) f[k] = e[k];
    if (corner) {
        f[-1] = left ? e[-1] : e[0];
        f[1] = top ? e[1] : e[0];
        e[0] = MEAN3(f);
        f[-1] = e[-1];
        f[1] = e[1];
    }
    if (left) {
        if (!corner) f[0] = f[-1];
        for (int k = -8; k <= -1; k++) e[k] = MEAN3(f + k);
        for (int k = -16; k < -8; k++) e[k] = e[-8];
    }
    if (top) {
        if (!corner) f[0] = f[1];
        for (int k = 1; k <= 16; k++) e[k] = MEAN3(f + k);
        e[17] = e[16];
    }
}

INLINE int NAME(dc_of)(const SAMPLE *e, int n, int available, int max)
{
    const int log2n = n == 4 ? 2 : 3, left = available & H264_LEFT, top = available & H264_TOP;
    int sum = 0;
    if (left) for (int k = 1; k <= n; k++) sum += e[-k];
    if (top) for (int k = 1; k <= n; k++) sum += e[k];
    return left && top ? (sum + n) >> (log2n + 1) : left || top ? (sum + n / 2) >> log2n : (max + 1) >> 1;
}

/* The nine modes of 4x4 and 8x8 blocks (8.3.1.2.1 to 8.3.1.2.9, 8.3.2.2.2 to 8.3.2.2.10) along the edge line. */
INLINE int NAME(directional)(const SAMPLE *e, int mode, int x, int y, int dc)
{
    const int zVR = 2 * x - y, zHD = 2 * y - x;
    switch (mode) {
    case 0: return e[1 + x];
    case 1: return e[-1 - y];
    case 2: return dc;
    /* diagonal down left */
    case 3: return MEAN3(e + x + y + 2);
    /* diagonal down right */
    case 4: return MEAN3(e + x - y);
    /* vertical right */
    case 5:
        if (zVR < -1) return MEAN3(e + zVR + 1);
        return zVR & 1 ? MEAN3(e + x - (y >> 1)) : MEAN2(e[x - (y >> 1)], e[x - (y >> 1) + 1]);
    /* horizontal down */
    case 6:
        if (zHD < -1) return MEAN3(e - zHD - 1);
        return zHD & 1 ? MEAN3(e - y + (x >> 1)) : MEAN2(e[-y + (x >> 1)], e[-y + (x >> 1) - 1]);
    /* vertical left */
    case 7: return y & 1 ? MEAN3(e + 2 + x + (y >> 1)) : MEAN2(e[1 + x + (y >> 1)], e[2 + x + (y >> 1)]);
    /* horizontal up */
    default: return x & 1 ? MEAN3(e - 2 - y - (x >> 1)) : MEAN2(e[-1 - y - (x >> 1)], e[-2 - y - (x >> 1)]);
    }
}

#define DIRECTIONAL(n, mode)                                                                                       \
    KERNEL void NAME(intra##n##x##n##_##mode)(uint8_t *out, ptrdiff_t stride, int available, int max)              \
    {                                                                                                              \
        const ptrdiff_t s = stride / (ptrdiff_t)sizeof(SAMPLE);                                                    \
        SAMPLE *dst = (SAMPLE *)out;                                                                               \
        EDGE_OF(e, buffer, n);                                                                                     \
        int dc;                                                                                                    \
        NAME(gather_edge)(dst, s, n, available, e);                                                                \
        if (n == 8) NAME(smooth_edge)(e, available);                                                               \
        dc = mode == 2 ? NAME(dc_of)(e, n, available, MAX_OF(max)) : 0;                                            \
        for (int y = 0; y < n; y++)                                                                                \
            for (int x = 0; x < n; x++) dst[y * s + x] = (SAMPLE)NAME(directional)(e, mode, x, y, dc);             \
    }
DIRECTIONAL(4, 0) DIRECTIONAL(4, 1) DIRECTIONAL(4, 2)
#ifndef INTRA_BY_HAND /* x86/h264_intra_avx2.c */
DIRECTIONAL(4, 3) DIRECTIONAL(4, 4) DIRECTIONAL(4, 5) DIRECTIONAL(4, 6) DIRECTIONAL(4, 7) DIRECTIONAL(4, 8)
DIRECTIONAL(8, 0) DIRECTIONAL(8, 1) DIRECTIONAL(8, 2) DIRECTIONAL(8, 3) DIRECTIONAL(8, 4)
DIRECTIONAL(8, 5) DIRECTIONAL(8, 6) DIRECTIONAL(8, 7) DIRECTIONAL(8, 8)
#endif
#undef DIRECTIONAL
#undef EDGE_OF
#undef MEAN2
#undef MEAN3

INLINE void NAME(copy_down)(SAMPLE *dst, ptrdiff_t s, int w, int h)
{
    for (int y = 0; y < h; y++) memcpy(dst + y * s, dst - s, (size_t)w * sizeof *dst);
}

INLINE void NAME(copy_across)(SAMPLE *dst, ptrdiff_t s, int w, int h)
{
    for (int y = 0; y < h; y++) {
        const SAMPLE left = dst[y * s - 1]; /* read once: compilers cannot know that the line does not change it */
        for (int x = 0; x < w; x++) dst[y * s + x] = left;
    }
}

INLINE void NAME(fill)(SAMPLE *dst, ptrdiff_t s, int w, int h, int value)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) dst[y * s + x] = (SAMPLE)value;
}

/* 8.3.3.4 and 8.3.4.4 are one rule: a plane through the centre whose slopes are weighted differences across it. Over 16
 * samples the weight is 5 / 64, over 8 it is 34 / 64. */
INLINE void NAME(plane)(SAMPLE *dst, ptrdiff_t s, int w, int h, int max)
{
    const SAMPLE *top = dst - s;
    const int a = 16 * (dst[(h - 1) * s - 1] + top[w - 1]);
    int H = 0, V = 0, b, c;
    for (int k = 0; k < w / 2; k++) H += (k + 1) * (top[w / 2 + k] - top[w / 2 - 2 - k]);
    for (int k = 0; k < h / 2; k++) V += (k + 1) * (dst[(h / 2 + k) * s - 1] - dst[(h / 2 - 2 - k) * s - 1]);
    b = ((w == 16 ? 5 : 34) * H + 32) >> 6;
    c = ((h == 16 ? 5 : 34) * V + 32) >> 6;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            dst[y * s + x] = (SAMPLE)clip1((a + b * (x - w / 2 + 1) + c * (y - h / 2 + 1) + 16) >> 5, max);
}

INLINE int NAME(sum_top)(const SAMPLE *dst, ptrdiff_t s, int n)
{
    int sum = 0;
    for (int k = 0; k < n; k++) sum += dst[k - s];
    return sum;
}

INLINE int NAME(sum_left)(const SAMPLE *dst, ptrdiff_t s, int n)
{
    int sum = 0;
    for (int k = 0; k < n; k++) sum += dst[k * s - 1];
    return sum;
}

KERNEL void NAME(intra16x16_0)(uint8_t *dst, ptrdiff_t stride, int available, int max)
{
    (void)available;
    (void)max;
    NAME(copy_down)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 16, 16);
}

KERNEL void NAME(intra16x16_1)(uint8_t *dst, ptrdiff_t stride, int available, int max)
{
    (void)available;
    (void)max;
    NAME(copy_across)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 16, 16);
}

KERNEL void NAME(intra16x16_2)(uint8_t *out, ptrdiff_t stride, int available, int max)
{
    const ptrdiff_t s = stride / (ptrdiff_t)sizeof(SAMPLE);
    SAMPLE *dst = (SAMPLE *)out;
    const int left = available & H264_LEFT, top = available & H264_TOP;
    const int sum = (left ? NAME(sum_left)(dst, s, 16) : 0) + (top ? NAME(sum_top)(dst, s, 16) : 0);
    NAME(fill)(dst, s, 16, 16, left && top ? (sum + 16) >> 5 : left || top ? (sum + 8) >> 4 : (MAX_OF(max) + 1) >> 1);
}

KERNEL void NAME(intra16x16_3)(uint8_t *dst, ptrdiff_t stride, int available, int max)
{
    (void)available;
    NAME(plane)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 16, 16, MAX_OF(max));
}

/* 8.3.4.1 to 8.3.4.3: blocks on the diagonal, and all of the right column below the first row, average both sides; the
 * others prefer the side that they touch. */
INLINE void NAME(chroma_dc)(SAMPLE *dst, ptrdiff_t s, int h, int available, int max)
{
    for (int y = 0; y < h; y += 4) {
        const int top = available & H264_TOP,
            left = available & (H264_LEFT | (y < h / 2 ? H264_LEFT_UPPER : H264_LEFT_LOWER));
        const int sum_left = left ? NAME(sum_left)(dst + y * s, s, 4) : 0;
        for (int x = 0; x < 8; x += 4) {
            const int sum_top = top ? NAME(sum_top)(dst + x, s, 4) : 0, prefer_top = x > 0 && y == 0,
                prefer_left = x == 0 && y > 0;
            int value;
            if (top && left && !prefer_top && !prefer_left) value = (sum_top + sum_left + 4) >> 3;
            else if (left && !(top && prefer_top)) value = (sum_left + 2) >> 2;
            else if (top) value = (sum_top + 2) >> 2;
            else value = (max + 1) >> 1;
            NAME(fill)(dst + y * s + x, s, 4, 4, value);
        }
    }
}

#define CHROMA(h)                                                                                      \
    KERNEL void NAME(intra_chroma##h##_0)(uint8_t *dst, ptrdiff_t stride, int available, int max)      \
    {                                                                                                  \
        NAME(chroma_dc)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), h, available, MAX_OF(max)); \
    }                                                                                                  \
    KERNEL void NAME(intra_chroma##h##_1)(uint8_t *dst, ptrdiff_t stride, int available, int max)      \
    {                                                                                                  \
        (void)available; (void)max;                                                                    \
        NAME(copy_across)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 8, h);                    \
    }                                                                                                  \
    KERNEL void NAME(intra_chroma##h##_2)(uint8_t *dst, ptrdiff_t stride, int available, int max)      \
    {                                                                                                  \
        (void)available; (void)max;                                                                    \
        NAME(copy_down)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 8, h);                      \
    }                                                                                                  \
    KERNEL void NAME(intra_chroma##h##_3)(uint8_t *dst, ptrdiff_t stride, int available, int max)      \
    {                                                                                                  \
        (void)available;                                                                               \
        NAME(plane)((SAMPLE *)dst, stride / (ptrdiff_t)sizeof(SAMPLE), 8, h, MAX_OF(max));             \
    }
CHROMA(8)
CHROMA(16)
#undef CHROMA
