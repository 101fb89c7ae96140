/* AVX2 inter prediction of H.264 on 8-bit samples (8.4.2.2, 8.4.2.3). Contracts: h264dsp.h; the
 * mathematics: h264_inter.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "avx2.h"
#include "h264_avx2.h"

/* A register holds two groups of eight samples as words. For a block 16 wide they are the halves of a row. For narrower
 * blocks the lower group is row y, the upper one row y + h / 2. For a block 4 wide half of each group is idle. `apart`
 * is the distance between the groups in bytes. Nothing outside columns -2..w+2 is read. */
INLINE __m128i load_bytes(const uint8_t *p, ptrdiff_t apart, int w)
{
    if (w == 16) return load16(p);
    if (w == 8) return _mm_unpacklo_epi64(load8(p), load8(p + apart));
    return _mm_unpacklo_epi64(load4(p), load4(p + apart));
}

INLINE void store_bytes(uint8_t *p, ptrdiff_t apart, int w, __m128i v)
{
    if (w == 16) {
        store16(p, v);
    } else if (w == 8) {
        store8(p, v);
        store8_high(p + apart, v);
    } else {
        const int low = _mm_cvtsi128_si32(v), high = _mm_extract_epi32(v, 2);
        memcpy(p, &low, 4);
        memcpy(p + apart, &high, 4);
    }
}

INLINE __m256i load_words(const uint8_t *p, ptrdiff_t apart,
                          int w) { return _mm256_cvtepu8_epi16(load_bytes(p, apart, w)); }

/* Six taps along a row, b1: -2550..10710. Neighbouring samples are brought side by side and multiplied pairwise: (1,
 * -5), (20, 20), (-5, 1). */
INLINE __m256i taps_across(const uint8_t *p, ptrdiff_t apart, int w)
{
    /* Byte of column c in each group: c + 2, as groups are loaded from column -2. For w = 16 the upper
     * group is loaded from column 3, not 6, so as not to read past column 18. For smaller w columns 3..10
     * (3..6) follow columns -2..5. */
    const __m256i pair0 = w == 16 ? _mm256_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 3, 4, 4, 5, 5, 6,
                                                     6, 7, 7, 8, 8, 9, 9, 10, 10, 11)
                                  : twice(_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 11));
    const __m256i pair1 = w == 16 ? _mm256_setr_epi8(2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 5, 6, 6, 7, 7, 8,
                                                     8, 9, 9, 10, 10, 11, 11, 12, 12, 13)
                                  : twice(_mm_setr_epi8(2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 11, 11, 12, 12, 13));
    const __m256i pair2 = w == 16 ? _mm256_setr_epi8(4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 7, 8, 8, 9, 9,
                                                     10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15)
                                  : twice(_mm_setr_epi8(4, 5, 5, 6, 6, 7, 7, 11, 11, 12, 12, 13, 13, 14, 14, 15));
    __m128i low, high;
    __m256i s, sum;
    if (w == 16) {
        low = load16(p - 2);
        high = load16(p + 3);
    } else if (w == 8) {
        low = _mm_unpacklo_epi64(load8(p - 2), load8(p + 3));
        high = _mm_unpacklo_epi64(load8(p - 2 + apart), load8(p + 3 + apart));
    } else {
        low = _mm_unpacklo_epi64(load8(p - 2), load4(p + 3));
        high = _mm_unpacklo_epi64(load8(p - 2 + apart), load4(p + 3 + apart));
    }
    s = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    sum = _mm256_maddubs_epi16(_mm256_shuffle_epi8(s, pair0), _mm256_set1_epi16((int16_t)(0xfb00 | 1)));
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(_mm256_shuffle_epi8(s, pair1), _mm256_set1_epi16(20 << 8 | 20)));
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(_mm256_shuffle_epi8(s, pair2), _mm256_set1_epi16(1 << 8 | 0xfb)));
}

/* (v + 16) >> 5, and (v + 32) >> 6: a multiplication by 2^10 or 2^9, rounded at bit 15. */
INLINE __m256i round5(__m256i v) { return _mm256_mulhrs_epi16(v, _mm256_set1_epi16(1 << 10)); }
INLINE __m256i round6(__m256i v) { return _mm256_mulhrs_epi16(v, _mm256_set1_epi16(1 << 9)); }

