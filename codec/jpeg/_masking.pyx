"""Masking: errors hide where a block is busy and show where it is smooth. A weight of errors for each block.

With E the mean square of a block's AC coefficients, an error counts ((E + H) / G)^-alpha, where H is the activity below
which nothing is hidden and G makes the factors' geometric mean one: so alpha moves bits from busy to smooth blocks,
while the rate depends on the weight in the quantization (`_trellis.optimise`). Structural similarity has the same form:
it divides by the variance of its window plus a constant (Wang et al., IEEE Trans. Image Process. 13, 2004). Integers
throughout: the same factors on every machine.
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from math import isqrt

import numpy as np

from ..errors import ParameterError

cdef extern from "bits.h" nogil:
    int codec_log2_q8(uint64_t v)

cdef enum:
    ONE = 4096              # factors have 12 fraction bits
    LEAST = 64              # 1/64 and 16 in 12 fraction bits: the range of a factor
    MOST = 65535
    LOG_BITS = 8            # fraction bits of logarithms
    UNIT = 63 * 64          # sum of squared coefficients times 8 for a mean square of 1 over the 63 AC coefficients


cdef uint32_t EXP2[256]     # 2^(i/256) in 16 fraction bits


def _fill_exp2():
    """The table holds powers of the 256th root of 2, from eight square roots. In 64 fraction bits, rounded down: no
    float."""
    root, power = 2 << 64, 1 << 64
    for _ in range(LOG_BITS):
        root = isqrt(root << 64)
    for i in range(256):
        EXP2[i] = power >> 48
        power = power * root >> 64

_fill_exp2()


cdef inline uint32_t activity(const int16_t *coef_zz) noexcept nogil:
    """Sum of the squared AC coefficients. Each is below 2^13 (times 8), so 63 squares stay below 2^32;
    hostile ones wrap, which is defined."""
    cdef uint32_t total = 0
    cdef int k
    for k in range(1, 64):
        total += <uint32_t>(<int>coef_zz[k] * coef_zz[k])
    return total


cdef inline uint16_t exp2_q12(int64_t x) noexcept nogil:
    """4096 times 2^(x/256), within LEAST..MOST. Without a branch: x is as good as random."""
    cdef int64_t within = min(<int64_t>4 << LOG_BITS, max(-<int64_t>6 << LOG_BITS, x))     # of LEAST, and 1 above MOST
    return <uint16_t>min(<uint32_t>MOST, EXP2[within & 255] << (within >> LOG_BITS) + 6 >> 10)   # below 2^27


cdef void block_logarithms(const int16_t *coef_zz, Py_ssize_t blocks, int H, int32_t *logarithm) noexcept nogil:
    """Binary logarithms of E + H of each block, with LOG_BITS fraction bits, up to a constant."""
    cdef Py_ssize_t i
    for i in range(blocks):
        logarithm[i] = codec_log2_q8(activity(coef_zz + 64 * i) + <uint64_t>H * UNIT)


def luma_logarithms(const int16_t[:, :, ::1] luma, int H):
    """What `_planes.forward` finds on its way: the logarithms of all blocks, as `activity_weights` takes them.

    Parameters
    ----------
    luma : int16 (blocks_high, blocks_wide, 64), zig-zag order, DCT coefficients of the luminance times 8
    H : 1..65536, the mean square of AC coefficients (those of A.3.3, 8-bit samples) from which on activity masks

    Returns
    -------
    int32 (blocks_high, blocks_wide)
    """
    if luma.shape[2] != 64 or luma.shape[0] < 1 or luma.shape[1] < 1:
        raise ParameterError("luma has the shape (blocks_high, blocks_wide, 64), with at least one block")
    check_activity(H)
    logarithms = np.empty((luma.shape[0], luma.shape[1]), np.int32)
    cdef int32_t[:, ::1] logarithm = logarithms
    with nogil:
        block_logarithms(&luma[0, 0, 0], luma.shape[0] * luma.shape[1], H, &logarithm[0, 0])
    return logarithms


cdef int check_activity(int H) except -1:
    if not 1 <= H <= 65536:
        raise ParameterError(f"H must be within 1..65536, not {H}")
    return 0


def activity_weights(const int32_t[:, ::1] logarithms, *, double alpha):
    """Weights of errors in each block, from its luminance.

    Parameters
    ----------
    logarithms : int32 (blocks_high, blocks_wide), of the luminance's activity as `_planes.forward` gives them
    alpha : 0..2 (in steps of 1/256), how far bits move from busy to smooth blocks; 0 leaves all factors at one

    Returns
    -------
    uint16 (blocks_high, blocks_wide), 4096 for 1, within 1/64..16; the geometric mean is 1 but for that range

    Raises
    ------
    ParameterError
        No blocks, or wrong alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._masking import activity_weights, luma_logarithms
    >>> luma = np.zeros((1, 2, 64), np.int16)
    >>> luma[0, 1, 1:] = 8 * 10                     # a smooth block, and a busy one: mean square 100
    >>> activity_weights(luma_logarithms(luma, 50), alpha=0.5).tolist()
    [[5384, 3115]]
    """
    cdef Py_ssize_t high = logarithms.shape[0], wide = logarithms.shape[1], by, bx
    cdef int64_t exponent, centre, total = 0
    if high < 1 or wide < 1:
        raise ParameterError("a picture has at least one block")
    if not 0 <= alpha <= 2:
        raise ParameterError(f"alpha must be within 0..2, not {alpha}")
    exponent = <int64_t>(alpha * 256 + 0.5)
    factors = np.empty((high, wide), np.uint16)
    cdef uint16_t[:, ::1] factor = factors
    with nogil:
        for by in range(high):
            for bx in range(wide):
                total += logarithms[by, bx]
        centre = (total + high * wide // 2) // (high * wide)
        for by in range(high):
            for bx in range(wide):
                factor[by, bx] = exp2_q12(exponent * (centre - logarithms[by, bx]) >> LOG_BITS)
    return factors


def squared_errors(const uint8_t[:, :, ::1] pixels, const uint8_t[:, :, ::1] shown):
    """For every 8x8 block sum(e^2), with e = shown - pixels: int64 (ceil(H/8), ceil(W/8))."""
    cdef Py_ssize_t height = pixels.shape[0], width = pixels.shape[1], channels = pixels.shape[2], y, x, i
    cdef const uint8_t *a
    cdef const uint8_t *b
    cdef int32_t e, squares             # at most 8 * 4 * 255^2 < 2^22
    cdef Py_ssize_t whole = width // 8 if channels == 3 else 0
    for i in range(3):
        if shown.shape[i] != pixels.shape[i]:
            raise ParameterError("pixels and shown have one shape (H, W, C)")
    errors = np.zeros(((height + 7) // 8, (width + 7) // 8), np.int64)
    cdef int64_t[:, ::1] error = errors
    with nogil:
        for y in range(height):
            a, b = &pixels[y, 0, 0], &shown[y, 0, 0]
            for x in range(whole):              # a known number of samples, so that the compiler uses vectors
                squares = 0
                for i in range(24):
                    e = <int32_t>b[24 * x + i] - a[24 * x + i]
                    squares += e * e
                error[y >> 3, x] += squares
            for x in range(whole, (width + 7) // 8):
                a, b = &pixels[y, 8 * x, 0], &shown[y, 8 * x, 0]
                squares = 0
                for i in range(channels * min(8, width - 8 * x)):
                    e = <int32_t>b[i] - a[i]
                    squares += e * e
                error[y >> 3, x] += squares
    return errors


def sums_around(const int64_t[:, ::1] blocks, shape):
    """Triangle-weighted sums over 5 x 5 blocks: twice those over three, in each direction, of which the first and the
    last count twice at an edge.

    Parameters
    ----------
    blocks : int64 (high, wide)
    shape : of the result; at least that of `blocks`, whose last rows and columns are repeated up to it

    Returns
    -------
    int64 array of that shape
    """
    cdef Py_ssize_t high = shape[0], wide = shape[1], y, x, above, below
    cdef int turn
    if not 1 <= blocks.shape[0] <= high or not 1 <= blocks.shape[1] <= wide:
        raise ParameterError(f"{blocks.shape[0]} x {blocks.shape[1]} blocks are none, or more than {high} x {wide}")
    sums = np.empty((high, wide), np.int64)
    cdef int64_t[:, ::1] total = sums, across = np.empty((high, wide), np.int64)
    with nogil:
        for y in range(high):
            for x in range(wide):
                total[y, x] = blocks[min(y, blocks.shape[0] - 1), min(x, blocks.shape[1] - 1)]
        for turn in range(2):
            for y in range(high):
                for x in range(wide):
                    across[y, x] = total[y, max(x - 1, 0)] + total[y, x] + total[y, min(x + 1, wide - 1)]
            for y in range(high):
                above, below = max(y - 1, 0), min(y + 1, high - 1)
                for x in range(wide):
                    total[y, x] = across[above, x] + across[y, x] + across[below, x]
    return sums


cdef inline int64_t weight(int64_t error) noexcept nogil:
    """Weight of a block in the mean. Errors (81 blocks of 192 samples, below 2^16 each: 2^30) times logarithms
    (below 2^14) of the largest picture's 2^26 blocks stay below 2^63."""
    return (error >> 8) + 1 if error > 0 else 0


