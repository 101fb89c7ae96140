"""Whether a picture tolerates half the chrominance: the errors that 4:2:0 adds, measured where they show."""
from libc.math cimport sqrt
from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from codec._core cimport JpegDsp, jpeg_dsp
from codec._pixel cimport LEAST_SQUARES_REACH, downsample_least_squares_row, upsample_h2v2_row
from .._core import BUILT_LEVELS
from ..cpu import level_index, register
from ..errors import ParameterError

cdef extern from "contrast.h" nogil:
    void (*const codec_add_contrast[2])(const uint8_t *a, const uint8_t *b, Py_ssize_t bytes, int channels,
                                        double *total)

cdef extern from "levels.h" nogil:
    int codec_variant(int level)

KERNELS = ("add_contrast",)
register(dict.fromkeys(KERNELS, BUILT_LEVELS))

cdef enum:
    STRIP = 16                  # rows of two blocks; one strip in STEP is measured
    STEP = 4
    MARGIN = 8                  # rows beyond: 2 read by upsampling, 6 for their least-squares means
    ROWS = STRIP + 2 * MARGIN
    # rows of a subsampled strip: from 2 rows above it to 2 rows below
    SMALL = ROWS // 2 - LEAST_SQUARES_REACH
    HIDING = 30                 # variance of luminance that starts to hide chrominance errors
    OUTSTANDING = 8             # a strip with this many times the mean contrast of the sampled ones is measured as well


cdef struct Damage:
    double total                # of (D / (V + HIDING))^2 over blocks
    Py_ssize_t flat, blocks


cdef void add_block(const uint8_t *Y, const int32_t *squares, Py_ssize_t stride, Damage *damage) noexcept nogil:
    """D: mean squared error of a block's chrominance, both components added; V: variance of its luminance."""
    cdef int32_t total = 0, energy = 0, D = 0                   # at most 64 * 2 * 255^2 < 2^23
    cdef int i, j
    for i in range(8):
        for j in range(8):
            total += Y[i * stride + j]
            energy += Y[i * stride + j] * Y[i * stride + j]
            D += squares[i * stride + j]
    cdef int32_t variance = 64 * energy - total * total         # times 4096
    cdef double ratio = 64.0 * D / <double>(variance + 4096 * HIDING)
    damage.total += ratio * ratio
    damage.flat += variance == 0 and 0 < Y[0] < 255
    damage.blocks += 1


cdef void add_squared_errors(const JpegDsp *dsp, const uint8_t *plane, Py_ssize_t width, uint8_t *small, int16_t *sums,
                             uint8_t *rebuilt, int32_t *squares) noexcept nogil:
    """Loss of one component of a strip that is subsampled and upsampled as in a decoder. `plane`:
    ROWS rows."""
    cdef Py_ssize_t half = width // 2, x, near, far
    cdef int y, d
    for y in range(SMALL):
        downsample_least_squares_row(dsp, plane + (LEAST_SQUARES_REACH + 2 * y) * width, width, sums,
                                     small + y * half, rebuilt, half, 2, 2)
        for x in range(half):
            small[y * half + x] += rebuilt[x] >> 3          # sixteenths, rounded
    for y in range(STRIP):
        near = 1 + (y >> 1)
        far = near + 1 if y & 1 else near - 1
        upsample_h2v2_row(dsp, small + near * half, small + far * half, <uint16_t *>sums, rebuilt, half)
        for x in range(width):
            d = plane[(MARGIN + y) * width + x] - rebuilt[x]
            squares[y * width + x] += d * d


