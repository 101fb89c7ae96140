/* Kernels of the scalar quantizers. Contracts are in scalar.h. */
#include "scalar.h"

#include <math.h>
#include <string.h>

#include "levels.h"
#include "prefetch.h"

/* fmaf below is one instruction; nothing else is contracted (setup.py). */
#if CODEC_HAS_AVX2
#undef CODEC_TARGET_AVX2
#define CODEC_TARGET_AVX2 __attribute__((target("avx2,fma")))
#endif

/* v + ROUNDER has the unit 1 in the last place for |v| <= 2^22, so that the addition rounds v half to even, and the low
 * bits of the sum are those of the integer. Codes less zero points are within 2^17. */
#define ROUNDER 12582912.0f /* 1.5 * 2^23 */

CODEC_BODY uint32_t bits_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

CODEC_BODY float affine_position(float x, float factor, float zero, int formula)
{
    return formula == CODEC_DIVIDE       ? x / factor
           : formula == CODEC_MULTIPLY   ? x * factor
           : formula == CODEC_FUSED      ? fmaf(x, factor, zero)
           : formula == CODEC_DIVIDE_ADD ? x / factor + zero
                                         : x * factor + zero;
}

/* The code modulo 2^32. Clipping to integers before rounding or after it is the same. What a choice may take is
 * computed before it, so that it becomes a blend. */
CODEC_BODY uint32_t affine_code(float x, float factor, float zero, const struct codec_affine *a, int formula, int plain)
{
    const float after = formula == CODEC_DIVIDE || formula == CODEC_MULTIPLY ? zero : 0.0f;
    const float low = a->low - after, high = a->high - after, other = a->nan - after;
    const float beyond = zero < 0 ? high : low, lost = a->wraps ? beyond : low, nan = a->wraps ? beyond : other;
    float v = affine_position(x, factor, zero, formula);
    if (!plain)
        v = fabsf(v) >= a->wild ? lost : v;
    v = v > low ? v : low;
    v = v < high ? v : high;
    if (!plain)
        v = x == x ? v : nan;
    const float sum = v + ROUNDER;
    const uint32_t code = bits_of(sum) + ((uint32_t)(int32_t)after - bits_of(ROUNDER));
    if (plain)
        return code;
    const float d = v - (sum - ROUNDER), up = v < 0 ? a->up[1] : a->up[0], down = v < 0 ? a->down[1] : a->down[0];
    return code + (uint32_t)(d > up) - (uint32_t)(d < down);
}

enum { AFFINE_BLOCK = 1024 };

#define AFFINE_LOOP(code, each, formula, plain)                                                                        \
    for (ptrdiff_t i = start; i < end; i++) {                                                                          \
        const int32_t magnitude = (int32_t)(bits_of(x[i]) & 0x7fffffff);                                               \
        largest = magnitude > largest ? magnitude : largest;                                                           \
        codes[i] = (code)affine_code(x[i], factor[(each) ? i : 0], zero[(each) ? i : 0], &a, formula, plain);          \
    }
/* One pass over memory: a block that turns out not to be plain is still in the cache, the next one is on its way. */
#define AFFINE_ROW(code, formula)                                                                                      \
    case formula:                                                                                                      \
        if (a.plain)                                                                                                   \
            AFFINE_LOOP(code, 0, formula, 1)                                                                           \
        if ((uint32_t)largest >= a.plain)                                                                              \
            AFFINE_LOOP(code, 0, formula, 0)                                                                           \
        break;
#define AFFINE_EACH(code, formula)                                                                                     \
    case formula:                                                                                                      \
        AFFINE_LOOP(code, 1, formula, 0)                                                                               \
        break;
