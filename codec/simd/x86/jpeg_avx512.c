/* AVX-512 kernels of JPEG, where they gain: twice the lanes of AVX2, sums of products in one instruction (VNNI),
 * permutations of all bytes (VBMI), masks for the ends of rows. Contracts: jpegdsp.h; the mathematics: jpeg_color.h,
 * jpeg_transform.h. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include <string.h>

#include "../bits.h"
#include "../jpeg_color.h"
#include "../jpeg_transform.h"
#include "avx512.h"
#include "jpeg_x86.h"

#define VECTOR __m512i
#define V(name) _mm512_##name
#define ADD_MADD _mm512_dpwssd_epi32
#include "jpeg_fdct.h"
#define ODD_WORDS(a, b) _mm512_mask_blend_epi16(0xaaaaaaaa, a, b)
#include "jpeg_idct.h"

/* A mask of the n lowest of 64 bits; all for a larger n, none for a negative one. */
INLINE uint64_t lowest(ptrdiff_t n) { return n >= 64 ? ~0ull : n <= 0 ? 0 : _bzhi_u64(~0ull, (unsigned)n); }

/* ---------------------------------------------------------------- RGB to YCbCr */

/* Bytes whose four groups of 16 hold four groups of four pixels: vector i has pixels 16 i to 16 i + 15, and packing
 * works within lanes. */
INLINE __m512i bytes_of(const __m512i *v)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_packus_epi16(_mm512_packus_epi32(v[0], v[1]), _mm512_packus_epi32(v[2], v[3]));
    return _mm512_permutexvar_epi32(order, bytes);
}

/* Where the components of 16 pixels are, as words A B in turn. */
INLINE __m512i pairs_at(ptrdiff_t step, int a, int b)
{
    uint8_t at[64];
    for (int i = 0; i < 16; i++) {
        at[4 * i] = (uint8_t)(step * i + a);
        at[4 * i + 2] = (uint8_t)(step * i + b);
        at[4 * i + 1] = at[4 * i + 3] = 0;
    }
    return _mm512_loadu_si512(at);
}

/* n pixels, 64 at most. The products are those of ycc_of_8 of jpeg_color_avx2.c. Chroma is found as 255 less its value,
 * because 0.5 itself does not fit: 255 - floor(x / 2^16) = floor((2^24 - 1 - x) / 2^16). */
INLINE void ycc_of_64(const uint8_t *rgb, ptrdiff_t step, __m512i rg_of, __m512i bg_of, uint8_t *Y, uint8_t *Cb,
                      uint8_t *Cr, ptrdiff_t n)
{
    const __m512i half = _mm512_set1_epi32(ONE_HALF), least = _mm512_set1_epi32((256 << 16) - 1 - CHROMA_ZERO);
    const __m512i all = _mm512_set1_epi8(-1);
    const ptrdiff_t bytes = (n - 1) * step + 3;
    __m512i y[4], cb[4], cr[4];
    for (int i = 0; i < 4; i++) {
        const __m512i v = _mm512_maskz_loadu_epi8(lowest(bytes - 16 * i * step), rgb + 16 * i * step);
        const __m512i rg = _mm512_maskz_permutexvar_epi8(0x5555555555555555, rg_of, v);
        const __m512i bg = _mm512_maskz_permutexvar_epi8(0x5555555555555555, bg_of, v);
        y[i] = ADD_MADD(ADD_MADD(half, rg, WORDS(Y_R, Y_G - 16384)), bg, WORDS(Y_B, 16384));
        cb[i] = ADD_MADD(ADD_MADD(least, rg, WORDS(CB_R, CB_G)), bg, WORDS(-32768, 0));
        cr[i] = ADD_MADD(ADD_MADD(least, rg, WORDS(-32768, CR_G)), bg, WORDS(CR_B, 0));
        y[i] = _mm512_srli_epi32(y[i], 16);
        cb[i] = _mm512_srli_epi32(cb[i], 16);
        cr[i] = _mm512_srli_epi32(cr[i], 16);
    }
    _mm512_mask_storeu_epi8(Y, lowest(n), bytes_of(y));
    _mm512_mask_storeu_epi8(Cb, lowest(n), _mm512_xor_si512(bytes_of(cb), all));
    _mm512_mask_storeu_epi8(Cr, lowest(n), _mm512_xor_si512(bytes_of(cr), all));
}

