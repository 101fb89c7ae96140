/* The choice of levels, a block in each of sixteen lanes. Contracts: jpegdsp.h; the same operations as in
 * jpeg_trellis_avx2.c.
 *
 * Bits of a level are taken from registers by permutations, where AVX2 gathers them from memory, and waits. The
 * candidates of a block are compressed when they are found, and its levels expanded to their places at the end. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "../jpeg_steps.h"
#include "../prefetch.h"
#include "avx512.h"
#include "jpeg_x86.h"

enum {
    LANES = 16,
    CHUNK = 64, /* blocks that are sorted by how many candidates they have */
    PITCH = 80,
    NONE = 64,       /* the position of a candidate that a block does not have */
    FEW_SIZES = 4,
    TABLED_SIZES = 8 /* in registers; larger ones are rare */
};

/* The candidates of a chunk of blocks: levels that may be nonzero, in their order. */
typedef struct {
    float x[CHUNK][PITCH];    /* coefficients in steps */
    uint8_t at[CHUNK][PITCH]; /* their positions */
    uint64_t candidates[CHUNK];
    uint8_t order[CHUNK]; /* block numbers, the one with most candidates first */
} Chunk;

typedef struct {
    __m512 of_size[TABLED_SIZES]; /* from size 1 on, by the length of a run below 16 */
    __m512 of_zrls;               /* by their number, 0 to 3 */
} Bits;

typedef struct {
    __m512 a, b, end;
    __m512i at_a, at_b, end_at;
} Lanes;

/* Sixteen blocks; their n-th candidates are in row n, from 1 on. Some have fewer than others. */
typedef struct {
    int16_t level[64 + 1][LANES], below[64 + 1][LANES];
    JpegStep steps[64];
    float x[LANES][LANES]; /* of Chunk, for LANES candidates of each block */
    uint8_t at[LANES][LANES];
    __m512 weight;
    __m512i count; /* of candidates */
} Group;

