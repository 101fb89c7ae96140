"""Metrics by name, and the facts about each: title, unit, direction, what it applies to."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Metric:
    """What is known of a metric besides its function.

    Attributes
    ----------
    title : str
        For people.
    summary : str
        What it measures, in one line.
    decimals : int
        How many tell two scores apart.
    unit : str
        "dB", or "" for none.
    lower_is_better : bool
    of_luma : bool
        It compares luma only; of clips, the luma that is coded.
    any_channels : bool
        It compares channel by channel, so it also scores CMYK.
    variant : str
        The published definition, where there are several.
    """

    title: str
    summary: str
    decimals: int
    unit: str = ""
    lower_is_better: bool = False
    of_luma: bool = False
    any_channels: bool = False
    variant: str = ""


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
FACTS = {
    "psnr": Metric("PSNR", "mean squared error in dB, infinite for equal pictures", 2, "dB", any_channels=True),
    "psnr_y": Metric("PSNR of Y", "PSNR of the luma alone", 2, "dB", of_luma=True),
    "ssim": Metric(
        "SSIM", "structural similarity, 11 x 11 Gaussian window, mean over the channels", 4,
        any_channels=True, variant="wang2004",
    ),
    "ssim_y": Metric("SSIM of Y", "SSIM of the luma alone", 4, of_luma=True, variant="wang2004"),
    "ms_ssim": Metric("MS-SSIM", "SSIM at five scales", 5, any_channels=True),
    "ssimulacra2": Metric(
        "SSIMULACRA 2",
        "perceptual: 90 is hard to tell apart, 70 is high quality, 100 is equal; means little below 64 x 64 pixels",
        2,
    ),
    "psnr_hvs_m": Metric("PSNR-HVS-M", "PSNR weighted by contrast sensitivity and masking", 2, "dB"),
    "ciede2000": Metric("CIEDE2000", "mean colour difference in CIELAB", 3, lower_is_better=True),
    "mse": Metric("MSE", "mean squared error of all samples", 2, lower_is_better=True, any_channels=True),
}  # fmt: skip
SMALLER_IS_BETTER = frozenset(name for name, metric in FACTS.items() if metric.lower_is_better)


def by_name(name: MetricName) -> Callable[[npt.ArrayLike, npt.ArrayLike], float]:
    """The metric of that name: a function of two pictures that needs no further argument for integer samples.

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


def facts(name):
    """The `Metric` of a name in a row, which may come from another program; "ssim[skimage]" has the facts of "ssim".

    Examples
    --------
    >>> from codec.metrics.names import facts
    >>> facts("mse").lower_is_better, facts("psnr_y").unit, facts("vmaf").title
    (True, 'dB', 'vmaf')
    """
    base, bracket, preset = name.partition("[")
    metric = FACTS.get(base, Metric(base, "", 4))
    return replace(metric, title=f"{metric.title} [{preset}") if bracket else metric
