/* All bodies of the H.264 kernels, for one sample size and one level: h264dsp.c includes this with
 *   SAMPLE    uint8_t or uint16_t,
 *   NAME(x)   the name of a function of this variant,
 *   TARGET    the attribute that admits its instructions,
 *   MAX_OF(m) the largest sample, m or a constant,
 *   STRENGTHS the kernel for bS, which does not touch samples. */

#define KERNEL static TARGET
#define INLINE static inline ALWAYS_INLINE TARGET

#include "h264_inter.h"
#include "h264_intra.h"
#include "h264_transform.h"
#include "h264_deblock.h"

static const H264Dsp NAME(table) = {
    .put_luma = {NAME(put_luma_00), NAME(put_luma_10), NAME(put_luma_20), NAME(put_luma_30), NAME(put_luma_01), NAME(put_luma_11),
                 NAME(put_luma_21), NAME(put_luma_31), NAME(put_luma_02), NAME(put_luma_12), NAME(put_luma_22), NAME(put_luma_32),
                 NAME(put_luma_03), NAME(put_luma_13), NAME(put_luma_23), NAME(put_luma_33)},
    .avg_luma = {NAME(avg_luma_00), NAME(avg_luma_10), NAME(avg_luma_20), NAME(avg_luma_30), NAME(avg_luma_01), NAME(avg_luma_11),
                 NAME(avg_luma_21), NAME(avg_luma_31), NAME(avg_luma_02), NAME(avg_luma_12), NAME(avg_luma_22), NAME(avg_luma_32),
                 NAME(avg_luma_03), NAME(avg_luma_13), NAME(avg_luma_23), NAME(avg_luma_33)},
    .put_chroma = NAME(put_chroma),
    .avg_chroma = NAME(avg_chroma),
    .weight = NAME(weight),
    .biweight = NAME(biweight),
    .intra4x4 = {NAME(intra4x4_0), NAME(intra4x4_1), NAME(intra4x4_2), NAME(intra4x4_3), NAME(intra4x4_4), NAME(intra4x4_5), NAME(intra4x4_6),
                 NAME(intra4x4_7), NAME(intra4x4_8)},
    H264_INTRA_TABLE,
    .bypass_add = NAME(bypass_add),
    .idct4x4_add = NAME(idct4x4_add),
    .idct4x4_dc_add = NAME(idct4x4_dc_add),
    .idct8x8_add = NAME(idct8x8_add),
    .idct8x8_dc_add = NAME(idct8x8_dc_add),
    .deblock_luma_v = NAME(deblock_luma_v),
    .deblock_luma_h = NAME(deblock_luma_h),
    .deblock_chroma_v = NAME(deblock_chroma_v),
    .deblock_chroma_h = NAME(deblock_chroma_h),
    .deblock_strengths = STRENGTHS,
    .deblock_half_v = NAME(deblock_half_v),
};

#undef KERNEL
#undef INLINE
