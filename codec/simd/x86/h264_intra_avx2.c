/* AVX2 directional intra prediction of 4x4 and 8x8 blocks of H.264 on 8-bit samples (8.3.1.2.4 to 8.3.1.2.9, 8.3.2.2).
 * Contracts: h264dsp.h; the mathematics: h264_intra.h. Every predicted sample is a mean of two or three neighbours on
 * the edge line e. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "avx2.h"
#include "h264_avx2.h"
#include "../h264_clip.h"

/* The other modes use the portable bodies. */
#define SAMPLE uint8_t
#define MAX_OF(m) (255 + 0 * (m))
#define NAME H264_AVX2
#define KERNEL AVX2
#define INTRA_BY_HAND
#include "../h264_intra.h"

/* (a + 2 b + c + 2) >> 2: the mean of b and of that of a and c, rounded down. */
INLINE __m128i mean3(__m128i a, __m128i b, __m128i c)
{
    const __m128i outer = _mm_sub_epi8(_mm_avg_epu8(a, c), _mm_and_si128(_mm_xor_si128(a, c), _mm_set1_epi8(1)));
    return _mm_avg_epu8(b, outer);
}

/* ---- 4x4 blocks: byte 6 + k of a register is e[k], -6 <= k <= 9; a mode selects among the means around each byte */

#define NONE 0x80 /* selects 0 */

/* Byte 4 y + x: the centre of a mean of three, the first sample of a mean of two. */
#define BLOCK(F)                                                                \
    {F(0, 0), F(1, 0), F(2, 0), F(3, 0), F(0, 1), F(1, 1), F(2, 1), F(3, 1), \
     F(0, 2), F(1, 2), F(2, 2), F(3, 2), F(0, 3), F(1, 3), F(2, 3), F(3, 3)}
#define DOWN_LEFT(x, y) (6 + (x) + (y) + 2)
#define DOWN_RIGHT(x, y) (6 + (x) - (y))
#define VERTICAL_RIGHT3(x, y) (2 * (x) - (y) < -1 ? 6 + 2 * (x) - (y) + 1 : (y) & 1 ? 6 + (x) - (y) / 2 : NONE)
#define VERTICAL_RIGHT2(x, y) (2 * (x) - (y) >= 0 && !((y) & 1) ? 6 + (x) - (y) / 2 : NONE)
#define HORIZONTAL_DOWN3(x, y) (2 * (y) - (x) < -1 ? 6 - 2 * (y) + (x) - 1 : (x) & 1 ? 6 - (y) + (x) / 2 : NONE)
#define HORIZONTAL_DOWN2(x, y) (2 * (y) - (x) >= 0 && !((x) & 1) ? 6 - (y) + (x) / 2 - 1 : NONE)
#define VERTICAL_LEFT3(x, y) ((y) & 1 ? 6 + 2 + (x) + (y) / 2 : NONE)
#define VERTICAL_LEFT2(x, y) ((y) & 1 ? NONE : 6 + 1 + (x) + (y) / 2)
/* Past e[-4], the end of the left column, its sample is repeated. */
#define FROM_LEFT(k) (6 + ((k) < -5 ? -5 : (k)))
#define HORIZONTAL_UP3(x, y) ((x) & 1 ? FROM_LEFT(-2 - (y) - (x) / 2) : NONE)
#define HORIZONTAL_UP2(x, y) ((x) & 1 ? NONE : FROM_LEFT(-2 - (y) - (x) / 2))
#define NOTHING(x, y) NONE

static const uint8_t CENTRES[6][16] = {BLOCK(DOWN_LEFT), BLOCK(DOWN_RIGHT), BLOCK(VERTICAL_RIGHT3),
                                       BLOCK(HORIZONTAL_DOWN3), BLOCK(VERTICAL_LEFT3), BLOCK(HORIZONTAL_UP3)};
static const uint8_t PAIRS[6][16] = {BLOCK(NOTHING), BLOCK(NOTHING), BLOCK(VERTICAL_RIGHT2), BLOCK(HORIZONTAL_DOWN2),
                                     BLOCK(VERTICAL_LEFT2), BLOCK(HORIZONTAL_UP2)};

INLINE uint32_t four(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }

