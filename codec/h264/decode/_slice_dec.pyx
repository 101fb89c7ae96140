"""Slices: parameters from Python into a SliceReader, the loop over macroblocks (7.3.4), and the end of a picture.

The thread that reads headers prepares a slice. The slice keeps all it needs, so that any thread can decode it later
(_crew): what changes with the next slice or picture (marking, order counts, scaling matrices) is copied. The slices of
a picture are decoded by one thread at a time. If they come in raster order, rows are filtered soon after they are
decoded, and other threads may read them (PictureData.lines).
"""
from libc.stdint cimport uint8_t, uint16_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from codec._core cimport BitReader, codec_assert_range, open_reader, refill
from codec._team cimport shared_store
from codec.h264.entropy._cabac cimport cabac_ahead, cabac_end_of_slice_flag, cabac_init_states, cabac_open
from codec.h264.entropy._cabac_mb cimport cabac_mb_field_decoding_flag, cabac_mb_skip_flag
from codec.h264.entropy._cavlc cimport bit_position, read_u1, read_ue
from codec.h264.entropy._mb_syntax cimport read_macroblock
from codec.h264.entropy._reader cimport (
    FAULT_ADDRESS, FAULT_CBP, FAULT_COEFF, FAULT_END, FAULT_INTRA, FAULT_MB_TYPE, FAULT_MEMORY, FAULT_MVD,
    FAULT_PARTITION_B, FAULT_PARTITION_C, FAULT_QP_DELTA, FAULT_REFERENCE, FAULT_REF_IDX, FAULT_SKIP_RUN,
    FAULT_SUB_MB_TYPE, SliceReader, note,
)
from codec.h264.macroblock._context cimport begin_macroblock, set_chroma_qp, store_context, store_skipped_context
from codec.h264.macroblock._deblock cimport deblock_rows
from codec.h264.macroblock._direct cimport derive_direct, prepare_direct, set_whole_direct
from codec.h264.macroblock._inter cimport EDGE_BYTES, SECOND_BYTES, predict_inter
from codec.h264.macroblock._intra cimport reconstruct_intra
from codec.h264.macroblock._kernels cimport H264Dsp
from codec.h264.macroblock._motion cimport derive_motion, derive_p_skip, store_intra_motion, store_motion
from codec.h264.macroblock._neighbours cimport enter, fill_corners
from codec.h264.macroblock._observe cimport observe_bits, observe_parts
from codec.h264.macroblock._setup cimport SliceSetup
from codec.h264.macroblock._slice cimport (
    PART_16X16, SLICE_B, SLICE_I, UNUSED, SliceContext,
)
from codec.h264.macroblock._transform cimport add_residual
from codec.h264.pictures._picture cimport (
    MB_FIELD, MB_INTRA, MB_SKIP, Picture, PictureData, add_slice, select_plane,
)

from ...errors import BitstreamError, ParameterError, TruncatedError

cdef enum:
    PADDING = 16            # zero bytes after the data of a slice, for loads of 8

