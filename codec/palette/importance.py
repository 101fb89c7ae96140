"""How much each pixel counts when colours are chosen."""

import numpy as np

from ..color import LUMA_1000
from ..errors import ParameterError
from ..pixels import as_array

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
    color = pixels[:, :, :3].astype(np.int64)
    luma = (color @ LUMA_1000 + 500) // 1000 if color.shape[2] == 3 else color[:, :, 0]
    padded = np.pad(luma, 1, "edge")
    contrast = abs(2 * luma - padded[1:-1, :-2] - padded[1:-1, 2:]) + abs(
        2 * luma - padded[:-2, 1:-1] - padded[2:, 1:-1]
    )
    for axis in (0, 1):
        sums = np.cumsum(np.pad(contrast, [(3, 2) if a == axis else (0, 0) for a in (0, 1)], "edge"), axis)
        contrast = _window(sums, axis)
    return np.maximum(MOST * 25 * HALVING_CONTRAST // (25 * HALVING_CONTRAST + contrast), 1).astype(np.uint8)


def _window(sums, axis):
    """Differences of running sums, five apart."""
    front, back = [slice(None)] * 2, [slice(None)] * 2
    front[axis], back[axis] = slice(5, None), slice(None, -5)
    return sums[tuple(front)] - sums[tuple(back)]
