"""SSIMULACRA 2: a visual quality score that correlates well with subjective ratings of still pictures."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .. import color, cpu
from ..errors import ParameterError
from ._ssimulacra2 import norms, scales_of
from .pairs import check_pair, refuse_not_finite
from .ssimulacra2_weights import WEIGHTS

if TYPE_CHECKING:
    import numpy.typing as npt

# Impulse response of the reference's recursive Gaussian, middle tap first (sigma 1.5, radius 5: beta_k cos(w_k m), k =
# 1, 3, 5).
TAPS = np.array(
    [0.26462110548819856, 0.2129285920104222, 0.10933537277746032, 0.036011114658364374, 0.0094143678096537], np.float32
)
NEED_SSIM, NEED_EDGES = 1, 2
# From the weighted sum x to the score: s = CURVE . (x, x^2, x^3) of x times FIRST_FACTOR, 100 - 10 s^EXPONENT.
FIRST_FACTOR = 0.9562382616834844
CURVE = (2.326765642916932, -0.020884521182843837, 6.248496625763138e-05)
EXPONENT = 0.6276336467831387


@lru_cache(maxsize=2)
def linear_light(dtype):
    """Linear light of every sample value: the exact curve of IEC 61966-2-1, in single precision."""
    v = np.arange(np.iinfo(dtype).max + 1) / np.iinfo(dtype).max
    return color.linear_light(v).astype(np.float32)


def _as_samples(picture):
    """The picture as uint8 or uint16 with channels last. Floats in 0..1 become 16 bits, a quarter of the finest visible
    step.
    """
    if picture.dtype.kind == "f":
        low, high = float(picture.min()), float(picture.max())
        if not (-0.5 <= low and high <= 1.5):
            if not np.isfinite([low, high]).all():
                refuse_not_finite(picture, picture)
            raise ParameterError(
                f"floats must be sRGB values in 0..1, and these span {low} to {high}: divide by 255, or pass uint8"
            )
        picture = np.rint(picture.clip(0, 1) * 65535).astype(np.uint16)
    return picture[:, :, None] if picture.ndim == 2 else picture


def _over(picture, background):
    """RGB of an RGBA or gray-alpha picture over a gray of `background` (0..1), blended in the coded domain as the
    reference does.
    """
    top = np.iinfo(picture.dtype).max
    color, alpha = picture[:, :, :-1].astype(np.float64), picture[:, :, -1:] / top
    return np.rint(alpha * color + (1 - alpha) * (background * top)).astype(picture.dtype)


def map_weights(height, width):
    """Weights of all maps for a picture size, (3 channels, scales, 2 norms, 3 maps), and which maps are needed,
    (scales, 3 channels).
    """
    scales = len(scales_of(height, width))
    # With fewer than six scales the first weights are used consecutively, as in the reference; they then apply to other
    # maps.
    weights = np.array(WEIGHTS[: 3 * scales * 6]).reshape(3, scales, 2, 3)
    return weights, needs_of(weights)


def needs_of(weights):
    """Which maps have weight: (scales, 3 channels) of NEED_SSIM | NEED_EDGES."""
    return (NEED_SSIM * weights[..., 0].any(2) + NEED_EDGES * weights[..., 1:].any((2, 3))).T


def weighed(reference, distorted):
    """The weighted sum of the norms of all maps, of which the score is a function, and the means of v and v^4 behind
    the norms.
    """
    weights, needs = map_weights(*reference.shape[:2])
    means = norms(reference, distorted, linear_light(reference.dtype), TAPS, needs.tolist(), cpu.level_index())
    roots = means.copy()
    roots[:, :, 1] = np.sqrt(np.sqrt(means[:, :, 1]))
    return FIRST_FACTOR * math.fsum((weights * roots).ravel()), means


def score_of(s):
    """The score of a weighted sum."""
    s = CURVE[0] * s + CURVE[1] * s * s + CURVE[2] * s * s * s
    return 100 - 10 * s**EXPONENT if s > 0 else 100.0


def _score(reference, distorted):
    return score_of(weighed(reference, distorted)[0])


def ssimulacra2(reference: npt.ArrayLike, distorted: npt.ArrayLike) -> float:
    """SSIMULACRA 2.1 of a distorted picture against its original.

    Parameters
    ----------
    reference, distorted : ndarray, (H, W) or (H, W, C), C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA
        sRGB-coded uint8 or uint16, or floats in 0..1; of the same shape and dtype, any strides, sides of at least 8.

    Returns
    -------
    float
        100 for equal pictures; no lower bound. Roughly 30 is low, 50 medium, 70 high, 90 visually lossless quality.

    Raises
    ------
    ParameterError
        If shapes or dtypes differ, a dtype is unsupported, a side is shorter than 8, or floats are out of range or not
        finite.

    Notes
    -----
    J. Sneyers, SSIMULACRA 2 (cloudinary/ssimulacra2, version 2.1, April 2023). The blur uses its exact nine taps (see
    _ssimulacra2.pyx); the reference uses a single-precision recursion, whose rounding changes its scores by up to about
    0.2. With alpha, both pictures are blended over dark and over light gray, and the lower score counts, as in the
    reference.

    Of the six scales only those with sides of at least 8 count, as in the reference. Below about 64 x 64 pixels too few
    are left: scores are too high, and not those of the same errors in larger pictures.

    The picture is read once, row by row; memory grows with its width only. The GIL is released.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssimulacra2
    >>> ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))
    >>> ssimulacra2(ramp, ramp)
    100.0
    >>> round(ssimulacra2(ramp, ramp // 16 * 16 + 8), 2)
    81.78

    White in place of black, by the side of the picture:

    >>> {side: round(ssimulacra2(np.zeros((side, side)), np.ones((side, side)))) for side in (8, 16, 32, 64)}
    {8: 26, 16: 56, 32: 20, 64: -1112}
    """
    reference, distorted = check_pair(reference, distorted)
    channels = reference.shape[2] if reference.ndim == 3 else 1
    if min(reference.shape[:2]) < 8 or channels > 4:
        raise ParameterError(
            f"SSIMULACRA 2 needs sides of at least 8 and 1 to 4 channels, and the shape is {reference.shape}: use "
            "psnr, or put channels last"
        )
    reference, distorted = _as_samples(reference), _as_samples(distorted)
    if channels in (1, 3):
        return _score(reference, distorted)
    return min(_score(_over(reference, background), _over(distorted, background)) for background in (0.1, 0.9))
