"""Many settings about few pictures: encode, decode, compare, one row each."""
import hashlib
import itertools
import os
import platform
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from .. import __version__, cpu
from ..errors import CodecError, ParameterError
from ..files import read_bytes
from ..jpeg import EncodeOptions, decode
from ..jpeg.encode import encode_bytes
from ..metrics import by_name
from ..pictures import load
from .points import Point


@dataclass(frozen=True)
class Failure:
    """A picture that gave no row: at one setting, or at all when `setting` is None (it could not be read)."""

    image: str
    setting: dict | None
    error: CodecError

    def __str__(self):
        at = "" if self.setting is None else " at " + ", ".join(f"{name} {value}" for name, value in self.setting.items())
        return f"{self.image}{at}: {self.error}"


@dataclass(frozen=True)
class _Source:
    """A picture in memory, and where it came from."""

    image: str
    sha256: str
    pixels: np.ndarray


class Sweep:
    """A running sweep: iterate over it once to get its rows; made by `sweep`.

    Attributes
    ----------
    total : int
        Pictures times settings.
    done : int
        How many of them are measured or have failed.
    failures : list of Failure
        Grows while the sweep runs.
    warnings : list of str
        What was lost when pictures were read, for example transparency.
    """

    def __init__(self, images, settings, metrics, progress, workers):
        self.total, self.done, self.failures, self.warnings = len(images) * len(settings), 0, [], []
        self._rows = self._run(images, settings, metrics, progress, workers)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._rows)

    def _run(self, images, settings, metrics, progress, workers):
        for result in _in_order(_jobs(images, settings, metrics, workers, self.warnings), workers):
            failed = isinstance(result, Failure)
            self.done += len(settings) if failed and result.setting is None else 1
            if failed:
                self.failures.append(result)
            else:
                yield result
            if progress is not None and progress(self.done, self.total) is False:
                return


def sweep(
    images, *, quality=(30, 40, 50, 60, 70, 80, 90), subsampling=("auto",), effort=(5,), metrics=("psnr", "ssim"), progress=None, workers=1
):
    """Encode every picture at every combination of settings, decode it again, and measure what came back.

    Parameters
    ----------
    images : iterable of str or os.PathLike
        Files of any format that `codec.pictures.load` reads.
    quality, subsampling, effort : iterable, or one value
        As for `codec.encode`. All combinations are made, quality innermost. A gray picture costs the same at every subsampling.
    metrics : iterable of str, or one
        Names of functions in `codec.metrics` that take two pictures.
    progress : callable, optional
        Called as ``progress(done, total)`` after every picture x setting; returning False ends the sweep.
    workers : int
        Encoders that run side by side (default 1). More finish sooner, but disturb each other's times; the rows and their order are
        the same otherwise.

    Returns
    -------
    Sweep
        An iterator of `Point`. A picture that fails gives no row but an entry in its `failures`, and the sweep goes on.

    Raises
    ------
    ParameterError
        At once, if a setting or the name of a metric is wrong; nothing was read then.

    Examples
    --------
    >>> from codec import rd
    >>> rows = rd.sweep(["samples/coffee.png"], quality=(50, 90))
    >>> [row.setting["quality"] for row in rows], rows.failures
    ([50, 90], [])
    """
    images = list(dict.fromkeys(os.fsdecode(image) for image in _several("images", images, str | bytes | os.PathLike)))
    options = {
        "subsampling": _several("subsampling", subsampling, str),
        "effort": _several("effort", effort, int),
        "quality": _several("quality", quality, int),
    }
    settings = [dict(zip(options, values)) for values in itertools.product(*options.values())]
    metrics = {name: by_name(name) for name in _several("metrics", metrics, str)}
    if not isinstance(workers, int) or workers < 1:
        raise ParameterError(f"workers must be a positive integer, not {workers!r}")
    for setting in settings:
        _options(setting)
    return Sweep(images, settings, metrics, progress, workers)


def _options(setting, channels=3):
    """Gray has no chroma to subsample, so it gives the same row at every subsampling; four channels are inks (`codec.pictures`)."""
    keywords = {name: value for name, value in setting.items() if name != "quality"}
    if channels == 1:
        keywords["subsampling"] = "auto"
    elif channels == 4:
        keywords["color"] = "ycck"
    return EncodeOptions.from_keywords(setting["quality"], keywords)


def _several(name, values, single):
    """Values without duplicates; a lone one counts as several, since a string would otherwise be taken letter by letter."""
    values = (values,) if isinstance(values, single | np.generic) else values
    values = tuple(dict.fromkeys(value.item() if isinstance(value, np.generic) else value for value in values))
    if not values:
        raise ParameterError(f"{name} is empty, so there is nothing to measure: give at least one")
    return values


def _jobs(images, settings, metrics, workers, warnings):
    """Callables that return a Point or a Failure. A picture is read when its first job is asked for, once."""
    for image in images:
        try:
            data = read_bytes(image)
            picture = load(data)
        except CodecError as error:
            yield partial(Failure, image, None, error)
            continue
        warnings += [f"{image}: {message}" for message in picture.warnings]
        source = _Source(image, hashlib.sha256(data).hexdigest(), picture.pixels)
        for setting in settings:
            yield partial(_measure, source, setting, metrics, workers)


def _in_order(jobs, workers):
    """Results of the jobs in their order. At most 2 * workers are under way, so few pictures are in memory at a time."""
    if workers == 1:
        yield from (job() for job in jobs)
        return
    pool = ThreadPoolExecutor(workers)
    pending = deque()
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            if len(pending) >= 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _measure(source, setting, metrics, workers):
    pixels = source.pixels
    height, width = pixels.shape[:2]
    try:
        options = _options(setting, 1 if pixels.ndim == 2 else pixels.shape[2])
        start = time.perf_counter()
        data = encode_bytes(pixels, options)
        encoded = time.perf_counter()
        decoded = decode(data).pixels
        end = time.perf_counter()
        values = {name: float(metric(pixels, decoded)) for name, metric in metrics.items()}
    except CodecError as error:
        return Failure(source.image, setting, error)
    return Point(
        image=source.image,
        sha256=source.sha256,
        width=width,
        height=height,
        codec="jpeg",
        setting=setting,
        bytes=len(data),
        bpp=8 * len(data) / (width * height),
        metrics=values,
        encode_seconds=encoded - start,
        decode_seconds=end - encoded,
        workers=workers,
        **_origin(),
    )


def _origin():
    return {
        "codec_version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu": cpu.level(),
    }
