/* The kernel tables of JPEG: portable bodies; x86/jpeg_x86.h has those for vectors. */
#include "jpegdsp.h"

#include <string.h>

#include "bits.h"
#include "jpeg_color.h"
#include "jpeg_reduced.h"
#include "jpeg_steps.h"
#include "jpeg_transform.h"
#include "prefetch.h"

/* ---------------------------------------------------------------- colour, rows of samples */

enum { RUN = 64 }; /* pixels that are separated at a time, so that the arithmetic runs over contiguous samples */

/* The fixed-point sums are taken in single precision, four to sixteen at a time, and are exact there.
 *
 * Every product and partial sum is an integer of magnitude below 2^24, which a float holds: Y stays within 0..255 *
 * 2^16 + 2^15; the coefficients of Cb and Cr add up to 0 with positive part 2^15, so with the offset they stay within
 * 0..(255.5 + 0.5) * 2^16 - 1. Multiplication by 2^-16 is exact, and the conversion drops the fraction as a shift
 * would. No clamp is needed. */
static void rgb_to_ycc_scalar(const uint8_t *rgb, ptrdiff_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr, ptrdiff_t n)
{
    const float to_integer = 1.0f / 65536;
    int32_t pixel[RUN];
    while (n > 0) {
        const int m = n < RUN ? (int)n : RUN;
        for (int i = 0; i < m - 1; i++) pixel[i] = (int32_t)codec_load_le32(rgb + step * i);
        rgb += step * m;
        pixel[m - 1] = rgb[-step] | rgb[1 - step] << 8 | rgb[2 - step] << 16;
        for (int i = 0; i < m; i++) {
            const float r = (float)(pixel[i] & 0xFF), g = (float)(pixel[i] >> 8 & 0xFF);
            const float b = (float)(pixel[i] >> 16 & 0xFF);
            Y[i] = (uint8_t)(int32_t)(
                ((float)Y_R * r + (float)Y_G * g + (float)Y_B * b + (float)ONE_HALF) * to_integer);
            Cb[i] = (uint8_t)(int32_t)(
                ((float)ONE_HALF * b - (float)CB_R * r - (float)CB_G * g + (float)CHROMA_ZERO) * to_integer);
            Cr[i] = (uint8_t)(int32_t)(
                ((float)ONE_HALF * r - (float)CR_G * g - (float)CR_B * b + (float)CHROMA_ZERO) * to_integer);
        }
        Y += m;
        Cb += m;
        Cr += m;
        n -= m;
    }
}

/* x within 0..top, in 16 bits, where every vector unit has a minimum and a maximum. */
CODEC_BODY int16_t clamp16(int16_t x, int16_t top)
{
    x = x > 0 ? x : 0;
    return x < top ? x : top;
}

/* In single precision like rgb_to_ycc_scalar.
 *
 * 1.402 and 1.772 are taken as 1 + 0.402 and 1 + 0.772, so that every product stays below 128 * 0.772 * 2^16 < 2^23,
 * and UP, a multiple of 2^16, makes the sums positive (below 2^24, hence exact) before the conversion that cuts their
 * fraction off. */
