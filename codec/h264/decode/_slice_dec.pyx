"""Slices: parameters from Python into a SliceContext, the loop over macroblocks (7.3.4), and the end of a picture.

A slice is prepared by the thread that reads headers, and keeps all it needs, so that any thread can decode it later (_crew): what changes with the
next slice or picture (marking, order counts, scaling matrices) is copied. The slices of a picture are decoded by one thread at a time. Where
they come in raster order, rows are filtered soon after they are decoded, and other threads may read them (PictureData.lines).
"""
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from codec._core cimport open_reader, refill
from codec.h264.entropy._cabac cimport cabac_ahead, cabac_end_of_slice_flag, cabac_init_states, cabac_open
from codec.h264.entropy._cabac_mb cimport cabac_mb_field_decoding_flag, cabac_mb_skip_flag
from codec.h264.entropy._cavlc cimport bit_position, read_u1, read_ue
from codec.h264.macroblock._deblock cimport deblock_rows
from codec.h264.macroblock._direct cimport derive_direct, prepare_direct
from codec.h264.macroblock._inter cimport EDGE_BYTES, SECOND_BYTES, predict_inter
from codec.h264.entropy._mb_syntax cimport begin_macroblock, read_macroblock, set_chroma_qp, set_whole_direct
from codec.h264.macroblock._motion cimport derive_motion, derive_p_skip, store_intra_motion, store_motion
from codec.h264.macroblock._neighbours cimport enter, fill_corners
from codec.h264.macroblock._intra cimport add_residual, reconstruct_intra
from codec.h264.entropy._residual cimport store_context, store_skipped_context
from codec.h264.macroblock._slice cimport *
from codec.h264.tables.values cimport (
    H264_EQUATION_8_315_NORM_ADJUST_4X4, H264_EQUATION_8_318_NORM_ADJUST_8X8, H264_TABLE_8_13_SCAN_4X4, H264_TABLE_8_14_SCAN_8X8, H264_TABLE_8_15_QPC,
)

from ... import cpu
from ...errors import BitstreamError, ParameterError, TruncatedError, UnsupportedError

cdef enum:
    QPS = 91                # QP' up to 51 + 36, and 3 more for chroma DC of 4:2:2
    PADDING = 16            # zero bytes behind the data of a slice, for loads of 8

FAULTS = {
    FAULT_END: ("the data ends within a macroblock", "H.264 7.3.5"),
    FAULT_MB_TYPE: ("mb_type does not exist in slices of this type", "H.264 7.4.5"),
    FAULT_SUB_MB_TYPE: ("sub_mb_type does not exist in slices of this type", "H.264 7.4.5.2"),
    FAULT_REF_IDX: ("a reference index is larger than num_ref_idx_active_minus1", "H.264 7.4.5.1"),
    FAULT_CBP: ("coded_block_pattern is out of range", "H.264 9.1.2"),
    FAULT_INTRA: ("an intra prediction mode needs samples that are not available", "H.264 8.3"),
    FAULT_QP_DELTA: ("mb_qp_delta is out of range", "H.264 7.4.5"),
    FAULT_COEFF: ("a block of transform coefficients is not a valid one", "H.264 9.2"),
    FAULT_REFERENCE: ("a reference index stands for a picture that is missing", "H.264 8.2.4.2"),
    FAULT_SKIP_RUN: ("mb_skip_run goes past the end of the picture", "H.264 7.4.4"),
    FAULT_ADDRESS: ("the slice goes past the end of the picture", "H.264 7.4.3"),
    FAULT_PARTITION_B: ("its samples or residual are in slice data partition B, which is missing", "H.264 7.4.2.9.2"),
    FAULT_PARTITION_C: ("its residual is in slice data partition C, which is missing", "H.264 7.4.2.9.3"),
    FAULT_MEMORY: ("no memory for slices", ""),
    FAULT_MVD: ("a motion vector difference is out of range", "H.264 7.4.5.1"),
}


# ---------------------------------------------------------------- macroblocks

cdef inline int next_address(SliceContext *s, int address) noexcept nogil:
    """NextMbAddress( ) of 8.2.2.8; pic_mbs at the end."""
    cdef int next = address + 1
    if s.map != NULL:
        while next < s.pic_mbs and s.map[next] != s.map[address]:
            next += 1
    return next


