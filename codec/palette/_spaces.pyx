"""OKLab of 8-bit colours, rounded to a lattice."""
from libc.stdint cimport uint8_t

import numpy as np

from codec._core cimport codec_variant
from .._core import BUILT_LEVELS
from ..cpu import register

cdef extern from "colors.h" nogil:
    void (*codec_linear_to_oklab[2])(const float *rgb, Py_ssize_t n, const float *scale, const float *offset,
                                     float *lab)

KERNELS = ("linear_to_oklab",)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    BAND = 256


def oklab(const uint8_t[:, ::1] rgb, const float[::1] light, const float[::1] scale, const float[::1] offset,
          float[:, ::1] out, Py_ssize_t column, int level):
    """out[:, column : column + 3] = OKLab of (n, 3) colours, times scale plus offset, rounded.

    light: (256,) linear light of a sample, above zero.
    """
    cdef Py_ssize_t n = rgb.shape[0], start, i, m
    cdef int c
    cdef float linear[3 * BAND]
    cdef float lab[3 * BAND]
    assert rgb.shape[1] == 3 and light.shape[0] == 256 and scale.shape[0] == 3 and offset.shape[0] == 3
    assert out.shape[0] == n and 0 <= column and column + 3 <= out.shape[1]
    with nogil:
        start = 0
        while start < n:
            m = min(<Py_ssize_t>BAND, n - start)
            for i in range(m):
                for c in range(3):
                    linear[c * m + i] = light[rgb[start + i, c]]
            codec_linear_to_oklab[codec_variant(level)](linear, m, &scale[0], &offset[0], lab)
            for i in range(m):
                for c in range(3):
                    out[start + i, column + c] = lab[c * m + i]
            start += m
