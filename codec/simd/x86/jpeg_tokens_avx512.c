/* Tokens of AC bands for AVX-512: up to 16 coefficients of a block side by side, without a branch for each. Blocks with
 * more of them, or with long runs, are left to the bodies of jpeg_band_blocks.h. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "../prefetch.h"
#include "avx512.h"
#include "jpeg_x86.h"

INLINE uint64_t odd_levels(const int16_t *level_zz, int Al)
{
    const __m512i bit = _mm512_set1_epi16((int16_t)(1 << Al));
    return mask_of(_mm512_test_epi16_mask(_mm512_abs_epi16(_mm512_loadu_si512(level_zz)), bit),
                   _mm512_test_epi16_mask(_mm512_abs_epi16(_mm512_loadu_si512(level_zz + 32)), bit));
}

INLINE uint64_t positive_levels(const int16_t *level_zz)
{
    const __m512i zero = _mm512_setzero_si512();
    return mask_of(_mm512_cmpgt_epi16_mask(_mm512_loadu_si512(level_zz), zero),
                   _mm512_cmpgt_epi16_mask(_mm512_loadu_si512(level_zz + 32), zero));
}

#define NAME(x) x##_body
#define TARGET AVX512
#define COUNT(mask) ((int)_mm_popcnt_u64(mask))
#define EXTRACT(bits, mask) _pext_u64(bits, mask)
#define ODD(zz, Al) odd_levels(zz, Al)
#define COUNT_SYMBOL(t, symbol) ((void)0) /* later, by count_tokens */
#include "../jpeg_band_blocks.h"

enum { LANES = 16 };

/* The places of the first 16 set bits in 32-bit lanes; 0 in those left over. */
INLINE __m512i wide_places_of(uint64_t mask)
{
    return _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places_of(mask)));
}

/* The place behind that of the lane before; `begin` in the first lane. */
INLINE __m512i begins_of(__m512i place, int begin)
{
    return _mm512_alignr_epi32(_mm512_add_epi32(place, _mm512_set1_epi32(1)), _mm512_set1_epi32(begin), LANES - 1);
}

INLINE int any_above_15(__m512i v, int lanes)
{
    return _mm512_mask_cmpgt_epu32_mask((__mmask16)((1u << lanes) - 1), v, _mm512_set1_epi32(15)) != 0;
}

/* `lanes` symbols run << 4 | size, and the bits that follow each. */
INLINE void add_tokens(JpegTokens *t, __m512i run, __m512i size, __m512i rest, int lanes)
{
    const __m512i symbol = _mm512_or_si512(_mm512_slli_epi32(run, 24), _mm512_slli_epi32(size, 20));
    const __m512i table = _mm512_set1_epi32((int)t->table);
    _mm512_storeu_si512(t->next, _mm512_or_si512(_mm512_or_si512(table, symbol), rest));
    t->next += lanes;
}

INLINE void first_block(JpegTokens *t, const int16_t *level_zz, uint64_t present)
{
    const int lanes = COUNT(present);
    const __m128i places = _mm512_castsi512_si128(places_of(present));
    const __m512i k = _mm512_cvtepu8_epi32(places), run = _mm512_sub_epi32(k, begins_of(k, t->Ss));
    if (CODEC_UNLIKELY(lanes > LANES || any_above_15(run, lanes))) {
        first_block_body(t, level_zz, present);
        return;
    }
    const __m512i words = _mm512_permutex2var_epi16(_mm512_loadu_si512(level_zz),
                                                    _mm512_castsi256_si512(_mm256_cvtepu8_epi16(places)),
                                                    _mm512_loadu_si512(level_zz + 32));
    const __m512i v = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(words));
    const __m512i magnitude = _mm512_srl_epi32(_mm512_abs_epi32(v), _mm_cvtsi32_si128(t->Al));
    /* the exponent of a float, 127 for 1, is its number of bits and 126 */
    const __m512i exponent = _mm512_srli_epi32(_mm512_castps_si512(_mm512_cvtepi32_ps(magnitude)), 23);
    const __m512i size = _mm512_sub_epi32(exponent, _mm512_set1_epi32(126));
    const __m512i above = _mm512_sllv_epi32(_mm512_set1_epi32(-1), size);
    const __m512i low = _mm512_andnot_si512(above, _mm512_xor_si512(magnitude, _mm512_srai_epi32(v, 31)));
    add_tokens(t, run, size, low, lanes);
}

