"""Entropy-coded segments to levels. Contents:

    one block    Huffman coded: sequential F.2.2, progressive G.2 (arithmetic coded ones: _arith_read.pyx)
    one scan     restart intervals, damage, MCU order
    samples      the inverse transform of a row or a plane of blocks

Planes hold levels in natural order (blocks_high, blocks_wide, 64), because the inverse transform reads rows; just the
blocks that A.2.4 calls for in a scan of one component. Blocks that only complete an MCU are read into a scratch block.
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from functools import lru_cache

import numpy as np

from codec._core cimport (
    E_MEMORY, E_RANGE, E_TRUNCATED, JPEG_BLOCK_BYTES, NAT_OF_ZZ, OK, BitReader, HuffmanReader, JpegBand, JpegDsp,
    JpegPairs, JpegReader, JpegReadRow, JpegSkim, Sample, codec_assert, codec_assert_range, exhausted, extend, get_bits,
    idct_block_deep, jpeg_band_fn, jpeg_dsp, jpeg_read_fn, open_reader, read_symbol, refill, set_huffman_reader,
    set_pairs, set_skim,
)
from codec.jpeg._arith cimport (
    ArithComponent, ArithReader, Conditioning, Statistics, attach, open_arith_reader, ran_dry, set_conditioning,
)
from codec.jpeg._arith_read cimport (
    read_arith_bit, read_arith_block, read_arith_dc, read_arith_first_band, read_arith_refined_band,
)
from codec.jpeg._segments cimport (
    ZEROS, close_segments, first_error, next_interval, note_error, open_segments,
)
from ..cpu import level_index
from ..errors import ParameterError


cdef enum:
    LONG_SCAN = 2048        # blocks: pairs of a table take 4 us, a block 40 to 80 ns


cdef inline int read_magnitude(BitReader *r, int size) noexcept nogil:
    return extend(get_bits(r, size), size) if size else 0


cdef inline int read_dc(BitReader *r, const HuffmanReader *dc) noexcept nogil:
    """DIFF of F.2.2.1. A category above 16 does not exist in any process (Tables F.1, H.2)."""
    cdef int size = read_symbol(r, dc)
    if size > 16:
        r.status = E_RANGE
        return 0
    return read_magnitude(r, size)


cdef inline void read_sequential_block(BitReader *r, int16_t *nat, int *pred, const HuffmanReader *dc,
                                       const HuffmanReader *ac) noexcept nogil:
    """Decode_DC and Decode_AC_coefficients, Figures F.13 to F.14, into a cleared block. For the MCUs that the kernel
    `read_mcus` leaves: the last ones of an interval, and damaged ones."""
    cdef int k = 1, rs, size
    refill(r)
    pred[0] += read_dc(r, dc)
    nat[0] = <int16_t>pred[0]
    while k < 64:
        refill(r)
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


cdef inline void read_first_band(BitReader *r, int16_t *nat, int Ss, int Se, int Al, uint32_t *EOBRUN,
                                 const HuffmanReader *ac) noexcept nogil:
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


cdef inline void read_refined_band(BitReader *r, int16_t *nat, int Ss, int Se, int Al, uint32_t *EOBRUN,
                                   const HuffmanReader *ac) noexcept nogil:
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


cdef void begin_interval(ReadScan *s, Py_ssize_t mcu) noexcept nogil:
    """Reset predictions and statistics (F.2.1.3.1) and open the next restart interval's segment; without one the
    interval is `dead`."""
    cdef Py_ssize_t i, size = next_interval(&s.segments, mcu)
    for i in range(s.Ns):
        s.component[i].pred = 0
        s.component[i].arith.S0 = 0
    s.EOBRUN = 0
    s.doubtful = False
    s.left = s.restart_interval if s.restart_interval else s.mcus_wide * s.mcus_high
    s.dead = size < 0
    if s.dead:
        return
    if s.arithmetic:
        memset(&s.statistics, 0, sizeof(s.statistics))
        open_arith_reader(&s.reader, s.segments.plain, size)
    else:
        open_reader(&s.reader.bits, s.segments.plain, size)


cdef inline int status_after_mcu(ReadScan *s) noexcept nogil:
    """Status so far, including the end of the data."""
    if s.reader.bits.status:
        return s.reader.bits.status
    if s.arithmetic:
        return E_TRUNCATED if not s.segments.closed and ran_dry(&s.reader) else OK
    return E_TRUNCATED if exhausted(&s.reader.bits) else OK


cdef inline int16_t *block_at(ReadScan *s, ReadComponent *c, Py_ssize_t row, Py_ssize_t by,
                              Py_ssize_t bx) noexcept nogil:
    """Block row `row` of the current rows, `by` of the component; beyond the component's edge, and where DC alone is
    kept, a cleared scratch block."""
    codec_assert_range(0, row, by)
    codec_assert(bx >= 0)
    if by < c.high and bx < c.wide and not c.only_dc:
        return c.level_nat + (row * c.wide + bx) * 64
    memset(s.scratch, 0, sizeof(s.scratch))
    return s.scratch


cdef inline void keep_dc(ReadComponent *c, int16_t dc, Py_ssize_t row, Py_ssize_t by, Py_ssize_t bx) noexcept nogil:
    """If nothing else of the block is kept; arguments as of `block_at`."""
    if c.only_dc and by < c.high and bx < c.wide:
        c.level_nat[row * c.wide + bx] = dc


cdef inline void read_huffman_coded(ReadScan *s, ReadComponent *c, int16_t *nat) noexcept nogil:
    """One block of the scan's kind."""
    cdef BitReader *bits = &s.reader.bits
    if not s.progressive:
        read_sequential_block(bits, nat, &c.pred, c.dc, c.ac)
    elif s.Ss == 0:
        refill(bits)
        if s.Ah == 0:
            c.pred += read_dc(bits, c.dc)
            nat[0] = <int16_t>(c.pred * (1 << s.Al))
        elif get_bits(bits, 1):
            nat[0] |= <int16_t>(1 << s.Al)
    elif s.Ah == 0:
        read_first_band(bits, nat, s.Ss, s.Se, s.Al, &s.EOBRUN, c.ac)
    else:
        read_refined_band(bits, nat, s.Ss, s.Se, s.Al, &s.EOBRUN, c.ac)


