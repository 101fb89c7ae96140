"""What the decoder reads slice data with, around the slice it fills; the floors below see the SliceContext alone.

Fields of the context are set by _mb_syntax (7.3.5) and _residual (7.3.5.3), through _cavlc (9.2), or _cabac and
_cabac_mb (9.3). The first fault is kept: readers return values in range after one, and the slice ends with its
macroblock.
"""
from libc.stdint cimport uint8_t, int64_t, uint64_t

from codec._core cimport BitReader
from codec.h264.macroblock._slice cimport SliceContext

cdef enum:
    # What was wrong; see FAULTS of _slice_dec.pyx
    FAULT_END = 1           # the data ends inside a macroblock
    FAULT_MB_TYPE = 2
    FAULT_SUB_MB_TYPE = 3
    FAULT_REF_IDX = 4
    FAULT_CBP = 5
    FAULT_INTRA = 6         # a prediction mode that does not exist, or whose neighbours are missing
    FAULT_QP_DELTA = 7
    FAULT_COEFF = 8         # an invalid coeff_token, total_zeros, run_before or level
    FAULT_REFERENCE = 9     # refers to a missing picture
    FAULT_SKIP_RUN = 10
    FAULT_ADDRESS = 11      # past the last macroblock of the picture
    FAULT_MVD = 12
    FAULT_PARTITION_B = 13  # a residual in a missing data partition
    FAULT_PARTITION_C = 14
    FAULT_MEMORY = 15

cdef struct Cabac:
    # 9.3.1.2, both scaled by 2^k where k bits of the data are read ahead: the range is k + 9 bits long, which tells k.
    uint64_t range          # codIRange
    uint64_t room           # codIRange - 1 - codIOffset: what fits above the offset
    const uint8_t *next     # 8 zero bytes follow the data
    const uint8_t *end

# Slice data partition B or C (7.3.2.9): its reader while it is not in SliceReader.bits.
cdef struct Partition:
    BitReader bits
    int64_t last_bit
    int present

cdef struct SliceReader:
    SliceContext s
    BitReader bits          # of partition A with slice data partitioning
    int64_t last_bit        # position of rbsp_stop_one_bit
    Partition partition[2]  # B: residual of intra macroblocks; C: of inter macroblocks
    Cabac cabac
    uint8_t state[1024]     # pStateIdx << 1 | valMPS, by ctxIdx
    int prev_mb_skipped     # prevMbSkipped
    int next_mb_skipped     # mb_skip_flag of the bottom macroblock, where it is known before the top one is decoded
    int fault               # FAULT_..., 0: none

cdef inline void note(SliceReader *d, int fault) noexcept nogil:
    """Keep the first fault."""
    if d.fault == 0:
        d.fault = fault
