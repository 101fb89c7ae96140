"""Structural similarity, by a published variant that has a name."""
import math
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from ._ssim import ssim_means
from .pairs import check_data_range, check_pair, refuse_not_finite


@dataclass(frozen=True)
class SsimPreset:
    """The constants that a variant of SSIM consists of.

    Attributes
    ----------
    name : str
        What to cite.
    taps : int
        Side of the square window, in pixels.
    sigma : float
        Standard deviation of the Gaussian weights in the window, in pixels.
    K1, K2 : float
        Stabilisers of the luminance and of the contrast-structure term, as fractions of the data range.
    """

    name: str
    taps: int
    sigma: float
    K1: float
    K2: float

    @property
    def weights(self):
        """The window along one axis: `taps` float64 weights that sum to 1; the square window is its outer product."""
        x = np.arange(self.taps) - (self.taps - 1) / 2
        w = np.exp(-x * x / (2 * self.sigma * self.sigma))
        return w / w.sum()


wang2004 = SsimPreset("wang2004", taps=11, sigma=1.5, K1=0.01, K2=0.03)


def ssim(a, b, *, data_range=None):
    """Mean structural similarity as published by Wang et al. in 2004 (the preset `wang2004`).

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, of one shape and dtype, with any strides; at least 11 x 11 pixels.
    data_range : float, optional
        The distance from black to white. Default: 255 for uint8, 65535 for uint16; required for floats, whose dtype does not tell.

    Returns
    -------
    float
        From -1 to 1; exactly 1.0 for equal pictures. Swapping a and b changes no bit of it.

    Raises
    ------
    ParameterError
        If shapes or dtypes differ or are unknown, a side is shorter than 11, a sample is NaN or infinite, or `data_range` is missing
        for floats, not positive, or less than half of what the values span.

    Notes
    -----
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    IEEE Transactions on Image Processing 13(4), 2004: an 11 x 11 Gaussian window of sigma 1.5 whose weights sum to 1, weighted population
    variances, K1 = 0.01, K2 = 0.03, only windows that lie wholly inside the picture, the mean of the map, no downsampling beforehand.
    The paper is about gray pictures; here a colour picture scores the mean of its channels.

    Computed in double precision, one pass over the rows, in memory that does not grow with the picture; the GIL is released.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssim
    >>> ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    >>> ssim(ramp, ramp)
    1.0
    >>> round(ssim(ramp, ramp // 2), 4)
    0.6795
    """
    a, b = check_pair(a, b)
    taps = wang2004.taps
    if min(a.shape[:2]) < taps:
        raise ParameterError(
            f"SSIM needs at least {taps} x {taps} pixels, and shape {a.shape} is {a.shape[1]} wide and {a.shape[0]} high: "
            "use psnr, or put channels last"
        )
    data_range = check_data_range(a, b, data_range)
    planes = (a, b) if a.ndim == 3 else (a[:, :, np.newaxis], b[:, :, np.newaxis])
    half = wang2004.weights[: taps // 2 + 1]
    means = ssim_means(*planes, half, data_range / 2, (wang2004.K1 * data_range) ** 2, (wang2004.K2 * data_range) ** 2)
    mean = sum(means) / len(means)
    if not math.isfinite(mean):
        refuse_not_finite(a, b)
    return mean