cdef inline void go_to(SliceContext *s, int address) noexcept nogil:
    """Column and row in storage of CurrMbAddr (6.4.1)."""
    if address == s.mbaddr + 1 and s.mb_x + 1 < s.mb_width and not s.MbaffFrameFlag:
        s.mb_x += 1
        s.mbaddr = address
        return
    s.mbaddr = address
    if s.MbaffFrameFlag:
        s.mb_x = (address >> 1) % s.mb_width
        s.mb_row = (address >> 1) // s.mb_width * 2 + (address & 1)
    else:
        s.mb_x = address % s.mb_width
        s.mb_row = address // s.mb_width
        if s.field_pic_flag:
            s.mb_row = 2 * s.mb_row + s.bottom_field_flag


cdef void infer_field(SliceContext *s) noexcept nogil:
    """mb_field_decoding_flag where it is not coded (7.4.4): that of the pair to the left, else of the pair above, in the same slice."""
    cdef int pair = (s.mb_row & ~1) * s.mb_width + s.mb_x
    cdef int above = pair - 2 * s.mb_width
    s.mb_field = 0
    if s.mb_x and s.pic.mb[pair - 1].slice == s.slice_index:
        s.mb_field = s.pic.mb[pair - 1].flags & MB_FIELD != 0
    elif above >= 0 and s.pic.mb[above].slice == s.slice_index:
        s.mb_field = s.pic.mb[above].flags & MB_FIELD != 0


cdef inline bint overrun(SliceContext *s) noexcept nogil:
    """Whether more was read than the slice holds."""
    if s.entropy_coding_mode_flag:
        return (s.cabac.next - s.cabac.end) * 8 - cabac_ahead(&s.cabac) > 0
    return bit_position(&s.bits) > s.last_bit


cdef void row_decoded(SliceContext *s) noexcept nogil:
    """The last macroblock of a row is decoded. The row above is filtered now that nothing predicts from its unfiltered samples; the filter
    of this row will change three lines of it."""
    cdef PictureData *p = s.pic
    if s.mbaddr < s.row_limit and s.mb_row > p.filtered_rows:
        deblock_rows(p, s.dsp, p.filtered_rows, s.mb_row, 0)
        p.filtered_rows = s.mb_row
        shared_store(&p.lines, 16 * s.mb_row - 3)


cdef void skipped_macroblock(SliceContext *s) noexcept nogil:
    """P_Skip or B_Skip; the place is set."""
    begin_macroblock(s)
    s.flags |= MB_SKIP
    s.mb_qp_delta = 0
    if s.slice_type != SLICE_B or s.direct_spatial_mv_pred_flag:
        fill_corners(s)
    if s.slice_type == SLICE_B:
        set_whole_direct(s)
        derive_direct(s)
    else:
        s.part = PART_16X16
        derive_p_skip(s)
    if s.fault == 0:
        predict_inter(s)
    if s.fault:
        return
    store_motion(s)
    if s.switching:
        add_residual(s)
    store_skipped_context(s)
    s.decoded += 1
    if s.mb_x == s.mb_width - 1:
        row_decoded(s)


cdef void coded_macroblock(SliceContext *s) noexcept nogil:
    """Read and reconstruct; the place is set."""
    read_macroblock(s)
    if s.fault == 0 and overrun(s):
        note(s, FAULT_END)
    if s.fault:
        return
    if s.flags & MB_INTRA:
        reconstruct_intra(s)
        store_intra_motion(s)
    else:
        derive_motion(s)
        if s.fault == 0:
            predict_inter(s)
        if s.fault:
            return
        store_motion(s)
        add_residual(s)
    store_context(s)
    s.decoded += 1
    if s.mb_x == s.mb_width - 1:
        row_decoded(s)


# ---------------------------------------------------------------- slice data

cdef int cavlc_skip_run(SliceContext *s, int address) noexcept nogil:
    """Decode the macroblocks that mb_skip_run skips: address of the one after."""
    cdef int run = read_ue(s)
    s.prev_mb_skipped = run > 0
    if run > s.pic_mbs - address:
        note(s, FAULT_SKIP_RUN)
        return address
    while run and s.fault == 0:
        if address >= s.pic_mbs:
            note(s, FAULT_SKIP_RUN)
            break
        go_to(s, address)
        if s.MbaffFrameFlag and not address & 1:
            infer_field(s)
            if run == 1 and bit_position(&s.bits) < s.last_bit:     # the bottom macroblock is not skipped: its flag comes next, and holds for both
                refill(&s.bits)
                s.mb_field = s.bits.acc >> 63
        enter(s)
        skipped_macroblock(s)
        address = next_address(s, address)
        run -= 1
    return address


