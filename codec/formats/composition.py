"""Frames of an animation from the pieces that a file holds: GIF89a clause 23 and PNG (third edition) 11.3.6.2."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BitstreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

KEEP, CLEAR, RESTORE = range(3)  # what becomes of a cell's rectangle before the next frame
UNTIMED_MS = 100  # what browsers show a frame for that states no duration


def restarts(plays: int) -> int | None:
    """`Moving.loops` of formats that count plays (PNG 11.3.6.1, WebP); GIF counts restarts.

    >>> from codec.formats.composition import restarts
    >>> restarts(0), restarts(1), restarts(3)
    (0, None, 2)
    """
    return plays - 1 or None if plays else 0


@dataclass(frozen=True)
class Cell:
    """A piece of a frame, and what becomes of it afterwards.

    Attributes
    ----------
    x, y, width, height : int
        Parts outside of the canvas are cut off.
    read : callable
        Returns (height, width, 4) RGBA uint8, not premultiplied.
    seconds : Fraction
        0: not stated.
    disposal : int
        KEEP, CLEAR (make transparent) or RESTORE (what was there before).
    blend : bool
        Lay the cell over the canvas; otherwise it replaces the rectangle, alpha included.
    """

    x: int
    y: int
    width: int
    height: int
    read: Callable[[], npt.NDArray[np.uint8]]
    seconds: Fraction
    disposal: int = KEEP
    blend: bool = True


@dataclass(frozen=True)
class Moving:
    """The structure of an animated picture.

    Attributes
    ----------
    width, height : int
    cells : list of Cell
    loops : int or None
        How often it restarts; 0 forever, None never.
    warnings : list of str
        More are added while cells are read.
    icc : bytes or None
        Profile of a GIF.
    """

    width: int
    height: int
    cells: list[Cell]
    loops: int | None
    warnings: list[str]
    icc: bytes | None = None

    def frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Frames, (H, W, 4) uint8."""
        return compose(self.width, self.height, self.cells)


def compose(width: int, height: int, cells: Iterable[Cell]) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames in display order. The canvas is transparent where no cell was painted, and where one was cleared."""
    canvas = np.zeros((height, width, 4), np.uint8)
    for cell in cells:
        here = slice(min(cell.y, height), cell.y + cell.height), slice(min(cell.x, width), cell.x + cell.width)
        under = canvas[here]
        before = under.copy() if cell.disposal == RESTORE else None
        if under.size:
            over = cell.read()[: under.shape[0], : under.shape[1]]
            if cell.blend:
                lay(over, under)
            else:
                _pixels(under)[:] = _pixels(over)
        yield canvas.copy()
        if cell.disposal == CLEAR:
            under[:] = 0
        elif before is not None:
            under[:] = before


def lay(over: npt.NDArray[np.uint8], under: npt.NDArray[np.uint8]) -> None:
    """Lay RGBA over RGBA in place, neither premultiplied (PNG 13.16), rounded. Products are below 2^24."""
    alpha = over[..., 3]
    seen = alpha > 0
    soft = seen & (alpha < 255)
    if soft.any():
        front, back = over[soft].astype(np.int64), under[soft].astype(np.int64)
        share, rest = front[:, 3:] * 255, (255 - front[:, 3:]) * back[:, 3:]
        both = share + rest  # at least 255
        mixed = np.empty((len(front), 4), np.uint8)
        mixed[:, :3] = (front[:, :3] * share + back[:, :3] * rest + both // 2) // both
        mixed[:, 3:] = (both + 127) // 255
        np.copyto(_pixels(under), _pixels(over), where=seen)
        under[soft] = mixed
    else:
        np.copyto(_pixels(under), _pixels(over), where=seen)


def _pixels(rgba):
    """(H, W) uint32: each pixel as a whole."""
    return rgba.view(np.uint32)[..., 0]


def seconds_of(stated: list[Fraction], warnings: list[str]) -> list[Fraction]:
    """Durations as the file states them; where it states 0, a tenth of a second, as in browsers, with a warning."""
    missing = stated.count(Fraction(0))
    if missing:
        warnings.append(f"{missing} of {len(stated)} frames state no duration: {UNTIMED_MS} ms each, as in browsers")
    return [seconds or Fraction(UNTIMED_MS, 1000) for seconds in stated]


def no_frames(layer: str, offset: int) -> BitstreamError:
    """The error for a file without any picture."""
    return BitstreamError("there are no pictures", layer=layer, offset=offset)
