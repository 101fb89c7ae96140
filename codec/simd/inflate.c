/* DEFLATE (RFC 1951), for streams that lie in memory as a whole.
 *
 * Bits are taken from a word that is filled eight bytes at a time, so that one refill is enough for a length with its
 * extra bits, and another for a distance: 15 + 5 and 15 + 13 bits of at least 56. A table lookup by the next bits
 * gives symbol, code length and extra bits; codes longer than the table is wide lead to a second table. */
#include "inflate.h"
#include "bits.h"

enum {
    LONGEST = 15,                   /* 3.2.7: code lengths are 0..15 */
    LITERAL_BITS = 11, DISTANCE_BITS = 8, LENGTH_BITS = 7,
    LITERALS = 288, DISTANCES = 32, LENGTHS = 19,
    /* a long code has a subtable at most for itself */
    LITERAL_TABLE = (1 << LITERAL_BITS) + (LITERALS << (LONGEST - LITERAL_BITS)),
    DISTANCE_TABLE = (1 << DISTANCE_BITS) + (DISTANCES << (LONGEST - DISTANCE_BITS)),
    LENGTH_TABLE = 1 << LENGTH_BITS
};

/* An entry: code length 0..15 in bits 0..4, kind in 5..7, extra bits 0..13 in 8..12, value in 16..31: literal byte,
 * base of a length or distance, offset of a subtable. Entries that no code reaches are INVALID. */
enum { LITERAL = 0 << 5, BASE = 1 << 5, END = 2 << 5, SUBTABLE = 3 << 5, INVALID = 4 << 5, KIND = 7 << 5 };
#define ENTRY(kind, extra, value) ((uint32_t)(kind) | (uint32_t)(extra) << 8 | (uint32_t)(value) << 16)
#define CODE_LENGTH(entry) ((entry) & 31)
#define EXTRA(entry) ((entry) >> 8 & 31)
#define VALUE(entry) ((entry) >> 16)

/* 3.2.5 */
static const uint16_t LENGTH_BASE[29] = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258
};
static const uint8_t LENGTH_EXTRA[29] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0
};
static const uint16_t DISTANCE_BASE[30] = {
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577
};
static const uint8_t DISTANCE_EXTRA[30] = {
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13
};
/* 3.2.7 */
static const uint8_t LENGTH_ORDER[LENGTHS] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

typedef struct {
    const uint8_t *in, *end;        /* next byte; the end of what may be read, padding included */
    uint64_t bits;                  /* lowest first */
    int count;                      /* of valid bits, 56..63 after a refill */
} Reader;

typedef struct {
    uint32_t literal[LITERAL_TABLE], distance[DISTANCE_TABLE], length[LENGTH_TABLE];
} Tables;

/* Bits above `count` may be set already; they are those of the next bytes, and the next refill sets them again. */
static inline int refill(Reader *r)
{
    uint64_t next;
    if (r->end - r->in < 8)
        return 0;
    memcpy(&next, r->in, 8);
    r->bits |= (codec_bswap64(CODEC_NETWORK64(next))) << r->count;
    r->in += (63 - r->count) >> 3;
    r->count |= 56;
    return 1;
}

static inline uint32_t take(Reader *r, int n)
{
    uint32_t value = (uint32_t)(r->bits & (((uint64_t)1 << n) - 1));
    r->bits >>= n;
    r->count -= n;
    return value;
}

static uint32_t reversed(uint32_t code, int length)
{
    uint32_t made = 0;
    for (int i = 0; i < length; i++)
        made |= (code >> i & 1) << (length - 1 - i);
    return made;
}

static uint32_t literal_entry(int symbol)
{
    if (symbol < 256)
        return ENTRY(LITERAL, 0, symbol);
    if (symbol == 256)
        return ENTRY(END, 0, 0);
    return symbol < 286 ? ENTRY(BASE, LENGTH_EXTRA[symbol - 257], LENGTH_BASE[symbol - 257]) : ENTRY(INVALID, 0, 0);
}

static uint32_t distance_entry(int symbol)
{
    return symbol < 30 ? ENTRY(BASE, DISTANCE_EXTRA[symbol], DISTANCE_BASE[symbol]) : ENTRY(INVALID, 0, 0);
}

static uint32_t length_entry(int symbol)
{
    return ENTRY(LITERAL, 0, symbol);
}

