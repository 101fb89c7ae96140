"""The deblocking filter of H.264 (8.7) over rows of macroblocks of a decoded picture.

A row may be filtered once it and the rows above are decoded, the rows above are filtered, and nothing more predicts
from its unfiltered samples. Macroblocks are filtered in the order of their addresses: left edge, inner vertical edges,
top edge, inner horizontal edges. One kernel call per plane filters all vertical edges, and one all horizontal edges.

An edge has four parts of four luma samples, each with a boundary strength bS (8.7.2.1): four bytes of a number, the
first part in the lowest.
"""
from libc.stdint cimport int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t
from libc.string cimport memcpy

from codec._core cimport codec_assert, codec_assert_range
from codec.h264.macroblock._kernels cimport H264Dsp, H264Threshold, h264_dsp
from codec.h264.pictures._picture cimport (
    MB_FIELD, MB_INTRA, MB_LIST1, MB_SWITCHING, MB_TRANSFORM8, MbInfo, Picture, PictureData, SliceInfo, add_slice,
)
from codec.h264.tables.values cimport H264_TABLE_8_16_ALPHA, H264_TABLE_8_16_BETA, H264_TABLE_8_17_TC0

from ...errors import ParameterError


cdef enum:
    VERTICAL = 0
    HORIZONTAL = 1
    AS_INTRA = MB_INTRA | MB_SWITCHING
    EACH_PART = 0x01010101      # times a bS: the whole edge

cdef struct Plane:
    uint8_t *row_pix            # first sample of the row of macroblocks
    Py_ssize_t stride           # of lines of the macroblock
    int mb_bytes                # of a line of a macroblock
    int mb_height               # of a macroblock, in samples
    int max                     # largest sample

cdef struct Filter:
    PictureData *p
    const H264Dsp *dsp
    int ChromaArrayType
    int first_plane             # planes filtered, up to last_plane - 1: all, or one with separate_colour_plane_flag
    int last_plane
    Plane plane[3]
    int mb, mb_x
    const MbInfo *q             # of this macroblock
    int slice_index             # of its slice
    const SliceInfo *slice
    int field                   # 1: lines are two apart
    int row, row_field          # for which row_pix and stride are set
    H264Threshold of_qPav[52]
    int FilterOffsetA, FilterOffsetB    # for which of_qPav is set
    uint32_t bS[2][4]           # by direction and edge
    H264Threshold t[3][2]       # by plane: edge 0, inner edges
    MbInfo inner                # whose QP the inner thresholds are for; most macroblocks have those of the one before
    int inside                  # not 0: inner thresholds let some sample change


# ---------------------------------------------------------------- thresholds

cdef inline int clip51(int v) noexcept nogil:
    return 0 if v < 0 else 51 if v > 51 else v


cdef void set_slice(Filter *f, int slice) noexcept nogil:
    """Set the slice of this macroblock, and the thresholds (8.7.2.2) of each qPav. alpha 0: no sample can change."""
    cdef int qPav, indexA
    cdef H264Threshold *t
    codec_assert_range(0, slice, f.p.slice_count - 1)
    f.slice_index = slice
    f.slice = &f.p.slices[slice]
    if f.FilterOffsetA == f.slice.FilterOffsetA and f.FilterOffsetB == f.slice.FilterOffsetB:
        return
    f.FilterOffsetA, f.FilterOffsetB = f.slice.FilterOffsetA, f.slice.FilterOffsetB
    f.inner.slice = -1
    for qPav in range(52):
        t = &f.of_qPav[qPav]
        indexA = clip51(qPav + f.FilterOffsetA)
        memcpy(t.tC0, H264_TABLE_8_17_TC0[indexA], 4)
        t.beta = H264_TABLE_8_16_BETA[clip51(qPav + f.FilterOffsetB)]
        t.alpha = H264_TABLE_8_16_ALPHA[indexA] if t.beta else 0