cdef inline void read_arith_coded(ReadScan *s, ReadComponent *c, int16_t *nat) noexcept nogil:
    """One block of the scan's kind."""
    if not s.progressive:
        read_arith_block(&s.reader, &c.arith, nat, &c.pred)
    elif s.Ss == 0:
        if s.Ah == 0:
            read_arith_dc(&s.reader, &c.arith, nat, &c.pred, s.Al)
        else:
            read_arith_bit(&s.reader, nat, s.Al)
    elif s.Ah == 0:
        read_arith_first_band(&s.reader, &c.arith, nat, s.Ss, s.Se, s.Al)
    else:
        read_arith_refined_band(&s.reader, &c.arith, nat, s.Ss, s.Se, s.Al)


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
                if s.arithmetic:
                    read_arith_coded(s, c, nat)
                else:
                    read_huffman_coded(s, c, nat)
                keep_dc(c, nat[0], (my - row0) * c.V + v, my * c.V + v, mx * c.H + h)


cdef inline void flag_mcu(ReadScan *s, Py_ssize_t my, Py_ssize_t mx) noexcept nogil:
    """Put an MCU of the scan into the map of lost ones, which has MCUs of the frame."""
    if s.Ns == 1:
        my //= s.component[0].frame_V
        mx //= s.component[0].frame_H
    codec_assert(mx < s.lost_stride)
    s.lost[my * s.lost_stride + mx] = 1