/* The table of a canonical code (3.2.2) from its lengths, `width` bits wide; subtables follow. 0 if the lengths give
 * more codes than there are, or fewer: only a single code of one bit, or none, may leave others out (3.2.7), which
 * are INVALID. */
static int build(uint32_t *table, int width, const uint8_t *lengths, int symbols, uint32_t (*entry_of)(int))
{
    uint32_t next_code[LONGEST + 2] = { 0 }, counts[LONGEST + 1] = { 0 };
    int filled = 1 << width, longest = 0;
    for (int i = 0; i < symbols; i++) {
        counts[lengths[i]]++;
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    counts[0] = 0;
    for (int n = 1; n <= LONGEST; n++) {
        next_code[n] = (next_code[n - 1] + counts[n - 1]) << 1;
        if (next_code[n] + counts[n] > (uint32_t)1 << n)
            return 0;
    }
    if (longest > (entry_of == length_entry ? 0 : 1) && next_code[LONGEST] + counts[LONGEST] < (uint32_t)1 << LONGEST)
        return 0;
    for (int i = 0; i < filled; i++)
        table[i] = ENTRY(INVALID, 0, 0);
    for (int i = 0; i < symbols; i++) {
        int n = lengths[i];
        uint32_t code, entry, *place = table;
        if (n == 0)
            continue;
        code = reversed(next_code[n]++, n);
        entry = entry_of(i) | (uint32_t)n;
        if (n <= width) {
            for (uint32_t at = code; at < (uint32_t)1 << width; at += (uint32_t)1 << n)
                table[at] = entry;
            continue;
        }
        place += code & ((1u << width) - 1);
        if ((*place & KIND) != SUBTABLE) {
            *place = ENTRY(SUBTABLE, 0, filled);
            for (int at = 0; at < 1 << (LONGEST - width); at++)
                table[filled + at] = ENTRY(INVALID, 0, 0);
            filled += 1 << (LONGEST - width);
        }
        for (uint32_t at = code >> width; at < 1u << (LONGEST - width); at += 1u << (n - width))
            table[VALUE(*place) + at] = entry;
    }
    return 1;
}

static inline uint32_t look_up(const uint32_t *table, int width, uint64_t bits)
{
    uint32_t entry = table[bits & (((uint64_t)1 << width) - 1)];
    if ((entry & KIND) == SUBTABLE)
        entry = table[VALUE(entry) + (bits >> width & ((1u << (LONGEST - width)) - 1))];
    return entry;
}

static int fixed_tables(Tables *t)          /* 3.2.6 */
{
    uint8_t lengths[LITERALS];
    for (int i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    if (!build(t->literal, LITERAL_BITS, lengths, LITERALS, literal_entry))
        return 0;
    memset(lengths, 5, DISTANCES);
    return build(t->distance, DISTANCE_BITS, lengths, DISTANCES, distance_entry);
}

static int dynamic_tables(Reader *r, Tables *t)     /* 3.2.7 */
{
    uint8_t lengths[LITERALS + DISTANCES + 138] = { 0 };
    int HLIT, HDIST, HCLEN, done = 0;
    if (!refill(r))
        return 0;
    HLIT = (int)take(r, 5) + 257;
    HDIST = (int)take(r, 5) + 1;
    HCLEN = (int)take(r, 4) + 4;
    if (HLIT > 286 || HDIST > 30)
        return 0;
    for (int i = 0; i < HCLEN; i++) {
        if (!refill(r))
            return 0;
        lengths[LENGTH_ORDER[i]] = (uint8_t)take(r, 3);
    }
    if (!build(t->length, LENGTH_BITS, lengths, LENGTHS, length_entry))
        return 0;
    memset(lengths, 0, LENGTHS);
    while (done < HLIT + HDIST) {
        uint32_t entry, value;
        int repeat;
        if (!refill(r))
            return 0;
        entry = t->length[r->bits & (LENGTH_TABLE - 1)];
        if ((entry & KIND) == INVALID)
            return 0;
        take(r, CODE_LENGTH(entry));
        value = VALUE(entry);
        if (value < 16) {
            lengths[done++] = (uint8_t)value;
            continue;
        }
        if (value == 16 && done == 0)
            return 0;
        repeat = value == 16 ? 3 + (int)take(r, 2) : value == 17 ? 3 + (int)take(r, 3) : 11 + (int)take(r, 7);
        memset(lengths + done, value == 16 ? lengths[done - 1] : 0, (size_t)repeat);
        done += repeat;
    }
    /* a symbol of 256 ends the block; a run must not reach beyond the lengths */
    if (done != HLIT + HDIST || lengths[256] == 0)
        return 0;
    return build(t->literal, LITERAL_BITS, lengths, HLIT, literal_entry)
        && build(t->distance, DISTANCE_BITS, lengths + HLIT, HDIST, distance_entry);
}

/* `length` bytes from `distance` before `to`; up to 7 bytes more may be written. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length)
{
    const uint8_t *from = to - distance;
    uint8_t *end = to + length;
    if (distance >= 8)
        do {
            memcpy(to, from, 8);
            to += 8;
            from += 8;
        } while (to < end);
    else if (distance == 1)
        memset(to, *from, length);
    else
        do
            *to++ = *from++;
        while (to < end);
}

/* The symbols of one block; the position after it, or -1. */
static ptrdiff_t block(Reader *r, const Tables *t, uint8_t *out, size_t at, size_t size)
{
    for (;;) {
        uint32_t entry;
        size_t length, distance;
        if (!refill(r) || at > size)
            return -1;
        entry = look_up(t->literal, LITERAL_BITS, r->bits);
        /* three literals take 45 of the 56 bits at most, and at most 3 bytes of the slack */
        for (int i = 0; (entry & KIND) == LITERAL; i++) {
            take(r, CODE_LENGTH(entry));
            out[at++] = (uint8_t)VALUE(entry);
            if (i == 2)
                break;
            entry = look_up(t->literal, LITERAL_BITS, r->bits);
        }
        if ((entry & KIND) == LITERAL)
            continue;
        if ((entry & KIND) != BASE) {
            take(r, CODE_LENGTH(entry));
            return (entry & KIND) == END && at <= size ? (ptrdiff_t)at : -1;
        }
        take(r, CODE_LENGTH(entry));            /* two literals before it took 30 bits: 26 are left for 15 + 5 */
        length = VALUE(entry) + take(r, EXTRA(entry));
        if (!refill(r))
            return -1;
        entry = look_up(t->distance, DISTANCE_BITS, r->bits);
        if ((entry & KIND) != BASE)
            return -1;
        take(r, CODE_LENGTH(entry));
        distance = VALUE(entry) + take(r, EXTRA(entry));
        if (distance > at || at > size || length > size - at)
            return -1;
        copy_match(out + at, distance, length);
        at += length;
    }
}

static ptrdiff_t stored(Reader *r, uint8_t *out, size_t at, size_t size)    /* 3.2.4 */
{
    size_t LEN, NLEN;
    const uint8_t *in = r->in - (r->count >> 3);    /* whole bytes that were taken too early */
    if (r->end - in < 4 + CODEC_INFLATE_PADDING)
        return -1;
    LEN = in[0] | (size_t)in[1] << 8;
    NLEN = in[2] | (size_t)in[3] << 8;
    in += 4;
    if ((LEN ^ NLEN) != 0xFFFF || LEN > size - at || (ptrdiff_t)LEN > r->end - in - CODEC_INFLATE_PADDING)
        return -1;
    memcpy(out + at, in, LEN);
    r->in = in + LEN;
    r->bits = 0;
    r->count = 0;
    return (ptrdiff_t)(at + LEN);
}

ptrdiff_t codec_inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    Tables tables;
    Reader r = { in, in + in_size + CODEC_INFLATE_PADDING, 0, 0 };
    ptrdiff_t at = 0, used;
    int last = 0;
    while (!last) {
        int BTYPE;
        if (!refill(&r))
            return -1;
        last = (int)take(&r, 1);
        BTYPE = (int)take(&r, 2);
        if (BTYPE == 0)
            at = stored(&r, out, (size_t)at, out_size);
        else if (BTYPE == 1 ? fixed_tables(&tables) : BTYPE == 2 && dynamic_tables(&r, &tables))
            at = block(&r, &tables, out, (size_t)at, out_size);
        else
            return -1;
        if (at < 0)
            return -1;
    }
    used = r.in - in - (r.count >> 3);
    return (size_t)at == out_size && used <= (ptrdiff_t)in_size ? used : -1;
}
