"""Bjontegaard deltas: how much rate one curve saves against another at equal score, and how much score it gains at
equal rate.

A delta is refused, with a reason, if a curve has fewer than four points, if its score is not strictly monotonic in the
rate, or if the curves share no range, or too little of one: the number would then say more about the interpolation than
about the encoders.

References: G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", ITU-T VCEG-M33, 2001; C.
Herglotz et al., "The Bjontegaard Bible: why your way of comparing video codecs may be wrong", IEEE Trans. Image
Process. 33, 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from .interpolation import METHODS, integral
from .points import families, media_of, pick_family

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from .._types import BDMethod, Curve
    from .points import Point

MIN_POINTS = 4
MIN_SHARE = 0.05  # of the range of the shorter curve; what lies between two of its points is interpolated
CONFIDENCE = 0.95


@dataclass(frozen=True)
class BDResult:
    """A delta, or the reason why there is none.

    Attributes
    ----------
    value : float or None
        `bd_rate`: percent; negative means smaller files at equal score. `bd_quality`: in units of the metric. None when
        refused.
    reason : str
        Why it was refused; empty otherwise.
    low, high : float or None
        The common range, over which the delta is the mean: scores for `bd_rate`, rates for `bd_quality` (bits per
        pixel, or kbit/s of videos).
    share : float or None
        The common range as a fraction of the union of both ranges. Below about 0.5 the delta describes a corner of the
        curves only.
    """

    value: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A family of settings against the anchor, picture by picture and on average.

    Attributes
    ----------
    family, anchor, metric, method : str
    quantity : str
        Which delta: "rate" or "quality".
    images : dict
        Name of a picture to its `BDResult`, refused ones included.
    mean, median : float or None
        Over the pictures with a delta.
    low, high : float or None
        Bootstrap interval of the mean (percentiles, 95 %, pictures drawn with replacement). None below three pictures.
        It shows how much the mean depends on the choice of pictures. With few pictures it tends to be too narrow.
    """

    family: str
    anchor: str
    metric: str
    method: str
    quantity: str
    images: dict[str, BDResult]
    mean: float | None
    median: float | None
    low: float | None
    high: float | None

    @property
    def n(self) -> int:
        """Number of pictures with a delta."""
        return sum(result.value is not None for result in self.images.values())

    @property
    def refused(self) -> dict[str, str]:
        """{picture: reason} for the pictures without a delta."""
        return {image: result.reason for image, result in self.images.items() if result.value is None}


class _Refused(Exception):
    """A curve, or a pair of curves, that gives no meaningful delta."""


def bd_rate(reference: Curve, test: Curve, *, method: BDMethod = "pchip") -> BDResult:
    """Average difference of rate at equal score, in percent: how much more `test` needs than `reference`.

    The log of the rate is interpolated as a function of the score and integrated over the common range; the mean
    difference is converted back.

    Parameters
    ----------
    reference, test : sequence of (rate, score)
        Rates in any unit, bits per pixel or kbit/s. At least four points each, in any order. Scores must rise strictly
        with the rate in both curves, or fall strictly in both (mean squared error). Infinite scores (lossless) are left
        out, repeated points count once.
    method : "pchip" (default), "akima" or "cubic"
        See `codec.rd.interpolation`.

    Returns
    -------
    BDResult
        With `value` None and a `reason` where the curves allow no delta.

    Raises
    ------
    ParameterError
        If there is no such method, or the points are not pairs of numbers.

    Examples
    --------
    >>> from codec.rd import bd_rate
    >>> anchor = [(0.25, 30.1), (0.5, 33.0), (1.0, 36.2), (2.0, 40.0)]
    >>> round(bd_rate(anchor, [(0.9 * bpp, psnr) for bpp, psnr in anchor]).value, 6)
    -10.0
    >>> bd_rate(anchor, [(0.25, 30.2), (0.5, 33.1)]).reason
    'the test has 2 points, and a delta needs at least 4'
    """
    return _delta(reference, test, method, _rate_over_score)


