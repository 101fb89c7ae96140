"""BLAKE3, the hash of contents in ledgers: half the time of SHA-256 where processors have instructions for that, and
without the 2 ms in which OpenSSL loads."""
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from .._core import BUILT_LEVELS
from ..cpu import level_index, register


cdef extern from "levels.h":
    int codec_variant(int level) nogil

cdef extern from "blake3.h":
    enum: CODEC_BLAKE3_CHUNK, CODEC_BLAKE3_OUT
    void codec_blake3_tree(const uint8_t *data, size_t n, uint64_t chunk, int root, uint8_t *work,
                           int variant) noexcept nogil
    void codec_blake3_join(uint8_t *work, size_t n, int root, int variant) noexcept nogil

register({"blake3": BUILT_LEVELS})

PIECE_BYTES = 1 << 20  # of which the tree is made at once: a power of 2
cdef Py_ssize_t PIECE = PIECE_BYTES


cdef class Blake3:
    """As the hashes of `hashlib`.

    >>> from codec.batch._blake3 import Blake3
    >>> made = Blake3()
    >>> made.update(b"IETF")
    >>> made.digest().hex()
    '83a2de1ee6f4e6ab686889248f4ec0cf4cc5709446a682ffd1cbb4d6165181e2'
    """

    cdef bytearray pieces  # the value of each
    cdef const uint8_t[::1] rest  # up to a piece: what comes next decides whether it is the last one

    def __init__(self):
        self.pieces, self.rest = bytearray(), b""

    def update(self, bytes data not None):
        """Go on with these bytes."""
        cdef const uint8_t[::1] waiting = b"".join((self.rest, data)) if self.rest.shape[0] else data
        while waiting.shape[0] > PIECE:
            self.pieces += self.tree(waiting[:PIECE], False)
            waiting = waiting[PIECE:]
        self.rest = waiting

    def digest(self):
        """The hash of all bytes, 32 of them."""
        cdef bytearray values
        cdef uint8_t[::1] work
        cdef size_t count
        cdef int variant = codec_variant(level_index())
        if not self.pieces:
            return bytes(self.tree(self.rest, True))
        values = self.pieces + self.tree(self.rest, False)
        work, count = values, <size_t>len(values) // CODEC_BLAKE3_OUT
        with nogil:
            codec_blake3_join(&work[0], count, True, variant)
        return bytes(work[:CODEC_BLAKE3_OUT])

    cdef bytearray tree(self, const uint8_t[::1] data, bint root):
        """The value of the tree of bytes behind the pieces."""
        cdef size_t n = <size_t>data.shape[0]
        cdef uint64_t chunk = <uint64_t>(len(self.pieces) // CODEC_BLAKE3_OUT * (PIECE // CODEC_BLAKE3_CHUNK))
        cdef bytearray values = bytearray(CODEC_BLAKE3_OUT * (n // CODEC_BLAKE3_CHUNK + 1))
        cdef uint8_t[::1] work = values
        cdef const uint8_t *first = &data[0] if n else NULL
        cdef int variant = codec_variant(level_index())
        with nogil:
            codec_blake3_tree(first, n, chunk, root, &work[0], variant)
        return values[:CODEC_BLAKE3_OUT]
