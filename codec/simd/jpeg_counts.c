/* Contracts are in jpeg_counts.h. With AVX2 the compiler has an instruction that counts bits, and takes four words of a
 * map at a time. */
#include "jpeg_counts.h"

#include <string.h>

#include "bits.h"
#include "levels.h"

/* run << 4 | size, where runs of more than 15 take ZRL (0xF0) first. */
CODEC_BODY void count_symbol(uint32_t *symbols, int symbol)
{
    if (symbol > 0xFF) symbols[0xF0] += (uint32_t)(symbol >> 8);
    symbols[symbol & 0xFF]++;
}

/* Positions 0..k-1. */
CODEC_BODY uint64_t below(int k) { return k > 63 ? ~0ull : (1ull << k) - 1; }

/* ---------------------------------------------------------------- maps of blocks */

CODEC_BODY void put_on_map(uint64_t *map, int64_t i) { map[(i + 1) >> 6] |= 1ull << ((i + 1) & 63); }

CODEC_BODY int on_map(const uint64_t *map, int64_t i) { return (int)(map[(i + 1) >> 6] >> ((i + 1) & 63) & 1); }

/* `present` and `last`, a word of all at a time. */
CODEC_BODY void draw_maps(JpegCounts *c, const uint64_t *now, const uint64_t *before)
{
    uint64_t positions[2 * JPEG_SEGMENTS], word[2 * JPEG_SEGMENTS];
    for (int s = 0; s < c->n; s++) {
        positions[s] = below(c->start[s + 1]) & ~below(c->start[s]);
        positions[c->n + s] = below(c->start[s + 1]) & ~below(c->start[s + 1] - 1);
    }
    for (ptrdiff_t w = 0; w < c->words; w++) {
        const int64_t past = 64 * w + 63 < c->blocks ? 64 * w + 63 : c->blocks;
        memset(word, 0, sizeof word);
        for (int64_t i = w ? 64 * w - 1 : 0; i < past; i++) {
            const uint64_t present = now[i] & ~(before ? before[i] : 0), bit = 1ull << ((i + 1) & 63);
            for (int map = 0; map < 2 * c->n; map++) word[map] |= present & positions[map] ? bit : 0;
        }
        for (int s = 0; s < c->n; s++) {
            c->present[s][w] = word[s];
            c->last[s][w] = word[c->n + s];
        }
    }
    for (int s = 0; s < c->n; s++) put_on_map(c->last[s], -1);
}

/* ---------------------------------------------------------------- runs of ended bands */

/* EOBRUN blocks in a row have ended: as few symbols as possible. */
CODEC_BODY void count_run(uint32_t *runs, int64_t EOBRUN)
{
    for (; EOBRUN > 0; EOBRUN -= 0x7FFF)
        for (int k = 0; k < JPEG_RUN_SIZES && EOBRUN >> k; k++) runs[k]++;
}

/* Blocks `begin` to `end` - 1 have ended, perhaps with more correction bits than the writer keeps: announce them as it
 * does, block by block. */
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
            count_run(c->runs[s][e], EOBRUN);
            EOBRUN = BE = 0;
        }
    }
    count_run(c->runs[s][e], EOBRUN);
}

/* The last block on a map before block i; -1: it begins the map. */
CODEC_BODY int64_t on_map_before(const uint64_t *map, int64_t i)
{
    ptrdiff_t w = (i + 1) >> 6;
    uint64_t rest = map[w] & below((i + 1) & 63);
    while (!rest) rest = map[--w];
    return 64 * w + codec_bit_length64(rest) - 2;
}

/* Count anew the runs of a band that the writer may divide. with: map of the blocks that have a coefficient in the
 * band, and of the end: there runs end, and the next one begins with the same block unless that ends with a
 * coefficient. longer: map of those that end runs of a length that may need it. before: NULL for a first scan. */
CODEC_BODY void divide_runs(JpegCounts *c, const uint64_t *with, const uint64_t *longer, const uint64_t *now,
                            const uint64_t *before, int s, int e)
{
    for (ptrdiff_t w = 0; w < c->words; w++)
        for (uint64_t rest = longer[w]; rest; rest &= rest - 1) {
            const int64_t i = 64 * w + codec_lowest_bit(rest) - 1, previous = on_map_before(with, i);
            const int64_t begin = previous + on_map(c->last[e], previous), length = i - begin;
            if (length > 0x7FFF || (before && c->so_far[i] - c->so_far[begin] > c->most)) {
                for (int k = 0; k < JPEG_RUN_SIZES && length >> k; k++) c->runs[s][e][k]--;
                if (before)
                    count_interrupted_run(c, now, before, s, e, begin, i);
                else
                    count_run(c->runs[s][e], length);
            }
        }
}