static void ycc_to_rgb_scalar(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, ptrdiff_t step,
                              ptrdiff_t n)
{
    const float to_integer = 1.0f / 65536;
    int16_t R[RUN], G[RUN], B[RUN];
    uint32_t pixel[RUN];
    while (n > 0) {
        const int m = n < RUN ? (int)n : RUN;
        for (int i = 0; i < m; i++) {
            const float cb = (float)(Cb[i] - 128), cr = (float)(Cr[i] - 128);
            R[i] = (int16_t)(int32_t)(((float)(R_CR - (1 << 16)) * cr + (float)(UP + ONE_HALF)) * to_integer);
            G[i] = (int16_t)(int32_t)(((float)(UP + ONE_HALF) - (float)G_CB * cb - (float)G_CR * cr) * to_integer);
            B[i] = (int16_t)(int32_t)(((float)(B_CB - (1 << 16)) * cb + (float)(UP + ONE_HALF)) * to_integer);
        }
        for (int i = 0; i < m; i++) {
            const int16_t y = (int16_t)(Y[i] - (UP >> 16));
            R[i] = clamp16((int16_t)(y + R[i] + Cr[i] - 128), 255);
            G[i] = clamp16((int16_t)(y + G[i]), 255);
            B[i] = clamp16((int16_t)(y + B[i] + Cb[i] - 128), 255);
        }
        for (int i = 0; i < m; i++) pixel[i] = (uint32_t)R[i] | (uint32_t)G[i] << 8 | (uint32_t)B[i] << 16;
        /* the fourth byte is overwritten by what follows */
        for (int i = 0; i < m - 1; i++) codec_store_le32(rgb + step * i, pixel[i]);
        rgb += step * m;
        rgb[-step] = (uint8_t)R[m - 1], rgb[1 - step] = (uint8_t)G[m - 1], rgb[2 - step] = (uint8_t)B[m - 1];
        Y += m;
        Cb += m;
        Cr += m;
        n -= m;
    }
}

static void downsample_h2v2_scalar(const uint8_t *CODEC_RESTRICT row0, const uint8_t *CODEC_RESTRICT row1,
                                   uint8_t *CODEC_RESTRICT out, ptrdiff_t n_out)
{
    for (ptrdiff_t i = 0; i < n_out; i++)
        out[i] = (uint8_t)((row0[2 * i] + row0[2 * i + 1] + row1[2 * i] + row1[2 * i + 1] + 1 + (i & 1)) >> 2);
}

static void pair_rows_scalar(const uint8_t *row, ptrdiff_t stride, int16_t *CODEC_RESTRICT sums, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++, row++)
        sums[i] = (int16_t)codec_jpeg_pair_mean(row[0], row[stride], row[-2 * stride], row[3 * stride],
                                                row[-4 * stride], row[5 * stride], row[-6 * stride], row[7 * stride]);
}

static void pair_columns_scalar(const int16_t *sums, uint8_t *CODEC_RESTRICT out, uint8_t *CODEC_RESTRICT sixteenths,
                                ptrdiff_t n_out)
{
    for (ptrdiff_t i = 0; i < n_out; i++, sums += 2) {
        const int mean = codec_jpeg_pair_mean(sums[0], sums[1], sums[-2], sums[3], sums[-4], sums[5], sums[-6],
                                              sums[7]) + 128 >> 8;
        const int clamped = mean < 0 ? 0 : mean > 255 << 4 ? 255 << 4 : mean;
        out[i] = (uint8_t)(clamped >> 4);
        sixteenths[i] = (uint8_t)(clamped & 15);
    }
}

static void upsample_h2v2_scalar(const uint8_t *near_row, const uint8_t *far_row, uint8_t *out, ptrdiff_t n)
{
#define SUM(i) (3 * near_row[i] + far_row[i])
    out[0] = (uint8_t)((4 * SUM(0) + 8) >> 4);
    out[1] = (uint8_t)((3 * SUM(0) + SUM(1) + 7) >> 4);
    for (ptrdiff_t i = 1; i < n - 1; i++) {
        out[2 * i] = (uint8_t)((3 * SUM(i) + SUM(i - 1) + 8) >> 4);
        out[2 * i + 1] = (uint8_t)((3 * SUM(i) + SUM(i + 1) + 7) >> 4);
    }
    out[2 * n - 2] = (uint8_t)((3 * SUM(n - 1) + SUM(n - 2) + 8) >> 4);
    out[2 * n - 1] = (uint8_t)((4 * SUM(n - 1) + 7) >> 4);
#undef SUM
}

/* ---------------------------------------------------------------- blocks */

