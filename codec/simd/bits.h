/* Bit operations that each compiler names differently (leading and trailing zeros, byte order),
 * and the asserts of kernels. */
#ifndef CODEC_BITS_H
#define CODEC_BITS_H
#include <stdint.h>
#include <string.h>

/* Preconditions of kernels. In the debug build (CODEC_DEBUG=1) a false one aborts the process, since a kernel runs
 * without the GIL and cannot raise; other builds do not evaluate it. No data from a file can make one false; if
 * one is, the bug is here. */
#ifdef CODEC_DEBUG
#include <stdio.h>
#include <stdlib.h>
#define codec_assert(condition) \
    ((condition) ? (void)0 \
     : (fprintf(stderr, "%s:%d: precondition does not hold: %s\n", __FILE__, __LINE__, #condition), abort()))
#else
#define codec_assert(condition) ((void)0)
#endif
#define codec_assert_range(low, value, high) codec_assert((low) <= (value) && (value) <= (high))

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#include <stdlib.h>
#define codec_bswap64 _byteswap_uint64
#define codec_bswap32 _byteswap_ulong
/* Number of bits of v (v > 0): 1 for 1, 2 for 2..3, 3 for 4..7 ... */
static __inline int codec_bit_length(uint32_t v) { unsigned long i; _BitScanReverse(&i, v); return (int)i + 1; }
static __inline int codec_bit_length64(uint64_t v) { unsigned long i; _BitScanReverse64(&i, v); return (int)i + 1; }
/* Index of the lowest set bit of v (v != 0). */
static __inline int codec_lowest_bit(uint64_t v) { unsigned long i; _BitScanForward64(&i, v); return (int)i; }
#else
#define codec_bswap64 __builtin_bswap64
#define codec_bswap32 __builtin_bswap32
static inline int codec_bit_length(uint32_t v) { return 32 - __builtin_clz(v); }
static inline int codec_bit_length64(uint64_t v) { return (__builtin_clzll(v) ^ 63) + 1; }
static inline int codec_lowest_bit(uint64_t v) { return __builtin_ctzll(v); }
#endif

/* 256 log2(v), rounded down, v > 0. Integers only: each squaring of a mantissa in 1..2 yields the
 * next bit of the fraction. */
static inline int codec_log2_q8(uint64_t v)
{
    int whole = v >> 32 ? 31 + codec_bit_length((uint32_t)(v >> 32)) : codec_bit_length((uint32_t)v) - 1;
    int log = whole;
    uint64_t m = whole <= 31 ? v << (31 - whole) : v >> (whole - 31);
    codec_assert(v > 0);
    for (int i = 0; i < 8; i++) {
        m = m * m >> 31;
        log = log << 1 | (int)(m >> 32);
        m >>= m >> 32;
    }
    return log;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define CODEC_NETWORK64(v) (v)
#define CODEC_NETWORK32(v) (v)
#define CODEC_LITTLE32(v) codec_bswap32(v)
#define CODEC_LITTLE64(v) codec_bswap64(v)
#else
#define CODEC_NETWORK64(v) codec_bswap64(v)
#define CODEC_NETWORK32(v) codec_bswap32(v)
#define CODEC_LITTLE32(v) (v)
#define CODEC_LITTLE64(v) (v)
#endif

/* Unaligned, first byte most significant. memcpy compiles to one load or store. */
static inline uint64_t codec_load_be64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return CODEC_NETWORK64(v); }
static inline uint32_t codec_load_be32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return CODEC_NETWORK32(v); }
static inline void codec_store_be64(uint8_t *p, uint64_t v) { v = CODEC_NETWORK64(v); memcpy(p, &v, 8); }

/* Whether any of the eight bytes of v is FF: of the bytes with the top bit set, only FF loses it when 1 is added. */
static inline int codec_has_ff(uint64_t v) { return ((~v - 0x0101010101010101ull) & v & 0x8080808080808080ull) != 0; }

/* Unaligned, first byte least significant: three or four channels of a pixel at once. */
static inline uint32_t codec_load_le32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return CODEC_LITTLE32(v); }
static inline uint64_t codec_load_le64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return CODEC_LITTLE64(v); }
static inline void codec_store_le32(uint8_t *p, uint32_t v) { v = CODEC_LITTLE32(v); memcpy(p, &v, 4); }

/* Bit k of the result is set where level[k] != 0, for k from first to last (0 <= first <= last <= 63). Reads groups of
 * 16 levels with SSE2, which every x86-64 has, and of four without: adding 7FFF to the low 15 bits of a lane carries
 * into its top bit unless they are zero; the multiplication gathers the four top bits (terms land on bits
 * 48 + i + 16(i-j) - ..., and only i == j reaches 48..51). */
static inline uint64_t codec_nonzero_mask(const int16_t *level, int first, int last)
{
    uint64_t mask = 0;
    codec_assert(0 <= first && first <= last && last <= 63);
#if defined(__SSE2__) || defined(_M_X64)
    for (int j = first >> 4; j <= last >> 4; j++) {
        const __m128i *v = (const __m128i *)(level + 16 * j);
        __m128i low = _mm_cmpeq_epi16(_mm_loadu_si128(v), _mm_setzero_si128());
        __m128i high = _mm_cmpeq_epi16(_mm_loadu_si128(v + 1), _mm_setzero_si128());
        mask |= (uint64_t)(0xFFFF ^ _mm_movemask_epi8(_mm_packs_epi16(low, high))) << (16 * j);
    }
#else
    for (int j = first >> 2; j <= last >> 2; j++) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        for (int k = 4 * j; k < 4 * j + 4; k++) mask |= (uint64_t)(level[k] != 0) << k;
#else
        uint64_t v;
        memcpy(&v, level + 4 * j, 8);
        v = (((v & 0x7FFF7FFF7FFF7FFFull) + 0x7FFF7FFF7FFF7FFFull) | v) >> 15 & 0x0001000100010001ull;
        mask |= ((v * 0x0001000200040008ull) >> 48 & 15) << (4 * j);
#endif
    }
#endif
    return mask & (~0ull << first) & (~0ull >> (63 - last));
}

/* Number of set bits, by adding neighbouring fields: baseline x86-64 has no instruction for it, and a
 * library call costs more. */
static inline int codec_count_bits(uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0F0F0F0F0F0F0F0Full;
    return (int)(v * 0x0101010101010101ull >> 56);
}

/* T.81 Figure A.6: position along the zig-zag -> index in natural (row-major) order. 16 guard entries follow: a run
 * past position 63 lands on coefficient 63 and is detected by its status. */
static const uint8_t NAT_OF_ZZ[80] = {
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};
#endif
