"""Scores of clips: frame by frame, then pooled. Misaligned clips are refused."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..color import LIMITED_BLACK, LIMITED_LUMA, YCBCR
from ..errors import ParameterError
from ..frame import Frame, spread
from .luma import luma
from .names import by_name, facts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import numpy.typing as npt

    from .._types import MetricName

THUMBNAIL = 32  # cells per side of the thumbnails used in the checks
SHORTEST_RUN = 3  # frames; a single frozen frame is damage, not a shift
EQUAL = 1e-3  # sums of squared differences below this are rounding
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
        Name of the metric -> {"mean", "harmonic_mean", "min", "p1", "p5", "p10", "p50"}; of metrics where lower is
        better (MSE, CIEDE2000) {"mean", "max", "p99", "p95", "p90", "p50"}, so that the worst frames show. The harmonic
        mean, which emphasizes bad frames, is nan if a score is not positive. Infinite scores (PSNR of equal frames)
        make the mean infinite.
    """

    frames: dict[str, npt.NDArray[np.float64]] = field(repr=False)
    pooled: dict[str, dict[str, float]]


def pool(values: npt.ArrayLike, *, lower_is_better: bool = False) -> dict[str, float]:
    """Mean, worst frame and worst percentiles (linear interpolation) of per-frame scores.

    Parameters
    ----------
    values : (frames,) numbers
    lower_is_better : bool
        The bad frames are those with the largest scores.

    Returns
    -------
    dict
        "mean", "harmonic_mean", "min", "p1", "p5", "p10", "p50". If lower is better: "mean", "max", "p99", "p95",
        "p90", "p50"; a harmonic mean would emphasise the good frames.

    Examples
    --------
    >>> from codec.metrics.video import pool
    >>> pool([40.0, 20.0])["harmonic_mean"], pool([40.0, 20.0], lower_is_better=True)["max"]
    (26.666666666666664, 40.0)
    """
    values = np.asarray(values, np.float64)
    finite = values if np.isfinite(values).all() else np.where(np.isposinf(values), np.finfo(np.float64).max, values)
    percents = (99, 95, 90, 50) if lower_is_better else (1, 5, 10, 50)
    percentiles = {f"p{p}": float(np.percentile(finite, p)) for p in percents}
    percentiles = {
        name: math.inf if value >= np.finfo(np.float64).max / 2 else value for name, value in percentiles.items()
    }
    mean = float(values.mean())
    if lower_is_better:
        return {"mean": mean, "max": float(values.max()), **percentiles}
    harmonic = (
        len(values) / float((1 / values).sum())
        if (values > 0).all() and np.isfinite(values).any()
        else (math.inf if np.isposinf(values).all() else math.nan)
    )
    return {"mean": mean, "harmonic_mean": harmonic, "min": float(values.min()), **percentiles}


def _thumbnail(frame):
    """Means over a THUMBNAIL x THUMBNAIL grid, (cells, channels) float64: enough to distinguish frames and colours."""
    plane = frame.reshape(*frame.shape[:2], -1).astype(np.float64)
    if frame.dtype == np.uint16:
        plane /= 257  # to 0..255
    for axis in (0, 1):
        n = min(THUMBNAIL, plane.shape[axis])
        edges = np.arange(n) * plane.shape[axis] // n
        counts = np.diff(np.append(edges, plane.shape[axis]))
        plane = np.add.reduceat(plane, edges, axis) / (counts[:, None, None] if axis == 0 else counts[:, None])
    return plane.reshape(-1, plane.shape[2])


def _misalignment(a, b, most):
    """(shift, first, end): frames first to end - 1 of a are like those of b that come `shift` frames later, or None.

    A shift counts if it halves the error over at least SHORTEST_RUN frames, and if the motion of the reference explains
    the error without it: quality that comes and goes in a still scene is no shift.
    """
    a, b = (
        np.stack([luma(t[None] if t.shape[1] == 3 else t[None, :, :1])[0].ravel() for t in clip]).astype(np.float64)
        for clip in (a, b)
    )
    count, best, found = len(a), EQUAL, None
    squares = [np.einsum("ij,ij->i", clip, clip) for clip in (a, b)]
    here = _errors(a, b, *squares)
    for shift in sorted(range(-most, most + 1), key=abs):
        start, stop = max(0, -shift), count - max(0, shift)
        if not shift or stop - start < SHORTEST_RUN:
            continue
        left, right = slice(start, stop), slice(start + shift, stop + shift)
        there = _errors(a[left], b[right], squares[0][left], squares[1][right])
        total, first, end = _best_run(here[start:stop] - 2 * there)
        first, end = first + start, end + start
        if end - first < SHORTEST_RUN or total <= best:
            continue
        run = np.arange(first, end)
        moved = ((a[run] - a[np.clip(run - shift, 0, count - 1)]) ** 2).sum()
        if moved < here[first:end].sum() / 2:
            continue
        # Where nothing moves after the run, or around it, the shift holds to the end, or for the whole clip.
        before, after = (
            there[part].sum() <= 2 * here[start:stop][part].sum() + EQUAL
            for part in (slice(first - start), slice(end - start, None))
        )
        first, end = start if before and after else first, stop if after else end
        best, found = total, (shift, first, end)
    return found


def _errors(a, b, a_squares, b_squares):
    """Squared distances of the rows of a and b: |a|^2 + |b|^2 - 2 ab."""
    return np.maximum(a_squares + b_squares - 2 * np.einsum("ij,ij->i", a, b), 0)


