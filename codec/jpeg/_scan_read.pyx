"""Entropy-coded segments to levels. Contents:

    one block    sequential F.2.2, progressive G.2
    one scan     restart segments, damage, MCU order
    samples      the inverse transform of a row or a plane of blocks
    segments     where the entropy-coded bytes of a scan begin and end (B.1.1.5)

Planes hold levels in natural order (blocks_high, blocks_wide, 64), because the inverse transform reads rows; just the blocks that A.2.4 calls
for in a scan of one component. Blocks that only complete an MCU are read into a scratch block.
"""
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memcpy, memset

import numpy as np

from codec._core cimport *
from ..errors import BitstreamError, ParameterError, TruncatedError


cdef inline int read_magnitude(BitReader *r, int size) noexcept nogil:
    return extend(get_bits(r, size), size) if size else 0


cdef inline int read_dc(BitReader *r, const HuffmanReader *dc) noexcept nogil:
    """DIFF of F.2.2.1. A category above 16 does not exist in any process (Tables F.1, H.2)."""
    cdef int size = read_symbol(r, dc)
    if size > 16:
        r.status = E_RANGE
        return 0
    return read_magnitude(r, size)


cdef inline void read_sequential_block(BitReader *r, int16_t *nat, int *pred, const HuffmanReader *dc, const HuffmanReader *ac) noexcept nogil:
    """Decode_DC and Decode_AC_coefficients, Figures F.13 to F.14, into a cleared block."""
    cdef int k = 1, rs, size
    cdef int32_t entry
    refill(r)
    pred[0] += read_dc(r, dc)
    nat[0] = <int16_t>pred[0]
    while k < 64:
        refill(r)
        entry = ac.lookup_ac[r.acc >> (64 - LOOKAHEAD)]
        if entry:                                   # code and extra bits in one load
            k += entry >> 8 & 15
            skip_bits(r, entry & 0xFF)
            nat[NAT_OF_ZZ[k]] = <int16_t>(entry >> 16)
            k += 1
            continue
        rs = read_symbol(r, ac)
        size = rs & 15
        if size == 0:
            if rs != 0xF0:
                break                               # EOB
            k += 16
            continue
        k += rs >> 4                                # at most 63 + 15 = 78: a guard of NAT_OF_ZZ
        nat[NAT_OF_ZZ[k]] = <int16_t>read_magnitude(r, size)
        k += 1
    if k > 64 and r.status == OK:
        r.status = E_RANGE


cdef inline void read_first_band(BitReader *r, int16_t *nat, int Ss, int Se, int Al, uint32_t *EOBRUN, const HuffmanReader *ac) noexcept nogil:
    """Band Ss..Se of a block, first time (G.2.1.2)."""
    cdef int k = Ss, rs, size
    codec_assert_range(1, Ss, Se)
    codec_assert(Se <= 63)
    codec_assert_range(0, Al, 13)
    if EOBRUN[0]:
        EOBRUN[0] -= 1
        return
    while k <= Se:
        refill(r)
        rs = read_symbol(r, ac)
        size = rs & 15
        if size == 0:
            if rs == 0xF0:
                k += 16
                continue
            rs >>= 4
            EOBRUN[0] = (1u << rs) - 1              # this block is one of the run
            if rs:
                EOBRUN[0] += get_bits(r, rs)
            return
        k += rs >> 4
        nat[NAT_OF_ZZ[k]] = <int16_t>(read_magnitude(r, size) * (1 << Al))
        k += 1
    if k > Se + 1 and r.status == OK:
        r.status = E_RANGE


cdef inline void correct(BitReader *r, int16_t *c, int bit) noexcept nogil:
    """A correction bit for a coefficient that is already non-zero (G.1.2.3)."""
    if r.count < 1:
        refill(r)
    if get_bits(r, 1) and not ((-c[0] if c[0] < 0 else c[0]) & bit):
        c[0] += <int16_t>(bit if c[0] > 0 else -bit)


