/* AVX2 deblocking of H.264 macroblocks with 8-bit samples (8.7). Contracts: h264dsp.h; the mathematics: h264_deblock.h.
 *
 * Lines are filtered as bytes, one register per distance from the edge: p3 p2 p1 p0 | q0 q1 q2 q3. A register holds 32
 * lines: those of luma edges 0 and 2, which do not touch each other's samples, or of edges 0 and 4 of both chroma
 * planes. Edges are filtered one after another only if luma edges 1 or 3 are filtered too. Vertical edges are
 * transposed into this form and back. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "avx2.h"
#include "h264_avx2.h"

/* ---------------------------------------------------------------- the filter, on 32 lines */

typedef struct { __m256i alpha, beta, tC0, on; } Limits; /* of each line; `on`: bS is not 0 */

/* The limits of each line, from the bS of eight parts (four of each of two edges) and two H264Threshold per half of the
 * register. `part` selects the part of each line; `second` is 8 for lines of the second edge. */
INLINE Limits limits(__m256i bS, __m256i t, __m256i part, __m256i second)
{
    const __m256i strength = _mm256_shuffle_epi8(bS, part);
    Limits l;
    l.on = _mm256_cmpgt_epi8(strength, _mm256_setzero_si256());
    l.tC0 = _mm256_shuffle_epi8(t, _mm256_add_epi8(strength, second));
    l.alpha = _mm256_shuffle_epi8(t, _mm256_add_epi8(second, _mm256_set1_epi8(4)));
    l.beta = _mm256_shuffle_epi8(t, _mm256_add_epi8(second, _mm256_set1_epi8(5)));
    return l;
}

/* Zero exactly where |a - b| >= limit. */
INLINE __m256i below(__m256i a, __m256i b, __m256i limit)
{
    return _mm256_subs_epu8(limit, _mm256_or_si256(_mm256_subs_epu8(a, b), _mm256_subs_epu8(b, a)));
}

/* All ones where filterSamplesFlag is 0. */
INLINE __m256i unfiltered(__m256i p1, __m256i p0, __m256i q0, __m256i q1, const Limits *l)
{
    const __m256i sides = _mm256_min_epu8(below(p1, p0, l->beta), below(q1, q0, l->beta));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(sides, below(p0, q0, l->alpha)), _mm256_setzero_si256());
}

/* p0 + delta and q0 - delta, delta = Clip3(-tC, tC, (4 X + Y + 4) >> 3) with X = q0 - p0, Y = p1 - q1, in averages that
 * round up:
 *   avg(p1, ~q1) = 128 + (Y >> 1), the average of that and 3 is 66 + (Y >> 2) = z;
 *   avg(q0, ~p0) = 128 + (X >> 1), and (p0 ^ q0) & 1 is the bit that was lost;
 *   avg(that bit, z) = 33 + (((X & 1) + (Y >> 2) + 1) >> 1).
 * The sum of the last two is 161 + delta before clipping; where it saturates at 255, delta is at least 94, and tC at
 * most 27. */
INLINE void move_both(__m256i p1, __m256i *p0, __m256i *q0, __m256i q1, __m256i tC)
{
    const __m256i ones = _mm256_set1_epi8(-1), middle = _mm256_set1_epi8((char)161);
    const __m256i z = _mm256_avg_epu8(_mm256_avg_epu8(p1, _mm256_xor_si256(q1, ones)), _mm256_set1_epi8(3));
    const __m256i lost = _mm256_and_si256(_mm256_xor_si256(*p0, *q0), _mm256_set1_epi8(1));
    const __m256i delta = _mm256_adds_epu8(_mm256_avg_epu8(*q0, _mm256_xor_si256(*p0, ones)), _mm256_avg_epu8(lost, z));
    const __m256i up = _mm256_min_epu8(_mm256_subs_epu8(delta, middle), tC),
        down = _mm256_min_epu8(_mm256_subs_epu8(middle, delta), tC);
    *p0 = _mm256_subs_epu8(_mm256_adds_epu8(*p0, up), down);
    *q0 = _mm256_adds_epu8(_mm256_subs_epu8(*q0, up), down);
}