cdef void lose_mcu(ReadScan *s, Py_ssize_t my, Py_ssize_t mx, Py_ssize_t row0) noexcept nogil:
    """Conceal: a lost sequential block takes the last known DC and no AC; a progressive one keeps its earlier scans."""
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
                    keep_dc(c, nat[0], (my - row0) * c.V + v, my * c.V + v, mx * c.H + h)
    flag_mcu(s, my, mx)


cdef uint64_t nonzero_zz(const int16_t *nat) noexcept nogil:
    """The mask of a block's nonzero coefficients, by position in the zig-zag."""
    cdef uint64_t present = 0
    cdef int k
    for k in range(64):
        present |= <uint64_t>(nat[NAT_OF_ZZ[k]] != 0) << 63 - k
    return present


cdef enum:
    TRIED = 16              # blocks near the end of a segment


cdef inline bint is_used_up(const BitReader *r) noexcept nogil:
    """True once all bits of the segment are consumed."""
    return r.pos * 8 - r.count >= r.size * 8


cdef Py_ssize_t read_undamaged_bands(ReadScan *s, Py_ssize_t by, Py_ssize_t bx) noexcept nogil:
    """Blocks of a progressive AC scan in row `by` of those in memory, from `bx` on, as `read_undamaged` reads MCUs.
    Some so near the end of the segment that zeros after it may be read are undone if they took more bits than there
    are, and tried one by one; after them, the kernel passes those that take none."""
    cdef BitReader *r = &s.reader.bits
    cdef ReadComponent *c = &s.component[0]
    cdef jpeg_band_fn read_blocks = s.dsp.refine_bands if s.Ah else s.dsp.read_bands
    cdef const uint8_t *limit = r.data + max(<Py_ssize_t>0, r.size - JPEG_BLOCK_BYTES + 1)
    cdef Py_ssize_t begin = bx, to = min(c.wide, bx + s.left), some = TRIED, n, at
    cdef int16_t levels[TRIED * 64]
    cdef uint64_t masks[TRIED]
    cdef JpegReader reader
    cdef JpegBand band
    reader.next, reader.acc, reader.count = r.data + r.pos, r.acc, r.count
    band.level_nat, band.present = c.level_nat + by * c.wide * 64, c.present + by * c.wide
    band.ac, band.Ss, band.Se, band.Al, band.EOBRUN = c.ac, s.Ss, s.Se, s.Al, s.EOBRUN
    while True:
        reader.limit = limit
        bx = read_blocks(&reader, &band, bx, to)
        r.pos, r.acc, r.count, s.EOBRUN = reader.next - r.data, reader.acc, reader.count, band.EOBRUN
        if bx == to or is_used_up(r):
            break
        n = min(some, to - bx)
        memcpy(levels, band.level_nat + 64 * bx, n * 64 * sizeof(int16_t))
        memcpy(masks, band.present + bx, n * sizeof(uint64_t))
        reader.limit = r.data + r.size + 8          # the reader holds bits of up to 8 bytes
        at = read_blocks(&reader, &band, bx, bx + n)
        if (reader.next - r.data) * 8 - reader.count > r.size * 8:
            memcpy(band.level_nat + 64 * bx, levels, n * 64 * sizeof(int16_t))
            memcpy(band.present + bx, masks, n * sizeof(uint64_t))
            if n == 1:
                break
            some = 1
            reader.next, reader.acc, reader.count, band.EOBRUN = r.data + r.pos, r.acc, r.count, s.EOBRUN
        elif at == bx:
            break
        else:
            bx = at
    s.left -= bx - begin
    return bx - begin