INLINE __m512i nearest_of(__m512 magnitude)
{
    const __m512i rounded = _mm512_cvttps_epi32(_mm512_add_ps(magnitude, _mm512_set1_ps(0.5f)));
    return _mm512_min_epi32(rounded, _mm512_set1_epi32(JPEG_TOP_LEVEL));
}
/* By how much a level lowers the error that a zero has, `zero`. */
INLINE __m512 gain_of(__m512 magnitude, __m512i level, __m512 weight, __m512 zero)
{
    const __m512 e = _mm512_sub_ps(magnitude, _mm512_cvtepi32_ps(level));
    return _mm512_sub_ps(zero, _mm512_mul_ps(_mm512_mul_ps(weight, e), e));
}
INLINE __mmask16 less(__m512 a, __m512 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE __m512 pick(__m512 no, __m512 yes, __mmask16 where) { return _mm512_mask_mov_ps(no, where, yes); }
INLINE __m512i signed_like(__m512i level, __m512 x)
{
    return _mm512_mask_sub_epi32(level, _mm512_movepi32_mask(_mm512_castps_si512(x)), _mm512_setzero_si512(), level);
}

INLINE Bits bits_of(const JpegRates *rates)
{
    Bits bits;
    for (int i = 0; i < TABLED_SIZES; i++) bits.of_size[i] = _mm512_loadu_ps(rates->ac[i + 1]);
    bits.of_zrls = _mm512_mul_ps(_mm512_setr_ps(0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                                 _mm512_set1_ps(rates->zrl));
    return bits;
}

/* The sizes in a row of candidates: up to FEW_SIZES, which half of the tables suffice for, to TABLED_SIZES, or any. */
typedef enum { FEW, TABLED, ANY } Sizes;

/* Bits of levels, sizes less 1 in bits 4 to 6 of `entry`, after runs of zeros. */
INLINE __m512 looked_up(const Bits *bits, __m512i entry, __m512i run, Sizes sizes)
{
    const __mmask16 odd = _mm512_test_epi32_mask(entry, _mm512_set1_epi32(2 << 4));
    const __m512 *const t = bits->of_size; /* a permutation takes from two of them */
    __m512 found = pick(_mm512_permutex2var_ps(t[0], entry, t[1]), _mm512_permutex2var_ps(t[2], entry, t[3]), odd);
    if (sizes == TABLED) {
        const __mmask16 upper = _mm512_test_epi32_mask(entry, _mm512_set1_epi32(FEW_SIZES << 4));
        found = pick(found, pick(_mm512_permutex2var_ps(t[4], entry, t[5]), _mm512_permutex2var_ps(t[6], entry, t[7]),
                                 odd), upper);
    }
    return _mm512_add_ps(found, _mm512_permutexvar_ps(_mm512_srli_epi32(run, 4), bits->of_zrls));
}

/* Cost of a level after a path. size: less 1; for -1 the result is undefined. */
INLINE __m512 cost_after(__m512 path, __m512i run, __m512i size, __m512 gain, const Bits *bits, const JpegRates *rates,
                         Sizes sizes)
{
    __m512 needed;
    if (CODEC_UNLIKELY(sizes == ANY)) {
        const __m512i of_size = _mm512_slli_epi32(_mm512_add_epi32(size, _mm512_set1_epi32(1)), 6);
        needed = _mm512_i32gather_ps(_mm512_add_epi32(of_size, run), rates->ac[0], 4);
    } else {
        const __m512i shorter = _mm512_and_si512(run, _mm512_set1_epi32(15));
        needed = looked_up(bits, _mm512_or_si512(_mm512_slli_epi32(size, 4), shorter), run, sizes);
    }
    return _mm512_sub_ps(_mm512_add_ps(path, needed), gain);
}

/* take_step of jpegdsp.c for row n of the candidates. What a lane without one does changes nothing: it has ended. */
INLINE void take_step(Group *group, Lanes *lane, int n, const Bits *bits, const JpegRates *rates)
{
    const __m512i one = _mm512_set1_epi32(1);
    const __mmask16 here = _mm512_cmpge_epi32_mask(group->count, _mm512_set1_epi32(n));
    const __m128i bytes = _mm_loadu_si128((const __m128i *)group->at[(n - 1) % LANES]);
    const __m512i at = _mm512_mask_cvtepu8_epi32(_mm512_set1_epi32(NONE), here, bytes);
    const __m512 signed_x = _mm512_maskz_loadu_ps(here, group->x[(n - 1) % LANES]);
    const __m512 x = _mm512_abs_ps(signed_x), weight = group->weight;
    const __m512i nearest = nearest_of(x);
    const __m512 value = _mm512_cvtepi32_ps(nearest), zero = _mm512_mul_ps(_mm512_mul_ps(weight, x), x);
    const __m512 gain0 = gain_of(x, nearest, weight, zero);
    /* exponents of floats are sizes less 1; the zeros of lanes without a candidate have none */
    const __m512 at_least_1 = _mm512_max_ps(value, _mm512_set1_ps(1));
    const __m512i size = _mm512_sub_epi32(_mm512_srli_epi32(_mm512_castps_si512(at_least_1), 23),
                                          _mm512_set1_epi32(127));
    const Sizes sizes = _mm512_cmpge_epi32_mask(size, _mm512_set1_epi32(TABLED_SIZES)) ? ANY
                        : _mm512_cmpge_epi32_mask(size, _mm512_set1_epi32(FEW_SIZES))  ? TABLED
                                                                                       : FEW;
    const __m512i before = _mm512_sub_epi32(at, one);
    const __m512i run_a = _mm512_sub_epi32(before, lane->at_a), run_b = _mm512_sub_epi32(before, lane->at_b);
    const __m512 a0 = cost_after(lane->a, run_a, size, gain0, bits, rates, sizes);
    const __m512 b0 = cost_after(lane->b, run_b, size, gain0, bits, rates, sizes);
    const __mmask16 above_1 = less(_mm512_set1_ps(1), value);
    __mmask16 from_b = less(b0, a0), is_below = 0;
    __m512 cost = _mm512_min_ps(b0, a0);
    JpegStep *step = &group->steps[n];
    _mm256_storeu_si256((__m256i *)group->level[n], _mm512_cvtepi32_epi16(signed_like(nearest, signed_x)));
    if (above_1) {
        const __m512i smaller = _mm512_sub_epi32(_mm512_sllv_epi32(one, size), one), next = _mm512_sub_epi32(size, one);
        const __m512 gain1 = gain_of(x, smaller, weight, zero);
        const __m512 a1 = cost_after(lane->a, run_a, next, gain1, bits, rates, sizes);
        const __m512 b1 = cost_after(lane->b, run_b, next, gain1, bits, rates, sizes);
        const __m512 cost1 = _mm512_min_ps(b1, a1);
        is_below = _mm512_mask_cmp_ps_mask(above_1, cost1, cost, _CMP_LT_OQ);
        from_b = (__mmask16)((from_b & ~is_below) | (less(b1, a1) & is_below));
        cost = pick(cost, cost1, is_below);
        _mm256_storeu_si256((__m256i *)group->below[n], _mm512_cvtepi32_epi16(signed_like(smaller, signed_x)));
    }
    const __mmask16 sure = less(_mm512_set1_ps(JPEG_LARGEST_SAVING), gain0);
    const __mmask16 more = _mm512_cmpneq_epi32_mask(at, _mm512_set1_epi32(63));
    const __m512 complete = _mm512_add_ps(cost, _mm512_maskz_mov_ps(more, _mm512_set1_ps(rates->eob)));
    const __mmask16 ends = (__mmask16)(here & (sure | less(complete, lane->end)));
    const __mmask16 b_stays = less(lane->b, lane->a);
    const __m512 other = _mm512_min_ps(lane->b, lane->a);
    lane->end = pick(lane->end, complete, ends);
    lane->end_at = _mm512_mask_mov_epi32(lane->end_at, ends, _mm512_set1_epi32(n));
    lane->at_b = _mm512_mask_mov_epi32(lane->at_a, b_stays, lane->at_b);
    lane->b = pick(_mm512_set1_ps(JPEG_NO_PATH), other, (__mmask16)(less(other, cost) & ~sure));
    lane->a = cost;
    lane->at_a = _mm512_mask_mov_epi32(lane->at_a, here, at);
    step->candidate = here;
    step->below = is_below;
    step->from_b = from_b;
    step->b_stays = b_stays;
}

/* What the coefficients of a block are compared with and multiplied by. */
typedef struct {
    __m512i most[2]; /* magnitudes up to these are nearest to 0 */
    __m512 recip[4];
    float least;
} Quantizer;

INLINE Quantizer quantizer_of(const float *recip_zz, float least)
{
    Quantizer q = {.least = least};
    __m256i most[4];
    for (int i = 0; i < 4; i++) {
        q.recip[i] = _mm512_loadu_ps(recip_zz + 16 * i);
        /* less than a half, as products and sums are rounded */
        const __m512i below = _mm512_cvttps_epi32(_mm512_div_ps(_mm512_set1_ps(0.499f), q.recip[i]));
        most[i] = _mm512_cvtepi32_epi16(_mm512_min_epi32(below, _mm512_set1_epi32(32767)));
    }
    for (int i = 0; i < 2; i++)
        q.most[i] = _mm512_inserti64x4(_mm512_castsi256_si512(most[2 * i]), most[2 * i + 1], 1);
    return q;
}

/* Where the levels of a block may be nonzero, and its coefficients in steps there. */
INLINE void find_candidates(Chunk *chunk, int block, const int16_t *coef_zz, const Quantizer *q, float weight)
{
    const __m512 w = _mm512_set1_ps(weight), bar = _mm512_set1_ps(q->least);
    const __m512i first = _mm512_loadu_si512(coef_zz), last = _mm512_loadu_si512(coef_zz + 32);
    const __mmask32 lower = _mm512_cmpgt_epu16_mask(_mm512_abs_epi16(first), q->most[0]);
    const __mmask32 upper = _mm512_cmpgt_epu16_mask(_mm512_abs_epi16(last), q->most[1]);
    uint64_t rest = mask_of(lower, upper) & ~1ull, candidates = 0;
    __m512i places = places_of(rest);
    uint8_t *at = chunk->at[block];
    float *x = chunk->x[block];
    do {
        const __m128i place = _mm512_castsi512_si128(places);
        const __m512i k = _mm512_cvtepu8_epi32(place);
        const __m512i index = _mm512_castsi256_si512(_mm256_cvtepu8_epi16(place));
        const __m512i words = _mm512_permutex2var_epi16(first, index, last);
        const __m512 coef = _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(words)));
        const __m512 recip = pick(_mm512_permutex2var_ps(q->recip[0], k, q->recip[1]),
                                  _mm512_permutex2var_ps(q->recip[2], k, q->recip[3]),
                                  _mm512_test_epi32_mask(k, _mm512_set1_epi32(32)));
        const __m512 in_steps = _mm512_mul_ps(coef, recip), m = _mm512_abs_ps(in_steps);
        const __m512 gain = gain_of(m, nearest_of(m), w, _mm512_mul_ps(_mm512_mul_ps(w, m), m));
        const uint64_t these = _pdep_u64(0xFFFF, rest);
        const __mmask16 found = less(bar, gain) & (__mmask16)_pext_u64(these, rest);
        _mm512_storeu_ps(x, _mm512_maskz_compress_ps(found, in_steps));
        _mm_storeu_si128((__m128i *)at, _mm_maskz_compress_epi8(found, place));
        candidates |= _pdep_u64(found, rest);
        x += codec_count_bits(found);
        at += codec_count_bits(found);
        rest &= ~these;
        places = _mm512_alignr_epi64(places, places, 2);
    } while (CODEC_UNLIKELY(rest));
    chunk->candidates[block] = candidates;
}