/* h of Figure 8-4 before clipping, from six rows of samples: a - 5 b + 20 c = a + 5 (4 c - b). */
INLINE __m256i half_down(__m256i v0, __m256i v1, __m256i v2, __m256i v3, __m256i v4, __m256i v5)
{
    const __m256i a = _mm256_add_epi16(v0, v5), b = _mm256_add_epi16(v1, v4), c = _mm256_add_epi16(v2, v3);
    const __m256i inner = _mm256_sub_epi16(_mm256_slli_epi16(c, 2), b);
    return round5(_mm256_add_epi16(a, _mm256_add_epi16(inner, _mm256_slli_epi16(inner, 2))));
}

/* j: (a - 5 b + 20 c + 512) >> 10 over six rows of b1, each sum of two -5100..21420. Since floors of floors are floors,
 *   (a - 5 b + 20 c) >> 4 = (((a - b) >> 2) - b + c >> 2) + c.
 * Only adding c can leave 16 bits (up to 33150): saturation there needs c > 21000, and then j is clipped to 255;
 * likewise to 0 below. */
INLINE __m256i half_both(__m256i r0, __m256i r1, __m256i r2, __m256i r3, __m256i r4, __m256i r5)
{
    const __m256i a = _mm256_add_epi16(r0, r5), b = _mm256_add_epi16(r1, r4), c = _mm256_add_epi16(r2, r3);
    __m256i v = _mm256_srai_epi16(_mm256_sub_epi16(a, b), 2);
    v = _mm256_srai_epi16(_mm256_adds_epi16(_mm256_sub_epi16(v, b), c), 2);
    return round6(_mm256_add_epi16(v, c));
}

/* As NAME(luma) of h264_inter.h, row by row, with the six rows of each vertical filter in registers. */
INLINE void luma(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t stride, int w, int h, int xFrac,
                 int yFrac, int average)
{
    const int use_j = (xFrac == 2 && yFrac != 0) || (yFrac == 2 && xFrac != 0);
    const int use_b = xFrac != 0 && yFrac != 2, use_h = yFrac != 0 && xFrac != 2;
    const int use_G = (xFrac == 0 || yFrac == 0) && xFrac != 2 && yFrac != 2;
    const ptrdiff_t right = xFrac == 3, below = yFrac == 3 ? stride : 0;
    const int rows = w == 16 ? h : h / 2;
    const ptrdiff_t apart = rows * stride, dst_apart = rows * dst_stride;
    __m256i v0, v1, v2, v3, v4, v5, r0, r1, r2, r3, r4, r5;
    v0 = v1 = v2 = v3 = v4 = r0 = r1 = r2 = r3 = r4 = _mm256_setzero_si256();
    if (use_h) {
        v0 = load_words(src - 2 * stride + right, apart, w);
        v1 = load_words(src - stride + right, apart, w);
        v2 = load_words(src + right, apart, w);
        v3 = load_words(src + stride + right, apart, w);
        v4 = load_words(src + 2 * stride + right, apart, w);
    }
    if (use_j) {
        r0 = taps_across(src - 2 * stride, apart, w);
        r1 = taps_across(src - stride, apart, w);
        r2 = taps_across(src, apart, w);
        r3 = taps_across(src + stride, apart, w);
        r4 = taps_across(src + 2 * stride, apart, w);
    }
    for (int y = 0; y < rows; y++, src += stride, dst += dst_stride) {
        __m128i value = _mm_setzero_si128(), other = value;
        if (use_j) {
            r5 = taps_across(src + 3 * stride, apart, w);
            value = pack(half_both(r0, r1, r2, r3, r4, r5));
        }
        if (use_b) {
            const __m256i across = use_j ? (below ? r3 : r2) : taps_across(src + below, apart, w);
            other = value;
            value = pack(round5(across));
        }
        if (use_h) {
            v5 = load_words(src + 3 * stride + right, apart, w);
            other = value;
            value = pack(half_down(v0, v1, v2, v3, v4, v5));
            v0 = v1, v1 = v2, v2 = v3, v3 = v4, v4 = v5;
        }
        if (use_j) r0 = r1, r1 = r2, r2 = r3, r3 = r4, r4 = r5;
        if (use_G) {
            other = value;
            value = load_bytes(src + right + below, apart, w);
        }
        if (use_G + use_b + use_h + use_j == 2) value = _mm_avg_epu8(value, other);
        if (average) value = _mm_avg_epu8(value, load_bytes(dst, dst_apart, w));
        store_bytes(dst, dst_apart, w, value);
    }
}

