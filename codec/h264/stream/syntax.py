"""Reading and writing of syntax tables (7.2, 9.1): every table of 7.3 is one function over a coder, which reads or writes its elements.

A function of a table takes a coder and a dict of syntax elements by their standard names. With a `Reader` the dict is filled, with a
`Writer` it is written; both check the range of each element where it stands, so that what is written can be read, and what is read can be
written again. The value comes back from each call, because the tables branch on it.
"""

from ...errors import BitstreamError, ParameterError, TruncatedError

MAX_UE = (1 << 32) - 2  # 9.1: codeNum of 31 leading zeros, the longest that any element of the standard may have
WINDOW_BYTES = 24  # that are at hand as a number; 9 hold 7 bits before an element and its 32 + 31 bits
MASKS = tuple((1 << n) - 1 for n in range(8 * WINDOW_BYTES + 1))


def structure(kind, s):
    """The elements that have been read, as the frozen dataclass `kind`: to set its fields one by one would take as long as reading them."""
    made = object.__new__(kind)
    vars(made).update(s)
    return made


class Reader:
    """Reads syntax elements from an RBSP.

    Parameters
    ----------
    rbsp : bytes
    layer : str
        What is read, for the messages: "seq_parameter_set", ...
    place : function of a byte offset in the RBSP to its offset in the stream, optional
    """

    reading = True

    def __init__(self, rbsp, layer, place=int):
        self.rbsp, self.layer, self.place, self.bit = rbsp, layer, place, 0
        self._window = self._end = 0  # a number, and the bit behind its last one

    def _load(self):
        """Move the window to the next element."""
        first = self.bit >> 3
        piece = self.rbsp[first : first + WINDOW_BYTES]
        self._window, self._end = int.from_bytes(piece, "big"), 8 * (first + len(piece))

    def _truncated(self, name, clause):
        return TruncatedError(
            f"the data ends in {name}", layer=self.layer, offset=self.place(len(self.rbsp)), clause=clause
        )

    def _codeNum(self, name, clause):
        """Exp-Golomb (9.1): leadingZeroBits, a one, and as many bits again."""
        left = self._end - self.bit
        if left < 63:
            self._load()
            left = self._end - self.bit
        window = self._window & MASKS[left]
        leadingZeroBits = left - window.bit_length()
        if leadingZeroBits > 31:
            raise (
                self._truncated(name, clause)
                if left < 32
                else self.error(f"{name} has more than 31 leading zeros", "H.264 9.1")
            )
        left -= 2 * leadingZeroBits + 1
        if left < 0:
            raise self._truncated(name, clause)
        self.bit = self._end - left
        return (window >> left) - 1

    def error(self, reason, clause):
        """A BitstreamError at this place."""
        return BitstreamError(
            reason, layer=self.layer, offset=self.place(min(self.bit >> 3, len(self.rbsp))), clause=clause
        )

    def _out_of_range(self, name, value, low, high, clause):
        return self.error(f"{name} is {value}; it must be {low} to {high}", clause)

    def u(self, s, name, n, clause, low=0, high=None):
        """Unsigned, n bits, 0 <= n <= 64."""
        end = self.bit + n
        if end > self._end:
            self._load()
            if end > self._end:
                raise self._truncated(name, clause)
        self.bit = end
        value = self._window >> (self._end - end) & MASKS[n]
        if high is not None and not low <= value <= high:
            raise self._out_of_range(name, value, low, high, clause)
        s[name] = value
        return value

    def ue(self, s, name, high, clause, low=0):
        """Unsigned Exp-Golomb, low to high."""
        value = self._codeNum(name, clause)
        if not low <= value <= high:
            raise self._out_of_range(name, value, low, high, clause)
        s[name] = value
        return value

    def se(self, s, name, low, high, clause):
        """Signed Exp-Golomb, low to high: 0, 1, -1, 2, -2, ..."""
        codeNum = self._codeNum(name, clause)
        value = (codeNum + 1) >> 1 if codeNum & 1 else -(codeNum >> 1)
        if not low <= value <= high:
            raise self._out_of_range(name, value, low, high, clause)
        s[name] = value
        return value

    def array(self, s, name, count, code, *args, **more):
        """`count` elements of one name, as a tuple: code is the unbound method, `args` what it takes after the name."""
        code, one = getattr(self, code), {}
        s[name] = tuple(code(one, name, *args, **more) for _ in range(count))
        return s[name]

    def rows(self, s, name, kind, count=None, *, until=None, limit=None, clause=""):
        """Rows of several elements, each a `kind` in the end: `count` of them, or those before `until` = (element, its last value).

        Yields the dict of each row; the caller codes the elements.
        """
        found = []
        while count is None or len(found) < count:
            if limit is not None and len(found) > limit:
                raise self.error(f"more than {limit} rows of {name}", clause)
            row = {}
            yield row
            if until and row[until[0]] == until[1]:
                break
            found.append(structure(kind, row))
        s[name] = tuple(found)

    def more_rbsp_data(self):
        """Whether there is more than the trailing bits (7.2): the last one of the RBSP is the stop bit."""
        data = self.rbsp.rstrip(b"\0")
        if not data:
            return False
        stop = 8 * len(data) - (data[-1] & -data[-1]).bit_length()
        return self.bit < stop

    def rbsp_trailing_bits(self):
        """7.3.2.11. What follows a structure that this edition knows is left alone: later editions may have put it there."""


