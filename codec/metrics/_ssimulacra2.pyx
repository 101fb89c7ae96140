"""SSIMULACRA 2.1, row-streamed: a picture passes once, top to bottom, and every scale keeps ten rows of itself.

    linear rows (original, distorted)
      |-- XYB --> a, b            rows of three channels each
      |             |-- blur across --> ten rows --> blur down --> maps --> sums
      '-- 2x2 means --> the next scale

The reference blurs by a recursion (Charalampidis 2016) whose impulse response is exactly nine taps long for sigma 1.5,
because its cosine terms vanish at the fifth sample. As nine taps it neither drifts nor depends on the order of samples.
Samples outside the picture count as 0.

Four blurs serve all maps. With d = a - b and V(x) = blur(x^2) - blur(x)^2,

    (2 cov(a, b) + C2) / (V(a) + V(b) + C2) = 1 - V(d) / (V(a) + V(b) + C2)

so that 1 - SSIM = m + (1 - m) V(d) / (V(a) + V(b) + C2) with m = blur(d)^2: no difference of large numbers is taken,
and single precision is enough (tested against a double-precision model, 0.001 of a point). Maps whose weight is zero
are not computed.
"""
from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport codec_variant
from codec._stop cimport raise_stopped, stopped
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "metrics.h" nogil:
    void (*codec_linear_to_xyb[2])(const float *rgb, Py_ssize_t n, float *xyb)
    void (*codec_halve_row[2])(const float *upper, const float *lower, Py_ssize_t n, float *out)
    void (*codec_s2_means[2])(const float *a, const float *b, Py_ssize_t n, Py_ssize_t step, float *out)
    void (*codec_s2_quantities[2])(const float *a, const float *b, Py_ssize_t n, Py_ssize_t step, float *out)
    void (*codec_blur9_across[2])(const float *v, const float *w, Py_ssize_t n, float *out)
    void (*codec_blur9_down[2])(const float **r, const float *w, Py_ssize_t n, float *out)
    void (*codec_blur9_down_two[2])(const float **r, const float *w, Py_ssize_t n, float *upper, float *lower)
    void (*codec_s2_ssim[2])(const float *blurred, Py_ssize_t n, float *map, double *sums)
    void (*codec_s2_edges[2])(const float *a, const float *b, const float *blurred, Py_ssize_t n, float *map,
                              double *sums)

KERNELS = (
    "linear_to_xyb", "halve_row", "s2_means", "s2_quantities", "blur9_across", "blur9_down", "blur9_down_two",
    "s2_ssim", "s2_edges",
)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    HALF = 4                # taps on each side
    ROWS = 10               # in memory: two rows of the result need them
    MAX_SCALES = 6
    LEAST_SIDE = 8
    NEED_SSIM = 1
    NEED_EDGES = 2
    # Rows kept for each channel after the blur across.
    MEAN_A = 0
    MEAN_D = 1
    SQUARE_D = 2            # of d
    SQUARES = 3             # a^2 + b^2
    QUANTITIES = 4

cdef struct Scale:
    Py_ssize_t width, height
    Py_ssize_t received, finished           # rows
    int need[3]                             # per channel: NEED_SSIM | NEED_EDGES
    float *xyb                              # [ROWS][2][3][width]: rows of a and b
    float *blurred                          # [ROWS][3][QUANTITIES][width]
    float *half                             # [2][3][width]: the first of two rows for the next scale
    double sums[3][6]                       # channel; norm 1, 4; map ssim, ringing, blur

cdef struct Metric:
    Scale scale[MAX_SCALES]
    int scales
    int variant                             # of the kernels: 0 scalar, 1 AVX2
    float weights[HALF + 1]                 # taps, centre first
    float *padded                           # [QUANTITIES][HALF zeros, a row, HALF zeros]
    float *zero                             # a row of zeros
    float *down                             # [2 rows][QUANTITIES][width] after the blur down
    float *maps                             # [2][width]
    float *next_rows                        # [MAX_SCALES][2][3][width]

ctypedef fused Sample:
    uint8_t
    uint16_t