#define LUMA(xFrac, yFrac)                                                                                      \
    static CODEC_NOINLINE AVX2 void luma_##xFrac##yFrac(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, \
                                                        ptrdiff_t src_stride, int w, int h, int average)        \
    {                                                                                                           \
        if (w == 16) luma(dst, dst_stride, src, src_stride, 16, h, xFrac, yFrac, average);                      \
        else if (w == 8) luma(dst, dst_stride, src, src_stride, 8, h, xFrac, yFrac, average);                   \
        else luma(dst, dst_stride, src, src_stride, 4, h, xFrac, yFrac, average);                               \
    }                                                                                                           \
    void codec_h264_put_luma_##xFrac##yFrac##_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,      \
                                                   ptrdiff_t src_stride, int w, int h, int max)                 \
    {                                                                                                           \
        (void)max;                                                                                              \
        luma_##xFrac##yFrac(dst, dst_stride, src, src_stride, w, h, 0);                                         \
    }                                                                                                           \
    void codec_h264_avg_luma_##xFrac##yFrac##_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,      \
                                                   ptrdiff_t src_stride, int w, int h, int max)                 \
    {                                                                                                           \
        (void)max;                                                                                              \
        luma_##xFrac##yFrac(dst, dst_stride, src, src_stride, w, h, 1);                                         \
    }
LUMA(0, 0) LUMA(1, 0) LUMA(2, 0) LUMA(3, 0) LUMA(0, 1) LUMA(1, 1) LUMA(2, 1) LUMA(3, 1)
LUMA(0, 2) LUMA(1, 2) LUMA(2, 2) LUMA(3, 2) LUMA(0, 3) LUMA(1, 3) LUMA(2, 3) LUMA(3, 3)
#undef LUMA

/* 8.4.2.2.2, Cb beside Cr: samples and their right neighbours side by side, multiplied pairwise by the weights of each
 * row (at most 64, sums at most 16320). Two rows at a time; the pairs of the row below are reused for the next. 16
 * bytes of each row are read, 8 for narrow blocks; a lower row of weight 0 is not read. */
INLINE __m256i pairs8(const uint8_t *cb, const uint8_t *cr)
{
    const __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(cb)), load16(cr), 1);
    return _mm256_shuffle_epi8(v, twice(_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8)));
}

INLINE __m128i pairs4(const uint8_t *cb, const uint8_t *cr)
{
    return _mm_shuffle_epi8(_mm_unpacklo_epi64(load8(cb), load8(cr)),
                            _mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 8, 9, 9, 10, 10, 11, 11, 12));
}