def bd_quality(reference: Curve, test: Curve, *, method: BDMethod = "pchip") -> BDResult:
    """Average gain of score of `test` over `reference` at equal rate, over the log of the common rates.

    Parameters, refusals and errors are those of `bd_rate`; `low` and `high` are rates. With PSNR as the score this is
    BD-PSNR.

    Examples
    --------
    >>> from codec.rd import bd_quality
    >>> anchor = [(0.25, 30.1), (0.5, 33.0), (1.0, 36.2), (2.0, 40.0)]
    >>> round(bd_quality(anchor, [(bpp, psnr + 0.5) for bpp, psnr in anchor]).value, 6)
    0.5
    """
    return _delta(reference, test, method, _score_over_rate)


def _delta(reference, test, method, of):
    if method not in METHODS:
        raise ParameterError(f"unknown method {method!r}: there are {', '.join(METHODS)}")
    try:
        return of(*_curves(reference, test), method)
    except _Refused as refusal:
        return BDResult(None, str(refusal))


def _rate_over_score(reference, test, falling, method):
    """Falling scores are negated, so that they rise."""
    sign = -1 if falling else 1
    a, b = ((sign * scores, np.log(rates)) for rates, scores in (reference, test))
    low, high, share = _overlap(a[0], b[0], sign, "scores")
    change = _mean_difference(a, b, low, high, method)
    low, high = sorted((sign * low, sign * high))
    return BDResult(_finite(100 * math.expm1(min(change, 700.0))), "", low, high, share)


def _score_over_rate(reference, test, falling, method):
    a, b = ((np.log(rates), scores) for rates, scores in (reference, test))
    low, high, share = _overlap(a[0], b[0], 1, "rates", math.exp)
    return BDResult(_finite(_mean_difference(a, b, low, high, method)), "", math.exp(low), math.exp(high), share)


def _mean_difference(a, b, low, high, method):
    with np.errstate(all="ignore"):
        return (integral(*b, low, high, method) - integral(*a, low, high, method)) / (high - low)


def _finite(value):
    if not math.isfinite(value):
        raise _Refused("the points lie too close together to interpolate between them")
    return float(value)


def _overlap(a, b, sign, what, unit=float):
    low, high = float(max(a[0], b[0])), float(min(a[-1], b[-1]))
    if not high - low >= MIN_SHARE * min(a[-1] - a[0], b[-1] - b[0]):
        spans = [
            " to ".join(f"{unit(sign * end):.6g}" for end in sorted((x[0], x[-1]), key=lambda end: sign * end))
            for x in (a, b)
        ]
        few = f"less than {MIN_SHARE:.0%} of the {what} of the shorter one" if low < high else f"no range of {what}"
        raise _Refused(f"the curves share {few}: the reference spans {spans[0]}, the test {spans[1]}")
    return low, high, (high - low) / float(max(a[-1], b[-1]) - min(a[0], b[0]))


def _curves(reference, test):
    """(rates, scores) of both curves, sorted by rate, and whether scores fall."""
    curves = [_points(which, points) for which, points in (("reference", reference), ("test", test))]
    ways = [_direction(which, *curve) for which, curve in zip(("reference", "test"), curves)]
    if ways[0] != ways[1]:
        rising, falling = ("reference", "test") if ways[0] > 0 else ("test", "reference")
        raise _Refused(f"scores rise with the rate in the {rising} and fall in the {falling}")
    return *curves, ways[0] < 0


def _points(which, points):
    try:
        given = [(float(rate), float(score)) for rate, score in points]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"the {which} must be a sequence of (rate, score), all numbers: {error}") from error
    for rate, score in given:
        if not (0 < rate < math.inf) or math.isnan(score):
            raise _Refused(
                f"the {which} has a point of rate {rate:g} with score {score:g}: a rate is positive, and both are "
                "numbers"
            )
    pairs = sorted({pair for pair in given if math.isfinite(pair[1])})
    if len(pairs) < MIN_POINTS:
        infinite = "" if len(pairs) == len(set(given)) else " (lossless ones not counted)"
        raise _Refused(f"the {which} has {len(pairs)} points{infinite}, and a delta needs at least {MIN_POINTS}")
    return tuple(np.array(column) for column in zip(*pairs))


