/* The inverse transform of blocks of 8x8, one in each lane of 128 bits: idct8x8_16 of jpeg_transform.h. The including
 * file defines what jpeg_fdct.h needs, which comes first, and ODD_WORDS(a, b): a, with the odd words of b. */

/* x >> shift as words that wrap: `lower` goes to the even words, `upper` to the odd ones. */
INLINE VECTOR wrapped(VECTOR lower, VECTOR upper, int shift)
{
    return ODD_WORDS(V(srli_epi32)(lower, shift), V(slli_epi32)(upper, 16 - shift));
}

/* Words in order; they are within 16 bits. */
INLINE VECTOR packed(VECTOR lower, VECTOR upper, int shift)
{
    return V(packs_epi32)(V(srai_epi32)(lower, shift), V(srai_epi32)(upper, shift));
}

/* One half of idct_pass: x01 and so on are pairs of interleaved words, t the even part, o the odd part. */
INLINE void idct_half(VECTOR x04, VECTOR x26x6, VECTOR x26x2, VECTOR x1z1, VECTOR x3z2, VECTOR x5z2, VECTOR x7z1,
                      VECTOR z34, VECTOR half, VECTOR t[4], VECTOR o[4])
{
    const VECTOR e0 = ADD_MADD(half, x04, WORDS(1 << CONST_BITS, 1 << CONST_BITS));
    const VECTOR e1 = ADD_MADD(half, x04, WORDS(1 << CONST_BITS, -(1 << CONST_BITS)));
    const VECTOR r2 = MADD(x26x6, WORDS(FIX_0_541196100, -FIX_1_847759065));
    const VECTOR r3 = MADD(x26x2, WORDS(FIX_0_541196100, FIX_0_765366865));
    const VECTOR p3 = MADD(z34, WORDS(FIX_1_175875602 - FIX_1_961570560, FIX_1_175875602));
    const VECTOR p4 = MADD(z34, WORDS(FIX_1_175875602, FIX_1_175875602 - FIX_0_390180644));
    t[0] = ADD32(e0, r3);
    t[3] = SUB32(e0, r3);
    t[1] = ADD32(e1, r2);
    t[2] = SUB32(e1, r2);
    o[0] = ADD_MADD(p4, x1z1, WORDS(FIX_1_501321110, -FIX_0_899976223));
    o[1] = ADD_MADD(p3, x3z2, WORDS(FIX_3_072711026, -FIX_2_562915447));
    o[2] = ADD_MADD(p4, x5z2, WORDS(FIX_2_053119869, -FIX_2_562915447));
    o[3] = ADD_MADD(p3, x7z1, WORDS(FIX_0_298631336, -FIX_0_899976223));
}

/* The same where x4 to x7 are zero: sums of two products. */
INLINE void idct_half_low(VECTOR x02, VECTOR x13, VECTOR half, VECTOR t[4], VECTOR o[4])
{
    enum {
        R3 = FIX_0_541196100 + FIX_0_765366865, ONE = 1 << CONST_BITS, P = FIX_1_175875602,
        P33 = FIX_1_175875602 - FIX_1_961570560, P44 = FIX_1_175875602 - FIX_0_390180644
    };
    t[0] = ADD_MADD(half, x02, WORDS(ONE, R3));
    t[3] = ADD_MADD(half, x02, WORDS(ONE, -R3));
    t[1] = ADD_MADD(half, x02, WORDS(ONE, FIX_0_541196100));
    t[2] = ADD_MADD(half, x02, WORDS(ONE, -FIX_0_541196100));
    o[0] = MADD(x13, WORDS(FIX_1_501321110 - FIX_0_899976223 + P44, P));
    o[1] = MADD(x13, WORDS(P, FIX_3_072711026 - FIX_2_562915447 + P33));
    o[2] = MADD(x13, WORDS(P44, P - FIX_2_562915447));
    o[3] = MADD(x13, WORDS(P - FIX_0_899976223, P33));
}

#define LO V(unpacklo_epi16)
#define HI V(unpackhi_epi16)