/* p1 + Clip3(-tC0, tC0, (p2 + ((p0 + q0 + 1) >> 1) - 2 p1) >> 1): the mean of p2 and that of p0 and q0, rounded down,
 * at most tC0 from p1. */
INLINE __m256i move_second(__m256i p2, __m256i p1, __m256i mean, __m256i tC0)
{
    const __m256i half = _mm256_and_si256(_mm256_xor_si256(p2, mean), _mm256_set1_epi8(1));
    const __m256i wanted = _mm256_sub_epi8(_mm256_avg_epu8(p2, mean), half);
    return _mm256_min_epu8(_mm256_max_epu8(wanted, _mm256_subs_epu8(p1, tC0)), _mm256_adds_epu8(p1, tC0));
}

/* bS 1..3 on luma. s: p2 p1 p0 q0 q1 q2. */
INLINE void normal_luma(__m256i s[6], const Limits *l)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i mask = _mm256_andnot_si256(unfiltered(s[1], s[2], s[3], s[4], l), l->on);
    const __m256i ap = _mm256_andnot_si256(_mm256_cmpeq_epi8(below(s[0], s[2], l->beta), zero), mask);
    const __m256i aq = _mm256_andnot_si256(_mm256_cmpeq_epi8(below(s[5], s[3], l->beta), zero), mask);
    const __m256i tC0 = _mm256_and_si256(l->tC0, mask), mean = _mm256_avg_epu8(s[2], s[3]);
    const __m256i p1 = move_second(s[0], s[1], mean, _mm256_and_si256(tC0, ap)),
        q1 = move_second(s[5], s[4], mean, _mm256_and_si256(tC0, aq));
    move_both(s[1], &s[2], &s[3], s[4], _mm256_sub_epi8(_mm256_sub_epi8(tC0, ap), aq));
    s[1] = p1;
    s[4] = q1;
}

/* One side of an edge of bS 4 on luma, 16 lines in words: all but the weak p0 share c = p1 + p0 + q0. */
INLINE void strong_side(__m128i p3, __m128i *p2, __m128i *p1, __m128i *p0, __m128i q0, __m128i q1, __m128i mask,
                        __m128i strong)
{
    const __m256i P2 = _mm256_cvtepu8_epi16(*p2), P1 = _mm256_cvtepu8_epi16(*p1), P0 = _mm256_cvtepu8_epi16(*p0),
        Q1 = _mm256_cvtepu8_epi16(q1);
    const __m256i c = _mm256_add_epi16(_mm256_add_epi16(P1, P0), _mm256_cvtepu8_epi16(q0)), two = _mm256_set1_epi16(2),
        four = _mm256_set1_epi16(4);
    const __m256i c2 = _mm256_add_epi16(_mm256_add_epi16(P2, c), two);
    const __m256i weak = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(_mm256_add_epi16(P1, P1), P0),
                                                            _mm256_add_epi16(Q1, two)), 2);
    const __m256i new0 = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(c2, c), _mm256_add_epi16(Q1, two)), 3);
    const __m256i new1 = _mm256_srli_epi16(c2, 2);
    const __m256i outer = _mm256_add_epi16(_mm256_cvtepu8_epi16(p3), P2);
    const __m256i new2 = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(_mm256_add_epi16(outer, outer), P2),
                                                            _mm256_add_epi16(c, four)), 3);
    *p0 = _mm_blendv_epi8(*p0, _mm_blendv_epi8(pack(weak), pack(new0), strong), mask);
    *p1 = _mm_blendv_epi8(*p1, pack(new1), strong);
    *p2 = _mm_blendv_epi8(*p2, pack(new2), strong);
}

