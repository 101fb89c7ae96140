"""Convert images passed by callers to one array shape, for encoders of 8-bit samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import ParameterError

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt


def as_array(values: npt.ArrayLike, name: str, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """np.asarray, with a ParameterError for what is no array, such as a ragged list.

    >>> from codec.pixels import as_array
    >>> as_array([[1, 2]], "image").shape
    (1, 2)
    """
    try:
        return np.asarray(values, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ParameterError(f"{name} must be an array of numbers: {error}") from None


def uint8_pixels(image: npt.ArrayLike, reason: str) -> npt.NDArray[np.uint8]:
    """An image as (H, W, channels) uint8, without a copy, so that its size can be checked first.

    Parameters
    ----------
    image : array-like of uint8, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), any strides
    reason : str
        Why other dtypes are refused, for the message.

    Raises
    ------
    ParameterError
        For anything else, with the remedy.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.pixels import uint8_pixels
    >>> uint8_pixels(np.zeros((4, 6), np.uint8), "samples have 8 bits").shape
    (4, 6, 1)
    """
    try:
        array = np.asarray(image)
    except ValueError:
        raise ParameterError("image must be a uint8 array, not a ragged list") from None
    if array.dtype.kind == "f":
        extra = " (it holds NaN)" if np.isnan(array).any() else ""
        remedy = "scale it to 0..255, then image.round().clip(0, 255).astype(np.uint8)"
        raise ParameterError(f"image must be uint8, not {array.dtype}{extra}: {remedy}")
    if array.dtype != np.uint8:
        raise ParameterError(f"image must be uint8, not {array.dtype}: {reason}")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ParameterError(
            f"image must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {np.shape(image)}"
        )
    return array
