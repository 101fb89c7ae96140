from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..._types import Samples

LEVELS_8: dict[str, tuple[int, ...]]
LEVELS_16: dict[str, tuple[int, ...]]
INTRA: dict[str, tuple[int, int, int]]

_Threshold: TypeAlias = tuple[int, int, int, int, int]  # alpha, beta, tC0 of bS 1, 2, 3

def luma(
    dst: Samples,
    src: Samples,
    y: int,
    x: int,
    w: int,
    h: int,
    xFrac: int,
    yFrac: int,
    average: bool,
    max: int,
    level: int,
    times: int = 1,
) -> None: ...
def chroma(
    dst: Samples,
    src: Samples,
    y: int,
    x: int,
    w: int,
    h: int,
    xFrac: int,
    yFrac: int,
    average: bool,
    level: int,
    times: int = 1,
) -> None: ...
def weight(
    dst: Samples, w: int, h: int, logWD: int, weight: int, offset: int, max: int, level: int, times: int = 1
) -> None: ...
def biweight(
    dst: Samples,
    src: Samples,
    w: int,
    h: int,
    logWD: int,
    w0: int,
    w1: int,
    offset: int,
    max: int,
    level: int,
    times: int = 1,
) -> None: ...
def intra(
    picture: Samples, y: int, x: int, kind: str, mode: int, available: int, max: int, level: int, times: int = 1
) -> None: ...
def idct_add(
    picture: Samples, y: int, x: int, d: npt.NDArray[np.int32], dc_only: bool, max: int, level: int, times: int = 1
) -> None: ...
def bypass_add(picture: Samples, y: int, x: int, d: npt.NDArray[np.int32], sums: int, max: int, level: int) -> None: ...
def deblock_luma(
    picture: Samples,
    y: int,
    x: int,
    vertical: bool,
    bS: npt.NDArray[np.uint32],
    thresholds: Sequence[_Threshold],
    max: int,
    level: int,
    times: int = 1,
) -> None: ...
def deblock_chroma(
    cb: Samples,
    cr: Samples,
    y: int,
    x: int,
    vertical: bool,
    bS: npt.NDArray[np.uint32],
    thresholds: Sequence[Sequence[_Threshold]],
    max: int,
    level: int,
    times: int = 1,
) -> None: ...
def deblock_half(
    picture: Samples, y: int, x: int, lines: int, bS: int, threshold: _Threshold, chroma: bool, max: int, level: int
) -> None: ...
def deblock_strengths(
    mv: npt.NDArray[np.int16],
    ref_id: npt.NDArray[np.int32],
    mbs: tuple[int, int, int],
    coefficients: int,
    lists: int,
    limit_y: int,
    level: int,
    deep: bool = False,
    times: int = 1,
) -> list[list[int]]: ...
