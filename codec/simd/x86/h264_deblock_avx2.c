/* Filtering of one edge of H.264 on 8-bit samples, AVX2 (8.7.2.2 to 8.7.2.4). Contracts: h264dsp.h; the mathematics: h264_deblock.h.
 *
 * Sixteen lines at once as bytes, one register per distance from the edge: p3 p2 p1 p0 | q0 q1 q2 q3. Vertical edges are transposed into that form
 * and back. Lengths that only MBAFF frames have are left to the scalar bodies. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include <immintrin.h>
#include <string.h>

#include "h264_avx2.h"

#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline, target("avx2")))

INLINE __m128i load4(const uint8_t *p) { int v; memcpy(&v, p, 4); return _mm_cvtsi32_si128(v); }
INLINE void store4(uint8_t *p, int v) { memcpy(p, &v, 4); }
INLINE __m128i load8(const uint8_t *p) { return _mm_loadl_epi64((const __m128i *)p); }
INLINE void store8_high(uint8_t *p, __m128i v) { const int64_t high = _mm_extract_epi64(v, 1); memcpy(p, &high, 8); }
INLINE void store8(uint8_t *p, __m128i v) { _mm_storel_epi64((__m128i *)p, v); }
INLINE __m128i load16(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE void store16(uint8_t *p, __m128i v) { _mm_storeu_si128((__m128i *)p, v); }

/* All ones where |a - b| <= limit. */
INLINE __m128i near_by(__m128i a, __m128i b, __m128i limit)
{
    const __m128i distance = _mm_or_si128(_mm_subs_epu8(a, b), _mm_subs_epu8(b, a));
    return _mm_cmpeq_epi8(_mm_subs_epu8(distance, limit), _mm_setzero_si128());
}

INLINE __m128i filter_samples(__m128i p1, __m128i p0, __m128i q0, __m128i q1, __m128i alpha1, __m128i beta1)
{
    return _mm_and_si128(near_by(p0, q0, alpha1), _mm_and_si128(near_by(p1, p0, beta1), near_by(q1, q0, beta1)));
}

/* p0 + delta and q0 - delta, delta = Clip3(-tC, tC, (4 X + Y + 4) >> 3) with X = q0 - p0, Y = p1 - q1, in averages that round up:
 *   avg(p1, ~q1) = 128 + (Y >> 1), the average of that and 3 is 66 + (Y >> 2) = z;
 *   avg(q0, ~p0) = 128 + (X >> 1), and (p0 ^ q0) & 1 is the bit that was lost;
 *   avg(that bit, z) = 33 + (((X & 1) + (Y >> 2) + 1) >> 1).
 * The sum of the last two is 161 + delta before clipping; where it saturates at 255, delta is at least 94, and tC at most 27. */
INLINE void move_both(__m128i p1, __m128i *p0, __m128i *q0, __m128i q1, __m128i tC)
{
    const __m128i ones = _mm_set1_epi8(-1), middle = _mm_set1_epi8((char)161);
    const __m128i z = _mm_avg_epu8(_mm_avg_epu8(p1, _mm_xor_si128(q1, ones)), _mm_set1_epi8(3));
    const __m128i lost = _mm_and_si128(_mm_xor_si128(*p0, *q0), _mm_set1_epi8(1));
    const __m128i delta = _mm_adds_epu8(_mm_avg_epu8(*q0, _mm_xor_si128(*p0, ones)), _mm_avg_epu8(lost, z));
    const __m128i up = _mm_min_epu8(_mm_subs_epu8(delta, middle), tC), down = _mm_min_epu8(_mm_subs_epu8(middle, delta), tC);
    *p0 = _mm_subs_epu8(_mm_adds_epu8(*p0, up), down);
    *q0 = _mm_adds_epu8(_mm_subs_epu8(*q0, up), down);
}

