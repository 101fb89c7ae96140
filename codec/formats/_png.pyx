"""Rows of PNG files: inflated (RFC 1950 and 1951), and their filters undone (PNG 9.2)."""
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t

from cpython.bytearray cimport PyByteArray_FromStringAndSize

from .._core import BUILT_LEVELS
from ..cpu import level_index, register


cdef extern from "levels.h":
    int codec_variant(int level) nogil

cdef extern from "png.h":
    ctypedef int codec_png_unfilterer(const uint8_t *filtered, uint8_t *out, size_t rows, size_t row_bytes,
                                      int bpp) noexcept nogil
    codec_png_unfilterer *codec_png_unfilter[2]

cdef extern from "inflate.h":
    ctypedef int codec_inflater(const uint8_t *data, size_t in_size, uint8_t *out, size_t out_size) noexcept nogil
    codec_inflater *codec_inflate[2]

KERNELS = ("png_unfilter", "inflate")
register(dict.fromkeys(KERNELS, BUILT_LEVELS))


def inflate(stream, Py_ssize_t size):
    """What a zlib stream holds.

    Parameters
    ----------
    stream : bytes-like
    size : int
        How many bytes that is, from 1.

    Returns
    -------
    bytearray, or None for a stream that zlib refuses, and for one of another size
    """
    if size < 1:
        raise ValueError("the size does not fit")
    made = PyByteArray_FromStringAndSize(NULL, size)
    return made if inflate_into(stream, made) else None


def inflate_into(const uint8_t[::1] stream, uint8_t[::1] out):
    """The same into all of `out`, of at least a byte. Returns whether it is sound; `out` otherwise holds anything."""
    cdef int status, variant = codec_variant(level_index())
    if not stream.shape[0]:
        return False
    with nogil:
        status = codec_inflate[variant](&stream[0], <size_t>stream.shape[0], &out[0], <size_t>out.shape[0])
    return status == 0


def unfilter(filtered, Py_ssize_t rows, Py_ssize_t row_bytes, int bpp):
    """Rows without their filters.

    Parameters
    ----------
    filtered : bytes-like
        rows x (1 + row_bytes) bytes.
    rows, row_bytes : int
        From 1.
    bpp : 1 to 4
        Bytes from a pixel to the next, which divide `row_bytes`.

    Returns
    -------
    bytearray of rows x row_bytes bytes, or None for a filter type that there is not
    """
    cdef const uint8_t[::1] data = filtered
    if rows < 1 or row_bytes < 1 or not 1 <= bpp <= 4 or row_bytes % bpp or data.shape[0] != rows * (row_bytes + 1):
        raise ValueError("the sizes do not fit")
    made = PyByteArray_FromStringAndSize(NULL, rows * row_bytes)
    cdef uint8_t[::1] out = made
    cdef int status, variant = codec_variant(level_index())
    with nogil:
        status = codec_png_unfilter[variant](&data[0], &out[0], <size_t>rows, <size_t>row_bytes, bpp)
    return None if status else made
