"""The deblocking filter of H.264 (8.7) over rows of macroblocks of a decoded picture.

A row may be filtered once it and the rows above are decoded, the rows above are filtered, and nothing will predict from its unfiltered
samples any more. Macroblocks are taken in the order of their addresses, each with its left edge, inner vertical edges, top edge and inner
horizontal edges; planes do not touch each other, so all planes of an edge are filtered together.

An edge has four parts with a boundary strength bS each (8.7.2.1), four luma samples long. Inside of a macroblock bS is kept as two sets of
bits, one per 4x4 block (b4 in raster order) that begins at the edge: where a coefficient makes it 2, and where motion makes it 1.
"""
from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint16_t
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

# One macroblock at work.
cdef struct Filter:
    PictureData *p
    const H264Dsp *dsp
    int ChromaArrayType
    int first_plane             # of the planes filtered here: 0, or the colour plane of separate_colour_plane_flag
    int mb
    const MbInfo *q             # of this macroblock
    const SliceInfo *slice
    int field                   # 1: lines are two apart
    uint8_t *pix[3]             # first sample of the macroblock
    Py_ssize_t stride[3]        # of its lines


# ---------------------------------------------------------------- samples

cdef inline int clip51(int v) noexcept nogil:
    return 0 if v < 0 else 51 if v > 51 else v


cdef inline void filter_edge(Filter *f, int plane, int direction, uint8_t *pix, Py_ssize_t stride, int length, const uint8_t *bS, int qPav) noexcept nogil:
    """One edge in one plane (8.7.2.2 to 8.7.2.4)."""
    cdef int chroma = plane > 0 and f.ChromaArrayType in (1, 2)
    cdef int shift = f.p.bit_depth[plane > 0] - 8
    cdef int indexA = clip51(qPav + f.slice.FilterOffsetA), indexB = clip51(qPav + f.slice.FilterOffsetB)
    cdef int alpha = H264_TABLE_8_16_ALPHA[indexA] << shift, beta = H264_TABLE_8_16_BETA[indexB] << shift
    cdef int top = (256 << shift) - 1
    cdef int16_t tc0[4]
    cdef int i
    cdef h264_deblock_luma_fn normal
    cdef h264_deblock_intra_fn strong
    if alpha == 0 or beta == 0:
        return
    if bS[0] == 4:                      # then all four parts: the same two macroblocks lie on both sides of the whole edge
        if direction == VERTICAL:
            strong = f.dsp.deblock_chroma_intra_v if chroma else f.dsp.deblock_luma_intra_v
        else:
            strong = f.dsp.deblock_chroma_intra_h if chroma else f.dsp.deblock_luma_intra_h
        strong(pix, stride, length, alpha, beta, top)
        return
    for i in range(4):
        tc0[i] = H264_TABLE_8_17_TC0[indexA][bS[i]] * (1 << shift)
    if direction == VERTICAL:
        normal = f.dsp.deblock_chroma_v if chroma else f.dsp.deblock_luma_v
    else:
        normal = f.dsp.deblock_chroma_h if chroma else f.dsp.deblock_luma_h
    normal(pix, stride, length, alpha, beta, tc0, top)


cdef inline int average_qp(const MbInfo *p, const MbInfo *q, int plane) noexcept nogil:
    """qPav of 8.7.2.2."""
    if plane == 0:
        return (p.qp + q.qp + 1) >> 1
    return (p.qpc[plane - 1] + q.qpc[plane - 1] + 1) >> 1


