"""The size of every scan of a component, from counts: no scan is coded. Contents:

    counts one walk over the nonzeros gives the symbols of all bands between given borders, for one point transform
    costs bytes of each of those scans: codes of least length (package-merge), extra bits, DHT and SOS; exact but for
    stuffed zeros partitions the cheapest division into bands, over all of them

The symbols of G.1.2.2 and G.1.2.3 depend on the band: a run that begins before the band is cut at its start, and the
runs of ended bands (EOBRUN) join across blocks that have nothing in the band. So three things are counted, each for
many bands at once:

    between a coefficient and the one before it, by the segments (between two borders) of both: in every band that has
    both opening the first coefficient of a block from a border on, by that border and its own segment ended EOBRUN by
    its number of bits, for each band; only blocks with something in the band are looked at, what lies between them
              is a difference of block numbers

The counts of the band from border s to segment e are then sums over the segments s..e.
"""
from libc.stdint cimport int16_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport codec_bit_length, codec_count_bits, codec_lowest_bit, optimal_bits
from ._scan_write cimport MAX_BE, extra_bits
from ..errors import ParameterError


cdef enum:
    MOST = 20               # segments

cdef struct Counts:
    int n                               # segments
    int start[MOST + 1]                 # first position of each; then 64
    uint8_t segment[64]                 # which one a position belongs to
    uint32_t *between                   # [segment of the one before][its own][symbol], see `at`
    uint32_t *opening                   # [border][its own segment][symbol]
    uint32_t ended[MOST][MOST][16]      # [first segment][last segment][bits of EOBRUN]; 0: there was no run
    int64_t since[MOST][MOST]           # block with which the pending run began
    int64_t corrected[MOST][MOST]       # correction bits that were sent, or are before the pending run
    int64_t corrections[MOST + 1]       # correction bits of all blocks so far below each border

cdef struct Component:
    const int16_t *level_zz
    const uint64_t *now                 # by block: coefficients that are nonzero after division by 2^Al
    const uint64_t *before              # by 2^(Al+1): those that a refinement corrects
    int64_t blocks
    int Al


cdef inline uint32_t *at(const Counts *c, uint32_t *counts, int row, int column) noexcept nogil:
    """The 256 counts of a pair of segments. Only as many as there are: small pictures have few symbols."""
    return counts + 256 * (row * c.n + column)


cdef inline void count_run(uint32_t *ended, int64_t EOBRUN) noexcept nogil:
    """EOBRUN blocks in a row have ended: as few symbols as possible."""
    while EOBRUN > 0x7FFF:
        ended[15] += 1
        EOBRUN -= 0x7FFF
    ended[codec_bit_length(<uint32_t>(2 * EOBRUN + 1)) - 1] += 1


cdef inline void count_symbol(uint32_t *symbols, int r, int size) noexcept nogil:
    if r > 15:
        symbols[0xF0] += r >> 4
    symbols[(r & 15) << 4 | size] += 1


cdef inline uint64_t below(int k) noexcept nogil:
    """Positions 0..k-1."""
    return ~<uint64_t>0 if k > 63 else ((<uint64_t>1 << k) - 1)


# ---------------------------------------------------------------- first scans, Figure G.3

cdef void count_first(Counts *c, const Component *component) noexcept nogil:
    """All bands of scans with Ah = 0."""
    cdef int64_t i
    cdef int k, s, e, segment, previous, size, v
    cdef uint64_t nonzero, present
    cdef int64_t *since
    cdef const int16_t *zz
    for i in range(component.blocks):
        nonzero = component.now[i]
        present = nonzero & below(64) << c.start[0]
        zz = component.level_zz + 64 * i
        previous = -1
        s = 0
        while present:
            k = codec_lowest_bit(present)
            present &= present - 1
            segment = c.segment[k]
            v = zz[k]
            size = codec_bit_length(<uint32_t>(-v if v < 0 else v)) - component.Al
            if previous >= 0:
                count_symbol(at(c, c.between, c.segment[previous], segment), k - previous - 1, size)
            previous = k
            while s <= segment:
                count_symbol(at(c, c.opening, s, segment), k - c.start[s], size)
                since = c.since[s]
                for e in range(segment, c.n):
                    count_run(c.ended[s][e], i - since[e])
                    since[e] = i + <int64_t>(nonzero >> (c.start[e + 1] - 1) & 1)
                s += 1


# ---------------------------------------------------------------- refinements, Figure G.7

cdef void count_interrupted_run(Counts *c, const Component *component, int s, int e, int64_t begin,
                                int64_t end) noexcept nogil:
    """Blocks begin..end-1 have ended with more correction bits than the writer buffers: announce them as it does, block
    by block."""
    cdef uint64_t band = below(c.start[e + 1]) & ~below(c.start[s]), new, pending
    cdef int64_t i, EOBRUN = 0
    cdef int BE = 0
    for i in range(begin, end):
        new = component.now[i] & ~component.before[i] & band
        pending = component.before[i] & band
        # in the first block, corrections up to the last new coefficient have been sent
        while new:
            pending &= ~below(codec_lowest_bit(new))
            new &= new - 1
        EOBRUN += 1
        BE += codec_count_bits(pending)
        if EOBRUN == 0x7FFF or BE > MAX_BE - 63:
            count_run(c.ended[s][e], EOBRUN)
            EOBRUN = BE = 0
    count_run(c.ended[s][e], EOBRUN)


