"""PNG files: their chunks (PNG 5.3), and their rows, inflated (RFC 1950 and 1951), filters undone (PNG 9.2)."""
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from cpython.bytearray cimport PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_FromStringAndSize

from .._core import BUILT_LEVELS
from ..cpu import level_index, register
from ..signatures import PNG


cdef extern from *:
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "levels.h":
    int codec_variant(int level) nogil

cdef extern from "png.h":
    ctypedef int codec_png_unfilterer(const uint8_t *filtered, const uint8_t *above, uint8_t *out, size_t rows,
                                      size_t row_bytes, int bpp) noexcept nogil
    codec_png_unfilterer *codec_png_unfilter[2]
    int codec_png_read(const uint8_t *stream, size_t size, uint8_t *out, size_t rows, size_t row_bytes, int bpp,
                       int variant) noexcept nogil
    enum: CODEC_PNG_OWN, CODEC_PNG_CONTENT
    struct codec_png_chunk:
        size_t at
        uint32_t size
    struct codec_png_idat:
        size_t at, count, bytes
    int codec_png_chunk_at(const uint8_t *file, size_t n, size_t at, codec_png_chunk *chunk) noexcept nogil
    int codec_png_is_sound(const uint8_t *file, const codec_png_chunk *chunk, int variant) noexcept nogil
    int codec_png_find(const uint8_t *file, size_t n, size_t at, codec_png_idat *found, int variant) noexcept nogil
    void codec_png_gather(const uint8_t *file, size_t n, const codec_png_idat *idat, uint8_t *out) noexcept nogil

cdef extern from "inflate.h":
    ctypedef ptrdiff_t codec_inflate_taker(void *to, const uint8_t *data, size_t n, int last) noexcept nogil
    ctypedef int codec_inflater(const uint8_t *data, size_t in_size, size_t out_size, size_t most_left,
                                codec_inflate_taker *take, void *to) noexcept nogil
    codec_inflater *codec_inflate[2]

cdef extern from "checksums.h":
    void codec_crc32_begin() noexcept nogil
    ctypedef void codec_crc32er(uint32_t *sum, const uint8_t *data, size_t n) noexcept nogil
    codec_crc32er *codec_crc32[2]

KERNELS = ("png_unfilter", "inflate", "adler32", "crc32")
register(dict.fromkeys(KERNELS, BUILT_LEVELS))
codec_crc32_begin()


def crc32(const uint8_t[::1] data, uint32_t value=0):
    """The CRC-32 (PNG annex D) of bytes behind others, whose checksum is `value`, as `zlib.crc32` gives it."""
    if data.shape[0]:
        codec_crc32[codec_variant(level_index())](&value, &data[0], <size_t>data.shape[0])
    return value


cdef class Chunk:
    """A chunk at its place in the file. `chunks` makes it, whole."""

    cdef readonly bytes kind
    cdef bytes file
    cdef codec_png_chunk found

    @property
    def offset(self):
        """Where it begins."""
        return self.found.at

    @property
    def size(self):
        """Bytes of its content."""
        return self.found.size

    @property
    def content(self):
        """A copy: IDAT may have megabytes."""
        return self.file[self.found.at + CODEC_PNG_CONTENT : self.found.at + CODEC_PNG_CONTENT + self.found.size]

    @property
    def is_sound(self):
        """Whether its checksum is right."""
        return bool(codec_png_is_sound(self.file, &self.found, codec_variant(level_index())))


def chunks(bytes data not None):
    """Chunks up to IEND; ends without an error where the data ends or a chunk does not fit."""
    cdef size_t at = len(PNG)
    cdef Chunk chunk
    while True:
        chunk = Chunk.__new__(Chunk)
        if not codec_png_chunk_at(data, <size_t>len(data), at, &chunk.found):
            return
        chunk.kind, chunk.file = data[at + 4 : at + 8], data
        yield chunk
        if chunk.kind == b"IEND":
            return
        at += CODEC_PNG_OWN + chunk.found.size