INLINE void ycc_of_all(const uint8_t *rgb, const ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr, ptrdiff_t n)
{
    const __m512i rg_of = pairs_at(step, 0, 1), bg_of = pairs_at(step, 2, 1);
    for (; n >= 64; n -= 64, rgb += 64 * step, Y += 64, Cb += 64, Cr += 64)
        ycc_of_64(rgb, step, rg_of, bg_of, Y, Cb, Cr, 64);
    if (n > 0) ycc_of_64(rgb, step, rg_of, bg_of, Y, Cb, Cr, n);
}

AVX512 void codec_jpeg_rgb_to_ycc_avx512(const uint8_t *rgb, ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr,
                                         ptrdiff_t n)
{
    if (step == 3)
        ycc_of_all(rgb, 3, Y, Cb, Cr, n);
    else
        ycc_of_all(rgb, 4, Y, Cb, Cr, n);
}

/* ---------------------------------------------------------------- YCbCr to RGB */

/* 32 pixels as words: rgb_of_16 of jpeg_color_avx2.c. */
INLINE void rgb_of_32(__m256i Y, __m256i Cb, __m256i Cr, __m512i *r, __m512i *g, __m512i *b)
{
    const __m512i centre = _mm512_set1_epi16(128), one = _mm512_set1_epi16(1), half = _mm512_set1_epi32(ONE_HALF);
    const __m512i green = WORDS(-G_CB, 65536 - G_CR), y = _mm512_cvtepu8_epi16(Y);
    const __m512i cb = SUB(_mm512_cvtepu8_epi16(Cb), centre), cr = SUB(_mm512_cvtepu8_epi16(Cr), centre);
    const __m512i cb2 = ADD(cb, cb);
    const __m512i red = _mm512_mulhi_epi16(ADD(cr, cr), _mm512_set1_epi16(R_CR - 65536));
    const __m512i blue = _mm512_mulhi_epi16(cb2, _mm512_set1_epi16(B_CB - 2 * 65536));
    const __m512i lower = ADD_MADD(half, _mm512_unpacklo_epi16(cb, cr), green);
    const __m512i upper = ADD_MADD(half, _mm512_unpackhi_epi16(cb, cr), green);
    *r = ADD(ADD(y, cr), _mm512_srai_epi16(ADD(red, one), 1));
    *b = ADD(ADD(y, cb2), _mm512_srai_epi16(ADD(blue, one), 1));
    *g = ADD(SUB(y, cr), _mm512_packs_epi32(_mm512_srai_epi32(lower, 16), _mm512_srai_epi32(upper, 16)));
}

/* By byte of 64 pixels, where its pixel is among the samples of a component: packing leaves eight of the first half and
 * eight of the second in each lane. */
#define PLACE(pixel) (pixel) % 32 / 8 * 16 + (pixel) / 32 * 8 + (pixel) % 8
#define EIGHT(step, i)                                                                                            \
    PLACE((i) / step), PLACE(((i) + 1) / step), PLACE(((i) + 2) / step), PLACE(((i) + 3) / step),                 \
        PLACE(((i) + 4) / step), PLACE(((i) + 5) / step), PLACE(((i) + 6) / step), PLACE(((i) + 7) / step)
#define VECTOR_OF(step, k)                                                                                        \
    {EIGHT(step, 64 * k), EIGHT(step, 64 * k + 8), EIGHT(step, 64 * k + 16), EIGHT(step, 64 * k + 24),            \
     EIGHT(step, 64 * k + 32), EIGHT(step, 64 * k + 40), EIGHT(step, 64 * k + 48), EIGHT(step, 64 * k + 56)}
