/* Entropy coding with the shifts of BMI2, and masks of nonzero levels by AVX2. Contracts: jpegdsp.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../bits.h"
#include "avx2.h"
#include "jpeg_x86.h"
#include "../prefetch.h"

#define NAME(x) x##_body
#define TARGET CODEC_TARGET_AVX2
#define PRESENT(zz) nonzero_of_64(zz)
#define COUNT(mask) ((int)_mm_popcnt_u64(mask))
#define FIRST(mask) (64 - codec_bit_length64(mask))
#define DEPOSIT(bits, mask) _pdep_u64(bits, mask)
#define EXTRACT(bits, mask) _pext_u64(bits, mask)
#define ODD(zz, Al) odd_levels(zz, Al)

/* Bit k is set where the sign of word k is. */
INLINE uint64_t signs_of_32(__m256i first, __m256i last)
{
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(first, last), 0xd8);
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

INLINE uint64_t odd_levels(const int16_t *level_zz, int Al)
{
    const __m128i to_sign = _mm_cvtsi32_si128(15 - Al);
    uint64_t mask = 0;
    for (int k = 0; k < 64; k += 32) {
        const __m256i first = _mm256_abs_epi16(load32(level_zz + k));
        const __m256i last = _mm256_abs_epi16(load32(level_zz + k + 16));
        mask |= signs_of_32(_mm256_sll_epi16(first, to_sign), _mm256_sll_epi16(last, to_sign)) << k;
    }
    return mask;
}

#include "../jpeg_bits.h"

AVX2 void codec_jpeg_put_mcus_avx2(JpegBits *bits, JpegRow *rows, int Ns, ptrdiff_t from, ptrdiff_t to)
{
    put_mcus_body(bits, rows, Ns, from, to);
}

AVX2 void codec_jpeg_dc_tokens_avx2(JpegTokens *t, const int16_t *dc, ptrdiff_t pitch, ptrdiff_t n)
{
    dc_tokens_body(t, dc, pitch, n);
}

AVX2 void codec_jpeg_first_tokens_avx2(JpegTokens *t, const int16_t *level_zz, const uint64_t *now, ptrdiff_t n)
{
    first_tokens_body(t, level_zz, now, n);
}

AVX2 void codec_jpeg_refined_tokens_avx2(JpegTokens *t, const int16_t *level_zz, const uint64_t *now,
                                         const uint64_t *before, ptrdiff_t n)
{
    refined_tokens_body(t, level_zz, now, before, n);
}

AVX2 const uint32_t *codec_jpeg_put_tokens_avx2(JpegBits *bits, const uint32_t *token, const uint32_t *stop,
                                                const JpegWord *words)
{
    return put_tokens_body(bits, token, stop, words);
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
            mask |= signs_of_32(beyond(load32(level_zz + 32 * half), bound),
                                beyond(load32(level_zz + 32 * half + 16), bound)) << 32 * half;
        }
        *masks = mask;
    }
}

AVX2 ptrdiff_t codec_jpeg_next_marker_avx2(const uint8_t *data, ptrdiff_t n)
{
    const __m256i ff = _mm256_set1_epi8(-1);
    ptrdiff_t at = 0;
    for (; n - at >= 33; at += 32) {
        prefetch(data + at + 2048); /* mostly, nobody has read the data before */
        const __m256i next = load32(data + at + 1);
        const __m256i none = _mm256_or_si256(_mm256_cmpeq_epi8(next, _mm256_setzero_si256()),
                                             _mm256_cmpeq_epi8(next, ff));
        const __m256i marks = _mm256_andnot_si256(none, _mm256_cmpeq_epi8(load32(data + at), ff));
        const uint32_t mask = (uint32_t)_mm256_movemask_epi8(marks);
        if (mask) return at + codec_lowest_bit(mask);
    }
    for (; at + 1 < n; at++)
        if (data[at] == 0xFF && data[at + 1] != 0 && data[at + 1] != 0xFF) return at;
    return n;
}

/* 32 bytes at a time, up to an FF: no more is written than is read. */
AVX2 ptrdiff_t codec_jpeg_unstuff_avx2(const uint8_t *data, ptrdiff_t n, uint8_t *plain)
{
    const __m256i ff = _mm256_set1_epi8(-1);
    const uint8_t *const end = data + n;
    uint8_t *const begin = plain;
    while (end - data >= 33) {
        const __m256i bytes = load32(data);
        const uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, ff));
        store32(plain, bytes);
        if (!mask) {
            data += 32;
            plain += 32;
            continue;
        }
        data += codec_lowest_bit(mask) + 1;
        plain += codec_lowest_bit(mask);
        if (*data == 0) {
            *plain++ = 0xFF;
            data++;
        }
    }
    while (data < end) {
        const uint8_t byte = *data++;
        if (byte != 0xFF) {
            *plain++ = byte;
        } else if (data < end && *data == 0) {
            *plain++ = byte;
            data++;
        }
    }
    return plain - begin;
}
#else
typedef int codec_jpeg_bits_avx2_is_empty;
#endif