cdef inline void read_refined_band(BitReader *r, int16_t *nat, int Ss, int Se, int Al, uint32_t *EOBRUN, const HuffmanReader *ac) noexcept nogil:
    """One more bit for band Ss..Se of a block (G.2.1.3; the decoder mirrors Figure G.7)."""
    cdef int k = Ss, rs, zeros, value, bit = 1 << Al
    cdef int16_t *c
    codec_assert_range(1, Ss, Se)
    codec_assert(Se <= 63)
    codec_assert_range(0, Al, 13)
    if EOBRUN[0] == 0:
        while k <= Se:
            refill(r)
            rs = read_symbol(r, ac)
            zeros = rs >> 4
            value = 0
            if rs & 15:
                if rs & 15 != 1 and r.status == OK:
                    r.status = E_RANGE              # G.1.2.3: new coefficients have magnitude 1
                value = bit if get_bits(r, 1) else -bit
            elif zeros < 15:
                EOBRUN[0] = 1u << zeros
                if zeros:
                    EOBRUN[0] += get_bits(r, zeros)
                break
            while k <= Se:
                c = &nat[NAT_OF_ZZ[k]]
                if c[0]:
                    correct(r, c, bit)
                else:
                    if zeros == 0:
                        break
                    zeros -= 1
                k += 1
            if value:
                if k > Se:
                    if r.status == OK:
                        r.status = E_RANGE
                    return
                nat[NAT_OF_ZZ[k]] = <int16_t>value
            k += 1
    if EOBRUN[0]:
        while k <= Se:
            c = &nat[NAT_OF_ZZ[k]]
            if c[0]:
                correct(r, c, bit)
            k += 1
        EOBRUN[0] -= 1


cdef struct ReadComponent:
    int16_t *level_nat      # first block row of the rows at hand
    Py_ssize_t wide, high
    int H, V                # blocks in an MCU of this scan
    int frame_H, frame_V    # blocks in an MCU of the frame, to report damage by it
    const HuffmanReader *dc
    const HuffmanReader *ac
    int pred

cdef struct ReadScan:
    ReadComponent component[4]
    int Ns
    int Ss, Se, Ah, Al
    bint progressive
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t restart_interval
    const uint8_t *data
    const int64_t *segments         # (start, end, RST number or -1) for each restart segment
    Py_ssize_t n_segments
    Py_ssize_t segment              # the next one
    Py_ssize_t interval             # restart intervals begun
    Py_ssize_t left                 # MCUs left in this one
    uint8_t *plain                  # one segment without stuffing, 8 zero bytes after it
    BitReader reader
    uint32_t EOBRUN
    bint dead                       # nothing more can be read in this interval
    bint conceal
    int16_t scratch[64]
    uint8_t *lost                   # per MCU of the frame; NULL when the first error ends the scan
    Py_ssize_t lost_stride
    int first_status
    Py_ssize_t first_offset_bytes, first_mcu


cdef Py_ssize_t unstuff(const uint8_t *data, Py_ssize_t start, Py_ssize_t end, uint8_t *plain) noexcept nogil:
    """Copy data[start:end] without the zero bytes after FF (F.2.2.5) and fill bytes (B.1.1.2); returns the number of bytes."""
    cdef Py_ssize_t n = 0, run
    cdef const uint8_t *mark
    codec_assert_range(0, start, end)
    while start < end:
        mark = <const uint8_t *>memchr(data + start, 0xFF, end - start)
        run = (mark - (data + start)) if mark != NULL else end - start
        memcpy(plain + n, data + start, run)
        n += run
        start += run
        if mark != NULL:
            start += 1
            if start < end and data[start] == 0:
                plain[n] = 0xFF
                n += 1
                start += 1
    memset(plain + n, 0, 8)
    return n


cdef Py_ssize_t stuffed_offset(const uint8_t *data, Py_ssize_t start, Py_ssize_t end, Py_ssize_t n) noexcept nogil:
    """Where in data[start:end] the n-th byte of its unstuffed form stands."""
    while start < end and n > 0:
        if data[start] == 0xFF and start + 1 < end:
            start += 1
            if data[start] != 0:
                continue
        start += 1
        n -= 1
    return start