def refined_weights(const uint16_t[:, ::1] factors, const int64_t[:, ::1] gain, const int64_t[:, ::1] error, *,
                    double beta):
    """The factors times (gain / error)^beta, scaled to a geometric mean of one over the errors: more for blocks whose
    errors matter most to a measure.

    Parameters
    ----------
    factors : uint16 (blocks_high, blocks_wide) from `activity_weights`
    gain : int64 of the same shape: gain in score, in any unit, from scaling a block's errors down; below 1 counts as 1
    error : int64 of the same shape, the squared errors of the block; where there are none the factor stays
    beta : 0..2 (in steps of 1/256)

    A ratio is limited to 1/8..8 of the mean: an estimate from one block's slopes is no more certain than that.

    Returns
    -------
    uint16 (blocks_high, blocks_wide)
    """
    cdef Py_ssize_t high = factors.shape[0], wide = factors.shape[1], by, bx
    cdef int64_t exponent, mean, total = 0, counted = 0, log, limit = 3 << LOG_BITS
    if (gain.shape[0] != high or gain.shape[1] != wide or error.shape[0] != high or error.shape[1] != wide
            or high < 1 or wide < 1):
        raise ParameterError("factors, gain and error have one entry per block")
    if not 0 <= beta <= 2:
        raise ParameterError(f"beta must be within 0..2, not {beta}")
    exponent = <int64_t>(beta * 256 + 0.5)
    refined = np.empty((high, wide), np.uint16)
    logarithms = np.empty((high, wide), np.int64)
    cdef uint16_t[:, ::1] out = refined
    cdef int64_t[:, ::1] ratio = logarithms
    with nogil:
        for by in range(high):
            for bx in range(wide):
                ratio[by, bx] = codec_log2_q8(max(gain[by, bx], 1)) - codec_log2_q8(max(error[by, bx], 1))
                total += ratio[by, bx] * weight(error[by, bx])
                counted += weight(error[by, bx])
        mean, total = total // max(counted, 1), 0
        for by in range(high):
            for bx in range(wide):
                ratio[by, bx] = min(limit, max(-limit, ratio[by, bx] - mean))
                total += ratio[by, bx] * weight(error[by, bx])
        mean = total // max(counted, 1)
        for by in range(high):
            for bx in range(wide):
                log = ratio[by, bx] - mean if error[by, bx] > 0 else 0
                out[by, bx] = <uint16_t>min(<int64_t>MOST,
                                            max(<int64_t>LEAST,
                                                (<int64_t>factors[by, bx]
                                                 * exp2_q12(exponent * log >> LOG_BITS)) >> 12))
    return refined