cdef void decode_cavlc(SliceContext *s, int address) noexcept nogil:
    """slice_data( ) with entropy_coding_mode_flag 0."""
    cdef bint skips = s.slice_type != SLICE_I
    while s.fault == 0:
        if skips:
            address = cavlc_skip_run(s, address)
            if s.fault or (s.prev_mb_skipped and bit_position(&s.bits) >= s.last_bit):
                return
        if address >= s.pic_mbs:
            note(s, FAULT_ADDRESS)
            return
        go_to(s, address)
        if s.MbaffFrameFlag and (not address & 1 or s.prev_mb_skipped):
            s.mb_field = read_u1(s)
        enter(s)
        coded_macroblock(s)
        s.prev_mb_skipped = 0
        address = next_address(s, address)
        if bit_position(&s.bits) >= s.last_bit:
            return


cdef void skip_flag_of_bottom(SliceContext *s) noexcept nogil:
    """The top macroblock of a pair is skipped: whether the bottom one is has to be known first, since its mb_field_decoding_flag holds for both."""
    cdef int top_row = s.mb_row
    s.pic.mb[s.mb].flags = <uint16_t>(MB_SKIP | (MB_FIELD if s.mb_field else 0))
    s.mb_row += 1
    enter(s)
    s.next_mb_skipped = cabac_mb_skip_flag(s)
    if not s.next_mb_skipped:
        s.mb_field = cabac_mb_field_decoding_flag(s)
    s.mb_row = top_row
    enter(s)


cdef void cabac_macroblock(SliceContext *s, int address) noexcept nogil:
    cdef bint top = s.MbaffFrameFlag and not address & 1, skip = False
    if top:
        infer_field(s)
    enter(s)
    if s.slice_type != SLICE_I:
        if s.MbaffFrameFlag and not top and s.prev_mb_skipped:
            skip = s.next_mb_skipped
        else:
            skip = cabac_mb_skip_flag(s)
        if skip:
            if top:
                skip_flag_of_bottom(s)
            s.prev_mb_skipped = 1
            skipped_macroblock(s)
            return
    if top:
        s.mb_field = cabac_mb_field_decoding_flag(s)
        enter(s)
    coded_macroblock(s)
    s.prev_mb_skipped = 0


cdef void decode_cabac(SliceContext *s, int address) noexcept nogil:
    """slice_data( ) with entropy_coding_mode_flag 1."""
    cdef const uint8_t *end = s.bits.data + s.bits.size
    cabac_open(s, s.bits.data + ((bit_position(&s.bits) + 7) >> 3), end)
    while s.fault == 0:
        if address >= s.pic_mbs:
            note(s, FAULT_ADDRESS)
            return
        go_to(s, address)
        cabac_macroblock(s, address)
        if s.fault:
            return
        if overrun(s):
            note(s, FAULT_END)
            return
        if not (s.MbaffFrameFlag and not address & 1) and cabac_end_of_slice_flag(s):
            return
        address = next_address(s, address)


cdef void decode_slice_data(SliceContext *s, int address) noexcept nogil:
    memset(s.coef, 0, sizeof(s.coef))
    memset(s.direct_cache, 0, sizeof(s.direct_cache))
    memset(s.ref_cache, <uint8_t>UNUSED, sizeof(s.ref_cache))          # list 1 of P slices stays so
    s.fault = s.decoded = 0
    s.mb = s.mbaddr = -2                                # the first macroblock follows none
    s.mb_qp_delta = 0
    s.prev_mb_skipped = s.next_mb_skipped = 0
    s.mb_field = s.field_pic_flag
    s.qp = s.slice_qp
    set_chroma_qp(s)
    if s.entropy_coding_mode_flag:
        decode_cabac(s, address)
    else:
        decode_cavlc(s, address)


