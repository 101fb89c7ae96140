"""Concealment of lost macroblocks.

A lost macroblock takes one of the likely motions: those of the blocks beside it, those at its place in the picture
nearest in time, and none. Boundary matching [1] chooses: the samples around the block to be copied are compared with
those around the macroblock [2]. Macroblocks with the most known neighbours go first [3] and are known to their
neighbours afterwards, so that a hole is filled from its borders inward. Vectors keep their quarter samples; weighted
prediction is not applied.

If no motion fits (a scene has begun), or there is no earlier picture, samples are interpolated between the nearest
decoded ones to the left, right, above and below, weighted by closeness [3].

[1] Lam, Reibman, Liu: Recovery of lost or erroneously received motion vectors. ICASSP 1993.
[2] Zhang, Arnold, Frater: A cell-loss concealment technique for MPEG-2 coded video. IEEE Trans. CSVT 10 (4), 2000.
[3] Wang, Hannuksela, Varsa, Hourunranta, Gabbouj: The error concealment feature in the H.26L test model. ICIP 2002.
"""
from libc.stdint cimport uint8_t, uint16_t, int32_t, int64_t
from libc.stdlib cimport abs, calloc, free

from codec._core cimport codec_assert_range
from codec.h264.macroblock._inter cimport EDGE_BYTES, EDGE_STRIDE, pad_block
from codec.h264.macroblock._kernels cimport H264Dsp, h264_dsp
from codec.h264.pictures._picture cimport Picture, PictureData

from ...errors import ParameterError

cdef enum:
    LOST = 0                # of Concealment.known
    FILLED = 1
    DECODED = 2

    LEFT = 0
    RIGHT = 1
    ABOVE = 2
    BELOW = 3

    UNUSED = -1             # of Motion.source

    # Figures: see docs/pixel_to_bitstream.md. A strip has 64 samples; thresholds are for 8 bits.
    STRIP = 4               # width of the strips around the macroblock that are compared: 8 gave 0.04 dB less
    STILL = 40              # per strip, by which another motion must be better than none: 0 gave 0.26 dB less
    MISFIT = 16 * 64        # interpolate if strips differ by more than 1.5 times their own texture plus half of this

    MOST = 40               # motions: at most 16 of neighbours, 16 of the nearest picture, and 2 without motion

# Prediction from one or two fields or frames.
cdef struct Motion:
    int source[2]           # by list: index into Concealment.source, or UNUSED
    int parity[2]           # 0 frame, 1 top field, 2 bottom field
    int mv[2][2]            # in quarter samples

cdef struct Concealment:
    PictureData *p
    const H264Dsp *dsp
    int parity
    int rows, columns                       # of the frame or field, in macroblocks
    int components
    int mb_width[3]
    int mb_height[3]
    int max_sample[3]
    PictureData **source                    # pictures that may be copied from, the nearest in time first
    int64_t *order                          # their PicOrderCnt
    int sources
    int64_t PicOrderCnt
    uint8_t *known                          # by row and column of the frame or field
    Motion *motion                          # the chosen motions
    Motion likely[MOST]
    int count                               # of likely motions
    uint8_t edge[EDGE_BYTES]
    uint8_t block[2 * 16 * 16]


# ---------------------------------------------------------------- samples

cdef inline int sample(const uint8_t *line, int x, int shift) noexcept nogil:
    return (<const uint16_t *>line)[x] if shift else line[x]


cdef inline uint8_t *line_of(const PictureData *p, int parity, int c, int y) noexcept nogil:
    """Line y of the frame or field."""
    return p.plane[c] + (((<Py_ssize_t>y << 1) + (parity == 2) if parity else y)) * p.stride[c]


cdef const uint8_t *readable(const PictureData *ref, int parity, int c, int px, int py, int before, int columns,
                             int rows, uint8_t *edge, Py_ssize_t *stride) noexcept nogil:
    """The sample (px, py) of a frame or field, with columns x rows readable from `before` samples left of and above it:
    in the picture, or padded in `edge`."""
    cdef int field = parity != 0, width = ref.width[c], height = ref.height[c] >> field
    stride[0] = ref.stride[c] << field
    codec_assert_range(0, parity, 2)
    if px < before or py < before or px - before + columns > width or py - before + rows > height:
        pad_block(edge, line_of(ref, parity, c, 0), stride[0], px - before, py - before, columns, rows, width, height,
                  ref.pixel_shift)
        stride[0] = EDGE_STRIDE
        return edge + before * EDGE_STRIDE + (before << ref.pixel_shift)
    return line_of(ref, parity, c, 0) + py * stride[0] + (px << ref.pixel_shift)