def subsampled_weights(factors, shape):
    """The factors of a component with half as many blocks in a direction or both: means of the blocks it covers.

    Parameters
    ----------
    factors : uint16 (high, wide) from `activity_weights`
    shape : (high, wide) in blocks of the component: each the same as in `factors`, or half, rounded up

    Returns
    -------
    uint16 array of that shape; `factors` itself where nothing is subsampled

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._masking import subsampled_weights
    >>> subsampled_weights(np.array([[4096, 2048, 1024]], np.uint16), (1, 2)).tolist()
    [[3072, 1024]]
    """
    cdef const uint16_t[:, ::1] factor = factors
    cdef Py_ssize_t high = factor.shape[0], wide = factor.shape[1], by, bx, y, x, below, right
    cdef int V = 1 if shape[0] == high else 2, H = 1 if shape[1] == wide else 2
    for size, half, step in ((high, shape[0], V), (wide, shape[1], H)):
        if half != (size + step - 1) // step:
            raise ParameterError(f"{size} blocks cannot cover {half}: half as many, rounded up, or the same number")
    if V == H == 1:
        return factors
    means = np.empty(shape, np.uint16)
    cdef uint16_t[:, ::1] mean = means
    with nogil:
        for by in range(mean.shape[0]):
            y, below = V * by, min(V * by + V, high) - 1
            for bx in range(mean.shape[1]):
                x, right = H * bx, min(H * bx + H, wide) - 1
                mean[by, bx] = <uint16_t>((((factor[y, x] + factor[below, x] + 1) >> 1)
                                           + ((factor[y, right] + factor[below, right] + 1) >> 1) + 1) >> 1)
    return means
