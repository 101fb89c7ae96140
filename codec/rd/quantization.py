"""Quantizers on one set of values: points of the rate-distortion plane, and a self-contained HTML page."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import ParameterError
from ..quantizers.analysis import density_of
from ..quantizers.densities import shannon_bound
from ..quantizers.histogram import Histogram
from ..quantizers.recommendation import METHODS, Recommendation, sample_of
from ..sources.files import write_atomic
from .page import fill, short, visible

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._types import Path

SCRIPTS = ("base.js", "quantization.js")
MOST_THRESHOLDS = 400
COLUMNS = 300  # of the error over time
CURVE_VALUES = 1 << 14
CURVE_BITS = range(1, 9)


def rate_distortion(
    data: npt.ArrayLike | Iterator[npt.ArrayLike], *, methods: Iterable[str] | None = None
) -> dict[str, list[tuple[float, float, str]]]:
    """Points (rate, SQNR, setting) of quantizers on data: curves of the rate-distortion plane.

    Parameters
    ----------
    data : array of real numbers, or iterator of such arrays
        Of more than 16,384 values, as many are chosen at random.
    methods : iterable of str, optional
        Names from `codec.quantizers.recommendation.METHODS`; default: all.

    Returns
    -------
    dict of str to list of (float, float, str)
        Rates are entropies of the codes in bits per value, signal to quantization noise is in dB. Methods of a fixed
        length have codes of 1 to 8 bits, the others steps from 1/16 to 4 standard deviations. Settings without error,
        and methods that do not fit the data, are left out.

    Raises
    ------
    ParameterError
        For data that is empty, not real or not finite, and unknown methods.

    Examples
    --------
    >>> import numpy as np
    >>> from codec import rd
    >>> curve = rd.rate_distortion(np.random.default_rng(0).normal(size=5000), methods=["rounding"])["rounding"]
    >>> all(sqnr < 6.03 * rate for rate, sqnr, _ in curve if rate > 1)     # below Shannon's bound
    True
    """
    names = list(METHODS if methods is None else methods)
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise ParameterError(f"methods are {', '.join(METHODS)}, not {unknown[0]!r}")
    sample = sample_of(data, CURVE_VALUES)
    deviation, power = float(sample.std()), float(np.mean(np.square(sample)))
    found = {}
    for name in names:
        method, points = METHODS[name], []
        if method.of_step is not None and deviation:
            steps = deviation * 2.0 ** np.arange(-4, 2.5, 0.5)
            made = [(method.of_step(sample, float(step)), f"step {step:.4g}") for step in steps]
        elif method.of_bits is not None and deviation:
            made = [(method.of_bits(sample, bits), f"{bits} bits") for bits in CURVE_BITS]
        else:
            made = []
        for q, label in made:
            point = None if q is None else _point(sample, q, power)
            if point is not None:
                points.append((*point, label))
        if points:
            found[name] = sorted(points)
    return found


def _point(sample, q, power):
    codes = q.encode(sample)
    mse = float(np.mean(np.square(np.asarray(q.decode(codes), np.float64) - sample)))
    share = np.unique(codes, return_counts=True)[1] / sample.size
    return (float(-(share * np.log2(share)).sum()), 10 * math.log10(power / mse)) if mse else None


def quantization_report(
    data: npt.ArrayLike | Iterator[npt.ArrayLike],
    ranked: Sequence[Recommendation],
    path: Path | None = None,
    *,
    chosen: int = 0,
    name: str = "data",
    goal: str = "",
    title: str | None = None,
    command: str = "",
    facts: Iterable[tuple[str, str]] = (),
    notes: Iterable[str] = (),
) -> str:
    """Write one self-contained HTML page about quantizers for data: ranks with reasons, histogram with thresholds,
    rate-distortion plane with Shannon's bound, error over time.

    Parameters
    ----------
    data : array of real numbers, or iterator of such arrays
        The same that `ranked` was made for.
    ranked : sequence of Recommendation
        From `codec.quantizers.recommend`.
    path : str or os.PathLike, optional
        Where to write the page, completely or not at all.
    chosen : int, default 0
        Which one the page shows first.
    name, goal, title, command : str, optional
        Of the data; what was asked for; of the page; the command line that made it.
    facts : iterable of (str, str), optional
        More about the data, for the last section.
    notes : iterable of str, optional
        What was converted or lost; shown first there.

    Returns
    -------
    str
        The page. The same data gives the same page.

    Raises
    ------
    ParameterError
        If nothing is ranked, `chosen` is out of range, or the data is empty, not real or not finite.
    FileError
        If the page cannot be written.
    """
    ranked = list(ranked)
    if not ranked or chosen not in range(len(ranked)):
        raise ParameterError(
            f"chosen must be within 0..{len(ranked) - 1}, not {chosen!r}: there are {len(ranked)} ranks"
        )
    sample = sample_of(data)
    histogram = Histogram(sample)
    density = density_of(histogram)
    power = float(np.mean(np.square(sample)))
    curves = rate_distortion(sample)
    count = ranked[0].report.count
    content = {
        "title": visible(title or f"Quantizers for {name}"),
        "version": __version__,
        "name": visible(name),
        "shape": visible(f"{sample.size} values from {sample.min():.6g} to {sample.max():.6g}"),
        "goal": visible(goal),
        "sample": f"{count} values",
        "chosen": chosen,
        "ranked": [_rank(one, sample) for one in ranked],
        "data": _bins(histogram.at_most(256)),
        "density": None if density is None else _curve(density, histogram.at_most(256)),
        "curves": [
            {"name": method, "points": [[short(rate), short(sqnr), label] for rate, sqnr, label in points if sqnr >= 0]}
            for method, points in curves.items()
        ],
        "bound": None if density is None else _bound(density, power),
        "band": short(1.96 / math.sqrt(sample.size)),
        "notes": [visible(note) for note in notes],
        "command": visible(command),
        "facts": [[visible(key), visible(value)] for key, value in (*facts, *_software())],
    }
    page = fill("quantization.html", SCRIPTS, content)
    if path is not None:
        write_atomic(path, page.encode("ascii"))
    return page


def _software():
    return [("codec", __version__), ("Python", platform.python_version()), ("NumPy", np.__version__)]


def _bins(histogram):
    if histogram.minimum == histogram.maximum:  # its bin may be narrower than any figure can show
        return {"start": short(histogram.minimum - 0.5), "width": 1, "counts": histogram.counts.tolist()}
    return {
        "start": short(histogram.first * histogram.width),
        "width": short(histogram.width),
        "counts": histogram.counts.tolist(),
    }


def _curve(density, histogram):
    """The expected counts of the bins, as points of a curve; where there is a spike, the bin has its mean."""
    edges = histogram.edges
    expected = np.diff(density.cdf(edges)) * histogram.total
    middles = (edges[1:] + edges[:-1]) / 2
    return {"name": density.name, "points": [[short(float(x)), short(float(y))] for x, y in zip(middles, expected)]}


def _bound(density, power):
    """SQNR of Shannon's bound at rate 0, and its slope in dB per bit."""
    at_zero = shannon_bound(density, 0)
    return [short(10 * math.log10(power / at_zero)), short(20 * math.log10(2))] if power and at_zero else None


