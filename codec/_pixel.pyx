"""Sample-domain kernels. Contents:

    colour          RGB <-> YCbCr                  T.871 clause 7 (BT.601 matrix, full range), 16-bit fixed point
    downsampling    2:1 means across and down      the sample positions of T.871 clause 9
    upsampling      triangle filter, replication   weights 3/4 and 1/4: the linear interpolation for those positions

Rounding is that of the widespread libjpeg implementations, so pictures agree to the last bit.
"""
import numpy as np

from . import cpu
from .errors import ParameterError

cpu.register(dict.fromkeys(("rgb_to_ycc", "ycc_to_rgb", "downsample", "upsample"), (0,)))

# ================================================================ colour

# FIX(x) = round(x * 2^16)
cdef enum:
    ONE_HALF = 1 << 15
    CHROMA_ZERO = (128 << 16) + ONE_HALF - 1    # rounds halves down: 255.5 must not become 256
    Y_R = 19595             # 0.299
    Y_G = 38470             # 0.587
    Y_B = 7471              # 0.114; the three add up to 2^16, so white stays 255
    CB_R = 11059            # 0.168736
    CB_G = 21709            # 0.331264
    CR_G = 27439            # 0.418688
    CR_B = 5329             # 0.081312
    R_CR = 91881            # 1.402
    G_CB = 22554            # 0.34414: the five digits that the other libraries round, 22553 being nearer to 0.344136
    G_CR = 46802            # 0.714136
    B_CB = 116130           # 1.772
    UP = 160 << 16          # more than 128 * (0.344136 + 0.714136) * 2^16


cdef enum:
    RUN = 64                # pixels that are separated at a time, so that the arithmetic runs over contiguous samples


cdef void rgb_to_ycc_row(const uint8_t *rgb, Py_ssize_t step, uint8_t *Y, uint8_t *Cb, uint8_t *Cr,
                         Py_ssize_t n) noexcept nogil:
    """n pixels, `step` bytes apart. The fixed-point sums are taken in single precision, four to sixteen at a time, and
    are exact there.

    Every product and partial sum is an integer of magnitude below 2^24, which a float holds: Y stays within 0..255 *
    2^16 + 2^15; the coefficients of Cb and Cr add up to 0 with positive part 2^15, so with the offset they stay within
    0..(255.5 + 0.5) * 2^16 - 1. Multiplication by 2^-16 is exact, and the conversion drops the fraction as a shift
    would. No clamp is needed.
    """
    cdef int32_t pixel[RUN]
    cdef Py_ssize_t i, m
    cdef float r, g, b, to_integer = 1.0 / 65536
    while n > 0:
        m = n if n < RUN else RUN
        for i in range(m - 1):
            pixel[i] = <int32_t>codec_load_le32(rgb + step * i)
        rgb += step * m
        # no byte beyond the last pixel is read
        pixel[m - 1] = rgb[-step] | rgb[1 - step] << 8 | rgb[2 - step] << 16
        for i in range(m):
            r, g, b = pixel[i] & 0xFF, pixel[i] >> 8 & 0xFF, pixel[i] >> 16 & 0xFF
            Y[i] = <uint8_t><int32_t>((<float>Y_R * r + <float>Y_G * g + <float>Y_B * b + <float>ONE_HALF) * to_integer)
            Cb[i] = <uint8_t><int32_t>((<float>ONE_HALF * b - <float>CB_R * r - <float>CB_G * g + <float>CHROMA_ZERO)
                                       * to_integer)
            Cr[i] = <uint8_t><int32_t>((<float>ONE_HALF * r - <float>CR_G * g - <float>CR_B * b + <float>CHROMA_ZERO)
                                       * to_integer)
        Y += m
        Cb += m
        Cr += m
        n -= m


cdef inline int32_t clamp(int32_t x, int32_t top) noexcept nogil:
    return 0 if x < 0 else (top if x > top else x)


