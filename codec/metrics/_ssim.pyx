"""Mean SSIM of two planes, row-streamed: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", IEEE TIP 13(4), 2004.

Four blurs instead of the paper's five. With s = a + b and d = a - b, and Vx the local variance of x,

    2 mu_a mu_b     = (mu_s^2 - mu_d^2) / 2      mu_a^2 + mu_b^2 = (mu_s^2 + mu_d^2) / 2
    2 cov(a, b)     = (V_s - V_d) / 2            V_a + V_b       = (V_s + V_d) / 2

so the factor 1/2 leaves the ratio, and

    SSIM = (mu_s^2 - mu_d^2 + 2 C1) (V_s - V_d + 2 C2) / ((mu_s^2 + mu_d^2 + 2 C1) (V_s + V_d + 2 C2)).

Swapping a and b only flips the sign of d: the result is symmetric to the last bit, and exactly 1 where d = 0. The variances of s do not
change when a constant is taken off s, which keeps mu_s^2 small beside V_s and the subtraction in V_s harmless.

Each source row is read once into a ring of 11 rows [s | d | s^2 | d^2]; an output row is the vertical 11-tap sum, then the horizontal one,
then the ratio. A picture is walked in strips of STRIP columns, so that the ring (11 x 4 x STRIP doubles, 44 KiB) stays in cache whatever
the width; speed was measured flat from 64 to 512 columns. Sums run in a fixed order: four lanes along a row of a strip, rows downwards,
strips rightwards.
"""
from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport free, malloc

cdef enum:
    TAPS = 11
    STRIP = 128  # columns read per strip; STRIP - TAPS + 1 = 118 are written, so 8 % of the vertical work is done twice

ctypedef fused sample:
    uint8_t
    uint16_t
    float
    double


cdef void load_row(const char* a, Py_ssize_t step_a, const char* b, Py_ssize_t step_b, Py_ssize_t n, double offset, double* row,
                   sample* kind) noexcept nogil:
    """row = [s - offset | d | (s - offset)^2 | d^2] of n samples that lie step_a and step_b bytes apart. `kind` only picks the type."""
    cdef Py_ssize_t x
    cdef double u, v
    cdef const sample* p = <const sample*>a
    cdef const sample* q = <const sample*>b
    cdef double* s = row
    cdef double* d = row + n
    if step_a == sizeof(sample) and step_b == sizeof(sample):
        for x in range(n):
            u = p[x]
            v = q[x]
            s[x] = (u + v) - offset
            d[x] = u - v
    else:
        for x in range(n):
            u = (<const sample*>(a + x * step_a))[0]
            v = (<const sample*>(b + x * step_b))[0]
            s[x] = (u + v) - offset
            d[x] = u - v
    for x in range(2 * n):
        row[2 * n + x] = row[x] * row[x]


cdef void blur_rows(double** r, const double* w, Py_ssize_t n, double* out) noexcept nogil:
    """Vertical taps. w[5] is the centre; r[0] is the uppermost row."""
    cdef Py_ssize_t x
    cdef double* r0 = r[0]
    cdef double* r1 = r[1]
    cdef double* r2 = r[2]
    cdef double* r3 = r[3]
    cdef double* r4 = r[4]
    cdef double* r5 = r[5]
    cdef double* r6 = r[6]
    cdef double* r7 = r[7]
    cdef double* r8 = r[8]
    cdef double* r9 = r[9]
    cdef double* r10 = r[10]
    cdef double w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5]
    for x in range(n):
        out[x] = (w0 * (r0[x] + r10[x]) + w1 * (r1[x] + r9[x]) + w2 * (r2[x] + r8[x])
                  + w3 * (r3[x] + r7[x]) + w4 * (r4[x] + r6[x]) + w5 * r5[x])


cdef void blur_columns(const double* v, const double* w, Py_ssize_t n, double* out) noexcept nogil:
    """Horizontal taps; out[x] is the window that starts at v[x]."""
    cdef Py_ssize_t x
    cdef double w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5]
    for x in range(n):
        out[x] = (w0 * (v[x] + v[x + 10]) + w1 * (v[x + 1] + v[x + 9]) + w2 * (v[x + 2] + v[x + 8])
                  + w3 * (v[x + 3] + v[x + 7]) + w4 * (v[x + 4] + v[x + 6]) + w5 * v[x + 5])


