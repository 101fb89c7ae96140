/* AVX2 kernels of the H.264 encoder. Contracts: h264enc.h; the mathematics: h264enc_bodies.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "avx2.h"
#include "h264enc_avx2.h"

/* ---- differences */

INLINE int sum_of_sad(__m256i v)
{
    const __m128i half = _mm_add_epi32(low(v), high(v));
    return _mm_cvtsi128_si32(half) + _mm_extract_epi32(half, 2);
}

/* Sums of two registers of sad, in pairs of words. */
INLINE __m256i pairs_of_sad(__m256i u, __m256i v) { return _mm256_or_si256(u, _mm256_slli_epi64(v, 32)); }

/* Four sums, two in each of two registers, in words that alternate. */
INLINE void store_sums(int sums[4], __m256i u, __m256i v)
{
    const __m256i four = _mm256_add_epi32(_mm256_unpacklo_epi64(u, v), _mm256_unpackhi_epi64(u, v));
    store16(sums, _mm_add_epi32(low(four), high(four)));
}

/* Two rows of 16 samples. */
INLINE __m256i rows16(const uint8_t *p, ptrdiff_t stride) { return both(load16(p), load16(p + stride)); }

/* Four rows of 8 samples. */
INLINE __m256i rows8(const uint8_t *p, ptrdiff_t stride)
{
    return both(_mm_unpacklo_epi64(load8(p), load8(p + stride)),
                _mm_unpacklo_epi64(load8(p + 2 * stride), load8(p + 3 * stride)));
}

AVX2 int codec_h264_sad_16_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 4, a += 4 * a_stride, b += 4 * b_stride) {
        sum = _mm256_add_epi32(sum, _mm256_sad_epu8(rows16(a, a_stride), rows16(b, b_stride)));
        sum = _mm256_add_epi32(sum, _mm256_sad_epu8(rows16(a + 2 * a_stride, a_stride),
                                                    rows16(b + 2 * b_stride, b_stride)));
    }
    return sum_of_sad(sum);
}

AVX2 int codec_h264_sad_8_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 4, a += 4 * a_stride, b += 4 * b_stride)
        sum = _mm256_add_epi32(sum, _mm256_sad_epu8(rows8(a, a_stride), rows8(b, b_stride)));
    return sum_of_sad(sum);
}

AVX2 void codec_h264_sad4_16_avx2(int sad[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                                  ptrdiff_t b_stride, int h)
{
    const uint8_t *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
    for (; h > 0; h -= 2, a += 2 * a_stride) {
        const __m256i row = rows16(a, a_stride);
        s0 = _mm256_add_epi32(s0, _mm256_sad_epu8(row, rows16(b0, b_stride)));
        s1 = _mm256_add_epi32(s1, _mm256_sad_epu8(row, rows16(b1, b_stride)));
        s2 = _mm256_add_epi32(s2, _mm256_sad_epu8(row, rows16(b2, b_stride)));
        s3 = _mm256_add_epi32(s3, _mm256_sad_epu8(row, rows16(b3, b_stride)));
        b0 += 2 * b_stride;
        b1 += 2 * b_stride;
        b2 += 2 * b_stride;
        b3 += 2 * b_stride;
    }
    store_sums(sad, pairs_of_sad(s0, s1), pairs_of_sad(s2, s3));
}

AVX2 void codec_h264_sad4_8_avx2(int sad[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                                 ptrdiff_t b_stride, int h)
{
    const uint8_t *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
    for (; h > 0; h -= 4, a += 4 * a_stride) {
        const __m256i rows = rows8(a, a_stride);
        s0 = _mm256_add_epi32(s0, _mm256_sad_epu8(rows, rows8(b0, b_stride)));
        s1 = _mm256_add_epi32(s1, _mm256_sad_epu8(rows, rows8(b1, b_stride)));
        s2 = _mm256_add_epi32(s2, _mm256_sad_epu8(rows, rows8(b2, b_stride)));
        s3 = _mm256_add_epi32(s3, _mm256_sad_epu8(rows, rows8(b3, b_stride)));
        b0 += 4 * b_stride;
        b1 += 4 * b_stride;
        b2 += 4 * b_stride;
        b3 += 4 * b_stride;
    }
    store_sums(sad, pairs_of_sad(s0, s1), pairs_of_sad(s2, s3));
}

/* Pairs of squared differences of 16 samples, as 32 bits. */
INLINE __m256i squares(__m128i a, __m128i b)
{
    const __m256i d = _mm256_sub_epi16(_mm256_cvtepu8_epi16(a), _mm256_cvtepu8_epi16(b));
    return _mm256_madd_epi16(d, d);
}

INLINE int sum_of_words(__m256i v)
{
    __m128i half = _mm_add_epi32(low(v), high(v));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

AVX2 int codec_h264_ssd_16_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i even = _mm256_setzero_si256(), odd = even;
    for (; h > 0; h -= 2, a += 2 * a_stride, b += 2 * b_stride) {
        even = _mm256_add_epi32(even, squares(load16(a), load16(b)));
        odd = _mm256_add_epi32(odd, squares(load16(a + a_stride), load16(b + b_stride)));
    }
    return sum_of_words(_mm256_add_epi32(even, odd));
}

AVX2 int codec_h264_ssd_8_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 2, a += 2 * a_stride, b += 2 * b_stride)
        sum = _mm256_add_epi32(sum, squares(_mm_unpacklo_epi64(load8(a), load8(a + a_stride)),
                                            _mm_unpacklo_epi64(load8(b), load8(b + b_stride))));
    return sum_of_words(sum);
}

