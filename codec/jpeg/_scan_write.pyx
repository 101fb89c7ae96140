"""Levels to entropy-coded segments. Contents:

    masks        the levels a scan codes, a bit each
    one block    sequential F.1.2, progressive G.1.2 (Figures G.3 to G.9)
    one scan     MCU order of A.2, restart intervals, into any of the four sinks of _core.pxd
    tokens       symbols of a scan kept until their tables are known: walked and counted once, then written

Planes hold levels in zig-zag order (blocks_high, blocks_wide, 64), because scans walk bands of the zig-zag; just the
blocks that A.2.4 calls for in a scan of one component. Blocks that only complete an MCU are written as "no change".
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport (
    E_MEMORY, E_NO_CODE, JPEG_BLOCK_BYTES, JPEG_BLOCK_TOKENS, OK, RAW_TOKEN, RESTART_TOKEN, BitCounter, BitCounter_p,
    BitWriter, BitWriter_p, EntropyTable, JPEG_SMALL, JpegBits, JpegCodes, JpegDsp, JpegRow, JpegTokens, JpegWord, Sink,
    SymbolCounter, TokenBuffer, TokenBuffer_p, append, bits_so_far, close_writer, codec_bit_length, codec_lowest_bit,
    codec_nonzero_mask, end_segment, jpeg_dsp, open_writer, optimal_table, put_bits, put_raw, put_symbol, reserve,
    set_entropy_table,
)
from ..cpu import level_index
from ..errors import ParameterError


cdef enum:
    # more than an MCU takes before stuffing: 10 blocks x 64 coefficients x 32 bits are 2560 bytes, MAX_BE bits 133
    MCU_BYTES = 4096
    MCU_TOKENS = 1024       # and in tokens: 10 x 65, or a block's 64 with as many raw ones, and those of MAX_BE bits

cdef struct ScanComponent:
    const int16_t *level_zz
    Py_ssize_t pitch        # levels from a block to the next one: 64, or 1 for DC alone
    Py_ssize_t wide, high   # blocks of the component
    int H, V                # blocks per MCU of this scan; 1, 1 in a scan of one component (A.2.2)
    const uint64_t *now     # AC scans: masks of the levels that are nonzero at Al,
    const uint64_t *before  # and, in refinements, at Ah
    EntropyTable *dc
    EntropyTable *ac
    int pred                # DC prediction, in units of 2^Al
    int32_t *block_bits     # sums of bits by block, or NULL

cdef struct EndOfBand:
    uint32_t EOBRUN         # blocks with an ended band, not yet announced (G.1.2.2)
    int BE                  # correction bits of those blocks (G.1.2.3)
    uint8_t correction[MAX_BE + 64]


def significance(plane, int Al):
    """Which levels are not zero after division by 2^Al (0..13): uint64 (blocks_high, blocks_wide), bit k for level k of
    the zig-zag.

    plane : int16 (blocks_high, blocks_wide, 64), C-contiguous
    """
    cdef const int16_t[:, :, ::1] levels = plane
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef int least = (1 << <int>Al) - 1
    out = np.empty(plane.shape[:2], np.uint64)
    cdef uint64_t[:, ::1] masks = out
    if masks.shape[0] and masks.shape[1]:
        with nogil:
            dsp.significance(&levels[0, 0, 0], least, &masks[0, 0], masks.shape[0] * masks.shape[1])
    return out


def significances(plane, int highest, out=None):
    """`significance` for 0..highest, uint64 (highest + 1, blocks_high, blocks_wide), in one pass over the levels.

    out : None, or where to put them: rows are C-contiguous
    """
    cdef const int16_t[:, :, ::1] levels = plane
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef Py_ssize_t by, wide = levels.shape[1]
    cdef int Al
    out = np.empty((highest + 1, levels.shape[0], wide), np.uint64) if out is None else out
    cdef uint64_t[:, :, :] masks = out
    if (masks.shape[0] != highest + 1 or masks.shape[1] != levels.shape[0] or masks.shape[2] != wide
            or masks.strides[2] != sizeof(uint64_t)):
        raise ParameterError("out has the shape (highest + 1, blocks_high, blocks_wide), and C-contiguous rows")
    if wide:
        with nogil:
            for by in range(levels.shape[0]):
                for Al in range(highest + 1):
                    dsp.significance(&levels[by, 0, 0], (1 << Al) - 1, &masks[Al, by, 0], wide)
    return out


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


cdef inline void put_sequential_block(Sink sink, const int16_t *zz, int diff, EntropyTable *dc,
                                      EntropyTable *ac) noexcept nogil:
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


cdef inline void put_corrections(Sink sink, const uint8_t *bits, int n) noexcept nogil:
    """Correction bits, sixteen at a time."""
    cdef uint32_t some
    cdef int i, j
    for i in range(0, n, 16):
        some = 0
        for j in range(i, min(n, i + 16)):
            some = some << 1 | bits[j]
        put_raw(sink, some, min(n - i, 16))


cdef inline void put_end_of_band(Sink sink, EndOfBand *eob, EntropyTable *ac) noexcept nogil:
    """Encode_EOBRUN, Figure G.4, and the correction bits buffered for it, Figure G.9."""
    cdef int size
    if eob.EOBRUN:
        size = codec_bit_length(eob.EOBRUN) - 1
        put_symbol(sink, ac, size << 4, eob.EOBRUN & ((1u << size) - 1), size)
        eob.EOBRUN = 0
        put_corrections(sink, eob.correction, eob.BE)
        eob.BE = 0


cdef inline void put_first_band(Sink sink, const int16_t *zz, uint64_t present, int Ss, int Se, int Al, EndOfBand *eob,
                                EntropyTable *ac) noexcept nogil:
    """Encode_AC_coefficients_SA_first: band Ss..Se of a block, point transform Al (division by 2^Al toward zero),
    Figure G.3.

    present : those of the band that are nonzero after the division
    """
    cdef int previous = Ss - 1, k, r, v, size
    if present:
        put_end_of_band(sink, eob, ac)
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        r = k - previous - 1
        while r > 15:
            put_symbol(sink, ac, 0xF0, 0, 0)
            r -= 16
        v = zz[k]
        v = -(-v >> Al) if v < 0 else v >> Al
        size = magnitude(v)
        put_symbol(sink, ac, r << 4 | size, <uint32_t>(v - (v < 0)) & ((1u << size) - 1), size)
        previous = k
    if previous < Se:
        eob.EOBRUN += 1
        if eob.EOBRUN == 0x7FFF:
            put_end_of_band(sink, eob, ac)


cdef inline void put_refined_band(Sink sink, const int16_t *zz, uint64_t new, uint64_t old, int Ss, int Se, int Al,
                                  EndOfBand *eob, EntropyTable *ac) noexcept nogil:
    """Encode_AC_coefficients_SA_refine: one more bit for band Ss..Se of a block, Figures G.7 to G.9.

    Coefficients that were non-zero before send one correction bit, buffered (BR) until the next symbol; those that
    become +-1 send a symbol and a sign. Zeros in runs count only coefficients that are still zero.

    new, old : those of the band that become nonzero now, and that were before
    """
    cdef uint8_t *BR = eob.correction + eob.BE
    cdef uint64_t rest = new | old
    cdef int pending = 0, r = 0, k, v, previous = Ss - 1
    while rest:
        k = codec_lowest_bit(rest)
        rest &= rest - 1
        r += k - previous - 1
        previous = k
        while r > 15 and new >> k:                                      # ZRL only while a new coefficient follows
            put_end_of_band(sink, eob, ac)
            put_symbol(sink, ac, 0xF0, 0, 0)
            r -= 16
            put_corrections(sink, BR, pending)
            BR = eob.correction
            pending = 0
        v = zz[k]
        if old >> k & 1:
            BR[pending] = (-v if v < 0 else v) >> Al & 1
            pending += 1
            continue
        put_end_of_band(sink, eob, ac)
        put_symbol(sink, ac, r << 4 | 1, v > 0, 1)
        put_corrections(sink, BR, pending)
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
    elif Sink is TokenBuffer_p:
        sink.next[0] = <uint32_t>RESTART_TOKEN << 28 | m
        sink.next += 1


cdef inline JpegWord word_of(uint64_t code, int size) noexcept nogil:
    return <uint64_t>1 << 63 | code << 8 | <unsigned int>size


cdef void set_words(JpegWord *words, const EntropyTable *table, int Tc) noexcept nogil:
    """The codes of a table, by symbol, with room for the bits that follow."""
    cdef int symbol, n
    for symbol in range(256):
        n = extra_bits(Tc, symbol)
        words[symbol] = word_of(table.EHUFCO[symbol] << n, table.EHUFSI[symbol] + n) if table.EHUFSI[symbol] else 0


cdef void set_codes(JpegCodes *codes, const EntropyTable *table, int Tc) noexcept nogil:
    """`set_words`, and for AC (Tc 1) the words of small levels."""
    cdef JpegWord word
    cdef int run, level, size
    set_words(codes.word, table, Tc)
    if Tc == 0:
        return
    for run in range(16):
        for level in range(-JPEG_SMALL, JPEG_SMALL):
            size = magnitude(level) if level else 0
            word = codes.word[run << 4 | size]
            if word and size:
                word |= <uint64_t>((level - (level < 0)) & ((1 << size) - 1)) << 8
            codes.small[run][level + JPEG_SMALL] = word


cdef struct Scan:
    ScanComponent component[4]
    int Ns
    int Ss, Se, Ah, Al
    uint64_t band           # mask of Ss..Se
    bint progressive
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t first, past  # rows of MCUs to code; parts of a scan are sequential, without restart markers
    Py_ssize_t restart_interval


cdef int reserve_tokens(TokenBuffer *tokens, Py_ssize_t count) noexcept nogil:
    """Room for `count` more; grows by half, so the cost stays linear."""
    cdef Py_ssize_t used = tokens.next - tokens.start, want = tokens.end - tokens.start
    cdef uint32_t *grown
    want += want // 2 + count
    grown = <uint32_t *>realloc(tokens.start, want * sizeof(uint32_t))
    if grown == NULL:
        return E_MEMORY
    tokens.start = grown
    tokens.next = grown + used
    tokens.end = grown + want
    return OK


cdef inline int make_room(Sink sink) noexcept nogil:
    """For one MCU."""
    if Sink is BitWriter_p:
        if sink.end - sink.next < MCU_BYTES:
            return reserve(sink, MCU_BYTES)
    elif Sink is TokenBuffer_p:
        if sink.end - sink.next < MCU_TOKENS:
            return reserve_tokens(sink, MCU_TOKENS)
    return OK


cdef inline void put_block(Sink sink, Scan *scan, ScanComponent *c, Py_ssize_t by, Py_ssize_t bx,
                           EndOfBand *eob) noexcept nogil:
    """One block of the scan's kind. Beyond the component's edge: only an unchanged DC, the cheapest padding of an
    MCU."""
    cdef bint real = by < c.high and bx < c.wide
    cdef Py_ssize_t block = by * c.wide + bx
    cdef const int16_t *zz = c.level_zz + block * c.pitch
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
        put_first_band(sink, zz, c.now[block] & scan.band, scan.Ss, scan.Se, scan.Al, eob, c.ac)
    else:
        put_refined_band(sink, zz, c.now[block] & ~c.before[block] & scan.band, c.before[block] & scan.band, scan.Ss,
                         scan.Se, scan.Al, eob, c.ac)
    if c.block_bits != NULL and real:
        c.block_bits[block] += <int32_t>(bits_so_far(sink) - before)


cdef inline void settle_band(Sink sink, Scan *scan, Py_ssize_t blocks, EndOfBand *eob) noexcept nogil:
    """Send the pending run before a restart marker or the end of an AC scan; it counts for the last of the `blocks`."""
    cdef ScanComponent *c = &scan.component[0]
    cdef int64_t before = bits_so_far(sink)
    if eob.EOBRUN == 0:
        return
    put_end_of_band(sink, eob, c.ac)
    if c.block_bits != NULL:
        c.block_bits[blocks - 1] += <int32_t>(bits_so_far(sink) - before)


cdef int put_mcu_row(RowWriter *r, Py_ssize_t my, Py_ssize_t mx) noexcept nogil:
    """Row `my` of MCUs of a sequential scan, from `mx` on, by the kernel. A restart marker precedes every Ri-th MCU but
    the first."""
    cdef BitWriter *w = &r.writer
    cdef JpegBits bits
    cdef Py_ssize_t past, blocks = 0, Ri = r.restart_interval, since
    cdef int i
    for i in range(r.Ns):
        blocks += r.rows[i].H * r.rows[i].V
    while mx < r.mcus_wide:
        past = r.mcus_wide
        if Ri:
            since = (my * r.mcus_wide + mx) % Ri
            past = min(past, mx + Ri - since)
            if since == 0 and my + mx:
                put_restart(w, ((my * r.mcus_wide + mx) // Ri - 1) & 7)
                for i in range(r.Ns):
                    r.rows[i].pred = 0
        if reserve(w, (past - mx) * blocks * JPEG_BLOCK_BYTES + 16):
            return E_MEMORY
        bits.next, bits.acc, bits.count, bits.has_code = w.next, w.acc, w.count, <uint64_t>-1
        r.dsp.put_mcus(&bits, r.rows, r.Ns, mx, past)
        w.next, w.acc, w.count = bits.next, bits.acc, bits.count
        if not bits.has_code >> 63:
            w.status = E_NO_CODE
        mx = past
    return OK


cdef void describe_rows(RowWriter *r, const JpegDsp *dsp, int Ns, Py_ssize_t mcus_wide,
                        Py_ssize_t restart_interval) noexcept nogil:
    """The caller opens the writer, sets H, V, wide and the tables of r.rows, codes for set_row_tables, and level_zz and
    high for each row of MCUs."""
    memset(r.rows, 0, sizeof(r.rows))
    r.dsp, r.Ns, r.mcus_wide, r.restart_interval = dsp, Ns, mcus_wide, restart_interval


cdef void set_row_tables(RowWriter *r, int i, const EntropyTable *dc, const EntropyTable *ac) noexcept nogil:
    """The tables of component i. The same ones are prepared once."""
    cdef int j
    for j in range(i):
        if r.tables[j][0] == dc and r.tables[j][1] == ac:
            r.rows[i].dc, r.rows[i].ac = r.rows[j].dc, r.rows[j].ac
            break
    else:
        set_codes(&r.codes[2 * i], dc, 0)
        set_codes(&r.codes[2 * i + 1], ac, 1)
        r.rows[i].dc, r.rows[i].ac = &r.codes[2 * i], &r.codes[2 * i + 1]
    r.tables[i][0], r.tables[i][1] = dc, ac


cdef int put_sequential_scan(RowWriter *r, Scan *scan) noexcept nogil:
    """As `put_scan`, for a sequential scan whose bits are not counted by block."""
    cdef ScanComponent *c
    cdef Py_ssize_t my
    cdef int i
    for i in range(scan.Ns):
        c = &scan.component[i]
        r.rows[i].wide, r.rows[i].H, r.rows[i].V = c.wide, c.H, c.V
        set_row_tables(r, i, c.dc, c.ac)
    for my in range(scan.mcus_high):
        for i in range(scan.Ns):
            c = &scan.component[i]
            r.rows[i].level_zz = c.level_zz + my * c.V * c.wide * 64
            r.rows[i].high = <int>min(<Py_ssize_t>c.V, c.high - my * c.V)
        if put_mcu_row(r, my, 0):
            return E_MEMORY
    return OK


cdef int check_written(int status) except -1:
    """Raise what a writer's status means."""
    if status == E_MEMORY:
        raise MemoryError
    if status:
        raise ParameterError(NO_CODE)
    return 0


