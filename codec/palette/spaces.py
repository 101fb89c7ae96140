"""Colour spaces as lattices: integer coordinates in 0..2047 whose squared distance is the error to minimize.

Squared distances stay below 2^24 (codec/simd/colors.h), so they are exact everywhere. A colour with alpha counts as two
opaque ones, its appearance over black and over white: six coordinates, whose distance is the mean error over both
grounds. All transparent colours are one point; between opaque colours only a factor changes.
"""

from functools import lru_cache

import numpy as np

from .. import color, cpu
from ._spaces import oklab as _oklab

OKLAB_UNITS = 2048
OKLAB_SCALE = np.array([2047, 0.8 * OKLAB_UNITS, OKLAB_UNITS], np.float32)
OKLAB_OFFSET = np.array([0, 0.24 * 0.8 * OKLAB_UNITS, 0.32 * OKLAB_UNITS], np.float32)


@lru_cache(None)
def linear_light():
    """Linear light of each 8-bit sRGB sample, (256,) float64 within 0..1 (IEC 61966-2-1)."""
    return color.linear_light(np.arange(256) / 255)


def _srgb(rgb, units):
    return rgb.astype(np.float32) * np.float32(units)


def _linear(rgb, units):
    return np.floor(linear_light() * (255 * units) + 0.5).astype(np.float32)[rgb]


def _ycbcr(rgb, units):
    """Full-range BT.601 (T.871), in thousandths until the last division; chroma is shifted to be positive."""
    r, g, b = rgb.astype(np.int32).T * units
    kr, kg, kb = color.LUMA_1000
    y = kr * r + kg * g + kb * b
    top = 255 * units
    blue, red = ((1000 * v - y) * 500 // divisor + 500 * top for v, divisor in ((b, 1000 - kb), (r, 1000 - kr)))
    return np.stack([(y + 500) // 1000, (blue + 500) // 1000, (red + 500) // 1000], 1).astype(np.float32)


def _lab(rgb, units):
    out = np.empty((len(rgb), 3), np.float32)
    light = np.maximum(linear_light(), 1e-12).astype(np.float32)
    _oklab(np.ascontiguousarray(rgb), light, OKLAB_SCALE, OKLAB_OFFSET, out, 0, cpu.level_index())
    return out


SPACES = {"oklab": _lab, "srgb": _srgb, "linear": _linear, "ycbcr": _ycbcr}


def coordinates(colors, space):
    """Convert colours to points of the lattice.

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
