"""Mean SSIM of two planes, row-streamed: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", IEEE TIP 13(4),
2004.

Four blurs instead of the paper's five. With s = a + b and d = a - b, and Vx the local variance of x,

    2 mu_a mu_b     = (mu_s^2 - mu_d^2) / 2      mu_a^2 + mu_b^2 = (mu_s^2 + mu_d^2) / 2
    2 cov(a, b)     = (V_s - V_d) / 2            V_a + V_b       = (V_s + V_d) / 2

so the factor 1/2 cancels, and

    SSIM = (mu_s^2 - mu_d^2 + 2 C1) (V_s - V_d + 2 C2) / ((mu_s^2 + mu_d^2 + 2 C1) (V_s + V_d + 2 C2)).

Swapping a and b only flips the sign of d: the result is symmetric to the last bit, and exactly 1 where d = 0.
Subtracting a constant from s does not change its variances; it keeps mu_s^2 small beside V_s and the
subtraction in V_s harmless.

Each source row is read once into a ring of 11 rows [s | d | s^2 | d^2]; an output row is the vertical 11-tap sum, then
the horizontal one, then the ratio. A picture is processed in strips of STRIP columns, so that the ring (11 x 4 x STRIP
doubles, 44 KiB) stays in cache at any width; the measured speed is flat from 64 to 512 columns. Sums are doubles and
run in a fixed order: four lanes along a row of a strip, rows downwards, strips rightwards.

Single precision suffices if samples stay within the data range: an error of V_s affects numerator and denominator
alike, so the ratio 1 - 2 V_d / (V_s + V_d + 2 C2) changes only in proportion to V_d, which is small. The mean over a
picture of noise differs from double precision by less than 1e-7. It is twice as fast.
"""
from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport free, malloc

import numpy as np

from codec._core cimport codec_variant
from codec._stop cimport raise_stopped, stopped
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "metrics.h" nogil:
    struct codec_ssim_constants:
        double offset, c1, c2, correction
    void (*codec_blur11_down_f32[2])(const float **r, const double *w, Py_ssize_t n, float *out)
    void (*codec_blur11_down_f64[2])(const double **r, const double *w, Py_ssize_t n, double *out)
    void (*codec_blur11_across_f32[2])(const float *v, const double *w, Py_ssize_t n, float *out)
    void (*codec_blur11_across_f64[2])(const double *v, const double *w, Py_ssize_t n, double *out)
    void (*codec_ssim_maps_f32[2])(const float *blurred, Py_ssize_t width, const codec_ssim_constants *k, Py_ssize_t n,
                                   float *ssim, float *cs)
    void (*codec_ssim_maps_f64[2])(const double *blurred, Py_ssize_t width, const codec_ssim_constants *k, Py_ssize_t n,
                                   double *ssim, double *cs)

KERNELS = (
    "blur11_down_f32", "blur11_down_f64", "blur11_across_f32", "blur11_across_f64", "ssim_maps_f32", "ssim_maps_f64",
)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    TAPS = 11
    STRIP = 128  # columns read per strip; STRIP - TAPS + 1 = 118 are written, so 8 % of the vertical work is done twice

ctypedef fused sample:
    uint8_t
    uint16_t
    float
    double

ctypedef fused real:    # arithmetic of the windows
    float
    double


cdef void load_row(const char* a, Py_ssize_t step_a, const char* b, Py_ssize_t step_b, Py_ssize_t n, double offset,
                   real* row, sample* kind) noexcept nogil:
    """row = [s - offset | d | (s - offset)^2 | d^2] of n samples step_a and step_b bytes apart.
    `kind` only selects the type."""
    cdef Py_ssize_t x
    cdef real u, v, middle = <real>offset
    cdef const sample* p = <const sample*>a
    cdef const sample* q = <const sample*>b
    cdef real* s = row
    cdef real* d = row + n
    if step_a == sizeof(sample) and step_b == sizeof(sample):
        for x in range(n):
            u, v = <real>p[x], <real>q[x]
            s[x] = (u + v) - middle
            d[x] = u - v
    else:
        for x in range(n):
            u, v = <real>(<const sample*>(a + x * step_a))[0], <real>(<const sample*>(b + x * step_b))[0]
            s[x] = (u + v) - middle
            d[x] = u - v
    for x in range(2 * n):
        row[2 * n + x] = row[x] * row[x]


