"""Rate-distortion optimised levels: which components share statistics, and how many passes refine them."""

import numpy as np

from ._trellis import Rates, optimise, optimise_dc, statistics

# Measured without gain (BD-rate by SSIMULACRA 2 and PSNR): a cheaper end of block where end-of-band runs may absorb it
# (0.5 of its bits: +0.06, 0.00 %; 0.8: +0.02, -0.02 %), and a level of 1 that costs a quarter of a bit more or less, as
# in successive approximation (-0.02, +0.02 %; +0.04, 0.00 %). So progressive files use sequential statistics too.


def optimised_levels(coefficients, steps, pools, weights, *, passes=1, block_weights=None, orders=None):
    """Levels of least cost for all components (T.81 leaves the choice of levels to the encoder).

    The first pass takes its statistics from levels with a dead zone, each further pass from the levels of the previous
    one.

    Parameters
    ----------
    coefficients : list of int16 arrays (blocks_high, blocks_wide, 64), zig-zag order, DCT coefficients times 8
    steps : (64,) uint16 in natural order for each component
    pools : lists of component indices that share a Huffman table; empty ones are ignored
    weights : for each component, the weight of an error of one squared step, in bits
    passes : int, at least 1
    block_weights : None, or for each component a uint16 array (blocks_high, blocks_wide) of factors on its weight, 4096
        for 1
    orders : None, or for each component the (H, V) of its blocks in an interleaved scan, the order of its DC
        differences

    Returns
    -------
    list of int16 arrays like `coefficients`
    """
    levels = [None] * len(coefficients)
    factors = block_weights or [None] * len(coefficients)
    for pool in filter(None, pools):
        counts = sum(statistics(coefficients[i], steps[i]) for i in pool)
        for _ in range(passes):
            rates, counts = Rates(counts), np.zeros(256, np.uint32)
            for i in pool:
                levels[i], counted = optimise(coefficients[i], steps[i], rates, weights[i], factors[i])
                counts += counted
    for coefficient, Q, level, weight, (H, V) in zip(
        coefficients, steps, levels, weights, orders or [(1, 1)] * len(levels)
    ):
        optimise_dc(coefficient, Q, level, weight, H, V)
    return levels
