/* Chunks and rows of PNG. */
#ifndef CODEC_PNG_H
#define CODEC_PNG_H
#include <stddef.h>
#include <stdint.h>

/* Undo the filters (PNG 9.2) of `rows` rows of `row_bytes` bytes, each behind its filter type, below a row that is
 * known, `above`, or NULL: the row above the first is 0. `out`: rows x row_bytes samples, in other memory. `bpp`
 * (1..4, or 6 for colour of 16 bits): bytes from a pixel to the next, which divide `row_bytes`. Returns 0, or -1 for a
 * filter type that there is not. The table: by `codec_variant`. */
typedef int codec_png_unfilterer(const uint8_t *filtered, const uint8_t *above, uint8_t *out, size_t rows,
                                 size_t row_bytes, int bpp);
extern codec_png_unfilterer *const codec_png_unfilter[2];
codec_png_unfilterer codec_png_rows, codec_png_unfilter_avx2;

/* The rows of a zlib stream. Returns 0, or -1 where anything is wrong with it; `out` then holds anything. */
int codec_png_read(const uint8_t *stream, size_t size, uint8_t *out, size_t rows, size_t row_bytes, int bpp,
                   int variant);

/* A chunk (PNG 5.3): where it begins, how many bytes its content has, and the four bytes of its type as a number, the
 * first highest. Twelve bytes are its own: size and type before the content, the CRC-32 of type and content behind. */
enum { CODEC_PNG_OWN = 12, CODEC_PNG_CONTENT = 8 };
struct codec_png_chunk {
    size_t at;
    uint32_t size, kind;
};

/* Whether the `n` bytes of a file have a whole chunk at `at`, and which. */
int codec_png_chunk_at(const uint8_t *file, size_t n, size_t at, struct codec_png_chunk *chunk);

/* Whether the checksum of a whole chunk is right. */
int codec_png_is_sound(const uint8_t *file, const struct codec_png_chunk *chunk, int variant);

/* IDAT chunks, one behind the other. */
struct codec_png_idat {
    size_t at, count, bytes;
};

/* Check all chunks from `at` to IEND. Returns 0 and where IDAT is, or -1: a chunk is not whole or has a wrong checksum,
 * there is no IDAT, another chunk than IEND is behind it, or one that changes what is seen, or how many pictures there
 * are (a second IHDR, PLTE, tRNS, acTL, fcTL, fdAT). */
int codec_png_find(const uint8_t *file, size_t n, size_t at, struct codec_png_idat *found, int variant);

/* What the IDAT chunks hold, one behind the other, into `out`. */
void codec_png_gather(const uint8_t *file, size_t n, const struct codec_png_idat *idat, uint8_t *out);

#endif
