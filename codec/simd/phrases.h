/* The kernel of lossy LZW (codec/palette/_lzw.pyx), a table of variants (levels.h): [0] scalar, [1] AVX2 where the
 * architecture has it. */
#ifndef CODEC_PHRASES_H
#define CODEC_PHRASES_H
#include <stddef.h>
#include <stdint.h>

/* Sets near[i] to 1 where entry i of `n` (a multiple of 16, at most CODEC_ENTRIES) is within the squared distance
 * `reach` of a point, or as near as the nearest one; else to 0. palette: 3 rows of coordinates CODEC_ENTRIES apart.
 * Differences are below 2^15, and below 2^31 squared and summed. */
#define CODEC_ENTRIES 256
extern void (*const codec_near_entries[2])(const int16_t *palette, ptrdiff_t n, const int16_t *point, int32_t reach,
                                           uint8_t *near);
#endif