/* bS 4 on 16 lines of luma. s: p3 p2 p1 p0 q0 q1 q2 q3. */
INLINE void strong_luma(__m128i s[8], const H264Threshold *t)
{
    const Limits l = {.alpha = _mm256_set1_epi8((char)t->alpha), .beta = _mm256_set1_epi8((char)t->beta)};
    const __m256i step = _mm256_set1_epi8((char)((t->alpha >> 2) + 2));
    const __m128i p0 = s[3], q0 = s[4], p1 = s[2], q1 = s[5], zero = _mm_setzero_si128(),
        ones = _mm_cmpeq_epi8(zero, zero);
    const __m128i mask = _mm_xor_si128(low(unfiltered(widen(p1), widen(p0), widen(q0), widen(q1), &l)), ones);
    const __m128i small_step = _mm_andnot_si128(_mm_cmpeq_epi8(low(below(widen(p0), widen(q0), step)), zero), mask);
    const __m128i ap = _mm_andnot_si128(_mm_cmpeq_epi8(low(below(widen(s[1]), widen(p0), l.beta)), zero), small_step);
    const __m128i aq = _mm_andnot_si128(_mm_cmpeq_epi8(low(below(widen(s[6]), widen(q0), l.beta)), zero), small_step);
    strong_side(s[0], &s[1], &s[2], &s[3], q0, q1, mask, ap);
    strong_side(s[7], &s[6], &s[5], &s[4], p0, p1, mask, aq);
}

/* One edge of 16 lines, for macroblocks whose edges are filtered one after another. s: p3 p2 p1 p0 q0 q1 q2 q3. */
INLINE void one_edge(__m128i s[8], uint32_t bS, const H264Threshold *t)
{
    const __m256i part = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2,
                                          2, 2, 3, 3, 3, 3);
    const Limits l = limits(widen(_mm_cvtsi32_si128((int)bS)), widen(load8(t)), part, _mm256_setzero_si256());
    __m256i v[6];
    for (int i = 0; i < 6; i++) v[i] = widen(s[i + 1]);
    normal_luma(v, &l);
    for (int i = 1; i < 5; i++) s[i + 1] = low(v[i]);
}

/* ---------------------------------------------------------------- luma */

INLINE __m128i edges_0_and_2(const uint32_t bS[4])
{
    return _mm_insert_epi32(_mm_cvtsi32_si128((int)bS[0]), (int)bS[2], 1);
}

INLINE void rows_in_turn(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2])
{
    for (int e = 0; e < 4; e++, pix += 4 * stride) {
        __m128i s[8];
        if (bS[e] == 0) continue;
        for (int i = 0; i < 8; i++) s[i] = load16(pix + (i - 4) * stride);
        if (bS[e] & 4) {
            strong_luma(s, t);
            store16(pix - 3 * stride, s[1]);
            store16(pix + 2 * stride, s[6]);
        } else {
            one_edge(s, bS[e], &t[e > 0]);
        }
        for (int i = 2; i < 6; i++) store16(pix + (i - 4) * stride, s[i]);
    }
}

/* The rows above may not exist if bS[0] is 0. Then `first` is edge 2 as well: bS 0 leaves its lines unchanged, and they
 * are stored before the filtered ones. */
AVX2 void codec_h264_deblock_luma_h_avx2(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2],
                                         int max)
{
    const __m256i part = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6,
                                          6, 6, 7, 7, 7, 7);
    const __m256i second = _mm256_setr_epi64x(0, 0, 0x0808080808080808, 0x0808080808080808);
    uint8_t *const first = bS[0] ? pix : pix + 8 * stride, *const other = pix + 8 * stride;
    Limits l;
    __m256i s[6];
    (void)max;
    if (bS[1] | bS[3] | (bS[0] & 4)) {
        rows_in_turn(pix, stride, bS, t);
        return;
    }
    l = limits(twice(edges_0_and_2(bS)), twice(load16(t)), part, second);
    for (int i = 0; i < 6; i++) s[i] = both(load16(first + (i - 3) * stride), load16(other + (i - 3) * stride));
    normal_luma(s, &l);
    for (int i = 1; i < 5; i++) {
        store16(first + (i - 3) * stride, low(s[i]));
        store16(other + (i - 3) * stride, high(s[i]));
    }
}

/* Sixteen lines of sixteen samples to registers of two columns each: in the lower half lines 0..7 of column 2j, then of
 * column 2j + 1, in the upper half lines 8..15. */
