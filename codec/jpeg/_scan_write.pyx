"""Levels to entropy-coded segments. Contents:

    one block    sequential F.1.2, progressive G.1.2 (Figures G.3 to G.9)
    one scan     MCU order of A.2, restart intervals, into any of the three sinks of _core.pxd

Planes hold levels in zig-zag order (blocks_high, blocks_wide, 64), because scans walk bands of the zig-zag; just the blocks that A.2.4 calls
for in a scan of one component. Blocks that only complete an MCU are written as "no change".
"""
from libc.string cimport memset

import numpy as np

from codec._core cimport *
from ..errors import ParameterError


cdef enum:
    MAX_BE = 1000           # correction bits that may wait behind an end-of-band run; T.81 sets no bound, this one keeps memory fixed
    MCU_BYTES = 4096        # more than an MCU takes before stuffing: 10 blocks x 64 coefficients x 32 bits are 2560 bytes, MAX_BE bits 133

cdef struct ScanComponent:
    const int16_t *level_zz
    Py_ssize_t wide, high   # blocks of the component
    int H, V                # blocks of it in an MCU of this scan; 1, 1 when it is alone (A.2.2)
    EntropyTable *dc
    EntropyTable *ac
    int pred                # DC prediction, in units of 2^Al
    int32_t *block_bits     # where to add up the bits of each block, or NULL

cdef struct EndOfBand:
    uint32_t EOBRUN         # blocks whose band has ended and is not yet announced (G.1.2.2)
    int BE                  # correction bits of those blocks (G.1.2.3)
    uint8_t correction[MAX_BE + 64]


cdef inline int magnitude(int v) noexcept nogil:
    """SSSS, the number of bits of |v| (Tables F.1, F.2); v != 0."""
    return codec_bit_length(<uint32_t>(-v if v < 0 else v))


cdef inline void put_dc(Sink sink, EntropyTable *dc, int diff) noexcept nogil:
    """Encode_DC_DIFF, F.1.2.1."""
    cdef int size
    if diff == 0:
        put_symbol(sink, dc, 0, 0, 0)
    else:
        size = magnitude(diff)
        put_symbol(sink, dc, size, <uint32_t>(diff - (diff < 0)) & ((1u << size) - 1), size)


cdef inline void put_sequential_block(Sink sink, const int16_t *zz, int diff, EntropyTable *dc, EntropyTable *ac) noexcept nogil:
    """A whole block: F.1.2.1, then Encode_AC_coefficients of Figure F.2."""
    cdef uint64_t present = codec_nonzero_mask(zz, 1, 63)
    cdef int previous = 0, k, r, v, size
    put_dc(sink, dc, diff)
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        r = k - previous - 1
        while r > 15:
            put_symbol(sink, ac, 0xF0, 0, 0)                            # ZRL
            r -= 16
        v = zz[k]
        size = magnitude(v)
        put_symbol(sink, ac, r << 4 | size, <uint32_t>(v - (v < 0)) & ((1u << size) - 1), size)
        previous = k
    if previous < 63:
        put_symbol(sink, ac, 0, 0, 0)                                   # EOB


cdef inline void put_end_of_band(Sink sink, EndOfBand *eob, EntropyTable *ac) noexcept nogil:
    """Encode_EOBRUN, Figure G.4, and the correction bits that wait behind it, Figure G.9."""
    cdef int size, i
    if eob.EOBRUN:
        size = codec_bit_length(eob.EOBRUN) - 1
        put_symbol(sink, ac, size << 4, eob.EOBRUN & ((1u << size) - 1), size)
        eob.EOBRUN = 0
        for i in range(eob.BE):
            put_raw(sink, eob.correction[i], 1)
        eob.BE = 0