def stream(bytes data not None, size_t at):
    """What the IDAT chunks of a usual file hold, with the checksums of all chunks from `at` to IEND compared; None if
    one is wrong, or a chunk changes what is seen, or stands behind the picture."""
    cdef const uint8_t *file = <const uint8_t *>data
    cdef size_t n = <size_t>len(data)
    cdef codec_png_idat found
    cdef int status, variant = codec_variant(level_index())
    with nogil:
        status = codec_png_find(file, n, at, &found, variant)
    if status:
        return None
    if found.count == 1:
        at = found.at + CODEC_PNG_CONTENT
        return memoryview(data)[at : at + found.bytes]
    joined = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>found.bytes)
    cdef uint8_t *out = <uint8_t *>joined
    with nogil:
        codec_png_gather(file, n, &found, out)
    return joined


cdef bint fit(Py_ssize_t rows, Py_ssize_t row_bytes, int bpp) noexcept:
    """Whether there are rows of whole pixels of a size that the kernels know."""
    return rows >= 1 and row_bytes >= 1 and bpp in (1, 2, 3, 4, 6) and row_bytes % bpp == 0


def read(const uint8_t[::1] stream, Py_ssize_t rows, Py_ssize_t row_bytes, int bpp):
    """The rows of a zlib stream, without their filters.

    Parameters
    ----------
    stream : bytes-like
    rows, row_bytes : int
        From 1.
    bpp : 1 to 4, or 6
        Bytes from a pixel to the next, which divide `row_bytes`.

    Returns
    -------
    bytearray of rows x row_bytes bytes, or None for a stream that zlib refuses, that has more or fewer bytes, or that
    has an unknown filter type
    """
    if not fit(rows, row_bytes, bpp):
        raise ValueError("the sizes do not fit")
    # DEFLATE gives at most 1032 bytes for one: a bit for 258 and one for their distance. A stream has more than these.
    if row_bytes >= PY_SSIZE_T_MAX // rows or rows * row_bytes // 1032 >= stream.shape[0]:
        return None
    made = PyByteArray_FromStringAndSize(NULL, rows * row_bytes)
    cdef uint8_t[::1] out = made
    cdef int status, variant = codec_variant(level_index())
    with nogil:
        status = codec_png_read(&stream[0], <size_t>stream.shape[0], &out[0], <size_t>rows, <size_t>row_bytes, bpp,
                                variant)
    return None if status else made


cdef struct Copy:
    uint8_t *out
    size_t step


cdef ptrdiff_t take_copy(void *to, const uint8_t *data, size_t n, int last) noexcept nogil:
    """Multiples of `step` bytes, or the rest."""
    cdef Copy *copy = <Copy *>to
    if not last:
        n -= n % copy.step
    memcpy(copy.out, data, n)
    copy.out += n
    return <ptrdiff_t>n


def inflate(const uint8_t[::1] stream, uint8_t[::1] out, Py_ssize_t step=1):
    """The bytes of a zlib stream into all of `out`, `step` at a time, without a look at them, as tests want them.
    Returns whether the stream is sound; `out` otherwise holds anything."""
    cdef int status, variant = codec_variant(level_index())
    cdef Copy copy
    if step < 1:
        raise ValueError("the sizes do not fit")
    if not stream.shape[0] or not out.shape[0]:
        return False
    copy.out, copy.step = &out[0], <size_t>step
    with nogil:
        status = codec_inflate[variant](&stream[0], <size_t>stream.shape[0], <size_t>out.shape[0], <size_t>step,
                                        take_copy, &copy)
    return status == 0


def unfilter(filtered, Py_ssize_t rows, Py_ssize_t row_bytes, int bpp):
    """Rows without their filters.

    Parameters
    ----------
    filtered : bytes-like
        rows x (1 + row_bytes) bytes.
    rows, row_bytes : int
        From 1.
    bpp : 1 to 4, or 6
        Bytes from a pixel to the next, which divide `row_bytes`.

    Returns
    -------
    bytearray of rows x row_bytes bytes, or None for an unknown filter type
    """
    cdef const uint8_t[::1] data = filtered
    if not fit(rows, row_bytes, bpp) or data.shape[0] != rows * (row_bytes + 1):
        raise ValueError("the sizes do not fit")
    made = PyByteArray_FromStringAndSize(NULL, rows * row_bytes)
    cdef uint8_t[::1] out = made
    cdef int status, variant = codec_variant(level_index())
    with nogil:
        status = codec_png_unfilter[variant](&data[0], NULL, &out[0], <size_t>rows, <size_t>row_bytes, bpp)
    return None if status else made