cdef inline H264Threshold threshold(const Filter *f, int qp_p, int qp_q) noexcept nogil:
    cdef int qPav = (qp_p + qp_q + 1) >> 1
    codec_assert_range(-36, qp_p, 51)
    codec_assert_range(-36, qp_q, 51)
    return f.of_qPav[qPav if qPav > 0 else 0]       # offsets are at most 12: alpha is 0 for qPav 0 and below


cdef inline bint same_qp(const MbInfo *p, const MbInfo *q) noexcept nogil:
    return ((p.qp ^ q.qp) | (p.qpc[0] ^ q.qpc[0]) | (p.qpc[1] ^ q.qpc[1])) == 0


cdef inline int set_edge_thresholds(const Filter *f, const MbInfo *p, H264Threshold (*t)[2], int edge) noexcept nogil:
    """Thresholds of the edge to macroblock p, by plane; 0 if no sample can change. A separate colour plane is luma."""
    t[0][edge] = threshold(f, p.qp, f.q.qp)
    t[1][edge] = threshold(f, p.qpc[0], f.q.qpc[0])
    t[2][edge] = threshold(f, p.qpc[1], f.q.qpc[1])
    return t[0][edge].alpha | t[1][edge].alpha | t[2][edge].alpha


cdef inline int set_thresholds(Filter *f, const MbInfo *p) noexcept nogil:
    """Thresholds of the inner edges and of the edge towards macroblock p; 0 if no sample can change."""
    if f.inner.slice < 0 or not same_qp(&f.inner, f.q):
        f.inner = f.q[0]
        f.inside = set_edge_thresholds(f, f.q, f.t, 1)
    return f.inside | set_edge_thresholds(f, p, f.t, 0)


# ---------------------------------------------------------------- samples

cdef void filter_tall_chroma(const Filter *f, int direction, uint8_t *cb, uint8_t *cr, Py_ssize_t stride,
                             const uint32_t *bS, const H264Threshold (*t)[2]) noexcept nogil:
    """Chroma of 4:2:2 in two halves of eight lines. Every horizontal luma edge has one in chroma."""
    cdef uint32_t half[4]
    cdef H264Threshold inner[2][2]
    cdef int i, e
    for i in range(2):
        for e in range(0, 4, 2):
            if direction == VERTICAL:           # parts 2i and 2i + 1, each of twice as many lines
                half[e] = (bS[e] >> 16 * i & 0xFF) * 0x0101u | (bS[e] >> (16 * i + 8) & 0xFF) * 0x01010000u
            else:
                half[e] = bS[2 * i + (e >> 1)]
        if direction == HORIZONTAL and i:
            inner[0][0], inner[0][1], inner[1][0], inner[1][1] = t[0][1], t[0][1], t[1][1], t[1][1]
            t = inner
        if half[0] | half[2]:
            if direction == VERTICAL:
                f.dsp.deblock_chroma_v(cb + 8 * i * stride, cr + 8 * i * stride, stride, half, t, f.plane[1].max)
            else:
                f.dsp.deblock_chroma_h(cb + 8 * i * stride, cr + 8 * i * stride, stride, half, t, f.plane[1].max)


cdef inline uint8_t *first_sample(const Filter *f, const Plane *plane, int line) noexcept nogil:
    return plane.row_pix + f.mb_x * plane.mb_bytes + line * plane.stride


cdef inline void filter_luma(const Filter *f, int direction, int i, int first_line, int step, const uint32_t *bS,
                             const H264Threshold *t) noexcept nogil:
    cdef const Plane *plane = &f.plane[i]
    if direction == VERTICAL:
        f.dsp.deblock_luma_v(first_sample(f, plane, first_line), step * plane.stride, bS, t, plane.max)
    else:
        f.dsp.deblock_luma_h(first_sample(f, plane, first_line), step * plane.stride, bS, t, plane.max)


