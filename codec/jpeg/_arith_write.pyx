"""Levels to arithmetic coded segments. Contents:

    one block    sequential F.1.4, progressive G.1.3
    one scan     MCU order of A.2, restart intervals

Planes hold levels in zig-zag order, as for _scan_write.pyx. Blocks that only pad an MCU are written as "no change".
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memset

import numpy as np

from codec._core cimport (
    E_MEMORY, E_RANGE, OK, BitWriter, close_writer, codec_assert, codec_bit_length, codec_lowest_bit,
    codec_nonzero_mask, open_writer, reserve,
)
from codec.jpeg._arith cimport (
    FIXED, LARGEST, M_OFFSET, X1, ArithComponent, ArithWriter, Conditioning, Statistics, attach, code,
    difference_class, flush, open_arith_writer, set_conditioning,
)
from ..errors import ParameterError


cdef enum:
    BLOCK_BYTES = 4096      # more than a block takes before stuffing: 64 x 31 decisions of 15 bits are 3720 bytes


cdef struct ArithScanComponent:
    const int16_t *level_zz
    Py_ssize_t wide, high   # blocks of the component
    int H, V                # blocks per MCU of this scan; 1, 1 in a scan of one component (A.2.2)
    ArithComponent arith
    int pred                # DC prediction, in units of 2^Al
    int32_t *block_bits     # sums of bits by block, or NULL

cdef struct ArithScan:
    ArithScanComponent component[4]
    int Ns
    int Ss, Se, Ah, Al
    bint progressive
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t restart_interval
    Statistics statistics
    BitWriter out
    ArithWriter writer


# ================================================================ one block

cdef inline void code_bits(ArithWriter *w, uint8_t *bin, int Sz, int m) noexcept nogil:
    """Encode_Sz_bits, Figure F.9: the bits of Sz below its leading bit m."""
    m >>= 1
    while m:
        code(w, bin, (Sz & m) != 0)
        m >>= 1


cdef inline int leading_bit(int Sz) noexcept nogil:
    """Of Sz > 0."""
    return 1 << (codec_bit_length(<uint32_t>Sz) - 1)


cdef inline void code_difference(ArithWriter *w, ArithComponent *c, int diff) noexcept nogil:
    """Code_DC_DIFF: F.1.4.1, bins of Table F.4."""
    cdef uint8_t *bin = c.dc + c.S0
    cdef int Sz = (-diff if diff < 0 else diff) - 1, m = 0, n
    cdef bint negative = diff < 0
    code(w, bin, diff != 0)
    if diff == 0:
        c.S0 = 0
        return
    if Sz >= 2 * LARGEST:
        # levels of 16 bits can differ by more than the largest category
        w.out.status, Sz = E_RANGE, 0
    code(w, bin + 1, negative)
    code(w, bin + 2 + negative, Sz > 0)
    if Sz:
        m = leading_bit(Sz)
        bin = c.dc + X1
        for n in range(codec_bit_length(<uint32_t>Sz) - 1):
            code(w, bin, 1)
            bin += 1
        code(w, bin, 0)
        code_bits(w, bin + M_OFFSET, Sz, m)
    c.S0 = 4 * difference_class(m, negative, c.L, c.U)


cdef inline void code_value(ArithWriter *w, uint8_t *bin, uint8_t *X2, int v) noexcept nogil:
    """An AC coefficient that is not 0: sign, category and bits (F.1.4.3, Table F.5); `bin` is SP, SN and X1 in one."""
    cdef uint8_t fixed = FIXED
    cdef int Sz = (-v if v < 0 else v) - 1, n
    codec_assert(Sz < 2 * LARGEST)
    code(w, &fixed, v < 0)
    code(w, bin, Sz > 0)
    if Sz == 0:
        return
    code(w, bin, Sz > 1)
    if Sz == 1:
        return
    for n in range(codec_bit_length(<uint32_t>Sz) - 2):
        code(w, X2, 1)
        X2 += 1
    code(w, X2, 0)
    code_bits(w, X2 + M_OFFSET, Sz, leading_bit(Sz))


cdef inline int point_transform(int v, int Al) noexcept nogil:
    """Division of an AC coefficient by 2^Al toward zero (A.4)."""
    return -(-v >> Al) if v < 0 else v >> Al


cdef void code_first_band(ArithWriter *w, ArithComponent *c, const int16_t *zz, int Ss, int Se, int Al) noexcept nogil:
    """Encode_AC_Coefficients, Figure F.5, of band Ss..Se; all of AC in a sequential scan."""
    cdef uint64_t present = codec_nonzero_mask(zz, Ss, Se)
    cdef int k, v, previous = Ss - 1
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        v = point_transform(zz[k], Al)
        if v == 0:
            continue
        code(w, c.ac + 3 * previous, 0)                                 # the band does not end at previous + 1
        previous += 1
        while previous < k:
            code(w, c.ac + 3 * (previous - 1) + 1, 0)
            previous += 1
        code(w, c.ac + 3 * (k - 1) + 1, 1)
        code_value(w, c.ac + 3 * (k - 1) + 2, c.ac + (189 if k <= c.Kx else 217), v)
    if previous < Se:
        code(w, c.ac + 3 * previous, 1)


cdef void code_refined_band(ArithWriter *w, ArithComponent *c, const int16_t *zz, int Ss, int Se,
                            int Al) noexcept nogil:
    """One more bit for band Ss..Se of a block (G.1.3.3). The end-of-band decision comes only after the earlier scans'
    last coefficient (EOBx)."""
    cdef uint64_t present = codec_nonzero_mask(zz, Ss, Se)
    cdef int k = Ss, EOB = Ss, EOBx = Ss - 1, magnitude
    cdef uint8_t fixed = FIXED
    # EOB: after the last coefficient of this scan
    while present:
        k = codec_lowest_bit(present)
        present &= present - 1
        magnitude = (-zz[k] if zz[k] < 0 else zz[k]) >> Al
        if magnitude:
            EOB = k + 1
        if magnitude > 1:
            EOBx = k
    k = Ss
    while k < EOB:
        if k > EOBx:
            code(w, c.ac + 3 * (k - 1), 0)
        while (-zz[k] if zz[k] < 0 else zz[k]) >> Al == 0:
            code(w, c.ac + 3 * (k - 1) + 1, 0)
            k += 1
        magnitude = (-zz[k] if zz[k] < 0 else zz[k]) >> Al
        if magnitude > 1:
            code(w, c.ac + 3 * (k - 1) + 2, magnitude & 1)
        else:
            code(w, c.ac + 3 * (k - 1) + 1, 1)
            code(w, &fixed, zz[k] < 0)
        k += 1
    if k <= Se:
        code(w, c.ac + 3 * (k - 1), 1)


# ================================================================ one scan

cdef void code_block(ArithScan *scan, ArithScanComponent *c, Py_ssize_t by, Py_ssize_t bx) noexcept nogil:
    """One block of the scan's kind. Beyond the component's edge: only an unchanged DC."""
    # a copy stays in registers, where stores to bins could else touch it
    cdef ArithWriter w = scan.writer
    cdef bint real = by < c.high and bx < c.wide
    cdef const int16_t *zz = c.level_zz + (by * c.wide + bx) * 64
    cdef int64_t before = w.shifts
    cdef uint8_t fixed = FIXED
    cdef int dc
    if scan.Ss == 0:
        dc = zz[0] >> scan.Al if real else c.pred                       # G.1.2.1: an arithmetic shift, unlike AC
        if scan.Ah == 0:
            code_difference(&w, &c.arith, dc - c.pred)
            c.pred = dc
        else:
            code(&w, &fixed, dc & 1 if real else 0)
        if not scan.progressive:
            if real:
                code_first_band(&w, &c.arith, zz, 1, 63, 0)
            else:
                code(&w, c.arith.ac, 1)
    elif scan.Ah == 0:
        code_first_band(&w, &c.arith, zz, scan.Ss, scan.Se, scan.Al)
    else:
        code_refined_band(&w, &c.arith, zz, scan.Ss, scan.Se, scan.Al)
    if c.block_bits != NULL and real:
        c.block_bits[by * c.wide + bx] += <int32_t>(w.shifts - before)
    scan.writer = w


cdef int begin_interval(ArithScan *scan, int m) noexcept nogil:
    """Reset the model (F.1.4.4.1.5); unless m is negative, end the interval before with RSTm (E.1.4)."""
    cdef int i
    if m >= 0:
        if flush(&scan.writer) or reserve(&scan.out, 16):
            return E_MEMORY
        scan.out.next[0] = 0xFF
        scan.out.next[1] = 0xD0 | m
        scan.out.next += 2
        scan.out.segment += 2
    for i in range(scan.Ns):
        scan.component[i].pred = 0
        scan.component[i].arith.S0 = 0
    memset(&scan.statistics, 0, sizeof(scan.statistics))
    open_arith_writer(&scan.writer, &scan.out)
    return OK


cdef int code_scan(ArithScan *scan) noexcept nogil:
    """All MCUs of a scan in the order of A.2.3, restart markers included."""
    cdef ArithScanComponent *c
    cdef Py_ssize_t mx, my, i, v, h, left = scan.restart_interval
    cdef int m = 0
    begin_interval(scan, -1)
    for my in range(scan.mcus_high):
        for mx in range(scan.mcus_wide):
            if scan.restart_interval:
                if left == 0:
                    if begin_interval(scan, m):
                        return E_MEMORY
                    m = (m + 1) & 7
                    left = scan.restart_interval
                left -= 1
            for i in range(scan.Ns):
                c = &scan.component[i]
                for v in range(c.V):
                    for h in range(c.H):
                        if scan.out.end - scan.out.next < BLOCK_BYTES and reserve(&scan.out, BLOCK_BYTES):
                            return E_MEMORY
                        code_block(scan, c, my * c.V + v, mx * c.H + h)
    return flush(&scan.writer)


def encode_arith_scan(planes, components, *, Ss=0, Se=63, Ah=0, Al=0, progressive=False, mcus=None, restart_interval=0,
                      conditioning=None, block_bits=None):
    """One scan, arithmetic coded.

    Parameters
    ----------
    planes : list of int16 arrays (blocks_high, blocks_wide, 64), zig-zag order, one per component of the scan
    components : list of (H, V, Td, Ta) in the order of `planes`; H and V count only if the scan has several components
    mcus : (high, wide) of an interleaved scan
    conditioning : what DAC segments say, {(0, Tb): (L, U), (1, Tb): Kx}; default: those of F.1.4.4
    block_bits : None, or a list of int32 arrays (blocks_high, blocks_wide) to which each block's bits are added. A
        block seldom ends with a bit: it gets those that are complete when it ends, so that each is right to one bit and
        their sum to the last byte

    Returns
    -------
    bytes
    """
    cdef ArithScan scan
    cdef Conditioning bounds
    cdef const int16_t[:, :, ::1] plane
    cdef int32_t[:, ::1] bits_map
    cdef int i, status = 0
    memset(&scan, 0, sizeof(scan))
    scan.Ns = len(planes)
    scan.Ss, scan.Se, scan.Ah, scan.Al = Ss, Se, Ah, Al
    scan.progressive, scan.restart_interval = progressive, restart_interval
    if (not 1 <= scan.Ns <= 4 or not 0 <= Ss <= Se <= 63 or (Ss and scan.Ns > 1)
            or not (0 <= Al <= 13 and 0 <= Ah <= 13)):
        raise ParameterError(f"no scan has {scan.Ns} components with Ss={Ss} Se={Se} Ah={Ah} Al={Al} (T.81 Table B.3)")
    set_conditioning(&bounds, conditioning or {})
    for i in range(scan.Ns):
        plane = planes[i]
        H, V, Td, Ta = components[i]
        if plane.shape[0] < 1 or plane.shape[1] < 1 or plane.shape[2] != 64:
            raise ParameterError("a plane of levels has the shape (blocks_high, blocks_wide, 64), at least one block")
        scan.component[i].level_zz = &plane[0, 0, 0]
        scan.component[i].high, scan.component[i].wide = plane.shape[0], plane.shape[1]
        scan.component[i].H = H if scan.Ns > 1 else 1
        scan.component[i].V = V if scan.Ns > 1 else 1
        attach(&scan.component[i].arith, &scan.statistics, &bounds, Td, Ta)
        if block_bits is not None:
            bits_map = block_bits[i]
            if bits_map.shape[0] != plane.shape[0] or bits_map.shape[1] != plane.shape[1]:
                raise ParameterError("a map of bits has one entry per block of its plane")
            scan.component[i].block_bits = &bits_map[0, 0]
    scan.mcus_high, scan.mcus_wide = mcus if scan.Ns > 1 else (scan.component[0].high, scan.component[0].wide)
    if open_writer(&scan.out, 1 << 16):
        raise MemoryError
    try:
        with nogil:
            status = code_scan(&scan) or scan.out.status
        if status == E_MEMORY:
            raise MemoryError
        if status:
            raise ParameterError("DC levels of neighbours differ by more than 32768, which no category holds (T.81 "
                                 "Table F.4)")
        return scan.out.start[:scan.out.next - scan.out.start]
    finally:
        close_writer(&scan.out)
