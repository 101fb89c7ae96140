"""Sample-domain kernels. Contents:

    colour          RGB <-> YCbCr                  T.871 clause 7 (BT.601 matrix, full range), 16-bit fixed point
    downsampling    2:1 means across and down      the sample positions of T.871 clause 9
    upsampling      triangle filter, replication   weights 3/4 and 1/4: the linear interpolation for those positions

Rounding is that of the widespread libjpeg implementations, so pictures agree to the last bit.
"""
import numpy as np

from . import cpu
from .errors import ParameterError

# The other kernels here are portable only.
cpu.register(dict.fromkeys(("downsample", "upsample"), (0,)))

# ================================================================ colour

cdef extern from "jpeg_color.h" nogil:
    enum:
        ONE_HALF
        R_CR
        G_CB
        G_CR
        B_CB


cdef inline int32_t clamp(int32_t x, int32_t top) noexcept nogil:
    return 0 if x < 0 else (top if x > top else x)


cdef void ycc_to_rgb_row(const JpegDsp *dsp, const Sample *Y, const Sample *Cb, const Sample *Cr, Sample *rgb,
                         Py_ssize_t step, int precision, Py_ssize_t n) noexcept nogil:
    """n pixels, `step` samples apart in `rgb`. With 16-bit samples 2^15 * 1.772 * 2^16 is more than 32 bits hold."""
    cdef int32_t top = (1 << precision) - 1, centre = 1 << (precision - 1)
    cdef Py_ssize_t i
    cdef int64_t y, cb, cr
    codec_assert((precision == 8) == (sizeof(Sample) == 1))
    codec_assert(precision <= 16)
    if Sample is uint8_t:
        dsp.ycc_to_rgb(Y, Cb, Cr, rgb, step, n)
    else:
        for i in range(n):
            y, cb, cr = Y[i], <int64_t>Cb[i] - centre, <int64_t>Cr[i] - centre
            rgb[step * i] = <Sample>clamp(<int32_t>(y + ((R_CR * cr + ONE_HALF) >> 16)), top)
            rgb[step * i + 1] = <Sample>clamp(<int32_t>(y + ((ONE_HALF - G_CB * cb - G_CR * cr) >> 16)), top)
            rgb[step * i + 2] = <Sample>clamp(<int32_t>(y + ((B_CB * cb + ONE_HALF) >> 16)), top)


# ================================================================ downsampling

cdef void downsample_row(const JpegDsp *dsp, const uint8_t *row0, const uint8_t *row1, uint8_t *out,
                         Py_ssize_t n_out, int h, int v) noexcept nogil:
    """Means over h x v samples (h, v in 1, 2). Halves round up and down in turn along the row, so brightness does
    not drift."""
    cdef Py_ssize_t i
    codec_assert_range(1, h, 2)
    codec_assert_range(1, v, 2)
    codec_assert(h + v > 2)
    if h == 2 and v == 2:
        dsp.downsample_h2v2(row0, row1, out, n_out)
    elif h == 2:
        for i in range(n_out):
            out[i] = <uint8_t>((row0[2 * i] + row0[2 * i + 1] + (i & 1)) >> 1)
    else:
        for i in range(n_out):
            out[i] = <uint8_t>((row0[i] + row1[i] + 1) >> 1)


cdef void downsample_least_squares_row(const JpegDsp *dsp, const uint8_t *row, Py_ssize_t stride, int16_t *sums,
                                       uint8_t *out, uint8_t *sixteenths, Py_ssize_t n_out, int h,
                                       int v) noexcept nogil:
    """The samples whose triangle upsampling, as in decoders, best approximates the row or pair of rows at `row`.

    Upsampling U gives each sample c_i the weights 1/4, 3/4, 3/4, 1/4. The c that minimises |p - U c|^2 solves U'U c =
    U'p; U'U has 5/4 on its diagonal and 3/8 beside it, so its inverse is (-1/3)^|n|, and inverse times U' collapses to

        c_i = 2/3 sum over n >= 0 of (-1/3)^n (p_(2i - 2n) + p_(2i + 1 + 2n))

    Four terms, in 64ths so that they add up to one: 43, -14, 4, -1 (exact: 42.7, -14.2, 4.7, -1.6). Columns first. Six
    rows above and below must exist, and six columns of padding on both sides of `sums`, which holds 2 n_out + 12 values
    (n_out + 12 if h is 1). Whole samples go to `out`, what they lack, 0..15 sixteenths, to `sixteenths`.
    """
    cdef Py_ssize_t i, n = n_out * h
    cdef int16_t *s = sums + LEAST_SQUARES_REACH
    cdef int32_t c
    codec_assert_range(1, h, 2)
    codec_assert_range(1, v, 2)
    codec_assert(h + v > 2)
    if v == 2:
        dsp.pair_rows(row, stride, s, n)
    else:
        for i in range(n):
            s[i] = row[i] << 6
    if h == 1:
        for i in range(n_out):
            c = clamp(s[i] + 2 >> 2, 255 << 4)
            out[i], sixteenths[i] = <uint8_t>(c >> 4), <uint8_t>(c & 15)
        return
    for i in range(LEAST_SQUARES_REACH):
        s[-1 - i] = s[0]
        s[n + i] = s[n - 1]
    dsp.pair_columns(s, out, sixteenths, n_out)


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


cdef void upsample_h2v2_row(const JpegDsp *dsp, const Sample *near, const Sample *far, uint16_t *sums, Sample *out,
                            Py_ssize_t n) noexcept nogil:
    """Both at once with one rounding. n >= 2; `sums` has room for n values (at most 4 * 4095 for 12-bit samples)."""
    cdef Py_ssize_t i
    codec_assert(n >= 2)
    if Sample is uint8_t:
        dsp.upsample_h2v2(near, far, out, n)
        return
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

def rgb_to_ycc(pixels, *, int level=0):
    """RGB to YCbCr of T.871: (H, W, 3) uint8 -> (H, W, 3) uint8. `level`: instructions, as counted by
    `codec.cpu.level_index`.

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
            jpeg_dsp(level).rgb_to_ycc(&x[0, 0, 0], 3, &y[0, 0], &y[1, 0], &y[2, 0], y.shape[1])
    return np.ascontiguousarray(np.asarray(y).T).reshape(pixels.shape)


def ycc_to_rgb(pixels, *, int level=0):
    """YCbCr of T.871 to RGB: (H, W, 3) uint8 -> (H, W, 3) uint8. `level`: instructions, as counted by
    `codec.cpu.level_index`.

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
            jpeg_dsp(level).ycc_to_rgb(&x[0, 0], &x[1, 0], &x[2, 0], &y[0, 0], 3, x.shape[1])
    return np.asarray(y).reshape(pixels.shape)


def _pixels(pixels):
    array = np.asarray(pixels)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ParameterError(f"pixels must be uint8 of shape (H, W, 3), not {array.dtype} {array.shape}")
    return np.ascontiguousarray(array)