cdef double row_sum(const real* row, Py_ssize_t n) noexcept nogil:
    """Sum in four lanes, then across them: the same order on every machine."""
    cdef Py_ssize_t x
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0
    for x in range(0, n - 3, 4):
        s0 += row[x]
        s1 += row[x + 1]
        s2 += row[x + 2]
        s3 += row[x + 3]
    for x in range(n & ~3, n):
        s0 += row[x]
    return (s0 + s1) + (s2 + s3)


cdef void strip_sums(const char* a, Py_ssize_t row_a, Py_ssize_t step_a, const char* b, Py_ssize_t row_b,
                     Py_ssize_t step_b, Py_ssize_t height, Py_ssize_t n, const double* w, const codec_ssim_constants* k,
                     int variant, real* scratch, sample* kind, double* sums, double* map,
                     Py_ssize_t map_stride) noexcept nogil:
    """Add SSIM and its contrast-structure part over all windows inside n <= STRIP columns to sums[0] and sums[1]; write
    the map if there is one.

    scratch: (TAPS + 4) * 4 * STRIP numbers.
    """
    cdef real* ring[TAPS]
    cdef real* oldest
    cdef real* vertical = scratch + TAPS * 4 * STRIP
    cdef real* blurred = vertical + 4 * STRIP
    cdef real* ssim = blurred + 4 * STRIP
    cdef real* cs = ssim + 2 * STRIP
    cdef Py_ssize_t y, i
    for i in range(TAPS):
        ring[i] = scratch + i * 4 * STRIP
    for y in range(height):
        if stopped():
            return
        oldest = ring[0]
        for i in range(TAPS - 1):
            ring[i] = ring[i + 1]
        ring[TAPS - 1] = oldest
        load_row(a + y * row_a, step_a, b + y * row_b, step_b, n, k.offset, oldest, kind)
        if y >= TAPS - 1:
            # One loop blurs across all four quantities side by side; the 10 sums that straddle two
            # of them are never read.
            if real is float:
                codec_blur11_down_f32[variant](<const float **>ring, w, 4 * n, vertical)
                codec_blur11_across_f32[variant](vertical, w, 4 * n - TAPS + 1, blurred)
                codec_ssim_maps_f32[variant](blurred, n, k, n - TAPS + 1, ssim, cs)
            else:
                codec_blur11_down_f64[variant](<const double **>ring, w, 4 * n, vertical)
                codec_blur11_across_f64[variant](vertical, w, 4 * n - TAPS + 1, blurred)
                codec_ssim_maps_f64[variant](blurred, n, k, n - TAPS + 1, ssim, cs)
            sums[0] += row_sum(ssim, n - TAPS + 1)
            sums[1] += row_sum(cs, n - TAPS + 1)
            if map != NULL:
                for i in range(n - TAPS + 1):
                    map[(y - TAPS + 1) * map_stride + i] = ssim[i]


