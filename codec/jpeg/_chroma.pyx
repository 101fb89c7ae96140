"""Whether a picture can do with half of its chrominance: what 4:2:0 would add to the errors, measured where it shows."""
from libc.math cimport sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from codec._core cimport *
from codec._pixel cimport *
from ..errors import ParameterError

cdef enum:
    STRIP = 16                  # rows of two blocks, of which one in STEP is looked at
    STEP = 4
    MARGIN = 8                  # rows beyond: 2 that upsampling looks at, 6 for the least-squares means of those
    ROWS = STRIP + 2 * MARGIN
    SMALL = ROWS // 2 - LEAST_SQUARES_REACH             # rows of a subsampled strip: from 2 rows above it to 2 rows below
    HIDING = 30                 # variance of the luminance from which on it hides what happens to the chrominance


cdef double block_damage(const uint8_t *Y, const int32_t *squares, Py_ssize_t stride) noexcept nogil:
    """(D / (V + HIDING))^2 of a block: D mean squared error of its chrominance, both components added, V variance of its luminance."""
    cdef int64_t total = 0, energy = 0, D = 0
    cdef int i, j
    for i in range(8):
        for j in range(8):
            total += Y[i * stride + j]
            energy += Y[i * stride + j] * Y[i * stride + j]
            D += squares[i * stride + j]
    cdef double ratio = <double>(64 * D) / <double>(64 * energy - total * total + 4096 * HIDING)
    return ratio * ratio


cdef void add_squared_errors(const uint8_t *plane, Py_ssize_t width, uint8_t *small, int16_t *sums, uint8_t *rebuilt, int32_t *squares) noexcept nogil:
    """What is lost of one component of a strip when it is subsampled and upsampled again, as a decoder would. `plane`: ROWS rows."""
    cdef Py_ssize_t half = width // 2, x, near, far
    cdef int y, d
    for y in range(SMALL):
        downsample_least_squares_row(plane + (LEAST_SQUARES_REACH + 2 * y) * width, width, sums, small + y * half, half, 2, 2)
    for y in range(STRIP):
        near = 1 + (y >> 1)
        far = near + 1 if y & 1 else near - 1
        upsample_h2v2_row(small + near * half, small + far * half, <uint16_t *>sums, rebuilt, half)
        for x in range(width):
            d = plane[(MARGIN + y) * width + x] - rebuilt[x]
            squares[y * width + x] += d * d


cdef double strip_damage(const uint8_t *pixels, Py_ssize_t height, Py_ssize_t width, int channels, Py_ssize_t first, Py_ssize_t padded,
                         uint8_t *planes, uint8_t *small, int16_t *sums, int32_t *squares) noexcept nogil:
    """The sum of `block_damage` over a strip that begins in row `first`. Planes are `padded` wide, a multiple of 16."""
    cdef Py_ssize_t size = ROWS * padded, y, bx
    cdef uint8_t *row
    cdef double total = 0
    cdef int c
    for y in range(ROWS):
        row = planes + y * padded
        rgb_to_ycc_row(pixels + max(0, min(first + y - MARGIN, height - 1)) * width * channels, channels, row, row + size, row + 2 * size, width)
        for c in range(3):
            memset(row + c * size + width, row[c * size + width - 1], padded - width)
    memset(squares, 0, STRIP * padded * sizeof(int32_t))
    for c in range(1, 3):
        add_squared_errors(planes + c * size, padded, small, sums, planes + 3 * size, squares)
    for y in range(0, STRIP, 8):
        for bx in range(0, padded, 8):
            total += block_damage(planes + (MARGIN + y) * padded + bx, squares + y * padded + bx, padded)
    return total


def subsampling_damage(const uint8_t[:, :, ::1] image):
    """How much 4:2:0 would hurt a picture: the fourth-power mean over its blocks of chrominance error over luminance activity.

    A score of the whole picture follows its worst parts, hence the high power; busy luminance hides errors. One row of 8x8 blocks in
    four is looked at.

    Parameters
    ----------
    image : (H, W, 3|4) uint8
        RGB, or the C, M, Y of CMYK and K.

    Returns
    -------
    float, 0 for gray pictures; photographs have 0.05 to 0.2, coloured text on a plain ground 0.5. The same on every machine.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._chroma import subsampling_damage
    >>> subsampling_damage(np.full((16, 16, 3), 77, np.uint8))
    0.0
    """
    cdef Py_ssize_t height = image.shape[0], width = image.shape[1], strips = (height + STRIP - 1) // STRIP, strip, looked_at = 0
    cdef Py_ssize_t padded = (width + 15) // 16 * 16
    cdef int channels = image.shape[2]
    cdef double total = 0
    cdef uint8_t *planes
    cdef int16_t *sums
    cdef int32_t *squares
    if height < 1 or width < 1 or channels not in (3, 4):
        raise ParameterError("an image with chrominance has rows, columns and 3 or 4 channels")
    cdef Py_ssize_t squares_size = STRIP * padded * sizeof(int32_t), sums_size = (padded + 2 * LEAST_SQUARES_REACH) * sizeof(int16_t)
    squares = <int32_t *>malloc(squares_size + sums_size + (3 * ROWS + 1) * padded + SMALL * padded // 2)
    if squares == NULL:
        raise MemoryError
    sums = <int16_t *>(<uint8_t *>squares + squares_size)
    planes = <uint8_t *>sums + sums_size
    with nogil:
        strip = min(strips - 1, <Py_ssize_t>(STEP // 2))
        while strip < strips:
            total += strip_damage(&image[0, 0, 0], height, width, channels, STRIP * strip, padded, planes, planes + (3 * ROWS + 1) * padded, sums, squares)
            looked_at += 1
            strip += STEP
    free(squares)
    return sqrt(sqrt(total / <double>(looked_at * (padded // 8) * (STRIP // 8))))


# From a quality on, the least damage for which 4:4:4 makes the smaller file of the same SSIMULACRA2 score; between them straight lines.
THRESHOLDS = ((75, 0.40), (86, 0.30), (92, 0.20), (96, 0.14), (98, 0.0))


def auto_subsampling(image, quality):
    """The subsampling that makes the smaller file at equal score: "4:2:0", or "4:4:4" for pictures whose colours have sharp edges.

    Parameters
    ----------
    image : (H, W, 3|4) uint8, C-contiguous
    quality : 1..100

    Returns
    -------
    "4:4:4" or "4:2:0". Always "4:2:0" below 75, where finer chrominance steps buy more than samples do, and "4:4:4" from 98 on.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.jpeg._chroma import auto_subsampling
    >>> stripes = np.zeros((64, 64, 3), np.uint8)
    >>> stripes[:, ::2] = 255, 0, 0
    >>> auto_subsampling(stripes, 90), auto_subsampling(stripes, 50)
    ('4:4:4', '4:2:0')
    """
    if quality < THRESHOLDS[0][0]:
        return "4:2:0"
    for (q0, t0), (q1, t1) in zip(THRESHOLDS, THRESHOLDS[1:]):
        if quality < q1:
            return "4:4:4" if subsampling_damage(image) * (q1 - q0) >= t0 * (q1 - quality) + t1 * (quality - q0) else "4:2:0"
    return "4:4:4"
