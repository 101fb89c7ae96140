"""Huffman tables as decoders of any process need them, and scans of DCT-based ones as they are read."""
from libc.stdint cimport int16_t, int64_t, uint16_t, uint32_t, uint64_t, uint8_t

from codec._core cimport HuffmanReader, JpegDsp, JpegPairs, JpegSkim, Sample, codec_assert, idct_block_deep
from codec.jpeg._arith cimport ArithComponent, ArithReader, Statistics
from codec.jpeg._segments cimport Segments

cdef class HuffmanTable:
    cdef HuffmanReader reader
    cdef JpegSkim *skim                 # owned; NULL: not needed so far

cdef class ReadTables:
    cdef const HuffmanReader *dc[4]     # NULL: not set
    cdef const HuffmanReader *ac[4]
    cdef dict keep                      # (Tc, Th) -> HuffmanTable

cdef struct ReadComponent:
    int16_t *level_nat      # first block row of the current rows
    uint64_t *present       # AC scans: the nonzero coefficients of each block, by position in the zig-zag
    Py_ssize_t wide, high
    int H, V                # blocks in an MCU of this scan
    int frame_H, frame_V    # blocks in an MCU of the frame, to report damage by it
    const HuffmanReader *dc
    const HuffmanReader *ac
    const JpegSkim *skim    # NULL, or for what `only_dc` asks
    const JpegPairs *pairs  # NULL, or for long sequential scans: see take_pairs
    bint only_dc            # of sequential blocks DC alone is kept, one int16 each
    ArithComponent arith
    int pred

cdef struct ReadScan:
    ReadComponent component[4]
    int Ns
    int Ss, Se, Ah, Al
    bint progressive, arithmetic
    Py_ssize_t mcus_wide, mcus_high
    Py_ssize_t restart_interval
    Segments segments
    Py_ssize_t left                 # MCUs left in this restart interval
    ArithReader reader              # Huffman coded scans use its bits alone
    Statistics statistics
    uint32_t EOBRUN
    bint dead                       # nothing more can be read in this interval
    bint doubtful                   # this interval had damage, after which it is read on
    bint conceal
    const JpegDsp *dsp
    JpegPairs *pairs                # owned by whose segments these are; NULL: not taken
    int16_t scratch[64]
    uint8_t *lost                   # per MCU of the frame; NULL when the first error ends the scan
    Py_ssize_t lost_stride

cdef class PreparedScan:
    cdef ReadScan *scan                 # owned
    cdef object owners, present         # of what it points to
    cdef ReadTables tables
    cdef list Ta                        # of the components

    cdef int prepare_skimming(self) except -1

cdef int take_pairs(ReadScan *s) noexcept nogil
cdef void begin_interval(ReadScan *s, Py_ssize_t mcu) noexcept nogil
cdef Py_ssize_t read_undamaged(ReadScan *s, Py_ssize_t my, Py_ssize_t row0, Py_ssize_t mx) noexcept nogil
cdef int read_mcu_row(ReadScan *s, Py_ssize_t my, Py_ssize_t row0, Py_ssize_t begin=*) noexcept nogil

cdef inline void idct_row(const JpegDsp *dsp, const int16_t *level_nat, Py_ssize_t wide, const uint16_t *Q_nat,
                          int precision, Sample *out, Py_ssize_t stride) noexcept nogil:
    """One row of blocks to eight rows of samples."""
    cdef Py_ssize_t bx
    codec_assert((precision == 8) == (sizeof(Sample) == 1))
    if Sample is uint8_t:
        dsp.idct(level_nat, Q_nat, out, stride, wide)
    else:
        for bx in range(wide):
            idct_block_deep(level_nat + 64 * bx, Q_nat, precision, out + 8 * bx, stride)
