/* BLAKE3. Contracts: blake3.h. */
#include "blake3.h"

#include <string.h>

#include "bits.h"
#include "levels.h"

enum { BLOCK = CODEC_BLAKE3_BLOCK, CHUNK = CODEC_BLAKE3_CHUNK, LANES = CODEC_BLAKE3_LANES };
enum { OUT = CODEC_BLAKE3_OUT, PAIR = 2 * OUT };
enum { START = CODEC_BLAKE3_START, END = CODEC_BLAKE3_END, PARENT = CODEC_BLAKE3_PARENT, ROOT = CODEC_BLAKE3_ROOT };

static const uint8_t ORDER[7][16] = CODEC_BLAKE3_ORDER;

static inline uint32_t rotated(uint32_t v, int right)
{
    return v >> right | v << (32 - right);
}

static inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 7);
}

/* 2.2: a block of `n` bytes changes the chaining value `h`. */
static void compress(uint32_t h[8], const uint8_t *block, uint32_t n, uint64_t counter, uint32_t flags)
{
    uint32_t m[16], v[16] = {
        h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], CODEC_BLAKE3_IV,
    };
    v[12] = (uint32_t)counter;
    v[13] = (uint32_t)(counter >> 32);
    v[14] = n;
    v[15] = flags;
    for (int i = 0; i < 16; i++)
        m[i] = codec_load_le32(block + 4 * i);
    for (int round = 0; round < 7; round++) {
        const uint8_t *const o = ORDER[round];
        for (int k = 0; k < 4; k++)
            mix(v, k, 4 + k, 8 + k, 12 + k, m[o[2 * k]], m[o[2 * k + 1]]);
        for (int k = 0; k < 4; k++)
            mix(v, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4, m[o[8 + 2 * k]], m[o[9 + 2 * k]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] = v[i] ^ v[i + 8];
}

/* A node of `n` bytes: a chunk, or the block of a parent. */
static void node(const uint8_t *in, size_t n, uint64_t counter, uint32_t flags, uint8_t *out)
{
    uint32_t h[8] = { CODEC_BLAKE3_IV }, first = flags & PARENT ? PARENT : START;
    const uint32_t last = flags & PARENT ? flags : flags | END;
    uint8_t block[BLOCK] = { 0 };
    for (; n > BLOCK; n -= BLOCK, in += BLOCK, first = 0)
        compress(h, in, BLOCK, counter, first);
    if (n)
        memcpy(block, in, n);
    compress(h, block, (uint32_t)n, counter, first | last);
    for (int i = 0; i < 8; i++)
        codec_store_le32(out + 4 * i, h[i]);
}

static void many_scalar(const uint8_t *in, int blocks, uint64_t counter, uint32_t flags, uint8_t *out)
{
    for (int k = 0; k < LANES; k++, in += BLOCK * blocks, out += OUT)
        node(in, (size_t)(BLOCK * blocks), flags & PARENT ? 0 : counter + (uint64_t)k, flags, out);
}

#if CODEC_HAS_AVX2
codec_blake3_nodes *const codec_blake3_many[2] = { many_scalar, codec_blake3_many_avx2 };
#else
codec_blake3_nodes *const codec_blake3_many[2] = { many_scalar, many_scalar };
#endif

/* The values of all pairs of neighbours, again and again; one that has no neighbour goes up as it is. A value takes the
 * place of one that was read. */
void codec_blake3_join(uint8_t *work, size_t n, int root, int variant)
{
    for (; n > 1; n = n / 2 + n % 2) {
        size_t k = 0;
        for (; n / 2 - k >= LANES; k += LANES)
            codec_blake3_many[variant](work + PAIR * k, 1, 0, PARENT, work + OUT * k);
        for (; k < n / 2; k++)
            node(work + PAIR * k, PAIR, 0, root && n == 2 ? PARENT | ROOT : PARENT, work + OUT * k);
        if (n % 2)
            memmove(work + OUT * k, work + PAIR * k, OUT);
    }
}

void codec_blake3_tree(const uint8_t *data, size_t n, uint64_t chunk, int root, uint8_t *work, int variant)
{
    const size_t chunks = n > CHUNK ? (n + CHUNK - 1) / CHUNK : 1;
    size_t k = 0;
    for (; n / CHUNK - k >= LANES; k += LANES)
        codec_blake3_many[variant](data + CHUNK * k, CHUNK / BLOCK, chunk + k, 0, work + OUT * k);
    for (; k < chunks; k++) {
        const size_t left = n - CHUNK * k;
        node(data + CHUNK * k, left < CHUNK ? left : CHUNK, chunk + k, root && chunks == 1 ? ROOT : 0, work + OUT * k);
    }
    codec_blake3_join(work, chunks, root, variant);
}