cdef void filter_planes(Filter *f, int direction, int edge, const uint8_t *bS, const MbInfo *p) noexcept nogil:
    """Edge 0..3 of the macroblock in all planes, where they have one; `p` is the macroblock on its other side. Chroma takes the bS of the luma edge
    that lies on the same samples (8.7.2)."""
    cdef int bytes = 1 << f.p.pixel_shift
    cdef int plane, luma_edge = not (edge & 1 and f.q.flags & MB_TRANSFORM8)
    cdef Py_ssize_t offset
    if not (bS[0] | bS[1] | bS[2] | bS[3]):
        return
    if luma_edge:
        plane = f.first_plane
        offset = 4 * edge * (bytes if direction == VERTICAL else f.stride[plane])
        filter_edge(f, 0, direction, f.pix[plane] + offset, f.stride[plane], 16, bS, average_qp(p, f.q, 0))
    if f.ChromaArrayType == 0 or (f.ChromaArrayType == 3 and not luma_edge):
        return
    if f.ChromaArrayType != 3 and edge & 1 and not (f.ChromaArrayType == 2 and direction == HORIZONTAL):
        return
    for plane in range(1, 3):
        if f.ChromaArrayType == 3:
            offset = 4 * edge * (bytes if direction == VERTICAL else f.stride[plane])
            filter_edge(f, plane, direction, f.pix[plane] + offset, f.stride[plane], 16, bS, average_qp(p, f.q, plane))
        elif direction == VERTICAL:
            filter_edge(f, plane, VERTICAL, f.pix[plane] + 2 * edge * bytes, f.stride[plane], 8 * f.ChromaArrayType, bS, average_qp(p, f.q, plane))
        else:
            offset = 2 * f.ChromaArrayType * edge * f.stride[plane]
            filter_edge(f, plane, HORIZONTAL, f.pix[plane] + offset, f.stride[plane], 8, bS, average_qp(p, f.q, plane))


cdef void filter_lines(Filter *f, int direction, int first_line, int step, int length, const uint8_t *bS, const MbInfo *p) noexcept nogil:
    """A macroblock edge of MBAFF frames in all planes, on lines first_line, first_line + step ... of luma: `length` of them (left edge), or
    with these as the rows across the edge (top edge, length 16)."""
    cdef int plane, lines, first
    for plane in range(f.first_plane, 3 if f.ChromaArrayType else f.first_plane + 1):
        first, lines = first_line, length
        if plane and f.ChromaArrayType in (1, 2):
            if f.ChromaArrayType == 1 and step == 1:
                first >>= 1                 # the second half of the rows; otherwise it is the parity
            lines = length >> (direction == HORIZONTAL or f.ChromaArrayType == 1)
        filter_edge(f, plane - f.first_plane, direction, f.pix[plane] + first * f.stride[plane], step * f.stride[plane], lines, bS,
                    average_qp(p, f.q, plane - f.first_plane))


# ---------------------------------------------------------------- boundary strengths

cdef inline bint far(const int16_t *a, const int16_t *b, int limit_y) noexcept nogil:
    """Whether two vectors differ by a whole frame sample: limit_y is 4 in frame, 2 in field macroblocks (whose lines are twice as far apart)."""
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


cdef void macroblock_edge(Filter *f, int direction, int mb_p, int intra_bS, bint mixedModeEdgeFlag, uint8_t *bS) noexcept nogil:
    """bS of the left or top edge, against the last blocks of macroblock mb_p."""
    cdef const MbInfo *p = &f.p.mb[mb_p]
    cdef const MbInfo *q = f.q
    cdef int k, b_p, b_q, step = 4 if direction == VERTICAL else 1, last = 3 if direction == VERTICAL else 12
    cdef int lists = lists_of(p, q), limit_y = 2 if f.field else 4
    cdef bint same = 0, differs = 0
    if (p.flags | q.flags) & AS_INTRA:
        bS[0] = bS[1] = bS[2] = bS[3] = intra_bS
        return
    if not mixedModeEdgeFlag and p.flags & q.flags & MB_ONE_VECTOR:
        same = 1
        differs = motion_differs(f.p, mb_p, 0, f.mb, 0, lists, limit_y)
    for k in range(4):
        b_q = step * k
        b_p = b_q + last
        if q.nonzero >> b_q & 1 or p.nonzero >> b_p & 1:
            bS[k] = 2
        elif same:
            bS[k] = differs
        else:
            bS[k] = mixedModeEdgeFlag or motion_differs(f.p, mb_p, b_p, f.mb, b_q, lists, limit_y)


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
    cdef int step = 1 if direction == VERTICAL else 4, across = 4 if direction == VERTICAL else 1
    cdef int edge, k, b, coefficients, motion
    # Blocks of 8x8 have no odd edges, but chroma of 4:2:2 has: 16 lines of 4x4 blocks beside 16 of luma.
    cdef int without = f.q.flags & MB_TRANSFORM8 and not (f.ChromaArrayType == 2 and direction == HORIZONTAL)
    cdef uint8_t bS[4]
    if f.q.flags & AS_INTRA:
        bS[0] = bS[1] = bS[2] = bS[3] = 3
        for edge in range(1, 4):
            if not (without and edge & 1):
                filter_planes(f, direction, edge, bS, f.q)
        return
    coefficients = f.q.nonzero | f.q.nonzero << step
    motion = inner_motion(f, direction)
    if not (coefficients | motion):
        return
    for edge in range(1, 4):
        if without and edge & 1:
            continue
        for k in range(4):
            b = edge * step + across * k
            bS[k] = 2 if coefficients >> b & 1 else motion >> b & 1
        filter_planes(f, direction, edge, bS, f.q)


