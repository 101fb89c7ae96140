"""Single syntax elements of an RBSP: u(n), ue(v) and se(v) (7.2, 9.1)."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from codec._core cimport close_writer, open_writer, put_bits, reserve

from ...errors import BitstreamError, ParameterError, TruncatedError


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


cdef class ElementWriter:
    """Writes syntax elements, with the interface of `ElementReader`.

    Parameters
    ----------
    layer : str
        The syntax structure, for error messages.
    """

    def __cinit__(self, layer="syntax"):
        self.layer = layer
        if open_writer(&self.out, 64):
            raise MemoryError("no memory for a syntax structure")

    def __dealloc__(self):
        close_writer(&self.out)

    @property
    def count(self):
        """Bits that are written."""
        return 8 * (self.out.next - self.out.start) + self.out.count

    def head(self):
        """What is written, as bytes; zeros fill the last one."""
        cdef bytes whole = self.out.start[:self.out.next - self.out.start]
        return whole + bytes([self.out.acc << (8 - self.out.count) & 0xFF]) if self.out.count else whole

    cdef int put_code(self, uint64_t value, int n) except -1:
        """The n low bits of a value, 0 <= n <= 64; higher ones are zero."""
        if reserve(&self.out, 16):
            raise MemoryError("no memory for a syntax structure")
        if n > 32:
            put_bits(&self.out, <uint32_t>(value >> 32), n - 32)
        if n:
            put_bits(&self.out, <uint32_t>value, min(n, 32))
        return 0

    cdef int put_codeNum(self, uint64_t codeNum) except -1:
        """Exp-Golomb (9.1), codeNum at most 2^32 - 2: as many zeros as bits after the first one."""
        cdef int n = 0
        while codeNum + 1 >> n > 1:
            n += 1
        return self.put_code(codeNum + 1, 2 * n + 1)

    def put(self, value, Py_ssize_t n):
        """The n low bits of a number of any size; higher ones are zero."""
        while n > 32:
            n -= 32
            self.put_code(value >> n & 0xFFFFFFFF, 32)
        self.put_code(value & ((<uint64_t>1 << n) - 1), <int>n)

    def error(self, reason, clause):
        """A ParameterError: the caller asked for something that cannot be written."""
        return ParameterError(f"{self.layer}: {reason} ({clause})")

    cdef checked(self, dict s, name, low, high, clause):
        value = s[name]
        if not low <= value <= high:
            raise self.error(f"{name} is {value}; it must be {low} to {high}", clause)
        return int(value)

    def u(self, dict s, name, int n, clause, low=0, high=None):
        """Unsigned, n bits, 0 <= n <= 64."""
        if high is None:
            high = <uint64_t>-1 >> (64 - n) if n else 0
        value = self.checked(s, name, low, high, clause)
        self.put_code(value, n)
        return value

    def ue(self, dict s, name, high, clause, low=0):
        """Unsigned Exp-Golomb, low to high."""
        value = self.checked(s, name, low, high, clause)
        self.put_codeNum(value)
        return value

    def se(self, dict s, name, low, high, clause):
        """Signed Exp-Golomb, low to high."""
        cdef int64_t value = self.checked(s, name, low, high, clause)
        self.put_codeNum(2 * value - 1 if value > 0 else -2 * value)
        return value
