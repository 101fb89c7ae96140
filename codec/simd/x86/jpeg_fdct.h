/* The forward transform of blocks of 8x8, one in each lane of 128 bits: fdct8x8 of jpeg_transform.h. The including file
 * defines VECTOR, V(name), the intrinsic of a name for it, ADD_MADD(sum, a, b), which adds the sums of two products to
 * 32 bits each, and INLINE. */

/* Two words, the first in the lower half of each lane of 32 bits. */
#define WORDS(a, b) V(set1_epi32)((int)((uint32_t)(uint16_t)(a) | (uint32_t)(uint16_t)(b) << 16))
#define ADD V(add_epi16)
#define SUB V(sub_epi16)
#define ADD32 V(add_epi32)
#define SUB32 V(sub_epi32)
#define MADD V(madd_epi16)

/* The 8x8 words in each lane. */
INLINE void transpose(VECTOR r[8])
{
    VECTOR t[8], u[8];
    for (int i = 0; i < 4; i++) {
        t[2 * i] = V(unpacklo_epi16)(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = V(unpackhi_epi16)(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        u[4 * i] = V(unpacklo_epi32)(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = V(unpackhi_epi32)(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = V(unpacklo_epi32)(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = V(unpackhi_epi32)(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        r[2 * i] = V(unpacklo_epi64)(u[i], u[i + 4]);
        r[2 * i + 1] = V(unpackhi_epi64)(u[i], u[i + 4]);
    }
}

/* a f + b g, halves rounded up at bit `shift`, as words. ab: a and b interleaved, lower and upper words. */
INLINE VECTOR rotated(const VECTOR ab[2], VECTOR fg, int shift)
{
    const VECTOR half = V(set1_epi32)(1 << (shift - 1));
    return V(packs_epi32)(V(srai_epi32)(ADD_MADD(half, ab[0], fg), shift),
                          V(srai_epi32)(ADD_MADD(half, ab[1], fg), shift));
}

/* The same of four values. */
INLINE VECTOR rotated4(const VECTOR ab[2], VECTOR fg, const VECTOR cd[2], VECTOR hi, int shift)
{
    const VECTOR half = V(set1_epi32)(1 << (shift - 1));
    return V(packs_epi32)(V(srai_epi32)(ADD_MADD(ADD_MADD(half, ab[0], fg), cd[0], hi), shift),
                          V(srai_epi32)(ADD_MADD(ADD_MADD(half, ab[1], fg), cd[1], hi), shift));
}

/* fdct_pass with the factors of z1 to z4 multiplied out: sums of products are exact, and all factors are below 2. */
INLINE void fdct_down(VECTOR r[8], int first, int shift)
{
    const VECTOR s0 = ADD(r[0], r[7]), s1 = ADD(r[1], r[6]), s2 = ADD(r[2], r[5]), s3 = ADD(r[3], r[4]);
    const VECTOR d0 = SUB(r[0], r[7]), d1 = SUB(r[1], r[6]), d2 = SUB(r[2], r[5]), d3 = SUB(r[3], r[4]);
    const VECTOR s03 = ADD(s0, s3), s12 = ADD(s1, s2), e3 = SUB(s0, s3), e2 = SUB(s1, s2);
    const VECTOR e[2] = {V(unpacklo_epi16)(e2, e3), V(unpackhi_epi16)(e2, e3)};
    const VECTOR d01[2] = {V(unpacklo_epi16)(d0, d1), V(unpackhi_epi16)(d0, d1)};
    const VECTOR d23[2] = {V(unpacklo_epi16)(d2, d3), V(unpackhi_epi16)(d2, d3)};
    enum {
        Z1 = -FIX_0_899976223, Z2 = -FIX_2_562915447, P33 = FIX_1_175875602 - FIX_1_961570560, P = FIX_1_175875602,
        P44 = FIX_1_175875602 - FIX_0_390180644
    };
    if (first) {
        r[0] = V(slli_epi16)(ADD(s03, s12), PASS1_BITS);
        r[4] = V(slli_epi16)(SUB(s03, s12), PASS1_BITS);
    } else {
        const VECTOR half = V(set1_epi16)(1 << (PASS1_BITS - 1));
        r[0] = V(srai_epi16)(ADD(ADD(s03, s12), half), PASS1_BITS);
        r[4] = V(srai_epi16)(ADD(SUB(s03, s12), half), PASS1_BITS);
    }
    r[2] = rotated(e, WORDS(FIX_0_541196100, FIX_0_541196100 + FIX_0_765366865), shift);
    r[6] = rotated(e, WORDS(FIX_0_541196100 - FIX_1_847759065, FIX_0_541196100), shift);
    r[1] = rotated4(d01, WORDS(FIX_1_501321110 + Z1 + P44, P), d23, WORDS(P44, Z1 + P), shift);
    r[3] = rotated4(d01, WORDS(P, FIX_3_072711026 + Z2 + P33), d23, WORDS(Z2 + P, P33), shift);
    r[5] = rotated4(d01, WORDS(P44, Z2 + P), d23, WORDS(FIX_2_053119869 + Z2 + P44, P), shift);
    r[7] = rotated4(d01, WORDS(Z1 + P, P33), d23, WORDS(P, FIX_0_298631336 + Z1 + P33), shift);
}
