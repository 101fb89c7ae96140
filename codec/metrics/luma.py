"""What the eye sees most of."""

import numpy as np


def luma(picture):
    """Y of T.871, unrounded float64, of gray (H, W[, 1]) or RGB (H, W, 3)."""
    if picture.ndim == 2 or picture.shape[2] == 1:
        return picture.reshape(picture.shape[:2]).astype(np.float64)
    return picture @ np.array([0.299, 0.587, 0.114])