cdef void ycc_to_rgb_8bit(const uint8_t *Y, const uint8_t *Cb, const uint8_t *Cr, uint8_t *rgb, Py_ssize_t step,
                          Py_ssize_t n) noexcept nogil:
    """The 8-bit case, in single precision like rgb_to_ycc_row.

    1.402 and 1.772 are taken as 1 + 0.402 and 1 + 0.772, so that every product stays below 128 * 0.772 * 2^16 < 2^23,
    and UP, a multiple of 2^16, makes the sums positive (below 2^24, hence exact) before the conversion that cuts their
    fraction off.
    """
    cdef int16_t R[RUN]
    cdef int16_t G[RUN]
    cdef int16_t B[RUN]
    cdef uint32_t pixel[RUN]
    cdef Py_ssize_t i, m
    cdef float cb, cr, to_integer = 1.0 / 65536
    cdef int16_t y
    while n > 0:
        m = n if n < RUN else RUN
        for i in range(m):
            cb, cr = Cb[i] - 128, Cr[i] - 128
            R[i] = <int16_t><int32_t>((<float>(R_CR - (1 << 16)) * cr + <float>(UP + ONE_HALF)) * to_integer)
            G[i] = <int16_t><int32_t>((<float>(UP + ONE_HALF) - <float>G_CB * cb - <float>G_CR * cr) * to_integer)
            B[i] = <int16_t><int32_t>((<float>(B_CB - (1 << 16)) * cb + <float>(UP + ONE_HALF)) * to_integer)
        for i in range(m):
            y = Y[i] - (UP >> 16)
            R[i] = clamp16(<int16_t>(y + R[i] + Cr[i] - 128), 255)
            G[i] = clamp16(<int16_t>(y + G[i]), 255)
            B[i] = clamp16(<int16_t>(y + B[i] + Cb[i] - 128), 255)
        for i in range(m):
            pixel[i] = <uint32_t>R[i] | <uint32_t>G[i] << 8 | <uint32_t>B[i] << 16
        for i in range(m - 1):
            # the fourth byte is overwritten by what follows
            codec_store_le32(rgb + step * i, pixel[i])
        rgb += step * m
        rgb[-step], rgb[1 - step], rgb[2 - step] = <uint8_t>R[m - 1], <uint8_t>G[m - 1], <uint8_t>B[m - 1]
        Y += m
        Cb += m
        Cr += m
        n -= m


cdef void ycc_to_rgb_row(const Sample *Y, const Sample *Cb, const Sample *Cr, Sample *rgb, Py_ssize_t step,
                         int precision, Py_ssize_t n) noexcept nogil:
    """n pixels, `step` samples apart in `rgb`. With 16-bit samples 2^15 * 1.772 * 2^16 is more than 32 bits hold."""
    cdef int32_t top = (1 << precision) - 1, centre = 1 << (precision - 1)
    cdef Py_ssize_t i
    cdef int64_t y, cb, cr
    codec_assert((precision == 8) == (sizeof(Sample) == 1))
    codec_assert(precision <= 16)
    if Sample is uint8_t:
        ycc_to_rgb_8bit(Y, Cb, Cr, rgb, step, n)
    else:
        for i in range(n):
            y, cb, cr = Y[i], <int64_t>Cb[i] - centre, <int64_t>Cr[i] - centre
            rgb[step * i] = <Sample>clamp(<int32_t>(y + ((R_CR * cr + ONE_HALF) >> 16)), top)
            rgb[step * i + 1] = <Sample>clamp(<int32_t>(y + ((ONE_HALF - G_CB * cb - G_CR * cr) >> 16)), top)
            rgb[step * i + 2] = <Sample>clamp(<int32_t>(y + ((B_CB * cb + ONE_HALF) >> 16)), top)


# ================================================================ downsampling

cdef void downsample_row(const uint8_t *row0, const uint8_t *row1, uint8_t *out, Py_ssize_t n_out, int h,
                         int v) noexcept nogil:
    """Means over h x v samples (h, v in 1, 2). Halves round up and down in turn along the row, so brightness does
    not drift."""
    cdef Py_ssize_t i
    codec_assert_range(1, h, 2)
    codec_assert_range(1, v, 2)
    codec_assert(h + v > 2)
    if h == 2 and v == 2:
        for i in range(n_out):
            out[i] = <uint8_t>((row0[2 * i] + row0[2 * i + 1] + row1[2 * i] + row1[2 * i + 1] + 1 + (i & 1)) >> 2)
    elif h == 2:
        for i in range(n_out):
            out[i] = <uint8_t>((row0[2 * i] + row0[2 * i + 1] + (i & 1)) >> 1)
    else:
        for i in range(n_out):
            out[i] = <uint8_t>((row0[i] + row1[i] + 1) >> 1)


