/* One body, one function per instruction-set level.
 *
 * A kernel is written once, in portable C, as an inline body. CODEC_KERNEL compiles it for each level that is worth it
 * and puts the functions into a table, scalar first. The levels differ only in how many lanes the compiler uses (no
 * contraction, no fast-math), so they give the same bits by construction. A caller takes table[codec_variant(level)].
 *
 * Kernels that share a struct are listed once, by an X-macro such as H264_DSP_MEMBERS (h264dsp.h): the struct, its
 * tables and the names that `codec doctor` prints come from that list. */
#ifndef CODEC_LEVELS_H
#define CODEC_LEVELS_H

#include <stddef.h>

#include "cpu.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define CODEC_HAS_AVX2 1
#define CODEC_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,pclmul"))) /* a CPU with one has the others: cpu.c */
#define CODEC_KERNEL_OF(name, parameters, arguments)                                    \
    static void name##_scalar parameters { name##_body arguments; }                     \
    CODEC_TARGET_AVX2 static void name##_avx2 parameters { name##_body arguments; }     \
    void (*const name[2]) parameters = {name##_scalar, name##_avx2};
#else
#define CODEC_HAS_AVX2 0
#define CODEC_KERNEL_OF(name, parameters, arguments)                                    \
    static void name##_scalar parameters { name##_body arguments; }                     \
    void (*const name[2]) parameters = {name##_scalar, name##_scalar};
#endif

/* `name` may be a macro. */
#define CODEC_KERNEL(name, parameters, arguments) CODEC_KERNEL_OF(name, parameters, arguments)

/* Index into a table of variants: 0 scalar, 1 AVX2. */
static inline int codec_variant(int level)
{
#if CODEC_HAS_AVX2
    return level >= CODEC_AVX2;
#else
    (void)level;
    return 0;
#endif
}

/* A member of a struct of kernels: a function or an array of functions. Lists of members end with a NULL name. */
struct codec_member {
    const char *name;
    size_t offset, size;
};

#if defined(__clang__)
#define CODEC_ALWAYS_INLINE __attribute__((always_inline))
#define CODEC_NOINLINE __attribute__((noinline))
#elif defined(__GNUC__)
#define CODEC_ALWAYS_INLINE __attribute__((always_inline))
#define CODEC_NOINLINE __attribute__((noinline, noclone))
#else
#define CODEC_ALWAYS_INLINE
#define CODEC_NOINLINE
#endif
#define CODEC_BODY static inline CODEC_ALWAYS_INLINE

#if defined(__GNUC__)
#define CODEC_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define CODEC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define CODEC_LIKELY(condition) (condition)
#define CODEC_UNLIKELY(condition) (condition)
#endif

#if defined(_MSC_VER)
#define CODEC_RESTRICT __restrict
#else
#define CODEC_RESTRICT restrict
#endif
#endif
