/* DEFLATE (RFC 1951), of which clauses are cited, within the format of zlib (RFC 1950).
 *
 * A code waits for the length of the one before: a mask, a load and a shift. In filtered pictures literals and short
 * matches take turns that no processor foresees, and a wrong guess costs more than a symbol. So an entry of the table
 * is up to three literals and, behind them, a match of up to 30 bytes, either of which may be missing: one load for all
 * of them, and no branch that depends on what comes. Longer matches, and codes that do not fit into the table, are made
 * symbol by symbol. */
#include "inflate.h"

#include <stdlib.h>

#include "bits.h"
#include "checksums.h"
#include "levels.h"

/* How many bits find an entry. Those of literals and lengths fill 16 kB, half of a small first cache. */
enum { LITLEN_BITS = 11, DIST_BITS = 9, LENGTHS_BITS = 7 };
enum { MOST_BITS = 15 };               /* of a code (3.2.7) */
enum { SHORTEST = 3, LONGEST = 258 };  /* matches (3.2.5) */
enum { END = 1 };                      /* stands for the length of the symbol that ends a block */
enum { WINDOW_BITS = 15 };             /* RFC 1950, 2.2 */

/* A symbol. Bits 0..7: how many bits it takes; 8..15: how many of them are its code, which is first, extra bits follow;
 * 16..30: what the extra bits are added to, END, a literal, or how to code lengths; 31: whether it is a literal.
 * Bits 16..31 are 0 where no such symbol exists, and all of it is where the table does not find it. */
typedef uint32_t symbol;
#define TAKEN(s) ((uint32_t)(s) & 255)
#define CODE(s) ((uint32_t)(s) >> 8 & 63)
#define VALUE(s) ((s) >> 16 & 0x7fff)
#define IS_LITERAL(s) ((s) >> 31)

#define L(value, extra) ((symbol)(value) << 16 | (extra))
#define L2(value, extra) L(value, extra), L((value) + (1 << (extra)), extra)
#define L4(value, extra) L2(value, extra), L2((value) + (2 << (extra)), extra)
static const symbol LENGTHS[32] = { /* 256..287: 3.2.5 */
    L(END, 0), L4(3, 0), L4(7, 0), L4(11, 1), L4(19, 2), L4(35, 3), L4(67, 4), L4(131, 5), L(258, 0),
};
static const symbol DISTANCES[32] = {
    L4(1, 0), L2(5, 1), L2(9, 2), L2(17, 3), L2(33, 4), L2(65, 5), L2(129, 6), L2(257, 7), L2(513, 8), L2(1025, 9),
    L2(2049, 10), L2(4097, 11), L2(8193, 12), L2(16385, 13),
};
#undef L
#undef L2
#undef L4

/* What the next bits are. Bits 0..7: how many are taken; 8..13: how many of them are not extra bits of the distance,
 * which are last; 14..15: how many literals there are; 16..39: the literals; 40..47: how many bytes it gives; 48..63:
 * what the extra bits are added to, IDLE without a match. With 0 there, bits 16..47 are a symbol that is no literal. */
typedef uint64_t entry;
enum { COPIED = 30, IDLE = 256 };
enum { LITERALS_AT = 14, LITERAL_AT = 16, BYTES_AT = 40, DISTANCE_AT = 48 };
#define LITERALS(e) ((size_t)(e) >> LITERALS_AT & 3)
#define BYTES(e) ((size_t)((e) >> BYTES_AT & 255))
#define DISTANCE(e) ((size_t)((e) >> DISTANCE_AT))

/* A Huffman code (3.2.2): how many codes each length has, and the symbols in the order of their codes. */
struct code {
    uint16_t bl_count[MOST_BITS + 1], symbol[288];
};

enum alphabet { CODE_LENGTHS, LITERALS_AND_LENGTHS, ALL_DISTANCES };
enum state { HEADER, STORED, CODES, DONE, WRONG };