cdef void begin_interval(ReadScan *s, Py_ssize_t mcu) noexcept nogil:
    """Reset the predictions (F.2.1.3.1) and open the segment of the next restart interval; without it the interval is `dead`.

    Markers count modulo 8 (B.2.1). One that is out of sequence while the next two are as if it had been right is taken for a damaged
    marker. Otherwise, one that is 1..3 ahead says that intervals before it were lost, and waits for its turn; any other is
    left over from damage and is skipped with its segment.
    """
    cdef const int64_t *segment
    cdef Py_ssize_t i
    cdef int ahead = 0
    cdef bint renumbered
    for i in range(s.Ns):
        s.component[i].pred = 0
    s.EOBRUN = 0
    s.left = s.restart_interval if s.restart_interval else s.mcus_wide * s.mcus_high
    s.dead = True
    while s.segment < s.n_segments:
        segment = s.segments + 3 * s.segment
        ahead = <int>(segment[2] - (s.interval - 1)) & 7 if s.interval else 0
        renumbered = (ahead and s.segment + 1 < s.n_segments and segment[5] == s.interval & 7
                      and (s.segment + 2 == s.n_segments or segment[8] == (s.interval + 1) & 7))
        if ahead and s.first_status == OK:
            s.first_status = E_MARKER
            s.first_offset_bytes = segment[0] - 2
            s.first_mcu = mcu
        if ahead == 0 or renumbered:
            open_reader(&s.reader, s.plain, unstuff(s.data, segment[0], segment[1], s.plain))
            s.segment += 1
            s.dead = False
            break
        if ahead <= 3:
            break
        s.segment += 1
    if s.dead and s.first_status == OK:
        s.first_status = E_TRUNCATED
        s.first_offset_bytes = s.segments[3 * s.n_segments - 2]
        s.first_mcu = mcu
    s.interval += 1


cdef void note_error(ReadScan *s, Py_ssize_t mcu) noexcept nogil:
    cdef const int64_t *segment = s.segments + 3 * (s.segment - 1)
    cdef Py_ssize_t used = (s.reader.pos * 8 - s.reader.count) >> 3
    s.dead = True
    if s.first_status == OK:
        s.first_status = s.reader.status
        s.first_mcu = mcu
        s.first_offset_bytes = stuffed_offset(s.data, segment[0], segment[1], used)


cdef inline int16_t *block_at(ReadScan *s, ReadComponent *c, Py_ssize_t row, Py_ssize_t by, Py_ssize_t bx) noexcept nogil:
    """Block row `row` of the rows at hand, `by` of the component; beyond the component's edge a cleared scratch block."""
    codec_assert_range(0, row, by)
    codec_assert(bx >= 0)
    if by < c.high and bx < c.wide:
        return c.level_nat + (row * c.wide + bx) * 64
    memset(s.scratch, 0, sizeof(s.scratch))
    return s.scratch


cdef void read_mcu(ReadScan *s, Py_ssize_t my, Py_ssize_t mx, Py_ssize_t row0) noexcept nogil:
    """One MCU; `row0` is the MCU row that component[i].level_nat begins with."""
    cdef Py_ssize_t i, v, h
    cdef ReadComponent *c
    cdef int16_t *nat
    for i in range(s.Ns):
        c = &s.component[i]
        for v in range(c.V):
            for h in range(c.H):
                nat = block_at(s, c, (my - row0) * c.V + v, my * c.V + v, mx * c.H + h)
                if not s.progressive:
                    read_sequential_block(&s.reader, nat, &c.pred, c.dc, c.ac)
                elif s.Ss == 0:
                    refill(&s.reader)
                    if s.Ah == 0:
                        c.pred += read_dc(&s.reader, c.dc)
                        nat[0] = <int16_t>(c.pred * (1 << s.Al))
                    elif get_bits(&s.reader, 1):
                        nat[0] |= <int16_t>(1 << s.Al)
                elif s.Ah == 0:
                    read_first_band(&s.reader, nat, s.Ss, s.Se, s.Al, &s.EOBRUN, c.ac)
                else:
                    read_refined_band(&s.reader, nat, s.Ss, s.Se, s.Al, &s.EOBRUN, c.ac)


