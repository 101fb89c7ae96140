"""What the QP of a macroblock differs from that of its picture by: adaptive quantization, from how busy the macroblock
is, and the macroblock tree, from how much later pictures take from it.

Offsets are integers in 1/256 of QP. Logarithms come from a table, so that they are the same on every machine.
"""
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

from codec._core cimport codec_bit_length

import math

import numpy as np

from ...errors import ParameterError

cdef enum:
    BLOCK = 16              # a macroblock, in units of the vectors of the lookahead
    MOST = 1 << 30          # of an amount
    UNIT = 256              # of QP, and of a logarithm
    LIMIT = 26 * UNIT       # of an offset that weighs costs
    TREE_QP = 2             # fewer QP for each doubling of what depends on a macroblock

ONE = UNIT
# Variance, mode 1: 1.04 QP for each doubling of the energy, none at 2^14.427, which is common in film.
cdef int ENERGY_SLOPE = round(1.0397 * UNIT), ENERGY_MIDDLE = round(14.427 * UNIT)
cdef int32_t[256] MANTISSAS
cdef int64_t[24 * UNIT + 1] ROOTS           # mode 2: the eighth root of the energy, in 1/4096, by its logarithm
cdef int64_t[2 * LIMIT + 1] STEPS
for i in range(256):
    MANTISSAS[i] = round(UNIT * math.log2(1 + i / 256))
for i in range(24 * UNIT + 1):
    ROOTS[i] = round(4096 * 2 ** (i / 8 / UNIT))
for i in range(2 * LIMIT + 1):
    STEPS[i] = round(256 * 2 ** ((LIMIT - i) / 6 / UNIT))


cdef inline int32_t log2(uint32_t value) noexcept nogil:
    """The base 2 logarithm of an integer of at least 1, in 1/256, rounded down to 8 bits of the mantissa."""
    cdef int bits = codec_bit_length(value)
    return UNIT * (bits - 1) + MANTISSAS[(<uint64_t>value << 32 - bits + 1 >> 24) & 255]


# ---------------------------------------------------------------- adaptive quantization


