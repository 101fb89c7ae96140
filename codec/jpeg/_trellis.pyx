"""Rate-distortion optimised quantization: the levels near each coefficient with the least cost of error and bits.

A dynamic programme per block (the trellis of Crouse and Ramchandran, IEEE Trans. Image Processing 6(9), 1997): a node
is a non-zero level at a position of the zig-zag, an edge the run of zeros to the next one, its length the bits of the
(run, size) symbol plus the squared errors of what the edge skips and of where it ends. Errors count in steps, so that
the quantization tables say where errors show; `weight` says how many bits an error of one squared step is worth.

Two paths are kept at every position: one ends at the last node, the other at the cheapest node before it, as long as
it is cheaper. So all blocks take the same steps, eight side by side (`trellis` in jpegdsp.h). To keep all nodes changes
BD-rate by less than 0.05 %. All costs are floats that the same operations make in the same order on every machine (IEEE
754 single precision, no contraction): so the levels are the same everywhere.
"""
from libc.stdint cimport int16_t, int32_t, uint16_t, uint32_t, uint64_t, uint8_t

import numpy as np

from codec._core cimport JPEG_NO_PATH, JPEG_SIZES, NAT_OF_ZZ, JpegDsp, JpegRates, codec_bit_length, jpeg_dsp
from ..cpu import level_index
from ..errors import ParameterError

cdef extern from "bits.h" nogil:
    int codec_log2_q8(uint64_t v)

cdef enum:
    FRACTION_BITS = 8       # of the fixed-point logarithm
    DC_SIZES = 17           # differences of two levels within int16
    WEIGHT_ONE = 4096       # weights of blocks have 12 fraction bits

cdef float DEAD_ZONE_ROUNDING = 0.4     # statistics before there are any: levels are zero below 0.6 of a step
# of the bits of the cheapest level: what a candidate must gain. Fewer candidates take less time. Measured at effort 5,
# 12 Kodak and 6 other photographs, BD-rate by SSIMULACRA 2: 0.75 costs 0.01 and 0.04 %, 1 costs 0.06 and 0.14 %
cdef float LEAST_PART = 0.5


cdef class Rates:
    """Bits of AC symbols as statistics predict them, for `optimise`.

    Parameters
    ----------
    counts : 256 counts of the sequential AC symbols run << 4 | size (T.81 F.1.2.2), EOB at 0x00 and ZRL at 0xF0; see
        `statistics`

    A symbol costs -log2 of its frequency, which the optimal Huffman code approaches from above. Symbols never seen
    count as one half.
    """
    cdef JpegRates table

    def __init__(self, counts):
        cdef float symbol[256]
        cdef uint64_t total = 0
        cdef const uint64_t[::1] count = np.asarray(counts, np.uint64)
        cdef int i, run, size
        if count.shape[0] != 256:
            raise ParameterError("counts must be 256 integers")
        for i in range(256):
            total += 2 * count[i] + (1 if (1 <= (i & 15) <= 10 or i == 0 or i == 0xF0) else 0)
        for i in range(256):
            symbol[i] = <float>(codec_log2_q8(total)
                                - codec_log2_q8(2 * count[i] + 1)) / <float>(1 << FRACTION_BITS)
        for run in range(63):
            self.table.ac[0][run] = JPEG_NO_PATH
            for size in range(1, JPEG_SIZES):
                self.table.ac[size][run] = (symbol[(run & 15) << 4 | size] + <float>size
                                            + <float>(run >> 4) * symbol[0xF0])
        self.table.zrl, self.table.eob = symbol[0xF0], symbol[0]
        self.table.least = self.table.ac[1][0]
        for run in range(1, 63):
            self.table.least = min(self.table.least, self.table.ac[1][run])
        self.table.least *= LEAST_PART


cdef void prepare_reciprocals(const uint16_t[::1] Q, float *recip_zz) noexcept:
    cdef int k
    for k in range(64):
        recip_zz[k] = <float>(1.0 / (8.0 * Q[NAT_OF_ZZ[k]]))


cdef int check_steps(const uint16_t[::1] Q) except -1:
    if Q.shape[0] != 64:
        raise ParameterError("a quantization table has 64 steps")
    return 0


cdef int check_shapes(const int16_t[:, :, ::1] coefficients, const uint16_t[::1] Q) except -1:
    if coefficients.shape[2] != 64:
        raise ParameterError("coefficients have the shape (blocks_high, blocks_wide, 64)")
    return check_steps(Q)