/* p1 + Clip3(-tC0, tC0, (p2 + ((p0 + q0 + 1) >> 1) - 2 p1) >> 1): the mean of p2 and that of p0 and q0, rounded down, not further than tC0 from p1. */
INLINE __m128i move_second(__m128i p2, __m128i p1, __m128i mean, __m128i tC0)
{
    const __m128i half = _mm_and_si128(_mm_xor_si128(p2, mean), _mm_set1_epi8(1));
    const __m128i wanted = _mm_sub_epi8(_mm_avg_epu8(p2, mean), half);
    return _mm_min_epu8(_mm_max_epu8(wanted, _mm_subs_epu8(p1, tC0)), _mm_adds_epu8(p1, tC0));
}

/* bS 1..3 on luma. s: p2 p1 p0 q0 q1 q2. Whether anything may have changed. */
INLINE int normal_luma(__m128i s[6], int alpha, int beta, __m128i tC0)
{
    const __m128i beta1 = _mm_set1_epi8((char)(beta - 1)), filtered = _mm_cmpgt_epi8(tC0, _mm_set1_epi8(-1));
    const __m128i mask = _mm_and_si128(filter_samples(s[1], s[2], s[3], s[4], _mm_set1_epi8((char)(alpha - 1)), beta1), filtered);
    __m128i ap, aq, mean, tC, p1, q1;
    if (_mm_testz_si128(mask, mask)) return 0;
    ap = _mm_and_si128(near_by(s[0], s[2], beta1), mask);
    aq = _mm_and_si128(near_by(s[5], s[3], beta1), mask);
    tC0 = _mm_and_si128(tC0, mask);
    tC = _mm_sub_epi8(_mm_sub_epi8(tC0, ap), aq);
    mean = _mm_avg_epu8(s[2], s[3]);
    p1 = move_second(s[0], s[1], mean, _mm_and_si128(tC0, ap));
    q1 = move_second(s[5], s[4], mean, _mm_and_si128(tC0, aq));
    move_both(s[1], &s[2], &s[3], s[4], tC);
    s[1] = p1;
    s[4] = q1;
    return 1;
}

/* tC0 of each of 16 or 8 lines, the first in the lowest byte. */
INLINE __m128i spread(const int16_t *tc0, int length)
{
    const __m128i four = _mm_loadl_epi64((const __m128i *)tc0), bytes = _mm_packs_epi16(four, four);
    if (length == 16) return _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
    return _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3));
}

INLINE __m128i pack(__m256i v) { return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)); }

/* One side of an edge of bS 4 on luma, in words: c = p1 + p0 + q0 is common to all that is not the weak p0. */
INLINE void strong_side(__m128i p3, __m128i *p2, __m128i *p1, __m128i *p0, __m128i q0, __m128i q1, __m128i mask, __m128i strong)
{
    const __m256i P2 = _mm256_cvtepu8_epi16(*p2), P1 = _mm256_cvtepu8_epi16(*p1), P0 = _mm256_cvtepu8_epi16(*p0), Q1 = _mm256_cvtepu8_epi16(q1);
    const __m256i c = _mm256_add_epi16(_mm256_add_epi16(P1, P0), _mm256_cvtepu8_epi16(q0)), two = _mm256_set1_epi16(2), four = _mm256_set1_epi16(4);
    const __m256i c2 = _mm256_add_epi16(_mm256_add_epi16(P2, c), two);
    const __m256i weak = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(_mm256_add_epi16(P1, P1), P0), _mm256_add_epi16(Q1, two)), 2);
    const __m256i new0 = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(c2, c), _mm256_add_epi16(Q1, two)), 3);
    const __m256i new1 = _mm256_srli_epi16(c2, 2);
    const __m256i twice = _mm256_add_epi16(_mm256_add_epi16(_mm256_cvtepu8_epi16(p3), P2), _mm256_add_epi16(_mm256_cvtepu8_epi16(p3), P2));
    const __m256i new2 = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(twice, P2), _mm256_add_epi16(c, four)), 3);
    *p0 = _mm_blendv_epi8(*p0, _mm_blendv_epi8(pack(weak), pack(new0), strong), mask);
    *p1 = _mm_blendv_epi8(*p1, pack(new1), strong);
    *p2 = _mm_blendv_epi8(*p2, pack(new2), strong);
}

