#include "reduced.h"

#include "levels.h"

/* The second pass takes `width` samples at a time: 8 or 16, of which `size` count. */
CODEC_BODY void reduced_block(const ReducedTransform *CODEC_RESTRICT t, const int16_t *CODEC_RESTRICT level_nat,
                              const uint16_t *CODEC_RESTRICT Q_nat, int width, int32_t *CODEC_RESTRICT out,
                              ptrdiff_t stride)
{
    int32_t coef[64], between[8], sums[REDUCED_MOST];
    for (int i = 0; i < 64; i++) coef[i] = (int32_t)level_nat[i] * Q_nat[i];
    for (int y = 0; y < t->size; y++, out += stride) {
        const int32_t *c = t->rows + 8 * y;
        for (int v = 0; v < 8; v++)
            between[v] = (c[0] * coef[v] + c[1] * coef[8 + v] + c[2] * coef[16 + v] + c[3] * coef[24 + v] +
                          c[4] * coef[32 + v] + c[5] * coef[40 + v] + c[6] * coef[48 + v] + c[7] * coef[56 + v] +
                          (1 << (t->first - 1))) >> t->first;
        c = t->columns;
        for (int x = 0; x < width; x++)
            sums[x] = (c[x] * between[0] + c[16 + x] * between[1] + c[32 + x] * between[2] + c[48 + x] * between[3] +
                       c[64 + x] * between[4] + c[80 + x] * between[5] + c[96 + x] * between[6] +
                       c[112 + x] * between[7] + (1 << (t->second - 1))) >> t->second;
        for (int x = 0; x < t->size; x++) out[x] = sums[x];
    }
}

CODEC_BODY void codec_reduced_idct_body(const ReducedTransform *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                        ptrdiff_t n, int32_t *out, ptrdiff_t stride)
{
    for (ptrdiff_t i = 0; i < n; i++, level_nat += 64, out += t->size) {
        if (t->size == 1)
            *out = ((int32_t)level_nat[0] * Q_nat[0] + 4) >> 3;
        else if (t->size <= 8)
            reduced_block(t, level_nat, Q_nat, 8, out, stride);
        else
            reduced_block(t, level_nat, Q_nat, REDUCED_MOST, out, stride);
    }
}
CODEC_KERNEL(codec_reduced_idct, (const ReducedTransform *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                  ptrdiff_t n, int32_t *out, ptrdiff_t stride),
             (t, level_nat, Q_nat, n, out, stride))
