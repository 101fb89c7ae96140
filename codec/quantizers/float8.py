"""Floating point in 8 bits: four formats, rounding half to even, two rules for overflow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .protocol import Quantizer, checked_codes, choice, real, real_values
from .thresholds import cells

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt


@dataclass(frozen=True)
class Format:
    """Fields of a format.

    Attributes
    ----------
    mantissa, bias : int
    top : int
        The code of the largest finite value.
    infinity : int or None
        The code of infinity.
    nan : int
        The code of NaN; with the sign bit, if there is a negative zero.
    negative_zero : bool
    """

    mantissa: int
    bias: int
    top: int
    infinity: int | None
    nan: int
    negative_zero: bool = True


FORMATS = {
    "e4m3fn": Format(3, 7, 0x7E, None, 0x7F),
    "e5m2": Format(2, 15, 0x7B, 0x7C, 0x7E),
    "e4m3fnuz": Format(3, 8, 0x7F, None, 0x80, negative_zero=False),
    "e5m2fnuz": Format(2, 16, 0x7F, None, 0x80, negative_zero=False),
}


class Float8(Quantizer):
    """8-bit floating point; codes are the bit patterns.

    Parameters
    ----------
    format : "e4m3fn", "e5m2", "e4m3fnuz" or "e5m2fnuz"
        Exponent and mantissa bits. Largest values 448, 57344, 240 and 57344. Only e5m2 has infinities; the fnuz formats
        have no negative zero.
    overflow : "saturate" or "nan"
        What values get that round beyond the largest one, infinities included. "saturate": the largest one, as ONNX's
        Cast and QuantizeLinear with saturate = 1. "nan": NaN, in e5m2 infinity, as ml_dtypes; torch does so but for
        e4m3fn, which it saturates.
    scale : float, optional
        Codes are those of x / scale. None: `fit` chooses max |x| / largest value.

    Notes
    -----
    Values are rounded half to even, from double precision at once: ml_dtypes rounds float64 to float32 first. NaN has a
    code, so NaN and infinities are not refused. `levels`, in the order of codes, are not ascending and hold NaN.

    References
    ----------
    Open Compute Project, 8-bit Floating Point Specification (OFP8) 1.0; ONNX, "Float stored in 8 bits".

    Examples
    --------
    >>> from codec.quantizers import Float8
    >>> Float8("e4m3fn").transform([0.1, 17, 464, 1e6]).tolist()
    [0.1015625, 16.0, 448.0, 448.0]
    >>> Float8("e4m3fn", overflow="nan").transform([464, 465]).tolist()
    [448.0, nan]
    """

    name = "float8"

    def __init__(
        self,
        format: Literal["e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz"] = "e4m3fn",
        *,
        overflow: Literal["saturate", "nan"] = "saturate",
        scale: float | None = 1.0,
    ) -> None:
        self._name = choice(format, FORMATS, "format")
        self._overflow = choice(overflow, ("saturate", "nan"), "overflow")
        self._given_scale = self._scale = None if scale is None else real(scale, "scale", above=0)

    def fit(self, x: npt.ArrayLike) -> Self:
        """Choose the scale, unless it was given; 1 if all values are 0."""
        values = real_values(x)
        if self._given_scale is None:
            most = max(abs(float(values.min())), abs(float(values.max())))
            self._scale = most / float(values_of(self._name)[FORMATS[self._name].top]) or 1.0
        return self

    @property
    def scale(self) -> float:
        """The scale."""
        self._require(self._scale is not None)
        return self._scale  # type: ignore[return-value]

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """The code of each value, uint8."""
        values, kind = real_values(x, finite=False), FORMATS[self._name]
        codes = np.empty(values.shape, np.uint8)
        flat, target = np.ascontiguousarray(values).reshape(-1), codes.reshape(-1)
        beyond = {"saturate": kind.top, "nan": kind.nan if kind.infinity is None else kind.infinity}[self._overflow]
        for start in range(0, len(flat), 1 << 15):
            piece = flat[start : start + (1 << 15)]
            if self.scale != 1:
                piece = piece / np.float64(self.scale)
            size = cells(np.abs(piece), borders(self._name))
            size[size > kind.top] = beyond
            size[np.isnan(piece)] = kind.nan
            signed = np.signbit(piece) if kind.negative_zero else np.signbit(piece) & (size > 0)
            target[start : start + len(piece)] = size | signed.astype(np.uint8) << 7
        return codes

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The value of each code, float32."""
        values = values_of(self._name)[checked_codes(codes, 0, 255)]
        return values if self.scale == 1 else (values * np.float64(self.scale)).astype(np.float32)

    @property
    def code_range(self) -> tuple[int, int]:
        """(0, 255)."""
        return 0, 255

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(256,) float64 in the order of codes; NaN and infinities among them."""
        return self.decode(np.arange(256)).astype(np.float64)

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """float64, ascending: midway between neighbouring finite values."""
        finite = np.unique(self.levels[np.isfinite(self.levels)])
        return finite[:-1] + np.diff(finite) / 2

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor."""
        return {"format": self._name, "overflow": self._overflow, "scale": self._given_scale}

    def fitted(self) -> dict[str, Any]:
        """The scale."""
        return {} if self._given_scale is not None or self._scale is None else {"scale": self._scale}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """The scale."""
        if fitted:
            (scale,) = self._members(fitted, "scale")
            self._scale = real(scale, "scale", above=0)


@lru_cache(None)
def values_of(name: str) -> npt.NDArray[np.float32]:
    """(256,) float32: the values of all codes."""
    kind, codes = FORMATS[name], np.arange(128)
    exponent, mantissa = codes >> kind.mantissa, codes & (1 << kind.mantissa) - 1
    hidden = np.where(exponent > 0, 1 << kind.mantissa, 0)
    sizes = np.ldexp((hidden + mantissa).astype(float), np.maximum(exponent, 1) - kind.bias - kind.mantissa)
    if kind.infinity is not None:
        sizes[kind.infinity] = math.inf
    sizes[codes > max(kind.top, kind.infinity or 0)] = math.nan
    values = np.concatenate([sizes, -sizes])
    if not kind.negative_zero:
        values[kind.nan] = math.nan
    return values.astype(np.float32)


@lru_cache(None)
def borders(name: str) -> npt.NDArray[np.float64]:
    """(top + 1,) float64: magnitudes above the border of a code belong to the next one. A tie goes to the even code, so
    the border of an odd one is just below the tie."""
    kind = FORMATS[name]
    sizes = values_of(name)[: kind.top + 1].astype(np.float64)
    following = 2 * sizes[-1] - sizes[-2]  # the largest value is followed by one of its own exponent, if there were one
    ties = (sizes + np.append(sizes[1:], following)) / 2
    return np.where(np.arange(kind.top + 1) % 2, np.nextafter(ties, 0), ties)