/* ---- 4x4 transforms: four blocks at once. A register holds row i of two blocks side by side in each half; the halves
 * hold blocks four rows apart (or, for width 4, rows of two blocks below each other in the low parts). */

typedef struct {
    __m256i r[4];
} Rows;

INLINE Rows rows_8x8(const uint8_t *p, ptrdiff_t stride)
{
    Rows d;
    for (int i = 0; i < 4; i++, p += stride)
        d.r[i] = _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(load8(p), load8(p + 4 * stride)));
    return d;
}

/* Two blocks side by side, in the lower half. */
INLINE Rows rows_8x4(const uint8_t *p, ptrdiff_t stride)
{
    Rows d;
    for (int i = 0; i < 4; i++) d.r[i] = _mm256_cvtepu8_epi16(load8(p + i * stride));
    return d;
}

/* Four blocks side by side. */
INLINE Rows rows_16x4(const uint8_t *p, ptrdiff_t stride)
{
    Rows d;
    for (int i = 0; i < 4; i++) d.r[i] = _mm256_cvtepu8_epi16(load16(p + i * stride));
    return d;
}

INLINE Rows less(Rows a, Rows b)
{
    for (int i = 0; i < 4; i++) a.r[i] = _mm256_sub_epi16(a.r[i], b.r[i]);
    return a;
}

INLINE Rows difference_8x8(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride)
{
    return less(rows_8x8(a, a_stride), rows_8x8(b, b_stride));
}

INLINE Rows difference_16x4(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride)
{
    return less(rows_16x4(a, a_stride), rows_16x4(b, b_stride));
}

/* Each 4x4 block transposed, in its place. */
INLINE Rows transposed(Rows d)
{
    const __m256i a = _mm256_unpacklo_epi16(d.r[0], d.r[1]), b = _mm256_unpacklo_epi16(d.r[2], d.r[3]),
                  c = _mm256_unpackhi_epi16(d.r[0], d.r[1]), e = _mm256_unpackhi_epi16(d.r[2], d.r[3]);
    const __m256i a01 = _mm256_unpacklo_epi32(a, b), a23 = _mm256_unpackhi_epi32(a, b),
                  b01 = _mm256_unpacklo_epi32(c, e), b23 = _mm256_unpackhi_epi32(c, e);
    return (Rows){{_mm256_unpacklo_epi64(a01, b01), _mm256_unpackhi_epi64(a01, b01), _mm256_unpacklo_epi64(a23, b23),
                   _mm256_unpackhi_epi64(a23, b23)}};
}

