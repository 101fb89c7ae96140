/* All bodies of the H.264 kernels, for one sample size and one level. h264dsp.c includes this with
 *   SAMPLE    uint8_t or uint16_t,
 *   NAME(x)   the name of a function of this variant,
 *   TARGET    the attribute that enables its instructions,
 *   MAX_OF(m) the largest sample, m or a constant. */

#define KERNEL static TARGET
#define INLINE static inline CODEC_ALWAYS_INLINE TARGET

#include "h264_inter.h"
#include "h264_intra.h"
#include "h264_transform.h"
#include "h264_deblock.h"

#undef KERNEL
#undef INLINE