cdef bytes finished(BitWriter *w, int status):
    """The entropy-coded data of a scan, the last segment ended."""
    if status == OK:
        end_segment(w)
        status = w.status
    check_written(status)
    return PyBytes_FromStringAndSize(<const char *>w.start, w.next - w.start)


cdef int put_bands(Sink sink, Scan *scan) noexcept nogil:
    """`put_scan` of AC coefficients without restart markers and counts by block: mostly blocks with nothing in the
    band."""
    cdef ScanComponent *c = &scan.component[0]
    cdef EndOfBand eob
    cdef Py_ssize_t block, blocks = c.wide * c.high
    cdef uint64_t now, before = 0, band = scan.band
    eob.EOBRUN = 0
    eob.BE = 0
    for block in range(blocks):
        now = c.now[block] & band
        if now == 0:                            # nothing new, and nothing to correct
            eob.EOBRUN += 1
            if eob.EOBRUN < 0x7FFF:
                continue
            eob.EOBRUN -= 1
        if make_room(sink):
            return E_MEMORY
        if scan.Ah == 0:
            put_first_band(sink, c.level_zz + 64 * block, now, scan.Ss, scan.Se, scan.Al, &eob, c.ac)
        else:
            before = c.before[block] & band
            put_refined_band(sink, c.level_zz + 64 * block, now & ~before, before, scan.Ss, scan.Se, scan.Al, &eob,
                             c.ac)
    if make_room(sink):
        return E_MEMORY
    settle_band(sink, scan, blocks, &eob)
    return OK