/* Sixteen rows of sixteen words to columns, `pitch` words from one to the next. */
INLINE void turn(const int16_t rows[LANES][LANES], int16_t *columns, int pitch)
{
    for (int half = 0; half < LANES; half += 8) {
        __m256i v[8], w[8];
        for (int i = 0; i < 8; i++) {
            const __m256i upper = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(rows[i] + half)));
            v[i] = _mm256_inserti128_si256(upper, _mm_loadu_si128((const __m128i *)(rows[i + 8] + half)), 1);
        }
        for (int i = 0; i < 4; i++) {
            w[2 * i] = _mm256_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
            w[2 * i + 1] = _mm256_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
        }
        for (int i = 0; i < 8; i += 4) {
            for (int j = 0; j < 2; j++) {
                v[i + 2 * j] = _mm256_unpacklo_epi32(w[i + j], w[i + j + 2]);
                v[i + 2 * j + 1] = _mm256_unpackhi_epi32(w[i + j], w[i + j + 2]);
            }
        }
        for (int i = 0; i < 4; i++) {
            int16_t *column = columns + (half + 2 * i) * pitch;
            _mm256_storeu_si256((__m256i *)column, _mm256_unpacklo_epi64(v[i], v[i + 4]));
            _mm256_storeu_si256((__m256i *)(column + pitch), _mm256_unpackhi_epi64(v[i], v[i + 4]));
        }
    }
}