cdef inline void put_first_band(Sink sink, const int16_t *zz, int Ss, int Se, int Al, EndOfBand *eob, EntropyTable *ac) noexcept nogil:
    """Encode_AC_coefficients_SA_first: band Ss..Se of a block, point transform Al (division by 2^Al toward zero), Figure G.3."""
    cdef uint64_t present = codec_nonzero_mask(zz, Ss, Se)
    cdef int previous = Ss - 1, k, r, v, size
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        v = zz[k]
        v = -(-v >> Al) if v < 0 else v >> Al
        if v == 0:
            continue
        put_end_of_band(sink, eob, ac)
        r = k - previous - 1
        while r > 15:
            put_symbol(sink, ac, 0xF0, 0, 0)
            r -= 16
        size = magnitude(v)
        put_symbol(sink, ac, r << 4 | size, <uint32_t>(v - (v < 0)) & ((1u << size) - 1), size)
        previous = k
    if previous < Se:
        eob.EOBRUN += 1
        if eob.EOBRUN == 0x7FFF:
            put_end_of_band(sink, eob, ac)


cdef inline void put_refined_band(Sink sink, const int16_t *zz, int Ss, int Se, int Al, EndOfBand *eob, EntropyTable *ac) noexcept nogil:
    """Encode_AC_coefficients_SA_refine: one more bit for band Ss..Se of a block, Figures G.7 to G.9.

    Coefficients that were non-zero before send one correction bit, held back (BR) until the next symbol; those that become +-1 now
    send a symbol and a sign. Zeros in runs count only coefficients that are still zero.
    """
    cdef int magnitudes[64]
    cdef uint64_t present = codec_nonzero_mask(zz, Ss, Se)
    cdef uint8_t *BR = eob.correction + eob.BE
    cdef int last_new = -1, pending = 0, r = 0, k, v, i, previous = Ss - 1
    cdef uint64_t rest = 0
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        v = zz[k]
        magnitudes[k] = (-v if v < 0 else v) >> Al
        if magnitudes[k]:
            rest |= <uint64_t>1 << k
            if magnitudes[k] == 1:
                last_new = k
    while rest:
        k = codec_lowest_bit(rest)
        rest &= rest - 1
        r += k - previous - 1
        previous = k
        while r > 15 and k <= last_new:
            put_end_of_band(sink, eob, ac)
            put_symbol(sink, ac, 0xF0, 0, 0)
            r -= 16
            for i in range(pending):
                put_raw(sink, BR[i], 1)
            BR = eob.correction
            pending = 0
        if magnitudes[k] > 1:
            BR[pending] = magnitudes[k] & 1
            pending += 1
            continue
        put_end_of_band(sink, eob, ac)
        put_symbol(sink, ac, r << 4 | 1, zz[k] > 0, 1)
        for i in range(pending):
            put_raw(sink, BR[i], 1)
        BR = eob.correction
        pending = 0
        r = 0
    r += Se - previous
    if r > 0 or pending > 0:
        eob.EOBRUN += 1
        eob.BE += pending
        if eob.EOBRUN == 0x7FFF or eob.BE > MAX_BE - 63:
            put_end_of_band(sink, eob, ac)


cdef inline void put_restart(Sink sink, int m) noexcept nogil:
    """RSTm, byte-aligned (B.2.1, E.1.4)."""
    if Sink is BitWriter_p:
        if end_segment(sink):
            return
        sink.next[0] = 0xFF
        sink.next[1] = 0xD0 | m
        sink.next += 2
        sink.segment += 2
    elif Sink is BitCounter_p:
        sink.bits = (sink.bits + 7 & ~<int64_t>7) + 16


cdef struct Scan:
    ScanComponent component[4]
    int Ns
    int Ss, Se, Ah, Al
    bint progressive
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t restart_interval


cdef inline int make_room(Sink sink, Py_ssize_t size) noexcept nogil:
    if Sink is BitWriter_p:
        if sink.end - sink.next < size:
            return reserve(sink, size)
    return OK


