"""The size of every scan of a component, from counts: no scan is coded. Contents:

    counts      one walk over the nonzeros gives the symbols of all bands between given borders, for one point transform
    costs       bytes of each of those scans: codes of least length (package-merge), extra bits, DHT and SOS; exact but
                for stuffed zeros
    partitions  the cheapest division into bands, over all of them

The symbols of G.1.2.2 and G.1.2.3 depend on the band: a run that begins before the band is cut at its start, and the
runs of ended bands (EOBRUN) join across blocks that have nothing in the band. So three things are counted, each for
many bands at once:

    between   a coefficient and the one before it, by the segments (between two borders) of both: in every band that
              has both
    opening   the first coefficient of a block from a border on, by that border and its own segment
    runs      EOBRUN by its number of bits, for each band: from a map of the blocks with something in the band, a bit
              each, which is the union of those of its segments

The counts of the band from border s to segment e are then sums over the segments s..e.
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from itertools import pairwise

import numpy as np

from codec._core cimport codec_variant, optimal_bits
from ._scan_write cimport MAX_BE, extra_bits
from .._core import BUILT_LEVELS
from ..cpu import level_index, register
from ..errors import ParameterError


cdef extern from "huffman.h" nogil:
    uint64_t codec_tree_bits(const uint64_t *leaf, int n, int *height)

cdef extern from "jpeg_counts.h" nogil:
    enum: JPEG_SEGMENTS, JPEG_RUN_SIZES, JPEG_WORK_MAPS, JPEG_ARRIVALS
    ctypedef struct JpegCounts:
        int n, most
        int start[JPEG_SEGMENTS + 1]
        uint8_t segment[64]
        int64_t blocks
        Py_ssize_t words
        int row[JPEG_SEGMENTS]
        uint32_t *between
        uint32_t *opening
        uint32_t *arrivals
        uint64_t *present[JPEG_SEGMENTS]
        uint64_t *last[JPEG_SEGMENTS]
        uint64_t *work[JPEG_WORK_MAPS]
        uint32_t runs[JPEG_SEGMENTS][JPEG_SEGMENTS][JPEG_RUN_SIZES]
        uint8_t nothing[JPEG_SEGMENTS]
        int32_t corrections[JPEG_SEGMENTS]
        int32_t *so_far
    void (*codec_jpeg_count_first[2])(JpegCounts *c, const int16_t *level_zz, const uint64_t *now, int Al)
    void (*codec_jpeg_count_refined[2])(JpegCounts *c, const uint64_t *now, const uint64_t *before)

cdef enum:
    MOST_BLOCKS = 1 << 24

KERNELS = ("jpeg_count_first", "jpeg_count_refined")
register(dict.fromkeys(KERNELS, BUILT_LEVELS))


# ---------------------------------------------------------------- costs

cdef int order_symbols(const uint32_t *counts, uint64_t *item, int n) noexcept nogil:
    """Present symbols as count << 8 | symbol, ascending; returns their number. item: n symbols of a smaller band, whose
    order is mostly the same."""
    cdef uint8_t known[256]
    cdef uint64_t moving
    cdef int m = 0, i, j, symbol
    memset(known, 0, sizeof(known))
    for i in range(n):
        symbol = item[i] & 255
        if counts[symbol]:
            known[symbol] = 1
            item[m] = <uint64_t>counts[symbol] << 8 | symbol
            m += 1
    for i in range(0, 256, 4):
        if counts[i] | counts[i + 1] | counts[i + 2] | counts[i + 3]:
            for symbol in range(i, i + 4):
                if counts[symbol] and not known[symbol]:
                    item[m] = <uint64_t>counts[symbol] << 8 | symbol
                    m += 1
    for i in range(1, m):
        moving = item[i]
        j = i
        while j > 0 and item[j - 1] > moving:
            item[j] = item[j - 1]
            j -= 1
        item[j] = moving
    return m


cdef int64_t scan_bytes(const uint32_t *counts, const uint64_t *item, int n, int64_t corrections, int64_t total,
                        int64_t counted) noexcept nogil:
    """Bytes of a scan of one component: DHT (4, table of 17 and its symbols), SOS (10), data to a whole byte; no
    stuffed zeros. item: of the counts, by `order_symbols`.

    The counted data represent total / counted times as much.
    """
    cdef uint64_t leaf[257]
    cdef int64_t bits = corrections, header = 4 + 17 + 10 + n
    cdef uint64_t codes
    cdef int i, height
    leaf[0] = 0                             # the code of all ones, which no symbol may take (C.2)
    for i in range(n):
        leaf[i + 1] = item[i] >> 8
        bits += <int64_t>leaf[i + 1] * extra_bits(1, item[i] & 255)
    codes = codec_tree_bits(leaf, n + 1, &height)
    bits += <int64_t>(codes if height <= 16 else optimal_bits(counts))
    return header + (bits * total // counted + 7 >> 3)


cdef void sum_up(JpegCounts *c, int64_t[:, ::1] cost, int64_t total, int64_t counted) noexcept nogil:
    """Costs of all bands; the counts are used up."""
    cdef uint32_t band[256]
    cdef uint32_t symbols[256]
    cdef uint64_t item[256]
    cdef uint32_t *between
    cdef const uint32_t *below_it
    cdef const uint32_t *opening
    cdef int64_t corrections
    cdef int s, e, i, present
    for s in range(c.n - 1, -1, -1):
        memset(band, 0, sizeof(band))
        corrections = present = 0
        for e in range(s, c.n):
            if e > s and c.nothing[e]:
                cost[s, e] = cost[s, e - 1]
                continue
            between, opening = c.between + c.row[s] + 256 * e, c.opening + c.row[s] + 256 * e
            if s + 1 <= e:
                below_it = c.between + c.row[s + 1] + 256 * e
                for i in range(256):
                    between[i] += below_it[i]
            for i in range(256):
                band[i] += between[i] + opening[i]
            memcpy(symbols, band, sizeof(band))
            for i in range(JPEG_RUN_SIZES):
                symbols[i << 4] += c.runs[s][e][i] - (c.runs[s][e][i + 1] if i + 1 < JPEG_RUN_SIZES else 0)
            corrections += c.corrections[e]
            present = order_symbols(symbols, item, present)
            cost[s, e] = scan_bytes(symbols, item, present, corrections, total, counted)


def band_costs(plane, significant, starts, Al, bint refine, int64_t blocks=0):
    """Sizes of all AC scans of a component between given borders, for one bit position.

    Parameters
    ----------
    plane : int16 (blocks_high, blocks_wide, 64), levels in zig-zag order
    significant : sequence of uint64 arrays (blocks_high, blocks_wide), `significant[Al]` bit k: level k is not zero
        after division by 2^Al
    starts : ascending positions 1..63 at which bands may begin, the first one is the start of the first band; bands end
        before them and at 63
    Al : bit position (point transform)
    refine : whether the scan refines (Ah = Al + 1) or is the first (Ah = 0)
    blocks : how many the plane is a sample of; 0: it is whole

    Returns
    -------
    int64 (n, n)
        [s, e]: bytes of the scan from starts[s] to before starts[e + 1], headers included, stuffed zeros not; for s <=
        e.
    """
    cdef const int16_t[:, :, ::1] levels = plane
    cdef const uint64_t[:, ::1] now = significant[Al]
    cdef const uint64_t[:, ::1] before
    cdef JpegCounts *c
    cdef uint64_t *maps
    cdef int i, s, n = len(starts), pairs = n * (n + 1) // 2, variant = codec_variant(level_index()), bit = Al
    cdef int64_t counted = levels.shape[0] * levels.shape[1], words = (counted + 2 + 63) // 64
    if not 1 <= n <= JPEG_SEGMENTS or starts[0] < 1 or starts[n - 1] > 63 or any(a >= b for a, b in pairwise(starts)):
        raise ParameterError(f"bands start at 1 to {JPEG_SEGMENTS} ascending positions of 1..63, not {starts}")
    if counted > MOST_BLOCKS:
        raise ParameterError(f"{counted} blocks are more than {MOST_BLOCKS}: pass a sample")
    out = np.zeros((n, n), np.int64)
    cdef int64_t[:, ::1] cost = out
    blocks = blocks or counted
    if refine:
        before = significant[Al + 1]
    c = <JpegCounts *>calloc(1, sizeof(JpegCounts) + (2 * n + JPEG_WORK_MAPS) * (words + 1) * sizeof(uint64_t)
                             + (2 * pairs * 256 + (n + 1) * JPEG_ARRIVALS) * sizeof(uint32_t)
                             + (counted + 1) * sizeof(int32_t))
    if c == NULL:
        raise MemoryError
    maps = <uint64_t *>(c + 1)
    c.between = <uint32_t *>(maps + (2 * n + JPEG_WORK_MAPS) * (words + 1))
    c.opening = c.between + pairs * 256
    c.arrivals = c.opening + pairs * 256
    c.so_far = <int32_t *>(c.arrivals + (n + 1) * JPEG_ARRIVALS)
    try:
        c.n, c.most, c.blocks, c.words = n, MAX_BE - 63, counted, words
        for i in range(n):
            c.start[i] = starts[i]
            c.row[i] = 256 * (i * (2 * n - i - 1) // 2)
            c.present[i], c.last[i] = maps + 2 * i * (words + 1) + 1, maps + (2 * i + 1) * (words + 1) + 1
        for i in range(JPEG_WORK_MAPS):
            c.work[i] = maps + (2 * n + i) * (words + 1) + 1
        c.start[n] = 64
        for i in range(n):
            for s in range(c.start[i], c.start[i + 1]):
                c.segment[s] = i
        with nogil:
            if refine:
                codec_jpeg_count_refined[variant](c, &now[0, 0], &before[0, 0])
            else:
                codec_jpeg_count_first[variant](c, &levels[0, 0, 0], &now[0, 0], bit)
            sum_up(c, cost, blocks, counted)
    finally:
        free(c)
    return out


def cheapest_partitions(cost):
    """For all ranges of segments s..e at once: the least sum of costs of bands that cover it, and where the first of
    them ends.

    cost : int64 (n, n), [s, e] for s <= e. Returns two arrays of that shape: the least cost, and the last segment of
        the first band.
    """
    cdef const int64_t[:, ::1] one = cost
    cdef int n = cost.shape[0], s, e, m
    best_of, end_of = np.array(cost), np.zeros((n, n), np.int64)
    cdef int64_t[:, ::1] best = best_of
    cdef int64_t[:, ::1] end = end_of
    for s in range(n - 1, -1, -1):
        for e in range(s, n):
            end[s, e] = e
            for m in range(s, e):
                if one[s, m] + best[m + 1, e] < best[s, e]:
                    best[s, e] = one[s, m] + best[m + 1, e]
                    end[s, e] = m
    return best_of, end_of
