"""Rate against distortion, drawn from rows alone. matplotlib is loaded when the first figure is asked for."""
import io
import math
import os

from ..errors import MissingPackageError, ParameterError
from ..files import write_atomic
from .points import families, means

# Okabe and Ito's palette without its yellow, which paper swallows; dashes and markers carry the difference in gray print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
SUFFIXES = (".png", ".svg", ".pdf")
TITLES = {"psnr": "PSNR (dB)", "ssim": "SSIM", "mse": "MSE"}


def plot(points, path=None, *, metrics=("psnr", "ssim"), title=None):
    """Draw metrics over bits per pixel: one thick curve of means per family of settings, one thin curve per picture.

    A family is all that differs in quality only. Means are those of `codec.rd.means`, over the same pictures in every family.
    Infinite values (equal pictures) are left out.

    Parameters
    ----------
    points : iterable of Point
        From `codec.rd.sweep` or `codec.rd.read_points`.
    path : str or os.PathLike, optional
        Where to write the figure: .png, .svg or .pdf by suffix.
    metrics : iterable of str
        One panel each; every row must have them.
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
        If there are no rows, some lack a metric, no picture has all settings, or the suffix is another.
    FileError
        If the file cannot be written.
    """
    points, metrics = list(points), [metrics] if isinstance(metrics, str) else list(metrics)
    kind = None if path is None else figure_kind(path)
    if not points or not metrics:
        raise ParameterError("there are no rows to draw" if metrics else "metrics is empty: name at least one")
    for metric in metrics:
        if not all(metric in point.metrics for point in points):
            raise ParameterError(
                f"some rows have no {metric!r}; the first has {', '.join(points[0].metrics)}: sweep again with that metric"
            )
    figure = _figure(points, metrics, title)
    if path is not None:
        write_atomic(path, _render(figure, kind))
    return figure


def figure_kind(path):
    """ "png", "svg" or "pdf"; raises as `plot` does when it is none of them or nothing can be drawn, so that a long sweep may ask first."""
    _matplotlib()
    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{os.fsdecode(path)}: a figure is written as {', '.join(SUFFIXES)}, by suffix")
    return suffix[1:]


def _matplotlib():
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPackageError("drawing needs matplotlib, which is not installed: pip install codec[lab]") from error
    return matplotlib


def _render(figure, kind):
    buffer = io.BytesIO()
    # A fixed salt and no date: one set of rows gives one file.
    with _matplotlib().rc_context({"svg.hashsalt": "codec", "svg.fonttype": "path"}):
        figure.savefig(
            buffer, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else None
        )
    return buffer.getvalue()


def _figure(points, metrics, title):
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    style = {
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
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(4.6 * len(metrics), 3.9), layout="constrained")
        panels = figure.subplots(1, len(metrics), squeeze=False)[0]
        for panel, metric in zip(panels, metrics):
            _panel(panel, points, metric)
        handles, labels = panels[0].get_legend_handles_labels()
        # Above the panels: inside, any corner is crossed by the curve of some picture.
        figure.legend(
            handles,
            labels,
            loc="outside upper center",
            ncols=min(len(labels), 3 * len(metrics)),
            frameon=False,
            fontsize=8.5,
            handlelength=3.2,
            title=title,
            title_fontsize=11,
        )
        figure.supxlabel(_caption(points), fontsize=7.5, color="#666666")
    return figure


def _panel(panel, points, metric):
    averages = families(means(points))
    for number, (name, rows) in enumerate(families(points).items()):
        look = {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number % len(DASHES)]}
        for picture in {(row.image, row.sha256): None for row in rows}:
            own = sorted((row.bpp, row.metrics[metric]) for row in rows if (row.image, row.sha256) == picture)
            _line(panel, own, color=look["color"], linewidth=0.6, alpha=0.3)
        _line(
            panel,
            sorted((mean.bpp, mean.metrics[metric]) for mean in averages[name]),
            **look,
            linewidth=1.8,
            marker=MARKERS[number % len(MARKERS)],
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=name,
            zorder=3,
        )
    _rate_axis(panel)
    panel.set_ylabel(TITLES.get(metric, metric))
    panel.grid(True)


def _line(panel, pairs, **look):
    pairs = [pair for pair in pairs if math.isfinite(pair[1])]
    panel.plot([x for x, _ in pairs], [y for _, y in pairs], **look)


def _rate_axis(panel):
    """Doubling the rate is one step of equal width; labels are plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_locator(LogLocator(base=2))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 0.1 else f"1/{round(1 / x)}"))
    panel.set_xlabel("bits per pixel")


def _caption(points):
    count = len({(point.image, point.sha256) for point in points})
    origins = " / ".join(sorted({f"codec {point.codec_version}, {point.machine}" for point in points}))
    pictures = "1 picture" if count == 1 else f"{count} pictures: mean (thick) and each one (thin)"
    return f"{pictures} · {origins}"
