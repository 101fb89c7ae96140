/* AVX2 kernels over rows of samples. Contracts: jpegdsp.h; constants: jpeg_color.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../jpeg_color.h"
#include "avx2.h"
#include "jpeg_x86.h"

/* ---------------------------------------------------------------- RGB to YCbCr */

/* Two words, the first in the lower half of each lane of 32 bits. */
#define WORDS(a, b) _mm256_set1_epi32((int)((uint32_t)(uint16_t)(a) | (uint32_t)(uint16_t)(b) << 16))

/* Four pixels in each half of v, as words R G and B G in turn: two sums of two products give each component.
 *   Y = 0.299 R + 0.337 G + 0.114 B + 0.25 G, 0.337 + 0.25 being 0.587 in sixteen bits each
 *   -Cb = 0.168736 R + 0.331264 G - 0.5 B, because 0.5 itself does not fit; likewise -Cr. The offset is less than
 * 2^24. */
INLINE void ycc_of_8(__m256i v, __m256i rg_of, __m256i bg_of, __m256i *y, __m256i *cb, __m256i *cr)
{
    const __m256i rg = _mm256_shuffle_epi8(v, rg_of), bg = _mm256_shuffle_epi8(v, bg_of);
    const __m256i zero = _mm256_set1_epi32(CHROMA_ZERO);
    const __m256i sum = _mm256_add_epi32(_mm256_madd_epi16(rg, WORDS(Y_R, Y_G - 16384)),
                                         _mm256_madd_epi16(bg, WORDS(Y_B, 16384)));
    const __m256i minus_cb =
        _mm256_add_epi32(_mm256_madd_epi16(rg, WORDS(CB_R, CB_G)), _mm256_madd_epi16(bg, WORDS(-32768, 0)));
    const __m256i minus_cr =
        _mm256_add_epi32(_mm256_madd_epi16(rg, WORDS(-32768, CR_G)), _mm256_madd_epi16(bg, WORDS(CR_B, 0)));
    *y = _mm256_srli_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(ONE_HALF)), 16);
    *cb = _mm256_srli_epi32(_mm256_sub_epi32(zero, minus_cb), 16);
    *cr = _mm256_srli_epi32(_mm256_sub_epi32(zero, minus_cr), 16);
}

INLINE __m256i bytes_of(const __m256i *v)
{
    return _mm256_packus_epi16(_mm256_packus_epi32(v[0], v[1]), _mm256_packus_epi32(v[2], v[3]));
}

/* 32 pixels; 16 bytes are read from every fourth one on, but none beyond the third of the last one. The halves of
 * vector i hold pixels 4 i and 16 + 4 i, so that the packing inside halves ends in order. */
INLINE void ycc_of_32(const uint8_t *rgb, ptrdiff_t step, __m256i rg_of, __m256i bg_of, uint8_t *Y, uint8_t *Cb,
                      uint8_t *Cr)
{
    const __m128i last = step == 3 ? _mm_srli_si128(load16(rgb + 28 * 3 - 4), 4)
                                   : _mm_srli_si128(load16(rgb + 28 * 4 - 1), 1);
    __m256i y[4], cb[4], cr[4];
    for (int i = 0; i < 4; i++)
        ycc_of_8(both(load16(rgb + 4 * i * step), i == 3 ? last : load16(rgb + (16 + 4 * i) * step)), rg_of, bg_of,
                 y + i, cb + i, cr + i);
    _mm256_storeu_si256((__m256i *)Y, bytes_of(y));
    _mm256_storeu_si256((__m256i *)Cb, bytes_of(cb));
    _mm256_storeu_si256((__m256i *)Cr, bytes_of(cr));
}

AVX2 void codec_jpeg_rgb_to_ycc_avx2(const uint8_t *rgb, ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr,
                                     ptrdiff_t n)
{
    const __m256i rg_of = twice(step == 3 ? _mm_setr_epi8(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1)
                                          : _mm_setr_epi8(0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1));
    const __m256i bg_of = twice(step == 3 ? _mm_setr_epi8(2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1)
                                          : _mm_setr_epi8(2, -1, 1, -1, 6, -1, 5, -1, 10, -1, 9, -1, 14, -1, 13, -1));
    uint8_t pixels[32 * 4], last[3][32];
    const ptrdiff_t all = n;
    for (; n >= 32; n -= 32, rgb += 32 * step, Y += 32, Cb += 32, Cr += 32)
        ycc_of_32(rgb, step, rg_of, bg_of, Y, Cb, Cr);
    if (n > 0 && all >= 32) {
        /* the last 32, some of them again */
        ycc_of_32(rgb - (32 - n) * step, step, rg_of, bg_of, Y - (32 - n), Cb - (32 - n), Cr - (32 - n));
    } else if (n > 0) {
        memset(pixels, 0, sizeof(pixels));
        memcpy(pixels, rgb, (size_t)(n - 1) * (size_t)step + 3);
        ycc_of_32(pixels, step, rg_of, bg_of, last[0], last[1], last[2]);
        memcpy(Y, last[0], (size_t)n);
        memcpy(Cb, last[1], (size_t)n);
        memcpy(Cr, last[2], (size_t)n);
    }
}

