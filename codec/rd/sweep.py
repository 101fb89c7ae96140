"""Sweep settings of codecs over pictures or clips: encode, decode, score; one row each."""

from __future__ import annotations

import functools
import itertools
import os
import platform
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__, cpu, registry
from ..errors import CodecError, ParameterError
from ..executors import in_order
from ..metrics import by_name
from ..registry.contract import byte_count
from .content import decode, fetch, score
from .fingerprint import fingerprint
from .memory import peak_memory
from .points import Failure, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._types import MetricName, Path, Progress

QUALITIES = (30, 40, 50, 60, 70, 80, 90)
CRFS = (22, 27, 32, 37)  # the quantizers of the common test conditions of HEVC and VVC
DEFAULTS = {"quality": QUALITIES, "crf": CRFS, "qp": CRFS}


@dataclass(frozen=True)
class _Trial:
    """A codec at one setting."""

    codec: registry.Codec
    setting: dict
    version: str

    @functools.cached_property
    def fingerprint(self):
        return fingerprint(self.codec, self.setting)

    @property
    def settings(self):
        return tuple(sorted((name, str(value)) for name, value in self.setting.items()))

    def key(self, image, sha256, frames=1):
        """What a row must agree in to be reused."""
        return (*self.subject(image, sha256, frames), self.version, self.fingerprint)

    def subject(self, image, sha256, frames=1):
        """What a row is about, whichever build made it."""
        return (image, sha256, frames, self.codec.name, *self.settings)


@dataclass(frozen=True)
class _Plan:
    """Settings common to all rows."""

    metrics: tuple[str, ...]
    workers: int
    memory: bool
    command: str
    media: str
    frames: int | None


class Sweep:
    """A running sweep, made by `sweep`. Iterate over it once to get its rows.

    Attributes
    ----------
    total : int
        Pictures, or clips, times codecs times settings.
    done : int
        Number measured, reused or failed so far.
    reused : list of Point
        Rows from `done` that need no measurement. Grows while the sweep runs.
    outdated : list of Point
        Rows from `done` that are measured again: by another version or build of the codec, or without a fingerprint.
    failures : list of Failure
        Grows while the sweep runs. A row that lacks a metric appears here too.
    warnings : list of str
        What was lost in reading pictures, for example transparency.
    """

    total: int
    done: int
    reused: list[Point]
    outdated: list[Point]
    failures: list[Failure]
    warnings: list[str]

    def __init__(self, images, trials, plan, progress, failed, done):
        self.total, self.done = len(images) * len(trials), 0
        self.reused, self.outdated, self.failures, self.warnings = [], [], [], []
        self._failed = failed
        self._rows = self._run(images, trials, plan, progress, done)

    def __iter__(self) -> Sweep:
        return self

    def __next__(self) -> Point:
        return next(self._rows)

    def _run(self, images, trials, plan, progress, done):
        jobs = _jobs(images, trials, plan, done, self.warnings, self.outdated)
        # Few jobs ahead, so that few pictures are in memory at a time.
        for result in in_order(jobs, plan.workers, ahead=2 * plan.workers):
            new = self._account(result, len(trials))
            if new is not None:
                yield new
            if progress is not None and progress(self.done, self.total) is False:
                return

    def _account(self, result, trials):
        """Record a result; return its row if it is new."""
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
            Failure(
                point.image,
                "score",
                f"the row has no {name}: {reason}",
                point.sha256,
                point.codec,
                point.codec_version,
                point.setting,
            )
            for name, reason in point.missing.items()
        ]
        return point if new else None


