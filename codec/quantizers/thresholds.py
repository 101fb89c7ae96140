"""Quantizers that are lists: ascending thresholds between cells, and a level for each cell.

Cells are (t[i - 1], t[i]], as in MATLAB's quantiz: a value on a threshold belongs to the cell below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ._scalar import search
from .protocol import Quantizer, checked_codes, code_dtype, real_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

MOST_LEVELS = 65536


def cells(x: npt.NDArray[Any], thresholds: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """The cell 0..n of each value of a float32 or float64 array: how many of n <= 65535 thresholds are below it; uint8
    or uint16."""
    n = len(thresholds)
    padded = np.full((1 << n.bit_length()) - 1, np.inf)
    padded[:n] = thresholds
    if x.dtype == np.float32:
        with np.errstate(over="ignore", under="ignore"):
            single = padded.astype(np.float32)
        # x > t for single precision x is x > the largest single precision number that is at most t
        padded = np.where(single > padded, np.nextafter(single, np.float32(-np.inf)), single)
    codes = np.empty(x.shape, code_dtype(0, n))
    search(np.ascontiguousarray(x).reshape(-1), padded, codes.reshape(-1), cpu.level_index())
    return codes


class ThresholdQuantizer(Quantizer):
    """A quantizer with thresholds and levels; subclasses choose them."""

    _levels: npt.NDArray[np.float64] | None = None
    _thresholds: npt.NDArray[np.float64]

    def _set(self, thresholds, levels):
        """Take thresholds and levels, checked: they may come from a file."""
        try:
            t, y = np.array(thresholds, np.float64), np.array(levels, np.float64)
        except (ValueError, TypeError) as error:
            raise ParameterError(f"thresholds and levels must be lists of numbers: {error}") from None
        if t.ndim != 1 or y.ndim != 1 or not 1 <= len(y) <= MOST_LEVELS or len(t) != len(y) - 1:
            raise ParameterError(
                f"{len(y) if y.ndim else 0} levels need one threshold less, and are at most {MOST_LEVELS}"
            )
        if not (np.isfinite(t).all() and np.isfinite(y).all() and (np.diff(t) >= 0).all() and (np.diff(y) >= 0).all()):
            raise ParameterError("thresholds and levels must be finite and ascending")
        self._thresholds, self._levels = t, y

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """The cell of each value, uint8 or uint16."""
        self._require(self._levels is not None)
        return cells(real_values(x), self._thresholds)

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The level of each code, float64."""
        return self.levels[checked_codes(codes, *self.code_range)]

    @property
    def code_range(self) -> tuple[int, int]:
        """(0, number of levels - 1)."""
        return 0, len(self.levels) - 1

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(n,) float64, ascending."""
        self._require(self._levels is not None)
        return self._levels.copy()  # type: ignore[union-attr]

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(n - 1,) float64, ascending."""
        self._require(self._levels is not None)
        return self._thresholds.copy()

    def fitted(self) -> dict[str, Any]:
        """Thresholds and levels."""
        if self._levels is None:
            return {}
        return {"thresholds": self._thresholds.tolist(), "levels": self._levels.tolist()}

    def restore(self, fitted: Mapping[str, Any]) -> None:
        """Thresholds and levels."""
        if fitted:
            self._set(*self._members(fitted, "thresholds", "levels"))
