/* Huffman coding of sequential scans (T.81 F.1.2, F.2.2), and reading of progressive ones (G.2). The including file
 * defines NAME(x), TARGET, PRESENT(zz), the mask of nonzero levels of a block, COUNT(mask), FIRST(mask), the leading
 * zeros, DEPOSIT(bits, mask), which spreads the low bits over the set bits of a mask, EXTRACT(bits, mask), the reverse,
 * and ODD(zz, Al), the mask of levels whose magnitude has bit Al. */

/* ---------------------------------------------------------------- writing */

/* Append the code of a symbol, and the bits that follow it, which its word has room for. */
#define PUT_WORD(word, extra)                                       \
    do {                                                            \
        const uint64_t w = (word);                                  \
        bits.has_code &= w;                                         \
        bits.acc = bits.acc << (w & 63) | w >> 8 | (extra);         \
        bits.count += (int)(w & 0xFF);                              \
    } while (0)

/* Store whole bytes, and leave less than one: no branch, which would often be mispredicted. */
#define FLUSH                                                       \
    do {                                                            \
        codec_store_be64(bits.next, bits.acc << (-bits.count & 63)); \
        bits.next += bits.count >> 3;                               \
        bits.count &= 7;                                            \
    } while (0)

/* Encode_AC_coefficients of Figure F.2 for one level. Most levels are small: their words include the bits that follow,
 * at most 16 and 5. */
#define PUT_LEVEL                                                                                     \
    do {                                                                                              \
        const unsigned k = (unsigned)codec_lowest_bit(present);                                       \
        const int level = zz[k];                                                                      \
        const unsigned place = (unsigned)(level + JPEG_SMALL);                                        \
        unsigned run = k - begin;                                                                     \
        present &= present - 1;                                                                       \
        begin = k + 1;                                                                                \
        while (CODEC_UNLIKELY(run > 15)) {                                                            \
            PUT_WORD(ac->word[0xF0], 0u);                                                             \
            FLUSH;                                                                                    \
            run -= 16;                                                                                \
        }                                                                                             \
        if (CODEC_LIKELY(place < 2 * JPEG_SMALL)) {                                                   \
            PUT_WORD(ac->small[run][place], 0u);                                                      \
        } else {                                                                                      \
            sign = level >> 31;                                                                       \
            size = codec_bit_length((uint32_t)((level ^ sign) - sign));                               \
            FLUSH;                                                                                    \
            PUT_WORD(ac->word[run << 4 | (unsigned)size], (uint32_t)(level + sign) & ((1u << size) - 1)); \
        }                                                                                             \
    } while (0)

/* A block, F.1.2: the difference of DC, then AC, of which `present` is the mask of levels that are not zero. At most 23
 * bits are pending before and after. */
TARGET CODEC_BODY JpegBits NAME(put_block)(JpegBits bits, const int16_t *zz, uint64_t present, int diff,
                                           const JpegWord *dc, const JpegCodes *ac)
{
    unsigned begin = 1; /* where a run of zeros begins */
    int sign = diff >> 31; /* 0 or -1 */
    int size = diff ? codec_bit_length((uint32_t)((diff ^ sign) - sign)) : 0;
    PUT_WORD(dc[size], (uint32_t)(diff + sign) & ((1u << size) - 1));
    FLUSH;
    while (present) {
        PUT_LEVEL;
        if (present) PUT_LEVEL;
        FLUSH;
    }
    if (begin < 64) PUT_WORD(ac->word[0], 0u);
    return bits;
}

enum { MCU_BLOCKS = 10 }; /* at most (B.2.3) */

/* The masks of an MCU come first: a block begins without waiting for its own where the end of the one before was
 * mispredicted. */
