/* Kernels for clustering and nearest colours. Contracts are in colors.h. */
#include "colors.h"

#include <string.h>

#include "cube_root.h"
#include "levels.h"

/* Whole groups of lanes: entries behind the last one are read, their results are ignored. */
#define ROUND8(m) (((m) + 7) & ~7)

/* If inlined with a constant D, the loop over D unrolls and the loop over points is vectorized. */
CODEC_BODY void nearest_of(const float *CODEC_RESTRICT points, ptrdiff_t stride, const int D,
                           const float *CODEC_RESTRICT z, ptrdiff_t z_stride, const int32_t *CODEC_RESTRICT labels,
                           int m, float *CODEC_RESTRICT distance, int32_t *CODEC_RESTRICT label)
{
    for (int i = 0; i < CODEC_LEAF; i++) {
        distance[i] = 1e30f;
        label[i] = labels[0];
    }
    for (int c = 0; c < m; c++) {
        const int32_t name = labels[c];
        for (int i = 0; i < CODEC_LEAF; i++) {
            float d = 0;
            for (int t = 0; t < D; t++) {
                const float e = points[t * stride + i] - z[t * z_stride + c];
                d += e * e;
            }
            label[i] = d < distance[i] ? name : label[i];
            distance[i] = d < distance[i] ? d : distance[i];
        }
    }
}

/* For any D: one coordinate at a time, so that lanes are still points. */
CODEC_BODY void nearest_of_any(const float *CODEC_RESTRICT points, ptrdiff_t stride, int D,
                               const float *CODEC_RESTRICT z, ptrdiff_t z_stride, const int32_t *CODEC_RESTRICT labels,
                               int m, float *CODEC_RESTRICT distance, int32_t *CODEC_RESTRICT label)
{
    float sum[CODEC_LEAF];
    for (int i = 0; i < CODEC_LEAF; i++) {
        distance[i] = 1e30f;
        label[i] = labels[0];
    }
    for (int c = 0; c < m; c++) {
        for (int i = 0; i < CODEC_LEAF; i++)
            sum[i] = 0;
        for (int t = 0; t < D; t++) {
            const float at = z[t * z_stride + c];
            for (int i = 0; i < CODEC_LEAF; i++) {
                const float e = points[t * stride + i] - at;
                sum[i] += e * e;
            }
        }
        for (int i = 0; i < CODEC_LEAF; i++) {
            label[i] = sum[i] < distance[i] ? labels[c] : label[i];
            distance[i] = sum[i] < distance[i] ? sum[i] : distance[i];
        }
    }
}

CODEC_BODY void codec_nearest_points_body(const float *points, ptrdiff_t stride, int D, const float *z,
                                          ptrdiff_t z_stride, const int32_t *labels, int m, float *distance,
                                          int32_t *label)
{
    if (D == 3)
        nearest_of(points, stride, 3, z, z_stride, labels, m, distance, label);
    else if (D == 6)
        nearest_of(points, stride, 6, z, z_stride, labels, m, distance, label);
    else
        nearest_of_any(points, stride, D, z, z_stride, labels, m, distance, label);
}
CODEC_KERNEL(codec_nearest_points,
             (const float *points, ptrdiff_t stride, int D, const float *z, ptrdiff_t z_stride, const int32_t *labels,
              int m, float *distance, int32_t *label),
             (points, stride, D, z, z_stride, labels, m, distance, label))

/* The corner of the box farthest along z - pivot is the point of the box that favours z most. If the pivot is nearer
 * even there, z is the nearest centre of no point in the box (Kanungo et al., "An Efficient k-Means Clustering
 * Algorithm", IEEE PAMI 24(7), 2002, section 2). Ties are kept: the order of the centres decides them. */