cdef void lose_mcu(ReadScan *s, Py_ssize_t my, Py_ssize_t mx, Py_ssize_t row0) noexcept nogil:
    """Conceal: a lost sequential block gets the last known DC and no AC; a lost progressive one keeps what earlier scans gave it."""
    cdef Py_ssize_t i, v, h
    cdef ReadComponent *c
    cdef int16_t *nat
    for i in range(s.Ns):
        c = &s.component[i]
        for v in range(c.V):
            for h in range(c.H):
                if not s.progressive:
                    nat = block_at(s, c, (my - row0) * c.V + v, my * c.V + v, mx * c.H + h)
                    memset(nat, 0, 64 * sizeof(int16_t))
                    nat[0] = <int16_t>c.pred
    c = &s.component[0]
    if s.Ns == 1:
        my //= c.frame_V
        mx //= c.frame_H
    codec_assert(mx < s.lost_stride)
    s.lost[my * s.lost_stride + mx] = 1


cdef int read_mcu_row(ReadScan *s, Py_ssize_t my, Py_ssize_t row0) noexcept nogil:
    """One row of MCUs. Returns a status other than OK when the scan must end (damage, and nobody asked to conceal)."""
    cdef Py_ssize_t mx, i
    cdef int known[4]           # predictions before the MCU: one that turns out to be damaged must not leave its own behind
    for mx in range(s.mcus_wide):
        if s.left == 0:
            begin_interval(s, my * s.mcus_wide + mx)
            if s.first_status and not s.conceal:
                return s.first_status
        s.left -= 1
        if not s.dead:
            for i in range(s.Ns):
                known[i] = s.component[i].pred
            read_mcu(s, my, mx, row0)
            if s.reader.status == OK and exhausted(&s.reader):
                s.reader.status = E_TRUNCATED
            if s.reader.status:
                note_error(s, my * s.mcus_wide + mx)
                if not s.conceal:
                    return s.first_status
                for i in range(s.Ns):
                    s.component[i].pred = known[i]
        if s.dead:
            lose_mcu(s, my, mx, row0)
    return OK


cdef int read_scan(ReadScan *s) noexcept nogil:
    """All MCU rows of a scan into planes that hold the whole picture."""
    cdef Py_ssize_t my
    for my in range(s.mcus_high):
        if read_mcu_row(s, my, 0):
            return s.first_status
    return OK


cdef void idct_row(const int16_t *level_nat, Py_ssize_t wide, const uint16_t *Q_nat, int precision, Sample *out, Py_ssize_t stride) noexcept nogil:
    """One row of blocks to eight rows of samples."""
    cdef Py_ssize_t bx
    for bx in range(wide):
        idct_block(level_nat + 64 * bx, Q_nat, precision, out + 8 * bx, stride)


cdef int read_scan_to_samples(ReadScan *s, Sample **samples, const uint16_t **Q_nat, int precision) noexcept nogil:
    """A sequential scan, inverse-transformed row by row while the coefficients are still in the cache."""
    cdef Py_ssize_t my, i, v
    cdef ReadComponent *c
    for my in range(s.mcus_high):
        for i in range(s.Ns):
            c = &s.component[i]
            memset(c.level_nat, 0, c.V * c.wide * 64 * sizeof(int16_t))
        if read_mcu_row(s, my, my):
            return s.first_status
        for i in range(s.Ns):
            c = &s.component[i]
            for v in range(min(c.V, c.high - my * c.V)):
                idct_row(c.level_nat + v * c.wide * 64, c.wide, Q_nat[i], precision,
                         samples[i] + (my * c.V + v) * c.wide * 64, c.wide * 8)
    return OK


cdef class ReadTables:
    """Up to four DC and four AC tables, as a decoder needs them."""
    cdef HuffmanReader dc[4]
    cdef HuffmanReader ac[4]

    def set(self, Tc, Th, BITS, HUFFVAL):
        """Table class Tc (0 DC, 1 AC), destination Th (0..3): B.2.4.2."""
        cdef HuffmanReader *table = &self.ac[<int>Th] if Tc else &self.dc[<int>Th]
        set_huffman_reader(table, BITS, HUFFVAL)