/* Sums and differences of four registers. */
INLINE Rows hadamard_4(Rows d)
{
    const __m256i s01 = _mm256_add_epi16(d.r[0], d.r[1]), m01 = _mm256_sub_epi16(d.r[0], d.r[1]),
                  s23 = _mm256_add_epi16(d.r[2], d.r[3]), m23 = _mm256_sub_epi16(d.r[2], d.r[3]);
    return (Rows){{_mm256_add_epi16(s01, s23), _mm256_sub_epi16(s01, s23), _mm256_add_epi16(m01, m23),
                   _mm256_sub_epi16(m01, m23)}};
}

/* Sums of 16 words that are at most 2^15 - 1 each: 4 * 4 * 255 * 2 are. */
INLINE __m256i hadamard_sums(Rows d)
{
    d = transposed(hadamard_4(d));
    const __m256i s01 = _mm256_abs_epi16(_mm256_add_epi16(d.r[0], d.r[1])),
                  m01 = _mm256_abs_epi16(_mm256_sub_epi16(d.r[0], d.r[1])),
                  s23 = _mm256_abs_epi16(_mm256_add_epi16(d.r[2], d.r[3])),
                  m23 = _mm256_abs_epi16(_mm256_sub_epi16(d.r[2], d.r[3]));
    return _mm256_madd_epi16(_mm256_add_epi16(_mm256_max_epi16(s01, s23), _mm256_max_epi16(m01, m23)),
                             _mm256_set1_epi16(1));
}

AVX2 int codec_h264_satd_16_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 4, a += 4 * a_stride, b += 4 * b_stride)
        sum = _mm256_add_epi32(sum, hadamard_sums(difference_16x4(a, a_stride, b, b_stride)));
    return sum_of_words(sum);
}

AVX2 int codec_h264_satd_8_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 4; h -= 8, a += 8 * a_stride, b += 8 * b_stride)
        sum = _mm256_add_epi32(sum, hadamard_sums(difference_8x8(a, a_stride, b, b_stride)));
    if (h) sum = _mm256_add_epi32(sum, hadamard_sums(less(rows_8x4(a, a_stride), rows_8x4(b, b_stride))));
    return sum_of_words(sum);
}

/* Sums of words of four registers into four. */
INLINE void store_four(int sums[4], const __m256i sum[4])
{
    const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
    store16(sums, _mm_add_epi32(low(pairs), high(pairs)));
}