cdef void select_planes(SliceContext *s, int plane) noexcept nogil:
    """Of the picture, and of those it refers to."""
    cdef int list, i
    for list in range(2):
        for i in range(s.num_ref_idx_active[list]):
            if s.refs[0][list][i].picture != NULL:
                select_plane(s.refs[0][list][i].picture, plane)
    select_plane(s.pic, plane)


cdef void decode_prepared(SliceContext *s) noexcept nogil:
    """A slice that was prepared, into its picture."""
    cdef PictureData *p = s.pic
    s.slice_index = add_slice(p)
    if s.slice_index < 0:
        s.fault = FAULT_MEMORY
        return
    p.slices[s.slice_index] = s.info
    p.structure = 0 if not s.field_pic_flag else 1 + s.bottom_field_flag
    if p.separate_planes:
        select_planes(s, s.colour_plane)
    if s.slice_type == SLICE_B:
        prepare_direct(s)
    if s.first_mb != p.next_mb:
        p.next_mb = -1
        s.row_limit = 0
    decode_slice_data(s, s.first_mb)
    p.next_mb = -1 if s.fault or p.next_mb < 0 else s.mbaddr + 1
    if p.separate_planes:
        select_planes(s, 0)                             # what is asked of a picture later is of the first


# ---------------------------------------------------------------- parameters