FAULTS = {
    FAULT_END: ("the data ends within a macroblock", "H.264 7.3.5"),
    FAULT_MB_TYPE: ("mb_type does not exist in slices of this type", "H.264 7.4.5"),
    FAULT_SUB_MB_TYPE: ("sub_mb_type does not exist in slices of this type", "H.264 7.4.5.2"),
    FAULT_REF_IDX: ("a reference index is larger than num_ref_idx_active_minus1", "H.264 7.4.5.1"),
    FAULT_CBP: ("coded_block_pattern is out of range", "H.264 9.1.2"),
    FAULT_INTRA: ("an intra prediction mode needs samples that are not available", "H.264 8.3"),
    FAULT_QP_DELTA: ("mb_qp_delta is out of range", "H.264 7.4.5"),
    FAULT_COEFF: ("a block of transform coefficients is invalid", "H.264 9.2"),
    FAULT_REFERENCE: ("a reference index stands for a missing picture", "H.264 8.2.4.2"),
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
    codec_assert_range(0, address, s.slice.pic_mbs - 1)
    if s.slice.map != NULL:
        while next < s.slice.pic_mbs and s.slice.map[next] != s.slice.map[address]:
            next += 1
    return next


cdef inline void go_to(SliceContext *s, int address) noexcept nogil:
    """Set column and row in storage of CurrMbAddr (6.4.1)."""
    codec_assert_range(0, address, s.slice.pic_mbs - 1)
    if address == s.place.mbaddr + 1 and s.place.mb_x + 1 < s.seq.mb_width and not s.slice.MbaffFrameFlag:
        s.place.mb_x += 1
        s.place.mbaddr = address
        return
    s.place.mbaddr = address
    if s.slice.MbaffFrameFlag:
        s.place.mb_x = (address >> 1) % s.seq.mb_width
        s.place.mb_row = (address >> 1) // s.seq.mb_width * 2 + (address & 1)
    else:
        s.place.mb_x = address % s.seq.mb_width
        s.place.mb_row = address // s.seq.mb_width
        if s.slice.field_pic_flag:
            s.place.mb_row = 2 * s.place.mb_row + s.slice.bottom_field_flag


cdef void infer_field(SliceContext *s) noexcept nogil:
    """mb_field_decoding_flag where it is not coded (7.4.4): from the pair to the left, else from the pair above, in the
    same slice."""
    cdef int pair = (s.place.mb_row & ~1) * s.seq.mb_width + s.place.mb_x
    cdef int above = pair - 2 * s.seq.mb_width
    s.place.mb_field = 0
    if s.place.mb_x and s.pic.mb[pair - 1].slice == s.slice.index:
        s.place.mb_field = s.pic.mb[pair - 1].flags & MB_FIELD != 0
    elif above >= 0 and s.pic.mb[above].slice == s.slice.index:
        s.place.mb_field = s.pic.mb[above].flags & MB_FIELD != 0


cdef inline bint overrun(SliceReader *d) noexcept nogil:
    """Whether more bits were read than the slice holds."""
    cdef SliceContext *s = &d.s
    if s.seq.entropy_coding_mode_flag:
        return (d.cabac.next - d.cabac.end) * 8 - cabac_ahead(&d.cabac) > 0
    return bit_position(&d.bits) > d.last_bit


cdef void row_decoded(SliceContext *s) noexcept nogil:
    """The last macroblock of a row is decoded. Filter the row above, since nothing predicts from its unfiltered samples
    any more; filtering this row will change three lines of it."""
    cdef PictureData *p = s.pic
    if s.place.mbaddr < s.slice.row_limit and s.place.mb_row > p.filtered_rows:
        deblock_rows(p, s.seq.dsp, p.filtered_rows, s.place.mb_row, 0)
        p.filtered_rows = s.place.mb_row
        shared_store(&p.lines, 16 * s.place.mb_row - 3)


cdef void skipped_macroblock(SliceReader *d) noexcept nogil:
    """P_Skip or B_Skip; the place is set."""
    cdef SliceContext *s = &d.s
    cdef int missing = 0
    begin_macroblock(s)
    s.mb.flags |= MB_SKIP
    s.mb.mb_qp_delta = 0
    if s.slice.slice_type != SLICE_B or s.slice.direct_spatial_mv_pred_flag:
        fill_corners(s)
    if s.slice.slice_type == SLICE_B:
        set_whole_direct(s)
        missing = derive_direct(s)
    else:
        s.mb.part = PART_16X16
        derive_p_skip(s)
    if missing or predict_inter(s):
        note(d, FAULT_REFERENCE)
        return
    store_motion(s)
    if s.slice.switching:
        add_residual(s)
    store_skipped_context(s)
    if s.place.mb_x == s.seq.mb_width - 1:
        row_decoded(s)


cdef void coded_macroblock(SliceReader *d) noexcept nogil:
    """Read and reconstruct; the place is set."""
    cdef SliceContext *s = &d.s
    read_macroblock(d)
    if d.fault == 0 and overrun(d):
        note(d, FAULT_END)
    if d.fault:
        return
    observe_parts(s)
    if s.mb.flags & MB_INTRA:
        reconstruct_intra(s)
        store_intra_motion(s)
    else:
        if derive_motion(s) or predict_inter(s):
            note(d, FAULT_REFERENCE)
            return
        store_motion(s)
        add_residual(s)
    store_context(s)
    if s.place.mb_x == s.seq.mb_width - 1:
        row_decoded(s)


# ---------------------------------------------------------------- slice data

cdef int64_t cavlc_position(SliceReader *d) noexcept nogil:
    """In all partitions."""
    cdef int64_t position = bit_position(&d.bits)
    cdef int k
    for k in range(2):
        if d.partition[k].present:
            position += bit_position(&d.partition[k].bits)
    return position


cdef inline int64_t cabac_position(SliceReader *d) noexcept nogil:
    """Of the interval."""
    return <int64_t>(d.cabac.next - d.bits.data) * 8 - cabac_ahead(&d.cabac)


cdef int cavlc_skip_run(SliceReader *d, int address) noexcept nogil:
    """Decode the macroblocks that mb_skip_run skips; the address after them."""
    cdef SliceContext *s = &d.s
    cdef int run = read_ue(&d.bits)
    d.prev_mb_skipped = run > 0
    if run > s.slice.pic_mbs - address:
        note(d, FAULT_SKIP_RUN)
        return address
    while run and d.fault == 0:
        if address >= s.slice.pic_mbs:
            note(d, FAULT_SKIP_RUN)
            break
        go_to(s, address)
        if s.slice.MbaffFrameFlag and not address & 1:
            infer_field(s)
            if run == 1 and bit_position(&d.bits) < d.last_bit:     # the bottom one is coded: its flag holds for both
                refill(&d.bits)
                s.place.mb_field = d.bits.acc >> 63
        enter(s)
        skipped_macroblock(d)
        address = next_address(s, address)
        run -= 1
    return address


cdef void decode_cavlc(SliceReader *d, int address) noexcept nogil:
    """slice_data( ) with entropy_coding_mode_flag 0."""
    cdef SliceContext *s = &d.s
    cdef bint skips = s.slice.slice_type != SLICE_I
    s.place.position = cavlc_position(d)
    while d.fault == 0:
        if skips:
            address = cavlc_skip_run(d, address)
            if d.fault or (d.prev_mb_skipped and bit_position(&d.bits) >= d.last_bit):
                return
        if address >= s.slice.pic_mbs:
            note(d, FAULT_ADDRESS)
            return
        go_to(s, address)
        if s.slice.MbaffFrameFlag and (not address & 1 or d.prev_mb_skipped):
            s.place.mb_field = read_u1(&d.bits)
        enter(s)
        coded_macroblock(d)
        observe_bits(s, cavlc_position(d))
        d.prev_mb_skipped = 0
        address = next_address(s, address)
        if bit_position(&d.bits) >= d.last_bit:
            return


cdef void skip_flag_of_bottom(SliceReader *d) noexcept nogil:
    """The top macroblock of a pair is skipped: read ahead whether the bottom one is, since its mb_field_decoding_flag
    holds for both."""
    cdef SliceContext *s = &d.s
    cdef int top_row = s.place.mb_row
    s.pic.mb[s.place.mb].flags = <uint16_t>(MB_SKIP | (MB_FIELD if s.place.mb_field else 0))
    s.place.mb_row += 1
    enter(s)
    d.next_mb_skipped = cabac_mb_skip_flag(d)
    if not d.next_mb_skipped:
        s.place.mb_field = cabac_mb_field_decoding_flag(d)
    s.place.mb_row = top_row
    enter(s)


cdef void cabac_macroblock(SliceReader *d, int address) noexcept nogil:
    """One macroblock with mb_skip_flag and mb_field_decoding_flag; column and row are set."""
    cdef SliceContext *s = &d.s
    cdef bint top = s.slice.MbaffFrameFlag and not address & 1, skip = False
    if top:
        infer_field(s)
    enter(s)
    if s.slice.slice_type != SLICE_I:
        if s.slice.MbaffFrameFlag and not top and d.prev_mb_skipped:
            skip = d.next_mb_skipped
        else:
            skip = cabac_mb_skip_flag(d)
        if skip:
            if top:
                skip_flag_of_bottom(d)
            d.prev_mb_skipped = 1
            skipped_macroblock(d)
            return
    if top:
        s.place.mb_field = cabac_mb_field_decoding_flag(d)
        enter(s)
    coded_macroblock(d)
    d.prev_mb_skipped = 0


cdef void decode_cabac(SliceReader *d, int address) noexcept nogil:
    """slice_data( ) with entropy_coding_mode_flag 1."""
    cdef SliceContext *s = &d.s
    cdef const uint8_t *end = d.bits.data + d.bits.size
    cabac_open(d, d.bits.data + ((bit_position(&d.bits) + 7) >> 3), end)
    s.place.position = cabac_position(d)
    while d.fault == 0:
        if address >= s.slice.pic_mbs:
            note(d, FAULT_ADDRESS)
            return
        go_to(s, address)
        cabac_macroblock(d, address)
        if d.fault:
            return
        if overrun(d):
            note(d, FAULT_END)
            return
        observe_bits(s, cabac_position(d))
        if not (s.slice.MbaffFrameFlag and not address & 1) and cabac_end_of_slice_flag(d):
            return
        address = next_address(s, address)


cdef void decode_slice_data(SliceReader *d, int address) noexcept nogil:
    """slice_data( ) from this address on."""
    cdef SliceContext *s = &d.s
    codec_assert_range(0, address, s.slice.pic_mbs - 1)
    codec_assert_range(0, s.slice.num_ref_idx_active[0], 32)
    codec_assert_range(0, s.slice.num_ref_idx_active[1], 32)
    memset(s.mb.coef, 0, sizeof(s.mb.coef))
    memset(s.cache.direct, 0, sizeof(s.cache.direct))
    memset(s.cache.ref, <uint8_t>UNUSED, sizeof(s.cache.ref))       # stays for list 1 of P slices
    d.fault = 0
    s.place.mb = s.place.mbaddr = -2                                # the first macroblock follows none
    s.mb.mb_qp_delta = 0
    d.prev_mb_skipped = d.next_mb_skipped = 0
    s.place.mb_field = s.slice.field_pic_flag
    s.mb.qp = s.slice.SliceQPY
    set_chroma_qp(s)
    if s.seq.entropy_coding_mode_flag:
        decode_cabac(d, address)
    else:
        decode_cavlc(d, address)


cdef void select_planes(SliceContext *s, int plane) noexcept nogil:
    """Select the macroblock data of a colour plane, in the picture and those it refers to."""
    cdef int list, i
    codec_assert_range(0, plane, 2)
    for list in range(2):
        for i in range(s.slice.num_ref_idx_active[list]):
            if s.refs.entry[0][list][i].picture != NULL:
                select_plane(s.refs.entry[0][list][i].picture, plane)
    select_plane(s.pic, plane)


cdef void decode_prepared(SliceReader *d) noexcept nogil:
    """Decode a prepared slice into its picture."""
    cdef SliceContext *s = &d.s
    cdef PictureData *p = s.pic
    s.slice.index = add_slice(p)
    if s.slice.index < 0:
        d.fault = FAULT_MEMORY
        return
    p.slices[s.slice.index] = s.slice.info
    p.structure = 0 if not s.slice.field_pic_flag else 1 + s.slice.bottom_field_flag
    if p.separate_planes:
        select_planes(s, s.slice.colour_plane)
    if s.slice.slice_type == SLICE_B:
        prepare_direct(s)
    if s.slice.first_mb != p.next_mb:
        p.next_mb = -1
        s.slice.row_limit = 0
    decode_slice_data(d, s.slice.first_mb)
    p.next_mb = -1 if d.fault or p.next_mb < 0 else s.place.mbaddr + 1
    if p.separate_planes:
        select_planes(s, 0)                             # later stages ask for the first plane


# ---------------------------------------------------------------- parameters

cdef void clear(SliceReader *d) noexcept:
    """Zero all but the references: a slice sets those it has."""
    cdef SliceContext *s = &d.s
    memset(&s.mb, 0, sizeof(s.mb))
    memset(&s.seq, 0, sizeof(s.seq))
    memset(&s.slice, 0, sizeof(s.slice))
    memset(&s.place, 0, sizeof(s.place))
    memset(&s.around, 0, sizeof(s.around))
    memset(&s.cache, 0, sizeof(s.cache))
    memset(&s.work, 0, sizeof(s.work))
    memset(&d.bits, 0, sizeof(d.bits))
    memset(&d.cabac, 0, sizeof(d.cabac))
    memset(&d.partition, 0, sizeof(d.partition))
    s.pic = NULL
    d.last_bit = d.prev_mb_skipped = d.next_mb_skipped = d.fault = 0


cdef class Slice:
    """A slice ready to be decoded, and afterwards what was wrong with it."""

    def __cinit__(self):
        cdef size_t at
        self.memory = malloc(sizeof(SliceReader) + EDGE_BYTES + SECOND_BYTES + 3 * 64)
        if not self.memory:
            raise MemoryError("no memory for a slice")
        at = (<size_t>self.memory + 63) & ~<size_t>63
        self.d = <SliceReader *>at
        clear(self.d)
        self.d.s.work.edge = <uint8_t *>((at + sizeof(SliceReader) + 63) & ~<size_t>63)
        self.d.s.work.second = self.d.s.work.edge + EDGE_BYTES

    def __dealloc__(self):
        free(self.memory)
        free(self.data)

    cdef int set_data(self, rbsp, Py_ssize_t bit, partitions) except -1:
        """Open readers of slice_data( ) and partitions B and C, in one piece of memory; slice_data( ) comes first."""
        cdef SliceReader *d = self.d
        cdef SliceContext *s = &d.s
        cdef Py_ssize_t size = sum([len(one[0]) + PADDING for one in (*partitions, (rbsp, bit)) if one is not None])
        cdef Py_ssize_t at
        cdef int k
        self.data = <uint8_t *>malloc(size)
        if not self.data:
            raise MemoryError("no memory for a slice")
        at = self._open(&d.bits, &d.last_bit, 0, rbsp, bit)
        if d.last_bit < bit:
            raise TruncatedError(
                "the slice has no data", layer="slice_data", offset=d.last_bit >> 3, clause="H.264 7.3.4"
            )
        s.slice.partitioned = len(partitions) > 0
        if s.slice.partitioned and s.seq.entropy_coding_mode_flag:
            raise BitstreamError("data partitions are not coded with CABAC", layer="slice_data", clause="H.264 A.2.3")
        for k, one in enumerate(partitions):
            d.partition[k].present = one is not None
            if one is not None:
                at = self._open(&d.partition[k].bits, &d.partition[k].last_bit, at, one[0], one[1])
        return 0

    cdef Py_ssize_t _open(self, BitReader *r, int64_t *last_bit, Py_ssize_t at, const uint8_t[::1] rbsp,
                          Py_ssize_t bit) except -1:
        """Copy the data to `at` and open a reader at this bit; the end of the copy. last_bit: -1 without a stop bit."""
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
        """The fault as an exception, with `offset` in bytes of the RBSP; or None. Macroblocks before it are decoded."""
        cdef SliceReader *d = self.d
        cdef Py_ssize_t offset
        if not d.fault:
            return None
        if d.fault == FAULT_MEMORY:
            raise MemoryError("no memory for slices")
        offset = d.cabac.next - self.data if d.s.seq.entropy_coding_mode_flag else bit_position(&d.bits) >> 3
        offset = min(max(offset, 0), d.bits.size)
        reason, clause = FAULTS[d.fault]
        kind = TruncatedError if d.fault == FAULT_END else BitstreamError
        return kind(f"macroblock {d.s.place.mbaddr}: {reason}", layer="slice_data", offset=offset, clause=clause)

cdef class SliceDecoder(SliceSetup):
    """Prepares the slices of a sequence; holds what many of them share."""

    cdef public bint x264_before_151            # the stream was written by such an encoder (see SequenceParams)

    def prepare(self, rbsp, Py_ssize_t bit_offset, sps, pps, header, Picture picture, RefPicList0, RefPicList1,
                map=None, partitions=()):
        """Prepare a slice to be decoded into a picture.

        Parameters
        ----------
        rbsp : bytes-like
            The NAL unit after its header byte(s), without emulation prevention.
        bit_offset : int
            Where slice_data( ) begins.
        sps, pps, header : SPS, PPS, SliceHeader
        picture : Picture
            Of the format of the SPS; `begin` was called before its first slice.
        RefPicList0, RefPicList1 : list of (Picture, parity) or None
            parity: 0 frame, 1 top field, 2 bottom field. None: a missing picture; referring to it is an error.
        map : uint8 array, optional
            mbToSliceGroupMap of this picture by macroblock address.
        partitions : two of (rbsp, bit_offset) or None
            Slice data partitions B and C, if the RBSP is a partition A. None: the partition is missing; needing it is
            an error.

        Returns
        -------
        Slice

        Raises
        ------
        BitstreamError
            With `offset` in bytes of the RBSP.
        """
        cdef Slice made = Slice()
        cdef SliceReader *d = made.d
        cdef SliceContext *s = &d.s
        cdef const uint8_t[::1] view
        self.seq.x264_before_151 = self.x264_before_151
        self.setup(s, header, sps, pps, picture, (RefPicList0, RefPicList1))
        if map is not None:
            view = map
            if view.shape[0] < s.slice.pic_mbs:
                raise ParameterError(f"the map has {view.shape[0]} macroblocks of {s.slice.pic_mbs}")
            s.slice.map = &view[0]
        s.slice.first_mb = header.first_mb_in_slice << s.slice.MbaffFrameFlag
        made.set_data(rbsp, bit_offset, partitions)
        if not 0 <= s.slice.first_mb < s.slice.pic_mbs:
            raise BitstreamError(
                f"first_mb_in_slice is {header.first_mb_in_slice}", layer="slice header", clause="H.264 7.4.3"
            )
        if s.seq.entropy_coding_mode_flag:
            cabac_init_states(d, 0 if s.slice.slice_type == SLICE_I else 1 + header.cabac_init_idc)
        made.keep = self.scaling, map, picture, RefPicList0, RefPicList1
        return made


cdef void order_slices(SliceReader **slices, int count, bint whole) noexcept nogil:
    """Set row_limit: up to where rows are complete while each slice is decoded; whole: these are all slices."""
    cdef SliceContext *one
    cdef SliceContext *next
    cdef int i
    for i in range(count):
        one = &slices[i].s
        one.slice.row_limit = one.slice.pic_mbs
        if one.slice.map != NULL or one.slice.field_pic_flag or one.slice.MbaffFrameFlag or one.pic.separate_planes:
            whole = False
        if i + 1 < count:
            next = &slices[i + 1].s
            one.slice.row_limit = min(one.slice.row_limit, next.slice.first_mb)
            if next.slice.first_mb <= one.slice.first_mb:  # arbitrary slice order, or macroblocks that are coded twice
                whole = False
    if not whole:
        for i in range(count):
            slices[i].s.slice.row_limit = 0


cdef int end_picture(PictureData *p, const H264Dsp *dsp, int parity) noexcept nogil:
    """Deblock (8.7) the rest of the frame (parity 0), top field (1) or bottom field (2) when all slices are decoded;
    the number of its macroblocks that no slice has."""
    cdef int plane, mb, missing = 0, rows = p.mb_height >> (parity != 0)
    p.structure = parity
    for plane in range(3 if p.separate_planes else 1):
        if p.separate_planes:
            select_plane(p, plane)
        deblock_rows(p, dsp, p.filtered_rows, rows, plane)
    if p.separate_planes:                               # else other threads read what it would write
        select_plane(p, 0)
    p.filtered_rows = p.next_mb = 0
    for mb in range(p.mb_count):
        if p.mb[mb].slice < 0:
            # other pictures may ask, also for a second field that never comes
            memset(&p.refIdx[mb * 8], 0xFF, 8)
            memset(&p.ref_id[mb * 8], 0xFF, 32)
            missing += parity == 0 or (mb // p.mb_width & 1) == (parity == 2)
    return missing
