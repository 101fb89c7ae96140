"""Dither: noise added before a quantizer, so that its error does not depend on the signal (Lipshitz, Wannamaker and
Vanderkooy, J. Audio Eng. Soc. 40(5), 1992).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ParameterError
from .protocol import Quantizer, choice, integer, real_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

KINDS = ("tpdf", "subtractive", "stochastic")
PIECE = 1 << 15


class Dithered(Quantizer):
    """A quantizer with equal steps behind dither.

    Parameters
    ----------
    quantizer : Quantizer
        With a `step`: Uniform, Affine for all data, FixedPoint, DeadZone with one step.
    kind : "tpdf", "subtractive" or "stochastic"
        With u, u' independent and uniform in 0..1, and S = step: "tpdf" adds (u + u' - 1) S; the error has a constant
        variance of 3 S^2 / 12. "subtractive" adds (u - 1/2) S and `decode` takes it away again: variance S^2 / 12,
        independent of the signal. "stochastic" adds (u - 1/2) S: stochastic rounding, without bias; the variance
        depends on the signal, 2 S^2 / 12 in the mean. (Within the range, and for a quantizer that rounds to nearest.)
    seed : int
        0..2^64 - 1.

    Notes
    -----
    The noise of the value at position i of an array (in C order) depends on `seed` and i alone, in integer arithmetic:
    the same codes on every machine, for any split of the data (`start`). With G = 0x9E3779B97F4A7C15 and all sums and
    products modulo 2^64, z = mix(mix(seed) + k G), u = (z >> 11) 2^-53, where k = 2 i + 1 for u and 2 i + 2 for u', and
    mix is the output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): z ^= z >> 30, z *=
    0xBF58476D1CE4E5B9, z ^= z >> 27, z *= 0x94D049BB133111EB, z ^= z >> 31.

    Examples
    --------
    >>> from codec.quantizers import Dithered, Uniform
    >>> q = Dithered(Uniform(8, step=1.0), "stochastic", seed=1)
    >>> sorted(set(q.encode([0.25] * 1000).tolist())), round(float(q.transform([0.25] * 100000).mean()), 2)
    ([0, 1], 0.25)
    """

    name = "dithered"

    def __init__(
        self,
        quantizer: Quantizer,
        kind: Literal["tpdf", "subtractive", "stochastic"] = "tpdf",
        *,
        seed: int = 0,
    ) -> None:
        if not isinstance(quantizer, Quantizer) or isinstance(quantizer, Dithered):
            raise ParameterError(f"quantizer must be a Quantizer with a step, not {quantizer!r}")
        self._quantizer = quantizer
        self._kind = choice(kind, KINDS, "kind")
        self._seed = integer(seed, "seed", low=0, high=(1 << 64) - 1)

    @property
    def quantizer(self) -> Quantizer:
        """The quantizer behind the dither."""
        return self._quantizer

    def fit(self, x: npt.ArrayLike) -> Self:
        """Fit the quantizer."""
        self._quantizer.fit(x)
        return self

    def noise(self, n: int, *, start: int = 0) -> npt.NDArray[np.float64]:
        """(n,) float64: what is added at positions start..start + n - 1."""
        step = self.step
        if step is None:
            raise ParameterError(f"dither needs equal steps; {self._quantizer!r} has none")
        if self._kind == "tpdf":
            return (_unit(self._seed, start, n, 1) + _unit(self._seed, start, n, 2) - 1) * step
        return (_unit(self._seed, start, n, 1) - 0.5) * step

    def encode(self, x: npt.ArrayLike, *, start: int = 0) -> npt.NDArray[Any]:
        """The code of each value; `start` is the position of the first one, if the data comes in parts."""
        values, start = real_values(x), integer(start, "start", low=0)
        flat = np.ascontiguousarray(values).reshape(-1)
        parts = []
        for first in range(0, len(flat), PIECE):
            piece = flat[first : first + PIECE].astype(np.float64)
            piece += self.noise(len(piece), start=start + first)
            parts.append(self._quantizer.encode(piece))
        return np.concatenate(parts).reshape(values.shape)

    def decode(self, codes: npt.ArrayLike, *, start: int = 0) -> npt.NDArray[Any]:
        """The value of each code; less the noise if that is subtractive (float64)."""
        values, start = self._quantizer.decode(codes), integer(start, "start", low=0)
        if self._kind != "subtractive":
            return values
        out = values.astype(np.float64, order="C")
        flat = out.reshape(-1)
        for first in range(0, len(flat), PIECE):
            piece = flat[first : first + PIECE]
            piece -= self.noise(len(piece), start=start + first)
        return out

    @property
    def code_range(self) -> tuple[int, int]:
        """That of the quantizer."""
        return self._quantizer.code_range

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """Those of the quantizer."""
        return self._quantizer.levels

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """Those of the quantizer, without the noise."""
        return self._quantizer.thresholds

    @property
    def step(self) -> float | None:
        """That of the quantizer."""
        return self._quantizer.step

    def limits(self) -> tuple[float, float]:
        """Those of the quantizer."""
        return self._quantizer.limits()

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor, the quantizer as a record."""
        return {"quantizer": self._quantizer.record(), "kind": self._kind, "seed": self._seed}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Dithered:
        """The quantizer of `settings`."""
        record = settings.get("quantizer")
        if isinstance(record, dict) and record.get("quantizer") == cls.name:
            raise ParameterError("a dithered quantizer is no quantizer for dither")
        return cls(**{**settings, "quantizer": Quantizer.from_record(record)})

    def __repr__(self) -> str:
        return f"Dithered({self._quantizer!r}, kind={self._kind!r}, seed={self._seed})"


GOLDEN = 0x9E3779B97F4A7C15


def _mix(z):
    """Output function of SplitMix64, on uint64 arrays."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _unit(seed, start, n, stream):
    """(n,) float64 in [0, 1), multiples of 2^-53, of positions start..start + n - 1."""
    counter = np.arange(n, dtype=np.uint64) * np.uint64(2) + np.uint64((2 * start + stream) % (1 << 64))
    z = _mix(_mix(np.array([seed], np.uint64)) + counter * np.uint64(GOLDEN))
    return (z >> np.uint64(11)) * 2.0**-53
