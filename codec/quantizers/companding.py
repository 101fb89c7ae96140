"""Companding in continuous form: a compressor, equal steps, an expander."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ParameterError
from .protocol import Quantizer, checked_codes, choice, code_dtype, in_pieces, integer, real, real_values
from .uniform import MOST_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

PARAMETERS = {"mu": 255.0, "a": 87.6, "power": 0.75}
MOST_CODE = 8191  # of the power law, as in AAC


class Compander(Quantizer):
    """mu-law and A-law, as MATLAB's compand, and the power law of MP3 and AAC.

    Parameters
    ----------
    law : "mu", "a" or "power"
        With u = |x| / peak, both logarithmic laws map 0..1 to 0..1: mu-law ln(1 + mu u) / ln(1 + mu); A-law A u / (1 +
        ln A) up to u = 1 / A, (1 + ln(A u)) / (1 + ln A) beyond. The power law is |x / step|^p.
    parameter : float, optional
        mu > 0 (255), A >= 1 (87.6), or 0 < p <= 1 (0.75).
    bits : int
        mu-law and A-law: 2^bits equal cells of the compressed range -1..1, codes from -2^(bits - 1); 1..24.
    peak : float, optional
        mu-law and A-law: the largest magnitude. Without it, `fit` takes that of the data.
    step : float
        Power law: code = sign(x) trunc(|x / step|^p + offset), clipped to -8191..8191; value = sign |code|^(1/p) step.
    offset : float
        Power law: 0..1. 0.4054 = 1 - 2^-0.75 puts the border between 0 and 1 midway, as AAC encoders do.

    Notes
    -----
    For p = 0.75 the code is computed in single precision as FFmpeg's AAC encoder does: sqrt(a sqrt(a)) for a = |x|
    times the same of 1 / step, plus the offset. Everything else is in double precision. These laws are not the codes of
    G.711: see `G711`.

    References
    ----------
    ITU-T G.711; ISO/IEC 14496-3, 4.6.1 (inverse quantization of AAC).

    Examples
    --------
    >>> from codec.quantizers import Compander
    >>> Compander("mu", peak=1).compress([-1, 0, 0.01]).round(4).tolist()
    [-1.0, 0.0, 0.2285]
    >>> q = Compander("power")
    >>> q.encode([0.5, 1.6, 100]).tolist(), q.decode([2]).round(4).tolist()
    ([1, 1, 32], [2.5198])
    """

    name = "compander"

    def __init__(
        self,
        law: Literal["mu", "a", "power"],
        *,
        parameter: float | None = None,
        bits: int = 8,
        peak: float | None = None,
        step: float = 1.0,
        offset: float = 0.4054,
    ) -> None:
        self._law = choice(law, PARAMETERS, "law")
        self._parameter = real(PARAMETERS[law] if parameter is None else parameter, "parameter", above=0)
        if (law == "a" and self._parameter < 1) or (law == "power" and self._parameter > 1):
            raise ParameterError(f"parameter must be {'at least' if law == 'a' else 'at most'} 1, not {parameter}")
        self._bits = integer(bits, "bits", low=1, high=MOST_BITS)
        self._given_peak = self._peak = None if peak is None else real(peak, "peak", above=0)
        self._step, self._offset = real(step, "step", above=0), real(offset, "offset")
        if not 0 <= self._offset <= 1:
            raise ParameterError(f"offset must be within 0..1, not {offset}")

    def fit(self, x: npt.ArrayLike) -> Self:
        """Take the largest magnitude of the data as the peak, unless it was given; 1 if all values are 0."""
        values = real_values(x)
        if self._given_peak is None:
            self._peak = max(abs(float(values.min())), abs(float(values.max()))) or 1.0
        return self

    def _unit(self):
        if self._law == "power":
            return self._step
        self._require(self._peak is not None)
        return self._peak

    def compress(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The law alone: values to peak times the compressed magnitude, with their sign (MATLAB's compressor); for the
        power law sign(x) |x / step|^p. float64."""
        unit, p = self._unit(), self._parameter

        def law(piece):
            u = np.abs(piece) / unit
            if self._law == "mu":
                size = unit * np.log1p(p * u) / math.log1p(p)
            elif self._law == "a":
                tail = 1 + np.log(np.maximum(p * u, 1))
                size = unit * np.where(u <= 1 / p, p * u, tail) / (1 + math.log(p))
            else:
                size = u**p
            return np.copysign(size, piece)

        return in_pieces(real_values(x), law, np.float64)

    def expand(self, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The inverse of `compress`. float64."""
        unit, p = self._unit(), self._parameter

        def inverse(piece):
            v = np.abs(piece) / (1 if self._law == "power" else unit)
            if self._law == "mu":
                size = unit * np.expm1(v * math.log1p(p)) / p
            elif self._law == "a":
                scaled = v * (1 + math.log(p))
                size = unit * np.where(scaled <= 1, scaled, np.exp(scaled - 1)) / p
            else:
                size = unit * v ** (1 / p)
            return np.copysign(size, piece)

        return in_pieces(real_values(y, "y"), inverse, np.float64)

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The code of each value; values beyond the last level get its code."""
        values, (low, high) = real_values(x), self.code_range
        if self._law != "power":
            cells, peak = 2.0 ** (self._bits - 1), self._unit()
            return in_pieces(
                values,
                lambda v: np.clip(np.ceil(self.compress(v) / peak * cells) - 1, low, high),
                code_dtype(low, high),
            )
        if self._parameter != 0.75:
            size = lambda v: np.abs(self.compress(v)) + self._offset  # noqa: E731
        else:
            size = self._three_quarters
        return in_pieces(values, lambda v: np.copysign(np.minimum(np.trunc(size(v)), high), v), code_dtype(low, high))

    def _three_quarters(self, v):
        """|v / step|^0.75 + offset in single precision. Both are scaled by the same power of 16, which changes no digit
        and keeps the step in single precision."""
        fraction, exponent = math.frexp(self._step)
        shift = exponent // 4 * 4
        with np.errstate(over="ignore", under="ignore"):
            a = np.ldexp(np.abs(v), -shift).astype(np.float32)
            unit = np.float32(1) / np.float32(math.ldexp(fraction, exponent - shift))
            return np.sqrt(a * np.sqrt(a)) * np.sqrt(unit * np.sqrt(unit)) + np.float32(self._offset)

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The value of each code, float64: the middle of its cell in the compressed range; for the power law
        sign |code|^(1/p) step."""
        checked = checked_codes(codes, *self.code_range).astype(np.float64)
        if not checked.size:
            return checked
        return self.expand(
            checked if self._law == "power" else (checked + 0.5) * (self._unit() / 2.0 ** (self._bits - 1))
        )

    @property
    def code_range(self) -> tuple[int, int]:
        """(lowest, highest) code."""
        half = 1 << self._bits - 1
        return (-MOST_CODE, MOST_CODE) if self._law == "power" else (-half, half - 1)

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(n,) float64, ascending."""
        low, high = self.code_range
        return self.decode(np.arange(low, high + 1))

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(n - 1,) float64, ascending: where the code changes, in exact arithmetic."""
        low, high = self.code_range
        if self._law == "power":
            positive = self.expand(np.arange(1, high + 1) - self._offset)
            return np.concatenate([-positive[::-1], positive])
        if low == high - 1:
            return np.zeros(1)
        return self.expand(np.arange(low + 1, high + 1) * (self._unit() / 2.0 ** (self._bits - 1)))

    def limits(self) -> tuple[float, float]:
        """The peak on both sides, which is beyond the middle of the last cell; as elsewhere for the power law."""
        return super().limits() if self._law == "power" else (-self._unit(), self._unit())

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor."""
        return {
            "law": self._law,
            "parameter": self._parameter,
            "bits": self._bits,
            "peak": self._given_peak,
            "step": self._step,
            "offset": self._offset,
        }

    def fitted(self) -> dict[str, Any]:
        """The peak of the data."""
        return {} if self._given_peak is not None or self._peak is None else {"peak": self._peak}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """The peak of the data."""
        if fitted:
            (peak,) = self._members(fitted, "peak")
            self._peak = real(peak, "peak", above=0)
