"""The deblocking filter of H.264 (8.7) over rows of macroblocks of a decoded picture.

A row may be filtered once it and the rows above are decoded, the rows above are filtered, and nothing will predict from its unfiltered
samples any more. Macroblocks are taken in the order of their addresses, each with its left edge, inner vertical edges, top edge and inner
horizontal edges; planes do not touch each other, so all planes of an edge are filtered together.

An edge has four parts with a boundary strength bS each (8.7.2.1), four luma samples long: four bytes of a number, the first part in the
lowest. What makes bS 1 or 2 is found as sets of bits, one per 4x4 block (b4 in raster order) that begins at the edge.
"""
from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from ..errors import ParameterError

from ._kernels cimport H264Dsp, h264_deblock_intra_fn, h264_deblock_luma_fn, h264_dsp
from ._picture cimport (MB_8X8_MOTION, MB_FIELD, MB_INTRA, MB_LIST1, MB_ONE_VECTOR, MB_SWITCHING, MB_TRANSFORM8, MbInfo, Picture,
                        PictureData, SliceInfo, add_slice)
from .tables.values cimport H264_TABLE_8_16_ALPHA, H264_TABLE_8_16_BETA, H264_TABLE_8_17_TC0

cdef enum:
    VERTICAL = 0
    HORIZONTAL = 1
    AS_INTRA = MB_INTRA | MB_SWITCHING

# Thresholds of 8.7.2.2 for one edge in one plane, scaled to the bit depth. alpha 0: no sample can change.
cdef struct Threshold:
    int alpha
    int beta
    const int8_t *tC0           # row of Table 8-17, by bS

# One plane of the macroblock at work. Luma edge e is, where this plane has it, e * step bytes from the first sample.
cdef struct Plane:
    uint8_t *pix                        # first sample of the macroblock
    Py_ssize_t stride                   # of its lines
    uint8_t *row_pix                    # of the first macroblock of its row
    Py_ssize_t step[2]                  # by direction
    int mb_bytes                        # of a line of a macroblock
    int shift                           # BitDepth - 8
    int mb_width, mb_height             # of a macroblock, in samples
    int length[2]                       # of an edge, in samples, by direction
    int edges[2]                        # set of luma edges that it has, by direction
    int edges8[2]                       # the same with transform_size_8x8_flag
    h264_deblock_luma_fn normal[2]
    h264_deblock_intra_fn strong[2]

cdef struct Filter:
    PictureData *p
    int ChromaArrayType
    int first_plane             # planes filtered here, up to last_plane - 1: all, or the colour plane of separate_colour_plane_flag
    int last_plane
    Plane plane[3]
    int mb
    const MbInfo *q             # of this macroblock
    const SliceInfo *slice
    int field                   # 1: lines are two apart
    int row, row_field          # what row_pix, stride and step are for
    Threshold inner[3]          # inside of the macroblock
    bint inside                 # whether they let any sample change
    const SliceInfo *inner_slice    # what they were computed for; most macroblocks have the parameters of the one before
    int8_t inner_qp[3]


# ---------------------------------------------------------------- samples

cdef inline int clip51(int v) noexcept nogil:
    return 0 if v < 0 else 51 if v > 51 else v


cdef inline void set_threshold(Filter *f, int plane, int qPav, Threshold *t) noexcept nogil:
    cdef int indexA = clip51(qPav + f.slice.FilterOffsetA)
    t.alpha = H264_TABLE_8_16_ALPHA[indexA] << f.plane[plane].shift
    t.beta = H264_TABLE_8_16_BETA[clip51(qPav + f.slice.FilterOffsetB)] << f.plane[plane].shift
    t.tC0 = H264_TABLE_8_17_TC0[indexA]
    if t.beta == 0:
        t.alpha = 0


