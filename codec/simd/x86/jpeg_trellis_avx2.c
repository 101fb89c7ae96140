/* The choice of levels, a block in each lane, and counts of symbols with masks by AVX2. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "avx2.h"
#include "jpeg_avx2.h"

#define NAME(x) x##_body
#define TARGET CODEC_TARGET_AVX2
#define PRESENT(zz) nonzero_of_64(zz)
#include "../jpeg_trellis.h"

/* Eight rows of eight words to columns. */
INLINE void transpose8(__m128i r[8])
{
    __m128i s[8], t[8];
    for (int i = 0; i < 4; i++) {
        s[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        s[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            t[4 * i + 2 * j] = _mm_unpacklo_epi32(s[4 * i + j], s[4 * i + j + 2]);
            t[4 * i + 2 * j + 1] = _mm_unpackhi_epi32(s[4 * i + j], s[4 * i + j + 2]);
        }
    }
    for (int j = 0; j < 4; j++) {
        r[2 * j] = _mm_unpacklo_epi64(t[j], t[j + 4]);
        r[2 * j + 1] = _mm_unpackhi_epi64(t[j], t[j + 4]);
    }
}

/* By position: words of eight blocks. */
typedef int16_t Column[JPEG_LANES];

typedef struct {
    __m256 a, b, end;
    __m256i at_a, at_b, end_at;
} Lanes;

INLINE __m256 pick(__m256 no, __m256 yes, __m256 where) { return _mm256_blendv_ps(no, yes, where); }
INLINE __m256i pick_int(__m256i no, __m256i yes, __m256 where)
{
    return _mm256_castps_si256(pick(_mm256_castsi256_ps(no), _mm256_castsi256_ps(yes), where));
}
INLINE __m256 less(__m256 a, __m256 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
INLINE uint8_t bits_of(__m256 where) { return (uint8_t)_mm256_movemask_ps(where); }
INLINE __m128i words(__m256i v) { return _mm_packs_epi32(low(v), high(v)); }

/* Cost of a level after a path; `entry`: that of JpegRates.ac for a run of zeros that began at the first position. */
INLINE __m256 cost_after(__m256 path, __m256i at, const JpegRates *rates, __m256i entry, __m256 gain)
{
    const __m256 bits = _mm256_i32gather_ps(rates->ac[0], _mm256_sub_epi32(entry, at), 4);
    return _mm256_sub_ps(_mm256_add_ps(path, bits), gain);
}

/* take_step of jpegdsp.c. Paths b and levels of larger sizes are looked at where a block has them. */
INLINE void take_step(Lanes *lane, __m256 x, __m256 weight, const JpegRates *rates, int k, JpegStep *step,
                      int16_t *level, int16_t *below)
{
    const __m256i rounded = _mm256_cvttps_epi32(_mm256_add_ps(x, _mm256_set1_ps(0.5f)));
    const __m256i nearest = _mm256_min_epi32(rounded, _mm256_set1_epi32(JPEG_TOP_LEVEL));
    const __m256 value = _mm256_cvtepi32_ps(nearest), e0 = _mm256_sub_ps(x, value);
    const __m256 zero = _mm256_mul_ps(_mm256_mul_ps(weight, x), x);
    const __m256 gain0 = _mm256_sub_ps(zero, _mm256_mul_ps(_mm256_mul_ps(weight, e0), e0));
    const __m256 here = less(_mm256_set1_ps(rates->least), gain0);
    step->candidate = bits_of(here);
    if (step->candidate == 0) return;

    /* exponents of floats are sizes; lanes without a candidate may be zero, which has none */
    const __m256 at_least_1 = _mm256_max_ps(value, _mm256_set1_ps(1));
    const __m256i size = _mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(at_least_1), 23),
                                          _mm256_set1_epi32(126));
    const __m256i entry = _mm256_add_epi32(_mm256_slli_epi32(size, 6), _mm256_set1_epi32(k - 1));
    const int any_b = bits_of(_mm256_and_ps(here, less(lane->b, _mm256_set1_ps(JPEG_NO_PATH))));
    __m256 cost = cost_after(lane->a, lane->at_a, rates, entry, gain0), from_b = _mm256_setzero_ps();
    if (any_b) {
        const __m256 b0 = cost_after(lane->b, lane->at_b, rates, entry, gain0);
        from_b = less(b0, cost);
        cost = _mm256_min_ps(b0, cost);
    }
    store16(level, words(nearest));
    step->below = 0;
    if (bits_of(_mm256_and_ps(here, less(_mm256_set1_ps(1), value)))) {
        const __m256i smaller = _mm256_sub_epi32(
            _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_sub_epi32(size, _mm256_set1_epi32(1))),
            _mm256_set1_epi32(1));
        const __m256i entry1 = _mm256_sub_epi32(entry, _mm256_set1_epi32(64));
        const __m256 e1 = _mm256_sub_ps(x, _mm256_cvtepi32_ps(smaller));
        const __m256 gain1 = _mm256_sub_ps(zero, _mm256_mul_ps(_mm256_mul_ps(weight, e1), e1));
        __m256 cost1 = cost_after(lane->a, lane->at_a, rates, entry1, gain1), from_b1 = _mm256_setzero_ps(), is_below;
        if (any_b) {
            const __m256 b1 = cost_after(lane->b, lane->at_b, rates, entry1, gain1);
            from_b1 = less(b1, cost1);
            cost1 = _mm256_min_ps(b1, cost1);
        }
        is_below = less(cost1, cost);
        from_b = pick(from_b, from_b1, is_below);
        cost = _mm256_min_ps(cost1, cost);
        step->below = bits_of(is_below);
        store16(below, words(smaller));
    }
    const __m256 sure = less(_mm256_set1_ps(JPEG_LARGEST_SAVING), gain0);
    const __m256 complete = _mm256_add_ps(cost, _mm256_set1_ps(k < 63 ? rates->eob : 0));
    const __m256 ends = _mm256_and_ps(here, _mm256_or_ps(sure, less(complete, lane->end)));
    const __m256 b_stays = less(lane->b, lane->a), other = _mm256_min_ps(lane->b, lane->a);
    const __m256 lives = _mm256_andnot_ps(sure, less(other, cost));
    lane->end = pick(lane->end, complete, ends);
    lane->end_at = pick_int(lane->end_at, _mm256_set1_epi32(k), ends);
    lane->at_b = pick_int(lane->at_b, lane->at_a, _mm256_andnot_ps(b_stays, here));
    lane->b = pick(lane->b, pick(_mm256_set1_ps(JPEG_NO_PATH), other, lives), here);
    lane->a = pick(lane->a, cost, here);
    lane->at_a = pick_int(lane->at_a, _mm256_set1_epi32(k), here);
    step->from_b = bits_of(from_b);
    step->b_stays = bits_of(b_stays);
}

