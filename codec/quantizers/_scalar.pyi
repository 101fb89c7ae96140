from typing import Any

import numpy as np
import numpy.typing as npt

KERNELS: tuple[str, ...]
BUILT_LEVELS: tuple[int, ...]
FORMULAS: tuple[str, ...]

def affine_encode(
    x: npt.NDArray[np.float32],
    factor: npt.NDArray[np.float32],
    zero: npt.NDArray[np.float32],
    block: int,
    codes: npt.NDArray[Any],
    *,
    formula: int,
    low: float,
    high: float,
    nan: float,
    wild: float,
    wraps: bool,
    up: tuple[float, float],
    down: tuple[float, float],
    plain: int,
    level: int,
) -> bool: ...
def affine_decode(
    codes: npt.NDArray[Any],
    scale: npt.NDArray[np.float32],
    zero: npt.NDArray[np.float32],
    block: int,
    out: npt.NDArray[np.float32],
    *,
    level: int,
) -> None: ...
def search(x: npt.NDArray[Any], thresholds: npt.NDArray[Any], codes: npt.NDArray[Any], level: int) -> None: ...
