/* The choice of levels, a block in each lane, and counts of symbols with masks by AVX2. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "../jpeg_steps.h"
#include "../prefetch.h"
#include "avx2.h"
#include "jpeg_x86.h"

#define NAME(x) x##_body
#define TARGET CODEC_TARGET_AVX2
#define PRESENT(zz) nonzero_of_64(zz)
#include "../jpeg_count_levels.h"

enum {
    CHUNK = 64, /* blocks that are sorted by how many candidates they have */
    PAST = 64,  /* the position of a candidate that a block does not have */
    PITCH = 72
};

/* The candidates of a chunk of blocks: levels that may be nonzero. */
typedef struct {
    float x[CHUNK][PITCH]; /* coefficients in steps, and 0 at PAST */
    uint64_t candidates[CHUNK];
    uint8_t order[CHUNK]; /* block numbers, the one with most candidates first */
} Chunk;

typedef struct {
    __m256 a, b, end;
    __m256i at_a, at_b, end_at;
} Lanes;

/* Eight blocks; their n-th candidates are in row n, from 1 on. Some have fewer than others. */
typedef struct {
    int32_t at[64][JPEG_LANES], level[64][JPEG_LANES], below[64][JPEG_LANES];
    float x[64][JPEG_LANES];
    JpegStep steps[64];
    __m256 weight;
    __m256i row; /* of Chunk.x */
    int16_t *out[JPEG_LANES], none[64];
} Group;