# ---------------------------------------------------------------- macroblock edges of MBAFF frames

cdef void mixed_left_edge(Filter *f, int row) noexcept nogil:
    """Left edge between a frame and a field macroblock pair. Each macroblock of the left pair meets eight lines of this macroblock:
    of a field pair every second line, of a frame pair its upper or its lower half."""
    cdef int pair = f.mb - 1 - (row & 1) * f.p.mb_width     # top macroblock of the left pair
    cdef int half, k, b_p, b_q
    cdef const MbInfo *p
    cdef uint8_t bS[4]
    for half in range(2):
        p = &f.p.mb[pair + half * f.p.mb_width]
        for k in range(4):
            if f.field:                     # lines 8 half + 2k, + 1: lines 4k.. of frame macroblock `half`
                b_q = 4 * (2 * half + (k >> 1))
                b_p = 4 * k + 3
            else:                           # lines 4k + half, + 2: line 2k.. of the upper or lower half of field macroblock `half`
                b_q = 4 * k
                b_p = 4 * (2 * (row & 1) + (k >> 1)) + 3
            if (p.flags | f.q.flags) & AS_INTRA:
                bS[k] = 4
            else:
                bS[k] = 2 if f.q.nonzero >> b_q & 1 or p.nonzero >> b_p & 1 else 1
        if f.field:
            filter_lines(f, VERTICAL, 8 * half, 1, 8, bS, p)
        else:
            filter_lines(f, VERTICAL, half, 2, 8, bS, p)


cdef void top_edge_mbaff(Filter *f, int row) noexcept nogil:
    """Top edge in an MBAFF frame; the macroblock above is in the picture, and may be used."""
    cdef int above = f.mb - f.p.mb_width, parity                    # of a frame macroblock; of the top one it is the bottom one above
    cdef bint above_is_field
    cdef uint8_t bS[4]
    if row & 1 and not f.field:
        macroblock_edge(f, HORIZONTAL, above, 4, False, bS)
        filter_planes(f, HORIZONTAL, 0, bS, &f.p.mb[above])
        return
    if row & 1:
        above -= f.p.mb_width                                       # out of this pair
    above_is_field = f.p.mb[above].flags & MB_FIELD != 0
    if f.field:
        if above_is_field and not row & 1:
            above -= f.p.mb_width                                   # the macroblock of the same parity
        macroblock_edge(f, HORIZONTAL, above, 3, not above_is_field, bS)
        filter_planes(f, HORIZONTAL, 0, bS, &f.p.mb[above])
    elif not above_is_field:
        macroblock_edge(f, HORIZONTAL, above, 4, False, bS)
        filter_planes(f, HORIZONTAL, 0, bS, &f.p.mb[above])
    else:
        for parity in range(2):                                     # the lines of each field on their own
            above = f.mb - (2 - parity) * f.p.mb_width
            macroblock_edge(f, HORIZONTAL, above, 3, True, bS)
            filter_lines(f, HORIZONTAL, parity, 2, 16, bS, &f.p.mb[above])


# ---------------------------------------------------------------- macroblocks and rows

cdef inline bint may_filter_across(Filter *f, int neighbour) noexcept nogil:
    """Whether the edge towards this macroblock is filtered (8.7: filterLeftMbEdgeFlag, filterTopMbEdgeFlag), given that it lies in the picture."""
    cdef int slice = f.p.mb[neighbour].slice
    return slice >= 0 and (f.slice.disable_deblocking_filter_idc != 2 or slice == f.q.slice)


