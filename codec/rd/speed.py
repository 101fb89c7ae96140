"""Speed against efficiency: throughput and BD-rate of families of settings."""

from dataclasses import dataclass

from .bdrate import compare
from .hull import pareto
from .points import families, pick_family


@dataclass(frozen=True)
class Speed:
    """A family of settings: megapixels per second (all pixels over all time), and BD-rate against the anchor with its
    interval.

    `bd_rate` is 0 for the anchor, and None if no picture has one. `front`: no other family is both faster and smaller.
    """

    family: str
    encode_mpixels_per_second: float
    decode_mpixels_per_second: float
    bd_rate: float | None
    low: float | None
    high: float | None
    n: int
    front: bool


def speeds(points, metric, anchor, *, method="pchip", of="encode"):
    """One `Speed` per family, in order of appearance. `of` ("encode" or "decode") selects the speed for the front.

    Raises
    ------
    ParameterError
        As `codec.rd.compare`.
    """
    points = list(points)
    groups = families(points)
    compared = compare(points, metric, anchor, method=method)
    anchor = pick_family(groups, anchor)
    rows = []
    for name, own in groups.items():
        found = compared.get(name)
        mpixels = sum(p.mpixels for p in own)
        rates = tuple(
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
    return [Speed(*row, row[0] in front) for row in rows]
