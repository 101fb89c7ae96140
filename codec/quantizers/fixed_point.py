"""Fixed point: words of up to 64 bits with a binary point, exact in every bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array
from .protocol import Quantizer, checked_codes, choice, code_dtype, in_pieces, integer, real_values
from .rounding import MODES, rounded

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt


class FixedPoint(Quantizer):
    """Qm.n: a sign bit, m integer bits and n fraction bits; without a sign UQm.n. The value of a code is code 2^-n.

    Parameters
    ----------
    m, n : int
        At least 0. The word, sign included, has 1..64 bits. (Some texts count the sign in m: their Q1.15 is Q0.15
        here.)
    rounding : str
        "half-even", "half-away", "half-up", "half-down", "toward-zero", "floor" or "ceil". MATLAB's fi calls them
        Convergent, Round, Nearest, -, Fix, Floor and Ceiling.
    overflow : "saturate" or "wrap"
        Values outside of the range get its nearest end, or keep the low bits of their code (two's complement).
    signed : bool

    Notes
    -----
    Integers are encoded without a detour through floating point, and so are the results of float64 beyond 2^53.
    `decode` gives float64, rounded half to even where a code has more than 53 significant bits.

    Examples
    --------
    >>> from codec.quantizers import FixedPoint
    >>> q = FixedPoint(0, 7)
    >>> q.encode([0.5, -1, 1, 0.1]).tolist(), q.decode([64, 127]).tolist()
    ([64, -128, 127, 13], [0.5, 0.9921875])
    >>> FixedPoint(0, 7, overflow="wrap").encode([1, 1.5]).tolist()
    [-128, -64]
    >>> FixedPoint(63, 0).encode([2**63 - 1]).tolist()
    [9223372036854775807]
    """

    name = "fixed-point"

    def __init__(
        self,
        m: int,
        n: int,
        *,
        rounding: str = "half-even",
        overflow: Literal["saturate", "wrap"] = "saturate",
        signed: bool = True,
    ) -> None:
        self._m, self._n = integer(m, "m", low=0), integer(n, "n", low=0)
        if not isinstance(signed, (bool, np.bool_)):
            raise ParameterError(f"signed must be True or False, not {signed!r}")
        self._signed = bool(signed)
        self._word = self._m + self._n + self._signed
        if not 1 <= self._word <= 64:
            raise ParameterError(f"the word has {self._word} bits; it must have 1..64, the sign included")
        self._rounding = choice(rounding, MODES, "rounding")
        self._overflow = choice(overflow, ("saturate", "wrap"), "overflow")

    def fit(self, x: npt.ArrayLike) -> Self:
        """Only check the data: there is nothing to choose."""
        real_values(x)
        return self

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The code of each value, in the smallest integer dtype that holds the word."""
        array, dtype = as_array(x, "x"), code_dtype(*self.code_range)
        if array.dtype.kind in "iu" and array.size:
            return self._from_integers(array).astype(dtype, copy=False)
        scale, round_off = 2.0**self._n, self._rounding

        def codes(piece):
            with np.errstate(over="ignore"):  # infinite: beyond the range; nothing is lost below
                v = rounded(piece * scale, round_off)
            return self._fitted_word(v)

        values = real_values(array)
        if self._overflow == "wrap" and self._n:
            most = max(abs(float(values.min())), abs(float(values.max())))
            if most > 2.0 ** (1023 - self._n):
                raise ParameterError(f"x holds {most:g}, of which 2^{self._n} times is beyond double precision")
        return in_pieces(values, codes, dtype)

    def _fitted_word(self, v):
        """Integers in double precision to codes. A comparison with the end of a range that double precision rounds up
        is exact with "at least".
        """
        low, high = self.code_range
        wide = np.int64 if self._signed else np.uint64
        if self._overflow == "saturate":
            inside = np.where((v >= low) & (v < float(high + 1)), v, 0).astype(wide)
            return np.where(v >= float(high + 1), wide(high), np.where(v < low, wide(low), inside))
        size = np.fmod(np.abs(v), 2.0**self._word).astype(np.uint64)
        return self._wrapped(np.where(v < 0, np.uint64(0) - size, size))

    def _from_integers(self, array):
        low, high = self.code_range
        if self._overflow == "wrap":
            bits = array.astype(np.uint64) if array.dtype.kind == "u" else array.astype(np.int64).view(np.uint64)
            return self._wrapped(bits << np.uint64(self._n) if self._n < 64 else np.zeros_like(bits))
        wide = np.int64 if self._signed else np.uint64
        most, least = high >> self._n, -(-low >> self._n)
        limits = np.iinfo(array.dtype)
        inside = np.clip(array, max(least, limits.min), min(most, limits.max)).astype(wide)
        codes = inside << wide(min(self._n, 63))
        return np.where(array > most, wide(high), np.where(array < least, wide(low), codes))

    def _wrapped(self, bits):
        """The low bits of uint64, as a two's complement number if there is a sign."""
        spare = np.uint64(64 - self._word)
        if self._signed:
            return (bits << spare).view(np.int64) >> spare.view(np.int64)
        return (bits << spare) >> spare

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """code 2^-n, float64."""
        return np.ldexp(checked_codes(codes, *self.code_range).astype(np.float64), -self._n)

    @property
    def code_range(self) -> tuple[int, int]:
        """(lowest, highest) code."""
        return (-(1 << self._word - 1), (1 << self._word - 1) - 1) if self._signed else (0, (1 << self._word) - 1)

    def _listed(self, end):
        if self._word > 24:
            raise ParameterError(f"2^{self._word} levels are too many to list: at most 2^24")
        return np.arange(self.code_range[0], self.code_range[1] + end)

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(2^word,) float64; words of at most 24 bits."""
        return self.decode(self._listed(1))

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(2^word - 1,) float64; words of at most 24 bits."""
        codes = self._listed(0).astype(np.float64)
        border = {"floor": 1.0, "ceil": 0.0, "toward-zero": (codes >= 0).astype(float)}.get(self._rounding, 0.5)
        return (codes + border) * self.step

    @property
    def step(self) -> float:
        """2^-n."""
        return 2.0**-self._n

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "m": self._m,
            "n": self._n,
            "rounding": self._rounding,
            "overflow": self._overflow,
            "signed": self._signed,
        }