/* Runs are counted among the coefficients that were zero before, corrections among those that are not zero now. */
INLINE Corrections_body refined_block(JpegTokens *t, const int16_t *level_zz, uint64_t fresh, uint64_t old)
{
    const int lanes = COUNT(fresh), corrections = COUNT(old);
    const uint64_t bits = mirrored_body(_pext_u64(odd_levels(level_zz, t->Al), old));
    if (!fresh) return (Corrections_body){bits, corrections};
    const __m512i among_zeros = wide_places_of(_pext_u64(fresh, t->band & ~old));
    const __m512i among_others = wide_places_of(_pext_u64(fresh, fresh | old));
    const __m512i run = _mm512_sub_epi32(among_zeros, begins_of(among_zeros, 0));
    const __m512i others = begins_of(among_others, 0), n = _mm512_sub_epi32(among_others, others);
    if (CODEC_UNLIKELY(lanes > LANES || corrections > 32 || any_above_15(_mm512_max_epu32(run, n), lanes)))
        return refined_block_body(t, level_zz, fresh, old);
    end_run_body(t);
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i from_here = _mm512_sllv_epi32(_mm512_set1_epi32((int)(bits >> 32)), _mm512_sub_epi32(others, lane));
    const __m512i these = _mm512_srlv_epi32(from_here, _mm512_sub_epi32(_mm512_set1_epi32(32), n));
    const __mmask16 positive = (__mmask16)_pext_u64(positive_levels(level_zz), fresh);
    const __m512i sign = _mm512_sllv_epi32(_mm512_maskz_set1_epi32(positive, 1), n);
    const __m512i rest = _mm512_or_si512(_mm512_slli_epi32(n, 16), _mm512_or_si512(sign, these));
    add_tokens(t, run, _mm512_set1_epi32(1), rest, lanes);
    const int left = COUNT(old >> (codec_bit_length64(fresh) - 1));
    return (Corrections_body){left ? bits << (corrections - left) : 0, left};
}

#define FIRST_BLOCK first_block
#define REFINED_BLOCK refined_block
#include "../jpeg_bands.h"

/* Symbols go to four counts in turn: the same one twice would wait for its last store. Raw strings have none. */
AVX512 static void count_tokens(const uint32_t *token, const uint32_t *end, uint32_t *counts)
{
    uint32_t part[4][256];
    for (int i = 0; i < 4 * 256; i += LANES) _mm512_storeu_si512(part[0] + i, _mm512_setzero_si512());
    while (token < end) {
        if (CODEC_LIKELY(end - token >= 4 && !((token[0] | token[1] | token[2] | token[3]) >> 31))) {
            for (int i = 0; i < 4; i++) part[i][token[i] >> 20 & 0xFF]++;
            token += 4;
        } else {
            part[0][*token >> 20 & 0xFF] += !(*token >> 31);
            token++;
        }
    }
    for (int i = 0; i < 256; i++) counts[i] += part[0][i] + part[1][i] + part[2][i] + part[3][i];
}

AVX512 void codec_jpeg_first_tokens_avx512(JpegTokens *t, const int16_t *level_zz, const uint64_t *now, ptrdiff_t n)
{
    const uint32_t *begin = t->next;
    first_tokens_body(t, level_zz, now, n);
    count_tokens(begin, t->next, t->counts);
}

AVX512 void codec_jpeg_refined_tokens_avx512(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                             const uint64_t *before, ptrdiff_t n)
{
    const uint32_t *begin = t->next;
    refined_tokens_body(t, level_zz, now, before, n);
    count_tokens(begin, t->next, t->counts);
}
#else
typedef int codec_jpeg_tokens_avx512_is_empty;
#endif