/* ---------------------------------------------------------------- YCbCr to RGB */

/* 16 pixels as words. 1.402 is 1 + 0.402, 1.772 is 2 - 0.228, and 0.714136 is 1 - 0.285864, so that factors fit 16
 * bits. The upper half of the product with 2 c is c f >> 15; adding one and halving rounds it as c f + 2^15 >> 16
 * would. */
INLINE void rgb_of_16(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, __m256i *r, __m256i *g, __m256i *b)
{
    const __m256i centre = _mm256_set1_epi16(128), one = _mm256_set1_epi16(1), half = _mm256_set1_epi32(ONE_HALF);
    const __m256i green = WORDS(-G_CB, 65536 - G_CR);
    const __m256i y = _mm256_cvtepu8_epi16(load16(Y)), cb = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(Cb)), centre),
                  cr = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(Cr)), centre);
    const __m256i cb2 = _mm256_add_epi16(cb, cb), cr2 = _mm256_add_epi16(cr, cr);
    const __m256i red = _mm256_mulhi_epi16(cr2, _mm256_set1_epi16(R_CR - 65536)),
                  blue = _mm256_mulhi_epi16(cb2, _mm256_set1_epi16(B_CB - 2 * 65536));
    const __m256i lower = _mm256_madd_epi16(_mm256_unpacklo_epi16(cb, cr), green),
                  upper = _mm256_madd_epi16(_mm256_unpackhi_epi16(cb, cr), green);
    *r = _mm256_add_epi16(_mm256_add_epi16(y, cr), _mm256_srai_epi16(_mm256_add_epi16(red, one), 1));
    *b = _mm256_add_epi16(_mm256_add_epi16(y, cb2), _mm256_srai_epi16(_mm256_add_epi16(blue, one), 1));
    *g = _mm256_add_epi16(_mm256_sub_epi16(y, cr),
                          _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(lower, half), 16),
                                             _mm256_srai_epi32(_mm256_add_epi32(upper, half), 16)));
}

/* Bytes 16 k to 16 k + 15 of 16 pixels of three bytes: which byte of a component, the first, second or third of a
 * pixel, goes to each place; -1 elsewhere. */
#define FROM(k, i, c) (char)((16 * (k) + (i)) % 3 == (c) ? (16 * (k) + (i)) / 3 : -1)
#define PLACES(k, c)                                                                                             \
    twice(_mm_setr_epi8(FROM(k, 0, c), FROM(k, 1, c), FROM(k, 2, c), FROM(k, 3, c), FROM(k, 4, c), FROM(k, 5, c), \
                        FROM(k, 6, c), FROM(k, 7, c), FROM(k, 8, c), FROM(k, 9, c), FROM(k, 10, c), FROM(k, 11, c), \
                        FROM(k, 12, c), FROM(k, 13, c), FROM(k, 14, c), FROM(k, 15, c)))
#define THIRD(k)                                                                                               \
    _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(r, PLACES(k, 0)), _mm256_shuffle_epi8(g, PLACES(k, 1))), \
                    _mm256_shuffle_epi8(b, PLACES(k, 2)))

INLINE void rgb_of_32(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, ptrdiff_t step)
{
    __m256i r0, g0, b0, r1, g1, b1, r, g, b;
    rgb_of_16(Y, Cb, Cr, &r0, &g0, &b0);
    rgb_of_16(Y + 16, Cb + 16, Cr + 16, &r1, &g1, &b1);
    r = _mm256_permute4x64_epi64(_mm256_packus_epi16(r0, r1), 0xd8);
    g = _mm256_permute4x64_epi64(_mm256_packus_epi16(g0, g1), 0xd8);
    b = _mm256_permute4x64_epi64(_mm256_packus_epi16(b0, b1), 0xd8);
    if (step == 3) {
        const __m256i v0 = THIRD(0), v1 = THIRD(1), v2 = THIRD(2);
        store16(rgb, low(v0));
        store16(rgb + 16, low(v1));
        store16(rgb + 32, low(v2));
        store16(rgb + 48, high(v0));
        store16(rgb + 64, high(v1));
        store16(rgb + 80, high(v2));
    } else {
        const __m256i zero = _mm256_setzero_si256();
        const __m256i rg0 = _mm256_unpacklo_epi8(r, g), rg1 = _mm256_unpackhi_epi8(r, g);
        const __m256i bx0 = _mm256_unpacklo_epi8(b, zero), bx1 = _mm256_unpackhi_epi8(b, zero);
        const __m256i v[4] = {_mm256_unpacklo_epi16(rg0, bx0), _mm256_unpackhi_epi16(rg0, bx0),
                              _mm256_unpacklo_epi16(rg1, bx1), _mm256_unpackhi_epi16(rg1, bx1)};
        for (int i = 0; i < 4; i++) {
            store16(rgb + 16 * i, low(v[i]));
            store16(rgb + 64 + 16 * i, high(v[i]));
        }
    }
}

