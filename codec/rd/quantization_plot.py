"""Figures of a quantizer: histogram with thresholds, rate-distortion plane with Shannon's bound, error over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..quantizers.analysis import density_of
from ..quantizers.densities import shannon_bound
from ..quantizers.histogram import Histogram
from ..quantizers.recommendation import sample_of
from ..sources.files import write_atomic
from .plot import COLORS, DASHES, MARKERS, STYLE, figure_kind, load_matplotlib, render, wrapped
from .quantization import COLUMNS, MOST_THRESHOLDS, rate_distortion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    from matplotlib.figure import Figure

    from .._types import Path
    from ..quantizers.protocol import Quantizer


def plot_quantization(
    data: npt.ArrayLike | Iterator[npt.ArrayLike],
    quantizer: Quantizer,
    path: Path | None = None,
    *,
    methods: Iterable[str] | None = None,
    title: str | None = None,
    caption: str = "",
    log_counts: bool = False,
) -> Figure:
    """Draw what a quantizer does to data: the histogram with its thresholds and the fitted density, the rate-distortion
    plane with it among others below Shannon's bound, and the least and greatest error over time.

    Parameters
    ----------
    data : array of real numbers, or iterator of such arrays
        Of more than 131,072 values, as many are chosen at random, in their order.
    quantizer : Quantizer
        Fitted.
    path : str or os.PathLike, optional
        Where to write the figure: .png, .svg or .pdf by suffix.
    methods : iterable of str, optional
        Of the curves: names from `codec.quantizers.recommendation.METHODS`. Default: all.
    title, caption : str, optional
    log_counts : bool, default False
        Whether the axis of counts is logarithmic.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    ParameterError
        For data that is empty, not real or not finite, a quantizer that was not fitted, unknown methods or suffixes.
    FileError
        If the file cannot be written.
    """
    matplotlib = load_matplotlib()
    from matplotlib.figure import Figure

    kind = None if path is None else figure_kind(path)
    sample = sample_of(data)
    curves = rate_distortion(sample, methods=methods)
    decoded = np.asarray(quantizer.transform(sample), np.float64)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12.6, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        _histogram(left, sample, quantizer, log_counts)
        _plane(middle, sample, quantizer, curves)
        _over_time(right, decoded - sample)
        if title:
            figure.suptitle(title, fontsize=11)
        if caption:
            figure.supxlabel(wrapped(caption, figure), fontsize=7.5, color="#666666")
    if path is not None:
        write_atomic(path, render(figure, kind))
    return figure


def _histogram(panel, sample, quantizer, log_counts):
    histogram = Histogram(sample).at_most(256)
    edges = histogram.edges
    panel.stairs(histogram.counts, edges, fill=True, color=COLORS[4], alpha=0.7, label="data")
    density = density_of(Histogram(sample))
    if density is not None:
        expected = np.diff(density.cdf(edges)) * histogram.total
        label = f"{density.name} fit"
        panel.plot((edges[1:] + edges[:-1]) / 2, expected, color=COLORS[2], linestyle=DASHES[1], label=label)
    thresholds = quantizer.thresholds
    inside = thresholds[(thresholds > histogram.minimum) & (thresholds < histogram.maximum)]
    if inside.size <= MOST_THRESHOLDS:
        # Many lines must not hide the data.
        alpha = min(0.8, 24 / inside.size) if inside.size else 1
        for number, t in enumerate(inside):
            label = f"{inside.size} thresholds" if not number else None
            panel.axvline(t, color=COLORS[1], linewidth=0.5, alpha=alpha, label=label, zorder=3)
    if log_counts:
        panel.set_yscale("log")
        panel.set_ylim(bottom=0.5)
    else:
        panel.set_ylim(0, 1.08 * histogram.counts.max())
    panel.set_xlabel("value")
    panel.set_ylabel("values in a bin")
    panel.legend(frameon=False, fontsize=7.5)


def _plane(panel, sample, quantizer, curves):
    power = float(np.mean(np.square(sample)))
    for number, (name, points) in enumerate(curves.items()):
        shown = [(rate, sqnr) for rate, sqnr, _ in points if sqnr >= 0]
        look = {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number % len(DASHES)]}
        marker = MARKERS[number % len(MARKERS)]
        panel.plot([x for x, _ in shown], [y for _, y in shown], **look, marker=marker, markersize=3, label=name)
    codes = quantizer.encode(sample)
    mse = float(np.mean(np.square(np.asarray(quantizer.decode(codes), np.float64) - sample)))
    share = np.unique(codes, return_counts=True)[1] / sample.size
    if mse and power:
        own = -(share * np.log2(share)).sum(), 10 * math.log10(power / mse)
        panel.plot(*own, "o", markersize=11, markerfacecolor="none", markeredgecolor="#000000", label="this one")
    density = density_of(Histogram(sample))
    if density is not None and power:
        rates = np.array(panel.get_xlim()).clip(0)
        bound = [10 * math.log10(power / shannon_bound(density, float(rate))) for rate in rates]
        panel.plot(rates, bound, color="#000000", linestyle=":", label="Shannon's bound")
    panel.set_xlabel("rate, bits per value (entropy of the codes)")
    panel.set_ylabel("SQNR (dB)")
    panel.grid(True)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=6.5, loc="upper left")


def _over_time(panel, error):
    columns = np.array_split(error, min(COLUMNS, error.size))
    place = (np.arange(len(columns)) + 0.5) / len(columns) * 100
    low, high = [column.min() for column in columns], [column.max() for column in columns]
    panel.fill_between(place, low, high, color=COLORS[1], alpha=0.6, linewidth=0)
    panel.axhline(0, color="#444444", linewidth=0.7)
    panel.set_xlabel("position in the data, %")
    panel.set_ylabel("least and greatest error")
