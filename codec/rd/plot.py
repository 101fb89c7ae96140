"""Draw rate-distortion figures from rows. matplotlib is loaded with the first figure."""

from __future__ import annotations

import io
import math
import os
import textwrap
from typing import TYPE_CHECKING

from ..errors import MissingPackageError, ParameterError
from ..metrics.names import facts
from ..sources.files import write_atomic
from .points import RATES, averageable, families, family, means, media_of, some_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from matplotlib.figure import Figure

    from .._types import Path
    from .points import Point
    from .speed import Speed

# Okabe and Ito's palette without yellow, which is too faint on paper; dashes and markers distinguish curves in gray
# print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
SUFFIXES = (".png", ".svg", ".pdf")
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#444444",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "grid.color": "#d8d8d8",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
}


def plot(
    points: Iterable[Point],
    path: Path | None = None,
    *,
    metrics: str | Iterable[str] = ("psnr", "ssim"),
    title: str | None = None,
) -> Figure:
    """Draw metrics over bits per pixel, or kbit/s of videos: one thick curve of means per family of settings, one thin
    curve per picture.

    A family is a codec with settings that differ in quality (or crf) only. Means are those of `codec.rd.means`, over
    the same pictures in every family. Infinite values (equal pictures) are left out, and their pictures from the means
    (`codec.rd.averageable`), which the caption says.

    Parameters
    ----------
    points : iterable of Point
        From `codec.rd.sweep` or `codec.rd.read_points`.
    path : str or os.PathLike, optional
        Where to write the figure: .png, .svg or .pdf by suffix.
    metrics : iterable of str
        One panel each, from the rows that have the metric.
    title : str, optional
        Above the panels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    ParameterError
        If there are no rows, none has a metric, no picture has all settings, rows mix pictures and videos, or the
        suffix is unknown.
    FileError
        If the file cannot be written.
    """
    points, metrics = list(points), [metrics] if isinstance(metrics, str) else list(metrics)
    kind = None if path is None else figure_kind(path)
    if not points or not metrics:
        raise ParameterError("there are no rows to draw" if metrics else "metrics is empty: name at least one")
    for metric in metrics:
        if not any(metric in point.metrics for point in points):
            raise ParameterError(
                f"no row has {metric!r}; the first has {', '.join(points[0].metrics)}: sweep again with that metric"
            )
    figure = _figure(points, metrics, title)
    if path is not None:
        write_atomic(path, render(figure, kind))
    return figure


def figure_kind(path: Path) -> str:
    """ "png", "svg" or "pdf". Raises as `plot` does for other suffixes or without matplotlib, so that a long sweep can
    check first.
    """
    load_matplotlib()
    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{os.fsdecode(path)}: a figure is written as {', '.join(SUFFIXES)}, by suffix")
    return suffix[1:]


def load_matplotlib():
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPackageError("drawing needs matplotlib, which is not installed: pip install codec[lab]") from error
    return matplotlib


def render(figure, kind):
    buffer = io.BytesIO()
    # A fixed salt and no date: the same rows give the same file.
    with load_matplotlib().rc_context({"svg.hashsalt": "codec", "svg.fonttype": "path"}):
        figure.savefig(
            buffer,
            format=kind,
            dpi=200,
            metadata={"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else None,
        )
    return buffer.getvalue()


def _figure(points, metrics, title):
    matplotlib = load_matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * len(metrics), 3.9), layout="constrained")
        panels = figure.subplots(1, len(metrics), squeeze=False)[0]
        groups, drawn, left_out = families(points), {}, {}
        for panel, metric in zip(panels, metrics):
            left_out[metric] = _panel(panel, groups, metric)
            drawn |= {line.get_label(): line for line in panel.get_legend_handles_labels()[0]}
        labels = [name for name in groups if name in drawn]
        # Above the panels: inside, the curve of some picture crosses every corner.
        figure.legend(
            [drawn[name] for name in labels],
            labels,
            loc="outside upper center",
            ncols=min(len(labels), 3 * len(metrics)),
            frameon=False,
            fontsize=8.5,
            handlelength=3.2,
            title=title,
            title_fontsize=11,
        )
        figure.supxlabel(wrapped(_caption(points, left_out), figure), fontsize=7.5, color="#666666")
    return figure


def _panel(panel, groups, metric):
    """Draw the families that have the metric. The number of a family, hence its look, is the same in every panel.
    Returns the names of the pictures that the means are without.
    """
    having = {name: [row for row in rows if metric in row.metrics] for name, rows in groups.items()}
    rows, left_out = averageable((row for rows in having.values() for row in rows), metric)
    names, averages = {family(row): name for name, rows in groups.items() for row in rows}, {}
    for mean in means(rows):
        averages.setdefault(names[family(mean)], []).append((mean.rate, mean.metrics[metric]))
    for number, (name, rows) in enumerate(having.items()):
        if not rows:
            continue
        look = {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number % len(DASHES)]}
        for picture in {row.picture: None for row in rows}:
            own = sorted((row.rate, row.metrics[metric]) for row in rows if row.picture == picture)
            _line(panel, own, color=look["color"], linewidth=0.6, alpha=0.3)
        _line(
            panel,
            sorted(averages.get(name, ())),
            **look,
            linewidth=1.8,
            marker=MARKERS[number % len(MARKERS)],
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=name,
            zorder=3,
        )
    _rate_axis(panel, RATES[media_of(row for rows in having.values() for row in rows)][1])
    shown = facts(metric)
    panel.set_ylabel(f"{shown.title} ({shown.unit})" if shown.unit else shown.title)
    panel.grid(True)
    return left_out


