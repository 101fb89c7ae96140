/* BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere", 2020): a hash whose input
 * is cut into chunks of 1 kB, the leaves of a binary tree, of which several are computed at once. Numbers of sections
 * are those of that paper. */
#ifndef CODEC_BLAKE3_H
#define CODEC_BLAKE3_H
#include <stddef.h>
#include <stdint.h>

enum { CODEC_BLAKE3_BLOCK = 64, CODEC_BLAKE3_CHUNK = 1024, CODEC_BLAKE3_OUT = 32, CODEC_BLAKE3_LANES = 8 };

/* Flags of a compression (2.2). */
enum { CODEC_BLAKE3_START = 1, CODEC_BLAKE3_END = 2, CODEC_BLAKE3_PARENT = 4, CODEC_BLAKE3_ROOT = 8 };

/* The chaining value of no key: the words of SHA-256. */
#define CODEC_BLAKE3_IV \
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19

/* The order of the message words in each of 7 rounds: each permutes the one before (table 2). */
#define CODEC_BLAKE3_ORDER                                                                                    \
    {                                                                                                         \
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },                                             \
        { 2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8 },                                             \
        { 3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1 },                                             \
        { 10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6 },                                             \
        { 12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4 },                                             \
        { 9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7 },                                             \
        { 11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13 },                                             \
    }

/* The values of CODEC_BLAKE3_LANES nodes that follow each other in memory, as the values do: parents, of one block (two
 * values), where `flags` is PARENT; or with 0 whole chunks, whose numbers begin with `counter`. No value may lie behind
 * its node. The table: by `codec_variant`. */
typedef void codec_blake3_nodes(const uint8_t *in, int blocks, uint64_t counter, uint32_t flags, uint8_t *out);
extern codec_blake3_nodes *const codec_blake3_many[2];
codec_blake3_nodes codec_blake3_many_avx2;

/* The value of the tree of `n` bytes, whose first chunk has the number `chunk`, at the begin of `work`, which has room
 * for one of each chunk. Without any bytes there is one, empty chunk. With `root` the value is the hash: these are all
 * bytes. */
void codec_blake3_tree(const uint8_t *data, size_t n, uint64_t chunk, int root, uint8_t *work, int variant);

/* The same of the values of `n` trees in `work`, of which all but the last have the same number of chunks, a power of
 * 2. */
void codec_blake3_join(uint8_t *work, size_t n, int root, int variant);

#endif