cdef void predict_luma(Concealment *k, const Motion *m, int c, int x, int y, int w, int h, uint8_t *out,
                       Py_ssize_t stride) noexcept nogil:
    """8.4.2.2.1 with default weights: the block at (x, y) of the picture."""
    cdef int list, fraction, px, py
    cdef bint average = False
    cdef Py_ssize_t src_stride
    cdef const uint8_t *src
    for list in range(2):
        if m.source[list] < 0:
            continue
        fraction = (m.mv[list][0] & 3) + 4 * (m.mv[list][1] & 3)
        px, py = x + (m.mv[list][0] >> 2), y + (m.mv[list][1] >> 2)
        src = readable(k.source[m.source[list]], m.parity[list], c, px, py, 2, w + 5, h + 5, k.edge, &src_stride)
        if average:
            k.dsp.avg_luma[fraction](out, stride, src, src_stride, w, h, k.max_sample[c])
        else:
            k.dsp.put_luma[fraction](out, stride, src, src_stride, w, h, k.max_sample[c])
        average = True


cdef void predict_chroma(Concealment *k, const Motion *m, int x, int y, int w, int h, uint8_t **out,
                         Py_ssize_t stride) noexcept nogil:
    """8.4.2.2.2 likewise, for Cb and Cr of 4:2:0 and 4:2:2, in chroma samples."""
    cdef int list, c, yFrac, px, py, mvy
    cdef bint average = False
    cdef Py_ssize_t src_stride
    cdef const uint8_t *src[2]
    for list in range(2):
        if m.source[list] < 0:
            continue
        mvy = m.mv[list][1]
        px = x + (m.mv[list][0] >> 3)
        if k.mb_height[1] == 16:
            yFrac, py = (mvy & 3) << 1, y + (mvy >> 2)
        else:
            if m.parity[list]:                  # Table 8-9
                mvy += 2 * (k.parity - m.parity[list])
            yFrac, py = mvy & 7, y + (mvy >> 3)
        for c in range(2):
            src[c] = readable(k.source[m.source[list]], m.parity[list], 1 + c, px, py, 0, w + 1, h + 1,
                              k.edge + c * (EDGE_STRIDE // 2), &src_stride)
        if average:
            k.dsp.avg_chroma(out, stride, src, src_stride, w, h, m.mv[list][0] & 7, yFrac)
        else:
            k.dsp.put_chroma(out, stride, src, src_stride, w, h, m.mv[list][0] & 7, yFrac)
        average = True


# ---------------------------------------------------------------- boundary matching

cdef inline int beside(const Concealment *k, int x, int y, int side) noexcept nogil:
    """Index of a neighbour, or -1 outside the picture."""
    x += (side == RIGHT) - (side == LEFT)
    y += (side == BELOW) - (side == ABOVE)
    return y * k.columns + x if 0 <= x < k.columns and 0 <= y < k.rows else -1


cdef int sides_that_are(const Concealment *k, int x, int y, int state) noexcept nogil:
    """The sides with a neighbour in this state: bit side."""
    cdef int side, at, found = 0
    for side in range(4):
        at = beside(k, x, y, side)
        if at >= 0 and k.known[at] == state:
            found |= 1 << side
    return found


cdef inline int size_of(int sides) noexcept nogil:
    return (sides & 1) + (sides >> 1 & 1) + (sides >> 2 & 1) + (sides >> 3 & 1)


cdef int strip_mismatch(Concealment *k, const Motion *m, int x, int y, int side) noexcept nogil:
    """Sum of absolute differences of the strip at one side, from what a motion gives; for NULL from its mean."""
    cdef int px = 16 * x + (16 if side == RIGHT else -STRIP if side == LEFT else 0), w = STRIP if side <= RIGHT else 16
    cdef int py = 16 * y + (16 if side == BELOW else -STRIP if side == ABOVE else 0), h = 16 if side <= RIGHT else STRIP
    cdef int shift = k.p.pixel_shift, total = 0, mean = 0, wanted, i, j
    cdef const uint8_t *line
    if m != NULL:
        predict_luma(k, m, 0, px, py, w, h, k.block, 16 << shift)
    else:
        for j in range(h):
            line = line_of(k.p, k.parity, 0, py + j)
            for i in range(w):
                mean += sample(line, px + i, shift)
        mean = (mean + w * h // 2) // (w * h)
    for j in range(h):
        line = line_of(k.p, k.parity, 0, py + j)
        for i in range(w):
            wanted = mean if m == NULL else sample(k.block + (16 << shift) * j, i, shift)
            total += abs(sample(line, px + i, shift) - wanted)
    return total


cdef int mismatch(Concealment *k, const Motion *m, int x, int y, int sides) noexcept nogil:
    """Sum over these sides: at most 256 * 16383."""
    cdef int side, total = 0
    for side in range(4):
        if sides >> side & 1:
            total += strip_mismatch(k, m, x, y, side)
    return total


# ---------------------------------------------------------------- likely motions

cdef inline int stored(const Concealment *k, int at) noexcept nogil:
    """Number of a macroblock in the arrays of the picture."""
    cdef int x = at % k.columns, y = at // k.columns
    codec_assert_range(0, at, k.rows * k.columns - 1)
    return ((y << 1) + (k.parity == 2) if k.parity else y) * k.columns + x


cdef inline bint same(const Motion *a, const Motion *b) noexcept nogil:
    cdef int list
    for list in range(2):
        if a.source[list] != b.source[list]:
            return False
        if a.source[list] >= 0 and (
            a.parity[list] != b.parity[list] or a.mv[list][0] != b.mv[list][0] or a.mv[list][1] != b.mv[list][1]
        ):
            return False
    return True


cdef void suggest(Concealment *k, const Motion *m) noexcept nogil:
    """Add a motion to the likely ones, unless it is among them."""
    cdef int i
    if k.count == MOST or (m.source[0] < 0 and m.source[1] < 0):
        return
    for i in range(k.count):
        if same(&k.likely[i], m):
            return
    k.likely[k.count] = m[0]
    k.count += 1


cdef void suggest_still(Concealment *k, int source, int parity) noexcept nogil:
    """No motion, from this source."""
    cdef Motion m
    m.source[0], m.source[1], m.parity[0], m.mv[0][0], m.mv[0][1] = source, UNUSED, parity, 0, 0
    suggest(k, &m)


cdef inline int source_of(const Concealment *k, int32_t ref_id) noexcept nogil:
    cdef int i
    for i in range(k.sources if ref_id >= 0 else 0):
        if k.source[i].unique == ref_id >> 2:
            return i
    return UNUSED


cdef void suggest_block(Concealment *k, int mb, int b4) noexcept nogil:
    """The motion of a decoded block. In a frame, vectors of field macroblocks become frame vectors."""
    cdef const PictureData *p = k.p
    cdef int list
    cdef int32_t ref_id
    cdef Motion m
    for list in range(2):
        ref_id = p.ref_id[(mb * 2 + list) * 4 + (b4 >> 3) * 2 + (b4 >> 1 & 1)]
        m.source[list], m.parity[list] = source_of(k, ref_id), ref_id & 3
        m.mv[list][0], m.mv[list][1] = p.mv[(mb * 2 + list) * 16 + b4][0], p.mv[(mb * 2 + list) * 16 + b4][1]
        if k.parity == 0 and m.parity[list]:
            m.parity[list] = 0
            m.mv[list][1] *= 2
    suggest(k, &m)


cdef inline int carried_on(int mv, int64_t distance, int64_t span) noexcept nogil:
    """A vector over `span`, continued over `distance`: 16 bits times 33 bits."""
    return <int>min(max(mv * distance // span, -0x8000), 0x7FFF)


cdef void suggest_colocated(Concealment *k, int at, int b8) noexcept nogil:
    """The motion of the nearest picture at a corner of a macroblock, continued; unscaled if its span is unknown."""
    cdef const PictureData *col = k.source[0]
    cdef int mb = stored(k, at), b4 = 3 * (b8 & 1) + 12 * (b8 >> 1), list, i, c
    cdef int64_t span
    cdef Motion m
    if col.coded_as_fields != (k.parity != 0):
        return
    m.source[0], m.source[1], m.parity[0] = 0, UNUSED, k.parity
    for list in range(2):
        if col.ref_id[(mb * 2 + list) * 4 + b8] < 0:
            continue
        i = source_of(k, col.ref_id[(mb * 2 + list) * 4 + b8])
        span = k.order[0] - k.order[i] if i >= 0 else 0
        for c in range(2):
            m.mv[0][c] = col.mv[(mb * 2 + list) * 16 + b4][c]
            if span:
                m.mv[0][c] = carried_on(m.mv[0][c], k.PicOrderCnt - k.order[0], span)
        suggest(k, &m)


cdef void suggest_all(Concealment *k, int x, int y) noexcept nogil:
    """All likely motions of a macroblock, no motion first."""
    cdef int side, at, i, b4
    k.count = 0
    if k.source[0] != k.p:
        suggest_still(k, 0, k.parity)
        for i in range(4):
            suggest_colocated(k, y * k.columns + x, i)
    if k.source[k.sources - 1] == k.p:
        suggest_still(k, k.sources - 1, 3 - k.parity)
    for side in range(4):
        at = beside(k, x, y, side)
        if at < 0:
            continue
        if k.source[0] != k.p:
            suggest_colocated(k, at, 0)
        if k.known[at] == FILLED:
            suggest(k, &k.motion[at])
        elif k.known[at] == DECODED:
            for i in range(4):          # blocks that touch
                b4 = 4 * i + 3 * (side == LEFT) if side <= RIGHT else i + 12 * (side == ABOVE)
                suggest_block(k, stored(k, at), b4)


# ---------------------------------------------------------------- one macroblock

cdef int nearest_decoded(const Concealment *k, int x, int y, int side) noexcept nogil:
    """Column (left, right) or row (above, below) of the nearest decoded macroblock; -1 without one."""
    cdef int at
    while True:
        at = beside(k, x, y, side)
        if at < 0:
            return -1
        x, y = at % k.columns, at // k.columns
        if k.known[at] == DECODED:
            return x if side <= RIGHT else y


cdef int interpolated(const Concealment *k, int c, int x, int y, const int *near) noexcept nogil:
    """Sample (x, y) of a component: the nearest in four directions, weighted by the reciprocals of their distances;
    middle gray without any."""
    cdef int side, value, distance, at, w = k.mb_width[c], h = k.mb_height[c], shift = k.p.pixel_shift
    cdef int64_t weight, total = 0, weights = 0     # below 4 * 2^20 * 2^14
    for side in range(4):
        if near[side] < 0:
            continue
        if side <= RIGHT:
            at = w * near[side] + (w - 1 if side == LEFT else 0)
            value, distance = sample(line_of(k.p, k.parity, c, y), at, shift), abs(x - at)
        else:
            at = h * near[side] + (h - 1 if side == ABOVE else 0)
            value, distance = sample(line_of(k.p, k.parity, c, at), x, shift), abs(y - at)
        weight = (1 << 20) // distance
        total += weight * value
        weights += weight
    return <int>((total + (weights >> 1)) // weights) if weights else (k.max_sample[c] + 1) >> 1


cdef void interpolate(const Concealment *k, int x, int y) noexcept nogil:
    cdef int near[4]
    cdef int side, c, i, j, value
    cdef uint8_t *line
    for side in range(4):
        near[side] = nearest_decoded(k, x, y, side)
    for c in range(k.components):
        for j in range(k.mb_height[c] * y, k.mb_height[c] * (y + 1)):
            line = line_of(k.p, k.parity, c, j)
            for i in range(k.mb_width[c] * x, k.mb_width[c] * (x + 1)):
                value = interpolated(k, c, i, j, near)
                if k.p.pixel_shift:
                    (<uint16_t *>line)[i] = <uint16_t>value
                else:
                    line[i] = <uint8_t>value


cdef bint choose(Concealment *k, int x, int y, Motion *m) noexcept nogil:
    """Choose the likely motion that fits best; whether it fits at all. Concealed neighbours say little: they count only
    where none is decoded."""
    cdef int sides, i, now, best, scale = (k.max_sample[0] + 1) >> 8
    sides = sides_that_are(k, x, y, DECODED)
    if not sides:
        sides = sides_that_are(k, x, y, FILLED)
    suggest_all(k, x, y)
    m[0] = k.likely[0]
    best = max(mismatch(k, m, x, y, sides) - STILL * size_of(sides) * scale, 0)
    for i in range(1, k.count):
        now = mismatch(k, &k.likely[i], x, y, sides)
        if now < best:
            best, m[0] = now, k.likely[i]
    return 2 * best <= 3 * mismatch(k, NULL, x, y, sides) + MISFIT * size_of(sides) * scale


cdef void fill(Concealment *k, int x, int y) noexcept nogil:
    """Conceal one macroblock."""
    cdef int at = y * k.columns + x, c, w, h
    cdef uint8_t *out[3]
    cdef Py_ssize_t stride[3]
    cdef Motion *m = &k.motion[at]
    codec_assert_range(0, x, k.columns - 1)
    codec_assert_range(0, y, k.rows - 1)
    if k.sources and choose(k, x, y, m):
        for c in range(k.components):
            w, h = k.mb_width[c], k.mb_height[c]
            out[c] = line_of(k.p, k.parity, c, h * y) + (w * x << k.p.pixel_shift)
            stride[c] = k.p.stride[c] << (k.parity != 0)
            if w == 16:
                predict_luma(k, m, c, w * x, h * y, w, h, out[c], stride[c])
        if k.components == 3 and k.mb_width[1] == 8:
            predict_chroma(k, m, 8 * x, k.mb_height[1] * y, 8, k.mb_height[1], &out[1], stride[1])
    else:
        m.source[0] = m.source[1] = UNUSED
        interpolate(k, x, y)
    k.known[at] = FILLED


# ---------------------------------------------------------------- the picture

cdef inline int neighbours_known(const Concealment *k, int at) noexcept nogil:
    cdef int x = at % k.columns, y = at // k.columns
    return size_of(sides_that_are(k, x, y, DECODED) | sides_that_are(k, x, y, FILLED))


cdef void fill_all(Concealment *k, int32_t *queue) noexcept nogil:
    """Conceal macroblocks with the most known neighbours first. Each number of neighbours has a queue, to which a
    macroblock is added when it reaches that number."""
    cdef int n = k.rows * k.columns, at, side, other, most
    cdef int head[5]
    cdef int tail[5]
    for most in range(5):
        head[most] = tail[most] = most * n
    for at in range(n):
        if k.known[at] == LOST:
            most = neighbours_known(k, at)
            queue[tail[most]] = at
            tail[most] += 1
    most = 4
    while most >= 0:
        if head[most] == tail[most]:
            most -= 1
            continue
        at = queue[head[most]]
        head[most] += 1
        if k.known[at] != LOST:
            continue
        fill(k, at % k.columns, at // k.columns)
        for side in range(4):
            other = beside(k, at % k.columns, at // k.columns, side)
            if other >= 0 and k.known[other] == LOST:
                most = neighbours_known(k, other)
                queue[tail[most]] = other
                tail[most] += 1
        most = 4


def conceal(Picture picture, const uint8_t[:, ::1] lost, int parity, int64_t PicOrderCnt, list sources, bint paired,
            int level):
    """Conceal the lost macroblocks of a picture whose other macroblocks are decoded and filtered.

    Parameters
    ----------
    picture : Picture
    lost : (rows, columns) uint8 array
        Of the frame or field: not 0 for a lost macroblock.
    parity : int
        0 frame, 1 top field, 2 bottom field.
    PicOrderCnt : int
    sources : list of (Picture, PicOrderCnt)
        Earlier pictures of the same format, the nearest in time first.
    paired : bool
        The other field of the picture is decoded.
    level : int
        Of the kernels.
    """
    cdef PictureData *p = &picture.data
    cdef int rows = p.mb_height >> (parity != 0), n = rows * p.mb_width, i, c
    cdef Picture source
    if lost.shape[0] != rows or lost.shape[1] != p.mb_width:
        raise ParameterError(f"the map has {lost.shape[0]} x {lost.shape[1]} macroblocks of {rows} x {p.mb_width}")
    cdef Concealment *k = <Concealment *>calloc(1, sizeof(Concealment))
    cdef int32_t *queue = <int32_t *>calloc(5 * n, sizeof(int32_t))
    try:
        if not k or not queue:
            raise MemoryError("no memory for concealment")
        k.known = <uint8_t *>calloc(n, 1)
        k.motion = <Motion *>calloc(n, sizeof(Motion))
        k.source = <PictureData **>calloc(len(sources) + 1, sizeof(PictureData *))
        k.order = <int64_t *>calloc(len(sources) + 1, sizeof(int64_t))
        if not (k.known and k.motion and k.source and k.order):
            raise MemoryError("no memory for concealment")
        k.p, k.dsp, k.parity, k.PicOrderCnt = p, h264_dsp(p.pixel_shift, level), parity, PicOrderCnt
        k.rows, k.columns = rows, p.mb_width
        k.components = 3 if p.chroma_format_idc else 1
        for c in range(k.components):
            k.mb_width[c], k.mb_height[c] = 16 * p.width[c] // p.width[0], 16 * p.height[c] // p.height[0]
            k.max_sample[c] = (1 << p.bit_depth[c > 0]) - 1
        for source, order in [*sources, (picture, PicOrderCnt)][: len(sources) + paired]:
            if source.key != picture.key:
                raise ParameterError("an earlier picture has another format")
            k.source[k.sources], k.order[k.sources] = &source.data, order
            k.sources += 1
        for i in range(n):
            k.known[i] = LOST if lost[i // k.columns, i % k.columns] else DECODED
        with nogil:
            fill_all(k, queue)
    finally:
        if k:
            free(k.known)
            free(k.motion)
            free(k.source)
            free(k.order)
        free(k)
        free(queue)
