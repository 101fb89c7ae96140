"""The slices of a picture: the loop over macroblocks (7.3.4), deblocking, and the planes that later searches use."""
from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from codec._core cimport close_writer, codec_assert_range, open_writer, put_bits, reserve
from codec._stop cimport raise_stopped, stopped
from codec._team cimport shared_add, shared_store
from codec.h264.encode._coder cimport (
    ALL_LINES, CB, CR, MAX_REFS, SRC_STRIDE, Coder, Source, Tools, copy_block, detail_of,
)
from codec.h264.encode._decide cimport decide
from codec.h264.encode._inter cimport vectors_of
from codec.h264.encode._kernels cimport H264Enc, h264_enc
from codec.h264.encode._planes cimport Interpolated, begin_planes, fill_planes
from codec.h264.encode._scales cimport Scales
from codec.h264.entropy._mb_write cimport write_macroblock, write_pcm, write_skip_flag
from codec.h264.entropy._writer cimport (
    ALL_STATES, BitWriter_p, MACROBLOCK_BYTES, STATES, CabacWriter, cabac_close, cabac_start, put_terminate, put_ue,
)
from codec.h264.macroblock._context cimport set_chroma_qp, store_context, store_skipped_context
from codec.h264.macroblock._deblock cimport deblock_rows
from codec.h264.macroblock._direct cimport prepare_direct
from codec.h264.macroblock._inter cimport EDGE_BYTES, SECOND_BYTES
from codec.h264.macroblock._motion cimport store_intra_motion, store_motion
from codec.h264.macroblock._neighbours cimport enter
from codec.h264.macroblock._observe cimport observe_bits, observe_parts
from codec.h264.macroblock._setup cimport SliceSetup
from codec.h264.macroblock._slice cimport (
    SLICE_B, SLICE_I, UNUSED, MbContext, SliceContext, context_room, wait_for_lines,
)
from codec.h264.pictures._picture cimport MB_BYPASS, MB_INTRA, MB_INTRA16, MB_PCM, Picture, PictureData, add_slice
from codec.h264.stream._elements cimport ElementWriter
from codec.h264.tables.values cimport H264_TABLE_9_12_CABAC_MN

import numpy as np

from ...errors import ParameterError

cdef int64_t POWERS[2][103]     # 2^16 * 2^(d / 6) and 2^16 * 2^(d / 3) at 51 + d: lambdas by a difference of QP
for i in range(103):
    POWERS[0][i], POWERS[1][i] = round(65536 * 2 ** ((i - 51) / 6)), round(65536 * 2 ** ((i - 51) / 3))


cdef void init_states(Coder *c, int column) noexcept nogil:
    """9.3.1.1, as cabac_init_states of _cabac.pyx."""
    cdef int i, pre, qp = c.s.slice.SliceQPY
    for i in range(c.states):
        pre = ((H264_TABLE_9_12_CABAC_MN[column][i][0] * qp) >> 4) + H264_TABLE_9_12_CABAC_MN[column][i][1]
        pre = min(max(pre, 1), 126)
        c.cabac.state[i] = <uint8_t>((63 - pre) << 1 if pre <= 63 else (pre - 64) << 1 | 1)


cdef inline void load_block(Coder *c, uint8_t *out, int component, int size) noexcept nogil:
    """One component of the macroblock, size x size samples; beyond the frame, its last column and row are repeated."""
    cdef const Source *f = &c.source
    cdef int x = size * c.s.place.mb_x, y = size * c.s.place.mb_row, row
    cdef int columns = min(size, f.width[component] - x), rows = min(size, f.height[component] - y)
    cdef const uint8_t *first = f.plane[component] + y * f.stride[component] + x
    if columns == size and rows == size:
        copy_block(out, SRC_STRIDE, first, f.stride[component], size, size)
        return
    for row in range(size):
        memcpy(out, first + min(row, rows - 1) * f.stride[component], columns)
        memset(out + columns, out[columns - 1], size - columns)
        out += SRC_STRIDE


