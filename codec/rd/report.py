"""One HTML file about a sweep: curves, Bjontegaard deltas, pictures, and everything needed to repeat it.

The file is self-contained: styles, script, rows and crops are inside, and its Content-Security-Policy blocks everything
else. Text from rows (names, settings, messages) is data: it enters the page as JSON and its elements as text.
"""

from __future__ import annotations

import json
import math
from functools import partial
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import ParameterError
from ..metrics.names import facts
from ..registry.contract import DIALS, dial_of
from ..sources.files import write_atomic
from . import crops, frames
from .bdrate import CONFIDENCE, compare
from .page import fill, short, visible
from .points import RATES, averageable, families, family, means, media_of, pick_family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._types import Path, Progress
    from .points import Point

SCRIPTS = ("base.js", "curves.js", "deltas.js", "pictures.js", "frames.js", "page.js")
MAX_BYTES = 8_000_000
# Fields that hold measurements; all others describe the origin of the row.
MEASURED = {
    "image",
    "sha256",
    "width",
    "height",
    "setting",
    "bytes",
    "bpp",
    "metrics",
    "encode_seconds",
    "decode_seconds",
    "peak_memory",
    "missing",
    "media",
    "frames",
    "fps",
    "bitrate",
    "pooled",
}


def report(
    points: Iterable[Point],
    path: Path | None = None,
    *,
    metrics: Iterable[str] | None = None,
    anchor: str | None = None,
    at: float | Iterable[float] | None = None,
    images: Path | Iterable[Path] = (),
    pictures: int = 6,
    crop: int = 256,
    failures: Iterable[object] = (),
    title: str | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
) -> str:
    """Write one self-contained HTML page about the rows of a sweep.

    Parameters
    ----------
    points : iterable of Point
        From `codec.rd.sweep` or `codec.rd.read_points`.
    path : str or os.PathLike, optional
        Where to write the page, completely or not at all.
    metrics : iterable of str, optional
        Metrics to show, the first one first. Default: all in the rows. Rows that lack one are shown without it.
    anchor : str, optional
        Initial anchor, a name from `codec.rd.families`; default: the first. The page can switch to any other, since all
        pairs are computed here.
    at : float or iterable of float, optional
        Rates, bits per pixel of pictures or kbit/s of clips, at which they are ranked and shown. Default: two inside
        the range of the curves.
    images : path or iterable of paths, optional
        Files and folders to search for originals that have moved. The content must be the one that was measured.
    pictures : int
        Largest number of pictures or clips, in turn the worst and the best by each metric at the first rate. 0 for
        none. A clip is shown by numbers for every frame, and by the frame where its families together err most.
    crop : int
        Side of the crop of each picture or frame, where the total error of the families is largest. 16 to 1024 pixels.
    failures : iterable
        Failed measurements, shown as text.
    title : str, optional
    max_bytes : int
        Largest size of the page. Pictures are left out to meet it, the last first, and the page says so. Rows are never
        left out, so a page of very many rows may be larger, without pictures.
    progress : callable, optional
        Called as ``progress(done, total)`` before each picture or clip that is encoded again, and at the end.

    Returns
    -------
    str
        The page. The same rows and originals give the same page.

    Raises
    ------
    ParameterError
        If there are no rows, rows mix pictures and videos, or a metric, anchor, rate or number is wrong.
    FileError
        If the page cannot be written.
    """
    points = list(points)
    media = media_of(points)
    metrics = _check_metrics(points, metrics)
    _check_numbers(pictures=(pictures, 0), crop=(crop, 16), max_bytes=(max_bytes, 0))
    rates = _check_rates(at)
    elsewhere = crops.places(images)
    usable = [point for point in _last(points) if math.isfinite(point.rate) and point.rate > 0]
    if not usable:
        raise ParameterError("no row has a rate: it must be positive and finite")
    book = _Book(usable, metrics)
    content = {
        "title": visible(title or "Rate and distortion"),
        "version": __version__,
        "noun": "picture" if media == "image" else "video",
        "rate": RATES[media],
        "dial": " / ".join(dict.fromkeys(filter(None, (dial_of(point.setting) for point in usable)))),
        "metrics": [_metric(name) for name in metrics],
        "families": [visible(name) for name in book.families],
        "anchor": book.family_number(pick_family(book.families, anchor)) if anchor is not None else 0,
        **book.rows(),
        "means": {name: _means(usable, name, book) for name in metrics},
        "deltas": {name: _deltas(usable, name, book) for name in metrics},
        "confidence": CONFIDENCE,
        "origins": _origins(points),
        "failures": [visible(failure) for failure in failures] + book.without(),
        "gaps": book.gaps(),
        "unusable": len(points) - len(usable),
        "show": {"rates": [], "entries": [], "crop": crop, "limit": max_bytes, "left_out": 0},
    }
    _add_pictures(content, book, rates, elsewhere, pictures, crop, max_bytes, progress)
    page = fill("report.html", SCRIPTS, content)
    while len(page) > max_bytes and content["show"]["entries"]:
        content["show"]["left_out"] += 1
        content["show"]["entries"].pop()
        page = fill("report.html", SCRIPTS, content)
    if path is not None:
        write_atomic(path, page.encode("ascii"))
    return page