/* What is put at a place of the table, in the order of how many bits it takes: those of n bits from first[n] on. */
struct placed { entry e; uint32_t at; };
#define LIST(name, most) struct { struct placed of[most]; int n, first[LITLEN_BITS + 2]; } name
struct lists {
    LIST(literal, 256);
    LIST(length, COPIED - SHORTEST + 1);
    LIST(distance, 32);
    LIST(match, (COPIED - SHORTEST + 1) * 30);
    LIST(open, 256 + (1 << (LITLEN_BITS - 1))); /* literals that a literal or a match may follow */
};

struct inflater {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_begin, *out_end;
    uint64_t bits;      /* the next `count` bits, the first one lowest; above them 0, or those that come behind */
    int count;          /* below 0 behind the end */
    int last;           /* BFINAL */
    enum state state;
    size_t stored;      /* bytes of a stored block that are left */
    int fits;           /* all that is left to make fits before out_end */
    int fixed;          /* the tables are those of 3.2.6: blocks with them may be short */
    struct code litlen, dist;
    entry litlen_table[1 << LITLEN_BITS];
    symbol dist_table[1 << DIST_BITS];
    struct lists lists;
};

/* A symbol with a code of `length` bits. */
CODEC_BODY symbol symbol_of(enum alphabet alphabet, uint32_t value, int length)
{
    const symbol s = alphabet == ALL_DISTANCES  ? DISTANCES[value]
                     : alphabet == CODE_LENGTHS ? value << 16
                     : value < 256              ? 1u << 31 | value << 16
                                                : LENGTHS[value - 256];
    return s + (symbol)length * 0x101;
}

CODEC_BODY uint32_t value_of(symbol s, uint64_t bits)
{
    return VALUE(s) + ((uint32_t)(bits & ((1ull << TAKEN(s)) - 1)) >> CODE(s));
}

/* The code of the given lengths. Returns -1 for those that zlib refuses: over-subscribed ones, and incomplete ones, but
 * for a single code of one bit, or none, among distances or among literals and lengths. */
static int code_of(struct code *code, enum alphabet alphabet, const uint8_t *length, int n)
{
    uint16_t next[MOST_BITS + 2] = { 0 };
    int left = 1 << MOST_BITS;
    memset(code->bl_count, 0, sizeof code->bl_count);
    for (int i = 0; i < n; i++)
        code->bl_count[length[i]]++;
    code->bl_count[0] = 0;
    for (int bits = 1; bits <= MOST_BITS; bits++) {
        left -= code->bl_count[bits] << (MOST_BITS - bits);
        next[bits + 1] = (uint16_t)(next[bits] + code->bl_count[bits]);
    }
    const int codes = next[MOST_BITS + 1];
    for (int i = 0; i < n; i++)
        if (length[i])
            code->symbol[next[length[i]]++] = (uint16_t)i;
    return left == 0 || (left > 0 && alphabet != CODE_LENGTHS && codes == code->bl_count[1]) ? 0 : -1;
}

/* The code after `code`, of `bits` bits. Both as they are in the stream: the first bit lowest (3.1.1). */
CODEC_BODY uint32_t next_code(uint32_t code, int bits)
{
    uint32_t bit = 1u << bits >> 1;
    for (; code & bit; bit >>= 1)
        code ^= bit;
    return code | bit;
}

/* The table of the codes of at most `most` bits. It grows bit by bit: for one bit more it is twice the one before, with
 * the codes that take all of its bits put over. */
static void fill(const struct code *code, enum alphabet alphabet, symbol *table, int most)
{
    const uint16_t *value = code->symbol;
    uint32_t next = 0;
    table[0] = 0;
    for (int bits = 1; bits <= most; bits++) {
        memcpy(table + (1u << (bits - 1)), table, sizeof *table << (bits - 1));
        for (int i = 0; i < code->bl_count[bits]; i++, next = next_code(next, bits))
            table[next] = symbol_of(alphabet, *value++, bits);
    }
}

#define PUT(list, entry_, at_) ((list).of[(list).n].e = (entry_), (list).of[(list).n++].at = (at_))
#define NONE(list, bits) ((list).first[bits] == (list).first[(bits) + 1])
#define EACH(i, list, bits) (int i = (list).first[bits]; i < (list).first[(bits) + 1]; i++)

