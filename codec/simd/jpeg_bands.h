/* Progressive scans of AC as tokens, block by block. The including file defines what jpeg_band_blocks.h needs, and
 * FIRST_BLOCK and REFINED_BLOCK: `first_block` and `refined_block` of that, or others that do the same. */

enum { FETCHED_BLOCKS = 16 }; /* how far ahead of the block that is read */

/* Fetch the levels of a band in a later block: a scan reads few of each, and would wait for them. */
CODEC_BODY void NAME(fetch_band)(const JpegTokens *t, const int16_t *level_zz)
{
    prefetch(level_zz + 64 * FETCHED_BLOCKS + t->Ss);
    prefetch(level_zz + 64 * FETCHED_BLOCKS + t->Se);
}

TARGET static void NAME(first_tokens)(JpegTokens *t, const int16_t *level_zz, const uint64_t *now, ptrdiff_t n)
{
    JpegTokens local = *t; /* in registers: tokens may alias anything */
    if (n == 0) NAME(end_run)(&local);
    for (; n > 0; n--, level_zz += 64, now++) {
        const uint64_t present = *now & local.band;
        NAME(fetch_band)(&local, level_zz);
        if (present) {
            NAME(end_run)(&local);
            FIRST_BLOCK(&local, level_zz, present);
        }
        local.EOBRUN += !(present >> local.Se & 1);
        if (CODEC_UNLIKELY(local.EOBRUN == 0x7FFF)) NAME(end_run)(&local);
    }
    *t = local;
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
            const NAME(Corrections) rest = REFINED_BLOCK(&local, level_zz, fresh, present & *before);
            if (!(fresh >> local.Se & 1)) {
                local.EOBRUN++;
                NAME(keep_corrections)(&local, rest);
            }
        }
        if (CODEC_UNLIKELY(local.EOBRUN == 0x7FFF || local.BE > local.most)) NAME(end_run)(&local);
    }
    *t = local;
}
