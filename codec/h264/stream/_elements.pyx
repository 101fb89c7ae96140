"""Single syntax elements of an RBSP: u(n), ue(v) and se(v) (7.2, 9.1)."""
from libc.stdint cimport int64_t, uint64_t

from ...errors import BitstreamError, TruncatedError


cdef class ElementReader:
    """Reads syntax elements into dicts by their standard names, and checks their ranges.

    Parameters
    ----------
    rbsp : bytes
    layer : str
        The syntax structure, for error messages: "seq_parameter_set", ...
    place : function, optional
        From a byte offset in the RBSP to the offset in the stream.
    """
    cdef readonly bytes rbsp
    cdef readonly object layer, place
    cdef public Py_ssize_t bit              # the position
    cdef const unsigned char *data
    cdef Py_ssize_t size                    # bits

    def __init__(self, bytes rbsp not None, layer, place=int):
        self.rbsp, self.layer, self.place, self.bit = rbsp, layer, place, 0
        self.data, self.size = rbsp, 8 * len(rbsp)

    cdef uint64_t bits(self, Py_ssize_t at, int n) noexcept:
        """n bits from `at` on, 0 <= n <= 64, at + n <= size."""
        cdef uint64_t value = 0
        cdef int take
        while n > 0:
            take = min(n, 8 - <int>(at & 7))
            value = value << take | (self.data[at >> 3] >> (8 - (at & 7) - take) & ((1 << take) - 1))
            at += take
            n -= take
        return value

    cdef int64_t codeNum(self, name, clause) except -1:
        """Exp-Golomb (9.1): leadingZeroBits zeros, a one, and leadingZeroBits bits."""
        cdef Py_ssize_t at = self.bit
        cdef int leadingZeroBits = 0
        while at < self.size and not self.data[at >> 3] >> (7 - (at & 7)) & 1:
            at += 1
            leadingZeroBits += 1
            if leadingZeroBits > 31:
                raise self.error(f"{name} has more than 31 leading zeros", "H.264 9.1")
        if at + 1 + leadingZeroBits > self.size:
            raise self.truncated(name, clause)
        self.bit = at + 1 + leadingZeroBits
        return <int64_t>(((<uint64_t>1 << leadingZeroBits) | self.bits(at + 1, leadingZeroBits)) - 1)

    cdef truncated(self, name, clause):
        return TruncatedError(
            f"the data ends in {name}", layer=self.layer, offset=self.place(len(self.rbsp)), clause=clause
        )

    def error(self, reason, clause):
        """A BitstreamError at the current position."""
        return BitstreamError(
            reason, layer=self.layer, offset=self.place(min(self.bit >> 3, len(self.rbsp))), clause=clause
        )

    cdef out_of_range(self, name, value, low, high, clause):
        return self.error(f"{name} is {value}; it must be {low} to {high}", clause)

    def u(self, dict s, name, int n, clause, low=0, high=None):
        """Unsigned, n bits, 0 <= n <= 64."""
        if n > self.size - self.bit:
            raise self.truncated(name, clause)
        value = self.bits(self.bit, n)
        self.bit += n
        if high is not None and not low <= value <= high:
            raise self.out_of_range(name, value, low, high, clause)
        s[name] = value
        return value

    def ue(self, dict s, name, high, clause, low=0):
        """Unsigned Exp-Golomb, low to high."""
        value = self.codeNum(name, clause)
        if not low <= value <= high:
            raise self.out_of_range(name, value, low, high, clause)
        s[name] = value
        return value

    def se(self, dict s, name, low, high, clause):
        """Signed Exp-Golomb, low to high: 0, 1, -1, 2, -2, ..."""
        cdef int64_t codeNum = self.codeNum(name, clause)
        value = (codeNum + 1) >> 1 if codeNum & 1 else -(codeNum >> 1)
        if not low <= value <= high:
            raise self.out_of_range(name, value, low, high, clause)
        s[name] = value
        return value
