/* The C side of the house: what the Cython stages may call, and nothing that knows Python.
 *
 * Each kernel gets one typedef here, with its contract written above it: sizes, ranges, alignment, and what may alias.
 *
 * CPU levels form one ladder per architecture. A level includes every level below it, and a level is only reported
 * when the operating system saves its registers on a context switch (XCR0 on x86-64). */
#ifndef CODEC_DSP_H
#define CODEC_DSP_H

/* Highest level of this machine, counted from 0 = scalar. Costs a few CPUID instructions; no state is kept. */
int codec_cpu_level(void);

/* Name of a level of this architecture ("scalar", "sse4.1", "avx2", "avx512" or "scalar", "neon"), NULL beyond the ladder. */
const char *codec_cpu_level_name(int level);

/* The compiler and the kind of build, for bug reports: "gcc 12.2.0, release". */
const char *codec_build(void);

#endif