def _check_metrics(points, metrics):
    if not points:
        raise ParameterError("there are no rows to report: run codec rd sweep first")
    there = list(dict.fromkeys(name for point in points for name in point.metrics))
    if metrics is None:
        metrics = there
    metrics = [metrics] if isinstance(metrics, str) else list(dict.fromkeys(metrics))
    missing = [name for name in metrics if name not in there]
    if missing or not metrics:
        wanted = f"no row has the metric {missing[0]!r}" if missing else "there is no metric to show"
        raise ParameterError(
            f"{wanted}; the rows have {', '.join(there) or 'none'}: sweep again with that metric, or choose another"
        )
    return metrics


def _check_numbers(**numbers):
    for name, (value, least) in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ParameterError(f"{name} must be an integer from {least} on, not {value!r}")
    if numbers["crop"][0] > 1024:
        raise ParameterError(
            f"crop must be at most 1024 pixels, not {numbers['crop'][0]}: the page shows them one to one"
        )


def _check_rates(at):
    rates = [] if at is None else [at] if isinstance(at, (int, float)) else list(at)
    for rate in rates:
        if not isinstance(rate, (int, float)) or not 0 < rate < math.inf:
            raise ParameterError(f"at must be bits per pixel, or kbit/s of clips, positive, not {rate!r}")
    return list(dict.fromkeys(map(float, rates)))


def _last(points):
    """The last row of each picture and setting, as in `means`."""
    last = {}
    for point in points:
        last[
            point.picture, point.codec, point.codec_version, json.dumps(point.setting, sort_keys=True, default=str)
        ] = point
    return list(last.values())


def _metric(name):
    metric = facts(name)
    return {
        "name": visible(name),
        "label": visible(metric.title),
        "digits": metric.decimals,
        "unit": metric.unit,
        "lower": metric.lower_is_better,
    }


def _setting(point):
    """("75", "subsampling 4:2:0, effort 5"): quality, or the dial of the codec, and the other settings."""
    rest = ", ".join(f"{name} {value}" for name, value in point.setting.items() if name not in DIALS)
    return visible(point.setting.get(dial_of(point.setting), "")), visible(rest)


