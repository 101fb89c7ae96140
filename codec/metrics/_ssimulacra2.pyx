"""SSIMULACRA 2.1, row-streamed: a picture passes once, top to bottom, and every scale keeps nine rows of itself.

    linear rows (original, distorted)
      |-- XYB --> a, b            rows of three channels each
      |             |-- blur across --> nine rows --> blur down --> maps --> sums
      '-- 2x2 means --> the next scale

The reference blurs by a recursion (Charalampidis 2016) whose impulse response is exactly nine taps long for sigma 1.5, because its cosine terms vanish
at the fifth sample; as nine taps it has no drift and no order. Samples outside of the picture count as 0.

Four blurs serve all maps. With d = a - b and V(x) = blur(x^2) - blur(x)^2,

    (2 cov(a, b) + C2) / (V(a) + V(b) + C2) = 1 - V(d) / (V(a) + V(b) + C2)

so that 1 - SSIM = m + (1 - m) V(d) / (V(a) + V(b) + C2) with m = blur(d)^2: no difference of large numbers is taken, and single precision is enough
(tested against a double-precision model, 0.001 of a point). Maps whose weight is zero are not computed.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t
from libc.math cimport fabsf
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* L, M, S from linear R, G, B (rows), the bias and its cube root, as the reference holds them: in single precision. */
    #define OPSIN_LR 0.3f
    #define OPSIN_LG 0.622f
    #define OPSIN_LB 0.078f
    #define OPSIN_MR 0.23f
    #define OPSIN_MG 0.692f
    #define OPSIN_MB 0.078f
    #define OPSIN_SR 0.2434226892454782f
    #define OPSIN_SG 0.2047674442449682f
    #define OPSIN_SB 0.5518098665095535f
    #define OPSIN_BIAS 0.0037930732552754493f
    #define CUBE_ROOT_OF_BIAS 0.15595420054924858f
    #define SSIM_C2 0.0009f

    /* Cube root of x in 0.003 .. 1.01 to within 2 units in the last place: a third of the exponent as a first guess (3 % off),
     * then Halley's y (y^3 + 2x) / (2y^3 + x) twice, which cubes the error. Basic operations only: the same bits everywhere. */
    static inline float codec_cube_root(float x)
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
    """
    float codec_cube_root(float x) nogil
    const float OPSIN_LR, OPSIN_LG, OPSIN_LB, OPSIN_MR, OPSIN_MG, OPSIN_MB, OPSIN_SR, OPSIN_SG, OPSIN_SB
    const float OPSIN_BIAS, CUBE_ROOT_OF_BIAS, SSIM_C2

cdef enum:
    TAPS = 9
    HALF = 4
    MAX_SCALES = 6
    LEAST_SIDE = 8
    LANES = 8
    RUN = 64                # pixels that are converted at a time
    NEED_SSIM = 1
    NEED_EDGES = 2
    # Rows kept of a channel after the blur across.
    MEAN_A = 0
    MEAN_D = 1
    SQUARE_D = 2            # of d
    SQUARES = 3             # a^2 + b^2
    QUANTITIES = 4

cdef struct Scale:
    Py_ssize_t width, height
    Py_ssize_t received, finished           # rows
    int need[3]                             # per channel: NEED_SSIM | NEED_EDGES
    float *xyb                              # [TAPS][2][3][width]: rows of a and b
    float *blurred                          # [TAPS][3][QUANTITIES][width]
    float *half                             # [2][3][width]: the first of two rows for the next scale
    double sums[3][2][3]                    # channel, norm (1, 4), map (ssim, ringing, blur)

cdef struct Metric:
    Scale scale[MAX_SCALES]
    int scales
    float weights[HALF + 1]                 # taps, centre first
    float *padded                           # HALF zeros, a row, HALF zeros
    float *zero                             # a row of zeros
    float *down                             # [QUANTITIES][width] after the blur down
    float *maps                             # [3][width]
    float *next_rows                        # [MAX_SCALES][2][3][width]

ctypedef fused Sample:
    uint8_t
    uint16_t

