"""The entropy-coded segments of a scan, one restart interval after the other."""
from libc.stdint cimport int64_t, uint8_t

from codec._core cimport JpegDsp

cdef enum:
    FEW_SEGMENTS = 32       # that are stored while they are counted
    E_SAMPLE = 7            # beside the statuses of _core.pxd: a sample beyond its precision
    ZEROS = 10 * 264 + 16   # readable after a segment: 10 blocks of an MCU (B.2.3) of JPEG_BLOCK_BYTES, and a word

cdef struct Segments:
    const JpegDsp *dsp
    const uint8_t *data             # the file
    Py_ssize_t size
    const int64_t *found            # (start, end, RST number or -1) for each restart segment
    Py_ssize_t count
    Py_ssize_t next                 # the next one
    Py_ssize_t interval             # restart intervals begun
    uint8_t *plain                  # owned: the open segment without stuffing, ZEROS zero bytes after it
    Py_ssize_t longest              # bytes of a segment
    bint closed                     # a marker follows the open segment; at the end of a file that breaks off none does
    int status                      # the first error of the scan, or OK
    Py_ssize_t offset_bytes, mcu    # where it is

cdef Py_ssize_t walk_segments(const JpegDsp *dsp, const uint8_t *data, Py_ssize_t size, Py_ssize_t start,
                              int64_t *found, Py_ssize_t room, Py_ssize_t *n) noexcept nogil
cdef int take_segments(Segments *s, const JpegDsp *dsp, const uint8_t *data, Py_ssize_t size, const int64_t *found,
                       Py_ssize_t count) noexcept nogil
cdef int open_segments(Segments *s, const uint8_t[::1] data, const int64_t[:, ::1] found) except -1
cdef void close_segments(Segments *s) noexcept nogil
cdef Py_ssize_t next_interval(Segments *s, Py_ssize_t mcu) noexcept nogil
cdef void note_error(Segments *s, int status, Py_ssize_t used, Py_ssize_t mcu) noexcept nogil
cdef Py_ssize_t whole_intervals(Py_ssize_t mcus_wide, Py_ssize_t restart_interval) noexcept nogil
cdef object first_error(Segments *s, Py_ssize_t mcus)
cdef void open_only_segment(Segments *s) noexcept nogil
cdef Py_ssize_t unstuff_part(Segments *s, Py_ssize_t *at, Py_ssize_t past, uint8_t *plain) noexcept nogil