cdef void load_source(Coder *c) noexcept nogil:
    """The macroblock of the frame."""
    cdef int i
    for i in range(c.planes):
        load_block(c, c.src + 256 * i, i, 16)
    if c.tools.psy_rd:
        for i in range(4):
            c.detail[i] = detail_of(c, c.src + SRC_STRIDE * 8 * (i >> 1) + 8 * (i & 1), SRC_STRIDE)
    if c.s.seq.ChromaArrayType == 1:
        load_block(c, c.src + CB, 1, 8)
        load_block(c, c.src + CR, 2, 8)


cdef void begin_qp(Coder *c) noexcept nogil:
    """QP and lambdas of the macroblock. mb_qp_delta is -26 to 25; (7-37) is modulo 52."""
    cdef SliceContext *s = &c.s
    cdef int qp = s.slice.SliceQPY, d
    cdef int64_t chroma
    if c.qps != NULL:
        qp = c.qps[s.place.mbaddr]
        codec_assert_range(0, qp, 51)
    d = qp - s.slice.SliceQPY
    c.lambda256 = <int>max(256, c.slice_lambda256 * POWERS[0][51 + d] >> 16)
    c.lambda2 = c.slice_lambda2 * POWERS[1][51 + d] >> 16
    chroma = (c.lambda2 << 8) // c.chroma_weight
    c.lambda_trellis[0][0], c.lambda_trellis[0][1] = c.lambda2, c.lambda2 >> 1
    c.lambda_trellis[1][0], c.lambda_trellis[1][1] = chroma, chroma >> 1
    codec_assert_range(0, qp, 0 if c.lossless else 51)
    s.mb.qp = qp
    s.mb.mb_qp_delta = (qp - c.qp_before + 26 + 52) % 52 - 26
    set_chroma_qp(s)


cdef void end_qp(Coder *c) noexcept nogil:
    """Without levels the macroblock has no mb_qp_delta, so that its QP is that of the one before."""
    cdef SliceContext *s = &c.s
    if c.best.skip or s.mb.flags & MB_PCM or not (s.mb.cbp or s.mb.flags & MB_INTRA16):
        s.mb.qp, s.mb.mb_qp_delta = c.qp_before, 0
        set_chroma_qp(s)
    elif c.lossless:
        s.mb.flags |= MB_BYPASS
    c.qp_before = s.mb.qp


cdef inline int64_t position(Coder *c) noexcept nogil:
    """In bits: of the output with CAVLC, of the interval with CABAC."""
    cdef int rest = c.cabac.queue if c.s.seq.entropy_coding_mode_flag else c.out.count
    return <int64_t>(c.out.next - c.out.start) * 8 + rest


cdef int write_decision(Coder *c) noexcept nogil:
    """The macroblock that was decided, and what later ones ask of it; 1 without memory."""
    cdef SliceContext *s = &c.s
    cdef bint cabac = s.seq.entropy_coding_mode_flag, skips = s.slice.slice_type != SLICE_I
    if reserve(&c.out, MACROBLOCK_BYTES):
        return 1
    end_qp(c)
    observe_parts(s)
    if c.best.skip:
        if cabac:
            write_skip_flag(&c.cabac, s, 1)
        else:
            c.skip_run += 1
        store_motion(s)
        store_skipped_context(s)
    else:
        if cabac:
            if skips:
                write_skip_flag(&c.cabac, s, 0)
            write_macroblock(&c.cabac, s, &c.levels, c.last_qp_delta)
        else:
            if skips:
                put_ue(<BitWriter_p>&c.out, c.skip_run)
                c.skip_run = 0
            write_macroblock(<BitWriter_p>&c.out, s, &c.levels, c.last_qp_delta)
        if s.mb.flags & MB_PCM:
            write_pcm(&c.out, &c.cabac if cabac else NULL, s)
        if s.mb.flags & MB_INTRA:
            store_intra_motion(s)
        else:
            store_motion(s)
        store_context(s)
    c.last_qp_delta, c.vectors_before = s.mb.mb_qp_delta, vectors_of(s)
    if cabac or not c.best.skip:
        observe_bits(s, position(c))
    return 0


