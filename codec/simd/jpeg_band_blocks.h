/* Symbols of a block in a progressive scan of AC (T.81 G.1.2) as tokens. The including file defines NAME(x), TARGET,
 * COUNT(mask), EXTRACT(bits, mask) and ODD(zz, Al) as for jpeg_bits.h, and COUNT_SYMBOL(t, symbol), which counts it. */

TARGET CODEC_BODY void NAME(add_token)(JpegTokens *t, uint32_t symbol, uint32_t extra)
{
    COUNT_SYMBOL(t, symbol);
    *t->next = t->table | symbol << 20 | extra;
    t->next += t->step;
}

/* The `n` low bits of `bits`, 0 to 64, in tokens of at most 16; higher ones are zero. */
TARGET CODEC_BODY void NAME(add_raw)(JpegTokens *t, uint64_t bits, int n)
{
    for (; n > 0; n -= 16) {
        const int some = n < 16 ? n : 16;
        *t->next = (uint32_t)JPEG_RAW_TOKEN << 28 | (uint32_t)some << 20 | (uint32_t)(bits >> (n - some) & 0xFFFF);
        t->next += t->step;
    }
}

/* A symbol, the `size` bits that belong to it, and `n` correction bits, the low ones of `bits`: mostly in one token. */
TARGET CODEC_BODY void NAME(add_corrected)(JpegTokens *t, uint32_t symbol, uint32_t extra, int size, uint64_t bits,
                                           int n)
{
    if (CODEC_LIKELY(n <= 15 && size + n <= 16)) {
        NAME(add_token)(t, symbol, (uint32_t)n << 16 | extra << n | (uint32_t)bits);
    } else {
        NAME(add_token)(t, symbol, extra);
        NAME(add_raw)(t, bits, n);
    }
}

/* Bits in their order, the first one in the top bit; those beyond n, 0 to 63, are zero. */
typedef struct {
    uint64_t bits;
    int n;
} NAME(Corrections);

/* Keep correction bits until their end-of-band run is announced. */
TARGET CODEC_BODY void NAME(keep_corrections)(JpegTokens *t, NAME(Corrections) more)
{
    const int word = t->BE >> 6, used = t->BE & 63;
    t->corrections[word] = (used ? t->corrections[word] : 0) | more.bits >> used;
    t->corrections[word + 1] = used ? more.bits << (64 - used) : 0;
    t->BE += more.n;
}

/* Encode_EOBRUN, Figure G.4, and the correction bits kept for it, Figure G.9. */
TARGET CODEC_BODY void NAME(end_run)(JpegTokens *t)
{
    if (t->EOBRUN) {
        const int size = codec_bit_length(t->EOBRUN) - 1, first = t->BE < 64 ? t->BE : 64;
        NAME(add_corrected)(t, (uint32_t)size << 4, t->EOBRUN & ((1u << size) - 1), size,
                            first ? t->corrections[0] >> (64 - first) : 0, first);
        for (int i = 64; i < t->BE; i += 64) {
            const int n = t->BE - i < 64 ? t->BE - i : 64;
            NAME(add_raw)(t, t->corrections[i >> 6] >> (64 - n), n);
        }
        t->EOBRUN = 0;
        t->BE = 0;
    }
}

/* The bits of a magnitude below its top one, inverted for negative values (F.1.2.1.1). */
CODEC_BODY uint32_t NAME(low_bits)(int magnitude, int sign, int size)
{
    return (uint32_t)(magnitude ^ sign) & ((1u << size) - 1);
}

/* Coefficients of a band for the first time, Figure G.3: those of `present`, at least one. */
TARGET CODEC_BODY void NAME(first_block)(JpegTokens *t, const int16_t *level_zz, uint64_t present)
{
    int previous = t->Ss - 1;
    do {
        const int k = codec_lowest_bit(present), v = level_zz[k], sign = v >> 31;
        const int magnitude = ((v ^ sign) - sign) >> t->Al, size = codec_bit_length((uint32_t)magnitude);
        int run = k - previous - 1;
        present &= present - 1;
        previous = k;
        for (; CODEC_UNLIKELY(run > 15); run -= 16) NAME(add_token)(t, 0xF0, 0);
        NAME(add_token)(t, (uint32_t)(run << 4 | size), NAME(low_bits)(magnitude, sign, size));
    } while (present);
}

/* Position k of the zig-zag as bit 63 - k. */
CODEC_BODY uint64_t NAME(mirrored)(uint64_t mask)
{
    mask = codec_bswap64(mask);
    mask = (mask >> 4 & 0x0F0F0F0F0F0F0F0Full) | (mask & 0x0F0F0F0F0F0F0F0Full) << 4;
    mask = (mask >> 2 & 0x3333333333333333ull) | (mask & 0x3333333333333333ull) << 2;
    return (mask >> 1 & 0x5555555555555555ull) | (mask & 0x5555555555555555ull) << 1;
}

/* New coefficients, at least one. old, odd: mirrored; corrections of the first positions are then the first bits.
 * Returns those of `old` that are yet to be corrected. */
TARGET CODEC_BODY uint64_t NAME(add_fresh)(JpegTokens *t, const int16_t *zz, uint64_t fresh, uint64_t old,
                                           uint64_t odd)
{
    int previous = t->Ss - 1;
    do {
        const int k = codec_lowest_bit(fresh);
        uint64_t passed = old & ~(~0ull >> k);
        int corrected = COUNT(passed), run = k - previous - 1 - corrected;
        fresh &= fresh - 1;
        old &= ~0ull >> k;
        while (CODEC_UNLIKELY(run > 15)) { /* ZRL, and the corrections before its last zero */
            int zeros = 0, end = previous;
            while (zeros < 16) zeros += !(passed >> (63 - ++end) & 1);
            const uint64_t before = passed & ~(~0ull >> end);
            NAME(add_corrected)(t, 0xF0, 0, 0, EXTRACT(odd, before), COUNT(before));
            passed &= ~before;
            corrected = COUNT(passed);
            run -= 16;
            previous = end;
        }
        NAME(add_corrected)(t, (uint32_t)(run << 4 | 1), zz[k] > 0, 1, EXTRACT(odd, passed), corrected);
        previous = k;
    } while (fresh);
    return old;
}

/* One more bit for a band, Figures G.7 to G.9: the coefficients of `fresh` and `old`, at least one. A block with fresh
 * ones ends the run. Returns the corrections behind the last symbol. */
TARGET CODEC_BODY NAME(Corrections) NAME(refined_block)(JpegTokens *t, const int16_t *level_zz, uint64_t fresh,
                                                        uint64_t old)
{
    const uint64_t odd = NAME(mirrored)(ODD(level_zz, t->Al));
    old = NAME(mirrored)(old);
    if (fresh) {
        NAME(end_run)(t);
        old = NAME(add_fresh)(t, level_zz, fresh, old, odd);
    }
    const int n = COUNT(old);
    return (NAME(Corrections)){n ? EXTRACT(odd, old) << (64 - n) : 0, n};
}