def statistics(const int16_t[:, :, ::1] coefficients, const uint16_t[::1] Q, Py_ssize_t step=2):
    """Counts of the AC symbols that one component would have with a plain dead zone, estimated from every step-th row
    of blocks.

    Parameters
    ----------
    coefficients : int16 (blocks_high, blocks_wide, 64), zig-zag order, DCT coefficients times 8
    Q : 64 steps, natural order
    step : at least 1

    Returns
    -------
    (256,) uint32, as `Rates` takes them
    """
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef float recip_zz[64]
    cdef Py_ssize_t by = 0
    counted = np.zeros(256, np.uint32)
    cdef uint32_t[::1] counts = counted
    check_shapes(coefficients, Q)
    prepare_reciprocals(Q, recip_zz)
    with nogil:
        while by < coefficients.shape[0]:
            dsp.count_levels(&coefficients[by, 0, 0], recip_zz, DEAD_ZONE_ROUNDING, &counts[0],
                             coefficients.shape[1])
            by += step
    return counted


def symbol_counts(const int16_t[:, :, ::1] levels):
    """Counts of the sequential AC symbols of levels, (256,) uint32.

    levels : int16 (blocks_high, blocks_wide, 64), zig-zag order
    """
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef float whole[64]
    cdef Py_ssize_t by
    cdef int k
    counted = np.zeros(256, np.uint32)
    cdef uint32_t[::1] counts = counted
    for k in range(64):
        whole[k] = 1
    with nogil:
        for by in range(levels.shape[0]):
            dsp.count_levels(&levels[by, 0, 0], whole, <float>0.5, &counts[0], levels.shape[1])
    return counted


cdef inline int16_t nearest_dc(int32_t coef, int32_t step) noexcept nogil:
    """In float, which divides four at a time: the quotient of integers below 2^24 does not round up to the next one."""
    cdef int32_t magnitude = <int32_t>(<float>((-coef if coef < 0 else coef) + (step >> 1)) / <float>step)
    return <int16_t>(-magnitude if coef < 0 else magnitude)


cdef void nearest_levels(const int16_t[:, ::1] dc, int32_t step, int16_t[:, ::1] nearest) noexcept nogil:
    cdef Py_ssize_t by, bx
    for by in range(dc.shape[0]):
        for bx in range(dc.shape[1]):
            nearest[by, bx] = nearest_dc(dc[by, bx], step)


cdef void dc_rates(const int16_t[:, ::1] level, float *rate) noexcept nogil:
    """Bits of a DC difference of each size, extra bits included, as the differences of nearest levels along the rows
    of blocks predict them."""
    cdef uint64_t counts[DC_SIZES]
    cdef uint64_t total = 0
    cdef Py_ssize_t by, bx
    cdef int size
    for size in range(DC_SIZES):
        counts[size] = 1                                    # of 2: as in Rates
    for by in range(level.shape[0]):
        for bx in range(1, level.shape[1]):
            counts[difference_size(level[by, bx] - level[by, bx - 1])] += 2
    for size in range(DC_SIZES):
        total += counts[size]
    for size in range(DC_SIZES):
        rate[size] = <float>(codec_log2_q8(total)
                             - codec_log2_q8(counts[size])) / <float>(1 << FRACTION_BITS) + <float>size


cdef inline int difference_size(int32_t difference) noexcept nogil:
    # a bit length of 0 is undefined
    return codec_bit_length(2 * <uint32_t>(-difference if difference < 0 else difference) + 1) - 1


cdef struct DcPath:
    float cost[2]           # so far, by state: 0 is the DC level below the coefficient, 1 the one above
    int32_t low             # the level of state 0


cdef inline void dc_step(DcPath *path, int32_t coef, int16_t *level, uint8_t *came_from, const float *rate,
                         float weight, int32_t step) noexcept nogil:
    """The next block of a path. level: the nearest one, then that of state 0; came_from: bit s is the state before
    state s."""
    cdef int32_t low = level[0] - (level[0] * step > coef), difference = low - path.low
    cdef float same = rate[difference_size(difference)]
    cdef float from_low, from_high, distance, cost0, cost1
    level[0] = <int16_t>low
    from_low, from_high = path.cost[0] + same, path.cost[1] + rate[difference_size(difference - 1)]
    came_from[0] = from_high < from_low
    distance = <float>(coef - low * step) / <float>step
    cost0 = (from_high if from_high < from_low else from_low) + weight * distance * distance
    from_low, from_high = path.cost[0] + rate[difference_size(difference + 1)], path.cost[1] + same
    came_from[0] |= (from_high < from_low) << 1
    distance = <float>(coef - (low + 1) * step) / <float>step
    cost1 = (from_high if from_high < from_low else from_low) + weight * distance * distance
    # kept near zero: single precision is then as good as it was at the start
    distance = cost1 if cost1 < cost0 else cost0
    path.cost[0], path.cost[1], path.low = cost0 - distance, cost1 - distance, low