cdef int put_scan(Sink sink, Scan *scan) noexcept nogil:
    """All MCUs of a scan in the order of A.2.3, restart markers included; the last segment is left open."""
    cdef EndOfBand eob
    cdef ScanComponent *c
    cdef Py_ssize_t mx, my, i, v, h, left = scan.restart_interval
    cdef int m = 0
    if scan.progressive and scan.Ss and not scan.restart_interval and scan.component[0].block_bits == NULL:
        return put_bands(sink, scan)
    eob.EOBRUN = 0
    eob.BE = 0
    for i in range(scan.Ns if scan.first else 0):
        c = &scan.component[i]              # DC of the last block above
        c.pred = c.level_zz[(min(scan.first * c.V, c.high) * c.wide - 1) * 64]
    for my in range(scan.first, scan.past):
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
            if make_room(sink):
                return E_MEMORY
            for i in range(scan.Ns):
                c = &scan.component[i]
                for v in range(c.V):
                    for h in range(c.H):
                        put_block(sink, scan, c, my * c.V + v, mx * c.H + h, &eob)
    settle_band(sink, scan, scan.mcus_high * scan.mcus_wide, &eob)
    return OK


cdef class Tables:
    """Up to four DC and four AC tables for writing a scan, and symbol counts for optimal ones."""

    def __dealloc__(self):
        free(self.codes)

    def prepare(self):
        """Make the codes of all tables as `PixelWriter` needs them, once for many pictures."""
        cdef int i
        if self.codes == NULL:
            self.codes = <JpegCodes *>malloc(RAW_TOKEN * sizeof(JpegCodes))
            if self.codes == NULL:
                raise MemoryError
        for i in range(RAW_TOKEN):
            set_codes(&self.codes[i], &self.table[i], i >> 2)

    def set(self, Tc, Th, BITS, HUFFVAL):
        """Table class Tc (0 DC, 1 AC), destination Th (0..3): B.2.4.2."""
        set_entropy_table(&self.table[<int>Tc * 4 + <int>Th], BITS, HUFFVAL)

    def optimal(self, Tc, Th):
        """(BITS, HUFFVAL) of least total length for the symbols counted so far."""
        return optimal_table(self.table[<int>Tc * 4 + <int>Th].freq)

    def counts(self, Tc, Th):
        """The 256 symbol counts."""
        cdef EntropyTable *table = &self.table[<int>Tc * 4 + <int>Th]
        out = np.empty(256, np.uint32)
        cdef uint32_t[::1] counts = out
        memcpy(&counts[0], table.freq, sizeof(table.freq))
        return out