def _direction(which, rates, scores):
    """+1 if scores rise with the rate, -1 if they fall."""
    way = 1 if scores[-1] > scores[0] else -1
    wrong = [
        i for i in range(len(rates) - 1) if not (way * (scores[i + 1] - scores[i]) > 0 and rates[i + 1] > rates[i])
    ]
    if wrong:
        named = [f"{rates[i]:.6g} ({scores[i]:.6g}) and {rates[i + 1]:.6g} ({scores[i + 1]:.6g})" for i in wrong]
        verb = "rise" if way > 0 else "fall"
        raise _Refused(
            f"the {which} is not monotonic: its score does not {verb} with the rate between the rates "
            f"{'; '.join(named)}"
        )
    return way


def compare(
    points: Iterable[Point],
    metric: str,
    anchor_family: str,
    *,
    method: BDMethod = "pchip",
    quantity: Literal["rate", "quality"] = "rate",
    seed: int = 0,
    resamples: int = 5000,
) -> dict[str, Comparison]:
    """Compare every family of settings with an anchor, picture by picture.

    Parameters
    ----------
    points : iterable of Point
        Rows of one sweep or several. The last row of a picture and setting counts; rows without the metric are ignored.
    metric : str
        Name of a metric in the rows.
    anchor_family : str
        A name from `codec.rd.families`, or the name of a codec with a single family.
    method : "pchip" (default), "akima" or "cubic"
    quantity : "rate" (default) or "quality"
        `bd_rate` or `bd_quality`.
    seed, resamples : int
        For the bootstrap. The same rows, seed and number of resamples give the same interval.

    Returns
    -------
    dict
        {family: `Comparison`}, without the anchor.

    Raises
    ------
    ParameterError
        If there are no rows, no row has the metric, no family has that name, or rows are of pictures and of videos.
    """
    if quantity not in ("rate", "quality"):
        raise ParameterError(f"unknown quantity {quantity!r}: there are rate, quality")
    points = list(points)
    media_of(points)
    groups = families(points)
    if not groups:
        raise ParameterError("there are no rows to compare")
    if not any(metric in point.metrics for rows in groups.values() for point in rows):
        there = dict.fromkeys(name for rows in groups.values() for point in rows for name in point.metrics)
        raise ParameterError(f"no row has the metric {metric!r}: there are {', '.join(there) or 'none'}")
    anchor = pick_family(groups, anchor_family)
    curves = {name: _by_picture(rows, metric) for name, rows in groups.items()}
    labels = _labels(curves)
    delta = bd_rate if quantity == "rate" else bd_quality
    found = {}
    for name, own in curves.items():
        if name == anchor:
            continue
        images = {
            labels[key]: _pair(curves[anchor], own, key, metric, delta, method) for key in {**curves[anchor], **own}
        }
        found[name] = Comparison(
            name, anchor, metric, method, quantity, images, *_summary(images.values(), seed, resamples)
        )
    return found


def _by_picture(rows, metric):
    """{(name, sha256): [(rate, score), ...]} from the last row of each setting; pictures whose rows all lack the metric
    have no points.
    """
    last = {}
    for point in rows:
        last.setdefault(point.picture, {})[tuple(sorted((k, str(v)) for k, v in point.setting.items()))] = point
    return {
        key: [(p.rate, p.metrics[metric]) for p in settings.values() if metric in p.metrics]
        for key, settings in last.items()
    }


def _labels(curves):
    """The name of each picture, with the start of its hash if the name is used for several contents."""
    keys = list(dict.fromkeys(key for own in curves.values() for key in own))
    names = [name for name, _ in keys]
    return {(name, sha256): name if names.count(name) == 1 else f"{name} ({sha256[:8]})" for name, sha256 in keys}


def _pair(anchor, own, key, metric, delta, method):
    for which, curves in (("anchor", anchor), ("family", own)):
        if key not in curves:
            return BDResult(None, f"the {which} has no rows of it")
        if not curves[key]:
            return BDResult(None, f"the {which} has no row of it with {metric}")
    return delta(anchor[key], own[key], method=method)


def _summary(results, seed, resamples):
    """Mean, median, and the interval of the mean."""
    values = np.array([result.value for result in results if result.value is not None])
    if not values.size:
        return None, None, None, None
    low = high = None
    if values.size >= 3:
        drawn = np.random.default_rng(seed).integers(values.size, size=(resamples, values.size))
        tail = 50 * (1 - CONFIDENCE)
        low, high = map(float, np.percentile(values[drawn].mean(axis=1), [tail, 100 - tail]))
    return math.fsum(values) / values.size, float(np.median(values)), low, high