cdef void dc_path(const int16_t[:, ::1] coefficients, int16_t[:, ::1] level, uint8_t[:, ::1] came_from,
                  const float *rate, float weight, int32_t step, int H, int V) noexcept nogil:
    """Viterbi along the order in which the blocks are coded (A.2.3), and back."""
    cdef Py_ssize_t wide = level.shape[1], high = level.shape[0], my, mx, by, bx
    cdef Py_ssize_t mcus_high = (high + V - 1) / V, mcus_wide = (wide + H - 1) / H
    cdef DcPath path
    cdef int state
    path.cost[0], path.cost[1], path.low = 0, <float>1e30, 0        # PRED is 0 at the start
    for my in range(mcus_high):
        for mx in range(mcus_wide):
            for by in range(my * V, min(my * V + V, high)):
                for bx in range(mx * H, min(mx * H + H, wide)):
                    dc_step(&path, coefficients[by, bx], &level[by, bx], &came_from[by, bx], rate, weight, step)
    state = 1 if path.cost[1] < path.cost[0] else 0
    for my in range(mcus_high - 1, -1, -1):
        for mx in range(mcus_wide - 1, -1, -1):
            for by in range(min(my * V + V, high) - 1, my * V - 1, -1):
                for bx in range(min(mx * H + H, wide) - 1, mx * H - 1, -1):
                    level[by, bx] += <int16_t>state
                    state = came_from[by, bx] >> state & 1


def optimise_dc(const int16_t[:, ::1] dc, const uint16_t[::1] Q, double weight, int H, int V):
    """DC levels of least cost: error of one block against the bits of two differences (F.1.2.1).

    Parameters
    ----------
    dc : int16 (blocks_high, blocks_wide), DCT coefficients times 8
    Q, weight : as for `optimise`
    H, V : sampling factors of the component where its scan is interleaved, else 1: they give the order of the blocks

    Returns
    -------
    int16 (blocks_high, blocks_wide)
    """
    cdef float rate[DC_SIZES]
    check_steps(Q)
    shape = (dc.shape[0], dc.shape[1])
    levels = np.empty(shape, np.int16)
    cdef int16_t[:, ::1] chosen = levels
    cdef uint8_t[:, ::1] came_from = np.empty(shape, np.uint8)
    cdef int32_t step = 8 * Q[0]
    with nogil:
        nearest_levels(dc, step, chosen)
        dc_rates(chosen, rate)
        dc_path(dc, chosen, came_from, rate, <float>weight, step, H, V)
    return levels


def optimise(const int16_t[:, :, ::1] coefficients, const uint16_t[::1] Q, Rates rates, double weight,
             block_weights=None, dc=None, levels=None):
    """Levels of least cost for one component.

    Parameters
    ----------
    coefficients : int16 (blocks_high, blocks_wide, 64), zig-zag order, DCT coefficients times 8
    Q : 64 steps, natural order
    rates : Rates
    weight : weight of an error of one squared step, in bits
    block_weights : None or uint16 (blocks_high, blocks_wide): factors on `weight`, 4096 for 1
    dc : int16 (blocks_high, blocks_wide), the DC levels; None for the nearest
    levels : None, or an array for the result, which may be `coefficients` itself

    Returns
    -------
    int16 like the coefficients
    """
    cdef const uint16_t[:, ::1] factor
    cdef float recip_zz[64]
    cdef Py_ssize_t by, bx, high = coefficients.shape[0], wide = coefficients.shape[1]
    cdef bint weighted = block_weights is not None
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef int16_t[:, ::1] nearest
    cdef const int16_t[:, ::1] dc_level
    check_shapes(coefficients, Q)
    levels = np.empty((high, wide, 64), np.int16) if levels is None else levels
    cdef int16_t[:, :, ::1] level = levels
    if level.shape[0] != high or level.shape[1] != wide or level.shape[2] != 64:
        raise ParameterError("levels have the shape of the coefficients")
    prepare_reciprocals(Q, recip_zz)
    if dc is None:
        dc = np.empty((high, wide), np.int16)
        nearest = dc
        nearest_levels(np.ascontiguousarray(np.asarray(coefficients)[..., 0]), 8 * Q[0], nearest)
    dc_level = dc
    if dc_level.shape[0] != high or dc_level.shape[1] != wide:
        raise ParameterError("dc has one level per block")
    if weighted:
        factor = block_weights
        if factor.shape[0] != high or factor.shape[1] != wide:
            raise ParameterError("block_weights has one entry per block")
    cdef float[::1] weights = np.empty(wide, np.float32)
    with nogil:
        for bx in range(wide):
            weights[bx] = <float>weight
        for by in range(high):
            if weighted:
                for bx in range(wide):
                    weights[bx] = <float>weight * <float>factor[by, bx] * (<float>1 / <float>WEIGHT_ONE)
            dsp.trellis(&coefficients[by, 0, 0], recip_zz, &rates.table, &weights[0], &level[by, 0, 0], wide)
            for bx in range(wide):
                level[by, bx, 0] = dc_level[by, bx]
    return levels
