/* Contracts are in jpeg_counts.h. With AVX2 the compiler has an instruction that counts bits, and bands are taken eight
 * at a time. */
#include "jpeg_counts.h"

#include <stddef.h>

#include "bits.h"
#include "levels.h"
#if CODEC_HAS_AVX2
#include "x86/avx2.h"
#endif

CODEC_BODY uint32_t *symbols_at(const JpegCounts *c, uint32_t *counts, int row, int column)
{
    return counts + 256 * (row * c->n + column);
}

/* EOBRUN blocks in a row have ended: as few symbols as possible. */
CODEC_BODY void count_run(uint32_t *ended, int64_t EOBRUN)
{
    for (; CODEC_UNLIKELY(EOBRUN > 0x7FFF); EOBRUN -= 0x7FFF) ended[15]++;
    ended[codec_bit_length((uint32_t)(2 * EOBRUN + 1)) - 1]++;
}

CODEC_BODY void count_symbol(uint32_t *symbols, int r, int size)
{
    symbols[0xF0] += (uint32_t)(r >> 4);
    symbols[(r & 15) << 4 | size]++;
}

/* Positions 0..k-1. */
CODEC_BODY uint64_t below(int k) { return k > 63 ? ~0ull : (1ull << k) - 1; }

/* Where a run that is pending after block i begins, by last segment of a band: in the next block if the band ends with
 * a coefficient. */
CODEC_BODY void set_begins(const JpegCounts *c, uint64_t present, int32_t i, int32_t *begins)
{
    for (int e = 0; e < JPEG_SEGMENTS; e++) begins[e] = i + (int32_t)(present >> (c->start[e + 1] - 1) & 1);
}

/* Eight bands from one border, the first of which ends in segment `first`; those that end in `segment` or later have a
 * coefficient in block i, and end the runs that are pending. Those of one block, the most frequent, are only counted.
 * Returns the bands with longer ones, a bit each; their lengths are in `run`. */
CODEC_BODY uint32_t end_eight(int32_t *since, uint32_t *once, int first, int segment, int32_t i, const int32_t *begins,
                              int32_t *run)
{
    uint32_t longer = 0;
    for (int e = segment > first ? segment - first : 0; e < 8; e++) {
        run[e] = i - since[e];
        once[e] += run[e] == 1;
        longer |= (uint32_t)(run[e] > 1) << e;
        since[e] = begins[e];
    }
    return longer;
}

#if CODEC_HAS_AVX2
AVX2 static inline uint32_t bits_of_eight(__m256i v)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(v));
}

/* All ones where a band ends in `segment` or later. */
AVX2 static inline __m256i in_bands(int first, int segment)
{
    return _mm256_cmpgt_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(segment - first - 1));
}

AVX2 static inline uint32_t end_eight_avx2(int32_t *since, uint32_t *once, int first, int segment, int32_t i,
                                           const int32_t *begins, int32_t *run)
{
    const __m256i ends = in_bands(first, segment), old = load32(since), one = _mm256_set1_epi32(1);
    const __m256i length = _mm256_sub_epi32(_mm256_set1_epi32(i), old);
    store32(run, length);
    store32(once, _mm256_sub_epi32(load32(once), _mm256_and_si256(ends, _mm256_cmpeq_epi32(length, one))));
    store32(since, _mm256_blendv_epi8(old, load32(begins), ends));
    return bits_of_eight(_mm256_and_si256(ends, _mm256_cmpgt_epi32(length, one)));
}
#else
#define end_eight_avx2 end_eight
#endif

CODEC_BODY uint32_t end_runs(JpegCounts *c, int s, int segment, int32_t i, const int32_t *begins, int32_t *run,
                             int avx2)
{
    uint32_t longer = 0;
    for (int at = segment & ~7; at < c->n; at += 8) {
        int32_t *since = c->since[s] + at;
        uint32_t *once = c->once[s] + at;
        longer |= (avx2 ? end_eight_avx2(since, once, at, segment, i, begins + at, run + at)
                        : end_eight(since, once, at, segment, i, begins + at, run + at)) << at;
    }
    return longer & ((1u << c->n) - 1);
}

CODEC_BODY void add_runs_of_one(JpegCounts *c)
{
    for (int s = 0; s < c->n; s++)
        for (int e = s; e < c->n; e++) c->ended[s][e][1] += c->once[s][e];
}