AVX2 void codec_h264_satd4_16_avx2(int satd[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                                   ptrdiff_t b_stride, int h)
{
    __m256i sum[4] = {_mm256_setzero_si256()};
    for (int y = 0; y < h; y += 4, a += 4 * a_stride) {
        const Rows source = rows_16x4(a, a_stride);
        for (int i = 0; i < 4; i++)
            sum[i] = _mm256_add_epi32(sum[i], hadamard_sums(less(source, rows_16x4(b[i] + y * b_stride, b_stride))));
    }
    store_four(satd, sum);
}

AVX2 void codec_h264_satd4_8_avx2(int satd[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                                  ptrdiff_t b_stride, int h)
{
    __m256i sum[4] = {_mm256_setzero_si256()};
    int y = 0;
    for (; y + 4 < h; y += 8, a += 8 * a_stride) {
        const Rows source = rows_8x8(a, a_stride);
        for (int i = 0; i < 4; i++)
            sum[i] = _mm256_add_epi32(sum[i], hadamard_sums(less(source, rows_8x8(b[i] + y * b_stride, b_stride))));
    }
    if (y < h) {
        const Rows source = rows_8x4(a, a_stride);
        for (int i = 0; i < 4; i++)
            sum[i] = _mm256_add_epi32(sum[i], hadamard_sums(less(source, rows_8x4(b[i] + y * b_stride, b_stride))));
    }
    store_four(satd, sum);
}

/* ---- 8x8 transforms: two blocks, one in each half, row i in register i */

/* Sums and differences of registers n apart. */
INLINE void butterflies(__m256i r[8], int n)
{
    for (int i = 0; i < 8; i++)
        if (!(i & n)) {
            const __m256i u = r[i], v = r[i + n];
            r[i] = _mm256_add_epi16(u, v);
            r[i + n] = _mm256_sub_epi16(u, v);
        }
}

INLINE void transpose_8x8(__m256i r[8])
{
    __m256i s[8], t[8];
    for (int i = 0; i < 4; i++) {
        s[2 * i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        s[2 * i + 1] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            t[4 * i + 2 * k] = _mm256_unpacklo_epi32(s[4 * i + k], s[4 * i + 2 + k]);
            t[4 * i + 2 * k + 1] = _mm256_unpackhi_epi32(s[4 * i + k], s[4 * i + 2 + k]);
        }
    for (int i = 0; i < 4; i++) {
        r[2 * i] = _mm256_unpacklo_epi64(t[i], t[4 + i]);
        r[2 * i + 1] = _mm256_unpackhi_epi64(t[i], t[4 + i]);
    }
}

/* Before the last stage words are at most 32 * 255, so that sums of four are below 2^15; |a + b| + |a - b| =
 * 2 max(|a|, |b|) is that stage. */
AVX2 int codec_h264_sa8d_16_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 8, a += 8 * a_stride, b += 8 * b_stride) {
        __m256i r[8], words = _mm256_setzero_si256();
        for (int i = 0; i < 8; i++)
            r[i] = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(a + i * a_stride)),
                                    _mm256_cvtepu8_epi16(load16(b + i * b_stride)));
        butterflies(r, 1);
        butterflies(r, 2);
        butterflies(r, 4);
        transpose_8x8(r);
        butterflies(r, 1);
        butterflies(r, 2);
        for (int i = 0; i < 4; i++)
            words = _mm256_add_epi16(words, _mm256_max_epi16(_mm256_abs_epi16(r[i]), _mm256_abs_epi16(r[i + 4])));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
    }
    return (sum_of_words(sum) + 1) >> 1;
}

/* One block in four registers: rows i and i + 4 in the halves, columns i and i + 4 in the quarters after them. */
AVX2 int codec_h264_sa8d_8_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m256i sum = _mm256_setzero_si256();
    for (; h > 0; h -= 8, a += 8 * a_stride, b += 8 * b_stride) {
        __m256i words = _mm256_setzero_si256();
        Rows d = hadamard_4(difference_8x8(a, a_stride, b, b_stride));
        for (int i = 0; i < 4; i += 2) {
            const __m256i u = _mm256_permute2x128_si256(d.r[i], d.r[i + 1], 0x20),
                          v = _mm256_permute2x128_si256(d.r[i], d.r[i + 1], 0x31);
            d.r[i] = _mm256_add_epi16(u, v);
            d.r[i + 1] = _mm256_sub_epi16(u, v);
        }
        d = hadamard_4(transposed(d));
        for (int i = 0; i < 4; i += 2) {
            const __m256i u = _mm256_abs_epi16(d.r[i]), v = _mm256_abs_epi16(d.r[i + 1]);
            words = _mm256_add_epi16(words, _mm256_max_epi16(_mm256_unpacklo_epi64(u, v), _mm256_unpackhi_epi64(u, v)));
        }
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
    }
    return (sum_of_words(sum) + 1) >> 1;
}

/* Two rows of 4 samples as words. */
INLINE __m128i words4(const uint8_t *p, ptrdiff_t stride)
{
    return _mm_cvtepu8_epi16(_mm_unpacklo_epi32(load4(p), load4(p + stride)));
}