MESSAGES = {
    E_TRUNCATED: "the entropy-coded data ends early",
    E_HUFFMAN: "bits that are no Huffman code of the table",
    E_RANGE: "a run or magnitude that leads out of the block",
    E_MARKER: "a restart marker is out of sequence",
}
CLAUSES = {E_TRUNCATED: "T.81 F.2.2.5", E_HUFFMAN: "T.81 F.2.2.3", E_RANGE: "T.81 F.2.2", E_MARKER: "T.81 E.2.4"}


def decode_scan(const uint8_t[::1] data, const int64_t[:, ::1] segments, planes, components, ReadTables tables, *, Ss, Se, Ah, Al, progressive,
                mcus, restart_interval, lost=None, samples=None, Q=None, int precision=8):
    """Read one scan.

    Parameters
    ----------
    data, segments : the file and what `find_segments` found in it
    planes : int16 arrays (blocks_high, blocks_wide, 64) in natural order, updated in place. With `samples` they only lend their shape, and
        hold one MCU row (V, blocks_wide, 64) at a time
    components : list of (blocks_high, H, V, Td, Ta) in the order of `planes`; H and V as in the frame header
    mcus : (high, wide) of the frame, for an interleaved scan and for `lost`
    lost : None, or a uint8 array (mcus_high, mcus_wide) that receives ones where data was lost; then damage does not end the scan
    samples, Q : for a sequential scan, uint8 or uint16 arrays (8 blocks_high, 8 blocks_wide) to fill, and a uint16 array (64,) for each, natural order

    Returns
    -------
    None, or the `BitstreamError` of the first damage, for the caller to raise or to report
    """
    cdef ReadScan *s
    cdef ReadComponent *c
    cdef int16_t[:, :, ::1] plane
    cdef uint8_t[:, ::1] lost_map
    cdef const uint16_t[::1] steps
    cdef uint8_t[:, ::1] sample8
    cdef uint16_t[:, ::1] sample16
    cdef uint8_t *out8[4]
    cdef uint16_t *out16[4]
    cdef const uint16_t *Q_nat[4]
    cdef Py_ssize_t longest = 0, i, H, V
    if segments.shape[0] < 1 or segments.shape[1] != 3 or not 1 <= len(planes) <= 4:
        raise ParameterError("a scan has one segment and one component at least, four components at most")
    for i in range(segments.shape[0]):
        if not 0 <= segments[i, 0] <= segments[i, 1] <= data.shape[0]:
            raise ParameterError("a segment lies outside of the data")
        longest = max(longest, segments[i, 1] - segments[i, 0])
    s = <ReadScan *>calloc(1, sizeof(ReadScan) + longest + 16)
    if s == NULL:
        raise MemoryError
    try:
        s.plain = <uint8_t *>(s + 1)
        s.data = &data[0]
        s.segments = &segments[0, 0]
        s.n_segments = segments.shape[0]
        s.Ns = len(planes)
        s.Ss, s.Se, s.Ah, s.Al, s.progressive, s.restart_interval = Ss, Se, Ah, Al, progressive, restart_interval
        if lost is not None:
            lost_map = lost
            if lost_map.shape[0] != mcus[0] or lost_map.shape[1] != mcus[1]:
                raise ParameterError("the map of lost MCUs has one entry per MCU of the frame")
            s.conceal, s.lost, s.lost_stride = True, &lost_map[0, 0], lost_map.shape[1]
        for i in range(s.Ns):
            plane = planes[i]
            high, H, V, Td, Ta = components[i]
            c = &s.component[i]
            c.level_nat = &plane[0, 0, 0]
            c.high, c.wide = high, plane.shape[1]
            c.frame_H, c.frame_V = H, V
            c.H = H if s.Ns > 1 else 1
            c.V = V if s.Ns > 1 else 1
            c.dc = &tables.dc[<int>Td]
            c.ac = &tables.ac[<int>Ta]
            if plane.shape[2] != 64 or high < 1 or plane.shape[0] < (c.V if samples is not None else high):
                raise ParameterError("a plane is too small for its component")
            if samples is not None:
                steps = Q[i]
                if samples[i].shape != (8 * high, 8 * c.wide) or steps.shape[0] != 64:
                    raise ParameterError("a sample plane has 8x8 samples for each block, and a quantization table 64 steps")
                Q_nat[i] = &steps[0]
                if precision == 8:
                    sample8 = samples[i]
                    out8[i] = &sample8[0, 0]
                else:
                    sample16 = samples[i]
                    out16[i] = &sample16[0, 0]
        s.mcus_high, s.mcus_wide = mcus if s.Ns > 1 else (s.component[0].high, s.component[0].wide)
        with nogil:
            if samples is None:
                read_scan(s)
            elif precision == 8:
                read_scan_to_samples(s, out8, Q_nat, precision)
            else:
                read_scan_to_samples(s, out16, Q_nat, precision)
        if s.first_status == OK:
            return None
        kind = TruncatedError if s.first_status == E_TRUNCATED else BitstreamError
        return kind(f"{MESSAGES[s.first_status]}, at MCU {s.first_mcu} of {s.mcus_wide * s.mcus_high}",
                    layer="entropy-coded data", offset=s.first_offset_bytes, clause=CLAUSES[s.first_status])
    finally:
        free(s)