static const uint8_t PLACES_OF_3[3][64] = {VECTOR_OF(3, 0), VECTOR_OF(3, 1), VECTOR_OF(3, 2)};
static const uint8_t PLACES_OF_4[4][64] = {VECTOR_OF(4, 0), VECTOR_OF(4, 1), VECTOR_OF(4, 2), VECTOR_OF(4, 3)};

/* Which bytes of vector k are of component c. */
INLINE uint64_t bytes_of_component(ptrdiff_t step, int k, int c)
{
    return step == 3 ? 0x9249249249249249ull << (c + 2 * k) % 3 : 0x1111111111111111ull << c;
}

INLINE void rgb_of_64(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, const ptrdiff_t step,
                      ptrdiff_t n)
{
    const __mmask32 first = (uint32_t)lowest(n), last = (uint32_t)(lowest(n) >> 32);
    const ptrdiff_t bytes = (n - 1) * step + 3;
    __m512i r[2], g[2], b[2];
    rgb_of_32(_mm256_maskz_loadu_epi8(first, Y), _mm256_maskz_loadu_epi8(first, Cb),
              _mm256_maskz_loadu_epi8(first, Cr), r, g, b);
    rgb_of_32(_mm256_maskz_loadu_epi8(last, Y + 32), _mm256_maskz_loadu_epi8(last, Cb + 32),
              _mm256_maskz_loadu_epi8(last, Cr + 32), r + 1, g + 1, b + 1);
    r[0] = _mm512_packus_epi16(r[0], r[1]);
    g[0] = _mm512_packus_epi16(g[0], g[1]);
    b[0] = _mm512_packus_epi16(b[0], b[1]);
    for (int k = 0; k < step; k++) {
        const __m512i at = _mm512_loadu_si512(step == 3 ? PLACES_OF_3[k] : PLACES_OF_4[k]);
        __m512i v = _mm512_maskz_permutexvar_epi8(bytes_of_component(step, k, 0), at, r[0]);
        v = _mm512_mask_permutexvar_epi8(v, bytes_of_component(step, k, 1), at, g[0]);
        v = _mm512_mask_permutexvar_epi8(v, bytes_of_component(step, k, 2), at, b[0]);
        _mm512_mask_storeu_epi8(rgb + 64 * k, lowest(bytes - 64 * k), v);
    }
}

INLINE void rgb_of_all(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, const ptrdiff_t step,
                       ptrdiff_t n)
{
    for (; n > 64; n -= 64, Y += 64, Cb += 64, Cr += 64, rgb += 64 * step) rgb_of_64(Y, Cb, Cr, rgb, step, 65);
    if (n > 0) rgb_of_64(Y, Cb, Cr, rgb, step, n);
}

AVX512 void codec_jpeg_ycc_to_rgb_avx512(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb,
                                         ptrdiff_t step, ptrdiff_t n)
{
    if (step == 3)
        rgb_of_all(Y, Cb, Cr, rgb, 3, n);
    else
        rgb_of_all(Y, Cb, Cr, rgb, 4, n);
}

/* ---------------------------------------------------------------- forward transform */

/* Four blocks at most, side by side. */
INLINE void fdct_of_4(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, int n)
{
    const __m512i shift = _mm512_set1_epi16((int16_t)offset);
    __m512i r[8];
    for (int i = 0; i < 8; i++)
        r[i] = SUB(_mm512_cvtepu8_epi16(
                       _mm256_maskz_loadu_epi8((uint32_t)lowest(8 * n), (const void *)(samples + i * stride))),
                   shift);
    transpose(r);
    fdct_down(r, 1, CONST_BITS - PASS1_BITS);
    transpose(r);
    fdct_down(r, 0, CONST_BITS + PASS1_BITS);
    for (int i = 0; i < 8; i++) {
        int16_t *row = coef_nat + 8 * i;
        _mm_storeu_si128((__m128i *)row, _mm512_castsi512_si128(r[i]));
        if (n > 1) _mm_storeu_si128((__m128i *)(row + 64), _mm512_extracti32x4_epi32(r[i], 1));
        if (n > 2) _mm_storeu_si128((__m128i *)(row + 128), _mm512_extracti32x4_epi32(r[i], 2));
        if (n > 3) _mm_storeu_si128((__m128i *)(row + 192), _mm512_extracti32x4_epi32(r[i], 3));
    }
}