cdef class Scaling:
    """LevelScale4x4 and LevelScale8x8 of 8.5.9 for some scaling lists, shifted by qP / 6; never changed."""

    cdef int32_t *scale4    # [list][qP][16]
    cdef int32_t *scale8    # [list][qP][64]
    cdef readonly object lists

    def __cinit__(self, lists):
        cdef int k, qp, i, at, weight
        self.lists = lists
        self.scale4 = <int32_t *>calloc(6 * QPS * 16, sizeof(int32_t))
        self.scale8 = <int32_t *>calloc(6 * QPS * 64, sizeof(int32_t))
        if not (self.scale4 and self.scale8):
            raise MemoryError("no memory for scaling tables")
        for k in range(6):
            for i in range(16):
                at, weight = H264_TABLE_8_13_SCAN_4X4[0][i], lists[k][i]
                for qp in range(QPS):
                    self.scale4[(k * QPS + qp) * 16 + at] = (weight * H264_EQUATION_8_315_NORM_ADJUST_4X4[qp % 6][at]) << (qp // 6)
            for i in range(64):
                at, weight = H264_TABLE_8_14_SCAN_8X8[0][i], lists[6 + k][i]
                for qp in range(QPS):
                    self.scale8[(k * QPS + qp) * 64 + at] = (weight * H264_EQUATION_8_318_NORM_ADJUST_8X8[qp % 6][at]) << (qp // 6)

    def __dealloc__(self):
        free(self.scale4)
        free(self.scale8)


cdef class Slice:
    """A slice that is ready to be decoded, and then what was wrong with it."""

    def __cinit__(self):
        cdef size_t at
        self.memory = malloc(sizeof(SliceContext) + EDGE_BYTES + SECOND_BYTES + 3 * 64)
        if not self.memory:
            raise MemoryError("no memory for a slice")
        at = (<size_t>self.memory + 63) & ~<size_t>63
        self.s = <SliceContext *>at
        memset(self.s, 0, <uint8_t *>self.s.refs - <uint8_t *>self.s)
        self.s.edge = <uint8_t *>((at + sizeof(SliceContext) + 63) & ~<size_t>63)
        self.s.second = self.s.edge + EDGE_BYTES

    def __dealloc__(self):
        free(self.memory)
        free(self.data)

    cdef int set_data(self, rbsp, Py_ssize_t bit, partitions) except -1:
        """Readers of slice_data( ), and of partitions B and C, in one piece of memory; that of the slice comes first."""
        cdef SliceContext *s = self.s
        cdef Py_ssize_t size = sum([len(one[0]) + PADDING for one in (*partitions, (rbsp, bit)) if one is not None])
        cdef Py_ssize_t at
        cdef int k
        self.data = <uint8_t *>malloc(size)
        if not self.data:
            raise MemoryError("no memory for a slice")
        at = self._open(&s.bits, &s.last_bit, 0, rbsp, bit)
        if s.last_bit < bit:
            raise TruncatedError("the slice has no data", layer="slice_data", offset=s.last_bit >> 3, clause="H.264 7.3.4")
        s.partitioned = len(partitions) > 0
        if s.partitioned and s.entropy_coding_mode_flag:
            raise BitstreamError("data partitions are not coded with CABAC", layer="slice_data", clause="H.264 A.2.3")
        for k, one in enumerate(partitions):
            s.partition[k].present = one is not None
            if one is not None:
                at = self._open(&s.partition[k].bits, &s.partition[k].last_bit, at, one[0], one[1])
        return 0

    cdef Py_ssize_t _open(self, BitReader *r, int64_t *last_bit, Py_ssize_t at, const uint8_t[::1] rbsp, Py_ssize_t bit) except -1:
        """A reader from this bit on, of a copy at `at` of the data; returns where the next copy may go. last_bit is -1 without a stop bit."""
        cdef uint8_t *data = self.data + at
        cdef Py_ssize_t whole = rbsp.shape[0], size = whole
        cdef int low = 0
        if size:
            memcpy(data, &rbsp[0], size)
        while size and data[size - 1] == 0:             # cabac_zero_words, or trailing zeros
            size -= 1
        memset(data + size, 0, whole - size + PADDING)
        while size and not data[size - 1] >> low & 1:
            low += 1
        last_bit[0] = size * 8 - 1 - low if size else -1
        open_reader(r, data, size)
        r.pos = bit >> 3
        refill(r)
        r.acc <<= bit & 7
        r.count -= bit & 7
        return at + whole + PADDING

    @property
    def error(self):
        """What was found wrong, with `offset` in bytes of the RBSP; or None. Macroblocks before the fault are decoded."""
        cdef SliceContext *s = self.s
        cdef Py_ssize_t offset
        if not s.fault:
            return None
        if s.fault == FAULT_MEMORY:
            raise MemoryError("no memory for slices")
        offset = s.cabac.next - self.data if s.entropy_coding_mode_flag else bit_position(&s.bits) >> 3
        offset = min(max(offset, 0), s.bits.size)
        reason, clause = FAULTS[s.fault]
        kind = TruncatedError if s.fault == FAULT_END else BitstreamError
        return kind(f"macroblock {s.mbaddr}: {reason}", layer="slice_data", offset=offset, clause=clause)


cdef class SliceDecoder:
    """Prepares the slices of a sequence; holds what many of them have in common."""

    cdef SliceContext common                    # its parameters of the sequence are set
    cdef Scaling scaling
    cdef object sets        # the parameter sets that `common` was prepared for
    cdef readonly int level # of the kernels

    def __cinit__(self):
        self.scaling = self.sets = None
        self.level = cpu.level_index()

    cdef int _set_scaling(self, lists) except -1:
        cdef int k
        cdef SliceContext *s = &self.common
        if self.scaling is None or self.scaling.lists != lists:
            self.scaling = Scaling(lists)
        for k in range(6):
            s.scale4[k] = self.scaling.scale4 + k * QPS * 16
            s.scale8[k] = self.scaling.scale8 + k * QPS * 64
        return 0

    cdef int _set_sequence(self, sps, pps, PictureData *p) except -1:
        cdef SliceContext *s = &self.common
        cdef int i, c, qpi
        if self.sets is not None and self.sets[0] is sps and self.sets[1] is pps:
            return 0
        self.sets = None
        s.mb_width, s.mb_height = p.mb_width, p.mb_height
        s.ChromaArrayType = sps.ChromaArrayType
        s.pixel_shift = p.pixel_shift
        for i in range(2):
            s.bit_depth[i] = p.bit_depth[i]
            s.max_sample[i] = (1 << p.bit_depth[i]) - 1
            s.QpBdOffset[i] = 6 * (p.bit_depth[i] - 8)
        s.chroma_width = 0 if s.ChromaArrayType == 0 else 16 if s.ChromaArrayType == 3 else 8
        s.chroma_height = 0 if s.ChromaArrayType == 0 else 8 if s.ChromaArrayType == 1 else 16
        for c in range(3):
            s.mb_lines[c] = s.chroma_height if c else 16
            s.mb_bytes[c] = (s.chroma_width if c else 16) << s.pixel_shift
        s.qpprime_y_zero_transform_bypass_flag = sps.qpprime_y_zero_transform_bypass_flag
        s.direct_8x8_inference_flag = sps.direct_8x8_inference_flag
        s.entropy_coding_mode_flag = pps.entropy_coding_mode_flag
        s.transform_8x8_mode_flag = pps.transform_8x8_mode_flag
        s.constrained_intra_pred_flag = pps.constrained_intra_pred_flag
        for c, offset in enumerate((pps.chroma_qp_index_offset, pps.Cr_qp_index_offset)):
            for i in range(128):                        # (8-309) and Table 8-15
                qpi = min(max(i - 64 + <int>offset, -s.QpBdOffset[1]), 51)
                s.qpc_table[c][i] = <int8_t>(H264_TABLE_8_15_QPC[qpi] if qpi >= 0 else qpi)
        s.dsp = h264_dsp(p.pixel_shift, self.level)
        self._set_scaling(pps.scaling_lists(sps))
        self.sets = sps, pps
        return 0

    cdef int _set_switching(self, SliceContext *s, header, pps) except -1:
        """slice_type, and what 8.6 needs of SP and SI slices."""
        cdef int c, kind = header.slice_type % 5
        s.slice_type = SLICE_P if kind == SLICE_SP else SLICE_I if kind == SLICE_SI else kind
        s.si_slice = kind == SLICE_SI
        s.switching = SWITCH_NONE
        if kind < SLICE_SP:
            return 0
        if s.ChromaArrayType != 1 or s.pixel_shift or s.transform_8x8_mode_flag or any([set(row) != {16} for row in self.scaling.lists]):
            raise UnsupportedError("SP and SI slices are decoded as the Extended profile has them: 4:2:0, 8 bits, no 8x8 transform or matrices")
        if s.si_slice and s.entropy_coding_mode_flag:
            raise UnsupportedError("SI slices coded with CABAC, which no profile allows, are not decoded")
        s.switching = SWITCH_SECONDARY if s.si_slice or header.sp_for_switch_flag else SWITCH_PRIMARY
        s.qs = 26 + pps.pic_init_qs_minus26 + header.slice_qs_delta
        if not 0 <= s.qs <= 51:
            raise BitstreamError(f"QSY is {s.qs}", layer="slice header", clause="H.264 7.4.3")
        for c in range(2):
            s.qs_c[c] = s.qpc_table[c][s.qs + 64]
        return 0

    cdef int _set_slice(self, SliceContext *s, header, sps, pps) except -1:
        cdef SliceInfo *info
        self._set_switching(s, header, pps)
        s.field_pic_flag, s.bottom_field_flag = header.field_pic_flag, header.bottom_field_flag
        s.MbaffFrameFlag = sps.mb_adaptive_frame_field_flag and not header.field_pic_flag
        if s.pic.coded_as_fields != s.field_pic_flag or s.pic.mbaff != s.MbaffFrameFlag:    # with the first slice; then threads read them
            s.pic.coded_as_fields, s.pic.mbaff = s.field_pic_flag, s.MbaffFrameFlag
        s.pic_mbs = s.pic.mb_count >> s.field_pic_flag
        s.colour_plane = header.colour_plane_id if s.pic.separate_planes else 0
        s.direct_spatial_mv_pred_flag = header.direct_spatial_mv_pred_flag
        s.slice_qp = 26 + pps.pic_init_qp_minus26 + header.slice_qp_delta
        if not -s.QpBdOffset[0] <= s.slice_qp <= 51:
            raise BitstreamError(f"SliceQPY is {s.slice_qp}", layer="slice header", clause="H.264 7.4.3")
        if not 0 <= s.colour_plane <= 2:
            raise BitstreamError(f"colour_plane_id is {s.colour_plane}", layer="slice header", clause="H.264 7.4.3")
        s.weight_mode = 0
        if s.slice_type == SLICE_P:
            s.weight_mode = pps.weighted_pred_flag
        elif s.slice_type == SLICE_B:
            s.weight_mode = pps.weighted_bipred_idc
        info = &s.info
        info.disable_deblocking_filter_idc = header.disable_deblocking_filter_idc
        info.FilterOffsetA, info.FilterOffsetB = header.FilterOffsetA, header.FilterOffsetB
        info.slice_type = header.slice_type % 5
        info.chroma_qp_index_offset[0], info.chroma_qp_index_offset[1] = pps.chroma_qp_index_offset, pps.Cr_qp_index_offset
        return 0

    cdef int _set_reference(self, Reference *r, Picture picture, int parity, int current) except -1:
        """`parity`: 0 the frame, 1 its top field, 2 its bottom field; `current`: the same of what is predicted from it."""
        cdef PictureData *p = &picture.data
        cdef int c
        r.picture = p
        r.parity = parity
        r.id = p.unique * 4 + parity
        r.poc = min(p.poc[0], p.poc[1]) if parity == 0 else p.poc[parity - 1]
        r.field = parity != 0
        r.height[0], r.height[1] = p.height[0] >> r.field, p.height[1] >> r.field
        r.stride[0], r.stride[1] = p.stride[0] << r.field, p.stride[1] << r.field
        r.chroma_shift = 2 * (current - parity)
        r.long_term = p.long_term == 3 if parity == 0 else p.long_term >> (parity - 1) & 1
        for c in range(3):
            r.plane[c] = p.plane[c] + p.stride[c] if parity == 2 and p.plane[c] != NULL else p.plane[c]
        return 0

    cdef int _set_references(self, SliceContext *s, Picture picture, lists, header) except -1:
        cdef int list, i, kind
        cdef object entry
        self._set_missing(s, 1, 0)                      # P slices have no list 1; who asks for the colocated picture finds none
        for list in range(2):
            count = 0
            if s.slice_type == SLICE_B or (s.slice_type == SLICE_P and list == 0):
                count = (header.num_ref_idx_l1_active_minus1 if list else header.num_ref_idx_l0_active_minus1) + 1
            if count > (32 if s.field_pic_flag else 16):
                raise BitstreamError(f"{count} active references", layer="slice header", clause="H.264 7.4.3")
            s.num_ref_idx_active[list] = count
            pictures = lists[list]
            for i in range(s.num_ref_idx_active[list]):
                entry = pictures[i] if i < len(pictures) else None
                if entry is None:
                    self._set_missing(s, list, i)
                    continue
                if (<Picture?>entry[0]).key != picture.key or not 0 <= entry[1] <= 2:
                    raise ParameterError("a reference picture has another format")
                self._set_reference(&s.refs[0][list][i], entry[0], entry[1], 1 + s.bottom_field_flag if s.field_pic_flag else 0)
                if s.MbaffFrameFlag:
                    for kind in range(1, 3):            # 8.4.2.1: fields of the frames, that of the same parity first
                        self._set_reference(&s.refs[kind][list][2 * i], entry[0], kind, kind)
                        self._set_reference(&s.refs[kind][list][2 * i + 1], entry[0], 3 - kind, kind)
        memcpy(s.poc, s.pic.poc, sizeof(s.poc))
        if s.refs[0][1][0].picture != NULL:
            memcpy(s.col_poc, s.refs[0][1][0].picture.poc, sizeof(s.col_poc))
        return 0

    cdef void _set_missing(self, SliceContext *s, int list, int i) noexcept:
        """There is no picture for this reference index, nor for the two of field macroblocks."""
        cdef int kind, first, count
        for kind in range(3 if s.MbaffFrameFlag else 1):
            count = 2 if kind else 1
            first = count * i
            memset(&s.refs[kind][list][first], 0, count * sizeof(Reference))
            s.refs[kind][list][first].id = s.refs[kind][list][first + count - 1].id = NO_REFERENCE

    cdef int _set_weights(self, SliceContext *s, table) except -1:
        cdef int list, i, c
        cdef Weight *w
        if s.weight_mode != 1:
            return 0
        memset(s.weights, 0, sizeof(s.weights))
        if table is None:
            return 0
        s.luma_log2_weight_denom, s.chroma_log2_weight_denom = table.luma_log2_weight_denom, table.chroma_log2_weight_denom
        for list, rows in enumerate((table.l0, table.l1)):
            for i, row in enumerate(rows[:32]):
                w = &s.weights[list][i]
                w.flag = bool(row.luma_weight_flag or (row.chroma_weight_flag and s.ChromaArrayType))
                w.weight[0], w.offset[0] = row.luma_weight, row.luma_offset << (s.bit_depth[0] - 8)
                for c in range(2 if s.ChromaArrayType else 0):
                    w.weight[1 + c], w.offset[1 + c] = row.chroma_weight[c], row.chroma_offset[c] << (s.bit_depth[1] - 8)
        return 0

    def prepare(self, rbsp, Py_ssize_t bit_offset, sps, pps, header, Picture picture, RefPicList0, RefPicList1, map=None,
                partitions=()):
        """A slice that is to be decoded into a picture.

        Parameters
        ----------
        rbsp : bytes-like
            What follows the header byte(s) of the NAL unit, without emulation prevention.
        bit_offset : int
            Where slice_data( ) begins.
        sps, pps, header : SPS, PPS, SliceHeader
        picture : Picture
            Of the format of the SPS; `begin` was called before its first slice.
        RefPicList0, RefPicList1 : list of (Picture, parity) or None
            parity: 0 frame, 1 top field, 2 bottom field. None: a missing picture, which it is an error to refer to.
        map : uint8 array, optional
            mbToSliceGroupMap of this picture by macroblock address.
        partitions : two of (rbsp, bit_offset) or None
            Slice data partitions B and C, where the RBSP is a partition A; None: it has not come, and it is an error to need it.

        Returns
        -------
        Slice

        Raises
        ------
        BitstreamError
            With `offset` in bytes of the RBSP.
        """
        cdef Slice made = Slice()
        cdef SliceContext *s = made.s
        cdef const uint8_t[::1] view
        self._set_sequence(sps, pps, &picture.data)
        memcpy(&s.mb_width, &self.common.mb_width, <uint8_t *>&s.pic - <uint8_t *>&s.mb_width)
        s.pic = &picture.data
        self._set_slice(s, header, sps, pps)
        self._set_references(s, picture, (RefPicList0, RefPicList1), header)
        self._set_weights(s, header.pred_weight_table)
        if map is not None:
            view = map
            if view.shape[0] < s.pic_mbs:
                raise ParameterError(f"the map has {view.shape[0]} macroblocks of {s.pic_mbs}")
            s.map = &view[0]
        s.first_mb = header.first_mb_in_slice << s.MbaffFrameFlag
        made.set_data(rbsp, bit_offset, partitions)
        if not 0 <= s.first_mb < s.pic_mbs:
            raise BitstreamError(f"first_mb_in_slice is {header.first_mb_in_slice}", layer="slice header", clause="H.264 7.4.3")
        if s.entropy_coding_mode_flag:
            cabac_init_states(s, 0 if s.slice_type == SLICE_I else 1 + header.cabac_init_idc)
        made.keep = self.scaling, map, picture, RefPicList0, RefPicList1
        return made


cdef void order_slices(SliceContext **slices, int count, bint whole) noexcept nogil:
    """Up to where rows are complete while each of the slices of a picture is decoded; `whole`: they are all of them."""
    cdef SliceContext *one
    cdef int i
    for i in range(count):
        one = slices[i]
        one.row_limit = one.pic_mbs
        if one.map != NULL or one.field_pic_flag or one.MbaffFrameFlag or one.pic.separate_planes:
            whole = False
        if i + 1 < count:
            one.row_limit = min(one.row_limit, slices[i + 1].first_mb)
            if slices[i + 1].first_mb <= one.first_mb:  # arbitrary slice order, or macroblocks that come twice
                whole = False
    if not whole:
        for i in range(count):
            slices[i].row_limit = 0


cdef int end_picture(PictureData *p, const H264Dsp *dsp, int parity) noexcept nogil:
    """Deblocking (8.7) of what is not filtered yet of the frame (parity 0), top field (1) or bottom field (2), when all slices are decoded: number of
    its macroblocks that no slice brought."""
    cdef int plane, mb, missing = 0, rows = p.mb_height >> (parity != 0)
    p.structure = parity
    for plane in range(3 if p.separate_planes else 1):
        if p.separate_planes:
            select_plane(p, plane)
        deblock_rows(p, dsp, p.filtered_rows, rows, plane)
    select_plane(p, 0)
    p.filtered_rows = p.next_mb = 0
    for mb in range(p.mb_count):
        if p.mb[mb].slice < 0:
            memset(&p.refIdx[mb * 8], 0xFF, 8)          # what others may ask for, of a second field that never comes too
            memset(&p.ref_id[mb * 8], 0xFF, 32)
            missing += parity == 0 or (mb // p.mb_width & 1) == (parity == 2)
    return missing