cdef Py_ssize_t read_undamaged(ReadScan *s, Py_ssize_t my, Py_ssize_t row0, Py_ssize_t mx) noexcept nogil:
    """MCUs of a row of a Huffman coded scan, from `mx` on, by the kernels; returns how many. They stop at damage, and
    where the segment might end."""
    cdef BitReader *r = &s.reader.bits
    cdef JpegReader reader
    cdef JpegReadRow rows[4]
    cdef JpegReadRow *row
    cdef ReadComponent *c
    cdef jpeg_read_fn read_mcus = s.dsp.read_mcus
    cdef Py_ssize_t i, blocks = 0, done = 0, to = min(s.mcus_wide, mx + s.left)
    if s.progressive and s.Ss:                      # sequential scans may have any Ss in their header
        return read_undamaged_bands(s, my - row0, mx)
    for i in range(s.Ns):
        c, row = &s.component[i], &rows[i]
        blocks += c.H * c.V
        row.level_nat = c.level_nat + (my - row0) * c.V * c.wide * (1 if c.only_dc else 64)
        row.skim, row.pairs = c.skim if c.only_dc else NULL, c.pairs
        if c.only_dc:
            read_mcus = s.dsp.skim_mcus
        row.wide, row.high = c.wide, <int>min(<Py_ssize_t>c.V, c.high - my * c.V)
        row.H, row.V, row.pred = c.H, c.V, c.pred
        row.dc, row.ac = c.dc, c.ac
    if r.pos + blocks * JPEG_BLOCK_BYTES <= r.size:
        reader.next, reader.limit = r.data + r.pos, r.data + r.size - blocks * JPEG_BLOCK_BYTES + 1
        reader.acc, reader.count = r.acc, r.count
        done = read_some_mcus(s, read_mcus, &reader, rows, mx, to) - mx
        r.pos, r.acc, r.count = reader.next - r.data, reader.acc, reader.count
    done += read_last_mcus(s, read_mcus, rows, mx + done, to)
    for i in range(s.Ns):
        s.component[i].pred = rows[i].pred
    s.left -= done
    return done


cdef inline Py_ssize_t read_some_mcus(ReadScan *s, jpeg_read_fn read_mcus, JpegReader *reader, JpegReadRow *rows,
                                      Py_ssize_t mx, Py_ssize_t to) noexcept nogil:
    """MCUs by the kernel of the scan's kind; `read_mcus` is that of sequential ones."""
    if s.progressive:
        return s.dsp.read_dcs(reader, rows, s.Ns, mx, to, s.Ah, s.Al)
    return read_mcus(reader, rows, s.Ns, mx, to)


cdef Py_ssize_t read_last_mcus(ReadScan *s, jpeg_read_fn read_mcus, JpegReadRow *rows, Py_ssize_t mx,
                               Py_ssize_t to) noexcept nogil:
    """MCUs so near the end of the segment that zeros after it may be read; returns how many. One at a time: what took
    more bits than there are is undone, but for DC of progressive scans, which `read_mcu` sets to the same."""
    cdef BitReader *r = &s.reader.bits
    cdef JpegReader reader
    cdef Py_ssize_t i, v, first, end, unit, begin = mx
    cdef int known[4]
    reader.limit = r.data + r.size + ZEROS
    while mx < to and not is_used_up(r):
        for i in range(s.Ns):
            known[i] = rows[i].pred
        reader.next, reader.acc, reader.count = r.data + r.pos, r.acc, r.count
        if read_some_mcus(s, read_mcus, &reader, rows, mx, mx + 1) == mx:
            break
        if (reader.next - r.data) * 8 - reader.count > r.size * 8:
            for i in range(s.Ns):
                rows[i].pred = known[i]
                first, end = mx * rows[i].H, min(rows[i].wide, (mx + 1) * rows[i].H)
                unit = 1 if rows[i].skim != NULL else 64
                for v in range(0 if s.progressive else min(rows[i].V, rows[i].high)):
                    if first < end:
                        memset(rows[i].level_nat + (v * rows[i].wide + first) * unit, 0,
                               (end - first) * unit * sizeof(int16_t))
            break
        r.pos, r.acc, r.count = reader.next - r.data, reader.acc, reader.count
        mx += 1
    return mx - begin


