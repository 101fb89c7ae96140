"""Many settings of many codecs about few pictures: encode, decode, compare, one row each."""

import functools
import hashlib
import itertools
import math
import os
import platform
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed

import numpy as np

from .. import __version__, cpu, registry
from ..errors import CodecError, ParameterError
from ..files import read_bytes
from ..metrics import by_name
from ..pictures import load
from .memory import peak_memory
from .points import Failure, Point

QUALITIES = (30, 40, 50, 60, 70, 80, 90)


@dataclass(frozen=True)
class _Source:
    """A picture in memory, and where it came from."""

    image: str
    sha256: str
    pixels: np.ndarray


@dataclass(frozen=True)
class _Trial:
    """A codec at one setting."""

    codec: registry.Codec
    setting: dict
    version: str

    def key(self, image, sha256):
        return image, sha256, self.codec.name, self.version, *sorted((name, str(value)) for name, value in self.setting.items())


@dataclass(frozen=True)
class _Plan:
    """What is the same for all rows."""

    metrics: dict
    workers: int
    memory: bool
    command: str


class Sweep:
    """A running sweep: iterate over it once to get its rows; made by `sweep`.

    Attributes
    ----------
    total : int
        Pictures times codecs times settings.
    done : int
        How many of them are measured, were there already, or have failed.
    reused : list of Point
        Rows of `done` that answer what was asked. Grows while the sweep runs.
    failures : list of Failure
        Grows while the sweep runs. A row that lacks a metric is among the rows and among these.
    warnings : list of str
        What was lost when pictures were read, for example transparency.
    """

    def __init__(self, images, trials, plan, progress, failed, done):
        self.total, self.done = len(images) * len(trials), 0
        self.reused, self.failures, self.warnings = [], [], []
        self._failed = failed
        self._rows = self._run(images, trials, plan, progress, done)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._rows)

    def _run(self, images, trials, plan, progress, done):
        for result in _in_order(_jobs(images, trials, plan, done, self.warnings), plan.workers):
            new = self._account(result, len(trials))
            if new is not None:
                yield new
            if progress is not None and progress(self.done, self.total) is False:
                return

    def _account(self, result, trials):
        """The row, if it is a new one."""
        if isinstance(result, Failure):
            self.failures.append(result)
            self.done += trials if result.setting is None else 1
            if self._failed is not None:
                self._failed(result)
            return None
        point, new = result
        self.done += 1
        if not new:
            self.reused.append(point)
        self.failures += [
            Failure(point.image, "score", f"the row has no {name}: {reason}", point.sha256, point.codec, point.codec_version, point.setting)
            for name, reason in point.missing.items()
        ]
        return point if new else None


def sweep(
    images,
    *,
    codecs="jpeg",
    quality=None,
    subsampling=None,
    effort=None,
    metrics=("psnr", "ssim"),
    progress=None,
    failed=None,
    workers=1,
    memory=True,
    done=(),
    command="",
):
    """Encode every picture with every codec at every combination of settings, decode it again, and measure what came back.

    Parameters
    ----------
    images : iterable of str or os.PathLike
        Files of any format that `codec.pictures.load` reads.
    codecs : iterable of str or codec.registry.Codec, or one
        Names, "jpeg" if not given; or names with settings of their own: "mozjpeg:subsampling=4:2:0/4:4:4,quality=20:95:5".
    quality, subsampling, effort : iterable, or one value
        For each codec that has such a parameter and is not given its own values; quality is 30, 40 ... 90 if not given, the others are
        as the codec has them. All combinations are made, quality innermost. A gray picture costs the same at every subsampling.
    metrics : iterable of str, or one
        Names of functions in `codec.metrics` that take two pictures.
    progress : callable, optional
        Called as ``progress(done, total)`` after every picture x setting; returning False ends the sweep.
    failed : callable, optional
        Called with every `Failure` that leaves no row, as it happens: `RowFile.append` keeps it.
    workers : int
        Encoders that run side by side (default 1). More finish sooner, but disturb each other's times; the rows and their order are
        the same otherwise.
    memory : bool
        Measure the peak memory of each encode (default; Linux, one worker): by an encode of its own before the one that is timed.
    done : iterable of Point
        Rows that are there: what has one, by the same version of the codec and with all metrics, is not measured again.
    command : str
        Kept in the rows.

    Returns
    -------
    Sweep
        An iterator of `Point`. A picture that fails gives no row but an entry in its `failures`, and the sweep goes on; a later sweep tries
        again, since there is no row. A metric that
        cannot be computed (SSIM of a picture below 11 x 11) is left out of the row, which says why in `missing`.

    Raises
    ------
    ParameterError
        At once, if a codec, a setting or the name of a metric is wrong; nothing was read then.
    MissingPackageError
        At once, if the package of a codec is not installed.

    Examples
    --------
    >>> from codec import rd
    >>> rows = rd.sweep(["samples/coffee.png"], codecs=("jpeg", "libjpeg-turbo"), quality=(50, 90))
    >>> [(row.codec, row.setting["quality"]) for row in rows], rows.failures
    ([('jpeg', 50), ('jpeg', 90), ('libjpeg-turbo', 50), ('libjpeg-turbo', 90)], [])
    """
    images = list(dict.fromkeys(os.fsdecode(image) for image in _several("images", images, str | bytes | os.PathLike)))
    shared = {"quality": _several("quality", QUALITIES if quality is None else quality, int)}
    shared |= {
        name: _several(name, values, kind)
        for name, values, kind in (("subsampling", subsampling, str), ("effort", effort, int))
        if values is not None
    }
    trials = _trials(_several("codecs", codecs, str | registry.Codec), shared)
    metrics = {name: by_name(name) for name in _several("metrics", metrics, str)}
    if not isinstance(workers, int) or workers < 1:
        raise ParameterError(f"workers must be a positive integer, not {workers!r}")
    plan = _Plan(metrics, workers, memory and workers == 1, command)
    return Sweep(images, trials, plan, progress, failed, _index(done, metrics))