AVX2 void codec_jpeg_ycc_to_rgb_avx2(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb,
                                     ptrdiff_t step, ptrdiff_t n)
{
    uint8_t samples[3][32], pixels[32 * 4];
    const ptrdiff_t all = n;
    /* with four bytes for a pixel the fourth byte of the last one must stay */
    for (; n >= (step == 3 ? 32 : 33); n -= 32, Y += 32, Cb += 32, Cr += 32, rgb += 32 * step)
        rgb_of_32(Y, Cb, Cr, rgb, step);
    if (n > 0 && step == 3 && all >= 32) {
        /* the last 32, some of them again */
        rgb_of_32(Y - (32 - n), Cb - (32 - n), Cr - (32 - n), rgb - (32 - n) * step, step);
    } else if (n > 0) {
        memset(samples, 0, sizeof(samples));
        memcpy(samples[0], Y, (size_t)n);
        memcpy(samples[1], Cb, (size_t)n);
        memcpy(samples[2], Cr, (size_t)n);
        rgb_of_32(samples[0], samples[1], samples[2], pixels, step);
        memcpy(rgb, pixels, (size_t)(n - 1) * (size_t)step + 3);
    }
}

/* ---------------------------------------------------------------- downsampling */

/* 16 means; vpmaddubsw adds neighbours. */
INLINE __m256i means_of_16(const uint8_t *row0, const uint8_t *row1)
{
    const __m256i ones = _mm256_set1_epi8(1), bias = _mm256_set1_epi32(2 << 16 | 1); /* 1 and 2 in turn */
    const __m256i sums = _mm256_add_epi16(_mm256_maddubs_epi16(load32(row0), ones),
                                          _mm256_maddubs_epi16(load32(row1), ones));
    return _mm256_srli_epi16(_mm256_add_epi16(sums, bias), 2);
}

AVX2 void codec_jpeg_downsample_h2v2_avx2(const uint8_t *row0, const uint8_t *row1, uint8_t *out, ptrdiff_t n_out)
{
    ptrdiff_t i = 0;
    for (; i + 16 <= n_out; i += 16) store16(out + i, pack(means_of_16(row0 + 2 * i, row1 + 2 * i)));
    for (; i < n_out; i++)
        out[i] = (uint8_t)((row0[2 * i] + row0[2 * i + 1] + row1[2 * i] + row1[2 * i + 1] + 1 + (i & 1)) >> 2);
}

/* Two rows of bytes with one factor: sums of the products, as words of the lower and of the upper half of each lane. */
INLINE void add_rows(const uint8_t *a, const uint8_t *b, int factor, __m256i *lower, __m256i *upper)
{
    const __m256i va = load32(a), vb = load32(b), f = _mm256_set1_epi8((char)factor);
    *lower = _mm256_add_epi16(*lower, _mm256_maddubs_epi16(_mm256_unpacklo_epi8(va, vb), f));
    *upper = _mm256_add_epi16(*upper, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(va, vb), f));
}

INLINE void pair_rows_of_32(const uint8_t *row, ptrdiff_t stride, int16_t *sums)
{
    __m256i lower = _mm256_setzero_si256(), upper = lower;
    add_rows(row, row + stride, 43, &lower, &upper);
    add_rows(row - 2 * stride, row + 3 * stride, -14, &lower, &upper);
    add_rows(row - 4 * stride, row + 5 * stride, 4, &lower, &upper);
    add_rows(row - 6 * stride, row + 7 * stride, -1, &lower, &upper);
    store32(sums, _mm256_permute2x128_si256(lower, upper, 0x20));
    store32(sums + 16, _mm256_permute2x128_si256(lower, upper, 0x31));
}

AVX2 void codec_jpeg_pair_rows_avx2(const uint8_t *row, ptrdiff_t stride, int16_t *sums, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 32 <= n; i += 32) pair_rows_of_32(row + i, stride, sums + i);
    if (i < n && n >= 32) {
        pair_rows_of_32(row + n - 32, stride, sums + n - 32); /* the last 32, some of them again */
        i = n;
    }
    for (const uint8_t *p = row + i; i < n; i++, p++)
        sums[i] = (int16_t)codec_jpeg_pair_mean(p[0], p[stride], p[-2 * stride], p[3 * stride], p[-4 * stride],
                                                p[5 * stride], p[-6 * stride], p[7 * stride]);
}

