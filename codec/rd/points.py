"""Rows of a sweep, one per picture and setting, and its failures, as JSON lines.

A file holds one JSON object per line, each with "schema". An object without "kind" is a row with the fields of `Point`.
One of kind "failure" has the fields of `Failure`. Files are append-only: a later line supersedes an earlier one about
the same thing.
"""

import contextlib
import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..errors import FileError, ParameterError
from ..registry.contract import DIALS

if TYPE_CHECKING:
    from typing import TypeVar

    from .._types import Path

    AnyRow = TypeVar("AnyRow", "Point", "Mean")

SCHEMA = (
    3  # incremented when older readers cannot read the file; 1 had no fields with defaults, 2 no failures and no videos
)
STAGES = ("read", "encode", "decode", "score")


@dataclass(frozen=True)
class Point:
    """Rate, scores and times of one picture or clip at one setting.

    Attributes
    ----------
    image : str
        Path of the picture or clip, as it was given.
    sha256 : str
        Hash of the file's content, in hexadecimal; identifies the picture under other names.
    width, height : int
        In pixels.
    codec : str
        A name of `codec.registry`: "jpeg", "mozjpeg", ...
    setting : dict
        All parameters of the codec: "quality", "subsampling", "effort", ...
    bytes : int
        Compressed size; for a clip without the container.
    bpp : float
        Bits per pixel, 8 bytes / (width height frames).
    metrics : dict
        {name: value}, original against decoded; for a clip the mean over its frames. `inf` is the string "inf" in JSON.
    encode_seconds, decode_seconds : float
        Wall-clock time of one call each, from pixels in memory to bytes in memory and back.
    workers : int
        Number of parallel encoders. Times of rows with more than one are not comparable to those with one.
    codec_version, python, machine, cpu : str
        Origin of the row: version of the codec under test, of Python, system and processor, level of vector
        instructions.
    peak_memory : int or None
        Peak increase of resident memory during one encode, in bytes; None if not measured.
    fingerprint : str
        Digest of what the codec makes of a small fixed picture with this setting; the same version may be built from
        other sources. Empty in older rows, for video codecs, and if the codec refuses that picture.
    missing : dict
        {name: reason} of requested metrics that could not be computed.
    versions : dict
        Versions of packages.
    command : str
        The command line, if any.
    media : str
        "image" or "video".
    frames : int
        Number of frames measured, from the start of the clip; 1 for a picture.
    fps, bitrate : float or None
        For a clip: frames per second, and kbit/s, 8 bytes fps / frames / 1000.
    pooled : dict
        For a clip: {name of a metric: {"harmonic_mean", "min", "p1", "p5", "p10", "p50"}} over its frames, and {"max",
        "p99", "p95", "p90", "p50"} where lower is better (`codec.metrics.video`).
    """

    image: str
    sha256: str
    width: int
    height: int
    codec: str
    setting: dict
    bytes: int
    bpp: float
    metrics: dict
    encode_seconds: float
    decode_seconds: float
    workers: int
    codec_version: str
    python: str
    machine: str
    cpu: str
    peak_memory: int | None = None
    fingerprint: str = ""
    missing: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    command: str = ""
    media: str = "image"
    frames: int = 1
    fps: float | None = None
    bitrate: float | None = None
    pooled: dict = field(default_factory=dict)

    @property
    def picture(self) -> tuple[str, str]:
        """(name, sha256) of what was measured. The same clip with another number of frames counts as another one."""
        return (self.image if self.media == "image" else f"{self.image} ({self.frames} frames)"), self.sha256

    @property
    def rate(self) -> float:
        """The rate of the row: bits per pixel of a picture, kbit/s of a clip (`RATES`)."""
        return self.bpp if self.media == "image" else self.bitrate  # type: ignore[return-value]  # videos have one

    @property
    def mpixels(self) -> float:
        """Millions of pixels in all frames."""
        return self.width * self.height * self.frames / 1e6

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `from_json` restores an equal point."""
        row = {"schema": SCHEMA, **asdict(self)}
        row["metrics"] = _written(self.metrics)
        row["pooled"] = {name: _written(ways) for name, ways in self.pooled.items()}
        return row

    def line(self) -> str:
        """The row as one line of ASCII JSON, which preserves even file names that are not valid text."""
        return json.dumps(self.to_json(), allow_nan=False)

    @classmethod
    def from_json(cls, row: Any) -> "Point":
        """Inverse of `to_json`; raises ParameterError for anything else."""
        given = _fields(cls, row)
        try:
            metrics = {name: float(value) for name, value in given["metrics"].items()}
            pooled = {
                name: {way: float(value) for way, value in ways.items()}
                for name, ways in given.get("pooled", {}).items()
            }
        except (AttributeError, TypeError, ValueError) as error:
            raise ParameterError(
                f"metrics must map names to numbers, and pooled names to such maps: {error}"
            ) from error
        point = cls(**{**given, "metrics": metrics, "pooled": pooled})
        if (
            point.media not in RATES
            or (point.media == "video" and None in (point.fps, point.bitrate))
            or point.frames < 1
        ):
            raise ParameterError(
                f"media {point.media!r} with {point.frames} frames, fps {point.fps}, bitrate {point.bitrate}: no "
                "such row is written"
            )
        return point


# Unit of `Point.rate`, and the label of its axis.
RATES = {"image": ("bpp", "bits per pixel"), "video": ("kbit/s", "kbit/s")}


def media_of(points: Iterable["Point | Mean"]) -> str:
    """ "image" or "video": the kind of the rows or means.

    Raises
    ------
    ParameterError
        If there are both: bits per pixel of pictures and kbit/s of videos share neither mean nor axis.
    """
    found = {point.media for point in points} or {"image"}
    if len(found) > 1:
        raise ParameterError(
            "some rows are of pictures and some of videos, whose rates and scores are not comparable: keep them "
            "in two files"
        )
    return found.pop()


def _written(values):
    return {name: str(value) if math.isinf(value) else value for name, value in values.items()}


@dataclass(frozen=True)
class Failure:
    """A failed measurement: a picture at one setting, a picture that could not be read, or one metric of a row.

    Attributes
    ----------
    image : str
        Path, as it was given.
    stage : str
        "read": only the path is known, and every setting failed. "encode", "decode". "score": the pictures cannot be
        compared, or one metric has no value; its reason is then in the row (`Point.missing`), not in a record of its
        own.
    reason : str
    sha256 : str
        Hash of the file's content; empty if it was not read.
    codec, codec_version : str
    setting : dict or None
        All parameters of the codec; None if the picture was not read.
    """

    image: str
    stage: str
    reason: str
    sha256: str = ""
    codec: str = ""
    codec_version: str = ""
    setting: dict | None = None

    def __str__(self) -> str:
        at = (
            ""
            if self.setting is None
            else " at " + ", ".join([self.codec, *(f"{name} {value}" for name, value in self.setting.items())])
        )
        return f"{self.image}{at}: {self.reason}"

    @property
    def key(self) -> tuple[Any, ...]:
        """Identifies what failed, regardless of the version of the codec and the content of the file; later records
        with the same key supersede.
        """
        return _key(self.image, self.codec, self.setting)

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `from_json` restores an equal failure."""
        return {"schema": SCHEMA, "kind": "failure", **asdict(self)}

    def line(self) -> str:
        """The record as one line of ASCII JSON."""
        return json.dumps(self.to_json(), allow_nan=False)

    @classmethod
    def from_json(cls, row: Any) -> "Failure":
        """Inverse of `to_json`; raises ParameterError for anything else."""
        found = cls(**_fields(cls, row))
        if found.stage not in STAGES:
            raise ParameterError(f"stage must be one of {', '.join(STAGES)}, not {found.stage!r}")
        return found