/* Words of all ones where a bit is set. */
INLINE __m128i spread(uint8_t bits)
{
    const __m128i bit = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm_cmpeq_epi16(_mm_and_si128(_mm_set1_epi16(bits), bit), bit);
}

AVX2 static void trellis_of_8(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                              const float *weights, int16_t *level_zz)
{
    const __m256 weight = _mm256_loadu_ps(weights);
    Lanes lane = {_mm256_setzero_ps(), _mm256_set1_ps(JPEG_NO_PATH), _mm256_set1_ps(rates->eob),
                  _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    JpegStep steps[64];
    Column coef[64], level[64], below[64];
    __m128i rows[8];
    uint8_t ends[64] = {0}, kept[64];
    int32_t end_at[JPEG_LANES];
    for (int k = 0; k < 64; k += 8) {
        for (int i = 0; i < 8; i++) rows[i] = load16(coef_zz + 64 * i + k);
        transpose8(rows);
        for (int i = 0; i < 8; i++) store16(coef[k + i], rows[i]);
    }
    for (int k = 1; k < 64; k++) {
        const __m256 magnitude = _mm256_cvtepi32_ps(_mm256_abs_epi32(_mm256_cvtepi16_epi32(load16(coef[k]))));
        take_step(&lane, _mm256_mul_ps(magnitude, _mm256_set1_ps(recip_zz[k])), weight, rates, k, &steps[k], level[k],
                  below[k]);
    }
    _mm256_storeu_si256((__m256i *)end_at, lane.end_at);
    for (int i = 0; i < JPEG_LANES; i++) ends[end_at[i]] |= (uint8_t)(1 << i);
    codec_jpeg_walk_back(steps, ends, kept);
    kept[0] = 0;
    for (int k = 0; k < 64; k += 8) {
        for (int i = 0; i < 8; i++) {
            if (kept[k + i]) {
                const __m128i below_here = spread(steps[k + i].below & kept[k + i]);
                const __m128i magnitude = steps[k + i].below
                    ? _mm_blendv_epi8(load16(level[k + i]), load16(below[k + i]), below_here) : load16(level[k + i]);
                rows[i] = _mm_and_si128(_mm_sign_epi16(magnitude, load16(coef[k + i])), spread(kept[k + i]));
            } else {
                rows[i] = _mm_setzero_si128();
            }
        }
        transpose8(rows);
        for (int i = 0; i < 8; i++) store16(level_zz + 64 * i + k, rows[i]);
    }
}

AVX2 void codec_jpeg_trellis_avx2(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                  const float *weights, int16_t *level_zz, ptrdiff_t n)
{
    for (; n >= JPEG_LANES; n -= JPEG_LANES, coef_zz += 64 * JPEG_LANES, level_zz += 64 * JPEG_LANES,
         weights += JPEG_LANES)
        trellis_of_8(coef_zz, recip_zz, rates, weights, level_zz);
    if (n > 0) {
        int16_t coef[64 * JPEG_LANES] = {0}, level[64 * JPEG_LANES];
        float weight[JPEG_LANES] = {0};
        memcpy(coef, coef_zz, (size_t)n * 64 * sizeof(int16_t));
        memcpy(weight, weights, (size_t)n * sizeof(float));
        trellis_of_8(coef, recip_zz, rates, weight, level);
        memcpy(level_zz, level, (size_t)n * 64 * sizeof(int16_t));
    }
}

AVX2 void codec_jpeg_count_levels_avx2(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                                       ptrdiff_t n)
{
    count_levels_body(coef_zz, recip_zz, rounding, counts, n);
}
#else
typedef int codec_jpeg_trellis_avx2_is_empty;
#endif
