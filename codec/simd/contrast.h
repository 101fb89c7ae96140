/* The colour contrast of rows. */
#ifndef CODEC_CONTRAST_H
#define CODEC_CONTRAST_H

#include <stddef.h>
#include <stdint.h>

/* Adds to `total` the squares of what the cells of a row `a` of `bytes` bytes hold, compared with the row `b` below. A
 * cell is CODEC_CELL bytes: 16 pixels of 3 channels, 12 of 4. It adds up squared differences of R - G and G - B to the
 * right and down, at most 48 * 2 * 510^2 < 2^25. The last pixels, less than a cell and a pixel, are left out. */
#define CODEC_CELL 48
extern void (*const codec_add_contrast[2])(const uint8_t *a, const uint8_t *b, ptrdiff_t bytes, int channels,
                                           double *total);

#endif