cdef void to_xyb(const float *linear, Py_ssize_t n, float *xyb) noexcept nogil:
    """Three rows of linear RGB to three rows of X, Y, B, scaled and shifted to be positive.

    Light is not negative and no coefficient is, so every sum is at least the bias: the reference's clamp at 0 has nothing to do.
    """
    cdef float lms[3][RUN]
    cdef const float *R
    cdef float *X
    cdef Py_ssize_t start = 0, i, m
    cdef int c
    for i in range(RUN):
        lms[0][i] = lms[1][i] = lms[2][i] = OPSIN_BIAS
    while start < n:
        m = min(<Py_ssize_t>RUN, n - start)
        R = linear + start
        for i in range(m):
            lms[0][i] = OPSIN_LR * R[i] + OPSIN_LG * R[n + i] + OPSIN_LB * R[2 * n + i] + OPSIN_BIAS
            lms[1][i] = OPSIN_MR * R[i] + OPSIN_MG * R[n + i] + OPSIN_MB * R[2 * n + i] + OPSIN_BIAS
            lms[2][i] = OPSIN_SR * R[i] + OPSIN_SG * R[n + i] + OPSIN_SB * R[2 * n + i] + OPSIN_BIAS
        for c in range(3):
            for i in range(RUN):                    # all of it: a constant count leaves no remainder loop
                lms[c][i] = codec_cube_root(lms[c][i]) - CUBE_ROOT_OF_BIAS
        X = xyb + start
        for i in range(m):
            X[i] = <float>7.0 * (lms[0][i] - lms[1][i]) + <float>0.42
        X += n
        for i in range(m):
            X[i] = <float>0.5 * (lms[0][i] + lms[1][i]) + <float>0.01
        X += n
        for i in range(m):
            X[i] = lms[2][i] - <float>0.5 * (lms[0][i] + lms[1][i]) + <float>0.55
        start += m


cdef void blur_across(const float *padded, const float *w, Py_ssize_t n, float *out) noexcept nogil:
    """padded[HALF] belongs to out[0]."""
    cdef Py_ssize_t i
    cdef float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4]
    for i in range(n):
        out[i] = (w0 * padded[i + 4] + w1 * (padded[i + 3] + padded[i + 5]) + w2 * (padded[i + 2] + padded[i + 6])
                  + w3 * (padded[i + 1] + padded[i + 7]) + w4 * (padded[i] + padded[i + 8]))


cdef void blur_down(const float **rows, const float *w, Py_ssize_t n, float *out) noexcept nogil:
    cdef const float *r0 = rows[0]
    cdef const float *r1 = rows[1]
    cdef const float *r2 = rows[2]
    cdef const float *r3 = rows[3]
    cdef const float *r4 = rows[4]
    cdef const float *r5 = rows[5]
    cdef const float *r6 = rows[6]
    cdef const float *r7 = rows[7]
    cdef const float *r8 = rows[8]
    cdef Py_ssize_t i
    cdef float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4]
    for i in range(n):
        out[i] = w0 * r4[i] + w1 * (r3[i] + r5[i]) + w2 * (r2[i] + r6[i]) + w3 * (r1[i] + r7[i]) + w4 * (r0[i] + r8[i])


