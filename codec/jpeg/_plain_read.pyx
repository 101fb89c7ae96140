"""The usual picture, from headers that are known to pixels: Huffman coded, undamaged, and sequential of one scan or
progressive. Contents:

    file        segments and Huffman tables in one pass
    picture     its scans, as the teams of _stream_read and _scan_team take them

A picture of 64x64 pixels takes 8 microseconds in the kernels of _stream_read: here nothing is made that is not needed.
What is unusual is left to `Decoder`, which finds out what is the matter: each check here may be stricter than its own.
"""
from libc.stdint cimport int64_t, int8_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from codec._core cimport HuffmanReader, JpegDsp, fill_huffman_reader, jpeg_dsp
from codec.jpeg._scan_read cimport HuffmanTable, PreparedScan, ReadComponent, ReadScan, take_pairs
from codec.jpeg._scan_team cimport ScanTeam
from codec.jpeg._segments cimport FEW_SEGMENTS, close_segments, take_segments, walk_segments
from codec.jpeg._stream_read cimport BandTeam, copy_description, describe, run
from ..cpu import level_index
from ._scan_read import huffman_table
from .tables import (
    T81_TABLE_K_3_DC_LUMINANCE, T81_TABLE_K_4_DC_CHROMINANCE, T81_TABLE_K_5_AC_LUMINANCE, T81_TABLE_K_6_AC_CHROMINANCE,
)


cdef enum:
    MOST_SCANS = 32         # each takes memory for its data without stuffing
    MOST_TABLES = 128       # of 7 kB each
    DHT = 0xC4
    EOI = 0xD9
    SOS = 0xDA
    UNKNOWN = 99            # no scan has touched the coefficient


# ================================================================ file

cdef list KNOWN = [
    (bytes(BITS) + bytes(HUFFVAL), huffman_table(bytes(BITS), bytes(HUFFVAL)))
    for BITS, HUFFVAL in (T81_TABLE_K_3_DC_LUMINANCE, T81_TABLE_K_5_AC_LUMINANCE, T81_TABLE_K_4_DC_CHROMINANCE,
                          T81_TABLE_K_6_AC_CHROMINANCE)
]


cdef struct PlainScan:
    ReadScan scan
    int component[4]                    # of the frame
    int64_t few[3 * FEW_SEGMENTS]
    int64_t *found                      # its segments: `few`, or owned


cdef class PlainFile:
    """A file while it is read: what stands before its first scan, and what its scans need."""
    cdef bytes data
    cdef const uint8_t *byte
    cdef Py_ssize_t size, at            # of the file; of the next segment
    cdef Py_ssize_t segments            # so far
    cdef readonly bytes opening         # all up to the first scan header, and this, without Huffman tables
    cdef readonly bytes defined         # class << 4 | destination of each of those
    cdef HuffmanReader *own[MOST_TABLES]    # owned: its tables, in their order; NULL for those of Annex K
    cdef int tables                     # so far
    cdef const HuffmanReader *dc[4]     # in force; NULL: not defined
    cdef const HuffmanReader *ac[4]
    cdef PlainScan *scan[MOST_SCANS]    # owned
    cdef int scans
    cdef int8_t bits_left[4][64]        # progressive: by component, the bit of each coefficient that came last

    def __cinit__(self, bytes data not None):
        self.data, self.byte, self.size = data, <const uint8_t *><const char *>data, len(data)

    def __dealloc__(self):
        cdef PlainScan *p
        cdef int i
        for i in range(self.scans):
            p = self.scan[i]
            close_segments(&p.scan.segments)
            free(p.scan.pairs)
            if p.found != p.few:
                free(p.found)
            free(p)
        for i in range(min(<int>MOST_TABLES, self.tables + 1)):
            free(self.own[i])

    cdef Py_ssize_t segment_end(self) noexcept:
        """Where the segment at `at` ends; 0: none with a length begins there. Counts it."""
        cdef Py_ssize_t at = self.at, length
        if at + 4 > self.size or self.byte[at] != 0xFF or self.byte[at + 1] < 0xC0 or 0xD0 <= self.byte[at + 1] <= EOI:
            return 0
        length = self.byte[at + 2] << 8 | self.byte[at + 3]
        self.segments += 1
        return at + 2 + length if length >= 2 and at + 2 + length <= self.size else 0

    cdef bint take_tables(self, Py_ssize_t end) except -1:
        """The DHT segment at `at` (B.2.4.2); False: there is something wrong with it."""
        cdef Py_ssize_t at = self.at + 4, symbols
        cdef const HuffmanReader *table
        cdef int i
        while at < end:
            if end - at < 17 or self.byte[at] & 0xEC or self.tables == MOST_TABLES:
                return False
            symbols = 0
            for i in range(16):
                symbols += self.byte[at + 1 + i]
            if at + 17 + symbols > end:
                return False
            table = self.table_at(at + 1, 16 + symbols)
            if table == NULL:
                return False
            self.tables += 1
            if self.byte[at] >> 4:
                self.ac[self.byte[at] & 3] = table
            else:
                self.dc[self.byte[at] & 3] = table
            at += 17 + symbols
        return True

    cdef const HuffmanReader *table_at(self, Py_ssize_t at, Py_ssize_t size) except? NULL:
        """Most sequential files have the tables of Annex K; a small picture takes less time to decode than others to
        look for."""
        cdef HuffmanReader *table
        cdef HuffmanTable known
        for content, known in KNOWN:
            if len(content) == size and memcmp(<const char *>content, self.byte + at, size) == 0:
                return &known.reader
        self.own[self.tables] = table = <HuffmanReader *>malloc(sizeof(HuffmanReader))
        if table == NULL:
            raise MemoryError
        return table if fill_huffman_reader(table, self.byte + at, self.byte + at + 16, size - 16) else NULL

    cdef bint take_opening(self, Py_ssize_t most) except -1:
        """All up to the first scan, at which `at` stays; False: it is no usual one, or has more than `most` bytes
        without its tables."""
        cdef Py_ssize_t begin = 0, end, at
        cdef bint usual = False
        cdef list parts = [], defined = []
        self.at = 2
        if self.size < 4 or self.byte[0] != 0xFF or self.byte[1] != 0xD8:
            return False
        while True:
            end = self.segment_end()
            if end == 0:
                return False
            if self.byte[self.at + 1] == SOS:
                break
            usual |= 0xC0 <= self.byte[self.at + 1] <= 0xC2
            if self.byte[self.at + 1] == DHT:
                if not self.take_tables(end):
                    return False
                parts.append(self.data[begin:self.at])
                begin = end
            self.at = end
        parts.append(self.data[begin:end])
        self.segments -= 1                              # the scan header is read again
        for at in range(4):
            if self.dc[at] != NULL:
                defined.append(at)
            if self.ac[at] != NULL:
                defined.append(1 << 4 | at)
        self.opening, self.defined = b"".join(parts), bytes(defined)
        return usual and len(self.opening) <= most


