"""What may be asked of the encoder: frozen, validated, printable, JSON-able."""
import difflib
import inspect
from dataclasses import asdict, dataclass, fields
from typing import Literal, Optional, Tuple

import numpy as np

from ..errors import ParameterError
from .metadata import Metadata
from .tables import T81_TABLE_K_1_LUMINANCE, T81_TABLE_K_2_CHROMINANCE

# Sampling factors (H, V) of the first component and of the chrominance components (A.1.1), by the name that people use.
SUBSAMPLING = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:4:0": (1, 2), "4:2:0": (2, 2)}


def _table(values, name):
    try:
        array = np.asarray(values)
    except ValueError:
        raise ParameterError(f"{name} must hold 64 integers in natural (row-major) order, not a ragged list") from None
    if array.size != 64 or array.dtype.kind not in "iu":
        raise ParameterError(f"{name} must hold 64 integers in natural (row-major) order, not {array.dtype} {array.shape}")
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
    cr : likewise; Cr's own table, `chrominance` being Cb's then; default: the same as chrominance

    Steps above 255 need the extended process (baseline tables hold 8 bits, T.81 B.2.4.1); the encoder switches by itself.

    Examples
    --------
    >>> from codec.jpeg import QuantTables
    >>> QuantTables.ijg(50).luminance[:4]
    (16, 11, 10, 16)
    >>> QuantTables([16] * 64).chrominance[:2]
    (16, 16)
    """

    luminance: Tuple[int, ...]
    chrominance: Optional[Tuple[int, ...]] = None
    cr: Optional[Tuple[int, ...]] = None

    def __post_init__(self):
        object.__setattr__(self, "luminance", _table(self.luminance, "luminance"))
        chrominance = self.luminance if self.chrominance is None else _table(self.chrominance, "chrominance")
        object.__setattr__(self, "chrominance", chrominance)
        object.__setattr__(self, "cr", chrominance if self.cr is None else _table(self.cr, "cr"))

    @property
    def by_destination(self):
        """The tables in the order of their destinations Tq in the file: luminance, chrominance and, where it differs, Cr's."""
        return (self.luminance, self.chrominance) if self.cr == self.chrominance else (self.luminance, self.chrominance, self.cr)

    @classmethod
    def ijg(cls, quality):
        """The tables of T.81 Annex K (K.1, K.2), scaled as the Independent JPEG Group does it: 5000/Q % below 50, 200 - 2Q % from there on."""
        quality = _integer(quality, 1, 100, "quality")
        percent = 5000 // quality if quality < 50 else 200 - 2 * quality
        return cls(*(tuple(min(255, max(1, (v * percent + 50) // 100)) for v in base) for base in (T81_TABLE_K_1_LUMINANCE, T81_TABLE_K_2_CHROMINANCE)))

    def to_json(self):
        """{"luminance": 8 rows of 8, "chrominance": 8 rows of 8, "cr": 8 rows of 8}"""
        return {name: np.reshape(table, (8, 8)).tolist() for name, table in asdict(self).items()}


def _integer(value, low, high, name):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise ParameterError(f"{name} must be an integer in {low}..{high}, not {value!r}")
    return int(value)


def _choice(value, choices, name):
    if not any(value is choice or isinstance(value, str) and value == choice for choice in choices):
        raise ParameterError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}{nearest(value, choices)}")
    return value


def nearest(word, choices):
    """'; did you mean ...?', or nothing."""
    known = {c.lower(): c for c in choices if isinstance(c, str)}
    match = difflib.get_close_matches(str(word).lower(), known, 1)
    return f"; did you mean {known[match[0]]!r}?" if match else ""


@dataclass(frozen=True)
class EncodeOptions:
    """How to write a JPEG.

    Parameters
    ----------
    quality : 1..100, default 75
        Scale of the Annex K tables (see `QuantTables.ijg`); ignored if `quant_tables` are given.
    subsampling : "auto" (default), "4:4:4", "4:2:2", "4:4:0" or "4:2:0"
        Chroma resolution, for YCbCr and YCCK. "auto": 4:4:4 from quality 90 on, else 4:2:0. "444", "420" ... are understood too.
    effort : 1..9, default 5
        1-2: fixed Huffman tables, baseline, fastest. 3-4: optimised tables, baseline. 5-9: optimised tables, progressive.
    progressive : None (default: as `effort` says), True or False
    color : "auto" (default), "gray", "ycbcr", "rgb", "cmyk" or "ycck"
        What is coded. "auto": gray for one channel, YCbCr for three. Four channels need "cmyk" or "ycck" (0 = no ink): JPEG has no alpha.
    quant_tables : None (default) or QuantTables
    restart_interval : 0 (default: none) to 65535
        MCUs between restart markers (T.81 E.1.4); damage then stays within an interval.
    metadata : None (default) or Metadata
        Profiles and descriptions to write along.
    coding : "huffman" (default) or "arithmetic"
        Arithmetic coding (T.81 Annex D): files are 5 to 9 % smaller and slower to read. libjpeg-turbo reads them, no browser does.
    """

    quality: int = 75
    subsampling: Literal["auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0"] = "auto"
    effort: int = 5
    progressive: Optional[bool] = None
    color: Literal["auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"] = "auto"
    quant_tables: Optional[QuantTables] = None
    restart_interval: int = 0
    metadata: Optional[Metadata] = None
    coding: Literal["huffman", "arithmetic"] = "huffman"

    def __post_init__(self):
        subsampling = self.subsampling
        if isinstance(subsampling, str) and len(subsampling) == 3 and subsampling.isdigit():
            subsampling = ":".join(subsampling)
        settle = lambda name, value: object.__setattr__(self, name, value)
        settle("quality", _integer(self.quality, 1, 100, "quality"))
        settle("subsampling", _choice(subsampling, ("auto", *SUBSAMPLING), "subsampling"))
        settle("effort", _integer(self.effort, 1, 9, "effort"))
        settle("restart_interval", _integer(self.restart_interval, 0, 65535, "restart_interval"))
        _choice(self.progressive, (None, True, False), "progressive")
        _choice(self.coding, ("huffman", "arithmetic"), "coding")
        _choice(self.color, ("auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"), "color")
        if not isinstance(self.quant_tables, (QuantTables, type(None))):
            raise ParameterError(f"quant_tables must be a codec.jpeg.QuantTables, not {type(self.quant_tables).__name__}")
        if not isinstance(self.metadata, (Metadata, type(None))):
            raise ParameterError(f"metadata must be a codec.jpeg.Metadata, not {type(self.metadata).__name__}")

    @classmethod
    def from_keywords(cls, quality, options):
        """Options from a call; an unknown name raises with the nearest known one."""
        names = [f.name for f in fields(cls)]
        for name in options:
            if name not in names:
                raise ParameterError(f"unknown option {name!r} for JPEG{nearest(name, names)} (options: {', '.join(names)})")
        return cls(quality, **options)

    @property
    def tables(self):
        """The quantization tables that these options stand for."""
        return self.quant_tables or QuantTables.ijg(self.quality)

    @property
    def is_progressive(self):
        """Whether progressive scans are written: as `progressive` says, else from effort 5 on."""
        return self.effort >= 5 if self.progressive is None else self.progressive

    @property
    def optimize(self):
        """Huffman tables made for the picture; progressive scans have no fixed ones."""
        return self.effort >= 3 or self.is_progressive


def takes_encode_options(function):
    """Give `function(image, quality=75, **options)` the signature that EncodeOptions describes, so that there is one list of options."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD and p.name != "quality"]
    first = [p for p in own if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    options = [inspect.Parameter(f.name, inspect.Parameter.POSITIONAL_OR_KEYWORD if f.name == "quality" else inspect.Parameter.KEYWORD_ONLY,
                                 default=f.default, annotation=f.type) for f in fields(EncodeOptions)]
    function.__signature__ = inspect.Signature(first + options)
    return function