cdef inline void filter_chroma(const Filter *f, int direction, int first_line, int step, const uint32_t *bS,
                               const H264Threshold (*t)[2]) noexcept nogil:
    """Chroma uses the bS of the luma edge at the same samples (8.7.2)."""
    cdef Py_ssize_t stride = step * f.plane[1].stride
    cdef uint8_t *cb = first_sample(f, &f.plane[1], first_line)
    cdef uint8_t *cr = first_sample(f, &f.plane[2], first_line)
    if f.ChromaArrayType == 2:
        filter_tall_chroma(f, direction, cb, cr, stride, bS, t)
    elif direction == VERTICAL:
        f.dsp.deblock_chroma_v(cb, cr, stride, bS, t, f.plane[1].max)
    else:
        f.dsp.deblock_chroma_h(cb, cr, stride, bS, t, f.plane[1].max)


cdef inline void filter_edges(const Filter *f, int direction, int first_line, int step, uint32_t *bS,
                              const H264Threshold (*t)[2]) noexcept nogil:
    """Filter all edges in one direction in all planes, on lines first_line, first_line + step ... of the macroblock."""
    cdef uint32_t luma = <uint32_t>((f.q.flags & MB_TRANSFORM8) != 0) - 1
    if f.ChromaArrayType in (1, 2):
        filter_chroma(f, direction, first_line, step, bS, t + 1)
    bS[1] &= luma                               # inside 8x8 transform blocks; those of chroma are always 4x4
    bS[3] &= luma
    filter_luma(f, direction, f.first_plane, first_line, step, bS, t[0])
    if f.ChromaArrayType == 3:
        filter_luma(f, direction, 1, first_line, step, bS, t[1])
        filter_luma(f, direction, 2, first_line, step, bS, t[2])


cdef inline void filter_direction(Filter *f, int direction, int neighbour) noexcept nogil:
    """Filter all edges in one direction, edge 0 towards this neighbour."""
    cdef uint32_t *bS = f.bS[direction]
    if bS[0] | bS[1] | bS[2] | bS[3] and set_thresholds(f, &f.p.mb[neighbour]):
        filter_edges(f, direction, 0, 1, bS, f.t)


# ---------------------------------------------------------------- boundary strengths

cdef inline void set_strengths(Filter *f, int left, int above) noexcept nogil:
    """Boundary strengths of all edges, towards these macroblocks; f.mb itself: the edge is not filtered here."""
    cdef const MbInfo *q = f.q
    cdef const MbInfo *l = &f.p.mb[left]
    cdef const MbInfo *a = &f.p.mb[above]
    cdef uint32_t top_intra = EACH_PART * 3 if f.field else EACH_PART * 4
    cdef uint32_t coefficients = q.nonzero
    cdef int e, lists
    cdef int mbs[3]
    if q.flags & AS_INTRA:
        f.bS[VERTICAL][0], f.bS[HORIZONTAL][0] = EACH_PART * 4, top_intra
        for e in range(1, 4):
            f.bS[VERTICAL][e] = f.bS[HORIZONTAL][e] = EACH_PART * 3
    else:
        mbs[0], mbs[1], mbs[2] = f.mb, left, above
        coefficients |= (coefficients & 0x7777) << 1 | (l.nonzero >> 3 & 0x1111)
        coefficients |= <uint32_t>q.nonzero << 16 | <uint32_t>(q.nonzero & 0xFFF) << 20
        coefficients |= <uint32_t>(a.nonzero >> 12) << 16
        lists = 2 if (q.flags | l.flags | a.flags) & MB_LIST1 else 1
        f.dsp.deblock_strengths(f.bS, f.p.mv[0], f.p.ref_id, mbs, coefficients, lists, 2 if f.field else 4)
        if l.flags & AS_INTRA:
            f.bS[VERTICAL][0] = EACH_PART * 4
        if a.flags & AS_INTRA:
            f.bS[HORIZONTAL][0] = top_intra
    if left == f.mb:
        f.bS[VERTICAL][0] = 0
    if above == f.mb:
        f.bS[HORIZONTAL][0] = 0


