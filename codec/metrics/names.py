"""Metrics by name, for sweeps and the command line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ..errors import ParameterError
from .fidelity import mse, psnr
from .perceptual import ciede2000, psnr_hvs_m, psnr_y
from .ssim import ms_ssim, ssim, ssim_y
from .ssimulacra2 import ssimulacra2

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from .._types import MetricName

METRICS: dict[str, Callable[..., float]] = {
    "psnr": psnr,
    "psnr_y": psnr_y,
    "ssim": ssim,
    "ssim_y": ssim_y,
    "ms_ssim": ms_ssim,
    "ssimulacra2": ssimulacra2,
    "psnr_hvs_m": psnr_hvs_m,
    "ciede2000": ciede2000,
    "mse": mse,
}
SMALLER_IS_BETTER = frozenset(("ciede2000", "mse"))


def by_name(name: MetricName) -> Callable[[npt.ArrayLike, npt.ArrayLike], float]:
    """The metric of that name: a function of two pictures that needs nothing else for integer samples.

    Raises
    ------
    ParameterError
        If there is none; suggests the nearest name.

    Examples
    --------
    >>> from codec import metrics
    >>> metrics.by_name("ssim") is metrics.ssim
    True
    """
    if name not in METRICS:
        near = difflib.get_close_matches(str(name), METRICS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METRICS)}"
        raise ParameterError(f"unknown metric {name!r}: {hint}")
    return METRICS[name]
