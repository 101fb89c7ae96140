"""The entropy-coded bytes of a scan, and how to recover when some are damaged. Contents:

    find        where segments begin and end (B.1.1.5)
    intervals   the segment of each restart interval, without stuffing; markers out of sequence (E.2.4)
    errors      the first one of a scan, as an exception
"""
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from codec._core cimport E_HUFFMAN, E_MARKER, E_MEMORY, E_RANGE, E_TRUNCATED, OK, JpegDsp, jpeg_dsp
from ..cpu import level_index
from ..errors import BitstreamError, ParameterError, TruncatedError


# ================================================================ find

def find_segments(const uint8_t[::1] data, Py_ssize_t start):
    """Entropy-coded segments of the scan whose first byte is data[start].

    Returns
    -------
    (segments, end) : int64 array (n, 3) of start, end and number of the RST marker before it (-1 for the first);
    position of the marker
        that ends the scan, or the size of the data (B.1.1.5; stuffed zeros and fill bytes are no end)
    """
    cdef Py_ssize_t n = 0, end
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef const uint8_t *byte = NULL
    cdef int64_t first[3 * FEW_SEGMENTS]
    cdef int64_t[:, ::1] found
    if not 0 <= start <= data.shape[0]:
        raise ParameterError(f"a scan cannot begin at byte {start} of {data.shape[0]}")
    if data.shape[0]:
        byte = &data[0]
    end = walk_segments(dsp, byte, data.shape[0], start, first, FEW_SEGMENTS, &n)
    segments = np.empty((n, 3), np.int64)
    found = segments
    if n <= FEW_SEGMENTS:
        memcpy(&found[0, 0], first, n * 3 * sizeof(int64_t))
    else:
        walk_segments(dsp, byte, data.shape[0], start, &found[0, 0], n, &n)
    return segments, end


cdef Py_ssize_t walk_segments(const JpegDsp *dsp, const uint8_t *data, Py_ssize_t size, Py_ssize_t start,
                              int64_t *found, Py_ssize_t room, Py_ssize_t *n) noexcept nogil:
    """Count the segments, and store the first `room` of them in `found`; returns where the scan ends. Hostile data has
    one every two bytes: too many for a list."""
    cdef Py_ssize_t at = start, begin = start
    cdef int number = -1
    n[0] = 0
    while at < size:
        at += dsp.next_marker(&data[at], size - at)
        if at == size or not 0xD0 <= data[at + 1] <= 0xD7:
            break
        if n[0] < room:
            found[0], found[1], found[2] = begin, at, number
            found += 3
        n[0] += 1
        number = data[at + 1] & 7
        at += 2
        begin = at
    if n[0] < room:
        found[0], found[1], found[2] = begin, at, number
    n[0] += 1
    return at


# ================================================================ intervals

cdef int open_segments(Segments *s, const uint8_t[::1] data, const int64_t[:, ::1] found) except -1:
    """Take what `find_segments` found in `data`; both must outlive `s`, which close_segments() frees."""
    cdef Py_ssize_t i
    if found.shape[0] < 1 or found.shape[1] != 3:
        raise ParameterError("a scan has one segment at least")
    for i in range(found.shape[0]):
        if not 0 <= found[i, 0] <= found[i, 1] <= data.shape[0]:
            raise ParameterError("a segment lies outside the data")
    if take_segments(s, jpeg_dsp(level_index()), &data[0], data.shape[0], &found[0, 0], found.shape[0]):
        raise MemoryError
    return 0


cdef int take_segments(Segments *s, const JpegDsp *dsp, const uint8_t *data, Py_ssize_t size, const int64_t *found,
                       Py_ssize_t count) noexcept nogil:
    """`open_segments` for what `walk_segments` found; returns a status."""
    cdef Py_ssize_t i
    memset(s, 0, sizeof(Segments))
    s.dsp, s.data, s.size, s.found, s.count = dsp, data, size, found, count
    for i in range(count):
        s.longest = max(s.longest, <Py_ssize_t>(found[3 * i + 1] - found[3 * i]))
    s.plain = <uint8_t *>malloc(s.longest + ZEROS)
    return E_MEMORY if s.plain == NULL else OK


cdef void close_segments(Segments *s) noexcept nogil:
    free(s.plain)


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


