"""Blocks of arithmetic coded scans (F.2.4, G.2): what _scan_read.pyx needs to know of them."""
from libc.stdint cimport int16_t

from codec.jpeg._arith cimport ArithComponent, ArithReader

cdef void read_arith_block(ArithReader *reader, ArithComponent *c, int16_t *nat, int *pred) noexcept nogil
cdef void read_arith_dc(ArithReader *reader, ArithComponent *c, int16_t *nat, int *pred, int Al) noexcept nogil
cdef void read_arith_bit(ArithReader *reader, int16_t *c, int Al) noexcept nogil
cdef void read_arith_first_band(ArithReader *reader, ArithComponent *c, int16_t *nat, int Ss, int Se,
                                int Al) noexcept nogil
cdef void read_arith_refined_band(ArithReader *reader, ArithComponent *c, int16_t *nat, int Ss, int Se,
                                  int Al) noexcept nogil