def _key(image, codec, setting):
    return image, codec, *sorted((name, str(value)) for name, value in (setting or {}).items())


def outstanding(records: Iterable[Point | Failure]) -> list[Failure]:
    """The failures that no later record supersedes. Records are rows and failures in file order.

    A row or a newer failure supersedes the failures of its picture at its setting, for any version of the codec. Any
    record made after reading a picture supersedes the failure to read it.

    Examples
    --------
    >>> from codec import rd
    >>> settings = [{"quality": quality} for quality in (50, 60, 50)]
    >>> failures = [rd.Failure("a.png", "encode", "no memory", codec="jpeg", setting=one) for one in settings]
    >>> [failure.setting["quality"] for failure in rd.outstanding(failures)]
    [60, 50]
    """
    found = {}
    for record in records:
        key = _key(record.image, record.codec, record.setting)
        found.pop(key, None)
        if record.codec:
            found.pop(_key(record.image, "", None), None)
        if isinstance(record, Failure):
            found[key] = record
    return list(found.values())


def _fields(cls, row):
    """Check the fields of a record from JSON."""
    if not isinstance(row, dict):
        raise ParameterError(f"a row is a JSON object, not {type(row).__name__}")
    if row.get("schema") not in range(1, SCHEMA + 1):
        raise ParameterError(f"schema {row.get('schema')!r}, and this version reads 1 to {SCHEMA}")
    known = {field.name: field.type for field in fields(cls)}
    needed = [field.name for field in fields(cls) if field.default is field.default_factory is MISSING]
    wrong = [f"{name} is missing" for name in needed if name not in row]
    wrong += [f"{name} is unknown" for name in row if name not in known and name not in ("schema", "kind")]
    wrong += [
        f"{name} must be {getattr(kind, '__name__', kind)}, not {row[name]!r}"
        for name, kind in known.items()
        if name in row and not _is(kind, row[name])
    ]
    if wrong:
        raise ParameterError("; ".join(wrong))
    return {name: row[name] for name in known if name in row}