# ---------------------------------------------------------------- tokens

cdef enum:
    BLOCKS_AT_ONCE = 64

cdef int put_by_kernels(TokenBuffer *tokens, const Scan *scan, const JpegDsp *dsp) noexcept nogil:
    """`put_scan` where `has_kernels`. tokens: NULL to count alone."""
    cdef const ScanComponent *c = &scan.component[0]
    cdef EntropyTable *table = c.ac if scan.Ss else c.dc
    cdef JpegTokens t
    cdef Py_ssize_t block = 0, n = 1, blocks = c.wide * c.high, want
    cdef uint32_t nowhere = 0
    memset(&t, 0, sizeof(t))
    t.next, t.counts, t.step = &nowhere, table.freq, tokens != NULL
    t.Ss, t.Se, t.Al, t.band, t.most = scan.Ss, scan.Se, scan.Al, scan.band, MAX_BE - 63
    if tokens != NULL:
        t.table = <uint32_t>(table - tokens.tables) << 28
    while n:
        n = min(<Py_ssize_t>BLOCKS_AT_ONCE, blocks - block)             # 0 ends the last run
        if tokens != NULL:
            if tokens.end - tokens.next < BLOCKS_AT_ONCE * JPEG_BLOCK_TOKENS:
                # for the rest, if it is like the blocks before; half of what the levels take at most
                want = min((tokens.next - tokens.start) // max(block, <Py_ssize_t>1), <Py_ssize_t>15) + 1
                want *= blocks - block
                if reserve_tokens(tokens, want + BLOCKS_AT_ONCE * JPEG_BLOCK_TOKENS):
                    return E_MEMORY
            t.next = tokens.next
        if scan.Ss == 0:
            dsp.dc_tokens(&t, c.level_zz + c.pitch * block, c.pitch, n)
        elif scan.Ah == 0:
            dsp.first_tokens(&t, c.level_zz + 64 * block, c.now + block, n)
        else:
            dsp.refined_tokens(&t, c.level_zz + 64 * block, c.now + block, c.before + block, n)
        if tokens != NULL:
            tokens.next = t.next
        block += n
    return OK


cdef bint count_dc(const Scan *scan, const JpegDsp *dsp) noexcept nogil:
    """Count the symbols of a first scan of DC, which has no bits beside them, where kernels can: components without
    restart markers, and a block of each in an MCU."""
    cdef Scan one = scan[0]
    cdef const ScanComponent *c
    cdef int i
    one.Ns = 1
    if scan.Ss or not has_kernels(&one):
        return False
    for i in range(scan.Ns):
        c = &scan.component[i]
        if c.H * c.V > 1 or c.high != scan.mcus_high or c.wide != scan.mcus_wide:
            return False
    for i in range(scan.Ns):
        one.component[0] = scan.component[i]
        put_by_kernels(NULL, &one, dsp)
    return True


cdef inline bint has_kernels(const Scan *scan) noexcept nogil:
    """A progressive scan of one component without restart markers, but not of refined DC."""
    return scan.progressive and scan.Ns == 1 and not scan.restart_interval and (scan.Ss > 0 or scan.Ah == 0)


cdef int put_tokens(BitWriter *w, const TokenBuffer *tokens, const JpegWord *words, const JpegDsp *dsp) noexcept nogil:
    """The bits of a scan, with codes: `words` by table number and symbol."""
    cdef const uint32_t *token = tokens.start
    cdef const uint32_t *stop
    cdef JpegBits bits
    while token < tokens.next:
        # each adds at most 32 bits, a restart marker 16 and its stuffing
        if reserve(w, 8 * MCU_TOKENS):
            return E_MEMORY
        stop = token + min(<Py_ssize_t>MCU_TOKENS, tokens.next - token)
        bits.next, bits.acc, bits.count, bits.has_code = w.next, w.acc, w.count, <uint64_t>-1
        token = dsp.put_tokens(&bits, token, stop, words)
        w.next, w.acc, w.count = bits.next, bits.acc, bits.count
        if token < stop:
            put_restart(w, token[0] & 7)
            token += 1
    return w.status


cdef class Bits:
    """Bits of a scan or a part of one, stuffed up to the last restart marker."""
    cdef BitWriter writer   # owned

    def __dealloc__(self):
        close_writer(&self.writer)


def joined(parts):
    """The entropy-coded data of a scan without restart markers from its Bits, in their order."""
    cdef Bits all = Bits(), more
    cdef int status = OK
    if open_writer(&all.writer, 1 << 16):
        raise MemoryError
    for more in parts:
        status = status or append(&all.writer, &more.writer)
    return finished(&all.writer, status)


cdef class Tokens:
    """A scan or a part of one, walked once: its symbols and their extra bits, to be written when its tables are
    known."""
    cdef TokenBuffer buffer
    cdef Tables counted     # counted during the walk

    def __dealloc__(self):
        free(self.buffer.start)

    def write(self, Tables tables):
        """The entropy-coded data, with these tables."""
        cdef Bits written = self.bits(tables)
        return finished(&written.writer, OK)

    cpdef Bits bits(self, Tables tables):
        """The Bits, with these tables."""
        cdef JpegWord words[(RAW_TOKEN + 1) * 256]
        cdef Bits out = Bits()
        cdef const JpegDsp *dsp = jpeg_dsp(level_index())
        cdef int i, symbol, n, status
        for i in range(RAW_TOKEN):
            set_words(&words[i << 8], &tables.table[i], i >> 2)
            for symbol in range(256):
                if self.counted.table[i].freq[symbol] and not words[i << 8 | symbol]:
                    raise ParameterError(NO_CODE)
        for n in range(256):
            words[RAW_TOKEN << 8 | n] = word_of(0, n)
        if open_writer(&out.writer, max(<Py_ssize_t>1 << 16, self.buffer.next - self.buffer.start)):   # mostly enough
            raise MemoryError
        with nogil:
            status = put_tokens(&out.writer, &self.buffer, words, dsp)
        if status:
            raise MemoryError
        return out


NO_CODE = "a Huffman table has no code for a symbol of this scan"


# ---------------------------------------------------------------- from Python

cdef int describe_component(ScanComponent *c, const Scan *scan, plane_, component, Tables tables, masks,
                            bits_map_) except -1:
    """Check what belongs to one component, and take its pointers; the caller keeps the arrays."""
    cdef const int16_t[:, :, ::1] plane = plane_
    cdef const uint64_t[:, ::1] mask
    cdef int32_t[:, ::1] bits_map
    H, V, Td, Ta = component
    if (plane.shape[0] < 1 or plane.shape[1] < 1
            or plane.shape[2] != 64 and not (plane.shape[2] == 1 and scan.progressive and scan.Se == 0)):
        raise ParameterError("a plane of levels has the shape (blocks_high, blocks_wide, 64), or 1 in place of 64 for "
                             "progressive scans of DC, and at least one block")
    c.pitch = plane.shape[2]
    c.level_zz = &plane[0, 0, 0]
    c.high, c.wide = plane.shape[0], plane.shape[1]
    c.H, c.V = (H, V) if scan.Ns > 1 else (1, 1)
    c.dc, c.ac = &tables.table[<int>Td], &tables.table[4 + <int>Ta]
    if bits_map_ is not None:
        bits_map = bits_map_
        if bits_map.shape[0] != c.high or bits_map.shape[1] != c.wide:
            raise ParameterError("a map of bits has one entry per block of its plane")
        c.block_bits = &bits_map[0, 0]
    for i, array in enumerate(masks):
        mask = array
        if mask.shape[0] != c.high or mask.shape[1] != c.wide:
            raise ParameterError("a mask of levels has one entry per block of its plane")
        if i == 0:
            c.now = &mask[0, 0]
        else:
            c.before = &mask[0, 0]
    return 0


def encode_scan(planes, components, Tables tables, sink, *, Ss=0, Se=63, Ah=0, Al=0, progressive=False, mcus=None,
                restart_interval=0, block_bits=None, masks=significance, rows=None):
    """Send one scan to a sink.

    Parameters
    ----------
    planes : list of int16 arrays (blocks_high, blocks_wide, 64), zig-zag order, one per component of the scan;
        progressive scans of DC may have it alone, (blocks_high, blocks_wide, 1), which reads less memory
    components : list of (H, V, Td, Ta) in the order of `planes`; H and V count only if the scan has several components
    tables : Tables; "bits" and "count" use their codes, "symbols" and "tokens" add to their counts
    sink : "bits" -> bytes, "count" -> int (bits before the final padding, without stuffing), "symbols" -> int (bits
        that belong to no symbol: corrections), "tokens" -> Tokens
    mcus : (high, wide) of an interleaved scan
    block_bits : None, or a list of int32 arrays (blocks_high, blocks_wide) to which each block's bits are added by
        "bits" and "count"
    masks : `significance`, or a function of plane and Al that remembers what that returned
    rows : None, or the first row of MCUs and the one after the last, for "tokens" of a part of a sequential scan
        without restart markers
    """
    cdef Scan scan
    cdef BitCounter counter
    cdef SymbolCounter symbols
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef int i
    memset(&scan, 0, sizeof(scan))
    scan.Ns = len(planes)
    scan.Ss, scan.Se, scan.Ah, scan.Al = Ss, Se, Ah, Al
    scan.progressive, scan.restart_interval = progressive, restart_interval
    if (not 1 <= scan.Ns <= 4 or not 0 <= Ss <= Se <= 63 or (Ss and scan.Ns > 1)
            or not (0 <= Al <= 13 and 0 <= Ah <= 13)):
        raise ParameterError(f"no scan has {scan.Ns} components with Ss={Ss} Se={Se} Ah={Ah} Al={Al} (T.81 Table B.3)")
    scan.band = ~<uint64_t>0 << scan.Ss & ~<uint64_t>0 >> 63 - scan.Se
    used = [[masks(plane, bit) for bit in ([Al, Ah] if Ah else [Al])] if progressive and Ss else [] for plane in planes]
    for i in range(scan.Ns):
        describe_component(&scan.component[i], &scan, planes[i], components[i], tables, used[i],
                           None if block_bits is None else block_bits[i])
    scan.mcus_high, scan.mcus_wide = mcus if scan.Ns > 1 else (scan.component[0].high, scan.component[0].wide)
    scan.first, scan.past = rows or (0, scan.mcus_high)
    if not 0 <= scan.first <= scan.past <= scan.mcus_high or rows and (progressive or restart_interval):
        raise ParameterError("only sequential scans without restart markers have parts, within their rows of MCUs")
    if sink == "tokens":
        return scan_tokens(&scan, tables)
    if sink == "bits":
        return scan_bits(&scan)
    if sink == "symbols":
        symbols.raw = 0
        with nogil:
            if not count_dc(&scan, dsp):
                put_scan(&symbols, &scan)
        return symbols.raw
    counter.bits = 0
    with nogil:
        put_scan(&counter, &scan)
    return counter.bits


cdef bytes scan_bits(Scan *scan):
    cdef RowWriter rows
    cdef JpegCodes codes[8]
    cdef int status
    describe_rows(&rows, jpeg_dsp(level_index()), scan.Ns, scan.mcus_wide, scan.restart_interval)
    if open_writer(&rows.writer, 1 << 16):
        raise MemoryError
    rows.codes = codes
    try:
        with nogil:
            if scan.progressive or scan.component[0].block_bits != NULL:
                status = put_scan(&rows.writer, scan)
            else:
                status = put_sequential_scan(&rows, scan)
        return finished(&rows.writer, status)
    finally:
        close_writer(&rows.writer)


cdef Tokens scan_tokens(Scan *scan, Tables tables):
    cdef Tokens tokens = Tokens()
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef int status
    tokens.counted = tables
    tokens.buffer.tables = tables.table
    tokens.buffer.start = tokens.buffer.next = tokens.buffer.end = NULL
    with nogil:
        if has_kernels(scan):
            status = put_by_kernels(&tokens.buffer, scan, dsp)
        else:
            status = put_scan(&tokens.buffer, scan)
    if status:
        raise MemoryError
    return tokens