cdef void add_norms(const float *row, Py_ssize_t n, double *one, double *four) noexcept nogil:
    """Sums of v and of v^4: eight lanes of single precision over at most 128 values, those in double, in a fixed order."""
    cdef float sum1[LANES]
    cdef float sum4[LANES]
    cdef Py_ssize_t start = 0, i, j, groups
    cdef float v, square
    while start + LANES <= n:
        groups = min(<Py_ssize_t>16, (n - start) // LANES)
        for j in range(LANES):
            sum1[j] = 0
            sum4[j] = 0
        for i in range(groups):
            for j in range(LANES):
                v = row[start + LANES * i + j]
                square = v * v
                sum1[j] += v
                sum4[j] += square * square
        for j in range(LANES):
            one[0] += sum1[j]
            four[0] += sum4[j]
        start += groups * LANES
    for i in range(start, n):
        square = row[i] * row[i]
        one[0] += row[i]
        four[0] += square * square


cdef void ssim_map(const float *down, Py_ssize_t n, float *out) noexcept nogil:
    """1 - SSIM, at least 0."""
    cdef const float *mean_a = down + MEAN_A * n
    cdef const float *mean_d = down + MEAN_D * n
    cdef const float *square_d = down + SQUARE_D * n
    cdef const float *squares = down + SQUARES * n
    cdef Py_ssize_t i
    cdef float mb, m, v, d
    for i in range(n):
        mb = mean_a[i] - mean_d[i]
        m = mean_d[i] * mean_d[i]
        v = square_d[i] - m
        d = m + (<float>1 - m) * v / (squares[i] - mean_a[i] * mean_a[i] - mb * mb + SSIM_C2)
        out[i] = d if d > 0 else <float>0


cdef void edge_maps(const float *a, const float *b, const float *down, Py_ssize_t n, float *ringing, float *blur) noexcept nogil:
    """Where the distorted picture deviates more from its surroundings than the original (ringing), and where less (blur)."""
    cdef const float *mean_a = down + MEAN_A * n
    cdef const float *mean_d = down + MEAN_D * n
    cdef Py_ssize_t i
    cdef float of_a, of_b, e
    for i in range(n):
        of_a = fabsf(a[i] - mean_a[i])
        of_b = fabsf(b[i] - (mean_a[i] - mean_d[i]))
        e = (of_b - of_a) / (<float>1 + of_a)
        ringing[i] = e if e > 0 else <float>0
        blur[i] = -e if e < 0 else <float>0


cdef void finish_row(Metric *metric, Scale *s) noexcept nogil:
    """Maps of row `finished`, whose neighbours four rows up and down are there or lie outside."""
    cdef Py_ssize_t n = s.width, y = s.finished, slot
    cdef const float *rows[TAPS]
    cdef const float *a
    cdef int c, q, i
    for c in range(3):
        for q in range(QUANTITIES if s.need[c] & NEED_SSIM else (MEAN_D + 1 if s.need[c] else 0)):
            for i in range(TAPS):
                slot = y - HALF + i
                if 0 <= slot < s.height:
                    rows[i] = s.blurred + ((slot % TAPS * 3 + c) * QUANTITIES + q) * n
                else:
                    rows[i] = metric.zero
            blur_down(rows, metric.weights, n, metric.down + q * n)
        if s.need[c] & NEED_SSIM:
            ssim_map(metric.down, n, metric.maps)
            add_norms(metric.maps, n, &s.sums[c][0][0], &s.sums[c][1][0])
        if s.need[c] & NEED_EDGES:
            a = s.xyb + (y % TAPS * 6 + c) * n
            edge_maps(a, a + 3 * n, metric.down, n, metric.maps + n, metric.maps + 2 * n)
            add_norms(metric.maps + n, n, &s.sums[c][0][1], &s.sums[c][1][1])
            add_norms(metric.maps + 2 * n, n, &s.sums[c][0][2], &s.sums[c][1][2])
    s.finished += 1


cdef void blur_channel(Metric *metric, const float *a, const float *b, bint all_quantities, Py_ssize_t n, float *out) noexcept nogil:
    """The quantities of one channel of one row, blurred across."""
    cdef float *row = metric.padded + HALF
    cdef Py_ssize_t i
    memset(row + n, 0, HALF * sizeof(float))
    for i in range(n):
        row[i] = a[i]
    blur_across(metric.padded, metric.weights, n, out + MEAN_A * n)
    for i in range(n):
        row[i] = a[i] - b[i]
    blur_across(metric.padded, metric.weights, n, out + MEAN_D * n)
    if all_quantities:
        for i in range(n):
            row[i] = row[i] * row[i]
        blur_across(metric.padded, metric.weights, n, out + SQUARE_D * n)
        for i in range(n):
            row[i] = a[i] * a[i] + b[i] * b[i]
        blur_across(metric.padded, metric.weights, n, out + SQUARES * n)


cdef void mean_of_four(const float *upper, const float *lower, Py_ssize_t n, float *out) noexcept nogil:
    """2x2 means of a row pair, ceil(n / 2) of them; an odd last column is repeated."""
    cdef Py_ssize_t i
    for i in range(n // 2):
        out[i] = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) * <float>0.25
    if n & 1:
        out[n // 2] = (upper[n - 1] + lower[n - 1]) * <float>0.5


cdef void push(Metric *metric, int k, const float *linear) noexcept nogil:
    """One row of linear RGB of both pictures, [2][3][width], into scale k, and every second time into the next one."""
    cdef Scale *s = &metric.scale[k]
    cdef Py_ssize_t n = s.width, smaller = (n + 1) // 2, y = s.received, i
    cdef float *xyb = s.xyb + y % TAPS * 6 * n
    cdef float *next_rows
    cdef int c
    to_xyb(linear, n, xyb)
    to_xyb(linear + 3 * n, n, xyb + 3 * n)
    for c in range(3):
        if s.need[c]:
            blur_channel(metric, xyb + c * n, xyb + (3 + c) * n, s.need[c] & NEED_SSIM != 0, n, s.blurred + (y % TAPS * 3 + c) * QUANTITIES * n)
    s.received += 1
    if s.received > HALF:
        finish_row(metric, s)
    if k + 1 < metric.scales:
        if not y & 1 and y + 1 < s.height:
            for i in range(6 * n):
                s.half[i] = linear[i]
        else:
            next_rows = metric.next_rows + k * 6 * metric.scale[0].width
            for c in range(6):
                mean_of_four((s.half if y & 1 else linear) + c * n, linear + c * n, n, next_rows + c * smaller)
            push(metric, k + 1, next_rows)
    if s.received == s.height:
        while s.finished < s.height:
            finish_row(metric, s)


cdef void linear_row(const char *samples, Py_ssize_t pixel, Py_ssize_t channel, int channels, const float *table, Py_ssize_t n, float *out, Sample *kind) noexcept nogil:
    """A row of sRGB samples through the table of its transfer function; gray gives three equal rows. `kind` only picks the type."""
    cdef Py_ssize_t i
    cdef int c
    cdef const char *p
    for c in range(3):
        p = samples + (c * channel if channels == 3 else 0)
        for i in range(n):
            out[c * n + i] = table[(<const Sample *>(p + i * pixel))[0]]


cdef int allocate(Metric *metric) noexcept nogil:
    cdef Py_ssize_t width = metric.scale[0].width, n
    cdef int k
    for k in range(metric.scales):
        n = metric.scale[k].width
        metric.scale[k].xyb = <float *>calloc(TAPS * 6 * n, sizeof(float))
        metric.scale[k].blurred = <float *>calloc(TAPS * 3 * QUANTITIES * n, sizeof(float))
        metric.scale[k].half = <float *>calloc(6 * n, sizeof(float))
        if metric.scale[k].xyb == NULL or metric.scale[k].blurred == NULL or metric.scale[k].half == NULL:
            return -1
    metric.padded = <float *>calloc(width + 2 * HALF, sizeof(float))
    metric.zero = <float *>calloc(width, sizeof(float))
    metric.down = <float *>calloc(QUANTITIES * width, sizeof(float))
    metric.maps = <float *>calloc(3 * width, sizeof(float))
    metric.next_rows = <float *>calloc((MAX_SCALES + 1) * 6 * width, sizeof(float))
    return -1 if metric.padded == NULL or metric.zero == NULL or metric.down == NULL or metric.maps == NULL or metric.next_rows == NULL else 0


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
    """(height, width) of every scale, at most six: halved, rounding up, as long as the one before has sides of 8 at least."""
    sizes = [(height, width)]
    while len(sizes) < MAX_SCALES and min(height, width) >= LEAST_SIDE:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def norms(const Sample[:, :, :] a, const Sample[:, :, :] b, const float[::1] table, const float[::1] taps, needs):
    """Means of v and of v^4 of every map that is needed.

    a, b : original and distorted, (H, W, 1 or 3), sRGB-coded, any strides, sides >= 8
    table : linear light of every sample value; taps : the middle tap and the four beside it
    needs : (scales, 3) of NEED_SSIM | NEED_EDGES, per scale and channel X, Y, B

    Returns a float64 array (3 channels, scales, 2 norms, 3 maps): means of |v| and of v^4; zeros where nothing is needed.
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
                linear_row(<const char *>&a[y, 0, 0], a.strides[1], a.strides[2], channels, &table[0], width, row, kind)
                linear_row(<const char *>&b[y, 0, 0], b.strides[1], b.strides[2], channels, &table[0], width, row + 3 * width, kind)
                push(metric, 0, row)
        out = np.zeros((3, metric.scales, 2, 3))
        for k in range(metric.scales):
            for c in range(3):
                for norm in range(2):
                    for kind_of_map in range(3):
                        out[c, k, norm, kind_of_map] = metric.scale[k].sums[c][norm][kind_of_map] / (metric.scale[k].height * metric.scale[k].width)
        return out
    finally:
        release(metric)
