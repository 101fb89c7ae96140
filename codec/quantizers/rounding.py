"""Rounding modes by name.

Every mode is a correction of rounding half to even. With r = rint(v) and d = v - r, which is exact, the result is r + 1
if d > up, r - 1 if d < down, else r; `up` and `down` depend on the sign of v. A tie has |d| = 1/2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

NEVER = 1.0
TIE = float(
    np.nextafter(np.float32(0.5), np.float32(0))
)  # below a tie, and not below anything less in single precision

# name -> ((up for v >= 0, up for v < 0), (down for v >= 0, down for v < 0))
OFFSETS = {
    "half-even": ((NEVER, NEVER), (-NEVER, -NEVER)),
    "half-away": ((TIE, NEVER), (-NEVER, -TIE)),
    "half-up": ((TIE, TIE), (-NEVER, -NEVER)),
    "half-down": ((NEVER, NEVER), (-TIE, -TIE)),
    "toward-zero": ((NEVER, 0.0), (0.0, -NEVER)),
    "floor": ((NEVER, NEVER), (0.0, 0.0)),
    "ceil": ((0.0, 0.0), (-NEVER, -NEVER)),
}
MODES = tuple(OFFSETS)


def rounded(v: npt.NDArray[Any], mode: str) -> npt.NDArray[Any]:
    """Float values rounded to integers, in their own precision; `mode` is one of MODES.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers.rounding import rounded
    >>> [rounded(np.array([-2.5, -0.5, 0.5, 1.2]), mode).tolist() for mode in ("half-even", "half-away", "half-up")]
    [[-2.0, -0.0, 0.0, 1.0], [-3.0, -1.0, 1.0, 1.0], [-2.0, -0.0, 1.0, 1.0]]
    """
    nearest = np.rint(v)
    if mode == "half-even":
        return nearest
    if mode in ("half-away", "half-up", "half-down"):
        with np.errstate(invalid="ignore"):  # infinities stay what they are
            tie = np.abs(v - nearest) == 0.5
        away = {"half-up": np.ceil, "half-down": np.floor}.get(mode, lambda v: np.trunc(v) + np.copysign(1, v))(v)
        return np.where(tie, away, nearest)
    return {"toward-zero": np.trunc, "floor": np.floor, "ceil": np.ceil}[mode](v)