cdef inline int mean_of_pair(int a0, int b0, int a1, int b1, int a2, int b2, int a3, int b3) noexcept nogil:
    """64 times the least-squares mean of (a0, b0): the a precede the pair in steps of two, the b follow it."""
    return 43 * (a0 + b0) - 14 * (a1 + b1) + 4 * (a2 + b2) - (a3 + b3)


cdef void downsample_least_squares_row(const uint8_t *row, Py_ssize_t stride, int16_t *sums, uint8_t *out,
                                       uint8_t *sixteenths, Py_ssize_t n_out, int h, int v) noexcept nogil:
    """The samples whose triangle upsampling, as in decoders, best approximates the row or pair of rows at `row`.

    Upsampling U gives each sample c_i the weights 1/4, 3/4, 3/4, 1/4. The c that minimises |p - U c|^2 solves U'U c =
    U'p; U'U has 5/4 on its diagonal and 3/8 beside it, so its inverse is (-1/3)^|n|, and inverse times U' collapses to

        c_i = 2/3 sum over n >= 0 of (-1/3)^n (p_(2i - 2n) + p_(2i + 1 + 2n))

    Four terms, in 64ths so that they add up to one: 43, -14, 4, -1 (exact: 42.7, -14.2, 4.7, -1.6). Columns first: at
    most 255 * 2 * (43 + 4) = 23970 in magnitude, so 16 bits hold the sums. Six rows above and below must exist, and six
    columns of padding on both sides of `sums`, which holds 2 n_out + 12 values (n_out + 12 if h is 1). Whole samples go
    to `out`, what they lack, 0..15 sixteenths, to `sixteenths`.
    """
    cdef Py_ssize_t i, n = n_out * h
    cdef int16_t *s = sums + LEAST_SQUARES_REACH
    cdef const uint8_t *p = row
    cdef int32_t c
    codec_assert_range(1, h, 2)
    codec_assert_range(1, v, 2)
    codec_assert(h + v > 2)
    if v == 2:
        for i in range(n):
            s[i] = <int16_t>mean_of_pair(p[i], p[i + stride], p[i - 2 * stride], p[i + 3 * stride],
                                         p[i - 4 * stride], p[i + 5 * stride], p[i - 6 * stride], p[i + 7 * stride])
    else:
        for i in range(n):
            s[i] = p[i] << 6
    if h == 1:
        for i in range(n_out):
            c = clamp(s[i] + 2 >> 2, 255 << 4)
            out[i], sixteenths[i] = <uint8_t>(c >> 4), <uint8_t>(c & 15)
        return
    for i in range(LEAST_SQUARES_REACH):
        s[-1 - i] = s[0]
        s[n + i] = s[n - 1]
    for i in range(n_out):
        c = mean_of_pair(s[2 * i], s[2 * i + 1], s[2 * i - 2], s[2 * i + 3], s[2 * i - 4], s[2 * i + 5], s[2 * i - 6],
                         s[2 * i + 7]) + 128 >> 8
        c = clamp(c, 255 << 4)
        out[i], sixteenths[i] = <uint8_t>(c >> 4), <uint8_t>(c & 15)


# ================================================================ upsampling

cdef void upsample_h2_row(const Sample *row, Sample *out, Py_ssize_t n) noexcept nogil:
    """n -> 2n samples, each 3/4 its own and 1/4 the next one's; the outermost two are copies. n >= 2."""
    cdef Py_ssize_t i
    codec_assert(n >= 2)
    out[0] = row[0]
    out[1] = <Sample>((3 * row[0] + row[1] + 2) >> 2)
    for i in range(1, n - 1):
        out[2 * i] = <Sample>((3 * row[i] + row[i - 1] + 1) >> 2)
        out[2 * i + 1] = <Sample>((3 * row[i] + row[i + 1] + 2) >> 2)
    out[2 * n - 2] = <Sample>((3 * row[n - 1] + row[n - 2] + 1) >> 2)
    out[2 * n - 1] = row[n - 1]


