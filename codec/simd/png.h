/* Rows of PNG. */
#ifndef CODEC_PNG_H
#define CODEC_PNG_H
#include <stddef.h>
#include <stdint.h>

/* Undo the filters (PNG 9.2) of `rows` rows of `row_bytes` bytes, each behind its filter type. `out`: rows x row_bytes
 * samples, in other memory. `bpp` (1..4): bytes from a pixel to the next. Returns 0, or -1 for a filter type that there
 * is not. */
int codec_png_unfilter(const uint8_t *filtered, uint8_t *out, size_t rows, size_t row_bytes, int bpp);

#endif