def _line(panel, pairs, **look):
    pairs = [pair for pair in pairs if math.isfinite(pair[1])]
    panel.plot([x for x, _ in pairs], [y for _, y in pairs], **look)


def _rate_axis(panel, label):
    """A log2 axis with plain numbers as labels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_locator(LogLocator(base=2))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 0.1 else f"1/{round(1 / x)}"))
    panel.set_xlabel(label)


def wrapped(text, figure):
    """Wrap text to the figure: at 7.5 points about 17 letters take an inch."""
    width = int(16 * figure.get_figwidth())
    return "\n".join(line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, width))


def _caption(points, left_out):
    count = len({point.picture for point in points})
    noun = "picture" if media_of(points) == "image" else "video"
    pictures = f"1 {noun}" if count == 1 else f"{count} {noun}s: mean (thick) and each one (thin)"
    without = [
        f"the mean of {facts(metric).title} is without {some_of(names)}, which some settings keep without error"
        for metric, names in left_out.items()
        if names
    ]
    return " · ".join([pictures, *without, origins(points)])


def origins(points: Iterable[Point]) -> str:
    """Machines, number of parallel encoders, and versions of the codecs: what is needed to reproduce a figure."""
    points = list(points)
    several = sorted({point.workers for point in points})
    side = f"{' / '.join(map(str, several))} encoders side by side" if several[-1:] > [1] else ""
    machines = " / ".join(sorted({point.machine for point in points}))
    versions = sorted({f"{point.codec}: {point.codec_version}" for point in points})
    return "; ".join(filter(None, [machines, side, *versions]))


def plot_speed(
    speeds: Iterable[Speed],
    path: Path | None = None,
    *,
    metric: str,
    anchor: str,
    of: Literal["encode", "decode"] = "encode",
    title: str | None = None,
    caption: str = "",
) -> Figure:
    """Draw megapixels per second over BD-rate: up and to the left is better, and the line joins what nothing else beats
    in both.

    Parameters
    ----------
    speeds : iterable of Speed
        From `codec.rd.speeds`; families without a BD-rate are named below the figure.
    path : str or os.PathLike, optional
        Where to write the figure: .png, .svg or .pdf by suffix.
    metric, anchor : str
        For the axis.
    of : "encode" (default) or "decode"
    title, caption : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPackageError, ParameterError, FileError
        As `plot`.
    """
    speeds = list(speeds)
    kind = None if path is None else figure_kind(path)
    shown = [speed for speed in speeds if speed.bd_rate is not None]
    if not shown:
        raise ParameterError(f"no family has a BD-rate by {metric} against {anchor}: `codec rd bd` tells why")
    hidden = [speed.family for speed in speeds if speed.bd_rate is None]
    without = f"without a BD-rate: {'; '.join(hidden)}" if hidden else ""
    caption = "\n".join(filter(None, [caption, without]))
    matplotlib = load_matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        panel = figure.subplots()
        _speed_panel(panel, shown, f"{of}_mpixels_per_second")
        panel.set_xlabel(f"BD-rate by {facts(metric).title} against {anchor}, % (left is smaller)")
        panel.set_ylabel(f"{of}, MP/s")
        if title:
            panel.set_title(title, fontsize=11)
        figure.supxlabel(wrapped(caption, figure), fontsize=7.5, color="#666666")
        _spread(panel)
    if path is not None:
        write_atomic(path, render(figure, kind))
    return figure


def _spread(panel):
    """Put each label above, below or beside its point, where it covers no other label and no point."""
    figure = panel.figure
    figure.draw_without_rendering()
    points = [panel.transData.transform(text.xy) for text in panel.texts]
    taken = []
    for text, own in zip(panel.texts, points):
        others = [point for point in points if point is not own]
        for x, y, across, up in ((0, 7, "center", "bottom"), (0, -7, "center", "top"), (8, 0, "left", "center"),
                                 (-8, 0, "right", "center"), (0, 7, "center", "bottom")):  # fmt: skip
            text.set(position=(x, y), ha=across, va=up)
            box = text.get_window_extent()
            wide = box.padded(figure.dpi / 18)  # by 4 points, the radius of a marker
            if not box.count_overlaps(taken) and not any(wide.contains(*point) for point in others):
                break
        taken.append(box)


def _speed_panel(panel, speeds, speed):
    front = sorted((s.bd_rate, getattr(s, speed)) for s in speeds if s.front)
    panel.plot([x for x, _ in front], [y for _, y in front], color="#999999", linewidth=1, zorder=1, label="front")
    for number, s in enumerate(speeds):
        color, y = COLORS[number % len(COLORS)], getattr(s, speed)
        if s.low is not None:
            panel.plot([s.low, s.high], [y, y], color=color, linewidth=1.2, solid_capstyle="butt", zorder=2)
        face = color if s.front else "white"
        panel.plot(
            [s.bd_rate],
            [y],
            MARKERS[number % len(MARKERS)],
            color=color,
            markerfacecolor=face,
            markersize=6.5,
            zorder=3,
        )
        look = {"ha": "center", "fontsize": 8, "color": "#222222", "zorder": 4}
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
        panel.annotate(s.family, (s.bd_rate, y), xytext=(0, 7), textcoords="offset points", bbox=box, **look)
    panel.set_yscale("log")
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panel.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.margins(x=0.16, y=0.14)
    panel.grid(True)
