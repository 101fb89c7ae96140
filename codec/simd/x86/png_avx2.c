/* The filters of PNG (PNG 9.2) for pixels of 3 and 4 bytes. Contracts: png.h.
 *
 * Average and Paeth wait for the pixel to the left. Four rows at once, each two pixels behind the one above it, share
 * this wait: what a row needs of the row above was made two steps before. A row may have any filter then. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../png.h"
#include "avx2.h"

enum { ROWS = 4, BEHIND = 2, FIRST = BEHIND * (ROWS - 1) }; /* FIRST: the step at which the last row begins */
enum { LEAST = 16 };                                        /* pixels in a row: more than FIRST, and worth it */

/* Pixels from..to-1 of a row, by the definition. */
INLINE void part(int filter, const uint8_t *x, const uint8_t *above, uint8_t *out, size_t from, size_t to,
                 const int bpp)
{
    for (size_t i = from * (size_t)bpp; i < to * (size_t)bpp; i++) {
        const int left = i >= (size_t)bpp, a = left ? out[i - bpp] : 0, b = above[i], c = left ? above[i - bpp] : 0;
        const int p = b - c, q = a - c, pa = p < 0 ? -p : p, pb = q < 0 ? -q : q, pc = p + q < 0 ? -p - q : p + q;
        const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
        const int predicted[5] = { 0, a, b, (a + b) >> 1, paeth };
        out[i] = (uint8_t)(x[i] + predicted[filter]);
    }
}

/* A pixel of 3 or 4 bytes, and for 3 the byte behind it, as words of the lane of each row. */
INLINE __m256i pixels(const uint8_t *const p[ROWS])
{
    __m128i v = load4(p[0]);
    int w[ROWS - 1];
    for (int k = 1; k < ROWS; k++)
        memcpy(&w[k - 1], p[k], 4);
    v = _mm_insert_epi32(v, w[0], 1);
    v = _mm_insert_epi32(v, w[1], 2);
    return _mm256_cvtepu8_epi16(_mm_insert_epi32(v, w[2], 3));
}

INLINE __m256i lanes(const int filter[ROWS], int kind)
{
    return _mm256_setr_epi64x(-(filter[0] == kind), -(filter[1] == kind), -(filter[2] == kind), -(filter[3] == kind));
}

INLINE __m256i paeth(__m256i a, __m256i b, __m256i c)
{
    const __m256i p = _mm256_sub_epi16(b, c), q = _mm256_sub_epi16(a, c);
    const __m256i pa = _mm256_abs_epi16(p), pb = _mm256_abs_epi16(q), pc = _mm256_abs_epi16(_mm256_add_epi16(p, q));
    const __m256i least = _mm256_min_epi16(pc, _mm256_min_epi16(pa, pb));
    const __m256i b_or_c = _mm256_blendv_epi8(c, b, _mm256_cmpeq_epi16(least, pb));
    return _mm256_blendv_epi8(b_or_c, a, _mm256_cmpeq_epi16(least, pa));
}