def sweep(
    images: Path | Iterable[Path],
    *,
    codecs: str | registry.Codec | Iterable[str | registry.Codec] = "jpeg",
    quality: float | Iterable[float] | None = None,
    crf: int | Iterable[int] | None = None,
    subsampling: str | Iterable[str] | None = None,
    effort: int | Iterable[int] | None = None,
    frames: int | None = None,
    metrics: MetricName | Iterable[MetricName] = ("psnr", "ssim"),
    progress: Progress | None = None,
    failed: Callable[[Failure], object] | None = None,
    workers: int = 1,
    memory: bool = True,
    done: Iterable[Point] = (),
    command: str = "",
) -> Sweep:
    """Encode every picture with every codec at every combination of settings, decode it again, and measure the result.

    Parameters
    ----------
    images : iterable of str or os.PathLike
        Files for `codec.formats.pictures.load`, or for `codec.sources.clips.load` if the codecs are video codecs.
        Pictures of 16 bits are reduced to 8, with a warning: codecs take 8, and scores are against what they took.
    codecs : iterable of str or codec.registry.Codec, or one
        Names (default "jpeg"), optionally with settings: "mozjpeg:subsampling=4:2:0/4:4:4,quality=20:95:5". Either all
        for pictures or all for videos.
    quality, crf, subsampling, effort : iterable, or one value
        Values for each codec that has the parameter and no values of its own. Defaults: quality 30, 40 ... 90, crf 22,
        27, 32, 37, else the default of the codec. All combinations are made, quality or crf innermost. A gray picture
        costs the same at every subsampling.
    frames : int, optional
        Number of frames to use from the start of each video; default all.
    metrics : iterable of str, or one
        Names of functions in `codec.metrics` that take two pictures.
    progress : callable, optional
        Called as ``progress(done, total)`` after every picture x setting; returning False ends the sweep.
    failed : callable, optional
        Called with every `Failure` without a row, as it happens, for example `RowFile.append`.
    workers : int
        Parallel encoders (default 1). More finish sooner but disturb the measured times. Everything else is the same.
    memory : bool
        Measure the peak memory of each encode, in a separate encode before the timed one (default; Linux, one worker).
    done : iterable of Point
        Existing rows. A trial with a row from the same codec and with all metrics is not measured again. The same: of
        the same version, and making the same bytes of a small fixed picture or clip with that setting (`fingerprint`).
    command : str
        Stored in the rows.

    Returns
    -------
    Sweep
        An iterator of `Point`. A failure gives no row but an entry in `failures`, and the sweep goes on; a later sweep
        tries it again. A metric that cannot be computed (SSIM of a picture below 11 x 11) is left out of the row, with
        the reason in `missing`.

    Raises
    ------
    ParameterError
        Immediately, before anything is read, if a codec, a setting or the name of a metric is wrong.
    MissingPackageError
        Immediately, if the package of a codec is not installed.

    Examples
    --------
    >>> from codec import rd
    >>> rows = rd.sweep(["samples/coffee.png"], codecs=("jpeg", "libjpeg-turbo"), quality=(50, 90))
    >>> [(row.codec, row.setting["quality"]) for row in rows], rows.failures
    ([('jpeg', 50), ('jpeg', 90), ('libjpeg-turbo', 50), ('libjpeg-turbo', 90)], [])
    """
    images = list(dict.fromkeys(os.fsdecode(image) for image in _several("images", images, str | bytes | os.PathLike)))
    shared = {
        name: _several(name, values, kind)
        for name, values, kind in (
            ("quality", quality, int | float),
            ("crf", crf, int),
            ("subsampling", subsampling, str),
            ("effort", effort, int),
        )
        if values is not None
    }
    trials = _trials(_several("codecs", codecs, str | registry.Codec), shared)
    media = trials[0].codec.media
    metrics = _several("metrics", metrics, str)
    for name in metrics:
        by_name(name)
    for name, value in (("workers", workers), ("frames", frames)):
        if (value is not None or name == "workers") and (not isinstance(value, int) or value < 1):
            raise ParameterError(f"{name} must be a positive integer, not {value!r}")
    if frames is not None and media == "image":
        raise ParameterError(f"frames is for videos, and {trials[0].codec.name} takes pictures")
    plan = _Plan(metrics, workers, memory and workers == 1, command, media, frames)
    return Sweep(images, trials, plan, progress, failed, _index(done, metrics))