def _best_run(gains):
    """(sum, first, end) of the contiguous gains with the largest sum (Kadane's algorithm)."""
    best, total, start = (0.0, 0, 0), 0.0, 0
    for i, gain in enumerate(gains.tolist()):
        if total <= 0:
            total, start = 0.0, i
        total += gain
        if total > best[0]:
            best = total, start, i + 1
    return best


def _refuse_shifted(a, b, most):
    found = _misalignment(a, b, most)
    if not found:
        return
    shift, first, end = found
    count, late = abs(shift), "later" if shift > 0 else "earlier"
    frames = f"{count} frames"
    if end - first == len(a) - count:
        raise ParameterError(
            f"the distorted clip shows the same pictures {frames} {late}: drop {frames} at the start of "
            f"{'it' if shift > 0 else 'the reference'} and at the end of the other, or pass check=False"
        )
    # b[i] = a[i - shift]: a drop shows first in the frame of b that takes the place of the lost one.
    place = first + min(shift, 0)
    until = "on" if end >= len(a) - max(0, shift) else f"to frame {end - 1 + shift}"
    raise ParameterError(
        f"from frame {place} {until} the distorted clip shows the same pictures {frames} {late}: {frames} "
        f"{'repeated or inserted' if shift > 0 else 'lost'} before there. Restore the frames, score the parts on their "
        "own, or pass check=False"
    )


def _refuse_misaligned(a, b, most):
    _refuse_shifted(a, b, most)
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
    reference: Iterable[npt.ArrayLike | Frame],
    distorted: Iterable[npt.ArrayLike | Frame],
    *,
    metrics: MetricName | Iterable[MetricName] = ("psnr", "ssim"),
    check: bool = True,
    max_offset: int = 30,
    bit_depth: int | None = None,
) -> VideoScores:
    """Score a clip frame by frame, and pool the scores.

    Parameters
    ----------
    reference, distorted : iterables of ndarray
        Frames in display order: `codec.Frame`, or arrays (H, W) or (H, W, 3), uint8 or uint16. Of a Frame, metrics of
        luma take the coded luma and the others RGB. Read once, so generators are fine.
    metrics : names of functions in `codec.metrics`
    check : bool
        Refuse clips shifted by up to `max_offset` frames, as a whole or from some frame on (one lost or repeated), and
        mismatches of range (16..235 against 0..255) or matrix
        (BT.601 against BT.709). Clips of different length are always refused.
    max_offset : int
    bit_depth : int, optional
        Significant bits of uint16 arrays, such as 10 for planes of 10-bit video. Default 16; arrays whose samples never
        need more than 12 bits are refused unless it is given. A Frame has its own.

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
    if bit_depth is not None and (not isinstance(bit_depth, int) or not 8 <= bit_depth <= 16):
        raise ParameterError(f"bit_depth must be 8 to 16, not {bit_depth!r}")
    scores, thumbnails, depths = {name: [] for name in functions}, ([], []), _Depths(bit_depth)
    for number, (a, b) in enumerate(itertools.zip_longest(reference, distorted, fillvalue=_END)):
        if a is _END or b is _END:
            raise ParameterError(
                f"the {'reference' if a is _END else 'distorted'} clip ends after {number} frames and the other "
                "continues: "
                "cut them to the same length"
            )
        for name, function in functions.items():
            try:
                scores[name].append(float(function(*(depths.shown(frame, facts(name).of_luma) for frame in (a, b)))))
            except ParameterError as error:
                raise ParameterError(f"frame {number}: {error}") from error
        if check:
            for clip, frame in zip(thumbnails, (a, b)):
                clip.append(_thumbnail(np.asarray(depths.shown(frame, False))))
    if not next(iter(scores.values()), None):
        raise ParameterError("no frames, or no metrics: there is nothing to compare")
    depths.refuse_few()
    if check:
        _refuse_misaligned(*thumbnails, max_offset)
    return VideoScores(
        {name: np.array(values) for name, values in scores.items()},
        {name: pool(values, lower_is_better=facts(name).lower_is_better) for name, values in scores.items()},
    )


class _Depths:
    """Samples at the scale of their type, since metrics take the largest value of the type as the peak."""

    def __init__(self, bit_depth):
        self._bit_depth, self._largest = bit_depth, 0  # largest: of uint16 arrays without a known depth

    def shown(self, frame, of_luma):
        """The array of a frame: uint8, or uint16 over 0..65535."""
        if isinstance(frame, Frame):
            return spread(frame.planes[0], frame.bit_depth) if of_luma else frame.to_rgb()
        frame = np.asarray(frame)
        if frame.dtype != np.uint16 or not frame.size:
            return frame
        if self._bit_depth is None:
            self._largest = max(self._largest, int(frame.max()))
            return frame
        if frame.max() >> self._bit_depth:
            raise ParameterError(f"a sample of {frame.max()} does not fit bit_depth={self._bit_depth}")
        return spread(frame, self._bit_depth)

    def refuse_few(self):
        """Raise if uint16 samples look like planes of 9 to 12 bits, whose scores would be 24 dB or more too high."""
        if 0 < self._largest < 1 << 12:
            bits = max(9, self._largest.bit_length())
            raise ParameterError(
                f"the samples are uint16 and at most {self._largest}: pass bit_depth={bits} for planes of {bits} bits, "
                "or the codec.Frame objects; bit_depth=16 if they really are that dark"
            )
