"""Loops over macroblocks of adaptive quantization and the macroblock tree; see adaptive.py."""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t

import numpy as np

from ...errors import ParameterError

cdef enum:
    BLOCK = 16              # a macroblock, in units of the vectors of the lookahead
    MOST = 1 << 30          # of an amount


def energy(const uint8_t[:, ::1] plane, int size):
    """Sum of squared differences from the mean of each block of size x size samples (8 or 16), (h * w,) int32: at most
    256 * 127.5^2."""
    if size not in (8, 16) or plane.shape[0] % size or plane.shape[1] % size:
        raise ParameterError("a plane of whole blocks of 8 or 16")
    cdef int w = <int>(plane.shape[1] // size), h = <int>(plane.shape[0] // size), x, y, i, k, sum, square
    cdef const uint8_t *line
    made = np.empty(w * h, np.int32)
    cdef int32_t[::1] out = made
    with nogil:
        for y in range(h):
            for x in range(w):
                sum = square = 0
                for i in range(size):
                    line = &plane[size * y + i, size * x]
                    for k in range(size):
                        sum += line[k]
                        square += line[k] * line[k]
                out[y * w + x] = square - <int>(<int64_t>sum * sum // (size * size))
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
