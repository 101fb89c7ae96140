/* AVX2 directional intra prediction of 4x4 blocks of H.264 on 8-bit samples (8.3.1.2.4 to 8.3.1.2.9). Contracts:
 * h264dsp.h; the mathematics: h264_intra.h, whose edge line e is bytes 0..15 of a register here: byte 6 + k is e[k], -6
 * <= k <= 9. Every predicted sample is a mean of two or three neighbours on that line, so a mode selects among the
 * means around each of its bytes. */
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
#define INTRA4X4_BY_HAND
#include "../h264_intra.h"

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
    const __m128i outer = _mm_sub_epi8(_mm_avg_epu8(before, after),
                                       _mm_and_si128(_mm_xor_si128(before, after), _mm_set1_epi8(1)));
    const __m128i three = _mm_shuffle_epi8(_mm_avg_epu8(e, outer), load16(CENTRES[mode - 3]));
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
#else
typedef int codec_h264_intra_avx2_is_empty;
#endif
