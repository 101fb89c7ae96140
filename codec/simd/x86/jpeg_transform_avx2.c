/* AVX2 kernels over blocks. Contracts: jpegdsp.h; the mathematics: jpeg_transform.h.
 *
 * Two blocks at a time: vector r holds row r of the first in its lower half and of the second in its upper half, and no
 * instruction crosses the halves. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../jpeg_transform.h"
#include "avx2.h"
#include "jpeg_x86.h"

#define VECTOR __m256i
#define V(name) _mm256_##name
#define ADD_MADD(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#include "jpeg_fdct.h"

/* ---------------------------------------------------------------- forward */

INLINE void fdct_pair(__m256i r[8], int16_t *first, int16_t *second)
{
    transpose(r);
    fdct_down(r, 1, CONST_BITS - PASS1_BITS);
    transpose(r);
    fdct_down(r, 0, CONST_BITS + PASS1_BITS);
    for (int i = 0; i < 8; i++) {
        store16(second + 8 * i, high(r[i]));
        store16(first + 8 * i, low(r[i]));
    }
}

AVX2 void codec_jpeg_fdct_avx2(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, ptrdiff_t n)
{
    const __m256i shift = _mm256_set1_epi16((int16_t)offset);
    __m256i r[8];
    for (; n >= 2; n -= 2, samples += 16, coef_nat += 128) {
        for (int i = 0; i < 8; i++) r[i] = SUB(_mm256_cvtepu8_epi16(load16(samples + i * stride)), shift);
        fdct_pair(r, coef_nat, coef_nat + 64);
    }
    if (n) {
        for (int i = 0; i < 8; i++) r[i] = SUB(_mm256_cvtepu8_epi16(load8(samples + i * stride)), shift);
        fdct_pair(r, coef_nat, coef_nat);
    }
}

/* ---------------------------------------------------------------- quantization */

/* |c| as floats, with the bias, times the reciprocal, truncated: words without sign, |c| = 2^15 included. */
INLINE __m256i quotients(__m256i magnitude, const float *bias, const float *recip)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256 lower = _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(magnitude, zero)),
                 upper = _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(magnitude, zero));
    const __m256 bias0 = _mm256_broadcast_ps((const __m128 *)bias),
                 bias1 = _mm256_broadcast_ps((const __m128 *)(bias + 4));
    const __m256 recip0 = _mm256_broadcast_ps((const __m128 *)recip),
                 recip1 = _mm256_broadcast_ps((const __m128 *)(recip + 4));
    return _mm256_packus_epi32(_mm256_cvttps_epi32(_mm256_mul_ps(_mm256_add_ps(lower, bias0), recip0)),
                               _mm256_cvttps_epi32(_mm256_mul_ps(_mm256_add_ps(upper, bias1), recip1)));
}

/* Figure A.6, eight places at a time: where in row r the value of each place is, as two bytes; 128 gives zero. */
#define BYTES(k, r) (k) / 8 == (r) ? 2 * ((k) % 8) : 128, (k) / 8 == (r) ? 2 * ((k) % 8) + 1 : 128
#define ROW(r, a, b, c, d, e, f, g, h) \
    {BYTES(a, r), BYTES(b, r), BYTES(c, r), BYTES(d, r), BYTES(e, r), BYTES(f, r), BYTES(g, r), BYTES(h, r)}
#define EIGHT(...) \
    {ROW(0, __VA_ARGS__), ROW(1, __VA_ARGS__), ROW(2, __VA_ARGS__), ROW(3, __VA_ARGS__), ROW(4, __VA_ARGS__), \
     ROW(5, __VA_ARGS__), ROW(6, __VA_ARGS__), ROW(7, __VA_ARGS__)}
static const uint8_t PLACES[8][8][16] = {
    EIGHT(0, 1, 8, 16, 9, 2, 3, 10),         EIGHT(17, 24, 32, 25, 18, 11, 4, 5),
    EIGHT(12, 19, 26, 33, 40, 48, 41, 34),   EIGHT(27, 20, 13, 6, 7, 14, 21, 28),
    EIGHT(35, 42, 49, 56, 57, 50, 43, 36),   EIGHT(29, 22, 15, 23, 30, 37, 44, 51),
    EIGHT(58, 59, 52, 45, 38, 31, 39, 46),   EIGHT(53, 60, 61, 54, 47, 55, 62, 63),
};