cdef int take_pairs(ReadScan *s) noexcept nogil:
    """Make the tables that read two coefficients by a load, where a scan is long enough to pay for them; returns a
    status. The Huffman tables are set."""
    cdef Py_ssize_t blocks = 0
    cdef int i
    for i in range(s.Ns):
        blocks += s.component[i].H * s.component[i].V
    if s.arithmetic or s.progressive or s.mcus_high * s.mcus_wide * blocks < LONG_SCAN:
        return OK
    s.pairs = <JpegPairs *>malloc(s.Ns * sizeof(JpegPairs))
    if s.pairs == NULL:
        return E_MEMORY
    for i in range(s.Ns):
        if i and s.component[i].ac == s.component[i - 1].ac:
            s.component[i].pairs = s.component[i - 1].pairs
        else:
            set_pairs(&s.pairs[i], s.component[i].ac)
            s.component[i].pairs = &s.pairs[i]
    return OK


cdef void resume(ReadScan *s, const int *known) noexcept nogil:
    """Go on after damage that is to be concealed, for which T.81 has no rule. Huffman codes find back to the beginnings
    of symbols soon: what follows in a sequential scan is read and flagged, until the interval ends. The rest of other
    scans is lost, since arithmetic codes do not find back, and earlier scans are nearer to the picture than bands of
    other blocks. So it is at the end of the data; predictions are those before the MCU, `known`.
    """
    cdef Py_ssize_t i
    if not (s.arithmetic or s.progressive or exhausted(&s.reader.bits)):
        s.reader.bits.status = OK
        s.doubtful = True
        return
    s.dead = True
    for i in range(s.Ns):
        s.component[i].pred = known[i]


cdef int read_mcu_row(ReadScan *s, Py_ssize_t my, Py_ssize_t row0, Py_ssize_t begin=0) noexcept nogil:
    """One row of MCUs, from `begin` on. Returns a status other than OK to end the scan (damage that is not to be
    concealed)."""
    cdef Py_ssize_t mx = begin - 1, i, done
    cdef int status
    # predictions before the MCU, to restore after a damaged one
    cdef int known[4]
    while mx + 1 < s.mcus_wide:
        mx += 1
        if s.left == 0:
            begin_interval(s, my * s.mcus_wide + mx)
            if s.segments.status and not s.conceal:
                return s.segments.status
        if not (s.dead or s.arithmetic):
            done = read_undamaged(s, my, row0, mx)
            if done:
                for i in range(done if s.doubtful else 0):
                    flag_mcu(s, my, mx + i)
                mx += done - 1
                continue
        s.left -= 1
        if not s.dead:
            for i in range(s.Ns):
                known[i] = s.component[i].pred
            read_mcu(s, my, mx, row0)
            if s.component[0].present != NULL:
                i = (my - row0) * s.component[0].wide + mx
                s.component[0].present[i] = nonzero_zz(s.component[0].level_nat + 64 * i)
            status = status_after_mcu(s)
            if status:
                note_error(&s.segments, status, (s.reader.bits.pos * 8 - s.reader.bits.count) >> 3, my * s.mcus_wide
                           + mx)
                if not s.conceal:
                    return status
                resume(s, known)
        if s.dead:
            lose_mcu(s, my, mx, row0)
        elif s.doubtful:
            flag_mcu(s, my, mx)
    return OK


cdef int read_scan(ReadScan *s) noexcept nogil:
    """All MCU rows of a scan into planes that hold the whole picture."""
    cdef Py_ssize_t my
    for my in range(s.mcus_high):
        if read_mcu_row(s, my, 0):
            return s.segments.status
    return OK


cdef class HuffmanTable:
    """A table as readers need it."""

    def __init__(self, BITS, HUFFVAL):
        set_huffman_reader(&self.reader, BITS, HUFFVAL)

    def __dealloc__(self):
        free(self.skim)


# Most files have the tables of Annex K, and small pictures take less time to decode than tables to make.
huffman_table = lru_cache(maxsize=32)(HuffmanTable)