static void list_distances(struct lists *l, const struct code *dist)
{
    uint32_t next = 0;
    const uint16_t *value = dist->symbol;
    l->distance.n = 0;
    for (int bits = 1; bits <= LITLEN_BITS; bits++) {
        l->distance.first[bits] = l->distance.n;
        for (int i = 0; i < dist->bl_count[bits]; i++, next = next_code(next, bits)) {
            const symbol s = symbol_of(ALL_DISTANCES, *value++, bits);
            if (VALUE(s))
                PUT(l->distance, (entry)VALUE(s) << DISTANCE_AT | (s & 0xffff), next);
        }
        l->distance.first[bits + 1] = l->distance.n;
    }
}

/* The symbols whose codes have `bits` bits, from the code `next` on. Returns the code after them. */
static uint32_t put_symbols(struct lists *l, entry *table, const struct code *litlen, const uint16_t *value, int bits,
                            uint32_t next)
{
    l->literal.first[bits] = l->literal.n;
    for (int i = 0; i < litlen->bl_count[bits]; i++, next = next_code(next, bits)) {
        const symbol s = symbol_of(LITERALS_AND_LENGTHS, value[i], bits);
        if (IS_LITERAL(s)) {
            const entry e = (s & 0xffffff) | 1 << LITERALS_AT | (entry)1 << BYTES_AT;
            PUT(l->literal, e, next);
            PUT(l->open, e, next);
            table[next] = e | (entry)IDLE << DISTANCE_AT;
            continue;
        }
        table[next] = (entry)s << LITERAL_AT;
        const uint32_t lengths = 1u << (TAKEN(s) - CODE(s));
        if (VALUE(s) >= SHORTEST && VALUE(s) + lengths - 1 <= COPIED)
            for (uint32_t extra = 0; extra < lengths; extra++)
                PUT(l->length, (entry)(VALUE(s) + extra) << BYTES_AT | TAKEN(s) * 0x101, next | extra << bits);
    }
    l->literal.first[bits + 1] = l->literal.n;
    return next;
}

/* The table of literals and lengths, grown like the others, with the entries of several symbols. */
static void fill_entries(struct lists *l, entry *table, const struct code *litlen, const struct code *dist)
{
    const uint16_t *value = litlen->symbol;
    uint32_t next = 0;
    list_distances(l, dist);
    l->literal.n = l->length.n = l->match.n = l->open.n = 0;
    table[0] = 0;
    for (int bits = 1; bits <= LITLEN_BITS; bits++) {
        memcpy(table + (1u << (bits - 1)), table, sizeof *table << (bits - 1));
        l->open.first[bits] = l->open.n;
        l->match.first[bits] = l->match.n;
        next = put_symbols(l, table, litlen, value, bits, next);
        value += litlen->bl_count[bits];
        for (int i = 0; i < l->length.n; i++) {
            const struct placed length = l->length.of[i];
            const int taken = (int)TAKEN(length.e);
            if (taken < bits)
                for EACH(j, l->distance, bits - taken) {
                    PUT(l->match, length.e + l->distance.of[j].e, length.at | l->distance.of[j].at << taken);
                    table[l->match.of[l->match.n - 1].at] = l->match.of[l->match.n - 1].e;
                }
        }
        l->match.first[bits + 1] = l->match.n;
        for (int before = 1, left = bits - 1; before < bits; before++, left--) {
            if (NONE(l->literal, left) && NONE(l->match, left))
                continue;
            for EACH(i, l->open, before) {
                const struct placed first = l->open.of[i];
                const int literals = (int)LITERALS(first.e);
                for EACH(j, l->literal, left) {
                    const struct placed second = l->literal.of[j];
                    const entry literal = second.e & (entry)255 << LITERAL_AT;
                    const entry e = first.e + second.e - literal + (literal << 8 * literals);
                    const uint32_t at = first.at | second.at << before;
                    table[at] = e | (entry)IDLE << DISTANCE_AT;
                    if (literals == 1 && bits < LITLEN_BITS)
                        PUT(l->open, e, at);
                }
                for EACH(j, l->match, left)
                    table[first.at | l->match.of[j].at << before] = first.e + l->match.of[j].e;
            }
        }
        l->open.first[bits + 1] = l->open.n;
    }
}