def plain_file(bytes data not None, most):
    """Read the opening of a file: a PlainFile, or None for kinds that `Decoder` reads. most: bytes that the opening may
    have without Huffman tables."""
    cdef PlainFile file = PlainFile(data)
    return file if file.take_opening(most) else None


# ================================================================ picture

cdef class PlainPicture:
    """A Huffman coded picture, described once for all that begin alike but for their Huffman tables: small ones take
    less time to decode than to describe.

    Parameters
    ----------
    prepared : PreparedScan of all components, without planes; its data does not matter. Of a sequential picture the
        scan, with the tables that a file without them has; of a progressive one any
    identifiers : of the components
    Q, color, sampling, height, width, precision : as `decode_pixels` takes them
    """
    cdef PreparedScan prepared
    cdef BandTeam model
    cdef object Q
    cdef bytes identifiers

    def __init__(self, PreparedScan prepared, identifiers, Q, color, sampling, height, width, precision):
        cdef ReadScan *s = prepared.scan
        cdef int i
        self.prepared, self.identifiers, self.Q, self.model = prepared, identifiers, Q, BandTeam()
        describe(self.model, [(s.component[i].high, s.component[i].wide) for i in range(s.Ns)], Q, color, sampling,
                 height, width, precision)

    def decode(self, PlainFile file not None, Py_ssize_t most_segments, Py_ssize_t most_scans, int threads=1):
        """The pixels; None if anything is unusual: damage, segments between scans other than tables, bits that no scan
        sends."""
        cdef const JpegDsp *dsp = jpeg_dsp(level_index())
        cdef bint progressive = self.prepared.scan.progressive
        cdef Py_ssize_t end
        most_scans = min(most_scans, <Py_ssize_t>MOST_SCANS if progressive else 1)
        memset(file.bits_left, UNKNOWN, sizeof(file.bits_left))
        while True:
            end = file.segment_end()
            if end == 0:
                break
            if file.byte[file.at + 1] == DHT and progressive:
                if not file.take_tables(end):
                    return None
            elif file.byte[file.at + 1] != SOS or file.scans == most_scans:
                return None
            else:
                end = self.take_scan(file, dsp, end)
                if end == 0:
                    return None
            file.at = end
        if (file.at + 2 > file.size or file.byte[file.at] != 0xFF or file.byte[file.at + 1] != EOI
                or file.segments + 1 > most_segments):
            return None
        return self.pixels_of_scans(file, dsp, threads) if progressive else self.pixels_of_scan(file, dsp, threads)

    cdef Py_ssize_t take_scan(self, PlainFile file, const JpegDsp *dsp, Py_ssize_t begin) except -1:
        """The scan whose header ends at `begin`; returns where it ends, or 0."""
        cdef const uint8_t *header = file.byte + file.at + 4
        cdef PlainScan *p
        cdef ReadScan *s
        cdef Py_ssize_t n = 0, end, blocks = 0
        cdef int i, codes
        if begin - file.at - 4 < 6 or begin - file.at - 4 != 4 + 2 * header[0] or header[0] > 4:
            return 0
        p = file.scan[file.scans] = <PlainScan *>calloc(1, sizeof(PlainScan))
        if p == NULL:
            raise MemoryError
        p.found = p.few
        file.scans += 1
        s = &p.scan
        memcpy(s, self.prepared.scan, sizeof(ReadScan))
        memset(&s.segments, 0, sizeof(s.segments))
        s.dsp = dsp
        if s.progressive and not self.follow_header(file, p, header):
            return 0
        if not take_readers(file, s, header):
            return 0
        end = walk_segments(dsp, file.byte, file.size, begin, p.few, FEW_SEGMENTS, &n)
        for i in range(s.Ns):
            blocks += s.component[i].high * s.component[i].wide
        codes = 2 if not s.progressive else s.Ss == 0       # of a block at least (`Decoder.check_size`)
        if 8 * (end - begin - 2 * (n - 1)) < codes * blocks:
            return 0
        if n > FEW_SEGMENTS:
            p.found = <int64_t *>malloc(3 * n * sizeof(int64_t))
            if p.found == NULL:
                raise MemoryError
            walk_segments(dsp, file.byte, file.size, begin, p.found, n, &n)
        if take_segments(&s.segments, dsp, file.byte, file.size, p.found, n) or take_pairs(s):
            raise MemoryError
        return end

    cdef bint follow_header(self, PlainFile file, PlainScan *p, const uint8_t *header) noexcept:
        """Describe a progressive scan by its header; False: it is not as T.81 G.1.1.1 wants it, or does not continue
        the scans before it."""
        cdef const ReadScan *model = self.prepared.scan
        cdef const uint8_t *last = header + 1 + 2 * header[0]
        cdef ReadScan *s = &p.scan
        cdef ReadComponent *c
        cdef int i, j = 0, k, blocks = 0, taken = 0
        s.Ns, s.Ss, s.Se, s.Ah, s.Al = header[0], last[0], last[1], last[2] >> 4, last[2] & 15
        if (s.Ss > s.Se or s.Se > 63 or (s.Ss == 0) != (s.Se == 0) or s.Ss and s.Ns > 1 or s.Al > 13
                or s.Ah and s.Ah != s.Al + 1):
            return False
        for i in range(s.Ns):
            j = 0
            while j < model.Ns and (self.identifiers[j] != header[1 + 2 * i] or taken >> j & 1):
                j += 1
            if j == model.Ns:
                return False
            taken |= 1 << j
            p.component[i] = j
            c = &s.component[i]
            c[0] = model.component[j]
            c.H = c.frame_H if s.Ns > 1 else 1
            c.V = c.frame_V if s.Ns > 1 else 1
            blocks += c.H * c.V
            for k in range(s.Ss, s.Se + 1):
                if file.bits_left[j][k] != (s.Ah if s.Ah else UNKNOWN):
                    return False
                file.bits_left[j][k] = s.Al
        if s.Ns == 1:
            s.mcus_high, s.mcus_wide = s.component[0].high, s.component[0].wide
        return blocks <= 10

    cdef object pixels_of_scan(self, PlainFile file, const JpegDsp *dsp, int threads):
        cdef BandTeam team = BandTeam()
        if file.scans == 0:
            return None
        copy_description(team, self.model)
        team.dsp, team.scan = dsp, &file.scan[0].scan
        pixels = run(team, threads, None)
        return None if team.scan.segments.status else pixels

    cdef object pixels_of_scans(self, PlainFile file, const JpegDsp *dsp, int threads):
        cdef ScanTeam team = ScanTeam()
        cdef int i, k
        for i in range(self.prepared.scan.Ns):
            for k in range(64):
                if file.bits_left[i][k]:
                    return None
        copy_description(team, self.model)
        team.dsp = dsp
        team.expect(file.scans)
        for i in range(file.scans):
            team.add(&file.scan[i].scan, file.scan[i].component)
        pixels = run(team, threads, None)
        return None if team.status else pixels


cdef bint take_readers(PlainFile file, ReadScan *s, const uint8_t *header) noexcept:
    """The Huffman tables that a scan header names; False: one that is needed is not there."""
    cdef ReadComponent *c
    cdef int i, Td, Ta
    for i in range(s.Ns):
        c = &s.component[i]
        Td, Ta = header[2 + 2 * i] >> 4, header[2 + 2 * i] & 15
        if Td > 3 or Ta > 3:
            return False
        if not s.progressive:
            if file.dc[Td] != NULL:
                c.dc = file.dc[Td]
            if file.ac[Ta] != NULL:
                c.ac = file.ac[Ta]
            continue
        c.dc, c.ac = file.dc[Td], file.ac[Ta]
        if c.dc == NULL and s.Ss == 0 and s.Ah == 0 or c.ac == NULL and s.Ss:
            return False
    return True
