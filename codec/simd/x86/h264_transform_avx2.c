/* AVX2 inverse transforms of H.264 on 8-bit samples (8.5.12.2, 8.5.13). Contracts: h264dsp.h; the
 * mathematics: h264_transform.h.
 *
 * Coefficients stay in 32 bits, so that hostile ones wrap as in the scalar body. The rounding term of (x + 32) >> 6 is
 * added to d[0], which both passes carry unscaled into every sample. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "avx2.h"
#include "h264_avx2.h"

/* Rows of 4x4: each half of a register is a row d0 d1 d2 d3. With e0 = d0 + d2, e1 = d0 - d2, e2 = (d1 >> 1) - d3, e3 =
 * d1 + (d3 >> 1) in its places, the row is e0 + e3, e1 + e2, e1 - e2, e0 - e3. */
INLINE __m256i transform4_across(__m256i d)
{
    /* d0, d0, d1 >> 1, d1 */
    const __m256i first = _mm256_srav_epi32(_mm256_shuffle_epi32(d, 0x50), _mm256_setr_epi32(0, 0, 1, 0, 0, 0, 1, 0));
    /* d2, d2, d3, d3 >> 1 */
    const __m256i second = _mm256_srav_epi32(_mm256_shuffle_epi32(d, 0xfa), _mm256_setr_epi32(0, 0, 0, 1, 0, 0, 0, 1));
    const __m256i e = _mm256_add_epi32(first, _mm256_sign_epi32(second, _mm256_setr_epi32(1, -1, -1, 1, 1, -1, -1, 1)));
    const __m256i outer = _mm256_sign_epi32(_mm256_shuffle_epi32(e, 0xeb),
                                            _mm256_setr_epi32(1, 1, -1, -1, 1, 1, -1, -1)); /* e3, e2, e2, e3 */
    return _mm256_add_epi32(_mm256_shuffle_epi32(e, 0x14), outer); /* e0, e1, e1, e0 */
}

AVX2 void codec_h264_idct4x4_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    __m256i r01 = load32(d), r23 = load32(d + 8);
    __m256i sum, difference, low, high;
    __m128i p03, p12, out;
    (void)max;
    r01 = _mm256_add_epi32(r01, _mm256_setr_epi32(32, 0, 0, 0, 0, 0, 0, 0));
    r01 = transform4_across(r01);
    r23 = transform4_across(r23);
    /* Down the columns: e0 | e3 and e1 | e2, from rows 0 | 1 and 2 | 3. */
    sum = _mm256_add_epi32(r01, _mm256_srav_epi32(r23, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
    difference = _mm256_sub_epi32(_mm256_srav_epi32(r01, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)), r23);
    low = _mm256_permute2x128_si256(sum, difference, 0x20);  /* e0 | e1 */
    high = _mm256_permute2x128_si256(sum, difference, 0x31); /* e3 | e2 */
    sum = _mm256_srai_epi32(_mm256_add_epi32(low, high), 6);        /* rows 0 | 1 */
    difference = _mm256_srai_epi32(_mm256_sub_epi32(low, high), 6); /* rows 3 | 2 */
    /* words of rows 0, 3 | 1, 2; saturation changes nothing after clipping */
    sum = _mm256_packs_epi32(sum, difference);
    p03 = _mm_unpacklo_epi32(load4(dst), load4(dst + 3 * stride));
    p12 = _mm_unpacklo_epi32(load4(dst + stride), load4(dst + 2 * stride));
    sum = _mm256_adds_epi16(sum, _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(p03, p12)));
    out = _mm_packus_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    store4(dst, _mm_cvtsi128_si32(out));
    store4(dst + 3 * stride, _mm_extract_epi32(out, 1));
    store4(dst + stride, _mm_extract_epi32(out, 2));
    store4(dst + 2 * stride, _mm_extract_epi32(out, 3));
    _mm256_storeu_si256((__m256i *)d, _mm256_setzero_si256());
    _mm256_storeu_si256((__m256i *)(d + 8), _mm256_setzero_si256());
}