class _Book:
    """Numbers for pictures and families, and the rows of the page in terms of them."""

    def __init__(self, points, metrics):
        self.points, self.metrics = points, metrics
        self.families = families(points)
        self.images = list(dict.fromkeys(point.picture for point in points))
        self._image_number = {picture: number for number, picture in enumerate(self.images)}
        self._number_of_row = {id(row): number for number, rows in enumerate(self.families.values()) for row in rows}
        self._family_number = {name: number for number, name in enumerate(self.families)}

    def family_number(self, name):
        return self._family_number[name]

    def names(self):
        """File names if they are unique, else paths, else paths with the start of the hash."""
        paths = [image for image, _ in self.images]
        bases = [path.replace("\\", "/").rsplit("/", 1)[-1] for path in paths]
        for names in (bases, paths):
            if len(set(names)) == len(names):
                return names
        return [f"{path} ({sha256[:8]})" if paths.count(path) > 1 else path for path, sha256 in self.images]

    def bd_label(self, number):
        """The name of a picture in a `Comparison`."""
        image, sha256 = self.images[number]
        return image if sum(path == image for path, _ in self.images) == 1 else f"{image} ({sha256[:8]})"

    def rows(self):
        sizes = {p.picture: (p.width, p.height, p.frames) for p in self.points}
        settings, rows = {}, []
        for point in self.points:
            quality, rest = _setting(point)
            label = settings.setdefault((quality, rest), len(settings))
            values = [short(point.metrics.get(name, math.nan)) for name in self.metrics]
            seconds = [short(point.encode_seconds), short(point.decode_seconds)]
            rows.append(
                [
                    self._number_of_row[id(point)],
                    self._image_number[point.picture],
                    label,
                    point.bytes,
                    short(point.rate),
                ]
                + [*seconds, point.peak_memory, *values]
            )
        images = [
            {
                "name": visible(name),
                "path": visible(picture[0]),
                "sha256": visible(picture[1]),
                "size": sizes[picture][:2],
                "frames": sizes[picture][2],
            }
            for name, picture in zip(self.names(), self.images)
        ]
        return {"images": images, "settings": [list(pair) for pair in settings], "rows": rows, "speeds": self._speeds()}

    def _speeds(self):
        """Megapixels per second of each family, all pixels over all time, and the largest number of workers."""
        speeds = []
        for rows in self.families.values():
            pixels = sum(row.mpixels for row in rows)
            encode, decode = (math.fsum(getattr(row, f"{way}_seconds") for row in rows) for way in ("encode", "decode"))
            speeds.append(
                [short(pixels / time) if time > 0 else None for time in (encode, decode)]
                + [max(row.workers for row in rows)]
            )
        return speeds

    def without(self):
        """Reasons for missing metrics, once per picture."""
        names, reasons = self.names(), {}
        for point in self.points:
            for metric, reason in point.missing.items():
                reasons.setdefault((self._image_number[point.picture], metric, reason), []).append(point)
        return [
            visible(f"{names[image]}: no {metric} in {len(rows)} rows: {reason}")
            for (image, metric, reason), rows in reasons.items()
        ]

    def gaps(self):
        """Settings that other pictures have rows for and this one lacks: failed, or not measured."""
        gaps = []
        for name, rows in self.families.items():
            wanted = dict.fromkeys(json.dumps(row.setting, sort_keys=True, default=str) for row in rows)
            label = {json.dumps(row.setting, sort_keys=True, default=str): _setting(row)[0] for row in rows}
            there = {}
            for row in rows:
                there.setdefault(row.picture, set()).add(json.dumps(row.setting, sort_keys=True, default=str))
            for number, picture in enumerate(self.images):
                absent = [label[key] for key in wanted if key not in there.get(picture, ())]
                if absent:
                    gaps.append([self._family_number[name], number, absent if picture in there else None])
        return gaps


def _means(points, metric, book):
    """Curves of means over the pictures with every setting, or why there are none."""
    having = [point for point in points if not math.isnan(point.metrics.get(metric, math.nan))]
    rows, lossless = averageable(having, metric)
    found = {"images": 0, "lossless": [visible(name) for name in lossless], "note": ""}
    found["curves"] = [[] for _ in book.families]
    if not rows:
        return found | {"note": "" if having else "No row has a number for it."}
    try:
        averages = means(rows)
    except ParameterError as error:
        return found | {"note": visible(error)}
    names = {family(row): name for name, rows in book.families.items() for row in rows}
    for mean in averages:
        found["curves"][book.family_number(names[family(mean)])].append(
            [_setting(mean)[0], short(mean.rate), short(mean.metrics[metric])]
        )
    for curve in found["curves"]:
        curve.sort(key=lambda mean: mean[1])
    return found | {"images": averages[0].images}