cdef void finish_rows(Metric *metric, Scale *s, int count) noexcept nogil:
    """Maps of one or two rows from `finished` on; the four rows above and below are present or outside the picture."""
    cdef Py_ssize_t n = s.width, y = s.finished, slot
    cdef const float *rows[ROWS]
    cdef const float *a
    cdef float *down
    cdef int c, q, i, row
    for c in range(3):
        for q in range(QUANTITIES if s.need[c] & NEED_SSIM else (MEAN_D + 1 if s.need[c] else 0)):
            for i in range(ROWS):
                slot = y - HALF + i
                if 0 <= slot < s.height:
                    rows[i] = s.blurred + ((slot % ROWS * 3 + c) * QUANTITIES + q) * n
                else:
                    rows[i] = metric.zero
            down = metric.down + q * n
            if count == 2:
                codec_blur9_down_two[metric.variant](rows, metric.weights, n, down, down + QUANTITIES * n)
            else:
                codec_blur9_down[metric.variant](rows, metric.weights, n, down)
        for row in range(count):
            down = metric.down + row * QUANTITIES * n
            if s.need[c] & NEED_SSIM:
                codec_s2_ssim[metric.variant](down, n, metric.maps, s.sums[c])
            if s.need[c] & NEED_EDGES:
                a = s.xyb + ((y + row) % ROWS * 6 + c) * n
                codec_s2_edges[metric.variant](a, a + 3 * n, down, n, metric.maps, s.sums[c])
    s.finished += count


cdef void blur_channel(Metric *metric, const float *a, const float *b, bint all_quantities, Py_ssize_t n,
                       float *out) noexcept nogil:
    """The quantities of one channel of one row, blurred across."""
    cdef Py_ssize_t step = metric.scale[0].width + 2 * HALF
    cdef int q
    if all_quantities:
        codec_s2_quantities[metric.variant](a, b, n, step, metric.padded + HALF)
    else:
        codec_s2_means[metric.variant](a, b, n, step, metric.padded + HALF)
    for q in range(QUANTITIES if all_quantities else MEAN_D + 1):
        memset(metric.padded + q * step + HALF + n, 0, HALF * sizeof(float))
        codec_blur9_across[metric.variant](metric.padded + q * step, metric.weights, n, out + q * n)


cdef void push(Metric *metric, int k, const float *linear) noexcept nogil:
    """Add a row of linear RGB of both pictures, [2][3][width], to scale k, and after every second
    row one to the next scale."""
    cdef Scale *s = &metric.scale[k]
    cdef Py_ssize_t n = s.width, smaller = (n + 1) // 2, y = s.received
    cdef float *xyb = s.xyb + y % ROWS * 6 * n
    cdef float *next_rows
    cdef int c
    codec_linear_to_xyb[metric.variant](linear, n, xyb)
    codec_linear_to_xyb[metric.variant](linear + 3 * n, n, xyb + 3 * n)
    for c in range(3):
        if s.need[c]:
            blur_channel(metric, xyb + c * n, xyb + (3 + c) * n, s.need[c] & NEED_SSIM != 0, n,
                         s.blurred + (y % ROWS * 3 + c) * QUANTITIES * n)
    s.received += 1
    if s.received == s.finished + HALF + 2:
        finish_rows(metric, s, 2)
    if k + 1 < metric.scales:
        if not y & 1 and y + 1 < s.height:
            memcpy(s.half, linear, 6 * n * sizeof(float))
        else:
            next_rows = metric.next_rows + k * 6 * metric.scale[0].width
            for c in range(6):
                codec_halve_row[metric.variant]((s.half if y & 1 else linear) + c * n, linear + c * n, n,
                                                next_rows + c * smaller)
            push(metric, k + 1, next_rows)
    if s.received == s.height:
        while s.finished < s.height:
            finish_rows(metric, s, min(2, s.height - s.finished))


cdef void linear_row(const char *samples, Py_ssize_t pixel, Py_ssize_t channel, int channels, const float *table,
                     Py_ssize_t n, float *out, Sample *kind) noexcept nogil:
    """A row of sRGB samples through the table of its transfer function; gray gives three equal rows.
    `kind` only selects the type."""
    cdef Py_ssize_t i, next_channel = channel if channels == 3 else 0
    for i in range(n):
        out[i] = table[(<const Sample *>samples)[0]]
        out[n + i] = table[(<const Sample *>(samples + next_channel))[0]]
        out[2 * n + i] = table[(<const Sample *>(samples + 2 * next_channel))[0]]
        samples += pixel