/* One dimension of 8.5.13 over eight rows of a block at once, each element in its own lane. */
INLINE void transform8_down(__m256i d[8])
{
#define ADD _mm256_add_epi32
#define SUB _mm256_sub_epi32
#define HALF(x) _mm256_srai_epi32(x, 1)
#define QUARTER(x) _mm256_srai_epi32(x, 2)
    const __m256i a0 = ADD(d[0], d[4]), a2 = SUB(d[0], d[4]), a4 = SUB(HALF(d[2]), d[6]), a6 = ADD(d[2], HALF(d[6]));
    const __m256i a1 = SUB(SUB(d[5], d[3]), ADD(d[7], HALF(d[7]))), a3 = SUB(ADD(d[1], d[7]), ADD(d[3], HALF(d[3])));
    const __m256i a5 = ADD(SUB(d[7], d[1]), ADD(d[5], HALF(d[5]))), a7 = ADD(ADD(d[3], d[5]), ADD(d[1], HALF(d[1])));
    const __m256i b0 = ADD(a0, a6), b2 = ADD(a2, a4), b4 = SUB(a2, a4), b6 = SUB(a0, a6);
    const __m256i b1 = ADD(a1, QUARTER(a7)), b3 = ADD(a3, QUARTER(a5)), b5 = SUB(QUARTER(a3), a5),
        b7 = SUB(a7, QUARTER(a1));
    d[0] = ADD(b0, b7);
    d[1] = ADD(b2, b5);
    d[2] = ADD(b4, b3);
    d[3] = ADD(b6, b1);
    d[4] = SUB(b6, b1);
    d[5] = SUB(b4, b3);
    d[6] = SUB(b2, b5);
    d[7] = SUB(b0, b7);
#undef ADD
#undef SUB
#undef HALF
#undef QUARTER
}

INLINE void transpose8(__m256i d[8])
{
    __m256i t[8], u[8];
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_epi32(d[2 * i], d[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_epi32(d[2 * i], d[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        d[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        d[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

AVX2 void codec_h264_idct8x8_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    __m256i r[8];
    (void)max;
    for (int i = 0; i < 8; i++) r[i] = load32(d + 8 * i);
    r[0] = _mm256_add_epi32(r[0], _mm256_setr_epi32(32, 0, 0, 0, 0, 0, 0, 0));
    transpose8(r);
    transform8_down(r);
    transpose8(r);
    transform8_down(r);
    for (int i = 0; i < 8; i += 2) {
        uint8_t *upper = dst + i * stride, *lower = upper + stride;
        const __m256i samples = _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(load8(upper), load8(lower)));
        __m256i v = _mm256_packs_epi32(_mm256_srai_epi32(r[i], 6), _mm256_srai_epi32(r[i + 1], 6));
        v = _mm256_adds_epi16(_mm256_permute4x64_epi64(v, 0xd8), samples);
        v = _mm256_packus_epi16(v, v);
        store8(upper, _mm256_castsi256_si128(v));
        store8(lower, _mm256_extracti128_si256(v, 1));
    }
    for (int i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(d + 8 * i), _mm256_setzero_si256());
}

/* A residual beyond +-255 gives the same samples as +-255, so 16 bits hold it. */
INLINE __m128i dc_words(int32_t *d)
{
    int dc = ((int32_t)((uint32_t)d[0] + 32)) >> 6;
    d[0] = 0;
    dc = dc > 255 ? 255 : dc < -255 ? -255 : dc;
    return _mm_set1_epi16((int16_t)dc);
}

AVX2 void codec_h264_idct4x4_dc_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    const __m128i dc = dc_words(d);
    __m128i low = _mm_unpacklo_epi32(load4(dst), load4(dst + stride)),
        high = _mm_unpacklo_epi32(load4(dst + 2 * stride), load4(dst + 3 * stride));
    (void)max;
    low = _mm_packus_epi16(_mm_add_epi16(_mm_cvtepu8_epi16(low), dc), _mm_add_epi16(_mm_cvtepu8_epi16(high), dc));
    store4(dst, _mm_cvtsi128_si32(low));
    store4(dst + stride, _mm_extract_epi32(low, 1));
    store4(dst + 2 * stride, _mm_extract_epi32(low, 2));
    store4(dst + 3 * stride, _mm_extract_epi32(low, 3));
}

AVX2 void codec_h264_idct8x8_dc_add_avx2(uint8_t *dst, ptrdiff_t stride, int32_t *d, int max)
{
    const __m128i dc = dc_words(d);
    (void)max;
    for (int y = 0; y < 8; y++, dst += stride) {
        const __m128i v = _mm_add_epi16(_mm_cvtepu8_epi16(load8(dst)), dc);
        store8(dst, _mm_packus_epi16(v, v));
    }
}
#else
typedef int codec_h264_transform_avx2_is_empty;
#endif