INLINE __m128i edge_line(const uint8_t *dst, ptrdiff_t stride, int mode, int available)
{
    const int uses_left = mode != 3 && mode != 7, uses_top = mode != 8, uses_right = mode == 3 || mode == 7;
    uint64_t left = 0, corner = 0, top = 0;
    if (uses_left) {
        const uint64_t last = dst[3 * stride - 1];
        left = last * 0x010101 | (uint64_t)dst[2 * stride - 1] << 24 | (uint64_t)dst[stride - 1] << 32
            | (uint64_t)dst[-1] << 40;
    }
    if (uses_left && uses_top) corner = dst[-stride - 1];
    if (uses_top) {
        top = four(dst - stride);
        if (uses_right)
            top |= (uint64_t)(available & H264_TOPRIGHT ? four(dst - stride + 4) : dst[3 - stride] * 0x01010101u) << 32;
    }
    return _mm_set_epi64x((int64_t)(top >> 8 | top >> 56 << 56), (int64_t)(left | corner << 48 | top << 56));
}

INLINE void predict(uint8_t *dst, ptrdiff_t stride, int available, int mode)
{
    const __m128i e = edge_line(dst, stride, mode, available), before = _mm_slli_si128(e, 1),
        after = _mm_srli_si128(e, 1);
    const __m128i three = _mm_shuffle_epi8(mean3(before, e, after), load16(CENTRES[mode - 3]));
    const __m128i two = _mm_shuffle_epi8(_mm_avg_epu8(e, after), load16(PAIRS[mode - 3]));
    const __m128i block = _mm_or_si128(three, two);
    const int rows[4] = {_mm_cvtsi128_si32(block), _mm_extract_epi32(block, 1), _mm_extract_epi32(block, 2),
                         _mm_extract_epi32(block, 3)};
    for (int y = 0; y < 4; y++) memcpy(dst + y * stride, &rows[y], 4);
}

#define MODE(mode)                                                                                                    \
    AVX2 void codec_h264_intra4x4_##mode##_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max)               \
    {                                                                                                                 \
        (void)max;                                                                                                    \
        predict(dst, stride, available, mode);                                                                        \
    }
MODE(3) MODE(4) MODE(5) MODE(6) MODE(7) MODE(8)
#undef MODE

/* ---- 8x8 blocks: the left column and the 16 samples above each in a register, smoothed (8.3.2.2.1). A mode arranges
 * its means on a line, of which each row of the block is eight bytes. */

typedef struct {
    __m128i left;   /* bytes 0..7: e[-1] ... e[-8] */
    __m128i top;    /* e[1] ... e[16] */
    __m128i corner; /* byte 0: e[0] */
} Edge;

INLINE __m128i insert_first(__m128i v, int byte) { return _mm_insert_epi8(_mm_slli_si128(v, 1), byte, 0); }

INLINE __m128i smooth_top(const uint8_t *dst, ptrdiff_t stride, int available)
{
    const uint8_t *p = dst - stride;
    const int last = available & H264_TOPRIGHT ? p[15] : p[7];
    const __m128i top = available & H264_TOPRIGHT ? load16(p)
                                                  : _mm_unpacklo_epi64(load8(p), _mm_set1_epi8((char)p[7]));
    return mean3(insert_first(top, available & H264_TOPLEFT ? p[-1] : p[0]), top,
                 _mm_insert_epi8(_mm_srli_si128(top, 1), last, 15));
}

/* After the eighth byte the last sample is repeated, as on the edge line. */
INLINE __m128i load_left(const uint8_t *dst, ptrdiff_t stride)
{
    __m128i left = _mm_set1_epi8((char)dst[7 * stride - 1]);
    left = _mm_insert_epi8(left, dst[-1], 0);
    left = _mm_insert_epi8(left, dst[stride - 1], 1);
    left = _mm_insert_epi8(left, dst[2 * stride - 1], 2);
    left = _mm_insert_epi8(left, dst[3 * stride - 1], 3);
    left = _mm_insert_epi8(left, dst[4 * stride - 1], 4);
    left = _mm_insert_epi8(left, dst[5 * stride - 1], 5);
    return _mm_insert_epi8(left, dst[6 * stride - 1], 6);
}

INLINE __m128i smooth_left(__m128i left, const uint8_t *dst, ptrdiff_t stride, int available)
{
    return mean3(insert_first(left, available & H264_TOPLEFT ? dst[-stride - 1] : dst[-1]), left,
                 _mm_srli_si128(left, 1));
}