cdef void end_slice(Coder *c) noexcept nogil:
    """end_of_slice_flag 1 or the last mb_skip_run, and rbsp_slice_trailing_bits( )."""
    if c.s.seq.entropy_coding_mode_flag:
        put_terminate(&c.cabac, 1)
        cabac_close(&c.cabac)
        return
    if c.skip_run:
        put_ue(<BitWriter_p>&c.out, c.skip_run)
    put_bits(&c.out, 1, 1)                              # rbsp_stop_one_bit
    if c.out.count:
        put_bits(&c.out, 0, 8 - c.out.count)


# ---------------------------------------------------------------- slices of a size

# What writing a macroblock changes and a slice that ends before it needs: see keep_place.
cdef struct Kept:
    CabacWriter cabac
    Py_ssize_t size         # bytes before the macroblock
    Py_ssize_t last         # the last of them that is not 0xFF, to which a carry may run back
    uint8_t value
    uint64_t acc
    int count, skip_run, qp_before, last_qp_delta, vectors_before

cdef enum:
    ENDING = 16             # bytes that ending a slice adds at most, emulation prevention included


cdef void keep_place(Coder *c, Kept *k) noexcept nogil:
    k.cabac = c.cabac
    k.size = c.out.next - c.out.start
    k.last = k.size - 1
    while k.last > 0 and c.out.start[k.last] == 0xFF:
        k.last -= 1
    k.value = c.out.start[k.last] if k.size else 0
    k.acc, k.count, k.skip_run, k.qp_before = c.out.acc, c.out.count, c.skip_run, c.qp_before
    k.last_qp_delta, k.vectors_before = c.last_qp_delta, c.vectors_before


cdef void go_back(Coder *c, const Kept *k) noexcept nogil:
    """Undo the macroblock. Its place in the picture is written again by the slice that it begins."""
    c.cabac = k.cabac
    c.out.next = c.out.start + k.size
    if k.size:
        memset(c.out.start + k.last, 0xFF, k.size - k.last)
        c.out.start[k.last] = k.value
    c.out.acc, c.out.count, c.skip_run, c.qp_before = k.acc, k.count, k.skip_run, k.qp_before
    c.last_qp_delta, c.vectors_before = k.last_qp_delta, k.vectors_before


cdef bint exceeds(const Coder *c, Py_ssize_t limit) noexcept nogil:
    """Whether the NAL unit of the slice would be longer than the limit, if it ended here."""
    cdef Py_ssize_t size = c.out.next - c.out.start, i, added = 0
    cdef int zeros = 0
    if 3 * size < 2 * (limit - ENDING):                 # however many bytes of emulation prevention there are (7.4.1)
        return False
    for i in range(size):
        if zeros == 2 and c.out.start[i] <= 3:
            added += 1
            zeros = 0
        zeros = zeros + 1 if c.out.start[i] == 0 else 0
    return size + added + ENDING > limit


cdef enum:
    ASKED = 8               # macroblocks, which take a millisecond at most, after which `stopped` is asked again
    UNFILTERED = 3          # lines above a row of macroblocks that filtering it changes (8.7.2.3)


cdef void finish_lines(Coder *c, Interpolated planes, int row) noexcept nogil:
    """Filter the rows of macroblocks before `row` that are not, and let other threads read what is final."""
    cdef PictureData *p = c.s.pic
    cdef int lines = 16 * row - (UNFILTERED if row < p.mb_height else 0)
    deblock_rows(p, c.s.seq.dsp, row - 1, row, 0)
    if planes is not None:
        fill_planes(&planes.planes, &planes.filled, p, lines, c.enc)
    if planes is not None or c.chain:
        shared_store(&p.lines, lines)


cdef int encode_macroblocks(Coder *c, Interpolated planes, int first, int end, Py_ssize_t limit) noexcept nogil:
    """slice_data( ) of a slice of the macroblocks from `first` to `end` - 1 or as many as fit into `limit` bytes, the
    samples of the picture, and the planes of a reference. The address after the last; -1 without memory, or
    when it must end."""
    cdef SliceContext *s = &c.s
    cdef PictureData *p = s.pic
    cdef int mb, last = p.mb_width - 1
    cdef Kept kept
    for mb in range(first, end):
        if not mb % ASKED and stopped():
            return -1
        s.place.mb_x, s.place.mb_row, s.place.mbaddr = mb % p.mb_width, mb // p.mb_width, mb
        enter(s)
        load_source(c)
        begin_qp(c)
        decide(c)
        if limit:
            keep_place(c, &kept)
        if mb > first and s.seq.entropy_coding_mode_flag:
            put_terminate(&c.cabac, 0)
        if write_decision(c):
            return -1
        if limit and mb > first and exceeds(c, limit):
            go_back(c, &kept)
            end_slice(c)
            return mb
        if s.place.mb_x == last and s.place.mb_row:
            finish_lines(c, planes, s.place.mb_row)
    if end == p.mb_count:
        finish_lines(c, planes, p.mb_height)
    end_slice(c)
    return end