INLINE void chroma8(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t stride, int h,
                    int xFrac, int yFrac, int average)
{
    const __m256i upper = _mm256_set1_epi16((int16_t)((8 - yFrac) * (xFrac << 8 | (8 - xFrac)))),
        rounding = _mm256_set1_epi16(1 << 9);
    const __m256i lower = _mm256_set1_epi16((int16_t)(yFrac * (xFrac << 8 | (8 - xFrac))));
    const uint8_t *cb = src[0], *cr = src[1];
    uint8_t *to_cb = dst[0], *to_cr = dst[1];
    __m256i first = pairs8(cb, cr);
    for (int y = 0; y < h; y += 2, cb += 2 * stride, cr += 2 * stride, to_cb += 2 * dst_stride,
         to_cr += 2 * dst_stride) {
        const __m256i second = pairs8(cb + stride, cr + stride);
        __m256i v = _mm256_maddubs_epi16(first, upper), u = _mm256_maddubs_epi16(second, upper);
        if (yFrac) {
            v = _mm256_add_epi16(v, _mm256_maddubs_epi16(second, lower));
            first = pairs8(cb + 2 * stride, cr + 2 * stride);
            u = _mm256_add_epi16(u, _mm256_maddubs_epi16(first, lower));
        } else if (y + 2 < h) {
            first = pairs8(cb + 2 * stride, cr + 2 * stride);
        }
        v = _mm256_packus_epi16(_mm256_mulhrs_epi16(v, rounding), _mm256_mulhrs_epi16(u, rounding));
        __m128i of_cb = _mm256_castsi256_si128(v), of_cr = _mm256_extracti128_si256(v, 1);
        if (average) {
            of_cb = _mm_avg_epu8(of_cb, load_bytes(to_cb, dst_stride, 8));
            of_cr = _mm_avg_epu8(of_cr, load_bytes(to_cr, dst_stride, 8));
        }
        store_bytes(to_cb, dst_stride, 8, of_cb);
        store_bytes(to_cr, dst_stride, 8, of_cr);
    }
}

INLINE void chroma4(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t stride, int h,
                    int xFrac, int yFrac, int average)
{
    const __m128i upper = _mm_set1_epi16((int16_t)((8 - yFrac) * (xFrac << 8 | (8 - xFrac)))),
        rounding = _mm_set1_epi16(1 << 9);
    const __m128i lower = _mm_set1_epi16((int16_t)(yFrac * (xFrac << 8 | (8 - xFrac))));
    const uint8_t *cb = src[0], *cr = src[1];
    uint8_t *to_cb = dst[0], *to_cr = dst[1];
    const ptrdiff_t below = yFrac ? stride : 0;
    for (int y = 0; y < h; y += 2, cb += 2 * stride, cr += 2 * stride, to_cb += 2 * dst_stride,
         to_cr += 2 * dst_stride) {
        const __m128i first = pairs4(cb, cr), second = pairs4(cb + stride, cr + stride),
            third = pairs4(cb + stride + below, cr + stride + below);
        const __m128i v = _mm_add_epi16(_mm_maddubs_epi16(first, upper), _mm_maddubs_epi16(second, lower));
        const __m128i u = _mm_add_epi16(_mm_maddubs_epi16(second, upper), _mm_maddubs_epi16(third, lower));
        /* Cb, Cr; Cb, Cr of the second row */
        __m128i packed = _mm_packus_epi16(_mm_mulhrs_epi16(v, rounding), _mm_mulhrs_epi16(u, rounding));
        /* Cb of both rows, Cr of both */
        packed = _mm_shuffle_epi32(packed, 0xd8);
        if (average) {
            const __m128i of_cb = _mm_unpacklo_epi32(load4(to_cb), load4(to_cb + dst_stride));
            packed = _mm_avg_epu8(packed,
                                  _mm_unpacklo_epi64(of_cb,
                                                     _mm_unpacklo_epi32(load4(to_cr), load4(to_cr + dst_stride))));
        }
        const int parts[4] = {_mm_cvtsi128_si32(packed), _mm_extract_epi32(packed, 1), _mm_extract_epi32(packed, 2),
                              _mm_extract_epi32(packed, 3)};
        memcpy(to_cb, &parts[0], 4);
        memcpy(to_cb + dst_stride, &parts[1], 4);
        memcpy(to_cr, &parts[2], 4);
        memcpy(to_cr + dst_stride, &parts[3], 4);
    }
}

INLINE void chroma2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t stride, int h, int xFrac,
                    int yFrac, int average)
{
    const ptrdiff_t below = yFrac ? stride : 0;
    for (int y = 0; y < h; y++, src += stride, dst += dst_stride)
        for (int x = 0; x < 2; x++) {
            const int upper = (8 - xFrac) * src[x] + xFrac * src[x + 1],
                lower = (8 - xFrac) * src[x + below] + xFrac * src[x + 1 + below];
            const int value = ((8 - yFrac) * upper + yFrac * lower + 32) >> 6;
            dst[x] = (uint8_t)(average ? (dst[x] + value + 1) >> 1 : value);
        }
}

