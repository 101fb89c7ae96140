"""Beginning and end of an arithmetic code word; see _writer.pxd."""
from libc.stdint cimport uint64_t

from codec._core cimport BitWriter


cdef void cabac_start(CabacWriter *c, BitWriter *out) noexcept nogil:
    """9.3.4.1"""
    c.low, c.range, c.queue, c.out = 0, 510, -9, out


cdef void cabac_close(CabacWriter *c) noexcept nogil:
    """EncodeFlush (Figure 9-34) after a terminating bin of 1: two more bits, the second of which is rbsp_stop_one_bit
    (or a bit of alignment before PCM samples), and zeros up to a byte."""
    c.low = (c.low | 0x80) & ~<uint64_t>0x7F            # bits 9 and 8 of codILow are as coded, then a one
    shift_out(c, 3)
    while c.queue > -8:
        shift_out(c, 1)