def _trials(codecs, shared):
    parsed = [(codec, {}) if isinstance(codec, registry.Codec) else registry.parse(codec) for codec in codecs]
    for name in shared:
        if not any(name in codec.parameters for codec, _ in parsed):
            first, *others = dict.fromkeys(codec.name for codec, _ in parsed)
            who = f"none of {', '.join([first, *others])} has the" if others else f"{first} has no"
            raise ParameterError(f"{who} parameter {name!r}")
    trials, first = {}, parsed[0][0]
    for codec, own in parsed:
        codec.require()
        if codec.media != first.media:
            raise ParameterError(
                f"{first.name} takes {first.kind}s and {codec.name} {codec.kind}s: sweep them one after the "
                "other, into two files"
            )
        version = codec.version()
        given = {name: (parameter.default,) for name, parameter in codec.parameters.items()}
        given |= {name: values for name, values in (DEFAULTS | shared | own).items() if name in given}
        lists = {name: given[name] for name in sorted(given, key=codec.dial.__eq__)}
        for values in itertools.product(*lists.values()):
            trial = _Trial(codec, codec.setting(**dict(zip(lists, values))), version)
            trials.setdefault((codec.name, version, *trial.settings), trial)
    return list(trials.values())


def _several(name, values, single):
    """Values without duplicates. A single value becomes a tuple: a string must not be split into letters."""
    values = (values,) if isinstance(values, single | np.generic) else values
    values = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    values = tuple(value for i, value in enumerate(values) if value not in values[:i])
    if not values:
        raise ParameterError(f"{name} is empty, so there is nothing to measure: give at least one")
    return values


def _index(points, metrics):
    """{key or subject of a trial: row} for rows that have a value or a reason for every metric."""
    found = {}
    for p in points:
        if all(name in p.metrics or name in p.missing for name in metrics):
            about = (p.image, p.sha256, p.frames, p.codec, *sorted((name, str(v)) for name, v in p.setting.items()))
            found[about] = found[(*about, p.codec_version, p.fingerprint)] = p
    return found


def _jobs(images, trials, plan, done, warnings, outdated):
    """Callables that return (Point, whether it is new) or a Failure. A picture is decoded once, when its first job is
    taken, and only if a row is missing. A clip is always decoded, to count its frames.
    """
    for image in images:
        content, frames = None, 1
        try:
            data, sha256 = fetch(image)
            if plan.media == "video":
                content = decode(image, data, sha256, plan.media, plan.frames)
                frames = len(content.pixels.frames)
            found = [done.get(trial.key(image, sha256, frames)) if done else None for trial in trials]
            of_others = [done.get(trial.subject(image, sha256, frames)) for trial in trials]
            outdated += [old for new, old in zip(found, of_others) if new is None and old is not None]
            if None in found:
                content = content or decode(image, data, sha256, plan.media)
                warnings += [f"{image}: {message}" for message in content.warnings]
        except CodecError as error:
            yield partial(Failure, image, "read", str(error))
            continue
        for trial, old in zip(trials, found):
            yield partial(_measure, content, trial, plan) if old is None else partial(_old, old)


def _old(point):
    return point, False


def _measure(content, trial, plan):
    pixels, codec, setting = content.pixels, trial.codec, trial.setting
    stage = "encode"
    try:
        peak = peak_memory(partial(codec.run_encode, pixels, setting)) if plan.memory else None
        start = time.perf_counter()
        data = codec.run_encode(pixels, setting)
        encoded, stage = time.perf_counter(), "decode"
        decoded = codec.run_decode(data, pixels)
        end, stage = time.perf_counter(), "score"
        metrics, missing, pooled = score(plan.metrics, pixels, decoded)
    except CodecError as error:
        return Failure(content.image, stage, str(error), content.sha256, codec.name, trial.version, setting)
    height, width = content.size
    point = Point(
        image=content.image,
        sha256=content.sha256,
        width=width,
        height=height,
        codec=codec.name,
        setting=setting,
        metrics=metrics,
        encode_seconds=encoded - start,
        decode_seconds=end - encoded,
        workers=plan.workers,
        codec_version=trial.version,
        peak_memory=peak,
        fingerprint=trial.fingerprint,
        missing=missing,
        command=plan.command,
        pooled=pooled,
        **content.rate(byte_count(data)),
        **_origin(),
    )
    return point, True


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
    """Name of the processor, from /proc/cpuinfo on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            return next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