/* One block: columns first, two rows in a register, then rows by sums and differences of neighbours. */
AVX2 int codec_h264_satd_4_avx2(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int h)
{
    __m128i sum = _mm_setzero_si128();
    for (; h > 0; h -= 4, a += 4 * a_stride, b += 4 * b_stride) {
        const __m128i d01 = _mm_sub_epi16(words4(a, a_stride), words4(b, b_stride));
        const __m128i d23 = _mm_sub_epi16(words4(a + 2 * a_stride, a_stride), words4(b + 2 * b_stride, b_stride));
        const __m128i s = _mm_add_epi16(d01, d23), m = _mm_sub_epi16(d01, d23);
        const __m128i even = _mm_unpacklo_epi64(s, m), odd = _mm_unpackhi_epi64(s, m);
        const __m128i u = _mm_add_epi16(even, odd), v = _mm_sub_epi16(even, odd);
        const __m128i p = _mm_abs_epi16(_mm_hadd_epi16(u, v)), q = _mm_abs_epi16(_mm_hsub_epi16(u, v));
        const __m128i larger = _mm_add_epi16(_mm_max_epi16(p, _mm_srli_epi32(p, 16)),
                                             _mm_max_epi16(q, _mm_srli_epi32(q, 16)));
        sum = _mm_add_epi32(sum, _mm_and_si128(larger, _mm_set1_epi32(0xffff)));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}

AVX2 void codec_h264_satd4_4_avx2(int satd[4], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *const b[4],
                                  ptrdiff_t b_stride, int h)
{
    for (int i = 0; i < 4; i++) satd[i] = codec_h264_satd_4_avx2(a, a_stride, b[i], b_stride, h);
}

/* ---- interpolation */

AVX2 void codec_h264_average_avx2(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *a, ptrdiff_t a_stride,
                                  const uint8_t *b, ptrdiff_t b_stride, int w, int h)
{
    for (; h > 0; h -= 2, dst += 2 * dst_stride, a += 2 * a_stride, b += 2 * b_stride) {
        if (w == 16) {
            store16(dst, _mm_avg_epu8(load16(a), load16(b)));
            store16(dst + dst_stride, _mm_avg_epu8(load16(a + a_stride), load16(b + b_stride)));
        } else if (w == 8) {
            store8(dst, _mm_avg_epu8(load8(a), load8(b)));
            store8(dst + dst_stride, _mm_avg_epu8(load8(a + a_stride), load8(b + b_stride)));
        } else {
            store4(dst, _mm_cvtsi128_si32(_mm_avg_epu8(load4(a), load4(b))));
            store4(dst + dst_stride, _mm_cvtsi128_si32(_mm_avg_epu8(load4(a + a_stride), load4(b + b_stride))));
        }
    }
}

/* Sums of two neighbours, of 32 samples. */
INLINE __m256i sums_of_two(const uint8_t *p) { return _mm256_maddubs_epi16(load32(p), _mm256_set1_epi8(1)); }

AVX2 void codec_h264_halve_avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, ptrdiff_t count)
{
    ptrdiff_t x = 0;
    for (; x + 16 <= count; x += 16) {
        const __m256i sum = _mm256_add_epi16(sums_of_two(a + 2 * x), sums_of_two(b + 2 * x));
        store16(out + x, pack(_mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2)));
    }
    for (; x < count; x++) out[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
}

/* a - 5 b + 20 c of sums of two samples each: within -5 * 510 and 21 * 510. */
INLINE __m256i taps(__m256i outer, __m256i middle, __m256i inner)
{
    const __m256i four = _mm256_sub_epi16(_mm256_slli_epi16(inner, 2), middle); /* 4 c - b */
    return _mm256_add_epi16(_mm256_add_epi16(outer, four), _mm256_slli_epi16(four, 2));
}

INLINE __m256i words(const uint8_t *p) { return _mm256_cvtepu8_epi16(load16(p)); }

INLINE __m256i two_words(const uint8_t *p, const uint8_t *q) { return _mm256_add_epi16(words(p), words(q)); }

INLINE __m256i rounded(__m256i v) { return _mm256_srai_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(16)), 5); }

/* The six taps over vertical sums at p, as 32-bit sums of eight columns, rounded. */
INLINE __m256i centre8(__m128i v0, __m128i v1, __m128i v2, __m128i v3, __m128i v4, __m128i v5)
{
    const __m256i sides = _mm256_set1_epi32((int)0xfffb0001), middle = _mm256_set1_epi32(20 << 16 | 20),
                  last = _mm256_set1_epi32(1 << 16 | 0xfffb);
    const __m256i a = both(_mm_unpacklo_epi16(v0, v1), _mm_unpackhi_epi16(v0, v1)),
                  b = both(_mm_unpacklo_epi16(v2, v3), _mm_unpackhi_epi16(v2, v3)),
                  c = both(_mm_unpacklo_epi16(v4, v5), _mm_unpackhi_epi16(v4, v5));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(_mm256_madd_epi16(a, sides), _mm256_madd_epi16(b, middle)),
                                         _mm256_madd_epi16(c, last));
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(512)), 10);
}

