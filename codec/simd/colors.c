/* Kernels of clustering and of nearest colours. Contracts are in colors.h. */
#include "colors.h"

#include <string.h>

#include "levels.h"

/* D is a constant where this is inlined with one: the loop over it then unrolls, and the loop over points becomes lanes. */
CODEC_BODY void nearest_of(const float *CODEC_RESTRICT points, ptrdiff_t stride, const int D, const float *CODEC_RESTRICT z, ptrdiff_t z_stride,
                           const int32_t *CODEC_RESTRICT labels, int m, float *CODEC_RESTRICT distance, int32_t *CODEC_RESTRICT label)
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

/* Any D: one coordinate after the other, so that the lanes are still points. */
CODEC_BODY void nearest_of_any(const float *CODEC_RESTRICT points, ptrdiff_t stride, int D, const float *CODEC_RESTRICT z, ptrdiff_t z_stride,
                               const int32_t *CODEC_RESTRICT labels, int m, float *CODEC_RESTRICT distance, int32_t *CODEC_RESTRICT label)
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

CODEC_BODY void codec_nearest_points_body(const float *points, ptrdiff_t stride, int D, const float *z, ptrdiff_t z_stride, const int32_t *labels, int m,
                                          float *distance, int32_t *label)
{
    if (D == 3)
        nearest_of(points, stride, 3, z, z_stride, labels, m, distance, label);
    else if (D == 6)
        nearest_of(points, stride, 6, z, z_stride, labels, m, distance, label);
    else
        nearest_of_any(points, stride, D, z, z_stride, labels, m, distance, label);
}
CODEC_KERNEL(codec_nearest_points,
             (const float *points, ptrdiff_t stride, int D, const float *z, ptrdiff_t z_stride, const int32_t *labels, int m, float *distance, int32_t *label),
             (points, stride, D, z, z_stride, labels, m, distance, label))

/* The corner of the box farthest along z - pivot is the point of the box that z is best at. If the pivot is nearer even there, z is nowhere
 * the nearest (Kanungo et al., "An Efficient k-Means Clustering Algorithm", IEEE PAMI 24(7), 2002, section 2). Equals stay: order decides. */
CODEC_BODY void codec_keep_candidates_body(const float *CODEC_RESTRICT lo, const float *CODEC_RESTRICT hi, int D, const float *CODEC_RESTRICT z,
                                           ptrdiff_t z_stride, int m, int pivot, uint8_t *CODEC_RESTRICT keep)
{
    float of_z[64], of_pivot[64];
    for (int start = 0; start < m; start += 64) {
        const int n = m - start < 64 ? m - start : 64;
        for (int c = 0; c < n; c++)
            of_z[c] = of_pivot[c] = 0;
        for (int t = 0; t < D; t++) {
            const float p = z[t * z_stride + pivot], low = lo[t], high = hi[t];
            const float *CODEC_RESTRICT row = z + t * z_stride + start;
            for (int c = 0; c < n; c++) {
                const float corner = row[c] > p ? high : low, e = row[c] - corner, f = p - corner;
                of_z[c] += e * e;
                of_pivot[c] += f * f;
            }
        }
        for (int c = 0; c < n; c++)
            keep[start + c] = of_z[c] <= of_pivot[c];
    }
}
CODEC_KERNEL(codec_keep_candidates, (const float *lo, const float *hi, int D, const float *z, ptrdiff_t z_stride, int m, int pivot, uint8_t *keep),
             (lo, hi, D, z, z_stride, m, pivot, keep))

CODEC_BODY void codec_distances_body(const float *CODEC_RESTRICT x, int D, const float *CODEC_RESTRICT z, ptrdiff_t z_stride, int m, float *CODEC_RESTRICT distance)
{
    for (int c = 0; c < m; c++)
        distance[c] = 0;
    for (int t = 0; t < D; t++) {
        const float at = x[t];
        for (int c = 0; c < m; c++) {
            const float e = z[t * z_stride + c] - at;
            distance[c] += e * e;
        }
    }
}
CODEC_KERNEL(codec_distances, (const float *x, int D, const float *z, ptrdiff_t z_stride, int m, float *distance), (x, D, z, z_stride, m, distance))

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
CODEC_KERNEL(codec_nearest_listed, (const float *x, int D, const float *list, ptrdiff_t n, uint32_t *key), (x, D, list, n, key))

/* Cube root of x in 0 .. 1.01 to within 2 units in the last place above 1e-4, and no worse than 3 % below: a third of the exponent as a first
 * guess, then Halley's y (y^3 + 2x) / (2y^3 + x) twice. Basic operations only: the same bits everywhere. */
CODEC_BODY float cube_root(float x)
{
    int32_t i;
    float y, c;
    memcpy(&i, &x, 4);
    i = (int32_t)((float)i * 0.333333343f) + 709921077;
    memcpy(&y, &i, 4);
    c = y * y * y;
    y = y * (c + x + x) / (c + c + x);
    c = y * y * y;
    return y * (c + x + x) / (c + c + x);
}

/* Ottosson, "A perceptual color space for image processing", 2020. */
CODEC_BODY void codec_linear_to_oklab_body(const float *CODEC_RESTRICT rgb, ptrdiff_t n, const float *scale, const float *offset, float *CODEC_RESTRICT lab)
{
    const float s0 = scale[0], s1 = scale[1], s2 = scale[2], o0 = offset[0] + 0.5f, o1 = offset[1] + 0.5f, o2 = offset[2] + 0.5f;
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
CODEC_KERNEL(codec_linear_to_oklab, (const float *rgb, ptrdiff_t n, const float *scale, const float *offset, float *lab), (rgb, n, scale, offset, lab))