cdef inline bint set_thresholds(Filter *f, const MbInfo *p, Threshold *t) noexcept nogil:
    """Of the edge towards macroblock p, by plane (qPav of 8.7.2.2); whether any sample could change. A colour plane of its own is luma."""
    cdef const MbInfo *q = f.q
    set_threshold(f, f.first_plane, (p.qp + q.qp + 1) >> 1, &t[f.first_plane])
    if f.ChromaArrayType == 0:
        return t[f.first_plane].alpha != 0
    set_threshold(f, 1, (p.qpc[0] + q.qpc[0] + 1) >> 1, &t[1])
    set_threshold(f, 2, (p.qpc[1] + q.qpc[1] + 1) >> 1, &t[2])
    return (t[0].alpha | t[1].alpha | t[2].alpha) != 0


cdef inline bint same_qp(const MbInfo *p, int8_t qp, int8_t qpc0, int8_t qpc1) noexcept nogil:
    return p.qp == qp and p.qpc[0] == qpc0 and p.qpc[1] == qpc1


cdef inline void set_inner_thresholds(Filter *f) noexcept nogil:
    if f.slice == f.inner_slice and same_qp(f.q, f.inner_qp[0], f.inner_qp[1], f.inner_qp[2]):
        return
    f.inner_slice = f.slice
    f.inner_qp[0], f.inner_qp[1], f.inner_qp[2] = f.q.qp, f.q.qpc[0], f.q.qpc[1]
    f.inside = set_thresholds(f, f.q, f.inner)


cdef inline void filter_edge(const Plane *plane, int direction, uint8_t *pix, Py_ssize_t stride, int length, uint32_t bS,
                             const Threshold *t) noexcept nogil:
    """One edge in one plane (8.7.2.2 to 8.7.2.4)."""
    cdef int top = (256 << plane.shift) - 1
    cdef int16_t tc0[4]
    cdef int i
    if bS & 4:                          # then all four parts: the same two macroblocks lie on both sides of the whole edge
        plane.strong[direction](pix, stride, length, t.alpha, t.beta, top)
        return
    tc0[0] = t.tC0[bS & 3] * (1 << plane.shift)
    if bS == (bS & 3) * 0x01010101u:
        tc0[1] = tc0[2] = tc0[3] = tc0[0]
    else:
        for i in range(1, 4):
            tc0[i] = t.tC0[bS >> (8 * i) & 3] * (1 << plane.shift)
    plane.normal[direction](pix, stride, length, t.alpha, t.beta, tc0, top)


cdef void filter_planes(Filter *f, int direction, int edge, uint32_t bS, const Threshold *t) noexcept nogil:
    """Edge 0..3 of the macroblock in all planes that have it. Chroma takes the bS of the luma edge on the same samples (8.7.2)."""
    cdef int i, edges
    cdef const Plane *plane
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        edges = plane.edges8[direction] if f.q.flags & MB_TRANSFORM8 else plane.edges[direction]
        if t[i].alpha != 0 and edges >> edge & 1:
            filter_edge(plane, direction, plane.pix + edge * plane.step[direction], plane.stride, plane.length[direction], bS, &t[i])


