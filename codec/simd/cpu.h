/* What this machine can run, and how the package was built. C without Python.h, like all of this folder. */
#ifndef CODEC_CPU_H
#define CODEC_CPU_H

/* The CPU levels of this architecture, lowest first: X(name in C, name for users). A level includes every level below
 * it. Compiled code takes a level as its position on this ladder, 0 = scalar. */
#if defined(__x86_64__) || defined(_M_X64)
#define CODEC_LADDER(X) X(SCALAR, "scalar") X(SSE41, "sse4.1") X(AVX2, "avx2") X(AVX512, "avx512")
#elif defined(__aarch64__) || defined(_M_ARM64)
#define CODEC_LADDER(X) X(SCALAR, "scalar") X(NEON, "neon")
#else
#define CODEC_LADDER(X) X(SCALAR, "scalar")
#endif

#define CODEC_LEVEL(id, name) CODEC_##id,
enum { CODEC_LADDER(CODEC_LEVEL) CODEC_LEVELS };
#undef CODEC_LEVEL

/* Highest level of this machine. A level counts only if the operating system saves its registers on a context switch
 * (XCR0 on x86-64). Costs a few CPUID instructions; no state is kept. */
int codec_cpu_level(void);

/* Name of a level for users; NULL beyond the ladder. */
const char *codec_cpu_level_name(int level);

/* The compiler and the kind of build, for bug reports: "gcc 12.2.0, release". */
const char *codec_build(void);

#endif