INLINE void load_columns(const uint8_t *p, ptrdiff_t stride, __m256i pair[8])
{
    __m256i line[8], two[8], four[8];
    for (int i = 0; i < 8; i++) line[i] = both(load16(p + i * stride), load16(p + (i + 8) * stride));
    for (int i = 0; i < 4; i++) {
        two[i] = _mm256_unpacklo_epi8(line[i], line[i + 4]); /* columns 0..7 of lines i and i + 4 */
        two[i + 4] = _mm256_unpackhi_epi8(line[i], line[i + 4]);
    }
    for (int i = 0; i < 8; i += 4) {
        four[i] = _mm256_unpacklo_epi8(two[i], two[i + 2]); /* four columns of even lines */
        four[i + 1] = _mm256_unpacklo_epi8(two[i + 1], two[i + 3]);
        four[i + 2] = _mm256_unpackhi_epi8(two[i], two[i + 2]);
        four[i + 3] = _mm256_unpackhi_epi8(two[i + 1], two[i + 3]);
    }
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_epi8(four[i], four[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi8(four[i], four[i + 1]);
    }
}

/* Edges 0 and 2: the lower half of each 16 bytes belongs to edge 0. */
INLINE void columns_at_once(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2])
{
    const __m256i part = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 4, 4, 4, 4, 5, 5, 5, 5, 2, 2, 2, 2, 3, 3, 3, 3, 6, 6,
                                          6, 6, 7, 7, 7, 7);
    const __m256i second = _mm256_setr_epi64x(0, 0x0808080808080808, 0, 0x0808080808080808);
    const Limits l = limits(twice(edges_0_and_2(bS)), twice(load16(t)), part, second);
    __m256i pair[8], s[8], two[8], four[8];
    load_columns(pix - 4, stride, pair);
    for (int i = 0; i < 4; i++) {
        s[2 * i] = _mm256_unpacklo_epi64(pair[i], pair[i + 4]);
        s[2 * i + 1] = _mm256_unpackhi_epi64(pair[i], pair[i + 4]);
    }
    normal_luma(s + 1, &l);
    for (int i = 0; i < 4; i++) {
        two[i] = _mm256_unpacklo_epi8(s[2 * i], s[2 * i + 1]);     /* columns 2i, 2i + 1 */
        two[i + 4] = _mm256_unpackhi_epi8(s[2 * i], s[2 * i + 1]); /* columns 8 + 2i, 9 + 2i */
    }
    for (int i = 0; i < 8; i += 2) { /* columns 2i.. of lines 0..3, of lines 4..7 */
        four[i] = _mm256_unpacklo_epi16(two[i], two[i + 1]);
        four[i + 1] = _mm256_unpackhi_epi16(two[i], two[i + 1]);
    }
    for (int i = 0; i < 4; i++) { /* lines 2i, 2i + 1 and eight further down */
        const int at = i >> 1;
        const __m256i left = i & 1 ? _mm256_unpackhi_epi32(four[at], four[at + 2])
            : _mm256_unpacklo_epi32(four[at], four[at + 2]);
        const __m256i right = i & 1 ? _mm256_unpackhi_epi32(four[at + 4], four[at + 6])
            : _mm256_unpacklo_epi32(four[at + 4], four[at + 6]);
        const __m256i even = _mm256_unpacklo_epi64(left, right), odd = _mm256_unpackhi_epi64(left, right);
        store16(pix - 4 + 2 * i * stride, low(even));
        store16(pix - 4 + (2 * i + 1) * stride, low(odd));
        store16(pix - 4 + (2 * i + 8) * stride, high(even));
        store16(pix - 4 + (2 * i + 9) * stride, high(odd));
    }
}

/* Four lines of four samples. */
INLINE __m128i load_quad(const uint8_t *p, ptrdiff_t stride)
{
    return _mm_unpacklo_epi64(_mm_unpacklo_epi32(load4(p), load4(p + stride)),
                              _mm_unpacklo_epi32(load4(p + 2 * stride), load4(p + 3 * stride)));
}

