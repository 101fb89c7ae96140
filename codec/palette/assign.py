"""Assign the pixels of a picture to the entries of a palette, in memory that the picture bounds."""

from functools import cached_property

import numpy as np

from .. import cpu
from ..pixels import bands
from ._nearest import NearestColor
from .dither import paint
from .spaces import coordinates

# The colour of the last pixel is kept where it is worse than the best by at most 1.5 times (3 times) the palette's mean
# squared error: 5 % fewer bytes for 0.2 points of SSIMULACRA 2 at 256 colours, and no specks in flat areas.
FEW_COLORS = 32
STAY_FEW, STAY_MANY = 3, 1.5
# Lattice units, 2 %: flat areas this close to an entry are not dithered, which saves 25 % on screenshots of 16 colours.
FLAT = 40
LIMIT = 6  # longest error passed on, in root mean squared errors of the palette


class Table:
    """A picture whose colours are listed: points (n, D) float32, alone (n,) uint8 (colours that neither receive nor
    diffuse errors: transparent ones), and the entry (height * width,) int32 of each pixel.
    """

    def __init__(self, colors, entries, shape, channels, space):
        self.shape, self.entries, self.seen = shape, entries, with_channels(colors[:, None], channels)[:, 0]
        self.points, self.alone = coordinates(self.seen, space), transparent(colors)

    def nearest(self, nearest, palette):
        """Nearest entries (height * width,) uint8, and the sum of squared distances."""
        index, squared = nearest.find(self.points)
        prefer_equals(index, squared, self.seen, palette)
        counts = np.bincount(self.entries, minlength=len(self.points))
        self.well_met = squared <= FLAT**2
        return index[self.entries], int((squared.astype(np.int64) * counts).sum())

    @cached_property
    def _colors(self):
        """(points, entries, alone), with flat areas near an entry apart, which are not dithered."""
        return set_flat_apart(self.points, self.entries, self.alone, self.well_met, self.shape)

    def bands(self):
        """Yield rows and their (points, entries, alone)."""
        yield slice(0, self.shape[0]), self._colors

    def at(self, positions):
        """(points, entries, alone) of some pixels."""
        points, entries, alone = self._colors
        return points, entries[positions], alone


class Stream:
    """A picture of too many colours for a table: points are made of its pixels when they are needed."""

    def __init__(self, pixels, channels, space):
        self.shape, self.pixels, self.channels, self.space = pixels.shape[:2], pixels, channels, space

    def nearest(self, nearest, palette):
        """As for `Table`."""
        painted, total = np.empty(self.shape, np.uint8), 0
        for rows in bands(*self.shape):
            colors = with_channels(self.pixels[rows], self.channels).reshape(-1, self.channels)
            index, squared = nearest.find(coordinates(colors, self.space))
            prefer_equals(index, squared, colors, palette)
            painted[rows] = index.reshape(-1, self.shape[1])
            total += int(squared.sum(dtype=np.int64))
        return painted.reshape(-1), total

    def bands(self):
        """As for `Table`."""
        for rows in bands(*self.shape):
            yield rows, self._colors(self.pixels[rows].reshape(-1, self.pixels.shape[2]))

    def at(self, positions):
        """As for `Table`."""
        return self._colors(self.pixels.reshape(-1, self.pixels.shape[2])[positions])

    def _colors(self, colors):
        points = coordinates(with_channels(colors[:, None], self.channels)[:, 0], self.space)
        return points, np.arange(len(colors), dtype=np.int32), transparent(colors)


def assign(pixels, histogram, entries, palette, space, dither, strength):
    """The entry of each pixel.

    Parameters
    ----------
    pixels : (H, W, channels) uint8
        Without an opaque alpha.
    histogram, entries
        Of the same picture; `entries` is None if the histogram is not exact.
    palette : (n, 3) or (n, 4) uint8
    space : str
    dither : str or None
    strength : float
        0..1; 0 is no dithering.

    Returns
    -------
    (H, W) uint8
    """
    shape = pixels.shape[:2]
    channels = 4 if pixels.shape[2] == 4 or (palette.shape[1] == 4 and palette[:, 3].min() < 255) else 3
    if histogram.exact:
        picture = Table(histogram.colors(), entries, shape, channels, space)
    else:
        picture = Stream(pixels, channels, space)
    seen = with_channels(palette[:, None], channels)[:, 0]
    nearest = NearestColor(coordinates(seen, space), cpu.level_index())
    painted, squared = picture.nearest(nearest, seen)
    if strength and squared:
        mse = squared / len(painted)
        stay = STAY_FEW if len(palette) <= FEW_COLORS else STAY_MANY
        painted = paint(picture, nearest, dither, strength, LIMIT * mse**0.5, stay * mse)
    return painted.reshape(shape)


def transparent(colors):
    """(n,) uint8: 1 where alpha is 0."""
    return (colors[:, 3] == 0).astype(np.uint8) if colors.shape[1] == 4 else np.zeros(len(colors), np.uint8)


def prefer_equals(index, squared, colors, palette):
    """Where entries share a lattice point, prefer the one equal to the colour."""
    touching = np.flatnonzero(squared == 0)
    equals = {color: i for i, color in reversed(list(enumerate(map(tuple, palette.tolist()))))}
    for i, color in zip(touching.tolist(), map(tuple, colors[touching].tolist())):
        index[i] = equals.get(color, index[i])


def set_flat_apart(points, entries, alone, well_met, shape):
    """Exclude pixels from error diffusion if they equal their four neighbours and the palette nearly has their colour.

    Their colours are listed a second time, marked as alone.
    """
    grid = entries.reshape(shape)
    across, down = grid[:, 1:] == grid[:, :-1], grid[1:] == grid[:-1]
    flat = np.ones(shape, bool)
    flat[:, 1:] &= across
    flat[:, :-1] &= across
    flat[1:] &= down
    flat[:-1] &= down
    flat = flat.reshape(-1) & well_met[entries]
    if not flat.any():
        return points, entries, alone
    return (
        np.concatenate([points, points]),
        entries + np.int32(len(points)) * flat,
        np.concatenate([alone, np.ones_like(alone)]),
    )


def opaque(pixels):
    """The pixels without an alpha channel that is 255 everywhere."""
    return np.ascontiguousarray(pixels[..., :3]) if pixels.shape[2] == 4 and (pixels[..., 3] == 255).all() else pixels


def with_channels(pixels, channels):
    """Convert (H, W, 1, 3 or 4) to (H, W, channels): gray becomes R = G = B, a new alpha is 255. An alpha that is
    dropped must be 255.
    """
    if pixels.shape[2] == channels:
        return pixels
    if pixels.shape[2] == 1:
        pixels = pixels.repeat(3, 2)
    if channels == 4:
        return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], 2)
    return np.ascontiguousarray(pixels[..., :channels])
