/* What zlib compressed (RFC 1950), handed over band by band. */
#ifndef CODEC_INFLATE_H
#define CODEC_INFLATE_H
#include <stddef.h>
#include <stdint.h>

/* Takes the next `n` bytes, or the first of them; the others come again with those behind them. `last`: none are.
 * Returns how many it has taken, or -1 to end. */
typedef ptrdiff_t codec_inflate_taker(void *to, const uint8_t *data, size_t n, int last);

/* Read a zlib stream that gives `out_size` bytes; what follows its checksum is not read. The taker leaves at most
 * `most_left` bytes. Returns 0, or -1: zlib refuses the stream, it gives more or fewer bytes, there is no memory, or
 * the taker ended. The checksum is compared when all has been handed over. The table: by `codec_variant`. */
typedef int codec_inflater(const uint8_t *in, size_t in_size, size_t out_size, size_t most_left,
                           codec_inflate_taker *take, void *to);
extern codec_inflater *const codec_inflate[2];

#endif