CODEC_BODY void keep_of(const float *CODEC_RESTRICT lo, const float *CODEC_RESTRICT hi, const int D,
                        const float *CODEC_RESTRICT z, ptrdiff_t stride, int m, const float *CODEC_RESTRICT pivot,
                        int32_t *CODEC_RESTRICT keep)
{
    float to_low[CODEC_MOST_DIMENSIONS], to_high[CODEC_MOST_DIMENSIONS];
    for (int t = 0; t < D; t++) {
        to_low[t] = (pivot[t] - lo[t]) * (pivot[t] - lo[t]);
        to_high[t] = (pivot[t] - hi[t]) * (pivot[t] - hi[t]);
    }
    for (int c = 0; c < ROUND8(m); c++) {
        /* how much nearer z is than the pivot at the corner that favours it most; exact, since its terms are */
        float ahead = 0;
        for (int t = 0; t < D; t++) {
            const float at = z[t * stride + c], l = at - lo[t], h = at - hi[t],
                low = to_low[t] - l * l, high = to_high[t] - h * h;
            ahead += low > high ? low : high;
        }
        keep[c] = ahead >= 0;
    }
}

CODEC_BODY void codec_keep_body(const float *lo, const float *hi, int D, const float *z, ptrdiff_t stride, int m,
                                const float *pivot, int32_t *keep)
{
    if (D == 3)
        keep_of(lo, hi, 3, z, stride, m, pivot, keep);
    else if (D == 6)
        keep_of(lo, hi, 6, z, stride, m, pivot, keep);
    else
        keep_of(lo, hi, D, z, stride, m, pivot, keep);
}
CODEC_KERNEL(codec_keep, (const float *lo, const float *hi, int D, const float *z, ptrdiff_t stride, int m,
                          const float *pivot, int32_t *keep), (lo, hi, D, z, stride, m, pivot, keep))

/* Squared distances from the middle of the box, rounded down to integers: precise enough to choose a pivot. */
CODEC_BODY void distances_of(const float *CODEC_RESTRICT lo, const float *CODEC_RESTRICT hi, const int D,
                             const float *CODEC_RESTRICT z, ptrdiff_t stride, int m, int32_t *CODEC_RESTRICT distance)
{
    for (int c = 0; c < ROUND8(m); c++) {
        float d = 0;
        for (int t = 0; t < D; t++) {
            const float e = z[t * stride + c] - 0.5f * (lo[t] + hi[t]);
            d += e * e;
        }
        distance[c] = (int32_t)d;
    }
    for (int c = m; c < ROUND8(m); c++)
        distance[c] = INT32_MAX;
}

CODEC_BODY int nearest_in(const int32_t *distance, int m)
{
    int32_t least = INT32_MAX;
    int c = 0;
    for (int i = 0; i < m; i++)
        least = distance[i] < least ? distance[i] : least;
    while (distance[c] != least)
        c++;
    return c;
}

CODEC_BODY int copy_kept(const struct codec_centres *in, struct codec_centres *out, int D, const int32_t *keep,
                         int from, int to, int n)
{
    for (int c = from; c < to; c++) {
        out->name[n] = in->name[c];
        for (int t = 0; t < D; t++)
            out->z[t * out->stride + n] = in->z[t * in->stride + c];
        n += keep[c];
    }
    return n;
}

CODEC_BODY void filter_of(const float *lo, const float *hi, const int D, const struct codec_centres *in,
                          struct codec_centres *out, int32_t *distance, int32_t *keep)
{
    float pivot[CODEC_MOST_DIMENSIONS];
    int nearest;
    distances_of(lo, hi, D, in->z, in->stride, in->candidates, distance);
    nearest = nearest_in(distance, ROUND8(in->candidates));
    for (int t = 0; t < D; t++)
        pivot[t] = in->z[t * in->stride + nearest];
    keep_of(lo, hi, D, in->z, in->stride, in->candidates, pivot, keep);
    for (int c = in->candidates; c < in->all; c++)
        keep[c] = 1;
    /* only an unmoved centre can show that an old place was nearest to no point of this box */
    if (in->unmoved && in->all > in->candidates) {
        nearest = nearest_in(distance, in->unmoved);
        for (int t = 0; t < D; t++)
            pivot[t] = in->z[t * in->stride + nearest];
        keep_of(lo, hi, D, in->z + in->candidates, in->stride, in->all - in->candidates, pivot, keep + in->candidates);
    }
    out->unmoved = copy_kept(in, out, D, keep, 0, in->unmoved, 0);
    out->candidates = copy_kept(in, out, D, keep, in->unmoved, in->candidates, out->unmoved);
    out->all = copy_kept(in, out, D, keep, in->candidates, in->all, out->candidates);
}

