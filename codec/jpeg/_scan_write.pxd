"""What the search for a scan script must know of the writer."""

cdef enum:
    # correction bits buffered for an end-of-band run; T.81 sets no bound, this one keeps memory fixed
    MAX_BE = 1000


cdef inline int extra_bits(int Tc, int symbol) noexcept nogil:
    """Bits after a symbol: SSSS for a DC difference or an AC coefficient, n for EOBn, none for EOB, EOB0 and ZRL."""
    if Tc == 0:
        return min(symbol, 16)
    return symbol & 15 if symbol & 15 else (symbol >> 4 if symbol < 0xF0 else 0)