static void fdct_scalar(const uint8_t *samples, ptrdiff_t stride, int offset, int16_t *coef_nat, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) fdct8x8(samples + 8 * i, stride, offset, coef_nat + 64 * i);
}

/* Halves away from zero (A.3.4) unless there is a dead zone.
 *
 * level = floor((|c| + b) / d) for the step d, b = floor(d/2) or less. Let n = |c| + b < 2^15 + 2^18 and take (n +
 * 1/2) / d instead: it lies at least 1/(2d) away from any integer, on the same side. The float product errs by three
 * roundings of 2^-24 relative (the reciprocal, its use, and none for n + 1/2, which is exact): less than (n + 1/2)/d *
 * 2^-22.4, and that is below 1/(2d) while n < 2^21. So truncation gives the exact quotient, on every CPU (IEEE 754
 * single precision, no contraction). */
static void quantize_scalar(const int16_t *coef_nat, const JpegQuantizer *quantizer, int16_t *level_zz, ptrdiff_t n)
{
    for (; n > 0; n--, coef_nat += 64, level_zz += 64) {
        int16_t level_nat[64];
        for (int i = 0; i < 64; i++) {
            const int32_t c = coef_nat[i], sign = c >> 31; /* 0 or -1: (v ^ sign) - sign is |c|, and back */
            const int32_t q =
                (int32_t)(((float)((c ^ sign) - sign) + quantizer->bias_nat[i]) * quantizer->recip_nat[i]);
            level_nat[i] = (int16_t)((q ^ sign) - sign);
        }
        for (int i = 0; i < 64; i++) level_zz[i] = level_nat[NAT_OF_ZZ[i]];
    }
}

static void idct_scalar(const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out, ptrdiff_t stride, ptrdiff_t n)
{
    for (; n > 0; n--, level_nat += 64, out += 8) {
        const uint64_t present = codec_nonzero_mask(level_nat, 0, 63);
        int16_t coef[64], samples[64];
        if (present <= 1) { /* DC at most: both passes reduce to one rounding of it */
            const int16_t dc = (int16_t)(descale((int32_t)level_nat[0] * Q_nat[0], 3) + 128);
            for (int i = 0; i < 8; i++) memset(out + i * stride, clamp16(dc, 255), 8);
            continue;
        }
        for (int i = 0; i < 64; i++) coef[i] = (int16_t)(level_nat[i] * Q_nat[i]);
        idct8x8_16(coef, samples, !(present & ~0x0F0F0F0Full));
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 8; j++)
                out[i * stride + j] = (uint8_t)clamp16((int16_t)(samples[8 * i + j] + 128), 255);
    }
}

static void idct_reduced_scalar(const JpegReduced *t, const int16_t *level_nat, const uint16_t *Q_nat, uint8_t *out,
                                ptrdiff_t stride, ptrdiff_t n)
{
    for (; n > 0; n--, level_nat += 64, out += t->size) {
        int32_t coef[64], samples[JPEG_REDUCED_MOST * JPEG_REDUCED_MOST];
        for (int i = 0; i < 64; i++) coef[i] = (int16_t)(level_nat[i] * Q_nat[i]);
        reduced_block(t, coef, 1, samples);
        for (int y = 0; y < t->size; y++)
            for (int x = 0; x < t->size; x++) {
                int32_t sample = samples[t->size * y + x] + 128;
                sample = sample > 0 ? sample : 0;
                out[y * stride + x] = (uint8_t)(sample < 255 ? sample : 255);
            }
    }
}

static void significance_scalar(const int16_t *level_zz, int least, uint64_t *masks, ptrdiff_t n)
{
    for (; n > 0; n--, level_zz += 64, masks++) {
        int16_t large[64];
        for (int k = 0; k < 64; k++) large[k] = (level_zz[k] > least) | (level_zz[k] < -least);
        *masks = codec_nonzero_mask(large, 0, 63);
    }
}

