/* Counts of symbols of levels. The including file defines NAME(x), TARGET and PRESENT(zz), the mask of nonzero levels
 * of a block.
 *
 * Single precision, the same operations in the same order at every level. */

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
