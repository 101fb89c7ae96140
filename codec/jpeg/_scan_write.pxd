"""What the search for a scan script must know of the writer."""

cdef enum:
    MAX_BE = 1000           # correction bits that may wait behind an end-of-band run; T.81 sets no bound, this one keeps memory fixed


cdef inline int extra_bits(int Tc, int symbol) noexcept nogil:
    """Bits that follow a symbol: SSSS of a DC difference or an AC coefficient, n of EOBn, none of EOB, EOB0 and ZRL."""
    if Tc == 0:
        return min(symbol, 16)
    return symbol & 15 if symbol & 15 else (symbol >> 4 if symbol < 0xF0 else 0)
