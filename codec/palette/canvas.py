"""Paint frames over each other: which pixels change, and what viewers see. gif.py and apng.py write the files."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import cpu
from ..pixels import bands
from ._lzw import lzw_paint
from ._nearest import NearestColor
from .gif import CLEAR, KEEP, code_size
from .spaces import coordinates

FREE, MAY_STAY, MUST_STAY = range(3)  # states of a pixel, as _lzw.pyx has them
LOSSY_MAX = 200
LOSSY_ONE = 20  # the lossiness at which pixels of quiet areas may deviate by the palette's own error again
# Measured on two clips at equal SSIMULACRA 2: files are 12 % smaller than with the same error bound everywhere.
ACTIVITY = 50  # deviation that halves the weight of errors, in 1/2047 of the space: about six gray levels
WINDOW = 2  # radius of the activity window: 5 x 5
BIT = 0.8  # distortion worth one bit, in squared errors of the palette
CLAMP = 3  # largest error that is diffused, in errors of the palette
EXACT_BIT = 1000


class Colors:
    """A palette and its points in a space. The index after the last entry marks pixels that stay unchanged."""

    def __init__(self, entries, space):
        self.entries, self.space = entries, space
        self.transparent = len(entries)
        self._lattice = coordinates(entries, space)
        self.points = self._lattice.astype(np.int16)

    @cached_property
    def _nearest(self):
        return NearestColor(self._lattice, cpu.level_index())

    def off(self, pixels):
        """Squared distance (...) int32 from points (..., 3) to their nearest entries."""
        _, squared = self._nearest.find(pixels.reshape(-1, 3).astype(np.float32))
        return squared.astype(np.int32).reshape(pixels.shape[:-1])


@dataclass(frozen=True)
class Loss:
    """How far pixels may deviate from their source.

    Attributes
    ----------
    lossy : int
        0 (no further than the palette) to LOSSY_MAX.
    error : float
        Mean squared error of the palette.
    strength : int
        Strength of error diffusion, in 1/256.
    """

    lossy: int
    error: float
    strength: int

    @property
    def reach(self):
        """Squared distance allowed to a pixel in a quiet area on top of that to its nearest colour."""
        return self.error * self.lossy**2 / LOSSY_ONE**2

    @property
    def cost_of_bit(self):
        return int(BIT * self.error) + 1

    @property
    def clamp(self):
        return int(CLAMP * self.error**0.5)


@dataclass(frozen=True)
class Painted:
    """A rectangle of indices to lay on the canvas; `transparent` indices leave it unchanged.

    `error` is the mean squared distance of the frame's opaque pixels from their source, `work` as of `lzw_paint`.
    """

    x: int
    y: int
    indices: np.ndarray
    codes: bytes
    colors: Colors
    transparent: int  # -1 if no index is
    disposal: int
    error: float
    work: int


def points_of(pixels, space):
    """Coordinates (H, W, 3) int16 of RGB."""
    height, width, _ = pixels.shape
    return coordinates(np.ascontiguousarray(pixels).reshape(-1, 3), space).astype(np.int16).reshape(height, width, 3)


def weights_of(points):
    """Weights (H, W) uint8 of errors: 64 in flat areas, less by ACTIVITY / (ACTIVITY + deviation of the first
    coordinate around the pixel).

    Sums of 25 squares of 2047: 27 bits.
    """
    height, width, _ = points.shape
    side = 2 * WINDOW + 1
    near = np.pad(points[..., 0].astype(np.int64), WINDOW, mode="edge")

    def box(values):
        sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]

    variance = box(near * near) * side**2 - box(near) ** 2
    deviation = np.sqrt(variance.astype(np.float64)) / side**2  # IEEE 754 roots are exact: the same everywhere
    return np.maximum(64 * ACTIVITY / (ACTIVITY + deviation), 1).astype(np.uint8)


def equal(one, other):
    """(H, W) bool: where pixels (H, W, 3) are the same."""
    alike = one == other
    return alike[..., 0] & alike[..., 1] & alike[..., 2]


def squared(one, other):
    """Squared distances (H, W) int32 between points (H, W, 3) int16: below 2^31 for coordinates up to 8191."""
    made = np.empty(one.shape[:2], np.int32)
    for rows in bands(*made.shape):
        apart = np.subtract(one[rows], other[rows], dtype=np.int32)
        np.einsum("ijk,ijk->ij", apart, apart, out=made[rows])
    return made


class Measured:
    """What painting needs of a frame at any loss: points, weights, distances to palettes.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    space : str
    """

    def __init__(self, pixels, space):
        self.points = points_of(pixels, space)
        self._off = (None, None)

    @cached_property
    def weights(self):
        """As `weights_of`."""
        return weights_of(self.points)

    def off(self, colors):
        """As `Colors.off` of the points; kept for the palette that was asked for last."""
        if self._off[0] is not colors:
            self._off = colors, colors.off(self.points)
        return self._off[1]


def around(mask):
    """(x, y, width, height) of the smallest rectangle around the True values; the first pixel if there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