def _is(kind, value):
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def read_points(path: "Path", *, problems: list[str] | None = None) -> list[Point]:
    """The rows of a JSONL file, as a list of `Point`: `read_records` without the failures."""
    return [record for record in read_records(path, problems=problems) if isinstance(record, Point)]


def read_records(path: "Path", *, problems: list[str] | None = None) -> list[Point | Failure]:
    """All records of a JSONL file, in order, as a list of `Point` and `Failure`. `outstanding` selects the failures
    that still count.

    Parameters
    ----------
    path : str or os.PathLike
    problems : list, optional
        Collects a message for each malformed line, and the others are returned. Without it the first malformed line
        raises.

    Raises
    ------
    FileError
        If the file cannot be read, or a line is malformed; names the file and the line.
    """
    name, records = os.fsdecode(path), []
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    records.append(read_line(name, number, line))
                except FileError as error:
                    if problems is None:
                        raise
                    problems.append(str(error))
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot read {name}: {error.strerror or error}") from error
    return records


def read_line(name: str, number: int, line: bytes) -> Point | Failure:
    """The `Point` or `Failure` on one line of the file called `name`; raises FileError if it is neither."""
    try:
        row = json.loads(line)
        kind = row.get("kind", "row") if isinstance(row, dict) else "row"
        if kind not in ("row", "failure"):
            raise ParameterError(f"kind {kind!r}, and there are rows and failures")
        return (Failure if kind == "failure" else Point).from_json(row)
    except ValueError as error:  # ParameterError, JSONDecodeError and UnicodeDecodeError are all ValueErrors
        raise FileError(f"{name}:{number}: not a row of a sweep: {error}; delete the line, or sweep again") from error


