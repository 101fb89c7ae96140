/* The kernel tables of H.264: portable bodies per sample size, once plain and once as the compiler vectorises them for AVX2; on 8 bits, hand-written
 * AVX2 in place of the hot ones (x86/h264_avx2.h). */
#include "h264dsp.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "levels.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE __attribute__((always_inline))
#else
#define ALWAYS_INLINE
#endif

static inline int clip3(int low, int high, int v) { return v < low ? low : v > high ? high : v; }
static inline int clip1(int v, int max) { return clip3(0, max, v); }

/* The six-tap filter of 8.4.2.2.1 between p[0] and p[step]. */
#define TAP6(p, step) ((p)[-2 * (step)] - 5 * (p)[-(step)] + 20 * (p)[0] + 20 * (p)[step] - 5 * (p)[2 * (step)] + (p)[3 * (step)])

#define SAMPLE uint8_t
#define MAX_OF(m) (255 + 0 * (m))
#define TARGET
#define NAME(x) x##_8
#include "h264_bodies.h"
#undef NAME
#undef TARGET
#undef MAX_OF
#undef SAMPLE

#define SAMPLE uint16_t
#define MAX_OF(m) (m)
#define TARGET
#define NAME(x) x##_16
#include "h264_bodies.h"
#undef NAME
#undef TARGET
#undef MAX_OF
#undef SAMPLE

#if CODEC_HAS_AVX2
#define SAMPLE uint16_t
#define MAX_OF(m) (m)
#define TARGET __attribute__((target("avx2")))
#define NAME(x) x##_16_avx2
#include "h264_bodies.h"
#endif

const H264Dsp *codec_h264_dsp(int deep, int level)
{
#if CODEC_HAS_AVX2
    if (level > 0) return deep ? &table_16_avx2 : &table_8;
#endif
    (void)level;
    return deep ? &table_16 : &table_8;
}