def _rank(one: Recommendation, sample: npt.NDArray[np.float64]) -> dict[str, Any]:
    q, report = one.quantizer, one.report
    error = np.asarray(q.transform(sample), np.float64) - sample
    thresholds = q.thresholds
    inside = thresholds[(thresholds > sample.min()) & (thresholds < sample.max())]
    drawn = inside.size <= MOST_THRESHOLDS
    # The level between each pair of thresholds: what a value there becomes.
    ends = [sample.min(), *inside, sample.max()]
    levels = q.transform(np.array([(a + b) / 2 for a, b in zip(ends, ends[1:])])) if drawn else None
    columns = np.array_split(error, min(COLUMNS, error.size))
    return {
        "method": one.method,
        "quantizer": visible(report.quantizer),
        "reasons": [visible(reason) for reason in one.reasons],
        **{
            key: short(getattr(report, key)) for key in ("sqnr", "entropy", "mse", "max_error", "mean_error", "clipped")
        },
        "gap": short(report.gap),
        "bits": report.bits,
        "used": report.levels_used,
        "whiteness": short(report.whiteness),
        "correlation": short(report.error_correlation),
        "thresholds": [short(float(t)) for t in inside] if drawn else None,
        "levels": None if levels is None else [short(float(level)) for level in levels],
        "error": _bins(report.error.at_most(128)),
        "envelope": [[short(float(column.min())), short(float(column.max()))] for column in columns],
        "autocorrelation": [short(float(r)) for r in report.error_autocorrelation],
    }
