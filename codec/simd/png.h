/* Rows of PNG. */
#ifndef CODEC_PNG_H
#define CODEC_PNG_H
#include <stddef.h>
#include <stdint.h>

/* Undo the filters (PNG 9.2) of `rows` rows of `row_bytes` bytes, each behind its filter type, below a row that is
 * known, `above`, or NULL: the row above the first is 0. `out`: rows x row_bytes samples, in other memory. `bpp`
 * (1..4): bytes from a pixel to the next, which divide `row_bytes`. Returns 0, or -1 for a filter type that there is
 * not. The table: by `codec_variant`. */
typedef int codec_png_unfilterer(const uint8_t *filtered, const uint8_t *above, uint8_t *out, size_t rows,
                                 size_t row_bytes, int bpp);
extern codec_png_unfilterer *const codec_png_unfilter[2];
codec_png_unfilterer codec_png_rows, codec_png_unfilter_avx2;

/* The rows of a zlib stream. Returns 0, or -1 where anything is wrong with it; `out` then holds anything. */
int codec_png_read(const uint8_t *stream, size_t size, uint8_t *out, size_t rows, size_t row_bytes, int bpp,
                   int variant);

#endif
