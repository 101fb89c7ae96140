"""Luma of gray and RGB pictures, which several metrics compare."""

import numpy as np

from .. import color
from ..errors import ParameterError


def check_luma(picture, name):
    """Raise ParameterError unless a metric of luma can take the picture."""
    if picture.ndim == 3 and picture.shape[2] not in (1, 3):
        raise ParameterError(
            f"{name} takes gray (H, W) or RGB (H, W, 3) pictures, and the shape is {picture.shape}: drop alpha or lay "
            "the pictures on a background first"
        )


def luma(picture):
    """Y of T.871, unrounded float64, of gray (H, W[, 1]) or RGB (H, W, 3)."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        return picture.reshape(picture.shape[:2]).astype(np.float64)
    return color.luma(picture)