cdef void upsample_v2_row(const Sample *near, const Sample *far, Sample *out, int bias, Py_ssize_t n) noexcept nogil:
    """One row between two: 3/4 of the near one, 1/4 of the far one; bias 1 above the near row, 2 below it."""
    cdef Py_ssize_t i
    codec_assert_range(1, bias, 2)
    for i in range(n):
        out[i] = <Sample>((3 * near[i] + far[i] + bias) >> 2)


cdef void upsample_h2v2_row(const Sample *near, const Sample *far, uint16_t *sums, Sample *out,
                            Py_ssize_t n) noexcept nogil:
    """Both at once with one rounding. n >= 2; `sums` has room for n values (at most 4 * 4095 for 12-bit samples)."""
    cdef Py_ssize_t i
    codec_assert(n >= 2)
    for i in range(n):
        sums[i] = <uint16_t>(3 * near[i] + far[i])
    out[0] = <Sample>((4 * sums[0] + 8) >> 4)
    out[1] = <Sample>((3 * sums[0] + sums[1] + 7) >> 4)
    for i in range(1, n - 1):
        out[2 * i] = <Sample>((3 * sums[i] + sums[i - 1] + 8) >> 4)
        out[2 * i + 1] = <Sample>((3 * sums[i] + sums[i + 1] + 7) >> 4)
    out[2 * n - 2] = <Sample>((3 * sums[n - 1] + sums[n - 2] + 8) >> 4)
    out[2 * n - 1] = <Sample>((4 * sums[n - 1] + 7) >> 4)


cdef void replicate_row(const Sample *row, Sample *out, Py_ssize_t n_out, int H, int Hmax) noexcept nogil:
    """Any other ratio, H samples for every Hmax: the sample whose area covers the left edge of the output's (A.1.1)."""
    cdef Py_ssize_t i
    codec_assert_range(1, H, Hmax)
    codec_assert(Hmax <= 4)
    for i in range(n_out):
        out[i] = row[i * H // Hmax]


# ================================================================ stages, over arrays

def rgb_to_ycc(pixels):
    """RGB to YCbCr of T.871: (H, W, 3) uint8 -> (H, W, 3) uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from codec._pixel import rgb_to_ycc
    >>> rgb_to_ycc(np.array([[[255, 0, 0]]], np.uint8))[0, 0].tolist()
    [76, 85, 255]
    """
    cdef const uint8_t[:, :, ::1] x = _pixels(pixels)
    cdef uint8_t[:, ::1] y = np.empty((3, x.shape[0] * x.shape[1]), np.uint8)
    if y.shape[1]:
        with nogil:
            rgb_to_ycc_row(&x[0, 0, 0], 3, &y[0, 0], &y[1, 0], &y[2, 0], y.shape[1])
    return np.ascontiguousarray(np.asarray(y).T).reshape(pixels.shape)


def ycc_to_rgb(pixels):
    """YCbCr of T.871 to RGB: (H, W, 3) uint8 -> (H, W, 3) uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from codec._pixel import ycc_to_rgb
    >>> ycc_to_rgb(np.array([[[76, 85, 255]]], np.uint8))[0, 0].tolist()
    [254, 0, 0]
    """
    cdef const uint8_t[:, ::1] x = np.ascontiguousarray(_pixels(pixels).reshape(-1, 3).T)
    cdef uint8_t[:, ::1] y = np.empty((x.shape[1], 3), np.uint8)
    if x.shape[1]:
        with nogil:
            ycc_to_rgb_row(&x[0, 0], &x[1, 0], &x[2, 0], &y[0, 0], 3, 8, x.shape[1])
    return np.asarray(y).reshape(pixels.shape)


def _pixels(pixels):
    array = np.asarray(pixels)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ParameterError(f"pixels must be uint8 of shape (H, W, 3), not {array.dtype} {array.shape}")
    return np.ascontiguousarray(array)
