"""Gradients of metrics with respect to the samples of the distorted picture."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .. import cpu
from ..color import linear_light_slope
from ..errors import ParameterError
from ._ssimulacra2 import scales_of
from ._ssimulacra2_gradient import gains, gradient
from .pairs import check_pair
from .ssimulacra2 import CURVE, EXPONENT, FIRST_FACTOR, TAPS, linear_light, map_weights, needs_of, score_of, weighed

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST_WEIGHT = 0.01  # of a map in gains: smaller ones change BD-rate by 0.00 % (effort 9, SSIMULACRA 2)
SQUARES, SIDE = 8, 48  # of a sample, which has six scales as any larger picture does


def _checked(reference, distorted, least, what):
    """Both pictures as (H, W, 1 or 3)."""
    reference, distorted = check_pair(reference, distorted)
    shape, channels = reference.shape, reference.shape[2] if reference.ndim == 3 else 1
    if reference.dtype != np.uint8 or channels not in (1, 3):
        raise ParameterError(
            f"{what} takes uint8 gray (H, W) or RGB (H, W, 3), not {reference.dtype} of shape {shape}: convert "
            "the pictures"
        )
    if min(shape[:2]) < least:
        raise ParameterError(
            f"{what} needs sides of at least {least}, and the shape is {shape}: use a larger part of the picture"
        )
    return (p.reshape(*shape[:2], channels) for p in (reference, distorted))


@lru_cache(maxsize=1)
def _linear_slopes():
    """Derivative of linear light by the 8-bit sample (IEC 61966-2-1). No value is near the middle of two floats, so an
    error of pow in the last bit does not change the result.
    """
    v = np.arange(256) / 255
    return (linear_light_slope(v) / 255).astype(np.float32)


def _score_slope(x):
    """d score / d weighted sum; 0 where the score is clamped at 100. Uses decimal, whose powers are the same on every
    machine.
    """
    s = CURVE[0] * x + CURVE[1] * x * x + CURVE[2] * x * x * x
    if s <= 0:
        return 0.0
    return (
        -10
        * EXPONENT
        * float(Decimal(s) ** Decimal(EXPONENT - 1))
        * (CURVE[0] + 2 * CURVE[1] * x + 3 * CURVE[2] * x * x)
    )


def _map_slopes(weights, x, means, sizes):
    """Slopes (3, scales, 3, 3 maps): d score / dv = one + four (v inverse)^3 for a map's value v, from its mean and
    from its 4-norm.

    d norm / dv = v^3 / (N norm^3), with norm = (mean of v^4)^(1/4); a norm of 0 has no direction and counts as flat.
    """
    samples = np.array([height * width for height, width in sizes], float)[:, None]
    slopes = np.zeros((3, len(sizes), 3, 3))
    slopes[:, :, :2] = weights * (FIRST_FACTOR * _score_slope(x)) / samples[..., None]
    norms = np.sqrt(np.sqrt(means[:, :, 1]))
    np.divide(1, norms, out=slopes[:, :, 2], where=norms > 0)
    return slopes.astype(np.float32)


def ssimulacra2_gradient(reference: npt.ArrayLike, distorted: npt.ArrayLike) -> tuple[float, npt.NDArray[np.float32]]:
    """SSIMULACRA 2.1 and its gradient with respect to the distorted picture.

    Parameters
    ----------
    reference, distorted : ndarray, uint8, (H, W) gray or (H, W, 3) RGB
        sRGB-coded, of the same shape, any strides, sides of at least 8.

    Returns
    -------
    score : float
        As from `ssimulacra2`.
    gradient : ndarray, float32, of the pictures' shape
        Change of score per step of 1/255 of the sample; positive where a larger sample would improve the score.

    Raises
    ------
    ParameterError
        If the pictures differ in shape, are not uint8, have other channels, or a side is shorter than 8.

    Notes
    -----
    The derivative of the definition cited at `ssimulacra2`, from the sRGB curve to all six scales, in single precision:
    within 1e-4 of the largest value of a double-precision model. At kinks (the clamps of maps at 0, absolute values,
    the 4-norm of a zero map) the slope counts as 0, so equal pictures have gradient 0; the slope of the score itself is
    unbounded near 100.

    Memory: 20 bytes per RGB pixel or 12 per gray pixel, including the result. The GIL is released. Same bits on every
    machine.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssimulacra2_gradient
    >>> ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))
    >>> score, gradient = ssimulacra2_gradient(ramp, ramp // 16 * 16 + 8)
    >>> round(score, 2), gradient.shape
    (81.78, (64, 128))
    """
    a, b = _checked(reference, distorted, 8, "the gradient of SSIMULACRA 2")
    x, means = weighed(a, b)
    sizes = scales_of(*a.shape[:2])
    weights, needs = map_weights(*sizes[0])
    slopes, level = _map_slopes(weights, x, means, sizes), cpu.level_index()
    gradient_of = gradient(a, b, linear_light(a.dtype), _linear_slopes(), TAPS, sizes, needs.tolist(), slopes, level)
    return score_of(x), gradient_of.reshape(np.shape(distorted))


def _sample(picture):
    """SQUARES x SQUARES squares, from edge to edge of a larger picture, as one picture."""
    height, width = picture.shape[:2]
    if min(height, width) <= SQUARES * SIDE:
        return picture
    tops, lefts = (np.arange(SQUARES) * (n - SIDE) // (SQUARES - 1) for n in (height, width))
    rows = [np.concatenate([picture[y : y + SIDE, x : x + SIDE] for x in lefts], 1) for y in tops]
    return np.ascontiguousarray(np.concatenate(rows))


def sampled_slopes(
    reference: npt.NDArray[np.uint8], distorted: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], list[list[int]]]:
    """What `estimated_gains` takes from a sample: slopes of the maps, and which maps count. Uses one thread."""
    x, means = weighed(_sample(reference), _sample(distorted))
    sizes = scales_of(*reference.shape[:2])
    weights, _ = map_weights(*sizes[0])
    weights = np.where(weights < LEAST_WEIGHT, 0, weights)
    return _map_slopes(weights, x, means, sizes), needs_of(weights).tolist()


def estimated_gains(
    reference: npt.NDArray[np.uint8],
    distorted: npt.NDArray[np.uint8],
    threads: int = 1,
    sampled: tuple[npt.NDArray[np.float32], list[list[int]]] | None = None,
) -> npt.NDArray[np.int64]:
    """What a block of 8x8 samples would gain in SSIMULACRA 2 by smaller errors, for encoders: minus the derivative of
    the score by t, where its errors are scaled by 1 + t. With the slopes g of `ssimulacra2_gradient`: -sum(g e).

    Three things make it cheap. Of larger pictures, the norms of the maps, which weigh their slopes, are taken from a
    sample of 384x384 pixels. Maps of little weight are left out, which of large pictures leaves Y alone at 1:1. There,
    an error counts where the maps are that it changes, without a second blur.

    Parameters
    ----------
    reference, distorted : uint8 (H, W, 1 or 3), sides of at least 8
    threads : at least 1
    sampled : None, or what `sampled_slopes` gave for these pictures

    Returns
    -------
    int64 (ceil(H / 8), ceil(W / 8)), in 2^-32
    """
    slopes, needs = sampled or sampled_slopes(reference, distorted)
    sizes, table, level = scales_of(*reference.shape[:2]), linear_light(reference.dtype), cpu.level_index()
    return gains(reference, distorted, table, TAPS, sizes, needs, slopes, level, threads)
