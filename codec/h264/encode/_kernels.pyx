"""The encoder's kernels, each as a `def` function on arrays, for tests and benchmarks. `level` selects the
instructions, as counted by `codec.cpu.level_index`."""
from libc.stdint cimport int16_t, uint8_t, uint16_t

import numpy as np

from codec._core cimport codec_member, levels_of_members
from ...cpu import register
from ...errors import ParameterError

cdef extern from "h264enc.h" nogil:
    const H264Enc *codec_h264_enc(int level)
    const codec_member codec_h264_enc_members[]


cdef const H264Enc *h264_enc(int level) noexcept nogil:
    return codec_h264_enc(level)


cdef const void *table(int level) noexcept nogil:
    return codec_h264_enc(level)


# Members of H264Enc -> the levels that have their own functions.
LEVELS = levels_of_members(codec_h264_enc_members, table)
register({f"h264_{name}": levels for name, levels in LEVELS.items()})

WIDTHS = {16: 0, 8: 1, 4: 2}


cdef int check_pair(a, b, multiple) except -1:
    if a.shape != b.shape or a.shape[1] not in WIDTHS or a.shape[0] < 4 or a.shape[0] % multiple:
        raise ParameterError(f"blocks {a.shape} and {b.shape}: both must be 16, 8 or 4 wide and a multiple of 4 high")
    return 0


def difference(kind, const uint8_t[:, :] a, const uint8_t[:, :] b, int level):
    """sad, satd or ssd of two blocks; sa8d of two that are 16 or 8 wide and a multiple of 8 high."""
    cdef const H264Enc *enc = h264_enc(level)
    check_pair(np.asarray(a), np.asarray(b), 8 if kind == "sa8d" else 4)
    cdef int width = WIDTHS[a.shape[1]]
    cdef h264_difference_fn kernel
    if kind == "sad":
        kernel = enc.sad[width]
    elif kind == "satd":
        kernel = enc.satd[width]
    elif kind == "sa8d":
        if width == 2:
            raise ParameterError("sa8d is for blocks that are 16 or 8 wide")
        kernel = enc.sa8d[width]
    else:
        kernel = enc.ssd[width]
    return kernel(&a[0, 0], a.strides[0], &b[0, 0], b.strides[0], <int>a.shape[0])


def four_differences(kind, const uint8_t[:, :] a, const uint8_t[:, :, :] b, int level):
    """sad or satd of a against b[0] ... b[3]."""
    cdef int sums[4]
    cdef const uint8_t *blocks[4]
    cdef int i
    check_pair(np.asarray(a), np.asarray(b[0]), 4)
    for i in range(4):
        blocks[i] = &b[i, 0, 0]
    cdef const H264Enc *enc = h264_enc(level)
    cdef int width = WIDTHS[a.shape[1]]
    cdef h264_four_fn kernel = enc.sad4[width] if kind == "sad" else enc.satd4[width]
    kernel(sums, &a[0, 0], a.strides[0], blocks, b.strides[1], <int>a.shape[0])
    return [sums[i] for i in range(4)]


def average(const uint8_t[:, :] a, const uint8_t[:, :] b, int level):
    """(a + b + 1) >> 1"""
    check_pair(np.asarray(a), np.asarray(b), 4)
    made = np.empty((a.shape[0], a.shape[1]), np.uint8)
    cdef uint8_t[:, ::1] out = made
    h264_enc(level).average(&out[0, 0], out.strides[0], &a[0, 0], a.strides[0], &b[0, 0], b.strides[0],
                            <int>a.shape[1], <int>a.shape[0])
    return made


def half_samples(const uint8_t[:, ::1] src, int level):
    """b, h and j of the line 2 of six lines, for all but the first 2 and the last 3 samples."""
    if src.shape[0] != 6 or src.shape[1] < 21:
        raise ParameterError("six lines of at least 21 samples")
    cdef int w = <int>src.shape[1] - 5
    made = np.empty((3, w), np.uint8)
    work = np.empty(w + 5, np.int16)
    cdef uint8_t[:, ::1] out = made
    cdef int16_t[::1] sums = work
    h264_enc(level).half_samples(&out[0, 0], &out[1, 0], &out[2, 0], &src[2, 2], src.strides[0], w, &sums[0])
    return made


def halve(uint8_t[::1] out, const uint8_t[::1] a, const uint8_t[::1] b, int level):
    """Means of 2x2 samples of two lines."""
    if not 0 < 2 * out.shape[0] <= min(a.shape[0], b.shape[0]):
        raise ParameterError("lines of at least twice as many samples")
    h264_enc(level).halve(&out[0], &a[0], &b[0], out.shape[0])


def forward(int size, const uint8_t[:, :] src, const uint8_t[:, :] prediction, int level):
    """Forward transform of a 4x4 block, or of an 8x8 block: (4, 4, 4) coefficients of its 4x4 blocks, or (8, 8)."""
    check_pair(np.asarray(src), np.asarray(prediction), 4)
    cdef int n = <int>src.shape[0]
    if n != src.shape[1] or n > 8 or size not in (4, 8) or size > n:
        raise ParameterError("blocks are 4x4 or 8x8, transforms 4 or 8")
    made = np.empty(n * n, np.int16)
    cdef int16_t[::1] out = made
    cdef const H264Enc *enc = h264_enc(level)
    cdef h264_forward_fn kernel = enc.forward_one if n == 4 else enc.forward4x4 if size == 4 else enc.forward8x8
    kernel(&out[0], &src[0, 0], src.strides[0], &prediction[0, 0], prediction.strides[0])
    return made.reshape([size, size] if n == size else [4, 4, 4])


def quantize(const int16_t[::1] d, const uint16_t[::1] scale, const uint16_t[::1] bias, int level):
    """(levels, whether any is not 0)"""
    if d.shape[0] % 16 or not d.shape[0] or not d.shape[0] == scale.shape[0] == bias.shape[0]:
        raise ParameterError("arrays have one length, a multiple of 16")
    made = np.empty(d.shape[0], np.int16)
    cdef int16_t[::1] out = made
    any = h264_enc(level).quantize(&out[0], &d[0], &scale[0], &bias[0], <int>d.shape[0])
    return made, bool(any)
