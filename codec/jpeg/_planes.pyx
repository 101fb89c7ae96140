"""Between pixels and component planes, a strip of rows at a time. Contents:

    dering      samples beyond black and white, hidden by a decoder's clamp    (encoder)
    forward     pixels -> colour -> downsampling -> FDCT -> quantization -> levels     (encoder)
    compose     component planes -> upsampling -> colour -> pixels                     (decoder)
"""
from cpython.buffer cimport PyBUF_ND, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int16_t, int32_t, uint16_t, uint64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove, memset

import numpy as np

from codec._core cimport (
    E_MEMORY, NAT_OF_ZZ, OK, ROUNDING_DEAD_ZONE, ROUNDING_NEAREST, JpegDsp, Sample, codec_lowest_bit, idct_block_deep,
    jpeg_dsp, prefetch, prepare_quantizer,
)
from codec._pixel cimport (
    LEAST_SQUARES_REACH, downsample_least_squares_row, downsample_row, replicate_row, upsample_h2_row,
    upsample_h2v2_row, upsample_v2_row, ycc_to_rgb_row,
)
from codec._team cimport Team
from codec.jpeg._masking cimport block_logarithms, check_activity
from ..cpu import level_index
from ..errors import ParameterError


cdef enum Transform:
    COPY = 0                # components are channels
    YCC = 1                 # channels RGB, components YCbCr
    INVERT = 2              # CMYK: 0 = no ink outside, 255 = no ink inside, as Adobe writes it
    YCCK = 3                # CMYK outside; inside C, M, Y as if they were R, G, B, through YCbCr, and K inverted

TRANSFORMS = {"gray": COPY, "rgb": COPY, "ycbcr": YCC, "cmyk": INVERT, "ycck": YCCK}


# ================================================================ dering

cdef enum:
    DERING_ROUNDS = 4           # 2 of them give four fifths of the gain, 8 another fifth
    MOST_BEYOND = 90            # samples beyond the range
    LARGEST_COEFFICIENT = 8 * 1023      # 8 times the largest AC level of 8-bit samples (Table F.2) for a step of 1


cdef void dering_block(const JpegDsp *dsp, const uint8_t *samples, Py_ssize_t stride, const Ringing *ringing,
                       int16_t *coef_nat) noexcept nogil:
    """Replace the coefficients of a block with black or white samples, around which quantization would ring.

    A decoder clamps what it reconstructs to 0..255. So a sample at the limit may lie beyond it, and a letter on white
    paper has many equivalent blocks: take one that survives quantization. Alternating projections find it (D. Youla and
    H. Webb, IEEE Trans. Medical Imaging 1, 1982): quantize and reconstruct; then restore the samples inside the range,
    and let those at the limit lie where the reconstruction put them on the outer side, within MOST_BEYOND.

    The transform is linear: those of the samples and of their excess are added, each within the range of `fdct8x8`. The
    sum is below 2^14. A block whose coefficients would leave the range of 8-bit samples stays as it was.
    """
    cdef int16_t base[64]
    cdef uint8_t sample[64]
    cdef uint8_t beyond[64]                     # 128 more
    cdef int16_t level_zz[64]
    cdef int16_t level_nat[64]
    cdef uint16_t rebuilt[64]
    cdef uint64_t present
    cdef int i, turn
    cdef int16_t out, moved, most = 0
    for i in range(8):
        memcpy(sample + 8 * i, samples + i * stride, 8)
    memcpy(base, coef_nat, sizeof(base))
    memset(beyond, 128, sizeof(beyond))
    for turn in range(DERING_ROUNDS):
        dsp.quantize(coef_nat, &ringing.quantizer, level_zz, 1)
        dsp.significance(level_zz, 0, &present, 1)
        memset(level_nat, 0, sizeof(level_nat))
        while present:
            i = codec_lowest_bit(present)
            present &= present - 1
            level_nat[NAT_OF_ZZ[i]] = level_zz[i]
        idct_block_deep(level_nat, ringing.steps_nat, 12, rebuilt, 8)   # 12 bits hold what 8 bits would clamp
        moved = 0
        for i in range(64):
            out = <int16_t>(rebuilt[i] - 2048 + 128 - sample[i])
            out = out if out < MOST_BEYOND else <int16_t>MOST_BEYOND
            out = out if out > -MOST_BEYOND else <int16_t>-MOST_BEYOND
            out = out if sample[i] == (255 if out > 0 else 0) else <int16_t>0
            out += 128
            moved |= out ^ beyond[i]
            beyond[i] = <uint8_t>out
        if moved == 0:
            break
        dsp.fdct(beyond, 8, 128, coef_nat, 1)
        for i in range(64):
            coef_nat[i] = <int16_t>(coef_nat[i] + base[i])
    for i in range(64):
        out = -coef_nat[i] if coef_nat[i] < 0 else coef_nat[i]
        most = out if out > most else most
    if most > LARGEST_COEFFICIENT:
        memcpy(coef_nat, base, sizeof(base))