CODEC_BODY void count_first(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n, int Al, int avx2)
{
    int32_t begins[JPEG_SEGMENTS], run[JPEG_SEGMENTS];
    for (int64_t i = 0; i < n; i++) {
        const uint64_t nonzero = now[i];
        const int16_t *zz = level_zz + 64 * i;
        int previous = -1, s = 0;
        uint64_t present = nonzero & ~below(c->start[0]);
        if (present) set_begins(c, nonzero, (int32_t)i, begins);
        for (; present; present &= present - 1) {
            const int k = codec_lowest_bit(present), segment = c->segment[k], v = zz[k];
            const int size = codec_bit_length((uint32_t)(v < 0 ? -v : v)) - Al;
            if (previous >= 0)
                count_symbol(symbols_at(c, c->between, c->segment[previous], segment), k - previous - 1, size);
            previous = k;
            for (; s <= segment; s++) {
                count_symbol(symbols_at(c, c->opening, s, segment), k - c->start[s], size);
                uint32_t longer = end_runs(c, s, segment, (int32_t)i, begins, run, avx2);
                for (; longer; longer &= longer - 1) {
                    const int e = codec_lowest_bit(longer);
                    count_run(c->ended[s][e], run[e]);
                }
            }
        }
    }
    for (int s = 0; s < c->n; s++)
        for (int e = s; e < c->n; e++) count_run(c->ended[s][e], n - c->since[s][e]);
    add_runs_of_one(c);
}
/* Blocks `begin` to `end` - 1 have ended with more correction bits than the writer keeps: announce them as it does,
 * block by block. */
static void count_interrupted_run(JpegCounts *c, const uint64_t *now, const uint64_t *before, int s, int e,
                                  int64_t begin, int64_t end)
{
    const uint64_t band = below(c->start[e + 1]) & ~below(c->start[s]);
    int64_t EOBRUN = 0;
    int BE = 0;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t new_ones = now[i] & ~before[i] & band;
        /* in the first block, corrections up to the last new coefficient have been sent */
        const uint64_t sent = new_ones ? below(codec_bit_length64(new_ones)) : 0;
        EOBRUN++;
        BE += codec_count_bits(before[i] & band & ~sent);
        if (EOBRUN == 0x7FFF || BE > c->most) {
            count_run(c->ended[s][e], EOBRUN);
            EOBRUN = BE = 0;
        }
    }
    count_run(c->ended[s][e], EOBRUN);
}

/* The run of the band that is pending, of `length` blocks, ends before block i. */
CODEC_BODY void end_refined_run(JpegCounts *c, const uint64_t *now, const uint64_t *before, int s, int e, int64_t i,
                                int64_t length, int32_t pending)
{
    if (CODEC_UNLIKELY(pending > c->most))
        count_interrupted_run(c, now, before, s, e, i - length, i);
    else
        count_run(c->ended[s][e], length);
}

/* What eight bands from one border have in a refinement. */
struct refined_bands {
    int32_t *since, *corrected;
    uint32_t *once;
    const int32_t *begins, *corrections; /* corrections: below the borders behind them */
    const int32_t *up_to_new;
    int32_t *run, *pending;              /* pending: correction bits since the run began */
};

/* As `end_eight`, where correction bits may have interrupted a run. low, up_to_start: at the border where bands begin.
 */
CODEC_BODY uint32_t end_eight_refined(const struct refined_bands *b, int first, int segment, int32_t i, int32_t most,
                                      int32_t low, int32_t up_to_start)
{
    uint32_t longer = 0;
    for (int e = segment > first ? segment - first : 0; e < 8; e++) {
        const int32_t length = i - b->since[e], here = b->corrections[e] - low, waiting = here - b->corrected[e];
        const int one = length == 1 && waiting <= most;
        b->run[e] = length;
        b->pending[e] = waiting;
        b->once[e] += (uint32_t)one;
        longer |= (uint32_t)(length > 0 && !one) << e;
        b->since[e] = b->begins[e];
        b->corrected[e] = here + b->up_to_new[e] - up_to_start;
    }
    return longer;
}

#if CODEC_HAS_AVX2
AVX2 static inline uint32_t end_eight_refined_avx2(const struct refined_bands *b, int first, int segment, int32_t i,
                                                   int32_t most, int32_t low, int32_t up_to_start)
{
    const __m256i ends = in_bands(first, segment), old = load32(b->since), old_corrected = load32(b->corrected);
    const __m256i length = _mm256_sub_epi32(_mm256_set1_epi32(i), old);
    const __m256i here = _mm256_sub_epi32(load32(b->corrections), _mm256_set1_epi32(low));
    const __m256i waiting = _mm256_sub_epi32(here, old_corrected);
    const __m256i one = _mm256_andnot_si256(_mm256_cmpgt_epi32(waiting, _mm256_set1_epi32(most)),
                                            _mm256_cmpeq_epi32(length, _mm256_set1_epi32(1)));
    const __m256i sent = _mm256_sub_epi32(_mm256_add_epi32(here, load32(b->up_to_new)),
                                          _mm256_set1_epi32(up_to_start));
    store32(b->run, length);
    store32(b->pending, waiting);
    store32(b->once, _mm256_sub_epi32(load32(b->once), _mm256_and_si256(ends, one)));
    store32(b->since, _mm256_blendv_epi8(old, load32(b->begins), ends));
    store32(b->corrected, _mm256_blendv_epi8(old_corrected, sent, ends));
    return bits_of_eight(_mm256_andnot_si256(
        one, _mm256_and_si256(ends, _mm256_cmpgt_epi32(length, _mm256_setzero_si256()))));
}
#else
#define end_eight_refined_avx2 end_eight_refined
#endif

