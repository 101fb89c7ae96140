"""Coders of syntax tables (7.2, 9.1): each table of 7.3 is one function, which reads or writes by its coder.

The function takes a coder and a dict of syntax elements by their standard names. A `Reader` fills the dict, a `Writer`
writes it. Both check the range of each element, so that everything written can be read, and everything read can be
written again. Each call returns the value, because the tables branch on it.
"""

from ...errors import ParameterError
from ._elements import ElementReader, ElementWriter

MAX_UE = (1 << 32) - 2  # 9.1: the largest codeNum with 31 leading zeros; no element of the standard has more


def structure(kind, s):
    """The elements read, as the frozen dataclass `kind`, whose constructor would take as long as reading them."""
    made = object.__new__(kind)
    vars(made).update(s)
    return made


class derived:
    """A value that follows from the elements of a structure, computed when it is first asked for, and kept.

    As functools.cached_property, which takes a lock, and as long as what it saves.
    """

    def __init__(self, function):
        self.function, self.__doc__ = function, function.__doc__

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, one, owner=None):
        if one is None:
            return self
        value = vars(one)[self.name] = self.function(one)
        return value


class Reader(ElementReader):
    """Reads syntax tables from an RBSP: see `ElementReader`."""

    reading = True

    def array(self, s, name, count, code, *args, **more):
        """`count` elements of one name, as a tuple; `code` names the method, `args` and `more` follow the name."""
        code, one = getattr(self, code), {}
        s[name] = tuple(code(one, name, *args, **more) for _ in range(count))
        return s[name]

    def rows(self, s, name, kind, count=None, *, until=None, limit=None, clause=""):
        """Rows of several elements: `count` of them, or those before `until` = (element, terminating value).

        Yields the dict of each row, in which the caller codes the elements.
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
        """Whether anything precedes the trailing bits (7.2): the last one bit of the RBSP is the stop bit."""
        data = self.rbsp.rstrip(b"\0")
        if not data:
            return False
        stop = 8 * len(data) - (data[-1] & -data[-1]).bit_length()
        return self.bit < stop

    def rbsp_trailing_bits(self):
        """7.3.2.11. Not checked: later editions may append elements to a structure."""


class Writer(ElementWriter):
    """Writes syntax tables, with the interface of `Reader`: see `ElementWriter`. `rbsp()` returns the bytes."""

    reading = False

    def array(self, s, name, count, code, *args, **more):
        """`count` elements of one name, from a tuple."""
        code = getattr(self, code)
        if len(s[name]) != count:
            raise self.error(f"{name} has {len(s[name])} elements; {count} are coded", "H.264 7.3")
        for value in s[name]:
            code({name: value}, name, *args, **more)
        return s[name]

    def rows(self, s, name, kind, count=None, *, until=None, limit=None, clause=""):
        """Rows of several elements: yields each as a dict, then the terminating one."""
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
        """False: the caller decides what to write."""
        return False

    def rbsp_trailing_bits(self):
        """7.3.2.11: a one, then zeros to the end of the byte."""
        self.put(1, 1)
        self.put(0, -self.count % 8)

    def rbsp(self):
        """What has been written, as bytes; raises ParameterError unless it is byte-aligned."""
        if self.count % 8:
            raise ParameterError(f"{self.layer}: {self.count} bits are not a whole number of bytes")
        return self.head()