cdef int allocate(Metric *metric) noexcept nogil:
    cdef Py_ssize_t width = metric.scale[0].width, n
    cdef int k
    for k in range(metric.scales):
        n = metric.scale[k].width
        metric.scale[k].xyb = <float *>calloc(ROWS * 6 * n, sizeof(float))
        metric.scale[k].blurred = <float *>calloc(ROWS * 3 * QUANTITIES * n, sizeof(float))
        metric.scale[k].half = <float *>calloc(6 * n, sizeof(float))
        if metric.scale[k].xyb == NULL or metric.scale[k].blurred == NULL or metric.scale[k].half == NULL:
            return -1
    metric.padded = <float *>calloc(QUANTITIES * (width + 2 * HALF), sizeof(float))
    metric.zero = <float *>calloc(width, sizeof(float))
    metric.down = <float *>calloc(2 * QUANTITIES * width, sizeof(float))
    metric.maps = <float *>calloc(2 * width, sizeof(float))
    metric.next_rows = <float *>calloc((MAX_SCALES + 1) * 6 * width, sizeof(float))
    if metric.padded == NULL or metric.zero == NULL or metric.down == NULL or metric.maps == NULL:
        return -1
    return -1 if metric.next_rows == NULL else 0


cdef void release(Metric *metric) noexcept nogil:
    cdef int k
    for k in range(MAX_SCALES):
        free(metric.scale[k].xyb)
        free(metric.scale[k].blurred)
        free(metric.scale[k].half)
    free(metric.padded)
    free(metric.zero)
    free(metric.down)
    free(metric.maps)
    free(metric.next_rows)
    free(metric)


def scales_of(height, width):
    """(height, width) of every scale, at most six: halved, rounding up, while both sides of the
    previous scale are at least 8."""
    sizes = [(height, width)]
    while len(sizes) < MAX_SCALES and min(height, width) >= LEAST_SIDE:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def norms(const Sample[:, :, :] a, const Sample[:, :, :] b, const float[::1] table, const float[::1] taps, needs,
          int level):
    """Means of v and of v^4 over every map that is needed.

    a, b : original and distorted, (H, W, 1 or 3), sRGB-coded, any strides, sides >= 8
    table : linear light of every sample value; taps : the middle tap and the four beside it
    needs : (scales, 3) of NEED_SSIM | NEED_EDGES, per scale and channel X, Y, B
    level : as counted by codec.cpu.level_index

    Returns a float64 array (3 channels, scales, 2 norms, 3 maps): means of |v| and of v^4; zeros where nothing is
    needed.
    """
    cdef Py_ssize_t height = a.shape[0], width = a.shape[1], y
    cdef int channels = a.shape[2], k, c, norm, kind_of_map
    cdef Sample *kind = NULL
    cdef Metric *metric
    cdef float *row
    assert b.shape[0] == height and b.shape[1] == width and b.shape[2] == channels and channels in (1, 3)
    assert taps.shape[0] == HALF + 1 and table.shape[0] == 1 << (8 * sizeof(Sample))
    sizes = scales_of(height, width)
    metric = <Metric *>calloc(1, sizeof(Metric))
    if metric == NULL:
        raise MemoryError
    try:
        metric.scales = len(sizes)
        metric.variant = codec_variant(level)
        for k in range(HALF + 1):
            metric.weights[k] = taps[k]
        for k in range(metric.scales):
            metric.scale[k].height, metric.scale[k].width = sizes[k]
            for c in range(3):
                metric.scale[k].need[c] = needs[k][c]
        if allocate(metric):
            raise MemoryError
        row = metric.next_rows + MAX_SCALES * 6 * width
        with nogil:
            for y in range(height):
                if stopped():
                    break
                linear_row(<const char *>&a[y, 0, 0], a.strides[1], a.strides[2], channels, &table[0], width, row, kind)
                linear_row(<const char *>&b[y, 0, 0], b.strides[1], b.strides[2], channels, &table[0], width,
                           row + 3 * width, kind)
                push(metric, 0, row)
        raise_stopped()
        out = np.zeros((3, metric.scales, 2, 3))
        for k in range(metric.scales):
            for c in range(3):
                for norm in range(2):
                    for kind_of_map in range(3):
                        out[c, k, norm, kind_of_map] = (metric.scale[k].sums[c][3 * norm + kind_of_map]
                                                        / (metric.scale[k].height * metric.scale[k].width))
        return out
    finally:
        release(metric)