/* Word w of a map whose bits move up by 64 words + bits. */
CODEC_BODY uint64_t moved(const uint64_t *map, ptrdiff_t w, ptrdiff_t words, int bits)
{
    return map[w - words] << bits | map[w - words - 1] >> 1 >> (63 - bits);
}

/* A run that ends before block i has at least m blocks if the m - 1 blocks before i have nothing, and the one before
 * those does not end with a coefficient. empty: map of the blocks with m - 1 empty ones before them; next: of those
 * with 2 m - 1, which have them, an empty one, and m - 1 again. Returns the number of runs. */
CODEC_BODY uint32_t count_long_runs(const uint64_t *CODEC_RESTRICT with, const uint64_t *CODEC_RESTRICT last,
                                    ptrdiff_t words, ptrdiff_t m, const uint64_t *CODEC_RESTRICT empty,
                                    uint64_t *CODEC_RESTRICT next, uint64_t *CODEC_RESTRICT found)
{
    const ptrdiff_t whole = m >> 6 < words ? m >> 6 : words;
    const int bits = m & 63;
    uint32_t total = 0;
    for (ptrdiff_t w = 0; w < whole; w++) {
        found[w] = with[w] & empty[w];
        next[w] = 0;
    }
    for (ptrdiff_t w = whole; w < words; w++) {
        found[w] = with[w] & empty[w] & ~moved(last, w, whole, bits);
        next[w] = empty[w] & ~moved(with, w, whole, bits) & moved(empty, w, whole, bits);
    }
    for (ptrdiff_t w = 0; w < words; w++) total += (uint32_t)codec_count_bits(found[w]);
    return total;
}

CODEC_BODY void find_nothing(JpegCounts *c)
{
    for (int e = 1; e < c->n; e++) {
        uint64_t any = (uint64_t)c->corrections[e] | (c->last[e - 1][0] & ~1ull);
        for (ptrdiff_t w = 0; w < c->words; w++) any |= c->present[e][w] | (w ? c->last[e - 1][w] : 0);
        c->nothing[e] = !any;
    }
}

/* The runs of all bands. `now`, `before`: of refinements; NULL for first scans. */
CODEC_BODY void count_runs(JpegCounts *c, const uint64_t *now, const uint64_t *before)
{
    uint64_t *with = c->work[3], *longer = c->work[4];
    find_nothing(c);
    for (int s = 0; s < c->n; s++) {
        int64_t corrections = 0;
        memset(with, 0, (size_t)c->words * sizeof *with);
        put_on_map(with, -1);
        put_on_map(with, c->blocks);
        for (int e = s; e < c->n; e++) {
            uint32_t *runs = c->runs[s][e];
            const int64_t positions = c->start[e + 1] - c->start[s];
            int k = 0, divided = JPEG_RUN_SIZES - 1; /* shorter runs than 2^divided blocks stay whole */
            if (e > s && c->nothing[e]) {
                memcpy(runs, c->runs[s][e - 1], sizeof c->runs[s][e]);
                continue;
            }
            if (before)
                while (divided && positions << divided > c->most) divided--;
            for (ptrdiff_t w = 0; w < c->words; w++) with[w] |= c->present[e][w];
            memset(c->work[0], 0xFF, (size_t)c->words * sizeof *with);
            c->work[0][0] = ~1ull;              /* no run ends before the first block */
            while (k < JPEG_RUN_SIZES
                   && (runs[k] = count_long_runs(with, c->last[e], c->words, (ptrdiff_t)1 << k, c->work[k & 1],
                                                 c->work[~k & 1], k == divided ? longer : c->work[2])))
                k++;
            corrections += c->corrections[e];
            if (k == JPEG_RUN_SIZES || (corrections > c->most && positions << k > c->most))
                divide_runs(c, with, longer, now, before, s, e);
        }
    }
}

/* ---------------------------------------------------------------- symbols */

/* What the loops over coefficients look up, where no count can alias it. */
typedef struct {
    uint64_t from[JPEG_SEGMENTS]; /* positions from a border on */
    int start[JPEG_SEGMENTS], row[JPEG_SEGMENTS];
    uint8_t segment[64];
} Borders;