/* Places 8 o to 8 o + 7, which rows `from` to `to` hold. */
INLINE __m256i places(const __m256i r[8], int o, int from, int to)
{
    __m256i v = _mm256_shuffle_epi8(r[from], twice(load16(PLACES[o][from])));
    for (int i = from + 1; i <= to; i++) v = _mm256_or_si256(v, _mm256_shuffle_epi8(r[i], twice(load16(PLACES[o][i]))));
    return v;
}

INLINE void quantize_pair(const int16_t *a, const int16_t *b, const JpegQuantizer *quantizer, int16_t *a_zz,
                          int16_t *b_zz)
{
    __m256i r[8], v[8];
    for (int i = 0; i < 8; i++) {
        const __m256i c = both(load16(a + 8 * i), load16(b + 8 * i));
        r[i] = _mm256_sign_epi16(
            quotients(_mm256_abs_epi16(c), quantizer->bias_nat + 8 * i, quantizer->recip_nat + 8 * i), c);
    }
    v[0] = places(r, 0, 0, 2);
    v[1] = places(r, 1, 0, 4);
    v[2] = places(r, 2, 1, 6);
    v[3] = places(r, 3, 0, 3);
    v[4] = places(r, 4, 4, 7);
    v[5] = places(r, 5, 1, 6);
    v[6] = places(r, 6, 3, 7);
    v[7] = places(r, 7, 5, 7);
    for (int i = 0; i < 8; i++) {
        store16(b_zz + 8 * i, high(v[i]));
        store16(a_zz + 8 * i, low(v[i]));
    }
}

AVX2 void codec_jpeg_quantize_avx2(const int16_t *coef_nat, const JpegQuantizer *quantizer, int16_t *level_zz,
                                   ptrdiff_t n)
{
    for (; n >= 2; n -= 2, coef_nat += 128, level_zz += 128)
        quantize_pair(coef_nat, coef_nat + 64, quantizer, level_zz, level_zz + 64);
    if (n) quantize_pair(coef_nat, coef_nat, quantizer, level_zz, level_zz);
}

/* ---------------------------------------------------------------- inverse */

#define ODD_WORDS(a, b) _mm256_blend_epi16(a, b, 0xaa)
#include "jpeg_idct.h"

INLINE int all_zero(__m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    return _mm256_testz_si256(any, any);
}

INLINE void idct_pair(const int16_t *a, const int16_t *b, const uint16_t *Q, uint8_t *out_a, uint8_t *out_b,
                      ptrdiff_t stride)
{
    __m256i r[8], c[8], v[4];
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_mullo_epi16(both(load16(a + 8 * i), load16(b + 8 * i)), twice(load16(Q + 8 * i)));
    if (all_zero(r[4], r[5], r[6], r[7])) idct_columns(r, 1, c);
    else idct_columns(r, 0, c);
    if (all_zero(c[4], c[5], c[6], c[7])) idct_rows(c, 1, v);
    else idct_rows(c, 0, v);
    for (int i = 0; i < 4; i++) {
        const __m128i upper = high(v[i]);
        store8(out_b + 2 * i * stride, upper);
        store8_high(out_b + (2 * i + 1) * stride, upper);
        store8(out_a + 2 * i * stride, low(v[i]));
        store8_high(out_a + (2 * i + 1) * stride, low(v[i]));
    }
}

/* Whether a block has no level but the first. */
INLINE int only_dc(const int16_t *nat)
{
    const __m256i rest = _mm256_or_si256(_mm256_or_si256(load32(nat + 16), load32(nat + 32)), load32(nat + 48));
    const __m256i first = _mm256_insert_epi16(load32(nat), 0, 0);
    const __m256i any = _mm256_or_si256(rest, first);
    return _mm256_testz_si256(any, any);
}

AVX2 void codec_jpeg_idct_avx2(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride,
                               ptrdiff_t n)
{
    const int16_t *waiting = NULL; /* a block that waits for a second one */
    uint8_t *waiting_out = NULL;
    for (; n > 0; n--, level_nat += 64, out += 8) {
        if (only_dc(level_nat)) {
            const int32_t dc = (int16_t)(descale((int32_t)level_nat[0] * Q_nat[0], 3) + 128);
            const __m128i samples = _mm_set1_epi8((char)(dc < 0 ? 0 : dc > 255 ? 255 : dc));
            for (int i = 0; i < 8; i++) store8(out + i * stride, samples);
        } else if (waiting == NULL) {
            waiting = level_nat;
            waiting_out = out;
        } else {
            idct_pair(waiting, level_nat, Q_nat, waiting_out, out, stride);
            waiting = NULL;
        }
    }
    if (waiting != NULL) idct_pair(waiting, waiting, Q_nat, waiting_out, waiting_out, stride);
}

