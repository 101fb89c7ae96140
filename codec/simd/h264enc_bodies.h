/* Portable bodies of the encoder's kernels (h264enc.h), for one level. h264enc.c includes this with NAME(x) and
 * TARGET. */

#define KERNEL static TARGET
#define INLINE static inline CODEC_ALWAYS_INLINE TARGET

/* ---- differences */

INLINE int NAME(sad_body)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int w, int h)
{
    int sum = 0;
    for (int y = 0; y < h; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < w; x++) sum += abs(a[x] - b[x]);
    return sum;
}

/* |a + b| + |a - b| = 2 max(|a|, |b|): the last stage, with the halving. */
INLINE int NAME(satd_4x4)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride)
{
    int t[4][4], sum = 0;
    for (int y = 0; y < 4; y++, a += a_stride, b += b_stride) {
        const int d0 = a[0] - b[0], d1 = a[1] - b[1], d2 = a[2] - b[2], d3 = a[3] - b[3];
        const int s01 = d0 + d1, m01 = d0 - d1, s23 = d2 + d3, m23 = d2 - d3;
        t[y][0] = s01 + s23;
        t[y][1] = s01 - s23;
        t[y][2] = m01 + m23;
        t[y][3] = m01 - m23;
    }
    for (int x = 0; x < 4; x++) {
        const int s01 = t[0][x] + t[1][x], m01 = t[0][x] - t[1][x], s23 = t[2][x] + t[3][x], m23 = t[2][x] - t[3][x];
        const int p = abs(s01), q = abs(s23), r = abs(m01), s = abs(m23);
        sum += (p > q ? p : q) + (r > s ? r : s);
    }
    return sum;
}

INLINE int NAME(satd_body)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int w, int h)
{
    int sum = 0;
    for (int y = 0; y < h; y += 4)
        for (int x = 0; x < w; x += 4)
            sum += NAME(satd_4x4)(a + y * a_stride + x, a_stride, b + y * b_stride + x, b_stride);
    return sum;
}

/* Four sums and four differences of 8 values that are `step` apart. */
INLINE void NAME(hadamard_8)(int *t, int step)
{
    for (int n = 1; n < 8; n *= 2)
        for (int i = 0; i < 8; i++)
            if (!(i & n)) {
                const int u = t[step * i], v = t[step * (i + n)];
                t[step * i] = u + v;
                t[step * (i + n)] = u - v;
            }
}

INLINE int NAME(sa8d_body)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int w, int h)
{
    int sum = 0;
    for (int y = 0; y < h; y += 8)
        for (int x = 0; x < w; x += 8) {
            int t[64];
            for (int i = 0; i < 64; i++)
                t[i] = a[(y + i / 8) * a_stride + x + i % 8] - b[(y + i / 8) * b_stride + x + i % 8];
            for (int i = 0; i < 8; i++) NAME(hadamard_8)(t + 8 * i, 1);
            for (int i = 0; i < 8; i++) NAME(hadamard_8)(t + i, 8);
            for (int i = 0; i < 64; i++) sum += abs(t[i]);
        }
    return (sum + 2) >> 2;
}

INLINE int NAME(ssd_body)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int w, int h)
{
    int sum = 0;
    for (int y = 0; y < h; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < w; x++) sum += (a[x] - b[x]) * (a[x] - b[x]);
    return sum;
}

