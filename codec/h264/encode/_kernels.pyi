"""The encoder's kernels as functions on arrays; see _kernels.pyx."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

LEVELS: dict[str, tuple[int, ...]]
WIDTHS: dict[int, int]

def difference(
    kind: Literal["sad", "satd", "ssd", "sa8d"], a: NDArray[np.uint8], b: NDArray[np.uint8], level: int
) -> int: ...
def four_differences(
    kind: Literal["sad", "satd"], a: NDArray[np.uint8], b: NDArray[np.uint8], level: int
) -> list[int]: ...
def average(a: NDArray[np.uint8], b: NDArray[np.uint8], level: int) -> NDArray[np.uint8]: ...
def half_samples(src: NDArray[np.uint8], level: int) -> NDArray[np.uint8]: ...
def forward(size: int, src: NDArray[np.uint8], prediction: NDArray[np.uint8], level: int) -> NDArray[np.int16]: ...
def quantize(
    d: NDArray[np.int16], scale: NDArray[np.uint16], bias: NDArray[np.uint16], level: int
) -> tuple[NDArray[np.int16], bool]: ...