cdef inline void put_block(Sink sink, Scan *scan, ScanComponent *c, Py_ssize_t by, Py_ssize_t bx, EndOfBand *eob) noexcept nogil:
    """One block of the scan's kind. Beyond the component's edge: no change of DC and nothing else, the cheapest filling of an MCU."""
    cdef bint real = by < c.high and bx < c.wide
    cdef const int16_t *zz = c.level_zz + (by * c.wide + bx) * 64
    cdef int64_t before = bits_so_far(sink)
    cdef int dc
    if not scan.progressive:
        if real:
            dc = zz[0]
            put_sequential_block(sink, zz, dc - c.pred, c.dc, c.ac)
            c.pred = dc
        else:
            put_symbol(sink, c.dc, 0, 0, 0)
            put_symbol(sink, c.ac, 0, 0, 0)
    elif scan.Ss == 0:
        dc = zz[0] >> scan.Al if real else c.pred                       # G.1.2.1: an arithmetic shift, unlike AC
        if scan.Ah == 0:
            put_dc(sink, c.dc, dc - c.pred)
            c.pred = dc
        else:
            put_raw(sink, <uint32_t>dc & 1 if real else 0, 1)
    elif scan.Ah == 0:
        put_first_band(sink, zz, scan.Ss, scan.Se, scan.Al, eob, c.ac)
    else:
        put_refined_band(sink, zz, scan.Ss, scan.Se, scan.Al, eob, c.ac)
    if c.block_bits != NULL and real:
        c.block_bits[by * c.wide + bx] += <int32_t>(bits_so_far(sink) - before)


cdef inline void settle_band(Sink sink, Scan *scan, Py_ssize_t blocks, EndOfBand *eob) noexcept nogil:
    """Send the run that still waits before a restart marker or the end of an AC scan; it counts for the last of the `blocks` so far."""
    cdef ScanComponent *c = &scan.component[0]
    cdef int64_t before = bits_so_far(sink)
    if eob.EOBRUN == 0:
        return
    put_end_of_band(sink, eob, c.ac)
    if c.block_bits != NULL:
        c.block_bits[blocks - 1] += <int32_t>(bits_so_far(sink) - before)


cdef int put_scan(Sink sink, Scan *scan) noexcept nogil:
    """All MCUs of a scan in the order of A.2.3, restart markers included; the last segment is left open."""
    cdef EndOfBand eob
    cdef ScanComponent *c
    cdef Py_ssize_t mx, my, i, v, h, left = scan.restart_interval
    cdef int m = 0
    eob.EOBRUN = 0
    eob.BE = 0
    for my in range(scan.mcus_high):
        for mx in range(scan.mcus_wide):
            if scan.restart_interval:
                if left == 0:
                    settle_band(sink, scan, my * scan.mcus_wide + mx, &eob)
                    put_restart(sink, m)
                    m = (m + 1) & 7
                    left = scan.restart_interval
                    for i in range(scan.Ns):
                        scan.component[i].pred = 0
                left -= 1
            if make_room(sink, MCU_BYTES):
                return E_MEMORY
            for i in range(scan.Ns):
                c = &scan.component[i]
                for v in range(c.V):
                    for h in range(c.H):
                        put_block(sink, scan, c, my * c.V + v, mx * c.H + h, &eob)
    settle_band(sink, scan, scan.mcus_high * scan.mcus_wide, &eob)
    return OK


cdef class Tables:
    """Up to four DC and four AC tables of a scan, as a writer needs them, and the symbol counts that better ones come from."""
    cdef EntropyTable dc[4]
    cdef EntropyTable ac[4]

    def set(self, Tc, Th, BITS, HUFFVAL):
        """Table class Tc (0 DC, 1 AC), destination Th (0..3): B.2.4.2."""
        cdef EntropyTable *table = &self.ac[<int>Th] if Tc else &self.dc[<int>Th]
        set_entropy_table(table, BITS, HUFFVAL)

    def optimal(self, Tc, Th):
        """(BITS, HUFFVAL) of least total length for the symbols counted so far."""
        cdef EntropyTable *table = &self.ac[<int>Th] if Tc else &self.dc[<int>Th]
        return optimal_table(table.freq)

    def counts(self, Tc, Th):
        """The 256 symbol counts."""
        cdef EntropyTable *table = &self.ac[<int>Th] if Tc else &self.dc[<int>Th]
        return np.array([table.freq[i] for i in range(256)], np.uint32)