# ---------------------------------------------------------------- macroblock edges of MBAFF frames

cdef uint32_t mixed_top_strength(const Filter *f, int above) noexcept nogil:
    """bS of a top edge between a frame and a field macroblock (mixedModeEdgeFlag): without a comparison of motion."""
    cdef const MbInfo *p = &f.p.mb[above]
    cdef uint32_t coefficients = (f.q.nonzero | p.nonzero >> 12) & 0xF
    if (p.flags | f.q.flags) & AS_INTRA:
        return EACH_PART * 3
    return EACH_PART + (coefficients * 0x204081 & EACH_PART)        # bit k is added at 7k


cdef void mixed_left_edge(Filter *f, int row) noexcept nogil:
    """Filter the left edge between a frame and a field macroblock pair. Each macroblock of the left pair meets eight
    lines of this macroblock: a field macroblock every second line, a frame macroblock the upper or lower half."""
    cdef int pair = f.mb - 1 - (row & 1) * f.p.mb_width     # top macroblock of the left pair
    cdef int half, k, b_p, b_q, i, first, lines
    cdef Py_ssize_t stride
    cdef uint32_t bS
    cdef const MbInfo *p
    cdef const Plane *plane
    cdef H264Threshold t[3][2]
    for half in range(2):
        p = &f.p.mb[pair + half * f.p.mb_width]
        if not set_edge_thresholds(f, p, t, 0):
            continue
        bS = 0
        for k in range(4):
            if f.field:                     # lines 8 half + 2k, + 1: lines 4k.. of frame macroblock `half`
                b_q = 4 * (2 * half + (k >> 1))
                b_p = 4 * k + 3
            else:                           # lines 4k + half, + 2: lines 2k.. in a half of field macroblock `half`
                b_q = 4 * k
                b_p = 4 * (2 * (row & 1) + (k >> 1)) + 3
            bS |= <uint32_t>(2 if (f.q.nonzero >> b_q | p.nonzero >> b_p) & 1 else 1) << 8 * k
        if (p.flags | f.q.flags) & AS_INTRA:
            bS = EACH_PART * 4
        for i in range(f.first_plane, f.last_plane):
            plane = &f.plane[i]
            lines = plane.mb_height >> 1
            first = half * lines if f.field else half
            stride = plane.stride if f.field else 2 * plane.stride
            f.dsp.deblock_half_v(first_sample(f, plane, first), stride, lines, bS, t[i - f.first_plane],
                                 f.ChromaArrayType in (1, 2) and i > 0, plane.max)


cdef void top_edges_of_fields(Filter *f) noexcept nogil:
    """Filter the top edge of a frame macroblock below a field macroblock pair: the lines of each field separately."""
    cdef int parity, above
    cdef uint32_t bS[4]
    cdef H264Threshold t[3][2]
    for parity in range(2):
        above = f.mb - (2 - parity) * f.p.mb_width
        if set_edge_thresholds(f, &f.p.mb[above], t, 0):
            set_edge_thresholds(f, f.q, t, 1)
            bS[0], bS[1], bS[2], bS[3] = mixed_top_strength(f, above), 0, 0, 0
            filter_edges(f, HORIZONTAL, parity, 2, bS, t)


cdef inline int above_in_pair(const Filter *f, int row) noexcept nogil:
    """The macroblock across a top edge in an MBAFF frame; below 0: none."""
    cdef int above = f.mb - f.p.mb_width                        # for a top frame macroblock, the bottom one of the pair
    if f.field:
        if row & 1:
            above -= f.p.mb_width                               # not the other field of this pair
        elif above >= 0 and f.p.mb[above].flags & MB_FIELD:
            above -= f.p.mb_width                               # the macroblock of the same parity
    return above


# ---------------------------------------------------------------- macroblocks and rows

