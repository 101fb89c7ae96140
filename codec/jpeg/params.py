"""The options of the encoder: frozen, validated, printable, JSON-able."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Optional, Tuple, TypedDict, TypeVar, get_args

import numpy as np

from ..errors import ParameterError
from ..executors import checked_threads, useful_threads
from ..quality import as_quality
from .learned import learned_steps
from .metadata import Metadata
from .tables import T81_TABLE_K_1_LUMINANCE, T81_TABLE_K_2_CHROMINANCE, ijg_step

if TYPE_CHECKING:
    import numpy.typing as npt

F = TypeVar("F", bound=Callable[..., Any])

# The target of quantization: the measure by which files of a given size score best, or plain tables.
Tune = Literal["ssimulacra2", "ssim", "psnr", "flat", "annex-k"]
TUNES = get_args(Tune)


class Effort(NamedTuple):
    """The work at one rung of the effort ladder."""

    chroma: str  # how chrominance is downsampled: "box" or "least-squares"
    dering: bool  # remove ringing at black and white where the decoder's clamp hides the change
    optimize: bool  # Huffman tables made for the picture; without it, there are no passes
    progressive: bool
    # of rate-distortion optimised quantization, each with the statistics of the previous one; 0: dead zone only
    passes: int
    search: int  # how thoroughly the scan script is searched (`scans.SEARCHES`); 0: the fixed one
    share: bool  # whether scans may share Huffman tables; the components of a sequential scan always may
    second_look: bool  # choose levels again, weighted by the gradient of SSIMULACRA 2


# Each rung makes smaller files at equal quality than the one below (measured in docs/effort.md).
EFFORTS = {
    1: Effort("box", False, False, False, 0, 0, False, False),
    2: Effort("least-squares", True, False, False, 0, 0, False, False),
    3: Effort("least-squares", True, True, False, 0, 0, False, False),
    4: Effort("least-squares", True, True, True, 0, 1, False, False),
    5: Effort("least-squares", True, True, True, 1, 1, False, False),
    6: Effort("least-squares", True, True, True, 1, 1, True, False),
    7: Effort("least-squares", True, True, True, 1, 7, True, False),
    8: Effort("least-squares", True, True, True, 1, 7, True, True),
    9: Effort("least-squares", True, True, True, 2, 9, True, True),
}

# Sampling factors (H, V) of the first and of the chrominance components (A.1.1), by their usual name.
SUBSAMPLING = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:4:0": (1, 2), "4:2:0": (2, 2)}


def _table(values, name):
    if type(values) in (list, tuple) and len(values) == 64 and all(type(v) is int and 1 <= v < 65536 for v in values):
        return tuple(values)  # needs no NumPy
    try:
        array = np.asarray(values)
    except ValueError:
        raise ParameterError(f"{name} must hold 64 integers in natural (row-major) order, not a ragged list") from None
    if array.size != 64 or array.dtype.kind not in "iu":
        raise ParameterError(
            f"{name} must hold 64 integers in natural (row-major) order, not {array.dtype} {array.shape}"
        )
    if not 1 <= array.min() <= array.max() <= 65535:
        raise ParameterError(f"{name} must hold steps of 1..65535, not {array.min()}..{array.max()} (T.81 B.2.4.1)")
    return tuple(int(v) for v in array.reshape(-1))


@dataclass(frozen=True)
class QuantTables:
    """Quantization steps: one table for luminance (and for gray, RGB, CMYK), one or two for chrominance.

    Parameters
    ----------
    luminance : 64 integers in 1..65535, natural (row-major) order; any shape of that size
    chrominance : likewise; default: the same as luminance
    cr : likewise; a separate table for Cr, with `chrominance` for Cb; default: the same as chrominance

    Steps above 255 need the extended process (baseline tables hold 8 bits, T.81 B.2.4.1); the encoder switches
    automatically.

    Examples
    --------
    >>> from codec.jpeg import QuantTables
    >>> QuantTables.ijg(50).luminance[:4]
    (16, 11, 10, 16)
    >>> QuantTables([16] * 64).chrominance[:2]
    (16, 16)
    """

    luminance: Tuple[int, ...]
    chrominance: Tuple[int, ...] = None  # type: ignore[assignment]
    cr: Tuple[int, ...] = None  # type: ignore[assignment]

    if TYPE_CHECKING:  # any 64 integers are taken, and kept as tuples

        def __init__(
            self, luminance: npt.ArrayLike, chrominance: npt.ArrayLike | None = None, cr: npt.ArrayLike | None = None
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "luminance", _table(self.luminance, "luminance"))
        chrominance = self.luminance if self.chrominance is None else _table(self.chrominance, "chrominance")
        object.__setattr__(self, "chrominance", chrominance)
        object.__setattr__(self, "cr", chrominance if self.cr is None else _table(self.cr, "cr"))

    @property
    def by_destination(self) -> tuple[tuple[int, ...], ...]:
        """The tables in the order of their destinations Tq in the file: luminance, chrominance and, where it differs,
        Cr's."""
        return (
            (self.luminance, self.chrominance)
            if self.cr == self.chrominance
            else (self.luminance, self.chrominance, self.cr)
        )

    @classmethod
    def ijg(cls, quality: float) -> "QuantTables":
        """The tables of T.81 Annex K (K.1, K.2), scaled like the Independent JPEG Group's: 5000/Q % below 50, 200 - 2Q
        % from 50 on."""
        quality = as_quality(quality)
        return cls(
            *(
                tuple(ijg_step(v, quality) for v in base)
                for base in (T81_TABLE_K_1_LUMINANCE, T81_TABLE_K_2_CHROMINANCE)
            )
        )

    @classmethod
    def for_quality(
        cls,
        quality: float,
        tune: Tune = "ssimulacra2",
        subsampling: str = "4:2:0",
        chroma_quality: Optional[float] = None,
    ) -> "QuantTables":
        """The tables that the encoder uses for a quality.

        Parameters
        ----------
        quality : 1..100
            Like that of the Independent JPEG Group: learned tables are scaled so that, on the training pictures, they
            score like Annex K's tables of that quality with plain rounding. Between integers, steps are interpolated
            linearly.
        tune : "ssimulacra2" (default), "ssim", "psnr": learned for that measure (`codec rd train-matrix`); "flat": all
            steps alike; "annex-k": `ijg`
        subsampling : "4:4:4", "4:2:0" ...
            Subsampled chrominance has finer steps: upsampling spreads its errors over more pixels.
        chroma_quality : 1..100, default: `quality`
            Quality of the chrominance tables.

        Examples
        --------
        >>> from codec.jpeg import QuantTables
        >>> QuantTables.for_quality(75, "annex-k") == QuantTables.ijg(75)
        True
        """
        quality = as_quality(quality)
        chroma = quality if chroma_quality is None else as_quality(chroma_quality, "chroma_quality")
        return _tables_for_quality(quality, chroma, _choice(tune, TUNES, "tune"), subsampling != "4:4:4")

    def to_json(self) -> dict[str, Any]:
        """{"luminance": 8 rows of 8, "chrominance": 8 rows of 8, "cr": 8 rows of 8}"""
        return {name: np.reshape(table, (8, 8)).tolist() for name, table in asdict(self).items()}


