/* The choice of levels with more lanes, and masks of nonzero levels by AVX2. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "avx2.h"
#include "jpeg_avx2.h"

#define NAME(x) x##_body
#define TARGET CODEC_TARGET_AVX2
#define PRESENT(zz) nonzero_of_64(zz)
#include "../jpeg_trellis.h"

AVX2 void codec_jpeg_trellis_avx2(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates,
                                  const float *weights, int16_t *level_zz, uint32_t *counts, ptrdiff_t n)
{
    trellis_body(coef_zz, recip_zz, rates, weights, level_zz, counts, n);
}

AVX2 void codec_jpeg_count_levels_avx2(const int16_t *coef_zz, const float *recip_zz, float rounding, uint32_t *counts,
                                       ptrdiff_t n)
{
    count_levels_body(coef_zz, recip_zz, rounding, counts, n);
}
#else
typedef int codec_jpeg_trellis_avx2_is_empty;
#endif
