"""Turning, mirroring and cutting pictures of quantized DCT coefficients, exactly.

A cosine of frequency u, read backwards, is itself times (-1)^u (T.81 A.3.3: cos((2(7-x)+1)u pi/16) = (-1)^u cos((2x+1)u
pi/16)). So mirroring a block flips the signs of its odd frequencies, transposing it transposes its levels and its
matrix, and the blocks trade places. All eight orientations are an optional transposition followed by mirroring.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import ParameterError

EDGES = ("perfect", "trim", "keep")


class Turn(NamedTuple):
    """Transpose, then mirror top to bottom (`rows`), then left to right (`columns`); each is optional."""

    transpose: bool = False
    rows: bool = False
    columns: bool = False

    def then(self, other):
        """This turn followed by another. A transposition after mirroring swaps rows and columns."""
        rows, columns = (self.columns, self.rows) if other.transpose else (self.rows, self.columns)
        return Turn(self.transpose != other.transpose, rows != other.rows, columns != other.columns)

    def of_pixels(self, pixels):
        """(H, W, ...) pixels turned."""
        if self.transpose:
            pixels = pixels.swapaxes(0, 1)
        return np.ascontiguousarray(pixels[:: -1 if self.rows else 1, :: -1 if self.columns else 1])


ROTATIONS = {0: Turn(), 90: Turn(True, False, True), 180: Turn(False, True, True), 270: Turn(True, True, False)}
FLIPS = {
    None: Turn(),
    "horizontal": Turn(columns=True),
    "vertical": Turn(rows=True),
    "transpose": Turn(True),
    "transverse": Turn(True, True, True),
}

# EXIF orientation (CIPA DC-008 4.6.4) -> the turn that makes the picture upright.
ORIENTATIONS = {
    1: Turn(),
    2: FLIPS["horizontal"],
    3: ROTATIONS[180],
    4: FLIPS["vertical"],
    5: FLIPS["transpose"],
    6: ROTATIONS[90],
    7: FLIPS["transverse"],
    8: ROTATIONS[270],
}


def grid(coefficients):
    """(width, height) of the smallest cell whose borders are block borders in every component: an MCU or part of
    one."""
    Hs, Vs = zip(*coefficients.sampling)
    return 8 * max(Hs) // math.gcd(*Hs), 8 * max(Vs) // math.gcd(*Vs)


def _transposed(coefficients):
    swap = lambda array: np.ascontiguousarray(array.swapaxes(0, 1).swapaxes(-1, -2))
    return replace(
        coefficients,
        width=coefficients.height,
        height=coefficients.width,
        levels=tuple(map(swap, coefficients.levels)),
        matrices=tuple(np.ascontiguousarray(matrix.T) for matrix in coefficients.matrices),
        sampling=tuple((V, H) for H, V in coefficients.sampling),
    )


def _mirrored(levels, blocks, axis):
    """The first `blocks` blocks along an axis (0 down, 1 across) reversed; the partial ones after them stay."""
    odd = np.int16(-1) ** np.arange(8, dtype=np.int16)
    signs = odd[:, None] if axis == 0 else odd
    levels = np.moveaxis(levels, axis, 0)
    mirrored = np.concatenate((levels[:blocks][::-1] * signs, levels[blocks:]))
    return np.ascontiguousarray(np.moveaxis(mirrored, 0, axis))


def _mirror(coefficients, axis, edge):
    """Mirror all components along an axis. A partial cell at the far edge cannot move to the near one."""
    name, cell = (("height", "width")[axis], grid(coefficients)[1 - axis])
    size = getattr(coefficients, name)
    full = size // cell * cell
    if full < size:
        if edge == "perfect":
            raise ParameterError(
                f"a {name} of {size} is no multiple of {cell}: its last {size - full} samples cannot be "
                "mirrored without loss; "
                "edge='trim' cuts them off, edge='keep' leaves them where they are"
            )
        if full == 0:
            raise ParameterError(
                f"a {name} of {size} is less than the {cell} samples of the grid: nothing can be mirrored without loss"
            )
        if edge == "trim":
            box = (0, 0, full, coefficients.height) if axis else (0, 0, coefficients.width, full)
            coefficients, _ = crop(coefficients, box)
    factors = [factor[1 - axis] for factor in coefficients.sampling]
    blocks = [full * factor // (8 * max(factors)) for factor in factors]
    return replace(
        coefficients, levels=tuple(_mirrored(levels, n, axis) for levels, n in zip(coefficients.levels, blocks))
    )


def turn(coefficients, how, edge):
    """Coefficients of the turned picture; `edge` decides about partial MCUs on a mirrored side."""
    if how.transpose:
        coefficients = _transposed(coefficients)
    if how.rows:
        coefficients = _mirror(coefficients, 0, edge)
    if how.columns:
        coefficients = _mirror(coefficients, 1, edge)
    return coefficients


def crop(coefficients, box):
    """Coefficients of a part (x, y, width, height), and the part cut: x and y move back to the grid, the far borders
    stay."""
    x, y, width, height = box
    if not (0 <= x < x + width <= coefficients.width and 0 <= y < y + height <= coefficients.height):
        raise ParameterError(
            f"crop {width}x{height}+{x}+{y} is not inside the picture of {coefficients.width}x{coefficients.height}"
        )
    cell_x, cell_y = grid(coefficients)
    left, top = x // cell_x * cell_x, y // cell_y * cell_y
    width, height = x + width - left, y + height - top
    Hmax, Vmax = (max(factors) for factors in zip(*coefficients.sampling))
    levels = []
    for plane, (H, V) in zip(coefficients.levels, coefficients.sampling):
        first_x, first_y = left * H // (8 * Hmax), top * V // (8 * Vmax)
        levels.append(
            np.ascontiguousarray(
                plane[first_y : first_y - (-height * V // (8 * Vmax)), first_x : first_x - (-width * H // (8 * Hmax))]
            )
        )
    return replace(coefficients, width=width, height=height, levels=tuple(levels)), (left, top, width, height)


def gray(coefficients):
    """The luminance alone."""
    if coefficients.color == "gray":
        return coefficients
    if coefficients.color != "ycbcr" or coefficients.sampling[0] != tuple(map(max, zip(*coefficients.sampling))):
        raise ParameterError(
            f"grayscale needs a luminance component of full resolution; this picture is {coefficients.color} "
            f"{coefficients.subsampling}"
        )
    return replace(
        coefficients,
        levels=coefficients.levels[:1],
        matrices=coefficients.matrices[:1],
        sampling=((1, 1),),
        ids=coefficients.ids[:1],
        color="gray",
    )
