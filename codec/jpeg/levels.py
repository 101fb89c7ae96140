"""Rate-distortion optimised levels: which components share statistics, and how many passes refine them."""

from functools import partial

import numpy as np

from ..executors import in_order
from ._trellis import Rates, optimise, optimise_dc, statistics, symbol_counts

# Measured without gain (BD-rate by SSIMULACRA 2 and PSNR): a cheaper end of block where end-of-band runs may absorb it
# (0.5 of its bits: +0.06, 0.00 %; 0.8: +0.02, -0.02 %), and a level of 1 that costs a quarter of a bit more or less, as
# in successive approximation (-0.02, +0.02 %; +0.04, 0.00 %). So progressive files use sequential statistics too.


def _step(plane):
    """Every which row of blocks is counted, so that 16 are. Every fourth of 64, against every other: 0.00 % BD-rate by
    SSIMULACRA 2 and PSNR (effort 5, 12 Kodak and 6 other photographs)."""
    return min(8, max(2, len(plane) // 16))


def _in_bands(function, planes, workers, step=1):
    """Results of `function` for rows of blocks of planes that belong together, several for each worker. Bands begin
    with every step-th row."""
    high = len(planes[0])
    size = step * -(-high // (4 * step * workers)) if workers > 1 else high
    bands = [slice(first, first + size) for first in range(0, high, size)]
    return in_order([partial(function, *(plane[band] for plane in planes)) for band in bands], workers)


def _optimised(coefficients, steps, rates, weight, factors, dc, levels, workers):
    """`optimise` by several threads."""
    band = lambda rows, out, dc, own=None: optimise(rows, steps, rates, weight, own, dc, out)
    for _ in _in_bands(band, [coefficients, levels, dc] + ([] if factors is None else [factors]), workers):
        pass
    return levels


def optimised_levels(
    coefficients,
    steps,
    pools,
    weights,
    *,
    passes=1,
    block_weights=None,
    orders=None,
    known=None,
    in_place=False,
    threads=1,
):
    """Levels of least cost for all components (T.81 leaves the choice of levels to the encoder).

    The first pass takes its statistics from levels with a dead zone, or from `known` ones; each further pass from the
    levels of the previous one.

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
    known : None, or levels of the same coefficients
    in_place : whether the levels replace the coefficients; with one pass
    threads : at least 1

    Returns
    -------
    list of int16 arrays like `coefficients`
    """
    levels = list(known or [None] * len(coefficients))
    factors = block_weights or [None] * len(coefficients)
    components = zip(coefficients, steps, weights, orders or [(1, 1)] * len(levels))
    dc = list(in_order([partial(optimise_dc, *three, *order) for *three, order in components], threads))

    def plain(i):
        step = _step(coefficients[i])
        return sum(_in_bands(lambda rows: statistics(rows, steps[i], step), [coefficients[i]], threads, step))

    for pool in filter(None, pools):
        for _ in range(passes):
            rates = Rates(sum(plain(i) if levels[i] is None else symbol_counts(levels[i]) for i in pool))
            for i in pool:
                out = coefficients[i] if in_place else np.empty(coefficients[i].shape, np.int16)
                levels[i] = _optimised(coefficients[i], steps[i], rates, weights[i], factors[i], dc[i], out, threads)
    return levels