cdef void add_strip(const JpegDsp *dsp, const uint8_t *pixels, Py_ssize_t height, Py_ssize_t width, int channels,
                    Py_ssize_t first, Py_ssize_t padded, bint errors, uint8_t *planes, uint8_t *small, int16_t *sums,
                    int32_t *squares, Damage *damage) noexcept nogil:
    """The blocks of a strip that begins in row `first`. Planes are `padded` wide, a multiple of 16. Without `errors`
    chrominance counts as unharmed, which takes half of the rows and no resampling.
    """
    cdef Py_ssize_t size = ROWS * padded, y, bx
    cdef Py_ssize_t margin = MARGIN if errors else 0
    cdef uint8_t *row
    cdef int c
    for y in range(MARGIN - margin, MARGIN + STRIP + margin):
        row = planes + y * padded
        dsp.rgb_to_ycc(pixels + max(0, min(first + y - MARGIN, height - 1)) * width * channels, channels, row,
                       row + size, row + 2 * size, width)
        for c in range(3):
            memset(row + c * size + width, row[c * size + width - 1], padded - width)
    memset(squares, 0, STRIP * padded * sizeof(int32_t))
    for c in range(1, 3 if errors else 1):
        add_squared_errors(dsp, planes + c * size, padded, small, sums, planes + 3 * size, squares)
    for y in range(0, STRIP, 8):
        for bx in range(0, padded, 8):
            add_block(planes + (MARGIN + y) * padded + bx, squares + y * padded + bx, padded, damage)


cdef double contrast(const uint8_t *pixels, Py_ssize_t height, Py_ssize_t width, int channels, Py_ssize_t first,
                     int variant) noexcept nogil:
    """How sharp the colour edges of the strip that begins in row `first` are.

    Every eighth row is compared with the one three below it, so that nothing of five rows is missed. The squares of
    cells are added, since the worst parts count.
    """
    cdef Py_ssize_t stride = width * channels, y = first, last = min(first + STRIP, height)
    cdef const uint8_t *a
    cdef double total = 0
    while y < last:
        a = pixels + y * stride
        codec_add_contrast[variant](a, a + 3 * stride if y + 3 < height else a, stride, channels, &total)
        y += 8
    return total