INLINE void store_quad(uint8_t *p, ptrdiff_t stride, __m128i v)
{
    store4(p, _mm_cvtsi128_si32(v));
    store4(p + stride, _mm_extract_epi32(v, 1));
    store4(p + 2 * stride, _mm_extract_epi32(v, 2));
    store4(p + 3 * stride, _mm_extract_epi32(v, 3));
}

/* Sixteen lines of four samples to four columns, and back. */
INLINE void load_four_columns(const uint8_t *p, ptrdiff_t stride, __m128i c[4])
{
    const __m128i transpose = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m128i v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm_shuffle_epi8(load_quad(p + 4 * i * stride, stride), transpose);
    for (int i = 0; i < 4; i += 2) {
        const __m128i a = i ? _mm_unpackhi_epi32(v[0], v[1]) : _mm_unpacklo_epi32(v[0], v[1]);
        const __m128i b = i ? _mm_unpackhi_epi32(v[2], v[3]) : _mm_unpacklo_epi32(v[2], v[3]);
        c[i] = _mm_unpacklo_epi64(a, b);
        c[i + 1] = _mm_unpackhi_epi64(a, b);
    }
}

INLINE void store_four_columns(uint8_t *p, ptrdiff_t stride, const __m128i c[4])
{
    const __m128i a = _mm_unpacklo_epi8(c[0], c[1]), b = _mm_unpacklo_epi8(c[2], c[3]);
    const __m128i e = _mm_unpackhi_epi8(c[0], c[1]), f = _mm_unpackhi_epi8(c[2], c[3]);
    store_quad(p, stride, _mm_unpacklo_epi16(a, b));
    store_quad(p + 4 * stride, stride, _mm_unpackhi_epi16(a, b));
    store_quad(p + 8 * stride, stride, _mm_unpacklo_epi16(e, f));
    store_quad(p + 12 * stride, stride, _mm_unpackhi_epi16(e, f));
}

/* All edges: columns -4..11 are kept in memory while edges are filtered, and 12..15 too if edge 3 is filtered. */
INLINE void columns_in_turn(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2])
{
    __m256i pair[8], two[8], four[8];
    __m128i c[20];
    load_columns(pix - 4, stride, pair);
    for (int i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(c + 2 * i), _mm256_permute4x64_epi64(pair[i], 0xD8));
    if (bS[3]) load_four_columns(pix + 12, stride, c + 16);
    if (bS[0] & 4) strong_luma(c, t);
    else if (bS[0]) one_edge(c, bS[0], t);
    for (int e = 1; e < 4; e++)
        if (bS[e]) one_edge(c + 4 * e, bS[e], t + 1);
    for (int i = 0; i < 4; i++) {
        const __m256i even = both(c[2 * i], c[2 * i + 8]), odd = both(c[2 * i + 1], c[2 * i + 9]);
        two[i] = _mm256_unpacklo_epi8(even, odd); /* columns 2i, 2i + 1 and eight to the right, of lines 0..7 */
        two[i + 4] = _mm256_unpackhi_epi8(even, odd);
    }
    for (int i = 0; i < 8; i += 2) {
        four[i] = _mm256_unpacklo_epi16(two[i], two[i + 1]);
        four[i + 1] = _mm256_unpackhi_epi16(two[i], two[i + 1]);
    }
    for (int i = 0; i < 8; i++) { /* lines 2i and 2i + 1 */
        const int at = (i >> 2) * 4 + (i >> 1 & 1);
        const __m256i halves = i & 1 ? _mm256_unpackhi_epi32(four[at], four[at + 2])
            : _mm256_unpacklo_epi32(four[at], four[at + 2]);
        const __m256i lines = _mm256_permute4x64_epi64(halves, 0xD8);
        store16(pix - 4 + 2 * i * stride, low(lines));
        store16(pix - 4 + (2 * i + 1) * stride, high(lines));
    }
    if (bS[3]) store_four_columns(pix + 12, stride, c + 16);
}

AVX2 void codec_h264_deblock_luma_v_avx2(uint8_t *pix, ptrdiff_t stride, const uint32_t bS[4], const H264Threshold t[2],
                                         int max)
{
    (void)max;
    if (bS[1] | bS[3] | (bS[0] & 4)) columns_in_turn(pix, stride, bS, t);
    else columns_at_once(pix, stride, bS, t);
}

