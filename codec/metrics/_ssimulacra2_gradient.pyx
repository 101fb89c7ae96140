"""Gradient of SSIMULACRA 2 with respect to the distorted picture, scale by scale from the coarsest, each row-streamed.

    linear rows (original a, distorted b)
      '-- XYB --> quantities --> blur across --> ten rows --> blur down --> slopes of the maps
                                                                                |
    slope by linear b <-- slope by XYB of b <-- blur down <-- ten rows <-- blur across

The slopes of the maps depend on the 4-norms of the whole picture, which the score's own pass computes first
(_ssimulacra2.norms). The slope of a row is complete eight rows after the row was read. Rows are blurred down in pairs,
which read a row for both, so rings of ten rows suffice.
The adjoint of the 2x2 mean adds a quarter of the slope of the next coarser scale, which is therefore computed first; it
replaces the distorted picture of that scale in memory.

Memory: 8 bytes per pixel for both pictures in linear light from 1:2 on, 12 (4 if gray) for the result, and rings that
grow with the width alone. Every value comes from single IEEE 754 operations in a fixed order and sums run over eight
rows at most: the same bits on every machine.

Encoders need less: the gains of blocks (`gains`), in bands of rows, which threads share. At 1:1 they come from the maps
themselves; slopes begin at 1:2, with memory of their own from 1:4 on.
"""
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memset

import numpy as np

from codec._core cimport codec_variant
from codec._stop cimport raise_stopped, stopped
from codec._team cimport Team, turns_lock, turns_unlock
from .._core import BUILT_LEVELS
from ..cpu import register
from ..errors import ParameterError

cdef extern from "metrics.h" nogil:
    void (*codec_linear_to_xyb[2])(const float *rgb, Py_ssize_t n, float *xyb)
    void (*codec_linear_to_y[2])(const float *rgb, Py_ssize_t n, float *y)
    void (*codec_halve_row[2])(const float *upper, const float *lower, Py_ssize_t n, float *out)
    void (*codec_s2_means[2])(const float *a, const float *b, Py_ssize_t n, Py_ssize_t step, float *out)
    void (*codec_s2_quantities[2])(const float *a, const float *b, Py_ssize_t n, Py_ssize_t step, float *out)
    void (*codec_blur9_across[2])(const float *v, const float *w, Py_ssize_t n, float *out)
    void (*codec_blur9_down[2])(const float **r, const float *w, Py_ssize_t n, float *out)
    void (*codec_blur9_down_two[2])(const float **r, const float *w, Py_ssize_t n, float *upper, float *lower)

cdef extern from "gradients.h" nogil:
    struct codec_map_slope:
        float one, four, inverse
    void (*codec_s2_gain_quantities[2])(const float *a, const float *b, Py_ssize_t n, Py_ssize_t step, float *out)
    void (*codec_s2_ssim_gain[2])(const float *blurred, const codec_map_slope *slope, Py_ssize_t n, float *gain)
    void (*codec_s2_edges_gain[2])(const float *a, const float *b, const float *blurred, const codec_map_slope *slope,
                                   Py_ssize_t n, float *gain)
    void (*codec_s2_ssim_slope[2])(const float *blurred, const codec_map_slope *slope, Py_ssize_t n, Py_ssize_t step,
                                   float *out)
    void (*codec_s2_edges_slope[2])(const float *a, const float *b, const float *blurred, const codec_map_slope *slope,
                                    Py_ssize_t n, float *direct, float *half)
    void (*codec_s2_gather[2])(const float *a, const float *b, const float *direct, const float *blurred, Py_ssize_t n,
                               float *out)
    void (*codec_s2_gather_edges[2])(const float *direct, const float *blurred, Py_ssize_t n, float *out)
    void (*codec_xyb_to_linear_slope[2])(const float *xyb, const float *slope, Py_ssize_t n, float *out)
    void (*codec_add_doubled[2])(const float *v, float part, Py_ssize_t n, float *out)

KERNELS = (
    "s2_ssim_slope", "s2_edges_slope", "s2_gather", "s2_gather_edges", "xyb_to_linear_slope", "linear_to_y",
    "s2_gain_quantities", "s2_ssim_gain", "s2_edges_gain", "add_doubled",
)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    HALF = 4                # taps on each side
    ROWS = 10               # of rings: two rows of a result need them
    MAX_SCALES = 6
    NEED_SSIM = 1
    NEED_EDGES = 2
    QUANTITIES = 4          # a, d, d^2, a^2 + b^2
    GAIN_QUANTITIES = 5     # b d too
    LINE = 16               # values of a line of the cache
    SLOPES = 3              # with respect to the blurred d, d^2, a^2 + b^2