/* The one before and the one after each pair, `reach` pairs away, with one factor. */
INLINE __m256i of_pairs(const int16_t *sums, int reach, int factor)
{
    return _mm256_madd_epi16(_mm256_blend_epi16(load32(sums - 2 * reach), load32(sums + 2 * reach), 0xaa),
                             WORDS(factor, factor));
}

INLINE __m256i pair_columns_of_8(const int16_t *sums)
{
    const __m256i near_sum = _mm256_add_epi32(_mm256_madd_epi16(load32(sums), WORDS(43, 43)), of_pairs(sums, 1, -14));
    const __m256i far_sum = _mm256_add_epi32(of_pairs(sums, 2, 4), of_pairs(sums, 3, -1));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(near_sum, far_sum), _mm256_set1_epi32(128));
    return _mm256_srai_epi32(sum, 8);
}

INLINE void pair_columns_of_16(const int16_t *sums, uint8_t *out, uint8_t *sixteenths)
{
    const __m256i means = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(pair_columns_of_8(sums), pair_columns_of_8(sums + 16)), 0xd8);
    const __m256i clamped = _mm256_max_epi16(_mm256_min_epi16(means, _mm256_set1_epi16(255 << 4)),
                                             _mm256_setzero_si256());
    store16(out, pack(_mm256_srli_epi16(clamped, 4)));
    store16(sixteenths, pack(_mm256_and_si256(clamped, _mm256_set1_epi16(15))));
}

AVX2 void codec_jpeg_pair_columns_avx2(const int16_t *sums, uint8_t *out, uint8_t *sixteenths, ptrdiff_t n_out)
{
    int16_t last_sums[2 * (6 + 16)] = {0};
    uint8_t last[2][16];
    ptrdiff_t i = 0;
    for (; i + 16 <= n_out; i += 16) pair_columns_of_16(sums + 2 * i, out + i, sixteenths + i);
    if (i < n_out) {
        const size_t m = (size_t)(n_out - i);
        memcpy(last_sums, sums + 2 * i - 6, 2 * (m + 6) * sizeof(int16_t));
        pair_columns_of_16(last_sums + 6, last[0], last[1]);
        memcpy(out + i, last[0], m);
        memcpy(sixteenths + i, last[1], m);
    }
}

/* ---------------------------------------------------------------- upsampling */

/* 3 near + far of 16 samples: at most 1020. */
INLINE __m256i triangle(const uint8_t *near_row, const uint8_t *far_row)
{
    const __m256i v = _mm256_cvtepu8_epi16(load16(near_row));
    return _mm256_add_epi16(_mm256_add_epi16(_mm256_slli_epi16(v, 1), v), _mm256_cvtepu8_epi16(load16(far_row)));
}

INLINE void upsample_16(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out)
{
    const __m256i own = triangle(near_row, far_row), own3 = _mm256_add_epi16(_mm256_slli_epi16(own, 1), own);
    const __m256i before = _mm256_add_epi16(own3, triangle(near_row - 1, far_row - 1));
    const __m256i after = _mm256_add_epi16(own3, triangle(near_row + 1, far_row + 1));
    const __m256i even = _mm256_srli_epi16(_mm256_add_epi16(before, _mm256_set1_epi16(8)), 4);
    const __m256i odd = _mm256_srli_epi16(_mm256_add_epi16(after, _mm256_set1_epi16(7)), 4);
    _mm256_storeu_si256((__m256i *)out, _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
}

AVX2 void codec_jpeg_upsample_h2v2_avx2(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out, ptrdiff_t n)
{
#define SUM(i) (3 * near_row[i] + far_row[i])
    ptrdiff_t i = 1;
    out[0] = (uint8_t)((4 * SUM(0) + 8) >> 4);
    out[1] = (uint8_t)((3 * SUM(0) + SUM(1) + 7) >> 4);
    for (; i + 17 <= n; i += 16) upsample_16(near_row + i, far_row + i, out + 2 * i);
    if (i > 1 && i < n - 1) { /* the last sixteen, some of them again */
        i = n - 17;
        upsample_16(near_row + i, far_row + i, out + 2 * i);
        i = n - 1;
    }
    for (; i < n - 1; i++) {
        out[2 * i] = (uint8_t)((3 * SUM(i) + SUM(i - 1) + 8) >> 4);
        out[2 * i + 1] = (uint8_t)((3 * SUM(i) + SUM(i + 1) + 7) >> 4);
    }
    out[2 * n - 2] = (uint8_t)((3 * SUM(n - 1) + SUM(n - 2) + 8) >> 4);
    out[2 * n - 1] = (uint8_t)((4 * SUM(n - 1) + 7) >> 4);
#undef SUM
}
#else
typedef int codec_jpeg_color_avx2_is_empty;
#endif