INLINE void chroma(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2], ptrdiff_t stride, int w,
                   int h, int xFrac, int yFrac, int average)
{
    if (w == 8) {
        chroma8(dst, dst_stride, src, stride, h, xFrac, yFrac, average);
    } else if (w == 4) {
        chroma4(dst, dst_stride, src, stride, h, xFrac, yFrac, average);
    } else {
        chroma2(dst[0], dst_stride, src[0], stride, h, xFrac, yFrac, average);
        chroma2(dst[1], dst_stride, src[1], stride, h, xFrac, yFrac, average);
    }
}

AVX2 void codec_h264_put_chroma_avx2(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2],
                                     ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac)
{
    chroma(dst, dst_stride, src, src_stride, w, h, xFrac, yFrac, 0);
}

AVX2 void codec_h264_avg_chroma_avx2(uint8_t *const dst[2], ptrdiff_t dst_stride, const uint8_t *const src[2],
                                     ptrdiff_t src_stride, int w, int h, int xFrac, int yFrac)
{
    chroma(dst, dst_stride, src, src_stride, w, h, xFrac, yFrac, 1);
}

/* One row of w samples to and from words; the words beyond w are 0 and are not written. */
INLINE __m256i row_words(const uint8_t *p, int w)
{
    uint16_t two;
    if (w == 16) return _mm256_cvtepu8_epi16(load16(p));
    if (w == 8) return _mm256_cvtepu8_epi16(load8(p));
    if (w == 4) return _mm256_cvtepu8_epi16(load4(p));
    memcpy(&two, p, 2);
    return _mm256_cvtepu8_epi16(_mm_cvtsi32_si128(two));
}

INLINE void store_row(uint8_t *p, int w, __m128i v)
{
    const int low = _mm_cvtsi128_si32(v);
    if (w == 16) store16(p, v);
    else if (w == 8) store8(p, v);
    else memcpy(p, &low, w == 4 ? 4 : 2);
}

/* |sample * weight| is at most 255 * 128 = 32640, with the rounding at most 32704: 16 bits hold it. */
AVX2 void codec_h264_weight_avx2(uint8_t *dst, ptrdiff_t stride, int w, int h, int logWD, int weight, int offset,
                                 int max)
{
    const __m256i factor = _mm256_set1_epi16((int16_t)weight),
        rounding = _mm256_set1_epi16((int16_t)(logWD >= 1 ? 1 << (logWD - 1) : 0));
    const __m256i o = _mm256_set1_epi16((int16_t)offset);
    const __m128i shift = _mm_cvtsi32_si128(logWD);
    (void)max;
    for (int y = 0; y < h; y++, dst += stride) {
        const __m256i v = _mm256_sra_epi16(_mm256_add_epi16(_mm256_mullo_epi16(row_words(dst, w), factor), rounding),
                                           shift);
        store_row(dst, w, pack(_mm256_adds_epi16(v, o)));
    }
}

AVX2 void codec_h264_biweight_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int w,
                                   int h, int logWD, int w0, int w1, int offset, int max)
{
    const __m256i factors = _mm256_set1_epi32((int)((uint32_t)w1 << 16 | (uint16_t)w0)),
        rounding = _mm256_set1_epi32(1 << logWD);
    const __m256i o = _mm256_set1_epi16((int16_t)offset);
    const __m128i shift = _mm_cvtsi32_si128(logWD + 1);
    (void)max;
    for (int y = 0; y < h; y++, dst += dst_stride, src += src_stride) {
        const __m256i p0 = row_words(dst, w), p1 = row_words(src, w);
        const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(p0, p1), factors),
            high = _mm256_madd_epi16(_mm256_unpackhi_epi16(p0, p1), factors);
        const __m256i v = _mm256_packs_epi32(_mm256_sra_epi32(_mm256_add_epi32(low, rounding), shift),
                                             _mm256_sra_epi32(_mm256_add_epi32(high, rounding), shift));
        store_row(dst, w, pack(_mm256_adds_epi16(v, o)));
    }
}
#else
typedef int codec_h264_inter_avx2_is_empty;
#endif