cdef inline bint may_filter_across(Filter *f, int neighbour) noexcept nogil:
    """Whether the edge towards this macroblock is filtered (8.7: filterLeftMbEdgeFlag, filterTopMbEdgeFlag)."""
    cdef int slice = f.p.mb[neighbour].slice
    codec_assert_range(0, neighbour, f.p.mb_count - 1)
    return slice >= 0 and (f.slice.disable_deblocking_filter_idc != 2 or slice == f.q.slice)


cdef void set_row(Filter *f, int row) noexcept nogil:
    """Set where the lines of frame or field macroblocks of this row are."""
    cdef Plane *plane
    cdef int i
    f.row, f.row_field = row, f.field
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        # a frame macroblock begins at a multiple of its height, a field macroblock at that of its pair, plus the parity
        plane.row_pix = f.p.plane[i] + ((row & ~f.field) * plane.mb_height + (row & f.field)) * f.p.stride[i]
        plane.stride = f.p.stride[i] << f.field


cdef void deblock_macroblock(Filter *f, int row, int mb_x) noexcept nogil:
    cdef PictureData *p = f.p
    cdef int left, above
    cdef bint mixed_top = False
    codec_assert_range(0, row, p.mb_height - 1)
    codec_assert_range(0, mb_x, p.mb_width - 1)
    f.mb, f.mb_x = row * p.mb_width + mb_x, mb_x
    f.q = &p.mb[f.mb]
    if f.q.slice < 0:
        return
    if f.q.slice != f.slice_index:
        set_slice(f, f.q.slice)
    if f.slice.disable_deblocking_filter_idc == 1:
        return
    f.field = f.q.flags & MB_FIELD != 0
    if row != f.row or f.field != f.row_field:
        set_row(f, row)
    left = f.mb - 1
    if mb_x == 0 or not may_filter_across(f, left):
        left = f.mb
    above = above_in_pair(f, row) if p.mbaff else f.mb - (p.mb_width << f.field)
    if above < 0 or not may_filter_across(f, above):
        above = f.mb
    if p.mbaff:
        mixed_top = (p.mb[above].flags & MB_FIELD != 0) != f.field
        if (p.mb[left].flags & MB_FIELD != 0) != f.field:
            mixed_left_edge(f, row)
            left = f.mb
        if mixed_top and not f.field:
            set_strengths(f, left, f.mb)
            filter_direction(f, VERTICAL, left)
            top_edges_of_fields(f)
            filter_direction(f, HORIZONTAL, f.mb)
            return
    set_strengths(f, left, above)
    if mixed_top:
        f.bS[HORIZONTAL][0] = mixed_top_strength(f, above)
    filter_direction(f, VERTICAL, left)
    filter_direction(f, HORIZONTAL, above)


cdef void open_filter(Filter *f, PictureData *p, const H264Dsp *dsp, int colour_plane) noexcept nogil:
    cdef Plane *plane
    cdef int i
    f.p, f.dsp = p, dsp
    f.slice_index = f.row = f.inner.slice = -1
    f.FilterOffsetA = f.FilterOffsetB = 99              # no slice has these
    f.ChromaArrayType = 0 if p.separate_planes else p.chroma_format_idc
    f.first_plane = colour_plane
    f.last_plane = 3 if f.ChromaArrayType else colour_plane + 1
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        plane.mb_height = p.height[i] // p.mb_height
        plane.mb_bytes = p.width[i] // p.mb_width << p.pixel_shift
        plane.max = (1 << p.bit_depth[f.ChromaArrayType != 0 and i > 0]) - 1


