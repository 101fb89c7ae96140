/* BLAKE3 of eight nodes at once, one in each lane. Contracts: blake3.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../blake3.h"
#include "avx2.h"

enum { BLOCK = CODEC_BLAKE3_BLOCK, OUT = CODEC_BLAKE3_OUT, LANES = CODEC_BLAKE3_LANES, PARENT = CODEC_BLAKE3_PARENT };

static const uint8_t ORDER[7][16] = CODEC_BLAKE3_ORDER;

#define ADD(a, b) _mm256_add_epi32(a, b)
#define XOR(a, b) _mm256_xor_si256(a, b)

/* Right by 16 or 8. */
INLINE __m256i rotated_bytes(__m256i v, int right)
{
    const __m256i by_16 = twice(_mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    const __m256i by_8 = twice(_mm_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12));
    return _mm256_shuffle_epi8(v, right == 16 ? by_16 : by_8);
}

INLINE __m256i rotated(__m256i v, int right)
{
    return _mm256_or_si256(_mm256_srli_epi32(v, right), _mm256_slli_epi32(v, 32 - right));
}

INLINE void mix(__m256i v[16], int a, int b, int c, int d, __m256i x, __m256i y)
{
    v[a] = ADD(ADD(v[a], v[b]), x);
    v[d] = rotated_bytes(XOR(v[d], v[a]), 16);
    v[c] = ADD(v[c], v[d]);
    v[b] = rotated(XOR(v[b], v[c]), 12);
    v[a] = ADD(ADD(v[a], v[b]), y);
    v[d] = rotated_bytes(XOR(v[d], v[a]), 8);
    v[c] = ADD(v[c], v[d]);
    v[b] = rotated(XOR(v[b], v[c]), 7);
}

INLINE void round_of(__m256i v[16], const __m256i m[16], const int round)
{
    const uint8_t *const o = ORDER[round];
    mix(v, 0, 4, 8, 12, m[o[0]], m[o[1]]);
    mix(v, 1, 5, 9, 13, m[o[2]], m[o[3]]);
    mix(v, 2, 6, 10, 14, m[o[4]], m[o[5]]);
    mix(v, 3, 7, 11, 15, m[o[6]], m[o[7]]);
    mix(v, 0, 5, 10, 15, m[o[8]], m[o[9]]);
    mix(v, 1, 6, 11, 12, m[o[10]], m[o[11]]);
    mix(v, 2, 7, 8, 13, m[o[12]], m[o[13]]);
    mix(v, 3, 4, 9, 14, m[o[14]], m[o[15]]);
}

/* Rows of eight words become columns. */
INLINE void transpose(__m256i r[8])
{
    __m256i p[8], q[8];
    for (int k = 0; k < 8; k += 2) {
        p[k] = _mm256_unpacklo_epi32(r[k], r[k + 1]);
        p[k + 1] = _mm256_unpackhi_epi32(r[k], r[k + 1]);
    }
    for (int k = 0; k < 8; k += 4)
        for (int half = 0; half < 2; half++) {
            q[k + 2 * half] = _mm256_unpacklo_epi64(p[k + half], p[k + 2 + half]);
            q[k + 2 * half + 1] = _mm256_unpackhi_epi64(p[k + half], p[k + 2 + half]);
        }
    for (int k = 0; k < 4; k++) {
        r[k] = _mm256_permute2x128_si256(q[k], q[k + 4], 0x20);
        r[k + 4] = _mm256_permute2x128_si256(q[k], q[k + 4], 0x31);
    }
}

AVX2 void codec_blake3_many_avx2(const uint8_t *in, int blocks, uint64_t counter, uint32_t flags, uint8_t *out)
{
    static const uint32_t IV[8] = { CODEC_BLAKE3_IV };
    const size_t step = (size_t)(BLOCK * blocks);
    uint32_t first = flags & PARENT ? PARENT : CODEC_BLAKE3_START, counters[2][LANES];
    __m256i h[8];
    for (int k = 0; k < LANES; k++) {
        const uint64_t number = flags & PARENT ? 0 : counter + (uint64_t)k;
        counters[0][k] = (uint32_t)number;
        counters[1][k] = (uint32_t)(number >> 32);
        h[k] = _mm256_set1_epi32((int)IV[k]);
    }
    for (int left = blocks; left; left--, in += BLOCK, first = 0) {
        const uint32_t last = flags & PARENT || left > 1 ? 0 : CODEC_BLAKE3_END;
        __m256i m[16], v[16];
        for (int k = 0; k < LANES; k++) {
            m[k] = load32(in + step * (size_t)k);
            m[8 + k] = load32(in + step * (size_t)k + 32);
            v[k] = h[k];
        }
        transpose(m);
        transpose(m + 8);
        for (int k = 0; k < 4; k++)
            v[8 + k] = _mm256_set1_epi32((int)IV[k]);
        v[12] = load32(counters[0]);
        v[13] = load32(counters[1]);
        v[14] = _mm256_set1_epi32(BLOCK);
        v[15] = _mm256_set1_epi32((int)(first | last));
        round_of(v, m, 0); /* ORDER is known to the compiler where the round is */
        round_of(v, m, 1);
        round_of(v, m, 2);
        round_of(v, m, 3);
        round_of(v, m, 4);
        round_of(v, m, 5);
        round_of(v, m, 6);
        for (int k = 0; k < 8; k++)
            h[k] = XOR(v[k], v[8 + k]);
    }
    transpose(h);
    for (int k = 0; k < LANES; k++)
        store32(out + OUT * k, h[k]);
}

#endif