AVX2 void codec_h264_half_samples_avx2(uint8_t *b, uint8_t *h, uint8_t *j, const uint8_t *src, ptrdiff_t stride, int w,
                                       int16_t *work)
{
    /* vertical sums of columns -2 ... w + 2; the last vector ends with the last column */
    for (int at = 0; at < w + 5; at += 16) {
        const int first = at + 16 <= w + 5 ? at : w + 5 - 16;
        const uint8_t *p = src + first - 2;
        const __m256i sums = taps(two_words(p - 2 * stride, p + 3 * stride), two_words(p - stride, p + 2 * stride),
                                  two_words(p, p + stride));
        _mm256_storeu_si256((__m256i *)(work + first), sums);
    }
    for (int at = 0; at < w; at += 16) {
        const int x = at + 16 <= w ? at : w - 16;
        const int16_t *v = work + x;
        __m256i sum, lower, upper;
        sum = taps(two_words(src + x - 2, src + x + 3), two_words(src + x - 1, src + x + 2),
                   two_words(src + x, src + x + 1));
        store16(b + x, pack(rounded(sum)));
        store16(h + x, pack(rounded(load32(v + 2))));
        lower = centre8(load16(v), load16(v + 1), load16(v + 2), load16(v + 3), load16(v + 4), load16(v + 5));
        upper = centre8(load16(v + 8), load16(v + 9), load16(v + 10), load16(v + 11), load16(v + 12), load16(v + 13));
        store16(j + x, _mm_packus_epi16(_mm_packs_epi32(low(lower), high(lower)),
                                        _mm_packs_epi32(low(upper), high(upper))));
    }
}

/* ---- forward transforms */

INLINE Rows forward4(Rows d)
{
    const __m256i e0 = _mm256_add_epi16(d.r[0], d.r[3]), e3 = _mm256_sub_epi16(d.r[0], d.r[3]),
                  e1 = _mm256_add_epi16(d.r[1], d.r[2]), e2 = _mm256_sub_epi16(d.r[1], d.r[2]);
    return (Rows){{_mm256_add_epi16(e0, e1), _mm256_add_epi16(_mm256_add_epi16(e3, e3), e2), _mm256_sub_epi16(e0, e1),
                   _mm256_sub_epi16(e3, _mm256_add_epi16(e2, e2))}};
}

AVX2 void codec_h264_forward4x4_avx2(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                                     ptrdiff_t pred_stride)
{
    const Rows t = forward4(transposed(forward4(transposed(difference_8x8(src, src_stride, pred, pred_stride)))));
    /* low parts: rows of the left blocks; high parts: of the right ones */
    const __m256i left01 = _mm256_unpacklo_epi64(t.r[0], t.r[1]), left23 = _mm256_unpacklo_epi64(t.r[2], t.r[3]),
                  right01 = _mm256_unpackhi_epi64(t.r[0], t.r[1]), right23 = _mm256_unpackhi_epi64(t.r[2], t.r[3]);
    _mm256_storeu_si256((__m256i *)d, _mm256_permute2x128_si256(left01, left23, 0x20));
    _mm256_storeu_si256((__m256i *)(d + 16), _mm256_permute2x128_si256(right01, right23, 0x20));
    _mm256_storeu_si256((__m256i *)(d + 32), _mm256_permute2x128_si256(left01, left23, 0x31));
    _mm256_storeu_si256((__m256i *)(d + 48), _mm256_permute2x128_si256(right01, right23, 0x31));
}

