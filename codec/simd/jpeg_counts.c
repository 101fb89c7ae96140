/* Contracts are in jpeg_counts.h. With AVX2 the compiler has an instruction that counts bits. */
#include "jpeg_counts.h"

#include <stddef.h>

#include "bits.h"
#include "levels.h"

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

CODEC_BODY void codec_jpeg_count_first_body(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n,
                                            int Al)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t nonzero = now[i];
        const int16_t *zz = level_zz + 64 * i;
        int previous = -1, s = 0;
        for (uint64_t present = nonzero & ~below(c->start[0]); present; present &= present - 1) {
            const int k = codec_lowest_bit(present), segment = c->segment[k], v = zz[k];
            const int size = codec_bit_length((uint32_t)(v < 0 ? -v : v)) - Al;
            if (previous >= 0)
                count_symbol(symbols_at(c, c->between, c->segment[previous], segment), k - previous - 1, size);
            previous = k;
            for (; s <= segment; s++) {
                int64_t *since = c->since[s];
                count_symbol(symbols_at(c, c->opening, s, segment), k - c->start[s], size);
                for (int e = segment; e < c->n; e++) {
                    count_run(c->ended[s][e], i - since[e]);
                    since[e] = i + (int64_t)(nonzero >> (c->start[e + 1] - 1) & 1);
                }
            }
        }
    }
    for (int s = 0; s < c->n; s++)
        for (int e = s; e < c->n; e++) count_run(c->ended[s][e], n - c->since[s][e]);
}
CODEC_KERNEL(codec_jpeg_count_first, (JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int64_t n, int Al),
             (c, level_zz, now, n, Al))

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

/* The run of the band that is pending ends before block i. */
CODEC_BODY void end_refined_run(JpegCounts *c, const uint64_t *now, const uint64_t *before, int s, int e, int64_t i)
{
    if (CODEC_UNLIKELY(c->corrections[e + 1] - c->corrections[s] - c->corrected[s][e] > c->most))
        count_interrupted_run(c, now, before, s, e, c->since[s][e], i);
    else
        count_run(c->ended[s][e], i - c->since[s][e]);
}

/* A block with new coefficients. Runs count coefficients that are still zero; those to correct do not interrupt them.
 * up_to_start: coefficients to correct below each border. */
CODEC_BODY void count_refined_block(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t i,
                                    uint64_t present, uint64_t old, const int *up_to_start)
{
    int up_to_new[JPEG_SEGMENTS]; /* by last segment of a band: coefficients to correct below its last new one */
    int previous = -1, s = 0;
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
            for (int e = segment; e < c->n; e++) {
                end_refined_run(c, now, before, s, e, i);
                c->since[s][e] = i + (int64_t)(present >> (c->start[e + 1] - 1) & 1);
                c->corrected[s][e] = c->corrections[e + 1] - c->corrections[s] + up_to_new[e] - up_to_start[s];
            }
        }
    }
}

CODEC_BODY void codec_jpeg_count_refined_body(JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t old = before[i], present = now[i] & ~old & ~below(c->start[0]);
        int up_to_start[JPEG_SEGMENTS + 1] = {0};
        if (now[i] == 0) continue;
        if (old)
            for (int s = 0; s <= c->n; s++) up_to_start[s] = codec_count_bits(old & below(c->start[s]));
        if (present) count_refined_block(c, now, before, i, present, old, up_to_start);
        if (old)
            for (int s = 0; s <= c->n; s++) c->corrections[s] += up_to_start[s];
    }
    for (int s = 0; s < c->n; s++)
        for (int e = s; e < c->n; e++) end_refined_run(c, now, before, s, e, n);
}
CODEC_KERNEL(codec_jpeg_count_refined, (JpegCounts *c, const uint64_t *now, const uint64_t *before, int64_t n),
             (c, now, before, n))
