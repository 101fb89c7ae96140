"""Mean squared error and PSNR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._fidelity import sum_squared_error
from .pairs import check_data_range, check_pair, refuse_not_finite

if TYPE_CHECKING:
    import numpy.typing as npt

# Samples per kernel call: the copy of a strided band stays in cache, and the overhead of a call is negligible.
BAND_SAMPLES = 1 << 18


def _mean_squared_error(a, b):
    """Bands of rows avoid copying a strided picture whole. They depend on the shape only, so float sums do not depend
    on the layout.
    """
    rows = max(1, BAND_SAMPLES // a[0].size)
    total = 0
    for y in range(0, len(a), rows):
        total += sum_squared_error(
            np.ascontiguousarray(a[y : y + rows]).reshape(-1), np.ascontiguousarray(b[y : y + rows]).reshape(-1)
        )
    if not math.isfinite(total):
        refuse_not_finite(a, b)
    return total / a.size


def mse(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Mean squared error over all samples of all channels.

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, of the same shape and dtype, with any strides.

    Returns
    -------
    float
        In squared units of the samples. For integers the sum is exact and rounded once, by the division.

    Raises
    ------
    ParameterError
        If shapes or dtypes differ, a dtype is unsupported, a picture is empty, or a sample is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import mse
    >>> black = np.zeros((2, 2), np.uint8)
    >>> mse(black, black + 3)
    9.0
    """
    return _mean_squared_error(*check_pair(a, b))


def psnr(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> float:
    """Peak signal-to-noise ratio, 10 log10(data_range^2 / mse), over all samples of all channels.

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, of one shape and dtype, with any strides.
    data_range : float, optional
        The distance from black to white. Default: 255 for uint8, 65535 for uint16; required for floats.

    Returns
    -------
    float
        In decibels; `inf` for equal pictures.

    Raises
    ------
    ParameterError
        As for `mse`; also if `data_range` is missing for floats, not positive, or less than half of what the values
        span.

    Notes
    -----
    For colour this is the PSNR of the mean error over the channels, not the mean of their PSNRs. R, G and B have equal
    weight.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import psnr
    >>> black = np.zeros((8, 8), np.uint8)
    >>> round(psnr(black, black + 1), 2)
    48.13
    >>> psnr(black / 255.0, black / 255.0, data_range=1.0)
    inf
    """
    a, b = check_pair(a, b)
    data_range = check_data_range(a, b, data_range)
    error = _mean_squared_error(a, b)
    # Two logarithms, so that neither data_range^2 nor the quotient can overflow.
    return 20 * math.log10(data_range) - 10 * math.log10(error) if error else math.inf
