"""Settings worth using: the convex hull of score over rate, and the Pareto front of two quantities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import ParameterError
from ..metrics.names import FACTS, facts
from .points import media_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .points import AnyRow, Mean, Point


def hull(points: Iterable[AnyRow], metric: str) -> list[AnyRow]:
    """The rows on the upper left convex hull of score over rate, by rising rate: no row and no mixture of two rows
    beats them.

    Parameters
    ----------
    points : iterable of Point or Mean
        Rows of one picture, or means over the same pictures. Rows without a finite value of the metric are ignored.
    metric : str
        If smaller is better, the lower hull is taken (see `falls`).

    Returns
    -------
    list
        A subset of the points, with rising rate, better scores, and falling gain per bit.

    Raises
    ------
    ParameterError
        If no row has the metric, or rows are of pictures and of videos.

    Examples
    --------
    >>> from codec import rd
    >>> means = rd.means(rd.sweep("samples/coffee.png", quality=(30, 60, 90), effort=(1, 9), metrics="ssimulacra2"))
    >>> [(mean.setting["effort"], mean.setting["quality"]) for mean in rd.hull(means, "ssimulacra2")]
    [(9, 30), (9, 60), (9, 90)]
    """
    points = [point for point in points if metric in point.metrics and math.isfinite(point.metrics[metric])]
    if not points:
        raise ParameterError(f"no row has the metric {metric!r}")
    media_of(points)
    sign = -1 if falls(points, metric) else 1
    kept = []
    for rate, score, _, point in sorted((p.rate, -sign * p.metrics[metric], i, p) for i, p in enumerate(points)):
        if kept and -score <= kept[-1][1]:
            continue
        while len(kept) > 1 and _turns_left(kept[-2], kept[-1], (rate, -score)):
            kept.pop()
        kept.append((rate, -score, point))
    return [point for *_, point in kept]


def _turns_left(a, b, c):
    """Whether b lies on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def falls(points: Collection[Point | Mean], metric: str) -> bool:
    """Whether less of the metric is better. For unknown metrics the rows decide: whether it falls from the lowest to
    the highest rate.
    """
    if metric.partition("[")[0] in FACTS:
        return facts(metric).lower_is_better
    ends = [min(points, key=lambda p: p.rate), max(points, key=lambda p: p.rate)]
    return ends[0].metrics[metric] > ends[1].metrics[metric]


def pareto(pairs: Iterable[tuple[float, float]]) -> list[int]:
    """Indexes of the (cost, gain) pairs on the Pareto front, by rising cost.

    >>> from codec.rd import pareto
    >>> pareto([(3, 10), (1, 5), (2, 4), (3, 9)])
    [1, 0]
    """
    front, best = [], -math.inf
    for _, gain, index in sorted((cost, -gain, index) for index, (cost, gain) in enumerate(pairs)):
        if -gain > best:
            best = -gain
            front.append(index)
    return front
