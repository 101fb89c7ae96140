"""Exceptions of this package: one root class, and subclasses that are also builtin exceptions.

Messages name arguments as Python does, `name=value`; the command line puts its options in their place
(`codec.cli._words`).
"""


class CodecError(Exception):
    """Base class of all errors that this package raises on purpose."""


class ParameterError(CodecError, ValueError):
    """An argument is wrong (its type, shape, range or name), or an object cannot be used now: another thread uses it,
    an exception interrupted it, or its threads are in another process. Nothing was read or written."""


class FileError(CodecError, OSError):
    """A file cannot be read or written. An existing file is unchanged."""


class UnsupportedError(CodecError, NotImplementedError):
    """The data is legal, but uses a part of the standard that this package does not support."""


class LimitError(CodecError, ValueError):
    """The data needs more resources than `codec.Limits` allows. Raised before anything is allocated."""


class BitstreamError(CodecError, ValueError):
    """The compressed data violates its standard.

    Attributes
    ----------
    layer : str
        The layer being read: "marker", "frame header", "scan header", "entropy-coded data", ...
    offset : int or None
        Position in bytes from the start of the data.
    clause : str
        The clause that is violated, for example "T.81 B.2.2".
    reason : str
        The problem.
    """

    def __init__(self, reason: str, *, layer: str = "", offset: int | None = None, clause: str = "") -> None:
        self.reason, self.layer, self.offset, self.clause = reason, layer, offset, clause
        where = f"{layer} at byte {offset}" if offset is not None else layer
        super().__init__((f"{where}: " if where else "") + reason + (f" ({clause})" if clause else ""))


class TruncatedError(BitstreamError, EOFError):
    """The data ends before the picture is complete."""


class DamageWarning(UserWarning):
    """Part of a decoded picture is lost, or may be."""


class MissingPackageError(CodecError, ImportError):
    """An optional package is not installed. The message says how to install it."""


class PeerError(CodecError, RuntimeError):
    """A codec under test that is not part of this package failed, or returned unusable data."""