/* ---------------------------------------------------------------- inverse, of other sizes */

/* Sums of products of n pairs, on top of `sum`. */
INLINE __m256i sums(const __m256i pairs[4], const __m256i factors[4], int n, __m256i sum)
{
    for (int i = 0; i < n; i++) sum = ADD32(sum, MADD(pairs[i], factors[i]));
    return sum;
}

INLINE __m256i interleaved(__m128i a, __m128i b) { return both(_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)); }

/* Dequantized rows; whether the lower four are zero. */
INLINE int rows_of(const int16_t *level_nat, const uint16_t *Q_nat, __m128i r[8])
{
    __m128i any;
    for (int i = 0; i < 8; i++) r[i] = _mm_mullo_epi16(load16(level_nat + 8 * i), load16(Q_nat + 8 * i));
    any = _mm_or_si128(_mm_or_si128(r[4], r[5]), _mm_or_si128(r[6], r[7]));
    return _mm_testz_si128(any, any);
}

/* The sample of a block of DC alone, in all bytes. */
INLINE __m128i flat(const int16_t *level_nat, const uint16_t *Q_nat)
{
    const int32_t sample = descale((int16_t)(level_nat[0] * Q_nat[0]), 3) + 128;
    return _mm_set1_epi8((char)(sample < 0 ? 0 : sample > 255 ? 255 : sample));
}

/* Row y of a block, as bytes, from its n pairs of rows. */
INLINE __m128i reduced_row(const JpegReduced *t, int y, const __m256i pairs[4], int n, int above_8)
{
    const __m256i half = _mm256_set1_epi32(1 << (t->second - 1)), middle = _mm256_set1_epi16(128);
    const __m128i first = _mm_cvtsi32_si128(t->first), second = _mm_cvtsi32_si128(t->second);
    __m256i factors[4], words, sum[2];
    for (int i = 0; i < n; i++) factors[i] = _mm256_set1_epi32(t->row_pairs[y][i]);
    sum[0] = _mm256_sra_epi32(sums(pairs, factors, n, _mm256_set1_epi32(1 << (t->first - 1))), first);
    words = _mm256_packs_epi32(sum[0], sum[0]);
    for (int i = 0; i < 4; i++)
        factors[i] = _mm256_permutevar8x32_epi32(words, _mm256_set1_epi32((i & 1) | (i & 2) << 1));
    for (int part = 0; part <= above_8; part++) {
        __m256i columns[4];
        for (int i = 0; i < 4; i++) columns[i] = load32(t->column_pairs[i] + 8 * part);
        sum[part] = _mm256_sra_epi32(sums(factors, columns, 4, half), second);
    }
    words = _mm256_permute4x64_epi64(_mm256_packs_epi32(sum[0], sum[above_8]), 0xd8);
    return pack(_mm256_adds_epi16(words, middle));
}

/* n blocks of 3 or more samples. A store may reach beyond a block as long as others follow. */
INLINE void reduced(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out,
                    ptrdiff_t stride, ptrdiff_t n, int above_8)
{
    const int size = t->size;
    for (; n > 0; n--, level_nat += 64, out += size) {
        const int fits = n * size >= (above_8 ? 16 : 8), only = only_dc(level_nat);
        __m128i r[8], row = flat(level_nat, Q_nat);
        __m256i pairs[4];
        int n_pairs = 4;
        if (!only) {
            if (rows_of(level_nat, Q_nat, r)) n_pairs = 2;
            for (int i = 0; i < 4; i++) pairs[i] = interleaved(r[2 * i], r[2 * i + 1]);
        }
        for (int y = 0; y < size; y++) {
            uint8_t *to = out + y * stride;
            uint8_t bytes[16];
            if (!only) row = n_pairs == 2 ? reduced_row(t, y, pairs, 2, above_8) : reduced_row(t, y, pairs, 4, above_8);
            if (!fits) {
                store16(bytes, row);
                memcpy(to, bytes, (size_t)size);
            } else if (above_8) {
                store16(to, row);
            } else {
                store8(to, row);
            }
        }
    }
}

/* Factors of row y and two frequencies. */
INLINE __m256i of_row(const JpegReduced *t, int y, int u, int v)
{
    return WORDS(t->rows[8 * y + u], t->rows[8 * y + v]);
}

/* DC, as words in the lower halves, times its factor for 2 points, 2^15, which is in no pair. */
INLINE __m256i times_2_15(__m256i words) { return _mm256_srai_epi32(_mm256_slli_epi32(words, 16), 1); }

