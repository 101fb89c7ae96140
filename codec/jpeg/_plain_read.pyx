"""The usual picture, from headers that are known to pixels: Huffman coded, sequential, of one scan, undamaged.

A picture of 64x64 pixels takes 8 microseconds in the kernels of _stream_read: here nothing is made that is not needed.
"""
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from codec._core cimport JpegDsp, jpeg_dsp
from codec.jpeg._scan_read cimport PreparedScan, ReadScan
from codec.jpeg._segments cimport FEW_SEGMENTS, close_segments, take_segments, walk_segments
from codec.jpeg._stream_read cimport BandTeam, copy_description, describe, run
from ..cpu import level_index
from ..errors import ParameterError


def end_of_plain_headers(bytes data not None):
    """Where the first scan of a Huffman coded sequential picture begins, or 0: then the headers are of another process,
    damaged or separated by other bytes. Looks at lengths only."""
    cdef const uint8_t *byte = <const uint8_t *><const char *>data
    cdef Py_ssize_t at = 2, size = len(data)
    cdef bint sequential = False
    cdef int code
    if size < 4 or byte[0] != 0xFF or byte[1] != 0xD8:
        return 0
    while at + 4 <= size and byte[at] == 0xFF and byte[at + 1] >= 0xC0:
        code = byte[at + 1]
        if 0xD0 <= code <= 0xD9:
            return 0
        sequential |= code == 0xC0 or code == 0xC1
        at += 2 + (byte[at + 2] << 8 | byte[at + 3])
        if code == 0xDA:
            return at if sequential and at <= size else 0
    return 0


cdef class PlainPicture:
    """A Huffman coded sequential picture of one scan, described once for all that begin alike: small ones take less
    time to decode than to describe.

    Parameters
    ----------
    prepared : PreparedScan, without planes; its data does not matter
    Q, color, sampling, height, width, precision : as `decode_pixels` takes them
    """
    cdef PreparedScan prepared
    cdef BandTeam model
    cdef object Q
    cdef Py_ssize_t blocks

    def __init__(self, PreparedScan prepared, Q, color, sampling, height, width, precision):
        cdef ReadScan *s = prepared.scan
        cdef int i
        self.prepared, self.Q, self.model = prepared, Q, BandTeam()         # who own what it points to
        describe(self.model, [(s.component[i].high, s.component[i].wide) for i in range(s.Ns)], Q, color, sampling,
                 height, width, precision)
        for i in range(s.Ns):
            self.blocks += s.component[i].high * s.component[i].wide

    def decode(self, bytes data not None, Py_ssize_t begin, int threads=1):
        """The pixels of the scan that begins at data[begin]; None if it does not fill the picture without damage, or if
        anything but EOI follows it."""
        cdef const uint8_t *byte = <const uint8_t *><const char *>data
        cdef const JpegDsp *dsp = jpeg_dsp(level_index())
        cdef Py_ssize_t size = len(data), n = 0, end
        cdef int64_t few[3 * FEW_SEGMENTS]
        cdef int64_t *found = few
        if not 0 <= begin <= size:
            raise ParameterError(f"a scan cannot begin at byte {begin} of {size}")
        end = walk_segments(dsp, byte, size, begin, few, FEW_SEGMENTS, &n)
        # a block takes a DC and an AC code (`Decoder.check_size`)
        if end + 2 > size or byte[end + 1] != 0xD9 or 8 * (end - begin - 2 * (n - 1)) < 2 * self.blocks:
            return None
        if n > FEW_SEGMENTS:
            found = <int64_t *>malloc(3 * n * sizeof(int64_t))
            if found == NULL:
                raise MemoryError
            walk_segments(dsp, byte, size, begin, found, n, &n)
        try:
            return self.pixels_of(dsp, byte, size, found, n, threads)
        finally:
            if found != few:
                free(found)

    cdef object pixels_of(self, const JpegDsp *dsp, const uint8_t *data, Py_ssize_t size, const int64_t *found,
                          Py_ssize_t n, int threads):
        cdef BandTeam team = BandTeam()
        cdef ReadScan *scan = <ReadScan *>malloc(sizeof(ReadScan))
        if scan == NULL:
            raise MemoryError
        memcpy(scan, self.prepared.scan, sizeof(ReadScan))
        scan.dsp = team.dsp = dsp
        team.scan = scan
        copy_description(team, self.model)
        try:
            if take_segments(&scan.segments, dsp, data, size, found, n):
                raise MemoryError
            pixels = run(team, threads, None)
            return None if scan.segments.status else pixels
        finally:
            close_segments(&scan.segments)
            free(scan)