def ssim_means(const sample[:, :, :] a, const sample[:, :, :] b, const double[::1] taps, double centre, double C1,
               double C2, double correction, int level, bint single=False, maps=None):
    """(mean SSIM, mean contrast-structure) of each channel.

    a, b: (H, W, C), one shape, H and W >= 11, any strides. taps: the first six of the eleven symmetric taps. centre:
    value subtracted from both pictures before squaring; it affects rounding only. correction: factor applied to the
    variances. maps: None, or a float64 array (C, H - 10, W - 10) to fill with SSIM. level: as counted by
    codec.cpu.level_index. single: whether single precision suffices (integer samples, none far outside the data range).
    """
    cdef Py_ssize_t height = a.shape[0], width = a.shape[1], channels = a.shape[2], channel, left, n
    cdef Py_ssize_t map_stride = width - TAPS + 1
    assert b.shape[0] == height and b.shape[1] == width and b.shape[2] == channels
    assert height >= TAPS and width >= TAPS and taps.shape[0] == TAPS // 2 + 1
    cdef codec_ssim_constants k
    cdef double sums[2]
    cdef double windows = <double>(height - TAPS + 1) * (width - TAPS + 1)
    cdef double[:, :, ::1] map_view
    cdef double* map = NULL
    cdef int variant = codec_variant(level)
    cdef sample* kind = NULL
    cdef const char* p
    cdef const char* q
    cdef double* scratch = <double*>malloc((TAPS + 4) * 4 * STRIP * sizeof(double))
    if scratch == NULL:
        raise MemoryError
    k.offset, k.c1, k.c2, k.correction = 2 * centre, 2 * C1, 2 * C2, correction
    means = []
    try:
        for channel in range(channels):
            p = <const char*>&a[0, 0, channel]
            q = <const char*>&b[0, 0, channel]
            if maps is not None:
                map_view = maps
                map = &map_view[channel, 0, 0]
            with nogil:
                sums[0] = sums[1] = 0
                left = 0
                while left + TAPS <= width:
                    n = min(<Py_ssize_t>STRIP, width - left)
                    if single and (sample is uint8_t or sample is uint16_t):
                        strip_sums(p + left * a.strides[1], a.strides[0], a.strides[1], q + left * b.strides[1],
                                   b.strides[0], b.strides[1], height, n, &taps[0], &k, variant, <float*>scratch, kind,
                                   sums, map + left if map != NULL else NULL, map_stride)
                    else:
                        strip_sums(p + left * a.strides[1], a.strides[0], a.strides[1], q + left * b.strides[1],
                                   b.strides[0], b.strides[1], height, n, &taps[0], &k, variant, scratch, kind, sums,
                                   map + left if map != NULL else NULL, map_stride)
                    left += STRIP - TAPS + 1
            raise_stopped()
            means.append((sums[0] / windows, sums[1] / windows))
    finally:
        free(scratch)
    return means


ctypedef fused total:
    uint16_t
    double


cdef void add_fours(const char* above, const char* below, Py_ssize_t step, Py_ssize_t n, Py_ssize_t apart, total* out,
                    sample* kind) noexcept nogil:
    """n sums of two samples in each of two rows; samples are `step` bytes apart, sums `apart` elements.
    `kind` only selects the type."""
    cdef Py_ssize_t x
    cdef const sample* p = <const sample*>above
    cdef const sample* q = <const sample*>below
    if step == sizeof(sample) and apart == 1:
        for x in range(n):
            out[x] = (<total>p[2 * x] + <total>p[2 * x + 1]) + (<total>q[2 * x] + <total>q[2 * x + 1])
    else:
        for x in range(n):
            p = <const sample*>(above + 2 * x * step)
            q = <const sample*>(below + 2 * x * step)
            out[x * apart] = ((<total>p[0] + <total>(<const sample*>(<const char*>p + step))[0])
                              + (<total>q[0] + <total>(<const sample*>(<const char*>q + step))[0]))


def sums_of_four(const sample[:, :, :] a, total[:, :, ::1] out):
    """(H, W, C) -> (ceil(H/2), ceil(W/2), C): sums over 2x2 samples, an odd last row or column repeated. Sums must fit
    `out`."""
    cdef Py_ssize_t height = a.shape[0], width = a.shape[1], channels = a.shape[2], y, c, wide = out.shape[1], row, step
    assert out.shape[0] == (height + 1) // 2
    assert wide == (width + 1) // 2
    assert out.shape[2] == channels
    cdef const char* p
    cdef const char* q
    cdef sample* kind = NULL
    row, step = a.strides[0], a.strides[1]
    with nogil:
        for y in range(out.shape[0]):
            if stopped():
                break
            for c in range(channels):
                p = <const char*>&a[2 * y, 0, c]
                q = p
                if 2 * y + 1 < height:
                    q = p + row
                add_fours(p, q, step, width // 2, channels, &out[y, 0, c], kind)
                if width & 1:
                    add_fours(p + (width - 1) * step, q + (width - 1) * step, 0, 1, channels, &out[y, wide - 1, c],
                              kind)
    raise_stopped()