TARGET static void NAME(put_mcus)(JpegBits *pending, JpegRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    static const int16_t nothing[64];
    const int16_t *blocks[MCU_BLOCKS];
    uint64_t present[MCU_BLOCKS];
    JpegBits bits = *pending;
    for (ptrdiff_t mx = from; mx < to; mx++) {
        int n = 0;
        for (const JpegRow *c = rows; c < rows + Ns; c++) {
            for (int v = 0; v < c->V; v++) {
                const int16_t *zz = c->level_zz + (v * c->wide + mx * c->H) * 64;
                for (int h = 0; h < c->H; h++, zz += 64, n++) {
                    const int inside = v < c->high && mx * c->H + h < c->wide;
                    blocks[n] = inside ? zz : nothing;
                    present[n] = PRESENT(blocks[n]) & ~1ull;
                }
            }
        }
        n = 0;
        for (JpegRow *c = rows; c < rows + Ns; c++) {
            for (int i = 0; i < c->V * c->H; i++, n++) {
                /* a block that completes an MCU: an unchanged DC is the cheapest */
                const int dc = blocks[n] == nothing ? c->pred : blocks[n][0];
                bits = NAME(put_block)(bits, blocks[n], present[n], dc - c->pred, c->dc->word, c->ac);
                c->pred = dc;
            }
        }
    }
    FLUSH;
    *pending = bits;
}

#include "jpeg_tokens.h"

/* ---------------------------------------------------------------- reading */

/* At least 56 bits afterwards. */
#define REFILL                                       \
    do {                                             \
        acc |= codec_load_be64(next) >> count;       \
        next += (63 - count) >> 3;                   \
        count |= 56;                                 \
    } while (0)
#define SKIP(n) (acc <<= (n), count -= (int)(n))

/* At least 32 bits afterwards: a code and what follows it. Mostly they are there, and a predicted branch waits for no
 * load. */
#define REFILL_SELDOM               \
    do {                            \
        if (count < 32) REFILL;     \
    } while (0)

/* EXTEND of Figure F.12 of the n top bits, 1 to 16: values below half the range represent negative ones. */
#define RECEIVE(n) ((int)(acc >> (64 - (n))) - ((int64_t)acc < 0 ? 0 : (1 << (n)) - 1))

/* DECODE of Figure F.16 after a refill: a symbol; -1 for bits that are no code. */
#define DECODE(symbol, table)                                                       \
    do {                                                                            \
        const unsigned look = (table)->lookup[acc >> (64 - JPEG_LOOKAHEAD)];        \
        if (look) {                                                                 \
            SKIP(look & 0xFF);                                                      \
            (symbol) = (int)(look >> 8);                                            \
        } else {                                                                    \
            const uint32_t code = (uint32_t)(acc >> 48);                            \
            int n = JPEG_LOOKAHEAD + 1;                                             \
            while (code >= (table)->limit[n]) n++; /* limit[17] is above every code */ \
            (symbol) = -1;                                                          \
            if (n <= 16) {                                                          \
                SKIP(n);                                                            \
                (symbol) = (table)->HUFFVAL[((int)(code >> (16 - n)) + (table)->offset[n]) & 0xFF]; \
            }                                                                       \
        }                                                                           \
    } while (0)

/* A symbol of any length and what follows it (F.2.2.2), in the loop over a block. keep: takes the level of a
 * coefficient, whose `size` bits come next. */
#define SYMBOL(keep)                                  \
    REFILL;                                           \
    DECODE(symbol, ac);                               \
    if (symbol < 0) return 0;                         \
    size = symbol & 15;                               \
    if (size == 0) {                                  \
        k += symbol == 0xF0 ? 16 : JPEG_END_OF_BLOCK; \
        if (k >= 63) break;                           \
        continue;                                     \
    }                                                 \
    k += (symbol >> 4) + 1;                           \
    if (k > 63) break;                                \
    keep;                                             \
    SKIP(size);                                       \
    if (k == 63) break

/* One coefficient or the end of the block by a single load; where the table has no entry, by SYMBOL. */
#define COEFFICIENT                                                        \
    {                                                                      \
        const int32_t entry = ac->lookup_ac[acc >> (64 - JPEG_LOOKAHEAD)]; \
        if (entry == 0) goto slowly;                                       \
        SKIP(entry & 0xFF);                                                \
        k += entry >> 8 & 0xFF;                                            \
        if (k > 63) break;                                                 \
        nat[NAT_OF_ZZ[k]] = (int16_t)(entry >> 16);                        \
        if (k == 63) break;                                                \
    }