class Canvas:
    """The visible picture, and the source that each pixel was painted for.

    Attributes
    ----------
    shown : (H, W, 3) uint8
    visible : (H, W) bool
        Painted pixels; elsewhere the background of the animation shows.
    """

    def __init__(self, height, width):
        self.shown = np.zeros((height, width, 3), np.uint8)
        self.visible = np.zeros((height, width), bool)
        self._source = np.zeros((height, width, 3), np.uint8)
        self._held = np.zeros((height, width, 3), np.int16)

    def copy(self):
        """One that can be painted over apart from this."""
        return deepcopy(self)

    def paint(self, pixels, opaque, colors, loss, *, whole=False, opaque_next=None, measured=None):
        """Paint a frame over the canvas.

        A pixel whose source did not change stays, so that nothing flickers. One that is close enough to its new source
        may stay, and does where that is cheaper.

        Parameters
        ----------
        pixels : (H, W, 3) uint8
        opaque : (H, W) bool
            Elsewhere the canvas is clear: the frame before cleared it.
        colors : Colors
        loss : Loss
        whole : bool
            Paint the whole canvas, even if all of it may stay.
        opaque_next : (H, W) bool, optional
            Mask of the next frame: visible pixels outside it are cleared after this frame.
        measured : Measured, optional
            Of the pixels, in the space of the palette.

        Returns
        -------
        Painted
        """
        measured = Measured(pixels, colors.space) if measured is None else measured
        same = self.visible & equal(pixels, self._source)
        over = np.zeros_like(opaque) if opaque_next is None else opaque & ~opaque_next
        paint = self._paint_exactly if loss.lossy == 0 else self._paint_within
        x, y, indices, codes, work = paint(measured, opaque, same, over, colors, loss, whole)
        height, width = indices.shape
        here = slice(y, y + height), slice(x, x + width)
        new = indices != colors.transparent
        for rows in bands(height, width):
            here = slice(y + rows.start, y + rows.stop), slice(x, x + width)
            band = new[rows]
            for of_canvas, values in ((self.shown, colors.entries), (self._held, colors.points)):
                of_canvas[here][band] = values[indices[rows][band]]
            self._source[here][band] = pixels[here][band]
        here = slice(y, y + height), slice(x, x + width)
        self.visible[here] |= new
        off = squared(measured.points, self._held)[opaque]
        error = float(off.mean()) if off.size else 0.0
        if over.any():
            self.visible[here] = False
        transparent = -1 if new.all() else colors.transparent
        return Painted(x, y, indices, codes, colors, transparent, CLEAR if over.any() else KEEP, error, work)

    def _paint_within(self, measured, opaque, same, over, colors, loss, whole):
        """Choose colours, phrases and staying pixels together."""
        points, weights = measured.points, measured.weights
        reach = measured.off(colors) + (64 * loss.reach / weights).astype(np.int32)
        may_stay = self.visible & (squared(points, self._held) <= reach)
        states = np.where(same | ~opaque, MUST_STAY, np.where(may_stay, MAY_STAY, FREE)).astype(np.uint8)
        x, y, width, height = around((states == FREE) | over | whole)
        planes = (points, self._held, states, weights, reach)
        return x, y, *_code((x, y, width, height), planes, colors.points, loss.cost_of_bit, loss)

    def _paint_exactly(self, measured, opaque, same, over, colors, loss, whole):
        """Choose the nearest colours first, then the phrases; a pixel that already has its colour may stay."""
        (height, width), points = opaque.shape, measured.points
        states = np.where(same | ~opaque, MUST_STAY, FREE).astype(np.uint8)
        plain, none = np.full((height, width), 64, np.uint8), np.zeros((height, width), np.int32)
        chosen, _, work = _code(
            (0, 0, width, height), (points, self._held, states, plain, none), colors.points, 0, loss
        )
        stays = chosen == colors.transparent
        entries = np.concatenate([colors.entries, colors.entries[:1]])
        colored = entries[chosen]
        may_stay = self.visible & equal(colored, self.shown)
        states = np.where(stays, MUST_STAY, np.where(may_stay, MAY_STAY, FREE)).astype(np.uint8)
        x, y, width, height = around((states == FREE) | over | whole)
        planes = (colored.astype(np.int16), self.shown.astype(np.int16), states, plain, none)
        exact = colors.entries.astype(np.int16)
        indices, codes, more = _code((x, y, width, height), planes, exact, EXACT_BIT)
        return x, y, indices, codes, work + more


def _code(rectangle, planes, points, cost_of_bit, loss=None):
    """(indices, codes) for a rectangle of the planes target, held, states, weights, reach."""
    x, y, width, height = rectangle
    planes = (np.ascontiguousarray(plane[y : y + height, x : x + width]) for plane in planes)
    strength, clamp = (loss.strength, loss.clamp) if loss else (0, 0)
    size = code_size(len(points) + 1)
    codes, indices, work = lzw_paint(
        *planes, points, size, transparent=len(points), cost_of_bit=cost_of_bit, strength=strength, clamp=clamp
    )
    return indices, codes, work