def write_points(path: "Path", points: Iterable[Point]) -> list[Point]:
    """Write rows as JSONL, each as soon as it is measured.

    Rows go to `path` + ".part", which is renamed to `path` after the last one. An interrupted sweep leaves its rows in
    the ".part" file, and an older file at `path` stays until the new one is complete.

    Parameters
    ----------
    path : str or os.PathLike
        Its folder must exist.
    points : iterable of Point
        A list, or a running `Sweep`. `RowFile` keeps failures too.

    Returns
    -------
    list of Point
        The rows written.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec import rd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = rd.write_points(os.path.join(folder, "rows.jsonl"), [])
    ...     rd.read_points(os.path.join(folder, "rows.jsonl"))
    []
    """
    path = os.fsdecode(path)
    points = iter(points)
    written = []
    with write_errors(path):
        stream = open(path + ".part", "w", encoding="ascii", newline="\n")
    with stream:
        for point in points:
            with write_errors(path):
                stream.write(point.line() + "\n")
                stream.flush()
            written.append(point)
    with write_errors(path):
        os.replace(path + ".part", path)
    return written


@contextlib.contextmanager
def write_errors(path):
    try:
        yield
    except OSError as error:
        raise FileError(
            f"cannot write {path}: {error.strerror or error}; check the folder and its free space"
        ) from error


@dataclass(frozen=True)
class Mean:
    """Arithmetic means over the pictures or clips that have a row at one setting.

    Attributes
    ----------
    codec, codec_version : str
    setting : dict
        All parameters of the codec.
    images : int
        Pictures or clips averaged.
    bpp : float
        Bits per pixel.
    metrics : dict
        Name to mean value, for the metrics that every row has.
    encode_mpixels_per_second, decode_mpixels_per_second : float
        Megapixels of all pictures over the time of all.
    media : str
        "image" or "video".
    bitrate : float or None
        kbit/s, for videos.
    """

    codec: str
    codec_version: str
    setting: dict
    images: int
    bpp: float
    metrics: dict
    encode_mpixels_per_second: float
    decode_mpixels_per_second: float
    media: str = "image"
    bitrate: float | None = None

    @property
    def rate(self) -> float:
        """As `Point.rate`."""
        return self.bpp if self.media == "image" else self.bitrate  # type: ignore[return-value]  # videos have one


def means(points: Iterable[Point]) -> list[Mean]:
    """One `Mean` per codec, version and setting, in order of appearance, over the pictures that have a row at every
    setting.

    Means over different pictures would compare the pictures, so a picture that lacks a setting is left out everywhere,
    and so is a metric that some row lacks. The last row of a picture and setting counts.

    Raises
    ------
    ParameterError
        If no picture has all settings, or rows mix pictures and videos.
    """
    points = list(points)
    media_of(points)
    table = _by_setting(points)
    if not table:
        return []
    shared = set.intersection(*(set(rows) for rows in table.values()))
    if not shared:
        raise ParameterError(
            "no picture has a row at every setting, so no mean is comparable: sweep the same pictures at all of them"
        )
    rows = [[point for image, point in column.items() if image in shared] for column in table.values()]
    names = [name for name in rows[0][0].metrics if all(name in point.metrics for column in rows for point in column)]
    return [_mean(column, names) for column in rows]


def _by_setting(points):
    """{codec, version and setting: {picture: its last row}}, in order of appearance."""
    table = {}
    for point in points:
        key = point.codec, point.codec_version, *sorted(_hashable(point.setting))
        table.setdefault(key, {})[point.picture] = point
    return table


def _hashable(setting):
    """(name, value) of each setting; of rows by other programs values may be lists."""
    return ((k, str(v) if isinstance(v, list | dict) else v) for k, v in setting.items())


def averageable(points: Iterable[Point], metric: str) -> tuple[list[Point], list[str]]:
    """The rows for `means` of a metric, and the names of the pictures that are left out.

    A picture is left out if its value is infinite (it equals its original) at a setting where that of another picture
    is not: the mean of that setting would be infinite. Rows without the metric are left out too.

    Examples
    --------
    >>> from codec import rd
    >>> rd.averageable(rd.sweep("samples/coffee.png", quality=50, metrics="psnr"), "psnr")[1]
    []
    """
    having = [point for point in points if metric in point.metrics]
    left_out = {}
    for column in _by_setting(having).values():
        infinite = [picture for picture, point in column.items() if math.isinf(point.metrics[metric])]
        left_out |= dict.fromkeys(infinite if len(infinite) < len(column) else ())
    return [point for point in having if point.picture not in left_out], [name for name, _ in left_out]