/* idct_pass over vectors; low_4 promises that x4 to x7 are zero. t and o: lower words, then upper ones. */
INLINE void idct_down(const VECTOR x[8], int low_4, int shift, VECTOR t[2][4], VECTOR o[2][4])
{
    const VECTOR half = V(set1_epi32)(1 << (shift - 1));
    if (low_4) {
        idct_half_low(LO(x[0], x[2]), LO(x[1], x[3]), half, t[0], o[0]);
        idct_half_low(HI(x[0], x[2]), HI(x[1], x[3]), half, t[1], o[1]);
    } else {
        const VECTOR x26 = ADD(x[2], x[6]), z1 = ADD(x[7], x[1]), z2 = ADD(x[5], x[3]), z3 = ADD(x[7], x[3]),
                      z4 = ADD(x[5], x[1]);
        idct_half(LO(x[0], x[4]), LO(x26, x[6]), LO(x26, x[2]), LO(x[1], z1), LO(x[3], z2), LO(x[5], z2), LO(x[7], z1),
                  LO(z3, z4), half, t[0], o[0]);
        idct_half(HI(x[0], x[4]), HI(x26, x[6]), HI(x26, x[2]), HI(x[1], z1), HI(x[3], z2), HI(x[5], z2), HI(x[7], z1),
                  HI(z3, z4), half, t[1], o[1]);
    }
}

/* Columns: rows r to columns c, each in the order of its index. `wrapped` interleaves the columns 0 to 3 with 4 to 7,
 * so the transpose leaves column i of the first four in vector 2 i, and the others between them. */
INLINE void idct_columns(const VECTOR r[8], int low_4, VECTOR c[8])
{
    enum { SHIFT = CONST_BITS - PASS1_BITS };
    VECTOR t[2][4], o[2][4], y[8];
    idct_down(r, low_4, SHIFT, t, o);
    for (int i = 0; i < 4; i++) {
        y[i] = wrapped(ADD32(t[0][i], o[0][i]), ADD32(t[1][i], o[1][i]), SHIFT);
        y[7 - i] = wrapped(SUB32(t[0][i], o[0][i]), SUB32(t[1][i], o[1][i]), SHIFT);
    }
    transpose(y);
    for (int i = 0; i < 4; i++) {
        c[i] = y[2 * i];
        c[i + 4] = y[2 * i + 1];
    }
}

/* Rows, from columns c to bytes: two rows of eight samples in each half of v[0] to v[3]. */
INLINE void idct_rows(const VECTOR c[8], int low_4, VECTOR v[4])
{
    enum { SHIFT = CONST_BITS + PASS1_BITS + 3 };
    const VECTOR centre = V(set1_epi16)(128);
    VECTOR t[2][4], o[2][4], y[8], q[4], u[4];
    idct_down(c, low_4, SHIFT, t, o);
    for (int i = 0; i < 4; i++) {
        y[i] = ADD(packed(ADD32(t[0][i], o[0][i]), ADD32(t[1][i], o[1][i]), SHIFT), centre);
        y[7 - i] = ADD(packed(SUB32(t[0][i], o[0][i]), SUB32(t[1][i], o[1][i]), SHIFT), centre);
    }
    for (int i = 0; i < 4; i++) q[i] = V(packus_epi16)(y[i], y[i + 4]); /* columns i and i + 4 */
    u[0] = V(unpacklo_epi8)(q[0], q[1]); /* pairs of columns 0 1 of each row */
    u[1] = V(unpacklo_epi8)(q[2], q[3]); /* 2 3 */
    u[2] = V(unpackhi_epi8)(q[0], q[1]); /* 4 5 */
    u[3] = V(unpackhi_epi8)(q[2], q[3]); /* 6 7 */
    q[0] = V(unpacklo_epi16)(u[0], u[1]); /* columns 0 to 3 of rows 0 to 3 */
    q[1] = V(unpackhi_epi16)(u[0], u[1]); /* of rows 4 to 7 */
    q[2] = V(unpacklo_epi16)(u[2], u[3]);
    q[3] = V(unpackhi_epi16)(u[2], u[3]);
    v[0] = V(unpacklo_epi32)(q[0], q[2]);
    v[1] = V(unpackhi_epi32)(q[0], q[2]);
    v[2] = V(unpacklo_epi32)(q[1], q[3]);
    v[3] = V(unpackhi_epi32)(q[1], q[3]);
}