AVX512 void codec_jpeg_fdct_avx512(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, ptrdiff_t n)
{
    for (; n >= 4; n -= 4, samples += 32, coef_nat += 256) fdct_of_4(samples, stride, offset, coef_nat, 4);
    if (n) fdct_of_4(samples, stride, offset, coef_nat, (int)n);
}

/* ---------------------------------------------------------------- quantization */

/* Values of four rows as unpacking has them: those of the four first columns, then of the others. */
INLINE void columns_of(const float *rows, __m512 v[2])
{
    const __m512 upper = _mm512_loadu_ps(rows), lower = _mm512_loadu_ps(rows + 16);
    v[0] = _mm512_shuffle_f32x4(upper, lower, 0x88);
    v[1] = _mm512_shuffle_f32x4(upper, lower, 0xdd);
}

/* Four rows of coefficients: quantize_scalar. */
INLINE __m512i quotients(__m512i c, const __m512 bias[2], const __m512 recip[2])
{
    const __m512i zero = _mm512_setzero_si512(), magnitude = _mm512_abs_epi16(c);
    const __m512 left = _mm512_cvtepi32_ps(_mm512_unpacklo_epi16(magnitude, zero));
    const __m512 right = _mm512_cvtepi32_ps(_mm512_unpackhi_epi16(magnitude, zero));
    const __m512i q =
        _mm512_packus_epi32(_mm512_cvttps_epi32(_mm512_mul_ps(_mm512_add_ps(left, bias[0]), recip[0])),
                            _mm512_cvttps_epi32(_mm512_mul_ps(_mm512_add_ps(right, bias[1]), recip[1])));
    return _mm512_mask_sub_epi16(q, _mm512_movepi16_mask(c), zero, q);
}

AVX512 void codec_jpeg_quantize_avx512(const int16_t *coef_nat, const JpegQuantizer *quantizer, int16_t *level_zz,
                                       ptrdiff_t n)
{
    const __m512i first = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)NAT_OF_ZZ));
    const __m512i last = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(NAT_OF_ZZ + 32)));
    __m512 bias[4], recip[4];
    columns_of(quantizer->bias_nat, bias);
    columns_of(quantizer->bias_nat + 32, bias + 2);
    columns_of(quantizer->recip_nat, recip);
    columns_of(quantizer->recip_nat + 32, recip + 2);
    for (; n > 0; n--, coef_nat += 64, level_zz += 64) {
        const __m512i upper = quotients(_mm512_loadu_si512(coef_nat), bias, recip);
        const __m512i lower = quotients(_mm512_loadu_si512(coef_nat + 32), bias + 2, recip + 2);
        _mm512_storeu_si512(level_zz, _mm512_permutex2var_epi16(upper, first, lower));
        _mm512_storeu_si512(level_zz + 32, _mm512_permutex2var_epi16(upper, last, lower));
    }
}

/* ---------------------------------------------------------------- inverse transform */

/* Blocks of a kind, until there are four. */
typedef struct {
    const int16_t *level_nat[4];
    uint8_t *out[4];
    int n;
} Waiting;

