"""The definition of a codec under test: a name, parameters with ranges, a function from pixels to bytes and one back.

For video codecs the pixels are a `codec.frame.Video`, and the bytes may be a list of packets. To add one:

    Codec("h264", encode, decode, {"preset": Number(5, 1, 9), "crf": Number(23, 0, 51)}, version=lambda: __version__,
    media="video")
"""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..color import luma
from ..errors import CodecError, MissingPackageError, ParameterError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import numpy.typing as npt

    from .._types import Setting
    from ..frame import Video

# Names of the dial, the parameter that varies along a curve, and whether more of it is better.
DIALS = {"quality": True, "crf": False, "qp": False}
MEDIA = {"image": "pictures", "video": "videos"}

# Exceptions of failing foreign code. Not included: KeyboardInterrupt, SystemExit, and warnings turned into errors by
# tests.
FAILURES = (ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError,
            MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError)  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A parameter that is a multiple of 1 / `parts` in low..high."""

    default: int
    low: int
    high: int
    parts: int = 1

    def check(self, value: object) -> int | float | None:
        """The value as an int, or as a float if it is not whole; None if it is not valid."""
        kinds = int | np.integer if self.parts == 1 else int | float | np.integer | np.floating
        if (
            isinstance(value, bool)
            or not isinstance(value, kinds)
            or not self.low <= value <= self.high
            or float(value) * self.parts % 1
        ):
            return None
        return float(value) if value % 1 else int(value)

    def parse(self, text: str) -> list[int | float]:
        """Parse "5", "1/9" or "20:95:5" to a list of numbers."""
        return [number for part in text.split("/") for number in numbers(part)]

    def __str__(self) -> str:
        return f"{self.low}..{self.high}" + (f" in steps of 1/{self.parts}" if self.parts > 1 else "")


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of several values."""

    default: str | bool
    values: tuple[str | bool, ...]

    def check(self, value: object) -> Any:
        """The value, or None if it is not valid."""
        return value if value in self.values and type(value) in map(type, self.values) else None

    def parse(self, text: str) -> list[Any]:
        """Parse "4:2:0" or "4:2:0/4:4:4" to a list of values."""
        names = {str(value).lower(): value for value in self.values}
        return [names.get(word.lower(), word) for word in text.split("/")]

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


def numbers(text: str) -> list[int | float]:
    """Parse "30,50,74.5" or "20:95:5" (first, last, step; the last is included if a step hits it). ValueError for
    anything else.

    >>> from codec.registry.contract import numbers
    >>> numbers("30,74.5"), numbers("20:30:5"), numbers("90:91:0.5")
    ([30, 74.5], [20, 25, 30], [90, 90.5, 91])
    """
    if set(text) - set("0123456789.,:+- "):  # no "1/9", and no 1e999999999, whose digits would fill the memory
        raise ValueError(text)
    return [number for part in text.split(",") for number in _range(*map(Fraction, part.split(":")))]


