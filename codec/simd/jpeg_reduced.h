/* The inverse transform of a block to another size, before the level shift. With `narrow`, 16 bits are kept between the
 * passes, as vector units multiply; 12-bit pictures need more. */
#ifndef CODEC_JPEG_REDUCED_H
#define CODEC_JPEG_REDUCED_H

#include "jpegdsp.h"

CODEC_BODY void reduced_block(const JpegReduced *t, const int32_t *coef, int narrow, int32_t *out)
{
    int32_t between[8];
    for (int y = 0; y < t->size; y++, out += t->size) {
        const int32_t *c = t->rows + 8 * y;
        for (int v = 0; v < 8; v++) {
            int32_t sum = 1 << (t->first - 1);
            for (int u = 0; u < 8; u++) sum += c[u] * coef[8 * u + v];
            between[v] = sum >> t->first;
            if (narrow) {
                between[v] = between[v] > -32768 ? between[v] : -32768;
                between[v] = between[v] < 32767 ? between[v] : 32767;
            }
        }
        for (int x = 0; x < t->size; x++) {
            int32_t sum = 1 << (t->second - 1);
            for (int v = 0; v < 8; v++) sum += t->columns[JPEG_REDUCED_MOST * v + x] * between[v];
            out[x] = sum >> t->second;
        }
    }
}

#endif