cdef void deblock_macroblock(Filter *f, int row, int mb_x) noexcept nogil:
    cdef PictureData *p = f.p
    cdef int plane, line, above
    cdef uint8_t bS[4]
    f.mb = row * p.mb_width + mb_x
    f.q = &p.mb[f.mb]
    if f.q.slice < 0:
        return
    f.slice = &p.slices[f.q.slice]
    if f.slice.disable_deblocking_filter_idc == 1:
        return
    f.field = f.q.flags & MB_FIELD != 0
    line = 16 * (row & ~1) + (row & 1) if f.field else 16 * row
    for plane in range(f.first_plane, 3 if f.ChromaArrayType else f.first_plane + 1):
        f.pix[plane] = p.plane[plane] + (mb_x * (p.width[plane] // p.mb_width) << p.pixel_shift)
        # Lines of a frame macroblock begin at a multiple of its height, those of a field macroblock at that of its pair, plus the parity.
        if f.field:
            f.pix[plane] += ((row & ~1) * (p.height[plane] // p.mb_height) + (row & 1)) * p.stride[plane]
        else:
            f.pix[plane] += row * (p.height[plane] // p.mb_height) * p.stride[plane]
        f.stride[plane] = p.stride[plane] << f.field
    if mb_x > 0 and may_filter_across(f, f.mb - 1):
        if p.mbaff and (p.mb[f.mb - 1].flags & MB_FIELD != 0) != f.field:
            mixed_left_edge(f, row)
        else:
            macroblock_edge(f, VERTICAL, f.mb - 1, 4, False, bS)
            filter_planes(f, VERTICAL, 0, bS, &p.mb[f.mb - 1])
    inner_edges(f, VERTICAL)
    if p.mbaff:
        above = f.mb - (2 if row & 1 and f.field else 1) * p.mb_width
        if above >= 0 and may_filter_across(f, above):
            top_edge_mbaff(f, row)
    else:
        above = f.mb - (p.mb_width << f.field)
        if above >= 0 and may_filter_across(f, above):
            macroblock_edge(f, HORIZONTAL, above, 3 if f.field else 4, False, bS)
            filter_planes(f, HORIZONTAL, 0, bS, &p.mb[above])
    inner_edges(f, HORIZONTAL)


cdef int deblock_rows(PictureData *p, const H264Dsp *dsp, int first_row, int last_row, int colour_plane) noexcept nogil:
    """Filter rows first_row to last_row - 1 of macroblocks of the coded picture: of the frame (in MBAFF frames both even: whole pairs), or of the
    field that p.structure names. colour_plane: the plane that the macroblock data is of (separate_colour_plane_flag), otherwise 0."""
    cdef Filter f
    cdef int row, mb_x
    f.p = p
    f.dsp = dsp
    f.ChromaArrayType = 0 if p.separate_planes else p.chroma_format_idc
    f.first_plane = colour_plane
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


def describe(Picture picture, int32_t[:, ::1] info, int16_t[:, :, :, ::1] mv, int32_t[:, :, ::1] ref_id, int32_t[:, ::1] slices, int structure, bint mbaff):
    """Give a picture what deblocking asks of it, as a decoder would: per macroblock (slice, flags, nonzero, qp, qpc of Cb, of Cr),
    vectors [2 lists][16 blocks][x, y] and identities of references [2 lists][4 blocks]; per slice (disable_deblocking_filter_idc, FilterOffsetA,
    FilterOffsetB)."""
    cdef PictureData *p = &picture.data
    cdef int mb, i, n = p.mb_count
    if not (info.shape[0] == mv.shape[0] == ref_id.shape[0] == n and info.shape[1] == 6 and tuple(mv.shape)[1:4] == (2, 16, 2)
            and tuple(ref_id.shape)[1:3] == (2, 4) and slices.shape[1] == 3):
        raise ParameterError(f"arrays do not describe a picture of {n} macroblocks")
    p.structure, p.mbaff, p.slice_count = structure, mbaff, 0
    for i in range(slices.shape[0]):
        if add_slice(p) < 0:
            raise MemoryError("no memory for slices")
        p.slices[i].disable_deblocking_filter_idc, p.slices[i].FilterOffsetA, p.slices[i].FilterOffsetB = slices[i, 0], slices[i, 1], slices[i, 2]
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