/* Candidates from `from` on to rows, a block in each lane: `count` of them, rounded up to a multiple of four. */
INLINE void take_candidates(Group *group, const Chunk *chunk, const uint8_t *blocks, int from, int count)
{
    const __m512i columns = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i at[4], pair[4];
    for (int j = 0; j < 4; j++) {
        at[j] = _mm512_setzero_si512();
        for (int i = 0; i < 4; i++) {
            const __m128i *of_block = (const __m128i *)(chunk->at[blocks[4 * i + j]] + from);
            at[j] = _mm512_mask_broadcast_i32x4(at[j], (__mmask16)(15 << 4 * i), _mm_loadu_si128(of_block));
        }
    }
    for (int j = 0; j < 2; j++) {
        pair[j] = _mm512_unpacklo_epi8(at[2 * j], at[2 * j + 1]);
        pair[2 + j] = _mm512_unpackhi_epi8(at[2 * j], at[2 * j + 1]);
    }
    for (int i = 0; i < 2; i++) {
        const __m512i low = _mm512_unpacklo_epi16(pair[2 * i], pair[2 * i + 1]);
        const __m512i high = _mm512_unpackhi_epi16(pair[2 * i], pair[2 * i + 1]);
        _mm512_storeu_si512(group->at[8 * i], _mm512_permutexvar_epi32(columns, low));
        _mm512_storeu_si512(group->at[8 * i + 4], _mm512_permutexvar_epi32(columns, high));
    }
    for (int n = 0; n < count; n += 4) {
        __m512 x[4];
        for (int j = 0; j < 4; j++) {
            x[j] = _mm512_setzero_ps();
            for (int i = 0; i < 4; i++) {
                const float *of_block = chunk->x[blocks[4 * i + j]] + from + n;
                x[j] = _mm512_mask_broadcast_f32x4(x[j], (__mmask16)(15 << 4 * i), _mm_loadu_ps(of_block));
            }
        }
        const __m512d ac = _mm512_castps_pd(_mm512_unpacklo_ps(x[0], x[1]));
        const __m512d bd = _mm512_castps_pd(_mm512_unpacklo_ps(x[2], x[3]));
        const __m512d eg = _mm512_castps_pd(_mm512_unpackhi_ps(x[0], x[1]));
        const __m512d fh = _mm512_castps_pd(_mm512_unpackhi_ps(x[2], x[3]));
        _mm512_storeu_pd(group->x[n], _mm512_unpacklo_pd(ac, bd));
        _mm512_storeu_pd(group->x[n + 1], _mm512_unpackhi_pd(ac, bd));
        _mm512_storeu_pd(group->x[n + 2], _mm512_unpacklo_pd(eg, fh));
        _mm512_storeu_pd(group->x[n + 3], _mm512_unpackhi_pd(eg, fh));
    }
}