cdef inline void end_refined_run(Counts *c, const Component *component, int s, int e, int64_t i) noexcept nogil:
    """The run of the band that is pending ends before block i."""
    cdef int64_t BE = c.corrections[e + 1] - c.corrections[s] - c.corrected[s][e]
    if BE > MAX_BE - 63:
        count_interrupted_run(c, component, s, e, c.since[s][e], i)
    else:
        count_run(c.ended[s][e], i - c.since[s][e])


cdef void count_refined(Counts *c, const Component *component) noexcept nogil:
    """All bands of scans with Ah = Al + 1. Runs count coefficients that are still zero; those to correct do not
    interrupt them."""
    cdef int64_t i
    cdef int k, s, e, segment, previous, r
    cdef uint64_t new, old, present, rest
    cdef int up_to_new[MOST]            # by last segment of a band: coefficients to correct below its last new one
    cdef int up_to_start[MOST + 1]
    for i in range(component.blocks):
        if component.now[i] == 0:
            continue
        old = component.before[i]
        new = component.now[i] & ~old
        present = new & ~below(c.start[0])
        for s in range(c.n + 1):
            up_to_start[s] = codec_count_bits(old & below(c.start[s])) if old else 0
        k = 0
        for e in range(c.n if present else 0):
            rest = present & below(c.start[e + 1]) & ~below(c.start[e])
            while rest:
                k = codec_lowest_bit(rest)
                rest &= rest - 1
            up_to_new[e] = codec_count_bits(old & below(k)) if old else 0
        previous = -1
        s = 0
        while present:
            k = codec_lowest_bit(present)
            present &= present - 1
            segment = c.segment[k]
            if previous >= 0:
                r = k - previous - 1 - (codec_count_bits(old & below(k) & ~below(previous)) if old else 0)
                count_symbol(at(c, c.between, c.segment[previous], segment), r, 1)
            previous = k
            while s <= segment:
                r = k - c.start[s] - (codec_count_bits(old & below(k)) - up_to_start[s] if old else 0)
                count_symbol(at(c, c.opening, s, segment), r, 1)
                for e in range(segment, c.n):
                    end_refined_run(c, component, s, e, i)
                    c.since[s][e] = i + <int64_t>(new >> (c.start[e + 1] - 1) & 1)
                    c.corrected[s][e] = c.corrections[e + 1] - c.corrections[s] + up_to_new[e] - up_to_start[s]
                s += 1
        if old:
            for s in range(c.n + 1):
                c.corrections[s] += up_to_start[s]


# ---------------------------------------------------------------- costs

cdef int64_t scan_bytes(const uint32_t *symbols, int64_t corrections, int64_t total, int64_t counted) noexcept nogil:
    """Bytes of a scan of one component: DHT (4, table of 17 and its symbols), SOS (10), data to a whole byte; no
    stuffed zeros.

    The counted data represent total / counted times as much.
    """
    cdef int64_t bits = corrections + <int64_t>optimal_bits(symbols), header = 4 + 17 + 10
    cdef int i
    for i in range(256):
        if symbols[i]:
            header += 1
            bits += <int64_t>symbols[i] * extra_bits(1, i)
    return header + (bits * total // counted + 7 >> 3)


cdef void sum_up(Counts *c, int64_t[:, ::1] cost, int64_t total, int64_t counted) noexcept nogil:
    """Costs of all bands; the counts are used up."""
    cdef uint32_t band[256]
    cdef uint32_t symbols[256]
    cdef uint32_t *between
    cdef const uint32_t *below_it
    cdef const uint32_t *opening
    cdef int s, e, i
    for s in range(c.n - 1, -1, -1):
        memset(band, 0, sizeof(band))
        for e in range(s, c.n):
            between, opening = at(c, c.between, s, e), at(c, c.opening, s, e)
            if s + 1 <= e:
                below_it = at(c, c.between, s + 1, e)
                for i in range(256):
                    between[i] += below_it[i]
            for i in range(256):
                band[i] += between[i] + opening[i]
            memcpy(symbols, band, sizeof(band))
            for i in range(15):
                symbols[i << 4] += c.ended[s][e][i + 1]
            cost[s, e] = scan_bytes(symbols, c.corrections[e + 1] - c.corrections[s], total, counted)


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
    cdef Component component
    cdef Counts *c
    cdef int i, s, e, n = len(starts)
    if not 1 <= n <= MOST or starts[0] < 1 or starts[n - 1] > 63 or any(a >= b for a, b in zip(starts, starts[1:])):
        raise ParameterError(f"bands start at 1 to {MOST} ascending positions of 1..63, not {starts}")
    out = np.zeros((n, n), np.int64)
    cdef int64_t[:, ::1] cost = out
    component.level_zz, component.now, component.Al = &levels[0, 0, 0], &now[0, 0], Al
    component.before = NULL
    component.blocks = levels.shape[0] * levels.shape[1]
    blocks = blocks or component.blocks
    if refine:
        before = significant[Al + 1]
        component.before = &before[0, 0]
    c = <Counts *>calloc(1, sizeof(Counts) + 2 * n * n * 256 * sizeof(uint32_t))
    if c == NULL:
        raise MemoryError
    c.between = <uint32_t *>(c + 1)
    c.opening = c.between + n * n * 256
    try:
        c.n = n
        for i in range(n):
            c.start[i] = starts[i]
        c.start[n] = 64
        for i in range(n):
            for s in range(c.start[i], c.start[i + 1]):
                c.segment[s] = i
        with nogil:
            if refine:
                count_refined(c, &component)
            else:
                count_first(c, &component)
            for s in range(n):
                for e in range(s, n):
                    end_refined_run(c, &component, s, e, component.blocks)
            sum_up(c, cost, blocks, component.blocks)
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