CODEC_BODY uint32_t end_refined_runs(JpegCounts *c, int s, int segment, int32_t i, const int32_t *begins,
                                     const int32_t *up_to_new, int up_to_start, int32_t *run, int32_t *pending,
                                     int avx2)
{
    uint32_t longer = 0;
    for (int at = segment & ~7; at < c->n; at += 8) {
        const struct refined_bands b = {c->since[s] + at, c->corrected[s] + at, c->once[s] + at, begins + at,
                                        c->corrections + 1 + at, up_to_new + at, run + at, pending + at};
        longer |= (avx2 ? end_eight_refined_avx2(&b, at, segment, i, c->most, c->corrections[s], up_to_start)
                        : end_eight_refined(&b, at, segment, i, c->most, c->corrections[s], up_to_start)) << at;
    }
    return longer & ((1u << c->n) - 1);
}

/* A block with new coefficients. Runs count coefficients that are still zero; those to correct do not interrupt them.
 * up_to_start: coefficients to correct below each border. */
CODEC_BODY void count_refined_block(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t i,
                                    uint64_t present, uint64_t old, const int32_t *up_to_start, int avx2)
{
    /* by last segment of a band: coefficients to correct below its last new one */
    int32_t up_to_new[JPEG_SEGMENTS] = {0}, begins[JPEG_SEGMENTS], run[JPEG_SEGMENTS], pending[JPEG_SEGMENTS];
    int previous = -1, s = 0;
    set_begins(c, present, (int32_t)i, begins);
    if (old)
        for (int e = c->segment[codec_lowest_bit(present)]; e < c->n; e++)
            up_to_new[e] = codec_count_bits(old & below(codec_bit_length64(present & below(c->start[e + 1]))));
    for (uint64_t rest = present; rest; rest &= rest - 1) {
        const int k = codec_lowest_bit(rest), segment = c->segment[k], corrected = codec_count_bits(old & below(k));
        if (previous >= 0)
            count_symbol(symbols_at(c, c->between, c->segment[previous], segment),
                         k - previous - 1 - codec_count_bits(old & below(k) & ~below(previous)), 1);
        previous = k;
        for (; s <= segment; s++) {
            count_symbol(symbols_at(c, c->opening, s, segment), k - c->start[s] - (corrected - up_to_start[s]), 1);
            uint32_t longer = end_refined_runs(c, s, segment, (int32_t)i, begins, up_to_new, up_to_start[s], run,
                                               pending, avx2);
            for (; longer; longer &= longer - 1) {
                const int e = codec_lowest_bit(longer);
                end_refined_run(c, now, before, s, e, i, run[e], pending[e]);
            }
        }
    }
}

CODEC_BODY void count_refined(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n, int avx2)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t old = before[i], present = now[i] & ~old & ~below(c->start[0]);
        int32_t up_to_start[JPEG_SEGMENTS + 1] = {0};
        if (now[i] == 0) continue;
        if (old)
            for (int s = 0; s <= c->n; s++) up_to_start[s] = codec_count_bits(old & below(c->start[s]));
        if (present) count_refined_block(c, now, before, i, present, old, up_to_start, avx2);
        if (old)
            for (int s = 0; s <= c->n; s++) c->corrections[s] += up_to_start[s];
    }
    for (int s = 0; s < c->n; s++)
        for (int e = s; e < c->n; e++)
            end_refined_run(c, now, before, s, e, n, n - c->since[s][e],
                            c->corrections[e + 1] - c->corrections[s] - c->corrected[s][e]);
    add_runs_of_one(c);
}
static void count_first_scalar(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n, int Al)
{
    count_first(c, level_zz, now, n, Al, 0);
}

static void count_refined_scalar(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n)
{
    count_refined(c, now, before, n, 0);
}

#if CODEC_HAS_AVX2
AVX2 static void count_first_avx2(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n, int Al)
{
    count_first(c, level_zz, now, n, Al, 1);
}

AVX2 static void count_refined_avx2(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n)
{
    count_refined(c, now, before, n, 1);
}
#else
#define count_first_avx2 count_first_scalar
#define count_refined_avx2 count_refined_scalar
#endif

void (*const codec_jpeg_count_first[2])(JpegCounts *, const int16_t *, const uint64_t *, int64_t, int) = {
    count_first_scalar, count_first_avx2};
void (*const codec_jpeg_count_refined[2])(JpegCounts *, const uint64_t *, const uint64_t *, int64_t) = {
    count_refined_scalar, count_refined_avx2};
