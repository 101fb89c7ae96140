"""Many settings of many codecs about few pictures or clips: encode, decode, compare, one row each."""

import functools
import itertools
import os
import platform
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed

import numpy as np

from .. import __version__, cpu, registry
from ..errors import CodecError, ParameterError
from ..executors import in_order
from ..metrics import by_name
from ..registry.contract import byte_count
from .content import decode, fetch, score
from .memory import peak_memory
from .points import Failure, Point

QUALITIES = (30, 40, 50, 60, 70, 80, 90)
CRFS = (22, 27, 32, 37)  # the quantizers of the common test conditions of HEVC and VVC
DEFAULTS = {"quality": QUALITIES, "crf": CRFS, "qp": CRFS}


@dataclass(frozen=True)
class _Trial:
    """A codec at one setting."""

    codec: registry.Codec
    setting: dict
    version: str

    def key(self, image="", sha256="", frames=1):
        return (
            image,
            sha256,
            frames,
            self.codec.name,
            self.version,
            *sorted((name, str(value)) for name, value in self.setting.items()),
        )


@dataclass(frozen=True)
class _Plan:
    """What is the same for all rows."""

    metrics: tuple
    workers: int
    memory: bool
    command: str
    media: str
    frames: int | None


class Sweep:
    """A running sweep: iterate over it once to get its rows; made by `sweep`.

    Attributes
    ----------
    total : int
        Pictures, or clips, times codecs times settings.
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
        jobs = _jobs(images, trials, plan, done, self.warnings)
        # Few jobs ahead, so that few pictures are in memory at a time.
        for result in in_order(jobs, plan.workers, ahead=2 * plan.workers):
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
    images,
    *,
    codecs="jpeg",
    quality=None,
    crf=None,
    subsampling=None,
    effort=None,
    frames=None,
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
        Files of any format that `codec.formats.pictures.load` reads; or `codec.sources.clips.load`, where the codecs are of videos.
    codecs : iterable of str or codec.registry.Codec, or one
        Names, "jpeg" if not given; or names with settings of their own: "mozjpeg:subsampling=4:2:0/4:4:4,quality=20:95:5". All of pictures or all
        of videos.
    quality, crf, subsampling, effort : iterable, or one value
        For each codec that has such a parameter and is not given its own values; quality is 30, 40 ... 90 if not given, crf 22, 27, 32, 37, the
        others are as the codec has them. All combinations are made, quality or crf innermost. A gray picture costs the same at every subsampling.
    frames : int, optional
        Of videos: so many frames from the start of each, or all.
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
            raise ParameterError(f"none of {', '.join(codec.name for codec, _ in parsed)} has the parameter {name!r}")
    trials, first = {}, parsed[0][0]
    for codec, own in parsed:
        codec.require()
        if codec.media != first.media:
            raise ParameterError(
                f"{first.name} takes {first.kind}s and {codec.name} {codec.kind}s: sweep them one after the other, into two files"
            )
        version = codec.version()
        given = {name: (parameter.default,) for name, parameter in codec.parameters.items()}
        given |= {name: values for name, values in (DEFAULTS | shared | own).items() if name in given}
        lists = {name: given[name] for name in sorted(given, key=codec.dial.__eq__)}
        for values in itertools.product(*lists.values()):
            trial = _Trial(codec, codec.setting(**dict(zip(lists, values))), version)
            trials.setdefault(trial.key(), trial)
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
        (
            p.image,
            p.sha256,
            p.frames,
            p.codec,
            p.codec_version,
            *sorted((name, str(value)) for name, value in p.setting.items()),
        ): p
        for p in points
        if all(name in p.metrics or name in p.missing for name in metrics)
    }


def _jobs(images, trials, plan, done, warnings):
    """Callables that return (Point, whether it is new) or a Failure. A picture is decoded when its first job is asked for, once, and if it has
    jobs at all; a clip always, since only then it is known how many frames it has."""
    for image in images:
        content, frames = None, 1
        try:
            data, sha256 = fetch(image)
            if plan.media == "video":
                content = decode(image, data, sha256, plan.media, plan.frames)
                frames = len(content.pixels.frames)
            found = [done.get(trial.key(image, sha256, frames)) for trial in trials]
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
    """Its name, where the system tells (Linux)."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            return next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
