"""Search for two zero bytes and a third: a start code (B.1.1), or zeros with emulation_prevention_three_byte
(7.3.1)."""
from libc.stdint cimport uint8_t

from codec._core cimport codec_has_ff, codec_load_be64

cdef Py_ssize_t search(const uint8_t *data, Py_ssize_t size, Py_ssize_t at, int last) noexcept nogil:
    while at + 2 < size:
        if at + 8 <= size and not codec_has_ff(~codec_load_be64(data + at)):
            at += 8                                     # none of the eight is zero
        elif data[at] == 0 and data[at + 1] == 0 and data[at + 2] == last:
            return at
        else:
            at += 1
    return -1


def find_zeros(const uint8_t[::1] data, int last, Py_ssize_t start=0):
    """Offset of the first 0, 0, `last` at `start` or later; -1 if there is none.

    Most bytes of coded video are not zero, which makes this several times as fast as `find`.
    """
    return search(&data[0], data.shape[0], max(start, 0), last) if data.shape[0] else -1
