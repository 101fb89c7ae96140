#include "contrast.h"
#include "levels.h"

/* The sum over a cell, where a[i] and a[i + 1] are of one pixel, of the squared differences of a[i] - a[i + 1] and
 * other[i] - other[i + 1]. */
CODEC_BODY int32_t squares(const uint8_t *a, const uint8_t *other, const int16_t *chroma)
{
    int32_t sum = 0;
    for (int i = 0; i < CODEC_CELL; i++) {
        const int16_t d = (int16_t)((int16_t)(a[i] - a[i + 1] - other[i] + other[i + 1]) & chroma[i]);
        sum += d * d;
    }
    return sum;
}

CODEC_BODY void codec_add_contrast_body(const uint8_t *a, const uint8_t *b, ptrdiff_t bytes, int channels,
                                        double *total)
{
    int16_t chroma[CODEC_CELL];
    for (int i = 0; i < CODEC_CELL; i++)
        chroma[i] = (int16_t)-(i % channels < 2); /* all bits where a pixel has a next component */
    for (; bytes >= CODEC_CELL + 5; a += CODEC_CELL, b += CODEC_CELL, bytes -= CODEC_CELL) {
        const int32_t cell = squares(a, a + channels, chroma) + squares(a, b, chroma);
        *total += (double)cell * cell;
    }
}
CODEC_KERNEL(codec_add_contrast, (const uint8_t *a, const uint8_t *b, ptrdiff_t bytes, int channels, double *total),
             (a, b, bytes, channels, total))