AVX2 void codec_h264_forward_one_avx2(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                                      ptrdiff_t pred_stride)
{
    Rows t;
    __m128i rows01, rows23;
    for (int i = 0; i < 4; i++)
        t.r[i] = widen(_mm_sub_epi16(_mm_cvtepu8_epi16(load4(src + i * src_stride)),
                                     _mm_cvtepu8_epi16(load4(pred + i * pred_stride))));
    t = forward4(transposed(forward4(transposed(t))));
    rows01 = _mm_unpacklo_epi64(low(t.r[0]), low(t.r[1]));
    rows23 = _mm_unpacklo_epi64(low(t.r[2]), low(t.r[3]));
    store16(d, rows01);
    store16(d + 8, rows23);
}

/* One dimension of the 8x8 transform over eight columns; magnitudes stay below 2^15 (h264enc.h). */
INLINE void forward8(__m128i d[8])
{
#define ADD _mm_add_epi16
#define SUB _mm_sub_epi16
#define SHR _mm_srai_epi16
    const __m128i s07 = ADD(d[0], d[7]), s16 = ADD(d[1], d[6]), s25 = ADD(d[2], d[5]), s34 = ADD(d[3], d[4]);
    const __m128i d07 = SUB(d[0], d[7]), d16 = SUB(d[1], d[6]), d25 = SUB(d[2], d[5]), d34 = SUB(d[3], d[4]);
    const __m128i a0 = ADD(s07, s34), a1 = ADD(s16, s25), a2 = SUB(s07, s34), a3 = SUB(s16, s25);
    const __m128i a4 = ADD(ADD(d16, d25), ADD(d07, SHR(d07, 1))), a5 = SUB(SUB(d07, d34), ADD(d25, SHR(d25, 1)));
    const __m128i a6 = SUB(ADD(d07, d34), ADD(d16, SHR(d16, 1))), a7 = ADD(SUB(d16, d25), ADD(d34, SHR(d34, 1)));
    d[0] = ADD(a0, a1);
    d[1] = ADD(a4, SHR(a7, 2));
    d[2] = ADD(a2, SHR(a3, 1));
    d[3] = ADD(a5, SHR(a6, 2));
    d[4] = SUB(a0, a1);
    d[5] = SUB(a6, SHR(a5, 2));
    d[6] = SUB(SHR(a2, 1), a3);
    d[7] = SUB(SHR(a4, 2), a7);
#undef ADD
#undef SUB
#undef SHR
}

INLINE void transpose8(__m128i r[8])
{
    __m128i t[8], u[8];
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm_unpacklo_epi32(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm_unpackhi_epi32(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm_unpacklo_epi32(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm_unpackhi_epi32(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        r[2 * i] = _mm_unpacklo_epi64(u[i], u[i + 4]);
        r[2 * i + 1] = _mm_unpackhi_epi64(u[i], u[i + 4]);
    }
}

AVX2 void codec_h264_forward8x8_avx2(int16_t *d, const uint8_t *src, ptrdiff_t src_stride, const uint8_t *pred,
                                     ptrdiff_t pred_stride)
{
    __m128i r[8];
    for (int i = 0; i < 8; i++)
        r[i] = _mm_sub_epi16(_mm_cvtepu8_epi16(load8(src + i * src_stride)),
                             _mm_cvtepu8_epi16(load8(pred + i * pred_stride)));
    forward8(r);
    transpose8(r);
    forward8(r);
    transpose8(r);
    for (int i = 0; i < 8; i++) store16(d + 8 * i, r[i]);
}

/* ---- quantization */

AVX2 int codec_h264_quantize_avx2(int16_t *level, const int16_t *d, const uint16_t *scale, const uint16_t *bias, int n)
{
    __m256i any = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 16) {
        const __m256i v = load32(d + i);
        const __m256i sum = _mm256_add_epi16(_mm256_abs_epi16(v), load32(bias + i));
        const __m256i m = _mm256_mulhi_epu16(sum, load32(scale + i));
        any = _mm256_or_si256(any, m);
        _mm256_storeu_si256((__m256i *)(level + i), _mm256_sign_epi16(m, v));
    }
    return !_mm256_testz_si256(any, any);
}

#endif
