"""Luma of gray and RGB pictures, which several metrics compare."""

import numpy as np

from .. import color


def luma(picture):
    """Y of T.871, unrounded float64, of gray (H, W[, 1]) or RGB (H, W, 3)."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        return picture.reshape(picture.shape[:2]).astype(np.float64)
    return color.luma(picture)
