/* Detects the vector instructions of this machine at run time: one binary serves every CPU of an architecture. */
#include "cpu.h"

#include <stddef.h>

#if defined(__x86_64__) || defined(_M_X64)

/* "avx2" requires FMA, BMI1, BMI2 and PCLMULQDQ as well: every CPU with AVX2 of Intel and AMD has them, a virtual
 * machine may hide them. "avx512" requires F, BW, DQ, VL, VBMI, VBMI2 and VNNI together: Ice Lake, Zen 4, and later
 * ones. */

#if defined(_MSC_VER)
#include <intrin.h>

int codec_cpu_level(void) {
    int leaf[4]; /* EAX, EBX, ECX, EDX: Intel SDM vol. 2A, CPUID */
    __cpuid(leaf, 0);
    const int last_leaf = leaf[0];
    __cpuid(leaf, 1);
    const int ecx = leaf[2];
    if (!(ecx >> 19 & 1)) return CODEC_SCALAR; /* SSE4.1 */
    if (!(ecx >> 27 & 1) || !(ecx >> 28 & 1) || last_leaf < 7) return CODEC_SSE41; /* OSXSAVE, AVX */
    const unsigned long long xcr0 = _xgetbv(0);
    __cpuidex(leaf, 7, 0);
    const unsigned ebx = (unsigned)leaf[1], ecx7 = (unsigned)leaf[2];
    const unsigned avx2 = 1u << 3 | 1u << 5 | 1u << 8; /* BMI1, AVX2, BMI2 */
    /* XMM and YMM state saved; PCLMULQDQ, FMA */
    if ((xcr0 & 0x06) != 0x06 || (ebx & avx2) != avx2 || !(ecx >> 1 & 1) || !(ecx >> 12 & 1)) return CODEC_SSE41;
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
    const unsigned more = 1u << 1 | 1u << 6 | 1u << 11;                    /* VBMI, VBMI2, VNNI */
    /* Opmask and ZMM state saved, too. */
    return (xcr0 & 0xe6) == 0xe6 && (ebx & avx512) == avx512 && (ecx7 & more) == more ? CODEC_AVX512 : CODEC_AVX2;
}

#else

/* The compiler's own run-time check reads XCR0 before it reports AVX2 or AVX-512. */
int codec_cpu_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.1")) return CODEC_SCALAR;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("pclmul"))
        return CODEC_SSE41;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
                   __builtin_cpu_supports("avx512vnni")
               ? CODEC_AVX512
               : CODEC_AVX2;
}

#endif

#elif defined(__aarch64__) || defined(_M_ARM64)

/* Advanced SIMD is part of every AArch64 application profile: nothing to detect. */
int codec_cpu_level(void) { return CODEC_NEON; }

#else

int codec_cpu_level(void) { return CODEC_SCALAR; }

#endif

#define NAME(id, name) name,
static const char *const NAMES[] = {CODEC_LADDER(NAME)};

const char *codec_cpu_level_name(int level) { return level >= 0 && level < CODEC_LEVELS ? NAMES[level] : NULL; }

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#elif defined(_MSC_VER)
#define COMPILER "msvc " TEXT(_MSC_FULL_VER)
#else
#define COMPILER "unknown compiler"
#endif
#if defined(CODEC_DEBUG)
#define KIND "debug (asserts, bounds checks, sanitizers)"
#else
#define KIND "release"
#endif

const char *codec_build(void) { return COMPILER ", " KIND; }