/* DIFF of F.2.2.1, added to the prediction; damage ends the function with 0. */
#define DIFFERENCE(symbol, size)                                                                          \
    do {                                                                                                  \
        (size) = c->dc->lookup_ac[acc >> (64 - JPEG_LOOKAHEAD)];                                          \
        if (CODEC_LIKELY((unsigned)((size) & 0x7EFF) - 1 < 0xFF)) { /* a coefficient without a run, or EOB */ \
            SKIP((size) & 0xFF);                                                                          \
            c->pred += (size) >> 16;                                                                      \
        } else {                                                                                          \
            DECODE(symbol, c->dc);                                                                        \
            if ((symbol) < 0 || (symbol) > 16) return 0;                                                  \
            if (symbol) {                                                                                 \
                c->pred += RECEIVE(symbol);                                                               \
                SKIP(symbol);                                                                             \
            }                                                                                             \
        }                                                                                                 \
    } while (0)

/* Two coefficients by a single load, or one, and the end of the block behind it if that fits. Where the block might end
 * with the first of them, no EOB follows it: it is read by SYMBOL, as what the table has no entry for. */
#define PAIR                                                                                  \
    {                                                                                         \
        const uint64_t entry = c->pairs->entry[acc >> (64 - JPEG_LOOKAHEAD)];                 \
        const int first = k + (int)(entry >> 8 & 0xFF), last = k + (int)(entry >> 16 & 0xFF); \
        if (last >= 63) {                                                                     \
            if (last < JPEG_END_OF_BLOCK || first >= 63) goto slowly;                         \
            SKIP(entry & 0xFF);                                                               \
            nat[NAT_OF_ZZ[first]] = (int16_t)(entry >> 32);                                   \
            k = last;                                                                         \
            break;                                                                            \
        }                                                                                     \
        SKIP(entry & 0xFF);                                                                   \
        nat[NAT_OF_ZZ[first]] = (int16_t)(entry >> 32);                                       \
        nat[NAT_OF_ZZ[last]] = (int16_t)(entry >> 48);                                        \
        k = last;                                                                             \
    }

/* A block (Figures F.13 and F.14), already cleared; 0 for damage. k is the last coefficient so far. */
TARGET CODEC_BODY int NAME(read_block)(JpegReader *reader, int16_t *nat, JpegReadRow *c)
{
    const JpegHuffman *const ac = c->ac;
    const uint8_t *next = reader->next;
    uint64_t acc = reader->acc;
    int count = reader->count, k = 0, symbol, size;
    REFILL;
    DIFFERENCE(symbol, size);
    nat[0] = (int16_t)c->pred;
    for (;;) {
        REFILL;
        if (c->pairs) { /* up to JPEG_LOOKAHEAD bits each */
            PAIR
            PAIR
            PAIR
            PAIR
        } else {
            COEFFICIENT
            COEFFICIENT
            COEFFICIENT
            COEFFICIENT
        }
        continue;
    slowly:
        SYMBOL(nat[NAT_OF_ZZ[k]] = (int16_t)RECEIVE(size));
    }
    reader->next = next;
    reader->acc = acc;
    reader->count = count;
    return k <= 63 || k >= JPEG_END_OF_BLOCK;
}

/* As many coefficients as a load of `passed` covers, unless the block might end with the last of them: then no EOB
 * would follow. */
#define PASS                                                             \
    {                                                                    \
        const unsigned entry = passed[acc >> (64 - JPEG_SKIM_BITS)];     \
        if (entry == 0 || k + (int)(entry >> 8) >= 63) goto slowly;      \
        SKIP(entry & (JPEG_SKIM_END - 1));                               \
        k += (int)(entry >> 8);                                          \
        if (entry & JPEG_SKIM_END) break;                                \
    }

/* A block of which DC alone is kept, otherwise as `read_block`. */
TARGET CODEC_BODY int NAME(skim_block)(JpegReader *reader, int16_t *dc, JpegReadRow *c)
{
    const JpegHuffman *const ac = c->ac;
    const uint16_t *const passed = c->skim->passed;
    const uint8_t *next = reader->next;
    uint64_t acc = reader->acc;
    int count = reader->count, k = 0, symbol, size;
    REFILL;
    DIFFERENCE(symbol, size);
    *dc = (int16_t)c->pred;
    for (;;) {
        REFILL;
        PASS /* up to JPEG_SKIM_BITS bits each */
        PASS
        PASS
        PASS
        continue;
    slowly:
        SYMBOL((void)0);
    }
    reader->next = next;
    reader->acc = acc;
    reader->count = count;
    return k <= 63 || k >= JPEG_END_OF_BLOCK;
}

