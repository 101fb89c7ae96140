/* Inverse transforms of 1 to 16 points in each direction for blocks of 8x8: codec/jpeg/_reduced.pyx tells which. */
#ifndef CODEC_REDUCED_H
#define CODEC_REDUCED_H

#include <stddef.h>
#include <stdint.h>

enum { REDUCED_MOST = 16 };

/* `rows`: the transform by sample and frequency, for columns of coefficients; `columns`: by frequency and sample, for
 * rows. The sums are shifted by `first` and `second` bits, with rounding. */
typedef struct {
    int size, first, second;
    int32_t rows[REDUCED_MOST * 8];
    int32_t columns[8 * REDUCED_MOST];
} ReducedTransform;

/* n blocks of levels times steps to `size` rows of n * size samples before the level shift, `stride` apart. */
extern void (*const codec_reduced_idct[2])(const ReducedTransform *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                           ptrdiff_t n, int32_t *out, ptrdiff_t stride);
#endif
