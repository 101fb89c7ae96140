/* Levels and their symbols: codec/jpeg/_trellis.pyx tells the method of the trellis. The including file defines
 * NAME(x), TARGET and PRESENT(zz), the mask of nonzero levels of a block.
 *
 * Single precision, the same operations in the same order at every level. */

/* ---------------------------------------------------------------- the trellis, several blocks side by side */

/* What blocks decided at a step of their trellises, a bit for each. A block keeps two paths: `a` ends at its last
 * candidate, a level that may be nonzero; `b` at an earlier one, or where the block begins. */
typedef struct {
    uint8_t candidate; /* it has one here */
    uint8_t below;     /* whose magnitude is the largest of the next smaller size */
    uint8_t from_b;    /* and which follows path b, not a */
    uint8_t b_stays;   /* from here on b is what it was before, not what a was before */
} JpegStep;

/* Backwards from where paths end, steps `last` to 1: the blocks whose level is not zero, for each of them. */
CODEC_BODY void codec_jpeg_walk_back(const JpegStep *steps, const uint8_t *ends, uint8_t *kept, int last)
{
    unsigned on_a = 0, on_b = 0;
    for (int n = last; n > 0; n--) {
        const unsigned here = steps[n].candidate, taken = (on_a | ends[n]) & here, passed = on_b & here;
        kept[n] = (uint8_t)taken;
        on_a = (on_a & ~here) | (taken & ~steps[n].from_b) | (passed & ~steps[n].b_stays);
        on_b = (on_b & ~here) | (taken & steps[n].from_b) | (passed & steps[n].b_stays);
    }
}

/* ---------------------------------------------------------------- counts of symbols */

/* Magnitudes in steps, and their whole parts after `rounding` is added. */
TARGET CODEC_BODY void NAME(in_steps)(const int16_t *CODEC_RESTRICT coef_zz, const float *CODEC_RESTRICT recip_zz,
                                      float rounding, float *CODEC_RESTRICT x, int16_t *CODEC_RESTRICT level)
{
    for (int k = 0; k < 64; k++) {
        const int32_t c = coef_zz[k], sign = c >> 31;
        x[k] = (float)((c ^ sign) - sign) * recip_zz[k];
        level[k] = (int16_t)(int32_t)(x[k] + rounding);
    }
}

TARGET CODEC_BODY void NAME(count_run)(uint32_t *counts, int run, int size)
{
    counts[0xF0] += (uint32_t)(run >> 4);
    counts[(run & 15) << 4 | size]++;
}

TARGET static void NAME(count_levels)(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                                      ptrdiff_t n)
{
    for (; n > 0; n--, coef_zz += 64) {
        float x[64];
        int16_t level[64];
        int previous = 0;
        NAME(in_steps)(coef_zz, recip_zz, rounding, x, level);
        for (uint64_t present = PRESENT(level) & ~1ull; present; present &= present - 1) {
            const int k = codec_lowest_bit(present);
            const int top = level[k] < JPEG_TOP_LEVEL ? level[k] : JPEG_TOP_LEVEL;
            NAME(count_run)(counts, k - previous - 1, codec_bit_length((uint32_t)top));
            previous = k;
        }
        counts[0] += previous < 63;
    }
}
