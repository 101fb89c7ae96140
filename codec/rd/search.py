"""Find the cheapest quality, or crf, that reaches a target, measured on the final bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import registry
from ..errors import ParameterError
from ..frame import Video
from ..jpeg.target import reach
from ..metrics.names import facts
from ..quality import QUALITY_PARTS, as_quality
from ..registry.contract import DIALS, byte_count
from ..targets import narrow, parse_score
from .content import Content, decode, fetch, score

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from .._types import Path


@dataclass(frozen=True)
class Trial:
    """One encode of a search: quality (or crf), size in bytes, score."""

    quality: float
    bytes: int
    score: float


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes
    ----------
    codec : str
    setting : dict
        All parameters; "quality" is the lowest, or "crf" the highest, found to reach the target. One step cheaper was
        measured and misses it, unless there is none. For "jpeg" the file is the smallest that reaches it, to 0.5 %: the
        same file as from ``codec.encode(target=...)``.
    data : bytes, or list of bytes
        The picture, or the packets of the video, on which `score` was measured.
    score : float
        For a video the mean over its frames.
    rate : dict
        "bytes", "bpp", and for a video "bitrate" (kbit/s) and more, as in `Point`.
    trials : tuple of Trial
        All measurements, in order.
    """

    codec: str
    setting: dict[str, Any]
    data: bytes | list[bytes]
    score: float
    rate: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return self.rate["bpp"]


def find(
    image: Path | npt.NDArray[np.uint8] | Video,
    target: str,
    *,
    codec: str | registry.Codec = "jpeg",
    frames: int | None = None,
    **setting: Any,
) -> Found:
    """Find the cheapest quality, or crf, that reaches a target, by bisection: at most nine encodes for qualities of 1
    to 100. The fractional qualities of "jpeg" are searched as by ``codec.encode(target=...)``, in at most
    twelve, or eighteen where both subsamplings are tried.

    Even if scores are not monotonic in the quality, the result reaches the target and the next cheaper quality does
    not.

    Parameters
    ----------
    image : path, array or codec.frame.Video
        Pixels, or a file for `codec.formats.pictures.load`; for video codecs a `Video`, or a file for
        `codec.sources.clips.load`.
    target : str
        "ssim:0.98", "psnr:38", "ssimulacra2:70". For metrics where lower is better the value is an upper bound
        ("mse:20").
    codec : str or codec.registry.Codec
    frames : int, optional
        Number of frames to use from the start of a video file.
    **setting
        Other parameters of the codec.

    Returns
    -------
    Found

    Raises
    ------
    ParameterError
        If no quality reaches the target (the message states the range that can be reached), or the target or a setting
        is wrong.
    MissingPackageError, FileError, BitstreamError, PeerError
        From the codec and from reading the picture.

    Examples
    --------
    >>> from codec import rd
    >>> found = rd.find("samples/coffee.png", "psnr:35")
    >>> found.score >= 35, len(found.trials) <= 12
    (True, True)
    """
    target = parse_score(target)
    metric, wanted = target.measure, target.value
    codec = codec if isinstance(codec, registry.Codec) else registry.by_name(codec)
    dial = codec.dial
    if dial is None:
        raise ParameterError(f"{codec.name} has no quality to search for")
    if dial in setting:
        raise ParameterError(f"{dial} is what the search is for: leave it out")
    codec.require()
    codec.setting(**setting)
    search = _Search(codec, setting, _content(image, codec, frames), metric)
    parameter: Any = codec.parameters[dial]
    if parameter.parts == QUALITY_PARTS:
        return search.fine(target)
    steps = range(parameter.low, parameter.high + 1)[:: 1 if DIALS[dial] else -1]  # from the cheapest on
    first, last = search.score(steps[0]), search.score(steps[-1])
    reaches = (lambda score: score <= wanted) if facts(metric).lower_is_better else (lambda score: score >= wanted)
    if not reaches(last):
        raise ParameterError(
            f"{codec.name} cannot reach {metric} {wanted:g} of this {codec.kind}: it reaches "
            f"{first:.6g} ({dial} {steps[0]}) to {last:.6g} ({dial} {steps[-1]})"
        )
    if reaches(first):
        return search.found(steps[0])
    return search.found(steps[narrow(0, len(steps) - 1, lambda at: reaches(search.score(steps[at])))[1]])


def _content(image, codec, frames):
    if isinstance(image, Video) or hasattr(image, "shape"):
        found = Content("", "", image)
        if found.is_video != (codec.media == "video"):
            raise ParameterError(f"{codec.name} takes {codec.kind}s: give it one, or choose another codec")
        return found
    data, sha256 = fetch(image)
    return decode(image, data, sha256, codec.media, frames)


class _Search:
    """Encodes steps and keeps their bytes and scores."""

    def __init__(self, codec, setting, content, metric):
        self.codec = codec
        self.given = setting
        self.content = content
        self.metric = metric
        self.kept = {}
        self.trials = []

    def setting(self, step):
        return self.codec.setting(**self.given, **{self.codec.dial: step})

    def score(self, step):
        pixels = self.content.pixels
        data = self.codec.run_encode(pixels, self.setting(step))
        values, missing, _ = score([self.metric], pixels, self.codec.run_decode(data, pixels))
        if missing:
            raise ParameterError(missing[self.metric])
        self.kept[step] = data, values[self.metric]
        self.trials.append(Trial(step, byte_count(data), values[self.metric]))
        return values[self.metric]

    def fine(self, target):
        """The `Found` of the search of our encoder, whose qualities have steps of 1/64."""
        pixels = self.content.pixels
        deep = pixels if pixels.ndim == 3 else pixels[:, :, None]
        encode = lambda step, **settled: self.codec.run_encode(pixels, self.setting(as_quality(step)) | settled)
        has_choice = deep.shape[2] > 1 and self.codec.setting(**self.given)["subsampling"] == "auto"
        made = reach(str(target), deep, encode, has_choice)
        if made.subsampling:
            self.given["subsampling"] = made.subsampling
        self.kept[made.quality] = made.data, made.achieved
        self.trials = [Trial(*trial) for trial in made.trials]
        return self.found(made.quality)

    def found(self, step):
        data, value = self.kept[step]
        return Found(
            self.codec.name, self.setting(step), data, value, self.content.rate(byte_count(data)), tuple(self.trials)
        )
