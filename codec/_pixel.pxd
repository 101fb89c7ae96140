"""Kernels over rows of samples: colour conversion, chroma down- and upsampling. Rows do not overlap; n counts input
samples."""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t

from codec._core cimport JpegDsp, Sample, codec_assert, codec_assert_range, jpeg_dsp

cdef void ycc_to_rgb_row(const JpegDsp *dsp, const Sample *Y, const Sample *Cb, const Sample *Cr, Sample *rgb,
                         Py_ssize_t step, int precision, Py_ssize_t n) noexcept nogil
cdef enum:
    LEAST_SQUARES_REACH = 6     # samples beyond a pair that its least-squares mean depends on

cdef void downsample_least_squares_row(const JpegDsp *dsp, const uint8_t *row, Py_ssize_t stride, int16_t *sums,
                                       uint8_t *out, uint8_t *sixteenths, Py_ssize_t n_out, int h,
                                       int v) noexcept nogil
cdef void downsample_row(const JpegDsp *dsp, const uint8_t *row0, const uint8_t *row1, uint8_t *out,
                         Py_ssize_t n_out, int h, int v) noexcept nogil
cdef void upsample_h2_row(const Sample *row, Sample *out, Py_ssize_t n) noexcept nogil
cdef void upsample_v2_row(const Sample *near, const Sample *far, Sample *out, int bias, Py_ssize_t n) noexcept nogil
cdef void upsample_h2v2_row(const JpegDsp *dsp, const Sample *near, const Sample *far, uint16_t *sums, Sample *out,
                            Py_ssize_t n) noexcept nogil
cdef void replicate_row(const Sample *row, Sample *out, Py_ssize_t n_out, int H, int Hmax) noexcept nogil
