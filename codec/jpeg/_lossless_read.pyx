"""Entropy-coded segments to samples of the lossless processes (T.81 H.2). Contents:

    one sample   prediction H.1.2.1, difference Huffman coded H.1.2.2 or arithmetic coded H.1.2.3
    one scan     restart intervals, damage, MCU order; a data unit is one sample
"""
from libc.stdint cimport int64_t, uint16_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport (
    E_RANGE, E_TRUNCATED, OK, BitReader, HuffmanReader, exhausted, extend, get_bits, open_reader, read_symbol, refill,
)
from codec.jpeg._arith cimport (
    LOSSLESS_BINS, ArithReader, Conditioning, open_arith_reader, ran_dry, read_difference, set_conditioning,
)
from codec.jpeg._scan_read cimport ReadTables
from codec.jpeg._segments cimport (
    E_SAMPLE, Segments, close_segments, first_error, next_interval, note_error, open_segments,
)
from ..errors import ParameterError


cdef struct LosslessComponent:
    uint16_t *samples       # plane of the component, filled up to whole MCUs
    Py_ssize_t stride       # samples from row to row
    Py_ssize_t first_line   # first line of the restart interval: it has no line above
    int H, V                # samples in an MCU of this scan
    int frame_H, frame_V    # samples in an MCU of the frame, to report damage by it
    const HuffmanReader *dc
    uint8_t *bins           # statistics, shared by components with the same destination
    int L, U
    # classes of differences: the line above, then the V lines of this row of MCUs; `stride` + 1 of each, for the edge
    uint8_t *classes

cdef struct LosslessScan:
    LosslessComponent component[4]
    int Ns
    int Ss, Pt, P
    int initial             # the first prediction of an interval
    int top                 # largest sample, the point transform taken off
    bint arithmetic
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t restart_interval
    Segments segments
    Py_ssize_t left                 # MCUs left in this restart interval
    ArithReader reader              # Huffman coded scans use its bits alone
    uint8_t statistics[4][LOSSLESS_BINS]
    bint dead                       # nothing more can be read in this interval
    bint conceal
    uint8_t *lost                   # per MCU of the frame; NULL when the first error ends the scan
    Py_ssize_t lost_stride


# ================================================================ one sample

cdef inline int predict(int Ss, int Ra, int Rb, int Rc) noexcept nogil:
    """Table H.1: left, above, above left. Shifts are arithmetic, sums are exact."""
    if Ss == 1:
        return Ra
    if Ss == 2:
        return Rb
    if Ss == 3:
        return Rc
    if Ss == 4:
        return Ra + Rb - Rc
    if Ss == 5:
        return Ra + ((Rb - Rc) >> 1)
    if Ss == 6:
        return Rb + ((Ra - Rc) >> 1)
    return (Ra + Rb) >> 1


cdef inline int read_huffman_difference(BitReader *r, const HuffmanReader *dc) noexcept nogil:
    """H.1.2.2: as DC, and category 16 for 32768 alone, without further bits."""
    cdef int size
    refill(r)
    size = read_symbol(r, dc)
    if size >= 16:
        if size > 16:
            r.status = E_RANGE
        return 32768
    return extend(get_bits(r, size), size) if size else 0


cdef inline int read_arith_difference(ArithReader *r, LosslessComponent *c, uint8_t *at) noexcept nogil:
    """H.1.2.3, bins of Table H.3: the difference classes to the left and above select one of 25 contexts, the one above
    X1."""
    cdef int Da = (at - 1)[0], Db = (at - c.stride - 1)[0], kind
    cdef int diff = read_difference(r, c.bins + 4 * (5 * Da + Db), c.bins + (129 if Db > 2 else 100), c.L, c.U, &kind)
    at[0] = kind
    return diff


ctypedef BitReader* BitReader_p
ctypedef ArithReader* ArithReader_p

ctypedef fused Reader:
    BitReader_p
    ArithReader_p


cdef inline int read_sample(LosslessScan *s, LosslessComponent *c, Reader r, Py_ssize_t y, Py_ssize_t x,
                            int v) noexcept nogil:
    """Returns whether the sample is beyond its precision."""
    cdef uint16_t *at = c.samples + y * c.stride + x
    cdef int Px, diff
    if y == c.first_line:
        Px = (at - 1)[0] if x else s.initial
    elif x == 0:
        Px = (at - c.stride)[0]
    else:
        Px = predict(s.Ss, (at - 1)[0], (at - c.stride)[0], (at - c.stride - 1)[0])
    if Reader is ArithReader_p:
        diff = read_arith_difference(r, c, c.classes + (v + 1) * (c.stride + 1) + x + 1)
    else:
        diff = read_huffman_difference(r, c.dc)
    at[0] = <uint16_t>(Px + diff)                   # modulo 2^16
    return at[0] > s.top


