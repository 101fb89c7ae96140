/* Kernels of clustering and of nearest colours, a table of variants each (levels.h): [0] scalar, [1] AVX2 where the
 * machine kind has it.
 *
 * Coordinates are integers of 0 .. 2047 in float lanes, chosen so that no squared distance reaches 2^24: every sum is
 * exact, whatever its order. */
#ifndef CODEC_COLORS_H
#define CODEC_COLORS_H
#include <stddef.h>
#include <stdint.h>

#define CODEC_LEAF 32                   /* points that are searched together */
#define CODEC_MOST_DIMENSIONS 64

/* The nearest of `m` centres (rows of D, z_stride apart) for each of CODEC_LEAF points (rows of D, stride apart); of
 * equal ones the first. */
extern void (*const codec_nearest_points[2])(const float *points, ptrdiff_t stride, int D, const float *z,
                                             ptrdiff_t z_stride, const int32_t *labels, int m, float *distance,
                                             int32_t *label);

/* Centres that matter in a box: rows of D coordinates, `stride` apart, and their names. First those that have not
 * moved, then the new places of those that have, then the old places of these, which are no candidates. */
struct codec_centres {
    float *z;
    int32_t *name;
    ptrdiff_t stride;
    int unmoved, candidates, all;
};

/* Those of `in` that can be, or could have been, nearest to a point of the box lo..hi. distance, keep: room
 * for in->all, and 8 more, as in all rows here. */
extern void (*const codec_filter[2])(const float *lo, const float *hi, int D, const struct codec_centres *in,
                                     struct codec_centres *out, int32_t *distance, int32_t *keep);

/* keep[i] = 0 for those of `m` centres that `pivot`, D coordinates, beats everywhere in the box lo..hi. Rows and keep
 * have room for m and 8 more. */
extern void (*const codec_keep[2])(const float *lo, const float *hi, int D, const float *z, ptrdiff_t stride, int m,
                                   const float *pivot, int32_t *keep);

/* The least of distance << 8 | index over a list of n entries, a multiple of 8: rows of D coordinates, then one of
 * indices 0..255, n apart. */
extern void (*const codec_nearest_listed[2])(const float *x, int D, const float *list, ptrdiff_t n, uint32_t *key);

/* Linear light R, G, B of 0..1 (rows n apart) to OKLab, times scale[3] plus offset[3], rounded to integers: rows n
 * apart. */
extern void (*const codec_linear_to_oklab[2])(const float *rgb, ptrdiff_t n, const float *scale, const float *offset,
                                              float *lab);
#endif
