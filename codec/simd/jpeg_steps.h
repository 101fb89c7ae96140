/* What blocks decide on their way through a trellis, several side by side: codec/jpeg/_trellis.pyx tells the method.
 *
 * Single precision, the same operations in the same order at every level. */
#ifndef CODEC_JPEG_STEPS_H
#define CODEC_JPEG_STEPS_H

#include <stdint.h>

#include "bits.h"
#include "levels.h"

/* What blocks decided at a step of their trellises, a bit for each. A block keeps two paths: `a` ends at its last
 * candidate, a level that may be nonzero; `b` at an earlier one, or where the block begins. */
typedef struct {
    uint16_t candidate; /* it has one here */
    uint16_t below;     /* whose magnitude is the largest of the next smaller size */
    uint16_t from_b;    /* and which follows path b, not a */
    uint16_t b_stays;   /* from here on b is what it was before, not what a was before */
} JpegStep;

/* Backwards from where paths end, steps `last` to 1: the blocks whose level is not zero, for each of them. */
CODEC_BODY void codec_jpeg_walk_back(const JpegStep *steps, const uint16_t *ends, uint16_t *kept, int last)
{
    unsigned on_a = 0, on_b = 0;
    for (int n = last; n > 0; n--) {
        const unsigned here = steps[n].candidate, taken = (on_a | ends[n]) & here, passed = on_b & here;
        kept[n] = (uint16_t)taken;
        on_a = (on_a & ~here) | (taken & ~steps[n].from_b) | (passed & ~steps[n].b_stays);
        on_b = (on_b & ~here) | (taken & steps[n].from_b) | (passed & steps[n].b_stays);
    }
}

/* The numbers of n blocks, at most 255, by how many candidates they have, those with most first. */
CODEC_BODY void codec_jpeg_order_blocks(const uint64_t *candidates, uint8_t *order, int n)
{
    uint8_t first[65] = {0};
    for (int i = 0; i < n; i++) first[64 - codec_count_bits(candidates[i])]++;
    for (int count = 0, sum = 0; count < 65; count++) {
        const int those = first[count];
        first[count] = (uint8_t)sum;
        sum += those;
    }
    for (int i = 0; i < n; i++) order[first[64 - codec_count_bits(candidates[i])]++] = (uint8_t)i;
}

#endif