INLINE __m256 pick(__m256 no, __m256 yes, __m256 where) { return _mm256_blendv_ps(no, yes, where); }
INLINE __m256i pick_int(__m256i no, __m256i yes, __m256 where)
{
    return _mm256_castps_si256(pick(_mm256_castsi256_ps(no), _mm256_castsi256_ps(yes), where));
}
INLINE __m256 less(__m256 a, __m256 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
INLINE uint8_t bits_of(__m256 where) { return (uint8_t)_mm256_movemask_ps(where); }
INLINE __m256 magnitude_of(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
INLINE __m256i nearest_of(__m256 magnitude)
{
    const __m256i rounded = _mm256_cvttps_epi32(_mm256_add_ps(magnitude, _mm256_set1_ps(0.5f)));
    return _mm256_min_epi32(rounded, _mm256_set1_epi32(JPEG_TOP_LEVEL));
}
/* By how much a level lowers the error that a zero has, `zero`. */
INLINE __m256 gain_of(__m256 magnitude, __m256i level, __m256 weight, __m256 zero)
{
    const __m256 e = _mm256_sub_ps(magnitude, _mm256_cvtepi32_ps(level));
    return _mm256_sub_ps(zero, _mm256_mul_ps(_mm256_mul_ps(weight, e), e));
}

/* Cost of a level after a path; `entry`: that of JpegRates.ac for a run of zeros that began at the first position. */
INLINE __m256 cost_after(__m256 path, __m256i at, const JpegRates *rates, __m256i entry, __m256 gain)
{
    const __m256 bits = _mm256_i32gather_ps(rates->ac[0], _mm256_sub_epi32(entry, at), 4);
    return _mm256_sub_ps(_mm256_add_ps(path, bits), gain);
}

/* take_step of jpegdsp.c for row n of the candidates. What a lane without one does changes nothing: it has ended. */
INLINE void take_step(Group *group, Lanes *lane, int n, const Chunk *chunk, const JpegRates *rates)
{
    const __m256i at = load32(group->at[n]);
    const __m256 signed_x = _mm256_i32gather_ps(chunk->x[0], _mm256_add_epi32(group->row, at), 4);
    const __m256 x = magnitude_of(signed_x), weight = group->weight;
    const __m256i nearest = nearest_of(x);
    const __m256 here = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(PAST), at));
    const __m256 value = _mm256_cvtepi32_ps(nearest), zero = _mm256_mul_ps(_mm256_mul_ps(weight, x), x);
    const __m256 gain0 = gain_of(x, nearest, weight, zero);
    JpegStep *step = &group->steps[n];

    /* exponents of floats are sizes; the zeros of padding have none */
    const __m256 at_least_1 = _mm256_max_ps(value, _mm256_set1_ps(1));
    const __m256i size = _mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(at_least_1), 23),
                                          _mm256_set1_epi32(126));
    const __m256i entry = _mm256_add_epi32(_mm256_slli_epi32(size, 6), _mm256_sub_epi32(at, _mm256_set1_epi32(1)));
    const __m256 a0 = cost_after(lane->a, lane->at_a, rates, entry, gain0);
    const __m256 b0 = cost_after(lane->b, lane->at_b, rates, entry, gain0);
    __m256 from_b = less(b0, a0), cost = _mm256_min_ps(b0, a0);
    store32(group->level[n], nearest);
    _mm256_storeu_ps(group->x[n], signed_x);
    step->candidate = bits_of(here);
    step->below = 0;
    if (bits_of(less(_mm256_set1_ps(1), value))) {
        const __m256i smaller = _mm256_sub_epi32(
            _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_sub_epi32(size, _mm256_set1_epi32(1))),
            _mm256_set1_epi32(1));
        const __m256i entry1 = _mm256_sub_epi32(entry, _mm256_set1_epi32(64));
        const __m256 gain1 = gain_of(x, smaller, weight, zero);
        const __m256 a1 = cost_after(lane->a, lane->at_a, rates, entry1, gain1);
        const __m256 b1 = cost_after(lane->b, lane->at_b, rates, entry1, gain1);
        const __m256 cost1 = _mm256_min_ps(b1, a1), is_below = less(cost1, cost);
        from_b = pick(from_b, less(b1, a1), is_below);
        cost = _mm256_min_ps(cost1, cost);
        step->below = bits_of(is_below);
        store32(group->below[n], smaller);
    }
    const __m256 sure = less(_mm256_set1_ps(JPEG_LARGEST_SAVING), gain0);
    const __m256 last = _mm256_castsi256_ps(_mm256_cmpeq_epi32(at, _mm256_set1_epi32(63)));
    const __m256 complete = _mm256_add_ps(cost, _mm256_andnot_ps(last, _mm256_set1_ps(rates->eob)));
    const __m256 ends = _mm256_and_ps(here, _mm256_or_ps(sure, less(complete, lane->end)));
    const __m256 b_stays = less(lane->b, lane->a), other = _mm256_min_ps(lane->b, lane->a);
    const __m256 lives = _mm256_andnot_ps(sure, less(other, cost));
    lane->end = pick(lane->end, complete, ends);
    lane->end_at = pick_int(lane->end_at, _mm256_set1_epi32(n), ends);
    lane->at_b = pick_int(lane->at_a, lane->at_b, b_stays);
    lane->b = pick(_mm256_set1_ps(JPEG_NO_PATH), other, lives);
    lane->a = cost;
    lane->at_a = pick_int(lane->at_a, at, here);
    step->from_b = bits_of(from_b);
    step->b_stays = bits_of(b_stays);
}

/* Where the levels of a block may be nonzero, and its coefficients in steps. */
INLINE uint64_t find_candidates(const int16_t *coef_zz, const float *recip_zz, float least, float weight, float *x)
{
    const __m256 w = _mm256_set1_ps(weight), bar = _mm256_set1_ps(least);
    uint64_t candidates = 0;
    for (int k = 0; k < 64; k += 8) {
        const __m256 c = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(load16(coef_zz + k)));
        const __m256 in_steps = _mm256_mul_ps(c, _mm256_loadu_ps(recip_zz + k)), m = magnitude_of(in_steps);
        const __m256 zero = _mm256_mul_ps(_mm256_mul_ps(w, m), m);
        _mm256_storeu_ps(x + k, in_steps);
        candidates |= (uint64_t)bits_of(less(bar, gain_of(m, nearest_of(m), w, zero))) << k;
    }
    x[PAST] = 0;
    return candidates & ~1ull;
}