void codec_idct8x8_wide(const int32_t *coef_nat, int32_t *samples, int pass1_bits)
{
    int32_t ws[64];
    idct_pass_32(coef_nat, ws, 8, 1, 8, 0, CONST_BITS - pass1_bits);
    idct_pass_32(ws, samples, 8, 8, 1, 0, CONST_BITS + pass1_bits + 3);
}

/* ---------------------------------------------------------------- choice of levels */

#define NAME(x) x##_scalar
#define TARGET
#define PRESENT(zz) codec_nonzero_mask(zz, 0, 63)
#include "jpeg_count_levels.h"

/* A block on its way through the zig-zag. Costs are those of the levels up to there, less what they would be if all
 * were zero: so a candidate that is passed over costs nothing. `end` is the cheapest path with nothing after it. */
typedef struct {
    float a, b, end;
    int at_a, at_b, end_at;
} Lane;

/* A candidate of magnitude x in steps: its nearest level, or the largest one of the next smaller size. */
static void take_step(Lane *lane, float x, float weight, const JpegRates *rates, int k, JpegStep *step, int16_t *level,
                      int16_t *below)
{
    const int rounded = (int)(x + 0.5f), nearest = rounded < JPEG_TOP_LEVEL ? rounded : JPEG_TOP_LEVEL;
    const float zero = weight * x * x, e0 = x - (float)nearest, gain0 = zero - weight * e0 * e0;
    if (!(rates->least < gain0)) return;
    const int size = codec_bit_length((uint32_t)nearest), smaller = (1 << (size - 1)) - 1;
    const int run_a = k - 1 - lane->at_a, run_b = k - 1 - lane->at_b, sure = gain0 > JPEG_LARGEST_SAVING;
    const float e1 = x - (float)smaller, gain1 = zero - weight * e1 * e1;
    const float a0 = lane->a + rates->ac[size][run_a] - gain0, b0 = lane->b + rates->ac[size][run_b] - gain0;
    const float a1 = lane->a + rates->ac[size - 1][run_a] - gain1, b1 = lane->b + rates->ac[size - 1][run_b] - gain1;
    const float least0 = b0 < a0 ? b0 : a0, least1 = b1 < a1 ? b1 : a1, cost = least1 < least0 ? least1 : least0;
    const float complete = cost + (k < 63 ? rates->eob : 0), other = lane->b < lane->a ? lane->b : lane->a;
    step->candidate = 1;
    step->below = least1 < least0;
    step->from_b = least1 < least0 ? b1 < a1 : b0 < a0;
    step->b_stays = lane->b < lane->a;
    lane->at_b = step->b_stays ? lane->at_b : lane->at_a;
    *level = (int16_t)nearest;
    *below = (int16_t)smaller;
    if (sure || complete < lane->end) {
        lane->end = complete;
        lane->end_at = k;
    }
    lane->b = !sure && other < cost ? other : JPEG_NO_PATH;
    lane->a = cost;
    lane->at_a = k;
}

static void trellis_scalar(const int16_t *coef_zz, const float *recip_zz, const JpegRates *rates, const float *weights,
                           int16_t *level_zz, ptrdiff_t n)
{
    for (; n > 0; n--, coef_zz += 64, level_zz += 64, weights++) {
        Lane lane = {0, JPEG_NO_PATH, rates->eob, 0, 0, 0};
        JpegStep steps[64] = {{0, 0, 0, 0}};
        int16_t level[64], below[64];
        uint16_t ends[64] = {0}, kept[64];
        for (int k = 1; k < 64; k++) {
            const int32_t c = coef_zz[k];
            take_step(&lane, (float)(c < 0 ? -c : c) * recip_zz[k], *weights, rates, k, &steps[k], &level[k],
                      &below[k]);
        }
        ends[lane.end_at] = 1;
        codec_jpeg_walk_back(steps, ends, kept, 63);
        level_zz[0] = 0;
        for (int k = 1; k < 64; k++) {
            const int16_t v = !kept[k] ? 0 : steps[k].below ? below[k] : level[k];
            level_zz[k] = coef_zz[k] < 0 ? (int16_t)-v : v;
        }
    }
}

