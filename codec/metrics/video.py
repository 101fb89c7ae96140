"""Scores of clips: frame by frame, then pooled. Misaligned clips are refused."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..color import LIMITED_BLACK, LIMITED_LUMA, YCBCR
from ..errors import ParameterError
from .luma import luma
from .names import by_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import numpy.typing as npt

    from .._types import MetricName

THUMBNAIL = 32  # cells per side of the thumbnails used in the checks
_END: Any = object()

# Gain from limited range 16..235 to full range 0..255.
_LIMITED_TO_FULL = 255 / LIMITED_LUMA
# RGB decoded with the matrix of BT.709 from samples coded with that of BT.601: M709^-1 M601.
_AS_709 = np.linalg.inv(np.array(YCBCR["BT.709"])) @ np.array(YCBCR["BT.601"])


@dataclass(frozen=True, eq=False)
class VideoScores:
    """Scores of a clip.

    Attributes
    ----------
    frames : dict
        Name of the metric -> float64 array, one value per frame.
    pooled : dict
        Name of the metric -> {"mean", "harmonic_mean", "min", "p1", "p5", "p10", "p50"}. The harmonic mean, which
        emphasizes bad frames, is nan if a score is not positive. Infinite scores (PSNR of equal frames) make the mean
        infinite.
    """

    frames: dict[str, npt.NDArray[np.float64]] = field(repr=False)
    pooled: dict[str, dict[str, float]]


def pool(values: npt.ArrayLike) -> dict[str, float]:
    """Mean, harmonic mean, minimum and low percentiles (linear interpolation) of per-frame scores.

    Examples
    --------
    >>> from codec.metrics.video import pool
    >>> pool([40.0, 20.0])["harmonic_mean"]
    26.666666666666664
    """
    values = np.asarray(values, np.float64)
    harmonic = (
        len(values) / float((1 / values).sum())
        if (values > 0).all() and np.isfinite(values).any()
        else (math.inf if np.isposinf(values).all() else math.nan)
    )
    finite = values if np.isfinite(values).all() else np.where(np.isposinf(values), np.finfo(np.float64).max, values)
    percentiles = {f"p{p}": float(np.percentile(finite, p)) for p in (1, 5, 10, 50)}
    percentiles = {
        name: math.inf if value >= np.finfo(np.float64).max / 2 else value for name, value in percentiles.items()
    }
    return {"mean": float(values.mean()), "harmonic_mean": harmonic, "min": float(values.min()), **percentiles}


def _thumbnail(frame):
    """Means over a THUMBNAIL x THUMBNAIL grid, (cells, channels) float64: enough to distinguish frames and colours."""
    plane = frame.reshape(*frame.shape[:2], -1).astype(np.float64)
    for axis in (0, 1):
        n = min(THUMBNAIL, plane.shape[axis])
        edges = np.arange(n) * plane.shape[axis] // n
        counts = np.diff(np.append(edges, plane.shape[axis]))
        plane = np.add.reduceat(plane, edges, axis) / (counts[:, None, None] if axis == 0 else counts[:, None])
    return plane.reshape(-1, plane.shape[2])


def _offset(a, b, most):
    """The shift of b against a, in frames, with the best match of thumbnails; 0 unless another is clearly better (half
    the error).
    """
    grays = [np.stack([luma(t[None] if t.shape[1] == 3 else t[None, :, :1])[0] for t in clip]) for clip in (a, b)]
    errors = {}
    for shift in range(-most, most + 1):
        left, right = (
            (grays[0][: len(a) - shift], grays[1][shift:]) if shift >= 0 else (grays[0][-shift:], grays[1][:shift])
        )
        if len(left) >= 2:
            errors[shift] = float(((left - right) ** 2).mean())
    best = min(errors, key=lambda shift: (errors[shift], abs(shift)), default=0)
    return best if best and errors[best] < errors[0] / 2 else 0


def _refuse_misaligned(a, b, most):
    shift = _offset(a, b, min(most, len(a) - 2)) if len(a) > 2 else 0
    if shift:
        late = "later" if shift > 0 else "earlier"
        raise ParameterError(
            f"the distorted clip shows the same pictures {abs(shift)} frames {late}: drop {abs(shift)} frames at "
            "the start of "
            f"{'it' if shift > 0 else 'the reference'} and at the end of the other, or pass check=False"
        )
    x, y = (np.concatenate(clip) for clip in (a, b))
    error = float(((x - y) ** 2).mean())
    for gain, offset, what in (
        (
            _LIMITED_TO_FULL,
            -LIMITED_BLACK * _LIMITED_TO_FULL,
            "limited range (16..235) where the reference has full range",
        ),
        (1 / _LIMITED_TO_FULL, LIMITED_BLACK, "full range where the reference has limited range (16..235)"),
    ):
        if error > 1 and float(((x - (gain * y + offset)) ** 2).mean()) < error / 4:
            raise ParameterError(f"the distorted clip has {what}: convert one of them, or pass check=False")
    if x.shape[1] == 3:
        for matrix, what in (
            (np.linalg.inv(_AS_709), "BT.709 where BT.601 is right"),
            (_AS_709, "BT.601 where BT.709 is right"),
        ):
            if error > 1 and float(((x - y @ matrix.T) ** 2).mean()) < error / 4:
                raise ParameterError(
                    f"the distorted clip was decoded with the matrix of {what}: convert one of them, or pass "
                    "check=False"
                )


def video(
    reference: Iterable[npt.ArrayLike],
    distorted: Iterable[npt.ArrayLike],
    *,
    metrics: MetricName | Iterable[MetricName] = ("psnr", "ssim"),
    check: bool = True,
    max_offset: int = 8,
) -> VideoScores:
    """Score a clip frame by frame, and pool the scores.

    Parameters
    ----------
    reference, distorted : iterables of ndarray
        Frames, (H, W) or (H, W, 3) uint8, in display order. Read once, so generators are fine.
    metrics : names of functions in `codec.metrics`
    check : bool
        Refuse clips shifted by up to `max_offset` frames, and mismatches of range (16..235 against 0..255) or matrix
        (BT.601 against BT.709). Clips of different length are always refused.
    max_offset : int

    Returns
    -------
    VideoScores

    Raises
    ------
    ParameterError
        As above, with the remedy; or from a metric, with the frame number.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import video
    >>> rng = np.random.default_rng(1)
    >>> clip = [rng.integers(0, 256, (32, 32), dtype=np.uint8) for _ in range(4)]
    >>> video(clip, clip).pooled["ssim"]["mean"]
    1.0
    """
    functions = {name: by_name(name) for name in ([metrics] if isinstance(metrics, str) else metrics)}
    scores, thumbnails = {name: [] for name in functions}, ([], [])
    for number, (a, b) in enumerate(itertools.zip_longest(reference, distorted, fillvalue=_END)):
        if a is _END or b is _END:
            raise ParameterError(
                f"the {'reference' if a is _END else 'distorted'} clip ends after {number} frames and the other "
                "continues: "
                "cut them to the same length"
            )
        for name, function in functions.items():
            try:
                scores[name].append(float(function(a, b)))
            except ParameterError as error:
                raise ParameterError(f"frame {number}: {error}") from error
        if check:
            for clip, frame in zip(thumbnails, (a, b)):
                clip.append(_thumbnail(np.asarray(frame)))
    if not next(iter(scores.values()), None):
        raise ParameterError("no frames, or no metrics: there is nothing to compare")
    if check:
        _refuse_misaligned(*thumbnails, max_offset)
    return VideoScores(
        {name: np.array(values) for name, values in scores.items()},
        {name: pool(values) for name, values in scores.items()},
    )
