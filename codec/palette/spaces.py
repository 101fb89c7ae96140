"""Colour spaces as lattices: integer coordinates in 0..2047 whose squared distance is the error that is to be small.

Squared distances stay below 2^24 (codec/simd/colors.h), so that they are exact everywhere. A colour with alpha is two opaque ones, what it
looks like over black and over white, side by side: six coordinates, and the mean of the errors over both grounds as their distance. What
is transparent is one point, whatever its colour; between two opaque colours nothing changes but a factor.
"""

from functools import lru_cache

import numpy as np

from .. import cpu
from ._spaces import oklab as _oklab

OKLAB_UNITS = 2048
OKLAB_SCALE = np.array([2047, 0.8 * OKLAB_UNITS, OKLAB_UNITS], np.float32)
OKLAB_OFFSET = np.array([0, 0.24 * 0.8 * OKLAB_UNITS, 0.32 * OKLAB_UNITS], np.float32)


@lru_cache(None)
def linear_light():
    """(256,) float64: what the sRGB transfer function (IEC 61966-2-1) makes of a sample, 0..1."""
    v = np.arange(256) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _srgb(rgb, units):
    return rgb.astype(np.float32) * np.float32(units)


def _linear(rgb, units):
    return np.floor(linear_light() * (255 * units) + 0.5).astype(np.float32)[rgb]


def _ycbcr(rgb, units):
    """Full-range BT.601 (T.871), in thousandths until the last division; chroma is shifted to be positive."""
    r, g, b = rgb.astype(np.int32).T * units
    y = 299 * r + 587 * g + 114 * b
    top = 255 * units
    blue, red = ((1000 * v - y) * 500 // divisor + 500 * top for v, divisor in ((b, 886), (r, 701)))
    return np.stack([(y + 500) // 1000, (blue + 500) // 1000, (red + 500) // 1000], 1).astype(np.float32)


def _lab(rgb, units):
    out = np.empty((len(rgb), 3), np.float32)
    light = np.maximum(linear_light(), 1e-12).astype(np.float32)
    _oklab(np.ascontiguousarray(rgb), light, OKLAB_SCALE, OKLAB_OFFSET, out, 0, cpu.level_index())
    return out


SPACES = {"oklab": _lab, "srgb": _srgb, "linear": _linear, "ycbcr": _ycbcr}


def coordinates(colors, space):
    """Points of the lattice.

    Parameters
    ----------
    colors : (n, 1), (n, 3) or (n, 4) uint8
        Gray, RGB, or RGB and alpha (not premultiplied).
    space : str

    Returns
    -------
    (n, 3) or, with alpha, (n, 6) float32
        Integers in 0..2047.
    """
    convert = SPACES[space]
    if colors.shape[1] == 1:
        colors = colors.repeat(3, 1)
    if colors.shape[1] == 3:
        return convert(colors, 8)
    alpha = colors[:, 3:].astype(np.uint16)
    over_black = (colors[:, :3] * alpha + 127) // 255
    grounds = over_black.astype(np.uint8), (over_black + 255 - alpha).astype(np.uint8)
    return np.concatenate([convert(ground, 6) for ground in grounds], 1)
