/* The kernel tables of H.264: portable bodies per sample size, once plain and once as the compiler vectorises them for AVX2; on 8 bits, hand-written
 * AVX2 in place of the hot ones (x86/h264_avx2.h). */
#include "h264dsp.h"

#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "levels.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE __attribute__((always_inline))
#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif
#else
#define ALWAYS_INLINE
#define NOINLINE
#endif

static inline int clip3(int low, int high, int v) { return v < low ? low : v > high ? high : v; }
static inline int clip1(int v, int max) { return clip3(0, max, v); }

/* The six-tap filter of 8.4.2.2.1 between p[0] and p[step]. */
#define TAP6(p, step) ((p)[-2 * (step)] - 5 * (p)[-(step)] + 20 * (p)[0] + 20 * (p)[step] - 5 * (p)[2 * (step)] + (p)[3 * (step)])

#define H264_INTRA_TABLE                                                                                                                           \
    .intra8x8 = {NAME(intra8x8_0), NAME(intra8x8_1), NAME(intra8x8_2), NAME(intra8x8_3), NAME(intra8x8_4), NAME(intra8x8_5), NAME(intra8x8_6),     \
                 NAME(intra8x8_7), NAME(intra8x8_8)},                                                                                              \
    .intra16x16 = {NAME(intra16x16_0), NAME(intra16x16_1), NAME(intra16x16_2), NAME(intra16x16_3)},                                                \
    .intra_chroma = {{NAME(intra_chroma8_0), NAME(intra_chroma8_1), NAME(intra_chroma8_2), NAME(intra_chroma8_3)},                                 \
                     {NAME(intra_chroma16_0), NAME(intra_chroma16_1), NAME(intra_chroma16_2), NAME(intra_chroma16_3)}}

#include "h264_strengths.h"

#define STRENGTHS deblock_strengths
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
#undef STRENGTHS

#if CODEC_HAS_AVX2
#include "x86/h264_avx2.h"

#define STRENGTHS codec_h264_deblock_strengths_avx2
#define SAMPLE uint16_t
#define MAX_OF(m) (m)
#define TARGET __attribute__((target("avx2")))
#define NAME(x) x##_16_avx2
#include "h264_bodies.h"
#undef NAME
#undef MAX_OF
#undef SAMPLE

#define SAMPLE uint8_t
#define MAX_OF(m) (255 + 0 * (m))
#define NAME(x) x##_8_avx2
#define KERNEL static TARGET
#define INLINE static inline ALWAYS_INLINE TARGET
#include "h264_intra.h"

#define PUT_LUMA(xFrac, yFrac) codec_h264_put_luma_##xFrac##yFrac##_avx2,
#define AVG_LUMA(xFrac, yFrac) codec_h264_avg_luma_##xFrac##yFrac##_avx2,
static const H264Dsp table_8_avx2 = {
    .put_luma = {H264_AVX2_EACH_LUMA(PUT_LUMA)},
    .avg_luma = {H264_AVX2_EACH_LUMA(AVG_LUMA)},
    .put_chroma = codec_h264_put_chroma_avx2,
    .avg_chroma = codec_h264_avg_chroma_avx2,
    .weight = codec_h264_weight_avx2,
    .biweight = codec_h264_biweight_avx2,
    .intra4x4 = {intra4x4_0_8_avx2, intra4x4_1_8_avx2, intra4x4_2_8_avx2, codec_h264_intra4x4_3_avx2, codec_h264_intra4x4_4_avx2,
                 codec_h264_intra4x4_5_avx2, codec_h264_intra4x4_6_avx2, codec_h264_intra4x4_7_avx2, codec_h264_intra4x4_8_avx2},
    H264_INTRA_TABLE,
    .bypass_add = bypass_add_8,
    .idct4x4_add = codec_h264_idct4x4_add_avx2,
    .idct4x4_dc_add = codec_h264_idct4x4_dc_add_avx2,
    .idct8x8_add = codec_h264_idct8x8_add_avx2,
    .idct8x8_dc_add = codec_h264_idct8x8_dc_add_avx2,
    .deblock_luma_v = codec_h264_deblock_luma_v_avx2,
    .deblock_luma_h = codec_h264_deblock_luma_h_avx2,
    .deblock_chroma_v = codec_h264_deblock_chroma_v_avx2,
    .deblock_chroma_h = codec_h264_deblock_chroma_h_avx2,
    .deblock_strengths = codec_h264_deblock_strengths_avx2,
    .deblock_half_v = deblock_half_v_8,
};
#endif

const H264Dsp *codec_h264_dsp(int deep, int level)
{
#if CODEC_HAS_AVX2
    if (level > 0) return deep ? &table_16_avx2 : &table_8_avx2;
#endif
    (void)level;
    return deep ? &table_16 : &table_8;
}