# ================================================================ one scan

cdef void begin_interval(LosslessScan *s, Py_ssize_t my) noexcept nogil:
    """Reset prediction and statistics (H.1.2.1, H.1.2.3.4) and open the next restart interval's segment; without one
    the interval is `dead`."""
    cdef Py_ssize_t i, size = next_interval(&s.segments, my * s.mcus_wide)
    for i in range(s.Ns):
        s.component[i].first_line = my * s.component[i].V
        memset(s.component[i].classes, 0, (s.component[i].V + 1) * (s.component[i].stride + 1))
    s.left = s.restart_interval if s.restart_interval else s.mcus_wide * s.mcus_high
    s.dead = size < 0
    if s.dead:
        return
    if s.arithmetic:
        memset(s.statistics, 0, sizeof(s.statistics))
        open_arith_reader(&s.reader, s.segments.plain, size)
    else:
        open_reader(&s.reader.bits, s.segments.plain, size)


cdef inline int read_mcu(LosslessScan *s, Reader r, Py_ssize_t my, Py_ssize_t mx) noexcept nogil:
    """One MCU; returns its status: the end of the data first, as anything read after it is meaningless."""
    cdef LosslessComponent *c
    cdef Py_ssize_t i, v, h
    cdef int beyond = 0
    cdef bint ended
    for i in range(s.Ns):
        c = &s.component[i]
        for v in range(c.V):
            for h in range(c.H):
                beyond |= read_sample(s, c, r, my * c.V + v, mx * c.H + h, v)
    if Reader is ArithReader_p:
        ended = not s.segments.closed and ran_dry(r)
        return E_TRUNCATED if ended else r.bits.status or (E_SAMPLE if beyond else OK)
    else:
        return E_TRUNCATED if exhausted(r) else r.status or (E_SAMPLE if beyond else OK)


cdef inline Py_ssize_t read_mcus(LosslessScan *s, Reader r, Py_ssize_t my, int *status) noexcept nogil:
    """A row of MCUs up to the first error; returns how many are good."""
    cdef Py_ssize_t mx
    for mx in range(s.mcus_wide):
        status[0] = read_mcu(s, r, my, mx)
        if status[0]:
            return mx
    return s.mcus_wide


cdef Py_ssize_t read_huffman_mcus(LosslessScan *s, Py_ssize_t my, int *status) noexcept nogil:
    cdef BitReader r = s.reader.bits                # a copy stays in registers
    cdef Py_ssize_t good = read_mcus(s, &r, my, status)
    s.reader.bits = r
    return good


cdef Py_ssize_t read_arith_mcus(LosslessScan *s, Py_ssize_t my, int *status) noexcept nogil:
    cdef ArithReader r = s.reader
    cdef Py_ssize_t good = read_mcus(s, &r, my, status)
    s.reader = r
    return good


cdef void lose_mcu(LosslessScan *s, Py_ssize_t my, Py_ssize_t mx) noexcept nogil:
    """Conceal: a lost sample takes the one above it, in the first line the one to its left."""
    cdef Py_ssize_t i, v, h
    cdef LosslessComponent *c
    cdef uint16_t *at
    for i in range(s.Ns):
        c = &s.component[i]
        for v in range(c.V):
            for h in range(c.H):
                at = c.samples + (my * c.V + v) * c.stride + mx * c.H + h
                at[0] = (at - c.stride)[0] if my or v else ((at - 1)[0] if mx or h else s.initial)
    c = &s.component[0]
    if s.Ns == 1:
        my //= c.frame_V
        mx //= c.frame_H
    s.lost[my * s.lost_stride + mx] = 1


cdef int read_mcu_row(LosslessScan *s, Py_ssize_t my) noexcept nogil:
    """One row of MCUs; restart intervals hold whole rows (H.1.1). Returns a status other than OK to end the scan."""
    cdef Py_ssize_t good = 0, i
    cdef LosslessComponent *c
    cdef int status = OK
    if s.left == 0:
        begin_interval(s, my)
        if s.segments.status and not s.conceal:
            return s.segments.status
    s.left -= s.mcus_wide
    for i in range(s.Ns):
        c = &s.component[i]
        memcpy(c.classes, c.classes + c.V * (c.stride + 1), c.stride + 1)
    if not s.dead:
        good = read_arith_mcus(s, my, &status) if s.arithmetic else read_huffman_mcus(s, my, &status)
    if status:
        s.dead = True
        note_error(&s.segments, status, (s.reader.bits.pos * 8 - s.reader.bits.count) >> 3, my * s.mcus_wide + good)
        if not s.conceal:
            return status
    for i in range(good, s.mcus_wide):
        lose_mcu(s, my, i)
    return OK


