"""Samples to a lossless scan with Huffman coding (T.81 H.1): prediction, categories, one interleaved scan."""
from libc.stdint cimport int16_t, int32_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc

import numpy as np

from codec._core cimport (
    E_MEMORY, BitWriter, EntropyTable, close_writer, codec_bit_length, end_segment, open_writer, put_symbol, reserve,
    set_entropy_table,
)
from ..errors import ParameterError


cdef struct Picture:
    const uint16_t *samples         # channels interleaved, point transform taken off
    Py_ssize_t width, height
    int channels
    int initial                     # the first prediction of an interval: 2^(P - Pt - 1)
    Py_ssize_t restart_rows         # lines of a restart interval, 0 for no restarts


cdef inline int difference(const uint16_t *at, Py_ssize_t left, Py_ssize_t above, int Ss) noexcept nogil:
    """Sample minus prediction (Table H.1) modulo 2^16, in -32767..32768; `left`, `above`: distances to Ra and Rb."""
    cdef int Ra = (at - left)[0], Rb = (at - above)[0], Rc = (at - above - left)[0], Px, diff
    if Ss == 1:
        Px = Ra
    elif Ss == 2:
        Px = Rb
    elif Ss == 3:
        Px = Rc
    elif Ss == 4:
        Px = Ra + Rb - Rc
    elif Ss == 5:
        Px = Ra + ((Rb - Rc) >> 1)
    elif Ss == 6:
        Px = Rb + ((Ra - Rc) >> 1)
    else:
        Px = (Ra + Rb) >> 1
    diff = <int16_t>(at[0] - Px)
    return 32768 if diff == -32768 else diff


cdef void predict_line(Picture *p, Py_ssize_t y, int Ss, int32_t *diff) noexcept nogil:
    """Differences of a line. The first line of an interval is predicted from the left; others start from above
    (H.1.2.1)."""
    cdef Py_ssize_t n = p.width * p.channels, i
    cdef const uint16_t *line = p.samples + y * n
    cdef bint first = y == 0 or (p.restart_rows and y % p.restart_rows == 0)
    for i in range(p.channels):
        diff[i] = <int16_t>(line[i] - (p.initial if first else (line - n)[i]))
        if diff[i] == -32768:
            diff[i] = 32768
    if first:
        for i in range(p.channels, n):
            diff[i] = difference(line + i, p.channels, 0, 1)
    else:
        for i in range(p.channels, n):
            diff[i] = difference(line + i, p.channels, n, Ss)


cdef inline int category(int diff) noexcept nogil:
    """SSSS of Table H.2."""
    return codec_bit_length(<uint32_t>(-diff if diff < 0 else diff)) if diff else 0


cdef inline void put_difference(BitWriter *w, EntropyTable *table, int diff) noexcept nogil:
    """H.1.2.2: as DC; 32768, category 16, is alone there and needs no bits."""
    cdef int size = category(diff), n = size & 15
    put_symbol(w, table, size, <uint32_t>(diff - (diff < 0)) & ((1u << n) - 1), n)


cdef void count_categories(Picture *p, int Ss, int32_t *diff, uint32_t (*counts)[17]) noexcept nogil:
    cdef Py_ssize_t y, i
    cdef int c
    for y in range(p.height):
        predict_line(p, y, Ss, diff)
        i = 0
        while i < p.width * p.channels:
            for c in range(p.channels):
                counts[c][category(diff[i + c])] += 1
            i += p.channels


cdef int put_lines(Picture *p, int Ss, int32_t *diff, EntropyTable *tables, BitWriter *w) noexcept nogil:
    """The scan, with RSTm between its intervals (E.1.4)."""
    cdef Py_ssize_t y, i
    cdef int c, m = 0
    for y in range(p.height):
        if reserve(w, 4 * p.width * p.channels + 16):       # a code and its bits take 32 at most
            return E_MEMORY
        if y and p.restart_rows and y % p.restart_rows == 0:
            if end_segment(w) or reserve(w, 4 * p.width * p.channels + 16):
                return E_MEMORY
            w.next[0], w.next[1] = 0xFF, 0xD0 | m
            w.next += 2
            w.segment += 2
            m = (m + 1) & 7
        predict_line(p, y, Ss, diff)
        i = 0
        while i < p.width * p.channels:
            for c in range(p.channels):
                put_difference(w, &tables[c], diff[i + c])
            i += p.channels
    return end_segment(w)


cdef int open_picture(Picture *p, const uint16_t[:, :, ::1] samples, bits, restart_rows) except -1:
    if (samples.shape[0] < 1 or samples.shape[1] < 1 or not 1 <= samples.shape[2] <= 4
            or not 1 <= bits <= 16 or restart_rows < 0):
        raise ParameterError("a lossless scan has lines, columns and 1..4 channels of 1..16 bits")
    p.samples = &samples[0, 0, 0]
    p.height, p.width, p.channels = samples.shape[0], samples.shape[1], samples.shape[2]
    p.initial, p.restart_rows = 1 << (bits - 1), restart_rows
    return 0


def count_differences(const uint16_t[:, :, ::1] samples, int Ss, *, int bits, Py_ssize_t restart_rows=0):
    """Counts of difference categories with predictor Ss: uint32 (channels, 17). Arguments: see
    `encode_lossless_scan`."""
    cdef Picture p
    cdef uint32_t counts[4][17]
    cdef int32_t *diff
    open_picture(&p, samples, bits, restart_rows)
    diff = <int32_t *>malloc(p.width * p.channels * sizeof(int32_t))
    if diff == NULL:
        raise MemoryError
    counts[:] = [[0] * 17] * 4
    with nogil:
        count_categories(&p, Ss, diff, counts)
    free(diff)
    return np.array([[counts[c][size] for size in range(17)] for c in range(p.channels)], np.uint32)


def encode_lossless_scan(const uint16_t[:, :, ::1] samples, int Ss, tables, *, int bits, Py_ssize_t restart_rows=0):
    """One interleaved scan.

    Parameters
    ----------
    samples : (H, W, 1..4), the point transform taken off
    Ss : predictor 1..7
    tables : (BITS, HUFFVAL) for each channel
    bits : precision of the samples, without the point transform
    restart_rows : lines of a restart interval, 0 for none

    Returns
    -------
    bytes
    """
    cdef Picture p
    cdef EntropyTable codes[4]
    cdef BitWriter writer
    cdef int32_t *diff
    cdef int status, c
    open_picture(&p, samples, bits, restart_rows)
    if len(tables) != p.channels:
        raise ParameterError("there is a Huffman table for each channel")
    for c in range(p.channels):
        BITS, HUFFVAL = tables[c]
        set_entropy_table(&codes[c], BITS, HUFFVAL)
    diff = <int32_t *>malloc(p.width * p.channels * sizeof(int32_t))
    if diff == NULL or open_writer(&writer, 1 << 16):
        free(diff)
        raise MemoryError
    try:
        with nogil:
            status = put_lines(&p, Ss, diff, codes, &writer) or writer.status
        if status == E_MEMORY:
            raise MemoryError
        if status:
            raise ParameterError("a Huffman table has no code for a category of this picture")
        return writer.start[:writer.next - writer.start]
    finally:
        free(diff)
        close_writer(&writer)