def begin(Picture picture not None):
    """Make it a new picture that others wait for, until `end`."""
    picture.begin()
    shared_add(&picture.data.pending, 1)


def end(Picture picture not None):
    """Nothing more is written into the picture."""
    shared_store(&picture.data.pending, 0)


cdef class SliceEncoder(SliceSetup):
    """Encodes pictures; holds the memory of one slice, and works in one of the threads.

    Parameters
    ----------
    scales : Scales
        Of the scaling lists of all pictures.
    """
    cdef Coder *c
    cdef void *memory
    cdef Scales scales
    cdef object tools           # those that are set

    def __cinit__(self, Scales scales not None):
        cdef size_t at, size = sizeof(Coder) + EDGE_BYTES + SECOND_BYTES + 4 * 64
        self.memory = calloc(size, 1)
        if not self.memory:
            raise MemoryError("no memory for an encoder")
        at = (<size_t>self.memory + 63) & ~<size_t>63
        self.c = <Coder *>at
        self.c.s.work.edge = <uint8_t *>((at + sizeof(Coder) + 63) & ~<size_t>63)
        self.c.s.work.second = self.c.s.work.edge + EDGE_BYTES
        self.scales, self.c.quant = scales, scales.tables

    def __dealloc__(self):
        if self.memory:
            free(self.c.s.work.mbs)
            close_writer(&self.c.out)
        free(self.memory)

    cdef int _set_tools(self, tools) except -1:
        cdef Tools *t = &self.c.tools
        if self.tools is tools:
            return 0
        self.tools = tools
        t.search, t.range = tools.search, tools.range
        t.half_steps, t.quarter_steps, t.last_steps = tools.half_steps, tools.quarter_steps, tools.last_steps
        t.rd, t.trellis, t.partitions, t.transform8 = tools.rd, tools.trellis, tools.partitions, tools.transform8
        t.early_skip, t.mixed_refs, t.refine = tools.early_skip, tools.mixed_refs, tools.refine
        t.psy_rd = tools.psy_rd
        return 0

    cdef int _set_header(self, ElementWriter header) except -1:
        """Begin the output with the bits of the slice header."""
        cdef Coder *c = self.c
        cdef Py_ssize_t size = header.out.next - header.out.start
        if c.out.start == NULL and open_writer(&c.out, 1 << 16):
            raise MemoryError("no memory for a slice")
        c.out.next = c.out.start
        if reserve(&c.out, size + 8):
            raise MemoryError("no memory for a slice")
        memcpy(c.out.next, header.out.start, size)
        c.out.next += size
        c.out.acc, c.out.count = header.out.acc, header.out.count
        if c.s.seq.entropy_coding_mode_flag and c.out.count:        # cabac_alignment_one_bit
            put_bits(&c.out, (1 << (8 - c.out.count)) - 1, 8 - c.out.count)
        return 0

    def encode(self, header, bits, ends, Py_ssize_t limit, sps, pps, Picture picture, frame, lists, planes,
               Interpolated own, bint chain, tools, *, int lambda256, int64_t lambda2, int chroma_weight,
               int mv_limit_y, int most_vectors, vectors=(), qps=None):
        """Encode a picture.

        Parameters
        ----------
        header : SliceHeader
            Of the first slice.
        bits : function
            Of header, sps, pps and the address of the first macroblock of a slice: a Writer with its header.
        ends : list of int
            Addresses before which a slice ends; the last one is the number of macroblocks.
        limit : int
            Bytes of the NAL unit of a slice, unless one macroblock takes more; 0: any number.
        sps, pps : SPS, PPS
        picture : Picture
            Receives the reconstruction; `begin` was called.
        frame : sequence of (rows, columns) uint8
            Its planes, which reach into the last column and row of macroblocks.
        lists : two lists of (Picture, 0)
            RefPicList0, RefPicList1.
        planes : two lists of Interpolated
            Of these pictures.
        own : Interpolated or None
            Receives the planes of a reference; `begin` was called.
        chain : bool
            Each picture is the reference of one other at most, which fills its planes: no other thread reads `planes`.
        tools : Tools of settings.py
        lambda256, lambda2 : int
            Lambda of SATD and of squared differences, times 256.
        chroma_weight : int
            Of squared differences of chroma against those of luma, times 256.
        mv_limit_y : int
            MaxVmvR in quarter samples.
        most_vectors : int
            MaxMvsPer2Mb.
        vectors : sequence of (N, 2) int16
            For each list, a vector of each macroblock in samples that is tried; none without a lookahead.
        qps : (N,) int8, optional
            QPY of each macroblock, 0 to 51; that of the header for all by default. The lambdas are those of the header.

        Returns
        -------
        list of bytes
            The RBSP of each slice.
        """
        cdef Coder *c = self.c
        cdef SliceContext *s = &c.s
        cdef int list, i
        c.lossless = sps.qpprime_y_zero_transform_bypass_flag
        i = picture.data.chroma_format_idc
        if picture.data.pixel_shift or i == 2 or (i == 3 and not c.lossless):
            raise ParameterError("pictures are encoded with 8 bits, in 4:2:0 or 4:0:0; without loss in 4:4:4 too")
        self.setup(s, header, sps, pps, picture, lists)
        c.planes, c.states = (3, ALL_STATES) if s.seq.ChromaArrayType == 3 else (1, STATES)
        self._set_tools(tools)
        self._set_contexts()
        frame = [np.ascontiguousarray(plane) for plane in frame[: 3 if i else 1]]
        self._set_source(&picture.data, frame)
        c.enc = h264_enc(self.level)
        for list in range(2):
            if s.slice.num_ref_idx_active[list] > min(MAX_REFS, <int>len(planes[list])):
                raise ParameterError("planes of a reference are missing")
            for i in range(s.slice.num_ref_idx_active[list]):
                c.refs[list][i] = (<Interpolated?>planes[list][i]).planes
                c.refs[list][i].picture, c.refs[list][i].ready = s.refs.entry[0][list][i].picture, -ALL_LINES
        c.slice_lambda256, c.slice_lambda2, c.mv_limit_y = lambda256, lambda2, mv_limit_y
        c.most_vectors, c.vectors_before, c.chroma_weight = most_vectors, 0, chroma_weight
        c.use_trellis, c.chain = tools.trellis == 2, chain
        begin_planes(&c.filled)
        self._set_vectors(vectors)
        self._set_qps(qps)
        found, first = [], 0
        for end in ends:
            while first < end:
                rbsp, first = self._encode_slice(
                    bits(header, sps, pps, first), header.cabac_init_idc, own, first, end, limit
                )
                found.append(rbsp)
        return found

    cdef _encode_slice(self, ElementWriter header, int cabac_init_idc, Interpolated own, int first, int end,
                       Py_ssize_t limit):
        """(RBSP of a slice, the address after its last macroblock)"""
        cdef Coder *c = self.c
        cdef int after
        self._set_header(header)
        self._start(cabac_init_idc)
        with nogil:
            after = encode_macroblocks(c, own, first, end, limit - 1 if limit else 0)   # less the NAL unit's header
        raise_stopped()
        if after < 0:
            raise MemoryError("no memory for a slice")
        return c.out.start[:c.out.next - c.out.start], after

    def publish(self, Picture picture not None, Interpolated own not None):
        """Let other threads read a picture that was encoded without its planes, which are filled now."""
        cdef const H264Enc *enc = h264_enc(self.level)
        with nogil:
            fill_planes(&own.planes, &own.filled, &picture.data, picture.data.height[0], enc)
            shared_store(&picture.data.lines, picture.data.height[0])

    def weighted(self, Picture reference not None, Interpolated planes not None, weights):
        """The planes of a reference, once it is complete, with `Weights`."""
        with nogil:
            wait_for_lines(&self.c.s, &reference.data, reference.data.height[0])
        raise_stopped()
        return planes.weighted(weights.weight, weights.offset)

    cdef int _set_source(self, const PictureData *p, frame) except -1:
        """The planes outlive the call: the caller holds them."""
        cdef Source *f = &self.c.source
        cdef const uint8_t[:, ::1] one
        cdef int i, rows, columns
        if len(frame) != (3 if p.chroma_format_idc else 1):
            raise ParameterError("planes of the frame are missing")
        for i in range(<int>len(frame)):
            one = frame[i]
            rows, columns = p.height[i] // p.mb_height, p.width[i] // p.mb_width
            if not (p.height[i] - rows < one.shape[0] <= p.height[i]
                    and p.width[i] - columns < one.shape[1] <= p.width[i]):
                raise ParameterError("the planes have other sizes than those of the picture")
            f.plane[i], f.stride[i] = &one[0, 0], one.shape[1]
            f.width[i], f.height[i] = <int>one.shape[1], <int>one.shape[0]
        return 0

    cdef int _set_vectors(self, vectors) except -1:
        """The arrays outlive the call: the caller holds them."""
        cdef const int16_t[:, ::1] one
        cdef int list
        self.c.ahead[0] = self.c.ahead[1] = NULL
        for list in range(len(vectors)):
            one = vectors[list]
            if one.shape[0] != self.c.s.pic.mb_count or one.shape[1] != 2 or list > 1:
                raise ParameterError("a vector for each macroblock of up to two lists")
            self.c.ahead[list] = <const int16_t (*)[2]>&one[0, 0]
        return 0

    cdef int _set_qps(self, qps) except -1:
        cdef const int8_t[::1] one
        cdef int i
        self.c.qps = NULL
        if qps is not None:
            one = qps
            if one.shape[0] != self.c.s.pic.mb_count:
                raise ParameterError("a QP for each macroblock")
            for i in range(self.c.s.pic.mb_count):
                if not 0 <= one[i] <= 51:
                    raise ParameterError("QP is 0 to 51")
            self.c.qps = &one[0]
        return 0

    cdef int _set_contexts(self) except -1:
        cdef SliceContext *s = &self.c.s
        cdef int room = context_room(s)
        if s.work.mbs == NULL or s.work.mbs_mask != room - 1:
            free(s.work.mbs)
            s.work.mbs = <MbContext *>calloc(room, sizeof(MbContext))
            if s.work.mbs == NULL:
                raise MemoryError("no memory for a slice")
            s.work.mbs_mask = room - 1
        return 0

    cdef int _start(self, int cabac_init_idc) except -1:
        """What decode_prepared and decode_slice_data of the decoder do before the first macroblock."""
        cdef Coder *c = self.c
        cdef SliceContext *s = &c.s
        s.slice.index = add_slice(s.pic)
        if s.slice.index < 0:
            raise MemoryError("no memory for slices")
        s.pic.slices[s.slice.index] = s.slice.info
        s.pic.structure = 0
        if s.slice.slice_type == SLICE_B:
            prepare_direct(s)
        memset(s.mb.coef, 0, sizeof(s.mb.coef))
        memset(s.cache.direct, 0, sizeof(s.cache.direct))
        memset(s.cache.ref, <uint8_t>UNUSED, sizeof(s.cache.ref))
        memset(s.cache.mv, 0, sizeof(s.cache.mv))
        s.place.mb = s.place.mbaddr = -2
        s.place.mb_field = 0
        s.mb.mb_qp_delta = s.mb.raw_levels = 0
        s.mb.qp = s.slice.SliceQPY
        set_chroma_qp(s)
        c.qp_before = s.slice.SliceQPY
        c.skip_run = c.last_qp_delta = 0
        if s.seq.entropy_coding_mode_flag:
            init_states(c, 0 if s.slice.slice_type == SLICE_I else 1 + cabac_init_idc)
            cabac_start(&c.cabac, &c.out)
        s.place.position = position(c)
        return 0