cdef void filter_lines(Filter *f, int direction, int first_line, int step, int share, uint32_t bS,
                       const Threshold *t) noexcept nogil:
    """A macroblock edge of MBAFF frames in all planes, on lines first_line (of 16), first_line + step ...: a left edge over
    1 / share of the macroblock's lines, or a top edge with these as the rows across it."""
    cdef int i, first
    cdef const Plane *plane
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        if t[i].alpha == 0:
            continue
        first = first_line if step == 2 else first_line * plane.mb_height >> 4      # a parity, or the upper or lower half
        filter_edge(plane, direction, plane.pix + first * plane.stride, step * plane.stride, plane.length[direction] // share, bS, &t[i])


# ---------------------------------------------------------------- boundary strengths

cdef inline bint far(const int16_t *a, const int16_t *b, int limit_y) noexcept nogil:
    """Whether two vectors differ by a whole frame sample: limit_y is 4 in frame, 2 in field macroblocks, whose lines are twice as far
    apart."""
    cdef int x = a[0] - b[0], y = a[1] - b[1]
    return x >= 4 or x <= -4 or y >= limit_y or y <= -limit_y


cdef inline bint motion_differs(PictureData *p, int mb_p, int b_p, int mb_q, int b_q, int lists, int limit_y) noexcept nogil:
    """Whether 4x4 blocks of two inter macroblocks have other reference pictures, or vectors that are far from each other. Which list a
    picture comes from does not matter; unused lists have reference -1 and vector 0."""
    cdef const int32_t *ref_p = p.ref_id + mb_p * 8 + ((b_p >> 3) << 1 | (b_p >> 1 & 1))
    cdef const int32_t *ref_q = p.ref_id + mb_q * 8 + ((b_q >> 3) << 1 | (b_q >> 1 & 1))
    cdef const int16_t *p0 = p.mv[mb_p * 32 + b_p]
    cdef const int16_t *q0 = p.mv[mb_q * 32 + b_q]
    cdef const int16_t *p1 = p0 + 32
    cdef const int16_t *q1 = q0 + 32
    if lists == 1:
        return ref_p[0] != ref_q[0] or far(p0, q0, limit_y)
    if ref_p[0] == ref_q[0] and ref_p[4] == ref_q[4]:
        if not (far(p0, q0, limit_y) or far(p1, q1, limit_y)):
            return False
        return ref_p[0] != ref_p[4] or far(p0, q1, limit_y) or far(p1, q0, limit_y)
    if ref_p[0] == ref_q[4] and ref_p[4] == ref_q[0]:
        return far(p0, q1, limit_y) or far(p1, q0, limit_y)
    return True


cdef inline int lists_of(const MbInfo *p, const MbInfo *q) noexcept nogil:
    return 2 if (p.flags | q.flags) & MB_LIST1 else 1


cdef inline uint32_t strengths(int direction, int coefficients, int motion) noexcept nogil:
    """bS of an edge from the bits of its blocks: 0, 4, 8, 12 of a vertical edge, 0, 1, 2, 3 of a horizontal one."""
    cdef uint32_t two = coefficients, one = motion
    if direction == VERTICAL:           # bits 4 apart to 8 apart: first the pairs, then within them
        two, one = (two & 0x11) | (two & 0x1100) << 8, (one & 0x11) | (one & 0x1100) << 8
        two, one = (two & 0x10001) | (two & 0x100010) << 4, (one & 0x10001) | (one & 0x100010) << 4
    else:                               # bit k is added at 7k
        two, one = two * 0x204081 & 0x01010101, one * 0x204081 & 0x01010101
    return two << 1 | (one & ~two)


cdef inline uint32_t macroblock_edge(Filter *f, int direction, int mb_p, int intra_bS, bint mixedModeEdgeFlag) noexcept nogil:
    """bS of the left or top edge, against the last blocks of macroblock mb_p."""
    cdef const MbInfo *p = &f.p.mb[mb_p]
    cdef const MbInfo *q = f.q
    cdef int step = 4 if direction == VERTICAL else 1, last = 3 if direction == VERTICAL else 12
    cdef int all_parts = 0x1111 if direction == VERTICAL else 0xF
    cdef int k, coefficients, motion = 0, lists = lists_of(p, q), limit_y = 2 if f.field else 4
    if (p.flags | q.flags) & AS_INTRA:
        return 0x01010101 * intra_bS
    coefficients = (q.nonzero | p.nonzero >> last) & all_parts
    if mixedModeEdgeFlag:
        motion = all_parts
    elif p.flags & q.flags & MB_ONE_VECTOR:
        if motion_differs(f.p, mb_p, 0, f.mb, 0, lists, limit_y):
            motion = all_parts
    elif p.flags & q.flags & MB_8X8_MOTION:
        for k in range(0, 4, 2):
            if motion_differs(f.p, mb_p, step * k + last, f.mb, step * k, lists, limit_y):
                motion |= (1 | 1 << step) << (step * k)
    elif coefficients != all_parts:
        for k in range(4):
            if motion_differs(f.p, mb_p, step * k + last, f.mb, step * k, lists, limit_y):
                motion |= 1 << (step * k)
    return strengths(direction, coefficients, motion)


cdef int inner_motion(Filter *f, int direction) noexcept nogil:
    """Bits of blocks whose motion differs from the block before them in this direction, of an inter macroblock."""
    cdef int step = 1 if direction == VERTICAL else 4, across = 4 if direction == VERTICAL else 1
    cdef int lists = lists_of(f.q, f.q), limit_y = 2 if f.field else 4
    cdef int edge, k, b, bits = 0
    if f.q.flags & MB_ONE_VECTOR:
        return 0
    if f.q.flags & MB_8X8_MOTION:
        for k in range(0, 4, 2):
            b = 2 * step + across * k
            if motion_differs(f.p, f.mb, b - step, f.mb, b, lists, limit_y):
                bits |= (1 | 1 << across) << b
        return bits
    for edge in range(1, 4):
        for k in range(4):
            b = edge * step + across * k
            if motion_differs(f.p, f.mb, b - step, f.mb, b, lists, limit_y):
                bits |= 1 << b
    return bits


cdef void inner_edges(Filter *f, int direction) noexcept nogil:
    """Edges 1 to 3."""
    cdef int step = 1 if direction == VERTICAL else 4, all_parts = 0x1111 if direction == VERTICAL else 0xF
    cdef int edge, coefficients, motion
    if f.q.flags & AS_INTRA:
        for edge in range(1, 4):
            filter_planes(f, direction, edge, 0x03030303, f.inner)
        return
    coefficients = f.q.nonzero | f.q.nonzero << step
    motion = inner_motion(f, direction)
    if not (coefficients | motion):
        return
    for edge in range(1, 4):
        coefficients >>= step
        motion >>= step
        if (coefficients | motion) & all_parts:
            filter_planes(f, direction, edge, strengths(direction, coefficients & all_parts, motion & all_parts), f.inner)


# ---------------------------------------------------------------- macroblock edges of MBAFF frames

cdef void mixed_left_edge(Filter *f, int row) noexcept nogil:
    """Left edge between a frame and a field macroblock pair. Each macroblock of the left pair meets eight lines of this macroblock:
    of a field pair every second line, of a frame pair its upper or its lower half."""
    cdef int pair = f.mb - 1 - (row & 1) * f.p.mb_width     # top macroblock of the left pair
    cdef int half, k, b_p, b_q
    cdef uint32_t bS
    cdef const MbInfo *p
    cdef Threshold t[3]
    for half in range(2):
        p = &f.p.mb[pair + half * f.p.mb_width]
        if not set_thresholds(f, p, t):
            continue
        bS = 0
        for k in range(4):
            if f.field:                     # lines 8 half + 2k, + 1: lines 4k.. of frame macroblock `half`
                b_q = 4 * (2 * half + (k >> 1))
                b_p = 4 * k + 3
            else:                           # lines 4k + half, + 2: line 2k.. of the upper or lower half of field macroblock `half`
                b_q = 4 * k
                b_p = 4 * (2 * (row & 1) + (k >> 1)) + 3
            bS |= <uint32_t>(2 if (f.q.nonzero >> b_q | p.nonzero >> b_p) & 1 else 1) << 8 * k
        if (p.flags | f.q.flags) & AS_INTRA:
            bS = 0x04040404
        if f.field:
            filter_lines(f, VERTICAL, 8 * half, 1, 2, bS, t)
        else:
            filter_lines(f, VERTICAL, half, 2, 2, bS, t)


cdef inline void whole_edge(Filter *f, int direction, int mb_p, int intra_bS, bint mixedModeEdgeFlag) noexcept nogil:
    """Left or top edge against one macroblock on lines like those of this one."""
    cdef Threshold own[3]
    cdef const Threshold *t = f.inner
    cdef bint changes = f.inside
    cdef uint32_t bS
    if not same_qp(&f.p.mb[mb_p], f.q.qp, f.q.qpc[0], f.q.qpc[1]):
        changes = set_thresholds(f, &f.p.mb[mb_p], own)
        t = own
    if changes:
        bS = macroblock_edge(f, direction, mb_p, intra_bS, mixedModeEdgeFlag)
        if bS:
            filter_planes(f, direction, 0, bS, t)


cdef void top_edge_mbaff(Filter *f, int row) noexcept nogil:
    """Top edge in an MBAFF frame; the macroblock above is in the picture, and may be used."""
    cdef int above = f.mb - f.p.mb_width, parity                    # of a frame macroblock; of the top one it is the bottom one above
    cdef bint above_is_field
    cdef Threshold t[3]
    if row & 1 and not f.field:
        whole_edge(f, HORIZONTAL, above, 4, False)
        return
    if row & 1:
        above -= f.p.mb_width                                       # out of this pair
    above_is_field = f.p.mb[above].flags & MB_FIELD != 0
    if f.field:
        if above_is_field and not row & 1:
            above -= f.p.mb_width                                   # the macroblock of the same parity
        whole_edge(f, HORIZONTAL, above, 3, not above_is_field)
    elif not above_is_field:
        whole_edge(f, HORIZONTAL, above, 4, False)
    else:
        for parity in range(2):                                     # the lines of each field on their own
            above = f.mb - (2 - parity) * f.p.mb_width
            if set_thresholds(f, &f.p.mb[above], t):
                filter_lines(f, HORIZONTAL, parity, 2, 1, macroblock_edge(f, HORIZONTAL, above, 3, True), t)


# ---------------------------------------------------------------- macroblocks and rows

cdef inline bint may_filter_across(Filter *f, int neighbour) noexcept nogil:
    """Whether the edge towards this macroblock of the picture is filtered (8.7: filterLeftMbEdgeFlag, filterTopMbEdgeFlag)."""
    cdef int slice = f.p.mb[neighbour].slice
    return slice >= 0 and (f.slice.disable_deblocking_filter_idc != 2 or slice == f.q.slice)


cdef void set_row(Filter *f, int row) noexcept nogil:
    """Where the lines of frame or field macroblocks of this row are."""
    cdef Plane *plane
    cdef int i
    f.row, f.row_field = row, f.field
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        # Lines of a frame macroblock begin at a multiple of its height, those of a field macroblock at that of its pair, plus the parity.
        plane.row_pix = f.p.plane[i] + ((row & ~f.field) * plane.mb_height + (row & f.field)) * f.p.stride[i]
        plane.stride = f.p.stride[i] << f.field
        plane.step[HORIZONTAL] = (plane.mb_height >> 2) * plane.stride


cdef void deblock_macroblock(Filter *f, int row, int mb_x) noexcept nogil:
    cdef PictureData *p = f.p
    cdef Plane *plane
    cdef int i, above
    f.mb = row * p.mb_width + mb_x
    f.q = &p.mb[f.mb]
    if f.q.slice < 0:
        return
    f.slice = &p.slices[f.q.slice]
    if f.slice.disable_deblocking_filter_idc == 1:
        return
    f.field = f.q.flags & MB_FIELD != 0
    if row != f.row or f.field != f.row_field:
        set_row(f, row)
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        plane.pix = plane.row_pix + mb_x * plane.mb_bytes
    set_inner_thresholds(f)
    if mb_x > 0 and may_filter_across(f, f.mb - 1):
        if p.mbaff and (p.mb[f.mb - 1].flags & MB_FIELD != 0) != f.field:
            mixed_left_edge(f, row)
        else:
            whole_edge(f, VERTICAL, f.mb - 1, 4, False)
    if f.inside:
        inner_edges(f, VERTICAL)
    if p.mbaff:
        above = f.mb - (2 if row & 1 and f.field else 1) * p.mb_width
        if above >= 0 and may_filter_across(f, above):
            top_edge_mbaff(f, row)
    else:
        above = f.mb - (p.mb_width << f.field)
        if above >= 0 and may_filter_across(f, above):
            whole_edge(f, HORIZONTAL, above, 3 if f.field else 4, False)
    if f.inside:
        inner_edges(f, HORIZONTAL)


cdef void open_filter(Filter *f, PictureData *p, const H264Dsp *dsp, int colour_plane) noexcept nogil:
    cdef Plane *plane
    cdef int i, chroma
    f.p = p
    f.inner_slice = NULL
    f.row = -1
    f.ChromaArrayType = 0 if p.separate_planes else p.chroma_format_idc
    f.first_plane = colour_plane
    f.last_plane = 3 if f.ChromaArrayType else colour_plane + 1
    for i in range(f.first_plane, f.last_plane):
        plane = &f.plane[i]
        chroma = i > 0 and f.ChromaArrayType in (1, 2)
        plane.mb_width, plane.mb_height = p.width[i] // p.mb_width, p.height[i] // p.mb_height
        plane.mb_bytes = plane.mb_width << p.pixel_shift
        plane.step[VERTICAL] = plane.mb_bytes >> 2
        plane.length[VERTICAL], plane.length[HORIZONTAL] = plane.mb_height, plane.mb_width
        plane.shift = p.bit_depth[f.ChromaArrayType != 0 and i > 0] - 8
        # Every edge of 4x4 blocks, or of 8x8 blocks. Blocks of chroma are 4x4 always: two columns of them, and two rows (4:2:0) or four.
        plane.edges[VERTICAL] = plane.edges[HORIZONTAL] = 0b1111
        plane.edges8[VERTICAL] = plane.edges8[HORIZONTAL] = 0b0101
        if chroma:
            plane.edges[VERTICAL] = 0b0101
            plane.edges[HORIZONTAL] = plane.edges8[HORIZONTAL] = 0b0101 if f.ChromaArrayType == 1 else 0b1111
            plane.normal[VERTICAL], plane.normal[HORIZONTAL] = dsp.deblock_chroma_v, dsp.deblock_chroma_h
            plane.strong[VERTICAL], plane.strong[HORIZONTAL] = dsp.deblock_chroma_intra_v, dsp.deblock_chroma_intra_h
        else:
            plane.normal[VERTICAL], plane.normal[HORIZONTAL] = dsp.deblock_luma_v, dsp.deblock_luma_h
            plane.strong[VERTICAL], plane.strong[HORIZONTAL] = dsp.deblock_luma_intra_v, dsp.deblock_luma_intra_h


cdef int deblock_rows(PictureData *p, const H264Dsp *dsp, int first_row, int last_row, int colour_plane) noexcept nogil:
    """Filter rows first_row to last_row - 1 of macroblocks of the coded picture: of the frame (in MBAFF frames both even: whole pairs), or
    of the field that p.structure names. colour_plane: the plane that the macroblock data is of (separate_colour_plane_flag), otherwise 0."""
    cdef Filter f
    cdef int row, mb_x
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


def describe(Picture picture, int32_t[:, ::1] info, int16_t[:, :, :, ::1] mv, int32_t[:, :, ::1] ref_id, int32_t[:, ::1] slices,
             int structure, bint mbaff):
    """Give a picture what deblocking asks of it, as a decoder would: per macroblock (slice, flags, nonzero, qp, qpc of Cb, of Cr),
    vectors [2 lists][16 blocks][x, y] and identities of references [2 lists][4 blocks]; per slice (disable_deblocking_filter_idc,
    FilterOffsetA, FilterOffsetB)."""
    cdef PictureData *p = &picture.data
    cdef int mb, i, n = p.mb_count
    if not (info.shape[0] == mv.shape[0] == ref_id.shape[0] == n and info.shape[1] == 6 and tuple(mv.shape)[1:4] == (2, 16, 2)
            and tuple(ref_id.shape)[1:3] == (2, 4) and slices.shape[1] == 3):
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
    """Filter rows of macroblocks of a decoded picture, in place; `deblock_rows` tells the rows, codec.cpu the level (0 scalar, 1 AVX2)."""
    cdef PictureData *p = &picture.data
    cdef int rows = p.mb_height >> (p.structure != 0)
    if not 0 <= first_row <= last_row <= rows or (p.mbaff and (first_row | last_row) & 1):
        raise ParameterError(f"rows {first_row} to {last_row}: the picture has {rows} rows of macroblocks{', in pairs' if p.mbaff else ''}")
    if not (0 <= colour_plane <= 2 and (colour_plane == 0 or p.separate_planes)):
        raise ParameterError(f"colour_plane: {colour_plane}")
    with nogil:
        deblock_rows(p, h264_dsp(p.pixel_shift, level), first_row, last_row, colour_plane)
