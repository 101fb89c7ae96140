/* Symbols of progressive scans (T.81 G.1.2) as tokens, and tokens as bits: a part of jpeg_bits.h, which names the
 * macros. */

enum { FETCHED_BLOCKS = 16 }; /* how far ahead of the block that is read */

/* Fetch the levels of a band in a later block: a scan reads few of each, and would wait for them. */
CODEC_BODY void NAME(fetch_band)(const JpegTokens *t, const int16_t *level_zz)
{
    prefetch(level_zz + 64 * FETCHED_BLOCKS + t->Ss);
    prefetch(level_zz + 64 * FETCHED_BLOCKS + t->Se);
}

TARGET CODEC_BODY void NAME(add_token)(JpegTokens *t, uint32_t symbol, uint32_t extra)
{
    t->counts[symbol]++;
    *t->next = t->table | symbol << 16 | extra;
    t->next += t->step;
}

/* The `n` low bits of `bits`, 0 to 63, in tokens of at most 16. */
TARGET CODEC_BODY void NAME(add_raw)(JpegTokens *t, uint64_t bits, int n)
{
    for (; CODEC_UNLIKELY(n > 16); n -= 16) {
        *t->next = (uint32_t)JPEG_RAW_TOKEN << 24 | 16 << 16 | (uint32_t)(bits >> (n - 16) & 0xFFFF);
        t->next += t->step;
    }
    *t->next = (uint32_t)JPEG_RAW_TOKEN << 24 | (uint32_t)n << 16 | (uint32_t)(bits & 0xFFFF);
    t->next += n ? t->step : 0;
}

/* Keep correction bits until their end-of-band run is announced: 0 to 63, in the low bits. */
TARGET CODEC_BODY void NAME(keep_corrections)(JpegTokens *t, uint64_t bits, int n)
{
    const uint64_t first_on_top = n ? bits << (64 - n) : 0;
    const int word = t->BE >> 6, used = t->BE & 63;
    t->corrections[word] = (used ? t->corrections[word] : 0) | first_on_top >> used;
    t->corrections[word + 1] = used ? first_on_top << (64 - used) : 0;
    t->BE += n;
}

/* Encode_EOBRUN, Figure G.4, and the correction bits kept for it, Figure G.9. */
TARGET CODEC_BODY void NAME(end_run)(JpegTokens *t)
{
    if (t->EOBRUN) {
        const int size = codec_bit_length(t->EOBRUN) - 1;
        NAME(add_token)(t, (uint32_t)size << 4, t->EOBRUN & ((1u << size) - 1));
        for (int i = 0; i < t->BE; i += 16) {
            const int n = t->BE - i < 16 ? t->BE - i : 16;
            NAME(add_raw)(t, (t->corrections[i >> 6] << (i & 63)) >> (64 - n), n);
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

TARGET static void NAME(dc_tokens)(JpegTokens *t, const int16_t *dc, ptrdiff_t pitch, ptrdiff_t n)
{
    JpegTokens local = *t; /* in registers: tokens may alias anything */
    for (; n > 0; n--, dc += pitch) {
        const int level = *dc >> local.Al, difference = level - local.pred, sign = difference >> 31;
        const int magnitude = (difference ^ sign) - sign, size = codec_bit_length(2 * (uint32_t)magnitude + 1) - 1;
        NAME(add_token)(&local, (uint32_t)size, NAME(low_bits)(magnitude, sign, size));
        local.pred = level;
    }
    t->next = local.next;
    t->pred = local.pred;
}

TARGET static void NAME(first_tokens)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now, ptrdiff_t n)
{
    JpegTokens local = *t;
    if (n == 0) NAME(end_run)(&local);
    for (; n > 0; n--, level_zz += 64, now++) {
        uint64_t present = *now & local.band;
        int previous = local.Ss - 1;
        NAME(fetch_band)(&local, level_zz);
        if (present) {
            NAME(end_run)(&local);
            do {
                const int k = codec_lowest_bit(present), v = level_zz[k], sign = v >> 31;
                const int magnitude = ((v ^ sign) - sign) >> local.Al, size = codec_bit_length((uint32_t)magnitude);
                int run = k - previous - 1;
                present &= present - 1;
                previous = k;
                for (; CODEC_UNLIKELY(run > 15); run -= 16) NAME(add_token)(&local, 0xF0, 0);
                NAME(add_token)(&local, (uint32_t)(run << 4 | size), NAME(low_bits)(magnitude, sign, size));
            } while (present);
        }
        local.EOBRUN += previous < local.Se;
        if (CODEC_UNLIKELY(local.EOBRUN == 0x7FFF)) NAME(end_run)(&local);
    }
    *t = local;
}

/* Position k of the zig-zag as bit 63 - k. */
CODEC_BODY uint64_t NAME(mirrored)(uint64_t mask)
{
    mask = codec_bswap64(mask);
    mask = (mask >> 4 & 0x0F0F0F0F0F0F0F0Full) | (mask & 0x0F0F0F0F0F0F0F0Full) << 4;
    mask = (mask >> 2 & 0x3333333333333333ull) | (mask & 0x3333333333333333ull) << 2;
    return (mask >> 1 & 0x5555555555555555ull) | (mask & 0x5555555555555555ull) << 1;
}

/* A block with new coefficients. old, odd: mirrored; corrections of the first positions are then the first bits.
 * Returns those of `old` that are yet to be corrected. */
TARGET CODEC_BODY uint64_t NAME(refine_block)(JpegTokens *t, const int16_t *zz, uint64_t fresh, uint64_t old,
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
            NAME(add_token)(t, 0xF0, 0);
            NAME(add_raw)(t, EXTRACT(odd, before), COUNT(before));
            passed &= ~before;
            corrected = COUNT(passed);
            run -= 16;
            previous = end;
        }
        NAME(add_token)(t, (uint32_t)(run << 4 | 1), zz[k] > 0);
        NAME(add_raw)(t, EXTRACT(odd, passed), corrected);
        previous = k;
    } while (fresh);
    return old;
}

TARGET static void NAME(refined_tokens)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                        const uint64_t *before, ptrdiff_t n)
{
    JpegTokens local = *t;
    if (n == 0) NAME(end_run)(&local);
    for (; n > 0; n--, level_zz += 64, now++, before++) {
        const uint64_t present = *now & local.band, fresh = present & ~*before;
        NAME(fetch_band)(&local, level_zz);
        if (present == 0) {
            local.EOBRUN++;
        } else {
            const uint64_t odd = NAME(mirrored)(ODD(level_zz, local.Al));
            uint64_t old = NAME(mirrored)(*before & local.band);
            if (fresh) {
                NAME(end_run)(&local);
                old = NAME(refine_block)(&local, level_zz, fresh, old, odd);
            }
            if (!(fresh >> local.Se & 1)) {
                local.EOBRUN++;
                NAME(keep_corrections)(&local, EXTRACT(odd, old), COUNT(old));
            }
        }
        if (CODEC_UNLIKELY(local.EOBRUN == 0x7FFF || local.BE > local.most)) NAME(end_run)(&local);
    }
    *t = local;
}

TARGET static const uint32_t *NAME(put_tokens)(JpegBits *pending, const uint32_t *token, const uint32_t *stop,
                                               const JpegWord *words)
{
    JpegBits bits = *pending;
    for (; token < stop && *token < (uint32_t)JPEG_RESTART_TOKEN << 24; token++) {
        PUT_WORD(words[*token >> 16], *token & 0xFFFF);
        FLUSH;
    }
    *pending = bits;
    return token;
}