def _trials(codecs, shared):
    parsed = [(codec, {}) if isinstance(codec, registry.Codec) else registry.parse(codec) for codec in codecs]
    for name in shared:
        if not any(name in codec.parameters for codec, _ in parsed):
            raise ParameterError(f"none of {', '.join(codec.name for codec, _ in parsed)} has the parameter {name!r}")
    trials = {}
    for codec, own in parsed:
        codec.require()
        version = codec.version()
        lists = {name: own.get(name, shared.get(name, (parameter.default,))) for name, parameter in codec.parameters.items()}
        lists = {name: lists[name] for name in sorted(lists, key="quality".__eq__)}
        for values in itertools.product(*lists.values()):
            trial = _Trial(codec, codec.setting(**dict(zip(lists, values))), version)
            trials.setdefault(trial.key("", ""), trial)
    return list(trials.values())


def _several(name, values, single):
    """Values without duplicates; a lone one counts as several, since a string would otherwise be taken letter by letter."""
    values = (values,) if isinstance(values, single | np.generic) else values
    values = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    values = tuple(value for i, value in enumerate(values) if value not in values[:i])
    if not values:
        raise ParameterError(f"{name} is empty, so there is nothing to measure: give at least one")
    return values


def _index(points, metrics):
    """{key of a trial: row} of those rows that answer all that is asked, by a value or by the reason why there is none."""
    return {
        (p.image, p.sha256, p.codec, p.codec_version, *sorted((name, str(value)) for name, value in p.setting.items())): p
        for p in points
        if all(name in p.metrics or name in p.missing for name in metrics)
    }


def _jobs(images, trials, plan, done, warnings):
    """Callables that return (Point, whether it is new) or a Failure. A picture is decoded when its first job is asked for, once."""
    for image in images:
        try:
            data = read_bytes(image)
            sha256 = hashlib.sha256(data).hexdigest()
            found = [done.get(trial.key(image, sha256)) for trial in trials]
            source = None
            if None in found:
                picture = load(data)
                warnings += [f"{image}: {message}" for message in picture.warnings]
                source = _Source(image, sha256, np.ascontiguousarray(picture.pixels))
        except CodecError as error:
            yield partial(Failure, image, "read", str(error))
            continue
        for trial, old in zip(trials, found):
            yield partial(_measure, source, trial, plan) if old is None else partial(_old, old)


def _old(point):
    return point, False


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


def _measure(source, trial, plan):
    pixels, codec, setting = source.pixels, trial.codec, trial.setting
    height, width = pixels.shape[:2]
    stage = "encode"
    try:
        peak = peak_memory(partial(codec.run_encode, pixels, setting)) if plan.memory else None
        start = time.perf_counter()
        data = codec.run_encode(pixels, setting)
        encoded, stage = time.perf_counter(), "decode"
        decoded = codec.run_decode(data, pixels)
        end = time.perf_counter()
    except CodecError as error:
        return Failure(source.image, stage, str(error), source.sha256, codec.name, trial.version, setting)
    metrics, missing = _score(plan.metrics, pixels, decoded)
    point = Point(
        image=source.image,
        sha256=source.sha256,
        width=width,
        height=height,
        codec=codec.name,
        setting=setting,
        bytes=len(data),
        bpp=8 * len(data) / (width * height),
        metrics=metrics,
        encode_seconds=encoded - start,
        decode_seconds=end - encoded,
        workers=plan.workers,
        codec_version=trial.version,
        peak_memory=peak,
        missing=missing,
        command=plan.command,
        **_origin(),
    )
    return point, True


def _score(metrics, pixels, decoded):
    """Values, and reasons for those that there are none of."""
    values, missing = {}, {}
    for name, metric in metrics.items():
        try:
            values[name] = float(metric(pixels, decoded))
        except CodecError as error:
            missing[name] = str(error)
        else:
            if math.isnan(values[name]):
                missing[name] = f"{name} of this picture is not a number"
                del values[name]
    return values, missing


def _origin():
    return {"cpu": cpu.level(), **_machine(), "versions": dict(_versions())}


@functools.cache
def _machine():
    return {
        "python": platform.python_version(),
        "machine": ", ".join(filter(None, [f"{platform.system()} {platform.machine()}", _processor()])),
    }


@functools.cache
def _versions():
    return {"codec": __version__, **{name: installed(name) for name in ("numpy", "pillow")}}


def _processor():
    """Its name, where the system tells (Linux)."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            return next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