#define AFFINE_KERNEL(name, code, LOOP)                                                                                \
    CODEC_BODY void name##_body(const float *CODEC_RESTRICT x, ptrdiff_t n, const float *CODEC_RESTRICT factor,        \
                                const float *CODEC_RESTRICT zero, const struct codec_affine *affine,                   \
                                code *CODEC_RESTRICT codes, uint32_t *most)                                            \
    {                                                                                                                  \
        const struct codec_affine a = *affine;                                                                         \
        for (ptrdiff_t start = 0; start < n; start += AFFINE_BLOCK) {                                                  \
            const ptrdiff_t end = n - start < AFFINE_BLOCK ? n : start + AFFINE_BLOCK;                                 \
            for (ptrdiff_t next = end; next < n && next < end + AFFINE_BLOCK; next += 16) prefetch(x + next);          \
            int32_t largest = 0;                                                                                       \
            switch (a.formula) {                                                                                       \
                LOOP(code, CODEC_DIVIDE)                                                                               \
                LOOP(code, CODEC_MULTIPLY)                                                                             \
                LOOP(code, CODEC_FUSED)                                                                                \
                LOOP(code, CODEC_MULTIPLY_ADD)                                                                         \
                LOOP(code, CODEC_DIVIDE_ADD)                                                                           \
            }                                                                                                          \
            *most = (uint32_t)largest > *most ? (uint32_t)largest : *most;                                             \
        }                                                                                                              \
    }                                                                                                                  \
    CODEC_KERNEL(name, CODEC_AFFINE_PARAMETERS(code), (x, n, factor, zero, affine, codes, most))

AFFINE_KERNEL(codec_affine_8, uint8_t, AFFINE_ROW)
AFFINE_KERNEL(codec_affine_16, uint16_t, AFFINE_ROW)
AFFINE_KERNEL(codec_affine_each_8, uint8_t, AFFINE_EACH)
AFFINE_KERNEL(codec_affine_each_16, uint16_t, AFFINE_EACH)

#define REAL_KERNEL(name, code)                                                                                        \
    CODEC_BODY void name##_body(const code *CODEC_RESTRICT codes, ptrdiff_t n, const float *CODEC_RESTRICT scale,      \
                                const float *CODEC_RESTRICT zero, int step, float *CODEC_RESTRICT out)                 \
    {                                                                                                                  \
        const float first_scale = scale[0], first_zero = zero[0];                                                      \
        if (step)                                                                                                      \
            for (ptrdiff_t i = 0; i < n; i++) out[i] = ((float)codes[i] - zero[i]) * scale[i];                         \
        else                                                                                                           \
            for (ptrdiff_t i = 0; i < n; i++) out[i] = ((float)codes[i] - first_zero) * first_scale;                   \
    }                                                                                                                  \
    CODEC_KERNEL(name, CODEC_REAL_PARAMETERS(code), (codes, n, scale, zero, step, out))

REAL_KERNEL(codec_affine_real_i8, int8_t)
REAL_KERNEL(codec_affine_real_u8, uint8_t)
REAL_KERNEL(codec_affine_real_i16, int16_t)
REAL_KERNEL(codec_affine_real_u16, uint16_t)

/* ---------------------------------------------------------------- thresholds */

enum { SEARCH_BLOCK = 64 };

/* Halving without branches: all values of a block take the same number of steps. position[i] thresholds are known to be
 * below x[i]. */
#define SEARCH_KERNEL(name, real, code)                                                                                \
    CODEC_BODY void name##_body(const real *CODEC_RESTRICT x, ptrdiff_t n, const real *CODEC_RESTRICT thresholds,      \
                                int depth, code *CODEC_RESTRICT codes)                                                 \
    {                                                                                                                  \
        int32_t position[SEARCH_BLOCK];                                                                                \
        for (ptrdiff_t start = 0; start < n; start += SEARCH_BLOCK) {                                                  \
            const int many = n - start < SEARCH_BLOCK ? (int)(n - start) : SEARCH_BLOCK;                               \
            for (int i = 0; i < many; i++) position[i] = 0;                                                            \
            for (int32_t half = depth ? 1 << (depth - 1) : 0; half; half >>= 1)                                        \
                for (int i = 0; i < many; i++)                                                                         \
                    position[i] += x[start + i] > thresholds[position[i] + half - 1] ? half : 0;                       \
            for (int i = 0; i < many; i++) codes[start + i] = (code)position[i];                                       \
        }                                                                                                              \
    }                                                                                                                  \
    CODEC_KERNEL(name, CODEC_SEARCH_PARAMETERS(real, code), (x, n, thresholds, depth, codes))

SEARCH_KERNEL(codec_search_f32_8, float, uint8_t)
SEARCH_KERNEL(codec_search_f32_16, float, uint16_t)
SEARCH_KERNEL(codec_search_f64_8, double, uint8_t)
SEARCH_KERNEL(codec_search_f64_16, double, uint16_t)