/* At least 56 bits, of 8 bytes that are there. What comes above `count` comes there again the next time. */
#define REFILL(in, bits, count) ((bits) |= codec_load_le64(in) << (count), (in) += ((count) ^ 63) >> 3, (count) |= 56)
#define SKIP(n) (bits >>= (n), count -= (n))

/* At least 56 bits, or all that are left. */
static void refill(struct inflater *s)
{
    if (s->in_end - s->in >= 8)
        REFILL(s->in, s->bits, s->count);
    else
        for (; s->count <= 56 && s->in < s->in_end; s->count += 8)
            s->bits |= (uint64_t)*s->in++ << s->count;
}

/* The next `n` bits, at most 28. */
static uint32_t take(struct inflater *s, int n)
{
    const uint32_t v = (uint32_t)s->bits & ((1u << n) - 1);
    s->bits >>= n;
    s->count -= n;
    return v;
}

/* On to a byte. Bytes that were loaded too early are given back. */
static void align(struct inflater *s)
{
    s->in -= s->count >> 3;
    s->bits = 0;
    s->count = 0;
}

/* The symbol that the next bits begin with, bit by bit; 0 for none. The codes of a length follow each other, from twice
 * the one after those that are shorter by a bit on (3.2.2). */
static symbol walk(const struct code *code, enum alphabet alphabet, uint64_t bits)
{
    int value = 0, first = 0, index = 0;
    for (int length = 1; length <= MOST_BITS; length++, bits >>= 1) {
        const int codes = code->bl_count[length];
        value = value << 1 | (int)(bits & 1);
        first <<= 1;
        if (value - first < codes)
            return symbol_of(alphabet, code->symbol[index + value - first], length);
        index += codes;
        first += codes;
    }
    return 0;
}