CODEC_BODY void copy_borders(const JpegCounts *c, Borders *b)
{
    for (int s = 0; s < c->n; s++) {
        b->from[s] = ~below(c->start[s]);
        b->start[s] = c->start[s];
        b->row[s] = c->row[s];
    }
    memcpy(b->segment, c->segment, sizeof b->segment);
}

/* `opening` from `arrivals`: those of a border are all behind which have no coefficient between them and it. */
CODEC_BODY void count_openings(JpegCounts *c)
{
    uint32_t arrived[JPEG_ARRIVALS] = {0};
    for (int s = 0; s < c->n; s++) {
        const uint32_t *more = c->arrivals + s * JPEG_ARRIVALS;
        for (int i = 0; i < JPEG_ARRIVALS; i++) arrived[i] += more[i];
        for (int k = c->start[s]; k < 64; k++) {
            const int run = k - c->start[s];
            const uint32_t *by_size = arrived + (k << 4);
            uint32_t *symbols = c->opening + c->row[s] + 256 * c->segment[k], total = 0;
            for (int size = 0; size < 16; size++) {
                symbols[(run & 15) << 4 | size] += by_size[size];
                total += by_size[size];
            }
            symbols[0xF0] += (uint32_t)(run >> 4) * total;
        }
    }
}

CODEC_BODY void codec_jpeg_count_first_body(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int Al)
{
    const int64_t blocks = c->blocks;
    uint32_t *all_between = c->between, *arrivals = c->arrivals;
    Borders b;
    copy_borders(c, &b);
    for (int64_t i = 0; i < blocks; i++) {
        const int16_t *zz = level_zz + 64 * i;
        uint32_t *between = NULL, *arrived = arrivals; /* by the coefficient before */
        int behind = 0;                                /* position behind it */
        for (uint64_t present = now[i] & b.from[0]; present; present &= present - 1) {
            const int k = codec_lowest_bit(present), segment = b.segment[k], v = zz[k];
            const int size = codec_bit_length((uint32_t)(v < 0 ? -v : v)) - Al;
            arrived[k << 4 | size]++;
            if (between) count_symbol(between + 256 * segment, (k - behind) << 4 | size);
            between = all_between + b.row[segment];
            arrived = arrivals + (segment + 1) * JPEG_ARRIVALS;
            behind = k + 1;
        }
    }
    count_openings(c);
    draw_maps(c, now, NULL);
    count_runs(c, NULL, NULL);
}
CODEC_KERNEL(codec_jpeg_count_first, (JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int Al),
             (c, level_zz, now, Al))

/* Runs count coefficients that are still zero; those to correct do not interrupt them. */
CODEC_BODY void codec_jpeg_count_refined_body(JpegCounts *c, const uint64_t *now, const uint64_t *before)
{
    const int64_t blocks = c->blocks;
    uint32_t *all_between = c->between, *all_opening = c->opening;
    int32_t *so_far = c->so_far, corrections[JPEG_SEGMENTS] = {0};
    Borders b;
    copy_borders(c, &b);
    for (int64_t i = 0; i < blocks; i++) {
        const uint64_t old = before[i] & b.from[0];
        uint64_t still_zero = ~old; /* and behind the previous new coefficient */
        uint32_t *between = NULL;
        int s = 0;
        so_far[i + 1] = so_far[i] + codec_count_bits(old);
        for (uint64_t rest = old; rest; rest &= rest - 1) corrections[b.segment[codec_lowest_bit(rest)]]++;
        for (uint64_t present = now[i] & ~before[i] & b.from[0]; present; present &= present - 1) {
            const int k = codec_lowest_bit(present), segment = b.segment[k];
            const uint64_t run = still_zero & below(k);
            if (between) count_symbol(between + 256 * segment, codec_count_bits(run) << 4 | 1);
            for (uint32_t *opening = all_opening + 256 * segment; s <= segment; s++)
                count_symbol(opening + b.row[s], codec_count_bits(run & b.from[s]) << 4 | 1);
            between = all_between + b.row[segment];
            still_zero &= ~below(k + 1);
        }
    }
    memcpy(c->corrections, corrections, sizeof corrections);
    draw_maps(c, now, before);
    count_runs(c, now, before);
}
CODEC_KERNEL(codec_jpeg_count_refined, (JpegCounts *c, const uint64_t *now, const uint64_t *before), (c, now, before))
