"""State of the slice being decoded, shared by all stages of a macroblock:

    _neighbours     6.4.9 to 6.4.12: who the neighbours are; copies what is needed of them into padded caches
    _mb_syntax      7.3.5: reads the macroblock layer through _cavlc (9.2), or _cabac and _cabac_mb (9.3), into the fields below "current macroblock"
    _motion         8.4.1: motion vectors and reference indices; _direct: 8.4.1.2, 8.4.1.3.2
    _inter          8.4.2: samples of inter prediction; _recon: 8.3 and 8.5; _switching: 8.6

A cache holds the 4x4 blocks of the macroblock and those around it: block (x, y) is entry CACHE + x + 8 * y, x from -1 (left) to 4 (above
right, y = -1 only), y from -1 (above). No stage looks at edges of slices or pictures afterwards.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t

from libc.string cimport memcpy

from codec._core cimport BitReader
from codec.h264.pictures._picture cimport *

from codec.h264.macroblock._kernels cimport *

cdef extern from "prefetch.h" nogil:
    void prefetch(const void *p)
    void prefetch_to_write(const void *p)

cdef enum:
    CACHE = 12              # entry of block (0, 0)
    CACHE_SIZE = 48

    UNUSED = -1             # reference index of a neighbour that does not use the list (or is intra)
    UNAVAILABLE = -2        # of one outside of the slice or not decoded yet

    SLICE_P = 0             # slice_type % 5
    SLICE_B = 1
    SLICE_I = 2
    SLICE_SP = 3
    SLICE_SI = 4

    PART_16X16 = 0          # SliceContext.part
    PART_16X8 = 1
    PART_8X16 = 2
    PART_8X8 = 3

    SUB_8X8 = 0             # SliceContext.sub_part
    SUB_8X4 = 1
    SUB_4X8 = 2
    SUB_4X4 = 3

    KIND_DC_420 = 3         # of blocks of levels: ctxBlockCat (Table 9-42) ...
    KIND_AC_CHROMA = 4
    KIND_DC_422 = 14        # ... and one more, since chroma DC of 4:2:2 is longer
    KINDS = 15

    # What was wrong; see FAULTS of _slice_dec.pyx
    FAULT_END = 1           # the data ends inside a macroblock
    FAULT_MB_TYPE = 2
    FAULT_SUB_MB_TYPE = 3
    FAULT_REF_IDX = 4
    FAULT_CBP = 5
    FAULT_INTRA = 6         # a prediction mode whose neighbours are missing, or that does not exist
    FAULT_QP_DELTA = 7
    FAULT_COEFF = 8         # coeff_token, total_zeros, run_before or a level that cannot be
    FAULT_REFERENCE = 9     # refers to a picture that is missing
    FAULT_SKIP_RUN = 10
    FAULT_ADDRESS = 11      # past the last macroblock of the picture
    FAULT_MVD = 12
    FAULT_PARTITION_B = 13  # a residual in a data partition that has not come
    FAULT_PARTITION_C = 14
    FAULT_MEMORY = 15

    SWITCH_NONE = 0         # SliceContext.switching
    SWITCH_PRIMARY = 1      # SP slice, sp_for_switch_flag 0 (8.6.1)
    SWITCH_SECONDARY = 2    # SP slice, sp_for_switch_flag 1, or SI slice (8.6.2)

cdef struct Cabac:
    # 9.3.1.2, both scaled by 2^k where k bits of the data are read ahead: the range is k + 9 bits long, which tells k.
    uint64_t range          # codIRange
    uint64_t room           # codIRange - 1 - codIOffset: what has to be taken from the top of the range to pass the offset
    const uint8_t *next     # 8 zero bytes follow the data
    const uint8_t *end

# Slice data partition B or C (7.3.2.9): its reader while it is not in SliceContext.bits.
cdef struct Partition:
    BitReader bits
    int64_t last_bit
    int present

# A frame or field that this slice may refer to.
cdef struct Reference:
    PictureData *picture    # NULL: missing
    uint8_t *plane[3]       # first line of the frame or field
    int32_t id              # as in PictureData.ref_id
    int32_t poc
    int parity              # 0 frame, 1 top field, 2 bottom field
    int long_term
    int field               # parity != 0
    int height[2]           # of luma and chroma, in samples
    Py_ssize_t stride[2]    # in bytes, of its lines
    int chroma_shift        # of vertical vectors, in eighths of a sample of 4:2:0 (Table 8-9)

# Explicit weights of one reference index (8.4.2.3), by component; the flag tells whether any of the three differs from the default.
cdef struct Weight:
    int16_t weight[3]
    int16_t offset[3]
    int flag

# What is kept of each macroblock for its neighbours in the slice, beside what the picture keeps.
cdef struct MbContext:
    # of the blocks in the lowest row, and in the right column
    uint8_t nnz_bottom[3][4], nnz_right[3][4]           # total_coeff( coeff_token ) with CAVLC, coded_block_flag with CABAC, by component
    int8_t mode_bottom[4], mode_right[4]                # Intra4x4PredMode or Intra8x8PredMode; 2 in all other macroblocks
    uint8_t mvd_bottom[2][4][2], mvd_right[2][4][2]     # |mvd_l0|, |mvd_l1|, at most 127
    uint8_t direct[4]       # by b8: predicted in direct mode (B_Skip, B_Direct_16x16, B_8x8 direct)
    uint8_t dc_flag         # coded_block_flag of DC: bit component
    uint8_t cbp             # CodedBlockPatternLuma | CodedBlockPatternChroma << 4
    uint8_t intra_chroma_pred_mode
    uint8_t mb_type_direct  # mb_type is B_Skip or B_Direct_16x16

cdef struct SliceContext:
    # ---- coefficients d of 8.5.12, scaled, by component and 4x4 (or 8x8) block in the zig-zag order of 6.4.3; all zero between macroblocks
    int32_t coef[3 * 256]
    # ---- parameters of the sequence and the picture parameter set, the same in many slices: up to `pic` they are copied into each
    int mb_width, mb_height # of the frame
    int ChromaArrayType
    int pixel_shift
    int bit_depth[2]
    int max_sample[2]
    int QpBdOffset[2]
    int chroma_width, chroma_height         # MbWidthC, MbHeightC
    int mb_lines[3]         # of a macroblock, by component
    Py_ssize_t mb_bytes[3]  # of each of them
    int entropy_coding_mode_flag, transform_8x8_mode_flag, constrained_intra_pred_flag, direct_8x8_inference_flag
    int qpprime_y_zero_transform_bypass_flag
    int8_t qpc_table[2][128]                # [cb or cr][QPY + 64] -> QPC
    const int32_t *scale4[6]                # LevelScale4x4 << qP / 6, [qP][raster]: Intra Y, Cb, Cr, Inter Y, Cb, Cr
    const int32_t *scale8[6]                # LevelScale8x8 << qP / 6: Intra Y, Inter Y, Intra Cb, Inter Cb, Intra Cr, Inter Cr
    const H264Dsp *dsp
    # ---- the picture and the slice
    PictureData *pic
    MbContext *mbs          # of the latest macroblocks: see context_of
    int mbs_mask
    Turns *turns            # of the threads: this one has one
    int pic_mbs             # macroblocks of the coded picture (frame or field)
    int slice_index
    int first_mb            # address
    int row_limit           # address up to which complete rows may be filtered and read by other threads: no later slice has any before
    SliceInfo info          # for the picture
    int slice_type          # SLICE_P for SP, SLICE_I for SI
    int switching           # SWITCH_...
    int si_slice            # mb_type has the prefix of Table 7-12
    int MbaffFrameFlag, field_pic_flag, bottom_field_flag
    int direct_spatial_mv_pred_flag
    int num_ref_idx_active[2]
    int colour_plane        # component that "luma" of this slice is stored in (separate_colour_plane_flag)
    int weight_mode         # 0 default, 1 explicit, 2 implicit
    int luma_log2_weight_denom, chroma_log2_weight_denom
    int32_t slice_qp
    int qs, qs_c[2]         # QSY, QSC of SP and SI slices
    int32_t poc[2]          # TopFieldOrderCnt and BottomFieldOrderCnt of this picture, and of RefPicList1[0]: pictures
    int32_t col_poc[2]      # themselves are numbered anew by memory_management_control_operation 5 while others read them
    int16_t dist_scale[3][32]               # DistScaleFactor by refIdxL0; 0x7FFF: long term, no scaling
    const uint8_t *map                      # mbToSliceGroupMap by MbAddr (map units resolved), NULL: one slice group
    # ---- reader
    BitReader bits
    Cabac cabac
    uint8_t state[1024]     # pStateIdx << 1 | valMPS, by ctxIdx
    int64_t last_bit        # position of rbsp_stop_one_bit
    int partitioned         # `bits` reads partition A
    Partition partition[2]  # B: residual of intra macroblocks; C: of inter macroblocks
    int fault
    # ---- current macroblock: where
    int mbaddr              # CurrMbAddr
    int mb_x, mb_row, mb    # column, row and number in storage (see _picture.pxd)
    int mb_field            # field macroblock (in field pictures always)
    int kind                # first index of refs: 0, or 1 + (mb_row & 1) in field macroblocks of MBAFF
    int luma_y              # first line in the frame or field that it is predicted from
    uint8_t *dst[3]
    Py_ssize_t stride[3]
    # ---- its neighbours (6.4.12): numbers in storage; -1: not available. With A and the macroblock of different kinds in MBAFF, blocks of
    #      one column of A lie in both macroblocks of the pair: left_mb[y], left_row[y] tell those beside block row y
    int left_mb[4]
    int left_row[4]
    int top_mb, topright_mb, topleft_mb, topleft_row
    int left_pair, top_pair                 # a macroblock of the pairs A and B of MBAFF, or -1
    int avail               # H264_LEFT ...
    int intra_avail         # the same for intra prediction (constrained_intra_pred_flag)
    int left_half_avail     # bit 0: upper half of the left column may be used for intra prediction, bit 1: lower half
    # ---- its syntax
    int flags               # MB_... of _picture.pxd
    int cbp
    int raw_levels          # coef holds levels, not scaled: with MB_BYPASS, and where _switching comes next
    int mb_qp_delta         # of the latest macroblock, for its ctxIdxInc
    int qp                  # QPY
    int qp_c[2]             # QPC without QpBdOffsetC
    int part
    int sub_part[4]
    int pred_flag[4]        # by b8: bit 0 list 0, bit 1 list 1
    int direct[4]           # by b8
    int intra16_mode, intra_chroma_pred_mode
    int8_t intra_mode[16]   # b4 (4x4) or of each of the four b4 of an 8x8 block
    int16_t mvd[2][16][2]   # at the first block of each partition
    int8_t ref_idx[2][4]
    uint64_t dc_coded       # bit component: DC levels of Intra_16x16 or chroma present
    uint64_t coded[3]       # bit k: transform block k (zig-zag order) has levels; bit 16 + k: more than its DC
    # ---- caches
    uint8_t nnz_cache[3][CACHE_SIZE]
    int8_t mode_cache[CACHE_SIZE]
    int8_t ref_cache[2][CACHE_SIZE]
    int16_t mv_cache[2][CACHE_SIZE][2]
    uint8_t mvd_cache[2][CACHE_SIZE][2]
    uint8_t direct_cache[CACHE_SIZE]
    # ---- slice data
    int prev_mb_skipped, next_mb_skipped    # the latter of the bottom macroblock, where it is known before the top one is decoded
    int decoded             # macroblocks
    # ---- scratch for motion compensation
    uint8_t *edge           # (21 x 21 samples, or chroma)
    uint8_t *second         # list 1 prediction, three planes of 16 x 16
    # ---- by reference index, of as many as the slice has: what comes after them is never set, nor cleared with the rest
    Reference refs[3][2][48]                # [0]: frame macroblocks and field pictures; [1], [2]: top and bottom field macroblocks of MBAFF
    Weight weights[2][32]                   # with weight_mode 1
    int16_t implicit_w1[3][32][32]          # with weight_mode 2, as refs: w1 by refIdxL0, refIdxL1 (w0 = 64 - w1)

cdef inline void note(SliceContext *s, int fault) noexcept nogil:
    """Remember the first fault."""
    if s.fault == 0:
        s.fault = fault

cdef inline int context_room(const SliceContext *s) noexcept nogil:
    """Room for MbContext, a power of two: a macroblock asks for those up to one row before it, two rows in fields, and three in MBAFF frames."""
    cdef int room = 64, most = (4 if s.MbaffFrameFlag else 2 if s.field_pic_flag else 1) * s.mb_width + 2
    while room < most:
        room *= 2
    return room

cdef inline MbContext *context_of(SliceContext *s, int mb) noexcept nogil:
    """What a macroblock of the slice left for the current one."""
    return &s.mbs[mb & s.mbs_mask]

cdef inline void wait_for_lines(SliceContext *s, const PictureData *p, int lines) noexcept nogil:
    """Until the first lines of another picture are final; meanwhile another thread has the turn."""
    if has_lines(p, lines):
        return
    turns_lock(s.turns)
    turns_give(s.turns)
    turns_unlock(s.turns)
    while not has_lines(p, lines):
        shared_sleep()
    turns_lock(s.turns)
    turns_take(s.turns)
    turns_unlock(s.turns)

cdef inline void set_block(SliceContext *s, int list, int x, int y, int w, int h, int ref, int mvx, int mvy) noexcept nogil:
    """Fill w x h blocks (4, 2 or 1 each way) of the motion caches at the block (x, y)."""
    cdef int entry = CACHE + x + 8 * y, row
    cdef int16_t parts[2]
    cdef uint32_t mv
    cdef uint64_t two
    cdef uint32_t refs = <uint8_t>ref * 0x01010101u
    cdef uint16_t pair = <uint16_t>refs
    parts[0], parts[1] = <int16_t>mvx, <int16_t>mvy
    memcpy(&mv, parts, 4)
    two = mv | <uint64_t>mv << 32
    for row in range(h):
        if w == 4:
            memcpy(&s.ref_cache[list][entry], &refs, 4)
            memcpy(s.mv_cache[list][entry], &two, 8)
            memcpy(s.mv_cache[list][entry + 2], &two, 8)
        elif w == 2:
            memcpy(&s.ref_cache[list][entry], &pair, 2)
            memcpy(s.mv_cache[list][entry], &two, 8)
        else:
            s.ref_cache[list][entry] = <int8_t>ref
            memcpy(s.mv_cache[list][entry], &mv, 4)
        entry += 8