/* `read_mcus` and, with `skims`, `skim_mcus`. */
TARGET CODEC_BODY ptrdiff_t NAME(read_some_mcus)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from,
                                                 ptrdiff_t to, const int skims)
{
    ptrdiff_t mx;
    for (mx = from; mx < to && reader->next < reader->limit; mx++) {
        const JpegReader before = *reader;
        int pred[4], intact = 1;
        int16_t beyond[64]; /* a block that only completes an MCU */
        for (int i = 0; i < Ns; i++) pred[i] = rows[i].pred;
        for (JpegReadRow *c = rows; c < rows + Ns; c++) {
            for (int v = 0; v < c->V; v++) {
                for (int h = 0; h < c->H; h++) {
                    const ptrdiff_t bx = mx * c->H + h, block = v * c->wide + bx;
                    const int inside = v < c->high && bx < c->wide;
                    if (skims && c->skim)
                        intact = NAME(skim_block)(reader, inside ? c->level_nat + block : beyond, c);
                    else
                        intact = NAME(read_block)(reader, inside ? c->level_nat + block * 64 : beyond, c);
                    if (!intact) goto damaged;
                }
            }
        }
        continue;
    damaged:
        *reader = before;
        for (int i = 0; i < Ns; i++) {
            JpegReadRow *c = rows + i;
            const ptrdiff_t unit = skims && c->skim ? 1 : 64;
            c->pred = pred[i];
            for (int v = 0; v < c->V && v < c->high; v++)
                for (int h = 0; h < c->H && mx * c->H + h < c->wide; h++)
                    memset(c->level_nat + (v * c->wide + mx * c->H + h) * unit, 0, (size_t)unit * sizeof(int16_t));
        }
        break;
    }
    return mx;
}

TARGET static ptrdiff_t NAME(read_mcus)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    return NAME(read_some_mcus)(reader, rows, Ns, from, to, 0);
}

TARGET static ptrdiff_t NAME(skim_mcus)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    return NAME(read_some_mcus)(reader, rows, Ns, from, to, 1);
}

/* ---------------------------------------------------------------- reading progressive scans */

/* DC of a block, first time (G.2.1.1) or one more bit; 0 for damage. */
TARGET CODEC_BODY int NAME(read_dc)(JpegReader *reader, JpegReadRow *c, int16_t *nat, int Ah, int Al)
{
    const uint8_t *next = reader->next;
    uint64_t acc = reader->acc;
    int count = reader->count, symbol;
    REFILL;
    if (Ah) {
        nat[0] |= (int16_t)((acc >> 63) << Al);
        SKIP(1);
    } else {
        DECODE(symbol, c->dc);
        if (symbol < 0 || symbol > 16) return 0;
        if (symbol) {
            c->pred += RECEIVE(symbol);
            SKIP(symbol);
        }
        nat[0] = (int16_t)(c->pred * (1 << Al));
    }
    reader->next = next;
    reader->acc = acc;
    reader->count = count;
    return 1;
}

TARGET static ptrdiff_t NAME(read_dcs)(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to,
                                       int Ah, int Al)
{
    ptrdiff_t mx;
    for (mx = from; mx < to && reader->next < reader->limit; mx++) {
        const JpegReader before = *reader;
        int pred[4];
        int16_t beyond[1];
        for (int i = 0; i < Ns; i++) pred[i] = rows[i].pred;
        for (JpegReadRow *c = rows; c < rows + Ns; c++) {
            for (int v = 0; v < c->V; v++) {
                for (int h = 0; h < c->H; h++) {
                    const ptrdiff_t bx = mx * c->H + h;
                    int16_t *nat = v < c->high && bx < c->wide ? c->level_nat + (v * c->wide + bx) * 64 : beyond;
                    beyond[0] = 0;
                    if (!NAME(read_dc)(reader, c, nat, Ah, Al)) goto damaged;
                }
            }
        }
        continue;
    damaged:
        *reader = before;
        for (int i = 0; i < Ns; i++) rows[i].pred = pred[i];
        break;
    }
    return mx;
}