@lru_cache(maxsize=64)
def _tables_for_quality(quality, chroma, tune, subsampled):
    """Those of `QuantTables.for_quality`; small pictures take less time to encode than these to make."""
    if tune == "annex-k":
        make = QuantTables.ijg
    elif tune == "flat":
        make = lambda q: QuantTables([ijg_step(16, q)] * 64)
    else:
        make = lambda q: QuantTables(*learned_steps(tune, subsampled, q))
    luma, chroma = make(quality), make(chroma)
    return QuantTables(luma.luminance, chroma.chrominance, chroma.cr)


def _integer(value, low, high, name):
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= value <= high:
        raise ParameterError(f"{name} must be an integer in {low}..{high}, not {value!r}")
    return int(value)


def _choice(value, choices, name):
    if not any(value is choice or isinstance(value, str) and value == choice for choice in choices):
        raise ParameterError(
            f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}{nearest(value, choices)}"
        )
    return value


def nearest(word, choices):
    """'; did you mean ...?', or nothing. Names without letters, such as 4:2:0, are near by chance only."""
    import difflib

    known = {c.lower(): c for c in choices if isinstance(c, str) and any(map(str.isalpha, c))}
    match = difflib.get_close_matches(str(word).lower(), known, 1)
    return f"; did you mean {known[match[0]]!r}?" if match else ""


