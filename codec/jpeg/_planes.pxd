"""The way of pixels to levels, a row of MCUs at a time, for modules that use up each row before the next one."""
from libc.stdint cimport int16_t, uint8_t, uint16_t

from codec._core cimport JpegDsp, Quantizer, Sample

cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """a / b rounded up, for a >= 0 (// truncates here, so that -(-a // b) would be wrong)."""
    return (a + b - 1) // b


cdef struct Ringing:
    Quantizer quantizer         # with a dead zone: roughly a coefficient after quantization
    uint16_t steps_nat[64]

cdef struct ForwardComponent:
    int H, V
    Py_ssize_t wide, high       # blocks
    int16_t *out_zz             # where the levels, or coefficients, of the next row go
    Quantizer quantizer         # of coefficients as they are: steps of 1
    bint rings                  # whether ringing is expected
    Ringing ringing

cdef struct Forward:
    const JpegDsp *dsp
    const uint8_t *image
    Py_ssize_t height, width
    int channels, transform, Hmax, Vmax
    bint least_squares
    ForwardComponent components[4]
    Py_ssize_t padded           # width in whole MCUs
    Py_ssize_t reach            # rows of the strip above and below the MCU row
    Py_ssize_t follows          # the MCU row for which the strip has the rows above already, or -1
    Py_ssize_t plane_size
    int16_t *sums               # owned; the strip follows it
    uint8_t *strip
    const uint8_t *ahead        # pixels of the next row of MCUs that are not in the cache yet
    const uint8_t *ahead_past
    int lines_ahead             # cache lines of it for each block of this row

cdef struct Upsampler:
    Py_ssize_t stride           # samples from row to row of the plane
    Py_ssize_t width, height    # of the component itself (A.1.1), without the filling of its last blocks
    bint repeats                # samples are repeated whatever the ratio: there are too few to interpolate
    Py_ssize_t ring             # rows in memory, where those of the component follow each other in a ring; 0: all
    Py_ssize_t turn             # the row with which the ring begins again, of those that `compose_some` reads
    int H, V

cdef class Pixels:
    cdef Py_buffer view

cdef int describe_forward(Forward *f, color, sampling, Q, chroma, dead_zone, dering) except -1
cdef int set_image(Forward *f, Pixels image) except -1
cdef int open_forward(Forward *f) noexcept nogil
cdef void forward_row(Forward *f, Py_ssize_t my) noexcept nogil
cdef void close_forward(Forward *f) noexcept nogil

cdef int describe_upsamplers(Upsampler *upsamplers, int *Hmax, int *Vmax, color, sampling, Py_ssize_t height,
                             Py_ssize_t width) except -1
cdef Py_ssize_t composing_room(Py_ssize_t width, int Hmax, int precision) noexcept nogil
cdef void compose_some(const JpegDsp *dsp, const Sample **planes, const Upsampler *upsamplers, int channels,
                       int transform, int precision, int Hmax, int Vmax, Py_ssize_t first, Py_ssize_t past,
                       Py_ssize_t width, void *room, Sample *pixels) noexcept nogil