/* low_4x4 promises zeros outside the 4x4 low corner. */
INLINE void idct_of_4(Waiting *w, const __m512i q[8], ptrdiff_t stride, const int low_4x4)
{
    __m512i r[8], c[8], v[4];
    for (int i = 0; i < (low_4x4 ? 4 : 8); i++) {
        __m512i row = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(w->level_nat[0] + 8 * i)));
        row = _mm512_inserti32x4(row, _mm_loadu_si128((const __m128i *)(w->level_nat[1] + 8 * i)), 1);
        row = _mm512_inserti32x4(row, _mm_loadu_si128((const __m128i *)(w->level_nat[2] + 8 * i)), 2);
        row = _mm512_inserti32x4(row, _mm_loadu_si128((const __m128i *)(w->level_nat[3] + 8 * i)), 3);
        r[i] = _mm512_mullo_epi16(row, q[i]);
    }
    idct_columns(r, low_4x4, c);
    idct_rows(c, low_4x4, v);
    for (int i = 0; i < 4; i++) {
        const __m128i rows[4] = {_mm512_castsi512_si128(v[i]), _mm512_extracti32x4_epi32(v[i], 1),
                                 _mm512_extracti32x4_epi32(v[i], 2), _mm512_extracti32x4_epi32(v[i], 3)};
        for (int k = 0; k < 4; k++) {
            const double second = _mm_castsi128_pd(rows[k])[1]; /* _mm_storeh_pd would require an aligned address */
            _mm_storel_epi64((__m128i *)(w->out[k] + 2 * i * stride), rows[k]);
            memcpy(w->out[k] + (2 * i + 1) * stride, &second, 8);
        }
    }
    w->n = 0;
}

INLINE void flush(Waiting *w, const __m512i q[8], ptrdiff_t stride, const int low_4x4)
{
    if (w->n == 0) return;
    for (int k = w->n; k < 4; k++) { /* the first one again */
        w->level_nat[k] = w->level_nat[0];
        w->out[k] = w->out[0];
    }
    idct_of_4(w, q, stride, low_4x4);
}

AVX512 void codec_jpeg_idct_avx512(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride,
                                   ptrdiff_t n)
{
    Waiting low = {.n = 0}, whole = {.n = 0};
    __m512i q[8];
    for (int i = 0; i < 8; i++) q[i] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(Q_nat + 8 * i)));
    for (; n > 0; n--, level_nat += 64, out += 8) {
        const __m512i first = _mm512_loadu_si512(level_nat), last = _mm512_loadu_si512(level_nat + 32);
        const __mmask32 upper = _mm512_test_epi16_mask(first, first), lower = _mm512_test_epi16_mask(last, last);
        if (!(upper >> 1 | lower)) {
            const int32_t dc = (int16_t)(descale((int32_t)level_nat[0] * Q_nat[0], 3) + 128);
            const __m128i samples = _mm_set1_epi8((char)(dc < 0 ? 0 : dc > 255 ? 255 : dc));
            for (int i = 0; i < 8; i++) _mm_storel_epi64((__m128i *)(out + i * stride), samples);
        } else if (!((upper & 0xf0f0f0f0) | lower)) {
            low.level_nat[low.n] = level_nat;
            low.out[low.n++] = out;
            if (low.n == 4) idct_of_4(&low, q, stride, 1);
        } else {
            whole.level_nat[whole.n] = level_nat;
            whole.out[whole.n++] = out;
            if (whole.n == 4) idct_of_4(&whole, q, stride, 0);
        }
    }
    flush(&low, q, stride, 1);
    flush(&whole, q, stride, 0);
}
/* ---------------------------------------------------------------- masks of levels */

/* Magnitudes as unsigned words: that of -32768 is 32768. */
AVX512 void codec_jpeg_significance_avx512(const int16_t *level_zz, int least, uint64_t *masks, ptrdiff_t n)
{
    const __m512i bound = _mm512_set1_epi16((int16_t)least);
    for (; n > 0; n--, level_zz += 64, masks++) {
        const __m512i first = _mm512_abs_epi16(_mm512_loadu_si512(level_zz));
        const __m512i last = _mm512_abs_epi16(_mm512_loadu_si512(level_zz + 32));
        *masks = mask_of(_mm512_cmpgt_epu16_mask(first, bound), _mm512_cmpgt_epu16_mask(last, bound));
    }
}
#else
typedef int codec_jpeg_avx512_is_empty;
#endif