def encode_scan(planes, components, Tables tables, sink, *, Ss=0, Se=63, Ah=0, Al=0, progressive=False, mcus=None, restart_interval=0, block_bits=None):
    """Send one scan to a sink.

    Parameters
    ----------
    planes : list of int16 arrays (blocks_high, blocks_wide, 64), zig-zag order, one per component of the scan
    components : list of (H, V, Td, Ta) in the order of `planes`; H and V count only if the scan has several components
    tables : Tables; "bits" and "count" use their codes, "symbols" adds to their counts
    sink : "bits" -> bytes, "count" -> int (bits before the final padding, without stuffing), "symbols" -> None
    mcus : (high, wide) of an interleaved scan
    block_bits : None, or a list of int32 arrays (blocks_high, blocks_wide) to which each block's bits are added
    """
    cdef Scan scan
    cdef BitWriter writer
    cdef BitCounter counter
    cdef SymbolCounter symbols
    cdef const int16_t[:, :, ::1] plane
    cdef int32_t[:, ::1] bits_map
    cdef int i, status = 0
    memset(&scan, 0, sizeof(scan))
    scan.Ns = len(planes)
    scan.Ss, scan.Se, scan.Ah, scan.Al, scan.progressive, scan.restart_interval = Ss, Se, Ah, Al, progressive, restart_interval
    if not 1 <= scan.Ns <= 4 or not 0 <= Ss <= Se <= 63 or (Ss and scan.Ns > 1) or not (0 <= Al <= 13 and 0 <= Ah <= 13):
        raise ParameterError(f"no scan has {scan.Ns} components with Ss={Ss} Se={Se} Ah={Ah} Al={Al} (T.81 Table B.3)")
    for i in range(scan.Ns):
        plane = planes[i]
        H, V, Td, Ta = components[i]
        if plane.shape[0] < 1 or plane.shape[1] < 1 or plane.shape[2] != 64:
            raise ParameterError("a plane of levels has the shape (blocks_high, blocks_wide, 64), at least one block")
        scan.component[i].level_zz = &plane[0, 0, 0]
        scan.component[i].high, scan.component[i].wide = plane.shape[0], plane.shape[1]
        scan.component[i].H = H if scan.Ns > 1 else 1
        scan.component[i].V = V if scan.Ns > 1 else 1
        scan.component[i].dc = &tables.dc[<int>Td]
        scan.component[i].ac = &tables.ac[<int>Ta]
        if block_bits is not None:
            bits_map = block_bits[i]
            if bits_map.shape[0] != plane.shape[0] or bits_map.shape[1] != plane.shape[1]:
                raise ParameterError("a map of bits has one entry per block of its plane")
            scan.component[i].block_bits = &bits_map[0, 0]
    scan.mcus_high, scan.mcus_wide = mcus if scan.Ns > 1 else (scan.component[0].high, scan.component[0].wide)
    if sink == "symbols":
        symbols.symbols = 0
        with nogil:
            put_scan(&symbols, &scan)
        return None
    if sink == "count":
        counter.bits = 0
        with nogil:
            put_scan(&counter, &scan)
        return counter.bits
    if open_writer(&writer, 1 << 16):
        raise MemoryError
    try:
        with nogil:
            status = put_scan(&writer, &scan)
            if status == OK:
                end_segment(&writer)
                status = writer.status
        if status == E_MEMORY:
            raise MemoryError
        if status:
            raise ParameterError("a Huffman table has no code for a symbol of this scan")
        return writer.start[:writer.next - writer.start]
    finally:
        close_writer(&writer)