cdef int read_scan(LosslessScan *s) noexcept nogil:
    cdef Py_ssize_t my
    for my in range(s.mcus_high):
        if read_mcu_row(s, my):
            return s.segments.status
    return OK


cdef object take_components(LosslessScan *s, planes, components, ReadTables tables, Conditioning *bounds,
                            uint8_t[::1] classes):
    """Check the size of everything that belongs to a component, and take pointers."""
    cdef LosslessComponent *c
    cdef uint16_t[:, ::1] plane
    cdef Py_ssize_t i, high, wide, used = 0
    for i in range(s.Ns):
        plane = planes[i]
        high, wide, H, V, Td = components[i]
        c = &s.component[i]
        c.frame_H, c.frame_V = H, V
        c.H = H if s.Ns > 1 else 1
        c.V = V if s.Ns > 1 else 1
        if s.Ns == 1:
            s.mcus_high, s.mcus_wide = high, wide
        if (plane.shape[0] < s.mcus_high * c.V or plane.shape[1] < s.mcus_wide * c.H
                or s.mcus_high < 1 or s.mcus_wide < 1):
            raise ParameterError("a plane is too small for its component")
        c.samples, c.stride = &plane[0, 0], plane.shape[1]
        c.dc = tables.dc[<int>Td]
        c.bins, c.L, c.U = s.statistics[<int>Td], bounds.L[<int>Td], bounds.U[<int>Td]
        c.classes = &classes[used]
        used += (c.V + 1) * (c.stride + 1)


def decode_lossless_scan(const uint8_t[::1] data, const int64_t[:, ::1] segments, planes, components, ReadTables tables,
                         *, Ss, Pt, P, mcus, restart_interval, conditioning=None, lost=None):
    """Read one scan.

    Parameters
    ----------
    data, segments : the file and what `find_segments` found in it
    planes : uint16 arrays of whole MCUs, one per component of the scan, to fill, before the point transform is undone
    components : list of (high, wide, H, V, Td) in the order of `planes`: samples of the component, then the values of
        the headers
    tables : ReadTables; for an arithmetic coded scan they are not looked at
    Ss, Pt, P : predictor 1..7, point transform below P, precision 2..16
    mcus : (high, wide) of the frame, for an interleaved scan and for `lost`
    conditioning : None for a Huffman coded scan; for an arithmetic coded one what its DAC segments say, {(0, Tb): (L,
        U)}
    lost : None, or a uint8 array (mcus_high, mcus_wide) that receives ones where data was lost; then damage does not
        end the scan

    Returns
    -------
    None, or the `BitstreamError` of the first damage, for the caller to raise or to report
    """
    cdef LosslessScan *s
    cdef Conditioning bounds
    cdef uint8_t[:, ::1] lost_map
    cdef uint8_t[::1] classes
    if not 1 <= len(planes) <= 4 or not 1 <= Ss <= 7 or not 0 <= Pt < P <= 16:
        raise ParameterError("a lossless scan has 1..4 components, predictor 1..7 and a point transform below the "
                             "precision")
    set_conditioning(&bounds, conditioning or {})
    s = <LosslessScan *>calloc(1, sizeof(LosslessScan))
    if s == NULL:
        raise MemoryError
    try:
        open_segments(&s.segments, data, segments)
        s.Ns = len(planes)
        s.Ss, s.Pt, s.P, s.arithmetic, s.restart_interval = Ss, Pt, P, conditioning is not None, restart_interval
        s.initial, s.top = 1 << (P - Pt - 1), (1 << (P - Pt)) - 1
        s.mcus_high, s.mcus_wide = mcus
        classes = np.zeros(sum(5 * (plane.shape[1] + 1) for plane in planes), np.uint8)
        take_components(s, planes, components, tables, &bounds, classes)
        if lost is not None:
            lost_map = lost
            if lost_map.shape[0] != mcus[0] or lost_map.shape[1] != mcus[1]:
                raise ParameterError("the map of lost MCUs has one entry per MCU of the frame")
            s.conceal, s.lost, s.lost_stride = True, &lost_map[0, 0], lost_map.shape[1]
        with nogil:
            read_scan(s)
        return first_error(&s.segments, s.mcus_wide * s.mcus_high)
    finally:
        close_segments(&s.segments)
        free(s)
