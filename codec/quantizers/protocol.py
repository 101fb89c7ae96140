"""The protocol of scalar quantizers: real values to integer codes, and back.

Every quantizer is a subclass of `Quantizer`. Its constructor takes the settings, `fit` chooses what depends on data
(a scale, thresholds, levels), `encode` gives integer codes, `decode` gives values. `to_json` and `from_json` keep both,
exactly.
"""

from __future__ import annotations

import importlib
import json
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    import numpy.typing as npt

JSON_VERSION = 1
# name in a record -> module of this package that defines it
MODULES = {
    "affine": "affine",
    "compander": "companding",
    "dead-zone": "uniform",
    "dithered": "dither",
    "entropy-coded": "entropy_coded",
    "fixed-point": "fixed_point",
    "float8": "float8",
    "g711": "g711",
    "lloyd-max": "lloyd_max",
    "uniform": "uniform",
}
MOST_EXACT = 1 << 53
PIECE = 1 << 15  # values: temporaries stay in the cache


class Quantizer:
    """A scalar quantizer.

    Subclasses set `name`, and define `fit`, `encode`, `decode`, `code_range`, `levels`, `thresholds`, `settings`,
    `fitted` and `restore`.

    Attributes
    ----------
    name : str
        The name in JSON, tables and commands.
    """

    name: ClassVar[str]
    _kinds: ClassVar[dict[str, type[Quantizer]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "name" in cls.__dict__:
            Quantizer._kinds[cls.name] = cls

    def fit(self, x: npt.ArrayLike) -> Self:
        """Choose what depends on the data.

        Parameters
        ----------
        x : array of real numbers, any shape
            At least one value, all finite.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            For data that is empty, not real or not finite.
        """
        raise NotImplementedError

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The code of each value, in the smallest integer dtype that holds `code_range`; values beyond the last level
        get its code.

        Raises
        ------
        ParameterError
            If `fit` is needed and was not called, or for values that are not finite.
        """
        raise NotImplementedError

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[Any]:
        """The value of each code.

        Raises
        ------
        ParameterError
            For codes outside of `code_range`.
        """
        raise NotImplementedError

    def transform(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The values that `x` becomes: decode(encode(x))."""
        return self.decode(self.encode(x))

    @property
    def code_range(self) -> tuple[int, int]:
        """(lowest, highest) code."""
        raise NotImplementedError

    @property
    def bits(self) -> int:
        """Bits of a code of fixed length."""
        low, high = self.code_range
        return max(1, (high - low).bit_length())

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(n,) float64: the values of the codes from code_range[0] to code_range[1]. They ascend, but for codes that
        are bit patterns (`G711`, `Float8`)."""
        raise NotImplementedError

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """float64, ascending: borders between cells, without the infinite ones."""
        raise NotImplementedError

    @property
    def step(self) -> float | None:
        """The distance between neighbouring levels if it is the same everywhere, else None."""
        return None

    def limits(self) -> tuple[float, float]:
        """(low, high): values beyond them are clipped; half a distance beyond the first and the last finite level and a
        few roundings, infinite for one level."""
        levels = np.unique(self.levels[np.isfinite(self.levels)])
        if levels.size < 2:
            return -math.inf, math.inf
        slack = 4 * np.spacing(np.abs(levels[[0, -1]]).max())
        low, high = levels[0] - (levels[1] - levels[0]) / 2, levels[-1] + (levels[-1] - levels[-2]) / 2
        return float(low - slack), float(high + slack)

    # ---------------------------------------------------------------- records

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor, as JSON can hold them."""
        raise NotImplementedError

    def fitted(self) -> dict[str, Any]:
        """What `fit` chose, as JSON can hold it; empty if there is nothing."""
        return {}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """Take over what another `fit` chose; `fitted` comes from a file and is checked."""

    def _require(self, fitted: bool) -> None:
        if not fitted:
            raise ParameterError(f"{type(self).__name__} must be fitted first: call fit(x)")

    @staticmethod
    def _members(record: Mapping[str, Any], *names: str) -> list[Any]:
        """The members of `fitted` of a record, all of them and no others."""
        if set(record) != set(names):
            raise ParameterError(f"fitted of the record must have the members {', '.join(names)}, not {sorted(record)}")
        return [record[name] for name in names]

    def record(self) -> dict[str, Any]:
        """What `to_json` writes, as a dict."""
        return {"quantizer": self.name, "version": JSON_VERSION, "settings": self.settings(), "fitted": self.fitted()}

    def to_json(self) -> str:
        """One JSON object; `from_json` makes an equal quantizer of it."""
        return json.dumps(self.record(), allow_nan=False)

    @staticmethod
    def from_json(text: str | bytes) -> Quantizer:
        """The quantizer of a `to_json` record.

        Raises
        ------
        ParameterError
            If the text is no such record.
        """
        try:
            record = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ParameterError(f"the text is no record of a quantizer: {error!r}") from None
        return Quantizer.from_record(record)

    @staticmethod
    def from_record(record: Any) -> Quantizer:
        """The quantizer of a `record`; like `from_json`, it checks everything."""
        try:
            kind = Quantizer._kind_named(record["quantizer"])
            version, settings, fitted = record["version"], record["settings"], record["fitted"]
        except (TypeError, LookupError) as error:
            raise ParameterError(f"this is no record of a quantizer: {error!r}") from None
        if version != JSON_VERSION:
            raise ParameterError(f"the record has version {version!r}; this package reads version {JSON_VERSION}")
        if not isinstance(settings, dict) or not isinstance(fitted, dict):
            raise ParameterError("settings and fitted of the record must be JSON objects")
        try:
            quantizer = kind.from_settings(settings)
        except TypeError as error:
            raise ParameterError(f"the settings of {kind.name!r} do not fit: {error}") from None
        quantizer.restore(fitted)
        return quantizer

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Quantizer:
        """The quantizer of `settings`, not fitted."""
        return cls(**settings)

    @staticmethod
    def _kind_named(name: str) -> type[Quantizer]:
        """The class of that name, loaded first if it comes with this package."""
        if name not in Quantizer._kinds and name in MODULES:
            importlib.import_module(f".{MODULES[name]}", __package__)
        return Quantizer._kinds[name]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.settings().items())})"


