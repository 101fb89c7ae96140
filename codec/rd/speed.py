"""Speed against efficiency: throughput and BD-rate of families of settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bdrate import compare
from .hull import pareto
from .points import families, pick_family

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from .._types import BDMethod
    from .points import Point


@dataclass(frozen=True)
class Speed:
    """Speed of a family of settings, and its BD-rate against the anchor.

    Attributes
    ----------
    family : str
    encode_mpixels_per_second, decode_mpixels_per_second : float
        Megapixels of all pictures over the time of all.
    bd_rate : float or None
        Percent; 0 for the anchor, None where no picture has a delta.
    low, high : float or None
        Bootstrap interval of `bd_rate`, as in `Comparison`; None for the anchor.
    n : int
        Pictures with a delta.
    front : bool
        Whether no other family is both faster and smaller.
    """

    family: str
    encode_mpixels_per_second: float
    decode_mpixels_per_second: float
    bd_rate: float | None
    low: float | None
    high: float | None
    n: int
    front: bool


def speeds(
    points: Iterable[Point],
    metric: str,
    anchor: str,
    *,
    method: BDMethod = "pchip",
    of: Literal["encode", "decode"] = "encode",
) -> list[Speed]:
    """One `Speed` per family, in order of appearance. `of` ("encode" or "decode") selects the speed for the front.

    Parameters
    ----------
    points, metric, anchor, method
        As for `codec.rd.compare`.

    Raises
    ------
    ParameterError
        As `codec.rd.compare`.
    """
    points = list(points)
    groups = families(points)
    compared = compare(points, metric, anchor, method=method)
    anchor = pick_family(groups, anchor)
    rows: list[Any] = []
    for name, own in groups.items():
        found: Any = compared.get(name)
        mpixels = sum(p.mpixels for p in own)
        rates: tuple[float, ...] = tuple(
            mpixels / max(sum(seconds), 1e-9)
            for seconds in ([p.encode_seconds for p in own], [p.decode_seconds for p in own])
        )
        delta = (
            (0.0, None, None, len({p.picture for p in own}))
            if name == anchor
            else (found.mean, found.low, found.high, found.n)
        )
        rows.append((name, *rates, *delta))
    speed = 1 if of == "encode" else 2
    comparable = [row for row in rows if row[3] is not None]
    front = {comparable[i][0] for i in pareto([(row[3], row[speed]) for row in comparable])}
    return [Speed(*row, row[0] in front) for row in rows]  # type: ignore[call-arg]
