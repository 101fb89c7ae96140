"""A slice while it is coded: what all stages of a macroblock share. An encoder fills the same structs as the decoder.

    _neighbours     6.4.9 to 6.4.12: finds the neighbours and copies what is needed from them into padded caches
    _context        what a macroblock starts from, and what it leaves for later ones
    _motion         8.4.1: motion vectors and reference indices; _direct: 8.4.1.2, 8.4.1.3.2
    _inter          8.4.2: samples of inter prediction
    _intra          8.3: samples of intra prediction
    _scaling        8.5.6 to 8.5.12.1: levels to scaled coefficients
    _transform      8.5.12.2 to 8.5.15: inverse transforms, added to the prediction; _switching: 8.6
    _deblock        8.7

No stage on this floor knows where levels and syntax elements come from: the decoder reads them (entropy/_reader.pxd).
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from codec._core cimport codec_assert_range
from codec._stop cimport stopped
from codec._team cimport Turns, shared_pause, shared_sleep, turns_give, turns_lock, turns_take, turns_unlock
from codec.h264.macroblock._kernels cimport H264Dsp
from codec.h264.pictures._picture cimport PictureData, SliceInfo, has_lines

cdef enum:
    CACHE = 12              # entry of block (0, 0)
    CACHE_SIZE = 48

    UNUSED = -1             # reference index of a neighbour that does not use the list, or is intra
    UNAVAILABLE = -2        # of a neighbour outside the slice, or not decoded yet

    SLICE_P = 0             # slice_type % 5
    SLICE_B = 1
    SLICE_I = 2
    SLICE_SP = 3
    SLICE_SI = 4

    PART_16X16 = 0          # Macroblock.part
    PART_16X8 = 1
    PART_8X16 = 2
    PART_8X8 = 3

    SUB_8X8 = 0             # Macroblock.sub_part
    SUB_8X4 = 1
    SUB_4X8 = 2
    SUB_4X4 = 3

    SWITCH_NONE = 0         # SliceParams.switching
    SWITCH_PRIMARY = 1      # SP slice, sp_for_switch_flag 0 (8.6.1)
    SWITCH_SECONDARY = 2    # SP slice, sp_for_switch_flag 1, or SI slice (8.6.2)

    MISSING_REFERENCE = 1   # status: a reference index stands for a missing picture

# Parameters from the SPS and PPS: the same in many slices, copied into each.
cdef struct SequenceParams:
    int mb_width            # PicWidthInMbs
    int ChromaArrayType
    int pixel_shift         # log2 of bytes per sample
    int bit_depth[2]        # luma, chroma: 8 to 14
    int max_sample[2]
    int QpBdOffset[2]       # 0 to 36
    int chroma_width, chroma_height         # MbWidthC, MbHeightC
    int mb_lines[3]         # lines of a macroblock, by component
    Py_ssize_t mb_bytes[3]  # bytes of each of these lines
    int entropy_coding_mode_flag, transform_8x8_mode_flag, constrained_intra_pred_flag, direct_8x8_inference_flag
    int qpprime_y_zero_transform_bypass_flag
    int x264_before_151     # by that encoder: other contexts for coded_block_flag of 8x8 blocks (see hide_4x4)
    int8_t qpc_table[2][128]                # [cb or cr][QPY + 64] -> QPC
    const int32_t *scale4[6]                # LevelScale4x4 << qP / 6, [qP][raster]: Intra Y, Cb, Cr, Inter Y, Cb, Cr
    const int32_t *scale8[6]                # LevelScale8x8 << qP / 6: Intra Y, Inter Y, Intra Cb, Inter Cb, Intra Cr,
                                            # Inter Cr
    const H264Dsp *dsp

# Parameters from the slice header, and the place of the slice in its picture.
cdef struct SliceParams:
    int pic_mbs             # PicSizeInMbs: macroblocks of the coded picture (frame or field)
    int index               # into PictureData.slices
    int first_mb            # address of the first macroblock
    int row_limit           # complete rows below this address may be filtered and read by other threads: no later slice
                            # has a macroblock before it
    SliceInfo info          # for PictureData.slices
    int slice_type          # SLICE_P for SP, SLICE_I for SI
    int switching           # SWITCH_...
    int si_slice            # mb_type has the prefix of Table 7-12
    int partitioned         # slice data partitioning: nal_unit_type 2 to 4
    int MbaffFrameFlag, field_pic_flag, bottom_field_flag
    int direct_spatial_mv_pred_flag
    int num_ref_idx_active[2]               # at most 32, of fields; 16 in frames
    int colour_plane        # component that "luma" of this slice is stored in (separate_colour_plane_flag)
    int weight_mode         # 0 default, 1 explicit, 2 implicit
    int luma_log2_weight_denom, chroma_log2_weight_denom
    int SliceQPY            # -QpBdOffset[0] to 51
    int qs, qs_c[2]         # QSY, QSC of SP and SI slices
    # copied: memory_management_control_operation 5 renumbers pictures while others read them
    int32_t poc[2]          # TopFieldOrderCnt and BottomFieldOrderCnt of this picture
    int32_t col_poc[2]      # the same of RefPicList1[0]
    int16_t dist_scale[3][32]               # DistScaleFactor by kind and refIdxL0; 0x7FFF: long term, no scaling
    const uint8_t *map      # mbToSliceGroupMap by MbAddr (map units resolved), NULL: one slice group

# Where the current macroblock is.
cdef struct Place:
    int mbaddr              # CurrMbAddr
    int mb_x, mb_row, mb    # column, row and number in storage (see _picture.pxd)
    int mb_field            # field macroblock (in field pictures always)
    int kind                # first index of References.entry: 0, or 1 + (mb_row & 1) in field macroblocks of MBAFF
    int luma_y              # first line in the frame or field that it is predicted from
    int64_t position        # in bits, of the end of the macroblock before (see _observe)
    uint8_t *dst[3]         # first sample, by component
    Py_ssize_t stride[3]    # bytes from one line of the macroblock to the next

# Neighbours of the current macroblock (6.4.12): numbers in storage; -1: not available. Block row y has left_mb[y],
# left_row[y] beside it: both macroblocks of pair A, if it is of the other kind in MBAFF.
cdef struct Neighbours:
    int left_mb[4]
    int left_row[4]
    int top_mb, topright_mb, topleft_mb, topleft_row
    int left_pair, top_pair                 # a macroblock of the pairs A and B of MBAFF, or -1
    int avail               # H264_LEFT ...
    int intra_avail         # the same for intra prediction (constrained_intra_pred_flag)
    int left_half_avail     # for intra prediction: bit 0 upper half of the left column, bit 1 lower half

# The current macroblock: its syntax elements and coefficients, from a parser or a mode decision. QP and mb_qp_delta
# outlive it: the next macroblock starts from them.
cdef struct Macroblock:
    int32_t coef[3 * 256]   # d of 8.5.12, scaled, by component and 4x4 (or 8x8) block in the zig-zag order of 6.4.3;
                            # the inverse transforms leave zeros
    int flags               # MB_... of _picture.pxd
    int cbp                 # CodedBlockPatternLuma | CodedBlockPatternChroma << 4
    int raw_levels          # coef holds levels, not scaled: with MB_BYPASS, and where _switching comes next
    int mb_qp_delta         # of the latest macroblock, for its ctxIdxInc
    int qp                  # QPY: -QpBdOffset[0] to 51
    int qp_c[2]             # QPC without QpBdOffsetC: -QpBdOffset[1] to 39
    int part                # PART_...
    int sub_part[4]         # SUB_..., by b8
    int pred_flag[4]        # by b8: bit 0 list 0, bit 1 list 1
    int direct[4]           # by b8
    int intra16_mode, intra_chroma_pred_mode
    int8_t intra_mode[16]   # by b4; an 8x8 block has its mode at each of its four b4
    int16_t mvd[2][16][2]   # at the first block of each partition
    int8_t ref_idx[2][4]
    uint64_t dc_coded       # bit component: DC levels of Intra_16x16 or chroma present
    uint64_t coded[3]       # bit k: transform block k (zig-zag order) has levels; bit 16 + k: more than its DC

# 4x4 blocks of the macroblock and those around it: block (x, y) is entry CACHE + x + 8 * y, x from -1 (left) to 4
# (above right, y = -1 only), y from -1 (above). Once they are filled, no stage looks at edges of slices or pictures.
cdef struct Caches:
    uint8_t nnz[3][CACHE_SIZE]              # total_coeff or coded_block_flag, by component
    int8_t mode[CACHE_SIZE]                 # Intra4x4PredMode, Intra8x8PredMode
    int8_t ref[2][CACHE_SIZE]
    int16_t mv[2][CACHE_SIZE][2]
    uint8_t mvd[2][CACHE_SIZE][2]           # |mvd|, at most 127
    uint8_t direct[CACHE_SIZE]

# What is kept of each macroblock for its neighbours in the slice, beside what the picture keeps.
cdef struct MbContext:
    # blocks in the lowest row, and in the right column
    uint8_t nnz_bottom[3][4], nnz_right[3][4]           # CAVLC: total_coeff( coeff_token ), CABAC: coded_block_flag
    int8_t mode_bottom[4], mode_right[4]                # Intra4x4PredMode, Intra8x8PredMode; 2 without either
    uint8_t mvd_bottom[2][4][2], mvd_right[2][4][2]     # |mvd_l0|, |mvd_l1|, at most 127
    uint8_t direct[4]       # by b8: predicted in direct mode (B_Skip, B_Direct_16x16, B_8x8 direct)
    uint8_t dc_flag         # coded_block_flag of DC: bit component
    uint8_t cbp             # CodedBlockPatternLuma | CodedBlockPatternChroma << 4
    uint8_t intra_chroma_pred_mode
    uint8_t mb_type_direct  # mb_type is B_Skip or B_Direct_16x16

# What a thread lends to the slice that it works on.
cdef struct Workspace:
    MbContext *mbs          # of the latest macroblocks: see context_of
    int mbs_mask
    Turns *turns            # of the threads, and this thread has one; NULL: there are no more threads than turns
    uint8_t *edge           # reference samples padded by pad_block: EDGE_BYTES
    uint8_t *second         # list 1 prediction, three planes of 16 x 16: SECOND_BYTES

# A frame or field that the slice may refer to.
cdef struct Reference:
    PictureData *picture    # NULL: missing
    uint8_t *plane[3]       # first line of the frame or field
    int32_t id              # as in PictureData.ref_id
    int32_t poc
    int parity              # 0 frame, 1 top field, 2 bottom field
    int long_term
    int field               # parity != 0
    int height[2]           # of luma and chroma, in samples
    Py_ssize_t stride[2]    # bytes from one of its lines to the next
    int chroma_shift        # of vertical vectors, in eighths of a sample of 4:2:0 (Table 8-9)

# Explicit weights of one reference index (8.4.2.3), by component; flag: any of the three differs from the default.
cdef struct Weight:
    int16_t weight[3]
    int16_t offset[3]
    int flag

# By reference index; entries past those of the slice are never set.
cdef struct References:
    Reference entry[3][2][48]               # [0]: frame macroblocks and field pictures; [1], [2]: top, bottom field
                                            # macroblocks of MBAFF
    Weight weights[2][32]                   # with weight_mode 1
    int16_t implicit_w1[3][32][32]          # with weight_mode 2, as entry: w1 by refIdxL0, refIdxL1 (w0 = 64 - w1)

cdef struct SliceContext:
    Macroblock mb           # its coef is as well aligned as the context
    SequenceParams seq
    PictureData *pic
    SliceParams slice
    Place place
    Neighbours around
    Caches cache
    Workspace work
    References refs

cdef inline int context_room(const SliceContext *s) noexcept nogil:
    """How many MbContext the slice needs, a power of two.

    A macroblock asks for those up to one row before it, two rows in fields, and three in MBAFF frames.
    """
    cdef int rows = 4 if s.slice.MbaffFrameFlag else 2 if s.slice.field_pic_flag else 1
    cdef int room = 64, most = rows * s.seq.mb_width + 2
    while room < most:
        room *= 2
    return room

cdef inline MbContext *context_of(SliceContext *s, int mb) noexcept nogil:
    """What a macroblock of the slice left for the current one."""
    codec_assert_range(0, mb, s.pic.mb_count - 1)
    return &s.work.mbs[mb & s.work.mbs_mask]

cdef enum:
    POLLS = 2000            # about 100 microseconds, what a thread that sleeps takes to wake up

cdef inline void wait_for_lines(SliceContext *s, const PictureData *p, int lines) noexcept nogil:
    """Wait until the first lines of another picture are final, or this thread must end; where there are turns, another
    thread has that of this one meanwhile."""
    cdef int i
    if has_lines(p, lines):
        return
    if s.work.turns == NULL:
        for i in range(POLLS):
            shared_pause()
            if has_lines(p, lines):
                return
    else:
        turns_lock(s.work.turns)
        turns_give(s.work.turns)
        turns_unlock(s.work.turns)
    while not has_lines(p, lines):
        if s.work.turns == NULL and stopped():
            return
        shared_sleep()
    if s.work.turns != NULL:
        turns_lock(s.work.turns)
        turns_take(s.work.turns)
        turns_unlock(s.work.turns)

cdef inline void set_block(SliceContext *s, int list, int x, int y, int w, int h, int ref, int mvx,
                           int mvy) noexcept nogil:
    """Fill w x h blocks (4, 2 or 1 each way) of the motion caches at the block (x, y). Vectors wrap modulo 2^16."""
    cdef int entry = CACHE + x + 8 * y, row
    cdef int16_t parts[2]
    cdef uint32_t mv
    cdef uint64_t two
    cdef uint32_t refs = <uint8_t>ref * 0x01010101u
    cdef uint16_t pair = <uint16_t>refs
    codec_assert_range(0, list, 1)
    codec_assert_range(1, w, 4 - x)
    codec_assert_range(1, h, 4 - y)
    codec_assert_range(UNUSED, ref, 47)
    parts[0], parts[1] = <int16_t>mvx, <int16_t>mvy
    memcpy(&mv, parts, 4)
    two = mv | <uint64_t>mv << 32
    for row in range(h):
        if w == 4:
            memcpy(&s.cache.ref[list][entry], &refs, 4)
            memcpy(s.cache.mv[list][entry], &two, 8)
            memcpy(s.cache.mv[list][entry + 2], &two, 8)
        elif w == 2:
            memcpy(&s.cache.ref[list][entry], &pair, 2)
            memcpy(s.cache.mv[list][entry], &two, 8)
        else:
            s.cache.ref[list][entry] = <int8_t>ref
            memcpy(s.cache.mv[list][entry], &mv, 4)
        entry += 8
