"""Arithmetic coded decisions to the levels of one block: sequential F.2.4, progressive G.2. Decoders mirror the models
of F.1.4 and G.1.3.

Each function works on a copy of the reader: its interval stays in registers, as stores to bins cannot alias it.
"""
from libc.stdint cimport int16_t, uint8_t

from codec._core cimport E_RANGE, NAT_OF_ZZ, OK, codec_assert, codec_assert_range
from codec.jpeg._arith cimport FIXED, LARGEST, M_OFFSET, X1, decide, read_difference, read_magnitude


cdef inline int read_dc(ArithReader *r, ArithComponent *c) noexcept nogil:
    """DIFF, and the context for the next one (F.1.4.1, Table F.4)."""
    cdef int kind
    cdef int diff = read_difference(r, c.dc + c.S0, c.dc + X1, c.L, c.U, &kind)
    c.S0 = 4 * kind
    return diff


cdef inline int read_value(ArithReader *r, uint8_t *bin, uint8_t *X2) noexcept nogil:
    """An AC coefficient that is not 0; `bin` is SP, SN and X1 in one (F.1.4.3, Table F.5)."""
    cdef uint8_t fixed = FIXED
    cdef bint negative = decide(r, &fixed)
    cdef int Sz = 0, m
    if decide(r, bin):
        Sz = m = 1
        if decide(r, bin):
            m = 2
            bin = X2
            while decide(r, bin):
                if m == LARGEST:
                    r.bits.status = E_RANGE
                    return 0
                m <<= 1
                bin += 1
            Sz = read_magnitude(r, bin + M_OFFSET, m)
    return -Sz - 1 if negative else Sz + 1


cdef inline void read_band(ArithReader *r, ArithComponent *c, int16_t *nat, int Ss, int Se, int Al) noexcept nogil:
    """Band Ss..Se of a cleared block (F.2.4, Figure F.5 mirrored). A zero run that reaches Se without a coefficient
    comes from no encoder."""
    cdef int k = Ss
    cdef uint8_t *bin
    while k <= Se:
        bin = c.ac + 3 * (k - 1)
        if decide(r, bin):
            return                                                      # EOB
        while not decide(r, bin + 1):
            bin += 3
            k += 1
            if k > Se:
                r.bits.status = E_RANGE
                return
        nat[NAT_OF_ZZ[k]] = <int16_t>(read_value(r, bin + 2, c.ac + (189 if k <= c.Kx else 217)) * (1 << Al))
        k += 1


cdef void read_arith_block(ArithReader *reader, ArithComponent *c, int16_t *nat, int *pred) noexcept nogil:
    """A whole block, sequential, into a cleared one."""
    cdef ArithReader r = reader[0]
    pred[0] += read_dc(&r, c)
    nat[0] = <int16_t>pred[0]
    read_band(&r, c, nat, 1, 63, 0)
    reader[0] = r


cdef void read_arith_dc(ArithReader *reader, ArithComponent *c, int16_t *nat, int *pred, int Al) noexcept nogil:
    """DC, first scan (G.1.3.1)."""
    cdef ArithReader r = reader[0]
    pred[0] += read_dc(&r, c)
    nat[0] = <int16_t>(pred[0] * (1 << Al))
    reader[0] = r


cdef void read_arith_bit(ArithReader *reader, int16_t *c, int Al) noexcept nogil:
    """One more bit of DC (G.1.3.1)."""
    cdef uint8_t fixed = FIXED
    if decide(reader, &fixed):
        c[0] |= <int16_t>(1 << Al)


cdef void read_arith_first_band(ArithReader *reader, ArithComponent *c, int16_t *nat, int Ss, int Se,
                                int Al) noexcept nogil:
    """Band Ss..Se of a block, first time (G.1.3.2)."""
    cdef ArithReader r = reader[0]
    codec_assert_range(1, Ss, Se)
    codec_assert(Se <= 63)
    read_band(&r, c, nat, Ss, Se, Al)
    reader[0] = r


cdef void read_arith_refined_band(ArithReader *reader, ArithComponent *c, int16_t *nat, int Ss, int Se,
                                  int Al) noexcept nogil:
    """One more bit for band Ss..Se of a block (G.1.3.3). The end-of-band decision comes only after earlier scans' last
    coefficient (EOBx)."""
    cdef ArithReader r = reader[0]
    cdef int k = Ss, EOBx = Se, bit = 1 << Al              # EOBx: here the last coefficient, not the position after it
    cdef uint8_t fixed = FIXED
    cdef uint8_t *bin
    cdef int16_t *v
    codec_assert_range(1, Ss, Se)
    codec_assert(Se <= 63)
    while EOBx >= Ss and nat[NAT_OF_ZZ[EOBx]] == 0:
        EOBx -= 1
    while k <= Se and r.bits.status == OK:
        bin = c.ac + 3 * (k - 1)
        if k > EOBx and decide(&r, bin):
            break
        while True:
            v = &nat[NAT_OF_ZZ[k]]
            if v[0]:
                if decide(&r, bin + 2):
                    v[0] += <int16_t>(bit if v[0] > 0 else -bit)
                break
            if decide(&r, bin + 1):
                v[0] = <int16_t>(-bit if decide(&r, &fixed) else bit)
                break
            bin += 3
            k += 1
            if k > Se:
                r.bits.status = E_RANGE
                break
        k += 1
    reader[0] = r
