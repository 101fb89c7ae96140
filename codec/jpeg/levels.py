"""Rate-distortion optimised levels: which components share statistics, and how many passes refine them."""

from functools import partial
from itertools import islice

import numpy as np

from .._team import results_of
from ._trellis import Rates, optimise, optimise_dc, statistics, symbol_counts

BAND_BLOCKS = 1 << 13  # 1 MB of levels

# Measured without gain (BD-rate by SSIMULACRA 2 and PSNR): a cheaper end of block where end-of-band runs may absorb it
# (0.5 of its bits: +0.06, 0.00 %; 0.8: +0.02, -0.02 %), and a level of 1 that costs a quarter of a bit more or less, as
# in successive approximation (-0.02, +0.02 %; +0.04, 0.00 %). So progressive files use sequential statistics too.


def _step(plane):
    """Every which row of blocks is counted, so that 16 are. Every fourth of 64, against every other: 0.00 % BD-rate by
    SSIMULACRA 2 and PSNR (effort 5, 12 Kodak and 6 other photographs)."""
    return min(8, max(2, len(plane) // 16))


def _bands(plane, workers, step=1):
    """Slices of the rows of blocks of a plane, several for each worker, that fit its cache. Each begins with a step-th
    row."""
    high, wide = plane.shape[:2]
    if workers == 1 and high * wide <= BAND_BLOCKS:
        return [slice(0, high)]
    rows = min(-(-high // (4 * workers)) if workers > 1 else high, max(1, BAND_BLOCKS // wide))
    rows = step * -(-rows // step)
    return [slice(first, first + rows) for first in range(0, high, rows)]


def _counted(jobs, workers):
    """The sum of the counts of each component's jobs. jobs: {i: callables}; those of all components go side by side."""
    counts = iter(results_of([job for of_one in jobs.values() for job in of_one], workers))
    return {i: sum(islice(counts, len(of_one))) for i, of_one in jobs.items()}


def optimised_levels(
    coefficients,
    steps,
    pools,
    weights,
    *,
    passes=1,
    block_weights=None,
    orders=None,
    dc=None,
    known=None,
    in_place=False,
    done=None,
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
    block_weights : None, or a function that gives for each component a uint16 array (blocks_high, blocks_wide) of
        factors on its weight, 4096 for 1; called while symbols are counted
    orders : None, or for each component the (H, V) of its blocks in an interleaved scan, the order of its DC
        differences
    dc : None, or for each component its DC coefficients, int16 (blocks_high, blocks_wide). Without them they are
        collected from the blocks, a cache line for each, which takes as long as the choice of DC levels
    known : None, or levels of the same coefficients, which the result replaces
    in_place : whether the levels replace the coefficients; with one pass
    done : None, or a function of a component's number, its levels and a slice of their rows, called by the thread that
        has made the last ones there, while they are in its cache
    threads : at least 1

    Returns
    -------
    list of int16 arrays like `coefficients`
    """
    factors = [None] * len(coefficients)
    orders = orders or [(1, 1)] * len(coefficients)
    dc_levels = [None] * len(coefficients)

    def choose_dc(i):  # block_weights do not matter: so known levels have it
        if known:
            dc_levels[i] = known[i][..., 0].copy()
        else:
            of_blocks = dc[i] if dc else np.ascontiguousarray(coefficients[i][..., 0])
            dc_levels[i] = optimise_dc(of_blocks, steps[i], weights[i], *orders[i])
        return 0

    def choose_factors():
        factors[:] = block_weights()
        return 0

    def first_counts(i):
        if known:
            return [partial(symbol_counts, known[i][band]) for band in _bands(known[i], threads)]
        step = _step(coefficients[i])
        bands = _bands(coefficients[i], threads, step)
        return [partial(statistics, coefficients[i][band], steps[i], step) for band in bands]

    def choose(i, rates, band, last):
        factor = None if factors[i] is None else factors[i][band]
        optimise(coefficients[i][band], steps[i], rates, weights[i], factor, dc_levels[i][band], levels[i][band])
        if last and done:
            done(i, levels[i], band)
        return 0 if last else symbol_counts(levels[i][band])  # while they are in the cache

    first = {i: [partial(choose_dc, i), *first_counts(i)] for i in range(len(coefficients))}
    if block_weights:
        first[0].insert(1, choose_factors)  # beside the DC of luminance, which takes longest
    counts = _counted(first, threads)
    levels = known or [plane if in_place else np.empty(plane.shape, np.int16) for plane in coefficients]
    for turn in range(passes):
        of_pools = [(pool, Rates(sum(counts[i] for i in pool))) for pool in pools if pool]
        rates = {i: of_pool for pool, of_pool in of_pools for i in pool}
        last = turn == passes - 1
        counts = _counted(
            {i: [partial(choose, i, rates[i], band, last) for band in _bands(levels[i], threads)] for i in rates},
            threads,
        )
    return levels
