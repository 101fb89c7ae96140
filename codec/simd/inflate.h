/* What zlib compressed (RFC 1950), into memory of the size that it is known to have. */
#ifndef CODEC_INFLATE_H
#define CODEC_INFLATE_H
#include <stddef.h>
#include <stdint.h>

/* Read a zlib stream that gives `out_size` bytes; what follows its checksum is not read. Returns 0, or -1 where zlib
 * refuses it, or where it gives more or fewer bytes, or without memory; `out` then holds anything. The table: by
 * `codec_variant`. */
typedef int codec_inflater(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);
extern codec_inflater *const codec_inflate[2];

#endif