cdef bint reaches_a_limit(const uint8_t *samples, Py_ssize_t stride, int wide, uint8_t *least,
                          uint8_t *most) noexcept nogil:
    """Find the least and the greatest sample of each column of eight rows. Returns whether any is black or white: most
    of a photograph is neither."""
    cdef int i, j
    cdef uint8_t darkest = 255, brightest = 0
    memcpy(least, samples, wide)
    memcpy(most, samples, wide)
    for i in range(1, 8):
        samples += stride
        for j in range(wide):
            least[j] = samples[j] if samples[j] < least[j] else least[j]
            most[j] = samples[j] if samples[j] > most[j] else most[j]
    for j in range(wide):
        darkest = least[j] if least[j] < darkest else darkest
        brightest = most[j] if most[j] > brightest else brightest
    return darkest == 0 or brightest == 255


cdef inline bint touches_a_limit(const uint8_t *least, const uint8_t *most) noexcept nogil:
    """Whether a block has black or white samples and is not flat, from those of its columns."""
    cdef uint8_t darkest = least[0], brightest = most[0]
    cdef int j
    for j in range(1, 8):
        darkest = least[j] if least[j] < darkest else darkest
        brightest = most[j] if most[j] > brightest else brightest
    return darkest < brightest and (darkest == 0 or brightest == 255)


# ================================================================ forward

cdef void convert_row(const JpegDsp *dsp, const uint8_t *pixels, int channels, int transform, uint8_t **row,
                      Py_ssize_t width, Py_ssize_t padded) noexcept nogil:
    """One row of pixels to rows of components, padded with the last sample (A.2.4 leaves the padding to the
    encoder)."""
    cdef Py_ssize_t x
    cdef int c, inverted_from = channels
    if transform == YCC or transform == YCCK:
        dsp.rgb_to_ycc(pixels, channels, row[0], row[1], row[2], width)
        inverted_from = 3
    elif transform == INVERT:
        inverted_from = 0
    else:
        for c in range(channels):
            for x in range(width):
                row[c][x] = pixels[channels * x + c]
    for c in range(inverted_from, channels):
        for x in range(width):
            row[c][x] = 255 - pixels[channels * x + c]
    for c in range(channels):
        memset(row[c] + width, row[c][width - 1], padded - width)


cdef enum:
    LEAST_ROWS = 2              # of MCUs that a thread takes at a time; where they begin costs some rows more
    GROUP = 16                  # blocks that pass from one stage to the next at a time: 2 kB of coefficients
    CACHE_LINE = 64             # bytes, of most processors


