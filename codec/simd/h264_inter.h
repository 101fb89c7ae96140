/* Inter prediction samples of H.264 (8.4.2.2, 8.4.2.3). A body for h264dsp.c, compiled per sample size and level. */

/* The six-tap filter of 8.4.2.2.1 between p[0] and p[step]. */
#define TAP6(p, step) \
    ((p)[-2 * (step)] - 5 * (p)[-(step)] + 20 * (p)[0] + 20 * (p)[step] - 5 * (p)[2 * (step)] + (p)[3 * (step)])

/* 8.4.2.2.1. Figure 8-4 names the samples around the full sample G: b, h, j lie half a sample to the right, below, and
 * both; a quarter position is the mean of the two nearest of these:
 *   yFrac 0: G and b;  xFrac 0: G and h;  both odd: b and h;  xFrac 2: b and j;  yFrac 2: h and j,
 * where G, h lie one column further right with xFrac 3 (H, m), and G, b one row further down with yFrac 3 (M, s). */
INLINE void NAME(luma)(uint8_t *out, ptrdiff_t dst_stride, const uint8_t *in, ptrdiff_t src_stride, int w, int h,
                       int max, int xFrac, int yFrac, int average)
{
    const int use_j = (xFrac == 2 && yFrac != 0) || (yFrac == 2 && xFrac != 0);
    const int use_b = xFrac != 0 && yFrac != 2, use_h = yFrac != 0 && xFrac != 2;
    const int use_G = (xFrac == 0 || yFrac == 0) && xFrac != 2 && yFrac != 2;
    const ptrdiff_t stride = src_stride / (ptrdiff_t)sizeof(SAMPLE), right = xFrac == 3;
    const ptrdiff_t below = yFrac == 3 ? stride : 0;
    const SAMPLE *src = (const SAMPLE *)in;
    SAMPLE *CODEC_RESTRICT dst = (SAMPLE *)out;
    int32_t across[21 * 16]; /* b1 of rows -2..h+2: at most 14 bits times 52, 20 bits; its own six taps stay below 26 */
    max = MAX_OF(max);
    codec_assert(w == 4 || w == 8 || w == 16);
    codec_assert(h == 4 || h == 8 || h == 16);
    if (use_j)
        for (int y = 0; y < h + 5; y++)
            for (int x = 0; x < w; x++)
                across[16 * y + x] = TAP6(src + (y - 2) * stride + x, 1);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const SAMPLE *G = src + x;
            int value = 0;
            if (use_G) value += G[right + below];
            if (use_b) value += clip1((TAP6(G + below, 1) + 16) >> 5, max);
            if (use_h) value += clip1((TAP6(G + right, stride) + 16) >> 5, max);
            if (use_j) value += clip1((TAP6(across + 16 * (y + 2) + x, 16) + 512) >> 10, max);
            if (use_G + use_b + use_h + use_j == 2) value = (value + 1) >> 1;
            dst[x] = (SAMPLE)(average ? (dst[x] + value + 1) >> 1 : value);
        }
        src += stride;
        dst += dst_stride / (ptrdiff_t)sizeof(SAMPLE);
    }
}