cdef struct Scale:
    Py_ssize_t width, height
    int need[3]                             # per channel: NEED_SSIM | NEED_EDGES
    codec_map_slope slope[3][3]             # channel; map ssim, ringing, blur
    float *a                                # [height][3][width], linear; none at 1:1
    float *b                                # the same
    float *by_b                             # slopes with respect to b: its memory, or that of its own

cdef struct Gradient:
    Scale scale[MAX_SCALES]
    int scales
    int variant                             # of the kernels: 0 scalar, 1 AVX2
    float weights[HALF + 1]                 # taps, centre first
    float *rings                            # those of every worker, in memory that `allocate` gave
    float *xyb                              # [ROWS][2][3][width]: rows of a and b
    float *blurred                          # [ROWS][3][GAIN_QUANTITIES][width], blurred across
    float *direct                           # [ROWS][3][width]: slopes by b past the blurs
    float *slopes                           # [ROWS][3][SLOPES][width], blurred across
    float *padded                           # [GAIN_QUANTITIES][HALF zeros, a row, HALF zeros]
    float *zero                             # a row of zeros
    float *down                             # [3][2 rows][GAIN_QUANTITIES][width] after a blur down
    float *by_xyb                           # [2 rows][3][width]
    float *gain                             # [width]: of samples, summed over the rows of blocks
    float *rows                             # [2][2][3][width]: two linear rows of a, and of b
    Py_ssize_t ring_width                   # the largest width


cdef inline float *ring(float *rows, Py_ssize_t y, int c, int per_channel, Py_ssize_t n) noexcept nogil:
    """Row y, channel c of a ring [ROWS][3][per_channel][n]."""
    return rows + (y % ROWS * 3 + c) * per_channel * n


cdef inline Py_ssize_t padded_step(const Gradient *g) noexcept nogil:
    return g.ring_width + 2 * HALF


cdef void blur_across(Gradient *g, int count, Py_ssize_t n, float *out) noexcept nogil:
    """The first rows of `padded`."""
    cdef int q
    for q in range(count):
        codec_blur9_across[g.variant](g.padded + q * padded_step(g), g.weights, n, out + q * n)


