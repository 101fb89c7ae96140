"""Scaling matrices (8.5.6, 8.5.9): how much coarser than flat each frequency is quantized."""

from __future__ import annotations

import numpy as np

from ...errors import ParameterError
from ..stream.parameter_sets import DEFAULT_LISTS, FLAT_LISTS

NAMED = {"flat": FLAT_LISTS, "jvt": DEFAULT_LISTS}
SIDES = (4,) * 6 + (8,) * 2
KINDS = tuple(
    f"{kind} {plane} {side}x{side}"
    for side, planes in ((4, ("Y", "Cb", "Cr")), (8, ("Y",)))
    for kind in ("intra", "inter")
    for plane in planes
)


def zig_zag(side):
    """Raster positions of a square block in the order of Figures 6-8 (4x4) and 8-9 (8x8), frame macroblocks."""
    diagonal = lambda at: (at // side + at % side, at // side if (at // side + at % side) % 2 else at % side)
    return sorted(range(side * side), key=diagonal)


def lists_of(matrix):
    """The twelve scaling lists of Table 7-2, in zig-zag order, from the argument `scaling_matrix`."""
    if isinstance(matrix, str):
        if matrix not in NAMED:
            raise ParameterError(f"scaling_matrix is {matrix!r}; it must be flat, jvt or eight arrays")
        return NAMED[matrix]
    try:
        arrays = [np.asarray(one) for one in matrix]
    except (TypeError, ValueError):
        arrays = []
    if len(arrays) != 8:
        raise ParameterError(f"scaling_matrix must be flat, jvt or eight arrays: {', '.join(KINDS)}")
    found = [_checked(*row) for row in zip(arrays, SIDES, KINDS)]
    return (*found, *found[6:], *found[6:])  # 8x8 chroma, of 4:4:4 alone, falls back to Y


def _checked(array, side, kind):
    """A matrix as a list in zig-zag order."""
    if array.shape != (side, side) or array.dtype.kind not in "iuf" or not np.all(array == np.floor(array)):
        raise ParameterError(f"scaling_matrix: {kind} has shape {array.shape} and type {array.dtype}; it must be "
                             f"({side}, {side}) integers")  # fmt: skip
    if not np.all((array >= 1) & (array <= 255)):
        raise ParameterError(
            f"scaling_matrix: {kind} has {array.min()} to {array.max()}; weights are 1 to 255, 16 is flat"
        )
    return tuple(int(array.flat[at]) for at in zig_zag(side))