/* ---------------------------------------------------------------- chroma */

/* The lower half of a register holds Cb: eight lines of edge 0, then of edge 4. */

/* (2 p1 + p0 + q1 + 2) >> 2: the mean of p0 and q1 rounded down, then with p1 rounded up. */
INLINE __m256i weak(__m256i p1, __m256i p0, __m256i q1)
{
    const __m256i half = _mm256_and_si256(_mm256_xor_si256(p0, q1), _mm256_set1_epi8(1));
    return _mm256_avg_epu8(p1, _mm256_sub_epi8(_mm256_avg_epu8(p0, q1), half));
}

/* s: p1 p0 q0 q1. */
INLINE void filter_chroma(__m256i s[4], const uint32_t bS[4], const H264Threshold t[2][2])
{
    const __m256i part = _mm256_setr_epi8(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4,
                                          5, 5, 6, 6, 7, 7);
    const __m256i second = _mm256_setr_epi64x(0, 0x0808080808080808, 0, 0x0808080808080808);
    const Limits l = limits(twice(edges_0_and_2(bS)), load32(t), part, second);
    const __m256i out = unfiltered(s[0], s[1], s[2], s[3], &l);
    const __m256i mask = _mm256_andnot_si256(out, l.on);
    const __m256i p0 = s[1], q0 = s[2];
    move_both(s[0], &s[1], &s[2], s[3], _mm256_sub_epi8(_mm256_and_si256(l.tC0, mask), mask)); /* tC0 + 1 */
    if (bS[0] & 4) {
        const __m256i strong = _mm256_andnot_si256(out, _mm256_setr_epi64x(-1, 0, -1, 0));
        s[1] = _mm256_blendv_epi8(s[1], weak(s[0], p0, s[3]), strong);
        s[2] = _mm256_blendv_epi8(s[2], weak(s[3], q0, s[0]), strong);
    }
}

INLINE __m128i load8_twice(const uint8_t *a, const uint8_t *b)
{
    return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(load8(a)), (const double *)b));
}

AVX2 void codec_h264_deblock_chroma_h_avx2(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4],
                                           const H264Threshold t[2][2], int max)
{
    const ptrdiff_t above = bS[0] ? 0 : 4 * stride; /* as in luma */
    __m256i s[4];
    (void)max;
    for (int i = 0; i < 4; i++) {
        const ptrdiff_t first = above + (i - 2) * stride, second = (i + 2) * stride;
        s[i] = both(load8_twice(cb + first, cb + second), load8_twice(cr + first, cr + second));
    }
    filter_chroma(s, bS, t);
    for (int i = 1; i < 3; i++) {
        const ptrdiff_t first = above + (i - 2) * stride, second = (i + 2) * stride;
        store8(cb + first, low(s[i]));
        store8_high(cb + second, low(s[i]));
        store8(cr + first, high(s[i]));
        store8_high(cr + second, high(s[i]));
    }
}