def _deltas(points, metric, book):
    """BD-rate of every family against every anchor: {anchor: {family: ...}} by number."""
    labels = {book.bd_label(number): number for number in range(len(book.images))}
    tables = {}
    for anchor in book.families:
        found = compare(points, metric, anchor)
        tables[book.family_number(anchor)] = {
            book.family_number(name): {
                "mean": short(result.mean),
                "median": short(result.median),
                "low": short(result.low),
                "high": short(result.high),
                "n": result.n,
                "values": [
                    [labels[image], short(one.value), short(one.low), short(one.high), short(one.share)]
                    for image, one in result.images.items()
                    if one.value is not None
                ],
                "refused": [[labels[image], visible(reason)] for image, reason in result.refused.items()],
            }
            for name, result in found.items()
        }
    return tables


def _origins(points):
    """Origins of the rows, with counts: every field that is not a measurement. The fingerprints of one origin are a
    list, by setting.
    """
    groups = {}
    for point in points:
        origin = {name: value for name, value in vars(point).items() if name not in (*MEASURED, "fingerprint")}
        _, rows = groups.setdefault(repr(origin), (origin, []))
        rows.append(point)
    return [
        {
            "rows": len(rows),
            **{name: _plain(value) for name, value in origin.items()},
            "fingerprints": list(
                dict.fromkeys(f"{row.fingerprint}  {_plain(row.setting)}" for row in rows if row.fingerprint)
            ),
        }
        for origin, rows in groups.values()
    ]


def _plain(value):
    if isinstance(value, dict):
        return visible(", ".join(f"{name} {one}" for name, one in value.items()))
    if isinstance(value, (list, tuple)):
        return visible(" ".join(map(str, value)))
    return visible("" if value is None else value)


def _add_pictures(content, book, rates, elsewhere, count, crop, max_bytes, progress):
    curves = crops.by_picture(book.points)
    rates = rates or crops.default_rates(curves)
    show = content["show"]
    show["rates"] = rates
    chosen = crops.choose(
        curves, book.metrics, {name for name in book.metrics if facts(name).lower_is_better}, rates[0], count
    )
    first = {point.picture: point for point in book.points}
    texts = sum(2048 + 32 * first[picture].frames for picture in chosen) * len(rates) * len(book.families)
    budget = crops.Budget(max(0, max_bytes - len(fill("report.html", SCRIPTS, content)) - texts))
    row_number = {id(point): number for number, point in enumerate(book.points)}
    for number, picture in enumerate(chosen):
        if progress is not None:
            progress(number, len(chosen))
        if content["noun"] == "picture":
            load, make = crops.load, crops.show
        else:
            load, make = partial(frames.load, frames=first[picture].frames), frames.show
        original = crops.find_original(first[picture].image, first[picture].sha256, elsewhere, load)
        entry = make(picture, curves[picture], rates, original, crop, budget)
        entry["image"] = book.images.index(picture)
        entry["reason"] = visible(entry["reason"])
        for rate, one in zip(rates, entry["rates"]):
            one["versions"] = {book.family_number(name): version for name, version in one["versions"].items()}
            for name, rows in curves[picture].items():
                version = one["versions"][book.family_number(name)]
                version["row"] = row_number[id(crops.nearest(rows, rate))]
                version["reason"], version["notes"] = (
                    visible(version["reason"]),
                    [visible(note) for note in version["notes"]],
                )
        show["entries"].append(entry)
    if progress is not None:
        progress(len(chosen), len(chosen))
    show["left_out"] = budget.refused
