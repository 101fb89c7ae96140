/* Kernels for clustering and nearest colours, each a table of variants (levels.h): [0] scalar, [1] AVX2 where
 * the architecture has it.
 *
 * Coordinates are integers in 0..2047, held as floats and chosen so that no squared distance reaches 2^24: every
 * sum is exact in any order. */
#ifndef CODEC_COLORS_H
#define CODEC_COLORS_H
#include <stddef.h>
#include <stdint.h>

#define CODEC_LEAF 32                   /* points searched together */
#define CODEC_MOST_DIMENSIONS 64

/* Finds the nearest of `m` centres (D rows, z_stride apart) for each of CODEC_LEAF points (D rows, stride
 * apart); the first on ties. */
extern void (*const codec_nearest_points[2])(const float *points, ptrdiff_t stride, int D, const float *z,
                                             ptrdiff_t z_stride, const int32_t *labels, int m, float *distance,
                                             int32_t *label);

/* Centres relevant to a box: D rows of coordinates, `stride` apart, and their names. First the centres that have not
 * moved, then the moved ones at their new places, then the same at their old places; the last are not candidates. */
struct codec_centres {
    float *z;
    int32_t *name;
    ptrdiff_t stride;
    int unmoved, candidates, all;
};

/* Copies the centres of `in` that can be, or could have been, nearest to a point of the box lo..hi. distance and keep,
 * like all rows here, have room for in->all + 8. */
extern void (*const codec_filter[2])(const float *lo, const float *hi, int D, const struct codec_centres *in,
                                     struct codec_centres *out, int32_t *distance, int32_t *keep);

/* Sets keep[i] = 0 for each of `m` centres that is farther than `pivot` (D coordinates) from every point of the box
 * lo..hi, otherwise 1. Rows and keep have room for m + 8. */
extern void (*const codec_keep[2])(const float *lo, const float *hi, int D, const float *z, ptrdiff_t stride, int m,
                                   const float *pivot, int32_t *keep);

/* The minimum of squared distance << 8 | index over a list of n entries (n a multiple of 8): D rows of coordinates,
 * then a row of indices 0..255, n apart. */
extern void (*const codec_nearest_listed[2])(const float *x, int D, const float *list, ptrdiff_t n, uint32_t *key);

/* Converts linear R, G, B in 0..1 to OKLab times scale[3] plus offset[3], rounded to integers. Rows are n apart. */
extern void (*const codec_linear_to_oklab[2])(const float *rgb, ptrdiff_t n, const float *scale, const float *offset,
                                              float *lab);
#endif
