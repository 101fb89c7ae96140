/* The transforms of A.3.3 by the algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), scaled so that one pass
 * multiplies by sqrt(8). The AVX2 kernels compute the same sums in another order. */
#ifndef CODEC_JPEG_TRANSFORM_H
#define CODEC_JPEG_TRANSFORM_H

#include <stdint.h>

#include "levels.h"

/* FIX(x) = round(x * 2^13): the rotations of the paper. */
enum {
    CONST_BITS = 13,
    FIX_0_298631336 = 2446,
    FIX_0_390180644 = 3196,
    FIX_0_541196100 = 4433,
    FIX_0_765366865 = 6270,
    FIX_0_899976223 = 7373,
    FIX_1_175875602 = 9633,
    FIX_1_501321110 = 12299,
    FIX_1_847759065 = 15137,
    FIX_1_961570560 = 16069,
    FIX_2_053119869 = 16819,
    FIX_2_562915447 = 20995,
    FIX_3_072711026 = 25172,
    PASS1_BITS = 2 /* fraction bits kept between the passes for 8-bit samples */
};

/* x / 2^n, halves rounded up; >> of a negative number is arithmetic on every compiler that builds this. */
CODEC_BODY int32_t descale(int32_t x, int n) { return (x + (1 << (n - 1))) >> n; }

/* Eight transforms of eight values each, times sqrt(8): values `step` apart, transforms `lane` apart. A negative
 * even_shift shifts left. Whatever is multiplied is kept in 16 bits, so that vector units multiply eight lanes at a
 * time. */
CODEC_BODY void fdct_pass(const int16_t *x, int16_t *y, int lane, int step, int even_shift, int odd_shift)
{
    for (int i = 0; i < 8; i++) {
        const int16_t *a = x + i * lane;
        int16_t *b = y + i * lane;
        const int16_t s0 = a[0] + a[7 * step], d0 = a[0] - a[7 * step];
        const int16_t s1 = a[step] + a[6 * step], d1 = a[step] - a[6 * step];
        const int16_t s2 = a[2 * step] + a[5 * step], d2 = a[2 * step] - a[5 * step];
        const int16_t s3 = a[3 * step] + a[4 * step], d3 = a[3 * step] - a[4 * step];
        const int32_t sum = s0 + s3 + s1 + s2, difference = s0 + s3 - s1 - s2;
        const int16_t e3 = s0 - s3, e2 = s1 - s2, e23 = e2 + e3;
        const int16_t z1 = d3 + d0, z2 = d2 + d1, z3 = d3 + d1, z4 = d2 + d0;
        const int32_t r = e23 * FIX_0_541196100;
        const int32_t p1 = z1 * -FIX_0_899976223, p2 = z2 * -FIX_2_562915447;
        const int32_t p3 = z3 * (FIX_1_175875602 - FIX_1_961570560) + z4 * FIX_1_175875602;
        const int32_t p4 = z3 * FIX_1_175875602 + z4 * (FIX_1_175875602 - FIX_0_390180644);
        b[0] = (int16_t)(even_shift < 0 ? sum * (1 << -even_shift) : descale(sum, even_shift));
        b[4 * step] = (int16_t)(even_shift < 0 ? difference * (1 << -even_shift) : descale(difference, even_shift));
        b[2 * step] = (int16_t)descale(r + e3 * FIX_0_765366865, odd_shift);
        b[6 * step] = (int16_t)descale(r - e2 * FIX_1_847759065, odd_shift);
        b[step] = (int16_t)descale(d0 * FIX_1_501321110 + p1 + p4, odd_shift);
        b[3 * step] = (int16_t)descale(d1 * FIX_3_072711026 + p2 + p3, odd_shift);
        b[5 * step] = (int16_t)descale(d2 * FIX_2_053119869 + p2 + p4, odd_shift);
        b[7 * step] = (int16_t)descale(d3 * FIX_0_298631336 + p1 + p3, odd_shift);
    }
}

/* Samples within -128..127 after the subtraction.
 *
 * Range: no row of the transform times sqrt(8) has an absolute sum above 8 (8 for terms 0 and 4, below 7.3 for the
 * others), so pass 1 stays within 1024, and within 2^12 with PASS1_BITS more. In pass 2 the largest multiplicand is e2
 * + e3, eight values with four signs of each kind: samples that all have the matching sign give 4 * (127 + 128) * 8 *
 * 4 = 32640, just inside int16; all others are sums of four at most. Sums of products stay below 2^15 * 2^13 * 4 =
 * 2^30. Output: within 8 * 1024 = 2^13. With an offset of 0, samples of at most 127 keep to the same ranges. */
CODEC_BODY void fdct8x8(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat)
{
    int16_t block[64], ws[64];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) block[8 * i + j] = (int16_t)(samples[i * stride + j] - offset);
    fdct_pass(block, ws, 8, 1, -PASS1_BITS, CONST_BITS - PASS1_BITS);  /* rows */
    fdct_pass(ws, coef_nat, 1, 8, PASS1_BITS, CONST_BITS + PASS1_BITS); /* columns */
}