cdef Py_ssize_t next_interval(Segments *s, Py_ssize_t mcu) noexcept nogil:
    """Unstuff the segment of the next restart interval, which begins with `mcu`; returns its size, or -1 if it is lost.

    Markers count modulo 8 (B.2.1). One out of sequence, while the next two are in sequence, counts as a damaged
    marker. Otherwise a marker 1..3 ahead means that intervals before it were lost, and waits for its turn; any other is
    debris and is skipped with its segment.
    """
    cdef const int64_t *segment
    cdef Py_ssize_t size = -1
    cdef int ahead
    cdef bint renumbered
    while s.next < s.count:
        segment = s.found + 3 * s.next
        ahead = <int>(segment[2] - (s.interval - 1)) & 7 if s.interval else 0
        renumbered = (ahead and s.next + 1 < s.count and segment[5] == s.interval & 7
                      and (s.next + 2 == s.count or segment[8] == (s.interval + 1) & 7))
        if ahead and s.status == OK:
            s.status, s.offset_bytes, s.mcu = E_MARKER, segment[0] - 2, mcu
        if ahead == 0 or renumbered:
            size = s.dsp.unstuff(s.data + segment[0], segment[1] - segment[0], s.plain)
            memset(s.plain + size, 0, ZEROS)
            s.closed = segment[1] < s.size
            s.next += 1
            break
        if ahead <= 3:
            break
        s.next += 1
    if size < 0 and s.status == OK:
        s.status, s.offset_bytes, s.mcu = E_TRUNCATED, s.found[3 * s.count - 2], mcu
    s.interval += 1
    return size


cdef void open_only_segment(Segments *s) noexcept nogil:
    """As `next_interval` for a scan of one segment, which `unstuff_part` copies."""
    s.next = s.interval = 1
    s.closed = s.found[1] < s.size


cdef Py_ssize_t unstuff_part(Segments *s, Py_ssize_t *at, Py_ssize_t past, uint8_t *plain) noexcept nogil:
    """Go on with the only segment from byte `at` of the data to about `past`; returns the size of the part."""
    cdef Py_ssize_t begin = at[0], end = s.found[1]
    past = max(past, begin)
    while past < end and past > s.found[0] and s.data[past - 1] == 0xFF:    # what follows belongs to it
        past += 1
    at[0] = past = min(past, end)
    begin = s.dsp.unstuff(s.data + begin, past - begin, plain)
    if past == end:
        memset(plain + begin, 0, ZEROS)
    return begin


cdef Py_ssize_t whole_intervals(Py_ssize_t mcus_wide, Py_ssize_t restart_interval) noexcept nogil:
    """The least number of rows of MCUs that ends where a restart interval does."""
    cdef Py_ssize_t a = mcus_wide, b = restart_interval
    while b:
        a, b = b, a % b
    return restart_interval // a if restart_interval else 1


# ================================================================ errors

cdef void note_error(Segments *s, int status, Py_ssize_t used, Py_ssize_t mcu) noexcept nogil:
    """Keep the first error of the scan: at `mcu`, after `used` bytes of the open segment's plain form."""
    cdef const int64_t *segment = s.found + 3 * (s.next - 1)
    if s.status == OK:
        s.status, s.offset_bytes, s.mcu = status, stuffed_offset(s.data, segment[0], segment[1], used), mcu


MESSAGES = {
    E_TRUNCATED: "the entropy-coded data ends early",
    E_HUFFMAN: "bits that are no Huffman code of the table",
    E_RANGE: "a run or magnitude that leads out of the block",
    E_MARKER: "a restart marker is out of sequence",
    E_SAMPLE: "a sample beyond its precision",
}
CLAUSES = {E_TRUNCATED: "T.81 F.2.2.5", E_HUFFMAN: "T.81 F.2.2.3", E_RANGE: "T.81 F.2.2", E_MARKER: "T.81 E.2.4",
           E_SAMPLE: "T.81 H.1.2.1"}


cdef object first_error(Segments *s, Py_ssize_t mcus):
    """None, or the `BitstreamError` of the first damage in a scan of `mcus` MCUs, for the caller to raise or report."""
    if s.status == OK:
        return None
    kind = TruncatedError if s.status == E_TRUNCATED else BitstreamError
    return kind(f"{MESSAGES[s.status]}, at MCU {s.mcu} of {mcus}", layer="entropy-coded data", offset=s.offset_bytes,
                clause=CLAUSES[s.status])