/* EOBn of Table G.1, which counts this block as well: how many blocks follow it in the run. */
#define RECEIVE_EOBRUN(n) ((n) ? (1u << (n)) - 1 + (uint32_t)(acc >> (64 - (n))) : 0u)

/* The bit of coefficient k in `present`. The first coefficient has the top bit, as the first bit of the data does. */
#define BIT_OF(k) (1ull << (63 - (k)))

/* Coefficient k, which hostile data may set again, or to zero by a shift out of 16 bits. */
#define PLACE(value)                                                                    \
    do {                                                                                \
        const int16_t c = (int16_t)((value) * scale);                                   \
        nat[NAT_OF_ZZ[k]] = c;                                                          \
        held = (held & ~BIT_OF(k)) | (c ? BIT_OF(k) : 0);                               \
    } while (0)

/* Band Ss..Se of a block, first time (G.2.1.2); 0 for damage, which leaves `present` as it was. k is the last
 * coefficient so far. */
TARGET CODEC_BODY int NAME(read_band)(JpegReader *reader, JpegBand *band, int16_t *nat, uint64_t *present)
{
    const JpegHuffman *const ac = band->ac;
    const uint8_t *next = reader->next;
    uint64_t acc = reader->acc, held = *present;
    const int Se = band->Se, scale = 1 << band->Al;
    int count = reader->count, k = band->Ss - 1, symbol, size;
    while (k < Se) {
        int32_t entry;
        REFILL_SELDOM;
        entry = ac->lookup_ac[acc >> (64 - JPEG_LOOKAHEAD)];
        if (entry) {
            const int value = entry >> 16;
            SKIP(entry & 0xFF);
            k += entry >> 8 & 0xFF;
            if (k > Se) break;
            if (value) PLACE(value); /* not for ZRL */
            continue;
        }
        DECODE(symbol, ac);
        if (symbol < 0) return 0;
        size = symbol & 15;
        k += (symbol >> 4) + 1;
        if (size) {
            if (k > Se) return 0;
            PLACE(RECEIVE(size));
            SKIP(size);
        } else if (symbol != 0xF0) {
            k = JPEG_END_OF_BLOCK;
            band->EOBRUN = RECEIVE_EOBRUN(symbol >> 4);
            SKIP(symbol >> 4);
        }
    }
    if (k > Se && k < JPEG_END_OF_BLOCK) return 0;
    reader->next = next;
    reader->acc = acc;
    reader->count = count;
    *present = held;
    return 1;
}

TARGET static ptrdiff_t NAME(read_bands)(JpegReader *reader, JpegBand *band, ptrdiff_t from, ptrdiff_t to)
{
    for (;;) {
        const ptrdiff_t skipped = band->EOBRUN < to - from ? (ptrdiff_t)band->EOBRUN : to - from;
        const JpegReader before = *reader;
        int16_t *nat, kept[64];
        band->EOBRUN -= (uint32_t)skipped;
        from += skipped;
        if (from == to || reader->next >= reader->limit) break;
        nat = band->level_nat + 64 * from;
        memcpy(kept, nat, sizeof(kept));
        if (!NAME(read_band)(reader, band, nat, band->present + from)) {
            memcpy(nat, kept, sizeof(kept));
            *reader = before;
            band->EOBRUN = 0;
            break;
        }
        from++;
    }
    return from;
}

/* Correction bits (G.1.2.3) for `old`, at most 63, in their order: `corrected` receives those that are set. */
#define RECEIVE_CORRECTIONS(old)                                                        \
    do {                                                                                \
        const int n = COUNT(old);                                                       \
        uint64_t bits;                                                                  \
        if (CODEC_UNLIKELY(n > count)) REFILL;                                          \
        if (CODEC_LIKELY(n <= count)) {                                                 \
            bits = acc >> 1 >> (63 - n); /* n may be 0 */                               \
            SKIP(n);                                                                    \
        } else {                                                                        \
            bits = acc >> 32 << (n - 32);                                               \
            SKIP(32);                                                                   \
            REFILL;                                                                     \
            bits |= acc >> (96 - n);                                                    \
            SKIP(n - 32);                                                               \
        }                                                                               \
        corrected |= DEPOSIT(bits, old);                                                \
    } while (0)

