/* Shared by the AVX-512 kernels: attributes. */
#ifndef CODEC_AVX512_H
#define CODEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "../levels.h"

#define AVX512 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vnni,bmi,bmi2,popcnt")))
#define INLINE static inline CODEC_ALWAYS_INLINE AVX512

#endif
