"""Frames painted one over the other: which pixels change, and what every viewer sees then. The file comes later (gif.py, apng.py)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import cpu
from ._lzw import lzw_paint
from ._nearest import NearestColor
from .gif import CLEAR, KEEP, code_size
from .spaces import coordinates

FREE, MAY_STAY, MUST_STAY = range(3)  # states of a pixel, as _lzw.pyx has them
LOSSY_MAX = 200
LOSSY_ONE = 20  # the lossiness at which a pixel of a quiet area may be off by the palette's own error once more
# Measured on two clips at equal SSIMULACRA 2: files are 12 % smaller than with errors that are bounded alike everywhere.
ACTIVITY = 50  # deviation, in 1/2047 of the space, that halves the weight of errors: about six levels of gray
WINDOW = 2  # of activity: 5 x 5
BIT = 0.8  # distortion that is worth a bit, in squared errors of the palette
CLAMP = 3  # largest error that is diffused, in errors of the palette
EXACT_BIT = 1000


class Colors:
    """A palette, its points in a space, and the index after its last: of pixels that stay as they are."""

    def __init__(self, entries, space):
        self.entries, self.space = entries, space
        self.transparent = len(entries)
        self._lattice = coordinates(entries, space)
        self.points = self._lattice.astype(np.int16)

    @cached_property
    def _nearest(self):
        return NearestColor(self._lattice, cpu.level_index())

    def off(self, pixels):
        """Squared distance (...) int32 of the entries that are nearest to points (..., 3)."""
        _, squared = self._nearest.find(pixels.reshape(-1, 3).astype(np.float32))
        return squared.astype(np.int32).reshape(pixels.shape[:-1])


@dataclass(frozen=True)
class Loss:
    """How far pixels may be from what they should be.

    Attributes
    ----------
    lossy : int
        0: no further than the palette is, up to LOSSY_MAX.
    error : float
        Mean squared error of the palette.
    strength : int
        Of error diffusion, in 1/256.
    """

    lossy: int
    error: float
    strength: int

    @property
    def reach(self):
        """Squared distance that a pixel in a quiet area may be off beyond what its nearest colour is."""
        return self.error * self.lossy**2 / LOSSY_ONE**2

    @property
    def cost_of_bit(self):
        return int(BIT * self.error) + 1

    @property
    def clamp(self):
        return int(CLAMP * self.error**0.5)


@dataclass(frozen=True)
class Painted:
    """A rectangle of indices, to be laid on what is there; where an index is `transparent`, that stays."""

    x: int
    y: int
    indices: np.ndarray
    codes: bytes
    colors: Colors
    transparent: int  # -1 where no index is
    disposal: int


def points_of(pixels, space):
    """Coordinates (H, W, 3) int16 of RGB."""
    height, width, _ = pixels.shape
    return coordinates(np.ascontiguousarray(pixels).reshape(-1, 3), space).astype(np.int16).reshape(height, width, 3)


def weights_of(points):
    """Weight (H, W) uint8 of errors, 64 where nothing goes on: ACTIVITY / (ACTIVITY + the deviation of the first coordinate around a
    pixel).

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


def around(mask):
    """(x, y, width, height) of the smallest rectangle around what is True; the first pixel if nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


class Canvas:
    """What is shown, and what it was painted for.

    Attributes
    ----------
    shown : (H, W, 3) uint8
    visible : (H, W) bool
        Where something is; elsewhere is whatever lies behind the animation.
    """

    def __init__(self, height, width):
        self.shown = np.zeros((height, width, 3), np.uint8)
        self.visible = np.zeros((height, width), bool)
        self._source = np.zeros((height, width, 3), np.uint8)
        self._held = np.zeros((height, width, 3), np.int16)

    def paint(self, pixels, opaque, colors, loss, *, whole=False, opaque_next=None):
        """Lay a frame on what is there.

        A pixel whose source is what it was painted for stays, so that nothing flickers; one that is near enough to its new source may
        stay, and does where that is cheaper.

        Parameters
        ----------
        pixels : (H, W, 3) uint8
        opaque : (H, W) bool
            Nothing is visible elsewhere: the frame before has seen to that.
        colors : Colors
        loss : Loss
        whole : bool
            Paint the whole canvas, even where all of it may stay.
        opaque_next : (H, W) bool, optional
            Of the next frame: what is visible and not in it is cleared when the time of this frame is over.

        Returns
        -------
        Painted
        """
        points = points_of(pixels, colors.space)
        same = self.visible & (pixels == self._source).all(2)
        over = np.zeros_like(opaque) if opaque_next is None else opaque & ~opaque_next
        paint = self._paint_exactly if loss.lossy == 0 else self._paint_within
        x, y, indices, codes = paint(points, opaque, same, over, colors, loss, whole)
        height, width = indices.shape
        here = slice(y, y + height), slice(x, x + width)
        new = indices != colors.transparent
        for of_canvas, values in ((self.shown, colors.entries), (self._held, colors.points)):
            of_canvas[here][new] = values[indices[new]]
        self._source[here][new] = pixels[here][new]
        self.visible[here] |= new
        if over.any():
            self.visible[here] = False
        return Painted(
            x, y, indices, codes, colors, -1 if new.all() else colors.transparent, CLEAR if over.any() else KEEP
        )

    def _paint_within(self, points, opaque, same, over, colors, loss, whole):
        """Colours, phrases and what stays, all at once."""
        weights = weights_of(points)
        reach = colors.off(points) + (64 * loss.reach / weights).astype(np.int32)
        distance = np.square(points.astype(np.int32) - self._held).sum(2)
        may_stay = self.visible & (distance <= reach)
        states = np.where(same | ~opaque, MUST_STAY, np.where(may_stay, MAY_STAY, FREE)).astype(np.uint8)
        x, y, width, height = around((states == FREE) | over | whole)
        planes = (points, self._held, states, weights, reach)
        return x, y, *_code((x, y, width, height), planes, colors.points, loss.cost_of_bit, loss)

    def _paint_exactly(self, points, opaque, same, over, colors, loss, whole):
        """First the colours, each the nearest; then the phrases, where a pixel that has its colour already may as well stay."""
        height, width = opaque.shape
        states = np.where(same | ~opaque, MUST_STAY, FREE).astype(np.uint8)
        plain, none = np.full((height, width), 64, np.uint8), np.zeros((height, width), np.int32)
        chosen, _ = _code((0, 0, width, height), (points, self._held, states, plain, none), colors.points, 0, loss)
        stays = chosen == colors.transparent
        entries = np.concatenate([colors.entries, colors.entries[:1]])
        equal = self.visible & (entries[chosen] == self.shown).all(2)
        states = np.where(stays, MUST_STAY, np.where(equal, MAY_STAY, FREE)).astype(np.uint8)
        x, y, width, height = around((states == FREE) | over | whole)
        planes = (entries[chosen].astype(np.int16), self.shown.astype(np.int16), states, plain, none)
        exact = colors.entries.astype(np.int16)
        return x, y, *_code((x, y, width, height), planes, exact, EXACT_BIT)


def _code(rectangle, planes, points, cost_of_bit, loss=None):
    """(indices, codes) of a rectangle of planes: target, held, states, weights, reach."""
    x, y, width, height = rectangle
    planes = (np.ascontiguousarray(plane[y : y + height, x : x + width]) for plane in planes)
    strength, clamp = (loss.strength, loss.clamp) if loss else (0, 0)
    size = code_size(len(points) + 1)
    codes, indices = lzw_paint(
        *planes, points, size, transparent=len(points), cost_of_bit=cost_of_bit, strength=strength, clamp=clamp
    )
    return indices, codes
