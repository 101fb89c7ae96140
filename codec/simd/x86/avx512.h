/* Shared by the AVX-512 kernels. */
#ifndef CODEC_AVX512_H
#define CODEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "../levels.h"

#define AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vnni,bmi,bmi2,popcnt")))
#define INLINE static inline CODEC_ALWAYS_INLINE AVX512

/* One mask of two, of 32 words each. */
INLINE uint64_t mask_of(__mmask32 first, __mmask32 last) { return first | (uint64_t)last << 32; }

/* The places of the set bits, a byte each; 0 in the bytes left over. */
INLINE __m512i places_of(uint64_t mask)
{
    const __m512i places = _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
                                            0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
                                            0x0f0e0d0c0b0a0908, 0x0706050403020100);
    return _mm512_maskz_compress_epi8(mask, places);
}

#endif