def real_values(x: npt.ArrayLike, name: str = "x", *, finite: bool = True) -> npt.NDArray[Any]:
    """`x` as a float32 or float64 array without a copy if it is one; other real dtypes, those of ml_dtypes too, are
    converted exactly, but long double, which is rounded to float64.

    Raises
    ------
    ParameterError
        If it is empty, not real, holds integers beyond 2^53, or (with `finite`) holds NaN or infinities: with their
        number and the first index.
    """
    array = _plain_dtype(as_array(x, name))
    if array.dtype.kind not in "fiub":
        raise ParameterError(f"{name} must hold real numbers, not {array.dtype}")
    if array.size == 0:
        raise ParameterError(f"{name} is empty")
    if array.dtype not in (np.float32, np.float64):
        refuse_inexact(array, name)
        array = array.astype(np.float32 if array.dtype.itemsize < 3 else np.float64)
    if finite:
        refuse_nonfinite(array, name)
    return array


def _plain_dtype(array):
    """Small floats and integers of ml_dtypes as NumPy has them; other arrays as they are."""
    kind = array.dtype
    if kind.kind != "V" or kind.type is np.void:
        return array
    return array.astype(np.int8 if kind.name in ("int2", "int4", "uint2", "uint4") else np.float32)


def refuse_inexact(array: npt.NDArray[Any], name: str) -> None:
    """ParameterError for integers that float64 cannot tell apart: those beyond 2^53."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8:
        return
    low, high = int(array.min()), int(array.max())
    if low < -MOST_EXACT or high > MOST_EXACT:
        raise ParameterError(
            f"{name} holds {array.dtype} values {span(low, high)}, beyond 2^53, where float64 has gaps: subtract what "
            f"they have in common, or pass {name}.astype(np.float64) to have them rounded"
        )


def span(low: Any, high: Any) -> str:
    """Two ends of a range for a reader: one if they are equal."""
    return f"{low}..{high}" if low != high else f"{low}"


def refuse_nonfinite(array: npt.NDArray[Any], name: str = "x") -> None:
    """ParameterError if there are NaN or infinite values."""
    if math.isfinite(float(array.min())) and math.isfinite(float(array.max())):
        return
    bad = ~np.isfinite(array)
    first = tuple(map(int, np.unravel_index(int(bad.argmax()), array.shape)))
    nans = int(np.isnan(array).sum())
    raise ParameterError(
        f"{name} has {nans} NaN and {int(bad.sum()) - nans} infinite values, the first at index "
        f"{first[0] if len(first) == 1 else first}: remove or replace them"
    )


# Squares of these, sums of squares and their ratios are normal numbers of double precision.
LEAST_SQUARED, MOST_SQUARED = 2.0**-400, 2.0**400


def refuse_unsquarable(low: float, high: float, name: str = "x") -> None:
    """ParameterError if squared errors of data from low to high would leave double precision; all zeros are fine.

    Raises
    ------
    ParameterError
    """
    largest = max(abs(low), abs(high))
    if largest and not LEAST_SQUARED <= largest <= MOST_SQUARED:
        raise ParameterError(
            f"the largest magnitude of {name} is {largest:.3g}: its square leaves double precision; scale the data so "
            f"that it is within {LEAST_SQUARED:.0e}..{MOST_SQUARED:.0e}"
        )


def code_dtype(low: int, high: int) -> np.dtype[Any]:
    """The smallest integer dtype that holds low..high; unsigned if low >= 0."""
    return np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)) if low >= 0 else _signed(low, high)


def _signed(low, high):
    return next(
        np.dtype(kind)
        for kind in (np.int8, np.int16, np.int32, np.int64)
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    )


def checked_codes(codes: npt.ArrayLike, low: int, high: int) -> npt.NDArray[Any]:
    """`codes` as an array of integers within low..high.

    Raises
    ------
    ParameterError
    """
    array = _plain_dtype(as_array(codes, "codes"))
    if not array.size:
        return array.astype(code_dtype(low, high))
    if array.dtype.kind not in "iu":
        raise ParameterError(f"codes must be integers, not {array.dtype}")
    if array.min() < low or array.max() > high:
        raise ParameterError(f"codes must be within {low}..{high}, not {span(array.min(), array.max())}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def choice(value: object, choices: Iterable[str], name: str) -> str:
    """`value` if it is one of the names, else a ParameterError that lists them."""
    if isinstance(value, str) and value in choices:
        return value
    raise ParameterError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")


def integer(value: object, name: str, *, low: int | None = None, high: int | None = None) -> int:
    """An integer within low..high."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ParameterError(f"{name} must be an integer, not {value!r}")
    if (low is not None and value < low) or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"within {low}..{high}"
        raise ParameterError(f"{name} must be {limits}, not {value}")
    return int(value)


def real(value: object, name: str, *, above: float | None = None) -> float:
    """A finite real number, greater than `above`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ParameterError(f"{name} must be a number, not {value!r}")
    if not math.isfinite(value) or (above is not None and not value > above):
        raise ParameterError(
            f"{name} must be finite{'' if above is None else f' and greater than {above:g}'}, not {value}"
        )
    return float(value)


def in_pieces(
    x: npt.NDArray[Any], function: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """`function` of the values in double precision, PIECE at a time, as an array like `x` of the dtype."""
    flat, out = np.ascontiguousarray(x).reshape(-1), np.empty(x.shape, dtype)
    target = out.reshape(-1)
    for start in range(0, len(flat), PIECE):
        target[start : start + PIECE] = function(flat[start : start + PIECE].astype(np.float64))
    return out