AVX2 void codec_h264_deblock_chroma_v_avx2(uint8_t *cb, uint8_t *cr, ptrdiff_t stride, const uint32_t bS[4],
                                           const H264Threshold t[2][2], int max)
{
    __m256i two[4], four[4], s[4], first, second;
    (void)max;
    cb -= 2;
    cr -= 2;
    for (int i = 0; i < 4; i++) {
        const ptrdiff_t a = 2 * i * stride, b = a + stride;
        two[i] = both(_mm_unpacklo_epi8(load8(cb + a), load8(cb + b)), _mm_unpacklo_epi8(load8(cr + a), load8(cr + b)));
    }
    for (int i = 0; i < 2; i++) { /* four lines: columns of edge 0, then of edge 4 */
        four[i] = _mm256_unpacklo_epi16(two[2 * i], two[2 * i + 1]);
        four[i + 2] = _mm256_unpackhi_epi16(two[2 * i], two[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        first = i ? _mm256_unpackhi_epi32(four[0], four[1]) : _mm256_unpacklo_epi32(four[0], four[1]);
        second = i ? _mm256_unpackhi_epi32(four[2], four[3]) : _mm256_unpacklo_epi32(four[2], four[3]);
        s[2 * i] = _mm256_unpacklo_epi64(first, second);
        s[2 * i + 1] = _mm256_unpackhi_epi64(first, second);
    }
    filter_chroma(s, bS, t);
    for (int i = 0; i < 2; i++) {
        two[i] = _mm256_unpacklo_epi8(s[2 * i], s[2 * i + 1]);     /* columns 2i, 2i + 1 of edge 0 */
        two[i + 2] = _mm256_unpackhi_epi8(s[2 * i], s[2 * i + 1]); /* the same of edge 4 */
    }
    for (int i = 0; i < 4; i += 2) {
        four[i] = _mm256_unpacklo_epi16(two[i], two[i + 1]); /* lines 0..3 */
        four[i + 1] = _mm256_unpackhi_epi16(two[i], two[i + 1]);
    }
    for (int i = 0; i < 4; i++) { /* lines 2i, 2i + 1 */
        const ptrdiff_t a = 2 * i * stride, b = a + stride;
        const __m256i left = four[i >> 1], right = four[(i >> 1) + 2];
        const __m256i lines = i & 1 ? _mm256_unpackhi_epi32(left, right) : _mm256_unpacklo_epi32(left, right);
        store8(cb + a, low(lines));
        store8_high(cb + b, low(lines));
        store8(cr + a, high(lines));
        store8_high(cr + b, high(lines));
    }
}

/* ---------------------------------------------------------------- strengths */

/* Vectors of block rows 0 and 1, 2 and 3: their own, or of the neighbours to the left (v) and above (h). */
typedef struct { __m256i v01, v23, h01, h23; } Vectors;

INLINE Vectors vectors_of(const int16_t *q)
{
    const __m256i upper = load32(q), lower = load32(q + 16);
    return (Vectors){upper, lower, upper, lower};
}

INLINE Vectors vectors_before(const int16_t *q, const int16_t *left, const int16_t *above)
{
    return (Vectors){_mm256_alignr_epi8(load32(q), load32(left), 12),
                     _mm256_alignr_epi8(load32(q + 16), load32(left + 16), 12), both(load16(above + 24), load16(q)),
                     load32(q + 8)};
}

/* All ones in each word whose difference exceeds its limit, that of x or that of y. Differences
 * saturate beyond any limit. */
INLINE __m256i far_words(__m256i a, __m256i b, __m256i limit)
{
    return _mm256_cmpgt_epi16(_mm256_max_epi16(_mm256_subs_epi16(a, b), _mm256_subs_epi16(b, a)), limit);
}

/* A byte per block, all ones if both components are near. Order of the rows of four: 0 and 2 for vertical edges, 0 and
 * 2 for horizontal edges; then 1 and 3 likewise. */
INLINE __m256i near_blocks(const Vectors *a, const Vectors *b, __m256i limit)
{
    const __m256i v = _mm256_packs_epi16(far_words(a->v01, b->v01, limit), far_words(a->v23, b->v23, limit));
    const __m256i h = _mm256_packs_epi16(far_words(a->h01, b->h01, limit), far_words(a->h23, b->h23, limit));
    const __m256i zero = _mm256_setzero_si256();
    return _mm256_packs_epi16(_mm256_cmpeq_epi16(v, zero), _mm256_cmpeq_epi16(h, zero));
}

/* References of the 8x8 blocks to the left of those of q, and above them. */
INLINE __m128i refs_across(__m128i q, __m128i left)
{
    return _mm_blend_epi32(_mm_srli_epi64(left, 32), _mm_slli_epi64(q, 32), 10);
}
INLINE __m128i refs_down(__m128i q, __m128i above) { return _mm_alignr_epi8(q, above, 8); }

/* Spreads double words per 8x8 block, for the edges at its left, at its top and in its middle, to bytes in
 * the order of near_blocks. */
INLINE __m256i spread_refs(__m128i across, __m128i down, __m128i inside)
{
    const __m256i order = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 4, 5, 5, 6, 6, 7, 7, 0, 8, 1, 9, 2, 10, 3, 11,
                                           8, 8, 9, 9, 10, 10, 11, 11);
    return _mm256_shuffle_epi8(twice(_mm_packs_epi16(_mm_packs_epi32(across, down), _mm_packs_epi32(inside, inside))),
                               order);
}

AVX2 void codec_h264_deblock_strengths_avx2(uint32_t bS[2][4], const int16_t *mv, const int32_t *ref_id,
                                            const int mb[3], uint32_t coefficients, int lists, int limit_y)
{
    const int16_t *const q = mv + 64 * mb[0], *const left = mv + 64 * mb[1], *const above = mv + 64 * mb[2];
    const int32_t *const ref_q = ref_id + 8 * mb[0], *const ref_left = ref_id + 8 * mb[1],
        *const ref_above = ref_id + 8 * mb[2];
    const __m256i limit = _mm256_set1_epi32(3 | (limit_y - 1) << 16);
    const __m128i ref0 = load16(ref_q), across0 = refs_across(ref0, load16(ref_left)),
        down0 = refs_down(ref0, load16(ref_above));
    const Vectors q0 = vectors_of(q), before0 = vectors_before(q, left, above);
    __m128i across = _mm_cmpeq_epi32(ref0, across0), down = _mm_cmpeq_epi32(ref0, down0), inside = _mm_set1_epi32(-1);
    __m256i same = near_blocks(&q0, &before0, limit), two;
    if (lists == 2) {
        const __m128i ref1 = load16(ref_q + 4), across1 = refs_across(ref1, load16(ref_left + 4)),
            down1 = refs_down(ref1, load16(ref_above + 4));
        const __m128i crossed = _mm_and_si128(_mm_cmpeq_epi32(ref0, across1), _mm_cmpeq_epi32(ref1, across0));
        const __m128i crossed_down = _mm_and_si128(_mm_cmpeq_epi32(ref0, down1), _mm_cmpeq_epi32(ref1, down0));
        const __m128i crossed_inside = _mm_cmpeq_epi32(ref0, ref1),
            any = _mm_or_si128(_mm_or_si128(crossed, crossed_down), crossed_inside);
        const Vectors q1 = vectors_of(q + 32), before1 = vectors_before(q + 32, left + 32, above + 32);
        across = _mm_and_si128(across, _mm_cmpeq_epi32(ref1, across1));
        down = _mm_and_si128(down, _mm_cmpeq_epi32(ref1, down1));
        same = _mm256_and_si256(_mm256_and_si256(same, near_blocks(&q1, &before1, limit)),
                                spread_refs(across, down, inside));
        if (!_mm_testz_si128(any, any)) {
            const __m256i near_crossed = _mm256_and_si256(near_blocks(&q0, &before1, limit),
                                                          near_blocks(&q1, &before0, limit));
            same = _mm256_or_si256(same,
                                   _mm256_and_si256(near_crossed, spread_refs(crossed, crossed_down, crossed_inside)));
        }
    } else {
        same = _mm256_and_si256(same, spread_refs(across, down, inside));
    }
    /* Rows in order, then bytes by edge: the rows of vertical edges are transposed. */
    same = _mm256_permutevar8x32_epi32(same, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    same = _mm256_shuffle_epi8(same, _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
                                                      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    /* For each block the byte of `coefficients` that holds its bit, and the bit. */
    two = _mm256_shuffle_epi8(_mm256_set1_epi32((int)coefficients),
                              _mm256_setr_epi8(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2,
                                               3, 3, 3, 3, 3, 3, 3, 3));
    {
        const __m256i bit = _mm256_setr_epi8(1, 16, 1, 16, 2, 32, 2, 32, 4, 64, 4, 64, 8, -128, 8, -128,
                                             1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
        two = _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(two, bit), bit), _mm256_set1_epi8(2));
    }
    _mm256_storeu_si256((__m256i *)bS, _mm256_max_epu8(two, _mm256_andnot_si256(same, _mm256_set1_epi8(1))));
}
#else
typedef int codec_h264_deblock_avx2_is_empty;
#endif