CODEC_BODY void codec_filter_body(const float *lo, const float *hi, int D, const struct codec_centres *in,
                                  struct codec_centres *out, int32_t *distance, int32_t *keep)
{
    if (D == 3)
        filter_of(lo, hi, 3, in, out, distance, keep);
    else if (D == 6)
        filter_of(lo, hi, 6, in, out, distance, keep);
    else
        filter_of(lo, hi, D, in, out, distance, keep);
}
CODEC_KERNEL(codec_filter,
             (const float *lo, const float *hi, int D, const struct codec_centres *in, struct codec_centres *out,
              int32_t *distance, int32_t *keep),
             (lo, hi, D, in, out, distance, keep))

CODEC_BODY uint32_t least_key(const float *CODEC_RESTRICT x, const int D, const float *CODEC_RESTRICT list, ptrdiff_t n)
{
    const float *CODEC_RESTRICT index = list + D * n;
    uint32_t best = 0xFFFFFFFF;
    for (ptrdiff_t i = 0; i < n; i++) {
        float d = 0;
        for (int t = 0; t < D; t++) {
            const float e = list[t * n + i] - x[t];
            d += e * e;
        }
        const uint32_t key = (uint32_t)(int32_t)d << 8 | (uint32_t)(int32_t)index[i];
        best = key < best ? key : best;
    }
    return best;
}

CODEC_BODY void codec_nearest_listed_body(const float *x, int D, const float *list, ptrdiff_t n, uint32_t *key)
{
    *key = D == 3 ? least_key(x, 3, list, n & ~(ptrdiff_t)7) : least_key(x, 6, list, n & ~(ptrdiff_t)7);
}
CODEC_KERNEL(codec_nearest_listed, (const float *x, int D, const float *list, ptrdiff_t n, uint32_t *key),
             (x, D, list, n, key))

/* Ottosson, "A perceptual color space for image processing", 2020. */
CODEC_BODY void codec_linear_to_oklab_body(const float *CODEC_RESTRICT rgb, ptrdiff_t n, const float *scale,
                                           const float *offset, float *CODEC_RESTRICT lab)
{
    const float s0 = scale[0], s1 = scale[1], s2 = scale[2], o0 = offset[0] + 0.5f, o1 = offset[1] + 0.5f,
        o2 = offset[2] + 0.5f;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float R = rgb[i], G = rgb[n + i], B = rgb[2 * n + i];
        const float l = cube_root(0.4122214708f * R + 0.5363325363f * G + 0.0514459929f * B);
        const float m = cube_root(0.2119034982f * R + 0.6806995451f * G + 0.1073969566f * B);
        const float s = cube_root(0.0883024619f * R + 0.2817188376f * G + 0.6299787005f * B);
        lab[i] = (float)(int32_t)((0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s) * s0 + o0);
        lab[n + i] = (float)(int32_t)((1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s) * s1 + o1);
        lab[2 * n + i] = (float)(int32_t)((0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s) * s2 + o2);
    }
}
CODEC_KERNEL(codec_linear_to_oklab, (const float *rgb, ptrdiff_t n, const float *scale, const float *offset,
                                     float *lab), (rgb, n, scale, offset, lab))
