/* Kernels of the scalar quantizers, each a table of variants (levels.h): [0] scalar, [1] AVX2 where the architecture
 * has it. */
#ifndef CODEC_SCALAR_H
#define CODEC_SCALAR_H
#include <stddef.h>
#include <stdint.h>

/* How an affine quantizer maps x to a real number in units of codes, in single precision. `factor` is the scale for the
 * two divisions and the rounded reciprocal 1 / scale for the others. The zero point z is added after rounding, as an
 * integer, by DIVIDE and MULTIPLY, and before it by the others. */
enum {
    CODEC_DIVIDE,       /* x / factor */
    CODEC_MULTIPLY,     /* x * factor */
    CODEC_FUSED,        /* fma(x, factor, z) */
    CODEC_MULTIPLY_ADD, /* x * factor + z */
    CODEC_DIVIDE_ADD,   /* x / factor + z */
    CODEC_FORMULAS
};

/* up and down, for v >= 0 and v < 0: with r = v rounded half to even and d = v - r, the code is r + 1 if d > up, r - 1
 * if d < down; 1 and -1 mean never. */
struct codec_affine {
    int formula;
    uint32_t plain;   /* |x| whose bits are below are rounded half to even, and not NaN or wild; at most 0x7f800000 */
    float low, high;  /* of the codes, within -65535..65535 */
    float nan;        /* the code of NaN */
    float wild;       /* real numbers of this magnitude get `low`; NaN: none */
    int wraps;        /* NaN and wild numbers get `high` where the zero point is negative */
    float up[2], down[2];
};

/* n codes of x, clipped to low..high, as the low bits of an integer. `most`: raised to the largest bit pattern of |x|,
 * which is at least 0x7f800000 if there are infinities or NaN. The first two use factor[0] and zero[0], the others
 * factor[i] and zero[i]. */
#define CODEC_AFFINE_PARAMETERS(code)                                                                                  \
    (const float *x, ptrdiff_t n, const float *factor, const float *zero, const struct codec_affine *affine,           \
     code *codes, uint32_t *most)
extern void(*const codec_affine_8[2]) CODEC_AFFINE_PARAMETERS(uint8_t);
extern void(*const codec_affine_16[2]) CODEC_AFFINE_PARAMETERS(uint16_t);
extern void(*const codec_affine_each_8[2]) CODEC_AFFINE_PARAMETERS(uint8_t);
extern void(*const codec_affine_each_16[2]) CODEC_AFFINE_PARAMETERS(uint16_t);

/* out = (code - zero) * scale in single precision; the difference is exact. `step` is 0 for one scale and zero point, 1
 * for arrays of n. */
#define CODEC_REAL_PARAMETERS(code)                                                                                    \
    (const code *codes, ptrdiff_t n, const float *scale, const float *zero, int step, float *out)
extern void(*const codec_affine_real_i8[2]) CODEC_REAL_PARAMETERS(int8_t);
extern void(*const codec_affine_real_u8[2]) CODEC_REAL_PARAMETERS(uint8_t);
extern void(*const codec_affine_real_i16[2]) CODEC_REAL_PARAMETERS(int16_t);
extern void(*const codec_affine_real_u16[2]) CODEC_REAL_PARAMETERS(uint16_t);

/* codes[i] = how many of 2^depth - 1 ascending thresholds are below x[i]; depth <= 16, unused ones are infinite. NaN
 * gets 0. */
#define CODEC_SEARCH_PARAMETERS(real, code)                                                                            \
    (const real *x, ptrdiff_t n, const real *thresholds, int depth, code *codes)
extern void(*const codec_search_f32_8[2]) CODEC_SEARCH_PARAMETERS(float, uint8_t);
extern void(*const codec_search_f32_16[2]) CODEC_SEARCH_PARAMETERS(float, uint16_t);
extern void(*const codec_search_f64_8[2]) CODEC_SEARCH_PARAMETERS(double, uint8_t);
extern void(*const codec_search_f64_16[2]) CODEC_SEARCH_PARAMETERS(double, uint16_t);

#endif