cdef double ratio_row(const double* blurred, Py_ssize_t n, Py_ssize_t width, double offset, double c1, double c2,
                      double* out) noexcept nogil:
    """Sum of SSIM over the first n windows; `blurred` holds four quantities `width` apart, c1 = 2 C1, c2 = 2 C2.

    A variance that rounding made negative counts as 0, which also keeps every |SSIM| <= 1; written so that NaN passes through.
    """
    cdef Py_ssize_t x
    cdef double ms, md, vs, vd, s0 = 0, s1 = 0, s2 = 0, s3 = 0
    for x in range(n):
        ms = blurred[x]
        md = blurred[width + x]
        vs = blurred[2 * width + x] - ms * ms
        vd = blurred[3 * width + x] - md * md
        vs = 0 if 0 > vs else vs
        vd = 0 if 0 > vd else vd
        ms = (ms + offset) * (ms + offset)
        md = md * md
        out[x] = ((ms - md + c1) * (vs - vd + c2)) / ((ms + md + c1) * (vs + vd + c2))
    for x in range(0, n - 3, 4):
        s0 += out[x]
        s1 += out[x + 1]
        s2 += out[x + 2]
        s3 += out[x + 3]
    for x in range(n & ~3, n):
        s0 += out[x]
    return (s0 + s1) + (s2 + s3)


cdef double strip_sum(const char* a, Py_ssize_t row_a, Py_ssize_t step_a, const char* b, Py_ssize_t row_b, Py_ssize_t step_b,
                      Py_ssize_t height, Py_ssize_t n, const double* w, double offset, double c1, double c2, double* scratch,
                      sample* kind) noexcept nogil:
    """Sum of SSIM over all windows inside n <= STRIP columns. scratch: (TAPS + 3) * 4 * STRIP doubles."""
    cdef double* ring[TAPS]
    cdef double* oldest
    cdef double* vertical = scratch + TAPS * 4 * STRIP
    cdef double* blurred = vertical + 4 * STRIP
    cdef double* ratios = blurred + 4 * STRIP
    cdef double total = 0
    cdef Py_ssize_t y, i
    for i in range(TAPS):
        ring[i] = scratch + i * 4 * STRIP
    for y in range(height):
        oldest = ring[0]
        for i in range(TAPS - 1):
            ring[i] = ring[i + 1]
        ring[TAPS - 1] = oldest
        load_row(a + y * row_a, step_a, b + y * row_b, step_b, n, offset, oldest, kind)
        if y >= TAPS - 1:
            blur_rows(ring, w, 4 * n, vertical)
            # One loop over the four quantities side by side: the 10 sums that straddle two of them are never read.
            blur_columns(vertical, w, 4 * n - TAPS + 1, blurred)
            total += ratio_row(blurred, n - TAPS + 1, n, offset, c1, c2, ratios)
    return total


def ssim_means(const sample[:, :, :] a, const sample[:, :, :] b, const double[::1] taps, double centre, double C1, double C2):
    """Mean SSIM of each channel.

    a, b: (H, W, C), one shape, H and W >= 11, any strides. taps: the first six of the eleven symmetric taps. centre: value taken off both
    pictures before squaring; it changes nothing but rounding.
    """
    cdef Py_ssize_t height = a.shape[0], width = a.shape[1], channels = a.shape[2], channel, left, n
    assert b.shape[0] == height and b.shape[1] == width and b.shape[2] == channels
    assert height >= TAPS and width >= TAPS and taps.shape[0] == TAPS // 2 + 1
    cdef double total
    cdef sample* kind = NULL
    cdef const char* p
    cdef const char* q
    cdef double* scratch = <double*>malloc((TAPS + 3) * 4 * STRIP * sizeof(double))
    if scratch == NULL:
        raise MemoryError
    means = []
    try:
        for channel in range(channels):
            p = <const char*>&a[0, 0, channel]
            q = <const char*>&b[0, 0, channel]
            with nogil:
                total = 0
                left = 0
                while left + TAPS <= width:
                    n = min(<Py_ssize_t>STRIP, width - left)
                    total += strip_sum(p + left * a.strides[1], a.strides[0], a.strides[1],
                                       q + left * b.strides[1], b.strides[0], b.strides[1], height, n,
                                       &taps[0], 2 * centre, 2 * C1, 2 * C2, scratch, kind)
                    left += STRIP - TAPS + 1
            means.append(total / ((height - TAPS + 1) * (width - TAPS + 1)))
    finally:
        free(scratch)
    return means
