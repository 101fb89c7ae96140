"""One root for everything this package raises on purpose; each class is also the builtin that people already catch."""


class CodecError(Exception):
    """Root of every error that this package raises on purpose."""


class ParameterError(CodecError, ValueError):
    """An argument is wrong (its type, shape, range or name), or an object cannot be used now: another thread uses it, an
    exception interrupted it, or its threads are in another process. Nothing was read or written."""


class FileError(CodecError, OSError):
    """A file cannot be read or written. The original, if there was one, is untouched."""


class UnsupportedError(CodecError, NotImplementedError):
    """The data is legal, but this package does not handle that part of the standard (yet)."""


class LimitError(CodecError, ValueError):
    """The data asks for more than `codec.Limits` allows. Raised before anything is allocated."""


class BitstreamError(CodecError, ValueError):
    """The compressed data breaks its standard.

    Attributes
    ----------
    layer : str
        What was being read: "marker", "frame header", "scan header", "entropy-coded data", ...
    offset : int or None
        Position in bytes from the start of the data.
    clause : str
        Where the standard says what would be right, for example "T.81 B.2.2".
    reason : str
        What is wrong.
    """

    def __init__(self, reason: str, *, layer: str = "", offset: int | None = None, clause: str = "") -> None:
        self.reason, self.layer, self.offset, self.clause = reason, layer, offset, clause
        where = f"{layer} at byte {offset}" if offset is not None else layer
        super().__init__((f"{where}: " if where else "") + reason + (f" ({clause})" if clause else ""))


class TruncatedError(BitstreamError, EOFError):
    """The data ends before the picture does."""


class DamageWarning(UserWarning):
    """A decoded picture is not, or may not be, all that its file once held."""


class MissingPackageError(CodecError, ImportError):
    """An optional package is not installed; the message tells how to install it."""


class PeerError(CodecError, RuntimeError):
    """A codec under test that is not part of this package failed, or gave what no picture can be made of."""
