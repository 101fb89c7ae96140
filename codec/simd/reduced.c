#include "reduced.h"

#include "levels.h"

/* The second pass takes `width` samples at a time: 8 or 16, of which `size` count. */
CODEC_BODY void reduced_block(const ReducedTransform *t, const int16_t *level_nat, const uint16_t *Q_nat, int width,
                              int32_t *out, ptrdiff_t stride)
{
    int32_t coef[64];
    for (int i = 0; i < 64; i++) coef[i] = (int32_t)level_nat[i] * Q_nat[i];
    for (int y = 0; y < t->size; y++, out += stride) {
        int32_t between[8] = {0}, sums[REDUCED_MOST] = {0};
        for (int u = 0; u < 8; u++)
            for (int v = 0; v < 8; v++) between[v] += t->rows[8 * y + u] * coef[8 * u + v];
        for (int v = 0; v < 8; v++) between[v] = (between[v] + (1 << (t->first - 1))) >> t->first;
        for (int v = 0; v < 8; v++)
            for (int x = 0; x < width; x++) sums[x] += t->columns[REDUCED_MOST * v + x] * between[v];
        for (int x = 0; x < t->size; x++) out[x] = (sums[x] + (1 << (t->second - 1))) >> t->second;
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