/* Of the modes that use all three parts. */
INLINE Edge smooth_all(const uint8_t *dst, ptrdiff_t stride, int available)
{
    const __m128i left = load_left(dst, stride);
    const int corner = (dst[-1] + 2 * dst[-stride - 1] + dst[-stride] + 2) >> 2;
    return (Edge){smooth_left(left, dst, stride, available), smooth_top(dst, stride, available),
                  _mm_cvtsi32_si128(corner)};
}

/* e[-8] ... e[7]; e[8] */
INLINE __m128i whole_line(Edge e)
{
    const __m128i backwards = _mm_shuffle_epi8(e.left, _mm_set_epi64x(-1, 0x0001020304050607));
    return _mm_or_si128(backwards, _mm_slli_si128(_mm_or_si128(e.corner, _mm_slli_si128(e.top, 1)), 8));
}
INLINE __m128i after_line(__m128i line, Edge e)
{
    return _mm_insert_epi8(_mm_srli_si128(line, 1), _mm_extract_epi8(e.top, 7), 15);
}

/* Row y is the eight bytes from at(y) on, of a line for even and one for odd rows. */
#define ROWS(even, odd, at)                                    \
    do {                                                    \
        store8(dst, _mm_srli_si128(even, at(0)));           \
        store8(dst + stride, _mm_srli_si128(odd, at(1)));   \
        store8(dst + 2 * stride, _mm_srli_si128(even, at(2))); \
        store8(dst + 3 * stride, _mm_srli_si128(odd, at(3))); \
        store8(dst + 4 * stride, _mm_srli_si128(even, at(4))); \
        store8(dst + 5 * stride, _mm_srli_si128(odd, at(5))); \
        store8(dst + 6 * stride, _mm_srli_si128(even, at(6))); \
        store8(dst + 7 * stride, _mm_srli_si128(odd, at(7))); \
    } while (0)

#define MODE8(mode) \
    AVX2 void codec_h264_intra8x8_##mode##_avx2(uint8_t *dst, ptrdiff_t stride, int available, int max)

MODE8(0)
{
    const __m128i top = smooth_top(dst, stride, available);
    (void)max;
    for (int y = 0; y < 8; y++) store8(dst + y * stride, top);
}

MODE8(1)
{
    const __m128i left = smooth_left(load_left(dst, stride), dst, stride, available);
    const __m128i pairs = _mm_unpacklo_epi8(left, left), lower = _mm_unpacklo_epi16(pairs, pairs),
                  upper = _mm_unpackhi_epi16(pairs, pairs);
    (void)max;
    for (int i = 0; i < 2; i++) {
        const __m128i fours = i ? upper : lower;
        uint8_t *p = dst + 4 * i * stride;
        store8(p, _mm_shuffle_epi32(fours, 0x00));
        store8(p + stride, _mm_shuffle_epi32(fours, 0x55));
        store8(p + 2 * stride, _mm_shuffle_epi32(fours, 0xaa));
        store8(p + 3 * stride, _mm_shuffle_epi32(fours, 0xff));
    }
}

MODE8(2)
{
    const int left = available & H264_LEFT, top = available & H264_TOP;
    int sum = 0;
    __m128i dc;
    (void)max;
    if (left)
        sum += _mm_cvtsi128_si32(_mm_sad_epu8(smooth_left(load_left(dst, stride), dst, stride, available),
                                              _mm_setzero_si128()));
    if (top) sum += _mm_cvtsi128_si32(_mm_sad_epu8(smooth_top(dst, stride, available), _mm_setzero_si128()));
    dc = _mm_set1_epi8((char)(left && top ? (sum + 8) >> 4 : left || top ? (sum + 4) >> 3 : 128));
    for (int y = 0; y < 8; y++) store8(dst + y * stride, dc);
}

/* diagonal down left: the mean around e[x + y + 2] */
MODE8(3)
{
    const __m128i top = smooth_top(dst, stride, available), next = _mm_srli_si128(top, 1);
    const __m128i last = _mm_insert_epi8(next, _mm_extract_epi8(top, 15), 15);
    const __m128i line = mean3(top, last, _mm_insert_epi8(_mm_srli_si128(last, 1), _mm_extract_epi8(top, 15), 15));
    (void)max;
#define AT(y) (y)
    ROWS(line, line, AT);
#undef AT
}