cdef int deblock_rows(PictureData *p, const H264Dsp *dsp, int first_row, int last_row, int colour_plane) noexcept nogil:
    """Filter rows first_row to last_row - 1 of macroblocks of the coded picture: of the frame (in MBAFF frames both
    even: whole pairs), or of the field that p.structure names. colour_plane: the plane whose macroblock data is
    selected (separate_colour_plane_flag), otherwise 0."""
    cdef Filter f
    cdef int row, mb_x
    codec_assert_range(0, colour_plane, 2)
    codec_assert_range(0, first_row, last_row)
    codec_assert(last_row <= p.mb_height >> (p.structure != 0))
    open_filter(&f, p, dsp, colour_plane)
    for row in range(first_row, last_row):
        if p.structure != 0:
            for mb_x in range(p.mb_width):
                deblock_macroblock(&f, 2 * row + (p.structure == 2), mb_x)
        elif not p.mbaff:
            for mb_x in range(p.mb_width):
                deblock_macroblock(&f, row, mb_x)
        elif not row & 1:
            for mb_x in range(p.mb_width):
                deblock_macroblock(&f, row, mb_x)
                deblock_macroblock(&f, row + 1, mb_x)
    return 0


def describe(Picture picture, int32_t[:, ::1] info, int16_t[:, :, :, ::1] mv, int32_t[:, :, ::1] ref_id,
             int32_t[:, ::1] slices, int structure, bint mbaff):
    """Set what deblocking reads from a picture, as a decoder would.

    Per macroblock (slice, flags, nonzero, qp, qpc of Cb, of Cr), vectors [2 lists][16 blocks][x, y] and reference
    identities [2 lists][4 blocks]; per slice (disable_deblocking_filter_idc, FilterOffsetA, FilterOffsetB).
    """
    cdef PictureData *p = &picture.data
    cdef int mb, i, n = p.mb_count
    if not (
        info.shape[0] == mv.shape[0] == ref_id.shape[0] == n
        and info.shape[1] == 6
        and tuple(mv.shape)[1:4] == (2, 16, 2)
        and tuple(ref_id.shape)[1:3] == (2, 4)
        and slices.shape[1] == 3
    ):
        raise ParameterError(f"arrays do not describe a picture of {n} macroblocks")
    p.structure, p.mbaff, p.slice_count = structure, mbaff, 0
    for i in range(slices.shape[0]):
        if add_slice(p) < 0:
            raise MemoryError("no memory for slices")
        p.slices[i].disable_deblocking_filter_idc = slices[i, 0]
        p.slices[i].FilterOffsetA, p.slices[i].FilterOffsetB = slices[i, 1], slices[i, 2]
    for mb in range(n):
        if info[mb, 0] >= slices.shape[0]:
            raise ParameterError(f"macroblock {mb}: slice {info[mb, 0]} of {slices.shape[0]}")
        p.mb[mb].slice, p.mb[mb].flags, p.mb[mb].nonzero = info[mb, 0], <uint16_t>info[mb, 1], <uint16_t>info[mb, 2]
        p.mb[mb].qp, p.mb[mb].qpc[0], p.mb[mb].qpc[1] = <int8_t>info[mb, 3], <int8_t>info[mb, 4], <int8_t>info[mb, 5]
    memcpy(p.mv, &mv[0, 0, 0, 0], n * 128)
    memcpy(p.ref_id, &ref_id[0, 0, 0], n * 32)


def deblock(Picture picture, int first_row, int last_row, int level, int colour_plane=0):
    """Filter rows of macroblocks of a decoded picture in place: rows as in `deblock_rows`, level as counted by
    `codec.cpu.level_index`."""
    cdef PictureData *p = &picture.data
    cdef int rows = p.mb_height >> (p.structure != 0)
    if not 0 <= first_row <= last_row <= rows or (p.mbaff and (first_row | last_row) & 1):
        pairs = ", in pairs" if p.mbaff else ""
        raise ParameterError(f"rows {first_row} to {last_row}: the picture has {rows} rows of macroblocks{pairs}")
    if not (0 <= colour_plane <= 2 and (colour_plane == 0 or p.separate_planes)):
        raise ParameterError(f"colour_plane: {colour_plane}")
    with nogil:
        deblock_rows(p, h264_dsp(p.pixel_shift, level), first_row, last_row, colour_plane)
