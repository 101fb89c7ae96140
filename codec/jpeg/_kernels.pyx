"""The kernels of JPEG, each as a `def` function on arrays, for tests and benchmarks.

`level` selects the instructions, as counted by `codec.cpu.level_index`. `times` repeats the call for benchmarks. Arrays
are C-contiguous; outputs are written in place, so that a test sees what lies beside them.
"""
from libc.stdint cimport int16_t, uint8_t, uint16_t

from codec._core cimport (
    ROUNDING_NEAREST, JpegDsp, JpegReduced, Quantizer, jpeg_dsp, prepare_quantizer,
)
from codec.jpeg._reduced cimport set_transform
from ..errors import ParameterError


cdef int check(bint condition, what) except -1:
    if not condition:
        raise ParameterError(f"the arrays do not fit together: {what}")
    return 0


def rgb_to_ycc(const uint8_t[::1] rgb, int step, uint8_t[:, ::1] ycc, Py_ssize_t n, int level, int times=1):
    """The first n pixels of rgb, `step` bytes apart, to the rows of `ycc`."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(step in (3, 4) and 1 <= n and step * (n - 1) + 3 <= rgb.shape[0] and ycc.shape[0] == 3 and n <= ycc.shape[1],
          "pixels")
    with nogil:
        for i in range(times):
            dsp.rgb_to_ycc(&rgb[0], step, &ycc[0, 0], &ycc[1, 0], &ycc[2, 0], n)


def ycc_to_rgb(const uint8_t[:, ::1] ycc, uint8_t[::1] rgb, int step, Py_ssize_t n, int level, int times=1):
    """And back."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(step in (3, 4) and 1 <= n and step * (n - 1) + 3 <= rgb.shape[0] and ycc.shape[0] == 3 and n <= ycc.shape[1],
          "pixels")
    with nogil:
        for i in range(times):
            dsp.ycc_to_rgb(&ycc[0, 0], &ycc[1, 0], &ycc[2, 0], &rgb[0], step, n)


def downsample_h2v2(const uint8_t[:, ::1] rows, uint8_t[::1] out, Py_ssize_t n_out, int level, int times=1):
    """Two rows to n_out means."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(rows.shape[0] == 2 and 1 <= n_out and 2 * n_out <= rows.shape[1] and n_out <= out.shape[0], "rows")
    with nogil:
        for i in range(times):
            dsp.downsample_h2v2(&rows[0, 0], &rows[1, 0], &out[0], n_out)


def pair_rows(const uint8_t[:, ::1] rows, int16_t[::1] sums, Py_ssize_t n, int level):
    """The middle two of 14 rows."""
    check(rows.shape[0] == 14 and 1 <= n <= rows.shape[1] and n <= sums.shape[0], "rows")
    with nogil:
        jpeg_dsp(level).pair_rows(&rows[6, 0], rows.shape[1], &sums[0], n)


def pair_columns(const int16_t[::1] sums, uint8_t[::1] out, uint8_t[::1] sixteenths, Py_ssize_t n_out, int level):
    """n_out pairs, and six values on both sides of them."""
    check(1 <= n_out and 2 * n_out + 12 <= sums.shape[0] and n_out <= out.shape[0] and n_out <= sixteenths.shape[0],
          "values")
    with nogil:
        jpeg_dsp(level).pair_columns(&sums[6], &out[0], &sixteenths[0], n_out)


def upsample_h2v2(const uint8_t[:, ::1] rows, uint8_t[::1] out, Py_ssize_t n, int level, int times=1):
    """n samples of the near and of the far row to 2n."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(rows.shape[0] == 2 and 2 <= n <= rows.shape[1] and 2 * n <= out.shape[0], "rows")
    with nogil:
        for i in range(times):
            dsp.upsample_h2v2(&rows[0, 0], &rows[1, 0], &out[0], n)


def fdct(const uint8_t[:, ::1] samples, int offset, int16_t[:, ::1] coef_nat, Py_ssize_t n, int level, int times=1):
    """n blocks side by side in the first eight rows."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(samples.shape[0] >= 8 and 1 <= n and 8 * n <= samples.shape[1] and n <= coef_nat.shape[0]
          and coef_nat.shape[1] == 64, "blocks")
    with nogil:
        for i in range(times):
            dsp.fdct(&samples[0, 0], samples.shape[1], offset, &coef_nat[0, 0], n)


def quantize(const int16_t[:, ::1] coef_nat, const uint16_t[::1] Q, int scale, int16_t[:, ::1] level_zz, Py_ssize_t n,
             int level, int times=1):
    """n blocks by steps of scale Q, rounded to nearest."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef Quantizer quantizer
    cdef int i
    check(1 <= n <= min(coef_nat.shape[0], level_zz.shape[0]) and coef_nat.shape[1] == level_zz.shape[1] == 64
          and Q.shape[0] == 64, "blocks")
    prepare_quantizer(&Q[0], scale, ROUNDING_NEAREST, &quantizer)
    with nogil:
        for i in range(times):
            dsp.quantize(&coef_nat[0, 0], &quantizer, &level_zz[0, 0], n)


def idct(const int16_t[:, ::1] level_nat, const uint16_t[::1] Q, uint8_t[:, ::1] samples, Py_ssize_t n, int level,
         int times=1):
    """n blocks to blocks side by side in the first eight rows."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef int i
    check(samples.shape[0] >= 8 and 1 <= n <= level_nat.shape[0] and 8 * n <= samples.shape[1]
          and level_nat.shape[1] == 64 and Q.shape[0] == 64, "blocks")
    with nogil:
        for i in range(times):
            dsp.idct(&level_nat[0, 0], &Q[0], &samples[0, 0], samples.shape[1], n)


def idct_reduced(const int16_t[:, ::1] level_nat, const uint16_t[::1] Q, int size, uint8_t[:, ::1] samples,
                 Py_ssize_t n, int level, int times=1):
    """n blocks to blocks of `size` samples in each direction, side by side in the first rows."""
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef JpegReduced transform
    cdef int i
    check(2 <= size <= 16 and samples.shape[0] >= size and 1 <= n <= level_nat.shape[0]
          and size * n <= samples.shape[1] and level_nat.shape[1] == 64 and Q.shape[0] == 64, "blocks")
    set_transform(&transform, size, 8)
    with nogil:
        for i in range(times):
            dsp.idct_reduced(&transform, &level_nat[0, 0], &Q[0], &samples[0, 0], samples.shape[1], n)


def next_marker(const uint8_t[::1] data, Py_ssize_t n, int level):
    """Where the first marker in n bytes begins."""
    check(1 <= n <= data.shape[0], "bytes")
    return jpeg_dsp(level).next_marker(&data[0], n)


def unstuff(const uint8_t[::1] data, Py_ssize_t n, uint8_t[::1] plain, int level):
    """n bytes without stuffing; returns how many remain."""
    check(1 <= n <= data.shape[0] and n <= plain.shape[0], "bytes")
    return jpeg_dsp(level).unstuff(&data[0], n, &plain[0])