@dataclass(frozen=True)
class EncodeOptions:
    """How to write a JPEG.

    Parameters
    ----------
    quality : 1..100, default 75
        See `QuantTables.for_quality`; ignored if `quant_tables` are given: "auto" subsampling then goes by that of their
        luminance (`estimate_quality`), and nothing else asks for it. Fractions are rounded to 1/64.
    subsampling : "auto" (default), "4:4:4", "4:2:2", "4:4:0" or "4:2:0"
        Chroma resolution, for YCbCr and YCCK. "auto": 4:2:0, but 4:4:4 from quality 98 on, and with sharp colour edges
        from 90 on for photographs and lower ones for graphics (the sharper, the lower: from 75 on for most, from any
        for red text on blue). "444", "420" ... are understood too.
    effort : 1..9, default 5
        1 is fastest, 9 is smallest; each rung is measured in docs/effort.md. 1-2: baseline, fixed Huffman tables. 3:
        optimised tables. 4: progressive. 5-9: rate-distortion optimised quantization as well, then a search for the
        scan script.
    tune : "ssimulacra2" (default), "ssim", "psnr", "flat" or "annex-k"
        Where bits go: quantization tables and decisions learned for that measure; "flat" and "annex-k" are plain
        tables.
    chroma_quality : None (default: `quality`) or 1..100
        Quality of the chrominance tables.
    progressive : None (default: as `effort` says), True or False
    color : "auto" (default), "gray", "ycbcr", "rgb", "cmyk" or "ycck"
        What is coded. "auto": gray for one channel, YCbCr for three. Four channels need "cmyk" or "ycck" (0 = no ink):
        JPEG has no alpha.
    quant_tables : None (default) or QuantTables
    restart_interval : 0 (default: none) to 65535
        MCUs between restart markers (T.81 E.1.4); damage then stays within an interval.
    metadata : None (default) or Metadata
        Profiles and descriptions to write. None: the ICC profile of a Pillow image, since its samples mean nothing
        without it; `Metadata()` writes none. EXIF of a Pillow image is not written, and its orientation not applied.
    coding : "huffman" (default) or "arithmetic"
        Arithmetic coding (T.81 Annex D): files are 4 to 6 % smaller and slower to read. libjpeg-turbo reads them, no
        browser does.
    target : None (default) or str
        What to search the quality for, in place of `quality`. "size:200kB" (kB = 1000 bytes, KiB = 1024, MB ...) and
        "bpp:1.0" (bits per pixel): the highest quality whose file is not larger, metadata included. "psnr:40",
        "ssim:0.98", "ssimulacra2:85" or any metric of `codec.metrics.by_name`: the smallest file whose decoded pixels
        reach that score. At most 12 encodes, 18 where "auto" tries both subsamplings (graphics and sharp colour edges):
        the smaller file that reaches a score is taken, or the one within a size with the better SSIMULACRA 2. A
        ParameterError names the range within reach if the target is outside it.
    threads : 0 (one per processor) or more, default 1
        How many encode a picture side by side; the bytes do not depend on it. Small pictures take fewer. The default
        suits programs that encode several pictures at a time.
    """

    quality: Optional[float] = None
    subsampling: Literal["auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0"] = "auto"
    effort: int = 5
    tune: Tune = "ssimulacra2"
    chroma_quality: Optional[float] = None
    progressive: Optional[bool] = None
    color: Literal["auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"] = "auto"
    quant_tables: Optional[QuantTables] = None
    restart_interval: int = 0
    metadata: Optional[Metadata] = None
    coding: Literal["huffman", "arithmetic"] = "huffman"
    target: Optional[str] = None
    threads: int = 1

    def __post_init__(self) -> None:
        subsampling: str = self.subsampling
        if isinstance(subsampling, str) and len(subsampling) == 3 and subsampling.isdigit():
            subsampling = ":".join(subsampling)
        settle = lambda name, value: object.__setattr__(self, name, value)
        if self.target is None:
            settle("quality", 75 if self.quality is None else as_quality(self.quality))
        else:
            self._check_target()
        settle("subsampling", _choice(subsampling, ("auto", *SUBSAMPLING), "subsampling"))
        settle("effort", _integer(self.effort, 1, 9, "effort"))
        settle("restart_interval", _integer(self.restart_interval, 0, 65535, "restart_interval"))
        _choice(self.tune, TUNES, "tune")
        checked_threads(self.threads)
        settle("threads", int(self.threads))
        if self.chroma_quality is not None:
            settle("chroma_quality", as_quality(self.chroma_quality, "chroma_quality"))
        _choice(self.progressive, (None, True, False), "progressive")
        _choice(self.coding, ("huffman", "arithmetic"), "coding")
        _choice(self.color, ("auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"), "color")
        if not isinstance(self.quant_tables, (QuantTables, type(None))):
            raise ParameterError(
                f"quant_tables must be a codec.jpeg.QuantTables, not {type(self.quant_tables).__name__}"
            )
        if not isinstance(self.metadata, (Metadata, type(None))):
            raise ParameterError(f"metadata must be a codec.jpeg.Metadata, not {type(self.metadata).__name__}")

    def _check_target(self):
        for name in ("quality", "quant_tables"):
            if getattr(self, name) is not None:
                raise ParameterError(
                    f"target={self.target!r} is what to search the quality for: give either that or {name}"
                )
        from ..targets import parse_target  # few need it

        parse_target(self.target)

    @classmethod
    def from_keywords(cls, quality: Optional[float], options: Mapping[str, Any]) -> "EncodeOptions":
        """Options from keywords; an unknown name raises and suggests the nearest one."""
        if options.get("metadata") is None:
            try:
                return _known_options(quality, **options)
            except TypeError:  # a value without a hash: the checks have a word for it
                pass
        return _checked_options(quality, **options)

    @property
    def plan(self) -> Effort:
        """The rung of the effort ladder."""
        return EFFORTS[self.effort]

    def tables(self, subsampling: str) -> QuantTables:
        """The quantization tables of these options."""
        quality: Any = self.quality  # None only while a target is searched for
        return self.quant_tables or QuantTables.for_quality(quality, self.tune, subsampling, self.chroma_quality)

    def threads_for(self, pixels: int) -> int:
        """How many threads to use for so large a picture."""
        return 1 if self.threads == 1 else useful_threads(self.threads, pixels)

    @property
    def is_progressive(self) -> bool:
        """Whether to write progressive scans: by `progressive`, else by `effort`."""
        return self.plan.progressive if self.progressive is None else self.progressive

    @property
    def optimize(self) -> bool:
        """Whether to make Huffman tables for the picture; progressive scans have no fixed ones."""
        return EFFORTS[self.effort].optimize or self.is_progressive


