"""Pixels of usual PNG files: inflate (RFC 1951) and unfilter (PNG 9.2) of data that lies in memory as a whole."""
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint8_t

import numpy as np


cdef extern from "inflate.h":
    enum: CODEC_INFLATE_PADDING
    enum: CODEC_INFLATE_SLACK
    ptrdiff_t codec_inflate(const uint8_t *data, size_t in_size, uint8_t *out, size_t out_size) noexcept nogil


cdef extern from "png.h":
    int codec_png_unfilter(uint8_t *data, size_t rows, size_t row_bytes, int bpp) noexcept nogil


PADDING = bytes(CODEC_INFLATE_PADDING)


def inflate(const uint8_t[::1] data, Py_ssize_t size):
    """A whole DEFLATE stream of known size.

    Parameters
    ----------
    data : bytes-like
        The stream, and behind it `PADDING`.
    size : int
        Bytes that it holds.

    Returns
    -------
    (ndarray of uint8, int) or None
        The bytes, and how many of `data` the stream takes. None: it is damaged, or of another size.
    """
    if data.shape[0] <= CODEC_INFLATE_PADDING or size < 0:
        return None
    made = np.empty(size + CODEC_INFLATE_SLACK, np.uint8)
    cdef uint8_t[::1] out = made
    cdef size_t length = <size_t>data.shape[0] - CODEC_INFLATE_PADDING
    cdef ptrdiff_t used
    with nogil:
        used = codec_inflate(&data[0], length, &out[0], <size_t>size)
    return None if used < 0 else (made[:size], used)


def unfilter(filtered, Py_ssize_t rows, Py_ssize_t row_bytes, int bpp):
    """Rows without their filters, in the memory of those with them.

    Parameters
    ----------
    filtered : ndarray of uint8
        rows x (1 + row_bytes) bytes, which change.
    rows, row_bytes : int
        From 1.
    bpp : 1 to 4
        Bytes from a pixel to the next, which divide `row_bytes`.

    Returns
    -------
    ndarray, (rows, row_bytes) uint8, or None for a filter type that there is not
    """
    cdef uint8_t[::1] data = filtered
    if rows < 1 or row_bytes < 1 or not 1 <= bpp <= 4 or row_bytes % bpp or data.shape[0] != rows * (row_bytes + 1):
        raise ValueError("the sizes do not fit")
    cdef int status
    with nogil:
        status = codec_png_unfilter(&data[0], <size_t>rows, <size_t>row_bytes, bpp)
    return None if status else filtered[: rows * row_bytes].reshape(rows, row_bytes)
