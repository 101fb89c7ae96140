"""Checks that full-reference metrics share."""

import math
import numbers

import numpy as np

from ..errors import ParameterError
from ..pixels import plain

DTYPES = ("uint8", "uint16", "float32", "float64")


def check_pair(a, b):
    """The two pictures as native-endian, aligned arrays; copied only if they are not.

    Parameters
    ----------
    a, b : array_like, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64; the same shape and dtype.

    Returns
    -------
    a, b : ndarray

    Raises
    ------
    ParameterError
        If the dtypes or shapes differ, are unsupported, or there are no pixels.
    """
    a, b = (np.require(x, x.dtype.newbyteorder("="), "A") for x in (np.asarray(plain(a)), np.asarray(plain(b))))
    for name, picture in (("a", a), ("b", b)):
        if picture.dtype.name not in DTYPES:
            raise ParameterError(
                f"{name} is {picture.dtype}; metrics take {', '.join(DTYPES)}: "
                "convert both pictures in the same way, for example with .astype('float64')"
            )
        if picture.ndim not in (2, 3):
            raise ParameterError(
                f"{name} has shape {picture.shape}; metrics take one picture, (height, width) or (height, width, "
                "channels)"
            )
    if a.dtype != b.dtype:
        raise ParameterError(f"a is {a.dtype} and b is {b.dtype}: convert one, so that both use the same scale")
    if a.shape != b.shape:
        raise ParameterError(
            f"a has shape {a.shape} and b has shape {b.shape}: crop or convert one, since metrics compare pixel "
            "by pixel"
        )
    if a.size == 0:
        raise ParameterError(f"shape {a.shape} has no pixels, so there is nothing to compare")
    return a, b


def check_data_range(a, b, data_range):
    """The distance from black to white, as a float.

    Integer dtypes imply it (255 or 65535). For floats it is required, since a guess could be silently wrong. A range
    below half of the span of the two pictures is refused: that catches 0..255 passed with `data_range=1`, and allows
    overshoot.
    """
    integer = a.dtype.kind == "u"
    if data_range is None:
        if not integer:
            raise ParameterError(
                f"data_range is required for {a.dtype}: pass the distance from black to white, "
                "data_range=1.0 for 0..1 or data_range=255 for 0..255"
            )
        return float(np.iinfo(a.dtype).max)
    if (
        not isinstance(data_range, numbers.Real)
        or isinstance(data_range, bool)
        or not (data_range > 0 and math.isfinite(data_range))
    ):
        raise ParameterError(
            f"data_range must be a positive number, not {data_range!r}: pass the distance from black to white"
        )
    if not integer or data_range < np.iinfo(a.dtype).max:
        low, high = min(a.min(), b.min()), max(a.max(), b.max())
        if 2 * data_range < float(high) - float(low) < math.inf:
            raise ParameterError(
                f"data_range={data_range!r}, but the values span {low} to {high}: "
                "pass the distance from black to white, for example data_range=255"
            )
    return float(data_range)


def refuse_not_finite(a, b):
    """Raise for the first sample that is not finite; called when a result is not finite."""
    for name, picture in (("a", a), ("b", b)):
        bad = np.argwhere(~np.isfinite(picture))
        if len(bad):
            at = tuple(int(i) for i in bad[0])
            raise ParameterError(
                f"{name}[{', '.join(map(str, at))}] is {picture[at]}: "
                f"replace or mask the {len(bad)} non-finite samples before comparing"
            )
    raise ParameterError("the squares of these values overflow float64: scale both pictures down")
