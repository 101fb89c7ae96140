"""See _block_write.pyx."""
from libc.stdint cimport int16_t

from codec.h264.entropy._writer cimport Bins, Bits, put

cdef enum:
    MOST_SUFFIX = 6         # suffixLength
    MANY = 10               # TotalCoeff above which suffixLength begins with 1

cdef inline int token_column(int nC) noexcept nogil:
    """Of Table 9-5; nC -1: chroma DC."""
    if nC < 0:
        return 4
    return 0 if nC < 2 else 1 if nC < 4 else 2 if nC < 8 else 3

cdef inline void put_level(Bits sink, int code, int suffixLength) noexcept nogil:
    """level_prefix and level_suffix of a levelCode (9.2.2.1)."""
    cdef int prefix
    if suffixLength == 0 and code < 14:
        put(sink, 1, code + 1)
    elif suffixLength == 0 and code < 30:
        put(sink, 1 << 4 | (code - 14), 19)
    elif suffixLength and code < 15 << suffixLength:
        prefix = code >> suffixLength
        put(sink, 1 << suffixLength | (code & ((1 << suffixLength) - 1)), prefix + 1 + suffixLength)
    else:
        code -= 30 if suffixLength == 0 else 15 << suffixLength
        prefix = 15
        while code >= 1 << (prefix - 3):                # only High profiles have a level_prefix above 15
            code -= 1 << (prefix - 3)
            prefix += 1
        put(sink, 1, prefix + 1)
        put(sink, code, prefix - 3)

cdef inline int suffix_after(int suffixLength, int magnitude) noexcept nogil:
    """suffixLength after a level (9.2.2.1)."""
    if suffixLength == 0:
        suffixLength = 1
    if magnitude > 3 << (suffixLength - 1) and suffixLength < MOST_SUFFIX:
        suffixLength += 1
    return suffixLength

cdef int write_cavlc_block(Bits sink, const int16_t *level, int kind, int nC) noexcept nogil
cdef int write_cabac_block(Bins sink, const int16_t *level, int kind, int ctxIdxInc, int flagged) noexcept nogil