def idct_plane(const int16_t[:, :, ::1] plane, const uint16_t[::1] Q, int precision):
    """Levels (blocks_high, blocks_wide, 64) in natural order and 64 steps -> samples (8 blocks_high, 8 blocks_wide), uint8 or uint16."""
    cdef Py_ssize_t high = plane.shape[0], wide = plane.shape[1], by
    cdef uint8_t[:, ::1] out8
    cdef uint16_t[:, ::1] out16
    if plane.shape[2] != 64 or Q.shape[0] != 64:
        raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64), and a quantization table 64 steps")
    out = np.empty((8 * high, 8 * wide), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = out
        with nogil:
            for by in range(high):
                idct_row(&plane[by, 0, 0], wide, &Q[0], precision, &out8[8 * by, 0], 8 * wide)
    else:
        out16 = out
        with nogil:
            for by in range(high):
                idct_row(&plane[by, 0, 0], wide, &Q[0], precision, &out16[8 * by, 0], 8 * wide)
    return out


# ================================================================ segments

def find_segments(const uint8_t[::1] data, Py_ssize_t start):
    """Entropy-coded segments of the scan whose first byte is data[start].

    Returns
    -------
    (segments, end) : int64 array (n, 3) of start, end and number of the RST marker before it (-1 for the first); position of the marker
        that ends the scan, or the size of the data (B.1.1.5; stuffed zeros and fill bytes are no end)
    """
    cdef Py_ssize_t n = 0, end
    cdef int64_t[:, ::1] found
    if not 0 <= start <= data.shape[0]:
        raise ParameterError(f"a scan cannot begin at byte {start} of {data.shape[0]}")
    end = walk_segments(data, start, NULL, &n)
    segments = np.empty((n, 3), np.int64)
    found = segments
    walk_segments(data, start, &found[0, 0], &n)
    return segments, end


cdef Py_ssize_t walk_segments(const uint8_t[::1] data, Py_ssize_t start, int64_t *found, Py_ssize_t *n) noexcept nogil:
    """Count the segments, and note them in `found` unless it is NULL: hostile data has one for every two bytes, too many for a list."""
    cdef Py_ssize_t at = start, size = data.shape[0], begin = start
    cdef int number = -1, code
    cdef const uint8_t *mark
    n[0] = 0
    while at < size:
        mark = <const uint8_t *>memchr(&data[0] + at, 0xFF, size - at)
        if mark == NULL:
            at = size
            break
        at = mark - &data[0]
        if at + 1 >= size:
            at = size
            break
        code = data[at + 1]
        if code == 0:
            at += 2
        elif code == 0xFF:
            at += 1
        elif 0xD0 <= code <= 0xD7:
            if found != NULL:
                found[0], found[1], found[2] = begin, at, number
                found += 3
            n[0] += 1
            number = code & 7
            at += 2
            begin = at
        else:
            break
    if found != NULL:
        found[0], found[1], found[2] = begin, at, number
    n[0] += 1
    return at
