"""What a codec under test is: a name, parameters with their ranges, a function from pixels to bytes and one back."""

import difflib
import importlib.util
from dataclasses import dataclass, field

import numpy as np

from .errors import CodecError, MissingPackageError, ParameterError, PeerError

# What foreign code raises when it fails. Not among them: KeyboardInterrupt, SystemExit, and warnings turned into errors by a test.
FAILURES = (ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError, MemoryError, OSError, RuntimeError,
            SyntaxError, TypeError, ValueError)  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A parameter that is an integer in low..high."""

    default: int
    low: int
    high: int

    def check(self, value):
        """The value as a plain int, or None when it is none of this parameter."""
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            return None
        return int(value) if self.low <= value <= self.high else None

    def parse(self, text):
        """Of "5", "1/9" and "20:95:5": a list of integers."""
        return [number for part in text.split("/") for number in numbers(part)]

    def __str__(self):
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of several values; `default` first among equals."""

    default: str | bool
    values: tuple

    def check(self, value):
        """The value itself, or None."""
        return value if value in self.values and type(value) in map(type, self.values) else None

    def parse(self, text):
        """Of "4:2:0" and "4:2:0/4:4:4": a list of values."""
        names = {str(value).lower(): value for value in self.values}
        return [names.get(word.lower(), word) for word in text.split("/")]

    def __str__(self):
        return ", ".join(map(str, self.values))


def numbers(text):
    """Integers of "30,50,70" and "20:95:5" (first, last, step; the last is included when a step hits it); ValueError for anything else."""
    return [number for part in text.split(",") for number in _range(*map(int, part.split(":")))]


def _range(first, last=None, step=1):
    found = range(first, (first if last is None else last) + 1, step if step > 0 else 1)
    if step < 1 or not found:
        raise ValueError("empty")
    return found


@dataclass(frozen=True)
class Codec:
    """A codec under test.

    Attributes
    ----------
    name : str
        As rows and command lines have it.
    encode : callable
        ``encode(pixels, **setting) -> bytes``; pixels are (H, W) gray, (H, W, 3) RGB or (H, W, 4) inks, uint8, C-contiguous, and must not
        be changed. What it cannot take, it refuses by raising. Every parameter is given.
    decode : callable
        ``decode(data) -> pixels`` of the same size. RGB where the original was gray is understood.
    parameters : dict
        Name to `Number` or `Choice`. "quality" is what sweeps and searches vary: larger must mean better.
    version : callable
        ``version() -> str``: of what does the work, for the rows.
    needs : tuple of str
        Modules to import; none of them is loaded before the codec is used.
    install : str
        What to give to pip when one of them is missing.
    errors : tuple of exception types
        Of its own that are neither `CodecError` nor usual ones of Python.
    """

    name: str
    encode: callable
    decode: callable
    parameters: dict
    version: callable = str
    needs: tuple = ()
    install: str = ""
    errors: tuple = field(default=(), compare=False)

    @property
    def missing(self):
        """The modules that are not installed, as a tuple."""
        return tuple(module for module in self.needs if not _there(module))

    def require(self):
        """Raises MissingPackageError, with the command that installs it, when the codec cannot run here."""
        if self.missing:
            raise MissingPackageError(f"{self.name} needs {', '.join(self.missing)}, which is not installed: pip install {self.install}")

    def setting(self, **given):
        """All parameters: those given, checked, and the defaults of the others; quality last.

        Raises
        ------
        ParameterError
            If there is no such parameter, or a value is out of its range.
        """
        for name in given:
            if name not in self.parameters:
                near = difflib.get_close_matches(name, self.parameters, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(self.parameters)}"
                raise ParameterError(f"{self.name} has no parameter {name!r}: {hint}")
        found = {}
        for name in sorted(self.parameters, key="quality".__eq__):
            parameter = self.parameters[name]
            found[name] = parameter.check(given.get(name, parameter.default))
            if found[name] is None:
                raise ParameterError(f"{name} of {self.name} must be in {parameter}, not {given[name]!r}")
        return found

    def run_encode(self, pixels, setting):
        """Bytes of a picture; whatever a foreign codec raises becomes a PeerError that names it."""
        data = self._guarded("encoding", self.encode, pixels, **setting)
        if not isinstance(data, bytes) or not data:
            raise PeerError(f"{self.name} gave {'no bytes' if isinstance(data, bytes) else type(data).__name__} for a picture")
        return data

    def run_decode(self, data, like):
        """Pixels of the bytes, gray if `like` is; PeerError when they are not of its size and type."""
        pixels = np.asarray(self._guarded("decoding", self.decode, data))
        if like.ndim == 2 and pixels.ndim == 3 and pixels.shape[2] == 3:
            pixels = gray(pixels)
        if pixels.shape != like.shape or pixels.dtype != like.dtype:
            raise PeerError(
                f"{self.name} gave back {pixels.dtype} {pixels.shape}, and the picture is {like.dtype} {like.shape}: not comparable"
            )
        return pixels

    def _guarded(self, what, function, *args, **kwargs):
        try:
            return function(*args, **kwargs)
        except CodecError:
            raise
        except (*FAILURES, *self.errors) as error:
            raise PeerError(f"{self.name} failed at {what}: {type(error).__name__}: {error}") from error


def _there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # its parent package is missing, or a test put None in its place
        return False


def gray(rgb):
    """Luma of BT.601, rounded: what a gray picture is when a codec knows colour only."""
    return np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(rgb.dtype)