/* Rows a and b of a block from the sums of the first pass: four samples of each, in the halves. */
INLINE __m256i two_rows(const JpegReduced *t, __m256i a, __m256i b, const __m256i columns[4], int two)
{
    const __m128i first = _mm_cvtsi32_si128(t->first), second = _mm_cvtsi32_si128(t->second);
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_sra_epi32(a, first), _mm256_sra_epi32(b, first)), 0xd8);
    const __m256i pairs[4] = {_mm256_shuffle_epi32(words, 0x00), _mm256_shuffle_epi32(words, 0x55),
                              _mm256_shuffle_epi32(words, 0xaa), _mm256_shuffle_epi32(words, 0xff)};
    __m256i sum = _mm256_set1_epi32(1 << (t->second - 1));
    if (two) sum = ADD32(sum, times_2_15(pairs[0]));
    return _mm256_sra_epi32(sums(pairs, columns, 4, sum), second);
}

/* A block of 2 or 4 samples: outer and inner rows are sums and differences of the same parts. With `upper` the lower
 * four rows of coefficients are zero. Gives rows 0 and 2 in the lower half, 1 and 3 in the upper one, 4 bytes each. */
INLINE __m256i few_rows(const JpegReduced *t, const __m128i r[8], const __m256i columns[4], int two, int upper)
{
    const __m256i half = _mm256_set1_epi32(1 << (t->first - 1));
    const __m256i odd[2] = {interleaved(r[1], r[3]), interleaved(r[5], r[7])};
    const __m256i even[2] = {interleaved(r[0], r[2]), interleaved(r[4], r[6])};
    __m256i e[2], o[2], rows[2];
    for (int y = 0; y < (two ? 1 : 2); y++) {
        e[y] = two ? times_2_15(_mm256_cvtepi16_epi32(r[0])) : MADD(even[0], of_row(t, y, 0, 2));
        e[y] = ADD32(e[y], half);
        o[y] = MADD(odd[0], of_row(t, y, 1, 3));
        if (!upper) o[y] = ADD32(o[y], MADD(odd[1], of_row(t, y, 5, 7)));
        if (!upper && !two) e[y] = ADD32(e[y], MADD(even[1], of_row(t, y, 4, 6)));
    }
    if (two) {
        rows[0] = rows[1] = two_rows(t, ADD32(e[0], o[0]), SUB32(e[0], o[0]), columns, 1);
    } else {
        rows[0] = two_rows(t, ADD32(e[0], o[0]), ADD32(e[1], o[1]), columns, 0);
        rows[1] = two_rows(t, SUB32(e[1], o[1]), SUB32(e[0], o[0]), columns, 0);
    }
    rows[0] = _mm256_adds_epi16(_mm256_packs_epi32(rows[0], rows[1]), _mm256_set1_epi16(128));
    return _mm256_packus_epi16(rows[0], rows[0]);
}

INLINE void few(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride,
                ptrdiff_t n, int two)
{
    __m256i columns[4];
    for (int i = 0; i < 4; i++) columns[i] = twice(load16(t->column_pairs[i]));
    for (; n > 0; n--, level_nat += 64, out += two ? 2 : 4) {
        __m256i rows;
        if (only_dc(level_nat)) {
            rows = twice(flat(level_nat, Q_nat));
        } else {
            __m128i r[8];
            rows = rows_of(level_nat, Q_nat, r) ? few_rows(t, r, columns, two, 1) : few_rows(t, r, columns, two, 0);
        }
        if (two) {
            const int32_t row0 = _mm_cvtsi128_si32(low(rows)), row1 = _mm_cvtsi128_si32(high(rows));
            memcpy(out, &row0, 2);
            memcpy(out + stride, &row1, 2);
        } else {
            store4(out, _mm_cvtsi128_si32(low(rows)));
            store4(out + stride, _mm_cvtsi128_si32(high(rows)));
            store4(out + 2 * stride, _mm_extract_epi32(low(rows), 1));
            store4(out + 3 * stride, _mm_extract_epi32(high(rows), 1));
        }
    }
}

AVX2 void codec_jpeg_idct_reduced_avx2(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat,
                                       uint8_t *out, ptrdiff_t stride, ptrdiff_t n)
{
    if (t->size == 2) few(t, level_nat, Q_nat, out, stride, n, 1);
    else if (t->size == 4) few(t, level_nat, Q_nat, out, stride, n, 0);
    else if (t->size <= 8) reduced(t, level_nat, Q_nat, out, stride, n, 0);
    else reduced(t, level_nat, Q_nat, out, stride, n, 1);
}
#else
typedef int codec_jpeg_transform_avx2_is_empty;
#endif