cdef int energy(const uint8_t *block, Py_ssize_t stride, int columns, int rows, int size) noexcept nogil:
    """Sum of squared differences from the mean of a block of size x size samples (8 or 16): at most 256 * 127.5^2. The
    last column and row that are there are repeated."""
    cdef int sum = 0, square = 0, i, k
    cdef const uint8_t *line
    for i in range(size):
        line = block + min(i, rows - 1) * stride
        for k in range(columns):
            sum += line[k]
            square += line[k] * line[k]
        sum += (size - columns) * line[columns - 1]
        square += (size - columns) * line[columns - 1] * line[columns - 1]
    return square - <int>(<int64_t>sum * sum // (size * size))


def energies_of(planes):
    """Energies of the macroblocks of a frame, (N,) int32: sums of squared differences from the mean, over its planes.
    planes: (rows, columns) uint8, Y alone, or Y, Cb and Cr in 4:2:0; edges are repeated up to whole macroblocks."""
    cdef const uint8_t[:, ::1] one
    cdef const uint8_t *samples[3]
    cdef int rows[3]
    cdef int columns[3]
    cdef int i, x, y, size, w, h, count = <int>len(planes)
    planes = [np.ascontiguousarray(plane) for plane in planes]
    for i in range(count):
        one = planes[i]
        samples[i], rows[i], columns[i] = &one[0, 0], <int>one.shape[0], <int>one.shape[1]
    w, h = (columns[0] + 15) >> 4, (rows[0] + 15) >> 4
    for i in range(1, count):
        if (columns[i] + 7) >> 3 != w or (rows[i] + 7) >> 3 != h:
            raise ParameterError("planes of as many macroblocks")
    made = np.zeros(w * h, np.int32)
    cdef int32_t[::1] out = made
    with nogil:
        for i in range(count):
            size = 8 if i else 16
            for y in range(h):
                for x in range(w):
                    out[y * w + x] += energy(samples[i] + size * (<Py_ssize_t>y * columns[i] + x), columns[i],
                                             min(size, columns[i] - size * x), min(size, rows[i] - size * y), size)
    return made


def variance_offsets(const int32_t[::1] energies, int mode, int strength):
    """Adaptive quantization of a picture.

    Parameters
    ----------
    energies : (N,) int32
        Of each macroblock.
    mode : int
        1: by the logarithm. 2: by the eighth root, against the mean of the picture, so that its bits change less.
    strength : int
        In 1/256.

    Returns
    -------
    (N,) int32
    """
    cdef Py_ssize_t n = energies.shape[0], i
    cdef int64_t root, sum = 0, square = 0, mean = 0, middle = 0, found
    made = np.empty(n, np.int32)
    cdef int32_t[::1] out = made
    if mode != 1:
        for i in range(n):
            root = root_of(energies[i])
            sum += root
            square += root * root
        mean = sum // n
        middle = mean - floored(square // n - (<int64_t>14 << 24), 2 * mean)
    for i in range(n):
        if mode == 1:
            found = floored(ENERGY_SLOPE * (log2(max(energies[i], 1)) - ENERGY_MIDDLE), UNIT)
        else:
            found = floored(mean * (root_of(energies[i]) - middle), 1 << 16)
        out[i] = <int32_t>floored(found * strength, UNIT)
    return made


cdef inline int64_t root_of(int32_t energy) noexcept nogil:
    return ROOTS[min(log2(<uint32_t>energy + 1), 24 * UNIT)]


def weighed(const int32_t[::1] costs, const int32_t[::1] offsets):
    """Costs of macroblocks in units of the steps that adaptive quantization gives them: times 2^(-offset / 6)."""
    cdef Py_ssize_t n = costs.shape[0], i
    made = np.empty(n, np.int32)
    cdef int32_t[::1] out = made
    check(n == offsets.shape[0])
    for i in range(n):
        out[i] = <int32_t>(costs[i] * STEPS[min(max(offsets[i], -LIMIT), LIMIT) + LIMIT] >> 8)
    return made


def qps_of(const int32_t[::1] offsets, int qp, int least):
    """QP of each macroblock, `least` to 51, (N,) int8. qp: of the picture, in 1/256."""
    cdef Py_ssize_t n = offsets.shape[0], i
    made = np.empty(n, np.int8)
    cdef int8_t[::1] out = made
    for i in range(n):
        out[i] = <int8_t>min(max((qp + offsets[i] + UNIT // 2) >> 8, least), 51)
    return made


def excess_of(const int32_t[::1] offsets, int qp):
    """By how much QP exceeds 51 on average, before it is bounded: an integer of at least 0. qp: in 1/256."""
    cdef Py_ssize_t n = offsets.shape[0], i
    cdef int64_t sum = 0
    for i in range(n):
        sum += max(qp + offsets[i] - 51 * UNIT, 0)
    return sum // (UNIT * n)


# ---------------------------------------------------------------- macroblock tree


cdef int check(bint equal) except -1:
    if not equal:
        raise ParameterError("one number for each macroblock")
    return 0


def tree_offsets(const int32_t[::1] weights, const int32_t[::1] amounts, const int32_t[::1] offsets=None):
    """Offsets with the macroblock tree, (N,) int32: `amounts` of later pictures depend on macroblocks of these
    `weights`. offsets: those of adaptive quantization, if any."""
    cdef Py_ssize_t n = weights.shape[0], i
    cdef uint32_t weight
    made = np.empty(n, np.int32)
    cdef int32_t[::1] out = made
    check(n == amounts.shape[0] and (offsets is None or n == offsets.shape[0]))
    for i in range(n):
        weight = max(weights[i], 1)
        out[i] = TREE_QP * (log2(weight) - log2(weight + amounts[i]))
        if offsets is not None:
            out[i] += offsets[i]
    return made


cdef void give(int32_t *amounts, int w, int h, int x, int y, int64_t amount) noexcept nogil:
    """Divide an amount over the macroblocks under the one at (x, y), in 1/16 of macroblocks, by area."""
    cdef int at_x = x >> 4, at_y = y >> 4, part_x = x & 15, part_y = y & 15, i, k
    cdef int64_t area
    for i in range(2):
        for k in range(2):
            if 0 <= at_y + i < h and 0 <= at_x + k < w:
                area = (part_y if i else BLOCK - part_y) * (part_x if k else BLOCK - part_x)
                amounts[(at_y + i) * w + at_x + k] = <int32_t>min(
                    MOST, amounts[(at_y + i) * w + at_x + k] + (amount * area + 128 >> 8))


def spread(int width, const int32_t[::1] amounts, const int32_t[::1] weights, const int32_t[::1] intra,
           const int32_t[::1] inter, lists):
    """Pass on to its references what depends on a picture.

    Parameters
    ----------
    width : int
        In macroblocks.
    amounts : (N,) int32
        What depends on each macroblock already.
    weights : (N,) int32
        What each macroblock is itself.
    intra, inter : (N,) int32
        Costs of intra prediction and of the cheapest prediction. The part of amount and weight that inter prediction
        saves depends on the references.
    lists : sequence of ((N, 2) int16, (N,) int32, (N,) int32)
        One or two: vectors, costs, and the amounts of the reference, which are added to. Of two the cheaper one takes
        all; both take half if both together are cheaper than each.
    """
    cdef Py_ssize_t n = amounts.shape[0], i
    cdef int h = <int>(n // width), list, count = <int>len(lists), taken
    cdef const int16_t *mv[2]
    cdef const int32_t *cost[2]
    cdef int32_t *out[2]
    cdef const int16_t[:, ::1] vectors
    cdef const int32_t[::1] costs
    cdef int32_t[::1] given
    cdef int64_t amount
    if not 1 <= count <= 2 or not n or n % width or not n == weights.shape[0] == intra.shape[0] == inter.shape[0]:
        raise ParameterError("one number for each macroblock, one or two references")
    for list in range(count):
        vectors, costs, given = lists[list]
        if not n == vectors.shape[0] == costs.shape[0] == given.shape[0] or vectors.shape[1] != 2:
            raise ParameterError("a vector, a cost and an amount for each macroblock")
        mv[list], cost[list], out[list] = &vectors[0, 0], &costs[0], &given[0]
    with nogil:
        for i in range(n):
            if inter[i] >= intra[i]:
                continue
            amount = (<int64_t>amounts[i] + weights[i]) * (intra[i] - inter[i]) // intra[i]
            taken = 0                                   # bit 0 list 0, bit 1 list 1
            for list in range(count):
                if cost[list][i] == inter[i] and not taken:
                    taken = 1 << list
            if not taken:
                taken = 3
                amount >>= 1
            for list in range(count):
                if taken >> list & 1:
                    give(out[list], width, h, BLOCK * <int>(i % width) + mv[list][2 * i],
                         BLOCK * <int>(i // width) + mv[list][2 * i + 1], amount)
