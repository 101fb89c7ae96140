"""Uniform quantizers: equal steps, with or without a wider cell around zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import _core
from ..errors import ParameterError
from ..pixels import as_array
from .protocol import Quantizer, checked_codes, choice, code_dtype, in_pieces, integer, real, real_values
from .rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

MOST_BITS = 24
ZIGZAG_BACK = np.argsort(_core.ZIGZAG)


class Uniform(Quantizer):
    """Equal steps.

    Parameters
    ----------
    bits : int, optional
        1..24: 2^bits levels.
    levels : int, optional
        1..2^24, instead of `bits`.
    kind : "mid-tread" or "mid-rise"
        Whether 0 (of a range: its lower end) is a level or a threshold.
    low, high : float, optional
        The range. Codes are 0..n - 1. Mid-rise: n equal cells, levels in their middles. Mid-tread: the ends are levels.
    step : float, optional
        Instead of a range: levels are the multiples of `step` (mid-tread), or lie halfway between them (mid-rise).
        Codes are -(n // 2)..n - 1 - n // 2, and code 0 has the level 0 (mid-tread) or step / 2 (mid-rise).

    Notes
    -----
    Without range and step, `fit` takes the extremes of the data as the range; constant data gets a level of its own,
    and the step 1. A value on a threshold belongs to the cell below it, as in MATLAB's quantiz. Arithmetic is in double
    precision.

    Examples
    --------
    >>> from codec.quantizers import Uniform
    >>> q = Uniform(2, kind="mid-rise", low=-1, high=1)
    >>> q.levels.tolist(), q.thresholds.tolist(), q.encode([-9, 0, 0.1, 9]).tolist()
    ([-0.75, -0.25, 0.25, 0.75], [-0.5, 0.0, 0.5], [0, 1, 2, 3])
    >>> Uniform(3, step=0.5).encode([-9, -0.6, 0.2, 0.3]).tolist()
    [-4, -1, 0, 1]
    """

    name = "uniform"

    def __init__(
        self,
        bits: int | None = None,
        *,
        levels: int | None = None,
        kind: Literal["mid-tread", "mid-rise"] = "mid-tread",
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
    ) -> None:
        if (bits is None) == (levels is None):
            raise ParameterError("give either bits or levels")
        if bits is not None:
            self._count = 1 << integer(bits, "bits", low=1, high=MOST_BITS)
        else:
            self._count = integer(levels, "levels", low=1, high=1 << MOST_BITS)
        choice(kind, ("mid-tread", "mid-rise"), "kind")
        if (low is None) != (high is None) or (step is not None and low is not None):
            raise ParameterError("give both low and high, or step, or none of them")
        self._settings = {"levels": self._count, "kind": kind, "low": low, "high": high, "step": step}
        self._half = 0.5 if kind == "mid-rise" else 0.0
        self._first, self._origin, self._step = 0, 0.0, 0.0  # the level of a code is origin + (code + half) step
        if step is not None:
            self._step, self._first = real(step, "step", above=0), -(self._count // 2)
        elif low is not None:
            lowest = real(low, "low")
            self._span(lowest, real(high, "high", above=lowest))

    def _span(self, low, high):
        cells = self._count if self._half else self._count - 1
        if low == high:
            self._step, self._origin = 1.0, low - self._half
        elif cells:
            self._step, self._origin = high / cells - low / cells, low
        else:
            self._step, self._origin = high - low, low + (high - low) / 2
        if not 0 < self._step < math.inf:
            raise ParameterError(f"{self._count} levels from {low:g} to {high:g} have no step in double precision")

    def fit(self, x: npt.ArrayLike) -> Self:
        """Take the extremes of the data as the range, unless range or step were given."""
        values = real_values(x)
        if self._settings["low"] is None and self._settings["step"] is None:
            self._span(float(values.min()), float(values.max()))
        return self

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The code of the cell of each value; values beyond the last level get its code."""
        self._require(self._step > 0)
        low, high = self.code_range

        def codes(piece):
            with np.errstate(over="ignore"):
                position = (piece - self._origin) / self._step
            near = np.ceil(position) - 1 if self._half else rounded(position, "half-down")
            return np.clip(near, low, high)

        return in_pieces(real_values(x), codes, code_dtype(low, high))

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The level of each code, float64."""
        self._require(self._step > 0)
        checked = checked_codes(codes, *self.code_range)
        return self._origin + (checked.astype(np.float64) + self._half) * self._step

    @property
    def code_range(self) -> tuple[int, int]:
        """(lowest, highest) code: from 0 for a range, around 0 for a step."""
        return self._first, self._first + self._count - 1

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(n,) float64."""
        return self.decode(np.arange(self._first, self._first + self._count))

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(n - 1,) float64: midway between levels; where rounding takes `encode` to the cell above, the nearest number
        that is in the cell below."""
        codes = np.arange(self._first, self._first + self._count - 1, dtype=np.float64)
        borders = self._origin + (codes + self._half + 0.5) * self.step
        above = np.flatnonzero(self.encode(borders) > codes) if codes.size else []
        while len(above):
            borders[above] -= np.spacing(np.abs(borders[above]) + abs(self._origin))
            above = above[self.encode(borders[above]) > codes[above]]
        return borders

    @property
    def step(self) -> float:
        """The distance between neighbouring levels."""
        self._require(self._step > 0)
        return self._step

    def settings(self) -> dict[str, Any]:
        """The keywords of the constructor; bits as levels."""
        return dict(self._settings)

    def fitted(self) -> dict[str, Any]:
        """The range of the data, as the level of code 0 and the step."""
        if self._settings["low"] is not None or self._settings["step"] is not None or not self._step:
            return {}
        return {"origin": self._origin, "step": self._step}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """The range of the data."""
        if fitted:
            origin, step = self._members(fitted, "origin", "step")
            self._origin, self._step = real(origin, "origin"), real(step, "step", above=0)


class DeadZone(Quantizer):
    """Equal steps with a wider cell around zero: code = sign(x) floor(|x| / step + offset), value = code step.

    Parameters
    ----------
    step : float, or 64 integers
        One step in double precision. Or a quantization table in natural order, for blocks of coefficients: int16 arrays
        (N, 64) in natural order, through the kernel of the JPEG encoder, which rounds DC to nearest.
    offset : float
        0..1/2. 1/2 rounds to nearest; with less, cells start at (code - offset) step. 1/3 and 1/6 are usual in H.264
        encoders for intra and inter blocks; the JPEG encoder here uses 104/256. With a table, a multiple of 1/256.

    Notes
    -----
    Codes are clipped to -32767..32767. There is nothing to fit. A value on a threshold belongs to the cell away from
    zero.

    Examples
    --------
    >>> from codec.quantizers import DeadZone
    >>> q = DeadZone(10, 0.25)
    >>> q.encode([-17.5, -7.5, -7.4, 0, 7.4, 7.5, 99]).tolist()
    [-2, -1, 0, 0, 0, 1, 10]
    """

    name = "dead-zone"

    def __init__(self, step: float | npt.ArrayLike, offset: float = 1 / 3) -> None:
        self._offset = real(offset, "offset")
        if not 0 <= self._offset <= 0.5:
            raise ParameterError(f"offset must be within 0..1/2, not {offset}")
        self._table: npt.NDArray[np.uint16] | None = None
        self._step = 0.0
        if not isinstance(step, (int, float, np.integer, np.floating)):
            table = as_array(step, "step")
            if table.shape != (64,) or table.dtype.kind not in "iu" or table.min() < 1 or table.max() > 65535:
                raise ParameterError("a table of steps has 64 integers within 1..65535")
            if self._offset * 256 % 1:
                raise ParameterError(f"with a table of steps, offset must be a multiple of 1/256, not {offset}")
            self._table = table.astype(np.uint16)
        else:
            self._step = real(step, "step", above=0)

    def fit(self, x: npt.ArrayLike) -> Self:
        """Only check the data: there is nothing to choose."""
        real_values(x)
        return self

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """int16 codes like `x`."""
        if self._table is not None:
            coefficients = as_array(x, "x")
            made = _core.quantize(coefficients, self._table, scale=1, ac_rounding=int(self._offset * 256))
            return made[:, ZIGZAG_BACK]

        def codes(piece):
            with np.errstate(over="ignore"):
                size = np.floor(np.abs(piece) / self._step + self._offset)
            return np.copysign(np.minimum(size, 32767), piece)

        return in_pieces(real_values(x), codes, np.int16)

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[Any]:
        """code step: float64, with a table int32."""
        checked = checked_codes(codes, *self.code_range)
        if self._table is None:
            return checked * self._step
        if checked.ndim != 2 or checked.shape[1] != 64:
            raise ParameterError(f"codes must have the shape (N, 64), not {checked.shape}")
        return checked.astype(np.int32) * self._table

    @property
    def code_range(self) -> tuple[int, int]:
        """(-32767, 32767)."""
        return -32767, 32767

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(65535,) float64."""
        return self.decode(np.arange(-32767, 32768)) if self._table is None else self._no_list()

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(65534,) float64."""
        if self._table is not None:
            return self._no_list()
        positive = (np.arange(1, 32768) - self._offset) * self._step
        return np.concatenate([-positive[::-1], positive])

    def _no_list(self):
        raise ParameterError("a table of steps has no single list of levels: use a DeadZone for each step")

    @property
    def step(self) -> float | None:
        """The step; None for a table."""
        return self._step or None

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"step": self._step if self._table is None else self._table.tolist(), "offset": self._offset}