def some_of(names: Iterable[str]) -> str:
    """The first three names and how many more there are.

    >>> from codec.rd.points import some_of
    >>> some_of("abcde")
    'a, b, c and 2 more'
    """
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _mean(points, names):
    def mean(values):
        return math.fsum(values) / len(points)

    mpixels = sum(p.mpixels for p in points)
    return Mean(
        codec=points[0].codec,
        codec_version=points[0].codec_version,
        setting=points[0].setting,
        images=len(points),
        bpp=mean(p.bpp for p in points),
        metrics={name: mean(p.metrics[name] for p in points) for name in names},
        encode_mpixels_per_second=mpixels / sum(p.encode_seconds for p in points),
        decode_mpixels_per_second=mpixels / sum(p.decode_seconds for p in points),
        media=points[0].media,
        bitrate=mean(p.bitrate for p in points) if points[0].media == "video" else None,
    )


def family(point: Point | Mean) -> tuple[Any, ...]:
    """A hashable key for the curve of a row: codec, version, and all settings except the dial."""
    settings = (pair for pair in _hashable(point.setting) if pair[0] not in DIALS)
    return (point.codec, point.codec_version, *sorted(settings, reverse=True))


def families(points: "Iterable[AnyRow]") -> "dict[str, list[AnyRow]]":
    """{name: rows, or means} by `family`, in order of appearance. Names contain only what differs.

    Within a codec that is every setting with several values, and the version if there are several. Between codecs it is
    the subsampling, the only setting with the same meaning for all of them.
    """
    groups = {}
    for point in points:
        groups.setdefault(family(point), []).append(point)
    codecs, versions = {}, {}
    for codec, version, *settings in groups:
        codecs.setdefault(codec, []).append(set(settings))
        versions.setdefault(codec, set()).add(version)
    common = {codec: set.intersection(*several) if len(groups) > 1 else set() for codec, several in codecs.items()}
    subsamplings = {pair for _, _, *settings in groups for pair in settings if pair[0] == "subsampling"}
    names = {}
    for key in groups:
        codec, version, *settings = key
        hidden = common[codec] - (subsamplings if len(subsamplings) > 1 else set())
        parts = (
            [f"{codec} ({version})"] if len(versions[codec]) > 1 else [codec] * (len(codecs) > 1 or len(groups) == 1)
        )
        parts += [_said(k, v) for k, v in settings if (k, v) not in hidden]
        names[key] = ", ".join(parts) or codec
    named = {}
    for key, rows in groups.items():
        named.setdefault(names[key], []).extend(rows)
    return named


def _said(name, value):
    """A setting in the name of a family; subsampling goes without its name."""
    if name == "subsampling":
        return "automatic subsampling" if value == "auto" else str(value)
    return f"{name} {value}"


def pick_family(groups: Mapping[str, Any], name: str) -> str:
    """The name in `groups`, from `families`, that `name` denotes: itself, a codec with a single family, or a unique
    part of a name.

    Raises
    ------
    ParameterError
        If none or several match; lists the names.
    """
    if name in groups:
        return name
    of_codec = [known for known, rows in groups.items() if rows[0].codec == name]
    if len(of_codec) == 1:
        return of_codec[0]
    with_part = [known for known in groups if str(name) in known]
    if len(with_part) == 1 and name:
        return with_part[0]
    near = difflib.get_close_matches(str(name), groups, n=1)
    problem = f"no family is called {name!r}"
    if of_codec or (with_part and name):
        problem = f"{name!r} {'has' if of_codec else 'is part of the names of'} several families of settings"
        raise ParameterError(f"{problem}: there are {'; '.join(map(repr, of_codec or with_part))}")
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ParameterError(f"{problem}: {hint}there are {'; '.join(map(repr, groups))}")