/* Four rows below `above`, of at least LEAST pixels, with filters 0..4. */
INLINE void four_rows(const uint8_t *in, const uint8_t *above, uint8_t *out, size_t n, const int bpp)
{
    const size_t width = n / (size_t)bpp;
    const uint8_t *x[ROWS], *up[ROWS], *from[ROWS];
    uint8_t *to[ROWS];
    int filter[ROWS];
    for (int k = 0; k < ROWS; k++) {
        filter[k] = in[(size_t)k * (n + 1)];
        x[k] = in + (size_t)k * (n + 1) + 1;
        to[k] = out + (size_t)k * n;
        up[k] = k ? to[k - 1] : above;
        part(filter[k], x[k], up[k], to[k], 0, (size_t)(FIRST - BEHIND * k), bpp);
    }
    const __m256i sub = lanes(filter, 1), is_up = lanes(filter, 2);
    const __m256i average = lanes(filter, 3), is_paeth = lanes(filter, 4);
    const __m256i not_last = _mm256_setr_epi64x(-1, -1, -1, 0); /* the last row begins with nothing to its left */
    __m256i a[BEHIND], c; /* a: what the steps before the last, and the last, made */
    for (int s = 0; s < BEHIND; s++) {
        for (int k = 0; k < ROWS; k++)
            from[k] = to[k] + (k < ROWS - 1 ? (FIRST - BEHIND * (k + 1) + s) * bpp : 0);
        a[s] = _mm256_and_si256(pixels(from), not_last);
    }
    for (int k = 0; k < ROWS; k++)
        from[k] = up[k] + (k < ROWS - 1 ? (FIRST - BEHIND * k - 1) * bpp : 0);
    c = _mm256_and_si256(pixels(from), not_last);
    for (int k = 0; k < ROWS; k++)
        from[k] = x[k] + (FIRST - BEHIND * k) * bpp;
    for (size_t at = FIRST; at + 1 < width; at++) {
        const __m256i over = _mm256_permute4x64_epi64(a[0], 0x90); /* to each lane that of the row above */
        const __m256i b = _mm256_blend_epi32(over, widen(_mm_cvtepu8_epi16(load4(above + at * (size_t)bpp))), 3);
        const __m256i left = a[1], mean = _mm256_srli_epi16(_mm256_add_epi16(left, b), 1);
        const __m256i simple = _mm256_or_si256(_mm256_and_si256(left, sub), _mm256_and_si256(b, is_up));
        const __m256i others = _mm256_or_si256(simple, _mm256_and_si256(mean, average));
        const __m256i predicted = _mm256_or_si256(others, _mm256_and_si256(paeth(left, b, c), is_paeth));
        const __m256i made = _mm256_add_epi8(pixels(from), predicted); /* the upper bytes of words stay 0 */
        const __m128i bytes = pack(made);
        uint8_t *place = out + at * (size_t)bpp; /* of the first row; a byte behind a pixel is made in the next step */
        store4(place, _mm_cvtsi128_si32(bytes));
        store4(place + n - BEHIND * bpp, _mm_extract_epi32(bytes, 1));
        store4(place + 2 * n - 2 * BEHIND * bpp, _mm_extract_epi32(bytes, 2));
        store4(place + 3 * n - 3 * BEHIND * bpp, _mm_extract_epi32(bytes, 3));
        a[0] = left;
        a[1] = made;
        c = b;
        for (int k = 0; k < ROWS; k++)
            from[k] += bpp;
    }
    for (int k = 0; k < ROWS; k++)
        part(filter[k], x[k], up[k], to[k], width - 1 - (size_t)(BEHIND * k), width, bpp);
}

/* Sub: sums over the pixels of a register (5 of 3 bytes, 4 of 4), plus the last pixel before it. */
INLINE void sub_row(const uint8_t *x, uint8_t *out, size_t n, const int bpp)
{
    const __m128i of_3 = _mm_setr_epi8(12, 13, 14, 12, 13, 14, 12, 13, 14, 12, 13, 14, 12, 13, 14, 12);
    const __m128i last = bpp == 3 ? of_3 : _mm_set1_epi32(0x0f0e0d0c);
    __m128i before = _mm_setzero_si128();
    size_t i = 0;
    for (; i + 16 <= n; i += bpp == 3 ? 15 : 16) {
        __m128i v = load16(x + i);
        v = _mm_add_epi8(v, bpp == 3 ? _mm_slli_si128(v, 3) : _mm_slli_si128(v, 4));
        v = _mm_add_epi8(v, bpp == 3 ? _mm_slli_si128(v, 6) : _mm_slli_si128(v, 8));
        v = bpp == 3 ? _mm_add_epi8(v, _mm_slli_si128(v, 12)) : v;
        v = _mm_add_epi8(v, before);
        store16(out + i, v);
        before = _mm_shuffle_epi8(v, last);
    }
    for (; i < n; i++)
        out[i] = (uint8_t)(x[i] + (i >= (size_t)bpp ? out[i - bpp] : 0));
}

INLINE int rows_of(const uint8_t *in, const uint8_t *above, uint8_t *out, size_t rows, size_t n, const int bpp)
{
    for (size_t y = 0, taken; y < rows; y += taken) {
        const int waits = above && (in[0] == 3 || in[0] == 4) && rows - y >= ROWS;
        taken = waits && in[n + 1] <= 4 && in[2 * (n + 1)] <= 4 && in[3 * (n + 1)] <= 4 ? ROWS : 1;
        if (taken == ROWS)
            four_rows(in, above, out, n, bpp);
        else if (in[0] == 1)
            sub_row(in + 1, out, n, bpp);
        else if (codec_png_rows(in, above, out, 1, n, bpp))
            return -1;
        in += taken * (n + 1);
        out += taken * n;
        above = out - n;
    }
    return 0;
}

CODEC_TARGET_AVX2
int codec_png_unfilter_avx2(const uint8_t *filtered, const uint8_t *above, uint8_t *out, size_t rows, size_t row_bytes,
                            int bpp)
{
    if (bpp < 3 || bpp > 4 || row_bytes / (size_t)bpp < LEAST)
        return codec_png_rows(filtered, above, out, rows, row_bytes, bpp);
    return bpp == 3 ? rows_of(filtered, above, out, rows, row_bytes, 3)
                    : rows_of(filtered, above, out, rows, row_bytes, 4);
}
#endif