cdef class ReadTables:
    """Up to four DC and four AC tables for decoding."""

    def set(self, Tc, Th, BITS, HUFFVAL):
        """Table class Tc (0 DC, 1 AC), destination Th (0..3): B.2.4.2."""
        cdef HuffmanTable table = huffman_table(bytes(BITS), bytes(HUFFVAL))
        if self.keep is None:
            self.keep = {}
        self.keep[Tc, Th] = table
        if Tc:
            self.ac[<int>Th] = &table.reader
        else:
            self.dc[<int>Th] = &table.reader


def masks_of(const int16_t[:, :, ::1] plane):
    """`present` of `decode_scan` for a plane."""
    out = np.empty(np.shape(plane)[:2], np.uint64)
    cdef uint64_t[:, ::1] masks = out
    cdef Py_ssize_t y, x
    with nogil:
        for y in range(plane.shape[0]):
            for x in range(plane.shape[1]):
                masks[y, x] = nonzero_zz(&plane[y, x, 0])
    return out


cdef class PreparedScan:
    """A scan to be read: what `decode_scan` takes, checked, as kernels need it.

    Parameters
    ----------
    data, segments, components, tables, Ss, Se, Ah, Al, progressive, mcus, restart_interval, conditioning, lost, present
        See `decode_scan`.
    planes : as in `decode_scan`; None for those who set `level_nat` and `present` themselves, for each row of MCUs
    widths : blocks_wide of each component, without planes
    """

    def __cinit__(self):
        self.scan = <ReadScan *>calloc(1, sizeof(ReadScan))
        if self.scan == NULL:
            raise MemoryError

    def __dealloc__(self):
        close_segments(&self.scan.segments)
        free(self.scan.pairs)
        free(self.scan)

    def __init__(self, const uint8_t[::1] data, const int64_t[:, ::1] segments, planes, components, ReadTables tables,
                 *, Ss, Se, Ah, Al, progressive, mcus, restart_interval, conditioning=None, lost=None, present=None,
                 widths=None):
        cdef ReadScan *s = self.scan
        cdef ReadComponent *c
        cdef int16_t[:, :, ::1] plane
        cdef uint8_t[:, ::1] lost_map
        cdef uint64_t[:, ::1] masks
        cdef Conditioning bounds
        cdef Py_ssize_t i, H, V
        if not 1 <= len(components) <= 4:
            raise ParameterError("a scan has one to four components")
        set_conditioning(&bounds, conditioning or {})
        open_segments(&s.segments, data, segments)
        self.owners = (data, segments, planes, tables, lost)
        self.tables, self.Ta = tables, [each[4] for each in components]
        s.Ns = len(components)
        s.dsp = jpeg_dsp(level_index())
        s.arithmetic = conditioning is not None
        s.Ss, s.Se, s.Ah, s.Al, s.progressive, s.restart_interval = Ss, Se, Ah, Al, progressive, restart_interval
        if lost is not None:
            lost_map = lost
            if lost_map.shape[0] != mcus[0] or lost_map.shape[1] != mcus[1]:
                raise ParameterError("the map of lost MCUs has one entry per MCU of the frame")
            s.conceal, s.lost, s.lost_stride = True, &lost_map[0, 0], lost_map.shape[1]
        for i in range(s.Ns):
            high, H, V, Td, Ta = components[i]
            c = &s.component[i]
            c.high, c.wide = high, widths[i] if planes is None else planes[i].shape[1]
            if planes is not None:
                plane = planes[i]
                c.level_nat = &plane[0, 0, 0]
                if plane.shape[2] != 64 or high < 1 or plane.shape[0] < high:
                    raise ParameterError("a plane is too small for its component")
            c.frame_H, c.frame_V = H, V
            c.H = H if s.Ns > 1 else 1
            c.V = V if s.Ns > 1 else 1
            c.dc, c.ac = tables.dc[<int>Td], tables.ac[<int>Ta]
            attach(&c.arith, &s.statistics, &bounds, Td, Ta)
        if s.progressive and s.Ss and not s.arithmetic and planes is not None:
            self.present = masks_of(planes[0]) if present is None else present
            masks = self.present
            if masks.shape[0] != s.component[0].high or masks.shape[1] != s.component[0].wide:
                raise ParameterError("there is one mask of coefficients per block of the plane")
            s.component[0].present = &masks[0, 0]
        s.mcus_high, s.mcus_wide = mcus if s.Ns > 1 else (s.component[0].high, s.component[0].wide)

    cdef int prepare_skimming(self) except -1:
        """Make the tables that `only_dc` needs."""
        cdef HuffmanTable table
        cdef JpegSkim *skim
        cdef int i
        if self.scan.arithmetic:
            return 0
        for i in range(self.scan.Ns):
            table = self.tables.keep[1, self.Ta[i]]
            if table.skim == NULL:
                skim = <JpegSkim *>malloc(sizeof(JpegSkim))
                if skim == NULL:
                    raise MemoryError
                set_skim(skim, &table.reader)
                table.skim = skim
            self.scan.component[i].skim = table.skim
        return 0

    def error(self):
        """The `BitstreamError` of the first damage so far, or None."""
        return first_error(&self.scan.segments, self.scan.mcus_wide * self.scan.mcus_high)


