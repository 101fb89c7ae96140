"""The encoder's kernels for compiled code: contracts are in codec/simd/h264enc.h."""
from libc.stdint cimport int16_t, uint8_t, uint16_t

cdef extern from "h264enc.h" nogil:
    ctypedef int (*h264_difference_fn)(const uint8_t *a, Py_ssize_t a_stride, const uint8_t *b, Py_ssize_t b_stride,
                                       int h) noexcept nogil
    ctypedef void (*h264_four_fn)(int *sums, const uint8_t *a, Py_ssize_t a_stride, const uint8_t **b,
                                  Py_ssize_t b_stride, int h) noexcept nogil
    ctypedef void (*h264_average_fn)(uint8_t *dst, Py_ssize_t dst_stride, const uint8_t *a, Py_ssize_t a_stride,
                                     const uint8_t *b, Py_ssize_t b_stride, int w, int h) noexcept nogil
    ctypedef void (*h264_half_samples_fn)(uint8_t *b, uint8_t *h, uint8_t *j, const uint8_t *src, Py_ssize_t stride,
                                          int w, int16_t *work) noexcept nogil
    ctypedef void (*h264_halve_fn)(uint8_t *out, const uint8_t *a, const uint8_t *b, Py_ssize_t count) noexcept nogil
    ctypedef void (*h264_forward_fn)(int16_t *d, const uint8_t *src, Py_ssize_t src_stride, const uint8_t *pred,
                                     Py_ssize_t pred_stride) noexcept nogil
    ctypedef int (*h264_quantize_fn)(int16_t *level, const int16_t *d, const uint16_t *scale, const uint16_t *bias,
                                     int n) noexcept nogil

    ctypedef struct H264Enc:
        h264_difference_fn sad[3]
        h264_difference_fn satd[3]
        h264_difference_fn ssd[3]
        h264_difference_fn sa8d[2]
        h264_four_fn sad4[3]
        h264_four_fn satd4[3]
        h264_average_fn average
        h264_half_samples_fn half_samples
        h264_halve_fn halve
        h264_forward_fn forward_one
        h264_forward_fn forward4x4
        h264_forward_fn forward8x8
        h264_quantize_fn quantize

# The table at a level of codec.cpu.level_index. Linked only into codec.h264.encode._kernels.
cdef const H264Enc *h264_enc(int level) noexcept nogil