/* Inverse DCT of A.3.3 on dequantized coefficients; not clamped, not level-shifted. Meets the IEEE 1180 statistics
 * (tested). low_4x4 promises zeros outside the 4x4 low corner; the result is the same, at half the work.
 *
 * Range for 8-bit pictures, pass1_bits = 2: coefficients are below 2^10 plus half a step (2^7 for 8-bit tables), their
 * columns times sqrt(8) below 2^10 plus 8 * 1.39 half steps, times 4: under 9800, and the sums of two that are
 * multiplied fit 16 bits. In pass 2 all terms add up to samples (below 2^11 with overshoot) times 2^18: 2^29. For
 * 12-bit pictures the 32-bit form with pass1_bits = 1 keeps the sums below 2^31. Coefficients that no picture has may
 * wrap: the samples are then meaningless, but the same on every machine, and the caller clamps them. */
#define IDCT_PASS(name, multiplicand)                                                                               \
    CODEC_BODY void name(const multiplicand *x, multiplicand *y, int lanes, int lane, int step, int low_4, int shift) \
    {                                                                                                               \
        for (int i = 0; i < lanes; i++) {                                                                           \
            const multiplicand *a = x + i * lane;                                                                   \
            multiplicand *b = y + i * lane;                                                                         \
            const multiplicand x0 = a[0], x1 = a[step], x2 = a[2 * step], x3 = a[3 * step];                         \
            const multiplicand x4 = low_4 ? 0 : a[4 * step], x5 = low_4 ? 0 : a[5 * step];                          \
            const multiplicand x6 = low_4 ? 0 : a[6 * step], x7 = low_4 ? 0 : a[7 * step];                          \
            const multiplicand x26 = (multiplicand)(x2 + x6);                                                       \
            const multiplicand z1 = (multiplicand)(x7 + x1), z2 = (multiplicand)(x5 + x3);                          \
            const multiplicand z3 = (multiplicand)(x7 + x3), z4 = (multiplicand)(x5 + x1);                          \
            const int32_t r = x26 * FIX_0_541196100;                                                                \
            const int32_t r2 = r - x6 * FIX_1_847759065, r3 = r + x2 * FIX_0_765366865;                             \
            const int32_t e0 = (x0 + x4) * (1 << CONST_BITS), e1 = (x0 - x4) * (1 << CONST_BITS);                   \
            const int32_t t0 = e0 + r3, t3 = e0 - r3, t1 = e1 + r2, t2 = e1 - r2;                                   \
            const int32_t p1 = z1 * -FIX_0_899976223, p2 = z2 * -FIX_2_562915447;                                   \
            const int32_t p3 = z3 * (FIX_1_175875602 - FIX_1_961570560) + z4 * FIX_1_175875602;                     \
            const int32_t p4 = z3 * FIX_1_175875602 + z4 * (FIX_1_175875602 - FIX_0_390180644);                     \
            const int32_t o0 = x1 * FIX_1_501321110 + p1 + p4, o1 = x3 * FIX_3_072711026 + p2 + p3;                 \
            const int32_t o2 = x5 * FIX_2_053119869 + p2 + p4, o3 = x7 * FIX_0_298631336 + p1 + p3;                 \
            b[0] = (multiplicand)descale(t0 + o0, shift), b[7 * step] = (multiplicand)descale(t0 - o0, shift);      \
            b[step] = (multiplicand)descale(t1 + o1, shift), b[6 * step] = (multiplicand)descale(t1 - o1, shift);   \
            b[2 * step] = (multiplicand)descale(t2 + o2, shift), b[5 * step] = (multiplicand)descale(t2 - o2, shift); \
            b[3 * step] = (multiplicand)descale(t3 + o3, shift), b[4 * step] = (multiplicand)descale(t3 - o3, shift); \
        }                                                                                                           \
    }
IDCT_PASS(idct_pass_16, int16_t)
IDCT_PASS(idct_pass_32, int32_t)
#undef IDCT_PASS

CODEC_BODY void idct8x8_16(const int16_t *coef_nat, int16_t *samples, int low_4x4)
{
    int16_t ws[64];
    if (low_4x4) {
        idct_pass_16(coef_nat, ws, 4, 1, 8, 1, CONST_BITS - PASS1_BITS);    /* columns */
        idct_pass_16(ws, samples, 8, 8, 1, 1, CONST_BITS + PASS1_BITS + 3); /* rows */
    } else {
        idct_pass_16(coef_nat, ws, 8, 1, 8, 0, CONST_BITS - PASS1_BITS);
        idct_pass_16(ws, samples, 8, 8, 1, 0, CONST_BITS + PASS1_BITS + 3);
    }
}

#endif
