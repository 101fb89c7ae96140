"""Blocks of levels to blocks of fewer or more samples, for modules that do so row by row."""
from libc.stdint cimport int16_t, int32_t, uint16_t, uint8_t

from codec._core cimport JPEG_REDUCED_MOST, JpegDsp, JpegReduced, Sample
from codec.jpeg._scan_read cimport idct_row

cdef extern from "jpeg_reduced.h" nogil:
    void reduced_block(const JpegReduced *t, const int32_t *coef, bint narrow, int32_t *out)

cdef void set_transform(JpegReduced *t, int size, int precision) noexcept nogil


cdef inline Sample shifted(int32_t sample, int precision, Sample *which) noexcept nogil:
    """Level shift (A.3.1) and clamp."""
    cdef int32_t top = (1 << precision) - 1
    sample += 1 << (precision - 1)
    sample = sample if sample > 0 else 0
    return <Sample>(sample if sample < top else top)


cdef inline void transform_row(const JpegDsp *dsp, const JpegReduced *t, const int16_t *level_nat, Py_ssize_t unit,
                               Py_ssize_t wide, const uint16_t *Q_nat, int precision, Sample *out,
                               Py_ssize_t stride) noexcept nogil:
    """A row of `wide` blocks, `unit` levels apart (fewer than 64 only if DC suffices), to t.size rows of samples."""
    cdef int32_t coef[64]
    cdef int32_t samples[JPEG_REDUCED_MOST * JPEG_REDUCED_MOST]
    cdef Py_ssize_t bx
    cdef int i
    if t.size == 8:
        idct_row(dsp, level_nat, wide, Q_nat, precision, out, stride)
    elif t.size == 1:
        for bx in range(wide):
            out[bx] = shifted((<int32_t>level_nat[unit * bx] * Q_nat[0] + 4) >> 3, precision, out)
    elif Sample is uint8_t:
        dsp.idct_reduced(t, level_nat, Q_nat, out, stride, wide)
    else:
        for bx in range(wide):
            for i in range(64):
                coef[i] = <int32_t>level_nat[64 * bx + i] * Q_nat[i]
            reduced_block(t, coef, False, samples)
            for i in range(t.size * t.size):
                out[i // t.size * stride + bx * t.size + i % t.size] = shifted(samples[i], precision, out)