cdef void add_sixteenths(const JpegDsp *dsp, const uint8_t *sixteenths, Py_ssize_t stride, int16_t *coef,
                         int n) noexcept nogil:
    """The transform is linear: coefficients of the whole samples, and a sixteenth of those of the rest."""
    cdef int16_t fine[GROUP * 64]
    cdef int i
    dsp.fdct(sixteenths, stride, 0, fine, n)
    for i in range(64 * n):
        coef[i] = <int16_t>(coef[i] + (<int16_t>(fine[i] + 8) >> 4))         # below 2^11: words suffice


cdef inline void fetch_ahead(Forward *f, int blocks) noexcept nogil:
    """Memory is idle while blocks are coded, and slow while pixels are read."""
    cdef const uint8_t *past = min(f.ahead + CACHE_LINE * f.lines_ahead * blocks, f.ahead_past)
    while f.ahead < past:
        prefetch(f.ahead)
        f.ahead += CACHE_LINE


cdef void transform_blocks(Forward *f, const uint8_t *samples, const uint8_t *sixteenths, Py_ssize_t stride,
                           ForwardComponent *c, int16_t *out_zz) noexcept nogil:
    """Level shift (A.3.1), FDCT and quantization of a row of blocks. `sixteenths` of samples: NULL for none."""
    cdef const JpegDsp *dsp = f.dsp
    cdef int16_t coef[GROUP * 64]
    cdef uint8_t least[GROUP * 8]
    cdef uint8_t most[GROUP * 8]
    cdef Py_ssize_t bx = 0
    cdef int i, n
    while bx < c.wide:
        n = <int>min(c.wide - bx, <Py_ssize_t>GROUP)
        dsp.fdct(samples + 8 * bx, stride, 128, coef, n)
        fetch_ahead(f, n // 2)
        if c.rings and reaches_a_limit(samples + 8 * bx, stride, 8 * n, least, most):
            for i in range(n):
                if touches_a_limit(least + 8 * i, most + 8 * i):
                    dering_block(dsp, samples + 8 * (bx + i), stride, &c.ringing, coef + 64 * i)
        if sixteenths != NULL:
            add_sixteenths(dsp, sixteenths + 8 * bx, stride, coef, n)
        dsp.quantize(coef, &c.quantizer, out_zz + bx * 64, n)
        fetch_ahead(f, n - n // 2)
        bx += n


cdef int open_forward(Forward *f) noexcept nogil:
    """Memory for a strip of one MCU row: 8 Vmax rows of samples fit the cache. Strips overlap where downsampling reads
    further."""
    cdef Py_ssize_t sums_size
    f.padded = ceil_div(f.width, 8 * f.Hmax) * 8 * f.Hmax
    f.reach = LEAST_SQUARES_REACH if f.least_squares and f.Vmax > 1 else 0
    f.follows = -1
    f.plane_size = (8 * f.Vmax + 2 * f.reach) * f.padded
    sums_size = (f.padded + 2 * LEAST_SQUARES_REACH) * sizeof(int16_t)
    # the strip, a downsampled component (at most 16 rows), and the sixteenths of its samples
    f.sums = <int16_t *>malloc(sums_size + f.channels * f.plane_size + 32 * f.padded)
    if f.sums == NULL:
        return E_MEMORY
    f.strip = <uint8_t *>f.sums + sums_size
    return OK


cdef void close_forward(Forward *f) noexcept nogil:
    free(f.sums)
    f.sums = NULL


cdef void downsample_strip(Forward *f, ForwardComponent *c, const uint8_t *plane, uint8_t *small,
                           uint8_t *fine) noexcept nogil:
    """The 8 V rows of a subsampled component."""
    cdef int h = f.Hmax // c.H, v = f.Vmax // c.V
    cdef Py_ssize_t y, out_width = f.padded // h
    for y in range(8 * c.V):
        if f.least_squares:
            downsample_least_squares_row(f.dsp, plane + v * y * f.padded, f.padded, f.sums, small + y * out_width,
                                         fine + y * out_width, out_width, h, v)
        else:
            downsample_row(f.dsp, plane + v * y * f.padded, plane + (v * y + v - 1) * f.padded, small + y * out_width,
                           out_width, h, v)


cdef void forward_row(Forward *f, Py_ssize_t my) noexcept nogil:
    """MCU row my, from pixels to levels; in order, rows take less time. c.out_zz is where the component's blocks of
    this row go."""
    cdef uint8_t *small = f.strip + f.channels * f.plane_size
    cdef uint8_t *fine = small + 16 * f.padded
    cdef uint8_t *row[4]
    cdef uint8_t *plane
    cdef const uint8_t *sixteenths
    cdef ForwardComponent *c
    cdef Py_ssize_t rows = 8 * f.Vmax, y, v, out_width
    cdef bint follows = my == f.follows
    cdef int i
    f.follows = my + 1
    for i in range(f.channels):
        if follows and f.reach:
            plane = f.strip + i * f.plane_size
            memmove(plane, plane + rows * f.padded, 2 * f.reach * f.padded)
    for y in range(2 * f.reach if follows else 0, rows + 2 * f.reach):
        for i in range(f.channels):
            row[i] = f.strip + i * f.plane_size + y * f.padded
        convert_row(f.dsp, f.image + max(0, min(my * rows + y - f.reach, f.height - 1)) * f.width * f.channels,
                    f.channels, f.transform, row, f.width, f.padded)
    f.ahead = f.image + min((my + 1) * rows + f.reach, f.height) * f.width * f.channels
    f.ahead_past = f.image + min((my + 2) * rows + f.reach, f.height) * f.width * f.channels
    for i in range(f.channels):
        c = &f.components[i]
        plane = f.strip + i * f.plane_size + f.reach * f.padded
        out_width = f.padded * c.H // f.Hmax
        sixteenths = NULL
        if c.H < f.Hmax or c.V < f.Vmax:
            downsample_strip(f, c, plane, small, fine)
            plane = small
            if f.least_squares:
                sixteenths = fine
        for v in range(min(c.V, c.high - my * c.V)):
            transform_blocks(f, plane + 8 * v * out_width, sixteenths + 8 * v * out_width if sixteenths != NULL else
                             NULL, out_width, c, c.out_zz + v * c.wide * 64)


cdef int describe_forward(Forward *f, color, sampling, Q, chroma, dead_zone, dering) except -1:
    """Check the arguments of `forward` but the image, and take them; the caller sets where the levels go."""
    cdef const uint16_t[::1] steps
    cdef uint16_t ones[64]
    cdef ForwardComponent *c
    cdef int i, blocks = 0
    f.channels, f.transform = <int>len(sampling), TRANSFORMS[color]
    f.least_squares = {"box": False, "least-squares": True}[chroma]
    if f.channels not in (1, 3, 4) or any(len(x) != f.channels for x in (Q, dering) if x is not None):
        raise ParameterError("there are 1, 3 or 4 components, with sampling factors and steps for each")
    f.Hmax, f.Vmax = max([H for H, V in sampling]), max([V for H, V in sampling])
    for i in range(64):
        ones[i] = 1
    for i in range(f.channels):
        c = &f.components[i]
        c.H, c.V = sampling[i]
        if (c.H not in (1, 2) or c.V not in (1, 2)
                or any([len(x[i]) != 64 for x in (Q, dering) if x is not None])):
            raise ParameterError("sampling factors are 1 or 2, and a quantization table has 64 steps")
        if Q is not None:
            steps = Q[i]
            prepare_quantizer(&steps[0], 8, ROUNDING_DEAD_ZONE if dead_zone else ROUNDING_NEAREST, &c.quantizer)
        else:
            prepare_quantizer(ones, 1, ROUNDING_NEAREST, &c.quantizer)
        blocks += c.H * c.V
        c.rings = dering is not None and c.H == f.Hmax and c.V == f.Vmax
        if c.rings:
            steps = dering[i]
            prepare_quantizer(&steps[0], 8, ROUNDING_DEAD_ZONE, &c.ringing.quantizer)
            memcpy(c.ringing.steps_nat, &steps[0], sizeof(c.ringing.steps_nat))
    f.lines_ahead = (f.channels * f.Hmax * f.Vmax * 64 // CACHE_LINE + blocks - 1) // blocks
    return 0


cdef class Pixels:
    """The samples of a C-contiguous array (H, W, components) of bytes, which stay while it lives. A memoryview would
    parse the format too, by code that is seldom in the cache."""

    def __cinit__(self, array):
        PyObject_GetBuffer(array, &self.view, PyBUF_ND)
        if self.view.ndim != 3 or self.view.itemsize != 1:
            raise ParameterError("an image is an array (H, W, components) of uint8")

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef int set_image(Forward *f, Pixels image) except -1:
    """Take the image of `forward`, which the caller keeps, after `describe_forward`."""
    cdef const Py_buffer *view = &image.view
    cdef ForwardComponent *c
    cdef int i
    if view.shape[0] < 1 or view.shape[1] < 1 or view.shape[2] != f.channels:
        raise ParameterError("an image has rows, columns and as many channels as there are components")
    f.dsp = jpeg_dsp(level_index())
    f.image, f.height, f.width = <const uint8_t *>view.buf, view.shape[0], view.shape[1]
    for i in range(f.channels):
        c = &f.components[i]
        c.high, c.wide = ceil_div(f.height * c.V, 8 * f.Vmax), ceil_div(f.width * c.H, 8 * f.Hmax)
    return 0


cdef shrinking_parts(Py_ssize_t rows, int threads):
    """Borders of parts, each a third of a thread's share of the rows that are left: so threads begin seldom, and end
    together."""
    cdef Py_ssize_t border = 0
    borders = [0]
    while border < rows:
        border = min(rows, border + max(<Py_ssize_t>LEAST_ROWS, (rows - border) // (3 * threads)))
        borders.append(border)
    return np.array(borders, np.intp)


cdef struct Shared:             # what progressive scans of a component share: see assemble.Common
    uint64_t *masks             # of levels, one plane for each of `bits`
    int16_t *dc                 # or NULL
    int bits                    # 0: no masks


cdef class ForwardTeam(Team):
    """`forward` by several threads."""
    cdef Forward f              # described, not open
    cdef int16_t *out_zz[4]     # levels of the whole picture
    cdef int32_t *logarithm     # of the activity of the first component, or NULL
    cdef int H
    cdef Shared shared[4]
    cdef Py_ssize_t[::1] borders    # rows of MCUs, of the parts

    cdef void look_at(self, const Forward *f, int i, Py_ssize_t my) noexcept nogil:
        """What is asked about component i in row `my` of MCUs, while it is in the cache."""
        cdef const ForwardComponent *c = &f.components[i]
        cdef const Shared *s = &self.shared[i]
        cdef Py_ssize_t first = my * c.V * c.wide, blocks = min(<Py_ssize_t>c.V, c.high - my * c.V) * c.wide, k
        cdef const int16_t *zz = self.out_zz[i] + 64 * first
        cdef int Al
        if i == 0 and self.logarithm != NULL:
            block_logarithms(zz, blocks, self.H, self.logarithm + first)
        for Al in range(s.bits):
            f.dsp.significance(zz, (1 << Al) - 1, s.masks + Al * c.high * c.wide + first, blocks)
        if s.dc != NULL:
            for k in range(blocks):
                s.dc[first + k] = zz[64 * k]

    cdef void work(self) noexcept nogil:
        cdef Forward f = self.f
        cdef ForwardComponent *c
        cdef Py_ssize_t part = 0, my
        cdef int i
        if open_forward(&f):
            self.fail(E_MEMORY)
            return
        while True:
            part = self.take()
            if part < 0:
                break
            for my in range(self.borders[part], self.borders[part + 1]):
                for i in range(f.channels):
                    c = &f.components[i]
                    c.out_zz = self.out_zz[i] + my * c.V * c.wide * 64
                forward_row(&f, my)
                for i in range(f.channels):
                    self.look_at(&f, i, my)
        close_forward(&f)


def forward(image, color, sampling, Q=None, *, chroma="box", dead_zone=False, dering=None,
            activity=None, shared=None, int threads=1):
    """Quantized levels, or coefficients, of every component.

    Parameters
    ----------
    image : (H, W, 1|3|4) uint8
    color : "gray", "rgb", "ycbcr", "cmyk" or "ycck": meaning of the components
    sampling : (H_i, V_i) for each component, 1 or 2
    Q : (64,) uint16 for each component, natural order; None for coefficients without quantization
    chroma : "box" or "least-squares": means of the samples, or the samples whose upsampling best approximates the
        picture
    dead_zone : whether AC levels are rounded toward zero from 0.59 of a step down, or to nearest
    dering : None, or (64,) uint16 for each component, the steps of the later quantization: blocks of components that
        are not subsampled may exceed black and white where that avoids ringing (see `dering_block`)
    activity : None, or H of `_masking.luma_logarithms` and an int32 array (blocks_high, blocks_wide) for what that
        gives of the first component's coefficients
    shared : None, or for each component two arrays for what progressive scans of its levels share: masks as of
        `_scan_write.significances`, or None, and DC, int16 (blocks_high, blocks_wide, 1)
    threads : at least 1

    Returns
    -------
    list of int16 arrays (blocks_high, blocks_wide, 64), zig-zag order; coefficients are those of A.3.3 times 8
    """
    cdef ForwardTeam team = ForwardTeam()
    cdef Forward *f = &team.f
    cdef int16_t[:, :, ::1] plane
    cdef int32_t[:, ::1] logarithms
    cdef uint64_t[:, :, ::1] masks
    cdef int16_t[:, :, ::1] dc
    cdef Pixels pixels = Pixels(image)
    cdef int i
    describe_forward(f, color, sampling, Q, chroma, dead_zone, dering)
    set_image(f, pixels)
    if activity is not None:
        team.H, logarithms = activity
        check_activity(team.H)
        if logarithms.shape[0] != f.components[0].high or logarithms.shape[1] != f.components[0].wide:
            raise ParameterError("logarithms of activity have one entry per block of the first component")
        team.logarithm = &logarithms[0, 0]
    for i in range(f.channels if shared is not None else 0):
        masks_of, dc = shared[i]
        if dc.shape[0] != f.components[i].high or dc.shape[1] != f.components[i].wide or dc.shape[2] != 1:
            raise ParameterError("what scans share has one entry per block of its component")
        team.shared[i].dc = &dc[0, 0, 0]
        if masks_of is not None:
            masks = masks_of
            if masks.shape[0] < 1 or masks.shape[1] != dc.shape[0] or masks.shape[2] != dc.shape[1]:
                raise ParameterError("what scans share has one entry per block of its component")
            team.shared[i].masks, team.shared[i].bits = &masks[0, 0, 0], masks.shape[0]
    sizes = [f.components[i].high * f.components[i].wide * 64 for i in range(f.channels)]
    room = np.empty(sum(sizes), np.int16)       # one for all, which more often is large enough for large pages
    planes, begin = [], 0
    for i in range(f.channels):
        planes.append(room[begin:begin + sizes[i]].reshape(f.components[i].high, f.components[i].wide, 64))
        begin += sizes[i]
        plane = planes[i]
        team.out_zz[i] = &plane[0, 0, 0]
    team.borders = shrinking_parts(ceil_div(f.height, 8 * f.Vmax), threads)
    team.parts = team.borders.shape[0] - 1
    team.share(threads)
    if team.status:
        raise MemoryError
    return planes


# ================================================================ compose

cdef inline const Sample *ring_at(const Sample *plane, Upsampler *u, Py_ssize_t y) noexcept nogil:
    """Where row 0 would be, were there all rows from the one above y on; a division for each row takes time."""
    cdef Py_ssize_t first = max(y - 1, <Py_ssize_t>0)
    u.turn = first - first % u.ring + u.ring if u.ring else u.height
    return plane - (u.turn - u.ring) * u.stride if u.ring else plane


cdef inline const Sample *row_of(const Sample *plane, const Upsampler *u, Py_ssize_t y) noexcept nogil:
    return plane + (y if y < u.turn else y - u.ring) * u.stride


cdef const Sample *full_row(const JpegDsp *dsp, const Sample *plane, const Upsampler *u, Py_ssize_t y, Py_ssize_t width,
                            int Hmax, int Vmax, uint16_t *sums, Sample *out) noexcept nogil:
    """Row y of the picture of one component: the plane's own row if it needs no upsampling, else
    made in `out`."""
    cdef Py_ssize_t near, far
    if u.V == Vmax and u.H == Hmax:
        return row_of(plane, u, y)
    if u.repeats:
        replicate_row(row_of(plane, u, y * u.V // Vmax), out, width, u.H, Hmax)
        return out
    if 2 * u.V == Vmax:
        near = y >> 1
        far = near + 1 if y & 1 else near - 1
        far = 0 if far < 0 else (u.height - 1 if far >= u.height else far)
        if u.H == Hmax:
            upsample_v2_row(row_of(plane, u, near), row_of(plane, u, far), out, 2 if y & 1 else 1, width)
            return out
        if 2 * u.H == Hmax and u.width > 2:
            upsample_h2v2_row(dsp, row_of(plane, u, near), row_of(plane, u, far), sums, out, u.width)
            return out
    if u.V == Vmax and 2 * u.H == Hmax and u.width > 2:
        upsample_h2_row(row_of(plane, u, y), out, u.width)
        return out
    replicate_row(row_of(plane, u, y * u.V // Vmax), out, width, u.H, Hmax)
    return out


cdef Py_ssize_t composing_room(Py_ssize_t width, int Hmax, int precision) noexcept nogil:
    """Bytes that `compose_some` needs: a row of sums, and one of each component."""
    return (width + 2 * Hmax) * <Py_ssize_t>(sizeof(uint16_t) + 4 * (1 + precision // 9))


cdef void compose_some(const JpegDsp *dsp, const Sample **planes, const Upsampler *upsamplers, int channels,
                       int transform, int precision, int Hmax, int Vmax, Py_ssize_t first, Py_ssize_t past,
                       Py_ssize_t width, void *room, Sample *pixels) noexcept nogil:
    """Rows `first` to `past` - 1 of the picture."""
    cdef Py_ssize_t wide = width + 2 * Hmax, y, x
    cdef uint16_t *sums = <uint16_t *>room
    cdef Sample *rows = <Sample *>(sums + wide)
    cdef const Sample *row[4]
    cdef const Sample *plane[4]
    cdef Upsampler u[4]
    cdef Sample *out
    cdef Sample top = <Sample>((1 << precision) - 1)
    cdef int c
    for c in range(channels):
        u[c] = upsamplers[c]
        plane[c] = ring_at(planes[c], &u[c], first * u[c].V // Vmax)
    for y in range(first, past):
        for c in range(channels):
            row[c] = full_row(dsp, plane[c], &u[c], y, width, Hmax, Vmax, sums, rows + c * wide)
        out = pixels + y * width * channels
        if transform == YCC or transform == YCCK:
            ycc_to_rgb_row(dsp, row[0], row[1], row[2], out, channels, precision, width)
            if transform == YCCK:
                for x in range(width):
                    out[4 * x + 3] = top - row[3][x]
        elif channels == 1:
            memcpy(out, row[0], width * sizeof(Sample))
        else:
            for c in range(channels):
                for x in range(width):
                    out[channels * x + c] = top - row[c][x] if transform == INVERT else row[c][x]


cdef int compose_rows(const JpegDsp *dsp, const Sample **planes, Upsampler *upsamplers, int channels, int transform,
                      int precision, int Hmax, int Vmax, Py_ssize_t height, Py_ssize_t width,
                      Sample *pixels) noexcept nogil:
    cdef void *room = malloc(composing_room(width, Hmax, precision))
    if room == NULL:
        return E_MEMORY
    compose_some(dsp, planes, upsamplers, channels, transform, precision, Hmax, Vmax, 0, height, width, room, pixels)
    free(room)
    return OK


cdef int describe_upsamplers(Upsampler *upsamplers, int *Hmax, int *Vmax, color, sampling, Py_ssize_t height,
                             Py_ssize_t width) except -1:
    """Check the arguments of `compose`, and take them; the caller sets strides and rings."""
    cdef int channels = len(sampling), i
    Hmax[0], Vmax[0] = max([H for H, V in sampling]), max([V for H, V in sampling])
    if channels not in (1, 3, 4) or (channels == 1) != (color == "gray") or (channels == 4) != (
            color in ("cmyk", "ycck")):
        raise ParameterError(f"{channels} components are no {color} picture")
    for i in range(channels):
        upsamplers[i].H, upsamplers[i].V = sampling[i]
        upsamplers[i].width = ceil_div(width * upsamplers[i].H, Hmax[0])
        upsamplers[i].height = ceil_div(height * upsamplers[i].V, Vmax[0])
        upsamplers[i].ring, upsamplers[i].repeats = 0, False
    return 0


def compose(planes, color, sampling, Py_ssize_t height, Py_ssize_t width, int precision):
    """Pixels of a picture whose component planes have been decoded.

    Parameters
    ----------
    planes : for each component a C-contiguous array (8 blocks_high, 8 blocks_wide), uint8 if precision is 8, else
        uint16
    color : "gray", "rgb", "ycbcr", "cmyk" or "ycck": meaning of the components
    sampling : (H_i, V_i) for each component, any factors

    Returns
    -------
    (height, width) for gray, else (height, width, channels), of the planes' dtype. 4 channels are CMYK with 0 = no ink
    """
    cdef Upsampler upsamplers[4]
    cdef const uint8_t *planes8[4]
    cdef const uint16_t *planes16[4]
    cdef const uint8_t[:, ::1] plane8
    cdef const uint16_t[:, ::1] plane16
    cdef uint8_t[:, :, ::1] out8
    cdef uint16_t[:, :, ::1] out16
    cdef const JpegDsp *dsp = jpeg_dsp(level_index())
    cdef int channels = len(planes), transform = TRANSFORMS[color], Hmax, Vmax, i, status
    describe_upsamplers(upsamplers, &Hmax, &Vmax, color, sampling, height, width)
    if channels != len(sampling):
        raise ParameterError(f"{len(sampling)} sampling factors for {channels} components")
    for i in range(channels):
        upsamplers[i].stride = planes[i].shape[1]
        if planes[i].shape[0] < upsamplers[i].height or planes[i].shape[1] < upsamplers[i].width:
            raise ParameterError("a component plane is smaller than the picture asks for")
        if precision == 8:
            plane8 = planes[i]
            planes8[i] = &plane8[0, 0]
        else:
            plane16 = planes[i]
            planes16[i] = &plane16[0, 0]
    pixels = np.empty((height, width, channels), np.uint8 if precision == 8 else np.uint16)
    if precision == 8:
        out8 = pixels
        with nogil:
            status = compose_rows(dsp, planes8, upsamplers, channels, transform, precision, Hmax, Vmax, height,
                                  width, &out8[0, 0, 0])
    else:
        out16 = pixels
        with nogil:
            status = compose_rows(dsp, planes16, upsamplers, channels, transform, precision, Hmax, Vmax, height,
                                  width, &out16[0, 0, 0])
    if status:
        raise MemoryError
    return pixels[..., 0] if channels == 1 else pixels