def decode_scan(data, segments, planes, components, tables, **settings):
    """Read one scan.

    Parameters
    ----------
    data, segments : the file and what `find_segments` found in it
    planes : int16 arrays (blocks_high, blocks_wide, 64) in natural order, updated in place
    components : list of (blocks_high, H, V, Td, Ta) in the order of `planes`; H and V as in the frame header
    tables : ReadTables; for an arithmetic coded scan they are not looked at
    Ss, Se, Ah, Al, progressive : of the scan and frame headers
    mcus : (high, wide) of the frame, for an interleaved scan and for `lost`
    restart_interval : MCUs, 0 for none
    conditioning : None for a Huffman coded scan; for an arithmetic coded one what its DAC segments say, {(0, Tb): (L,
        U), (1, Tb): Kx}
    lost : None, or a uint8 array (mcus_high, mcus_wide) that receives ones where data was lost; then damage does not
        end the scan
    present : for a progressive scan of AC coefficients, Huffman coded: a uint64 array (blocks_high, blocks_wide) with
        bit 63 - k set where coefficient k of the zig-zag is not zero; kept up to date. None: made from the plane

    Returns
    -------
    None, or the `BitstreamError` of the first damage, for the caller to raise or to report
    """
    cdef PreparedScan prepared = PreparedScan(data, segments, planes, components, tables, **settings)
    cdef ReadScan *s = prepared.scan
    if take_pairs(s):
        raise MemoryError
    with nogil:
        read_scan(s)
    return prepared.error()


def idct_plane(const int16_t[:, :, ::1] plane, const uint16_t[::1] Q, int precision):
    """Levels (blocks_high, blocks_wide, 64) in natural order and 64 steps -> samples (8 blocks_high, 8 blocks_wide),
    uint8 or uint16."""
    cdef Py_ssize_t high = plane.shape[0], wide = plane.shape[1], by
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef uint8_t[:, ::1] out8
    cdef uint16_t[:, ::1] out16
    if plane.shape[2] != 64 or Q.shape[0] != 64:
        raise ParameterError("levels have the shape (blocks_high, blocks_wide, 64), and a quantization table 64 steps")
    out = np.empty((8 * high, 8 * wide), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = out
        with nogil:
            for by in range(high):
                idct_row(dsp, &plane[by, 0, 0], wide, &Q[0], precision, &out8[8 * by, 0], 8 * wide)
    else:
        out16 = out
        with nogil:
            for by in range(high):
                idct_row(dsp, &plane[by, 0, 0], wide, &Q[0], precision, &out16[8 * by, 0], 8 * wide)
    return out