#define LUMA(xFrac, yFrac)                                                                                       \
    KERNEL CODEC_NOINLINE void NAME(luma_##xFrac##yFrac)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, \
                                                         ptrdiff_t src_stride, int w, int h, int max,            \
                                                   int average)                                                  \
    {                                                                                                            \
        NAME(luma)(dst, dst_stride, src, src_stride, w, h, max, xFrac, yFrac, average);                          \
    }                                                                                                            \
    KERNEL void NAME(put_luma_##xFrac##yFrac)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,            \
                                              ptrdiff_t src_stride, int w, int h, int max)                       \
    {                                                                                                            \
        NAME(luma_##xFrac##yFrac)(dst, dst_stride, src, src_stride, w, h, max, 0);                               \
    }                                                                                                            \
    KERNEL void NAME(avg_luma_##xFrac##yFrac)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,            \
                                              ptrdiff_t src_stride, int w, int h, int max)                       \
    {                                                                                                            \
        NAME(luma_##xFrac##yFrac)(dst, dst_stride, src, src_stride, w, h, max, 1);                               \
    }
LUMA(0, 0) LUMA(1, 0) LUMA(2, 0) LUMA(3, 0)
LUMA(0, 1) LUMA(1, 1) LUMA(2, 1) LUMA(3, 1)
LUMA(0, 2) LUMA(1, 2) LUMA(2, 2) LUMA(3, 2)
LUMA(0, 3) LUMA(1, 3) LUMA(2, 3) LUMA(3, 3)
#undef LUMA

/* 8.4.2.2.2. A lower row of weight 0 is not read: it may lie outside the picture's memory. */
INLINE void NAME(chroma)(uint8_t *const out[2], ptrdiff_t dst_stride, const uint8_t *const in[2], ptrdiff_t src_stride,
                         int w, int h, int xFrac, int yFrac, int average)
{
    const ptrdiff_t stride = src_stride / (ptrdiff_t)sizeof(SAMPLE), below = yFrac != 0 ? stride : 0;
    codec_assert(w == 2 || w == 4 || w == 8);
    codec_assert_range(0, xFrac, 7);
    codec_assert_range(0, yFrac, 7);
    for (int c = 0; c < 2; c++) {
        const SAMPLE *src = (const SAMPLE *)in[c];
        SAMPLE *CODEC_RESTRICT dst = (SAMPLE *)out[c];
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                const int upper = (8 - xFrac) * src[x] + xFrac * src[x + 1];
                const int lower = (8 - xFrac) * src[x + below] + xFrac * src[x + 1 + below];
                const int value = ((8 - yFrac) * upper + yFrac * lower + 32) >> 6;
                dst[x] = (SAMPLE)(average ? (dst[x] + value + 1) >> 1 : value);
            }
            src += stride;
            dst += dst_stride / (ptrdiff_t)sizeof(SAMPLE);
        }
    }
}

KERNEL void NAME(put_chroma)(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2],
                             ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac)
{
    NAME(chroma)(dst, dst_stride, src, src_stride, w, h, xFrac, yFrac, 0);
}

KERNEL void NAME(avg_chroma)(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2],
                             ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac)
{
    NAME(chroma)(dst, dst_stride, src, src_stride, w, h, xFrac, yFrac, 1);
}

/* 8.4.2.3.2, prediction from one list. */
KERNEL void NAME(weight)(uint8_t *block, ptrdiff_t stride, int w, int h, int logWD, int weight, int offset, int max)
{
    const int rounding = logWD >= 1 ? 1 << (logWD - 1) : 0;
    max = MAX_OF(max);
    codec_assert_range(0, logWD, 7);
    for (int y = 0; y < h; y++) {
        SAMPLE *row = (SAMPLE *)(block + y * stride);
        for (int x = 0; x < w; x++) row[x] = (SAMPLE)clip1(((row[x] * weight + rounding) >> logWD) + offset, max);
    }
}

/* 8.4.2.3.2, prediction from both lists. */
KERNEL void NAME(biweight)(uint8_t *out, ptrdiff_t dst_stride, const uint8_t *in, ptrdiff_t src_stride, int w, int h,
                           int logWD, int w0, int w1, int offset, int max)
{
    max = MAX_OF(max);
    codec_assert_range(0, logWD, 7);
    for (int y = 0; y < h; y++) {
        SAMPLE *CODEC_RESTRICT dst = (SAMPLE *)(out + y * dst_stride);
        const SAMPLE *src = (const SAMPLE *)(in + y * src_stride);
        for (int x = 0; x < w; x++)
            dst[x] = (SAMPLE)clip1(((dst[x] * w0 + src[x] * w1 + (1 << logWD)) >> (logWD + 1)) + offset, max);
    }
}
#undef TAP6
