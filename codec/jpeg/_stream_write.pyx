"""From pixels to entropy-coded data, a row of MCUs at a time: for encodes that need no second look at the levels.

A row of samples and levels fits the cache, so that the picture passes through memory once.
"""
from libc.stdint cimport int16_t, uint8_t
from libc.stdlib cimport free, malloc

from codec._core cimport E_MEMORY, OK, close_writer
from codec.jpeg._planes cimport (
    Forward, ForwardComponent, close_forward, describe_forward, forward_row, open_forward,
)
from codec.jpeg._scan_write cimport RowWriter, Tables, finished, open_rows, put_mcu_row
from ..errors import ParameterError


cdef int encode_rows(Forward *f, RowWriter *r) noexcept nogil:
    """All rows of MCUs. Each component has room for its blocks of one."""
    cdef Py_ssize_t my, mcus_high = (f.height + 8 * f.Vmax - 1) // (8 * f.Vmax)
    cdef ForwardComponent *c
    cdef int i
    for my in range(mcus_high):
        forward_row(f, my)
        for i in range(f.channels):
            c = &f.components[i]
            r.rows[i].high = <int>min(<Py_ssize_t>c.V, c.high - my * c.V)
        if put_mcu_row(r, my):
            return E_MEMORY
    return OK


def encode_pixels(image, color, sampling, Q, Tables tables, destinations, *, chroma="box", dead_zone=False, dering=None,
                  Py_ssize_t restart_interval=0):
    """The data of a sequential scan of all components: the bytes that `forward` and `encode_scan` would make.

    Parameters
    ----------
    image, color, sampling, Q, chroma, dead_zone, dering
        As `forward` takes them, Q always.
    tables : Tables, prepared
    destinations : (Td, Ta) for each component
    restart_interval : MCUs, 0 for none

    Returns
    -------
    bytes
    """
    cdef const uint8_t[:, :, ::1] pixels = image
    cdef Forward f
    cdef RowWriter r
    cdef ForwardComponent *c
    cdef int16_t *levels = NULL
    cdef Py_ssize_t size = 0
    cdef int i, Td, Ta, status = OK
    if tables.codes == NULL:
        raise ParameterError("tables are prepared first")
    describe_forward(&f, pixels, color, sampling, Q, chroma, dead_zone, dering)
    for i in range(f.channels):
        size += f.components[i].V * f.components[i].wide * 64
    if open_forward(&f):
        raise MemoryError
    if open_rows(&r, f.dsp, f.channels, (f.width + 8 * f.Hmax - 1) // (8 * f.Hmax), restart_interval):
        close_forward(&f)
        raise MemoryError
    try:
        levels = <int16_t *>malloc(size * sizeof(int16_t))
        if levels == NULL:
            raise MemoryError
        size = 0
        for i in range(f.channels):
            c = &f.components[i]
            c.out_zz = levels + size
            size += c.V * c.wide * 64
            r.rows[i].level_zz, r.rows[i].wide, r.rows[i].H, r.rows[i].V = c.out_zz, c.wide, c.H, c.V
            Td, Ta = destinations[i]
            r.rows[i].dc, r.rows[i].ac = &tables.codes[Td], &tables.codes[4 + Ta]
        with nogil:
            status = encode_rows(&f, &r)
        return finished(&r.writer, status)
    finally:
        free(levels)
        close_forward(&f)
        close_writer(&r.writer)
