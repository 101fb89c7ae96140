"""What is made of a decoded picture: its scale, a region, the luminance alone."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from ..errors import ParameterError, UnsupportedError

COLORS = ("auto", "gray")


class View(NamedTuple):
    """Options of `decode`, checked.

    Attributes
    ----------
    eighths : 1..8, of width and height
    region : (x, y, width, height) of the scaled picture, or None for all of it
    gray : whether only the luminance counts
    """

    eighths: int = 8
    region: Optional[Tuple[int, int, int, int]] = None
    gray: bool = False

    def size(self, frame):
        """(height, width) of the scaled picture."""
        return -(-frame.Y * self.eighths // 8), -(-frame.X * self.eighths // 8)

    def check(self, frame, color):
        """Raise if a picture has no such view."""
        if frame.lossless and self.eighths < 8:
            raise UnsupportedError("a lossless picture has no frequencies to scale by: leave out scale")
        factors = (frame.components[0].H, frame.components[0].V)
        if (
            self.gray
            and color != "gray"
            and (color != "ycbcr" or frame.lossless or factors != (frame.Hmax, frame.Vmax))
        ):
            raise UnsupportedError(
                f"color='gray' takes the luminance as it is coded, which a picture in {color} lacks: leave out color"
            )
        if self.region is not None:
            (x, y, w, h), (height, width) = self.region, self.size(frame)
            if x + w > width or y + h > height:
                raise ParameterError(f"region {self.region} reaches beyond the picture of {width}x{height}")

    def shape(self, frame, color):
        """Of the pixels."""
        height, width = self.size(frame)
        if self.region is not None:
            _, _, width, height = self.region
        channels = 1 if self.gray or color == "gray" else len(frame.components)
        return (height, width) if channels == 1 else (height, width, channels)

    def of_pixels(self, pixels):
        """The view of a picture that is not scaled."""
        if self.region is None:
            return pixels
        x, y, width, height = self.region
        return np.ascontiguousarray(pixels[y : y + height, x : x + width])

    def window(self, frame, color):
        """The `Window` of this view, and (y, x) of its region in it."""
        sampling = [(c.H, c.V) for c in frame.components]
        most = (frame.Hmax, frame.Vmax) if len(sampling) > 1 else (1, 1)
        sizes = [block_size(factors, most, self.eighths) for factors in sampling]
        columns = [H if len(sampling) > 1 else 1 for H, _ in sampling]
        shown = [(H * size // self.eighths, V * size // self.eighths) for (H, V), size in zip(sampling, sizes)]
        if self.gray and color != "gray":
            shown, sizes, color = [(1, 1)], [self.eighths] + [0] * (len(sizes) - 1), "gray"
        height, width = self.size(frame)
        x, y, w, h = self.region or (0, 0, width, height)
        left, right = _cells(x, w, width, self.eighths * most[0])
        top, bottom = _cells(y, h, height, self.eighths * most[1])
        first_x, first_y = left * self.eighths * most[0], top * self.eighths * most[1]
        window = Window(
            self.eighths,
            sizes,
            shown,
            color,
            top,
            [(left * H, (right - left) * H) for H in columns],
            min(height, bottom * self.eighths * most[1]) - first_y,
            min(width, right * self.eighths * most[0]) - first_x,
        )
        return window, (y - first_y, x - first_x)

    def needs_no(self, scan, indices, frame, color):
        """Whether the pixels do not depend on a scan of DCT coefficients."""
        window, _ = self.window(frame, color)
        most = max(window.sizes[i] for i in indices)
        return most == 0 or (frame.progressive and scan.Ss > 0 and most == 1)

    def of_window(self, pixels, corner):
        """The region, of the pixels of the window."""
        if self.region is None:
            return pixels
        (y, x), (_, _, w, h) = corner, self.region
        return np.ascontiguousarray(pixels[y : y + h, x : x + w])


class Window(NamedTuple):
    """The part of a picture that is made, in whole MCUs, one around the region: upsampling reads there.

    Attributes
    ----------
    eighths : 1..8
    sizes : samples on a side of the blocks of each component; 0: not needed
    sampling, color : factors of the components that are needed, at their new sizes; as `compose` takes them
    top : first row of MCUs
    columns : (first, number) of the blocks in each row of each component; the last may lie beyond
    height, width : pixels
    """

    eighths: int
    sizes: List[int]
    sampling: List[Tuple[int, int]]
    color: str
    top: int
    columns: List[Tuple[int, int]]
    height: int
    width: int


def _cells(start, length, total, cell):
    """Numbers of the first cell, and after the last one, of a range and its surroundings."""
    return max(0, start // cell - 1), min(-(-total // cell), -(-(start + length) // cell) + 1)


def block_size(factors, most, eighths):
    """Samples on a side of a component's blocks: `eighths`, doubled while they are fewer than 8 and the component is
    subsampled in both directions, in place of upsampling (as in libjpeg)."""
    size = eighths
    while size < 8 and all(m * eighths % (f * size * 2) == 0 for f, m in zip(factors, most)):
        size *= 2
    return size


def checked_view(scale, region, color):
    """The View of the options of `decode`; None for the whole picture as it is."""
    if type(scale) is int and scale == 1 and region is None and type(color) is str and color == "auto":
        return None
    eighths = _eighths(scale)
    if not isinstance(color, str) or color not in COLORS:
        raise ParameterError(f"color must be 'auto' or 'gray', not {color!r}")
    if region is not None:
        region = _box(region)
    return None if eighths == 8 and region is None and color == "auto" else View(eighths, region, color == "gray")


def _eighths(scale):
    try:
        eighths = 0 if isinstance(scale, bool) else 8 * scale
        if eighths in range(1, 9):
            return int(eighths)
    except (TypeError, ValueError):
        pass
    raise ParameterError(f"scale must be 1/8, 2/8, ... 7/8 or 1, not {scale!r}")


def _box(region):
    numbers = tuple(region) if isinstance(region, (tuple, list, np.ndarray)) else ()
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers)
    if len(numbers) != 4 or not whole or min(numbers) < 0 or min(numbers[2:]) < 1:
        raise ParameterError(f"region must be (x, y, width, height), whole numbers within the picture, not {region!r}")
    return tuple(int(n) for n in numbers)
