/* Shared by the AVX2 kernels: attributes, unaligned loads and stores, halves of a register. */
#ifndef CODEC_AVX2_H
#define CODEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "../levels.h"

#define AVX2 CODEC_TARGET_AVX2
#define INLINE static inline CODEC_ALWAYS_INLINE CODEC_TARGET_AVX2

INLINE __m128i load4(const void *p) { int v; memcpy(&v, p, 4); return _mm_cvtsi32_si128(v); }
INLINE __m128i load8(const void *p) { return _mm_loadl_epi64((const __m128i *)p); }
INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE __m256i load32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

INLINE void store4(void *p, int v) { memcpy(p, &v, 4); }
INLINE void store8(void *p, __m128i v) { _mm_storel_epi64((__m128i *)p, v); }
INLINE void store16(void *p, __m128i v) { _mm_storeu_si128((__m128i *)p, v); }
INLINE void store32(void *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }

/* The upper 8 bytes; _mm_storeh_pd would require an aligned address. */
INLINE void store8_high(void *p, __m128i v) { const double d = _mm_castsi128_pd(v)[1]; memcpy(p, &d, 8); }

INLINE __m128i low(__m256i v) { return _mm256_castsi256_si128(v); }
INLINE __m128i high(__m256i v) { return _mm256_extracti128_si256(v, 1); }
INLINE __m256i twice(__m128i v) { return _mm256_broadcastsi128_si256(v); }
INLINE __m256i widen(__m128i v) { return _mm256_castsi128_si256(v); } /* the upper half is undefined */
INLINE __m256i both(__m128i lower, __m128i upper) { return _mm256_inserti128_si256(widen(lower), upper, 1); }

/* Bit k is set where word k is not zero. */
INLINE uint32_t nonzero_of_32(const int16_t *word)
{
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(load32(word), load32(word + 16)), 0xd8);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}
INLINE uint64_t nonzero_of_64(const int16_t *word)
{
    return nonzero_of_32(word) | (uint64_t)nonzero_of_32(word + 32) << 32;
}

/* Words to bytes, with saturation. */
INLINE __m128i pack(__m256i v) { return _mm_packus_epi16(low(v), high(v)); }

#endif