class Writer:
    """Writes syntax elements: the twin of `Reader`. `rbsp()` gives the bytes."""

    reading = False

    def __init__(self, layer="syntax"):
        self.layer, self.bits, self.count = layer, 1, 0  # the leading one keeps the zeros after it

    def _put(self, value, n):
        self.bits, self.count = self.bits << n | value, self.count + n

    def error(self, reason, clause):
        """A ParameterError: whoever wants to write this is wrong."""
        return ParameterError(f"{self.layer}: {reason} ({clause})")

    def _checked(self, s, name, low, high, clause):
        value = s[name]
        if not low <= value <= high:
            raise self.error(f"{name} is {value}; it must be {low} to {high}", clause)
        return int(value)

    def u(self, s, name, n, clause, low=0, high=None):
        """Unsigned, n bits."""
        value = self._checked(s, name, low, (1 << n) - 1 if high is None else high, clause)
        self._put(value, n)
        return value

    def _codeNum(self, codeNum):
        self._put(codeNum + 1, 2 * (codeNum + 1).bit_length() - 1)

    def ue(self, s, name, high, clause, low=0):
        """Unsigned Exp-Golomb, low to high."""
        value = self._checked(s, name, low, high, clause)
        self._codeNum(value)
        return value

    def se(self, s, name, low, high, clause):
        """Signed Exp-Golomb, low to high."""
        value = self._checked(s, name, low, high, clause)
        self._codeNum(2 * value - 1 if value > 0 else -2 * value)
        return value

    def array(self, s, name, count, code, *args, **more):
        """`count` elements of one name, from a tuple."""
        code = getattr(self, code)
        if len(s[name]) != count:
            raise self.error(f"{name} has {len(s[name])} elements; {count} are coded", "H.264 7.3")
        for value in s[name]:
            code({name: value}, name, *args, **more)
        return s[name]

    def rows(self, s, name, kind, count=None, *, until=None, limit=None, clause=""):
        """Rows of several elements: yields each as a dict, and the end."""
        if count is not None and len(s[name]) != count or limit is not None and len(s[name]) > limit:
            raise self.error(
                f"{name} has {len(s[name])} rows; it must have {count if limit is None else f'at most {limit}'}",
                clause or "H.264 7.3",
            )
        for row in s[name]:
            yield vars(row)
        if until:
            yield dict([until])

    def more_rbsp_data(self):
        """Never by itself: the caller knows what it wants to write."""
        return False

    def rbsp_trailing_bits(self):
        """7.3.2.11: a one, and zeros to the end of the byte."""
        self._put(1, 1)
        self._put(0, -self.count % 8)

    def rbsp(self):
        """The bytes so far; they must be whole."""
        if self.count % 8:
            raise ParameterError(f"{self.layer}: {self.count} bits are no whole bytes")
        return (self.bits ^ 1 << self.count).to_bytes(self.count // 8, "big")
