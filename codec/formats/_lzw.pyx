"""Decode the LZW codes of a GIF picture (GIF89a, appendix F)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

import numpy as np

cdef enum:
    CODES = 4096  # codes have at most 12 bits


cdef Py_ssize_t decode(
    const uint8_t *codes, Py_ssize_t size, int min_code_size, uint8_t *out, Py_ssize_t count
) noexcept nogil:
    """How many indices were written to `out`, at most `count`; -1 for a code that is not in the table yet."""
    cdef uint16_t[CODES] prefix
    cdef uint16_t[CODES] length     # 1..CODES
    cdef uint8_t[CODES] last
    cdef int clear = 1 << min_code_size, end = clear + 1, free = end + 1, bits = min_code_size + 1
    cdef int held = 0, code, before = -1, walk
    cdef uint32_t window = 0        # at most 11 + 8 bits
    cdef Py_ssize_t at = 0, done = 0, place
    for code in range(clear):
        last[code], length[code], prefix[code] = <uint8_t>code, 1, 0
    while done < count:
        while held < bits:
            if at == size:
                return done
            window |= <uint32_t>codes[at] << held
            at += 1
            held += 8
        code = window & ((1 << bits) - 1)
        window >>= bits
        held -= bits
        if code == clear:
            free, bits, before = end + 1, min_code_size + 1, -1
            continue
        if code == end:
            return done
        if code > free or (code == free and before < 0) or (before < 0 and code > end):
            return -1
        if before >= 0 and free < CODES:
            prefix[free], length[free] = <uint16_t>before, length[before] + 1
            walk = before if code == free else code
            while length[walk] > 1:
                walk = prefix[walk]
            last[free] = last[walk]
            free += 1
            if free == 1 << bits and bits < 12:
                bits += 1
        elif code >= free:
            return -1
        walk, place = code, done + length[code]
        done = place if place < count else count
        while True:
            place -= 1
            if place < count:
                out[place] = last[walk]
            if length[walk] == 1:
                break
            walk = prefix[walk]
        before = code
    return done


def lzw_decode(const uint8_t[::1] codes, int min_code_size, Py_ssize_t count):
    """(indices, how many are valid) of a picture with `count` pixels; -1 if a code is undefined.

    Parameters
    ----------
    codes : bytes
        Contents of the sub-blocks.
    min_code_size : int
        1..8
    count : int
    """
    assert 1 <= min_code_size <= 8 and count >= 0
    indices = np.zeros(count, np.uint8)
    cdef uint8_t[::1] out = indices
    cdef Py_ssize_t done = 0
    if codes.shape[0] and count:
        with nogil:
            done = decode(&codes[0], codes.shape[0], min_code_size, &out[0], count)
    return indices, done