def _checked_options(quality, **options):
    names = [f.name for f in fields(EncodeOptions)]
    for name in options:
        if name not in names:
            raise ParameterError(
                f"unknown option {name!r} for JPEG{nearest(name, names)} (options: {', '.join(names)})"
            )
    return EncodeOptions(quality, **options)


# Many small pictures have the same options, which take as long to check as 64x64 pixels take to encode. Those with
# metadata are not kept, which may be large.
_known_options = lru_cache(maxsize=64, typed=True)(_checked_options)


class EncodeKeywords(TypedDict, total=False):
    """The fields of `EncodeOptions` as keywords, for type checkers; quality is an argument of its own."""

    subsampling: Literal["auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0"]
    effort: int
    tune: Tune
    chroma_quality: Optional[float]
    progressive: Optional[bool]
    color: Literal["auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"]
    quant_tables: Optional[QuantTables]
    restart_interval: int
    metadata: Optional[Metadata]
    coding: Literal["huffman", "arithmetic"]
    target: Optional[str]
    threads: int


def takes_encode_options(function: F) -> F:
    """Give `function(image, quality=None, **options)` the signature of EncodeOptions, the only list of options."""
    own = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.kind is not inspect.Parameter.VAR_KEYWORD and p.name != "quality"
    ]
    first = [p for p in own if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    options = [
        inspect.Parameter(
            f.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD if f.name == "quality" else inspect.Parameter.KEYWORD_ONLY,
            default=f.default,
            annotation=f.type,
        )
        for f in fields(EncodeOptions)
    ]
    returned = inspect.signature(function).return_annotation
    function.__signature__ = inspect.Signature(first + options, return_annotation=returned)  # type: ignore[attr-defined]
    return function
