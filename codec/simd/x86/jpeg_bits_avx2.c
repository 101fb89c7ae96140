/* Entropy coding with the shifts of BMI2, and masks of nonzero levels by AVX2. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "avx2.h"
#include "jpeg_avx2.h"

#define NAME(x) x##_body
#define TARGET CODEC_TARGET_AVX2
#define PRESENT(zz) nonzero_of_64(zz)
#define COUNT(mask) ((int)_mm_popcnt_u64(mask))
#define FIRST(mask) (64 - codec_bit_length64(mask))
#define DEPOSIT(bits, mask) _pdep_u64(bits, mask)
#include "../jpeg_bits.h"

AVX2 void codec_jpeg_put_mcus_avx2(JpegBits *bits, JpegRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    put_mcus_body(bits, rows, Ns, from, to);
}

AVX2 ptrdiff_t codec_jpeg_read_mcus_avx2(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    return read_mcus_body(reader, rows, Ns, from, to);
}

AVX2 ptrdiff_t codec_jpeg_skim_mcus_avx2(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    return skim_mcus_body(reader, rows, Ns, from, to);
}

AVX2 ptrdiff_t codec_jpeg_read_bands_avx2(JpegReader *reader, JpegBand *band, ptrdiff_t from, ptrdiff_t to)
{
    return read_bands_body(reader, band, from, to);
}

AVX2 ptrdiff_t codec_jpeg_refine_bands_avx2(JpegReader *reader, JpegBand *band, ptrdiff_t from, ptrdiff_t to)
{
    return refine_bands_body(reader, band, from, to);
}

AVX2 ptrdiff_t codec_jpeg_read_dcs_avx2(JpegReader *reader, JpegReadRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to,
                                        int Ah, int Al)
{
    return read_dcs_body(reader, rows, Ns, from, to, Ah, Al);
}

INLINE __m256i beyond(__m256i v, __m256i least)
{
    return _mm256_or_si256(_mm256_cmpgt_epi16(v, least),
                           _mm256_cmpgt_epi16(_mm256_sub_epi16(_mm256_setzero_si256(), least), v));
}

AVX2 void codec_jpeg_significance_avx2(const int16_t *level_zz, int least, uint64_t *masks, ptrdiff_t n)
{
    const __m256i bound = _mm256_set1_epi16((int16_t)least);
    for (; n > 0; n--, level_zz += 64, masks++) {
        uint64_t mask = 0;
        for (int half = 0; half < 2; half++) {
            const __m256i bytes = _mm256_packs_epi16(beyond(load32(level_zz + 32 * half), bound),
                                                     beyond(load32(level_zz + 32 * half + 16), bound));
            mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(bytes, 0xd8)) << 32 * half;
        }
        *masks = mask;
    }
}
#else
typedef int codec_jpeg_bits_avx2_is_empty;
#endif