/* diagonal down right: the mean around e[x - y] */
MODE8(4)
{
    const Edge e = smooth_all(dst, stride, available);
    const __m128i line = whole_line(e), means = mean3(_mm_slli_si128(line, 1), line, after_line(line, e));
    (void)max;
#define AT(y) (8 - (y))
    ROWS(means, means, AT);
#undef AT
}

/* vertical right: means of two and of three in turn, shifted right by a sample each second row; from the left comes
 * every second mean of the column */
MODE8(5)
{
    const Edge e = smooth_all(dst, stride, available);
    const __m128i line = whole_line(e), after = after_line(line, e);
    const __m128i three = mean3(_mm_slli_si128(line, 1), line, after), two = _mm_avg_epu8(line, after);
    const __m128i even = _mm_alignr_epi8(_mm_srli_si128(two, 8), /* e[-5], e[-3], e[-1] */
                                         _mm_shuffle_epi8(three, _mm_set_epi64x(0x0705030000000000, -1)), 13);
    const __m128i odd = _mm_alignr_epi8(_mm_srli_si128(three, 8), /* e[-6], e[-4], e[-2] */
                                        _mm_shuffle_epi8(three, _mm_set_epi64x(0x0604020000000000, -1)), 13);
    (void)max;
#define AT(y) (3 - ((y) >> 1))
    ROWS(even, odd, AT);
#undef AT
}

/* horizontal down: up the column means of two and of three in turn, then means of three along the row */
MODE8(6)
{
    const Edge e = smooth_all(dst, stride, available);
    const __m128i line = whole_line(e), after = after_line(line, e);
    const __m128i three = mean3(_mm_slli_si128(line, 1), line, after), two = _mm_avg_epu8(line, after);
    const __m128i lower = _mm_unpacklo_epi8(two, _mm_srli_si128(three, 1)), upper = _mm_srli_si128(three, 9);
    (void)max;
    store8(dst, _mm_alignr_epi8(upper, lower, 14));
    store8(dst + stride, _mm_alignr_epi8(upper, lower, 12));
    store8(dst + 2 * stride, _mm_alignr_epi8(upper, lower, 10));
    store8(dst + 3 * stride, _mm_srli_si128(lower, 8));
    store8(dst + 4 * stride, _mm_srli_si128(lower, 6));
    store8(dst + 5 * stride, _mm_srli_si128(lower, 4));
    store8(dst + 6 * stride, _mm_srli_si128(lower, 2));
    store8(dst + 7 * stride, lower);
}

/* vertical left: means of two and of three in turn, shifted left by a sample each second row */
MODE8(7)
{
    const __m128i top = smooth_top(dst, stride, available), next = _mm_srli_si128(top, 1);
    (void)max;
#define AT(y) ((y) >> 1)
    ROWS(_mm_avg_epu8(top, next), mean3(top, next, _mm_srli_si128(top, 2)), AT);
#undef AT
}

/* horizontal up: down the column means of two and of three in turn, and after its end the last sample */
MODE8(8)
{
    const __m128i smooth = smooth_left(load_left(dst, stride), dst, stride, available);
    const __m128i last = _mm_shuffle_epi8(smooth, _mm_set1_epi8(7)), left = _mm_unpacklo_epi64(smooth, last),
                  next = _mm_srli_si128(left, 1);
    const __m128i lower = _mm_unpacklo_epi8(_mm_avg_epu8(left, next), mean3(left, next, _mm_srli_si128(left, 2)));
    (void)max;
    store8(dst, lower);
    store8(dst + stride, _mm_srli_si128(lower, 2));
    store8(dst + 2 * stride, _mm_srli_si128(lower, 4));
    store8(dst + 3 * stride, _mm_srli_si128(lower, 6));
    store8(dst + 4 * stride, _mm_srli_si128(lower, 8));
    store8(dst + 5 * stride, _mm_alignr_epi8(last, lower, 10));
    store8(dst + 6 * stride, _mm_alignr_epi8(last, lower, 12));
    store8(dst + 7 * stride, _mm_alignr_epi8(last, lower, 14));
}
#else
typedef int codec_h264_intra_avx2_is_empty;
#endif