/* bS 4 on luma. s: p3 p2 p1 p0 q0 q1 q2 q3. */
INLINE int strong_luma(__m128i s[8], int alpha, int beta)
{
    const __m128i beta1 = _mm_set1_epi8((char)(beta - 1)), p0 = s[3], q0 = s[4], p1 = s[2], q1 = s[5];
    const __m128i mask = filter_samples(p1, p0, q0, q1, _mm_set1_epi8((char)(alpha - 1)), beta1);
    __m128i small_step;
    if (_mm_testz_si128(mask, mask)) return 0;
    small_step = _mm_and_si128(near_by(p0, q0, _mm_set1_epi8((char)((alpha >> 2) + 1))), mask);
    strong_side(s[0], &s[1], &s[2], &s[3], q0, q1, mask, _mm_and_si128(near_by(s[1], p0, beta1), small_step));
    strong_side(s[7], &s[6], &s[5], &s[4], p0, p1, mask, _mm_and_si128(near_by(s[6], q0, beta1), small_step));
    return 1;
}

/* Sixteen lines of eight samples to eight registers of sixteen. */
INLINE void load_lines(const uint8_t *p, ptrdiff_t stride, __m128i c[8])
{
    __m128i two[8], four[8], eight[8];
    for (int i = 0; i < 8; i++) two[i] = _mm_unpacklo_epi8(load8(p + 2 * i * stride), load8(p + (2 * i + 1) * stride));
    for (int i = 0; i < 4; i++) {
        four[i] = _mm_unpacklo_epi16(two[2 * i], two[2 * i + 1]);     /* columns 0..3 of lines 4i.. */
        four[i + 4] = _mm_unpackhi_epi16(two[2 * i], two[2 * i + 1]); /* columns 4..7 */
    }
    for (int i = 0; i < 4; i++) {
        eight[2 * i] = _mm_unpacklo_epi32(four[2 * i], four[2 * i + 1]);
        eight[2 * i + 1] = _mm_unpackhi_epi32(four[2 * i], four[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) { /* eight[0], [1]: columns 0 1 and 2 3 of lines 0..7; [2], [3]: of lines 8..15; then columns 4.. */
        const int at = (i & 2) * 2 + (i & 1);
        c[2 * i] = _mm_unpacklo_epi64(eight[at], eight[at + 2]);
        c[2 * i + 1] = _mm_unpackhi_epi64(eight[at], eight[at + 2]);
    }
}

INLINE void store_lines8(uint8_t *p, ptrdiff_t stride, const __m128i c[8])
{
    __m128i two[8], four[8];
    for (int i = 0; i < 4; i++) {
        two[i] = _mm_unpacklo_epi8(c[2 * i], c[2 * i + 1]);     /* columns 2i, 2i + 1 of lines 0..7 */
        two[i + 4] = _mm_unpackhi_epi8(c[2 * i], c[2 * i + 1]); /* of lines 8..15 */
    }
    for (int i = 0; i < 8; i += 2) {
        four[i] = _mm_unpacklo_epi16(two[i], two[i + 1]);
        four[i + 1] = _mm_unpackhi_epi16(two[i], two[i + 1]);
    }
    for (int i = 0; i < 4; i++) { /* lines 4i.. */
        const int at = (i & 2) * 2 + (i & 1);
        const __m128i first = _mm_unpacklo_epi32(four[at], four[at + 2]), second = _mm_unpackhi_epi32(four[at], four[at + 2]);
        store8(p + 4 * i * stride, first);
        store8_high(p + (4 * i + 1) * stride, first);
        store8(p + (4 * i + 2) * stride, second);
        store8_high(p + (4 * i + 3) * stride, second);
    }
}

/* Four lines of four samples. */
INLINE void store_quad(uint8_t *p, ptrdiff_t stride, __m128i v)
{
    store4(p, _mm_cvtsi128_si32(v));
    store4(p + stride, _mm_extract_epi32(v, 1));
    store4(p + 2 * stride, _mm_extract_epi32(v, 2));
    store4(p + 3 * stride, _mm_extract_epi32(v, 3));
}

INLINE void store_lines4(uint8_t *p, ptrdiff_t stride, const __m128i c[4])
{
    const __m128i a = _mm_unpacklo_epi8(c[0], c[1]), b = _mm_unpacklo_epi8(c[2], c[3]);
    const __m128i e = _mm_unpackhi_epi8(c[0], c[1]), f = _mm_unpackhi_epi8(c[2], c[3]);
    store_quad(p, stride, _mm_unpacklo_epi16(a, b));
    store_quad(p + 4 * stride, stride, _mm_unpackhi_epi16(a, b));
    store_quad(p + 8 * stride, stride, _mm_unpacklo_epi16(e, f));
    store_quad(p + 12 * stride, stride, _mm_unpackhi_epi16(e, f));
}

AVX2 void codec_h264_deblock_luma_h_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max)
{
    __m128i s[6];
    if (length != 16) {
        codec_h264_dsp(0, 0)->deblock_luma_h(pix, stride, length, alpha, beta, tc0, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    for (int i = 0; i < 6; i++) s[i] = load16(pix + (i - 3) * stride);
    if (!normal_luma(s, alpha, beta, spread(tc0, 16))) return;
    for (int i = 1; i < 5; i++) store16(pix + (i - 3) * stride, s[i]);
}

AVX2 void codec_h264_deblock_luma_v_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max)
{
    __m128i s[8];
    if (length != 16) {
        codec_h264_dsp(0, 0)->deblock_luma_v(pix, stride, length, alpha, beta, tc0, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    load_lines(pix - 4, stride, s);
    if (normal_luma(s + 1, alpha, beta, spread(tc0, 16))) store_lines4(pix - 2, stride, s + 2);
}

AVX2 void codec_h264_deblock_luma_intra_h_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max)
{
    __m128i s[8];
    if (length != 16) {
        codec_h264_dsp(0, 0)->deblock_luma_intra_h(pix, stride, length, alpha, beta, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    for (int i = 0; i < 8; i++) s[i] = load16(pix + (i - 4) * stride);
    if (!strong_luma(s, alpha, beta)) return;
    for (int i = 1; i < 7; i++) store16(pix + (i - 4) * stride, s[i]);
}

AVX2 void codec_h264_deblock_luma_intra_v_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max)
{
    __m128i s[8];
    if (length != 16) {
        codec_h264_dsp(0, 0)->deblock_luma_intra_v(pix, stride, length, alpha, beta, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    load_lines(pix - 4, stride, s);
    if (strong_luma(s, alpha, beta)) store_lines8(pix - 4, stride, s);
}

/* ---------------------------------------------------------------- chroma: eight lines, in the lower half of each register */

INLINE int normal_chroma(__m128i s[4], int alpha, int beta, __m128i tC0)
{
    const __m128i filtered = _mm_cmpgt_epi8(tC0, _mm_set1_epi8(-1));
    const __m128i mask = _mm_and_si128(filter_samples(s[0], s[1], s[2], s[3], _mm_set1_epi8((char)(alpha - 1)), _mm_set1_epi8((char)(beta - 1))), filtered);
    if (!(_mm_movemask_epi8(mask) & 0xff)) return 0;
    move_both(s[0], &s[1], &s[2], s[3], _mm_and_si128(_mm_add_epi8(tC0, _mm_set1_epi8(1)), mask));
    return 1;
}

/* (2 p1 + p0 + q1 + 2) >> 2: the mean of p0 and q1 rounded down, then with p1 rounded up. */
INLINE __m128i weak(__m128i p1, __m128i p0, __m128i q1)
{
    const __m128i half = _mm_and_si128(_mm_xor_si128(p0, q1), _mm_set1_epi8(1));
    return _mm_avg_epu8(p1, _mm_sub_epi8(_mm_avg_epu8(p0, q1), half));
}

INLINE int strong_chroma(__m128i s[4], int alpha, int beta)
{
    const __m128i mask = filter_samples(s[0], s[1], s[2], s[3], _mm_set1_epi8((char)(alpha - 1)), _mm_set1_epi8((char)(beta - 1)));
    const __m128i p0 = weak(s[0], s[1], s[3]), q0 = weak(s[3], s[2], s[0]);
    if (!(_mm_movemask_epi8(mask) & 0xff)) return 0;
    s[1] = _mm_blendv_epi8(s[1], p0, mask);
    s[2] = _mm_blendv_epi8(s[2], q0, mask);
    return 1;
}

/* Eight lines of four samples, and back. */
INLINE void load_lines4(const uint8_t *p, ptrdiff_t stride, __m128i c[4])
{
    const __m128i a = _mm_unpacklo_epi8(load4(p), load4(p + stride)), b = _mm_unpacklo_epi8(load4(p + 2 * stride), load4(p + 3 * stride));
    const __m128i e = _mm_unpacklo_epi8(load4(p + 4 * stride), load4(p + 5 * stride)), f = _mm_unpacklo_epi8(load4(p + 6 * stride), load4(p + 7 * stride));
    const __m128i upper = _mm_unpacklo_epi16(a, b), lower = _mm_unpacklo_epi16(e, f); /* four columns of four lines each */
    c[0] = _mm_unpacklo_epi32(upper, lower);
    c[1] = _mm_unpackhi_epi64(c[0], c[0]);
    c[2] = _mm_unpackhi_epi32(upper, lower);
    c[3] = _mm_unpackhi_epi64(c[2], c[2]);
}

INLINE void store_eight_lines4(uint8_t *p, ptrdiff_t stride, const __m128i c[4])
{
    const __m128i a = _mm_unpacklo_epi8(c[0], c[1]), b = _mm_unpacklo_epi8(c[2], c[3]);
    store_quad(p, stride, _mm_unpacklo_epi16(a, b));
    store_quad(p + 4 * stride, stride, _mm_unpackhi_epi16(a, b));
}

AVX2 void codec_h264_deblock_chroma_h_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max)
{
    __m128i s[4];
    if (length != 8) {
        codec_h264_dsp(0, 0)->deblock_chroma_h(pix, stride, length, alpha, beta, tc0, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    for (int i = 0; i < 4; i++) s[i] = load8(pix + (i - 2) * stride);
    if (!normal_chroma(s, alpha, beta, spread(tc0, 8))) return;
    store8(pix - stride, s[1]);
    store8(pix, s[2]);
}

AVX2 void codec_h264_deblock_chroma_v_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, const int16_t *tc0, int max)
{
    __m128i s[4], lines;
    if (length == 4) {
        codec_h264_dsp(0, 0)->deblock_chroma_v(pix, stride, length, alpha, beta, tc0, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    lines = spread(tc0, length);
    for (int y = 0; y < length; y += 8, pix += 8 * stride, lines = _mm_unpackhi_epi64(lines, lines)) {
        load_lines4(pix - 2, stride, s);
        if (normal_chroma(s, alpha, beta, lines)) store_eight_lines4(pix - 2, stride, s);
    }
}

AVX2 void codec_h264_deblock_chroma_intra_h_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max)
{
    __m128i s[4];
    if (length != 8) {
        codec_h264_dsp(0, 0)->deblock_chroma_intra_h(pix, stride, length, alpha, beta, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    for (int i = 0; i < 4; i++) s[i] = load8(pix + (i - 2) * stride);
    if (!strong_chroma(s, alpha, beta)) return;
    store8(pix - stride, s[1]);
    store8(pix, s[2]);
}

AVX2 void codec_h264_deblock_chroma_intra_v_avx2(uint8_t *pix, ptrdiff_t stride, int length, int alpha, int beta, int max)
{
    __m128i s[4];
    if (length == 4) {
        codec_h264_dsp(0, 0)->deblock_chroma_intra_v(pix, stride, length, alpha, beta, max);
        return;
    }
    if (alpha < 1 || beta < 1) return;
    for (int y = 0; y < length; y += 8, pix += 8 * stride) {
        load_lines4(pix - 2, stride, s);
        if (strong_chroma(s, alpha, beta)) store_eight_lines4(pix - 2, stride, s);
    }
}
#else
typedef int codec_h264_deblock_avx2_is_empty;
#endif
