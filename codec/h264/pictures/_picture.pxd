"""A decoded frame (or complementary field pair): samples, and the data of each macroblock for later stages.

Macroblocks are numbered mb = row * width_in_mbs + column, by rows of the frame:

    frame picture       row is mb_y field picture       row is 2 * mb_y + bottom_field: the two fields interleave MBAFF
    frame         row is 2 * pair row + (0 top, 1 bottom macroblock of the pair), whether the pair is frame or field
    coded

so that field pictures look like an MBAFF frame of field pairs: macroblock `mb` with MB_FIELD covers lines
16 * (row & ~1) + (row & 1) + 2 * y, without it 16 * row + y. All arrays are indexed by this number.

Blocks inside a macroblock are in raster order (b4 = 4 * y + x in units of 4 samples, b8 = 2 * y + x in units of 8), not
in the zig-zag order of 6.4.3. A lost slice leaves MbInfo.slice = -1.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int32_t

from codec._team cimport shared_load

from codec._core cimport codec_assert_range

cdef enum:
    # MbInfo.flags
    MB_INTRA = 1            # any intra macroblock, I_PCM included
    MB_PCM = 2              # I_PCM
    MB_INTRA16 = 4          # Intra_16x16
    MB_INTRA_NXN = 8        # Intra_4x4, or Intra_8x8 where MB_TRANSFORM8 is set
    MB_TRANSFORM8 = 16      # transform_size_8x8_flag
    MB_FIELD = 32           # a macroblock of a field picture or of a field pair of an MBAFF frame
    MB_SKIP = 64            # P_Skip, B_Skip
    MB_DIRECT = 128         # B_Skip or B_Direct_16x16 (not set if only sub-macroblocks are direct)
    MB_ONE_VECTOR = 256     # inter, all 16 blocks have the same vectors and references: no inner edge has bS 1
    MB_LIST1 = 512          # inter, some block uses list 1; if not set, mv and refIdx of list 1 need not be compared
    MB_SWITCHING = 1024     # in an SP or SI slice: bS as for intra (8.7.2.1)
    MB_BYPASS = 2048        # TransformBypassModeFlag: qpprime_y_zero_transform_bypass_flag and QP'Y equal to 0
    MB_8X8_MOTION = 4096    # inter, one vector in each 8x8 block: bS 1 on edges 0 and 2 only
    MB_SI = 8192            # mb_type SI (Table 7-12): Intra_4x4 with a residual of 8.6.2

    NO_REFERENCE = -1       # of refIdx and of reference identities
    VIEW_DIRECT = 4         # of MbView.sub_part

cdef struct MbInfo:
    int32_t slice           # index into PictureData.slices; -1: not decoded (yet)
    uint16_t flags          # MB_...
    uint16_t nonzero        # bit b4: the luma transform block with this 4x4 block has a coefficient; an 8x8 block sets
                            # all four bits, with CAVLC too. Undefined in intra macroblocks: bS is 3 or 4 there
    int8_t qp               # QPY for deblocking (8.7.2.2: 0 for I_PCM), without QpBdOffsetY: -36 to 51
    int8_t qpc[2]           # QPC of Cb and Cr for this qp, by the offsets of its slice, without QpBdOffsetC

# For side data alone.
cdef struct MbView:
    int32_t bits            # of macroblock_layer( ), mb_skip_flag and mb_field_decoding_flag; with CAVLC mb_skip_run
                            # counts for the macroblock after it. With CABAC: by which the interval was scaled
    uint8_t part            # PART_...; 0 in intra, skipped and direct macroblocks
    uint8_t sub_part[4]     # SUB_... or VIEW_DIRECT, with PART_8X8

cdef struct SliceInfo:
    int32_t disable_deblocking_filter_idc
    int32_t FilterOffsetA   # slice_alpha_c0_offset_div2 << 1
    int32_t FilterOffsetB
    int32_t slice_type      # 0 P, 1 B, 2 I, 3 SP, 4 SI
    int32_t chroma_qp_index_offset[2]

cdef struct PictureData:
    # ---- samples: uint8_t for bit depth 8; uint16_t (native order) for luma and chroma if either is deeper
    uint8_t *plane[3]       # first sample of the frame; NULL for missing chroma
    Py_ssize_t stride[3]    # in bytes, between lines of the frame; a multiple of 64
    int width[3]            # in samples, whole macroblocks of the frame
    int height[3]
    int pixel_shift         # log2 of bytes per sample
    int bit_depth[2]        # luma, chroma
    int chroma_format_idc   # 0..3, as coded
    int separate_planes     # separate_colour_plane_flag: three monochrome pictures (ChromaArrayType 0)
    int mb_width, mb_height, mb_count
    # ---- how it was coded
    int structure           # of the latest (or whole) coded picture: 0 frame, 1 top field, 2 bottom field
    int coded_as_fields     # complementary field pair, or one field alone
    int mbaff               # MbaffFrameFlag
    # ---- per macroblock
    MbInfo *mb
    int16_t (*mv)[2]        # [(mb * 2 + list) * 16 + b4][x, y] in quarter samples (y in units of field lines in
                            # MB_FIELD macroblocks)
    int8_t *refIdx          # [(mb * 2 + list) * 4 + b8], refIdxL0/L1 as coded: field macroblocks of MBAFF count fields;
                            # -1: not used
    int32_t *ref_id         # same index: identity of the reference picture, `unique * 4 + parity` (0 frame, 1 top
                            # field, 2 bottom field); equal for the same reference picture alone. -1: not used, or
                            # intra. Unused blocks of a list have vector 0: vectors are compared without ref_id
    MbInfo *all_mb          # memory of these four: separate_colour_plane_flag gives each plane its own macroblock data,
    int16_t (*all_mv)[2]    # of which select_plane() selects one
    int8_t *all_refIdx
    int32_t *all_ref_id
    MbView *views           # NULL unless `observe` was called
    # ---- per slice
    SliceInfo *slices
    int slice_count, slice_room
    # ---- order and identity (8.2.1)
    int32_t poc[2]          # TopFieldOrderCnt, BottomFieldOrderCnt
    int32_t unique          # never 0, never given twice by one process; ref_id is made of it
    # ---- progress: a picture is decoded by one thread, and read by others
    int pending             # batches of slices that are not decoded yet; read and written by shared_...
    int lines               # final luma lines of the frame, from the top, while batches are pending; shared_...
    int next_mb             # address after the last macroblock, if all before it are decoded; -1: out of order
    int filtered_rows       # of macroblocks, of the coded picture
    int faults              # slices of it that ended in a fault
    int long_term           # bit 0: top field is marked as a long-term reference, bit 1: bottom field

cdef int add_slice(PictureData *p) noexcept nogil

cdef inline bint has_lines(const PictureData *p, int lines) noexcept nogil:
    """Whether the first lines of the frame are final, and the motion of macroblocks that begin there is known."""
    return shared_load(&p.lines) >= lines or shared_load(&p.pending) <= 0

cdef inline void select_plane(PictureData *p, int plane) noexcept nogil:
    codec_assert_range(0, plane, 2)
    p.mb = p.all_mb + plane * p.mb_count
    p.mv = p.all_mv + plane * p.mb_count * 32
    p.refIdx = p.all_refIdx + plane * p.mb_count * 8
    p.ref_id = p.all_ref_id + plane * p.mb_count * 8

cdef class Picture:
    cdef PictureData data
    cdef uint8_t *memory[3]
    cdef readonly object key        # the arguments it was made with: pictures with equal keys are interchangeable
    cdef public object tag          # for whoever owns it
    cdef int _allocate_plane(self, int i) except -1