/* Up to eight blocks, none of which has more candidates than `most`. */
INLINE void line_up(Group *group, const Chunk *chunk, const uint8_t *blocks, int lanes, int most, const float *weights,
                    int16_t *level_zz)
{
    uint64_t left[JPEG_LANES];
    float weight[JPEG_LANES];
    int32_t row[JPEG_LANES];
    for (int i = 0; i < JPEG_LANES; i++) {
        const int block = i < lanes ? blocks[i] : 0;
        weight[i] = weights[block];
        row[i] = PITCH * block;
        left[i] = i < lanes ? chunk->candidates[block] : 0;
        group->out[i] = i < lanes ? level_zz + 64 * block : group->none;
        for (int k = 0; k < 64; k += 16) store32(group->out[i] + k, _mm256_setzero_si256());
    }
    group->weight = _mm256_loadu_ps(weight);
    group->row = load32(row);
    for (int n = 1; n <= most; n++) {
        for (int i = 0; i < JPEG_LANES; i++) {
            group->at[n][i] = (int32_t)_tzcnt_u64(left[i]); /* PAST where there are none */
            left[i] &= left[i] - 1;
        }
    }
}

/* All ones in the lanes whose bits are set. */
INLINE __m256i spread(unsigned bits)
{
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), bit), bit);
}

/* The levels of the cheapest paths. */
INLINE void choose_levels(Group *group, int most, __m256i end_at)
{
    uint16_t ends[64] = {0}, kept[64];
    int32_t end[JPEG_LANES];
    _mm256_storeu_si256((__m256i *)end, end_at);
    for (int i = 0; i < JPEG_LANES; i++) ends[end[i]] |= (uint16_t)(1 << i);
    codec_jpeg_walk_back(group->steps, ends, kept, most);
    for (int n = 1; n <= most; n++) {
        __m256i level = load32(group->level[n]);
        if (group->steps[n].below)
            level = _mm256_blendv_epi8(level, load32(group->below[n]), spread(group->steps[n].below));
        level = _mm256_sign_epi32(level, load32(group->x[n]));
        store32(group->level[n], _mm256_and_si256(level, spread(kept[n])));
        for (int i = 0; i < JPEG_LANES; i++) group->out[i][group->at[n][i] & (PAST - 1)] = (int16_t)group->level[n][i];
    }
}

/* Blocks by their places in chunk->order. Two groups at a time: a step waits for the one before it. ahead: coefficients
 * of 16 blocks that come later, to be fetched meanwhile, a line or two at a time. */
AVX2 static void trellis_of_16(const Chunk *chunk, const uint8_t *blocks, int n_blocks, const JpegRates *rates,
                               const float *weights, int16_t *level_zz, const int16_t *ahead)
{
    const int16_t *const fetched = ahead + 64 * 2 * JPEG_LANES;
    const int most = codec_count_bits(chunk->candidates[blocks[0]]);
    Lanes first = {_mm256_setzero_ps(), _mm256_set1_ps(JPEG_NO_PATH), _mm256_set1_ps(rates->eob),
                   _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()}, second = first;
    Group group[2];
    line_up(&group[0], chunk, blocks, n_blocks, most, weights, level_zz);
    line_up(&group[1], chunk, blocks + JPEG_LANES, n_blocks - JPEG_LANES, most, weights, level_zz);
    for (int n = 1; n <= most; n++) {
        take_step(&group[0], &first, n, chunk, rates);
        take_step(&group[1], &second, n, chunk, rates);
        for (int i = 0; i < 2 && ahead < fetched; i++, ahead += 32) prefetch(ahead);
    }
    for (; ahead < fetched; ahead += 32) prefetch(ahead);
    choose_levels(&group[0], most, first.end_at);
    choose_levels(&group[1], most, second.end_at);
}

AVX2 void codec_jpeg_trellis_avx2(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                  const float *weights, int16_t *level_zz, ptrdiff_t n)
{
    Chunk chunk;
    for (; n > 0; n -= CHUNK, coef_zz += 64 * CHUNK, level_zz += 64 * CHUNK, weights += CHUNK) {
        const int blocks = n < CHUNK ? (int)n : CHUNK;
        for (int i = 0; i < blocks; i++)
            chunk.candidates[i] = find_candidates(coef_zz + 64 * i, recip_zz, rates->least, weights[i], chunk.x[i]);
        codec_jpeg_order_blocks(chunk.candidates, chunk.order, blocks);
        for (int i = 0; i < blocks; i += 2 * JPEG_LANES)
            trellis_of_16(&chunk, chunk.order + i, blocks - i, rates, weights, level_zz, coef_zz + 64 * (CHUNK + i));
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