/* 3.2.7: the lengths of the codes of a block, themselves coded. Returns -1 for what is wrong. */
static int read_lengths(struct inflater *s, uint8_t length[286 + 30], int *hlit, int *hdist)
{
    static const uint8_t ORDER[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t of_lengths[19] = { 0 };
    symbol table[1 << LENGTHS_BITS];
    struct code code;
    *hlit = 257 + (int)take(s, 5);
    *hdist = 1 + (int)take(s, 5);
    const int hclen = 4 + (int)take(s, 4);
    for (int i = 0; i < hclen; i++) {
        refill(s);
        of_lengths[ORDER[i]] = (uint8_t)take(s, 3);
    }
    if (*hlit > 286 || *hdist > 30 || code_of(&code, CODE_LENGTHS, of_lengths, 19))
        return -1;
    fill(&code, CODE_LENGTHS, table, LENGTHS_BITS);
    for (int i = 0; i < *hlit + *hdist;) {
        refill(s);
        const symbol found = table[s->bits & ((1 << LENGTHS_BITS) - 1)];
        const uint32_t value = VALUE(found);
        take(s, (int)TAKEN(found));
        if (value < 16) {
            length[i++] = (uint8_t)value;
            continue;
        }
        if (value == 16 && i == 0)
            return -1;
        const int repeated = value == 16 ? length[i - 1] : 0;
        const int times = (int)(value == 16 ? 3 + take(s, 2) : value == 17 ? 3 + take(s, 3) : 11 + take(s, 7));
        if (times > *hlit + *hdist - i)
            return -1;
        memset(length + i, repeated, (size_t)times);
        i += times;
    }
    return s->count < 0 || !length[256] ? -1 : 0; /* zlib refuses a block that cannot end */
}

/* The header of a block (3.2.3), and its codes. */
static enum state begin_block(struct inflater *s)
{
    uint8_t length[288 + 32];
    int hlit = 288, hdist = 32;
    refill(s);
    s->last = (int)take(s, 1);
    const uint32_t btype = take(s, 2);
    if (s->count < 0 || btype == 3)
        return WRONG;
    if (btype == 0) { /* 3.2.4 */
        take(s, s->count & 7);
        refill(s);
        const uint32_t len = take(s, 16), nlen = take(s, 16);
        if (s->count < 0 || len != (nlen ^ 0xffff))
            return WRONG;
        align(s);
        s->stored = len;
        return STORED;
    }
    if (btype == 1 && s->fixed)
        return CODES;
    s->fixed = btype == 1;
    if (s->fixed) { /* 3.2.6 */
        memset(length, 8, 144);
        memset(length + 144, 9, 112);
        memset(length + 256, 7, 24);
        memset(length + 280, 8, 8);
        memset(length + 288, 5, 32);
    } else if (read_lengths(s, length, &hlit, &hdist))
        return WRONG;
    if (code_of(&s->litlen, LITERALS_AND_LENGTHS, length, hlit) ||
        code_of(&s->dist, ALL_DISTANCES, length + hlit, hdist))
        return WRONG;
    fill(&s->dist, ALL_DISTANCES, s->dist_table, DIST_BITS);
    fill_entries(&s->lists, s->litlen_table, &s->litlen, &s->dist);
    return CODES;
}

/* Bytes of a stored block, as far as there is room. */
static enum state stored(struct inflater *s)
{
    const size_t room = (size_t)(s->out_end - s->out), n = s->stored < room ? s->stored : room;
    if (s->stored > (size_t)(s->in_end - s->in) || (s->fits && n < s->stored))
        return WRONG;
    if (n)
        memcpy(s->out, s->in, n);
    s->in += n;
    s->out += n;
    s->stored -= n;
    return s->stored ? STORED : HEADER;
}

/* What `entries` and `other_entry` read and write at most in a turn: two loads, after the first of which `in` moves on
 * by up to 7; an entry, with a match of any length, and what copying in steps of 32 bytes writes behind. */
enum { IN_ROOM = 7 + 8, OUT_ROOM = 3 + LONGEST + 32 };

/* Entries while there is room, up to `limit`, or to one that needs more than this: its match is nearer than 16 bytes,
 * begins before the first byte, or is not part of it. The next entry is loaded before anything else is done, as all
 * wait for it; the bits that it needs are there before the refill: 56 - 11 - 13 are left. */
CODEC_BODY void entries(struct inflater *s, const uint8_t *limit)
{
    const entry *const table = s->litlen_table;
    const uint8_t *in = s->in, *const in_limit = s->in_end - IN_ROOM;
    uint8_t *const out = s->out_begin;
    size_t at = (size_t)(s->out - out);
    const size_t most = (size_t)(limit - out);
    uint64_t bits = s->bits;
    uint32_t count = (uint32_t)s->count;
    REFILL(in, bits, count);
    entry next = table[bits & ((1 << LITLEN_BITS) - 1)];
    do {
        const entry e = next;
        const uint64_t from = bits;
        bits >>= e & 63;
        next = table[bits & ((1 << LITLEN_BITS) - 1)];
        const uint32_t taken = TAKEN(e);
        const size_t distance = DISTANCE(e) + ((from & ((1ull << taken) - 1)) >> CODE(e));
        const size_t to = at + LITERALS(e);
        codec_store_le32(out + at, (uint32_t)(e >> LITERAL_AT));
        if (CODEC_UNLIKELY(distance < 16) || CODEC_UNLIKELY(distance > to)) {
            bits = from;
            break;
        }
        count -= taken;
        REFILL(in, bits, count);
        memcpy(out + to, out + to - distance, 16);
        memcpy(out + to + 16, out + to + 16 - distance, 16);
        at += BYTES(e);
    } while (in <= in_limit && at < most);
    s->in = in;
    s->out = out + at;
    s->bits = bits;
    s->count = (int)count;
}

/* A match of any length, with room for 31 bytes behind. */
CODEC_BODY void copy(uint8_t *out, size_t distance, size_t length)
{
    const uint8_t *from = out - distance, *const end = out + length;
    if (distance >= 16) {
        do {
            memcpy(out, from, 16);
            memcpy(out + 16, from + 16, 16);
            out += 32;
            from += 32;
        } while (out < end);
    } else {
        uint8_t period[16]; /* as often as it fits */
        const size_t step = 16 - 16 % distance;
        for (size_t i = 0; i < 16; i++)
            period[i] = i < distance ? from[i] : period[i - distance];
        do {
            memcpy(out, period, 16);
            out += step;
        } while (out < end);
    }
}

/* An entry of any kind, with room. */
CODEC_BODY enum state other_entry(struct inflater *s)
{
    uint64_t bits = s->bits;
    int count = s->count;
    size_t length, distance = 0;
    REFILL(s->in, bits, count);
    const entry e = s->litlen_table[bits & ((1 << LITLEN_BITS) - 1)];
    if (DISTANCE(e)) {
        codec_store_le32(s->out, (uint32_t)(e >> LITERAL_AT));
        s->out += LITERALS(e);
        length = BYTES(e) - LITERALS(e);
        distance = DISTANCE(e) + ((bits & ((1ull << TAKEN(e)) - 1)) >> CODE(e));
        SKIP((int)TAKEN(e));
    } else {
        const symbol known = (symbol)(e >> LITERAL_AT);
        const symbol found = known ? known : walk(&s->litlen, LITERALS_AND_LENGTHS, bits);
        if (!(found >> 16))
            return WRONG;
        length = value_of(found, bits);
        SKIP((int)TAKEN(found));
        if (IS_LITERAL(found)) {
            *s->out++ = (uint8_t)length;
            length = 0;
        } else if (length >= SHORTEST) {
            const symbol d_known = s->dist_table[bits & ((1 << DIST_BITS) - 1)];
            const symbol d = d_known ? d_known : walk(&s->dist, ALL_DISTANCES, bits);
            distance = VALUE(d) ? value_of(d, bits) : SIZE_MAX;
            SKIP((int)TAKEN(d));
        }
    }
    s->bits = bits;
    s->count = count;
    if (!length)
        return CODES;
    if (length < SHORTEST)
        return HEADER;
    if (distance > (size_t)(s->out - s->out_begin))
        return WRONG;
    copy(s->out, distance, length);
    s->out += length;
    return CODES;
}

/* A symbol near the end of either memory. */
static enum state symbol_at_end(struct inflater *s)
{
    const size_t room = (size_t)(s->out_end - s->out);
    refill(s);
    const symbol found = walk(&s->litlen, LITERALS_AND_LENGTHS, s->bits);
    size_t length = value_of(found, s->bits);
    take(s, (int)TAKEN(found));
    if (s->count < 0 || !(found >> 16))
        return WRONG;
    if (IS_LITERAL(found)) {
        if (!room)
            return WRONG;
        *s->out++ = (uint8_t)length;
        return CODES;
    }
    if (length == END)
        return HEADER;
    const symbol d = walk(&s->dist, ALL_DISTANCES, s->bits);
    const size_t distance = value_of(d, s->bits);
    take(s, (int)TAKEN(d));
    if (s->count < 0 || !VALUE(d) || distance > (size_t)(s->out - s->out_begin) || length > room)
        return WRONG;
    for (; length; length--, s->out++)
        *s->out = s->out[-(ptrdiff_t)distance];
    return CODES;
}

CODEC_BODY enum state symbols(struct inflater *s, const uint8_t *limit)
{
    enum state state = CODES;
    while (state == CODES && s->in_end - s->in >= IN_ROOM && s->out < limit) {
        entries(s, limit);
        if (s->in_end - s->in >= IN_ROOM && s->out < limit)
            state = other_entry(s);
    }
    return state == CODES && (s->fits || s->out < limit) ? symbol_at_end(s) : state;
}

/* On until there is no room for every entry, or, where all fits, to the end. */
CODEC_BODY void go_on(struct inflater *s)
{
    const uint8_t *const limit = s->out_end - s->out_begin > OUT_ROOM ? s->out_end - OUT_ROOM : s->out_begin;
    while (s->state < DONE && (s->fits || s->out < limit))
        switch (s->state) {
        case HEADER:
            s->state = s->last ? DONE : begin_block(s);
            break;
        case STORED:
            s->state = stored(s);
            break;
        default:
            s->state = symbols(s, limit);
        }
}

/* RFC 1950, 2.2: CM 8, a window of at most 32 kB, FCHECK, no FDICT. */
static int is_header(const uint8_t *in, size_t size)
{
    return size >= 2 && (in[0] & 15) == 8 && (in[0] >> 4) + 8 <= WINDOW_BITS && (in[0] << 8 | in[1]) % 31 == 0 &&
           !(in[1] & 32);
}

/* How many bytes are made and handed over at a time, in the second cache: matches reach back to WINDOW more. */
enum { BAND = 1 << 17, WINDOW = 1 << WINDOW_BITS };

/* With memory for `room` bytes. */
CODEC_BODY int inflate_bands(struct inflater *s, size_t room, size_t out_size, codec_inflate_taker *take, void *to,
                             int variant)
{
    uint8_t *waiting = s->out;
    uint32_t sum = 1;
    while (s->state < DONE) {
        uint8_t *const from = s->out, *const end = s->out_begin + room;
        s->fits = out_size <= (size_t)(end - from);
        s->out_end = s->fits ? from + out_size : end;
        go_on(s);
        out_size -= (size_t)(s->out - from);
        if (s->state == WRONG || (s->state == DONE && out_size))
            return -1;
        codec_adler32[variant](&sum, from, (size_t)(s->out - from));
        const ptrdiff_t taken = take(to, waiting, (size_t)(s->out - waiting), s->state == DONE);
        if (taken < 0)
            return -1;
        waiting += taken;
        const size_t made = (size_t)(s->out - s->out_begin), left = (size_t)(s->out - waiting);
        const size_t kept = left > WINDOW ? left : made < WINDOW ? made : WINDOW;
        memmove(s->out_begin, s->out - kept, kept);
        s->out = s->out_begin + kept;
        waiting = s->out - left;
    }
    align(s);
    return s->in_end - s->in >= 4 && codec_load_be32(s->in) == sum ? 0 : -1;
}

CODEC_BODY int inflate_body(const uint8_t *in, size_t in_size, size_t out_size, size_t most_left,
                            codec_inflate_taker *take, void *to, int variant)
{
    const size_t most = (most_left > WINDOW ? most_left : WINDOW) + BAND;
    const size_t room = (out_size < most ? out_size : most) + OUT_ROOM;
    struct inflater *const s = is_header(in, in_size) ? malloc(sizeof *s + room) : 0;
    if (!s)
        return -1;
    s->in = in + 2;
    s->fixed = 0;
    s->in_end = in + in_size;
    s->out = s->out_begin = (uint8_t *)(s + 1);
    s->bits = 0;
    s->count = s->last = 0;
    s->state = HEADER;
    const int status = inflate_bands(s, room, out_size, take, to, variant);
    free(s);
    return status;
}

static int inflate_scalar(const uint8_t *in, size_t in_size, size_t out_size, size_t most_left,
                          codec_inflate_taker *take, void *to)
{
    return inflate_body(in, in_size, out_size, most_left, take, to, 0);
}

#if CODEC_HAS_AVX2
CODEC_TARGET_AVX2 static int inflate_avx2(const uint8_t *in, size_t in_size, size_t out_size, size_t most_left,
                                          codec_inflate_taker *take, void *to)
{
    return inflate_body(in, in_size, out_size, most_left, take, to, 1);
}
codec_inflater *const codec_inflate[2] = { inflate_scalar, inflate_avx2 };
#else
codec_inflater *const codec_inflate[2] = { inflate_scalar, inflate_scalar };
#endif