def _range(first, last=None, step=Fraction(1)):
    if step <= 0 or last is not None and last < first:
        raise ValueError("empty")
    found = (first + i * step for i in range(1 if last is None else 1 + (last - first) // step))
    return [int(number) if number.denominator == 1 else float(number) for number in found]


def dial_of(names):
    """The name of the dial among parameters of a codec or in the setting of a row; None if there is none."""
    return next((name for name in DIALS if name in names), None)


def byte_count(data: bytes | list[bytes]) -> int:
    """Number of bytes from `Codec.run_encode`, which returns bytes or packets."""
    return len(data) if isinstance(data, bytes) else sum(map(len, data))


@dataclass(frozen=True)
class Codec:
    """A codec under test.

    Attributes
    ----------
    name : str
        As used in rows and command lines.
    encode : callable
        ``encode(pixels, **setting) -> bytes``; pixels are (H, W) gray, (H, W, 3) RGB or (H, W, 4) inks, uint8,
        C-contiguous, and must not be changed. It raises for input that it cannot take. Every parameter is given. For
        videos: ``encode(video, **setting) -> bytes, or list of bytes``: a stream, or its packets.
    decode : callable
        ``decode(data) -> pixels`` of the same size. RGB is accepted if the original was gray. For videos:
        ``decode(result of encode) -> frames``, in display order, each a tuple of planes as in `codec.frame.Video`.
    parameters : dict
        {name: `Number` or `Choice`}. One of them may be the dial that sweeps and searches vary, by its name (`DIALS`):
        "quality", where more is better, or "crf" or "qp", where less is.
    version : callable
        ``version() -> str``: version of the encoder, for the rows.
    needs : tuple of str
        Modules that it imports when it is first used.
    install : str
        Arguments for pip install if one of them is missing.
    errors : tuple of exception types
        Its own exceptions, besides `CodecError` and those of Python.
    media : str
        "image" or "video".
    """

    name: str
    encode: Callable[..., bytes | list[bytes]]
    decode: Callable[[Any], Any]
    parameters: Mapping[str, Number | Choice]
    version: Callable[[], str] = str
    needs: tuple[str, ...] = ()
    install: str = ""
    errors: tuple[type[Exception], ...] = field(default=(), compare=False)
    media: str = "image"

    @property
    def dial(self) -> str | None:
        """The parameter that sweeps and searches vary; None if there is none."""
        return dial_of(self.parameters)

    @property
    def missing(self) -> tuple[str, ...]:
        """Modules that are not installed, as a tuple."""
        return tuple(module for module in self.needs if not _there(module))

    def require(self) -> None:
        """Raise MissingPackageError, with the command to install it, if the codec cannot run here."""
        if self.missing:
            raise MissingPackageError(
                f"{self.name} needs {', '.join(self.missing)}, which is not installed: pip install {self.install}"
            )

    def setting(self, **given: Any) -> dict[str, Any]:
        """All parameters: checked values of those given, defaults of the others; the dial last.

        Raises
        ------
        ParameterError
            If there is no such parameter, or a value is out of range.
        """
        for name in given:
            if name not in self.parameters:
                near = difflib.get_close_matches(name, self.parameters, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(self.parameters)}"
                raise ParameterError(f"{self.name} has no parameter {name!r}: {hint}")
        found = {}
        for name in sorted(self.parameters, key=self.dial.__eq__):
            parameter = self.parameters[name]
            found[name] = parameter.check(given.get(name, parameter.default))
            if found[name] is None:
                raise ParameterError(f"{name} of {self.name} must be in {parameter}, not {given[name]!r}")
        return found

    def run_encode(self, pixels: npt.NDArray[np.uint8] | Video, setting: Setting) -> bytes | list[bytes]:
        """Encode to bytes, or to bytes or packets for a video. Exceptions of foreign codecs become a PeerError that
        names the codec.
        """
        data = self._guarded("encoding", self.encode, pixels, **setting)
        packets = self.media == "video" and isinstance(data, list) and all(isinstance(packet, bytes) for packet in data)
        if not isinstance(data, bytes) and not packets or not byte_count(data):
            raise PeerError(
                f"{self.name} gave {'no bytes' if packets or isinstance(data, bytes) else type(data).__name__} "
                f"for a {self.kind}"
            )
        return data

    @property
    def kind(self) -> str:
        """ "picture" or "video": what it encodes."""
        return MEDIA[self.media].removesuffix("s")

    def run_decode(self, data: bytes | list[bytes], like: Any) -> Any:
        """Decode to pixels, gray if `like` is, or to a video. PeerError if size or type differ from `like`."""
        if self.media == "video":
            return self._decode_video(data, like)
        pixels = np.asarray(self._guarded("decoding", self.decode, data))
        if like.ndim == 2 and pixels.ndim == 3 and pixels.shape[2] == 3:
            pixels = gray(pixels)
        if pixels.shape != like.shape or pixels.dtype != like.dtype:
            raise PeerError(
                f"{self.name} gave back {pixels.dtype} {pixels.shape}, and the picture is {like.dtype} "
                f"{like.shape}: not comparable"
            )
        return pixels

    def _decode_video(self, data, like):
        frames = tuple(map(tuple, self._guarded("decoding", self.decode, data)))
        if len(frames) != len(like.frames):
            raise PeerError(
                f"{self.name} gave back {len(frames)} frames, and the video has {len(like.frames)}: not comparable"
            )
        try:
            return replace(like, frames=frames)
        except (ParameterError, *FAILURES) as error:
            raise PeerError(f"{self.name} returned something other than the video: {error}") from error

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
    except (ImportError, ValueError):  # the parent package is missing, or a test replaced it by None
        return False


def gray(rgb):
    """Rounded BT.601 luma, for gray pictures from codecs that only code colour."""
    return np.rint(luma(rgb)).astype(rgb.dtype)
