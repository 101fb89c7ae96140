"""How much each pixel counts when colours are chosen."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..color import LUMA_1000
from ..errors import ParameterError
from ..pixels import as_array, bands

MOST = 255
HALVING_CONTRAST = 32  # 8-bit levels, summed over two directions, at which a pixel counts half


def as_importance(importance, pixels):
    """(height * width,) uint8 from a mask or "contrast"; None stays None. 0: the pixel is ignored."""
    if importance is None:
        return None
    if isinstance(importance, str):
        if importance != "contrast":
            raise ParameterError(f"importance must be a mask or 'contrast', not {importance!r}")
        return contrast_importance(pixels).reshape(-1)
    mask = as_array(importance, "importance")
    if mask.shape != pixels.shape[:2]:
        raise ParameterError(f"importance must have one value per pixel: {pixels.shape[:2]}, not {mask.shape}")
    if mask.dtype.kind not in "biuf" or not np.isfinite(mask).all() or mask.min() < 0:
        raise ParameterError("importance must be finite and not negative: 0 for pixels that do not count")
    top = mask.max()
    if top == 0:
        raise ParameterError("importance is 0 everywhere: no pixel counts")
    return np.minimum(np.ceil(mask.reshape(-1) * (MOST / float(top))), MOST).astype(np.uint8)


def contrast_importance(pixels):
    """(height, width) uint8: lower where the surroundings are busy, since errors hide there. Integers: the same on
    every machine.

    The contrast is the mean over 5x5 pixels of the absolute second differences of the luma across and down, which are
    zero on slopes.
    """
    height, width = pixels.shape[:2]
    made = np.empty((height, width), np.uint8)
    for rows in bands(height, width):
        top, bottom = max(rows.start - 2, 0), min(rows.stop + 2, height)
        contrast = _contrast(pixels[np.arange(top - 1, bottom + 1).clip(0, height - 1)])
        contrast = np.pad(contrast, [(top - rows.start + 2, rows.stop + 2 - bottom), (2, 2)], "edge")
        contrast = sliding_window_view(sliding_window_view(contrast, 5, 0).sum(-1), 5, 1).sum(-1)
        made[rows] = np.maximum(MOST * 25 * HALVING_CONTRAST // (25 * HALVING_CONTRAST + contrast), 1)
    return made


def _contrast(pixels):
    """Of all rows but the first and the last: the absolute second differences of the luma."""
    color = pixels[:, :, :3].astype(np.int32)
    luma = (color @ np.array(LUMA_1000, np.int32) + 500) // 1000 if color.shape[2] == 3 else color[:, :, 0]
    across = np.pad(luma[1:-1], [(0, 0), (1, 1)], "edge")
    return abs(2 * luma[1:-1] - across[:, :-2] - across[:, 2:]) + abs(2 * luma[1:-1] - luma[:-2] - luma[2:])