/* ---------------------------------------------------------------- entropy-coded segments */

static ptrdiff_t next_marker_scalar(const uint8_t *data, ptrdiff_t n)
{
    for (ptrdiff_t at = 0; at + 1 < n; at++) {
        const uint8_t *found = memchr(data + at, 0xFF, (size_t)(n - 1 - at));
        if (!found) break;
        at = found - data;
        if (found[1] != 0 && found[1] != 0xFF) return at;
    }
    return n;
}

static ptrdiff_t unstuff_scalar(const uint8_t *data, ptrdiff_t n, uint8_t *plain)
{
    ptrdiff_t at = 0, out = 0;
    while (at < n) {
        const uint8_t *found = memchr(data + at, 0xFF, (size_t)(n - at));
        const ptrdiff_t run = found ? found - (data + at) : n - at;
        memcpy(plain + out, data + at, (size_t)run);
        at += run;
        out += run;
        if (!found) break;
        at++;
        if (at < n && data[at] == 0) {
            plain[out++] = 0xFF;
            at++;
        }
    }
    return out;
}

/* ---------------------------------------------------------------- tables */

static uint64_t deposit(uint64_t bits, uint64_t mask)
{
    uint64_t out = 0;
    for (; bits; bits >>= 1, mask &= mask - 1)
        if (bits & 1) out |= mask & -mask;
    return out;
}

static uint64_t extract(uint64_t bits, uint64_t mask)
{
    uint64_t out = 0;
    for (int i = 0; mask; i++, mask &= mask - 1) out |= (uint64_t)((bits & mask & -mask) != 0) << i;
    return out;
}

static uint64_t odd_levels(const int16_t *level_zz, int Al)
{
    int16_t odd[64];
    for (int k = 0; k < 64; k++) odd[k] = (int16_t)((level_zz[k] < 0 ? -level_zz[k] : level_zz[k]) >> Al & 1);
    return codec_nonzero_mask(odd, 0, 63);
}

#define COUNT(mask) codec_count_bits(mask)
#define FIRST(mask) (64 - codec_bit_length64(mask))
#define DEPOSIT(bits, mask) deposit(bits, mask)
#define EXTRACT(bits, mask) extract(bits, mask)
#define ODD(zz, Al) odd_levels(zz, Al)
#include "jpeg_bits.h"
#undef NAME
#undef TARGET
#undef PRESENT
#undef COUNT
#undef FIRST
#undef DEPOSIT
#undef EXTRACT
#undef ODD

#define SCALAR(type, name) .name = name##_scalar,
static const JpegDsp table_scalar = {JPEG_DSP_MEMBERS(SCALAR)};

#if CODEC_HAS_AVX2
#include "x86/jpeg_x86.h"
#define OF_AVX2(type, name) .name = codec_jpeg_##name##_avx2,
#define OF_AVX512(type, name) .name = codec_jpeg_##name##_avx512,
static const JpegDsp table_avx2 = {JPEG_DSP_MEMBERS(OF_AVX2)};
static const JpegDsp table_avx512 = {JPEG_DSP_WIDE_MEMBERS(OF_AVX512) JPEG_DSP_OTHER_MEMBERS(OF_AVX2)};
#endif

const JpegDsp *codec_jpeg_dsp(int level)
{
#if CODEC_HAS_AVX2
    if (level >= CODEC_AVX512) return &table_avx512;
    if (level >= CODEC_AVX2) return &table_avx2;
#else
    (void)level;
#endif
    return &table_scalar;
}

#define MEMBER(type, name) {#name, offsetof(JpegDsp, name), sizeof(((JpegDsp *)0)->name)},
const struct codec_member codec_jpeg_members[] = {JPEG_DSP_MEMBERS(MEMBER){NULL, 0, 0}};