/* One more bit of a block: those of `changed` coefficients that are not zero grow in magnitude unless they have the bit
 * already, zeros begin with it, some of them negative. */
TARGET CODEC_BODY void NAME(add_bits)(int16_t *nat, uint64_t changed, uint64_t negative, int bit)
{
    while (changed) {
        const int k = FIRST(changed);
        int16_t *const c = nat + NAT_OF_ZZ[k];
        const int value = *c, sign = value >> 31 | -(int)(negative >> (63 - k) & 1);
        const int magnitude = (value ^ sign) - sign, add = bit & ~magnitude;
        *c = (int16_t)(value + ((add ^ sign) - sign));
        changed ^= BIT_OF(k);
    }
}

/* One more bit for a band of a block (G.2.1.3; the decoder mirrors Figure G.7); 0 for damage, which changes nothing but
 * the reader. `ahead`: coefficients of the band that are not yet dealt with. */
TARGET CODEC_BODY int NAME(refine_band)(JpegReader *reader, JpegBand *band, int16_t *nat, uint64_t *present)
{
    const JpegHuffman *const ac = band->ac;
    const uint8_t *next = reader->next;
    const uint64_t old = *present;
    uint64_t acc = reader->acc, ahead = (~0ull >> band->Ss) & (~0ull << (63 - band->Se));
    uint64_t corrected = 0, found = 0, negative = 0;
    int count = reader->count, symbol;
    while (band->EOBRUN == 0 && ahead) {
        const uint64_t zeros = ahead & ~old;
        uint64_t stop = 0, passed = ahead, sign = 0;
        int run, after; /* zeros after the one that ends the run */
        REFILL_SELDOM;
        DECODE(symbol, ac);
        if (symbol < 0) return 0;
        run = symbol >> 4;
        if (symbol & 15) {
            if ((symbol & 15) != 1) return 0; /* G.1.2.3: new coefficients have magnitude 1 */
            sign = ~acc >> 63;
            SKIP(1);
        } else if (run < 15) {
            band->EOBRUN = RECEIVE_EOBRUN(run) + 1;
            SKIP(run);
            break;
        }
        after = COUNT(zeros) - 1 - run;
        if (after >= 0) {
            stop = DEPOSIT(1ull << after, zeros);
            passed = ahead & ~(stop | (stop - 1));
        }
        RECEIVE_CORRECTIONS(passed & old);
        if (symbol & 15) {
            if (stop == 0) return 0;
            found |= stop;
            negative |= sign ? stop : 0;
        }
        ahead &= stop ? stop - 1 : 0; /* a run of sixteen zeros may reach the end of the band */
    }
    if (band->EOBRUN) {
        RECEIVE_CORRECTIONS(ahead & old);
        band->EOBRUN--;
    }
    reader->next = next;
    reader->acc = acc;
    reader->count = count;
    NAME(add_bits)(nat, corrected | found, negative, 1 << band->Al);
    *present |= found;
    return 1;
}

TARGET static ptrdiff_t NAME(refine_bands)(JpegReader *reader, JpegBand *band, ptrdiff_t from, ptrdiff_t to)
{
    const uint64_t places = (~0ull >> band->Ss) & (~0ull << (63 - band->Se));
    for (;; from++) {
        for (; from < to && band->EOBRUN && !(band->present[from] & places); from++) band->EOBRUN--;
        if (from == to || reader->next >= reader->limit) break;
        if (!NAME(refine_band)(reader, band, band->level_nat + 64 * from, band->present + from)) {
            band->EOBRUN = 0;
            break;
        }
    }
    return from;
}

#undef PUT
#undef PUT_WORD
#undef REFILL
#undef REFILL_SELDOM
#undef SKIP
#undef RECEIVE
#undef DECODE
#undef SYMBOL
#undef COEFFICIENT
#undef DIFFERENCE
#undef PASS
#undef RECEIVE_EOBRUN
#undef RECEIVE_CORRECTIONS
#undef BIT_OF
#undef PLACE