def subsampling_damage(const uint8_t[:, :, ::1] image, bint errors=True):
    """How much 4:2:0 would damage a picture, and how much of it is drawn rather than photographed.

    A score of the whole picture follows its worst parts, hence a fourth-power mean; busy luminance hides errors. Every
    fourth row of 16x16 blocks is measured and stands for its neighbours, except for rows with far more colour contrast
    than these on average, such as a banner: they are measured as well, and stand for themselves.

    Parameters
    ----------
    image : (H, W, 3|4) uint8
        RGB, or the C, M, Y of CMYK and K.
    errors : bool
        False: `flat` alone, in two thirds of the time; `damage` is 0.

    Returns
    -------
    damage, flat : float
        The square root of the root mean square, over 8x8 blocks, of chrominance error over luminance activity: 0 for
        gray pictures, 0.05 to 0.2 for photographs, 0.5 for coloured text on a plain ground. And the share of blocks of
        one luminance, neither black nor white: noise leaves none in photographs (at most 0.013 in 28 of them),
        screenshots have 0.08 to 0.9. The same on every machine.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._chroma import subsampling_damage
    >>> subsampling_damage(np.full((16, 16, 3), 77, np.uint8))
    (0.0, 1.0)
    """
    cdef Py_ssize_t height = image.shape[0], width = image.shape[1], strips = (height + STRIP - 1) // STRIP, strip
    cdef Py_ssize_t padded = (width + 15) // 16 * 16
    cdef int channels = image.shape[2]
    cdef Py_ssize_t start = min(strips - 1, <Py_ssize_t>(STEP // 2))
    cdef Damage sampled, extra
    cdef double typical = 0, blocks, weight
    cdef int level = level_index(), variant = codec_variant(level)
    cdef const JpegDsp *dsp = jpeg_dsp(level)
    cdef uint8_t *planes
    cdef int16_t *sums
    cdef int32_t *squares
    if height < 1 or width < 1 or channels not in (3, 4):
        raise ParameterError("an image with chrominance has rows, columns and 3 or 4 channels")
    cdef Py_ssize_t squares_size = STRIP * padded * sizeof(int32_t)
    cdef Py_ssize_t sums_size = (padded + 2 * LEAST_SQUARES_REACH) * sizeof(int16_t)
    squares = <int32_t *>malloc(squares_size + sums_size + (3 * ROWS + 1) * padded + SMALL * padded // 2)
    if squares == NULL:
        raise MemoryError
    sums = <int16_t *>(<uint8_t *>squares + squares_size)
    planes = <uint8_t *>sums + sums_size
    memset(&sampled, 0, sizeof(sampled))
    memset(&extra, 0, sizeof(extra))
    with nogil:
        for strip in range(strips):
            if strip % STEP == start % STEP:
                add_strip(dsp, &image[0, 0, 0], height, width, channels, STRIP * strip, padded, errors, planes,
                          planes + (3 * ROWS + 1) * padded, sums, squares, &sampled)
                typical += contrast(&image[0, 0, 0], height, width, channels, STRIP * strip, variant)
        typical /= (strips - start + STEP - 1) // STEP
        for strip in range(strips):
            if (strip % STEP != start % STEP and OUTSTANDING * typical
                    < contrast(&image[0, 0, 0], height, width, channels, STRIP * strip, variant)):
                add_strip(dsp, &image[0, 0, 0], height, width, channels, STRIP * strip, padded, errors, planes,
                          planes + (3 * ROWS + 1) * padded, sums, squares, &extra)
    free(squares)
    blocks = strips * (STRIP // 8) * (padded // 8)
    weight = <double>(blocks - extra.blocks) / <double>sampled.blocks
    return (sqrt(sqrt((sampled.total * weight + extra.total) / blocks)),
            (<double>sampled.flat * weight + <double>extra.flat) / blocks)


GRAPHICS = 0.05                 # share of flat blocks that makes a picture count as drawn
UNUSUAL = 75                    # below this quality only pictures with many equal pixels are measured


# (quality, least damage for which 4:4:4 makes the smaller file of the same SSIMULACRA2 score); linear in between.
FOR_PHOTOGRAPHS = ((90, 0.40), (96, 0.20), (98, 0.0))
FOR_GRAPHICS = ((1, 3.0), (35, 1.5), (65, 0.5), (75, 0.40), (86, 0.30), (92, 0.15), (96, 0.08), (98, 0.0))


cdef bint has_equal_pixels(const uint8_t[:, :, ::1] image):
    """Whether a fourth of the pixels of every 64th row equal their left neighbours: noise leaves fewer in photographs,
    which this spares the time of `subsampling_damage`."""
    cdef Py_ssize_t y, x, equal = 0, pairs = 0, width = image.shape[1]
    cdef int channels = image.shape[2], c, differences
    for y in range(image.shape[0] // 2 % 64, image.shape[0], 64):
        for x in range(1, width):
            differences = 0
            for c in range(channels):
                differences |= image[y, x, c] ^ image[y, x - 1, c]
            equal += differences == 0
        pairs += width - 1
    return 4 * equal >= pairs


def auto_subsampling(image, quality):
    """The subsampling with the smaller file at equal score: "4:2:0", or "4:4:4" for sharp colour edges.

    Parameters
    ----------
    image : (H, W, 3|4) uint8, C-contiguous
    quality : 1..100

    Returns
    -------
    "4:4:4" or "4:2:0". Of photographs always "4:2:0" below 90, where finer chrominance steps buy more than samples do;
    below 75 of all pictures but those that lose most, such as red text on blue. "4:4:4" from 98 on.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._chroma import auto_subsampling
    >>> lines = np.full((64, 64, 3), 230, np.uint8)
    >>> lines[::16, :, 0] = 0
    >>> auto_subsampling(lines, 90), auto_subsampling(lines, 30)
    ('4:4:4', '4:2:0')
    """
    if quality < UNUSUAL and not has_equal_pixels(image):
        return "4:2:0"
    if quality < FOR_PHOTOGRAPHS[0][0] and subsampling_damage(image, errors=False)[1] < GRAPHICS:
        return "4:2:0"
    damage, flat = subsampling_damage(image)
    thresholds = FOR_GRAPHICS if flat >= GRAPHICS else FOR_PHOTOGRAPHS
    for (q0, t0), (q1, t1) in zip(thresholds, thresholds[1:]):
        if quality < q1:
            return "4:4:4" if damage * (q1 - q0) >= t0 * (q1 - quality) + t1 * (quality - q0) else "4:2:0"
    return "4:4:4"


def is_clear(image):
    """Whether a picture is a photograph without sharp colour edges, of which `auto_subsampling` is right."""
    damage, flat = subsampling_damage(image)
    return damage < FOR_PHOTOGRAPHS[0][1] and flat < GRAPHICS