cdef inline bint completes(Py_ssize_t y, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
    """Whether row y is the second one of a pair, which begin at `first` and before it, or the last one."""
    return (y - first) & 1 or y == past - 1


cdef inline int pair(Py_ssize_t y, Py_ssize_t first, Py_ssize_t least) noexcept nogil:
    """How many rows down to y are done at once, where it completes a pair: not those before `least`."""
    return 2 if (y - first) & 1 and y > least else 1


cdef inline float *down_of(const Gradient *g, int c, int row, Py_ssize_t n) noexcept nogil:
    return g.down + (2 * c + row) * GAIN_QUANTITIES * n


cdef void blur_down(Gradient *g, float *source, Py_ssize_t y, int count, Py_ssize_t height, int c, int per_channel,
                    int quantities, Py_ssize_t n) noexcept nogil:
    """`down` at one or two rows from y on, of the ring `source`."""
    cdef const float *rows[ROWS]
    cdef Py_ssize_t row
    cdef int q, i
    for q in range(quantities):
        for i in range(ROWS):
            row = y - HALF + i
            rows[i] = ring(source, row, c, per_channel, n) + q * n if 0 <= row < height else g.zero
        if count == 2:
            codec_blur9_down_two[g.variant](rows, g.weights, n, down_of(g, c, 0, n) + q * n,
                                                down_of(g, c, 1, n) + q * n)
        else:
            codec_blur9_down[g.variant](rows, g.weights, n, down_of(g, c, 0, n) + q * n)


cdef void read_row(Gradient *g, Scale *s, const float *a, const float *b, Py_ssize_t y) noexcept nogil:
    """A row of linear light, [3][width] each, into the rings."""
    cdef Py_ssize_t n = s.width
    cdef float *xyb = g.xyb + y % ROWS * 6 * n
    cdef int c
    codec_linear_to_xyb[g.variant](a, n, xyb)
    codec_linear_to_xyb[g.variant](b, n, xyb + 3 * n)
    for c in range(3):
        if s.need[c] & NEED_SSIM:
            codec_s2_quantities[g.variant](xyb + c * n, xyb + (3 + c) * n, n, padded_step(g), g.padded + HALF)
            blur_across(g, QUANTITIES, n, ring(g.blurred, y, c, GAIN_QUANTITIES, n))
        elif s.need[c]:
            codec_s2_means[g.variant](xyb + c * n, xyb + (3 + c) * n, n, padded_step(g), g.padded + HALF)
            blur_across(g, 2, n, ring(g.blurred, y, c, GAIN_QUANTITIES, n))


cdef void slope_rows(Gradient *g, Scale *s, Py_ssize_t y, int count) noexcept nogil:
    """The slopes of the maps at one or two rows from y on; the four rows above and below are in the ring or outside the
    picture."""
    cdef Py_ssize_t n = s.width
    cdef const float *a
    cdef float *direct
    cdef int c, row
    for c in range(3):
        if not s.need[c]:
            continue
        blur_down(g, g.blurred, y, count, s.height, c, GAIN_QUANTITIES, QUANTITIES if s.need[c] & NEED_SSIM else 2, n)
        for row in range(count):
            a = g.xyb + ((y + row) % ROWS * 6 + c) * n
            direct = ring(g.direct, y + row, c, 1, n)
            if s.need[c] & NEED_SSIM:
                codec_s2_ssim_slope[g.variant](down_of(g, c, row, n), &s.slope[c][0], n, padded_step(g),
                                               g.padded + HALF)
            else:
                memset(g.padded + HALF, 0, n * sizeof(float))
            if s.need[c] & NEED_EDGES:
                codec_s2_edges_slope[g.variant](a, a + 3 * n, down_of(g, c, row, n), &s.slope[c][1], n, direct,
                                                g.padded + HALF)
            else:
                memset(direct, 0, n * sizeof(float))
            blur_across(g, SLOPES if s.need[c] & NEED_SSIM else 1, n, ring(g.slopes, y + row, c, SLOPES, n))


cdef void do_slopes(Gradient *g, Scale *s, Py_ssize_t y, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
    """`slope_rows` when row y completes a pair of those that rows `first` to `past` - 1 of the result need."""
    cdef Py_ssize_t least = max(0, first - HALF)
    cdef int count
    past = min(s.height, past + HALF)
    if least <= y < past and completes(y, first, past):
        count = pair(y, first, least)
        slope_rows(g, s, y - count + 1, count)


cdef void add_coarser(Gradient *g, const Scale *coarser, Py_ssize_t y, Py_ssize_t height, Py_ssize_t n,
                      float *out) noexcept nogil:
    """Add the adjoint of the 2x2 means to row y of [3][n]; a sample that was repeated at an odd edge
    gets its share each time."""
    cdef float part = 0.5 if height & 1 and y == height - 1 else 0.25
    cdef int c
    for c in range(3):
        codec_add_doubled[g.variant](coarser.by_b + (y // 2 * 3 + c) * coarser.width, part, n, out + c * n)


cdef void finish_rows(Gradient *g, Scale *s, Py_ssize_t y, int count, const Scale *coarser, float *out) noexcept nogil:
    """[count][3][width] slopes with respect to linear light at one or two rows from y on. `coarser`: the next scale,
    already done; NULL at the last one."""
    cdef Py_ssize_t n = s.width
    cdef const float *a
    cdef const float *direct
    cdef float *by_xyb
    cdef int c, row
    for c in range(3):
        if s.need[c]:
            blur_down(g, g.slopes, y, count, s.height, c, SLOPES, SLOPES if s.need[c] & NEED_SSIM else 1, n)
        for row in range(count):
            a = g.xyb + ((y + row) % ROWS * 6 + c) * n
            direct, by_xyb = ring(g.direct, y + row, c, 1, n), g.by_xyb + (3 * row + c) * n
            if not s.need[c]:
                memset(by_xyb, 0, n * sizeof(float))
            elif s.need[c] & NEED_SSIM:
                codec_s2_gather[g.variant](a, a + 3 * n, direct, down_of(g, c, row, n), n, by_xyb)
            else:
                codec_s2_gather_edges[g.variant](direct, down_of(g, c, row, n), n, by_xyb)
    for row in range(count):
        codec_xyb_to_linear_slope[g.variant](g.xyb + ((y + row) % ROWS * 6 + 3) * n, g.by_xyb + 3 * row * n, n,
                                             out + 3 * row * n)
        if coarser != NULL:
            add_coarser(g, coarser, y + row, s.height, n, out + 3 * row * n)


cdef void linear_row(const uint8_t *samples, Py_ssize_t pixel, Py_ssize_t channel, int channels, const float *table,
                     Py_ssize_t n, float *out) noexcept nogil:
    """A row of sRGB samples through the table of its transfer function; gray gives three equal rows."""
    cdef Py_ssize_t i, next_channel = channel if channels == 3 else 0
    for i in range(n):
        out[i] = table[samples[0]]
        out[n + i] = table[samples[next_channel]]
        out[2 * n + i] = table[samples[2 * next_channel]]
        samples += pixel


cdef void samples_row(const uint8_t *samples, Py_ssize_t pixel, Py_ssize_t channel, int channels, const float *slopes,
                      const float *by_linear, Py_ssize_t n, float *out) noexcept nogil:
    """Convert slopes with respect to linear light, [3][n], to slopes with respect to samples, [n][channels]. `slopes`:
    derivative of the transfer function per sample value."""
    cdef Py_ssize_t i
    cdef int c
    for i in range(n):
        if channels == 1:
            out[i] = (by_linear[i] + by_linear[n + i] + by_linear[2 * n + i]) * slopes[samples[i * pixel]]
        else:
            for c in range(3):
                out[3 * i + c] = by_linear[c * n + i] * slopes[samples[i * pixel + c * channel]]


cdef void halve_rows(const Gradient *g, const float *upper, const float *lower, Py_ssize_t n,
                     float *out) noexcept nogil:
    """2x2 means of a row pair [3][n], as in the score."""
    cdef int c
    for c in range(3):
        codec_halve_row[g.variant](upper + c * n, lower + c * n, n, out + c * ((n + 1) // 2))


cdef void halve_picture(Gradient *g, const uint8_t *samples, Py_ssize_t *strides, int channels, const float *table,
                        float *out) noexcept nogil:
    """A picture of samples scaled to 1:2 in linear light."""
    cdef const Scale *s = &g.scale[0]
    cdef float *rows = g.rows
    cdef Py_ssize_t y, n = s.width, low
    for y in range(0, s.height, 2):
        if stopped():
            return
        low = min(y + 1, s.height - 1)
        linear_row(samples + y * strides[0], strides[1], strides[2], channels, table, n, rows)
        linear_row(samples + low * strides[0], strides[1], strides[2], channels, table, n, rows + 3 * n)
        halve_rows(g, rows, rows + 3 * n, n, out + y // 2 * 3 * ((n + 1) // 2))


cdef void halve_scale(Gradient *g, int k, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
    """Scale k of both pictures from rows `first`, which is even, to `past` - 1 of the one above it."""
    cdef const Scale *s = &g.scale[k - 1]
    cdef Scale *half = &g.scale[k]
    cdef Py_ssize_t y, below, n = s.width, out
    for y in range(first, past, 2):
        if stopped():
            return
        below, out = min(y + 1, s.height - 1), y // 2 * 3 * half.width
        halve_rows(g, s.a + y * 3 * n, s.a + below * 3 * n, n, half.a + out)
        halve_rows(g, s.b + y * 3 * n, s.b + below * 3 * n, n, half.b + out)


cdef void do_scale(Gradient *g, Scale *s, const Scale *coarser, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
    """Slopes of rows `first` to `past` - 1 of a scale below 1:1; row y is written after row y + 8 was read, over b."""
    cdef Py_ssize_t step, y, row = 3 * s.width
    cdef int count
    memset(g.padded, 0, GAIN_QUANTITIES * padded_step(g) * sizeof(float))
    for step in range(max(0, first - 2 * HALF), past + 2 * HALF):
        if stopped():
            return
        if step < s.height:
            read_row(g, s, s.a + step * row, s.b + step * row, step)
        do_slopes(g, s, step - HALF, first, past)
        y = step - 2 * HALF
        if y >= first and completes(y, first, past):
            count = pair(y, first, first)
            finish_rows(g, s, y - count + 1, count, coarser, s.by_b + (y - count + 1) * row)


cdef void do_samples(Gradient *g, const uint8_t *a, Py_ssize_t *strides_a, const uint8_t *b, Py_ssize_t *strides_b,
                     int channels, const float *table, const float *slopes, float *out) noexcept nogil:
    """The same at 1:1, from samples to slopes with respect to them."""
    cdef Scale *s = &g.scale[0]
    cdef Py_ssize_t step, last, y, n = s.width
    cdef int count
    memset(g.padded, 0, GAIN_QUANTITIES * padded_step(g) * sizeof(float))
    for step in range(s.height + 2 * HALF):
        if stopped():
            return
        if step < s.height:
            linear_row(a + step * strides_a[0], strides_a[1], strides_a[2], channels, table, n, g.rows)
            linear_row(b + step * strides_b[0], strides_b[1], strides_b[2], channels, table, n, g.rows + 3 * n)
            read_row(g, s, g.rows, g.rows + 3 * n, step)
        do_slopes(g, s, step - HALF, 0, s.height)
        last = step - 2 * HALF
        if last >= 0 and completes(last, 0, s.height):
            count = pair(last, 0, 0)
            finish_rows(g, s, last - count + 1, count, &g.scale[1], g.rows)
            for y in range(last - count + 1, last + 1):
                samples_row(b + y * strides_b[0], strides_b[1], strides_b[2], channels, slopes,
                            g.rows + (y - last + count - 1) * 3 * n, n, out + y * n * channels)


cdef Py_ssize_t place_rings(Gradient *g, float *memory, Py_ssize_t n) noexcept nogil:
    """Rings for scales of a width up to n; returns how many values they take. memory: NULL only to count them."""
    cdef float **parts[10]
    cdef Py_ssize_t sizes[10]
    cdef Py_ssize_t size = 0
    cdef int i
    g.ring_width = n
    parts[0], sizes[0] = &g.padded, GAIN_QUANTITIES * padded_step(g)
    parts[1], sizes[1] = &g.zero, n
    parts[2], sizes[2] = &g.gain, n
    parts[3], sizes[3] = &g.xyb, ROWS * 6 * n
    parts[4], sizes[4] = &g.blurred, ROWS * 3 * GAIN_QUANTITIES * n
    parts[5], sizes[5] = &g.direct, ROWS * 3 * n
    parts[6], sizes[6] = &g.slopes, ROWS * 3 * SLOPES * n
    parts[7], sizes[7] = &g.down, 6 * GAIN_QUANTITIES * n
    parts[8], sizes[8] = &g.by_xyb, 6 * n
    parts[9], sizes[9] = &g.rows, 12 * n
    for i in range(10):
        if memory != NULL:
            parts[i][0] = memory + size
        size += sizes[i] + LINE - 1 & -LINE
    if memory != NULL:
        memset(memory, 0, (parts[3][0] - memory) * sizeof(float))
    return size


cdef object allocate(Gradient *g, bint apart, int workers):
    """Memory of all scales and rings, an array that the caller keeps. apart: whether slopes have memory of their own,
    from 1:4 on. workers: how many need rings.

    One array: glibc gives many small ones back to the system after every picture, and new pages take time. NumPy asks
    for large pages from 4 MB on.
    """
    cdef Py_ssize_t size, all = 0
    cdef float[::1] values
    cdef float *memory
    cdef Scale *s
    cdef int k
    for k in range(1, g.scales):
        all += (3 if apart and k > 1 else 2) * 3 * g.scale[k].height * g.scale[k].width
    values = made = np.empty(all + LINE + workers * place_rings(g, NULL, g.scale[0].width), np.float32)
    memory = &values[0]
    g.rings = <float *>(<size_t>(memory + all) + 4 * LINE - 1 & -4 * LINE)
    for k in range(1, g.scales):
        s = &g.scale[k]
        size = 3 * s.height * s.width
        s.a, s.b, memory = memory, memory + size, memory + 2 * size
        s.by_b = s.b
        if apart and k > 1:
            s.by_b, memory = memory, memory + size
    return made


cdef inline Scale *next_scale(Gradient *g, int k) noexcept nogil:
    """The next coarser one; NULL: none."""
    return &g.scale[k + 1] if k + 1 < g.scales else NULL


cdef void halve_further(Gradient *g, int first) noexcept nogil:
    """From scale `first` on."""
    cdef int k
    for k in range(first, g.scales):
        halve_scale(g, k, 0, g.scale[k - 1].height)


cdef int check_arguments(const uint8_t[:, :, :] a, const uint8_t[:, :, :] b, sizes,
                         const float[:, :, :, ::1] map_slopes, const float[::1] taps,
                         const float[::1] table) except -1:
    if (b.shape[0] != a.shape[0] or b.shape[1] != a.shape[1] or b.shape[2] != a.shape[2] or a.shape[2] not in (1, 3)
            or not 2 <= len(sizes) <= MAX_SCALES or sizes[0] != (a.shape[0], a.shape[1])
            or map_slopes.shape[1] != len(sizes) or taps.shape[0] != HALF + 1 or table.shape[0] != 256):
        raise ParameterError("two pictures (H, W, 1 or 3) of one shape, two to six scales of it, and tables for 8 bits")
    return 0


cdef void set_up(Gradient *g, sizes, needs, const float[:, :, :, ::1] map_slopes, const float[::1] taps, int level):
    cdef int k, c, kind_of_map
    memset(g, 0, sizeof(Gradient))
    g.scales, g.variant = len(sizes), codec_variant(level)
    for k in range(HALF + 1):
        g.weights[k] = taps[k]
    for k in range(g.scales):
        g.scale[k].height, g.scale[k].width = sizes[k]
        for c in range(3):
            g.scale[k].need[c] = needs[k][c]
            for kind_of_map in range(3):
                g.scale[k].slope[c][kind_of_map].one = map_slopes[c, k, 0, kind_of_map]
                g.scale[k].slope[c][kind_of_map].four = map_slopes[c, k, 1, kind_of_map]
                g.scale[k].slope[c][kind_of_map].inverse = map_slopes[c, k, 2, kind_of_map]


def gradient(const uint8_t[:, :, :] a, const uint8_t[:, :, :] b, const float[::1] table, const float[::1] slopes,
             const float[::1] taps, sizes, needs, const float[:, :, :, ::1] map_slopes, int level):
    """d score / d sample of the distorted picture.

    a, b : original and distorted, (H, W, 1 or 3), sRGB-coded, any strides, sides >= 8
    table, slopes : linear light of every sample value, and its derivative with respect to the sample
    taps : the middle tap and the four beside it
    sizes : (height, width) of the scales, at least two; needs : (scales, 3) of NEED_SSIM | NEED_EDGES, per scale and
        channel X, Y, B
    map_slopes : (3 channels, scales, 3, 3 maps): one, four and inverse of codec_map_slope (gradients.h)
    level : as counted by codec.cpu.level_index

    Returns a float32 array of the pictures' shape.
    """
    cdef int channels = a.shape[2], k
    cdef Gradient whole
    cdef Gradient *g = &whole
    cdef Scale *finest = &g.scale[0]
    cdef float[:, :, ::1] out
    cdef Py_ssize_t *strides_a = &a.strides[0]
    cdef Py_ssize_t *strides_b = &b.strides[0]
    check_arguments(a, b, sizes, map_slopes, taps, table)
    assert slopes.shape[0] == 256
    set_up(g, sizes, needs, map_slopes, taps, level)
    made = np.empty((a.shape[0], a.shape[1], channels), np.float32)
    out = made
    memory = allocate(g, False, 1)
    with nogil:
        place_rings(g, g.rings, finest.width)
        halve_picture(g, &a[0, 0, 0], strides_a, channels, &table[0], g.scale[1].a)
        halve_picture(g, &b[0, 0, 0], strides_b, channels, &table[0], g.scale[1].b)
        halve_further(g, 2)
        for k in range(g.scales - 1, 0, -1):
            do_scale(g, &g.scale[k], next_scale(g, k), 0, g.scale[k].height)
        do_samples(g, &a[0, 0, 0], strides_a, &b[0, 0, 0], strides_b, channels, &table[0], &slopes[0], &out[0, 0, 0])
    raise_stopped()
    return made


# ================================================================ gains of blocks

cdef void read_gain_row(Gradient *g, Scale *s, const float *a, const float *b, Py_ssize_t y) noexcept nogil:
    """`read_row`, for gains at 1:1. Of large pictures they need Y alone."""
    cdef Py_ssize_t n = s.width
    cdef float *xyb = g.xyb + y % ROWS * 6 * n
    cdef int c
    if s.need[0] or s.need[2]:
        codec_linear_to_xyb[g.variant](a, n, xyb)
        codec_linear_to_xyb[g.variant](b, n, xyb + 3 * n)
    else:
        codec_linear_to_y[g.variant](a, n, xyb + n)
        codec_linear_to_y[g.variant](b, n, xyb + 4 * n)
    for c in range(3):
        if s.need[c] & NEED_SSIM:
            codec_s2_gain_quantities[g.variant](xyb + c * n, xyb + (3 + c) * n, n, padded_step(g), g.padded + HALF)
            blur_across(g, GAIN_QUANTITIES, n, ring(g.blurred, y, c, GAIN_QUANTITIES, n))
        elif s.need[c]:
            codec_s2_means[g.variant](xyb + c * n, xyb + (3 + c) * n, n, padded_step(g), g.padded + HALF)
            blur_across(g, 2, n, ring(g.blurred, y, c, GAIN_QUANTITIES, n))


cdef void gain_rows(Gradient *g, Scale *s, Py_ssize_t y, int count) noexcept nogil:
    """Add what the maps of one or two rows from y on, of one row of blocks, would gain, row by row."""
    cdef Py_ssize_t n = s.width
    cdef const float *a
    cdef int c, row
    for c in range(3):
        if s.need[c]:
            blur_down(g, g.blurred, y, count, s.height, c, GAIN_QUANTITIES,
                      GAIN_QUANTITIES if s.need[c] & NEED_SSIM else 2, n)
    for row in range(count):
        for c in range(3):
            a = g.xyb + ((y + row) % ROWS * 6 + c) * n
            if s.need[c] & NEED_SSIM:
                codec_s2_ssim_gain[g.variant](down_of(g, c, row, n), &s.slope[c][0], n, g.gain)
            if s.need[c] & NEED_EDGES:
                codec_s2_edges_gain[g.variant](a, a + 3 * n, down_of(g, c, row, n), &s.slope[c][1], n, g.gain)


cdef void add_products(Gradient *g, const float *a, const float *b, const float *by_b, Py_ssize_t n) noexcept nogil:
    """Add what a row [3][n] at 1:2 would gain by its slopes."""
    cdef float *gain = g.gain
    cdef Py_ssize_t i
    cdef int c
    for c in range(3):
        for i in range(n):
            gain[i] += by_b[c * n + i] * (a[c * n + i] - b[c * n + i])


cdef void give_to_blocks(Gradient *g, Py_ssize_t n, int side, int64_t *out) noexcept nogil:
    """Add the gains of `side` columns each to a row of blocks, in 2^-32, and begin with none again."""
    cdef Py_ssize_t block, i
    cdef float total
    for block in range((n + side - 1) // side):
        total = 0
        for i in range(block * side, min(block * side + side, n)):
            total += g.gain[i]
        out[block] += <int64_t>(total * <float>4294967296.0)
    memset(g.gain, 0, n * sizeof(float))


cdef enum:
    BAND = 64               # rows, at least, among several threads: those of a neighbour are read too, 8 to 16
    SIDE = 8                # of a block
    PAST_BANDS = 4          # the first scale of which bands of whole blocks are not whole rows


cdef class GainTeam(Team):
    """One step towards the gains, in bands of rows."""
    cdef Gradient *g                        # rings are taken by `workers`; who owns it waits for the team
    cdef int workers                        # that have begun
    cdef int scale
    cdef const uint8_t *a
    cdef const uint8_t *b
    cdef Py_ssize_t *strides_a
    cdef Py_ssize_t *strides_b
    cdef int channels
    cdef const float *table
    cdef int64_t *out
    cdef Py_ssize_t blocks_wide

    cdef void work(self) noexcept nogil:
        cdef Gradient own = self.g[0]
        cdef Scale *s = &own.scale[self.scale]
        cdef Py_ssize_t part, side = SIDE >> self.scale if self.scale < 2 else 1, units = (s.height + side - 1) // side
        turns_lock(&self.turns)
        own.rings += self.workers * place_rings(&own, NULL, own.scale[0].width)
        self.workers += 1
        turns_unlock(&self.turns)
        place_rings(&own, own.rings, s.width)
        part = self.take()
        while part >= 0:
            self.do_band(&own, side * (units * part // self.parts),
                         min(s.height, side * (units * (part + 1) // self.parts)))
            part = self.take()

    cdef void do_band(self, Gradient *g, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
        cdef int k
        if self.scale == 0:
            self.finest_gains(g, first, past)
            for k in range(2, min(PAST_BANDS, g.scales)):
                halve_scale(g, k, first >> k - 1, past >> k - 1 if past < g.scale[0].height else g.scale[k - 1].height)
        elif self.scale == 1:
            self.half_gains(g, first, past)
        else:
            do_scale(g, &g.scale[self.scale], next_scale(g, self.scale), first, past)

    cdef void finest_gains(self, Gradient *g, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
        """At 1:1 an error counts where the maps are that it changes, at most four samples away: that needs no second
        blur. The pictures are scaled to 1:2 on the way."""
        cdef Scale *s = &g.scale[0]
        cdef Py_ssize_t step, y, n = s.width
        cdef int count
        cdef float *a
        cdef float *b
        for step in range(max(0, first - HALF), past + HALF):
            if stopped():
                return
            if step < s.height:
                a = g.rows + step % 2 * 3 * n
                b = a + 6 * n
                linear_row(self.a + step * self.strides_a[0], self.strides_a[1], self.strides_a[2], self.channels,
                           self.table, n, a)
                linear_row(self.b + step * self.strides_b[0], self.strides_b[1], self.strides_b[2], self.channels,
                           self.table, n, b)
                read_gain_row(g, s, a, b, step)
                if first <= step < past and (step % 2 or step == s.height - 1):
                    halve_rows(g, g.rows, a, n, g.scale[1].a + step // 2 * 3 * ((n + 1) // 2))
                    halve_rows(g, g.rows + 6 * n, b, n, g.scale[1].b + step // 2 * 3 * ((n + 1) // 2))
            y = step - HALF
            if y >= first and completes(y, first, past):
                count = pair(y, first, first)
                gain_rows(g, s, y - count + 1, count)
                if y % SIDE == SIDE - 1 or y == past - 1:
                    give_to_blocks(g, n, SIDE, self.out + y // SIDE * self.blocks_wide)

    cdef void half_gains(self, Gradient *g, Py_ssize_t first, Py_ssize_t past) noexcept nogil:
        """At 1:2, by the slopes of this scale and all below."""
        cdef Scale *s = &g.scale[1]
        cdef Py_ssize_t step, y, n = s.width, side = SIDE // 2
        cdef int count, row
        memset(g.padded, 0, GAIN_QUANTITIES * padded_step(g) * sizeof(float))
        for step in range(max(0, first - 2 * HALF), past + 2 * HALF):
            if stopped():
                return
            if step < s.height:
                read_row(g, s, s.a + step * 3 * n, s.b + step * 3 * n, step)
            do_slopes(g, s, step - HALF, first, past)
            y = step - 2 * HALF
            if y >= first and completes(y, first, past):
                count = pair(y, first, first)
                finish_rows(g, s, y - count + 1, count, next_scale(g, 1), g.rows)
                for row in range(count):
                    add_products(g, s.a + (y - count + 1 + row) * 3 * n, s.b + (y - count + 1 + row) * 3 * n,
                                 g.rows + row * 3 * n, n)
                if y % side == side - 1 or y == past - 1:
                    give_to_blocks(g, n, side, self.out + y // side * self.blocks_wide)


def gains(const uint8_t[:, :, :] a, const uint8_t[:, :, :] b, const float[::1] table, const float[::1] taps, sizes,
          needs, const float[:, :, :, ::1] map_slopes, int level, int threads=1):
    """What smaller errors would gain in each block of 8x8: minus the derivative of the score by t, where the errors of
    the block are scaled by 1 + t.

    a, b, table, taps, sizes, needs, map_slopes, level : as `gradient` takes them
    threads : at least 1

    Returns int64 (ceil(H / 8), ceil(W / 8)), in 2^-32. An error counts at 1:1 by what it is in XYB, and up to four
    samples away; from 1:2 on where it is, by what it is in linear light.
    """
    cdef Gradient whole
    cdef Gradient *g = &whole
    cdef GainTeam team
    cdef int64_t[:, ::1] out
    cdef int k
    check_arguments(a, b, sizes, map_slopes, taps, table)
    set_up(g, sizes, needs, map_slopes, taps, level)
    made = np.zeros(((a.shape[0] + SIDE - 1) // SIDE, (a.shape[1] + SIDE - 1) // SIDE), np.int64)
    out = made
    threads = max(1, min(threads, g.scale[0].height // BAND))
    memory = allocate(g, True, threads)
    for k in (0, *range(g.scales - 1, 0, -1)):
        team = GainTeam()
        team.g, team.scale, team.out, team.blocks_wide = g, k, &out[0, 0], out.shape[1]
        team.a, team.b, team.strides_a, team.strides_b = &a[0, 0, 0], &b[0, 0, 0], &a.strides[0], &b.strides[0]
        team.channels, team.table = a.shape[2], &table[0]
        team.parts = max(1, min(8 * threads, g.scale[k].height // BAND)) if threads > 1 else 1
        team.share(threads)
        if k == 0:
            halve_further(g, PAST_BANDS)
    raise_stopped()
    return made