#define DIFFERENCE(name, w)                                                                                       \
    KERNEL int NAME(name##_##w)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h) \
    {                                                                                                             \
        return NAME(name##_body)(a, a_stride, b, b_stride, w, h);                                                 \
    }
#define FOUR(name, w)                                                                                            \
    KERNEL void NAME(name##4_##w)(int sums[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],  \
                                  ptrdiff_t b_stride, int h)                                                     \
    {                                                                                                            \
        for (int i = 0; i < 4; i++) sums[i] = NAME(name##_body)(a, a_stride, b[i], b_stride, w, h);              \
    }
DIFFERENCE(sad, 16)
DIFFERENCE(sad, 8)
DIFFERENCE(sad, 4)
DIFFERENCE(satd, 16)
DIFFERENCE(satd, 8)
DIFFERENCE(satd, 4)
DIFFERENCE(ssd, 16)
DIFFERENCE(ssd, 8)
DIFFERENCE(ssd, 4)
DIFFERENCE(sa8d, 16)
DIFFERENCE(sa8d, 8)
FOUR(sad, 16)
FOUR(sad, 8)
FOUR(sad, 4)
FOUR(satd, 16)
FOUR(satd, 8)
FOUR(satd, 4)
#undef DIFFERENCE
#undef FOUR

/* ---- interpolation */

KERNEL void NAME(average)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                          ptrdiff_t b_stride, int w, int h)
{
    for (int y = 0; y < h; y++, dst += dst_stride, a += a_stride, b += b_stride) {
        if (w == 16)
            for (int x = 0; x < 16; x++) dst[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
        else if (w == 8)
            for (int x = 0; x < 8; x++) dst[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
        else
            for (int x = 0; x < 4; x++) dst[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
    }
}

/* Vertical sums are within -10 * 255 and 42 * 255; 16 bits hold them, and 32 the sums over six of them. */
KERNEL void NAME(half_samples)(uint8_t *CODEC_RESTRICT b, uint8_t *CODEC_RESTRICT h, uint8_t *CODEC_RESTRICT j,
                               const uint8_t *CODEC_RESTRICT src, ptrdiff_t stride, int w,
                               int16_t *CODEC_RESTRICT work)
{
    for (int x = 0; x < w + 5; x++) {
        const uint8_t *p = src + x - 2;
        work[x] = (int16_t)(p[-2 * stride] + p[3 * stride] - 5 * (p[-stride] + p[2 * stride]) +
                            20 * (p[0] + p[stride]));
    }
    for (int x = 0; x < w; x++) {
        const int across = src[x - 2] + src[x + 3] - 5 * (src[x - 1] + src[x + 2]) + 20 * (src[x] + src[x + 1]);
        b[x] = (uint8_t)clip1((across + 16) >> 5, 255);
    }
    for (int x = 0; x < w; x++) h[x] = (uint8_t)clip1((work[x + 2] + 16) >> 5, 255);
    for (int x = 0; x < w; x++) {
        const int both = work[x] + work[x + 5] - 5 * (work[x + 1] + work[x + 4]) + 20 * (work[x + 2] + work[x + 3]);
        j[x] = (uint8_t)clip1((both + 512) >> 10, 255);
    }
}

KERNEL void NAME(halve)(uint8_t *CODEC_RESTRICT out, const uint8_t *a, const uint8_t *b, ptrdiff_t count)
{
    for (ptrdiff_t x = 0; x < count; x++)
        out[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
}

/* ---- transforms: the transposes of 8.5.12.2 and 8.5.13 */

INLINE void NAME(forward4)(int *d, int s)
{
    const int e0 = d[0] + d[3 * s], e3 = d[0] - d[3 * s], e1 = d[s] + d[2 * s], e2 = d[s] - d[2 * s];
    d[0] = e0 + e1;
    d[s] = 2 * e3 + e2;
    d[2 * s] = e0 - e1;
    d[3 * s] = e3 - 2 * e2;
}

KERNEL void NAME(forward_one)(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                              ptrdiff_t pred_stride)
{
    int t[16];
    for (int i = 0; i < 16; i++) t[i] = src[(i >> 2) * src_stride + (i & 3)] - pred[(i >> 2) * pred_stride + (i & 3)];
    for (int i = 0; i < 4; i++) NAME(forward4)(t + 4 * i, 1);
    for (int i = 0; i < 4; i++) NAME(forward4)(t + i, 4);
    for (int i = 0; i < 16; i++) d[i] = (int16_t)t[i];
}

KERNEL void NAME(forward4x4)(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                             ptrdiff_t pred_stride)
{
    for (int block = 0; block < 4; block++)
        NAME(forward_one)(d + 16 * block, src + 4 * (block >> 1) * src_stride + 4 * (block & 1), src_stride,
                          pred + 4 * (block >> 1) * pred_stride + 4 * (block & 1), pred_stride);
}

INLINE void NAME(forward8)(int *d, int s)
{
    const int s07 = d[0] + d[7 * s], s16 = d[s] + d[6 * s], s25 = d[2 * s] + d[5 * s], s34 = d[3 * s] + d[4 * s];
    const int d07 = d[0] - d[7 * s], d16 = d[s] - d[6 * s], d25 = d[2 * s] - d[5 * s], d34 = d[3 * s] - d[4 * s];
    const int a0 = s07 + s34, a1 = s16 + s25, a2 = s07 - s34, a3 = s16 - s25;
    const int a4 = d16 + d25 + d07 + (d07 >> 1), a5 = d07 - d34 - d25 - (d25 >> 1);
    const int a6 = d07 + d34 - d16 - (d16 >> 1), a7 = d16 - d25 + d34 + (d34 >> 1);
    d[0] = a0 + a1;
    d[s] = a4 + (a7 >> 2);
    d[2 * s] = a2 + (a3 >> 1);
    d[3 * s] = a5 + (a6 >> 2);
    d[4 * s] = a0 - a1;
    d[5 * s] = a6 - (a5 >> 2);
    d[6 * s] = (a2 >> 1) - a3;
    d[7 * s] = (a4 >> 2) - a7;
}

KERNEL void NAME(forward8x8)(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                             ptrdiff_t pred_stride)
{
    int t[64];
    for (int i = 0; i < 64; i++) t[i] = src[(i >> 3) * src_stride + (i & 7)] - pred[(i >> 3) * pred_stride + (i & 7)];
    for (int i = 0; i < 8; i++) NAME(forward8)(t + i, 8);
    for (int i = 0; i < 8; i++) NAME(forward8)(t + 8 * i, 1);
    for (int i = 0; i < 64; i++) d[i] = (int16_t)t[i];
}

/* ---- quantization */

KERNEL int NAME(quantize)(int16_t *CODEC_RESTRICT level, const int16_t *CODEC_RESTRICT d,
                          const uint16_t *CODEC_RESTRICT scale, const uint16_t *CODEC_RESTRICT bias, int n)
{
    int any = 0;
    for (int i = 0; i < n; i++) {
        const int sign = d[i] >> 15;
        const int magnitude = (int)(((uint32_t)((d[i] ^ sign) - sign + bias[i]) * scale[i]) >> 16);
        level[i] = (int16_t)((magnitude ^ sign) - sign);
        any |= magnitude;
    }
    return any != 0;
}

#undef KERNEL
#undef INLINE