/* The levels of the cheapest paths. */
INLINE void choose_levels(Group *group, int most, __m512i end_at, const Chunk *chunk, const uint8_t *blocks, int lanes,
                          int16_t *level_zz)
{
    uint16_t ends[64], kept[64];
    int16_t column[LANES][64 + 32];
    for (int n = 1; n <= most; n++) ends[n] = _mm512_cmpeq_epi32_mask(end_at, _mm512_set1_epi32(n));
    codec_jpeg_walk_back(group->steps, ends, kept, most);
    for (int n = 1; n <= most; n++) {
        const __m256i level = _mm256_loadu_si256((const __m256i *)group->level[n]);
        const __m256i below = _mm256_loadu_si256((const __m256i *)group->below[n]);
        const __m256i chosen = _mm256_mask_mov_epi16(level, group->steps[n].below, below);
        _mm256_storeu_si256((__m256i *)group->level[n], _mm256_maskz_mov_epi16(kept[n], chosen));
    }
    for (int n = 0; n < most; n += LANES) turn((const int16_t(*)[LANES])group->level[n + 1], column[0] + n, 64 + 32);
    for (int i = 0; i < lanes; i++) {
        const uint64_t places = chunk->candidates[blocks[i]];
        const int16_t *next = column[i];
        for (int half = 0; half < 2; half++) {
            const uint32_t here = (uint32_t)(places >> 32 * half);
            _mm512_storeu_si512(level_zz + 64 * blocks[i] + 32 * half,
                                _mm512_maskz_expand_epi16(here, _mm512_loadu_si512(next)));
            next += codec_count_bits(here);
        }
    }
}

/* Blocks by their places in chunk->order. ahead: coefficients of 16 blocks that come later, to be fetched meanwhile, a
 * line or two at a time. */
INLINE void trellis_of_16(const Chunk *chunk, const uint8_t *blocks, int lanes, const Bits *bits,
                          const JpegRates *rates, const float *weights, int16_t *level_zz, const int16_t *ahead)
{
    const int16_t *const fetched = ahead + 64 * LANES;
    const int most = codec_count_bits(chunk->candidates[blocks[0]]);
    Lanes lane = {_mm512_setzero_ps(), _mm512_set1_ps(JPEG_NO_PATH), _mm512_set1_ps(rates->eob),
                  _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    float weight[LANES];
    int32_t count[LANES];
    uint8_t of_lane[LANES];
    Group group;
    for (int i = 0; i < LANES; i++) {
        of_lane[i] = blocks[i < lanes ? i : 0];
        weight[i] = weights[of_lane[i]];
        count[i] = i < lanes ? codec_count_bits(chunk->candidates[of_lane[i]]) : 0;
    }
    group.weight = _mm512_loadu_ps(weight);
    group.count = _mm512_loadu_si512(count);
    for (int n = 1; n <= most; n++) {
        const int left = most - n + 1;
        if (n % LANES == 1) take_candidates(&group, chunk, of_lane, n - 1, left < LANES ? left : LANES);
        take_step(&group, &lane, n, bits, rates);
        for (int i = 0; i < 2 && ahead < fetched; i++, ahead += 32) prefetch(ahead);
    }
    for (; ahead < fetched; ahead += 32) prefetch(ahead);
    choose_levels(&group, most, lane.end_at, chunk, blocks, lanes < LANES ? lanes : LANES, level_zz);
}

AVX512 void codec_jpeg_trellis_avx512(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                      const float *weights, int16_t *level_zz, ptrdiff_t n)
{
    const Bits bits = bits_of(rates);
    const Quantizer q = quantizer_of(recip_zz, rates->least);
    Chunk chunk;
    for (; n > 0; n -= CHUNK, coef_zz += 64 * CHUNK, level_zz += 64 * CHUNK, weights += CHUNK) {
        const int blocks = n < CHUNK ? (int)n : CHUNK;
        for (int i = 0; i < blocks; i++)
            find_candidates(&chunk, i, coef_zz + 64 * i, &q, weights[i]);
        codec_jpeg_order_blocks(chunk.candidates, chunk.order, blocks);
        for (int i = 0; i < blocks; i += LANES)
            trellis_of_16(&chunk, chunk.order + i, blocks - i, &bits, rates, weights, level_zz,
                          coef_zz + 64 * (CHUNK + i));
    }
}
#else
typedef int codec_jpeg_trellis_avx512_is_empty;
#endif
