/* One body, one function per instruction-set level.
 *
 * A kernel is written once, in portable C, as an inline body; CODEC_KERNEL compiles it for every level that pays and puts the functions into a
 * table, scalar first. The levels differ in how many lanes the compiler uses and in nothing else (no contraction, no fast-math), so
 * they give the same bits by construction. A caller takes table[codec_variant(level)]. */
#ifndef CODEC_LEVELS_H
#define CODEC_LEVELS_H

#if defined(__GNUC__) && defined(__x86_64__)
#define CODEC_HAS_AVX2 1
#define CODEC_BODY static inline __attribute__((always_inline))
#define CODEC_KERNEL_OF(name, parameters, arguments)                                                  \
    static void name##_scalar parameters { name##_body arguments; }                                   \
    __attribute__((target("avx2"))) static void name##_avx2 parameters { name##_body arguments; }     \
    void (*const name[2]) parameters = {name##_scalar, name##_avx2};
#else
#define CODEC_HAS_AVX2 0
#define CODEC_BODY static inline
#define CODEC_KERNEL_OF(name, parameters, arguments)                                                  \
    static void name##_scalar parameters { name##_body arguments; }                                   \
    void (*const name[2]) parameters = {name##_scalar, name##_scalar};
#endif

/* `name` may be a macro. */
#define CODEC_KERNEL(name, parameters, arguments) CODEC_KERNEL_OF(name, parameters, arguments)

#if defined(_MSC_VER)
#define CODEC_RESTRICT __restrict
#else
#define CODEC_RESTRICT restrict
#endif
#endif
