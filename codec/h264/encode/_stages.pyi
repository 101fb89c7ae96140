"""Stages of the encoder's decisions as functions on arrays; see _stages.pyx."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..pictures._picture import Picture
from .settings import Tools

def trellis_levels(
    d: NDArray[np.int16],
    nearest: NDArray[np.int16],
    kind: int,
    qp: int,
    lambda2: int,
    *,
    states: NDArray[np.uint8] | None = None,
    nC: int | None = None,
) -> NDArray[np.int16]: ...
def cavlc_bits(levels: NDArray[np.int16], kind: int, nC: int) -> int: ...
def block_bits(levels: NDArray[np.int16], kind: int, states: NDArray[np.uint8]) -> tuple[float, int]: ...
def reference_planes(picture: Picture, steps: Sequence[int]) -> NDArray[np.uint8]: ...
def weighted_samples(samples: NDArray[np.uint8], weight: int, offset: int) -> NDArray[np.uint8]: ...
def search_vector(
    block: NDArray[np.uint8],
    picture: Picture,
    mb_x: int,
    mb_y: int,
    mvp: tuple[int, int],
    tools: Tools,
    lambda256: int,
) -> tuple[tuple[int, int], int]: ...
