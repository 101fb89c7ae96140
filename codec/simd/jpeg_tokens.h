/* Symbols of progressive scans as tokens, and tokens as bits: a part of jpeg_bits.h, which names the macros. */

#define COUNT_SYMBOL(t, symbol) ((t)->counts[symbol]++)
#define FIRST_BLOCK NAME(first_block)
#define REFINED_BLOCK NAME(refined_block)
#include "jpeg_band_blocks.h"
#include "jpeg_bands.h"
#undef COUNT_SYMBOL
#undef FIRST_BLOCK
#undef REFINED_BLOCK

TARGET static void NAME(dc_tokens)(JpegTokens *t, const int16_t *dc, ptrdiff_t pitch, ptrdiff_t n)
{
    JpegTokens local = *t;
    for (; n > 0; n--, dc += pitch) {
        const int level = *dc >> local.Al, difference = level - local.pred, sign = difference >> 31;
        const int magnitude = (difference ^ sign) - sign, size = codec_bit_length(2 * (uint32_t)magnitude + 1) - 1;
        NAME(add_token)(&local, (uint32_t)size, NAME(low_bits)(magnitude, sign, size));
        local.pred = level;
    }
    t->next = local.next;
    t->pred = local.pred;
}

enum { MOST_BITS = 48 }; /* of four tokens: with 7 pending ones they stay below the top bit of a word, which is at 55 */

/* A token's bits with its code, `size` of them, 32 at most. Above is the top bit of its word. */
CODEC_BODY uint64_t NAME(bits_of)(uint32_t token, const JpegWord *words, unsigned *size)
{
    const uint64_t word = words[token >> 20];
    const unsigned corrections = token >> 16 & 15;
    *size = (unsigned)(word & 0xFF) + corrections;
    return word >> 8 << corrections | (token & 0xFFFF);
}

/* Four at a time where they fit, because a store and its address cost as much as a token. */
TARGET static const uint32_t *NAME(put_tokens)(JpegBits *pending, const uint32_t *token, const uint32_t *stop,
                                               const JpegWord *words)
{
    const uint32_t restart = (uint32_t)JPEG_RESTART_TOKEN << 28;
    JpegBits bits = *pending;
    while (token < stop && *token < restart) {
        unsigned size[4];
        uint64_t these = NAME(bits_of)(*token, words, &size[0]);
        int n = 1;
        if (CODEC_LIKELY(stop - token >= 4 && token[1] < restart && token[2] < restart && token[3] < restart)) {
            const uint64_t b = NAME(bits_of)(token[1], words, &size[1]);
            const uint64_t c = NAME(bits_of)(token[2], words, &size[2]);
            const uint64_t d = NAME(bits_of)(token[3], words, &size[3]);
            const unsigned both = size[2] + size[3], all = size[0] + size[1] + both;
            if (CODEC_LIKELY(all <= MOST_BITS)) {
                these = (these << size[1] | b) << both | (c << size[3] | d);
                size[0] = all;
                n = 4;
            }
        }
        token += n;
        bits.acc = bits.acc << size[0] | these;
        bits.count += (int)size[0];
        FLUSH;
    }
    *pending = bits;
    return token;
}
