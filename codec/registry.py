"""Codecs by name: ours and, where their packages are installed, the peers that it is measured beside. The laboratory knows nothing else of them.

A codec is a few lines: a name, its parameters, a function from pixels to bytes and one back. Register your own from Python,

    codec.registry.register(Codec("mine", encode, decode, {"quality": Number(75, 1, 100)}, version=lambda: "1.0"))

or from a package, by an entry point of the group "codec.codecs" whose object is a `Codec` or a function that returns one:

    [project.entry-points."codec.codecs"]
    mine = "my_package:codec"
"""

import difflib
import importlib.util
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points

import numpy as np

from .errors import CodecError, MissingPackageError, ParameterError, PeerError

ENTRY_POINTS = "codec.codecs"
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


_registered = {}


def register(codec, *, replace=False):
    """Make a codec known by its name, in this process.

    Raises
    ------
    ParameterError
        If the name is taken and `replace` is not True, or `codec` is no `Codec`.
    """
    if not isinstance(codec, Codec):
        raise ParameterError(f"a codec is a codec.registry.Codec, not {type(codec).__name__}")
    if not replace and codec.name in _known():
        raise ParameterError(f"there is a codec {codec.name!r} already: choose another name, or replace=True")
    _registered[codec.name] = codec
    return codec


def codecs():
    """{name: Codec} of all that are known, whether or not their packages are installed: ours first, then peers, then users'."""
    return {name: load() for name, load in _known().items()}


def _known():
    """{name: function that returns its Codec}, so that one name does not load the packages of all."""
    from .peers import PEERS

    found = {codec.name: partial(_itself, codec) for codec in PEERS}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, partial(_load, point))
    found.update((name, partial(_itself, codec)) for name, codec in _registered.items())
    return found


def _itself(codec):
    return codec


def _load(point):
    try:
        loaded = point.load()
        codec = loaded if isinstance(loaded, Codec) else loaded()
    except FAILURES as error:
        return _broken(point, f"{type(error).__name__}: {error}")
    return codec if isinstance(codec, Codec) else _broken(point, f"{point.value} gives no Codec")


def _broken(point, reason):
    """A codec that says why it is none when it is used: one bad package must not take the others away."""

    def fail(*args, **kwargs):
        raise PeerError(f"{point.name}, of the entry point {point.value}, cannot be loaded: {reason}")

    return Codec(point.name, fail, fail, {"quality": Number(75, 1, 100)}, version=fail)


def by_name(name):
    """The codec of that name.

    Raises
    ------
    ParameterError
        If there is none; suggests the nearest name and lists all.

    Examples
    --------
    >>> from codec import registry
    >>> registry.by_name("jpeg").parameters["effort"]
    Number(default=5, low=1, high=9)
    """
    known = _known()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ParameterError(f"unknown codec {name!r}: {hint}there are {', '.join(known)}")
    return known[name]()


def parse(text):
    """A codec and lists of values from "jpeg" or "jpeg:effort=1/9,subsampling=4:2:0,quality=20:95:5".

    Returns
    -------
    (Codec, dict)
        Name of a parameter to the list of its values, checked.

    Raises
    ------
    ParameterError
        If there is no such codec or parameter, or a value is out of its range.

    Examples
    --------
    >>> from codec import registry
    >>> codec, values = registry.parse("jpeg:effort=1/9,subsampling=4:2:0")
    >>> codec.name, values
    ('jpeg', {'effort': [1, 9], 'subsampling': ['4:2:0']})
    """
    name, _, options = text.partition(":")
    codec, values = by_name(name), {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            raise ParameterError(f"{text!r}: {option!r} is not of the form name=value; values are parted by /")
        if key not in codec.parameters:
            codec.setting(**{key: value})
        try:
            values[key] = codec.parameters[key].parse(value)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{text!r}: {key} takes numbers such as 5, 1/9 or 20:95:5, not {value!r}") from error
        for one in values[key]:
            codec.setting(**{key: one})
    return codec, values
